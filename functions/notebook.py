"""The two functions that this project began with, differentiated by hand as in the notebook "Backprop Examples": the
node names, their order and every line of the backward passes are the notebook's own."""

from gradproof import Reals, function


@function(
    x=Reals(),
    y=Reals(),
    z=Reals(),
    points=[
        dict(x=1.0, y=2.0, z=3.0),
        dict(x=-0.75, y=4.5, z=-1.25),
        dict(x=1.5, y=-3.0, z=2.0),  # h = 0: nothing flows to z
        dict(x=0.0, y=0.0, z=0.0),
    ],
)
def weighted_sum_times_z(xp, x, y, z):
    """f(x, y, z) = (2x + y) z

    Scalars. Example 1 of the notebook, a network of two nodes."""
    h = 2 * x + y
    return h * z


@weighted_sum_times_z.gradient
def _(xp, x, y, z):
    h = 2 * x + y  # node 1
    d_f = 1
    d_h = z * d_f  # node 2 input
    d_z = h * d_f  # node 2 input
    d_x = 2 * d_h  # node 1 input
    d_y = 1 * d_h  # node 1 input
    return d_x, d_y, d_z


@function(
    x=Reals(),
    points=[
        dict(x=1000.0),
        dict(x=1.0),
        dict(x=0.0),
        dict(x=-2.5),
        dict(x=13176795 * 2.0**-23),  # π/2 rounded to float32, where the cosine nearly vanishes
    ],
)
def exponential_of_sine(xp, x):
    """f(x) = 10 exp(sin x) + cos² x

    A scalar. Example 2 of the notebook: x reaches the output by two ways, whose derivatives add up."""
    a = xp.sin(x)
    b = xp.cos(x)
    c = b**2
    d = xp.exp(a)
    return 10 * d + c


@exponential_of_sine.gradient
def _(xp, x):
    a = xp.sin(x)  # node 1
    b = xp.cos(x)  # node 2
    # c = b**2       node 3
    # d = exp(a)     node 4
    # f = 10 d + c   node 5
    d_f = 1
    d_d = 10 * d_f  # node 5 input
    d_c = 1 * d_f  # node 5 input
    d_a = xp.exp(a) * d_d  # node 4 input
    d_b = 2 * b * d_c  # node 3 input
    d_x = xp.cos(x) * d_a - xp.sin(x) * d_b  # node 2 and 1 input
    return (d_x,)
