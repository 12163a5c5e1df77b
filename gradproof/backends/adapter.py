"""What a backend must give to be verified: a namespace, arrays to and from NumPy, the transformations, its version.
A backend is one subclass of `Adapter` in one file; everything that differs between backends is data of that class."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

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


class Unsupported(Exception):
    """A backend, device, dtype or operation that is not there. The message names the cause and, where there is one,
    the cure."""


class Missing(Unsupported):
    """A backend or device that is not there at all, or cannot be imported: what `--require` forbids."""


class Adapter(ABC):
    """One backend, imported when this class is instantiated.

    Class data: `name`, as in a test id; `flushes_subnormals`, the devices on which results below the smallest normal
    number may become zero; `takes_floats`, whether a Python float may stand for an argument without axes."""

    name: ClassVar[str]
    flushes_subnormals: ClassVar[tuple[str, ...]] = ()
    takes_floats: ClassVar[bool] = False

    @abstractmethod
    def version(self) -> str:
        """The backend's version, with its build where that matters."""

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
    def to_numpy(self, array: Any) -> np.ndarray:
        """The same values as a NumPy array. Raises `TypeError` for what is no array of the backend."""

    def dtype_of(self, array: Any) -> str:
        """The name of an array's dtype, as in DTYPES."""
        return array.dtype.name

    @abstractmethod
    def device_of(self, array: Any) -> str:
        """ "cpu" or "gpu": where this array lies."""

    @abstractmethod
    def gradient(self, f: Callable) -> Callable:
        """Reverse mode: from `f(*arrays)`, a real scalar, to a function that returns a tuple, one gradient per
        argument. What the backend leaves unconnected stays None. For a complex argument it is df/dRe + i df/dIm."""

    def forward(self, f: Callable) -> Callable:
        """What computes the value of `f(*arrays)`: `f` itself, compiled where running it op by op costs more."""
        return f

    def inner_gradient(self, f: Callable) -> Callable:
        """A gradient that can itself be differentiated."""
        return self.gradient(f)

    def jvp(self, f: Callable) -> Callable:
        """Forward mode: from `f(*arrays)` to a function `(*arrays, *tangents)` that returns the tangent of the result,
        or a tuple of them where the result is one."""
        raise Unsupported(f"{self.name} has no forward mode")

    def vectorize(self, f: Callable) -> Callable:
        """From `f(*arrays)` to a function of arrays with one more leading axis, of equal length, mapped over it."""
        raise Unsupported(f"{self.name} has no vectorizing transformation")

    def checkpoint(self, f: Callable) -> Callable:
        """The same function, whose intermediate results are computed anew for the backward pass."""
        raise Unsupported(f"{self.name} has no rematerialization")

    def compile(self, f: Callable) -> Callable:
        """The same function, compiled by the backend's own compiler."""
        raise Unsupported(f"{self.name} has no compiler")

    def compiled_gradient(self, f: Callable) -> Callable:
        """The gradient, compiled as users of this backend compile it."""
        return self.compile(self.gradient(f))

    def compile_by_xla(self, f: Callable) -> Callable:
        """The same function, compiled by XLA, where that is not what `compile` does."""
        raise Unsupported(f"{self.name} has no second compiler")

    def prepared(self, f: Callable) -> Callable:
        """The same function, compiled where that pays within a few calls; every mode but `reverse` runs so."""
        return f

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
