"""Textbook formulas for the activations of `xp.nn`, as in the others. None has another slope at a smooth point when
a backend differentiates it branch by branch: what a branch must not see is replaced before it, not behind."""

SELU_SCALE = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717
"""Klambauer et al., arXiv:1706.02515, section 2: the fixed point of mean 0 and variance 1."""


def relu6(xp, x):
    """min(max(x, 0), 6)"""
    return xp.clip(x, 0.0, 6.0)


def prelu(xp, x, slope):
    """x where x ≥ 0, slope · x elsewhere, with a slope for each channel

    Shapes: x (batch, channels), slope (channels,)."""
    return xp.where(x >= 0, x, slope * x)


def selu(xp, x):
    """λ x where x > 0, λ α (eˣ - 1) elsewhere"""
    below = xp.where(x > 0, xp.zeros_like(x), x)
    return SELU_SCALE * xp.where(x > 0, x, SELU_ALPHA * xp.expm1(below))


def celu(xp, x, alpha=1.0):
    """x where x > 0, alpha (exp(x / alpha) - 1) elsewhere"""
    below = xp.where(x > 0, xp.zeros_like(x), x)
    return xp.where(x > 0, x, alpha * xp.expm1(below / alpha))


def mish(xp, x):
    """x tanh(log(1 + eˣ))"""
    return x * xp.tanh(xp.nn.softplus(x))


def hard_tanh(xp, x):
    """min(max(x, -1), 1)"""
    return xp.clip(x, -1.0, 1.0)


def hard_sigmoid(xp, x):
    """min(max(x + 3, 0), 6) / 6"""
    return xp.nn.relu6(x + 3) / 6


def hard_silu(xp, x):
    """x min(max(x + 3, 0), 6) / 6"""
    return x * xp.nn.relu6(x + 3) / 6


def soft_sign(xp, x):
    """x / (1 + |x|)"""
    return x / (1 + xp.abs(x))


def glu(xp, x, axis=-1):
    """a / (1 + e⁻ᵇ), where a is the first half of x along one axis and b the second"""
    before, half = (slice(None),) * (axis % x.ndim), x.shape[axis] // 2
    return x[(*before, slice(None, half))] * xp.special.expit(x[(*before, slice(half, None))])


ACTIVATIONS = {
    f.__name__: f for f in (relu6, prelu, selu, celu, mish, hard_tanh, hard_sigmoid, hard_silu, soft_sign, glu)
}
