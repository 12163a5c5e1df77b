"""What a gradient must be besides right: the same at a second call, computed without touching its arguments, and linear
in its cotangent. Tried once per cell, where the gradient has just been verified."""

from typing import Protocol

import numpy as np

from gradproof.backends import Unsupported
from gradproof.backends.modes import Mode
from gradproof.oracles.machine_model import MachineModel
from gradproof.oracles.reference import Bounds
from gradproof.oracles.verdict import Answer
from gradproof.registry import Inputs
from gradproof.verification.cells import Cell

COTANGENT = -3.0
"""Not 1, which a backward pass may forget to multiply by, and no power of two, by which rounding errors scale."""

COTANGENT_BOUNDS = 4.0
"""A gradient scaled by 3 may be off by 3 bounds and 3 roundings, and by one more for the product's own: a gradient that
is exact, like that of a sum, has a bound without any rounding."""


class Examiner(Protocol):
    """What is asked of the examiner of a cell."""

    cell: Cell
    mode: Mode
    model: MachineModel

    def gradient_again(self, inputs: Inputs) -> Answer:
        """One more call at the same input."""

    def pulled_back(self, inputs: Inputs, cotangent: float) -> Answer:
        """The gradient of `cotangent` times the function, by reverse mode."""


def structural_problem(examiner: Examiner, inputs: Inputs, answer: Answer, bounds: Bounds) -> str:
    """What is structurally off at an input where `answer` has been verified; empty where nothing is."""
    if not examiner.mode.batched:
        again = examiner.gradient_again(inputs)
        if again.problem:
            return again.problem
        if not _repeats(answer, again, bounds, bitwise=examiner.cell.device == "cpu"):
            return "a second call gives another gradient"
    return _cotangent_problem(examiner, inputs, answer, bounds) if examiner.cell.mode == "reverse" else ""


def _repeats(answer: Answer, again: Answer, bounds: Bounds, *, bitwise: bool) -> bool:
    # On a GPU sums may be taken in another order at every call.
    pairs = zip(answer.gradient, again.gradient, bounds.gradient, strict=True)
    return all(np.array_equal(a, b) if bitwise else bool((np.abs(a - b) <= 2 * bound).all()) for a, b, bound in pairs)


def _cotangent_problem(examiner: Examiner, inputs: Inputs, answer: Answer, bounds: Bounds) -> str:
    for cotangent in (0.0, COTANGENT):
        try:
            scaled = examiner.pulled_back(inputs, cotangent)
        except Unsupported:
            return ""  # a derivation by hand has the cotangent 1
        largest = max(float(np.abs(part).max(initial=0.0)) for part in answer.gradient)
        if abs(cotangent) * largest > examiner.model.format.largest:
            return ""
        if scaled.problem:
            return f"with the cotangent {cotangent:g}, {scaled.problem}"
        for part, one, bound in zip(scaled.gradient, answer.gradient, bounds.gradient, strict=True):
            allowed = COTANGENT_BOUNDS * (bound + examiner.model.format.unit_roundoff * np.abs(one))
            if not (np.abs(part - cotangent * one) <= (allowed if cotangent else 0.0)).all():
                return f"the pullback is not linear: the cotangent {cotangent:g} does not give {cotangent:g} gradients"
    return ""
