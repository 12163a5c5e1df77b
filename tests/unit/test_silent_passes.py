"""What must not pass in silence: a NaN where value and gradient are finite, a point that cannot be judged, a rule that
a batch loses, a value that is another one while it is differentiated, a wrong second derivative without a derivation, a
gradient of 0 of what is constant between jumps."""

import math

import numpy as np
import pytest
from flint import arb, ctx

from gradproof import Reals, UnitInterval, function
from gradproof.backends import BACKENDS, MODES
from gradproof.oracles import exact
from gradproof.oracles.balls import BallArithmetic
from gradproof.oracles.machine_model import FORMATS, MachineModel
from gradproof.oracles.reference import Reference
from gradproof.oracles.verdict import Judgement, Verdict
from gradproof.oracles.whole import WholeReference, WholeSecondOrder
from gradproof.verification.cells import Cell
from gradproof.verification.examine import LOST, Examiner, Finding
from gradproof.verification.references import references
from gradproof.verification.search import Effort, Tally, search
from tests.unit.made import DIFFERENTIATING, NAMES, at, entry, needs, registered

every_differentiating = pytest.mark.parametrize("short", DIFFERENTIATING)
every_width = pytest.mark.parametrize("dtype", ["float64", "float32"])

DOUBLE = MachineModel(FORMATS["float64"])


def examiner(made, short, dtype="float64", mode="reverse") -> Examiner:
    needs(NAMES[short])
    return Examiner(Cell(made, NAMES[short], "cpu", dtype, mode))


def findings(made, short, dtype="float64", mode="reverse") -> list[Finding]:
    asked = examiner(made, short, dtype, mode)
    return [asked.against_truth(point) for point in made.points]


# Not finite, where value and gradient are


C = math.sqrt(3)


@function(x=Reals((2,), low=-8, high=8), y=Reals((2,), low=-8, high=8), points=[dict(x=[1.0, 2.0], y=[1.0, 2.0])])
def matern_by_sqrt(xp, x, y):
    """f(x, y) = (1 + c r) exp(-c r), r = |x - y|"""
    r = C * xp.sqrt(xp.sum((x - y) ** 2))
    return (1 + r) * xp.exp(-r)


@function(x=Reals((3,), low=-8, high=8), points=[dict(x=[0.0, 0.0, 0.0])])
def length_cubed(xp, x):
    """f(x) = |x|³ + Σ x"""
    r = xp.linalg.vector_norm(x)
    return r * r * r + xp.sum(x)


@function(x=Reals(low=-1000, high=1000), points=[dict(x=1000.0)])
def elu_by_where(xp, x):
    """f(x) = eˣ - 1 where x ≤ 0, x elsewhere"""
    return xp.where(x <= 0, xp.exp(x) - 1, x)


@function(x=Reals(low=-1000, high=1000), points=[dict(x=1000.0)])
def elu_by_where_derived(xp, x):
    """f(x) = eˣ - 1 where x ≤ 0, x elsewhere"""
    return xp.where(x <= 0, xp.exp(x) - 1, x)


@elu_by_where_derived.gradient
def _(xp, x):
    return xp.where(x <= 0, xp.exp(xp.where(x <= 0, x, xp.zeros_like(x))), xp.ones_like(x))


@function(x=Reals(low=-1000, high=1000), points=[dict(x=-1000.0)])
def logistic_by_exp(xp, x):
    """f(x) = 1 / (1 + e⁻ˣ)"""
    return 1 / (1 + xp.exp(-x))


@function(x=Reals(low=-1000, high=1000), points=[dict(x=-1000.0)])
def logistic_by_exp_derived(xp, x):
    """f(x) = 1 / (1 + e⁻ˣ)"""
    return 1 / (1 + xp.exp(-x))


@logistic_by_exp_derived.gradient
def _(xp, x):
    p = xp.special.expit(x)
    return p * (1 - p)


