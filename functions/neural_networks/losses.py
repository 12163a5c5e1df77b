"""Losses of regression, of counts, of margins and of distances. The losses of classification have a file of their own.

A loss of two arguments is differentiated by both: a target may be what another network says."""

import math

from gradproof import Positive, Reals, WellConditioned, function, weights

PAIRS = [
    dict(x=[0.5, -1.25, 2.0, -3.5, 0.125], y=[0.25, 1.0, -0.5, -3.0, 0.875]),
    dict(x=[1.5, 0.0, -2.0, 3.0, 0.5], y=[1.5, -0.0, -2.0, 2.75, 0.5 - 2.0**-20]),  # ties, and one nearly
    dict(x=[1000.0, -40.0, 2.0**-30, 1.0, -1000.0], y=[0.5, 40.0, 0.0, 1000.0, -1000.5]),
]
"""Points for two vectors of 5."""


def _two_vectors(n, rng):
    return dict(x=rng.normal(size=n), y=rng.normal(size=n))


@function(x=Reals((5,)), y=Reals((5,)), points=PAIRS)
def squared_error(xp, x, y):
    """f(x, y) = Σ w (x - y)²

    x: 5, y: 5. Legendre, Nouvelles méthodes pour la détermination des orbites des comètes (1805)."""
    return xp.sum(weights(xp, x.shape) * xp.nn.squared_error(x, y))


@squared_error.gradient
def _(xp, x, y):
    d = x - y  # node 1
    d_l = weights(xp, x.shape)  # node 3 input: f = Σ w l
    d_d = 2 * d * d_l  # node 2 input: l = d²
    return d_d, -d_d  # node 1 input


squared_error.inputs_of_size(_two_vectors)


@function(x=Reals((5,)), y=Reals((5,)), points=PAIRS)
def absolute_error(xp, x, y):
    """f(x, y) = Σ w |x - y|

    x: 5, y: 5. Where xᵢ = yᵢ the subdifferential is wᵢ (s, -s) for every slope s from -1 to 1; chosen: 0."""
    return xp.sum(weights(xp, x.shape) * xp.nn.absolute_error(x, y))


@absolute_error.gradient
def _(xp, x, y):
    d = x - y  # node 1
    d_l = weights(xp, x.shape)  # node 3 input: f = Σ w l
    d_d = xp.sign(d) * d_l  # node 2 input: l = |d|
    return d_d, -d_d  # node 1 input


absolute_error.inputs_of_size(_two_vectors)


@function(x=Reals((5,)), y=Reals((5,)), points=PAIRS)
def huber_loss(xp, x, y, *, delta=1.0):
    """f(x, y) = Σ w l, l = d² / 2 where |d| ≤ δ, δ (|d| - δ/2) elsewhere, d = x - y, δ = 1

    x: 5, y: 5. Huber, Annals of Mathematical Statistics 35 (1964). Both pieces have the slope ±δ where they meet."""
    return xp.sum(weights(xp, x.shape) * xp.nn.huber_loss(x, y, delta))


@huber_loss.gradient
def _(xp, x, y, *, delta=1.0):
    d = x - y  # node 1
    d_l = weights(xp, x.shape)  # node 3 input: f = Σ w l
    d_d = xp.where(xp.abs(d) <= delta, d, delta * xp.sign(d)) * d_l  # node 2 input
    return d_d, -d_d  # node 1 input


huber_loss.inputs_of_size(_two_vectors)
huber_loss.variant("quarter", delta=0.25, points=[dict(x=[0.25, 0.0, 0.5, 1.0, -2.0], y=[0.0, 0.25, 0.5, 1.25, 3.0])])
huber_loss.variant("double", delta=2.0, points=[dict(x=[2.0, 0.0, 0.5, 1.0, -2.0], y=[0.0, 2.0, 0.5, 1.25, 3.0])])


