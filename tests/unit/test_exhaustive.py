"""Every number of half precision, function by function: what is far off without a recorded cause fails. A few functions
every day, all of them at night."""

import math
from pathlib import Path

import pytest

from gradproof.backends import BACKENDS
from gradproof.divergences import accuracy
from gradproof.divergences.accuracy import FILE, Endless, Place, Span, at_input, cause_of, causes, endless
from gradproof.registry import load_builtin
from gradproof.report.tables.accuracy import far_of, is_far, unrecorded
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
    for call in endless():
        assert set(call.functions) <= known and set(call.backends) <= set(BACKENDS) and set(call.dtypes) <= set(HALF)
    for cause in causes():
        for place in cause.places:
            assert set(place.functions) <= known and set(place.backends) <= set(BACKENDS)
            assert place.quantity in ("value", "slope")
    assert len({cause.id for cause in causes()}) == len(causes())


CAUSES = """
[[cause]]
id = "square"
reason = "the square overflows, or underflows"
[[cause.shows]]
functions = ["root_of_square"]
quantity = "value"
dtypes = ["float16"]
modes = ["reverse"]
regions = [REGIONS]
"""

FARTHEST = [[-65504.0, -256.0, math.inf], [-0.001, 0.001, 2050.0], [256.0, 65504.0, math.inf]]


def _unrecorded(folder: Path, *regions: list[float], mode: str = "reverse") -> list[str]:
    """Which quantities of √(x²) are far off without one of these, in float16."""
    records = folder / "causes.toml"
    told = ", ".join(str(region) for region in regions)
    records.write_text(CAUSES.replace("REGIONS", told).replace("reverse", mode))
    causes.cache_clear()
    chosen = Selection(backends=("numpy",), dtypes=("float16",))
    return [row["quantity"] for row in unrecorded(sweep([registered("root_of_square")], chosen, folder), records)]


def test_a_cause_explains_its_inputs_its_errors_and_its_quantity_alone(tmp_path: Path) -> None:
    assert _unrecorded(tmp_path, *FARTHEST) == ["x"]
    for missing in range(len(FARTHEST)):
        assert _unrecorded(tmp_path, *FARTHEST[:missing], *FARTHEST[missing + 1 :]) == ["value", "x"]
    small, large = [-0.001, 0.001, 2000.0], [256.0, 32768.0, math.inf]
    assert _unrecorded(tmp_path, FARTHEST[0], small, FARTHEST[2]) == ["value", "x"]
    assert _unrecorded(tmp_path, *FARTHEST[:2], large) == ["value", "x"]
    assert _unrecorded(tmp_path, *FARTHEST, mode="forward") == ["value", "x"]


def test_a_cause_that_is_taken_from_the_record_is_missed(tmp_path: Path) -> None:
    entries = FILE.read_text(encoding="utf-8").split("\n[[cause]]")
    without = [entry for entry in entries if 'id = "root-of-a-square"' not in entry]
    assert len(without) == len(entries) - 1
    shorter = tmp_path / "causes.toml"
    shorter.write_text("\n[[cause]]".join(without), encoding="utf-8")
    rows = sweep([registered("root_of_square")], Selection(backends=("numpy",), dtypes=("float16",)), tmp_path)
    assert unrecorded(rows) == []
    assert [row["quantity"] for row in unrecorded(rows, shorter)] == ["value", "x"]


def test_a_call_that_does_not_return_is_not_made_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call = Endless("it counts and never arrives", ("square",), ("numpy",), ("float16",))
    monkeypatch.setattr(accuracy, "endless", lambda: (call,))
    chosen = Selection(backends=("numpy",), dtypes=("float16",))
    (row,) = sweep([registered("square")], chosen, tmp_path)
    assert row["refused"] == "it does not return: it counts and never arrives"
    assert len(sweep([registered("root_of_square")], chosen, tmp_path)) == 2


def test_an_error_at_two_arguments_lies_in_no_region() -> None:
    place = Place(("f",), "value", regions=(Span(-math.inf, math.inf, math.inf),))
    assert place.explains(at_input(["0x1p+0"], 20.0)) and not place.explains(at_input(["0x1p+0", "0x1p+0"], 20.0))


def test_a_row_without_a_profile_is_held_to_the_inputs_that_it_names() -> None:
    row = {"ulp": 17.0, "input": ["0x1p+0"], "nonfinite_input": ["0x1p+1"], "finite_input": ["0x1p+2"]}
    assert far_of(row) == [Span(2.0, 2.0, math.inf), Span(4.0, 4.0, math.inf), Span(1.0, 1.0, 17.0)]
    assert far_of(row | {"ulp": 16.0})[2:] == []


def test_what_has_no_cause_is_told() -> None:
    row = {"function": "square", "quantity": "x", "backend": "numpy", "dtype": "float16", "input": ["0x1p+0"]}
    row |= {"nonfinite": 0, "finite": 0}
    assert is_far(row | {"ulp": 17.0}) and not is_far(row | {"ulp": 16.0}) and is_far(row | {"nonfinite": 1})
    assert cause_of(row) is None
    assert unrecorded([row | {"ulp": 17.0}, row | {"ulp": 1.0}]) == [row | {"ulp": 17.0}]
