"""Nobody is accused who computes as well as the format allows: where rounding chooses, where a derivation cancels in
advance what a program cancels with rounding, where a forward pass computes in less than it was given. And beside each
of them what is wrong is still wrong."""

import importlib
import inspect
import math
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

import gradproof
from gradproof import Positive, Reals, backends, function, weights
from gradproof.backends import Unsupported
from gradproof.checking.report import GradproofWarning
from gradproof.oracles.balls import BallArithmetic
from gradproof.oracles.differences import OwnDifferences, forward_noise, own_differences
from gradproof.oracles.machine_model import FORMATS, SATURATING, MachineModel
from gradproof.oracles.reference import Bounds
from gradproof.oracles.verdict import FAILING, Answer, Verdict, judge
from gradproof.oracles.whole import WholeReference
from gradproof.verification.cells import Cell
from gradproof.verification.examine import Examiner, Finding, _judge_own
from gradproof.verification.structure import Allowance, structural_problem
from tests.unit.made import DIFFERENTIATING, NAMES, at, entry, needs, registered

every_backend = pytest.mark.parametrize("short", NAMES)
every_differentiating = pytest.mark.parametrize("short", DIFFERENTIATING)
every_width = pytest.mark.parametrize("dtype", ["float64", "float32"])

DOUBLE, SINGLE = MachineModel(FORMATS["float64"]), MachineModel(FORMATS["float32"])
FLUSHING = MachineModel(FORMATS["float32"], flushes=True)


def findings(made, short, dtype="float64", mode="reverse", check="against_truth") -> list[Finding]:
    needs(NAMES[short])
    examiner = Examiner(Cell(made, NAMES[short], "cpu", dtype, mode))
    return [getattr(examiner, check)(point) for point in made.points]


def judged(made, inputs, gradient, model=SINGLE) -> Verdict:
    """The verdict on this gradient, with the value that is right."""
    reference = WholeReference(made)
    truth = reference.truth(inputs)
    answer = Answer(truth.value.high, tuple(np.asarray(part, np.float64) for part in gradient))
    names = list(made.domains)
    verdict = judge(answer, truth, reference.bounds(inputs, model), names, model.format).verdict
    if verdict in FAILING:
        verdict = judge(answer, truth, reference.wider(inputs, model), names, model.format).verdict
    return verdict


# The parts of a mixture are rounded


@pytest.mark.parametrize("count", [2, 3, 6, 7, 49])
@pytest.mark.parametrize("model", [DOUBLE, SINGLE], ids=["double", "single"])
def test_entries_that_tie_may_share_alike_whatever_their_number(count: int, model: MachineModel) -> None:
    largest = entry(lambda xp, x: xp.max(x), x=(count,))
    share = model.format.rounded(np.full(count, 1 / count))
    assert judged(largest, at(np.zeros(count)), [share], model) == Verdict.CONVENTION
    assert judged(largest, at(np.zeros(count)), [share * (1 + 2.0**-9)], model) == Verdict.WRONG


# Rounding picks another index


TWO_CENTRES = at([[1.0, 0.0], [9.0, 9.0], [9.0, 9.0], [9.0, 9.0]], [[3.0, 0.0], [-1.0, 1e-38], [9.0, 9.0]])


