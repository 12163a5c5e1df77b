"""The benchmark of a gradient's cost measures what it says: a gradient that does its work ten times costs about ten
times as much, and what raises is told."""

import time

import numpy as np
import pytest

import backends
from benchmarks.ratio import cost, lines_of
from functions import Function, Reals, function


def squares() -> Function:
    """f(x) = Σ x²"""

    @function(x=Reals((3,)), points=[dict(x=[0.5, -1.25, 2.0])])
    def squared_sum(xp, x):
        return xp.sum(x * x)

    @squared_sum.gradient
    def _(xp, x):
        return 2 * x

    return squared_sum


def test_the_ratio_is_that_of_the_times() -> None:
    def primal(x: np.ndarray) -> np.ndarray:
        time.sleep(0.002)
        return x

    def gradient(x: np.ndarray) -> tuple[np.ndarray]:
        time.sleep(0.02)
        return (x,)

    found = cost(backends.load("numpy"), squares(), primal, gradient, "float64")
    # Wide, because a sleep may take longer on a busy machine, but never shorter.
    assert found.primal >= 0.002 and found.gradient >= 0.02
    assert 3 < found.ratio < 30


def test_every_backend_has_its_lines() -> None:
    (line,) = lines_of(squares(), ["numpy"], "float64")
    assert line.split()[:2] == ["numpy", "eager"] and line.count(" ms") == 2


def test_what_raises_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    made = squares()
    monkeypatch.setattr(made, "body", lambda xp, x: xp.no_such_operation(x))
    (line,) = lines_of(made, ["numpy"], "float64")
    assert "MissingOperation: numpy has no xp.no_such_operation" in line
