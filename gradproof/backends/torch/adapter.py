"""The backend `torch`: PyTorch on the CPU or a GPU, with names and calling conventions of the standard put around the
native operations."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from gradproof.backends.adapter import (
    BINARY,
    FFT,
    STEPS,
    UNARY,
    Adapter,
    creation,
    cumulative,
    dtype_of_values,
    frequencies,
    named,
)
from gradproof.backends.settings import SETTINGS
from gradproof.backends.torch.layers import LAYERS
from gradproof.backends.torch.losses import LOSSES
from gradproof.backends.torch.transformations import TorchTransformations
from gradproof.registry import Namespace

# TF32 would leave 10 bits of a float32 product or convolution on a GPU.
torch.backends.cuda.matmul.allow_tf32 = SETTINGS.tf32
torch.backends.cudnn.allow_tf32 = SETTINGS.tf32
# A gradient that is another one each time could not be repeated from its report. What has no deterministic kernel is
# verified all the same.
torch.use_deterministic_algorithms(True, warn_only=True)
# The arrays are small, and a run has a worker for each core: more threads wait for one another.
torch.set_num_threads(1)
torch.backends.cudnn.benchmark = False

DTYPES = {
    name: getattr(torch, name) for name in "float64 float32 float16 bfloat16 complex128 complex64 int64 bool".split()
}


def _lifted(operation: Callable) -> Callable:
    """`operation(x, y, …)` with Python numbers among its arguments, which take the dtype of the arrays."""

    def of_numbers(*arguments: Any) -> torch.Tensor:
        like = next(a for a in arguments if torch.is_tensor(a))
        tensors = (
            a if torch.is_tensor(a) else torch.as_tensor(a, dtype=like.dtype, device=like.device) for a in arguments
        )
        return operation(*tensors)

    of_numbers.native = operation
    return of_numbers


def _take(x: torch.Tensor, indices: torch.Tensor, axis: int = 0) -> torch.Tensor:
    # Of one index, as argmin gives it, the native operation makes an axis of length 1, and under vmap more.
    if indices.ndim:
        return torch.index_select(x, axis, indices)
    return torch.squeeze(torch.index_select(x, axis, indices.reshape(1)), axis)


def _where(condition: torch.Tensor, x: Any, y: Any) -> torch.Tensor:
    return _lifted(lambda x, y: torch.where(condition, x, y))(x, y)


_where.native = torch.where


def _reduction(operation: Callable, **defaults: float) -> Callable:
    """torch.sum, torch.mean and others, which take `keepdim` only together with `dim`."""

    def reduce(x: torch.Tensor, axis: Any = None, keepdims: bool = False, **options: float) -> torch.Tensor:
        return operation(x, dim=axis, keepdim=keepdims, **(defaults | options))

    return reduce


def _prod(x: torch.Tensor, axis: Any = None, keepdims: bool = False) -> torch.Tensor:
    if axis is None:
        return torch.prod(x).reshape((1,) * x.ndim if keepdims else ())
    # The native product reduces one axis at a time; the last first, so that the others keep their numbers.
    for a in sorted((a % x.ndim for a in ((axis,) if isinstance(axis, int) else axis)), reverse=True):
        x = torch.prod(x, dim=a, keepdim=keepdims)
    return x


def _clip(x: torch.Tensor, min: Any = None, max: Any = None) -> torch.Tensor:
    # The native operation takes two numbers or two tensors.
    if torch.is_tensor(min) or torch.is_tensor(max):
        min, max = (v if v is None or torch.is_tensor(v) else torch.full_like(x, v) for v in (min, max))
    return torch.clip(x, min, max)


def _repeat(x: torch.Tensor, repeats: Any, axis: int | None = None) -> torch.Tensor:
    counts = repeats if isinstance(repeats, int) else torch.as_tensor(repeats, device=x.device)
    return torch.repeat_interleave(x, counts, dim=axis)


def _concat(arrays: Any, axis: int | None = 0) -> torch.Tensor:
    # The native operation does not flatten.
    return torch.concat([x.reshape(-1) for x in arrays] if axis is None else tuple(arrays), dim=axis or 0)


def _full(shape: Any, value: float, x: torch.Tensor) -> torch.Tensor:
    return torch.full(shape, value, dtype=x.dtype, device=x.device)


def _diff(x: torch.Tensor, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None) -> torch.Tensor:
    return torch.diff(x, n, axis, prepend, append)


def _searchsorted(x1: torch.Tensor, x2: torch.Tensor, side: str = "left", sorter: Any = None) -> torch.Tensor:
    return torch.searchsorted(x1, x2, side=side, sorter=sorter)


def _roll(x: torch.Tensor, shift: Any, axis: Any = None) -> torch.Tensor:
    return torch.roll(x, shift, dims=() if axis is None else axis)


def _flip(x: torch.Tensor, axis: Any = None) -> torch.Tensor:
    return torch.flip(x, tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis)


def _trace(x: torch.Tensor, offset: int = 0) -> torch.Tensor:
    # The native trace takes one matrix and no offset.
    if x.ndim == 2 and offset == 0:
        return torch.trace(x)
    return torch.sum(torch.linalg.diagonal(x, offset=offset), dim=-1)


def _fourier(name: str) -> Callable:
    """A Fourier transform: the native one calls axes `dim`."""
    native = getattr(torch.fft, name)
    if "shift" in name:
        return lambda x, axes=None: native(x, axes)
    if name.endswith("n"):
        return lambda x, s=None, axes=None, norm="backward": native(x, s, axes, norm)
    return lambda x, n=None, axis=-1, norm="backward": native(x, n, axis, norm)


def _logsumexp(x: torch.Tensor, axis: Any = None, keepdims: bool = False) -> torch.Tensor:
    return torch.logsumexp(x, tuple(range(x.ndim)) if axis is None else axis, keepdim=keepdims)


# Most native operations take `axis` and `keepdims` for `dim` and `keepdim`; here are those that do not, or that have
# another name, another default (`var` divides by n - 1) or give a pair (`max`, `sort`).
MAIN = {
    **named(torch, UNARY, STEPS, "angle exp2"),
    **{
        name: _lifted(getattr(torch, name))
        for name in (*BINARY.split(), "copysign", "floor_divide", "fmax", "remainder")
    },
    # With numbers, which it takes on either side, it has other rules than with tensors.
    "pow": torch.pow,
    **named(torch, "argmax argmin broadcast_to full_like matmul moveaxis ones_like reshape squeeze tile zeros_like"),
    "argsort": lambda x, axis=-1, descending=False: torch.argsort(x, dim=axis, descending=descending, stable=True),
    "astype": lambda x, dtype: x.to(dtype),
    "broadcast_arrays": torch.broadcast_tensors,
    "clip": _clip,
    "concat": _concat,
    "count_nonzero": lambda x, axis=None: torch.count_nonzero(x, dim=axis),
    "cumulative_max": lambda x, axis=0: torch.cummax(x, dim=axis).values,
    "cumulative_prod": cumulative(torch.cumprod, 1.0, _full, torch.concat),
    "cumulative_sum": cumulative(torch.cumsum, 0.0, _full, torch.concat),
    "diff": _diff,
    # torch.equal compares whole arrays.
    "equal": _lifted(torch.eq),
    "expand_dims": lambda x, axis=0: torch.unsqueeze(x, axis),
    "flip": _flip,
    "matrix_transpose": lambda x: x.mT,
    "max": torch.amax,
    "mean": _reduction(torch.mean),
    "meshgrid": lambda *arrays, indexing="xy": torch.meshgrid(*arrays, indexing=indexing),
    "min": torch.amin,
    "nonzero": lambda x: torch.nonzero(x, as_tuple=True),
    "permute_dims": torch.permute,
    "prod": _prod,
    "repeat": _repeat,
    "roll": _roll,
    "searchsorted": _searchsorted,
    "sort": lambda x, axis=-1, descending=False: torch.sort(x, dim=axis, descending=descending, stable=True).values,
    "stack": lambda arrays, axis=0: torch.stack(tuple(arrays), dim=axis),
    "std": _reduction(torch.std, correction=0),
    "sum": _reduction(torch.sum),
    "take": _take,
    "take_along_axis": lambda x, indices, axis=-1: torch.take_along_dim(x, indices, dim=axis),
    "tensordot": lambda x, y, axes=2: torch.tensordot(x, y, dims=axes),
    "tril": lambda x, k=0: torch.tril(x, diagonal=k),
    "triu": lambda x, k=0: torch.triu(x, diagonal=k),
    "unstack": lambda x, axis=0: torch.unbind(x, dim=axis),
    "var": _reduction(torch.var, correction=0),
    "vecdot": torch.linalg.vecdot,
    "where": _where,
}
LINALG = named(
    torch.linalg,
    "cholesky cross det diagonal eigh eigvalsh inv matmul matrix_norm matrix_power pinv qr slogdet solve svd svdvals",
    "vecdot vector_norm",
) | {
    "matrix_transpose": MAIN["matrix_transpose"],
    "outer": torch.outer,
    "tensordot": MAIN["tensordot"],
    "trace": _trace,
}
FOURIER = {name: _fourier(name) for name in FFT.split()}
SPECIAL = named(
    torch.special,
    "digamma entr erf erfc erfinv expit gammaln i0 i0e i1 i1e log_ndtr logit ndtr ndtri polygamma sinc xlog1py xlogy",
) | {
    **{name: _lifted(getattr(torch.special, name)) for name in ("gammainc", "gammaincc", "zeta")},
    "j0": torch.special.bessel_j0,
    "j1": torch.special.bessel_j1,
    "log_expit": functional.logsigmoid,
    "logsumexp": _logsumexp,
}
NN = named(functional, "relu leaky_relu elu softplus silu") | {
    **named(functional, "relu6 prelu selu celu mish"),
    "hard_tanh": functional.hardtanh,
    "hard_sigmoid": functional.hardsigmoid,
    "hard_silu": functional.hardswish,
    "soft_sign": functional.softsign,
    "glu": lambda x, axis=-1: functional.glu(x, dim=axis),
    "sigmoid": torch.sigmoid,
    "log_sigmoid": functional.logsigmoid,
    "gelu": lambda x, approximate=False: functional.gelu(x, approximate="tanh" if approximate else "none"),
    "softmax": lambda x, axis=-1: functional.softmax(x, dim=axis),
    "log_softmax": lambda x, axis=-1: functional.log_softmax(x, dim=axis),
    **LAYERS,
}


def _kind(made: torch.Tensor) -> str:
    """NumPy's letter for what it would call the kind of this tensor."""
    return "b" if made.dtype == torch.bool else "c" if made.is_complex() else "f" if made.is_floating_point() else "i"


