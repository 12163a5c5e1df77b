"""The search for a failing input: what it counts, and what it shows in the end."""

import importlib
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import find

from gradproof.backends.stopped import Hung
from gradproof.oracles.verdict import Entry, Judgement, Verdict
from gradproof.registry import Function, Inputs, NotFinite, Reals, function
from gradproof.verification import search as searching
from gradproof.verification.cells import Cell
from gradproof.verification.examine import Examiner, Finding
from gradproof.verification.search import Effort, Tally, drawn, search
from tests.unit.made import at, builtin, entry


def a_cube() -> Function:
    """Above 100 it loses digits, and at an integer, which is simpler to Hypothesis, it is wrong."""

    @function(x=Reals(low=-1e3, high=1e3), points=[dict(x=1.5)])
    def cube(xp, x):
        return x * x * x

    @cube.gradient
    def _(xp, x):
        return (3 * x * x,)

    @cube.implementation("numpy")
    def _(x):
        return x * x * x * (1 if abs(x) < 100 else 1.01 if float(x).is_integer() else 1 + 1e-11)

    return cube


@pytest.mark.parametrize("seed", range(5))
def test_the_verdict_of_a_cell_is_that_of_the_input_that_it_shows(seed: int) -> None:
    f = a_cube()
    examine = Examiner(Cell(f, "numpy", "cpu", "float64", "reverse")).against_truth
    tally = search(f, examine, run_seed=seed, effort=Effort(40))
    assert tally.failure is tally.worst
    assert tally.failure.judgement.verdict == Verdict.WRONG
    assert tally.verdict == Verdict.WRONG
    assert tally.counts[str(Verdict.IMPRECISE)] == 0


def test_what_else_is_imported_changes_no_draw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def made() -> Function:
        return function(x=Reals((50,)))(lambda xp, x: xp.sum(x))

    def draws() -> list[list[float]]:
        return [x.tolist() for (x,) in drawn(made(), 0, 20)]

    before = draws()
    (tmp_path / "full_of_numbers.py").write_text(f"NUMBERS = {[k / 256 for k in range(500)]}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("full_of_numbers")
    find(made().inputs(), lambda inputs: inputs[0].any())  # Hypothesis keeps what it mixes in here
    assert draws() == before


def wrong_between(low: float, high: float, size: int = 1) -> Function:
    """x², with a derivation that is off by a thousandth for entries between `low` and `high` alone."""

    def hand(xp, x):
        return (2 * x * xp.where((x > low) & (x < high), 1.001 + 0 * x, 1 + 0 * x),)

    return entry(lambda xp, x: xp.sum(x * x), hand, x=(size,))


def tally_of(made: Function, effort: Effort, seed: int = 0) -> Tally:
    return search(
        made, Examiner(Cell(made, "numpy", "cpu", "float64", "reverse")).against_truth, run_seed=seed, effort=effort
    )


@pytest.mark.parametrize("seed", range(4))
def test_what_is_wrong_in_a_part_of_the_domain_alone_is_met_in_a_user_s_function(seed: int) -> None:
    made = wrong_between(2, 3)
    tally = tally_of(made, Effort.of(made, examples=5, share=1.0, functions=1), seed)
    assert tally.failure is not None and 2 < tally.failure.inputs[0][0] < 3
    assert tally.verdict == Verdict.WRONG


@pytest.mark.parametrize("share", [1.0, 0.2])
def test_a_user_s_function_is_not_tried_at_0_alone(share: float) -> None:
    made = entry(lambda xp, x: xp.sum(x * x), x=(3,))
    for functions in (1, 1000):
        effort = Effort.of(made, examples=5, share=share, functions=functions)
        tried = list(searching._within(effort, drawn(made, 0, effort.examples, effort.least)))
        assert len(tried) >= 5 and any(x.any() for (x,) in tried)


@pytest.mark.parametrize("examples", [5, 20])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.25, 1.0])
def test_a_built_in_function_has_the_profile_s_draws(examples: int, share: float) -> None:
    made = builtin(entry(lambda xp, x: xp.sum(x * x), x=(3,)))
    effort = Effort.of(made, examples, share, functions=1)
    assert effort == Effort(examples, share)
    assert len(list(searching._within(effort, drawn(made, 0, examples)))) == math.ceil(share * examples)


