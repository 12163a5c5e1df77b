"""Operations that move, repeat, drop or join entries: TensorFlow's own, applied to the numbers of cells. And those
that combine entries on their way."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gradproof.backends.tensorflow.trace.operation import Operation, Value, moved
from gradproof.oracles.tape import Cells, ComplexCells, Predicates, complex_cells, lowering

MOVES = frozenset(
    "BatchToSpace BatchToSpaceND BroadcastTo Concat ConcatV2 DepthToSpace Diag DiagPart DynamicPartition "
    "DynamicStitch ExpandDims ExtractImagePatches ExtractVolumePatches Fill Gather GatherNd GatherV2 "
    "MatrixBandPart MatrixDiag MatrixDiagPart MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3 "
    "MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 MirrorPad Pack Pad PadV2 ParallelDynamicStitch "
    "RaggedTensorToTensor Reshape ResizeNearestNeighbor Reverse ReverseSequence ReverseV2 Roll Slice "
    "SpaceToBatch SpaceToBatchND SpaceToDepth Split SplitV Squeeze StridedSlice "
    "TensorStridedSliceUpdate Tile Transpose Unpack".split()
)
"""What TensorFlow itself does with the numbers of cells."""


def move(op: Operation, *values: Value) -> Any:
    """An operation of `MOVES`. Numbers count from 1 on their way, so that the zeros that an operation fills in are
    told from them."""
    carried = [i for i, x in enumerate(op.node.inputs) if x.dtype == op.dtype and _carries(op, i)]
    fixed = {i: op.tensor(x) for i, x in enumerate(values) if i not in carried}

    def of_numbers(*numbers: np.ndarray) -> Any:
        operands = dict(fixed)
        operands.update((i, tf.constant(n + 1, tf.int64)) for i, n in zip(carried, numbers, strict=True))
        with tf.device("CPU:0"):
            found = op.by_framework(*(operands[i] for i in range(len(values))))
        found = found if isinstance(found, list | tuple) else [found]
        return [_with_zeros(op, x.numpy()) for x in found]

    return moved(of_numbers, op, *(values[i] for i in carried))


def _carries(op: Operation, position: int) -> bool:
    """Whether an operand of the result's dtype is among those that are moved, and is no index of that dtype."""
    definition = op.node.op_def
    result = definition.output_arg[0]
    place = 0
    for argument in definition.input_arg:
        count = int(op.attribute(argument.number_attr)) if argument.number_attr else 1
        if place <= position < place + count:
            return argument.type_attr == result.type_attr and bool(argument.type_attr)
        place += count
    return False


def _with_zeros(op: Operation, found: np.ndarray) -> np.ndarray:
    if (found > 0).all():
        return found - 1
    zero = op.tape.lift_predicates(np.zeros(())) if op.dtype == tf.bool else op.tape.constant(0.0)
    return np.where(found > 0, found - 1, int(zero.numbers))


def _overwritten(op: Operation, x: Value, indices: Value, updates: Value) -> Any:
    places = op.array(indices).reshape(-1, indices.shape[-1])
    if len(np.unique(places, axis=0)) < len(places):
        op.refuse("a place is written to twice, and which update stays is not specified", "Write to each place once.")
    return move(op, x, indices, updates)


def _conjugate_transpose(op: Operation, x: Value, permutation: Value) -> Value:
    result = moved(lambda n: np.transpose(n, op.array(permutation)), op, x)
    return complex_cells.conj(result) if isinstance(result, ComplexCells) else result


def gathered(op: Operation, x: Cells | ComplexCells, indices: Value) -> Value:
    """Entries of a variable, as TensorFlow takes them."""
    places = np.arange(math.prod(x.shape), dtype=np.int64).reshape(x.shape)
    with tf.device("CPU:0"):
        if op.name == "ResourceGather":
            taken = tf.gather(tf.constant(places), op.tensor(indices), batch_dims=op.attribute("batch_dims"))
        else:
            taken = tf.gather_nd(tf.constant(places), op.tensor(indices))
    return moved(lambda n: n.reshape(-1)[taken.numpy()], op, x)


# Sums on the way


def _places(shape: Sequence[int], indices: np.ndarray) -> np.ndarray:
    """The places in a flattened array of the windows at these index tuples; negative ones lie nowhere."""
    depth = indices.shape[-1]
    grid = np.arange(math.prod(shape)).reshape(shape)
    inside = ((indices >= 0) & (indices < np.array(shape[:depth]))).all(-1)
    found = grid[tuple(np.moveaxis(np.where(inside[..., None], indices, 0), -1, 0))]
    return np.where(inside.reshape(inside.shape + (1,) * (found.ndim - inside.ndim)), found, -1)


