"""Calls that would verify nothing though every number agrees: a function does not go by what is given in the place of
its arguments, or shows no result of which its gradients are. And what is right because a framework mends it."""

import numpy as np
import pytest

import gradproof
from tests.unit.test_check_grads import frame, in_a_line

X = [0.5, -1.25, 3.0]


def refused(f, args, **asked) -> str:
    with pytest.raises(gradproof.ArgumentError) as caught:
        gradproof.check_grads(f, args, **asked)
    return in_a_line(caught.value)


def tensor(values):
    torch = pytest.importorskip("torch")
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def identity(backward):
    """x + b by a rule of somebody's own, with this backward pass."""
    torch = pytest.importorskip("torch")

    class Added(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, count, b):
            return x + b

    Added.backward = staticmethod(backward)
    return Added.apply


# What does not go by its arguments


def test_a_module_that_is_no_argument_and_whose_parameters_are_is_refused():
    torch = pytest.importorskip("torch")
    net = torch.nn.Linear(3, 1, dtype=torch.float64)
    for f, args in [
        (lambda x, *parameters: net(x), (torch.tensor([X], dtype=torch.float64), *net.parameters())),
        (lambda w: net.weight, (net.weight,)),
    ]:
        told = refused(f, args)
        assert "reads a tensor of its own that is among the arguments as well" in told
        assert "check_grads(lambda net, x: net(x), (net, x))" in told
    assert gradproof.check_grads(lambda net, x: net(x), (net, torch.tensor([X], dtype=torch.float64)))


def test_a_tensor_of_its_own_that_is_no_argument_is_a_constant():
    w = tensor(X)
    assert gradproof.check_grads(lambda x: w * x, (tensor(X),))
    assert gradproof.check_grads(lambda x: w.detach() * x, (w,))


@pytest.mark.parametrize("is_compiled", [False, True], ids=["eager", "compiled"])
def test_a_variable_that_is_read_and_given_is_refused(is_compiled):
    tf = pytest.importorskip("tensorflow")
    v = tf.Variable(X, name="scale")

    def f(x, given):
        return x * v

    told = refused(tf.function(f) if is_compiled else f, (tf.constant(X), v), modes="rev")
    assert "f reads the variable scale itself, which is among the arguments as well" in told
    assert gradproof.check_grads(lambda x, v: x * v, (tf.constant(X), v), modes="rev")
    assert gradproof.check_grads(lambda x: x * v, (tf.constant(X),), modes="rev")


def test_a_layer_that_is_no_argument_and_whose_variables_are_is_refused():
    tf = pytest.importorskip("tensorflow")
    keras = pytest.importorskip("keras")
    layer = keras.layers.Dense(2)
    x = tf.constant([X])
    layer(x)
    told = refused(lambda x, *variables: layer(x), (x, *layer.trainable_variables), modes="rev")
    assert "reads the variable kernel itself" in told and "(layer, x)" in told
    assert gradproof.check_grads(lambda layer, x: layer(x), (layer, x), modes="rev")


# What shows no result


def test_a_backward_pass_of_its_own_whose_result_is_detached_is_refused():
    for shown in (lambda loss: loss.detach(), lambda loss: loss.data):

        def step(x, shown=shown):
            loss = (x**3).sum()
            (3 * loss).backward()  # which is no gradient of the loss
            return shown(loss)

        told = refused(step, (tensor(X),))
        assert "returns what is detached from them" in told and "Return that itself, without .detach()" in told


def test_a_backward_pass_of_its_own_whose_result_is_attached_is_held_to_it():
    def step(x, factor=1):
        loss = (x**3).sum()
        (factor * loss).backward()
        return loss

    assert gradproof.check_grads(step, (tensor(X),))
    with pytest.raises(gradproof.GradientError):
        gradproof.check_grads(lambda x: step(x, 3), (tensor(X),))


# What is another at each call


def test_a_function_that_writes_to_its_argument_is_refused_and_not_accused():
    def doubled(x):
        x.data.mul_(2)
        return x * x

    given = tensor(X)
    assert "doubled writes to its argument x" in refused(doubled, (given,))
    assert given.tolist() == X


def test_a_function_that_writes_to_a_copy_is_verified():
    assert gradproof.check_grads(lambda x: x.clone().mul_(2) * x, (tensor(X),), draws=3)


# What a framework mends


@pytest.mark.parametrize("order", [1, 2])
def test_a_gradient_that_the_engine_sums_is_told_and_accuses_nobody(order):
    report = gradproof.check_grads(identity(lambda ctx, d: (d, None, d)), (tensor([X] * 4), 2, tensor(X)), order=order)
    told = [note for note in report.notes if "the engine" in note]
    assert report.verdict == "verified" and len(told) == 1
    assert told[0].startswith("Added.backward returns a gradient of shape (4, 3) for b, of shape (3,)")


def test_a_gradient_that_is_summed_by_its_rule_is_not_told():
    apply = identity(lambda ctx, d: (d, None, d.sum(0)))
    args = (tensor([X] * 4), 2, tensor(X))
    for report in (
        gradproof.check_grads(apply, args),
        gradproof.check_grads(lambda x, b: apply(x.detach(), 2, 2 * b), (args[0], args[2])),
    ):
        assert not any("the engine" in note for note in report.notes)


# What is a constant to a rule


def test_what_is_detached_before_it_is_given_to_a_rule_is_a_constant():
    torch = pytest.importorskip("torch")

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx, d):
            x, y = ctx.saved_tensors
            return d * y, d * x

    for f in (
        lambda x: Product.apply(x.detach(), x),
        lambda x: Product.apply(x, x.detach()[:]) * x,
        lambda x: Product.apply(Product.apply(x.detach(), x), x),
        lambda x: Product.apply(x, x),
    ):
        assert gradproof.check_grads(f, (tensor(X),))
        assert gradproof.check_grads(f, (tensor(X),), order=2)


# Dtypes


def test_a_dtype_may_be_the_framework_s_own():
    torch = pytest.importorskip("torch")
    for dtypes in (torch.float32, (torch.float32,), np.float32, np.dtype("float32"), "float32"):
        report = gradproof.check_grads(torch.sin, (tensor(X),), dtypes=dtypes)
        assert {finding.dtype for finding in report.findings} == {"float32"}
    tf = pytest.importorskip("tensorflow")
    report = gradproof.check_grads(tf.sin, (tf.constant(X),), dtypes=(tf.float32, tf.bfloat16), modes="rev")
    assert [finding.dtype for finding in report.findings] == ["float32", "bfloat16"]


# What nobody asked for, and is refused


def test_why_a_mode_was_not_tried_is_told_to_the_end_of_its_sentence():
    jnp = frame("JX").namespace
    jax = pytest.importorskip("jax")
    square = jax.custom_vjp(lambda x: x * x)
    square.defvjp(lambda x: (x * x, x), lambda x, d: (2 * x * d,))
    report = gradproof.check_grads(square, (jnp.array(X),))
    assert "(jvp) to a custom_vjp function" in report.refused["forward"]