@function(x=Reals(low=-1000, high=1000), points=[dict(x=1000.0)])
def softplus_by_log(xp, x):
    """f(x) = log(1 + eˣ) where x < 30, x elsewhere (within 1e-13)"""
    return xp.where(x < 30, xp.log(1 + xp.exp(x)), x)


NOT_FINITE = [
    matern_by_sqrt,
    elu_by_where,
    elu_by_where_derived,
    logistic_by_exp,
    logistic_by_exp_derived,
    softplus_by_log,
]


@every_width
@every_differentiating
@pytest.mark.parametrize("made", NOT_FINITE, ids=lambda f: f.name)
def test_nan_where_value_and_gradient_are_finite_is_wrong(made, short: str, dtype: str) -> None:
    (found,) = findings(made, short, dtype)
    # Some knows the length of nothing to have the slope 0; none passes in silence.
    lost = not all(np.isfinite(part).all() for part in examiner(made, short, dtype).answers(found.inputs)[0].gradient)
    assert found.judgement.verdict == (Verdict.WRONG if lost else Verdict.INCONCLUSIVE)
    assert found.judgement.worst is None or "not finite" in found.judgement.reason


@every_differentiating
def test_the_length_of_nothing_in_a_smooth_function(short: str) -> None:
    (found,) = findings(length_cubed, short)
    assert found.judgement.verdict in (Verdict.WRONG, Verdict.INCONCLUSIVE)


@pytest.mark.parametrize("made", [elu_by_where_derived, logistic_by_exp_derived], ids=lambda f: f.name)
def test_a_right_gradient_beside_a_branch_that_overflows_is_verified(made) -> None:
    (found,) = findings(made, "NP")
    assert found.judgement.verdict == Verdict.VERIFIED


@function(x=Reals(low=-1000, high=1000), points=[dict(x=1.0)])
def elu_drawn(xp, x):
    """f(x) = eˣ - 1 where x ≤ 0, x elsewhere"""
    return xp.where(x <= 0, xp.exp(x) - 1, x)


@every_differentiating
def test_nan_at_a_draw_is_told_and_nobody_is_accused(short: str) -> None:
    asked, drawn = examiner(elu_drawn, short), at([1000.0])[0].reshape(())
    assert not np.isfinite(asked.answers((drawn,))[0].gradient[0])
    tally = search(elu_drawn, asked.against_truth, run_seed=0, effort=Effort(1, 0.0), witnesses=((drawn,),))
    assert tally.failure is None and tally.verdict == Verdict.VERIFIED
    assert tally.out_of_range == {LOST: 1} and tally.lost.inputs == (drawn,)


def test_a_right_gradient_at_a_draw_without_a_bound_is_not_called_lost() -> None:
    asked = examiner(elu_by_where_derived, "NP")
    found = asked.against_truth((np.array(900.0),))
    assert found.out_of_range == "an intermediate result overflows float64"


# A point that was named


def finding(verdict: Verdict, reason: str = "", **more) -> Finding:
    return Finding((), Judgement(verdict, reason), **more)


def test_a_point_that_cannot_be_judged_is_told_and_the_cell_is_not_verified() -> None:
    tally = Tally()
    tally.add(finding(Verdict.VERIFIED), named=True)
    tally.add(finding(Verdict.INCONCLUSIVE, "it is far out", out_of_range="it is far out"))
    assert tally.verdict == Verdict.VERIFIED and not tally.caveat  # a draw
    tally.add(finding(Verdict.INCONCLUSIVE, "it is far out", out_of_range="it is far out"), named=True)
    assert tally.verdict == Verdict.INCONCLUSIVE
    assert tally.caveat == "a point of the function cannot be judged: it is far out"
    tally.add(finding(Verdict.WRONG, "off"))
    assert tally.verdict == Verdict.WRONG


# Infinities


