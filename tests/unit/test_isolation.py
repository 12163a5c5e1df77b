"""Faults that take a process down, or never end: each costs its own cells, which say what they were doing; nothing that
was found is lost, every other cell is verified, and the run does not pass."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from gradproof import backends
from gradproof.backends.stopped import ran_out
from gradproof.report.rows.results import Row
from gradproof.verification import isolation

ROOT = Path(__file__).parents[2]

pytest.importorskip("xdist", reason="it is not installed: pip install -r requirements/numpy-cpu.txt")

# The fault strikes at a draw, not at the point: Hypothesis is at work then.
FUNCTIONS = """
    import os, resource, signal, time
    from gradproof import Reals, function

    @function(x=Reals(), points=[dict(x=1.5)])
    def faulty(xp, x):
        return x * x * x

    @faulty.gradient
    def _(xp, x):
        return 3 * x * x

    @faulty.implementation("numpy")
    def _(x):
        if float(x) != 1.5:
            {fault}
        return x * x * x

    @function(x=Reals(), points=[dict(x=1.5)])
    def sound(xp, x):
        return x * x

    @sound.gradient
    def _(xp, x):
        return 2 * x
"""

OTHERS = {("faulty", "hand"), ("sound", "hand"), ("sound", "numpy"), ("faulty", "autograd"), ("sound", "autograd")}
OTHERS = {(name, backend) for name, backend in OTHERS if backend == "hand" or backends.installed_version(backend)}
CELLS = 10


def run(
    tmp_path: Path, fault: str, *options: str, fakes: dict[str, str] | None = None
) -> tuple[subprocess.CompletedProcess, list[Row]]:
    (tmp_path / "mine.py").write_text(textwrap.dedent(FUNCTIONS).format(fault=fault), encoding="utf-8")
    for name, text in (fakes or {}).items():
        (tmp_path / "fakes" / name).mkdir(parents=True)
        (tmp_path / "fakes" / name / "__init__.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", str(ROOT), "--functions", "mine.py", "-p", "no:cacheprovider"]
    command += [
        "--results",
        "rows.jsonl",
        "--backend",
        "numpy,autograd",
        "--dtype",
        "float64",
        "--mode",
        "reverse",
        *options,
    ]
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "fakes"), "COLUMNS": "150"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    path = tmp_path / "rows.jsonl"
    return done, [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def assert_costs_its_own_cells_alone(
    done: subprocess.CompletedProcess, rows: list[Row], verdict: str, reason: str
) -> None:
    """The two cells of `faulty` on one backend have this verdict and reason; all others are verified, once."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert len(rows) == len({row["test"] for row in rows}) == CELLS
    struck = [row for row in rows if (row["function"], row["backend"]) == ("faulty", "numpy")]
    assert {row["verdict"] for row in struck} == {verdict}
    assert [row["check"] for row in sorted(struck, key=lambda row: row["test"])] == ["differences", "exact"]
    assert all(reason in row["reason"] and "while numpy was run" in row["reason"] for row in struck), struck
    assert all(row["input"].keys() == {"x"} for row in struck)
    verified = {(row["function"], row["backend"]) for row in rows if row["verdict"] == "verified"}
    assert verified == OTHERS


DEATHS = {
    "SIGKILL": "os.kill(os.getpid(), signal.SIGKILL)",
    "SIGABRT": "os.abort()",
    "SIGSEGV": "__import__('ctypes').string_at(0)",
}


@pytest.mark.parametrize(("name", "fault"), DEATHS.items(), ids=DEATHS)
def test_a_backend_that_dies_costs_its_own_cells(tmp_path: Path, name: str, fault: str) -> None:
    done, rows = run(tmp_path, fault, "-n", "2")
    assert_costs_its_own_cells_alone(done, rows, "unsupported", f"the process died ({name})")
    assert "CRASHED: faulty-numpy-cpu-float64-reverse, exact" in done.stdout
    assert "input       x = " in done.stdout


def test_one_that_loops_for_ever_costs_its_own_cells(tmp_path: Path) -> None:
    # Long enough for the first cell of another backend, which imports it.
    done, rows = run(tmp_path, "while True: pass", "--timeout", "4")
    assert_costs_its_own_cells_alone(done, rows, "unsupported", "no answer within 4 s")
    assert "STOPPED: faulty-numpy-cpu-float64" in done.stdout


