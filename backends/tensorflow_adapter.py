"""The backend `tensorflow`: TensorFlow on the CPU or a GPU, with names and calling conventions of the standard put
around the native operations."""

import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

# Before the import: otherwise every run opens with the log of the C++ runtime.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# TensorFlow Lite imports JAX where that is installed, for a converter that nothing here needs. A run that selected
# TensorFlow alone must not import another backend with it.
sys.modules.setdefault("jax", None)
import numpy as np
import tensorflow as tf

if sys.modules["jax"] is None:
    del sys.modules["jax"]

from backends.adapter import BINARY, Adapter, creation, dtype_of_values, named
from backends.settings import SETTINGS
from functions import Function, Namespace

for gpu in tf.config.list_physical_devices("GPU"):
    # Otherwise TensorFlow takes the whole card, and no other backend can run beside it.
    tf.config.experimental.set_memory_growth(gpu, True)
    # A gradient that is another one each time could not be repeated from its report.
    tf.config.experimental.enable_op_determinism()
# TF32 would leave 10 bits of a float32 product or convolution on a GPU.
tf.config.experimental.enable_tensor_float_32_execution(SETTINGS.tf32)


def _lifted(operation: Callable) -> Callable:
    """`operation(x, y)` with a Python number on either side: on its own, one on the left becomes float32."""
    return lambda x, y: operation(x if tf.is_tensor(x) else tf.constant(x, y.dtype), y)


def _where(condition: tf.Tensor, x: Any, y: Any) -> tf.Tensor:
    return _lifted(lambda x, y: tf.where(condition, x, y))(x, y)


def _var(x: tf.Tensor, axis: Any = None, correction: float = 0, keepdims: bool = False) -> tf.Tensor:
    population = tf.math.reduce_variance(x, axis, keepdims)
    count = x.shape.num_elements() / population.shape.num_elements()
    return population * (count / (count - correction)) if correction else population


def _std(x: tf.Tensor, axis: Any = None, correction: float = 0, keepdims: bool = False) -> tf.Tensor:
    return tf.sqrt(_var(x, axis, correction, keepdims)) if correction else tf.math.reduce_std(x, axis, keepdims)


def _clip(x: tf.Tensor, min: Any = None, max: Any = None) -> tf.Tensor:
    return tf.clip_by_value(x, -np.inf if min is None else min, np.inf if max is None else max)


def _extreme(pick: Callable) -> Callable:
    """tf.argmax or tf.argmin, which without an axis reduce the first one."""

    def index(x: tf.Tensor, axis: int | None = None, keepdims: bool = False) -> tf.Tensor:
        if axis is None:
            return tf.reshape(pick(tf.reshape(x, (-1,)), axis=0), (1,) * x.ndim if keepdims else ())
        found = pick(x, axis=axis)
        return tf.expand_dims(found, axis) if keepdims else found

    return index


def _argsort(x: tf.Tensor, axis: int = -1, descending: bool = False) -> tf.Tensor:
    order = tf.argsort(x, axis, "DESCENDING" if descending else "ASCENDING", stable=True)
    return tf.cast(order, tf.int64)


def _moveaxis(x: tf.Tensor, source: int, destination: int) -> tf.Tensor:
    order = list(range(x.ndim))
    order.insert(destination % x.ndim, order.pop(source))
    return tf.transpose(x, order)


def _take_along_axis(x: tf.Tensor, indices: tf.Tensor, axis: int = -1) -> tf.Tensor:
    x, indices = _moveaxis(x, axis, -1), _moveaxis(indices, axis, -1)
    return _moveaxis(tf.gather(x, indices, axis=-1, batch_dims=x.ndim - 1), -1, axis)


def _flip(x: tf.Tensor, axis: Any = None) -> tf.Tensor:
    return tf.reverse(x, range(x.ndim) if axis is None else np.atleast_1d(axis))


def _roll(x: tf.Tensor, shift: Any, axis: Any = None) -> tf.Tensor:
    if axis is None:
        return tf.reshape(tf.roll(tf.reshape(x, (-1,)), shift, 0), x.shape)
    return tf.roll(x, shift, axis)


def _tile(x: tf.Tensor, repetitions: tuple[int, ...]) -> tf.Tensor:
    new_axes = len(repetitions) - x.ndim
    return tf.tile(tf.reshape(x, (1,) * new_axes + tuple(x.shape)), (1,) * -new_axes + tuple(repetitions))


def _tril(x: tf.Tensor, k: int = 0) -> tf.Tensor:
    # band_part always keeps the diagonal, so below it a mask must do.
    return tf.linalg.band_part(x, -1, k) if k >= 0 else _where(np.tri(*x.shape[-2:], k, dtype=bool), x, 0.0)


