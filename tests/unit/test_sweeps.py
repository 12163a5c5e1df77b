"""Sweeps see what is planted: one wrong number among 65 000, a value that is not finite, what is flushed or answered as
zero; they go on where they were ended, and say what got worse."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from gradproof import backends
from gradproof.cli import app
from gradproof.oracles.machine_model import FORMATS
from gradproof.registry import load_builtin
from gradproof.report.rows.profile import bins_of, edges_of, places_of
from gradproof.report.tables import accuracy
from gradproof.verification.sweeps import every, inputs, run, truth
from gradproof.verification.sweeps.entrywise import entrywise
from gradproof.verification.sweeps.measure import rounded, statistics
from gradproof.verification.sweeps.polynomials import truth_of_run
from gradproof.verification.sweeps.run import Selection, sweep
from gradproof.verification.sweeps.truth import find
from tests.unit.made import entry, registered

HALF, SINGLE = FORMATS["float16"], FORMATS["float32"]
NUMPY = Selection(backends=("numpy",), dtypes=("float16",), modes=("reverse",))


def test_what_acts_entry_by_entry_is_found_by_running_it() -> None:
    found = {made.name: made for made in entrywise(load_builtin())}
    assert len(found) > 150
    assert {"exponential", "silu", "sinc", "hypotenuse", "inverse_hyperbolic_cosine"} <= set(found)
    assert not {"softmax", "cumulative_sum", "logsumexp", "vector_norm"} & set(found)
    # Another domain alone is the same action.
    assert "exponential_scalar" not in found and "celu_quarter" in found


def test_the_square_of_a_sum_is_no_sum_of_entries() -> None:
    def penalty(xp: object, x: object) -> object:
        return xp.sum(x * x) + xp.sum(x) ** 2

    assert not entrywise([entry(penalty, x=(5,)), registered("penalty_one")])
    assert entrywise([entry(lambda xp, x: xp.sum(x * x) + xp.sum(x), x=(5,))])


def test_a_body_is_swept_without_its_weights() -> None:
    (square,) = entrywise([registered("square")])
    asked = []

    class Factor(np.ndarray):
        def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: object, **options: object) -> object:
            asked.append(ufunc.__name__)
            return getattr(ufunc, method)(*(np.asarray(x) for x in inputs), **options).view(Factor)

    square.function.body(backends.load("numpy").namespace("float64", "cpu"), np.ones(3).view(Factor))
    assert asked in (["multiply"], ["square"])


def test_every_number_of_half_precision_is_an_input() -> None:
    for dtype, count in (("float16", 63_487), ("bfloat16", 65_279)):
        assert len(inputs.of_one(dtype)) == count
        assert (FORMATS[dtype].rounded(inputs.of_one(dtype)) == inputs.of_one(dtype)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_sample_leaves_out_no_exponent_and_no_end(dtype: str) -> None:
    sample, format = inputs.of_one(dtype), FORMATS[dtype]
    assert {format.largest, -format.largest, format.smallest, format.tiny, 0.0} <= set(sample)
    exponents = np.unique(np.frexp(sample[sample > 0])[1])
    assert (np.diff(exponents) == 1).all()
    assert (format.rounded(sample) == sample).all()


def test_a_tie_is_decided_by_what_is_below_float64() -> None:
    tie = 1 + 2.0**-11  # between two numbers of float16
    high, low = np.array([tie, tie, tie, tie + 2.0**-10]), np.array([0.0, 2.0**-70, -(2.0**-70), 0.0])
    assert rounded(high, low, HALF).tolist() == [1.0, 1 + 2.0**-10, 1.0, 1 + 2 * 2.0**-10]
    assert rounded(np.array([65519.0, 65520.0]), np.zeros(2), HALF).tolist() == [65504.0, np.inf]


def test_the_truth_of_a_square_is_exact_and_a_kink_is_none() -> None:
    (square,) = entrywise([registered("square")])
    x = np.array([0.1, -3.0, 2.0**-600, 0.0])
    found = find(square, (x,))
    value, slope = found.quantities
    assert value[0].tolist() == [0.1 * 0.1, 9.0, 0.0, 0.0] and value[1][0] != 0
    assert slope[0].tolist() == (2 * x).tolist() and not found.kinks.any()


def test_what_ties_has_no_slope_unless_it_is_smooth_there() -> None:
    relu, sinc = entrywise([registered("relu"), registered("sinc")])
    x = np.array([-1.0, 0.0, 2.0])
    assert find(relu, (x,)).kinks.tolist() == [False, True, False]
    found = find(sinc, (x,))
    assert not found.kinks.any() and found.quantities[0][0][1] == 1 and found.quantities[1][0][1] == 0


def test_a_counter_that_reaches_its_limit_is_no_kink() -> None:
    (series,) = entrywise([registered("exponential_series")])
    found = find(series, (np.array([-0.5, 0.0, 2.0]),))
    assert not found.kinks.any() and found.quantities[1][0][2] == 1 + 2 + 2 + 8 / 6
    (kinked,) = entrywise([entry(lambda xp, x: xp.sum(xp.where(x > 1, 2 * x, x + 1)), x=(5,))])
    assert find(kinked, (np.array([0.5, 1.0, 2.0]),)).kinks.tolist() == [False, True, False]


def test_the_error_of_a_step_is_no_slope() -> None:
    (made,) = entrywise([registered("power_with_number_one_and_a_half")])
    value, slope = find(made, (np.array([-1.0, 0.0, 0.25]),)).quantities
    assert np.array_equal(value[0], [np.nan, 0.0, 0.125], equal_nan=True)
    # From its own side the slope tends to 0 with the root of the step, which is not told for it.
    assert np.array_equal(slope[0], [np.nan, 0.0, 0.75], equal_nan=True)


def test_there_is_no_slope_where_there_is_no_value() -> None:
    (made,) = entrywise([registered("exponential_integral_of_order_one")])
    value, slope = find(made, (np.array([-1.0, 1.0]),)).quantities
    assert np.isnan(value[0]).tolist() == np.isnan(slope[0]).tolist() == [True, False]


def test_what_finds_the_truth_is_part_of_its_source() -> None:
    assert Path(truth.__file__) in set(truth._sources())


def test_counts_are_of_what_was_planted() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0, 2.0**-20, 0.0])
    right = np.array([1.0, 2.0, 3.0, 1e6, 2.0**-20, 0.0])
    got = np.array([1.0 + 20 * 2.0**-10, np.nan, 3.0, 65504.0, 0.0, 0.0])
    row = statistics(got, (right, np.zeros(6)), (x,), np.zeros(6, bool), HALF)
    assert (row["ulp"], row["input"], row["compared"]) == (20.0, [(1.0).hex()], 3)
    assert (row["nonfinite"], row["nonfinite_input"]) == (1, [(2.0).hex()])
    assert (row["finite"], row["finite_input"]) == (1, [(4.0).hex()])
    assert row["flushed"] == 1 and row["beyond_16"] == pytest.approx(1 / 3)


def test_a_subnormal_input_that_is_taken_for_zero_is_counted_apart() -> None:
    x = np.array([0.0, 2.0**-20, 1.0])
    row = statistics(np.array([5.0, 5.0, 1.0]), (np.array([5.0, 7.0, 1.0]), np.zeros(3)), (x,), np.zeros(3, bool), HALF)
    assert (row["as_zero"], row["ulp"]) == (1, 0.0)
    got = np.array([-np.inf, -np.inf, 0.0])  # a logarithm
    row = statistics(got, (np.array([-np.inf, -13.86, 0.0]), np.zeros(3)), (x,), np.zeros(3, bool), HALF)
    assert (row["as_zero"], row["nonfinite"]) == (1, 0)


def test_an_answer_that_is_not_finite_at_zero_alone_is_told_there() -> None:
    x = np.array([-2.0, 0.0, 1.0])
    row = statistics(np.array([0.0, np.nan, 0.0]), (np.zeros(3), np.zeros(3)), (x,), np.zeros(3, bool), HALF)
    assert (row["nonfinite"], row["nonfinite_input"]) == (1, [(0.0).hex()])


def test_every_number_has_its_bin_and_neighbours_share_one() -> None:
    for dtype, count in (("float16", 248), ("bfloat16", 256)):
        values = inputs.of_one(dtype)
        assert (np.diff(places_of(values, dtype)) == 1).all()
        bins = bins_of(values, dtype)
        sizes = np.bincount(bins)
        assert (np.diff(bins) >= 0).all() and len(sizes) == count and sizes.max() == 256
        assert sizes[1 : count // 2 - 1].min() == 256 and sizes[count // 2 : -1].min() == 256
        assert (bins_of(-values[values > 0], dtype) == count - 1 - bins_of(values[values > 0], dtype)).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_bin_ends_at_its_smallest_and_largest_number(dtype: str) -> None:
    values = inputs.of_one(dtype)
    bins = bins_of(values, dtype)
    low, high = edges_of(np.arange(bins.max() + 1), dtype)
    first = np.flatnonzero(np.diff(bins, prepend=-1))
    assert (low == values[first]).all()
    # Zero stands in the bin of the positive numbers; the negative ones end at the other zero.
    last = np.append(values[first[1:] - 1], values[-1])
    assert (high == np.where(np.arange(len(low)) == bins[values == 0] - 1, 0.0, last)).all()


def test_a_profile_has_the_largest_error_of_each_bin() -> None:
    x = np.array([-1.0, 1.0, 1.0 + 2.0**-10, 2.0, 4.0])
    truth = np.array([-1.0, 1.0, 1.0, 1.0, np.nan])
    got = np.array([np.nan, 1.0 + 3 * 2.0**-10, 1.0 + 1.0001 * 2.0**-10, 1.0, 1.0])
    row = statistics(got, (truth, np.zeros(5)), (x,), np.zeros(5, bool), HALF, bins_of(x, "float16"))
    told = {bin: error for bin, error in enumerate(row["profile"]) if error is not None}
    at = bins_of(x, "float16").tolist()
    assert told == {at[0]: "inf", at[1]: 3.0, at[3]: 0.0} and at[1] == at[2]
    # In three digits and never less: beyond half an ulp nothing is correctly rounded.
    got = np.array([-1.0, 1.0 + 0.5001 * 2.0**-10, 1.0, 1.0, 1.0])
    row = statistics(got, (truth, np.zeros(5)), (x,), np.zeros(5, bool), HALF, bins_of(x, "float16"))
    assert row["profile"][at[1]] == 0.501


def _spoiled_at(place: float) -> object:
    return entry(
        lambda xp, x: xp.sum(x * x),
        lambda xp, x: xp.where(x == place, xp.ones_like(x), 2 * x),
        x=(5,),
    )


def test_one_wrong_number_among_all_is_found(tmp_path: Path) -> None:
    place = 0.3330078125
    _, slope = sweep([_spoiled_at(place)], NUMPY, tmp_path)
    assert slope["quantity"] == "x" and slope["input"] == [place.hex()] and slope["ulp"] > 100
    assert slope["beyond_16"] == pytest.approx(1 / slope["compared"])
    far = [bin for bin, error in enumerate(slope["profile"]) if error and error > 0.5]
    assert far == bins_of(np.array([place]), "float16").tolist()
    assert slope["ulp"] <= slope["profile"][far[0]] < 1.01 * slope["ulp"]
    _, slope = sweep([_spoiled_at(1e9)], NUMPY, tmp_path / "right")
    assert slope["ulp"] <= 0.5 and slope["correct"] == 1


def test_a_run_goes_on_where_it_was_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = sweep([registered("square")], NUMPY, tmp_path)
    with (tmp_path / run.ROWS).open("a") as file:
        file.write('{"function": "squ')  # ended while it wrote
    monkeypatch.setattr(run, "ask", None)
    assert sweep([registered("square")], NUMPY, tmp_path) == first


def test_a_cell_of_which_a_row_was_cut_off_is_found_again(tmp_path: Path) -> None:
    first = sweep([registered("square")], NUMPY, tmp_path)
    value, slope = (tmp_path / run.ROWS).read_text().splitlines()
    (tmp_path / run.ROWS).write_text(f"{value}\n{slope[:40]}\n")
    again = sweep([registered("square")], NUMPY, tmp_path)
    assert [(row["quantity"], row["compared"]) for row in again] == [(r["quantity"], r["compared"]) for r in first]
    assert sweep([registered("square")], NUMPY, tmp_path) == again


def test_rows_without_a_profile_are_found_again(tmp_path: Path) -> None:
    first = sweep([registered("square")], NUMPY, tmp_path)
    old = [{name: value for name, value in row.items() if name != "profile"} for row in first]
    (tmp_path / run.ROWS).write_text("".join(json.dumps(row) + "\n" for row in old))
    again = sweep([registered("square")], NUMPY, tmp_path)
    assert [row["profile"] for row in again] == [row["profile"] for row in first]


def test_what_a_backend_refuses_is_a_row(tmp_path: Path) -> None:
    without = entry(lambda xp, x: xp.sum(xp.exp(x)), x=(5,))
    (row,) = sweep([without], NUMPY, tmp_path)
    assert "no hand-derived gradient" in row["refused"]
    assert "refused" in accuracy.document([row], "gradproof accuracy")


def test_an_answer_in_another_dtype_is_no_answer(tmp_path: Path) -> None:
    wider = entry(lambda xp, x: xp.sum(xp.astype(x, np.float64)), lambda xp, x: xp.ones_like(x), x=(5,))
    (row,) = sweep([wider], NUMPY, tmp_path)
    assert "float64 for float16" in row["refused"]


def test_a_table_says_what_got_worse(tmp_path: Path) -> None:
    now = sweep([registered("square")], NUMPY, tmp_path)
    before = [row | {"ulp": row["ulp"] / 8, "nonfinite": row["nonfinite"]} for row in now]
    assert accuracy.changes(now, now) == ([], False)
    worse = [row | {"ulp": 40.0} for row in now]
    lines, is_worse = accuracy.changes(before, worse)
    assert is_worse and "40 ulp" in lines[0]
    lines, is_worse = accuracy.changes(worse, before)
    assert not is_worse and lines[0].startswith("better")


def test_the_command_writes_the_table_and_compares_it(tmp_path: Path) -> None:
    table = tmp_path / "ACCURACY.md"
    options = ["accuracy", "-k", "square_root", "--backend", "numpy", "--dtype", "float16", "--state", str(tmp_path)]
    result = CliRunner().invoke(app, [*options, "--output", str(table)])
    assert result.exit_code == 0, result.output
    text = table.read_text()
    assert (
        "`gradproof accuracy -k square_root --backend numpy --dtype float16`" in text and "| numpy | float16 |" in text
    )
    rows = [json.loads(line) for line in (tmp_path / "accuracy.jsonl").read_text().splitlines()]
    before = tmp_path / "before.jsonl"
    before.write_text("".join(json.dumps(row | {"nonfinite": 0, "ulp": 0.0}) + "\n" for row in rows))
    result = CliRunner().invoke(app, [*options, "--compare", str(before)])
    assert result.exit_code == int(any(row["ulp"] > 1 or row["nonfinite"] for row in rows))


def test_an_unknown_name_is_one_line() -> None:
    result = CliRunner().invoke(app, ["accuracy", "--dtype", "bfloat"])
    assert result.exit_code == 2
    result = CliRunner().invoke(app, ["accuracy", "-k", "no_such_function"])
    assert result.exit_code == 2


def test_forward_and_reverse_slopes_are_those_of_every_entry(tmp_path: Path) -> None:
    if backends.installed_version("autograd") is None:
        pytest.skip("autograd is not installed")
    chosen = Selection(backends=("autograd",), dtypes=("float32",), modes=("reverse", "forward"))
    rows = sweep([registered("product_of_two")], chosen, tmp_path)
    assert [(row["mode"], row["quantity"]) for row in rows] == [
        (mode, quantity) for mode in ("reverse", "forward") for quantity in ("value", "x", "y")
    ]
    assert all(row["ulp"] <= 1 for row in rows)


def _neighbours(start: float, count: int) -> np.ndarray:
    first = np.float32(start).view(np.uint32)
    return np.arange(first, first + count, dtype=np.uint32).view(np.float32).astype(np.float64)


@pytest.mark.parametrize("name", ["exponential", "sine", "hyperbolic_tangent", "gelu", "elu", "logarithm_of_one_plus"])
@pytest.mark.parametrize("start", [0.7, 3.1415, 30.0, 1e-30])
def test_a_polynomial_is_the_truth_at_all_neighbours(name: str, start: float) -> None:
    (made,) = entrywise([registered(name)])
    x = _neighbours(start, 2**14)
    found, exact = truth_of_run(made, x)
    assert exact < 100
    few = slice(None, None, 511)
    for pair, true in zip(found.quantities, find(made, (x[few],)).quantities, strict=True):
        assert (rounded(pair[0][few], pair[1][few], SINGLE) == rounded(*true, SINGLE)).all()


def test_what_has_no_series_ties_or_ends_is_asked_for_exactly() -> None:
    digamma, relu, log, exponential = entrywise(
        [registered(name) for name in ("digamma", "relu", "natural_logarithm", "exponential")]
    )
    assert truth_of_run(digamma, _neighbours(2.5, 128))[1] == 128
    x = np.concatenate([-_neighbours(1e-45, 200)[::-1], [0.0], _neighbours(1e-45, 200)])
    found, exact = truth_of_run(relu, x)
    assert found.kinks.sum() == 1 and 0 < exact <= 128
    assert np.isnan(truth_of_run(log, -_neighbours(2.0, 4096)[::-1])[0].quantities[0][0]).all()
    assert np.isinf(truth_of_run(exponential, _neighbours(5000.0, 4096))[0].quantities[1][0]).all()


def test_the_blocks_are_all_numbers_and_each_is_found_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(every, "BLOCK", 2**12)
    assert len(every.numbers_of(0)) == 2**12 and every.numbers_of(0)[0] == 0
    assert len(every.numbers_of(2**19)) == 2**12 - 1, "the zero with a minus sign"
    assert len(every.numbers_of(2**20 - 1)) == 0, "infinities and NaN"
    parts = [every.part(f"{k}/3") for k in (1, 2, 3)]
    assert sorted(b for blocks in parts for b in blocks) == list(range(every.BLOCKS)) == list(every.part("all"))
    place = float(every.numbers_of(260_100)[7])
    spoiled, blocks = _spoiled_at(place), range(260_000, 260_200, 100)
    chosen = Selection(backends=("numpy",), modes=("reverse",))
    _, slope = every.sweep_every([spoiled], chosen, tmp_path, blocks=blocks)
    assert slope["input"] == [place.hex()] and slope["ulp"] > 100 and slope["inputs"] == 2 * 2**12
    monkeypatch.setattr(every, "ask", None)
    again = every.sweep_every([spoiled], chosen, tmp_path, blocks=blocks)
    assert again[1] == slope, "a run goes on where it was"
