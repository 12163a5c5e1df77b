"""What a gradient costs in units of the function itself, as the benchmarks of automatic differentiation publish it: for
every function of the registry that comes in any size. Run as `python -m benchmarks.ratio --size 256`; a table per
function, a row per backend. What is divided is measured in turn, so that noise meets both alike."""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import backends
from backends import Adapter
from functions import Function, load_builtin

SECONDS = 0.25
"""How long each pair is measured for, after a first call."""


@dataclass(frozen=True)
class Cost:
    """Seconds of one call, the least that was seen: the function, and its gradient."""

    primal: float
    gradient: float

    @property
    def ratio(self) -> float:
        """The gradient's seconds in units of the function's."""
        return self.gradient / self.primal


def codes(adapter: Adapter, function: Function, dtype: str) -> Iterator[tuple[str, Callable, Callable]]:
    """The function and its gradient as this backend runs them: eager, and compiled where that takes no minutes."""
    f = adapter.callable(function, dtype, "cpu")
    yield "eager", f, adapter.gradient_of(function, dtype, "cpu")
    known = backends.BACKENDS[adapter.name]
    if "compiled" in known.modes and "compiled" not in known.nightly:
        yield "compiled", adapter.compile(f), adapter.compiled_gradient(f)


def cost(adapter: Adapter, function: Function, primal: Callable, gradient: Callable, dtype: str) -> Cost:
    """Measure both at the function's first point, in turn."""
    arrays = adapter.arguments(function, function.points[0], dtype, "cpu")

    def seconds(code: Callable) -> float:
        started = time.perf_counter()
        result = code(*arrays)
        for part in result if isinstance(result, tuple) else (result,):
            if part is not None:
                adapter.to_numpy(part)  # waits for what was only begun
        return time.perf_counter() - started

    seconds(primal), seconds(gradient)
    until, pairs = time.perf_counter() + SECONDS, []
    while time.perf_counter() < until or len(pairs) < 3:
        pairs.append((seconds(primal), seconds(gradient)))
    return Cost(*map(min, zip(*pairs, strict=True)))


def lines_of(function: Function, names: list[str], dtype: str) -> Iterator[str]:
    """A line per backend and way to run it; one that raises says so."""
    for name in names:
        adapter = backends.load(name)
        for way, primal, gradient in codes(adapter, function, dtype):
            try:
                found = cost(adapter, function, primal, gradient, dtype)
            except Exception as error:
                yield f"  {name:11} {way:9} {type(error).__name__}: {str(error).splitlines()[0][:90]}"
                continue
            primal_ms, gradient_ms = 1e3 * found.primal, 1e3 * found.gradient
            yield f"  {name:11} {way:9} {primal_ms:10.3f} ms {gradient_ms:10.3f} ms {found.ratio:7.1f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="What a gradient costs in units of the function itself.")
    parser.add_argument("--size", type=int, default=64, help="the n of each function's generator (64)")
    parser.add_argument("--backend", default="all", help="names with commas between; all installed ones without")
    parser.add_argument("--dtype", default="float64", choices=["float64", "float32"])
    parser.add_argument("-k", default="", metavar="WORDS", help="only functions whose name contains one of these words")
    options = parser.parse_args()
    names = list(backends.BACKENDS) if options.backend == "all" else options.backend.split(",")
    names = [name for name in names if backends.missing(name, "cpu") is None]
    words = options.k.split()
    for function in load_builtin():
        if function.generator is None or (words and not any(word in function.name for word in words)):
            continue
        sized = function.at_size(options.size)
        count = sum(x.size for x in sized.points[0])
        print(f"{function.name}, n = {options.size}, {count} numbers in: function, gradient, ratio", flush=True)
        for line in lines_of(sized, names, options.dtype):
            print(line, flush=True)


if __name__ == "__main__":
    main()
