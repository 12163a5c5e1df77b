"""Losses that stop where a margin is kept: of scores, of ranks and of distances between embeddings."""

from gradproof import Distinct, Reals, function, weights

SCORES = [
    dict(z=[0.5, -1.25, 2.0, -3.5, 0.125]),
    dict(z=[1.0, -1.0, 0.0, 1.0, -1.0]),  # the margin is kept exactly, or missed by 1 or 2
    dict(z=[1000.0, 40.0, -1000.0, -40.0, 1.0 - 2.0**-20]),
]


@function(z=Reals((5,)), points=SCORES)
def hinge_of_scores(xp, z):
    """f(z) = Σ w max(0, 1 - t z)

    z: 5, labels t = 1, -1, 1, … Cortes and Vapnik, Machine Learning 20 (1995). Where t z = 1 the slope is -t times
    anything from 0 to 1; chosen: 0."""
    t = xp.asarray([(-1.0) ** i for i in range(z.shape[0])])
    return xp.sum(weights(xp, z.shape) * xp.nn.relu(1 - t * z))


@hinge_of_scores.gradient
def _(xp, z):
    t = xp.asarray([(-1.0) ** i for i in range(z.shape[0])])
    m = 1 - t * z  # node 1
    d_l = weights(xp, z.shape)  # node 3 input: f = Σ w l
    d_m = xp.where(m > 0, d_l, xp.zeros_like(m))  # node 2 input: l = max(0, m)
    return (-t * d_m,)  # node 1 input


@hinge_of_scores.inputs_of_size
def _(n, rng):
    return dict(z=rng.normal(size=n))


@function(z=Reals((5,)), points=SCORES)
def squared_hinge(xp, z):
    """f(z) = Σ w max(0, 1 - t z)²

    z: 5, labels t = 1, -1, 1, … Where t z = 1 both pieces have the slope 0."""
    t = xp.asarray([(-1.0) ** i for i in range(z.shape[0])])
    return xp.sum(weights(xp, z.shape) * xp.square(xp.nn.relu(1 - t * z)))


@squared_hinge.gradient
def _(xp, z):
    t = xp.asarray([(-1.0) ** i for i in range(z.shape[0])])
    m = 1 - t * z  # node 1
    h = xp.where(m > 0, m, xp.zeros_like(m))  # node 2
    d_h = 2 * h * weights(xp, z.shape)  # node 4 input: f = Σ w l, and node 3 input: l = h²
    d_m = xp.where(m > 0, d_h, xp.zeros_like(m))  # node 2 input
    return (-t * d_m,)  # node 1 input


@squared_hinge.inputs_of_size
def _(n, rng):
    return dict(z=rng.normal(size=n))


@function(
    z=Reals((3, 4)),
    points=[
        dict(z=[[0.5, -1.0, 2.25, 0.75], [1.5, 3.0, -0.5, 0.25], [-2.5, -1.75, -3.0, -0.625]]),
        dict(z=[[1.0, 1.0, -2.0, 1.0], [0.5, 1.5, 0.5, -0.5], [-0.0, 0.0, 5.0, 4.0]]),  # ties, and margins of 0
        dict(z=[[1000.0, -1000.0, 0.0, 40.0], [-40.0, 1000.0, 999.5, 0.0], [0.0, 0.0, 40.0, -1000.0]]),
    ],
)
def categorical_hinge(xp, z):
    """f(z) = Σᵢ wᵢ max(0, 1 + max of zᵢⱼ over j ≠ kᵢ - zᵢₖ)

    z: 3x4, labels k = 0, 1, 2, … Crammer and Singer, JMLR 2 (2001). Where other classes tie, the subdifferential has
    every set of shares among them; chosen: equal shares. Where the margin is 0, anything from 0 to 1; chosen: 0."""
    own = xp.asarray([[float(j == i % z.shape[1]) for j in range(z.shape[1])] for i in range(z.shape[0])])
    rival = xp.max(xp.where(own > 0, -xp.inf, z), axis=1)
    margin = 1 + rival - xp.sum(own * z, axis=1)
    return xp.sum(weights(xp, margin.shape) * xp.nn.relu(margin))


@categorical_hinge.gradient
def _(xp, z):
    own = xp.asarray([[float(j == i % z.shape[1]) for j in range(z.shape[1])] for i in range(z.shape[0])])
    others = xp.where(own > 0, -xp.inf, z)
    rival = xp.max(others, axis=1, keepdims=True)  # node 1, (3, 1)
    margin = 1 + rival - xp.sum(own * z, axis=1, keepdims=True)  # node 2
    d_l = weights(xp, margin.shape)  # node 4 input: f = Σ w l
    d_margin = xp.where(margin > 0, d_l, xp.zeros_like(margin))  # node 3 input: l = max(0, margin)
    # Equality is meant: the largest is one of the entries itself, without rounding.
    mask = xp.where(others == rival, xp.ones_like(z), xp.zeros_like(z))
    d_z = (mask / xp.sum(mask, axis=1, keepdims=True) - own) * d_margin  # node 1 input, and node 2 input
    return (d_z,)


@categorical_hinge.inputs_of_size
def _(n, rng):
    return dict(z=rng.normal(size=(n, 4)))


