"""Somebody's own function of JAX arrays."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gradproof.backends.calls import Calls, one_after_the_other
from gradproof.backends.jax.trace import trace
from gradproof.backends.jax.transformations import JaxTransformations
from gradproof.backends.tracing import Traced
from gradproof.backends.trees import Leaf, key_path

NO_REVERSE = ("everse-mode differentiation", "transpose_solve required for backwards mode")
"""How JAX says that there is no reverse mode, of a loop without a fixed number of turns and of a solver."""

OF_ANOTHER_SHAPE = "while the function is differentiated its result has the shape"

CURES = {
    "Custom VJP bwd rule must produce an output with the same type": (
        "Of each argument the backward rule returns a gradient of its shape and dtype: sum over the axes along "
        "which it was broadcast"
    ),
    "Custom VJP bwd rule must produce an output with the same container": (
        "The backward rule returns a tuple, with the gradient of each argument: (g,) of one"
    ),
    "Custom VJP fwd rule": (
        "The first function given to defvjp returns two things: the value, as the function itself does, and what the "
        "backward rule needs"
    ),
    OF_ANOTHER_SHAPE: "The forward rule returns the value as the function itself does",
    "No VJP defined": "Give both its rules: f.defvjp(forward, backward)",
    "No JVP defined": "Give its rule: f.defjvp(rule)",
    "Custom JVP rule": "The rule given to defjvp returns two things, of one shape and dtype: the value and its tangent",
    "to a custom_vjp function": "It has no forward mode: leave 'fwd' out of modes, or write the rule by jax.custom_jvp",
}


class JaxCalls(Calls):
    """Trees are JAX's, so that whatever is registered with it is taken apart."""

    transformations = JaxTransformations()
    cures = CURES

    def flatten(self, tree: Any) -> tuple[list[Leaf], Callable[[Sequence[Any]], Any]]:
        leaves, structure = jax.tree_util.tree_flatten_with_path(tree)
        named = [("".join(map(_step, path)), leaf) for path, leaf in leaves]
        return named, lambda given: jax.tree_util.tree_unflatten(structure, list(given))

    def is_traced(self, leaf: Any) -> bool:
        return isinstance(leaf, jax.core.Tracer)

    def is_array(self, leaf: Any) -> bool:
        return isinstance(leaf, jax.Array | np.ndarray | np.generic | float | complex)

    def dtype_of(self, leaf: Any) -> str:
        return jnp.asarray(leaf).dtype.name

    def to_numpy(self, leaf: Any) -> np.ndarray:
        values = np.asarray(leaf)
        return values.astype(np.float64) if values.dtype == jnp.bfloat16 else values

    def like(self, values: np.ndarray, leaf: Any, dtype: str) -> jax.Array:
        made = np.array(values, jax.dtypes.canonicalize_dtype(dtype))
        return jax.device_put(made, next(iter(leaf.devices())) if isinstance(leaf, jax.Array) else None)

    def device_of(self, leaf: Any) -> str:
        return "cpu" if not isinstance(leaf, jax.Array) else next(iter(leaf.devices())).platform

    def contract(self, parts: Sequence[tuple[np.ndarray, Any]]) -> Any:
        first, *more = (_weighed(w, jnp.asarray(y)) for w, y in parts)
        return sum(more, start=first)

    def leaves(self, tree: Any) -> list[Any]:
        return jax.tree_util.tree_leaves(tree)

    def pulled_back(self, f: Callable, arrays: Sequence[Any], factors: Sequence[float]) -> list[tuple[Any, ...]]:
        return self.pulled_back_with_value(f, arrays, factors)[1]

    def pulled_back_with_value(
        self, f: Callable, arrays: Sequence[Any], factors: Sequence[float]
    ) -> tuple[Any, list[tuple[Any, ...]]]:
        value, pull = jax.vjp(f, *arrays)

        def pulled(by: float) -> tuple[Any, ...]:
            # JAX gives df/dRe - i df/dIm.
            parts = pull(jnp.asarray(by, jnp.result_type(value)))  # a constant may be a number of Python
            return tuple(jnp.conj(part) if jnp.iscomplexobj(part) else part for part in parts)

        return value, one_after_the_other(pulled, factors)

    def pushed_forward_with_value(self, f: Callable, arrays: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
        return self.transformations.value_and_tangent(f)(*arrays, *tangents)

    def total(self, rows: Any) -> Any:
        return jnp.sum(rows)

    def stacked(self, arrays: Sequence[Any]) -> Any:
        return jnp.stack(list(arrays))

    def taken(self, array: Any, places: np.ndarray) -> Any:
        return jnp.reshape(array, (-1,))[places]

    def zeros_like(self, array: Any) -> Any:
        return jnp.zeros_like(array)

    def trace(self, f: Callable, arguments: list[Any]) -> Traced:
        return trace(lambda *arrays: [f(*arrays)], arguments, [True] * len(arguments))

    def has_no_reverse(self, error: Exception) -> bool:
        return any(said in str(error) for said in NO_REVERSE)

    def settings(self) -> list[str]:
        off = "off: jax.config.update('jax_enable_x64', True) lets smaller errors be seen"
        found = [f"64 bits are {'on' if jax.config.jax_enable_x64 else off}"]
        precision = jax.config.jax_default_matmul_precision
        return found + ([f"jax_default_matmul_precision is {precision}"] if precision else [])


def _weighed(w: np.ndarray, y: jax.Array) -> jax.Array:
    if y.shape != w.shape:
        # It would be repeated, and its gradient wrong in numbers alone.
        raise TypeError(f"{OF_ANOTHER_SHAPE} {y.shape}, which is {w.shape} otherwise")
    w = np.asarray(np.conj(w), y.dtype)
    return jnp.sum(jnp.real(w * y) if jnp.iscomplexobj(y) else w * y)


def _step(step: Any) -> str:
    if isinstance(step, jax.tree_util.GetAttrKey):
        return f".{step.name}"
    return key_path(step.idx if isinstance(step, jax.tree_util.SequenceKey) else step.key)


CALLS = JaxCalls
