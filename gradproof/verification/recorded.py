"""Where a recorded divergence can be seen: the cells of which it speaks, the one that watches it first, and what comes
at its witness there."""

from collections.abc import Iterator
from functools import cache

from gradproof import backends, divergences
from gradproof.backends import Unsupported
from gradproof.divergences import Divergence
from gradproof.oracles.verdict import Verdict
from gradproof.registry import Function, Inputs, load_builtin
from gradproof.verification.cells import Cell
from gradproof.verification.examine import Examiner, Finding
from gradproof.verification.search import drawn
from gradproof.verification.watch import Watched, combinations, watching

DRAWS = 20


@cache
def registry() -> dict[str, Function]:
    """The built-in functions by name."""
    return {function.name: function for function in load_builtin()}


def cell_of(line: Watched) -> Cell:
    """The cell, on the CPU, in which a line has its input tried."""
    return Cell(registry()[line.function], line.backend, "cpu", line.dtype, line.mode, only_watches=True)


def cells_of(backend: str, entry: Divergence) -> list[Cell]:
    """The cells on the CPU of which an entry speaks; the one that watches it first."""
    function = registry()[entry.function]
    line = watching(entry, function, backend)
    first = [] if line is None else [(line.dtype, line.mode)]
    ordered = dict.fromkeys([*first, *combinations(entry, function, backend)])
    return [Cell(function, backend, "cpu", dtype, mode) for dtype, mode in ordered]


def witnesses(entry: Divergence) -> tuple[Inputs, ...]:
    """Where the entry may be asserted: what is unsupported is so everywhere."""
    function = registry()[entry.function]
    if entry.verdict != Verdict.UNSUPPORTED:
        return (entry.witness(function),)
    return (*function.points, *drawn(function, 0, DRAWS))


def sightings(backend: str, entry: Divergence) -> Iterator[tuple[Examiner, Finding]]:
    """What each of its cells gives at the witness, where that is what the entry records."""
    for cell in cells_of(backend, entry):
        try:
            examiner = Examiner(cell)
        except Unsupported:
            continue
        found = (examiner.against_truth(inputs) for inputs in witnesses(entry))
        finding = next((one for one in found if not one.out_of_range), None)
        if finding and finding.judgement.verdict == entry.verdict and examiner.is_recorded(entry, finding):
            yield examiner, finding


def entries(backend: str) -> tuple[Divergence, ...]:
    """The entries of a backend that speak of the installed version on the CPU; none where it is not installed."""
    version = backends.installed_version(backend)
    given = divergences.load(backend) if version is not None else ()
    return tuple(entry for entry in given if entry.speaks_of(version) and "cpu" in (entry.devices or ("cpu",)))
