"""What a person sees who calls `check_grads` for the first time: what was given in the place of an array, what is not
finite and why, what was not compared, in lines that a terminal holds behind pytest's mark."""

import os
import re
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest

import gradproof
from gradproof.checking import frameworks, layout
from gradproof.checking.raised import raised, said
from gradproof.oracles.tape import Untraceable
from tests.unit.test_check_grads import by_hand, everywhere, frame, in_a_line

X = [0.5, -1.25, 3.0]
EDGE = [0.0, 1.5]


def quietly(f, args, **asked) -> gradproof.Report:
    """The report, where what is inconclusive would warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return gradproof.check_grads(f, args, **asked)


# In the place of an array

MAKES = {"JX": "jnp.array(", "PT": "torch.tensor(", "TF": "tf.constant(", "AG": "np.array("}


@everywhere
@pytest.mark.parametrize("given", [[[1.0, 2.0]], ([1.0, 2.0],)], ids=["bare", "in a tuple"])
def test_a_list_of_numbers_is_told_with_what_makes_an_array_of_it(short, given):
    exp = frame(short).namespace.exp
    try:
        report = quietly(lambda x: exp(x) * 2, given, modes="rev")
    except gradproof.ArgumentError as error:
        assert "x is a list of numbers, each an argument of its own: give" in in_a_line(error)
        assert MAKES[short] + "[1.0, 2.0]" in in_a_line(error)
        return
    # A framework that makes an array of a list itself.
    assert report.verdict == "verified" and set(report.caught) == {"x[0]", "x[1]"}


@pytest.mark.parametrize(
    ("given", "told"),
    [((1.0,), "x is a number: give"), ((np.ones(2),), "x is a NumPy array")],
    ids=["a number", "another library's array"],
)
def test_what_a_framework_takes_for_no_array_is_told(given, told):
    torch = frame("PT").namespace
    with pytest.raises(gradproof.ArgumentError) as caught:
        gradproof.check_grads(lambda x: torch.sin(x), given)
    assert told in in_a_line(caught.value) and "torch.tensor(" in in_a_line(caught.value)


@pytest.mark.parametrize(("given", "told"), [((3,), "np.array(3.0)"), (([1, 2.5],), "np.array([1.0, 2.5])")], ids=str)
def test_what_is_to_be_given_instead_of_whole_numbers_can_be_differentiated(given, told):
    frame("AG")
    with pytest.raises(gradproof.ArgumentError) as caught:
        gradproof.check_grads(lambda x: x**2, given)
    assert in_a_line(caught.value).endswith(f"give {told}") or f"give {told}. " in in_a_line(caught.value)


def test_a_dtype_is_told_as_it_was_given():
    frame("JX")
    import jax

    narrow = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
    with narrow(False), pytest.raises(gradproof.ArgumentError, match="x is int64"):
        gradproof.check_grads(jax.numpy.sin, (np.arange(3),))


@everywhere
@pytest.mark.parametrize("args", [[0.5, 1.0, 2.0], (0.5, 1.0, 2.0)], ids=["list", "tuple"])
def test_numbers_that_were_taken_for_the_arguments_are_told(short, args):
    exp = frame(short).namespace.exp
    with pytest.raises(gradproof.ArgumentError) as caught:
        gradproof.check_grads(lambda x: exp(x), args)
    told = in_a_line(caught.value)
    assert "its 3 numbers were taken for them: give (" in told and f"{MAKES[short]}[0.5, 1.0, 2.0]" in told
    with pytest.raises(gradproof.ArgumentError) as caught:
        gradproof.check_grads(lambda x, y: exp(x), args)
    assert in_a_line(caught.value).endswith("too many positional arguments")


def test_no_arguments_are_told():
    exp = frame("AG").namespace.exp
    with pytest.raises(gradproof.ArgumentError) as caught:
        gradproof.check_grads(lambda *args: exp(args[0]), ())
    assert "args holds nothing. Give the arguments of f in a tuple" in in_a_line(caught.value)


@pytest.mark.parametrize(("f", "given"), [("JX", "PT"), ("PT", "JX")])
def test_arrays_of_another_framework_are_told(f, given):
    exp, x = frame(f).namespace.exp, frame(given).array(X)
    frameworks_named = {"JX": "jax", "PT": "torch"}
    for one in (x, x.detach()) if given == "PT" else (x,):
        with pytest.raises(gradproof.ArgumentError) as caught:
            gradproof.check_grads(lambda x: exp(x), (one,))
        called, other = frameworks_named[f], frameworks_named[given]
        assert f"x is an array of {other}, and <lambda> calls {called}: give arrays of {called}" in in_a_line(
            caught.value
        )


def test_a_class_with_a_rule_is_told_what_to_give():
    torch = frame("PT").namespace
    sine = by_hand(lambda x: x.sin(), lambda saved, g: g * saved[0].cos())
    with pytest.raises(gradproof.ArgumentError, match=r"Op is a class: give Op\.apply"):
        gradproof.check_grads(sine.__self__, (frame("PT").array(X),))
    with pytest.raises(gradproof.ArgumentError) as caught:
        gradproof.check_grads(torch.nn.ReLU, (frame("PT").array(X),))
    assert "ReLU is a class: give an instance of it" in in_a_line(caught.value)


def test_a_list_that_is_data_is_no_cause_of_what_is_raised_beside_it():
    frame("PT")
    with pytest.raises(RuntimeError) as caught:
        gradproof.check_grads(lambda x, betas: x @ x.new_ones(7), (frame("PT").array(X), [0.9, 0.99]))
    assert any("check_grads: this is what <lambda> raises" in note for note in caught.value.__notes__)


def test_a_function_that_names_what_is_not_bound_raises_its_own_error():
    frame("PT")

    def f(x):
        return x * later

    with pytest.raises(NameError, match="later"):
        gradproof.check_grads(f, (frame("PT").array(X),))
    later = 1.0
    assert gradproof.check_grads(f, (frame("PT").array(X),), modes="rev")


def test_what_a_function_raises_comes_without_our_frames():
    frame("AG")
    with pytest.raises(ZeroDivisionError) as caught:
        gradproof.check_grads(lambda x: x * (1 / 0), (np.ones(3),))
    files = [entry.path.name for entry in caught.traceback]
    assert files[0] == files[-1] == "test_first_call.py"
    assert [name for name in files if name != "test_first_call.py"] == ["call.py"]


def test_a_mistake_of_ours_is_said_to_be_one():
    try:
        frameworks.parameter_name(None, 0)
    except TypeError as error:
        told = raised(error, np.sin, ())
    assert any("a mistake of Gradproof" in note for note in told.__notes__)
    assert told.__traceback__ is not None


# Nothing to differentiate, or to compare


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"modes": ()}, "modes=() names no mode"),
        ({"argnums": ()}, "argnums=() names no argument"),
        ({"argnums": "x"}, "argnums='x': give the number of an argument"),
        ({"argnums": 1.0}, "argnums=1.0: give the number of an argument"),
        ({"argnums": ("x",)}, "argnums names 'x': arguments are named by their numbers"),
        ({"accuracy": "1e-6"}, "accuracy='1e-6': give a relative error"),
        ({"accuracy": 10.0}, "smaller than 1"),
    ],
    ids=str,
)
def test_a_call_that_asks_for_nothing_is_told(changes, told):
    exp = frame("AG").namespace.exp
    with pytest.raises(gradproof.ArgumentError) as caught:
        gradproof.check_grads(exp, (np.ones(3),), **changes)
    assert told in in_a_line(caught.value)


@everywhere
def test_arrays_without_entries_are_not_verified(short):
    made = frame(short)
    report = quietly(made.namespace.tanh, (made.array(np.ones((0, 3))),))
    assert report.verdict == "inconclusive" and not report
    assert "no argument has an entry" in " ".join(report.text.split())


@everywhere
@pytest.mark.parametrize(
    ("result", "told"),
    [
        (lambda x: None, "the function returns None, no floating-point or complex array of the framework: is its"),
        (lambda x: "text", "the function returns a str"),
        (lambda x: x > 0, "the function returns bool"),
    ],
    ids=["None", "str", "bool"],
)
def test_what_has_no_derivative_is_no_result(short, result, told):
    with pytest.raises(gradproof.ArgumentError) as caught:
        gradproof.check_grads(result, (frame(short).array(X),))
    assert told in in_a_line(caught.value)


def test_what_has_left_the_framework_is_no_result():
    frame("PT")
    for result in (lambda x: x.sum().item(), lambda x: x.detach().numpy()):
        with pytest.raises(gradproof.ArgumentError, match=r"has\s+no\s+gradient\.\s+Return\s+the\s+array\s+itself"):
            gradproof.check_grads(result, (frame("PT").array(X),))


@everywhere
def test_what_is_left_out_of_a_result_is_named(short):
    made = frame(short)
    report = gradproof.check_grads(lambda x: {"a": made.namespace.exp(x), "b": "text"}, (made.array(X),), modes="rev")
    assert report.verdict == "verified"
    assert 'left out     of the result ["b"] (a str)' in report.text


def test_an_array_that_is_not_marked_is_named():
    torch = frame("PT").namespace
    report = gradproof.check_grads(lambda a, b: a * b, (torch.ones(3), frame("PT").array(X)), modes="rev")
    assert "constant     a: not differentiated" in report.text


@everywhere
def test_what_is_data_in_the_arguments_is_named(short):
    made = frame(short)
    tree = {"w": made.array(X), "n": 3, "k": None, "labels": np.arange(2)}
    report = gradproof.check_grads(lambda p: made.namespace.exp(p["w"]) * p["n"], (tree,), modes="rev")
    text = " ".join(report.text.split())
    assert report.verdict == "verified" and "left out of the arguments" in text
    for told in ('p["n"] (an int)', 'p["k"] (None)', 'p["labels"] (', "int64"):
        assert told in text


def test_data_that_nobody_asked_for_is_not_named():
    report = gradproof.check_grads(frame("AG").namespace.multiply, (np.array(X), 3), modes="rev", argnums=0)
    assert "left out" not in report.text


@everywhere
def test_a_result_that_does_not_depend_on_an_argument_is_told(short):
    made = frame(short)
    if short == "AG":
        pytest.skip("it warns of it")
    report = gradproof.check_grads(lambda x: made.array(np.ones(3)), (made.array(X),), modes="rev")
    assert "the true gradient is 0 here, in every entry" in " ".join(report.text.split())


@everywhere
@pytest.mark.parametrize(
    ("entry", "told"), [(np.nan, "its result[0] is nan, and x[0] is nan"), (1000.0, "its result[0] is inf")]
)
def test_where_a_function_has_no_number_the_cause_is_told(short, entry, told):
    made = frame(short)
    report = quietly(lambda x: made.namespace.exp(x), (made.array([entry, entry]),), modes="rev")
    assert report.verdict == "inconclusive"
    assert told in " ".join(report.text.split())


def test_a_dtype_that_is_not_verified_is_named():
    torch = frame("PT").namespace
    x = torch.ones(3).to(torch.float8_e4m3fn).requires_grad_()
    with pytest.raises(gradproof.ArgumentError) as caught:
        gradproof.check_grads(lambda x: x.float().sin(), (x,))
    assert "x is float8_e4m3fn. Give x as float32, and have the function convert it" in in_a_line(caught.value)


def test_tensors_without_numbers_are_told():
    torch = frame("PT").namespace
    with pytest.raises((gradproof.ArgumentError, Untraceable), match="meta"):
        gradproof.check_grads(torch.sin, (torch.ones(3, device="meta", requires_grad=True),))


@everywhere
def test_arrays_that_are_traced_are_told(short):
    made = frame(short)

    def inside(x):
        with pytest.raises(gradproof.ArgumentError) as caught:
            gradproof.check_grads(made.namespace.exp, (x,))
        assert "call check_grads outside, on arrays" in in_a_line(caught.value)
        return made.namespace.exp(x)

    differentiated_within(short, inside)(made.array(1.0))


def differentiated_within(short: str, f):
    """A function that runs `f` on what a framework differentiates or compiles it by."""
    if short == "JX":
        import jax

        return jax.grad(f)
    if short == "PT":
        import torch

        return torch.func.grad(f)
    if short == "TF":
        import tensorflow as tf

        return tf.function(f, autograph=False)
    import autograd

    return autograd.grad(f)


# Where 0 is multiplied by what is infinite


def edges(short: str) -> dict:
    """Functions at the end of a domain, and what is true of each."""
    made = frame(short)
    log, sqrt, where, total = {
        "JX": lambda m: (m.log, m.sqrt, m.where, m.sum),
        "PT": lambda m: (m.log, m.sqrt, m.where, m.sum),
        "AG": lambda m: (m.log, m.sqrt, m.where, m.sum),
        "TF": lambda m: _of_tensorflow(),
    }[short](made.namespace)
    return {
        # d/dx x² log x = 2 x log x + x, which goes to 0; on the way back 0 times -inf.
        "x² log x": (lambda x: total(where(x > 0, x * x * log(x), 0.0 * x)), "wrong"),
        "x² log x, apart": (lambda x: total(where(x > 0, x * x * log(where(x > 0, x, 1 + 0 * x)), 0 * x)), "verified"),
        # d/dx √(x⁴) = 2x.
        "√x⁴": (lambda x: total(sqrt(x**4)), "wrong"),
        # d/dx √(x³) = 3/2 √x, to the right.
        "√x³": (lambda x: total(sqrt(x * x * x)), "wrong"),
        # |x|: every gradient beside 0 is -1 or 1, and 0 · inf is none of them.
        "√x²": (lambda x: total(sqrt(x * x)), "wrong"),
        # The slopes run away: nothing is true there.
        "√x": (lambda x: total(sqrt(x)), "inconclusive"),
        "x log x": (lambda x: total(where(x > 0, x * log(x), 0.0 * x)), "inconclusive"),
    }


def _of_tensorflow():
    import tensorflow as tf

    return tf.math.log, tf.sqrt, tf.where, tf.reduce_sum


NAMES_OF_EDGES = ("x² log x", "x² log x, apart", "√x⁴", "√x³", "√x²", "√x", "x log x")


@everywhere
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES_OF_EDGES)
def test_at_the_end_of_a_domain(short, name):
    f, verdict = edges(short)[name]
    x = frame(short).array(EDGE)
    if verdict != "wrong":
        report = quietly(f, (x,), modes="rev")
        assert report.verdict == verdict
        assert verdict == "verified" or "the gradient is unbounded around this point" in report.text
        return
    with pytest.raises(gradproof.GradientError) as caught:
        gradproof.check_grads(f, (x,), modes="rev")
    assert "df/d x[0]" in str(caught.value) and re.search(r"expected +(0|between -1 and 1)\n", str(caught.value))
    assert "Keep x out of it on the way forward" in in_a_line(caught.value)


def square_by_hand(short: str):
    """x², by a rule whose derivative at 0 is 0/0."""
    frame(short)
    if short == "PT":
        return by_hand(lambda x: x * x, lambda saved, g: 2 * saved[0] * g * (saved[0] / saved[0])), "Op"
    if short == "JX":
        import jax

        square = jax.custom_vjp(lambda x: x * x)
        square.defvjp(lambda x: (x * x, x), lambda x, g: (2 * x * g * (x / x),))
        return square, "<lambda>"
    from autograd.extend import defvjp, primitive

    square = primitive(lambda x: x * x)
    defvjp(square, lambda ans, x: lambda g: 2 * x * g * (x / x))
    return square, "<lambda>"


@pytest.mark.parametrize("short", ["JX", "PT", "AG"])
@pytest.mark.filterwarnings("ignore")
def test_where_nan_comes_from_a_rule_the_rule_is_named(short):
    square, name = square_by_hand(short)
    with pytest.raises(gradproof.GradientError) as caught:
        gradproof.check_grads(lambda x: square(x), (frame(short).array(EDGE),), modes="rev")
    assert caught.value.report.own_rules == [name]
    assert f"the derivative of {name} is written by hand, and that may be what gives it" in in_a_line(caught.value)


def test_a_rule_of_the_framework_is_nobodys_own():
    frame("JX")
    import jax

    report = gradproof.check_grads(lambda x: jax.nn.relu(x) * jax.nn.silu(x), (frame("JX").array(X),), modes="rev")
    assert report.verdict == "verified" and not report.own_rules
    report = gradproof.check_grads(frame("AG").namespace.tanh, (np.array(X),), modes="rev")
    assert report.verdict == "verified" and not report.own_rules


def test_a_slope_that_goes_to_zero_is_expected_to_be_zero():
    """Σ |x| x at 0: the difference to either side is its step, and no derivative."""
    frame("PT")
    lengths = by_hand(lambda x: (x * x).sum().sqrt() * x, lambda saved, d: d * 1e-3)
    with pytest.raises(gradproof.GradientError, match=r"expected +0\n"):
        gradproof.check_grads(lengths, (frame("PT").array([0.0, 0.0]),), modes="rev")


# Laid out


def widest(text: str) -> int:
    """The columns of a text behind pytest's mark in a test of a class, its first line behind the name of an error."""
    first, *rest = text.splitlines()
    return layout.INDENTED + max(map(len, [f"gradproof.GradientError: {first}", *rest]))


