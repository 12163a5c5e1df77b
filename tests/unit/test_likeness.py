"""What a wrong gradient looks like is said where all its wrong entries show it, in the digits that can be judged, and
nothing is said where they do not agree."""

from collections.abc import Callable

import numpy as np
import pytest
from flint import arb

import gradproof
from gradproof.oracles.agreement import hand_against_exact
from gradproof.oracles.likeness import HERE, Part, likeness, summed_over
from gradproof.oracles.machine_model import FORMATS
from gradproof.oracles.reference import Bounds, Exact, Truth
from gradproof.oracles.verdict import Answer, Verdict, judge
from gradproof.verification.cells import Cell
from gradproof.verification.examine import Examiner
from tests.unit.made import NAMES, at, entry, needs

RIGHT = np.array([[0.5, -1.25, 3.0], [2.0, 0.75, -0.375], [1.5, 4.0, -2.5]])
OTHER = np.array([[1.0, 0.25, -3.0], [0.5, 6.0, 2.75], [-1.75, 0.125, 3.5]])


def part(right: object, came: object, name: str = "x", allowed: float = 1e-14) -> Part:
    right = np.asarray(right, dtype=float)
    return Part(name, right, np.asarray(came, dtype=float), np.full(right.shape, allowed))


def changed(right: np.ndarray, change: Callable, places: object) -> np.ndarray:
    came = right.copy()
    came[places] = change(right[places])
    return came


ALIKE = {
    "sign": (-RIGHT, "x: the sign is turned in every entry"),
    "some signs": (
        changed(RIGHT, np.negative, np.s_[0]),
        "x: the sign is turned in each of the 3 wrong entries",
    ),
    "zero": (0 * RIGHT, "x: it is 0 in every entry"),
    "two": (2 * RIGHT, "x: 2 times what is right in every entry"),
    "half": (RIGHT / 2, "x: 1/2 of what is right in every entry"),
    "length": (RIGHT / 3, "x: 1/3 of what is right (3 is the length of x along axis 0) in every entry"),
    "size": (9 * RIGHT, "x: 9 times what is right (x has 9 entries) in every entry"),
    "fraction": (1.5 * RIGHT, "x: 3/2 times what is right in every entry"),
    "negative": (-2 * RIGHT, "x: -2 times what is right in every entry"),
    "no fraction": (RIGHT / np.sqrt(2), "x: 0.707107 times what is right in every entry"),
    "almost right": (RIGHT * (1 + 2**-30), "x: 1.00000000093 times what is right in every entry"),
    "transposed": (RIGHT.T, "x: transposed"),
    "summed": (np.tile(RIGHT.sum(axis=0), (3, 1)), "x: the sum of what is right over axis 0"),
    "mean": (np.tile(RIGHT.mean(axis=1)[:, None], (1, 3)), "x: the mean of what is right over axis 1"),
}


@pytest.mark.parametrize(("came", "told"), ALIKE.values(), ids=ALIKE)
def test_what_all_wrong_entries_show_is_told(came: np.ndarray, told: str) -> None:
    assert likeness([part(RIGHT, came)]) == told


DIFFERENT = {
    "right": RIGHT,
    "two factors": changed(2 * RIGHT, lambda some: 1.5 * some, np.s_[0]),
    "one sign and one factor": changed(-RIGHT, lambda some: 2 * some, np.s_[0, 0]),
    "two digits alike": changed(2 * RIGHT, lambda some: some * (1 + 1e-10), np.s_[1, 1]),
    "a sum but for one row": changed(np.tile(RIGHT.sum(axis=0), (3, 1)), lambda some: some + 1, np.s_[2, 0]),
    "transposed but for one": changed(RIGHT.T.copy(), lambda some: some + 1, np.s_[0, 2]),
    "something added": RIGHT + 1,
    "nan in one": changed(2 * RIGHT, lambda some: some * np.nan, np.s_[0, 0]),
    "something where nothing is right": None,
}


