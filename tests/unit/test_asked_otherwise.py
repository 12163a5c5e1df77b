"""A gradient is the same in whatever way it is asked for. A rule of somebody's own is told which of its results are
used, which of its arguments are differentiated and what comes in, and may go wrong in one of these cases alone; each
test plants such a rule, and the right one beside it."""

import re

import numpy as np
import pytest

import gradproof
from gradproof import function
from gradproof.oracles.verdict import Verdict
from gradproof.registry import Reals
from gradproof.verification.cells import Cell
from gradproof.verification.examine import Examiner
from tests.unit.made import needs
from tests.unit.test_check_grads import X, frame

ROW = X[0]
both_ways = pytest.mark.parametrize("is_right", [True, False])


def judged(f, args, message, is_right, **asked):
    """`f` is verified where it is right, and refused with these words where it is not."""
    if is_right:
        assert gradproof.check_grads(f, args, **asked).verdict == "verified"
        return
    with pytest.raises(gradproof.GradientError) as caught:
        gradproof.check_grads(f, args, **asked)
    assert re.search(message, in_a_line(str(caught.value)))


def in_a_line(text):
    """A report as it was before it was broken into lines."""
    return " ".join(text.split())


def squares_and_cubes(rule, materializes=True):
    """x² and x³ of a tensor, with the backward pass `rule(x, g, h)`."""
    torch = frame("PT").namespace

    class Powers(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(materializes)
            ctx.save_for_backward(x)
            return x**2, x**3

        @staticmethod
        def backward(ctx, g, h):
            return rule(ctx.saved_tensors[0], g, h)

    return Powers.apply


def square(rule):
    """x² of a tensor, with the backward pass `rule(x, g)`."""
    torch = frame("PT").namespace

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx, g):
            return rule(ctx.saved_tensors[0], g)

    return Square.apply


@both_ways
def test_a_rule_that_is_given_no_gradient_for_a_result_is_judged(is_right):
    def rule(x, g, h):
        if is_right:
            return sum(
                term for term in (g is not None and g * 2 * x, h is not None and h * 3 * x**2) if term is not False
            )
        if g is None and h is None:
            return None
        return g * 3 * x if h is None else h * 3 * x**2 if g is None else g * 2 * x + h * 3 * x**2

    def quiet(x, g, h):
        return None if g is None and h is None else rule(x, g, h)

    f = squares_and_cubes(quiet, materializes=False)
    judged(f, (frame("PT").array(ROW),), r"where of the results only \[0\] is used", is_right)


@pytest.mark.parametrize("gives", ["zeros", "raises", "ones"])
def test_a_rule_that_is_given_no_gradient_at_all_is_judged(gives):
    torch = frame("PT").namespace

    def rule(x, g, h):
        if g is None and gives != "raises":
            return torch.zeros_like(x) if gives == "zeros" else torch.ones_like(x)
        return 2 * x * g + (0 if h is None else h * 3 * x**2)

    apply = squares_and_cubes(rule, materializes=False)
    f = lambda x: apply(x)[0]  # noqa: E731
    x = frame("PT").array(ROW)
    message = {"raises": "the backward pass raises TypeError", "ones": "the backward pass gives one"}.get(gives, "")
    judged(f, (x,), message, gives == "zeros")
    assert gradproof.gradcheck(f, (x,), check_undefined_grad=False)
    assert gradproof.gradcheck(f, (x,), raise_exception=False) == (gives == "zeros")


@both_ways
@pytest.mark.parametrize("short", ["JX", "PT", "TF", "AG"])
def test_zeros_among_what_comes_in_are_no_ones(short, is_right):
    """As where a rule divides by the gradient that comes in, and takes care of zeros in the wrong way."""
    array = frame(short).array(ROW)
    if short == "PT":
        torch = frame(short).namespace
        f = square(lambda x, g: (g if is_right else torch.where(g.any() & (g == 0), 1.0, g)) * 2 * x)
    elif short == "JX":
        import jax
        import jax.numpy as jnp

        f = jax.custom_vjp(lambda x: x**2)
        f.defvjp(lambda x: (x**2, x), lambda x, g: ((g if is_right else jnp.where(g == 0, 1.0, g)) * 2 * x,))
    elif short == "TF":
        import tensorflow as tf

        @tf.custom_gradient
        def f(x):
            return x**2, lambda g: (g if is_right else tf.where(tf.equal(g, 0), tf.ones_like(g), g)) * 2 * x
    else:
        from autograd.extend import defvjp, primitive

        f = primitive(lambda x: x**2)
        defvjp(f, lambda ans, x: lambda g: (g if is_right else np.where(g == 0, 1.0, g)) * 2 * x)
    judged(f, (array,), "where every second entry of the gradient that comes in is 0", is_right)


