"""`gradproof compare` and `gradproof merge`: results files in, text and files out."""

import json
import textwrap
from collections.abc import Sequence
from pathlib import Path

from gradproof.registry import Function
from gradproof.report.outcome import Outcome
from gradproof.report.rows import job_summary
from gradproof.report.rows.comparison import Comparison, compare
from gradproof.report.rows.merge import merge, results_files, unmet
from gradproof.report.rows.results import CELL, ResultsError, read
from gradproof.report.text import WIDTH

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
    lines = [] if found.changed_versions else ["versions: no package has another", ""]
    for title, block in found.brief().items():
        lines += [f"{title}:", *(part for line in block[:MOST] for part in _hung(line))]
        lines += [f"  and {len(block) - MOST} more", ""] if len(block) > MOST else [""]
    every = f"{markdown} has every cell" if markdown is not None else "every cell: --markdown FILE"
    lines.append(f"{len(found.worse)} cells got worse, {len(found.right)} better; {every}")
    return Outcome("\n".join(lines), status=1 if found.worse else 0)


def _hung(line: str) -> list[str]:
    return textwrap.wrap(line, WIDTH, initial_indent="  ", subsequent_indent="    ", break_long_words=False)


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
    counts = f"{len(merged.cells)} cells from {len(paths) - len(merged.unusable)} files"
    again = f"{merged.duplicates} rows were there already"
    if merged.others:
        again += f", {merged.others} with other numbers and the same verdict, of which the worst are kept"
    head = f"{counts}; {again}; {len(merged.conflicts)} contradict another"
    problems = [f"unusable: {line}" for line in merged.unusable]
    problems += [f"missing: {line}" for line in (*missing, *told)]
    problems += [f"worse than the baseline: {line}" for line in found.brief_of_worse()]
    status = 2 if merged.unusable else 1 if missing or found.worse else 0
    text = "\n".join([head, *(f"conflict: {line}" for line in merged.conflicts)])
    return Outcome(text, problems=problems, status=status)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
