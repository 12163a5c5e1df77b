"""One run spread over several environments, by engines that exist: what they find merges into what one run finds, with
no cell lost and none twice."""

import json
import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gradproof.report.rows.merge import BY_CHANCE, identity, merge
from gradproof.report.rows.results import Row

ROOT = Path(__file__).parents[2]

SOURCE = "from gradproof import Reals, function\n" + "".join(
    textwrap.dedent(f"""
        @function(x=Reals(), points=[dict(x=1.5)])
        def power_{n}(xp, x):
            return x ** {n}

        @power_{n}.gradient
        def _(xp, x):
            return {n} * x ** {n - 1}
    """)
    for n in range(2, 6)
)


def run(tmp_path: Path, results: str, *options: str) -> subprocess.CompletedProcess:
    (tmp_path / "mine.py").write_text(SOURCE, encoding="utf-8")
    # Written with `=`, because pytest-xdist takes an argument that is a path for one to be copied to the other host.
    command = [sys.executable, "-m", "pytest", str(ROOT), f"--functions={tmp_path / 'mine.py'}"]
    # Where a profile is named there are as many draws however fast the machine is, so that rows can be compared.
    command += ["--hypothesis-profile=dev"]
    command += ["--backend", "numpy", "--mode", "reverse", f"--results={results}", "-p", "no:cacheprovider", *options]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def findings(paths: list[Path]) -> dict[str, str]:
    """What the merged rows say, by cell, less what is chance."""

    def found(row: Row) -> str:
        return json.dumps({key: value for key, value in row.items() if key not in BY_CHANCE}, sort_keys=True)

    return {identity(row): found(row) for row in merge(paths).rows}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("whole")
    run(folder, "all.jsonl")
    found = findings([folder / "all.jsonl"])
    assert len(found) == 4 * 5
    return found


def test_runners_that_share_a_matrix_job_find_what_one_finds(tmp_path: Path, whole: dict[str, str]) -> None:
    pytest.importorskip("pytest_split", reason="it is not installed: pip install -r requirements/numpy-cpu.txt")
    for group in ("1", "2", "3"):
        run(tmp_path, f"job.{group}.jsonl", "--splits", "3", "--group", group)
    paths = sorted(tmp_path.glob("job.*.jsonl"))
    counts = [len(path.read_text().splitlines()) for path in paths]
    assert sum(counts) == len(whole) and min(counts) > 0
    assert findings(paths) == whole


def test_runners_with_different_numbers_of_workers_share_a_job_alike(tmp_path: Path) -> None:
    pytest.importorskip("pytest_split", reason="it is not installed: pip install -r requirements/numpy-cpu.txt")
    pytest.importorskip("xdist", reason="it is not installed: pip install -r requirements/numpy-cpu.txt")
    # In a mode that neither has, so that nothing is imported: their cells are reported as not run.
    several = ("--backend=jax,torch", "--mode=xla", "--dtype=float64")
    for group in ("1", "2"):
        run(tmp_path, f"job.{group}.jsonl", *several, "--splits", "2", "--group", group, "-n", group)
    merged = merge(sorted(tmp_path.glob("job.*.jsonl")))
    assert (len(merged.rows), merged.duplicates) == (4 * 5, 0)


def test_runners_that_overlap_leave_no_cell_twice(tmp_path: Path, whole: dict[str, str]) -> None:
    run(tmp_path, "host.1.jsonl", "-k", "power_2 or power_3 or power_4")
    run(tmp_path, "host.2.jsonl", "-k", "power_3 or power_4 or power_5")
    paths = sorted(tmp_path.glob("host.*.jsonl"))
    merged = merge(paths)
    assert (merged.duplicates, merged.conflicts) == (2 * 5, [])
    assert findings(paths) == whole


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[list[str]]:
    """Two execnet servers, each in a folder and a process tree of its own, as far apart as one machine allows."""
    pytest.importorskip("xdist", reason="it is not installed: pip install -r requirements/numpy-cpu.txt")
    import execnet.script.socketserver as server

    with ExitStack() as stack:
        specifications = []
        for name in ("host1", "host2"):
            (tmp_path / name).mkdir()
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            command = [sys.executable, server.__file__, f"127.0.0.1:{port}", "once"]
            process = stack.enter_context(
                subprocess.Popen(command, cwd=tmp_path / name, stdout=subprocess.PIPE, text=True)
            )
            stack.callback(process.kill)
            # It tells when it listens; to try the port would take the one connection that it accepts.
            assert process.stdout is not None and "Entering Accept loop" in process.stdout.readline()
            specifications += ["--tx", f"socket=127.0.0.1:{port}//id={name}"]
        yield specifications


def test_two_hosts_of_one_run_find_what_one_finds(tmp_path: Path, whole: dict[str, str], hosts: list[str]) -> None:
    # pytest-xdist announces that it will copy no folder from 4.0 on; a host then needs a checkout of its own.
    copied = ["-W", "ignore:The --rsyncdir", f"--rsyncdir={ROOT}"]
    done = run(tmp_path, "both.jsonl", "--dist", "load", "-v", *copied, *hosts)
    assert "[host1]" in done.stdout and "[host2]" in done.stdout
    assert all([*(tmp_path / host).glob(f"*/{ROOT.name}/conftest.py")] for host in ("host1", "host2"))
    assert findings([tmp_path / "both.jsonl"]) == whole
