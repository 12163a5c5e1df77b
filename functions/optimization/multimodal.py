"""Test functions of global optimization, most of them with many minima between which a gradient cannot tell. Where they
lie and how low they are is printed in Surjanovic and Bingham, Virtual Library of Simulation Experiments, and is checked
here. Points hold minima and starts of either kind."""

import numpy as np

from gradproof import Reals, function

SOURCE = "Surjanovic and Bingham, Virtual Library of Simulation Experiments"


@function(
    x=Reals((3,), low=-32.0, high=32.0),
    points=[
        dict(x=[0.5, -1.25, 2.0]),
        dict(x=[0.0, 0.0, 0.0]),  # the minimum, a kink
        dict(x=[1.0, -2.0, 0.0]),  # a lattice point, where every cosine is 1
        dict(x=[32.0, -0.25, 2.0**-20]),
    ],
)
def ackley(xp, x):
    """f(x) = -20 exp(-1/5 √(1/n Σ x²)) - exp(1/n Σ cos 2πx) + 20 + e

    x: n = 3. Ackley, A Connectionist Machine for Genetic Hillclimbing (1987). At x = 0 the root has a kink: the
    subdifferential is the ball of the radius 4/√n, and the gradient below chooses 0, its center."""
    s = xp.sqrt(xp.mean(x * x))
    return -20 * xp.exp(-s / 5) - xp.exp(xp.mean(xp.cos(2 * xp.pi * x))) + 20 + xp.e


@ackley.gradient
def _(xp, x):
    n = x.shape[0]
    q = xp.mean(x * x)  # node 1
    s = xp.sqrt(q)  # node 2
    a = xp.exp(-s / 5)  # node 3
    angle = 2 * xp.pi * x  # node 4
    c = xp.mean(xp.cos(angle))  # node 5
    d_a = -20  # node 6 input: f = -20 a - exp c + 20 + e
    d_c = -xp.exp(c)  # node 6 input
    d_s = -a / 5 * d_a  # node 3 input
    # Node 2 sends d_s / 2s, and node 1 sends 2 x / n times that: the 2 cancels.
    d_x = x / xp.where(s == 0, 1.0, s) * (d_s / n)  # node 2 and 1 input
    d_angle = -xp.sin(angle) * (d_c / n)  # node 5 input
    return (d_x + 2 * xp.pi * d_angle,)  # node 4 input


@ackley.inputs_of_size
def _(n, rng):
    return dict(x=rng.uniform(-32, 32, size=n))


ackley.publishes("0e-30", SOURCE, x=[0.0, 0.0, 0.0])


@function(
    x=Reals((3,), low=-5.0, high=5.0),
    points=[
        dict(x=[0.5, -1.25, 2.0]),
        dict(x=[0.0, 0.0, 0.0]),  # the minimum
        dict(x=[4.5, -4.5, 1.0]),  # two maxima of the cosine part
    ],
)
def rastrigin(xp, x):
    """f(x) = 10 n + Σ (x² - 10 cos 2πx)

    x: n = 3. Rastrigin, Systems of Extremal Control (1974)."""
    return 10 * x.shape[0] + xp.sum(x * x - 10 * xp.cos(2 * xp.pi * x))


@rastrigin.gradient
def _(xp, x):
    # c = cos 2πx           node 1
    # f = 10 n + Σ x² - 10 c  node 2
    d_x, d_c = 2 * x, -10  # node 2 input
    return (d_x - 2 * xp.pi * xp.sin(2 * xp.pi * x) * d_c,)  # node 1 input


@rastrigin.inputs_of_size
def _(n, rng):
    return dict(x=rng.uniform(-5, 5, size=n))


rastrigin.publishes("0e-30", SOURCE, x=[0.0, 0.0, 0.0])


@function(
    x=Reals((3,), low=-600.0, high=600.0),
    points=[
        dict(x=[0.5, -1.25, 2.0]),
        dict(x=[0.0, 0.0, 0.0]),  # the minimum
        dict(x=[600.0, -40.0, 3.5]),
    ],
)
def griewank(xp, x):
    """f(x) = Σ xᵢ² / 4000 - Π cos(xᵢ / √i) + 1

    x: 3. Griewank, Journal of Optimization Theory and Applications 34 (1981). The derivative of the product is the
    product of the others."""
    angles = x / xp.sqrt(xp.arange(1.0, x.shape[0] + 1.0))
    return xp.sum(x * x) / 4000 - xp.prod(xp.cos(angles)) + 1


