"""Functions that act entry by entry: the rule of a single node, with weights behind it that tell the entries apart."""

from gradproof import Positive, Reals, function, weights


@function(
    x=Reals((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, 3.75, -6.5]),
        dict(x=[0.0, -0.0, 1.5, 2.0**-10, -40.0]),
        dict(x=[4.5, -1000.0, 2.0**-4, -(2.0**-20), 7.75]),
    ],
)
def sinc(xp, x):
    """f(x) = Σ w · sin(x) / x, where sin(0) / 0 means its limit 1

    x: 5. Not normalized by π. The division never sees a 0, so that no branch makes an infinity that the other hides."""
    zero = x == 0
    safe = xp.where(zero, xp.ones_like(x), x)
    ratio = xp.where(zero, xp.ones_like(x), xp.sin(safe) / safe)
    return xp.sum(weights(xp, (5,)) * ratio)


@sinc.gradient
def _(xp, x):
    zero = x == 0
    s = xp.where(zero, xp.ones_like(x), x)  # node 1
    a = xp.sin(s)  # node 2
    # r = a / s               node 3
    # y = 1 at 0, r elsewhere  node 4
    # f = Σ w y                node 5
    d_y = weights(xp, (5,))  # node 5 input
    d_r = xp.where(zero, xp.zeros_like(x), d_y)  # node 4 input: the constant 1 sends nothing back, and sinc′(0) = 0
    d_a = 1 / s * d_r  # node 3 input
    d_s = -a / (s * s) * d_r  # node 3 input
    d_s = d_s + xp.cos(s) * d_a  # node 2 input, the second way from s
    d_x = xp.where(zero, xp.zeros_like(x), d_s)  # node 1 input
    return (d_x,)


@function(
    x=Reals((3, 1)),
    y=Reals((4,)),
    points=[
        dict(x=[[0.75], [-0.5], [1.25]], y=[0.5, -1.0, 0.25, 1.5]),
        dict(x=[[0.0], [2.0], [-3.0]], y=[0.0, 0.5, -0.75, 1.0]),
        dict(x=[[40.0], [-1000.0], [0.25]], y=[2.0, 0.5, -1.0, 3.0]),  # saturated
    ],
)
def product_through_tanh(xp, x, y):
    """f(x, y) = Σᵢⱼ wᵢⱼ tanh(xᵢ yⱼ)

    x: 3x1, y: 4. Both sides are broadcast, so each gradient is summed over what was stretched."""
    return xp.sum(weights(xp, (3, 4)) * xp.tanh(x * y))


@product_through_tanh.gradient
def _(xp, x, y):
    p = x * y  # node 1, (3, 4)
    t = xp.tanh(p)  # node 2
    d_t = weights(xp, (3, 4))  # node 3 input: f = Σ w t
    d_p = (1 - t * t) * d_t  # node 2 input
    d_x = xp.sum(y * d_p, axis=1, keepdims=True)  # node 1 input: x was stretched along axis 1
    d_y = xp.sum(x * d_p, axis=0)  # node 1 input: y was stretched along axis 0
    return d_x, d_y


@function(
    x=Positive((4,), high=32.0),
    y=Reals((3, 1), low=-4.0, high=4.0),
    points=[
        dict(x=[0.5, 1.25, 2.25, 3.0], y=[[-1.5], [0.75], [2.5]]),
        dict(x=[1.0, 0.25, 7.0, 2.0], y=[[0.0], [1.0], [2.0]]),  # log 1 = 0, and the exponents that drop a factor
        dict(x=[2.0**-10, 32.0, 1.5, 0.75], y=[[-4.0], [4.0], [0.5]]),
    ],
)
def power(xp, x, y):
    """f(x, y) = Σᵢⱼ wᵢⱼ xⱼ ^ yᵢ

    x: 4, positive; y: 3x1."""
    return xp.sum(weights(xp, (3, 4)) * x**y)


@power.gradient
def _(xp, x, y):
    p = x**y  # node 1, (3, 4)
    d_p = weights(xp, (3, 4))  # node 2 input: f = Σ w p
    d_x = xp.sum(y * x ** (y - 1) * d_p, axis=0)  # node 1 input, the base
    d_y = xp.sum(xp.log(x) * p * d_p, axis=1, keepdims=True)  # node 1 input, the exponent: x^y = exp(y log x)
    return d_x, d_y


@function(
    x=Reals((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, -3.5, 0.125]),
        dict(x=[0.0, -0.0, 40.0, -40.0, 1.0]),
        dict(x=[1000.0, -1000.0, 17.0, -90.0, 6.0]),  # saturated
    ],
)
def logistic(xp, x):
    """f(x) = Σ w σ(x), σ(x) = 1 / (1 + e⁻ˣ)

    x: 5."""
    return xp.sum(weights(xp, x.shape) * xp.special.expit(x))


@logistic.gradient
def _(xp, x):
    s = xp.special.expit(x)  # node 1
    d_s = weights(xp, x.shape)  # node 2 input: f = Σ w s
    d_x = s * (1 - s) * d_s  # node 1 input
    return (d_x,)


@logistic.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


@function(
    x=Reals((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, -0.375, 1.0]),
        dict(x=[0.0, -0.0, 3.5, -2.75, 2.0**-20]),
        dict(x=[6.0, -9.0, 40.0, -1000.0, 0.25]),  # the density underflows
    ],
)
def gaussian_error(xp, x):
    """f(x) = Σ w erf(x), erf(x) = 2/√π ∫₀ˣ exp(-t²) dt

    x: 5. The integral's derivative is the integrand (DLMF 7.2.1)."""
    return xp.sum(weights(xp, (5,)) * xp.special.erf(x))


@gaussian_error.gradient
def _(xp, x):
    d_e = weights(xp, (5,))  # node 2 input: f = Σ w e, with node 1: e = erf(x)
    pi = 4 * xp.atan(xp.ones_like(x))  # π in the precision at hand; a Python float has 53 bits of it and no more
    d_x = 2 / xp.sqrt(pi) * xp.exp(-x * x) * d_e  # node 1 input
    return (d_x,)


@function(
    x=Positive((4,), low=0.5, high=50.0),
    points=[
        dict(x=[0.75, 2.5, 6.25, 17.0]),
        dict(x=[1.0, 2.0, 1.4375, 1.5]),  # log Γ = 0 at 1 and 2; its derivative vanishes at 1.4616…
        dict(x=[0.5, 50.0, 33.25, 3.0]),
    ],
)
def log_gamma(xp, x):
    """f(x) = Σ w log Γ(x)

    x: 4, positive. Its derivative is the digamma function ψ = Γ′ / Γ (DLMF 5.2.2)."""
    return xp.sum(weights(xp, (4,)) * xp.special.gammaln(x))


@log_gamma.gradient
def _(xp, x):
    d_g = weights(xp, (4,))  # node 2 input: f = Σ w g, with node 1: g = log Γ(x)
    d_x = xp.special.digamma(x) * d_g  # node 1 input
    return (d_x,)
