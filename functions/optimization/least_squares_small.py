"""Small problems in least squares, from the collection of Moré, Garbow and Hillstrom, "Testing Unconstrained
Optimization Software", ACM Transactions on Mathematical Software 7 (1981), numbered as there: badly scaled, with curved
valleys, or with terms of very different size. Points are their starting points and their solutions, each number rounded
to the nearest of float32. The gradient is 2 Jᵀ r: each residual sends 2 r to what it was made of."""

import numpy as np

from gradproof import Positive, Reals, function

SOURCE = "Moré, Garbow and Hillstrom, ACM TOMS 7 (1981), section 3"


@function(
    x=Reals((2,)),
    points=[
        dict(x=[0.5, -2.0]),  # the start
        dict(x=[5.0, 4.0]),  # the solution: both residuals vanish
        dict(x=[11.25, -0.875]),  # near the other minimum, where they do not
    ],
)
def freudenstein_roth(xp, x):
    """f(a, b) = (a - 13 + ((5 - b) b - 2) b)² + (a - 29 + ((b + 1) b - 14) b)²

    x = (a, b): 2. Problem 2, of Freudenstein and Roth."""
    a, b = x[0], x[1]
    r1 = a - 13 + ((5 - b) * b - 2) * b
    r2 = a - 29 + ((b + 1) * b - 14) * b
    return r1 * r1 + r2 * r2


@freudenstein_roth.gradient
def _(xp, x):
    a, b = x[0], x[1]
    r1 = a - 13 + ((5 - b) * b - 2) * b  # node 1: the cubic is -b³ + 5 b² - 2 b
    r2 = a - 29 + ((b + 1) * b - 14) * b  # node 2: the cubic is b³ + b² - 14 b
    d_r1, d_r2 = 2 * r1, 2 * r2  # node 3 input: f = r₁² + r₂²
    d_a = d_r1 + d_r2  # node 1 and 2 input
    d_b = (-3 * b * b + 10 * b - 2) * d_r1 + (3 * b * b + 2 * b - 14) * d_r2  # node 1 and 2 input
    return (xp.stack([d_a, d_b]),)


freudenstein_roth.publishes("0e-30", SOURCE, x=[5.0, 4.0])
freudenstein_roth.publishes("48.9842", SOURCE, x=[11.4127789869, -0.8968052532])


@function(
    x=Reals((2,), low=-4.0, high=16.0),
    points=[
        dict(x=[0.0, 1.0]),  # the start
        dict(x=np.float32([1.0981593e-5, 9.1061467])),  # the solution
        dict(x=[0.5, -1.25]),
        dict(x=[0.0, 0.0]),
    ],
)
def powell_badly_scaled(xp, x):
    """f(a, b) = (10⁴ a b - 1)² + (e⁻ᵃ + e⁻ᵇ - 1.0001)²

    x = (a, b): 2. Problem 3, of Powell."""
    a, b = x[0], x[1]
    r1 = 10000 * a * b - 1
    r2 = xp.exp(-a) + xp.exp(-b) - 1.0001
    return r1 * r1 + r2 * r2


@powell_badly_scaled.gradient
def _(xp, x):
    a, b = x[0], x[1]
    p, q = xp.exp(-a), xp.exp(-b)  # nodes 1 and 2
    r1 = 10000 * a * b - 1  # node 3
    r2 = p + q - 1.0001  # node 4
    d_r1, d_r2 = 2 * r1, 2 * r2  # node 5 input: f = r₁² + r₂²
    d_p = d_q = d_r2  # node 4 input
    d_a = 10000 * b * d_r1 - p * d_p  # node 3 and 1 input
    d_b = 10000 * a * d_r1 - q * d_q  # node 3 and 2 input
    return (xp.stack([d_a, d_b]),)


powell_badly_scaled.publishes("0e-12", SOURCE, x=[1.098159329699759e-5, 9.106146739867316])


@function(
    x=Reals((2,)),
    points=[
        dict(x=[1.0, 1.0]),  # the start
        dict(x=np.float32([1e6, 2e-6])),  # the solution
        dict(x=[-40.0, 0.375]),
    ],
)
def brown_badly_scaled(xp, x):
    """f(a, b) = (a - 10⁶)² + (b - 2 · 10⁻⁶)² + (a b - 2)²

    x = (a, b): 2. Problem 4, of Brown."""
    a, b = x[0], x[1]
    r1, r2, r3 = a - 1e6, b - 2e-6, a * b - 2
    return r1 * r1 + r2 * r2 + r3 * r3


