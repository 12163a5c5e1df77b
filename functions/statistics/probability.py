"""Log-densities and losses from probability: what a model is fitted with."""

import math

import numpy as np

from gradproof import PositiveDefinite, Reals, function, weights


@function(
    x=Reals((3, 4)),
    points=[
        dict(x=[[0.5, -1.0, 2.25, 0.75], [1.5, 3.0, -0.5, 0.25], [-2.5, -1.75, -3.0, -0.625]]),
        dict(x=[[0.0, 0.0, 0.0, 0.0], [1.5, 1.5, -2.0, 1.5], [-0.0, 2.0**-20, -1.0, 1.0]]),  # ties
        dict(x=[[1000.0, 999.0, -1000.0, 0.0], [-1000.0, -1001.0, -999.5, -1040.0], [88.0, 89.0, 40.0, -40.0]]),
    ],
)
def log_sum_exp(xp, x):
    """f(x) = Σᵢ wᵢ log Σⱼ exp xᵢⱼ

    x: 3x4. Smooth even where entries tie: its gradient is the softmax of each row."""
    return xp.sum(weights(xp, x.shape[:1]) * xp.special.logsumexp(x, axis=1))


@log_sum_exp.gradient
def _(xp, x):
    m = xp.max(x, axis=1, keepdims=True)  # a shift that the result does not depend on, so nothing flows through it
    e = xp.exp(x - m)  # node 1
    s = xp.sum(e, axis=1, keepdims=True)  # node 2, (3, 1)
    # l = log s + m  node 3
    # f = Σ w l      node 4
    d_l = weights(xp, (x.shape[0], 1))  # node 4 input
    d_s = 1 / s * d_l  # node 3 input
    d_e = d_s  # node 2 input, the same for each entry of a row
    d_x = e * d_e  # node 1 input
    return (d_x,)


@log_sum_exp.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, n)))


@function(
    z=Reals((3, 4)),
    points=[
        dict(z=[[0.5, -1.0, 2.25, 0.75], [1.5, 3.0, -0.5, 0.25], [-2.5, -1.75, -3.0, -0.625]]),
        dict(z=[[0.0, 0.0, 0.0, 0.0], [1.5, 1.5, -2.0, 1.5], [-0.0, 2.0**-20, -1.0, 1.0]]),
        # Sure of itself: right, wrong, wrong.
        dict(z=[[0.5, -1.0, 40.0, 3.0], [-40.0, 1.0, 2.0, 0.0], [1000.0, -1000.0, 0.0, 1.0]]),
    ],
)
def softmax_cross_entropy(xp, z):
    """f(z) = -1/n Σᵢⱼ Tᵢⱼ log softmax(zᵢ)ⱼ

    z: nx4, n = 3, fixed one-hot targets T. Bishop, Pattern Recognition and Machine Learning, section 4.3.4."""
    T = xp.asarray([[float(j == (i + 2) % 3) for j in range(4)] for i in range(z.shape[0])])
    return -xp.sum(T * xp.nn.log_softmax(z, axis=1)) / z.shape[0]


@softmax_cross_entropy.gradient
def _(xp, z):
    T = xp.asarray([[float(j == (i + 2) % 3) for j in range(4)] for i in range(z.shape[0])])
    log_p = xp.nn.log_softmax(z, axis=1)  # node 1: log pⱼ = zⱼ - log Σ exp z
    p = xp.exp(log_p)
    d_log_p = -T / z.shape[0]  # node 2 input: f = -Σ T log p / n
    # A row of T sums to 1, so that the next line is the textbook's (p - T) / n.
    d_z = d_log_p - p * xp.sum(d_log_p, axis=1, keepdims=True)  # node 1 input
    return (d_z,)


@softmax_cross_entropy.inputs_of_size
def _(n, rng):
    return dict(z=rng.normal(size=(n, 4)))


