"""Traps: functions whose derivative is finite where a node inside has none, or whose textbook derivative loses all its
digits. The gradients are derived here in the form that keeps them, so the bounds hold a backend to that."""

from gradproof import Positive, Reals, function, weights


@function(
    x=Reals((5,)),
    points=[
        dict(x=[0.5, 1.25, 2.0, 0.125, 9.0]),
        dict(x=[0.5, -1.25, 2.0, -0.125, -9.0]),  # the branch that is not taken is a NaN
        dict(x=[1e20, -1e20, 2.0**-30, -(2.0**-30), 1.0]),
        dict(x=[0.0, -0.0, 1.0, -1.0, 2.0]),  # the slope is unbounded beside 0
    ],
)
def square_root_where_positive(xp, x):
    """f(x) = Σ w (√x where x > 0, 0 elsewhere)

    x: 5. Where x < 0 the root is NaN and not chosen; times its zero gradient it is a NaN all the same, unless the root
    never sees what it must not."""
    return xp.sum(weights(xp, x.shape) * xp.where(x > 0, xp.sqrt(x), xp.zeros_like(x)))


@square_root_where_positive.gradient
def _(xp, x):
    safe = xp.where(x > 0, x, xp.ones_like(x))
    r = xp.sqrt(safe)  # node 1, where it is chosen
    d_y = weights(xp, x.shape)  # node 3 input: f = Σ w y
    d_r = xp.where(x > 0, d_y, xp.zeros_like(x))  # node 2 input: y = r where x > 0, the constant 0 elsewhere
    return (d_r / (2 * r),)  # node 1 input


@function(
    x=Reals((5,), low=-8.0, high=8.0),
    points=[
        dict(x=[0.5, -1.25, 2.75, 0.125, -3.5]),
        dict(x=[0.0, -0.0, 1.0, -1.0, 2.0]),  # the branch that is not taken is 0 / 0
    ],
)
def quotient_where_not_zero(xp, x):
    """f(x) = Σ w (1 where x = 0, sin(x) / x elsewhere)

    x: 5. At 0 the quotient is NaN and not chosen; times its zero gradient it is a NaN all the same, unless the division
    never sees a 0, as in `sinc`. Beside 0 the two terms of the derivative cancel, and the bound widens as 1/x."""
    return xp.sum(weights(xp, x.shape) * xp.where(x == 0, xp.ones_like(x), xp.sin(x) / x))


@quotient_where_not_zero.gradient
def _(xp, x):
    zero = x == 0
    safe = xp.where(zero, xp.ones_like(x), x)
    a = xp.sin(safe)  # node 1
    d_y = weights(xp, x.shape)  # node 4 input: f = Σ w y
    d_r = xp.where(zero, xp.zeros_like(x), d_y)  # node 3 input: y = 1 at 0, r elsewhere
    d_x = -a / (safe * safe) * d_r  # node 2 input, the divisor: r = a / x
    return (d_x + xp.cos(safe) * (1 / safe * d_r),)  # node 2 input, the dividend, and node 1 input


@function(
    x=Positive((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.125, -9.0]),
        dict(x=[2.0**-20, -(2.0**-20), 1e10, -1e10, 1.0]),
        dict(x=[1e-18, -1e-18, 1e18, -1e18, 3.0]),
    ],
)
def quotient_by_own_size(xp, x):
    """f(x) = Σ w x / |x|

    x: 5, not 0. The sign of x: its derivative is zero, the difference of two equal terms, 1/|x| and x sign x / x²."""
    return xp.sum(weights(xp, x.shape) * (x / xp.abs(x)))


@quotient_by_own_size.gradient
def _(xp, x):
    a = xp.abs(x)  # node 1
    d_q = weights(xp, x.shape)  # node 3 input: f = Σ w q
    d_x = d_q / a  # node 2 input, the dividend: q = x / a
    d_a = -x / a / a * d_q  # node 2 input, the divisor
    return (d_x + xp.sign(x) * d_a,)  # node 1 input


@function(
    x=Reals((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.125, -9.0]),
        dict(x=[0.0, -0.0, 1.0, -1.0, 2.0**-20]),  # the kink of |x|, through a root of infinite slope
        dict(x=[2.0**-80, -(2.0**-80), 1e18, 40.0, 3.0]),  # x² underflows float32
    ],
)
def root_of_square(xp, x):
    """f(x) = Σ w √(x²)

    x: 5. It is |x|, but in the chain the slope 1/0 of the root meets the slope 0 of the square. At xᵢ = 0 the
    subdifferential is every slope from -|wᵢ| to |wᵢ|; chosen here: 0."""
    return xp.sum(weights(xp, x.shape) * xp.sqrt(x * x))


