"""The machine model: the formats are those that libraries know, every row of the table is an operation, and its balls
hold what a rounding may do."""

import math

import numpy as np
import pytest
from flint import arb, ctx

from gradproof.oracles.balls import BallArithmetic
from gradproof.oracles.balls.scalars import ELEMENTARY, SEVERAL, SPECIAL
from gradproof.oracles.machine_model import (
    ABSOLUTE,
    ARITHMETIC,
    FORMATS,
    SLACK,
    SWEEP_SLACK,
    TF32,
    ULPS,
    Format,
    MachineModel,
)
from gradproof.registry import MissingOperation


@pytest.mark.parametrize("name", ["float64", "float32", "float16"])
def test_formats_are_the_known_ones(name: str) -> None:
    agrees_with(FORMATS[name], np.finfo(name))


def test_the_short_format_is_the_known_one() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    agrees_with(FORMATS["bfloat16"], ml_dtypes.finfo("bfloat16"))


def agrees_with(format: Format, known: np.finfo) -> None:
    assert format.precision == known.nmant + 1 and format.unit_roundoff == float(known.eps) / 2
    assert (format.largest, format.tiny) == (float(known.max), float(known.smallest_normal))
    assert format.smallest == float(known.smallest_subnormal)


def test_every_format_carries_its_name() -> None:
    assert all(format.name == name for name, format in FORMATS.items())


@pytest.mark.parametrize("operation", ULPS)
def test_every_row_of_the_table_is_an_operation(operation: str) -> None:
    xp = BallArithmetic().namespace()
    try:
        found = getattr(xp, operation)
    except MissingOperation:
        found = getattr(xp.special, operation)
    assert callable(found)


def test_every_function_has_a_row() -> None:
    assert {*ELEMENTARY, *SPECIAL, *SEVERAL, *ARITHMETIC, *ABSOLUTE, "pow", "atan2"} <= set(ULPS)
    assert all(0.5 <= ulps <= (16 if name in ELEMENTARY else 163) for name, ulps in ULPS.items()) and SLACK > 1


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("operation", ["add", "exp", "pow"])
def test_factors_hold_the_rounding(name: str, operation: str) -> None:
    with ctx.workprec(200):
        one, three = (MachineModel(FORMATS[name]).factor(operation, count) for count in (1, 3))
        delta = 2 * ULPS[operation] * FORMATS[name].unit_roundoff
        assert one.contains(1 + arb(delta)) and one.contains(1 - arb(delta)) and three.contains(1 - arb(3 * delta))
        assert one.rad() <= 1.01 * delta and three.rad() <= 3.03 * delta


@pytest.mark.parametrize(
    ("value", "formats"),
    [
        (0.0, "float64 float32 float16 bfloat16"),
        (-0.0, "float64 float32 float16 bfloat16"),
        (1.5, "float64 float32 float16 bfloat16"),
        (-255.0, "float64 float32 float16 bfloat16"),
        (257.0, "float64 float32 float16"),
        (2049.0, "float64 float32"),
        (65504.0, "float64 float32 float16"),
        (65536.0, "float64 float32 bfloat16"),
        (2.0**24 + 1, "float64"),
        (0.1, "float64"),
        (math.pi, "float64"),
        (float(np.float32(0.1)), "float64 float32"),
        (2.0**-20, "float64 float32 float16 bfloat16"),
        (3.5e38, "float64"),
        (1e300, "float64"),
    ],
)
def test_exact(value: float, formats: str) -> None:
    assert [name for name, format in FORMATS.items() if MachineModel(format).exact(value)] == formats.split()


@pytest.mark.parametrize("value", np.random.default_rng(5).normal(size=20).tolist())
def test_exact_is_a_round_trip(value: float) -> None:
    short = float(np.float32(value))
    assert MachineModel(FORMATS["float32"]).exact(short)
    assert MachineModel(FORMATS["float32"]).exact(value) == (short == value)
    assert MachineModel(FORMATS["float16"]).exact(value) == (float(np.float16(value)) == value)