@pytest.mark.parametrize("length", [1, 40, 90])
def test_a_failure_fits_a_terminal_behind_the_mark_of_pytest(length):
    frame("PT")
    wrong = by_hand(lambda x, y: x.sin() * y, lambda s, g: (g * s[0].sin(), g * s[0].sin()))
    values = np.linspace(0.1, 2.0, 40).reshape(5, 8) / 3
    names = {"w" * length: frame("PT").array(values), "b": frame("PT").array(X[:1])}
    for f, args in (
        (lambda p: wrong(*p.values()), (names,)),
        (lambda p: wrong(*p.values()), ({k: v.detach().float().requires_grad_() for k, v in names.items()},)),
    ):
        with pytest.raises(gradproof.GradientError) as caught:
            gradproof.check_grads(f, args, name="loss" * 3)
        assert widest(str(caught.value)) <= layout.TERMINAL
        assert len(str(caught.value).splitlines()) <= 30


@pytest.mark.parametrize("is_number", [False, True], ids=["array", "number"])
def test_two_arguments_that_are_wrong_are_both_shown(is_number):
    frame("PT")
    wrong = by_hand(lambda x, y: x * y, lambda s, g: (1.1 * g * s[1], (1.2 * g * s[0]).reshape(s[1].shape)))
    x, y = (frame("PT").array(2.0 if is_number else X) for _ in range(2))
    with pytest.raises(gradproof.GradientError) as caught:
        gradproof.check_grads(wrong, (x, y), modes="rev")
    text = str(caught.value)
    assert widest(text) <= layout.TERMINAL and len(text.splitlines()) <= 30
    if is_number:
        assert "  d args[0]    expected 2.0, got 2.2" in text
    else:
        assert "  d args[0]" in text and "  d args[1]" in text


