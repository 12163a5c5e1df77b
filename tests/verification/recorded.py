"""Where a recorded divergence can be seen: the cells of which it speaks, those of the daily run first, and what comes
at its witness there."""

from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace

import backends
import known_divergences
from backends import BACKENDS, DTYPES, MODES, Unsupported
from backends.adapter import REAL_PART
from functions import Function, Inputs, load_builtin
from known_divergences import Divergence
from oracles.verdict import Verdict
from tests.verification.cells import Cell, plan
from tests.verification.examine import Examiner, Finding
from tests.verification.search import drawn

DRAWS = 20


@cache
def registry() -> dict[str, Function]:
    """The built-in functions by name."""
    return {function.name: function for function in load_builtin()}


@cache
def daily(backend: str) -> frozenset[str]:
    """The cells of the default run, by their words with the mode."""
    options = SimpleNamespace(
        backends=(backend,), devices=("cpu",), dtypes=DTYPES, modes=tuple(MODES), names_dtypes=False, names_modes=False
    )
    return frozenset(cell.full_id for cell in plan(list(registry().values()), options))


def cells_of(backend: str, entry: Divergence) -> list[Cell]:
    """The cells on the CPU of which an entry speaks; those of the default run first."""
    function, known = registry()[entry.function], BACKENDS[backend]
    version = backends.installed_version(backend) or ""
    cells = [
        Cell(function, backend, "cpu", dtype, mode)
        for dtype in known.dtypes
        for mode in known.modes
        if (dtype in REAL_PART) == function.is_complex and entry.applies(function.name, "cpu", dtype, mode, version)
    ]
    return sorted(cells, key=lambda cell: cell.full_id not in daily(backend))


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
    """The entries of a backend that speak of the installed version; none where it is not installed."""
    version = backends.installed_version(backend)
    if version is None:
        return ()
    given = known_divergences.load(backend)
    return tuple(entry for entry in given if entry.speaks_of(version))
