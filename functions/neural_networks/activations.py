"""Smooth activations, and those of a whole axis. An entry whose name ends in `composed` has its formula written out in
exponentials and logarithms, as people write it: the same function by another program, with its own backward pass."""

from gradproof import Reals, function, weights

ANYWHERE = [
    dict(x=[0.5, -1.25, 2.0, -3.5, 0.125]),
    dict(x=[0.0, -0.0, 2.0**-20, -(2.0**-30), 1.0]),
    dict(x=[40.0, -40.0, 17.0, -17.0, 6.0]),
]
"""Points for a vector of 5: generic; 0 and beside it; saturated."""

NEARBY = [*ANYWHERE[:2], dict(x=[7.5, -16.0, 8.0, -15.0, -7.0])]
"""Points for what is written out in exponentials. Beyond ±16 their fourth powers, which a second derivative may form on
its way, overflow in float32."""

FAR_OUT = dict(x=[1000.0, -1000.0, 90.0, -90.0, 20.5])

ROWS = [
    dict(x=[[0.5, -1.0, 2.25, 0.75], [1.5, 3.0, -0.5, 0.25]]),
    dict(x=[[1.5, 1.5, 1.5, 1.5], [0.0, -0.0, 2.0**-20, 0.0]]),  # ties
    dict(x=[[1000.0, 999.0, -1000.0, 0.0], [-1000.0, -1001.0, -40.0, 40.0]]),
]
"""Points for a matrix 2x4."""

BLOCK = dict(x=[[[0.5, -1.25], [2.0, 0.75], [3.0, -0.375]], [[1.5, 0.25], [-1.0, 4.0], [-0.5, 1.0]]])
"""A point of the shape 2x3x2."""


def _vector(n, rng):
    return dict(x=rng.normal(size=n))


def _matrix(n, rng):
    return dict(x=rng.normal(size=(n, 4)))


@function(x=Reals((5,), low=-1000.0, high=1000.0), points=[*ANYWHERE, FAR_OUT])
def silu(xp, x):
    """f(x) = Σ w y, y = x σ(x), σ(x) = 1 / (1 + e⁻ˣ)

    x: 5. Hendrycks and Gimpel, arXiv:1606.08415; "swish", Ramachandran et al., arXiv:1710.05941. Within ±1000: further
    out the term x σ (1 - σ) is all rounding."""
    return xp.sum(weights(xp, x.shape) * xp.nn.silu(x))


@silu.gradient
def _(xp, x):
    s = xp.special.expit(x)  # node 1
    d_y = weights(xp, x.shape)  # node 3 input: f = Σ w y
    d_s = x * d_y  # node 2 input: y = x s
    d_x = s * d_y + s * (1 - s) * d_s  # node 2 input, and node 1 input
    return (d_x,)


silu.inputs_of_size(_vector)


@function(x=Reals((5,), low=-16.0, high=1000.0), points=[*NEARBY, dict(x=[40.0, 1000.0, 17.0, 90.0, 20.5])])
def silu_composed(xp, x):
    """f(x) = Σ w y, y = x / (1 + e⁻ˣ)

    x: 5, above -16."""
    return xp.sum(weights(xp, x.shape) * (x / (1 + xp.exp(-x))))


@silu_composed.gradient
def _(xp, x):
    e = xp.exp(-x)  # node 1
    q = 1 + e  # node 2
    d_y = weights(xp, x.shape)  # node 4 input: f = Σ w y
    d_q = -x / (q * q) * d_y  # node 3 input: y = x / q
    d_x = d_y / q - e * d_q  # node 3 input, and through nodes 2 and 1: e′ = -e
    return (d_x,)


silu_composed.inputs_of_size(_vector)


@function(x=Reals((5,), low=-1000.0, high=1000.0), points=[*ANYWHERE, FAR_OUT])
def gelu(xp, x):
    """f(x) = Σ w y, y = x Φ(x), Φ(x) = (1 + erf(x/√2)) / 2

    x: 5. Hendrycks and Gimpel, arXiv:1606.08415, equation 1."""
    return xp.sum(weights(xp, x.shape) * xp.nn.gelu(x, approximate=False))


@gelu.gradient
def _(xp, x):
    pi = 4 * xp.atan(xp.ones_like(x))
    p = (1 + xp.special.erf(x / xp.sqrt(2 * xp.ones_like(x)))) / 2  # node 1: Φ
    d_y = weights(xp, x.shape)  # node 3 input: f = Σ w y
    d_p = x * d_y  # node 2 input: y = x p
    d_x = p * d_y + xp.exp(-x * x / 2) / xp.sqrt(2 * pi) * d_p  # node 2 input, and node 1 input: Φ′ is the density
    return (d_x,)


