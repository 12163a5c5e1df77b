"""Primitives that combine entries: sums and extrema, running ones, sorting, windows, products and transforms."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from gradproof.backends.jax.trace.elementwise import re_dtype
from gradproof.backends.jax.trace.operation import Operation, Value, as_plain, format_of, moved
from gradproof.oracles.tape import Cells, ComplexCells, complex_cells, lowering


def _sum(op: Operation, x: Cells) -> Cells:
    return op.tape.sum(x, tuple(op.params["axes"]))


def _product(op: Operation, x: Cells) -> Cells:
    return op.tape.prod(x, tuple(op.params["axes"]))


def _extremum(kind: str, op: Operation, x: Cells) -> Cells:
    axes = tuple(op.params["axes"])
    return op.tape.extremum(kind, x, axes) if axes else x


def _reduce(op: Operation, *values: Value) -> list[Value]:
    """A reduction by any function of two arguments, one entry after the other."""
    count = len(values) // 2
    axes = op.params["dimensions"]
    program = op.params["jaxpr"]
    lines = [_as_lines(op, x, aval.dtype, axes) for x, aval in zip(values[:count], op.results, strict=True)]
    shape, length = op.results[0].shape, math.prod(values[0].shape[a] for a in axes)
    state = [
        moved(lambda n: np.broadcast_to(n, shape), op.tape, aval.dtype, start)
        for start, aval in zip(values[count:], op.results, strict=True)
    ]
    for i in range(length):
        state = op.run(program, [*state, *(line[i] for line in lines)])  # it is elementwise, so arrays pass through
    return state


def _as_lines(op: Operation, x: Value, dtype: Any, axes: Sequence[int]) -> Value:
    """What is to be reduced along one new first axis."""

    def line(x: np.ndarray) -> np.ndarray:
        kept = [a for a in range(x.ndim) if a not in axes]
        return np.transpose(x, [*axes, *kept]).reshape(-1, *(x.shape[a] for a in kept))

    return moved(line, op.tape, dtype, x)


# Running combinations


def _cumulative(run: Callable[[Operation, Cells, int], Cells]) -> Callable[[Operation, Cells], Cells]:
    def rule(op: Operation, x: Cells) -> Cells:
        axis = op.params["axis"]
        if not op.params["reverse"]:
            return run(op, x, axis)
        result = run(op, x.like(np.flip(x.numbers, axis)), axis)
        return result.like(np.flip(result.numbers, axis))

    return rule


def _cumulated(combine: Callable[[Operation], Callable[[Cells, Cells], Cells]]) -> Callable[[Operation, Cells], Cells]:
    return _cumulative(lambda op, x, axis: op.tape.cumulate(combine(op), x, axis))


# What floating-point numbers decide


def _arg_extremum(kind: str, op: Operation, x: Cells) -> np.ndarray:
    (axis,) = op.params["axes"]
    return op.tape.settle_extremum(kind, x, axis).astype(op.params["index_dtype"])


def sort(op: Operation, *values: Value) -> list[Value]:
    """All operands in the order of the first of them."""
    axis, count = op.params["dimension"], op.params["num_keys"]
    values = tuple(as_plain(op.tape, x) for x in values)
    if any(isinstance(x, ComplexCells) for x in values[:count]):
        op.refuse("complex numbers have no order of their own")
    keys = [np.asarray(x.value if isinstance(x, Cells) else x) for x in values[:count]]
    order = np.lexsort(keys[::-1], axis=axis) if count > 1 else np.argsort(keys[0], axis=axis, kind="stable")
    results = [
        moved(lambda n: np.take_along_axis(n, order, axis), op.tape, aval.dtype, x)
        for x, aval in zip(values, op.results, strict=True)
    ]
    _order_certain(op, results[:count], axis)
    return results


def _order_certain(op: Operation, keys: list[Value], axis: int) -> None:
    """Neighbours whose earlier keys are equal are in order by the next key, which must be certain."""
    lines = [np.moveaxis(k.numbers if isinstance(k, Cells) else k, axis, -1) for k in keys]
    tied = np.ones(lines[0][..., 1:].shape, bool)
    for key, line in zip(keys, lines, strict=True):
        if isinstance(key, Cells):
            op.tape.order(np.stack([line[..., :-1][tied], line[..., 1:][tied]], axis=-1), key.format)
            line = op.tape.values[line]
        tied &= line[..., :-1] == line[..., 1:]


def _top(op: Operation, x: Cells) -> list[Value]:
    k, axis = op.params["k"], op.params.get("axis", -1)
    return _taken(op, x, np.take(_in_order(op, x, k, axis, largest=True), range(k), axis), axis)


def _approximate_top(op: Operation, x: Cells) -> list[Value]:
    """Which entries are found, and in which order, is up to the device. Where it is the largest, that is certain."""
    k, axis = op.params["k"], op.params["reduction_dimension"]
    largest = np.take(_in_order(op, x, k, axis, op.params["is_max_k"]), range(k), axis)
    places = np.asarray(op.by_framework(jnp.asarray(x.value, x.format))[1])
    if places.shape != largest.shape or not np.array_equal(np.sort(places, axis), np.sort(largest, axis)):
        op.refuse("the device finds others than the largest", "Use jax.lax.top_k.")
    return _taken(op, x, places, axis)


def _in_order(op: Operation, x: Cells, k: int, axis: int, largest: bool) -> np.ndarray:
    """The places of the entries in order. That of the first k is certain."""
    order = np.argsort(-x.value if largest else x.value, axis=axis, kind="stable")
    line = np.moveaxis(np.take_along_axis(x.numbers, order, axis), axis, -1)
    # The first of the rest is compared with the last that is taken.
    rows = line.reshape(-1, line.shape[-1])[:, : k + 1]
    op.tape.order(rows[:, ::-1] if largest else rows, x.format)
    return order


def _taken(op: Operation, x: Cells, places: np.ndarray, axis: int) -> list[Value]:
    return [x.like(np.take_along_axis(x.numbers, places, axis)), places.astype(op.results[1].dtype)]


# Windows


def _windows(op: Operation, x: np.ndarray, fill: int) -> np.ndarray:
    """The windows of an index array: (…, entries of a window)."""
    ones = (1,) * x.ndim
    wide = lowering.dilate(x, op.params.get("base_dilation") or ones, fill)
    wide = lowering.pad(wide, op.params["padding"], fill)
    sizes, strides = op.params["window_dimensions"], op.params["window_strides"]
    view = lowering.windows(wide, sizes, strides, op.params.get("window_dilation") or ones)
    return view.reshape(*view.shape[: x.ndim], -1)


def _windows_of(op: Operation, x: Cells, fill: float) -> Cells:
    return x.like(_windows(op, x.numbers, int(op.tape.constant(fill).numbers)))


def _window_sum(op: Operation, x: Cells) -> Cells:
    return op.tape.sum(_windows_of(op, x, 0.0), -1)


def _window_extremum(kind: str, op: Operation, x: Cells) -> Cells:
    return op.tape.extremum(kind, _windows_of(op, x, _never(kind)), -1)


def _never(kind: str) -> float:
    return -math.inf if kind == "max" else math.inf


def _reduce_window(op: Operation, *values: Value) -> list[Value]:
    """Windows reduced by any function of two arguments."""
    count = len(values) // 2
    states, lines = list(values[count:]), []
    for x, start, aval in zip(values[:count], values[count:], op.results, strict=True):

        def line(x: np.ndarray, start: np.ndarray) -> np.ndarray:
            return np.moveaxis(_windows(op, x, start), -1, 0)

        lines.append(moved(line, op.tape, aval.dtype, x, start))
    for i in range(math.prod(op.params["window_dimensions"])):
        states = op.run(op.params["jaxpr"], [*states, *(line[i] for line in lines)])
    return states


def _chosen(op: Operation, x: Cells) -> np.ndarray:
    """For every window the place of its largest or smallest entry in the flattened operand, or -1 in the padding."""
    kind = "max" if op.params["select_prim"].name == "ge" else "min"
    best = op.tape.settle_extremum(kind, _windows_of(op, x, _never(kind)), -1)
    places = _windows(op, np.arange(x.size).reshape(x.shape), -1)
    return np.take_along_axis(places, best[..., None], -1)[..., 0]


def _select_and_gather_add(op: Operation, tangents: Cells, x: Cells) -> Cells:
    places = _chosen(op, x)
    flat = tangents.numbers.reshape(-1)
    return tangents.like(np.where(places < 0, op.tape.constant(0.0).numbers, flat[places]))


def _select_and_scatter_add(op: Operation, source: Value, x: Cells) -> Cells:
    zeros = op.tape.constant(np.zeros(x.shape), op.format)
    return lowering.scatter_add(zeros, _chosen(op, x), op.lift(source))


# Products

PLAIN_RAGGED = (((1,), (1,)), ((), ()))


def _dot(op: Operation, x: Value, y: Value) -> Value:
    x, y = op.lift(x), op.lift(y)
    return lowering.bilinear(functools.partial(_real_dot, op), x, y)


def _real_dot(op: Operation, x: Cells, y: Cells) -> Cells:
    (ours, theirs), (our_batch, their_batch) = op.params["dimension_numbers"]
    our_rest = [a for a in range(x.ndim) if a not in ours and a not in our_batch]
    their_rest = [a for a in range(y.ndim) if a not in theirs and a not in their_batch]
    terms = math.prod(x.shape[a] for a in ours)
    stack = [x.shape[a] for a in our_batch]
    rows, columns = [x.shape[a] for a in our_rest], [y.shape[a] for a in their_rest]
    left = np.transpose(x.numbers, [*our_batch, *our_rest, *ours]).reshape(math.prod(stack), math.prod(rows), terms)
    right = np.transpose(y.numbers, [*their_batch, *theirs, *their_rest])
    right = right.reshape(math.prod(stack), terms, math.prod(columns))
    product = _product_of(op, x.like(left), y.like(right))
    return product.like(product.numbers.reshape([*stack, *rows, *columns]))


def _ragged_dot(op: Operation, x: Value, y: Value, sizes: np.ndarray) -> Value:
    """Rows of x by groups, each group times its own matrix of y. Rows behind the last group are zero."""
    numbers = op.params["ragged_dot_dimension_numbers"]
    plain = (numbers.dot_dimension_numbers, tuple(numbers.lhs_ragged_dimensions), tuple(numbers.rhs_group_dimensions))
    if plain != (PLAIN_RAGGED, (0,), (0,)) or np.ndim(sizes) != 1:
        op.refuse("groups along other axes than those of jax.lax.ragged_dot")
    x, y = op.lift(x), op.lift(y)
    ends = np.cumsum(sizes)
    groups = zip(ends - sizes, ends, y, strict=True)
    parts = [lowering.tensordot(x[start:end], matrix, 1, op.format) for start, end, matrix in groups]
    parts.append(op.concrete(np.zeros((x.shape[0] - int(ends[-1]), y.shape[-1])), op.dtype))
    return moved(lambda *rows: np.concatenate(rows), op.tape, op.dtype, *parts)


def _product_of(op: Operation, x: Cells, y: Cells) -> Cells:
    picked = _picked(op, x, y)
    if picked is None and op.tape.is_constant(y):
        turned = _picked(op, y.mT, x.mT)
        picked = None if turned is None else turned.mT
    return op.tape.matmul(x, y, op.format) if picked is None else picked


def _picked(op: Operation, x: Cells, y: Cells) -> Cells | None:
    """x y where x consists of unit vectors, as a one-hot encoding does: the rows of y that they pick, exactly."""
    if not op.tape.is_constant(x) or not x.size or not np.isfinite(y.value).all():
        return None
    hot = x.value == 1
    if not (np.count_nonzero(hot, axis=-1) == 1).all() or np.count_nonzero(x.value) != np.count_nonzero(hot):
        return None
    return Cells(np.take_along_axis(y.numbers, np.argmax(hot, axis=-1)[..., None], axis=-2), op.format, op.tape)


def _convolution(op: Operation, x: Value, kernel: Value) -> Value:
    return lowering.bilinear(functools.partial(_real_convolution, op), op.lift(x), op.lift(kernel))


def _real_convolution(op: Operation, x: Cells, kernel: Cells) -> Cells:
    numbers = op.params["dimension_numbers"]
    x = x.like(np.transpose(x.numbers, numbers.lhs_spec))
    kernel = kernel.like(np.transpose(kernel.numbers, numbers.rhs_spec))
    # Groups of the batch: each has its share of the outputs.
    groups = op.params["batch_group_count"]
    parts = zip(np.split(x.numbers, groups), np.split(kernel.numbers, groups), strict=True)
    results = [_one_convolution(op, x.like(part), kernel.like(weights)) for part, weights in parts]
    result = op.tape.concat(results, 1) if groups > 1 else results[0]
    return result.like(np.transpose(result.numbers, np.argsort(numbers.out_spec)))


def _one_convolution(op: Operation, x: Cells, kernel: Cells) -> Cells:
    return lowering.convolution(
        x,
        kernel,
        op.params["window_strides"],
        op.params["padding"],
        input_dilation=op.params["lhs_dilation"],
        kernel_dilation=op.params["rhs_dilation"],
        groups=op.params["feature_group_count"],
        format=op.format,
    )


# Fourier transforms


def _fourier(op: Operation, x: Value) -> Value:
    kind, lengths = op.params["fft_type"].name, op.params["fft_lengths"]
    axes = list(range(len(x.shape) - len(lengths), len(x.shape)))
    if kind == "FFT":
        return lowering.fourier_of_many(op.lift(x), -1, axes)
    if kind == "RFFT":
        half = lowering.half_of_fourier(op.tape.lift(x, format_of(re_dtype(op))), axes[-1], lengths[-1])
        return lowering.fourier_of_many(half, -1, axes[:-1])
    count = float(math.prod(lengths))
    if kind == "IFFT":
        return lowering.fourier_of_many(op.lift(x), 1, axes) / count
    whole = lowering.fourier_of_many(x, 1, axes[:-1])
    return lowering.fourier_from_half(whole, axes[-1], lengths[-1]) / count


def _complex_sum(op: Operation, z: ComplexCells) -> ComplexCells:
    return complex_cells.total(z, tuple(op.params["axes"]))


def _complex_running_sum(op: Operation, z: ComplexCells) -> ComplexCells:
    rule = REAL["cumsum"]
    return ComplexCells(rule(op, z.re), rule(op, z.im))


def _complex_product(op: Operation, z: ComplexCells) -> ComplexCells:
    lines = _as_lines(op, z, op.dtype, op.params["axes"])
    product = op.concrete(np.ones(op.results[0].shape), op.dtype)
    for line in lines:
        product = product * line
    return product


REAL: dict[str, Callable[..., Any]] = {
    "reduce_sum": _sum,
    "reduce_prod": _product,
    "reduce_max": functools.partial(_extremum, "max"),
    "reduce_min": functools.partial(_extremum, "min"),
    "cumsum": _cumulative(lambda op, x, axis: op.tape.cumsum(x, axis)),
    "cumprod": _cumulated(lambda op: lambda x, y: x * y),
    "cummax": _cumulated(lambda op: op.tape.maximum),
    "cummin": _cumulated(lambda op: op.tape.minimum),
    "cumlogsumexp": _cumulated(lambda op: lowering.logaddexp),
    "argmax": functools.partial(_arg_extremum, "max"),
    "argmin": functools.partial(_arg_extremum, "min"),
    "approx_top_k": _approximate_top,
    "top_k": _top,
    "reduce_window_sum": _window_sum,
    "reduce_window_max": functools.partial(_window_extremum, "max"),
    "reduce_window_min": functools.partial(_window_extremum, "min"),
    "select_and_gather_add": _select_and_gather_add,
    "select_and_scatter_add": _select_and_scatter_add,
    "dot_general": _dot,
    "ragged_dot_general": _ragged_dot,
    "conv_general_dilated": _convolution,
    "fft": _fourier,
}
"""Rules for real cells."""

COMPLEX: dict[str, Callable[..., Any]] = {
    "reduce_sum": _complex_sum,
    "reduce_prod": _complex_product,
    "cumsum": _complex_running_sum,
    "dot_general": _dot,
    "ragged_dot_general": _ragged_dot,
    "conv_general_dilated": _convolution,
    "fft": _fourier,
}
"""Rules for complex cells."""

GENERAL: dict[str, Callable[..., Any]] = {"sort": sort, "reduce": _reduce, "reduce_window": _reduce_window}
"""Rules for operands of several kinds."""