@brown_badly_scaled.gradient
def _(xp, x):
    a, b = x[0], x[1]
    r1, r2, r3 = a - 1e6, b - 2e-6, a * b - 2  # nodes 1, 2 and 3
    d_r1, d_r2, d_r3 = 2 * r1, 2 * r2, 2 * r3  # node 4 input: f = r₁² + r₂² + r₃²
    d_a = d_r1 + b * d_r3  # node 1 and 3 input
    d_b = d_r2 + a * d_r3  # node 2 and 3 input
    return (xp.stack([d_a, d_b]),)


brown_badly_scaled.publishes("0e-30", SOURCE, x=[1e6, 2e-6])


@function(
    x=Reals((2,)),
    points=[
        dict(x=[1.0, 1.0]),  # the start, where every product vanishes
        dict(x=[3.0, 0.5]),  # the solution
        dict(x=[-1.25, 2.0]),
        dict(x=[0.0, 0.0]),
    ],
)
def beale(xp, x):
    """f(a, b) = Σᵢ (yᵢ - a (1 - bⁱ))², i = 1, 2, 3

    x = (a, b): 2. Problem 5, of Beale, y = 1.5, 2.25, 2.625."""
    a, b = x[0], x[1]
    powers = xp.stack([b, b * b, b * b * b])
    r = xp.asarray([1.5, 2.25, 2.625]) - a * (1 - powers)
    return xp.sum(r * r)


@beale.gradient
def _(xp, x):
    a, b = x[0], x[1]
    powers = xp.stack([b, b * b, b * b * b])  # node 1
    r = xp.asarray([1.5, 2.25, 2.625]) - a * (1 - powers)  # node 2
    d_r = 2 * r  # node 3 input: f = Σ r²
    d_a = -xp.sum((1 - powers) * d_r)  # node 2 input
    d_powers = a * d_r  # node 2 input
    d_b = d_powers[0] + 2 * b * d_powers[1] + 3 * b * b * d_powers[2]  # node 1 input
    return (xp.stack([d_a, d_b]),)


beale.publishes("0e-30", SOURCE, x=[3.0, 0.5])


@function(
    x=Reals((2,), low=-2.0, high=2.0),
    points=[
        dict(x=np.float32([0.3, 0.4])),  # the start
        dict(x=np.float32([0.2578252, 0.2578252])),  # the solution, where both exponentials are one
        dict(x=[-0.5, 0.0]),
    ],
)
def jennrich_sampson(xp, x):
    """f(a, b) = Σᵢ (2 + 2 i - e^(i a) - e^(i b))², i = 1 … 10

    x = (a, b): 2. Problem 6, of Jennrich and Sampson. Both between -2 and 2: the largest term is e^(10 a) squared."""
    i = xp.arange(1.0, 11.0)
    r = 2 + 2 * i - xp.exp(i * x[0]) - xp.exp(i * x[1])
    return xp.sum(r * r)


@jennrich_sampson.gradient
def _(xp, x):
    i = xp.arange(1.0, 11.0)
    p, q = xp.exp(i * x[0]), xp.exp(i * x[1])  # nodes 1 and 2
    r = 2 + 2 * i - p - q  # node 3
    d_r = 2 * r  # node 4 input: f = Σ r²
    d_p = d_q = -d_r  # node 3 input
    d_a = xp.sum(i * p * d_p)  # node 1 input
    d_b = xp.sum(i * q * d_q)  # node 2 input
    return (xp.stack([d_a, d_b]),)


jennrich_sampson.publishes("124.362", SOURCE, x=[0.2578252137, 0.2578252137])


