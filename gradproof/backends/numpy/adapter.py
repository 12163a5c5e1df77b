"""The backend `numpy`: the hand-derived gradient, run in plain NumPy in the dtype under test. It differentiates nothing
itself; special functions come from SciPy, and the layers of `xp.nn` are the textbook formulas."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import scipy.special

from gradproof.backends.adapter import (
    ARRAYS,
    BINARY,
    FFT,
    LINALG,
    PARTS,
    STEPS,
    UNARY,
    Adapter,
    creation,
    dtype_of_values,
    frequencies,
    named,
)
from gradproof.backends.numpy.transformations import NumpyTransformations
from gradproof.backends.transformations import Unsupported
from gradproof.registry import Function, Namespace

MAIN = named(np, UNARY, BINARY, ARRAYS, STEPS, PARTS, "angle exp2 fmax") | {
    "cumulative_max": lambda x, axis=0: np.maximum.accumulate(x, axis=axis),
    # np.astype refuses NumPy scalars, which is what a comparison of 0-d arrays gives.
    "astype": lambda x, dtype: np.asarray(x).astype(dtype),
    # NumPy sorts upwards only.
    "sort": lambda x, axis=-1, descending=False: -np.sort(-x, axis=axis) if descending else np.sort(x, axis=axis),
    "argsort": lambda x, axis=-1, descending=False: np.argsort(-x if descending else x, axis=axis, stable=True),
}


def _in_own_dtype(operation: Callable) -> Callable:
    """SciPy computes in float32 what it is given in float16, and in float64 what has an integer order; the result is
    rounded to the dtype of the arrays."""

    def rounded(*arguments: Any, **options: Any) -> np.ndarray:
        # Not `isinstance`: a scalar of NumPy, which arithmetic makes of arrays without axes, is a Python float as well.
        dtype = next(a.dtype for a in arguments if hasattr(a, "dtype"))
        return np.asarray(operation(*arguments, **options)).astype(dtype, copy=False)

    return rounded


SPECIAL = {
    name: _in_own_dtype(operation)
    for name, operation in {
        **named(
            scipy.special,
            "betainc betaln digamma entr erf erfc erfinv expit expn gammainc gammaincc gammaln i0 i0e i1 i1e j0 j1",
            "log_expit log_ndtr logit logsumexp ndtr ndtri polygamma xlog1py xlogy zeta",
        ),
        "lambertw": lambda x: scipy.special.lambertw(x).real,
        "sinc": np.sinc,
    }.items()
}


@cache
def _namespace(tested: str) -> Namespace:
    def asarray(values: Any, dtype: Any = None) -> np.ndarray:
        values = np.asarray(values)
        return values.astype(dtype or dtype_of_values(values.dtype.kind, tested), copy=False)

    groups = {"linalg": named(np.linalg, LINALG), "fft": named(np.fft, FFT) | frequencies(asarray), "special": SPECIAL}
    return Namespace("numpy", MAIN | creation(asarray), groups)


class NumpyAdapter(NumpyTransformations, Adapter):
    """NumPy on the CPU; also the arrays of every backend that computes with NumPy."""

    differentiates = False

    def devices(self) -> dict[str, Any]:
        return {"cpu": "cpu"}

    def namespace(self, dtype: str, device: str) -> Namespace:
        return _namespace(dtype)

    def array(self, values: np.ndarray, dtype: str, device: str) -> np.ndarray:
        return np.array(values, dtype=dtype)

    def device_of(self, array: Any) -> str:
        return "cpu"

    def callable(self, function: Function, dtype: str, device: str) -> Callable:
        return silent(super().callable(function, dtype, device))

    def gradient_of(self, function: Function, dtype: str, device: str) -> Callable:
        if function.hand is None:
            raise Unsupported("it has no hand-derived gradient, and numpy cannot differentiate")
        xp = self.namespace(dtype, device)

        def gradient(*arguments: np.ndarray) -> tuple[Any, ...]:
            # A gradient such as d_f = 1 is written as a Python number; nothing else is touched, or a wrong shape or
            # dtype of the derivation would go unseen.
            return tuple(
                np.array(part, dtype=dtype) if type(part) in (int, float) else part
                for part in function.gradient_by_hand(xp, *arguments)
            )

        return silent(gradient)


def silent(f: Callable) -> Callable:
    """Without NumPy's warnings: overflow and NaN are the verdict's business, and no other backend warns of them."""
    return np.errstate(all="ignore")(f)


ADAPTER = NumpyAdapter
