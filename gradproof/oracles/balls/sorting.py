"""Sorting, and the indices of extrema. An index jumps where entries tie: ties and overlaps are noted, by `max`, `min`
and along the sorted line."""

import itertools
from functools import cmp_to_key
from typing import Any

import numpy as np
from flint import arb

from gradproof.oracles.balls.arrays import Balls
from gradproof.oracles.balls.reductions import Reductions


class Sorting(Reductions):
    """An evaluation that sorts."""

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


def _compared(a: arb, b: arb) -> int:
    return int(bool(a > b)) - int(bool(a < b))
