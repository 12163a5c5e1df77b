"""Functions with jumps: signs, rounding to integers and what is left over. Of a step the derivative is zero wherever it
exists; at a jump the limits from both sides agree, and a backend must not make anything else of it."""

from gradproof import Distinct, Positive, Reals, function, weights

SIDES = [
    dict(x=[0.5, -1.25, 2.75, 0.125, -3.5]),
    dict(x=[2.0**-126, -(2.0**-126), 1.0 - 2.0**-24, 1.0 + 2.0**-23, -1.0 + 2.0**-24]),  # an ulp beside a jump
    dict(x=[0.0, 1.0, -1.0, 2.0, -3.0]),  # at jumps
    dict(x=[1000.25, -40.75, 2.0**22 + 0.5, -(2.0**23), 1e20]),  # the last are integers, as all numbers of that size
]
"""Points where a step function has nothing to hide."""


@function(x=Reals((5,), flat=True), points=SIDES)
def sign(xp, x):
    """f(x) = Σ w sign x

    x: 5. A step at 0; elsewhere the derivative is zero."""
    return xp.sum(weights(xp, x.shape) * xp.sign(x))


@sign.gradient
def _(xp, x):
    return (xp.zeros_like(x),)  # node 1 input: steps


@function(x=Reals((5,), flat=True), points=SIDES)
def floor(xp, x):
    """f(x) = Σ w ⌊x⌋

    x: 5"""
    return xp.sum(weights(xp, x.shape) * xp.floor(x))


@floor.gradient
def _(xp, x):
    return (xp.zeros_like(x),)  # node 1 input: steps


@function(x=Reals((5,), flat=True), points=SIDES)
def ceiling(xp, x):
    """f(x) = Σ w ⌈x⌉

    x: 5"""
    return xp.sum(weights(xp, x.shape) * xp.ceil(x))


@ceiling.gradient
def _(xp, x):
    return (xp.zeros_like(x),)  # node 1 input: steps


@function(x=Reals((5,), flat=True), points=SIDES)
def integer_part(xp, x):
    """f(x) = Σ w trunc x

    x: 5. Rounded towards zero."""
    return xp.sum(weights(xp, x.shape) * xp.trunc(x))


@integer_part.gradient
def _(xp, x):
    return (xp.zeros_like(x),)  # node 1 input: steps


@function(
    # Farther out, own finite differences step over whole integers, which are no kinks here.
    x=Reals((5,), low=-1024.0, high=1024.0, flat=True),
    points=[*SIDES[:3], dict(x=[0.5, 1.5, 2.5, -0.5, -1.5])],  # ties, to the even neighbour
)
def nearest_integer(xp, x):
    """f(x) = Σ w round x

    x: 5. Ties go to the even neighbour."""
    return xp.sum(weights(xp, x.shape) * xp.round(x))


@nearest_integer.gradient
def _(xp, x):
    return (xp.zeros_like(x),)  # node 1 input: steps


@function(
    x=Reals((3, 1), low=-64.0, high=64.0, flat=True),
    y=Positive((4,), low=0.25, high=8.0, flat=True),
    points=[
        dict(x=[[5.5], [-5.5], [0.75]], y=[2.0, 0.75, 3.25, 1.5]),
        dict(x=[[5.5], [-5.5], [0.875]], y=[-2.0, 0.75, -3.25, 1.5]),  # divisors of either sign
        dict(x=[[6.0], [-6.0], [0.0]], y=[2.0, 4.0, 1.5, 3.0]),  # multiples
    ],
)
def floor_quotient(xp, x, y):
    """f(x, y) = Σᵢⱼ wᵢⱼ ⌊xᵢ / yⱼ⌋

    x: 3x1; y: 4, not 0."""
    return xp.sum(weights(xp, (3, 4)) * xp.floor_divide(x, y))


@floor_quotient.gradient
def _(xp, x, y):
    return xp.zeros_like(x), xp.zeros_like(y)  # node 1 inputs: steps


floor_quotient.variant("of_negatives", y=Reals((4,), low=-8.0, high=-0.25, flat=True))


