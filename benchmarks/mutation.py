"""Do the suite's own tests notice a change of the code that judges? Every module that mutation.toml names is changed,
one place at a time, by cosmic-ray, in a copy of the checkout, and its tests are run. Where they pass all the same, the
change survives: the table counts it, and the diff of it is printed.

Run as `nox -s mutation`, or as `python -m benchmarks.mutation [WORD]...` for the modules whose path has one of these
words. `--sample N` tries N changes of each module alone, always the same; `--folder` keeps what is done, so that a run
that was ended goes on from there. The exit status is 1 where fewer are killed than mutation.toml says."""

import argparse
import json
import random
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gradproof.report.text import markdown_table

ROOT = Path(__file__).parents[1]
SETTINGS = Path(__file__).with_suffix(".toml")
TIMEOUT = 120.0
"""Seconds after which a change that makes the tests hang counts as noticed."""

LEFT_OUT = "left out of the sample"


def main(words: list[str], sample: int | None, folder: Path, again: bool) -> int:
    """Try the changes, and print what became of them; 1 where too few were noticed."""
    settings = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    rows, survivors, poor = [], [], []
    for module in settings["module"]:
        if words and not any(word in module["path"] for word in words):
            continue
        session = _tried(module, settings["exclude"], sample, folder, again)
        found, counts, diffs = _outcomes(session)
        numbers = (found, counts.total(), counts["killed"], counts["survived"])
        rows.append([module["path"], *map(str, numbers)])
        survivors += diffs
        least = module.get("killed", settings["killed"])
        if counts["killed"] < least * counts.total():
            poor.append(f"{module['path']} (at least {least:.0%})")
    print(f"cosmic-ray {version('cosmic-ray')}\n")
    print(markdown_table([["module", "changes", "tried", "killed", "survived"], *rows]))
    print(*survivors, sep="\n")
    if poor:
        print(f"too few are killed of the changes to {', '.join(poor)}", file=sys.stderr)
    return int(bool(poor))


def _tried(module: dict[str, Any], exclude: list[str], sample: int | None, folder: Path, again: bool) -> Path:
    from cosmic_ray.work_db import WorkDB, use_db

    name = Path(module["path"]).stem
    copy, config, session = folder / "checkout", folder / f"{name}.toml", folder / f"{name}.sqlite"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", folder.name))
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *module["tests"]]
    config.write_text(
        f'[cosmic-ray]\nmodule-path = "{module["path"]}"\ntimeout = {TIMEOUT}\nexcluded-modules = []\n'
        f"test-command = {json.dumps(shlex.join(command))}\n[cosmic-ray.distributor]\nname = 'local'\n"
        f"[cosmic-ray.filters.operators-filter]\nexclude-operators = {json.dumps(exclude)}\n",
        encoding="utf-8",
    )
    if not session.exists():
        _run("cosmic-ray", "init", config, session, folder=copy)
        _run("cr-filter-operators", session, config, folder=copy)
        with use_db(session, WorkDB.Mode.open) as work:
            _leave_out(work, sample)
    if again:
        with sqlite3.connect(session) as work:
            work.execute("DELETE FROM work_results WHERE test_outcome = 'SURVIVED'")
    _run("cosmic-ray", "exec", config, session, folder=copy)
    return session


def _leave_out(work: Any, sample: int | None) -> None:
    from cosmic_ray.work_item import WorkerOutcome, WorkResult

    # In the order of the source: job numbers differ from run to run.
    pending = sorted(work.pending_work_items, key=lambda item: _place(item.mutations[0]))
    jobs = [item.job_id for item in pending]
    chosen = jobs if sample is None else random.Random(0).sample(jobs, min(sample, len(jobs)))
    for job in set(jobs) - {*chosen}:
        work.set_result(job, WorkResult(output=LEFT_OUT, worker_outcome=WorkerOutcome.SKIPPED))


def _place(change: Any) -> tuple:
    return change.start_pos, change.operator_name, change.occurrence


def _outcomes(session: Path) -> tuple[int, Counter, list[str]]:
    """How many changes there are, what became of those that were tried, and the diffs of those that survived."""
    from cosmic_ray.work_db import WorkDB, use_db

    with use_db(session, WorkDB.Mode.open) as work:
        results = [result for _, result in work.results]
    tried = [result for result in results if result.test_outcome is not None]
    found = len(tried) + sum(result.output == LEFT_OUT for result in results)
    counts = Counter("killed" if result.is_killed else "survived" for result in tried)
    return found, counts, [result.diff or "" for result in tried if not result.is_killed]


def _run(*command: object, folder: Path) -> None:
    subprocess.run([str(Path(sys.executable).parent / str(command[0])), *map(str, command[1:])], cwd=folder, check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--sample", type=int)
    parser.add_argument("--folder", type=Path, default=ROOT / ".mutation")
    parser.add_argument("--again", action="store_true", help="try what survived before once more")
    given = parser.parse_args()
    sys.exit(main(given.words, given.sample, given.folder.resolve(), given.again))
