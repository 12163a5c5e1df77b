"""The verdict on a traced program, where balls say nothing or the trace holds something fixed, and the second inputs
that show whether the trace is the program."""

import math
from dataclasses import replace

import numpy as np
import pytest

from gradproof.oracles.tape import Cells, Solution, judge, replay_problem, second_inputs
from gradproof.oracles.tape.judge import (
    LEAVES_THE_TRACE,
    RAISES_BESIDE,
    SPREADS,
    TO_FIRST_ORDER,
    Replay,
    _say_nothing,
    _told,
    nearer_inputs,
)
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
    [([1e-9, 1e9], "", False), ([1e9, 1e9], "", True), ([1e-9, 1e-9], "an overflow", True)],
)
def test_bounds_say_nothing_where_all_of_an_argument_is_below_them(
    parts: list[float], out_of_range: str, nothing: bool
) -> None:
    bounds = replace(FOUND.bounds(), gradient=(np.array(parts),), out_of_range=out_of_range)
    assert _say_nothing(FOUND, bounds) == nothing


def test_subnormals_are_flushed_only_where_it_is_said() -> None:
    found = solved(lambda x: x.tape.sum(x) * 2.0, [1e-310, -1e-310])
    error = float((found.bounds().value + found.bounds(flushes=True).value) / 2)
    assert error > found.bounds().value
    value, gradient = np.array(float(found.value) + error), [np.array([2.0, 2.0])]
    assert judge(found, value, gradient, ["x"]).verdict != Verdict.VERIFIED
    assert judge(found, value, gradient, ["x"], flushes=True).verdict == Verdict.VERIFIED


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


@pytest.mark.parametrize("x", [[0.0] * 64, [1.0] * 64, [-4.0] * 64])
def test_a_second_input_lies_beside_the_first(x: list[float]) -> None:
    tape, _ = program(squares, x)
    (moved,) = second_inputs(tape)
    step = (moved - x) / (SPREADS[0] * max(1.0, abs(x[0])))
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


def test_where_the_function_raises_nearer_inputs_are_tried() -> None:
    assert replay_problem(FOUND, raising_beyond(2.0**-10, FOUND)) == ""
    assert replay_problem(FOUND, raising_beyond(2.0**-10, FOUND, leak=1.0)) == LEAVES_THE_TRACE
    assert replay_problem(FOUND, raising_beyond(0.0, FOUND)) == RAISES_BESIDE


def test_a_leak_at_a_second_input_is_not_made_up_for_by_a_nearer_one() -> None:
    def right_nearby(moved: list[np.ndarray]) -> np.ndarray:
        return squares_at(moved) + float(np.abs(moved[0] / FOUND.inputs[0] - 1).max() > 2.0**-10)

    assert replay_problem(FOUND, right_nearby) == LEAVES_THE_TRACE
