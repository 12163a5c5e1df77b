"""Known divergences: a good entry says what it says, a bad one is an error that names file and entry, and every shipped
entry speaks of a function and a backend that exist."""

import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from gradproof import backends, content, divergences
from gradproof.divergences import KINDS, Divergence, DivergenceError, check, parse
from gradproof.divergences.record import thread
from gradproof.registry import Function, Reals, function, load_builtin

CAUSE = {
    "id": '"its-cause"',
    "kind": '"defect"',
    "reason": '"because"',
    "issue": '"unreported"',
    "versions": '">=2.1,<2.3"',
}
PLACE = {"function": '"pair"', "verdict": '"wrong"', "input": "{ x = [1.0, 2.0], y = 0.5 }"}


def lines(given: dict[str, str | None], changes: dict[str, str | None]) -> str:
    keys = {key: value for key, value in (given | changes).items() if value is not None}
    return "".join(f"{key} = {value}\n" for key, value in keys.items())


def cause(**changes: str | None) -> str:
    """The good cause without a place, with some keys changed, or left out where None."""
    return "[[cause]]\n" + lines(CAUSE, changes)


def shows(**changes: str | None) -> str:
    """The good place, with some keys changed, or left out where None."""
    return "[[cause.shows]]\n" + lines(PLACE, changes)


def text(**changes: str | None) -> str:
    """The good cause in its one good place, with some keys of either changed, or left out where None."""
    ours = {key: value for key, value in changes.items() if key in (*CAUSE, "searched")}
    return cause(**ours) + shows(**{key: value for key, value in changes.items() if key not in ours})


UNSUPPORTED = {"kind": '"unsupported"', "verdict": '"unsupported"', "input": "{}"}


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
    assert (entry.cause, entry.kind, entry.where) == ("its-cause", "defect", "stub.toml, its-cause, place 1")
    assert entry.input["x"].tolist() == [1, 2] and entry.input["y"].shape == ()
    assert (entry.region, entry.error, entry.dtypes) == ({"x": (0, math.inf)}, 1e-8, ("float32",))


def test_the_defaults() -> None:
    entry = only()
    assert (entry.region, entry.error, entry.dtypes, entry.devices, entry.modes) == ({}, math.inf, (), (), ())


def test_an_empty_text_and_several_entries() -> None:
    assert parse("# nothing\n", "stub.toml") == ()
    several = parse(text() + shows(verdict='"imprecise"') + text(id='"another"'), "s")
    assert [(entry.cause, entry.verdict) for entry in several] == [
        ("its-cause", "wrong"),
        ("its-cause", "imprecise"),
        ("another", "wrong"),
    ]


def test_a_place_may_have_an_issue_versions_and_a_note_of_its_own() -> None:
    first, second = parse(text() + shows(issue='"https://x"', versions='">=2.2"', note='"here twice"'), "s")
    assert (second.issue, str(second.versions), second.reason) == ("https://x", ">=2.2", "because (here twice)")
    assert (first.issue, second.cause) == ("unreported", first.cause)


SEARCHED = "2026-11-30: slope of a pair"


def test_a_search_for_a_thread_is_told_of_the_places_of_its_cause() -> None:
    searched = f'"{SEARCHED}"'
    first, second = parse(text(searched=searched) + shows(issue='"unreported"'), "s")
    assert (first.searched, second.searched, only().searched) == (SEARCHED, "", "")
    _, own = parse(text() + shows(issue='"unreported"', searched=searched), "s")
    assert own.searched == SEARCHED
    assert only(searched=searched, issue='"https://x"').issue == "https://x"


def test_what_is_known_of_a_thread() -> None:
    assert thread("unreported", SEARCHED) == f"none found (searched {SEARCHED})"
    assert thread("unreported", "") == "not searched for"
    assert thread("https://x", SEARCHED) == "https://x"


@pytest.mark.parametrize(
    "searched",
    [
        '""',
        '"slope of a pair"',
        '"2026-11-30"',
        '"2026-11-30: "',
        '"30.11.2026: slope"',
        '"2026-13-01: slope"',
        '"2026-11-30 slope"',
    ],
)
def test_a_search_without_its_day_or_its_words(searched: str) -> None:
    message = error(text(searched=searched))
    assert message.startswith("stub.toml, cause 1: searched must be the day of the search and its words, as in ")
    assert message.endswith(f"it is {searched[1:-1]!r}")
    message = error(cause() + shows(issue='"unreported"', searched=searched))
    assert message.startswith("stub.toml, its-cause, place 1: searched must be ")


