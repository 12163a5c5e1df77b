"""Modified Bessel functions of orders 0 and 1, plain and scaled by e^(-|x|). Where the plain ones overflow the
scaled ones go on; and at 0 the textbook's formulas divide 0 by 0."""

from gradproof import Reals, function, weights


@function(
    x=Reals((4,), low=-80.0, high=80.0),
    points=[
        dict(x=[0.5, -1.25, 2.0, -3.5]),
        dict(x=[0.0, -0.0, 2.0**-20, 1.0]),
        dict(x=[8.0, -8.25, 40.0, -80.0]),  # implementations change their expansion at 8
    ],
)
def bessel_zero(xp, x):
    """f(x) = Σ w I₀(x)

    x: 4. I₀′ = I₁ (DLMF 10.29.3)."""
    return xp.sum(weights(xp, (4,)) * xp.special.i0(x))


@bessel_zero.gradient
def _(xp, x):
    d_i = weights(xp, (4,))  # node 2 input: f = Σ w i, with node 1: i = I₀(x)
    d_x = xp.special.i1(x) * d_i  # node 1 input
    return (d_x,)


@function(
    x=Reals((4,), low=-80.0, high=80.0),
    points=[
        dict(x=[0.5, -1.25, 2.0, -3.5]),
        dict(x=[0.0, -0.0, 2.0**-20, 1.0]),  # I₁(x) / x is ½ at 0
        dict(x=[8.0, -8.25, 40.0, -80.0]),
    ],
)
def bessel_one(xp, x):
    """f(x) = Σ w I₁(x)

    x: 4. I₁′ = I₀ - I₁ / x (DLMF 10.29.2), and ½ at 0."""
    return xp.sum(weights(xp, (4,)) * xp.special.i1(x))


@bessel_one.gradient
def _(xp, x):
    zero = x == 0
    safe = xp.where(zero, xp.ones_like(x), x)
    slope = xp.special.i0(x) - xp.where(zero, xp.ones_like(x) / 2, xp.special.i1(safe) / safe)
    d_i = weights(xp, (4,))  # node 2 input: f = Σ w i, with node 1: i = I₁(x)
    d_x = slope * d_i  # node 1 input
    return (d_x,)


@function(
    x=Reals((4,), low=-1000.0, high=1000.0),
    points=[
        dict(x=[0.5, -1.25, 2.0, -3.5]),
        dict(x=[0.0, -0.0, 2.0**-20, 1.0]),  # the kink of |x|
        dict(x=[8.0, -8.25, 40.0, -1000.0]),
    ],
)
def scaled_bessel_zero(xp, x):
    """f(x) = Σ w e^(-|x|) I₀(x)

    x: 4, within ±1000. At 0 it is 1 - |x|, so that the subdifferential is every slope from -1 to 1, times w; chosen
    here: 0. Far out the derivative, a difference of nearly equal numbers, keeps one part in 2x of them."""
    return xp.sum(weights(xp, (4,)) * xp.special.i0e(x))


@scaled_bessel_zero.gradient
def _(xp, x):
    d_i = weights(xp, (4,))  # node 2 input: f = Σ w i, with node 1: i = e^(-|x|) I₀(x)
    d_x = (xp.special.i1e(x) - xp.sign(x) * xp.special.i0e(x)) * d_i  # node 1 input: product rule, I₀′ = I₁
    return (d_x,)


@function(
    x=Reals((4,), low=-1000.0, high=1000.0),
    points=[
        dict(x=[0.5, -1.25, 2.0, -3.5]),
        dict(x=[0.0, -0.0, 2.0**-20, 1.0]),  # smooth: I₁(0) = 0 hides the kink of |x|
        dict(x=[8.0, -8.25, 40.0, -1000.0]),
    ],
)
def scaled_bessel_one(xp, x):
    """f(x) = Σ w e^(-|x|) I₁(x)

    x: 4, within ±1000. At 0 its derivative is ½. Far out the derivative cancels as that of order 0."""
    return xp.sum(weights(xp, (4,)) * xp.special.i1e(x))


@scaled_bessel_one.gradient
def _(xp, x):
    zero = x == 0
    safe = xp.where(zero, xp.ones_like(x), x)
    quotient = xp.where(zero, xp.ones_like(x) / 2, xp.special.i1e(safe) / safe)
    slope = xp.special.i0e(x) - quotient - xp.sign(x) * xp.special.i1e(x)  # product rule, I₁′ = I₀ - I₁ / x
    d_i = weights(xp, (4,))  # node 2 input: f = Σ w i, with node 1: i = e^(-|x|) I₁(x)
    d_x = slope * d_i  # node 1 input
    return (d_x,)


@function(
    x=Reals((4,), low=-30.0, high=30.0),
    points=[
        dict(x=[0.5, -1.25, 2.0, -3.5]),
        dict(x=[0.0, -0.0, 2.0**-10, 1.0]),
        dict(x=[5.0, -8.0, 20.5, -30.0]),  # implementations go over to an expansion at 5 or 8
    ],
)
def oscillating_bessel_zero(xp, x):
    """f(x) = Σ w J₀(x)

    x: 4. Not modified: a wave. J₀′ = -J₁ (DLMF 10.6.2)."""
    return xp.sum(weights(xp, (4,)) * xp.special.j0(x))


@oscillating_bessel_zero.gradient
def _(xp, x):
    d_j = weights(xp, (4,))  # node 2 input: f = Σ w j, with node 1: j = J₀(x)
    return (-xp.special.j1(x) * d_j,)  # node 1 input


@function(
    x=Reals((4,), low=-30.0, high=30.0),
    points=[
        dict(x=[0.5, -1.25, 2.0, -3.5]),
        dict(x=[0.0, -0.0, 2.0**-10, 1.0]),  # J₁(x) / x is ½ at 0
        dict(x=[5.0, -8.0, 20.5, -30.0]),
    ],
)
def oscillating_bessel_one(xp, x):
    """f(x) = Σ w J₁(x)

    x: 4. J₁′ = J₀ - J₁ / x (DLMF 10.6.2), and ½ at 0."""
    return xp.sum(weights(xp, (4,)) * xp.special.j1(x))


@oscillating_bessel_one.gradient
def _(xp, x):
    zero = x == 0
    safe = xp.where(zero, xp.ones_like(x), x)
    slope = xp.special.j0(x) - xp.where(zero, xp.ones_like(x) / 2, xp.special.j1(safe) / safe)
    d_j = weights(xp, (4,))  # node 2 input: f = Σ w j, with node 1: j = J₁(x)
    return (slope * d_j,)  # node 1 input
