"""The verdicts of a run on one function, for who looks it up."""

from collections.abc import Iterable

from gradproof.registry import Function
from gradproof.report.closing.summary import in_order
from gradproof.report.rows.results import Row, name_of, reason_of, size_of, subject_of
from gradproof.report.text import columns


def verdicts_of(function: Function, rows: Iterable[Row]) -> list[str]:
    """A line for each row of a run: where it ran, its verdict, and how large its error was."""
    lines = []
    for row in in_order(row for row in rows if row["function"] == function.name):
        size = reason_of(row) if subject_of(row) else size_of(row) or str(row.get("reason") or "")
        known = f"recorded: {row['cause']}" if row.get("known") else ""
        where = name_of(row).removeprefix(row["function"]).lstrip("-, ")
        lines.append([where, row["verdict"], known or size])
    return columns(lines) if lines else []
