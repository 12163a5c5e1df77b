"""The sweep over lists of operations: a planted error is found at the inputs of the list and at hard ones, what takes a
process down costs itself alone, a run goes on where it was stopped, and what is recorded is asserted."""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from gradproof.backends import BACKENDS, calls_of, installed_version
from gradproof.checking.call import check_grads
from gradproof.checking.report import GradproofWarning
from gradproof.divergences import DivergenceError
from gradproof.divergences import operations as recorded
from gradproof.operations import tables
from gradproof.operations.merging import merged
from gradproof.operations.sweep import Kept, Sweep
from gradproof.report.outcome import Unusable
from gradproof.report.rows.results import ResultsError
from tests.unit.made import NAMES, needs

pytest.importorskip("autograd")

LISTS = "tests.unit.listed"

RECORD = """
[[cause]]
id = "slope-of-a-square"
kind = "defect"
reason = "the slope of a square is 2"
rule = "tests/unit/listed.py"
second = "differences"
around = "write x * x"
issue = "unreported"
versions = ">=1"
script = "raise SystemExit(1)"
[[cause.shows]]
operations = ["squared wrongly"]
verdicts = ["wrong"]
"""


def swept(kept: Kept, *names: str, seconds: float = 3.0) -> dict[str, tables.Standing]:
    sweep = Sweep(["autograd"], seconds=seconds, lists=LISTS)
    if names:
        sweep.chosen = lambda backend, listed: [name for name in listed if name in names]
    sweep.run(kept)
    return {one.name: one for one in tables.standings(kept.rows)}


@pytest.fixture(scope="module")
def found() -> dict[str, tables.Standing]:
    return swept(Kept(), seconds=0.5)


def test_each_name_of_a_list_is_told(found):
    words = {name: one.word for name, one in found.items()}
    assert words == {
        "cubed": "verified",
        "died": "not tried",
        "opaque": "not traced",
        "opaque nowhere": "not differentiable",
        "rounded": "not differentiable",
        "slept": "not tried",
        "squared": "verified",
        "squared nowhere": "to be judged",
        "squared wrongly": "to be judged",
        "without call": "not tried",
    }


def test_a_planted_error_is_found_and_the_differences_agree_with_the_truth(found):
    (row,) = [row for row in found["squared wrongly"].rows if row["check"] == "sample"]
    assert row["verdict"] == "wrong" and row["second"] == "the truth"
    assert {row["check"] for row in found["squared wrongly"].failing} > {"sample", "ties", "one entry"}


def test_what_takes_its_process_down_costs_itself_alone(found):
    assert "SIGABRT" in found["died"].reason
    assert found["slept"].reason.startswith("no end within")


def test_a_missing_rule_is_unsupported(found):
    assert {row["verdict"] for row in found["squared nowhere"].failing} == {"unsupported"}


def test_a_run_goes_on_where_it_was_stopped(tmp_path):
    path = tmp_path / "rows.jsonl"
    kept = Kept(path)
    kept.open()
    swept(kept, "squared", "cubed", "squared wrongly")
    whole = path.read_text()
    path.write_text(whole[:-100])
    again = Kept(path)
    again.open()
    assert again.names("autograd") == {"cubed", "squared"}
    assert swept(again, "squared", "cubed", "squared wrongly").keys() == {"cubed", "squared", "squared wrongly"}
    assert len(path.read_text().splitlines()) == len(whole.splitlines())


def test_rows_of_another_version_are_not_mixed(tmp_path):
    path = tmp_path / "rows.jsonl"
    row = dict(function="cubed", backend="autograd", list="a list", versions={"autograd": "1.0"})
    path.write_text(json.dumps(row) + "\n")
    kept = Kept(path)
    kept.open()
    with pytest.raises(ResultsError, match=r"has rows of autograd 1\.0"):
        swept(kept)
    path.write_text('{"a": 1}\n')
    with pytest.raises(ResultsError, match="holds no rows of a sweep"):
        Kept(path).open()


