"""The backend `autograd`: HIPS autograd, which wraps NumPy. Only NumPy's older names have a VJP there, so the tables
give each standard name the wrapped function that can be differentiated."""

from collections.abc import Callable
from functools import cache
from typing import Any

import autograd.numpy as anp
import autograd.scipy.special as special
import numpy as np
from autograd.tracer import isbox

from gradproof.backends.adapter import STEPS, Adapter, creation, cumulative, dtype_of_values, frequencies, named
from gradproof.backends.autograd.transformations import AutogradTransformations
from gradproof.backends.numpy.adapter import NumpyAdapter
from gradproof.registry import Namespace, formulas

SAME = (
    "abs add argmax argmin broadcast_to ceil conj cos cosh divide equal exp expand_dims expm1 floor full_like greater "
    "greater_equal hypot imag isfinite less less_equal log log10 log1p log2 logaddexp logical_and logical_not "
    "logical_or matmul max maximum mean min minimum moveaxis multiply negative not_equal ones_like prod real "
    "reciprocal repeat reshape roll sign sin sinh sqrt square squeeze stack subtract sum tan tanh tensordot tile tril "
    "triu where zeros_like"
)
OLDER = {
    **dict(acos="arccos", acosh="arccosh", asin="arcsin", asinh="arcsinh", atan="arctan", atan2="arctan2"),
    **dict(atanh="arctanh", concat="concatenate", permute_dims="transpose", pow="power"),
}


# np.take, np.take_along_axis and np.flip have no VJP here; indexing has.


def _take(x: Any, indices: Any, axis: int | None = None) -> Any:
    return x[(slice(None),) * ((axis or 0) % x.ndim) + (indices,)]


def _take_along_axis(x: Any, indices: Any, axis: int = -1) -> Any:
    # Along the other axes the whole of x, with which indices of length 1 there are stretched.
    grid = list(np.ogrid[tuple(slice(n) for n in x.shape)])
    grid[axis] = indices
    return x[tuple(grid)]


def _flip(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis) % x.ndim
    return x[tuple(slice(None, None, -1 if a in axes else None) for a in range(x.ndim))]


def _vector_norm(x: Any, axis: Any = None, keepdims: bool = False, ord: float = 2) -> Any:
    # The wrapped norm has a VJP for the Euclidean length along one axis, and takes two axes for a matrix norm.
    if ord != 2 or isinstance(axis, tuple):
        return formulas.vector_norm(anp, x, axis, keepdims, ord)
    return anp.linalg.norm(x, axis=axis, **({"keepdims": True} if keepdims else {}))


def _lifted(operation: Callable) -> Callable:
    """`operation(x, y, …)` with Python numbers among its arguments, which take the dtype of the arrays."""

    def of_numbers(*arguments: Any) -> Any:
        dtype = next(a.dtype for a in arguments if hasattr(a, "dtype"))  # a scalar of NumPy is a Python float too
        return operation(*(np.asarray(a, dtype) if isinstance(a, int | float) else a for a in arguments))

    of_numbers.native = operation
    return of_numbers


def _full(shape: Any, value: float, x: Any) -> np.ndarray:
    return np.full(shape, value, x.dtype)


def _trace(x: Any, offset: int = 0) -> Any:
    return anp.trace(x, offset) if x.ndim == 2 else anp.sum(_diagonal(x, offset), axis=-1)


def _diagonal(x: Any, offset: int = 0) -> Any:
    # These axes in this order are the only ones of which the wrapped diagonal has a VJP; they turn the matrix over.
    return anp.diagonal(x, -offset, -1, -2)


def _matrix_norm(x: Any, ord: Any = "fro", keepdims: bool = False) -> Any:
    # The VJP of the wrapped norm takes no negative axes.
    return anp.linalg.norm(x, ord, axis=(x.ndim - 2, x.ndim - 1), **({"keepdims": True} if keepdims else {}))


