"""One operation of a TensorFlow graph on its way to the tape, and what its operands may be.

A value is `Cells` (floating-point numbers that depend on the input), `ComplexCells`, `Predicates` (booleans that do),
a list of tensors (`lists.TensorList`), or an eager tensor: all that does not depend on the input, resource handles too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from inspect import signature
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import tensorflow as tf

from gradproof.oracles.tape import Cells, ComplexCells, Predicates, Tape, Untraceable
from gradproof.oracles.tape.complex_cells import lifted
from gradproof.oracles.tape.program import PRECISIONS, is_user_code

Value = Any

TRUTH = "Say what is meant by truth=…, as code that can be traced or in xp."
NOISE = "Draw it outside and pass it as an argument, or use a stateless draw with a fixed seed."

PARTS = {"complex64": "float32", "complex128": "float64"}


def format_of(dtype: tf.DType) -> str:
    """The format of the numbers in a tensor of floating-point or complex dtype."""
    name = PARTS.get(dtype.name, dtype.name)
    if name not in PRECISIONS:
        raise Untraceable(dtype.name, "numbers of this format are not known here", cure="Use a wider dtype.")
    return name


def is_numeric(dtype: tf.DType) -> bool:
    """Whether tensors of this dtype hold numbers that may have a derivative."""
    return dtype.is_floating or dtype.is_complex


def on_tape(x: Value) -> bool:
    """Whether a value depends on the input."""
    return isinstance(x, Cells | ComplexCells | Predicates)


@cache
def parameters_of(name: str) -> list[str]:
    """The parameters of an operation's function in tf.raw_ops: its operands in their order, then its attributes."""
    return [p for p in signature(getattr(tf.raw_ops, name)).parameters if p != "name"]


@dataclass(slots=True)
class Operation:
    """A node of a graph, and the tape that it is lowered to."""

    node: tf.Operation
    tape: Tape

    @property
    def name(self) -> str:
        """The name of the kind of operation."""
        return self.node.type

    @property
    def dtype(self) -> tf.DType:
        """The dtype of the first result."""
        return self.node.outputs[0].dtype

    @property
    def format(self) -> str:
        """The format of the first result."""
        return format_of(self.dtype)

    def attribute(self, name: str) -> Any:
        """An attribute of the node; text as str."""
        value = self.node.get_attr(name)
        return value.decode() if isinstance(value, bytes) else value

    def is_used(self, result: int) -> bool:
        """Whether anything depends on one of the results."""
        output = self.node.outputs[result]
        return bool(output.consumers()) or any(x.name == output.name for x in self.node.graph.outputs)

    @property
    def where(self) -> str:
        """The place in the user's code that this node comes from, as "file.py:12"; "" where there is none."""
        for frame in reversed(self.node.traceback or ()):
            if is_user_code(frame.filename) and not Path(frame.filename).name.startswith("__autograph_generated"):
                return f"{Path(frame.filename).name}:{frame.lineno}"
        return ""

    def refuse(self, reason: str, cure: str = TRUTH) -> NoReturn:
        """Say that this operation cannot be put on the tape."""
        raise Untraceable(self.name, reason, self.where or self.tape.where, cure)

    def lift(self, x: Value, dtype: tf.DType | None = None) -> Any:
        """A value as cells in the format of this dtype, by default that of the first result; complex where that is."""
        dtype = dtype or self.dtype
        if not on_tape(x):
            return constant(self.tape, x, dtype)
        if dtype.is_complex:
            return lifted(self.tape, x, format_of(dtype))
        return self.tape.lift(x, format_of(dtype))

    def real(self, x: Value, dtype: tf.DType | None = None) -> Cells:
        """As `lift`, for operations that are known for real numbers only."""
        if isinstance(x, ComplexCells):
            self.refuse("it is not known here for complex numbers")
        return self.lift(x, dtype)

    def number(self, value: float, dtype: tf.DType | None = None) -> Cells:
        """A number of the kernel's or an attribute, as this dtype holds it."""
        return constant(self.tape, tf.constant(value, dtype or self.dtype), dtype or self.dtype)

    def array(self, x: Value) -> np.ndarray:
        """An operand that must be concrete, such as axes or indices; what the input decides is settled."""
        if isinstance(x, Predicates):
            return self.tape.settle(x)
        if on_tape(x):
            self.refuse("an operand that must be fixed depends on the input")
        return x.numpy()

    def tensor(self, x: Value) -> tf.Tensor:
        """A value that must be concrete from here on, as an eager tensor."""
        return tf.constant(self.array(x)) if on_tape(x) else x

    def poison(self, shape: Sequence[int], reason: str, cure: str = TRUTH, result: int = 0) -> Cells:
        """Cells that must not be used, for a result without a rule."""
        return self.tape.poison(shape, format_of(self.node.outputs[result].dtype), self.name, reason, cure)

    def by_framework(self, *operands: Any, **changed: Any) -> Any:
        """What TensorFlow itself computes for this operation from eager tensors."""
        return execute(self.node, operands, changed)