def test_a_backend_without_a_list_is_refused():
    with pytest.raises(Unusable, match="'numpy' has no list of operations"):
        Sweep(["numpy"]).run(Kept())


def test_the_worst_of_several_calls_stands_for_them():
    row = dict(function="f", backend="b", device="cpu", dtype="float64", mode="reverse", check="sample", examples=1)
    rows = [
        row | dict(verdict=v, ratio=r, seconds=1.0) for v, r in (("verified", 0.5), ("wrong", 9.0), ("convention", 1))
    ]
    (one,) = merged(rows)
    assert (one["verdict"], one["ratio"], one["examples"], one["seconds"]) == ("wrong", 9.0, 3, 3.0)
    assert one["counts"] == {"verified": 1, "wrong": 1, "convention": 1}


# What is recorded


def loaded(folder: Path, text: str) -> tuple[recorded.Cause, ...]:
    (folder / "autograd.toml").write_text(text)
    recorded.load.cache_clear()
    return recorded.load("autograd", folder)


def test_what_is_recorded_is_no_news_and_is_told_when_it_is_gone(found, tmp_path):
    (cause,) = loaded(tmp_path, RECORD)
    assert all(map(cause.covers, found["squared wrongly"].failing))
    assert not any(map(cause.covers, found["squared nowhere"].failing))
    assert not recorded.not_shown([cause], found["squared wrongly"].rows, "1.9")
    mended = [row | {"verdict": "verified"} for row in found["squared wrongly"].rows]
    assert recorded.not_shown([cause], mended, "1.9") == [(cause, cause.places[0])]
    assert not recorded.not_shown([cause], mended, "0.9")
    assert not recorded.not_shown([cause], found["squared"].rows, "1.9")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('kind = "defect"', 'kind = "bug"', "the kind 'bug' is none of"),
        ('issue = "unreported"', 'issue = "#1"', "neither an https address"),
        ('rule = "tests/unit/listed.py"', "", r"missing \['rule'\]"),
        ('verdicts = ["wrong"]', 'verdicts = ["bad"]', "the verdict 'bad'"),
        ('verdicts = ["wrong"]', 'verdicts = ["wrong"]\ninput = [1]', r"unknown \['input'\]"),
        ('versions = ">=1"', 'versions = "new"', "Invalid specifier"),
        ('versions = ">=1"', 'versions = ">=1"\nsearched = "the slope"', "searched must be the day of the search and"),
        ('versions = ">=1"', 'versions = ">=1"\nsearched = 2026-11-30', "searched must be the day of the search and"),
        ("[[cause]]", "[[causes]]", r"may hold \[\[cause\]\] tables only"),
    ],
)
def test_a_bad_record_is_refused_with_its_place(tmp_path, before, after, message):
    with pytest.raises(DivergenceError, match=message):
        loaded(tmp_path, RECORD.replace(before, after))


def test_the_pages_tell_every_operation(found):
    rows = [row for one in found.values() for row in one.rows]
    page = tables.completeness(rows, {"autograd, a list": 11})
    assert all(name in page for name, one in found.items() if one.word != "verified")
    assert "| autograd, a list | 11 | 10 | 8 |" in page
    assert tables.findings(rows).startswith("# What the frameworks' own lists")


def test_a_finding_says_whether_a_thread_was_searched_for(found, tmp_path, monkeypatch):
    rows = found["squared wrongly"].rows
    searched = 'issue = "unreported"\nsearched = "2026-11-30: slope of a square"'
    for written, told, counts in (
        ('issue = "https://x"', "https://x", "Of 1 a public thread is known, for 0 none was found, 0 were not"),
        (searched, "none found (searched 2026-11-30: slope of a square)", "Of 0 a public thread is known, for 1 none"),
        ('issue = "unreported"', "not searched for", "for 0 none was found, 1 were not searched for."),
    ):
        causes = loaded(tmp_path, RECORD.replace('issue = "unreported"', written))
        monkeypatch.setattr(tables, "_causes", lambda backend, causes=causes: causes)
        page = tables.findings(rows)
        assert f"- thread: {told}\n" in page and counts in page


