"""Functions that put the entries of arrays in other places: each entry of the result is one entry of an argument. The
pull-back of such an operation puts the adjoints back where the entries came from; the squares behind it keep the second
derivative from being zero everywhere, and make a wrong place show in the first."""

from gradproof import Reals, function, weights

NUMBERS = Reals((2, 3), low=-64.0, high=64.0)
ZEROS_AND_TIES = [[0.0, -0.0, 1.5], [1.5, 1.5, 2.0**-20]]
SCALES = [[64.0, 2.0**-30, -0.5], [-40.0, 1.0, 2.0**-126]]
POINTS = [dict(x=[[0.5, -1.25, 2.0], [0.75, -3.5, 1.125]]), dict(x=ZEROS_AND_TIES), dict(x=SCALES)]
"""Points of a 2x3 array: generic ones, zeros of both signs beside equal entries, mixed scales."""


@function(x=NUMBERS, points=POINTS)
def reshaped(xp, x, *, shape=(3, 2)):
    """f(x) = Σ w y², y = x read row by row into another shape

    x: 2x3."""
    y = xp.reshape(x, shape)
    return xp.sum(weights(xp, tuple(y.shape)) * y * y)


@reshaped.gradient
def _(xp, x, *, shape=(3, 2)):
    y = xp.reshape(x, shape)  # node 1
    d_y = 2 * weights(xp, tuple(y.shape)) * y  # node 2 input: f = Σ w y²
    d_x = xp.reshape(d_y, tuple(x.shape))  # node 1 input
    return (d_x,)


reshaped.variant("to_vector", shape=(-1,))
reshaped.variant("with_inferred_size", shape=(3, -1))
reshaped.variant("with_unit_axes", shape=(1, 2, 1, 3))
reshaped.variant("same", shape=(2, 3))
reshaped.variant("square", shape=(4,), x=Reals((2, 2), low=-64.0, high=64.0))
reshaped.variant("scalar", shape=(1, 1), x=Reals(low=-64.0, high=64.0), points=[dict(x=0.5), dict(x=0.0)])
reshaped.variant("to_scalar", shape=(), x=Reals((1, 1), low=-64.0, high=64.0), points=[dict(x=[[-1.25]])])


@function(x=Reals((1, 3, 2), low=-64.0, high=64.0), points=[dict(x=[[[0.5, -1.25], [2.0, 0.75], [-3.5, 1.125]]])])
def permuted(xp, x, *, axes=(2, 0, 1)):
    """f(x) = Σ w y², axis k of y being axis axes[k] of x

    x: 1x3x2. A cycle of three axes is not its own inverse, which a mere transposition is."""
    y = xp.permute_dims(x, axes)
    return xp.sum(weights(xp, tuple(y.shape)) * y * y)


@permuted.gradient
def _(xp, x, *, axes=(2, 0, 1)):
    y = xp.permute_dims(x, axes)  # node 1
    d_y = 2 * weights(xp, tuple(y.shape)) * y  # node 2 input: f = Σ w y²
    positive = [a % x.ndim for a in axes]
    d_x = xp.permute_dims(d_y, tuple(positive.index(a) for a in range(x.ndim)))  # node 1 input: where axis a has gone
    return (d_x,)


permuted.variant("other_cycle", axes=(1, 2, 0))
permuted.variant("end_to_front", axes=(2, 1, 0))
permuted.variant(
    "cube",  # of three equal dimensions: a wrong order keeps the shape
    x=Reals((2, 2, 2), low=-64.0, high=64.0),
    points=[dict(x=[[[0.5, -1.25], [2.0, 0.75]], [[-3.5, 1.125], [0.25, 6.0]]])],
)
permuted.variant("not_at_all", axes=(0, 1, 2))
permuted.variant(
    "square", axes=(1, 0), x=Reals((2, 2), low=-64.0, high=64.0), points=[dict(x=[[0.5, 2.0], [-1.0, 0.25]])]
)


