"""The catalogue of known cases: every number is there once, every entry that it names exists, and every failure that it
tells of is recorded, and so asserted."""

import pytest

from gradproof.backends import BACKENDS
from gradproof.registry import load_builtin
from gradproof.report.tables import catalogue
from gradproof.report.tables.catalogue import Case

NUMBERS = (
    *(1, 2, 3, 4, *range(9, 33), 36, 37, 38, 40, *range(42, 49), *range(50, 58), 60, 62, 65, 66, 67, *range(69, 75)),
    *(*range(76, 81), *range(84, 90), 91, 92, 94, 95, 96, *range(99, 103), *range(106, 121)),
)
CASES = {case.id: case for case in catalogue.load()}
NAMES = {entry.name for entry in load_builtin()}


def test_every_number_is_there_once() -> None:
    assert tuple(case.id for case in catalogue.load()) == NUMBERS


@pytest.mark.parametrize("number", NUMBERS)
def test_a_case_is_tried_or_says_why_not(number: int) -> None:
    case = CASES[number]
    assert set(case.entries) <= NAMES
    assert case.entries or case.reason
    assert {backend for backends in case.failing.values() for backend in backends} <= set(BACKENDS)
    assert case.unrecorded == []


def test_a_failure_that_nobody_recorded_is_told() -> None:
    case = Case(0, "planted", ("sine",), {"wrong": ("numpy",)}, "", "")
    assert case.unrecorded == ["numpy: wrong"]


def test_the_table_tells_each_outcome() -> None:
    lines = catalogue.table([CASES[2], CASES[21], CASES[86]]).splitlines()
    assert "wrong: autograd, tensorflow, jax, torch" in lines[2]
    assert "NaN" in lines[3] and "holds" in lines[4]
