"""`check_grads` as its users call it: on arrays and trees of every framework, a planted error pinned to its entry, what
cannot be judged told, and bad calls answered in one line."""

import io
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import gradproof
from gradproof import backends
from gradproof.checking import progress
from gradproof.oracles.tape import Untraceable
from tests.unit.made import DIFFERENTIATING

RANDOM = np.random.default_rng(20261129)
W, B, X = RANDOM.normal(size=(3, 4)), RANDOM.normal(size=4), RANDOM.normal(size=(5, 3))


class Frame(NamedTuple):
    """What these tests need of a framework, beside its name."""

    array: Callable[..., Any]
    namespace: Any
    scaled: Callable[[Callable], Callable]


def frame(short: str) -> Frame:
    """A framework, or a skip where it is not installed."""
    name = DIFFERENTIATING[short]
    if backends.installed_version(name) is None:
        pytest.skip(f"{name} is not installed")
    return FRAMES[short]()


def _jx() -> Frame:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def scaled(factor: float) -> Callable:
        @jax.custom_vjp
        def cube(x):
            return x**3

        cube.defvjp(lambda x: (x**3, x), lambda x, g: (g * 3 * x**2 * jnp.array([1.0, factor, 1.0]),))
        return cube

    return Frame(lambda values, dtype="float64": jnp.asarray(values, dtype=dtype), jnp, scaled)


def _pt() -> Frame:
    import torch

    def scaled(factor: float) -> Callable:
        class Cube(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x**3

            @staticmethod
            def backward(ctx, g):
                (x,) = ctx.saved_tensors
                slope = g * 3 * x**2
                slope[1] = slope[1] * factor
                return slope

        return Cube.apply

    def array(values, dtype="float64"):
        return torch.tensor(np.asarray(values), dtype=getattr(torch, dtype)).requires_grad_()

    return Frame(array, torch, scaled)


def _tf() -> Frame:
    import tensorflow as tf

    def scaled(factor: float) -> Callable:
        @tf.custom_gradient
        def cube(x):
            scale = tf.constant([1.0, factor, 1.0], x.dtype)
            return x**3, lambda g: g * 3 * x**2 * scale

        return cube

    class Namespace:
        tanh, exp, matmul, log = tf.tanh, tf.exp, tf.matmul, tf.math.log

    return Frame(lambda values, dtype="float64": tf.constant(np.asarray(values), dtype), Namespace, scaled)


def _ag() -> Frame:
    import autograd.numpy as anp
    from autograd.extend import defvjp, primitive

    def scaled(factor: float) -> Callable:
        @primitive
        def cube(x):
            return x**3

        defvjp(cube, lambda ans, x: lambda g: g * 3 * x**2 * np.array([1.0, factor, 1.0]))
        return cube

    return Frame(lambda values, dtype="float64": np.asarray(values, dtype), anp, scaled)


FRAMES = {"JX": _jx, "PT": _pt, "TF": _tf, "AG": _ag}

everywhere = pytest.mark.parametrize("short", FRAMES)


@pytest.fixture(autouse=True)
def _in_64_bits():
    # The adapter of a framework sets this for a run; other tests may have loaded it or not.
    if "jax" in sys.modules:
        sys.modules["jax"].config.update("jax_enable_x64", True)


def in_a_line(error: BaseException) -> str:
    """What an error says, however it is laid out."""
    return " ".join(str(error).split())


@everywhere
def test_a_right_gradient_of_a_tree_is_verified(short):
    xp, array = frame(short).namespace, frame(short).array

    def loss(params, x):
        return xp.tanh(xp.matmul(x, params["w"]) + params["b"])

    report = gradproof.check_grads(loss, ({"w": array(W), "b": array(B)}, array(X)))
    assert report.verdict == "verified"
    assert set(report.caught) == {'params["w"]', 'params["b"]', "x"}
    assert max(report.caught.values()) < 1e-11
    assert {row["mode"] for row in report.rows} >= {"reverse"}
    assert "caught" in report.text


@everywhere
def test_an_error_of_one_part_in_a_billion_is_pinned_to_its_entry(short):
    made = frame(short)
    x = made.array([0.5, -1.25, 3.0])
    assert gradproof.check_grads(made.scaled(1.0), (x,), modes="rev").verdict == "verified"
    with pytest.raises(gradproof.GradientError) as caught:
        gradproof.check_grads(made.scaled(1 + 1e-9), (x,), modes="rev")
    report = caught.value.report
    assert report.verdict == "imprecise"
    entry = report.worst.judgement.worst
    assert entry.index == (1,)
    assert entry.ratio > 1e3
    assert "1 of 3 entries wrong" in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 30


@everywhere
def test_the_second_order_is_held_to_the_truth_as_well(short):
    xp, array = frame(short).namespace, frame(short).array
    report = gradproof.check_grads(lambda x: xp.exp(x) * x, (array([0.5, -1.25, 3.0]),), order=2, modes="rev")
    assert report.verdict == "verified"
    assert {finding.mode for finding in report.findings} == {"reverse", "reverse_over_reverse"}


@everywhere
def test_single_precision_is_held_to_its_own_bound(short):
    made = frame(short)
    report = gradproof.check_grads(made.namespace.tanh, (made.array(X),), dtypes="float32")
    assert [row["dtype"] for row in report.rows] == ["float32"] * len(report.rows)
    assert 1e-8 < max(report.caught.values()) < 1e-4


@everywhere
def test_a_rule_that_is_wrong_in_one_region_is_found_by_draws(short):
    if short != "PT":
        pytest.skip("one framework is enough for what is done around it")
    torch = frame(short).namespace

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return torch.where((x > 2) & (x < 3), g, 2 * x * g)

    x = frame(short).array([0.5, -1.25, 1.0])
    assert gradproof.check_grads(Square.apply, (x,), modes="rev")
    with pytest.raises(gradproof.GradientError) as caught:
        gradproof.check_grads(Square.apply, (x,), modes="rev", draws=50)
    # The failing draw is shown with few digits.
    assert max(len(number) for number in re.findall(r"x = \[(.*)\]", str(caught.value))[0].split(", ")) < 8


@everywhere
def test_what_is_meant_otherwise_has_a_word(short):
    if short != "PT":
        pytest.skip("one framework is enough for what is done around it")
    torch = frame(short).namespace

    class StraightThrough(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return torch.round(x)

        @staticmethod
        def backward(ctx, g):
            return g

    x = frame(short).array([0.25, -1.25, 3.1])
    with pytest.raises(gradproof.GradientError, match="give truth="):
        gradproof.check_grads(StraightThrough.apply, (x,), modes="rev")
    assert gradproof.check_grads(StraightThrough.apply, (x,), modes="rev", truth=lambda x: x * 1.0)


@everywhere
def test_a_formula_is_a_truth(short):
    made = frame(short)
    x = made.array([0.5, -1.25, 3.0])
    report = gradproof.check_grads(made.namespace.exp, (x,), modes="rev", truth=lambda xp, x: xp.exp(x))
    assert report.verdict == "verified"
    assert "formula" in report.truth
    with pytest.raises(gradproof.GradientError):
        gradproof.check_grads(made.namespace.exp, (x,), modes="rev", truth=lambda xp, x: xp.expm1(x) * 1.0000001)


@everywhere
def test_a_promised_accuracy_is_all_that_is_asked_for(short):
    made = frame(short)
    x = made.array([0.5, -1.25, 3.0])
    assert gradproof.check_grads(made.scaled(1 + 1e-7), (x,), modes="rev", accuracy=1e-6)
    with pytest.raises(gradproof.GradientError):
        gradproof.check_grads(made.scaled(1 + 1e-5), (x,), modes="rev", accuracy=1e-6)


def test_strategies_stand_for_arguments():
    made = frame("AG")
    numbers = arrays(np.float64, 3, elements=st.floats(-3, 3).map(lambda x: round(x, 3)))
    report = gradproof.check_grads(made.namespace.tanh, (numbers,), modes="rev", draws=8)
    assert report.rows[0]["examples"] >= 5


def test_the_way_in_which_others_are_called():
    made = frame("AG")
    x = made.array([0.5, -1.25, 3.0])
    report = gradproof.check_grads(made.namespace.tanh, modes=["rev"], order=2)(x)
    assert report
    report = gradproof.check_grads(made.namespace.tanh, (x,), 1, ["rev"], 1e-3, 1e-3, 1e-4)
    assert any("taken and not used" in note for note in report.notes)


def test_an_order_that_is_not_verified_warns():
    made = frame("AG")
    with pytest.warns(
        gradproof.GradproofWarning, match="order=3: derivatives beyond the second are not verified"
    ) as told:
        report = gradproof.check_grads(made.namespace.tanh, (made.array([0.5]),), 3, modes=["rev"])
    assert report and told[0].filename == __file__
    assert any("beyond the second" in note for note in report.notes)


def test_one_line_is_to_be_changed_where_gradcheck_is_called():
    torch = frame("PT").namespace
    x = frame("PT").array(X)
    assert gradproof.gradcheck(torch.sin, (x,), eps=1e-6, atol=1e-4) is True
    assert gradproof.gradcheck(torch.sin, x, fast_mode=True, check_forward_ad=True) is True
    wrong = frame("PT").scaled(1.001)
    y = frame("PT").array([0.5, -1.25, 3.0])
    assert gradproof.gradcheck(wrong, (y,), raise_exception=False) is False
    with pytest.raises(sys.modules["torch.autograd.gradcheck"].GradcheckError):
        gradproof.gradcheck(wrong, (y,))
    with pytest.raises(ValueError, match="requires a gradient"):
        gradproof.gradcheck(torch.sin, (y.detach(),))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"modes": "foward"}, "Did you mean forward"),
        ({"order": 0}, "give 1 for the gradient"),
        ({"order": np.zeros(99)}, r"order is an array: give 1 or 2. The arguments .* check_grads\(f, \(x, y\)\)"),
        ({"order": "rev"}, "order='rev': give 1 or 2; a mode is named by modes='rev'"),
        ({"order": "2"}, r"order='2': give 1 or 2, a number and no text$"),
        ({"order": 3, "strict": True}, "derivatives beyond the second are not verified, and strict=True"),
        ({"draws": -1}, "give a number of inputs"),
        ({"accuracy": 0.0}, "larger than 0"),
        ({"argnums": 3}, "there is 1 argument"),
        ({"dtypes": "flot32"}, "Did you mean float32"),
    ],
)
def test_a_bad_call_is_one_sentence(changes, message):
    made = frame("AG")
    with pytest.raises(gradproof.ArgumentError) as caught:
        gradproof.check_grads(made.namespace.tanh, (made.array([0.5]),), **changes)
    assert re.search(message, in_a_line(caught.value))
    # This test and the call: what lies beneath says nothing of it.
    assert len(caught.traceback) == 2


