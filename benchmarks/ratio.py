"""What a gradient costs in units of the function itself, as the benchmarks of automatic differentiation publish it: for
every function of the registry that comes in any size, on every backend, eager and compiled, in one table. Run as
`python -m benchmarks.ratio`; RATIOS.md beside it keeps what one machine gave.

What is divided is measured in turn, in seconds of the processor and on one core, so that other work on the machine and
threads that wait for one another do not count. Each backend runs in a process of its own, where a cell that is too slow
is ended, told and passed over."""

import argparse
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from benchmarks.workers import Failed, Worker
from gradproof import backends, divergences
from gradproof.backends import Adapter
from gradproof.registry import Function, load_builtin

SECONDS = 0.2
"""How long each pair is measured for, after a first call."""

ENOUGH = 1e-3
"""Seconds that plain NumPy takes for a function that is large enough: the calls themselves no longer count."""

STEEP = 20
"""A function that takes this many times as long has outgrown the size that was looked for."""

LARGEST = 2**20
"""The largest n that is tried, for arrays of a few megabytes."""

EXTREMES = 8
"""How many of the largest and smallest ratios are told."""

HEADING = "## Measured"
"""What stands above this line of a Markdown file is kept when it is written again."""


@dataclass(frozen=True)
class Cost:
    """Seconds of the processor for one call, the least that was seen: the function, and its gradient."""

    primal: float
    gradient: float

    @property
    def ratio(self) -> float:
        """The gradient's seconds in units of the function's."""
        return self.gradient / self.primal


@dataclass(frozen=True)
class Task:
    """One cell of the table: a function of the built-in registry at size n, on a backend, "eager" or "compiled"."""

    function: str
    n: int
    backend: str
    way: str
    dtype: str


@dataclass(frozen=True)
class Row:
    """One function: its size, how many numbers its arguments hold, and per column its cost or why there is none."""

    function: str
    n: int
    numbers: int
    cells: dict[tuple[str, str], Cost | str]


def ways(backend: str) -> list[str]:
    """How a backend is run: eager, and compiled where that takes no minutes."""
    known = backends.BACKENDS[backend]
    return ["eager"] + ["compiled"] * ("compiled" in known.modes and "compiled" not in known.nightly)


def codes(adapter: Adapter, function: Function, way: str, dtype: str) -> tuple[Callable, Callable]:
    """The function and its gradient as this backend runs them."""
    f = adapter.callable(function, dtype, "cpu")
    if way == "compiled":
        return adapter.compile(f), adapter.compiled_gradient(f)
    return f, adapter.gradient_of(function, dtype, "cpu")


def cost(adapter: Adapter, function: Function, primal: Callable, gradient: Callable, dtype: str) -> Cost:
    """Measure both at the function's first point, in turn."""
    arrays = adapter.arguments(function, function.points[0], dtype, "cpu")

    def seconds(code: Callable) -> float:
        started = time.process_time()  # of all threads, so that what else runs on this core does not count
        result = code(*arrays)
        for part in result if isinstance(result, tuple) else (result,):
            if part is not None:
                adapter.to_numpy(part)  # waits for what was only begun
        return time.process_time() - started

    with np.errstate(all="ignore"):
        seconds(primal), seconds(gradient)
        until, pairs = time.perf_counter() + SECONDS, []
        while time.perf_counter() < until or len(pairs) < 3:
            pairs.append((seconds(primal), seconds(gradient)))
    return Cost(*map(min, zip(*pairs, strict=True)))


@cache
def _registry() -> dict[str, Function]:
    return {function.name: function for function in load_builtin()}


def measured(task: Task) -> Cost:
    """The cost of one cell, in whatever process this is called."""
    adapter, function = backends.load(task.backend), _registry()[task.function].at_size(task.n)
    return cost(adapter, function, *codes(adapter, function, task.way, task.dtype), task.dtype)


