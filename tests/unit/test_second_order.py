"""Truth and bound of Hessian-vector products: closed forms come out to more than 30 digits, answers of float64 lie
within the bound and wrong ones outside it, and where there is no second derivative the input is out of range."""

import numpy as np
import pytest
from flint import arb, ctx

from gradproof.oracles import exact
from gradproof.oracles.machine_model import FORMATS, MachineModel
from gradproof.oracles.reference import Reference
from gradproof.oracles.second_order import SecondOrder
from gradproof.oracles.whole import WholeReference, WholeSecondOrder
from gradproof.registry import Function, direction
from tests.unit.made import at, entry

DOUBLE = MachineModel(FORMATS["float64"])


def quartic() -> Function:
    """(x · x)², whose Hessian is 4 (x · x) I + 8 x xᵀ."""

    def hand(xp, x):
        return (4 * xp.sum(x * x) * x,)

    return entry(lambda xp, x: xp.sum(x * x) ** 2, hand, x=(3,))


def product_of(x: np.ndarray, v: np.ndarray) -> list[arb]:
    """The Hessian of `quartic` times v, exactly."""
    with ctx.workprec(400):
        xs, vs = [arb(float(e)) for e in x], [arb(float(e)) for e in v]
        square = sum((e * e for e in xs), arb(0))
        along = sum((a * b for a, b in zip(xs, vs, strict=True)), arb(0))
        return [4 * square * b + 8 * along * a for a, b in zip(xs, vs, strict=True)]


@pytest.mark.parametrize("x", [[0.5, -1.25, 2.0], [0.0, 0.0, 0.0], [1e10, 1.0, -1e-10], [1e-20, 3.0, 0.0]])
def test_the_truth_is_the_closed_form(x: list[float]) -> None:
    f = quartic()
    truth = SecondOrder(Reference(f)).truth(at(x))
    expected = product_of(np.array(x), direction(f)[0])
    largest = max(abs(e) for e in expected)
    for got, true in zip(truth.gradient[0].balls, expected, strict=True):
        assert abs(got - true) <= largest * arb(10) ** -33 + arb(10) ** -70


def test_a_tiny_second_derivative_without_a_derivation_is_not_the_error_of_its_step() -> None:
    """12 x² may be far below the square of the step; and of w x√x at 0 the root of the step is left, though w is 0."""
    smooth = entry(lambda xp, x: xp.sum(x**4), None, x=(2,))
    x = np.array([1e-41, 1.0])
    (got,) = WholeSecondOrder(WholeReference(smooth)).truth(at(x)).gradient
    assert got.high == pytest.approx(12 * x * x * direction(smooth)[0], rel=1e-14, abs=0)
    rooted = entry(lambda xp, x, w: xp.sum(w * xp.sign(x) * xp.abs(x) ** 1.5), None, x=(2,), w=(2,))
    got, _ = WholeSecondOrder(WholeReference(rooted)).truth((np.array([0.0, 1.0]), np.zeros(2))).gradient
    assert got.high[0] == 0 and got.high[1] != 0


@pytest.mark.parametrize("x", [0.0, 1e-41])
def test_a_tiny_difference_is_not_the_error_of_its_step(x: float) -> None:
    """x√x ends at 0, where the quotient of one side is the root of its step; 3x² may be far below the step's square."""
    ends, smooth = (entry(body, None, x=()) for body in (lambda xp, x: x * xp.sqrt(x), lambda xp, x: x**3))
    beside = arb(x) ** 2 * 3
    assert exact.gradient(smooth, at(x))[0][()].certain.overlaps(beside * (1 + arb(0, 1e-9)))
    assert (exact.gradient(ends, at(x))[0][()].certain == 0) == (x == 0)


def test_float64_lies_within_the_bound_and_what_is_off_does_not() -> None:
    f, random = quartic(), np.random.default_rng(0)
    reference = SecondOrder(Reference(f))
    for _ in range(20):
        x = random.normal(size=3)
        (v,) = direction(f)
        truth, bounds = reference.truth(at(x)), reference.bounds(at(x), DOUBLE)
        answer = 4 * (x @ x) * v + 8 * (x @ v) * x
        assert (truth.gradient[0].distance(answer) <= bounds.gradient[0]).all()
        assert not (truth.gradient[0].distance(answer * (1 + 1e-12)) <= bounds.gradient[0]).all()
        assert not (truth.gradient[0].distance(np.zeros(3)) <= bounds.gradient[0]).any()


def test_a_linear_function_has_the_product_zero() -> None:
    f = entry(lambda xp, x: 3 * x, lambda xp, x: (3 * xp.ones_like(x),), x=())
    reference = SecondOrder(Reference(f))
    assert reference.truth(at(1.5)).gradient[0].high == 0.0
    assert 0 < reference.bounds(at(1.5), DOUBLE).gradient[0] < 1e-14


