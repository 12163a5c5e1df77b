"""The failure capsules of what is recorded: each script shows its defect, in a process that has no part of this
project, and gives the very number that the suite saw. Every day a sample of them is run, every night all."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from gradproof.divergences import Divergence, load
from gradproof.verification.recorded import entries, sightings
from gradproof.verification.reproduce import script_of
from tests.unit.made import NAMES

ONE_IN = 40
"""Of the scripts, so many run every day, besides the first of each verdict."""

AT_ONCE = 40
"""So many scripts share a process at night."""

# One process for many scripts, because what takes long is to import the backend.
RUNNER = """
import contextlib, io, json, os, runpy, sys, traceback, warnings
warnings.simplefilter("ignore")
for path in sys.argv[1:]:
    said, hook = io.StringIO(), sys.excepthook
    with contextlib.redirect_stdout(said):
        try:
            runpy.run_path(path, run_name="__main__")
            status = 0
        except SystemExit as end:
            status = end.code or 0
        except BaseException:
            traceback.print_exc(file=sys.stdout)
            status = 2
    sys.excepthook = hook
    ours = [name for name in ("gradproof", "functions") if name in sys.modules]
    print(json.dumps([path, status, said.getvalue(), ours]), file=sys.stderr)
"""


def to_be_reported(backend: str) -> tuple[Divergence, ...]:
    """The entries that have a script: another definition, as documented, is nothing to report."""
    return tuple(entry for entry in entries(backend) if entry.instead is None)


def sampled(given: tuple[Divergence, ...]) -> list[Divergence]:
    """The first entry of each verdict, and one in so many of the others."""
    first = {entry.verdict: entry for entry in reversed(given)}.values()
    return [entry for i, entry in enumerate(given) if i % ONE_IN == 0 or entry in first]


def written(backend: str, chosen: list[Divergence], folder: Path) -> dict[str, str]:
    """The scripts of these entries, by their paths, each with what it must print; and none is left out."""
    said, left_out = {}, []
    for i, entry in enumerate(chosen):
        examiner, finding = next(sightings(backend, entry), (None, None))
        if examiner is None or finding is None:
            left_out.append(f"{entry.function} ({entry.verdict}: {entry.reason}): no cell shows it")
            continue
        path = folder / f"{i}-{examiner.cell.full_id}.py"
        path.write_text(script_of(examiner, finding), encoding="utf-8")
        worst = finding.judgement.worst
        said[str(path)] = f"got {worst.got!r}," if worst else ""
    assert left_out == []
    return said


def run_alone(paths: list[str], folder: Path) -> dict[str, tuple[int, str, list[str]]]:
    """Status and output of each script, and what it has of this project."""
    command = [sys.executable, "-I", "-c", RUNNER, *paths]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    rows = [json.loads(line) for line in done.stderr.splitlines() if line.startswith('["')]
    assert len(rows) == len(paths), done.stderr
    return {path: (status, output, ours) for path, status, output, ours in rows}


def assert_all_reproduce(said: dict[str, str], folder: Path) -> None:
    results = run_alone(list(said), folder)
    assert [(path, output) for path, (status, output, _) in results.items() if status != 1] == []
    assert [(path, output) for path, (_, output, _) in results.items() if said[path] not in output] == []
    assert [path for path, (_, _, ours) in results.items() if ours] == []


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_sample_reproduces_in_clean_processes(name: str, tmp_path: Path) -> None:
    given = to_be_reported(name)
    if not given:
        pytest.skip("nothing is recorded for what is installed")
    said = written(name, sampled(given), tmp_path)
    assert_all_reproduce(said, tmp_path)
    # And one as its reader would call it.
    alone = subprocess.run([sys.executable, "-I", next(iter(said))], cwd=tmp_path, capture_output=True, check=False)
    assert alone.returncode == 1


@pytest.mark.parametrize(
    ("name", "part"),
    [
        pytest.param(name, part, id=f"{short}-{part}")
        for short, name in NAMES.items()
        for part in range(math.ceil(len(load(name)) / AT_ONCE))
    ],
)
def test_all_reproduce_in_clean_processes(name: str, part: int, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("hypothesis_profile") != "nightly":
        pytest.skip("takes minutes: --hypothesis-profile nightly")
    chosen = list(to_be_reported(name)[part * AT_ONCE : (part + 1) * AT_ONCE])
    if not chosen:
        pytest.skip("so many are not recorded for what is installed")
    assert_all_reproduce(written(name, chosen, tmp_path), tmp_path)
