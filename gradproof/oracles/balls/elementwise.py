"""Operations on every entry of an array, or on the entries of two: arithmetic, powers, elementary and special
functions, and what compares entry by entry."""

from typing import Any

import numpy as np
from flint import arb

from gradproof.oracles.balls.arrays import Balls, objects, vectorized
from gradproof.oracles.balls.comparisons import Comparisons
from gradproof.oracles.balls.scalars import AT_INFINITY, SCALARS, Scalar, at_infinity

COUNTS = 64
"""Sums of integers up to this size are integers that bfloat16, too, holds exactly."""


class Elementwise(Comparisons):
    """An evaluation that computes entry by entry."""

    def elementwise(self, name: str, *arguments: Any) -> Balls:
        """An elementary or special function of every entry."""
        lifted = [self._lift(argument) for argument in arguments]
        if name == "sqrt":
            self._note_zeros(lifted[0])
        function = vectorized(self.scalar(name), len(lifted))
        # What Arb does in doubles on its way sets flags of the processor, which NumPy takes for those of its own loop.
        with np.errstate(all="ignore"):
            values = objects(function(*(argument.entries for argument in lifted)))
        if name in AT_INFINITY:
            values = self._at_infinity(name, values, lifted[0].entries)
        return self._rounded(values, name)

    def _at_infinity(self, name: str, values: np.ndarray, arguments: np.ndarray) -> np.ndarray:
        patch = vectorized(lambda x, found: at_infinity(name, x, found) if isinstance(x, arb) else found, 2)
        return objects(patch(arguments, values))

    def _note_zeros(self, x: Balls) -> None:
        # A root has no derivative at zero.
        self.at_kink |= any(entry.contains(0) for entry in self.center(x.entries).flat)

    # Functions of one number, or of one of each argument

    def scalar(self, name: str) -> Scalar:
        """The elementary or special function of one number, or of one of each argument."""
        return SCALARS[name]

    def power(self, base: Any, exponent: Any) -> Any:
        """One number to the power of another."""
        # 0**y = 0 for y > 0; through the logarithm Arb would give an undefined result there.
        return arb(0) if base.is_zero() and exponent > 0 else base**exponent

    def angle(self, y: Any, x: Any) -> Any:
        """The angle of the point (x, y)."""
        return arb.atan2(y, x)

    def length(self, x: Any, y: Any) -> Any:
        """The length of the vector (x, y)."""
        squares = x * x + y * y
        return squares if squares.is_zero() else squares.sqrt()

    # Arithmetic

    def add(self, x: Any, y: Any) -> Balls:
        x, y = self._lift(x), self._lift(y)
        if x.steady and y.steady and self._counts(x, y):
            return Balls(x.entries + y.entries, self, steady=True)
        x, y = x.entries, y.entries
        if self.model is None:
            return Balls(x + y, self)
        # u (|x| + |y|), not u |x + y|: a backend may add these and other terms in an order of its own.
        factor = self.model.factor("add")
        # A product of a 0-d array is its element; NumPy would take a bare series for a sequence of numbers.
        return Balls(self._in_range(objects(objects(x * factor) + objects(y * factor))), self)

    def _counts(self, x: Balls, y: Balls) -> bool:
        # Integers that every format holds are added without rounding, in whatever order.
        return all(entry.is_integer() and abs(entry) <= COUNTS for part in (x, y) for entry in part.entries.flat)

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

    def pow(self, x: Any, y: Any) -> Balls:
        x = self._lift(x)
        if isinstance(y, int | float):
            if y == 1:
                return x
            if y == 2:
                return self.multiply(x, x)
            if y == 0.5:
                return self.elementwise("sqrt", x)
            if float(y).is_integer():
                return self._rounded(vectorized(lambda base: base ** int(y))(x.entries), "pow")
        self._note_zeros(x)
        return self._rounded(vectorized(self.power, 2)(x.entries, self._lift(y).entries), "pow")

    def atan2(self, y: Any, x: Any) -> Balls:
        y, x = self._lift(y), self._lift(x)
        if np.any(vectorized(_on_the_cut, 2)(self.center(y.entries), self.center(x.entries))):
            self.fork()
        return self._rounded(vectorized(self.angle, 2)(y.entries, x.entries), "atan2")

    def hypot(self, x: Any, y: Any) -> Balls:
        # As one operation, not through the formula, whose squares overflow where the length does not.
        x, y = np.broadcast_arrays(self._lift(x).entries, self._lift(y).entries)
        lengths = vectorized(self.length, 2)(x, y)
        self._note_zeros(Balls(objects(lengths), self))
        return self._rounded(lengths, "hypot")

    # What has a kink

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


def _on_the_cut(y: Any, x: Any) -> bool:
    # There the angle is as large as pi, with the sign of a zero, which a ball does not have.
    return y.is_zero() and x < 0
