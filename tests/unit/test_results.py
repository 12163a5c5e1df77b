"""Result rows: exact inputs, numbers that JSON can hold, lines that are there as soon as they are written, and the
summary that is made of them."""

import json
import math
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradproof.registry import Reals, function
from gradproof.report.closing.coverage import coverage
from gradproof.report.closing.summary import not_run, recorded, seconds, table
from gradproof.report.rows.results import ResultsFile, Row, from_hexadecimal, hexadecimal, number, written
from gradproof.verification.reporter import Reporter, Summary

PAIR = function(x=Reals((2, 2)), y=Reals())(lambda xp, x, y: xp.sum(x) * y)


@given(values=st.lists(st.floats(), min_size=5, max_size=5))
def test_hexadecimal_round_trip(values: list[float]) -> None:
    inputs = (np.array(values[:4]).reshape(2, 2), np.array(values[4]))
    written = json.loads(json.dumps(hexadecimal(PAIR, inputs), allow_nan=False))
    for name, given_values in zip(("x", "y"), inputs, strict=True):
        read = from_hexadecimal(written[name])
        assert read.shape == given_values.shape
        assert np.array_equal(read, given_values, equal_nan=True)
        assert np.array_equal(np.signbit(read[~np.isnan(read)]), np.signbit(given_values[~np.isnan(given_values)]))


def test_hexadecimal_is_readable() -> None:
    written = hexadecimal(PAIR, (np.array([[0.0, -0.0], [0.1, -1.5]]), np.array(2.0)))
    assert written == {
        "x": [["0x0.0p+0", "-0x0.0p+0"], ["0x1.999999999999ap-4", "-0x1.8000000000000p+0"]],
        "y": "0x1.0000000000000p+1",
    }
    assert float.fromhex(written["y"]) == 2.0


def test_what_is_printed_is_in_decimals_where_they_are_the_number_itself() -> None:
    given = hexadecimal(PAIR, (np.array([[0.5, -0.0], [0.1, -1.5]]), np.array(np.inf)))
    assert written(given["x"]) == "[[0.5, -0.0], [0x1.999999999999ap-4, -1.5]]"
    assert written(given["y"]) == "inf"


@pytest.mark.parametrize(
    ("value", "printed"),
    [(0.5, 0.5), (-0.0, -0.0), (math.inf, "inf"), (-math.inf, "-inf"), (math.nan, "nan"), (5e-324, 5e-324)],
)
def test_number(value: float, printed: float | str) -> None:
    assert number(value) == printed
    assert json.loads(json.dumps(number(value), allow_nan=False)) == printed


# The file


def opened(path: Path) -> ResultsFile:
    results = ResultsFile(path)
    results.open()
    return results


def test_every_row_is_there_as_soon_as_it_is_written(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "below" / "rows.jsonl")) as results:
        for count in range(1, 4):
            results.write({"function": "f", "count": count})
            lines = results.path.read_text(encoding="utf-8").splitlines()
            assert [json.loads(line)["count"] for line in lines] == list(range(1, count + 1))
    assert results.problem == ""


