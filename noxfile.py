"""The matrix jobs, as they run anywhere: each session is one job of .github/workflows, in a fresh environment of its
own, and leaves results/JOB.jsonl and results/JOB.xml. Words behind `--` go to pytest, or to `gradproof verify`."""

import os
import shutil
from pathlib import Path

import nox
from nox.command import CommandFailed

# A job that quietly does not run is what these jobs are there to prevent.
nox.options.error_on_missing_interpreters = True

CPU = ("numpy-cpu", "autograd-cpu", "tensorflow-cpu", "jax-cpu", "torch-cpu")
GPU = ("tensorflow-gpu", "jax-gpu", "torch-gpu")
BESIDE = ("all-in-one", "numpy-alone", "oldest", "newest")
"""The jobs that verify more than one backend, or one more than once."""

EXPECTED = {"pull-request": (*CPU, *BESIDE), "nightly": CPU, "gpu": GPU}
"""What each workflow must have verified, or it fails."""

TOLD = {"nightly": ("prereleases",)}
"""What may be missing, but is told."""

PUBLISHED = ("nightly",)
"""The workflows whose results become a site."""

MERGED, SITE = Path("merged/merged.jsonl"), Path("merged/site")
LAST_NIGHT = Path("merged/last_night.jsonl")

OLDEST_PYTHON, NEWEST_PYTHON = "3.11", "3.13"

nox.options.sessions = ["lint", *(f"verify({job})" for job in CPU), *BESIDE]


@nox.session
@nox.parametrize("job", [nox.param(job, id=job) for job in (*CPU, *GPU)])
def verify(session: nox.Session, job: str) -> None:
    """One backend on one device, alone in its environment."""
    backend, _, device = job.partition("-")
    _install(session, f"requirements/{job}.txt")
    # One process owns the card; on the CPU every core has one. Either way a crash costs its own cell alone.
    workers = "1" if device == "gpu" else "auto"
    _run(session, job, "gradproof", "verify", "-k", backend, "--device", device, "--require", job, "-n", workers)


@nox.session(name="all-in-one")
def all_in_one(session: nox.Session) -> None:
    """Every backend in one process, imported in one order and in the reverse, and the suite's own tests."""
    _install(session, "requirements.txt", "requirements/torch-cpu.txt")
    names = [job.removesuffix("-cpu") for job in CPU]
    _run(session, "all-in-one", "pytest", *_required(CPU))
    backwards = ["-k", "weighted_sum", "--backend", ",".join(names[::-1])]
    _run(session, "all-in-one.reverse", "pytest", *backwards, *_required(CPU))


@nox.session
def suite(session: nox.Session) -> None:
    """The suite's own tests, with those that take too long for every day: that each script of what is recorded
    reproduces it, and that each entry is missed when it is deleted. Every input has a session of its own."""
    _install(session, "requirements.txt", "requirements/torch-cpu.txt", "requirements/browser.txt")
    # It verifies no cell, and a results file without a row is an error where results are merged.
    command = ["pytest", "tests/unit", "-m", "not exhaustive", "--hypothesis-profile", "nightly", "-n", "auto"]
    _run(session, "suite", *command, rows=False)


@nox.session
def exhaustive(session: nox.Session) -> None:
    """Every number of half precision, function by function: what is far off fails until its cause is recorded."""
    _install(session, "requirements.txt", "requirements/torch-cpu.txt")
    command = ["pytest", "tests/unit/test_exhaustive.py", "--hypothesis-profile", "nightly", "-n", "auto"]
    _run(session, "exhaustive", *command, rows=False)


MUTATED = ("verdict", "rounding", "machine_model", "reference", "judge")
"""The modules whose survivors have all been looked at (docs/MUTATION.md)."""


@nox.session
def mutation(session: nox.Session) -> None:
    """Whether the tests notice a change of the code that judges: a sample of changes, one after the other."""
    _install(session, "requirements/numpy-cpu.txt", "requirements/mutation.txt")
    session.run("python", "-m", "benchmarks.mutation", *(session.posargs or [*MUTATED, "--sample", "60"]))


@nox.session
def ratios(session: nox.Session) -> None:
    """What a check costs beside the gradient and the framework's own checker; fails where a ratio grew by a quarter."""
    _install(session, "requirements.txt", "requirements/torch-cpu.txt")
    session.run("python", "-m", "benchmarks.peers", "--guard", "benchmarks/ratios.json")


@nox.session(name="numpy-alone")
def numpy_alone(session: nox.Session) -> None:
    """The whole suite where no framework is installed: what needs one is not run, and everything else passes."""
    _install(session, "requirements/numpy-cpu.txt")
    _run(session, "numpy-alone", "pytest", *_required(CPU[:1]), "-n", "auto")