def test_one_that_does_not_even_return_to_python_costs_its_own_cells(tmp_path: Path) -> None:
    # Blocked signals stand for a loop in C: no handler runs, so only the watchdog in C can end it.
    fault = "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM]); time.sleep(1000)"
    done, rows = run(tmp_path, fault, "-n", "2", "--timeout", "4", "-o", "faulthandler_timeout=6")
    assert_costs_its_own_cells_alone(done, rows, "unsupported", "the process died (exit status 1)")


def test_one_that_allocates_without_end_costs_its_own_cells(tmp_path: Path) -> None:
    fault = "resource.setrlimit(resource.RLIMIT_AS, (3 << 30, -1)); kept = [bytes(1 << 28) for _ in range(1 << 20)]"
    done, rows = run(tmp_path, fault)
    assert_costs_its_own_cells_alone(done, rows, "not run", "out of memory on the cpu (MemoryError")


def test_a_framework_that_dies_while_it_is_imported_costs_its_own_cells(tmp_path: Path) -> None:
    fakes = {"autograd": "import os; os.abort()"}
    done, rows = run(tmp_path, "pass", "-n", "2", fakes=fakes)
    assert done.returncode == 1
    died = {row["reason"] for row in rows if row["backend"] == "autograd"}
    assert died == {"the process died (SIGABRT) while autograd was imported"}
    assert {row["verdict"] for row in rows if row["backend"] != "autograd"} == {"verified"}
    assert len(rows) == CELLS


def test_a_framework_that_is_slow_to_import_is_not_accused(tmp_path: Path) -> None:
    done, rows = run(tmp_path, "pass", "--timeout", "4", fakes={"autograd": "import time; time.sleep(1000)"})
    assert done.returncode == 1
    slow = [row for row in rows if row["backend"] == "autograd"]
    assert {row["verdict"] for row in slow} == {"not run"}
    assert {row["reason"] for row in slow} == {"no answer within 4 s while autograd was imported"}


PROBE = """
    import sqlite3, tempfile
    from contextlib import closing
    from pathlib import Path

    def count():
        for path in Path(tempfile.gettempdir()).glob("gradproof-*/*.sqlite"):
            with closing(sqlite3.connect(path)) as table, open("counts.txt", "a") as file:
                print(*table.execute("SELECT count(*) FROM found").fetchone(), file=file)
"""


def test_workers_share_what_they_find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sqlite3", reason="this Python was built without it, and its workers share nothing")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    done, rows = run(tmp_path, "__import__('probe').count()", "-n", "2", fakes={"probe": textwrap.dedent(PROBE)})
    assert (done.returncode, len(rows)) == (0, CELLS), done.stdout
    assert max(map(int, (tmp_path / "counts.txt").read_text().split())) > 0
    assert "in 2 workers together, " in done.stdout
    assert not [*tmp_path.glob("gradproof-*")]


def test_a_full_disk_costs_no_verdict_but_the_run(tmp_path: Path) -> None:
    for workers in ((), ("-n", "2")):
        done, _ = run(tmp_path, "pass", *workers, "--results", "/dev/full", "-k", "numpy")
        assert done.returncode == 1
        assert "/dev/full is incomplete: [Errno 28] No space left on device" in done.stdout
        assert "4 passed" in done.stdout


def test_a_backend_that_is_slow_to_import_goes_to_one_worker_at_the_head_of_its_share() -> None:
    def item(backend: str | None) -> SimpleNamespace:
        params = {"cell": SimpleNamespace(backend=backend)} if backend else {}
        return SimpleNamespace(backend=backend, callspec=SimpleNamespace(params=params))

    def ordered(workers: int, *given: str | None) -> list[str | None]:
        items = [item(backend) for backend in given]
        isolation.together(items, workers)
        assert len({*map(id, items)}) == len(given)
        return [item.backend for item in items]

    mixed = ("numpy", "jax", "tensorflow", None, "jax", "tensorflow", "torch", "torch", "numpy", "numpy")
    first, second = ["tensorflow"] * 2 + [None, "numpy", "numpy"], ["torch"] * 2 + ["jax"] * 2 + ["numpy"]
    assert ordered(2, *mixed) == first + second
    assert ordered(1, *mixed) == ["tensorflow"] * 2 + ["torch"] * 2 + ["jax"] * 2 + ["numpy", None, "numpy", "numpy"]
    assert ordered(2, "jax", "jax", "jax", "jax") == ["jax"] * 4
    assert ordered(8, "jax", None) == ["jax", None]


