"""Energies of physical systems: of many particles, where the gradient is minus the force on each of them, and of a
field that is made consistent with itself by iteration."""

from gradproof import Distinct, Positive, Reals, function

ROUNDS = 5
"""How often the mean field is computed anew."""


@function(
    x=Reals((4, 3), low=-40.0, high=40.0),
    m=Positive((4,), high=8.0),
    points=[
        dict(
            x=[[0.5, -1.25, 2.0], [0.75, 1.5, -0.375], [-2.25, 0.25, 1.0], [1.75, -0.625, -1.5]],
            m=[1.0, 0.5, 2.25, 0.75],
        ),
        dict(x=[[1.5, -0.5, 0.25]] * 2 + [[0.0, 0.0, 0.0]] * 2, m=[1.0, 2.0, 0.5, 0.25]),  # two and two in one place
        dict(
            x=[[40.0, 0.0, -40.0], [2.0**-10, 0.0, 0.0], [0.0, 2.0**-12, 0.0], [-8.0, 0.5, 1.0]],
            m=[8.0, 2.0**-10, 1.0, 4.0],
        ),
    ],
)
def n_body_gravity(xp, x, m):
    """f(x, m) = -Σᵢ<ⱼ mᵢ mⱼ / √(‖xᵢ - xⱼ‖² + ε²)

    x: 4x3, a row for each body, m: 4, ε = 1/4, G = 1. The potential of Plummer spheres, of Aarseth, Monthly Notices of
    the Royal Astronomical Society 126 (1963): the softening ε keeps it finite where bodies meet."""
    n = x.shape[0]
    d = x[:, None, :] - x[None, :, :]
    products = m[:, None] * m * (1 - xp.eye(n))
    return -0.5 * xp.sum(products / xp.sqrt(xp.sum(d * d, axis=2) + 0.0625))


@n_body_gravity.gradient
def _(xp, x, m):
    others = 1 - xp.eye(x.shape[0])
    d = x[:, None, :] - x[None, :, :]  # node 1, (4, 4, 3)
    q = xp.sum(d * d, axis=2) + 0.0625  # node 2, (4, 4)
    s = xp.sqrt(q)  # node 3
    p = m[:, None] * m * others  # node 4
    d_p, d_s = -0.5 / s, 0.5 * p / q  # node 5 input: f = -½ Σ p / s, every pair counted twice
    d_m = xp.sum(m * others * d_p, axis=1) + xp.sum(m[:, None] * others * d_p, axis=0)  # node 4 input
    d_q = d_s / (2 * s)  # node 3 input
    d_d = 2 * d * d_q[:, :, None]  # node 2 input
    d_x = xp.sum(d_d, axis=1) - xp.sum(d_d, axis=0)  # node 1 input
    return d_x, d_m


@n_body_gravity.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 3)), m=rng.uniform(0.5, 2, size=n))


@function(
    x=Distinct((4, 3), low=-2.0, high=2.0),
    epsilon=Positive((), low=0.125, high=4.0),
    sigma=Positive((), low=0.5, high=1.5),
    points=[
        dict(
            x=[[0.5, -1.25, 2.0], [0.75, 1.5, -0.375], [-1.75, 0.25, 1.0], [1.75, -0.625, -1.5]],
            epsilon=0.75,
            sigma=1.25,
        ),
        dict(  # a square, whose sides are a little too long
            x=[[0.0, 0.0, 0.0], [1.25, 0.0, 0.0], [1.25, 1.25, 0.0], [0.0, 1.25, 0.0]], epsilon=1.0, sigma=1.0
        ),
        dict(  # two are nearly in one place
            x=[[0.5, -1.25, 2.0], [0.5625, -1.25, 2.0], [-1.75, 0.25, 1.0], [1.75, -0.625, -1.5]],
            epsilon=1.0,
            sigma=0.5,
        ),
    ],
)
def lennard_jones_cluster(xp, x, epsilon, sigma):
    """f(x, ε, σ) = 4 ε Σᵢ<ⱼ ((σ/rᵢⱼ)¹² - (σ/rᵢⱼ)⁶), rᵢⱼ = ‖xᵢ - xⱼ‖

    x: 4x3, a row for each atom; no two in one place, which `Distinct` coordinates never are. Jones, Proceedings of the
    Royal Society A 106 (1924)."""
    n = x.shape[0]
    d = x[:, None, :] - x[None, :, :]
    a = sigma * sigma / (xp.sum(d * d, axis=2) + xp.eye(n))  # on the diagonal anything finite: it does not count
    t = a * a * a
    return 2 * epsilon * xp.sum((t * t - t) * (1 - xp.eye(n)))


