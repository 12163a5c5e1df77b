"""What physics says of some gradients, apart from any chain rule: conservation laws, and solutions that are known."""

import numpy as np
import pytest
from flint import arb, ctx

from gradproof.oracles import exact
from gradproof.oracles.balls import BallArithmetic
from gradproof.registry import Function, Inputs, load_builtin

FUNCTIONS = {function.name: function for function in load_builtin()}
KEPLER, LENS = FUNCTIONS["keplers_equation"], FUNCTIONS["rays_through_a_lens"]


def gradient(function: Function, inputs: Inputs) -> list[np.ndarray]:
    """The hand-derived gradient, exactly."""
    on = BallArithmetic()
    return exact.hand_gradient(function, on, [on.inputs(x) for x in inputs])


@pytest.mark.parametrize("name", ["n_body_gravity", "lennard_jones_cluster"])
def test_forces_and_torques_add_up_to_nothing(name: str) -> None:
    function = FUNCTIONS[name]
    with ctx.workprec(exact.FIRST_PRECISION):
        for inputs in function.points:
            x, force = inputs[0], gradient(function, inputs)[0]
            assert all(abs(total) < arb(10) ** -60 for total in force.sum(axis=0))
            for i, j in ((0, 1), (1, 2), (2, 0)):
                torque = sum(arb(float(a[i])) * f[j] - arb(float(a[j])) * f[i] for a, f in zip(x, force, strict=True))
                assert abs(torque) < arb(10) ** -60


def test_the_steps_to_keplers_solution_have_the_derivative_of_the_solution() -> None:
    M, e = np.array([0.5, -1.25, 3.0]), np.array([0.25, 0.5, 0.125])  # noqa: N806
    E = M.copy()  # noqa: N806
    for _ in range(50):
        E = M + e * np.sin(E)  # noqa: N806
    slope = 1 - e * np.cos(E)
    with ctx.workprec(exact.FIRST_PRECISION):
        d_M, d_e = (part.astype(float) for part in gradient(KEPLER, (M, e)))  # noqa: N806
    w = d_M * slope
    assert np.allclose(d_e, w * np.sin(E) / slope, rtol=1e-8, atol=0)
    # The weights of the entry, which are multiples of 1/64.
    assert np.allclose(w * 64, np.round(w * 64), rtol=1e-8, atol=0)


def test_rays_near_the_axis_meet_at_the_focus_of_a_thick_lens() -> None:
    y, R, n, t = np.array([2.0**-20, 0.0, 0.0]), np.array([2.0, 4.0]), 1.5, 0.5  # noqa: N806
    power = (n - 1) * (1 / R[0] + 1 / R[1] - (n - 1) * t / (n * R[0] * R[1]))
    focus = (1 - (n - 1) * t / (n * R[0])) / power  # the lensmaker's equation, behind the second vertex
    with ctx.workprec(exact.FIRST_PRECISION):
        at = [gradient(LENS, (y, R, np.array(n), np.array(t), np.array(z)))[0][0] for z in (focus, 2 * focus)]
    assert abs(float(at[0] / at[1])) < 1e-10
