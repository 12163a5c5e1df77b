"""What a run closes with, on one screen: a sentence, what fails, a line per backend and device, the gravest of what is
recorded, where the time went, and where the rest is to be found."""

import io
import re
import shlex
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from gradproof.divergences import KINDS
from gradproof.oracles.verdict import FAILING, Verdict
from gradproof.registry.names import printable
from gradproof.report.closing import summary
from gradproof.report.closing.failures import Failed, the_same
from gradproof.report.rows.results import HOLDS, SAYS_NOTHING, Row, ratio_of, written
from gradproof.report.text import shortened

WIDTH = 100
"""Columns; a narrower terminal has its own."""

MOST_LINES = {"NOT RUN": 5}
"""A cause is told in two lines; why nothing could be run in more, because it is told nowhere else."""

MOST_FAILURES, MOST_CHANGES, MOST_RECORDED, MOST_REASONS = 6, 4, 10, 3
"""So many of each are told; how many more there are is said."""

WIDEST = 40
"""A cell that is not the last of its line is no wider."""

OPENINGS = r"^(a bad entry of the registry|there is no truth to compare with): "
"""What the reasons of entries that cannot be run begin with, which a screen has no room for."""

HAND = "hand"
Block = tuple[str, RenderableType]
"""A title, and what stands beneath it."""


@dataclass
class Closing:
    """What a run closes with. `failures` are those of one cause each, `changes` what a baseline shows, by title,
    `problems` what fails the run beside its tests, `seconds` how long each of the `workers` took, and `kept` the
    results file and `page` the page, where they were written. `paths` are the files of functions, where they are not
    the built-in ones."""

    rows: Sequence[Row]
    failures: Sequence[Sequence[Failed]] = ()
    changes: dict[str, list[str]] = field(default_factory=dict)
    problems: Sequence[str] = ()
    seconds: float = 0.0
    workers: int = 1
    kept: str = ""
    page: str = ""
    paths: Sequence[str] = ()

    def lines(self, width: int = WIDTH, colour: bool = False, brief: bool = False) -> list[str]:
        """The screen as lines of text, or, where it is to be `brief`, the sentence and what fails alone."""
        blocks = self._failing() if brief else [*self._failing(), *self._whole()]
        parts: list[RenderableType] = [Text(self.sentence, style=self._style)]
        for title, block in blocks:
            parts += ["", Text(f"{title}:" if title else "", style="bold"), block] if title else ["", block]
        lines = _printed(parts, width, colour)
        # To be copied to a shell, as it is printed: on one line, however narrow the terminal.
        return lines if brief or not self.rows else [*lines, self._show()]

    @property
    def sentence(self) -> str:
        """What came of it all."""
        tried = [row for row in self.rows if row["verdict"] not in SAYS_NOTHING]
        functions = len({row["function"] for row in tried})
        backends = len({row["backend"] for row in tried} - {HAND})
        where = f"{_count(functions, 'function')} on {_count(backends, 'backend')}, {_count(len(tried), 'check')}"
        if self.failures:
            names = list(dict.fromkeys(group[0].family for group in self.failures))
            cells = sum(map(len, self.failures))
            causes = f"{_count(len(self.failures), 'failure')}, in {_count(cells, 'check')}"
            also = f" Tried: {where}." if tried else ""
            return f"{causes}, that nobody has recorded: {shortened(names, 5)}.{also}"
        if self.problems:
            return f"The run fails, though no gradient does: {self.problems[0]}"
        if not any(row["verdict"] in HOLDS for row in tried):
            return "Nothing was verified."
        causes = {(row["kind"], row["cause"]) for row in self.rows if row.get("known")}
        known = f" or deviates as recorded ({_count(len(causes), 'cause')})" if causes else ""
        return f"Every gradient that was judged is right{known}: {where}."

    @property
    def _style(self) -> str:
        if self.failures or self.problems:
            return "bold red"
        return "bold green" if any(row["verdict"] in HOLDS for row in self.rows) else "bold yellow"

    def _failing(self) -> list[Block]:
        blocks: list[Block] = []
        if self.failures:
            rows = [line for group in self.failures[:MOST_FAILURES] for line in _failure(group)]
            more = len(self.failures) - MOST_FAILURES
            blocks.append(("what fails", _table([*rows, ("", f"and {more} more")] if more > 0 else rows)))
        changes = {title: lines for title, lines in self.changes.items() if title != "versions"}
        blocks += [(f"since the baseline, {title}", _some(lines, MOST_CHANGES)) for title, lines in changes.items()]
        if self.problems:
            blocks.append(("what fails the run beside the tests", _some(self.problems, MOST_CHANGES)))
        return blocks

    def _whole(self) -> list[Block]:
        # Why a bad entry could not be run has been told.
        told = {id(one.row) for group in self.failures for one in group if one.row["verdict"] == Verdict.NOT_RUN}
        rest = [row for row in self.rows if id(row) not in told]
        blocks = [("", _places(self.rows)), *self._recorded(), *_not_run(rest)]
        if versions := self.changes.get("versions"):
            blocks.append(("since the baseline, versions", _some(versions, MOST_CHANGES)))
        if weak := [row for row in self.rows if summary.strength(row)[2] > summary.STRONG]:
            function, argument, error = max(map(summary.strength, weak), key=lambda found: found[2])
            text = (
                f"{_count(len(weak), 'check')} would have missed an error of {summary.STRONG:.0%} at the worst input, "
                "where rounding alone may make as much; that is no failure: "
            )
            least = "would miss one of any size" if error >= 1 else f"sees one from {error:.2g} on"
            blocks.append(("", _plain(f"{text}the weakest {least}: {function} {argument}")))
        if lost := [row for row in self.rows if row.get("lost")]:
            blocks.append(("", _plain(_lost(lost))))
        blocks += [("", _plain(line)) for line in summary.seconds(self.rows, self.seconds, self.workers)]
        return [*blocks, ("", _plain(self._more()))]

    def _recorded(self) -> list[Block]:
        causes: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in self.rows:
            if row.get("known"):
                causes[row["kind"], row["cause"]].append(row)
        if not causes:
            return []
        gravest = sorted(causes, key=lambda cause: _gravity(cause, causes[cause]))
        table = _table([_recording(*cause, causes[cause]) for cause in gravest[:MOST_RECORDED]])
        counts = [(kind, sum(cause[0] == kind for cause in causes)) for kind in KINDS]
        kinds = ", ".join(f"{count} {kind}" for kind, count in counts if count)
        title = f"recorded, {_count(len(causes), 'cause')} ({kinds})"
        return [(title + ("; the gravest" if len(causes) > MOST_RECORDED else ""), table)]

    def _more(self) -> str:
        kept = f"every row: {self.kept}" if self.kept else "every row: --results FILE"
        kept += f"; the page: {self.page}" if self.page else ""
        return f"more: -v prints the tables; {kept}{'; one function:' if self.rows else ''}"

    def _show(self) -> str:
        one = self.failures[0][0].family if self.failures else self.rows[0]["function"]
        return printable(shlex.join(["gradproof", "show", one, *self.paths]))