def test_the_modes_that_hold_are_named_beside_one_that_does_not():
    frame("JX")
    import jax

    square = jax.custom_vjp(lambda x: x * x)
    square.defvjp(lambda x: (x * x, x), lambda x, g: (2 * x * g,))
    with pytest.raises(gradproof.GradientError) as caught:
        gradproof.check_grads(square, (frame("JX").array(X),), modes=("fwd", "rev"))
    assert "UNSUPPORTED" in str(caught.value) and "  verified in  reverse\n" in str(caught.value)


def test_a_second_derivative_that_is_wrong_alone_is_told_with_the_commonest_slip():
    torch = frame("PT").namespace

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            s = x.sin()
            ctx.save_for_backward(s, x)
            return s * s

        @staticmethod
        def backward(ctx, g):
            s, x = ctx.saved_tensors
            return 2 * s * x.cos() * g

    with pytest.raises(gradproof.GradientError) as caught:
        gradproof.check_grads(Square.apply, (frame("PT").array(X),), modes="rev", order=2)
    told = in_a_line(caught.value)
    assert "the rule of Square uses what is a constant there" in told and "if meant" not in told
    assert "an intermediate result that was saved" in told
    with pytest.raises(gradproof.GradientError) as caught:  # of the gradient nothing was seen
        gradproof.check_grads(Square.apply, (frame("PT").array(X),), modes="reverse_over_reverse")
    assert "the gradient is right" not in in_a_line(caught.value)