def test_underflow() -> None:
    single = FORMATS["float32"]
    assert MachineModel(single).underflow("multiply") == single.smallest == 2.0**-149
    assert MachineModel(single).underflow("exp") == single.tiny == 2.0**-126
    assert MachineModel(single, flushes=True).underflow("multiply") == single.tiny


# Rounding to a format


WIDE = [
    *np.random.default_rng(7).normal(size=40).tolist(),
    *(np.random.default_rng(8).normal(size=60) * 2.0 ** np.random.default_rng(9).integers(-160, 140, 60)).tolist(),
]
"""Numbers from below the subnormals of float32 to beyond its largest."""


@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16"])
def test_rounding_is_that_of_the_format(name: str) -> None:
    format = FORMATS[name]
    dtype = getattr(pytest.importorskip("ml_dtypes"), name) if name == "bfloat16" else np.dtype(name)
    edges = [format.largest, format.largest * (1 + format.unit_roundoff / 2), format.tiny, format.smallest]
    halves = [format.smallest / 2, format.smallest * 1.5, format.smallest * 0.75, 0.0, -0.0]
    # Halfway between two numbers the even one is taken.
    ties = [1 + format.unit_roundoff, 1 + 3 * format.unit_roundoff, format.tiny * (1 - format.unit_roundoff)]
    values = np.array([sign * value for value in (*WIDE, *edges, *halves, *ties) for sign in (1, -1)])
    with np.errstate(over="ignore"):
        known = values.astype(np.float32 if name == "bfloat16" else np.float64).astype(dtype).astype(np.float64)
        if name == "bfloat16":  # not by way of float32, where it rounds twice
            known = np.array([float(dtype(value)) for value in values])
    rounded = format.rounded(values)
    assert np.array_equal(rounded, known) and np.array_equal(np.signbit(rounded), np.signbit(known))


def test_beyond_the_largest_number_there_is_infinity() -> None:
    format = FORMATS["float16"]
    assert format.rounded(np.array([65519.9, 65520.0, -65520.0])).tolist() == [65504.0, math.inf, -math.inf]


def test_a_format_of_all_digits_rounds_nothing() -> None:
    values = np.array([0.1, 5e-324, 1.7e308, -math.inf])
    assert np.array_equal(FORMATS["float64"].rounded(values), values)


# What may be zero


@pytest.mark.parametrize(
    ("value", "may"),
    [(0.0, False), (2.0**-127, True), (-(2.0**-149), True), (2.0**-126, False), (-1.0, False)],
)
def test_what_is_subnormal_may_be_flushed(value: float, may: bool) -> None:
    single = FORMATS["float32"]
    values = np.array([1.0, value])
    assert MachineModel(single, flushes=True).may_flush(values) == may
    assert not MachineModel(single).may_flush(values)


@pytest.mark.parametrize("operation", ARITHMETIC)
def test_gradual_underflow_is_promised_for_arithmetic(operation: str) -> None:
    half = FORMATS["float16"]
    assert MachineModel(half).underflow(operation) == half.smallest == 2.0**-24
    assert MachineModel(half).underflow() == half.smallest


def test_a_factor_is_1_and_as_much_to_either_side() -> None:
    with ctx.workprec(200):
        factor = MachineModel(FORMATS["float32"]).factor("multiply", 2)
        assert factor.mid() == 1 and not factor.contains(1 + arb(2.01 * 2.0**-24))


def test_the_models_say_what_their_names_do() -> None:
    model = MachineModel(FORMATS["float32"])
    assert not model.flushes and model.slopes_from_values
    assert TF32.precision == 11 and TF32.tiny == FORMATS["float32"].tiny
    assert 3.4e38 < TF32.largest < FORMATS["float32"].largest
    assert (SLACK, SWEEP_SLACK) == (4.0, 2.0)