def test_whichever_of_two_centres_is_nearest_within_rounding() -> None:
    k_means = registered("k_means")
    bounds = WholeReference(k_means).bounds(TWO_CENTRES, SINGLE)
    assert bounds.near_kink and not bounds.out_of_range
    gradient = [part.high for part in WholeReference(k_means).truth(TWO_CENTRES).gradient]
    # The first centre's share: another program finds the second one nearest.
    other = [gradient[0].copy(), gradient[1].copy()]
    other[0][0] = 2 * (TWO_CENTRES[0][0] - TWO_CENTRES[1][1])
    other[1][0], other[1][1] = 0.0, -other[0][0]
    for one in (gradient, other):
        assert judged(k_means, TWO_CENTRES, one) not in FAILING
    other[0][0] *= 20
    assert judged(k_means, TWO_CENTRES, other) in FAILING


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_every_index_that_rounding_may_find_counts(name: str) -> None:
    on = BallArithmetic(SINGLE)
    x = on.inputs(np.array([1.0, 1.0, 5.0 if name == "argmin" else -5.0])) * on.inputs(np.array([0.1, 0.1, 0.1]))
    x = x + on.inputs(np.array([0.0, 1e-12, 0.0]))
    place = on.namespace().__getattr__(name)(x)
    assert place.may.tolist() == [True, True, False]
    assert (place == 0).undecided and (place == 1).undecided and not (place == 2).undecided
    picked = on.take(on.inputs(np.array([3.0, 7.0, 100.0])), place).entries[()]
    assert picked.contains(3) and picked.contains(7) and not picked.contains(100)
    assert not on.forked
    np.asarray(place)  # plain numbers are of one path alone
    assert on.forked


def test_a_place_in_a_table_that_rounding_decides() -> None:
    on = BallArithmetic(SINGLE)
    x = on.inputs(np.array([0.1])) * 10.0
    place = on.namespace().searchsorted(on.inputs(np.array([0.0, 1.0, 2.0])), x)
    assert place.may.tolist() == [[False, True, True, False]]


def test_a_rounded_number_as_an_index() -> None:
    on = BallArithmetic(SINGLE)
    xp = on.namespace()
    table = on.inputs(np.array([3.0, 7.0, 100.0]))
    picked = xp.take(table, xp.floor(on.inputs(np.array(0.1)) * 10.0)).entries[()]
    assert picked.contains(3) and picked.contains(7) and not picked.contains(100)


def test_an_index_in_a_body_is_judged_on_either_side_or_not_at_all() -> None:
    @function(x=Reals((3,)), points=[dict(x=[0.1, 0.1 + 1e-9, -1.0])])
    def at_largest(xp, x):
        """f(x) = Σ over the place of the largest entry of 10 x"""
        place = xp.argmax(10 * x)
        return xp.sum(xp.where(xp.asarray([0, 1, 2]) == place, xp.asarray([1.0, 5.0, 9.0]) * x, xp.zeros_like(x)))

    inputs = at([0.1, 0.1 + 1e-9, -1.0])
    bounds = WholeReference(at_largest).bounds(inputs, SINGLE)
    assert bounds.near_kink or bounds.out_of_range


# An exact tie beside what rounding decides


X = [[-2.0, -1.0, 0.0, 1.0, 2.0], [0.4285714328289032, 0.5714285969734192, 0.7142857313156128, 0.8571428656578064, 1.0]]


@function(x=Reals((2, 5), low=-4, high=4), points=[dict(x=X)])
def relu_of_centred(xp, x):
    """f(x) = Σ W ∘ relu(x - mean)"""
    return xp.sum(weights(xp, x.shape) * xp.nn.relu(x - xp.mean(x, axis=1, keepdims=True)))


@function(x=Reals((2, 5), low=-4, high=4), points=[dict(x=X)])
def maximum_of_centred(xp, x):
    """f(x) = Σ W ∘ max(x - mean, 0)"""
    y = x - xp.mean(x, axis=1, keepdims=True)
    return xp.sum(weights(xp, x.shape) * xp.maximum(y, xp.zeros_like(y)))


@function(x=Reals((2, 5), low=-4, high=4), points=[dict(x=X)])
def absolute_of_centred(xp, x):
    """f(x) = Σ W ∘ |x - mean|"""
    return xp.sum(weights(xp, x.shape) * xp.abs(x - xp.mean(x, axis=1, keepdims=True)))


@function(x=Reals((5,), low=-4, high=4), y=Reals(), points=[dict(x=X[1], y=0.0)])
def absolute_of_centred_and_y(xp, x, y):
    """f(x, y) = Σ W ∘ |x - mean| + |y|"""
    return xp.sum(weights(xp, x.shape) * xp.abs(x - xp.mean(x))) + xp.abs(y)


