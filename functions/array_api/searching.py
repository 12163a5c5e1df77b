"""Searching of the array API: `where` picks between two arrays, and `searchsorted` finds the place in a table from
which values are read. Derivatives flow through what is picked or read, and through weights that depend on the place."""

from gradproof import Distinct, Reals, function, weights


@function(
    x=Reals((2, 1)),
    y=Reals((3,)),
    points=[
        dict(x=[[0.5], [-1.25]], y=[2.0, 0.75, -3.0]),
        dict(x=[[0.0], [-0.0]], y=[1.0, 0.0, -2.0]),
        dict(x=[[1000.0], [2.0**-126]], y=[40.0, -1000.0, 2.0**-20]),
    ],
)
def either_by_mask(xp, x, y):
    """f(x, y) = Σᵢⱼ wᵢⱼ cᵢⱼ², c = x where a fixed mask holds, y elsewhere

    x: 2x1, y: 3, mask: 2x3. Both sides are stretched, so each gradient is summed over what was stretched."""
    mask = xp.asarray([[True, False, True], [False, False, True]])
    c = xp.where(mask, x, y)
    return xp.sum(weights(xp, (2, 3)) * c * c)


@either_by_mask.gradient
def _(xp, x, y):
    mask = xp.asarray([[True, False, True], [False, False, True]])
    c = xp.where(mask, x, y)  # node 1
    d_c = 2 * weights(xp, (2, 3)) * c  # node 2 input: f = Σ w c²
    nothing = xp.zeros_like(d_c)
    d_x = xp.sum(xp.where(mask, d_c, nothing), axis=1, keepdims=True)  # node 1 input, where the mask holds
    d_y = xp.sum(xp.where(mask, nothing, d_c), axis=0)  # node 1 input, elsewhere
    return d_x, d_y


@function(x=Reals((3,)), points=[dict(x=[1.5, 0.5, -0.25]), dict(x=[0.0, -2.0, 1.0])])
def square_beside_choice(xp, x):
    """f(x) = s + Σᵢ wᵢ (s where Mᵢ, xᵢ elsewhere), s = Σₖ xₖ²

    x: 3; a fixed mask M. The number s is stretched for the choice, and used once more as it is."""
    mask = xp.asarray([True, False, True])
    s = xp.matmul(x, x)  # node 1
    return s + xp.sum(weights(xp, (3,)) * xp.where(mask, s, x))


@square_beside_choice.gradient
def _(xp, x):
    mask = xp.asarray([1.0, 0.0, 1.0])
    d_c = weights(xp, (3,))  # node 3 input: f = Σ w c, with node 2: c = s where M, x elsewhere
    d_s = 1 + xp.sum(mask * d_c)  # node 3 input, where s stands alone, and node 2 input: every place to which it went
    return (2 * x * d_s + (1 - mask) * d_c,)  # node 1 input, s = Σ x²; and node 2 input, elsewhere


@function(
    x=Reals((3,)),
    y=Reals((3,)),
    points=[
        dict(x=[0.5, -1.25, 2.0], y=[0.75, -3.0, 1.5]),
        dict(x=[1.0, 0.0, -2.0], y=[1.0, -0.0, 2.0]),  # ties: the branches meet, with different slopes
    ],
)
def chosen_by_comparison(xp, x, y):
    """f(x, y) = Σ w c, c = x y where x < y, x² elsewhere

    x: 3, y: 3. Where x = y both are x²: continuous, with a kink. Chosen there: the slopes of x²."""
    return xp.sum(weights(xp, (3,)) * xp.where(x < y, x * y, x * x))


@chosen_by_comparison.gradient
def _(xp, x, y):
    less = x < y
    d_c = weights(xp, (3,))  # node 2 input: f = Σ w c
    d_x = xp.where(less, y, 2 * x) * d_c  # node 1 input
    d_y = xp.where(less, x, xp.zeros_like(x)) * d_c  # node 1 input
    return d_x, d_y


