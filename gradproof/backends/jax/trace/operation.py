"""One operation of a JAX program on its way to the tape, and what its operands may be.

A value is `Cells` (floating-point), `ComplexCells`, `Predicates` (booleans that depend on the input), a NumPy array
(integers, and booleans that do not), or, for random keys, a JAX array."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np

from gradproof.oracles.tape import Cells, ComplexCells, Predicates, Tape, Untraceable
from gradproof.oracles.tape.complex_cells import lifted
from gradproof.oracles.tape.program import PRECISIONS

Value = Cells | ComplexCells | Predicates | np.ndarray | jax.Array

GIVE_TRUTH = "Say what it computes, as truth=…"
"""The cure for an operation that cannot be followed."""


def is_float(dtype: Any) -> bool:
    """Whether arrays of this dtype hold real floating-point numbers."""
    return jnp.issubdtype(dtype, jnp.floating)


def is_complex(dtype: Any) -> bool:
    """Whether arrays of this dtype hold complex numbers."""
    return jnp.issubdtype(dtype, jnp.complexfloating)


def is_plain(dtype: Any) -> bool:
    """Whether arrays of this dtype hold integers or booleans."""
    return jnp.issubdtype(dtype, np.integer) or jnp.issubdtype(dtype, np.bool_)


def format_of(dtype: Any) -> str:
    """The format of the numbers in an array of floating-point or complex dtype."""
    name = np.dtype(dtype).name
    name = {"complex64": "float32", "complex128": "float64"}.get(name, name)
    if name not in PRECISIONS:
        raise Untraceable(name, "numbers of this format are not known here", cure="Use a wider dtype.")
    return name


@dataclass(slots=True)
class Operation:
    """A primitive with its parameters, the avals of its results, and the tape they are written on.

    `run(program, values)` interprets an inner program. Of the results only those `needed` must be right; None means
    all."""

    primitive: Any
    params: dict[str, Any]
    results: Sequence[Any]
    tape: Tape
    run: Callable[..., list[Value]]
    needed: Sequence[bool] | None = None

    @property
    def name(self) -> str:
        """The name of the primitive."""
        return self.primitive.name

    @property
    def dtype(self) -> Any:
        """The dtype of the first result."""
        return self.results[0].dtype

    @property
    def format(self) -> str:
        """The format of the first result."""
        return format_of(self.dtype)

    def refuse(self, reason: str, cure: str = GIVE_TRUTH) -> NoReturn:
        """Say that this operation cannot be put on the tape."""
        raise Untraceable(self.name, reason, self.tape.where, cure)

    def concrete(self, x: Any, dtype: Any = None) -> Value:
        """What does not depend on the input, as a value: floating-point numbers as constants of the tape."""
        return concrete(self.tape, x, dtype)

    def lift(self, x: Value, dtype: Any = None) -> Cells | ComplexCells:
        """Any value as cells of this dtype, by default that of the first result."""
        dtype = self.dtype if dtype is None else dtype
        return lifted(self.tape, x, format_of(dtype)) if is_complex(dtype) else self.tape.lift(x, format_of(dtype))

    def by_framework(self, *arrays: Any) -> list[Any]:
        """What JAX itself computes for this operation at these arrays."""
        # Whatever is being traced, this is computed at once.
        with jax.ensure_compile_time_eval():
            results = self.primitive.bind(*arrays, **self.params)
        return list(results) if self.primitive.multiple_results else [results]


def concrete(tape: Tape, x: Any, dtype: Any = None) -> Value:
    """What JAX holds, as a value."""
    if isinstance(x, Cells | ComplexCells | Predicates):
        return x
    dtype = getattr(x, "dtype", None) if dtype is None else dtype
    if dtype is None:
        x = np.asarray(x)
        dtype = x.dtype
    if is_float(dtype):
        return tape.constant(np.asarray(x).astype(dtype).astype(float), format_of(dtype))
    if is_complex(dtype):
        return lifted(tape, np.asarray(x).astype(dtype).astype(complex), format_of(dtype))
    return np.asarray(x).astype(dtype) if is_plain(dtype) else x


def as_plain(tape: Tape, x: Value) -> np.ndarray | jax.Array:
    """A value that must be concrete from here on: predicates are settled."""
    return tape.settle(x) if isinstance(x, Predicates) else x


def moved(move: Callable[..., Any], tape: Tape, dtype: Any, *values: Value) -> Any:
    """What `move`, which takes arrays and gives an array or a list of them, makes of values of one dtype: it is applied
    to the numbers of their cells, or to the entries of what is concrete."""
    if is_complex(dtype):
        pairs = [lifted(tape, x, format_of(dtype)) for x in values]
        re, im = (_renumbered(move, [getattr(pair, part) for pair in pairs]) for part in ("re", "im"))
        if isinstance(re, list):
            return [ComplexCells(*parts) for parts in zip(re, im, strict=True)]
        return ComplexCells(re, im)
    if is_float(dtype):
        return _renumbered(move, [tape.lift(x, format_of(dtype)) for x in values])
    if any(isinstance(x, Predicates) for x in values):
        return _renumbered(move, [tape.lift_predicates(x) for x in values])
    return move(*values)


def _renumbered(move: Callable[..., Any], values: Sequence[Cells | Predicates]) -> Any:
    result = move(*(x.numbers for x in values))
    return [values[0].like(r) for r in result] if isinstance(result, list) else values[0].like(result)
