"""Primitives that move, repeat, drop or join entries, in NumPy: they act on arrays of cell numbers as on any other."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jax.lax import GatherScatterMode

from gradproof.backends.jax.trace.operation import Operation, Value, is_complex, is_float, moved
from gradproof.oracles.tape import Cells, ComplexCells, lowering


def _broadcast_in_dim(x: np.ndarray, shape: Sequence[int], broadcast_dimensions: Sequence[int], **_: Any) -> np.ndarray:
    spread = [1] * len(shape)
    for axis, n in zip(broadcast_dimensions, x.shape, strict=True):
        spread[axis] = n
    return np.broadcast_to(x.reshape(spread), shape)


def _slice(
    x: np.ndarray,
    start_indices: Sequence[int],
    limit_indices: Sequence[int],
    strides: Sequence[int] | None,
    **_: Any,
) -> np.ndarray:
    strides = strides or (1,) * x.ndim
    return x[tuple(slice(*bounds) for bounds in zip(start_indices, limit_indices, strides, strict=True))]


def _pad(x: np.ndarray, fill: np.ndarray, padding_config: Sequence[tuple[int, int, int]], **_: Any) -> np.ndarray:
    factors = [inner + 1 for _, _, inner in padding_config]
    shape = [(n - 1) * factor + 1 if n else 0 for n, factor in zip(x.shape, factors, strict=True)]
    wide = np.full(shape, fill, x.dtype)
    wide[tuple(slice(None, None, factor) for factor in factors)] = x
    return lowering.pad(wide, [(low, high) for low, high, _ in padding_config], fill)


def _reshape(x: np.ndarray, new_sizes: Sequence[int], dimensions: Sequence[int] | None = None, **_: Any) -> np.ndarray:
    return np.reshape(x if dimensions is None else np.transpose(x, dimensions), new_sizes)


def _split(x: np.ndarray, sizes: Sequence[int], axis: int, **_: Any) -> list[np.ndarray]:
    return list(np.split(x, np.cumsum(sizes)[:-1], axis))


def _unstack(x: np.ndarray, axis: int, **_: Any) -> list[np.ndarray]:
    return list(np.moveaxis(x, axis, 0))


MOVES: dict[str, Callable[..., Any]] = {
    "broadcast_in_dim": _broadcast_in_dim,
    "concatenate": lambda *arrays, dimension, **_: np.concatenate(arrays, dimension),
    "pad": _pad,
    "reshape": _reshape,
    "rev": lambda x, dimensions, **_: np.flip(x, tuple(dimensions)),
    "slice": _slice,
    "split": _split,
    "squeeze": lambda x, dimensions, **_: np.squeeze(x, tuple(dimensions)),
    "stack": lambda *arrays, axis, **_: np.stack(arrays, axis),
    "tile": lambda x, reps, **_: np.tile(x, reps),
    "transpose": lambda x, permutation, **_: np.transpose(x, permutation),
    "unstack": _unstack,
}
"""All operands hold data."""


def move(op: Operation, *values: Value) -> Any:
    """An operation of `MOVES` on values of any kind."""
    parameters = {name: value for name, value in op.params.items() if name not in ("sharding", "out_sharding")}
    return moved(lambda *arrays: MOVES[op.name](*arrays, **parameters), op.tape, op.dtype, *values)


# Slices at computed places


def _starts(shape: Sequence[int], sizes: Sequence[int], indices: Sequence[Any]) -> list[slice]:
    # JAX moves a slice that would reach beyond an edge back inside.
    starts = [int(np.clip(int(i), 0, n - size)) for i, n, size in zip(indices, shape, sizes, strict=True)]
    return [slice(start, start + size) for start, size in zip(starts, sizes, strict=True)]


def dynamic_slice(op: Operation, x: Value, *indices: np.ndarray) -> Value:
    """A slice that begins at `indices`."""
    sizes = op.params["slice_sizes"]
    return moved(lambda x: x[tuple(_starts(x.shape, sizes, indices))], op.tape, op.dtype, x)


def dynamic_update_slice(op: Operation, x: Value, update: Value, *indices: np.ndarray) -> Value:
    """x with a slice of it replaced."""

    def replaced(x: np.ndarray, update: np.ndarray) -> np.ndarray:
        x = np.array(x)
        x[tuple(_starts(x.shape, update.shape, indices))] = update
        return x

    return moved(replaced, op.tape, op.dtype, x, update)


# Gather and scatter, as XLA defines them


class Places:
    """Where the windows of a gather or a scatter lie in an operand of this shape.

    `indices` are those along each axis of the operand for every place of the batch and every offset of its window:
    (batch…, window…). `outside` says which windows reach beyond an edge and are not to be used."""

    def __init__(
        self,
        shape: Sequence[int],
        starts: np.ndarray,
        axes: Sequence[int],
        batching: tuple[Sequence[int], Sequence[int]],
        windows: dict[int, int],
        mode: Any,
    ) -> None:
        batch = starts.shape[:-1]
        self.batch_ndim = len(batch)
        corner = _corners(len(shape), starts, axes, batching)
        limits = [n - windows.get(axis, 1) for axis, n in enumerate(shape)]
        outside = np.zeros(batch, bool)
        if mode != GatherScatterMode.CLIP:
            for start, limit in zip(corner, limits, strict=True):
                outside |= (start < 0) | (start > limit)
        corner = [np.clip(start, 0, max(limit, 0)) for start, limit in zip(corner, limits, strict=True)]
        offsets = dict(zip(windows, np.indices(tuple(windows.values())), strict=True))
        full = (*batch, *windows.values())
        spread = (1,) * len(windows)
        self.indices = [
            np.broadcast_to(start.reshape(batch + spread) + offsets.get(axis, 0), full)
            for axis, start in enumerate(corner)
        ]
        self.outside = np.broadcast_to(outside.reshape(batch + spread), full)
        self.lawful = mode != GatherScatterMode.PROMISE_IN_BOUNDS or not outside.any()

    def check(self, op: Operation) -> None:
        """Refuse windows that JAX was promised not to meet: it reads them inside, and drops them on the way back."""
        if not self.lawful:
            op.refuse("an index lies outside of the array, of which JAX promises nothing", "Clip it, or give mode=…")


def _corners(
    ndim: int, starts: np.ndarray, axes: Sequence[int], batching: tuple[Sequence[int], Sequence[int]]
) -> list[np.ndarray]:
    """The first index of each window along each axis."""
    batch = starts.shape[:-1]
    corner = [np.zeros(batch, np.int64) for _ in range(ndim)]
    for k, axis in enumerate(axes):
        corner[axis] = starts[..., k].astype(np.int64)
    grid = np.indices(batch)
    for axis, of_starts in zip(*batching, strict=True):
        corner[axis] = grid[of_starts]
    return corner


def gather(op: Operation, x: Value, starts: np.ndarray) -> Value:
    """Windows of x; what lies outside becomes NaN, or what JAX fills in."""
    numbers, sizes = op.params["dimension_numbers"], op.params["slice_sizes"]
    gone = (*numbers.collapsed_slice_dims, *numbers.operand_batching_dims)
    windows = {axis: sizes[axis] for axis in range(len(x.shape)) if axis not in gone}
    batching = (numbers.operand_batching_dims, numbers.start_indices_batching_dims)
    places = Places(x.shape, np.asarray(starts), numbers.start_index_map, batching, windows, op.params["mode"])
    places.check(op)

    def taken(x: np.ndarray, fill: np.ndarray) -> np.ndarray:
        entries = (
            np.where(places.outside, fill, x[tuple(places.indices)]) if x.size else np.full(places.outside.shape, fill)
        )
        lead = places.batch_ndim
        return np.moveaxis(entries, range(lead, entries.ndim), numbers.offset_dims) if windows else entries

    return moved(taken, op.tape, op.dtype, x, _filling(op))


def _filling(op: Operation) -> Value:
    fill, dtype = op.params["fill_value"], op.dtype
    if fill is None and not (is_float(dtype) or is_complex(dtype)):
        dtype = np.dtype(dtype)
        fill = True if dtype.kind == "b" else np.iinfo(dtype).min if dtype.kind == "i" else np.iinfo(dtype).max
    return op.concrete(np.asarray(math.nan if fill is None else fill), dtype)


def _targets(op: Operation, shape: Sequence[int], starts: np.ndarray, update_shape: Sequence[int]) -> np.ndarray:
    """For every update its place in the flattened operand, or -1 where it is dropped."""
    numbers = op.params["dimension_numbers"]
    gone = (*numbers.inserted_window_dims, *numbers.operand_batching_dims)
    axes = [axis for axis in range(len(shape)) if axis not in gone]
    windows = {axis: update_shape[i] for axis, i in zip(axes, numbers.update_window_dims, strict=True)}
    batching = (numbers.operand_batching_dims, numbers.scatter_indices_batching_dims)
    onto = numbers.scatter_dims_to_operand_dims
    places = Places(shape, np.asarray(starts), onto, batching, windows, op.params["mode"])
    places.check(op)
    flat = np.where(places.outside, -1, np.ravel_multi_index(tuple(places.indices), shape)) if math.prod(shape) else -1
    flat = np.broadcast_to(flat, places.outside.shape)
    lead = places.batch_ndim
    return np.moveaxis(flat, range(lead, flat.ndim), numbers.update_window_dims) if windows else flat


def scatter(op: Operation, x: Value, starts: np.ndarray, updates: Value) -> Value:
    """x with windows of it replaced."""
    targets = _targets(op, x.shape, starts, updates.shape).reshape(-1)
    kept = targets >= 0

    def replaced(x: np.ndarray, updates: np.ndarray) -> np.ndarray:
        flat = np.array(x).reshape(-1)
        flat[targets[kept]] = updates.reshape(-1)[kept]
        return flat.reshape(x.shape)

    return moved(replaced, op.tape, op.dtype, x, updates)


def _on_parts(combine: Callable[[Cells, Cells], Cells], x: Value, y: Value) -> Value:
    if isinstance(x, ComplexCells):
        return ComplexCells(combine(x.re, y.re), combine(x.im, y.im))
    return combine(x, y)


def scatter_add(op: Operation, x: Value, starts: np.ndarray, updates: Value) -> Value:
    """x with windows added to it, each entry in one sum."""
    targets = _targets(op, x.shape, starts, updates.shape)
    return _on_parts(lambda x, u: lowering.scatter_add(x, targets, u), op.lift(x), op.lift(updates))


def scatter_sub(op: Operation, x: Value, starts: np.ndarray, updates: Value) -> Value:
    """x with windows taken from it."""
    return scatter_add(op, x, starts, -op.lift(updates))


def scatter_by(combine: Callable[[Operation, Any, Any], Any]) -> Callable[..., Value]:
    """A scatter that combines each entry with its updates, one after the other."""

    def scatter(op: Operation, x: Value, starts: np.ndarray, updates: Value) -> Value:
        x, updates = op.lift(x), op.lift(updates)
        targets = _targets(op, x.shape, starts, updates.shape).reshape(-1)
        rest = np.flatnonzero(targets >= 0)
        flat, lined = (moved(lambda n: n.reshape(-1), op.tape, op.dtype, y) for y in (x, updates))
        while rest.size:
            hit, first = np.unique(targets[rest], return_index=True)
            combined = combine(op, flat[hit], lined[rest[first]])
            flat = moved(lambda n, new: _replaced(n, hit, new), op.tape, op.dtype, flat, combined)  # noqa: B023
            rest = np.delete(rest, first)
        return moved(lambda n: n.reshape(x.shape), op.tape, op.dtype, flat)

    return scatter


def _replaced(flat: np.ndarray, places: np.ndarray, entries: np.ndarray) -> np.ndarray:
    flat = np.array(flat)
    flat[places] = entries
    return flat


RULES: dict[str, Callable[..., Any]] = {
    **{name: move for name in MOVES},
    "dynamic_slice": dynamic_slice,
    "dynamic_update_slice": dynamic_update_slice,
    "gather": gather,
    "scatter": scatter,
}
"""What moves values of any kind."""

SUMS: dict[str, Callable[..., Any]] = {
    "scatter-add": scatter_add,
    "scatter-sub": scatter_sub,
    "scatter-mul": scatter_by(lambda op, x, y: x * y),
    "scatter-min": scatter_by(lambda op, x, y: op.tape.minimum(x, y)),
    "scatter-max": scatter_by(lambda op, x, y: op.tape.maximum(x, y)),
}
"""What combines entries on its way."""

COMPLEX_SUMS = {name: rule for name, rule in SUMS.items() if name not in ("scatter-min", "scatter-max")}
"""Those of them that complex numbers have."""