@function(x=Reals((5,)), y=Reals((5,)), points=PAIRS)
def smooth_absolute_error(xp, x, y, *, beta=1.0):
    """f(x, y) = Σ w l, l = d² / 2β where |d| < β, |d| - β/2 elsewhere, d = x - y, β = 1

    x: 5, y: 5. "Smooth L1", Girshick, arXiv:1504.08083, equation 3, with the width β of later work. Both pieces have
    the slope ±1 where they meet."""
    return xp.sum(weights(xp, x.shape) * xp.nn.smooth_absolute_error(x, y, beta))


@smooth_absolute_error.gradient
def _(xp, x, y, *, beta=1.0):
    d = x - y  # node 1
    d_l = weights(xp, x.shape)  # node 3 input: f = Σ w l
    d_d = xp.where(xp.abs(d) < beta, d / beta, xp.sign(d)) * d_l  # node 2 input
    return d_d, -d_d  # node 1 input


smooth_absolute_error.inputs_of_size(_two_vectors)
smooth_absolute_error.variant("quarter", beta=0.25)


@function(x=Reals((5,)), y=Reals((5,)), points=PAIRS)
def log_cosh_error(xp, x, y):
    """f(x, y) = Σ w l, l = log cosh d = log((eᵈ + e⁻ᵈ) / 2), d = x - y

    x: 5, y: 5. Written with logaddexp, so that it does not overflow."""
    d = x - y
    return xp.sum(weights(xp, x.shape) * (xp.logaddexp(d, -d) - math.log(2)))


@log_cosh_error.gradient
def _(xp, x, y):
    d = x - y  # node 1
    d_l = weights(xp, x.shape)  # node 3 input: f = Σ w l
    # Node 2 input: in log(eᵃ + eᵇ) the slopes are the shares of eᵃ and eᵇ, σ(a - b) and σ(b - a); a = d and b = -d.
    d_d = xp.special.expit(2 * d) * d_l - xp.special.expit(-2 * d) * d_l
    return d_d, -d_d  # node 1 input


log_cosh_error.inputs_of_size(_two_vectors)


@function(x=Reals((5,)), y=Reals((5,)), points=PAIRS)
def log_cosh_error_composed(xp, x, y):
    """f(x, y) = Σ w l, l = d + log(1 + exp(-2d)) - log 2, d = x - y

    x: 5, y: 5. The same function; at 0 the slopes 1 and -2 · ½ cancel, and so they do far below 0."""
    d = x - y
    return xp.sum(weights(xp, x.shape) * (d + xp.nn.softplus(-2 * d) - math.log(2)))


@log_cosh_error_composed.gradient
def _(xp, x, y):
    d = x - y  # node 1
    d_l = weights(xp, x.shape)  # node 4 input: f = Σ w l
    d_s = d_l  # node 3 input: l = d + s - log 2
    d_d = d_l - 2 * xp.special.expit(-2 * d) * d_s  # node 3 input, and node 2 input: s = log(1 + exp(-2d))
    return d_d, -d_d  # node 1 input


log_cosh_error_composed.inputs_of_size(_two_vectors)


@function(
    z=Reals((5,), low=-80.0, high=40.0),
    count=Reals((5,), low=0.0, high=1000.0),
    points=[
        dict(z=[0.5, -1.25, 2.0, -3.5, 0.125], count=[1.0, 0.0, 7.0, 2.0, 3.0]),
        dict(z=[0.0, -0.0, 1.0, 2.0**-20, 3.0], count=[1.0, 0.0, 0.0, 1.0, 20.0]),  # at the optimum the first is 0
        dict(z=[40.0, -80.0, 6.0, -40.0, 17.0], count=[1000.0, 5.0, 400.0, 0.0, 0.5]),
    ],
)
def poisson_loss(xp, z, count):
    """f(z, k) = Σ w (eᶻ - k z)

    z: 5, logarithms of rates, k: 5, counts. The negative log-likelihood of Poisson regression without log k!, McCullagh
    and Nelder, Generalized Linear Models, chapter 6."""
    return xp.sum(weights(xp, z.shape) * xp.nn.poisson_nll(z, count))