@every_width
@every_differentiating
@pytest.mark.parametrize(
    "made", [relu_of_centred, maximum_of_centred, absolute_of_centred, absolute_of_centred_and_y], ids=lambda f: f.name
)
def test_rounding_beside_a_kink_accuses_nobody(made, short: str, dtype: str) -> None:
    (found,) = findings(made, short, dtype)
    assert found.judgement.verdict == Verdict.CONVENTION


def test_what_no_choice_gives_is_wrong_beside_a_kink_too() -> None:
    inputs = tuple(FORMATS["float32"].rounded(x) for x in relu_of_centred.points[0])
    right = WholeReference(relu_of_centred).truth(inputs).kink.limits[0][0]
    assert judged(relu_of_centred, inputs, [right]) == Verdict.CONVENTION
    off = right.copy()
    off[0, 4] += 0.01
    assert judged(relu_of_centred, inputs, [off]) == Verdict.WRONG


A = np.linspace(-1.0, 1.0, 15).reshape(3, 5).tolist()
A32 = np.linspace(-1.0, 1.0, 15, dtype=np.float32).reshape(3, 5).tolist()


@function(x=Reals((3, 5), low=-4, high=4), points=[dict(x=A32), dict(x=A)])
def sine_above_mean(xp, x):
    """f(x) = Σ W ∘ y, y = sin x where x is above the mean of its row, cos x elsewhere"""
    mask = x > xp.mean(x, axis=1, keepdims=True)
    return xp.sum(weights(xp, (3, 5)) * xp.where(mask, xp.sin(x), xp.cos(x)))


@sine_above_mean.gradient
def _(xp, x):
    mask = x > xp.mean(x, axis=1, keepdims=True)
    return weights(xp, (3, 5)) * xp.where(mask, xp.cos(x), -xp.sin(x))


@every_width
@every_backend
def test_a_jump_at_the_mean_accuses_nobody(short: str, dtype: str) -> None:
    for found in findings(sine_above_mean, short, dtype):
        assert found.judgement.verdict not in FAILING


def test_a_margin_that_absorbs_its_one_beside_a_margin_that_ties() -> None:
    hinge = registered("categorical_hinge")
    z = np.array([[1e10, 1e10, 0.0, 0.0], [0.0, 3.0, 2.0, 1.0], [0.0, 0.0, 1.0, -4.0]])
    bounds = WholeReference(hinge).bounds((z,), SINGLE)
    assert bounds.sides


# Jumps and flushing


def test_a_branch_that_a_flushed_number_takes() -> None:
    branch = registered("branch_within_scan")
    inputs = at([0.5, 2.0**-140, 1.5, 0.75])
    reference = WholeReference(branch)
    plain, flushed = (reference.bounds(inputs, model) for model in (SINGLE, FLUSHING))
    # Taken for 0 it goes the other way, and the value is another one.
    assert float(plain.value) < 1e-3 < float(flushed.value)


def test_a_condition_that_rounding_decides_gives_either_branch() -> None:
    @function(x=Reals(low=0.0, high=1.0), points=[dict(x=0.1)])
    def branch(xp, x):
        """f(x) = x where 10 x > 1, -x elsewhere"""
        return xp.cond(10 * x > 1.0, lambda x: x, lambda x: -x, x)

    inputs = at(np.float64(np.float32(0.1)))
    bounds = WholeReference(branch).bounds(inputs, SINGLE)
    assert float(bounds.value) > 0.2


def test_a_loop_whose_end_rounding_decides_is_out_of_range() -> None:
    @function(x=Positive(low=0.01, high=1.0), points=[dict(x=0.1)])
    def steps(xp, x):
        """f(x) = n x, n the number of steps of x up to 1"""
        state = (xp.zeros_like(x), xp.zeros_like(x))
        return xp.while_loop(lambda s: s[0] < 1.0, lambda s: (s[0] + x, s[1] + x), state)[1]

    (x,) = at(0.125)
    assert "another branch" in WholeReference(steps).bounds((x,), SINGLE).out_of_range
    assert not WholeReference(steps).bounds(at(0.13), SINGLE).out_of_range


