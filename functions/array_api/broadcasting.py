"""Functions that copy entries or leave some out: broadcasting, repetition, grids, triangles. An entry that stands in
several places of the result receives the sum of their adjoints; one that is left out receives zero."""

import math

from gradproof import Reals, function, weights

NUMBERS = Reals((2, 3), low=-64.0, high=64.0)
POINTS = [
    dict(x=[[0.5, -1.25, 2.0], [0.75, -3.5, 1.125]]),
    dict(x=[[0.0, -0.0, 1.5], [1.5, 1.5, 2.0**-20]]),  # zeros of both signs, equal entries
    dict(x=[[64.0, 2.0**-30, -0.5], [-40.0, 1.0, 2.0**-126]]),  # mixed scales
]


@function(
    x=Reals((3, 1), low=-64.0, high=64.0), points=[dict(x=[[0.5], [-1.25], [2.0]]), dict(x=[[0.0], [-0.0], [64.0]])]
)
def stretched(xp, x, *, shape=(2, 3, 4)):
    """f(x) = Σ w y², y = x repeated along new axes in front, and along those where its length is 1

    x: 3x1."""
    y = xp.broadcast_to(x, shape)
    return xp.sum(weights(xp, shape) * y * y)


@stretched.gradient
def _(xp, x, *, shape=(2, 3, 4)):
    y = xp.broadcast_to(x, shape)  # node 1
    d_y = 2 * weights(xp, shape) * y  # node 2 input: f = Σ w y²
    new = len(shape) - x.ndim
    copied = tuple(a for a in range(len(shape)) if a < new or x.shape[a - new] != shape[a])
    d_x = xp.sum(d_y, axis=copied, keepdims=True) if copied else d_y  # node 1 input: what was copied adds up
    return (xp.reshape(d_x, tuple(x.shape)),)


stretched.variant("in_front", shape=(2, 3), x=Reals((3,), low=-64.0, high=64.0), points=[dict(x=[0.5, -1.25, 2.0])])
stretched.variant("square", shape=(3, 3))
stretched.variant("same", shape=(3, 1))
stretched.variant("unit_axes", shape=(1, 1, 3, 1))
stretched.variant("two_axes", shape=(2, 3, 2), x=Reals((1, 3, 1), low=-64.0, high=64.0))
stretched.variant("to_nothing", shape=(3, 0))  # no copies at all: the gradient is 0
stretched.variant("scalar", shape=(2, 3), x=Reals(low=-64.0, high=64.0), points=[dict(x=0.5), dict(x=-0.0)])
stretched.variant("scalar_to_itself", shape=(), x=Reals(low=-64.0, high=64.0), points=[dict(x=0.5)])


@function(
    x=Reals((3, 1), low=-16.0, high=16.0),
    y=Reals((4,), low=-16.0, high=16.0),
    points=[
        dict(x=[[0.5], [-1.25], [2.0]], y=[0.75, -0.5, 3.0, 1.25]),
        dict(x=[[0.0], [16.0], [-0.0]], y=[0.0, 2.0**-20, -1.0, 1.0]),
    ],
)
def stretched_to_each_other(xp, x, y):
    """f(x, y) = Σ w a² b, a and b = x and y in the shape that both have together

    x: 3x1, y: 4, together 3x4."""
    a, b = xp.broadcast_arrays(x, y)
    return xp.sum(weights(xp, tuple(a.shape)) * a * a * b)


@stretched_to_each_other.gradient
def _(xp, x, y):
    a, b = xp.broadcast_arrays(x, y)  # node 1
    w = weights(xp, tuple(a.shape))
    d_a, d_b = 2 * w * a * b, w * a * a  # node 2 input: f = Σ w a² b
    gradients = []
    for d, to in ((d_a, x), (d_b, y)):  # node 1 input: what was copied adds up
        new = d.ndim - to.ndim
        copied = tuple(k for k in range(d.ndim) if k < new or to.shape[k - new] != d.shape[k])
        d = xp.sum(d, axis=copied, keepdims=True) if copied else d
        gradients += [xp.reshape(d, tuple(to.shape))]
    return tuple(gradients)


stretched_to_each_other.variant("scalar", x=Reals(low=-16.0, high=16.0), points=[dict(x=0.5, y=[0.75, 0.0, 3.0, 1.25])])
stretched_to_each_other.variant("same_shapes", x=Reals((4,), low=-16.0, high=16.0))
stretched_to_each_other.variant(
    "batches", x=Reals((2, 1, 2), low=-16.0, high=16.0), y=Reals((1, 3, 1), low=-16.0, high=16.0)
)


@function(x=NUMBERS, points=POINTS)
def tiled(xp, x, *, repetitions=(2, 3)):
    """f(x) = Σ w y², y = x laid down `repetitions[k]` times, as a whole, along axis k

    x: 2x3. Axes that one of them has more than the other count from the last."""
    y = xp.tile(x, repetitions)
    return xp.sum(weights(xp, tuple(y.shape)) * y * y)