def test_what_a_call_is_refused_for_fits_a_terminal():
    frame("AG")
    with pytest.raises(gradproof.ArgumentError) as caught:
        gradproof.check_grads(np.sin, (np.arange(3),), argnums=(0,))
    assert widest(str(caught.value)) <= layout.TERMINAL
    told = layout.in_lines("word " * 90)
    assert widest(told) <= layout.TERMINAL and len(told.split()) == 90


def test_pytest_prints_no_line_that_a_terminal_breaks(tmp_path):
    frame("AG")
    (tmp_path / "test_mine.py").write_text(
        textwrap.dedent("""
        import autograd.numpy as np
        from autograd.extend import defvjp, primitive
        from gradproof import check_grads

        scaled_exponential = primitive(lambda x: np.exp(x))
        defvjp(scaled_exponential, lambda ans, x: lambda g: g * ans * 1.001)

        class TestIt:
            def test_wrong(self):
                with np.errstate(all="ignore"):
                    check_grads(lambda parameters: scaled_exponential(parameters), (np.ones((3, 4)) / 3,))

            def test_list(self):
                check_grads(lambda x: np.exp(x), ([1.0, 2.0],))

            def test_none(self):
                check_grads(lambda x: None, (np.ones(2),))
        """)
    )
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "100"},
    )
    marked = [line for line in run.stdout.splitlines() if line.startswith("E ")]
    assert len(marked) > 20
    assert not [line for line in marked if len(line) > layout.TERMINAL]


