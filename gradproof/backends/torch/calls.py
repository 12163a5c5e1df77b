"""Somebody's own function of PyTorch tensors, modules among its arguments included."""

import contextlib
import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.autograd import forward_ad as fwAD
from torch.autograd.gradcheck import GradcheckError
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from gradproof.backends.calls import Calls, one_after_the_other
from gradproof.backends.torch.summed import telling
from gradproof.backends.torch.trace import trace
from gradproof.backends.torch.transformations import TorchTransformations, copied
from gradproof.backends.tracing import Traced
from gradproof.backends.transformations import Unsupported
from gradproof.backends.trees import Leaf, key_path
from gradproof.oracles.tape import Untraceable

NOT_DENSE = "tensors that are not dense are not traced"
OVERWRITTEN = "modified by an inplace operation"
"""In what PyTorch raises where a backward pass has written to what the forward pass saved for it."""

DETACHED = (
    "runs a backward pass, which leaves gradients with its arguments, and returns what is detached from them: nothing "
    "says of what they are the gradient. Return that itself, without .detach(), .data or no_grad"
)
ITS_OWN = (
    "reads a tensor of its own that is among the arguments as well, and another value in the place of the argument "
    "would not reach it. Give a module as an argument, as in check_grads(lambda net, x: net(x), (net, x)), and read a "
    "tensor by the argument"
)

MAKE_IT_INSIDE = "Give truth=, the same on dense tensors; or dense arguments, of which the function makes the others."


CURES = {
    "returned an invalid gradient": (
        "Of each argument of forward the backward pass returns a gradient of its shape: sum over the axes along "
        "which it was broadcast"
    ),
    "returned an incorrect number of gradients": (
        "The backward pass returns a gradient for each argument of forward, None where there is none"
    ),
    "You must implement the jvp function": "It has no forward mode: leave 'fwd' out of modes, or give it a jvp",
}


