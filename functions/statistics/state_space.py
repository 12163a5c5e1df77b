"""Log-likelihoods of models with a hidden state that moves from step to step: summed over its paths, or filtered."""

import math

from gradproof import Reals, function


@function(
    start=Reals((3,)),
    transition=Reals((3, 3)),
    emission=Reals((4, 3)),
    points=[
        dict(
            start=[0.5, -1.25, 0.25],
            transition=[[1.0, -0.5, 0.25], [0.125, 0.75, -1.5], [-0.375, 0.5, 2.0]],
            emission=[[-0.5, -1.0, -2.25], [-1.5, -0.75, -0.25], [-3.0, -0.625, -1.25], [-0.125, -2.0, -1.75]],
        ),
        dict(start=[0.0] * 3, transition=[[0.0] * 3] * 3, emission=[[-1.0] * 3] * 4),  # every path is as likely
        dict(  # one path takes nearly all of the weight
            start=[40.0, 0.0, -40.0],
            transition=[[-40.0, 40.0, 0.0], [0.0, -40.0, 40.0], [40.0, 0.0, -40.0]],
            emission=[[-1000.0, -1.0, -2.0], [-0.5, -0.25, -3.0], [0.0, -40.0, -0.5], [-1.0, -1000.0, 0.0]],
        ),
    ],
)
def hidden_markov_model(xp, start, transition, emission):
    """f(s, T, e) = logsumexp(a_n), a₁ = log softmax(s) + e₁, aₜⱼ = logsumexpᵢ(aₜ₋₁,ᵢ + log softmax(Tᵢ)ⱼ) + eₜⱼ

    s: k = 3, T: k x k, a row for each state before; e: n x k = 4x3, the log-density of each observation in each state.
    The forward algorithm: Rabiner, Proceedings of the IEEE 77 (1989), section III.A, in logarithms."""
    log_T = xp.nn.log_softmax(transition, axis=1)
    a = xp.nn.log_softmax(start, axis=0) + emission[0]
    for t in range(1, emission.shape[0]):
        a = xp.special.logsumexp(a[:, None] + log_T, axis=0) + emission[t]
    return xp.special.logsumexp(a)


@hidden_markov_model.gradient
def _(xp, start, transition, emission):
    log_T = xp.nn.log_softmax(transition, axis=1)  # node 1
    log_s = xp.nn.log_softmax(start, axis=0)  # node 2
    a, shares = log_s + emission[0], []  # node 3
    for t in range(1, emission.shape[0]):
        paths = a[:, None] + log_T  # node 4 of step t
        shares += [xp.nn.softmax(paths, axis=0)]  # of the states before, in each state
        a = xp.special.logsumexp(paths, axis=0) + emission[t]  # node 5 of step t
    d_a, d_log_T, d_emission = xp.nn.softmax(a, axis=0), 0, []  # node 6 input: f = logsumexp(a)
    for share in reversed(shares):
        d_emission = [d_a, *d_emission]  # node 5 input: the probability of each state, given all observations
        d_paths = share * d_a  # node 5 input
        d_log_T = d_log_T + d_paths  # node 4 input
        d_a = xp.sum(d_paths, axis=1)  # node 4 input: to the step before
    d_emission = [d_a, *d_emission]  # node 3 input
    d_start = d_a - xp.exp(log_s) * xp.sum(d_a)  # node 3 and 2 input
    d_transition = d_log_T - xp.exp(log_T) * xp.sum(d_log_T, axis=1, keepdims=True)  # node 1 input
    return d_start, d_transition, xp.stack(d_emission)


@hidden_markov_model.inputs_of_size
def _(n, rng):
    return dict(start=rng.normal(size=n), transition=rng.normal(size=(n, n)), emission=rng.normal(size=(4 * n, n)))


