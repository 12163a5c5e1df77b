"""Textbook formulas for the operations of `xp` that a namespace may lack, each written with simpler operations of the
same namespace. The oracles use all of them; a backend uses one only where it has no native operation of that name."""

import math

import numpy as np

from gradproof.registry.formulas.activations import ACTIVATIONS
from gradproof.registry.formulas.layers import LAYERS
from gradproof.registry.formulas.losses import LOSSES


def square(xp, x):
    """x²"""
    return x * x


def reciprocal(xp, x):
    """1 / x"""
    return 1 / x


def log2(xp, x):
    """log x / log 2"""
    return xp.log(x) / math.log(2)


def log10(xp, x):
    """log x / log 10"""
    return xp.log(x) / math.log(10)


def exp2(xp, x):
    """2ˣ"""
    return xp.pow(2.0, x)


def fmax(xp, x, y):
    """max(x, y); of a NaN and a number it would be the number"""
    return xp.maximum(x, y)


def angle(xp, z):
    """The angle of a complex number with the positive axis"""
    return xp.atan2(xp.imag(z), xp.real(z))


def cumulative_max(xp, x, axis=0):
    """The largest of the entries so far, along one axis"""
    largest, *rest = xp.unstack(x, axis=axis)
    results = [largest]
    for part in rest:
        results += [xp.maximum(results[-1], part)]
    return xp.stack(results, axis=axis)


def hypot(xp, x, y):
    """√(x² + y²)"""
    return xp.sqrt(x * x + y * y)


def logaddexp(xp, x, y):
    """log(eˣ + eʸ) = max(x, y) + log(1 + e^(-|x - y|))"""
    return xp.maximum(x, y) + xp.log1p(xp.exp(-xp.abs(x - y)))


def clip(xp, x, min=None, max=None):
    """x, no smaller than min and no larger than max"""
    if min is not None:
        x = xp.maximum(x, xp.asarray(float(min)) if isinstance(min, int | float) else min)
    if max is not None:
        x = xp.minimum(x, xp.asarray(float(max)) if isinstance(max, int | float) else max)
    return x


def copysign(xp, x, y):
    """|x| with the sign of y"""
    return xp.where(xp.signbit(y), -xp.abs(x), xp.abs(x))


def signbit(xp, x):
    """Whether x < 0, or is the zero with a minus sign, whose reciprocal is -∞"""
    one = xp.ones_like(x)
    return (x < 0) | (one / xp.where(x == 0, x, one) < 0)


def trunc(xp, x):
    """The integer part: ⌊x⌋ where x ≥ 0, ⌈x⌉ elsewhere"""
    return xp.where(x < 0, xp.ceil(x), xp.floor(x))


def floor_divide(xp, x, y):
    """⌊x / y⌋"""
    return xp.floor(x / y)


def remainder(xp, x, y):
    """x - y ⌊x / y⌋, of the sign of y"""
    return x - y * xp.floor(x / y)


def broadcast_arrays(xp, *arrays):
    """Each array, with the shape that all of them together have"""
    shape = np.broadcast_shapes(*(tuple(x.shape) for x in arrays))
    return [xp.broadcast_to(x, shape) for x in arrays]


def meshgrid(xp, *arrays, indexing="xy"):
    """For each vector an array that holds it along an axis of its own; with "xy" the first two axes change places"""
    order = list(range(len(arrays)))
    if indexing == "xy" and len(arrays) > 1:
        order[:2] = 1, 0
    shape = [arrays[i].shape[0] for i in order]
    lines = [[-1 if i == k else 1 for i in order] for k in range(len(arrays))]
    return [xp.broadcast_to(xp.reshape(x, tuple(line)), tuple(shape)) for x, line in zip(arrays, lines, strict=True)]


def unstack(xp, x, axis=0):
    """The arrays along one axis, one by one"""
    before = (slice(None),) * (axis % x.ndim)
    return tuple(x[(*before, i)] for i in range(x.shape[axis]))


def diff(xp, x, axis=-1, n=1, prepend=None, append=None):
    """x[i + 1] - x[i] along one axis, n times"""
    parts = [part for part in (prepend, x, append) if part is not None]
    x = xp.concat(parts, axis=axis) if len(parts) > 1 else x
    before = (slice(None),) * (axis % x.ndim)
    for _ in range(n):
        x = x[(*before, slice(1, None))] - x[(*before, slice(None, -1))]
    return x


def var(xp, x, axis=None, correction=0.0, keepdims=False):
    """Σ (x - x̄)² / (n - correction)"""
    deviation = x - xp.mean(x, axis=axis, keepdims=True)
    squares = xp.sum(deviation * deviation, axis=axis, keepdims=keepdims)
    axes = range(x.ndim) if axis is None else (axis if isinstance(axis, tuple) else (axis,))
    return squares / (math.prod(x.shape[a] for a in axes) - correction)


