"""Sorting and searching of the array API: an order or an index is a constant wherever nothing ties, and derivatives
flow through the values that it picks. At a tie several orders are right, and the subdifferential holds what each would
send back."""

from gradproof import Distinct, Reals, function, weights

BLOCK = [[[0.5, -1.25], [2.0, 0.75], [3.0, -0.375]], [[1.5, 0.25], [-1.0, 4.0], [-0.5, 1.0]]]
"""A point of the shape 2x3x2."""

PAIRS = [[0.5, -1.25], [2.0, 0.75], [3.0, -0.375]]
"""A point of the shape 3x2."""


@function(
    x=Reals((2, 4)),
    points=[
        dict(x=[[0.5, -1.25, 2.0, 0.75], [1.5, 3.0, -0.375, -1.0]]),
        dict(x=[[1.0, 2.0, 1.0, 2.0], [0.5, 0.5, 0.5, 0.5]]),  # ties of two and of four
        dict(x=[[0.0, -0.0, 1.0, -1.0], [40.0, 2.0**-20, -1000.0, 2.0**-126]]),
    ],
)
def sorted_entries(xp, x, *, axis=-1, descending=False):
    """f(x) = Σₖ wₖ x₍ₖ₎, x₍₁₎ ≤ x₍₂₎ ≤ … along one axis

    x: 2x4. Entries that tie may share their weights in any doubly stochastic way; chosen here: the stable order."""
    s = xp.sort(x, axis=axis, descending=descending)
    return xp.sum(weights(xp, s.shape) * s)


@sorted_entries.gradient
def _(xp, x, *, axis=-1, descending=False):
    order = xp.argsort(x, axis=axis, descending=descending)
    s = xp.take_along_axis(x, order, axis=axis)  # node 1
    d_s = weights(xp, s.shape)  # node 2 input: f = Σ w s
    ranks = xp.argsort(order, axis=axis)  # where each entry has gone: the inverse permutation
    d_x = xp.take_along_axis(d_s, ranks, axis=axis)  # node 1 input
    return (d_x,)


sorted_entries.variant("descending", descending=True)
sorted_entries.variant("first_axis", x=Reals((3, 2)), axis=0, points=[dict(x=PAIRS)])
sorted_entries.variant("middle_axis_descending", x=Reals((2, 3, 2)), axis=-2, descending=True, points=[dict(x=BLOCK)])
sorted_entries.variant("vector", x=Reals((5,)), points=[dict(x=[0.5, -1.25, 2.0, 0.75, -3.5])])
sorted_entries.variant("axis_of_one", x=Reals((3, 1)), points=[dict(x=[[0.5], [-2.0], [0.0]])])


@function(
    x=Reals((2, 4)),
    points=[
        dict(x=[[0.5, -1.25, 2.0, 0.75], [1.5, 3.0, -0.375, -1.0]]),
        dict(x=[[1.0, 2.0, 1.0, 2.0], [0.5, 0.5, 0.5, 0.5]]),  # ties of two and of four
    ],
)
def taken_in_order(xp, x, *, axis=-1, descending=False):
    """f(x) = Σₖ wₖ x₍ₖ₎, the entries picked one by one with the indices that argsort gives

    x: 2x4."""
    s = xp.take_along_axis(x, xp.argsort(x, axis=axis, descending=descending), axis=axis)
    return xp.sum(weights(xp, s.shape) * s)


@taken_in_order.gradient
def _(xp, x, *, axis=-1, descending=False):
    order = xp.argsort(x, axis=axis, descending=descending)
    s = xp.take_along_axis(x, order, axis=axis)  # node 1
    d_s = weights(xp, s.shape)  # node 2 input: f = Σ w s
    d_x = xp.take_along_axis(d_s, xp.argsort(order, axis=axis), axis=axis)  # node 1 input
    return (d_x,)


taken_in_order.variant("descending_first_axis", x=Reals((3, 2)), axis=0, descending=True, points=[dict(x=PAIRS)])


@function(
    key=Distinct((2, 3), flat=True),
    x=Reals((2, 3)),
    points=[dict(key=[[0.5, -1.25, 2.0], [-0.75, 3.0, -0.375]], x=[[0.5, 1.5, -2.0], [3.0, 0.0, -1.0]])],
)
def ordered_by_key(xp, key, x, *, descending=False):
    """f(key, x) = Σₖ wₖ xₙ₍ₖ₎², in the order n of the keys of each row

    key: 2x3, no two of them equal, x: 2x3. A key counts through its rank alone: its derivative is 0."""
    s = xp.take_along_axis(x, xp.argsort(key, axis=-1, descending=descending), axis=-1)
    return xp.sum(weights(xp, (2, 3)) * s * s)


@ordered_by_key.gradient
def _(xp, key, x, *, descending=False):
    order = xp.argsort(key, axis=-1, descending=descending)
    s = xp.take_along_axis(x, order, axis=-1)  # node 1
    d_s = 2 * weights(xp, (2, 3)) * s  # node 2 input: f = Σ w s²
    d_x = xp.take_along_axis(d_s, xp.argsort(order, axis=-1), axis=-1)  # node 1 input
    return xp.zeros_like(key), d_x