@function(x=Reals((1, 3, 2), low=-64.0, high=64.0), points=[dict(x=[[[0.5, -1.25], [2.0, 0.75], [-3.5, 1.125]]])])
def axis_moved(xp, x, *, source=0, destination=-1):
    """f(x) = Σ w y², axis `source` of x being axis `destination` of y, the others in their order

    x: 1x3x2."""
    y = xp.moveaxis(x, source, destination)
    return xp.sum(weights(xp, tuple(y.shape)) * y * y)


@axis_moved.gradient
def _(xp, x, *, source=0, destination=-1):
    y = xp.moveaxis(x, source, destination)  # node 1
    d_y = 2 * weights(xp, tuple(y.shape)) * y  # node 2 input: f = Σ w y²
    d_x = xp.moveaxis(d_y, destination, source)  # node 1 input
    return (d_x,)


axis_moved.variant("from_the_end", source=-1, destination=0)
axis_moved.variant("in_the_middle", source=0, destination=1)
axis_moved.variant("two", source=(0, 1), destination=(-1, 0))
axis_moved.variant("two_negative", source=(-1, -3), destination=(-2, -1))
axis_moved.variant("cube", source=0, destination=2, x=Reals((2, 2, 2), low=-64.0, high=64.0))


@function(
    x=Reals((1, 3, 1, 2), low=-64.0, high=64.0), points=[dict(x=[[[[0.5, -1.25]], [[2.0, 0.0]], [[-3.5, 1.125]]]])]
)
def squeezed(xp, x, *, axis=0):
    """f(x) = Σ w y², y = x without an axis of length 1

    x: 1x3x1x2."""
    y = xp.squeeze(x, axis)
    return xp.sum(weights(xp, tuple(y.shape)) * y * y)


@squeezed.gradient
def _(xp, x, *, axis=0):
    y = xp.squeeze(x, axis)  # node 1
    d_y = 2 * weights(xp, tuple(y.shape)) * y  # node 2 input: f = Σ w y²
    d_x = xp.reshape(d_y, tuple(x.shape))  # node 1 input: the entries stay in their order
    return (d_x,)


squeezed.variant("negative_axis", axis=-2)
squeezed.variant("two_axes", axis=(0, 2))
squeezed.variant("two_negative_axes", axis=(-2, 0))
squeezed.variant("to_scalar", axis=(0, 1), x=Reals((1, 1), low=-64.0, high=64.0), points=[dict(x=[[-1.25]])])


@function(x=NUMBERS, points=POINTS)
def expanded(xp, x, *, axis=0):
    """f(x) = Σ w y², y = x with an axis of length 1 put in, along which w has 4 entries

    x: 2x3. The weights stretch the new axis, so that its place matters."""
    y = xp.expand_dims(x, axis=axis)
    w = weights(xp, tuple(4 if n == 1 else n for n in y.shape))
    return xp.sum(w * y * y)


@expanded.gradient
def _(xp, x, *, axis=0):
    y = xp.expand_dims(x, axis=axis)  # node 1
    w = weights(xp, tuple(4 if n == 1 else n for n in y.shape))
    d_y = 2 * xp.sum(w, axis=axis, keepdims=True) * y  # node 2 input: f = Σ w y², y stretched along the new axis
    d_x = xp.reshape(d_y, tuple(x.shape))  # node 1 input
    return (d_x,)


expanded.variant("in_the_middle", axis=1)
expanded.variant("at_the_end", axis=-1)
expanded.variant("negative_axis", axis=-3)
expanded.variant("scalar", x=Reals(low=-64.0, high=64.0), points=[dict(x=0.5), dict(x=-0.0), dict(x=-40.0)])


