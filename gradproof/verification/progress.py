"""Which cell a run waits for, and for how long: a line for each that takes more than a few seconds, in whatever
process."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

import pytest

from gradproof.report.rows.results import Row, name_of
from gradproof.report.text import WIDTH
from gradproof.verification.isolation import IMPORTING, Notes

TOLD_AT = (5.0, 15.0, 30.0, 60.0, 120.0, 240.0)
"""Seconds after which a cell is told of, each time once."""

EVERY = 1.0
"""Seconds between two looks at what is at work."""


class Progress:
    """Looks on from a thread of its own, as one cell may take all the time. `at_work` gives what each process is at.
    `out` is where its lines go: the reporter's own file is pytest's capture while a test runs."""

    def __init__(
        self, at_work: Callable[[], Mapping[str, Row]], reporter: pytest.TerminalReporter, out: TextIO
    ) -> None:
        self.at_work, self.reporter, self.out = at_work, reporter, out
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._done: set[str] = set()
        self._since: dict[str, tuple[str, float, int]] = {}
        self._done_when_told = -1

    def start(self) -> None:
        """Look on from now."""
        self._thread.start()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What has ended is not told of."""
        if report.when == "call":
            self._done.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()
        self.out.close()

    def _watch(self) -> None:
        while not self._ended.wait(EVERY):
            if lines := self.lines(time.monotonic()):
                begun = [""] if self.is_begun else []
                self._done_when_told = len(self._done)
                print(*begun, *lines, sep="\n", file=self.out, flush=True)

    @property
    def is_begun(self) -> bool:
        """Whether dots stand on a line that is not at its end; where none came since, what was told is the last. Of
        workers pytest opens a line at no file."""
        has_dots = bool(self._done) and self.reporter.verbosity <= 0
        return bool(self.reporter.currentfspath or has_dots) and len(self._done) != self._done_when_told

    def lines(self, now: float) -> list[str]:
        """What is to be told now; once what several processes are at."""
        lines = []
        for process, row in self.at_work().items():
            test, since, told = self._since.get(process, ("", now, 0))
            if test != row["test"]:
                test, since, told = row["test"], now, 0
            if test not in self._done and told < len(TOLD_AT) and now - since >= TOLD_AT[told]:
                line = f"  at work for {now - since:.0f} s: {_doing(row)}"
                lines.append(line if len(line) <= WIDTH else f"{line[: WIDTH - 2]} …")
                told += 1
            self._since[process] = test, since, told
        return list(dict.fromkeys(lines))


def _doing(row: Row) -> str:
    reason = row.get("reason")
    if reason == IMPORTING.format(**row):
        # The first cell of a backend waits for that on behalf of all others.
        return f"{row['backend']} is imported"
    return f"{name_of(row)}, {reason}" if reason else name_of(row)


def of_this_process(notes: Notes) -> Callable[[], Mapping[str, Row]]:
    """What a run of one process is at."""
    return lambda: {"": dict(notes.row)} if notes.row else {}


def of_workers(folder: Path) -> Callable[[], Mapping[str, Row]]:
    """What the workers note in this folder."""

    def at_work() -> Mapping[str, Any]:
        return {path.name: row for path in sorted(folder.iterdir()) if path.is_file() and (row := _read(path))}

    return at_work


def _read(path: Path) -> Row | None:
    # It may be written at this moment; and other files lie there as well.
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return row if isinstance(row, dict) and "test" in row else None