def _lost(rows: Sequence[Row]) -> str:
    first = rows[0]
    at = ", ".join(f"{name} = {written(value)}" for name, value in first["lost"].items())
    return (
        f"{_count(len(rows), 'check')} drew an input at which the gradient is NaN or infinite, though value and truth "
        "are finite; a program may overflow on its way, so nobody is accused. Name it in points= to have it judged: "
        f"{first['function']} ({first['backend']}, {first['dtype']}), {textwrap.shorten(at, 60, placeholder=' …')}"
    )


def _not_run(rows: Sequence[Row]) -> list[Block]:
    lines = summary.not_run(rows)
    return [("not run", _some(lines, MOST_REASONS))] if lines else []


def _places(rows: Sequence[Row]) -> Table:
    """A line for each backend and device, and one for the derivations."""
    places: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        place = "by hand" if row["check"] == HAND else f"{row['backend']}-{row['device']}"
        places[place][row["function"]].append(row)
    lines = [("", "verified", "recorded", "fail", "not run", "worst error / bound")]
    for place in sorted(places, key=lambda name: (name != "by hand", name)):
        kinds = [_kind(of_function) for of_function in places[place].values()]
        tried = len(kinds) - kinds.count("not run")
        numbers = [str(kinds.count(kind) or "·") for kind in ("recorded", "fails", "not run")]
        all_rows = [row for of_function in places[place].values() for row in of_function]
        lines.append((place, f"{kinds.count('verified')} of {tried}", *numbers, summary.worst(all_rows)))
    return _table(lines, has_head=True)


