"""Objectives of regression and of clustering: what is minimized over the coefficients, or the centres, of a model."""

import math

import numpy as np

from gradproof import Reals, function

ROWS = [[0.5, -1.0], [1.5, 0.75], [-0.25, 2.0], [-2.0, 0.625], [1.0, -1.75], [0.375, 1.25]]
"""Six observations of two variables."""


def pattern(xp, n, *values):
    """n numbers: these values, over and over."""
    return xp.asarray([float(values[i % len(values)]) for i in range(n)])


@function(
    x=Reals((6, 2), low=-4.0, high=4.0),
    w=Reals((2,), low=-4.0, high=4.0),
    points=[
        dict(x=ROWS, w=[0.75, -0.5]),
        dict(x=ROWS, w=[0.0, 0.0]),  # every rate is 1
        dict(x=[[4.0, -4.0], [-4.0, 4.0], [0.0, 0.0], [1.0, 1.0], [2.0, -3.0], [-0.5, 4.0]], w=[4.0, -4.0]),
    ],
)
def poisson_regression(xp, x, w):
    """f(x, w) = Σᵢ exp(aᵢ) - kᵢ aᵢ, a = x w, fixed counts k

    x: n x p = 6x2, w: 2. The negative log-likelihood, but for the constant log k!. McCullagh and Nelder, Generalized
    Linear Models, 2nd ed., section 6.2."""
    a = xp.sum(x * w, axis=1)
    return xp.sum(xp.exp(a) - pattern(xp, x.shape[0], 0, 3, 1, 2) * a)


@poisson_regression.gradient
def _(xp, x, w):
    a = xp.sum(x * w, axis=1)  # node 1
    d_a = xp.exp(a) - pattern(xp, x.shape[0], 0, 3, 1, 2)  # node 2 input: f = Σ exp a - k a
    d_x = d_a[:, None] * w  # node 1 input
    d_w = xp.sum(d_a[:, None] * x, axis=0)  # node 1 input
    return d_x, d_w


@poisson_regression.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(4 * n, n)), w=rng.normal(size=n) / n)


def events_and_risk(xp, n):
    """Fixed times with ties, two of every three observed, the third censored: 1 for each observed event, and a matrix
    with 1 where the second was still at risk at the time of the first."""
    times = np.array([(5 * i + 2) % 4 for i in range(n)])
    return pattern(xp, n, 1, 1, 0), xp.asarray((times[None, :] >= times[:, None]).astype(float))


@function(
    x=Reals((6, 2), low=-4.0, high=4.0),
    w=Reals((2,), low=-4.0, high=4.0),
    points=[
        dict(x=ROWS, w=[0.75, -0.5]),
        dict(x=ROWS, w=[0.0, 0.0]),  # all risks are equal
        dict(x=[[4.0, -4.0], [-4.0, 4.0], [0.0, 0.0], [1.0, 1.0], [2.0, -3.0], [-0.5, 4.0]], w=[4.0, -4.0]),
    ],
)
def cox_partial_likelihood(xp, x, w):
    """f(x, w) = Σᵢ eᵢ (aᵢ - log Σⱼ Rᵢⱼ exp aⱼ), a = x w, eᵢ: i was observed, Rᵢⱼ: j was at risk at the time of i

    x: n x p = 6x2, w: 2, fixed times and events. Tied times share one risk set: Breslow, Biometrics 30 (1974). Cox,
    Journal of the Royal Statistical Society B 34 (1972)."""
    events, risk = events_and_risk(xp, x.shape[0])
    a = xp.sum(x * w, axis=1)
    return xp.sum(events * (a - xp.log(xp.matmul(risk, xp.exp(a)))))


@cox_partial_likelihood.gradient
def _(xp, x, w):
    events, risk = events_and_risk(xp, x.shape[0])
    a = xp.sum(x * w, axis=1)  # node 1
    e = xp.exp(a)  # node 2
    s = xp.matmul(risk, e)  # node 3
    d_s = -events / s  # node 4 input: f = Σ events (a - log s)
    d_e = xp.matmul(xp.matrix_transpose(risk), d_s)  # node 3 input
    d_a = events + e * d_e  # node 4 input, and node 2 input
    d_x = d_a[:, None] * w  # node 1 input
    d_w = xp.sum(d_a[:, None] * x, axis=0)  # node 1 input
    return d_x, d_w


@cox_partial_likelihood.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(4 * n, n)), w=rng.normal(size=n) / n)