@root_of_square.gradient
def _(xp, x):
    r = xp.sqrt(x * x)  # nodes 1 and 2
    safe = xp.where(r > 0, r, xp.ones_like(r))  # at 0 this makes the slope 0
    d_r = weights(xp, x.shape)  # node 3 input: f = Σ w r
    d_s = d_r / (2 * safe)  # node 2 input: r = √s
    return (2 * x * d_s,)  # node 1 input: s = x²


@function(
    x=Positive((4,), low=8.0, high=80.0),
    points=[
        dict(x=[8.0, 9.5, 12.25, 15.0]),
        dict(x=[19.0, 20.0, 22.0, 25.0]),  # 1 - tanh² is 0 in float64
        dict(x=[40.0, -40.0, 30.0, -10.0]),
    ],
)
def hyperbolic_tangent_tail(xp, x):
    """f(x) = Σ w tanh x

    x: 4, far out. Its derivative 1 / cosh² x = 4 e⁻²ˣ / (1 + e⁻²ˣ)² (DLMF 4.34.3) has digits long after 1 - tanh² has
    none."""
    return xp.sum(weights(xp, x.shape) * xp.tanh(x))


@hyperbolic_tangent_tail.gradient
def _(xp, x):
    e = xp.exp(-2 * xp.abs(x))
    d_t = weights(xp, x.shape)  # node 2 input: f = Σ w t, with node 1: t = tanh x
    return (4 * e / ((1 + e) * (1 + e)) * d_t,)  # node 1 input


@hyperbolic_tangent_tail.inputs_of_size
def _(n, rng):
    return dict(x=rng.uniform(8, 80, size=n))


@function(
    x=Positive((4,), low=8.0, high=80.0),
    points=[
        dict(x=[8.0, 12.5, 16.25, 20.0]),
        dict(x=[36.0, 37.5, 40.0, 50.0]),  # s (1 - s) is 0 in float64
        dict(x=[-40.0, -80.0, -12.0, 12.0]),
    ],
)
def logistic_tail(xp, x):
    """f(x) = Σ w σ(x), σ(x) = 1 / (1 + e⁻ˣ)

    x: 4, far out. Its derivative σ(x) σ(-x) has digits long after s (1 - s) has none."""
    return xp.sum(weights(xp, x.shape) * xp.special.expit(x))


@logistic_tail.gradient
def _(xp, x):
    d_s = weights(xp, x.shape)  # node 2 input: f = Σ w s, with node 1: s = σ(x)
    return (xp.special.expit(x) * xp.special.expit(-x) * d_s,)  # node 1 input: 1 - σ(x) = σ(-x)


@logistic_tail.inputs_of_size
def _(n, rng):
    return dict(x=rng.uniform(8, 80, size=n))


@function(
    x=Reals((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.125, -9.0]),
        dict(x=[0.0, -0.0, 19.0, 20.5, 25.0]),  # 20 is where some replace it by x
        dict(x=[40.0, -40.0, 1000.0, -1000.0, 30.0]),
        dict(x=[-80.0, -90.0, -100.0, -37.5, -50.0]),  # the slope eˣ, until it underflows
    ],
)
def softplus_of_any_size(xp, x):
    """f(x) = Σ w log(1 + eˣ)

    x: 5. Its derivative is the logistic function (Dugas et al., NIPS 13, 2001)."""
    return xp.sum(weights(xp, x.shape) * xp.nn.softplus(x))


@softplus_of_any_size.gradient
def _(xp, x):
    d_s = weights(xp, x.shape)  # node 2 input: f = Σ w s, with node 1: s = log(1 + eˣ)
    return (xp.special.expit(x) * d_s,)  # node 1 input


@softplus_of_any_size.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


@function(
    x=Reals((5,), low=-8.0, high=8.0),
    points=[
        dict(x=[0.5, -1.25, 2.75, 0.125, -3.5]),
        dict(x=[0.0, -0.0, 1.0, -1.0, 2.0]),  # the limit at 0, and the zeros
        dict(x=[2.0**-20, -(2.0**-20), 2.0**-60, 2.0**-10, 2.0**-140]),  # beside the limit the two terms cancel
    ],
)
def normalized_sinc(xp, x):
    """f(x) = Σ w sinc x, sinc x = sin(πx) / (πx), sinc 0 = 1

    x: 5. The backend's own function. Its derivative (cos πx - sinc x) / x has the limit 0 at 0. Beside 0 it cancels:
    below 1e-8 every digit is gone, and the bound exceeds the slope, which is -π² x / 3 there."""
    return xp.sum(weights(xp, x.shape) * xp.special.sinc(x))


@normalized_sinc.gradient
def _(xp, x):
    pi = 4 * xp.atan(xp.ones_like(x))
    zero = x == 0
    safe = xp.where(zero, xp.ones_like(x), x)
    d_s = weights(xp, x.shape)  # node 2 input: f = Σ w s, with node 1: s = sinc x
    slope = (xp.cos(pi * safe) - xp.special.sinc(safe)) / safe
    return (xp.where(zero, xp.zeros_like(x), slope) * d_s,)  # node 1 input
