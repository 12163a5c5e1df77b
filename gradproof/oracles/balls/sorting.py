"""Sorting, and the indices of extrema. An index jumps where entries tie: ties and overlaps are noted, and where
rounding may find another index, that one counts as well."""

import itertools
from functools import cmp_to_key
from typing import Any

import numpy as np
from flint import arb

from gradproof.oracles.balls.arrays import Balls, Places, vectorized
from gradproof.oracles.balls.reductions import Reductions


class Sorting(Reductions):
    """An evaluation that sorts."""

    def argmax(self, x: Any, *, axis: int | None = None, keepdims: bool = False) -> Places:
        x = self._lift(x)
        return self._place(x, np.argmax(self._ranks(x), axis=axis, keepdims=True), axis, keepdims)

    def argmin(self, x: Any, *, axis: int | None = None, keepdims: bool = False) -> Places:
        return self.argmax(-self._lift(x), axis=axis, keepdims=keepdims)

    def _place(self, x: Balls, best: np.ndarray, axis: int | None, keepdims: bool) -> Places:
        """The index of the largest entry, `best` by midpoints, and of each that may be the largest."""
        rows = x.entries.reshape(-1) if axis is None else np.moveaxis(x.entries, axis, -1)
        first = best.reshape(-1)[0, None] if axis is None else np.moveaxis(best, axis, -1)
        largest = np.take_along_axis(rows, first, -1)
        centers, top = self.center(rows), self.center(largest)
        itself = np.asarray(_is(rows, largest), bool)
        level = ~(np.asarray(top > centers, bool) | np.asarray(top < centers, bool)) & ~itself
        tied = level & np.asarray(top == centers, bool)
        self.at_kink |= bool(level.any())
        found = np.arange(rows.shape[-1]) == first
        found, open_ = self.answered(found, level & ~tied)
        value = np.argmax(found, axis=-1)
        may = open_ | (np.arange(rows.shape[-1]) == value[..., None])
        if keepdims:
            value = value.reshape(best.shape)
            may = may.reshape((*best.shape, rows.shape[-1]))
        return Places(value, may, self)

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


_is = vectorized(lambda p, q: p is q, 2)


def _compared(a: arb, b: arb) -> int:
    return int(bool(a > b)) - int(bool(a < b))
