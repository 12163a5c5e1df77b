"""Activations made of pieces, straight or exponential. Where two pieces meet at an angle the docstring states the
subdifferential; the gradients choose one slope of it."""

from gradproof import Reals, function, weights
from gradproof.registry.formulas.activations import SELU_ALPHA, SELU_SCALE

ANYWHERE = [
    dict(x=[0.5, -1.25, 2.0, -3.5, 0.125]),
    dict(x=[0.0, -0.0, 2.0**-20, -(2.0**-30), 1.0]),
    dict(x=[40.0, -40.0, 1000.0, -1000.0, 17.0]),
]
"""Points for a vector of 5: generic; 0 and beside it; far out."""


@function(x=Reals((5,)), points=ANYWHERE)
def relu(xp, x):
    """f(x) = Σ w r, r = max(x, 0)

    x: 5. Nair and Hinton, ICML 2010. At xᵢ = 0 the subdifferential is wᵢ times every slope from 0 to 1; chosen: 0."""
    return xp.sum(weights(xp, x.shape) * xp.nn.relu(x))


@relu.gradient
def _(xp, x):
    d_r = weights(xp, x.shape)  # node 2 input: f = Σ w r, with node 1: r = max(x, 0)
    d_x = xp.where(x > 0, d_r, xp.zeros_like(x))  # node 1 input
    return (d_x,)


@relu.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


@function(x=Reals((5,)), points=[*ANYWHERE, dict(x=[6.0, 0.0, 5.75, 6.25, 3.0])])
def relu6(xp, x):
    """f(x) = Σ w r, r = min(max(x, 0), 6)

    x: 5. Krizhevsky, Convolutional Deep Belief Networks on CIFAR-10 (2010). At 0 and at 6 the subdifferential is wᵢ
    times every slope from 0 to 1; chosen: 0."""
    return xp.sum(weights(xp, x.shape) * xp.nn.relu6(x))


@relu6.gradient
def _(xp, x):
    d_r = weights(xp, x.shape)  # node 2 input: f = Σ w r, with node 1: r = min(max(x, 0), 6)
    d_x = xp.where((x > 0) & (x < 6), d_r, xp.zeros_like(x))  # node 1 input
    return (d_x,)


@relu6.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(scale=4.0, size=n))


@function(x=Reals((5,)), points=ANYWHERE)
def leaky_relu(xp, x, *, negative_slope=0.01):
    """f(x) = Σ w r, r = x where x ≥ 0, a x elsewhere, a = 0.01

    x: 5. Maas, Hannun and Ng, ICML 2013. At xᵢ = 0 the subdifferential is wᵢ times every slope between a and 1; chosen:
    1."""
    return xp.sum(weights(xp, x.shape) * xp.nn.leaky_relu(x, negative_slope))


@leaky_relu.gradient
def _(xp, x, *, negative_slope=0.01):
    d_r = weights(xp, x.shape)  # node 2 input: f = Σ w r, with node 1: r = x or a x
    d_x = xp.where(x >= 0, d_r, negative_slope * d_r)  # node 1 input
    return (d_x,)


@leaky_relu.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


leaky_relu.variant("quarter", negative_slope=0.25)
leaky_relu.variant("falling", negative_slope=-0.5)


@function(
    x=Reals((2, 3)),
    slope=Reals((3,)),
    points=[
        dict(x=[[0.5, -1.25, 2.0], [-3.5, 0.125, -0.75]], slope=[0.25, -0.5, 1.5]),
        dict(x=[[0.0, -0.0, -1.0], [-2.0, 1.0, 0.0]], slope=[0.25, 0.5, 0.0]),  # kinks, and a slope of 0
        dict(x=[[-1000.0, 40.0, -40.0], [-(2.0**-20), -17.0, 1000.0]], slope=[1.0, 2.0**-10, 40.0]),  # 1: no kink
    ],
)
def prelu(xp, x, slope):
    """f(x, a) = Σ w r, rᵢⱼ = xᵢⱼ where xᵢⱼ ≥ 0, aⱼ xᵢⱼ elsewhere

    x: 2x3 (batch, channels), a: 3, learned. He et al., arXiv:1502.01852. At xᵢⱼ = 0 the subdifferential in x is wᵢⱼ
    times every slope between aⱼ and 1; chosen: 1. In a it is 0 there."""
    return xp.sum(weights(xp, x.shape) * xp.nn.prelu(x, slope))


