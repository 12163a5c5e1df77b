"""Names: `-k` takes every name on the path of a test, so no file, test, marker or registry entry bears a backend's."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradproof import backends
from gradproof.registry import load_builtin

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"


def bears_a_backend(name: str) -> bool:
    """Whether `-k` with some backend's name would select `name`."""
    return any(backend in name.lower() for backend in backends.BACKENDS)


def trees() -> Iterator[ast.Module]:
    for path in (ROOT / "conftest.py", *sorted(TESTS.rglob("*.py"))):
        yield ast.parse(path.read_text(encoding="utf-8"))


def test_the_check_finds_what_it_looks_for() -> None:
    assert bears_a_backend("test_jax_numpy.py") and bears_a_backend("PyTorch") and not bears_a_backend("test_balls.py")


def test_no_file_or_folder_bears_a_backend() -> None:
    assert [p.name for p in TESTS.rglob("*") if "__pycache__" not in p.parts and bears_a_backend(p.name)] == []


def test_no_test_bears_a_backend() -> None:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    names = [n.name for tree in trees() for n in ast.walk(tree) if isinstance(n, kinds)]
    tests = [name for name in names if name.lower().startswith("test")]
    assert len(tests) > 100 and [name for name in tests if bears_a_backend(name)] == []


def test_no_marker_bears_a_backend(pytestconfig: pytest.Config) -> None:
    used = {
        node.attr
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and node.value.attr == "mark"
    }
    declared = {line.split(":")[0] for line in pytestconfig.getini("markers")}
    assert "parametrize" in used and [name for name in used | declared if bears_a_backend(name)] == []


def test_no_registry_entry_bears_a_backend() -> None:
    entries = load_builtin()
    assert entries and [entry.name for entry in entries if bears_a_backend(entry.name)] == []
    assert [entry.path for entry in entries if bears_a_backend(Path(entry.path).name)] == []


def test_no_collected_unit_test_bears_a_backend(request: pytest.FixtureRequest) -> None:
    unit = [item for item in request.session.items if "unit" in item.path.parts]
    names = {
        name for item in unit for name in (item.name, item.path.name, *(mark.name for mark in item.iter_markers()))
    }
    assert unit and [name for name in names if bears_a_backend(name)] == []


def test_no_two_registry_entries_contain_one_another_with_a_dtype() -> None:
    words = (*backends.DTYPES, *backends.DEVICES, *backends.MODES)
    assert [(entry.name, word) for entry in load_builtin() for word in words if word in entry.name] == []