@function(
    x=Reals((5, 3)),
    w=Reals((3,)),
    points=[
        dict(
            x=[[0.5, -1.0, 0.25], [1.5, 0.75, -0.5], [-0.25, 2.0, 1.25], [-2.0, 0.625, 0.375], [1.0, 1.75, -3.0]],
            w=[0.75, -0.5, 1.25],
        ),
        dict(x=[[1.0, 2.0, -3.0], [0.5, -0.5, 4.0], [2.0, 1.5, 0.25], [-1.0, 3.0, 5.0], [0.0] * 3], w=[0.0] * 3),
        dict(  # sure of itself: right, right, wrong, wrong, unsure
            x=[[40.0, 0.5, -1.0], [-40.0, 1.0, 2.0], [-1000.0, 0.25, 1.0], [1000.0, 2.0, -0.5], [0.5, -1.0, 0.0]],
            w=[1.0, 0.5, -0.25],
        ),
    ],
)
def logistic_loss(xp, x, w):
    """f(x, w) = Σᵢ log(1 + exp(-tᵢ Σⱼ xᵢⱼ wⱼ)) / n

    x: n x p = 5x3, w: 3, fixed labels t = ±1, one after the other."""
    t = xp.asarray([1.0 - 2 * (i % 2) for i in range(x.shape[0])])
    return xp.sum(xp.nn.softplus(-t * xp.sum(x * w, axis=1))) / x.shape[0]


@logistic_loss.gradient
def _(xp, x, w):
    t = xp.asarray([1.0 - 2 * (i % 2) for i in range(x.shape[0])])
    a = xp.sum(x * w, axis=1)  # node 1, (5,)
    m = -t * a  # node 2
    # l = log(1 + exp m)  node 3
    # f = Σ l / n         node 4
    d_l = xp.ones_like(m) / m.shape[0]  # node 4 input
    d_m = xp.special.expit(m) * d_l  # node 3 input: exp m / (1 + exp m)
    d_a = -t * d_m  # node 2 input
    d_x = d_a[:, None] * w  # node 1 input
    d_w = xp.sum(d_a[:, None] * x, axis=0)  # node 1 input
    return d_x, d_w


@logistic_loss.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(4 * n, n)), w=rng.normal(size=n) / n)


@function(
    x=Reals((4, 3)),
    mu=Reals((3,)),
    log_sigma=Reals((3,), low=-8.0, high=8.0),
    points=[
        dict(
            x=[[0.5, -1.0, 0.25], [1.5, 0.75, -0.5], [-0.25, 2.0, 1.25], [-2.0, 0.625, 0.375]],
            mu=[0.125, -0.375, 0.875],
            log_sigma=[0.5, -0.25, 0.75],
        ),
        dict(x=[[1.5, -2.0, 0.5]] * 4, mu=[1.5, -2.0, 0.5], log_sigma=[0.0, 1.0, -1.0]),  # every x at its mean
        dict(
            x=[[1.0, -1.0, 2.0], [-1.0, 1.0, 0.0], [1.0, 1.0, 2.0], [-1.0, -1.0, 0.0]], mu=[0, 0, 1], log_sigma=[0] * 3
        ),
        dict(
            x=[[40.0, 0.5, 1.0], [1000.0, 2.0, 3.0], [-40.0, 0.0, 1.5], [0.5, 1.0, 2.0]],
            mu=[1, 2, 3],
            log_sigma=[8, -8, 2],
        ),
    ],
)
def gaussian_log_density(xp, x, mu, log_sigma):
    """f(x, μ, log σ) = Σᵢⱼ (-½ ((xᵢⱼ - μⱼ) / σⱼ)² - log σⱼ - ½ log 2π)

    x: 4x3, μ: 3, log σ: 3. The log-likelihood of four independent observations."""
    z = (x - mu) / xp.exp(log_sigma)
    return xp.sum(-0.5 * z * z - log_sigma - 0.5 * math.log(2 * math.pi))


