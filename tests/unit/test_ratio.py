"""The benchmark of a gradient's cost measures what it says: a gradient that does its work ten times costs about ten
times as much, and what raises, takes too long or dies is told and stops nothing. And at a large size a wrong entry of a
gradient is found as it is at a small one."""

import math
import os
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks import large, ratio, workers
from benchmarks.planted import planted, scaled
from benchmarks.ratio import HEADING, Cost, Row, Table, Task, codes, cost, large_size, markdown, summary
from benchmarks.workers import Failed, Worker
from gradproof import backends
from gradproof.backends import BACKENDS
from gradproof.oracles.verdict import Verdict
from gradproof.registry import Function, Reals, function
from tests.unit.made import registered

NUMPY, AUTOGRAD = ("numpy", "eager"), ("autograd", "eager")

softmax = registered("softmax")

needs_autograd = pytest.mark.skipif(backends.installed_version("autograd") is None, reason="autograd is not installed")


def squares() -> Function:
    """f(x) = Σ x²"""

    @function(x=Reals((3,)), points=[dict(x=[0.5, -1.25, 2.0])])
    def squared_sum(xp, x):
        return xp.sum(x * x)

    @squared_sum.gradient
    def _(xp, x):
        return 2 * x

    @squared_sum.inputs_of_size
    def _(n, rng):
        return dict(x=rng.normal(size=n))

    return squared_sum