MEANS = [0.0, 1.0, 2.0]
WEIGHTS = [dict(p=[0.0, 0.5, 0.5], x=0.25), dict(p=[0.25, 0.5, 0.25], x=0.25)]


@function(p=UnitInterval((3,), low=2.0**-6), x=Reals((), low=-4, high=4), points=WEIGHTS)
def mixture_by_logits(xp, p, x):
    """f(p, x) = log Σ softmax(log p)ₖ N(x; μₖ, 1)"""
    component = -0.5 * (x - xp.asarray(MEANS)) ** 2 - 0.5 * math.log(2 * math.pi)
    return xp.special.logsumexp(xp.nn.log_softmax(xp.log(p), axis=0) + component)


@function(p=UnitInterval((3,), low=2.0**-6), x=Reals((), low=-4, high=4), points=WEIGHTS)
def mixture_smooth(xp, p, x):
    """f(p, x) = log (Σ p N(x; μ, 1) / Σ p)"""
    component = -0.5 * (x - xp.asarray(MEANS)) ** 2 - 0.5 * math.log(2 * math.pi)
    return xp.log(xp.sum(p * xp.exp(component)) / xp.sum(p))


def test_a_weight_of_nothing_is_a_number_like_others() -> None:
    by_logits, smooth = (Reference(made).truth(made.points[0]) for made in (mixture_by_logits, mixture_smooth))
    assert float(by_logits.value.high) == pytest.approx(float(smooth.value.high), rel=1e-15)
    for ours, theirs in zip(by_logits.gradient, smooth.gradient, strict=True):
        assert np.allclose(ours.high, theirs.high, rtol=1e-14, atol=0)


@every_differentiating
def test_a_mixture_with_a_weight_of_nothing(short: str) -> None:
    at_zero, inside = findings(mixture_by_logits, short)
    assert at_zero.judgement.verdict == Verdict.WRONG and "not finite" in at_zero.judgement.reason
    assert inside.judgement.verdict == Verdict.VERIFIED
    assert [found.judgement.verdict for found in findings(mixture_smooth, short)] == [Verdict.VERIFIED] * 2


@pytest.mark.parametrize("model", [None, DOUBLE], ids=["exact", "rounded"])
def test_infinities_are_what_arithmetic_makes_of_them(model: MachineModel | None) -> None:
    on = BallArithmetic(model)
    xp, zero = on.namespace(), on.inputs(np.zeros(2))
    logarithm = xp.log(zero)
    assert all(entry < 0 and not entry.is_nan() for entry in logarithm.entries)
    assert all(entry.is_zero() for entry in xp.exp(logarithm).entries)
    assert all(entry.is_zero() for entry in xp.nn.softmax(xp.stack([logarithm, zero]), axis=0).entries[0])
    assert float(xp.special.logsumexp(xp.asarray([-math.inf, 0.0])).entries[()]) == pytest.approx(0, abs=1e-15)
    assert not on.overflowed


# A rule that a batch loses


V = [1.25, -0.75, 0.5]


@function(x=Reals((3,), low=-8, high=8), points=[dict(x=[1.0, -2.0, 0.5])])
def clipped_gradient_in_batch(xp, x):
    """f(x) = Σ w x²"""
    return xp.sum(xp.asarray(V) * x * x)


@clipped_gradient_in_batch.implementation("torch")
def _(x):
    import torch

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(inputs[0])

        @staticmethod
        def backward(ctx, g):
            return g * 2 * ctx.saved_tensors[0]

        @staticmethod
        def vmap(info, in_dims, x):
            return x * x.detach(), in_dims[0]

    return (torch.tensor(V, dtype=x.dtype) * Square.apply(x)).sum()


@clipped_gradient_in_batch.implementation("jax")
def _(x):
    import jax
    import jax.numpy as jnp

    @jax.custom_batching.custom_vmap
    def square(x):
        return x * x

    @square.def_vmap
    def _(size, batched, x):
        return x * jax.lax.stop_gradient(x), True

    return (jnp.asarray(V, x.dtype) * square(x)).sum()


