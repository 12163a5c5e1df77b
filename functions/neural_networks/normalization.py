"""Normalizations: what goes on is the distance from the mean, in units of the spread, over one set of axes or another.
The set is what tells them apart. ε = 2⁻¹⁶ throughout."""

from gradproof import Reals, function, weights
from gradproof.registry.points import mixed, repeated

EPSILON = 2.0**-16


@function(
    x=Reals((3, 4)),
    points=[
        dict(x=mixed(3, 4)),
        dict(x=[[1.5] * 4, [0.0] * 4, [-2.0, -2.0, -2.0, -2.0 + 2.0**-10]]),  # next to no spread
        dict(x=[[1000.0, 1001.0, 998.0, 1000.5], [-40.0, 1000.0, 0.5, 2.0], [2.0**-10, -(2.0**-9), 0.0, 2.0**-8]]),
    ],
)
def standardization(xp, x, *, stable=False):
    """f(x) = Σ w ∘ (x - x̄) / √(v + ε), x̄ the mean of a row and v that of (x - x̄)²

    x: 3x4. Some compute v as the mean of x² less the square of x̄, which cancels (Higham, Accuracy and Stability of
    Numerical Algorithms, 2nd ed., section 1.9), unless told that it shall be stable."""
    return xp.sum(weights(xp, tuple(x.shape)) * xp.nn.standardize(x, EPSILON, stable))


@standardization.gradient
def _(xp, x, *, stable=False):
    c = x - xp.mean(x, axis=1, keepdims=True)  # node 1
    v = xp.mean(c * c, axis=1, keepdims=True)  # node 2
    s = xp.sqrt(v + EPSILON)  # node 3
    d_n = weights(xp, tuple(x.shape))  # node 5 input: f = Σ w n, with node 4: n = c / s
    d_s = -xp.sum(d_n * c, axis=1, keepdims=True) / (s * s)  # node 4 input
    d_v = d_s / (2 * s)  # node 3 input
    d_c = d_n / s + 2 * c * d_v / x.shape[1]  # node 4 input, node 2 input
    return d_c - xp.mean(d_c, axis=1, keepdims=True)  # node 1 input: x stands alone and in its mean


@standardization.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 4)))


standardization.variant("in_two_passes", stable=True).inputs_of_size(standardization.generator)


@function(
    x=Reals((3, 4)),
    gain=Reals((4,)),
    bias=Reals((4,)),
    points=[
        dict(x=mixed(3, 4), gain=[1.25, 0.75, -0.5, 2.0], bias=[0.5, -0.25, 0.125, 1.0]),
        dict(
            x=[[1.5] * 4, [0.0] * 4, [-2.0, -2.0, -2.0, -2.0 + 2.0**-10]],
            gain=[1.0, 0.0, 3.0, 4.0],
            bias=[0.0] * 4,
        ),
        dict(
            x=[[1000.0, 1001.0, 998.0, 1000.5], [-40.0, 1000.0, 0.5, 2.0], [2.0**-10, -(2.0**-9), 0.0, 2.0**-8]],
            gain=[0.5, -1.5, 1.0, 0.25],
            bias=[1.0, 2.0, 3.0, 4.0],
        ),
    ],
)
def normalized_layer(xp, x, gain, bias):
    """f(x, g, b) = Σ w ∘ (g (x - x̄) / √(v + ε) + b), x̄ the mean of a row and v that of (x - x̄)²

    x: 3x4; g and b: 4. As `layer_norm`, by the backend's own operation. Ba, Kiros and Hinton, arXiv:1607.06450."""
    return xp.sum(weights(xp, tuple(x.shape)) * xp.nn.layer_norm(x, gain, bias, EPSILON))


@normalized_layer.gradient
def _(xp, x, gain, bias):
    c = x - xp.mean(x, axis=1, keepdims=True)  # node 1
    v = xp.mean(c * c, axis=1, keepdims=True)  # node 2
    s = xp.sqrt(v + EPSILON)  # node 3
    d_y = weights(xp, tuple(x.shape))  # node 6 input: f = Σ w y, with node 5: y = gain n + bias, node 4: n = c / s
    d_bias = xp.sum(d_y, axis=0)  # node 5 input
    d_gain = xp.sum(d_y * (c / s), axis=0)  # node 5 input
    d_n = gain * d_y  # node 5 input
    d_s = -xp.sum(d_n * c, axis=1, keepdims=True) / (s * s)  # node 4 input
    d_v = d_s / (2 * s)  # node 3 input
    d_c = d_n / s + 2 * c * d_v / x.shape[1]  # node 4 input, node 2 input
    d_x = d_c - xp.mean(d_c, axis=1, keepdims=True)  # node 1 input: x stands alone and in its mean
    return d_x, d_gain, d_bias


@normalized_layer.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 4)), gain=rng.normal(size=4), bias=rng.normal(size=4))


