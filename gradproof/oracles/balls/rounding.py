"""The ground floor of an evaluation in balls: what it noticed on its way, and how a result is rounded, its range looked
at and underflow thought of, as a machine model allows. Without a model nothing is rounded."""

import math
from typing import Any

import numpy as np
from flint import arb

from gradproof.oracles.balls.arrays import Balls, objects, vectorized
from gradproof.oracles.machine_model import ABSOLUTE, MachineModel


class Rounding:
    """One evaluation in balls: its model, and what was noticed on the way.

    `model` is None for the truth. After an evaluation `at_kink` says that there may be no derivative here: some
    comparison met a tie or an overlap, or some root a zero. `undecided` says that it met an overlap that is no exact
    tie, `overflowed` that some result lies outside the model's format, and `disordered` that something was sorted whose
    order rounding can change."""

    def __init__(self, model: MachineModel | None = None) -> None:
        self.model = model
        self.at_kink = self.undecided = self.overflowed = self.disordered = False

    def center(self, entries: np.ndarray) -> np.ndarray:
        """The numbers that comparisons and range checks look at."""
        return entries

    def hull(self, a: Any, b: Any) -> Any:
        """One number that holds both."""
        return a.union(b)

    # Constants

    def _constants(self, values: np.ndarray) -> np.ndarray:
        return objects(vectorized(self._constant)(np.asarray(values, dtype=object)))

    def _constant(self, value: Any) -> arb:
        number = arb(value) if isinstance(value, int) else arb(float(value))
        if self.model is None or not math.isfinite(value):
            return number
        if abs(value) > self.model.format.largest:
            self.overflowed = True
        return number if self.model.exact(value) else number * self.model.factor("add")

    def _constant_ball(self, number: arb) -> Balls:
        return Balls(number if self.model is None else number * self.model.factor("add"), self)

    # Results

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

        return objects(vectorized(widen, 2)(self.center(entries), entries))

    @property
    def _faint(self) -> float:
        # From here up, what underflow adds is less than the rounding error that stands there anyway.
        return self.model.format.tiny / self.model.format.unit_roundoff