ordered_by_key.variant("descending", descending=True)


@function(
    x=Reals((2, 4)),
    points=[
        dict(x=[[0.5, -1.25, 2.0, 0.75], [1.5, 3.0, -0.375, -1.0]]),
        dict(x=[[2.0, -1.0, 2.0, 0.5], [1.5, 1.5, 1.5, 1.5]]),  # ties
    ],
)
def picked_by_argmax(xp, x, *, axis=-1):
    """f(x) = Σ w m, m the entry at argmax x along one axis

    x: 2x4. As the largest entry itself, but the derivative takes the way of an index. Chosen at ties: equal shares."""
    m = xp.take_along_axis(x, xp.argmax(x, axis=axis, keepdims=True), axis=axis)
    return xp.sum(weights(xp, m.shape) * m)


@picked_by_argmax.gradient
def _(xp, x, *, axis=-1):
    m = xp.max(x, axis=axis, keepdims=True)  # node 1
    d_m = weights(xp, m.shape)  # node 2 input: f = Σ w m
    mask = xp.where(x == m, xp.ones_like(x), xp.zeros_like(x))
    d_x = mask / xp.sum(mask, axis=axis, keepdims=True) * d_m  # node 1 input
    return (d_x,)


picked_by_argmax.variant("first_axis", x=Reals((3, 2)), axis=0, points=[dict(x=PAIRS)])


@function(
    x=Reals((2, 4)),
    points=[
        dict(x=[[0.5, -1.25, 2.0, 0.75], [1.5, 3.0, -0.375, -1.0]]),
        dict(x=[[2.0, -1.0, -1.0, 0.5], [1.5, 1.5, 1.5, 1.5]]),  # ties
    ],
)
def picked_by_argmin(xp, x, *, axis=-1):
    """f(x) = Σ w m, m the entry at argmin x along one axis

    x: 2x4. Chosen at ties: equal shares."""
    m = xp.take_along_axis(x, xp.argmin(x, axis=axis, keepdims=True), axis=axis)
    return xp.sum(weights(xp, m.shape) * m)


@picked_by_argmin.gradient
def _(xp, x, *, axis=-1):
    m = xp.min(x, axis=axis, keepdims=True)  # node 1
    d_m = weights(xp, m.shape)  # node 2 input: f = Σ w m
    mask = xp.where(x == m, xp.ones_like(x), xp.zeros_like(x))
    d_x = mask / xp.sum(mask, axis=axis, keepdims=True) * d_m  # node 1 input
    return (d_x,)


picked_by_argmin.variant("first_axis", x=Reals((3, 2)), axis=0, points=[dict(x=PAIRS)])


@function(
    key=Distinct((2, 3), flat=True),
    x=Reals((2, 3)),
    points=[dict(key=[[0.5, -1.25, 2.0], [-0.75, 3.0, -0.375]], x=[[0.5, 1.5, -2.0], [3.0, 0.0, -1.0]])],
)
def value_of_best_key(xp, key, x):
    """f(key, x) = Σ w v², v the entry of x where the key of its row is the largest

    key: 2x3, no two of them equal, x: 2x3. A key only points: its derivative is 0."""
    v = xp.take_along_axis(x, xp.argmax(key, axis=-1, keepdims=True), axis=-1)
    return xp.sum(weights(xp, (2, 1)) * v * v)


@value_of_best_key.gradient
def _(xp, key, x):
    best = key == xp.max(key, axis=-1, keepdims=True)
    # v = the entry of x where best  node 1
    # f = Σ w v²                     node 2
    d_x = xp.where(best, 2 * weights(xp, (2, 1)) * x, xp.zeros_like(x))  # node 2 and node 1 input: v is x there
    return xp.zeros_like(key), d_x


