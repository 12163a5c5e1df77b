"""Statistical functions of the array API: what is left of an array when some of its axes are summed, multiplied,
averaged or searched for an extreme. Each gradient keeps the reduced axes at length 1, so that what comes back for a
result is broadcast along what went into it. Results are contracted with weights, and those of linear functions squared
first, so that a second derivative has something to say."""

import math

from gradproof import Reals, function, weights

BLOCK = [[[0.5, -1.25], [2.0, 0.75], [3.0, -0.375]], [[1.5, 0.25], [-1.0, 4.0], [-0.5, 1.0]]]
"""A point of the shape 2x3x2."""

CUBE = [[[0.5, -1.25], [2.0, 0.75]], [[1.5, 0.25], [-1.0, 4.0]]]
"""A point of the shape 2x2x2."""


@function(
    x=Reals((2, 3)),
    points=[
        dict(x=[[0.5, -1.25, 2.0], [0.75, 3.0, -0.375]]),
        dict(x=[[1.0, -1.0, 0.0], [2.0, -0.0, 2.0]]),  # a sum of 0
        dict(x=[[1000.0, 2.0**-20, -40.0], [2.0**-126, 8.0, 0.25]]),
    ],
)
def sum_over_axes(xp, x, *, axis=-1, keepdims=False):
    """f(x) = Σ w s², s = Σ x over some axes

    x: 2x3."""
    s = xp.sum(x, axis=axis, keepdims=keepdims)
    return xp.sum(weights(xp, s.shape) * s * s)


@sum_over_axes.gradient
def _(xp, x, *, axis=-1, keepdims=False):
    s = xp.sum(x, axis=axis, keepdims=True)  # node 1
    # f = Σ w s²                                node 2
    d_s = 2 * weights(xp, s.shape) * s  # node 2 input
    d_x = xp.broadcast_to(d_s, x.shape)  # node 1 input: every entry counts once
    return (d_x,)


sum_over_axes.variant("first_axis_kept", axis=0, keepdims=True)
sum_over_axes.variant("two_axes", x=Reals((2, 3, 2)), axis=(0, -1), points=[dict(x=BLOCK)])
sum_over_axes.variant("two_axes_kept", x=Reals((2, 2, 2)), axis=(-1, 1), keepdims=True, points=[dict(x=CUBE)])
sum_over_axes.variant("all_axes", axis=None)
sum_over_axes.variant("scalar", x=Reals(), axis=None, points=[dict(x=0.75)])
sum_over_axes.variant("axis_of_one", x=Reals((3, 1)), points=[dict(x=[[0.5], [-2.0], [0.0]])])


@function(
    x=Reals((2, 3)),
    points=[
        dict(x=[[0.5, -1.25, 2.0], [0.75, 3.0, -0.375]]),
        dict(x=[[1.0, -1.0, 0.0], [2.0, -0.0, 2.0]]),  # a mean of 0
        dict(x=[[1000.0, 2.0**-20, -40.0], [2.0**-126, 8.0, 0.25]]),
    ],
)
def mean_over_axes(xp, x, *, axis=-1, keepdims=False):
    """f(x) = Σ w m², m = (Σ x) / n over n entries of some axes

    x: 2x3."""
    m = xp.mean(x, axis=axis, keepdims=keepdims)
    return xp.sum(weights(xp, m.shape) * m * m)


@mean_over_axes.gradient
def _(xp, x, *, axis=-1, keepdims=False):
    m = xp.mean(x, axis=axis, keepdims=True)  # node 1
    n = math.prod(x.shape) // math.prod(m.shape)
    # f = Σ w m²                                 node 2
    d_m = 2 * weights(xp, m.shape) * m  # node 2 input
    d_x = xp.broadcast_to(d_m / n, x.shape)  # node 1 input
    return (d_x,)


mean_over_axes.variant("first_axis_kept", axis=0, keepdims=True)
mean_over_axes.variant("two_axes", x=Reals((2, 3, 2)), axis=(0, -1), points=[dict(x=BLOCK)])
mean_over_axes.variant("two_axes_kept", x=Reals((2, 2, 2)), axis=(-1, 1), keepdims=True, points=[dict(x=CUBE)])
mean_over_axes.variant("all_axes", axis=None)
mean_over_axes.variant("scalar", x=Reals(), axis=None, points=[dict(x=0.75)])
mean_over_axes.variant("axis_of_one", x=Reals((3, 1)), points=[dict(x=[[0.5], [-2.0], [0.0]])])


