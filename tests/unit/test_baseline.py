"""The comparison of two result files: what got worse is found and fails, what is noise does not, and what was not asked
for is told; as text, as Markdown and as an exit status."""

import json
from pathlib import Path
from typing import Any

import pytest

from gradproof.report.rows import job_summary
from gradproof.report.rows.commands import compare_files
from gradproof.report.rows.comparison import FACTOR, Comparison, compare, has_grown
from gradproof.report.rows.results import ResultsError, Row


def row(**changes: Any) -> Row:
    return {
        "function": "f",
        "backend": "stub",
        "device": "cpu",
        "dtype": "float64",
        "mode": "reverse",
        "check": "exact",
        "verdict": "verified",
        "entry": "x[0]",
        "error": 1e-16,
        "bound": 1e-15,
        "ratio": 0.1,
        "ulp": 0.5,
        "input": {"x": ["0x1.8p+0"]},
        "examples": 1,
        "versions": {"stub": "1.0"},
    } | changes


def found(was: Row | None, now: Row | None, *others: Row) -> Comparison:
    return compare([r for r in (was, *others) if r], [r for r in (now, *others) if r])


def test_nothing_changed() -> None:
    result = found(row(), row())
    assert result.worse == [] and result.right == [] and result.told == [] and result.versions == ["stub 1.0"]


def test_it_is_said_how_many_cells_were_compared() -> None:
    others = [row(function=name) for name in "gh"]
    assert found(row(), row(), *others).counted == "0 of 3 cells got worse, 0 better"
    assert found(row(), row(verdict="wrong")).counted == "1 of 1 cell got worse, 0 better"
    # A new cell is compared with nothing; one that is gone was to be.
    assert found(None, row(), *others).counted == "0 of 2 cells got worse, 0 better"
    assert found(row(), None, row(dtype="float32"), row(function="g")).counted == "1 of 3 cells got worse, 0 better"


DTYPE = {"verdict": "wrong", "ratio": None, "error": None, "input": None, "reason": "the value has the dtype float32"}


@pytest.mark.parametrize("fault", ["", "implementation"])
def test_what_fails_for_another_reason_than_before_is_told_and_fails_nothing(fault: str) -> None:
    was = row(**DTYPE, at_fault=fault)
    now = row(verdict="wrong", ratio=9e9, reason="the sign is turned", at_fault=fault)
    result = found(was, now)
    who = "f by its implementation for stub: " if fault else ""
    (line,) = result.told
    assert line == (
        f"f-stub-cpu-float64-reverse, exact: wrong before, wrong now: {who}the sign is turned; "
        "it was: the value has the dtype float32"
    )
    assert result.worse == [] and result.counted.endswith("0 of 1 cell got worse, 0 better, 1 failing in another way")
    assert list(result.brief()) == ["failed before, and fails in another way"]
    assert found(now, was).otherwise and not found(was, was).told
    # Numbers in a reason are by chance; what is recorded fails nobody.
    assert not found(was, was | {"reason": "the value has the dtype float16"}).told
    assert not found(was | {"known": 1}, now | {"known": 1}).told


def test_what_fails_by_more_than_before_is_told() -> None:
    was, now = row(verdict="wrong", ratio=9.0), row(verdict="wrong", **GROWN | {"ratio": 90.0})
    (line,) = found(was, now).told
    assert ": 9 times its bound before, 90 times its bound now" in line
    assert not found(was, was).told and not found(was, now | {"entry": "x[1]"}).told


def test_an_implementation_that_is_newly_wrong_for_two_reasons_is_two_changes() -> None:
    rows = [row(dtype=dtype) for dtype in ("float64", "float32", "float16")]
    bad = [row(**DTYPE | {"reason": f"not {r['dtype']}"}, dtype=r["dtype"], at_fault="implementation") for r in rows]
    bad[0] |= {"ratio": 9e9, "reason": "the sign is turned"}
    first, second = compare(rows, bad).brief()["newly wrong"]
    assert "not float32; in 2 cells" in first and "the sign is turned" in second