def _on_parts(combine: Callable[[Cells, Cells], Cells], x: Any, y: Any) -> Any:
    if isinstance(x, ComplexCells):
        return ComplexCells(combine(x.re, y.re), combine(x.im, y.im))
    return combine(x, y)


def _scattered(op: Operation, x: Any, indices: Value, updates: Any) -> Any:
    targets = _places(x.shape, op.array(indices))
    return _on_parts(lambda p, u: lowering.scatter_add(p, targets, u), x, updates)


def _scatter_nd(op: Operation, indices: Value, updates: Value, shape: Value) -> Any:
    zeros = op.lift(tf.zeros(op.array(shape), op.dtype))
    return _scattered(op, zeros, indices, op.lift(updates))


def _scatter_add(op: Operation, x: Value, indices: Value, updates: Value) -> Any:
    return _scattered(op, op.lift(x), indices, op.lift(updates))


def _scatter_sub(op: Operation, x: Value, indices: Value, updates: Value) -> Any:
    return _scattered(op, op.lift(x), indices, -op.lift(updates))


def _scatter_by(kind: str) -> Callable[..., Cells]:
    """The largest or smallest of each entry and its updates."""

    def rule(op: Operation, x: Value, indices: Value, updates: Value) -> Cells:
        x, updates = op.real(x), op.real(updates)
        targets = _places(x.shape, op.array(indices)).reshape(-1)
        numbers, given = x.numbers.reshape(-1).copy(), updates.numbers.reshape(-1)
        for place in np.unique(targets[targets >= 0]):
            row = np.append(numbers[place], given[targets == place])
            numbers[place] = op.tape.extremum(kind, x.like(row)).numbers
        return x.like(numbers.reshape(x.shape))

    return rule


def _segments(op: Operation, x: Value, segments: Value, count: int) -> Any:
    """The sums of rows with the same number."""
    x, segments = op.lift(x), op.array(segments)
    rest = x.shape[segments.ndim :]
    zeros = op.lift(tf.zeros([count, *rest], op.dtype))
    targets = _places(zeros.shape, segments[..., None])
    return _on_parts(lambda p, u: lowering.scatter_add(p, targets, u), zeros, x)


def _unsorted_sum(op: Operation, x: Value, segments: Value, count: Value) -> Any:
    return _segments(op, x, segments, int(op.array(count)))


def _count(op: Operation, segments: Value) -> int:
    given = op.array(segments)
    return int(given[-1]) + 1 if given.size else 0


def _segment_sum(op: Operation, x: Value, segments: Value) -> Any:
    return _segments(op, x, segments, _count(op, segments))


def _segment_mean(op: Operation, x: Value, segments: Value) -> Any:
    count = _count(op, segments)
    sizes = np.maximum(np.bincount(op.array(segments), minlength=count), 1).astype(float)
    total = _segments(op, x, segments, count)
    return total / sizes.reshape(-1, *(1,) * (total.ndim - 1))


def _by_segment(
    combine: Callable[[Operation, Cells], Cells], empty: Callable[[Operation], float]
) -> Callable[..., Cells]:
    """Rows with the same number reduced by any function of stacked rows."""

    def rule(op: Operation, x: Value, segments: Value, count: Value | None = None) -> Cells:
        x, numbers = op.real(x), op.array(segments)
        total = _count(op, segments) if count is None else int(op.array(count))
        rows = x.like(x.numbers.reshape(-1, *x.shape[numbers.ndim :]))
        results = []
        for i in range(total):
            chosen = np.flatnonzero(numbers.reshape(-1) == i)
            blank = op.lift(tf.fill(rows.shape[1:], tf.constant(empty(op), op.dtype)))
            results.append(combine(op, rows[chosen]) if chosen.size else blank)
        return op.tape.stack(results)

    return rule


def _limit(kind: str) -> Callable[[Operation], float]:
    return lambda op: op.dtype.min if kind == "max" else op.dtype.max


def _zero(op: Operation) -> float:
    return 0.0


def _one(op: Operation) -> float:
    return 1.0


def _sparse(divisor: Callable[[np.ndarray], np.ndarray] | None) -> Callable[..., Any]:
    """Chosen rows summed by segment, and divided by a function of how many there are."""

    def rule(op: Operation, x: Value, indices: Value, segments: Value, count: Value | None = None) -> Any:
        x, numbers = op.lift(x), op.array(segments)
        total = _count(op, segments) if count is None else int(op.array(count))
        result = _segments(op, x[op.array(indices)], segments, total)
        if divisor is None:
            return result
        sizes = divisor(np.maximum(np.bincount(numbers, minlength=total), 1).astype(float))
        sizes = op.lift(tf.constant(sizes.reshape(-1, *(1,) * (len(result.shape) - 1)), op.dtype))
        return result / sizes

    return rule


