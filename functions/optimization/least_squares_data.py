"""Models fitted to measured data by least squares, from the collection of Moré, Garbow and Hillstrom, "Testing
Unconstrained Optimization Software", ACM Transactions on Mathematical Software 7 (1981), numbered as there, with the
data printed there. Points are their starting points and their solutions, which are printed with few digits and were
computed anew, each number rounded to the nearest of float32. The gradient is 2 Jᵀ r: each residual sends 2 r to what it
was made of."""

import numpy as np

from gradproof import Positive, Reals, function

SOURCE = "Moré, Garbow and Hillstrom, ACM TOMS 7 (1981), section 3"

BARD = [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39]

BELL = [0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989]
"""The first half of a curve that is symmetric, and its middle."""

MEYER = [34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872]

KOWALIK = [0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246]
KOWALIK_AT = [4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625]

OSBORNE_ONE = [
    *(0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751),
    *(0.718, 0.685, 0.658, 0.628, 0.603, 0.580, 0.558, 0.538, 0.522, 0.506, 0.490),
    *(0.478, 0.467, 0.457, 0.448, 0.438, 0.431, 0.424, 0.420, 0.414, 0.411, 0.406),
]

OSBORNE_TWO = [
    *(1.366, 1.191, 1.112, 1.013, 0.991, 0.885, 0.831, 0.847, 0.786, 0.725, 0.746, 0.679, 0.608),
    *(0.655, 0.616, 0.606, 0.602, 0.626, 0.651, 0.724, 0.649, 0.649, 0.694, 0.644, 0.624, 0.661),
    *(0.612, 0.558, 0.533, 0.495, 0.500, 0.423, 0.395, 0.375, 0.372, 0.391, 0.396, 0.405, 0.428),
    *(0.429, 0.523, 0.562, 0.607, 0.653, 0.672, 0.708, 0.633, 0.668, 0.645, 0.632, 0.591, 0.559),
    *(0.597, 0.625, 0.739, 0.710, 0.729, 0.720, 0.636, 0.581, 0.428, 0.292, 0.162, 0.098, 0.054),
]


@function(
    x=Positive((3,), low=0.125, high=8.0),
    points=[
        dict(x=[1.0, 1.0, 1.0]),  # the start
        dict(x=np.float32([0.0824105591, 1.13303614, 2.34369516])),  # the solution
        dict(x=[0.5, 1.25, 2.75]),
        dict(x=[0.0, 0.125, 8.0]),
    ],
)
def bard(xp, x):
    """f(a, b, c) = Σᵢ (yᵢ - a - uᵢ / (b vᵢ + c wᵢ))², uᵢ = i, vᵢ = 16 - i, wᵢ the smaller of both, i = 1 … 15

    x = (a, b, c): 3, b and c positive, so that no divisor vanishes. Problem 8, of Bard."""
    u = xp.arange(1.0, 16.0)
    v = 16 - u
    q = u / (x[1] * v + x[2] * xp.minimum(u, v))
    r = xp.asarray(BARD) - x[0] - q
    return xp.sum(r * r)


@bard.gradient
def _(xp, x):
    u = xp.arange(1.0, 16.0)
    v = 16 - u
    w = xp.minimum(u, v)
    s = x[1] * v + x[2] * w  # node 1
    q = u / s  # node 2
    r = xp.asarray(BARD) - x[0] - q  # node 3
    d_r = 2 * r  # node 4 input: f = Σ r²
    d_a = -xp.sum(d_r)  # node 3 input
    d_q = -d_r  # node 3 input
    d_s = -q / s * d_q  # node 2 input
    d_b, d_c = xp.sum(v * d_s), xp.sum(w * d_s)  # node 1 input
    return (xp.stack([d_a, d_b, d_c]),)


bard.publishes("8.21487e-3", SOURCE, x=np.float32([0.0824105591, 1.13303614, 2.34369516]))


@function(
    x=Reals((3,), low=-1.0, high=2.0),
    points=[
        dict(x=np.float32([0.4, 1.0, 0.0])),  # the start, so near the solution that nothing but noise is left
        dict(x=np.float32([0.39895615, 1.00001907, 0.0])),  # the solution
        dict(x=[0.5, 1.25, -0.375]),
        dict(x=[-0.75, 0.0, 1.5]),  # b = 0: a constant
    ],
)
def gaussian_bell_fit(xp, x):
    """f(a, b, c) = Σᵢ (a exp(-b (tᵢ - c)² / 2) - yᵢ)², tᵢ = (8 - i) / 2, i = 1 … 15

    x = (a, b, c): 3, from -1 to 2: with b = -1 the exponent is at most 15. Problem 9."""
    t = (8 - xp.arange(1.0, 16.0)) / 2
    r = x[0] * xp.exp(-x[1] * (t - x[2]) ** 2 / 2) - xp.asarray(BELL + BELL[-2::-1])
    return xp.sum(r * r)


