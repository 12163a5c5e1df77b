"""The verdicts of a run on one function, for who looks it up."""

from collections.abc import Iterable

from gradproof.registry import Function
from gradproof.report.closing.summary import in_order
from gradproof.report.rows.results import Row, name_of, reason_of, size_of, subject_of
from gradproof.report.text import columns

LONGEST = 50
"""What has more letters is told once: one reason for seven modes would fill the screen."""


def verdicts_of(function: Function, rows: Iterable[Row]) -> list[str]:
    """A line for each row of a run: where it ran, its verdict, and how large its error was."""
    lines, first = [], {}
    for row in in_order(row for row in rows if row["function"] == function.name):
        where, told = name_of(row).removeprefix(row["function"]).lstrip("-, "), _told(row)
        place = first.setdefault((row["verdict"], told), where)
        is_again = len(told) > LONGEST and place != where
        lines.append([where, row["verdict"], f"as {place}" if is_again else told])
    return columns(lines) if lines else []


def _told(row: Row) -> str:
    if row.get("known"):
        return f"recorded: {row['cause']}"
    return reason_of(row) if subject_of(row) else size_of(row) or str(row.get("reason") or "")
