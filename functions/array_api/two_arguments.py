"""Element-wise functions of two and three arguments. Each is broadcast from both sides, (3, 1) with (4,): the gradient
of an argument is summed over the axis along which that argument was stretched."""

from gradproof import Positive, Reals, function, weights


@function(
    x=Reals((3, 1)),
    y=Reals((4,)),
    points=[
        dict(x=[[0.5], [-1.25], [2.0]], y=[0.75, -0.5, 0.25, 3.5]),
        dict(x=[[0.0], [-0.0], [1e20]], y=[0.0, -1e20, 1.0, 2.0**-140]),
    ],
)
def sum_of_two(xp, x, y):
    """f(x, y) = Σᵢⱼ wᵢⱼ (xᵢ + yⱼ)

    x: 3x1; y: 4."""
    return xp.sum(weights(xp, (3, 4)) * xp.add(x, y))


@sum_of_two.gradient
def _(xp, x, y):
    d_s = weights(xp, (3, 4))  # node 2 input: f = Σ w s, with node 1: s = x + y
    d_x = xp.sum(d_s, axis=1, keepdims=True)  # node 1 input
    d_y = xp.sum(d_s, axis=0)  # node 1 input
    return d_x, d_y


@function(
    x=Reals((3, 1)),
    y=Reals((4,)),
    points=[
        dict(x=[[0.5], [-1.25], [2.0]], y=[0.75, -0.5, 0.25, 3.5]),
        dict(x=[[0.5], [-0.5], [1e20]], y=[0.5, -0.5, 1e20, 1.0]),  # the value cancels, the gradient does not
    ],
)
def difference_of_two(xp, x, y):
    """f(x, y) = Σᵢⱼ wᵢⱼ (xᵢ - yⱼ)

    x: 3x1; y: 4."""
    return xp.sum(weights(xp, (3, 4)) * xp.subtract(x, y))


@difference_of_two.gradient
def _(xp, x, y):
    d_s = weights(xp, (3, 4))  # node 2 input: f = Σ w s, with node 1: s = x - y
    d_x = xp.sum(d_s, axis=1, keepdims=True)  # node 1 input
    d_y = xp.sum(-d_s, axis=0)  # node 1 input
    return d_x, d_y


@function(
    x=Reals((3, 1)),
    y=Reals((4,)),
    points=[
        dict(x=[[0.5], [-1.25], [2.0]], y=[0.75, -0.5, 0.25, 3.5]),
        dict(x=[[0.0], [-0.0], [0.0]], y=[0.0, -1.0, 1e20, 2.0**-140]),  # zeros: the derivative is the other factor
        dict(x=[[1e10], [-1e18], [1e-18]], y=[1e18, -1e-18, 1.0, 40.0]),
    ],
)
def product_of_two(xp, x, y):
    """f(x, y) = Σᵢⱼ wᵢⱼ xᵢ yⱼ

    x: 3x1; y: 4."""
    return xp.sum(weights(xp, (3, 4)) * xp.multiply(x, y))


@product_of_two.gradient
def _(xp, x, y):
    d_p = weights(xp, (3, 4))  # node 2 input: f = Σ w p, with node 1: p = x y
    d_x = xp.sum(y * d_p, axis=1, keepdims=True)  # node 1 input
    d_y = xp.sum(x * d_p, axis=0)  # node 1 input
    return d_x, d_y


@function(
    x=Reals((3, 1)),
    y=Positive((4,)),
    points=[
        dict(x=[[0.5], [-1.25], [2.0]], y=[0.75, -0.5, 0.25, -3.5]),
        dict(x=[[0.0], [-0.0], [1.0]], y=[1.0, -1.0, 2.0**-10, 40.0]),
        dict(x=[[1e20], [-1e18], [0.5]], y=[1e20, 3e19, 1e10, 1.0]),  # y² overflows float32
        dict(x=[[1e-20], [-3e-20], [2e-20]], y=[1e-20, -4e-20, 1e-19, 2e-20]),  # y² underflows float32
    ],
)
def quotient_of_two(xp, x, y):
    """f(x, y) = Σᵢⱼ wᵢⱼ xᵢ / yⱼ

    x: 3x1; y: 4, not 0. For the divisor the slope is -q / y, of the quotient q: no y² that overflows or vanishes."""
    return xp.sum(weights(xp, (3, 4)) * xp.divide(x, y))