@pytest.mark.parametrize(
    ("call", "given", "message"),
    [
        ("check_grads", {"mode": "forward"}, "check_grads has no argument 'mode'. Did you mean modes?"),
        ("check_grads", {"dtype": "float32"}, "Did you mean dtypes?"),
        ("check_grads", {"wrt": 0}, "Did you mean argnums?"),
        ("check_grads", {"tol": 1e-3}, "there is no tolerance to tune, as every entry has its own bound"),
        ("check_grads", {"delta": 1e-3}, "accuracy=1e-6 declares that a gradient is an approximation"),
        ("check_grads", {"backend": "x"}, "'backend': it is that of the arrays in args"),
        ("check_grads", {"fast_mode": True}, "'fast_mode': gradcheck and gradgradcheck take it"),
        ("check_grads", {"mode": 1, "tol": 1}, "'mode'. Did you mean modes?; check_grads has no argument 'tol': there"),
        ("check_grads", {"banana": 1}, "'banana'. It has f, args, order, modes, atol, rtol, eps, argnums"),
        ("gradcheck", {"tol": 1e-3}, "check_grads(…, accuracy=1e-6) declares"),
        ("gradcheck", {"rtoll": 1e-3}, "gradcheck has no argument 'rtoll'. Did you mean rtol?"),
        ("gradcheck", {"draws": 9}, "'draws': check_grads takes it"),
        ("gradgradcheck", {"check_forward_ad": True}, "'check_forward_ad': gradcheck takes it"),
        ("gradgradcheck", {"device": "cpu"}, "'device': it is that of the arrays in inputs"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_an_argument_that_a_call_does_not_take_is_told_with_what_to_give(call, given, message):
    with pytest.raises(TypeError) as caught:
        getattr(gradproof, call)(np.sin, (np.ones(2),), **given)
    assert message in str(caught.value)
    assert len(caught.traceback) == 2


def test_tolerances_that_the_peers_take_are_taken():
    made = frame("AG")
    report = gradproof.check_grads(made.namespace.tanh, (made.array([0.5]),), atol=1.0, rtol=1.0, eps=1.0)
    assert report and "atol, rtol, eps: taken and not used" in report.text


@pytest.mark.parametrize(
    ("f", "args", "message"),
    [
        (np.sum, (np.arange(3),), "no|is a floating-point"),
        ("name", (1.0,), "give a function"),
        (lambda x: "text", (np.ones(2),), "returns a str"),
        (lambda x, y: x + y, (np.ones(2),), "does not take 1 positional"),
    ],
)
def test_nothing_to_differentiate_is_one_line(f, args, message):
    frame("AG")
    with pytest.raises(gradproof.ArgumentError, match=message):
        gradproof.check_grads(f, args)


def test_a_kink_is_a_convention():
    torch = frame("PT").namespace
    report = gradproof.check_grads(torch.relu, (torch.zeros(3, requires_grad=True),))
    assert report.verdict == "convention"
    assert report


@pytest.mark.parametrize("size", [3, 9])
def test_a_matrix_of_which_one_triangle_is_read(size):
    pt = frame("PT")
    root = pt.namespace.linalg.cholesky
    b = np.random.default_rng(size).normal(size=(size, size))
    x = pt.array(b @ b.T + np.eye(size))
    report = gradproof.check_grads(root, (x,), order=2 if size == 3 else 1)
    assert {row["verdict"] for row in report.rows if row["mode"] == "reverse"} == {"convention"}
    assert {row["verdict"] for row in report.rows} <= {"convention", "verified"}
    assert "one triangle" in str(report)
    assert gradproof.check_grads(root, (x,), modes="rev", accuracy=1e-6).verdict == "convention"
    for mode in ("fwd", "rev"):
        with pytest.raises(gradproof.GradientError):
            gradproof.check_grads(root, (x,), modes=mode, truth=lambda x: root(x) * (1 + 1e-7))
    with pytest.raises(gradproof.GradientError):
        gradproof.check_grads(root, (x,), modes="rev", accuracy=1e-9, truth=lambda x: root(x) * (1 + 1e-7))


def test_a_value_that_leaves_the_trace_is_told_and_not_verified():
    frame("PT")
    x = frame("PT").array(X)
    with pytest.warns(gradproof.GradproofWarning, match="second input"):
        report = gradproof.check_grads(lambda x: x * float(x.detach().sum()), (x,), modes="rev")
    assert report.verdict == "inconclusive"
    assert not report
    with pytest.raises(gradproof.GradientError):
        gradproof.check_grads(lambda x: x * float(x.detach().sum()), (x,), modes="rev", strict=True)


def test_randomness_is_refused_with_the_cure():
    torch = frame("PT").namespace
    with pytest.raises(gradproof.Untraceable, match="random"):
        gradproof.check_grads(torch.nn.functional.dropout, (frame("PT").array(X),))


def test_a_gradient_of_zeros_is_told():
    made = frame("PT")
    report = gradproof.check_grads(lambda x: x.detach() * 2, (made.array(X),), modes="rev")
    assert any("true gradient is 0" in note for note in report.notes)


def test_the_report_as_a_notebook_shows_it():
    made = frame("AG")
    report = gradproof.check_grads(made.namespace.tanh, (made.array([0.5]),), name="<b>tanh</b>")
    page = report._repr_html_()
    assert "&lt;b&gt;tanh" in page
    assert "<b>" not in page


def test_settings_of_the_framework_stay():
    if backends.installed_version("jax") is None:
        pytest.skip("what would be changed is not installed")
    code = """
import jax.numpy as jnp, jax, gradproof
report = gradproof.check_grads(jnp.tanh, (jnp.ones(3),))
print(report.rows[0]["dtype"], jax.config.jax_enable_x64)
"""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["float32", "False"]


# A test that calls a peer's checker with its usual arguments changes one import line, and nothing else


@pytest.mark.parametrize("module", ["theirs", "gradproof"])
def test_one_line_is_to_be_changed_where_trees_of_arrays_are_taken(module):
    made = frame("JX")
    if module == "theirs":
        from jax.test_util import check_grads
    else:
        from gradproof import check_grads

    def loss(params, x):
        return made.namespace.tanh(x @ params["w"] + params["b"])

    check_grads(loss, ({"w": W, "b": B}, X), order=2)
    check_grads(loss, ({"w": W, "b": B}, X), 1, modes=["rev"], atol=1e-4, rtol=1e-4, eps=1e-4)
    with pytest.raises(AssertionError):
        check_grads(made.scaled(1.1), (made.array([0.5, -1.25, 3.0]),), 1, modes=("rev",))


@pytest.mark.parametrize("module", ["theirs", "gradproof"])
def test_one_line_is_to_be_changed_where_arrays_are_wrapped(module):
    made = frame("AG")
    if module == "theirs":
        from autograd.test_util import check_grads
    else:
        from gradproof import check_grads

    def loss(w, b):
        return made.namespace.tanh(made.namespace.dot(X, w) + b)

    check_grads(loss, modes=["rev"], order=2)(W, B)
    check_grads(loss, modes=["rev"])(W, B)
    with pytest.raises(AssertionError):
        check_grads(made.scaled(1.1), modes=["rev"], order=1)(np.array([0.5, -1.25, 3.0]))


@pytest.mark.parametrize("module", ["theirs", "gradproof"])
def test_one_line_is_to_be_changed_where_tensors_require_gradients(module):
    made = frame("PT")
    if module == "theirs":
        from torch.autograd import gradcheck
    else:
        from gradproof import gradcheck
    x, w = made.array(X), made.array(W)
    assert gradcheck(lambda x, w: made.namespace.tanh(x @ w), (x, w), eps=1e-6, atol=1e-4)
    assert gradcheck(made.scaled(1.0), made.array([0.5, -1.25, 3.0]), raise_exception=False)
    assert not gradcheck(made.scaled(1.1), made.array([0.5, -1.25, 3.0]), raise_exception=False)


# What a stranger meets


def by_hand(forward: Callable, backward: Callable) -> Callable:
    """A function with a backward pass of its own: `backward(saved, g)`."""
    torch = frame("PT").namespace

    class Op(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *tensors):
            ctx.save_for_backward(*tensors)
            return forward(*tensors)

        @staticmethod
        def backward(ctx, g):
            return backward(ctx.saved_tensors, g)

    return Op.apply


def softmax_along_the_wrong_axis(s, g):
    y = s[0].softmax(-1)
    return y * (g - (g * y).sum(0, keepdim=True))


WRONG = {
    "sign": (lambda x: x.sin(), lambda s, g: -g * s[0].cos(), 1, "df/d args[0]["),
    "factor": (lambda x: x * x, lambda s, g: g * s[0], 1, "df/d"),
    "transposed": (lambda a, b: a @ b, lambda s, g: ((g @ s[1].T).T, s[0].T @ g), 2, "df/d"),
    "swapped": (lambda a, b: a * b, lambda s, g: (g * s[0], g * s[1]), 2, "df/d"),
    "mean instead of sum": (lambda a, b: a + b[0], lambda s, g: (g, g.mean(0).expand(3, 3)), 2, "df/d"),
    "none": (lambda a, b: a * b, lambda s, g: (g * s[1], None), 2, "it is None"),
    "not a number": (lambda x: x.exp(), lambda s, g: g * (s[0] - s[0]).log().exp() / 0, 1, "not finite"),
    "axis": (lambda x: x.softmax(-1), softmax_along_the_wrong_axis, 1, "df/d"),
    "running sum": (lambda x: x.cumsum(0), lambda s, g: g.cumsum(0), 1, "df/d"),
    "too few": (lambda a, b: a * b, lambda s, g: (g * s[1],), 2, "incorrect number of gradients"),
    "ignored": (lambda x: (x * x).sum(), lambda s, g: 2 * s[0], 1, "does not multiply"),
    "squared": (lambda x: (x * x).sum(), lambda s, g: g * g * 2 * s[0], 1, "does not multiply"),
    "nothing but zero": (lambda a, b: a * 1.0, lambda s, g: (g, g * 1e-3), 2, "; 0 is right"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_caught_and_named(kind):
    frame("PT")
    forward, backward, count, told = WRONG[kind]
    given = tuple(frame("PT").array(RANDOM.normal(size=(3, 3))) for _ in range(count))
    with pytest.raises(gradproof.GradientError) as caught:
        gradproof.check_grads(by_hand(forward, backward), given)
    assert told in in_a_line(caught.value)
    assert len(str(caught.value).splitlines()) <= 30


def test_another_gradient_at_a_second_call_is_told():
    calls = []

    def backward(s, g):
        calls.append(g)
        return g * s[0].cos() * (1 if len(calls) < 2 else 2)

    x = frame("PT").array(X)
    with pytest.raises(gradproof.GradientError, match="a second call"):
        gradproof.check_grads(by_hand(lambda x: x.sin(), backward), (x,))
    calls.clear()
    with pytest.raises(RuntimeError, match="Backward is not reentrant"):
        gradproof.gradcheck(by_hand(lambda x: x.sin(), backward), (x,))


@pytest.mark.parametrize("kind", ["right", "raises", "changes", "writes"])
def test_a_second_derivative_is_asked_for_twice(kind):
    """PyTorch's gradgradcheck goes back twice over one graph, and so finds what is right only once."""
    torch = frame("PT").namespace
    calls = []

    def rule(x, d, g):
        calls.append(g)
        if len(calls) > 1 and kind == "raises":
            raise OSError("the buffer is used up")
        found = 6 * x * d * g * (len(calls) if kind == "changes" else 1), 3 * x**2 * g
        if kind == "writes":
            with torch.no_grad():
                x.mul_(2)
        return found

    class Slope(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, d):
            ctx.save_for_backward(x.clone(), d)
            return 3 * x**2 * d

        @staticmethod
        def backward(ctx, g):
            return rule(*ctx.saved_tensors, g)

    cubes = by_hand(lambda x: x**3, lambda saved, d: Slope.apply(saved[0], d))
    x = frame("PT").array(X)
    told = {
        "raises": "a second call raises OSError: the buffer is used up",
        "changes": "a second call gives another second derivative",
        "writes": "a second call raises RuntimeError: one of the variables",
    }
    if kind == "right":
        assert gradproof.check_grads(cubes, (x,), modes="rev", order=2).verdict == "verified"
        return
    with pytest.raises(gradproof.GradientError) as caught:
        gradproof.check_grads(cubes, (x,), modes="rev", order=2)
    assert told[kind] in str(caught.value)


@pytest.mark.parametrize("offset", [0.0, 1e-6])
@pytest.mark.parametrize("mode", ["rev", "fwd"])
def test_the_value_beside_a_gradient_is_compared_with_the_plain_one(mode, offset):
    """What value_and_grad, vjp and jvp return as the value comes from the rule, and nothing else asks for it."""
    frame("JX")
    import jax
    import jax.numpy as jnp

    if mode == "rev":
        sine = jax.custom_vjp(jnp.sin)
        sine.defvjp(lambda x: (jnp.sin(x) + offset, x), lambda x, g: (g * jnp.cos(x),))
    else:
        sine = jax.custom_jvp(jnp.sin)
        sine.defjvp(lambda x, v: (jnp.sin(x[0]) + offset, jnp.cos(x[0]) * v[0]))
    x = frame("JX").array(X)
    if not offset:
        assert gradproof.check_grads(sine, (x,), modes=mode).verdict == "verified"
        return
    with pytest.raises(gradproof.GradientError, match="the value returned while it is differentiated is"):
        gradproof.check_grads(sine, (x,), modes=mode)


@pytest.mark.parametrize("order", [1, 2])
def test_the_value_beside_a_gradient_has_its_gradient_where_a_second_is_asked_for(order):
    frame("JX")
    import jax
    import jax.numpy as jnp

    sine = jax.custom_vjp(jnp.sin)
    sine.defvjp(lambda x: (jax.lax.stop_gradient(jnp.sin(x)), x), lambda x, g: (g * jnp.cos(x),))
    x = frame("JX").array(X)
    if order == 1:
        assert gradproof.check_grads(sine, (x,), modes="rev").verdict == "verified"
        return
    with pytest.raises(gradproof.GradientError, match=r"the value returned .* has another gradient"):
        gradproof.check_grads(sine, (x,), modes="rev", order=order)


@everywhere
def test_infinite_entries_of_a_result_are_left_out(short):
    """Where some entries of a result are infinite, as after a mask of -inf, the others are judged all the same."""
    xp, array = frame(short).namespace, frame(short).array
    given = (array(np.array([0.5, -1.25, 2.0])), array(np.array([0.0, -np.inf, 0.0])))
    report = gradproof.check_grads(lambda x, mask: xp.exp(x) + mask, given, argnums=0, modes="rev")
    assert report.verdict == "verified"
    assert "of shape (3,), without its 1 infinite entry, with fixed" in report.results


@everywhere
def test_what_is_infinite_times_zero_accuses_nobody(short):
    """The slope of log at 0 is infinite; that entry is left out, and 0 times its slope is NaN in any program."""
    xp, array = frame(short).namespace, frame(short).array
    x = array(np.array([0.0, 1.0, 2.0]))
    with np.errstate(divide="ignore"), pytest.warns(gradproof.GradproofWarning):
        report = gradproof.check_grads(lambda x: xp.log(x), (x,), modes="rev")
    assert report.verdict == "inconclusive"
    assert "Return the finite entries alone" in report.findings[0].judgement.reason


@pytest.mark.parametrize("slope", [1.0, 1.000001])
def test_beside_an_infinite_entry_a_finite_one_is_judged(slope):
    frame("PT")
    log = by_hand(lambda x: x.log(), lambda saved, d: d * slope / saved[0])
    x = frame("PT").array(np.array([0.0, 1.0, 2.0]))
    if slope == 1.0:
        with pytest.warns(gradproof.GradproofWarning):
            assert gradproof.check_grads(log, (x,), modes="rev").verdict == "inconclusive"
        return
    with pytest.raises(gradproof.GradientError, match=r"df/d args\[0\]\[[12]\]"):
        gradproof.check_grads(log, (x,), modes="rev")


@pytest.mark.parametrize("multiplies", [True, False])
def test_twice_a_gradient_near_the_largest_number_accuses_nobody(multiplies):
    """Of exp at 709.5 the gradient is 1.4e308: twice that overflows, and half of it shows as much."""
    frame("PT")
    exponentials = by_hand(lambda x: x.exp().sum(), lambda saved, d: (d if multiplies else 1.0) * saved[0].exp())
    x = frame("PT").array(np.array([709.5, 1.0]))
    if multiplies:
        assert gradproof.check_grads(exponentials, (x,), modes="rev").verdict == "verified"
        return
    with pytest.raises(gradproof.GradientError, match="does not multiply with the gradient that comes in"):
        gradproof.check_grads(exponentials, (x,), modes="rev")


@everywhere
def test_a_slope_that_goes_to_zero_at_the_end_of_a_domain_is_zero(short):
    """xʸ has no value left of x = 0 and the slope 0 there; what stands beside, 10⁻³⁸, is no limit."""
    frame(short)
    given = tuple(frame(short).array(np.array(values)) for values in ([0.0, 2.0], [2.0, 0.5]))
    with np.errstate(divide="ignore", invalid="ignore"):
        assert gradproof.check_grads(lambda x, y: x**y, given, modes="rev").verdict == "convention"


@pytest.mark.parametrize("offset", [0.0, 1e-9])
def test_a_wrong_slope_at_the_end_of_a_domain_is_told_with_the_limit(offset):
    frame("PT")

    def backward(saved, d):
        x, y = saved
        return d * y * x ** (y - 1) + offset, d * x**y * x.clamp(min=1e-300).log()

    given = tuple(frame("PT").array(np.array(values)) for values in ([0.0, 2.0], [2.0, 2.0]))
    power = by_hand(lambda x, y: x**y, backward)
    if not offset:
        assert gradproof.check_grads(power, given, modes="rev").verdict == "convention"
        return
    with pytest.raises(gradproof.GradientError, match=r"expected     0\n"):
        gradproof.check_grads(power, given, modes="rev")


def test_the_end_of_a_domain_is_no_mistake_of_ours():
    torch = frame("PT").namespace
    with pytest.warns(gradproof.GradproofWarning, match="another slope to either side"):
        gradproof.check_grads(lambda x: torch.acos(x) ** 2, (frame("PT").array(np.array(1.0)),), modes="rev")


def test_a_compiled_gradient_is_asked_for_twice():
    frame("TF")
    import tensorflow as tf

    factor = tf.Variable(1.0, dtype=tf.float64)

    @tf.custom_gradient
    def cubes(x):
        def rule(g):
            now = factor.read_value()
            with tf.control_dependencies([now]):
                factor.assign_add(1.0)
            return now * g * 3 * x**2

        return x**3, rule

    with pytest.raises(gradproof.GradientError, match="a second call gives another gradient"):
        gradproof.check_grads(cubes, (frame("TF").array(X),), modes=("compiled",))


def with_rule(short: str, rule: Callable) -> Callable:
    """Σ x³, with the backward pass `rule(x, g)`."""
    frame(short)
    if short == "PT":
        return by_hand(lambda x: (x**3).sum(), lambda saved, g: rule(saved[0], g))
    if short == "JX":
        import jax

        cubes = jax.custom_vjp(lambda x: (x**3).sum())
        cubes.defvjp(lambda x: ((x**3).sum(), x), lambda x, g: (rule(x, g),))
        return cubes
    if short == "TF":
        import tensorflow as tf

        return tf.custom_gradient(lambda x: (tf.reduce_sum(x**3), lambda g: rule(x, g)))
    from autograd.extend import defvjp, primitive

    cubes = primitive(lambda x: np.sum(x**3))
    defvjp(cubes, lambda ans, x: lambda g: rule(x, g))
    return cubes


@everywhere
def test_a_backward_pass_that_raises_later_is_told(short):
    def used_up_after(uses):
        calls = []

        def rule(x, g):
            calls.append(g)
            if len(calls) > uses:
                raise OSError("the buffer is used up")
            return g * 3 * x**2

        return with_rule(short, rule)

    for uses, told in ((1, "a second backward pass"), (2, "the gradient of -2 times the result")):
        with pytest.raises(gradproof.GradientError) as caught:
            gradproof.check_grads(used_up_after(uses), (frame(short).array(X),), modes="rev")
        assert caught.value.report.verdict == "unsupported"
        assert f"{told} raises OSError: the buffer is used up" in str(caught.value)


def test_a_wrong_gradient_that_raises_later_is_wrong():
    calls = []

    def rule(x, g):
        calls.append(g)
        if len(calls) > 1:
            raise OSError("the buffer is used up")
        return g * 2 * x**2

    with pytest.raises(gradproof.GradientError) as caught:
        gradproof.check_grads(with_rule("PT", rule), (frame("PT").array(X),), modes="rev")
    assert caught.value.report.verdict == "wrong"


def raising(f: Callable, after: int, once: bool) -> Callable:
    """A function that works `after` times, and raises then: from then on, or `once`."""
    calls = []

    def used_up(x):
        calls.append(x)
        if len(calls) == after + 1 or (len(calls) > after and not once):
            raise OSError("the buffer is used up")
        return f(x)

    return used_up


@pytest.mark.parametrize("uses", range(1, 6))
def test_a_function_that_raises_at_a_later_call_is_told(uses):
    f = raising(lambda x: x.tanh(), uses, once=False)
    with pytest.raises(gradproof.GradientError, match="OSError: the buffer is used up") as caught:
        gradproof.check_grads(f, (frame("PT").array(X),), modes=("fwd", "rev"))
    assert caught.value.report.verdict == "unsupported"


@pytest.mark.parametrize("check", [gradproof.gradcheck, gradproof.gradgradcheck])
@pytest.mark.parametrize("uses", (1, 2, 3))
def test_a_function_that_raises_at_one_call_alone_is_told(uses, check):
    f = raising(lambda x: x.tanh(), uses, once=True)
    with pytest.raises(gradproof.GradientError, match="another call of the function raises OSError: the buffer"):
        check(f, (frame("PT").array(X),))


@pytest.mark.parametrize("once", (False, True))
@pytest.mark.parametrize("uses", range(1, 5))
def test_a_function_of_plain_arrays_that_raises_later_is_told(uses, once):
    frame("AG")
    f = raising(lambda x: x**3, uses, once)
    with pytest.raises(gradproof.GradientError, match="another call of the function raises OSError: the buffer"):
        gradproof.check_grads(f, (np.array(X),))


def test_what_is_meant_and_raises_later_is_no_fault_of_the_function():
    frame("AG")
    meant = raising(lambda x: x**3, 2, once=True)
    with pytest.raises((OSError, Untraceable), match="the buffer is used up"):
        gradproof.check_grads(lambda x: x**3, (np.array(X),), truth=meant)


def test_what_is_drawn_where_the_function_raises_says_nothing():
    def f(x):
        if np.abs(x.detach().numpy()).max() > 2.5:
            raise ValueError("out of what is tabulated")
        return x.tanh()

    report = gradproof.check_grads(f, (frame("PT").array([0.5, -1.25, 2.0]),), modes="rev", draws=20)
    assert report.verdict == "verified"
    assert 1 < report.rows[0]["examples"] < 20


@pytest.mark.parametrize(("reach", "verdict"), [(2.0**-16, "verified"), (0.0, "inconclusive")])
@pytest.mark.filterwarnings("ignore::gradproof.GradproofWarning")
def test_a_function_that_raises_beside_its_input_is_replayed_nearer_or_told(reach, verdict):
    given = np.array([0.5, -1.25, 2.0])

    def f(x):
        if np.abs(x.detach().numpy() / given - 1).max() > reach:
            raise ValueError("no probabilities")
        return x.tanh()

    report = gradproof.check_grads(f, (frame("PT").array(given),), modes="rev")
    assert report.verdict == verdict
    assert verdict == "verified" or "beside the input the function raises" in report.text


def test_a_dtype_in_which_the_function_raises_is_told_beside_the_others():
    def f(x):
        if x.dtype == frame("PT").namespace.float16:
            raise NotImplementedError("no kernel for Half")
        return x.tanh()

    with pytest.raises(gradproof.GradientError, match="in float16 the function raises NotImplementedError") as caught:
        gradproof.check_grads(f, (frame("PT").array(X),), modes="rev", dtypes=("float16", "float32"))
    verdicts = {row["dtype"]: row["verdict"] for row in caught.value.report.rows}
    assert verdicts == {"float16": "unsupported", "float32": "verified"}


QUADRANTS = [0.7 + 0.3j, -0.7 + 0.3j, -1.75 - 0.375j, 0.25 - 1.5j]

OF_COMPLEX = {
    "JX": {"arccosh": "wrong", "sign": "wrong", "arccos": "verified", "arcsinh": "verified"},
    "AG": {"arccosh": "wrong", "sign": "wrong"}
    | dict.fromkeys(("arccos", "arcsin", "arctan", "arcsinh", "arctanh"), "verified"),
    "PT": {"acosh": "verified", "sgn": "verified"},
    "TF": {"acosh": "verified", "sign": "verified"},
}
"""What holds in all four quadrants. What is wrong is recorded below known_divergences/operations."""


@pytest.mark.parametrize(
    ("short", "name"), [pytest.param(s, n, id=f"{n}-{s}") for s, names in OF_COMPLEX.items() for n in names]
)
def test_a_complex_function_in_every_quadrant(short, name):
    if short == "TF":
        tf = pytest.importorskip("tensorflow")
        z, f = tf.constant(QUADRANTS, tf.complex128), getattr(tf.math, name)
    else:
        made = frame(short)
        z = made.array(QUADRANTS, "complex128")
        f = getattr(made.namespace, name)
    verdict = OF_COMPLEX[short][name]
    if verdict == "verified":
        assert gradproof.check_grads(f, (z,), modes="rev").verdict == verdict
        return
    for mode in ("fwd", "rev"):
        with pytest.raises(gradproof.GradientError) as caught:
            gradproof.check_grads(f, (z,), modes=mode)
        wrong = np.hstack([np.any(mask) for mask in caught.value.report.worst.wrong.values()])
        assert caught.value.report.verdict == verdict and wrong.all()


def test_what_an_array_is_filled_with_is_no_constant():
    made = frame("AG")
    with pytest.raises(gradproof.GradientError, match="df/d x"):
        gradproof.check_grads(lambda x: x * made.namespace.full_like(x, x[0]), (made.array(X),), modes="rev")
    report = gradproof.check_grads(lambda x: x * made.namespace.full_like(x, 2.0), (made.array(X),), modes="rev")
    assert report.verdict == "verified"


@everywhere
def test_the_batched_modes_run(short):
    if short == "AG":
        pytest.skip("it maps nothing over a batch")
    made = frame(short)
    report = gradproof.check_grads(made.namespace.tanh, (made.array(X),), modes=("vectorized", "summed_over_batch"))
    assert {row["mode"] for row in report.rows} == {"vectorized", "summed_over_batch"}
    assert report.verdict == "verified"


def test_a_tangent_rule_of_an_older_kind_is_judged():
    torch = frame("PT").namespace

    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            ctx.save_for_forward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            return g * 3 * ctx.saved_tensors[0] ** 2

        @staticmethod
        def jvp(ctx, t):
            return t * 2 * ctx.saved_tensors[0] ** 2

    x = frame("PT").array([0.5, -1.25, 3.0])
    assert gradproof.check_grads(Cube.apply, (x,), modes="rev")
    with pytest.raises(gradproof.GradientError, match=r"df/d x\[") as caught:
        gradproof.check_grads(Cube.apply, (x,))
    assert caught.value.report.worst.mode == "forward"


def test_a_tangent_rule_that_is_not_linear_is_caught():
    made = frame("JX")
    import jax

    @jax.custom_jvp
    def square(x):
        return x**2

    square.defjvp(lambda primals, tangents: (primals[0] ** 2, 2 * primals[0] * tangents[0] ** 2))
    with pytest.raises(gradproof.GradientError):
        gradproof.check_grads(square, (made.array([0.5, -1.25]),), modes="fwd")


def test_what_is_constant_in_one_mode_only_is_told_and_not_accused():
    torch = frame("PT").namespace

    def shifted(x):
        with torch.no_grad():
            top = x.abs().max()
        return (x - top).exp()

    report = gradproof.check_grads(shifted, (frame("PT").array([0.5, -1.25, 3.0]),))
    assert report.verdict == "verified"
    assert "no_grad" in report.refused["forward"] and "not tried" in report.text


def test_a_mode_that_does_not_exist_for_the_code_is_told():
    made = frame("JX")
    from jax import lax

    def doubled(x):
        return lax.while_loop(lambda c: c[0] < 5, lambda c: (c[0] + 1, c[1] * x), (0, x))[1]

    x = made.array([0.5, -1.25])
    report = gradproof.check_grads(doubled, (x,))
    assert [finding.mode for finding in report.findings] == ["forward"]
    assert list(report.refused) == ["reverse"]
    with pytest.raises(gradproof.GradientError, match="everse-mode"):
        gradproof.check_grads(doubled, (x,), modes="rev")


def test_a_rule_without_a_forward_mode_is_told():
    made = frame("JX")
    report = gradproof.check_grads(made.scaled(1.0), (made.array([0.5, -1.25, 3.0]),))
    assert list(report.refused) == ["forward"] and report.text.count("forward mode, which") == 1
    with pytest.raises(gradproof.GradientError) as caught:
        gradproof.check_grads(made.scaled(1.001), (made.array([0.5, -1.25, 3.0]),))
    # It has no part in what reverse mode gets wrong.
    assert "forward mode" not in str(caught.value)


def test_a_second_derivative_that_is_lost_is_told():
    made = frame("PT")
    torch = made.namespace

    class Cubed(torch.autograd.Function):
        @staticmethod
        def forward(x):
            return x**3

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, d):
            return 3 * ctx.saved_tensors[0] ** 2 * d

    x = made.array([0.5, -1.25, 3.0])
    # PyTorch itself gives zeros, and says nothing.
    slope = torch.func.grad(lambda x: Cubed.apply(x).sum())
    assert not torch.func.grad(lambda x: slope(x).sum())(x.detach()).any()
    assert gradproof.check_grads(Cubed.apply, (x,)).verdict == "verified"
    for mode in ({"order": 2}, {"modes": "reverse_over_reverse"}):
        with pytest.raises(gradproof.GradientError, match="no second derivative for x: ") as caught:
            gradproof.check_grads(Cubed.apply, (x,), **mode)
        assert "an intermediate result that was saved" in in_a_line(caught.value)
    with pytest.raises(gradproof.GradientError):
        gradproof.gradgradcheck(Cubed.apply, (x,))


def test_a_module_that_is_the_function_stands_for_its_parameters():
    torch = frame("PT").namespace
    made = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.BatchNorm1d(3)).double()
    report = gradproof.check_grads(made, (torch.ones(5, 3).double() * torch.arange(5).reshape(5, 1),), modes="rev")
    assert "Sequential.0.weight" in report.caught or any("Sequential.0.weight" in note for note in report.notes)
    assert int(made[1].num_batches_tracked) == 0
    # What is given as truth takes the arguments alone.
    x = frame("PT").array(X)
    assert gradproof.check_grads(torch.nn.Softplus(), (x,), truth=lambda x: torch.log1p(x.exp()))
    linear = torch.nn.Linear(3, 3).double()
    report = gradproof.check_grads(lambda a, b, x: b(a(x).tanh()), (linear, linear, x), modes="rev")
    assert set(report.caught) == {"a.weight", "a.bias", "x"}


@everywhere
def test_what_is_empty_has_no_wrong_entry(short):
    made = frame(short)
    with pytest.warns(gradproof.GradproofWarning, match="no argument has an entry"):
        report = gradproof.check_grads(made.namespace.tanh, (made.array(np.ones((0, 3))),))
    assert report.verdict == "inconclusive"


@pytest.mark.parametrize("is_long", [True, False])
def test_a_failure_is_a_screen_of_text_however_many_arguments(is_long):
    made = frame("PT")
    count = 60 if is_long else 7
    params = {f"layer{i}.weight": made.array(RANDOM.normal(size=(4, 6))) for i in range(count)}
    wrong = by_hand(lambda x: x.sin(), lambda s, g: g * s[0].sin())

    def loss(params, unused):
        return sum(wrong(p) for p in params.values())

    with pytest.raises(gradproof.GradientError, match=r'df/d params\["layer') as caught:
        gradproof.check_grads(loss, (params, {f"b{i}": made.array(X) for i in range(count)}))
    assert len(str(caught.value).splitlines()) <= 30
    report = gradproof.check_grads(lambda p, u: sum(p.values()), (params, {"b": made.array(X)}), modes="rev")
    assert len(report.text.splitlines()) <= 30


@everywhere
def test_a_constant_has_zeros(short):
    made = frame(short)
    if short == "AG":
        pytest.skip("it warns of it")
    report = gradproof.check_grads(lambda x: made.array(np.ones(3)), (made.array(X),), modes="rev")
    assert report.verdict == "verified"
    assert any("true gradient is 0" in note for note in report.notes)


def test_a_result_that_does_not_depend_on_the_arguments_has_zeros():
    torch = frame("PT").namespace
    x = frame("PT").array(X)
    assert gradproof.gradcheck(lambda x: torch.ones(3), (x,)) is True
    many = frame("PT").array(np.ones((6, 6)))
    assert gradproof.check_grads(lambda x: torch.ones(3), (many,), order=2).verdict == "verified"
    with pytest.raises(gradproof.Untraceable, match=r"leave\s+the\s+framework"):
        gradproof.check_grads(lambda x: torch.from_numpy(np.sin(x.detach().numpy())), (x,))


def test_differentiation_may_be_off_where_the_check_is_called():
    torch = frame("PT").namespace
    with torch.no_grad():
        assert gradproof.check_grads(torch.sin, (frame("PT").array(X),), modes="rev").verdict == "verified"


def test_an_object_that_nobody_takes_apart_is_named_with_the_cure():
    class Parameters:
        def __init__(self, w):
            self.w = w

    with pytest.raises(gradproof.ArgumentError, match=r"p is a Parameters\. Register"):
        gradproof.check_grads(lambda p: p.w * 2, (Parameters(frame("PT").array(X)),))


def test_64_bits_that_are_off_are_no_double_precision():
    made = frame("JX")
    x = made.array([0.5], "float32")
    config = sys.modules["jax"].config
    config.update("jax_enable_x64", False)
    try:
        with pytest.raises(gradproof.ArgumentError, match="switch 64 bits on"):
            gradproof.check_grads(made.namespace.tanh, (x,), dtypes="float64")
    finally:
        config.update("jax_enable_x64", True)


@pytest.mark.parametrize(
    ("truth", "message"),
    [(3, "give a function"), (lambda x, y: x, "does not take"), (lambda x: x.sum(), "truth gives its result")],
)
def test_a_truth_that_does_not_fit_is_one_sentence(truth, message):
    made = frame("PT")
    with pytest.raises(gradproof.ArgumentError) as caught:
        gradproof.check_grads(made.namespace.sin, (made.array(X),), truth=truth)
    assert message in in_a_line(caught.value)


def test_second_derivatives_as_others_check_them():
    frame("PT")
    x = frame("PT").array([0.5, -1.25, 3.0])
    assert gradproof.gradgradcheck(lambda x: x**3, (x,), check_fwd_over_rev=True) is True
    cube = by_hand(lambda x: x**3, lambda s, g: g * 3 * s[0].detach() ** 2)
    assert gradproof.gradcheck(cube, (x,)) is True
    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        gradproof.gradgradcheck(cube, (x,))


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


@pytest.mark.parametrize("is_terminal", [True, False])
def test_what_takes_long_is_told_on_a_terminal(monkeypatch, is_terminal):
    stream = Terminal() if is_terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "SILENT", 0.0)
    monkeypatch.setattr(progress, "EVERY", 0.001)
    with progress.Progress("loss") as at_work:
        at_work.step = "float64, input 1: reverse"
        for _ in range(2000 if is_terminal else 20):
            if "reverse" in stream.getvalue():
                break
            time.sleep(0.005)
    assert ("loss: float64, input 1: reverse" in stream.getvalue()) is is_terminal
    assert stream.getvalue().endswith("\r") is is_terminal


def test_a_special_function_that_loses_digits_is_said_to_lose_them():
    """JAX's log_ndtr is good to ten digits at -30 and at 5, in its value: that is no value that leaves the trace."""
    frame("JX")
    import jax

    for x, entry in ((-30.0, r"df/d x\[0\]|the value"), (5.0, "the value")):
        with pytest.raises(gradproof.GradientError, match=entry) as caught:
            gradproof.check_grads(lambda x: jax.scipy.special.log_ndtr(x), (frame("JX").array(np.array([x])),))
        assert caught.value.report.verdict == "imprecise"


def test_what_a_trace_holds_fixed_has_no_place_among_its_numbers():
    """A shift of bits and an argmax of what is compared, beside a sign that jumps: JAX's poch."""
    frame("JX")
    import jax

    x, order = (frame("JX").array(np.array(values)) for values in ([0.1, 3.0], [2.0, 2.0]))
    report = gradproof.check_grads(lambda x: jax.scipy.special.poch(x, order), (x,), modes="rev")
    assert report.verdict == "verified"


def test_digits_that_an_operation_does_not_promise_accuse_nobody():
    """SciPy's density of float32 numbers is computed in float32 in part, and comes back in float64."""
    frame("AG")
    from autograd.scipy import stats

    given = tuple(np.array(values, np.float32) for values in ([0.3, 3.0], [2.0, 0.5]))
    with pytest.warns(gradproof.GradproofWarning, match="in fewer"):
        report = gradproof.check_grads(lambda x, df: stats.t.logpdf(x, df), given, modes="rev")
    assert "digits than its result has" in report.findings[0].judgement.reason


def test_each_dtype_is_told_by_itself():
    frame("PT")
    x = frame("PT").array(np.array([0.3, 1.5]))
    report = gradproof.check_grads(lambda x: x.sin(), (x,), modes="rev", dtypes=("float64", "float32"))
    assert "verified     reverse in float64; reverse in float32" in report.text


def test_whole_numbers_are_no_object_to_be_registered():
    frame("JX")
    import jax.numpy as jnp

    with pytest.raises(gradproof.ArgumentError, match=r"there is nothing to differentiate: x is int"):
        gradproof.check_grads(lambda x: x * 2.0, (jnp.array([1, 2]),))