@nox.session(python=OLDEST_PYTHON)
def oldest(session: nox.Session) -> None:
    """The oldest versions that are supported."""
    _install(session, "requirements/oldest.txt")
    _run(session, "oldest", "gradproof", "verify", *_required(CPU[:4]), "-n", "auto")


@nox.session(python=NEWEST_PYTHON)
def newest(session: nox.Session) -> None:
    """The newest releases, which nothing pins."""
    _install(session, "requirements/newest.txt")
    _run(session, "newest", "gradproof", "verify", *_required(CPU[:4]), "-n", "auto")


@nox.session(python=NEWEST_PYTHON)
def prereleases(session: nox.Session) -> None:
    """What is to be released: allowed to fail, which the workflow says, but never silently, which `merge` sees to."""
    _install(session, "requirements/newest.txt", "--pre")
    _run(session, "prereleases", "gradproof", "verify", *_required(CPU[:4]), "-n", "auto")


@nox.session
def lint(session: nox.Session) -> None:
    """The code's style, what imports what, and the workflows against their schema and what makes one unsafe."""
    _install(session, "requirements/tools.txt")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--no-logo")
    workflows = sorted(map(str, Path(".github/workflows").glob("*.yml")))
    session.run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    session.run("zizmor", "--offline", "--no-progress", *workflows)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation as a site, in site/; fails where a link is dead."""
    _install(session, "requirements/tools.txt", "requirements/numpy-cpu.txt")
    session.run("mkdocs", "build", "--strict")


@nox.session
@nox.parametrize("workflow", [nox.param(name, id=name) for name in EXPECTED])
def merge(session: nox.Session, workflow: str) -> None:
    """All jobs' results in one file, their tables as the job summary, and a site; fails when an expected cell is
    missing."""
    _install(session, "requirements/numpy-cpu.txt")
    summary = Path("merged") / "summary.md"
    command = ["gradproof", "merge", "results", "--output", str(MERGED), "--summary", str(summary)]
    told = ["--tell", ",".join(TOLD[workflow])] if workflow in TOLD else []
    try:
        session.run(*command, "--expect", ",".join(EXPECTED[workflow]), *told)
    finally:
        if workflow in PUBLISHED and MERGED.exists():
            _site(session, summary)
        if summary.exists() and (page := os.environ.get("GITHUB_STEP_SUMMARY")):
            with Path(page).open("a", encoding="utf-8") as file:
                file.write(summary.read_text(encoding="utf-8"))


def _site(session: nox.Session, summary: Path) -> None:
    """The site of the merged results, with what changed since the last one that was published. It takes along its
    results, for the next."""
    scripts = ["--scripts=results/scripts"] if Path("results/scripts").is_dir() else []
    page = ["gradproof", "page", str(MERGED), "--output", str(SITE), *scripts]
    owner, _, name = os.environ.get("GITHUB_REPOSITORY", "").partition("/")
    url = f"https://{owner}.github.io/{name}/{MERGED.name}"
    fetch = [
        "curl",
        "--fail",
        "--silent",
        "--show-error",
        "--location",
        "--retry",
        "3",
        "--output",
        str(LAST_NIGHT),
        url,
    ]
    try:
        session.run(*fetch, external=True)
        session.run(*page, "--earlier", str(LAST_NIGHT))
    except CommandFailed:
        # There is none the first night; and one that cannot be read must not keep every later one from being made.
        with summary.open("a", encoding="utf-8") as file:
            file.write(
                f"\nThe site says nothing of what changed: no results of an earlier night were read from {url}\n"
            )
        session.run(*page)
    shutil.copy(MERGED, SITE)


def _install(session: nox.Session, *requirements: str) -> None:
    files = [f"--requirement={name}" for name in requirements if not name.startswith("--")]
    session.install(*files, *(name for name in requirements if name.startswith("--")))


def _required(jobs: tuple[str, ...]) -> list[str]:
    return [f"--require={job}" for job in jobs]


def _run(session: nox.Session, job: str, *command: str, rows: bool = True) -> None:
    # SHARD=2/3 is the second of three runners that share a job; each leaves files of its own.
    shard, _, shards = os.environ.get("SHARD", "").partition("/")
    split = ["--splits", shards, "--group", shard] if shards else []
    stem = f"results/{job}.{shard}" if shards else f"results/{job}"
    files = [f"--results={stem}.jsonl"] if rows else []
    session.run(*command, *split, *files, f"--junitxml={stem}.xml", *session.posargs)
