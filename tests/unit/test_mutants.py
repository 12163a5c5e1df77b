"""Wrong gradients of every kind, planted, are seen; what is no wrong gradient is told by exact arithmetic; and a hole
in the verdict would be seen, because mutants come through it."""

from dataclasses import replace

import numpy as np
import pytest

from gradproof import Complex, Reals, function, weights
from gradproof.oracles import whole
from gradproof.oracles.verdict import Judgement, Verdict
from gradproof.registry import Function, load_builtin
from gradproof.report.outcome import Unusable
from gradproof.verification import examine
from gradproof.verification.mutants import chosen, mutants, sample, trials
from gradproof.verification.mutants.kinds import AT_STRENGTH, KINDS, VALUE
from gradproof.verification.mutants.trial import Fate, Outcome, Trials, Untried
from tests.unit.made import DIFFERENTIATING, needs, registered

FEW = replace(Trials(), draws=3)
NAMES = [VALUE, *(kind.name for kind in KINDS)]


@function(
    a=Reals((2, 3)),
    s=Reals(),
    points=[dict(a=[[0.5, -1.25, 2.0], [3.0, 0.25, -0.75]], s=1.5), dict(a=[[1.0] * 3] * 2, s=2.0)],
)
def cubes(xp, a, s):
    """f(a, s) = s Σ w a³"""
    return s * xp.sum(weights(xp, (2, 3)) * a**3)


@cubes.gradient
def _(xp, a, s):
    w = weights(xp, (2, 3))
    return 3 * s * w * a**2, xp.sum(w * a**3)


@function(x=Reals((2,)), y=Reals((), flat=True), points=[dict(x=[0.5, -2.0], y=1.0)])
def plain_sum(xp, x, y):
    """f(x, y) = x₁ + x₂"""
    return xp.sum(x)


@plain_sum.gradient
def _(xp, x, y):
    return xp.ones_like(x), xp.zeros_like(y)


@function(x=Reals((2,)), points=[dict(x=[0.5, -2.0])])
def third_of_product(xp, x):
    """f(x) = x₁ x₂ / 3"""
    return x[0] * x[1] / 3


@third_of_product.gradient
def _(xp, x):
    return (xp.stack([x[1], x[0]]) / 3,)


def planted(made: Function, backend: str = "numpy", mode: str = "reverse", trials: Trials = FEW) -> list[Outcome]:
    outcomes = list(trials.of(made, backend, mode))
    assert not [one for one in outcomes if isinstance(one, Untried)], outcomes
    return outcomes


def fates(outcomes: list[Outcome], argument: str) -> dict[str, Fate]:
    return {one.kind: one.fate for one in outcomes if one.argument == argument}


def test_every_kind_is_killed_in_every_argument() -> None:
    outcomes = planted(cubes)
    assert [one for one in outcomes if one.fate != Fate.KILLED] == []
    assert len(outcomes) == len({(one.argument, one.kind) for one in outcomes}) >= 30


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "name", ["weighted_sum_times_z", "log_sum_exp", "relu", "attention", "complex_trace", "cholesky_factor"]
)
def test_none_survives_in_the_registry(name: str, dtype: str) -> None:
    outcomes = planted(registered(name), trials=trials(dtype, 20))
    assert [one for one in outcomes if one.fate in (Fate.SURVIVED, Fate.HIDDEN, Fate.REFUSED)] == []
    assert {one.kind for one in outcomes} >= {VALUE, AT_STRENGTH, "the other sign", "None"}


@pytest.mark.parametrize("short", DIFFERENTIATING)
def test_every_kind_is_killed_in_the_rules_of_a_framework(short: str) -> None:
    needs(DIFFERENTIATING[short])
    outcomes = planted(third_of_product, DIFFERENTIATING[short])
    seen = [one for one in outcomes if one.fate not in (Fate.KILLED, Fate.REFUSED)]
    # A framework may sum over an axis of one that is too many: what arrives is right.
    assert {(one.kind, one.fate) for one in seen} <= {("one axis too many", Fate.EQUIVALENT)}
    assert {one.kind for one in outcomes if one.fate == Fate.KILLED} >= {"the other sign", AT_STRENGTH, "zero"}


