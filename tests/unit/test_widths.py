"""Bounds that say something: every function has a point at which the bound of float64 is narrow, and one that has none
is found. A tenth of the registry every day, all of it at night."""

import pytest

from gradproof.oracles.reference import Reference
from gradproof.registry import load_builtin
from gradproof.report.tables.widths import VACUOUS, width
from tests.unit.made import at, entry

PARTS = 10


@pytest.mark.parametrize("part", range(PARTS))
def test_no_bound_is_vacuous_at_every_point(part: int, pytestconfig: pytest.Config) -> None:
    if part and pytestconfig.getoption("hypothesis_profile") != "nightly":
        pytest.skip("another tenth of the registry: --hypothesis-profile nightly")
    chosen = [made for made in load_builtin() if made.points][part::PARTS]
    found = [width(made, Reference(made), made.points) for made in chosen]
    assert [one.name for one in found if one.is_vacuous] == []
    assert any(one.widths for one in found)


def test_a_function_that_is_wide_everywhere_is_vacuous() -> None:
    cancelling = entry(lambda xp, x: x, lambda xp, x: (xp.ones_like(x) + 1e12) - 1e12, x=())
    found = width(cancelling, Reference(cancelling), [at(0.5), at(2.0)])
    assert found.is_vacuous and min(found.widths) > VACUOUS


def test_a_function_that_is_narrow_somewhere_is_not() -> None:
    saturating = entry(lambda xp, x: xp.tanh(x), lambda xp, x: 1 - xp.tanh(x) ** 2, x=())
    found = width(saturating, Reference(saturating), [at(0.5), at(40.0)])
    assert not found.is_vacuous and max(found.widths) > VACUOUS


def test_what_has_no_gradient_has_no_width() -> None:
    flat = entry(lambda xp, x: xp.sum(0 * x), lambda xp, x: xp.zeros_like(x), x=(2,))
    assert width(flat, Reference(flat), [at([1.0, 2.0])]).widths == ()
