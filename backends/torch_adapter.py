"""The backend `torch`: PyTorch on the CPU or a GPU, with names and calling conventions of the standard put around the
native operations."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from backends.adapter import BINARY, UNARY, Adapter, creation, dtype_of_values, named
from backends.settings import SETTINGS
from functions import Namespace

# TF32 would leave 10 bits of a float32 product or convolution on a GPU.
torch.backends.cuda.matmul.allow_tf32 = SETTINGS.tf32
torch.backends.cudnn.allow_tf32 = SETTINGS.tf32
# A gradient that is another one each time could not be repeated from its report. What has no deterministic kernel is
# verified all the same.
torch.use_deterministic_algorithms(True, warn_only=True)
torch.backends.cudnn.benchmark = False

DTYPES = {name: getattr(torch, name) for name in ("float64", "float32", "int64", "bool")}


def _lifted(operation: Callable) -> Callable:
    """`operation(x, y)` with a Python number on either side, which takes the dtype of the array on the other."""

    def binary(x: Any, y: Any) -> torch.Tensor:
        if not torch.is_tensor(x):
            x = torch.as_tensor(x, dtype=y.dtype, device=y.device)
        if not torch.is_tensor(y):
            y = torch.as_tensor(y, dtype=x.dtype, device=x.device)
        return operation(x, y)

    return binary


def _where(condition: torch.Tensor, x: Any, y: Any) -> torch.Tensor:
    return _lifted(lambda x, y: torch.where(condition, x, y))(x, y)


def _reduction(operation: Callable, **defaults: float) -> Callable:
    """torch.sum, torch.mean and others, which take `keepdim` only together with `dim`."""

    def reduce(x: torch.Tensor, axis: Any = None, keepdims: bool = False, **options: float) -> torch.Tensor:
        return operation(x, dim=axis, keepdim=keepdims, **(defaults | options))

    return reduce


def _prod(x: torch.Tensor, axis: int | None = None, keepdims: bool = False) -> torch.Tensor:
    if axis is not None:
        return torch.prod(x, dim=axis, keepdim=keepdims)
    return torch.prod(x).reshape((1,) * x.ndim if keepdims else ())


def _roll(x: torch.Tensor, shift: Any, axis: Any = None) -> torch.Tensor:
    return torch.roll(x, shift, dims=() if axis is None else axis)


def _flip(x: torch.Tensor, axis: Any = None) -> torch.Tensor:
    return torch.flip(x, tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis)


def _logsumexp(x: torch.Tensor, axis: Any = None, keepdims: bool = False) -> torch.Tensor:
    return torch.logsumexp(x, tuple(range(x.ndim)) if axis is None else axis, keepdim=keepdims)


# Most native operations take `axis` and `keepdims` for `dim` and `keepdim`; here are those that do not, or that have
# another name, another default (`var` divides by n - 1) or give a pair (`max`, `sort`).
MAIN = {
    **named(torch, UNARY),
    **{name: _lifted(getattr(torch, name)) for name in BINARY.split()},
    **named(
        torch, "argmax argmin broadcast_to clip full_like matmul moveaxis ones_like reshape squeeze tile zeros_like"
    ),
    "argsort": lambda x, axis=-1, descending=False: torch.argsort(x, dim=axis, descending=descending, stable=True),
    "astype": lambda x, dtype: x.to(dtype),
    "concat": lambda arrays, axis=0: torch.concat(tuple(arrays), dim=axis),
    "cumulative_prod": lambda x, axis=0: torch.cumprod(x, dim=axis),
    "cumulative_sum": lambda x, axis=0: torch.cumsum(x, dim=axis),
    # torch.equal compares whole arrays.
    "equal": _lifted(torch.eq),
    "expand_dims": lambda x, axis=0: torch.unsqueeze(x, axis),
    "flip": _flip,
    "matrix_transpose": lambda x: x.mT,
    "max": torch.amax,
    "mean": _reduction(torch.mean),
    "min": torch.amin,
    "permute_dims": torch.permute,
    "prod": _prod,
    "repeat": lambda x, repeats, axis=None: torch.repeat_interleave(x, repeats, dim=axis),
    "roll": _roll,
    "sort": lambda x, axis=-1, descending=False: torch.sort(x, dim=axis, descending=descending, stable=True).values,
    "stack": lambda arrays, axis=0: torch.stack(tuple(arrays), dim=axis),
    "std": _reduction(torch.std, correction=0),
    "sum": _reduction(torch.sum),
    "take": lambda x, indices, axis=0: torch.index_select(x, axis, indices),
    "take_along_axis": lambda x, indices, axis=-1: torch.take_along_dim(x, indices, dim=axis),
    "tensordot": lambda x, y, axes=2: torch.tensordot(x, y, dims=axes),
    "tril": lambda x, k=0: torch.tril(x, diagonal=k),
    "triu": lambda x, k=0: torch.triu(x, diagonal=k),
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
    "trace": lambda x: torch.trace(x) if x.ndim == 2 else torch.sum(torch.linalg.diagonal(x), dim=-1),
}
SPECIAL = named(torch.special, "digamma entr erf erfc expit gammaln logit xlog1py xlogy") | {
    "log_expit": functional.logsigmoid,
    "logsumexp": _logsumexp,
}
NN = named(functional, "relu leaky_relu elu softplus silu") | {
    "sigmoid": torch.sigmoid,
    "log_sigmoid": functional.logsigmoid,
    "gelu": lambda x, approximate=False: functional.gelu(x, approximate="tanh" if approximate else "none"),
    "softmax": lambda x, axis=-1: functional.softmax(x, dim=axis),
    "log_softmax": lambda x, axis=-1: functional.log_softmax(x, dim=axis),
    "conv": lambda x, kernel, stride=1, padding=0: functional.conv1d(x, kernel, stride=stride, padding=padding),
}


@cache
def _namespace(tested: str, handle: torch.device) -> Namespace:
    def asarray(values: Any, dtype: Any = None) -> torch.Tensor:
        if torch.is_tensor(values):
            return values if dtype is None else values.to(dtype)
        values = np.asarray(values)
        return torch.tensor(values, dtype=dtype or DTYPES[dtype_of_values(values, tested)], device=handle)

    return Namespace("torch", MAIN | creation(asarray), {"linalg": LINALG, "special": SPECIAL, "nn": NN})


class TorchAdapter(Adapter):
    """PyTorch, eager: torch.compile takes far too long for a default."""

    name = "torch"
    # Measured, PyTorch 2.13.0 on x86-64, eager and vmap: subnormal inputs and results of * / sum exp survive.
    flushes_subnormals = ()

    def version(self) -> str:
        return str(torch.__version__)

    def devices(self) -> dict[str, torch.device]:
        found = {"cpu": torch.device("cpu")}
        if torch.cuda.is_available():
            found["gpu"] = torch.device("cuda", 0)
        return found

    def namespace(self, dtype: str, device: str) -> Namespace:
        return _namespace(dtype, self.devices()[device])

    def array(self, values: np.ndarray, dtype: str, device: str) -> torch.Tensor:
        return torch.tensor(np.asarray(values), dtype=DTYPES[dtype], device=self.devices()[device])

    def to_numpy(self, array: Any) -> np.ndarray:
        if not torch.is_tensor(array):
            raise TypeError(f"{array!r} is a {type(array).__name__}, not a PyTorch tensor")
        return array.detach().cpu().numpy()

    def device_of(self, array: torch.Tensor) -> str:
        return "gpu" if array.is_cuda else "cpu"

    def gradient(self, f: Callable) -> Callable:
        def gradient(*arguments: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
            # Inside vmap a tensor cannot become a leaf; there the functional transformation must do, and what is
            # unconnected gets zeros.
            if torch._C._functorch.is_batchedtensor(arguments[0]):
                return torch.func.grad(f, tuple(range(len(arguments))))(*arguments)
            leaves = tuple(argument.detach().clone().requires_grad_() for argument in arguments)
            result = f(*leaves)
            if not result.requires_grad:
                return (None,) * len(leaves)
            return torch.autograd.grad(result, leaves, allow_unused=True)

        return gradient

    def vectorize(self, f: Callable) -> Callable:
        return torch.func.vmap(f)

    def compile(self, f: Callable) -> Callable:
        return f


ADAPTER = TorchAdapter
