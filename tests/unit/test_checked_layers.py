"""`check_grads` on layers, modules and variables of a framework whose variables have values of their own: they are
checked under their names, and keep their values and their state."""

from typing import Any

import numpy as np
import pytest

import gradproof
from tests.unit.made import NAMES

pytestmark = pytest.mark.parametrize("short", ["TF"])

t: Any = None


@pytest.fixture(autouse=True, scope="module")
def _framework() -> None:
    globals()["t"] = pytest.importorskip(NAMES["TF"])


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=shape)


def layer(kind: str, *arguments: Any, **options: Any) -> Any:
    return getattr(t.keras.layers, kind)(*arguments, dtype="float64", **options)


def states(held: Any) -> list[np.ndarray]:
    return [t.convert_to_tensor(v).numpy().copy() for v in held.variables]


def affine(method: str = "tf.function") -> Any:
    """A module with a weight, a bias, and a counter of its calls, which another function than its method may read."""

    class Affine(t.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = t.Variable(drawn(2, 2), name="w")
            self.b = t.Variable(drawn(2), name="b")
            self.calls = t.Variable(0, trainable=False)
            self.inner = (lambda x: x @ self.w) if method == "lambda" else None

        def __call__(self, x: Any) -> Any:
            self.calls.assign_add(1)
            return t.tanh((self.inner(x) if self.inner else x @ self.w) + self.b)

    if method == "tf.function":
        Affine.__call__ = t.function(Affine.__call__)
    return Affine()


def test_a_layer_stands_for_its_trainable_variables(short: str) -> None:
    dense, x = layer("Dense", 2, activation="tanh", name="dense"), t.constant(drawn(3, 2))
    dense(x)
    before = states(dense)
    report = gradproof.check_grads(lambda layer, x: layer(x), (dense, x), order=2)
    assert report.verdict == "verified"
    assert set(report.caught) == {'layer["dense/kernel"]', 'layer["dense/bias"]', "x"}
    np.testing.assert_equal(states(dense), before)


def test_what_a_layer_writes_while_it_is_checked_is_forgotten(short: str) -> None:
    model = t.keras.Sequential([layer("Dense", 3), layer("BatchNormalization"), layer("Dropout", 0.5)])
    x = t.constant(drawn(4, 2))
    model(x)
    before = states(model)
    report = gradproof.check_grads(lambda layer, x: layer(x, training=True) ** 2, (model, x), modes=("rev",))
    assert report.verdict == "verified" and len(report.caught) == 4
    np.testing.assert_equal(states(model), before)


def test_two_layers_have_their_values_at_once(short: str) -> None:
    first, second, x = layer("Dense", 3, name="first"), layer("LSTM", 2, name="second"), t.constant(drawn(1, 3, 2))
    second(first(x))
    report = gradproof.check_grads(lambda a, b, x: b(a(x)), (first, second, x))
    assert report.verdict == "verified" and 'b["second/lstm_cell/kernel"]' in report.caught


def test_a_layer_with_a_wrong_gradient_is_pinned_to_its_variable(short: str) -> None:
    @t.custom_gradient
    def scaled(w: Any, x: Any) -> Any:
        return w * x, lambda g: (g * x * t.constant([1.0, 1.0 + 1e-9, 1.0], x.dtype), g * w)

    class Scale(t.keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.scale = self.add_weight(shape=shape[-1:], name="scale")

        def call(self, x: Any) -> Any:
            return scaled(t.convert_to_tensor(self.scale), x)

    held, x = Scale(dtype="float64", name="own"), t.constant(drawn(3))
    held(x)
    held.set_weights([drawn(3)])
    with pytest.raises(gradproof.GradientError, match=r'layer\["own/scale"\]\[1\]'):
        gradproof.check_grads(lambda layer, x: layer(x), (held, x))


@pytest.mark.parametrize("method", ["tf.function", "method"])
def test_a_module_stands_for_its_variables_as_well(short: str, method: str) -> None:
    module, x = affine(method), t.constant(drawn(3, 2))
    module(x)
    before = states(module)
    report = gradproof.check_grads(lambda module, x: module(x), (module, x), modes=("rev",))
    assert report.verdict == "verified" and set(report.caught) == {'module["w"]', 'module["b"]', "x"}
    np.testing.assert_equal(states(module), before)


def test_a_module_that_reads_its_variables_elsewhere_is_no_silent_pass(short: str) -> None:
    with pytest.raises(TypeError, match="Make it a method, or give the variables as arguments"):
        gradproof.check_grads(lambda module, x: module(x), (affine("lambda"), t.constant(drawn(3, 2))))


def test_variables_among_the_arguments_stay_variables(short: str) -> None:
    v = t.Variable(drawn(4, 2))
    report = gradproof.check_grads(
        lambda v, i: t.gather(v, i) * v.read_value()[:3] ** 2, (v, t.constant([1, 3, 3])), modes=("rev",), draws=2
    )
    assert report.verdict == "verified" and set(report.caught) == {"v"}
    np.testing.assert_array_equal(v.numpy(), drawn(4, 2))
