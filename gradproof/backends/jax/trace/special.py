"""Special functions that JAX writes in terms of its primitives. They are operations of their own, held to the
mathematical function and not to the series that computes it here."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gradproof.backends.jax.trace.operation import Operation, Value
from gradproof.oracles.tape import Cells


def _expn(op: Operation, n: np.ndarray, x: Cells) -> Cells:
    return op.tape.map("expn", op.tape.constant(np.asarray(n, float), x.format), x)


def _unary(name: str) -> Callable[[Operation, Cells], Cells]:
    return lambda op, x: op.tape.map(name, x)


RULES: tuple[tuple[Callable[..., Any], int, Callable[..., Cells]], ...] = (
    (jax.scipy.special.expn, 2, _expn),
    (jax.scipy.special.log_ndtr, 1, _unary("log_ndtr")),
    (jnp.sinc, 1, _unary("sinc")),
)
"""JAX's function, how many arrays it takes, and its rule."""


def _source(f: Callable[..., Any]) -> tuple[str, str]:
    code = inspect.unwrap(f).__code__
    return code.co_filename, code.co_name


BY_SOURCE = {(*_source(f), count): rule for f, count, rule in RULES}


def rule_for(program: Any, values: Sequence[Value]) -> Callable[..., Cells] | None:
    """The rule for an inner program that is one of these functions, told by where it is written."""
    written = getattr(program, "jaxpr", program).debug_info
    if written is None or not hasattr(written, "func_filename"):
        return None  # an older version of JAX does not say
    rule = BY_SOURCE.get((written.func_filename, written.func_name, len(values)))
    return rule if rule is not None and isinstance(values[-1], Cells) else None
