"""NumPy's arrays, which NumPy itself does not differentiate."""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy

from gradproof.backends.transformations import Transformations, Unsupported


class NumpyTransformations(Transformations):
    """What is known of the arrays; a gradient is written by hand."""

    name = "numpy"
    # Measured, NumPy 2.4.6 on x86-64: subnormal inputs and results of * / sum exp survive, 1 to 2e6 entries.
    flushes_subnormals = ()

    def version(self) -> str:
        return f"{np.__version__} (SciPy {scipy.__version__})"

    def to_numpy(self, array: Any) -> np.ndarray:
        if not isinstance(array, np.ndarray | np.generic):
            raise TypeError(f"{array!r} is a {type(array).__name__}, not a NumPy array")
        return np.asarray(array)

    def gradient(self, f: Callable) -> Callable:
        raise Unsupported(f"{self.name} cannot differentiate: it runs the gradient that is derived by hand")
