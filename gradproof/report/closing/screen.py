"""What a run closes with, on one screen: a sentence, what fails, a line per backend and device, the gravest of what is
recorded, where the time went, and where the rest is to be found."""

import io
import re
import shlex
import textwrap
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from gradproof.backends import DTYPES
from gradproof.backends.daily import WIDE
from gradproof.divergences import KINDS
from gradproof.oracles.verdict import Verdict
from gradproof.registry.loading import NO_FILE, NO_FUNCTION
from gradproof.registry.names import counted, printable
from gradproof.report.closing import summary
from gradproof.report.closing.failures import MOST_PLACES, Failed, the_same
from gradproof.report.rows.results import (
    BY_HAND,
    HOLDS,
    SAYS_NOTHING,
    Row,
    against_the_truth,
    fails,
    family_of,
    place_of,
    ratio_of,
    written,
)
from gradproof.report.text import no_function_in, shortened

WIDTH = 100
"""Columns; a narrower terminal has its own."""

CANNOT_RUN = "CANNOT RUN"
"""What fails and has no verdict: an entry that is bad, or a backend that is required and not there."""

MOST_LINES = {CANNOT_RUN: 5}
"""A cause is told in two lines; why nothing could be run in more, because it is told nowhere else."""

MOST_FAILURES, MOST_CHANGES, MOST_RECORDED, MOST_REASONS = 6, 4, 10, 3
"""So many of each are told; how many more there are is said."""

LONGEST = 3
"""A reason is told in so many lines at most."""

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
    the built-in ones, and `helpers` those of their folders that have no function beside others that do."""

    rows: Sequence[Row]
    failures: Sequence[Sequence[Failed]] = ()
    changes: dict[str, list[str]] = field(default_factory=dict)
    problems: Sequence[str] = ()
    seconds: float = 0.0
    workers: int = 1
    kept: str = ""
    page: str = ""
    paths: Sequence[str] = ()
    helpers: Sequence[str] = ()

    def lines(self, width: int = WIDTH, colour: bool = False, brief: bool = False) -> list[str]:
        """The screen as lines of text, or, where it is to be `brief`, the sentence and what fails alone."""
        blocks = self._failing() if brief else [*self._failing(), *self._whole()]
        parts: list[RenderableType] = [Text(self.sentence, style=self._style)]
        for title, block in blocks:
            parts += ["", Text(f"{title}:" if title else "", style="bold"), block] if title else ["", block]
        lines = _printed(parts, width, colour)
        # To be copied to a shell, as it is printed: on one line, however narrow the terminal.
        return lines if brief or not self._shown else [*lines, self._show()]

    @property
    def sentence(self) -> str:
        """What came of it all."""
        if self.failures:
            return f"{self._what_fails()}. {self._tests()}."
        if self.problems:
            return f"The run fails, though no gradient does: {self.problems[0]}"
        causes = {(row["kind"], row["cause"]) for row in self.rows if row.get("known")}
        right = ["is right"] if any(row["verdict"] in HOLDS for row in self.rows) else []
        known = [f"deviates as recorded ({counted(len(causes), 'cause')})"] if causes else []
        if not right + known:
            return f"Nothing was verified. {self._tests()}." if self.rows else "Nothing was verified."
        return f"Every gradient that was judged {' or '.join(right + known)}: {_functions(self.rows)}. {self._tests()}."

    def _what_fails(self) -> str:
        files = list(dict.fromkeys(group[0].family for group in self.failures if group[0].row.get("is_file")))
        empty = [name for name in files if self._reason(name).endswith((NO_FUNCTION, NO_FILE))]
        broken = [name for name in files if name not in empty]
        told = [f"{shortened(broken, 3)} cannot be loaded"] if broken else []
        told += [f"{shortened(empty, 3)} {'registers' if len(empty) == 1 else 'register'} no function"] if empty else []
        failures = [group for group in self.failures if not group[0].row.get("is_file")]
        names = list(dict.fromkeys(group[0].family for group in failures))
        causes = f", by {counted(len(failures), 'cause')}" if len(failures) > len(names) else ""
        verb = "fails" if len(names) == 1 else "fail"
        whole = f"{len(names)} of {_functions(self.rows)} {verb}{causes}, which nobody has recorded"
        told += [f"{whole}: {shortened(names, 5)}"] if names else []
        return ", and ".join(told)

    def _reason(self, name: str) -> str:
        return next(str(group[0].row.get("reason")) for group in self.failures if group[0].family == name)

    def _tests(self) -> str:
        """How many tests there were, and what became of them, in the words of pytest's last line."""
        failed = self._failing_rows
        passed = sum(id(row) not in failed and row["verdict"] not in SAYS_NOTHING for row in self.rows)
        counts = {"failed": len(failed), "passed": passed, "skipped": len(self.rows) - len(failed) - passed}
        told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
        backends = len({row["backend"] for row in self.rows} - {HAND})
        on = f" on {counted(backends, 'backend')}" if backends else ""
        return f"{counted(len(self.rows), 'test')}{on}: {told}"

    @property
    def _failing_rows(self) -> set[int]:
        """The rows of the tests that failed, by identity."""
        return {id(one.row) for group in self.failures for one in group}

    @property
    def _style(self) -> str:
        if self.failures or self.problems:
            return "bold red"
        return "bold green" if any(row["verdict"] in HOLDS for row in self.rows) else "bold yellow"

    def _failing(self) -> list[Block]:
        blocks: list[Block] = []
        if self.failures:
            shown = self.failures[:MOST_FAILURES]
            # Beside the longest word there is the least room, in every line of the column.
            room = WIDTH - max(len(_word(group)) for group in shown) - 2
            rows = [line for group in shown for line in _failure(group, room)]
            more = len(self.failures) - MOST_FAILURES
            blocks.append(("what fails", _table([*rows, ("", f"and {more} more")] if more > 0 else rows)))
        changes = {title: lines for title, lines in self.changes.items() if title != "versions"}
        blocks += [(f"since the baseline, {title}", _some(lines, MOST_CHANGES)) for title, lines in changes.items()]
        # The first of them is the sentence, where no test fails.
        if problems := self.problems if self.failures else self.problems[1:]:
            blocks.append(("what fails the run beside the tests", _some(problems, MOST_CHANGES)))
        return blocks

    def _whole(self) -> list[Block]:
        failed = self._failing_rows
        functions = [row for row in self.rows if not row.get("is_file")]
        blocks: list[Block] = [("", _places(functions, failed)), *_absent(functions)] if functions else []
        blocks += [*self._recorded(), *self._skipped()]
        if versions := self.changes.get("versions"):
            blocks.append(("since the baseline, versions", _some(versions, MOST_CHANGES)))
        if self.helpers:
            blocks.append(("", _plain(no_function_in(self.helpers))))
        if weak := [row for row in self.rows if summary.strength(row)[2] > summary.STRONG]:
            blocks.append(("", _plain(_weak(weak))))
        if lost := [row for row in self.rows if row.get("lost")]:
            blocks.append(("", _plain(_lost(lost))))
        if undefined := [row for row in self.rows if row.get("undefined")]:
            blocks.append(("", _plain(_undefined(undefined))))
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
        title = f"recorded, {counted(len(causes), 'cause')} ({kinds})"
        return [(title + ("; the gravest" if len(causes) > MOST_RECORDED else ""), table)]

    def _skipped(self) -> list[Block]:
        # Why something fails that could not be run has been told.
        failed = self._failing_rows
        lines = summary.not_run([row for row in self.rows if id(row) not in failed])
        return [("skipped", _some(lines, MOST_REASONS))] if lines else []

    def _more(self) -> str:
        kept = f"every row: {self.kept}" if self.kept else "every row: --results FILE"
        kept += f"; the page: {self.page}" if self.page else ""
        return f"more: -v prints the tables; {kept}{'; one function:' if self._shown else ''}"

    @property
    def _shown(self) -> str:
        """The function that is to be looked at: the first that fails, if one does. Of a file there is nothing to be
        shown."""
        names = [group[0].family for group in self.failures if not group[0].row.get("is_file")]
        names += [row["function"] for row in self.rows if not row.get("is_file")]
        return names[0] if names else ""

    def _show(self) -> str:
        return printable(shlex.join(["gradproof", "show", self._shown, *self.paths]))


