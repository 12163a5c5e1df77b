"""Every number of half precision, function by function: what is far off without a recorded cause fails. A few functions
every day, all of them at night."""

from pathlib import Path

import pytest

from gradproof.backends import BACKENDS
from gradproof.divergences.accuracy import cause_of, causes
from gradproof.registry import load_builtin
from gradproof.report.tables.accuracy import is_far, unrecorded
from gradproof.verification.sweeps.entrywise import entrywise
from gradproof.verification.sweeps.run import Selection, sweep
from tests.unit.made import NAMES, needs, registered

PARTS = 10

EVERY_DAY = ("exponential_minus_one", "soft_sign")

HALF = ("float16", "bfloat16")

backends = pytest.mark.parametrize(
    "backend", [pytest.param(name, id=short, marks=pytest.mark.xdist_group(name)) for short, name in NAMES.items()]
)


@backends
@pytest.mark.exhaustive
def test_a_few_functions_are_right_at_every_number(backend: str, tmp_path: Path) -> None:
    needs(backend)
    dtype = next(dtype for dtype in HALF[::-1] if dtype in BACKENDS[backend].dtypes)
    chosen = Selection(backends=(backend,), dtypes=(dtype,), modes=("reverse",))
    rows = sweep([registered(name) for name in EVERY_DAY], chosen, tmp_path)
    assert len(rows) == 2 * len(EVERY_DAY) and unrecorded(rows) == []


@backends
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.exhaustive
@pytest.mark.timeout(3000)
def test_every_function_is_right_at_every_number(backend: str, part: int, pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("hypothesis_profile") != "nightly":
        pytest.skip("all functions: --hypothesis-profile nightly")
    needs(backend)
    chosen = [made.origin for made in entrywise(load_builtin()) if len(made.arguments) == 1][part::PARTS]
    rows = sweep(chosen, Selection(backends=(backend,), dtypes=HALF))
    assert [(row["function"], row["quantity"], row["dtype"], row.get("ulp")) for row in unrecorded(rows)] == []


def test_causes_are_of_functions_that_there_are() -> None:
    known = {made.name for made in entrywise(load_builtin())}
    for cause in causes():
        for place in cause.places:
            assert set(place.functions) <= known and set(place.backends) <= set(BACKENDS)
            assert place.quantity in ("value", "slope")
    assert len({cause.id for cause in causes()}) == len(causes())


def test_what_has_no_cause_is_told() -> None:
    row = {"function": "square", "quantity": "x", "backend": "numpy", "dtype": "float16", "nonfinite": 0, "finite": 0}
    assert is_far(row | {"ulp": 17.0}) and not is_far(row | {"ulp": 16.0}) and is_far(row | {"nonfinite": 1})
    assert cause_of(row) is None
    assert unrecorded([row | {"ulp": 17.0}, row | {"ulp": 1.0}]) == [row | {"ulp": 17.0}]
