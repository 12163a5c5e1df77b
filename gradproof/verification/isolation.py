"""A cell that takes its process down, or never ends, costs itself alone: what a worker is at is noted where it outlives
the worker, and the tests of a backend stand together, so that each worker imports few backends."""

import faulthandler
import json
import math
import os
import signal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gradproof.backends import BACKENDS
from gradproof.backends.stopped import Hung
from gradproof.report.rows.results import Row, new_row, written
from gradproof.verification.selected import is_ours_by_name

NOTES = "gradproof_notes"
"""The key under which a worker is told where its notes go."""

IMPORTING = "while {backend} was imported"
"""What a process is at before it has a backend."""

SLOW = 1.0
"""Seconds from which on an import is worth sparing a worker."""


SECONDS = 300
"""After how many seconds a cell is ended where nothing else is said; the slowest of a nightly run takes about 60."""

STDERR = pytest.StashKey[int]()
"""A copy of descriptor 2, for the watchdog to write to: while a test runs, pytest has its capture in that place."""


def mark(item: pytest.Item) -> None:
    """Give a test of ours what a project's ini file need not say: warnings are errors, and a cell that hangs ends."""
    config = item.config
    # The last word is that of the command line.
    item.add_marker(pytest.mark.filterwarnings("error", *(config.getoption("pythonwarnings") or ())))
    if config.pluginmanager.has_plugin("timeout"):
        given = (config.getoption("timeout"), os.environ.get("PYTEST_TIMEOUT"), config.getini("timeout") or None)
        if all(limit is None for limit in given):
            item.add_marker(pytest.mark.timeout(SECONDS))


# In the worker


@dataclass
class Notes:
    """What this process is at, as the row that is to stand where it dies; nothing is written without a `path`."""

    path: Path | None = None
    row: Row = field(default_factory=dict)

    @classmethod
    def of(cls, config: pytest.Config) -> "Notes":
        """Those of a worker on the controller's machine; a worker elsewhere, or a run of one process, keeps none."""
        folder = Path(getattr(config, "workerinput", {}).get(NOTES, ""))
        return cls(folder / config.workerinput["workerid"]) if folder.name and folder.is_dir() else cls()

    def write(self, row: Row) -> None:
        """Note what comes now."""
        self.row = row
        if self.path is not None:
            self.path.write_text(json.dumps(row), encoding="utf-8")


def start_timer(item: pytest.Item, seconds: float, *, signals: bool) -> None:
    """Have `Hung` raised in this test after so many seconds, where `signals` arrive; and where not even Python comes to
    run, so that nothing can be raised, the process ended soon after. `item.cancel_timeout` ends the wait."""

    def stop(*_: Any) -> None:
        raise Hung(f"no answer within {seconds:g} s")

    # There is one watchdog in a process: an ini file that sets its time has it.
    config = item.config
    has_time = config.pluginmanager.has_plugin("faulthandler") and float(config.getini("faulthandler_timeout") or 0)

    def cancel() -> None:
        if signals:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        if not has_time:
            faulthandler.cancel_dump_traceback_later()

    item.cancel_timeout = cancel  # pytest-timeout's own cancelling looks for it
    if signals:
        signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, seconds)
    if not has_time:
        faulthandler.dump_traceback_later(1.2 * seconds, exit=True, file=config.stash[STDERR])


