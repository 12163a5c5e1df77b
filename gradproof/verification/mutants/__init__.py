"""Which wrong gradients would be caught? Wrong ones of every kind are planted in the gradients of functions, and each
is examined as a right one is, at the points and at draws."""

import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from gradproof import backends
from gradproof.backends.adapter import REAL_PART
from gradproof.registry import Function
from gradproof.registry.names import unknown
from gradproof.report import outcome
from gradproof.report.answers import installed_backends
from gradproof.verification.mutants.kept import Rows, cell
from gradproof.verification.mutants.table import page, survivors, text
from gradproof.verification.mutants.trial import Outcome, Trials, Untried, modes_of

DTYPES = tuple(REAL_PART.values())

SAMPLE = 6
"""So many of the functions are tried on a backend that differentiates, where each mutant may be compiled."""

SMALL = 16
"""More entries than these a function of the sample has not, all arguments together."""


def chosen(given: Sequence[str]) -> list[str]:
    """The backends that are named; without any, those that are installed. Raises `Unusable` for one that is not
    known."""
    for name in given:
        if name not in backends.BACKENDS:
            raise outcome.Unusable(unknown("--backend", name, tuple(backends.BACKENDS)))
    return list(given) or installed_backends()


def trials(dtype: str, draws: int) -> Trials:
    """How they are tried. Raises `Unusable` for a dtype in which too little can be told from rounding."""
    if dtype not in DTYPES:
        raise outcome.Unusable(f"mutants are planted in {' or '.join(DTYPES)}, not in {dtype!r}")
    return Trials(dtype, draws)


def mutants(
    functions: Sequence[Function],
    names: Sequence[str],
    trials: Trials,
    markdown: Path | None = None,
    state: Path | None = None,
) -> outcome.Outcome:
    """Plant wrong gradients on these backends: in NumPy in every function, elsewhere in a sample, in every mode of
    first order; a cell that is kept in `state` is not tried again. The exit status is 1 where one survives, or where
    none could be planted."""
    for function in functions:
        function.check()
    kept, cells = Rows(state, trials), []
    for each in _cells(functions, names):
        cells.append(each)
        if cell(*each) not in kept.cells:
            _tell(" ".join((each[0].name, *each[1:])))
            kept.add(cell(*each), list(trials.of(*each)))
    _tell("")
    every = [one for each in cells for one in kept.cells[cell(*each)]]
    found = [one for one in every if isinstance(one, Outcome)]
    untried = [one for one in every if isinstance(one, Untried)]
    if markdown is not None:
        markdown.write_text(page(found, untried, trials, len(functions)), encoding="utf-8")
    return outcome.Outcome(text(found, untried), status=int(bool(survivors(found)) or not found))


def _cells(functions: Sequence[Function], names: Sequence[str]) -> Iterator[tuple[Function, str, str]]:
    some = sample(functions)
    for backend in names:
        everywhere = not backends.load(backend).differentiates
        for function in functions if everywhere else some:
            for mode in modes_of(backend):
                yield function, backend, mode


def sample(functions: Sequence[Function]) -> list[Function]:
    """Small functions, always the same ones of a registry; of few functions all."""
    if len(functions) <= SAMPLE:
        return list(functions)
    small = [f for f in functions if not f.variant_of and sum(_size(f)) <= SMALL]
    kinds = [[f for f in small if f.is_complex is kind] for kind in (False, True)]
    ranked = [sorted(some, key=lambda f: zlib.crc32(f.name.encode())) for some in kinds]
    # One of complex arguments among them, where there is one.
    few = ranked[1][:1]
    return [*ranked[0][: SAMPLE - len(few)], *few]


def _size(function: Function) -> list[int]:
    return [max(1, point.size) for point in (function.points or [()])[0]]


def _tell(doing: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{doing}", end="", file=sys.stderr, flush=True)
