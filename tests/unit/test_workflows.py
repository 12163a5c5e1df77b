"""The CI's jobs are the noxfile's sessions, all of them and nothing else; and the workflows are what they claim to be:
of the right form, with few rights, pinned, and with an end."""

import importlib.util
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

CURE = "it is not installed: pip install -r requirements/tools.txt"
yaml = pytest.importorskip("yaml", reason=CURE)
CommandFailed = pytest.importorskip("nox.command", reason=CURE).CommandFailed

CALL = re.compile(r'pipx run --spec nox==(\S+) nox --session "\$SESSION"(?: -- [-\w/ "$]+)?')


def load(path: Path) -> dict[str, Any]:
    # YAML 1.1 reads the key `on` as true.
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def jobs() -> list[tuple[str, dict[str, Any]]]:
    return [(f"{path.name}: {name}", job) for path in WORKFLOWS for name, job in load(path)["jobs"].items()]


def calls(job: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for step in job["steps"] if "run" in step]


def sessions_of(job: dict[str, Any]) -> list[str]:
    """The sessions that a job calls, its matrix written out."""
    called = [step["env"]["SESSION"] for step in calls(job)]
    matrix = job.get("strategy", {}).get("matrix", {}).get("session", [])
    return [name for call in called for name in (matrix if call == "${{ matrix.session }}" else [call])]


