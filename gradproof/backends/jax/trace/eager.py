"""A JAX trace that runs Python code with its values at hand, for functions whose control flow looks at them. Each
primitive goes to the interpreter as it comes."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.extend.core
import numpy as np
from jax.core import Trace, Tracer

from gradproof.backends.jax.trace.interpreter import Interpreter
from gradproof.backends.jax.trace.operation import Operation, Value, concrete
from gradproof.oracles.tape import Cells, ComplexCells, Predicates, Untraceable, where_in_user_code
from gradproof.oracles.tape.program import is_user_code

READS_VALUES = (
    jax.errors.ConcretizationTypeError,
    jax.errors.NonConcreteBooleanIndexError,
    jax.errors.TracerArrayConversionError,
)
"""What JAX raises where Python code looks at a value that is not there while a program is only recorded."""

LEAVES = "its value leaves the trace as a Python or NumPy number, and would come back as a constant"
STAY = "Keep it an array of JAX, under jax.lax.stop_gradient where a constant is meant."


class TapeTracer(Tracer):
    """A value of the interpreter in the place of an array."""

    def __init__(self, trace: "TapeTrace", aval: Any, held: Value) -> None:
        super().__init__(trace, aval)
        self.held = held

    def to_concrete_value(self) -> Any:
        """What a branch in Python, or an index, is decided by. Real numbers are not given away."""
        held, tape = self.held, self._trace.interpreter.tape
        if isinstance(held, Predicates):
            return tape.settle(held)
        if isinstance(held, Cells | ComplexCells):
            return None
        return held

    def __array__(self, *arguments: Any, **options: Any) -> np.ndarray:
        value = self.to_concrete_value()
        if value is None:
            raise Untraceable("numpy.asarray", LEAVES, where_in_user_code(), STAY)
        return np.asarray(value, *arguments, **options)


class TapeTrace(Trace):
    """Hands each primitive to an interpreter."""

    def __init__(self, interpreter: Interpreter) -> None:
        super().__init__()
        self.interpreter = interpreter

    def held(self, x: Any) -> Value:
        """What stands behind an array or a tracer."""
        return x.held if isinstance(x, TapeTracer) else concrete(self.interpreter.tape, x)

    def stage_value(self, x: Any) -> Any:
        """An array of the program's own, as a tracer."""
        return x if isinstance(x, TapeTracer) else TapeTracer(self, jax.typeof(x), self.held(x))

    def process_primitive(self, primitive: Any, tracers: Sequence[Any], params: dict[str, Any], /) -> Any:
        """The results of a primitive, as tracers."""
        avals = [jax.typeof(x) for x in tracers]
        results, _ = primitive.abstract_eval(*avals, **params)
        results = list(results) if primitive.multiple_results else [results]
        tape = self.interpreter.tape
        tape.where = where_in_user_code()
        op = Operation(primitive, params, results, tape, self.interpreter.run)
        found = self.interpreter.apply(op, [self.held(x) for x in tracers])
        wrapped = [TapeTracer(self, aval, x) for aval, x in zip(results, found, strict=True)]
        return wrapped if primitive.multiple_results else wrapped[0]

    def process_call(self, primitive: Any, f: Any, tracers: Sequence[Any], params: dict[str, Any], /) -> Any:
        """A call is entered."""
        return self._enter(primitive, f, tracers)

    def _enter(self, primitive: Any, f: Any, tracers: Sequence[Any]) -> Any:
        self.interpreter.operations[primitive.name] += 1
        self.interpreter.note_rule(primitive.name, f)
        with jax.extend.core.set_current_trace(self):
            return f.call_wrapped(*tracers)

    def process_custom_jvp_call(self, primitive: Any, fun: Any, jvp: Any, tracers: Sequence[Any], /, **_: Any) -> Any:
        """The primal function is entered."""
        return self._enter(primitive, fun, tracers)

    def process_custom_vjp_call(
        self, primitive: Any, fun: Any, fwd: Any, bwd: Any, tracers: Sequence[Any], /, **_: Any
    ) -> Any:
        """The primal function is entered."""
        return self._enter(primitive, fun, tracers)


def run_eagerly(
    f: Callable[..., list[Any]], interpreter: Interpreter, values: Sequence[Value], arguments: Sequence[jax.Array]
) -> list[Value]:
    """The results of `f` at these values, which stand for these arguments."""
    if not hasattr(jax.extend.core, "set_current_trace"):
        reason = "Python looks at values here, which can be followed from JAX 0.5 on"
        raise Untraceable(
            "reading a number from an array", reason, cure="Use jax.lax.cond and its like, or a newer JAX"
        )
    trace = TapeTrace(interpreter)
    tracers = [TapeTracer(trace, jax.typeof(x), value) for x, value in zip(arguments, values, strict=True)]
    try:
        with jax.extend.core.set_current_trace(trace):
            results = f(*tracers)
    except READS_VALUES as error:
        raise Untraceable("reading a number from an array", LEAVES, where_of(error), STAY) from error
    return [trace.held(x) for x in results]


def where_of(error: BaseException) -> str:
    """The innermost place in the user's code that an error came through."""
    place, step = "", error.__traceback__
    while step is not None:
        path = step.tb_frame.f_code.co_filename
        if is_user_code(path):
            place = f"{path.rpartition('/')[2]}:{step.tb_lineno}"
        step = step.tb_next
    return place
