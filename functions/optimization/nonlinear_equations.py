"""Systems of n equations in n unknowns as least-squares problems, from the collection of Moré, Garbow and Hillstrom,
"Testing Unconstrained Optimization Software", ACM Transactions on Mathematical Software 7 (1981), numbered as there.
Points are their starting points and their solutions, each number rounded to the nearest of float32. The gradient is
2 Jᵀ r: each residual sends 2 r to what it was made of."""

import numpy as np

from gradproof import Reals, UnitInterval, function

SOURCE = "Moré, Garbow and Hillstrom, ACM TOMS 7 (1981), section 3"


@function(
    x=Reals((4,), low=-8.0, high=8.0),
    points=[
        dict(x=[0.25, 0.25, 0.25, 0.25]),  # the start
        dict(x=[0.0, 0.0, 0.0, 0.0]),  # a solution
        dict(x=[0.5, -1.25, 2.0, 0.75]),
    ],
)
def trigonometric_equations(xp, x):
    """f(x) = Σᵢ (n - Σⱼ cos xⱼ + i (1 - cos xᵢ) - sin xᵢ)²

    x: n = 4. Problem 26, of Spedicato."""
    n, c = x.shape[0], xp.cos(x)
    r = n - xp.sum(c) + xp.arange(1.0, n + 1.0) * (1 - c) - xp.sin(x)
    return xp.sum(r * r)


@trigonometric_equations.gradient
def _(xp, x):
    n = x.shape[0]
    i = xp.arange(1.0, n + 1.0)
    c, s = xp.cos(x), xp.sin(x)  # nodes 1 and 2
    r = n - xp.sum(c) + i * (1 - c) - s  # node 3
    d_r = 2 * r  # node 4 input: f = Σ r²
    d_c = -xp.sum(d_r) - i * d_r  # node 3 input: every residual holds every cosine
    d_s = -d_r  # node 3 input
    return (-s * d_c + c * d_s,)  # node 1 and 2 input


@trigonometric_equations.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


trigonometric_equations.publishes("0e-30", SOURCE, x=[0.0, 0.0, 0.0, 0.0])


@function(
    x=Reals((4,)),
    points=[
        dict(x=[0.5, 0.5, 0.5, 0.5]),  # the start
        dict(x=[1.0, 1.0, 1.0, 1.0]),  # a solution
        dict(x=[0.0, 0.0, 0.0, 5.0]),  # a minimum without a solution, where the product vanishes threefold
        dict(x=[0.5, -1.25, 0.0, 0.75]),
    ],
)
def brown_almost_linear(xp, x):
    """f(x) = Σᵢ (xᵢ + Σ x - (n + 1))² + (Π x - 1)², i = 1 … n - 1

    x: n = 4. Problem 27, of Brown. The derivative of the product is the product of the others."""
    r = x[:-1] + xp.sum(x) - (x.shape[0] + 1)
    p = xp.prod(x) - 1
    return xp.sum(r * r) + p * p


@brown_almost_linear.gradient
def _(xp, x):
    n, one = x.shape[0], xp.ones((1,))
    s = xp.sum(x)  # node 1
    r = x[:-1] + s - (n + 1)  # node 2
    p = xp.prod(x) - 1  # node 3
    d_r, d_p = 2 * r, 2 * p  # node 4 input: f = Σ r² + p²
    before = xp.concat([one, xp.cumulative_prod(x)[:-1]])
    behind = xp.flip(xp.concat([one, xp.cumulative_prod(xp.flip(x))[:-1]]))
    d_x = before * behind * d_p  # node 3 input
    d_s = xp.sum(d_r)  # node 2 input
    return (d_x + xp.concat([d_r, xp.zeros((1,))]) + d_s,)  # node 2 and 1 input


@brown_almost_linear.inputs_of_size
def _(n, rng):
    return dict(x=1 + rng.normal(size=n) / n)


brown_almost_linear.publishes("0e-30", SOURCE, x=[1.0, 1.0, 1.0, 1.0])
brown_almost_linear.publishes("1.000000", SOURCE, x=[0.0, 0.0, 0.0, 5.0])


@function(
    x=Reals((4,)),
    points=[
        dict(x=np.float32([-4 / 25, -6 / 25, -6 / 25, -4 / 25])),  # the start
        dict(x=[0.5, -1.25, 2.0, 0.75]),
        dict(x=[-1.25, 0.0, -0.5, 1.5]),
    ],
)
def discrete_boundary_value(xp, x):
    """f(x) = Σᵢ (2 xᵢ - xᵢ₋₁ - xᵢ₊₁ + h² (xᵢ + tᵢ + 1)³ / 2)², h = 1 / (n + 1), tᵢ = i h

    x: n = 4, the solution of u'' = (u + t + 1)³ / 2 between two ends where it is 0. Problem 28, of Moré and Cosnard."""
    n, end = x.shape[0], xp.zeros((1,))
    left, right = xp.concat([end, x[:-1]]), xp.concat([x[1:], end])
    r = 2 * x - left - right + (x + xp.arange(1.0, n + 1.0) / (n + 1) + 1) ** 3 / (2 * (n + 1) ** 2)
    return xp.sum(r * r)