# The cure of what a framework says


def test_a_function_without_its_rules_is_told_how_to_give_them():
    frame("JX")
    import jax
    import jax.numpy as jnp

    with pytest.raises(AttributeError) as caught:
        gradproof.check_grads(jax.custom_vjp(lambda x: jnp.sin(x)), (frame("JX").array(X),))
    assert any("Give both its rules: f.defvjp(forward, backward)" in note for note in caught.value.__notes__)


@pytest.mark.parametrize("kind", ["shape", "no tuple", "no pair", "another value", "raises", "forward"])
def test_what_is_wrong_with_a_rule_is_told_whole_with_its_cure(kind):
    frame("JX")
    import jax
    import jax.numpy as jnp

    sine = jax.custom_vjp(lambda p: jnp.sin(p["w"]))
    pair, right = (lambda p: (jnp.sin(p["w"]), p["w"])), (lambda w, g: ({"w": g * jnp.cos(w)},))
    rules = {
        "shape": (pair, lambda w, g: ({"w": (g * jnp.cos(w)).sum()},)),
        "no tuple": (pair, lambda w, g: {"w": g * jnp.cos(w)}),
        "no pair": (lambda p: jnp.sin(p["w"]), right),
        "another value": (lambda p: (jnp.sin(p["w"]).sum(), p["w"]), right),
        "raises": (lambda p: (jnp.sinn(p["w"]), p["w"]), right),
        "forward": (pair, right),
    }
    sine.defvjp(*rules[kind])
    told = {
        "shape": ("corresponding to an input of type float64[3]", "sum over the axes"),
        "no tuple": ("pytree", "(g,) of one"),
        "no pair": ("instead of a pair the fwd rule", "returns two things: the value"),
        "another value": ("its result has the shape (), which is (3,) otherwise", "as the function itself does"),
        "raises": ("has no attribute 'sinn'", "at test_first_call.py:"),
        "forward": ("custom_vjp", "leave 'fwd' out of modes"),
    }[kind]
    with pytest.raises(gradproof.GradientError) as caught:
        gradproof.check_grads(sine, ({"w": frame("JX").array(X)},), modes="fwd" if kind == "forward" else "rev")
    for words in told:
        assert words in in_a_line(caught.value)


