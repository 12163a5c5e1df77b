"""The rows of two runs compared cell by cell, for `--baseline` and `gradproof compare`. What got worse fails: a worse
verdict, an error that grew by more than the noise, a cell that is not run any more. What got better, and what was not
asked for this time, is told."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from gradproof.oracles.verdict import FAILING, Verdict
from gradproof.report.rows.results import CELL, SAYS_NOTHING, Row, name_of

FACTOR, ULP = 2.0, 1.0
"""The noise. An error within its bound has grown where, at the same input, it is more than `FACTOR` times what it was
and more than `ULP` ulp larger. The draws are the same in every run of one seed, and on the same build an answer repeats
itself to the bit; another build may add up in another order, which moves an error by about its own size, or round the
last digit the other way, which is an ulp. At another input there is nothing to compare."""


@dataclass
class Comparison:
    """Lines of text, a line per cell: what got worse by its verdict, whose error grew, what is not run any more, what
    got better, and what else is to be told. `versions` has a line per package of which both runs had one."""

    wrong: list[str] = field(default_factory=list)
    grown: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    right: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)

    @property
    def worse(self) -> list[str]:
        """What fails the run."""
        return self.wrong + self.grown + self.gone

    def blocks(self) -> dict[str, list[str]]:
        """The lines by title, without those that have none."""
        blocks = {
            "versions": self.versions,
            "newly wrong": self.wrong,
            "error grew": self.grown,
            "not run any more": self.gone,
            "newly right": self.right,
            "besides": self.told,
        }
        return {title: lines for title, lines in blocks.items() if lines}


def compare(before: Iterable[Row], now: Iterable[Row], is_selected: Callable[[Row], bool] | None = None) -> Comparison:
    """What changed from one run to another. `is_selected` says whether a cell of the earlier run was asked for in this
    one; without it, that is taken from what the rows of this run have in common."""
    before, now = list(before), list(now)
    old, new = {_cell(row): row for row in before}, {_cell(row): row for row in now}
    result = Comparison(versions=_versions(before, now))
    elsewhere = 0
    for cell, row in new.items():
        was = old.get(cell)
        if was is None:
            result.told.append(f"new: {name_of(row)}: {row['verdict']}")
        elif _is_run(was) and not _is_run(row):
            result.gone.append(f"{name_of(row)}: {was['verdict']} before, {row['verdict']} now{_reason(row)}")
        elif row["verdict"] != was["verdict"]:
            line = f"{name_of(row)}: {was['verdict']} before, {row['verdict']} now{_reason(row)}"
            change = Verdict(row["verdict"]).severity - Verdict(was["verdict"]).severity
            (result.wrong if change > 0 else result.right).append(line)
        elif row["verdict"] not in FAILING and was.get("ratio") is not None and row.get("ratio") is not None:
            if (was.get("input"), was.get("entry")) != (row.get("input"), row.get("entry")):
                elsewhere += 1
            elif has_grown(was, row):
                result.grown.append(f"{name_of(row)}, {row.get('entry')}: {_size(was)} before, {_size(row)} now")
    if elsewhere:
        result.told.append(f"not compared: the errors of {elsewhere} cells, the largest of which is at another input")
    _add_absent(result, [row for cell, row in old.items() if cell not in new], is_selected or _seen_in(now))
    return result


def has_grown(was: Row, row: Row) -> bool:
    """Whether the error of a cell is larger than before by more than the noise, at the same input."""
    error, larger = float(was["error"]), float(row["error"])
    ulp, more = (math.nan if r.get("ulp") is None else float(r["ulp"]) for r in (was, row))
    by_an_ulp = math.isnan(more) or math.isnan(ulp) or more - ulp > ULP
    return larger > FACTOR * error and by_an_ulp


def _add_absent(result: Comparison, rows: Iterable[Row], is_selected: Callable[[Row], bool]) -> None:
    unasked: Counter[str] = Counter()
    for row in rows:
        if not _is_run(row):
            continue
        if is_selected(row):
            result.gone.append(f"{name_of(row)}: {row['verdict']} before, no row now")
        else:
            unasked["-".join([row["backend"], row["device"], row["dtype"], row["mode"]])] += 1
    result.told += [f"not selected this time: {count} cells of {where}" for where, count in unasked.items()]


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


def _versions(before: Iterable[Row], now: Iterable[Row]) -> list[str]:
    found: tuple[dict[str, set[str]], dict[str, set[str]]] = (defaultdict(set), defaultdict(set))
    for versions, rows in zip(found, (before, now), strict=True):
        for row in rows:
            for name, version in row.get("versions", {}).items():
                versions[name].add(version)
    lines = []
    for name in sorted({*found[0], *found[1]}):
        was, is_now = (", ".join(sorted(versions[name])) or "none" for versions in found)
        lines.append(f"{name} {was}" + ("" if was == is_now else f" before, {is_now} now"))
    return lines


def _size(row: Row) -> str:
    ulp = row.get("ulp")
    return f"{float(row['ratio']):.2g} of its bound" + ("" if ulp is None else f" ({float(ulp):.3g} ulp)")


def _cell(row: Row) -> tuple[str, ...]:
    return tuple(row[key] for key in CELL)


def _reason(row: Row) -> str:
    return f": {row['reason']}" if row.get("reason") else ""
