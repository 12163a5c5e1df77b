"""Values that others have printed come out, to every digit that they print; and a function at a size of its own is the
same function, with one generated point."""

from decimal import Decimal

import numpy as np
import pytest
from flint import arb

from gradproof.oracles.agreement import hand_against_exact
from gradproof.oracles.reference import Reference
from gradproof.registry import Function, Positive, Published, Reals, RegistryError, function, load_builtin

PUBLISHED = [(made, value) for made in load_builtin() for value in made.published]
SIZED = [made for made in load_builtin() if made.generator is not None]


def comes_out(made: Function, published: Published) -> bool:
    """Whether the exact value is within one unit of the last digit printed."""
    exponent = Decimal(published.value).as_tuple().exponent
    value = Reference(made).truth(published.inputs).value.balls[()]
    return bool(abs(value - arb(published.value)) <= arb(f"1e{exponent}"))


@pytest.mark.parametrize(("made", "published"), PUBLISHED, ids=[f"{m.name}-{p.value}" for m, p in PUBLISHED])
def test_every_published_value_comes_out(made: Function, published: Published) -> None:
    assert comes_out(made, published)


@pytest.mark.parametrize("made", SIZED, ids=lambda made: made.name)
def test_every_function_with_sizes_is_right_at_another(made: Function) -> None:
    larger = made.at_size(3, seed=1)
    larger.check()
    assert hand_against_exact(larger, larger.points[0]).holds


def cubes() -> Function:
    """f(x, y) = Σ x³ y"""

    @function(x=Reals((2,)), y=Positive((2,)))
    def sum_of_cubes(xp, x, y):
        return xp.sum(x**3 * y)

    @sum_of_cubes.gradient
    def _(xp, x, y):
        return 3 * x**2 * y, x**3

    @sum_of_cubes.inputs_of_size
    def _(n, rng):
        return dict(x=rng.normal(size=n), y=rng.uniform(1, 2, size=n))

    return sum_of_cubes


def test_a_wrong_digit_does_not_come_out() -> None:
    made = cubes()
    made.publishes("9.25", "by hand", x=[1.0, 2.0], y=[1.25, 1.0])
    made.publishes("9.23", "by hand, with a slip", x=[1.0, 2.0], y=[1.25, 1.0])
    assert [comes_out(made, published) for published in made.published] == [True, False]


def test_a_published_value_at_no_point_is_a_problem() -> None:
    made = cubes()
    made.publishes("1", "nowhere", x=[1.0], y=[1.0, 1.0])
    assert "the published value 1: a point gives x the shape (1,); its domain has (2,)" in made.problems


def test_a_function_at_another_size() -> None:
    made = cubes().at_size(5)
    made.check()
    (x, y), domains = made.points[0], made.domains
    assert made.name == "sum_of_cubes_of_size_5" and x.shape == (5,) == domains["x"].shape == domains["y"].shape
    assert isinstance(domains["y"], Positive) and np.array_equal(x, x.astype(np.float32)) and (y >= 1).all()
    again, other = cubes().at_size(5), cubes().at_size(5, seed=1)
    assert np.array_equal(again.points[0][0], x) and not np.array_equal(other.points[0][0], x)
    assert hand_against_exact(made, made.points[0]).holds


def test_a_function_without_sizes_says_so() -> None:
    made = cubes()
    made.generator = None
    with pytest.raises(RegistryError, match=r"one size only; decorate a generator with \.inputs_of_size"):
        made.at_size(5)


def test_a_generator_that_forgets_an_argument_is_named() -> None:
    made = cubes()
    made.generator = lambda n, rng: dict(x=rng.normal(size=n))
    with pytest.raises(RegistryError, match="its generator gives x, not x, y"):
        made.at_size(5)
