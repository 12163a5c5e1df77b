"""Somebody's own function of NumPy arrays, differentiated by HIPS autograd."""

from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy as anp
import numpy as np

from gradproof.backends.autograd.trace import trace
from gradproof.backends.autograd.transformations import AutogradTransformations
from gradproof.backends.calls import Calls
from gradproof.backends.tracing import Traced


class AutogradCalls(Calls):
    """Trees are those of Python."""

    transformations = AutogradTransformations()

    def is_array(self, leaf: Any) -> bool:
        return isinstance(leaf, np.ndarray | np.generic | float | complex)

    def dtype_of(self, leaf: Any) -> str:
        return np.asarray(leaf).dtype.name

    def to_numpy(self, leaf: Any) -> np.ndarray:
        return np.asarray(leaf)

    def like(self, values: np.ndarray, leaf: Any, dtype: str) -> np.ndarray:
        return np.array(values, dtype=dtype)

    def contract(self, parts: Sequence[tuple[np.ndarray, Any]]) -> Any:
        return sum(anp.sum(anp.real(np.conj(w).astype(y.dtype) * y)) for w, y in parts)

    def total(self, rows: Any) -> Any:
        return anp.sum(rows)

    def stacked(self, arrays: Sequence[Any]) -> Any:
        return anp.stack(list(arrays))

    def zeros_like(self, array: Any) -> Any:
        return anp.zeros_like(array)

    def trace(self, f: Callable, arguments: list[Any]) -> Traced:
        return trace(lambda *arrays: [f(*arrays)], arguments, [True] * len(arguments))


CALLS = AutogradCalls
