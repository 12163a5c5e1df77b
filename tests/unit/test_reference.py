"""The reference of one input: the bounds at kinks and beside them, how distances become bounds, and the direction along
which a gradient by hand is proved."""

import math

import numpy as np
import pytest
from flint import arb, ctx

from gradproof.oracles import exact, reference
from gradproof.oracles.machine_model import FORMATS, MachineModel
from gradproof.oracles.reference import BOUND_PRECISION, Reference, _Around, _kink_bound, _sides, distance, levelled
from tests.unit.made import at, entry

SINGLE = MachineModel(FORMATS["float32"])


def balls(*values: object) -> np.ndarray:
    return np.array([arb(value) for value in values], dtype=object)


# From distances to bounds


def test_a_bound_is_the_distance_times_the_slack_and_no_more() -> None:
    bound = distance(balls(3, 0), balls(1, 0), SINGLE, slack=4.0)
    assert bound == pytest.approx([8.0, SINGLE.format.tiny], rel=1e-12)


def test_a_bound_holds_the_digits_that_a_float_has_no_room_for() -> None:
    with ctx.workprec(BOUND_PRECISION):
        off = 2**60 + arb(2) ** 6  # its float is 2**60
        (bound,) = distance(balls(off), balls(0), SINGLE, slack=1.0)
        assert arb(float(bound)) > off


def test_a_distance_that_nobody_knows_bounds_nothing() -> None:
    assert distance(balls("nan", "1 +/- inf"), balls(0, 0), SINGLE).tolist() == [math.inf, math.inf]


def test_at_a_kink_of_slopes_0_what_is_flushed_is_right() -> None:
    assert _kink_bound(np.zeros((4, 2)), SINGLE).tolist() == [SINGLE.format.tiny] * 2


def test_the_sides_are_the_ends_of_the_ball_give_or_take_the_bound() -> None:
    low, high = _sides(balls("2 +/- 1", "nan"), np.array([0.25, 0.25]))
    assert low == pytest.approx([0.75, -math.inf])
    assert high == pytest.approx([3.25, math.inf])


# At one kink, and within rounding of another


def kinks(xp, x):
    near = (x[1] + 1e4) - 1e4
    return xp.abs(x[0]) + xp.maximum(near, 0 * near) + xp.abs(x[2] - 1)


def kinks_by_hand(xp, x):
    near = xp.where((x[1] + 1e4) - 1e4 > 0, 1.0, 0.0)
    return (xp.stack([xp.sign(x[0]), near, xp.sign(x[2] - 1)]),)


@pytest.mark.parametrize("hand", [None, kinks_by_hand], ids=["bare", "hand"])
def test_only_what_rounding_decides_has_two_sides(hand: object) -> None:
    ((low, high),) = Reference(entry(kinks, hand, x=(3,))).bounds(at([0.0, 1e-5, 3.0]), SINGLE).sides
    assert low[0] <= -1 and high[0] >= 1
    assert low[1] <= 0 and high[1] >= 1
    assert low[2] == pytest.approx(1, abs=1e-4) == high[2]


def test_where_the_body_alone_is_within_rounding_of_a_kink_it_is_told() -> None:
    def by_hand(xp, x):
        return (xp.stack([xp.sign(x[0]), xp.where(x[1] > 0, 1.0, 0.0), xp.sign(x[2] - 1)]),)

    bounds = Reference(entry(kinks, by_hand, x=(3,))).bounds(at([0.0, 1e-5, 3.0]), SINGLE)
    assert bounds.near_kink
    assert len(bounds.sides) == 1


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_jump_to_either_side_is_seen(side: str) -> None:
    def step(xp, x):
        return xp.where(x >= 0 if side == "left" else x > 0, 1.0, 0.0) + 0 * x

    made = Reference(entry(step, x=()))
    assert made._jumps(at(0.0), arb(1 if side == "left" else 0))
    assert not made._jumps(at(1.0), arb(1))


# The gradient beside a kink


def test_a_gradient_by_hand_that_is_proved_takes_the_place_of_the_series(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    series = reference.taylor_gradient
    monkeypatch.setattr(reference, "taylor_gradient", lambda *given: calls.append(given) or series(*given))
    made = entry(lambda xp, x: xp.abs(x), lambda xp, x: (xp.sign(x),), x=())
    around = _Around(made, at(0.0))
    for sign, count in ((1, 1), (-1, 1), (1, 1)):
        (found,) = around.gradient_at((np.array(1.0 * sign),), arb(2) ** -64)
        assert float(found[()]) == sign
        assert len(calls) == count


def test_where_a_gradient_by_hand_is_not_finite_the_series_takes_its_place() -> None:
    made = entry(lambda xp, x: xp.abs(x), lambda xp, x: (xp.where(x > 0, xp.sign(x), 1 / (x - x)),), x=())
    around = _Around(made, at(0.0))
    slopes = [around.gradient_at((np.array(sign),), arb(2) ** -64) for sign in (1.0, -1.0)]
    assert [float(found[0][()]) for found in slopes] == [1.0, -1.0]


# The direction along which it is proved


def test_every_entry_contributes_about_as_much_as_the_smallest() -> None:
    gradient = [balls(3, 1e20, 0), balls(-1e-15, "inf")]
    first, second = levelled(gradient, (np.array([1.0, -1.0, 1.0]), np.ones(2)))
    terms = np.abs([3 * first[0], 1e20 * first[1], -1e-15 * second[0]])
    assert terms.max() <= 4 * terms.min() and terms.min() == 1e-15
    assert (first < 0).tolist() == [False, True, False]
    # Of what is 0, or no number, there is no size.
    assert (first[2], second[1]) == (1.0, 1.0)


def test_an_entry_of_0_is_not_the_smallest() -> None:
    (direction,) = levelled([balls(2.0**50, 0)], (np.ones(2),))
    assert direction.tolist() == [1.0, 1.0]


def test_a_direction_has_one_part_per_argument() -> None:
    with pytest.raises(ValueError, match="zip"):
        levelled([balls(1), balls(2)], (np.ones(1),))


@pytest.mark.parametrize("wrong", [False, True])
def test_an_error_in_the_smallest_entry_is_seen_beside_a_huge_one(wrong: bool) -> None:
    def body(xp, x):
        return 1e30 * x[0] + 1e-10 * x[1] ** 2

    made, inputs = entry(body, x=(2,)), at([0.5, 1.5])
    with ctx.workprec(exact.FIRST_PRECISION):
        hand = [balls(1e30, 2 * arb(1e-10) * 1.5 * (1 + wrong * arb(2) ** -40))]
    assert Reference(made).hand_agrees(inputs, hand) == (not wrong)


@pytest.mark.parametrize("wrong", [False, True])
def test_an_error_in_a_tiny_gradient_is_seen(wrong: bool) -> None:
    made = entry(lambda xp, x: 1e-30 * x**2, x=())
    with ctx.workprec(exact.FIRST_PRECISION):
        hand = [np.array(arb(1e-30) * (1 + wrong * arb(2) ** -20), dtype=object)]
    assert Reference(made).hand_agrees(at(0.5), hand) == (not wrong)


def test_an_argument_that_is_only_compared_is_constant() -> None:
    made = entry(lambda xp, x, y: xp.where(x > 0, 1.0, 2.0) * y, x=(), y=())
    assert Reference(made).constant_in(at(0.5, 3.0)) == ("x",)
