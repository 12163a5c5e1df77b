"""Somebody's own function of NumPy arrays, differentiated by HIPS autograd."""

from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.builtins import DictBox, SequenceBox
from autograd.extend import defvjp, primitive
from autograd.tracer import isbox

from gradproof.backends.autograd.trace import trace
from gradproof.backends.autograd.transformations import AutogradTransformations
from gradproof.backends.numpy.calls import NumpyCalls
from gradproof.backends.tracing import Traced
from gradproof.backends.trees import Leaf


class AutogradCalls(NumpyCalls):
    """The arrays are NumPy's, and so is what is asked about them."""

    transformations = AutogradTransformations()
    namespace = anp
    hands_otherwise = True

    def flatten(self, tree: Any) -> tuple[list[Leaf], Callable[[Sequence[Any]], Any]]:
        return super().flatten(_opened(tree))

    def is_traced(self, leaf: Any) -> bool:
        return isbox(leaf)

    def pulled_back(self, f: Callable, arrays: Sequence[Any], factors: Sequence[float]) -> list[tuple[Any, ...]]:
        return self.transformations.pulled_back(f, arrays, factors)

    def handed(self, result: Any, kept: list[tuple[Any, Any]]) -> Any:
        return _handed(result, kept)

    def pushed_forward(self, f: Callable, arrays: Sequence[Any], tangents: Sequence[Any]) -> Any:
        # One argument after the other, as autograd has it, and of those only what moves.
        slopes = [
            self.transformations.jvp(lambda x, i=i: f(*arrays[:i], x, *arrays[i + 1 :]))(arrays[i], tangent)
            for i, tangent in enumerate(tangents)
            if tangent.any()
        ]
        return sum(slopes) if slopes else 0.0

    def trace(self, f: Callable, arguments: list[Any]) -> Traced:
        return trace(lambda *arrays: [f(*arrays)], arguments, [True] * len(arguments))


@primitive
def _handed(x: Any, kept: list[tuple[Any, Any]]) -> Any:
    return x


def _handed_on(value: Any, x: Any, kept: list[tuple[Any, Any]]) -> Callable:
    def pull(incoming: Any) -> Any:
        if not np.ndim(incoming):
            return incoming  # a number cannot be written to
        *rows, length = incoming.shape
        handed = np.full((*rows, 2 * length + 1), np.nan, incoming.dtype)[..., : 2 * length : 2]
        handed[...] = incoming
        kept.append((handed, handed.copy()))
        return handed

    return pull


defvjp(_handed, _handed_on, argnums=(0,))


def _opened(tree: Any) -> Any:
    """A tree whose boxed dicts, lists and tuples are plain ones of boxed arrays."""
    if isinstance(tree, DictBox):
        return {key: _opened(tree[key]) for key in tree}
    if isinstance(tree, SequenceBox):
        return tuple(_opened(tree[i]) for i in range(len(tree)))
    return tree


CALLS = AutogradCalls
