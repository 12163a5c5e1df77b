"""A soundness campaign: what fails is an alarm, whatever ends it costs one row, its tables count what its rows say."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gradproof.cli import app
from gradproof.report.tables.campaign import closing
from gradproof.verification import campaign

CUBE = """
from gradproof import Reals, function

@function(x=Reals(low=-8.0, high=8.0), points=[dict(x=1.5)])
def cube(xp, x):
    return x * x * x

@cube.gradient
def _(xp, x):
    return 3 * x * x
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of somebody's own, with a file of functions in it."""
    (tmp_path / "mine.py").write_text(CUBE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*options: str, inputs: int = 0) -> Result:
    usual = ("--functions", "mine.py", "--state", "state", "--backend", "numpy", "--draws", "8")
    return CliRunner().invoke(app, ("campaign", *usual, "--inputs", str(inputs), *options), prog_name="gradproof")


def rows(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "state" / "rows.jsonl").read_text(encoding="utf-8").splitlines()]


def test_it_judges_as_many_seeds_as_it_is_asked_for_and_goes_on_where_it_was(folder: Path) -> None:
    done = run("--seeds", "1", "--first-seed", "5")
    assert done.exit_code == 0, done.output
    assert "none" in done.stdout.partition("alarms:")[2]
    again = run("--seeds", "3")
    assert again.exit_code == 0, again.output
    assert [row["seed"] for row in rows(folder)] == [5, 6, 7]
    assert all(row["judged"] > 0 for row in rows(folder))
    assert len({json.dumps(row["cells"]) for row in rows(folder)}) == 3, "each seed has draws of its own"


def test_it_goes_on_until_so_many_inputs_have_been_judged(folder: Path) -> None:
    run("--seeds", "1", inputs=40)
    judged = [row["judged"] for row in rows(folder)]
    assert sum(judged) >= 40 > sum(judged[:-1])


def test_a_seed_that_nobody_named_is_kept_for_the_next_run(folder: Path) -> None:
    run("--seeds", "1")
    run("--seeds", "1")
    assert len(rows(folder)) == 1
    assert json.loads((folder / "state" / "campaign.json").read_text())["seeds"] == [rows(folder)[0]["seed"]]


def test_a_wrong_gradient_is_an_alarm_that_stands_until_it_is_mended(folder: Path) -> None:
    (folder / "mine.py").write_text(CUBE.replace("3 * x * x", "3.001 * x * x"), encoding="utf-8")
    done = run("--seeds", "1")
    assert done.exit_code == 1
    assert "cube: wrong" in done.stdout
    assert "ours: NumPy runs the derivation itself" in done.stdout
    assert 0 < len(rows(folder)[0]["alarms"]) <= 3 * campaign.ALARMS_KEPT
    stands = run("--recheck")
    assert stands.exit_code == 1
    assert "ALARM cube-numpy-cpu-float64-reverse: was wrong, is wrong" in stands.stdout


def test_what_was_mended_is_no_alarm_any_more(folder: Path) -> None:
    (folder / "mine.py").write_text(CUBE.replace("3 * x * x", "3.001 * x * x"), encoding="utf-8")
    run("--seeds", "1")
    (folder / "mine.py").write_text(CUBE, encoding="utf-8")
    mended = run("--recheck")
    assert mended.exit_code == 0, mended.output
    assert "\n0 of " in mended.stdout