@pytest.mark.parametrize("came", DIFFERENT.values(), ids=DIFFERENT)
def test_where_entries_disagree_nothing_is_told(came: np.ndarray | None) -> None:
    if came is None:
        right = changed(RIGHT, lambda some: 0 * some, np.s_[0, 0])
        assert likeness([part(right, changed(2 * right, lambda some: some + 1, np.s_[0, 0]))]) == ""
        return
    assert likeness([part(RIGHT, came)]) == ""


def test_a_sum_that_is_missing_shows_where_all_that_is_right_is_one_number() -> None:
    rows = np.tile([1.5, -2.0, 0.25], (2, 1))
    came = np.array([[0.5, -2.5, 1.0], [1.0, 0.5, -0.75]])
    assert likeness([part(rows, came)]) == "x: its sum over axis 0 is what is right"
    assert likeness([part([3.0, 3.0], [1.0, 2.0])]) == "x: its sum over all entries is what is right"
    assert likeness([part([3.0, 3.0], [1.0, 2.5])]) == ""


def test_two_arguments_that_are_exchanged() -> None:
    pair = [part(RIGHT, OTHER, "x"), part(OTHER, RIGHT, "y"), part(RIGHT, RIGHT, "z")]
    assert likeness(pair) == "x, y: each is what is right for the other"
    assert likeness([pair[0], part(OTHER, RIGHT + 1, "y")]) == ""
    # Of other shapes, or with one factor for both, they are not.
    assert likeness([part(RIGHT, -RIGHT, "x"), part(-RIGHT, RIGHT, "y")]) == "x, y: the sign is turned in every entry"


def test_arguments_that_look_alike_are_told_together_and_the_others_for_themselves() -> None:
    parts = [part(RIGHT, -RIGHT, "x"), part(OTHER, 2 * OTHER, "y"), part(OTHER, -OTHER, "z")]
    assert likeness(parts) == ("x, z: the sign is turned in every entry; y: 2 times what is right in every entry")
    assert likeness([*parts[:1], part(OTHER, OTHER + 1, "y")]) == "x: the sign is turned in every entry"
    many = [part(RIGHT, -RIGHT, f"w{k}") for k in range(9)]
    assert likeness(many) == "w0, w1, w2, w3 and 5 more: the sign is turned in every entry"


def test_any_number_alone_is_off_by_some_factor() -> None:
    """So only a simple one is told, and of what input."""
    assert likeness([part(3.0, -3.0)]) == f"x: the sign is turned{HERE}"
    assert likeness([part(3.0, 1.5)]) == f"x: 1/2 of what is right{HERE}"
    assert likeness([part(3.0, 0.0)]) == f"x: it is 0{HERE}"
    assert likeness([part(3.0, 3.0 * 17 / 13)]) == "" == likeness([part(3.0, 2.0001)])
    # Entries of one size say no more than one of them; the length of the array is no accident.
    assert likeness([part([3.0, -3.0], [1.5, -1.5])]) == f"x: 1/2 of what is right in every entry{HERE}"
    fourteen = np.full(14, 3.0)
    told = "x: 14 times what is right (x has 14 entries) in every entry"
    assert likeness([part(fourteen, 14 * fourteen)]) == told + HERE


def test_a_factor_is_told_in_the_digits_that_can_be_judged() -> None:
    assert likeness([part(RIGHT, 1.2346 * RIGHT, allowed=1e-4)]) == "x: 1.235 times what is right in every entry"
    assert likeness([part(RIGHT, 2.002 * RIGHT, allowed=1e-3)]) == "x: 2 times what is right in every entry"
    # What is known to no two digits is no factor.
    assert likeness([part(RIGHT, 2 * RIGHT, allowed=0.1)]) == ""


@pytest.mark.parametrize(
    ("shape", "meant", "told"),
    [
        ((4, 3), (3,), "axis 0"),
        ((4, 3), (1, 3), "axis 0"),
        ((4, 3), (4, 1), "axis 1"),
        ((2, 4, 3), (3,), "the axes 0, 1"),
        ((3,), (), "axis 0"),
        ((3,), (4,), ""),
        ((3,), (3, 1), ""),
        ((3,), (3,), ""),
    ],
)
def test_a_shape_says_over_which_axis_a_sum_is_missing(shape: tuple, meant: tuple, told: str) -> None:
    assert summed_over(shape, meant) == (f"; summed over {told} it has that shape" if told else "")


