"""Taylor arithmetic against exact differences: two ways to a derivative that share no rule, and bounds that cover the
textbook derivative of a function without a hand-derived gradient."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradproof.oracles.balls import TaylorArithmetic
from gradproof.oracles.balls.scalars import ELEMENTARY, SPECIAL
from gradproof.oracles.machine_model import FORMATS, MachineModel
from gradproof.oracles.reference import Reference, taylor_gradient
from tests.unit.made import at, confirmed, entry

ARGUMENTS = {"acosh": (1.0625, 1.75, 40.0), "log": (1e-38, 0.375, 3.0), "sqrt": (1e-38, 0.375, 1e20)}
ANYWHERE = (
    *("asinh", "atan", "cos", "cosh", "erf", "erfc", "exp", "expit", "expm1", "i0", "i1", "log_ndtr", "sin", "sinc"),
    *("sinh", "tanh"),
)


@pytest.mark.parametrize("name", [*ELEMENTARY, *SPECIAL])
def test_derivatives_of_functions(name: str) -> None:
    def body(xp: Any, x: Any) -> Any:
        return getattr(xp if name in ELEMENTARY else xp.special, name)(x)

    points = ARGUMENTS.get(name, (0.375, 2.0**-30, 0.9375))
    points += (-0.375, 20.0, 0.0) if name in ANYWHERE else ()
    for x in points:
        assert confirmed(entry(body, x=()), at(x)), x


@pytest.mark.parametrize("x", [-0.5, -1.5, -2.25])
def test_derivatives_of_the_log_gamma_function_below_zero(x: float) -> None:
    assert confirmed(entry(lambda xp, x: xp.special.gammaln(x), x=()), at(x))


MATRIX = [[3.0, -0.5, 0.25], [0.75, -2.5, 1.0], [-0.125, 0.5, 1.5]]
SQUARE, VECTOR = {"x": (3, 3)}, {"x": (3,)}
WEIGHTS = np.array([[1.0, -2.0, 0.5], [0.25, 3.0, -1.5], [2.0, -0.75, 1.25]])


def weighted(xp: Any, result: Any) -> Any:
    return xp.sum(result * xp.asarray(WEIGHTS[: result.shape[0]]))


BODIES: dict[str, tuple[Callable, Any]] = {
    "max": (lambda xp, x: xp.max(x * x), [0.5, -1.25, 1.0]),
    "min": (lambda xp, x: xp.min(xp.sin(x)), [0.5, -1.25, 1.0]),
    "sort": (lambda xp, x: xp.sum(xp.sort(x * x) * xp.asarray([1.0, -2.0, 4.0])), [0.5, -1.25, 1.0]),
    "where": (lambda xp, x: xp.sum(xp.where(x > 0, xp.exp(x), x * x)), [0.5, -1.25, 1.0]),
    "abs and sign": (lambda xp, x: xp.sum(xp.abs(x) * xp.sign(x) * x), [0.5, -1.25, 1.0]),
    "clip": (lambda xp, x: xp.sum(xp.clip(x, -1.0, 0.75) ** 2), [0.5, -1.25, 1.0]),
    "powers": (lambda xp, x: xp.sum(x**3 + x**-2 + (x * x) ** 0.5 + (x * x) ** 1.25), [0.5, -1.25, 1.0]),
    "power to an array": (lambda xp, x: xp.sum((x * x) ** x + 2.0**x + (1 + x * x) ** 0.25), [0.5, -1.25, 1.0]),
    "atan2": (lambda xp, x: xp.atan2(x[0], x[1]) + xp.atan2(x[1], xp.asarray(2.0)), [0.5, -1.25, 1.0]),
    "mean and var": (lambda xp, x: xp.mean(x) * xp.var(x) + xp.std(x), [0.5, -1.25, 1.0]),
    "products": (lambda xp, x: xp.prod(x) + xp.sum(xp.cumulative_prod(x) * xp.cumulative_sum(x)), [0.5, -1.25, 1.0]),
    "a vanishing product": (lambda xp, x: xp.prod(x), [0.0, -1.25, 1.0]),
    "quotients": (lambda xp, x: 1 / x[0] + x[1] / x[2] + x[2] / 3, [0.5, -1.25, 1.0]),
    "softmax": (lambda xp, x: xp.nn.softmax(x)[0] + xp.nn.log_softmax(x)[1], [0.5, -1.25, 1.0]),
    "logsumexp of equals": (lambda xp, x: xp.special.logsumexp(x), [2.0, 2.0, 2.0]),
    "norm": (lambda xp, x: xp.linalg.vector_norm(x), [0.5, -1.25, 1.0]),
    "matmul": (lambda xp, x: weighted(xp, x @ xp.matrix_transpose(x)), MATRIX),
    "matmul of vectors": (lambda xp, x: x[0] @ x[1] + (x @ x[2])[0] + (x[2] @ x)[1], MATRIX),
    "tensordot": (lambda xp, x: xp.tensordot(x, x.T, axes=2), MATRIX),
    "solve": (lambda xp, x: weighted(xp, xp.linalg.solve(x, x @ x.T + xp.eye(3))), MATRIX),
    "solve of a vector": (lambda xp, x: xp.sum(xp.linalg.solve(x, x[0])), MATRIX),
    "inverse": (lambda xp, x: weighted(xp, xp.linalg.inv(x)), MATRIX),
    "determinant": (lambda xp, x: xp.linalg.det(x) + xp.linalg.slogdet(x)[1], MATRIX),
    "pivoting": (lambda xp, x: xp.linalg.det(x), [[0.0, 2.0, 0.5], [4.0, 0.0, 0.25], [1.0, -0.5, 0.5]]),
    "cholesky": (lambda xp, x: weighted(xp, xp.linalg.cholesky(x @ x.T + xp.eye(3))), MATRIX),
    "convolution": (lambda xp, x: xp.sum(xp.nn.conv(x[None], x[None, :, :2]) ** 2), MATRIX),
}


@pytest.mark.parametrize("name", BODIES)
def test_derivatives_of_programs(name: str) -> None:
    body, x = BODIES[name]
    assert confirmed(entry(body, x=np.shape(x)), at(x))


def test_what_does_not_depend_on_an_argument_has_the_derivative_zero() -> None:
    on = TaylorArithmetic()
    made = entry(lambda xp, x, y: x * x + xp.sum(xp.zeros((2,))), x=(), y=())
    of_x, of_y = taylor_gradient(made, on, [on.inputs(x) for x in at(3.0, 1.0)])
    assert (of_x[()], of_y[()]) == (6, 0)


# Bounds of functions without a hand-derived gradient


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


TEXTBOOK: dict[str, tuple[Callable, Callable]] = {
    "tanh": (lambda xp, x: xp.sum(xp.tanh(x)), lambda x: 1 - np.tanh(x) ** 2),
    "sigmoid": (lambda xp, x: xp.sum(xp.special.expit(x)), lambda x: sigmoid(x) * (1 - sigmoid(x))),
    "exp of sine": (lambda xp, x: xp.sum(xp.exp(xp.sin(x))), lambda x: np.exp(np.sin(x)) * np.cos(x)),
    "cubes": (lambda xp, x: xp.sum(x * x * x - 2 * x), lambda x: 3 * x * x - 2),
    "quotient": (
        lambda xp, x: xp.sum(x / (1 + x * x)),
        lambda x: (1 + x * x - x * (2 * x)) / ((1 + x * x) * (1 + x * x)),
    ),
    "product rule": (
        lambda xp, x: xp.sum(xp.sin(x) * xp.cos(x)),
        lambda x: np.cos(x) * np.cos(x) - np.sin(x) * np.sin(x),
    ),
    "root": (lambda xp, x: xp.sum(xp.sqrt(1 + x * x)), lambda x: x / np.sqrt(1 + x * x)),
    "softplus": (lambda xp, x: xp.sum(xp.log1p(xp.exp(x))), lambda x: np.exp(x) / (1 + np.exp(x))),
    "constant": (lambda xp, x: xp.sum(x * 0.1 + 0.3), lambda x: np.full_like(x, 0.1)),
    "softmax": (
        lambda xp, x: xp.nn.softmax(x)[0],
        lambda x: (
            np.exp(x - x.max())[0]
            / np.exp(x - x.max()).sum()
            * (np.eye(3)[0] - np.exp(x - x.max()) / np.exp(x - x.max()).sum())
        ),
    ),
}
REFERENCES = {name: Reference(entry(body, x=(3,))) for name, (body, _) in TEXTBOOK.items()}
ENTRIES = st.lists(st.floats(-20, 20, width=32, allow_subnormal=False), min_size=3, max_size=3)


@pytest.mark.parametrize("name", TEXTBOOK)
@settings(max_examples=50)
@given(values=ENTRIES)
def test_the_bound_covers_the_textbook_derivative(name: str, values: list[float]) -> None:
    inputs, single = at(values), MachineModel(FORMATS["float32"])
    truth, bounds = REFERENCES[name].truth(inputs), REFERENCES[name].bounds(inputs, single)
    got = np.asarray(TEXTBOOK[name][1](np.float32(values)))
    assert truth.hand == "absent" and not bounds.out_of_range
    assert (truth.gradient[0].distance(got.astype(np.float32)) <= bounds.gradient[0]).all()


@pytest.mark.parametrize("name", TEXTBOOK)
def test_the_bound_is_narrow(name: str) -> None:
    inputs, single = at([0.5, -1.25, 2.0]), MachineModel(FORMATS["float32"])
    truth, bounds = REFERENCES[name].truth(inputs), REFERENCES[name].bounds(inputs, single)
    assert (bounds.gradient[0] <= 1e-4 * np.abs(truth.gradient[0].high).max()).all()


@pytest.mark.parametrize("x", np.float32([0.1, 0.3, 0.7, 3.3, 49.0]).tolist())
def test_the_bound_covers_a_quotient_rule_that_cancels(x: float) -> None:
    reference, single, half = Reference(entry(lambda xp, x: x / x, x=())), np.float32(x), np.float32(0.5)
    bounds = reference.bounds(at(x), MachineModel(FORMATS["float32"]))
    assert abs(1 / single - single / (single * single)) <= bounds.gradient[0]
    assert half * np.spacing(1 / single) <= bounds.gradient[0] <= 1e-5 / x