gelu.inputs_of_size(_vector)


@function(x=Reals((5,), low=-40.0, high=40.0), points=ANYWHERE)
def gelu_by_tanh(xp, x):
    """f(x) = Σ w y, y = x/2 (1 + tanh(√(2/π) (x + a x³))), a = 0.044715

    x: 5. Hendrycks and Gimpel, arXiv:1606.08415, section 2. Within ±40: further out x³ (1 - tanh²) is all rounding."""
    return xp.sum(weights(xp, x.shape) * xp.nn.gelu(x, approximate=True))


@gelu_by_tanh.gradient
def _(xp, x):
    c = xp.sqrt(2 / (4 * xp.atan(xp.ones_like(x))))  # √(2/π)
    t = xp.tanh(c * (x + 0.044715 * x * x * x))  # nodes 1 and 2: u = c (x + a x³), t = tanh u
    d_y = weights(xp, x.shape)  # node 4 input: f = Σ w y
    d_t = x / 2 * d_y  # node 3 input: y = x/2 (1 + t)
    d_u = (1 - t * t) * d_t  # node 2 input
    d_x = (1 + t) / 2 * d_y + c * (1 + 3 * (0.044715 * x * x)) * d_u  # node 3 input, and node 1 input
    return (d_x,)


gelu_by_tanh.inputs_of_size(_vector)


@function(x=Reals((5,), low=-1000.0, high=1000.0), points=[*ANYWHERE, FAR_OUT])
def gelu_composed(xp, x):
    """f(x) = Σ w y, y = x erfc(-x/√2) / 2

    x: 5. The same function: Φ(x) = erfc(-x/√2) / 2, which keeps its digits below 0."""
    root = xp.sqrt(xp.asarray(2.0))
    return xp.sum(weights(xp, x.shape) * (x * xp.special.erfc(-x / root) / 2))


@gelu_composed.gradient
def _(xp, x):
    pi = 4 * xp.atan(xp.ones_like(x))
    v = -x / xp.sqrt(2 * xp.ones_like(x))  # node 1
    c = xp.special.erfc(v)  # node 2
    d_y = weights(xp, x.shape)  # node 4 input: f = Σ w y
    d_c = x / 2 * d_y  # node 3 input: y = x c / 2
    d_v = -2 / xp.sqrt(pi) * xp.exp(-v * v) * d_c  # node 2 input
    d_x = c / 2 * d_y - d_v / xp.sqrt(2 * xp.ones_like(x))  # node 3 input, and node 1 input
    return (d_x,)


gelu_composed.inputs_of_size(_vector)


@function(x=Reals((5,), low=-1000.0, high=1000.0), points=[*ANYWHERE, FAR_OUT])
def mish(xp, x):
    """f(x) = Σ w y, y = x tanh(log(1 + eˣ))

    x: 5. Misra, arXiv:1908.08681, equation 1. Within ±1000: further out x (1 - tanh²) is all rounding."""
    return xp.sum(weights(xp, x.shape) * xp.nn.mish(x))


@mish.gradient
def _(xp, x):
    t = xp.tanh(xp.nn.softplus(x))  # nodes 1 and 2: s = log(1 + eˣ), t = tanh s
    d_y = weights(xp, x.shape)  # node 4 input: f = Σ w y
    d_t = x * d_y  # node 3 input: y = x t
    d_s = (1 - t * t) * d_t  # node 2 input
    d_x = t * d_y + xp.special.expit(x) * d_s  # node 3 input, and node 1 input
    return (d_x,)


mish.inputs_of_size(_vector)


@function(x=Reals((5,), low=-16.0, high=8.0), points=NEARBY)
def mish_composed(xp, x):
    """f(x) = Σ w y, y = x (e² + 2e) / (e² + 2e + 2), e = eˣ

    x: 5, below 8. The same function: tanh log v = (v² - 1) / (v² + 1) with
    v = 1 + e."""
    e = xp.exp(x)
    n = e * (e + 2)
    return xp.sum(weights(xp, x.shape) * (x * n / (n + 2)))


@mish_composed.gradient
def _(xp, x):
    e = xp.exp(x)  # node 1
    n = e * (e + 2)  # node 2
    q = n + 2  # node 3
    d_y = weights(xp, x.shape)  # node 5 input: f = Σ w y
    d_q = -x * n / (q * q) * d_y  # node 4 input: y = x n / q
    d_n = x / q * d_y + d_q  # node 4 input, and node 3 input
    d_e = (2 * e + 2) * d_n  # node 2 input
    d_x = n / q * d_y + e * d_e  # node 4 input, and node 1 input
    return (d_x,)


mish_composed.inputs_of_size(_vector)


