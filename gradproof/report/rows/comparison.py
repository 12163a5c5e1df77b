"""The rows of two runs compared cell by cell, for `--baseline` and `gradproof compare`. What got worse fails: a worse
verdict, an error that grew by more than the noise, a cell that is not run any more. What got better, and what was not
asked for this time, is told."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from gradproof.oracles.verdict import FAILING, Verdict
from gradproof.registry.names import counted
from gradproof.report.rows.results import (
    BY_HAND,
    CELL,
    DRAWS,
    HOLDS,
    SAYS_NOTHING,
    Row,
    cause_of,
    fails,
    fullest,
    kind_of_reason,
    name_of,
    place_of,
    reason_of,
    size_of,
    subject_of,
)
from gradproof.report.text import shortened

FACTOR, ULP = 2.0, 1.0
"""The noise. An error within its bound has grown where, at the same input, it is more than `FACTOR` times what it was
and more than `ULP` ulp larger. The draws are the same in every run of one seed, and on the same build an answer repeats
itself to the bit; another build may add up in another order, which moves an error by about its own size, or round the
last digit the other way, which is an ulp. At another input there is nothing to compare."""


WRONG, GROWN, GONE, RIGHT = "newly wrong", "error grew", "not run any more", "newly right"
OTHERWISE = "failed before, and fails in another way"
NEW, BESIDES, DREW = "new cells", "besides", "draws"
"""The titles of what changed."""

CHANGED = " before, "
"""What stands between what was and what is."""

NAMED = 3
"""So many functions are named of cells that changed alike."""


@dataclass
class Comparison:
    """Lines of text, a line per cell: what got worse by its verdict, whose error grew, what is not run any more, what
    got better, what is new, and what else is to be told. `versions` has a line per package of which both runs had one,
    and `draws` a line where their seeds or profiles are others.
    `groups` has by title, backend and cause the rows that changed alike; where a derivation or an implementation is
    wrong, by that and its cause alone, whichever backend ran it. `compared` is how many cells there were in both, or
    were to be."""

    wrong: list[str] = field(default_factory=list)
    grown: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    right: list[str] = field(default_factory=list)
    otherwise: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    draws: list[str] = field(default_factory=list)
    groups: dict[str, dict[tuple[str, ...], list[Row]]] = field(default_factory=dict)
    compared: int = 0

    def note(self, title: str, row: Row, what: str, cause: str, subject: str = "") -> None:
        """Take in a cell and what became of it; `cause` is what cells that changed alike have in common, and `subject`
        whose code it is about where that is no backend's."""
        self._lines[title].append(f"{name_of(row)}{what}")
        alike = ("", *(cause_of(row) if subject_of(row) else (subject,))) if subject else (place_of(row), cause)
        self.groups.setdefault(title, {}).setdefault(alike, []).append(row)

    @property
    def told(self) -> list[str]:
        """What fails nothing."""
        return self.otherwise + self.new + self.remarks

    @property
    def _lines(self) -> dict[str, list[str]]:
        fails = {WRONG: self.wrong, GROWN: self.grown, GONE: self.gone}
        return fails | {OTHERWISE: self.otherwise, RIGHT: self.right, NEW: self.new}

    @property
    def worse(self) -> list[str]:
        """What fails the run."""
        return self.wrong + self.grown + self.gone

    @property
    def counted(self) -> str:
        """How many cells got worse, of how many, and how many better."""
        told = f"{len(self.worse)} of {counted(self.compared, 'cell')} got worse, {len(self.right)} better"
        return told + (f", {len(self.otherwise)} failing in another way" if self.otherwise else "")

    def blocks(self) -> dict[str, list[str]]:
        """The lines by title, without those that have none."""
        blocks = {
            DREW: self.draws,
            "versions": self.versions,
            **self._lines,
            BESIDES: self.remarks,
        }
        return {title: lines for title, lines in blocks.items() if lines}

    @property
    def changed_versions(self) -> list[str]:
        """The packages of which the runs had different versions."""
        return [line for line in self.versions if CHANGED in line]

    def brief_of_worse(self) -> list[str]:
        """What fails the run, in a line for what changed alike."""
        return [line for title, lines in self.brief().items() if title in (WRONG, GROWN, GONE) for line in lines]

    def brief(self) -> dict[str, list[str]]:
        """The same with a line for the cells of a backend that changed alike, the many first, and of the versions
        those that changed."""
        blocks = {DREW: self.draws, "versions": self.changed_versions}
        for title, lines in self._lines.items():
            groups = sorted(self.groups.get(title, {}).items(), key=lambda group: -len(group[1]))
            blocks[title] = [_alike(key[0], key[-1], rows, lines) for key, rows in groups]
        blocks[BESIDES] = self.remarks
        return {title: lines for title, lines in blocks.items() if lines}


