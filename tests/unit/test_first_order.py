"""The bound to first order: against the bound in balls, rule by rule; against the errors that it must hold, made on
purpose; where it must say nothing; and in deep programs, where the balls say nothing."""

from typing import Any

import numpy as np
import pytest

import gradproof
from gradproof.oracles.machine_model import FORMATS, SLACK, MachineModel
from gradproof.oracles.tape import Cells, Solution, factorizations, judge
from gradproof.oracles.tape import first_order as module
from gradproof.oracles.tape.estimate import estimate
from gradproof.oracles.tape.first_order import first_order
from gradproof.oracles.tape.judge import IN_FLOATS, TO_FIRST_ORDER, bounds_of
from gradproof.oracles.tape.linearization import Linearization
from gradproof.oracles.tape.program import MAPS
from gradproof.oracles.verdict import Verdict
from tests.unit.test_tape import (
    KINDS,
    ORDERS,
    POINTS,
    SEVERAL,
    TWICE,
    WEIGHTS,
    mapped,
    program,
    solved,
    weighted,
)

NO_SECOND = ("betainc", "gammainc", "gammaincc")
"""Functions whose second derivative in a parameter is not known."""


def transform(x: Cells) -> Cells:
    re, im = x.tape.fourier(x[0], x[1], 1)
    return weighted(re * re + im)


def program_of(name: str) -> tuple[Any, list[np.ndarray]]:
    if name in KINDS:
        return KINDS[name]
    if name == "fourier":
        return transform, [np.linspace(-1, 2, 8).reshape(2, 4)]
    low, high = POINTS.get(name, (-0.375, 0.8125))
    count = 1 if name in (*ORDERS, *TWICE) else SEVERAL.get(name, 1)
    arguments = [np.array(p) for p in ((low, high), (high, low), (low, low + 0.125))[:count]]
    return lambda *xs: weighted(mapped(name)(*xs)), arguments


PROGRAMS = [*KINDS, "fourier", *(name for name in MAPS if name not in NO_SECOND)]


def entries(parts: Any) -> np.ndarray:
    return np.concatenate([np.ravel(np.asarray(part, float)) for part in parts])


def cells_of(found: Solution) -> np.ndarray:
    return np.concatenate([np.arange(i.cells.start, i.cells.stop) for i in found.tape.inputs])


@pytest.mark.parametrize("name", PROGRAMS)
def test_with_all_errors_at_their_worst_it_is_the_bound_in_balls(name: str) -> None:
    body, inputs = program_of(name)
    found = solved(body, *inputs)
    balls, line = found.bounds(), Linearization(found, windowed=False)
    assert np.allclose(line.adjoints[cells_of(found)], entries(found.gradient), rtol=1e-9, atol=1e-12)
    radii, theirs = line.adjoint_errors[0, cells_of(found)], entries(balls.gradient) / SLACK
    # A ball counts twice what stands twice in a formula for a slope; for a transform it is the smaller of the two.
    upper = 8.0 if name == "fourier" else 1.001
    assert (radii <= upper * theirs + 1e-300).all()
    assert (radii >= 0.2 * theirs - FORMATS["float64"].tiny).all()
    assert 0.99 <= SLACK * line.errors[0, found.output] / float(balls.value) <= 1.001


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_holds_what_roundings_in_their_worst_directions_do(name: str) -> None:
    body, inputs = program_of(name)
    found = solved(body, *inputs)
    line, cells = Linearization(found), cells_of(found)
    block, bound = module.Block(line, cells).run(), entries(first_order(found).gradient)
    here = module._rerun(line, 0.0, 0.0)[cells]
    scale = 2.0**12
    with np.errstate(all="ignore"):
        for at, (of_value, of_adjoint) in enumerate(zip(block.by_value[1:], block.by_adjoint[1:], strict=True)):
            shifts = scale * line.own * np.sign(of_value), scale * line.adjoint_own * np.sign(of_adjoint)
            ahead = (module._rerun(line, *shifts)[cells] - here) / scale
            foretold = np.abs(of_value) @ line.own + np.abs(of_adjoint) @ line.adjoint_own
            assert ahead[at] == pytest.approx(foretold, rel=1e-2, abs=2e-19)
            assert (np.abs(ahead) <= bound + 1e-18).all()


def layers(x: Cells, *weights: Cells) -> Cells:
    for w in weights:
        x = x.tape.map("tanh", x @ w)
    return weighted(x)