def _kind(rows: Sequence[Row]) -> str:
    """What became of one function at one place."""
    if any(row.get("fails") for row in rows):
        return "fails"
    if all(row["verdict"] in SAYS_NOTHING for row in rows):
        return "not run"
    if any(row["verdict"] in FAILING and not row.get("known") for row in rows):
        return "fails"
    return "recorded" if any(row.get("known") for row in rows) else "verified"


def _failure(group: Sequence[Failed]) -> list[tuple[str, str]]:
    """Lines of two cells: the verdict and what fails, and where else it does."""
    first = group[0]
    row = first.row
    on = "" if row["backend"] == HAND or row["verdict"] == Verdict.NOT_RUN else f" on {row['backend']}-{row['device']}"
    word = "NOT RUN" if row["verdict"] == Verdict.NOT_RUN else str(row["verdict"]).upper()
    if row.get("known") or row["verdict"] in HOLDS:
        # Not the gradient fails there: what was recorded is another.
        return _beside("RECORD", f"{first.family}{on}: {first.headline}")
    reason = str(row.get("reason") or first.headline)
    ratio = ratio_of(row)
    # How far a derivation is off its reason says, in digits.
    size = f" ({ratio:.2g} times its bound)" if ratio > 1 and row["backend"] != HAND else ""
    told = _plainly(reason) if row["verdict"] == Verdict.NOT_RUN else f"{first.subject}{on}: {reason}{size}"
    return [*_beside(word, told), *([("", same)] if (same := the_same(group)) else [])]


def _beside(word: str, text: str) -> list[tuple[str, str]]:
    """A word, and a text of a few lines at most beside it."""
    most = MOST_LINES.get(word, 2)
    parts = textwrap.wrap(printable(text), WIDTH - len(word) - 2, max_lines=most, placeholder=" …")
    return [(word if i == 0 else "", part) for i, part in enumerate(parts)]


def _plainly(reason: str) -> str:
    """What is wrong with an entry, without what every such reason begins with and the folders of its file."""
    return re.sub(r"\((?:[^()\s]*/)?([^()/\s]+:\d+)\)", r"(\1)", re.sub(OPENINGS, "", reason))


def _gravity(cause: tuple[str, str], rows: Sequence[Row]) -> tuple:
    severity = max(Verdict(row["verdict"]).severity for row in rows)
    functions = {row["function"] for row in rows}
    return KINDS.index(cause[0]), -severity, -len(functions), cause[1]


def _recording(kind: str, cause: str, rows: Sequence[Row]) -> tuple[str, str, str, str]:
    places = sorted({f"{row['backend']}-{row['device']}" for row in rows})
    verdicts = list(dict.fromkeys(row["verdict"] for row in rows))
    functions = list(dict.fromkeys(row["function"] for row in rows))
    return kind, cause, shortened(places, 2), f"{' or '.join(verdicts)}: {shortened(functions, 2)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _plain(text: str) -> Text:
    # As text: a name may hold what would be markup.
    return Text(printable(text).replace("\n", " "))


def _some(lines: Sequence[str], most: int) -> Text:
    """The first lines, which may say what to do and are not cut before a second one ends."""
    told = [
        textwrap.shorten(" ".join(printable(line).split()), 2 * WIDTH - 10, placeholder=" …") for line in lines[:most]
    ]
    return Text("\n".join([*told, *([f"and {len(lines) - most} more"] if len(lines) > most else [])]))


def _table(lines: Sequence[Sequence[str]], has_head: bool = False) -> Table:
    """Lines of cells, of which the last alone is cut where the screen ends."""
    table = Table(box=None, show_header=has_head, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    widths = [min(max(map(len, column)), WIDEST) for column in zip(*lines, strict=True)]
    for number, width in enumerate(widths):
        title, is_last = lines[0][number] if has_head else "", number == len(widths) - 1
        # Only a column that may be wrapped is narrowed; its texts are cut instead.
        table.add_column(title, no_wrap=not is_last, min_width=None if is_last else width)
    for line in lines[has_head:]:
        table.add_row(*(Text(printable(cell).replace("\n", " "), no_wrap=True, overflow="ellipsis") for cell in line))
    return table


def _printed(parts: Iterable[RenderableType], width: int, colour: bool) -> list[str]:
    file = io.StringIO()
    console = Console(
        file=file,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        legacy_windows=False,
    )
    for part in parts:
        console.print(part)
    return [line.rstrip() for line in file.getvalue().splitlines()]