@function(
    c=Reals((4,), low=-8.0, high=8.0),
    t=Reals((5,), low=-2.0, high=2.0),
    s=Reals((5,), low=-8.0, high=8.0),
    points=[
        dict(c=[0.5, -1.25, 0.375, 0.75], t=[-1.0, -0.5, 0.0, 0.5, 1.0], s=[-1.0, -1.0, 0.0, 1.0, 1.0]),
        dict(c=[1.0, 0.0, -1.0, 0.0], t=[-1.0, -0.5, 0.0, 0.5, 1.0], s=[0.0, 0.75, 1.0, 0.75, 0.0]),  # a perfect fit
        dict(c=[8.0, -4.0, 0.5, 2.0], t=[2.0, -2.0, 1.75, 0.25, -0.0], s=[-8.0, 3.0, 0.0, 1.0, 8.0]),
    ],
)
def polynomial_least_squares(xp, c, t, s):
    """f(c, t, s) = ½ Σᵢ (sᵢ - Σₖ cₖ tᵢᵏ)²

    c: m = 4 coefficients, t and s: n = 5 places and values there. By Horner's rule. With t from -1 to 1 and s = sign t
    this is the objective llsq_obj of B. M. Bell's benchmarks (cmpad)."""
    p = c[-1]
    for k in reversed(range(c.shape[0] - 1)):
        p = p * t + c[k]
    return xp.sum((s - p) ** 2) / 2


@polynomial_least_squares.gradient
def _(xp, c, t, s):
    m = c.shape[0]
    p = [c[m - 1] + xp.zeros_like(t)]
    for k in reversed(range(m - 1)):
        p += [p[-1] * t + c[k]]  # node 1 of step k
    d_s = s - p[-1]  # node 2 input: f = Σ (s - p)² / 2
    d_p, d_t, d_c = -d_s, 0, []
    for k in range(m - 1):
        d_c += [xp.sum(d_p)]  # node 1 input
        d_t = d_t + p[m - 2 - k] * d_p  # node 1 input, with the p of the step before
        d_p = t * d_p  # node 1 input: to the step before
    d_c += [xp.sum(d_p)]  # where p began
    return xp.stack(d_c), d_t, d_s


@polynomial_least_squares.inputs_of_size
def _(n, rng):
    t = np.linspace(-1, 1, 4 * n)
    return dict(c=rng.normal(size=n), t=t, s=np.sign(t))


@function(
    x=Reals((4, 2), low=-100.0, high=100.0),
    centres=Reals((3, 2), low=-100.0, high=100.0),
    points=[
        dict(
            x=[[0.5, -1.0], [1.5, 0.75], [-0.25, 2.0], [-2.0, 0.625]], centres=[[0.0, 2.5], [1.0, 0.25], [-1.5, -1.0]]
        ),
        dict(x=[[0.0, 0.0], [2.0, 0.0], [5.0, 5.0], [1.0, 0.5]], centres=[[1.0, 1.0], [1.0, -1.0], [3.0, 0.0]]),  # ties
        dict(x=[[1.0, 2.0], [1.5, -0.5], [0.0, 3.0], [2.0, 2.0]], centres=[[1.0, 2.0], [1.0, 2.0], [8.0, 8.0]]),
    ],
)
def k_means(xp, x, centres):
    """f(x, c) = Σᵢ minₖ Σⱼ (xᵢⱼ - cₖⱼ)²

    x: n x d = 4x2, c: k x d = 3x2. Where several centres are nearest, the subdifferential is every set of shares among
    them that are at least 0 and sum to 1; chosen here: the first of them. MacQueen, Fifth Berkeley Symposium (1967)."""
    r = x[:, None, :] - centres[None, :, :]
    return xp.sum(xp.min(xp.sum(r * r, axis=2), axis=1))


@k_means.gradient
def _(xp, x, centres):
    r = x[:, None, :] - centres[None, :, :]  # node 1, (n, k, d)
    s = xp.sum(r * r, axis=2)  # node 2, (n, k)
    nearest = xp.argmin(s, axis=1)  # node 3: the smallest s of each row
    d_x, d_centres = 0, []
    for k in range(centres.shape[0]):
        own = (nearest == k)[:, None]
        d_r = xp.where(own, 2 * r[:, k, :], xp.zeros_like(x))  # nodes 4, 3 and 2 input: f = Σ s over the nearest
        d_x = d_x + d_r  # node 1 input
        d_centres += [-xp.sum(d_r, axis=0)]  # node 1 input
    return d_x, xp.stack(d_centres)


@k_means.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(8 * n, n)), centres=rng.normal(size=(n, n)))


GAMMA, M = 0.75, 2
"""The parameters of Wishart's distribution: its scale is 1/γ², and it has D + m + 1 degrees of freedom."""


def below_diagonal(d):
    """The places of the entries below the diagonal, column by column, in the rows of a d x d matrix end to end; and for
    each place of the matrix which of these entries stands there, counted from 1, or 0 for none."""
    places = [i * d + j for j in range(d) for i in range(j + 1, d)]
    entries = np.zeros(d * d, dtype=int)
    entries[places] = np.arange(1, len(places) + 1)
    return places, entries


