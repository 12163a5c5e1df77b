"""Somebody's own function of NumPy arrays, differentiated by HIPS autograd."""

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp

from gradproof.backends.autograd.trace import trace
from gradproof.backends.autograd.transformations import AutogradTransformations
from gradproof.backends.numpy.calls import NumpyCalls
from gradproof.backends.tracing import Traced


class AutogradCalls(NumpyCalls):
    """The arrays are NumPy's, and so is what is asked about them."""

    transformations = AutogradTransformations()
    namespace = anp

    def trace(self, f: Callable, arguments: list[Any]) -> Traced:
        return trace(lambda *arrays: [f(*arrays)], arguments, [True] * len(arguments))


CALLS = AutogradCalls
