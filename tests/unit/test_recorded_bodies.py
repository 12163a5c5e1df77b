"""Bodies on a tape, in the namespace whose arrays are cells: every function of the registry is recorded, but for those
of this table, and what is recorded is the function."""

from collections.abc import Iterator

import numpy as np
import pytest
from flint import ctx

from gradproof import Reals, function
from gradproof.oracles.machine_model import FORMATS, MachineModel
from gradproof.oracles.reference import BOUND_PRECISION, Reference
from gradproof.oracles.tape.evaluation import Evaluation
from gradproof.oracles.tape.namespace import record
from gradproof.oracles.tape.sweep import Sweep
from gradproof.oracles.whole import Recordings, WholeReference
from gradproof.registry import Function, load_builtin
from tests.unit.made import registered

DOUBLE = MachineModel(FORMATS["float64"])

NOT_RECORDED = {"complex_pseudoinverse"}
"""The pseudoinverse of complex matrices has no form on a tape. Its bound is that of its derivation."""

EVERY = 5
"""One function in so many is held to its truth as well."""


def recorded() -> Iterator[tuple[Function, tuple]]:
    for made in load_builtin():
        if made.points and not made.problems and (made.variant_of or made.name) not in NOT_RECORDED:
            yield made, made.points[0]


def test_every_body_is_recorded_but_those_of_the_table() -> None:
    missing = set()
    for made in load_builtin():
        if made.points and not made.problems:
            found = Recordings(made).at(made.points[0])
            missing |= {made.variant_of or made.name} if isinstance(found, str) else set()
    assert missing == NOT_RECORDED


def test_what_is_recorded_has_the_value_of_the_body() -> None:
    for made, inputs in recorded():
        value = record(made, inputs)[1]
        got, true = float(value.value.reshape(-1)[0]), float(Reference(made).values([x[None] for x in inputs])[0])
        assert got == pytest.approx(true, rel=1e-9, abs=1e-12), made.name


def test_the_sweep_with_rounding_encloses_the_truth() -> None:
    for made, inputs in list(recorded())[::EVERY]:
        truth = Reference(made).truth(inputs)
        if truth.kink is not None:
            continue
        tape, output = Recordings(made).at(inputs)
        with ctx.workprec(BOUND_PRECISION):
            swept = Sweep(Evaluation(tape, rounding=True, model=DOUBLE).forward()).run(output)
        for balls, true in zip(swept, truth.gradient, strict=True):
            for ball, entry in zip(balls.flat, true.balls.flat, strict=True):
                # Constants beyond 53 bits, as π, are the float64 number on a tape.
                assert not ball.is_finite() or abs(ball - entry) <= 2 * ball.rad() + 1e-15 * abs(entry) + 1e-300, (
                    made.name
                )


def test_a_body_that_cannot_be_recorded_keeps_its_bound() -> None:
    made = registered("complex_pseudoinverse")
    reference = WholeReference(made)
    assert "Untraceable" in reference.recordings.at(made.points[0])
    assert reference.wider(made.points[0], DOUBLE) is reference.bounds(made.points[0], DOUBLE)


def test_a_recording_that_misses_the_truth_widens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    @function(x=Reals((2,)), points=[dict(x=[0.5, 1.5])])
    def squares(xp, x):
        """f(x) = Σ x²"""
        return xp.sum(x * x)

    @squares.gradient
    def _(xp, x):
        return (2 * x,)

    @function(x=Reals((2,)), points=[dict(x=[0.5, 1.5])])
    def cubes(xp, x):
        """f(x) = Σ x³"""
        return xp.sum(x * x * x)

    (inputs,) = squares.points
    reference, other = WholeReference(squares), Recordings(cubes)
    monkeypatch.setattr(reference.recordings, "at", other.at)
    assert np.array_equal(reference.wider(inputs, DOUBLE).gradient[0], reference.bounds(inputs, DOUBLE).gradient[0])
