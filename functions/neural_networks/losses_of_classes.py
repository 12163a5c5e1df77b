"""Losses of classification, by the backends' own operations: cross-entropies of logits with targets and with labels,
the focal loss, and connectionist temporal classification."""

from gradproof import Reals, UnitInterval, function, weights

LOGITS = [
    [[0.5, -1.0, 2.25, 0.75], [1.5, 3.0, -0.5, 0.25]],
    [[1.5, 1.5, 1.5, 1.5], [0.0, -0.0, 2.0**-20, 0.0]],  # ties
    [[1000.0, 999.0, -1000.0, 0.0], [-40.0, -17.0, 40.0, 39.0]],  # sure of itself
]


@function(
    z=Reals((2, 4), low=-1000.0, high=1000.0),
    u=Reals((2, 4), low=-40.0, high=40.0),
    points=[
        dict(z=LOGITS[0], u=[[1.5, 0.25, -0.5, 1.0], [-2.0, 0.375, 0.625, -0.75]]),
        dict(z=LOGITS[1], u=[[0.0, 0.0, 0.0, 0.0], [-40.0, 40.0, 0.0, 1.0]]),
        dict(z=LOGITS[2], u=[[3.0, 1.0, -2.0, 0.0], [1.0, -1.0, 0.5, 0.25]]),
    ],
)
def cross_entropy_with_soft_targets(xp, z, u):
    """f(z, u) = -Σᵢ wᵢ Σⱼ tᵢⱼ log softmax(zᵢ)ⱼ, t = softmax(u) of each row

    z: 2x4, u: 2x4. The targets are what another network says: distillation, Hinton et al., arXiv:1503.02531. They are
    probabilities, as some backends demand of targets."""
    l = xp.nn.softmax_cross_entropy(z, xp.nn.softmax(u, axis=1))  # noqa: E741
    return xp.sum(weights(xp, l.shape) * l)


@cross_entropy_with_soft_targets.gradient
def _(xp, z, u):
    t = xp.nn.softmax(u, axis=1)  # node 1
    log_p = xp.nn.log_softmax(z, axis=1)  # node 2
    d_l = weights(xp, (z.shape[0], 1))  # node 4 input: f = Σ w l, with node 3: l = -Σ t log p
    d_log_p, d_t = -t * d_l, -log_p * d_l  # node 3 input
    d_z = d_log_p - xp.exp(log_p) * xp.sum(d_log_p, axis=1, keepdims=True)  # node 2 input: ∂ log pᵢ / ∂zⱼ = δᵢⱼ - pⱼ
    d_u = t * (d_t - xp.sum(t * d_t, axis=1, keepdims=True))  # node 1 input: ∂tᵢ/∂uⱼ = tᵢ (δᵢⱼ - tⱼ)
    return d_z, d_u


@cross_entropy_with_soft_targets.inputs_of_size
def _(n, rng):
    return dict(z=rng.normal(size=(n, 4)), u=rng.normal(size=(n, 4)))