@pytest.mark.parametrize("key", CAUSE)
def test_a_missing_key_of_a_cause(key: str) -> None:
    message = error(text(**{key: None}))
    assert message.startswith("stub.toml, cause 1: ") and f"missing ['{key}']" in message


@pytest.mark.parametrize("key", PLACE)
def test_a_missing_key_of_a_place(key: str) -> None:
    message = error(text(**{key: None}))
    assert message.startswith("stub.toml, its-cause, place 1: ") and f"missing ['{key}']" in message


def test_an_unknown_key() -> None:
    assert "place 1: missing nothing, unknown ['colour']" in error(text(colour='"red"'))
    assert "cause 1: missing nothing, unknown ['colour']" in error(cause(colour='"red"') + shows())


def test_the_place_is_numbered() -> None:
    assert "stub.toml, its-cause, place 2" in error(text() + shows(verdict=None))


@pytest.mark.parametrize("toml", [cause(), cause(shows="[]"), cause() + text(id='"another"')])
def test_a_cause_that_shows_nowhere(toml: str) -> None:
    assert error(toml) == "stub.toml, cause 1: its-cause shows nowhere; add a [[cause.shows]], or take it out"


def test_an_id_that_is_taken() -> None:
    assert "stub.toml, cause 2: the id 'its-cause' is taken" in error(text() + text())


@pytest.mark.parametrize("kind", ["bug", "Defect", "wrong"])
def test_an_unknown_kind(kind: str) -> None:
    assert f"cause 1: the kind '{kind}' is none of {', '.join(KINDS)}" in error(text(kind=f'"{kind}"'))


@pytest.mark.parametrize(
    ("kind", "verdict"), [("unsupported", "wrong"), ("convention", "wrong"), ("defect", "convention")]
)
def test_a_kind_that_cannot_show_so(kind: str, verdict: str) -> None:
    message = error(text(kind=f'"{kind}"', verdict=f'"{verdict}"'))
    assert f"a cause of the kind {kind} cannot show as {verdict}" in message


def test_what_is_a_defect_may_raise_in_places() -> None:
    assert only(verdict='"unsupported"', input="{}").kind == "defect"


@pytest.mark.parametrize("verdict", ["verified", "inconclusive", "Wrong"])
def test_an_unknown_verdict(verdict: str) -> None:
    assert f"place 1: the verdict '{verdict}' is none of" in error(text(verdict=f'"{verdict}"'))


@pytest.mark.parametrize("versions", ['"2.1 or later"', '">=two"'])
def test_versions_that_are_none(versions: str) -> None:
    assert error(text(versions=versions)).startswith("stub.toml, its-cause, place 1: ")


@pytest.mark.parametrize("toml", ["[[cause]", "function = ", "x = 1\nx = 2\n"])
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
        {"region": "[1.0]"},
        {"kind": "1"},
        {"reason": "[1]"},
        {"id": "{ x = 1 }"},
        {"searched": "2026-11-30"},
    ],
    ids="versions interval number ragged text list error dtypes verdict region kind reason id searched".split(),
)
def test_values_of_the_wrong_type(changes: dict[str, str]) -> None:
    assert error(text(**changes)).startswith("stub.toml, ")


def test_variants_are_named_where_nothing_works() -> None:
    entry = only(**UNSUPPORTED, variants='["upper"]')
    assert entry.names == ("pair", "pair_upper")
    assert entry.applies(**CELL | {"function": "pair_upper"}) and not entry.applies(**CELL | {"function": "pair_lower"})


def test_variants_of_what_is_wrong_need_inputs_of_their_own() -> None:
    assert "needs a place and an input of its own" in error(text(variants='["upper"]'))


