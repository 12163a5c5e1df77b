"""What one nightly run has found, the next one tries first, whatever its seed: kept in a folder, or on a server."""

import json
import os
import shutil
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradproof.report.rows.results import Row
from gradproof.verification import examples

ROOT = Path(__file__).parents[2]

# Its simplest input is one of which no other seed thinks: no limit of the domain, and more binary places than a float
# that is easy to come by.
RARE = "not (float(x) * 4096).is_integer() and abs(float(x)) < 999"

SOURCE = """
    from gradproof import Reals, function

    @function(x=Reals(low=-1e3, high=1e3), points=[dict(x=1.5)])
    def cube(xp, x):
        return x * x * x

    @cube.gradient
    def _(xp, x):
        return 3 * x * x

    @cube.implementation("numpy")
    def _(x):
        return x * x * x * (1.01 if {fault} else 1)
"""


def nightly(tmp_path: Path, fault: str, url: str = "", seed: int = 0, dtype: str = "float64") -> list[Row]:
    """The rows of a nightly run; its folder of examples is its own."""
    (tmp_path / "mine.py").write_text(textwrap.dedent(SOURCE).format(fault=fault), encoding="utf-8")
    options = ["--hypothesis-profile", "nightly", f"--hypothesis-seed={seed}", "--dtype", dtype]
    options += [
        "--functions",
        "mine.py",
        "--backend",
        "numpy",
        "--mode",
        "reverse",
        "--results",
        "rows.jsonl",
        "-p",
        "no:cacheprovider",
    ]
    command = [sys.executable, "-m", "pytest", str(ROOT), *options, "-k", "truth"]
    environment = os.environ | {"HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path / "kept"), examples.URL: url}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert done.returncode == (1 if any(row["verdict"] == "wrong" for row in rows) else 0), done.stdout + done.stderr
    return rows


def assert_the_next_night_tries_it_first(tmp_path: Path, url: str = "") -> None:
    # So rare that no other seed meets it: the very number that the first night finds is what is wrong from then on.
    (first,) = nightly(tmp_path, RARE, url)
    assert first["verdict"] == "wrong"
    rare = f"float(x) == float.fromhex({first['input']['x']!r})"
    (second,) = nightly(tmp_path, rare, url, seed=1)
    assert (second["verdict"], second["input"]) == ("wrong", first["input"])
    (mended,) = nightly(tmp_path, "False", url, seed=2)
    assert mended["verdict"] == "verified"


def test_a_failure_is_kept_in_a_folder(tmp_path: Path) -> None:
    assert_the_next_night_tries_it_first(tmp_path)
    assert (tmp_path / "kept" / "examples").is_dir()


def test_without_what_was_kept_it_would_not_be_found(tmp_path: Path) -> None:
    (first,) = nightly(tmp_path, RARE)
    shutil.rmtree(tmp_path / "kept")
    (second,) = nightly(tmp_path, f"float(x) == float.fromhex({first['input']['x']!r})", seed=1)
    assert second["verdict"] == "verified"


def test_a_cell_is_not_tried_at_what_another_has_kept(tmp_path: Path) -> None:
    (first,) = nightly(tmp_path, RARE)
    kept = f"float(x) == float.fromhex({first['input']['x']!r})"
    (other,) = nightly(tmp_path, kept, dtype="float32", seed=1)
    assert other["verdict"] == "verified"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A Redis server of this test's own, by its URL."""
    pytest.importorskip("redis", reason="its client is not installed: pip install -r requirements/tools.txt")
    if (program := shutil.which("redis-server")) is None:
        pytest.skip("there is no redis-server on the PATH: Debian's package redis-server has one")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            for _ in range(100):
                with socket.socket() as client:
                    if client.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()


def test_a_failure_is_kept_on_a_server_that_is_shared(tmp_path: Path, server: str) -> None:
    assert_the_next_night_tries_it_first(tmp_path, server)
    assert not (tmp_path / "kept" / "examples").exists()