@function(x=NUMBERS, points=POINTS)
def rolled(xp, x, *, shift=2, axis=-1):
    """f(x) = Σ w y², y = x moved on by `shift` places along an axis, what leaves at the end coming in at the front

    x: 2x3. Without an axis the array is rolled as one long vector."""
    y = xp.roll(x, shift, axis=axis)
    return xp.sum(weights(xp, (2, 3)) * y * y)


@rolled.gradient
def _(xp, x, *, shift=2, axis=-1):
    y = xp.roll(x, shift, axis=axis)  # node 1
    d_y = 2 * weights(xp, (2, 3)) * y  # node 2 input: f = Σ w y²
    back = tuple(-s for s in shift) if isinstance(shift, tuple) else -shift
    d_x = xp.roll(d_y, back, axis=axis)  # node 1 input
    return (d_x,)


rolled.variant("first_axis", shift=1, axis=0)
rolled.variant("backwards", shift=-1, axis=1)
rolled.variant("all_around", shift=7, axis=1)  # further than the axis is long
rolled.variant("not_at_all", shift=0, axis=1)
rolled.variant("flat", shift=2, axis=None)
rolled.variant("two_axes", shift=(1, -1), axis=(0, 1))
rolled.variant("one_axis_twice", shift=(1, 1), axis=(1, -1))  # the shifts add up to 2


@function(x=NUMBERS, points=POINTS)
def flipped(xp, x, *, axis=None):
    """f(x) = Σ w y², y = x with the order along some axes reversed; along all of them unless told otherwise

    x: 2x3."""
    y = xp.flip(x, axis=axis)
    return xp.sum(weights(xp, tuple(y.shape)) * y * y)


@flipped.gradient
def _(xp, x, *, axis=None):
    y = xp.flip(x, axis=axis)  # node 1
    d_y = 2 * weights(xp, tuple(y.shape)) * y  # node 2 input: f = Σ w y²
    d_x = xp.flip(d_y, axis=axis)  # node 1 input: its own inverse
    return (d_x,)


flipped.variant("first_axis", axis=0)
flipped.variant("last_axis", axis=-1)
flipped.variant("two_axes", axis=(-1, 0))
flipped.variant("batches", axis=-2, x=Reals((1, 2, 2, 2), low=-64.0, high=64.0))


@function(
    x=NUMBERS,
    y=Reals((2, 1), low=-64.0, high=64.0),
    points=[
        dict(x=[[0.5, -1.25, 2.0], [0.75, -3.5, 1.125]], y=[[0.25], [-2.0]]),
        dict(x=ZEROS_AND_TIES, y=[[-0.0], [1.5]]),
        dict(x=SCALES, y=[[2.0**-40], [-64.0]]),
    ],
)
def joined(xp, x, y, *, axis=1):
    """f(x, y) = Σ w z², z = x, y and x again, one behind the other along an axis

    x: 2x3, y: 2x1. Without an axis each is first read row by row into a vector."""
    z = xp.concat([x, y, x], axis=axis)
    return xp.sum(weights(xp, tuple(z.shape)) * z * z)


@joined.gradient
def _(xp, x, y, *, axis=1):
    z = xp.concat([x, y, x], axis=axis)  # node 1
    d_z = 2 * weights(xp, tuple(z.shape)) * z  # node 2 input: f = Σ w z²
    if axis is None:
        x_shape, y_shape, axis = tuple(x.shape), tuple(y.shape), 0
        n, m = xp.reshape(x, (-1,)).shape[0], xp.reshape(y, (-1,)).shape[0]
    else:
        x_shape, y_shape = tuple(x.shape), tuple(y.shape)
        n, m = x.shape[axis], y.shape[axis]
    d_z = xp.moveaxis(d_z, axis, 0)  # node 1 input: three pieces along this axis
    d_x = xp.moveaxis(d_z[:n] + d_z[n + m :], 0, axis)
    d_y = xp.moveaxis(d_z[n : n + m], 0, axis)
    return xp.reshape(d_x, x_shape), xp.reshape(d_y, y_shape)


