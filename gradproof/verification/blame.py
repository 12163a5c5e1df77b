"""Who agrees with whom at a failing input, and who is the odd one out: the hand-derived gradient, the exact
differences, the backend's own finite differences, the backend's gradient, and what the other backends say that this run
has imported anyway."""

import sys

import numpy as np

from gradproof.backends import BACKENDS
from gradproof.oracles import exact
from gradproof.oracles.agreement import hand_against_exact
from gradproof.oracles.machine_model import FORMATS, MachineModel
from gradproof.oracles.verdict import FAILING, Verdict
from gradproof.registry import Function, Inputs, RegistryError
from gradproof.report.answers import answer
from gradproof.verification.examine import Examiner, Finding, reference_of


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
    others = _others(function, finding.inputs, backend)
    lines += [f"other backends / exact reference, in float64: {others}"] if others else []
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


def _others(function: Function, inputs: Inputs, backend: str) -> str:
    """What the other backends say whose adapter is imported already: a failure imports none."""
    told = {}
    for name in BACKENDS:
        if name != backend and f"gradproof.backends.{name}.adapter" in sys.modules:
            told.setdefault(_against_exact(function, inputs, name), []).append(name)
    return "; ".join(f"{', '.join(names)}: {verdict}" for verdict, names in told.items())


def _against_exact(function: Function, inputs: Inputs, name: str) -> str:
    given = answer(function, name, inputs)
    if isinstance(given, str):
        return "no gradient"
    reference = reference_of(function)
    truth, bounds = reference.truth(inputs), reference.bounds(inputs, MachineModel(FORMATS["float64"])).gradient
    if truth.kink is not None:
        return "a subgradient" if truth.kink.admits(given, bounds) else "no subgradient"
    gaps = zip(truth.gradient, given, bounds, strict=True)
    return "agree" if all((e.distance(got) <= bound).all() for e, got, bound in gaps) else "disagree"


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
