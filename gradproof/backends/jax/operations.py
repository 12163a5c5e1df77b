"""JAX's operations: the public functions of its namespaces of arrays."""

import importlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gradproof.backends.jax.hints import HINTS, REASONS
from gradproof.backends.operations import FIRST_ORDER, SECOND_ORDER, Operation, Operations, Sample
from gradproof.backends.probing import Prober, usual_forms

SPACES = (
    *("jax.numpy", "jax.numpy.linalg", "jax.numpy.fft", "jax.lax", "jax.lax.linalg", "jax.nn", "jax.ops", "jax.image"),
    *(f"jax.scipy.{name}" for name in "cluster.vq fft integrate linalg ndimage optimize signal".split()),
    *("jax.scipy.sparse.linalg", "jax.scipy.special", "jax.scipy.stats"),
)

DTYPES = ("float64", "float32", "float16", "bfloat16", "complex128")


class JaxOperations(Operations):
    """The public functions of the namespaces, each under the name by which it is called."""

    def all(self) -> list[Operation]:
        jax.config.update("jax_enable_x64", True)
        return [_operation(space, name, f) for space, name, f in sorted(_functions(), key=lambda one: one[:2])]

    def replaced(self, array: Any, mask: np.ndarray, value: float) -> Any:
        return jnp.where(mask, jnp.asarray(value, array.dtype), array)


def _functions() -> Iterator[tuple[str, str, Callable]]:
    for space in SPACES:
        module = importlib.import_module(space)
        yield from ((space, name, f) for name, f in _public(module))
        if space == "jax.scipy.stats":
            for name, inner in vars(module).items():
                if inspect.ismodule(inner) and not name.startswith("_"):
                    yield from ((space, f"{name}.{own}", f) for own, f in _public(inner))


def _public(module: Any) -> Iterator[tuple[str, Callable]]:
    for name in dir(module):
        value = getattr(module, name)
        # A primitive is not called, and a type makes no array.
        is_function = callable(value) and not inspect.isclass(value) and not name.endswith("_p")
        if is_function and not name.startswith("_") and not name[0].isupper():
            yield name, value


PROBER = Prober(
    array=lambda values, dtype: jnp.asarray(values, dtype),
    data=jnp.asarray,
    is_answer=lambda result: _is_answer(result),
)


def _is_answer(result: Any) -> bool:
    arrays = [leaf for leaf in jax.tree_util.tree_leaves(result) if isinstance(leaf, jax.Array)]
    floating = [leaf for leaf in arrays if jnp.issubdtype(leaf.dtype, jnp.inexact)]
    return bool(floating) and all(bool(jnp.isfinite(leaf).all()) for leaf in floating)


def _operation(space: str, name: str, f: Callable) -> Operation:
    full = f"{space}.{name}"
    return Operation(
        name=full,
        source=space,
        samples=partial(_samples, space, name, f),
        dtypes=DTYPES,
        modes=(*FIRST_ORDER, *SECOND_ORDER),
        # The identity of a network is a function; that of matrices is a constant.
        reason="" if full == "jax.nn.identity" else REASONS.get(name, ""),
    )


def _samples(space: str, name: str, f: Callable, dtype: str) -> Sequence[Sample]:
    full = f"{space}.{name}"
    forms = HINTS.get(full) or HINTS.get(name) or PROBER.working(full, f, list(usual_forms(f)))
    return [PROBER.sample(full, f, given, dtype) for given in forms]


OPERATIONS = JaxOperations