@tiled.gradient
def _(xp, x, *, repetitions=(2, 3)):
    y = xp.tile(x, repetitions)  # node 1
    d_y = 2 * weights(xp, tuple(y.shape)) * y  # node 2 input: f = Σ w y²
    lengths = (1,) * (y.ndim - x.ndim) + tuple(x.shape)
    counts = (1,) * (y.ndim - len(repetitions)) + repetitions
    pairs = [n for pair in zip(counts, lengths, strict=True) for n in pair]  # each axis as copies times entries
    d_x = xp.sum(xp.reshape(d_y, tuple(pairs)), axis=tuple(range(0, 2 * y.ndim, 2)))  # node 1 input: over the copies
    return (xp.reshape(d_x, tuple(x.shape)),)


tiled.variant("last_axis", repetitions=(2,))
tiled.variant("new_axis", repetitions=(2, 1, 2))
tiled.variant("once", repetitions=(1, 1))
tiled.variant("square", repetitions=(2, 2), x=Reals((2, 2), low=-64.0, high=64.0))
tiled.variant("scalar", repetitions=(2, 3), x=Reals(low=-64.0, high=64.0), points=[dict(x=0.5), dict(x=-0.0)])


@function(x=NUMBERS, points=POINTS)
def repeated(xp, x, *, count=2, axis=-1):
    """f(x) = Σ w y², y = every entry along an axis of x, `count` times in a row

    x: 2x3. Without an axis x is first read row by row into a vector."""
    y = xp.repeat(x, count, axis=axis)
    return xp.sum(weights(xp, tuple(y.shape)) * y * y)


@repeated.gradient
def _(xp, x, *, count=2, axis=-1):
    y = xp.repeat(x, count, axis=axis)  # node 1
    d_y = 2 * weights(xp, tuple(y.shape)) * y  # node 2 input: f = Σ w y²
    shape = (math.prod(x.shape),) if axis is None else tuple(x.shape)
    k = (0 if axis is None else axis) % len(shape)
    d_y = xp.reshape(d_y, (*shape[: k + 1], count, *shape[k + 1 :]))  # the copies get an axis of their own
    d_x = xp.sum(d_y, axis=k + 1)  # node 1 input: over the copies
    return (xp.reshape(d_x, tuple(x.shape)),)


repeated.variant("first_axis", count=3, axis=0)
repeated.variant("once", count=1, axis=1)
repeated.variant("flat", count=2, axis=None)
repeated.variant("square", count=2, axis=-2, x=Reals((2, 2), low=-64.0, high=64.0))
repeated.variant("scalar", count=3, axis=None, x=Reals(low=-64.0, high=64.0), points=[dict(x=0.5), dict(x=-0.0)])


@function(x=Reals((3, 2), low=-64.0, high=64.0), points=[dict(x=[[0.5, -1.25], [2.0, 0.75], [-3.5, 1.125]])])
def repeated_unevenly(xp, x, *, counts=(2, 0, 3)):
    """f(x) = Σ w y², y = row i of x, counts[i] times in a row

    x: 3x2. A row that is repeated 0 times is left out."""
    y = xp.repeat(x, xp.asarray(counts), axis=0)
    return xp.sum(weights(xp, (sum(counts), 2)) * y * y)


@repeated_unevenly.gradient
def _(xp, x, *, counts=(2, 0, 3)):
    w, d_x, start = weights(xp, (sum(counts), 2)), [], 0
    for i, count in enumerate(counts):
        d_y = 2 * w[start : start + count] * x[i]  # node 2 input: f = Σ w y², the rows of y that are row i of x
        d_x += [xp.sum(d_y, axis=0)]  # node 1 input: what was copied adds up; the sum of no rows is 0
        start += count
    return (xp.stack(d_x),)


repeated_unevenly.variant("each_once", counts=(1, 1, 1))
repeated_unevenly.variant("all_of_one", counts=(0, 0, 4))


@function(
    x=Reals((3,), low=-16.0, high=16.0),
    y=Reals((2,), low=-16.0, high=16.0),
    points=[dict(x=[0.5, -1.25, 2.0], y=[0.75, -3.5]), dict(x=[0.0, 1.0, 1.0], y=[-0.0, 16.0])],
)
def grid(xp, x, y, *, indexing="xy"):
    """f(x, y) = Σ w a² b, a and b = x and y along an axis each: x along the columns with "xy", along the rows with "ij"

    x: 3, y: 2."""
    a, b = xp.meshgrid(x, y, indexing=indexing)
    return xp.sum(weights(xp, tuple(a.shape)) * a * a * b)


