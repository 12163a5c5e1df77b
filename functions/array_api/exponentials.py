"""Exponentials, logarithms, roots and the arithmetic of one argument, each entry by entry: one node, and weights behind
it that tell the entries apart (DLMF 4.7)."""

from gradproof import Positive, Reals, function, weights


@function(
    x=Reals((5,), high=88.0),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.125, -3.5]),
        dict(x=[0.0, -0.0, 2.0**-30, -(2.0**-20), 2.0**-140]),
        dict(x=[40.0, -40.0, 88.0, -87.0, 11.0]),  # next to the overflow of float32 and float16
        dict(x=[-90.0, -103.0, -1000.0, -1e20, 1.0]),  # subnormal in float32, then zero
    ],
)
def exponential(xp, x):
    """f(x) = Σ w eˣ

    x: 5"""
    return xp.sum(weights(xp, x.shape) * xp.exp(x))


@exponential.gradient
def _(xp, x):
    d_e = weights(xp, x.shape)  # node 2 input: f = Σ w e, with node 1: e = eˣ
    return (xp.exp(x) * d_e,)  # node 1 input


exponential.variant("scalar", points=[dict(x=0.75), dict(x=0.0)], x=Reals(high=88.0))


@function(
    x=Reals((5,), high=88.0),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.125, -3.5]),
        dict(x=[0.0, -0.0, 2.0**-30, -(2.0**-20), 2.0**-140]),  # tiny: the value is x itself
        dict(x=[40.0, 88.0, 11.0, 1.0, -0.5]),
        dict(x=[-40.0, -41.0, -39.0, -45.0, -50.0]),  # the value is -1, and -1 + 1 is no derivative
    ],
)
def exponential_minus_one(xp, x):
    """f(x) = Σ w (eˣ - 1)

    x: 5. The derivative is eˣ; taken as the result plus 1 it loses its digits where x is below -1, and then all."""
    return xp.sum(weights(xp, x.shape) * xp.expm1(x))


@exponential_minus_one.gradient
def _(xp, x):
    d_e = weights(xp, x.shape)  # node 2 input: f = Σ w e, with node 1: e = eˣ - 1
    return (xp.exp(x) * d_e,)  # node 1 input


@function(
    x=Positive((5,), low=1e-30),
    points=[
        dict(x=[0.5, 1.25, 2.0, 0.125, 3.5]),
        dict(x=[1.0, 1.0 + 2.0**-20, 1.0 - 2.0**-20, 2.0**-10, 40.0]),  # the value is 0, or next to it
        dict(x=[1e20, 1e30, 1e-20, 1e-30, 2.0**100]),
    ],
)
def natural_logarithm(xp, x):
    """f(x) = Σ w log x

    x: 5, positive."""
    return xp.sum(weights(xp, x.shape) * xp.log(x))


@natural_logarithm.gradient
def _(xp, x):
    d_l = weights(xp, x.shape)  # node 2 input: f = Σ w l, with node 1: l = log x
    return (d_l / x,)  # node 1 input


natural_logarithm.variant("scalar", points=[dict(x=0.75), dict(x=1.0)], x=Positive(low=1e-30))


@function(
    x=Reals((5,), low=-1.0 + 2.0**-10),
    points=[
        dict(x=[0.5, -0.25, 2.0, 0.125, -0.875]),
        dict(x=[0.0, -0.0, 2.0**-30, -(2.0**-20), 2.0**-140]),  # tiny: the value is x itself
        dict(x=[-1.0 + 2.0**-10, -1.0 + 2.0**-16, 40.0, 1e10, 1e20]),
    ],
)
def logarithm_of_one_plus(xp, x):
    """f(x) = Σ w log(1 + x)

    x: 5, above -1. Next to -1 the sum 1 + x cancels, and the bound widens by the 10 bits that this can lose."""
    return xp.sum(weights(xp, x.shape) * xp.log1p(x))


@logarithm_of_one_plus.gradient
def _(xp, x):
    d_l = weights(xp, x.shape)  # node 2 input: f = Σ w l, with node 1: l = log(1 + x)
    return (d_l / (1 + x),)  # node 1 input


@function(
    x=Positive((5,), low=1e-30),
    points=[
        dict(x=[0.5, 1.25, 2.0, 0.125, 3.5]),
        dict(x=[1.0, 1.0 + 2.0**-20, 1.0 - 2.0**-20, 8.0, 40.0]),
        dict(x=[1e20, 1e30, 1e-20, 1e-30, 2.0**100]),
    ],
)
def binary_logarithm(xp, x):
    """f(x) = Σ w log₂ x

    x: 5, positive."""
    return xp.sum(weights(xp, x.shape) * xp.log2(x))


@binary_logarithm.gradient
def _(xp, x):
    d_l = weights(xp, x.shape)  # node 2 input: f = Σ w l, with node 1: l = log x / log 2
    log_2 = xp.log(2 * xp.ones_like(x))  # in the precision at hand
    return (d_l / (x * log_2),)  # node 1 input


