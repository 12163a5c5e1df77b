"""Verification at scale: the gradient of each backend at a large size, every entry of it against its own bound. Run as
`python -m benchmarks.large -k softmax --size 4096`.

The reference is that of a small size: the hand-derived gradient in ball arithmetic, proved by an exact difference along
a generic direction, and once more with the machine model for the bounds. It costs a few calls of the function in
Python objects, a few seconds for 10⁴ numbers, whatever the size; exact differences entry by entry would not do."""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

from benchmarks.ratio import selected
from gradproof import backends
from gradproof.oracles.verdict import Verdict
from gradproof.registry import Function
from gradproof.verification.cells import Cell
from gradproof.verification.examine import Examiner, Finding


def at_size(function: Function, n: int) -> Function:
    """The function at size n under its own name, by which is found what is recorded of it."""
    return replace(function.at_size(n), name=function.name)


def findings(function: Function, names: list[str], dtype: str) -> Iterator[tuple[str, Finding]]:
    """What each backend's gradient shows, in its quick mode, at the function's first point."""
    for name in names:
        examiner = Examiner(Cell(function, name, "cpu", dtype, backends.BACKENDS[name].quick))
        yield name, examiner.against_truth(function.points[0])


def line_of(name: str, finding: Finding) -> str:
    """The verdict on one backend, and its worst entry."""
    worst, judgement = finding.judgement.worst, finding.judgement
    parts = [f"  {name:11} {judgement.verdict:12}"]
    if worst is not None:
        at = f"{worst.argument}{list(worst.index)}" if worst.index else worst.argument
        parts.append(f"worst error / bound {worst.ratio:.2g} at {at}: {worst.error:.2g} of {worst.bound:.2g}")
    parts.append(f"as recorded: {finding.known.reason}" if finding.known else judgement.reason)
    return " ".join(parts).rstrip()


def main() -> int:
    """Print the verdicts; 1 where one fails that is not recorded, or a gradient cannot be judged."""
    parser = argparse.ArgumentParser(description="Verify gradients at a large size.")
    parser.add_argument("-k", default="", metavar="WORDS", help="only functions whose name contains one of these words")
    parser.add_argument("--size", type=int, default=1024, help="the n of each function's generator (1024)")
    parser.add_argument("--backend", default="all", help="names with commas between; all installed ones without")
    parser.add_argument("--dtype", default="float64", choices=["float64", "float32"])
    options = parser.parse_args()
    names = list(backends.BACKENDS) if options.backend == "all" else options.backend.split(",")
    names = [name for name in names if backends.missing(name, "cpu") is None]
    found: list[Finding] = []
    for function in selected(options.k.split()):
        sized, started = at_size(function, options.size), time.perf_counter()
        print(f"{function.name}, n = {options.size}, {sum(x.size for x in sized.points[0])} numbers in", flush=True)
        for name, finding in findings(sized, names, options.dtype):
            found.append(finding)
            print(line_of(name, finding), flush=True)
        print(f"  {time.perf_counter() - started:.1f} s, the reference included", flush=True)
    unclear = any(finding.judgement.verdict is Verdict.INCONCLUSIVE for finding in found)
    return int(not found or unclear or any(finding.fails for finding in found))


if __name__ == "__main__":
    sys.exit(main())
