"""Processes that try operations, one at a time each, and may die of it: what a framework takes down with it, or never
ends, costs that operation alone."""

import contextlib
import importlib
import multiprocessing
import os
import signal
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from gradproof.backends import operations_of
from gradproof.backends.operations import Operation
from gradproof.backends.transformations import Missing
from gradproof.operations.trial import tried, untried
from gradproof.report.rows.results import Row

GRACE = 20.0
"""A process is ended after this multiple of the time that an operation has: others may share the machine."""

START = 600.0
"""Seconds in which a process must have imported its framework."""

RETIRES = 150
"""After so many operations a process is replaced: compilers keep what they have compiled."""


def work(connection: Connection, backend: str, seconds: float, lists: str) -> None:
    """The life of a worker: a name in, its rows out one by one, then None. `lists` is the module of another list than
    the framework's own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started it is asked, and ends it
    warnings.simplefilter("ignore")  # frameworks warn of what is asked for on purpose
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # arrays are small, and threads that wait take a core
    try:
        operations = importlib.import_module(lists).OPERATIONS() if lists else operations_of(backend)
        known = {operation.name: operation for operation in operations.all()}
    except Missing as error:
        connection.send(str(error))
        return
    # Whoever asked may be gone.
    with contextlib.suppress(BrokenPipeError, EOFError):
        connection.send([(operation.name, operation.source) for operation in known.values()])
        while (name := connection.recv()) is not None:
            for row in tried(backend, known[name], operations, seconds):
                connection.send(row)
            connection.send(None)


class Unlisted(Exception):
    """A framework whose list of operations cannot be had. The message names the cause and the cure."""


@dataclass
class Worker:
    """One process and what it is at. `listed` are the names that it knows, with their lists."""

    backend: str
    seconds: float
    lists: str = ""
    name: str = ""
    rows: list[Row] = field(default_factory=list)
    done: int = 0
    started: float = 0.0
    listed: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start the process, and wait until it knows its list. Raises `Unlisted`."""
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, self.backend, self.seconds, self.lists), daemon=True)
        self.process.start()
        theirs.close()
        answer: Any = f"importing {self.backend} took more than {START:g} s"
        try:
            if self.connection.poll(START):
                answer = self.connection.recv()
        except EOFError:
            answer = f"the process that imports {self.backend} died"
        if isinstance(answer, str):
            self.end()
            raise Unlisted(answer)
        self.listed, self.done = answer, 0

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()
        self.connection.close()

    def give(self, name: str) -> None:
        """Have an operation tried."""
        if self.done >= RETIRES:
            self.end()
            self.start()
        self.name, self.rows, self.started = name, [], time.monotonic()
        self.done += 1
        self.connection.send(name)

    @property
    def is_late(self) -> bool:
        """Whether it has taken longer than an operation may."""
        return bool(self.name) and time.monotonic() - self.started > GRACE * self.seconds

    def died(self, how: str) -> list[Row]:
        """The rows of the operation at hand, with one that says how it ended; another process takes the place."""
        self.end()
        status = self.process.exitcode
        told = how or f"the process died ({signal.Signals(-status).name if status and status < 0 else status})"
        source = dict(self.listed)[self.name]
        rows = [*self.rows, lost(self.backend, self.name, source, told)]
        self.name = ""
        self.start()
        return rows


def lost(backend: str, name: str, source: str, reason: str) -> Row:
    """The row of an operation that ended its process, or did not end."""
    return untried(backend, Operation(name, source), reason) | {"check": "process"}


def run(workers: Sequence[Worker], names: Sequence[str]) -> Iterator[tuple[str, list[Row]]]:
    """Each name with its rows, as they come."""
    rest = list(reversed(names))
    for worker in workers:
        if rest:
            worker.give(rest.pop())
    while at_work := [worker for worker in workers if worker.name]:
        ready = wait([worker.connection for worker in at_work], timeout=1.0)
        for worker in at_work:
            finished = _finished(worker, worker.connection in ready)
            if finished is None:
                continue
            yield finished
            if rest:
                worker.give(rest.pop())


def _finished(worker: Worker, is_ready: bool) -> tuple[str, list[Row]] | None:
    name = worker.name
    if is_ready:
        try:
            row = worker.connection.recv()
        except (EOFError, ConnectionError):
            return name, worker.died("")
        if row is not None:
            worker.rows.append(row)
            return None
        worker.name = ""
        return name, worker.rows
    if worker.is_late:
        return name, worker.died(f"no end within {GRACE * worker.seconds:g} s")
    return None
