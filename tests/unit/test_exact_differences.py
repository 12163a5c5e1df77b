"""Exact differences: thirty digits of known derivatives at every scale, planted errors of one part in 1e28 caught in
hand-derived gradients, and clear errors for entries that break the contract."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx

from gradproof.oracles import exact
from gradproof.oracles.agreement import hand_against_exact
from gradproof.oracles.balls import BallArithmetic
from gradproof.oracles.reference import Reference
from gradproof.registry import Function, Inputs, RegistryError, function
from tests.unit.made import at, entry


def digits(quotient: arb, derivative: arb) -> float:
    gap = abs(quotient - derivative).abs_upper()
    return math.inf if gap.is_zero() else float((abs(derivative) / gap).log() / arb(10).log())


# Known derivatives


@pytest.mark.parametrize(
    ("body", "x", "derivative"),
    [
        (lambda xp, x: x**3, 2.0, lambda x: 3 * x * x),
        (lambda xp, x: x**3, -1e-12, lambda x: 3 * x * x),
        (lambda xp, x: xp.exp(x), 1.0, arb.exp),
        (lambda xp, x: xp.exp(x), -700.0, arb.exp),
        (lambda xp, x: xp.sin(x), 1000.0, arb.cos),
        (lambda xp, x: xp.sin(x), 13176795 * 2.0**-23, arb.cos),
        (lambda xp, x: 1 / x, 1e-30, lambda x: -1 / (x * x)),
        (lambda xp, x: xp.log(x), 1e-38, lambda x: 1 / x),
        (lambda xp, x: xp.sqrt(x), 2.0**-140, lambda x: 1 / (2 * x.sqrt())),
        (lambda xp, x: xp.tanh(x), 40.0, lambda x: 1 / x.cosh() ** 2),
        (lambda xp, x: xp.special.gammaln(x), 1.5, arb.digamma),
        (lambda xp, x: xp.special.erf(x), 6.0, lambda x: 2 / arb.pi().sqrt() * (-x * x).exp()),
    ],
    ids="cube small exp vanishing sin nearly_zero reciprocal log root saturated gammaln erf".split(),
)
def test_known_derivatives(body: Callable, x: float, derivative: Callable[[arb], arb]) -> None:
    difference = exact.gradient(entry(body, x=()), at(x))[0][()]
    with ctx.workprec(1000):
        assert digits(difference.quotient, derivative(arb(x))) > 30


def test_a_known_digit_string() -> None:
    difference = exact.gradient(entry(lambda xp, x: xp.exp(x), x=()), at(1.0))[0][()]
    assert difference.quotient.mid().str(31, radius=False) == "2.718281828459045235360287471353"


def test_products_of_mixed_scales() -> None:
    made = entry(lambda xp, x, y, z: x * y * z, x=(), y=(), z=())
    x, y, z = 1e20, 1e-20, 3.0
    got = [part[()].quotient for part in exact.gradient(made, at(x, y, z))]
    with ctx.workprec(1000):
        true = [arb(y) * arb(z), arb(x) * arb(z), arb(x) * arb(y)]
        assert all(digits(quotient, derivative) > 30 for quotient, derivative in zip(got, true, strict=True))


def test_a_tiny_derivative_beside_a_huge_value() -> None:
    made = entry(lambda xp, x, y: 1e20 * xp.exp(x) + 1e-20 * y, x=(), y=())
    of_y = exact.gradient(made, at(1.0, 1.0))[1][()].quotient
    with ctx.workprec(1000):
        assert digits(of_y, arb(1e-20)) > 30


def test_a_generic_direction() -> None:
    made, direction = entry(lambda xp, x: xp.sum(x * x), x=(3,)), at([1.0, -2.0, 0.5])
    quotient = exact.directional(made, at([1.0, 2.0, 3.0]), direction).quotient
    with ctx.workprec(1000):
        assert digits(quotient, arb(-3)) > 30


# Planted errors


def correct(d: Any) -> Any:
    return d


def one_part_in_1e28(d: Any) -> Any:
    return d + d / 1e28


def rosenbrock(xp, x, y):
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


def rosenbrock_gradient(plant: Callable) -> Callable:
    def hand(xp, x, y):
        inner = y - x * x
        return -2 * (1 - x) - 400 * x * inner, plant(200 * inner)

    return hand


def attention(xp, q, k):
    return xp.sum(xp.nn.softmax(q * k) * q)


def attention_gradient(plant: Callable) -> Callable:
    def hand(xp, q, k):
        p = xp.nn.softmax(q * k)
        d_s = p * (q - xp.sum(p * q))
        return p + d_s * k, plant(d_s * q)

    return hand


HANDS = {
    "rosenbrock": (rosenbrock, rosenbrock_gradient, at(-1.25, 0.75)),
    "attention": (attention, attention_gradient, at([0.5, -1.25, 2.0], [0.25, 1.5, -0.75])),
    "sine": (lambda xp, x: xp.sin(x), lambda plant: lambda xp, x: plant(xp.cos(x)), at(1000.0)),
    "reciprocal": (lambda xp, x: 1 / x, lambda plant: lambda xp, x: plant(-1 / (x * x)), at(1e-30)),
    "product": (
        lambda xp, x, y, z: x * y * z,
        lambda plant: lambda xp, x, y, z: (y * z, plant(x * z), x * y),
        at(1e20, 1e-20, 3.0),
    ),
}


def planted(name: str, plant: Callable) -> tuple[Function, Inputs]:
    body, gradient, inputs = HANDS[name]
    names = "xyz" if name in ("product", "rosenbrock") else "qk" if name == "attention" else "x"
    return entry(body, gradient(plant), **{n: x.shape for n, x in zip(names, inputs, strict=False)}), inputs


@pytest.mark.parametrize("name", HANDS)
def test_a_right_gradient_agrees(name: str) -> None:
    made, inputs = planted(name, correct)
    agreement = hand_against_exact(made, inputs)
    assert agreement.holds and "agree to" in str(agreement)
    assert Reference(made).truth(inputs).hand == "agrees"


@pytest.mark.parametrize("name", HANDS)
def test_an_error_of_one_part_in_1e28_is_caught(name: str) -> None:
    made, inputs = planted(name, one_part_in_1e28)
    agreement = hand_against_exact(made, inputs)
    assert not agreement.holds and 27.5 < agreement.digits < 28.5
    assert agreement.argument == list(made.domains)[1 if len(inputs) > 1 else 0]


@pytest.mark.parametrize("name", [name for name in HANDS if name != "product"])
def test_an_error_of_one_part_in_1e28_is_not_taken_for_truth(name: str) -> None:
    made, inputs = planted(name, one_part_in_1e28)
    truth = Reference(made).truth(inputs)
    right, _ = planted(name, correct)
    assert truth.hand == "disagrees"
    for ours, true in zip(truth.gradient, Reference(right).truth(inputs).gradient, strict=True):
        assert (ours.high == true.high).all()


def test_a_wrong_tiny_entry_beside_a_huge_one_is_not_taken_for_truth() -> None:
    made = entry(lambda xp, x: 1e20 * x[0] + 1e-20 * x[1], lambda xp, x: xp.asarray([1e20, 2e-20]), x=(2,))
    assert not hand_against_exact(made, at([1.0, 1.0])).holds
    assert Reference(made).truth(at([1.0, 1.0])).hand == "disagrees"


def test_a_missing_factor_is_located() -> None:
    made = entry(lambda xp, x: xp.sum(x**3), lambda xp, x: xp.concat([3 * x[:2] ** 2, 2 * x[2:] ** 2]), x=(3,))
    agreement = hand_against_exact(made, at([1.0, 2.0, 3.0]))
    assert (agreement.argument, agreement.index, agreement.hand) == ("x", (2,), 18.0)
    assert agreement.reason == "x: 2/3 times what is right in [2], the one wrong entry"
    assert str(agreement) == "disagree"


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_gradient_that_is_not_finite_disagrees(wrong: float) -> None:
    made = entry(lambda xp, x: x * x, lambda xp, x: x * wrong, x=())
    assert not hand_against_exact(made, at(1.0)).holds
    assert Reference(made).truth(at(1.0)).hand == "disagrees"


# Gradients that vanish


@pytest.mark.parametrize(
    ("made", "inputs"),
    [
        (entry(rosenbrock, rosenbrock_gradient(correct), x=(), y=()), at(1.0, 1.0)),
        (
            entry(lambda xp, x, y, z: x * y * z, lambda xp, x, y, z: (y * z, x * z, x * y), x=(), y=(), z=()),
            at(0, 0, 0),
        ),
        (entry(lambda xp, x: x**3, lambda xp, x: 3 * x**2, x=()), at(0.0)),
        (entry(lambda xp, x: x**5, lambda xp, x: 5 * x**4, x=()), at(0.0)),
        (entry(lambda xp, x: xp.cos(x), lambda xp, x: -xp.sin(x), x=()), at(0.0)),
        (entry(lambda xp, x: 3 + 0 * x, lambda xp, x: 0 * x, x=()), at(2.0)),
        (
            entry(lambda xp, x: xp.where(x > 0, x * x, -x * x), lambda xp, x: 2 * xp.abs(x), x=()),
            at(0.0),
        ),
    ],
    ids=["minimum", "product", "cube", "fifth power", "cosine", "constant", "two branches"],
)
def test_vanishing_gradients_agree(made: Function, inputs: Inputs) -> None:
    assert hand_against_exact(made, inputs).holds
    truth = Reference(made).truth(inputs)
    assert truth.hand == "agrees" and truth.kink is None
    assert all((part.high == 0).all() for part in truth.gradient)


@pytest.mark.parametrize("wrong", [1.0, 1e-20, -1e-60])
def test_something_where_the_gradient_vanishes_disagrees(wrong: float) -> None:
    made = entry(lambda xp, x: x * x, lambda xp, x: 2 * x + wrong, x=())
    assert not hand_against_exact(made, at(0.0)).holds
    assert Reference(made).truth(at(0.0)).hand == "disagrees"


def test_nothing_where_the_gradient_does_not_vanish_disagrees() -> None:
    made = entry(lambda xp, x: 1e-30 * x, lambda xp, x: 0 * x, x=())
    assert not hand_against_exact(made, at(1.0)).holds
    assert Reference(made).truth(at(1.0)).hand == "disagrees"


# Entries that break the contract


def hand_error(hand: Callable, **shapes: tuple[int, ...]) -> str:
    shapes = shapes or {"x": (2,), "y": ()}
    made = entry(lambda xp, x, y: xp.sum(x * x) + y, hand, **shapes)
    with pytest.raises(RegistryError) as caught:
        Reference(made).truth(tuple(np.ones(shape) for shape in shapes.values()))
    message = str(caught.value)
    assert message.startswith((f"{made.name} ({made.where}): ", f"{made.name} ({made.hand_where}): "))
    return message


def test_a_gradient_of_the_wrong_length() -> None:
    assert "returns 1 array for 2 arguments (x, y)" in hand_error(lambda xp, x, y: 2 * x)
    assert "returns None: its return statement is missing" in hand_error(lambda xp, x, y: None)
    assert "returns 3 arrays for 2 arguments (x, y)" in hand_error(lambda xp, x, y: (2 * x, y, y))


def test_a_gradient_of_the_wrong_shape() -> None:
    assert "for x has the shape (1, 2)" in hand_error(lambda xp, x, y: (2 * x[None], 1))
    assert "for y has the shape (2,)" in hand_error(lambda xp, x, y: (2 * x, x))
    assert "for x has the shape ()" in hand_error(lambda xp, x, y: (2, 1))


@pytest.mark.parametrize(
    "part",
    [None, "2 x", {"x": 2}, object(), {1.0}, 1j, [1.0, None], [[1.0], [1.0, 2.0]], print],
    ids=["None", "text", "dict", "object", "set", "complex", "holes", "ragged", "function"],
)
def test_a_gradient_of_the_wrong_type(part: object) -> None:
    assert "the hand-derived gradient for x" in hand_error(lambda xp, x, y: (part, 1))


def test_a_mask_as_gradient() -> None:
    # A comparison is a natural slip for the derivative of max(x, 0), and no array of numbers.
    made = entry(lambda xp, x: xp.sum(xp.maximum(x, 0.0)), lambda xp, x: (x > 0,), x=(2,))
    try:
        truth = Reference(made).truth(at([1.0, -1.0]))
    except RegistryError as error:
        assert "the hand-derived gradient for x" in str(error)
    else:
        assert list(truth.gradient[0].high) == [1, 0]


def test_a_gradient_that_raises() -> None:
    message = hand_error(lambda xp, x, y: x[7])
    assert "the hand-derived gradient raises IndexError at line" in message


def body_error(body: Callable, x: object = 1.0) -> str:
    made = entry(body, x=np.shape(x))
    with pytest.raises(RegistryError) as caught:
        Reference(made).truth(at(x))
    message = str(caught.value)
    assert message.startswith((f"{made.name} ({made.where}): ", f"{made.name} ({made.hand_where}): "))
    return message


def test_a_body_that_raises() -> None:
    def explode(xp, x):
        raise ValueError("no such thing")

    assert f"the body raises ValueError at line {explode.__code__.co_firstlineno + 1}: no such thing" in body_error(
        explode
    )


@pytest.mark.parametrize("shape", [(2,), (1,), (1, 1)])
def test_a_body_that_is_no_scalar(shape: tuple[int, ...]) -> None:
    assert f"must return a scalar; it returns the shape {shape}" in body_error(lambda xp, x: x * x, np.ones(shape))


@pytest.mark.parametrize(
    "result",
    [None, "x", object(), {}, 1j],
    ids=["None", "text", "object", "dict", "complex"],
)
def test_a_body_that_returns_no_number(result: object) -> None:
    assert "scalar" in body_error(lambda xp, x: result)


def test_a_body_that_returns_a_mask() -> None:
    assert "scalar" in body_error(lambda xp, x: x > 0)


def test_a_body_that_returns_a_tuple() -> None:
    assert "scalar" in body_error(lambda xp, x: (x, x))


def test_a_body_that_returns_a_python_number_is_a_constant() -> None:
    truth = Reference(entry(lambda xp, x: 3, lambda xp, x: 0, x=())).truth(at(1.0))
    assert (truth.value.high, truth.gradient[0].high, truth.hand) == (3, 0, "agrees")


@pytest.mark.parametrize(
    ("body", "x"),
    [
        (lambda xp, x: xp.log(x), -1.0),
        (lambda xp, x: 1 / x, 0.0),
        (lambda xp, x: xp.sqrt(x), -1e-30),
        (lambda xp, x: x * math.nan, 1.0),
    ],
    ids=["log", "reciprocal", "root", "nan"],
)
def test_a_function_that_is_not_finite_on_its_domain(body: Callable, x: float) -> None:
    message = body_error(body, x)
    assert f"the function is not finite at x = {x!r}" in message and "Narrow the domain" in message


def test_a_missing_operation_is_no_error_of_the_entry() -> None:
    made = entry(lambda xp, x: xp.special.airy(x)[0], x=(2,))
    with pytest.raises(exact.Uncomputable, match=r"xp\.special\.airy"):
        exact.body_value(made, on := BallArithmetic(), [on.inputs(np.ones(2))])


def test_an_entry_with_a_problem_is_never_evaluated() -> None:
    made = function()(lambda xp, x: x)
    with pytest.raises(RegistryError, match="no domain is given for x"):
        Reference(made)
