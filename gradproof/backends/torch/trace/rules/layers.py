"""Normalizations, pooling, interpolation, losses and random masks: fused operations of neural networks."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradproof.backends.torch.trace.memory import to_numpy
from gradproof.backends.torch.trace.rules.movement import created, overwritten
from gradproof.backends.torch.trace.rules.products import _each
from gradproof.oracles.tape import Cells, lowering

Rule = Callable[..., Any]
aten = torch.ops.aten

# Normalizations


def _standardized(run: Any, cells: Cells, axes: tuple[int, ...], eps: float, like: Tensor) -> list[Cells]:
    """(x - mean) / √(variance + eps) along axes, the mean and 1 / √(variance + eps)."""
    variance, mean = lowering.variance(cells, axes, 0, keepdims=True)
    inverse = 1.0 / run.tape.map("sqrt", variance + run.number(eps, like))
    return [(cells - mean) * inverse, mean, inverse]


def _affine(run: Any, cells: Cells, weight: Any, bias: Any, shape: Sequence[int]) -> Cells:
    if weight is not None:
        cells = cells * run.tape.reshape(run.real(weight), shape)
    return cells if bias is None else cells + run.tape.reshape(run.real(bias), shape)


def layer_norm(run: Any, result: Any, x: Tensor, shape: Sequence[int], weight: Any, bias: Any, eps: float) -> list:
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    normal, mean, inverse = _standardized(run, run.real(x), axes, eps, x)
    return [_affine(run, normal, weight, bias, shape), mean, inverse]


def rms_norm(run: Any, result: Any, x: Tensor, shape: Sequence[int], weight: Any, eps: float | None) -> list:
    cells, axes = run.real(x), tuple(range(x.ndim - len(shape), x.ndim))
    eps = torch.finfo(x.dtype).eps if eps is None else eps
    inverse = 1.0 / run.tape.map("sqrt", run.tape.mean(cells * cells, axes, keepdims=True) + run.number(eps, x))
    return [_affine(run, cells * inverse, weight, None, shape), inverse]


def group_norm(
    run: Any,
    result: Any,
    x: Tensor,
    weight: Any,
    bias: Any,
    n: int,
    channels: int,
    size: int,
    groups: int,
    eps: float,
) -> list:
    cells = run.real(x)
    grouped = run.tape.reshape(cells, (n, groups, -1))
    normal, mean, inverse = _standardized(run, grouped, (2,), eps, x)
    normal = run.tape.reshape(normal, tuple(x.shape))
    each = (channels, *(1,) * (x.ndim - 2))
    return [_affine(run, normal, weight, bias, each), *(run.tape.reshape(m, (n, groups)) for m in (mean, inverse))]


def batch_norm(
    run: Any,
    result: Any,
    x: Tensor,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool,
    momentum: float,
    eps: float,
) -> list:
    cells = run.real(x)
    each = (x.shape[1], *(1,) * (x.ndim - 2))
    if training:
        axes = (0, *range(2, x.ndim))
        normal, mean, inverse = _standardized(run, cells, axes, eps, x)
        saved = [run.for_backward(run.tape.reshape(m, (-1,))) for m in (mean, inverse)]
    else:
        mean, variance = (run.tape.reshape(run.real(m), each) for m in (running_mean, running_var))
        normal = (cells - mean) * (1.0 / run.tape.map("sqrt", variance + run.number(eps, x)))
        saved = [None, None]
    return [_affine(run, normal, weight, bias, each), *saved]


def batch_norm_no_stats(
    run: Any, result: Any, x: Tensor, weight: Any, bias: Any, training: bool, momentum: float, eps: float
) -> list:
    return batch_norm(run, result, x, weight, bias, None, None, training, momentum, eps)


def batch_norm_legit(run: Any, result: Any, x: Tensor, weight: Any, bias: Any, *rest: Any) -> list:
    # with running statistics, and without
    return (batch_norm if len(rest) == 5 else batch_norm_no_stats)(run, result, x, weight, bias, *rest)


def batch_norm_evaluated(
    run: Any, result: Any, x: Tensor, weight: Any, bias: Any, mean: Any, var: Any, momentum: float, eps: float
) -> list:
    return batch_norm(run, result, x, weight, bias, mean, var, False, momentum, eps)


def batch_norm_updating(
    run: Any, result: Any, x: Tensor, weight: Any, bias: Any, mean: Any, var: Any, momentum: float, eps: float
) -> list:
    return batch_norm(run, result, x, weight, bias, mean, var, True, momentum, eps)


def weight_norm(run: Any, result: Any, v: Tensor, g: Tensor, dim: int = 0) -> list:
    cells = run.real(v)
    axes = tuple(a for a in range(v.ndim) if a != dim % v.ndim)
    size = run.tape.map("sqrt", run.tape.sum(cells * cells, axes, keepdims=True))
    return [cells * (run.real(g) / size), size]


# Pooling


def _windows(x: Tensor, out: Tensor, sizes: Any, stride: Any, padding: Any, dilation: Any = 1) -> tuple:
    """Sizes, strides, dilations, and a padding that reaches as far as the windows of the result do."""
    count = out.ndim - (out.ndim - len(_spatial(x, sizes)))
    sizes = _each(sizes, count)
    strides = _each(stride, count) if not isinstance(stride, list | tuple) or len(stride) else sizes
    pads, steps = _each(padding, count), _each(dilation, count)
    around = []
    for size, step, by, p, length, places in zip(
        sizes, steps, strides, pads, x.shape[-count:], out.shape[-count:], strict=True
    ):
        reach = (places - 1) * by + step * (size - 1) + 1
        around.append((p, reach - length - p))
    return sizes, strides, steps, pads, around


def _spatial(x: Tensor, sizes: Any) -> Sequence[int]:
    return sizes if not isinstance(sizes, int) else x.shape[-2:]


def _pooling(count: int) -> tuple[Rule, Rule]:
    def max_pool(
        run: Any,
        result: Any,
        x: Tensor,
        size: Any,
        stride: Any = (),
        padding: Any = 0,
        dilation: Any = 1,
        *_: Any,
    ) -> list:
        sizes, strides, steps, _pads, around = _windows(x, result[0], _each(size, count), stride, padding, dilation)
        return [lowering.extremum_pool("max", run.real(x), sizes, strides, around, steps), None]

    def avg_pool(
        run: Any,
        result: Tensor,
        x: Tensor,
        size: Any,
        stride: Any = (),
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Cells:
        sizes, strides, _steps, pads, around = _windows(x, result, _each(size, count), stride, padding)
        total = lowering.sum_pool(run.real(x), sizes, strides, around)
        if divisor_override:
            return total / float(divisor_override)
        return total / _sizes_of_windows(
            x.shape[-count:], result.shape[-count:], sizes, strides, pads, count_include_pad
        )

    return max_pool, avg_pool


def _sizes_of_windows(
    lengths: Any, places: Any, sizes: list[int], strides: list[int], pads: list[int], with_padding: bool
) -> np.ndarray:
    """How many entries each window has: those of the padding too, or only those of the image."""
    counts = np.ones(())
    for length, n, size, by, p in zip(lengths, places, sizes, strides, pads, strict=True):
        start = np.arange(n) * by - p
        end = np.minimum(start + size, length + p)
        along = end - start if with_padding else np.minimum(end, length) - np.maximum(start, 0)
        counts = counts[..., None] * along
    return counts


def _adaptive(combine: Callable[[Any, Cells], Cells], count: int) -> Rule:
    """Pooling to a given size: window i of n along an axis of length m is from ⌊i m/n⌋ to ⌈(i + 1) m/n⌉."""

    def rule(run: Any, result: Any, x: Tensor, size: Any) -> Any:
        first = result if torch.is_tensor(result) else result[0]
        cells = run.real(x)
        places = tuple(first.shape[-count:])
        numbers = np.zeros(tuple(first.shape), np.int64)
        for index in np.ndindex(*places):
            window = tuple(
                slice(i * m // n, -(-(i + 1) * m // n)) for i, n, m in zip(index, places, x.shape[-count:], strict=True)
            )
            part = cells.numbers[(..., *window)]
            part = part.reshape(*part.shape[: part.ndim - count], -1)
            numbers[(..., *index)] = combine(run.tape, cells.like(part)).numbers
        return cells.like(numbers) if torch.is_tensor(result) else [cells.like(numbers), None]

    return rule


def _max_unpool(count: int, run: Any, result: Tensor, x: Tensor, indices: Tensor, *_: Any) -> Cells:
    cells = run.real(x)
    zeros = run.tape.constant(np.zeros(tuple(result.shape)), cells.format)
    images = math.prod(x.shape[: x.ndim - count])
    starts = np.arange(images)[:, None] * (result.numel() // images)
    return overwritten(zeros, starts + to_numpy(indices).reshape(images, -1), run.tape.reshape(cells, (images, -1)))


# Interpolation


def _interpolating(operation: Callable) -> Rule:
    """A linear map of each image: its matrix is what PyTorch makes of each unit image."""

    def rule(run: Any, result: Tensor, x: Tensor, *args: Any, **kwargs: Any) -> Cells:
        cells, sizes = run.real(x), tuple(x.shape[2:])
        count = math.prod(sizes)
        units = torch.eye(count, dtype=x.dtype).reshape(count, 1, *sizes)
        matrix = to_numpy(operation(units, *args, **kwargs)).reshape(count, -1)
        images = run.tape.reshape(cells, (-1, count))
        product = images @ run.tape.constant(matrix, cells.format)
        return run.tape.reshape(product, tuple(result.shape))

    return rule


# Losses


def nll_loss(run: Any, result: Any, x: Tensor, target: Tensor, weight: Any, reduction: int, ignored: int) -> list:
    cells, labels = run.real(x), to_numpy(target)
    if x.ndim == 1:
        cells, labels = cells[None], labels[None]
    cells = cells.like(np.moveaxis(cells.numbers, 1, -1))
    kept = labels != ignored
    chosen = np.where(kept, labels, 0)
    losses = -cells.like(np.take_along_axis(cells.numbers, chosen[..., None], -1)[..., 0])
    zero = run.tape.constant(0.0, cells.format)
    weights = run.tape.constant(kept.astype(float), cells.format)
    if weight is not None:
        weights = run.tape.choose(kept, run.real(weight)[chosen], zero)
        losses = losses * weights
    losses = run.tape.choose(kept, losses, zero)
    if reduction == 0:
        return [losses.like(losses.numbers.reshape(tuple(result[0].shape))), None]
    total, count = run.tape.sum(losses), run.tape.sum(weights)
    return [total if reduction == 2 else total / count, count]


def binary_cross_entropy_with_logits(
    run: Any,
    result: Tensor,
    x: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    positive: Tensor | None = None,
    reduction: int = 1,
) -> Cells:
    """(1 - t) x + (p t + 1 - t) log (1 + exp -x), for targets t and weights p of what is positive. Its slope is that of
    (p t + 1 - t) log (1 + exp x) - p t x, the same function: the textbook's σ(x) - t, which loses to rounding what the
    value does not."""
    tape, logits, targets = run.tape, run.real(x), run.real(target, x)
    hits = targets if positive is None else targets * run.real(positive, x)
    value = (1.0 - targets) * logits + (hits + (1.0 - targets)) * lowering.softplus(-logits)
    slope = (hits + (1.0 - targets)) * lowering.softplus(logits) - hits * logits
    losses = tape.graft(value, slope)
    losses = losses if weight is None else losses * run.real(weight, x)
    return losses if reduction == 0 else (tape.mean if reduction == 1 else tape.sum)(losses)


def soft_margin_loss(run: Any, result: Tensor, x: Tensor, target: Tensor, reduction: int = 1) -> Cells:
    """log (1 + exp (-target x)), as PyTorch computes it, in the format of x throughout."""
    tape = run.tape
    losses = tape.map("log1p", tape.map("exp", -run.real(target, x) * run.real(x)))
    return losses if reduction == 0 else (tape.mean if reduction == 1 else tape.sum)(losses)


def multilabel_margin_loss(run: Any, result: Any, x: Tensor, target: Tensor, reduction: int) -> list:
    """For each label (those before the first -1) and each entry without one: max(0, 1 - x[label] + x[entry])."""
    cells, labels = run.tape.reshape(run.real(x), (-1, x.shape[-1] if x.ndim else 1)), to_numpy(target)
    losses = []
    for row, own in zip(cells, labels.reshape(cells.shape), strict=True):
        chosen = own[: np.argmax(own < 0)] if (own < 0).any() else own
        others = np.setdiff1d(np.arange(row.size), chosen)
        margins = run.tape.maximum(1.0 - row[chosen][:, None] + row[others][None, :], 0.0)
        losses.append(run.tape.sum(margins) / float(row.size))
    loss = run.tape.stack(losses)
    if reduction == 0:
        return [loss.like(loss.numbers.reshape(tuple(result[0].shape))), to_numpy(result[1])]
    return [(run.tape.mean if reduction == 1 else run.tape.sum)(loss), to_numpy(result[1])]


def ctc_loss(
    run: Any,
    result: Any,
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    *_: Any,
) -> list:
    """The forward recursion over the labels with blanks between them, in logarithms, of each sequence."""
    cells, labels = run.real(log_probs), to_numpy(targets)
    steps, sizes = (list(map(int, n)) for n in (input_lengths, target_lengths))
    starts = np.cumsum([0, *sizes])
    losses = []
    for i, (length, size) in enumerate(zip(steps, sizes, strict=True)):
        own = labels[i, :size] if labels.ndim == 2 else labels[starts[i] : starts[i] + size]
        losses.append(lowering.ctc_loss(cells[:length, i], own, blank))
    return [run.tape.stack(losses), None]


# Random masks


def native_dropout(run: Any, result: Any, x: Tensor, p: float, train: bool | None) -> list:
    cells = run.cells(x)
    if train is False or p == 0:
        return [cells, None]
    if p == 1:
        return [run.tape.constant(np.zeros(tuple(x.shape)), cells.format), None]
    return [cells * run.tape.constant(to_numpy(result[1]).astype(float)) * run.number(1 / (1 - p), x), None]


DRAWN = (
    "bernoulli cauchy exponential geometric log_normal multinomial normal rand_like randint_like randn_like random "
    "uniform"
)
"""Draws whose results are constants, once they are drawn."""

KEEPS = {
    "native_dropout": lambda given: given["p"] == 0 or given.get("train") is False,
    "rrelu_with_noise": lambda given: not given.get("training", False),
    "_fused_rms_norm": lambda given: True,
}
"""When an operation that may draw does not."""


def is_drawn(operation: str, given: Mapping[str, Any]) -> bool:
    """Whether a call of an operation that PyTorch marks as random draws random numbers."""
    if operation in KEEPS:
        return not KEEPS[operation](given)
    return "attention" not in operation or bool(given.get("dropout_p"))


max_pool2d, avg_pool2d = _pooling(2)
max_pool3d, avg_pool3d = _pooling(3)
INTERPOLATIONS = (
    "_upsample_bicubic2d_aa _upsample_bilinear2d_aa upsample_bicubic2d upsample_bilinear2d upsample_linear1d "
    "upsample_trilinear3d"
)

RULES: dict[str, Rule] = {
    **{name: _interpolating(getattr(aten, name)) for name in INTERPOLATIONS.split()},
    **{name: created for name in DRAWN.split()},
    "_adaptive_avg_pool2d": _adaptive(lambda tape, x: tape.mean(x, -1), 2),
    "_adaptive_avg_pool3d": _adaptive(lambda tape, x: tape.mean(x, -1), 3),
    "_batch_norm_with_update": batch_norm_updating,
    "_ctc_loss": ctc_loss,
    "_fused_rms_norm": rms_norm,
    "_native_batch_norm_legit": batch_norm_legit,
    "_native_batch_norm_legit_no_training": batch_norm_evaluated,
    "_weight_norm_interface": weight_norm,
    "adaptive_max_pool2d": _adaptive(lambda tape, x: tape.extremum("max", x, -1), 2),
    "adaptive_max_pool3d": _adaptive(lambda tape, x: tape.extremum("max", x, -1), 3),
    "avg_pool2d": avg_pool2d,
    "avg_pool3d": avg_pool3d,
    "max_pool2d_with_indices": max_pool2d,
    "max_pool3d_with_indices": max_pool3d,
    "max_unpool2d": partial(_max_unpool, 2),
    "max_unpool3d": partial(_max_unpool, 3),
    "multilabel_margin_loss_forward": multilabel_margin_loss,
    "native_batch_norm": batch_norm,
    "native_dropout": native_dropout,
    "native_group_norm": group_norm,
    "native_layer_norm": layer_norm,
    "nll_loss2d_forward": nll_loss,
    "nll_loss_forward": nll_loss,
    "binary_cross_entropy_with_logits": binary_cross_entropy_with_logits,
    "soft_margin_loss": soft_margin_loss,
}
