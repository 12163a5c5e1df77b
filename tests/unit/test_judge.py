"""The verdict on a traced program, where balls say nothing or the trace holds something fixed, and the second inputs
that show whether the trace is the program."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from gradproof.oracles.machine_model import FORMATS
from gradproof.oracles.reference import Bounds
from gradproof.oracles.tape import (
    Cells,
    Solution,
    factorizations,
    judge,
    replay,
    replay_problem,
    second_inputs,
    second_inputs_in_turn,
)
from gradproof.oracles.tape.first_order import first_order
from gradproof.oracles.tape.judge import (
    LEAVES_THE_TRACE,
    RAISES_BESIDE,
    TO_FIRST_ORDER,
    Replay,
    _say_nothing,
    _sharpened,
    _told,
    nearer_inputs,
)
from gradproof.oracles.tape.solution import Alternative
from gradproof.oracles.verdict import Judgement, Verdict
from tests.unit.test_tape import branched, program, solved, verdict_of


def squares(x: Cells) -> Cells:
    return x.tape.sum(x.tape.map("exp", x) * x)


def squares_at(moved: list[np.ndarray]) -> np.ndarray:
    (x,) = moved
    return np.sum(np.exp(x) * x)


FOUND = solved(squares, [0.5, -1.25])


# To first order


def told(verdict: Verdict, *, to_first_order: bool = True, open_: bool = False) -> Judgement:
    bounds = replace(FOUND.bounds(), to_first_order=to_first_order)
    if open_:
        bounds = replace(bounds, gradient=(np.array([1e-9, math.inf]),))
    return _told(Judgement(verdict, ""), bounds, FOUND)


@pytest.mark.parametrize("verdict", [Verdict.VERIFIED, Verdict.IMPRECISE, Verdict.WRONG])
def test_what_stands_on_a_bound_to_first_order_says_so(verdict: Verdict) -> None:
    assert told(verdict) == Judgement(verdict, TO_FIRST_ORDER)
    assert told(verdict, to_first_order=False) == Judgement(verdict, "")


def test_what_has_a_bound_of_no_entry_is_not_verified_and_may_be_wrong_all_the_same() -> None:
    assert told(Verdict.VERIFIED, open_=True) == Judgement(Verdict.INCONCLUSIVE, "nothing can be said of 1 entries")
    assert told(Verdict.WRONG, open_=True) == Judgement(Verdict.WRONG, TO_FIRST_ORDER)


def test_what_stands_on_no_bound_is_left_as_it_is() -> None:
    assert told(Verdict.CONVENTION, open_=True) == Judgement(Verdict.CONVENTION, "")


@pytest.mark.parametrize(
    ("parts", "out_of_range", "nothing"),
    [
        ([1e-9, 1e9], "", False),
        ([1e9, 1e9], "", True),
        ([FOUND.truth.scale[0]] * 2, "", True),
        ([1e-9, 1e-9], "an overflow", True),
    ],
)
def test_bounds_say_nothing_where_all_of_an_argument_is_below_them(
    parts: list[float], out_of_range: str, nothing: bool
) -> None:
    bounds = replace(FOUND.bounds(), gradient=(np.array(parts),), out_of_range=out_of_range)
    assert _say_nothing(FOUND, bounds) == nothing


def test_bounds_say_nothing_less_of_an_argument_whose_gradient_is_0() -> None:
    found = solved(lambda x, y: x.tape.sum(x * x) + x.tape.sum(0.0 * y), [0.5, -1.25], [1.0, 2.0])
    assert found.truth.scale[1] == 0
    assert not _say_nothing(found, found.bounds())
    # Of a small one there is as much to say as of a large one.
    small = solved(lambda x: x.tape.sum(x * x) * 2.0**-20, [0.5, -1.25])
    assert _say_nothing(small, replace(small.bounds(), gradient=(np.full(2, 0.5),)))


def test_of_two_bounds_the_smaller_counts_unless_the_sweep_left_its_range() -> None:
    sharper = first_order(FOUND).gradient[0]
    for out_of_range, expected in (("", [sharper[0], 0.0]), ("an overflow", sharper)):
        given = Bounds(np.array(0.0), (np.array([1e9, 0.0]),), out_of_range)
        found = _sharpened(FOUND, given, None, False)
        assert found.gradient[0].tolist() == list(expected)
        assert found.value == (first_order(FOUND).value if out_of_range else 0.0)
        assert found.to_first_order and not found.out_of_range


def test_subnormals_are_flushed_only_where_it_is_said() -> None:
    found = solved(lambda x: x.tape.sum(x) * 2.0, [1e-310, -1e-310])
    error = float((found.bounds().value + found.bounds(flushes=True).value) / 2)
    assert error > found.bounds().value
    value, gradient = np.array(float(found.value) + error), [np.array([2.0, 2.0])]
    assert judge(found, value, gradient, ["x"]).verdict != Verdict.VERIFIED
    assert judge(found, value, gradient, ["x"], flushes=True).verdict == Verdict.VERIFIED
    here = found.tape, found.output, found.inputs, value
    assert not replay(*here).holds
    assert replay(*here, flushes=True).holds


def test_a_replay_at_which_subnormals_may_be_flushed_says_so() -> None:
    found = solved(lambda x: x.tape.sum(x) * 2.0, [1e-310, -1e-310])
    error = float((found.bounds().value + found.bounds(flushes=True).value) / 2)

    def value_of(moved: list[np.ndarray]) -> np.ndarray:
        return np.array(2 * moved[0].sum() + error)

    assert replay_problem(found, value_of) == LEAVES_THE_TRACE
    assert replay_problem(found, value_of, flushes=True) == ""


def test_a_lawful_gradient_is_found_behind_one_that_cannot_be_judged() -> None:
    found, lawful = replace(FOUND), solved(lambda x: x.tape.sum(x * x), FOUND.inputs[0])
    beyond = solved(lambda x: x.tape.sum(x.tape.map("exp", x * 2000.0)), FOUND.inputs[0])
    found.alternatives = [Alternative("an overflow", beyond), Alternative("squares", lawful)]
    value, gradient = np.array(float(lawful.value)), [2 * FOUND.inputs[0]]
    assert judge(found, value, gradient, ["x"]).reason == "squares"
    assert judge(found, value, [gradient[0] * (1 + 1e-12)], ["x"]).verdict == Verdict.IMPRECISE
    # What is neither is told how far it is from the gradient itself.
    far = np.array(float(FOUND.value)), [np.array([1.0, 2.0])], ["x"]
    assert judge(found, *far) == judge(FOUND, *far)
    assert judge(found, *far).verdict == Verdict.WRONG


# Without a bound


def overflowing(x: Cells) -> Cells:
    return abs(x[0]) + x.tape.map("log", 1.0 + x.tape.map("exp", x[1]))


@pytest.mark.parametrize(
    ("value", "slope", "verdict"),
    [
        (800.0, 0.5, Verdict.CONVENTION),
        (800.0, 1.5, Verdict.INCONCLUSIVE),
        (801.0, 0.5, Verdict.INCONCLUSIVE),
    ],
)
def test_what_lies_between_the_slopes_of_a_kink_needs_no_bound(value: float, slope: float, verdict: Verdict) -> None:
    found = solved(overflowing, [0.0, 800.0])
    assert "overflows" in found.bounds().out_of_range
    assert judge(found, np.array(value), [np.array([slope, 1.0])], ["x"]).verdict == verdict


# What the trace holds fixed


@pytest.mark.parametrize("body", [branched, lambda x: branched((x + 1e8) - 1e8)])
def test_the_gradient_of_the_choice_that_was_made_is_a_convention(body: object) -> None:
    found = solved(body, [1.0, 1.0])
    assert verdict_of(found, [1.0, 1.0]) == Verdict.CONVENTION
    assert verdict_of(found, [2.0, 1.0]) == Verdict.INCONCLUSIVE


def test_of_a_choice_that_is_certain_there_is_no_other_gradient() -> None:
    found = solved(branched, [0.5, 1.0])
    assert verdict_of(found, [1.0, 1.0]) == Verdict.VERIFIED
    # What was found to be the matter with it is no choice.
    lost = replace(found, problem="a value that left the trace")
    assert verdict_of(lost, [1.0, 1.0]) == Verdict.INCONCLUSIVE


# Second inputs


@pytest.mark.parametrize(("ratio", "holds"), [(0.0, True), (1.0, True), (1.01, False), (math.nan, False)])
def test_a_replay_holds_within_its_bound(ratio: float, holds: bool) -> None:
    assert Replay(ratio).holds == holds
    assert not Replay(ratio, "out of range").holds


def test_the_error_of_a_replay_is_told_in_units_of_its_bound() -> None:
    x = np.array([0.5, -1.25])
    found = solved(squares, x, format="float32")
    off = np.array(float(found.value) + 0.75 * float(found.bounds().value))
    assert replay(found.tape, found.output, [x], off).ratio == pytest.approx(0.75, rel=1e-6)
    still, output = program(lambda x: x[0] * 1.0, [0.0, 1.0])
    exact = replay(still, int(output.numbers), [np.array([0.0, 1.0])], np.array(0.75 * FORMATS["float64"].tiny))
    assert exact.ratio == pytest.approx(0.75)


def test_a_second_input_that_overflows_replays_nothing() -> None:
    tape, output = program(lambda x: x.tape.sum(x.tape.map("exp", x)), [0.5, 1.0], format="float32")
    assert "out of range" in replay(tape, int(output.numbers), [np.array([100.0, 1.0])], np.array(math.e)).problem


def test_signs_are_chosen_in_some_factorizations_alone() -> None:
    a = np.array([[2.0, 0.5], [0.5, 1.0]])

    def inputs_of(factor: Callable[[Cells], Cells]) -> int:
        tape, _ = program(factor, a)
        return len(list(second_inputs_in_turn(tape)))

    assert inputs_of(lambda x: factorizations.eigvalsh(x, np.linalg.eigvalsh(a))) == 1
    assert inputs_of(lambda x: factorizations.eigh(x, *np.linalg.eigh(a))[1]) > 3


@pytest.mark.parametrize("x", [[0.0] * 64, [1.0] * 64, [-4.0] * 64])
def test_a_second_input_lies_beside_the_first(x: list[float]) -> None:
    tape, _ = program(squares, x)
    (moved,) = second_inputs(tape)
    step = (moved - x) / (2.0**-7 * max(1.0, abs(x[0])))
    assert (np.abs(step) <= 1).all()
    assert step.min() < -0.75 and step.max() > 0.75


@pytest.mark.parametrize(("format", "count"), [("float64", 2), ("float32", 1), ("bfloat16", 0)])
def test_no_second_input_is_nearer_than_the_root_of_what_is_rounded(format: str, count: int) -> None:
    tape, _ = program(squares, [0.5, -1.25], format=format)
    assert len(list(nearer_inputs(tape))) == count


def raising_beyond(spread: float, found: Solution, leak: float = 0.0) -> object:
    """The program, which raises farther from the traced input than this."""

    def value_of(moved: list[np.ndarray]) -> np.ndarray:
        if np.abs(moved[0] / found.inputs[0] - 1).max() > spread:
            raise ValueError("out of its domain")
        return squares_at(moved) + leak

    return value_of


def test_a_trace_that_is_the_program_has_no_problem() -> None:
    calls: list[list[np.ndarray]] = []

    def value_of(moved: list[np.ndarray]) -> np.ndarray:
        calls.append(moved)
        return squares_at(moved)

    assert replay_problem(FOUND, value_of) == ""
    assert len(calls) == 1


def test_what_leaves_the_trace_is_told() -> None:
    def leaking(moved: list[np.ndarray]) -> np.ndarray:
        return np.sum(np.exp(FOUND.inputs[0]) * moved[0])

    assert replay_problem(FOUND, leaking) == LEAVES_THE_TRACE


@pytest.mark.parametrize(("ratio", "told"), [(0.75, ""), (1.5, LEAVES_THE_TRACE)])
def test_what_leaves_the_trace_is_off_by_more_than_the_bound(ratio: float, told: str) -> None:
    found = solved(squares, [0.5, -1.25], format="float32")
    (x,) = second_inputs(found.tape)
    unit = 1.0 / replay(found.tape, found.output, [x], squares_at([x]) + 1.0).ratio
    offset = {True: 0.0, False: ratio * unit}
    assert replay_problem(found, lambda m: squares_at(m) + offset[np.array_equal(m[0], found.inputs[0])]) == told


@pytest.mark.parametrize(("off_by", "told"), [(1e-6, ""), (1e-2, LEAVES_THE_TRACE)])
def test_digits_that_are_lost_at_the_input_too_have_not_left_the_trace(off_by: float, told: str) -> None:
    """What is off by more than half of the digits at the input itself is not trusted to be traced."""
    found = solved(squares, [0.5, -1.25], format="float32")
    assert replay_problem(found, lambda moved: squares_at(moved) * (1 + 3 * off_by)) == told


@pytest.mark.parametrize("places", [(0, 1), (1, 0)])
def test_no_second_input_takes_another_branch(places: tuple[int, int]) -> None:
    larger, smaller = places
    x = np.ones(2)
    x[larger] += 2.0**-20
    tape, _ = program(lambda x: x.tape.sum(x * x) if bool(x[larger] > x[smaller]) else x.tape.sum(x), x)
    (moved,) = second_inputs(tape)
    assert moved[larger] > moved[smaller]


def test_where_the_function_raises_nearer_inputs_are_tried() -> None:
    for spread in (2.0**-10, 2.0**-16):
        assert replay_problem(FOUND, raising_beyond(spread, FOUND)) == ""
    assert replay_problem(FOUND, raising_beyond(2.0**-10, FOUND, leak=1.0)) == LEAVES_THE_TRACE
    assert replay_problem(FOUND, raising_beyond(0.0, FOUND)) == RAISES_BESIDE


def test_a_leak_at_a_second_input_is_not_made_up_for_by_a_nearer_one() -> None:
    def right_nearby(moved: list[np.ndarray]) -> np.ndarray:
        return squares_at(moved) + float(np.abs(moved[0] / FOUND.inputs[0] - 1).max() > 2.0**-10)

    assert replay_problem(FOUND, right_nearby) == LEAVES_THE_TRACE