@discrete_boundary_value.gradient
def _(xp, x):
    n, end = x.shape[0], xp.zeros((1,))
    left, right = xp.concat([end, x[:-1]]), xp.concat([x[1:], end])  # node 1
    u = x + xp.arange(1.0, n + 1.0) / (n + 1) + 1  # node 2
    r = 2 * x - left - right + u * u * u / (2 * (n + 1) ** 2)  # node 3
    d_r = 2 * r  # node 4 input: f = Σ r²
    d_u = 3 * u * u / (2 * (n + 1) ** 2) * d_r  # node 3 input
    d_left = d_right = -d_r  # node 3 input
    d_x = 2 * d_r + d_u  # node 3 and 2 input
    return (d_x + xp.concat([d_left[1:], end]) + xp.concat([end, d_right[:-1]]),)  # node 1 input: shifted back


@discrete_boundary_value.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


@function(
    x=Reals((4,)),
    points=[
        dict(x=np.float32([-4 / 25, -6 / 25, -6 / 25, -4 / 25])),  # the start
        dict(x=[0.5, -1.25, 2.0, 0.75]),
        dict(x=[-1.25, 0.0, -0.5, 1.5]),
    ],
)
def discrete_integral_equation(xp, x):
    """f(x) = Σᵢ (xᵢ + h/2 ((1 - tᵢ) Σⱼ≤ᵢ tⱼ cⱼ + tᵢ Σⱼ>ᵢ (1 - tⱼ) cⱼ))², cⱼ = (xⱼ + tⱼ + 1)³, h = 1 / (n + 1), tᵢ = i h

    x: n = 4. Problem 29, of Moré and Cosnard: the boundary value problem 28 by its Green's function."""
    n = x.shape[0]
    t = xp.arange(1.0, n + 1.0) / (n + 1)
    green = xp.tril((1 - t[:, None]) * t) + xp.triu(t[:, None] * (1 - t), k=1)
    r = x + xp.matmul(green, (x + t + 1) ** 3) / (2 * (n + 1))
    return xp.sum(r * r)


@discrete_integral_equation.gradient
def _(xp, x):
    n = x.shape[0]
    t = xp.arange(1.0, n + 1.0) / (n + 1)
    green = xp.tril((1 - t[:, None]) * t) + xp.triu(t[:, None] * (1 - t), k=1)
    u = x + t + 1  # node 1
    c = u * u * u  # node 2
    r = x + xp.matmul(green, c) / (2 * (n + 1))  # node 3
    d_r = 2 * r  # node 4 input: f = Σ r²
    d_c = xp.matmul(xp.matrix_transpose(green), d_r) / (2 * (n + 1))  # node 3 input
    d_u = 3 * u * u * d_c  # node 2 input
    return (d_r + d_u,)  # node 3 and 1 input


@discrete_integral_equation.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


@function(
    x=Reals((5,)),
    points=[
        dict(x=[-1.0] * 5),  # the start
        dict(x=[0.5, -1.25, 2.0, 0.75, -0.375]),
        dict(x=[0.75] * 5),  # where 3 - 4 x is 0
    ],
)
def broyden_tridiagonal(xp, x):
    """f(x) = Σᵢ ((3 - 2 xᵢ) xᵢ - xᵢ₋₁ - 2 xᵢ₊₁ + 1)², x₀ = xₙ₊₁ = 0

    x: n = 5. Problem 30, of Broyden."""
    end = xp.zeros((1,))
    r = (3 - 2 * x) * x - xp.concat([end, x[:-1]]) - 2 * xp.concat([x[1:], end]) + 1
    return xp.sum(r * r)


@broyden_tridiagonal.gradient
def _(xp, x):
    end = xp.zeros((1,))
    left, right = xp.concat([end, x[:-1]]), xp.concat([x[1:], end])  # node 1
    r = (3 - 2 * x) * x - left - 2 * right + 1  # node 2
    d_r = 2 * r  # node 3 input: f = Σ r²
    d_x = (3 - 4 * x) * d_r  # node 2 input
    d_left, d_right = -d_r, -2 * d_r  # node 2 input
    return (d_x + xp.concat([d_left[1:], end]) + xp.concat([end, d_right[:-1]]),)  # node 1 input: shifted back


