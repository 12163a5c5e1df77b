"""Arrays that record themselves: they answer NumPy's two protocols, so that ufuncs (SciPy's special functions among
them) and functions of NumPy write on a tape what they would compute. Code that is given such arrays runs as it is.

An array of NumPy is memory that its views share, and code writes to it. So a recorded array keeps the numbers of its
cells in arrays of NumPy that are views of each other as the program's arrays would be, and what goes to the tape is a
copy of them."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from gradproof.oracles.tape import Cells, ComplexCells, Predicates, Tape, Untraceable, where_in_user_code
from gradproof.oracles.tape.complex_cells import lifted

FORMATS = {
    **{np.dtype(name): name for name in ("float64", "float32", "float16")},
    **{np.dtype("complex128"): "float64", np.dtype("complex64"): "float32"},
}
"""The dtypes that can be recorded, and the format of their numbers."""

COMPLEX = {"float64": np.dtype("complex128"), "float32": np.dtype("complex64")}

BOOL = np.dtype(bool)

GIVE_TRUTH = "Say what it computes, as truth=…"

LEAVES = "Keep it an array of NumPy, or say what it computes, as truth=…"

OnTape = Cells | ComplexCells | Predicates


class Recording:
    """A trace in progress: its tape, the operations met so far, and the rules for them by ufunc and by function."""

    def __init__(self, ufuncs: Mapping[str, Callable], functions: Mapping[Callable, Callable]) -> None:
        self.tape, self.operations = Tape(), Counter()
        self.own_rules: dict[str, None] = {}  # functions whose derivative somebody has written
        self.ufuncs, self.functions = ufuncs, functions
        self._depth = 0

    @contextmanager
    def entered(self, name: str) -> Iterator[None]:
        """While an operation of this name is lowered. Those that it is written in terms of are not counted."""
        if self._depth == 0:
            self.operations[name] += 1
            self.tape.source, self.tape.where = name, where_in_user_code()
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def refuse(self, operation: str, reason: str, cure: str = GIVE_TRUTH) -> NoReturn:
        """Say that an operation cannot be put on the tape."""
        raise Untraceable(operation, reason, where_in_user_code(), cure)

    def input(self, values: np.ndarray) -> "Recorded":
        """An array of inputs."""
        format = self.format_of(values.dtype)
        if values.dtype.kind != "c":
            return self.of(self.tape.input(values.astype(float), format))
        parts = [self.tape.input(part.astype(float), format) for part in (values.real, values.imag)]
        return self.of(ComplexCells(*parts))

    def format_of(self, dtype: np.dtype) -> str:
        """The format of the numbers of a dtype."""
        if dtype not in FORMATS:
            self.refuse(dtype.name, "numbers of this dtype are not known here", "Use float64.")
        return FORMATS[dtype]

    def of(self, x: Any) -> Any:
        """What is on the tape as a recorded array. What is not stays as it is; of tuples and lists the entries."""
        if isinstance(x, tuple | list):
            return type(x)(map(self.of, x))
        if isinstance(x, Predicates):
            return Recorded(self, BOOL, (x.numbers,))
        if isinstance(x, ComplexCells):
            return Recorded(self, COMPLEX[x.format], (x.re.numbers, x.im.numbers))
        return Recorded(self, np.dtype(x.format), (x.numbers,)) if isinstance(x, Cells) else x

    def gathered(self, x: Any) -> Any:
        """A list, or an array of objects, that has recorded numbers in it, as one recorded array; else as it is."""
        if isinstance(x, Recorded) or (isinstance(x, np.ndarray | np.generic) and x.dtype != object):
            return x
        if not isinstance(x, np.ndarray | list | tuple):
            return x
        entries = np.asarray(x)
        if entries.dtype != object:
            return entries
        flat = list(entries.ravel())
        if not any(isinstance(entry, Recorded) for entry in flat):
            return entries
        dtype = np.result_type(*(entry.dtype if isinstance(entry, Recorded) else entry for entry in flat))
        parts = [parts_of(self.lift(entry, dtype)) for entry in flat]
        shape = entries.shape
        return Recorded(self, dtype, tuple(np.array(p, np.int64).reshape(shape) for p in zip(*parts, strict=True)))

    def lift(self, x: Any, dtype: Any) -> Any:
        """Anything as what the tape has for this dtype: cells, complex cells, predicates, or plain integers."""
        x, dtype = self.gathered(x), np.dtype(dtype)
        if dtype.kind in "iu":
            return self.plain(x, dtype)
        if not isinstance(x, Recorded):
            return self._constant(np.asarray(x), dtype)
        if dtype == BOOL:
            return x.cells if x.dtype == BOOL else self.tape.lift_predicates(x.cells != 0.0)
        format = self.format_of(dtype)
        if dtype.kind == "c":
            parts = x.cells if x.dtype.kind == "c" else lifted(self.tape, x.cells, format)
            return ComplexCells(self.tape.cast(parts.re, format), self.tape.cast(parts.im, format))
        if x.dtype == BOOL:
            return self.tape.lift(x.cells, format)
        return self.tape.cast(x.cells.re if x.dtype.kind == "c" else x.cells, format)

    def _constant(self, x: np.ndarray, dtype: np.dtype) -> Any:
        if dtype == BOOL:
            return self.tape.lift_predicates(x)
        format = self.format_of(dtype)
        with np.errstate(all="ignore"):
            held = x.astype(dtype)
        if dtype.kind == "c":
            return lifted(self.tape, held.astype(complex), format)
        return self.tape.constant(held.astype(float), format)

    def frozen(self, x: "Recorded") -> "Recorded":
        """The same values without a derivative."""
        cells = x.cells
        if isinstance(cells, ComplexCells):
            return self.of(ComplexCells(self.tape.freeze(cells.re), self.tape.freeze(cells.im)))
        return self.of(self.tape.freeze(cells))

    def is_constant(self, x: "Recorded") -> bool:
        """Whether no entry depends on the input."""
        cells = x.cells
        parts = (cells.re, cells.im) if isinstance(cells, ComplexCells) else (cells,)
        return all(self.tape.is_constant(part) for part in parts)

    def are_constant(self, tree: Any) -> bool:
        """Whether nothing in a tree of arguments depends on the input."""
        if isinstance(tree, tuple | list):
            return all(map(self.are_constant, tree))
        return not isinstance(tree, Recorded) or (tree.dtype != BOOL and self.is_constant(tree))

    def value_of(self, tree: Any) -> Any:
        """The same tree with arrays of NumPy in the place of recorded ones."""
        if isinstance(tree, tuple | list):
            return type(tree)(map(self.value_of, tree))
        return tree.value if isinstance(tree, Recorded) else tree

    def held(self, values: Any) -> Any:
        """What a program has computed without the input, in arrays that it can write to."""
        values = np.asarray(values)
        return self.of(self.lift(values, values.dtype)) if values.dtype in FORMATS else values

    def key(self, key: Any) -> Any:
        """An index, with masks that depend on the input held fixed."""
        if isinstance(key, tuple):
            return tuple(map(self.key, key))
        return self.plain(key) if isinstance(key, Recorded) and key.dtype == BOOL else key

    def plain(self, x: Any, dtype: Any = None) -> np.ndarray:
        """What must be integers or truth values from here on: what was decided to get them is held fixed."""
        if isinstance(x, Recorded) and x.dtype == BOOL:
            x = self.tape.settle(x.cells)
        elif isinstance(x, Recorded):
            if x.dtype.kind == "c":
                self.refuse("astype", "complex numbers become integers")
            x = self.tape.settle_step(x.cells)
        return np.asarray(x, dtype)


def parts_of(x: OnTape) -> tuple[np.ndarray, ...]:
    """The arrays of numbers that something on the tape is made of."""
    return (x.re.numbers, x.im.numbers) if isinstance(x, ComplexCells) else (x.numbers,)


def name_of(function: Callable) -> str:
    """The name of a function below `numpy`."""
    module = function.__module__.removeprefix("numpy").lstrip(".")
    return f"{module}.{function.__name__}" if module else function.__name__


def is_recorded(x: Any) -> bool:
    """Whether there is a recorded array in this tree of tuples, lists, dicts and arrays of objects."""
    if isinstance(x, tuple | list):
        return any(map(is_recorded, x))
    if isinstance(x, dict):
        return any(map(is_recorded, x.values()))
    if isinstance(x, np.ndarray) and x.dtype == object:
        return any(isinstance(entry, Recorded) for entry in x.flat)
    return isinstance(x, Recorded)


class Recorded(NDArrayOperatorsMixin):
    """An array of a traced program: its dtype, and the numbers of its cells or predicates. A complex one has two arrays
    of numbers."""

    __slots__ = ("dtype", "parts", "recording")
    __array_priority__ = 1000.0
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, recording: Recording, dtype: np.dtype, parts: Sequence[np.ndarray]) -> None:
        self.recording, self.dtype = recording, dtype
        self.parts = tuple(np.asarray(part) for part in parts)

    shape = property(lambda self: self.parts[0].shape)
    ndim = property(lambda self: self.parts[0].ndim)
    size = property(lambda self: self.parts[0].size)
    itemsize = property(lambda self: self.dtype.itemsize)
    nbytes = property(lambda self: self.size * self.itemsize)
    T = property(lambda self: self.moved(np.transpose))
    mT = property(lambda self: self.moved(np.swapaxes, -1, -2))
    flat = property(lambda self: self.moved(np.ravel))

    @property
    def cells(self) -> Any:
        """What is on the tape, of its own memory."""
        numbers = [part.copy() for part in self.parts]
        tape = self.recording.tape
        if self.dtype == BOOL:
            return Predicates(numbers[0], tape)
        cells = [Cells(part, FORMATS[self.dtype], tape) for part in numbers]
        return ComplexCells(*cells) if len(cells) == 2 else cells[0]

    @property
    def value(self) -> np.ndarray:
        """What it is at the traced input."""
        with np.errstate(all="ignore"):
            return np.asarray(self.cells.value).astype(self.dtype)

    @property
    def real(self) -> "Recorded":
        """The real part: of a complex array a view of it."""
        return self._part(0)

    @real.setter
    def real(self, value: Any) -> None:
        self._part(0)[...] = value

    @property
    def imag(self) -> Any:
        """The imaginary part: of a complex array a view of it, else zeros."""
        return self._part(1) if self.dtype.kind == "c" else np.zeros(self.shape, self.dtype)

    @imag.setter
    def imag(self, value: Any) -> None:
        self._part(1)[...] = value

    def _part(self, which: int) -> "Recorded":
        if self.dtype.kind != "c":
            return self
        return Recorded(self.recording, np.dtype(FORMATS[self.dtype]), (self.parts[which],))

    def moved(self, move: Callable, *arguments: Any, **options: Any) -> Any:
        """What a function of NumPy that only moves entries makes of it."""
        results = [move(part, *arguments, **options) for part in self.parts]
        if isinstance(results[0], tuple | list):
            return type(results[0])(Recorded(self.recording, self.dtype, p) for p in zip(*results, strict=True))
        return Recorded(self.recording, self.dtype, results)

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if any(_is_foreign(x) for x in inputs):
            return NotImplemented
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        rule = self.recording.ufuncs.get(method)
        if rule is None:
            self.recording.refuse(name, "there is no rule for it")
        with self.recording.entered(name):
            return rule(self.recording, ufunc, *inputs, **options)

    def __array_function__(self, function: Callable, types: Any, arguments: tuple, options: dict) -> Any:
        rule, name = self.recording.functions.get(function), name_of(function)
        if rule is None:
            self.recording.refuse(name, "there is no rule for it")
        with self.recording.entered(name):
            return rule(self.recording, *arguments, **options)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        if self.dtype == BOOL:
            return self.recording.plain(self, dtype or bool)
        if self.recording.is_constant(self):
            return self.value.astype(dtype or self.dtype)
        if dtype is not None and np.dtype(dtype) != object:
            self._leaves(f"np.asarray(…, {np.dtype(dtype).name})")
        # An array of objects, each a number that records itself, is what NumPy can make of this.
        entries = np.empty(self.size, object)
        for i in range(self.size):
            entries[i] = Recorded(self.recording, self.dtype, [part.reshape(-1)[i] for part in self.parts])
        return entries.reshape(self.shape)

    # Python's protocols

    def _leaves(self, operation: str) -> NoReturn:
        self.recording.refuse(operation, "a value that depends on the input leaves the trace", LEAVES)

    def _left(self, operation: str) -> np.ndarray:
        if not self.recording.are_constant(self):
            self._leaves(operation)
        return self.value

    def __float__(self) -> float:
        return float(self._left("float"))

    def __complex__(self) -> complex:
        return complex(self._left("complex"))

    def item(self, *index: Any) -> Any:
        """A number of Python, which is not recorded: refused of what depends on the input."""
        return self._left("item").item(*index)

    def tolist(self) -> Any:
        """Numbers of Python, which are not recorded: refused of what depends on the input."""
        return self._left("tolist").tolist()

    def __int__(self) -> int:
        return int(self.recording.plain(self))

    def __index__(self) -> int:
        if self.dtype != BOOL:
            raise TypeError("only integer arrays can be used as an index")
        return int(self)

    def __bool__(self) -> bool:
        return bool(self.recording.plain(self if self.dtype == BOOL else self != 0))

    def __len__(self) -> int:
        return len(self.parts[0])

    def __iter__(self) -> Iterator["Recorded"]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> "Recorded":
        key = self.recording.key(key)
        return Recorded(self.recording, self.dtype, [part[key] for part in self.parts])

    def __setitem__(self, key: Any, value: Any) -> None:
        key = self.recording.key(key)
        new = parts_of(self.recording.lift(value, self.dtype))
        for part, numbers in zip(self.parts, new, strict=True):
            part[key] = numbers

    def __repr__(self) -> str:
        return f"Recorded({self.value!r})"

    # Methods of arrays that are no functions of NumPy

    def astype(self, dtype: Any, *_: Any, **__: Any) -> Any:
        """The same numbers in another dtype; integers are held fixed."""
        return self.recording.of(self.recording.lift(self, dtype))

    def view(self, kind: Any = None) -> "Recorded":
        """The same array, where nothing but its class is asked for."""
        if kind is None or kind is np.ndarray or kind == self.dtype:
            return self
        self.recording.refuse("view", "the bits of numbers that depend on the input are looked at")

    def reshape(self, *shape: Any, **options: Any) -> "Recorded":
        """The entries in another shape."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, **options)

    def transpose(self, *axes: Any) -> "Recorded":
        """The axes in another order."""
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    def flatten(self, order: str = "C") -> "Recorded":
        """The entries in a row, of their own memory."""
        return self.moved(lambda part: part.flatten(order))

    def fill(self, value: Any) -> None:
        """Overwrite every entry."""
        self[...] = value

    def sort(self, axis: int = -1) -> None:
        """Put the entries in order, in place."""
        self[...] = np.sort(self, axis=axis)


def _is_foreign(x: Any) -> bool:
    protocol = getattr(type(x), "__array_ufunc__", np.ndarray.__array_ufunc__)
    return protocol not in (np.ndarray.__array_ufunc__, Recorded.__array_ufunc__)


def _method(function: Callable) -> Callable:
    def method(self: Recorded, *arguments: Any, **options: Any) -> Any:
        return function(self, *arguments, **options)

    method.__name__, method.__doc__ = function.__name__, f"As np.{function.__name__}."
    return method


METHODS = """all any argmax argmin argsort clip compress conj conjugate copy cumprod cumsum diagonal dot max mean min
nonzero prod ravel repeat round searchsorted squeeze std sum swapaxes take trace var"""
"""Methods of arrays that are functions of NumPy."""

ELEMENTWISE = """exp exp2 expm1 log log2 log10 log1p sqrt cbrt square reciprocal sin cos tan arcsin arccos arctan sinh
cosh tanh arcsinh arccosh arctanh floor ceil trunc rint fabs sign absolute logical_not isnan isfinite"""
"""Ufuncs that NumPy looks for as methods of the entries of an array of objects."""

for _name in f"{METHODS} {ELEMENTWISE}".split():
    setattr(Recorded, _name, _method(getattr(np, _name)))