def _mirror_derivative(op: Operation, d: Value, paddings: Value) -> Any:
    """What comes down to each entry and to its mirror images."""
    d, pairs = op.lift(d), op.array(paddings)
    shape = [n - int(pair.sum()) for n, pair in zip(d.shape, pairs, strict=True)]
    places = tf.constant(np.arange(math.prod(shape)).reshape(shape))
    with tf.device("CPU:0"):
        targets = tf.raw_ops.MirrorPad(input=places, paddings=pairs, mode=op.attribute("mode")).numpy()
    zeros = op.lift(tf.zeros(shape, op.dtype))
    return _on_parts(lambda p, u: lowering.scatter_add(p, targets, u), zeros, d)


def _slice_derivative(op: Operation, shape: Value, *rest: Value) -> Any:
    """Zeros with what comes down in the place of a slice."""
    *bounds, updates = rest
    sizes = op.array(shape)
    places = tf.reshape(tf.range(math.prod(sizes), dtype=tf.int64), sizes)
    masks = {k: op.attribute(k) for k in ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask")}
    masks["shrink_axis_mask"] = op.attribute("shrink_axis_mask")
    with tf.device("CPU:0"):
        begin, end, strides = map(op.tensor, bounds)
        targets = tf.raw_ops.StridedSlice(input=places, begin=begin, end=end, strides=strides, **masks).numpy()
    zeros, updates = op.lift(tf.zeros(sizes, op.dtype)), op.lift(updates)
    return _on_parts(lambda p, u: lowering.scatter_add(p, targets, u), zeros, updates)


def _where_input_goes(op: Operation, x: Value) -> tf.Tensor:
    """The places of what is not zero, or true; a float decides by being zero or not."""
    if isinstance(x, Predicates):
        return tf.where(tf.constant(op.tape.settle(x)))
    parts = [x.re, x.im] if isinstance(x, ComplexCells) else [x]
    truths = [op.tape.settle(op.tape.compare("ne", part, 0.0)) for part in parts]
    return tf.where(tf.constant(np.logical_or.reduce(truths)))


def _extremes(kind: str) -> Callable[..., Cells]:
    return _by_segment(lambda op, rows: op.tape.extremum(kind, rows, 0), _limit(kind))


def _segment_extremes(kind: str) -> Callable[..., Cells]:
    return _by_segment(lambda op, rows: op.tape.extremum(kind, rows, 0), _zero)


_products = _by_segment(lambda op, rows: op.tape.prod(rows, 0), _one)

GENERAL: dict[str, Callable[..., Any]] = {
    **{name: move for name in MOVES},
    "ConjugateTranspose": _conjugate_transpose,
    "TensorScatterUpdate": _overwritten,
    "Where": _where_input_goes,
}
"""What moves values of any kind."""

SUMS: dict[str, Callable[..., Any]] = {
    "MirrorPadGrad": _mirror_derivative,
    "ScatterNd": _scatter_nd,
    "ScatterNdNonAliasingAdd": _scatter_add,
    "SegmentSum": _segment_sum,
    "SparseSegmentMean": _sparse(lambda n: n),
    "SparseSegmentMeanWithNumSegments": _sparse(lambda n: n),
    "SparseSegmentSqrtN": _sparse(np.sqrt),
    "SparseSegmentSqrtNWithNumSegments": _sparse(np.sqrt),
    "SparseSegmentSum": _sparse(None),
    "SparseSegmentSumWithNumSegments": _sparse(None),
    "StridedSliceGrad": _slice_derivative,
    "TensorScatterAdd": _scatter_add,
    "TensorScatterSub": _scatter_sub,
    "UnsortedSegmentSum": _unsorted_sum,
}
"""What adds entries up, real or complex."""

REAL: dict[str, Callable[..., Any]] = {
    "SegmentMax": _segment_extremes("max"),
    "SegmentMean": _segment_mean,
    "SegmentMin": _segment_extremes("min"),
    "SegmentProd": _products,
    "TensorScatterMax": _scatter_by("max"),
    "TensorScatterMin": _scatter_by("min"),
    "UnsortedSegmentMax": _extremes("max"),
    "UnsortedSegmentMin": _extremes("min"),
    "UnsortedSegmentProd": _products,
}
