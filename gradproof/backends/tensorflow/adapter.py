"""The backend `tensorflow`: TensorFlow on the CPU or a GPU, with names and calling conventions of the standard put
around the native operations."""

import functools
import os
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

# Before the import. With more, parts of a gradient are added up as they arrive: the last digits are others at each
# call, on the CPU too, and where deterministic operations are asked for.
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

# TensorFlow Lite imports JAX where that is installed, for a converter that nothing here needs. A run that selected
# TensorFlow alone must not import another backend with it.
sys.modules.setdefault("jax", None)
try:
    import numpy as np
    import tensorflow as tf
finally:
    # Also where the import fails: SciPy looks for JAX's arrays in whatever stands there.
    if sys.modules["jax"] is None:
        del sys.modules["jax"]

from gradproof.backends.adapter import BINARY, Adapter, creation, cumulative, dtype_of_values, frequencies, named
from gradproof.backends.settings import SETTINGS
from gradproof.backends.tensorflow.fourier import FFT
from gradproof.backends.tensorflow.layers import LAYERS
from gradproof.backends.tensorflow.losses import LOSSES
from gradproof.backends.tensorflow.transformations import TensorflowTransformations, placed
from gradproof.registry import Function, Namespace, formulas

for gpu in tf.config.list_physical_devices("GPU"):
    # Otherwise TensorFlow takes the whole card, and no other backend can run beside it.
    tf.config.experimental.set_memory_growth(gpu, True)
    # A gradient that is another one each time could not be repeated from its report.
    tf.config.experimental.enable_op_determinism()
# TF32 would leave 10 bits of a float32 product or convolution on a GPU.
tf.config.experimental.enable_tensor_float_32_execution(SETTINGS.tf32)


def _lifted(operation: Callable) -> Callable:
    """`operation(x, y, …)` with Python numbers among its arguments: on its own, one on the left becomes float32."""

    def of_numbers(*arguments: Any) -> tf.Tensor:
        dtype = next(a.dtype for a in arguments if tf.is_tensor(a))
        return operation(*(a if tf.is_tensor(a) else tf.constant(a, dtype) for a in arguments))

    of_numbers.native = operation
    return of_numbers


def _where(condition: tf.Tensor, x: Any, y: Any) -> tf.Tensor:
    return _lifted(lambda x, y: tf.where(condition, x, y))(x, y)


_where.native = tf.where


def _var(x: tf.Tensor, axis: Any = None, correction: float = 0, keepdims: bool = False) -> tf.Tensor:
    population = tf.math.reduce_variance(x, axis, keepdims)
    count = x.shape.num_elements() / population.shape.num_elements()
    return population * (count / (count - correction)) if correction else population


def _std(x: tf.Tensor, axis: Any = None, correction: float = 0, keepdims: bool = False) -> tf.Tensor:
    return tf.sqrt(_var(x, axis, correction, keepdims)) if correction else tf.math.reduce_std(x, axis, keepdims)


def _clip(x: tf.Tensor, min: Any = None, max: Any = None) -> tf.Tensor:
    return tf.clip_by_value(x, -np.inf if min is None else min, np.inf if max is None else max)


def _concat(arrays: Any, axis: int | None = 0) -> tf.Tensor:
    # The native operation does not flatten.
    return tf.concat([tf.reshape(x, (-1,)) for x in arrays] if axis is None else arrays, axis or 0)


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


def _moveaxis(x: tf.Tensor, source: Any, destination: Any) -> tf.Tensor:
    pairs = {int(d) % x.ndim: int(s) % x.ndim for d, s in zip(*map(np.atleast_1d, (destination, source)), strict=True)}
    others = iter([a for a in range(x.ndim) if a not in pairs.values()])
    return tf.transpose(x, [pairs[a] if a in pairs else next(others) for a in range(x.ndim)])


def _take_along_axis(x: tf.Tensor, indices: tf.Tensor, axis: int = -1) -> tf.Tensor:
    x, indices = _moveaxis(x, axis, -1), _moveaxis(indices, axis, -1)
    # The native operation does not stretch the axes before the last.
    indices = tf.broadcast_to(indices, (*x.shape[:-1], indices.shape[-1]))
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
    return tf.linalg.adjoint(lower) if upper else lower


# Of a complex matrix the native operations give eigenvalues, logarithms and norms as complex numbers.