@gaussian_bell_fit.gradient
def _(xp, x):
    t = (8 - xp.arange(1.0, 16.0)) / 2
    u = t - x[2]  # node 1
    e = xp.exp(-x[1] * u * u / 2)  # node 2
    r = x[0] * e - xp.asarray(BELL + BELL[-2::-1])  # node 3
    d_r = 2 * r  # node 4 input: f = Σ r²
    d_a = xp.sum(e * d_r)  # node 3 input
    d_e = x[0] * d_r  # node 3 input
    d_b = -xp.sum(u * u / 2 * e * d_e)  # node 2 input
    d_u = -x[1] * u * e * d_e  # node 2 input
    d_c = -xp.sum(d_u)  # node 1 input
    return (xp.stack([d_a, d_b, d_c]),)


gaussian_bell_fit.publishes("1.12793e-8", SOURCE, x=np.float32([0.39895615, 1.00001907, 0.0]))


@function(
    x=Positive((3,), high=1024.0),
    points=[
        dict(x=np.float32([0.02, 4000.0, 250.0])),  # the start
        dict(x=np.float32([0.005609636463, 6181.346347426, 345.2236346625])),  # the solution
        dict(x=[0.5, 600.0, 8.0]),
    ],
)
def meyer(xp, x):
    """f(a, b, c) = Σᵢ (a exp(b / (tᵢ + c)) - yᵢ)², tᵢ = 45 + 5 i, i = 1 … 16

    x = (a, b, c): 3, positive and at most 1024, where the exponent is at most 21. Problem 10, of Meyer: the resistance
    of a thermistor."""
    t = 45 + 5 * xp.arange(1.0, 17.0)
    r = x[0] * xp.exp(x[1] / (t + x[2])) - xp.asarray([float(y) for y in MEYER])
    return xp.sum(r * r)


@meyer.gradient
def _(xp, x):
    t = 45 + 5 * xp.arange(1.0, 17.0)
    s = t + x[2]  # node 1
    e = xp.exp(x[1] / s)  # node 2
    r = x[0] * e - xp.asarray([float(y) for y in MEYER])  # node 3
    d_r = 2 * r  # node 4 input: f = Σ r²
    d_a = xp.sum(e * d_r)  # node 3 input
    d_e = x[0] * d_r  # node 3 input
    d_b = xp.sum(e / s * d_e)  # node 2 input
    d_c = -xp.sum(x[1] / (s * s) * e * d_e)  # node 2 and 1 input
    return (xp.stack([d_a, d_b, d_c]),)


meyer.publishes("87.9458", SOURCE, x=[0.005609636463, 6181.346347426, 345.2236346625])


@function(
    x=Positive((4,), low=2.0**-6, high=4.0),
    points=[
        dict(x=np.float32([0.25, 0.39, 0.415, 0.39])),  # the start
        dict(x=np.float32([0.192806929, 0.191282332, 0.123056509, 0.136062324])),  # the solution
        dict(x=[0.5, 1.25, 2.0, 0.75]),
        dict(x=[2.0, 0.0, 0.0, 0.25]),
    ],
)
def kowalik_osborne(xp, x):
    """f(a, b, c, d) = Σᵢ (yᵢ - a (uᵢ² + b uᵢ) / (uᵢ² + c uᵢ + d))², i = 1 … 11

    x = (a, b, c, d): 4, positive, so that no divisor vanishes. Problem 15, of Kowalik and Osborne: the rate of a
    reaction with an enzyme."""
    u = xp.asarray(KOWALIK_AT)
    r = xp.asarray(KOWALIK) - x[0] * (u * u + x[1] * u) / (u * u + x[2] * u + x[3])
    return xp.sum(r * r)


@kowalik_osborne.gradient
def _(xp, x):
    u = xp.asarray(KOWALIK_AT)
    p = u * u + x[1] * u  # node 1
    s = u * u + x[2] * u + x[3]  # node 2
    q = p / s  # node 3
    r = xp.asarray(KOWALIK) - x[0] * q  # node 4
    d_r = 2 * r  # node 5 input: f = Σ r²
    d_a = -xp.sum(q * d_r)  # node 4 input
    d_q = -x[0] * d_r  # node 4 input
    d_p, d_s = d_q / s, -q / s * d_q  # node 3 input
    d_c, d_d = xp.sum(u * d_s), xp.sum(d_s)  # node 2 input
    d_b = xp.sum(u * d_p)  # node 1 input
    return (xp.stack([d_a, d_b, d_c, d_d]),)


kowalik_osborne.publishes("3.07505e-4", SOURCE, x=np.float32([0.192806929, 0.191282332, 0.123056509, 0.136062324]))


