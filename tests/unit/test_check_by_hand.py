"""`check_grads(f, args, jac=…)`: gradients and Jacobians that somebody wrote in plain NumPy, as optimizers take
them."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import optimize

from gradproof import GradientError, check_grads
from gradproof.checking.asked import ArgumentError
from gradproof.oracles.tape import Untraceable

X = np.array([0.3, 1.2, -0.5, 2.0])


def residual(x):
    r = np.zeros(3)
    r[0] = x[0] ** 2 - x[1]
    for i in range(1, 3):
        r[i] = np.sin(x[i]) * x[0]
    return r


def jacobian(x):
    rows = np.zeros((3, 4))
    rows[0, :2] = 2 * x[0], -1
    for i in range(1, 3):
        rows[i, 0], rows[i, i] = np.sin(x[i]), np.cos(x[i]) * x[0]
    return rows


def energy(x, a):
    return 0.5 * x @ a @ x


def test_a_function_of_another_package():
    report = check_grads(optimize.rosen, X, jac=optimize.rosen_der)
    assert report.verdict == "verified"
    assert report.caught["x"] < 1e-12
    assert [row["mode"] for row in report.rows] == ["reverse"]


def test_an_error_in_one_entry_is_named():
    def planted(x):
        return optimize.rosen_der(x) * np.array([1.0, 1.0, 1.0 + 1e-9, 1.0])

    with pytest.raises(GradientError, match=r"x\[2\]"):
        check_grads(optimize.rosen, X, jac=planted)


def test_a_residual_and_its_jacobian():
    assert check_grads(residual, X, jac=jacobian, draws=3).verdict == "verified"


@pytest.mark.parametrize("row, column", [(0, 1), (1, 0), (2, 2), (2, 3)])
def test_an_error_in_any_entry_of_a_jacobian_is_seen(row, column):
    def planted(x):
        rows = jacobian(x)
        rows[row, column] += 1e-9
        return rows

    with pytest.raises(GradientError, match=rf"x\[{column}\]"):
        check_grads(residual, X, jac=planted)


def test_value_and_gradient_together():
    def both(x):
        g = np.empty(4)
        g[:] = np.cos(x)
        g[0] += 2 * x[0]
        return np.sum(np.sin(x)) + x[0] ** 2, g

    assert check_grads(both, X, jac=True).verdict == "verified"

    def wrong(x):
        value, g = both(x)
        return value, g + np.array([0, 0, 0, 1e-9])

    with pytest.raises(GradientError, match=r"x\[3\]"):
        check_grads(wrong, X, jac=True)


def test_several_arguments_and_those_that_are_data():
    x, a = np.array([0.5, 1.5]), np.array([[2.0, 1.0], [0.0, 3.0]])
    assert check_grads(energy, (x, a), jac=lambda x, a: (0.5 * (a + a.T) @ x, 0.5 * np.outer(x, x)))
    assert check_grads(energy, (x, a), jac=lambda x, a: 0.5 * (a + a.T) @ x, argnums=0)
    with pytest.raises(GradientError, match=r"a\[0, 1\]"):
        check_grads(energy, (x, a), jac=lambda x, a: (0.5 * (a + a.T) @ x, 0.5 * np.outer(x, x).T * [[1, 2], [1, 1]]))


def test_a_gradient_that_is_a_list():
    assert check_grads(lambda x: x[0] * x[1], np.array([2.0, 3.0]), jac=lambda x: [x[1], x[0]])


def raising(f, after, once=False):
    """A function that works `after` times, and raises then: from then on, or `once`."""
    calls = []

    def used_up(*args):
        calls.append(args)
        if len(calls) == after + 1 or (len(calls) > after and not once):
            raise OSError("the buffer is used up")
        return f(*args)

    return used_up


@pytest.mark.parametrize("once", (False, True))
@pytest.mark.parametrize("uses", range(1, 5))
def test_a_function_that_raises_at_a_later_call_is_told(uses, once):
    both = raising(lambda x: (optimize.rosen(x), optimize.rosen_der(x)), uses, once)
    for f, jac in ((raising(optimize.rosen, uses, once), optimize.rosen_der), (both, True)):
        with pytest.raises(GradientError, match="another call of the function raises OSError: the buffer") as caught:
            check_grads(f, X, jac=jac)
        assert caught.value.report.verdict == "unsupported"


@pytest.mark.parametrize(
    "f, args, jac",
    [
        (optimize.rosen, X, optimize.rosen_der),
        (residual, X, jacobian),
        (energy, (X, np.diag(X)), lambda x, a: (0.5 * (a + a.T) @ x, 0.5 * np.outer(x, x))),
    ],
)
def test_a_gradient_that_raises_at_its_second_call_is_told(f, args, jac):
    for once in (False, True):
        with pytest.raises(GradientError, match="a second call of the gradient raises OSError: the buffer") as caught:
            check_grads(f, args, jac=raising(jac, 1, once))
        assert caught.value.report.verdict == "unsupported"


def test_a_gradient_that_adds_to_what_it_gave_before_is_told():
    total = np.zeros(4)

    def added(x):
        total[:] += optimize.rosen_der(x)
        return total

    with pytest.raises(GradientError, match="a second call gives another gradient"):
        check_grads(optimize.rosen, X, jac=added)


def test_a_gradient_that_is_filled_into_one_array_is_right():
    filled = np.zeros(4)

    def into(x):
        filled[:] = optimize.rosen_der(x)
        return filled

    assert check_grads(optimize.rosen, X, jac=into).verdict == "verified"


def test_single_precision():
    x = X.astype(np.float32)
    assert check_grads(optimize.rosen, x, jac=optimize.rosen_der, dtypes=("float32", "float64")).verdict == "verified"

    def widened(x):
        return optimize.rosen_der(x).astype(float)

    with pytest.raises(GradientError, match="float64; float32 is right"):
        check_grads(optimize.rosen, x, jac=widened)


@pytest.mark.parametrize(
    "f, jac, told",
    [
        (lambda x: [x[0], x[1]], lambda x: x, "np.array"),
        (lambda x: x * x, lambda x: 2 * x, r"\(4, 4\) is right"),
        (lambda x: np.sum(x), "2-point", "jac='2-point'"),
        (lambda x: np.sum(x), True, "two things"),
        (lambda x: np.sum(x * 1j), lambda x: 0 * x, "real"),
    ],
)
def test_calls_that_ask_for_nothing_are_answered(f, jac, told):
    with pytest.raises(ArgumentError, match=told):
        check_grads(f, X, jac=jac)


def test_the_shape_of_a_gradient_is_compared():
    with pytest.raises(GradientError, match="shape"):
        check_grads(optimize.rosen, X, jac=lambda x: optimize.rosen_der(x)[:, None])


def test_what_leaves_the_trace_is_named_with_its_place():
    def f(x):
        return float(x[0]) * x[1]

    with pytest.raises(Untraceable, match=r"float at test_check_by_hand.py:\d+"):
        check_grads(f, X, jac=lambda x: np.array([x[1], x[0], 0, 0]))


def test_no_framework_is_imported():
    code = """
import sys
import numpy as np
from gradproof import check_grads
def cubes(x):
    y = np.zeros(2)
    for i in range(2):
        y[i] = x[i] ** 3
    return np.sum(y)
check_grads(cubes, np.ones(2), jac=lambda x: 3 * x**2)
assert not {"autograd", "jax", "torch", "tensorflow"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_what_is_replaced_while_tracing_is_put_back():
    before = np.zeros, np.array
    with pytest.raises(Untraceable):
        check_grads(lambda x: float(x[0]), X, jac=lambda x: x)
    assert (np.zeros, np.array) == before
