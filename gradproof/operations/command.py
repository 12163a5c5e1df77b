"""`gradproof operations`: sweep, tell what is new, and write the pages."""

from collections.abc import Sequence
from pathlib import Path

from gradproof.backends import installed_version
from gradproof.operations import tables
from gradproof.operations.sweep import SECONDS, SWEPT, Kept, Sweep
from gradproof.report.outcome import Outcome

SHOWN = 20
"""So many operations with something new are told."""


def operations(
    backends: Sequence[str],
    word: str = "",
    *,
    results: Path | None = None,
    seconds: float = SECONDS,
    processes: int = 1,
    limit: int | None = None,
    markdown: Path | None = None,
    findings: Path | None = None,
) -> Outcome:
    """Sweep the operations of these backends, or of all that are installed, whose name contains `word`; those that have
    rows in `results` are not tried again. 1 where something is wrong that is not recorded, or what is recorded does
    not show any more."""
    named = list(backends) or [name for name in SWEPT if installed_version(name) is not None]
    kept = Kept(results)
    kept.open()
    sweep = Sweep(named, word, seconds, processes, limit=limit)
    tried = sweep.run(kept)
    rows = [row for row in kept.rows if row["backend"] in named and word in row["function"]]
    if markdown is not None:
        markdown.write_text(tables.completeness(rows, sweep.listed), encoding="utf-8")
    if findings is not None:
        findings.write_text(tables.findings(rows), encoding="utf-8")
    return _told(tried, rows)


def _told(tried: int, rows: Sequence[dict]) -> Outcome:
    found = tables.standings(rows)
    if not found:
        return Outcome(problems=["no operation has such a name"], status=2)
    counts = [["list", "names", *tables.WORDS]]
    for source in dict.fromkeys(one.source for one in found):
        words = [one.word for one in found if one.source == source]
        counts.append([source, str(len(words)), *(str(words.count(word)) for word in tables.WORDS)])
    new = [one for one in found if one.open]
    lines = [f"{one.name}: {_worst(one)}" for one in new[:SHOWN]]
    if len(new) > SHOWN:
        lines.append(f"and {len(new) - SHOWN} more operations: --markdown FILE has all")
    stale = tables.gone(rows)
    text = "\n".join(["", f"{tried} operations tried now", *(["to be judged:", *lines] if new else []), *stale])
    return Outcome(text, counts, status=int(bool(new or stale)))


def _worst(one: tables.Standing) -> str:
    plain = (("verdict", "wrong"), ("dtype", "float64"), ("check", "sample"))
    row = max(one.open, key=lambda row: [row[key] == word for key, word in plain])
    where = f"{row['verdict']} in {row['dtype']}, {row['mode']}, {row['check']}"
    return f"{where}: {row['call'][:70]}: {row['reason'][:80]}"
