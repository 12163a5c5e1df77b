"""A soundness campaign: the cells of the registry at inputs that nobody has tuned to, one fresh seed after the other,
until so many of them have been judged. Each alarm is either a backend's defect that nobody has recorded, or a false
accusation of ours; both have to be understood.

What judges is the examiner that verifies. A row per seed, function and backend is written as soon as it is complete, so
that a campaign can be ended at any time, and goes on where it was."""

import json
import math
import os
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from _pytest.mark.expression import Expression

from gradproof import backends
from gradproof.backends import BACKENDS, DTYPES, MODES, Unsupported
from gradproof.backends.daily import WIDE, speaks
from gradproof.backends.stopped import Hung, Stopped
from gradproof.oracles.exact import Uncomputable
from gradproof.oracles.verdict import Verdict
from gradproof.registry import Function, Inputs, RegistryError
from gradproof.report.outcome import Outcome, Unusable
from gradproof.report.rows.results import Row, from_hexadecimal, hexadecimal, lock, number
from gradproof.report.tables.campaign import ALARMS_KEPT, closing, progress
from gradproof.verification.cells import Cell, fits, share_of_draws
from gradproof.verification.clock import CLOCK
from gradproof.verification.examine import Examiner, Finding, forget
from gradproof.verification.search import drawn, simplest

DRAWS = 40
"""How many inputs are drawn for a function and a seed: enough that what a compiler takes is a small part."""

SHRINKING_SECONDS = 2.0
"""As long a simpler input is looked for, once in a cell: whoever looks into an alarm looks at few of them."""

QUICK = "quick"
"""The name of the mode in which a backend is tried with every function, whichever that is."""

HUNG_SECONDS = 300
"""After so many seconds a backend is given up for one function."""

TOLD_SECONDS = 0.5
"""How often the progress is told on a terminal."""

LINE_SECONDS = 30.0
"""How often elsewhere, where each time takes a line."""

WIDTH = 119

TRIES = 2
"""A row in which the process has ended so often is left out: it would end there again."""


@dataclass(frozen=True)
class Selection:
    """What a campaign tries, on the CPU: of these `functions` the cells whose words fit, as `-k` selects them. Where no
    modes are named, all but those that take long to compile; where no dtypes are named, all of them in a backend's
    quick mode, and the widest in the others."""

    words: str = ""
    backends: tuple[str, ...] = tuple(BACKENDS)
    dtypes: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    draws: int = DRAWS

    def cells(self, function: Function, backend: str) -> list[Cell]:
        """The cells of one function on one backend."""
        known = BACKENDS[backend]
        return [
            cell
            for mode in known.modes
            for dtype in known.dtypes
            if fits(function, dtype) and self._tries(backend, dtype, mode)
            if self._has_words(cell := Cell(function, backend, "cpu", dtype, mode, names_mode=True))
        ]

    def _tries(self, backend: str, dtype: str, mode: str) -> bool:
        is_quick = speaks(backend, mode)
        is_named = mode in self.modes or (is_quick and QUICK in self.modes)
        is_slow = MODES[mode].nightly or mode in BACKENDS[backend].nightly
        if dtype not in (self.dtypes or DTYPES) or not (is_named or not (self.modes or is_slow)):
            return False
        return dtype in WIDE or is_quick or bool(self.modes and self.dtypes)

    def _has_words(self, cell: Cell) -> bool:
        return not self.words or matcher(self.words)(cell.id)


def matcher(words: str) -> Callable[[str], bool]:
    """Whether the words of a test id are what `-k` asks for. Raises `Unusable` for what is no such expression."""
    try:
        # pytest has no public name for what -k means, and it is to mean the same here.
        expression = Expression.compile(words)
    except SyntaxError as error:
        raise Unusable(f"-k: {words!r} is no expression of words: {error}") from error
    return lambda name: expression.evaluate(lambda word, **_: word.lower() in name.lower())