def layers_in_floats(x: np.ndarray, *weights: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    kept = [x]
    for w in weights:
        kept.append(np.tanh(kept[-1] @ w))
    scale = np.resize(WEIGHTS, kept[-1].size).astype(x.dtype).reshape(kept[-1].shape)
    value, g, found = np.sum(kept[-1] * scale), scale, []
    for w, y, before in zip(weights[::-1], kept[:0:-1], kept[-2::-1], strict=True):
        g = g * (1 - y * y)
        found.append(before.T @ g)
        g = g @ w.T
    return value, [g, *found[::-1]]


def deep(depth: int, seed: int = 0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    arrays = [random.normal(size=(3, 5)), *(random.normal(size=(5, 5)) / 5**0.5 for _ in range(depth))]
    return [a.astype(np.float32).astype(float) for a in arrays]


def test_a_deep_program_is_judged_where_balls_say_nothing() -> None:
    arrays = deep(32)
    names = [f"a{i}" for i in range(len(arrays))]
    found = solved(layers, *arrays, format="float32")
    assert found.bounds().out_of_range
    value, gradient = layers_in_floats(*(a.astype(np.float32) for a in arrays))
    judgement = judge(found, value, gradient, names)
    assert judgement.verdict == Verdict.VERIFIED
    assert judgement.reason == TO_FIRST_ORDER
    assert judgement.worst is not None
    assert judgement.worst.ratio < 0.1
    bounds = bounds_of(found)
    strengths = [strength.largest for strength in found.caught(bounds)]
    assert max(strengths) < 0.1
    for which, strength in enumerate(strengths):
        wrong = [part.copy() for part in gradient]
        largest = np.unravel_index(np.argmax(np.abs(wrong[which])), wrong[which].shape)
        wrong[which][largest] *= 1 + 3 * strength
        judgement = judge(found, value, wrong, names)
        assert judgement.verdict in (Verdict.IMPRECISE, Verdict.WRONG)
        assert judgement.reason.endswith(TO_FIRST_ORDER)


@pytest.mark.parametrize("depth", [2, 8, 24])
def test_right_gradients_of_many_inputs_stay_within_it(depth: int) -> None:
    for seed in range(5):
        arrays = deep(depth, seed)
        found = solved(layers, *arrays, format="float32")
        _, gradient = layers_in_floats(*(a.astype(np.float32) for a in arrays))
        rows = zip(found.truth.gradient, gradient, first_order(found).gradient, strict=True)
        assert max(float((true.distance(got) / bound).max()) for true, got, bound in rows) < 0.25


def test_where_it_is_used_the_smaller_of_both_bounds_counts() -> None:
    found = solved(layers, *deep(4))
    assert not bounds_of(found).to_first_order
    assert bounds_of(found) is found.bounds()


@pytest.mark.parametrize(
    ("body", "inputs", "format", "why"),
    [
        (lambda x: weighted(abs(x.tape.map("sin", x) - x.tape.map("sin", x + 1e-7))), [[0.5, 1.25]], "float32", "kink"),
        (lambda x: x.tape.extremum("max", x.tape.map("exp", x)), [[0.5, 0.5 + 1e-7, 0.0]], "float32", "extremum"),
        (lambda x: weighted(x.tape.map("exp", x)), [[90.0, 1.0]], "float32", "overflows"),
        (
            lambda x: weighted(factorizations.eigvalsh(x @ x.mT, np.array([0.1, 1.0]))),
            [[[1.0, 0.5], [0.25, 2.0]]],
            "float64",
            "eigvalsh is not taken apart",
        ),
        (lambda x: weighted(x.tape.map("gammainc", x, x + 1.0)), [[0.5, 1.25]], "float64", "second derivative"),
        (lambda x: x.tape.extremum("max", x), [[0.5, 0.5]], "float64", "kink"),
    ],
)
def test_it_says_nothing_where_it_does_not_hold(body: Any, inputs: list, format: str, why: str) -> None:
    arrays = [np.asarray(x, np.float32).astype(float) for x in inputs]
    assert why in first_order(solved(body, *arrays, format=format)).problem


@pytest.mark.parametrize("distance", [0.5, 0.03, 0.01, 0.004])
def test_nothing_is_said_where_roundings_bend_the_gradient(distance: float) -> None:
    # A difference of a few roundings, and its reciprocal, which is no linear function of them.
    def body(x: Cells) -> Cells:
        return weighted(1.0 / (x.tape.map("exp", x) - 2.0))

    x = np.array([np.log(2.0) + distance, 2.0]).astype(np.float16).astype(float)
    found = first_order(solved(body, x, format="float16"))
    if distance == 0.5:
        assert np.isfinite(found.gradient[0]).all()
    else:
        assert "divisor" in found.problem or np.isinf(found.gradient[0][0])


@pytest.mark.parametrize("affordable", [0, module.AFFORDABLE])
def test_what_is_beyond_first_order_is_seen(affordable: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # exp(exp(40 x)) in half precision: the exponent is off by more than its logarithm lets a tangent reach.
    def body(x: Cells) -> Cells:
        return weighted(x.tape.map("exp", x.tape.map("exp", x * 4.0) * 0.25))

    monkeypatch.setattr(module, "AFFORDABLE", affordable)
    found = first_order(solved(body, np.array([0.8125, 0.25]), format="bfloat16"))
    assert np.isinf(found.gradient[0][0])


def test_subnormals_that_are_flushed_count() -> None:
    arrays = [np.array([[1e-20, 1.0]]), np.array([[2.0**-70], [1e-25]])]
    found = solved(lambda x, w: weighted(x @ w), *arrays, format="float32")
    kept, flushed = (first_order(found, flushes=flag).gradient[0] for flag in (False, True))
    assert (flushed >= kept).all()


def test_another_format_takes_the_place_of_the_traced_one() -> None:
    found = solved(layers, *deep(3))
    wide, narrow = first_order(found), first_order(found, MachineModel(FORMATS["float32"]))
    ratio = entries(narrow.gradient) / entries(wide.gradient)
    assert (ratio > 2.0**28).all()
    assert (ratio < 2.0**31).all()


def test_beyond_what_can_be_followed_all_errors_are_at_their_worst(monkeypatch: pytest.MonkeyPatch) -> None:
    found = solved(layers, *deep(6), format="float32")
    close = first_order(found)
    monkeypatch.setattr(module, "AFFORDABLE", 0)
    wide = first_order(found)
    assert close.followed
    assert not wide.followed
    assert (entries(wide.gradient) >= 0.9 * entries(close.gradient)).all()


def test_a_check_of_a_deep_network_says_what_its_bound_is() -> None:
    np_ = pytest.importorskip("autograd.numpy")
    arrays = deep(24)

    def loss(x: Any, *weights: Any) -> Any:
        for w in weights:
            x = np_.tanh(np_.dot(x, w))
        return np_.sum(x)

    report = gradproof.check_grads(loss, tuple(a.astype(np.float32) for a in arrays), modes="rev")
    assert report.verdict == "verified"
    assert TO_FIRST_ORDER in " ".join(report.text.split())


def test_a_program_too_long_for_balls_is_held_to_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    np_ = pytest.importorskip("autograd.numpy")
    extend = pytest.importorskip("autograd.extend")
    monkeypatch.setattr("gradproof.checking.truths.IN_BALLS", 100)
    arrays = tuple(a.astype(np.float32) for a in deep(4))

    @extend.primitive
    def squash(x: Any) -> Any:
        return np_.tanh(x)

    factor = [1.0]
    extend.defvjp(squash, lambda y, x: lambda g: g * (1 - y * y) * np.float32(factor[0]))

    def loss(x: Any, *weights: Any) -> Any:
        for w in weights:
            x = squash(np_.dot(x, w))
        return np_.sum(x)

    report = gradproof.check_grads(loss, arrays, modes="rev")
    assert report.verdict == "verified"
    assert IN_FLOATS in " ".join(report.text.split())
    factor[0] = 1.1
    with pytest.raises(gradproof.GradientError):
        gradproof.check_grads(loss, arrays, modes="rev")
    # A tie is nobody's to judge here.
    factor[0] = 1.0
    with pytest.warns(gradproof.GradproofWarning):
        assert (
            gradproof.check_grads(lambda x: np_.sum(np_.maximum(x, 0.0 * x)), (np.zeros((9, 9)),)).verdict != "verified"
        )
    with pytest.warns(gradproof.GradproofWarning, match="second derivatives"):
        gradproof.check_grads(loss, arrays, modes="rev", order=2)


def test_the_estimate_of_a_long_program_is_within_what_it_says() -> None:
    arrays = deep(6)
    tape, output = program(layers, *arrays, format="float32")
    right, found = solved(layers, *arrays, format="float32"), estimate(tape, output)
    assert not found.problem
    for true, near, radius in zip(right.truth.gradient, found.gradient, found.radii, strict=True):
        assert (true.distance(near) <= radius).all()
        assert (radius < 1e-9 * np.abs(near).max()).all()
    rows = zip(first_order(right).gradient, found.bounds().gradient, strict=True)
    assert all((wide >= 0.99 * own).all() for own, wide in rows)


def test_what_leaves_a_long_trace_is_seen_beside_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr("gradproof.checking.truths.IN_BALLS", 10)
    x = torch.linspace(-1, 2, 50, requires_grad=True)
    assert gradproof.check_grads(lambda x: torch.tanh(x).sum(), (x,), modes="rev").verdict == "verified"
    with pytest.warns(gradproof.GradproofWarning, match="second input"):
        gradproof.check_grads(lambda x: (torch.tanh(x) * x.sum().item()).sum(), (x,), modes="rev")
