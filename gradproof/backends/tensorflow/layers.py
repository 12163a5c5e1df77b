"""The layers of `xp.nn` on TensorFlow: the native operations, with the arguments of the formulas. On the CPU
they want the channels last, so arrays are turned around before and after them."""

from typing import Any

import tensorflow as tf


def _pair(size: Any) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else tuple(size)


def _channels_last(x: tf.Tensor) -> tf.Tensor:
    return tf.transpose(x, (0, *range(2, x.ndim), 1))


def _channels_second(x: tf.Tensor) -> tf.Tensor:
    return tf.transpose(x, (0, x.ndim - 1, *range(1, x.ndim - 1)))


def _sides(padding: Any) -> Any:
    """The padding of an image, as native operations take it. Some of their gradients know no explicit padding."""
    return [(0, 0), *((p, p) for p in _pair(padding)), (0, 0)] if any(_pair(padding)) else "VALID"


def _dense(x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return tf.nn.bias_add(tf.linalg.matmul(x, w), b)


def _conv(
    x: tf.Tensor, kernel: tf.Tensor, stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1
) -> tf.Tensor:
    # The native convolution reads the groups off the shapes, and along a line it pads nothing by itself.
    x = tf.pad(_channels_last(x), ((0, 0), (padding, padding), (0, 0)))
    return _channels_second(tf.nn.conv1d(x, tf.transpose(kernel, (2, 1, 0)), stride, "VALID", dilations=dilation))


def _conv2d(
    x: tf.Tensor, kernel: tf.Tensor, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> tf.Tensor:
    x, taps = _channels_last(x), tf.transpose(kernel, (2, 3, 1, 0))
    return _channels_second(tf.nn.conv2d(x, taps, _pair(stride), _sides(padding), dilations=_pair(dilation)))


def _conv_transpose(x: tf.Tensor, kernel: tf.Tensor, stride: int = 1, padding: int = 0, dilation: int = 1) -> tf.Tensor:
    batch, _, length = x.shape
    _, outputs, taps = kernel.shape
    whole = (length - 1) * stride + dilation * (taps - 1) + 1
    taps = tf.transpose(kernel, (2, 1, 0))
    y = tf.nn.conv1d_transpose(_channels_last(x), taps, (batch, whole, outputs), stride, "VALID", dilations=dilation)
    return _channels_second(y)[:, :, padding : whole - padding]


def _conv_transpose2d(
    x: tf.Tensor, kernel: tf.Tensor, stride: Any = 1, padding: Any = 0, dilation: Any = 1
) -> tf.Tensor:
    sizes = zip(x.shape[2:], kernel.shape[2:], _pair(stride), _pair(padding), _pair(dilation), strict=True)
    places = [(n - 1) * s + d * (taps - 1) + 1 - 2 * p for n, taps, s, p, d in sizes]
    y = tf.nn.conv2d_transpose(
        _channels_last(x),
        tf.transpose(kernel, (2, 3, 1, 0)),
        (x.shape[0], *places, kernel.shape[1]),
        _pair(stride),
        _sides(padding),
        dilations=_pair(dilation),
    )
    return _channels_second(y)


def _max_pool2d(x: tf.Tensor, window: Any, stride: Any, padding: Any = 0) -> tf.Tensor:
    return _channels_second(tf.nn.max_pool2d(_channels_last(x), _pair(window), _pair(stride), _sides(padding)))


def _max_pool(x: tf.Tensor, window: int, stride: int, padding: int = 0) -> tf.Tensor:
    # Along a line the native operation pads as it likes, if at all.
    if padding:
        return _max_pool2d(x[:, :, None, :], (1, window), (1, stride), (0, padding))[:, :, 0, :]
    return _channels_second(tf.nn.max_pool1d(_channels_last(x), window, stride, "VALID"))


def _avg_pool2d(x: tf.Tensor, window: Any, stride: Any, padding: Any = 0, counting_padding: bool = True) -> tf.Tensor:
    window, stride, padding = _pair(window), _pair(stride), _pair(padding)
    if counting_padding or not any(padding):
        sides = [(0, 0), *((p, p) for p in padding), (0, 0)]
        return _channels_second(tf.nn.avg_pool2d(tf.pad(_channels_last(x), sides), window, stride, "VALID"))
    sizes = zip(x.shape[2:], window, stride, padding, strict=True)
    # "SAME" counts no padding, but pads by a rule of its own.
    if any(max((-(-n // s) - 1) * s + w - n, 0) != 2 * p for n, w, s, p in sizes):
        raise NotImplementedError("TensorFlow averages without the padding only where it pads as it likes")
    return _channels_second(tf.nn.avg_pool2d(_channels_last(x), window, stride, "SAME"))


def _avg_pool(x: tf.Tensor, window: int, stride: int, padding: int = 0, counting_padding: bool = True) -> tf.Tensor:
    return _avg_pool2d(x[:, :, None, :], (1, window), (1, stride), (0, padding), counting_padding)[:, :, 0, :]


def _layer_norm(x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor, epsilon: float) -> tf.Tensor:
    mean, variance = tf.nn.moments(x, [-1], keepdims=True)
    return tf.nn.batch_normalization(x, mean, variance, bias, gain, epsilon)


def _batch_norm(x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor, epsilon: float) -> tf.Tensor:
    x = _channels_last(x)
    if x.dtype == tf.float32:
        fused = tf.compat.v1.nn.fused_batch_norm(x[:, :, None, :], gain, bias, epsilon=epsilon)[0]
        return _channels_second(fused[:, :, 0, :])
    # The fused operation has no float64, and for half precision it wants a gain in float32.
    mean, variance = tf.nn.moments(x, [0, 1])
    return _channels_second(tf.nn.batch_normalization(x, mean, variance, bias, gain, epsilon))


LAYERS = {
    "dense": _dense,
    "embedding": lambda indices, table: tf.nn.embedding_lookup(table, indices),
    "conv": _conv,
    "conv2d": _conv2d,
    "conv_transpose": _conv_transpose,
    "conv_transpose2d": _conv_transpose2d,
    "max_pool": _max_pool,
    "max_pool2d": _max_pool2d,
    "avg_pool": _avg_pool,
    "avg_pool2d": _avg_pool2d,
    "layer_norm": _layer_norm,
    "batch_norm": _batch_norm,
}