def test_a_counter_is_exact() -> None:
    assert not WholeReference(registered("exponential_series")).bounds(at([0.5, -1.25, 2.0]), SINGLE).out_of_range


def test_one_dtype_of_a_device_may_flush() -> None:
    needs("torch")
    flushes = {
        dtype: Examiner(Cell(registered("convolution_of_signals"), NAMES["PT"], "cpu", dtype, "reverse")).model.flushes
        for dtype in ("float32", "bfloat16")
    }
    assert flushes == {"float32": False, "bfloat16": True}


# A clever derivation


@function(x=Reals(low=-8, high=8), points=[dict(x=6.0)])
def softplus_less_x(xp, x):
    """f(x) = log(1 + e^x) - x"""
    return xp.log(1 + xp.exp(x)) - x


@softplus_less_x.gradient
def _(xp, x):
    return -1 / (1 + xp.exp(x))


@function(x=Reals((4,), low=-4, high=4), b=Reals(low=-4, high=4), points=[dict(x=[0.5, -1.25, 1.0, 2.0], b=0.75)])
def bias_before_norm(xp, x, b):
    """f(x, b) = sum w (h - mean h) / sqrt(var h + 1), h = x + b"""
    h = x + b
    c = h - xp.mean(h)
    return xp.sum(weights(xp, (4,)) * c / xp.sqrt(xp.mean(c * c) + 1.0))


@bias_before_norm.gradient
def _(xp, x, b):
    c = x - xp.mean(x)
    s = xp.sqrt(xp.mean(c * c) + 1.0)
    w = weights(xp, (4,))
    d_c = w / s - c * xp.sum(w * c) / (4 * s**3)
    return d_c - xp.mean(d_c), 0 * b  # a shift of all entries changes nothing


@every_width
@every_backend
@pytest.mark.parametrize("made", [softplus_less_x, bias_before_norm], ids=lambda f: f.name)
def test_a_derivation_that_is_cleverer_than_a_program_accuses_nobody(made, short: str, dtype: str) -> None:
    for check in ("against_truth", "against_own_differences"):
        (found,) = findings(made, short, dtype, check=check)
        assert found.judgement.verdict == Verdict.VERIFIED


def test_a_gradient_of_zero_costs_the_rounding_of_its_terms_and_no_more() -> None:
    (inputs,) = bias_before_norm.points
    reference = WholeReference(bias_before_norm)
    narrow, wide = reference.bounds(inputs, DOUBLE).gradient[1], reference.wider(inputs, DOUBLE).gradient[1]
    assert float(narrow) < 1e-300 and 1e-16 < float(wide) < 1e-13
    gradient = [part.high for part in reference.truth(inputs).gradient]
    assert judged(bias_before_norm, inputs, [gradient[0], 1.1e-16], DOUBLE) == Verdict.VERIFIED
    assert judged(bias_before_norm, inputs, [gradient[0], 1e-12], DOUBLE) in FAILING


def test_a_wrong_gradient_is_wrong_within_the_wider_bound_as_well() -> None:
    (inputs,) = softplus_less_x.points
    (right,) = WholeReference(softplus_less_x).truth(inputs).gradient
    assert judged(softplus_less_x, inputs, [right.high * (1 + 1e-10)], DOUBLE) in FAILING


@every_differentiating
def test_terms_of_a_special_function_that_cancel(short: str) -> None:
    @function(x=Reals(low=-4, high=4), points=[dict(x=1.5451)])
    def scaled_bessel(xp, x):
        """f(x) = e^(-|x|) I₁(x)"""
        return xp.special.i1e(x)

    (found,) = findings(scaled_bessel, short)
    assert found.judgement.verdict == Verdict.VERIFIED


def test_the_slope_of_dawson_may_be_taken_from_its_value() -> None:
    """1 - 2 x D is -5e-19 at 1e9, and a rounding of 1 for whoever computes it."""
    assert "dawsn" in SATURATING

    @function(x=Reals(low=1.0, high=1e10), points=[dict(x=1e9)])
    def saturated(xp, x):
        """f(x) = D(x)"""
        return xp.special.dawsn(x)

    assert judged(saturated, at(1e9), [0.0], DOUBLE) not in FAILING
    assert judged(saturated, at(1e9), [1e-10], DOUBLE) in FAILING


