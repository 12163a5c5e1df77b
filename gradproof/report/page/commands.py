"""`gradproof page`: results files in, a site out; and the one file of `--report`."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gradproof.registry import Function
from gradproof.registry.names import counted
from gradproof.report.outcome import Outcome, Unusable
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
    """Write the site of these results into the folder `output`; 2 where something that was given cannot be used, beside
    which the rest makes a site all the same. Raises `ResultsError` where no results file can be used, and `OSError`
    where the site cannot be written."""
    merged = merge(results_files(results))
    if not merged.cells:
        nothing = f"there is no .jsonl file in {', '.join(map(str, results))}"
        raise ResultsError("; ".join(merged.unusable) or nothing)
    rows, unusable = merged.rows, list(merged.unusable)

    def usable(path: Path, use: Callable[[Path], Any], otherwise: Any) -> Any:
        try:
            return use(path)
        except Unusable as error:
            unusable.append(str(error))
        except OSError as error:
            unusable.append(f"{path}: {error.strerror}")
        return otherwise

    given = Given(
        rows,
        {entry.name: entry for entry in entries},
        usable(scripts, lambda folder: scripts_in(folder, rows), {}) if scripts is not None else {},
        [run for path in earlier if (run := usable(path, lambda path: Run(path.stem, read(path)), None)) is not None],
        usable(accuracy, read_rows, ()) if accuracy is not None else (),
    )
    made = _site(given, output)
    # Of one file there is nothing to say that its run has not said.
    told = [made, *(merged.told if len(merged.files) > 1 else [])]
    return Outcome("\n".join(told), problems=[f"unusable: {line}" for line in unusable], status=2 if unusable else 0)


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
