"""Sparse arrays, which are places, entries and a shape: what moves their entries, or combines them with dense ones."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from gradproof.backends.tensorflow.trace.operation import Operation, Value
from gradproof.oracles.tape import ComplexCells, complex_cells, lowering


def _moved(x: Any, move: Callable, *arguments: Any) -> Any:
    return x.moved(move, *arguments) if isinstance(x, ComplexCells) else x.like(move(x.numbers, *arguments))


def _scattered(op: Operation, x: Any, places: np.ndarray, entries: Any) -> Any:
    """x with entries added in these places."""
    targets = np.ravel_multi_index(tuple(places.T), x.shape)
    if isinstance(x, ComplexCells):
        return ComplexCells(*(lowering.scatter_add(p, targets, e) for p, e in ((x.re, entries.re), (x.im, entries.im))))
    return lowering.scatter_add(x, targets, entries)


def _reordered(op: Operation, places: Value, entries: Value, shape: Value) -> list[Value]:
    where = op.array(places)
    order = np.lexsort(where.T[::-1])
    return [tf.constant(where[order]), op.lift(entries, op.node.outputs[1].dtype)[order]]


def _with_dense(combine: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Each entry with what a dense array, stretched to the shape, has in its place."""

    def rule(op: Operation, places: Value, entries: Value, shape: Value, dense: Value) -> Any:
        stretched = _moved(op.lift(dense), np.broadcast_to, tuple(op.array(shape)))
        return combine(op.lift(entries), stretched[tuple(op.array(places).T)])

    return rule


def _summed(op: Operation, places: Value, entries: Value, shape: Value, axes: Value) -> Any:
    where, sizes = op.array(places).copy(), [int(n) for n in op.array(shape)]
    reduced = {int(a) % len(sizes) for a in np.ravel(op.array(axes))} or set(range(len(sizes)))
    where[:, sorted(reduced)] = 0
    left = [1 if axis in reduced else n for axis, n in enumerate(sizes)]
    total = _scattered(op, op.lift(tf.zeros(left, op.dtype)), where, op.lift(entries))
    return total if op.attribute("keep_dims") else _moved(total, np.squeeze, tuple(sorted(reduced)))


def _softmax(op: Operation, places: Value, entries: Value, shape: Value) -> Any:
    """Over the entries of each row; what is not there has no share."""
    entries = op.real(entries)
    _, rows = np.unique(op.array(places)[:, :-1], axis=0, return_inverse=True)
    numbers = entries.numbers.copy()
    for row in range(rows.max(initial=-1) + 1):
        numbers[rows == row] = lowering.softmax(entries[rows == row]).numbers
    return entries.like(numbers)


def _added_to_dense(op: Operation, places: Value, entries: Value, shape: Value, dense: Value) -> Any:
    return _scattered(op, op.lift(dense), op.array(places), op.lift(entries))


def _made_dense(op: Operation, places: Value, shape: Value, entries: Value, default: Value) -> Any:
    sizes = tuple(int(n) for n in op.array(shape))
    where = op.array(places).reshape(-1, len(sizes))
    if len(np.unique(where, axis=0)) < len(where):
        op.refuse("a place is written to twice, and which entry stays is not specified", "Write to each place once.")

    def placed(default: np.ndarray, entries: np.ndarray) -> np.ndarray:
        dense = np.full(sizes, default)
        dense[tuple(where.T)] = entries
        return dense

    default, entries = op.lift(default), op.lift(entries)
    if isinstance(default, ComplexCells):
        parts = ((default.re, entries.re), (default.im, entries.im))
        return ComplexCells(*(d.like(placed(d.numbers, e.numbers)) for d, e in parts))
    return default.like(placed(default.numbers, entries.numbers))


def _by_numbers(op: Operation, places: Value, entries: Any, *others: Value) -> list[Value]:
    """What TensorFlow makes of the numbers of the entries, counted from 1: where it fills in, there is 0."""
    numbers = tf.range(1, entries.size + 1, dtype=tf.int64)
    with tf.device("CPU:0"):
        return list(op.by_framework(places, numbers, *others))


def _cut(op: Operation, places: Value, entries: Value, *others: Value) -> list[Value]:
    entries = op.lift(entries, op.node.outputs[1].dtype)
    found = _by_numbers(op, places, entries, *others)
    return [found[0], entries[found[1].numpy() - 1], *found[2:]]


def _rows_filled(op: Operation, places: Value, entries: Value, shape: Value, default: Value) -> list[Value]:
    """A sparse matrix with an entry in each row that had none."""
    dtype = op.node.outputs[1].dtype
    entries, default = op.lift(entries, dtype), op.lift(default, dtype)
    found = _by_numbers(op, places, entries, shape, tf.constant(0, tf.int64))
    first = _moved(default, np.reshape, (1,))
    join = complex_cells.concat if isinstance(entries, ComplexCells) else type(op.tape).concat
    return [found[0], join(op.tape, [first, entries])[found[1].numpy()], *found[2:]]


RULES: dict[str, Callable[..., Any]] = {
    "SparseDenseCwiseAdd": _with_dense(lambda x, y: x + y),
    "SparseDenseCwiseDiv": _with_dense(lambda x, y: x / y),
    "SparseDenseCwiseMul": _with_dense(lambda x, y: x * y),
    "SparseFillEmptyRows": _rows_filled,
    "SparseReduceSum": _summed,
    "SparseReorder": _reordered,
    "SparseSlice": _cut,
    "SparseSoftmax": _softmax,
    "SparseTensorDenseAdd": _added_to_dense,
    "SparseToDense": _made_dense,
}
"""Rules for real and for complex cells alike."""
