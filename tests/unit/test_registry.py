"""The registry: a bad entry or a bad file carries its problem and stops nobody else, weights tell entries apart, and
every domain draws arrays of its own that float32 holds exactly."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from gradproof import backends, content
from gradproof.oracles.agreement import hand_against_exact
from gradproof.registry import (
    Distinct,
    Domain,
    Function,
    Positive,
    PositiveDefinite,
    RankDeficient,
    Reals,
    RegistryError,
    SeparatedSpectrum,
    UnitInterval,
    WellConditioned,
    function,
    helpers,
    load,
    load_builtin,
    weights,
)

NUMPY = backends.load("numpy").namespace("float64", "cpu")


def problem_of(entry: Function) -> str:
    """What `check` says of an entry that has a problem."""
    with pytest.raises(RegistryError) as caught:
        entry.check()
    assert str(caught.value).startswith(f"{entry.name} ({entry.path}:{entry.line}): ")
    return str(caught.value)


def square(xp: Any, x: Any) -> Any:
    """f(x) = Σ x²

    More is said here."""
    return xp.sum(x * x)


# The decorator


def test_a_good_entry() -> None:
    entry = function(x=Reals((2,)), points=[dict(x=[1, 2])])(square)
    entry.check()
    assert (entry.name, entry.path, entry.formula) == ("square", __file__, "f(x) = Σ x²")
    assert entry.points[0][0].dtype == np.float64 and entry.points[0][0].shape == (2,)
    assert entry.body(np, np.array([1.0, 2.0])) == 5
    assert entry.where == f"{__file__}:{square.__code__.co_firstlineno}"


def test_domains_follow_the_signature() -> None:
    entry = function(y=Reals((2,)), x=Reals())(lambda xp, x, y: x)
    assert list(entry.domains) == ["x", "y"]


def test_a_missing_domain() -> None:
    entry = function(x=Reals())(lambda xp, x, y, z: x)
    assert "no domain is given for y, z: add y=Reals() to @function" in problem_of(entry)


def test_an_unknown_argument() -> None:
    assert "@function names y, which the body does not take" in problem_of(function(x=Reals(), y=Reals())(square))


@pytest.mark.parametrize("domain", [3, Reals, (2,), None])
def test_what_is_no_domain(domain: object) -> None:
    assert "the domain of x is" in problem_of(function(x=domain)(square))


def test_a_body_without_arguments() -> None:
    assert "takes no argument behind xp" in problem_of(function()(lambda xp: 0))


@pytest.mark.parametrize("value", [1.0, [1.0], [[1.0, 2.0]], [1.0, 2.0, 3.0]])
def test_a_point_of_the_wrong_shape(value: object) -> None:
    message = problem_of(function(x=Reals((2,)), points=[dict(x=value)])(square))
    assert f"gives x the shape {np.shape(value)}; its domain has (2,)" in message


@pytest.mark.parametrize("point", [{}, dict(y=1.0), dict(x=1.0, y=1.0)])
def test_a_point_of_the_wrong_names(point: dict) -> None:
    assert "must be a dict of exactly x" in problem_of(function(x=Reals(), points=[point])(square))


@pytest.mark.parametrize("value", ["one", None, [[1.0], [1.0, 2.0]], {}], ids=["text", "None", "ragged", "dict"])
def test_a_point_that_is_no_array(value: object) -> None:
    assert "x" in problem_of(function(x=Reals((2,)), points=[dict(x=value)])(square))


@pytest.mark.parametrize("point", [1.0, [1.0], None])
def test_a_point_that_is_no_dict(point: object) -> None:
    assert "point" in problem_of(function(x=Reals(), points=[point])(square))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_point_that_is_not_finite(value: float) -> None:
    assert "x" in problem_of(function(x=Reals(), points=[dict(x=value)])(square))


def test_several_problems_are_told_together() -> None:
    message = problem_of(function(y=Reals())(square))
    assert "no domain is given for x" in message and "@function names y" in message


def test_two_gradients() -> None:
    entry = function(x=Reals())(square)
    entry.gradient(lambda xp, x: 2 * x)
    entry.check()
    entry.gradient(lambda xp, x: 3 * x)
    assert "two hand-derived gradients" in problem_of(entry)


def test_implementations() -> None:
    entry = function(x=Reals())(square)
    code = entry.implementation("here")(lambda x: x)
    assert entry.implementations == {"here": code} and code(3) == 3


def test_an_error_names_function_and_file() -> None:
    entry = function(x=Reals())(square)
    assert str(entry.error("too bad")) == f"square ({entry.where}): too bad"


# Loading

HEAD = "from gradproof import Reals, function\n"
GOOD = HEAD + "@function(x=Reals())\ndef twice(xp, x):\n    return 2 * x\n"
OTHER = "@function(x=Reals())\ndef thrice(xp, x):\n    return 3 * x\n"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def names_and_problems(*paths: Path) -> dict[str, str]:
    return {entry.name: "; ".join(entry.problems) for entry in load(paths)}


def test_a_good_file(tmp_path: Path) -> None:
    assert names_and_problems(write(tmp_path, "good.py", GOOD + OTHER)) == {"twice": "", "thrice": ""}


def test_a_folder_with_folders_in_it(tmp_path: Path) -> None:
    write(tmp_path, "a.py", GOOD), write(tmp_path, "below/b.py", HEAD + OTHER), write(tmp_path, "_c.py", "1 / 0")
    assert names_and_problems(tmp_path) == {"twice": "", "thrice": ""}


def test_a_file_that_raises_keeps_what_stands_above(tmp_path: Path) -> None:
    found = names_and_problems(
        write(tmp_path, "broken.py", GOOD + "1 / 0\n" + OTHER), write(tmp_path, "b.py", HEAD + OTHER)
    )
    assert found["twice"] == found["thrice"] == ""
    assert "cannot be loaded: ZeroDivisionError at line 5" in found["broken.py"]


@pytest.mark.parametrize(
    "text", ["def broken(:\n", "import no_such_module_anywhere\n", "raise ValueError('x')\n", "\0"]
)
def test_a_file_that_cannot_be_loaded(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, "broken.py", text)
    (entry,) = load([path])
    assert entry.name == "broken.py" and str(path) in problem_of(entry)


def test_a_file_that_exits_leaves_the_others(tmp_path: Path) -> None:
    found = names_and_problems(write(tmp_path, "leaves.py", "raise SystemExit(3)\n"), write(tmp_path, "good.py", GOOD))
    assert found["twice"] == "" and "cannot be loaded: SystemExit" in found["leaves.py"]


def test_an_interrupt_goes_through(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        load([write(tmp_path, "interrupted.py", "raise KeyboardInterrupt\n")])


def test_a_missing_file(tmp_path: Path) -> None:
    (entry,) = load([tmp_path / "missing.py"])
    assert f"there is no file or folder {tmp_path / 'missing.py'}" in problem_of(entry)


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    (entry,) = load([write(tmp_path, "notes.txt", "text")])
    assert "not a Python file" in problem_of(entry)


def test_a_file_that_changed_within_a_second_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Python takes the code that it compiled before: it looks at the size and the second alone.
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    found = []
    for sign in "+-":
        path = write(tmp_path, "mine.py", GOOD.replace("2 * x", f"x {sign} 2"))
        os.utime(path, (1e9, 1e9))
        (entry,) = load([path])
        found.append(entry.body(np, 1.0))
    assert found == [3, -1]


def test_an_empty_folder(tmp_path: Path) -> None:
    (entry,) = load([tmp_path])
    assert "holds no .py file" in problem_of(entry) and entry.name == tmp_path.name


def test_a_file_without_functions(tmp_path: Path) -> None:
    (entry,) = load([write(tmp_path, "empty.py", "x = 1\n")])
    assert "registers no function" in problem_of(entry)


def test_a_helper_beside_functions_is_no_entry(tmp_path: Path) -> None:
    helper = write(tmp_path, "helper.py", "x = 1\n")
    # Where no file of a folder has a function, each is told.
    (entry,) = load([tmp_path])
    assert "registers no function" in problem_of(entry) and helpers([entry], [tmp_path]) == []
    mine = write(tmp_path, "mine.py", GOOD)
    broken = write(tmp_path, "zero.py", "1 / 0\n")
    found = load([tmp_path])
    assert [Path(entry.path) for entry in found] == [mine.resolve(), broken.resolve()]
    assert helpers(found, [tmp_path]) == [helper.resolve()] and helpers(found, [mine]) == [] == helpers(found, [helper])
    helper.write_text(GOOD)
    now = load([tmp_path])
    assert len(now) == 3 and helpers(now, [tmp_path]) == []
    # Whoever loaded before is told what was there then.
    assert helpers(found, [tmp_path]) == [helper.resolve()]


def test_a_file_whose_functions_another_one_makes_is_no_helper(tmp_path: Path) -> None:
    made = "from gradproof import Reals, function\nfrom _body import body\nfunction(x=Reals())(body)\n"
    write(tmp_path, "_body.py", 'def body(xp, x):\n    """f(x) = x²"""\n    return x * x\n')
    file = write(tmp_path, "made.py", made)
    found = load([tmp_path])
    assert [entry.name for entry in found] == ["body"] and found[0].path != str(file.resolve())
    assert helpers(found, [tmp_path]) == []


def test_each_file_of_the_registry_has_a_function() -> None:
    assert helpers(load_builtin(), [content.FUNCTIONS]) == []


def test_a_keyword_that_nobody_takes_is_told_with_what_was_meant() -> None:
    def made(**given: Any) -> Function:
        return function(x=Reals(), **given)(lambda xp, x: x * x)

    told = problem_of(made(point=[dict(x=1.0)]))
    assert told.endswith(": @function names point, which the body does not take. Did you mean points?")
    assert "which the body does not take. Did you mean points?" in made().variant("near", point=[]).problems[0]
    entry = made()
    entry.implementation("anything", mode=("reverse",))(lambda x: x * x)
    assert entry.problems == ["an implementation has no argument 'mode'. Did you mean modes?"]


def test_an_entry_with_a_problem_leaves_the_others(tmp_path: Path) -> None:
    bad = "@function(y=Reals(), points=[3, dict(x='a')])\ndef bad(xp, x):\n    return x\n"
    found = names_and_problems(write(tmp_path, "mixed.py", GOOD + bad + OTHER))
    assert found["twice"] == found["thrice"] == "" and "no domain is given for x" in found["bad"]


@pytest.mark.parametrize("points", ["dict(x='a')", "dict(x=[[1.0], [1.0, 2.0]])", "3"])
def test_a_bad_point_leaves_the_others(tmp_path: Path, points: str) -> None:
    bad = f"@function(x=Reals(), points=[{points}])\ndef bad(xp, x):\n    return x\n"
    found = names_and_problems(write(tmp_path, "mixed.py", GOOD + bad + OTHER))
    assert found["twice"] == found["thrice"] == "" and found["bad"]


def test_a_name_twice_in_one_file(tmp_path: Path) -> None:
    first, second = load([write(tmp_path, "twice.py", GOOD + GOOD.removeprefix(HEAD))])
    first.check()
    assert (first.name, second.name) == ("twice", f"twice:{second.line}") and second.line > first.line
    assert f"already taken by {first.where}" in problem_of(second) and second.where in problem_of(second)


def test_a_name_many_times_in_one_file_keeps_its_entries(tmp_path: Path) -> None:
    lines = [f"    {line}" for line in GOOD.removeprefix(HEAD).splitlines()]
    entries = load([write(tmp_path, "loop.py", HEAD + "for _ in range(4):\n" + "\n".join(lines) + "\n")])
    assert len({entry.name for entry in entries}) == len(entries) == 4
    assert [bool(entry.problems) for entry in entries] == [False, True, True, True]


VARIED = GOOD + "twice.gradient(lambda xp, x: xp.asarray(2.0))\ntwice.variant('near', points=[dict(x=0.25)])\n"


def test_functions_of_two_files_that_share_a_name_are_called_by_their_files(tmp_path: Path) -> None:
    """A person with a `loss` in two files has both verified, and finds each again by its name."""
    paths = [write(tmp_path, "first.py", VARIED), write(tmp_path, "second.py", VARIED + OTHER)]
    entries = load(paths)
    assert names_and_problems(*paths) == dict.fromkeys(
        ["first.twice", "first.twice_near", "second.twice", "second.twice_near", "thrice"], ""
    )
    assert [entry.variant_of for entry in entries] == ["", "first.twice", "", "second.twice", ""]
    # Whichever is read first.
    assert {entry.name for entry in load(paths[::-1])} == {entry.name for entry in entries}


def test_a_variant_that_another_file_has_as_a_function_is_told_apart_with_its_function(tmp_path: Path) -> None:
    paths = [
        write(tmp_path, "first.py", VARIED),
        write(tmp_path, "second.py", GOOD.replace("twice", "twice_near")),
    ]
    assert set(names_and_problems(*paths)) == {"first.twice", "first.twice_near", "second.twice_near"}


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    paths = [write(tmp_path, f"{folder}/mine.py", GOOD) for folder in "ab"]
    broken = [write(tmp_path, f"{folder}/broken.py", "def f(x:\n") for folder in "ab"]
    assert set(names_and_problems(*paths, *broken)) == {"a/mine.twice", "b/mine.twice", "a/broken.py", "b/broken.py"}


def test_a_file_beside_the_folder_that_it_lies_in_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path, "mine.py", GOOD)
    assert names_and_problems(path, tmp_path, path) == {"twice": ""}


def test_files_of_one_name_in_two_folders(tmp_path: Path) -> None:
    paths = [write(tmp_path, "a/same.py", GOOD), write(tmp_path, "b/same.py", HEAD + OTHER)]
    twice, thrice = load(paths)
    assert (twice.body(np, 1), thrice.body(np, 1)) == (2, 3)


def test_the_built_in_registry_has_no_problems() -> None:
    entries = load_builtin()
    assert len(entries) >= 20 and len({entry.name for entry in entries}) == len(entries)
    for entry in entries:
        entry.check()
        assert (entry.points or entry.variant_of) and entry.formula.startswith("f(")
        assert entry.hand is not None or "no gradient by hand" in (entry.body.__doc__ or "").replace("\n    ", " ")


# Weights


@pytest.mark.parametrize("shape", [(2,), (5,), (16,), (3, 4), (4, 4), (2, 3, 2), (17,), (2, 5, 3)])
def test_weights_are_all_different(shape: tuple[int, ...]) -> None:
    values = weights(np, shape)
    assert values.shape == shape and len(np.unique(values)) == values.size


@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (4, 4), (3, 4), (2, 5, 3), (9, 9)])
def test_weights_tell_neighbours_and_transposes_apart(shape: tuple[int, ...]) -> None:
    values = weights(np, shape)
    for axis in range(len(shape)):
        assert (np.diff(values, axis=axis) != 0).all()
        assert (values != np.flip(values, axis)).any()
    assert shape[-1] != shape[-2] or not np.array_equal(values, np.swapaxes(values, -1, -2))


def test_weights_have_both_signs_and_are_short() -> None:
    values = weights(np, (40,))
    assert (values > 0).any() and (values < 0).any() and (np.abs(values) >= 1).all()
    assert (values * 64 == np.round(values * 64)).all() and np.abs(values * 64).max() < 2**8


# Domains

DOMAINS: dict[str, tuple[Domain, Callable[[np.ndarray], bool]]] = {
    "reals": (Reals(), lambda x: True),
    "real vectors": (Reals((4,)), lambda x: True),
    "real matrices": (Reals((2, 3)), lambda x: True),
    "no entries": (Reals((0, 2)), lambda x: True),
    "interval": (Reals((3,), low=-0.1, high=0.3), lambda x: (x >= -0.1).all() and (x <= 0.3).all()),
    "far interval": (Reals((3,), low=100.1, high=200.3), lambda x: (x >= 100.1).all() and (x <= 200.3).all()),
    "huge interval": (Reals((2,), low=1e38), lambda x: (x >= 1e38).all()),
    # Scaled down, these are subnormal, where float32 has fewer digits.
    "next to zero": (Reals((3,), low=-(2.0**-125), high=2.0**-125), lambda x: (np.abs(x) <= 2.0**-125).all()),
    "above the generic values": (Reals((3,), low=10.0), lambda x: (x >= 10).all()),
    "half line": (Reals((3,), high=-1.7), lambda x: (x <= -1.7).all()),
    "one number": (Reals((2,), low=0.5, high=0.5), lambda x: (x == 0.5).all()),
    "beyond single": (Reals((2,), low=-1e300, high=1e300), lambda x: True),
    "positive": (Positive((3,)), lambda x: (x >= 2.0**-10).all()),
    "all positive": (Positive((3,), low=1e-30), lambda x: (x >= 1e-30).all()),
    "unit interval": (UnitInterval((3,)), lambda x: (x >= 0).all() and (x <= 1).all()),
    "inner unit interval": (UnitInterval((2,), low=0.01, high=0.99), lambda x: (x >= 0.01).all() and (x <= 0.99).all()),
    "distinct": (Distinct((5,)), lambda x: np.diff(np.sort(x)).min() >= 1 / 16),
    "distinct matrix": (
        Distinct((2, 3)),
        lambda x: np.diff(np.sort(x.ravel())).min() >= 1 / 16 and np.abs(x).max() <= 8,
    ),
    "well conditioned": (WellConditioned((3, 3)), lambda x: np.linalg.cond(x) < 1e3),
    "positive definite": (
        PositiveDefinite((3, 3)),
        lambda x: bool((x == x.T).all() and np.linalg.eigvalsh(x).min() > 0.249),
    ),
}


@pytest.mark.parametrize("name", DOMAINS)
@settings(max_examples=50)
@given(data=st.data())
def test_draws_lie_in_their_domain(name: str, data: st.DataObject) -> None:
    domain, inside = DOMAINS[name]
    drawn = data.draw(domain.strategy())
    assert drawn.shape == domain.shape and drawn.dtype == np.float64 and np.isfinite(drawn).all()
    assert np.array_equal(drawn, drawn.astype(np.float32).astype(np.float64))
    assert inside(drawn)


# Without shrinking: what is drawn matters here, not the simplest of it.
EAGER = settings(max_examples=2000, database=None, phases=[Phase.generate])


def separation(values: np.ndarray) -> float:
    """The smallest distance between two of them, or of one from zero where none is negative."""
    return float(np.diff(np.sort(values if (values < 0).any() else [0.0, *values])).min())


COMPLEX_MATRICES: dict[str, tuple[Domain, Callable[[np.ndarray], bool]]] = {
    "well conditioned": (WellConditioned((3, 3), is_complex=True), lambda x: np.linalg.cond(x) < 1e3),
    "tall": (WellConditioned((3, 2), is_complex=True), lambda x: np.linalg.matrix_rank(x) == 2),
    "positive definite": (
        PositiveDefinite((3, 3), is_complex=True),
        lambda x: bool((x == x.conj().T).all() and np.linalg.eigvalsh(x).min() > 0.249),
    ),
    "separated singular values": (
        SeparatedSpectrum((3, 2), is_complex=True),
        lambda x: separation(np.linalg.svdvals(x)) > 0.49,
    ),
    "separated eigenvalues": (
        SeparatedSpectrum((3, 3), is_complex=True, symmetric=True),
        lambda x: bool((x == x.conj().T).all() and separation(np.linalg.eigvalsh(x)) > 0.49),
    ),
    "rank deficient": (RankDeficient((3, 3), is_complex=True), lambda x: np.linalg.matrix_rank(x) == 2),
}


@pytest.mark.parametrize("name", COMPLEX_MATRICES)
@settings(max_examples=50)
@given(data=st.data())
def test_draws_of_complex_matrices_lie_in_their_domain(name: str, data: st.DataObject) -> None:
    domain, inside = COMPLEX_MATRICES[name]
    drawn = data.draw(domain.strategy())
    assert drawn.shape == (*domain.shape, 2) and np.array_equal(drawn, drawn.astype(np.float32).astype(np.float64))
    assert inside(domain.native(drawn))


@pytest.mark.parametrize("name", COMPLEX_MATRICES)
def test_both_parts_of_complex_matrices_are_drawn(name: str) -> None:
    find(COMPLEX_MATRICES[name][0].strategy(), lambda x: bool(x[..., 0].any() and x[..., 1].any()), settings=EAGER)


SIGNED_ZEROS = {"plus": 1.0, "minus": -1.0}


@pytest.mark.parametrize("sign", SIGNED_ZEROS.values(), ids=SIGNED_ZEROS)
@pytest.mark.parametrize("name", ["reals", "real vectors", "interval"])
def test_zeros_of_both_signs_are_drawn(name: str, sign: float) -> None:
    def holds(x: np.ndarray) -> bool:
        return bool(((x == 0) & (np.copysign(1.0, x) == sign)).any())

    find(DOMAINS[name][0].strategy(), holds, settings=EAGER)


@pytest.mark.parametrize(
    "wanted",
    [
        lambda x: (np.abs(x) > 1e15).any(),
        lambda x: ((x != 0) & (np.abs(x) < 1e-15)).any(),
        lambda x: ((x != 0) & (np.abs(x) < np.finfo(np.float32).tiny)).any(),
        lambda x: len(set(x)) == 1 and x[0] not in (0, 1),
        lambda x: (x == 1000).sum() == 1 and (np.abs(x) < 8).sum() == 3,
    ],
    ids=["huge", "tiny", "subnormal", "all equal", "one hard"],
)
def test_hard_values_are_drawn(wanted: Callable) -> None:
    find(Reals((4,)).strategy(), lambda x: bool(wanted(x)), settings=EAGER)


@pytest.mark.parametrize("end", [0.0, 1.0, 2.0**-149, 1.0 - 2.0**-24])
def test_the_ends_of_the_unit_interval_are_drawn(end: float) -> None:
    find(UnitInterval((3,)).strategy(), lambda x: bool((x == end).any()), settings=EAGER)


def test_inputs_have_an_array_for_each_argument() -> None:
    entry = function(x=Reals((2,)), y=Positive())(lambda xp, x, y: y)
    inputs = find(entry.inputs(), lambda inputs: inputs[0][0] > 1, settings=EAGER)
    assert [part.shape for part in inputs] == [(2,), ()]


# Variants


@function(x=Reals((2, 3)), points=[dict(x=[[0.5, -1.0, 2.0], [1.5, 0.25, -3.0]])])
def column_sums(xp, x, *, axis=0):
    """f(x) = Σ w (sum along an axis)²"""
    s = xp.sum(x, axis=axis)
    return xp.sum(weights(xp, s.shape) * s * s)


@column_sums.gradient
def _(xp, x, *, axis=0):
    s = xp.sum(x, axis=axis)
    return xp.broadcast_to(xp.expand_dims(2 * weights(xp, s.shape) * s, axis=axis), x.shape)


def test_a_variant_hands_its_parameters_to_body_and_gradient():
    rows = column_sums.variant("last_axis", axis=-1)
    assert (rows.name, rows.variant_of, len(rows.points)) == ("column_sums_last_axis", "column_sums", 1)
    assert "axis = -1" in rows.formula and rows.formula != column_sums.formula
    assert list(rows.domains) == ["x"]
    (x,) = rows.points[0]
    first, second = weights(NUMPY, (2,))
    assert rows.body(NUMPY, x) == first * 1.5**2 + second * 1.25**2
    assert hand_against_exact(rows, rows.points[0]).holds


def test_a_variant_may_have_other_shapes():
    one = column_sums.variant("size_one", x=Reals((1, 3)), points=[dict(x=[[1.0, 2.0, 3.0]])])
    assert [p[0].shape for p in one.points] == [(1, 3)]
    assert hand_against_exact(one, one.points[0]).holds
    empty = column_sums.variant("empty", x=Reals((0, 3)), points=[dict(x=np.zeros((0, 3)))])
    assert not empty.problems
    assert hand_against_exact(empty, empty.points[0]).holds


def test_a_bad_variant_is_told():
    assert "names axes, which the body does not take" in column_sums.variant("wrong", axes=1).problems[0]

    @function(x=Reals())
    def early(xp, x, *, n=1):
        """f(x) = n x"""
        return n * x

    assert "write it below" in early.variant("two", n=2).problems[0]
