"""Scalar functions of one vector that optimizers and statistics live on."""

from gradproof import Reals, function


@function(
    x=Reals((4,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.75]),
        dict(x=[1.0, 1.0, 1.0, 1.0]),  # the minimum: every term vanishes
        dict(x=[-1.25, 1.0, 0.0, -0.0]),
        dict(x=[40.0, 1600.0, -3.0, 9.0]),  # on the floor of the valley, where x₂ = x₁²
    ],
)
def rosenbrock(xp, x):
    """f(x) = Σᵢ 100 (xᵢ₊₁ - xᵢ²)² + (1 - xᵢ)²

    x: 4, three terms. Rosenbrock, The Computer Journal 3 (1960), extended to n variables."""
    a, b = x[:-1], x[1:]
    u = b - a * a
    v = 1 - a
    return xp.sum(100 * u * u + v * v)


@rosenbrock.gradient
def _(xp, x):
    a, b = x[:-1], x[1:]  # node 1: x without its last entry, and without its first
    u = b - a * a  # node 2
    v = 1 - a  # node 3
    d_u = 200 * u  # node 4 input: f = Σ 100 u² + v²
    d_v = 2 * v  # node 4 input
    d_a = -d_v  # node 3 input
    d_a = d_a - 2 * a * d_u  # node 2 input, the second way from a
    d_b = d_u  # node 2 input
    nothing = xp.zeros((1,))
    d_x = xp.concat([d_a, nothing]) + xp.concat([nothing, d_b])  # node 1 input: an inner entry is in a and in b
    return (d_x,)


@rosenbrock.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


rosenbrock.publishes("0e-30", "Rosenbrock, The Computer Journal 3 (1960)", x=[1.0, 1.0, 1.0, 1.0])


@function(
    x=Reals((3,)),
    points=[
        dict(x=[0.5, -1.25, 2.0]),
        dict(x=[3.0, -4.0, 12.0]),  # the norm is 13 exactly
        dict(x=[3.0 * 2.0**-40, 2.0**-40, -(2.0**-41)]),  # tiny, but its squares are still normal numbers in float32
        dict(x=[0.0, 0.0, 0.0]),  # the kink
    ],
)
def euclidean_norm(xp, x):
    """f(x) = √(Σ x²)

    x: 3. At x = 0 the subdifferential is the unit ball, every g with ‖g‖ ≤ 1; the gradient below chooses 0 there."""
    return xp.linalg.vector_norm(x)


@euclidean_norm.gradient
def _(xp, x):
    s = xp.sum(x * x)  # node 1
    n = xp.sqrt(s)  # node 2
    d_n = 1
    # Node 2 sends d_s = d_n / 2n, and node 1 sends 2 x d_s: the 2 cancels.
    d_x = x / xp.where(n == 0, 1.0, n) * d_n  # node 2 and 1 input
    return (d_x,)


@euclidean_norm.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


@function(
    x=Reals((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.75, -3.5]),
        dict(x=[1.5, 1.5, 1.5, 1.5, 1.5]),  # no spread: every derivative vanishes
        dict(x=[1000.0, 1001.0, 998.0, 1000.5, 1000.25]),  # a large offset beside a small spread
    ],
)
def variance(xp, x):
    """f(x) = Σ (x - x̄)² / (n - 1)

    x: n = 5. The unbiased estimate."""
    return xp.var(x, correction=1)


@variance.gradient
def _(xp, x):
    m = xp.mean(x)  # node 1
    c = x - m  # node 2
    d_c = 2 * c / 4  # node 3 input: f = Σ c² / 4
    d_m = -xp.sum(d_c)  # node 2 input: 0 but for rounding, because deviations from the mean sum to 0
    d_x = d_c + d_m / 5  # node 2 and 1 input
    return (d_x,)