@function(x=Reals((5,), low=-1000.0, high=16.0), points=[*NEARBY, dict(x=[16.0, -1000.0, -90.0, -40.0, -17.0])])
def softplus_composed(xp, x):
    """f(x) = Σ w s, s = log(1 + eˣ)

    x: 5, below 16."""
    return xp.sum(weights(xp, x.shape) * xp.log1p(xp.exp(x)))


@softplus_composed.gradient
def _(xp, x):
    e = xp.exp(x)  # node 1
    d_s = weights(xp, x.shape)  # node 3 input: f = Σ w s
    d_e = d_s / (1 + e)  # node 2 input: s = log(1 + e)
    d_x = e * d_e  # node 1 input
    return (d_x,)


softplus_composed.inputs_of_size(_vector)


@function(x=Reals((5,), low=-16.0, high=1000.0), points=[*NEARBY, dict(x=[40.0, 1000.0, 17.0, 90.0, 20.5])])
def sigmoid_composed(xp, x):
    """f(x) = Σ w s, s = 1 / (1 + e⁻ˣ)

    x: 5, above -16."""
    return xp.sum(weights(xp, x.shape) * (1 / (1 + xp.exp(-x))))


@sigmoid_composed.gradient
def _(xp, x):
    e = xp.exp(-x)  # node 1
    q = 1 + e  # node 2
    d_s = weights(xp, x.shape)  # node 4 input: f = Σ w s
    d_q = -1 / (q * q) * d_s  # node 3 input: s = 1 / q
    d_x = -e * d_q  # nodes 2 and 1 input
    return (d_x,)


sigmoid_composed.inputs_of_size(_vector)


@function(x=Reals((5,)), points=[*ANYWHERE, FAR_OUT])
def sigmoid_by_tanh(xp, x):
    """f(x) = Σ w s, s = (1 + tanh(x/2)) / 2

    x: 5. The same function, DLMF 4.35 (the double of an argument): nothing overflows, but digits below 0 are lost."""
    return xp.sum(weights(xp, x.shape) * ((1 + xp.tanh(x / 2)) / 2))


@sigmoid_by_tanh.gradient
def _(xp, x):
    t = xp.tanh(x / 2)  # nodes 1 and 2
    d_s = weights(xp, x.shape)  # node 4 input: f = Σ w s
    d_t = d_s / 2  # node 3 input: s = (1 + t) / 2
    d_x = (1 - t * t) * d_t / 2  # node 2 input, and node 1 input
    return (d_x,)


sigmoid_by_tanh.inputs_of_size(_vector)


@function(x=Reals((5,), low=-16.0, high=1000.0), points=[*NEARBY, dict(x=[40.0, 1000.0, 17.0, 90.0, 20.5])])
def log_sigmoid_composed(xp, x):
    """f(x) = Σ w l, l = log(1 / (1 + e⁻ˣ))

    x: 5, above -16. As losses are often written: far above 0 the value is all
    rounding."""
    return xp.sum(weights(xp, x.shape) * xp.log(1 / (1 + xp.exp(-x))))


@log_sigmoid_composed.gradient
def _(xp, x):
    e = xp.exp(-x)  # node 1
    q = 1 + e  # node 2
    s = 1 / q  # node 3
    d_l = weights(xp, x.shape)  # node 5 input: f = Σ w l
    d_s = d_l / s  # node 4 input: l = log s
    d_q = -s * s * d_s  # node 3 input
    d_x = -e * d_q  # nodes 2 and 1 input
    return (d_x,)


log_sigmoid_composed.inputs_of_size(_vector)


@function(x=Reals((2, 4), low=-1000.0, high=1000.0), points=ROWS)
def glu(xp, x, *, axis=-1):
    """f(x) = Σ w y, y = a σ(b), a the first half of x along one axis, b the second, σ(b) = 1 / (1 + e⁻ᵇ)

    x: 2x4. Dauphin et al., arXiv:1612.08083."""
    y = xp.nn.glu(x, axis=axis)
    return xp.sum(weights(xp, y.shape) * y)


@glu.gradient
def _(xp, x, *, axis=-1):
    before, half = (slice(None),) * (axis % x.ndim), x.shape[axis] // 2
    a, b = x[(*before, slice(None, half))], x[(*before, slice(half, None))]  # node 1
    s = xp.special.expit(b)  # node 2
    d_y = weights(xp, a.shape)  # node 4 input: f = Σ w y
    d_a = s * d_y  # node 3 input: y = a s
    d_s = a * d_y  # node 3 input
    d_b = s * (1 - s) * d_s  # node 2 input
    return (xp.concat([d_a, d_b], axis=axis),)  # node 1 input


