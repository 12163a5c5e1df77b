"""What is recorded as a way around a divergence is one: written as it is told, its gradient is verified at an input
where the plain call is wrong. A workaround that nothing here writes out may not be recorded."""

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gradproof
from gradproof import divergences
from gradproof.backends import BACKENDS
from tests.unit.made import NAMES
from tests.unit.test_check_grads import frame


def total(n: Any, x: Any) -> Any:
    return n.reduce_sum(x) if hasattr(n, "reduce_sum") else n.sum(x)


def guarded_root(n: Any, x: Any) -> Any:
    # Inside as well: the branch that is not taken is computed all the same.
    inside = n.where(x > 0, x, n.ones_like(x))
    return total(n, n.where(x > 0, n.sqrt(inside), n.zeros_like(x)))


def guarded_length(n: Any, x: Any) -> Any:
    return guarded_root(n, total(n, x * x))


Case = tuple[Callable, list[Any], int]
"""A function of the framework's namespace and arrays, its arguments, and the order of derivatives that is checked."""

GUARDS: dict[str, Case] = {
    "branch-not-chosen": (guarded_root, [[4.0, -1.0]], 1),
    "infinite-slope-of-root": (guarded_length, [[0.0, 0.0]], 1),
}

CASES: dict[str, dict[str, Case]] = {
    "JX": GUARDS | {"hypot-tie": (lambda n, x, y: n.sqrt(x * x + y * y), [[0.75, -0.5], [0.75, 0.5]], 2)},
    "PT": GUARDS,
    "TF": GUARDS
    | {"logaddexp-tie": (lambda n, x, y: n.reduce_logsumexp(n.stack([x, y]), axis=0), [[0.5, 1.0], [0.5, 2.0]], 1)},
    "AG": GUARDS
    | {
        "transform-norm-backward": (lambda n, x: total(n, n.real(n.fft.rfft(x)) ** 2), [[1.0, -0.5, 2.0, 0.25]], 1),
        "rfft-length-by-name": (lambda n, x: total(n, n.real(n.fft.rfft(x, 2)) ** 2), [[1.0, -0.5, 2.0, 0.25]], 1),
        "repeat-negative-axis": (
            lambda n, x: total(n, n.repeat(x, 2, axis=1) ** 2 * np.arange(8.0).reshape(2, 4)),
            [[[1.0, 2.0], [3.0, 4.0]]],
            1,
        ),
    },
}


@pytest.mark.parametrize(("short", "cause"), [(short, cause) for short, cases in CASES.items() for cause in cases])
def test_a_workaround_has_a_right_gradient(short: str, cause: str) -> None:
    made, (function, arguments, order) = frame(short), CASES[short][cause]
    namespace = importlib.import_module("tensorflow") if short == "TF" else made.namespace
    arrays = tuple(map(made.array, arguments))
    # It raises where a gradient is wrong. At 0 a length has a kink, where 0 is one of the right slopes.
    report = gradproof.check_grads(lambda *given: function(namespace, *given), arrays, order=order)
    assert report.verdict in ("verified", "convention", "inconclusive")


def test_what_is_recorded_is_what_is_tested() -> None:
    names = {name: short for short, name in NAMES.items()}
    recorded = {(names[b], entry.cause) for b in BACKENDS for entry in divergences.load(b) if entry.workaround}
    assert recorded == {(short, cause) for short, cases in CASES.items() for cause in cases}
