"""Who agrees with whom: a wrong backend is the odd one out, so is a wrong derivation, and two that are wrong alike are
both named, though they agree with one another."""

import math
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gradproof import backends
from gradproof.backends import BACKENDS
from gradproof.registry import Function, RegistryError
from gradproof.report import opinions as room
from gradproof.report.closing.summary import disagreements
from gradproof.report.opinions import EXACT, HAND, Opinion, digits_between, groups, odd_ones, opinions
from gradproof.report.tables.blame import blame, matrix
from gradproof.verification import references
from tests.unit.made import NAMES, at, entry, needs

X = at([0.5, -2.0])
GOOD, BAD = (np.array([1.0, -4.0]),), (np.array([1.0, 4.0]),)


def square(factor: float = 2.0) -> Function:
    return entry(lambda xp, x: xp.sum(x * x), lambda xp, x: factor * x, x=(2,))


def planted(monkeypatch: pytest.MonkeyPatch, **given: object) -> list[Opinion]:
    """Opinions with these answers of the backends; their own differences are NumPy's."""
    own = room._own
    monkeypatch.setattr(room, "answer", lambda function, name, inputs: given[name])
    monkeypatch.setattr(room, "_own", lambda function, inputs, name, error: own(function, inputs, "numpy", error))
    return opinions(square(), X, list(given))


def test_all_agree() -> None:
    found = opinions(square(), X, ["numpy"])
    assert [o.name for o in found] == [EXACT, HAND, "numpy", "numpy's differences"]
    assert odd_ones(found) == [] and len(groups(found)) == 1
    assert matrix(found)[-1] == "all agree"


def test_a_wrong_backend_is_the_odd_one_out(monkeypatch: pytest.MonkeyPatch) -> None:
    found = planted(monkeypatch, one=GOOD, two=BAD, three=GOOD)
    assert odd_ones(found) == ["two"]
    assert matrix(found)[-1] == "odd one out: two"
    assert matrix(planted(monkeypatch, one=BAD, two=BAD))[-1] == "odd ones out: one, two"


def test_two_that_are_wrong_alike_are_both_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = planted(monkeypatch, one=BAD, two=BAD, three=GOOD)
    assert odd_ones(found) == ["one", "two"]
    assert ["one", "two"] in groups(found)


def test_more_wrong_than_right_are_named_all(monkeypatch: pytest.MonkeyPatch) -> None:
    assert odd_ones(planted(monkeypatch, one=BAD, two=BAD, three=BAD)) == ["one", "two", "three"]


def test_a_wrong_derivation_is_the_odd_one_out_and_not_the_backend_that_runs_it() -> None:
    made = square(3.0)
    found = opinions(made, X, [NAMES["NP"]])
    assert odd_ones(found) == [HAND]
    place = f"test_blame.py:{made.hand_where.rpartition(':')[2]}"
    told = f"odd one out: the hand-derived gradient ({place}), which {NAMES['NP']} runs"
    assert told in blame(made, given='{"x": [0.5, -2.0]}', named=[NAMES["NP"]]).text.splitlines()


def test_an_implementation_that_is_wrong_is_named_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made, own = square(), room._own
    monkeypatch.setattr(room, "answer", lambda function, name, inputs: BAD)
    monkeypatch.setattr(room, "_own", lambda function, inputs, name, error: own(function, inputs, "numpy", error))
    made.implementation("one")(lambda x: x)
    lines = blame(made, given='{"x": [0.5, -2.0]}', named=["one"]).text.splitlines()
    place = f"test_blame.py:{made.implementation_where('one').rpartition(':')[2]}"
    assert f"odd one out: one, by its implementation ({place})" in lines


def test_a_backend_that_is_wrong_besides_is_named_beside_the_derivation() -> None:
    wrong = [np.array([1.0, 2.0]), np.array([1.0, 3.0]), np.array([1.0, 4.0])]
    exact, by_hand, runner = (Opinion(name, g, 1e-9 * g) for name, g in zip((EXACT, HAND, "b"), wrong, strict=True))
    assert odd_ones([exact, by_hand, replace(runner, runs=HAND)]) == [HAND, "b"]
    follower = replace(by_hand, name="b", runs=HAND)
    assert odd_ones([exact, by_hand, follower]) == [HAND]
    assert matrix([exact, by_hand, follower])[-1] == "odd one out: the hand-derived gradient, which b runs"