@griewank.gradient
def _(xp, x):
    roots, one = xp.sqrt(xp.arange(1.0, x.shape[0] + 1.0)), xp.ones((1,))
    angles = x / roots  # node 1
    c = xp.cos(angles)  # node 2
    # p = Π c              node 3
    d_p = -1  # node 4 input: f = Σ x² / 4000 - p + 1
    before = xp.concat([one, xp.cumulative_prod(c)[:-1]])
    behind = xp.flip(xp.concat([one, xp.cumulative_prod(xp.flip(c))[:-1]]))
    d_c = before * behind * d_p  # node 3 input
    d_angles = -xp.sin(angles) * d_c  # node 2 input
    return (x / 2000 + d_angles / roots,)  # node 4 and 1 input


@griewank.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


griewank.publishes("0e-30", SOURCE, x=[0.0, 0.0, 0.0])


@function(
    x=Reals((3,), low=-10.0, high=10.0),
    points=[
        dict(x=[0.5, -1.25, 2.0]),
        dict(x=[1.0, 1.0, 1.0]),  # the minimum
        dict(x=[-7.0, 5.0, 9.0]),  # whole w, where every sine of the first kind vanishes
    ],
)
def levy(xp, x):
    """f(x) = sin² πw₁ + Σᵢ (wᵢ - 1)² (1 + 10 sin²(πwᵢ + 1)) + (wₙ - 1)² (1 + sin² 2πwₙ), w = 1 + (x - 1)/4, i < n

    x: 3. Levy and Montalvo, SIAM Journal on Scientific and Statistical Computing 6 (1985), in the form that Laguna and
    Martí gave it."""
    w = 1 + (x - 1) / 4
    first, last = xp.sin(xp.pi * w[0]), xp.sin(2 * xp.pi * w[-1])
    u, s = w - 1, xp.sin(xp.pi * w[:-1] + 1)
    return first * first + xp.sum(u[:-1] * u[:-1] * (1 + 10 * s * s)) + u[-1] * u[-1] * (1 + last * last)


@levy.gradient
def _(xp, x):
    w = 1 + (x - 1) / 4  # node 1
    u = w - 1  # node 2
    first = xp.sin(xp.pi * w[0])  # node 3
    s = xp.sin(xp.pi * w[:-1] + 1)  # node 4
    last = xp.sin(2 * xp.pi * w[-1])  # node 5
    d_first = 2 * first  # node 6 input: f = first² + Σ u² (1 + 10 s²) + uₙ² (1 + last²)
    d_s = 20 * s * u[:-1] * u[:-1]  # node 6 input
    d_last = 2 * last * u[-1] * u[-1]  # node 6 input
    d_u = 2 * u * xp.concat([1 + 10 * s * s, (1 + last * last)[None]])  # node 6 input
    d_w_last = 2 * xp.pi * xp.cos(2 * xp.pi * w[-1]) * d_last  # node 5 input
    d_w_others = xp.pi * xp.cos(xp.pi * w[:-1] + 1) * d_s  # node 4 input
    d_w_first = xp.pi * xp.cos(xp.pi * w[0]) * d_first  # node 3 input
    d_w = d_u + xp.concat([d_w_others, d_w_last[None]])  # node 2 input beside them
    d_w = d_w + xp.concat([d_w_first[None], xp.zeros((x.shape[0] - 1,))])
    return (d_w / 4,)  # node 1 input


@levy.inputs_of_size
def _(n, rng):
    return dict(x=rng.uniform(-10, 10, size=n))


levy.publishes("0e-30", SOURCE, x=[1.0, 1.0, 1.0])


@function(
    x=Reals((3,)),
    points=[
        dict(x=[0.5, -1.25, 2.0]),
        dict(x=np.float32([-2.903534, -2.903534, -2.903534])),  # the minimum
        dict(x=[0.0, 2.75, -3.0]),
    ],
)
def styblinski_tang(xp, x):
    """f(x) = ½ Σ (x⁴ - 16 x² + 5 x)

    x: 3. Styblinski and Tang, Neural Networks 3 (1990)."""
    return xp.sum(x**4 - 16 * x * x + 5 * x) / 2


@styblinski_tang.gradient
def _(xp, x):
    d_p = 0.5  # node 2 input: f = ½ Σ p
    return ((4 * x**3 - 32 * x + 5) * d_p,)  # node 1 input: p = x⁴ - 16 x² + 5 x


@styblinski_tang.inputs_of_size
def _(n, rng):
    return dict(x=rng.uniform(-5, 5, size=n))


styblinski_tang.publishes("-117.49850", SOURCE + ": three times -39.16617", x=np.float32([-2.903534] * 3))


