"""The rows of one operation made few: one for each dtype, mode and kind of input, that of the worst call, with counts
of all."""

from collections import Counter
from collections.abc import Sequence

from gradproof.oracles.verdict import FAILING, Verdict
from gradproof.report.rows.results import CELL, Row, ratio_of


def merged(rows: Sequence[Row]) -> list[Row]:
    """One row for each cell and kind of input. Of failing rows those of different reasons stay apart."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in CELL), []).append(row)
    return [_one(group) for group in groups.values()]


def _one(group: Sequence[Row]) -> Row:
    worst = max(group, key=_badness)
    return worst | {
        "examples": sum(row["examples"] for row in group),
        "seconds": round(sum(row["seconds"] for row in group), 3),
        "counts": dict(Counter(row["verdict"] for row in group)),
    }


def _badness(row: Row) -> tuple[int, float]:
    verdict = Verdict(row["verdict"])
    order = verdict.severity if verdict in FAILING else 0.5 if verdict == Verdict.VERIFIED else 0
    return int(2 * order), ratio_of(row)