def failing_above(limit: float) -> Callable[[Inputs], Finding]:
    """What is said of every input of which an entry is larger."""

    def examine(inputs: Inputs) -> Finding:
        verdict = Verdict.WRONG if (inputs[0] > limit).any() else Verdict.VERIFIED
        return Finding(inputs, Judgement(verdict))

    return examine


class Slow:
    """Examines in so many seconds of a clock of its own, and keeps what fails."""

    def __init__(self, examine: Callable[[Inputs], Finding], seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self.examine, self.seconds, self.now = examine, seconds, 0.0
        self.tried = 0
        self.failed: list[Finding] = []
        monkeypatch.setattr(searching, "time", SimpleNamespace(monotonic=lambda: self.now))

    def __call__(self, inputs: Inputs) -> Finding:
        """Examine one input."""
        self.now += self.seconds
        self.tried += 1
        finding = self.examine(inputs)
        self.failed += [finding] if finding.fails else []
        return finding


def test_shrinking_is_cut_and_keeps_the_simplest_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    made, examine = entry(lambda xp, x: xp.sum(x), x=(6,)), failing_above(2.3)
    slow = Slow(examine, 0.1, monkeypatch)
    whole = search(made, slow, run_seed=0, effort=Effort(200))
    assert whole.cut == "" and slow.now < 10
    slow = Slow(examine, 1.0, monkeypatch)
    tally = search(made, slow, run_seed=0, effort=Effort(200))
    assert tally.cut.startswith("shrinking was cut after 10 s")
    assert tally.failure is tally.worst
    sizes = [searching._size(finding) for finding in (whole.failure, tally.failure, slow.failed[0])]
    assert sizes == sorted(sizes) and sizes[1] == min(map(searching._size, slow.failed))


def test_no_further_input_is_begun_that_would_take_longer_than_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made, slow = entry(lambda xp, x: xp.sum(x), x=(3,)), Slow(failing_above(-1.0), 6.0, monkeypatch)
    assert search(made, slow, run_seed=0, effort=Effort(5)).cut
    # The first draw fails; to look for a simpler one begins with it, and there is no time for another.
    assert slow.tried == 2


def test_what_stops_while_a_simpler_input_is_looked_for_costs_no_finding() -> None:
    made, examine, failed = entry(lambda xp, x: xp.sum(x), x=(3,)), failing_above(2.3), []

    def stops(inputs: Inputs) -> Finding:
        if failed and not np.array_equal(inputs[0], failed[0].inputs[0]):
            raise Hung("no answer within 300 s")
        finding = examine(inputs)
        failed.extend([finding] if finding.fails else [])
        return finding

    met: list[Finding] = []
    tally = search(made, stops, run_seed=0, effort=Effort(20), met=met.append)
    assert met == failed[:1] and tally.failure is not None and tally.failure.fails
    assert tally.stopped and tally.cut.startswith("shrinking was cut: no answer within 300 s")


def test_a_failure_is_never_explained_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    phases: set = set()
    original = searching._hypothesis

    def noted(*arguments: object) -> None:
        phases.update(arguments[4])
        original(*arguments)

    monkeypatch.setattr(searching, "_hypothesis", noted)
    made = wrong_between(2, 3)
    assert tally_of(made, Effort(200)).failure is not None
    assert phases and searching.Phase.explain not in phases


def test_what_a_cell_has_caught_is_the_worst_of_its_inputs() -> None:
    tally, at = Tally(), (np.zeros(()),)
    for caught in ({"x": 1e-9, "y": 1e-3}, {"x": 1e-6}, {}):
        tally.add(Finding(at, Judgement(Verdict.VERIFIED), caught=caught))
    assert tally.caught == {"x": 1e-6, "y": 1e-3}


def test_where_nobody_could_be_held_to_a_bound_no_error_of_what_holds_is_told() -> None:
    tally, at = Tally(), (np.zeros(()),)
    unjudged = Entry("x", (), 0.0, math.nan, math.nan, math.inf, math.nan)
    tally.add(Finding(at, Judgement(Verdict.INCONCLUSIVE, worst=unjudged)))
    assert tally.worst is not None and tally.worst.judgement.worst is unjudged
    right = Entry("x", (), 1.0, 1.0, 0.0, 1e-16, 0.0)
    for finding in (Judgement(Verdict.VERIFIED, worst=right), Judgement(Verdict.INCONCLUSIVE, worst=unjudged)):
        tally.add(Finding(at, finding))
    assert tally.worst.judgement.worst is right


def test_what_fails_has_its_own_verdict_and_not_that_of_what_is_recorded_beside_it() -> None:
    """The numbers and the reason of the row are its own as well: WRONG beside "digits are lost" contradicts itself."""
    at, known = (np.zeros(()),), SimpleNamespace(kind="defect")
    recorded = Finding(at, Judgement(Verdict.WRONG, "the sign"), known=known)
    lost = Finding(at, Judgement(Verdict.IMPRECISE, "digits are lost"))
    findings = iter([recorded, lost])
    tally = search(
        entry(lambda xp, x: x, x=()),
        lambda inputs: next(findings),
        run_seed=0,
        effort=Effort(0),
        witnesses=(at, at),
    )
    assert tally.recorded is recorded and tally.failure is lost and tally.verdict == Verdict.IMPRECISE


def test_draws_that_take_long_are_fewer_and_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def made() -> Function:
        return entry(lambda xp, x: xp.sum(x), x=(3,))

    all_of_them, now = drawn(made(), 0, 50), iter(range(1000))
    monkeypatch.setattr(searching, "CLOCKS", (lambda: 0.05 * next(now),) * 2)
    some = drawn(made(), 0, 50, least=5)
    assert 5 <= len(some) < len(all_of_them)
    assert all(np.array_equal(ours[0], theirs[0]) for ours, theirs in zip(some, all_of_them, strict=False))
    monkeypatch.setattr(searching, "CELL_SECONDS", 0.0)
    assert len(drawn(made(), 0, 50, least=5)) == 5


def _logarithm(xp, x):
    return xp.log(x)


def test_where_a_users_function_is_not_finite_nothing_is_judged_and_that_is_told() -> None:
    """Of 46 everyday models ten ended as CANNOT RUN, for a draw of zeros at which they divide by a length."""
    made = entry(_logarithm, lambda xp, x: (1 / x,), x=())
    examine = Examiner(Cell(made, "numpy", "cpu", "float64", "reverse")).against_truth
    tally = search(made, examine, run_seed=0, effort=Effort(40))
    assert tally.failure is None and tally.verdict == Verdict.VERIFIED
    assert tally.out_of_range[searching.UNDEFINED] >= 5
    assert tally.undefined is not None and tally.undefined.inputs[0] <= 0


def test_what_is_named_and_not_finite_is_an_error_and_so_is_a_domain_that_is_none() -> None:
    made = entry(_logarithm, lambda xp, x: (1 / x,), x=())
    below = function(x=Reals(low=-2.0, high=-1.0))(_logarithm)
    below.gradient(lambda xp, x: (1 / x,))
    own = builtin(entry(_logarithm, lambda xp, x: (1 / x,), x=()))
    made.points.append(at(-1.5))
    for bad in (made, below, own):
        examine = Examiner(Cell(bad, "numpy", "cpu", "float64", "reverse")).against_truth
        with pytest.raises(NotFinite, match="the function is not finite at x = "):
            search(bad, examine, run_seed=0, effort=Effort(40))


def test_a_wrong_gradient_is_found_among_draws_that_are_not_finite() -> None:
    made = entry(_logarithm, lambda xp, x: (1 / x,), x=())
    made.implementations["numpy"] = lambda x: np.log(x) * (1 + 1e-9)
    examine = Examiner(Cell(made, "numpy", "cpu", "float64", "reverse")).against_truth
    with np.errstate(all="ignore"):
        tally = search(made, examine, run_seed=0, effort=Effort(40))
    assert tally.failure is not None and tally.failure.inputs[0] > 0


@pytest.mark.parametrize(
    ("gone", "computed", "taken"), [(4.0, 0.5, 1.0), (4.0, 3.0, 3.0), (4.0, 9.0, 4.0)], ids=["waiting", "busy", "many"]
)
def test_a_busy_machine_costs_no_draws(gone: float, computed: float, taken: float, monkeypatch) -> None:
    now = [0.0, 0.0]
    monkeypatch.setattr(searching, "CLOCKS", (lambda: now[0], lambda: now[1]))
    watch = searching._Taken()
    now[:] = gone, computed
    assert watch.seconds == taken
