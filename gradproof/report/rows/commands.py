"""`gradproof compare` and `gradproof merge`: results files in, text and files out."""

import json
from collections.abc import Sequence
from pathlib import Path

from gradproof.registry import Function
from gradproof.report.outcome import Outcome
from gradproof.report.rows import job_summary
from gradproof.report.rows.comparison import Comparison, compare
from gradproof.report.rows.merge import merge, results_files, unmet
from gradproof.report.rows.results import CELL, ResultsError, read
from gradproof.report.text import wrapped

MOST = 6
"""So many changes of each kind are printed; a file has every cell."""


def compare_files(before: Path, now: Path, markdown: Path | None = None) -> Outcome:
    """Compare the rows of two files; 1 where something got worse. Raises `ResultsError` and `OSError`."""
    old, new = read(before), read(now)
    if not {tuple(row[key] for key in CELL) for row in old} & {tuple(row[key] for key in CELL) for row in new}:
        raise ResultsError(f"{before} and {now} have no cell in common, so that there is nothing to compare")
    found = compare(old, new)
    if markdown is not None:
        _write(markdown, job_summary.changes(found))
    every = f"{markdown} has every cell" if markdown is not None else "every cell: --markdown FILE"
    lines = [f"{found.counted}; {every}" if found.groups or markdown is not None else found.counted]
    lines += [] if found.changed_versions else ["no package has another version"]
    for title, block in found.brief().items():
        lines += ["", f"{title}:", *(part for line in block[:MOST] for part in wrapped(line, "  "))]
        lines += [f"  and {len(block) - MOST} more"] if len(block) > MOST else []
    return Outcome("\n".join(lines), status=1 if found.worse else 0)


def merge_files(
    results: Sequence[Path],
    entries: Sequence[Function],
    *,
    output: Path | None = None,
    summary: Path | None = None,
    expect: Sequence[str] = (),
    tell: Sequence[str] = (),
    baseline: Path | None = None,
) -> Outcome:
    """Merge the files, and write the merged rows and their tables. 1 where a job of `expect` is missing or something
    got worse than the `baseline`; 2 where a file cannot be used, beside which the others are merged all the same. What
    is expected of a backend are the cells of `entries`. Raises `ResultsError` where no file can be used, and
    `OSError`."""
    paths = results_files(results)
    merged = merge(paths)
    if not merged.cells:
        nothing = f"there is no .jsonl file in {', '.join(map(str, results))}"
        raise ResultsError("; ".join(merged.unusable) or nothing)
    missing, told = unmet(merged, expect, entries), unmet(merged, tell, entries)
    found = compare(read(baseline), merged.rows) if baseline is not None else Comparison()
    if output is not None:
        _write(output, "".join(json.dumps(row, allow_nan=False) + "\n" for row in merged.rows))
    if summary is not None:
        absent = [*merged.unusable, *missing, *told]
        _write(summary, job_summary.summary(merged.rows, merged.conflicts, absent, found if baseline else None))
    problems = [f"unusable: {line}" for line in merged.unusable]
    problems += [f"missing: {line}" for line in (*missing, *told)]
    problems += [f"worse than the baseline: {line}" for line in found.brief_of_worse()]
    status = 2 if merged.unusable else 1 if missing or found.worse else 0
    return Outcome("\n".join(merged.told), problems=problems, status=status)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