@function(
    x=Positive((5,), low=1e-30),
    points=[
        dict(x=[0.5, 1.25, 2.0, 0.125, 3.5]),
        dict(x=[1.0, 1.0 + 2.0**-20, 1.0 - 2.0**-20, 100.0, 40.0]),
        dict(x=[1e20, 1e30, 1e-20, 1e-30, 1e10]),
    ],
)
def decimal_logarithm(xp, x):
    """f(x) = Σ w log₁₀ x

    x: 5, positive."""
    return xp.sum(weights(xp, x.shape) * xp.log10(x))


@decimal_logarithm.gradient
def _(xp, x):
    d_l = weights(xp, x.shape)  # node 2 input: f = Σ w l, with node 1: l = log x / log 10
    log_10 = xp.log(10 * xp.ones_like(x))  # in the precision at hand
    return (d_l / (x * log_10),)  # node 1 input


@function(
    x=Positive((5,), low=1e-30),
    points=[
        dict(x=[0.5, 1.25, 2.0, 0.125, 9.0]),
        dict(x=[1.0, 1e-20, 1e-30, 2.0**-20, 40.0]),
        dict(x=[1e20, 1e30, 2.0**-100, 1000.0, 2.0**100]),
        dict(x=[2.0**-130, 2.0**-149, 2.0**-126, 0.25, 16.0]),  # subnormal in float32, the roots are not
        dict(x=[0.0, 0.5, 1.5, 2.0, -0.0]),  # infinite slope: nothing can be verified but that the root of 0 is 0
    ],
)
def square_root(xp, x):
    """f(x) = Σ w √x

    x: 5, positive."""
    return xp.sum(weights(xp, x.shape) * xp.sqrt(x))


@square_root.gradient
def _(xp, x):
    r = xp.sqrt(x)  # node 1
    d_r = weights(xp, x.shape)  # node 2 input: f = Σ w r
    return (d_r / (2 * r),)  # node 1 input


square_root.variant("scalar", points=[dict(x=0.75), dict(x=2.0)], x=Positive(low=1e-30))


@function(
    x=Reals((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.125, -3.5]),
        dict(x=[0.0, -0.0, 2.0**-60, -(2.0**-80), 1.0]),  # the square of the fourth underflows float32, its slope not
        dict(x=[40.0, -1000.0, 1e10, -1e18, 181.0]),
    ],
)
def square(xp, x):
    """f(x) = Σ w x²

    x: 5"""
    return xp.sum(weights(xp, x.shape) * xp.square(x))


@square.gradient
def _(xp, x):
    d_s = weights(xp, x.shape)  # node 2 input: f = Σ w s, with node 1: s = x²
    return (2 * x * d_s,)  # node 1 input


@square.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


@function(
    x=Positive((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.125, -3.5]),
        dict(x=[1.0, -1.0, 2.0**-10, -(2.0**-10), 40.0]),
        dict(x=[-1000.0, 1e10, -1e18, 2.0**-60, 3.0]),
    ],
)
def reciprocal(xp, x):
    """f(x) = Σ w / x

    x: 5, not 0."""
    return xp.sum(weights(xp, x.shape) * xp.reciprocal(x))


@reciprocal.gradient
def _(xp, x):
    r = xp.reciprocal(x)  # node 1
    d_r = weights(xp, x.shape)  # node 2 input: f = Σ w r
    return (-r * r * d_r,)  # node 1 input


reciprocal.variant("of_negatives", x=Reals((5,), high=-(2.0**-10)))


@function(
    x=Reals((5,)),
    points=[dict(x=[0.5, -1.25, 2.0, 0.125, -3.5]), dict(x=[0.0, -0.0, 1e20, -1e-20, 2.0**-140])],
)
def negative(xp, x):
    """f(x) = Σ w (-x)

    x: 5"""
    return xp.sum(weights(xp, x.shape) * xp.negative(x))


@negative.gradient
def _(xp, x):
    d_n = weights(xp, x.shape)  # node 2 input: f = Σ w n, with node 1: n = -x
    return (-d_n,)  # node 1 input


@function(
    x=Reals((5,)),
    points=[dict(x=[0.5, -1.25, 2.0, 0.125, -3.5]), dict(x=[0.0, -0.0, 1e20, -1e-20, 2.0**-140])],
)
def positive(xp, x):
    """f(x) = Σ w (+x)

    x: 5. The argument itself, so that its gradient is the weights."""
    return xp.sum(weights(xp, x.shape) * xp.positive(x))


@positive.gradient
def _(xp, x):
    d_p = weights(xp, x.shape)  # node 2 input: f = Σ w p, with node 1: p = x
    return (d_p,)  # node 1 input


@function(
    x=Reals((5,), low=-120.0, high=120.0),
    points=[
        dict(x=[0.5, -1.25, 2.0, 3.75, -6.5]),
        dict(x=[0.0, -0.0, 1.0, -1.0, 2.0**-20]),
        dict(x=[120.0, -120.0, 100.5, 63.9375, -87.25]),
    ],
)
def power_of_two(xp, x):
    """f(x) = Σ w 2ˣ

    x: 5. The function of its own that libraries have for it, exp2, and not a power."""
    return xp.sum(weights(xp, (5,)) * xp.exp2(x))


@power_of_two.gradient
def _(xp, x):
    p = xp.exp2(x)  # node 1
    d_p = weights(xp, (5,))  # node 2 input: f = Σ w p
    return (xp.log(2 * xp.ones_like(x)) * p * d_p,)  # node 1 input: 2ˣ = exp(x log 2)
