"""Calls with a time limit, in a process that is kept from one to the next: what does not come back, not even to Python,
is ended with its process, and what takes its process down ends nothing else. A benchmark then tells it and goes on."""

import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

START = 120.0
"""Seconds that a new process may take to start."""

PATIENCE = 6
"""How many times its limit a call may take by the clock, where it waits or others use the machine."""


STEP = 0.25
"""Seconds from one look at a process to the next."""


class Failed(Exception):
    """A call without a result. The message says why: too slow, its process died, or it raised."""


class Worker:
    """A process that calls `work(task)` for one task after the other, and `start()` before the first, outside of its
    limit; both are functions of a module."""

    def __init__(self, work: Callable[[Any], Any], start: Callable[[], Any] = int) -> None:
        self._work, self._first = work, start
        self._process: multiprocessing.process.BaseProcess | None = None

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def call(self, task: Any, limit: float) -> Any:
        """The result of one task, which may take about `limit` seconds of the processor, and by the clock `PATIENCE`
        times as many. Raises `Failed` where there is none."""
        if self._process is None:
            self._start()
        self._connection.send(task)
        succeeded, result = self._received(limit, PATIENCE * limit, f"over {limit:g} s")
        if not succeeded:
            raise Failed(result)
        return result

    def _start(self) -> None:
        # Spawned, because a framework's threads do not survive a fork.
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._work, self._first), daemon=True)
        self._process.start()
        theirs.close()
        self._received(START, START, "its process does not start")

    def _received(self, limit: float, by_the_clock: float, too_slow: str) -> Any:
        used, until = _processor_seconds(self._process.pid), time.monotonic() + by_the_clock
        problem = too_slow
        try:
            while time.monotonic() < until and _processor_seconds(self._process.pid) < used + limit:
                if self._connection.poll(STEP):
                    return self._connection.recv()
        except EOFError:
            problem = "its process died"
        self._end()
        raise Failed(problem)

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
            self._process = None


def _processor_seconds(pid: int) -> float:
    """What a process has used of the processor; 0 on a system that does not tell, where the clock ends a call."""
    # Not by a limit of the system: with one set, Linux counts a process's time in ticks, too coarse to measure by.
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _serve(connection: Connection, work: Callable[[Any], Any], start: Callable[[], Any]) -> None:
    # What frameworks log as they start would break into the table; an error is sent as an answer.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    start()
    connection.send((True, "started"))
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        try:
            answer = (True, work(task))
        except Exception as error:
            text = (str(error).splitlines() or [""])[0]
            answer = (False, f"{type(error).__name__}: {text}")
        connection.send(answer)
