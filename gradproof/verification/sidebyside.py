"""What is right and what came at one input, argument by argument: for the text of a failure."""

from collections.abc import Sequence

import numpy as np

from gradproof.oracles import exact
from gradproof.oracles.verdict import Answer
from gradproof.registry import Function, Inputs
from gradproof.report.compared import Compared
from gradproof.report.opinions import ROUNDED
from gradproof.verification.examine import Examiner, Finding, reference_of


def compared(examiner: Examiner, finding: Finding, check: str) -> list[Compared]:
    """The gradient of a backend beside the truth, or beside its own differences; nothing where none was compared."""
    entry, inputs, names = finding.judgement.worst, finding.inputs, list(examiner.cell.function.domains)
    if entry is None:
        return []
    if check == "differences":
        own, bounds = examiner.own_differences(inputs), examiner.wider(inputs, examiner.reference)
        allowed = [error + bound for error, bound in zip(own.error, bounds.gradient, strict=True)]
        answer = examiner.answers(inputs)[0]
        pairs = zip(names, own.gradient, answer.gradient, allowed, strict=True)
        return [Compared(name, right, got, ~(np.abs(right - got) <= most)) for name, right, got, most in pairs]
    truth, bounds = examiner.judged_by.truth(inputs), examiner.wider(inputs)
    if truth.kink is not None:
        return []
    answer = _failing(examiner.answers(inputs), entry.argument, entry.got, names)
    pairs = zip(names, truth.gradient, answer.gradient, bounds.gradient, strict=True)
    return [Compared(name, right.high, got, ~(right.distance(got) <= most)) for name, right, got, most in pairs]


def _failing(answers: Sequence[Answer], argument: str, got: float, names: list[str]) -> Answer:
    """Of the rows of a batch the one that failed."""
    if argument == "value":
        return answers[0]
    which = names.index(argument)
    return next((a for a in answers if (a.gradient[which] == got).any()), answers[0])


def compared_by_hand(function: Function, inputs: Inputs) -> list[Compared]:
    """The hand-derived gradient beside exact differences. What differs by less than float64 tells is not marked."""
    truth = reference_of(function).truth(inputs)
    by_hand, _ = exact.precise_hand_gradient(function, inputs)
    found = []
    for name, right, part in zip(function.domains, truth.gradient, by_hand, strict=True):
        got = part.astype(float)
        found.append(Compared(name, right.high, got, ~(right.distance(got) <= ROUNDED * np.abs(right.high).max())))
    return found
