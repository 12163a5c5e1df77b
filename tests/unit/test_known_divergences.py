"""Known divergences: a good entry says what it says, a bad one is an error that names file and entry, and every shipped
entry speaks of a function and a backend that exist."""

import math
from functools import cache

import numpy as np
import pytest

from gradproof import backends, divergences
from gradproof.divergences import Divergence, DivergenceError, check, parse
from gradproof.registry import Function, Reals, function, load_builtin

GOOD = {
    "function": '"pair"',
    "verdict": '"wrong"',
    "input": "{ x = [1.0, 2.0], y = 0.5 }",
    "versions": '">=2.1,<2.3"',
    "reason": '"because"',
    "issue": '"unreported"',
}


def text(**changes: str | None) -> str:
    """The good entry with some keys changed, or left out where None."""
    keys = {key: value for key, value in (GOOD | changes).items() if value is not None}
    return "[[divergence]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())


def only(**changes: str | None) -> Divergence:
    (entry,) = parse(text(**changes), "stub.toml")
    return entry


def error(toml: str) -> str:
    with pytest.raises(DivergenceError) as caught:
        parse(toml, "stub.toml")
    return str(caught.value)


def pair() -> Function:
    return function(x=Reals((2,)), y=Reals())(lambda xp, x, y: xp.sum(x) * y)


def test_a_good_entry() -> None:
    entry = only(dtypes='["float32"]', region="{ x = [0, inf] }", error="1e-8")
    assert (entry.function, entry.verdict, entry.reason, entry.issue) == ("pair", "wrong", "because", "unreported")
    assert entry.input["x"].tolist() == [1, 2] and entry.input["y"].shape == ()
    assert (entry.region, entry.error, entry.dtypes) == ({"x": (0, math.inf)}, 1e-8, ("float32",))


def test_the_defaults() -> None:
    entry = only()
    assert (entry.region, entry.error, entry.dtypes, entry.devices, entry.modes) == ({}, math.inf, (), (), ())


def test_an_empty_text_and_several_entries() -> None:
    assert parse("# nothing\n", "stub.toml") == ()
    assert [entry.verdict for entry in parse(text() + text(verdict='"imprecise"'), "s")] == ["wrong", "imprecise"]


@pytest.mark.parametrize("key", GOOD)
def test_a_missing_key(key: str) -> None:
    message = error(text(**{key: None}))
    assert "stub.toml, entry 1" in message and f"missing ['{key}']" in message


def test_an_unknown_key() -> None:
    assert "unknown ['colour']" in error(text(colour='"red"'))


def test_the_entry_is_numbered() -> None:
    assert "stub.toml, entry 2" in error(text() + text(verdict=None))


@pytest.mark.parametrize("verdict", ["verified", "inconclusive", "Wrong"])
def test_an_unknown_verdict(verdict: str) -> None:
    assert f"entry 1: the verdict '{verdict}' is none of" in error(text(verdict=f'"{verdict}"'))


@pytest.mark.parametrize("versions", ['"2.1 or later"', '">=two"'])
def test_versions_that_are_none(versions: str) -> None:
    assert error(text(versions=versions)).startswith("stub.toml, entry 1: ")


@pytest.mark.parametrize("toml", ["[[divergence]", "function = ", "x = 1\nx = 2\n"])
def test_no_toml(toml: str) -> None:
    assert error(toml).startswith("stub.toml is no TOML")


@pytest.mark.parametrize(
    "changes",
    [
        {"versions": "2.1"},
        {"region": "{ x = [0.0] }"},
        {"region": "{ x = 0.0 }"},
        {"input": "{ x = [[1.0], [1.0, 2.0]] }"},
        {"input": '{ x = "one" }'},
        {"input": "[1.0]"},
        {"error": '"small"'},
        {"dtypes": '"float32"'},
        {"verdict": "[1]"},
    ],
    ids="versions interval number ragged text list error dtypes verdict".split(),
)
def test_values_of_the_wrong_type(changes: dict[str, str]) -> None:
    assert error(text(**changes)).startswith("stub.toml, entry 1")


def test_variants_are_named_where_nothing_works() -> None:
    entry = only(verdict='"unsupported"', input="{}", variants='["upper"]')
    assert entry.names == ("pair", "pair_upper")
    assert entry.applies(**CELL | {"function": "pair_upper"}) and not entry.applies(**CELL | {"function": "pair_lower"})


def test_variants_of_what_is_wrong_need_inputs_of_their_own() -> None:
    assert "needs an entry and an input of its own" in error(text(variants='["upper"]'))


@pytest.mark.parametrize(
    "toml", [text().replace("divergence", "divergences"), text().replace("[[divergence]]", "[divergence]")]
)
def test_tables_of_another_name_or_kind(toml: str) -> None:
    assert "stub.toml" in error(toml)


def test_a_backend_without_a_file_has_no_entries() -> None:
    assert divergences.load("stub") == ()


