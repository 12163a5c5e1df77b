"""Calls with a time limit, in a process that is kept from one to the next: what does not come back, not even to Python,
is ended with its process, and what takes its process down ends nothing else. A benchmark then tells it and goes on."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

try:
    import resource
except ImportError:  # not on every system; then the clock alone ends a call
    resource = None

START = 120.0
"""Seconds that a new process may take to start."""

PATIENCE = 6
"""How many times its limit a call may take by the clock, where it waits or others use the machine."""


class Failed(Exception):
    """A call without a result. The message says why: too slow, its process died, or it raised."""


class Worker:
    """A process that calls `work(task)` for one task after the other; `work` is a function of a module."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self._work = work
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
        self._connection.send((task, limit))
        succeeded, result = self._received(PATIENCE * limit, f"over {limit:g} s")
        if not succeeded:
            raise Failed(result)
        return result

    def _start(self) -> None:
        # Spawned, because a framework's threads do not survive a fork.
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._work), daemon=True)
        self._process.start()
        theirs.close()
        self._received(START, "its process does not start")

    def _received(self, seconds: float, too_slow: str) -> Any:
        try:
            if self._connection.poll(seconds):
                return self._connection.recv()
            problem = too_slow
        except EOFError:
            self._process.join()
            of_the_limit = self._process.exitcode == -getattr(signal, "SIGXCPU", 0)
            problem = too_slow if of_the_limit else "its process died"
        self._end()
        raise Failed(problem)

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
            self._process = None


def _serve(connection: Connection, work: Callable[[Any], Any]) -> None:
    # What frameworks log as they start would break into the table; an error is sent as an answer.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # SIGXCPU would leave the memory in a file
    connection.send((True, "started"))
    while True:
        try:
            task, limit = connection.recv()
        except EOFError:
            return
        if resource is not None:  # the system ends the process with SIGXCPU, whatever that is at
            _, most = resource.getrlimit(resource.RLIMIT_CPU)
            resource.setrlimit(resource.RLIMIT_CPU, (round(time.process_time() + limit) + 1, most))
        try:
            answer = (True, work(task))
        except Exception as error:
            text = (str(error).splitlines() or [""])[0]
            answer = (False, f"{type(error).__name__}: {text}")
        connection.send(answer)
