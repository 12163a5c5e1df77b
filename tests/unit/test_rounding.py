"""The ground floor of an evaluation in balls: what one rounding makes of a number, when underflow is thought of, what
is noticed on the way, and how what tied in another evaluation is taken over."""

import math

import numpy as np
import pytest
from flint import arb, ctx

from gradproof.oracles.balls import BallArithmetic, Ties
from gradproof.oracles.balls.rounding import infinite
from gradproof.oracles.machine_model import FORMATS, ULPS, MachineModel

SINGLE = MachineModel(FORMATS["float32"])
U = FORMATS["float32"].unit_roundoff


@pytest.fixture(autouse=True)
def precision():
    """As in bounds, so that what is looked at is the rounding of the model alone."""
    with ctx.workprec(256):
        yield


def rounded(value: float, operation: str = "add", count: int = 1, model: MachineModel | None = SINGLE) -> arb:
    return BallArithmetic(model)._rounded(arb(value), operation, count).entries[()]


def near(value: float, relative: float = 1e-6) -> object:
    """Nothing here is near because it is small."""
    return pytest.approx(value, rel=relative, abs=0)


def radius(ball: arb) -> float:
    return float(ball.rad())


# One rounding


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("operation", ["add", "exp", "pow"])
def test_a_result_is_widened_by_its_roundings_and_stays_where_it_is(operation: str, count: int) -> None:
    ball = rounded(-3.0, operation, count)
    assert ball.mid() == -3 and radius(ball) == near(3 * 2 * ULPS[operation] * count * U, 1e-6)


def test_without_a_model_or_a_rounding_nothing_is_widened() -> None:
    assert rounded(3.0, model=None).is_exact() and rounded(3.0, count=0).is_exact()


@pytest.mark.parametrize("value", [0.0, 0.25, -2.0])
def test_an_absolute_error_is_relative_to_at_least_one(value: float) -> None:
    # The error of the value itself, and that of 1.
    ball = rounded(value, "gammaln")
    assert ball.mid() == value
    assert radius(ball) == near((abs(value) + 1) * 2 * ULPS["gammaln"] * U, 1e-6)


def test_a_constant_is_rounded_where_it_is_no_number_of_the_format() -> None:
    on = BallArithmetic(SINGLE)
    exactly, about, count = (on._constant(value) for value in (0.5, 0.1, 2**24 + 1))
    assert exactly.is_exact() and exactly == 0.5
    assert about.contains(arb(0.1)) and radius(about) == near(0.1 * U, 1e-6)
    assert radius(count) == near(2**24 * U, 1e-6)
    assert not on.overflowed
    assert BallArithmetic()._constant(0.1).is_exact()
    assert BallArithmetic()._constant(2**60 + 1) == arb(2) ** 60 + 1  # which float64 would round


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_constant_that_is_not_finite_is_as_it_is(value: float) -> None:
    on = BallArithmetic(SINGLE)
    assert str(float(on._constant(value))) == str(value) and not on.overflowed


@pytest.mark.parametrize(("times", "overflows"), [(1.0, False), (1 + 2.0**-30, True), (-1.0, False), (-2.0, True)])
def test_a_constant_beyond_the_format_overflows(times: float, overflows: bool) -> None:
    on = BallArithmetic(SINGLE)
    on._constant(times * SINGLE.format.largest)
    assert on.overflowed == overflows


def test_a_constant_of_mathematics_is_rounded_once() -> None:
    ball = BallArithmetic(SINGLE)._constant_ball(arb.pi()).entries[()]
    assert ball.contains(arb.pi()) and radius(ball) == near(math.pi * U, 1e-6)
    assert radius(BallArithmetic()._constant_ball(arb(3)).entries[()]) == 0


# Range


@pytest.mark.parametrize(("times", "overflows"), [(1.0, False), (1 + 2.0**-30, True), (-1 - 2.0**-30, True)])
def test_a_result_beyond_the_format_overflows(times: float, overflows: bool) -> None:
    on = BallArithmetic(SINGLE)
    on._rounded(np.array([arb(1), arb(times * SINGLE.format.largest)]), "add")
    assert on.overflowed == overflows


def test_infinity_is_a_number_and_does_not_overflow() -> None:
    on = BallArithmetic(SINGLE)
    on._rounded(np.array([arb("inf"), arb("-inf"), arb(1)]), "add")
    assert not on.overflowed
    on._rounded(np.array([arb("inf"), arb(3.5e38)]), "add")
    assert on.overflowed