def std(xp, x, axis=None, correction=0.0, keepdims=False):
    """√var"""
    return xp.sqrt(xp.var(x, axis=axis, correction=correction, keepdims=keepdims))


def vecdot(xp, x, y, axis=-1):
    """Σ x̄ y along one axis"""
    return xp.sum(xp.conj(x) * y, axis=axis)


def outer(xp, x, y):
    """x yᵀ of two vectors"""
    return x[:, None] * y[None, :]


def cross(xp, x, y, axis=-1):
    """(x × y)ᵢ = xᵢ₊₁ yᵢ₊₂ - xᵢ₊₂ yᵢ₊₁ along an axis of length 3, indices modulo 3"""
    return xp.roll(x, -1, axis=axis) * xp.roll(y, -2, axis=axis) - xp.roll(x, -2, axis=axis) * xp.roll(y, -1, axis=axis)


def vector_norm(xp, x, axis=None, keepdims=False, ord=2):
    """(Σ |x|^ord)^(1/ord); the largest |x| for ord = inf, the smallest for -inf"""
    if ord == 2:
        return xp.sqrt(xp.sum(xp.real(x * xp.conj(x)), axis=axis, keepdims=keepdims))
    if ord == 1:
        return xp.sum(xp.abs(x), axis=axis, keepdims=keepdims)
    if ord in (math.inf, -math.inf):
        pick = xp.max if ord > 0 else xp.min
        return pick(xp.abs(x), axis=axis, keepdims=keepdims)
    total = xp.sum(xp.abs(x) ** ord, axis=axis, keepdims=keepdims)
    # A Python float would have 53 bits of 1/3, in the oracles too.
    return total ** (xp.ones_like(total) / ord)


def matrix_power(xp, x, n):
    """x x … x, n factors; of the inverse for negative n"""
    factor = xp.linalg.inv(x) if n < 0 else x
    power = xp.broadcast_to(xp.astype(xp.eye(x.shape[-1]), x.dtype), x.shape)
    for _ in range(abs(n)):
        power = xp.matmul(power, factor)
    return power


def matrix_norm(xp, x, ord="fro", keepdims=False):
    """The Frobenius norm √Σ |x|²; the sum ("nuc"), largest (2) or smallest (-2) of the singular values; the largest or
    smallest column sum (1, -1) or row sum (inf, -inf) of |x|"""
    if ord == "fro":
        return xp.linalg.vector_norm(x, axis=(-2, -1), keepdims=keepdims)
    if ord in ("nuc", 2, -2):
        pick = {"nuc": xp.sum, 2: xp.max, -2: xp.min}[ord]
        norm = pick(xp.linalg.svdvals(x), axis=-1)
    else:
        summed, left = (-2, -1) if abs(ord) == 1 else (-1, -1)
        norm = (xp.max if ord > 0 else xp.min)(xp.sum(xp.abs(x), axis=summed), axis=left)
    return norm[..., None, None] if keepdims else norm


def trace(xp, x, offset=0):
    """The sum of a diagonal"""
    return xp.sum(xp.linalg.diagonal(x, offset=offset), axis=-1)


def hfft(xp, x, n=None, axis=-1, norm="backward"):
    """The transform of n numbers whose first half is x and whose rest the conjugates: n times irfft of x̄"""
    n = 2 * (x.shape[axis] - 1) if n is None else n
    return xp.fft.irfft(xp.conj(x), n=n, axis=axis) * n ** {"backward": 1.0, "ortho": 0.5, "forward": 0.0}[norm]


def ihfft(xp, x, n=None, axis=-1, norm="backward"):
    """The first half of the inverse transform of n real numbers: the conjugate of rfft, over n"""
    n = x.shape[axis] if n is None else n
    return xp.conj(xp.fft.rfft(x, n=n, axis=axis)) * n ** {"backward": -1.0, "ortho": -0.5, "forward": 0.0}[norm]


def cond(xp, predicate, on_true, on_false, *operands):
    """on_true(*operands) where the predicate, a 0-d array, holds, on_false(*operands) where it does not

    Both give arrays of the same shapes: a backend may trace both."""
    return on_true(*operands) if predicate else on_false(*operands)


def fori_loop(xp, lower, upper, step, state):
    """state = step(k, state) for each integer k from lower up to, and without, upper

    The state is an array or a tuple of arrays, of shapes that stay; so in the other loops."""
    for k in range(lower, upper):
        state = step(k, state)
    return state


def while_loop(xp, condition, step, state):
    """state = step(state) as long as condition(state), a 0-d array, holds"""
    while condition(state):
        state = step(state)
    return state


def scan(xp, step, state, rows):
    """The states s₁ … sₙ, stacked: sₖ = step(sₖ₋₁, rowₖ) along the first axis of rows, from the initial state s₀"""
    states = []
    for k in range(rows.shape[0]):
        state = step(state, rows[k])
        states += [state]
    return xp.stack(states)