@pytest.mark.parametrize("name", [name for name in SATURATING if name not in ("dawsn", "erfcx")])
def test_a_derivative_may_be_taken_from_the_value_unless_a_derivation_keeps_its_digits(name: str) -> None:
    @function(x=Reals(low=-100, high=100), points=[dict(x=-40.0)])
    def saturated(xp, x):
        """f(x) = one of those"""
        return xp.special.expit(x) if name == "expit" else getattr(xp, name)(x)

    inputs = at(-40.0)
    assert judged(saturated, inputs, [0.0], DOUBLE) not in FAILING
    assert judged(saturated, inputs, [1e-10], DOUBLE) in FAILING

    @saturated.gradient
    def _(xp, x):
        e = xp.exp(x)
        return e if name == "expm1" else e / (1 + e) ** 2 if name == "expit" else 4 * e * e / (1 + e * e) ** 2

    assert judged(saturated, inputs, [0.0], DOUBLE) in FAILING


# Structure


@pytest.mark.parametrize(
    ("slope", "verdict"), [(1.0, Verdict.VERIFIED), (np.inf, Verdict.WRONG)], ids=["right", "wrong"]
)
def test_scaling_by_a_cotangent_may_overflow_on_the_way(slope: float, verdict: Verdict) -> None:
    needs(NAMES["AG"])
    # In half precision 30000 times the cotangent is too large, and what comes of it is not.
    made = entry(lambda xp, x: xp.sum(x * 2.0**-12 * 30000.0), x=(2,))
    made.points = [at([1.0, 2.0])]
    examiner = Examiner(Cell(made, NAMES["AG"], "cpu", "float16", "reverse"))
    pulled_back = examiner.pulled_back

    def planted(inputs, cotangent):
        given = pulled_back(inputs, cotangent)
        return replace(given, gradient=tuple(part * slope if cotangent else part for part in given.gradient))

    examiner.pulled_back = planted
    assert examiner.against_truth(made.points[0]).judgement.verdict == verdict


def test_scaling_by_a_cotangent_may_round_anew() -> None:
    inputs, made = bias_before_norm.points[0], bias_before_norm
    reference = WholeReference(made)
    right = tuple(part.high for part in reference.truth(inputs).gradient)
    value = reference.truth(inputs).value.high

    class Scaled:
        """A backend whose gradient of b is noise of either size, as long as it is noise."""

        cell = Cell(made, "autograd", "cpu", "float64", "reverse")
        model = DOUBLE
        noise = 1.1e-16
        runs_a_rule = False

        class mode:  # noqa: N801
            batched = False

        def gradient_again(self, inputs):
            return Answer(value, (right[0], np.array(-self.noise)))

        def pulled_back(self, inputs, cotangent):
            return Answer(cotangent * value, (cotangent * right[0], np.array(self.noise * bool(cotangent))))

        def gradient_of_returned_value(self, inputs):
            return Answer(value, right)

        def second_pass(self, inputs):
            raise Unsupported("a framework's own rules are told nothing of how they are used")

        of_one_argument_at_a_time = gives_what_nobody_asked_for = second_pass

    answer = Answer(value, (right[0], np.array(0.0)))
    allowance = Allowance(reference.bounds(inputs, DOUBLE), lambda: reference.wider(inputs, DOUBLE))
    assert structural_problem(Scaled(), inputs, answer, allowance) == ""
    Scaled.noise = 1e-12
    assert structural_problem(Scaled(), inputs, answer, allowance) == "a second call gives another gradient"