@pytest.mark.parametrize("short", ["JX", "PT"])
def test_a_rule_that_a_batch_loses_is_caught_in_the_gradient_of_a_sum(short: str) -> None:
    (found,) = findings(clipped_gradient_in_batch, short, mode="summed_over_batch")
    assert found.judgement.verdict == Verdict.WRONG


@pytest.mark.parametrize("short", ["TF", "JX", "PT"])
def test_the_gradient_of_a_sum_over_a_batch(short: str) -> None:
    made = registered("log_sum_exp")
    found = examiner(made, short, mode="summed_over_batch").against_truth(made.points[0])
    assert found.judgement.verdict == Verdict.VERIFIED


def test_who_maps_over_a_batch_says_so_of_both_modes() -> None:
    mapped = {name for name, mode in MODES.items() if mode.batched}
    assert mapped == {"vectorized", "summed_over_batch"}
    for backend in BACKENDS.values():
        assert mapped <= {*backend.modes} or not mapped & {*backend.modes}


# The value while it is differentiated


def planted_in_value(forward, backward=None):
    """Σ w x³ whose rule computes the value anew, by `forward`."""
    import jax
    import jax.numpy as jnp

    def body(x):
        return jnp.sum(jnp.asarray(V, x.dtype) * x**3)

    code = jax.custom_vjp(body)
    code.defvjp(lambda x: (forward(x), x), lambda x, g: (3 * g * jnp.asarray(V, x.dtype) * x * x,))

    @function(x=Reals((3,)), points=[dict(x=[0.5, -1.25, 2.0])])
    def cubes(xp, x):
        """f(x) = Σ w x³"""
        return xp.sum(xp.asarray(V) * x * x * x)

    cubes.implementation("jax")(code)
    return cubes


def test_the_value_that_a_rule_returns_is_held_to_the_plain_one() -> None:
    needs("jax")
    import jax.numpy as jnp

    right = planted_in_value(lambda x: jnp.sum(jnp.asarray(V, x.dtype) * x**3))
    wrong = planted_in_value(lambda x: jnp.sum(jnp.asarray(V, x.dtype) * x**3) + 1e-6)
    assert findings(right, "JX")[0].judgement.verdict == Verdict.VERIFIED
    judgement = findings(wrong, "JX")[0].judgement
    assert judgement.verdict == Verdict.WRONG
    assert judgement.reason.startswith("the value returned while it is differentiated is")


def test_the_value_that_a_rule_returns_is_differentiated_again() -> None:
    needs("jax")
    import jax
    import jax.numpy as jnp

    stopped = planted_in_value(lambda x: jnp.sum(jnp.asarray(V, x.dtype) * x**2 * jax.lax.stop_gradient(x)))
    judgement = findings(stopped, "JX")[0].judgement
    assert judgement.verdict == Verdict.WRONG
    assert judgement.reason == "the value returned while it is differentiated has another gradient"


def test_the_value_that_a_rule_returns_is_held_to_the_plain_one_at_every_input() -> None:
    """A rule that is right where it was tried first may be wrong in its other branch."""
    needs("jax")
    import jax.numpy as jnp

    def halved_where_negative(x):
        return jnp.sum(jnp.asarray(V, x.dtype) * jnp.where(x < 0, x**3 / 2, x**3))

    planted = planted_in_value(halved_where_negative)
    planted.points = [at([0.5, 1.25, 2.0]), at([0.5, -1.25, 2.0])]
    first, second = (found.judgement for found in findings(planted, "JX"))
    assert (first.verdict, second.verdict) == (Verdict.VERIFIED, Verdict.WRONG)
    assert second.reason.startswith("the value returned while it is differentiated is")


