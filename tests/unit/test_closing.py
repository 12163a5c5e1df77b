"""What a run closes with fits a screen, whatever it found: the sentence first, then what fails, and what is left out is
counted; and what GitHub is told."""

import io
import math
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

from gradproof.oracles.verdict import Entry
from gradproof.registry.loading import NO_FUNCTION
from gradproof.report.closing.failure import _entry_lines
from gradproof.report.closing.failures import Failed, by_cause, the_same
from gradproof.report.closing.screen import WIDTH, Closing
from gradproof.report.rows.results import Row
from gradproof.report.text import shell_lines
from gradproof.verification import github
from gradproof.verification.progress import Progress

BACKENDS = ("autograd", "jax", "numpy", "tensorflow", "torch")


def row(**changes: object) -> Row:
    names = {"function": "f", "backend": "jax", "device": "cpu", "dtype": "float64", "mode": "reverse"}
    numbers = {"ratio": 0.5, "entry": "x[1]", "examples": 3, "spent": {"backend": 1.0}, "caught": {}}
    return names | numbers | {"check": "exact", "verdict": "verified", "test": "t"} | changes


def known(cause: str, kind: str = "defect", **changes: object) -> Row:
    return row(verdict="wrong", known=1, cause=cause, kind=kind, ratio=9.0, beside={"ratio": 0.25}, **changes)


def failed(function: str, mode: str = "reverse", where: str = "/w/mine.py:7") -> Failed:
    bad = row(function=function, mode=mode, verdict="wrong", ratio=9e9, reason="off by more than √u")
    return Failed(f"{function}-{mode}", bad, f"WRONG: {function}\n  reason      off, 100 %", function, where, function)


def large() -> Closing:
    """What a run of many functions closes with, in which everything happens at once."""
    many = [row(function=f"f{k}", backend=backend) for k in range(300) for backend in BACKENDS]
    many += [row(function=f"f{k}", backend="hand", check="hand") for k in range(300)]
    many += [known(f"cause-{k}", function=f"g{k}_of_a_long_name", backend=BACKENDS[k % 5]) for k in range(60)]
    many += [row(function=f"h{k}", verdict="not run", ratio=None, reason=f"reason {k}") for k in range(20)]
    many += [row(function="weak", caught={"x": 0.5})]
    bad = [failed(f"bad{k}", mode) for k in range(20) for mode in ("reverse", "forward")]
    changes = {"versions": ["jax 1 before, 2 now"], "newly wrong": [f"line {k}" for k in range(9)]}
    return Closing(
        [*many, *(one.row for one in bad)],
        by_cause(bad),
        changes,
        ["--require numpy-gpu: nothing was verified on it"],
        seconds=100.0,
        workers=2,
        kept="rows.jsonl",
    )