def test_hard_inputs_keep_the_shape_that_a_call_takes(found):
    checks = {row["check"] for row in found["squared"].rows}
    assert {"zeros", "one zero", "equal", "nearly equal", "ties", "tiny", "empty", "one entry"} <= checks
    sizes = {row["check"]: np.size(next(iter(row["input"].values()))) for row in found["squared"].rows}
    assert sizes["one entry"] == 1 and sizes["empty"] == 0 and sizes["ties"] == 3


# The frameworks' own lists: a slice of each every day


SLICE = {
    "autograd": ("autograd.numpy.linalg.solve", "autograd.numpy.sinh", "autograd.scipy.special.logsumexp"),
    "jax": ("jax.nn.softplus", "jax.numpy.linalg.det"),
    "tensorflow": ("tf.linalg.logdet", "tf.math.xlogy"),
    "torch": ("as_strided_scatter", "cholesky_solve", "nn.functional.huber_loss"),
}
"""A few operations of each list: right ones, and such as are recorded to be wrong."""


@pytest.mark.parametrize("name", SLICE, ids=[BACKENDS[name].short for name in SLICE])
def test_a_slice_of_every_list_is_as_it_is_recorded(name):
    needs(name)
    kept = Kept()
    sweep = Sweep([name])
    sweep.chosen = lambda backend, listed: [word for word in SLICE[name] if word in listed]
    assert sweep.run(kept) == len(SLICE[name])
    standings = tables.standings(kept.rows)
    assert {one.name: one.open for one in standings} == {word: [] for word in SLICE[name]}
    assert {one.word for one in standings} <= {"verified", "recorded"}
    gone = [line for line in tables.gone(kept.rows) if any(word in line for word in SLICE[name])]
    assert not gone


@pytest.mark.parametrize("name", SLICE, ids=[BACKENDS[name].short for name in SLICE])
def test_every_record_is_of_operations_that_are_listed_and_its_script_is_one(name):
    for cause in recorded.load(name):
        compile(cause.script, cause.id, "exec")
        assert "sys.exit(" in cause.script
        assert all(place.operations for place in cause.places)


@pytest.mark.parametrize("name", SLICE, ids=[BACKENDS[name].short for name in SLICE])
def test_every_script_shows_its_cause(name, pytestconfig):
    if pytestconfig.getoption("hypothesis_profile") != "nightly":
        pytest.skip("takes minutes: --hypothesis-profile nightly")
    needs(name)
    version = installed_version(name)
    for cause in recorded.load(name):
        done = subprocess.run([sys.executable, "-c", cause.script], capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr, cause.id
        assert done.returncode == cause.speaks_of(version), cause.id


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_an_angle_below_its_cut_is_not_accused(zero):
    anp = pytest.importorskip("autograd.numpy")
    given = np.array([complex(-2.0, zero)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GradproofWarning)
        report = check_grads(anp.angle, (given,), modes="rev")
    assert report.verdict == ("inconclusive" if np.signbit(zero) else "verified")


@pytest.mark.parametrize("short", ["JX", "PT"])
def test_a_slope_in_half_precision_may_lose_what_a_sum_loses(short):
    calls, count = calls_of(NAMES[short]) if not needs(NAMES[short]) else None, 300
    given = {"PT": lambda: pytest.importorskip("torch").zeros(count), "JX": lambda: np.zeros(count)}[short]()
    x = calls.like(np.linspace(-1.0, 2.0, count), given, "bfloat16")
    assert check_grads(lambda x: x.sum(), (x,), modes="fwd", argnums=0).verdict == "verified"