@pytest.mark.parametrize(
    "toml",
    [
        text().replace("cause", "causes"),
        text().replace("[[cause]]", "[cause]"),
        "cause = 1",
        "cause = [1]",
        cause(shows="1"),
        cause(shows="[1]"),
    ],
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
    entry = only(**UNSUPPORTED)
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
    assert {path.stem for path in content.DIVERGENCES.glob("*.toml")} <= set(backends.BACKENDS)


def test_every_shipped_entry_speaks_of_what_exists() -> None:
    for backend in backends.BACKENDS.values():
        check(divergences.load(backend.name), backend, builtin())


def test_a_cause_is_of_one_kind_wherever_it_shows() -> None:
    kinds: dict[str, set[str]] = {}
    for backend in backends.BACKENDS:
        for entry in divergences.load(backend):
            kinds.setdefault(entry.cause, set()).add(entry.kind)
    assert {cause: found for cause, found in kinds.items() if len(found) > 1} == {}


NAMED = backends.BACKENDS["numpy"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"function": '"pear"'}, "there is no function 'pear' (did you mean pair?)"),
        (
            UNSUPPORTED | {"variants": '["upper"]'},
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
def test_an_entry_that_matches_nothing(changes: dict[str, str], message: str) -> None:
    with pytest.raises(DivergenceError) as caught:
        check(parse(text(**changes), "stub.toml"), NAMED, {"pair": pair()})
    assert message in str(caught.value)
    assert str(caught.value).startswith("stub.toml, its-cause, place 1 (") and "take it out" in str(caught.value)


def test_an_entry_that_matches() -> None:
    check(parse(text(), "stub.toml"), NAMED, {"pair": pair()})


# Other definitions

DEFINITIONS = """
from gradproof import Reals, function

@function(x=Reals((2,)), y=Reals())
def another(xp, x, y):
    return xp.sum(x) * y * y

@function(x=Reals((2,)))
def of_less(xp, x):
    return xp.sum(x)

@function(x=Reals((2,)))
def broken(xp, x, y):
    return xp.sum(x) * y
"""


def convention(name: str) -> str:
    return text(kind='"convention"', verdict='"convention"', instead=f'"{name}"')


def test_a_convention_names_a_definition_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "definitions.py").write_text(DEFINITIONS, encoding="utf-8")
    (entry,) = parse(convention("another"), "stub.toml", tmp_path)
    assert entry.instead is not None and entry.instead.name == "another"
    check([entry], NAMED, {"pair": pair()})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("an_other", "defines no 'an_other'"),
        ("broken", "no domain is given for y"),
    ],
)
def test_a_definition_that_is_no_good(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "definitions.py").write_text(DEFINITIONS, encoding="utf-8")
    with pytest.raises(DivergenceError, match=message):
        parse(convention(name), "stub.toml", tmp_path)


@pytest.mark.parametrize(("source", "message"), [(None, "there is no file"), ("def :", "SyntaxError")])
def test_definitions_that_cannot_be_loaded(source: str | None, message: str, tmp_path: Path) -> None:
    if source is not None:
        (tmp_path / "definitions.py").write_text(source, encoding="utf-8")
    with pytest.raises(DivergenceError, match=message):
        parse(convention("another"), "stub.toml", tmp_path)


def test_a_definition_of_other_arguments(tmp_path: Path) -> None:
    (tmp_path / "definitions.py").write_text(DEFINITIONS, encoding="utf-8")
    entries = parse(convention("of_less"), "stub.toml", tmp_path)
    with pytest.raises(DivergenceError, match="the definition of_less has other arguments or shapes"):
        check([*entries], NAMED, builtin() | {"pair": pair()})


@pytest.mark.parametrize(
    "changes", [{"kind": '"convention"', "verdict": '"convention"'}, {"instead": '"another"'}], ids=["none", "needless"]
)
def test_a_convention_and_nothing_else_has_a_definition(changes: dict[str, str]) -> None:
    assert "names the definition that holds `instead`" in error(text(**changes))


# A project's own folders


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    divergences.use([content.DIVERGENCES])


def test_a_folder_of_a_project_is_read_beside_ours(folder: Path) -> None:
    ours = len(divergences.load("numpy"))
    (folder / "numpy.toml").write_text(text(), encoding="utf-8")
    divergences.use([content.DIVERGENCES, folder])
    *shipped, added = divergences.load("numpy")
    assert len(shipped) == ours and all(entry.is_builtin for entry in shipped)
    assert not added.is_builtin and added.where == f"{folder.name}/numpy.toml, its-cause, place 1"
    divergences.use([])
    assert len(divergences.load("numpy")) == ours


def test_an_entry_of_a_project_is_checked_where_its_function_is(folder: Path) -> None:
    (entry,) = parse(text(dtypes='["float31"]'), "stub.toml", folder)
    check([entry], NAMED, {})
    with pytest.raises(DivergenceError, match="'float31' is none of the dtypes"):
        check([entry], NAMED, {"pair": pair()})


def test_a_folder_that_is_not_there_or_speaks_of_no_backend(folder: Path) -> None:
    with pytest.raises(DivergenceError, match="there is no folder"):
        divergences.use([folder / "nowhere"])
    (folder / "numpi.toml").write_text(text(), encoding="utf-8")
    with pytest.raises(DivergenceError, match=r"numpi\.toml is named after no backend \(did you mean numpy\.toml\?\)"):
        divergences.use([folder])


def test_what_is_no_text_is_told(folder: Path) -> None:
    (folder / "numpy.toml").write_bytes(b"\xff\xfe")
    divergences.use([folder])
    with pytest.raises(DivergenceError, match="cannot be read"):
        divergences.load("numpy")
