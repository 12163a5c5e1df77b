"""From what a cell found to a script that shows it: everything that the script needs to know is gathered here."""

from gradproof.oracles.agreement import Agreement
from gradproof.oracles.verdict import FAILING, Verdict
from gradproof.report.scripts.capsule import Case, proof, script
from gradproof.report.scripts.sources import CannotWrite
from gradproof.verification.examine import Examiner, Finding
from gradproof.verification.references import agreement


def script_of(examiner: Examiner, finding: Finding) -> str:
    """The script for a failing finding. Raises `CannotWrite`, which says why there is none."""
    cell, judgement = examiner.cell, finding.judgement
    if judgement.verdict not in FAILING:
        raise CannotWrite(f"at this input the gradient is {judgement.verdict}")
    truth = examiner.judged_by.truth(finding.inputs) if judgement.worst is not None else None
    recorded = next((entry for entry in examiner.known if examiner.is_recorded(entry, finding)), None)
    notes = [] if recorded is None else [f"Why: {recorded.reason}."]
    if recorded is not None and recorded.issue.startswith("http"):
        notes.append(f"Issue: {recorded.issue}")
    is_value = judgement.worst is not None and judgement.worst.argument == "value"
    known = agreement(cell.function, finding.inputs) if truth is not None and not is_value else None
    agreed = str(known) if isinstance(known, Agreement) else ""
    case = Case(
        adapter=examiner.adapter,
        version=examiner.version,
        function=cell.function,
        device=cell.device,
        dtype=cell.dtype,
        mode=cell.mode,
        inputs=finding.inputs,
        judgement=judgement,
        truth=truth,
        batch=examiner.batch_of(finding.inputs) if examiner.mode.batched else None,
        proof="" if truth is None else proof(truth, agreed, examiner.mode.order),
        notes=notes,
    )
    return script(case)


def exactly(examiner: Examiner, finding: Finding, check: str) -> Finding:
    """The finding to be shown: where a gradient failed against its own differences, what the exact reference says."""
    if check == "exact" or finding.judgement.verdict == Verdict.UNSUPPORTED:
        return finding
    return examiner.against_truth(finding.inputs)