@function(
    alphas=Reals((2,), low=-8.0, high=8.0),
    means=Reals((2, 2), low=-8.0, high=8.0),
    factors=Reals((2, 3), low=-2.0, high=2.0),
    x=Reals((3, 2), low=-8.0, high=8.0),
    points=[
        dict(
            alphas=[0.5, -0.25],
            means=[[1.0, -0.5], [-1.25, 0.75]],
            factors=[[0.25, -0.5, 0.75], [0.125, 0.375, -1.0]],
            x=[[0.5, -1.0], [1.5, 0.625], [-2.0, 1.25]],
        ),
        dict(  # two equal components, and an observation at their means
            alphas=[0.0, 0.0], means=[[1.0, 2.0]] * 2, factors=[[0.0] * 3] * 2, x=[[1.0, 2.0], [0.0, 0.5], [3.0, -1.0]]
        ),
        dict(  # far apart: each observation is sure of its component
            alphas=[8.0, -8.0],
            means=[[8.0, -8.0], [-8.0, 8.0]],
            factors=[[2.0, -2.0, 1.5], [-1.0, 2.0, 0.0]],
            x=[[8.0, -7.5], [-8.0, 8.0], [0.0, 0.0]],
        ),
    ],
)
def gaussian_mixture(xp, alphas, means, factors, x):
    """f(α, μ, q l, x) = Σᵢ logsumexpₖ(αₖ + Σ qₖ - ½ ‖Qₖ (xᵢ - μₖ)‖²) - N logsumexp(α) - ND/2 log 2π
    + Σₖ (m Σ qₖ - γ²/2 ‖Qₖ‖²), Qₖ = diag(exp qₖ) + the lower triangle of lₖ

    α: K = 2, μ: K x D = 2x2, q and l side by side: K x D (D + 1)/2 = 2x3, x: N x D = 3x2. The logarithm of the
    posterior density of a mixture whose precision matrices are Qᵀ Q, with Wishart's distribution as their prior, but
    for its constant. Šrajer, Kukelova and Fitzgibbon, Optimization Methods and Software 33 (2018), section 4.1, with
    one sign for likelihood and prior (their program has opposite ones)."""
    (count, d), k = x.shape, means.shape[0]
    q, lower = factors[:, :d], factors[:, d:]
    L = xp.take(xp.concat([xp.zeros((k, 1)), lower], axis=1), xp.asarray(below_diagonal(d)[1]), axis=1)
    Q = xp.exp(q)[:, :, None] * xp.eye(d) + xp.reshape(L, (k, d, d))
    y = xp.matmul(Q, xp.matrix_transpose(x) - means[:, :, None])
    a = (alphas + xp.sum(q, axis=1))[:, None] - xp.sum(y * y, axis=1) / 2
    fit = xp.sum(xp.special.logsumexp(a, axis=0)) - count * xp.special.logsumexp(alphas)
    return fit - count * d / 2 * math.log(2 * math.pi) + M * xp.sum(q) - GAMMA**2 / 2 * xp.sum(Q * Q)


@gaussian_mixture.gradient
def _(xp, alphas, means, factors, x):
    (count, d), k = x.shape, means.shape[0]
    q, (places, entries) = factors[:, :d], below_diagonal(d)
    lower = xp.concat([xp.zeros((k, 1)), factors[:, d:]], axis=1)
    e = xp.exp(q)  # node 1, (k, d)
    L = xp.reshape(xp.take(lower, xp.asarray(entries), axis=1), (k, d, d))
    Q = e[:, :, None] * xp.eye(d) + L  # node 2
    r = xp.matrix_transpose(x) - means[:, :, None]  # node 3, (k, d, count): a column for each observation
    y = xp.matmul(Q, r)  # node 4
    a = (alphas + xp.sum(q, axis=1))[:, None] - xp.sum(y * y, axis=1) / 2  # node 5, (k, count)
    # f = Σ logsumexp(a) - N logsumexp(α) + m Σ q - γ²/2 Σ Q² + …  node 6
    d_a = xp.nn.softmax(a, axis=0)  # node 6 input: how far an observation belongs to a component
    d_alphas = xp.sum(d_a, axis=1) - count * xp.nn.softmax(alphas, axis=0)  # nodes 5 and 6 input
    d_q = M + xp.sum(d_a, axis=1)[:, None]  # nodes 6 and 5 input
    d_y = -y * d_a[:, None, :]  # node 5 input
    d_Q = xp.matmul(d_y, xp.matrix_transpose(r)) - GAMMA**2 * Q  # nodes 4 and 6 input
    d_r = xp.matmul(xp.matrix_transpose(Q), d_y)  # node 4 input
    d_x = xp.matrix_transpose(xp.sum(d_r, axis=0))  # node 3 input
    d_means = -xp.sum(d_r, axis=2)  # node 3 input
    d_lower = xp.take(xp.reshape(d_Q, (k, d * d)), xp.asarray(places), axis=1)  # node 2 input
    d_e = xp.sum(d_Q * xp.eye(d), axis=2)  # node 2 input
    d_q = d_q + e * d_e  # node 1 input, the second way
    return d_alphas, d_means, xp.concat([d_q, d_lower], axis=1), d_x


@gaussian_mixture.inputs_of_size
def _(n, rng):
    factors = 0.25 * rng.normal(size=(4, n * (n + 1) // 2))
    return dict(
        alphas=rng.normal(size=4), means=rng.normal(size=(4, n)), factors=factors, x=rng.normal(size=(8 * n, n))
    )
