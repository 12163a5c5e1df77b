"""How a cell is searched: its points first, then Hypothesis draws, until something fails; and what that adds up to.

The draws of a function depend on its name and the seed alone, so that every backend, device, dtype and mode is tried at
the same inputs and shares their truths. Of a user's few functions there are many more draws than the profile asks for,
and as many of them are tried as some seconds allow."""

import contextlib
import math
import time
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sized
from dataclasses import dataclass, field
from unittest import SkipTest
from unittest.mock import patch

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.database import ExampleDatabase
from hypothesis.errors import Flaky
from hypothesis.internal.conjecture import providers

from gradproof.backends.stopped import Stopped
from gradproof.divergences import KINDS
from gradproof.oracles.verdict import Judgement, Verdict
from gradproof.registry import Function, Inputs, NotFinite
from gradproof.verification.clock import CLOCK
from gradproof.verification.examine import LOST, Finding, reference_of

SHRINKING_SECONDS = 10.0
"""As long a simpler input is looked for. Whoever waits for the failure has then seen nothing yet."""

MANY = 200
"""Draws of a user's function: what is wrong in a twentieth of its domain alone is met."""

LEAST = 5
"""Draws of a user's function that are tried however long they take: the first of all is 0 in every entry."""

CELL_SECONDS = 1.0
"""As long a cell of a user's few functions is searched: they cost milliseconds a draw."""

DRAWS_A_SECOND = 100
"""As many draws are there for each second of a budget, which few cells use up."""

RUN_SECONDS = 20.0
"""As long all functions of a user together are searched in one backend, dtype and mode, so that many take no hours."""

UNDEFINED = "the function itself is not finite there"
"""What is told of a draw, and held against nobody."""


CLOCKS = time.monotonic, time.process_time


@dataclass(frozen=True)
class Effort:
    """How long to search: of the `examples` that Hypothesis draws a share, and no fewer than `least`; then the others,
    for so many seconds."""

    examples: int
    share: float = 1.0
    least: int = 0
    seconds: float = 0.0

    @classmethod
    def of(
        cls, function: Function, examples: int, share: float, functions: int, seconds: float | None = None
    ) -> "Effort":
        """That of one of `functions` functions. The built-in ones have the profile's draws, the same in every run, and
        so have all where it was named (`functions` is 0). A user's have more, as far as time allows: they are new, and
        few; with `seconds`, a budget for this cell, as many as these allow, however many there are."""
        if function.is_builtin or not share or (not functions and seconds is None):
            return cls(examples, share)
        if seconds is not None:
            return cls(max(examples, MANY, math.ceil(DRAWS_A_SECOND * seconds)), 0.0, min(LEAST, examples), seconds)
        least = max(math.ceil(share * examples), min(LEAST, examples))
        return cls(max(examples, MANY), 0.0, least, share * min(CELL_SECONDS, RUN_SECONDS / functions))


@dataclass
class Tally:
    """What the inputs of one cell showed. `failure` is the simplest failing finding, and `cut` says why none simpler
    was looked for (`stopped`: the time of the whole test was up); `worst` the one with the largest error in units of
    its bound; `known` how many deviate as recorded, and `recorded` the gravest of them, the first that was met.
    `caught` has, by argument, the largest of all findings. `unjudged` says why, of each point of the function that had
    to be judged and could not be; `constant` has the arguments in which the program was constant wherever it was
    tried, though they are not declared flat (None before the first). `lost` is the first draw at which a gradient is
    not finite, and nobody can be held to a bound; `undefined` the first at which the function is not."""

    counts: Counter = field(default_factory=Counter)
    out_of_range: Counter = field(default_factory=Counter)
    known: int = 0
    worst: Finding | None = None
    failure: Finding | None = None
    recorded: Finding | None = None
    cut: str = ""
    stopped: bool = False
    caught: dict[str, float] = field(default_factory=dict)
    unjudged: list[str] = field(default_factory=list)
    constant: set[str] | None = None
    lost: Finding | None = None
    undefined: Finding | None = None

    def add(self, finding: Finding, named: bool = False) -> None:
        """Count one finding; what is `named` had to be judged."""
        if named and finding.out_of_range:
            self.unjudged.append(finding.out_of_range)
        if finding.judgement.verdict == Verdict.VERIFIED:
            found = set(finding.constant)
            self.constant = found if self.constant is None else self.constant & found
        if finding.out_of_range:
            self.out_of_range[finding.out_of_range] += 1
            self.lost = self.lost or (finding if finding.out_of_range == LOST else None)
            self.undefined = self.undefined or (finding if finding.out_of_range == UNDEFINED else None)
            return
        self.counts[str(finding.judgement.verdict)] += 1
        for argument, error in finding.caught.items():
            self.caught[argument] = max(error, self.caught.get(argument, 0.0))
        if finding.known is not None:
            self.known += 1
            if self.recorded is None or _gravity(finding) > _gravity(self.recorded):
                self.recorded = finding
        if finding.known is None and _ratio(finding) > _ratio(self.worst):
            self.worst = finding

    @property
    def verdict(self) -> Verdict:
        """One word for the cell: that of what fails; else the worst that is recorded; else the best that was
        reached."""
        if self.failure is not None:
            return self.failure.judgement.verdict
        failing = [v for v in (Verdict.WRONG, Verdict.IMPRECISE, Verdict.UNSUPPORTED) if self.counts[str(v)]]
        if failing:
            return failing[0]
        if self.known:
            return Verdict.CONVENTION  # another definition than ours, also where the two happen to agree
        if self.unjudged or self.constant:
            return Verdict.INCONCLUSIVE
        reached = [v for v in (Verdict.VERIFIED, Verdict.CONVENTION) if self.counts[str(v)]]
        return reached[0] if reached else Verdict.INCONCLUSIVE

    @property
    def caveat(self) -> str:
        """Why a cell in which nothing failed is not verified all the same; empty where that is not so."""
        if self.constant:
            names = " and ".join(sorted(self.constant))
            return (
                f"the program is piecewise constant in {names}, as a root found by bisection is, or does not use it: a "
                "gradient of 0 says nothing of the function that is meant. Declare it flat (Reals(flat=True)) if it is"
            )
        reasons = Counter(self.unjudged)
        told = "; ".join(f"{reason} ({count} times)" if count > 1 else reason for reason, count in reasons.items())
        return f"a point of the function cannot be judged: {told}" if reasons else ""


