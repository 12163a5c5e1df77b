"""Somebody's own function of NumPy arrays, differentiated by HIPS autograd."""

from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as anp
from autograd.builtins import DictBox, SequenceBox

from gradproof.backends.autograd.trace import trace
from gradproof.backends.autograd.transformations import AutogradTransformations
from gradproof.backends.numpy.calls import NumpyCalls
from gradproof.backends.tracing import Traced
from gradproof.backends.trees import Leaf


class AutogradCalls(NumpyCalls):
    """The arrays are NumPy's, and so is what is asked about them."""

    transformations = AutogradTransformations()
    namespace = anp

    def flatten(self, tree: Any) -> tuple[list[Leaf], Callable[[Sequence[Any]], Any]]:
        return super().flatten(_opened(tree))

    def trace(self, f: Callable, arguments: list[Any]) -> Traced:
        return trace(lambda *arrays: [f(*arrays)], arguments, [True] * len(arguments))


def _opened(tree: Any) -> Any:
    """A tree whose boxed dicts, lists and tuples are plain ones of boxed arrays."""
    if isinstance(tree, DictBox):
        return {key: _opened(tree[key]) for key in tree}
    if isinstance(tree, SequenceBox):
        return tuple(_opened(tree[i]) for i in range(len(tree)))
    return tree


CALLS = AutogradCalls