@gaussian_log_density.gradient
def _(xp, x, mu, log_sigma):
    sigma = xp.exp(log_sigma)  # node 1
    r = x - mu  # node 2, (4, 3)
    z = r / sigma  # node 3
    # f = Σ (-½ z² - log σ - ½ log 2π)  node 4
    d_z = -z  # node 4 input
    d_log_sigma = -x.shape[0]  # node 4 input: log σ is counted once for each row
    d_r = 1 / sigma * d_z  # node 3 input
    d_sigma = xp.sum(-r / (sigma * sigma) * d_z, axis=0)  # node 3 input
    d_x = d_r  # node 2 input
    d_mu = -xp.sum(d_r, axis=0)  # node 2 input
    d_log_sigma = d_log_sigma + sigma * d_sigma  # node 1 input, the second way: Σ z² less the rows
    return d_x, d_mu, d_log_sigma


@gaussian_log_density.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 3)), mu=rng.normal(size=3), log_sigma=0.25 * rng.normal(size=3))


@function(
    x=Reals((3,)),
    mu=Reals((3,)),
    A=PositiveDefinite((3, 3)),
    points=[
        dict(
            x=[0.5, -1.25, 2.0],
            mu=[0.125, 0.75, -0.375],
            A=[[2.0, -0.5, 0.25], [-0.5, 1.5, 0.75], [0.25, 0.75, 3.0]],
        ),
        dict(x=[1.5, -2.0, 0.5], mu=[1.5, -2.0, 0.5], A=[[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 0.5]]),  # x = μ
        dict(x=[40.0, 1.0, -3.0], mu=[0.0, -1.0, 2.0], A=[[1.0, 0.75, 0.5], [0.25, 1.0, 0.25], [0.25, 0.5, 0.5]]),
    ],
)
def multivariate_gaussian(xp, x, mu, A):
    """f(x, μ, A) = -½ (x - μ)ᵀ S⁻¹ (x - μ) - ½ log det S - n/2 log 2π, S = ½ (A + Aᵀ)

    x: n, μ: n, A: nxn, n = 3. Evaluated through S = L Lᵀ (Cholesky), as libraries do. S is symmetric whatever A is, so
    that no gradient depends on the triangle that a factorization reads."""
    S = (A + xp.matrix_transpose(A)) / 2
    L = xp.linalg.cholesky(S)
    whitened = xp.linalg.solve(L, xp.reshape(x - mu, (x.shape[0], 1)))
    log_det = 2 * xp.sum(xp.log(xp.linalg.diagonal(L)))
    return -0.5 * xp.sum(whitened * whitened) - 0.5 * log_det - x.shape[0] / 2 * math.log(2 * math.pi)


@multivariate_gaussian.gradient
def _(xp, x, mu, A):
    S = (A + xp.matrix_transpose(A)) / 2  # node 1
    r = xp.reshape(x - mu, (x.shape[0], 1))  # node 2
    P = xp.linalg.inv(S)
    v = P @ r
    # q = rᵀ S⁻¹ r             node 3
    # g = log det S            node 4
    # f = -½ q - ½ g - n/2 log 2π  node 5
    d_q = -0.5  # node 5 input
    d_g = -0.5  # node 5 input
    d_S = P * d_g  # node 4 input: d log det S = tr(S⁻¹ dS)
    d_S = d_S - v @ xp.matrix_transpose(v) * d_q  # node 3 input: d S⁻¹ = -S⁻¹ dS S⁻¹
    d_r = 2 * v * d_q  # node 3 input: S⁻¹ is symmetric, so both r count alike
    d_x = xp.reshape(d_r, (x.shape[0],))  # node 2 input
    d_mu = -d_x  # node 2 input
    d_A = (d_S + xp.matrix_transpose(d_S)) / 2  # node 1 input
    return d_x, d_mu, d_A


@multivariate_gaussian.inputs_of_size
def _(n, rng):
    B = rng.normal(size=(n, n))
    return dict(x=rng.normal(size=n), mu=rng.normal(size=n), A=B @ B.T / n + np.eye(n))
