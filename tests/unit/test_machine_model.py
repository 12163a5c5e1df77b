"""The machine model: the formats are those that libraries know, every row of the table is an operation, and its balls
hold what a rounding may do."""

import math

import numpy as np
import pytest
from flint import arb, ctx

from gradproof.oracles.balls import BallArithmetic
from gradproof.oracles.balls.scalars import ELEMENTARY, SEVERAL, SPECIAL
from gradproof.oracles.machine_model import ABSOLUTE, ARITHMETIC, FORMATS, SLACK, ULPS, Format, MachineModel
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
