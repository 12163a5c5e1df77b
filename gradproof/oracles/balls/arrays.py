"""Arrays of balls, the outcome of comparing them, and the places that comparisons find, with the operators of the array
API standard. What an operation does is the business of the evaluation that made them; these only carry it."""

import operator
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin


def objects(values: Any) -> np.ndarray:
    """An object array: NumPy turns a 0-d object result into its element; this turns it back."""
    if isinstance(values, np.ndarray):
        return values
    array = np.empty((), dtype=object)
    array[()] = values
    return array


def vectorized(function: Callable, arguments: int = 1) -> np.ufunc:
    """A function of objects, entry by entry."""
    return np.frompyfunc(function, arguments, 1)


class Arithmetic(Protocol):
    """What stands behind the operators: the evaluation that made an array."""

    abs: Callable
    add: Callable
    subtract: Callable
    multiply: Callable
    divide: Callable
    pow: Callable
    matmul: Callable
    greater: Callable
    equal: Callable
    hull: Callable
    fork: Callable


class Balls:
    """An array of balls, with the operators of the array API standard. Made by an evaluation, never by hand. What is
    `steady` holds constants, whatever the input is, as a counter does."""

    __slots__ = ("entries", "on", "steady")
    __array_ufunc__ = None  # a NumPy array on the left leaves the operator to us

    def __init__(self, entries: Any, on: Arithmetic, steady: bool = False) -> None:
        self.entries, self.on, self.steady = objects(entries), on, steady

    dtype = property(lambda self: "balls")
    shape = property(lambda self: self.entries.shape)
    ndim = property(lambda self: self.entries.ndim)
    size = property(lambda self: self.entries.size)
    T = property(lambda self: Balls(self.entries.T, self.on))
    mT = property(lambda self: Balls(np.swapaxes(self.entries, -1, -2), self.on))

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator["Balls"]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> "Balls":
        parts = key if isinstance(key, tuple) else (key,)
        at = [i for i, part in enumerate(parts) if isinstance(part, Places)]
        parts = [part.certain() if isinstance(part, Decision) else part for part in parts]
        if len(at) != 1:
            return Balls(self.entries[tuple(map(_plain, parts))], self.on)
        before, place, after = parts[: at[0]], parts[at[0]], parts[at[0] + 1 :]
        return Balls(place.picked(lambda index: self.entries[(*before, index, *after)]), self.on)

    def __repr__(self) -> str:
        return f"Balls({self.entries!r})"

    def __neg__(self) -> "Balls":
        return Balls(-self.entries, self.on)

    def __pos__(self) -> "Balls":
        return self

    def __abs__(self) -> "Balls":
        return self.on.abs(self)

    def __add__(self, other: Any) -> "Balls":
        return self.on.add(self, other)

    def __radd__(self, other: Any) -> "Balls":
        return self.on.add(other, self)

    def __sub__(self, other: Any) -> "Balls":
        return self.on.subtract(self, other)

    def __rsub__(self, other: Any) -> "Balls":
        return self.on.subtract(other, self)

    def __mul__(self, other: Any) -> "Balls":
        return self.on.multiply(self, other)

    def __rmul__(self, other: Any) -> "Balls":
        return self.on.multiply(other, self)

    def __truediv__(self, other: Any) -> "Balls":
        return self.on.divide(self, other)

    def __rtruediv__(self, other: Any) -> "Balls":
        return self.on.divide(other, self)

    def __pow__(self, other: Any) -> "Balls":
        return self.on.pow(self, other)

    def __rpow__(self, other: Any) -> "Balls":
        return self.on.pow(other, self)

    def __matmul__(self, other: Any) -> "Balls":
        return self.on.matmul(self, other)

    def __rmatmul__(self, other: Any) -> "Balls":
        return self.on.matmul(other, self)

    def __gt__(self, other: Any) -> "Decision":
        return self.on.greater(self, other)

    def __ge__(self, other: Any) -> "Decision":
        return ~self.on.greater(other, self)

    def __lt__(self, other: Any) -> "Decision":
        return self.on.greater(other, self)

    def __le__(self, other: Any) -> "Decision":
        return ~self.on.greater(self, other)

    def __eq__(self, other: Any) -> "Decision":  # type: ignore[override]
        return self.on.equal(self, other)

    def __ne__(self, other: Any) -> "Decision":  # type: ignore[override]
        return ~self.on.equal(self, other)

    __hash__ = None  # type: ignore[assignment]