MODES = {
    "forward": ("AG", "JX", "PT"),
    "rematerialized": ("AG", "JX"),
    "compiled": ("TF", "JX"),
    "vectorized": ("JX", "PT"),
    "summed_over_batch": ("JX", "PT"),
}
ONLY = {"compiled": "wrong only under jit"}
ONLY |= dict.fromkeys(("vectorized", "summed_over_batch"), "wrong only under vmap")


@pytest.mark.parametrize(("mode", "short"), [(mode, short) for mode, shorts in MODES.items() for short in shorts])
def test_mutants_are_killed_in_other_modes(mode: str, short: str) -> None:
    needs(DIFFERENTIATING[short])
    outcomes = planted(third_of_product, DIFFERENTIATING[short], mode)
    assert [one for one in outcomes if one.fate != Fate.KILLED] == []
    assert {one.kind for one in outcomes} >= {"the other sign", AT_STRENGTH}
    assert ONLY.get(mode) in (None, *(one.kind for one in outcomes))


def test_what_is_wrong_only_where_it_is_compiled_is_planted_nowhere_else() -> None:
    needs("jax")
    kinds = {one.kind for one in planted(third_of_product, "jax")}
    assert not kinds & {*ONLY.values()}


# What is no wrong gradient


def test_a_mutant_that_gives_the_true_answer_is_none() -> None:
    outcomes = planted(plain_sum)
    x, y = fates(outcomes, "x"), fates(outcomes, "y")
    # Both entries are 1: exchanged, or as at another input, they are what they were.
    same = {
        "two entries swapped",
        "in reverse order",
        "the first entry in place of all",
        "stale: that of the input before",
    }
    same |= {"digits of a narrower dtype"}
    assert {kind for kind, fate in x.items() if fate == Fate.EQUIVALENT} == same
    assert {fate for kind, fate in x.items() if kind not in same} == {Fate.KILLED}
    # Of a gradient of 0 there is no sign, and None stands for it where it is declared flat.
    for kind in ("the other sign", "doubled", "zero", "None", "wrong from the second call on"):
        assert y[kind] == Fate.EQUIVALENT
    assert y["NaN in the smallest entry"] == y["of a narrower dtype"] == Fate.KILLED
    assert AT_STRENGTH not in y


def test_equal_entries_at_the_inputs_tried_make_no_equivalent() -> None:
    @function(x=Reals((2,)), points=[dict(x=[1.5, 1.5])])
    def squares(xp, x):
        """f(x) = Σ x²"""
        return xp.sum(x * x)

    squares.gradient(lambda xp, x: 2 * x)
    found = {one.kind: one for one in planted(squares, trials=replace(FEW, draws=0))}
    swapped = found["two entries swapped"]
    assert swapped.fate == Fate.SURVIVED and "wrong at x = [" in swapped.why
    assert found["stale: that of the input before"].fate == Fate.SURVIVED
    assert found["the other sign"].fate == Fate.KILLED


def test_conjugated_is_planted_where_there_is_something_to_conjugate() -> None:
    @function(z=Complex((2,)), points=[dict(z=[1 + 2j, 0.5 - 1j])])
    def moduli(xp, z):
        """f(z) = Σ |z|²"""
        return xp.sum(xp.real(xp.conj(z) * z))

    moduli.gradient(lambda xp, z: 2 * z)
    assert fates(planted(moduli), "z")["conjugated"] == Fate.KILLED
    assert "conjugated" not in fates(planted(cubes), "a")


# A hole in what judges


def holes(monkeypatch: pytest.MonkeyPatch, module: object, name: str, hole: object) -> set[str]:
    monkeypatch.setattr(examine, "structural_problem", lambda *given: "")
    monkeypatch.setattr(module, name, hole)
    return {one.kind for one in planted(cubes) if one.fate == Fate.SURVIVED}


def test_a_judge_who_lets_all_pass_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    survived = holes(monkeypatch, whole, "judge", lambda *given: Judgement(Verdict.VERIFIED))
    assert survived >= {VALUE, AT_STRENGTH, "the other sign", "zero", "NaN in the smallest entry"}


def test_a_judge_who_never_looks_at_the_value_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(answer, truth, bounds, names, format):
        return whole_judge(replace(answer, value=truth.value.high), truth, bounds, names, format)

    whole_judge = whole.judge
    assert holes(monkeypatch, whole, "judge", blind) == {VALUE}


