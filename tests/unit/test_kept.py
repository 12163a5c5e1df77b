"""What one worker of a run has found the others need not compute again, and it makes no difference; what other code has
found, and a file that cannot be read, are left alone."""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from flint import arb, ctx

from gradproof import registry
from gradproof.oracles.kept import Kept, Shared, dump, load
from gradproof.oracles.kinks import Kink
from gradproof.oracles.machine_model import FORMATS, MachineModel
from gradproof.oracles.reference import Bounds, Reference, Truth
from gradproof.oracles.second_order import SecondOrder
from gradproof.registry import Function
from tests.unit.made import at, entry

pytest.importorskip("sqlite3", reason="this Python was built without it, and its workers share nothing")

DOUBLE = MachineModel(FORMATS["float64"])


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Shared]:
    table = Shared(tmp_path)
    yield table
    table.close()


def never() -> float:
    raise AssertionError("computed though it was there")


def in_another_worker(function: Function, shared: Shared) -> Reference:
    """A reference that can compute nothing, because another worker is to have found all that it is asked for."""
    reference = Reference(function)
    reference._find_truth = reference._find_bounds = lambda *_: never()
    reference.kept.share(shared)
    return reference


def assert_same(ours: Truth, theirs: Truth) -> None:
    assert ours.hand == theirs.hand
    np.testing.assert_array_equal(ours.scale, theirs.scale)  # a NaN where the gradient at a kink is one
    for one, other in zip((ours.value, *ours.gradient), (theirs.value, *theirs.gradient), strict=True):
        np.testing.assert_array_equal((one.high, one.low), (other.high, other.low))


def assert_same_bounds(ours: Bounds, theirs: Bounds) -> None:
    assert (ours.out_of_range, ours.near_kink) == (theirs.out_of_range, theirs.near_kink)
    for one, other in zip((ours.value, *ours.gradient), (theirs.value, *theirs.gradient), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "function", [f for f in registry.load_builtin() if f.points][::25], ids=lambda function: function.name
)
def test_what_one_finds_is_what_another_is_told(function: Function, shared: Shared) -> None:
    first = Reference(function)
    first.kept.share(shared)
    second = in_another_worker(function, shared)
    for inputs in function.points:
        assert_same(first.truth(inputs), second.truth(inputs))
        assert_same_bounds(first.bounds(inputs, DOUBLE), second.bounds(inputs, DOUBLE))


def test_formats_are_kept_apart(shared: Shared) -> None:
    square = entry(lambda xp, x: x * x, lambda xp, x: 2 * x, x=())
    first = Reference(square)
    first.kept.share(shared)
    double, single = first.bounds(at(1.1), DOUBLE), first.bounds(at(1.1), MachineModel(FORMATS["float32"]))
    second = in_another_worker(square, shared)
    assert_same_bounds(second.bounds(at(1.1), DOUBLE), double)
    assert second.bounds(at(1.1), MachineModel(FORMATS["float32"])).value == single.value > double.value
    with pytest.raises(AssertionError, match="computed"):
        second.bounds(at(1.1), MachineModel(FORMATS["float32"], flushes=True))


def test_second_derivatives_are_shared_as_well(shared: Shared) -> None:
    cube = entry(lambda xp, x: x * x * x, lambda xp, x: 3 * x * x, x=())
    first = Reference(cube)
    first.kept.share(shared)
    truth, bounds = SecondOrder(first).truth(at(1.5)), SecondOrder(first).bounds(at(1.5), DOUBLE)
    second = SecondOrder(in_another_worker(cube, shared))
    second._find_curvature = second._find_bounds = lambda *_: never()
    assert_same(second.truth(at(1.5)), truth)
    assert_same_bounds(second.bounds(at(1.5), DOUBLE), bounds)


