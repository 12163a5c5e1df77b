"""The search for a failing input: what it counts, and what it shows in the end."""

import importlib
from pathlib import Path

import pytest
from hypothesis import find

from gradproof.oracles.verdict import Verdict
from gradproof.registry import Function, Reals, function
from gradproof.verification.cells import Cell
from gradproof.verification.examine import Examiner
from gradproof.verification.search import drawn, search


def a_cube() -> Function:
    """Above 100 it loses digits, and at an integer, which is simpler to Hypothesis, it is wrong."""

    @function(x=Reals(low=-1e3, high=1e3), points=[dict(x=1.5)])
    def cube(xp, x):
        return x * x * x

    @cube.gradient
    def _(xp, x):
        return (3 * x * x,)

    @cube.implementation("numpy")
    def _(x):
        return x * x * x * (1 if abs(x) < 100 else 1.01 if float(x).is_integer() else 1 + 1e-11)

    return cube


@pytest.mark.parametrize("seed", range(5))
def test_the_verdict_of_a_cell_is_that_of_the_input_that_it_shows(seed: int) -> None:
    f = a_cube()
    tally = search(f, Examiner(Cell(f, "numpy", "cpu", "float64", "reverse")).against_truth, run_seed=seed, examples=40)
    assert tally.failure is tally.worst
    assert tally.failure.judgement.verdict == Verdict.WRONG
    assert tally.verdict == Verdict.WRONG
    assert tally.counts[str(Verdict.IMPRECISE)] == 0


def test_what_else_is_imported_changes_no_draw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def made() -> Function:
        return function(x=Reals((50,)))(lambda xp, x: xp.sum(x))

    def draws() -> list[list[float]]:
        return [x.tolist() for (x,) in drawn(made(), 0, 20)]

    before = draws()
    (tmp_path / "full_of_numbers.py").write_text(f"NUMBERS = {[k / 256 for k in range(500)]}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("full_of_numbers")
    find(made().inputs(), lambda inputs: inputs[0].any())  # Hypothesis keeps what it mixes in here
    assert draws() == before