@function(
    x=Positive((3,)),
    points=[
        dict(x=[-1.0, 0.0, 0.0]),  # the start, half a turn away
        dict(x=[1.0, 0.0, 0.0]),  # the solution
        dict(x=[-0.75, -1.25, 4.0]),  # the third quadrant, behind the half turn
        dict(x=[0.5, -2.0, -1.5]),
    ],
)
def helical_valley(xp, x):
    """f(a, b, c) = 100 (c - 10 θ)² + 100 (√(a² + b²) - 1)² + c², θ the angle of (a, b) in turns

    x = (a, b, c): 3. Problem 7, of Fletcher and Powell. Their angle, arctan(b/a) with half a turn more where a < 0,
    jumps below the origin, at a quarter of a turn backwards; measured from the second axis it is one arctangent of two
    arguments. The draws are positive, because at the origin there is no angle; the points lie all around."""
    a, b, c = x[0], x[1], x[2]
    turns = 0.25 - xp.atan2(a, b) / (2 * xp.pi)
    r1 = 10 * (c - 10 * turns)
    r2 = 10 * (xp.sqrt(a * a + b * b) - 1)
    return r1 * r1 + r2 * r2 + c * c


@helical_valley.gradient
def _(xp, x):
    a, b, c = x[0], x[1], x[2]
    turns = 0.25 - xp.atan2(a, b) / (2 * xp.pi)  # node 1
    s = a * a + b * b  # node 2
    n = xp.sqrt(s)  # node 3
    r1 = 10 * (c - 10 * turns)  # node 4
    r2 = 10 * (n - 1)  # node 5
    d_r1, d_r2, d_c = 2 * r1, 2 * r2, 2 * c  # node 6 input: f = r₁² + r₂² + c²
    d_n = 10 * d_r2  # node 5 input
    d_c = d_c + 10 * d_r1  # node 4 input, the second way from c
    d_turns = -100 * d_r1  # node 4 input
    d_s = d_n / (2 * n)  # node 3 input
    d_angle = -d_turns / (2 * xp.pi)  # node 1 input, the arctangent α: dα = (b da - a db) / (a² + b²)
    d_a = 2 * a * d_s + b / s * d_angle  # node 2 and 1 input
    d_b = 2 * b * d_s - a / s * d_angle  # node 2 and 1 input
    return (xp.stack([d_a, d_b, d_c]),)


helical_valley.publishes("0e-30", SOURCE, x=[1.0, 0.0, 0.0])


@function(
    x=Positive((3,), low=0.25, high=1.0),
    points=[
        dict(x=np.float32([5.0, 2.5, 0.15])),  # the start
        dict(x=[50.0, 25.0, 1.5]),  # the solution
        dict(x=[2.0, 10.0, 0.75]),
    ],
)
def gulf_research(xp, x):
    """f(a, b, c) = Σᵢ (exp(-|yᵢ - b|ᶜ / a) - tᵢ)², tᵢ = i/100, yᵢ = 25 + (-50 log tᵢ)^(2/3), i = 1 … 10

    x = (a, b, c): 3. Problem 11, of Gulf Research and Development, with the difference yᵢ - b that their program has
    where a product is printed. y is 48 and more: for the draws, from 1/4 to 1, no exponent exceeds 256."""
    t = xp.arange(1.0, 11.0) / 100
    y = 25 + (-50 * xp.log(t)) ** (2 / 3)
    r = xp.exp(-(xp.abs(y - x[1]) ** x[2]) / x[0]) - t
    return xp.sum(r * r)


@gulf_research.gradient
def _(xp, x):
    t = xp.arange(1.0, 11.0) / 100
    y = 25 + (-50 * xp.log(t)) ** (2 / 3)
    a, b, c = x[0], x[1], x[2]
    u = xp.abs(y - b)  # node 1
    p = u**c  # node 2
    e = xp.exp(-p / a)  # node 3
    r = e - t  # node 4
    d_r = 2 * r  # node 5 input: f = Σ r²
    d_e = d_r  # node 4 input
    d_p = -e / a * d_e  # node 3 input
    d_a = xp.sum(p * e / (a * a) * d_e)  # node 3 input
    d_u = c * p / u * d_p  # node 2 input
    d_c = xp.sum(p * xp.log(u) * d_p)  # node 2 input
    d_b = -xp.sum(xp.sign(y - b) * d_u)  # node 1 input
    return (xp.stack([d_a, d_b, d_c]),)


gulf_research.publishes("0e-30", SOURCE, x=[50.0, 25.0, 1.5])