@both_ways
def test_a_result_that_is_not_used_is_judged_where_the_rule_is_told(is_right):
    frame("JX")
    import jax

    def is_zero(cotangent):
        return type(cotangent).__name__ == "SymbolicZero"

    def rule(x, given):
        g, h = given
        first = 0 if is_zero(g) else g * 2 * x
        factor = 1.0 if is_right or not is_zero(g) else 1 + 1e-9
        return (first + (0 if is_zero(h) else factor * h * 3 * x**2),)

    f = jax.custom_vjp(lambda x: (x**2, x**3))
    f.defvjp(lambda x: ((x.value**2, x.value**3), x.value), rule, symbolic_zeros=True)
    judged(f, (frame("JX").array(ROW),), r"where of the results only \[1\] is used", is_right, modes="rev")


@both_ways
def test_an_argument_that_is_constant_leaves_the_other_its_gradient(is_right):
    torch = frame("PT").namespace

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            one = is_right or all(ctx.needs_input_grad)
            return (g * y, g * x) if one else (g * x, g * y)

    args = frame("PT").array(X[0]), frame("PT").array(X[1])
    judged(Product.apply, args, "with some arguments differentiated, and the others constant", is_right)


@pytest.mark.parametrize("rule", ["right", "wrong", "raises"])
def test_an_argument_without_a_tangent_leaves_the_other_its_slope(rule):
    torch = frame("PT").namespace

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(x, y):
            return x * y

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.set_materialize_grads(False)
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            return (None, None) if g is None else (g * y, g * x)

        @staticmethod
        def jvp(ctx, v, w):
            x, y = ctx.saved_tensors
            if rule == "raises" or (v is not None and w is not None):
                return v * y + w * x
            right = v * y if w is None else w * x
            return right if rule == "right" else -right

    args = frame("PT").array(X[0]), frame("PT").array(X[1])
    told = {"wrong": "the slope along a direction is not the gradient's", "raises": "forward mode raises TypeError"}
    judged(Product.apply, args, told.get(rule, ""), rule == "right")


@both_ways
def test_slopes_along_all_directions_at_once_are_held_to_the_truth(is_right):
    """As jax.jacfwd takes them."""
    frame("JX")
    import jax

    scaled = jax.custom_batching.custom_vmap(lambda v, x: v * 2 * x)
    scaled.def_vmap(lambda size, batched, v, x: (v * (2 if is_right else 3) * x, True))
    f = jax.custom_jvp(lambda x: x**2)
    f.defjvp(lambda x, v: (x[0] ** 2, scaled(v[0], x[0])))
    judged(f, (frame("JX").array(ROW),), "mapped over the tangents", is_right, modes="fwd")


@both_ways
@pytest.mark.parametrize("short", ["PT", "AG"])
def test_a_rule_that_writes_to_what_comes_in_is_found(short, is_right):
    """What comes in belongs to the engine, which may hand it to others; the rule alone is right."""
    array = frame(short).array(X)
    if short == "PT":
        f = square(lambda x, g: g * 2 * x if is_right else g.mul_(2 * x))
    else:
        from autograd.extend import defvjp, primitive

        def pulled(g, x):
            if is_right:
                return g * 2 * x
            g *= 2 * x
            return g

        f = primitive(lambda x: x**2)
        defvjp(f, lambda ans, x: lambda g: pulled(g, x))
    judged(f, (array,), "the backward pass writes to the gradient that comes in", is_right)


@pytest.mark.parametrize("rule", ["right", "pointer", "view"])
def test_what_comes_in_may_lie_anyhow_in_memory(rule):
    """As it does behind `y.sum().backward()`, where a kernel that takes a pointer reads what is not there."""
    torch = frame("PT").namespace

    def backward(x, g):
        if rule == "view":
            g = g.view(-1).view(x.shape)
        if rule == "pointer":
            g = torch.as_strided(g, x.shape, x.stride())
        return g * 2 * x

    x = frame("PT").array(X)
    judged(square(backward), (x,), "without being contiguous in memory: not finite", rule != "pointer")
    if rule == "view":  # which its owner would see
        assert "the gradient raises RuntimeError" in in_a_line(gradproof.check_grads(square(backward), (x,)).text)