def _gravity(finding: Finding) -> tuple[int, int]:
    assert finding.known is not None
    return finding.judgement.verdict.severity, -KINDS.index(finding.known.kind)


def _ratio(finding: Finding | None) -> float:
    if finding is None or finding.judgement.worst is None:
        return -1.0
    if finding.judgement.verdict == Verdict.INCONCLUSIVE:
        return -0.5  # shown where nothing was judged, and no error beside what was
    ratio = finding.judgement.worst.ratio
    return float("inf") if np.isnan(ratio) else ratio


def search(
    function: Function,
    examine: Callable[[Inputs], Finding],
    *,
    run_seed: int,
    effort: Effort,
    witnesses: tuple[Inputs, ...] = (),
    cell: str = "",
    database: ExampleDatabase | None = None,
    met: Callable[[Finding], object] = lambda finding: None,
    named: bool = False,
) -> Tally:
    """Examine the points, the `witnesses` and as many draws as `effort` says; stop at the first failure. One among the
    draws is shrunk to the simplest input that fails; before that it is handed to `met`. Where there is a `database`,
    what fails is kept in it under the name `cell`, and tried before the draws. `named` says that each point must be
    judged."""
    tally = Tally()
    for number, inputs in enumerate((*function.points, *witnesses)):
        finding = examine(inputs)
        tally.add(finding, named and number < len(function.points))
        if finding.fails:
            tally.failure = tally.worst = finding
            return tally
    if set(tally.counts) == {str(Verdict.UNSUPPORTED)}:
        return tally  # recorded, and refused at every point
    drawing = _Drawing(function, examine)
    shrinking = _Shrinking(function, drawing.examine, run_seed, effort.examples, cell, database)
    if database and (failure := shrinking.simplest(None, (Phase.reuse, Phase.shrink))):
        return _failed(tally, failure, shrinking)
    draws = drawn(function, run_seed, effort.examples, effort.least, effort.seconds)
    for inputs in _within(effort, draws, drawing.errors):
        finding = drawing.examine(inputs)
        if finding.fails:
            met(finding)
            # What is refused is refused at any input, and each further one may cost a compilation that fails.
            if finding.judgement.verdict != Verdict.UNSUPPORTED:
                # The same draws as before, so that Hypothesis meets the failure and looks for a simpler one.
                finding = shrinking.simplest(finding, (Phase.reuse, Phase.generate, Phase.shrink))
            return _failed(tally, finding, shrinking)
        tally.add(finding)
    if drawing.errors and set(tally.out_of_range) == {UNDEFINED} and not tally.counts:
        raise drawing.errors[0]
    return tally


@dataclass
class _Drawing:
    """Examines what is drawn. Where a user's function is not finite at a draw, as at the pole of a quotient, there is
    nothing to judge; a built-in function has its domain to the point."""

    function: Function
    judge: Callable[[Inputs], Finding]
    errors: list[NotFinite] = field(default_factory=list)

    def examine(self, inputs: Inputs) -> Finding:
        try:
            return self.judge(inputs)
        except NotFinite as error:
            if self.function.is_builtin:
                raise
            self.errors.append(error)
            return Finding(inputs, Judgement(Verdict.INCONCLUSIVE, UNDEFINED), out_of_range=UNDEFINED)


