"""Functions that pick entries of arrays, by slices, by integers, by arrays of integers, by masks. An entry that is
picked several times receives the sum of the adjoints of its copies; one that is not picked receives zero."""

from gradproof import Reals, function, weights

ROWS = Reals((3, 4), low=-64.0, high=64.0)
POINTS = [
    dict(x=[[0.5, -1.25, 2.0, 0.75], [-3.5, 1.125, 0.25, 6.0], [-0.375, 5.0, -2.5, 1.75]]),
    dict(x=[[0.0, -0.0, 1.5, 1.5], [1.5, 1.5, 2.0**-20, 64.0], [-64.0, 1.0, 0.0, 2.0**-126]]),
]


@function(x=ROWS, points=POINTS)
def taken(xp, x, *, indices=(2, 0, 2, 2), axis=0):
    """f(x) = Σ w y², y = the parts of x at these indices of an axis, as often as they are named

    x: 3x4."""
    y = xp.take(x, xp.asarray(indices), axis=axis)
    return xp.sum(weights(xp, tuple(y.shape)) * y * y)


@taken.gradient
def _(xp, x, *, indices=(2, 0, 2, 2), axis=0):
    y = xp.take(x, xp.asarray(indices), axis=axis)  # node 1
    d_y = xp.moveaxis(2 * weights(xp, tuple(y.shape)) * y, axis, 0)  # node 2 input: f = Σ w y²
    nothing = xp.zeros_like(xp.moveaxis(x, axis, 0)[0])
    d_x = [nothing for _ in range(x.shape[axis])]
    for k, i in enumerate(indices):  # node 1 input: part i has been copied to place k
        d_x[i] = d_x[i] + d_y[k]
    return (xp.stack(d_x, axis=axis),)


taken.variant("last_axis", indices=(3, 1, 1), axis=-1)
taken.variant("single", indices=(1,), axis=1)
taken.variant("in_disorder", indices=(2, 0, 1))
taken.variant("all_the_same", indices=(1,) * 6)
taken.variant(
    "vector", indices=(4, 0, 4, 1), x=Reals((5,), low=-64.0, high=64.0), points=[dict(x=[0.5, -2.0, 0.0, 1.25, 3.0])]
)
taken.variant("in_the_middle", indices=(1, 1, 0), axis=-2, x=Reals((2, 2, 2), low=-64.0, high=64.0))


@function(x=ROWS, points=POINTS)
def taken_of_each_row(xp, x, *, indices=((3, 0, 3), (1, 1, 1), (0, 2, 3)), axis=1):
    """f(x) = Σ w y², yᵢₖ = xᵢⱼ with j = indicesᵢₖ; along the first axis yₖⱼ = xᵢⱼ with i = indicesₖⱼ

    x: 3x4."""
    y = xp.take_along_axis(x, xp.asarray(indices), axis=axis)
    return xp.sum(weights(xp, tuple(y.shape)) * y * y)


@taken_of_each_row.gradient
def _(xp, x, *, indices=((3, 0, 3), (1, 1, 1), (0, 2, 3)), axis=1):
    y = xp.take_along_axis(x, xp.asarray(indices), axis=axis)  # node 1
    d_y = 2 * weights(xp, tuple(y.shape)) * y  # node 2 input: f = Σ w y²
    d_x = [[xp.zeros(()) for _ in row] for row in x]
    for r in range(d_y.shape[0]):
        for c in range(d_y.shape[1]):  # node 1 input: back to the entry that was copied
            i, j = (indices[r][c], c) if axis % 2 == 0 else (r, indices[r][c])
            d_x[i][j] = d_x[i][j] + d_y[r, c]
    return (xp.stack([xp.stack(row) for row in d_x]),)


taken_of_each_row.variant("first_axis", indices=((2, 0, 1, 1), (2, 2, 0, 1)), axis=0)
taken_of_each_row.variant("negative_axis", indices=((2, 0, 1, 1),), axis=-2)
taken_of_each_row.variant("in_disorder", indices=((1, 3, 0, 2), (2, 1, 3, 0), (3, 2, 1, 0)))


@function(
    x=Reals((4,), low=-64.0, high=64.0), points=[dict(x=[0.5, -1.25, 2.0, 0.75]), dict(x=[0.0, -0.0, 64.0, 2.0**-20])]
)
def taken_along_vector(xp, x, *, indices=(3, 0, 3, 3, 1)):
    """f(x) = Σ w y², yₖ = xⱼ with j = indicesₖ

    x: 4."""
    y = xp.take_along_axis(x, xp.asarray(indices), axis=-1)
    return xp.sum(weights(xp, (len(indices),)) * y * y)


