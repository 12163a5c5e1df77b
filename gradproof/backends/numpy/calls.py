"""Somebody's own function of NumPy arrays, with a gradient written by hand."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradproof.backends.calls import Calls
from gradproof.backends.numpy.trace import trace
from gradproof.backends.numpy.transformations import NumpyTransformations
from gradproof.backends.tracing import Traced
from gradproof.backends.transformations import Transformations


class NumpyCalls(Calls):
    """Trees are those of Python."""

    transformations: Transformations = NumpyTransformations()
    namespace: Any = np

    def is_array(self, leaf: Any) -> bool:
        return isinstance(leaf, np.ndarray | np.generic | float | complex)

    def dtype_of(self, leaf: Any) -> str:
        return np.asarray(leaf).dtype.name

    def to_numpy(self, leaf: Any) -> np.ndarray:
        return np.asarray(leaf)

    def like(self, values: np.ndarray, leaf: Any, dtype: str) -> np.ndarray:
        return np.array(values, dtype=dtype)

    def contract(self, parts: Sequence[tuple[np.ndarray, Any]]) -> Any:
        xp = self.namespace
        return sum(xp.sum(xp.real(np.conj(w).astype(y.dtype) * y)) for w, y in parts)

    def total(self, rows: Any) -> Any:
        return self.namespace.sum(rows)

    def stacked(self, arrays: Sequence[Any]) -> Any:
        return self.namespace.stack(list(arrays))

    def taken(self, array: Any, places: np.ndarray) -> Any:
        return self.namespace.reshape(array, (-1,))[places]

    def zeros_like(self, array: Any) -> Any:
        return self.namespace.zeros_like(array)

    def trace(self, f: Callable, arguments: list[Any]) -> Traced:
        return trace(lambda *arrays: [f(*arrays)], arguments, [True] * len(arguments))


CALLS = NumpyCalls