@both_ways
def test_a_backward_pass_is_mapped_over_what_comes_in_where_gradcheck_is_asked_to(is_right):
    """PyTorch maps the backward pass alone: a function without a rule for vmap passes, unless the backward pass
    looks at the numbers."""
    torch = frame("PT").namespace
    f, x = square(lambda x, g: g * 2 * x if is_right or g.sum().item() else g), frame("PT").array(ROW)
    for gradcheck in (gradproof.gradcheck, torch.autograd.gradcheck):
        assert gradcheck(f, (x,))
        assert gradcheck(f, (x,), check_batched_grad=True, raise_exception=False) == is_right
    assert gradproof.gradgradcheck(f, (x,), check_batched_grad=True)


@pytest.mark.parametrize("kind", ["right", "wrong", "lost"])
def test_second_derivatives_of_what_has_no_reverse_mode_are_taken_forward_twice(kind):
    """As JAX's own checker takes them."""
    frame("JX")
    import jax
    import jax.numpy as jnp

    def slope_of(x):
        return jax.lax.stop_gradient(jnp.cos(x)) if kind == "lost" else jnp.cos(x) * (1 + (kind == "wrong") * 1e-9)

    sine = jax.custom_jvp(jnp.sin)
    sine.defjvp(lambda x, v: (jnp.sin(x[0]), slope_of(x[0]) * v[0]))

    def three_turns(x):
        return jax.lax.while_loop(lambda state: state[0] < 3, lambda state: (state[0] + 1, sine(state[1]) * x), (0, x))[
            1
        ]

    args = (frame("JX").array(ROW),)
    if kind == "right":
        report = gradproof.check_grads(three_turns, args, order=2, modes="fwd")
        assert [finding.mode for finding in report.findings] == ["forward", "forward_over_forward"]
        return
    with pytest.raises(gradproof.GradientError) as caught:
        gradproof.check_grads(three_turns, args, order=2, modes="fwd")
    failing = {finding.mode for finding in caught.value.report.findings if finding.fails}
    assert "forward_over_forward" in failing
    assert ("forward" in failing) == (kind == "wrong")


def test_a_function_that_was_differentiated_before_is_traced():
    """A tape appends what the backward pass needs to the results of the function's graph."""
    frame("TF")
    import tensorflow as tf

    cube = tf.function(tf.custom_gradient(lambda x: (x**3, lambda g: g * 3 * x**2)))
    x = frame("TF").array(ROW)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = cube(x)
    tape.gradient(y, x)
    assert gradproof.check_grads(cube, (x,)).verdict == "verified"


@pytest.mark.parametrize("kind", ["right", "swaps", "undefined"])
def test_an_implementation_is_asked_otherwise_as_well(kind):
    needs("torch")
    import torch

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.set_materialize_grads(False)
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            if g is None:
                return (x, y) if kind == "undefined" else (None, None)
            return (g * x, g * y) if kind == "swaps" and not all(ctx.needs_input_grad) else (g * y, g * x)

    made = function(x=Reals(), y=Reals())(lambda xp, x, y: x * y)
    made.implementation("torch")(Product.apply)
    found = Examiner(Cell(made, "torch", "cpu", "float64", "reverse")).against_truth((np.array(2.0), np.array(3.0)))
    told = {"right": "", "swaps": "with one argument differentiated", "undefined": "where no gradient comes in"}
    assert found.judgement.verdict == (Verdict.VERIFIED if kind == "right" else Verdict.WRONG)
    assert found.judgement.reason.startswith(told[kind])


@pytest.mark.parametrize(("short", "factor"), [("JX", 1.0), ("JX", 2.0), ("TF", 1.0)])
def test_a_backward_pass_is_mapped_over_what_comes_in_wherever_a_framework_maps(short, factor):
    """gradcheck(check_batched_grad=True): right one by one, and by this factor off in a batch."""
    x = frame(short).array(np.array([0.3, 1.5]))
    if short == "JX":
        import jax
        import jax.numpy as jnp

        @jax.custom_batching.custom_vmap
        def doubled(d):
            return 2 * d

        doubled.def_vmap(lambda size, batched, d: (2 * factor * d, True))
        squares = jax.custom_vjp(lambda x: jnp.sum(x * x))
        squares.defvjp(lambda x: (jnp.sum(x * x), x), lambda x, d: (doubled(d) * x,))
    else:
        import tensorflow as tf

        def squares(x):
            return tf.reduce_sum(x * x)

    if factor == 1.0:
        assert gradproof.gradcheck(squares, (x,), check_batched_grad=True)
        return
    with pytest.raises(AssertionError, match="with a batch of gradients that come in"):
        gradproof.gradcheck(squares, (x,), check_batched_grad=True)