glu.inputs_of_size(_matrix)
glu.variant("first_axis", axis=0)
glu.variant(
    "middle_axis",
    x=Reals((2, 4, 2), low=-1000.0, high=1000.0),
    axis=1,
    points=[dict(x=[[[(7 * i + 5 * j + 3 * k) % 17 / 4 - 2.0 for k in range(2)] for j in range(4)] for i in range(2)])],
)


@function(x=Reals((2, 4)), points=ROWS)
def softmax(xp, x, *, axis=-1):
    """f(x) = Σ w p, p = eˣ / Σ eˣ along one axis

    x: 2x4. Bridle, Neurocomputing, NATO ASI F68 (1990)."""
    return xp.sum(weights(xp, x.shape) * xp.nn.softmax(x, axis=axis))


@softmax.gradient
def _(xp, x, *, axis=-1):
    p = xp.nn.softmax(x, axis=axis)  # node 1
    d_p = weights(xp, x.shape)  # node 2 input: f = Σ w p
    d_x = p * (d_p - xp.sum(p * d_p, axis=axis, keepdims=True))  # node 1 input: ∂pᵢ/∂xⱼ = pᵢ (δᵢⱼ - pⱼ)
    return (d_x,)


softmax.inputs_of_size(_matrix)
softmax.variant("first_axis", axis=0)
softmax.variant("middle_axis", x=Reals((2, 3, 2)), axis=1, points=[BLOCK])


@function(x=Reals((2, 4)), points=ROWS)
def softmax_composed(xp, x):
    """f(x) = Σ w p, p = e^(x - m) / Σ e^(x - m), m the largest entry of each row

    x: 2x4. The shift m drops out; a backend differentiates it all the same, and its shares in a tie must sum to 0."""
    e = xp.exp(x - xp.max(x, axis=1, keepdims=True))
    return xp.sum(weights(xp, x.shape) * (e / xp.sum(e, axis=1, keepdims=True)))


@softmax_composed.gradient
def _(xp, x):
    e = xp.exp(x - xp.max(x, axis=1, keepdims=True))  # node 1, the shift taken as a constant
    s = xp.sum(e, axis=1, keepdims=True)  # node 2, (2, 1)
    d_p = weights(xp, x.shape)  # node 4 input: f = Σ w p
    d_s = -xp.sum(e * d_p, axis=1, keepdims=True) / (s * s)  # node 3 input: p = e / s
    d_e = d_p / s + d_s  # node 3 input, and node 2 input
    d_x = e * d_e  # node 1 input
    return (d_x,)


softmax_composed.inputs_of_size(_matrix)


@function(x=Reals((2, 4)), points=ROWS)
def log_softmax(xp, x, *, axis=-1):
    """f(x) = Σ w l, l = x - log Σ eˣ along one axis

    x: 2x4."""
    return xp.sum(weights(xp, x.shape) * xp.nn.log_softmax(x, axis=axis))


@log_softmax.gradient
def _(xp, x, *, axis=-1):
    p = xp.nn.softmax(x, axis=axis)
    d_l = weights(xp, x.shape)  # node 2 input: f = Σ w l
    d_x = d_l - p * xp.sum(d_l, axis=axis, keepdims=True)  # node 1 input: ∂lᵢ/∂xⱼ = δᵢⱼ - pⱼ
    return (d_x,)


log_softmax.inputs_of_size(_matrix)
log_softmax.variant("first_axis", axis=0)
log_softmax.variant("middle_axis", x=Reals((2, 3, 2)), axis=1, points=[BLOCK])


@function(x=Reals((2, 4), low=-16.0, high=16.0), points=[*ROWS[:2], dict(x=[[16.0, -16.0, 0.0, 15.0], [-16.0] * 4])])
def log_softmax_composed(xp, x):
    """f(x) = Σ w l, l = log(eˣ / Σ eˣ) along the rows

    x: 2x4, within ±16: further out e / s², which a backend may form on its way back, underflows in float32. As people
    write it who know no other way."""
    e = xp.exp(x)
    return xp.sum(weights(xp, x.shape) * xp.log(e / xp.sum(e, axis=1, keepdims=True)))


@log_softmax_composed.gradient
def _(xp, x):
    e = xp.exp(x)  # node 1
    s = xp.sum(e, axis=1, keepdims=True)  # node 2, (2, 1)
    p = e / s  # node 3
    d_p = weights(xp, x.shape) / p  # node 4 input: f = Σ w log p
    d_s = -xp.sum(e * d_p, axis=1, keepdims=True) / (s * s)  # node 3 input
    d_e = d_p / s + d_s  # node 3 input, and node 2 input
    d_x = e * d_e  # node 1 input
    return (d_x,)


log_softmax_composed.inputs_of_size(_matrix)
