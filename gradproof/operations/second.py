"""A second reference for an entry that is wrong: differences of the framework's own forward pass in its widest dtype.
They know nothing of the trace, of ball arithmetic, or of anybody's rule for a derivative."""

from typing import Any

import numpy as np

from gradproof.backends.operations import Sample
from gradproof.checking.problem import Problem, problem_of
from gradproof.checking.report import Finding

LEVELS = 6
"""So often a step is halved, and the differences are extrapolated."""

AGREES = 1e-4
"""How far differences may be from a derivative of which they are taken to be one, relatively."""


def opinion(sample: Sample, finding: Finding) -> str:
    """Whom the differences agree with: "the truth", "the framework", "both" or "neither"; empty where there is no entry
    to ask about, or no forward pass in the widest dtype."""
    entry = finding.judgement.worst
    if entry is None or entry.argument == "value" or finding.order != 1 or not finding.expected:
        return ""
    try:
        problem = problem_of(sample.f, sample.args, dtype="float64")
        slope, spread = _slope(problem, entry.argument, entry.index)
    except Exception:  # whatever the operation raises in another dtype, or beside its input
        return ""
    expected = float(finding.expected[entry.argument][entry.index])
    width = AGREES * max(abs(slope), abs(expected), 1e-30) + spread
    near = {"the truth": abs(slope - expected) <= width, "the framework": abs(slope - entry.got) <= width}
    named = [name for name, agrees in near.items() if agrees]
    return named[0] if len(named) == 1 else "both" if named else "neither"


def _slope(problem: Problem, name: str, index: tuple[int, ...]) -> tuple[float, float]:
    """The derivative in one entry by extrapolated central differences, and how far the last two of them differ."""
    calls = problem.calls
    part = 1j if name.startswith("Im ") else 1.0
    plain = name.removeprefix("Re ").removeprefix("Im ")
    number = [argument.name for argument in problem.arguments].index(plain)
    arrays = [np.array(calls.to_numpy(leaf)) for leaf in problem.leaves]

    def value(step: float) -> float:
        moved = [x.copy() for x in arrays]
        moved[number][index] = moved[number][index] + step * part
        made = [calls.like(x, a.leaf, a.dtype) for x, a in zip(moved, problem.arguments, strict=True)]
        return float(np.real(calls.to_numpy(problem.scalar(*made))))

    size = abs(arrays[number][index])
    first = 1e-2 * float(size) if size else 1e-3
    rows: list[list[float]] = []
    for level in range(LEVELS):
        step = first / 2.0**level
        row = [(value(step) - value(-step)) / (2 * step)]
        for k, before in enumerate(rows[-1] if rows else []):
            row.append(row[k] + (row[k] - before) / (4.0 ** (k + 1) - 1))
        rows.append(row)
    best: Any = min(
        ((abs(rows[i][-1] - rows[i - 1][-1]), rows[i][-1]) for i in range(1, LEVELS)), key=lambda pair: pair[0]
    )
    return float(best[1]), float(best[0])
