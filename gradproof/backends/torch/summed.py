"""What PyTorch's engine mends without a word: a backward pass that returns a gradient of the shape of a result has it
summed to that of its argument. The gradient is right then, and the rule is not."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch.autograd.function import BackwardCFunction

SUMMED = (
    "{}.backward returns a gradient of shape {} for {}, of shape {}: the engine of PyTorch sums it, so that what is "
    "right is the engine's work. Sum over the axes along which it was broadcast"
)

Named = Callable[[type], Sequence[str]]
"""From a Function to the names of what its forward pass takes."""


@contextlib.contextmanager
def telling(tell: Callable[[str], None], names_of: Named) -> Iterator[None]:
    """Tells of each such gradient of somebody's own Function, for the time of a check."""
    plain = BackwardCFunction.apply

    def apply(self: Any, *incoming: Any) -> Any:
        given = plain(self, *incoming)
        for told in _summed(self, given, names_of):
            tell(told)
        return given

    BackwardCFunction.apply = apply
    try:
        yield
    finally:
        BackwardCFunction.apply = plain


def _summed(node: Any, given: Any, names_of: Named) -> Iterator[str]:
    function = node._forward_cls
    if function.__module__.startswith("torch."):
        return
    gradients = given if isinstance(given, tuple) else (given,)
    # A node has an edge for each tensor, and what is returned a place for each argument.
    wanted = [number for number, is_needed in enumerate(node.needs_input_grad) if is_needed]
    edges = [edge for edge in node.next_functions if edge is not None and edge[0] is not None]
    if len(gradients) < len(node.needs_input_grad) or len(wanted) != len(edges):
        return
    names = names_of(function)
    for number, (before, which) in zip(wanted, edges, strict=True):
        gradient, shape = gradients[number], tuple(before._input_metadata[which].shape)
        if torch.is_tensor(gradient) and tuple(gradient.shape) != shape:
            name = names[number] if number < len(names) else f"argument {number}"
            yield SUMMED.format(function.__name__, tuple(gradient.shape), name, shape)
