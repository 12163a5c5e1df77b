"""The forward pass of a JAX function, put on a tape.

`jax.make_jaxpr` gives the program, and an interpreter runs it once on cells. A function whose Python code looks at its
values, as `if x > 0` does, has no jaxpr; it is run under a trace of ours instead, eagerly, as `jax.grad` would."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from gradproof.backends.jax.trace.eager import READS_VALUES, run_eagerly
from gradproof.backends.jax.trace.interpreter import OPERATIONS, Interpreter
from gradproof.backends.jax.trace.operation import Value, concrete, format_of, is_complex, is_float
from gradproof.backends.tracing import Traced
from gradproof.oracles.tape import Cells, ComplexCells, Predicates, Tape

__all__ = ["OPERATIONS", "trace"]


def trace(f: Callable[..., list[Any]], arguments: Sequence[Any], differentiated: Sequence[bool]) -> Traced:
    """The tape of `f(*arguments)`, a list of JAX arrays. Differentiated arguments are floating-point or complex; all
    others are data. Raises `Untraceable` for what cannot be put on a tape."""
    arguments = [jax.numpy.asarray(argument) for argument in arguments]
    tape = Tape()
    values = [_value(tape, x, wanted) for x, wanted in zip(arguments, differentiated, strict=True)]
    inputs = [value for value, wanted in zip(values, differentiated, strict=True) if wanted]
    interpreter = Interpreter(tape, _platform(arguments))
    try:
        program = jax.make_jaxpr(f)(*arguments)
    except READS_VALUES:
        results = run_eagerly(f, interpreter, values, arguments)
    else:
        results = interpreter.run(program, values)
    outputs, own_rules = [_output(x) for x in results], list(interpreter.own_rules)
    return Traced(tape, inputs, outputs, interpreter.operations, _replay(f), own_rules=own_rules)


def _value(tape: Tape, x: jax.Array, wanted: bool) -> Value:
    if not wanted:
        return concrete(tape, x)
    if is_complex(x.dtype):
        format = format_of(x.dtype)
        return ComplexCells(*(tape.input(np.asarray(part, float), format) for part in (x.real, x.imag)))
    if not is_float(x.dtype):
        raise TypeError(f"an array of {x.dtype} has no derivative: differentiate floating-point or complex arrays")
    return tape.input(np.asarray(x, float), format_of(x.dtype))


def _output(x: Value) -> Cells | ComplexCells | np.ndarray:
    if isinstance(x, Cells | ComplexCells):
        return x
    return x.value if isinstance(x, Predicates) else np.asarray(x)


def _platform(arguments: Sequence[jax.Array]) -> str:
    for x in arguments:
        (device, *_) = x.devices()
        return {"gpu": "cuda"}.get(device.platform, device.platform)
    return jax.default_backend()


def _replay(f: Callable[..., list[Any]]) -> Callable[[Sequence[Any]], list[np.ndarray]]:
    def replay(arguments: Sequence[Any]) -> list[np.ndarray]:
        try:
            # Under a new name, so that the code runs again: JAX keeps what it recorded of a function.
            results = jax.jit(lambda *leaves: f(*leaves))(*arguments)
        except READS_VALUES:
            results = f(*arguments)
        return [np.asarray(x) for x in results]

    return replay