def nox_sessions() -> set[str]:
    command = [sys.executable, "-m", "nox", "--list"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # With --json those that are not run by default are left out.
    names = re.findall(r"^[*-] (\S+)", done.stdout, re.MULTILINE)
    return {re.sub(r"-3\.\d+$", "", name) for name in names}


@cache
def noxfile() -> Any:
    spec = importlib.util.spec_from_file_location("noxfile", ROOT / "noxfile.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_jobs_are_the_sessions() -> None:
    in_workflows = [session for _, job in jobs() for session in sessions_of(job)]
    assert {*in_workflows} == nox_sessions()
    nightly_too = {f"verify({job})" for job in noxfile().CPU}
    assert {name for name, count in Counter(in_workflows).items() if count > 1} == nightly_too


PUBLISHES = "nightly.yml: publish"
"""The one job that may write: the site, and nothing else."""

VERIFY_NOTHING = {"lint", "docs", "suite", "exhaustive", "mutation", "ratios"}


def test_a_workflow_expects_what_it_runs() -> None:
    module = noxfile()
    for path in WORKFLOWS:
        run = {s for job in load(path)["jobs"].values() for s in sessions_of(job)} - VERIFY_NOTHING
        (merge,) = {session for session in run if session.startswith("merge(")}
        workflow = merge.removeprefix("merge(").removesuffix(")")
        named = {*module.EXPECTED[workflow], *module.TOLD.get(workflow, ())}
        assert {session.removeprefix("verify(").removesuffix(")") for session in run - {merge}} == named


def test_every_job_has_its_requirements() -> None:
    module = noxfile()
    assert [job for job in (*module.CPU, *module.GPU) if not (ROOT / "requirements" / f"{job}.txt").exists()] == []


def test_a_job_calls_a_session_and_nothing_else() -> None:
    pinned = re.search(r"^nox==(\S+)", (ROOT / "requirements" / "tools.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    for name, job in jobs():
        if name == PUBLISHES:
            assert calls(job) == [] and len(job["steps"]) == 1
            continue
        (step,) = calls(job)
        match = CALL.fullmatch(step["run"])
        assert match is not None, (name, step["run"])
        assert match.group(1) == pinned.group(1), name


class Recorded:
    """A session that runs nothing: what it was told to, and of which commands it says that they failed."""

    def __init__(self, *failing: str) -> None:
        self.failing, self.commands = failing, []

    def install(self, *_: str) -> None:
        """Nothing is installed."""

    def run(self, *command: str, **_: Any) -> None:
        """Note the command."""
        self.commands.append(command)
        if any(word in command for word in self.failing):
            raise CommandFailed(command[0])
        if command[:2] == ("gradproof", "page"):
            Path("merged/site").mkdir(exist_ok=True)


@pytest.fixture
def merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a merge job, whose merged results are there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_REPOSITORY", "somebody/gradproof")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "step.md"))
    (tmp_path / "merged").mkdir()
    (tmp_path / "merged" / "merged.jsonl").write_text("{}\n")
    (tmp_path / "merged" / "summary.md").write_text("All is well.\n")
    return tmp_path


EARLIER = ("--earlier", "merged/last_night.jsonl")


def test_the_nightly_site_is_compared_with_the_last_one_and_takes_along_its_results(merged: Path) -> None:
    session = Recorded()
    noxfile().merge(session, "nightly")
    fetch, page = session.commands[1:]
    assert fetch[0] == "curl" and fetch[-1] == "https://somebody.github.io/gradproof/merged.jsonl"
    assert EARLIER[1] in fetch and page[-2:] == EARLIER
    assert (merged / "merged" / "site" / "merged.jsonl").read_text() == "{}\n"
    assert (merged / "step.md").read_text() == "All is well.\n"


@pytest.mark.parametrize("failing", ["curl", "--earlier"], ids=["the first night", "results that cannot be read"])
def test_a_night_without_one_before_has_its_site_and_says_so(merged: Path, failing: str) -> None:
    session = Recorded(failing)
    noxfile().merge(session, "nightly")
    assert session.commands[-1][:2] == ("gradproof", "page") and "--earlier" not in session.commands[-1]
    assert (merged / "merged" / "site" / "merged.jsonl").exists()
    assert "says nothing of what changed" in (merged / "step.md").read_text()


def test_a_night_that_finds_something_is_published_and_fails(merged: Path) -> None:
    session = Recorded("merge")
    with pytest.raises(CommandFailed):
        noxfile().merge(session, "nightly")
    assert session.commands[-1][-2:] == EARLIER and (merged / "merged" / "site" / "merged.jsonl").exists()


def test_a_site_is_made_of_the_nightly_results_alone(merged: Path) -> None:
    session = Recorded()
    noxfile().merge(session, "gpu")
    assert len(session.commands) == 1 and not (merged / "merged" / "site").exists()


def test_every_job_ends_and_one_that_fails_stops_no_other() -> None:
    for name, job in jobs():
        assert 0 < job["timeout-minutes"] <= 180, name
        if "strategy" in job:
            assert job["strategy"]["fail-fast"] is False, name


def test_the_rights_are_to_read_and_the_actions_are_pinned() -> None:
    for path in WORKFLOWS:
        assert load(path)["permissions"] == {"contents": "read"}
        used = re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8"))
        assert used and [action for action in used if not re.fullmatch(r"actions/[\w/-]+@[0-9a-f]{40}", action)] == []
    given = {name: job["permissions"] for name, job in jobs() if "permissions" in job}
    assert given == {PUBLISHES: {"pages": "write", "id-token": "write"}}


def test_a_runner_of_ones_own_runs_no_proposal_of_a_stranger() -> None:
    for path in WORKFLOWS:
        workflow = load(path)
        if any("self-hosted" in job["runs-on"] for job in workflow["jobs"].values()):
            assert {*workflow[True]} == {"schedule", "workflow_dispatch"}


LINTERS = {
    "schema": ("check_jsonschema", ("--builtin-schema", "vendor.github-workflows")),
    "safety": ("zizmor", ("--offline", "--no-progress")),
}


def linted(tool: str, options: tuple[str, ...], *paths: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", tool] if tool == "check_jsonschema" else [str(Path(sys.executable).parent / tool)]
    return subprocess.run([*command, *options, *map(str, paths)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("tool", "options"), LINTERS.values(), ids=LINTERS)
def test_the_linters_find_nothing(tool: str, options: tuple[str, ...], tmp_path: Path) -> None:
    done = linted(tool, options, *WORKFLOWS)
    assert done.returncode == 0, done.stdout + done.stderr
    # What they must find: no schema has such a key, and no safe job runs the title of an issue.
    bad = tmp_path / "bad.yml"
    bad.write_text(
        "on: issues\njobs:\n  a:\n    runs_on: ubuntu-latest\n    steps:\n"
        '      - run: echo "${{ github.event.issue.title }}"\n'
    )
    assert linted(tool, options, bad).returncode != 0