@pytest.mark.parametrize(
    "made",
    [
        entry(lambda xp, x: xp.max(x), lambda xp, x: xp.where(x == xp.max(x), xp.ones_like(x) / 2, 0 * x), x=(2,)),
        entry(lambda xp, x: xp.max(x), x=(2,)),
    ],
    ids=["by hand", "by Taylor arithmetic"],
)
def test_a_kink_that_another_found_is_judged_alike(made: Function, shared: Shared) -> None:
    first = Reference(made)
    first.kept.share(shared)
    there: Kink | None = first.truth(at([1.0, 1.0])).kink
    here: Kink | None = in_another_worker(made, shared).truth(at([1.0, 1.0])).kink
    assert there is not None and here is not None and here is not there
    tolerance = at([1e-12, 1e-12])
    for answer in ([0.5, 0.5], [1.0, 0.0], [0.25, 0.75]):
        assert there.admits(at(answer), tolerance) and here.admits(at(answer), tolerance)
    for answer in ([0.6, 0.6], [0.0, 0.0], [1.1, -0.1]):
        assert not there.admits(at(answer), tolerance) and not here.admits(at(answer), tolerance)


def test_what_other_code_found_under_the_same_name_is_not_believed(tmp_path: Path, shared: Shared) -> None:
    text = "from gradproof import Reals, function\n@function(x=Reals())\ndef mine(xp, x):\n    return {0} * x\n"
    values = []
    for factor in (2, 3):
        path = tmp_path / f"{factor}.py"
        path.write_text(text.format(factor), encoding="utf-8")
        (mine,) = registry.load([path])
        reference = Reference(mine)
        reference.kept.share(shared)
        values.append(float(reference.truth(at(1.0)).value.high))
    assert values == [2.0, 3.0]


def test_what_another_interpreter_found_is_not_even_read(
    tmp_path: Path, shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared.put(b"key", b"value")
    monkeypatch.setattr(sys, "prefix", "/elsewhere")
    other = Shared(tmp_path)
    assert (shared.get(b"key"), other.get(b"key")) == (b"value", None)
    other.close()


def test_what_cannot_be_read_or_written_costs_nothing_but_time(tmp_path: Path) -> None:
    made = entry(lambda xp, x: x * x, lambda xp, x: 2 * x, x=())
    Shared(tmp_path).close()
    (file,) = tmp_path.glob("*.sqlite")
    file.write_bytes(b"no table at all" * 100)
    for folder in (tmp_path, tmp_path / "nowhere"):
        kept = Kept(made)
        kept.share(Shared(folder))
        assert [kept.found("truth", at(1.0), lambda: 7), kept.found("truth", at(1.0), never)] == [7, 7]


def test_a_python_without_sqlite_finds_all_for_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradproof.oracles.kept.sqlite3", None)
    shared = Shared(tmp_path)
    shared.put(b"key", b"value")
    assert shared.get(b"key") is None and not [*tmp_path.iterdir()]


def test_a_disk_that_fills_up_costs_nothing_but_time(tmp_path: Path) -> None:
    made = entry(lambda xp, x: x * x, lambda xp, x: 2 * x, x=())
    shared = Shared(tmp_path)
    shared._run("PRAGMA max_page_count=8")
    kept = Kept(made)
    kept.share(shared)
    large = np.random.default_rng(0).normal(size=8000)
    np.testing.assert_array_equal(kept.found("truth", at(1.0), lambda: large), large)
    assert shared._table is None
    assert kept.found("truth", at(2.0), lambda: 7) == 7


@pytest.mark.parametrize("bits", [53, 512, 8192])
def test_balls_come_back_with_the_same_middle_and_no_smaller(bits: int) -> None:
    made = entry(lambda xp, x: x, x=())
    with ctx.workprec(bits):
        ball = (arb(2).sqrt() + arb.pi()).exp() * arb(2) ** -1000
    back = load(dump(ball, made), made)
    assert back.mid().man_exp() == ball.mid().man_exp()
    assert back.contains(ball) and back.rad() <= ball.rad() * (1 + arb(2) ** -28)


def test_what_is_no_number_comes_back_as_none() -> None:
    made = entry(lambda xp, x: x, x=())
    for ball in (arb("nan"), arb(1) / 0, arb("inf"), arb(float("-inf")), arb(1, float("inf"))):
        back = load(dump(ball, made), made)
        assert (str(back), back.is_finite()) == (str(ball), False)


def test_the_function_comes_back_as_the_one_that_asks() -> None:
    made = entry(lambda xp, x: x, x=())
    other = dataclasses.replace(made)
    assert load(dump((made, "and more"), made), other) == (other, "and more")
