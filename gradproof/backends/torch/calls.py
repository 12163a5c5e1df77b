"""Somebody's own function of PyTorch tensors, modules among its arguments included."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.autograd.gradcheck import GradcheckError
from torch.utils import _pytree as pytree

from gradproof.backends.calls import Calls
from gradproof.backends.torch.trace import trace
from gradproof.backends.torch.transformations import TorchTransformations
from gradproof.backends.tracing import Traced
from gradproof.backends.trees import Leaf, key_path


class TorchCalls(Calls):
    """Trees are PyTorch's. A module among the arguments stands for its parameters, under their names."""

    transformations = TorchTransformations()
    checker_error = GradcheckError

    def flatten(self, tree: Any) -> tuple[list[Leaf], Callable[[Sequence[Any]], Any]]:
        found, structure = pytree.tree_flatten_with_path(tree)
        named = [("".join(map(_step, path)), leaf) for path, leaf in found]
        return named, lambda given: pytree.tree_unflatten(list(given), structure)

    def applied(self, f: Callable, args: tuple, dtype: str = "") -> tuple[list[Leaf], Callable[[Sequence[Any]], Any]]:
        found, rebuild = self.flatten(args)
        modules = {where: leaf for where, leaf in found if isinstance(leaf, nn.Module)}
        plain = [(where, leaf) for where, leaf in found if where not in modules]
        parameters = [(where, *named) for where, module in modules.items() for named in module.named_parameters()]

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

    def is_array(self, leaf: Any) -> bool:
        return torch.is_tensor(leaf)

    def dtype_of(self, leaf: Any) -> str:
        return str(leaf.dtype).removeprefix("torch.")

    def to_numpy(self, leaf: Any) -> np.ndarray:
        return self.transformations.to_numpy(leaf)

    def like(self, values: np.ndarray, leaf: Any, dtype: str) -> torch.Tensor:
        made = torch.tensor(np.asarray(values), dtype=getattr(torch, dtype), device=leaf.device)
        return made.requires_grad_(leaf.requires_grad)

    def device_of(self, leaf: Any) -> str:
        return "gpu" if leaf.is_cuda else "cpu"

    def is_marked(self, leaf: Any) -> bool:
        return leaf.requires_grad

    def contract(self, parts: Sequence[tuple[np.ndarray, Any]]) -> Any:
        return sum(self._weighed(w, y) for w, y in parts)

    @staticmethod
    def _weighed(w: np.ndarray, y: torch.Tensor) -> torch.Tensor:
        products = torch.as_tensor(w, device=y.device).to(y.dtype).conj() * y
        return (products.real if y.is_complex() else products).sum()

    def total(self, rows: torch.Tensor) -> torch.Tensor:
        return rows.sum()

    def stacked(self, arrays: Sequence[Any]) -> Any:
        return torch.stack(list(arrays))

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
        return [f"the default dtype is {default}", *(name for name, on in switches.items() if on)]


def _copied(buffer: torch.Tensor, dtype: str) -> torch.Tensor:
    return buffer.to(getattr(torch, dtype), copy=True) if dtype and buffer.is_floating_point() else buffer.clone()


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
