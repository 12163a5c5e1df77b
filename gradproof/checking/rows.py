"""The findings of one mode as a row, in the form of `--results`."""

import math
from collections.abc import Sequence

from gradproof.checking.report import Caught, Finding, place
from gradproof.oracles.verdict import Verdict
from gradproof.report.rows.results import VERSION, Row, hexadecimal_of, number

LARGEST_INPUT = 1000
"""Inputs of more numbers are left out of a row."""


def row_of(name: str, backend: str, version: str, caught: Caught, findings: Sequence[Finding], seconds: float) -> Row:
    """One row for the findings of one mode in one dtype. `caught` is what would have been seen up to then."""
    worst = max(findings, key=_badness)
    entry = worst.judgement.worst
    numbers = dict.fromkeys(("error", "bound", "ratio", "ulp"))
    if entry is not None:
        numbers = {kind: number(float(getattr(entry, kind))) for kind in numbers}
        numbers |= {"entry": place(entry.argument, entry.index), "expected": entry.expected, "got": number(entry.got)}
    size = sum(values.size for values in worst.given)
    suspect = max((f.judgement.suspicion.sigmas for f in findings if f.judgement.suspicion is not None), default=None)
    return {
        "function": name,
        "backend": backend,
        "device": worst.device,
        "dtype": worst.dtype,
        "mode": worst.mode,
        "check": "traced",
        "verdict": str(worst.judgement.verdict),
        **numbers,
        "input": hexadecimal_of(dict(worst.inputs)) if size <= LARGEST_INPUT else None,
        "examples": len(findings),
        "seconds": round(seconds, 3),
        "versions": {"gradproof": VERSION, backend: version},
        "caught": {argument: number(value) for argument, value in caught.items()},
        "reason": worst.judgement.reason,
        "suspect": None if suspect is None else number(suspect),
    }


def _badness(finding: Finding) -> tuple[int, float]:
    verdict = finding.judgement.verdict
    ratio = -1.0 if finding.judgement.worst is None else finding.judgement.worst.ratio
    failing = verdict.severity if finding.fails or verdict == Verdict.INCONCLUSIVE else 0
    return failing, math.inf if math.isnan(ratio) else ratio
