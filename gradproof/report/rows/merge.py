"""The results of many runs as one, for `gradproof merge`. Shards, hosts and matrix jobs each leave a file; what they
agree on is kept once, what they do not agree on is said, and what was expected but is not there is named."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gradproof.backends import BACKENDS, DEVICES
from gradproof.backends.adapter import REAL_PART
from gradproof.backends.daily import is_daily, is_large
from gradproof.oracles.verdict import Verdict
from gradproof.registry import Function
from gradproof.registry.names import counted
from gradproof.report.rows.results import (
    CELL,
    DRAWS,
    HOLDS,
    ResultsError,
    Row,
    by_cause,
    cause_of,
    fails,
    family_of,
    fullest,
    kind_of_reason,
    name_of,
    place_of,
    ratio_of,
    read,
    reason_of,
    size_of,
    subject_of,
)
from gradproof.report.text import shortened, wrapped

BY_CHANCE = ("seconds", "spent", "test", *DRAWS)
"""What differs between two runs of one cell that found the same."""

MOST_FILES = 3
"""So many files are named that were made with one seed, or one version of a package."""

SHOWN = 20
"""So many functions are named of those that have no row, and so many contradictions are told."""

FEW = 3
"""So many functions are named of those that fail on a backend."""


@dataclass
class Merged:
    """Rows of all files, one per cell and set of versions.

    `jobs` has the rows of each job as its files gave them; a file JOB.jsonl or JOB.SHARD.jsonl belongs to JOB. Of a
    cell that several have run, the worst row is kept: `duplicates` counts rows that say the same, `others` those of the
    same verdict by other numbers, as other seeds bring, and `conflicts` names those that contradict one another.
    Contradictions by one cause in a derivation or an implementation are `alike`: one thing to be told.
    `unusable` says what is wrong with the files that could not be read, a line each, and `made` has of seeds, profiles
    and packages which file was made with which, each a set of files by its value."""

    cells: dict[str, Row] = field(default_factory=dict)
    jobs: dict[str, list[Row]] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)
    alike: dict[tuple[str, ...], list[str]] = field(default_factory=lambda: defaultdict(list))
    duplicates: int = 0
    others: int = 0
    unusable: list[str] = field(default_factory=list)
    made: dict[str, dict[str, dict[str, None]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(dict)))
    files: list[Path] = field(default_factory=list)
    _file: dict[str, Path] = field(default_factory=dict)
    _other_numbers: set[str] = field(default_factory=set)

    @property
    def rows(self) -> list[Row]:
        """The merged rows, in an order that does not depend on that of the files."""
        return [self.cells[key] for key in sorted(self.cells)]

    def add(self, path: Path, rows: Iterable[Row]) -> None:
        """Take in the rows of one file."""
        self.files.append(path)
        job = self.jobs.setdefault(path.name.split(".")[0], [])
        for row in rows:
            job.append(row)
            self._add_row(row, path)
            for what, value in made_with(row).items():
                self.made[what][value][str(path)] = None

    @property
    def differences(self) -> list[str]:
        """With what the files were made that others were not made with, a line each."""
        return [
            f"{what} {'; '.join(f'{value} in {shortened(list(files), MOST_FILES)}' for value, files in values.items())}"
            for what, every in self.made.items()
            if len(values := {value: every[value] for value in fullest(every)}) > 1
        ]

    @property
    def failing(self) -> list[str]:
        """What fails beside what is recorded, a line for each cause: what is wrong in a function's own code, what could
        not be run, and what is wrong on a backend, each the gravest first."""
        judged = by_cause(row for row in self.rows if fails(row) and row["verdict"] != Verdict.NOT_RUN)
        own = [rows for rows in judged if subject_of(rows[0])]
        lines = [f"{subject_of(rows[0])}, {counted(len(rows), 'cell')}: {why(rows)}" for rows in own]
        return [*lines, *(f"not run, {line}" for line in not_run(self.rows)), *on_backends(judged)]

    @property
    def told(self) -> list[str]:
        """What came of it, as lines for a terminal: how much was there twice, what fails, with what the files were
        made, and what contradicts one another."""
        files = len(self.files)
        parts = [
            f"{counted(len(self.cells), 'cell')} from {counted(files, 'file')}",
            *([f"{counted(self.duplicates, 'row')} there already"] if self.duplicates else []),
            *([f"{self.others} with other numbers and the same verdict: the worst are kept"] if self.others else []),
            counted(len(self.conflicts), "contradiction") if self.conflicts else "no contradiction",
        ]
        lines, failing = wrapped("; ".join(parts)), self.failing
        if self._moved:
            lines += wrapped(f"numbers move with a derivation that is wrong in one of the files: {self._moved}")
        if failing:
            lines += ["what fails:", *(part for line in failing[:SHOWN] for part in wrapped(line, "  "))]
        if len(failing) > SHOWN:
            lines.append(f"  and {len(failing) - SHOWN} more: --summary FILE has every one")
        if self.differences:
            lines += ["the files differ in:", *(part for line in self.differences for part in wrapped(line, "  "))]
        conflicts = [
            f"{lines[0]} (and {len(lines) - 1} more of that)" if len(lines) > 1 else lines[0]
            for lines in self.alike.values()
        ]
        lines += [part for line in conflicts[:SHOWN] for part in wrapped(f"conflict: {line}")]
        more = len(conflicts) - SHOWN
        return [*lines, f"and {more} more: --summary FILE has every one"] if more > 0 else lines

    @property
    def _moved(self) -> str:
        """The functions whose rows have other numbers because one of the files has a wrong derivation of them: what a
        backend is held to follows from it."""
        wrong = {family_of(row) for row in self.rows if row["check"] == "hand" and subject_of(row)}
        return shortened(sorted(wrong & self._other_numbers), FEW)

    def _add_row(self, row: Row, path: Path) -> None:
        key = identity(row)
        kept = self.cells.setdefault(key, row)
        if kept is row:
            self._file[key] = path
            return
        if _finding(kept) == _finding(row):
            self.duplicates += 1
            return
        if _claim(kept) == _claim(row):
            self.others += 1
            self._other_numbers.add(family_of(row))
        else:
            told = f"{_told(kept)} in {self._file[key]}, {_told(row)} in {path}; the worse is kept"
            line = f"{name_of(row)}: {told}"
            self.conflicts.append(line)
            about = next((one for one in (row, kept) if subject_of(one)), None)
            self.alike[cause_of(about) if about else (line,)].append(line)
        if _badness(row) > _badness(kept):
            self.cells[key], self._file[key] = row, path


def made_with(row: Row) -> dict[str, str]:
    """The seed, the profile and the packages with which a row was made, as far as it says so."""
    return {key: str(row[key]) for key in DRAWS if key in row} | row.get("versions", {})


def _told(row: Row) -> str:
    why = "" if row["verdict"] in HOLDS else reason_of(row)
    # What a wrong derivation is off by in the bound of a backend says nothing of that backend.
    told = ", ".join(filter(None, ("" if subject_of(row) else size_of(row), why)))
    return f"{row['verdict']} ({told})" if told else row["verdict"]


def on_backends(causes: Iterable[Sequence[Row]]) -> list[str]:
    """A line for each cause that is no function's own code: the backend, and some of the functions."""
    lines = []
    for rows in causes:
        if not subject_of(rows[0]):
            names = shortened(list(dict.fromkeys(row["function"] for row in rows)), FEW)
            lines.append(f"{place_of(rows[0])}, {counted(len(rows), 'cell')} of {names}: {why(rows)}")
    return lines


