"""This package's `check_grads` beside the checkers that people have, in one run: the smallest error of one entry that
each catches, whether it objects to right gradients at hard inputs, and what a check costs by the number of parameters.
Run as `python -m benchmarks.peers --markdown docs/PEERS.md`. `--guard benchmarks/ratios.json` measures ratios alone,
ours to the backend's own gradient and to its own checker, and fails where one has grown by a quarter."""

import argparse
import json
import math
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.checkers import NARROW, OURS, PEERS, said
from benchmarks.detection import LAST, shown, smallest_caught, suite_at
from benchmarks.planted import nonzero_positions, planted, scaled
from benchmarks.ratio import on_one_core
from benchmarks.workers import Failed, Worker
from gradproof import backends
from gradproof.registry import Function, Inputs, load_builtin

HEADING = "## Measured"
"""What stands above this line of a Markdown file is kept when it is written again."""

FUNCTION = "multilayer_perceptron"

ENTRIES = 9
"""So many entries of the gradient, from the largest to the smallest, have an error planted in them."""

SIZES = (10, 100, 1_000, 10_000, 100_000)
"""Rows that the perceptron is given; it has twice as many inputs, and 39 weights."""

LIMIT = 20.0
"""Seconds of the processor for one check."""

GROWTH = 1.25
"""A ratio that has grown by more fails the guard."""

GUARDED = (10, 300)
"""Rows at which the guard measures."""

CHECKERS = OURS | PEERS | NARROW


@dataclass(frozen=True)
class Hard:
    """Inputs at which a right gradient is hard to check by differences: a function of the registry, and what becomes of
    the inputs of its first point."""

    label: str
    function: str
    change: Callable[[np.ndarray], np.ndarray]


HARD = (
    Hard("as given", FUNCTION, lambda x: x),
    Hard("tiny", FUNCTION, lambda x: x * 2.0**-20),
    Hard("saturated", FUNCTION, lambda x: x * 2.0**6),
    Hard("huge", "squared_error", lambda x: x * 2.0**20),
    Hard("ill-conditioned", "standardization", lambda x: x + 2.0**10),
    Hard("wide logits", "log_sum_exp", lambda x: x * 2.0**5),
)


def _registry() -> dict[str, Function]:
    return {function.name: function for function in load_builtin()}


def installed(name: str) -> bool:
    """Whether the backend of a checker, and the checker itself, can be imported."""
    if "numdifftools" in name:
        try:
            import numdifftools  # noqa: F401
        except ImportError:
            return False
    return backends.missing(CHECKERS[name][0], "cpu") is None


# What is caught


def caught(function: Function, name: str) -> list[float]:
    """The smallest error, in powers of ten, that a checker catches at each of some entries; empty where it objects to
    the right gradient."""
    backend, dtype, objects = CHECKERS[name]
    inputs = tuple(x.astype(dtype).astype(np.float64) for x in function.points[0])
    positions = nonzero_positions(function, dtype)
    picked = [positions[i] for i in np.unique(np.linspace(0, len(positions) - 1, ENTRIES).astype(int))]

    if name in OURS:
        return [suite_at(function, backend, dtype, position) for position in picked]

    def objects_to(position: tuple, d: float) -> bool:
        return objects(planted(function, backend, scaled(position, 1 + d)).implementations[backend], inputs)

    if objects_to(picked[0], 0.0):
        return []
    return [smallest_caught(lambda d, p=p: objects_to(p, d), LAST[dtype]) for p in picked]


def detection(names: list[str]) -> Iterator[list[str]]:
    """A line for each checker."""
    function = _registry()[FUNCTION]
    for name in names:
        if CHECKERS[name][1] == "bfloat16":
            continue
        found = caught(function, name)
        words = [shown(statistics.median_high(found)), shown(max(found))] if found else ["objects to the right one", ""]
        yield [name, *words]


# False alarms


def alarms(names: list[str]) -> Iterator[list[str]]:
    """A line for each checker: what it says of the right gradient at hard inputs."""
    registry = _registry()
    for name in names:
        backend, dtype, objects = CHECKERS[name]
        words = []
        for hard in HARD:
            function = registry[hard.function]
            inputs = tuple(np.asarray(hard.change(x)).astype(np.float32).astype(np.float64) for x in function.points[0])
            code = backends.load(backend).callable(function, dtype, "cpu")
            try:
                if name in OURS:
                    words.append(said(backend, dtype, code, inputs))
                else:
                    words.append("**objects**" if objects(code, inputs) else "passes")
            except Exception as error:
                words.append(f"raises {type(error).__name__}")
        yield [name, *words]


# Cost


@dataclass(frozen=True)
class Cost:
    """One check: seconds of the processor, calls of the function, and MiB by which the process grew."""

    seconds: float
    calls: int
    memory: float