@function(
    z=Reals((2, 4), low=-1000.0, high=1000.0),
    t=Reals((2, 4), low=-8.0, high=8.0),
    points=[
        dict(z=LOGITS[0], t=[[0.0, 0.0, 1.0, 0.0], [0.25, 0.5, 0.125, 0.125]]),  # probabilities
        dict(z=LOGITS[0], t=[[0.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.5, -1.0]]),  # a row that is masked out
        dict(z=LOGITS[1], t=[[1.0, 2.0, 0.5, 0.25], [0.0, 3.0, 0.0, 0.0]]),  # a class that counts three times
        dict(z=LOGITS[2], t=[[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]),
    ],
)
def cross_entropy_with_any_targets(xp, z, t):
    """f(z, t) = -Σᵢ wᵢ Σⱼ tᵢⱼ log softmax(zᵢ)ⱼ

    z: 2x4, t: 2x4, any numbers: the formula is defined for them, and rows of zeros that mask a sample or weights of
    classes are what people put there. The slope in z is softmax(z) Σ t - t, which is softmax(z) - t for probabilities
    alone."""
    l = xp.nn.softmax_cross_entropy(z, t)  # noqa: E741
    return xp.sum(weights(xp, l.shape) * l)


@cross_entropy_with_any_targets.gradient
def _(xp, z, t):
    log_p = xp.nn.log_softmax(z, axis=1)  # node 1
    d_l = weights(xp, (z.shape[0], 1))  # node 3 input: f = Σ w l, with node 2: l = -Σ t log p
    d_log_p, d_t = -t * d_l, -log_p * d_l  # node 2 input
    d_z = d_log_p - xp.exp(log_p) * xp.sum(d_log_p, axis=1, keepdims=True)  # node 1 input: ∂ log pᵢ / ∂zⱼ = δᵢⱼ - pⱼ
    return d_z, d_t


@cross_entropy_with_any_targets.inputs_of_size
def _(n, rng):
    return dict(z=rng.normal(size=(n, 4)), t=rng.normal(size=(n, 4)))


@function(z=Reals((2, 4)), points=[dict(z=z) for z in LOGITS])
def cross_entropy_of_labels(xp, z, *, smoothing=0.0):
    """f(z) = -Σᵢ wᵢ ((1 - s) log softmax(zᵢ)ₖ + s/4 Σⱼ log softmax(zᵢ)ⱼ), k the label of row i, s = 0

    z: 2x4, labels k = 1, 3, 1, … as integers. Smoothing: Szegedy et al., arXiv:1512.00567, section 7."""
    labels = xp.asarray([(2 * i + 1) % z.shape[1] for i in range(z.shape[0])])
    l = xp.nn.cross_entropy_of_labels(z, labels, smoothing)  # noqa: E741
    return xp.sum(weights(xp, l.shape) * l)


@cross_entropy_of_labels.gradient
def _(xp, z, *, smoothing=0.0):
    n, classes = z.shape
    own = xp.asarray([[float(j == (2 * i + 1) % classes) for j in range(classes)] for i in range(n)])
    d_l = weights(xp, (n, 1))  # node 3 input: f = Σ w l
    d_log_p = -((1 - smoothing) * own + smoothing / classes) * d_l  # node 2 input
    d_z = d_log_p + xp.nn.softmax(z, axis=1) * d_l  # node 1 input: -p Σ d_log_p, and the shares of a row sum to 1
    return (d_z,)


@cross_entropy_of_labels.inputs_of_size
def _(n, rng):
    return dict(z=rng.normal(size=(n, 4)))


cross_entropy_of_labels.variant("smoothed", smoothing=0.125).inputs_of_size(cross_entropy_of_labels.generator)


@function(
    z=Reals((5,), low=-1000.0, high=1000.0),
    t=Reals((5,), low=-8.0, high=8.0),
    points=[
        dict(z=[0.5, -1.25, 2.0, -3.5, 0.125], t=[1.0, 0.0, 0.25, 0.625, 0.5]),
        dict(z=[0.0, -0.0, 2.0**-20, 1.0, -(2.0**-30)], t=[1.0, 0.0, 0.5, 1.0, 0.0]),
        dict(z=[40.0, -40.0, 1000.0, -1000.0, 17.0], t=[1.0, 1.0, 0.0, 0.0, 0.5]),  # right, wrong, wrong, right
    ],
)
def binary_cross_entropy_of_logits(xp, z, t, *, positive_weight=1.0):
    """f(z, t) = -Σ w (c t log σ(z) + (1 - t) log σ(-z)), σ(z) = 1 / (1 + e⁻ᶻ), c = 1

    z: 5, t: 5. Bishop, Pattern Recognition and Machine Learning, section 4.3.2."""
    return xp.sum(weights(xp, z.shape) * xp.nn.sigmoid_cross_entropy(z, t, positive_weight))


@binary_cross_entropy_of_logits.gradient
def _(xp, z, t, *, positive_weight=1.0):
    a, b = xp.nn.log_sigmoid(z), xp.nn.log_sigmoid(-z)  # node 1
    d_l = weights(xp, z.shape)  # node 3 input: f = Σ w l, with node 2: l = -c t a - (1 - t) b
    d_a, d_b = -positive_weight * t * d_l, -(1 - t) * d_l  # node 2 input
    d_t = (b - positive_weight * a) * d_l  # node 2 input
    d_z = xp.special.expit(-z) * d_a - xp.special.expit(z) * d_b  # node 1 input: (log σ)′ = 1 - σ(z) = σ(-z)
    return d_z, d_t


@binary_cross_entropy_of_logits.inputs_of_size
def _(n, rng):
    return dict(z=rng.normal(size=n), t=rng.uniform(0.0, 1.0, size=n))


binary_cross_entropy_of_logits.variant("weighted", positive_weight=3.0).inputs_of_size(
    binary_cross_entropy_of_logits.generator
)


@function(
    p=UnitInterval((5,), low=2.0**-10, high=1 - 2.0**-10),
    t=UnitInterval((5,)),
    points=[
        dict(p=[0.5, 0.25, 0.875, 0.125, 0.625], t=[1.0, 0.0, 0.25, 0.625, 0.5]),
        dict(
            p=[0.25, 0.5, 0.75, 2.0**-10, 1 - 2.0**-10], t=[0.25, 0.5, 0.75, 1.0, 0.0]
        ),  # the optimum, and far from it
    ],
)
def binary_cross_entropy(xp, p, t):
    """f(p, t) = -Σ w (t log p + (1 - t) log(1 - p))

    p: 5, probabilities, no closer than 2⁻¹⁰ to 0 and 1, where the slope is infinite; t: 5."""
    return xp.sum(weights(xp, p.shape) * xp.nn.binary_cross_entropy(p, t))


@binary_cross_entropy.gradient
def _(xp, p, t):
    d_l = weights(xp, p.shape)  # node 2 input: f = Σ w l, with node 1: l = -t log p - (1 - t) log(1 - p)
    d_p = ((1 - t) / (1 - p) - t / p) * d_l  # node 1 input
    d_t = (xp.log1p(-p) - xp.log(p)) * d_l  # node 1 input
    return d_p, d_t


@binary_cross_entropy.inputs_of_size
def _(n, rng):
    return dict(p=rng.uniform(0.125, 0.875, size=n), t=rng.uniform(0.0, 1.0, size=n))


@function(
    z=Reals((5,), low=-16.0, high=16.0),
    points=[
        dict(z=[0.5, -1.25, 2.0, -3.5, 0.125]),
        dict(z=[0.0, -0.0, 2.0**-20, -(2.0**-30), 1.0]),
        dict(z=[16.0, -16.0, 15.0, -8.0, -15.0]),
    ],
)
def focal_loss(xp, z, *, gamma=2.0):
    """f(z) = -Σ w (1 - p)^γ log p, p = σ(t z) the probability of the label, γ = 2

    z: 5, within ±16; labels t = 1, -1, 1, … Lin et al., arXiv:1708.02002, equation 4."""
    t = xp.asarray([(-1.0) ** i for i in range(z.shape[0])])
    missed = xp.nn.sigmoid(-t * z)
    return -xp.sum(weights(xp, z.shape) * missed**gamma * xp.nn.log_sigmoid(t * z))


@focal_loss.gradient
def _(xp, z, *, gamma=2.0):
    t = xp.asarray([(-1.0) ** i for i in range(z.shape[0])])
    m = t * z  # node 1
    q = xp.special.expit(-m)  # node 2: 1 - p
    l = xp.nn.log_sigmoid(m)  # node 3: log p  # noqa: E741
    d_f = -weights(xp, z.shape)  # node 4 input: f = -Σ w q^γ l
    d_q = gamma * q ** (gamma - 1) * l * d_f  # node 4 input
    d_l = q**gamma * d_f  # node 4 input
    d_m = q * d_l - q * (1 - q) * d_q  # node 3 input: (log σ)′ = σ(-m), and node 2 input
    return (t * d_m,)  # node 1 input


@focal_loss.inputs_of_size
def _(n, rng):
    return dict(z=rng.normal(size=n))


focal_loss.variant("half", gamma=0.5)
focal_loss.variant("fifth_power", gamma=5.0)


@function(
    z=Reals((4, 3), low=-40.0, high=40.0),
    points=[
        dict(z=[[0.5, -1.0, 2.25], [1.5, 3.0, -0.5], [-2.5, -1.75, -3.0], [0.25, 0.75, -0.625]]),
        dict(z=[[0.0, 0.0, 0.0]] * 4),  # every path is as likely
        dict(z=[[-8.0, 9.0, 0.0], [8.0, 0.0, -8.0], [1.0, 0.0, 16.0], [40.0, -40.0, 0.0]]),  # one path nearly alone
    ],
)
def connectionist_loss(xp, z, *, labels=(1, 2), normalize=True):
    """f(z) = -log Σ over paths of Πₜ softmax(zₜ)ₖ, k the path's class at step t

    z: 4x3 (steps, classes), class 0 the blank. The paths are those that give the labels 1, 2 once repetitions are
    merged and blanks dropped. CTC: Graves et al., ICML 2006, equations 6 to 16. Without `normalize` z holds the
    logarithms of the probabilities themselves, and the slope is that in them."""
    loss = xp.nn.ctc_loss if normalize else xp.nn.ctc_loss_of_log_probabilities
    return loss(z, list(labels))


@connectionist_loss.gradient
def _(xp, z, *, labels=(1, 2), normalize=True):
    steps, classes = z.shape
    log_p = xp.nn.log_softmax(z, axis=1) if normalize else z  # node 1
    states = [0]
    for label in labels:
        states += [label, 0]  # a blank around each label
    # From each state one may stay, or go to the next, or leave out the blank between two different labels.
    follow = [
        [r for r in (s, s + 1, s + 2) if r < len(states) and (r < s + 2 or states[r] not in (0, states[s]))]
        for s in range(len(states))
    ]
    # Node 2, by steps: forward[t][s] sums in logarithms the paths that end in s at step t.
    forward = [{0: log_p[0, 0], 1: log_p[0, states[1]]}]
    for t in range(1, steps):
        ways = {s: [forward[-1][r] for r in forward[-1] if s in follow[r]] for s in range(len(states))}
        arrived = {s: xp.special.logsumexp(xp.stack(ways[s])) for s in ways if ways[s]}
        forward += [{s: log_p[t, states[s]] + arrived[s] for s in arrived}]
    last = (len(states) - 2, len(states) - 1)
    total = xp.special.logsumexp(xp.stack([forward[-1][s] for s in last if s in forward[-1]]))  # node 3: f = -total
    # Node 3 input, and node 2 input, back from the end: rest[s] sums the ways from s at step t to the end. The slope of
    # total in log p, at that step and state, is the share of the paths through it: exp(forward + rest - total).
    rest = dict.fromkeys(last, xp.zeros(()))
    shares = []
    for t in reversed(range(steps)):
        zero = xp.zeros(())
        share = [zero] * classes
        for s in forward[t]:
            if s in rest:
                share[states[s]] = share[states[s]] + xp.exp(forward[t][s] + rest[s] - total)
        shares = [xp.stack(share), *shares]
        ways = {s: [rest[r] + log_p[t, states[r]] for r in follow[s] if r in rest] for s in range(len(states))}
        rest = {s: xp.special.logsumexp(xp.stack(ways[s])) for s in ways if ways[s]}
    d_log_p = -xp.stack(shares)
    if not normalize:
        return (d_log_p,)
    d_z = d_log_p - xp.exp(log_p) * xp.sum(d_log_p, axis=1, keepdims=True)  # node 1 input
    return (d_z,)


@connectionist_loss.inputs_of_size
def _(n, rng):
    return dict(z=rng.normal(size=(n, 3)))


connectionist_loss.variant("repeated_label", labels=(1, 1))
connectionist_loss.variant("one_label", labels=(2,))
connectionist_loss.variant("of_log_probabilities", normalize=False)
