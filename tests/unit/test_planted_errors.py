"""The suite catches what it is there to catch: every way in which a hand-written backward pass goes wrong, planted in
each backend through the contract, is found, and the same backward pass without the error is verified."""

import numpy as np
import pytest

from benchmarks.planted import examiner, nonzero_positions, scaled
from gradproof import backends
from gradproof.backends import Unsupported
from gradproof.oracles.verdict import FAILING, Verdict
from gradproof.registry import Reals, function, weights
from tests.unit.made import DIFFERENTIATING, registered

attention, log_sum_exp, multilayer_perceptron, recurrent_network = map(
    registered, ("attention", "log_sum_exp", "multilayer_perceptron", "recurrent_network")
)

CAUGHT = {
    ("float64", multilayer_perceptron): 1e-10,
    ("float64", attention): 1e-10,
    ("float64", recurrent_network): 1e-10,
    ("float64", log_sum_exp): 1e-10,
    ("float32", multilayer_perceptron): 1e-3,
    ("float32", attention): 1e-3,
    ("float32", recurrent_network): 1e-3,
    ("float32", log_sum_exp): 1e-3,
}

every_planting = pytest.mark.parametrize("short", DIFFERENTIATING)


@function(
    a=Reals((3, 3)),
    b=Reals((2, 3)),
    points=[
        dict(
            a=[[0.5, -1.25, 0.75], [1.5, -0.375, 0.25], [-0.625, 0.125, 1.0]],
            b=[[0.25, 1.125, -0.5], [-0.75, 0.375, 1.25]],
        )
    ],
)
def tanh_of_product(xp, a, b):
    """f(a, b) = Σ w ∘ tanh(b a)

    a: 3x3, so that its transpose has the right shape."""
    return xp.sum(weights(xp, (2, 3)) * xp.tanh(b @ a))


@tanh_of_product.gradient
def _(xp, a, b):
    t = xp.tanh(b @ a)
    d_product = (1 - t * t) * weights(xp, (2, 3))
    return xp.matrix_transpose(b) @ d_product, d_product @ xp.matrix_transpose(a)


@function(x=Reals((2,)), points=[dict(x=[0.75, 1.5])])
def tiny_beside_one(xp, x):
    """f(x) = 2⁻¹⁰⁰ x₁² + x₂"""
    return 2.0**-100 * x[0] * x[0] + x[1]


@tiny_beside_one.gradient
def _(xp, x):
    return (xp.stack([2.0**-99 * x[0], xp.ones(())]),)


def unaltered(gradients):
    return gradients


def first_part(change):
    """Alter the gradient for the first argument alone."""
    return lambda gradients: [change(gradients[0]), *gradients[1:]]


def last_part(change):
    return lambda gradients: [*gradients[:-1], change(gradients[-1])]


def one_entry(value):
    def change(part):
        part[1, 2] = value
        return part

    return first_part(change)


def truncated(part):
    return part.astype(np.float32).astype(np.float64)


# What goes wrong, and the verdict; None where a backend may refuse such a gradient by itself, which is `unsupported`,
# or hand it on, which is `wrong`.
FAULTS = {
    "a NaN": (one_entry(np.nan), Verdict.WRONG),
    "an infinity": (one_entry(np.inf), Verdict.WRONG),
    "None": (first_part(lambda part: None), None),
    "None at all": (lambda gradients: [None] * len(gradients), None),
    "transposed, square": (first_part(lambda part: part.T.copy()), Verdict.WRONG),
    "transposed, of another shape": (last_part(lambda part: part.T.copy()), None),
    "summed over an axis": (first_part(lambda part: part.sum(axis=0, keepdims=True)), None),
    "flat": (last_part(np.ravel), None),
    "doubled": (lambda gradients: [2 * part for part in gradients], Verdict.WRONG),
    "negated": (lambda gradients: [-part for part in gradients], Verdict.WRONG),
    "zero": (first_part(np.zeros_like), Verdict.WRONG),
    "rows in another order": (first_part(lambda part: part[::-1].copy()), Verdict.WRONG),
    "one too few": (lambda gradients: gradients[:-1], None),
}