def _triu(x: tf.Tensor, k: int = 0) -> tf.Tensor:
    return tf.linalg.band_part(x, -k, -1) if k <= 0 else _where(np.tri(*x.shape[-2:], k - 1, dtype=bool), 0.0, x)


def _matmul(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    # The native product takes no vectors.
    if x.ndim == 1:
        return tf.tensordot(x, y, 1) if y.ndim == 1 else tf.linalg.matvec(y, x, transpose_a=True)
    return tf.linalg.matvec(x, y) if y.ndim == 1 else tf.linalg.matmul(x, y)


def _solve(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return tf.linalg.solve(a, b) if b.ndim > 1 else tf.squeeze(tf.linalg.solve(a, b[:, None]), -1)


def _cholesky(x: tf.Tensor, upper: bool = False) -> tf.Tensor:
    lower = tf.linalg.cholesky(x)
    return tf.linalg.matrix_transpose(lower) if upper else lower


def _svd(x: tf.Tensor, full_matrices: bool = True) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    values, u, v = tf.linalg.svd(x, full_matrices)
    return u, values, tf.linalg.matrix_transpose(v)


def _conv(x: tf.Tensor, kernel: tf.Tensor, stride: int = 1, padding: int = 0) -> tf.Tensor:
    # On the CPU the native convolution wants the channels last.
    x = tf.pad(tf.transpose(x, (0, 2, 1)), ((0, 0), (padding, padding), (0, 0)))
    return tf.transpose(tf.nn.conv1d(x, tf.transpose(kernel, (2, 1, 0)), stride, "VALID"), (0, 2, 1))


# tf.math has no hypot and no logaddexp.
LIFTED = BINARY.replace("hypot", "").replace("logaddexp", "").split()
MAIN = {
    **named(tf.math, "abs acos acosh asin asinh atan atanh ceil cos cosh exp expm1 floor log log1p logical_not"),
    **named(tf.math, "negative reciprocal sign sin sinh sqrt square tan tanh"),
    **{name: _lifted(getattr(tf.math, name)) for name in LIFTED},
    **named(tf, "broadcast_to expand_dims ones_like repeat reshape squeeze stack tensordot zeros_like"),
    "argmax": _extreme(tf.argmax),
    "argmin": _extreme(tf.argmin),
    "argsort": _argsort,
    "astype": tf.cast,
    "clip": _clip,
    "concat": lambda arrays, axis=0: tf.concat(arrays, axis),
    "cumulative_prod": lambda x, axis=0: tf.math.cumprod(x, axis),
    "cumulative_sum": lambda x, axis=0: tf.math.cumsum(x, axis),
    "flip": _flip,
    "full_like": lambda x, fill_value: tf.constant(fill_value, x.dtype, x.shape),
    "isfinite": tf.math.is_finite,
    # Differentiable where x = y, which the formula with a maximum is not.
    "logaddexp": _lifted(lambda x, y: y + tf.nn.softplus(x - y)),
    "matmul": _matmul,
    "matrix_transpose": tf.linalg.matrix_transpose,
    "max": tf.math.reduce_max,
    "mean": tf.math.reduce_mean,
    "min": tf.math.reduce_min,
    "moveaxis": _moveaxis,
    "permute_dims": tf.transpose,
    "positive": tf.identity,
    "prod": tf.math.reduce_prod,
    "roll": _roll,
    "sort": lambda x, axis=-1, descending=False: tf.sort(x, axis, "DESCENDING" if descending else "ASCENDING"),
    "std": _std,
    "sum": tf.math.reduce_sum,
    "take": lambda x, indices, axis=0: tf.gather(x, indices, axis=axis),
    "take_along_axis": _take_along_axis,
    "tile": _tile,
    "tril": _tril,
    "triu": _triu,
    "var": _var,
    "where": _where,
}
LINALG = named(tf.linalg, "det eigh eigvalsh inv matrix_transpose pinv qr slogdet tensordot trace") | {
    "cholesky": _cholesky,
    # The native product is along the last axis only.
    "cross": lambda x, y, axis=-1: _moveaxis(tf.linalg.cross(_moveaxis(x, axis, -1), _moveaxis(y, axis, -1)), -1, axis),
    "diagonal": tf.linalg.diag_part,
    "matmul": _matmul,
    "matrix_norm": lambda x, ord="fro", keepdims=False: tf.norm(x, ord, (-2, -1), keepdims),
    "solve": _solve,
    "svd": _svd,
    "svdvals": lambda x: tf.linalg.svd(x, compute_uv=False),
    "vector_norm": lambda x, axis=None, keepdims=False, ord=2: tf.norm(x, ord, axis, keepdims),
}
SPECIAL = named(tf.math, "digamma erf erfc xlog1py xlogy") | {
    "expit": tf.math.sigmoid,
    "gammaln": tf.math.lgamma,
    "log_expit": tf.math.log_sigmoid,
    "logsumexp": tf.math.reduce_logsumexp,
}
NN = named(tf.nn, "relu softplus sigmoid silu gelu softmax log_softmax") | {
    "conv": _conv,
    "elu": lambda x: tf.nn.elu(x),
    "leaky_relu": lambda x, negative_slope=0.01: tf.nn.leaky_relu(x, negative_slope),
    "log_sigmoid": tf.math.log_sigmoid,
}


@cache
def _namespace(tested: str, handle: str) -> Namespace:
    def asarray(values: Any, dtype: Any = None) -> tf.Tensor:
        if tf.is_tensor(values):
            return values if dtype is None else tf.cast(values, dtype)
        values = np.asarray(values)
        with tf.device(handle):
            return tf.constant(values, dtype or dtype_of_values(values, tested))

    return Namespace("tensorflow", MAIN | creation(asarray), {"linalg": LINALG, "special": SPECIAL, "nn": NN})


class TensorflowAdapter(Adapter):
    """TensorFlow, eager or under tf.function. An operation runs where the surrounding tf.device says, not where its
    inputs lie, so everything that is handed out opens that scope."""

    name = "tensorflow"
    # Measured, TensorFlow 2.21.0 on x86-64, eager, tf.function and XLA, 1 to 2e6 entries: results of * / sum exp below
    # the smallest normal number become zero, and so do subnormal inputs. On a GPU it is assumed, not measured.
    flushes_subnormals = ("cpu", "gpu")

    def version(self) -> str:
        return tf.__version__

    def devices(self) -> dict[str, str]:
        found = {"cpu": "/CPU:0"}
        if tf.config.list_physical_devices("GPU"):
            found["gpu"] = "/GPU:0"
        return found

    def namespace(self, dtype: str, device: str) -> Namespace:
        return _namespace(dtype, self.devices()[device])

    def array(self, values: np.ndarray, dtype: str, device: str) -> tf.Tensor:
        with tf.device(self.devices()[device]):
            return tf.constant(np.asarray(values), dtype)

    def to_numpy(self, array: Any) -> np.ndarray:
        if not tf.is_tensor(array):
            raise TypeError(f"{array!r} is a {type(array).__name__}, not a TensorFlow tensor")
        # Indexing has a sparse gradient, tf.IndexedSlices.
        return np.asarray(tf.convert_to_tensor(array).numpy())

    def device_of(self, array: tf.Tensor) -> str:
        return "gpu" if "GPU" in array.device else "cpu"

    def callable(self, function: Function, dtype: str, device: str) -> Callable:
        return _placed(super().callable(function, dtype, device), self.devices()[device])

    def gradient(self, f: Callable) -> Callable:
        def gradient(*arguments: tf.Tensor) -> tuple[tf.Tensor | None, ...]:
            with tf.GradientTape() as tape:
                tape.watch(arguments)
                result = f(*arguments)
            return tuple(
                None if part is None else tf.convert_to_tensor(part) for part in tape.gradient(result, arguments)
            )

        return _placed(gradient)

    def vectorize(self, f: Callable) -> Callable:
        def mapped(*arguments: tf.Tensor) -> Any:
            missing: list[bool] = []

            def one(arguments: tuple[tf.Tensor, ...]) -> Any:
                result = f(*arguments)
                if not isinstance(result, tuple):
                    return result
                # The mapping takes tensors only, so an unconnected gradient stays outside.
                missing[:] = [part is None for part in result]
                return tuple(part for part in result if part is not None)

            result = tf.vectorized_map(one, arguments, warn=False)
            if not isinstance(result, tuple):
                return result
            parts = iter(result)
            return tuple(None if gone else next(parts) for gone in missing)

        return _placed(mapped)

    def compile(self, f: Callable) -> Callable:
        # Without AutoGraph: a body is traced as it stands, as by the other backends.
        return _placed(tf.function(f, autograph=False))


def _placed(f: Callable, handle: str | None = None) -> Callable:
    """`f` run on this device, or else where its first argument lies (inside a graph: where the graph says)."""

    def run(*arguments: Any) -> Any:
        with tf.device(handle or arguments[0].device or None):
            return f(*arguments)

    return run


ADAPTER = TensorflowAdapter