def large_size(function: Function) -> int:
    """The least power of two for which plain NumPy takes `ENOUGH` seconds, or `LARGEST`; less where that is far too
    much."""
    adapter, n = backends.load("numpy"), 4
    while n < LARGEST and _least_seconds(adapter, function.at_size(n)) < ENOUGH:
        n *= 2
    return n if _least_seconds(adapter, function.at_size(n)) < STEEP * ENOUGH else 3 * n // 4


def _least_seconds(adapter: Adapter, function: Function) -> float:
    f = adapter.callable(function, "float64", "cpu")
    arrays, least = adapter.arguments(function, function.points[0], "float64", "cpu"), math.inf
    with np.errstate(all="ignore"):
        for _ in range(5):
            started = time.process_time()
            f(*arrays)
            least = min(least, time.process_time() - started)
    return least


def recorded_reason(task: Task) -> str:
    """What is recorded of this cell, where the backend is known not to support it."""
    mode = "compiled" if task.way == "compiled" else "reverse"
    version = backends.installed_version(task.backend) or ""
    for entry in divergences.load(task.backend):
        if entry.verdict == "unsupported" and entry.applies(task.function, "cpu", task.dtype, mode, version):
            return entry.reason
    return ""


def cell(worker: Worker, task: Task, limit: float) -> Cost | str:
    """The cost of one cell, or why there is none: too slow, the reason that is recorded, or what was raised."""
    try:
        return worker.call(task, limit)
    except Failed as failed:
        slow = str(failed).startswith("over ")
        return str(failed) if slow else recorded_reason(task) or str(failed)


def rows_of(functions: list[Function], names: list[str], size: int, dtype: str, limit: float) -> Iterator[Row]:
    """Measure function after function, each on every backend; `size` 0 takes a large one for each function."""
    with ExitStack() as stack:
        workers = {name: stack.enter_context(Worker(measured, partial(backends.load, name))) for name in names}
        for k, function in enumerate(functions, 1):
            n = size or large_size(function)
            cells: dict[tuple[str, str], Cost | str] = {}
            for name in names:
                for way in ways(name):
                    _progress(f"{k} of {len(functions)}: {function.name}, n = {n}, {name} {way}")
                    cells[name, way] = cell(workers[name], Task(function.name, n, name, way, dtype), limit)
            _progress("")
            yield Row(function.name, n, sum(x.size for x in function.at_size(n).points[0]), cells)


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


class Table:
    """The rows as text: a short word per cell, and below the table what the letters stand for."""

    def __init__(self, columns: list[tuple[str, str]]) -> None:
        self.columns = columns
        self._letters: dict[str, str] = {}

    @property
    def head(self) -> list[str]:
        """The headings."""
        return ["function", "n", "numbers in", "primal, ms", *(f"{name} {way}" for name, way in self.columns)]

    def words(self, row: Row) -> list[str]:
        """The cells of one row."""
        costs = [found for found in row.cells.values() if isinstance(found, Cost)]
        least = f"{1e3 * min(found.primal for found in costs):.3g}" if costs else "."
        return [row.function, str(row.n), str(row.numbers), least, *(self._word(row.cells[c]) for c in self.columns)]

    def _word(self, found: Cost | str) -> str:
        if isinstance(found, Cost):
            return f"{found.ratio:.1f}"
        if found.startswith("over "):
            return found
        return self._letters.setdefault(found, _letter(len(self._letters)))

    def notes(self) -> list[str]:
        """What the letters stand for."""
        return [f"{letter}: {reason}" for reason, letter in self._letters.items()]


