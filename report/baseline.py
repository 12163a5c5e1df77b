"""`--baseline`: two result files compared cell by cell. What got worse fails the run; what got better, and what was not
run this time, is told."""

import json
from collections.abc import Iterable
from pathlib import Path

from oracles.verdict import Verdict
from report.results import Row

CELL = ("function", "backend", "device", "dtype", "mode", "check")


class BaselineError(Exception):
    """A baseline that cannot be read. The message names the file and the line."""


def read(path: Path) -> list[Row]:
    """The rows of a results file. A last line that was cut off, as by a killed run, is left out."""
    rows = []
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            Verdict(row["verdict"]), [row[key] for key in CELL]
            rows.append(row)
        except (ValueError, KeyError, TypeError) as error:
            if number < len(lines):
                raise BaselineError(f"{path}, line {number} is no result row: {error!r}") from error
    return rows


def compare(before: Iterable[Row], now: Iterable[Row]) -> tuple[list[str], list[str]]:
    """What got worse and what is merely to be told, a line per cell, of the cells that this run has rows of."""
    old = {_cell(row): row for row in before}
    worse, told = [], []
    for row in now:
        was = old.get(_cell(row))
        if was is None:
            told.append(f"new: {_name(row)}: {row['verdict']}")
            continue
        change = Verdict(row["verdict"]).severity - Verdict(was["verdict"]).severity
        if change:
            line = f"{_name(row)}: {was['verdict']} before, {row['verdict']} now{_reason(row)}"
            (worse if change > 0 else told).append(line)
    return worse, told


def _cell(row: Row) -> tuple[str, ...]:
    return tuple(row[key] for key in CELL)


def _name(row: Row) -> str:
    return f"{'-'.join(_cell(row)[:5])}, {row['check']}"


def _reason(row: Row) -> str:
    return f": {row['reason']}" if row.get("reason") else ""