def _cholesky(x: Any, upper: bool = False) -> Any:
    lower = anp.linalg.cholesky(x)
    return anp.conj(anp.swapaxes(lower, -1, -2)) if upper else lower


MAIN = {name: getattr(anp, older) for name, older in OLDER.items()} | {
    **named(anp, SAME, STEPS, "angle copysign diff exp2 fmax remainder"),
    "positive": lambda x: 1 * x,
    "astype": lambda x, dtype: x.astype(dtype),
    "clip": lambda x, min=None, max=None: anp.clip(x, min, max),
    "matrix_transpose": lambda x: anp.swapaxes(x, -1, -2),
    "cumulative_prod": cumulative(anp.cumprod, 1.0, _full, anp.concatenate),
    "cumulative_sum": cumulative(anp.cumsum, 0.0, _full, anp.concatenate),
    "var": lambda x, axis=None, correction=0, keepdims=False: anp.var(x, axis, ddof=correction, keepdims=keepdims),
    "std": lambda x, axis=None, correction=0, keepdims=False: anp.std(x, axis, ddof=correction, keepdims=keepdims),
    "sort": lambda x, axis=-1, descending=False: -anp.sort(-x, axis) if descending else anp.sort(x, axis),
    "argsort": lambda x, axis=-1, descending=False: anp.argsort(-x if descending else x, axis, kind="stable"),
    "take": _take,
    "take_along_axis": _take_along_axis,
    "flip": _flip,
}
LINALG = named(anp.linalg, "det eigh inv pinv slogdet solve svd") | {
    **{name: MAIN[name] for name in ("matmul", "matrix_transpose", "tensordot")},
    "outer": anp.outer,
    "cross": lambda x, y, axis=-1: anp.cross(x, y, axis=axis),
    "cholesky": _cholesky,
    "eigvalsh": lambda x: anp.linalg.eigh(x)[0],
    "svdvals": lambda x: anp.linalg.svd(x, compute_uv=False),
    "matrix_norm": _matrix_norm,
    "vector_norm": _vector_norm,
    "diagonal": _diagonal,
    "qr": anp.linalg.qr,
    "trace": _trace,
}
# hfft and ihfft are not differentiated; irfft and rfft, of which they are made, are.
FFT = named(anp.fft, "fft fftn fftshift ifft ifftn ifftshift irfft irfftn rfft rfftn")
SPECIAL = named(special, "digamma erf erfc erfinv expit gammaln i0 i1 j0 j1 logit logsumexp") | {
    **{name: _lifted(getattr(special, name)) for name in ("betainc", "betaln", "gammainc", "gammaincc")},
    # SciPy's own names of these are not wrapped; other wrapped functions are the same.
    "i0e": lambda x: special.ive(0, x),
    "i1e": lambda x: special.ive(1, x),
    "ndtri": lambda p: -(2**0.5) * special.erfcinv(2 * p),
    "polygamma": lambda n, x: special.polygamma(n, x).astype(x.dtype),
    "sinc": anp.sinc,
}
NN = {"softplus": lambda x: anp.logaddexp(x, 0.0)}


@cache
def _namespace(tested: str) -> Namespace:
    def asarray(values: Any, dtype: Any = None) -> Any:
        if isbox(values):
            return values if dtype is None else values.astype(dtype)
        values = np.asarray(values)
        return values.astype(dtype or dtype_of_values(values.dtype.kind, tested), copy=False)

    groups = {"linalg": LINALG, "fft": FFT | frequencies(asarray), "special": SPECIAL, "nn": NN}
    return Namespace("autograd", MAIN | creation(asarray), groups)


class AutogradAdapter(AutogradTransformations, NumpyAdapter):
    """The arrays are NumPy's, and so are devices and conversions."""

    takes_floats = True
    differentiates = True
    gradient_of = Adapter.gradient_of

    def namespace(self, dtype: str, device: str) -> Namespace:
        return _namespace(dtype)


ADAPTER = AutogradAdapter