@function(
    x=Reals((2, 3)),
    points=[
        dict(x=[[0.5, -1.25, 2.0], [0.75, 3.0, -0.375]]),
        dict(x=[[1.5, 0.0, -2.0], [0.5, 3.0, 1.0]]),  # one zero: its own derivative is the product of the others
        dict(x=[[0.0, 2.5, -0.0], [0.0, 0.0, 0.0]]),  # two zeros and more: every derivative is 0
        dict(x=[[1000.0, 2.0**-20, -40.0], [1.0, 1.0, 1.0]]),
    ],
)
def product_over_axes(xp, x, *, axis=-1, keepdims=False):
    """f(x) = Σ w p, p = Π x over some axes

    x: 2x3. ∂p/∂xᵢ is the product of the other factors; p / xᵢ would be that too, but for a zero."""
    p = xp.prod(x, axis=axis, keepdims=keepdims)
    return xp.sum(weights(xp, p.shape) * p)


@product_over_axes.gradient
def _(xp, x, *, axis=-1, keepdims=False):
    reduced = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    reduced = [a % x.ndim for a in reduced]
    order = [a for a in range(x.ndim) if a not in reduced] + reduced
    d_p = weights(xp, xp.prod(x, axis=axis).shape)  # node 2 input: f = Σ w p, with node 1: p = Π x
    # The factors of one product in a row each.
    factors = xp.reshape(xp.permute_dims(x, order), (math.prod(d_p.shape), -1))
    columns = []
    for i in range(factors.shape[1]):
        others = xp.concat([factors[:, :i], factors[:, i + 1 :]], axis=1)
        columns += [xp.prod(others, axis=1) * xp.reshape(d_p, (-1,))]  # node 1 input
    d_factors = xp.reshape(xp.stack(columns, axis=1), [x.shape[a] for a in order])
    d_x = xp.permute_dims(d_factors, [order.index(a) for a in range(x.ndim)])
    return (d_x,)


product_over_axes.variant("first_axis_kept", axis=0, keepdims=True)
product_over_axes.variant(
    "two_axes",
    x=Reals((2, 3, 2)),
    axis=(0, -1),
    points=[dict(x=[[[1.5, 0.5], [0.0, 2.0], [0.0, 3.0]], [[2.0, -0.75], [0.5, 1.25], [-2.0, 0.0]]])],
)
product_over_axes.variant("two_axes_kept", x=Reals((2, 2, 2)), axis=(-1, 1), keepdims=True, points=[dict(x=CUBE)])
product_over_axes.variant("all_axes", axis=None, points=[dict(x=[[1.5, 0.0, -2.0], [0.5, 3.0, 1.0]])])
product_over_axes.variant("scalar", x=Reals(), axis=None, points=[dict(x=0.75), dict(x=0.0)])
product_over_axes.variant("axis_of_one", x=Reals((3, 1)), points=[dict(x=[[0.5], [-2.0], [0.0]])])


@function(
    x=Reals((2, 3)),
    points=[
        dict(x=[[0.5, -1.25, 2.0], [0.75, 3.0, -0.375]]),
        dict(x=[[1.5, 1.5, 1.5], [0.0, -0.0, 0.0]]),  # equal entries: a variance of 0, and a derivative of 0
        dict(x=[[1000.0, 1000.25, 999.75], [2.0**-20, 40.0, 0.25]]),  # a mean that cancels
    ],
)
def variance_over_axes(xp, x, *, axis=-1, correction=0, keepdims=False):
    """f(x) = Σ w v, v = Σ (x - x̄)² / (n - correction) over n entries of some axes

    x: 2x3. With correction 1 this is the unbiased estimate of a variance."""
    v = xp.var(x, axis=axis, correction=correction, keepdims=keepdims)
    return xp.sum(weights(xp, v.shape) * v)


@variance_over_axes.gradient
def _(xp, x, *, axis=-1, correction=0, keepdims=False):
    m = xp.mean(x, axis=axis, keepdims=True)  # node 1
    n = math.prod(x.shape) // math.prod(m.shape)
    c = x - m  # node 2
    # v = Σ c² / (n - correction)                node 3
    d_v = weights(xp, m.shape)  # node 4 input: f = Σ w v
    d_c = 2 * c / (n - correction) * d_v  # node 3 input
    d_m = -xp.sum(d_c, axis=axis, keepdims=True)  # node 2 input, the mean
    d_x = d_c + d_m / n  # node 2 input, x itself, and node 1 input
    return (d_x,)