@function(
    x=Reals((3, 1), low=-64.0, high=64.0),
    y=Positive((4,), low=0.25, high=8.0),
    points=[
        dict(x=[[5.5], [-5.5], [0.75]], y=[2.0, 0.75, 3.25, 1.5]),
        dict(x=[[5.5], [-5.5], [0.875]], y=[-2.0, 0.75, -3.25, 1.5]),  # the remainder has the sign of the divisor
        dict(
            x=[[6.0], [-6.0], [0.0]], y=[2.0, 4.0, 1.5, 3.0]
        ),  # jumps at multiples; the slope for x is 1 on both sides
        dict(x=[[6.0 - 2.0**-21], [-6.0 + 2.0**-21], [2.0**-30]], y=[2.0, 4.0, 1.5, 3.0]),  # an ulp beside a multiple
    ],
)
def remainder_of_division(xp, x, y):
    """f(x, y) = Σᵢⱼ wᵢⱼ (xᵢ mod yⱼ), x mod y = x - y ⌊x / y⌋

    x: 3x1; y: 4, not 0. The quotient's floor is constant between the multiples of y, where the function jumps."""
    return xp.sum(weights(xp, (3, 4)) * xp.remainder(x, y))


@remainder_of_division.gradient
def _(xp, x, y):
    k = xp.floor(x / y)  # node 1, (3, 4): steps
    d_r = weights(xp, (3, 4))  # node 3 input: f = Σ w r, with node 2: r = x - y k
    d_x = xp.sum(d_r, axis=1, keepdims=True)  # node 2 input: x was stretched along axis 1
    d_y = xp.sum(-k * d_r, axis=0)  # node 2 input: y was stretched along axis 0
    return d_x, d_y


remainder_of_division.variant("of_negatives", y=Reals((4,), low=-8.0, high=-0.25))


@function(
    x=Reals((3, 1)),
    y=Distinct((4,), low=0.0625, flat=True),
    points=[
        dict(x=[[0.5], [-1.25], [2.0]], y=[1.0, -0.5, 0.25, -3.0]),
        dict(x=[[0.0], [-0.0], [2.0**-20]], y=[2.0, -1.0, 1e10, -(2.0**-30)]),  # kinks: |x| at 0
        dict(x=[[1000.0], [-40.0], [1.5]], y=[0.0, 1.0, -1.0, 0.5]),  # a jump: the sign of zero is plus
    ],
)
def sign_of_another(xp, x, y):
    """f(x, y) = Σᵢⱼ wᵢⱼ |xᵢ| sign yⱼ

    x: 3x1; y: 4. The value has the size of x and the sign of y (copysign). At xᵢ = 0 the subdifferential is every slope
    between those of |x| and -|x|; chosen here: 0."""
    return xp.sum(weights(xp, (3, 4)) * xp.copysign(x, y))


@sign_of_another.gradient
def _(xp, x, y):
    one = xp.ones_like(y)
    s = xp.where(y < 0, -one, one)  # node 1: the sign of y, steps
    d_c = weights(xp, (3, 4))  # node 3 input: f = Σ w c, with node 2: c = |x| s
    d_x = xp.sum(xp.sign(x) * s * d_c, axis=1, keepdims=True)  # node 2 input, x was stretched along axis 1
    return d_x, xp.zeros_like(y)


sign_of_another.variant("negative", y=Distinct((4,), high=-0.0625, flat=True))


@function(
    x=Reals((5,), low=-1024.0, high=1024.0),
    points=[
        dict(x=[0.5, -1.25, 2.75, 0.125, -3.5]),
        dict(x=[2.0**-20, -(2.0**-10), 1.0 - 2.0**-24, 1.0 + 2.0**-23, 1000.25]),  # beside a jump
        dict(x=[0.0, 1.0, -1.0, 2.0, -3.0]),  # at jumps, where the slope is 1 on both sides
    ],
)
def fractional_part(xp, x):
    """f(x) = Σ w (x - ⌊x⌋)²

    x: 5. Between the jumps the floor is a constant: the slope is that of (x - k)²."""
    return xp.sum(weights(xp, x.shape) * xp.square(x - xp.floor(x)))


@fractional_part.gradient
def _(xp, x):
    r = x - xp.floor(x)  # node 1: the floor sends nothing back
    d_s = weights(xp, x.shape)  # node 3 input: f = Σ w s
    return (2 * r * d_s,)  # node 2 input, s = r², and node 1 input
