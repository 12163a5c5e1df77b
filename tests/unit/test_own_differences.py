"""Finite differences of a forward pass: honest error estimates where it is smooth, silence where it has a kink, and no
blindness for a gradient that is wrong by a thousandth."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradproof.oracles.differences import OwnDifferences, own_differences
from gradproof.registry import Inputs
from tests.unit.made import at

EPS = 2.0**-53


def differences(forward: Callable, inputs: Inputs, value_error: float = 0.0) -> OwnDifferences:
    """Differences of `forward(*batches)`; the rounding of its value, by 8 eps, comes on top of `value_error`."""
    value = float(forward(*(x[None] for x in inputs))[0])
    return own_differences(lambda batch: forward(*batch), inputs, value_error + 8 * EPS * abs(value))


def honest(found: OwnDifferences, gradient: Inputs) -> bool:
    """Whether every derivative, and the one along the direction, is as near to the truth as it claims."""
    entries = [np.abs(d - g) <= e for d, g, e in zip(found.gradient, gradient, found.error, strict=True)]
    along = sum(float((g * v).sum()) for g, v in zip(gradient, found.direction, strict=True))
    return all(entry.all() for entry in entries) and abs(found.along - along) <= found.along_error


SMOOTH: dict[str, tuple[Callable, Callable]] = {
    "cube": (lambda x: (x**3).sum(1), lambda x: 3 * x**2),
    "sine": (lambda x: np.sin(x).sum(1), np.cos),
    "exp": (lambda x: np.exp(x).sum(1), np.exp),
    "tanh": (lambda x: np.tanh(x).sum(1), lambda x: 1 / np.cosh(x) ** 2),
    "product": (lambda x: x[:, 0] * x[:, 1] * x[:, 2], lambda x: x[[1, 0, 0]] * x[[2, 2, 1]]),
    "norm": (lambda x: np.sqrt(1 + (x**2).sum(1)), lambda x: x / np.sqrt(1 + (x**2).sum())),
    "linear": (lambda x: x @ np.array([1.0, -2.0, 1e3]), lambda x: np.array([1.0, -2.0, 1e3])),
}
ENTRIES = st.lists(st.floats(-4, 4, width=32, allow_subnormal=False), min_size=3, max_size=3)


@pytest.mark.parametrize("name", SMOOTH)
@settings(max_examples=100)
@given(values=ENTRIES)
def test_estimates_of_smooth_functions_are_honest(name: str, values: list[float]) -> None:
    forward, gradient = SMOOTH[name]
    (x,) = inputs = at(values)
    size = 64 * EPS * float(np.abs(values).sum() + 1) ** 3 * (1e3 if name == "linear" else 1)
    assert honest(differences(forward, inputs, size), (gradient(x),))


@pytest.mark.parametrize("name", SMOOTH)
def test_estimates_are_small_where_the_function_is_smooth(name: str) -> None:
    forward, gradient = SMOOTH[name]
    (x,) = inputs = at([0.5, -1.25, 2.0])
    found = differences(forward, inputs)
    assert honest(found, (gradient(x),))
    assert (found.error[0] <= 1e-6 * np.abs(gradient(x)).max()).all() and np.isfinite(found.along_error)


def test_several_arguments_of_several_shapes() -> None:
    inputs = at(2.0, [[1.0, -0.5]], [0.25])
    found = differences(lambda s, m, v: s * np.sin(m).sum((1, 2)) * v[:, 0], inputs)
    s, m, v = inputs
    assert [part.shape for part in (*found.gradient, *found.error)] == [(), (1, 2), (1,)] * 2
    assert honest(found, (np.sin(m).sum() * v[0], s * np.cos(m) * v[0], s * np.sin(m).sum()[None]))


def test_one_batch_holds_every_step() -> None:
    calls: list[Inputs] = []

    def forward(batch: Inputs) -> np.ndarray:
        calls.append(batch)
        return batch[0].sum(axis=1)

    own_differences(forward, at([1.0, 2.0]), 0.0)
    assert len(calls) == 1 and calls[0][0].shape == (1 + 3 * 6, 2)


@pytest.mark.parametrize("x", [1e-9, 1e-38, -1e-38, 2.0**-20, -(2.0**-21)])
@pytest.mark.parametrize(
    "forward",
    [np.abs, lambda x: np.maximum(x, 0), lambda x: np.where(x > 0, 2 * x, x), lambda x: np.abs(x) + np.sin(x)],
    ids=["absolute", "positive part", "two slopes", "kink on a curve"],
)
def test_a_kink_within_the_step_silences(forward: Callable, x: float) -> None:
    found = differences(forward, at(x))
    assert found.error[0] == np.inf and found.along_error == np.inf


@given(x=st.floats(-(2.0**-15), 2.0**-15, width=32).filter(lambda x: x != 0))
@settings(max_examples=200)
def test_a_kink_near_any_step_is_silenced_or_covered(x: float) -> None:
    assert honest(differences(np.abs, at(x)), at(np.sign(x)))


def test_a_kink_along_one_entry_leaves_the_others() -> None:
    found = differences(lambda x: np.abs(x[:, 0]) + x[:, 1] ** 2, at([1e-9, 3.0]))
    assert found.error[0][0] == np.inf and abs(found.gradient[0][1] - 6) <= found.error[0][1] < 1e-6
    assert found.along_error == np.inf


def test_a_jump_within_the_step_silences() -> None:
    assert differences(lambda x: np.where(x > 1e-9, 1.0, 0.0), at(0.0)).error[0] == np.inf


@pytest.mark.parametrize("x", [0.0, 1e-12])
def test_an_edge_of_the_domain_silences(x: float) -> None:
    def root(batch: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return np.sqrt(batch)

    assert differences(root, at(x)).error[0] == np.inf


def test_an_overflow_within_the_step_silences() -> None:
    def steep(batch: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            return np.exp(batch)

    assert differences(steep, at(709.78)).error[0] == np.inf


@pytest.mark.parametrize("x", [0.5, 1.25, 3.0])
def test_a_noisy_forward_pass_is_covered(x: float) -> None:
    exactly, noisy = (
        differences(np.sin, at(x)),
        differences(lambda b: np.float32(np.sin(b)).astype(float), at(x), 2.0**-24),
    )
    assert noisy.error[0] > 100 * exactly.error[0]
    assert honest(noisy, at(np.cos(x)))


@given(x=st.floats(-4, 4, width=32, allow_subnormal=False))
def test_rounding_to_single_is_covered_anywhere(x: float) -> None:
    assert honest(differences(lambda b: np.float32(np.sin(b)).astype(float), at(x), 2.0**-24), at(np.cos(x)))


@pytest.mark.parametrize("name", SMOOTH)
def test_a_gradient_that_is_wrong_by_a_thousandth_is_outside(name: str) -> None:
    forward, gradient = SMOOTH[name]
    (x,) = inputs = at([0.5, -1.25, 2.0])
    found, wrong = differences(forward, inputs), gradient(x) * (1 + 1e-3)
    assert (np.abs(found.gradient[0] - wrong) > found.error[0]).all()
    assert abs(found.along - float((wrong * found.direction[0]).sum())) > found.along_error


@pytest.mark.parametrize("size", [1e-30, 1e-5, 1.0, 1e10])
def test_the_step_follows_the_size_of_the_entry(size: float) -> None:
    found = differences(lambda x: x[:, 0] * 3 + x[:, 1], at([size, 1.0]))
    assert abs(found.gradient[0][0] - 3) <= found.error[0][0] < 1e-3


def test_a_constant_has_the_derivative_zero() -> None:
    found = differences(lambda x: np.full(len(x), 3.0), at([1.0, 2.0]))
    assert (found.gradient[0] == 0).all() and (found.error[0] < 1e-8).all()