@dataclass
class State:
    """The folder of a campaign: what it tries, its seeds, and the rows so far. One process at a time has it open."""

    folder: Path
    selection: Selection
    seeds: list[int] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    _file: TextIO | None = None
    _at_hand: dict[str, Any] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def opened(cls, folder: Path, selection: Selection) -> Iterator["State"]:
        """Open a folder, or begin one. Raises `Unusable` where another campaign stands in it, or is at work."""
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "rows.jsonl").open("a+", encoding="utf-8") as file:
            try:
                lock(file)
            except BlockingIOError as error:
                raise Unusable(f"another process is at work in {folder}; give this one another --state") from error
            state = cls(folder, selection, _file=file)
            state._read_settings()
            state._read_rows()
            at_hand = folder / "at_hand.json"
            state._at_hand = json.loads(at_hand.read_text(encoding="utf-8")) if at_hand.is_file() else {}
            yield state

    def _read_settings(self) -> None:
        path = self.folder / "campaign.json"
        asked = json.loads(json.dumps(asdict(self.selection)))
        if path.is_file():
            kept = json.loads(path.read_text(encoding="utf-8"))
            others = [key for key in asked if asked[key] != kept["selection"][key]]
            if others:
                was = ", ".join(f"{key} {kept['selection'][key]}" for key in others)
                raise Unusable(
                    f"{self.folder} holds a campaign with {was}; ask for the same, or give another folder as --state"
                )
            self.seeds = kept["seeds"]
        self._keep_settings()

    def _keep_settings(self) -> None:
        settings = {"selection": asdict(self.selection), "seeds": self.seeds}
        _replace(self.folder / "campaign.json", json.dumps(settings, indent=1))

    def _read_rows(self) -> None:
        assert self._file is not None
        self._file.seek(0)
        text = self._file.read()
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            # The process was ended within a line: that row is done again.
            self._file.truncate(len(whole.encode()))
        self.rows = [json.loads(line) for line in whole.splitlines()]

    def add_seed(self, first: int | None) -> int:
        """A seed that this campaign has not had: `first`, or the next number that is free."""
        seed = first if first is not None else (self.seeds[-1] + 1 if self.seeds else secrets.randbelow(2**31))
        while seed in self.seeds:
            seed += 1
        self.seeds.append(seed)
        self._keep_settings()
        return seed

    def keep(self, row: Row) -> None:
        """Write a row that is complete."""
        assert self._file is not None
        self.rows.append(row)
        self._file.write(json.dumps(row, allow_nan=False) + "\n")
        self._file.flush()

    @contextmanager
    def at_hand(self, name: str) -> Iterator[int]:
        """Have it noted what this process is at; gives how often a process has ended in it before."""
        before = self._at_hand["ended"] if self._at_hand.get("name") == name else 0
        path = self.folder / "at_hand.json"
        _replace(path, json.dumps({"name": name, "ended": before + 1}))
        try:
            yield before
        finally:
            path.unlink()


def _replace(path: Path, text: str) -> None:
    # A process that is ended while it writes must not leave half a file.
    beside = path.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


@dataclass(frozen=True)
class Until:
    """When a campaign has come to its end: so many seeds are through, and so many inputs have been judged; or the time
    is up, in minutes."""

    seeds: int = 3
    inputs: int = 1_000_000
    minutes: float = math.inf


def campaign(
    functions: list[Function],
    selection: Selection,
    folder: Path,
    until: Until,
    *,
    first_seed: int | None = None,
) -> Outcome:
    """Run a campaign, or go on with it. The exit status is 1 where there is an alarm. Raises `Unusable`."""
    blocks = _blocks(functions, selection)
    if not blocks:
        raise Unusable("nothing is selected; gradproof list prints the functions that there are")
    # Arrays are tiny here: threads would take the time to wait for one another.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    line = Line()
    with State.opened(folder, selection) as state:
        _Run(state, blocks, until, line).to_the_end(first_seed)
    line.end()
    return Outcome(closing(state.rows, state.seeds), status=int(any(row["alarms"] for row in state.rows)))


Block = tuple[Function, str, list[Cell]]
"""The cells of one function on one backend: those of a row."""


def _blocks(functions: list[Function], selection: Selection) -> list[Block]:
    """One function after the other, so that its truths are found once for all backends."""
    given = [name for name in selection.backends if backends.installed_version(name) is not None]
    blocks = ((f, name, selection.cells(f, name)) for f in functions for name in given)
    return [block for block in blocks if block[2]]