def not_run(rows: Iterable[Row]) -> list[str]:
    """A line for each reason for which what fails could not be run, with how many cells it costs."""
    reasons: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if fails(row) and row["verdict"] == Verdict.NOT_RUN:
            reasons[str(row.get("reason"))].append(row)
    return [f"{counted(len(found), 'cell')}: {reason}" for reason, found in reasons.items()]


def why(rows: Sequence[Row]) -> str:
    """The verdict and the reason of rows of one cause, of which the first is the gravest."""
    reasons = list(dict.fromkeys(str(row.get("reason") or "") for row in rows))
    # Of one dtype or number in many the first stands for all; of a derivation its own reason says all.
    many = ", such as" if len(reasons) > 1 and len({kind_of_reason(row) for row in rows}) == 1 else ""
    return f"{rows[0]['verdict']}{many}" + (f": {reasons[0]}" if reasons[0] else "")


def identity(row: Row) -> str:
    """What makes two rows rows of the same cell: its names, what it ran with, and the versions."""
    names = [row[key] for key in CELL]
    return json.dumps([*names, bool(row.get("tf32")), row.get("versions", {})], sort_keys=True)


def _finding(row: Row) -> Row:
    found = {key: value for key, value in row.items() if key not in BY_CHANCE}
    if row["verdict"] == Verdict.UNSUPPORTED and row.get("reason"):
        # An exception's own text may count what its process has done, or say where it lay in memory.
        found["reason"] = re.sub(r"0x[0-9a-f]+|\d+", "#", row["reason"])
    return found


