"""The registry is complete: every differentiable name of every list has an entry that differentiates it, through each
of the arguments by which it has a derivative, or a stated reason."""

import inspect
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradproof import backends
from gradproof.registry import Complex, Function, Reals, function, load_builtin, weights
from gradproof.report.tables import published
from gradproof.report.tables.completeness import table
from gradproof.report.tables.published import List, Name, StatedList, lists
from gradproof.report.tables.uses import Run, Use, uses, uses_of_registry
from tests.unit.made import entry

LISTS = lists()
STANDARD = LISTS["array_api_2024_12"]


@pytest.mark.parametrize("name", LISTS)
def test_every_differentiable_name_has_an_entry_or_a_reason(name: str) -> None:
    assert LISTS[name].missing(uses_of_registry()) == []


def source(made: Function) -> str:
    """The text of a body, behind the parameters of a variant."""
    return inspect.getsource(getattr(made.body, "func", made.body))


def test_every_body_can_be_watched() -> None:
    # Without a finite value at any point an entry would speak for nothing. Some call nothing: they use operators alone.
    silent = [made for made in load_builtin() if made.points and not uses_of_registry()[made.name]]
    values = {made.name: [Run().of(made, made.native(inputs)).value for inputs in made.points] for made in silent}
    assert [name for name, found in values.items() if not np.isfinite(found).any()] == []
    # To be silent is to call nothing but creation, or to be a sum of nothing.
    calling = [made for made in silent if set(re.findall(r"\bxp\.(\w+)", source(made))) - {"ones", "asarray"}]
    assert not any(np.any(values[made.name]) for made in calling)


def test_a_name_without_an_entry_is_missing() -> None:
    planted = List("planted", (*STANDARD.names, Name("planted_name", "elementwise"), Name("nameless", "", reason="no")))
    extra = set(planted.missing(uses_of_registry())) - set(STANDARD.missing(uses_of_registry()))
    assert extra == {"planted_name: no entry differentiates its argument 0"}


def test_a_name_is_missing_without_the_only_entry_that_differentiates_it() -> None:
    found = {name: used for name, used in uses_of_registry().items() if not any(use.name == "roll" for use in used)}
    assert "roll: no entry differentiates its argument 0" not in STANDARD.missing(uses_of_registry())
    assert "roll: no entry differentiates its argument 0" in STANDARD.missing(found)


def differentiated(made: Function) -> set[tuple[str, Any]]:
    return {(use.name, use.place) for use in uses(made) if use.differentiated}


def test_what_carries_the_derivative_is_used() -> None:
    made = entry(lambda xp, x, y: xp.sum(xp.fft.irfft(xp.fft.rfft(xp.atan2(x, xp.exp(y))))), x=(4,), y=(4,))
    # The sum over a backward transform is one entry of what was transformed, and that suffices.
    names = {("sum", 0), ("fft.irfft", 0), ("fft.rfft", 0), ("atan2", 0), ("atan2", 1), ("exp", 0)}
    assert differentiated(made) == names


@pytest.mark.parametrize(
    "body",
    [
        lambda xp, x: (weights(xp, (3,)) * x)[0],  # reshapes its constants
        lambda xp, x: (xp.reshape(x, (3,)) * 0 + x)[1],
        lambda xp, x: (xp.reshape(x, (3, 1)), x[2])[1],  # computed, and left aside
        lambda xp, x: x[2] * (xp.reshape(x, (3,)) > 100)[0],
    ],
    ids=["weights", "times zero", "unused", "compared"],
)
def test_what_carries_no_derivative_is_not_used(body: Any) -> None:
    assert "reshape" not in {name for name, _ in differentiated(entry(body, x=(3,)))}


def test_each_argument_counts_on_its_own() -> None:
    made = entry(lambda xp, x: xp.sum(xp.where(x > 0, x, 0.0) + xp.maximum(2.0 * xp.ones_like(x), x)), x=(3,))
    made.points.append((np.array([0.5, -1.0, 3.0]),))
    assert differentiated(made) == {("sum", 0), ("where", 1), ("maximum", 1)}


def test_keywords_and_lists_of_arrays() -> None:
    made = entry(lambda xp, x: xp.sum(xp.concat([xp.zeros((1,)), xp.diff(x[1:], prepend=x[:1]) ** 2])), x=(3,))
    assert differentiated(made) == {("sum", 0), ("concat", 0), ("diff", 0), ("diff", "prepend")}


def test_inside_loops_and_branches() -> None:
    def body(xp: Any, x: Any) -> Any:
        y = xp.fori_loop(0, 2, lambda k, y: xp.sin(y) + x, x)
        return xp.cond(y > 100, xp.cos, xp.tanh, y)

    assert {"sin", "tanh"} <= {name for name, _ in differentiated(entry(body, x=()))}
    assert "cos" not in {name for name, _ in differentiated(entry(body, x=()))}


def test_a_function_without_slope_is_met() -> None:
    made = entry(lambda xp, x: xp.sum(xp.floor(x) * x + xp.ceil(xp.ones_like(x))), x=(3,))
    made.points.append((np.array([0.5, -1.25, 3.75]),))
    met = {use.name for use in uses(made)}
    assert "floor" in met and "ceil" not in met and ("floor", 0) not in differentiated(made)
    flat = Name("floor", "elementwise", flat=True)
    assert not flat.lacks({"made": uses(made)}) and flat.lacks({"made": {Use("ceil", 0, False)}}) == [0]


