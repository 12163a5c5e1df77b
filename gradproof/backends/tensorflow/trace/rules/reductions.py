"""Operations that combine the entries along axes: sums, extrema, running sums, what is sorted, softmax."""

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from gradproof.backends.tensorflow.trace.operation import Operation, Value
from gradproof.oracles.tape import Cells, ComplexCells, Predicates, complex_cells, lowering


def _axes(op: Operation, x: Any, axes: Value) -> tuple[int, ...]:
    return tuple(int(a) % len(x.shape) for a in np.ravel(op.array(axes))) if x.shape else ()


def _reducing(combine: Callable[[Operation, Any, tuple[int, ...], bool], Any]) -> Callable[..., Any]:
    def rule(op: Operation, x: Any, axes: Value) -> Any:
        reduced = _axes(op, x, axes)
        return combine(op, x, reduced, op.attribute("keep_dims")) if reduced else x

    return rule


def _norm(op: Operation, x: Cells, axes: tuple[int, ...], keep: bool) -> Cells:
    return op.tape.map("sqrt", op.tape.sum(x * x, axes, keep))


def _running(run: Callable[[Operation, Cells, int], Cells], start: float) -> Callable[..., Cells]:
    def rule(op: Operation, x: Cells, axis: Value) -> Cells:
        axis = int(op.array(axis)) % x.ndim
        if op.attribute("reverse"):
            x = x.like(np.flip(x.numbers, axis))
        result = _shifted(op, run(op, x, axis), axis, start) if op.attribute("exclusive") else run(op, x, axis)
        return result.like(np.flip(result.numbers, axis)) if op.attribute("reverse") else result

    return rule


def _shifted(op: Operation, x: Cells, axis: int, start: float) -> Cells:
    """What has run up to each entry, without the entry itself."""
    first = np.full_like(np.take(x.numbers, [0], axis), int(op.number(start).numbers))
    return x.like(np.concatenate([first, np.delete(x.numbers, -1, axis)], axis))


def _complex_running_sum(op: Operation, z: ComplexCells, axis: Value) -> ComplexCells:
    return ComplexCells(*(REAL["Cumsum"](op, part, axis) for part in (z.re, z.im)))


def _place_of_extremum(kind: str, op: Operation, x: Cells, axis: Value) -> tf.Tensor:
    return tf.constant(op.tape.settle_extremum(kind, x, int(op.array(axis))), op.dtype)


def _largest(op: Operation, x: Cells, count: Value) -> list[Value]:
    k = int(op.array(count))
    order = np.argsort(-x.value, axis=-1, kind="stable")
    numbers = np.take_along_axis(x.numbers, order, -1)
    # The first of the rest is compared with the last that is taken.
    op.tape.order(numbers.reshape(-1, x.shape[-1])[:, : k + 1][:, ::-1], x.format)
    places = tf.constant(order[..., :k], op.node.outputs[1].dtype)
    return [x.like(numbers[..., :k]), places]


def _approximate_top(op: Operation, x: Cells) -> list[Value]:
    """Which entries are found, and in which order, is up to the device. Where it is the largest, that is certain."""
    axis, k = op.attribute("reduction_dimension"), op.attribute("k")
    lines = x.like(np.moveaxis(x.numbers, axis, -1))
    _, largest = _largest(op, lines if op.attribute("is_max_k") else -lines, tf.constant(k))
    found = op.by_framework(tf.constant(x.value, op.dtype))[1]
    places = np.moveaxis(found.numpy(), axis, -1)
    if not np.array_equal(np.sort(places, -1), np.sort(largest.numpy(), -1)):
        op.refuse("the device finds others than the largest", "Use tf.math.top_k.")
    return [x.like(np.moveaxis(np.take_along_axis(lines.numbers, places, -1), -1, axis)), found]


def _isotonic(op: Operation, x: Cells) -> list[Value]:
    """The non-increasing sequence that is nearest to x: means over the blocks in which x does not fall."""
    blocks = op.by_framework(tf.constant(x.value, op.node.inputs[0].dtype))[1].numpy()
    rows = [_means_of_blocks(op, x[index], blocks[index]) for index in np.ndindex(*x.shape[:-1])]
    numbers = np.stack([row.numbers for row in rows]).reshape(x.shape)
    return [op.tape.cast(x.like(numbers), op.format), tf.constant(blocks)]