# What an entry covers


def test_it_covers_its_witness_alone() -> None:
    entry, made = only(), pair()
    assert entry.covers(made, (np.array([1.0, 2.0]), np.array(0.5)))
    assert entry.covers(made, entry.witness(made))
    assert not entry.covers(made, (np.array([1.0, 2.0]), np.array(0.25)))


@pytest.mark.parametrize(
    ("x", "inside"), [([5.0, 9.0], True), ([9.0, 6.0], True), ([4.9, 6.1], False), ([1.0, 2.0], False)]
)
def test_it_covers_its_region(x: list[float], inside: bool) -> None:
    assert only(region="{ x = [5.0, 6.0] }").covers(pair(), (np.array(x), np.array(1.0))) == inside


def test_each_argument_of_a_region_counts() -> None:
    entry = only(region="{ x = [5.0, 6.0], y = [-inf, 0.0] }")
    assert entry.covers(pair(), (np.array([5.5, 0.0]), np.array(-0.0)))
    assert not entry.covers(pair(), (np.array([5.5, 0.0]), np.array(1.0)))


def test_what_is_unsupported_is_so_everywhere() -> None:
    entry = only(verdict='"unsupported"', input="{}")
    assert entry.covers(pair(), (np.array([7.0, 8.0]), np.array(3.0)))


# Where an entry applies

CELL = {"function": "pair", "device": "cpu", "dtype": "float32", "mode": "reverse", "version": "2.2.0"}


@pytest.mark.parametrize(
    "version", ["2.1", "2.1.0", "2.2.9", "2.2.0+cpu", "2.2.0 (CUDA 12)", "2.2.0rc1", "2.2.0.dev20250101"]
)
def test_it_applies_to_its_versions(version: str) -> None:
    assert only().applies(**CELL | {"version": version})


@pytest.mark.parametrize("version", ["2.0.9", "2.3", "2.3.0+cpu", "3.0"])
def test_it_does_not_apply_to_other_versions(version: str) -> None:
    assert not only().applies(**CELL | {"version": version})


@pytest.mark.parametrize(("key", "other"), [("dtype", "float64"), ("device", "gpu"), ("mode", "compiled")])
def test_it_applies_to_its_cells(key: str, other: str) -> None:
    entry = only(**{f"{key}s": f'["{CELL[key]}"]'})
    assert entry.applies(**CELL) and not entry.applies(**CELL | {key: other})
    assert only().applies(**CELL | {key: other})


def test_it_does_not_apply_to_other_functions() -> None:
    assert not only().applies(**CELL | {"function": "pairs"})


# The shipped entries


@cache
def builtin() -> dict[str, Function]:
    return {entry.name: entry for entry in load_builtin()}


def test_every_file_is_named_after_a_backend() -> None:
    assert {path.stem for path in divergences.FOLDER.glob("*.toml")} <= set(backends.BACKENDS)


def test_every_shipped_entry_speaks_of_what_exists() -> None:
    for backend in backends.BACKENDS.values():
        check(backend, builtin())


NAMED = backends.BACKENDS["numpy"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"function": '"pear"'}, "there is no function 'pear' (did you mean pair?)"),
        (
            {"verdict": '"unsupported"', "input": "{}", "variants": '["upper"]'},
            "there is no function 'pair_upper'",
        ),
        ({"dtypes": '["float31"]'}, "'float31' is none of the dtypes of numpy (did you mean float32?)"),
        ({"dtypes": '["bfloat16"]'}, "'bfloat16' is none of the dtypes of numpy"),
        ({"modes": '["revers"]'}, "'revers' is none of the modes of numpy (did you mean reverse?)"),
        ({"modes": '["compiled"]'}, "'compiled' is none of the modes of numpy"),
        ({"devices": '["gpu"]'}, "'gpu' is none of the devices of numpy"),
        ({"input": "{ x = [1.0, 2.0] }"}, "the input gives x; the arguments are x, y"),
        ({"input": "{ x = [1.0], y = 0.5 }"}, "the input gives x the shape (1,); it has (2,)"),
        ({"region": "{ z = [0.0, 1.0] }"}, "the region names z, which is no argument"),
        ({"issue": '"somewhere"'}, "the issue 'somewhere' is neither an https address nor"),
    ],
    ids="function variant dtype unclaimed_dtype mode unclaimed_mode device arguments shape region issue".split(),
)
def test_an_entry_that_matches_nothing(changes: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(divergences, "load", lambda backend: parse(text(**changes), "stub.toml"))
    with pytest.raises(DivergenceError) as caught:
        check(NAMED, {"pair": pair()})
    assert message in str(caught.value)
    assert str(caught.value).startswith("stub.toml, entry 1 (") and "take it out" in str(caught.value)


def test_an_entry_that_matches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(divergences, "load", lambda backend: parse(text(), "stub.toml"))
    check(NAMED, {"pair": pair()})