def test_a_jump_is_no_slope() -> None:
    made = entry(lambda xp, x: xp.floor(xp.tan(x)) + x, x=())
    made.points.append((np.array(-(2.0**-40)),))  # before a jump at 0
    assert differentiated(made) == set() and Use("tan", 0, False) in uses(made)


def test_complex_arguments() -> None:
    @function(z=Complex((2,)), x=Reals((2,)), points=[dict(z=[1 + 2j, 0.5 - 1j], x=[0.5, -2.0])])
    def of_both(xp: Any, z: Any, x: Any) -> Any:
        return xp.sum(xp.real(xp.conj(z) * xp.astype(x, z.dtype)))

    assert differentiated(of_both) == {("sum", 0), ("real", 0), ("conj", 0), ("astype", 0)}


def test_an_alias_counts_for_both() -> None:
    alias = Name("linalg.matmul", "linalg", (0, 1), same_as="matmul")
    found = {"product": {Use("matmul", 0, True), Use("linalg.matmul", 1, True)}}
    assert alias.lacks(found) == [] and alias.entries(found, 0) == ["product"]


def test_the_special_functions_are_those_of_the_namespace() -> None:
    special = backends.load("numpy").namespace("float64", "cpu").special
    assert sorted(name.name for name in LISTS["special_functions"].names) == sorted(
        f"special.{name}" for name in special._natives
    )


def test_the_table_counts_and_tells_what_is_missing() -> None:
    made = [
        function(x=Reals((3,)))(body)
        for body in (lambda xp, x: xp.sum(xp.roll(x, 1)), lambda xp, x: xp.sum(xp.flip(x) + xp.roll(x, 2)))
    ]
    found = {name: uses(body) for name, body in zip(("one", "two"), made, strict=True)}
    asked = (
        Name("roll", "moves"),
        Name("flip", "moves"),
        Name("tile", "moves"),
        Name("size", "moves", reason="a number"),
    )
    text = "\n".join(table(List("Some moves", asked), found, dict(zip(("one", "two"), made, strict=True))))
    assert "## Some moves" in text and "| moves | 4 | 3 | 2 | 0 | 0 | 1 |" in text
    assert "| roll | 0 | 2 | 0 | one, two |" in text and "| flip | 0 | 1 | 0 | two |" in text
    assert (
        "- left out: size: a number" in text and "- **missing**: tile: no entry differentiates its argument 0" in text
    )


def test_the_lists_name_their_source_and_nothing_twice() -> None:
    for path, names in zip(published.LISTS.values(), LISTS.values(), strict=True):
        assert "source = " in path.read_text(encoding="utf-8")
        words = [name.name for name in names.names]
        assert len(words) == len(set(words)) > 0
        assert all(name.places for name in names.names if isinstance(names, List))


def test_a_list_can_state_its_entries(tmp_path: Path) -> None:
    text = """
    title = "Some losses"
    source = "a textbook"
    [[name]]
    name = "squared"
    entries = ["hinge", "no_such_entry"]
    [[name]]
    name = "absolute"
    reason = "not now"
    [[name]]
    name = "forgotten"
    [[name]]
    name = "undecided"
    entries = ["hinge"]
    reason = "not now"
    """
    (tmp_path / "losses.toml").write_text(text, encoding="utf-8")
    names = published.read(tmp_path / "losses.toml")
    registry = {made.name: made for made in load_builtin()}
    used: dict[str, set[Use]] = {name: set() for name in registry}
    missing = [
        "squared: no_such_entry is no entry",
        "forgotten: neither an entry nor a reason",
        "undecided: both an entry and a reason",
    ]
    assert names.missing(used) == missing
    shown = "\n".join(table(names, used, registry))
    assert "## Some losses" in shown
    assert "4 names, 2 with entries, 2 left out with reason; 1 of 1 entries in any size; from: a textbook" in shown
    assert "| squared | hinge, no_such_entry | 0 |" in shown and "- left out: absolute, undecided: not now" in shown
    assert "- **missing**: forgotten: neither an entry nor a reason" in shown


def test_every_entry_of_a_stated_list_comes_in_any_size_or_says_why_not() -> None:
    registry = {made.name: made for made in load_builtin()}
    stated = [names for names in LISTS.values() if isinstance(names, StatedList)]
    assert len(stated) >= 6
    assert [line for names in stated for line in names.without_sizes(registry)] == []


def test_an_entry_of_one_size_without_a_reason_is_told(tmp_path: Path) -> None:
    text = """
    title = "Some functions"
    source = "a textbook"
    [one_size]
    hinge = "for no reason"
    branin = "not of this list"
    booth = "2 variables"
    [[name]]
    name = "some"
    entries = ["hinge", "beale", "booth"]
    """
    (tmp_path / "some.toml").write_text(text, encoding="utf-8")
    names, registry = published.read(tmp_path / "some.toml"), {made.name: made for made in load_builtin()}
    missing = [
        "beale: neither a generator of inputs nor a reason for its one size",
        "hinge: comes in any size",
        "branin: is no entry of this list",
    ]
    assert names.without_sizes(registry) == missing
    shown = "\n".join(table(names, {name: set() for name in registry}, registry))
    assert "- of one size: booth: 2 variables" in shown and f"- **missing**: {missing[0]}" in shown