@taken_along_vector.gradient
def _(xp, x, *, indices=(3, 0, 3, 3, 1)):
    y = xp.take_along_axis(x, xp.asarray(indices), axis=-1)  # node 1
    d_y = 2 * weights(xp, (len(indices),)) * y  # node 2 input: f = Σ w y²
    d_x = [xp.zeros(()) for _ in range(4)]
    for k, j in enumerate(indices):  # node 1 input: entry j has been copied to place k
        d_x[j] = d_x[j] + d_y[k]
    return (xp.stack(d_x),)


@function(
    x=Reals((2, 3, 2), low=-64.0, high=64.0),
    points=[dict(x=[[[0.5, -1.25], [2.0, 0.75], [-3.5, 1.125]], [[0.25, 6.0], [-0.375, 5.0], [-2.5, 0.0]]])],
)
def taken_in_batches(xp, x, *, indices=((2, 0, 2, 2),), axis=1):
    """f(x) = Σ w y², yₙₖₘ = xₙⱼₘ with j = indices₀ₖ: the same of every matrix and of every column

    x: 2x3x2. The indices have the shape 1x4x1, and are stretched to 2x4x2."""
    y = xp.take_along_axis(x, xp.asarray(indices)[:, :, None], axis=axis)
    return xp.sum(weights(xp, (2, 4, 2)) * y * y)


@taken_in_batches.gradient
def _(xp, x, *, indices=((2, 0, 2, 2),), axis=1):
    y = xp.take_along_axis(x, xp.asarray(indices)[:, :, None], axis=axis)  # node 1
    d_y = 2 * weights(xp, (2, 4, 2)) * y  # node 2 input: f = Σ w y²
    d_x = [xp.zeros_like(x[:, 0, :]) for _ in range(3)]
    for k, j in enumerate(indices[0]):  # node 1 input: plane j has been copied to place k
        d_x[j] = d_x[j] + d_y[:, k, :]
    return (xp.stack(d_x, axis=1),)


taken_in_batches.variant("negative_axis", axis=-2)


@function(
    x=Reals((7,), low=-64.0, high=64.0),
    points=[dict(x=[0.5, -1.25, 2.0, 0.75, -3.5, 1.125, 6.0]), dict(x=[0.0, -0.0, 1.5, 1.5, 2.0**-20, -64.0, 1.0])],
)
def sliced(xp, x, *, start=1, stop=6, step=2):
    """f(x) = Σ w y², yₖ = xᵢ with i = start, start + step, …, before stop

    x: 7."""
    y = x[start:stop:step]
    return xp.sum(weights(xp, tuple(y.shape)) * y * y)


@sliced.gradient
def _(xp, x, *, start=1, stop=6, step=2):
    y = x[start:stop:step]  # node 1
    d_y = 2 * weights(xp, tuple(y.shape)) * y  # node 2 input: f = Σ w y²
    d_x = [xp.zeros(()) for _ in range(7)]
    for k, i in enumerate(range(7)[start:stop:step]):  # node 1 input: entry i has been picked for place k
        d_x[i] = d_y[k]
    return (xp.stack(d_x),)


sliced.variant("from_the_start", start=None, stop=3, step=None)
sliced.variant("to_the_end", start=4, stop=None, step=1)
sliced.variant("counted_from_the_end", start=-5, stop=-1, step=1)
sliced.variant("by_three", start=None, stop=None, step=3)  # the last entry is met
sliced.variant("beyond_the_end", start=2, stop=100, step=4)  # clipped to the length
sliced.variant("single", start=-1, stop=None, step=1)
sliced.variant("nothing", start=3, stop=3, step=1)  # a sum over no entries is 0, and so is its gradient
sliced.variant("everything", start=None, stop=None, step=None)


@function(
    x=Reals((5,), low=-64.0, high=64.0),
    points=[dict(x=[0.5, -1.25, 2.0, 0.75, -3.5]), dict(x=[0.0, 1.5, 1.5, -0.0, 2.0**-20])],
)
def overlapping_slices(xp, x):
    """f(x) = Σ w y, yₖ = xₖ xₖ₊₁ xₖ₊₂

    x: 5. Most entries stand in three slices, and receive from each."""
    return xp.sum(weights(xp, (3,)) * x[:-2] * x[1:-1] * x[2:])


@overlapping_slices.gradient
def _(xp, x):
    a, b, c = x[:-2], x[1:-1], x[2:]  # nodes 1 to 3
    w = weights(xp, (3,))
    d_a, d_b, d_c = w * b * c, w * a * c, w * a * b  # node 4 input: f = Σ w a b c
    zero = xp.zeros((1,))
    d_x = xp.concat([d_a, zero, zero])  # node 1 input
    d_x = d_x + xp.concat([zero, d_b, zero])  # node 2 input
    d_x = d_x + xp.concat([zero, zero, d_c])  # node 3 input
    return (d_x,)