@quotient_of_two.gradient
def _(xp, x, y):
    q = xp.divide(x, y)  # node 1
    d_q = weights(xp, (3, 4))  # node 2 input: f = Σ w q
    d_x = xp.sum(d_q / y, axis=1, keepdims=True)  # node 1 input, the dividend
    d_y = xp.sum(-q / y * d_q, axis=0)  # node 1 input, the divisor
    return d_x, d_y


quotient_of_two.variant("of_negatives", y=Reals((4,), high=-(2.0**-10)))
quotient_of_two.variant("far_out", x=Reals((3, 1), low=1e15), y=Reals((4,), low=1e15))


@function(
    y=Positive((3, 1)),
    x=Reals((4,)),
    points=[
        dict(y=[[0.5], [-1.25], [2.0]], x=[0.75, -0.5, 0.25, -3.5]),
        dict(y=[[0.5], [-1.0], [2.0]], x=[0.0, 1.0, -0.0, 40.0]),  # on the axes
        dict(y=[[1e20], [-3e19], [2e20]], x=[1e20, 4e19, -1e20, 2e19]),  # squares overflow float32
        dict(y=[[1e-20], [3e-20], [2.0**-60]], x=[1e-20, 4e-20, 1e-18, 3e-20]),  # squares underflow float32
        dict(y=[[2.0**-20], [-(2.0**-20)], [1.0]], x=[-1.0, -40.0, 2.0, -2.0]),  # beside the cut, where the angle jumps
        dict(y=[[0.0], [1.0], [-2.0]], x=[0.0, 1.0, 2.0, 3.0]),  # the origin: the slope is unbounded around it
    ],
)
def angle_of_point(xp, y, x):
    """f(y, x) = Σᵢⱼ wᵢⱼ atan2(yᵢ, xⱼ)

    y: 3x1, not 0, because at the cut, the negative axis, the angle jumps and the sign of a zero decides; x: 4. The
    angle of the point (x, y). Its slopes are x / r² and -y / r²; divided by r twice, they need no square."""
    return xp.sum(weights(xp, (3, 4)) * xp.atan2(y, x))


@angle_of_point.gradient
def _(xp, y, x):
    r = xp.hypot(y, x)
    r = xp.where(r > 0, r, xp.ones_like(r))  # any slope will do at the origin; 0 is chosen
    d_a = weights(xp, (3, 4))  # node 2 input: f = Σ w a, with node 1: a = atan2(y, x)
    d_y = xp.sum(x / r / r * d_a, axis=1, keepdims=True)  # node 1 input
    d_x = xp.sum(-y / r / r * d_a, axis=0)  # node 1 input
    return d_y, d_x


angle_of_point.variant("below", y=Reals((3, 1), high=-(2.0**-10)))


@function(
    x=Reals((3, 1)),
    y=Reals((4,)),
    points=[
        dict(x=[[0.5], [-1.25], [2.0]], y=[0.75, -0.5, 0.25, -3.5]),
        dict(x=[[0.5], [-1.0], [2.0]], y=[0.0, 1.0, -0.0, 40.0]),  # on the axes
        dict(x=[[1e20], [-3e19], [2e20]], y=[1e20, 4e19, -1e20, 2e19]),  # squares overflow float32
        dict(x=[[1e-20], [-3e-20], [2.0**-60]], y=[1e-20, 4e-20, -1e-18, 3e-20]),  # squares underflow float32
        dict(
            x=[[0.0], [1.0], [-2.0]], y=[0.0, 1.0, 2.0, 3.0]
        ),  # the origin, where the unit disk is the subdifferential
    ],
)
def hypotenuse(xp, x, y):
    """f(x, y) = Σᵢⱼ wᵢⱼ √(xᵢ² + yⱼ²)

    x: 3x1; y: 4. At the origin the subdifferential is w times the unit disk; chosen here: its centre."""
    return xp.sum(weights(xp, (3, 4)) * xp.hypot(x, y))


