"""`gradproof page`: results files in, a site out; and the one file of `--report`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from gradproof.registry import Function
from gradproof.registry.names import counted
from gradproof.report.outcome import Outcome
from gradproof.report.page.accuracy import by_function, read_rows
from gradproof.report.page.badge import badge
from gradproof.report.page.model import Line, Overview, overview
from gradproof.report.page.render import Given, address_of, function_page, one_file, overview_page
from gradproof.report.page.trend import Run
from gradproof.report.rows.merge import merge, results_files
from gradproof.report.rows.results import ResultsError, Row, read
from gradproof.report.scripts.files import scripts_in
from gradproof.report.tables.kinks import recorded


def page(
    results: Sequence[Path],
    entries: Sequence[Function],
    *,
    output: Path,
    earlier: Sequence[Path] = (),
    scripts: Path | None = None,
    accuracy: Path | None = None,
) -> Outcome:
    """Write the site of these results into the folder `output`. Raises `Unusable` for a file that cannot be used, and
    `OSError`."""
    merged = merge(results_files(results))
    if merged.unusable or not merged.cells:
        nothing = f"there is no .jsonl file in {', '.join(map(str, results))}"
        raise ResultsError("; ".join(merged.unusable) or nothing)
    rows = merged.rows
    given = Given(
        rows,
        {entry.name: entry for entry in entries},
        scripts_in(scripts, rows) if scripts is not None else {},
        [Run(path.stem, read(path)) for path in earlier],
        read_rows(accuracy) if accuracy is not None else (),
    )
    made = _site(given, output)
    # Of one file there is nothing to say that its run has not said.
    return Outcome("\n".join([made, *(merged.told if len(merged.files) > 1 else [])]))


def _site(given: Given, output: Path) -> str:
    found = overview(given.rows, given.entries)
    write(output / "index.html", overview_page(given, found))
    write(output / "badge.svg", badge(found))
    kinks = defaultdict(list)
    for convention in recorded()[0]:
        kinks[convention.function].append(convention)
    spreads = by_function(given.accuracy)
    for base, lines in _families(found).items():
        write(output / address_of(base, given.entries), function_page(given, base, lines, kinks, spreads))
    functions, cells = counted(len(found.lines), "function"), counted(len(given.rows), "cell")
    return f"{output / 'index.html'}: {functions}, {cells}"


def _families(found: Overview) -> dict[str, list[Line]]:
    """The lines that share a page: those of a function and of its variants."""
    families: dict[str, list[Line]] = defaultdict(list)
    for line in found.lines:
        families[line.variant_of or line.name].append(line)
    return families


def report(
    path: Path,
    rows: Sequence[Row],
    entries: Mapping[str, Function],
    scripts: Mapping[str, str],
    baseline: Path | None = None,
) -> None:
    """Write the one file of a run. Raises `OSError`."""
    earlier = [Run(baseline.stem, read(baseline))] if baseline is not None else []
    write(path, one_file(Given(rows, entries, scripts, earlier, made_by="gradproof verify --report")))


def write(path: Path, text: str) -> None:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Half of a surrogate pair, as a message may hold one, is no UTF-8.
    path.write_text(text, encoding="utf-8", errors="backslashreplace")