@poisson_loss.gradient
def _(xp, z, count):
    r = xp.exp(z)  # node 1
    d_l = weights(xp, z.shape)  # node 3 input: f = Σ w l, with node 2: l = r - k z
    d_z = r * d_l - count * d_l  # node 1 input, and node 2 input
    d_count = -z * d_l  # node 2 input
    return d_z, d_count


@poisson_loss.inputs_of_size
def _(n, rng):
    return dict(z=rng.normal(size=n), count=rng.poisson(2.0, size=n))


@function(
    log_q=Reals((2, 3), low=-1000.0, high=0.0),
    p=Positive((2, 3), low=2.0**-20, high=1.0),
    points=[
        dict(log_q=[[-0.5, -1.25, -2.0], [-3.5, -0.125, -0.75]], p=[[0.25, 0.5, 0.25], [0.125, 0.625, 0.25]]),
        dict(log_q=[[0.0, -1.0, -40.0], [-1000.0, -0.0, -1.0]], p=[[1.0, 2.0**-20, 0.375], [0.5, 1.0, 0.3671875]]),
    ],
)
def kl_divergence(xp, log_q, p):
    """f(log q, p) = Σ w p (log p - log q)

    log q: 2x3, p: 2x3, entry by entry. Kullback and Leibler, Annals of Mathematical Statistics 22 (1951). At p = 0 the
    term is 0 and its slope infinite, so that the domain ends before."""
    return xp.sum(weights(xp, p.shape) * xp.nn.kl_divergence(log_q, p))


@kl_divergence.gradient
def _(xp, log_q, p):
    d_l = weights(xp, p.shape)  # node 2 input: f = Σ w l, with node 1: l = p log p - p log q
    d_log_q = -p * d_l  # node 1 input
    d_p = (xp.log(p) + 1 - log_q) * d_l  # node 1 input: (p log p)′ = log p + 1
    return d_log_q, d_p


@kl_divergence.inputs_of_size
def _(n, rng):
    return dict(log_q=-rng.uniform(0.125, 4, size=(n, 3)), p=rng.uniform(0.125, 0.875, size=(n, 3)))


@function(
    a=Reals((2, 3), low=-40.0, high=40.0),
    b=Reals((2, 3), low=-40.0, high=40.0),
    points=[
        dict(a=[[0.5, -1.25, 2.0], [-3.5, 0.125, 0.75]], b=[[1.5, 0.25, -0.5], [1.0, -2.0, 0.375]]),
        dict(a=[[0.5, 0.5, 0.5], [1.0, 2.0, -1.0]], b=[[-2.0, -2.0, -2.0], [1.0, 2.0, -1.0]]),  # the same: all is 0
        dict(a=[[40.0, 0.0, -40.0], [17.0, 0.0, 1.0]], b=[[0.0, 40.0, -40.0], [-17.0, 0.0, 2.0]]),
    ],
)
def kl_divergence_of_logits(xp, a, b):
    """f(a, b) = Σᵢ wᵢ Σⱼ pᵢⱼ (log pᵢⱼ - log qᵢⱼ), p = softmax(aᵢ), q = softmax(bᵢ)

    a: 2x3, b: 2x3. What a policy is kept close to another by; distillation, Hinton et al., arXiv:1503.02531."""
    log_p, log_q = xp.nn.log_softmax(a, axis=1), xp.nn.log_softmax(b, axis=1)
    divergence = xp.sum(xp.exp(log_p) * (log_p - log_q), axis=1)
    return xp.sum(weights(xp, divergence.shape) * divergence)