variance_over_axes.variant("first_axis_kept", axis=0, keepdims=True)
variance_over_axes.variant("unbiased", correction=1)
variance_over_axes.variant("half_a_correction", axis=-2, correction=0.5, keepdims=True)
variance_over_axes.variant("two_axes", x=Reals((2, 3, 2)), axis=(0, -1), correction=1, points=[dict(x=BLOCK)])
variance_over_axes.variant("all_axes", axis=None, correction=1)
variance_over_axes.variant("axis_of_one", x=Reals((3, 1)), points=[dict(x=[[0.5], [-2.0], [0.0]])])
variance_over_axes.variant("scalar", x=Reals(), axis=None, points=[dict(x=0.75)])


@function(
    x=Reals((2, 3)),
    points=[
        dict(x=[[0.5, -1.25, 2.0], [0.75, 3.0, -0.375]]),
        dict(x=[[1.5, 1.5, 1.5], [0.0, -0.0, 0.0]]),  # equal entries: the kink
        dict(x=[[0.0, 0.0, 0.0], [0.0, 1.0, 2.0]]),  # one row of two at the kink
        dict(x=[[1000.0, 1000.25, 999.75], [2.0**-20, 40.0, 0.25]]),  # a mean that cancels
    ],
)
def deviation_over_axes(xp, x, *, axis=-1, correction=0, keepdims=False):
    """f(x) = Σ w √v, v = Σ (x - x̄)² / (n - correction) over n entries of some axes

    x: 2x3. √v is the length of x - x̄, over √(n - correction): where all entries are equal it has a kink like |x| at 0,
    and its subdifferential is a ball; chosen here: its center, 0. One entry alone deviates by 0 wherever it lies, so
    that its derivative is 0 and there is no kink at all."""
    s = xp.std(x, axis=axis, correction=correction, keepdims=keepdims)
    return xp.sum(weights(xp, s.shape) * s)


@deviation_over_axes.gradient
def _(xp, x, *, axis=-1, correction=0, keepdims=False):
    m = xp.mean(x, axis=axis, keepdims=True)  # node 1
    n = math.prod(x.shape) // math.prod(m.shape)
    c = x - m  # node 2
    v = xp.sum(c * c, axis=axis, keepdims=True) / (n - correction)  # node 3
    s = xp.sqrt(v)  # node 4
    d_s = weights(xp, m.shape)  # node 5 input: f = Σ w s
    flat = s == 0
    d_v = xp.where(flat, xp.zeros_like(s), 1 / (2 * xp.where(flat, xp.ones_like(s), s)) * d_s)  # node 4 input
    d_c = 2 * c / (n - correction) * d_v  # node 3 input
    d_m = -xp.sum(d_c, axis=axis, keepdims=True)  # node 2 input, the mean
    d_x = d_c + d_m / n  # node 2 input, x itself, and node 1 input
    return (d_x,)


deviation_over_axes.variant("first_axis_kept", axis=0, keepdims=True)
deviation_over_axes.variant("unbiased", correction=1)
deviation_over_axes.variant("half_a_correction", axis=-2, correction=0.5, keepdims=True)
deviation_over_axes.variant("two_axes", x=Reals((2, 3, 2)), axis=(0, -1), correction=1, points=[dict(x=BLOCK)])
deviation_over_axes.variant("all_axes", axis=None, correction=1)
deviation_over_axes.variant("axis_of_one", x=Reals((3, 1)), points=[dict(x=[[0.0], [0.0], [0.0]])])
deviation_over_axes.variant("scalar", x=Reals(), axis=None, points=[dict(x=0.0), dict(x=0.75)])


@function(
    x=Reals((2, 3)),
    points=[
        dict(x=[[0.5, -1.25, 2.0], [0.75, 3.0, -0.375]]),
        dict(x=[[2.0, -1.0, 2.0], [1.5, 1.5, 1.5]]),  # ties of 2 and 3
        dict(x=[[0.0, -0.0, -1.0], [-0.0, -0.0, -3.0]]),  # a tie of +0 and -0
        dict(x=[[1000.0, 2.0**-20, -40.0], [1.0, 1.0 + 2.0**-20, 1.0 - 2.0**-20]]),
        dict(x=[[-0.5, -1.25, -2.0], [-3.0, -0.75, -0.375]]),  # no largest entry above 0
    ],
)
def maximum_over_axes(xp, x, *, axis=-1, keepdims=False):
    """f(x) = Σ w max x over some axes

    x: 2x3. Where several entries are the largest, the subdifferential is w times every set of shares among them that
    are at least 0 and sum to 1; chosen here: equal shares."""
    m = xp.max(x, axis=axis, keepdims=keepdims)
    return xp.sum(weights(xp, m.shape) * m)


