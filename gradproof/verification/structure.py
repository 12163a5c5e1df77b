"""What a gradient must be besides right: the same at a second call, computed without touching its arguments, linear in
its cotangent, and of the value that is returned beside it. Tried once per cell, where the gradient has just been
verified."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
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

SMALLER = 64.0
"""What the cotangent is divided by where the gradient that it gives overflows."""

ROUNDINGS = 4.0
"""A gradient that is exact, like that of a sum, has a bound without any rounding: 3 of them, and one of the product."""


@dataclass(frozen=True)
class Allowance:
    """How far two answers may be apart: by the bound at hand, or else by the wider one, which is looked for only where
    the first would accuse."""

    bounds: Bounds
    wider: Callable[[], Bounds]

    def covers(self, question: Callable[[Bounds], bool]) -> bool:
        """Whether the answers hold within either."""
        return question(self.bounds) or question(self.wider())


class Examiner(Protocol):
    """What is asked of the examiner of a cell. What the backend raises it raises, with words for which call it was."""

    cell: Cell
    mode: Mode
    model: MachineModel

    def gradient_again(self, inputs: Inputs) -> Answer:
        """One more call at the same input."""

    def pulled_back(self, inputs: Inputs, cotangent: float) -> Answer:
        """Value and gradient of `cotangent` times the function, by reverse mode."""

    def second_pass(self, inputs: Inputs) -> Answer:
        """The gradient of the second of two backward passes over one forward pass."""

    def of_one_argument_at_a_time(self, inputs: Inputs) -> Answer:
        """The gradient, put together of those of each argument while the others are constants."""

    def gives_what_nobody_asked_for(self, inputs: Inputs) -> bool:
        """Whether the backward pass gives a gradient where none comes in."""

    def pushed_value(self, inputs: Inputs) -> float:
        """The value that forward mode gives beside a tangent."""

    def gradient_of_returned_value(self, inputs: Inputs) -> Answer:
        """The gradient of the value that reverse mode gives beside a gradient."""


def structural_problem(examiner: Examiner, inputs: Inputs, answer: Answer, allowance: Allowance) -> str:
    """What is structurally off at an input where `answer` has been verified; empty where nothing is."""
    if not examiner.mode.batched:
        again = examiner.gradient_again(inputs)
        if again.problem:
            return again.problem
        if not allowance.covers(partial(_repeats, answer, again)):
            return "a second call gives another gradient"
    tries = {
        "reverse": (_cotangent_problem, _asked_otherwise_problem, _undefined_problem),
        "forward": (_pushed_value_problem,),
    }
    problems = (find(examiner, inputs, answer, allowance) for find in tries.get(examiner.cell.mode, ()))
    return next(filter(None, problems), "")


def _repeats(answer: Answer, again: Answer, bounds: Bounds) -> bool:
    # Sums may be taken in another order at every call: by the cores of a GPU, by threads, or as memory is aligned.
    pairs = zip(answer.gradient, again.gradient, bounds.gradient, strict=True)
    return all(bool((np.abs(a - b) <= 2 * bound).all()) for a, b, bound in pairs)


def _cotangent_problem(examiner: Examiner, inputs: Inputs, answer: Answer, allowance: Allowance) -> str:
    for cotangent in (0.0, COTANGENT):
        try:
            scaled = examiner.pulled_back(inputs, cotangent)
            if cotangent and not all(np.isfinite(part).all() for part in scaled.gradient):
                # On the way to a gradient numbers may be larger than in it, and three times as large overflow.
                cotangent /= SMALLER
                scaled = examiner.pulled_back(inputs, cotangent)
        except Unsupported:
            return ""  # a derivation by hand has the cotangent 1
        largest = max(float(np.abs(part).max(initial=0.0)) for part in answer.gradient)
        if abs(cotangent) * largest > examiner.model.format.largest:
            return ""
        if scaled.problem:
            return f"with the cotangent {cotangent:g}, {scaled.problem}"
        problem = _value_problem(float(scaled.value), cotangent, examiner, answer, allowance.bounds)
        if problem:
            return problem
        if not allowance.covers(partial(_is_scaled, cotangent, scaled, answer, examiner.model.format.unit_roundoff)):
            return f"the pullback is not linear: the cotangent {cotangent:g} does not give {cotangent:g} gradients"
    return ""


def _is_scaled(cotangent: float, scaled: Answer, answer: Answer, unit_roundoff: float, bounds: Bounds) -> bool:
    for part, one, bound in zip(scaled.gradient, answer.gradient, bounds.gradient, strict=True):
        # Either may be off by its bound, which goes with the cotangent, for it is pulled back by other roundings.
        allowed = 2 * abs(cotangent) * bound + ROUNDINGS * unit_roundoff * np.abs(one) if cotangent else 0.0
        if not (np.abs(part - cotangent * one) <= allowed).all():
            return False
    return True


def _value_problem(value: float, factor: float, examiner: Examiner, answer: Answer, bounds: Bounds) -> str:
    """Whether `value`, given while `factor` times the function was differentiated, is another than that given alone. A
    rule of somebody's own computes it anew."""
    plain = factor * float(answer.value)
    if abs(plain) > examiner.model.format.largest:
        return ""
    rounding = ROUNDINGS * examiner.model.format.unit_roundoff * abs(plain)
    if abs(value - plain) <= 2 * abs(factor) * float(bounds.value) + rounding:
        return ""
    got = value / factor if factor else value
    return f"the value returned while it is differentiated is {got!r}, and otherwise {float(answer.value)!r}"


def _pushed_value_problem(examiner: Examiner, inputs: Inputs, answer: Answer, allowance: Allowance) -> str:
    try:
        return _value_problem(examiner.pushed_value(inputs), 1.0, examiner, answer, allowance.bounds)
    except Unsupported:
        return ""


def _asked_otherwise_problem(examiner: Examiner, inputs: Inputs, answer: Answer, allowance: Allowance) -> str:
    ways = {
        "the value returned while it is differentiated has another gradient": examiner.gradient_of_returned_value,
        "a second backward pass over one forward pass gives another gradient": examiner.second_pass,
        "with one argument differentiated, and the others constant, the gradient is another": (
            examiner.of_one_argument_at_a_time
        ),
    }
    for told, ask in ways.items():
        try:
            again = ask(inputs)
        except Unsupported:
            continue
        if again.problem or not allowance.covers(partial(_repeats, answer, again)):
            return told
    return ""


def _undefined_problem(examiner: Examiner, inputs: Inputs, answer: Answer, allowance: Allowance) -> str:
    try:
        gives = examiner.gives_what_nobody_asked_for(inputs)
    except Unsupported:
        return ""
    return "where no gradient comes in, as for a result that nothing uses, the backward pass gives one" if gives else ""