def flat(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def test_everything_at_once_fits_a_screen() -> None:
    lines = large().lines()
    # Twelve lines more than where nothing fails: a failure and where else it shows.
    assert len(lines) <= 70 and max(map(len, lines)) <= WIDTH
    assert lines[0].startswith("20 of 401 functions fail, which nobody has recorded: bad0, bad1")
    assert "1921 tests on 5 backends: 40 failed, 1861 passed, 20 skipped." in flat(lines)
    assert any(line.startswith("WRONG  bad0 on jax-cpu: off by more than √u") for line in lines[:6])
    assert "       and 14 more" in lines


def test_a_green_run_is_about_forty_lines() -> None:
    found = large()
    green = [r for r in found.rows if r["verdict"] != "wrong" or r.get("known")]
    lines = Closing(green, seconds=10.0).lines()
    assert len(lines) <= 40
    assert lines[0].startswith(
        "Every gradient that was judged is right or deviates as recorded (60 causes): 381 functions"
    )
    told = "\n".join(lines)
    assert "jax-cpu         301 of 381  12        ·     68" in told
    assert "recorded, 60 causes (60 defect); the gravest:" in told and told.count("cause-") == 10
    assert "none of their tests was selected: 81 by hand, 69 on autograd-cpu, 48 on jax-cpu" in told
    assert "and 17 more" in told
    assert "1 test (float64) passed, and would miss an error of 1% at the worst input" in told


def test_a_gradient_that_is_lost_at_a_draw_is_told_with_its_input() -> None:
    lost = row(function="elu", backend="jax") | {"lost": {"x": "0x1.f4p+9"}}
    told = " ".join(Closing([row(), lost]).lines())
    assert "1 test drew an input at which the gradient is NaN or infinite" in told
    assert "elu (jax, float64), x = 1000.0" in told
    assert "NaN or infinite" not in " ".join(Closing([row()]).lines())


def test_a_lost_input_is_told_so_that_it_can_be_named() -> None:
    """In digits that Python reads, with its closing bracket; of a large one, where the whole of it is."""
    lost = row(function="elu") | {"lost": {"x": ["-0x1.5af1d80000000p+66", "0x1.999999999999ap-4"]}}
    assert "x = [-1.0000000200408773e+20, 0.1]" in flat(Closing([lost]).lines())
    lost["lost"] = {"x": ["-0x1.5af1d80000000p+66"] * 40}
    assert flat(Closing([lost], kept="r.jsonl").lines()).count("… (whole in its row of --results)") == 1


@pytest.mark.parametrize("brief", [False, True])
def test_where_nothing_was_verified_is_said_in_the_first_sentence(brief: bool) -> None:
    """A backend that cannot be imported: that what was judged is right is said of the derivation alone."""
    by_hand = row(backend="hand", check="hand", dtype="exact")
    idle = [row(backend="tensorflow", dtype=dtype, verdict="not run", ratio=None) for dtype in ("float64", "float32")]
    told = flat(Closing([by_hand, *idle]).lines(brief=brief))
    assert "3 tests on 1 backend: 1 passed, 2 skipped; nothing was verified on tensorflow-cpu." in told
    assert "nothing was verified on tensorflow-cpu" in flat(Closing([row(), *idle]).lines(brief=brief))
    assert "nothing was verified" not in flat(Closing([row(), row(backend="tensorflow"), *idle]).lines(brief=brief))


def test_two_causes_of_words_of_different_length_are_both_told_whole() -> None:
    """The text of each is wrapped to the column in which it stands beside the longest word."""
    words = " ".join(["w"] * 60)
    wrong = failed("f")
    wrong.row["reason"] = words
    bad = row(function="g", verdict="not run", ratio=None, reason="no backend", fails=True)
    lines = Closing([wrong.row, bad], by_cause([wrong, Failed("t", bad, "CANNOT RUN", "g", "", "g")])).lines()
    assert f"f on jax-cpu: {words} (9e+09 times its bound)" in flat(lines) and "…" not in "".join(lines)


def test_draws_at_which_a_function_is_not_finite_are_told() -> None:
    undefined = row(function="elu") | {"undefined": {"x": "0x0.0p+0"}}
    told = " ".join(" ".join(Closing([row(), undefined, undefined]).lines()).split())
    assert "1 function is not finite at some draws, which were left out: elu at x = 0.0." in told
    assert "not finite" not in " ".join(Closing([row()]).lines())


def test_the_gravest_kind_and_cause_come_first() -> None:
    rows = [known("lost", "precision"), known("sign", "defect"), known("sign", "defect", function="g"), row()]
    lines = [line.split() for line in Closing(rows).lines() if line.startswith(("defect", "precision"))]
    assert [line[:3] for line in lines] == [["defect", "sign", "jax-cpu"], ["precision", "lost", "jax-cpu"]]
    assert lines[0][3:] == ["wrong:", "f,", "g"]


def test_nothing_is_never_called_right() -> None:
    assert Closing([row(verdict="not run", ratio=None)]).lines()[0].startswith("Nothing was verified. 1 test on 1 ")
    problem = "--require jax: nothing was verified on it"
    assert Closing([row()], problems=[problem]).lines()[0] == f"The run fails, though no gradient does: {problem}"
    assert Closing([]).lines()[0] == "Nothing was verified."


def test_what_deviates_as_recorded_everywhere_was_judged() -> None:
    lines = Closing([known("sign"), known("sign", function="g")]).lines()
    assert flat(lines).startswith("Every gradient that was judged deviates as recorded (1 cause): 2 functions. 2 tests")


def test_what_fails_the_run_beside_the_tests_is_told_once() -> None:
    problems = ["--require jax: nothing was verified on it", "the disk is full"]
    for brief in (True, False):
        told = flat(Closing([row()], problems=problems).lines(brief=brief))
        assert told.count(problems[0]) == 1 and f"what fails the run beside the tests: {problems[1]}" in told
        assert "beside the tests" not in flat(Closing([row()], problems=problems[:1]).lines(brief=brief))
    # Where a gradient fails, that is the sentence.
    told = flat(Closing([row()], by_cause([failed("f")]), problems=problems).lines())
    assert f"beside the tests: {problems[0]}" in told


def test_where_else_a_cause_shows_is_told_whole_on_two_lines() -> None:
    group = [failed("f", mode) for mode in (f"a_mode_with_a_long_name_{k}" for k in range(12))]
    lines = Closing([one.row for one in group], [group]).lines()
    at = next(k for k, line in enumerate(lines) if "also wrong in" in line)
    told = flat(lines[at : at + 2])
    shown = told.count("a_mode_with")
    assert told.endswith(f"and {11 - shown} more") and shown >= 4 and "…" not in told
    assert max(map(len, lines)) <= WIDTH and not lines[at + 2]


def test_beside_a_longer_word_no_line_is_cut() -> None:
    long = " ".join(str(number) for number in range(10, 60))
    refused = row(verdict="not run", reason="it cannot be run", fails=True)
    wrong = row(function="g", verdict="wrong", ratio=9e9, reason=long)
    failures = [[Failed(one["function"], one, one["reason"], "f", "", one["function"])] for one in (refused, wrong)]
    lines = Closing([refused, wrong], failures).lines()
    assert any(line.startswith("CANNOT RUN  ") for line in lines)
    assert long in flat(lines)


@pytest.mark.parametrize(("off", "told"), [(0.0, 0), (math.nan, 0), (0.5, 1)])
def test_an_error_that_is_none_has_no_line(off: float, told: int) -> None:
    lines = _entry_lines(Entry("x", (0,), "between 0 and 1", 1.0, off, 1e-15))
    assert sum(line.startswith("  error ") for line in lines) == told


def test_what_is_refused_beside_a_wrong_gradient_is_told_with_its_own_reason() -> None:
    wrong, refused = failed("f"), failed("f", "compiled")
    refused.row.update(verdict="unsupported", reason="ConcretizationTypeError: a value that is not concrete")
    said = "also unsupported (ConcretizationTypeError: a value that is not concrete) in compiled"
    assert the_same([wrong, refused]) == said


def test_a_wrong_number_is_told_before_a_wrong_dtype() -> None:
    dtype = row(function="f", verdict="wrong", ratio=None, reason="the value has the dtype float64, not float16")
    number = row(function="f", verdict="wrong", ratio=9e9, reason="the sign", dtype="float32", mode="forward")
    for order in ([dtype, number], [number, dtype]):
        ((first, _),) = by_cause([Failed("t", one, "WRONG", "f", "", "f") for one in order])
        assert first.row is number


def test_a_file_that_cannot_be_loaded_is_no_function() -> None:
    """It is named, counted nowhere, and there is nothing of it to be shown."""
    reason = "a bad entry of the registry: broken.py (/w/broken.py:1): the file cannot be loaded: SyntaxError at line 1"
    bad = row(function="broken.py", verdict="not run", ratio=None, reason=reason, fails=True, is_file=True)
    file = Failed("t", bad, "CANNOT RUN", "broken.py", "", "broken.py")
    lines = Closing([bad, row()], by_cause([file]), paths=["."]).lines()
    assert lines[0] == "broken.py cannot be loaded. 2 tests on 1 backend: 1 failed, 1 passed."
    assert any(line.split()[:4] == ["jax-cpu", "1", "of", "1"] for line in lines)
    assert lines[-1] == "gradproof show f ."
    lines = Closing([bad, failed("g").row, row()], by_cause([file, failed("g")]), paths=["."]).lines()
    assert flat(lines).startswith(
        "broken.py cannot be loaded, and 1 of 2 functions fails, which nobody has recorded: g."
    )
    assert lines[-1] == "gradproof show g ."
    lines = Closing([bad], by_cause([file]), paths=["broken.py"]).lines()
    assert "gradproof show" not in flat(lines) and "one function" not in flat(lines) and "verified" not in flat(lines)


def test_a_file_without_a_function_is_not_called_one_that_cannot_be_loaded() -> None:
    def of(name: str, problem: str) -> Failed:
        reason = f"a bad entry of the registry: {name} (/w/{name}:1): {problem}"
        bad = row(function=name, verdict="not run", ratio=None, reason=reason, fails=True, is_file=True)
        return Failed("t", bad, "CANNOT RUN", name, "", name)

    empty, broken = of("empty.py", NO_FUNCTION), of("broken.py", "the file cannot be loaded: SyntaxError at line 1")
    told = flat(Closing([empty.row], by_cause([empty])).lines())
    assert (
        told.startswith("empty.py registers no function. 1 test on 1 backend: 1 failed.")
        and "cannot be loaded" not in told
    )
    told = flat(Closing([empty.row, broken.row], by_cause([empty, broken])).lines())
    assert told.startswith("broken.py cannot be loaded, and empty.py registers no function.")
    assert "helper.py registers no function, which fails nothing" in flat(
        Closing([row()], helpers=["helper.py"]).lines()
    )


def test_a_bad_entry_is_told_by_what_is_wrong_with_it_and_counts_as_failing() -> None:
    reason = (
        "there is no truth to compare with: norm (/a/b/mine.py:13): line 15: the exact arithmetic has no xp.linalg.norm"
    )
    bad = [
        row(function="norm", verdict="not run", ratio=None, reason=reason, dtype=dtype, fails=True)
        for dtype in ("a", "b")
    ]
    causes = by_cause([Failed(str(k), one, "NOT RUN", "norm", "", "norm") for k, one in enumerate(bad)])
    lines = Closing(bad, causes).lines()
    assert "CANNOT RUN  norm (mine.py:13): line 15: the exact arithmetic has no xp.linalg.norm" in lines
    assert "            the same in 1 more cell" in lines
    assert any(line.split()[:6] == ["jax-cpu", "0", "of", "1", "·", "1"] for line in lines)
    # Its reason has been told.
    assert "skipped:" not in lines


def test_what_is_wrong_with_a_function_and_its_variants_is_one_cause() -> None:
    bad = [
        row(function=name, verdict="not run", ratio=None, fails=True, reason=f"{name} (/w/mine.py:13): no xp.summ")
        for name in ("f", "f_near")
    ]
    (group,) = by_cause([Failed(one["function"], one, "CANNOT RUN", "f", "", "f") for one in bad])
    assert [one.test for one in group] == ["f", "f_near"]


def counted(lines: list[str], place: str) -> list[int]:
    """The numbers of a line of the table: verified, of how many, recorded, fail, not run."""
    line = next(line for line in lines if line.startswith(place)).removeprefix(place).replace(" of ", "  ")
    return [0 if word == "·" else int(word) for word in line.split()[:5]]


def test_the_numbers_of_a_line_add_up_to_the_functions_of_the_sentence() -> None:
    """Whatever was selected where: a function of which a backend has no row was not run there."""
    rows = [row(function="right", backend=backend) for backend in ("jax", "numpy")]
    rows += [row(function="right", backend="hand", check="hand", ratio=None)]
    rows += [row(function="right_of_rows", variant_of="right", dtype=dtype) for dtype in ("float64", "float32")]
    rows += [known("lost", function="deviates"), row(function="skipped", verdict="not run", ratio=None, reason="why")]
    bad = [
        failed("bad"),
        Failed("t", row(function="stale"), "known/jax.toml: f is recorded as …", "stale", "", "stale"),
    ]
    closing = Closing([*rows, *(one.row for one in bad)], by_cause(bad))
    lines = closing.lines()
    assert flat(lines).startswith(
        "2 of 5 functions (with 1 variant) fail, which nobody has recorded: bad, stale. 9 tests on 2 "
        "backends: 2 failed, 6 passed, 1 skipped."
    )
    for place, numbers in {
        "jax-cpu": [1, 5, 1, 2, 1],
        "numpy-cpu": [1, 5, 0, 0, 4],
        "by hand": [1, 5, 0, 0, 4],
    }.items():
        assert counted(lines, place) == numbers and numbers[0] + sum(numbers[2:]) == numbers[1]
    assert "not run, because none of their tests was selected: 4 by hand, 4 on numpy-cpu" in lines


def test_what_fails_has_no_part_in_the_worst_error_of_what_holds() -> None:
    rows = [row(function="holds", ratio=0.25), row(function="derived", backend="numpy", ratio=9e15, verdict="wrong")]
    told = "\n".join(Closing(rows).lines())
    assert "worst error / bound of what holds" in told and "0.25 holds x[1]" in told and "e+15" not in told


def test_a_weak_check_has_its_dtype_and_a_cure() -> None:
    half = row(function="f", dtype="float16", caught={"x": 3.0})
    told = flat(Closing([row(), half]).lines())
    assert "1 test (float16) passed, and would miss an error of 1% at the worst input, where rounding makes" in told
    assert "f x in float16 one of any size. float64 and points= of ordinary size see smaller ones" in told
    wide = flat(Closing([half, row(function="g", caught={"x": 0.5})]).lines())
    assert "2 tests (float64, float16)" in wide and "points= of ordinary size see smaller ones" in wide
    assert "float64 and points=" not in wide


def test_the_last_line_is_a_command_that_works_as_it_is_printed() -> None:
    closing = Closing([row(function="a")], by_cause([failed("cube")]), paths=["my grads/mine.py"])
    assert closing.lines()[-1] == "gradproof show cube 'my grads/mine.py'"
    assert Closing([row(function="a")]).lines(40)[-1] == "gradproof show a"
    # It is one line however long it is.
    assert Closing([row()], paths=["x" * 200]).lines()[-1] == f"gradproof show f {'x' * 200}"


def test_quiet_says_the_sentence_and_what_fails() -> None:
    assert len(Closing([row()]).lines(brief=True)) == 1
    assert len(large().lines(brief=True)) < len(large().lines()) - 20


def test_colour_is_for_terminals_and_markup_in_names_is_text() -> None:
    closing = Closing([row(function="[red]f[/red]")])
    assert "\x1b[" in "".join(closing.lines(colour=True))
    assert "[red]f[/red]" in "".join(closing.lines()) and "\x1b" not in "".join(closing.lines())


def test_what_is_recorded_elsewhere_and_no_longer_holds_is_no_wrong_gradient() -> None:
    stale = row(verdict="verified")
    text = "known/jax.toml, sign, place 1: f on jax 1 is recorded as wrong (…), but is now verified"
    lines = Closing([stale], by_cause([Failed("t", stale, text, "f", "", "f")])).lines()
    assert any(line.startswith("RECORD  f on jax-cpu: known/jax.toml, sign") for line in lines)


def test_a_worker_s_name_is_no_part_of_a_failure() -> None:
    properties = [("gradproof", row(verdict="wrong"))]
    text = "[gw0] linux -- Python 3.11.7 /usr/bin/python3\nWRONG: f\n  reason"
    one = Failed.of("t", properties, text)
    assert one is not None and one.headline == "WRONG: f"
    assert Failed.of("t", [], text) is None


# GitHub


def test_github_is_told_at_the_line_and_once_for_each_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    assert github.told(large()) == []
    page = tmp_path / "summary.md"
    for name, value in (("ACTIONS", "true"), ("STEP_SUMMARY", str(page)), ("WORKSPACE", "/w")):
        monkeypatch.setenv(f"GITHUB_{name}", value)
    lines = github.told(large())
    assert len(lines) == github.MOST
    assert lines[0] == (
        "::error file=mine.py,line=7,title=WRONG%3A bad0::WRONG: bad0%0A  reason      off, 100 %25%0A"
        "also wrong in forward"
    )
    assert page.read_text(encoding="utf-8").startswith("## Gradproof\n\n```\n20 of 401 functions fail")


def test_the_title_of_what_cannot_be_run_is_no_second_copy_of_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    bad = row(function="broken.py", verdict="not run", ratio=None, reason="'(' was never closed", is_file=True)
    text = "CANNOT RUN: broken.py-hand-cpu-exact: '(' was never closed"
    causes = by_cause([Failed("t", bad, text, "broken.py", "/w/broken.py:3", "broken.py")])
    (line,) = github.told(Closing([bad], causes))
    assert line.endswith(f",line=3,title=CANNOT RUN%3A broken.py::{text}")


def test_a_command_is_printed_within_the_screen_and_copied_as_one() -> None:
    command = ["printf", "%s\n", *(f"test[{number}-x y]" for number in range(12))]
    lines = shell_lines(shlex.join(command), 60)
    assert len(lines) > 2 and max(map(len, lines)) <= 60
    copied = "\n".join(f"              {line}" for line in lines)
    done = subprocess.run(["sh", "-c", copied], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == command[2:]


# Progress


def test_an_import_is_told_as_one_and_not_as_the_work_of_a_cell() -> None:
    at_work = {"gw0": row(test="first", reason="while jax was imported")}
    progress = Progress(lambda: at_work, SimpleNamespace(), io.StringIO())
    assert progress.lines(0.0) == [] and progress.lines(7.0) == ["  at work for 7 s: jax is imported"]


def test_an_import_that_two_workers_wait_for_is_told_once() -> None:
    at_work = {name: row(test=name, reason="while jax was imported") for name in ("gw0", "gw1")}
    progress = Progress(lambda: at_work, SimpleNamespace(), io.StringIO())
    assert progress.lines(0.0) == [] and progress.lines(7.0) == ["  at work for 7 s: jax is imported"]


def test_what_is_at_work_is_told_on_one_line() -> None:
    """What a simpler input is looked for is named by a reason of any length."""
    at_work = {"gw0": row(test="slow", reason="while " + "a simpler input " * 20)}
    progress = Progress(lambda: at_work, SimpleNamespace(), io.StringIO())
    assert progress.lines(0.0) == []
    (line,) = progress.lines(7.0)
    assert len(line) == WIDTH and line.endswith(" …")


def test_dots_of_workers_are_a_line_that_is_begun() -> None:
    """pytest notes no file for them, and what is at work would stand behind the dots."""
    reporter = SimpleNamespace(currentfspath=None, verbosity=0)
    progress = Progress(dict, reporter, io.StringIO())
    assert not progress.is_begun
    progress.pytest_runtest_logreport(SimpleNamespace(when="call", nodeid="t"))
    assert progress.is_begun
    reporter.verbosity = 1
    assert not progress.is_begun


def test_a_cell_is_told_of_when_it_takes_seconds_and_no_more_when_it_has_ended() -> None:
    at_work = {"gw0": row(test="slow", reason="while jax was run"), "gw1": row(test="quick")}
    progress = Progress(lambda: at_work, SimpleNamespace(), io.StringIO())
    assert progress.lines(0.0) == progress.lines(4.0) == []
    progress.pytest_runtest_logreport(SimpleNamespace(when="call", nodeid="quick"))
    assert progress.lines(6.0) == ["  at work for 6 s: f-jax-cpu-float64-reverse, exact, while jax was run"]
    assert progress.lines(7.0) == []
    assert len(progress.lines(16.0)) == 1
    at_work["gw0"] = row(test="next")
    assert progress.lines(17.0) == progress.lines(20.0) == []


WATCHED = """
import sys
import textwrap
from gradproof.verification import command, progress

progress.TOLD_AT, progress.EVERY = (0.2, 60.0), 0.05
sys.exit(command.verify(["slow.py", "--backend=numpy", "-k", "float64"]))
"""


def test_what_is_at_work_is_told_while_it_is_and_not_among_the_failures(tmp_path: Path) -> None:
    slow = """
    import time

    from gradproof import Reals, function

    @function(x=Reals(), points=[dict(x=1.5)])
    def slow(xp, x):
        time.sleep(0.1)
        return x * x

    @slow.gradient
    def _(xp, x):
        return 3 * x
    """
    (tmp_path / "slow.py").write_text(textwrap.dedent(slow), encoding="utf-8")
    command = [sys.executable, "-c", WATCHED]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120).stdout
    assert "  at work for " in printed.partition("= FAILURES =")[0]
    assert "Captured stdout" not in printed and "at work" not in printed.partition("= FAILURES =")[2]
