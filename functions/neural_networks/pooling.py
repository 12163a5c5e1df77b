"""Pooling: the largest entry, or the average, of each of many windows that slide along a signal or over an image."""

from gradproof import Reals, function, weights
from gradproof.registry.points import mixed, repeated


@function(
    x=Reals((2, 1, 7)),
    points=[
        dict(x=mixed(2, 1, 7)),
        dict(x=repeated(2, 1, 7)),  # ties within a window, and across the entries that two windows share
        dict(x=[[[0.0, -0.0] * 3 + [0.0]], [[-3.0, -2.0, -1.0, 0.0, 1.0, 1.0, 0.0]]]),
        dict(x=1000.0 * mixed(2, 1, 7)),
    ],
)
def max_pooling_of_signals(xp, x, *, window=3, stride=2, padding=1):
    """f(x) = Σ w ∘ y, yₙ,c,t = max xₙ,c,p over the places p from t·stride - padding, as many as the window has

    x: 2x1x7 (batch, channels, length), y: 2x1x4; places outside are never the largest. At a tie the subdifferential
    holds what comes when each window gives its slope to one of its largest entries, always by one order of all entries,
    and the mixtures of that; chosen here: equal shares, the mixture of all orders. Goodfellow, Bengio and Courville,
    Deep Learning, section 9.3."""
    y = xp.nn.max_pool(x, window, stride, padding)
    return xp.sum(weights(xp, tuple(y.shape)) * y)


@max_pooling_of_signals.gradient
def _(xp, x, *, window=3, stride=2, padding=1):
    # y = max_pool(x)  node 1
    # f = Σ w y        node 2
    batch, channels, length = x.shape
    steps = (length + 2 * padding - window) // stride + 1
    d_y = weights(xp, (batch, channels, steps))  # node 2 input
    d_x = [0 * x[:, :, p] for p in range(length)]
    for t in range(steps):  # node 1 input, window by window
        begin, end = max(t * stride - padding, 0), min(t * stride - padding + window, length)
        seen = x[:, :, begin:end]
        largest = seen == xp.max(seen, axis=2, keepdims=True)
        share = xp.where(largest, xp.ones_like(seen), xp.zeros_like(seen))
        d_seen = share / xp.sum(share, axis=2, keepdims=True) * d_y[:, :, t : t + 1]
        for p in range(begin, end):
            d_x[p] = d_x[p] + d_seen[:, :, p - begin]
    return (xp.stack(d_x, axis=2),)


@max_pooling_of_signals.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 1, 7)))


# No window shares an entry; the last entry is in none.
max_pooling_of_signals.variant("apart", window=2, padding=0).inputs_of_size(max_pooling_of_signals.generator)
max_pooling_of_signals.variant("step_by_step", stride=1, padding=0).inputs_of_size(max_pooling_of_signals.generator)
max_pooling_of_signals.variant("gaps", window=2, stride=3, padding=0)


@function(
    x=Reals((2, 1, 3, 3)),
    points=[
        dict(x=mixed(2, 1, 3, 3)),
        dict(x=repeated(2, 1, 3, 3)),  # ties within a window, and across the entries that windows share
        dict(x=0 * mixed(2, 1, 3, 3)),
        dict(x=1000.0 * mixed(2, 1, 3, 3)),
    ],
)
def max_pooling_of_images(xp, x, *, window=(2, 2), stride=(1, 1), padding=(0, 0)):
    """f(x) = Σ w ∘ y, yₙ,c,t,u = max xₙ,c,p,q over the places (p, q) of a window that begins at (t, u)·stride - padding

    x: 2x1x3x3 (batch, channels, height, width), y: 2x1x2x2; places outside are never the largest. At a tie: equal
    shares, as along a signal. Goodfellow, Bengio and Courville, Deep Learning, section 9.3."""
    y = xp.nn.max_pool2d(x, window, stride, padding)
    return xp.sum(weights(xp, tuple(y.shape)) * y)


@max_pooling_of_images.gradient
def _(xp, x, *, window=(2, 2), stride=(1, 1), padding=(0, 0)):
    # y = max_pool2d(x)  node 1
    # f = Σ w y          node 2
    batch, channels, height, width = x.shape
    down = (height + 2 * padding[0] - window[0]) // stride[0] + 1
    across = (width + 2 * padding[1] - window[1]) // stride[1] + 1
    d_y = weights(xp, (batch, channels, down, across))  # node 2 input
    d_x = [[0 * x[:, :, p, q] for q in range(width)] for p in range(height)]
    for t in range(down):  # node 1 input, window by window
        top, bottom = max(t * stride[0] - padding[0], 0), min(t * stride[0] - padding[0] + window[0], height)
        for u in range(across):
            left, right = max(u * stride[1] - padding[1], 0), min(u * stride[1] - padding[1] + window[1], width)
            seen = x[:, :, top:bottom, left:right]
            largest = seen == xp.max(seen, axis=(2, 3), keepdims=True)
            share = xp.where(largest, xp.ones_like(seen), xp.zeros_like(seen))
            d_seen = share / xp.sum(share, axis=(2, 3), keepdims=True) * d_y[:, :, t : t + 1, u : u + 1]
            for p in range(top, bottom):
                for q in range(left, right):
                    d_x[p][q] = d_x[p][q] + d_seen[:, :, p - top, q - left]
    return (xp.stack([xp.stack(line, axis=2) for line in d_x], axis=2),)