@pytest.mark.parametrize(
    ("body", "hand", "reason"),
    [
        (lambda xp, x: xp.abs(x), lambda xp, x: (xp.sign(x),), "a kink"),
        (lambda xp, x: x * xp.abs(x), lambda xp, x: (2 * xp.abs(x),), "a kink of the gradient"),
        (lambda xp, x: x * x, lambda xp, x: (3 * x,), ""),
    ],
    ids=["kink", "kink of the gradient", "wrong derivation away from 0"],
)
def test_where_there_is_no_second_derivative_nothing_is_judged(body, hand, reason: str) -> None:
    reference = SecondOrder(Reference(entry(body, hand, x=())))
    assert reference.bounds(at(0.0), DOUBLE).out_of_range == reason
    if not reason:
        assert "no hand-derived gradient that holds" in reference.bounds(at(1.5), DOUBLE).out_of_range


def smaller_square() -> Function:
    """min(x₁² + x₂², 2 x₁² + x₂ x₁ + x₂²/2), whose gradient at 0 is 0 from every side, and odd."""

    def squares(x):
        return x[0] * x[0] + x[1] * x[1], 2 * x[0] * x[0] + x[0] * x[1] + x[1] * x[1] / 2

    def hand(xp, x):
        one, two = squares(x)
        other = xp.stack([4 * x[0] + x[1], x[0] + x[1]])
        return (xp.where(one <= two, 2 * x, other),)

    return entry(lambda xp, x: xp.minimum(*squares(x)), hand, x=(2,))


def test_a_gradient_that_is_alike_on_both_sides_but_not_linear_has_no_derivative() -> None:
    reference = SecondOrder(Reference(smaller_square()))
    assert reference.bounds(at([0.0, 0.0]), DOUBLE).out_of_range == "a kink of the gradient"
    assert reference.bounds(at([1.0, 0.25]), DOUBLE).out_of_range == ""


def test_a_tie_of_a_smooth_gradient_is_judged() -> None:
    f = entry(lambda xp, x: xp.sum(x * x), lambda xp, x: (xp.where(x == 0, xp.zeros_like(x), 2 * x),), x=(2,))
    reference = SecondOrder(Reference(f))
    assert reference.bounds(at([0.0, 1.5]), DOUBLE).out_of_range == ""


def test_a_complex_argument_has_a_product_in_real_numbers() -> None:
    from gradproof import Complex, function

    @function(z=Complex((2,)), points=[dict(z=[1.0 + 2.0j, -0.5j])])
    def squared(xp, z):
        """f(z) = Σ |z|⁴ / 4"""
        square = xp.real(z * xp.conj(z))
        return xp.sum(square * square) / 4

    @squared.gradient
    def _(xp, z):
        return (xp.astype(xp.real(z * xp.conj(z)), z.dtype) * z,)

    (pairs,), (v,) = squared.points[0], direction(squared)
    truth = SecondOrder(Reference(squared)).truth(squared.points[0])
    # Along (p, q) the gradient |z|² z changes by |z|² (p + iq) + 2 (x p + y q) z.
    along = (pairs * v).sum(axis=-1, keepdims=True)
    expected = (pairs**2).sum(axis=-1, keepdims=True) * v + 2 * along * pairs
    np.testing.assert_allclose(truth.gradient[0].high, expected, rtol=1e-15)


def test_a_divisor_that_rounding_may_take_to_zero_is_out_of_range() -> None:
    # In float32 the entries tie within rounding, so that a share of the largest may be 1 / 0.
    def hand(xp, x):
        mask = xp.where(x == xp.max(x), xp.ones_like(x), xp.zeros_like(x))
        return (mask / xp.sum(mask) * x,)

    f = entry(lambda xp, x: xp.max(x) ** 2 / 2, hand, x=(3,))
    shifted = entry(lambda xp, x: f.body(xp, x + 1.0), lambda xp, x: (hand(xp, x + 1.0)[0],), x=(3,))
    bounds = SecondOrder(Reference(shifted)).bounds(at([1.0, 1.0 - 2.0**-24, 0.5]), MachineModel(FORMATS["float32"]))
    assert "can move a divisor" in bounds.out_of_range


def test_a_number_may_be_a_series() -> None:
    def hand(xp, x):
        return (xp.where(x / 3 > 1 / 3, 2 * x, 2 * x),)

    f = entry(lambda xp, x: x * x, hand, x=())
    bounds = SecondOrder(Reference(f)).bounds(at(1.0), DOUBLE)
    assert bounds.near_kink and bounds.gradient[0].shape == ()


def test_a_product_of_zero_is_zero() -> None:
    f = entry(lambda xp, x: xp.sum(x**4), lambda xp, x: (4 * x**3,), x=(2,))
    truth = SecondOrder(Reference(f)).truth(at([0.0, 0.0]))
    assert all(ball.is_zero() for ball in truth.gradient[0].balls)
    # Small, and no error of a step.
    f = entry(lambda xp, x: xp.sum(1e-100 * x * x), lambda xp, x: (2e-100 * x,), x=(2,))
    truth = SecondOrder(Reference(f)).truth(at([1.0, 2.0]))
    np.testing.assert_allclose(truth.gradient[0].high, 2e-100 * direction(f)[0], rtol=1e-15)