@function(
    A=Reals((2, 2), low=-1.5, high=1.5),
    mean=Reals((2,), low=-8.0, high=8.0),
    log_q=Reals((), low=-4.0, high=4.0),
    log_r=Reals((), low=-4.0, high=4.0),
    y=Reals((4,), low=-8.0, high=8.0),
    points=[
        dict(A=[[1.0, 0.5], [-0.25, 0.75]], mean=[0.5, -1.25], log_q=-0.5, log_r=0.25, y=[0.75, -0.375, 1.5, -2.0]),
        dict(A=[[0.0, 0.0], [0.0, 0.0]], mean=[0.0, 0.0], log_q=0.0, log_r=0.0, y=[0.0, 1.0, -1.0, 0.5]),  # no memory
        dict(
            A=[[1.0, 1.0], [0.0, 1.0]], mean=[8.0, -1.0], log_q=-4.0, log_r=4.0, y=[7.0, 6.0, 5.0, 4.0]
        ),  # as foreseen
        dict(A=[[1.5, -1.0], [1.25, 1.5]], mean=[1.0, 2.0], log_q=4.0, log_r=-4.0, y=[8.0, -8.0, 8.0, -8.0]),
    ],
)
def kalman_filter(xp, A, mean, log_q, log_r, y):
    """f(A, m₀, log q, log r, y) = -½ Σₜ (log 2π + log sₜ + eₜ²/sₜ): m = A mₜ₋₁, P = A Pₜ₋₁ Aᵀ + q 1, e = yₜ - m₁,
    s = P₁₁ + r, k = P₁/s with the first column P₁; mₜ = m + e k, Pₜ = P - k (the first row of P)

    A: 2x2, m₀: 2, q, r: scalars, y: n = 4 observations of the first entry of the state; P₀ = 1. Kalman, Journal of
    Basic Engineering 82 (1960); the likelihood by its prediction errors, Schweppe, IEEE Transactions IT-11 (1965)."""
    m, P, f = mean, xp.eye(2), 0
    for t in range(y.shape[0]):
        m, P = xp.matmul(A, m), A @ P @ xp.matrix_transpose(A) + xp.exp(log_q) * xp.eye(2)
        e, s = y[t] - m[0], P[0, 0] + xp.exp(log_r)
        k = P[:, 0] / s
        m, P = m + e * k, P - k[:, None] * P[0, :]
        f = f - (math.log(2 * math.pi) + xp.log(s) + e * e / s) / 2
    return f


@kalman_filter.gradient
def _(xp, A, mean, log_q, log_r, y):
    q, r, At, one, steps = xp.exp(log_q), xp.exp(log_r), xp.matrix_transpose(A), xp.eye(2), []
    m, P, first = mean, one, one[0]
    for t in range(y.shape[0]):
        before = m, P
        m, P = xp.matmul(A, m), A @ P @ At + q * one  # nodes 1 and 2 of step t
        e, s = y[t] - m[0], P[0, 0] + r  # nodes 3 and 4
        k = P[:, 0] / s  # node 5
        steps += [(*before, P, e, s, k)]
        m, P = m + e * k, P - k[:, None] * P[0, :]  # nodes 6 and 7
    d_A, d_m, d_P, d_q, d_r, d_y = 0, 0 * mean, 0 * one, 0, 0, []
    for old_m, old_P, P, e, s, k in reversed(steps):
        d_k = e * d_m - xp.matmul(d_P, P[0, :])  # nodes 6 and 7 input
        d_row = -xp.matmul(xp.matrix_transpose(d_P), k)  # node 7 input, the first row of P
        d_e = xp.sum(k * d_m) - e / s  # nodes 6 and 8 input: f = Σ -(log s + e²/s) / 2 + …
        d_s = (e * e / s - 1) / (2 * s) - xp.sum(k * d_k) / s  # nodes 8 and 5 input
        d_P = d_P + (d_k / s)[:, None] * first + first[:, None] * d_row  # besides node 7, nodes 5 and 7 input
        d_P = d_P + d_s * first[:, None] * first  # node 4 input
        d_r = d_r + d_s  # node 4 input
        d_y = [d_e, *d_y]  # node 3 input
        d_m = d_m - d_e * first  # node 3 input, besides node 6
        d_q = d_q + d_P[0, 0] + d_P[1, 1]  # node 2 input
        d_A = d_A + d_P @ A @ xp.matrix_transpose(old_P) + xp.matrix_transpose(d_P) @ A @ old_P  # node 2 input
        d_A = d_A + d_m[:, None] * old_m  # node 1 input
        d_m, d_P = xp.matmul(At, d_m), At @ d_P @ A  # nodes 1 and 2 input: to the step before
    return d_A, d_m, q * d_q, r * d_r, xp.stack(d_y)


@kalman_filter.inputs_of_size
def _(n, rng):
    return dict(A=0.5 * rng.normal(size=(2, 2)), mean=rng.normal(size=2), log_q=-0.5, log_r=0.25, y=rng.normal(size=n))