@max_pooling_of_images.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 1, 3, 3)))


max_pooling_of_images.variant("padded", window=(3, 2), stride=(1, 2), padding=(1, 1)).inputs_of_size(
    max_pooling_of_images.generator
)


@function(
    x=Reals((2, 2, 7)),
    points=[
        dict(x=mixed(2, 2, 7)),
        dict(x=repeated(2, 2, 7)),
        dict(x=[[[1000.0, 2.0**-20, -40.0, 1.0, -1000.0, 0.5, 2.0**20]] * 2] * 2),
    ],
)
def average_pooling_of_signals(xp, x, *, window=3, stride=2, padding=1, counting_padding=True):
    """f(x) = Σ w ∘ y, yₙ,c,t = the sum of xₙ,c,p over the places p from t·stride - padding, over the window's length

    x: 2x2x7 (batch, channels, length), y: 2x2x4. What lies outside is 0 and counts, or it does not count, and the sum
    is over the number of places within."""
    y = xp.nn.avg_pool(x, window, stride, padding, counting_padding)
    return xp.sum(weights(xp, tuple(y.shape)) * y)


@average_pooling_of_signals.gradient
def _(xp, x, *, window=3, stride=2, padding=1, counting_padding=True):
    # y = avg_pool(x)  node 1
    # f = Σ w y        node 2
    batch, channels, length = x.shape
    steps = (length + 2 * padding - window) // stride + 1
    d_y = weights(xp, (batch, channels, steps))  # node 2 input
    d_x = [0 * x[:, :, p] for p in range(length)]
    for t in range(steps):  # node 1 input, window by window
        begin, end = max(t * stride - padding, 0), min(t * stride - padding + window, length)
        for p in range(begin, end):
            d_x[p] = d_x[p] + d_y[:, :, t] / (window if counting_padding else end - begin)
    return (xp.stack(d_x, axis=2),)


@average_pooling_of_signals.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 2, 7)))


average_pooling_of_signals.variant("apart", window=2, padding=0)  # the last entry is in no window
average_pooling_of_signals.variant("without_padding", counting_padding=False).inputs_of_size(
    average_pooling_of_signals.generator
)


@function(
    x=Reals((2, 1, 3, 3)),
    points=[
        dict(x=mixed(2, 1, 3, 3)),
        dict(x=repeated(2, 1, 3, 3)),
        dict(x=2.0**20 + mixed(2, 1, 3, 3)),
    ],
)
def average_pooling_of_images(xp, x, *, window=(2, 2), stride=(1, 1), padding=(0, 0), counting_padding=True):
    """f(x) = Σ w ∘ y, yₙ,c,t,u = the sum of x over a window that begins at (t, u)·stride - padding, over its size

    x: 2x1x3x3 (batch, channels, height, width), y: 2x1x2x2. What lies outside is 0 and counts, or it does not count,
    and the sum is over the number of places within."""
    y = xp.nn.avg_pool2d(x, window, stride, padding, counting_padding)
    return xp.sum(weights(xp, tuple(y.shape)) * y)


@average_pooling_of_images.gradient
def _(xp, x, *, window=(2, 2), stride=(1, 1), padding=(0, 0), counting_padding=True):
    # y = avg_pool2d(x)  node 1
    # f = Σ w y          node 2
    batch, channels, height, width = x.shape
    down = (height + 2 * padding[0] - window[0]) // stride[0] + 1
    across = (width + 2 * padding[1] - window[1]) // stride[1] + 1
    d_y = weights(xp, (batch, channels, down, across))  # node 2 input
    d_x = [[0 * x[:, :, p, q] for q in range(width)] for p in range(height)]
    for t in range(down):  # node 1 input, window by window
        top, bottom = max(t * stride[0] - padding[0], 0), min(t * stride[0] - padding[0] + window[0], height)
        for u in range(across):
            left, right = max(u * stride[1] - padding[1], 0), min(u * stride[1] - padding[1] + window[1], width)
            count = window[0] * window[1] if counting_padding else (bottom - top) * (right - left)
            for p in range(top, bottom):
                for q in range(left, right):
                    d_x[p][q] = d_x[p][q] + d_y[:, :, t, u] / count
    return (xp.stack([xp.stack(line, axis=2) for line in d_x], axis=2),)


@average_pooling_of_images.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 1, 3, 3)))


average_pooling_of_images.variant("padded", window=(3, 2), stride=(1, 2), padding=(1, 1))
average_pooling_of_images.variant(
    "without_padding", window=(3, 3), stride=(1, 1), padding=(1, 1), counting_padding=False
).inputs_of_size(average_pooling_of_images.generator)
