"""Ball arithmetic as an array namespace: NumPy object arrays of Arb numbers, each a midpoint with a rigorous radius.

The same body runs in three ways. With no machine model every operation is exact to the working precision: the truth.
With a model, each operation also multiplies its result by the ball 1 ± δ of the machine model: the final radius bounds
what rounding in that format can do at this very input. And on Taylor series (`taylor.py`) it gives derivatives that
need no hand-derived gradient. Comparisons of overlapping balls are undecidable; they are recorded, because there the
input is at a kink or within rounding of one."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cmp_to_key, partial
from operator import attrgetter
from typing import Any

import numpy as np
from flint import arb

from gradproof.oracles import (
    ball_fourier,
    ball_linalg,
    ball_special,
    ball_spectral,
    ball_steps,
    complex_ball_linalg,
    complex_balls,
)
from gradproof.oracles.ball_arrays import Balls, Decision, decided, objects
from gradproof.oracles.ball_special import SEVERAL, SPECIAL
from gradproof.oracles.machine_model import ABSOLUTE, MachineModel
from gradproof.registry import Namespace

Scalar = Callable[..., arb]

LINALG = ball_linalg.OPERATIONS | ball_spectral.OPERATIONS


def _vectorized(function: Callable, arguments: int = 1) -> np.ufunc:
    return np.frompyfunc(function, arguments, 1)


ELEMENTARY: dict[str, Scalar] = {
    "acos": arb.acos,
    "acosh": arb.acosh,
    "asin": arb.asin,
    "asinh": arb.asinh,
    "atan": arb.atan,
    "atanh": arb.atanh,
    "cos": arb.cos,
    "cosh": arb.cosh,
    "exp": arb.exp,
    "expm1": arb.expm1,
    "log": arb.log,
    "log10": lambda x: x.log() / arb(10).log(),
    "log1p": arb.log1p,
    "log2": lambda x: x.log() / arb(2).log(),
    "sin": arb.sin,
    "sinh": arb.sinh,
    "sqrt": lambda x: x if x.is_zero() else x.sqrt(),
    "tan": arb.tan,
    "tanh": arb.tanh,
}


SCALARS = ELEMENTARY | SPECIAL | SEVERAL


class BallArithmetic:
    """One evaluation in balls: the operations of `xp`, and what was noticed on the way.

    `model` is None for the truth. After an evaluation `at_kink` says that there may be no derivative here: some
    comparison met a tie or an overlap, or some root a zero. `undecided` says that it met an overlap that is no exact
    tie, `overflowed` that some result lies outside the model's format, and `disordered` that something was sorted whose
    order rounding can change."""

    def __init__(self, model: MachineModel | None = None) -> None:
        self.model = model
        self.at_kink = self.undecided = self.overflowed = self.disordered = False

    def namespace(self) -> Namespace:
        """The `xp` that runs a body in this evaluation."""
        groups = {group: _OfOne(operations, self) for group, operations in _NAMESPACE.items()}
        return Namespace("ball arithmetic", groups["main"], groups)

    def scalar(self, name: str) -> Scalar:
        """The elementary or special function of one number, or of one of each argument."""
        return SCALARS[name]

    def elementwise(self, name: str, *arguments: Any) -> Balls:
        """An elementary or special function of every entry."""
        lifted = [self._lift(argument) for argument in arguments]
        if name == "sqrt":
            self._note_zeros(lifted[0])
        function = _vectorized(self.scalar(name), len(lifted))
        # What Arb does in doubles on its way sets flags of the processor, which NumPy takes for those of its own loop.
        with np.errstate(all="ignore"):
            values = function(*(argument.entries for argument in lifted))
        return self._rounded(values, name)

    def center(self, entries: np.ndarray) -> np.ndarray:
        """The numbers that comparisons and range checks look at."""
        return entries

    # Making arrays

    def inputs(self, values: np.ndarray) -> Balls:
        """The exact input. Where the model flushes subnormals, a subnormal input may be taken for zero."""
        entries = objects(_vectorized(lambda v: arb(float(v)))(values))
        if self.model is not None and self.model.flushes:
            entries = self._with_underflow(entries)
        return Balls(entries, self)

    def asarray(self, values: Any, dtype: Any = None, **_: Any) -> Any:
        if isinstance(values, Balls | Decision):
            return values
        array = np.asarray(values)
        if array.dtype.kind in "iub" and dtype is None:
            return array
        if array.dtype.kind == "c":
            return complex_balls.lifted(self, array)
        return Balls(self._constants(array), self)

    def zeros(self, shape: Any, **_: Any) -> Balls:
        return self.full(shape, 0.0)

    def ones(self, shape: Any, **_: Any) -> Balls:
        return self.full(shape, 1.0)

    def full(self, shape: Any, value: float, **_: Any) -> Balls:
        return Balls(self._constants(np.full(shape, float(value))), self)

    def zeros_like(self, x: Balls, **_: Any) -> Balls:
        return self.full(x.shape, 0.0)

    def ones_like(self, x: Balls, **_: Any) -> Balls:
        return self.full(x.shape, 1.0)

    def full_like(self, x: Balls, value: float, **_: Any) -> Balls:
        return self.full(x.shape, value)

    def eye(self, rows: int, columns: int | None = None, *, k: int = 0, **_: Any) -> Balls:
        return Balls(self._constants(np.eye(rows, columns, k)), self)

    def arange(self, *bounds: Any, dtype: Any = None, **_: Any) -> Any:
        return self.asarray(np.arange(*bounds), dtype)

    def linspace(self, start: float, stop: float, num: int, *, endpoint: bool = True, **_: Any) -> Balls:
        return Balls(self._constants(np.linspace(start, stop, num, endpoint=endpoint)), self)

    def astype(self, x: Any, dtype: Any, **_: Any) -> Balls:
        if isinstance(x, Decision):
            return self.where(x, 1.0, 0.0)
        return self._lift(x)

    def _constants(self, values: np.ndarray) -> np.ndarray:
        return objects(_vectorized(self._constant)(np.asarray(values, dtype=object)))

    def _constant(self, value: Any) -> arb:
        number = arb(value) if isinstance(value, int) else arb(float(value))
        if self.model is None or not math.isfinite(value):
            return number
        if abs(value) > self.model.format.largest:
            self.overflowed = True
        return number if self.model.exact(value) else number * self.model.factor("add")

    def _constant_ball(self, number: arb) -> Balls:
        return Balls(number if self.model is None else number * self.model.factor("add"), self)

    def _lift(self, x: Any) -> Balls:
        if isinstance(x, Balls):
            return x
        if isinstance(x, Decision):
            return self.where(x, 1.0, 0.0)
        return Balls(self._constants(np.asarray(x)), self)

    # Rounding

    def _rounded(self, entries: Any, operation: str, count: int = 1) -> Balls:
        entries = objects(entries)
        if self.model is None or count == 0:
            return Balls(entries, self)
        factor = self.model.factor(operation, count)
        widened = entries * factor + (factor - 1) if operation in ABSOLUTE else entries * factor
        return Balls(self._in_range(objects(widened), operation), self)

    def _in_range(self, entries: np.ndarray, operation: str = "add") -> np.ndarray:
        sizes = np.abs(self.center(entries).astype(float))
        if (sizes > self.model.format.largest).any():
            self.overflowed = True
        return self._with_underflow(entries, operation) if (sizes < self._faint).any() else entries

    def _with_underflow(self, entries: np.ndarray, operation: str = "add") -> np.ndarray:
        error = arb(0, self.model.underflow(operation))

        def widen(center: arb, entry: Any) -> Any:
            return entry + error if abs(center) < self._faint and not center.is_zero() else entry

        return objects(_vectorized(widen, 2)(self.center(entries), entries))

    @property
    def _faint(self) -> float:
        # From here up, what underflow adds is less than the rounding error that stands there anyway.
        return self.model.format.tiny / self.model.format.unit_roundoff

    # Arithmetic

    def add(self, x: Any, y: Any) -> Balls:
        x, y = self._lift(x).entries, self._lift(y).entries
        if self.model is None:
            return Balls(x + y, self)
        # u (|x| + |y|), not u |x + y|: a backend may add these and other terms in an order of its own.
        factor = self.model.factor("add")
        # A product of a 0-d array is its element; NumPy would take a bare series for a sequence of numbers.
        return Balls(self._in_range(objects(objects(x * factor) + objects(y * factor))), self)

    def subtract(self, x: Any, y: Any) -> Balls:
        return self.add(x, -self._lift(y))

    def multiply(self, x: Any, y: Any) -> Balls:
        return self._rounded(self._lift(x).entries * self._lift(y).entries, "multiply")

    def divide(self, x: Any, y: Any) -> Balls:
        return self._rounded(self._lift(x).entries / self._lift(y).entries, "divide")

    def negative(self, x: Any) -> Balls:
        return -self._lift(x)

    def positive(self, x: Any) -> Balls:
        return self._lift(x)

    def real(self, x: Any) -> Balls:
        return self._lift(x)

    def conj(self, x: Any) -> Balls:
        return self._lift(x)

    def imag(self, x: Any) -> Balls:
        return self.zeros_like(x)

    def pow(self, x: Any, y: Any) -> Balls:
        x = self._lift(x)
        if isinstance(y, int | float):
            if y == 2:
                return self.multiply(x, x)
            if y == 0.5:
                return self.elementwise("sqrt", x)
            if float(y).is_integer():
                return self._rounded(_vectorized(lambda base: base ** int(y))(x.entries), "pow")
        self._note_zeros(x)
        return self._rounded(_vectorized(self.power, 2)(x.entries, self._lift(y).entries), "pow")

    def _note_zeros(self, x: Balls) -> None:
        # A root has no derivative at zero.
        self.at_kink |= any(entry.contains(0) for entry in self.center(x.entries).flat)

    def atan2(self, y: Any, x: Any) -> Balls:
        return self._rounded(_vectorized(self.angle, 2)(self._lift(y).entries, self._lift(x).entries), "atan2")

    def hypot(self, x: Any, y: Any) -> Balls:
        # As one operation, not through the formula, whose squares overflow where the length does not.
        x, y = np.broadcast_arrays(self._lift(x).entries, self._lift(y).entries)
        lengths = _vectorized(self.length, 2)(x, y)
        self._note_zeros(Balls(objects(lengths), self))
        return self._rounded(lengths, "hypot")

    def matmul(self, x: Any, y: Any) -> Balls:
        x, y = self._lift(x), self._lift(y)
        left = x.entries[None, :] if x.ndim == 1 else x.entries
        right = y.entries[:, None] if y.ndim == 1 else y.entries
        # Not np.matmul, which would take a Taylor series for a sequence of numbers.
        products = self.multiply(Balls(left[..., :, :, None], self), Balls(right[..., None, :, :], self))
        total = self.sum(products, axis=-2)
        total = total[..., 0, :] if x.ndim == 1 else total
        return total[..., 0] if y.ndim == 1 else total

    def tensordot(self, x: Any, y: Any, *, axes: Any = 2) -> Balls:
        x, y = self._lift(x), self._lift(y)
        if isinstance(axes, int):
            axes = (range(x.ndim - axes, x.ndim), range(axes))
        ours, theirs = [a % x.ndim for a in axes[0]], [a % y.ndim for a in axes[1]]
        kept, others = [a for a in range(x.ndim) if a not in ours], [a for a in range(y.ndim) if a not in theirs]
        terms = math.prod(x.shape[a] for a in ours)
        left = np.transpose(x.entries, kept + ours).reshape(-1, terms)
        right = np.transpose(y.entries, theirs + others).reshape(terms, -1)
        shape = [x.shape[a] for a in kept] + [y.shape[a] for a in others]
        return self.reshape(self.matmul(Balls(left, self), Balls(right, self)), shape)

    # Reductions

    def sum(self, x: Any, *, axis: Any = None, keepdims: bool = False, **_: Any) -> Balls:
        x = self._lift(x)
        entries = self._summands(x, axis)
        total = objects(np.sum(entries, axis=axis, keepdims=keepdims, initial=arb(0)))
        return Balls(total if self.model is None else self._in_range(total), self)

    def mean(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Balls:
        x = self._lift(x)
        total, terms = self.sum(x, axis=axis, keepdims=keepdims), self._terms(x, axis)
        return total if terms == 1 else total / terms  # a division by 1 rounds nothing

    def cumulative_sum(self, x: Any, *, axis: int | None = None, include_initial: bool = False, **_: Any) -> Balls:
        axis = 0 if axis is None else axis
        total = np.cumsum(self._summands(self._lift(x), axis), axis=axis)
        result = Balls(total if self.model is None else self._in_range(total), self)
        return self._behind(0.0, result, axis) if include_initial else result

    def _behind(self, start: float, x: Balls, axis: int) -> Balls:
        shape = [1 if a == axis % x.ndim else n for a, n in enumerate(x.shape)]
        return self.concat([self.full(shape, start), x], axis=axis)

    def _summands(self, x: Balls, axis: Any) -> np.ndarray:
        # Each of n terms is rounded up to n - 1 times on its way through the sum, in whatever order that is taken; and
        # in some order the terms of one sign come first.
        terms = self._terms(x, axis)
        if self.model is None or terms < 2:
            return x.entries
        with np.errstate(over="ignore"):
            sizes = np.sum(np.abs(self.center(x.entries).astype(float)), axis=axis)
        self.overflowed |= bool((sizes > self.model.format.largest).any())
        return x.entries * self.model.factor("add", terms - 1)

    def prod(self, x: Any, *, axis: Any = None, keepdims: bool = False, **_: Any) -> Balls:
        x = self._lift(x)
        product = objects(np.prod(x.entries, axis=axis, keepdims=keepdims, initial=arb(1)))
        if self.model is not None:
            product = self._in_any_order(product, x, partial(np.sum, axis=axis, keepdims=keepdims))
        return self._rounded(product, "multiply", max(self._terms(x, axis) - 1, 0))

    def _in_any_order(self, product: np.ndarray, x: Balls, total: Callable) -> np.ndarray:
        # In some order the factors above 1 come first, and may overflow; in another those below, and may give zero.
        sizes = np.abs(self.center(x.entries).astype(float))
        powers = np.log2(sizes, out=np.zeros_like(sizes), where=sizes > 0)
        self.overflowed |= bool((total(np.maximum(powers, 0)) > math.log2(self.model.format.largest)).any())
        lost = total(np.minimum(powers, 0)) < math.log2(self.model.format.tiny)
        either = _vectorized(lambda value, may_be_zero: self.hull(value, 0 * value) if may_be_zero else value, 2)
        return objects(either(product, lost))

    def cumulative_prod(self, x: Any, *, axis: int | None = None, include_initial: bool = False, **_: Any) -> Balls:
        x, axis = self._lift(x), 0 if axis is None else axis
        products = np.cumprod(x.entries, axis=axis)
        if self.model is not None:
            products = self._in_any_order(products, x, partial(np.cumsum, axis=axis))
        result = self._rounded(products, "multiply", self._terms(x, axis))
        return self._behind(1.0, result, axis) if include_initial else result

    @staticmethod
    def _terms(x: Balls, axis: Any) -> int:
        axes = range(x.ndim) if axis is None else (axis if isinstance(axis, tuple) else (axis,))
        return math.prod(x.shape[a] for a in axes)

    def softmax(self, x: Any, *, axis: int = -1) -> Balls:
        x = self._lift(x)
        exponentials = self.elementwise("exp", x - self._shift(x, axis))
        return exponentials / self.sum(exponentials, axis=axis, keepdims=True)

    def logsumexp(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Balls:
        x = self._lift(x)
        shift = self._shift(x, axis)
        total = self.sum(self.elementwise("exp", x - shift), axis=axis, keepdims=True)
        result = self.elementwise("log", total) + shift
        axes = tuple(range(x.ndim)) if axis is None else axis
        return result if keepdims else self.squeeze(result, axes)

    def _shift(self, x: Balls, axis: Any) -> Balls:
        # Any constant will do, mathematically: the largest midpoint, without a comparison that could be a kink.
        largest = np.max(self._midpoints(x), axis=axis, keepdims=True)
        return Balls(objects(_vectorized(lambda value: arb(float(value)))(largest)), self)

    # Comparisons, and what depends on them

    def greater(self, x: Any, y: Any) -> Decision:
        a, b = np.broadcast_arrays(self.center(self._lift(x).entries), self.center(self._lift(y).entries))
        above = np.asarray(a > b, bool)
        overlap = ~(above | np.asarray(a < b, bool))
        tie = overlap & np.asarray(a == b, bool)
        # A body may compare what is no kink, with a NaN for one: only balls that overlap are noted.
        self.at_kink |= bool(overlap.any())
        self.undecided |= bool((overlap & ~tie).any())
        by_midpoint = np.asarray(_vectorized(_midpoint_above, 2)(a, b), bool)
        return Decision(above | (overlap & ~tie & by_midpoint), overlap & ~tie, self)

    def greater_equal(self, x: Any, y: Any) -> Decision:
        return ~self.greater(y, x)

    def less(self, x: Any, y: Any) -> Decision:
        return self.greater(y, x)

    def less_equal(self, x: Any, y: Any) -> Decision:
        return ~self.greater(x, y)

    def equal(self, x: Any, y: Any) -> Decision:
        a, b = np.broadcast_arrays(self.center(self._lift(x).entries), self.center(self._lift(y).entries))
        same = np.asarray(_vectorized(lambda p, q: p is q or p == q, 2)(a, b), bool)
        apart = np.asarray(_vectorized(lambda p, q: p < q or p > q, 2)(a, b), bool)
        self.at_kink |= bool(same.any())
        self.undecided |= bool((~same & ~apart).any())
        return Decision(same, ~same & ~apart, self)

    def not_equal(self, x: Any, y: Any) -> Decision:
        return ~self.equal(x, y)

    def logical_and(self, x: Any, y: Any) -> Decision:
        return Decision(*decided(x), self) & y

    def logical_or(self, x: Any, y: Any) -> Decision:
        return Decision(*decided(x), self) | y

    def logical_not(self, x: Any) -> Decision:
        return ~Decision(*decided(x), self)

    def where(self, condition: Any, x: Any, y: Any) -> Balls:
        value, undecided = decided(condition)
        a, b = self._lift(x).entries, self._lift(y).entries
        chosen = objects(np.where(value, a, b))
        if self.model is not None and undecided.any():
            # Within rounding of the switch a backend may take either branch: both are allowed.
            both = objects(_vectorized(self.hull, 2)(a, b))
            chosen = objects(np.where(undecided, both, chosen))
        return Balls(chosen, self)

    def hull(self, a: Any, b: Any) -> Any:
        """One number that holds both."""
        return a.union(b)

    def angle(self, y: Any, x: Any) -> Any:
        """The angle of the point (x, y)."""
        return arb.atan2(y, x)

    def length(self, x: Any, y: Any) -> Any:
        """The length of the vector (x, y)."""
        squares = x * x + y * y
        return squares if squares.is_zero() else squares.sqrt()

    def power(self, base: Any, exponent: Any) -> Any:
        """One number to the power of another."""
        # 0**y = 0 for y > 0; through the logarithm Arb would give an undefined result there.
        return arb(0) if base.is_zero() and exponent > 0 else base**exponent

    def abs(self, x: Any) -> Balls:
        x = self._lift(x)
        return self.where(self.greater(x, 0), x, -x)

    def sign(self, x: Any) -> Balls:
        x = self._lift(x)
        return self.where(self.greater(x, 0), 1.0, self.where(self.greater(0, x), -1.0, 0.0))

    def maximum(self, x: Any, y: Any) -> Balls:
        x, y = self._lift(x), self._lift(y)
        return self.where(self.greater(x, y), x, y)

    def minimum(self, x: Any, y: Any) -> Balls:
        x, y = self._lift(x), self._lift(y)
        return self.where(self.greater(x, y), y, x)

    def max(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Balls:
        return self._select(self.maximum, x, axis, keepdims)

    def min(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Balls:
        return self._select(self.minimum, x, axis, keepdims)

    def _select(self, choose: Callable, x: Any, axis: Any, keepdims: bool) -> Balls:
        x = self._lift(x)
        axes = tuple(range(x.ndim)) if axis is None else (axis if isinstance(axis, tuple) else (axis,))
        axes = tuple(a % x.ndim for a in axes)
        front = np.moveaxis(x.entries, axes, range(len(axes)))
        rows = front.reshape((-1, *front.shape[len(axes) :]))
        best = Balls(rows[0], self)
        for row in rows[1:]:
            best = choose(best, Balls(row, self))
        shape = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
        return Balls(best.entries.reshape(shape), self) if keepdims else best

    # An index jumps where entries tie: ties and overlaps are noted, by `max`, `min` and along the sorted line.

    def argmax(self, x: Any, *, axis: int | None = None, keepdims: bool = False) -> np.ndarray:
        self.max(x, axis=axis)
        return np.argmax(self._ranks(x), axis=axis, keepdims=keepdims)

    def argmin(self, x: Any, *, axis: int | None = None, keepdims: bool = False) -> np.ndarray:
        self.min(x, axis=axis)
        return np.argmin(self._ranks(x), axis=axis, keepdims=keepdims)

    def argsort(self, x: Any, *, axis: int = -1, descending: bool = False, **_: Any) -> np.ndarray:
        x = self._lift(x)
        keys = self._ranks(x)
        order = np.argsort(-keys if descending else keys, axis=axis, kind="stable")
        line = Balls(np.moveaxis(np.take_along_axis(x.entries, order, axis), axis, 0), self)
        if len(line) > 1:
            self.disordered |= bool(self.greater(line[1:], line[:-1]).undecided.any()) and self.model is not None
        return order

    def sort(self, x: Any, *, axis: int = -1, descending: bool = False, **_: Any) -> Balls:
        x = self._lift(x)
        return Balls(np.take_along_axis(x.entries, self.argsort(x, axis=axis, descending=descending), axis), self)

    def _ranks(self, x: Any) -> np.ndarray:
        """Numbers in the order of the midpoints, equal for equal ones, however close the others are."""
        rounded = self._midpoints(x)
        if len(np.unique(rounded)) == rounded.size:
            return rounded
        middles = [entry.mid() for entry in self.center(self._lift(x).entries).flat]
        order = sorted(range(len(middles)), key=cmp_to_key(lambda i, j: _compared(middles[i], middles[j])))
        ranks = np.zeros(len(middles))
        for before, after in itertools.pairwise(order):
            ranks[after] = ranks[before] + (_compared(middles[before], middles[after]) != 0)
        return ranks.reshape(rounded.shape)

    def _midpoints(self, x: Any) -> np.ndarray:
        return self.center(self._lift(x).entries).astype(float)

    # Shapes

    def reshape(self, x: Any, shape: Any, **_: Any) -> Balls:
        return self._moved(np.reshape, x, shape)

    def permute_dims(self, x: Any, axes: Any) -> Balls:
        return self._moved(np.transpose, x, axes)

    def matrix_transpose(self, x: Any) -> Balls:
        return self._moved(np.swapaxes, x, -1, -2)

    def expand_dims(self, x: Any, *, axis: Any = 0) -> Balls:
        return self._moved(np.expand_dims, x, axis)

    def squeeze(self, x: Any, axis: Any) -> Balls:
        return self._moved(np.squeeze, x, axis)

    def flip(self, x: Any, *, axis: Any = None) -> Balls:
        return self._moved(np.flip, x, axis)

    def roll(self, x: Any, shift: Any, *, axis: Any = None) -> Balls:
        return self._moved(np.roll, x, shift, axis)

    def broadcast_to(self, x: Any, shape: Any) -> Balls:
        return self._moved(np.broadcast_to, x, shape)

    def moveaxis(self, x: Any, source: Any, destination: Any) -> Balls:
        return self._moved(np.moveaxis, x, source, destination)

    def tile(self, x: Any, repetitions: Any) -> Balls:
        return self._moved(np.tile, x, repetitions)

    def repeat(self, x: Any, repeats: Any, *, axis: int | None = None) -> Balls:
        return self._moved(np.repeat, x, repeats, axis)

    def take(self, x: Any, indices: Any, *, axis: int | None = None) -> Balls:
        return self._moved(np.take, x, np.asarray(indices), axis)

    def take_along_axis(self, x: Any, indices: Any, *, axis: int = -1) -> Balls:
        return self._moved(np.take_along_axis, x, np.asarray(indices), axis)

    def _moved(self, move: Callable, x: Any, *arguments: Any) -> Balls:
        return Balls(move(self._lift(x).entries, *arguments), self)

    def tril(self, x: Any, *, k: int = 0) -> Balls:
        return self.where(np.tri(*x.shape[-2:], k, dtype=bool), x, 0.0)

    def triu(self, x: Any, *, k: int = 0) -> Balls:
        return self.where(~np.tri(*x.shape[-2:], k - 1, dtype=bool), x, 0.0)

    def concat(self, arrays: Any, *, axis: int | None = 0) -> Balls:
        return Balls(np.concatenate([self._lift(a).entries for a in arrays], axis=axis), self)

    def stack(self, arrays: Any, *, axis: int = 0) -> Balls:
        return Balls(np.stack([self._lift(a).entries for a in arrays], axis=axis), self)


def _compared(a: arb, b: arb) -> int:
    return int(bool(a > b)) - int(bool(a < b))


def _midpoint_above(a: arb, b: arb) -> bool:
    return bool(a.mid() > b.mid())


_INTERNAL = (
    *("namespace", "scalar", "elementwise", "center", "inputs", "softmax", "logsumexp"),
    *("hull", "power", "angle", "length"),
)
_MAIN = [name for name in vars(BallArithmetic) if not name.startswith("_") and name not in _INTERNAL]


_Maker = Callable[[BallArithmetic], Any]
"""Makes an operation of `xp` for an evaluation."""


class _OfOne(Mapping):
    """The operations of one evaluation, each made when a body asks for it: a body asks for few of them, and there are
    thousands of evaluations."""

    def __init__(self, operations: Mapping[str, _Maker], on: BallArithmetic) -> None:
        self.operations, self.on = operations, on

    def __getitem__(self, name: str) -> Any:
        return self.operations[name](self.on)

    def __iter__(self) -> Iterator[str]:
        return iter(self.operations)

    def __len__(self) -> int:
        return len(self.operations)


def _first(operations: Mapping[str, Callable]) -> dict[str, _Maker]:
    """Operations that take the evaluation as their first argument."""
    return {name: lambda on, operation=operation: partial(operation, on) for name, operation in operations.items()}


def _elementwise(names: Iterable[str]) -> dict[str, _Maker]:
    return {name: lambda on, name=name: partial(on.elementwise, name) for name in names}


def _namespace() -> dict[str, dict[str, _Maker]]:
    main = {name: attrgetter(name) for name in _MAIN} | _elementwise(ELEMENTARY) | _first(ball_steps.OPERATIONS)
    main |= {"inf": lambda on: math.inf, "nan": lambda on: math.nan, "newaxis": lambda on: None}
    main |= {"pi": lambda on: on._constant_ball(arb.pi()), "e": lambda on: on._constant_ball(arb(1).exp())}
    for name in (*complex_balls.OPERATIONS, *complex_balls.PARTWISE):
        main[name] = lambda on, name=name, plain=main[name]: complex_balls.aware(on, name, plain(on))
    linalg = _first(LINALG) | {name: attrgetter(name) for name in ("matmul", "matrix_transpose", "tensordot")}
    linalg |= {name: main[name] for name in linalg if name in main}
    for name, of_complex in _first(complex_ball_linalg.OPERATIONS).items():
        linalg[name] = lambda on, plain=linalg[name], of_complex=of_complex: complex_balls.either(
            plain(on), of_complex(on)
        )
    special = _elementwise((*SPECIAL, *SEVERAL)) | _first(ball_special.OPERATIONS)
    special["logsumexp"] = attrgetter("logsumexp")
    neural = {"tanh": main["tanh"], "softmax": attrgetter("softmax")}
    return {"main": main, "linalg": linalg, "fft": _first(ball_fourier.OPERATIONS), "special": special, "nn": neural}


_NAMESPACE = _namespace()
"""The operations of `xp` by group and name."""