@function(
    x=Reals((3,), low=-4.0, high=24.0),
    points=[
        dict(x=[0.0, 10.0, 20.0]),  # the start
        dict(x=[1.0, 10.0, 1.0]),  # a solution
        dict(x=[2.5, 2.5, 0.0]),  # on a line of solutions
        dict(x=[0.5, -1.25, 0.75]),
    ],
)
def box_in_three_dimensions(xp, x):
    """f(a, b, c) = Σᵢ (e^(-a t) - e^(-b t) - c (e⁻ᵗ - e^(-10 t)))², t = i/10, i = 1 … 10

    x = (a, b, c): 3. Problem 12, of Box."""
    t = xp.arange(1.0, 11.0) / 10
    r = xp.exp(-x[0] * t) - xp.exp(-x[1] * t) - x[2] * (xp.exp(-t) - xp.exp(-10 * t))
    return xp.sum(r * r)


@box_in_three_dimensions.gradient
def _(xp, x):
    t = xp.arange(1.0, 11.0) / 10
    g = xp.exp(-t) - xp.exp(-10 * t)
    p, q = xp.exp(-x[0] * t), xp.exp(-x[1] * t)  # nodes 1 and 2
    r = p - q - x[2] * g  # node 3
    d_r = 2 * r  # node 4 input: f = Σ r²
    d_p, d_q, d_c = d_r, -d_r, -xp.sum(g * d_r)  # node 3 input
    d_a = -xp.sum(t * p * d_p)  # node 1 input
    d_b = -xp.sum(t * q * d_q)  # node 2 input
    return (xp.stack([d_a, d_b, d_c]),)


box_in_three_dimensions.publishes("0e-30", SOURCE, x=[1.0, 10.0, 1.0])
box_in_three_dimensions.publishes("0e-30", SOURCE, x=[10.0, 1.0, -1.0])


@function(
    x=Reals((4,)),
    points=[
        dict(x=[-3.0, -1.0, -3.0, -1.0]),  # the start
        dict(x=[1.0, 1.0, 1.0, 1.0]),  # the solution
        dict(x=[0.5, -1.25, 2.0, 0.75]),
        dict(x=[-40.0, 1600.0, 0.0, -0.0]),
    ],
)
def wood(xp, x):
    """f(a, b, c, d) = 100 (b - a²)² + (1 - a)² + 90 (d - c²)² + (1 - c)² + 10 (b + d - 2)² + (b - d)² / 10

    x = (a, b, c, d): 4. Problem 14, of Colville and Wood."""
    a, b, c, d = x[0], x[1], x[2], x[3]
    r1, r2, r3, r4, r5, r6 = b - a * a, 1 - a, d - c * c, 1 - c, b + d - 2, b - d
    return 100 * r1 * r1 + r2 * r2 + 90 * r3 * r3 + r4 * r4 + 10 * r5 * r5 + r6 * r6 / 10


@wood.gradient
def _(xp, x):
    a, b, c, d = x[0], x[1], x[2], x[3]
    r1, r2, r3, r4, r5, r6 = b - a * a, 1 - a, d - c * c, 1 - c, b + d - 2, b - d  # nodes 1 to 6
    d_r1, d_r2, d_r3, d_r4, d_r5, d_r6 = 200 * r1, 2 * r2, 180 * r3, 2 * r4, 20 * r5, r6 / 5  # node 7 input
    d_a = -2 * a * d_r1 - d_r2  # node 1 and 2 input
    d_b = d_r1 + d_r5 + d_r6  # node 1, 5 and 6 input
    d_c = -2 * c * d_r3 - d_r4  # node 3 and 4 input
    d_d = d_r3 + d_r5 - d_r6  # node 3, 5 and 6 input
    return (xp.stack([d_a, d_b, d_c, d_d]),)


wood.publishes("0e-30", SOURCE, x=[1.0, 1.0, 1.0, 1.0])


