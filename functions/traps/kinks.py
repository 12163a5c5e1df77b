"""Functions with kinks. Away from a kink the derivative is an ordinary one; at it there is a whole set of slopes, the
subdifferential (Clarke's, where the function is not convex), which each docstring states. The gradients choose one."""

from gradproof import Reals, function, weights


@function(
    x=Reals((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, -3.5, 0.75]),
        dict(x=[0.0, -0.0, 1.5, -2.25, 4.0]),  # two kinks
        dict(x=[2.0**-126, -(2.0**-126), 1000.0, -40.0, 2.0**-30]),
    ],
)
def absolute_sum(xp, x):
    """f(x) = Σ w |x|

    x: 5. At xᵢ = 0 the subdifferential is every slope from -|wᵢ| to |wᵢ|; chosen here: 0, the symmetric one."""
    return xp.sum(weights(xp, (5,)) * xp.abs(x))


@absolute_sum.gradient
def _(xp, x):
    d_a = weights(xp, (5,))  # node 2 input: f = Σ w a, with node 1: a = |x|
    d_x = xp.sign(x) * d_a  # node 1 input: 1 above 0, -1 below, 0 at 0
    return (d_x,)


@function(
    x=Reals((4, 3)),
    w=Reals((3,)),
    points=[
        dict(
            x=[[0.5, -1.0, 0.25], [1.5, 0.75, -0.5], [-0.25, 2.0, 1.25], [-2.0, 0.625, 0.375]],
            w=[0.75, -0.5, 1.25],
        ),
        dict(  # the margins of rows 1 and 2 are exactly 0, those of rows 3 and 4 are not
            x=[[1.0, 0.0, 0.5], [0.0, -1.0, 1.0], [3.0, 1.0, 0.25], [0.5, -0.25, 2.0]],
            w=[0.5, 2.0, 1.0],
        ),
        dict(x=[[1.0, 2.0, -3.0], [0.5, -0.5, 4.0], [2.0, 1.5, 0.25], [-1.0, 3.0, 5.0]], w=[0.0, 0.0, 0.0]),
    ],
)
def hinge(xp, x, w):
    """f(x, w) = 1/n Σᵢ max(0, 1 - tᵢ Σⱼ xᵢⱼ wⱼ)

    x: nx3, n = 4, w: 3, fixed labels t = ±1. Where a margin m = 1 - t Σ x w is 0, the subdifferential of max(0, m) is
    every slope from 0 to 1, times dm; chosen here: 0."""
    t = xp.asarray([(-1.0) ** i for i in range(x.shape[0])])
    margin = 1 - t * xp.sum(x * w, axis=1)
    return xp.sum(xp.maximum(margin, xp.zeros_like(margin))) / x.shape[0]


@hinge.gradient
def _(xp, x, w):
    t = xp.asarray([(-1.0) ** i for i in range(x.shape[0])])
    a = xp.sum(x * w, axis=1)  # node 1, (4,)
    m = 1 - t * a  # node 2
    # l = max(0, m)  node 3
    # f = Σ l / n    node 4
    d_l = xp.ones_like(m) / x.shape[0]  # node 4 input
    d_m = xp.where(m > 0, d_l, xp.zeros_like(m))  # node 3 input
    d_a = -t * d_m  # node 2 input
    d_x = d_a[:, None] * w  # node 1 input
    d_w = xp.sum(d_a[:, None] * x, axis=0)  # node 1 input
    return d_x, d_w


@hinge.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 3)), w=rng.normal(size=3))


@function(
    x=Reals((3, 4)),
    points=[
        dict(x=[[0.5, -1.0, 2.25, 0.75], [1.5, 3.0, -0.5, 0.25], [-2.5, -1.75, -3.0, -0.625]]),
        dict(x=[[2.0, -1.0, 2.0, 0.5], [1.5, 1.5, 1.5, 1.5], [0.0, -0.0, -3.0, -1.0]]),  # ties of 2, 4 and ±0
        dict(x=[[1000.0, 2.0**-20, -40.0, 1.0], [-1000.0, -40.0, -41.0, -999.0], [1.0, 2.0, 4.0, 8.0]]),
    ],
)
def largest(xp, x):
    """f(x) = Σᵢ wᵢ maxⱼ xᵢⱼ

    x: 3x4. Where several entries of a row are the largest, the subdifferential is wᵢ times every set of shares among
    them that are at least 0 and sum to 1; chosen here: equal shares."""
    return xp.sum(weights(xp, (3,)) * xp.max(x, axis=1))


@largest.gradient
def _(xp, x):
    m = xp.max(x, axis=1, keepdims=True)  # node 1, (3, 1)
    d_m = weights(xp, (3, 1))  # node 2 input: f = Σ w m
    # Equality is meant: the largest is one of the entries itself, without rounding.
    mask = xp.where(x == m, xp.ones_like(x), xp.zeros_like(x))
    d_x = mask / xp.sum(mask, axis=1, keepdims=True) * d_m  # node 1 input
    return (d_x,)


@function(
    x=Reals((5,)),
    y=Reals((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, -3.5, 0.75], y=[0.25, 1.0, -2.5, -3.0, 0.625]),
        dict(x=[1.5, 0.0, -2.0, 3.0, 0.5], y=[1.5, -0.0, -2.0, 1.0, 4.0]),  # three ties
        dict(x=[1000.0, -1000.0, 2.0**-30, 40.0, 1.0], y=[-40.0, 40.0, 0.0, 40.5, -1.0]),
    ],
)
def maximum_of_two(xp, x, y):
    """f(x, y) = Σ w max(x, y)

    x: 5, y: 5. Where xᵢ = yᵢ, the subdifferential is wᵢ (s, 1 - s) for every share s from 0 to 1; chosen here: ½."""
    return xp.sum(weights(xp, (5,)) * xp.maximum(x, y))