class TorchCalls(Calls):
    """Trees are PyTorch's. A module among the arguments stands for its parameters, under their names; so does one that
    is itself the function."""

    transformations = TorchTransformations()
    checker_error = GradcheckError
    cures = CURES
    hands_otherwise = True

    def flatten(self, tree: Any) -> tuple[list[Leaf], Callable[[Sequence[Any]], Any]]:
        found, structure = pytree.tree_flatten_with_path(tree)
        named = [("".join(map(_step, path)), leaf) for path, leaf in found]
        return named, lambda given: pytree.tree_unflatten(list(given), structure)

    def leaves(self, tree: Any) -> list[Any]:
        return [tree] if torch.is_tensor(tree) else pytree.tree_leaves(tree)

    def applied(self, f: Callable, args: tuple, dtype: str = "") -> tuple[list[Leaf], Callable[[Sequence[Any]], Any]]:
        found, rebuild = self.flatten(args)
        modules = {where: leaf for where, leaf in found if isinstance(leaf, nn.Module)}
        plain = [(where, leaf) for where, leaf in found if where not in modules]
        if isinstance(f, nn.Module):
            modules[""] = f
        if not modules:
            return super().applied(f, args, dtype)
        parameters = _parameters_of(modules)

        def run(*arrays: Any) -> Any:
            rest = iter(arrays)
            return f(*rebuild([modules[where] if where in modules else next(rest) for where, _ in found]))

        call = _Call(run, modules.values())
        names = {where: f"held.{number}." for number, where in enumerate(modules)}

        def of_leaves(given: Sequence[Any]) -> Any:
            swapped = {names[w] + n: g for (w, n, _), g in zip(parameters, given[len(plain) :], strict=True)}
            # A forward pass may write to its buffers, as batch normalization does; the caller's stay as they are.
            kept = {name: _copied(buffer, dtype) for name, buffer in call.named_buffers()}
            return torch.func.functional_call(call, swapped | kept, tuple(given[: len(plain)]))

        return plain + [(f"{where}.{name}", parameter) for where, name, parameter in parameters], of_leaves

    def is_traced(self, leaf: Any) -> bool:
        return torch.is_tensor(leaf) and torch._C._functorch.is_functorch_wrapped_tensor(leaf)

    def is_array(self, leaf: Any) -> bool:
        return torch.is_tensor(leaf)

    def dtype_of(self, leaf: Any) -> str:
        return str(leaf.dtype).removeprefix("torch.")

    def to_numpy(self, leaf: Any) -> np.ndarray:
        if torch.is_tensor(leaf) and (leaf.layout != torch.strided or leaf.is_mkldnn):
            raise Untraceable("sparse tensors", NOT_DENSE, cure=MAKE_IT_INSIDE)
        if torch.is_tensor(leaf) and leaf.is_meta:
            raise Untraceable("tensors on the meta device", "they have no numbers", cure="Give them on another device.")
        return self.transformations.to_numpy(leaf)

    def like(self, values: np.ndarray, leaf: Any, dtype: str) -> torch.Tensor:
        made = torch.tensor(np.asarray(values), dtype=getattr(torch, dtype), device=leaf.device)
        return made.requires_grad_(leaf.requires_grad)

    def device_of(self, leaf: Any) -> str:
        return "gpu" if leaf.is_cuda else "cpu"

    @contextlib.contextmanager
    def at_work(self, tell: Callable[[str], None]) -> Iterator[None]:
        with torch.enable_grad(), telling(tell, self._names_of):
            yield

    def _names_of(self, function: type) -> list[str]:
        return [parameter.name for parameter in self.parameters_of(function.apply)]

    def looked_at(self, call: Callable[[], Any], copies: Sequence[Any], given: Sequence[Any]) -> tuple[Any, str]:
        with torch.enable_grad():
            result = call()
        tensors = [leaf for leaf in self.leaves(result) if torch.is_tensor(leaf)]
        went_back = any(torch.is_tensor(copy) and copy.grad is not None for copy in copies)
        if went_back and not any(leaf.requires_grad for leaf in tensors):
            return result, DETACHED
        own = {id(leaf) for leaf in given}
        reached = any(id(leaf) in own for leaf in _leaves_behind(tensors))
        return result, ITS_OWN if reached else ""

    def is_marked(self, leaf: Any) -> bool:
        return leaf.requires_grad

    def contract(self, parts: Sequence[tuple[np.ndarray, Any]]) -> Any:
        # Without the 0 with which Python begins a sum: added to a dual number it takes longer than all else.
        first, *more = (self._weighed(w, y) for w, y in parts)
        return sum(more, start=first)

    @staticmethod
    def _weighed(w: np.ndarray, y: torch.Tensor) -> torch.Tensor:
        w = torch.as_tensor(np.conj(w), device=y.device).to(y.dtype)
        return (w * y).real.sum() if y.is_complex() else (w * y).sum()

    def pulled_back(self, f: Callable, arrays: Sequence[Any], factors: Sequence[float]) -> list[tuple[Any, ...]]:
        leaves = tuple(array.detach().clone().requires_grad_() for array in arrays)
        result = f(*leaves)
        if not result.requires_grad:
            return [(None,) * len(leaves)] * len(factors)
        anew, is_first = super().pulled_back, True

        def pull(by: float) -> tuple[Any, ...]:
            nonlocal is_first
            was_first, is_first = is_first, False
            incoming = torch.full_like(result, by)
            kept = len(factors) > 1
            try:
                given = torch.autograd.grad(result, leaves, incoming, retain_graph=kept, allow_unused=True)
                return copied(given)
            except RuntimeError as error:
                if was_first or OVERWRITTEN in str(error):
                    raise
                # A backward pass may give back what it has kept, and then there is a forward pass for each.
                return anew(f, arrays, (by,))[0]

        return one_after_the_other(pull, factors)

    def pulled_back_at_once(
        self, f: Callable, arrays: Sequence[Any], factors: Sequence[float]
    ) -> list[tuple[Any, ...]]:
        leaves = tuple(array.detach().clone().requires_grad_() for array in arrays)
        result = f(*leaves)
        if not result.requires_grad:
            return [(None,) * len(leaves)] * len(factors)
        incoming = torch.tensor(factors, dtype=result.dtype, device=result.device)
        rows = torch.autograd.grad(result, leaves, incoming, is_grads_batched=True, allow_unused=True)
        return [tuple(None if part is None else part[k] for part in rows) for k in range(len(factors))]

    def pulled_back_undefined(self, f: Callable, arrays: Sequence[Any]) -> tuple[Any, ...] | None:
        return self.transformations.gradient(lambda *given: _Undefined.apply(f(*given)))(*arrays)

    def handed(self, result: Any, kept: list[tuple[Any, Any]]) -> Any:
        return _Handed.apply(result, kept) if torch.is_tensor(result) and result.requires_grad else result

    def constant(self, array: Any) -> Any:
        return array.detach()

    def filled(self, f: Callable, arrays: Sequence[Any], by_itself: bool) -> tuple[Any, ...] | None:
        leaves = tuple(array.detach().clone().requires_grad_() for array in arrays)
        result = f(*leaves)
        if any(leaf.grad is not None for leaf in leaves):
            return tuple(leaf.grad for leaf in leaves) if by_itself else None
        result.backward()
        return tuple(leaf.grad for leaf in leaves)

    def total(self, rows: torch.Tensor) -> torch.Tensor:
        return rows.sum()

    def stacked(self, arrays: Sequence[Any]) -> Any:
        return torch.stack(list(arrays))

    def pushed_forward(self, f: Callable, arrays: Sequence[Any], tangents: Sequence[Any]) -> Any:
        # Dual numbers reach functions with a jvp of their own that torch.func does not.
        with warnings.catch_warnings(), fwAD.dual_level(), _NoGrad():
            warnings.filterwarnings("ignore", ".*torch.jit.* is deprecated", DeprecationWarning)
            duals = [fwAD.make_dual(a.detach(), t.detach()) for a, t in zip(arrays, tangents, strict=True)]
            value, slope = fwAD.unpack_dual(f(*duals))
            return torch.zeros_like(value) if slope is None else slope

    def parameters_of(self, f: Callable) -> list[inspect.Parameter]:
        if isinstance(f, nn.Module):
            return super().parameters_of(f.forward)
        owner = getattr(f, "__self__", None)
        if isinstance(owner, type) and issubclass(owner, torch.autograd.Function) and f.__name__ == "apply":
            takes_context = owner.setup_context is torch.autograd.Function.setup_context
            return super().parameters_of(owner.forward)[1 if takes_context else 0 :]
        return super().parameters_of(f)

    def taken(self, array: torch.Tensor, places: np.ndarray) -> torch.Tensor:
        return array.reshape(-1)[torch.as_tensor(places, device=array.device)]

    def zeros_like(self, array: Any) -> Any:
        return torch.zeros_like(array)

    def trace(self, f: Callable, arguments: list[Any]) -> Traced:
        return trace(lambda *arrays: [f(*arrays)], arguments, [True] * len(arguments))

    def settings(self) -> list[str]:
        switches = {
            "TF32 products are on": torch.backends.cuda.matmul.allow_tf32 and torch.cuda.is_available(),
            "deterministic algorithms are on": torch.are_deterministic_algorithms_enabled(),
            "autocast is on": torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"),
        }
        default = str(torch.get_default_dtype()).removeprefix("torch.")
        told = [] if default == "float32" else [f"the default dtype is {default}"]
        return told + [name for name, on in switches.items() if on]