@function(
    x=Reals((3, 2, 2)),
    gain=Reals((2,)),
    bias=Reals((2,)),
    points=[
        dict(x=mixed(3, 2, 2), gain=[1.25, -0.75], bias=[0.5, -0.25]),
        dict(
            x=[[[1.5, 1.5], [-2.0, -2.0]]] * 2 + [[[1.5, 1.5], [-2.0, -2.0 + 2.0**-10]]], gain=[1.0, 3.0], bias=[0, 0]
        ),
        dict(x=1000.0 + mixed(3, 2, 2), gain=[0.0, 2.0], bias=[1.0, -1.0]),  # a large offset; no gain
    ],
)
def normalized_batch(xp, x, gain, bias):
    """f(x, g, b) = Σ w ∘ (g (x - x̄) / √(v + ε) + b), x̄ the mean of a channel over batch and length, v that of (x - x̄)²

    x: 3x2x2 (batch, channels, length); g and b: 2. As in training, where the statistics are those of the batch and take
    part in the derivative. Ioffe and Szegedy, arXiv:1502.03167, algorithm 1."""
    return xp.sum(weights(xp, tuple(x.shape)) * xp.nn.batch_norm(x, gain, bias, EPSILON))


@normalized_batch.gradient
def _(xp, x, gain, bias):
    count = x.shape[0] * x.shape[2]
    c = x - xp.mean(x, axis=(0, 2), keepdims=True)  # node 1
    v = xp.mean(c * c, axis=(0, 2), keepdims=True)  # node 2
    s = xp.sqrt(v + EPSILON)  # node 3
    d_y = weights(xp, tuple(x.shape))  # node 6 input: f = Σ w y, with node 5: y = gain n + bias, node 4: n = c / s
    d_bias = xp.sum(d_y, axis=(0, 2))  # node 5 input
    d_gain = xp.sum(d_y * (c / s), axis=(0, 2))  # node 5 input
    d_n = gain[:, None] * d_y  # node 5 input
    d_s = -xp.sum(d_n * c, axis=(0, 2), keepdims=True) / (s * s)  # node 4 input
    d_v = d_s / (2 * s)  # node 3 input
    d_c = d_n / s + 2 * c * d_v / count  # node 4 input, node 2 input
    d_x = d_c - xp.mean(d_c, axis=(0, 2), keepdims=True)  # node 1 input: x stands alone and in its mean
    return d_x, d_gain, d_bias


@normalized_batch.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 2, 2)), gain=rng.normal(size=2), bias=rng.normal(size=2))


@function(
    x=Reals((2, 4, 2)),
    gain=Reals((4,)),
    bias=Reals((4,)),
    points=[
        dict(x=mixed(2, 4, 2), gain=[1.25, 0.75, -0.5, 2.0], bias=[0.5, -0.25, 0.125, 1.0]),
        dict(x=repeated(2, 4, 2), gain=[1.0, 0.0, 3.0, 4.0], bias=[0.0] * 4),
        dict(
            x=[[[1.5, 1.5]] * 4, [[0.0, 0.0], [0.0, 0.0], [-2.0, -2.0 + 2.0**-10], [-2.0, -2.0]]],
            gain=[1.0, 2.0, 3.0, 4.0],
            bias=[0.0] * 4,
        ),
        dict(x=1000.0 + mixed(2, 4, 2), gain=[0.5, -1.5, 1.0, 0.25], bias=[1.0, 2.0, 3.0, 4.0]),
    ],
)
def normalized_groups(xp, x, gain, bias, *, groups=2):
    """f(x, g, b) = Σ w ∘ (g (x - x̄) / √(v + ε) + b), x̄ the mean of a group of channels over these and the length, v
    that of (x - x̄)²

    x: 2x4x2 (batch, channels, length); g and b: 4. Wu and He, arXiv:1803.08494, equations 1 to 7."""
    return xp.sum(weights(xp, tuple(x.shape)) * xp.nn.group_norm(x, gain, bias, groups, EPSILON))


@normalized_groups.gradient
def _(xp, x, gain, bias, *, groups=2):
    batch, channels, length = x.shape
    count = channels // groups * length
    grouped = xp.reshape(x, (batch, groups, count))
    c = grouped - xp.mean(grouped, axis=2, keepdims=True)  # node 1
    v = xp.mean(c * c, axis=2, keepdims=True)  # node 2
    s = xp.sqrt(v + EPSILON)  # node 3
    n = xp.reshape(c / s, (batch, channels, length))  # node 4
    d_y = weights(xp, (batch, channels, length))  # node 6 input: f = Σ w y, with node 5: y = gain n + bias
    d_bias = xp.sum(d_y, axis=(0, 2))  # node 5 input
    d_gain = xp.sum(d_y * n, axis=(0, 2))  # node 5 input
    d_n = xp.reshape(gain[:, None] * d_y, (batch, groups, count))  # node 5 input
    d_s = -xp.sum(d_n * c, axis=2, keepdims=True) / (s * s)  # node 4 input
    d_v = d_s / (2 * s)  # node 3 input
    d_c = d_n / s + 2 * c * d_v / count  # node 4 input, node 2 input
    d_x = d_c - xp.mean(d_c, axis=2, keepdims=True)  # node 1 input: x stands alone and in its mean
    return xp.reshape(d_x, (batch, channels, length)), d_gain, d_bias


