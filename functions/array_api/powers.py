"""Powers where the base or the exponent is a constant, a number of Python or an array: the forms in which powers occur,
and in which their special cases hide (x⁰ at 0, integer exponents of negative bases, roots, 0ʸ). Beside them the other
functions of two arguments of which one is a number."""

from gradproof import Positive, Reals, function, weights


@function(
    x=Reals((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.125, -3.5]),
        dict(x=[0.0, -0.0, 1.0, -1.0, 2.0**-20]),  # 0⁰ and its neighbours
        dict(x=[40.0, -1000.0, 2.0**-30, 1e5, -1e5]),
    ],
)
def power_with_number(xp, x, *, exponent=2):
    """f(x) = Σ w xⁿ

    x: 5; n is a number of Python. 0⁰ = 1, because x⁰ is the constant 1, and its derivative is 0 at 0 as elsewhere."""
    return xp.sum(weights(xp, x.shape) * xp.pow(x, exponent))


@power_with_number.gradient
def _(xp, x, *, exponent=2):
    d_p = weights(xp, x.shape)  # node 2 input: f = Σ w p, with node 1: p = xⁿ
    if exponent == 0:
        return (0 * d_p,)  # node 1 input: a constant
    return (exponent * xp.pow(x, exponent - 1) * d_p,)  # node 1 input


power_with_number.variant("cube", exponent=3)
power_with_number.variant("one", exponent=1)
power_with_number.variant("zero", exponent=0)
power_with_number.variant("exactly_three", exponent=3.0)  # a float, which is an integer
power_with_number.variant("inverse_square", exponent=-2, x=Positive((3,)), points=[dict(x=[0.5, -1.25, 3.0])])
power_with_number.variant("root", exponent=0.5, x=Positive((3,)), points=[dict(x=[0.25, 1e-20, 9.0])])
power_with_number.variant("one_and_a_half", exponent=1.5, x=Positive((3,)), points=[dict(x=[0.25, 1e-20, 9.0])])


@function(
    x=Reals((5,), low=-8.0, high=8.0),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.125, -3.5]),
        dict(x=[0.0, 0.0, 0.0, 0.0, 2.0]),  # the slopes at 0 of 1, x, x² and x³
        dict(x=[-0.0, -1.0, 1.0, -2.0, -1.0]),
    ],
)
def powers_of_a_number_line(xp, x):
    """f(x) = Σ w xᵢⁿⁱ, n = 0, 1, 2, 3, 5

    x: 5; n is a constant array of floats. They are whole, so negative bases are as good as positive ones, and at a base
    of 0 the slope n xⁿ⁻¹ is 0 for n = 0, 1 for n = 1 and 0 for the rest."""
    return xp.sum(weights(xp, (5,)) * xp.pow(x, xp.asarray([0.0, 1.0, 2.0, 3.0, 5.0])))


@powers_of_a_number_line.gradient
def _(xp, x):
    # Written without a power that could be 0⁻¹.
    slopes = [0 * x[0], 0 * x[1] + 1, 2 * x[2], 3 * x[3] * x[3], 5 * x[4] * x[4] * x[4] * x[4]]
    d_p = weights(xp, (5,))  # node 2 input: f = Σ w p, with node 1: p = xⁿ
    return (xp.stack(slopes) * d_p,)  # node 1 input


@function(
    y=Reals((5,), low=-8.0, high=8.0),
    points=[
        dict(y=[0.5, -1.25, 2.0, 0.125, -3.5]),
        dict(y=[0.0, -0.0, 1.0, -1.0, 2.0**-20]),
        dict(y=[8.0, -8.0, 3.0, 2.0**-140, 4.0]),
    ],
)
def number_to_the_power(xp, y, *, base=2.5):
    """f(y) = Σ w bʸ

    y: 5; b is a positive number of Python."""
    return xp.sum(weights(xp, y.shape) * xp.pow(base, y))


@number_to_the_power.gradient
def _(xp, y, *, base=2.5):
    p = xp.pow(base, y)  # node 1
    log_base = xp.log(base * xp.ones_like(y))  # in the precision at hand
    d_p = weights(xp, y.shape)  # node 2 input: f = Σ w p
    return (log_base * p * d_p,)  # node 1 input: bʸ = exp(y log b)


number_to_the_power.variant("one", base=1.0)  # a constant, because log 1 = 0
number_to_the_power.variant("of_ten", base=10)