def _undefined(rows: Sequence[Row]) -> str:
    functions = {row["function"]: row["undefined"] for row in rows}
    name, inputs = next(iter(functions.items()))
    many = f"{counted(len(functions), 'function')} {'is' if len(functions) == 1 else 'are'} not finite at some draws"
    return f"{many}, which were left out: {name} at {_at(inputs)}. low= and high= of a domain keep out of there"


def _at(inputs: dict) -> str:
    at = ", ".join(f"{name} = {written(value)}" for name, value in inputs.items())
    return textwrap.shorten(at, 60, placeholder=" …")


def _lost(rows: Sequence[Row]) -> str:
    first = rows[0]
    return (
        f"{counted(len(rows), 'test')} drew an input at which the gradient is NaN or infinite, though value and truth "
        "are finite; a program may overflow on its way, so nobody is accused. Name it in points= to have it judged: "
        f"{first['function']} ({first['backend']}, {first['dtype']}), {_at(first['lost'])}"
    )


def _weak(rows: Sequence[Row]) -> str:
    """What is verified and says little, in which dtypes, and what says more."""
    weakest = max(rows, key=lambda row: summary.strength(row)[2])
    function, argument, error = summary.strength(weakest)
    dtypes = [dtype for dtype in DTYPES if any(row["dtype"] == dtype for row in rows)]
    least = "of any size" if error >= 1 else f"below {error:.2g}"
    cure = " and ".join([*([] if {*dtypes} & {*WIDE} else [WIDE[0]]), "points= of ordinary size"])
    return (
        f"{counted(len(rows), 'test')} ({', '.join(dtypes)}) passed, and would miss an error of {summary.STRONG:.0%} "
        f"at the worst input, where rounding makes as much; {function} {argument} in {weakest['dtype']} one {least}. "
        f"{cure} see smaller ones"
    )