def _letter(k: int) -> str:
    return (chr(ord("a") + k // 26 - 1) if k >= 26 else "") + chr(ord("a") + k % 26)


def summary(rows: list[Row], columns: list[tuple[str, str]]) -> Iterator[str]:
    """A line per column: the geometric mean, and the extreme ratios with their functions."""
    for column in columns:
        found = [(row.cells[column].ratio, row.function) for row in rows if isinstance(row.cells[column], Cost)]
        if not found:
            continue
        found.sort()
        mean = math.exp(sum(math.log(ratio) for ratio, _ in found) / len(found))
        largest = ", ".join(f"{ratio:.1f} {name}" for ratio, name in reversed(found[-EXTREMES:]))
        smallest = ", ".join(f"{ratio:.1f} {name}" for ratio, name in found[: EXTREMES // 2])
        beyond = sum(ratio > 5 for ratio, _ in found)
        yield (
            f"{' '.join(column)}: geometric mean {mean:.2f} of {len(found)} functions, {beyond} above 5; "
            f"largest {largest}; smallest {smallest}"
        )


def markdown(path: Path, rows: list[Row], columns: list[tuple[str, str]], limit: float) -> None:
    """Write the table, the summary and how it came to be into a Markdown file, below what stands above `HEADING`."""
    table = Table(columns)
    body = [table.words(row) for row in rows]
    versions = ", ".join(f"{name} {backends.installed_version(name)}" for name in dict(columns))
    lines = [
        HEADING,
        "",
        f"Command: `python -m benchmarks.ratio {' '.join(sys.argv[1:])}`, on {time.strftime('%Y-%m-%d')}.",
        f"Machine: CPU alone, one of {os.cpu_count()} cores, {platform.machine()}, {platform.system()}.",
        f"Versions: Python {platform.python_version()}, {versions}.",
        "",
        "The gradient's seconds in units of the function's, both of the processor and the least that was seen. `n` is",
        "what the function's generator was given; `primal` is that of the quickest backend. With numpy the gradient is",
        "the one derived by hand.",
        f"A cell that takes more than {limit:g} s of the processor, first call and compiling included, is ended.",
        "",
        *(f"- {line}" for line in summary(rows, columns)),
        "",
        *("| " + " | ".join(words) + " |" for words in (table.head, ["---"] * len(table.head), *body)),
        "",
        *(f"- {line}" for line in table.notes()),
    ]
    kept = path.read_text(encoding="utf-8").partition(HEADING)[0] if path.exists() else ""
    path.write_text(kept + "\n".join(lines).rstrip("\n") + "\n", encoding="utf-8")


def selected(words: list[str]) -> list[Function]:
    """The functions that come in any size, whose name contains one of these words."""
    sized = [function for function in _registry().values() if function.generator is not None]
    return [function for function in sized if not words or any(word in function.name for word in words)]


def on_one_core() -> None:
    """Hold this process, and those that it starts, to one core."""
    os.environ["OMP_NUM_THREADS"] = "1"
    if hasattr(os, "sched_setaffinity"):  # not on every system
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def main() -> None:
    """Print the table, row by row, and its summary."""
    parser = argparse.ArgumentParser(description="What a gradient costs in units of the function itself.")
    parser.add_argument("--size", type=int, default=0, help="the n of every function; a large one for each without")
    parser.add_argument("--backend", default="all", help="names with commas between; all installed ones without")
    parser.add_argument("--dtype", default="float64", choices=["float64", "float32"])
    parser.add_argument("-k", default="", metavar="WORDS", help="only functions whose name contains one of these words")
    parser.add_argument("--limit", type=float, default=20.0, help="seconds of the processor for each cell (20)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there as well")
    options = parser.parse_args()
    on_one_core()
    names = list(backends.BACKENDS) if options.backend == "all" else options.backend.split(",")
    names = [name for name in names if backends.missing(name, "cpu") is None]
    functions = selected(options.k.split())
    columns = [(name, way) for name in names for way in ways(name)]
    table, rows = Table(columns), []
    widths = [max(len(f.name) for f in functions), 8, 10, 10, *(max(len(h), 9) for h in table.head[4:])]
    print("  ".join(word.ljust(width) for word, width in zip(table.head, widths, strict=True)), flush=True)
    for row in rows_of(functions, names, options.size, options.dtype, options.limit):
        rows.append(row)
        words = zip(table.words(row), widths, strict=True)
        print("  ".join(word.ljust(width) for word, width in words).rstrip(), flush=True)
        if options.markdown:  # as it goes, so that a run that is ended keeps what it had
            markdown(options.markdown, rows, columns, options.limit)
    print("\n".join(["", *table.notes(), "", *summary(rows, columns)]))


if __name__ == "__main__":
    main()
