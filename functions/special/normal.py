"""The error function's family: integrals of the normal density, their complements, logarithms and inverses. Densities
underflow far out, complements lose what a difference from 1 would, and inverses steepen without limit at their ends."""

from gradproof import Reals, function, weights


@function(
    x=Reals((4,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, -0.375]),
        dict(x=[0.0, -0.0, 2.0**-20, 1.0]),
        dict(x=[6.0, -9.0, 26.0, 40.0]),  # the upper tail underflows
    ],
)
def complementary_error(xp, x):
    """f(x) = Σ w erfc(x), erfc(x) = 2/√π ∫ₓ^∞ exp(-t²) dt

    x: 4. DLMF 7.2.2."""
    return xp.sum(weights(xp, (4,)) * xp.special.erfc(x))


@complementary_error.gradient
def _(xp, x):
    d_e = weights(xp, (4,))  # node 2 input: f = Σ w e, with node 1: e = erfc(x)
    d_x = -2 / xp.sqrt(xp.pi * xp.ones_like(x)) * xp.exp(-x * x) * d_e  # node 1 input: minus the integrand
    return (d_x,)


@function(
    x=Reals((4,), low=-1 + 2.0**-24, high=1 - 2.0**-24),
    points=[
        dict(x=[0.5, -0.25, 0.875, -0.125]),
        dict(x=[0.0, -0.0, 2.0**-20, 2.0**-126]),
        dict(x=[1 - 2.0**-24, -1 + 2.0**-24, 1 - 2.0**-10, -0.9375]),  # up to the last float32 before ±1
    ],
)
def inverse_error(xp, x):
    """f(x) = Σ w y, erf(y) = x

    x: 4, within ±1. DLMF 7.17.1; the derivative of an inverse is one over the derivative there."""
    return xp.sum(weights(xp, (4,)) * xp.special.erfinv(x))


@inverse_error.gradient
def _(xp, x):
    y = xp.special.erfinv(x)  # node 1
    d_y = weights(xp, (4,))  # node 2 input: f = Σ w y
    d_x = xp.sqrt(xp.pi * xp.ones_like(x)) / 2 * xp.exp(y * y) * d_y  # node 1 input: 1 / erf′(y)
    return (d_x,)


@function(
    x=Reals((4,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, -0.375]),
        dict(x=[0.0, -0.0, 2.0**-20, 1.0]),
        dict(x=[8.0, -12.0, -37.0, 40.0]),  # both tails
    ],
)
def normal_distribution(xp, x):
    """f(x) = Σ w Φ(x), Φ(x) = ∫ φ(t) dt up to x, φ(t) = exp(-t²/2) / √(2π)

    x: 4. Abramowitz and Stegun 26.2.2."""
    return xp.sum(weights(xp, (4,)) * xp.special.ndtr(x))


@normal_distribution.gradient
def _(xp, x):
    d_p = weights(xp, (4,))  # node 2 input: f = Σ w p, with node 1: p = Φ(x)
    d_x = xp.exp(-x * x / 2) / xp.sqrt(2 * xp.pi * xp.ones_like(x)) * d_p  # node 1 input: φ(x)
    return (d_x,)


@function(
    p=Reals((4,), low=2.0**-100, high=1 - 2.0**-24),
    points=[
        dict(p=[0.5, 0.25, 0.875, 0.125]),
        dict(p=[2.0**-30, 1 - 2.0**-24, 0.984375, 0.015625]),  # both tails
        dict(p=[2.0**-100, 2.0**-60, 1 - 2.0**-10, 0.5 + 2.0**-20]),  # far out, and next to the middle
    ],
)
def normal_quantile(xp, p):
    """f(p) = Σ w x, Φ(x) = p

    p: 4, from 2⁻¹⁰⁰ to the last float32 before 1."""
    return xp.sum(weights(xp, (4,)) * xp.special.ndtri(p))


@normal_quantile.gradient
def _(xp, p):
    x = xp.special.ndtri(p)  # node 1
    d_x = weights(xp, (4,))  # node 2 input: f = Σ w x
    d_p = xp.sqrt(2 * xp.pi * xp.ones_like(p)) * xp.exp(x * x / 2) * d_x  # node 1 input: 1 / φ(x)
    return (d_p,)


@function(
    x=Reals((4,), low=-1000.0, high=1000.0),
    points=[
        dict(x=[0.5, -1.25, 2.0, -0.375]),
        dict(x=[0.0, -0.0, 2.0**-20, -5.0]),  # implementations change their formula around -5
        dict(x=[-14.0, -37.0, 40.0, 9.0]),  # Φ has underflowed in float32, then nearly in float64, or is all but 1
        dict(x=[-40.0, -1000.0, 1000.0, -1.0]),
    ],
)
def log_normal_distribution(xp, x):
    """f(x) = Σ w log Φ(x)

    x: 4, within ±1000. Far below 0 it goes like -x²/2 and its derivative φ/Φ like -x. That quotient is taken through
    logarithms, of which x²/2 cancels: at -1000 six digits go."""
    return xp.sum(weights(xp, (4,)) * xp.special.log_ndtr(x))


@log_normal_distribution.gradient
def _(xp, x):
    l = xp.special.log_ndtr(x)  # node 1  # noqa: E741
    d_l = weights(xp, (4,))  # node 2 input: f = Σ w l
    d_x = xp.exp(-x * x / 2 - l) / xp.sqrt(2 * xp.pi * xp.ones_like(x)) * d_l  # node 1 input: φ(x) / Φ(x)
    return (d_x,)
