"""How PyTorch differentiates, whatever its settings."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.checkpoint import checkpoint

from gradproof.backends.transformations import Transformations, Unsupported


def copied(gradient: Sequence[torch.Tensor | None]) -> tuple[torch.Tensor | None, ...]:
    """The gradient in memory of its own: a backward pass may hand out memory that it writes to again the next time."""
    return tuple(None if part is None else part.clone() for part in gradient)


class TorchTransformations(Transformations):
    """PyTorch, eager in every mode but `compiled`: torch.compile takes a second or more for every function."""

    name = "torch"
    # Measured, PyTorch 2.13.0 on x86-64, eager and vmap: subnormal inputs and results of * / sum exp survive; but in
    # bfloat16 convolutions, and gelu of 64 entries, take subnormal factors for zero.
    flushes_subnormals = ("cpu-bfloat16",)

    def version(self) -> str:
        return str(torch.__version__)

    def to_numpy(self, array: Any) -> np.ndarray:
        if not torch.is_tensor(array):
            raise TypeError(f"{array!r} is a {type(array).__name__}, not a PyTorch tensor")
        # NumPy has no bfloat16; float32 holds its values. By force: also from the graph, the GPU and a symbolic zero.
        return (array.float() if array.dtype == torch.bfloat16 else array).numpy(force=True)

    def dtype_of(self, array: torch.Tensor) -> str:
        return str(array.dtype).removeprefix("torch.")

    def gradient(self, f: Callable) -> Callable:
        def gradient(*arguments: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
            # Inside a functional transformation a tensor cannot become a leaf; there only another one will do, and
            # what is unconnected gets zeros.
            if torch._C._functorch.is_functorch_wrapped_tensor(arguments[0]):
                return torch.func.grad(f, tuple(range(len(arguments))))(*arguments)
            leaves = tuple(argument.detach().clone().requires_grad_() for argument in arguments)
            result = f(*leaves)
            if not result.requires_grad:
                return (None,) * len(leaves)
            return copied(torch.autograd.grad(result, leaves, allow_unused=True))

        return gradient

    def value_and_gradient(self, f: Callable) -> Callable:
        def both(*arguments: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor | None, ...]]:
            leaves = tuple(argument.detach().clone().requires_grad_() for argument in arguments)
            result = f(*leaves)
            if not result.requires_grad:
                return result, (None,) * len(leaves)
            return result.detach(), torch.autograd.grad(result, leaves, allow_unused=True)

        return both

    def value_and_tangent(self, f: Callable) -> Callable:
        def push(*arrays: torch.Tensor) -> Any:
            count = len(arrays) // 2
            return torch.func.jvp(f, arrays[:count], arrays[count:])

        return _unwarned(push)

    def inner_gradient(self, f: Callable) -> Callable:
        def gradient(*arguments: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
            if torch._C._functorch.is_functorch_wrapped_tensor(arguments[0]):
                return torch.func.grad(f, tuple(range(len(arguments))))(*arguments)
            result = f(*arguments)
            if not result.requires_grad:
                return (None,) * len(arguments)
            return torch.autograd.grad(result, arguments, create_graph=True, allow_unused=True)

        return gradient

    def jvp(self, f: Callable) -> Callable:
        def push(*arrays: torch.Tensor) -> Any:
            count = len(arrays) // 2
            return torch.func.jvp(f, arrays[:count], arrays[count:])[1]

        return _unwarned(push)

    def vectorize(self, f: Callable) -> Callable:
        return _unwarned(torch.func.vmap(f))

    def checkpoint(self, f: Callable) -> Callable:
        return lambda *arguments: checkpoint(f, *arguments, use_reentrant=False)

    def compile(self, f: Callable) -> Callable:
        # Of one piece of code it keeps eight versions, and quietly leaves the next as it is; and what differs between
        # two of them it no longer takes for a constant. All functions of the registry are one piece of code to it.
        # Imported here: it takes as long as PyTorch itself.
        from torch import _dynamo
        from torch._dynamo.utils import counters

        _dynamo.reset()
        counters.clear()
        compiled = _unwarned(_unwarned(torch.compile)(f))

        def run(*arguments: Any) -> Any:
            result = compiled(*arguments)
            if not counters["stats"]["unique_graphs"]:
                raise Unsupported("torch.compile left the whole function as it is: what would be verified is eager")
            return result

        return run

    def compiled_gradient(self, f: Callable) -> Callable:
        # The compiler makes the backward pass from a compiled function; a gradient within one it would not follow.
        return self.gradient(self.compile(f))

    def with_pullback(self, f: Callable, rule: Callable) -> Callable:
        class WithPullback(torch.autograd.Function):
            generate_vmap_rule = True

            @staticmethod
            def forward(*arguments: torch.Tensor) -> torch.Tensor:
                return f(*arguments)

            @staticmethod
            def setup_context(ctx: Any, inputs: tuple, output: torch.Tensor) -> None:
                ctx.save_for_backward(*inputs)

            @staticmethod
            def backward(ctx: Any, cotangent: torch.Tensor) -> tuple:
                with torch.enable_grad():
                    return tuple(rule(ctx.saved_tensors, cotangent))

        return WithPullback.apply

    def with_tangent(self, f: Callable, rule: Callable) -> Callable:
        class WithTangent(torch.autograd.Function):
            @staticmethod
            def forward(x: torch.Tensor) -> torch.Tensor:
                return f(x)

            @staticmethod
            def setup_context(ctx: Any, inputs: tuple, output: torch.Tensor) -> None:
                ctx.save_for_forward(*inputs)

            @staticmethod
            def jvp(ctx: Any, tangent: torch.Tensor) -> torch.Tensor:
                return rule(*ctx.saved_tensors, tangent)

        return WithTangent.apply

    def is_compiling(self, array: Any) -> bool:
        return torch.compiler.is_compiling()

    def is_mapped(self, array: Any) -> bool:
        while torch._C._functorch.is_functorch_wrapped_tensor(array):
            if torch._C._functorch.is_batchedtensor(array):
                return True
            array = torch._C._functorch.get_unwrapped(array)
        return False


def _unwarned(f: Callable) -> Callable:
    """Without PyTorch's warnings of what its own forward mode and compiler are built with, and of an operation that it
    maps over a batch one by one; they would end the run."""

    def run(*arguments: Any) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*torch.jit.* is deprecated", DeprecationWarning)
            warnings.filterwarnings("ignore", ".*torch._prims_common.check. is deprecated", FutureWarning)
            warnings.filterwarnings("ignore", "The .grad attribute of a Tensor that is not a leaf", UserWarning)
            warnings.filterwarnings("ignore", "There is a performance drop because", UserWarning)
            # Its compiler imports Setuptools, when it likes; where pip was imported before, the old distutils.
            warnings.filterwarnings("ignore", "The distutils package is deprecated", DeprecationWarning)
            warnings.filterwarnings("ignore", "Distutils was imported before Setuptools", UserWarning)
            warnings.filterwarnings("ignore", "Setuptools is replacing distutils", UserWarning)
            return f(*arguments)

    return run