@function(x=ROWS, points=POINTS)
def block(xp, x):
    """f(x) = Σ w y², y = rows 1 and 2, columns 0 and 2 of x

    x: 3x4. Two axes sliced at once, one of them in steps."""
    y = x[1:, :3:2]
    return xp.sum(weights(xp, (2, 2)) * y * y)


@block.gradient
def _(xp, x):
    y = x[1:, :3:2]  # node 1
    d_y = 2 * weights(xp, (2, 2)) * y  # node 2 input: f = Σ w y²
    zero = xp.zeros((2, 1))
    d_rows = xp.concat([d_y[:, :1], zero, d_y[:, 1:], zero], axis=1)  # node 1 input: columns 1 and 3 were not picked
    d_x = xp.concat([xp.zeros((1, 4)), d_rows])  # nor was row 0
    return (d_x,)


@function(x=ROWS, points=POINTS)
def single_entries(xp, x):
    """f(x) = 2 x₀₁² x₂₃ + 3 x₁₂ x₀₁ + x₂₀²

    x: 3x4. Picked by two integers, from the end too, and by one after the other."""
    a, b, c, d = x[0, 1], x[-1, -1], x[1][2], x[-1, 0]
    return 2 * a * a * b + 3 * c * a + d * d


@single_entries.gradient
def _(xp, x):
    a, b, c, d = x[0, 1], x[-1, -1], x[1][2], x[-1, 0]  # nodes 1 to 4
    d_a, d_b, d_c, d_d = 4 * a * b + 3 * c, 2 * a * a, 3 * a, 2 * d  # node 5 input: f = 2 a² b + 3 c a + d²
    o = xp.zeros(())
    rows = [[o, d_a, o, o], [o, o, d_c, o], [d_d, o, o, d_b]]  # nodes 1 to 4 input: to where each was picked
    return (xp.stack([xp.stack(row) for row in rows]),)


@function(
    x=Reals((2, 3, 2), low=-64.0, high=64.0),
    points=[dict(x=[[[0.5, -1.25], [2.0, 0.75], [-3.5, 1.125]], [[0.25, 6.0], [-0.375, 5.0], [-2.5, 0.0]]])],
)
def last_column_through_ellipsis(xp, x):
    """f(x) = Σ w y², yᵢⱼ = xᵢⱼ₁

    x: 2x3x2. The dots stand for the axes that are not named."""
    y = x[..., -1]
    return xp.sum(weights(xp, (2, 3)) * y * y)


@last_column_through_ellipsis.gradient
def _(xp, x):
    y = x[..., -1]  # node 1
    d_y = 2 * weights(xp, (2, 3)) * y  # node 2 input: f = Σ w y²
    d_x = xp.stack([xp.zeros_like(d_y), d_y], axis=-1)  # node 1 input: the other column was not picked
    return (d_x,)


@function(
    x=Reals((2, 3, 2), low=-64.0, high=64.0),
    points=[dict(x=[[[0.5, -1.25], [2.0, 0.75], [-3.5, 1.125]], [[0.25, 6.0], [-0.375, 5.0], [-2.5, 0.0]]])],
)
def middle_through_ellipsis(xp, x):
    """f(x) = Σ w y², yⱼ = x₁ⱼ₀ for j = 0 and 2

    x: 2x3x2. An integer, the dots, a slice in steps and an integer again."""
    y = x[1, ..., ::2, 0]
    return xp.sum(weights(xp, (2,)) * y * y)


@middle_through_ellipsis.gradient
def _(xp, x):
    y = x[1, ..., ::2, 0]  # node 1
    d_y = 2 * weights(xp, (2,)) * y  # node 2 input: f = Σ w y²
    o = xp.zeros(())
    d_plane = xp.stack([xp.stack([d_y[0], o]), xp.stack([o, o]), xp.stack([d_y[1], o])])  # node 1 input
    d_x = xp.stack([xp.zeros((3, 2)), d_plane])
    return (d_x,)


@function(
    x=Reals((3,), low=-64.0, high=64.0),
    points=[dict(x=[0.5, -1.25, 2.0]), dict(x=[0.0, 1.5, 1.5]), dict(x=[64.0, 2.0**-20, -0.0])],
)
def products_of_pairs(xp, x):
    """f(x) = Σᵢⱼ wᵢⱼ xᵢ² xⱼ

    x: 3. A new axis on either side makes a column and a row of x, each stretched along the other."""
    column, row = x[:, None], x[xp.newaxis, :]
    return xp.sum(weights(xp, (3, 3)) * column * column * row)