@kl_divergence_of_logits.gradient
def _(xp, a, b):
    log_p, log_q = xp.nn.log_softmax(a, axis=1), xp.nn.log_softmax(b, axis=1)  # node 1
    p = xp.exp(log_p)  # node 2
    r = log_p - log_q  # node 3
    d_k = weights(xp, (a.shape[0], 1))  # node 5 input: f = Σ w k
    d_p, d_r = r * d_k, p * d_k  # node 4 input: k = Σ p r
    d_log_p = p * d_p + d_r  # node 2 input, and node 3 input
    d_log_q = -d_r  # node 3 input
    d_a = d_log_p - p * xp.sum(d_log_p, axis=1, keepdims=True)  # node 1 input: ∂ log pᵢ / ∂aⱼ = δᵢⱼ - pⱼ
    d_b = d_log_q - xp.exp(log_q) * xp.sum(d_log_q, axis=1, keepdims=True)  # node 1 input
    return d_a, d_b


@kl_divergence_of_logits.inputs_of_size
def _(n, rng):
    return dict(a=rng.normal(size=(n, 3)), b=rng.normal(size=(n, 3)))


MATRICES = [
    dict(x=[[0.5, -1.25, 2.0], [-3.5, 0.125, 0.75]], y=[[1.5, 0.25, -0.5], [1.0, -2.0, 0.375]]),
    dict(x=[[1.0, 2.0, -1.0], [0.0, 1.0, 0.0]], y=[[2.0, 4.0, -2.0], [1.0, 0.0, 0.0]]),  # the cosines 1 and 0
    dict(x=[[40.0, 0.5, 1000.0], [2.0**-10, 0.0, 2.0**-9]], y=[[-40.0, -0.5, -1000.0], [3.0, 40.0, 1.0]]),
]


@function(x=WellConditioned((2, 3)), y=WellConditioned((2, 3)), points=MATRICES)
def cosine_similarity(xp, x, y):
    """f(x, y) = Σᵢ wᵢ cᵢ, cᵢ = Σⱼ xᵢⱼ yᵢⱼ / (‖xᵢ‖ ‖yᵢ‖)

    x: 2x3, y: 2x3, without a row of zeros, which has no direction. Salton, Wong and Yang, Communications of the ACM
    18 (1975)."""
    c = xp.nn.cosine_similarity(x, y, axis=1)
    return xp.sum(weights(xp, c.shape) * c)


@cosine_similarity.gradient
def _(xp, x, y):
    p = xp.sum(x * y, axis=1, keepdims=True)  # node 1, (2, 1)
    a, b = xp.sqrt(xp.sum(x * x, axis=1, keepdims=True)), xp.sqrt(xp.sum(y * y, axis=1, keepdims=True))  # node 2
    d_c = weights(xp, p.shape)  # node 4 input: f = Σ w c
    d_p = d_c / (a * b)  # node 3 input: c = p / (a b)
    d_a, d_b = -p / (a * a * b) * d_c, -p / (a * b * b) * d_c  # node 3 input
    d_x = y * d_p + x / a * d_a  # node 1 input, and node 2 input: ∂‖x‖/∂x = x / ‖x‖
    d_y = x * d_p + y / b * d_b  # node 1 input, and node 2 input
    return d_x, d_y


@cosine_similarity.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 3)), y=rng.normal(size=(n, 3)))


@function(
    x=WellConditioned((3, 3)),
    y=WellConditioned((3, 3)),
    points=[
        dict(
            x=[[0.5, -1.25, 2.0], [-3.5, 0.125, 0.75], [1.0, 0.5, -0.25]],
            y=[[1.5, 0.25, -0.5], [-1.0, -2.0, 0.375], [0.5, 1.5, -2.0]],
        ),
        dict(
            x=[[1.0, 0.0, 0.0], [1.0, 2.0, -1.0], [0.0, 3.0, 4.0]],
            y=[[1.0, 0.0, 0.0], [2.0, -1.0, 0.0], [0.0, 1.0, 0.0]],
        ),
    ],
)
def cosine_embedding_loss(xp, x, y):
    """f(x, y) = Σᵢ wᵢ lᵢ, lᵢ = 1 - cᵢ for a pair that belongs together, max(0, cᵢ - ¼) for another

    x: 3x3, y: 3x3, cᵢ the cosine of their rows; every third pair, from the first, belongs together. At cᵢ = ¼ there is
    a kink, with every slope from 0 to 1; chosen: 0."""
    c = xp.nn.cosine_similarity(x, y, axis=1)
    together = xp.asarray([i % 3 == 0 for i in range(x.shape[0])])
    return xp.sum(weights(xp, c.shape) * xp.where(together, 1 - c, xp.nn.relu(c - 0.25)))


