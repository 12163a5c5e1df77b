"""How TensorFlow differentiates, whatever its settings."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.function.polymorphism.function_cache import FunctionCache
from tensorflow.python.eager import forwardprop

from gradproof.backends.transformations import Transformations


class TensorflowTransformations(Transformations):
    """TensorFlow, eager or under tf.function. An operation runs where the surrounding tf.device says, not where its
    inputs lie, so everything that is handed out opens that scope."""

    name = "tensorflow"
    # Measured, TensorFlow 2.21.0 on x86-64, eager, tf.function and XLA, 1 to 2e6 entries: results of * / sum exp below
    # the smallest normal number become zero, and so do subnormal inputs. On a GPU it is assumed, not measured.
    flushes_subnormals = ("cpu", "gpu")

    def version(self) -> str:
        return tf.__version__

    def to_numpy(self, array: Any) -> np.ndarray:
        if not tf.is_tensor(array):
            raise TypeError(f"{array!r} is a {type(array).__name__}, not a TensorFlow tensor")
        # Indexing has a sparse gradient, tf.IndexedSlices.
        return np.asarray(tf.convert_to_tensor(array).numpy())

    def gradient(self, f: Callable) -> Callable:
        def gradient(*arguments: tf.Tensor) -> tuple[tf.Tensor | None, ...]:
            with tf.GradientTape() as tape:
                tape.watch(arguments)
                result = f(*arguments)
            return tuple(
                None if part is None else tf.convert_to_tensor(part) for part in tape.gradient(result, arguments)
            )

        return placed(gradient)

    def value_and_gradient(self, f: Callable) -> Callable:
        def both(*arguments: tf.Tensor) -> tuple[tf.Tensor, tuple[tf.Tensor | None, ...]]:
            with tf.GradientTape() as tape:
                tape.watch(arguments)
                result = f(*arguments)
            parts = tape.gradient(result, arguments)
            return result, tuple(None if part is None else tf.convert_to_tensor(part) for part in parts)

        return placed(both)

    def value_and_tangent(self, f: Callable) -> Callable:
        def push(*arrays: tf.Tensor) -> Any:
            count = len(arrays) // 2
            with tf.autodiff.ForwardAccumulator(list(arrays[:count]), list(arrays[count:])) as accumulator:
                result = f(*arrays[:count])
            return result, accumulator.jvp(result, unconnected_gradients=tf.UnconnectedGradients.ZERO)

        return placed(push)

    def jvp(self, f: Callable) -> Callable:
        # The JVP of an operation that was traced without a shape, as it is from the 33rd time on, is taken for every
        # shape, and some cannot do without: what came before would decide whether this can be differentiated.
        forwardprop._jvp_function_cache.clear()
        forwardprop._TRACE_COUNT.clear()

        def push(*arrays: tf.Tensor) -> Any:
            count = len(arrays) // 2
            with tf.autodiff.ForwardAccumulator(list(arrays[:count]), list(arrays[count:])) as accumulator:
                result = f(*arrays[:count])
            return accumulator.jvp(result, unconnected_gradients=tf.UnconnectedGradients.ZERO)

        return placed(push)

    def vectorize(self, f: Callable) -> Callable:
        def mapped(*arguments: tf.Tensor) -> Any:
            missing: list[bool] = []

            def one(arguments: tuple[tf.Tensor, ...]) -> Any:
                result = f(*arguments)
                if not isinstance(result, tuple):
                    return result
                # The mapping takes tensors only, so an unconnected gradient stays outside.
                missing[:] = [part is None for part in result]
                return tuple(part for part in result if part is not None)

            result = tf.vectorized_map(one, arguments, warn=False)
            if not isinstance(result, tuple):
                return result
            parts = iter(result)
            return tuple(None if gone else next(parts) for gone in missing)

        return placed(mapped)

    def checkpoint(self, f: Callable) -> Callable:
        return tf.recompute_grad(f)

    def compile(self, f: Callable) -> Callable:
        # Without AutoGraph: a body is traced as it stands, as by the other backends.
        return placed(tf.function(f, autograph=False))

    def compile_by_xla(self, f: Callable) -> Callable:
        return placed(tf.function(f, autograph=False, jit_compile=True))

    prepared = compile

    def with_pullback(self, f: Callable, rule: Callable) -> Callable:
        # Forward mode goes past it, through the operations that `f` is made of.
        def code(*arguments: tf.Tensor) -> tuple[tf.Tensor, Callable]:
            # Indexing has a sparse cotangent.
            return f(*arguments), lambda g: list(rule(arguments, tf.convert_to_tensor(g)))

        return tf.custom_gradient(code)

    def is_compiling(self, array: Any) -> bool:
        return not tf.executing_eagerly()


KEPT = 1000
"""So many JVPs of operations, each of them a graph, are kept for the next direction and the next check."""

_jvps = FunctionCache()


class _Uncounted(dict):
    """What has been traced how often, of which TensorFlow is not told."""

    def get(self, key: Any, default: Any = None) -> Any:
        return 0


@contextlib.contextmanager
def exact_shapes() -> Iterator[None]:
    """Every operation has a JVP for its own shapes, from a store of ours. TensorFlow would take what it has traced for
    no shape, from the 33rd time on, for every shape, and some cannot do without."""
    if len(_jvps) > KEPT:
        _jvps.clear()
    options = forwardprop._jvp_exact_config
    before = options.function_cache, forwardprop._TRACE_COUNT
    options.function_cache, forwardprop._TRACE_COUNT = _jvps, _Uncounted()
    try:
        yield
    finally:
        options.function_cache, forwardprop._TRACE_COUNT = before


@contextlib.contextmanager
def scope_kept() -> Iterator[None]:
    """Have the scope of variables as it was where something raises. A scan, map or fold leaves a device in it where its
    step raises while it is traced (TensorFlow 2.21.0), and whatever recomputes is refused from then on."""
    scope = tf.compat.v1.get_variable_scope()
    before = scope.caching_device
    try:
        yield
    except BaseException:
        # Its own setter is refused outside of graphs.
        scope._caching_device = before
        raise


def placed(f: Callable, handle: str | None = None) -> Callable:
    """`f` run on this device, or else where its first argument lies (inside a graph: where the graph says)."""

    def run(*arguments: Any) -> Any:
        with scope_kept(), tf.device(handle or arguments[0].device or None):
            return f(*arguments)

    return run