@hypotenuse.gradient
def _(xp, x, y):
    h = xp.hypot(x, y)  # node 1
    h = xp.where(h > 0, h, xp.ones_like(h))  # at the origin this makes both slopes 0
    d_h = weights(xp, (3, 4))  # node 2 input: f = Σ w h
    d_x = xp.sum(x / h * d_h, axis=1, keepdims=True)  # node 1 input: the cosine of the angle
    d_y = xp.sum(y / h * d_h, axis=0)  # node 1 input: its sine
    return d_x, d_y


@function(
    x=Reals((3, 1)),
    y=Reals((4,)),
    points=[
        dict(x=[[0.5], [-1.25], [2.0]], y=[0.75, -0.5, 0.25, -3.5]),
        dict(x=[[0.5], [0.0], [-2.0]], y=[0.5, 0.0, -2.0, -0.0]),  # ties, where a maximum has a kink and this has none
        dict(x=[[40.0], [-40.0], [1000.0]], y=[1000.0, -1000.0, 39.0, 0.0]),  # one of the two is nothing
        dict(x=[[1e8], [-1e8], [3.0]], y=[1e8, -1e8, 4.0, 1e8 - 8]),  # a tie far out: the value is x, the shares are ½
    ],
)
def logarithm_of_exponentials(xp, x, y):
    """f(x, y) = Σᵢⱼ wᵢⱼ log(exp xᵢ + exp yⱼ)

    x: 3x1; y: 4. The shares eˣ / (eˣ + eʸ) are a logistic function of x - y, with no exponential that overflows."""
    return xp.sum(weights(xp, (3, 4)) * xp.logaddexp(x, y))


@logarithm_of_exponentials.gradient
def _(xp, x, y):
    d_l = weights(xp, (3, 4))  # node 2 input: f = Σ w l, with node 1: l = log(eˣ + eʸ)
    d_x = xp.sum(xp.special.expit(x - y) * d_l, axis=1, keepdims=True)  # node 1 input
    d_y = xp.sum(xp.special.expit(y - x) * d_l, axis=0)  # node 1 input
    return d_x, d_y


@function(
    x=Reals((3, 1)),
    y=Reals((4,)),
    points=[
        dict(x=[[0.5], [-1.25], [2.0]], y=[0.75, -0.5, 0.25, 3.5]),
        dict(x=[[0.5], [0.0], [-2.0]], y=[0.5, 0.0, -0.0, -2.0]),  # ties
        dict(x=[[1.0 + 2.0**-23], [1000.0], [2.0**-120]], y=[1.0, 1000.0, 0.0, -(2.0**-120)]),  # an ulp beside a tie
    ],
)
def larger_of_two(xp, x, y):
    """f(x, y) = Σᵢⱼ wᵢⱼ max(xᵢ, yⱼ)

    x: 3x1; y: 4. At a tie the subdifferential is wᵢⱼ (s, 1 - s) for every share s from 0 to 1; chosen here: ½."""
    return xp.sum(weights(xp, (3, 4)) * xp.maximum(x, y))


@larger_of_two.gradient
def _(xp, x, y):
    one = xp.ones_like(x + y)
    share = xp.where(x > y, one, xp.where(x < y, 0 * one, one / 2))  # of x in the value
    d_m = weights(xp, (3, 4))  # node 2 input: f = Σ w m, with node 1: m = max(x, y)
    d_x = xp.sum(share * d_m, axis=1, keepdims=True)  # node 1 input
    d_y = xp.sum((1 - share) * d_m, axis=0)  # node 1 input
    return d_x, d_y


@function(
    x=Reals((3, 1)),
    y=Reals((4,)),
    points=[
        dict(x=[[0.5], [-1.25], [2.0]], y=[0.75, -0.5, 0.25, 3.5]),
        dict(x=[[0.5], [0.0], [-2.0]], y=[0.5, 0.0, -0.0, -2.0]),  # ties
        dict(x=[[1.0 + 2.0**-23], [1000.0], [2.0**-120]], y=[1.0, 1000.0, 0.0, -(2.0**-120)]),  # an ulp beside a tie
    ],
)
def smaller_of_two(xp, x, y):
    """f(x, y) = Σᵢⱼ wᵢⱼ min(xᵢ, yⱼ)

    x: 3x1; y: 4. At a tie the subdifferential is wᵢⱼ (s, 1 - s) for every share s from 0 to 1; chosen here: ½."""
    return xp.sum(weights(xp, (3, 4)) * xp.minimum(x, y))