@function(
    y=Positive((4,), low=0.125, high=8.0),
    points=[dict(y=[0.5, 1.25, 2.0, 3.5]), dict(y=[1.0, 2.0, 0.125, 8.0])],
)
def powers_of_zero(xp, y):
    """f(y) = Σ w bᵢ^yᵢ, b = 0, 2, 0, 0.5

    y: 4, positive; b is a constant array. 0ʸ = 0 for every positive y: its slope is 0, though log 0 is not finite."""
    return xp.sum(weights(xp, (4,)) * xp.pow(xp.asarray([0.0, 2.0, 0.0, 0.5]), y))


@powers_of_zero.gradient
def _(xp, y):
    p = xp.pow(xp.asarray([1.0, 2.0, 1.0, 0.5]), y)  # node 1 where the base is not 0
    log_base = xp.log(xp.asarray([1.0, 2.0, 1.0, 0.5]))  # 0 where the base is
    d_p = weights(xp, (4,))  # node 2 input: f = Σ w p
    return (log_base * p * d_p,)  # node 1 input


@function(
    x=Reals((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.125, -3.5]),
        dict(x=[0.0, -0.0, 0.25, 0.75, 1.0]),  # 0.25 is a tie
        dict(x=[0.25 + 2.0**-26, 0.25 - 2.0**-26, 1e20, -1e20, 2.0**-140]),
    ],
)
def larger_than_number(xp, x, *, number=0.25):
    """f(x) = Σ w max(x, c)

    x: 5; c is a number of Python. At a tie the subdifferential is every share from 0 to 1; chosen here: ½."""
    return xp.sum(weights(xp, x.shape) * xp.maximum(x, number))


@larger_than_number.gradient
def _(xp, x, *, number=0.25):
    one = xp.ones_like(x)
    share = xp.where(x > number, one, xp.where(x < number, 0 * one, one / 2))
    d_m = weights(xp, x.shape)  # node 2 input: f = Σ w m, with node 1: m = max(x, c)
    return (share * d_m,)  # node 1 input


larger_than_number.variant("zero", number=0.0)  # ties are ±0, and a subnormal number is none


@function(
    x=Reals((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.125, -3.5]),
        dict(x=[-1.5, 1.0, 0.0, -0.0, 0.75]),  # both bounds, met exactly
        dict(x=[-1.5 - 2.0**-23, -1.5 + 2.0**-23, 1.0 + 2.0**-23, 1.0 - 2.0**-24, 1e20]),  # an ulp to each side
    ],
)
def clip_to_numbers(xp, x, *, low=-1.5, high=1.0):
    """f(x) = Σ w min(max(x, l), h)

    x: 5; l and h are numbers of Python, or None for no bound. At a bound the subdifferential is every slope from 0 to
    w; chosen here: w, as inside."""
    return xp.sum(weights(xp, x.shape) * xp.clip(x, low, high))


@clip_to_numbers.gradient
def _(xp, x, *, low=-1.5, high=1.0):
    d_c = weights(xp, x.shape)  # node 2 input: f = Σ w c, with node 1: c = clip(x, l, h)
    if low is not None:
        d_c = xp.where(x < low, 0 * d_c, d_c)  # node 1 input
    if high is not None:
        d_c = xp.where(x > high, 0 * d_c, d_c)  # node 1 input
    return (d_c,)


clip_to_numbers.variant("lower_only", high=None)
clip_to_numbers.variant("upper_only", low=None)
clip_to_numbers.variant("scalar", points=[dict(x=0.5), dict(x=1.0), dict(x=2.5)], x=Reals())


@function(
    x=Positive((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.125, -3.5]),
        dict(x=[1.0, -1.0, 2.0**-10, 40.0, -1000.0]),
    ],
)
def arithmetic_with_numbers(xp, x):
    """f(x) = Σ w (3 - 0.5 (x + 2) + 1.5 / x - x / 4)

    x: 5, not 0. Numbers of Python on either side of each operator; they must not change the dtype."""
    return xp.sum(weights(xp, x.shape) * (3 - 0.5 * (x + 2) + 1.5 / x - x / 4))


@arithmetic_with_numbers.gradient
def _(xp, x):
    d_v = weights(xp, x.shape)  # node 5 input: f = Σ w v, with node 4: v = 3 - h + q - r
    d_h, d_q, d_r = -d_v, d_v, -d_v  # node 4 inputs
    d_x = d_h / 2  # node 1 input: h = 0.5 (x + 2)
    d_x = d_x - 1.5 / (x * x) * d_q  # node 2 input: q = 1.5 / x
    return (d_x + d_r / 4,)  # node 3 input: r = x / 4


arithmetic_with_numbers.variant("scalar", x=Positive(), points=[dict(x=0.5), dict(x=-1.25)])
