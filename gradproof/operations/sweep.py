"""The sweep: which operations are to be tried, what an earlier run has left of them, and the file that grows."""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gradproof.backends import BACKENDS, installed_version
from gradproof.operations.merging import merged
from gradproof.operations.workers import Unlisted, Worker, run
from gradproof.oracles.verdict import FAILING
from gradproof.report.outcome import Unusable
from gradproof.report.rows.results import ResultsError, Row

SWEPT = ("torch", "jax", "autograd", "tensorflow")
"""The backends that have lists of operations, in the order in which they are swept."""

SECONDS = 10.0
"""So long an operation may take, where nothing else is said."""

EVERY = 25
"""Where nobody looks on, progress is told after so many operations."""


@dataclass
class Kept:
    """The rows of a sweep: those that a file has already, and those to come, which are added to it. Those of one
    operation are written at once."""

    path: Path | None = None
    rows: list[Row] = field(default_factory=list)

    def open(self) -> None:
        """Read what is there. A run that was stopped may have left half of an operation, which is dropped. Raises
        `ResultsError` for a file of other versions, or that is none of a sweep."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.is_file():
            self.rows = self._read(self.path)
        self.path.write_text(_lines(self.rows), encoding="utf-8")

    @staticmethod
    def _read(path: Path) -> list[Row]:
        text = path.read_text(encoding="utf-8")
        whole, _, half = text.rpartition("\n")
        try:
            rows = [json.loads(line) for line in whole.splitlines()]
            last = (rows[-1]["backend"], rows[-1]["function"]) if rows and half else None
            return [row for row in rows if (row["backend"], row["function"]) != last and row["list"]]
        except (ValueError, KeyError, TypeError) as error:
            raise ResultsError(f"{path} holds no rows of a sweep ({error!r}); give another file") from error

    def names(self, backend: str) -> set[str]:
        """The operations of a backend that have rows. Raises `ResultsError` where they are of another version."""
        rows = [row for row in self.rows if row["backend"] == backend]
        now = installed_version(backend)
        # Behind its own version a backend may name that of a library that it stands on.
        others = {row["versions"].get(backend, now).partition(" ")[0] for row in rows} - {now}
        if others:
            raise ResultsError(
                f"{self.path} has rows of {backend} {', '.join(sorted(others))}, and {now} is installed; "
                "give a new file"
            )
        return {row["function"] for row in rows}

    def add(self, rows: Sequence[Row]) -> None:
        """The rows of one operation."""
        self.rows += rows
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_lines(rows))


def _lines(rows: Sequence[Row]) -> str:
    return "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows)


@dataclass
class Sweep:
    """What is swept: `backends`, of their operations those whose name contains `word`, each for so many `seconds`, by
    so many `processes`. `chosen` may leave out more, and `lists` is a module with another list than the framework's.
    No more than `limit` operations are tried now. `listed` counts the names of every list."""

    backends: Sequence[str]
    word: str = ""
    seconds: float = SECONDS
    processes: int = 1
    chosen: Callable[[str, Sequence[str]], Sequence[str]] = lambda backend, names: names
    lists: str = ""
    limit: int | None = None
    listed: Counter[str] = field(default_factory=Counter)

    def check(self) -> None:
        """Raise `Unusable` for a backend that has no lists, or is not installed."""
        for name in self.backends:
            if name not in SWEPT:
                raise Unusable(f"{name!r} has no list of operations; there are those of {', '.join(SWEPT)}")
            if installed_version(name) is None:
                raise Unusable(f"{name} is not installed: {BACKENDS[name].cure}")

    def run(self, kept: Kept) -> int:
        """Sweep what has no rows yet; how many operations were tried."""
        self.check()
        return sum(self._sweep(backend, kept) for backend in self.backends)

    def _sweep(self, backend: str, kept: Kept) -> int:
        has = kept.names(backend)
        try:
            first = Worker(backend, self.seconds, self.lists)
        except Unlisted as error:
            raise Unusable(str(error)) from error
        self.listed.update(f"{backend}, {source}" for name, source in first.listed if self.word in name)
        names = self.chosen(backend, [name for name, _ in first.listed if self.word in name])
        if self.word and not names:
            first.end()
            return 0
        rest = [name for name in names if name not in has][: self.limit]
        workers = [
            first,
            *(Worker(backend, self.seconds, self.lists) for _ in range(min(self.processes, len(rest)) - 1)),
        ]
        line = _Line(backend, len(names), len(names) - len(rest))
        try:
            for name, rows in run(workers, rest):
                found = merged(rows)
                kept.add(found)
                line.tell(name, found)
        finally:
            for worker in workers:
                worker.end()
            line.end()
        return len(rest)


@dataclass
class _Line:
    """The progress of a backend's sweep: one line on a terminal, and a line now and then in a log."""

    backend: str
    total: int
    done: int
    failing: int = 0
    started: float = field(default_factory=time.monotonic)

    def tell(self, name: str, rows: Sequence[Row]) -> None:
        self.done += 1
        self.failing += any(row["verdict"] in FAILING for row in rows)
        passed = time.monotonic() - self.started
        text = f"{self.backend}: {self.done} of {self.total}, {self.failing} with findings, {passed:.0f} s: {name}"
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{text[:79]:79}")
        elif self.done % EVERY == 0 or self.done == self.total:
            sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def end(self) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{'':79}\r")