@function(
    x=Reals((5,)),
    y=Reals((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, -3.5, 0.125], y=[0.25, 1.0, -0.5, -3.0, 0.875]),
        dict(x=[1.5, 0.0, -2.0, 3.0, 0.5], y=[1.0, -0.5, -2.0, 2.5, 0.5]),  # three margins of 0
        dict(x=[1000.0, -40.0, 2.0**-30, 1.0, -1000.0], y=[0.5, 40.0, 0.0, 1000.0, -1000.5]),
    ],
)
def margin_ranking(xp, x, y):
    """f(x, y) = Σ w max(0, ½ - t (x - y))

    x: 5, y: 5; t = 1 where x should rank higher, -1 elsewhere, in turn. Herbrich, Graepel and Obermayer (2000). Where
    the margin is 0 the slope is anything from 0 to 1; chosen: 0."""
    t = xp.asarray([(-1.0) ** i for i in range(x.shape[0])])
    return xp.sum(weights(xp, x.shape) * xp.nn.relu(0.5 - t * (x - y)))


@margin_ranking.gradient
def _(xp, x, y):
    t = xp.asarray([(-1.0) ** i for i in range(x.shape[0])])
    m = 0.5 - t * (x - y)  # nodes 1 and 2: d = x - y, m = ½ - t d
    d_l = weights(xp, x.shape)  # node 4 input: f = Σ w l
    d_m = xp.where(m > 0, d_l, xp.zeros_like(m))  # node 3 input: l = max(0, m)
    d_d = -t * d_m  # node 2 input
    return d_d, -d_d  # node 1 input


@margin_ranking.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n), y=rng.normal(size=n))


@function(
    x=Distinct((4, 2)),
    points=[
        dict(x=[[0.5, -1.25], [2.0, -3.5], [0.125, 0.75], [-0.5, 1.0]]),
        dict(x=[[0.0, 0.5], [1.0, 2.0], [3.0, 4.0], [4.5, 6.0]]),
        dict(x=[[0.0, 7.0], [3.0, 8.0], [1.5, 9.0], [0.25, 10.0]]),
    ],
)
def contrastive_loss(xp, x):
    """f(x) = Σᵢ wᵢ lᵢ, lᵢ = ½ d² for a pair that belongs together, ½ max(0, 2 - d)² for another, d its distance

    x: 4x2, embeddings, neighbours in the list being the pairs: the first belongs together, the second does not, and so
    in turn. Hadsell, Chopra and LeCun, CVPR 2006, equation 4. No two embeddings are equal, where the distance has a
    kink."""
    d = xp.linalg.vector_norm(x[1:] - x[:-1], axis=1)
    together = xp.asarray([i % 2 == 0 for i in range(x.shape[0] - 1)])
    short = xp.nn.relu(2 - d)
    return xp.sum(weights(xp, d.shape) * xp.where(together, d * d, short * short) / 2)


@contrastive_loss.gradient
def _(xp, x):
    together = xp.asarray([[i % 2 == 0] for i in range(x.shape[0] - 1)])
    e = x[1:] - x[:-1]  # node 1, (3, 2)
    d = xp.sqrt(xp.sum(e * e, axis=1, keepdims=True))  # node 2, (3, 1)
    d_l = weights(xp, d.shape)  # node 4 input: f = Σ w l
    d_d = xp.where(together, d, xp.where(d < 2, d - 2, xp.zeros_like(d))) * d_l  # node 3 input: ½ (2 - d)²
    d_e = e / d * d_d  # node 2 input: ∂‖e‖/∂e = e / ‖e‖
    nothing = xp.zeros((1, x.shape[1]))
    d_x = xp.concat([nothing, d_e], axis=0) - xp.concat([d_e, nothing], axis=0)  # node 1 input: in two pairs each
    return (d_x,)


@contrastive_loss.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n + 1, 2)))


@function(
    x=Reals((3, 2), low=-4.0, high=4.0),
    y=Reals((3, 2), low=-4.0, high=4.0),
    points=[
        dict(x=[[0.5, -1.25], [2.0, -3.5], [0.125, 0.75]], y=[[0.25, -1.0], [1.5, -3.0], [-0.5, 1.0]]),
        dict(x=[[0.0, 0.0]] * 3, y=[[1.0, 2.0], [3.0, -4.0], [0.0, 0.5]]),  # nothing is like anything
        dict(x=[[4.0, 0.0], [0.0, 4.0], [-4.0, -4.0]], y=[[4.0, 0.0], [0.0, 4.0], [-4.0, -4.0]]),  # sure, and right
    ],
)
def contrastive_cross_entropy(xp, x, y):
    """f(x, y) = -⅓ Σᵢ log softmax(Sᵢ)ᵢ, S = x yᵀ / τ

    x: 3x2, y: 3x2, embeddings of two views whose rows belong together, the temperature τ = ½. "InfoNCE", van den
    Oord et al., arXiv:1807.03748, equation 4."""
    scores = x @ xp.matrix_transpose(y) / 0.5
    return -xp.sum(xp.linalg.diagonal(xp.nn.log_softmax(scores, axis=1))) / x.shape[0]


@contrastive_cross_entropy.gradient
def _(xp, x, y):
    s = x @ xp.matrix_transpose(y) / 0.5  # nodes 1 and 2, (3, 3)
    d_l = -xp.eye(x.shape[0]) / x.shape[0]  # node 4 input: f = -⅓ Σ lᵢᵢ
    d_s = d_l - xp.nn.softmax(s, axis=1) * xp.sum(d_l, axis=1, keepdims=True)  # node 3 input: l = log softmax(s)
    d_p = d_s / 0.5  # node 2 input
    d_x = d_p @ y  # node 1 input
    d_y = xp.matrix_transpose(d_p) @ x  # node 1 input
    return d_x, d_y


@contrastive_cross_entropy.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 2)), y=rng.normal(size=(n, 2)))