def square_by(backward=None, forward=None):
    """A rule of somebody's own for Σ w x², with these slopes for what comes in."""
    torch = pytest.importorskip("torch")

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, g):
            return (backward or (lambda g: g))(g) * 2 * ctx.saved_tensors[0]

        @staticmethod
        def jvp(ctx, t):
            return (forward or (lambda t: t))(t) * 2 * ctx.saved_tensors[0]

    made = entry(lambda xp, x: xp.sum(xp.asarray(V) * x * x), x=(3,))
    made.points = [at([0.5, -1.25, 2.0])]
    made.implementation("torch")(lambda x: (torch.tensor(V, dtype=x.dtype) * Square.apply(x)).sum())
    return made


@every_width
@pytest.mark.parametrize("limit", [10.0, 1e5])
def test_a_rule_that_clips_what_comes_in_is_not_linear(limit: float, dtype: str) -> None:
    judgement = findings(square_by(lambda g: g.clamp(-limit, limit)), "PT", dtype)[0].judgement
    assert judgement.verdict == Verdict.WRONG
    assert judgement.reason.startswith("the pullback is not linear")
    assert findings(square_by(), "PT", dtype)[0].judgement.verdict == Verdict.VERIFIED


def test_a_large_cotangent_may_overflow() -> None:
    made = square_by()
    made.points = [at([1e33, -1e33, 1e17])]
    assert findings(made, "PT", "float32")[0].judgement.verdict in (Verdict.VERIFIED, Verdict.INCONCLUSIVE)
    made.points = [at([1.0, 2.0, -1.5])]
    assert findings(made, "PT", "float16")[0].judgement.verdict == Verdict.VERIFIED


@every_width
def test_a_rule_that_is_not_linear_in_its_tangent_is_caught(dtype: str) -> None:
    judgement = findings(square_by(forward=lambda t: t * abs(t)), "PT", dtype, "forward")[0].judgement
    assert judgement.verdict == Verdict.WRONG
    assert judgement.reason.startswith("the pushforward is not linear")
    assert findings(square_by(), "PT", dtype, "forward")[0].judgement.verdict == Verdict.VERIFIED


@every_differentiating
def test_the_value_beside_a_tangent_is_held_to_the_plain_one(short: str, monkeypatch) -> None:
    made = registered("log_sum_exp")
    asked = examiner(made, short, mode="forward")
    assert asked.against_truth(made.points[0]).judgement.verdict == Verdict.VERIFIED
    again = examiner(made, short, mode="forward")
    pushed = asked.pushed_forward
    monkeypatch.setattr(again, "pushed_forward", lambda *given: (pushed(*given)[0] + 1e-6, pushed(*given)[1]))
    assert again.against_truth(made.points[0]).judgement.verdict == Verdict.WRONG


# Second order without a derivation


@function(x=Reals((3,), low=-4, high=4), points=[dict(x=[0.5, -1.25, 2.0])])
def cubes_and_tanh(xp, x):
    """f(x) = Σ w x³ + x₀ x₁ tanh x₂"""
    return xp.sum(xp.asarray(V) * x**3) + x[0] * x[1] * xp.tanh(x[2])


SECOND_ORDER = [mode for mode, known in MODES.items() if known.order == 2]


@pytest.mark.parametrize("mode", SECOND_ORDER)
@every_differentiating
def test_second_order_needs_no_derivation(short: str, mode: str) -> None:
    (found,) = findings(cubes_and_tanh, short, mode=mode)
    assert found.judgement.verdict == Verdict.VERIFIED


