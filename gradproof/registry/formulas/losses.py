"""Textbook formulas for the losses of `xp.nn`, as in the others. Each gives one number per entry, or per row where
a row is one sample; what is summed or averaged then is the body's business."""


def squared_error(xp, x, y):
    """(x - y)²"""
    return (x - y) * (x - y)


def absolute_error(xp, x, y):
    """|x - y|"""
    return xp.abs(x - y)


def huber_loss(xp, x, y, delta=1.0):
    """d² / 2 where |d| ≤ delta, delta (|d| - delta / 2) elsewhere, d = x - y"""
    d = x - y
    size = xp.abs(d)
    return xp.where(size <= delta, d * d / 2, delta * (size - delta / 2))


def smooth_absolute_error(xp, x, y, beta=1.0):
    """d² / (2 beta) where |d| < beta, |d| - beta / 2 elsewhere, d = x - y"""
    d = x - y
    size = xp.abs(d)
    return xp.where(size < beta, d * d / (2 * beta), size - beta / 2)


def poisson_nll(xp, log_rate, count):
    """exp(log_rate) - count · log_rate, without the terms of the count alone"""
    return xp.exp(log_rate) - count * log_rate


def kl_divergence(xp, log_q, p):
    """p (log p - log_q), and 0 where p = 0"""
    return xp.special.xlogy(p, p) - p * log_q


def cosine_similarity(xp, x, y, axis=-1):
    """Σ x y / (‖x‖ ‖y‖) along one axis"""
    lengths = xp.linalg.vector_norm(x, axis=axis) * xp.linalg.vector_norm(y, axis=axis)
    return xp.sum(x * y, axis=axis) / lengths


def triplet_margin(xp, anchor, positive, negative, margin=1.0, epsilon=2.0**-10):
    """max(0, margin + ‖anchor - positive + epsilon‖ - ‖anchor - negative + epsilon‖) of each row"""
    near = xp.linalg.vector_norm(anchor - positive + epsilon, axis=-1)
    far = xp.linalg.vector_norm(anchor - negative + epsilon, axis=-1)
    return xp.nn.relu(margin + near - far)


def softmax_cross_entropy(xp, logits, targets):
    """-Σ targets · log softmax(logits) of each row"""
    return -xp.sum(targets * xp.nn.log_softmax(logits, axis=-1), axis=-1)


def cross_entropy_of_labels(xp, logits, labels, smoothing=0.0):
    """-(1 - smoothing) log softmax(logits)[label] - smoothing · the mean of log softmax(logits), of each row

    Shapes: logits (rows, classes), labels (rows,), integers."""
    log_p = xp.nn.log_softmax(logits, axis=1)
    picked = xp.take_along_axis(log_p, labels[:, None], axis=1)[:, 0]
    return -picked if smoothing == 0 else -(1 - smoothing) * picked - smoothing * xp.mean(log_p, axis=1)


def sigmoid_cross_entropy(xp, logits, targets, positive_weight=1.0):
    """-positive_weight · t log σ(z) - (1 - t) log σ(-z), z the logits and t the targets"""
    positive = targets if positive_weight == 1 else positive_weight * targets
    return -positive * xp.nn.log_sigmoid(logits) - (1 - targets) * xp.nn.log_sigmoid(-logits)


def binary_cross_entropy(xp, p, targets):
    """-t log p - (1 - t) log(1 - p), t the targets"""
    return -targets * xp.log(p) - (1 - targets) * xp.log1p(-p)


def ctc_loss(xp, logits, labels):
    """The same as `ctc_loss_of_log_probabilities`, of log softmax(logits)"""
    return xp.nn.ctc_loss_of_log_probabilities(xp.nn.log_softmax(logits, axis=1), labels)


def ctc_loss_of_log_probabilities(xp, log_p, labels):
    """-log of the probability of all paths that give the labels when repetitions, and then blanks, are taken out

    Shapes: log_p (steps, classes), class 0 the blank; labels a list of classes. A path takes one class a step, with the
    probability exp(log_p). The forward recursion in logarithms, over the labels with a blank around each: Graves et
    al., ICML 2006, section 4.1."""
    states = [0]
    for label in labels:
        states += [label, 0]
    reached = {0: log_p[0, 0], 1: log_p[0, states[1]]}
    for t in range(1, log_p.shape[0]):
        after = {}
        for s, label in enumerate(states):
            skips = label != 0 and s > 1 and label != states[s - 2]
            ways = [reached[r] for r in (s, s - 1, s - 2)[: 3 if skips else 2] if r in reached]
            if ways:
                after[s] = log_p[t, label] + xp.special.logsumexp(xp.stack(ways))
        reached = after
    ends = [reached[s] for s in (len(states) - 1, len(states) - 2) if s in reached]
    return -xp.special.logsumexp(xp.stack(ends))


LOSSES = {
    f.__name__: f
    for f in (
        *(squared_error, absolute_error, huber_loss, smooth_absolute_error, poisson_nll, kl_divergence),
        *(cosine_similarity, triplet_margin, softmax_cross_entropy, cross_entropy_of_labels),
        *(sigmoid_cross_entropy, binary_cross_entropy, ctc_loss, ctc_loss_of_log_probabilities),
    )
}
