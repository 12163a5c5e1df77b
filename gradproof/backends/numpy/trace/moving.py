"""Functions of NumPy that move, repeat, drop or join entries, or that ask about shapes: NumPy's own, applied to the
numbers of cells."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradproof.backends.numpy.trace.recorded import BOOL, Recorded, Recording
from gradproof.oracles.tape import ComplexCells, Predicates, complex_cells

Rule = Callable[..., Any]

MOVES: tuple[Callable, ...] = (
    *(np.reshape, np.transpose, np.ravel, np.swapaxes, np.moveaxis, np.rollaxis, np.squeeze, np.expand_dims),
    *(np.broadcast_to, np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit, np.repeat, np.tile, np.roll),
    *(np.flip, np.fliplr, np.flipud, np.rot90, np.take, np.take_along_axis, np.diagonal, np.copy, np.delete),
    *(
        np.resize,
        np.fft.fftshift,
        np.fft.ifftshift,
        np.linalg.diagonal,
        np.matrix_transpose,
        np.linalg.matrix_transpose,
        np.unstack,
    ),
)
"""Functions of one array that leave entries as they are."""

ZEROS: tuple[Callable, ...] = (np.tril, np.triu, np.diag, np.diagflat)
"""Functions of one array that put zeros in the place of some entries."""

JOINS: tuple[Callable, ...] = (np.concatenate, np.stack, np.vstack, np.hstack, np.dstack, np.column_stack, np.block)
"""Functions of a sequence of arrays, which take one dtype."""


def _move(function: Callable) -> Rule:
    def rule(recording: Recording, x: Any, *arguments: Any, **options: Any) -> Any:
        if not isinstance(x, Recorded):
            # What depends on the input is an index or a mask.
            return function(x, *map(recording.key, arguments), **options)
        return x.moved(function, *map(recording.key, arguments), **options)

    return rule


def _with_zeros(function: Callable) -> Rule:
    def rule(recording: Recording, x: Recorded, *arguments: Any, **options: Any) -> Recorded:
        # What is left out is 0 in the place of a number; no cell has the number 0 after this.
        zero = int(recording.tape.constant(0.0).numbers) if x.dtype != BOOL else _false(recording)

        def move(part: np.ndarray) -> np.ndarray:
            moved = function(part + 1, *arguments, **options)
            return np.where(moved == 0, zero, moved - 1)

        return x.moved(move)

    return rule


def _false(recording: Recording) -> int:
    return int(recording.tape.lift_predicates(np.asarray(False)).numbers)


def joint_dtype(arrays: Sequence[Any]) -> np.dtype:
    """The dtype that NumPy gives several arrays and numbers together."""
    asked = (x.dtype if isinstance(x, Recorded) else x for x in arrays)
    return np.result_type(*asked)


def together(recording: Recording, arrays: Sequence[Any]) -> list[Recorded]:
    """Arrays and numbers as recorded arrays of one dtype."""
    arrays = [recording.gathered(x) for x in arrays]
    dtype = joint_dtype([x if isinstance(x, Recorded) else np.asarray(x) for x in arrays])
    return [recording.of(recording.lift(x, dtype)) for x in arrays]


def _flat(tree: Any) -> list[Any]:
    return [x for branch in tree for x in _flat(branch)] if isinstance(tree, list | tuple) else [tree]


def _refilled(tree: Any, entries: Any) -> Any:
    return [_refilled(branch, entries) for branch in tree] if isinstance(tree, list | tuple) else next(entries)


def joined(recording: Recording, function: Callable, tree: Any, *arguments: Any, **options: Any) -> Recorded:
    """Arrays of a nested list, brought to one dtype, and joined by a function of NumPy."""
    if isinstance(tree, Recorded):
        tree = list(tree)
    arrays = together(recording, _flat(tree))
    dtype = np.dtype(options.pop("dtype", None) or arrays[0].dtype)
    arrays = [recording.of(recording.lift(x, dtype)) for x in arrays]
    parts = []
    for which in range(len(arrays[0].parts)):
        parts.append(function(_refilled(tree, (x.parts[which] for x in arrays)), *arguments, **options))
    return Recorded(recording, dtype, parts)


def _join(function: Callable) -> Rule:
    def rule(recording: Recording, arrays: Any, *arguments: Any, **options: Any) -> Any:
        out = options.pop("out", None)
        result = joined(recording, function, arrays, *arguments, **options)
        if out is not None:
            recording.refuse(f"{function.__name__}(out=)", "it writes to an array that has another owner")
        return result

    return rule


def append(recording: Recording, x: Any, values: Any, axis: int | None = None) -> Recorded:
    if axis is None:
        x, values, axis = np.ravel(recording.gathered(x)), np.ravel(recording.gathered(values)), 0
    return joined(recording, np.concatenate, [x, values], axis)


def insert(recording: Recording, x: Any, places: Any, values: Any, axis: int | None = None) -> Recorded:
    x, values = together(recording, [x, values])
    pairs = zip(x.parts, values.parts, strict=True)
    return Recorded(recording, x.dtype, [np.insert(part, places, new, axis) for part, new in pairs])


def where(recording: Recording, condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None:
        return np.where(recording.plain(condition))
    condition, x, y = (recording.gathered(part) for part in (condition, x, y))
    p = recording.lift(condition, BOOL) if isinstance(condition, Recorded) else np.asarray(condition, bool)
    dtype = joint_dtype([x if isinstance(x, Recorded | int | float | complex) else np.asarray(x) for x in (x, y)])
    if dtype.kind in "iu":
        return np.where(recording.plain(condition), recording.plain(x, dtype), recording.plain(y, dtype))
    return recording.of(chosen(recording, p, recording.lift(x, dtype), recording.lift(y, dtype)))


def chosen(recording: Recording, p: Any, x: Any, y: Any) -> Any:
    """x where p holds, else y, all of one kind on the tape."""
    tape = recording.tape
    if isinstance(x, ComplexCells):
        return complex_cells.choose(tape, p, x, y)
    if isinstance(x, Predicates):
        return tape.logic("or", tape.logic("and", p, x), tape.logic("and", tape.logic("not", p), y))
    return tape.choose(p, x, y)


def select(recording: Recording, conditions: Sequence[Any], choices: Sequence[Any], default: Any = 0) -> Any:
    result = default
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        result = np.where(condition, choice, result)
    return result


def compress(recording: Recording, mask: Any, x: Any, axis: int | None = None, out: Any = None) -> Any:
    mask = recording.plain(mask)
    return (
        x.moved(lambda part: np.compress(mask, part, axis)) if isinstance(x, Recorded) else np.compress(mask, x, axis)
    )


def extract(recording: Recording, mask: Any, x: Any) -> Any:
    return compress(recording, np.ravel(recording.plain(mask)), np.ravel(x))


def nonzero(recording: Recording, x: Recorded) -> tuple[np.ndarray, ...]:
    return np.nonzero(recording.plain(x if x.dtype == BOOL else x != 0))


def flatnonzero(recording: Recording, x: Recorded) -> np.ndarray:
    return nonzero(recording, np.ravel(x))[0]


def argwhere(recording: Recording, x: Recorded) -> np.ndarray:
    return np.transpose(nonzero(recording, x))


PADDED = {"edge": {}, "reflect": {}, "symmetric": {}, "wrap": {}, "constant": {}}


def pad(recording: Recording, x: Recorded, widths: Any, mode: str = "constant", **options: Any) -> Recorded:
    if mode not in PADDED or options.get("reflect_type", "even") != "even":
        recording.refuse("pad", f"mode={mode!r} has no rule")
    if mode != "constant":
        return x.moved(np.pad, widths, mode)
    fill = recording.lift(np.asarray(options.get("constant_values", 0)), x.dtype)
    if fill.ndim:
        recording.refuse("pad", "constant_values that differ have no rule")
    fills = iter((fill.re, fill.im) if x.dtype.kind == "c" else (fill,))
    return x.moved(lambda part: np.pad(part, widths, constant_values=int(next(fills).numbers)))


def atleast(function: Callable) -> Rule:
    def rule(recording: Recording, *arrays: Any) -> Any:
        made = tuple(x.moved(function) if isinstance(x, Recorded) else function(x) for x in arrays)
        return made[0] if len(made) == 1 else made

    return rule


def broadcast_arrays(recording: Recording, *arrays: Any, subok: bool = False) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*map(np.shape, arrays))
    return tuple(np.broadcast_to(x, shape) for x in arrays)


def meshgrid(recording: Recording, *axes: Any, indexing: str = "xy", sparse: bool = False, copy: bool = True) -> Any:
    places = np.meshgrid(*(np.arange(np.size(x)) for x in axes), indexing=indexing, sparse=sparse)
    return tuple(np.ravel(x)[place] for x, place in zip(axes, places, strict=True))


def _filled(value: float | None) -> Rule:
    def rule(recording: Recording, x: Any, *arguments: Any, **options: Any) -> Any:
        arguments = list(arguments)
        fill = value if value is not None else options.pop("fill_value", None) if not arguments else arguments.pop(0)
        dtype = np.dtype((arguments[0] if arguments else options.get("dtype")) or x.dtype)
        shape = options.get("shape")
        shape = np.shape(x) if shape is None else shape
        if dtype.kind in "iu":
            return np.full(shape, fill, dtype)
        made = recording.of(recording.lift(fill, dtype))
        return np.copy(np.broadcast_to(made, shape))

    return rule


def copyto(recording: Recording, target: Any, values: Any, casting: Any = None, where: Any = True) -> None:
    if not isinstance(target, Recorded):
        recording.refuse("copyto", "it writes to an array that depends on no input", "Make it with np.zeros_like(x).")
    target[...] = values if where is True else np.where(where, values, target)


def fill_diagonal(recording: Recording, target: Any, values: Any, wrap: bool = False) -> None:
    if not isinstance(target, Recorded) or target.ndim != 2 or wrap:
        recording.refuse("fill_diagonal", "it has a rule for matrices that depend on the input only")
    places = np.arange(min(target.shape))
    target[places, places] = values


def put_along_axis(recording: Recording, target: Any, places: Any, values: Any, axis: int | None) -> None:
    if not isinstance(target, Recorded):
        recording.refuse("put_along_axis", "it writes to an array that depends on no input")
    new = recording.of(recording.lift(values, target.dtype))
    for part, numbers in zip(target.parts, new.parts, strict=True):
        np.put_along_axis(part, places, numbers, axis)


def astype(recording: Recording, x: Recorded, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    return x.astype(dtype)


def _question(function: Callable) -> Rule:
    def rule(recording: Recording, x: Any, *arguments: Any) -> Any:
        # Shapes and dtypes are those of any array like this one.
        return function(np.empty(x.shape, x.dtype) if isinstance(x, Recorded) else x, *arguments)

    return rule


def result_type(recording: Recording, *arrays: Any) -> np.dtype:
    return joint_dtype(arrays)


def iscomplex(recording: Recording, x: Recorded) -> Any:
    return np.not_equal(x.imag, 0) if x.dtype.kind == "c" else np.zeros(x.shape, bool)


FUNCTIONS: dict[Callable, Rule] = {
    **{function: _move(function) for function in MOVES},
    **{function: _with_zeros(function) for function in ZEROS},
    **{function: _join(function) for function in JOINS},
    **{function: atleast(function) for function in (np.atleast_1d, np.atleast_2d, np.atleast_3d)},
    **{function: _question(function) for function in (np.shape, np.ndim, np.size, np.iscomplexobj, np.isrealobj)},
    **{np.append: append, np.insert: insert, np.where: where, np.select: select, np.compress: compress},
    **{np.extract: extract, np.nonzero: nonzero, np.flatnonzero: flatnonzero, np.argwhere: argwhere, np.pad: pad},
    **{np.broadcast_arrays: broadcast_arrays, np.meshgrid: meshgrid, np.zeros_like: _filled(0.0)},
    **{np.ones_like: _filled(1.0), np.empty_like: _filled(0.0), np.full_like: _filled(None), np.copyto: copyto},
    **{np.fill_diagonal: fill_diagonal, np.put_along_axis: put_along_axis, np.astype: astype},
    **{np.result_type: result_type, np.iscomplex: iscomplex},
}
"""The rules by function of NumPy."""