def execute(node: tf.Operation, operands: Sequence[Any], changed: dict[str, Any] | None = None) -> Any:
    """The results of a node's operation, run eagerly; operands that belong to a list are gathered here."""
    parameters = parameters_of(node.type)
    given, rest = {}, list(operands)
    definition = node.op_def
    for parameter, argument in zip(parameters, definition.input_arg, strict=False):
        if argument.number_attr or argument.type_list_attr:
            count = node.get_attr(argument.number_attr or argument.type_list_attr)
            count = count if isinstance(count, int) else len(count)
            given[parameter], rest = rest[:count], rest[count:]
        else:
            given[parameter], rest = rest[0], rest[1:]
    for parameter in parameters[len(definition.input_arg) :]:
        given[parameter] = _attribute(node, parameter)
    return getattr(tf.raw_ops, node.type)(**given | (changed or {}))


RENAMED = {("Squeeze", "axis"): "squeeze_dims"}
"""The one attribute that has another name in tf.raw_ops than in a graph."""


def _attribute(node: tf.Operation, name: str) -> Any:
    name = RENAMED.get((node.type, name), name)
    value = node.get_attr(name)
    kind = next(a.type for a in node.op_def.attr if a.name == name)
    if kind == "shape":
        return tf.TensorShape(value)
    if kind == "list(shape)":
        return [tf.TensorShape(shape) for shape in value]
    return value


def constant(tape: Tape, x: Any, dtype: tf.DType) -> Any:
    """What TensorFlow holds, as constants of the tape."""
    values = np.asarray(x.numpy() if tf.is_tensor(x) else x)
    if dtype.is_complex:
        return lifted(tape, values.astype(complex), format_of(dtype))
    return tape.constant(values.astype(float), format_of(dtype))


def moved(move: Callable[..., Any], op: Operation, *values: Value) -> Any:
    """What `move`, which takes index arrays and gives one or a list of them, makes of values of the first result's
    dtype: it is applied to the numbers of their cells."""
    tape, dtype = op.tape, op.dtype
    if dtype.is_complex:
        pairs = [op.lift(x) for x in values]
        re, im = (_renumbered(move, [getattr(pair, part) for pair in pairs]) for part in ("re", "im"))
        if isinstance(re, list):
            return [ComplexCells(*parts) for parts in zip(re, im, strict=True)]
        return ComplexCells(re, im)
    if dtype.is_floating:
        return _renumbered(move, [op.lift(x) for x in values])
    return _renumbered(move, [x if on_tape(x) else tape.lift_predicates(op.array(x)) for x in values])


def _renumbered(move: Callable[..., Any], values: Sequence[Cells | Predicates]) -> Any:
    result = move(*(x.numbers for x in values))
    return [values[0].like(r) for r in result] if isinstance(result, list) else values[0].like(result)
