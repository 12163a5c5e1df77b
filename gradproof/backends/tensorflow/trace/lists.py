"""Lists of tensors, which hold what a loop collects (tf.TensorArray) and what the derivative of one remembers. They
live while a graph is interpreted and leave nothing on the tape."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from gradproof.backends.tensorflow.trace.operation import Operation, Value, constant, is_numeric, on_tape
from gradproof.oracles.tape import Cells, ComplexCells, Predicates, complex_cells


@dataclass(frozen=True)
class TensorList:
    """Values of one dtype; None where none was set."""

    dtype: tf.DType
    items: tuple[Value, ...] = ()


def _reserve(op: Operation, shape: Value, count: Value) -> TensorList:
    return TensorList(op.attribute("element_dtype"), (None,) * int(op.array(count)))


def _empty(op: Operation, shape: Value, most: Value) -> TensorList:
    return TensorList(op.attribute("element_dtype"))


def _set(op: Operation, held: TensorList, index: Value, item: Value, *_: Value) -> TensorList:
    index, items = int(op.array(index)), list(held.items)
    # TensorFlow's own attribute for it, resize_if_index_out_of_bounds, does this for arrays of no fixed size.
    items += [None] * (index + 1 - len(items))
    items[index] = item
    return TensorList(held.dtype, tuple(items))


def _get(op: Operation, held: TensorList, index: Value, shape: Value) -> Value:
    item = held.items[int(op.array(index))]
    return _unset(op, held, shape) if item is None else item


def _unset(op: Operation, held: TensorList, shape: Value) -> Value:
    """What was never set reads as zeros, of the shape of what was."""
    known = next((tuple(item.shape) for item in held.items if item is not None), None)
    sizes = known if known is not None else tuple(int(n) for n in np.atleast_1d(op.array(shape)))
    if any(n < 0 for n in sizes):
        op.refuse("an entry of a list that was never set, of no known shape")
    return tf.zeros(sizes, held.dtype)


def _push(op: Operation, held: TensorList, item: Value) -> TensorList:
    return TensorList(held.dtype, (*held.items, item))


def _pop(op: Operation, held: TensorList, shape: Value) -> list[Value]:
    item = _unset(op, held, shape) if held.items[-1] is None else held.items[-1]
    return [TensorList(held.dtype, held.items[:-1]), item]


def _length(op: Operation, held: TensorList) -> tf.Tensor:
    return tf.constant(len(held.items), tf.int32)


def _resize(op: Operation, held: TensorList, count: Value) -> TensorList:
    count = int(op.array(count))
    return TensorList(held.dtype, (*held.items[:count], *(None,) * (count - len(held.items))))


def _stack(op: Operation, held: TensorList, shape: Value) -> Value:
    items = [_unset(op, held, shape) if item is None else item for item in held.items]
    if not items:
        sizes = [max(int(n), 0) for n in np.atleast_1d(op.array(shape))]
        return tf.zeros([0, *sizes], held.dtype)
    return stacked(op, items, held.dtype)


def _gathered(op: Operation, held: TensorList, indices: Value, shape: Value) -> Value:
    chosen = TensorList(held.dtype, tuple(held.items[i] for i in op.array(indices)))
    return _stack(op, chosen, shape)


def _joined(op: Operation, held: TensorList, *_: Value) -> list[Value]:
    lengths = tf.constant([item.shape[0] for item in held.items], tf.int64)
    return [_combined(op, held.items, held.dtype, tf.concat, np.concatenate), lengths]


def stacked(op: Operation, items: Any, dtype: tf.DType) -> Value:
    """Values along a new first axis."""
    return _combined(op, items, dtype, tf.stack, np.stack)


def _combined(op: Operation, items: Any, dtype: tf.DType, join: Callable, join_numbers: Callable) -> Value:
    if not any(map(on_tape, items)):
        return join(list(items), axis=0)
    if dtype == tf.bool:
        lifted = [op.tape.lift_predicates(x if on_tape(x) else x.numpy()) for x in items]
        return Predicates(join_numbers([x.numbers for x in lifted]), op.tape)
    cells = [x if on_tape(x) else constant(op.tape, x, dtype) for x in items]
    if dtype.is_complex:
        join_cells = complex_cells.stack if join_numbers is np.stack else complex_cells.concat
        return join_cells(op.tape, cells)
    return Cells(join_numbers([x.numbers for x in cells]), cells[0].format, op.tape)


def _from_tensor(op: Operation, x: Value, shape: Value) -> TensorList:
    return TensorList(op.attribute("element_dtype"), tuple(x[i] for i in range(x.shape[0])))


def _split(op: Operation, x: Value, shape: Value, lengths: Value) -> TensorList:
    ends = np.cumsum(op.array(lengths))
    starts = [0, *ends[:-1]]
    return TensorList(
        op.attribute("element_dtype"), tuple(x[start:end] for start, end in zip(starts, ends, strict=True))
    )


def _scatter(op: Operation, x: Value, indices: Value, shape: Value, count: Value) -> TensorList:
    indices = [int(i) for i in op.array(indices)]
    items: list[Value] = [None] * max(int(op.array(count)), max(indices, default=-1) + 1)
    for place, i in enumerate(indices):
        items[i] = x[place]
    return TensorList(op.attribute("element_dtype"), tuple(items))


def _scatter_into(op: Operation, held: TensorList, x: Value, indices: Value) -> TensorList:
    for place, i in enumerate(op.array(indices)):
        held = _set(op, held, tf.constant(int(i)), x[place])
    return held


def _element_shape(op: Operation, held: TensorList) -> tf.Tensor:
    known = next((tuple(item.shape) for item in held.items if item is not None), None)
    dtype = op.dtype
    return tf.constant(-1, dtype) if known is None else tf.constant(known, dtype)


def zeros_like(held: TensorList) -> TensorList:
    """The list of zeros that begins the derivative of a list."""
    items = []
    for item in held.items:
        numeric = item is not None and is_numeric(held.dtype)
        items.append(tf.zeros(item.shape, held.dtype) if numeric else None)
    return TensorList(held.dtype, tuple(items))


def total(op: Operation, lists: Any) -> TensorList:
    """Entry by entry the sum of lists, for derivatives that come from several places."""
    items = []
    for parts in zip(*(held.items for held in lists), strict=True):
        given = [x for x in parts if x is not None]
        if not given:
            items.append(None)
        elif not any(map(on_tape, given)):
            items.append(tf.add_n(given))
        else:
            items.append(_sum(op, given, lists[0].dtype))
    return TensorList(lists[0].dtype, tuple(items))


def _sum(op: Operation, parts: Any, dtype: tf.DType) -> Cells | ComplexCells:
    result = op.lift(parts[0], dtype)
    for part in parts[1:]:
        result = result + op.lift(part, dtype)
    return result


RULES: dict[str, Callable[..., Any]] = {
    "EmptyTensorList": _empty,
    "TensorListConcatV2": _joined,
    "TensorListElementShape": _element_shape,
    "TensorListFromTensor": _from_tensor,
    "TensorListGather": _gathered,
    "TensorListGetItem": _get,
    "TensorListLength": _length,
    "TensorListPopBack": _pop,
    "TensorListPushBack": _push,
    "TensorListReserve": _reserve,
    "TensorListResize": _resize,
    "TensorListScatterIntoExistingList": _scatter_into,
    "TensorListScatterV2": _scatter,
    "TensorListSetItem": _set,
    "TensorListSplit": _split,
    "TensorListStack": _stack,
}
"""Rules of the operations on lists, whatever is in them."""