@function(
    x=Distinct((4,), low=-4.0, high=4.0, flat=True),
    table=Reals((3,)),
    points=[dict(x=[0.5, -2.0, 1.0, 3.0], table=[0.75, -1.5, 2.0])],
)
def read_from_table(xp, x, table, *, side="left"):
    """f(x, table) = Σ w t², t the entry of the table at the place of x among fixed edges

    x: 4, multiples of 1/16, which are no edges; table: 3. An x only points, and may point where another does: what
    comes back is added up."""
    edges = xp.asarray([-0.71875, 1.15625])
    t = xp.take(table, xp.searchsorted(edges, x, side=side), axis=0)
    return xp.sum(weights(xp, (4,)) * t * t)


@read_from_table.gradient
def _(xp, x, table, *, side="left"):
    edges = xp.asarray([-0.71875, 1.15625])
    place = xp.searchsorted(edges, x, side=side)
    t = xp.take(table, place, axis=0)  # node 1
    d_t = 2 * weights(xp, (4,)) * t  # node 2 input: f = Σ w t²
    # Node 1 input: what the x that point at k send, added up.
    d_table = xp.stack([xp.sum(xp.where(place == k, d_t, xp.zeros_like(d_t))) for k in range(3)])
    return xp.zeros_like(x), d_table


read_from_table.variant("right_side", side="right")


@function(
    x=Reals((3,), low=-4.0, high=4.0),
    values=Reals((4,)),
    points=[
        dict(x=[0.5, -1.25, 2.5], values=[0.75, -1.5, 2.0, 0.25]),
        dict(x=[-0.5, 1.0, 4.0], values=[1.0, 0.5, -2.0, 3.0]),  # at two knots
        dict(x=[-0.5 - 2.0**-20, 1.0 + 2.0**-20, -4.0], values=[1.0, 1.0, 1.0, 1.0]),  # beside them; no kink at all
    ],
)
def interpolated(xp, x, values):
    """f(x, values) = Σ w ((1 - t) vₖ + t vₖ₊₁), t = (x - pₖ) / (pₖ₊₁ - pₖ), between fixed knots pₖ ≤ x ≤ pₖ₊₁

    x: 3, values: 4, knots: 4; the outer lines go on beyond the outer knots. At an inner knot two slopes meet."""
    knots = xp.asarray([-2.0, -0.5, 1.0, 3.0])
    k = xp.searchsorted(xp.asarray([-0.5, 1.0]), x, side="right")
    left, right = xp.take(knots, k, axis=0), xp.take(knots, k + 1, axis=0)
    t = (x - left) / (right - left)
    return xp.sum(weights(xp, (3,)) * ((1 - t) * xp.take(values, k, axis=0) + t * xp.take(values, k + 1, axis=0)))


@interpolated.gradient
def _(xp, x, values):
    knots = xp.asarray([-2.0, -0.5, 1.0, 3.0])
    k = xp.searchsorted(xp.asarray([-0.5, 1.0]), x, side="right")
    left, right = xp.take(knots, k, axis=0), xp.take(knots, k + 1, axis=0)
    t = (x - left) / (right - left)  # node 1
    a, b = xp.take(values, k, axis=0), xp.take(values, k + 1, axis=0)  # nodes 2 and 3
    # y = (1 - t) a + t b   node 4
    d_y = weights(xp, (3,))  # node 5 input: f = Σ w y
    d_t = (b - a) * d_y  # node 4 input
    d_a, d_b = (1 - t) * d_y, t * d_y  # node 4 input
    nothing = xp.zeros_like(d_y)
    d_values = xp.stack(  # nodes 3 and 2 input: what the x between two knots send, added up
        [xp.sum(xp.where(k == i, d_a, nothing) + xp.where(k + 1 == i, d_b, nothing)) for i in range(4)]
    )
    d_x = d_t / (right - left)  # node 1 input
    return d_x, d_values
