"""Composites that are smooth, or constant, where something inside them is not: the slope that a node does not have must
not reach the answer. Each trap has been somebody's lost day."""

from gradproof import Reals, function, weights


@function(
    x=Reals((2, 3)),
    points=[
        dict(x=[[0.5, -1.25, 2.0], [3.0, 0.25, -0.75]]),
        dict(x=[[0.0, 0.0, -0.0], [1.0, -1.0, 2.0]]),  # a length of 0, whose square is as smooth as elsewhere
        dict(x=[[2.0**-40, 0.0, -(2.0**-41)], [40.0, -1000.0, 3.0]]),
    ],
)
def squared_length(xp, x):
    """f(x) = Σ w n², n = √Σ x² along each row

    x: 2x3. At 0 the slope of the root is infinite and that of the square is 0; together they are 2x."""
    n = xp.linalg.vector_norm(x, axis=-1)
    return xp.sum(weights(xp, (2,)) * n**2)


@squared_length.gradient
def _(xp, x):
    # s = Σ x²   node 1, for n² = s wherever n = √s
    d_s = weights(xp, (2, 1))  # node 2 input: f = Σ w s
    return (2 * x * d_s,)  # node 1 input


@function(
    x=Reals((4,)),
    points=[
        dict(x=[0.5, 1.25, 2.0, 9.0]),
        dict(x=[-10.0, 0.5, -1.0, -(2.0**-10)]),  # the root of a constant 0
    ],
)
def root_of_positive_part(xp, x):
    """f(x) = Σ w √max(x, 0)

    x: 4. Below 0 it is constant, though the root has no slope there. At 0 the slope is unbounded."""
    return xp.sum(weights(xp, (4,)) * xp.sqrt(xp.nn.relu(x)))


@root_of_positive_part.gradient
def _(xp, x):
    above = x > 0
    r = xp.sqrt(xp.where(above, x, xp.ones_like(x)))  # node 2, where node 1, max(x, 0), is x
    d_r = weights(xp, (4,))  # node 3 input: f = Σ w r
    return (xp.where(above, d_r / (2 * r), xp.zeros_like(x)),)  # node 2 and node 1 input


@function(
    x=Reals((4,), low=-1000.0, high=1000.0),
    points=[dict(x=[0.5, -1.25, 2.0, 0.75]), dict(x=[1.0, 0.0, -2.5, 40.0])],
)
def loss_with_missing_data(xp, x):
    """f(x) = Σ w (x - d)² over those data d that are there

    x: 4; of the data, constants, two are missing: NaN, as tables have them. The residual of a missing one is chosen
    away, and its slope 2 (x - d) with it."""
    d = xp.asarray([1.0, float("nan"), -2.5, float("nan")])
    there = xp.asarray([1.0, 0.0, 1.0, 0.0]) > 0.5
    r = x - d
    return xp.sum(weights(xp, (4,)) * xp.where(there, r * r, xp.zeros_like(x)))


@loss_with_missing_data.gradient
def _(xp, x):
    there = xp.asarray([1.0, 0.0, 1.0, 0.0])
    r = x - xp.asarray([1.0, 0.0, -2.5, 0.0])  # node 1, where the data are there
    d_s = there * weights(xp, (4,))  # node 3 input: f = Σ w s, the chosen squares
    return (2 * r * d_s,)  # node 2 input: s = r², and node 1 input


@function(
    x=Reals((), low=-8.0, high=8.0),
    points=[dict(x=2.25), dict(x=-1.25), dict(x=-4.0)],
)
def branch_beside_undefined(xp, x):
    """f(x) = √x where x > ¼, -x elsewhere

    x: a scalar. The program that does not run has no value at a negative x; mapped over a batch both may run. At ¼ the
    function jumps."""
    return xp.cond(x > 0.25, lambda x: xp.sqrt(x), lambda x: -x, x)


@branch_beside_undefined.gradient
def _(xp, x):
    upper = x > 0.25
    slope = 1 / (2 * xp.sqrt(xp.where(upper, x, xp.ones_like(x))))
    return xp.where(upper, slope, -xp.ones_like(x))  # node 1 input, of the program that runs


@function(
    x=Reals((3,), low=-1000.0, high=1000.0),
    points=[
        dict(x=[0.5, -0.25, 0.125]),  # shorter than the limit
        dict(x=[3.0, -0.75, 1.5]),  # longer
        dict(x=[0.0, 0.0, 0.0]),  # nothing to shrink: the quotient of the other branch is ∞
        dict(x=[0.0, 1.0, 0.0]),  # as long as the limit: a kink
    ],
)
def clipped_to_length(xp, x):
    """f(x) = Σ w y, y = x where ‖x‖ ≤ 1, x / ‖x‖ elsewhere

    x: 3. Pascanu, Mikolov and Bengio, arXiv:1211.5063, clip gradients so. Where ‖x‖ = 1, shrinking takes the part along
    x from the slope of y; chosen here: none."""
    return xp.sum(weights(xp, (3,)) * xp.nn.clip_by_norm(x, 1.0))


@clipped_to_length.gradient
def _(xp, x):
    s = xp.sum(x * x, axis=0, keepdims=True)
    longer = s > 1
    n = xp.sqrt(xp.where(longer, s, xp.ones_like(s)))  # node 1, where it is used
    d_y = weights(xp, (3,))  # node 3 input: f = Σ w y
    u = x / n
    # Node 2 and node 1 input: y = x / n and dn = u dx, so the part of d_y along u is lost.
    return (xp.where(longer, (d_y - u * xp.sum(u * d_y)) / n, d_y),)
