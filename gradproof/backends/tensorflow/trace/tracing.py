"""The front end: a forward pass of TensorFlow as a record on a tape, by the graph of a concrete function."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from gradproof.backends.tensorflow.trace.interpreter import Interpreter, Unknown
from gradproof.backends.tensorflow.trace.lists import TensorList
from gradproof.backends.tensorflow.trace.operation import format_of, is_numeric
from gradproof.backends.tensorflow.transformations import scope_kept
from gradproof.backends.tracing import Traced
from gradproof.oracles.tape import Cells, ComplexCells, Predicates, Tape, Untraceable
from gradproof.oracles.tape.program import is_user_code

NO_GRAPH = (
    "Write what depends on tensors in TensorFlow's own operations (tf.cond, tf.where, tf.unstack for a loop over rows, "
    "no .numpy()), or say what is meant by truth=…"
)


def trace(f: Callable[..., list[Any]], arguments: Sequence[Any], differentiated: Sequence[bool]) -> Traced:
    """The forward pass of `f(*arguments)`, which returns a list of tensors, on a tape.

    Arguments are tensors and variables; `differentiated` says of each whether a derivative in it is asked for. Raises
    `Untraceable` for what has no graph, or what the graph has and the tape does not, with the place in the user's
    code."""
    arguments = [a if isinstance(a, tf.Variable) else tf.convert_to_tensor(a) for a in arguments]
    concrete = _concrete_function(f, arguments)
    tape = Tape()
    run = Interpreter(tape)
    values = []
    inputs = []
    for argument, wanted in zip(arguments, differentiated, strict=True):
        value = _input(tape, argument) if wanted else argument
        inputs += [value] if wanted else []
        if not isinstance(argument, tf.Variable):
            values.append(value)
        elif wanted:
            run.input_variable(argument.handle, value)
    results = run.run(concrete.graph, [*values, *concrete.captured_inputs])
    run.finish()
    outputs = [_output(tape, x) for x in results]
    return Traced(tape, inputs, outputs, run.operations, _replay(f, arguments))


def _concrete_function(f: Callable[..., list[Any]], arguments: Sequence[Any]) -> Any:
    """`f` as a function of its tensors; variables are seen through their handles."""
    specs = [tf.TensorSpec(a.shape, a.dtype) for a in arguments if not isinstance(a, tf.Variable)]

    def run(*tensors: Any) -> list[Any]:
        rest = iter(tensors)
        return [
            tf.convert_to_tensor(x) for x in f(*[a if isinstance(a, tf.Variable) else next(rest) for a in arguments])
        ]

    try:
        with scope_kept():
            return tf.function(run, autograph=False).get_concrete_function(*specs)
    except Untraceable:
        raise
    except Exception as error:  # whatever a user's code does with tensors that have no values
        refusal = Untraceable("tf.function", _reason(error), _place_of(error), NO_GRAPH)
        if not isinstance(error, tf.errors.OperatorNotAllowedInGraphError):
            raise refusal from error
    # Python code that branches on a tensor: AutoGraph makes branches of the graph of it.
    try:
        with scope_kept():
            return tf.function(run, autograph=True).get_concrete_function(*specs)
    except Exception as error:
        raise refusal from error


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [""]
    sentence = lines[-1].strip().partition(". ")[0].removeprefix(f"{type(error).__name__}: ")
    return f"the code has no graph ({type(error).__name__}: {sentence.rstrip('.')})"


def _place_of(error: BaseException) -> str:
    """The innermost place in the user's code that an error came through."""
    place, step = "", error.__traceback__
    while step is not None:
        path = Path(step.tb_frame.f_code.co_filename)
        if is_user_code(str(path)) and not path.name.startswith("__autograph_generated"):
            place = f"{path.name}:{step.tb_lineno}"
        step = step.tb_next
    return place


def _input(tape: Tape, argument: Any) -> Cells | ComplexCells:
    if not is_numeric(argument.dtype):
        raise TypeError(
            f"a tensor of {argument.dtype.name} has no derivative: differentiate floating-point or complex ones"
        )
    values, format = argument.numpy(), format_of(argument.dtype)
    if argument.dtype.is_complex:
        return ComplexCells(tape.input(values.real, format), tape.input(values.imag, format))
    return tape.input(values.astype(float), format)


def _output(tape: Tape, x: Any) -> Cells | ComplexCells | np.ndarray:
    if isinstance(x, Unknown):
        raise x.refusal
    if isinstance(x, TensorList):
        raise Untraceable("TensorList", "a list of tensors is no result", "", "Return its tensors stacked.")
    if isinstance(x, Predicates):
        return x.value
    if not isinstance(x, Cells | ComplexCells):
        return _values(x)
    for part in (x.re, x.im) if isinstance(x, ComplexCells) else (x,):
        tape.refuse_poisoned(part)
    return x


def _values(x: Any) -> np.ndarray:
    """A result as an array of its own dtype; NumPy has no bfloat16, so float32 in its place."""
    x = tf.convert_to_tensor(x)
    return (tf.cast(x, tf.float32) if x.dtype == tf.bfloat16 else x).numpy()


def _replay(f: Callable[..., list[Any]], arguments: Sequence[Any]) -> Callable[[Sequence[Any]], list[np.ndarray]]:
    def replay(others: Sequence[Any]) -> list[np.ndarray]:
        given = [tf.cast(tf.convert_to_tensor(x), a.dtype) for x, a in zip(others, arguments, strict=True)]
        with _holding(arguments, given) as moved:
            return [_values(x) for x in f(*moved)]

    return replay


@contextlib.contextmanager
def _holding(arguments: Sequence[Any], values: Sequence[tf.Tensor]) -> Iterator[list[Any]]:
    """Arguments with these values: variables are assigned them, and have their own again afterwards."""
    variables = [(a, x) for a, x in zip(arguments, values, strict=True) if isinstance(a, tf.Variable)]
    before = [tf.identity(a) for a, _ in variables]
    try:
        for variable, x in variables:
            variable.assign(x)
        yield [a if isinstance(a, tf.Variable) else x for a, x in zip(arguments, values, strict=True)]
    finally:
        for (variable, _), x in zip(variables, before, strict=True):
            variable.assign(x)