@function(
    x=Reals((2, 5)),
    points=[
        dict(x=[[0.5, -1.25, 2.0, 0.75, -3.0], [1.5, 3.0, -0.375, -1.0, 0.25]]),
        dict(x=[[1.0, 2.0, 1.0, -2.0, 3.0], [0.5, 0.5, 0.5, 0.5, 0.5]]),  # the median ties with another, and with all
    ],
)
def median(xp, x, *, axis=-1):
    """f(x) = Σ w m, m the median: of n sorted entries the middle one, or the mean of the two in the middle

    x: 2x5."""
    s = xp.moveaxis(xp.sort(x, axis=axis), axis, 0)
    n = s.shape[0]
    m = (s[(n - 1) // 2] + s[n // 2]) / 2
    return xp.sum(weights(xp, m.shape) * m)


@median.gradient
def _(xp, x, *, axis=-1):
    line = xp.moveaxis(x, axis, 0)
    n = line.shape[0]
    order = xp.argsort(line, axis=0)
    s = xp.take_along_axis(line, order, axis=0)  # node 1
    m = (s[(n - 1) // 2] + s[n // 2]) / 2  # node 2
    d_m = weights(xp, m.shape)  # node 3 input: f = Σ w m
    zero = xp.zeros_like(d_m)
    # Node 2 input: one half from each of the two, which for odd n are one and the same.
    d_s = xp.stack([d_m / 2 * ((k == (n - 1) // 2) + (k == n // 2)) + zero for k in range(n)])
    d_line = xp.take_along_axis(d_s, xp.argsort(order, axis=0), axis=0)  # node 1 input
    return (xp.moveaxis(d_line, 0, axis),)


median.variant(
    "of_four",
    x=Reals((2, 4)),
    points=[
        dict(x=[[1.0, 2.0, 3.0, -4.0], [0.5, 1.5, 2.0, 1.0]]),
        dict(x=[[1.0, 2.0, 3.0, 1.0], [1.0, 1.0, 2.0, 1.0]]),
    ],
)
median.variant("first_axis", x=Reals((3, 2)), axis=0, points=[dict(x=PAIRS)])
median.variant("of_one", x=Reals((3, 1)), points=[dict(x=[[0.5], [-2.0], [0.0]])])


@function(
    x=Reals((2, 5)),
    points=[
        dict(x=[[0.5, -1.25, 2.0, 0.75, -3.0], [1.5, 3.0, -0.375, -1.0, 0.25]]),
        dict(x=[[1.0, 2.0, 1.0, -2.0, 3.0], [0.5, 0.5, 0.5, 0.5, 0.5]]),  # a tie at the border, and of all
    ],
)
def largest_few(xp, x, *, k=2, largest=True):
    """f(x) = Σᵢₙ wᵢₙ tᵢₙ, t the k largest (or smallest) entries of each row, the most extreme one first

    x: 2x5."""
    t = xp.sort(x, axis=-1, descending=largest)[:, :k]
    return xp.sum(weights(xp, (2, k)) * t)


@largest_few.gradient
def _(xp, x, *, k=2, largest=True):
    order = xp.argsort(x, axis=-1, descending=largest)
    # s = x in this order    node 1
    # t = the first k of s   node 2
    d_t = weights(xp, (2, k))  # node 3 input: f = Σ w t
    d_s = xp.concat([d_t, xp.zeros((2, x.shape[1] - k))], axis=1)  # node 2 input: what is cut off sends nothing
    d_x = xp.take_along_axis(d_s, xp.argsort(order, axis=-1), axis=-1)  # node 1 input
    return (d_x,)


largest_few.variant("smallest", k=3, largest=False)
largest_few.variant("one", k=1)


@function(
    x=Reals((6,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.75, -3.0, 4.0]),
        dict(x=[1.0, 2.0, 1.0, -2.0, 2.0, 1.0]),  # ties
    ],
)
def quantile(xp, x, *, q=0.375):
    """f(x) = (1 - t) x₍ₖ₎ + t x₍ₖ₊₁₎ between sorted entries, k + t = 1 + (n - 1) q

    x: 6. Hyndman and Fan, The American Statistician 50 (1996), definition 7."""
    s = xp.sort(x)
    k, t = divmod(5 * q, 1)
    return (1 - t) * s[int(k)] + t * s[min(int(k) + 1, 5)]


@quantile.gradient
def _(xp, x, *, q=0.375):
    order = xp.argsort(x)
    # s = x in this order          node 1
    # f = (1 - t) s_k + t s_(k+1)  node 2
    k, t = divmod(5 * q, 1)
    shares = [(i == int(k)) * (1 - t) + (i == min(int(k) + 1, 5)) * t for i in range(6)]
    d_s = xp.asarray(shares)  # node 2 input
    d_x = xp.take_along_axis(d_s, xp.argsort(order), axis=0)  # node 1 input
    return (d_x,)


quantile.variant("of_all", q=1.0)


@function(
    x=Reals((5,), low=0.0),
    points=[dict(x=[0.5, 1.25, 2.0, 0.75, 3.0]), dict(x=[1.0, 2.0, 1.0, 0.0, 1.0]), dict(x=[1.0, 1.0, 1.0, 1.0, 1.0])],
)
def gini_coefficient(xp, x):
    """f(x) = Σᵢ (2i - n - 1) x₍ᵢ₎ / (n Σ x + 1)

    x: 5, nonnegative incomes. Gini's measure of inequality from sorted incomes (Sen, On Economic Inequality, section
    2.7); the 1 keeps it defined where nobody has any."""
    ranks = xp.asarray([-4.0, -2.0, 0.0, 2.0, 4.0])
    return xp.sum(ranks * xp.sort(x)) / (5 * xp.sum(x) + 1)


@gini_coefficient.gradient
def _(xp, x):
    ranks = xp.asarray([-4.0, -2.0, 0.0, 2.0, 4.0])
    order = xp.argsort(x)
    s = xp.take_along_axis(x, order, axis=0)  # node 1
    a = xp.sum(ranks * s)  # node 2
    b = 5 * xp.sum(x) + 1  # node 3
    # f = a / b              node 4
    d_a = 1 / b  # node 4 input
    d_b = -a / (b * b)  # node 4 input
    d_x = 5 * d_b  # node 3 input, the same for each entry
    d_s = ranks * d_a  # node 2 input
    d_x = d_x + xp.take_along_axis(d_s, xp.argsort(order), axis=0)  # node 1 input
    return (d_x,)