def _eigh(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    values, vectors = tf.linalg.eigh(x)
    return tf.math.real(values), vectors


def _eigvalsh(x: tf.Tensor) -> tf.Tensor:
    return tf.math.real(tf.linalg.eigvalsh(x))


def _slogdet(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    sign, logarithm = tf.linalg.slogdet(x)
    return sign, tf.math.real(logarithm)


def _svd(x: tf.Tensor, full_matrices: bool = True) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    values, u, v = tf.linalg.svd(x, full_matrices)
    return u, values, tf.linalg.adjoint(v)


def _trace(x: tf.Tensor, offset: int = 0) -> tf.Tensor:
    # The native trace takes no offset.
    return tf.linalg.trace(x) if offset == 0 else tf.math.reduce_sum(tf.linalg.diag_part(x, k=offset), -1)


def _vector_norm(x: tf.Tensor, axis: Any = None, keepdims: bool = False, ord: float = 2) -> tf.Tensor:
    # The native norm takes no negative order, and of two axes it makes a matrix.
    if ord < 0 or isinstance(axis, tuple):
        return formulas.vector_norm(PLAIN, x, axis, keepdims, ord)
    return tf.math.real(tf.norm(x, ord, axis, keepdims))


def _matrix_norm(x: tf.Tensor, ord: Any = "fro", keepdims: bool = False) -> tf.Tensor:
    if ord in ("fro", 1, 2, np.inf):
        return tf.math.real(tf.norm(x, ord, (-2, -1), keepdims))
    return formulas.matrix_norm(PLAIN, x, ord, keepdims)


def _nonzero(x: tf.Tensor) -> tuple[tf.Tensor, ...]:
    return tuple(tf.unstack(tf.where(x), axis=1, num=x.ndim))


def _full(shape: Any, value: float, x: tf.Tensor) -> tf.Tensor:
    return tf.fill(shape, tf.constant(value, x.dtype))


def _searchsorted(x1: tf.Tensor, x2: tf.Tensor, side: str = "left", sorter: Any = None) -> tf.Tensor:
    ordered = x1 if sorter is None else tf.gather(x1, sorter)
    return tf.searchsorted(ordered, x2, side, tf.int64)


def _broadcast(operation: Callable) -> Callable:
    """An operation that takes arrays of one shape only."""

    def of_shapes(*arrays: tf.Tensor) -> tf.Tensor:
        shape = functools.reduce(tf.broadcast_static_shape, (x.shape for x in arrays))
        return operation(*(tf.broadcast_to(x, shape) for x in arrays))

    return _lifted(of_shapes)


def _cross(x: tf.Tensor, y: tf.Tensor, axis: int = -1) -> tf.Tensor:
    # The native product is along the last axis only.
    product = _broadcast(tf.linalg.cross)(_moveaxis(x, axis, -1), _moveaxis(y, axis, -1))
    return _moveaxis(product, -1, axis)


def _lbeta(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return tf.math.lbeta(tf.stack([a, b], -1))


def _cond(predicate: tf.Tensor, on_true: Callable, on_false: Callable, *operands: tf.Tensor) -> Any:
    return tf.cond(predicate, lambda: on_true(*operands), lambda: on_false(*operands))


def _fori_loop(lower: int, upper: int, step: Callable, state: Any) -> Any:
    # XLA differentiates a loop only if it knows how often it runs at most.
    _, state = tf.while_loop(
        lambda k, state: k < upper,
        lambda k, state: (k + 1, step(k, state)),
        (tf.constant(lower), state),
        maximum_iterations=upper - lower,
    )
    return state


def _while_loop(condition: Callable, step: Callable, state: Any) -> Any:
    return tf.while_loop(condition, lambda state: (step(state),), (state,))[0]


def _elu(x: tf.Tensor, alpha: float = 1.0) -> tf.Tensor:
    # The native operation has no parameter.
    return tf.nn.elu(x) if alpha == 1 else _where(x > 0, tf.nn.elu(x), alpha * tf.nn.elu(x))


# tf.math has no hypot and no logaddexp; tf.experimental.numpy has both.
LIFTED = BINARY.replace("hypot", "").replace("logaddexp", "").split()
MAIN = {
    **named(tf.math, "abs acos acosh asin asinh atan atanh ceil cos cosh exp expm1 floor log log1p logical_not"),
    **named(tf.math, "angle conj imag negative real reciprocal sign sin sinh sqrt square tan tanh"),
    **{name: _lifted(getattr(tf.math, name)) for name in LIFTED},
    **named(tf, "broadcast_to expand_dims ones_like repeat reshape squeeze stack tensordot zeros_like"),
    "argmax": _extreme(tf.argmax),
    "argmin": _extreme(tf.argmin),
    "argsort": _argsort,
    "astype": tf.cast,
    "all": tf.math.reduce_all,
    "any": tf.math.reduce_any,
    "clip": _clip,
    "cond": _cond,
    "concat": _concat,
    "count_nonzero": lambda x, axis=None, keepdims=False: tf.math.count_nonzero(x, axis, keepdims),
    "cumulative_prod": cumulative(tf.math.cumprod, 1.0, _full, tf.concat),
    "cumulative_sum": cumulative(tf.math.cumsum, 0.0, _full, tf.concat),
    "exp2": tf.experimental.numpy.exp2,
    "flip": _flip,
    "fori_loop": _fori_loop,
    "full_like": lambda x, fill_value: tf.constant(fill_value, x.dtype, x.shape),
    "floor_divide": _lifted(tf.math.floordiv),
    "hypot": _lifted(tf.experimental.numpy.hypot),
    "isfinite": tf.math.is_finite,
    "isinf": tf.math.is_inf,
    "isnan": tf.math.is_nan,
    "logaddexp": _lifted(tf.experimental.numpy.logaddexp),
    **named(tf.math, "logical_xor nextafter round"),
    "matmul": _matmul,
    "matrix_transpose": tf.linalg.matrix_transpose,
    "max": tf.math.reduce_max,
    "mean": tf.math.reduce_mean,
    "meshgrid": tf.meshgrid,
    "min": tf.math.reduce_min,
    "moveaxis": _moveaxis,
    "nonzero": _nonzero,
    "permute_dims": tf.transpose,
    "positive": tf.identity,
    "prod": tf.math.reduce_prod,
    "remainder": _lifted(tf.math.floormod),
    "roll": _roll,
    "scan": lambda step, state, rows: tf.scan(step, rows, state),
    "searchsorted": _searchsorted,
    "sort": lambda x, axis=-1, descending=False: tf.sort(x, axis, "DESCENDING" if descending else "ASCENDING"),
    "std": _std,
    "sum": tf.math.reduce_sum,
    "take": lambda x, indices, axis=0: tf.gather(x, indices, axis=axis),
    "take_along_axis": _take_along_axis,
    "tile": _tile,
    "tril": _tril,
    "triu": _triu,
    "unstack": lambda x, axis=0: tuple(tf.unstack(x, axis=axis)),
    "var": _var,
    "where": _where,
    "while_loop": _while_loop,
}
LINALG = named(tf.linalg, "det inv matrix_transpose pinv qr tensordot") | {
    "cholesky": _cholesky,
    "cross": _cross,
    "diagonal": lambda x, offset=0: tf.linalg.diag_part(x, k=offset),
    "eigh": _eigh,
    "eigvalsh": _eigvalsh,
    "matmul": _matmul,
    "matrix_norm": _matrix_norm,
    "slogdet": _slogdet,
    "solve": _solve,
    "svd": _svd,
    "svdvals": lambda x: tf.linalg.svd(x, compute_uv=False),
    "trace": _trace,
    "vector_norm": _vector_norm,
}
# Runs the formulas of norms that are not native.
PLAIN = Namespace("tensorflow", MAIN, {"linalg": LINALG})
SPECIAL = named(tf.math, "digamma erf erfc erfinv ndtri xlog1py xlogy") | {
    **{name: _lifted(getattr(tf.math, name)) for name in ("polygamma", "zeta")},
    **{f"i{order}": getattr(tf.math, f"bessel_i{order}") for order in ("0", "0e", "1", "1e")},
    "betainc": _broadcast(tf.math.betainc),
    "betaln": _broadcast(_lbeta),
    "gammainc": _lifted(tf.math.igamma),
    "gammaincc": _lifted(tf.math.igammac),
    **{f"j{order}": getattr(tf.math.special, f"bessel_j{order}") for order in "01"},
    "sinc": tf.experimental.numpy.sinc,
    "expit": tf.math.sigmoid,
    "gammaln": tf.math.lgamma,
    "log_expit": tf.math.log_sigmoid,
    "logsumexp": tf.math.reduce_logsumexp,
}
NN = named(tf.nn, "relu softplus sigmoid silu gelu softmax log_softmax") | {
    **LAYERS,
    "clip_by_norm": tf.clip_by_norm,
    **named(tf.nn, "relu6 selu"),
    "elu": _elu,
    "soft_sign": tf.nn.softsign,
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
            return tf.constant(values, dtype or dtype_of_values(values.dtype.kind, tested))

    groups = {"linalg": LINALG, "fft": FFT | frequencies(asarray), "special": SPECIAL, "nn": NN | LOSSES}
    return Namespace("tensorflow", MAIN | creation(asarray), groups)


class TensorflowAdapter(TensorflowTransformations, Adapter):
    """TensorFlow, eager or under tf.function. An operation runs where the surrounding tf.device says, not where its
    inputs lie, so everything that is handed out opens that scope."""

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

    def device_of(self, array: tf.Tensor) -> str:
        return "gpu" if "GPU" in array.device else "cpu"

    def callable(self, function: Function, dtype: str, device: str) -> Callable:
        return placed(super().callable(function, dtype, device), self.devices()[device])


ADAPTER = TensorflowAdapter