def test_the_file_is_started_anew(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("old\n", encoding="utf-8")
    opened(path).close()
    assert path.read_text(encoding="utf-8") == ""


def test_a_file_that_was_never_opened_takes_nothing(tmp_path: Path) -> None:
    results = ResultsFile(tmp_path / "rows.jsonl")
    results.write({}), results.close()
    assert not results.path.exists()


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        opened(tmp_path)


def test_a_file_that_another_run_writes_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with closing(opened(path)) as first:
        first.write({"count": 1})
        with pytest.raises(OSError, match="another run is writing it; give each run a file of its own"):
            opened(path)
        first.write({"count": 2})
    assert len(path.read_text(encoding="utf-8").splitlines()) == 2
    opened(path).close()


def refuse(_: str) -> None:
    raise OSError("no space left")


def test_a_row_that_cannot_be_written_is_a_problem_and_no_failure(tmp_path: Path) -> None:
    results = ResultsFile(tmp_path / "rows.jsonl", _file=SimpleNamespace(write=refuse))
    results.write({"count": 1})
    assert "is incomplete: no space left" in results.problem


@pytest.mark.parametrize("value", [math.nan, object()], ids=["nan", "object"])
def test_a_row_that_json_cannot_hold_is_a_problem_and_no_failure(tmp_path: Path, value: object) -> None:
    with closing(opened(tmp_path / "rows.jsonl")) as results:
        results.write({"error": value}), results.write({"count": 2})
    assert results.problem
    assert results.path.read_text(encoding="utf-8") == '{"count": 2}\n'


# The summary


def row(**changes: Any) -> Row:
    return {
        "function": "f",
        "backend": "stub",
        "device": "cpu",
        "dtype": "float32",
        "mode": "reverse",
        "check": "exact",
        "verdict": "verified",
        "ratio": 0.5,
        "examples": 20,
        "entry": "x[1]",
    } | changes


def cells(line: str) -> list[str]:
    return line.split()


def test_a_row_of_the_table_counts_its_verdicts() -> None:
    rows = [row(), row(function="g", verdict="wrong", ratio="inf", entry="y"), row(function="h", ratio=0.75)]
    head, line = table(rows)
    assert cells(head)[:4] == ["check", "examples", "verified", "convention"]
    assert cells(line) == ["stub-cpu-float32", "gradient", "60", "2", ".", ".", "1", ".", ".", ".", "inf", "g", "y"]


def test_the_largest_error_is_that_of_what_is_not_recorded() -> None:
    recorded = row(function="g", verdict="wrong", ratio=9e9, beside={"ratio": 0.75, "entry": "x[3]"}, known=2)
    refused = row(function="h", verdict="unsupported", ratio=None, beside={"ratio": None}, known=1)
    _, line = table([row(), recorded, refused])
    assert cells(line)[-3:] == ["0.75", "g", "x[3]"]


def test_the_table_has_a_row_for_each_check_and_cell() -> None:
    rows = [row(check="differences"), row(dtype="float64"), row(check="hand"), row(), row(mode="compiled")]
    names = [cells(line)[:2] for line in table(rows)[1:]]
    assert names == [
        ["stub-cpu-float32", "derivation"],
        ["stub-cpu-float32", "gradient"],
        ["stub-cpu-float32-compiled", "gradient"],
        ["stub-cpu-float64", "gradient"],
        ["stub-cpu-float32", "own"],
    ]


@pytest.mark.parametrize("ratio", ["nan", "inf", 3.0])
def test_the_worst_ratio_is_named(ratio: float | str) -> None:
    line = table([row(ratio=ratio, function="bad"), row(ratio=2.0), row(ratio=None)])[1]
    assert line.endswith(f"{'inf' if ratio == 'nan' else f'{float(ratio):.2g}'} bad x[1]")


def test_rows_that_were_not_judged_have_no_worst_ratio() -> None:
    line = table([row(verdict="not run", ratio=None, examples=0, entry="")])[1]
    assert cells(line) == ["stub-cpu-float32", "gradient", "0", ".", ".", ".", ".", ".", ".", "1"]


def test_the_columns_stand_below_one_another() -> None:
    lines = table([row(), row(backend="a_much_longer_name", examples=12345)])
    assert len({line.index("gradient") for line in lines[1:]} | {lines[0].index("check")}) == 1


def test_no_rows_make_no_lines_below_the_head() -> None:
    assert len(table([])) == 1


def test_what_was_not_run_is_told_with_its_reason() -> None:
    missing = [row(function=name, verdict="not run", reason="not installed") for name in "fgh"]
    lines = not_run([*missing, row(verdict="not run", reason="broken", function="k"), row()])
    assert lines == [
        "stub-cpu, gradient, 3 functions in float32: not installed",
        "stub-cpu, gradient, k in float32: broken",
    ]


def test_what_could_not_be_judged_is_told_with_its_counts() -> None:
    (line,) = not_run([row(verdict="inconclusive", out_of_range={"a kink": 2, "it overflows": 3})])
    assert line == "stub-cpu, gradient, f in float32: no input could be judged: 2 × a kink, 3 × it overflows"


def test_the_modes_are_told_where_reverse_is_not_the_only_one() -> None:
    known = row(verdict="wrong", known=1, cause="a-cause", kind="trap")
    lines = recorded([known, known | {"mode": "forward", "dtype": "float64"}])
    assert lines == ["trap:", "  a-cause on stub-cpu: wrong in float32, float64 (reverse, forward): f"]


def test_the_coverage_has_no_empty_place_without_a_reason() -> None:
    tried = [row(backend="numpy", function="f"), row(backend="numpy", function="g", verdict="wrong")]
    tried += [row(backend="autograd", mode=mode, dtype="float64") for mode in ("reverse", "forward")]
    tried += [row(backend="numpy", mode="forward", verdict="not run", reason="a reason of its own")]
    lines = [line.split() for line in coverage(tried)]
    table, reasons = lines[:13], coverage(tried)[13:]
    assert table[0] == ["reverse", "forward"]
    by_place = {tuple(line[:2]): line[2:] for line in table[1:]}
    assert by_place["numpy-cpu", "float32"][0] == "1/2"
    assert by_place["autograd-cpu", "float64"] == ["1/1", "1/1"]
    letters = {entry for line in by_place.values() for entry in line if "/" not in entry}
    assert letters == {reason.split(":")[0] for reason in reasons}
    assert any("a reason of its own" in reason for reason in reasons)
    assert any("NumPy has no bfloat16" in reason for reason in reasons)


def test_the_summary_does_not_depend_on_the_order_in_which_workers_hand_in_their_rows() -> None:
    names = ("backend", "dtype", "mode", "check")
    places = [("jax", "float64", "reverse", "exact"), ("autograd", "float32", "forward", "exact")]
    places += [("jax", "float64", "compiled", "differences"), ("jax", "float32", "compiled", "exact")]
    cells = [dict(zip(names, place, strict=True), function=function) for function in "gf" for place in places]
    rows = [row(**cell, verdict="wrong", known=1, cause="a-cause", kind="trap") for cell in cells]
    rows.append(row(function="h", check="hand", backend="hand", dtype="exact", ratio=None))
    rows.append(row(function="h", backend="numpy", verdict="not run", reason="none is installed"))

    def told(given: list[Row]) -> list[str]:
        reporter = Reporter(
            SimpleNamespace(results=None, report=None, baseline=None, required=(), functions=()), lambda _: True, list
        )
        reporter.rows, lines = given, []
        titled = {"write_sep": lambda _, title: lines.append(title), "write_line": lines.append}
        terminal = titled | {"hasmarkup": False, "isatty": False}
        Summary(reporter).pytest_terminal_summary(SimpleNamespace(**terminal, verbosity=1))
        return lines

    lines = told(rows)
    assert told(rows[::-1]) == told(rows[1::2] + rows[::2]) == lines
    assert lines[lines.index("as recorded in known_divergences:") + 1 :][:3] == [
        "  trap:",
        "    a-cause on autograd-cpu: wrong in float32 (forward): f, g",
        "    a-cause on jax-cpu: wrong in float64, float32 (reverse, compiled): f, g",
    ]


def test_one_mode_alone_needs_no_coverage() -> None:
    assert coverage([row(), row(function="g")]) == []


def test_recorded_divergences_are_told() -> None:
    known = row(verdict="wrong", known=2, cause="a-cause", kind="range")
    assert recorded([row(), known]) == ["range:", "  a-cause on stub-cpu: wrong in float32: f"]


def test_the_gravest_kind_is_told_first_and_a_cause_once() -> None:
    def known(function: str, cause: str, kind: str, verdict: str) -> Row:
        return row(function=function, verdict=verdict, known=1, cause=cause, kind=kind)

    rows = [
        known("f", "refused", "unsupported", "unsupported"),
        *(known(name, "lost-digits", "precision", "imprecise") for name in "abcde"),
        known("g", "lost-digits", "precision", "wrong"),
        known("f", "another-definition", "convention", "convention"),
        known("f", "sign", "defect", "wrong"),
    ]
    assert recorded(rows) == [
        "defect:",
        "  sign on stub-cpu: wrong in float32: f",
        "precision:",
        "  lost-digits on stub-cpu: imprecise or wrong in float32: a, b, c and 3 more",
        "convention:",
        "  another-definition on stub-cpu: convention in float32: f",
        "unsupported:",
        "  refused on stub-cpu: unsupported in float32: f",
    ]


def test_seconds() -> None:
    (line,) = seconds([row(spent={"backend": 2.0, "search": 0.5}), row(spent={"backend": 2.0}), row()], whole=6.0)
    assert (
        line == "backend 4.0 s, search 0.5 s, the rest 1.5 s; the whole run is 1.5 times the time inside the backends"
    )
    (line,) = seconds([row(spent={"backend": 4.0}), row(spent={"backend": 4.0})], whole=6.0, workers=2)
    assert line.startswith(
        "in 2 workers together, 6.0 s each: backend 8.0 s, the rest 4.0 s; the whole run is 1.5 times"
    )
    assert seconds([row()], whole=1.0) == []
    assert "times" not in seconds([row(spent={"search": 1.0})], whole=1.0)[0]


def test_a_word_that_selects_nothing_is_guessed() -> None:
    options = SimpleNamespace(results=None, report=None, baseline=None, required=(), functions=())

    def told(words: str, selects_nothing: bool = True) -> str:
        reporter = Reporter(options, lambda _: True, lambda: [SimpleNamespace(name="log_softmax")], words=words)
        reporter.selects_nothing = selects_nothing
        return reporter.nothing_selected()

    assert told("sofmax and jax") == (
        "-k 'sofmax and jax' selects nothing: no test has 'sofmax' in its name. Did you mean softmax?"
    )
    assert "each of its words is known" in told("softmax and not jax and test_hand")
    # Tests of somebody else may have run, and nothing may have been named.
    assert told("sofmax", selects_nothing=False) == told("") == ""