def busy(seconds: float) -> None:
    """Keep the processor busy."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def test_the_ratio_is_that_of_the_times() -> None:
    def primal(x: np.ndarray) -> np.ndarray:
        busy(0.002)
        return x

    def gradient(x: np.ndarray) -> tuple[np.ndarray]:
        busy(0.02)
        return (x,)

    found = cost(backends.load("numpy"), squares(), primal, gradient, "float64")
    assert found.primal >= 0.002 and found.gradient >= 0.02
    assert 5 < found.ratio < 20


@pytest.mark.parametrize("way", ["eager", "compiled"])
def test_what_is_measured_is_the_function_and_its_gradient(way: str) -> None:
    # A backend that compiles for one way, the one that does not for the other.
    name = next(
        name for name in BACKENDS if (way in ratio.ways(name)) and (len(ratio.ways(name)) > 1) == (way != "eager")
    )
    if backends.missing(name, "cpu") is not None:
        pytest.skip(f"{name} is not installed")
    adapter, made = backends.load(name), squares()
    primal, gradient = codes(adapter, made, way, "float64")
    arrays = adapter.arguments(made, made.points[0], "float64", "cpu")
    assert float(adapter.to_numpy(primal(*arrays))) == 0.25 + 1.5625 + 4.0
    assert adapter.to_numpy(gradient(*arrays)[0]).tolist() == [1.0, -2.5, 4.0]


def test_a_large_size_is_one_that_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratio, "_least_seconds", lambda adapter, made: 1e-5 * made.points[0][0].size)
    assert large_size(squares()) == 128
    monkeypatch.setattr(ratio, "_least_seconds", lambda adapter, made: 1e-9 * math.factorial(made.points[0][0].size))
    assert large_size(squares()) == 12  # 16 would take 6 hours
    monkeypatch.setattr(ratio, "_least_seconds", lambda adapter, made: 0.0)
    assert large_size(squares()) == ratio.LARGEST


@needs_autograd
def test_the_command_measures_every_backend_it_is_given() -> None:
    (made,) = ratio.selected(["softmax_composed"])[:1]
    (row,) = ratio.rows_of([made], ["numpy", "autograd"], 16, "float64", 60.0)
    assert (row.function, row.n, row.numbers) == (made.name, 16, 64)
    assert set(row.cells) == {NUMPY, AUTOGRAD} and all(isinstance(found, Cost) for found in row.cells.values())


def test_entries_of_one_size_are_left_out() -> None:
    assert [made.name for made in ratio.selected(["beale", "hinge_of_scores"])] == ["hinge_of_scores"]


def started() -> None:
    """What comes before the first call."""
    os.environ["STARTED"] = "yes"


def answer(task: str) -> str:
    """A call as its name says, in a process of its own."""
    if task == "waits":
        time.sleep(600)
    if task == "has it started":
        return os.environ.get("STARTED", "no")
    if task == "computes":
        busy(600)
    if task == "dies":
        os._exit(1)
    if task == "raises":
        raise ValueError("a reason\nand its details")
    return f"{task} done"


def test_what_is_slow_dies_or_raises_is_told_and_stops_nothing() -> None:
    with Worker(answer) as worker:
        slow = [("waits", "over 0.25 s"), ("computes", "over 0.25 s")]
        for task, told in (*slow, ("dies", "its process died"), ("raises", "ValueError: a reason")):
            with pytest.raises(Failed) as failed:
                worker.call(task, 0.25 if (task, told) in slow else 60.0)
            assert str(failed.value) == told
            assert worker.call("the next", 60.0) == "the next done"


class Refusing:
    """In the place of a worker: no call has a result."""

    def __init__(self, problem: str) -> None:
        self.problem = problem

    def call(self, task: Task, limit: float) -> None:
        """Fail."""
        raise Failed(self.problem)


RECORD = """
[[cause]]
id = "no-such-operation"
kind = "unsupported"
versions = ">=0"
reason = "it has no such operation"
issue = "unreported"
[[cause.shows]]
function = "softmax"
verdict = "unsupported"
modes = ["compiled"]
input = {}
"""


def test_a_cell_without_a_cost_tells_what_is_recorded_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratio.divergences, "load", lambda name: ratio.divergences.parse(RECORD, name))
    eager, compiled = (Task("softmax", 4, "numpy", way, "float64") for way in ("eager", "compiled"))
    assert ratio.cell(Refusing("ValueError: no"), compiled, 3.0) == "it has no such operation"
    assert ratio.cell(Refusing("ValueError: no"), eager, 3.0) == "ValueError: no"
    assert ratio.cell(Refusing("over 3 s"), compiled, 3.0) == "over 3 s"


ROWS = [
    Row("first", 64, 128, {NUMPY: Cost(0.002, 0.004), AUTOGRAD: Cost(0.001, 0.008)}),
    Row("second", 8, 8, {NUMPY: Cost(0.5, 4.0), AUTOGRAD: "over 3 s"}),
    Row("third", 8, 8, {NUMPY: "it has no such operation", AUTOGRAD: "it has no such operation"}),
]


def test_the_table_has_a_row_per_function_and_a_reason_for_every_gap() -> None:
    table = Table([NUMPY, AUTOGRAD])
    assert table.words(ROWS[0]) == ["first", "64", "128", "1", "2.0", "8.0"]
    assert table.words(ROWS[1]) == ["second", "8", "8", "500", "8.0", "over 3 s"]
    assert table.words(ROWS[2]) == ["third", "8", "8", ".", "a", "a"]
    assert table.notes() == ["a: it has no such operation"]


def test_the_summary_has_the_geometric_mean_and_the_extremes() -> None:
    first, second = summary(ROWS, [NUMPY, AUTOGRAD])
    assert first == (
        "numpy eager: geometric mean 4.00 of 2 functions, 1 above 5; largest 8.0 second, 2.0 first; "
        "smallest 2.0 first, 8.0 second"
    )
    assert second.startswith("autograd eager: geometric mean 8.00 of 1 functions, 1 above 5")


def test_what_stands_above_the_table_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "ratios.md"
    markdown(path, ROWS, [NUMPY, AUTOGRAD], 3.0)
    once = path.read_text(encoding="utf-8")
    assert once.startswith(HEADING) and "| second | 8 | 8 | 500 | 8.0 | over 3 s |" in once
    path.write_text("# Ratios\n\nWhat stands out.\n\n" + once, encoding="utf-8")
    markdown(path, ROWS[:1], [NUMPY, AUTOGRAD], 3.0)
    again = path.read_text(encoding="utf-8")
    assert again.startswith("# Ratios\n\nWhat stands out.\n\n## Measured") and "| second" not in again


@needs_autograd
@pytest.mark.parametrize(("error", "verdict"), [(1e-10, Verdict.IMPRECISE), (1e-5, Verdict.WRONG)])
def test_one_wrong_entry_among_many_is_found(error: float, verdict: Verdict) -> None:
    made = large.at_size(softmax, 512)
    gradient = made.gradient_by_hand(backends.load("numpy").namespace("float64", "cpu"), *made.points[0])[0]
    at = tuple(int(k) for k in np.unravel_index(np.argmax(np.abs(gradient)), gradient.shape))
    (right,) = large.findings(made, ["autograd"], "float64")
    (wrong,) = large.findings(planted(made, "autograd", scaled((0, at), 1 + error)), ["autograd"], "float64")
    assert right[1].judgement.verdict is Verdict.VERIFIED and right[1].judgement.worst.ratio < 0.5
    assert wrong[1].judgement.verdict is verdict and wrong[1].fails
    assert wrong[1].judgement.worst.index == at and f"at x{list(at)}" in large.line_of(*wrong)


@needs_autograd
def test_a_planted_error_ends_the_command_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("sys.argv", ["large", "-k", "softmax", "--size", "64", "--backend", "autograd"])
    monkeypatch.setattr(large, "selected", lambda words: [softmax])
    assert large.main() == 0
    assert "softmax, n = 64, 256 numbers in" in capsys.readouterr().out
    sized = planted(softmax.at_size(64), "autograd", scaled((0, (40, 2)), 1.001))
    monkeypatch.setattr(large, "at_size", lambda made, n: sized)
    assert large.main() == 1
    assert "wrong" in capsys.readouterr().out


@needs_autograd
def test_what_is_recorded_fails_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    record = RECORD.replace('["compiled"]', '["reverse"]').replace('verdict = "unsupported"', 'verdict = "wrong"')
    record = record.replace('kind = "unsupported"', 'kind = "defect"')
    record = record.replace("input = {}", "input = { x = [0.0] }\nregion = { x = [-10.0, 10.0] }")
    monkeypatch.setattr(ratio.divergences, "load", lambda name: ratio.divergences.parse(record, name))
    sized = planted(large.at_size(softmax, 16), "autograd", scaled((0, (7, 2)), 1.5))
    monkeypatch.setattr("sys.argv", ["large", "--backend", "autograd"])
    monkeypatch.setattr(large, "selected", lambda words: [softmax])
    monkeypatch.setattr(large, "at_size", lambda made, n: sized)
    assert large.main() == 0
    assert "as recorded: it has no such operation" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system does not tell what a process uses")
def test_what_computes_is_ended_by_the_processors_seconds_and_not_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "PATIENCE", 1000)
    with Worker(answer) as worker, pytest.raises(Failed, match=r"over 0\.5 s"):
        worker.call("computes", 0.5)


def test_a_process_starts_before_its_first_call() -> None:
    with Worker(answer, started) as worker:
        assert worker.call("has it started", 60.0) == "yes"