def _absent(rows: Sequence[Row]) -> list[Block]:
    """How many functions have no test where others have: left out by -k, or without code for a backend."""
    functions, places = len({family_of(row) for row in rows}), _by_place(rows)
    missing = {place: functions - len(places[place]) for place in _ordered(places) if functions > len(places[place])}
    told = ", ".join(f"{count} {place if place == BY_HAND else f'on {place}'}" for place, count in missing.items())
    return [("", _plain(f"not run, because none of their tests was selected: {told}"))] if missing else []


def _functions(rows: Iterable[Row]) -> str:
    """How many functions there are; a variant is told as one."""
    rows = [row for row in rows if not row.get("is_file")]
    functions, variants = {family_of(row) for row in rows}, {row["function"] for row in rows if row.get("variant_of")}
    told = counted(len(functions), "function")
    return f"{told} (with {counted(len(variants), 'variant')})" if variants else told


def _by_place(rows: Sequence[Row]) -> dict[str, dict[str, list[Row]]]:
    """The rows of each function, backend by backend and device, and of the derivations."""
    places: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        places[place_of(row)][family_of(row)].append(row)
    return places


def _ordered(places: Iterable[str]) -> list[str]:
    return sorted(places, key=lambda name: (name != BY_HAND, name))


def _places(rows: Sequence[Row], failed: Collection[int]) -> Table:
    """A line for each backend and device, and one for the derivations: what became of all functions there, of which
    `failed` are the failing rows, by identity."""
    functions = {family_of(row) for row in rows}
    places = _by_place(rows)
    lines = [("", "verified", "recorded", "fail", "not run", "worst error / bound of what holds")]
    for place in _ordered(places):
        kinds = [_kind(places[place].get(function, []), failed) for function in functions]
        numbers = [str(kinds.count(kind) or "·") for kind in ("recorded", "fails", "not run")]
        holds = [row for found in places[place].values() for row in found if not _fails(row, failed)]
        worst = summary.worst(against_the_truth(holds))
        lines.append((place, f"{kinds.count('verified')} of {len(functions)}", *numbers, worst))
    return _table(lines, has_head=True)


def _kind(rows: Sequence[Row], failed: Collection[int]) -> str:
    """What became of one function at one place."""
    if any(_fails(row, failed) for row in rows):
        return "fails"
    if all(row["verdict"] in SAYS_NOTHING for row in rows):
        return "not run"
    return "recorded" if any(row.get("known") for row in rows) else "verified"


def _fails(row: Row, failed: Collection[int]) -> bool:
    return id(row) in failed or fails(row)


def _word(group: Sequence[Failed]) -> str:
    """What a cause is headed by: its verdict, or that the record is at fault."""
    row = group[0].row
    if row.get("known") or row["verdict"] in HOLDS:
        # Not the gradient fails there: what was recorded is another.
        return "RECORD"
    return CANNOT_RUN if row["verdict"] == Verdict.NOT_RUN else str(row["verdict"]).upper()


def _failure(group: Sequence[Failed], room: int) -> list[tuple[str, str]]:
    """Lines of two cells: the verdict and what fails, and where else it does."""
    first, word = group[0], _word(group)
    row = first.row
    on = "" if row["backend"] == HAND or row["verdict"] == Verdict.NOT_RUN else f" on {row['backend']}-{row['device']}"
    if word == "RECORD":
        return _beside(word, f"{first.family}{on}: {first.headline}", room)
    reason = str(row.get("reason") or first.headline)
    ratio = ratio_of(row)
    # How far a derivation is off its reason says, in digits.
    size = f" ({ratio:.2g} times its bound)" if ratio > 1 and row["backend"] != HAND else ""
    told = _plainly(reason) if row["verdict"] == Verdict.NOT_RUN else f"{first.subject}{on}: {reason}{size}"
    return [*_beside(word, told, room), *(("", part) for part in _also(group, room))]


def _beside(word: str, text: str, room: int) -> list[tuple[str, str]]:
    """A word, and a text of a few lines at most beside it."""
    most = MOST_LINES.get(word, 2)
    parts = textwrap.wrap(printable(text), room, max_lines=most, placeholder=" …")
    return [(word if i == 0 else "", part) for i, part in enumerate(parts)]


def _also(group: Sequence[Failed], room: int) -> list[str]:
    """Where else a cause shows: as many places as two lines have room for, and how many more there are."""
    for most in range(MOST_PLACES, 0, -1):
        parts = textwrap.wrap(printable(the_same(group, most)), room, break_on_hyphens=False)
        if len(parts) <= 2:
            break
    return parts


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


def _plain(text: str) -> Text:
    # As text: a name may hold what would be markup.
    return Text(printable(text).replace("\n", " "))


def _some(lines: Sequence[str], most: int) -> Text:
    """The first lines, each of which may say at its end what to do."""
    told = [
        textwrap.shorten(" ".join(printable(line).split()), LONGEST * WIDTH, placeholder=" …") for line in lines[:most]
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