def cost(task: tuple[str, int]) -> Cost:
    """What a check costs at a size, in whatever process this is called."""
    name, rows = task
    backend, dtype, objects = CHECKERS[name]
    code, inputs = sized(backend, dtype, rows)
    calls = 0

    def counted(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        return code(*arguments)

    before, started = _peak(), time.process_time()
    objects(counted, inputs)
    return Cost(time.process_time() - started, calls, _peak() - before)


def sized(backend: str, dtype: str, rows: int) -> tuple[Callable, Inputs]:
    """The perceptron of so many rows on a backend, and its inputs."""
    function = _registry()[FUNCTION].at_size(rows)
    return backends.load(backend).callable(function, dtype, "cpu"), function.points[0]


def _peak() -> float:
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (1024 if sys.platform == "linux" else 1024**2)


def costs(names: list[str], sizes: tuple[int, ...]) -> dict[str, dict[int, Cost | str]]:
    """Every checker at every size, each in a process of its own, until one is too slow."""
    found: dict[str, dict[int, Cost | str]] = {}
    for name in names:
        found[name] = {}
        with Worker(cost) as worker:
            for rows in (sizes[0], *sizes):  # the first call loads and compiles
                try:
                    found[name][rows] = worker.call((name, rows), LIMIT)
                except Failed as failed:
                    found[name][rows] = str(failed)
                    break
        print("cost", name, {n: _seconds(c) for n, c in found[name].items()}, flush=True)
    return found


def _seconds(found: Cost | str) -> str:
    return found if isinstance(found, str) else f"{found.seconds:.2g} s"


def exponent(found: dict[int, Cost | str]) -> str:
    """The power of the size with which seconds grow, between the two largest sizes that were reached."""
    reached = [(2 * n + 39, c.seconds) for n, c in found.items() if isinstance(c, Cost)]
    if len(reached) < 2:
        return ""
    (small, quick), (large, slow) = reached[-2:]
    return f"{math.log(slow / quick) / math.log(large / small):.1f}"


def cost_lines(found: dict[str, dict[int, Cost | str]], sizes: tuple[int, ...]) -> Iterator[list[str]]:
    """A line for each checker: seconds and calls by size, the exponent, and memory at the largest size it reached."""
    for name, by_size in found.items():
        words = []
        for rows in sizes:
            c = by_size.get(rows, "")
            words.append(c if isinstance(c, str) else f"{c.seconds:.2g} s, {c.calls}")
        reached = [c.memory for c in by_size.values() if isinstance(c, Cost)]
        yield [name, *words, exponent(by_size), f"{sum(reached):.0f}"]


def quicker(found: dict[str, dict[int, Cost | str]], sizes: tuple[int, ...]) -> Iterator[str]:
    """Where another checker of the same backend and dtype is quicker than ours."""
    for name, (backend, dtype, _) in PEERS.items():
        ours = found.get(f"**Gradproof**, {backend} {dtype}", {})
        for rows in sizes:
            mine, theirs = ours.get(rows), found.get(name, {}).get(rows)
            if isinstance(mine, Cost) and isinstance(theirs, Cost) and theirs.seconds < mine.seconds:
                yield f"{name} at {2 * rows + 39} parameters: {mine.seconds / theirs.seconds:.1f} times quicker"


# Guard


CHECKED = {"jax": "JAX check_grads, float64", "torch": "PyTorch gradcheck, fast", "autograd": ""}
"""The backends of the guard, and the checker of each that ours is compared with."""


def ratios() -> dict[str, float]:
    """Seconds of our check, the least of several, in units of the backend's own gradient and of its own checker."""
    found = {}
    for backend, peer in CHECKED.items():
        for rows in GUARDED if backends.missing(backend, "cpu") is None else ():
            least = _least(_works(backend, peer, rows))
            for name in list(least)[1:]:
                found[f"{backend}, {rows} rows, ours to its {name}"] = least["ours"] / least[name]
    return found


def _works(backend: str, peer: str, rows: int) -> dict[str, Callable[[], object]]:
    code, inputs = sized(backend, "float64", rows)
    adapter, ours = backends.load(backend), OURS[f"**Gradproof**, {backend} float64"][2]
    gradient, arrays = adapter.gradient(code), [adapter.array(x, "float64", "cpu") for x in inputs]
    works: dict[str, Callable[[], object]] = {
        "ours": lambda: ours(code, inputs),
        "gradient": lambda: [adapter.to_numpy(part) for part in gradient(*arrays)],
    }
    return works | ({"checker": lambda: PEERS[peer][2](code, inputs)} if peer else {})


def _least(works: dict[str, Callable[[], object]], repeats: int = 10) -> dict[str, float]:
    least = dict.fromkeys(works, math.inf)
    for _ in range(repeats):  # in turn, so that what else runs counts for all
        for name, work in works.items():
            started = time.process_time()
            work()
            least[name] = min(least[name], time.process_time() - started)
    return least


def guard(path: Path, record: bool) -> int:
    """Compare with what was recorded; 1 where a ratio has grown by a quarter."""
    on_one_core()
    now = ratios()
    if record or not path.exists():
        path.write_text(json.dumps({k: round(v, 3) for k, v in now.items()}, indent=1) + "\n", encoding="utf-8")
        print(f"recorded {len(now)} ratios in {path}")
        return 0
    then = json.loads(path.read_text(encoding="utf-8"))
    grown = exceeded(then, now)
    for name, ratio in now.items():
        told = "GROWN" if name in grown else "new" if name not in then else ""
        print(f"{name:45} {then.get(name, math.nan):10.2f} -> {ratio:10.2f} {told}".rstrip())
    return int(bool(grown))


def exceeded(then: dict[str, float], now: dict[str, float]) -> list[str]:
    """The ratios that have grown by more than a quarter, and those that are no longer measured."""
    lost = [name for name in then if name not in now]
    return [name for name, ratio in now.items() if ratio > GROWTH * then.get(name, math.inf)] + lost


# What is written


def plot(found: dict[str, dict[int, Cost | str]], path: Path) -> None:
    """Seconds of a check by the number of parameters."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "gradproof"
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for name, by_size in found.items():
        points = [(2 * n + 39, c.seconds) for n, c in by_size.items() if isinstance(c, Cost) and c.seconds > 0]
        if points:
            ours = name in OURS
            axes.plot(*zip(*points, strict=True), "-o" if ours else "--x", label=name.replace("*", ""), markersize=4)
    axes.set(xscale="log", yscale="log", xlabel="parameters", ylabel="seconds of one check")
    axes.legend(fontsize=6)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _table(head: list[str], lines: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(parts)} |" for parts in (head, ["---"] * len(head), *lines)]


def markdown(path: Path, sections: list[list[str]]) -> None:
    """Write the sections below what stands above `HEADING`."""
    names = ("numpy", "autograd", "tensorflow", "jax", "torch")
    versions = ", ".join(f"{n} {v}" for n in names if (v := backends.installed_version(n)))
    ran = f"python -m benchmarks.peers {' '.join(sys.argv[1:])}".strip()
    command = f"Command: `{ran}`, with Python {platform.python_version()}, {versions}."
    body = "\n\n".join("\n".join(section) for section in [[HEADING], [command], *sections])
    kept = path.read_text(encoding="utf-8").partition(HEADING)[0] if path.exists() else ""
    path.write_text(kept + body + "\n", encoding="utf-8")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="check_grads beside the checkers that people have.")
    parser.add_argument("-k", default="", metavar="WORDS", help="only checkers whose name contains one of these words")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="rows, with commas between")
    parser.add_argument("--part", default="detection,alarms,cost", help="what is measured, with commas between")
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    parser.add_argument("--guard", type=Path, metavar="FILE", help="compare ratios with this file, and nothing else")
    parser.add_argument("--record", action="store_true", help="write that file")
    options = parser.parse_args()
    if options.guard:
        return guard(options.guard, options.record)
    words = options.k.split()
    names = [name for name in CHECKERS if installed(name) and (not words or any(w in name for w in words))]
    sizes, sections = tuple(int(n) for n in options.sizes.split(",")), []
    for part in options.part.split(","):
        sections += _measured(part, names, sizes, options.markdown)
        if options.markdown:
            markdown(options.markdown, sections)
    return 0


def _measured(part: str, names: list[str], sizes: tuple[int, ...], path: Path | None) -> list[list[str]]:
    if part == "detection":
        lines = [_told(line) for line in detection(names)]
        head = ["checker", "median entry", "worst entry"]
        return [[f"### The smallest error of one entry that is caught, over {ENTRIES} entries"], _table(head, lines)]
    if part == "alarms":
        lines = [_told(line) for line in alarms(names)]
        return [["### Right gradients at hard inputs"], _table(["checker", *(h.label for h in HARD)], lines)]
    found = costs([name for name in names if CHECKERS[name][1] != "bfloat16"], sizes)
    head = ["checker", *(f"{2 * n + 39} parameters" for n in sizes), "exponent", "MiB"]
    section = _table(head, list(cost_lines(found, sizes)))
    image = []
    if path is not None:
        plot(found, path.parent / "images" / "peers-cost.svg")
        image = [["![seconds of a check by parameters](images/peers-cost.svg)"]]
    better = [f"- {line}" for line in quicker(found, sizes)] or ["- none"]
    title = ["### Seconds of the processor for a check, and calls of the function"]
    return [title, section, *image, ["### Where another checker is quicker"], better]


def _told(line: list[str]) -> list[str]:
    print(" | ".join(line), flush=True)
    return line


if __name__ == "__main__":
    sys.exit(main())
