"""Logarithms of probabilities and products x log y, which are 0 at x = 0 by convention, and sums of exponentials, which
may be far apart. What saturates, underflows or has the shape 0 · ∞ for the textbook formula has a finite limit here."""

from gradproof import Positive, Reals, function, weights

BLOCK = [[[0.5, -1.25], [2.0, 0.75], [3.0, -0.375]], [[1.5, 0.25], [-1.0, 4.0], [-0.5, 1.0]]]
"""A point of the shape 2x3x2."""


@function(
    p=Reals((4,), low=2.0**-100, high=1 - 2.0**-24),
    points=[
        dict(p=[0.5, 0.25, 0.875, 0.125]),
        dict(p=[2.0**-100, 1 - 2.0**-24, 2.0**-20, 0.75]),  # both ends
    ],
)
def log_odds(xp, p):
    """f(p) = Σ w log(p / (1 - p))

    p: 4, from 2⁻¹⁰⁰ to the last float32 before 1. The inverse of the logistic function."""
    return xp.sum(weights(xp, (4,)) * xp.special.logit(p))


@log_odds.gradient
def _(xp, p):
    d_l = weights(xp, (4,))  # node 2 input: f = Σ w l, with node 1: l = logit(p)
    d_p = 1 / (p * (1 - p)) * d_l  # node 1 input
    return (d_p,)


@function(
    x=Reals((4,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, -3.5]),
        dict(x=[0.0, -0.0, 2.0**-20, 17.0]),
        dict(x=[40.0, -40.0, 1000.0, -1000.0]),  # far out: 0 on one side, x on the other
    ],
)
def log_logistic(xp, x):
    """f(x) = Σ w log σ(x), σ(x) = 1 / (1 + e⁻ˣ)

    x: 4. Its derivative is 1 - σ(x) = σ(-x), of which the second form does not cancel."""
    return xp.sum(weights(xp, x.shape) * xp.special.log_expit(x))


@log_logistic.gradient
def _(xp, x):
    d_l = weights(xp, x.shape)  # node 2 input: f = Σ w l, with node 1: l = log σ(x)
    d_x = xp.special.expit(-x) * d_l  # node 1 input
    return (d_x,)


@log_logistic.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


@function(
    x=Reals((3,)),
    y=Positive((2, 1), high=1e10),
    points=[
        dict(x=[0.5, -1.25, 2.0], y=[[0.75], [3.5]]),
        dict(x=[0.0, -0.0, 1.0], y=[[2.0], [0.25]]),  # x = 0: the product is 0, its derivative log y is not
        dict(x=[1000.0, 0.0, 2.0**-20], y=[[1.0], [2.0**-10]]),  # log 1 = 0
    ],
)
def x_log_y(xp, x, y):
    """f(x, y) = Σᵢⱼ wᵢⱼ xⱼ log yᵢ

    x: 3, y: 2x1, positive. At x = 0 the operation is defined as 0, with y = 0 in mind; here y > 0, it is smooth there,
    and the derivative in x is log y as everywhere."""
    return xp.sum(weights(xp, (2, 3)) * xp.special.xlogy(x, y))


@x_log_y.gradient
def _(xp, x, y):
    d_p = weights(xp, (2, 3))  # node 2 input: f = Σ w p, with node 1: p = x log y
    d_x = xp.sum(xp.log(y) * d_p, axis=0)  # node 1 input: x was stretched along axis 0
    d_y = xp.sum(x / y * d_p, axis=1, keepdims=True)  # node 1 input: y was stretched along axis 1
    return d_x, d_y


@function(
    x=Reals((3,)),
    y=Reals((2, 1), low=-1 + 2.0**-10, high=1e10),
    points=[
        dict(x=[0.5, -1.25, 2.0], y=[[0.75], [-0.5]]),
        dict(x=[0.0, -0.0, 1.0], y=[[2.0], [-0.25]]),  # x = 0
        dict(x=[1000.0, 0.0, 2.0**-20], y=[[0.0], [2.0**-30]]),  # log 1 = 0, and 1 + y that rounds
    ],
)
def x_log_one_plus_y(xp, x, y):
    """f(x, y) = Σᵢⱼ wᵢⱼ xⱼ log(1 + yᵢ)

    x: 3, y: 2x1, above -1. At x = 0 as x log y."""
    return xp.sum(weights(xp, (2, 3)) * xp.special.xlog1py(x, y))