@function(
    x=Reals((4,)),
    points=[
        dict(x=[25.0, 5.0, -5.0, -1.0]),  # the start
        dict(x=np.float32([-11.594440, 13.203630, -0.40343949, 0.23677877])),  # the solution
        dict(x=[0.0, 0.0, 0.0, 0.0]),
        dict(x=[0.5, -1.25, 2.0, 0.75]),
    ],
)
def brown_dennis(xp, x):
    """f(a, b, c, d) = Σᵢ ((a + b t - eᵗ)² + (c + d sin t - cos t)²)², t = i/5, i = 1 … 20

    x = (a, b, c, d): 4. Problem 16, of Brown and Dennis."""
    t = xp.arange(1.0, 21.0) / 5
    u = x[0] + x[1] * t - xp.exp(t)
    v = x[2] + x[3] * xp.sin(t) - xp.cos(t)
    r = u * u + v * v
    return xp.sum(r * r)


@brown_dennis.gradient
def _(xp, x):
    t = xp.arange(1.0, 21.0) / 5
    u = x[0] + x[1] * t - xp.exp(t)  # node 1
    v = x[2] + x[3] * xp.sin(t) - xp.cos(t)  # node 2
    r = u * u + v * v  # node 3
    d_r = 2 * r  # node 4 input: f = Σ r²
    d_u, d_v = 2 * u * d_r, 2 * v * d_r  # node 3 input
    d_a, d_b = xp.sum(d_u), xp.sum(t * d_u)  # node 1 input
    d_c, d_d = xp.sum(d_v), xp.sum(xp.sin(t) * d_v)  # node 2 input
    return (xp.stack([d_a, d_b, d_c, d_d]),)


brown_dennis.publishes("85822.2", SOURCE, x=np.float32([-11.594440, 13.203630, -0.40343949, 0.23677877]))


@function(
    x=Reals((6,), low=-4.0, high=16.0),
    points=[
        dict(x=[1.0, 2.0, 1.0, 1.0, 1.0, 1.0]),  # the start
        dict(x=[1.0, 10.0, 1.0, 5.0, 4.0, 3.0]),  # a solution
        dict(x=[0.5, -1.25, 2.0, 0.75, -0.5, 3.5]),
    ],
)
def biggs_six_exponentials(xp, x):
    """f(x) = Σᵢ (x₃ e^(-x₁ t) - x₄ e^(-x₂ t) + x₆ e^(-x₅ t) - y)², y = e⁻ᵗ - 5 e^(-10 t) + 3 e^(-4 t), t = i/10

    x: 6, i = 1 … 13. Problem 18, of Biggs."""
    t = xp.arange(1.0, 14.0) / 10
    y = xp.exp(-t) - 5 * xp.exp(-10 * t) + 3 * xp.exp(-4 * t)
    r = x[2] * xp.exp(-x[0] * t) - x[3] * xp.exp(-x[1] * t) + x[5] * xp.exp(-x[4] * t) - y
    return xp.sum(r * r)


@biggs_six_exponentials.gradient
def _(xp, x):
    t = xp.arange(1.0, 14.0) / 10
    y = xp.exp(-t) - 5 * xp.exp(-10 * t) + 3 * xp.exp(-4 * t)
    p, q, s = xp.exp(-x[0] * t), xp.exp(-x[1] * t), xp.exp(-x[4] * t)  # nodes 1, 2 and 3
    r = x[2] * p - x[3] * q + x[5] * s - y  # node 4
    d_r = 2 * r  # node 5 input: f = Σ r²
    d_p, d_q, d_s = x[2] * d_r, -x[3] * d_r, x[5] * d_r  # node 4 input
    d_x3, d_x4, d_x6 = xp.sum(p * d_r), -xp.sum(q * d_r), xp.sum(s * d_r)  # node 4 input
    d_x1 = -xp.sum(t * p * d_p)  # node 1 input
    d_x2 = -xp.sum(t * q * d_q)  # node 2 input
    d_x5 = -xp.sum(t * s * d_s)  # node 3 input
    return (xp.stack([d_x1, d_x2, d_x3, d_x4, d_x5, d_x6]),)


biggs_six_exponentials.publishes("0e-30", SOURCE, x=[1.0, 10.0, 1.0, 5.0, 4.0, 3.0])
biggs_six_exponentials.publishes(
    "5.65565e-3", SOURCE, x=np.float32([1.71141599, 17.68319818, 1.16314366, 5.18656155, 1.71141599, 1.16314366])
)