joined.variant("first_axis", axis=0, y=Reals((1, 3), low=-64.0, high=64.0))
joined.variant("negative_axis", axis=-1)
joined.variant("square", axis=-2, x=Reals((2, 2), low=-64.0, high=64.0), y=Reals((2, 2), low=-64.0, high=64.0))
joined.variant("flat", axis=None)
joined.variant("with_nothing", axis=0, y=Reals((0, 3)))
joined.variant("vectors", axis=0, x=Reals((2,), low=-64.0, high=64.0), y=Reals((3,), low=-64.0, high=64.0))


@function(
    x=NUMBERS,
    y=NUMBERS,
    points=[
        dict(x=[[0.5, -1.25, 2.0], [0.75, -3.5, 1.125]], y=[[-0.25, 2.5, 1.0], [0.375, 6.0, -1.5]]),
        dict(x=ZEROS_AND_TIES, y=SCALES),
    ],
)
def stacked(xp, x, y, *, axis=0):
    """f(x, y) = Σ w z², z = x, y and x again, side by side along a new axis

    x: 2x3, y: 2x3."""
    z = xp.stack([x, y, x], axis=axis)
    return xp.sum(weights(xp, tuple(z.shape)) * z * z)


@stacked.gradient
def _(xp, x, y, *, axis=0):
    z = xp.stack([x, y, x], axis=axis)  # node 1
    d_z = 2 * weights(xp, tuple(z.shape)) * z  # node 2 input: f = Σ w z²
    d_z = xp.moveaxis(d_z, axis, 0)  # node 1 input: one layer each
    return d_z[0] + d_z[2], d_z[1]


stacked.variant("in_the_middle", axis=1)
stacked.variant("at_the_end", axis=-1)
stacked.variant("square", axis=-2, x=Reals((2, 2), low=-64.0, high=64.0), y=Reals((2, 2), low=-64.0, high=64.0))
stacked.variant(
    "scalars",
    x=Reals(low=-64.0, high=64.0),
    y=Reals(low=-64.0, high=64.0),
    points=[dict(x=0.5, y=-2.0), dict(x=0.0, y=-0.0)],
)


@function(x=NUMBERS, points=POINTS)
def unstacked(xp, x, *, axis=0):
    """f(x) = Σₖ (k + 1) Σ w pₖ² pₖ₋₁, where p₀, p₁, … are the arrays along an axis of x, the last one also before p₀

    x: 2x3. The powers and factors differ, so that no two of the parts can be exchanged."""
    parts, f = xp.unstack(x, axis=axis), 0
    for k in range(len(parts)):
        f = f + (k + 1) * xp.sum(weights(xp, tuple(parts[k].shape)) * parts[k] * parts[k] * parts[k - 1])
    return f


@unstacked.gradient
def _(xp, x, *, axis=0):
    parts = xp.unstack(x, axis=axis)  # node 1
    d_parts = [0 for _ in parts]
    for k in range(len(parts)):  # node 2 input: f = Σₖ (k + 1) Σ w pₖ² pₖ₋₁, where the last part is before the first
        w = (k + 1) * weights(xp, tuple(parts[k].shape))
        d_parts[k] = d_parts[k] + 2 * w * parts[k] * parts[k - 1]
        d_parts[k - 1] = d_parts[k - 1] + w * parts[k] * parts[k]
    d_x = xp.stack(d_parts, axis=axis)  # node 1 input
    return (d_x,)


unstacked.variant("last_axis", axis=-1)
unstacked.variant(
    "vector", x=Reals((3,), low=-64.0, high=64.0), points=[dict(x=[0.5, -1.25, 2.0]), dict(x=[0.0, 1.0, 1.0])]
)
unstacked.variant("single_part", axis=1, x=Reals((2, 1), low=-64.0, high=64.0), points=[dict(x=[[0.5], [-1.25]])])