@prelu.gradient
def _(xp, x, slope):
    d_r = weights(xp, x.shape)  # node 2 input: f = Σ w r, with node 1: r = x or a x
    d_x = xp.where(x >= 0, d_r, slope * d_r)  # node 1 input
    d_slope = xp.sum(xp.where(x >= 0, xp.zeros_like(x), x * d_r), axis=0)  # node 1 input: one slope for the batch
    return d_x, d_slope


@prelu.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 3)), slope=rng.normal(size=3))


@function(x=Reals((5,)), points=ANYWHERE)
def elu(xp, x, *, alpha=1.0):
    """f(x) = Σ w r, r = x where x > 0, α (eˣ - 1) elsewhere, α = 1

    x: 5. Clevert, Unterthiner and Hochreiter, arXiv:1511.07289. At xᵢ = 0 the subdifferential is wᵢ times every slope
    between α and 1, one slope where α = 1; chosen: α."""
    return xp.sum(weights(xp, x.shape) * xp.nn.elu(x, alpha))


@elu.gradient
def _(xp, x, *, alpha=1.0):
    below = xp.where(x > 0, xp.zeros_like(x), x)  # what the lower piece sees, so that nothing overflows
    r = alpha * xp.expm1(below)  # node 1, that piece
    d_r = weights(xp, x.shape)  # node 2 input: f = Σ w r
    d_x = xp.where(x > 0, d_r, (r + alpha) * d_r)  # node 1 input: α eˣ = r + α, as in the paper
    return (d_x,)


@elu.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


elu.variant("quarter", alpha=0.25)
elu.variant("double", alpha=2.0)


@function(x=Reals((5,)), points=ANYWHERE)
def selu(xp, x):
    """f(x) = Σ w r, r = λ x where x > 0, λ α (eˣ - 1) elsewhere

    x: 5, λ = 1.0507…, α = 1.6732…. Klambauer et al., arXiv:1706.02515. At xᵢ = 0 the subdifferential is wᵢ times every
    slope from λ to λ α; chosen: λ α."""
    return xp.sum(weights(xp, x.shape) * xp.nn.selu(x))


@selu.gradient
def _(xp, x):
    below = xp.where(x > 0, xp.zeros_like(x), x)
    s = SELU_ALPHA * xp.expm1(below)  # node 1, the lower piece; the upper one is s = x
    d_r = weights(xp, x.shape)  # node 3 input: f = Σ w r
    d_s = SELU_SCALE * d_r  # node 2 input: r = λ s
    d_x = xp.where(x > 0, d_s, (s + SELU_ALPHA) * d_s)  # node 1 input: α eˣ = s + α
    return (d_x,)


@selu.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


@function(x=Reals((5,)), points=ANYWHERE)
def celu(xp, x, *, alpha=1.0):
    """f(x) = Σ w r, r = x where x > 0, α (exp(x/α) - 1) elsewhere, α = 1

    x: 5. Barron, arXiv:1704.07483. At 0 both pieces have the slope 1, whatever α is; only the second derivative jumps
    there."""
    return xp.sum(weights(xp, x.shape) * xp.nn.celu(x, alpha))


@celu.gradient
def _(xp, x, *, alpha=1.0):
    u = xp.where(x > 0, xp.zeros_like(x), x) / alpha  # node 1, of the lower piece
    m = xp.expm1(u)  # node 2
    d_r = weights(xp, x.shape)  # node 4 input: f = Σ w r
    d_m = alpha * d_r  # node 3 input: r = x above, α m below
    d_u = (m + 1) * d_m  # node 2 input: eᵘ = m + 1
    d_x = xp.where(x > 0, d_r, d_u / alpha)  # node 3 input above, node 1 input below
    return (d_x,)


