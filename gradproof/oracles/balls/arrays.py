"""Arrays of balls, and the outcome of comparing them, with the operators of the array API standard. What an operation
does is the business of the evaluation that made them; these only carry it."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np


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


class Balls:
    """An array of balls, with the operators of the array API standard. Made by an evaluation, never by hand."""

    __slots__ = ("entries", "on")
    __array_ufunc__ = None  # a NumPy array on the left leaves the operator to us

    def __init__(self, entries: Any, on: Arithmetic) -> None:
        self.entries, self.on = objects(entries), on

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
        plain = tuple(part.value if isinstance(part, Decision) else part for part in parts)
        return Balls(self.entries[plain], self.on)

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
        value, undecided = decided(other)
        return Decision(self.value & value, self.undecided | undecided, self.on)

    def __or__(self, other: Any) -> "Decision":
        value, undecided = decided(other)
        return Decision(self.value | value, self.undecided | undecided, self.on)

    __rand__, __ror__ = __and__, __or__

    def __getitem__(self, key: Any) -> "Decision":
        return Decision(self.value[key], self.undecided[key], self.on)

    def __bool__(self) -> bool:
        return bool(self.value)


def decided(condition: Any) -> tuple[np.ndarray, np.ndarray]:
    """The value of a condition, and where it is undecided."""
    if isinstance(condition, Decision):
        return condition.value, condition.undecided
    value = np.asarray(condition, bool)
    return value, np.zeros_like(value)
