"""The references of a failure: who agrees with the truth at that input, and who is the odd one out. Asked are the
hand-derived gradient, the backend's own finite differences, its gradient, and the other backends that this run has
imported anyway."""

import math
import sys

from gradproof.backends import BACKENDS
from gradproof.backends.daily import WIDE
from gradproof.oracles import exact
from gradproof.oracles.agreement import MEND, Agreement, hand_against_exact
from gradproof.oracles.verdict import FAILING, Verdict
from gradproof.registry import Function, Inputs, RegistryError
from gradproof.report.answers import answer
from gradproof.report.opinions import DOUBLE, answered, by_hand, differenced, digits_between, true_of
from gradproof.verification.examine import Examiner, Finding, reference_of, second_order_of

COMPARING_SECONDS = 5.0
"""As long a derivation is held to exact differences, entry by entry, while somebody waits for the failure."""

WITHIN, OUTSIDE = "a subgradient", "no subgradient"
"""What an answer is at a kink."""

LOST_AGAIN = (
    ", which is 0 in every entry, as where a backward pass is marked once_differentiable or detaches what it computes; "
    'where none is meant, declare it: .implementation(…, modes=("reverse",))'
)


def references(examiner: Examiner, finding: Finding, check: str) -> list[str]:
    """A line per comparison, and a last line that names the odd one out."""
    if examiner.mode.order == 2:
        return _of_second_order(examiner, finding)
    function, backend = examiner.cell.function, examiner.cell.backend
    hand = agreement(function, finding.inputs)
    own = _own_against_exact(examiner, finding)
    against = "its own finite differences" if check == "differences" else "the exact reference"
    if not function.has_body:
        against = against.replace("the exact reference", "the exact gradient of its own traced forward pass")
    lines = [
        f"{backend}'s gradient / {against}: {finding.judgement.verdict}",
        f"hand-derived gradient / exact differences: {hand}",
        f"{backend}'s own finite differences / exact reference: {own}",
    ]
    others = _others(function, finding.inputs, backend) if function.has_body else ""
    lines += [f"other backends / exact reference, in float64: {others}"] if others else []
    return [*lines, f"odd one out: {_odd_one_out(examiner, hand, own)}"]


def _odd_one_out(examiner: Examiner, hand: Agreement | str, own: str) -> str:
    function, backend = examiner.cell.function, examiner.cell.backend
    gradient = f"{backend}'s gradient" + (" of the implementation" if backend in function.implementations else "")
    derivation = ""
    if hand == OUTSIDE or (isinstance(hand, Agreement) and not hand.holds):
        cure = MEND if isinstance(hand, str) else hand.cure
        derivation = f"the hand-derived gradient ({function.hand_where}): {cure}"
    if derivation and not examiner.adapter.differentiates:
        return derivation
    if own.startswith("disagree"):
        gradient = f"{backend}'s forward pass, or its gradient with it"
    # The backend was held to exact differences, or to its own: the derivation has no part in its failure.
    return f"{gradient}; and, for itself, {derivation}" if derivation else gradient


def _of_second_order(examiner: Examiner, finding: Finding) -> list[str]:
    function, backend, inputs = examiner.cell.function, examiner.cell.backend, finding.inputs
    if not function.has_body:
        against = f"{backend}'s H v / second pass over its own traced forward pass: {finding.judgement.verdict}"
        return [against, f"odd one out: {backend}'s second derivative of the implementation"]
    change, odd = "the change of the hand-derived gradient along v", f"{backend}'s second derivative"
    if backend in function.implementations and not any(part.any() for part in examiner.answers(inputs)[0].gradient):
        odd += LOST_AGAIN
    held, derivation = "second differences of f", "there is no hand-derived gradient"
    if function.hand is not None:
        agrees = second_order_of(function).derivation_agrees(inputs)
        derivation = f"{change} / exact second differences of f: {'agree' if agrees else 'disagree'}"
        if second_order_of(function).has_derivation(inputs):
            held = change
        else:
            odd += f"; and, for itself, the hand-derived gradient ({function.hand_where}): {MEND}"
    return [
        f"{backend}'s H v / exact reference, {held}: {finding.judgement.verdict}",
        derivation,
        f"{backend}'s gradient / exact reference, in float64: {_against_exact(function, inputs, backend)}",
        f"odd one out: {odd}",
    ]


def agreement(function: Function, inputs: Inputs) -> Agreement | str:
    """How far the hand-derived gradient agrees with exact differences, or why that cannot be told. At a kink, where a
    difference is that of one side, whether it is a subgradient. Found once for each input, in a few seconds."""
    if function.hand is None:
        return "there is no hand-derived gradient"
    try:
        if reference_of(function).truth(inputs).kink is not None:
            return _at_kink(function, inputs)
        return reference_of(function).kept.found(
            "agreement", inputs, lambda: hand_against_exact(function, inputs, COMPARING_SECONDS)
        )
    except (RegistryError, exact.Uncomputable) as error:
        return f"cannot be compared: {error}"


def _at_kink(function: Function, inputs: Inputs) -> str:
    """Whether the hand-derived gradient is a subgradient."""
    reference = reference_of(function)
    opinion = by_hand(function, inputs, reference.truth(inputs), reference.wider(inputs, DOUBLE))
    if opinion.problem:
        return f"cannot be compared: {opinion.problem}"
    return OUTSIDE if opinion.admitted is False else WITHIN


def _others(function: Function, inputs: Inputs, backend: str) -> str:
    """What the other backends say whose adapter is imported already: a failure imports none."""
    told = {}
    for name in BACKENDS:
        if name != backend and f"gradproof.backends.{name}.adapter" in sys.modules:
            told.setdefault(_against_exact(function, inputs, name), []).append(name)
    return "; ".join(f"{', '.join(names)}: {verdict}" for verdict, names in told.items())


def _against_exact(function: Function, inputs: Inputs, name: str) -> str:
    reference = reference_of(function)
    truth, bounds = reference.truth(inputs), reference.wider(inputs, DOUBLE)
    if truth.kink is not None:
        given = answer(function, name, inputs)
        if isinstance(given, str):
            return "no gradient"
        return WITHIN if truth.kink.admits(given, bounds.gradient) else OUTSIDE
    opinion = answered(function, name, inputs, bounds)
    if opinion.problem:
        return "no gradient"
    return "agree" if digits_between(true_of(truth), opinion) == math.inf else "disagree"


def _own_against_exact(examiner: Examiner, finding: Finding) -> str:
    if finding.judgement.verdict not in FAILING or finding.judgement.verdict == Verdict.UNSUPPORTED:
        return "not compared"
    if not (examiner.cell.function.has_body or examiner.cell.dtype in WIDE):
        return "not compared: they are taken in another dtype than the trace"
    try:
        own = examiner.own_differences(finding.inputs)
    except Exception as error:
        return f"cannot be taken: {error}"
    truth = examiner.reference.truth(finding.inputs)
    if truth.kink is not None:
        return "a kink, not compared"
    digits = digits_between(true_of(truth), differenced(examiner.cell.backend, own))
    if math.isnan(digits):
        return "cannot tell: halving the step does not settle them"
    return "agree within their estimated error" if digits == math.inf else "disagree"
