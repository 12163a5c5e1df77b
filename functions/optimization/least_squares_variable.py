"""Least-squares problems of any dimension, from the collection of Moré, Garbow and Hillstrom, "Testing Unconstrained
Optimization Software", ACM Transactions on Mathematical Software 7 (1981), numbered as there. Points are their starting
points and their solutions, each number rounded to the nearest of float32. The gradient is 2 Jᵀ r: each residual sends
2 r to what it was made of."""

import numpy as np

from gradproof import Reals, function

SOURCE = "Moré, Garbow and Hillstrom, ACM TOMS 7 (1981), section 3"


@function(
    x=Reals((4,)),
    points=[
        dict(x=np.float32([-1.2, 1.0, -1.2, 1.0])),  # the start
        dict(x=[1.0, 1.0, 1.0, 1.0]),  # the solution
        dict(x=[0.5, -1.25, 2.0, 0.75]),
        dict(x=[40.0, 1600.0, -3.0, 9.0]),  # on the floor of the valley
    ],
)
def rosenbrock_in_pairs(xp, x):
    """f(x) = Σ 100 (b - a²)² + (1 - a)² over pairs (a, b) of neighbours

    x: 4, an even number; two pairs. Problem 21, the extended Rosenbrock function; of a single pair, problem 1."""
    a, b = x[::2], x[1::2]
    r1, r2 = 10 * (b - a * a), 1 - a
    return xp.sum(r1 * r1) + xp.sum(r2 * r2)


@rosenbrock_in_pairs.gradient
def _(xp, x):
    a, b = x[::2], x[1::2]  # node 1
    r1, r2 = 10 * (b - a * a), 1 - a  # nodes 2 and 3
    d_r1, d_r2 = 2 * r1, 2 * r2  # node 4 input: f = Σ r₁² + Σ r₂²
    d_a = -20 * a * d_r1 - d_r2  # node 2 and 3 input
    d_b = 10 * d_r1  # node 2 input
    return (xp.reshape(xp.stack([d_a, d_b], axis=1), x.shape),)  # node 1 input


@rosenbrock_in_pairs.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=2 * n))


rosenbrock_in_pairs.variant("one", x=Reals((2,)), points=[dict(x=np.float32([-1.2, 1.0]))])
rosenbrock_in_pairs.publishes("0e-30", SOURCE, x=[1.0, 1.0, 1.0, 1.0])


@function(
    x=Reals((4,)),
    points=[
        dict(x=[3.0, -1.0, 0.0, 1.0]),  # the start
        dict(x=[0.0, 0.0, 0.0, 0.0]),  # the solution, where the Hessian is singular
        dict(x=[0.5, -1.25, 2.0, 0.75]),
        dict(x=[2.0, 2.0, 1.0, 2.0]),  # both squares of differences vanish
    ],
)
def powell_singular(xp, x):
    """f(x) = Σ (a + 10 b)² + 5 (c - d)² + (b - 2 c)⁴ + 10 (a - d)⁴ over quadruples (a, b, c, d)

    x: 4, a multiple of four; one quadruple. Problem 13, of Powell, and of more quadruples problem 22."""
    a, b, c, d = x[::4], x[1::4], x[2::4], x[3::4]
    r1, r2, r3, r4 = a + 10 * b, c - d, (b - 2 * c) ** 2, (a - d) ** 2
    return xp.sum(r1 * r1 + 5 * r2 * r2 + r3 * r3 + 10 * r4 * r4)


@powell_singular.gradient
def _(xp, x):
    a, b, c, d = x[::4], x[1::4], x[2::4], x[3::4]  # node 1
    r1, r2 = a + 10 * b, c - d  # nodes 2 and 3
    u, v = b - 2 * c, a - d  # nodes 4 and 5
    r3, r4 = u * u, v * v  # nodes 6 and 7
    d_r1, d_r2, d_r3, d_r4 = 2 * r1, 10 * r2, 2 * r3, 20 * r4  # node 8 input
    d_u, d_v = 2 * u * d_r3, 2 * v * d_r4  # node 6 and 7 input
    d_a = d_r1 + d_v  # node 2 and 5 input
    d_b = 10 * d_r1 + d_u  # node 2 and 4 input
    d_c = d_r2 - 2 * d_u  # node 3 and 4 input
    d_d = -d_r2 - d_v  # node 3 and 5 input
    return (xp.reshape(xp.stack([d_a, d_b, d_c, d_d], axis=1), x.shape),)  # node 1 input