@maximum_over_axes.gradient
def _(xp, x, *, axis=-1, keepdims=False):
    m = xp.max(x, axis=axis, keepdims=True)  # node 1
    d_m = weights(xp, m.shape)  # node 2 input: f = Σ w m
    # Equality is meant: the largest is one of the entries itself, without rounding.
    mask = xp.where(x == m, xp.ones_like(x), xp.zeros_like(x))
    d_x = mask / xp.sum(mask, axis=axis, keepdims=True) * d_m  # node 1 input
    return (d_x,)


maximum_over_axes.variant("first_axis_kept", axis=0, keepdims=True)
maximum_over_axes.variant("two_axes", x=Reals((2, 3, 2)), axis=(0, -1), points=[dict(x=BLOCK)])
maximum_over_axes.variant("two_axes_kept", x=Reals((2, 2, 2)), axis=(-1, 1), keepdims=True, points=[dict(x=CUBE)])
maximum_over_axes.variant("all_axes", axis=None)
maximum_over_axes.variant("scalar", x=Reals(), axis=None, points=[dict(x=0.75)])
maximum_over_axes.variant("axis_of_one", x=Reals((3, 1)), points=[dict(x=[[0.5], [-2.0], [0.0]])])


@function(
    x=Reals((2, 3)),
    points=[
        dict(x=[[0.5, -1.25, 2.0], [0.75, 3.0, -0.375]]),
        dict(x=[[2.0, 3.0, 2.0], [1.5, 1.5, 1.5]]),  # ties of 2 and 3
        dict(x=[[0.0, -0.0, 1.0], [-0.0, -0.0, 3.0]]),  # a tie of +0 and -0
        dict(x=[[1000.0, 2.0**-20, -40.0], [1.0, 1.0 + 2.0**-20, 1.0 - 2.0**-20]]),
    ],
)
def minimum_over_axes(xp, x, *, axis=-1, keepdims=False):
    """f(x) = Σ w min x over some axes

    x: 2x3. Ties as for the largest; chosen here: equal shares."""
    m = xp.min(x, axis=axis, keepdims=keepdims)
    return xp.sum(weights(xp, m.shape) * m)


@minimum_over_axes.gradient
def _(xp, x, *, axis=-1, keepdims=False):
    m = xp.min(x, axis=axis, keepdims=True)  # node 1
    d_m = weights(xp, m.shape)  # node 2 input: f = Σ w m
    # Equality is meant: the smallest is one of the entries itself, without rounding.
    mask = xp.where(x == m, xp.ones_like(x), xp.zeros_like(x))
    d_x = mask / xp.sum(mask, axis=axis, keepdims=True) * d_m  # node 1 input
    return (d_x,)


minimum_over_axes.variant("first_axis_kept", axis=0, keepdims=True)
minimum_over_axes.variant("two_axes", x=Reals((2, 3, 2)), axis=(0, -1), points=[dict(x=BLOCK)])
minimum_over_axes.variant("two_axes_kept", x=Reals((2, 2, 2)), axis=(-1, 1), keepdims=True, points=[dict(x=CUBE)])
minimum_over_axes.variant("all_axes", axis=None)
minimum_over_axes.variant("scalar", x=Reals(), axis=None, points=[dict(x=0.75)])
minimum_over_axes.variant("axis_of_one", x=Reals((3, 1)), points=[dict(x=[[0.5], [-2.0], [0.0]])])


@function(
    x=Reals((3, 0)),
    y=Reals((3,)),
    points=[dict(x=[[], [], []], y=[0.5, -1.25, 2.0])],
)
def reductions_of_nothing(xp, x, y):
    """f(x, y) = Σᵢ wᵢ (Σⱼ xᵢⱼ + yᵢ² Πⱼ xᵢⱼ), over no j at all: an empty sum is 0 and an empty product 1

    x: 3x0, y: 3."""
    return xp.sum(weights(xp, (3,)) * (xp.sum(x, axis=1) + y * y * xp.prod(x, axis=1)))


@reductions_of_nothing.gradient
def _(xp, x, y):
    s, p = xp.sum(x, axis=1), xp.prod(x, axis=1)  # node 1, zeros, and node 2, ones
    # t = s + y² p                                  node 3
    d_t = weights(xp, (3,))  # node 4 input: f = Σ w t
    d_y = 2 * y * p * d_t  # node 3 input
    d_x = xp.zeros_like(x) + xp.expand_dims(0 * s, axis=1)  # nodes 1 and 2 inputs: there are none
    return d_x, d_y
