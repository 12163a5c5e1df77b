"""Recorded divergences at work: what is recorded passes and is asserted, what is not recorded fails, and an entry that
a release has mended, or made worse, or that is not needed, fails as well. Each is missed when it is deleted."""

import itertools
from pathlib import Path
from types import SimpleNamespace

import pytest

from gradproof import backends, content, divergences
from gradproof.divergences import Divergence
from gradproof.oracles.balls import Balls
from gradproof.registry import Function
from gradproof.report.rows.results import PROPERTY, Row
from gradproof.verification import run, watch
from gradproof.verification.cells import Cell, plan, share_of_draws
from gradproof.verification.recorded import DRAWS, cell_of, entries, registry
from gradproof.verification.run import Verification
from tests.unit.made import NAMES, at, builtin, entry

NAME = "numpy"
WRONG = "WRONG: (the hand-derived gradient of )?square"
OPTIONS = SimpleNamespace(required=(), functions=(), reproduce=None, report=None, wants_scripts=False)

PARTS, DAILY_PARTS = 8, 1
"""Every day an eighth of the entries is deleted, every night each."""


def made(factor: float) -> Function:
    """x² with a gradient that is `factor` times the right one."""
    function = builtin(entry(lambda xp, x: x * x, lambda xp, x: factor * (2 * x), x=()))
    function.name = "square"
    function.points = [at(1.5)]
    return function


def recorded(verdict: str, monkeypatch: pytest.MonkeyPatch, more: str = "") -> None:
    text = f"""
        [[cause]]
        id = "planted-cause"
        kind = "defect"
        versions = ">=2"
        reason = "planted"
        issue = "unreported"
        [[cause.shows]]
        function = "square"
        verdict = "{verdict}"
        input = {{ x = 1.5 }}
        region = {{ x = [-inf, inf] }}
    """
    plant(text + more, monkeypatch)


def plant(text: str, monkeypatch: pytest.MonkeyPatch, folder: Path = content.DIVERGENCES) -> None:
    entries = divergences.parse(text, "planted.toml", folder)
    monkeypatch.setattr(divergences, "load", lambda backend: entries)
    monkeypatch.setattr(watch, "load", dict)
    kept = {("square", NAME): list(watch.missing(NAME, {"square": made(1.5)}))}
    monkeypatch.setattr(watch, "load", lambda: kept)


def verified(function: Function) -> Row:
    item = SimpleNamespace(nodeid="planted", user_properties=[])
    cell = Cell(function, NAME, "cpu", "float64", "reverse")
    Verification(item, run_seed=0, examples=5, options=OPTIONS).verify(cell, "exact", share=1.0)
    return dict(item.user_properties)[PROPERTY]


def test_what_is_not_recorded_fails() -> None:
    with pytest.raises(pytest.fail.Exception, match=WRONG):
        verified(made(1.5))


def test_what_is_recorded_passes_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded("wrong", monkeypatch)
    row = verified(made(1.5))
    assert row["verdict"] == "wrong"
    assert row["known"] > 0
    assert (row["cause"], row["kind"]) == ("planted-cause", "defect")


def test_what_matches_nothing_has_no_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    row = verified(made(1.0))
    assert row["known"] == 0 and not {"cause", "kind"} & row.keys()


def test_what_is_refused_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def gradient(xp, x):
        if isinstance(x, Balls):
            return 2 * x
        asked.append(x)
        raise TypeError("no gradient here")

    recorded("unsupported", monkeypatch)
    function = made(1.0)
    function.hand = gradient
    assert verified(function)["verdict"] == "unsupported"
    assert len(asked) == 1


def test_what_is_mended_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded("wrong", monkeypatch)
    with pytest.raises(pytest.fail.Exception, match=r"is recorded as wrong .* but is now verified"):
        verified(made(1.0))


def test_what_is_worse_than_recorded_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded("imprecise", monkeypatch)
    with pytest.raises(pytest.fail.Exception, match=WRONG):
        verified(made(1.5))


def test_what_is_as_imprecise_as_recorded_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded("imprecise", monkeypatch)
    assert verified(made(1 + 2.0**-40))["verdict"] == "imprecise"


ANOTHER = """
    [[cause]]
    id = "another-cause"
    kind = "precision"
    versions = ">=2"
    reason = "planted as well"
    issue = "unreported"
    [[cause.shows]]
    function = "square"
    verdict = "wrong"
    input = { x = 1.5 }
"""


REGION = "region = { x = [-inf, inf] }"


def test_an_entry_that_is_not_needed_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded("wrong", monkeypatch, ANOTHER)
    message = "planted-cause, place 1: square is not needed: planted.toml, another-cause, place 1 records the same"
    with pytest.raises(pytest.fail.Exception, match=message):
        verified(made(1.5))


def test_an_entry_that_another_one_covers_in_part_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    only_here = ANOTHER + 'dtypes = ["float64"]'
    recorded("wrong", monkeypatch, only_here)
    # The one that speaks of all dtypes is watched in another, where it is needed; this one is not.
    with pytest.raises(pytest.fail.Exception, match=r"another-cause, .* is not needed: planted.toml, planted-cause"):
        verified(made(1.5))


def test_an_entry_that_cannot_be_asserted_where_it_is_watched_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded("wrong", monkeypatch)
    function = made(1.0)
    function.body, function.hand = lambda xp, x: 1e308 * (x * x), lambda xp, x: 1e308 * (2 * x)
    function.points = [at(0.5)]
    with pytest.raises(pytest.fail.Exception, match="cannot be asserted in the cell that watches it"):
        verified(function)


