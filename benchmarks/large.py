"""Verification at scale: the gradient of each backend at a large size, every entry of it against its own bound. Run as
`python -m benchmarks.large -k softmax --size 4096`.

The reference is that of a small size: the hand-derived gradient in ball arithmetic, proved by an exact difference along
a generic direction, and once more with the machine model for the bounds. It costs a few calls of the function in
Python objects, a few seconds for 10⁴ numbers, whatever the size; exact differences entry by entry would not do."""

import argparse
import sys
import time
from collections.abc import Iterator

import backends
from benchmarks.ratio import selected
from functions import Function
from oracles.verdict import FAILING, Judgement, Verdict
from tests.verification.cells import Cell
from tests.verification.examine import Examiner


def judgements(function: Function, names: list[str], dtype: str) -> Iterator[tuple[str, Judgement]]:
    """The judgement on each backend's gradient, in its quick mode, at the function's first point."""
    for name in names:
        examiner = Examiner(Cell(function, name, "cpu", dtype, backends.BACKENDS[name].quick))
        yield name, examiner.against_truth(function.points[0]).judgement


def line_of(name: str, judgement: Judgement) -> str:
    """The verdict on one backend, and its worst entry."""
    worst = judgement.worst
    parts = [f"  {name:11} {judgement.verdict:12}"]
    if worst is not None:
        at = f"{worst.argument}{list(worst.index)}" if worst.index else worst.argument
        parts.append(f"worst error / bound {worst.ratio:.2g} at {at}: {worst.error:.2g} of {worst.bound:.2g}")
    return " ".join([*parts, judgement.reason]).rstrip()


def main() -> int:
    """Print the verdicts; 1 where one of them fails, or a gradient cannot be judged."""
    parser = argparse.ArgumentParser(description="Verify gradients at a large size.")
    parser.add_argument("-k", default="", metavar="WORDS", help="only functions whose name contains one of these words")
    parser.add_argument("--size", type=int, default=1024, help="the n of each function's generator (1024)")
    parser.add_argument("--backend", default="all", help="names with commas between; all installed ones without")
    parser.add_argument("--dtype", default="float64", choices=["float64", "float32"])
    options = parser.parse_args()
    names = list(backends.BACKENDS) if options.backend == "all" else options.backend.split(",")
    names = [name for name in names if backends.missing(name, "cpu") is None]
    found: list[Verdict] = []
    for function in selected(options.k.split()):
        sized, started = function.at_size(options.size), time.perf_counter()
        print(f"{function.name}, n = {options.size}, {sum(x.size for x in sized.points[0])} numbers in", flush=True)
        for name, judgement in judgements(sized, names, options.dtype):
            found.append(judgement.verdict)
            print(line_of(name, judgement), flush=True)
        print(f"  {time.perf_counter() - started:.1f} s, the reference included", flush=True)
    return int(not found or any(verdict in (*FAILING, Verdict.INCONCLUSIVE) for verdict in found))


if __name__ == "__main__":
    sys.exit(main())