def test_a_process_that_is_ended_within_a_line_loses_that_row_alone(folder: Path) -> None:
    run("--seeds", "2", "--first-seed", "1")
    path = folder / "state" / "rows.jsonl"
    before = rows(folder)
    path.write_text(path.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    run("--seeds", "2")
    assert [(row["seed"], row["cells"]) for row in rows(folder)] == [(row["seed"], row["cells"]) for row in before]


def test_whoever_ends_it_gets_its_tables_and_accuses_nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("--seeds", "1", "--first-seed", "1")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(campaign, "Examiner", interrupted)
    done = run("--seeds", "2")
    assert done.exit_code == 0, done.output
    assert "inputs judged, by seed:" in done.stdout
    assert len(rows(folder)) == 1
    assert not (folder / "state" / "at_hand.json").exists()


def test_what_has_taken_the_process_down_twice_is_left_out_as_an_alarm(folder: Path) -> None:
    run("--seeds", "1", "--first-seed", "1")
    (folder / "state" / "at_hand.json").write_text(json.dumps({"name": "2 cube numpy", "ended": 2}), encoding="utf-8")
    done = run("--seeds", "2")
    assert done.exit_code == 1
    assert "the process has ended here 2 times" in done.stdout
    assert "3 cube" not in done.stdout


def test_what_takes_too_long_is_an_alarm_and_costs_its_own_cell(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "mine.py").write_text(CUBE.replace("3 * x * x", "[0 for _ in iter(int, 1)]"), encoding="utf-8")
    monkeypatch.setattr(campaign, "HUNG_SECONDS", 0.5)
    done = run("--seeds", "1", "--dtype", "float64")
    assert done.exit_code == 1
    assert "Hung: no answer within 0.5 s" in done.stdout


def test_a_folder_holds_one_campaign(folder: Path) -> None:
    run("--seeds", "1")
    other = run("--seeds", "1", "--dtype", "float32")
    assert other.exit_code == 2
    assert "state holds a campaign with dtypes []" in other.stderr


def test_two_processes_do_not_write_one_folder(folder: Path) -> None:
    with campaign.State.opened(folder / "state", campaign.Selection()):
        other = run("--seeds", "1")
    assert other.exit_code == 2
    assert "another process is at work in state" in other.stderr


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--backend", "nympy"), "Did you mean numpy?"),
        (("--dtype", "flaot32"), "Did you mean float32?"),
        (("-k", "and and"), "is no expression of words"),
        (("-k", "nothing_has_this_name"), "nothing is selected"),
    ],
    ids=["a backend", "a dtype", "no expression", "no cell"],
)
def test_what_cannot_be_selected_is_told_in_one_line(option: tuple[str, str], message: str) -> None:
    done = run(*option)
    assert done.exit_code == 2
    assert message in done.stderr


def test_words_select_as_verify_does() -> None:
    selects = campaign.matcher("cube and not (float16 or JAX)")
    assert selects("cube-numpy-cpu-float32-reverse")
    assert not selects("cube-jax-cpu-float32-reverse")
    assert not selects("cube-numpy-cpu-float16-reverse")


def test_without_names_every_dtype_is_tried_in_the_quick_mode_and_the_others_in_the_widest(folder: Path) -> None:
    from gradproof import registry

    (cube,) = registry.load([folder / "mine.py"])
    cells = campaign.Selection().cells(cube, "torch")
    assert {cell.dtype for cell in cells if cell.mode == "reverse"} == {"float64", "float32", "float16", "bfloat16"}
    assert {cell.dtype for cell in cells if cell.mode != "reverse"} == {"float64"}
    assert "compiled" not in {cell.mode for cell in cells}
    quick = campaign.Selection(modes=(campaign.QUICK,))
    assert {cell.mode for cell in quick.cells(cube, "jax")} == {"compiled"}
    assert len(quick.cells(cube, "torch")) == 4
    named = campaign.Selection(modes=("compiled", "forward"), dtypes=("float32",)).cells(cube, "torch")
    assert [(cell.dtype, cell.mode) for cell in named] == [("float32", "forward"), ("float32", "compiled")]


def test_the_tables_say_how_errors_lie_in_their_bounds() -> None:
    cell = {"ratios": [0.0, 0.002, 0.02, 0.2, 0.7], "recorded": 2, "apart": {"a kink": 3}, "alarming": 0}
    row = {"seed": 1, "function": "f", "backend": "numpy", "judged": 7, "cells": {"float64-reverse": cell}}
    text = closing([row | {"alarms": [], "seconds": 2.0, "spent": {"backend": 0.5}}], [1])
    (line,) = (line for line in text.splitlines() if "numpy-float64" in line)
    words = line.split()
    assert words[:2] == ["numpy-float64", "5"]
    assert words[2:10] == ["20.0%", ".", ".", ".", "20.0%", "20.0%", "40.0%", "."]
    assert words[10] == "0.02"
    assert words[14:] == ["0.7", "40.0000%", "20.0000%", "."]
    assert "3  a kink (numpy 3)" in text
    assert "backend 0, the rest 2" in text or "the rest 2, backend 0" in text
