"""The verdict: structure before numbers, every entry against its own bound, and what is not finite never passes."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from flint import arb

from gradproof.oracles import exact
from gradproof.oracles.kinks import Kink
from gradproof.oracles.machine_model import FORMATS, MachineModel
from gradproof.oracles.reference import Bounds, Exact, Reference, Truth
from gradproof.oracles.verdict import FAILING, Answer, Entry, Judgement, Verdict, _of_a_mixture, judge, lost
from gradproof.registry import Reals, function
from gradproof.verification.examine import Examiner, reference_of

SINGLE = FORMATS["float32"]
NOT_FINITE = (math.nan, math.inf, -math.inf)


def exactly(*values: float) -> Exact:
    return Exact.of(np.array([arb(v) for v in values], dtype=object).reshape(() if len(values) == 1 else -1))


def judged(
    got: list[float],
    true: list[float],
    bound: float | list[float] = 1e-6,
    value: float = 1.0,
    problem: str = "",
    kink: Kink | None = None,
) -> Judgement:
    """Judge one gradient `got` of an argument whose true gradient is `true`; the true value is 1."""
    truth = Truth(exactly(1.0), (exactly(*true, 0.0),), "agrees", kink)
    bounds = Bounds(np.array(1e-6), (np.append(np.broadcast_to(bound, len(true)), 1e-6),), "")
    answer = Answer(np.array(value), (np.array([*got, 0.0]),), problem)
    return judge(answer, truth, bounds, ["x"], SINGLE)


def test_right_within_the_bound() -> None:
    judgement = judged([3.0 + 5e-7], [3.0])
    assert judgement.verdict == Verdict.VERIFIED
    assert judgement.worst is not None and judgement.worst.ratio == pytest.approx(0.5)


def test_exactly_at_the_bound() -> None:
    assert judged([3.0 + 2.0**-20], [3.0], 2.0**-20).verdict == Verdict.VERIFIED


@pytest.mark.parametrize("off", [1.01e-6, 1e-4, 7e-4])
def test_imprecise_up_to_the_root_of_the_roundoff(off: float) -> None:
    assert judged([3.0 + off], [3.0]).verdict == Verdict.IMPRECISE


def test_the_root_of_the_roundoff_itself_is_imprecise() -> None:
    # √u (half the digits) of the largest true entry, 4, to the last bit.
    assert judged([4.0 + 2.0**-10], [4.0]).verdict == Verdict.IMPRECISE
    assert judged([4.0 + 2.0**-10 + 2.0**-40], [4.0]).verdict == Verdict.WRONG


@pytest.mark.parametrize("off", [7.4e-4, 1e-3, 1.0, 1e30, -6.0])
def test_wrong_beyond_the_root_of_the_roundoff(off: float) -> None:
    judgement = judged([3.0 + off], [3.0])
    assert judgement.verdict == Verdict.WRONG
    assert judgement.worst is not None and (judgement.worst.argument, judgement.worst.index) == ("x", (0,))


@pytest.mark.parametrize("bad", NOT_FINITE)
@pytest.mark.parametrize("bound", [1e-6, 1e30])
def test_what_is_not_finite_never_passes_as_a_gradient(bad: float, bound: float) -> None:
    assert judged([bad, 2.0], [3.0, 2.0], [bound, 1e-6]).verdict == Verdict.WRONG


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_what_is_not_finite_never_passes_as_a_value(bad: float) -> None:
    judgement = judged([3.0], [3.0], value=bad)
    assert judgement.verdict == Verdict.WRONG
    assert judgement.worst is not None and judgement.worst.argument == "value"


def test_a_nan_is_the_worst_entry_whatever_else_is_wrong() -> None:
    worst = judged([1e30, math.nan], [3.0, 3.0]).worst
    assert worst is not None and worst.index == (1,)


def test_a_bound_that_is_not_a_number_lets_nothing_pass() -> None:
    assert judged([3.0], [3.0], math.nan).verdict in FAILING


def test_a_wrong_value_fails_beside_a_right_gradient() -> None:
    assert judged([3.0], [3.0], value=1.5).verdict == Verdict.WRONG


def test_a_structural_problem_comes_before_the_numbers() -> None:
    judgement = judged([3.0], [3.0], problem="the gradient for x is None")
    assert (judgement.verdict, judgement.worst) == (Verdict.WRONG, None)
    assert judgement.reason == "the gradient for x is None"


def test_a_wrong_tiny_entry_beside_a_huge_right_one() -> None:
    judgement = judged([1e20, 2e-10], [1e20, 1e-10], [1e14, 1e-16])
    assert judgement.verdict in FAILING
    assert judgement.worst is not None and judgement.worst.index == (1,)


def test_the_worst_entry_is_that_of_the_largest_error_in_units_of_its_bound() -> None:
    # The error of the first is larger by 16 digits, and allowed.
    judgement = judged([1e20 + 2.0**30, 2e-10], [1e20, 1e-10], [1e14, 1e-16])
    assert judgement.verdict in FAILING
    assert judgement.worst is not None and judgement.worst.index == (1,)


def test_a_wrong_argument_beside_a_huge_right_one() -> None:
    truth = Truth(exactly(1.0), (exactly(1e20), exactly(1e-10)), "agrees", None)
    bounds = Bounds(np.array(1e-6), (np.array(1e14), np.array(1e-16)), "")
    answer = Answer(np.array(1.0), (np.array(1e20), np.array(2e-10)))
    # The scale of a loss of digits is each argument's own.
    assert judge(answer, truth, bounds, ["x", "y"], SINGLE).verdict == Verdict.WRONG


def test_zero_for_zero() -> None:
    assert judged([0.0, -0.0], [0.0, 0.0], SINGLE.tiny).verdict == Verdict.VERIFIED


def test_something_for_zero() -> None:
    assert judged([1e-3, 0.0], [0.0, 0.0], SINGLE.tiny).verdict == Verdict.WRONG


def test_a_vacuous_bound_is_inconclusive() -> None:
    wide = Bounds(np.array(1e-6), (np.array([4.0, 3.0]),), "")
    truth = Truth(exactly(1.0), (exactly(3.0, -2.0),), "agrees", None)
    assert judge(Answer(np.array(1.0), (np.zeros(2),)), truth, wide, ["x"], SINGLE).verdict == Verdict.INCONCLUSIVE


def test_a_bound_of_the_size_of_the_value_says_nothing_of_the_gradient() -> None:
    wide = Bounds(np.array(2.0), (np.array([1e-6]),), "")
    truth = Truth(exactly(1.0), (Exact.of(np.array([arb(3)])),), "agrees", None)
    answer = Answer(np.array(1.0), (np.array([3.0]),))
    assert judge(answer, truth, wide, ["x"], SINGLE).verdict == Verdict.VERIFIED


def test_a_gradient_below_its_bound_is_told_though_it_is_small() -> None:
    # Of a gradient of 0 nothing is hidden; of one of 1e-3 all is.
    assert judged([0.0], [0.0], 0.5).verdict == Verdict.VERIFIED
    assert judged([1e-3], [1e-3], 0.5).verdict == Verdict.VERIFIED  # beside an entry with a bound of its own
    truth = Truth(exactly(1.0), (exactly(1e-3),), "agrees", None)
    vacuous = Bounds(np.array(1e-6), (np.array(0.5),), "")
    answer = Answer(np.array(1.0), (np.array(1e-3),))
    judgement = judge(answer, truth, vacuous, ["x"], SINGLE)
    assert judgement.verdict == Verdict.INCONCLUSIVE
    assert judgement.reason == "the bound exceeds the gradient for x"
    near = judge(answer, truth, replace(vacuous, near_kink=True), ["x"], SINGLE)
    assert near.reason == f"within rounding of a kink, {judgement.reason}"


@pytest.mark.parametrize(
    ("argument", "index", "order", "symbol"),
    [
        ("value", (), 1, "f"),
        ("x", (), 1, "df/d x"),
        ("x", (2, 1), 1, "df/d x[2, 1]"),
        ("x", (2,), 2, "(H v)_x[2]"),
    ],
)
def test_what_was_computed_is_named(argument: str, index: tuple, order: int, symbol: str) -> None:
    assert Entry(argument, index, "0", 0.0, 0.0, 1.0, order=order).symbol == symbol


def test_an_entry_is_of_first_order_unless_it_says_otherwise() -> None:
    assert Entry("x", (2,), "0", 0.0, 0.0, 1.0).symbol == "df/d x[2]"


# Not finite, where nobody can be held to a bound


def lost_of(
    gradient: list[float], true: list, value: float = 1.0, problem: str = "", kink: Kink | None = None
) -> Judgement | None:
    truth = Truth(exactly(1.0), (exactly(*true),), "agrees", kink)
    return lost(Answer(np.array(value), (np.array(gradient),), problem), truth, ["x"], SINGLE)


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_what_is_lost_needs_no_bound(bad: float) -> None:
    found = lost_of([2.0, bad], [2.0, 3.0])
    assert found is not None and found.verdict == Verdict.WRONG
    assert found.worst is not None and (found.worst.index, found.worst.expected) == ((1,), "3.0000000000000000000")


def test_the_first_of_what_is_lost_is_named_without_a_radius() -> None:
    found = lost_of([2.0, math.nan, math.inf], [2.0, arb(3, 1e-40), 4.0])
    assert found is not None and found.worst is not None
    assert (found.worst.index, found.worst.expected) == ((1,), "3.0000000000000000000")


def test_a_gradient_without_one_part_per_argument_is_never_judged() -> None:
    # To compare what there is would pass the rest in silence.
    truth = Truth(exactly(1.0), (exactly(3.0), exactly(2.0)), "agrees", None)
    bounds = Bounds(np.array(1e-6), (np.array(1e-6), np.array(1e-6)), "")
    answer = Answer(np.array(1.0), (np.array(3.0),))
    with pytest.raises(ValueError, match="zip"):
        judge(answer, truth, bounds, ["x", "y"], SINGLE)
    with pytest.raises(ValueError, match="zip"):
        lost(answer, truth, ["x", "y"], SINGLE)


def test_nothing_is_lost_of_a_finite_gradient() -> None:
    assert lost_of([2.0, 30.0], [2.0, 3.0]) is None


@pytest.mark.parametrize("value", NOT_FINITE)
def test_a_gradient_is_lost_only_beside_a_value_that_is_not(value: float) -> None:
    assert lost_of([2.0, math.nan], [2.0, 3.0], value) is None


def test_a_true_gradient_at_the_end_of_the_format_may_overflow() -> None:
    assert lost_of([2.0, math.inf], [2.0, SINGLE.largest]) is None
    assert lost_of([2.0, math.inf], [2.0, SINGLE.largest / 2]) is not None


def test_what_has_a_problem_or_no_gradient_is_judged_elsewhere() -> None:
    reference = Reference(tie)
    assert lost_of([2.0, math.nan], [2.0, 3.0], problem="the gradient for x is None") is None
    assert lost_of([2.0, math.nan], [2.0, 3.0], kink=reference.truth((np.ones(2),)).kink) is None


def test_the_ulp_column() -> None:
    spacing = float(np.spacing(np.float32(3.0)))
    worst = judged([3.0 + 2 * spacing], [3.0], 1e-5).worst
    assert worst is not None and worst.ulp == pytest.approx(2.0)
    worst = judged([2.0**-140], [0.0], 1e-5).worst
    assert worst is not None and math.isnan(worst.ulp)  # of 0 there is no last place


def test_an_error_is_told_in_parts_of_the_largest_true_entry_of_its_argument() -> None:
    worst = judged([3.5, 1.0], [3.0, -4.0]).worst
    assert worst is not None and worst.index == (1,)
    assert worst.relative == pytest.approx(5 / 4)


def test_the_reason_says_whether_what_came_is_a_number() -> None:
    assert judged([math.inf], [3.0]).reason == judged([3.0], [3.0], value=math.nan).reason == "not finite"
    assert judged([4.0], [3.0]).reason.startswith("off by more than")


@pytest.mark.parametrize("noise", ["1e-78", "-3e-120"])
def test_what_is_zero_as_far_as_anybody_can_tell_is_printed_as_zero(noise: str) -> None:
    assert exact.digits(arb(noise, "1e-77"), 20) == "0"
    assert exact.digits(arb("1e-78"), 3) == "1.00e-78"


@pytest.mark.parametrize(("severity", "verdict"), list(enumerate(Verdict)))
def test_severity_follows_the_order(severity: int, verdict: Verdict) -> None:
    assert verdict.severity == severity
    assert (verdict in FAILING) == (severity >= Verdict.UNSUPPORTED.severity)


# At a kink


@function(x=Reals((2,)))
def tie(xp, x):
    """f(x) = max(x₁, x₂)"""
    return xp.maximum(x[0], x[1])


@tie.gradient
def _(xp, x):
    first = xp.where(x[0] > x[1], xp.ones_like(x[0]), xp.zeros_like(x[0]))
    return (xp.stack([first, 1 - first]),)


@function(x=Reals())
def root(xp, x):
    """f(x) = √|x|"""
    return xp.sqrt(xp.abs(x))


def judged_at_kink(entry, at: np.ndarray, value: float, gradient: np.ndarray) -> Judgement:
    reference, model = Reference(entry), MachineModel(SINGLE)
    answer = Answer(np.array(value), (gradient,))
    return judge(answer, reference.truth((at,)), reference.bounds((at,), model), ["x"], SINGLE)


@pytest.mark.parametrize("given", [(1.0, 0.0), (0.0, 1.0), (0.5, 0.5)])
def test_a_convention(given: tuple[float, float]) -> None:
    assert judged_at_kink(tie, np.ones(2), 1.0, np.array(given)).verdict == Verdict.CONVENTION


@pytest.mark.parametrize("given", [(1.0, 1.0), (0.0, 0.0), (2.0, -1.0), (math.nan, 1.0), (math.inf, 0.0)])
def test_outside_the_subdifferential(given: tuple[float, float]) -> None:
    judgement = judged_at_kink(tie, np.ones(2), 1.0, np.array(given))
    assert judgement.verdict == Verdict.WRONG
    told = "outside the subdifferential" if np.isfinite(given).all() else "not finite, which no subgradient is"
    assert told in judgement.reason and judgement.worst is not None


@pytest.mark.parametrize("given", [(1.0, 1.0), (0.0, 0.0)])
def test_entries_that_do_not_go_together_are_said_to_be_those(given: tuple[float, float]) -> None:
    judgement = judged_at_kink(tie, np.ones(2), 1.0, np.array(given))
    assert judgement.worst is not None and judgement.worst.error == 0
    assert judgement.reason.endswith("and not beside the others, as where ties get more or less than 1 in all")
    assert "beside the others" not in judged_at_kink(tie, np.ones(2), 1.0, np.array([2.0, -1.0])).reason


def test_the_entry_that_is_farthest_outside_is_named() -> None:
    worst = judged_at_kink(tie, np.ones(2), 1.0, np.array([-0.125, 1.25])).worst
    assert worst is not None and (worst.argument, worst.index, worst.got) == ("x", (1,), 1.25)
    assert worst.error == pytest.approx(0.25) and worst.expected == "between 0 and 1"


@pytest.mark.parametrize(("error", "bound", "ratio"), [(0.0, 0.0, 0.0), (1.0, 0.0, math.inf), (-1.0, 0.0, math.inf)])
def test_of_a_bound_of_zero_any_error_is_infinitely_much(error: float, bound: float, ratio: float) -> None:
    entry = Entry("x", (), "0", error, error, bound)
    assert entry.ratio == ratio
    assert not entry.is_relative


@pytest.mark.parametrize("bound", [1.0, -1.0])
def test_any_other_bound_divides(bound: float) -> None:
    assert Entry("x", (), "0", 3.0, 3.0, bound).ratio == 3.0 / bound


def test_a_mixture_of_limits_may_be_off_by_its_own_roundings() -> None:
    """2 u of what is mixed, and nothing where all limits are one."""
    limits = (np.array([[0.0, 3.0], [-4.0, 3.0]]),)
    kink = Kink(limits, True, [], lambda direction: None)
    bounds = Bounds(np.array(0.0), (np.array([1.0, 1.0]),), "")
    (tolerance,) = _of_a_mixture(kink, bounds, SINGLE)
    assert tolerance.tolist() == [1.0 + 8 * SINGLE.unit_roundoff, 1.0]


@function(x=Reals((3,)))
def tie_beside_a_tiny_slope(xp, x):
    """f(x) = max(x₁, x₂) + 2⁻⁴⁰ x₃"""
    return xp.maximum(x[0], x[1]) + 2.0**-40 * x[2]


def test_what_is_outside_by_less_than_its_bound_is_not_named_before_what_is_wrong() -> None:
    truth = Reference(tie_beside_a_tiny_slope).truth((np.ones(3),))
    bounds = Bounds(np.array(1e-6), (np.array([1e-6, 1e-6, 1e-15]),), "")
    answer = Answer(np.array(1.0), (np.array([-1e-9, 1.0, 0.0]),))
    worst = judge(answer, truth, bounds, ["x"], SINGLE).worst
    assert worst is not None and worst.index == (2,) and worst.ratio > 1


@function(x=Reals())
def steep(xp, x):
    """f(x) = 5 x + 2 |x|"""
    return 5 * x + 2 * xp.abs(x)


@pytest.mark.parametrize(("given", "error"), [(2.75, 0.25), (7.5, 0.5), (-1.0, 4.0)])
def test_how_far_outside_is_told_where_no_slope_is_0(given: float, error: float) -> None:
    worst = judged_at_kink(steep, np.array(0.0), 0.0, np.array(given)).worst
    assert worst is not None and worst.error == pytest.approx(error)
    assert worst.expected == "between 3 and 7"


@pytest.mark.parametrize("value", [1.5, math.nan, math.inf])
def test_a_wrong_value_at_a_kink(value: float) -> None:
    assert judged_at_kink(tie, np.ones(2), value, np.array([1.0, 0.0])).verdict == Verdict.WRONG


def at_tie(given: tuple[float, float], value: float, value_bound: float, sides: tuple = ()) -> Judgement:
    truth = Reference(tie).truth((np.ones(2),))
    bounds = Bounds(np.array(value_bound), (np.full(2, 1e-6),), "", sides=sides)
    return judge(Answer(np.array(value), (np.array(given),)), truth, bounds, ["x"], SINGLE)


def test_a_value_at_the_end_of_its_bound_at_a_kink() -> None:
    assert at_tie((0.5, 0.5), 1.0 + 2.0**-20, 2.0**-20).verdict == Verdict.CONVENTION
    assert at_tie((0.5, 0.5), 1.0 + 1.5 * 2.0**-20, 2.0**-20).verdict == Verdict.WRONG


@pytest.mark.parametrize(("given", "verdict"), [((3.0, 2.0), "convention"), ((5.0, 4.0), "convention")])
def test_what_rounding_decides_beside_a_kink_may_be_either(given: tuple[float, float], verdict: str) -> None:
    sides = ((np.array([3.0, 2.0]), np.array([5.0, 4.0])),)
    assert at_tie(given, 1.0, 1e-6, sides).verdict == verdict
    assert at_tie(given, 1.0, 1e-6).verdict == Verdict.WRONG


@pytest.mark.parametrize("given", [(2.9, 3.0), (4.0, 4.1), (4.0, 1.9), (5.1, 3.0), (math.nan, 3.0)])
def test_no_entry_may_lie_outside_of_what_rounding_decides(given: tuple[float, float]) -> None:
    sides = ((np.array([3.0, 2.0]), np.array([5.0, 4.0])),)
    assert at_tie(given, 1.0, 1e-6, sides).verdict == Verdict.WRONG


def test_sides_of_fewer_arguments_are_never_judged() -> None:
    inside = (np.array([0.0, 0.0]), np.array([5.0, 5.0]))
    with pytest.raises(ValueError, match="zip"):
        at_tie((4.0, 3.0), 1.0, 1e-6, (inside, inside))


def test_an_unbounded_gradient_is_inconclusive() -> None:
    assert judged_at_kink(root, np.array(0.0), 0.0, np.array(7.0)).verdict == Verdict.INCONCLUSIVE


# What is found before there is any number to compare


def examined(part: object, *, device: str = "cpu", dtype: str = "float32") -> Answer:
    """What an examiner of float32 on the CPU makes of `part` as the gradient of a vector of two."""
    examiner = object.__new__(Examiner)
    examiner.cell = SimpleNamespace(function=tie, backend="stub", device="cpu", dtype=dtype)
    examiner.reference = reference_of(tie)
    examiner.adapter = SimpleNamespace(
        to_numpy=as_array,
        dtype_of=lambda part: part.dtype.name,
        device_of=lambda part: device if part.ndim else "cpu",
    )
    return examiner._converted((np.ones(2),), ("", np.array(1, dtype)), (part,), ())


def as_array(part: object) -> np.ndarray:
    if not isinstance(part, np.ndarray):
        raise TypeError
    return part


@pytest.mark.parametrize(
    ("part", "device", "problem"),
    [
        (None, "gpu", "the gradient for x is None"),
        ("nothing", "gpu", "the gradient for x is str"),
        (np.ones(3), "gpu", "the gradient for x has the shape (3,)"),
        (np.float32(np.ones((2, 1))), "cpu", "the gradient for x has the shape (2, 1)"),
        (np.ones(2), "gpu", "the gradient for x has the dtype float64"),
        (np.float32(np.ones(2)), "gpu", "the gradient for x lies on the device gpu"),
        (np.float32([math.nan, 1]), "cpu", ""),
    ],
    ids=["none", "type", "shape", "flat shape", "dtype", "device", "well formed"],
)
def test_the_order_of_structural_checks(part: object, device: str, problem: str) -> None:
    answer = examined(part, device=device)
    assert answer.problem.startswith(problem) and bool(answer.problem) == bool(problem)


@pytest.mark.parametrize("gradient", [None, (), (np.ones(2), np.ones(2)), np.ones(2)])
def test_a_gradient_that_is_not_one_array_per_argument(gradient: object) -> None:
    examiner = object.__new__(Examiner)
    examiner.cell = SimpleNamespace(function=tie)
    assert "not one array per argument" in examiner._converted((np.ones(2),), ("", np.array(1.0)), gradient, ()).problem
