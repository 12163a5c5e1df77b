"""What fails in a run, told once for the code at fault: one wrong rule shows in many dtypes and modes, and whoever
reads nine reports of it reads none."""

import re
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradproof.oracles.verdict import Verdict
from gradproof.report.rows.results import CELL, PROPERTY, Row, kind_of_reason, ratio_of
from gradproof.report.text import shortened

MOST_PLACES = 8
"""So many places are named at which a cause shows."""

REASON = 60
"""So many letters of what was raised there stand beside them."""

CHECKS = ("hand", "exact", "differences")
SUBJECT, WHERE, FAMILY = "subject", "where", "family"
"""The properties of a test that say whose code is at fault, in which file and line, and of which function."""


@dataclass(frozen=True)
class Failed:
    """One test that failed: its id, its row, the text of its failure, and whose code is at fault, and where."""

    test: str
    row: Row
    text: str
    subject: str
    where: str
    family: str

    @classmethod
    def of(cls, test: str, properties: Iterable[tuple[str, Any]], text: str) -> "Failed | None":
        """From the properties of a test of ours; None where it has left no row."""
        given: Mapping[str, Any] = dict(properties)
        if PROPERTY not in given:
            return None
        row = given[PROPERTY]
        function = str(row["function"])
        told = [str(given.get(key, default)) for key, default in ((SUBJECT, function), (WHERE, ""), (FAMILY, function))]
        # Under pytest-xdist each text begins with the worker's name.
        return cls(test, row, re.sub(r"\A(\[gw\d+\][^\n]*\n)+", "", text.lstrip()), *told)

    @property
    def cause(self) -> tuple[str, ...]:
        """What two failures of one cause have in common: the bad entry and its problem, or the code at fault and, where
        it is not the derivation, the backend that ran it."""
        if self.row["verdict"] == Verdict.NOT_RUN:
            # What is wrong with a function is told of its variants under their names.
            return self.family, str(self.row.get("reason")).replace(self.row["function"], self.family)
        return self.family, "" if self.is_of_the_derivation else self.row["backend"]

    @property
    def is_of_the_derivation(self) -> bool:
        """Whether the hand-derived gradient is at fault, which no backend has a part in."""
        return self.subject.startswith("the hand-derived gradient")

    @property
    def is_a_line(self) -> bool:
        """Whether nothing was run, and why is all there is to say."""
        return self.row["verdict"] == Verdict.NOT_RUN and "\n" not in self.text.strip()

    @property
    def headline(self) -> str:
        """The first line of its text."""
        return self.text.strip().partition("\n")[0]


def by_cause(failed: Iterable[Failed]) -> list[list[Failed]]:
    """The failures of each cause, the plainest of them first: the derivation before a gradient, reverse mode before
    others, and the worst verdict before others."""
    causes: dict[tuple[str, ...], list[Failed]] = defaultdict(list)
    for one in failed:
        causes[one.cause].append(one)
    return [sorted(group, key=_plainness) for group in causes.values()]


def _plainness(failed: Failed) -> tuple:
    row = failed.row
    check = CHECKS.index(row["check"]) if row["check"] in CHECKS else len(CHECKS)
    # A dtype or a shape that is wrong says less than a number that is.
    return (
        check,
        -Verdict(row["verdict"]).severity,
        ratio_of(row) < 0,
        row["mode"] != "reverse",
        row["dtype"] != "float64",
    )


def the_same(group: Sequence[Failed], most: int = MOST_PLACES) -> str:
    """Where else the code that the first of these accuses fails, on one line, with so many places at most; empty where
    nowhere else. What is refused fails for a reason of its own, which is told with it."""
    first, *others = group
    if not others:
        return ""
    if first.row["verdict"] == Verdict.NOT_RUN:
        return f"the same in {len(others)} more {'cell' if len(others) == 1 else 'cells'}"
    places: dict[str, list[str]] = defaultdict(list)
    for other in others:
        places[_how(other.row, first.row)].append(_place(other.row, first.row))
    told = (f"{how} in {shortened(list(dict.fromkeys(names)), most)}" for how, names in places.items())
    return f"also {'; '.join(told)}"


def _how(row: Row, first: Row) -> str:
    """The verdict; with what was raised, where that is not what the first of its cause has raised."""
    verdict, reason = str(row["verdict"]), kind_of_reason(row)
    if verdict != Verdict.UNSUPPORTED or not reason or reason == kind_of_reason(first):
        return verdict
    return f"{verdict} ({textwrap.shorten(str(row['reason']), REASON, placeholder=' …')})"


def _place(row: Row, first: Row) -> str:
    """What names a row beside the first of its cause: of all that names it, what is another."""
    names = [row[key] for key in CELL[:5] if row[key] != first[key]]
    if row["check"] == "differences":
        names.append("own differences")
    return " ".join(names) or row["dtype"]