def _failed(tally: Tally, failure: Finding, shrinking: "_Shrinking") -> Tally:
    # The simplest one counts, and none of those on the way to it: the row is to say what the report says.
    tally.add(failure)
    tally.failure = tally.worst = failure
    tally.cut, tally.stopped = shrinking.cut, shrinking.stopped
    return tally


class _Taken:
    """How long a search has taken: what this process has computed, so that a busy machine costs no draws. It is a
    quarter of what the clock says at least, for who waits for a GPU computes nothing, and no more than that."""

    def __init__(self) -> None:
        self._started = [now() for now in CLOCKS]

    @property
    def seconds(self) -> float:
        gone, computed = (now() - then for now, then in zip(CLOCKS, self._started, strict=True))
        return min(gone, max(computed, gone / 4))


def _within(effort: Effort, draws: list[Inputs], left_out: Sized = ()) -> Iterator[Inputs]:
    """The share of the draws that is tried in any case, those `left_out` not counted, and then more while there is
    time."""
    least = max(math.ceil(effort.share * len(draws)), effort.least)
    taken = _Taken()
    for number, inputs in enumerate(draws):
        if number - len(left_out) >= least and taken.seconds >= effort.seconds:
            return
        yield inputs


def drawn(
    function: Function, run_seed: int, examples: int, least: int | None = None, seconds: float = 0.0
) -> list[Inputs]:
    """What Hypothesis draws for a function, once for all its cells. Where `least` is given, it draws no longer than a
    cell is searched, once there are so many; and that is as long as these seconds where they are more."""

    def draw() -> list[Inputs]:
        inputs: list[Inputs] = []
        taken = _Taken()

        def keep(drawn: Inputs) -> None:
            inputs.append(drawn)
            if least and len(inputs) >= least and taken.seconds >= max(CELL_SECONDS, seconds):
                raise _OutOfTime

        with contextlib.suppress(_OutOfTime):
            _hypothesis(function, run_seed, examples, "", (Phase.generate,), keep)
        return inputs

    return reference_of(function).kept.found(("draws", run_seed, examples), (), draw)


def simplest(
    function: Function,
    examine: Callable[[Inputs], Finding],
    found: Finding,
    run_seed: int,
    examples: int,
    *,
    seconds: float,
) -> Finding:
    """The simplest failure that is met within these seconds, of a function in which one was `found` among so many
    draws."""
    shrinking = _Shrinking(function, examine, run_seed, examples, "", None, seconds)
    return shrinking.simplest(found, (Phase.reuse, Phase.generate, Phase.shrink)) or found


@dataclass
class _Shrinking:
    """Looks for the simplest input that fails, by Hypothesis; `cut` says why it has not looked to the end."""

    function: Function
    examine: Callable[[Inputs], Finding]
    run_seed: int
    examples: int
    cell: str
    database: ExampleDatabase | None
    seconds: float = SHRINKING_SECONDS
    cut: str = ""
    stopped: bool = False
    _found: list[Finding] = field(default_factory=list)
    _until: float = math.inf
    _longest: float = 0.0

    def simplest(self, found: Finding | None, phases: Collection[Phase]) -> Finding | None:
        """The simplest failure met within the time there is for it; `found`, the one that is known, where none is met.

        Never in Hypothesis's phase of explaining: that traces every line, which takes minutes."""
        self._found, self._until = [found] if found else [], time.monotonic() + self.seconds
        # Where nothing is kept, and nothing drawn, Hypothesis would have the test skipped.
        with contextlib.suppress(_FoundFailure, Flaky, SkipTest):
            try:
                self._search(phases)
            except _OutOfTime:
                self.cut = f"shrinking was cut after {self.seconds:g} s; a simpler input may fail as well"
            except Stopped as stopped:
                # Whatever a simpler input does to its cell, the failure has been seen.
                if not self._found:
                    raise
                self.stopped = True
                self.cut = f"shrinking was cut: {stopped}; a simpler input may fail as well"
        if not self._found:
            return None
        # At its end Hypothesis comes back to the simplest; on the way it tries others as well.
        return min(reversed(self._found), key=_size) if self.cut else self._found[-1]

    def _search(self, phases: Collection[Phase]) -> None:
        _hypothesis(self.function, self.run_seed, self.examples, self.cell, phases, self._test, self.database)

    def _test(self, inputs: Inputs) -> None:
        started = time.monotonic()
        # The next input may take as long as the slowest so far.
        if self._found and started + self._longest > self._until:
            raise _OutOfTime
        finding = self.examine(inputs)
        self._longest = max(self._longest, time.monotonic() - started)
        if finding.fails:
            self._found.append(finding)
            raise _FoundFailure


def _size(finding: Finding) -> int:
    """How many bits it takes to write the input down, every entry as a fraction."""
    numbers = [float(entry).as_integer_ratio() for part in finding.inputs for entry in part.flat]
    return sum(abs(above).bit_length() + below.bit_length() for above, below in numbers)


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


class _OutOfTime(BaseException):
    """Tells Hypothesis to look no further; it takes no `BaseException` for a failure."""