@powell_singular.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=4 * n))


powell_singular.variant("extended", x=Reals((8,)), points=[dict(x=[3.0, -1.0, 0.0, 1.0, 0.5, -1.25, 2.0, 0.75])])
powell_singular.publishes("0e-30", SOURCE, x=[0.0, 0.0, 0.0, 0.0])


@function(
    x=Reals((6,), low=-8.0, high=8.0),
    points=[
        dict(x=[0.0] * 6),  # the start
        dict(
            x=np.float32([-0.0157250855, 1.01243484, -0.232991621, 1.2604301, -1.51372898, 0.992996454])
        ),  # the solution
        dict(x=[0.5, -1.25, 2.0, 0.75, -0.375, 1.5]),
    ],
)
def watson(xp, x):
    """f(x) = Σᵢ (p'(tᵢ) - p(tᵢ)² - 1)² + x₁² + (x₂ - x₁² - 1)², p(t) = Σ xⱼ tʲ⁻¹, tᵢ = i/29, i = 1 … 29

    x: 6, the coefficients of a polynomial that is to solve p' = p² + 1, p(0) = 0. Problem 20, of Watson."""
    t, n = xp.arange(1.0, 30.0) / 29, x.shape[0]
    p = q = 0.0 * t  # p(t) and p'(t), both by Horner's rule
    for j in reversed(range(n)):
        q = q * t + p
        p = p * t + x[j]
    r, r0, r1 = q - p * p - 1, x[0], x[1] - x[0] * x[0] - 1
    return xp.sum(r * r) + r0 * r0 + r1 * r1


@watson.gradient
def _(xp, x):
    t, n = xp.arange(1.0, 30.0) / 29, x.shape[0]
    p = q = 0.0 * t
    for j in reversed(range(n)):
        q = q * t + p  # node 1 of step j
        p = p * t + x[j]  # node 2 of step j
    r, r0, r1 = q - p * p - 1, x[0], x[1] - x[0] * x[0] - 1  # nodes 3, 4 and 5
    d_r, d_r0, d_r1 = 2 * r, 2 * r0, 2 * r1  # node 6 input
    d_q, d_p = d_r, -2 * p * d_r  # node 3 input
    d_x = []
    for _ in range(n):  # the steps backwards: what comes to p and q of one step is sent to those of the step before
        d_x += [xp.sum(d_p)]  # node 2 input: p = p t + xⱼ
        d_p = t * d_p + d_q  # node 2 and 1 input: q = q t + p
        d_q = t * d_q  # node 1 input
    d_x[0] = d_x[0] + d_r0 - 2 * x[0] * d_r1  # node 4 and 5 input
    d_x[1] = d_x[1] + d_r1  # node 5 input
    return (xp.stack(d_x),)


@watson.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n) / n)


watson.publishes(
    "2.28767e-3", SOURCE, x=np.float32([-0.0157250855, 1.01243484, -0.232991621, 1.2604301, -1.51372898, 0.992996454])
)


@function(
    x=Reals((4,)),
    points=[
        dict(x=[1.0, 2.0, 3.0, 4.0]),  # the start
        dict(x=[0.5, -1.25, 2.0, 0.75]),
        dict(x=[0.25, 0.25, 0.25, 0.25]),  # on the sphere: the penalty vanishes
    ],
)
def penalty_one(xp, x):
    """f(x) = 10⁻⁵ Σ (xᵢ - 1)² + (Σ xᵢ² - 1/4)²

    x: 4. Problem 23, the first penalty function of Gill, Murray and Pitfield."""
    r = x - 1
    s = xp.sum(x * x) - 0.25
    return xp.sum(r * r) / 100000 + s * s


@penalty_one.gradient
def _(xp, x):
    r = x - 1  # node 1
    s = xp.sum(x * x) - 0.25  # node 2
    d_r, d_s = 2 * r / 100000, 2 * s  # node 3 input
    return (d_r + 2 * x * d_s,)  # node 1 and 2 input


@penalty_one.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n) / n**0.5)


penalty_one.publishes("2.24997e-5", SOURCE, x=np.float32([0.25000751, 0.25000751, 0.25000751, 0.25000751]))


