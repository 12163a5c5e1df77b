"""How a cell is searched: its points first, then Hypothesis draws, until something fails; and what that adds up to.

The draws of a function depend on its name and the seed alone, so that every backend, device, dtype and mode is tried at
the same inputs and shares their truths."""

import contextlib
import math
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from unittest import SkipTest
from unittest.mock import patch

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.database import ExampleDatabase
from hypothesis.errors import Flaky
from hypothesis.internal.conjecture import providers

from gradproof.divergences import KINDS
from gradproof.oracles.verdict import Verdict
from gradproof.registry import Function, Inputs
from gradproof.verification.clock import CLOCK
from gradproof.verification.examine import Finding, reference_of


@dataclass
class Tally:
    """What the inputs of one cell showed. `failure` is the simplest failing finding; `worst` the one with the largest
    error in units of its bound; `known` how many deviate as recorded, and `recorded` the gravest of them, the first
    that was met."""

    counts: Counter = field(default_factory=Counter)
    out_of_range: Counter = field(default_factory=Counter)
    known: int = 0
    worst: Finding | None = None
    failure: Finding | None = None
    recorded: Finding | None = None

    def add(self, finding: Finding) -> None:
        """Count one finding."""
        if finding.out_of_range:
            self.out_of_range[finding.out_of_range] += 1
            return
        self.counts[str(finding.judgement.verdict)] += 1
        if finding.known is not None:
            self.known += 1
            if self.recorded is None or _gravity(finding) > _gravity(self.recorded):
                self.recorded = finding
        if finding.known is None and _ratio(finding) > _ratio(self.worst):
            self.worst = finding

    @property
    def verdict(self) -> Verdict:
        """One word for the cell: the worst failing verdict, recorded or not; else the best that was reached."""
        failing = [v for v in (Verdict.WRONG, Verdict.IMPRECISE, Verdict.UNSUPPORTED) if self.counts[str(v)]]
        if failing:
            return failing[0]
        if self.known:
            return Verdict.CONVENTION  # another definition than ours, also where the two happen to agree
        reached = [v for v in (Verdict.VERIFIED, Verdict.CONVENTION) if self.counts[str(v)]]
        return reached[0] if reached else Verdict.INCONCLUSIVE


def _gravity(finding: Finding) -> tuple[int, int]:
    assert finding.known is not None
    return finding.judgement.verdict.severity, -KINDS.index(finding.known.kind)


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
    share: float = 1.0,
    witnesses: tuple[Inputs, ...] = (),
    cell: str = "",
    database: ExampleDatabase | None = None,
) -> Tally:
    """Examine the points, the `witnesses` and the first `share` of `examples` draws; stop at the first failure. One
    among the draws is shrunk to the simplest input that fails. Where there is a `database`, what fails is kept in it
    under the name `cell`, and tried before the draws."""
    tally = Tally()
    for inputs in (*function.points, *witnesses):
        finding = examine(inputs)
        tally.add(finding)
        if finding.fails:
            tally.failure = tally.worst = finding
            return tally
    if set(tally.counts) == {str(Verdict.UNSUPPORTED)}:
        return tally  # recorded, and refused at every point
    known = (Phase.reuse, Phase.shrink)
    if database and (failure := _failing(function, examine, run_seed, examples, cell, known, database)):
        tally.add(failure)
        tally.failure = tally.worst = failure
        return tally
    draws = drawn(function, run_seed, examples)
    for inputs in draws[: math.ceil(share * len(draws))]:
        finding = examine(inputs)
        if finding.fails and finding.judgement.verdict != Verdict.UNSUPPORTED:
            # The same draws as before, so that Hypothesis meets the failure and looks for a simpler one. What is
            # refused is refused at any input, and each further one may cost a compilation that fails.
            phases = (Phase.reuse, Phase.generate, Phase.shrink)
            finding = _failing(function, examine, run_seed, examples, cell, phases, database) or finding
        # The simpler one counts in its place: the row is to say what the report says.
        tally.add(finding)
        if finding.fails:
            tally.failure = tally.worst = finding
            return tally
    return tally


def drawn(function: Function, run_seed: int, examples: int) -> list[Inputs]:
    """What Hypothesis draws for a function, once for all its cells."""

    def draw() -> list[Inputs]:
        inputs: list[Inputs] = []
        _hypothesis(function, run_seed, examples, "", (Phase.generate,), inputs.append)
        return inputs

    return reference_of(function).kept.found(("draws", run_seed, examples), (), draw)


def _failing(
    function: Function,
    examine: Callable[[Inputs], Finding],
    run_seed: int,
    examples: int,
    cell: str,
    phases: Collection[Phase],
    database: ExampleDatabase | None,
) -> Finding | None:
    """The simplest failure that Hypothesis finds."""
    failures = []

    def test(inputs: Inputs) -> None:
        finding = examine(inputs)
        if finding.fails:
            failures.append(finding)
            raise _FoundFailure

    # Where nothing is kept, and nothing drawn, Hypothesis would have the test skipped.
    with contextlib.suppress(_FoundFailure, Flaky, SkipTest):
        _hypothesis(function, run_seed, examples, cell, phases, test, database)
    return failures[-1] if failures else None


def _hypothesis(
    function: Function,
    run_seed: int,
    examples: int,
    cell: str,
    phases: Collection[Phase],
    test: Callable[[Inputs], object],
    database: ExampleDatabase | None = None,
) -> None:
    # All of it, so that no profile of whoever calls has a say: the draws would be others.
    @settings(
        max_examples=examples,
        phases=phases,
        database=database,
        deadline=None,
        derandomize=False,
        print_blob=False,
        report_multiple_bugs=False,
        backend="hypothesis",
        # A draw may meet a function that is slow in balls; none of it hints at a bad strategy.
        suppress_health_check=list(HealthCheck),
    )
    @seed(zlib.crc32(function.name.encode()) ^ run_seed)
    @given(function.inputs())
    def draws(inputs: Inputs) -> None:
        test(inputs)

    # Left to itself, Hypothesis tells tests apart by their code, the same for all cells, and keeps nothing where a seed
    # was given. It has no public name for the key.
    draws._hypothesis_internal_database_key = cell.encode()
    with CLOCK.part("search"), _no_constants_of_ours():
        draws()


@contextlib.contextmanager
def _no_constants_of_ours() -> Iterator[None]:
    # Hypothesis mixes in the numbers that stand in the code around, as far as it is imported by then: with another
    # selection, or another backend that is there, the draws would be others. It has no public switch, and keeps what it
    # has mixed for a test before.
    providers.CONSTANTS_CACHE.cache.clear()
    with patch.object(providers, "_get_local_constants", providers.Constants):
        yield


class _FoundFailure(Exception):
    """Tells Hypothesis that an input fails, so that it looks for a simpler one."""