@function(
    x=Reals((2,)),
    points=[
        dict(x=[0.5, -1.25]),
        dict(x=[3.0, 2.0]),  # a minimum
        dict(x=np.float32([-0.270845, -0.923039])),  # the maximum
        dict(x=[0.0, 0.0]),
    ],
)
def himmelblau(xp, x):
    """f(a, b) = (a² + b - 11)² + (a + b² - 7)²

    x = (a, b): 2. Himmelblau, Applied Nonlinear Programming (1972): four minima of the same depth."""
    a, b = x[0], x[1]
    r1, r2 = a * a + b - 11, a + b * b - 7
    return r1 * r1 + r2 * r2


@himmelblau.gradient
def _(xp, x):
    a, b = x[0], x[1]
    r1, r2 = a * a + b - 11, a + b * b - 7  # nodes 1 and 2
    d_r1, d_r2 = 2 * r1, 2 * r2  # node 3 input
    return (xp.stack([2 * a * d_r1 + d_r2, d_r1 + 2 * b * d_r2]),)  # node 1 and 2 input


himmelblau.publishes("0e-30", "Himmelblau, Applied Nonlinear Programming (1972)", x=[3.0, 2.0])
himmelblau.publishes("0.0000000", "Himmelblau, Applied Nonlinear Programming (1972)", x=[-2.805118, 3.131312])
himmelblau.publishes("0.0000000", "Himmelblau, Applied Nonlinear Programming (1972)", x=[-3.779310, -3.283186])
himmelblau.publishes("0.0000000", "Himmelblau, Applied Nonlinear Programming (1972)", x=[3.584428, -1.848126])
himmelblau.publishes("181.617", "Himmelblau, Applied Nonlinear Programming (1972)", x=[-0.270845, -0.923039])


@function(
    x=Reals((2,)),
    points=[dict(x=[0.5, -1.25]), dict(x=[1.0, 3.0]), dict(x=[0.0, 0.0]), dict(x=[-40.0, 1000.0])],
)
def booth(xp, x):
    """f(a, b) = (a + 2 b - 7)² + (2 a + b - 5)²

    x = (a, b): 2; the second point is the minimum."""
    a, b = x[0], x[1]
    r1, r2 = a + 2 * b - 7, 2 * a + b - 5
    return r1 * r1 + r2 * r2


@booth.gradient
def _(xp, x):
    a, b = x[0], x[1]
    r1, r2 = a + 2 * b - 7, 2 * a + b - 5  # nodes 1 and 2
    d_r1, d_r2 = 2 * r1, 2 * r2  # node 3 input
    return (xp.stack([d_r1 + 2 * d_r2, 2 * d_r1 + d_r2]),)  # node 1 and 2 input


booth.publishes("0e-30", SOURCE, x=[1.0, 3.0])


@function(
    x=Reals((2,), low=-5.0, high=15.0),
    points=[
        dict(x=[0.5, -1.25]),
        dict(x=np.float32([-np.pi, 12.275])),  # one of three minima
        dict(x=[9.5, 2.5]),
        dict(x=[0.0, 6.0]),  # where the parabola is 0, and the sine
    ],
)
def branin(xp, x):
    """f(a, b) = (b - 5.1/(4π²) a² + 5/π a - 6)² + 10 (1 - 1/(8π)) cos a + 10

    x = (a, b): 2. Branin, IBM Journal of Research and Development 16 (1972); Dixon and Szegö, Towards Global
    Optimisation 2 (1978)."""
    a, b = x[0], x[1]
    r = b - 5.1 / (4 * xp.pi**2) * a * a + 5 / xp.pi * a - 6
    return r * r + 10 * (1 - 1 / (8 * xp.pi)) * xp.cos(a) + 10


@branin.gradient
def _(xp, x):
    a, b = x[0], x[1]
    r = b - 5.1 / (4 * xp.pi**2) * a * a + 5 / xp.pi * a - 6  # node 1
    # c = cos a  node 2
    d_r, d_c = 2 * r, 10 * (1 - 1 / (8 * xp.pi))  # node 3 input: f = r² + 10 (1 - 1/(8π)) c + 10
    d_a = -xp.sin(a) * d_c  # node 2 input
    d_a = d_a + (5 / xp.pi - 5.1 / (2 * xp.pi**2) * a) * d_r  # node 1 input, the second way from a
    return (xp.stack([d_a, d_r]),)  # node 1 input: b as it is


branin.publishes("0.397887", SOURCE, x=np.float32([-np.pi, 12.275]))
branin.publishes("0.397887", SOURCE, x=np.float32([np.pi, 2.275]))
branin.publishes("0.397887", SOURCE, x=[9.42478, 2.475])
