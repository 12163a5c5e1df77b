"""Special functions that JAX writes in terms of its primitives. They are operations of their own, held to the
mathematical function and not to the series that computes it here."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np

from gradproof.backends.jax.trace.operation import Operation, Value
from gradproof.oracles.tape import Cells, ComplexCells, faddeeva, lowering


def _expn(op: Operation, n: np.ndarray, x: Cells) -> Cells:
    return op.tape.map("expn", op.tape.constant(np.asarray(n, float), x.format), x)


def _unary(name: str) -> Callable[[Operation, Cells], Cells]:
    return lambda op, x: op.tape.map(name, x)


def _ldexp(op: Operation, x: Cells, n: np.ndarray) -> Cells:
    # In two steps, as the power by itself may leave the range.
    half = np.asarray(n) // 2
    return x * np.ldexp(1.0, half) * np.ldexp(1.0, n - half)


def _frexp(op: Operation, x: Cells) -> list[Value]:
    """The significand, which jumps where the exponent does."""
    exponents = np.where(np.isfinite(x.value), np.frexp(x.value)[1], 0)
    certain = np.isfinite(x.value) & (x.value != 0)
    size, tape = op.tape.abs(x)[certain], op.tape
    tape.settle(tape.compare("ge", size, np.ldexp(0.5, exponents[certain])))
    tape.settle(tape.compare("lt", size, np.ldexp(1.0, exponents[certain])))
    return [_ldexp(op, x, -exponents), exponents.astype(np.int32)]


def _cut_series(op: Operation, *values: Value) -> NoReturn:
    op.refuse("its series is cut where the value changes no more, and the derivative of what is left is another one")


RULES: tuple[tuple[Callable[..., Any], int, int | None, Callable[..., Cells | list[Value]]], ...] = (
    (jax.scipy.special.expn, 2, 1, _expn),
    (jax.scipy.special.log_ndtr, 1, 0, _unary("log_ndtr")),
    (jnp.ldexp, 2, 0, _ldexp),
    (jnp.frexp, 1, 0, _frexp),
    (jnp.sinc, 1, 0, _unary("sinc")),
    (jax.scipy.special.hyp1f1, 3, None, _cut_series),
    (jax.scipy.special.hyp2f1, 4, None, _cut_series),
)
"""JAX's function, how many arrays it takes, which of them alone is differentiated, None for any, and its rule."""


def _source(f: Callable[..., Any]) -> tuple[str, str]:
    code = inspect.unwrap(f).__code__
    return code.co_filename, code.co_name


BY_SOURCE = {(*_source(f), count): (place, rule) for f, count, place, rule in RULES}
# These have their derivatives where nobody calls them by a public name, and older versions of JAX have none of them.
_FILE = _source(jax.scipy.special.log_ndtr)[0]
BY_SOURCE[_FILE, "_erfcx", 1] = 0, lambda op, x: lowering.erfcx(x)
BY_SOURCE[_FILE, "_wofz", 1] = None, lambda op, z: faddeeva.wofz(op.lift(z))


def rule_for(program: Any, values: Sequence[Value]) -> Callable[..., Cells | list[Value]] | None:
    """The rule for an inner program that is one of these functions, told by where it is written."""
    written = getattr(program, "jaxpr", program).debug_info
    if written is None or not hasattr(written, "func_filename"):
        return None  # an older version of JAX does not say
    place, rule = BY_SOURCE.get((written.func_filename, written.func_name, len(values)), (0, None))
    differentiated = [i for i, x in enumerate(values) if isinstance(x, Cells | ComplexCells)]
    known = bool(differentiated) if place is None else differentiated == [place] and isinstance(values[place], Cells)
    return rule if known else None