def test_the_suite_s_own_tests_of_a_backend_go_where_its_cells_go() -> None:
    def item(called: str, **params: object) -> SimpleNamespace:
        return SimpleNamespace(name=called, callspec=SimpleNamespace(params=params))

    items = [
        item("of several", first="jax", second="torch"),
        item("by name", name="tensorflow"),
        item("by its short", short="JX", values=np.ones(2)),
        item("of none", name="float64"),
        SimpleNamespace(name="plain"),
        item("cell of jax", cell=SimpleNamespace(backend="jax")),
        item("cell of tensorflow", cell=SimpleNamespace(backend="tensorflow")),
    ]
    isolation.together(items, 2)
    assert [item.name for item in items] == [
        *("by name", "cell of tensorflow", "plain"),
        *("cell of jax", "by its short", "of several", "of none"),
    ]


def test_two_workers_begin_at_different_ends_of_the_registry() -> None:
    def item(function: str, backend: str) -> SimpleNamespace:
        cell = SimpleNamespace(backend=backend)
        return SimpleNamespace(name=f"{function}-{backend}", callspec=SimpleNamespace(params={"cell": cell}))

    items = [item(function, backend) for function in "fgh" for backend in ("tensorflow", "torch")]
    isolation.together(items, 2)
    assert [item.name for item in items] == [
        *("f-tensorflow", "g-tensorflow", "h-tensorflow"),
        *("h-torch", "g-torch", "f-torch"),
    ]


def test_the_scheduler_hands_out_runs_of_tests(tmp_path: Path) -> None:
    done, _ = run(tmp_path, "pass", "-n", "2", "-v", "-k", "sound-numpy")
    assert "scheduling tests via WorkStealingScheduling" in done.stdout
    done, _ = run(tmp_path, "pass", "-n", "2", "-v", "-k", "sound-numpy", "--dist", "loadfile")
    assert "scheduling tests via LoadFileScheduling" in done.stdout


def test_a_crash_on_another_host_has_the_row_that_its_name_tells() -> None:
    test = "tests/verification/test_gradients.py::test_against_own_differences[f-torch-gpu-float32-compiled]"
    row = isolation._row_of(test)
    assert row is not None
    names = [row[key] for key in ("function", "backend", "device", "dtype", "mode", "check", "verdict")]
    assert names == ["f", "torch", "gpu", "float32", "compiled", "differences", "unsupported"]
    assert isolation._row_of("tests/unit/test_balls.py::test_addition[x-1]") is None


# Words of a full memory, as the frameworks write them


class OutOfMemoryError(RuntimeError):
    """As PyTorch calls it."""


class ResourceExhaustedError(Exception):
    """As TensorFlow calls it."""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        ResourceExhaustedError("failed to allocate memory"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 17179869184 bytes."),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_full_memory_is_known_as_such(error: Exception) -> None:
    assert ran_out(error)


@pytest.mark.parametrize(
    "error", [RuntimeError("shapes differ"), ValueError("out of memory"), KeyError("memory")], ids=str
)
def test_other_errors_are_not(error: Exception) -> None:
    assert not ran_out(error)


LIMITS = {"none": ({}, "", True), "option": ({"timeout": 0.0}, "", False), "ini file": ({}, "20", False)}


@pytest.mark.parametrize(("options", "line", "is_ours"), LIMITS.values(), ids=LIMITS)
def test_a_limit_of_time_is_ours_where_nobody_else_gives_one(
    options: dict[str, float], line: str, is_ours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_TIMEOUT", raising=False)
    config = SimpleNamespace(
        getoption=lambda name, default=None: options.get(name, default),
        getini=lambda name: line,
        pluginmanager=SimpleNamespace(has_plugin=lambda name: True),
    )
    marks: list[pytest.MarkDecorator] = []
    isolation.mark(SimpleNamespace(config=config, add_marker=marks.append))
    assert [mark.args for mark in marks if mark.name == "timeout"] == [(isolation.SECONDS,)] * is_ours
