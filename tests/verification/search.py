"""How a cell is searched: its points first, then Hypothesis draws, until something fails; and what that adds up to.

The draws of a function depend on its name and the seed alone, so that every backend, device, dtype and mode is tried at
the same inputs and shares their truths."""

import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from hypothesis import given, seed, settings
from hypothesis.errors import Flaky

from functions import Function, Inputs
from oracles.verdict import Verdict
from report.clock import CLOCK
from tests.verification.examine import Finding


@dataclass
class Tally:
    """What the inputs of one cell showed. `failure` is the simplest failing finding; `worst` the one with the largest
    error in units of its bound."""

    counts: Counter = field(default_factory=Counter)
    out_of_range: Counter = field(default_factory=Counter)
    worst: Finding | None = None
    failure: Finding | None = None

    def add(self, finding: Finding) -> None:
        """Count one finding."""
        if finding.out_of_range:
            self.out_of_range[finding.out_of_range] += 1
            return
        self.counts[str(finding.judgement.verdict)] += 1
        if finding.known is None and _ratio(finding) > _ratio(self.worst):
            self.worst = finding

    @property
    def verdict(self) -> Verdict:
        """One word for the cell: the worst failing verdict, recorded or not; else the best that was reached."""
        failing = [v for v in (Verdict.WRONG, Verdict.IMPRECISE, Verdict.UNSUPPORTED) if self.counts[str(v)]]
        if failing:
            return failing[0]
        reached = [v for v in (Verdict.VERIFIED, Verdict.CONVENTION) if self.counts[str(v)]]
        return reached[0] if reached else Verdict.INCONCLUSIVE


def _ratio(finding: Finding | None) -> float:
    if finding is None or finding.judgement.worst is None:
        return -1.0
    ratio = finding.judgement.worst.ratio
    return float("inf") if np.isnan(ratio) else ratio


def search(
    function: Function,
    examine: Callable[[Inputs], Finding],
    *,
    run_seed: int,
    examples: int,
    witnesses: tuple[Inputs, ...] = (),
    cell: str = "",
) -> Tally:
    """Examine the points, the `witnesses` and up to `examples` draws; stop at the first failure, shrunk to its
    simplest input. Where the profile keeps what fails, it is kept under the name `cell`."""
    tally = Tally()
    for inputs in (*function.points, *witnesses):
        finding = examine(inputs)
        tally.add(finding)
        if finding.fails:
            tally.failure = tally.worst = finding
            return tally
    with CLOCK.part("search"):
        _search_draws(function, examine, tally, run_seed, examples, cell)
    return tally


def _search_draws(
    function: Function, examine: Callable[[Inputs], Finding], tally: Tally, run_seed: int, examples: int, cell: str
) -> None:
    @settings(max_examples=examples)
    @seed(zlib.crc32(function.name.encode()) ^ run_seed)
    @given(function.inputs())
    def draws(inputs: Inputs) -> None:
        finding = examine(inputs)
        if tally.failure is None:
            tally.add(finding)
        if finding.fails:
            tally.failure = finding
            raise _FoundFailure

    # Left to itself, Hypothesis tells tests apart by their code, the same for all cells, and keeps nothing where
    # a seed was given. It has no public name for the key.
    draws._hypothesis_internal_database_key = cell.encode()
    try:
        draws()
    except (_FoundFailure, Flaky):
        tally.worst = tally.failure


class _FoundFailure(Exception):
    """Tells Hypothesis that an input fails, so that it looks for a simpler one."""