@function(
    x=Reals((4,), low=-40.0, high=40.0),
    points=[
        dict(x=[0.5, 0.5, 0.5, 0.5]),  # the start
        dict(x=[0.75, -1.25, 2.0, 40.0]),
        dict(x=[0.0, 0.0, 0.0, 0.0]),
    ],
)
def penalty_two(xp, x):
    """f(x) = (x₁ - 1/5)² + 10⁻⁵ Σᵢ (eᵢ + eᵢ₋₁ - yᵢ)² + 10⁻⁵ Σᵢ (eᵢ - e^(-1/10))² + (Σⱼ (n - j + 1) xⱼ² - 1)²,
    eᵢ = exp(xᵢ/10), yᵢ = exp(i/10) + exp((i - 1)/10), i = 2 … n

    x: n = 4. Problem 24, the second penalty function of Gill, Murray and Pitfield."""
    n = x.shape[0]
    e, i = xp.exp(x / 10), xp.arange(2.0, n + 1.0)
    r1 = e[1:] + e[:-1] - (xp.exp(i / 10) + xp.exp((i - 1) / 10))
    r2 = e[1:] - xp.exp(-xp.ones(()) / 10)
    r0, s = x[0] - 0.2, xp.sum((n - xp.arange(0.0, n)) * x * x) - 1
    return r0 * r0 + xp.sum(r1 * r1 + r2 * r2) / 100000 + s * s


@penalty_two.gradient
def _(xp, x):
    n = x.shape[0]
    factors, nothing = n - xp.arange(0.0, n), xp.zeros((1,))
    e, i = xp.exp(x / 10), xp.arange(2.0, n + 1.0)  # node 1
    r1 = e[1:] + e[:-1] - (xp.exp(i / 10) + xp.exp((i - 1) / 10))  # node 2
    r2 = e[1:] - xp.exp(-xp.ones(()) / 10)  # node 3
    r0, s = x[0] - 0.2, xp.sum(factors * x * x) - 1  # nodes 4 and 5
    d_r0, d_r1, d_r2, d_s = 2 * r0, 2 * r1 / 100000, 2 * r2 / 100000, 2 * s  # node 6 input
    d_e = xp.concat([nothing, d_r1 + d_r2]) + xp.concat([d_r1, nothing])  # node 2 and 3 input: an inner e is in two r₁
    d_x = xp.concat([d_r0[None], xp.zeros((n - 1,))]) + 2 * factors * x * d_s  # node 4 and 5 input
    return (d_x + e / 10 * d_e,)  # node 1 input


@penalty_two.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n) / n)


penalty_two.publishes("9.37629e-6", SOURCE, x=np.float32([0.199999332, 0.191316694, 0.480101496, 0.518845379]))


@function(
    x=Reals((5,)),
    points=[
        dict(x=np.float32([0.8, 0.6, 0.4, 0.2, 0.0])),  # the start
        dict(x=[1.0] * 5),  # the solution
        dict(x=[0.5, -1.25, 2.0, 0.75, 1.5]),
    ],
)
def variably_dimensioned(xp, x):
    """f(x) = Σ (xᵢ - 1)² + s² + s⁴, s = Σ i (xᵢ - 1)

    x: 5. Problem 25."""
    r = x - 1
    s = xp.sum(xp.arange(1.0, x.shape[0] + 1.0) * r)
    return xp.sum(r * r) + s * s + (s * s) ** 2


@variably_dimensioned.gradient
def _(xp, x):
    i = xp.arange(1.0, x.shape[0] + 1.0)
    r = x - 1  # node 1
    s = xp.sum(i * r)  # node 2
    q = s * s  # node 3
    d_r, d_s, d_q = 2 * r, 2 * s, 2 * q  # node 4 input: f = Σ r² + s² + q²
    d_s = d_s + 2 * s * d_q  # node 3 input
    return (d_r + i * d_s,)  # node 2 and 1 input


@variably_dimensioned.inputs_of_size
def _(n, rng):
    return dict(x=1 + rng.normal(size=n) / n)


variably_dimensioned.publishes("0e-30", SOURCE, x=[1.0] * 5)


