"""The Greeks of an option have closed forms, found by analysis and not by the chain rule: the hand-derived gradient of
the Black-Scholes price agrees with those of the first order to 30 digits, and its own exact differences with those of
the second order."""

import numpy as np
import pytest
from flint import arb, ctx

from gradproof.oracles import exact
from gradproof.oracles.agreement import DIGITS
from gradproof.oracles.balls import BallArithmetic
from gradproof.registry import Function, Inputs, load_builtin

FUNCTIONS = {function.name: function for function in load_builtin()}
CALL, PUT = FUNCTIONS["black_scholes_call"], FUNCTIONS["black_scholes_put"]
BETWEEN = tuple(np.array(x) for x in (50.0, 57.25, 0.3125, 0.046875, 1.75))
INPUTS = [*CALL.points, BETWEEN]


def density(x: arb) -> arb:
    """φ(x)"""
    return (-x * x / 2).exp() / (2 * arb.pi()).sqrt()


def probability(x: arb) -> arb:
    """Φ(x)"""
    return (-x / arb(2).sqrt()).erfc() / 2


def d1_and_d2(S: arb, K: arb, sigma: arb, r: arb, T: arb) -> tuple[arb, arb]:  # noqa: N803
    """The two arguments of Φ in the price."""
    d2 = ((S / K).log() + (r - sigma * sigma / 2) * T) / (sigma * T.sqrt())
    return d2 + sigma * T.sqrt(), d2


def first_order(sign: int, S: arb, K: arb, sigma: arb, r: arb, T: arb) -> list[arb]:  # noqa: N803
    """Delta, dual delta, vega, rho and minus theta: of a call with sign 1, of a put with sign -1 (Hull, chapter on the
    Greek letters)."""
    d1, d2 = d1_and_d2(S, K, sigma, r, T)
    value = K * (-r * T).exp() * probability(sign * d2)
    return [
        sign * probability(sign * d1),
        -sign * value / K,
        S * density(d1) * T.sqrt(),
        sign * T * value,
        S * density(d1) * sigma / (2 * T.sqrt()) + sign * r * value,
    ]


def second_order(S: arb, K: arb, sigma: arb, r: arb, T: arb) -> dict[str, tuple[int, int, arb]]:  # noqa: N803
    """Some second derivatives, of calls and puts alike: by which argument, and by which other."""
    d1, d2 = d1_and_d2(S, K, sigma, r, T)
    root = sigma * T.sqrt()
    return {
        "gamma": (0, 0, density(d1) / (S * root)),
        "vanna": (0, 2, -density(d1) * d2 / sigma),
        "volga": (2, 2, S * density(d1) * T.sqrt() * d1 * d2 / sigma),
        "minus charm": (0, 4, density(d1) * (2 * r * T - d2 * root) / (2 * T * root)),
        "dual gamma": (1, 1, (-r * T).exp() * density(d2) / (K * root)),
    }


def gradient(function: Function, inputs: Inputs, argument: int = 0, distance: arb | None = None) -> list[arb]:
    """The hand-derived gradient, with one argument moved by a distance."""
    on = BallArithmetic()
    moved = exact.displaced(on, inputs, exact.unit(inputs, argument, ()), distance or arb(0))
    return [part[()] for part in exact.hand_gradient(function, on, moved)]


def agree(ours: arb, theirs: arb) -> bool:
    """Whether two numbers agree to as many digits as gradients must."""
    return bool(abs(ours - theirs) <= arb(10) ** -DIGITS * abs(theirs)) or bool(abs(ours - theirs) < exact.NOTHING)


@pytest.mark.parametrize(("function", "sign"), [(CALL, 1), (PUT, -1)], ids=["call", "put"])
@pytest.mark.parametrize("inputs", INPUTS, ids=["near", "at", "below", "above", "between"])
def test_the_gradient_is_the_greeks(function: Function, sign: int, inputs: Inputs) -> None:
    with ctx.workprec(exact.FIRST_PRECISION):
        expected = first_order(sign, *(arb(float(x)) for x in inputs))
        got = gradient(function, inputs)
        assert [agree(g, e) for g, e in zip(got, expected, strict=True)] == [True] * 5


@pytest.mark.parametrize("function", [CALL, PUT], ids=["call", "put"])
@pytest.mark.parametrize("inputs", INPUTS, ids=["near", "at", "below", "above", "between"])
def test_differences_of_the_gradient_are_the_greeks_of_second_order(function: Function, inputs: Inputs) -> None:
    with ctx.workprec(exact.FIRST_PRECISION):
        h = exact.step(inputs)
        for name, (one, other, expected) in second_order(*(arb(float(x)) for x in inputs)).items():
            ahead, behind = (gradient(function, inputs, other, distance)[one] for distance in (h, -h))
            assert agree((ahead - behind) / (2 * h), expected), name


def test_a_greek_that_is_off_does_not_agree() -> None:
    with ctx.workprec(exact.FIRST_PRECISION):
        delta = gradient(CALL, BETWEEN)[0]
        assert agree(delta, delta) and not agree(delta * (1 + arb(10) ** -29), delta)