@grid.gradient
def _(xp, x, y, *, indexing="xy"):
    a, b = xp.meshgrid(x, y, indexing=indexing)  # node 1
    w = weights(xp, tuple(a.shape))
    d_a, d_b = 2 * w * a * b, w * a * a  # node 2 input: f = Σ w a² b
    rows, columns = 0, 1
    d_x = xp.sum(d_a, axis=rows if indexing == "xy" else columns)  # node 1 input: over the axis of the other
    d_y = xp.sum(d_b, axis=columns if indexing == "xy" else rows)
    return d_x, d_y


grid.variant("matrix_indices", indexing="ij")
grid.variant("square", y=Reals((3,), low=-16.0, high=16.0))
grid.variant("single_point", x=Reals((1,), low=-16.0, high=16.0), y=Reals((1,), low=-16.0, high=16.0))


@function(
    x=Reals((2,), low=-16.0, high=16.0),
    y=Reals((3,), low=-16.0, high=16.0),
    z=Reals((4,), low=-16.0, high=16.0),
    points=[
        dict(x=[0.5, -1.25], y=[2.0, 0.75, -3.5], z=[1.125, 0.25, -0.5, 3.0]),
        dict(x=[0.0, 1.0], y=[1.0, -0.0, 0.5], z=[2.0, 2.0, -16.0, 1.0]),
    ],
)
def grid_of_three(xp, x, y, z, *, indexing="xy"):
    """f(x, y, z) = Σ w a² b c, a, b and c = x, y and z along an axis each; with "xy" y has the first one

    x: 2, y: 3, z: 4."""
    a, b, c = xp.meshgrid(x, y, z, indexing=indexing)
    return xp.sum(weights(xp, tuple(a.shape)) * a * a * b * c)


@grid_of_three.gradient
def _(xp, x, y, z, *, indexing="xy"):
    a, b, c = xp.meshgrid(x, y, z, indexing=indexing)  # node 1
    w = weights(xp, tuple(a.shape))
    d_a, d_b, d_c = 2 * w * a * b * c, w * a * a * c, w * a * a * b  # node 2 input: f = Σ w a² b c
    of_x, of_y = (1, 0) if indexing == "xy" else (0, 1)
    d_x = xp.sum(d_a, axis=(of_y, 2))  # node 1 input: over the axes of the others
    d_y = xp.sum(d_b, axis=(of_x, 2))
    d_z = xp.sum(d_c, axis=(0, 1))
    return d_x, d_y, d_z


grid_of_three.variant("matrix_indices", indexing="ij")


@function(
    x=Reals((3, 4), low=-64.0, high=64.0),
    points=[dict(x=[[0.5, -1.25, 2.0, 0.75], [1.5, 3.0, -0.375, 0.25], [-2.0, 4.0, -0.5, 1.0]])],
)
def lower_triangle(xp, x, *, k=0):
    """f(x) = Σ w y², yᵢⱼ = xᵢⱼ where j ≤ i + k, 0 elsewhere

    x: 3x4, or batches of matrices."""
    y = xp.tril(x, k=k)
    return xp.sum(weights(xp, tuple(x.shape)) * y * y)


@lower_triangle.gradient
def _(xp, x, *, k=0):
    y = xp.tril(x, k=k)  # node 1
    d_y = 2 * weights(xp, tuple(x.shape)) * y  # node 2 input: f = Σ w y²
    d_x = xp.tril(d_y, k=k)  # node 1 input: what was left out has no part in f
    return (d_x,)


lower_triangle.variant("above", k=2)
lower_triangle.variant("below", k=-1)
lower_triangle.variant("nothing", k=-3, points=[dict(x=[[1.0] * 4] * 3)])
lower_triangle.variant("everything", k=3)
lower_triangle.variant("square", x=Reals((3, 3), low=-64.0, high=64.0))
lower_triangle.variant("batches", k=-1, x=Reals((2, 1, 3, 2), low=-64.0, high=64.0))


@function(
    x=Reals((4, 3), low=-64.0, high=64.0),
    points=[dict(x=[[0.5, -1.25, 2.0], [0.75, 1.5, 3.0], [-0.375, 0.25, -2.0], [4.0, -0.5, 1.0]])],
)
def upper_triangle(xp, x, *, k=0):
    """f(x) = Σ w y², yᵢⱼ = xᵢⱼ where j ≥ i + k, 0 elsewhere

    x: 4x3, or batches of matrices."""
    y = xp.triu(x, k=k)
    return xp.sum(weights(xp, tuple(x.shape)) * y * y)


@upper_triangle.gradient
def _(xp, x, *, k=0):
    y = xp.triu(x, k=k)  # node 1
    d_y = 2 * weights(xp, tuple(x.shape)) * y  # node 2 input: f = Σ w y²
    d_x = xp.triu(d_y, k=k)  # node 1 input: what was left out has no part in f
    return (d_x,)


upper_triangle.variant("above", k=1)
upper_triangle.variant("below", k=-2)
upper_triangle.variant("square", x=Reals((3, 3), low=-64.0, high=64.0))
upper_triangle.variant("batches", k=1, x=Reals((2, 1, 2, 3), low=-64.0, high=64.0))