@function(
    x=Reals((4,)),
    points=[
        dict(x=[1.0, 1.0, 1.0, 1.0]),  # the start
        dict(x=[-1.0, -1.0, -1.0, -1.0]),  # the solution
        dict(x=[0.5, -1.25, 2.0, 0.75]),
    ],
)
def linear_of_full_rank(xp, x):
    """f(x) = Σᵢ (xᵢ - 2/m Σ x - 1)² + (m - n) (2/m Σ x + 1)²

    x: n = 4, m = 2 n residuals. Problem 32. The smallest value is m - n."""
    n = x.shape[0]
    r = xp.concat([x, xp.zeros((n,))]) - xp.sum(x) / n - 1
    return xp.sum(r * r)


@linear_of_full_rank.gradient
def _(xp, x):
    n = x.shape[0]
    s = xp.sum(x)  # node 1
    r = xp.concat([x, xp.zeros((n,))]) - s / n - 1  # node 2
    d_r = 2 * r  # node 3 input: f = Σ r²
    d_s = -xp.sum(d_r) / n  # node 2 input: every residual holds s
    return (d_r[:n] + d_s,)  # node 2 and 1 input


@linear_of_full_rank.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


linear_of_full_rank.publishes("4.000000", SOURCE, x=[-1.0, -1.0, -1.0, -1.0])


@function(
    x=Reals((4,)),
    points=[
        dict(x=[1.0, 1.0, 1.0, 1.0]),  # the start
        dict(x=[0.5, -1.25, 2.0, 0.75]),
        dict(x=[3.0, 1.0, -1.0, -0.5]),  # Σ j xⱼ = 0
    ],
)
def linear_of_rank_one(xp, x):
    """f(x) = Σᵢ (i Σⱼ j xⱼ - 1)², i = 1 … m

    x: n = 4, m = 2 n residuals. Problem 33. The smallest value, m (m - 1) / (2 (2 m + 1)), is that of a whole plane."""
    n = x.shape[0]
    r = xp.arange(1.0, 2 * n + 1.0) * xp.sum(xp.arange(1.0, n + 1.0) * x) - 1
    return xp.sum(r * r)


@linear_of_rank_one.gradient
def _(xp, x):
    n = x.shape[0]
    i, j = xp.arange(1.0, 2 * n + 1.0), xp.arange(1.0, n + 1.0)
    s = xp.sum(j * x)  # node 1
    r = i * s - 1  # node 2
    d_r = 2 * r  # node 3 input: f = Σ r²
    d_s = xp.sum(i * d_r)  # node 2 input
    return (j * d_s,)  # node 1 input


@linear_of_rank_one.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n) / n**2)


linear_of_rank_one.publishes("1.647059", SOURCE + ": 28/17", x=np.float32([0.0, 0.0, 0.0, 3 / 68]))


@function(
    x=Reals((4,)),
    points=[
        dict(x=[1.0, 1.0, 1.0, 1.0]),  # the start
        dict(x=[0.5, -1.25, 2.0, 0.75]),
        dict(x=[0.5, 1.5, -1.0, 2.0]),  # Σ j xⱼ = 0
    ],
)
def linear_of_rank_one_with_zeros(xp, x):
    """f(x) = 2 + Σᵢ ((i - 1) Σⱼ j xⱼ - 1)², i = 2 … m - 1, j = 2 … n - 1

    x: n = 4, m = 2 n residuals, the first and the last of which are -1. Problem 34. The first and the last of x are not
    looked at. The smallest value, (m² + 3 m - 6) / (2 (2 m - 3)), is that of a whole space."""
    n = x.shape[0]
    r = xp.arange(1.0, 2 * n - 1.0) * xp.sum(xp.arange(2.0, n) * x[1:-1]) - 1
    return 2 + xp.sum(r * r)


@linear_of_rank_one_with_zeros.gradient
def _(xp, x):
    n, nothing = x.shape[0], xp.zeros((1,))
    i, j = xp.arange(1.0, 2 * n - 1.0), xp.arange(2.0, n)
    s = xp.sum(j * x[1:-1])  # node 1
    r = i * s - 1  # node 2
    d_r = 2 * r  # node 3 input: f = 2 + Σ r²
    d_s = xp.sum(i * d_r)  # node 2 input
    return (xp.concat([nothing, j * d_s, nothing]),)  # node 1 input


@linear_of_rank_one_with_zeros.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n) / n**2)


linear_of_rank_one_with_zeros.publishes("3.153846", SOURCE + ": 41/13", x=np.float32([0.5, 0.0, 1 / 13, -1.25]))