@x_log_one_plus_y.gradient
def _(xp, x, y):
    d_p = weights(xp, (2, 3))  # node 2 input: f = Σ w p, with node 1: p = x log(1 + y)
    d_x = xp.sum(xp.log1p(y) * d_p, axis=0)  # node 1 input: x was stretched along axis 0
    d_y = xp.sum(x / (1 + y) * d_p, axis=1, keepdims=True)  # node 1 input: y was stretched along axis 1
    return d_x, d_y


@function(
    x=Positive((4,), low=2.0**-100, high=1e10),
    points=[
        dict(x=[0.5, 0.25, 2.0, 7.5]),
        dict(x=[1.0, 0.375, 2.0**-30, 2.0**-100]),  # next to 0 the derivative grows like -log x; at 0 there is none
        dict(x=[1000.0, 2.0**30, 0.3671875, 0.75]),  # next to 1/e, where it is 0
    ],
)
def entropy_terms(xp, x):
    """f(x) = Σ w h, h = -x log x

    x: 4, from 2⁻¹⁰⁰. At 0 the value is 0 and the slope infinite, so that the domain ends before."""
    return xp.sum(weights(xp, (4,)) * xp.special.entr(x))


@entropy_terms.gradient
def _(xp, x):
    d_h = weights(xp, (4,))  # node 2 input: f = Σ w h, with node 1: h = -x log x
    d_x = -(xp.log(x) + 1) * d_h  # node 1 input
    return (d_x,)


@function(
    x=Reals((2, 3)),
    points=[
        dict(x=[[0.5, -1.0, 2.25], [1.5, 3.0, -0.5]]),
        dict(x=[[1.5, 1.5, 1.5], [0.0, -0.0, 0.0]]),  # equal entries: no kink
        dict(x=[[1000.0, 999.0, -1000.0], [-1000.0, -1040.0, -1001.0]]),  # far apart, and far from 0
        dict(x=[[40.0, -40.0, 0.0], [2.0**-20, 88.0, 89.0]]),
    ],
)
def log_sum_of_exponentials(xp, x, *, axis=-1, keepdims=False):
    """f(x) = Σ w l, l = log Σ eˣ over some axes

    x: 2x3. Its gradient is the softmax of what was summed."""
    l = xp.special.logsumexp(x, axis=axis, keepdims=keepdims)  # noqa: E741
    return xp.sum(weights(xp, l.shape) * l)


@log_sum_of_exponentials.gradient
def _(xp, x, *, axis=-1, keepdims=False):
    m = xp.max(x, axis=axis, keepdims=True)  # a shift that the result does not depend on, so nothing flows through it
    e = xp.exp(x - m)  # node 1
    s = xp.sum(e, axis=axis, keepdims=True)  # node 2
    # l = log s + m                           node 3
    d_l = weights(xp, s.shape)  # node 4 input: f = Σ w l
    d_s = 1 / s * d_l  # node 3 input
    d_e = d_s  # node 2 input, the same for each entry of a sum
    d_x = e * d_e  # node 1 input
    return (d_x,)


@log_sum_of_exponentials.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 4)))


log_sum_of_exponentials.variant("first_axis_kept", axis=0, keepdims=True)
log_sum_of_exponentials.variant("two_axes", x=Reals((2, 3, 2)), axis=(0, -1), points=[dict(x=BLOCK)])
log_sum_of_exponentials.variant("all_axes", axis=None)
log_sum_of_exponentials.variant("axis_of_one", x=Reals((3, 1)), points=[dict(x=[[0.5], [-2.0], [1000.0]])])
