"""Operations of neural networks: pooling, normalization, losses, images."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gradproof.backends.tensorflow.trace.operation import Operation, Value
from gradproof.backends.tensorflow.trace.rules.products import (
    channels_last,
    from_channels_first,
    padding,
    spatial,
    to_channels_first,
)
from gradproof.oracles.tape import Cells, lowering


def _bias(op: Operation, x: Value, bias: Value) -> Cells:
    x, bias = op.lift(x), op.lift(bias)
    if channels_last(op):
        return x + bias
    return x + bias[(slice(None), *[None] * (len(x.shape) - 2))]


def _bias_v1(op: Operation, x: Value, bias: Value) -> Cells:
    return op.lift(x) + op.lift(bias)


def _bias_derivative(op: Operation, d: Cells) -> Cells:
    channel = d.ndim - 1 if channels_last(op) else 1
    return op.tape.sum(d, tuple(a for a in range(d.ndim) if a != channel))


# Pooling


def _windows(op: Operation, x: Cells) -> tuple[Cells, list[int], list[int], list[tuple[int, int]]]:
    x = to_channels_first(op, x)
    count = x.ndim - 2
    sizes, strides = spatial(op, "ksize", count), spatial(op, "strides", count)
    if op.attribute("ksize")[0] != 1 or math.prod(op.attribute("ksize")) != math.prod(sizes):
        op.refuse("windows over the batch or over channels")
    return x, sizes, strides, padding(op, x.shape[2:], sizes, strides, (1,) * count)


def _max_pool(op: Operation, x: Cells) -> Cells:
    return from_channels_first(op, lowering.extremum_pool("max", *_windows(op, x)))


def _mean_pool(op: Operation, x: Cells) -> Cells:
    return from_channels_first(op, lowering.mean_pool(*_windows(op, x), count_padding=False))


def _largest_of_windows(op: Operation, x: Value) -> tuple[Cells, np.ndarray]:
    """Images with channels first, and for each window the place of its largest entry in them, flattened."""
    images, sizes, strides, pairs = _windows(op, op.real(x))
    filled = lowering.pool_windows(images, sizes, strides, pairs, fill=-math.inf)
    best = op.tape.settle_extremum("max", filled, -1)
    return images, np.take_along_axis(_places(images, sizes, strides, pairs), best[..., None], -1)[..., 0]


def _places(images: Cells, sizes: Sequence[int], strides: Sequence[int], pairs: lowering.Pairs) -> np.ndarray:
    """The places of the entries of each window in flattened images, -1 in the padding."""
    padded = lowering.pad(np.arange(images.size).reshape(images.shape), [(0, 0), (0, 0), *pairs], -1)
    view = lowering.windows(padded, sizes, strides, (1,) * len(sizes))
    return view.reshape(*view.shape[: images.ndim], -1)


def _max_pool_and_places(op: Operation, x: Cells) -> list[Value]:
    places = None
    if op.is_used(1):
        _largest_of_windows(op, x)  # they must be certain
        places = op.by_framework(tf.constant(x.value, op.dtype))[1]
    return [_max_pool(op, x), places]


def _max_pool_derivative(op: Operation, x: Value, y: Value, d: Value) -> Cells:
    images, places = _largest_of_windows(op, x)
    zeros = op.tape.constant(np.zeros(images.shape), op.format)
    return from_channels_first(op, lowering.scatter_add(zeros, places, to_channels_first(op, op.lift(d))))


def _max_pool_second_derivative(op: Operation, x: Value, y: Value, d: Value) -> Cells:
    _, places = _largest_of_windows(op, x)
    d = to_channels_first(op, op.lift(d))
    return from_channels_first(op, d.like(d.numbers.reshape(-1)[places]))


def _mean_pool_derivative(op: Operation, shape: Value, d: Cells) -> Cells:
    zeros, sizes, strides, pairs = _windows(op, op.tape.constant(np.zeros(op.array(shape)), op.format))
    places = _places(zeros, sizes, strides, pairs)
    shares = to_channels_first(op, d) / (places >= 0).sum(-1).astype(float)
    updates = shares.like(np.broadcast_to(shares.numbers[..., None], places.shape))
    return from_channels_first(op, lowering.scatter_add(zeros, places, updates))


def _dilation(op: Operation, x: Value, kernel: Value) -> Cells:
    """The largest of entry plus kernel over each window; kernels are (height, width, channels)."""
    x, kernel = op.real(x), op.real(kernel)
    x, kernel = x.like(np.moveaxis(x.numbers, -1, 1)), kernel.like(np.moveaxis(kernel.numbers, -1, 0))
    sizes, strides, rates = kernel.shape[1:], op.attribute("strides")[1:3], op.attribute("rates")[1:3]
    pairs = [(0, 0)] * 2
    if op.attribute("padding") == "SAME":
        pairs = []
        for size, width, stride, rate in zip(x.shape[2:], sizes, strides, rates, strict=True):
            needed = max((-(-size // stride) - 1) * stride + (width - 1) * rate + 1 - size, 0)
            pairs.append((needed // 2, needed - needed // 2))
    windows = lowering.pool_windows(x, sizes, strides, pairs, rates, -math.inf)
    best = op.tape.extremum("max", windows + kernel.like(kernel.numbers.reshape(len(kernel), 1, 1, -1)), -1)
    return best.like(np.moveaxis(best.numbers, 1, -1))


# Normalization


def _batch_norm(op: Operation, x: Value, scale: Value, offset: Value, mean: Value, variance: Value) -> list[Any]:
    """Computed in the format of the scale, which may be wider than that of the images."""
    wide = op.node.inputs[1].dtype
    x, scale, offset = op.tape.cast(op.lift(x), wide.name), op.lift(scale, wide), op.lift(offset, wide)
    x = x if channels_last(op) else x.like(np.moveaxis(x.numbers, 1, -1))
    axes = tuple(range(x.ndim - 1))
    count = math.prod(x.shape[:-1])
    if op.attribute("is_training"):
        spread, mean = lowering.variance(x, axes)
        seen = spread * op.number(count / max(count - 1, 1), wide)
    else:
        spread, mean = op.lift(variance, wide), op.lift(mean, wide)
        seen = spread
    factor = scale / op.tape.map("sqrt", spread + op.number(op.attribute("epsilon"), wide))
    result = op.tape.cast((x - mean) * factor + offset, op.format)
    result = result if channels_last(op) else result.like(np.moveaxis(result.numbers, -1, 1))
    if op.attribute("is_training") and op.attribute("exponential_avg_factor") != 1:
        return [result]
    return [result, mean, seen]


def _local_response(op: Operation, x: Cells) -> Cells:
    """x over a power of the sum of squares of the channels around."""
    radius = op.attribute("depth_radius")
    squares = lowering.sum_pool(x * x, (2 * radius + 1,), (1,), [(radius, radius)])
    bias, alpha, beta = (op.attribute(name) for name in ("bias", "alpha", "beta"))
    return x / op.tape.pow(op.number(bias) + op.number(alpha) * squares, op.number(beta).value)


# Losses


def _cross_entropy(op: Operation, logits: Value, labels: Value) -> list[Any]:
    logits, labels = op.lift(logits), op.lift(labels)
    losses = -op.tape.sum(labels * lowering.log_softmax(logits), -1)
    return [losses, lowering.softmax(logits) - labels]


def _sparse_cross_entropy(op: Operation, logits: Cells, labels: Value) -> list[Any]:
    labels = op.array(labels)
    scores = lowering.log_softmax(logits)
    hot = op.tape.constant(np.eye(logits.shape[-1])[labels], logits.format)
    return [-scores.like(np.take_along_axis(scores.numbers, labels[:, None], -1)[:, 0]), lowering.softmax(logits) - hot]


def _ctc_loss(op: Operation, logits: Cells, places: Value, labels: Value, lengths: Value) -> list[Any]:
    """Of each sequence of a batch, the blank the last class. Labels are a sparse matrix."""
    if op.attribute("preprocess_collapse_repeated") or not op.attribute("ctc_merge_repeated"):
        op.refuse("repeated labels that are merged before, or not at all")
    if op.is_used(1):
        op.refuse("its second result, which is the derivative of the first")
    scores, rows, labels = lowering.log_softmax(logits), op.array(places)[:, 0], op.array(labels)
    losses = [
        lowering.ctc_loss(scores[: int(length), i], labels[rows == i], logits.shape[-1] - 1)
        for i, length in enumerate(op.array(lengths))
    ]
    return [op.tape.stack(losses), None]


# Images


def _crop_and_resize(op: Operation, images: Value, boxes: Value, which: Value, size: Value) -> Cells:
    """Each box of an image by bilinear interpolation between its corners, which are given as parts of the image."""
    if op.attribute("method") != "bilinear":
        op.refuse("a crop by the nearest entry, whose derivative in the box is that of another crop")
    wide = op.dtype
    images, boxes = op.tape.cast(op.real(images), op.format), op.real(boxes, wide)
    outside = op.number(op.attribute("extrapolation_value"))
    crops = []
    for box, i in zip(boxes, op.array(which), strict=True):
        ends = ((box[0], box[2]), (box[1], box[3]))
        rows, columns = (
            _between(op, *pair, int(count), own)
            for pair, count, own in zip(ends, op.array(size), images.shape[1:3], strict=True)
        )
        crops.append(_interpolated(op, images[int(i)], rows, columns, outside))
    return op.tape.stack(crops)


def _between(op: Operation, start: Cells, end: Cells, count: int, size: int) -> list[tuple[int, int, Cells] | None]:
    """For each row of a crop the rows of the image that it lies between, and how far; None outside of the image."""
    last = float(size - 1)
    if count > 1:
        step = (end - start) * last / float(count - 1)
        places = [start * last + step * float(k) for k in range(count)]
    else:
        places = [(start + end) * 0.5 * last]
    found: list[tuple[int, int, Cells] | None] = []
    for place in places:
        if not (op.tape.settle(place >= 0.0) & op.tape.settle(place <= last)):
            found.append(None)
            continue
        low = int(op.tape.settle_step(place, "floor"))
        found.append((low, min(low + 1, size - 1), place - float(low)))
    return found


def _interpolated(op: Operation, image: Cells, rows: list, columns: list, outside: Cells) -> Cells:
    tape, channels = op.tape, image.shape[-1]
    nothing = tape.broadcast_to(outside, (channels,))
    lines = []
    for row in rows:
        line = []
        for column in columns:
            if row is None or column is None:
                line.append(nothing)
                continue
            (top, bottom, down), (left, right, along) = row, column
            high = image[top, left] + (image[top, right] - image[top, left]) * along
            low = image[bottom, left] + (image[bottom, right] - image[bottom, left]) * along
            line.append(high + (low - high) * down)
        lines.append(tape.stack(line))
    return tape.stack(lines)


def _linear_in_images(op: Operation, x: Cells, *others: Value) -> Cells:
    """An operation that is linear in each image: its matrix is what TensorFlow makes of each unit image."""
    height, width, channels = x.shape[1:]
    units = tf.constant(np.eye(height * width).reshape(-1, height, width, 1), op.node.inputs[0].dtype)
    matrix = op.by_framework(units, *map(op.tensor, others)).numpy()
    rows, columns = matrix.shape[1:3]
    flat = x.like(np.moveaxis(x.numbers, -1, 1).reshape(-1, height * width))
    weights = op.tape.constant(matrix.reshape(height * width, -1).astype(float), op.format)
    found = op.tape.matmul(flat, weights, op.format)
    return found.like(np.moveaxis(found.numbers.reshape(-1, channels, rows, columns), 1, -1))


def _hue_saturation_value(op: Operation, x: Cells) -> Cells:
    """Hue, saturation and value of red, green and blue, as the hexagon of hues has them."""
    tape, zero, one = op.tape, op.number(0.0), op.number(1.0)
    red, green, blue = (x[..., i] for i in range(3))
    value = tape.extremum("max", x, -1)
    spread = value - tape.extremum("min", x, -1)
    bright, coloured = value > 0.0, spread > 0.0
    saturation = tape.choose(bright, spread / tape.choose(bright, value, one), zero)
    width = 1.0 / (op.number(6.0) * tape.choose(coloured, spread, one))
    sides = [width * (green - blue), width * (blue - red) + op.number(2 / 6), width * (red - green) + op.number(4 / 6)]
    red_leads = tape.logic("and", red >= green, red >= blue)
    hue = tape.choose(red_leads, sides[0], tape.choose(green >= blue, sides[1], sides[2]))
    hue = tape.choose(coloured, hue, zero)
    hue = tape.choose(hue < 0.0, hue + 1.0, hue)
    return tape.stack([hue, saturation, value], -1)


REAL: dict[str, Callable[..., Any]] = {
    **{name: _batch_norm for name in ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")},
    **{name: _linear_in_images for name in ("ResizeArea", "ResizeBicubic", "ResizeBilinear", "ScaleAndTranslate")},
    **{name: _linear_in_images for name in ("ImageProjectiveTransformV2", "ImageProjectiveTransformV3")},
    **{name: _max_pool_derivative for name in ("MaxPoolGrad", "MaxPool3DGrad")},
    "MaxPoolGradGrad": _max_pool_second_derivative,
    **{name: _mean_pool_derivative for name in ("AvgPoolGrad", "AvgPool3DGrad")},
    **{name: _max_pool for name in ("MaxPool", "MaxPool3D")},
    **{name: _mean_pool for name in ("AvgPool", "AvgPool3D")},
    "BiasAdd": _bias,
    "BiasAddGrad": _bias_derivative,
    "BiasAddV1": _bias_v1,
    "CTCLoss": _ctc_loss,
    "CropAndResize": _crop_and_resize,
    "Dilation2D": _dilation,
    "LRN": _local_response,
    "MaxPoolWithArgmax": _max_pool_and_places,
    "RGBToHSV": _hue_saturation_value,
    "SoftmaxCrossEntropyWithLogits": _cross_entropy,
    "SparseSoftmaxCrossEntropyWithLogits": _sparse_cross_entropy,
}
"""Rules for real cells."""