@pytest.mark.parametrize("verdict", ["wrong", "imprecise", "unsupported"])
def test_newly_wrong_and_newly_right(verdict: str) -> None:
    bad = row(verdict=verdict, reason="because")
    (line,) = found(row(), bad).wrong
    assert line == f"f-stub-cpu-float64-reverse, exact: verified before, {verdict} now: because"
    (line,) = found(bad, row()).right
    assert line == f"f-stub-cpu-float64-reverse, exact: {verdict} before, verified now"


def by_derivation(**changes: Any) -> Row:
    return row(**{"verdict": "wrong", "reason": "the sign is turned", "at_fault": "derivation"} | changes)


def test_a_wrong_derivation_is_one_change_and_no_backend_s() -> None:
    proof = {"backend": "hand", "dtype": "exact", "check": "hand", "ratio": None}
    near = {"function": "f_near", "variant_of": "f", "reason": "off by more than √u"}
    right = [row(**changes) for changes in ({"dtype": "float32"}, {**near, "reason": ""}, proof)]
    wrong = [by_derivation(**changes) for changes in ({"dtype": "float32"}, near, proof)]
    told = "the hand-derived gradient of f"
    (line,) = compare(right, wrong).brief()["newly wrong"]
    assert line == f"verified before, wrong now: {told}: the sign is turned; in 3 cells, stub-cpu, by hand"
    (line,) = compare(wrong, right).brief()["newly right"]
    assert line == f"wrong before, verified now: {told}; in 3 cells, stub-cpu, by hand"
    (line,) = compare(right[:1], wrong).brief()["new cells"]
    assert line == f"wrong: {told}: the sign is turned; in 2 cells, stub-cpu, by hand"
    assert compare(right, wrong).wrong[2] == f"f, by hand: verified before, wrong now: {told}: the sign is turned"


def test_a_wrong_implementation_is_told_as_one() -> None:
    bad = by_derivation(at_fault="implementation")
    (line,) = found(row(), bad).brief()["newly wrong"]
    assert line.endswith(": verified before, wrong now: f by its implementation for stub: the sign is turned")


GROWN = {"error": 8e-16, "ratio": 0.8, "ulp": 4.0}


def test_an_error_that_grew() -> None:
    result = found(row(), row(**GROWN))
    assert result.worse == result.grown
    assert result.grown == [
        "f-stub-cpu-float64-reverse, exact, x[0]: 0.1 of its bound (0.5 ulp) before, 0.8 of its bound (4 ulp) now"
    ]
    assert found(row(**GROWN), row()).worse == []


@pytest.mark.parametrize(
    ("changes", "grown"),
    [
        ({"error": FACTOR * 1e-16, "ulp": 9.0}, False),  # no more than the factor
        ({"error": 9e-16, "ulp": 1.5}, False),  # no more than an ulp
        ({"error": 9e-16, "ulp": 1.6}, True),
        ({"error": 9e-16, "ulp": None}, True),  # where there is no ulp, as in differences, the factor decides
        ({"error": 0.0, "ulp": 0.0}, False),
    ],
)
def test_what_is_noise(changes: dict[str, Any], grown: bool) -> None:
    assert has_grown(row(), row(**changes)) == grown


def test_errors_at_another_input_are_not_compared() -> None:
    result = found(row(), row(input={"x": ["0x1.0p+0"]}, **GROWN))
    assert result.worse == [] and "not compared: the errors of 1 cell, which" in result.told[0]


def test_an_error_of_a_failing_cell_is_no_growth() -> None:
    assert found(row(verdict="wrong"), row(verdict="wrong", **GROWN)).worse == []


@pytest.mark.parametrize("verdict", ["not run", "inconclusive"])
def test_what_is_not_run_any_more_fails(verdict: str) -> None:
    (line,) = found(row(), row(verdict=verdict, reason="the wheel is broken")).gone
    assert "the wheel is broken" in line
    assert found(row(verdict=verdict), row()).right != []
    assert found(row(verdict=verdict), None, row(function="g")).worse == []


def test_what_has_no_row_any_more_fails_if_it_was_selected() -> None:
    other_place, other_function = row(function="f", dtype="float32"), row(function="g")
    (line,) = found(row(), None, other_place, other_function).gone
    assert line == "f-stub-cpu-float64-reverse, exact: verified before, no row now"
    for others in ([other_place], [other_function]):
        result = found(row(), None, *others)
        assert result.worse == [] and result.told == ["not selected this time: 1 cells of stub-cpu"]


