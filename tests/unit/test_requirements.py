"""What Gradproof says that it runs with, in pyproject.toml, and what it is tested with, in requirements/, agree."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from gradproof.backends import BACKENDS
from tests.unit.made import DIFFERENTIATING

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "requirements"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
RANGES = [Requirement(line) for lines in (PROJECT["dependencies"], *EXTRAS.values()) for line in lines]
RANGES = [requirement for requirement in RANGES if requirement.name != "gradproof"]


def lines(path: Path) -> list[str]:
    given = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in given if line]


def pins(path: Path) -> dict[str, Version]:
    """The versions that a file fixes."""
    fixed = (re.fullmatch(r"([\w.-]+)==(\S+)", line) for line in lines(path))
    return {match[1]: Version(match[2]) for match in fixed if match}


PINS = pins(FOLDER / "pins.txt")


def unmet(ranges: list[Requirement], pinned: dict[str, Version], also: set[str]) -> list[str]:
    """What the ranges and the pins say against each other; `also` are packages that something else installs."""
    names = {requirement.name for requirement in ranges}
    return [
        *(f"{r.name} has no pin" for r in ranges if r.name not in pinned),
        *(f"{r} excludes its pin" for r in ranges if r.name in pinned and pinned[r.name] not in r.specifier),
        *(f"{r.name} has no range" for r in ranges if not r.specifier),
        *(f"nothing installs {name}" for name in pinned if name not in names | also),
    ]


def test_every_range_has_a_pin_within_it_and_no_pin_is_left_over() -> None:
    named = {Requirement(line).name for line in lines(FOLDER / "suite.txt") if line[0] != "-"}
    assert unmet(RANGES, PINS, named) == []
    planted = [Requirement("numpy>=2.1"), Requirement("scipy>=99"), Requirement("jax")]
    assert unmet(planted, {"numpy": Version("2.4"), "scipy": Version("1.17"), "rich": Version("1")}, set()) == [
        "jax has no pin",
        "scipy>=99 excludes its pin",
        "jax has no range",
        "nothing installs rich",
    ]


def test_every_pin_says_why_it_is_there() -> None:
    for name in ("pins.txt", "tools.txt"):
        text = (FOLDER / name).read_text(encoding="utf-8").splitlines()
        assert [line for line in text if "==" in line and "#" not in line] == []


@pytest.mark.parametrize("name", ["oldest.txt", "newest.txt"])
def test_what_is_no_backend_is_pinned_alike_everywhere(name: str) -> None:
    backends = {distribution for backend in BACKENDS.values() for distribution in backend.distributions}
    tools = {name: version for name, version in PINS.items() if name not in backends | {"scipy", "jaxlib"}}
    given = pins(FOLDER / name)
    assert {name: given.get(name) for name in tools} == tools


def test_the_ranges_begin_at_the_oldest_versions_that_are_tried() -> None:
    oldest = pins(FOLDER / "oldest.txt")
    begin = {r.name: Version(s.version) for r in RANGES for s in r.specifier if s.operator == ">="}
    tools = {name for name, version in pins(FOLDER / "newest.txt").items()}
    assert {name: begin[name] for name in oldest if name not in tools} == {
        name: version for name, version in oldest.items() if name not in tools
    }


@pytest.mark.parametrize("backend", DIFFERENTIATING.values(), ids=DIFFERENTIATING)
def test_a_backend_has_an_extra_and_its_job_installs_it(backend: str) -> None:
    assert EXTRAS[backend]
    for path in FOLDER.glob(f"{backend}-*.txt"):
        assert f"-e .[{backend}]" in lines(path)
    (everything,) = map(Requirement, EXTRAS["all"])
    assert backend in everything.extras


def test_pinned_are_the_tools_of_each_environment_once() -> None:
    assert PINS.keys() & pins(FOLDER / "tools.txt").keys() == set()