@broyden_tridiagonal.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


@function(
    x=Reals((8,)),
    points=[
        dict(x=[-1.0] * 8),  # the start
        dict(x=[0.5, -1.25, 2.0, 0.75, -0.375, 1.5, 0.25, -0.5]),
        dict(x=[0.0, -0.5, 0.0, -1.0, 0.0, 0.0, -0.5, 0.0]),
    ],
)
def broyden_banded(xp, x):
    """f(x) = Σᵢ (xᵢ (2 + 5 xᵢ²) + 1 - Σⱼ xⱼ (1 + xⱼ))², j ≠ i from i - 5 to i + 1

    x: n = 8, so that the band ends within. Problem 31, of Broyden."""
    n = x.shape[0]
    band = xp.tril(xp.triu(xp.ones((n, n)), k=-5), k=1) - xp.eye(n)
    r = x * (2 + 5 * x * x) + 1 - xp.matmul(band, x * (1 + x))
    return xp.sum(r * r)


@broyden_banded.gradient
def _(xp, x):
    n = x.shape[0]
    band = xp.tril(xp.triu(xp.ones((n, n)), k=-5), k=1) - xp.eye(n)
    q = x * (1 + x)  # node 1
    r = x * (2 + 5 * x * x) + 1 - xp.matmul(band, q)  # node 2
    d_r = 2 * r  # node 3 input: f = Σ r²
    d_x = (2 + 15 * x * x) * d_r  # node 2 input
    d_q = -xp.matmul(xp.matrix_transpose(band), d_r)  # node 2 input
    return (d_x + (1 + 2 * x) * d_q,)  # node 1 input


@broyden_banded.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


@function(
    x=UnitInterval((5,)),
    points=[
        dict(x=np.float32([j / 6 for j in range(1, 6)])),  # the start
        dict(x=[0.125, 0.75, 0.0, 1.0, 0.375]),
        dict(x=[0.5] * 5),  # where every polynomial is 0 or ±1
    ],
)
def chebyquad(xp, x):
    """f(x) = Σᵢ (1/n Σⱼ Tᵢ(xⱼ) - ∫ Tᵢ)², Tᵢ the Chebyshev polynomials moved to [0, 1], i = 1 … n

    x: n = 5, nodes of a quadrature with equal weights; the integral from 0 to 1 is -1 / (i² - 1) for even i, 0 for odd
    ones. Tᵢ = 2 y Tᵢ₋₁ - Tᵢ₋₂, y = 2 x - 1. Problem 35, of Fletcher."""
    n, y = x.shape[0], 2 * x - 1
    before, t, f = xp.ones_like(x), y, 0
    for i in range(1, n + 1):
        r = xp.sum(t) / n + (0 if i % 2 else 1 / xp.asarray(i * i - 1.0))
        f = f + r * r
        before, t = t, 2 * y * t - before
    return f


@chebyquad.gradient
def _(xp, x):
    n, y = x.shape[0], 2 * x - 1  # node 1
    ts = [xp.ones_like(x), y]
    for _ in range(2, n + 1):
        ts += [2 * y * ts[-1] - ts[-2]]  # node 2 of each i
    d_y, d_t, d_before = 0, 0, 0  # what Tᵢ and Tᵢ₋₁ are sent, from the last i to the first
    for i in reversed(range(1, n + 1)):
        r = xp.sum(ts[i]) / n + (0 if i % 2 else 1 / xp.asarray(i * i - 1.0))  # node 3 of each i
        d_t = d_t + 2 * r / n  # node 4 and 3 input: f = Σ r²
        if i > 1:
            d_y = d_y + 2 * ts[i - 1] * d_t  # node 2 input
            d_t, d_before = d_before + 2 * y * d_t, -d_t  # node 2 input: to Tᵢ₋₁ and Tᵢ₋₂
    return (2 * (d_y + d_t),)  # T₁ is y; node 1 input


@chebyquad.inputs_of_size
def _(n, rng):
    return dict(x=rng.uniform(size=n))


chebyquad_eight = chebyquad.variant(
    "eight",
    x=UnitInterval((8,)),  # of which there is no such quadrature
    points=[
        dict(x=np.float32([j / 9 for j in range(1, 9)])),
        dict(x=[0.5, 0.125, 0.25, 0.875, 0.0, 1.0, 0.375, 0.625]),
    ],
)
chebyquad_eight.publishes(
    "3.51687e-3",
    SOURCE,
    x=np.float32([0.0431527607, 0.193090841, 0.266328692, 0.5, 0.5, 0.733671308, 0.806909144, 0.95684725]),
)
