"""The ground floor of an evaluation in balls: what it noticed on its way, and how a result is rounded, its range looked
at and underflow thought of, as a machine model allows. Without a model nothing is rounded."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from gradproof.oracles.balls.arrays import Balls, objects, vectorized
from gradproof.oracles.machine_model import ABSOLUTE, MachineModel

Question = tuple[np.ndarray, np.ndarray]
"""The answers to a question asked of every entry of an array, and where they are open: where balls overlap."""


@dataclass(frozen=True)
class Ties:
    """What another evaluation of the same code left open, and what becomes of it in this one: it is taken as it was
    there, or, with `both`, either way."""

    questions: list[Question]
    both: bool


class Rounding:
    """One evaluation in balls: its model, and what was noticed on the way.

    `model` is None for the truth. After an evaluation `at_kink` says that there may be no derivative here: some
    comparison met a tie or an overlap, or some root a zero. `undecided` says that it met an overlap that is no exact
    tie, `overflowed` that some result lies outside the model's format, `disordered` that something was sorted whose
    order rounding can change, `forked` that rounding can take another path, or another index, than the one that was
    taken, and `ambiguous` that eigenvectors were asked for that are no functions of the matrix. `questions` are those
    that were asked on the way; `ties` those of another evaluation."""

    def __init__(self, model: MachineModel | None = None, ties: Ties | None = None) -> None:
        self.model, self.ties = model, ties
        self.at_kink = self.undecided = self.overflowed = self.disordered = self.forked = self.ambiguous = False
        self.questions: list[Question] = []

    def fork(self) -> None:
        """Note that one path was taken where rounding may take another."""
        self.forked |= self.model is not None

    def answered(self, answers: np.ndarray, open_: np.ndarray) -> Question:
        """The answers to the next question, and where they stay open."""
        if self.ties is not None:
            answers, open_ = self._with_ties(answers, open_)
        self.questions.append((answers, open_))
        self.undecided |= bool(open_.any())
        return answers, open_

    def _with_ties(self, answers: np.ndarray, open_: np.ndarray) -> Question:
        number = len(self.questions)
        taken, tied = self.ties.questions[number] if number < len(self.ties.questions) else (None, None)
        if tied is None or tied.shape != open_.shape:
            self.fork()  # the code has taken another path
            return answers, open_
        if self.ties.both:
            return answers, open_ | tied
        return np.where(tied, taken, answers), open_ & ~tied

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
        if (sizes > self.model.format.largest).any() and self._overflows(entries):
            self.overflowed = True
        return self._with_underflow(entries, operation) if (sizes < self._faint).any() else entries

    def _overflows(self, entries: np.ndarray) -> bool:
        # Infinity itself, from a mask or as the logarithm of 0, is a number like others.
        centers = self.center(entries).flat
        return any(not infinite(v) and abs(float(v)) > self.model.format.largest for v in centers)

    def _with_underflow(self, entries: np.ndarray, operation: str = "add") -> np.ndarray:
        error = arb(0, self.model.underflow(operation))

        def widen(center: arb, entry: Any) -> Any:
            return entry + error if abs(center) < self._faint and not center.is_zero() else entry

        return objects(vectorized(widen, 2)(self.center(entries), entries))

    @property
    def _faint(self) -> float:
        # From here up, what underflow adds is less than the rounding error that stands there anyway.
        return self.model.format.tiny / self.model.format.unit_roundoff


def infinite(ball: arb) -> bool:
    """Whether a ball is +∞ or -∞, and nothing else."""
    return not ball.is_finite() and not ball.is_nan() and ball.is_exact()