def test_what_is_recorded_is_not_about_a_user_s_function_of_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded("wrong", monkeypatch)
    function = made(1.5)
    function.path = __file__
    with pytest.raises(pytest.fail.Exception, match=WRONG):
        verified(function)


def test_what_a_project_records_is_about_its_own_functions_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plant(ANOTHER + REGION, monkeypatch, tmp_path)
    with pytest.raises(pytest.fail.Exception, match=WRONG):
        verified(made(1.5))
    function = made(1.5)
    function.path = __file__
    row = verified(function)
    assert (row["verdict"], row["cause"]) == ("wrong", "another-cause")


# Other definitions

CONVENTION = """
    [[cause]]
    id = "a-half-more"
    kind = "convention"
    versions = ">=2"
    reason = "it takes 1.5 x² for the square"
    issue = "unreported"
    [[cause.shows]]
    function = "square"
    verdict = "convention"
    instead = "larger_square"
    input = { x = 1.5 }
    region = { x = [-inf, inf] }
"""
DEFINITION = """
from gradproof import Reals, function

@function(x=Reals())
def larger_square(xp, x):
    return {body}
"""


def by_convention(monkeypatch: pytest.MonkeyPatch, folder: Path, body: str = "1.5 * (x * x)") -> None:
    (folder / "definitions.py").write_text(DEFINITION.format(body=body), encoding="utf-8")
    plant(CONVENTION, monkeypatch, folder)


def another(gradient: float, value: float = 1.0) -> Function:
    """x² of a user, with the value `value` x² and the gradient of `gradient` x²."""
    function = made(gradient)
    function.path = __file__
    function.implementation(NAME)(lambda x: value * (x * x))
    return function


def test_the_answer_of_the_documented_definition_is_a_convention(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    by_convention(monkeypatch, tmp_path)
    row = verified(another(1.5, 1.5))
    assert (row["verdict"], row["cause"], row["kind"]) == ("convention", "a-half-more", "convention")
    assert row["known"] == row["counts"]["convention"] > 1


def test_the_answer_of_neither_definition_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    by_convention(monkeypatch, tmp_path)
    with pytest.raises(pytest.fail.Exception, match=WRONG):
        verified(another(1.5 + 2.0**-8, 1.5))


def test_what_keeps_the_definition_at_its_witness_alone_is_wrong_elsewhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # At 1.5, and nowhere else, the definition has the value of the square.
    by_convention(monkeypatch, tmp_path, "1.5 * (x * x) - 1.125")
    with pytest.raises(pytest.fail.Exception, match=WRONG):
        verified(another(1.5))


def test_a_convention_hides_no_gradient_that_changes_from_call_to_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls = []

    def gradient(xp, x):
        if isinstance(x, Balls):
            return 2 * x
        calls.append(x)
        return 3 * x * (1 + 2.0**-20 * (len(calls) > 1))

    by_convention(monkeypatch, tmp_path)
    function = another(1.0, 1.5)
    function.hand = gradient
    with pytest.raises(pytest.fail.Exception, match="a second call gives another gradient"):
        verified(function)


def test_a_release_that_gives_up_its_convention_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    by_convention(monkeypatch, tmp_path)
    with pytest.raises(pytest.fail.Exception, match=r"is recorded as convention .* but is now verified"):
        verified(another(1.0))


# What is shipped

DEFAULT = {"devices": ("cpu",), "dtypes": backends.DTYPES, "modes": tuple(backends.MODES)}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_each_entry_is_watched_by_a_cell_of_the_default_run(name: str) -> None:
    options = SimpleNamespace(backends=(name,), names_dtypes=False, names_modes=False, **DEFAULT)
    daily = {cell.full_id for cell in plan(list(registry().values()), options)}
    for divergence in divergences.load(name):
        line = watch.watching(divergence, registry()[divergence.function], name)
        assert line is not None, f"nothing watches {divergence.where}: run gradproof watch"
        assert cell_of(line).full_id in daily


def test_each_line_that_is_watched_is_of_something_that_exists() -> None:
    for line in itertools.chain(*watch.load().values()):
        function, known = registry()[line.function], backends.BACKENDS[line.backend]
        assert line.dtype in known.dtypes and line.mode in known.modes
        assert not line.input or [x.shape for x in line.inputs(function)] == [
            domain.real_shape for domain in function.domains.values()
        ]


def deleted(name: str, entry: Divergence, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verify the cell of the default run that watches an entry, without the entry: it must fail."""
    line = watch.watching(entry, registry()[entry.function], name)
    left = tuple(other for other in divergences.load(name) if other is not entry)
    monkeypatch.setattr(divergences, "load", lambda backend: left)
    # The failure alone is asked for. Its scripts are run in test_capsules.py, a sample by day, all at night, and
    # test_blame.py has the references: both would take most of the time here.
    monkeypatch.setattr(run, "script_of", lambda *_: "")
    monkeypatch.setattr(run, "references", lambda *_: [])
    item = SimpleNamespace(nodeid="planted", user_properties=[])
    cell = cell_of(line)
    # Not because nothing was verified, and maybe at a point that is tried before the witness.
    with pytest.raises(pytest.fail.Exception, match=f"(WRONG|IMPRECISE|UNSUPPORTED): {entry.function} on {name}"):
        Verification(item, run_seed=0, examples=DRAWS, options=OPTIONS).verify(cell, "exact", share_of_draws(cell))
    monkeypatch.undo()


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_each_entry_is_missed_when_it_is_deleted(
    name: str, part: int, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    if part >= DAILY_PARTS and pytestconfig.getoption("hypothesis_profile") != "nightly":
        pytest.skip("takes minutes: --hypothesis-profile nightly")
    for divergence in entries(name)[part::PARTS]:
        deleted(name, divergence, monkeypatch)