@normalized_groups.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 4, 2)), gain=rng.normal(size=4), bias=rng.normal(size=4))


normalized_groups.variant("all_in_one", groups=1).inputs_of_size(normalized_groups.generator)


@function(
    x=Reals((2, 2, 3)),
    gain=Reals((2,)),
    bias=Reals((2,)),
    points=[
        dict(x=mixed(2, 2, 3), gain=[1.25, -0.75], bias=[0.5, -0.25]),
        dict(x=[[[1.5] * 3, [-2.0] * 3], [[0.0] * 3, [-2.0, -2.0, -2.0 + 2.0**-10]]], gain=[1.0, 3.0], bias=[0.0, 0.0]),
        dict(x=1000.0 + mixed(2, 2, 3), gain=[0.0, 2.0], bias=[1.0, -1.0]),
    ],
)
def normalized_instances(xp, x, gain, bias):
    """f(x, g, b) = Σ w ∘ (g (x - x̄) / √(v + ε) + b), x̄ the mean of one channel of one example, v that of (x - x̄)²

    x: 2x2x3 (batch, channels, length); g and b: 2. Ulyanov, Vedaldi and Lempitsky, arXiv:1607.08022."""
    return xp.sum(weights(xp, tuple(x.shape)) * xp.nn.instance_norm(x, gain, bias, EPSILON))


@normalized_instances.gradient
def _(xp, x, gain, bias):
    c = x - xp.mean(x, axis=2, keepdims=True)  # node 1
    v = xp.mean(c * c, axis=2, keepdims=True)  # node 2
    s = xp.sqrt(v + EPSILON)  # node 3
    d_y = weights(xp, tuple(x.shape))  # node 6 input: f = Σ w y, with node 5: y = gain n + bias, node 4: n = c / s
    d_bias = xp.sum(d_y, axis=(0, 2))  # node 5 input
    d_gain = xp.sum(d_y * (c / s), axis=(0, 2))  # node 5 input
    d_n = gain[:, None] * d_y  # node 5 input
    d_s = -xp.sum(d_n * c, axis=2, keepdims=True) / (s * s)  # node 4 input
    d_v = d_s / (2 * s)  # node 3 input
    d_c = d_n / s + 2 * c * d_v / x.shape[2]  # node 4 input, node 2 input
    d_x = d_c - xp.mean(d_c, axis=2, keepdims=True)  # node 1 input: x stands alone and in its mean
    return d_x, d_gain, d_bias


@normalized_instances.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 2, 3)), gain=rng.normal(size=2), bias=rng.normal(size=2))


@function(
    x=Reals((3, 4)),
    gain=Reals((4,)),
    points=[
        dict(x=mixed(3, 4), gain=[1.25, 0.75, -0.5, 2.0]),
        dict(x=[[0.0] * 4, [2.0**-20, 0.0, -(2.0**-19), 2.0**-18], [1.5] * 4], gain=[1.0, 0.0, 3.0, 4.0]),
        dict(
            x=[[1000.0, 0.5, 998.0, 2.0**-20], [-40.0, 0.0, 0.0, 0.0], [1.0, -1.0, 1.0, -1.0]], gain=[0.5, -1.5, 1, 2]
        ),
    ],
)
def normalized_root_mean_square(xp, x, gain):
    """f(x, g) = Σ w ∘ g x / √(v + ε), v the mean of x² over a row

    x: 3x4, g: 4. Zhang and Sennrich, arXiv:1910.07467, equation 4, with ε."""
    return xp.sum(weights(xp, tuple(x.shape)) * xp.nn.rms_norm(x, gain, EPSILON))


@normalized_root_mean_square.gradient
def _(xp, x, gain):
    v = xp.mean(x * x, axis=1, keepdims=True)  # node 1
    s = xp.sqrt(v + EPSILON)  # node 2
    d_y = weights(xp, tuple(x.shape))  # node 5 input: f = Σ w y, with node 4: y = gain n, node 3: n = x / s
    d_gain = xp.sum(d_y * (x / s), axis=0)  # node 4 input
    d_n = gain * d_y  # node 4 input
    d_s = -xp.sum(d_n * x, axis=1, keepdims=True) / (s * s)  # node 3 input
    d_v = d_s / (2 * s)  # node 2 input
    d_x = d_n / s + 2 * x * d_v / x.shape[1]  # node 3 input, node 1 input
    return d_x, d_gain


@normalized_root_mean_square.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=(n, 4)), gain=rng.normal(size=4))