def test_the_run_says_what_was_selected() -> None:
    assert len(compare([row()], [], lambda row: True).gone) == 1
    assert compare([row()], [], lambda row: False).worse == []


def test_other_draws_are_told_in_one_line() -> None:
    was, now = row(seed=0, profile="dev"), row(seed=7, profile="ci")
    result = found(was, now)
    assert result.draws == ["seed 0 before, 7 now; profile dev before, ci now"] and result.worse == []
    assert list(result.brief()) == ["draws"] and next(iter(result.blocks())) == "draws"
    # A file of before they were written says nothing of them.
    assert found(was, was).draws == found(row(), now).draws == []


def test_the_versions_of_both_runs_are_shown() -> None:
    now = row(versions={"stub": "1.1", "python": "3.13"})
    assert found(row(), now).versions == ["python none before, 3.13 now", "stub 1.0 before, 1.1 now"]


def test_a_new_cell_is_told() -> None:
    assert found(None, row()).new == ["f-stub-cpu-float64-reverse, exact: verified"]


def written(path: Path, *rows: Row) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def test_the_command_compares_two_files(tmp_path: Path) -> None:
    before, now = written(tmp_path / "a", row()), written(tmp_path / "b", row(**GROWN, versions={"stub": "2.0"}))
    outcome = compare_files(before, now, tmp_path / "below" / "c.md")
    assert outcome.status == 1
    assert "error grew:\n  f-stub" in outcome.text and "stub 1.0 before, 2.0 now" in outcome.text
    assert "1 cell got worse" in outcome.text
    text = (tmp_path / "below" / "c.md").read_text(encoding="utf-8")
    assert "## Since the baseline" in text and "### Error grew\n\n- f-stub" in text
    assert compare_files(before, before).status == 0
    assert compare_files(before, before).text.endswith("\nno package has another version")
    assert compare_files(now, before).status == 0


def test_what_changed_alike_is_one_line_and_all_of_it_a_screen(tmp_path: Path) -> None:
    names = [{"function": f"f{k}", "dtype": dtype} for k in range(200) for dtype in ("float64", "float32")]
    rows = [row(**name) for name in names]
    wrong = [row(**name, verdict="wrong", reason="the sign is wrong") for name in names[:300]]
    grown = [row(**name, **GROWN) for name in names[300:]]
    result = compare(rows, [*wrong, *grown])
    assert len(result.worse) == 400 and [len(lines) for lines in result.brief().values()] == [1, 1]
    [line] = result.brief()["newly wrong"]
    assert line == "stub-cpu, 300 cells of f0, f1, f2 and 147 more: verified before, wrong now: the sign is wrong"
    [line] = result.brief()["error grew"]
    assert line.startswith("stub-cpu, 100 cells of f150, f151, f152 and 47 more: such as f150-stub-cpu-float64-reverse")
    # Causes of their own are counted where they are too many.
    wrong = [row(**name, verdict="wrong", reason=f"reason {k}") for k, name in enumerate(names)]
    before, now = written(tmp_path / "a", *rows), written(tmp_path / "b", *wrong)
    lines = compare_files(before, now).text.splitlines()
    assert len(lines) <= 40 and "  and 394 more" in lines
    assert lines[0] == "400 of 400 cells got worse, 0 better; every cell: --markdown FILE"
    compare_files(before, now, tmp_path / "c.md")
    assert (tmp_path / "c.md").read_text(encoding="utf-8").count("wrong now") == 400


def test_two_files_of_which_nothing_can_be_compared(tmp_path: Path) -> None:
    one, other = written(tmp_path / "a", row()), written(tmp_path / "b", row(function="g"))
    with pytest.raises(ResultsError, match="have no cell in common"):
        compare_files(one, other)
    with pytest.raises(ResultsError, match="is empty"):
        compare_files(one, written(tmp_path / "c"))


def test_the_job_summary_has_a_place_for_it() -> None:
    result = found(row(), row(verdict="wrong", ratio="inf", reason="a | b"))
    text = job_summary.summary([row()], [], [], result)
    assert "### Newly wrong\n\n- f-stub-cpu-float64-reverse, exact: verified before, wrong now: a \\| b" in text
    assert "Since the baseline" not in job_summary.summary([row()], [], [])
