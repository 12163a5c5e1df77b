"""Who agrees with whom at a failing input, and who is the odd one out: the hand-derived gradient, the exact
differences, the backend's own finite differences, and the backend's gradient."""

import numpy as np

from functions import Function, Inputs, RegistryError
from oracles import exact
from oracles.agreement import hand_against_exact
from oracles.verdict import FAILING, Verdict
from tests.verification.examine import Examiner, Finding


def references(examiner: Examiner, finding: Finding, check: str) -> list[str]:
    """A line per comparison, and a last line that names the odd one out."""
    function, backend = examiner.cell.function, examiner.cell.backend
    hand = _hand_against_exact(function, finding.inputs)
    own = _own_against_exact(examiner, finding)
    against = "its own finite differences" if check == "differences" else "the exact reference"
    lines = [
        f"{backend}'s gradient / {against}: {finding.judgement.verdict}",
        f"hand-derived gradient / exact differences: {hand}",
        f"{backend}'s own finite differences / exact reference: {own}",
    ]
    if hand.startswith("disagree"):
        return [*lines, "odd one out: the hand-derived gradient; mend it in the registry"]
    if own.startswith("disagree"):
        return [*lines, f"odd one out: {backend}'s forward pass, or its gradient with it"]
    return [*lines, f"odd one out: {backend}'s gradient"]


def _hand_against_exact(function: Function, inputs: Inputs) -> str:
    if function.hand is None:
        return "there is no hand-derived gradient"
    try:
        return str(hand_against_exact(function, inputs))
    except (RegistryError, exact.Uncomputable) as error:
        return f"cannot be compared: {error}"


def _own_against_exact(examiner: Examiner, finding: Finding) -> str:
    truth = examiner.reference.truth(finding.inputs)
    if finding.judgement.verdict not in FAILING or finding.judgement.verdict == Verdict.UNSUPPORTED:
        return "not compared"
    try:
        own = examiner.own_differences(finding.inputs)
    except Exception as error:
        return f"cannot be taken: {error}"
    gaps = [
        (e.distance(d) <= error) | ~np.isfinite(error)
        for e, d, error in zip(truth.gradient, own.gradient, own.error, strict=True)
    ]
    if truth.kink is not None:
        return "a kink, not compared"
    if not any(np.isfinite(error).any() for error in own.error):
        return "cannot tell: halving the step does not settle them"
    return "agree within their estimated error" if all(gap.all() for gap in gaps) else "disagree"
