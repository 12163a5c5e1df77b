"""What is right beside what came, argument by argument: in how many entries they differ, and the rows in which they do,
in as many digits as tell them apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from gradproof.oracles.verdict import Entry
from gradproof.report.text import shortened

NAMED = 6
"""So many arguments are named that are wrong, and as many that are right."""

SMALL = 24
"""Of an array of more entries the row of the worst one alone is shown."""

WIDTH = 84
"""Letters of a row."""

TITLE = 11
"""Letters for which there is room beside a row."""

FEWEST, MOST = 7, 17
"""Significant digits: as many as are read at a glance, and as many as say a float64."""


@dataclass(frozen=True)
class Compared:
    """What is right and what came for one argument, entry by entry; `wrong` is a mask of what lies beyond its bound."""

    name: str
    expected: np.ndarray
    got: np.ndarray
    wrong: np.ndarray


def counted(compared: Iterable[Compared]) -> str:
    """Which arguments are right, which are not, and in how many of their entries."""
    compared = list(compared)
    wrong = [f"{c.name}: {int(c.wrong.sum())} of {c.wrong.size} entries wrong" for c in compared if c.wrong.any()]
    right = [c.name for c in compared if not c.wrong.any()]
    told = ["; ".join(wrong[:NAMED])] if wrong else []
    told += [f"{len(wrong) - NAMED} more are wrong"] if len(wrong) > NAMED else []
    return "; ".join(told + ([f"right: {shortened(right, NAMED)}"] if right else []))


def asked_again(compared: Sequence[Compared], worst: Entry | None) -> str:
    """The same, of a gradient that was asked for once more behind the one whose `worst` entry failed; and that it is
    another now, where it is: right and wrong at one input would read as a contradiction."""
    told = counted(compared)
    right = [c for c in compared if worst is not None and c.name == worst.argument and not c.wrong.any()]
    if worst is None or not right or (right[0].got == worst.got).any():
        return told
    return f"{told}. Asked for once more at this input, the gradient for {worst.argument} is another, and right"


def beside(one: Compared, at: Sequence[int], most: int, room: int = WIDTH) -> list[tuple[str, str]]:
    """Lines of a title and a text of `room` letters: the rows with wrong entries, no more than `most` of them, that of
    the entry `at` always. Nothing of a single number, or where no entry is wrong."""
    if one.wrong.size < 2 or not one.wrong.any():
        return []
    wrong = [index for index in np.ndindex(one.wrong.shape[:-1]) if one.wrong[index].any()]
    rows = _chosen(wrong, tuple(at[:-1]), most if one.wrong.size <= SMALL else 1)
    digits = _digits(one, rows)
    cells = {row: (_cells(one.expected[row], digits), _cells(one.got[row], digits)) for row in rows}
    width = max(len(cell) for pair in cells.values() for row in pair for cell in row)
    lines: list[tuple[str, str]] = []
    for row, (expected, got) in cells.items():
        first = at[-1] if row == tuple(at[:-1]) else int(np.argmax(one.wrong[row]))
        shown = _window(len(expected), first, max(1, (room - 11) // (width + 1)))
        lines.append((_place(row, shown, len(expected)), f"expected {_row(expected[shown], width)}"))
        lines.append(("", f"got      {_row(got[shown], width)}"))
    title = f"d {one.name}"
    if len(rows) == 1 and len(title + lines[0][0]) <= TITLE:
        return [(title + lines[0][0], lines[0][1]), *lines[1:]]
    left = len(wrong) - len(rows)
    more = [("", f"and {left} more row{'s' if left > 1 else ''} with wrong entries")] if left else []
    return [(title, ""), *((f"  {place}" if place else "", text) for place, text in lines), *more]


def _chosen(rows: list[tuple[int, ...]], worst: tuple[int, ...], most: int) -> list[tuple[int, ...]]:
    first = rows[:most]
    return first if worst in first or worst not in rows else [*first[: most - 1], worst]


def _digits(one: Compared, rows: Iterable[tuple[int, ...]]) -> int:
    """As many digits as tell apart what differs."""
    pairs = [pair for row in rows for pair in zip(one.expected[row], one.got[row], one.wrong[row], strict=True)]
    differing = [(float(right), float(came)) for right, came, is_wrong in pairs if is_wrong]
    for digits in range(FEWEST, MOST):
        if all(f"{right:.{digits}g}" != f"{came:.{digits}g}" for right, came in differing):
            return digits
    return MOST


def _cells(values: np.ndarray, digits: int) -> list[str]:
    return [f"{float(value):.{digits}g}" for value in values]


def _window(size: int, first: int, most: int) -> slice:
    """A part of a row, of `most` entries, that has the entry `first` in it."""
    start = min(max(0, first - most // 2), max(0, size - most))
    return slice(start, min(size, start + most))


def _place(row: tuple[int, ...], shown: slice, size: int) -> str:
    parts = [str(index) for index in row]
    if shown.stop - shown.start < size:
        parts.append(f"{shown.start}:{shown.stop}")
    return f"[{', '.join(parts)}]" if parts else ""


def _row(cells: Sequence[str], width: int) -> str:
    return f"[{' '.join(cell.rjust(width) for cell in cells)}]"
