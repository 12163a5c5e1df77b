"""Somebody's own function of TensorFlow tensors and variables; Keras layers and modules may be among its arguments."""

import contextlib
import copy
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gradproof.backends import trees
from gradproof.backends.calls import Calls, called, one_after_the_other
from gradproof.backends.tensorflow.trace import trace
from gradproof.backends.tensorflow.transformations import TensorflowTransformations, exact_shapes, placed
from gradproof.backends.tracing import Traced
from gradproof.backends.transformations import Unsupported
from gradproof.backends.trees import Leaf, key_path
from gradproof.oracles.tape import Untraceable

ITS_OWN = (
    "reads the variable {} itself, which is among the arguments as well, and another value in the place of the "
    "argument would not reach it. Give the layer as an argument, as in check_grads(lambda layer, x: layer(x), "
    "(layer, x)), and read a variable by the argument"
)
NOT_DENSE = "arrays that are not dense are not traced"
MAKE_IT_INSIDE = "Give dense arrays, of which the function makes it; or name those by argnums."


class TensorflowCalls(Calls):
    """Trees are those of Python. A Keras layer or a tf.Module among the arguments stands for its trainable variables,
    under their names; the caller's own keep their values, and their state."""

    transformations = TensorflowTransformations()

    def applied(self, f: Callable, args: tuple, dtype: str = "") -> tuple[list[Leaf], Callable[[Sequence[Any]], Any]]:
        found, rebuild = trees.flatten(args)
        holders = [_holder(leaf) for _, leaf in found]
        leaves: list[Leaf] = []
        for (where, leaf), holder in zip(found, holders, strict=True):
            leaves += [(where, leaf)] if holder is None else [(where + name, v) for name, v in holder.named()]

        def of_leaves(given: Sequence[Any]) -> Any:
            rest = iter(given)
            parts, scopes = [], _Scopes()
            for holder in holders:
                if holder is None:
                    parts.append(next(rest))
                else:
                    parts.append(holder.filled([next(rest) for _ in holder.variables], scopes))
            with scopes.open():
                return called(f, rebuild(parts))

        return leaves, of_leaves

    def is_traced(self, leaf: Any) -> bool:
        return tf.is_tensor(leaf) and tf.is_symbolic_tensor(leaf)

    def constants_of(self, f: Callable) -> list[str]:
        holder = _holder(f)
        return [f"the variables of {type(f).__name__}, which is no argument"] if holder and holder.named() else []

    def looked_at(self, call: Callable[[], Any], copies: Sequence[Any], given: Sequence[Any]) -> tuple[Any, str]:
        # The variables that a call reads are those that a tape watches.
        with tf.GradientTape() as seen:
            result = call()
        read = {id(v) for v in seen.watched_variables()}
        # A variable of Keras holds one of TensorFlow.
        own = [v for v in given if id(v) in read or id(getattr(v, "value", None)) in read]
        return result, ITS_OWN.format(own[0].name.partition(":")[0]) if own else ""

    def is_array(self, leaf: Any) -> bool:
        return tf.is_tensor(leaf) or isinstance(leaf, tf.Variable | np.ndarray | np.generic | float | complex)

    def dtype_of(self, leaf: Any) -> str:
        return tf.as_dtype(leaf.dtype if hasattr(leaf, "dtype") else tf.convert_to_tensor(leaf).dtype).name

    def to_numpy(self, leaf: Any) -> np.ndarray:
        if isinstance(leaf, tf.SparseTensor | tf.RaggedTensor | tf.IndexedSlices):
            raise Untraceable(f"a {type(leaf).__name__}", NOT_DENSE, cure=MAKE_IT_INSIDE)
        values = np.asarray(tf.convert_to_tensor(leaf).numpy())
        return values.astype(np.float64) if values.dtype == tf.bfloat16.as_numpy_dtype else values

    def like(self, values: np.ndarray, leaf: Any, dtype: str) -> Any:
        with tf.device(getattr(leaf, "device", None) or None):
            made = tf.constant(np.asarray(values), dtype)
            # What is called with a variable may read it as none but a variable can be.
            return tf.Variable(made) if isinstance(leaf, tf.Variable) else made

    def device_of(self, leaf: Any) -> str:
        return "gpu" if "GPU" in getattr(leaf, "device", "") else "cpu"

    def contract(self, parts: Sequence[tuple[np.ndarray, Any]]) -> Any:
        return tf.add_n([self._weighed(w, tf.convert_to_tensor(y)) for w, y in parts])

    @staticmethod
    def _weighed(w: np.ndarray, y: tf.Tensor) -> tf.Tensor:
        if not y.dtype.is_complex:
            return tf.reduce_sum(tf.constant(w, y.dtype) * y)
        return tf.math.real(tf.reduce_sum(tf.math.conj(tf.constant(w, y.dtype)) * y))

    def pulled_back(self, f: Callable, arrays: Sequence[Any], factors: Sequence[float]) -> list[tuple[Any, ...]]:
        def gradients(*arguments: Any) -> list[tuple[Any, ...]]:
            with tf.GradientTape(persistent=True) as tape:
                tape.watch(arguments)
                result = tf.convert_to_tensor(f(*arguments))  # a constant may be a number of Python

            def pull(by: float) -> tuple[Any, ...]:
                parts = tape.gradient(result, arguments, tf.constant(by, result.dtype))
                return tuple(None if part is None else tf.convert_to_tensor(part) for part in parts)

            return one_after_the_other(pull, factors)

        return placed(gradients)(*arrays)

    def pushed_at_once(self, f: Callable, arrays: Sequence[Any], stacked: Sequence[Any]) -> Any:
        raise Unsupported("a mapping over directions is made into a graph each time, which takes longer than they do")

    def pushed_forward(self, f: Callable, arrays: Sequence[Any], tangents: Sequence[Any]) -> Any:
        with exact_shapes(), tf.autodiff.ForwardAccumulator(list(arrays), list(tangents)) as accumulator:
            result = placed(f)(*arrays)
        return accumulator.jvp(result, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    def total(self, rows: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(rows)

    def stacked(self, arrays: Sequence[Any]) -> Any:
        return tf.stack(list(arrays))

    def taken(self, array: Any, places: np.ndarray) -> Any:
        return tf.gather(tf.reshape(array, (-1,)), places)

    def zeros_like(self, array: Any) -> Any:
        return tf.zeros_like(array)

    def trace(self, f: Callable, arguments: list[Any]) -> Traced:
        return trace(lambda *arrays: [f(*arrays)], arguments, [True] * len(arguments))

    def settings(self) -> list[str]:
        products = tf.config.experimental.tensor_float_32_execution_enabled() and _gpus()
        return ["TF32 products are on"] if products else []


def _gpus() -> list[Any]:
    return tf.config.list_physical_devices("GPU")


READS_ITS_OWN = (
    "a module reads its variables through a function made for it alone, as a lambda or a tf.function in one of "
    "its attributes: other values cannot be put in their place. Make it a method, or give the variables as arguments"
)


class _Scopes:
    """What must hold while a function runs with other values for the variables of its layers and modules."""

    def __init__(self) -> None:
        self.layers: list[tuple[Any, Any]] = []
        self.modules: list[Any] = []  # variables that must not be read

    @contextlib.contextmanager
    def open(self) -> Any:
        """The scope of one call."""
        with contextlib.ExitStack() as stack:
            if self.layers:
                # One scope for all: Keras looks into the innermost only.
                stack.enter_context(sys.modules["keras"].StatelessScope(self.layers))
            # The variables that a call reads are those that a tape would watch.
            seen = stack.enter_context(tf.GradientTape()) if self.modules and tf.executing_eagerly() else None
            yield
        read = {id(v) for v in seen.watched_variables()} if seen is not None else set()
        if any(id(v) in read for v in self.modules):
            raise TypeError(READS_ITS_OWN)


class _Layer:
    """A Keras layer or model: Keras itself gives it other values for the time of a call, and keeps what it writes."""

    def __init__(self, layer: Any) -> None:
        self.layer, self.variables = layer, layer.trainable_variables

    def named(self) -> list[Leaf]:
        """The trainable variables, by their paths in the layer."""
        return [(key_path(v.path), v.value) for v in self.variables]

    def filled(self, given: Sequence[Any], scopes: _Scopes) -> Any:
        """The layer, which has the given values within the scopes."""
        scopes.layers += zip(self.variables, given, strict=True)
        return self.layer


class _Module:
    """A tf.Module: each call has a copy of it with the given values in the place of its variables. So its functions
    with graphs are made anew, and what it writes to is its copy's."""

    def __init__(self, module: tf.Module) -> None:
        self.module, self.variables = module, module.trainable_variables
        self._kept: list[Any] = []

    def named(self) -> list[Leaf]:
        """The trainable variables, by their names where these differ."""
        names = [v.name.partition(":")[0] for v in self.variables]
        if len(set(names)) < len(names):
            return [(f".trainable_variables[{i}]", v) for i, v in enumerate(self.variables)]
        return [(key_path(name), v) for name, v in zip(names, self.variables, strict=True)]

    def filled(self, given: Sequence[Any], scopes: _Scopes) -> Any:
        """A copy of the module with the given values."""
        scopes.modules += [v for v, x in zip(self.variables, given, strict=True) if x is not v]
        try:
            with tf.init_scope():
                filled = copy.deepcopy(self.module, {id(v): x for v, x in zip(self.variables, given, strict=True)})
        except TypeError as error:  # a graph cannot be copied
            raise TypeError(READS_ITS_OWN) from error
        if not tf.executing_eagerly():
            self._kept.append(filled)  # a graph does not keep alive the variables that it reads
        return filled


def _holder(leaf: Any) -> _Layer | _Module | None:
    """What stands for its variables, or None for an array or anything else."""
    keras = sys.modules.get("keras")
    if keras is not None and isinstance(leaf, keras.layers.Layer):
        return _Layer(leaf)
    return _Module(leaf) if isinstance(leaf, tf.Module) and not isinstance(leaf, tf.Variable) else None


CALLS = TensorflowCalls