@maximum_of_two.gradient
def _(xp, x, y):
    d_m = weights(xp, (5,))  # node 2 input: f = Σ w m, with node 1: m = max(x, y)
    one, zero = xp.ones_like(x), xp.zeros_like(x)
    share = xp.where(x > y, one, xp.where(x < y, zero, one / 2))  # of x in m
    d_x = share * d_m  # node 1 input
    d_y = (1 - share) * d_m  # node 1 input
    return d_x, d_y


@function(
    x=Reals((5,)),
    points=[
        dict(x=[0.5, -0.25, 2.0, -3.5, 0.875]),
        dict(x=[1.0, -1.0, 0.0, -0.75, 1.0 + 2.0**-20]),  # where the branches meet
        dict(x=[1000.0, -40.0, 2.0**-30, 1.5, -0.5]),
    ],
)
def huber(xp, x):
    """f(x) = Σ w h(x), h(x) = x² / 2 where |x| ≤ 1, |x| - ½ elsewhere

    x: 5. Huber, Annals of Mathematical Statistics 35 (1964), with δ = 1. At ±1 both branches have the slope ±1: the
    subdifferential is that one slope, and only the second derivative jumps."""
    inside = xp.abs(x) <= 1
    return xp.sum(weights(xp, x.shape) * xp.where(inside, x * x / 2, xp.abs(x) - 0.5))


@huber.gradient
def _(xp, x):
    d_h = weights(xp, x.shape)  # node 2 input: f = Σ w h, with node 1: h = h(x)
    d_x = xp.where(xp.abs(x) <= 1, x, xp.sign(x)) * d_h  # node 1 input: (x² / 2)′ = x, (|x| - ½)′ = ±1
    return (d_x,)


@huber.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


@function(
    x=Reals((5,)),
    points=[
        dict(x=[0.5, -0.25, 2.0, -3.5, 0.875]),
        dict(x=[1.0, -1.0, 0.0, -0.0, 0.75]),  # two kinks
        dict(x=[1.0 + 2.0**-20, 1.0 - 2.0**-20, -1.0 - 2.0**-20, 1000.0, 2.0**-30]),
    ],
)
def clipped(xp, x):
    """f(x) = Σ w min(max(x, -1), 1)

    x: 5. At xᵢ = ±1 the subdifferential is wᵢ times every slope from 0 to 1; chosen here: 1, as inside."""
    return xp.sum(weights(xp, x.shape) * xp.clip(x, -1.0, 1.0))


@clipped.gradient
def _(xp, x):
    d_c = weights(xp, x.shape)  # node 2 input: f = Σ w c, with node 1: c = clip(x)
    d_x = xp.where(xp.abs(x) <= 1, d_c, xp.zeros_like(x))  # node 1 input
    return (d_x,)


@clipped.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


@function(
    x=Reals((5,)),
    y=Reals((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, -3.5, 0.75], y=[0.25, 1.0, -2.5, -3.0, 0.625]),
        dict(x=[1.5, 0.0, -2.0, 3.0, 0.5], y=[1.5, -0.0, -2.0, 1.0, 4.0]),  # three ties
    ],
)
def larger_passing_over_nan(xp, x, y):
    """f(x, y) = Σ w fmax(x, y)

    x: 5, y: 5. The maximum that takes the number where the other is a NaN (C99, 7.12.12.2); ties are as for the
    maximum, w (s, 1 - s) for every share s from 0 to 1, but backends choose otherwise. Chosen here: ½."""
    return xp.sum(weights(xp, (5,)) * xp.fmax(x, y))


@larger_passing_over_nan.gradient
def _(xp, x, y):
    d_m = weights(xp, (5,))  # node 2 input: f = Σ w m, with node 1: m = fmax(x, y)
    one, zero = xp.ones_like(x), xp.zeros_like(x)
    share = xp.where(x > y, one, xp.where(x < y, zero, one / 2))  # of x in m
    return share * d_m, (1 - share) * d_m  # node 1 input


@function(
    x=Reals((2, 4)),
    points=[
        dict(x=[[0.5, -1.25, 2.0, 0.75], [-3.0, -1.0, -0.25, 4.0]]),
        dict(x=[[1.0, 1.0, 0.0, 1.0], [-2.0, 0.5, -0.25, 0.5]]),  # ties with what was the largest so far
    ],
)
def running_maximum(xp, x):
    """f(x) = Σ w m, mₖ = max(x₁, …, xₖ) along each row

    x: 2x4. An entry that ties with the largest so far shares with it the weights that follow, in any way that sums to
    them; chosen here: the first keeps them all."""
    return xp.sum(weights(xp, (2, 4)) * xp.cumulative_max(x, axis=1))


@running_maximum.gradient
def _(xp, x):
    w, columns = weights(xp, (2, 4)), [x[:, k] for k in range(4)]
    largest = [columns[0]]  # node 1
    for k in range(1, 4):
        largest += [xp.maximum(largest[-1], columns[k])]  # node k + 1
    d_x, d_m = [], 0 * columns[0]
    for k in reversed(range(1, 4)):
        d_m = d_m + w[:, k]  # node 5 input: f = Σ w m, beside what came from node k + 2
        new = columns[k] > largest[k - 1]
        d_x = [xp.where(new, d_m, 0 * d_m), *d_x]  # node k + 1 input
        d_m = xp.where(new, 0 * d_m, d_m)  # node k + 1 input
    return (xp.stack([d_m + w[:, 0], *d_x], axis=1),)  # node 1 input
