"""Merging: no row is lost, none is there twice, two files that contradict one another are told, and what was expected
but is missing is named."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from gradproof.backends.daily import is_daily
from gradproof.registry import load, load_builtin
from gradproof.report.closing.screen import Closing
from gradproof.report.page.model import Cell
from gradproof.report.rows import job_summary
from gradproof.report.rows.commands import merge_files
from gradproof.report.rows.merge import Merged, identity, merge, results_files, unmet
from gradproof.report.rows.results import ResultsError, Row, read

REGISTRY = load_builtin()
DTYPES = ("float64", "float32", "complex128", "complex64")
NAMES = [function.name for function in REGISTRY if not function.is_complex]


def row(**changes: Any) -> Row:
    return {
        "function": "f",
        "backend": "torch",
        "device": "cpu",
        "dtype": "float32",
        "mode": "reverse",
        "check": "exact",
        "verdict": "verified",
        "ratio": 0.5,
        "error": 1e-9,
        "examples": 20,
        "seconds": 1.0,
        "versions": {"torch": "2.0"},
    } | changes


def written(path: Path, rows: list[Row]) -> Path:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def everything(backend: str = "torch", **changes: Any) -> list[Row]:
    """Every cell that a default run has of one backend."""
    return [
        row(function=f.name, dtype=dtype, backend=backend, **changes)
        for f in REGISTRY
        for dtype in (DTYPES[2:] if f.is_complex else DTYPES[:2])
    ]


# Neither loss nor duplicate


def test_shards_that_overlap_make_one_row_per_cell_whatever_their_order(tmp_path: Path) -> None:
    rows = [row(function=f"f{i}", ratio=i / 100) for i in range(40)]
    shards = [rows[:20], rows[10:30], [r | {"seconds": 9.0, "spent": {"search": 1.0}} for r in rows[25:]]]
    paths = [written(tmp_path / f"host.{i}.jsonl", shard) for i, shard in enumerate(shards)]
    for _ in range(5):
        random.shuffle(paths)
        merged = merge(paths)
        assert [r["function"] for r in merged.rows] == sorted(r["function"] for r in rows)
        assert (merged.duplicates, merged.conflicts) == (15, [])
        assert len(merged.jobs["host"]) == 55


DIFFERENT = [{k: "other"} for k in ("function", "backend", "device", "dtype", "mode", "check")]


@pytest.mark.parametrize(
    "change", [*DIFFERENT, {"tf32": True}, {"versions": {"torch": "2.1"}}], ids=lambda change: next(iter(change))
)
def test_what_differs_in_a_name_or_a_version_is_another_cell(change: Row) -> None:
    merged = Merged()
    merged.add(Path("a.jsonl"), [row(), row(**change)])
    assert (len(merged.rows), merged.duplicates, merged.conflicts) == (2, 0, [])
    assert identity(row()) == identity(row(tf32=False))


@pytest.mark.parametrize("worse", [{"verdict": "wrong", "ratio": 9.0}, {"ratio": 0.7}, {"ratio": "nan"}], ids=str)
def test_of_two_findings_the_worse_is_kept_and_told(tmp_path: Path, worse: Row) -> None:
    paths = [written(tmp_path / "here.jsonl", [row()]), written(tmp_path / "there.jsonl", [row(**worse)])]
    for order in (paths, paths[::-1]):
        merged = merge(order)
        assert merged.rows == [row(**worse)]
        if "verdict" not in worse:
            # Two seeds find other numbers, which contradicts nobody.
            assert (merged.others, merged.conflicts) == (1, [])
            continue
        (line,) = merged.conflicts
        first, second = ("verified (0.5 of its bound)", "wrong (9 times its bound)")[:: 1 if order == paths else -1]
        assert line == (
            f"f-torch-cpu-float32-reverse, exact: {first} in {order[0]}, {second} in {order[1]}; the worse is kept"
        )


def test_errors_that_differ_in_what_their_processes_count_are_one_finding() -> None:
    texts = ("no kernel for Det_31 at 0x7f3a", "no kernel for Det_4 at 0x10", "no memory for Det_4 at 0x10")
    here, there, elsewhere = (row(verdict="unsupported", reason=text) for text in texts)
    merged = Merged()
    merged.add(Path("a.jsonl"), [here, there])
    assert (len(merged.rows), merged.duplicates, merged.conflicts) == (1, 1, [])
    merged.add(Path("b.jsonl"), [elsewhere])
    assert len(merged.conflicts) == 1


def test_wrong_answers_of_two_shapes_are_two_findings() -> None:
    shapes = [row(verdict="wrong", reason=f"the value has the shape ({n},), not ()") for n in (2, 3)]
    merged = Merged()
    merged.add(Path("a.jsonl"), shapes)
    assert len(merged.conflicts) == 1


BAD_FILES = {
    "empty": ("", "is empty"),
    "cut off": (f'{json.dumps(row())}\n{{"function": "h", "verd', "is cut off in line 2"),
    "cut off in its first line": (json.dumps(row())[:40], "line 1 is no result row"),
    "no JSON": ("hello\n", "line 1 is no result row"),
    "no row": ("[1, 2]\n", "line 1 is no result row"),
    "another verdict": (json.dumps(row(verdict="right")) + "\n", "'right' is not a valid Verdict"),
    "no versions": (json.dumps(row(versions=None)) + "\n", "line 1 is no result row"),
    "not a number": (json.dumps(row(ratio=float("nan"))) + "\n", "NaN is no JSON"),
}


@pytest.mark.parametrize(("text", "problem"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_no_results_file_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "bad.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(ResultsError, match=f"bad.jsonl.*{problem}"):
        read(tmp_path / "bad.jsonl")
    assert merge([tmp_path / "bad.jsonl"]).unusable


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_bytes(b"\x80\x81")
    with pytest.raises(ResultsError, match="is no text"):
        read(tmp_path / "bad.jsonl")


def test_a_folder_stands_for_its_files(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    paths = [written(tmp_path / "below" / "b.jsonl", []), written(tmp_path / "a.jsonl", [])]
    assert results_files([tmp_path, tmp_path / "a.jsonl"]) == sorted(paths)


# What is expected


def missing(rows: list[Row], *expected: str) -> list[str]:
    merged = Merged()
    merged.add(Path("one-job.1.jsonl"), rows)
    return unmet(merged, expected, REGISTRY)


def test_what_is_there_is_not_missed() -> None:
    assert missing(everything(), "torch-cpu", "one-job") == []


def test_what_the_default_run_leaves_to_the_night_is_not_missed() -> None:
    functions = {function.name: function for function in REGISTRY}
    daily = [r for r in everything() if is_daily(functions[r["function"]], "torch", r["dtype"], "reverse", large=True)]
    assert len(daily) < len(everything())
    assert missing(daily, "torch-cpu") == []
    kept, gone = daily[:-1], daily[-1]
    assert missing(kept, "torch-cpu") == [f"torch-cpu-{gone['dtype']}: 1 cell has no row: {gone['function']}"]


@pytest.mark.parametrize("verdict", ["not run", "unsupported", "wrong", "inconclusive"])
def test_a_job_that_verified_nothing_is_named_with_its_reasons(verdict: str) -> None:
    rows = everything(verdict=verdict, reason="the wheel is broken")
    lines = missing(rows, "torch-cpu", "one-job")
    assert lines == [
        f"{name}: verified nothing: the wheel is broken"
        for name in (*(f"torch-cpu-{dtype}" for dtype in DTYPES), "one-job")
    ]


def test_a_device_of_which_there_is_no_row_is_named() -> None:
    assert missing(everything(), "torch-gpu") == ["torch-gpu: no row of it is in any file"]


def test_a_job_that_left_no_file_is_named() -> None:
    assert missing([], "oldest") == ["oldest: no results file oldest.jsonl is among those given"]


def test_a_single_cell_that_is_missing_is_named() -> None:
    rows = everything()
    gone = rows.pop(next(k for k, r in enumerate(rows) if r["function"] == REGISTRY[0].name))
    assert missing(rows, "torch-cpu") == [f"torch-cpu-{gone['dtype']}: 1 cell has no row: {gone['function']}"]


def test_functions_of_ones_own_are_not_missed_among_the_built_in_ones() -> None:
    rows = [row | {"function": "mine"} for row in everything()[:3]]
    [told] = missing(rows, "torch-cpu")
    assert told.startswith("torch-cpu: its functions are others than are expected, mine. ") and "--functions" in told


def test_a_dtype_that_is_missing_is_named() -> None:
    rows = [r for r in everything() if r["dtype"] != "float32"]
    assert missing(rows, "torch-cpu") == ["torch-cpu-float32: verified nothing"]


# The command


def test_the_command_writes_both_files_and_fails_for_what_is_missing(tmp_path: Path) -> None:
    paths, out = [written(tmp_path / "torch-cpu.jsonl", everything())], tmp_path / "out"
    files = {"output": out / "all.jsonl", "summary": out / "all.md"}
    assert merge_files(paths, REGISTRY, expect=["torch-cpu"], **files).status == 0
    assert len(read(out / "all.jsonl")) == 2 * len(REGISTRY)
    assert "| all agree |" in (out / "all.md").read_text(encoding="utf-8")
    outcome = merge_files(paths, REGISTRY, expect=["torch-cpu", "jax-gpu"], **files)
    assert outcome.status == 1
    assert outcome.problems == ["missing: jax-gpu: no row of it is in any file"]
    assert "jax-gpu: no row" in (out / "all.md").read_text(encoding="utf-8")


def test_what_the_files_were_made_with_is_told_where_it_differs(tmp_path: Path) -> None:
    given = (
        {"seed": 0, "profile": "dev"},
        {"seed": 7, "profile": "dev", "ratio": 0.75},
        {"versions": {"torch": "2.1"}},
    )
    paths = [written(tmp_path / f"{i}.jsonl", [row(**made)]) for i, made in enumerate(given)]
    told = " ".join(merge_files(paths[:2], REGISTRY).text.split())
    assert told.startswith("1 cell from 2 files; 1 with other numbers and the same verdict: the worst are kept; no con")
    assert told.endswith(f"the files differ in: seed 0 in {paths[0]}; 7 in {paths[1]}")
    assert f"torch 2.0 in {paths[0]}, {paths[1]}; 2.1 in {paths[2]}" in " ".join(
        merge_files(paths, REGISTRY).text.split()
    )
    assert "differ" not in merge_files(paths[:1], REGISTRY).text
    # The row of another backend does not say what this one runs beside.
    beside = [row(versions={"torch": f"2.0{more}"}, function=f"f{more}") for more in ("", " (CUDA 13)")]
    assert "differ" not in merge_files([written(tmp_path / "beside.jsonl", beside)], REGISTRY).text
    # The worse of the two is kept, whichever seed it has, and its file is named where a third contradicts it.
    third = written(tmp_path / "3.jsonl", [row(verdict="wrong", ratio=9.0, reason="the sign")])
    told = merge_files([*paths[:2], third], REGISTRY).text
    assert f"verified (0.75 of its bound) in {paths[1]}, wrong (9 times its bound, the sign)" in " ".join(told.split())


def test_of_many_contradictions_a_screen_is_told_and_all_are_written(tmp_path: Path) -> None:
    names = [f"f{k}" for k in range(50)]
    paths = [
        written(tmp_path / f"{verdict}.jsonl", [row(function=name, verdict=verdict) for name in names])
        for verdict in ("verified", "wrong")
    ]
    lines = merge_files(paths, REGISTRY, summary=tmp_path / "all.md").text.splitlines()
    assert "50 contradictions" in lines[0] and lines[-1] == "and 30 more: --summary FILE has every one"
    assert (tmp_path / "all.md").read_text(encoding="utf-8").count("the worse is kept") == 50


def test_what_is_only_told_fails_nothing(tmp_path: Path) -> None:
    outcome = merge_files([written(tmp_path / "a.jsonl", [row()])], REGISTRY, tell=["jax-gpu"])
    assert (outcome.status, len(outcome.problems)) == (0, 1)


def test_the_functions_of_a_user_are_what_is_expected(tmp_path: Path) -> None:
    source = "from gradproof import Reals, function\n\n@function(x=Reals())\ndef mine(xp, x):\n    return x\n"
    (tmp_path / "mine.py").write_text(source, encoding="utf-8")
    results = [written(tmp_path / "r.jsonl", [row(function="mine", dtype=d) for d in ("float64", "float32")])]
    assert merge_files(results, load([tmp_path / "mine.py"]), expect=["torch-cpu"]).status == 0
    assert merge_files(results, REGISTRY, expect=["torch-cpu"]).status == 1


def test_a_file_that_cannot_be_used_costs_no_other_its_rows_and_fails(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("", encoding="utf-8")
    written(tmp_path / "good.jsonl", [row()])
    outcome = merge_files([tmp_path], REGISTRY, output=tmp_path / "out.json", summary=tmp_path / "out.md")
    assert outcome.status == 2 and "bad.jsonl is empty" in outcome.problems[0]
    assert len(read(tmp_path / "out.json")) == 1
    assert "bad.jsonl is empty" in (tmp_path / "out.md").read_text(encoding="utf-8")
    with pytest.raises(ResultsError, match=r"bad.jsonl is empty"):
        merge_files([tmp_path / "bad.jsonl"], REGISTRY)


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"there is no .jsonl file in"):
        merge_files([tmp_path], REGISTRY)


def test_a_merged_file_that_got_worse_than_the_baseline_fails(tmp_path: Path) -> None:
    before = written(tmp_path / "before.jsonl", [row()])
    now = written(tmp_path / "now.jsonl", [row(verdict="wrong")])
    assert merge_files([before], REGISTRY, baseline=before).status == 0
    outcome = merge_files([now], REGISTRY, baseline=before)
    assert outcome.status == 1 and outcome.problems[0].startswith("worse than the baseline: f-torch")


def test_a_file_that_is_not_there_or_cannot_be_read_costs_no_other_its_rows(tmp_path: Path) -> None:
    good = written(tmp_path / "good.jsonl", [row()])
    (tmp_path / "folder.jsonl").mkdir()
    outcome = merge_files([tmp_path / "absent.jsonl", good, tmp_path], REGISTRY)
    assert outcome.status == 2 and outcome.text.startswith("1 cell from 1 file")
    absent, folder = outcome.problems
    assert absent == f"unusable: there is no results file or folder {tmp_path / 'absent.jsonl'}"
    assert folder.startswith(f"unusable: {tmp_path / 'folder.jsonl'} is a folder")


# Whose code is wrong


def by_a_derivation() -> list[Row]:
    """The rows of a wrong derivation: its own, that of a backend which runs it, and one of a backend that does not."""
    wrong = {"verdict": "wrong", "ratio": 9e9, "reason": "x: the sign is turned", "at_fault": "derivation"}
    own = {"backend": "hand", "dtype": "exact", "check": "hand", "ratio": None}
    return [
        row(**wrong | own),
        row(**wrong | {"backend": "numpy", "reason": "off by more than √u", "function": "f_near", "variant_of": "f"}),
        row(ratio=0.25),
    ]


RIGHT = [row(backend="hand", dtype="exact", check="hand", ratio=None)]
RIGHT += [row(backend="numpy", function="f_near", variant_of="f"), row()]


def test_a_wrong_derivation_is_told_as_one_and_no_backend_accused(tmp_path: Path) -> None:
    paths = [written(tmp_path / "a.jsonl", RIGHT), written(tmp_path / "b.jsonl", by_a_derivation())]
    outcome = merge_files(paths, REGISTRY, summary=tmp_path / "all.md")
    told = " ".join(outcome.text.split())
    assert "1 with other numbers and the same verdict: the worst are kept; 2 contradictions" in told
    assert "numbers move with a derivation that is wrong in one of the files: f what fails: the hand-derived" in told
    assert "the hand-derived gradient of f, 2 cells: wrong: x: the sign is turned conflict: f, by hand: " in told
    assert f"verified in {paths[0]}, wrong (the hand-derived gradient of f: x: the sign" in told
    assert told.count("conflict:") == 1 and told.endswith("the worse is kept (and 1 more of that)")
    assert "-cpu" not in told and "times its bound" not in told
    text = (tmp_path / "all.md").read_text(encoding="utf-8")
    assert "- the hand-derived gradient of f: x: the sign is turned\n" in text
    assert "| f_near | wrong, by its own derivation | no row | no: its hand-derived gradient |" in text


def test_an_implementation_is_told_as_one(tmp_path: Path) -> None:
    bad = row(verdict="wrong", ratio=9.0, reason="it is 0", at_fault="implementation")
    told = " ".join(merge_files([written(tmp_path / "a.jsonl", [bad])], REGISTRY).text.split())
    assert told.endswith("what fails: f by its implementation for torch, 1 cell: wrong: it is 0")
    assert "| f | wrong, by its own implementation | no: torch-cpu |" in job_summary.summary([bad], [], [])


def test_what_fails_on_a_backend_is_told_of_it_and_what_could_not_be_run_by_its_reason(tmp_path: Path) -> None:
    rows = [row(verdict="wrong", reason="why"), row(function="g", verdict="imprecise"), row(function="h", known=1)]
    rows += [row(function="k", dtype=d, verdict="not run", ratio=None, fails=True, reason="no xp.sinn") for d in "ab"]
    page = tmp_path / "all.md"
    told = " ".join(merge_files([written(tmp_path / "a.jsonl", rows)], REGISTRY, summary=page).text.split())
    not_run, why = "not run, 2 cells: no xp.sinn", "torch-cpu, 1 cell of f: wrong: why"
    assert told.endswith(f"what fails: {not_run} {why} torch-cpu, 1 cell of g: imprecise")
    # The summary counts four that fail, and names as many.
    text = page.read_text(encoding="utf-8")
    assert "5 cells; 4 fail," in text and "## What could not be run, and fails\n\n- 2 cells: no xp.sinn\n" in text


FAILURES = [
    row(verdict="wrong", ratio=None, reason="the value has the dtype float64, not float16", dtype="float16"),
    row(verdict="wrong", ratio=None, reason="the value has the dtype float64, not float32", dtype="float32"),
    row(verdict="imprecise", ratio=3.0, reason="off by 3 units", dtype="bfloat16"),
    row(verdict="wrong", ratio=5e11, reason="x[2]: 1.001 times what is right", dtype="float64"),
]


@pytest.mark.parametrize("fault", ["implementation", ""])
def test_an_old_failure_hides_no_new_one_and_the_gravest_stands_first(tmp_path: Path, fault: str) -> None:
    for rows in (FAILURES, FAILURES[::-1]):
        paths = [written(tmp_path / "a.jsonl", [one | {"at_fault": fault} for one in rows])]
        told = " ".join(merge_files(paths, REGISTRY, summary=tmp_path / "all.md").text.split())
        who, of = ("f by its implementation for torch", "") if fault else ("torch-cpu", " of f")
        assert told.endswith(
            f"what fails: {who}, 1 cell{of}: wrong: x[2]: 1.001 times what is right "
            f"{who}, 2 cells{of}: wrong, such as: the value has the dtype float64, not float16 "
            f"{who}, 1 cell{of}: imprecise: off by 3 units"
        )
        text = (tmp_path / "all.md").read_text(encoding="utf-8")
        places = [text.index(part) for part in ("1.001 times", "not float16", "off by 3 units")]
        assert places == sorted(places)


def test_of_many_causes_a_screen_is_told_and_all_are_written(tmp_path: Path) -> None:
    rows = [row(function=name, verdict="wrong", reason=f"the argument {name}") for name in "abcdefghijklmnopqrstuvwxyz"]
    lines = merge_files([written(tmp_path / "a.jsonl", rows)], REGISTRY, summary=tmp_path / "all.md").text.splitlines()
    assert lines[-1] == "  and 6 more: --summary FILE has every one"
    assert (tmp_path / "all.md").read_text(encoding="utf-8").count("the argument") == 26


# The tables


def test_own_differences_have_no_part_in_the_largest_error() -> None:
    """As on the closing screen and on the page: their bound is an estimate."""
    rows = [row(ratio=0.25), row(check="differences", ratio=0.75), row(check="traced", mode="forward", ratio=0.5)]
    assert "| f | 0.5 | yes |" in job_summary.summary(rows, [], [])
    assert Cell(rows).ratio == 0.5
    screen = "\n".join(Closing([r | {"entry": "x"} for r in rows]).lines())
    assert "0.5 f x" in screen and "0.75" not in screen


def test_the_table_says_who_disagrees() -> None:
    rows = [
        row(backend="a", versions={"a": "1"}),
        row(backend="b", verdict="wrong", ratio=1e9),
        row(backend="c", verdict="wrong", known=3),
        row(function="g", backend="a", verdict="convention", ratio=None, versions={"a": "1"}),
        row(function="g", backend="b", verdict="not run", ratio=None),
        row(function="h", backend="a", versions={"a": "1"}),
        row(function="h", backend="b", check="differences", verdict="inconclusive", ratio=7.0),
        row(function="h", backend="b"),
        row(function="h", backend="c"),
    ]
    text = job_summary.summary(rows, [], [])
    assert "| function | a-cpu | b-cpu | c-cpu | all agree |" in text
    assert "| f | 0.5 | wrong 1e+09 | wrong, recorded | no: b-cpu, c-cpu |" in text
    assert "| g | convention | not run | no row | yes, the 1 that ran |" in text
    assert "| h | 0.5 | 0.5 | 0.5 | yes |" in text
    assert "| a-cpu | float32 | reverse | exact | 1 | 60 | 2 | 1 |" in text
    assert text.startswith("# Gradients\n\n9 cells; 1 fail,")


def test_what_did_not_run_stands_with_what_did() -> None:
    """It has no version, and makes no second line of one dtype, mode and check; of two versions it is neither's."""
    ran, idle = row(), row(function="g", verdict="not run", ratio=None, examples=0, versions={})
    lines = [line for line in job_summary.summary([ran, idle], [], []).splitlines() if "| float32 |" in line]
    assert lines == ["| torch-cpu | float32 | reverse | exact | 2.0 | 20 | 1 | · | · | · | · | · | 1 |"]
    other = row(versions={"torch": "2.1"})
    lines = [line for line in job_summary.summary([ran, other, idle], [], []).splitlines() if "| float32 |" in line]
    assert [line.split(" | ")[4] for line in lines] == ["", "2.0", "2.1"]


def test_lines_of_others_do_not_break_the_tables() -> None:
    text = job_summary.summary([row(versions={"torch": "1|2"})], [], ["torch-cpu: it\nraised | this"])
    assert "- torch-cpu: it raised \\| this" in text
    assert "| 1\\|2 |" in text