def expit(xp, x):
    """1 / (1 + e⁻ˣ)"""
    return 1 / (1 + xp.exp(-x))


def logit(xp, p):
    """log(p / (1 - p))"""
    return xp.log(p) - xp.log1p(-p)


def log_expit(xp, x):
    """log(1 / (1 + e⁻ˣ)) = -softplus(-x)"""
    return -xp.nn.softplus(-x)


def xlogy(xp, x, y):
    """x log y, and 0 where x = 0"""
    return xp.where(x == 0, xp.zeros_like(x * y), x * xp.log(xp.where(x == 0, xp.ones_like(y), y)))


def xlog1py(xp, x, y):
    """x log(1 + y), and 0 where x = 0"""
    return xp.where(x == 0, xp.zeros_like(x * y), x * xp.log1p(xp.where(x == 0, xp.zeros_like(y), y)))


def entr(xp, x):
    """-x log x, and 0 where x = 0"""
    return -xp.special.xlogy(x, x)


def betaln(xp, a, b):
    """log B(a, b) = log Γ(a) + log Γ(b) - log Γ(a + b)"""
    return xp.special.gammaln(a) + xp.special.gammaln(b) - xp.special.gammaln(a + b)


def ndtr(xp, x):
    """Φ(x) = erfc(-x/√2) / 2"""
    return xp.special.erfc(-x / xp.sqrt(xp.asarray(2.0))) / 2


def logsumexp(xp, x, axis=None, keepdims=False):
    """log Σ eˣ, shifted by the largest x"""
    largest = xp.max(x, axis=axis, keepdims=True)
    total = xp.log(xp.sum(xp.exp(x - largest), axis=axis, keepdims=True)) + largest
    if keepdims:
        return total
    if axis is None:
        return xp.reshape(total, ())
    return xp.squeeze(total, axis=axis)


def relu(xp, x):
    """max(x, 0)"""
    return xp.maximum(x, xp.zeros_like(x))


def leaky_relu(xp, x, negative_slope=0.01):
    """x where x ≥ 0, negative_slope · x elsewhere"""
    return xp.where(x >= 0, x, negative_slope * x)


def elu(xp, x, alpha=1.0):
    """x where x > 0, alpha (eˣ - 1) elsewhere"""
    below = xp.where(x > 0, xp.zeros_like(x), x)
    return xp.where(x > 0, x, alpha * xp.expm1(below))


def softplus(xp, x):
    """log(1 + eˣ) = max(x, 0) + log(1 + e^-|x|)"""
    return xp.maximum(x, xp.zeros_like(x)) + xp.log1p(xp.exp(-xp.abs(x)))


def silu(xp, x):
    """x / (1 + e⁻ˣ)"""
    return x * xp.special.expit(x)


def gelu(xp, x, approximate=False):
    """x Φ(x), exact with erf or the tanh approximation (Hendrycks and Gimpel, arXiv:1606.08415)"""
    if approximate:
        return x / 2 * (1 + xp.tanh(xp.sqrt(xp.asarray(2.0) / xp.pi) * (x + 0.044715 * x**3)))
    return x / 2 * (1 + xp.special.erf(x / xp.sqrt(xp.asarray(2.0))))


def softmax(xp, x, axis=-1):
    """eˣ / Σ eˣ, shifted by the largest x"""
    exponentials = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
    return exponentials / xp.sum(exponentials, axis=axis, keepdims=True)


def log_softmax(xp, x, axis=-1):
    """x - log Σ eˣ"""
    return x - xp.special.logsumexp(x, axis=axis, keepdims=True)


def clip_by_norm(xp, x, limit):
    """x where its Euclidean length is at most `limit`, x shrunk to that length elsewhere"""
    length = xp.linalg.vector_norm(x)
    return xp.where(length > limit, x * (limit / length), x)


MAIN = {
    f.__name__: f
    for f in (
        *(square, reciprocal, log2, log10, hypot, logaddexp, clip, copysign, signbit, trunc, floor_divide, remainder),
        *(broadcast_arrays, meshgrid, unstack, diff, var, std, vecdot, exp2, fmax, angle, cumulative_max),
    )
}
MAIN |= {f.__name__: f for f in (cond, fori_loop, while_loop, scan)}
LINALG = {f.__name__: f for f in (vecdot, outer, cross, vector_norm, matrix_norm, matrix_power, trace)}
FFT = {f.__name__: f for f in (hfft, ihfft)}
SPECIAL = {f.__name__: f for f in (expit, logit, log_expit, xlogy, xlog1py, entr, betaln, ndtr, logsumexp)}
NN = {f.__name__: f for f in (relu, leaky_relu, elu, softplus, silu, gelu, softmax, log_softmax, clip_by_norm)} | {
    "sigmoid": expit,
    "log_sigmoid": log_expit,
}
NN |= ACTIVATIONS | LAYERS | LOSSES
