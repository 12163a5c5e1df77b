"""What README, CONTRIBUTING and docs say holds: their links lead somewhere, their commands exist, and their examples
are verified as they stand."""

import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from gradproof.cli import app

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


def test_a_wrong_example_is_found(tmp_path):
    wrong = fenced(ROOT / "CONTRIBUTING.md", "python file=mine.py")[0].replace("return 3 *", "return 2 *")
    (tmp_path / "mine.py").write_text(wrong, encoding="utf-8")
    assert run(fenced(ROOT / "CONTRIBUTING.md", "sh")[0], tmp_path).returncode == 1
