"""Conventions at kinks: what is recorded is what each backend chooses, and lies where the record says; a planted change
of convention, an answer outside and a mode that differs are told."""

import math
import re
from functools import cache

import numpy as np
import pytest
from packaging.version import Version

from gradproof import backends
from gradproof.oracles import exact
from gradproof.registry import Function, load_builtin
from gradproof.report.answers import answer
from gradproof.report.tables import conventions, kinks
from gradproof.report.tables.conventions import same
from gradproof.report.tables.kinks import Convention
from tests.unit.made import NAMES, at, entry

RECORDED, VERSIONS = kinks.recorded()


@cache
def builtin() -> dict[str, Function]:
    return {made.name: made for made in load_builtin()}


def version(text: str) -> Version:
    return Version(re.split("[ +]", text)[0])


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_each_backend_chooses_what_is_recorded(name: str) -> None:
    if backends.installed_version(name) is None:
        pytest.skip(f"{name} is not installed")
    if version(backends.load(name).version()) < version(VERSIONS[name]):
        pytest.skip(f"{name} is older than the release that was looked at")
    changed = []
    for c in RECORDED:
        function = builtin()[c.function]
        given = answer(function, name, function.points[c.point])
        now = None if isinstance(given, str) else conventions.at_entries(function, c.entries, given)
        then = c.chosen.get(name)
        if (now is None) != (then is None) or (now is not None and not same(now, then)):
            changed.append(f"{c.function}, point {c.point}: {then} is now {now}")
    # Look at each; then gradproof conventions --write and --markdown.
    assert changed == []


def test_the_record_holds_every_kink_of_a_function() -> None:
    numbers = [c.point for c in RECORDED if c.function == "absolute_sum"]
    assert numbers == [1]


def test_the_page_is_that_of_the_record() -> None:
    page = conventions.PAGE.read_text(encoding="utf-8")
    assert page == conventions.page(RECORDED, VERSIONS)


def test_what_is_written_is_read_again(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "conventions.toml"
    path.write_text(conventions.written(RECORDED, VERSIONS), encoding="utf-8")
    monkeypatch.setattr(kinks, "PATH", path)
    again, versions = kinks.recorded()
    assert repr(again) == repr(RECORDED) and versions == VERSIONS


# One kink, by what NumPy runs: the hand-derived gradient


def convention_of(slope: float) -> Convention:
    made = entry(lambda xp, x: xp.sum(xp.abs(x)), lambda xp, x: xp.where(x == 0, slope, xp.sign(x)), x=(2,))
    made.points = [at([0.0, 2.0])]
    (found,) = conventions.conventions([made], ["numpy"])
    return found


def test_a_kink_has_both_sides_and_the_span_between() -> None:
    found = convention_of(0.5)
    assert (found.entries, found.left, found.right) == (("x[0]",), (-1.0,), (1.0,))
    assert (found.low, found.high, found.chosen) == ((-1.0,), (1.0,), {"numpy": (0.5,)})
    assert not found.outside


@pytest.mark.parametrize("slope", [1.5, math.nan, math.inf])
def test_an_answer_outside_is_told(slope: float) -> None:
    found = convention_of(slope)
    assert found.outside == ("numpy",)
    assert "wrong, outside: numpy" in "\n".join(kinks.lines_of(found))
    assert "**" in conventions.page([found], {"numpy": "2"}).splitlines()[-1]


def test_another_mode_that_differs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    made = entry(lambda xp, x: xp.abs(x), lambda xp, x: xp.sign(x), x=())
    made.points = [at(0.0)]

    def planted(function, backend, inputs, mode="reverse"):
        return (np.array(1.0 if mode == "forward" else 0.0),)

    monkeypatch.setattr(conventions, "answer", planted)
    (found,) = conventions.conventions([made], ["autograd"])
    assert found.split == {"autograd": ("forward",)}


def test_nan_is_a_choice_of_its_own() -> None:
    assert same([math.nan, 1.0], [math.nan, 1.0]) and not same([math.nan], [0.0]) and not same([0.5], [0.0])


def test_one_sided_derivatives() -> None:
    made = entry(lambda xp, x: xp.sum(xp.maximum(x, 0 * x)) + 2 * x[1], x=(2,))
    left, right = exact.one_sided(made, at([0.0, 0.0]))
    assert left[0].tolist() == [0.0, 2.0] and right[0].tolist() == [1.0, 3.0]