@pytest.mark.parametrize("is_in_place", [False, True])
def test_a_rule_that_writes_to_what_was_saved_is_found_at_its_second_pass(is_in_place) -> None:
    """The first backward pass is right; a second one over the same forward pass reads what the first has written."""
    needs("torch")
    import torch

    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = torch.exp(x)
            ctx.save_for_backward(y)
            return y.clone()

        @staticmethod
        def backward(ctx, d):
            (y,) = ctx.saved_tensors
            return d * (y.detach().mul_(1) if is_in_place else y)

    made = entry(lambda xp, x: xp.exp(x), x=())
    made.implementation("torch")(Doubled.apply)
    found = Examiner(Cell(made, "torch", "cpu", "float64", "reverse")).against_truth(at(0.5))
    if not is_in_place:
        assert found.judgement.verdict == Verdict.VERIFIED
    else:
        assert found.judgement.verdict == Verdict.UNSUPPORTED
        assert "a second backward pass over one forward pass raises" in found.judgement.reason


# Own differences


W = [1.25, -0.75, 0.5, 2.0]


@function(x=Reals((4,), low=-8, high=8), points=[dict(x=[0.0, 1.0, 2.5, -3.0]), dict(x=[0.5, 1.25, 3.5, -7.0])])
def squares_in_float32(xp, x):
    """f(x) = 1000 + Σ w x²"""
    return 1000 + xp.sum(xp.asarray(W) * x * x)


@squares_in_float32.gradient
def _(xp, x):
    return 2 * xp.asarray(W) * x


@squares_in_float32.implementation("torch")
def _(x):
    import torch

    y = x.to(torch.float32)
    return (1000 + (torch.tensor(W, dtype=torch.float32) * y * y).sum()).to(x.dtype)


@squares_in_float32.implementation("jax")
def _(x):
    import jax.numpy as jnp

    y = x.astype(jnp.float32)
    return (1000 + jnp.sum(jnp.asarray(W, jnp.float32) * y * y)).astype(x.dtype)


@every_width
@pytest.mark.parametrize("short", ["JX", "PT"])
def test_a_kernel_in_float32_is_not_held_to_differences_in_float64(short: str, dtype: str) -> None:
    for found in findings(squares_in_float32, short, dtype, check="against_own_differences"):
        assert found.judgement.verdict not in FAILING


def test_noise_is_told_from_another_function() -> None:
    batches = []

    def values(batch):
        batches.append(batch)
        return np.sum(batch[0] ** 2, axis=-1)

    own_differences(values, at([0.5, 1.25]), 0.0)
    true = values(batches[0])
    assert forward_noise(true, true) == 0
    assert forward_noise(true * 1.001 + 5, true) < 1e-9
    assert 1e-8 < forward_noise(true.astype(np.float32).astype(np.float64), true) < 1e-6


def test_a_wrong_gradient_of_a_kernel_in_float64_shows_in_its_own_differences() -> None:
    needs("autograd")
    from autograd.extend import defvjp, primitive

    body = primitive(lambda x: 1000 + np.sum(np.array(W) * x * x))
    defvjp(body, lambda answer, x: lambda g: 2.001 * g * np.array(W) * x)

    @function(x=Reals((4,)), points=[dict(x=[0.5, 1.25, 3.5, -7.0])])
    def squares(xp, x):
        """f(x) = 1000 + Σ w x²"""
        return 1000 + xp.sum(xp.asarray(W) * x * x)

    squares.implementation("autograd")(body)
    (found,) = findings(squares, "AG", check="against_own_differences")
    assert found.judgement.verdict == Verdict.WRONG and math.isfinite(found.judgement.worst.error)


# A derivation that is right at one place


@every_differentiating
def test_a_wrong_derivation_accuses_nobody_of_its_slope(short: str) -> None:
    @function(x=Reals((3,)), b=Reals((2, 3)), points=[dict(x=[0.0, 0.0, 0.0], b=[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])])
    def products(xp, x, b):
        "f(x, b) = Σ W x b"
        return xp.sum(weights(xp, (2, 3)) * x * b)

    @products.gradient
    def _(xp, x, b):
        # The sum over the axis that was broadcast is forgotten, which nobody sees where b is 0.
        return (weights(xp, (2, 3)) * b)[0], weights(xp, (2, 3)) * x

    found = findings(products, short, mode="reverse_over_reverse")
    assert [finding.judgement.verdict for finding in found] == [Verdict.VERIFIED]