def compare(before: Iterable[Row], now: Iterable[Row], is_selected: Callable[[Row], bool] | None = None) -> Comparison:
    """What changed from one run to another. `is_selected` says whether a cell of the earlier run was asked for in this
    one; without it, that is taken from what the rows of this run have in common."""
    before, now = list(before), list(now)
    old, new = {_cell(row): row for row in before}, {_cell(row): row for row in now}
    result = Comparison(versions=_versions(before, now), draws=_draws(before, now))
    result.compared = len({*old} & {*new})
    elsewhere = 0
    for cell, row in new.items():
        was = old.get(cell)
        if was is None:
            subject = subject_of(row)
            told = f"{row['verdict']}: {reason_of(row)}" if subject else str(row["verdict"])
            result.note(NEW, row, f": {told}", told, subject)
        elif _is_run(was) and not _is_run(row):
            result.note(GONE, row, f": {_change(was, row)}", _change(was, row))
        elif row["verdict"] != was["verdict"]:
            worse = Verdict(row["verdict"]).severity > Verdict(was["verdict"]).severity
            subject = subject_of(row) or subject_of(was)
            result.note(WRONG if worse else RIGHT, row, f": {_change(was, row)}", _change(was, row), subject)
        elif row["verdict"] in FAILING:
            told, cause = _in_another_way(was, row) if fails(was) or fails(row) else ("", "")
            if told:
                result.note(OTHERWISE, row, f": {told}", cause, subject_of(row))
        elif was.get("ratio") is not None and row.get("ratio") is not None:
            if (was.get("input"), was.get("entry")) != (row.get("input"), row.get("entry")):
                elsewhere += 1
            elif has_grown(was, row):
                result.note(GROWN, row, f", {row.get('entry')}: {_size(was)} before, {_size(row)} now", "")
    if elsewhere:
        result.remarks.append(
            f"not compared: the errors of {counted(elsewhere, 'cell')}, which are largest at another input than before"
        )
    _add_absent(result, [row for cell, row in old.items() if cell not in new], is_selected or _seen_in(now))
    return result


def has_grown(was: Row, row: Row) -> bool:
    """Whether the error of a cell is larger than before by more than the noise, at the same input."""
    error, larger = float(was["error"]), float(row["error"])
    ulp, more = (math.nan if r.get("ulp") is None else float(r["ulp"]) for r in (was, row))
    by_an_ulp = math.isnan(more) or math.isnan(ulp) or more - ulp > ULP
    return larger > FACTOR * error and by_an_ulp


def _in_another_way(was: Row, row: Row) -> tuple[str, str]:
    """How a cell fails that failed before by the same verdict, for another reason or by more, and what it has in common
    with others; empty where neither."""
    now = f"{row['verdict']} now: {reason_of(row)}"
    if kind_of_reason(was) != kind_of_reason(row):
        told = f"{was['verdict']}{CHANGED}{now}; it was: {was.get('reason') or 'without a reason'}"
        return told, told
    is_there = None not in (was.get("ratio"), row.get("ratio"))
    at_one = is_there and (was.get("input"), was.get("entry")) == (row.get("input"), row.get("entry"))
    grown = at_one and has_grown(was, row)
    return (f"{size_of(was)}{CHANGED}{size_of(row)} now: {reason_of(row)}" if grown else ""), ""