def together(items: list[pytest.Item], workers: int) -> None:
    """Put the tests into the order in which pytest-xdist hands them out, a share to each worker: backends that
    are slow to import each in one share, at its head, because idle workers take from the tail of another's."""
    backend_of = [_backend_of(item) for item in items]
    slow = {name for name in backend_of if name and BACKENDS[name].import_seconds >= SLOW}
    shares: list[list[pytest.Item]] = [[] for _ in range(workers)]
    seconds = [0.0] * workers
    for name in sorted(slow, key=lambda name: -BACKENDS[name].import_seconds):
        least = seconds.index(min(seconds))
        seconds[least] += BACKENDS[name].import_seconds
        block = [item for item, backend in zip(items, backend_of, strict=True) if backend == name]
        # From both ends: side by side, two workers would find the same truths at the same time, each for itself.
        shares[least] += block[::-1] if least % 2 else block
    rest = [item for item, backend in zip(items, backend_of, strict=True) if backend not in slow]
    size = math.ceil(len(items) / workers)
    # The suite's own tests come first here, and some try every backend: of two shares the last has several of them at
    # hand by then.
    for share in reversed(shares):
        missing = max(0, size - len(share))
        share += rest[:missing]
        del rest[:missing]
    items[:] = [item for share in (*shares, rest) for item in share]


def _backend_of(item: pytest.Item) -> str:
    """That of a cell, or of one of the suite's own tests that is parametrized by a backend's name; or none."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    if "cell" in params:
        return params["cell"].backend
    given = {value for value in params.values() if isinstance(value, str)}
    named = [name for name, known in BACKENDS.items() if {name, known.short} & given]
    return named[0] if len(named) == 1 else ""


# In the controller


class Crashes:
    """Makes a result row of each test of ours that took its worker down, and gives it, with the text of the failure, to
    `keep`; `again` has the command that repeats a test."""

    def __init__(self, config: pytest.Config, keep: Callable[[Row, str], None], again: Callable[[str], str]) -> None:
        self.config, self.keep, self.again = config, keep, again
        self.folder = tempfile.TemporaryDirectory(prefix="gradproof-", ignore_cleanup_errors=True)
        # A dead worker is replaced as often as it takes: with xdist's own limit, a backend that crashes in many cells
        # would leave the others unverified.
        if config.option.maxworkerrestart is None:
            config.option.maxworkerrestart = "1000000"

    @property
    def notes(self) -> Path:
        """The folder in which each worker notes what it is at."""
        return Path(self.folder.name)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput[NOTES] = self.folder.name

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        if not is_ours_by_name(self.config, crashitem):
            return
        row = self._noted(report.node.gateway.id, crashitem) or _row_of(crashitem)
        how = _how_it_died(report.node)
        if row is None:
            report.longrepr = f"{crashitem}: the process died ({how})"
            return
        row["reason"] = f"the process died ({how}) {row['reason'] or 'while it was at work'}"
        report.longrepr = _crash_text(row, self.again(crashitem.rpartition("::")[2]))
        self.keep(row, report.longrepr)

    def _noted(self, worker: str, crashed: str) -> Row | None:
        try:
            row = json.loads((Path(self.folder.name) / worker).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return row if row["test"] == crashed else None

    def pytest_unconfigure(self) -> None:
        self.folder.cleanup()


def _row_of(test: str) -> Row | None:
    """The row of a test of which no note is to be had, from the words of its id."""
    words = test.partition("[")[2].rpartition("]")[0].split("-")
    if len(words) < 4 or words[1] not in BACKENDS:
        return None
    names = dict(zip(("function", "backend", "device", "dtype", "mode"), [*words, "reverse"], strict=False))
    check = "differences" if "own_differences" in test else "exact"
    return new_row(names, check, "unsupported", test) | {"reason": ""}


def _how_it_died(node: Any) -> str:
    # execnet has no public name for the process that it has started; on another host there is none.
    process = getattr(getattr(node.gateway, "_io", None), "popen", None)
    status = process.wait(timeout=10) if process is not None else None
    if status is None:
        return "on another host"
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"


def _crash_text(row: Row, again: str) -> str:
    names = "-".join(row[key] for key in ("function", "backend", "device", "dtype", "mode"))
    given = ", ".join(f"{name} = {written(value)}" for name, value in (row["input"] or {}).items())
    lines = [f"CRASHED: {names}, {row['check']}", f"  reason      {row['reason']}"]
    lines += [f"  input       {given}"] if given else []
    return "\n".join([*lines, f"  again       {again} -n 1"])