# In the verdict, and of a derivation


def test_the_reason_of_a_wrong_gradient_says_what_it_looks_like() -> None:
    truth = Truth(Exact.of(objects_of(1.0)), (Exact.of(objects_of(RIGHT)),), "agrees", None)
    bounds = Bounds(np.array(1e-15), (np.full(RIGHT.shape, 1e-14),), "")
    found = judge(Answer(np.array(1.0), (-RIGHT,)), truth, bounds, ["x"], FORMATS["float64"])
    assert found.verdict == Verdict.WRONG and found.reason.startswith("x: the sign is turned in every entry; off by")
    found = judge(Answer(np.array(1.0), (RIGHT + 1,)), truth, bounds, ["x"], FORMATS["float64"])
    assert found.reason.startswith("off by more than")


def objects_of(values: object) -> np.ndarray:
    return np.frompyfunc(arb, 1, 1)(np.asarray(values, dtype=object)) if np.ndim(values) else np.array(arb(values))


def test_a_derivation_is_tried_beside_the_input_before_a_factor_of_it_is_told() -> None:
    turned = entry(lambda xp, x, y: x * x * y, lambda xp, x, y: (-2 * x * y, x * x), x=(), y=())
    agreement = hand_against_exact(turned, at(2.0, 3.0))
    assert agreement.reason == "x: the sign is turned"
    # 3 x is twice what is right at 1, and there alone.
    by_chance = entry(lambda xp, x: x * x * x, lambda xp, x: 6 * x, x=())
    agreement = hand_against_exact(by_chance, at(1.0))
    assert agreement.reason.startswith("0 digits agree for x, 6.0 by hand and 3.0")
    doubled = entry(lambda xp, x: x * x * x, lambda xp, x: 6 * x * x, x=())
    assert hand_against_exact(doubled, at(1.0)).reason == "x: 2 times what is right"


def test_a_derivation_whose_digits_alone_are_off_looks_like_nothing() -> None:
    made = entry(lambda xp, x: x * x, lambda xp, x: 2 * x + 2.0**-90 * x, x=())
    agreement = hand_against_exact(made, at(1.5))
    assert not agreement.holds and agreement.looks_like == ""


def test_a_call_says_what_the_gradient_looks_like() -> None:
    x = np.array([0.5, -1.25, 3.0])
    with pytest.raises(gradproof.GradientError) as raised:
        gradproof.check_grads(lambda x: np.sum(x**3), (x,), jac=lambda x: -3 * x**2)
    assert "reason       x: the sign is turned in every entry; off by more than" in str(raised.value)
    with pytest.raises(gradproof.GradientError) as raised:
        gradproof.check_grads(lambda x: np.sum(x**3), (x,), jac=lambda x: np.ones((4, 1)) * x)
    assert "has the shape (4, 3); (3,) is right; summed over axis 0 it has that shape" in flat(str(raised.value))


def test_forward_and_backward_pass_that_disagree_say_how() -> None:
    needs(NAMES["AG"])
    made = entry(lambda xp, x: xp.sum(x * x * x), lambda xp, x: 3 * x * x, x=(3,))
    made.implementations[NAMES["AG"]] = turned
    examiner = Examiner(Cell(made, NAMES["AG"], "cpu", "float64", "reverse"))
    found = examiner.against_own_differences(at([0.5, -1.25, 3.0]))
    assert found.judgement.reason == "x: the sign is turned in every entry; forward and backward pass disagree"


def turned(x: object) -> object:
    import autograd.numpy as anp
    from autograd.extend import defvjp, primitive

    cubes = primitive(lambda x: anp.sum(x * x * x))
    defvjp(cubes, lambda answer, x: lambda d: -3 * x * x * d)
    return cubes(x)


def flat(text: str) -> str:
    return " ".join(text.split())