@function(
    x=Reals((5,), low=-0.0625, high=1.0),
    points=[
        dict(x=np.float32([0.5, 1.5, -1.0, 0.01, 0.02])),  # the start
        dict(x=np.float32([0.37541005, 1.93584692, -1.46468711, 0.0128675345, 0.0221226998])),  # the solution
        dict(x=[0.25, -0.5, 0.75, 0.0625, 0.0]),  # the second exponential does not decay
    ],
)
def osborne_of_two_exponentials(xp, x):
    """f(x) = Σᵢ (yᵢ - x₁ - x₂ e^(-x₄ t) - x₃ e^(-x₅ t))², t = 10 (i - 1), i = 1 … 33

    x: 5, from -1/16, where the exponent is 20, to 1. Problem 17, of Osborne."""
    t = 10 * xp.arange(33.0)
    r = xp.asarray(OSBORNE_ONE) - x[0] - x[1] * xp.exp(-x[3] * t) - x[2] * xp.exp(-x[4] * t)
    return xp.sum(r * r)


@osborne_of_two_exponentials.gradient
def _(xp, x):
    t = 10 * xp.arange(33.0)
    p, q = xp.exp(-x[3] * t), xp.exp(-x[4] * t)  # nodes 1 and 2
    r = xp.asarray(OSBORNE_ONE) - x[0] - x[1] * p - x[2] * q  # node 3
    d_r = 2 * r  # node 4 input: f = Σ r²
    d_x1, d_x2, d_x3 = -xp.sum(d_r), -xp.sum(p * d_r), -xp.sum(q * d_r)  # node 3 input
    d_p, d_q = -x[1] * d_r, -x[2] * d_r  # node 3 input
    d_x4 = -xp.sum(t * p * d_p)  # node 1 input
    d_x5 = -xp.sum(t * q * d_q)  # node 2 input
    return (xp.stack([d_x1, d_x2, d_x3, d_x4, d_x5]),)


osborne_of_two_exponentials.publishes(
    "5.46489e-5", SOURCE, x=np.float32([0.37541005, 1.93584692, -1.46468711, 0.0128675345, 0.0221226998])
)


@function(
    x=Reals((11,), low=0.0, high=8.0),
    points=[
        dict(x=np.float32([1.3, 0.65, 0.65, 0.7, 0.6, 3.0, 5.0, 7.0, 2.0, 4.5, 5.5])),  # the start
        dict(
            x=np.float32(
                [
                    1.30997717,
                    0.431553781,
                    0.633661687,
                    0.599430561,
                    0.754183233,
                    0.90428859,
                    1.36581182,
                    4.823699,
                    2.39868498,
                    4.56887484,
                    5.67534161,
                ]
            )
        ),  # the solution
        dict(x=[0.5, -1.25, 2.0, 0.75, 0.0, 1.0, 0.5, 0.25, 1.0, 3.0, -2.0]),
    ],
)
def osborne_of_three_peaks(xp, x):
    """f(x) = Σᵢ (yᵢ - x₁ e^(-x₅ t) - Σₖ xₖ₊₁ exp(-xₖ₊₅ (t - xₖ₊₈)²))², k = 1, 2, 3, t = (i - 1) / 10, i = 1 … 65

    x: 11, from 0 to 8: a decay and three peaks, with their heights, widths and places. Problem 19, of Osborne."""
    t = xp.arange(65.0) / 10
    u = t - x[8:, None]
    r = (
        xp.asarray(OSBORNE_TWO)
        - x[0] * xp.exp(-x[4] * t)
        - xp.sum(x[1:4, None] * xp.exp(-x[5:8, None] * u * u), axis=0)
    )
    return xp.sum(r * r)


@osborne_of_three_peaks.gradient
def _(xp, x):
    t = xp.arange(65.0) / 10
    p = xp.exp(-x[4] * t)  # node 1
    u = t - x[8:, None]  # node 2, (3, 65): a row for each peak
    e = xp.exp(-x[5:8, None] * u * u)  # node 3
    r = xp.asarray(OSBORNE_TWO) - x[0] * p - xp.sum(x[1:4, None] * e, axis=0)  # node 4
    d_r = 2 * r  # node 5 input: f = Σ r²
    d_amplitude = -xp.sum(p * d_r)  # node 4 input
    d_p = -x[0] * d_r  # node 4 input
    d_heights = -xp.sum(e * d_r, axis=1)  # node 4 input
    d_e = -x[1:4, None] * d_r  # node 4 input
    d_widths = -xp.sum(u * u * e * d_e, axis=1)  # node 3 input
    d_u = -2 * x[5:8, None] * u * e * d_e  # node 3 input
    d_places = -xp.sum(d_u, axis=1)  # node 2 input
    d_rate = -xp.sum(t * p * d_p)  # node 1 input
    d_x = xp.concat([d_amplitude[None], d_heights, d_rate[None], d_widths, d_places])  # in the order of x
    return (d_x,)


osborne_of_three_peaks.publishes(
    "4.01377e-2",
    SOURCE,
    x=np.float32(
        [
            1.30997717,
            0.431553781,
            0.633661687,
            0.599430561,
            0.754183233,
            0.90428859,
            1.36581182,
            4.823699,
            2.39868498,
            4.56887484,
            5.67534161,
        ]
    ),
)
