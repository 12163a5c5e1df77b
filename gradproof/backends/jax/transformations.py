"""How JAX differentiates, whatever its settings."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jaxlib
import numpy as np

from gradproof.backends.transformations import Transformations


class JaxTransformations(Transformations):
    """JAX's own transformations."""

    name = "jax"
    # Measured, JAX 0.10.2 on x86-64, eager, jit and vmap, 1 to 2e6 entries: results of * / sum exp below the smallest
    # normal number become zero, and so do subnormal inputs. On a GPU it is assumed, not measured.
    flushes_subnormals = ("cpu", "gpu")

    def version(self) -> str:
        return f"{jax.__version__} (jaxlib {jaxlib.__version__})"

    def to_numpy(self, array: Any) -> np.ndarray:
        if not isinstance(array, jax.Array):
            raise TypeError(f"{array!r} is a {type(array).__name__}, not a JAX array")
        return np.asarray(array)

    def gradient(self, f: Callable) -> Callable:
        def gradient(*arguments: jax.Array) -> tuple[jax.Array, ...]:
            parts = jax.grad(f, tuple(range(len(arguments))))(*arguments)
            # JAX gives df/dRe - i df/dIm.
            return tuple(jnp.conj(part) if jnp.iscomplexobj(part) else part for part in parts)

        return gradient

    rules_give_values = True

    def value_and_gradient(self, f: Callable) -> Callable:
        def both(*arguments: jax.Array) -> tuple[jax.Array, tuple[jax.Array, ...]]:
            value, parts = jax.value_and_grad(f, tuple(range(len(arguments))))(*arguments)
            return value, tuple(jnp.conj(part) if jnp.iscomplexobj(part) else part for part in parts)

        return both

    def value_and_tangent(self, f: Callable) -> Callable:
        def push(*arrays: jax.Array) -> Any:
            count = len(arrays) // 2
            return jax.jvp(f, arrays[:count], arrays[count:])

        return push

    def jvp(self, f: Callable) -> Callable:
        def push(*arrays: jax.Array) -> Any:
            count = len(arrays) // 2
            return jax.jvp(f, arrays[:count], arrays[count:])[1]

        return push

    def vectorize(self, f: Callable) -> Callable:
        return jax.vmap(f)

    def checkpoint(self, f: Callable) -> Callable:
        return jax.checkpoint(f)

    def compile(self, f: Callable) -> Callable:
        return jax.jit(f)

    def forward(self, f: Callable) -> Callable:
        compiled = jax.jit(f)

        def value(*arguments: jax.Array) -> jax.Array:
            try:
                return compiled(*arguments)
            except jax.errors.JAXTypeError:
                return f(*arguments)  # it looks at the values of its arguments

        return value

    prepared = compile

    def with_pullback(self, f: Callable, rule: Callable) -> Callable:
        code = jax.custom_vjp(f)
        code.defvjp(lambda *arguments: (f(*arguments), arguments), lambda arguments, g: tuple(rule(arguments, g)))
        return code

    def with_tangent(self, f: Callable, rule: Callable) -> Callable:
        code = jax.custom_jvp(f)
        code.defjvp(lambda primals, tangents: (f(*primals), rule(*primals, *tangents)))
        return code

    def is_compiling(self, array: Any) -> bool:
        return isinstance(array, jax.core.Tracer)

    def is_mapped(self, array: Any) -> bool:
        # Its class is not public.
        return isinstance(array, jax.core.Tracer) and hasattr(array, "batch_dim")