class Line:
    """The progress on stderr: on a terminal one line that changes, elsewhere a new line now and then."""

    def __init__(self) -> None:
        self.is_terminal = sys.stderr is not None and sys.stderr.isatty()
        self.written = -math.inf

    def tell(self, text: str) -> None:
        """Write it, or leave it out where one has been written a short time ago."""
        if self.is_terminal:
            print(f"\r{text[:WIDTH]:{WIDTH}}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - self.written >= LINE_SECONDS:
            self.written = time.monotonic()
            print(text, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Take the line away."""
        if self.is_terminal:
            print(f"\r{'':{WIDTH}}\r", end="", file=sys.stderr, flush=True)


class _TimeIsUp(Exception):
    """The minutes that were given are over."""


@dataclass
class _Run:
    """This process's part of a campaign."""

    state: State
    blocks: list[Block]
    until: Until
    line: Line

    def to_the_end(self, first_seed: int | None) -> None:
        """Judge until there is no more to do, the time is up, or somebody ends it."""
        self.started = self.told = time.monotonic()
        self.before, self.judged_before = len(self.state.rows), self._judged()
        self.done = {(row["seed"], row["function"], row["backend"]) for row in self.state.rows}
        try:
            for seed in self._seeds(first_seed):
                self._one_seed(seed)
        except (KeyboardInterrupt, _TimeIsUp):
            return

    def _judged(self) -> int:
        return sum(row["judged"] for row in self.state.rows)

    def _seeds(self, first_seed: int | None) -> Iterator[int]:
        yield from list(self.state.seeds)
        while len(self.state.seeds) < self.until.seeds or self._judged() < self.until.inputs:
            before = self._judged()
            yield self.state.add_seed(first_seed)
            first_seed = None
            if self._judged() == before:
                return  # nothing can be judged here, however long it is tried

    def _one_seed(self, seed: int) -> None:
        last = None
        for function, backend, cells in self.blocks:
            if (seed, function.name, backend) in self.done:
                continue
            if time.monotonic() - self.started >= 60 * self.until.minutes:
                raise _TimeIsUp
            if last is not None and last is not function:
                forget()
            last = function
            with self.state.at_hand(f"{seed} {function.name} {backend}") as ended:
                is_left_out, draws = ended >= TRIES, self.state.selection.draws
                made = (
                    _ended_row(seed, function, backend) if is_left_out else _row(seed, function, backend, cells, draws)
                )
            self.state.keep(made)
            self.done.add((seed, function.name, backend))
            if time.monotonic() - self.told >= TOLD_SECONDS:
                self._tell_progress()
        forget()

    def _tell_progress(self) -> None:
        self.told = time.monotonic()
        rows, seeds = self.state.rows, max(len(self.state.seeds), self.until.seeds)
        seconds = self.told - self.started
        here = len(rows) - self.before
        left = (len(self.blocks) * seeds - len(rows)) * seconds / here if here else math.nan
        left = min(left, 60 * self.until.minutes - seconds)
        judged = self._judged()
        rate = (judged - self.judged_before) / seconds
        self.line.tell(progress(rows, self.state.seeds, len(self.blocks), judged, rate, left))


def _new_row(seed: int, function: Function, backend: str) -> Row:
    names = {"seed": seed, "function": function.name, "backend": backend, "version": ""}
    return names | {"judged": 0, "cells": {}, "alarms": [], "seconds": 0.0, "spent": {}}


def _ended_row(seed: int, function: Function, backend: str) -> Row:
    reason = f"the process has ended here {TRIES} times: it was killed, or {backend} has taken it down"
    return _new_row(seed, function, backend) | {"alarms": [_bare_alarm("", "", Verdict.UNSUPPORTED, reason)]}


def _row(seed: int, function: Function, backend: str, cells: list[Cell], draws: int) -> Row:
    """Judge one function on one backend, in all its cells."""
    row, started, before = _new_row(seed, function, backend), time.perf_counter(), Counter(CLOCK.spent)
    for cell in cells:
        judged = _Judged(cell, seed, draws)
        try:
            with _limited(HUNG_SECONDS):
                judged.run()
        except (Unsupported, RegistryError, Uncomputable, Stopped) as error:
            judged.ended_by(error)
        row["version"] = judged.version or row["version"]
        row["judged"] += len(judged.ratios) + judged.recorded
        row["cells"][f"{cell.dtype}-{cell.mode}"] = judged.as_cell()
        row["alarms"] += judged.alarms
    row["seconds"] = round(time.perf_counter() - started, 3)
    row["spent"] = {part: round(s - before[part], 3) for part, s in CLOCK.spent.items() if s - before[part] >= 5e-4}
    return row


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise Hung(f"no answer within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass
class _Judged:
    """What one cell showed at the draws of one seed. `ratios` has the error in units of its bound at each input that
    was judged and is not recorded; `recorded` counts those that deviate as recorded, and `apart` what else became of
    an input, by its reason."""

    cell: Cell
    seed: int
    draws: int
    version: str = ""
    ratios: list[float] = field(default_factory=list)
    recorded: int = 0
    apart: Counter = field(default_factory=Counter)
    alarms: list[Row] = field(default_factory=list)
    alarming: int = 0

    def run(self) -> None:
        """Judge as many draws as this cell's share says."""
        examiner = Examiner(self.cell, measures=False)
        self.version = examiner.version
        inputs = drawn(self.cell.function, self.seed, self.draws)
        for one in inputs[: math.ceil(share_of_draws(self.cell) * len(inputs))]:
            finding = examiner.against_truth(one)
            self._count(finding)
            if finding.fails:
                self._alarm(examiner, finding)
            if finding.judgement.verdict == Verdict.UNSUPPORTED and not self.ratios:
                return  # refused at any input, and each further one may cost a compilation that fails

    def _count(self, finding: Finding) -> None:
        verdict = finding.judgement.verdict
        if finding.out_of_range:
            self.apart[finding.out_of_range] += 1
        elif verdict == Verdict.UNSUPPORTED:
            self.apart["refused, as recorded" if finding.known else "refused"] += 1
        elif verdict == Verdict.CONVENTION:
            self.apart["another definition, as recorded" if finding.known else "a kink"] += 1
        elif verdict == Verdict.INCONCLUSIVE:
            self.apart[finding.judgement.reason] += 1
        elif finding.known is not None:
            self.recorded += 1
        else:
            ratio = finding.judgement.worst.ratio if finding.judgement.worst is not None else math.nan
            self.ratios.append(math.inf if math.isnan(ratio) else ratio)

    def _alarm(self, examiner: Examiner, finding: Finding) -> None:
        self.alarming += 1
        if self.alarming > ALARMS_KEPT:
            return
        refused = finding.judgement.verdict == Verdict.UNSUPPORTED
        if self.alarming == 1 and not refused:
            function, examine = self.cell.function, examiner.against_truth
            kind = (self.seed, self.draws)
            finding = simplest(function, examine, finding, *kind, seconds=SHRINKING_SECONDS)
        self.alarms.append(self._told(finding))

    def _told(self, finding: Finding) -> Row:
        judgement, worst = finding.judgement, finding.judgement.worst
        alarm = _bare_alarm(self.cell.dtype, self.cell.mode, judgement.verdict, judgement.reason)
        alarm["input"] = hexadecimal(self.cell.function, finding.inputs)
        if worst is None:
            return alarm
        numbers = {key: number(getattr(worst, key)) for key in ("got", "error", "bound", "ratio")}
        return alarm | numbers | {"entry": worst.symbol, "expected": worst.expected}

    def ended_by(self, error: BaseException) -> None:
        """Note why no more inputs were tried. What a backend does not have is nobody's alarm; all else is."""
        reason = f"{type(error).__name__}: {error}"
        self.apart[f"not run: {error}" if isinstance(error, Unsupported) else reason] += 1
        if isinstance(error, Unsupported):
            return
        during = f" ({error.during})" if isinstance(error, Stopped) and error.during else ""
        self.alarms.append(_bare_alarm(self.cell.dtype, self.cell.mode, Verdict.NOT_RUN, reason + during))

    def as_cell(self) -> Row:
        """What the row has of this cell."""
        # Three digits tell where an error lies, in a file of a million of them.
        ratios = [number(float(f"{ratio:.2e}")) for ratio in self.ratios]
        return {"ratios": ratios, "recorded": self.recorded, "apart": dict(self.apart), "alarming": self.alarming}


def _bare_alarm(dtype: str, mode: str, verdict: Verdict, reason: str) -> Row:
    return {"dtype": dtype, "mode": mode, "verdict": str(verdict), "reason": reason, "input": None}


def recheck(functions: Iterable[Function], folder: Path, selection: Selection) -> Outcome:
    """Judge the inputs of the alarms of a campaign again, after something was mended. The exit status is 1 where one of
    them stands."""
    known = {function.name: function for function in functions}
    with State.opened(folder, selection) as state:
        found = [(row, alarm) for row in state.rows for alarm in row["alarms"] if alarm["input"] is not None]
    lines, standing = [], 0
    for row, alarm in found:
        if row["function"] not in known:
            continue
        function = known[row["function"]]
        cell = Cell(function, row["backend"], "cpu", alarm["dtype"], alarm["mode"])
        inputs: Inputs = tuple(from_hexadecimal(alarm["input"][name]) for name in function.domains)
        finding = Examiner(cell).against_truth(inputs)
        standing += finding.fails
        is_now = finding.out_of_range or str(finding.judgement.verdict)
        cause = f", recorded as {finding.known.cause}" if finding.known else ""
        lines.append(f"{'ALARM ' if finding.fails else ''}{cell.full_id}: was {alarm['verdict']}, is {is_now}{cause}")
    lines.append(f"{standing} of {len(lines)} alarms stand")
    return Outcome("\n".join(lines), status=int(bool(standing)))