@pytest.mark.parametrize(("x", "verdict"), [(-3.0, "verified"), (-300.0, "inconclusive")], ids=["near", "far"])
def test_a_second_derivative_may_divide_by_the_cube_of_a_divisor(x: float, verdict: str) -> None:
    # exp(300)³ is beyond the range, and takes with it a term as large as the others.
    needs(NAMES["AG"])
    space = importlib.import_module("autograd.numpy")
    with np.errstate(over="raise"):  # nor is a square that is beyond it a warning of ours
        args, kind = (np.array(x),), GradproofWarning if verdict == "inconclusive" else None
        with pytest.warns(kind) if kind else nullcontext():
            report = gradproof.check_grads(lambda v: v / (1 + space.exp(-v)), args, order=2, modes=("rev",))
    found = {row["mode"]: row["verdict"] for row in report.rows}
    assert (found["reverse"], found["reverse_over_reverse"]) == ("verified", verdict)


# Kinks where the function jumps


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ((0.0, 0.0), Verdict.CONVENTION),  # the mean of both parts of the largest, times the first expert
        ((0.25, -0.25), Verdict.CONVENTION),
        ((-0.25, 0.25), Verdict.CONVENTION),  # the second of the largest, times the first expert
        ((1.0, 0.0), Verdict.WRONG),
        ((2.0, -2.0), Verdict.WRONG),
    ],
)
def test_where_a_kink_meets_a_jump_each_choice_is_somebodys_own(answer, verdict) -> None:
    """The gate of the best of two experts that tie: which one is asked jumps, where the largest of the gates bends."""

    def body(xp, x, g):
        gates = xp.exp(g) / xp.sum(xp.exp(g))
        return xp.max(gates) * xp.where(gates[0] >= gates[1], x[0], x[1])

    reference = WholeReference(entry(body, x=(2,), g=(2,)))
    inputs = (np.array([1.0, 3.0]), np.array([0.5, 0.5]))
    given = Answer(np.array(0.5), (np.array([0.5, 0.0]), np.array(answer)))
    truth, bounds = reference.truth(inputs), reference.bounds(inputs, DOUBLE)
    assert judge(given, truth, bounds, ["x", "g"], DOUBLE.format).verdict == verdict


# Signs of zeros, and what leaves the range


@pytest.mark.parametrize(("y", "x", "is_judged"), [(-0.0, -1.0, False), (0.0, -1.0, False), (-0.0, 1.0, True)])
def test_an_angle_on_the_cut_is_as_the_sign_of_a_zero_has_it(y, x, is_judged) -> None:
    """Found by drawn inputs: atan2(-0, -1) is -π, as IEEE arithmetic has it, and was called wrong."""
    needs("torch")
    made = entry(lambda xp, y, x: xp.atan2(y, x), y=(), x=())
    found = Examiner(Cell(made, "torch", "cpu", "float64", "reverse")).against_truth(at(y, x))
    assert not found.fails
    assert (found.judgement.verdict == Verdict.VERIFIED) == is_judged


def _expm1_over_x(xp, x):
    safe = xp.where(x == 0, xp.ones_like(x), x)
    return xp.where(x == 0, 1 + x / 2, xp.expm1(safe) / safe)


@pytest.mark.parametrize("is_named", [False, True])
def test_what_may_overflow_on_the_way_of_an_honest_program_is_no_draw_to_accuse_by(is_named) -> None:
    """exp(x)/x - expm1(x)/x² at the smallest numbers of float32: either term is larger than the largest."""
    needs("torch")
    made = entry(_expm1_over_x, x=())
    made.points.extend([at(2.0**-128)] if is_named else [])
    for check in ("against_truth", "against_own_differences"):
        examiner = Examiner(Cell(made, "torch", "cpu", "float32", "reverse"))
        assert getattr(examiner, check)(at(2.0**-128)).fails == (is_named and check == "against_truth")
        assert getattr(examiner, check)(at(0.5)).judgement.verdict == Verdict.VERIFIED


