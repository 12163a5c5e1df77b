"""Comparisons of balls. Where two overlap the outcome is undecided: the midpoints decide, and it is noted, because the
input is at a kink there or within rounding of one."""

from typing import Any

import numpy as np
from flint import arb

from gradproof.oracles.balls.arrays import Decision, decided, vectorized
from gradproof.oracles.balls.creation import Creation


class Comparisons(Creation):
    """An evaluation that compares."""

    def greater(self, x: Any, y: Any) -> Decision:
        a, b = np.broadcast_arrays(self.center(self._lift(x).entries), self.center(self._lift(y).entries))
        above = np.asarray(a > b, bool)
        # A number is not above itself, however little is known of it: the largest entry against a row that has it.
        itself = np.asarray(vectorized(lambda p, q: p is q, 2)(a, b), bool)
        overlap = ~(above | np.asarray(a < b, bool) | itself)
        tie = overlap & np.asarray(a == b, bool)
        # A body may compare what is no kink, with a NaN for one: only balls that overlap are noted.
        self.at_kink |= bool(overlap.any())
        by_midpoint = np.asarray(vectorized(_midpoint_above, 2)(a, b), bool)
        return Decision(*self.answered(above | (overlap & ~tie & by_midpoint), overlap & ~tie), self)

    def greater_equal(self, x: Any, y: Any) -> Decision:
        return ~self.greater(y, x)

    def less(self, x: Any, y: Any) -> Decision:
        return self.greater(y, x)

    def less_equal(self, x: Any, y: Any) -> Decision:
        return ~self.greater(x, y)

    def equal(self, x: Any, y: Any) -> Decision:
        a, b = np.broadcast_arrays(self.center(self._lift(x).entries), self.center(self._lift(y).entries))
        same = np.asarray(vectorized(lambda p, q: p is q or p == q, 2)(a, b), bool)
        apart = np.asarray(vectorized(lambda p, q: p < q or p > q, 2)(a, b), bool)
        self.at_kink |= bool(same.any())
        open_ = ~same & ~apart
        by_midpoint = np.asarray(vectorized(lambda p, q: p.mid() == q.mid(), 2)(a, b), bool)
        return Decision(*self.answered(same | (open_ & by_midpoint), open_), self)

    def not_equal(self, x: Any, y: Any) -> Decision:
        return ~self.equal(x, y)

    def logical_and(self, x: Any, y: Any) -> Decision:
        return Decision(*decided(x), self) & y

    def logical_or(self, x: Any, y: Any) -> Decision:
        return Decision(*decided(x), self) | y

    def logical_not(self, x: Any) -> Decision:
        return ~Decision(*decided(x), self)

    def _midpoints(self, x: Any) -> np.ndarray:
        return self.center(self._lift(x).entries).astype(float)


def _midpoint_above(a: arb, b: arb) -> bool:
    return bool(a.mid() > b.mid())