def judged(f, short, dtype, alter):
    return planting(f, short, dtype, alter).against_truth(f.points[0]).judgement


def planting(f, short, dtype, alter):
    try:
        backends.load(DIFFERENTIATING[short])
    except Unsupported as reason:
        pytest.skip(str(reason))
    return examiner(f, DIFFERENTIATING[short], dtype, alter)


@pytest.mark.parametrize(("dtype", "f"), CAUGHT, ids=lambda value: getattr(value, "name", value))
@every_planting
def test_one_entry_off_is_caught_at_every_position(short, dtype, f):
    error = CAUGHT[dtype, f]
    assert judged(f, short, dtype, unaltered).verdict == Verdict.VERIFIED
    positions = nonzero_positions(f, dtype)
    assert len(positions) >= 12
    missed = [p for p in positions if judged(f, short, dtype, scaled(p, 1 + error)).verdict not in FAILING]
    assert not missed


@every_planting
def test_the_caught_entry_is_named(short):
    worst = judged(multilayer_perceptron, short, "float64", scaled((3, (4, 2)), 1 + 1e-10)).worst
    assert (worst.argument, worst.index) == ("W2", (4, 2))


@pytest.mark.parametrize("dtype", ("float64", "float32"))
@every_planting
def test_the_unaltered_gradient_is_verified(short, dtype):
    for f in (tanh_of_product, tiny_beside_one):
        assert judged(f, short, dtype, unaltered).verdict == Verdict.VERIFIED


@pytest.mark.parametrize("dtype", ("float64", "float32"))
@pytest.mark.parametrize("fault", FAULTS)
@every_planting
def test_a_wrong_gradient_is_caught(short, fault, dtype):
    alter, expected = FAULTS[fault]
    verdict = judged(tanh_of_product, short, dtype, alter).verdict
    assert verdict in ((Verdict.WRONG, Verdict.UNSUPPORTED) if expected is None else (expected,))


@every_planting
def test_digits_lost_to_a_narrower_dtype_are_caught(short):
    alter = first_part(truncated)
    judgement = judged(tanh_of_product, short, "float64", alter)
    assert judgement.verdict in FAILING
    assert judgement.worst.argument == "a"


@every_planting
def test_a_narrower_dtype_is_caught(short):
    # A backend may refuse it, or widen it again, which brings back the dtype but not the digits.
    alter = first_part(lambda part: part.astype(np.float32))
    assert judged(tanh_of_product, short, "float64", alter).verdict in FAILING


@pytest.mark.parametrize("dtype", ("float64", "float32"))
@every_planting
def test_a_tiny_entry_with_the_wrong_sign_is_caught_beside_a_large_one(short, dtype):
    judgement = judged(tiny_beside_one, short, dtype, scaled((0, (0,)), -1.0))
    # Beside an entry of 1 this is within sqrt(u), which is all that "imprecise" says.
    assert judgement.verdict == Verdict.IMPRECISE
    assert judgement.worst.index == (0,)


@pytest.mark.parametrize("dtype", ("float64", "float32"))
@every_planting
def test_own_differences_confirm_the_right_gradient_and_catch_a_wrong_one(short, dtype):
    def verdict(alter):
        f = tanh_of_product
        return planting(f, short, dtype, alter).against_own_differences(f.points[0]).judgement.verdict

    assert verdict(unaltered) == Verdict.VERIFIED
    assert verdict(lambda gradients: [1.001 * part for part in gradients]) == Verdict.WRONG
    assert verdict(one_entry(np.nan)) == Verdict.WRONG
    assert verdict(one_entry(np.inf)) == Verdict.WRONG
    assert verdict(first_part(lambda part: None)) in FAILING


@every_planting
def test_the_original_stays_as_it_is(short):
    judged(tanh_of_product, short, "float64", one_entry(np.nan))
    assert not tanh_of_product.implementations