@cache
def _namespace(tested: str, handle: torch.device) -> Namespace:
    def asarray(values: Any, dtype: Any = None) -> torch.Tensor:
        if isinstance(values, torch.Tensor):
            return values if dtype is None else values.to(dtype)
        # Not torch.tensor: the compiler hands it tensors, for which it warns. Nor the dtype of the array: at that the
        # compiler would stop, and go on in another graph.
        made = torch.asarray(np.asarray(values))
        kind = dtype or DTYPES[dtype_of_values(_kind(made), tested)]
        return made.to(dtype=kind, device=handle, copy=True)

    groups = {"linalg": LINALG, "fft": FOURIER | frequencies(asarray), "special": SPECIAL, "nn": NN | LOSSES}
    return Namespace("torch", MAIN | creation(asarray), groups)


class TorchAdapter(TorchTransformations, Adapter):
    """PyTorch, eager in every mode but `compiled`: torch.compile takes a second or more for every function."""

    def devices(self) -> dict[str, torch.device]:
        found = {"cpu": torch.device("cpu")}
        if torch.cuda.is_available():
            found["gpu"] = torch.device("cuda", 0)
        return found

    def namespace(self, dtype: str, device: str) -> Namespace:
        return _namespace(dtype, self.devices()[device])

    def array(self, values: np.ndarray, dtype: str, device: str) -> torch.Tensor:
        return torch.tensor(np.asarray(values), dtype=DTYPES[dtype], device=self.devices()[device])

    def device_of(self, array: torch.Tensor) -> str:
        return "gpu" if array.is_cuda else "cpu"


ADAPTER = TorchAdapter