@cosine_embedding_loss.gradient
def _(xp, x, y):
    together = xp.asarray([[i % 3 == 0] for i in range(x.shape[0])])
    p = xp.sum(x * y, axis=1, keepdims=True)  # node 1, (3, 1)
    a, b = xp.sqrt(xp.sum(x * x, axis=1, keepdims=True)), xp.sqrt(xp.sum(y * y, axis=1, keepdims=True))  # node 2
    c = p / (a * b)  # node 3
    d_l = weights(xp, p.shape)  # node 5 input: f = Σ w l
    d_c = xp.where(together, -d_l, xp.where(c > 0.25, d_l, xp.zeros_like(c)))  # node 4 input
    d_p = d_c / (a * b)  # node 3 input
    d_a, d_b = -p / (a * a * b) * d_c, -p / (a * b * b) * d_c  # node 3 input
    d_x = y * d_p + x / a * d_a  # node 1 input, and node 2 input
    d_y = x * d_p + y / b * d_b  # node 1 input, and node 2 input
    return d_x, d_y


@cosine_embedding_loss.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 3)), y=rng.normal(size=(n, 3)))


@function(
    a=Reals((3, 2), low=-1000.0, high=1000.0),
    p=Reals((3, 2), low=-1000.0, high=1000.0),
    n=Reals((3, 2), low=-1000.0, high=1000.0),
    points=[
        dict(
            a=[[0.5, -1.25], [2.0, -3.5], [0.125, 0.75]],
            p=[[1.5, 0.25], [-0.5, 1.0], [-2.0, 0.375]],
            n=[[0.25, -0.75], [3.0, -3.0], [8.0, 9.0]],  # the last is far enough
        ),
        dict(a=[[1.0, 2.0]] * 3, p=[[1.0, 2.0], [1.0, 2.0], [4.0, 6.0]], n=[[1.0, 2.0], [4.0, 6.0], [1.0, 2.0]]),
    ],
)
def triplet_margin_loss(xp, a, p, n):
    """f(a, p, n) = Σᵢ wᵢ max(0, 1 + ‖aᵢ - pᵢ + ε‖ - ‖aᵢ - nᵢ + ε‖), ε = 2⁻¹⁰

    a: 3x2, p: 3x2, n: 3x2. Balntas et al., BMVC 2016; ε, added to each entry, keeps the distance of equal rows away
    from its kink. Where the margin is 0 the slope is anything from 0 to 1; chosen: 0."""
    l = xp.nn.triplet_margin(a, p, n, margin=1.0, epsilon=2.0**-10)  # noqa: E741
    return xp.sum(weights(xp, l.shape) * l)


@triplet_margin_loss.gradient
def _(xp, a, p, n):
    u, v = a - p + 2.0**-10, a - n + 2.0**-10  # node 1
    near = xp.sqrt(xp.sum(u * u, axis=1, keepdims=True))  # node 2, (3, 1)
    far = xp.sqrt(xp.sum(v * v, axis=1, keepdims=True))  # node 2
    m = 1 + near - far  # node 3
    d_l = weights(xp, m.shape)  # node 5 input: f = Σ w l
    d_m = xp.where(m > 0, d_l, xp.zeros_like(m))  # node 4 input: l = max(0, m)
    d_u, d_v = u / near * d_m, -v / far * d_m  # node 3 input, and node 2 input: ∂‖u‖/∂u = u / ‖u‖
    return d_u + d_v, -d_u, -d_v  # node 1 input


@triplet_margin_loss.inputs_of_size
def _(n, rng):
    return dict(a=rng.normal(size=(n, 2)), p=rng.normal(size=(n, 2)), n=rng.normal(size=(n, 2)))