def test_a_rule_that_loses_half_of_the_second_derivative_is_caught_and_named() -> None:
    needs("torch")
    import torch

    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 3 * (x.detach() * x)

    @function(x=Reals((3,)), points=[dict(x=[0.5, -1.25, 2.0])])
    def cubes(xp, x):
        """f(x) = Σ w x³"""
        return xp.sum(xp.asarray(V) * x**3)

    cubes.implementation("torch")(lambda x: (torch.tensor(V, dtype=x.dtype) * Cube.apply(x)).sum())
    (found,) = findings(cubes, "PT", mode="reverse_over_reverse")
    assert found.judgement.verdict == Verdict.WRONG
    assert found.judgement.worst.symbol.startswith("(H v)_x[")
    lines = "\n".join(references(examiner(cubes, "PT", mode="reverse_over_reverse"), found, "exact"))
    assert "H v / exact reference, second differences of f: wrong" in lines
    assert "gradient / exact reference, in float64: agree" in lines
    assert lines.endswith("second derivative")


def test_second_differences_are_the_change_of_a_derivation() -> None:
    made = registered("log_sum_exp")
    second = WholeSecondOrder(WholeReference(made))
    assert second.derivation_agrees(made.points[0])
    with ctx.workprec(1024):
        mixed, gap, _ = second._mixed(made.points[0], second.direction, exact.step(made.points[0]))
        pairs = zip(mixed, second.truth(made.points[0]).gradient, strict=True)
        for part, true in pairs:
            assert all(abs(p - q) < arb("1e-30") for p, q in zip(part.flat, true.balls.flat, strict=True))
        assert all(abs(entry) < arb("1e-30") for part in gap for entry in part.flat)


def test_second_differences_see_a_kink_of_the_gradient() -> None:
    @function(x=Reals((2,)), points=[dict(x=[0.0, 1.0])])
    def squared_relu(xp, x):
        """f(x) = Σ relu(x)² / 2"""
        return xp.sum(xp.nn.relu(x) ** 2) / 2

    second = WholeSecondOrder(WholeReference(squared_relu))
    assert second.bounds(at([0.0, 1.0]), DOUBLE).out_of_range == "a kink of the gradient"
    assert second.bounds(at([-0.5, 1.0]), DOUBLE).out_of_range == ""


# Constant between jumps


@function(x=Reals(low=0.5, high=8), points=[dict(x=2.0), dict(x=5.25)])
def root_by_bisection(xp, x):
    """f(x) = the y in [0, 4] with y² = x, by bisection"""
    low, high = xp.zeros_like(x), 4.0 * xp.ones_like(x)
    for _ in range(12):
        middle = (low + high) / 2
        below = middle * middle < x
        low, high = xp.where(below, middle, low), xp.where(below, high, middle)
    return (low + high) / 2


@every_differentiating
def test_a_program_that_is_piecewise_constant_is_told_on_every_backend_alike(short: str) -> None:
    tally = Tally()
    for found in findings(root_by_bisection, short):
        assert found.judgement.verdict == Verdict.VERIFIED and found.constant == ("x",)
        tally.add(found)
    assert tally.verdict == Verdict.INCONCLUSIVE
    assert "piecewise constant in x" in tally.caveat and "flat=True" in tally.caveat


@every_differentiating
def test_a_gradient_that_happens_to_be_zero_is_not_that_of_a_constant(short: str) -> None:
    @function(x=Reals((2,)), points=[dict(x=[-2.0, -1.0]), dict(x=[1.0, -1.0])])
    def sum_of_relu(xp, x):
        """f(x) = Σ relu(x)"""
        return xp.sum(xp.nn.relu(x))

    tally = Tally()
    for found in findings(sum_of_relu, short):
        tally.add(found)
    assert tally.verdict == Verdict.VERIFIED


@pytest.mark.parametrize("x", [[0.0, 1.0], [1.0, 2.0]])
def test_a_jump_has_the_one_limit_around_it_for_a_convention(x: list[float]) -> None:
    kink = Reference(registered("floor")).truth(at([*x, 0.5, 2.75, -3.5])).kink
    assert kink is not None and kink.exists
    zero, slack = np.zeros(5), np.full(5, 1e-300)
    assert kink.admits((zero,), (slack,)) and not kink.admits((zero + 1.0,), (slack,))