@celu.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


celu.variant("quarter", alpha=0.25)
celu.variant("double", alpha=2.0)


@function(x=Reals((5,)), points=[*ANYWHERE, dict(x=[1.0, -1.0, 1.0 - 2.0**-20, -1.0 - 2.0**-20, 0.75])])
def hard_tanh(xp, x):
    """f(x) = Σ w h, h = min(max(x, -1), 1)

    x: 5. Collobert, thesis, Paris (2004). At ±1 the subdifferential is wᵢ times every slope from 0 to 1; chosen: 0."""
    return xp.sum(weights(xp, x.shape) * xp.nn.hard_tanh(x))


@hard_tanh.gradient
def _(xp, x):
    d_h = weights(xp, x.shape)  # node 2 input: f = Σ w h, with node 1: h = min(max(x, -1), 1)
    d_x = xp.where((x > -1) & (x < 1), d_h, xp.zeros_like(x))  # node 1 input
    return (d_x,)


@hard_tanh.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


@function(x=Reals((5,)), points=[*ANYWHERE, dict(x=[3.0, -3.0, 2.75, -3.25, -2.5])])
def hard_sigmoid(xp, x):
    """f(x) = Σ w h, h = min(max(x + 3, 0), 6) / 6

    x: 5. Howard et al., arXiv:1905.02244. At ±3 the subdifferential is wᵢ times every slope from 0 to ⅙; chosen: 0."""
    return xp.sum(weights(xp, x.shape) * xp.nn.hard_sigmoid(x))


@hard_sigmoid.gradient
def _(xp, x):
    d_h = weights(xp, x.shape)  # node 2 input: f = Σ w h, with node 1: h = (x + 3) / 6 between 0 and 1
    d_x = xp.where((x > -3) & (x < 3), d_h / 6, xp.zeros_like(x))  # node 1 input
    return (d_x,)


@hard_sigmoid.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(scale=2.0, size=n))


@function(x=Reals((5,)), points=[*ANYWHERE, dict(x=[3.0, -3.0, 2.75, -3.25, -2.5])])
def hard_silu(xp, x):
    """f(x) = Σ w y, y = x min(max(x + 3, 0), 6) / 6

    x: 5. "Hard swish", Howard et al., arXiv:1905.02244. At -3 the subdifferential is wᵢ times every slope from -½ to 0,
    at 3 from 1 to 3/2; chosen: 0 and 1, those of the straight pieces."""
    return xp.sum(weights(xp, x.shape) * xp.nn.hard_silu(x))


@hard_silu.gradient
def _(xp, x):
    one, zero = xp.ones_like(x), xp.zeros_like(x)
    inside = (x > -3) & (x < 3)
    h = xp.where(inside, (x + 3) / 6, xp.where(x > 0, one, zero))  # node 1
    d_y = weights(xp, x.shape)  # node 3 input: f = Σ w y
    d_h = x * d_y  # node 2 input: y = x h
    d_x = h * d_y + xp.where(inside, d_h / 6, zero)  # node 2 input, and node 1 input: h = (x + 3) / 6 inside
    return (d_x,)


@hard_silu.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(scale=2.0, size=n))


@function(x=Reals((5,)), points=ANYWHERE)
def soft_sign(xp, x):
    """f(x) = Σ w s, s = x / (1 + |x|)

    x: 5. Turian, Bergstra and Bengio, NAACL 2009. Differentiable at 0 too, where the slope is 1; only the second
    derivative jumps there."""
    return xp.sum(weights(xp, x.shape) * xp.nn.soft_sign(x))


@soft_sign.gradient
def _(xp, x):
    q = 1 + xp.abs(x)  # node 1
    d_s = weights(xp, x.shape)  # node 3 input: f = Σ w s
    d_q = -x / (q * q) * d_s  # node 2 input: s = x / q
    d_x = d_s / q + xp.sign(x) * d_q  # node 2 input, and node 1 input; together d_s / q², far out a difference
    return (d_x,)


@soft_sign.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))