def _parameters_of(modules: dict[str, nn.Module]) -> list[tuple[str, str, nn.Parameter]]:
    """Where each parameter is, and under which name: the first, of one that two modules share."""
    found: dict[int, tuple[str, str, nn.Parameter]] = {}
    for where, module in modules.items():
        for name, parameter in module.named_parameters():
            found.setdefault(id(parameter), (where, name, parameter))
    return list(found.values())


def _copied(buffer: torch.Tensor, dtype: str) -> torch.Tensor:
    return buffer.to(getattr(torch, dtype), copy=True) if dtype and buffer.is_floating_point() else buffer.clone()


class _NoGrad(TorchFunctionMode):
    """Refuses what PyTorch's forward mode looks through: it follows the code inside `no_grad`, which for reverse mode
    is a constant, so that the two give different derivatives of one function."""

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if not torch.is_grad_enabled() and torch._C._is_fwd_grad_enabled() and _has_tangent(result):
            raise Unsupported("torch.no_grad holds in reverse mode only; detach() is constant in both")
        return result


def _leaves_behind(results: Sequence[torch.Tensor]) -> Iterator[torch.Tensor]:
    """The tensors at which a backward pass from these results would end."""
    yield from (result for result in results if result.requires_grad and result.is_leaf)
    waiting = [result.grad_fn for result in results if result.grad_fn is not None]
    seen = set(waiting)
    while waiting:
        node = waiting.pop()
        if hasattr(node, "variable"):
            yield node.variable
        for before, _ in node.next_functions:
            if before is not None and before not in seen:
                seen.add(before)
                waiting.append(before)


class _Undefined(torch.autograd.Function):
    """The identity, whose backward pass says that there is no gradient."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, incoming: torch.Tensor) -> None:
        return None


class _Handed(torch.autograd.Function):
    """The identity, whose backward pass hands on every second entry of a larger tensor. What lies between is NaN: it is
    read where a kernel takes a pointer and no strides."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, kept: list[tuple[Any, Any]]) -> torch.Tensor:
        ctx.kept = kept
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, incoming: torch.Tensor) -> tuple:
        if not incoming.ndim:
            handed = incoming.clone()
        else:
            *rows, length = incoming.shape
            handed = incoming.new_full((*rows, 2 * length + 1), torch.nan)[..., : 2 * length : 2]
            handed.copy_(incoming)
        ctx.kept.append((handed, handed.clone()))
        return handed, None


def _has_tangent(tree: Any) -> bool:
    leaves = pytree.tree_leaves(tree)
    return any(torch.is_tensor(leaf) and fwAD.unpack_dual(leaf).tangent is not None for leaf in leaves)


class _Call(nn.Module):
    """A function that uses modules, as one module, whose parameters can be swapped for the time of a call."""

    def __init__(self, run: Callable, modules: Iterable[nn.Module]) -> None:
        super().__init__()
        self.run, self.held = run, nn.ModuleList(modules)

    def forward(self, *arrays: Any) -> Any:
        return self.run(*arrays)


def _step(step: Any) -> str:
    if isinstance(step, pytree.GetAttrKey):
        return f".{step.name}"
    return key_path(step.idx if isinstance(step, pytree.SequenceKey) else step.key)


CALLS = TorchCalls
