"""The results of many runs as one: `python -m report.merge RESULTS… --output merged.jsonl --summary summary.md --expect
JOB…`. Shards, hosts and matrix jobs each leave a file; what they agree on is kept once, what they do not agree on is
said, and what was expected but is not there fails."""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gradproof import registry
from gradproof.backends import BACKENDS, DEVICES
from gradproof.backends.adapter import REAL_PART
from gradproof.backends.daily import is_daily, is_large
from gradproof.oracles.verdict import Verdict
from gradproof.registry import Function
from gradproof.report.rows import baseline, markdown
from gradproof.report.rows.results import Row, ratio_of

BY_CHANCE = ("seconds", "spent", "test")
"""What differs between two runs of one cell that found the same."""

HELD = ("verified", "convention")
"""The verdicts that say that something was verified."""


@dataclass
class Merged:
    """Rows of all files, one per cell and set of versions.

    `jobs` has the rows of each job as its files gave them; a file JOB.jsonl or JOB.SHARD.jsonl belongs to JOB."""

    cells: dict[str, Row] = field(default_factory=dict)
    jobs: dict[str, list[Row]] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)
    duplicates: int = 0

    @property
    def rows(self) -> list[Row]:
        """The merged rows, in an order that does not depend on that of the files."""
        return [self.cells[key] for key in sorted(self.cells)]

    def add(self, path: Path, rows: Iterable[Row]) -> None:
        """Take in the rows of one file."""
        job = self.jobs.setdefault(path.name.split(".")[0], [])
        for row in rows:
            job.append(row)
            self._add_row(row, path)

    def _add_row(self, row: Row, path: Path) -> None:
        key = identity(row)
        kept = self.cells.setdefault(key, row)
        if kept is row:
            return
        if _finding(kept) == _finding(row):
            self.duplicates += 1
            return
        worse = max(kept, row, key=_badness)
        self.cells[key] = worse
        self.conflicts.append(
            f"{_name(row)}: {row['verdict']} in {path.name}, {kept['verdict']} before; "
            f"kept: {worse['verdict']}, error / bound {worse.get('ratio')}"
        )


def identity(row: Row) -> str:
    """What makes two rows rows of the same cell: its names, what it ran with, and the versions."""
    names = [row[key] for key in baseline.CELL]
    return json.dumps([*names, bool(row.get("tf32")), row.get("versions", {})], sort_keys=True)


def _finding(row: Row) -> Row:
    found = {key: value for key, value in row.items() if key not in BY_CHANCE}
    if row["verdict"] == Verdict.UNSUPPORTED and row.get("reason"):
        # An exception's own text may count what its process has done, or say where it lay in memory.
        found["reason"] = re.sub(r"0x[0-9a-f]+|\d+", "#", row["reason"])
    return found


def _badness(row: Row) -> tuple[int, float]:
    return Verdict(row["verdict"]).severity, ratio_of(row)


def _name(row: Row) -> str:
    return f"{'-'.join(row[key] for key in baseline.CELL[:5])}, {row['check']}"


def results_files(given: Sequence[Path]) -> list[Path]:
    """The files that are meant: a folder stands for every .jsonl file in it. Raises `FileNotFoundError`."""
    found = []
    for path in given:
        if not path.exists():
            raise FileNotFoundError(f"there is no results file or folder {path}")
        found += sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]
    return list(dict.fromkeys(found))


def merge(paths: Iterable[Path]) -> Merged:
    """Read and merge these files. Raises `OSError` or `BaselineError` for one that cannot be read."""
    merged = Merged()
    for path in paths:
        merged.add(path, baseline.read(path))
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
        elif not any(row["verdict"] in HELD for row in merged.jobs[job]):
            problems.append(f"{job}: verified nothing{_reasons(merged.jobs[job])}")
    return problems


def _unmet_cells(merged: Merged, backend: str, device: str, registry: Sequence[Function]) -> list[str]:
    rows = [row for row in merged.cells.values() if (row["backend"], row["device"]) == (backend, device)]
    if not rows:
        return [f"{backend}-{device}: no row of it is in any file"]
    problems = []
    for dtype, names in _expected(backend, registry).items():
        cells = [r for r in rows if (r["dtype"], r["check"]) == (dtype, "exact")]
        if names and not any(row["verdict"] in HELD for row in cells):
            problems.append(f"{backend}-{device}-{dtype}: verified nothing{_reasons(cells)}")
        absent = sorted({*names} - {row["function"] for row in cells})
        if cells and absent:
            problems.append(f"{backend}-{device}-{dtype}: {len(absent)} cells have no row: {', '.join(absent)}")
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


def _reasons(rows: Iterable[Row]) -> str:
    reasons = sorted({row["reason"] for row in rows if row.get("reason")})
    return f": {'; '.join(reasons)}" if reasons else ""


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m report.merge", description="Merge --results files into one.")
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help="a results file, or a folder of them")
    parser.add_argument("--output", type=Path, metavar="PATH", help="write the merged rows here, as JSON lines")
    parser.add_argument("--summary", type=Path, metavar="PATH", help="write the tables here, as Markdown")
    parser.add_argument(
        "--expect",
        nargs="+",
        action="extend",
        default=[],
        metavar="JOB",
        help="BACKEND-DEVICE, or the name of a results file: exit with 1 where its cells are missing or empty",
    )
    parser.add_argument(
        "--tell",
        nargs="+",
        action="extend",
        default=[],
        metavar="JOB",
        help="like --expect, but what is missing is only said: for a job that is allowed to fail",
    )
    parser.add_argument(
        "--baseline", type=Path, metavar="PATH", help="compare with this earlier results file; what got worse fails"
    )
    parser.add_argument(
        "--functions",
        action="append",
        default=[],
        type=Path,
        metavar="PATH",
        help="what a BACKEND-DEVICE is expected to cover, instead of the built-in functions (repeatable)",
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Merge, write, and return the exit status: 1 where something expected is missing, 2 where a file is unusable."""
    given = _arguments(arguments)
    try:
        paths = results_files(given.results)
        merged = merge(paths)
        entries = registry.load(given.functions) if given.functions else registry.load_builtin()
        problems, told = unmet(merged, given.expect, entries), unmet(merged, given.tell, entries)
        found = baseline.compare(baseline.read(given.baseline), merged.rows) if given.baseline else None
        _write(given, merged, [*problems, *told], found)
    except (OSError, baseline.BaselineError) as error:
        print(f"report.merge: {error}", file=sys.stderr)
        return 2
    print(
        f"{len(merged.cells)} cells from {len(paths)} files; {merged.duplicates} rows were there already, "
        f"{len(merged.conflicts)} contradict another"
    )
    for line in merged.conflicts:
        print(f"conflict: {line}")
    for line in (*problems, *told):
        print(f"missing: {line}", file=sys.stderr)
    for line in found.worse if found else ():
        print(f"worse than the baseline: {line}", file=sys.stderr)
    return 1 if problems or (found and found.worse) else 0


def _write(given: argparse.Namespace, merged: Merged, problems: list[str], found: baseline.Comparison | None) -> None:
    rows = merged.rows
    texts = {
        given.output: "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows),
        given.summary: markdown.summary(rows, merged.conflicts, problems, found),
    }
    for path, text in texts.items():
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