def _add_absent(result: Comparison, rows: Iterable[Row], is_selected: Callable[[Row], bool]) -> None:
    unasked: Counter[str] = Counter()
    for row in rows:
        if not _is_run(row):
            continue
        if is_selected(row):
            result.compared += 1
            result.note(GONE, row, f": {row['verdict']} before, no row now", f"{row['verdict']} before, no row now")
        else:
            unasked[place_of(row)] += 1
    told = {where: where if where == BY_HAND else f"of {where}" for where in unasked}
    result.remarks += [f"not selected this time: {count} cells {told[where]}" for where, count in unasked.items()]


def _change(was: Row, row: Row) -> str:
    # What was wrong is named also where it is right now, or a backend would be.
    told = (subject_of(was) if row["verdict"] in HOLDS else "") or reason_of(row)
    return f"{was['verdict']}{CHANGED}{row['verdict']} now" + (f": {told}" if told else "")


def _alike(where: str, cause: str, rows: Sequence[Row], lines: Sequence[str]) -> str:
    """One line for cells that changed alike; of one cell, or where each has numbers of its own, that of the first."""
    plainest = min(rows, key=lambda row: row["check"] != "hand")
    first = next(line for line in lines if line.startswith(name_of(plainest)))
    if len(rows) == 1:
        return first
    if not where:
        places = shortened(list(dict.fromkeys(map(place_of, rows))), NAMED)
        return f"{first.removeprefix(f'{name_of(plainest)}: ')}; in {len(rows)} cells, {places}"
    names = shortened(list(dict.fromkeys(row["function"] for row in rows)), NAMED)
    return f"{where}, {len(rows)} cells of {names}: {cause or f'such as {first}'}"


def _seen_in(rows: Iterable[Row]) -> Callable[[Row], bool]:
    """Taken to be selected: a function and a place of which this run has rows, though not this one."""
    functions, places = set(), set()
    for row in rows:
        functions.add(row["function"])
        places.add(_place(row))
    return lambda row: row["function"] in functions and _place(row) in places


def _place(row: Row) -> tuple[str, ...]:
    return _cell(row)[1:]


def _is_run(row: Row) -> bool:
    return row["verdict"] not in SAYS_NOTHING


def _draws(before: Sequence[Row], now: Sequence[Row]) -> list[str]:
    """That two runs drew other inputs, in one line; nothing where a file does not say what it drew."""
    values = {
        key: [", ".join(sorted({str(row[key]) for row in rows if key in row})) for rows in (before, now)]
        for key in DRAWS
    }
    differ = [
        f"{key} {was}{CHANGED}{is_now} now" for key, (was, is_now) in values.items() if was and is_now and was != is_now
    ]
    return ["; ".join(differ)] if differ else []


def _versions(before: Iterable[Row], now: Iterable[Row]) -> list[str]:
    found: tuple[dict[str, set[str]], dict[str, set[str]]] = (defaultdict(set), defaultdict(set))
    for versions, rows in zip(found, (before, now), strict=True):
        for row in rows:
            for name, version in row.get("versions", {}).items():
                versions[name].add(version)
    lines = []
    for name in sorted({*found[0], *found[1]}):
        was, is_now = (", ".join(fullest(versions[name])) or "none" for versions in found)
        lines.append(f"{name} {was}" + ("" if was == is_now else f" before, {is_now} now"))
    return lines


def _size(row: Row) -> str:
    ulp = row.get("ulp")
    return size_of(row) + ("" if ulp is None else f" ({float(ulp):.3g} ulp)")


def _cell(row: Row) -> tuple[str, ...]:
    return tuple(row[key] for key in CELL)