@pytest.mark.parametrize(
    ("body", "inputs"),
    [
        # 7 / (mu / (r + mu)) is larger than the largest number of float16, which the gradient is not.
        pytest.param(lambda xp, r, mu: 7.0 * xp.log(mu / (r + mu)), (40.0, 2.0**-8), id="log of a small quotient"),
    ],
)
def test_an_adjoint_may_leave_the_range_where_the_gradient_does_not(body, inputs) -> None:
    """Found by everyday models in half precision: a backend was called wrong for what any reverse sweep loses."""
    needs("torch")
    made = entry(body, **dict.fromkeys(list(inspect.signature(body).parameters)[1:], ()))
    for check in ("against_truth", "against_own_differences"):
        examiner = Examiner(Cell(made, "torch", "cpu", "float16", "reverse"))
        assert not getattr(examiner, check)(at(*inputs)).fails
        assert getattr(examiner, check)(at(0.5, 0.75)).judgement.verdict == Verdict.VERIFIED


def test_infinities_of_both_signs_are_judged_and_end_no_run() -> None:
    answer = Answer(np.zeros(()), (np.array(np.inf), np.array(np.inf)))
    one = np.array(1.0)
    own = OwnDifferences((one, one), (one, one), (np.array(1.0), np.array(-1.0)), 0.0, 1.0)
    bounds = Bounds(one, (one, one), "")
    assert _judge_own(answer, own, bounds, ["x", "y"], 2.0**-53).verdict == Verdict.WRONG


# What somebody's own code may leave out, and what it may lose beside an input


@pytest.mark.parametrize("short", ["PT", "TF", "AG"])
@pytest.mark.parametrize("is_right", [True, False])
def test_no_gradient_is_none_of_an_argument_that_moves_nothing(short: str, is_right: bool) -> None:
    """A shift before centring: an implementation may leave it out, and a backend has no gradient for it then."""
    needs(NAMES[short])

    def body(xp, x, b):
        h = x + b
        return xp.sum(weights(xp, (3,)) * (h - xp.mean(h)) ** 2) + (0 if is_right else 1e-3 * b)

    made = entry(body, x=(3,), b=())
    made.points = [at([0.5, 1.0, -2.0], 1.0)]
    own = entry(lambda xp, x: xp.sum(weights(xp, (3,)) * (x - xp.mean(x)) ** 2), x=(3,))
    made.implementation(NAMES[short])(lambda x, b: backends.load(NAMES[short]).callable(own, "float64", "cpu")(x))
    judgement = findings(made, short)[0].judgement
    assert judgement.verdict == (Verdict.VERIFIED if is_right else Verdict.WRONG)


@every_differentiating
def test_an_index_that_an_extremum_found_takes_one_entry(short: str) -> None:
    made = entry(lambda xp, x: xp.take(x, xp.argmin(xp.abs(x)), axis=0) ** 2 + xp.sum(x), x=(3,))
    made.points = [at([0.5, -0.25, 2.0])]
    for check in ("against_truth", "against_own_differences"):
        assert findings(made, short, check=check)[0].judgement.verdict == Verdict.VERIFIED


@pytest.mark.parametrize(("slope", "verdict"), [(0.0, None), (1e-6, Verdict.WRONG)], ids=["right", "wrong"])
def test_what_cancels_is_larger_a_step_beside_the_input(slope: float, verdict: Verdict | None) -> None:
    """(a + b)² - b² - 2ab at b = 0: what rounding loses of b² beside it goes with the step, as a slope does."""
    needs(NAMES["AG"])
    made = entry(lambda xp, a, b: (a + b) ** 2 - b * b - 2 * a * b, a=(), b=())
    inputs = at(2.0**-126, 0.0)
    examiner = Examiner(Cell(made, NAMES["AG"], "cpu", "float64", "reverse"))
    given = examiner.answers(inputs)[0]
    planted = replace(given, gradient=(given.gradient[0], given.gradient[1] + slope))
    examiner._kept_answer = lambda inputs: planted
    finding = examiner.against_own_differences(inputs)
    assert finding.fails == (verdict is not None)