def _claim(row: Row) -> tuple:
    """What a row says of its cell, by whatever numbers; of what does not hold, why as well."""
    why = "" if row["verdict"] in HOLDS else _finding(row).get("reason")
    return row["verdict"], bool(row.get("fails")), bool(row.get("known")), why


def _badness(row: Row) -> tuple[int, float]:
    return Verdict(row["verdict"]).severity, ratio_of(row)


def results_files(given: Sequence[Path]) -> list[Path]:
    """The files that are meant: a folder stands for every .jsonl file in it. One that is not there is found so when it
    is read."""
    found = [sorted(path.rglob("*.jsonl")) if path.is_dir() else [path] for path in given]
    return list(dict.fromkeys(path for paths in found for path in paths))


def merge(paths: Iterable[Path]) -> Merged:
    """Read and merge these files; one that cannot be used costs no other its rows."""
    merged = Merged()
    for path in paths:
        try:
            merged.add(path, read(path))
        except ResultsError as error:
            merged.unusable.append(str(error))
        except FileNotFoundError:
            merged.unusable.append(f"there is no results file or folder {path}")
        except OSError as error:
            merged.unusable.append(f"{path}: {error.strerror}")
    return merged


def unmet(merged: Merged, expected: Iterable[str], registry: Sequence[Function]) -> list[str]:
    """Why what is expected is not there, a line each: of a BACKEND-DEVICE every cell that the default run over the
    `registry` has in its quick mode, of any other job a file in which something was verified."""
    problems = []
    for job in expected:
        backend, _, device = job.partition("-")
        if backend in BACKENDS and device in DEVICES:
            problems += _unmet_cells(merged, backend, device, registry)
        elif job not in merged.jobs:
            problems.append(f"{job}: no results file {job}.jsonl is among those given")
        elif not any(row["verdict"] in HOLDS for row in merged.jobs[job]):
            problems.append(f"{job}: verified nothing{_reasons(merged.jobs[job])}")
    return problems


def _unmet_cells(merged: Merged, backend: str, device: str, registry: Sequence[Function]) -> list[str]:
    rows = [row for row in merged.cells.values() if (row["backend"], row["device"]) == (backend, device)]
    if not rows:
        return [f"{backend}-{device}: no row of it is in any file"]
    found = {row["function"] for row in rows}
    if not found & {function.name for function in registry}:
        others = f"its functions are others than are expected, {_some(sorted(found))}"
        return [f"{backend}-{device}: {others}. Name the file or folder of yours: --functions PATH"]
    problems = []
    for dtype, names in _expected(backend, registry).items():
        cells = [r for r in rows if (r["dtype"], r["check"]) == (dtype, "exact")]
        if names and not any(row["verdict"] in HOLDS for row in cells):
            problems.append(f"{backend}-{device}-{dtype}: verified nothing{_reasons(cells)}")
        absent = sorted({*names} - {row["function"] for row in cells})
        if cells and absent:
            many = f"{counted(len(absent), 'cell')} {'has' if len(absent) == 1 else 'have'}"
            problems.append(f"{backend}-{device}-{dtype}: {many} no row: {_some(absent)}")
    return problems


def _expected(backend: str, registry: Sequence[Function]) -> dict[str, list[str]]:
    """The functions by dtype that a backend has every day in the mode in which it is tried with every function."""
    quick, large = BACKENDS[backend].quick, is_large(registry)
    return {
        dtype: [
            f.name
            for f in registry
            if f.is_complex == (dtype in REAL_PART) and is_daily(f, backend, dtype, quick, large)
        ]
        for dtype in ("float64", "float32", "complex128", "complex64")
    }


def _some(names: Sequence[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _reasons(rows: Iterable[Row]) -> str:
    reasons = sorted({row["reason"] for row in rows if row.get("reason")})
    return f": {'; '.join(reasons)}" if reasons else ""
