"""Cumulative sums and products of the array API, and differences of neighbours, which undo the sums. What is summed
forward sends its derivative backward. Linear ones are squared before they are contracted, so that a second derivative
has something to say."""

from gradproof import Reals, function, weights

BLOCK = [[[0.5, -1.25], [2.0, 0.75], [3.0, -0.375]], [[1.5, 0.25], [-1.0, 4.0], [-0.5, 1.0]]]
"""A point of the shape 2x3x2."""

TALL = [[[0.5], [-1.25], [2.0], [0.75], [3.0]], [[1.5], [0.25], [-1.0], [4.0], [-0.5]]]
"""A point of the shape 2x5x1."""


@function(
    x=Reals((2, 4)),
    points=[
        dict(x=[[0.5, -1.25, 2.0, 0.75], [1.5, 3.0, -0.375, -1.0]]),
        dict(x=[[1.0, -1.0, 2.0, -2.0], [0.0, -0.0, 0.0, 1.0]]),  # sums of 0 on the way
        dict(x=[[1000.0, 2.0**-20, -1000.0, 0.25], [2.0**-126, 40.0, -8.0, 0.5]]),
    ],
)
def running_sum(xp, x, *, axis=-1, include_initial=False):
    """f(x) = Σ w s², sₖ = Σⱼ≤ₖ xⱼ along one axis

    x: 2x4. With include_initial a sum of no terms, 0, stands in front."""
    s = xp.cumulative_sum(x, axis=axis, include_initial=include_initial)
    return xp.sum(weights(xp, s.shape) * s * s)


@running_sum.gradient
def _(xp, x, *, axis=-1, include_initial=False):
    axis = 0 if axis is None else axis
    s = xp.cumulative_sum(x, axis=axis, include_initial=include_initial)  # node 1
    d_s = 2 * weights(xp, s.shape) * s  # node 2 input: f = Σ w s²
    d_s = xp.moveaxis(d_s, axis, 0)[1 if include_initial else 0 :]  # the 0 in front is a constant
    # x_j is a term of s_k for every k ≥ j: the sum runs from the end.
    d_x = xp.flip(xp.cumulative_sum(xp.flip(d_s, axis=0), axis=0), axis=0)  # node 1 input
    return (xp.moveaxis(d_x, 0, axis),)


running_sum.variant("first_axis", axis=0)
running_sum.variant("with_initial", include_initial=True)
running_sum.variant(
    "middle_axis_with_initial", x=Reals((2, 3, 2)), axis=-2, include_initial=True, points=[dict(x=BLOCK)]
)
running_sum.variant("only_axis", x=Reals((5,)), axis=None, points=[dict(x=[0.5, -1.25, 2.0, 0.75, -3.5])])
running_sum.variant("axis_of_one", x=Reals((3, 1)), points=[dict(x=[[0.5], [-2.0], [0.0]])])


@function(
    x=Reals((2, 4)),
    points=[
        dict(x=[[0.5, -1.25, 2.0, 0.75], [1.5, 3.0, -0.375, -1.0]]),
        dict(x=[[1.5, 0.0, 2.0, -0.5], [0.0, 0.75, -2.0, 3.0]]),  # one zero: what it hides counts for itself alone
        dict(x=[[0.5, 0.0, 3.0, -0.0], [0.0, 0.0, 1.0, 2.0]]),  # two zeros: nothing behind the second counts
    ],
)
def running_product(xp, x, *, axis=-1, include_initial=False):
    """f(x) = Σ w c, cₖ = Πⱼ≤ₖ xⱼ along one axis

    x: 2x4. With include_initial a product of no factors, 1, stands in front. Dividing c by xᵢ would fail at 0."""
    c = xp.cumulative_prod(x, axis=axis, include_initial=include_initial)
    return xp.sum(weights(xp, c.shape) * c)


@running_product.gradient
def _(xp, x, *, axis=-1, include_initial=False):
    axis = 0 if axis is None else axis
    c = xp.cumulative_prod(x, axis=axis, include_initial=include_initial)  # node 1
    d_c = weights(xp, c.shape)  # node 2 input: f = Σ w c
    d_c = xp.moveaxis(d_c, axis, 0)[1 if include_initial else 0 :]  # the 1 in front is a constant
    line = xp.moveaxis(x, axis, 0)
    d_line = []
    for i in range(line.shape[0]):  # node 1 input: c_k depends on x_i for k ≥ i, by the product of the other factors
        others = xp.ones_like(line[i])
        for j in range(i):
            others = others * line[j]
        d_xi = others * d_c[i]
        for k in range(i + 1, line.shape[0]):
            others = others * line[k]
            d_xi = d_xi + others * d_c[k]
        d_line += [d_xi]
    return (xp.moveaxis(xp.stack(d_line), 0, axis),)