def test_what_is_infinite() -> None:
    assert infinite(arb("inf")) and infinite(arb("-inf"))
    assert not any(map(infinite, (arb(1), arb("nan"), arb(0, "inf"), arb(1, 2))))


# Underflow


@pytest.mark.parametrize(("operation", "error"), [("add", 2.0**-149), ("multiply", 2.0**-149), ("exp", 2.0**-126)])
def test_underflow_widens_what_is_faint(operation: str, error: float) -> None:
    ball = rounded(-(2.0**-140), operation)
    assert ball.mid() == -(arb(2) ** -140) and radius(ball) == near(error, 1e-4)
    assert rounded(0.0, operation).is_exact()


def test_where_rounding_is_the_larger_error_underflow_is_none() -> None:
    faint = SINGLE.format.tiny / U
    assert radius(rounded(faint, "exp")) == near(faint * 6 * U)
    below = faint * (1 - 2.0**-20)
    assert radius(rounded(below, "exp")) == near(below * 6 * U + SINGLE.format.tiny, 1e-6)


def test_where_subnormals_are_flushed_underflow_is_as_large_as_they_are() -> None:
    flushing = MachineModel(FORMATS["float32"], flushes=True)
    assert radius(rounded(2.0**-140, "add", model=flushing)) == near(2.0**-126, 1e-4)


def test_only_the_faint_entries_are_widened() -> None:
    edge = SINGLE.format.tiny / U
    entries = np.array([arb(2.0**-140), arb(edge), arb(1)])
    faint, at_edge, plain = BallArithmetic(SINGLE)._rounded(entries, "multiply").entries
    assert radius(faint) == near(2.0**-149, 1e-4)
    assert radius(at_edge) == near(edge * U, 2e-8)
    assert radius(plain) == near(U)


# What is noticed


def test_a_path_is_noted_only_where_something_is_rounded() -> None:
    for model, noted in ((SINGLE, True), (None, False)):
        on = BallArithmetic(model)
        assert not on.forked
        on.fork()
        assert on.forked == noted
        on.fork()
        assert on.forked == noted


def asked(ties: Ties | None, answers: list[bool], open_: list[bool]) -> tuple[BallArithmetic, list, list]:
    on = BallArithmetic(SINGLE, ties)
    found, left = on.answered(np.array(answers), np.array(open_))
    return on, found.tolist(), left.tolist()


def test_an_open_question_is_noted() -> None:
    for open_ in ([False, True], [False, False]):
        on, answers, left = asked(None, [True, False], open_)
        assert (answers, left, on.undecided, on.forked) == ([True, False], open_, any(open_), False)
        assert len(on.questions) == 1


TIED = (np.array([False, False, True]), np.array([True, False, False]))
"""What another evaluation found: the first entry tied, and was taken for false."""


def test_what_tied_is_taken_as_it_was() -> None:
    on, answers, left = asked(Ties([TIED], both=False), [True, True, True], [True, True, False])
    assert answers == [False, True, True]
    assert left == [False, True, False] and on.undecided and not on.forked


def test_what_tied_is_taken_either_way() -> None:
    on, answers, left = asked(Ties([TIED], both=True), [True, True, True], [False, False, False])
    assert answers == [True, True, True]
    assert left == [True, False, False] and on.undecided


@pytest.mark.parametrize("questions", [[], [(np.array([True]), np.array([True]))]], ids=["none", "another shape"])
def test_where_other_questions_are_asked_the_code_has_taken_another_path(questions: list) -> None:
    on, answers, left = asked(Ties(questions, both=False), [True, False, True], [True, False, False])
    assert (answers, left, on.forked) == ([True, False, True], [True, False, False], True)


def test_the_questions_are_matched_in_their_order() -> None:
    second = (np.array([True, True, True]), np.array([False, True, False]))
    on = BallArithmetic(SINGLE, Ties([TIED, second], both=False))
    nothing = np.zeros(3, dtype=bool)
    assert on.answered(nothing, nothing)[0].tolist() == [False, False, False]
    assert on.answered(nothing, nothing)[0].tolist() == [False, True, False]
    assert not on.forked
    on.answered(nothing, nothing)
    assert on.forked
