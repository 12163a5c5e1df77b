"""The contracts on what may import what: this package keeps them, and each is broken by an import that it forbids."""

import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

pytest.importorskip("importlinter", reason="it is not installed: pip install -r requirements/tools.txt")

ROOT = Path(__file__).parents[2]

FORBIDDEN = {
    "rooms": ("registry/record.py", "from gradproof.oracles import exact"),
    "face": ("__init__.py", "from gradproof.oracles import exact"),
    "behind-the-face": ("oracles/exact.py", "import gradproof"),
    # For a type hint, and inside a function.
    "circles": ("verification/cells.py", "if typing.TYPE_CHECKING:\n    from gradproof.verification.run import Run"),
    "frameworks": ("oracles/verdict.py", "def late():\n    import torch.nn"),
    "oracles": ("oracles/machine_model.py", "from gradproof.oracles.balls import Balls"),
    "balls": ("oracles/balls/rounding.py", "from gradproof.oracles.balls.elementwise import Elementwise"),
    "tape": ("oracles/tape/program.py", "from gradproof.oracles.tape.solution import solve"),
}
"""For each contract a file, and what must not stand in it."""


def verdicts(folder: Path) -> dict[str, str]:
    """KEPT or BROKEN for each contract, by its name."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-logo"]
    run = subprocess.run([*command, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)
    found = dict(re.findall(r"^(.+) (KEPT|BROKEN)\b.*$", run.stdout, re.MULTILINE))
    assert found, run.stdout + run.stderr
    assert run.returncode == ("BROKEN" in found.values())
    return found


def contracts() -> dict[str, str]:
    settings = ConfigParser()
    settings.read(ROOT / ".importlinter", encoding="utf-8")
    prefix = "importlinter:contract:"
    return {name.removeprefix(prefix): settings[name]["name"] for name in settings.sections() if prefix in name}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package, with its contracts beside it."""
    shutil.copy(ROOT / ".importlinter", tmp_path)
    return shutil.copytree(ROOT / "gradproof", tmp_path / "gradproof", ignore=shutil.ignore_patterns("__pycache__"))


def test_every_contract_is_kept():
    assert verdicts(ROOT) == dict.fromkeys(contracts().values(), "KEPT")


@pytest.mark.parametrize("contract", contracts())
def test_every_contract_can_be_broken(contract, package):
    file, lines = FORBIDDEN[contract]
    with (package / file).open("a", encoding="utf-8") as code:
        code.write(f"\n{lines}\n")
    assert verdicts(package.parent)[contracts()[contract]] == "BROKEN"


def test_a_room_without_a_place_is_an_error(package):
    (package / "attic.py").write_text("", encoding="utf-8")
    assert verdicts(package.parent)[contracts()["rooms"]] == "BROKEN"