def _means_of_blocks(op: Operation, x: Cells, blocks: np.ndarray) -> Cells:
    parts = [x[blocks == block] for block in np.unique(blocks)]
    means = [op.tape.mean(part) for part in parts]
    for higher, lower in itertools.pairwise(means):
        op.tape.settle(higher > lower)
    for part, mean in zip(parts, means, strict=True):
        for end in range(1, part.size):  # or the block would fall apart
            op.tape.settle(op.tape.mean(part[:end]) < mean)
    return op.tape.concat([op.tape.broadcast_to(m, p.shape) for m, p in zip(means, parts, strict=True)])


def _nth(op: Operation, x: Cells, n: Value) -> Cells:
    order = op.tape.argsort(x, -1)
    n = int(op.array(n))
    place = x.shape[-1] - 1 - n if op.attribute("reverse") else n
    return x.like(np.take_along_axis(x.numbers, order, -1)[..., place])


def _bound(side: str, op: Operation, line: Value, values: Value) -> tf.Tensor:
    """Where values would be put in sorted rows: how many entries are smaller, or no larger."""
    dtype = op.node.inputs[0].dtype
    line, values = op.real(line, dtype), op.real(values, dtype)
    relation = "lt" if side == "left" else "le"
    below = op.tape.compare(relation, line[..., None, :], values[..., :, None])
    return tf.constant(op.tape.settle(below).sum(-1), op.dtype)


def _bucketize(op: Operation, x: Cells) -> tf.Tensor:
    edges = op.tape.constant(np.asarray(op.attribute("boundaries"), float), x.format)
    below = op.tape.compare("le", edges, x[..., None])
    return tf.constant(op.tape.settle(below).sum(-1), op.dtype)


def _all_or_any(reduce: str, op: Operation, x: Predicates, axes: Value) -> Value:
    reduced = _axes(op, x, axes)
    return getattr(op.tape, reduce)(x, reduced, op.attribute("keep_dims")) if reduced else x


def _complex_mean(op: Operation, z: ComplexCells, axes: tuple[int, ...], keep: bool) -> ComplexCells:
    return complex_cells.total(z, axes, keep) / float(math.prod(z.shape[a] for a in axes))


def _complex_product(op: Operation, z: ComplexCells, axes: tuple[int, ...], keep: bool) -> ComplexCells:
    kept = [a for a in range(z.ndim) if a not in axes]
    lines = z.moved(np.transpose, [*axes, *kept]).moved(np.reshape, (-1, *(z.shape[a] for a in kept)))
    product = lines[0]
    for line in lines[1:]:
        product = product * line
    return product.moved(np.expand_dims, sorted(axes)) if keep else product


REAL: dict[str, Callable[..., Any]] = {
    "ApproxTopK": _approximate_top,
    "ArgMax": partial(_place_of_extremum, "max"),
    "ArgMin": partial(_place_of_extremum, "min"),
    "Bucketize": _bucketize,
    "Cumprod": _running(lambda op, x, axis: op.tape.cumulate(lambda p, q: p * q, x, axis), 1.0),
    "Cumsum": _running(lambda op, x, axis: op.tape.cumsum(x, axis), 0.0),
    "CumulativeLogsumexp": _running(lambda op, x, axis: op.tape.cumulate(lowering.logaddexp, x, axis), -math.inf),
    "EuclideanNorm": _reducing(_norm),
    "IsotonicRegression": _isotonic,
    "L2Loss": lambda op, x: op.tape.sum(x * x) / 2.0,
    "LogSoftmax": lambda op, x: lowering.log_softmax(x),
    "LowerBound": partial(_bound, "left"),
    "Max": _reducing(lambda op, x, axes, keep: op.tape.extremum("max", x, axes, keep)),
    "Mean": _reducing(lambda op, x, axes, keep: op.tape.mean(x, axes, keep)),
    "Min": _reducing(lambda op, x, axes, keep: op.tape.extremum("min", x, axes, keep)),
    "NthElement": _nth,
    "Prod": _reducing(lambda op, x, axes, keep: op.tape.prod(x, axes, keep)),
    "Softmax": lambda op, x: lowering.softmax(x),
    "Sum": _reducing(lambda op, x, axes, keep: op.tape.sum(x, axes, keep)),
    "TopKV2": _largest,
    "UpperBound": partial(_bound, "right"),
}
"""Rules for real cells."""

COMPLEX: dict[str, Callable[..., Any]] = {
    "Cumsum": _complex_running_sum,
    "Mean": _reducing(_complex_mean),
    "Prod": _reducing(_complex_product),
    "Sum": _reducing(lambda op, z, axes, keep: complex_cells.total(z, axes, keep)),
}

PREDICATES: dict[str, Callable[..., Any]] = {
    "All": partial(_all_or_any, "all"),
    "Any": partial(_all_or_any, "any"),
}
