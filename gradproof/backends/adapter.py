"""What a backend must give to be verified: a namespace, arrays to and from NumPy, the transformations, its version.
A backend is one subclass of `Adapter` in one file; everything that differs between backends is data of that class."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from gradproof.backends.transformations import Transformations
from gradproof.registry import Function, Inputs, Namespace

REAL_PART = {"complex128": "float64", "complex64": "float32"}
"""The dtype of real and imaginary part."""

COMPLEX = {real: dtype for dtype, real in REAL_PART.items()}

UNARY = (
    "abs acos acosh asin asinh atan atanh ceil conj cos cosh exp expm1 floor imag isfinite log log1p log2 log10 "
    "logical_not negative positive real reciprocal sign sin sinh sqrt square tan tanh"
)
BINARY = (
    "add atan2 divide equal greater greater_equal hypot less less_equal logaddexp logical_and logical_or maximum "
    "minimum multiply not_equal pow subtract"
)
ARRAYS = (
    "argmax argmin broadcast_to clip concat cumulative_prod cumulative_sum expand_dims flip full_like matmul "
    "matrix_transpose max mean min moveaxis ones_like permute_dims prod repeat reshape roll squeeze stack std sum take "
    "take_along_axis tensordot tile tril triu var vecdot where zeros_like"
)
# Derivatives of these are zero, or there are none; and what is copied or subtracted from neighbours.
STEPS = "all any count_nonzero floor_divide isinf isnan logical_xor nextafter nonzero round searchsorted signbit trunc"
PARTS = "broadcast_arrays copysign diff meshgrid remainder unstack"
LINALG = (
    "cholesky cross det diagonal eigh eigvalsh inv matmul matrix_norm matrix_power matrix_transpose outer pinv qr "
    "slogdet solve svd svdvals tensordot trace vecdot vector_norm"
)


FFT = "fft fftn fftshift hfft ifft ifftn ifftshift ihfft irfft irfftn rfft rfftn"


def named(module: Any, *names: str) -> dict[str, Any]:
    """The operations of `module` that follow the standard, name and calling convention, and need no adapting.

    Each of `names` holds any number of names, with spaces between them."""
    return {name: getattr(module, name) for name in " ".join(names).split()}


def dtype_of_values(kind: str, dtype: str) -> str:
    """What a creation function makes of Python or NumPy values of a kind, given by NumPy's letter for it: reals get the
    dtype under test (of its parts, where it is complex), never float64, and complex numbers the dtype whose parts are
    those."""
    return {
        "f": REAL_PART.get(dtype, dtype),
        "c": dtype if dtype in REAL_PART else COMPLEX.get(dtype, "complex64"),
        "i": "int64",
        "u": "int64",
        "b": "bool",
    }[kind]


def creation(asarray: Callable) -> dict[str, Any]:
    """Constants and creation functions on top of `asarray(values, dtype=None)` of a backend.

    The values are made in float64 by NumPy and rounded once, so that a constant is the same in every backend."""
    return {
        **{name: getattr(np, name) for name in ("pi", "e", "inf", "nan", "newaxis")},
        "asarray": asarray,
        "zeros": lambda shape, dtype=None: asarray(np.zeros(shape), dtype),
        "ones": lambda shape, dtype=None: asarray(np.ones(shape), dtype),
        "full": lambda shape, fill_value, dtype=None: asarray(np.full(shape, fill_value), dtype),
        "eye": lambda n_rows, n_cols=None, k=0, dtype=None: asarray(np.eye(n_rows, n_cols, k), dtype),
        "arange": lambda *bounds, dtype=None: asarray(np.arange(*bounds), dtype),
        "linspace": lambda start, stop, num, dtype=None, endpoint=True: asarray(
            np.linspace(start, stop, num, endpoint=endpoint), dtype
        ),
    }


def frequencies(asarray: Callable) -> dict[str, Any]:
    """The constants of the group `fft`, made in float64 and rounded once."""
    return {
        "fftfreq": lambda n, d=1.0: asarray(np.fft.fftfreq(n, d)),
        "rfftfreq": lambda n, d=1.0: asarray(np.fft.rfftfreq(n, d)),
    }


def cumulative(operation: Callable, start: float, full: Callable, concat: Callable) -> Callable:
    """A cumulative sum or product `operation(x, axis)` with the standard's `include_initial`, which puts `start` in
    front. `full(shape, value, x)` makes an array like x, and `concat(arrays, axis)` joins."""

    def with_initial(x: Any, axis: int) -> Any:
        shape = list(x.shape)
        shape[axis] = 1
        return concat([full(shape, start, x), operation(x, axis)], axis)

    def accumulate(x: Any, axis: int | None = None, include_initial: bool = False) -> Any:
        return with_initial(x, axis or 0) if include_initial else operation(x, axis or 0)

    return accumulate


class Adapter(Transformations):
    """One backend, imported when this class is instantiated.

    Its module may set the backend up for a run of the registry, with 64 bits and deterministic operations; how it
    differentiates stands in a module that sets nothing. `takes_floats` says whether a Python float may stand for an
    argument without axes, and `differentiates` whether it has a differentiation of its own, or runs the hand-derived
    gradient."""

    takes_floats: ClassVar[bool] = False
    differentiates: ClassVar[bool] = True

    @abstractmethod
    def devices(self) -> dict[str, Any]:
        """The devices that the imported backend really has: "cpu", and "gpu" where there is one, to its handle."""

    @abstractmethod
    def namespace(self, dtype: str, device: str) -> Namespace:
        """The array namespace whose creation functions make arrays of this dtype on this device."""

    @abstractmethod
    def array(self, values: np.ndarray, dtype: str, device: str) -> Any:
        """An array of the backend, rounded to `dtype`, on `device`."""

    @abstractmethod
    def device_of(self, array: Any) -> str:
        """ "cpu" or "gpu": where this array lies."""

    def arguments(self, function: Function, inputs: Inputs, dtype: str, device: str) -> list[Any]:
        """The arguments of `function` as arrays of the backend. In a complex dtype a real argument has the dtype of the
        parts."""
        return [
            self.array(domain.native(x), dtype if domain.is_complex else REAL_PART.get(dtype, dtype), device)
            for domain, x in zip(function.domains.values(), inputs, strict=True)
        ]

    def callable(self, function: Function, dtype: str, device: str) -> Callable:
        """What this backend runs for `function`: its own implementation, or the body in this backend's namespace."""
        own = function.implementations.get(self.name)
        if own is not None:
            return own
        xp = self.namespace(dtype, device)
        return lambda *arguments: function.body(xp, *arguments)

    def gradient_of(self, function: Function, dtype: str, device: str) -> Callable:
        """The gradient of what this backend runs for `function`."""
        return self.gradient(self.callable(function, dtype, device))
