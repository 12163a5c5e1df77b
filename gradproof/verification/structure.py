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
from gradproof.registry import Inputs, direction
from gradproof.verification.cells import Cell

COTANGENT = -3.0
"""Not 1, which a backward pass may forget to multiply by, and no power of two, by which rounding errors scale."""

LARGE = COTANGENT * 2.0**20
"""What somebody's own rule is given besides: one that clips what comes in is linear in a small cotangent."""

SMALLER = 64.0
"""What the cotangent is divided by where the gradient that it gives overflows."""

ROUNDINGS = 4.0
"""What is exact, like the value of a sum, has a bound without any rounding: 3 of them, and one of the product."""


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

    @property
    def runs_a_rule(self) -> bool:
        """Whether code of a person's own runs, which the backend differentiates."""

    @property
    def rule_gives_values(self) -> bool:
        """Whether such code may compute the value anew while it is differentiated."""

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

    def pushed_forward(self, inputs: Inputs, tangent: Inputs) -> tuple[float, float]:
        """The value that forward mode gives beside the slope along a tangent, and that slope."""

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
        "forward": (_pushed_problem,),
    }
    problems = (find(examiner, inputs, answer, allowance) for find in tries.get(examiner.cell.mode, ()))
    return next(filter(None, problems), "")


def returned_value_problem(examiner: Examiner, inputs: Inputs, answer: Answer, allowance: Allowance) -> str:
    """What is off with the value that is returned beside a derivative; empty where nothing is. Asked at every input: a
    rule that computes it anew may be wrong in one of its branches alone."""
    if not examiner.rule_gives_values:
        return ""
    if examiner.cell.mode == "forward":
        return _pushed_problem(examiner, inputs, answer, allowance)
    if examiner.cell.mode != "reverse":
        return ""
    beside = examiner.pulled_back(inputs, 1.0)
    return beside.problem or _value_problem(float(beside.value), 1.0, examiner, answer, allowance.bounds)


def _repeats(answer: Answer, again: Answer, bounds: Bounds) -> bool:
    # Sums may be taken in another order at every call: by the cores of a GPU, by threads, or as memory is aligned.
    pairs = zip(answer.gradient, again.gradient, bounds.gradient, strict=True)
    return all(bool((np.abs(a - b) <= 2 * bound).all()) for a, b, bound in pairs)


def _cotangent_problem(examiner: Examiner, inputs: Inputs, answer: Answer, allowance: Allowance) -> str:
    cotangents = (0.0, COTANGENT, LARGE) if examiner.runs_a_rule else (0.0, COTANGENT)
    largest = max(float(np.abs(part).max(initial=0.0)) for part in answer.gradient)
    for cotangent in cotangents:
        try:
            given = _pulled_back_in_range(examiner, inputs, cotangent)
        except Unsupported:
            return ""  # a derivation by hand has the cotangent 1
        if given is None:
            return ""
        cotangent, scaled = given
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


def _pulled_back_in_range(examiner: Examiner, inputs: Inputs, cotangent: float) -> tuple[float, Answer] | None:
    """What a cotangent gives, or a smaller one where that overflows; None where the large one alone does, which says
    nothing: on the way to a gradient numbers may be larger than in it."""
    if abs(cotangent) > examiner.model.format.largest:
        return None
    scaled = examiner.pulled_back(inputs, cotangent)
    if not cotangent or scaled.problem or all(np.isfinite(part).all() for part in scaled.gradient):
        return cotangent, scaled
    return None if cotangent == LARGE else (cotangent / SMALLER, examiner.pulled_back(inputs, cotangent / SMALLER))


def _is_scaled(cotangent: float, scaled: Answer, answer: Answer, unit_roundoff: float, bounds: Bounds) -> bool:
    for part, one, bound in zip(scaled.gradient, answer.gradient, bounds.gradient, strict=True):
        # Either may be off by its bound, which goes with the cotangent, for it is pulled back by other roundings. An
        # exact gradient has a bound without any: one of it, as often as the cotangent has it, and one of the product.
        roundings = (1 + abs(cotangent)) * unit_roundoff * np.abs(one)
        allowed = 2 * abs(cotangent) * bound + roundings if cotangent else 0.0
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


def _pushed_problem(examiner: Examiner, inputs: Inputs, answer: Answer, allowance: Allowance) -> str:
    """The tangent is no unit vector: of one nobody sees whether a rule is linear in it."""
    tangent = tuple(COTANGENT * part for part in direction(examiner.cell.function))
    try:
        value, slope = examiner.pushed_forward(inputs, tangent)
    except Unsupported:
        return ""
    problem = _value_problem(value, 1.0, examiner, answer, allowance.bounds)
    if problem or not examiner.runs_a_rule or not np.isfinite(slope):
        return problem
    unit_roundoff = examiner.model.format.unit_roundoff
    if allowance.covers(partial(_is_slope, slope, tangent, answer, unit_roundoff)):
        return ""
    return "the pushforward is not linear: a longer tangent does not give as many times the slope"


def _is_slope(slope: float, tangent: Inputs, answer: Answer, unit_roundoff: float, bounds: Bounds) -> bool:
    flat = (np.concatenate(list(map(np.ravel, parts))) for parts in (answer.gradient, tangent, bounds.gradient))
    gradient, along, bound = flat
    # The slope is a sum of as many products as there are entries.
    roundings = ROUNDINGS * along.size * unit_roundoff * np.abs(gradient)
    return abs(slope - gradient @ along) <= (2 * bound + roundings) @ np.abs(along)


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