@smaller_of_two.gradient
def _(xp, x, y):
    one = xp.ones_like(x + y)
    share = xp.where(x < y, one, xp.where(x > y, 0 * one, one / 2))  # of x in the value
    d_m = weights(xp, (3, 4))  # node 2 input: f = Σ w m, with node 1: m = min(x, y)
    d_x = xp.sum(share * d_m, axis=1, keepdims=True)  # node 1 input
    d_y = xp.sum((1 - share) * d_m, axis=0)  # node 1 input
    return d_x, d_y


@function(
    x=Reals((3, 1)),
    y=Reals((4,)),
    points=[
        dict(x=[[0.5], [-1.25], [2.0]], y=[0.75, -0.5, 0.25, 3.5]),
        dict(x=[[0.0], [-0.0], [1e20]], y=[1e20, -1e-20, 0.0, 2.0**-140]),
    ],
)
def choice_by_mask(xp, x, y):
    """f(x, y) = Σᵢⱼ wᵢⱼ (xᵢ where Mᵢⱼ, yⱼ elsewhere)

    x: 3x1; y: 4; a fixed mask M, 3x4: each entry sends its weight to the one that was chosen."""
    mask = xp.asarray([[1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 1.0]]) > 0.5
    return xp.sum(weights(xp, (3, 4)) * xp.where(mask, x, y))


@choice_by_mask.gradient
def _(xp, x, y):
    mask = xp.asarray([[1.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 1.0]])
    d_c = weights(xp, (3, 4))  # node 2 input: f = Σ w c, with node 1: c = x where M, y elsewhere
    d_x = xp.sum(mask * d_c, axis=1, keepdims=True)  # node 1 input
    d_y = xp.sum((1 - mask) * d_c, axis=0)  # node 1 input
    return d_x, d_y


@function(
    x=Reals((3, 4)),
    low=Reals((3, 1), low=-8.0, high=-0.125),
    high=Reals((4,), low=0.125, high=8.0),
    points=[
        dict(
            x=[[0.5, -1.25, 2.0, 0.125], [-3.5, 1.0, 0.75, -0.625], [6.5, -7.0, 0.375, 4.0]],
            low=[[-1.0], [-0.5], [-3.0]],
            high=[1.5, 0.25, 0.5, 2.0],
        ),
        dict(  # bounds met exactly, from both sides
            x=[[-1.0, 0.25, 0.5, 2.0], [-0.5, -0.5, 0.75, 2.5], [1.5, -3.0, 0.5, -4.0]],
            low=[[-1.0], [-0.5], [-3.0]],
            high=[1.5, 0.25, 0.5, 2.0],
        ),
        dict(  # an ulp beside them, and far out
            x=[
                [-1.0 - 2.0**-23, 0.25, 1e20, 2.0 + 2.0**-22],
                [-0.5, 0.0, -1e20, -0.0],
                [1.5 + 2.0**-23, -40.0, 0.5, 1.0],
            ],
            low=[[-1.0], [-0.75], [-3.0]],
            high=[1.5, 0.5, 0.75, 2.0],
        ),
    ],
)
def clip_between(xp, x, low, high):
    """f(x, l, h) = Σᵢⱼ wᵢⱼ min(max(xᵢⱼ, lᵢ), hⱼ)

    x: 3x4; l: 3x1, negative; h: 4, positive. Each entry sends its weight to x, to its lower or to its upper bound.
    Where x meets a bound the subdifferential is every share between the two; chosen here: all of it to x."""
    return xp.sum(weights(xp, (3, 4)) * xp.clip(x, low, high))


@clip_between.gradient
def _(xp, x, low, high):
    d_c = weights(xp, (3, 4))  # node 2 input: f = Σ w c, with node 1: c = clip(x, l, h)
    nothing = xp.zeros_like(x)
    below, above = xp.where(x < low, d_c, nothing), xp.where(x > high, d_c, nothing)
    d_x = d_c - below - above  # node 1 input
    d_low = xp.sum(below, axis=1, keepdims=True)  # node 1 input
    d_high = xp.sum(above, axis=0)  # node 1 input
    return d_x, d_low, d_high