running_product.variant("first_axis", axis=0)
running_product.variant("with_initial", include_initial=True)
running_product.variant(
    "middle_axis_with_initial", x=Reals((2, 3, 2)), axis=-2, include_initial=True, points=[dict(x=BLOCK)]
)
running_product.variant("only_axis", x=Reals((5,)), axis=None, points=[dict(x=[0.5, -1.25, 0.0, 0.75, -3.5])])
running_product.variant("axis_of_one", x=Reals((3, 1)), points=[dict(x=[[0.5], [-2.0], [0.0]])])


@function(
    x=Reals((2, 4)),
    points=[
        dict(x=[[0.5, -1.25, 2.0, 0.75], [1.5, 3.0, -0.375, -1.0]]),
        dict(x=[[1.0, 1.0, 1.0, 1.0], [0.0, -0.0, 2.0, 2.0]]),  # differences of 0
        dict(x=[[1000.0, 1000.25, 999.75, 0.0], [2.0**-126, 40.0, -8.0, 0.5]]),
    ],
)
def differences(xp, x, *, axis=-1, n=1):
    """f(x) = Σ w d², d = xₖ₊₁ - xₖ along one axis, n times over

    x: 2x4."""
    d = xp.diff(x, axis=axis, n=n)
    return xp.sum(weights(xp, d.shape) * d * d)


@differences.gradient
def _(xp, x, *, axis=-1, n=1):
    d = xp.diff(x, axis=axis, n=n)  # nodes 1 to n
    d_d = xp.moveaxis(2 * weights(xp, d.shape) * d, axis, 0)  # node n + 1 input: f = Σ w d²
    edge = xp.zeros_like(d_d[:1])
    for _ in range(n):  # nodes n to 1 input: x_k enters d_(k-1) with + and d_k with -
        d_d = xp.concat([edge, d_d], axis=0) - xp.concat([d_d, edge], axis=0)
    return (xp.moveaxis(d_d, 0, axis),)


differences.variant("first_axis", axis=0)
differences.variant("twice", n=2)
differences.variant("thrice_along_the_middle", x=Reals((2, 5, 1)), axis=-2, n=3, points=[dict(x=TALL)])
differences.variant("only_axis", x=Reals((5,)), axis=0, points=[dict(x=[0.5, -1.25, 2.0, 0.75, -3.5])])


@function(
    x=Reals((2, 3)),
    before=Reals((2, 1)),
    after=Reals((2, 2)),
    points=[
        dict(x=[[0.5, -1.25, 2.0], [0.75, 3.0, -0.375]], before=[[0.25], [-0.5]], after=[[1.0, 4.0], [1.5, -2.0]]),
        dict(x=[[1.0, 1.0, 1.0], [0.0, -0.0, 2.0]], before=[[1.0], [0.0]], after=[[1.0, 1.0], [2.0, 40.0]]),
    ],
)
def differences_with_ends(xp, x, before, after, *, n=1):
    """f(x, before, after) = Σ w d², d the differences along the last axis of (before, x, after), n times over

    x: 2x3, before: 2x1, after: 2x2."""
    d = xp.diff(x, axis=-1, n=n, prepend=before, append=after)
    return xp.sum(weights(xp, d.shape) * d * d)


@differences_with_ends.gradient
def _(xp, x, before, after, *, n=1):
    joined = xp.concat([before, x, after], axis=-1)  # node 1, (2, 6)
    d = xp.diff(joined, axis=-1, n=n)  # nodes 2 to n + 1
    d_d = 2 * weights(xp, d.shape) * d  # node n + 2 input: f = Σ w d²
    edge = xp.zeros((2, 1))
    for _ in range(n):  # nodes n + 1 to 2 input
        d_d = xp.concat([edge, d_d], axis=-1) - xp.concat([d_d, edge], axis=-1)
    return d_d[:, 1:4], d_d[:, :1], d_d[:, 4:]  # node 1 input


differences_with_ends.variant("twice", n=2)