def test_a_bound_that_is_wider_than_told_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def wide(answer, truth, bounds, names, format):
        wider = tuple(2 * bound for bound in bounds.gradient)
        return whole_judge(answer, truth, replace(bounds, gradient=wider), names, format)

    whole_judge = whole.judge
    assert holes(monkeypatch, whole, "judge", wide) == {AT_STRENGTH}


def test_a_second_call_that_nobody_looks_at_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    @function(x=Reals((2,)), points=[dict(x=[0.5, -2.0])])
    def squares(xp, x):
        """f(x) = Σ w x²"""
        return xp.sum(weights(xp, (2,)) * x * x)

    squares.gradient(lambda xp, x: 2 * weights(xp, (2,)) * x)
    alone = replace(FEW, draws=0)
    assert fates(planted(squares, trials=alone), "x")["wrong from the second call on"] == Fate.KILLED
    monkeypatch.setattr(examine, "structural_problem", lambda *given: "")
    assert fates(planted(squares, trials=alone), "x")["wrong from the second call on"] == Fate.SURVIVED


def test_shapes_that_nobody_looks_at_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(self, part, shape, dtype):
        array = np.asarray(np.nan if part is None else part, np.float64)
        return "", np.resize(array, shape)

    survived = holes(monkeypatch, examine.Examiner, "_checked", careless)
    assert survived >= {"one axis too many"}


# The command


def test_of_a_large_registry_a_sample_is_tried_and_of_a_small_one_all() -> None:
    few = sample(load_builtin())
    assert few == sample(load_builtin()) and 4 <= len(few) <= 8
    assert any(f.is_complex for f in few) and not any(f.variant_of for f in few)
    assert sample([cubes, plain_sum]) == [cubes, plain_sum]


def test_survivors_are_listed_and_fail(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    page = tmp_path / "mutants.md"
    good = mutants([cubes], ["numpy"], FEW, page)
    assert good.status == 0 and "survived" not in good.text
    assert "None survived" in page.read_text(encoding="utf-8")
    monkeypatch.setattr(whole, "judge", lambda *given: Judgement(Verdict.VERIFIED))
    monkeypatch.setattr(examine, "structural_problem", lambda *given: "")
    bad = mutants([cubes], ["numpy"], FEW, page)
    assert bad.status == 1
    assert "cubes on numpy, reverse, gradient for a: zero: it is off by more than its bound" in bad.text
    assert "- cubes on numpy" in page.read_text(encoding="utf-8")


def test_where_nothing_can_be_planted_that_is_told_and_fails() -> None:
    @function(x=Reals(), points=[dict(x=1.0)])
    def wrong(xp, x):
        """f(x) = x²"""
        return x * x

    wrong.gradient(lambda xp, x: 3 * x)
    told = mutants([wrong], ["numpy"], FEW)
    assert told.status == 1
    assert "not tried:" in told.text and "the gradient is not right as it is (wrong)" in told.text


def test_a_run_goes_on_where_it_was_ended(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    state = tmp_path / "state.jsonl"
    first = mutants([cubes], ["numpy"], FEW, state=state)
    with monkeypatch.context() as patched:
        patched.setattr(Trials, "of", lambda *given: pytest.fail("it is tried again"))
        assert mutants([cubes], ["numpy"], FEW, state=state) == first
    assert "plain_sum" not in state.read_text(encoding="utf-8")
    mutants([cubes, plain_sum], ["numpy"], FEW, state=state)
    assert "plain_sum" in state.read_text(encoding="utf-8")
    with pytest.raises(Unusable, match="was begun with"):
        mutants([cubes], ["numpy"], trials("float32", 5), state=state)
    state.write_text("hello", encoding="utf-8")
    with pytest.raises(Unusable, match="is no state of gradproof mutants"):
        mutants([cubes], ["numpy"], FEW, state=state)


def test_what_is_misspelt_is_told() -> None:
    with pytest.raises(Unusable, match="float64 or float32"):
        trials("float16", 5)
    with pytest.raises(Unusable, match="jaxx"):
        chosen(["jaxx"])


def test_a_rule_that_a_framework_goes_past_is_no_wrong_gradient() -> None:
    needs("tensorflow")
    outcomes = planted(third_of_product, "tensorflow", "summed_over_batch")
    assert {one.fate for one in outcomes if one.argument} == {Fate.LOST}
    assert [one.fate for one in outcomes if not one.argument] == [Fate.KILLED]