@pytest.mark.parametrize("short", ["JX", "TF"])
def test_a_number_of_python_is_a_constant_result(short):
    made = frame(short)
    report = gradproof.check_grads(lambda x: 2.0, (made.array(X),))
    assert report.verdict == "verified" and "the true gradient is 0 here" in report.text


@pytest.mark.parametrize(
    ("text", "first"),
    [("one. Two", "one"), ("a pair (i.e. two). More", "a pair (i.e. two)"), ("end.", "end"), ("", "")],
)
def test_of_what_is_raised_the_first_sentence_is_told(text, first):
    assert said(ValueError(text)) == f"ValueError: {first}".removesuffix(": ")


def test_of_a_long_message_its_beginning_and_its_end_are_told():
    told = said(ValueError("a" * 300 + "b" * 300))
    assert " … " in told and told.startswith("ValueError: aaa") and told.endswith("bbb")


def test_a_model_that_is_the_function_has_its_variables_named():
    tf = pytest.importorskip("tensorflow")
    frame("TF")
    import keras

    model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
    report = gradproof.check_grads(model, (tf.ones((2, 3)),), modes="rev")
    assert "the variables of Sequential, which is no argument: not differentiated" in " ".join(report.text.split())


def test_arrays_that_are_not_dense_are_refused_with_the_cure():
    tf = pytest.importorskip("tensorflow")
    for given in (tf.sparse.eye(3, dtype=tf.float64), tf.ragged.constant([[1.0, 2.0], [3.0]])):
        with pytest.raises(Untraceable, match="not dense") as caught:
            gradproof.check_grads(lambda x: x.values * 2, (given,))
        assert "Give dense arrays" in in_a_line(caught.value) and widest(str(caught.value)) <= layout.TERMINAL