class Decision:
    """The outcome of a comparison: a boolean array, `value`, decided by midpoints where `undecided` says that the
    balls overlap."""

    __slots__ = ("on", "undecided", "value")

    def __init__(self, value: Any, undecided: Any, on: Arithmetic) -> None:
        self.value, self.undecided, self.on = np.asarray(value, bool), np.asarray(undecided, bool), on

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)

    def __invert__(self) -> "Decision":
        return Decision(~self.value, self.undecided, self.on)

    def __and__(self, other: Any) -> "Decision":
        return ~(~self | ~Decision(*decided(other), self.on))

    def __or__(self, other: Any) -> "Decision":
        value, undecided = decided(other)
        # A side that surely holds leaves nothing open.
        sure = (self.value & ~self.undecided) | (value & ~undecided)
        return Decision(self.value | value, (self.undecided | undecided) & ~sure, self.on)

    __rand__, __ror__ = __and__, __or__

    def __getitem__(self, key: Any) -> "Decision":
        return Decision(self.value[key], self.undecided[key], self.on)

    def __bool__(self) -> bool:
        return bool(self.certain())

    def certain(self) -> np.ndarray:
        """The value, for what takes one path alone; where it is undecided rounding may take another."""
        if self.undecided.any():
            self.on.fork()
        return self.value


class Places(NDArrayOperatorsMixin):
    """Integers that comparisons found, as the index of a largest entry: `value` by midpoints, and `may`, with one more
    axis behind the others, says of 0, 1, 2, … whether rounding may find that one. What asks for plain numbers gets
    `value`, and it is noted where there may be others."""

    __slots__ = ("may", "on", "value")

    def __init__(self, value: Any, may: np.ndarray, on: Arithmetic) -> None:
        self.value, self.may, self.on = np.asarray(value), may, on

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)
    dtype = property(lambda self: self.value.dtype)

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, key: Any) -> "Places":
        return Places(self.value[key], self.may[key], self.on)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        if (self.may.sum(axis=-1) > 1).any():
            self.on.fork()
        return self.value if dtype is None else self.value.astype(dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        return getattr(ufunc, method)(*map(_plain, inputs), **options)

    def __index__(self) -> int:
        return operator.index(np.asarray(self)[()])

    def _asked(self, relation: Callable, other: Any) -> Decision:
        value, other = relation(self.value, np.asarray(other)), np.asarray(other)
        open_ = np.zeros(value.shape, bool)
        for place in range(self.may.shape[-1]):
            open_ |= self.may[..., place] & (relation(place, other) != value)
        return Decision(value, open_, self.on)

    def __eq__(self, other: Any) -> Decision:  # type: ignore[override]
        return self._asked(operator.eq, other)

    def __ne__(self, other: Any) -> Decision:  # type: ignore[override]
        return self._asked(operator.ne, other)

    def __lt__(self, other: Any) -> Decision:
        return self._asked(operator.lt, other)

    def __le__(self, other: Any) -> Decision:
        return self._asked(operator.le, other)

    def __gt__(self, other: Any) -> Decision:
        return self._asked(operator.gt, other)

    def __ge__(self, other: Any) -> Decision:
        return self._asked(operator.ge, other)

    __hash__ = None  # type: ignore[assignment]

    def picked(self, pick: Callable[[np.ndarray], Any]) -> np.ndarray:
        """What `pick` makes of the value; and, where other places are possible, of each of them, all in one ball."""
        entries = objects(pick(self.value))
        hull = vectorized(lambda p, q: p if p is q else self.on.hull(p, q), 2)
        for place in range(self.may.shape[-1]):
            other = np.where(self.may[..., place], place, self.value)
            if (other != self.value).any():
                entries = objects(hull(entries, objects(pick(other))))
        return entries


def _plain(index: Any) -> Any:
    return np.asarray(index) if isinstance(index, Places) else index


def picked(pick: Callable[[np.ndarray], Any], indices: Any) -> np.ndarray:
    """What `pick` makes of indices, which may be places."""
    return indices.picked(pick) if isinstance(indices, Places) else pick(np.asarray(indices))


def decided(condition: Any) -> tuple[np.ndarray, np.ndarray]:
    """The value of a condition, and where it is undecided."""
    if isinstance(condition, Decision):
        return condition.value, condition.undecided
    value = np.asarray(condition, bool)
    return value, np.zeros_like(value)
