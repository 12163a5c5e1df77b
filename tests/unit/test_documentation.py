"""What README, CONTRIBUTING and docs say holds: their links lead somewhere, their commands exist, and their examples
are verified as they stand."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from gradproof import GradientError
from gradproof.cli import app
from tests.unit.made import needs

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = {command.name or command.callback.__name__.rstrip("_") for command in app.registered_commands}

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def fenced(page: Path, opening: str) -> list[str]:
    """The blocks of a page that begin with this line."""
    return re.findall(rf"^```{re.escape(opening)}\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command of the documentation, in a folder of its own."""
    words = shlex.split(command)
    assert words[0] == "gradproof"
    # The checkout may not be installed where the tests run.
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=200, check=False
    )


@pages
def test_no_link_is_dead(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pages
def test_every_command_exists(page):
    named = set(re.findall(r"(?:^ *|[`/])gradproof ([a-z]+)\b", page.read_text(encoding="utf-8"), re.M))
    assert named <= COMMANDS, named - COMMANDS


def test_the_function_that_contributing_shows_is_verified(tmp_path):
    (tmp_path / "mine.py").write_text(fenced(ROOT / "CONTRIBUTING.md", "python file=mine.py")[0], encoding="utf-8")
    verify, blame = fenced(ROOT / "CONTRIBUTING.md", "sh")
    result = run(verify, tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "sum_of_cubes" in result.stdout
    assert run(blame, tmp_path).returncode == 0


def test_the_function_of_the_page_on_functions_is_verified(tmp_path):
    text = (ROOT / "docs" / "functions.md").read_text(encoding="utf-8")
    block = re.search(r"(?:^(?: {4}.*)?\n)+?(?=\S)", text[text.index("    # mine.py") :], re.M)
    (tmp_path / "mine.py").write_text(textwrap.dedent(block[0]), encoding="utf-8")
    result = run("gradproof verify mine.py --backend numpy", tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "weighted_sum_times_z" in result.stdout


def test_data_stands_behind_a_star_as_the_page_on_functions_shows(tmp_path):
    (tmp_path / "data.py").write_text(
        fenced(ROOT / "docs" / "functions.md", "python file=data.py")[0], encoding="utf-8"
    )
    result = run("gradproof verify data.py --backend numpy", tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_function_without_a_body_is_verified_as_the_page_on_functions_shows(tmp_path):
    needs("autograd")
    (tmp_path / "kernel.py").write_text(
        fenced(ROOT / "docs" / "functions.md", "python file=kernel.py")[0], encoding="utf-8"
    )
    results = tmp_path / "rows.jsonl"
    result = run("gradproof verify kernel.py --dtype float64 --results rows.jsonl", tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    rows = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    assert {row["verdict"] for row in rows if row["check"] == "exact"} == {"verified"}


def commands(page: Path) -> list[str]:
    """The lines of a page that are commands, those of its blocks and those that are set in."""
    text = page.read_text(encoding="utf-8")
    blocks = [line for block in fenced(page, "sh") for line in block.splitlines()]
    set_in = re.findall(r"^ {4}((?:gradproof|pytest|python3?|nox|pip) .*)$", text, re.M)
    return [shlex.join(shlex.split(line, comments=True)) for line in (*blocks, *set_in)]


ELSEWHERE = "another test of this file runs it"
MINUTES = "it takes minutes: CI runs it, or its like"
EVERYTHING = "it imports every framework, which takes a minute; with --backend numpy it is run"

UNTRIED = {
    "gradproof verify mine.py --backend numpy": ELSEWHERE,
    "gradproof blame log_softmax --point 0": ELSEWHERE,
    "gradproof verify -k tensorflow": MINUTES,
    "gradproof verify": MINUTES,
    "gradproof operations torch -k softmax": MINUTES,
    "gradproof campaign --state results/campaign": "it runs for hours",
    "gradproof accuracy -k tanh --dtype bfloat16": MINUTES,
    "gradproof accuracy -k natural_logarithm --backend torch --every 1/1024": MINUTES,
    "python -m benchmarks.programs --backend torch,autograd --count 10000 --seed 7": MINUTES,
    "pip install hypofuzz": "it installs a package, and fuzzes until it is ended",
    "nox -s verify(tensorflow-cpu)": MINUTES,
    "python3 -m venv .venv": "the first lines of the README are the whole of CI",
    "gradproof explain exponential_of_sine --at x=1000": EVERYTHING,
    "gradproof verify mine.py --backend jax,torch": EVERYTHING,
    "gradproof verify mine.py": EVERYTHING,
}
"""Commands that are not run here, by how they begin before any `&&`, and why."""

STATUS = {"gradproof merge": 1}
"""What a command ends with that is not 0: of the backends that it expects nothing is there."""

TRIED = ["README", "command_line", "ci", "page", "index", "exhaustive", "campaign", "CONTRIBUTING"]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A folder with a file of functions and the results files that the pages name."""
    folder = tmp_path_factory.mktemp("results")
    assert run("gradproof new mine.py", folder).returncode == 0
    done = run("gradproof verify mine.py --backend numpy --results results.jsonl -q", folder)
    assert done.returncode == 0, done.stdout
    (folder / "results").mkdir()
    names = ("BEFORE.jsonl", "NOW.jsonl", "now.jsonl", "last_month.jsonl", "last_week.jsonl", "results/numpy.jsonl")
    for name in names:
        shutil.copy(folder / "results.jsonl", folder / name)
    return folder


def untried(command: str) -> str | None:
    """The line of the table that says why a command is not run here."""
    first = shlex.split(command.partition(" '&&' ")[0])
    return next((line for line in UNTRIED if shlex.split(line) == first), None)


NAMED = list(dict.fromkeys(line for page in PAGES if page.stem in TRIED for line in commands(page)))
RUN = [line for line in NAMED if untried(line) is None]


def test_what_is_not_run_here_stands_in_the_documentation():
    assert {page.stem for page in PAGES} >= set(TRIED) and len(RUN) >= 7
    assert {untried(line) for line in NAMED} - {None} == set(UNTRIED)


@pytest.mark.parametrize("number", range(len(RUN)))
def test_every_other_command_of_the_documentation_runs(results, number):
    done = run(RUN[number], results)
    status = next((code for start, code in STATUS.items() if RUN[number].startswith(start)), 0)
    assert done.returncode == status, RUN[number] + done.stdout + done.stderr


@pytest.mark.parametrize("page", ["tutorial"])
def test_the_commands_of_a_page_run(page, tmp_path):
    for block in fenced(ROOT / "docs" / f"{page}.md", "sh"):
        for command in block.splitlines():
            result = run(command, tmp_path)
            assert result.returncode == 0, command + result.stdout + result.stderr


TUTORIAL = fenced(ROOT / "docs" / "tutorial.md", "python")


@pytest.mark.parametrize("number", range(len(TUTORIAL)))
def test_the_tutorial_finds_what_it_says(number, tmp_path, capsys):
    framework = next(
        name for name in ("torch", "tensorflow", "autograd", "jax") if f"import {name}" in TUTORIAL[number]
    )
    pytest.importorskip(framework)
    exec(compile(TUTORIAL[number], "tutorial", "exec"), {"__name__": "tutorial"})
    printed = capsys.readouterr().out
    assert printed.startswith("WRONG: ")
    shown = re.search(r"^```python.*?^```\n(.*?)(?=^##|\Z)", sections("tutorial")[number], re.M | re.S)[1]
    for line in filter(None, re.findall(r"^ {4}(.*)", shown, re.M)):
        assert line.strip() == "…" or " on " in line or line.strip() in printed, line


def test_what_the_readme_finds_is_what_it_shows():
    """The lines beneath its code are those that the code prints."""
    pytest.importorskip("torch")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    [code] = fenced(ROOT / "README.md", "python")
    with pytest.raises(GradientError) as raised:
        exec(compile(code, "readme", "exec"), {"__name__": "readme"})
    printed = str(raised.value)
    shown = re.match(r"\n*((?: {4}.*\n)+)", text.partition(f"{code}```")[2])[1].splitlines()
    assert shown[-1].strip() == "…" and len(shown) > 8
    for line in shown[1:-1]:
        assert line.removeprefix("    ") in printed.splitlines(), line


def sections(page):
    return (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8").split("\n## ")[1:]


def built(folder, site):
    """The site of a checkout. Not with -q, which leaves out of the count what --strict counts."""
    pytest.importorskip("mkdocs", reason="mkdocs is not installed: requirements/tools.txt")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(site)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_site_builds_without_a_dead_link(tmp_path):
    done = built(ROOT, tmp_path / "site")
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "site" / "api" / "index.html").read_text(encoding="utf-8")
    assert "check_grads" in page and "UnitInterval" in page
    assert (tmp_path / "site" / "search" / "search_index.json").is_file()


def test_a_dead_link_ends_the_build_of_the_site(tmp_path):
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "site_links.py", tmp_path / "docs")
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    (tmp_path / "mkdocs.yml").write_text(config[: config.index("nav:")], encoding="utf-8")
    for link, status in (("index.md", 0), ("nonesuch.md", 1)):
        (tmp_path / "docs" / "index.md").write_text(f"# A page\n\n[elsewhere]({link})\n", encoding="utf-8")
        assert built(tmp_path, tmp_path / "site").returncode == status


def test_a_wrong_example_is_found(tmp_path):
    wrong = fenced(ROOT / "CONTRIBUTING.md", "python file=mine.py")[0].replace("return 3 *", "return 2 *")
    (tmp_path / "mine.py").write_text(wrong, encoding="utf-8")
    assert run(fenced(ROOT / "CONTRIBUTING.md", "sh")[0], tmp_path).returncode == 1
