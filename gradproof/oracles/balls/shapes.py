"""Operations that move entries and compute nothing: nothing is rounded."""

from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb

from gradproof.oracles.balls.arrays import Balls, Places, picked, vectorized
from gradproof.oracles.balls.creation import Creation


class Shapes(Creation):
    """An evaluation that moves entries."""

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
        return Balls(picked(lambda index: np.take(self._lift(x).entries, index, axis), self._indices(indices)), self)

    def take_along_axis(self, x: Any, indices: Any, *, axis: int = -1) -> Balls:
        entries = self._lift(x).entries
        return Balls(picked(lambda index: np.take_along_axis(entries, index, axis), self._indices(indices)), self)

    def _indices(self, indices: Any) -> Any:
        """Indices as integers; those that were computed may be several where rounding or a jump leaves it open."""
        if not isinstance(indices, Balls):
            return indices
        low, high = (vectorized(end)(self.center(indices.entries)) for end in (_first_integer, _last_integer))
        low, high = np.asarray(low, int), np.asarray(high, int)
        if (low == high).all():
            return low
        if (low < 0).any():
            self.fork()  # some may be counted from the end, and some from the beginning
            return low
        places = np.arange(int(high.max()) + 1)
        return Places(low, (low[..., None] <= places) & (places <= high[..., None]), self)

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


def _first_integer(ball: arb) -> int:
    return int(ball.lower().ceil().unique_fmpz())


def _last_integer(ball: arb) -> int:
    return int(ball.upper().floor().unique_fmpz())