@products_of_pairs.gradient
def _(xp, x):
    column, row = x[:, None], x[xp.newaxis, :]  # nodes 1 and 2
    w = weights(xp, (3, 3))
    d_column = xp.sum(2 * w * column * row, axis=1, keepdims=True)  # node 3 input: f = Σ w c² r, stretched along axis 1
    d_row = xp.sum(w * column * column, axis=0, keepdims=True)  # node 3 input, stretched along axis 0
    return (d_column[:, 0] + d_row[0, :],)  # nodes 1 and 2 input


@function(x=ROWS, points=POINTS)
def new_axis_among_others(xp, x):
    """f(x) = Σ w y², y = x₀₁, x₁₁, x₂₁ as the shape 1x3x1, along whose new axes w has 2 and 4 entries

    x: 3x4. New axes, the dots and an integer in one key."""
    y = x[None, ..., None, 1]
    return xp.sum(weights(xp, (2, 3, 4)) * y * y)


@new_axis_among_others.gradient
def _(xp, x):
    y = x[None, ..., None, 1]  # node 1, (1, 3, 1)
    d_y = 2 * xp.sum(weights(xp, (2, 3, 4)), axis=(0, 2)) * y[0, :, 0]  # node 2 input: f = Σ w y², y stretched
    zero = xp.zeros_like(d_y)
    d_x = xp.stack([zero, d_y, zero, zero], axis=1)  # node 1 input: column 1 alone was picked
    return (d_x,)


@function(
    x=Reals((2, 3), low=-64.0, high=64.0),
    points=[dict(x=[[0.5, -1.25, 2.0], [0.75, -3.5, 1.125]]), dict(x=[[0.0] * 3] * 2)],
)
def rows_one_by_one(xp, x):
    """f(x) = Σᵢ (i + 1) Σⱼ wⱼ xᵢⱼ²

    x: 2x3. A loop over an array walks along its first axis."""
    f = 0
    for i, row in enumerate(x):
        f = f + (i + 1) * xp.sum(weights(xp, (3,)) * row * row)
    return f


@rows_one_by_one.gradient
def _(xp, x):
    w = weights(xp, (3,))
    return (xp.stack([(i + 1) * 2 * w * row for i, row in enumerate(x)]),)  # each row's own square, put back in place


@function(x=Reals((2, 3), low=-64.0, high=64.0), points=[dict(x=[[0.5, -1.25, 2.0], [0.75, -3.5, 1.125]])])
def chosen_by_mask(xp, x, *, mask=((1, 0, 1), (0, 0, 1))):
    """f(x) = Σ w y², y = x where the mask is 1, 0 elsewhere

    x: 2x3. The mask is fixed. As an index it would make a shape that depends on its values."""
    y = xp.where(xp.asarray(mask) > 0, x, xp.zeros_like(x))
    return xp.sum(weights(xp, (2, 3)) * y * y)


@chosen_by_mask.gradient
def _(xp, x, *, mask=((1, 0, 1), (0, 0, 1))):
    chosen = xp.asarray(mask) > 0
    y = xp.where(chosen, x, xp.zeros_like(x))  # node 1
    d_y = 2 * weights(xp, (2, 3)) * y  # node 2 input: f = Σ w y²
    d_x = xp.where(chosen, d_y, xp.zeros_like(x))  # node 1 input: the constant 0 sends nothing back
    return (d_x,)


chosen_by_mask.variant("row", mask=(0, 1, 1))  # stretched along the rows
chosen_by_mask.variant("everything", mask=((1, 1, 1), (1, 1, 1)))


@function(
    x=Reals((5,), low=-64.0, high=64.0),
    points=[
        dict(x=[0.5, -1.25, 2.0, -0.75, 3.5]),
        dict(x=[0.0, -0.0, 64.0, -64.0, 2.0**-20]),  # at 0 both branches vanish with their first derivatives
    ],
)
def chosen_by_sign(xp, x):
    """f(x) = Σ w y, y = x² where x > 0, -3 x² elsewhere

    x: 5. The mask depends on x, but moves where both branches are 0, and has no derivative of its own."""
    return xp.sum(weights(xp, (5,)) * xp.where(x > 0, x * x, -3 * x * x))


@chosen_by_sign.gradient
def _(xp, x):
    d_y = weights(xp, (5,))  # node 2 input: f = Σ w y
    d_x = xp.where(x > 0, 2 * x, -6 * x) * d_y  # node 1 input, of the branch that was chosen
    return (d_x,)
