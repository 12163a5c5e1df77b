"""The notebook's numbers come out: its two functions at its inputs, in every backend, digit by digit as it prints them;
and the exact reference says that these digits are right."""

import numpy as np
import pytest

from gradproof import backends
from gradproof.registry import Function, load_builtin
from gradproof.verification.examine import reference_of
from tests.unit.made import NAMES

FUNCTIONS = {function.name: function for function in load_builtin()}
FIRST = FUNCTIONS["weighted_sum_times_z"], "12", ["6", "3", "4"]
SECOND = FUNCTIONS["exponential_of_sine"], "23.1780070835713", ["11.92692295225547"]
SECOND_FLOAT32 = FUNCTIONS["exponential_of_sine"], "23.178009", ["11.9269238"]


def run(name: str, function: Function, dtype: str) -> tuple[float, list[float]]:
    """Value and gradient at the function's first point, which is the notebook's input."""
    if backends.installed_version(name) is None:
        pytest.skip(f"{name} is not installed")
    adapter = backends.load(name)
    arrays = [adapter.array(x, dtype, "cpu") for x in function.points[0]]
    value = adapter.callable(function, dtype, "cpu")(*arrays)
    gradient = backends.differentiate(adapter, function, dtype, "cpu", "reverse")(*arrays)
    return float(adapter.to_numpy(value)), [float(adapter.to_numpy(part)) for part in gradient]


def last_digit(printed: str) -> float:
    """One unit of the last digit that the notebook prints."""
    return 10.0 ** -len(printed.partition(".")[2])


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize(("function", "value", "gradient"), [FIRST, SECOND], ids=["first", "second"])
def test_float64_prints_the_digits_of_the_notebook(
    name: str, function: Function, value: str, gradient: list[str]
) -> None:
    got_value, got_gradient = run(name, function, "float64")
    for got, printed in zip([got_value, *got_gradient], [value, *gradient], strict=True):
        assert abs(got - float(printed)) <= last_digit(printed)


def test_float32_prints_the_digits_of_the_notebook() -> None:
    function, value, gradient = SECOND_FLOAT32
    got_value, got_gradient = run("tensorflow", function, "float32")
    assert np.float32(got_value) == np.float32(value)
    assert abs(np.float32(got_gradient[0]) - np.float32(gradient[0])) <= np.spacing(np.float32(gradient[0]))


@pytest.mark.parametrize(
    ("function", "value", "gradient", "roundoff"),
    [(*FIRST, 0.0), (*SECOND, 2.0**-50), (*SECOND_FLOAT32, 2.0**-21)],
    ids=["first", "second", "second-float32"],
)
def test_the_exact_reference_confirms_the_digits(
    function: Function, value: str, gradient: list[str], roundoff: float
) -> None:
    truth = reference_of(function).truth(function.points[0])
    for true, printed in zip([truth.value, *truth.gradient], [value, *gradient], strict=True):
        assert abs(float(true.high) - float(printed)) <= last_digit(printed) + roundoff * abs(float(printed))
