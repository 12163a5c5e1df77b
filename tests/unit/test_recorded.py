"""Recorded divergences at work: what is recorded passes and is asserted, what is not recorded fails, and an entry that
a release has mended, or made worse, fails as well."""

from types import SimpleNamespace

import pytest

import known_divergences
from functions import Function
from report.results import PROPERTY, Row
from tests.unit.made import at, entry
from tests.verification.cells import Cell
from tests.verification.run import Verification

NAME = "numpy"
OPTIONS = SimpleNamespace(required=(), functions=())


def made(factor: float) -> Function:
    """x² with a gradient that is `factor` times the right one."""
    function = entry(lambda xp, x: x * x, lambda xp, x: factor * (2 * x), x=())
    function.name = "square"
    function.points = [at(1.5)]
    return function


def recorded(verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"""
        [[divergence]]
        function = "square"
        verdict = "{verdict}"
        input = {{ x = 1.5 }}
        region = {{ x = [-inf, inf] }}
        versions = ">=2"
        reason = "planted"
        issue = "unreported"
    """
    entries = known_divergences.parse(text, "planted.toml")
    monkeypatch.setattr(known_divergences, "load", lambda backend: entries)


def verified(function: Function) -> Row:
    item = SimpleNamespace(nodeid="planted", user_properties=[])
    cell = Cell(function, NAME, "cpu", "float64", "reverse")
    Verification(item, run_seed=0, examples=5, options=OPTIONS).verify(cell, "exact", share=1.0)
    return dict(item.user_properties)[PROPERTY]


def test_what_is_not_recorded_fails() -> None:
    with pytest.raises(pytest.fail.Exception, match="WRONG: square"):
        verified(made(1.5))


def test_what_is_recorded_passes_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded("wrong", monkeypatch)
    row = verified(made(1.5))
    assert row["verdict"] == "wrong"
    assert row["known"] > 0


def test_what_is_mended_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded("wrong", monkeypatch)
    with pytest.raises(pytest.fail.Exception, match=r"is recorded as wrong .* but is now verified"):
        verified(made(1.0))


def test_what_is_worse_than_recorded_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded("imprecise", monkeypatch)
    with pytest.raises(pytest.fail.Exception, match="WRONG: square"):
        verified(made(1.5))


def test_what_is_as_imprecise_as_recorded_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded("imprecise", monkeypatch)
    assert verified(made(1 + 2.0**-40))["verdict"] == "imprecise"
