"""The tape: what a traced forward pass computes, over scalar cells, and the builder that the front ends write it with.

Each floating-point number of a traced program is a cell with a number. An array of a front end is an int64 array of
such numbers (`Cells`); an array of truth values that depend on the input is one of predicate numbers (`Predicates`);
integers, and whatever else does not depend on the input, stay plain NumPy arrays. What moves, repeats, drops or joins
entries (reshape, gather, pad, scatter, writes to views) happens on those numbers while tracing and leaves no
instruction, so a front end needs no rule for its derivative."""

import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy.special

PRECISIONS = {"float64": 53, "float32": 24, "float16": 11, "bfloat16": 8}
"""The formats of cells, and the bits of their significands."""

FORMAT_NAMES = tuple(PRECISIONS)
FORMAT_CODES = {name: code for code, name in enumerate(FORMAT_NAMES)}

EXPONENT_BITS = {"float64": 11, "float32": 8, "float16": 5, "bfloat16": 8}

STEPS = {"floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "round": np.round}
"""Functions that are constant between jumps; `round` takes a tie to the even neighbour."""

MAPS: dict[str, Callable] = {
    **{"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative, "pow": np.power},
    **{"atan2": np.arctan2, "hypot": np.hypot, "acos": np.arccos, "acosh": np.arccosh, "asin": np.arcsin},
    **{"asinh": np.arcsinh, "atan": np.arctan, "atanh": np.arctanh, "sinc": np.sinc},
    **{name: getattr(np, name) for name in "cos cosh exp expm1 log log10 log1p log2 sin sinh sqrt tan tanh".split()},
    **{name: getattr(scipy.special, name) for name in "digamma erf erfc erfinv expit gammaln i0 i1 j0 j1".split()},
    **{name: getattr(scipy.special, name) for name in "log_ndtr ndtri betainc expn gammainc gammaincc zeta".split()},
    **{name: getattr(scipy.special, name) for name in "dawsn erfcx expi k0 k1 spence y0 y1".split()},
    "fresnel_cos": lambda x: scipy.special.fresnel(x)[1],
    "fresnel_sin": lambda x: scipy.special.fresnel(x)[0],
    "lambertw": lambda x: scipy.special.lambertw(x).real,
    "i0e": lambda x, size: scipy.special.i0e(x),
    "i1e": lambda x, size: scipy.special.i1e(x),
    "k0e": lambda x, size: scipy.special.k0e(x),
    "k1e": lambda x, size: scipy.special.k1e(x),
    "polygamma": lambda n, x: scipy.special.polygamma(n.astype(int), x),
}
"""The elementwise functions of a tape, by the names that ball arithmetic has for them, in float64. `i0e` and `i1e` take
|x| as their second argument, `k0e` and `k1e` x again: in their derivatives two terms cancel. Integer powers
(`Tape.ipow`) and steps stand apart."""

RELATIONS = {
    **{"gt": np.greater, "ge": np.greater_equal, "lt": np.less, "le": np.less_equal},
    **{"eq": np.equal, "ne": np.not_equal},
}

CONNECTIVES = {"not": np.logical_not, "and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}

QUESTIONS = {"isfinite": np.isfinite, "isnan": np.isnan, "isinf": np.isinf, "signbit": np.signbit}

WHOLE = frozenset("add sub mul neg".split())
"""Functions of `MAPS` that make exact integers of exact integers."""

NO_CELLS = frozenset("compare logic truth settle settle_step settle_extremum order".split())
"""Instructions that write no cells."""

LARGEST_POWER = 1_000_000
"""Integer exponents up to this size are powers without a logarithm."""

FEW = 4
"""Constant arrays of up to so many entries share their cells with every equal constant."""


class Untraceable(Exception):
    """This code, or this call of it, cannot be put on a tape. Raised by front ends, caught by whoever asked.

    `operation` is the framework's name of what stood in the way, `reason` why it does, `where` the place in the user's
    code ("file.py:12", empty where unknown), and `cure` what the user can do about it. `text` is the message as whoever
    shows it to a person has laid it out."""

    def __init__(self, operation: str, reason: str, where: str = "", cure: str = "") -> None:
        self.operation, self.reason, self.where, self.cure = operation, reason, where, cure
        self.text = ""
        super().__init__(operation, reason, where, cure)

    def __str__(self) -> str:
        if self.text:
            return self.text
        place = f" at {self.where}" if self.where else ""
        cure = f" {self.cure}" if self.cure else ""
        return f"{self.operation}{place}: {self.reason.rstrip('.')}.{cure}"


@cache
def is_user_code(path: str) -> bool:
    """Whether a source file belongs neither to this package nor to an installed one."""
    ours = f"{Path(__file__).parents[2]}{os.sep}"
    installed = "site-packages" in path or "dist-packages" in path or path.startswith(("<", sys.base_prefix))
    return not installed and not path.startswith(ours)


def where_in_user_code() -> str:
    """The innermost frame of the user's code, as "file.py:12"; "" if none."""
    frame = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        if is_user_code(path):
            return f"{Path(path).name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


class Cells:
    """An array of floating-point cells: `numbers` on `tape`, held in `format` (one of `PRECISIONS`).

    It has NumPy's indexing and Python's operators, and what linear algebra of `balls.linalg` asks of an array."""

    __slots__ = ("format", "numbers", "tape")
    __array_ufunc__ = None  # a NumPy array on the left leaves the operator to us

    def __init__(self, numbers: Any, format: str, tape: "Tape") -> None:
        self.numbers, self.format, self.tape = np.asarray(numbers, np.int64), format, tape

    dtype = property(lambda self: self.format)
    shape = property(lambda self: self.numbers.shape)
    ndim = property(lambda self: self.numbers.ndim)
    size = property(lambda self: self.numbers.size)
    T = property(lambda self: self.like(self.numbers.T))
    mT = property(lambda self: self.like(np.swapaxes(self.numbers, -1, -2)))

    @property
    def value(self) -> np.ndarray:
        """What these cells hold at the traced input, in float64."""
        return self.tape.values[self.numbers]

    entries = value

    @property
    def active(self) -> np.ndarray:
        """Which of these cells have a derivative in the inputs."""
        return self.tape.active[self.numbers]

    def like(self, numbers: Any) -> "Cells":
        """Other cells of the same tape and format."""
        return Cells(numbers, self.format, self.tape)

    def __repr__(self) -> str:
        return f"Cells({self.value!r}, {self.format})"

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator["Cells"]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> "Cells":
        return self.like(self.numbers[key])

    def _with(self, name: str, x: Any, y: Any, other: Any) -> Any:
        # What is none of ours, as complex cells, has the operator for both.
        return self.tape.map(name, x, y) if isinstance(other, _OPERANDS) else NotImplemented

    def __neg__(self) -> "Cells":
        return self.tape.map("neg", self)

    def __pos__(self) -> "Cells":
        return self

    def __abs__(self) -> "Cells":
        return self.tape.abs(self)

    def __add__(self, other: Any) -> "Cells":
        return self._with("add", self, other, other)

    def __radd__(self, other: Any) -> "Cells":
        return self._with("add", other, self, other)

    def __sub__(self, other: Any) -> "Cells":
        return self._with("sub", self, other, other)

    def __rsub__(self, other: Any) -> "Cells":
        return self._with("sub", other, self, other)

    def __mul__(self, other: Any) -> "Cells":
        return self._with("mul", self, other, other)

    def __rmul__(self, other: Any) -> "Cells":
        return self._with("mul", other, self, other)

    def __truediv__(self, other: Any) -> "Cells":
        return self._with("div", self, other, other)

    def __rtruediv__(self, other: Any) -> "Cells":
        return self._with("div", other, self, other)

    def __pow__(self, other: Any) -> "Cells":
        return self.tape.pow(self, other)

    def __rpow__(self, other: Any) -> "Cells":
        return self.tape.pow(other, self)

    def __matmul__(self, other: Any) -> "Cells":
        return self.tape.matmul(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def __rmatmul__(self, other: Any) -> "Cells":
        return self.tape.matmul(other, self)

    def __gt__(self, other: Any) -> "Predicates | np.ndarray":
        return self.tape.compare("gt", self, other)

    def __ge__(self, other: Any) -> "Predicates | np.ndarray":
        return self.tape.compare("ge", self, other)

    def __lt__(self, other: Any) -> "Predicates | np.ndarray":
        return self.tape.compare("lt", self, other)

    def __le__(self, other: Any) -> "Predicates | np.ndarray":
        return self.tape.compare("le", self, other)

    def __eq__(self, other: Any) -> "Predicates | np.ndarray":  # type: ignore[override]
        return self.tape.compare("eq", self, other)

    def __ne__(self, other: Any) -> "Predicates | np.ndarray":  # type: ignore[override]
        return self.tape.compare("ne", self, other)

    __hash__ = None  # type: ignore[assignment]


class Predicates:
    """An array of truth values that depend on the input: `numbers` among the predicates of `tape`."""

    __slots__ = ("numbers", "tape")
    __array_ufunc__ = None

    def __init__(self, numbers: Any, tape: "Tape") -> None:
        self.numbers, self.tape = np.asarray(numbers, np.int64), tape

    shape = property(lambda self: self.numbers.shape)
    ndim = property(lambda self: self.numbers.ndim)
    size = property(lambda self: self.numbers.size)

    @property
    def value(self) -> np.ndarray:
        """What these predicates are at the traced input. Whoever acts on it must `Tape.settle` them."""
        return self.tape.truths[self.numbers]

    def like(self, numbers: Any) -> "Predicates":
        """Other predicates of the same tape."""
        return Predicates(numbers, self.tape)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, key: Any) -> "Predicates":
        return self.like(self.numbers[key])

    def __invert__(self) -> "Predicates":
        return self.tape.logic("not", self)

    def __and__(self, other: Any) -> "Predicates":
        return self.tape.logic("and", self, other)

    def __or__(self, other: Any) -> "Predicates":
        return self.tape.logic("or", self, other)

    def __xor__(self, other: Any) -> "Predicates":
        return self.tape.logic("xor", self, other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __bool__(self) -> bool:
        return bool(self.tape.settle(self))


_OPERANDS = (Cells, Predicates, np.ndarray, np.generic, float, int)

Span = tuple[int, tuple[int, ...]] | np.ndarray
"""The numbers of an array of cells: (start, shape) for a run of them in order, else the index array itself."""


def span_of(numbers: np.ndarray) -> Span:
    """The shortest form of an index array."""
    if numbers.size and numbers.flags.c_contiguous:
        flat = numbers.reshape(-1)
        if flat[-1] - flat[0] == flat.size - 1 and bool((np.diff(flat) == 1).all()):
            return int(flat[0]), numbers.shape
    return numbers


def numbers_of(span: Span) -> np.ndarray:
    """The index array of a span."""
    if isinstance(span, tuple):
        start, shape = span
        return np.arange(start, start + math.prod(shape), dtype=np.int64).reshape(shape)
    return span


def entries_of(memory: np.ndarray, span: Span) -> np.ndarray:
    """What a memory with one entry for each cell holds in a span."""
    if isinstance(span, tuple):
        start, shape = span
        return memory[start : start + math.prod(shape)].reshape(shape)
    return memory[span]


@dataclass(slots=True, eq=False)
class Instruction:
    """One step of a tape. What `kind` and `name` mean stands at the method of `Tape` that writes it.

    `arguments` are spans of cells (of predicates for `logic` and `settle`). The results are the cells, or predicates,
    from `output` on, in the order of `shape`. `extra` is what else a kind needs. `source` is the framework's name of
    the operation that was lowered, `where` the place in the user's code; both may be empty."""

    kind: str
    name: str
    arguments: list[Span]
    output: int
    shape: tuple[int, ...]
    format: str
    extra: Any = None
    source: str = ""
    where: str = ""

    @property
    def size(self) -> int:
        """How many cells or predicates this writes."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Input:
    """One array of inputs: its first cell, its shape and its format."""

    start: int
    shape: tuple[int, ...]
    format: str

    @property
    def cells(self) -> slice:
        """Its cells."""
        return slice(self.start, self.start + math.prod(self.shape))


@dataclass
class _Memory:
    """Arrays that grow together, one entry for each cell."""

    arrays: dict[str, np.ndarray]
    used: int = 0

    def append(self, count: int) -> slice:
        needed = self.used + count
        for name, array in self.arrays.items():
            if needed > len(array):
                longer = np.zeros(max(2 * len(array), needed), array.dtype)
                longer[: self.used] = array[: self.used]
                self.arrays[name] = longer
        where = slice(self.used, needed)
        self.used = needed
        return where


def _cell_memory() -> _Memory:
    kinds = {"value": float, "active": bool, "moving": bool, "constant": bool, "poisoned": bool, "format": np.int8}
    return _Memory({name: np.zeros(1024, kind) for name, kind in kinds.items()})


@dataclass
class Tape:
    """A traced program, and the builder that writes it.

    Methods take `Cells`, `Predicates`, NumPy arrays and numbers alike and broadcast as NumPy does. `axis` is None, a
    number or a tuple of them. A result has the format of the first cells among the arguments unless `format` says
    otherwise. `source` and `where` are copied to each instruction: set them before lowering an operation.

    A cell is `active` when it has a derivative in the inputs, and `moving` when its value depends on them at all.
    `declared` are the cells of matrices of which the program says that they are symmetric."""

    instructions: list[Instruction] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    constants: list[tuple[int, np.ndarray]] = field(default_factory=list)
    source: str = ""
    where: str = ""
    default_format: str = "float64"
    poisons: list[tuple[slice, Untraceable]] = field(default_factory=list)
    declared: list[np.ndarray] = field(default_factory=list)
    _cells: _Memory = field(default_factory=_cell_memory)
    _predicates: _Memory = field(default_factory=lambda: _Memory({"truth": np.zeros(256, bool)}))
    _shared: dict[str, int] = field(default_factory=dict)
    _made: dict[str, tuple[tuple[int, int], Any]] = field(default_factory=dict)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What is made of the tape as it stands: made anew only where something was written since."""
        written = self.cell_count, len(self.instructions)
        if self._made.get(name, (None,))[0] != written:
            self._made[name] = written, make()
        return self._made[name][1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_made": {}}  # balls stay in their process

    # What there is one of for each cell

    @property
    def values(self) -> np.ndarray:
        """What each cell holds at the traced input, in float64."""
        return self._cells.arrays["value"]

    @property
    def active(self) -> np.ndarray:
        """Which cells have a derivative in the inputs."""
        return self._cells.arrays["active"]

    @property
    def moving(self) -> np.ndarray:
        """Which cells depend on the inputs, with or without a derivative."""
        return self._cells.arrays["moving"]

    @property
    def format_codes(self) -> np.ndarray:
        """The format of each cell, as an index of `FORMAT_NAMES`."""
        return self._cells.arrays["format"]

    @property
    def truths(self) -> np.ndarray:
        """What each predicate is at the traced input."""
        return self._predicates.arrays["truth"]

    @property
    def cell_count(self) -> int:
        """How many cells there are."""
        return self._cells.used

    @property
    def predicate_count(self) -> int:
        """How many predicates there are."""
        return self._predicates.used

    def _append(self, values: Any, format: str, *, active: Any = False, moving: Any = False) -> np.ndarray:
        values = np.asarray(values, float)
        where = self._cells.append(values.size)
        arrays = self._cells.arrays
        arrays["value"][where], arrays["format"][where] = values.ravel(), FORMAT_CODES[format]
        arrays["active"][where], arrays["moving"][where] = active, moving
        return np.arange(where.start, where.stop, dtype=np.int64).reshape(values.shape)

    def _append_predicates(self, truths: np.ndarray) -> np.ndarray:
        where = self._predicates.append(truths.size)
        self.truths[where] = truths.ravel()
        return np.arange(where.start, where.stop, dtype=np.int64).reshape(truths.shape)

    # Inputs and constants

    def input(self, values: Any, format: str) -> Cells:
        """Cells for one array of inputs, in the order in which gradients will be given."""
        numbers = self._append(values, format, active=True, moving=True)
        self.inputs.append(Input(int(numbers.flat[0]) if numbers.size else self.cell_count, numbers.shape, format))
        return Cells(numbers, format, self)

    def constant(self, values: Any, format: str | None = None) -> Cells:
        """Exact constants, as the framework holds them: round them to its format first."""
        values = np.asarray(values, float)
        format = format or self.default_format
        if values.size <= FEW:
            numbers = np.array([self._shared_constant(v) for v in values.flat], np.int64).reshape(values.shape)
        elif (values == values.flat[0]).all() and not np.diff(np.signbit(values).ravel()).any():
            numbers = np.full(values.shape, self._shared_constant(values.flat[0]), np.int64)
        else:
            numbers = self._new_constant(values)
        return Cells(numbers, format, self)

    def _shared_constant(self, value: float) -> int:
        key = float(value).hex()
        if key not in self._shared:
            self._shared[key] = int(self._new_constant(np.array(value)))
        return self._shared[key]

    def _new_constant(self, values: np.ndarray) -> np.ndarray:
        # A constant is exact in whatever format it is used, so that of its cell does not matter.
        numbers = self._append(values, "float64")
        self._cells.arrays["constant"][numbers] = True
        self.constants.append((int(numbers.flat[0]), values.ravel().copy()))
        return numbers

    def is_constant(self, x: Any) -> bool:
        """Whether no entry depends on the inputs or on any instruction."""
        return not isinstance(x, Cells) or bool(self._cells.arrays["constant"][x.numbers].all())

    def lift(self, x: Any, format: str | None = None) -> Cells:
        """Anything as cells: predicates as 1 and 0, numbers as constants."""
        if isinstance(x, Cells):
            return x
        if isinstance(x, Predicates):
            return self.choose(x, self.constant(1.0, format), self.constant(0.0, format))
        return self.constant(x, format)

    def poison(self, shape: Sequence[int], format: str, operation: str, reason: str, cure: str = "") -> Cells:
        """Cells for an output of an operation that has no rule. They hold NaN, and `Untraceable` is raised with this
        reason when a result that is asked for, or a decision, depends on them; otherwise they do no harm."""
        numbers = self._append(np.full(tuple(shape), math.nan), format, active=True, moving=True)
        self._cells.arrays["poisoned"][numbers] = True
        if numbers.size:
            cells = slice(int(numbers.flat[0]), int(numbers.flat[0]) + numbers.size)
            self.poisons.append((cells, Untraceable(operation, reason, self.where, cure)))
        return Cells(numbers, format, self)

    def poisoned(self, x: Cells) -> np.ndarray:
        """Which of these cells depend on a poisoned one."""
        return self._cells.arrays["poisoned"][x.numbers]

    def refuse_poisoned(self, x: Cells) -> None:
        """Raise `Untraceable` if some entry depends on a poisoned cell."""
        if self.poisons and self._cells.arrays["poisoned"][x.numbers].any():
            raise self.poisons[0][1]

    # Instructions whose results are cells

    def _emit(
        self, kind: str, name: str, arguments: list[np.ndarray], values: Any, format: str, extra: Any = None
    ) -> Cells:
        arrays = self._cells.arrays
        active = kind != "step" and any(arrays["active"][a].any() for a in arguments)
        moving = any(arrays["moving"][a].any() for a in arguments)
        numbers = self._append(values, format, active=active, moving=moving)
        if self.poisons:
            self._spread_poison(kind, arguments, numbers)
        self._write(kind, name, arguments, numbers, format, extra)
        return Cells(numbers, format, self)

    def _spread_poison(self, kind: str, arguments: list[np.ndarray], numbers: np.ndarray) -> None:
        poisoned = self._cells.arrays["poisoned"]
        flags = [poisoned[a] for a in arguments]
        if kind in ("map", "step", "choose", "cast", "graft"):
            poisoned[numbers] = np.logical_or.reduce(flags)
        elif kind in ("sum", "extremum"):
            poisoned[numbers] = flags[0].any(axis=-1)
        else:
            poisoned[numbers] = any(f.any() for f in flags)

    def _write(
        self, kind: str, name: str, arguments: list[np.ndarray], numbers: np.ndarray, format: str, extra: Any = None
    ) -> None:
        output = int(numbers.flat[0]) if numbers.size else 0
        spans = [span_of(a) for a in arguments]
        self.instructions.append(
            Instruction(kind, name, spans, output, numbers.shape, format, extra, self.source, self.where)
        )

    def _format_of(self, arguments: Sequence[Any], format: str | None) -> str:
        return format or next((x.format for x in arguments if isinstance(x, Cells)), self.default_format)

    def _broadcast(self, arguments: Sequence[Any], format: str) -> list[np.ndarray]:
        return np.broadcast_arrays(*(self.lift(x, format).numbers for x in arguments))

    def map(self, name: str, *arguments: Any, format: str | None = None) -> Cells:
        """An elementwise function of `MAPS` or `STEPS`, correct to the error that the machine model grants `name`."""
        if name in STEPS:
            return self.step(name, *arguments, format=format)
        format = self._format_of(arguments, format)
        numbers = self._broadcast(arguments, format)
        with np.errstate(all="ignore"):
            values = MAPS[name](*(self.values[n] for n in numbers))
        return self._emit("map", name, numbers, values, format)

    elementwise = map

    def step(self, name: str, x: Any, format: str | None = None) -> Cells:
        """One of `STEPS` of every entry. Its derivative is 0; where it jumps, the input is at a kink."""
        format = self._format_of([x], format)
        numbers = self.lift(x, format).numbers
        return self._emit("step", name, [numbers], STEPS[name](self.values[numbers]), format)

    def ipow(self, x: Any, exponent: int, format: str | None = None) -> Cells:
        """x to an integer power, which needs no logarithm. The instruction is a map with the exponent as its extra."""
        format = self._format_of([x], format)
        numbers = self.lift(x, format).numbers
        with np.errstate(all="ignore"):
            values = self.values[numbers] ** float(exponent)
        return self._emit("map", "ipow", [numbers], values, format, int(exponent))

    def pow(self, x: Any, y: Any, format: str | None = None) -> Cells:
        """x to the power y: a root or an integer power where y is one constant of that kind."""
        exponent = self._one_constant(y) if isinstance(x, Cells) and np.ndim(_plain(y)) <= x.ndim else None
        if exponent == 0.5:
            return self.map("sqrt", x, format=format)
        if exponent is not None and exponent.is_integer() and abs(exponent) < LARGEST_POWER:
            shape = np.broadcast_shapes(x.shape, np.shape(_plain(y)))
            return self.ipow(self.broadcast_to(x, shape), int(exponent), format)
        return self.map("pow", x, y, format=format)

    def _one_constant(self, y: Any) -> float | None:
        if not self.is_constant(y) or isinstance(y, Predicates):
            return None
        entries = np.asarray(y.value if isinstance(y, Cells) else y, float)
        same = entries.size and bool((entries == entries.flat[0]).all())
        return float(entries.flat[0]) if same else None

    def cast(self, x: Cells, format: str) -> Cells:
        """The same numbers rounded to another format. Where that holds all of this one, nothing is recorded."""
        wider = PRECISIONS[format] >= PRECISIONS[x.format] and EXPONENT_BITS[format] >= EXPONENT_BITS[x.format]
        if wider or self.is_constant(x):
            return Cells(x.numbers, format, self)
        return self._emit("cast", format, [x.numbers], x.value, format)

    def freeze(self, x: Any) -> Any:
        """The same values without a derivative: stop_gradient, detach. When a proof moves the inputs, they stay."""
        if not isinstance(x, Cells) or not x.active.any():
            return x
        numbers = self._append(x.value, x.format, moving=True)
        if self.poisons:
            self._spread_poison("cast", [x.numbers], numbers)
        self._write("freeze", "", [x.numbers], numbers, x.format)
        return x.like(numbers)

    def graft(self, x: Cells, y: Cells) -> Cells:
        """The value of x with the derivative of y: an in-place write that automatic differentiation does not see."""
        return self._emit("graft", "", [x.numbers, np.broadcast_to(y.numbers, x.shape)], x.value, x.format)

    def mirror(self, x: Cells, sign: float = 1.0, whole: bool = False) -> Cells:
        """The symmetric matrices of which x, (…, n, n), gives the lower triangle; with the sign -1 what is above the
        diagonal is its negative. The instruction's arguments are for each entry the cell that is read, its own and the
        one across, for there are frameworks that hold its derivative to be another than that of what is read; it is
        named "whole" if that of all entries as they stand is among them."""
        own = x.numbers
        across = np.swapaxes(own, -1, -2)
        lower = np.tri(own.shape[-1], dtype=bool)
        read = np.where(lower, own, across)
        if sign > 0 and np.array_equal(read, own):
            return x
        values = self.values[read] * np.where(lower, 1.0, sign)
        return self._emit("mirror", "whole" if whole else "", [read, own, across], values, x.format, sign)

    def choose(self, condition: Any, x: Any, y: Any, format: str | None = None) -> Cells:
        """x where the condition holds, else y. The instruction's extra is the span of the predicates."""
        format = self._format_of([x, y], format)
        a, b = self.lift(x, format).numbers, self.lift(y, format).numbers
        if not isinstance(condition, Predicates):
            return Cells(np.where(np.asarray(condition, bool), a, b), format, self)
        p, a, b = np.broadcast_arrays(condition.numbers, a, b)
        values = np.where(self.truths[p], self.values[a], self.values[b])
        return self._emit("choose", "", [a, b], values, format, span_of(np.ascontiguousarray(p).reshape(p.shape)))

    def sum(self, x: Any, axis: Any = None, keepdims: bool = False, format: str | None = None, **_: Any) -> Cells:
        """A sum in any order. The instruction adds up each row of an (m, n) argument."""
        x = self.lift(x, format)
        rows, kept = _rows(x.numbers, axis, keepdims)
        if rows.shape[1] == 1:
            return x.like(rows[:, 0].reshape(kept))
        if rows.shape[1] == 0:
            return self.constant(np.zeros(kept), format or x.format)
        with np.errstate(all="ignore"):
            values = self.values[rows].sum(axis=1)
        total = self._emit("sum", "", [rows], values, format or x.format)
        return total.like(total.numbers.reshape(kept))

    def mean(self, x: Any, axis: Any = None, keepdims: bool = False, format: str | None = None) -> Cells:
        """The sum divided by the count."""
        x = self.lift(x, format)
        total = self.sum(x, axis, keepdims, format)
        count = x.size // max(total.size, 1)
        return total if count == 1 else total / float(count)

    def prod(self, x: Any, axis: Any = None, keepdims: bool = False, **_: Any) -> Cells:
        """A product of entries, one after the other."""
        x = self.lift(x)
        rows, kept = _rows(x.numbers, axis, keepdims)
        if not rows.shape[1]:
            return self.constant(np.ones(kept), x.format)
        product = x.like(rows[:, 0])
        for column in rows.T[1:]:
            product = product * x.like(column)
        return product.like(product.numbers.reshape(kept))

    def cumsum(self, x: Cells, axis: int = 0) -> Cells:
        """The running sum. The instruction runs along each row of an (m, n) argument."""
        moved = np.moveaxis(x.numbers, axis, -1)
        rows = moved.reshape(-1, moved.shape[-1])
        with np.errstate(all="ignore"):
            values = np.cumsum(self.values[rows], axis=-1)
        total = self._emit("cumsum", "", [rows], values, x.format)
        return x.like(np.moveaxis(total.numbers.reshape(moved.shape), -1, axis))

    def cumulate(self, combine: Callable[[Cells, Cells], Cells], x: Cells, axis: int = 0) -> Cells:
        """A running combination of any other kind, one step after the other."""
        moved = np.moveaxis(x.numbers, axis, 0)
        results = [x.like(row) for row in moved[:1]]
        for row in moved[1:]:
            results.append(combine(results[-1], x.like(row)))
        if not results:
            return x
        return x.like(np.moveaxis(np.stack([r.numbers for r in results]), 0, axis))

    def matmul(self, x: Any, y: Any, format: str | None = None) -> Cells:
        """(…, m, k) @ (…, k, n), stacks broadcast and vectors as in NumPy. The instruction has stacks of one axis."""
        format = self._format_of([x, y], format)
        x, y = self.lift(x, format), self.lift(y, format)
        a = x.numbers[None, :] if x.ndim == 1 else x.numbers
        b = y.numbers[:, None] if y.ndim == 1 else y.numbers
        product = self._stacked_product(a, b, format)
        product = product[..., 0, :] if x.ndim == 1 else product
        return product[..., 0] if y.ndim == 1 else product

    def _stacked_product(self, a: np.ndarray, b: np.ndarray, format: str) -> Cells:
        stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        (m, k), n = a.shape[-2:], b.shape[-1]
        if k == 0:
            return self.constant(np.zeros((*stack, m, n)), format)
        if b.ndim == 2 and a.ndim > 2:
            a, b = a.reshape(1, -1, k), b[None]  # one product instead of a stack of them
        else:
            a = np.broadcast_to(a, (*stack, m, k)).reshape(math.prod(stack), m, k)
            b = np.broadcast_to(b, (*stack, k, n)).reshape(math.prod(stack), k, n)
        with np.errstate(all="ignore"):
            values = np.matmul(self.values[a], self.values[b])
        product = self._emit("matmul", "", [a, b], values, format)
        return product.like(product.numbers.reshape(*stack, m, n))

    def extremum(self, kind: str, x: Any, axis: Any = None, keepdims: bool = False) -> Cells:
        """The "max" or "min" of entries. The instruction takes one from each row of an (m, n) argument."""
        x = self.lift(x)
        rows, kept = _rows(x.numbers, axis, keepdims)
        if rows.shape[1] == 1:
            return x.like(rows[:, 0].reshape(kept))
        values = (np.max if kind == "max" else np.min)(self.values[rows], axis=1)
        best = self._emit("extremum", kind, [rows], values, x.format)
        return best.like(best.numbers.reshape(kept))

    def call(
        self,
        name: str,
        function: Callable[[Any, Any], tuple],
        x: Cells,
        values: Sequence[np.ndarray],
        format: str | None = None,
        turning: Callable[[list[np.ndarray], list[np.ndarray]], np.ndarray] | None = None,
    ) -> list[Cells]:
        """An operation that is not taken apart. `function(on, balls)` computes it from an array like x in the ball
        arithmetic `on`, and gives a tuple of arrays; `values` are those at the traced input, which say the shapes.
        `turning(parts, adjoints)` says how a result would change with what no input decides, as the phases of complex
        eigenvectors: a result for which that is not zero is no function of the inputs."""
        values = [np.asarray(v, float) for v in values]
        flat = np.concatenate([v.ravel() for v in values])
        shapes = [v.shape for v in values]
        results = self._emit("call", name, [x.numbers], flat, format or x.format, (function, shapes, turning))
        ends = np.cumsum([math.prod(shape) for shape in shapes])
        parts = np.split(results.numbers, ends[:-1])
        return [results.like(part.reshape(shape)) for part, shape in zip(parts, shapes, strict=True)]

    def fourier(self, re: Cells, im: Cells, sign: int) -> tuple[Cells, Cells]:
        """The parts of yₖ = Σⱼ zⱼ e^(sign 2πi jk/n) along the last axis, z = re + i im, with the rounding of a fast
        transform. The instruction has two (m, n) arguments and a (2, m, n) result."""
        n = re.shape[-1]
        parts = [np.ascontiguousarray(part.numbers).reshape(-1, n) for part in (re, im)]
        z = self.values[parts[0]] + 1j * self.values[parts[1]]
        y = np.fft.ifft(z) * n if sign > 0 else np.fft.fft(z)
        results = self._emit("fourier", "", parts, np.stack([y.real, y.imag]), re.format, sign)
        return tuple(results.like(part.reshape(re.shape)) for part in results.numbers)

    # Instructions whose results are predicates

    def compare(self, relation: str, x: Any, y: Any) -> "Predicates | np.ndarray":
        """A relation of `RELATIONS`. Between what does not depend on the input, a plain array of booleans."""
        format = self._format_of([x, y], None)
        a, b = self._broadcast([x, y], format)
        truths = RELATIONS[relation](self.values[a], self.values[b])
        if not (self.moving[a].any() or self.moving[b].any()):
            return np.asarray(truths)
        for numbers in (a, b):
            self.refuse_poisoned(Cells(numbers, format, self))
        results = self._append_predicates(np.asarray(truths))
        self._write("compare", relation, [a, b], results, format)
        return Predicates(results, self)

    def logic(self, connective: str, *predicates: Any) -> "Predicates | np.ndarray":
        """A connective of `CONNECTIVES`; of plain booleans a plain array."""
        if not any(isinstance(p, Predicates) for p in predicates):
            return CONNECTIVES[connective](*(np.asarray(p, bool) for p in predicates))
        numbers = np.broadcast_arrays(*(self.lift_predicates(p).numbers for p in predicates))
        truths = CONNECTIVES[connective](*(self.truths[n] for n in numbers))
        results = self._append_predicates(np.asarray(truths))
        self._write("logic", connective, numbers, results, "")
        return Predicates(results, self)

    def lift_predicates(self, p: Any) -> Predicates:
        """Anything boolean as predicates."""
        if isinstance(p, Predicates):
            return p
        truths = np.asarray(p, bool)
        numbers = self._append_predicates(truths)
        self._write("truth", "", [], numbers, "", truths.copy())
        return Predicates(numbers, self)

    def any(self, p: Any, axis: Any = None, keepdims: bool = False) -> "Predicates | np.ndarray":
        """Whether any of the predicates along the axes holds."""
        return self._reduced("or", np.any, p, axis, keepdims)

    def all(self, p: Any, axis: Any = None, keepdims: bool = False) -> "Predicates | np.ndarray":
        """Whether all of the predicates along the axes hold."""
        return self._reduced("and", np.all, p, axis, keepdims)

    def _reduced(
        self, connective: str, plain: Callable, p: Any, axis: Any, keepdims: bool
    ) -> "Predicates | np.ndarray":
        if not isinstance(p, Predicates):
            return plain(p, axis=axis, keepdims=keepdims)
        rows, kept = _rows(p.numbers, axis, keepdims)
        if not rows.shape[1]:
            return plain(p.value, axis=axis, keepdims=keepdims)
        result = p.like(rows[:, 0])
        for column in rows.T[1:]:
            result = self.logic(connective, result, p.like(column))
        return result.like(result.numbers.reshape(kept))

    def ask(self, question: str, x: Cells) -> np.ndarray:
        """A question of `QUESTIONS`, answered once and for all at the traced input."""
        return np.asarray(QUESTIONS[question](x.value))

    # Instructions without a result: what the trace holds fixed, to be certain of when it is evaluated

    def settle(self, p: Any) -> np.ndarray:
        """The values of predicates, used from here on as if they could not be otherwise (a branch, a mask)."""
        if not isinstance(p, Predicates):
            return np.asarray(p, bool)
        self._look("settle", "", p.numbers, "")
        return np.asarray(p.value)

    def settle_step(self, x: Cells, name: str = "trunc") -> np.ndarray:
        """The values of a step, used from here on as integers."""
        self.refuse_poisoned(x)
        if self.moving[x.numbers].any():
            for step, numbers, format in self._steps_behind(x) or [(name, x.numbers, x.format)]:
                self._look("settle_step", step, numbers, format)
        return STEPS[name](x.value)

    def _steps_behind(self, x: Cells) -> list[tuple[str, np.ndarray, str]]:
        """The steps that these cells are made of, with their arguments, by what is exact for integers of this size: it
        is they that must be certain, for such a sum has no rounding. Nothing where the cells are anything else."""
        if x.active.any() or not (np.abs(x.value) < 2.0 ** PRECISIONS[x.format]).all():
            return []
        asked = np.zeros(self.cell_count, bool)
        asked[x.numbers] = True
        steps = []
        for instruction in reversed(self.instructions):
            results = slice(instruction.output, instruction.output + instruction.size)
            if instruction.kind in NO_CELLS or not asked[results].any():
                continue
            wanted = asked[results].reshape(instruction.shape).copy()
            asked[results] = False
            arguments = [numbers_of(span)[wanted] for span in instruction.arguments]
            if instruction.kind == "step":
                steps.append((instruction.name, arguments[0], instruction.format))
                continue
            if instruction.name not in WHOLE:
                return []
            for numbers in arguments:
                asked[numbers] = True
        left = np.flatnonzero(asked)
        whole = (self.values[left] == np.floor(self.values[left])).all() and not self.moving[left].any()
        return steps if whole else []

    def settle_extremum(self, kind: str, x: Cells, axis: int | None = None) -> np.ndarray:
        """The index of the "max" or "min" along an axis, used from here on as an integer. The first of equals."""
        self.refuse_poisoned(x)
        line = x.numbers.reshape(-1) if axis is None else np.moveaxis(x.numbers, axis, -1)
        if line.shape[-1] > 1 and self.moving[line].any():
            self._look("settle_extremum", kind, line.reshape(-1, line.shape[-1]), x.format)
        return (np.argmax if kind == "max" else np.argmin)(self.values[line], axis=-1)

    def order(self, rows: np.ndarray, format: str) -> None:
        """The cells of each row of this (m, n) index array are used in ascending order, which must be certain. Of a
        descending order give the reversed rows."""
        self.refuse_poisoned(Cells(rows, format, self))
        if rows.shape[-1] > 1 and self.moving[rows].any():
            self._look("order", "", rows, format)

    def argsort(self, x: Cells, axis: int = -1, descending: bool = False) -> np.ndarray:
        """The stable order of the entries along an axis, which is then held fixed."""
        values = x.value
        permutation = np.argsort(-values if descending else values, axis=axis, kind="stable")
        line = np.moveaxis(np.take_along_axis(x.numbers, permutation, axis), axis, -1)
        rows = line.reshape(-1, line.shape[-1])
        self.order(rows[:, ::-1] if descending else rows, x.format)
        return permutation

    def _look(self, kind: str, name: str, numbers: np.ndarray, format: str) -> None:
        self.instructions.append(
            Instruction(kind, name, [span_of(numbers)], 0, (), format, None, self.source, self.where)
        )

    # What is written in terms of the above

    def abs(self, x: Any) -> Cells:
        """|x|"""
        return self.choose(self.compare("gt", x, 0.0), x, -x)

    def sign(self, x: Cells) -> Cells:
        """-1, 0 or 1"""
        one, zero, minus = (self.constant(v, x.format) for v in (1.0, 0.0, -1.0))
        return self.choose(self.compare("gt", x, 0.0), one, self.choose(self.compare("lt", x, 0.0), minus, zero))

    def maximum(self, x: Any, y: Any) -> Cells:
        """The larger of two entries."""
        return self.choose(self.compare("gt", x, y), x, y)

    def minimum(self, x: Any, y: Any) -> Cells:
        """The smaller of two entries."""
        return self.choose(self.compare("gt", x, y), y, x)

    def stack(self, arrays: Sequence[Any], axis: int = 0) -> Cells:
        """Arrays joined along a new axis."""
        return self._joined(np.stack, arrays, axis)

    def concat(self, arrays: Sequence[Any], axis: int = 0) -> Cells:
        """Arrays joined along an axis that they have."""
        return self._joined(np.concatenate, arrays, axis)

    def _joined(self, join: Callable, arrays: Sequence[Any], axis: int) -> Cells:
        format = self._format_of(arrays, None)
        return Cells(join([self.lift(a, format).numbers for a in arrays], axis=axis), format, self)

    def broadcast_to(self, x: Cells, shape: Sequence[int]) -> Cells:
        """The entries repeated to a shape."""
        return x.like(np.broadcast_to(x.numbers, tuple(shape)))

    def reshape(self, x: Cells, shape: Sequence[int]) -> Cells:
        """The entries in another shape."""
        return x.like(np.reshape(x.numbers, shape))


def _plain(y: Any) -> Any:
    return y.numbers if isinstance(y, Cells | Predicates) else y


def _rows(numbers: np.ndarray, axis: Any, keepdims: bool) -> tuple[np.ndarray, tuple[int, ...]]:
    """An index array as a matrix whose rows run along the axes to be reduced, and the shape of what is left."""
    axes = range(numbers.ndim) if axis is None else axis if isinstance(axis, tuple | list) else (axis,)
    reduced = [a % numbers.ndim for a in axes]
    kept = [a for a in range(numbers.ndim) if a not in reduced]
    count = math.prod(numbers.shape[a] for a in reduced)
    rows = np.transpose(numbers, kept + reduced).reshape(math.prod(numbers.shape[a] for a in kept), count)
    if keepdims:
        return rows, tuple(1 if a in reduced else n for a, n in enumerate(numbers.shape))
    return rows, tuple(numbers.shape[a] for a in kept)