@lennard_jones_cluster.gradient
def _(xp, x, epsilon, sigma):
    others = 1 - xp.eye(x.shape[0])
    d = x[:, None, :] - x[None, :, :]  # node 1, (4, 4, 3)
    q = xp.sum(d * d, axis=2) + xp.eye(x.shape[0])  # node 2, (4, 4)
    a = sigma * sigma / q  # node 3
    t = a * a * a  # node 4
    p = (t * t - t) * others  # node 5
    d_epsilon = 2 * xp.sum(p)  # node 6 input: f = 2 ε Σ p, every pair counted twice
    d_p = 2 * epsilon  # node 6 input
    d_t = (2 * t - 1) * others * d_p  # node 5 input
    d_a = 3 * a * a * d_t  # node 4 input
    d_sigma = xp.sum(2 * sigma / q * d_a)  # node 3 input
    d_q = -a / q * d_a  # node 3 input
    d_d = 2 * d * d_q[:, :, None]  # node 2 input
    d_x = xp.sum(d_d, axis=1) - xp.sum(d_d, axis=0)  # node 1 input
    return d_x, d_epsilon, d_sigma


@lennard_jones_cluster.inputs_of_size
def _(n, rng):
    side = round(n ** (1 / 3)) + 1
    lattice = [[k % side, k // side % side, k // side**2] for k in range(n)]
    return dict(x=1.125 * rng.permutation(lattice) + rng.uniform(-0.0625, 0.0625, (n, 3)), epsilon=1.0, sigma=1.0)


TETRAHEDRON = [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]
"""Its edges are 2 √2 long."""

lennard_jones_cluster.publishes(
    "-6.000000",
    "The Cambridge Cluster Database, Lennard-Jones clusters: of 4 atoms, whose distances are 2^(1/6)",
    x=[[2 ** (1 / 6) / 8**0.5 * c for c in corner] for corner in TETRAHEDRON],
    epsilon=1.0,
    sigma=1.0,
)


@function(
    J=Reals((3, 3), low=-1.0, high=1.0),
    h=Reals((3,), low=-1.0, high=1.0),
    T=Positive((), low=0.5, high=4.0),
    points=[
        dict(J=[[0.0, 0.5, -0.25], [0.5, 0.0, 0.75], [-0.25, 0.75, 0.0]], h=[0.5, -0.375, 0.125], T=1.25),
        dict(J=[[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]], h=[0.0, 0.0, 0.0], T=1.0),  # no field: it stays 0
        dict(J=[[1.0, 0.875, 1.0], [0.75, 1.0, 1.0], [1.0, 1.0, 0.5]], h=[1.0, 0.75, 0.5], T=0.5),  # saturated
    ],
)
def ising_mean_field(xp, J, h, T):
    """f(J, h, T) = ½ mᵀ J m - T Σ log 2 cosh((J m + h) / T), m after five rounds of m = tanh((J m + h) / T) from 0

    J: 3x3, h: 3. The free energy of spins in each other's mean field (MacKay, Information Theory, Inference, and
    Learning Algorithms, section 33.2). It is stationary in m where the rounds come to rest; after five of them m still
    counts, and so does every round."""
    m = xp.fori_loop(0, ROUNDS, lambda k, m: xp.tanh((xp.matmul(J, m) + h) / T), xp.zeros_like(h))
    z = xp.matmul(J, m)
    return 0.5 * xp.sum(m * z) - T * xp.sum(xp.log(2 * xp.cosh((z + h) / T)))


@ising_mean_field.gradient
def _(xp, J, h, T):
    ms = [xp.zeros_like(h)]
    for k in range(ROUNDS):
        ms += [xp.tanh((xp.matmul(J, ms[k]) + h) / T)]  # node 2 of round k, with node 1: a = (J m + h) / T
    m = ms[ROUNDS]
    z = xp.matmul(J, m)  # node 3
    a = (z + h) / T  # node 4
    d_m, d_z = 0.5 * z, 0.5 * m  # node 5 input: f = ½ Σ m z - T Σ log 2 cosh a
    d_T = -xp.sum(xp.log(2 * xp.cosh(a)))  # node 5 input
    d_a = -T * xp.tanh(a)  # node 5 input
    d_h, d_T = d_a / T, d_T - xp.sum(a * d_a) / T  # node 4 input
    d_z = d_z + d_a / T  # node 4 input
    d_J = d_z[:, None] * m  # node 3 input
    d_m = d_m + xp.matmul(xp.matrix_transpose(J), d_z)  # node 3 input
    for k in reversed(range(ROUNDS)):
        d_a = (1 - ms[k + 1] * ms[k + 1]) * d_m  # node 2 input
        a = (xp.matmul(J, ms[k]) + h) / T
        d_h = d_h + d_a / T  # node 1 input
        d_T = d_T - xp.sum(a * d_a) / T  # node 1 input
        d_J = d_J + d_a[:, None] / T * ms[k]  # node 1 input
        d_m = xp.matmul(xp.matrix_transpose(J), d_a) / T  # node 1 input: to the round before
    return d_J, d_h, d_T


@ising_mean_field.inputs_of_size
def _(n, rng):
    return dict(J=rng.normal(size=(n, n)) / n, h=rng.uniform(-1, 1, size=n), T=1.5)
