"""The statistical tolerance: what it tells beside a verdict, what it must not tell of right gradients, and what fails
where `strict` asks for it."""

from typing import Any

import numpy as np
import pytest

import gradproof
from gradproof.oracles.machine_model import FORMATS
from gradproof.oracles.tape import Cells, judge
from gradproof.oracles.tape.statistical import SUSPECT, deviations, suspicion
from gradproof.oracles.verdict import Verdict
from tests.unit.test_first_order import cells_of, deep, entries, layers, layers_in_floats
from tests.unit.test_tape import solved, weighted


def names_of(parts: Any) -> list[str]:
    return [f"a{i}" for i in range(len(parts))]


@pytest.mark.parametrize("depth", [2, 16, 48])
def test_right_gradients_are_not_suspect(depth: int) -> None:
    for seed in range(4):
        arrays = deep(depth, seed)
        found = solved(layers, *arrays, format="float32")
        _, gradient = layers_in_floats(*(a.astype(np.float32) for a in arrays))
        assert suspicion(found, gradient, names_of(arrays)) is None


@pytest.mark.parametrize(("depth", "error"), [(2, 2e-5), (16, 1e-4), (48, 2e-3)])
def test_an_error_that_the_bound_forgives_is_suspect(depth: int, error: float) -> None:
    arrays = deep(depth)
    found = solved(layers, *arrays, format="float32")
    value, gradient = layers_in_floats(*(a.astype(np.float32) for a in arrays))
    wrong = [part.copy() for part in gradient]
    largest = np.unravel_index(np.argmax(np.abs(wrong[1])), wrong[1].shape)
    wrong[1][largest] *= 1 + error
    judgement = judge(found, value, wrong, names_of(arrays))
    assert judgement.verdict == Verdict.VERIFIED
    assert judgement.suspicion is not None
    assert (judgement.suspicion.argument, judgement.suspicion.index) == ("a1", largest)
    assert judgement.suspicion.sigmas > SUSPECT
    assert judge(found, value, gradient, names_of(arrays)).suspicion is None


def test_errors_that_meet_again_are_followed() -> None:
    # Ten roots and ten squares: both factors of a square carry the same error, which independent ones would not.
    def body(x: Cells) -> Cells:
        for _ in range(10):
            x = x.tape.map("sqrt", x)
        for _ in range(10):
            x = x * x
        return weighted(x)

    x = np.array([1.75, 3.0]).astype(np.float32).astype(float)
    known = deviations(solved(body, x, format="float32"))
    apart, followed = entries(known.gradient), known.followed(np.arange(2))
    assert (apart > 0).all()
    assert (followed > 0).all()
    assert (followed > 10 * apart).all()


def test_deviations_stay_within_the_worst_case() -> None:
    found = solved(layers, *deep(4), format="float32")
    known = deviations(found)
    radii = known.line.adjoint_errors.max(axis=0)[cells_of(found)]
    assert (entries(known.gradient) > 0.01 * radii).all()
    assert FORMATS["float32"].unit_roundoff > 0


@pytest.mark.parametrize(
    ("body", "inputs"),
    [
        (lambda x: x.tape.extremum("max", x), [[0.5, 0.5]]),
        (lambda x: weighted(1.0 / (x - x.tape.map("exp", x * 0.0) - 1e-7)), [[1.0, 2.0]]),
    ],
)
def test_nothing_is_suspect_where_deviations_are_not_known(body: Any, inputs: list) -> None:
    found = solved(body, *(np.asarray(x, float) for x in inputs), format="float32")
    assert deviations(found).problem
    assert suspicion(found, [np.full(2, 17.0)], ["x"]) is None


def test_a_suspect_is_told_and_fails_where_that_is_asked_for() -> None:
    np_ = pytest.importorskip("autograd.numpy")
    extend = pytest.importorskip("autograd.extend")

    @extend.primitive
    def tanh(x: Any) -> Any:
        return np_.tanh(x)

    extend.defvjp(tanh, lambda y, x: lambda g: g * (1 - y * y) * np.float32(1.000006))

    def loss(x: Any, w: Any) -> Any:
        return np_.sum(tanh(np_.dot(x, w)))

    arrays = tuple(a.astype(np.float32) for a in deep(1))
    report = gradproof.check_grads(loss, arrays, modes="rev")
    assert report.verdict == "verified"
    assert report.suspect is not None
    assert " σ of rounding" in report.text
    assert report.rows[0]["suspect"] > SUSPECT
    with pytest.raises(gradproof.GradientError, match="suspect"):
        gradproof.check_grads(loss, arrays, modes="rev", strict=True)
    # Its right gradient is not.
    assert gradproof.check_grads(lambda x, w: np_.sum(np_.tanh(np_.dot(x, w))), arrays, strict=True).suspect is None