@pytest.mark.parametrize("name", [pytest.param(name, id=short) for short, name in NAMES.items()])
def test_who_differentiates_is_said_by_the_adapter_as_well(name: str) -> None:
    needs(name)
    assert backends.load(name).differentiates == BACKENDS[name].differentiates


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_agrees_with_nobody(monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    found = planted(monkeypatch, one=(np.array([1.0, value]),), two=GOOD)
    assert odd_ones(found) == ["one"]


def test_who_raises_has_no_opinion(monkeypatch: pytest.MonkeyPatch) -> None:
    found = planted(monkeypatch, one="ValueError: no", two=GOOD)
    assert odd_ones(found) == [] and "one: ValueError: no" in matrix(found)
    assert matrix(found)[-1] == "all that have an opinion agree"


def ties(by_hand: list[float]) -> Function:
    """The largest of three, whose derivation gives `by_hand` where two are the largest."""

    def hand(xp: Any, x: Any) -> Any:
        top = xp.where(x == xp.max(x), 1.0, 0.0)
        return xp.where(xp.sum(top) > 1, xp.asarray(by_hand), top)

    return entry(lambda xp, x: xp.max(x), hand, x=(3,))


TIED = at([2.0, 1.0, 2.0])


def test_at_a_kink_who_gives_a_right_slope_is_not_the_odd_one_out_however_few(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"one": (np.array([1.0, 0, 1]),), "two": (np.array([0.5, 0, 0.5]),), "three": (np.array([0, 0, 1.0]),)}
    monkeypatch.setattr(room, "answer", lambda function, name, inputs: given[name])
    found = opinions(ties([1.0, 0.0, 1.0]), TIED, list(given))
    assert odd_ones(found) == [HAND, "one"]
    told = blame(ties([1.0, 0.0, 0.0]), where="x=[2, 1, 2]", named=["two", "three"])
    assert told.status == 0 and "nobody is the odd one out" in told.text
    assert blame(ties([1.0, 0.0, 0.0]), where="x=[2, 1, 2]", named=["one", "three"]).status == 1


@pytest.mark.parametrize(
    ("by_hand", "said"), [([0.25, 0.0, 0.75], "a subgradient"), ([1.0, 0.0, 1.0], "no subgradient")]
)
def test_a_derivation_at_a_kink_is_held_to_its_slopes(by_hand: list[float], said: str) -> None:
    assert references.agreement(ties(by_hand), TIED) == said


def test_digits() -> None:
    one = Opinion("one", np.array([1.0, 100.0]), np.array([1e-9, 1e-9]))
    other = Opinion("other", np.array([1.001, 100.0]), np.array([1e-9, math.inf]))
    assert digits_between(one, other) == pytest.approx(5.0, abs=0.01)
    assert digits_between(one, one) == math.inf and math.isnan(digits_between(one, Opinion.none("none", "raised")))


# The command


@pytest.mark.parametrize(
    ("point", "given", "problem"),
    [
        (7, "", "it has no point 7; its points are numbered from 0 to 0"),
        (-1, "", "it has no point -1"),
        (None, "{", "is not one of"),
        (None, '{"y": [1, 2]}', r"it names y; give one such as {\"x\": \[0.0, 0.0\]}"),
        (None, '{"x": [1, 2, 3]}', r"x has the shape \(3,\), not \(2,\)"),
        (None, '{"x": ["one", 2]}', "is not one of"),
        (None, "3", "is not one of"),
    ],
)
def test_a_point_or_an_input_that_is_not_there_is_named(point: int | None, given: str, problem: str) -> None:
    made = square()
    made.points = [X]
    with pytest.raises(RegistryError, match=problem):
        blame(made, point, given)


def test_a_function_without_a_point_needs_an_input() -> None:
    with pytest.raises(RegistryError, match="it has no point; give an input with --at"):
        blame(square())


def test_of_several_points_those_are_shown_whole_at_which_somebody_disagrees() -> None:
    made = entry(lambda xp, x: x * x, lambda xp, x: (xp.where(x > 1, 3 * x, 2 * x),), x=())
    made.points = [at(0.5), at(0.25), at(2.0)]
    lines = blame(made, named=[NAMES["NP"]]).text.splitlines()
    assert [line for line in lines if " at point " in line] == [
        f"{made.name} at point 0, x = 0.5",
        f"{made.name} at point 1, x = 0.25",
    ]
    agreed = "  agree: exact differences, by hand, numpy, numpy's differences"
    odd = "odd one out: the hand-derived gradient (test_blame.py:"
    assert lines.count(agreed) == 2 and any(line.startswith(odd) for line in lines)
    assert odd in blame(made, named=[NAMES["NP"]], where="x=2").text
    assert "all agree" in blame(made, 0, named=[NAMES["NP"]]).text


def test_the_exit_status_is_1_where_somebody_disagrees() -> None:
    made = entry(lambda xp, x: x * x, lambda xp, x: (xp.where(x > 1, 3 * x, 2 * x),), x=())
    made.points = [at(0.5), at(2.0)]
    statuses = [blame(made, point, named=[NAMES["NP"]]).status for point in (0, 1, None)]
    assert statuses == [0, 1, 1]


# In the text of a failure


def test_a_failure_asks_those_that_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"numpy": (np.array(1.0),), "autograd": (np.array(2.0),), "torch": "RuntimeError: no"}
    monkeypatch.setattr(room, "answer", lambda function, name, inputs: given[name])
    for name in BACKENDS:
        monkeypatch.delitem(sys.modules, f"gradproof.backends.{name}.adapter", raising=False)
    made = entry(lambda xp, x: x * x, x=())
    assert references._others(made, at(1.0), "jax") == ""
    for name in given:
        monkeypatch.setitem(sys.modules, f"gradproof.backends.{name}.adapter", None)
    assert references._others(made, at(1.0), "jax") == "numpy: disagree; autograd: agree; torch: no gradient"
    assert "torch" not in references._others(made, at(1.0), "torch")


# In the summary of a run


def row(function: str, backend: str, verdict: str) -> dict[str, object]:
    return {"function": function, "backend": backend, "verdict": verdict, "check": "exact"}


def test_the_summary_names_who_does_not_agree() -> None:
    rows = [row("f", "one", "verified"), row("f", "two", "wrong"), row("g", "one", "convention")]
    rows += [row("g", "two", "verified"), row("h", "one", "not run")]
    assert disagreements(rows) == ["1 of 2 functions, and on whom: f (two)"]
    assert disagreements(rows[2:4]) == [] and disagreements(rows[:1]) == []


def test_the_summary_names_a_derivation_and_not_who_runs_it() -> None:
    rows = [row("f", "one", "verified"), row("f", "two", "wrong") | {"at_fault": "derivation"}]
    assert disagreements(rows) == ["1 of 1 functions, and on whom: f (the derivation)"]
