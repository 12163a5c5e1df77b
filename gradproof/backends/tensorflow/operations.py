"""TensorFlow's operations: its public functions of numbers, and the raw operations that have a gradient registered."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import op_def_registry, ops

from gradproof.backends.operations import FIRST_ORDER, SECOND_ORDER, Layout, Operation, Operations, Sample
from gradproof.backends.probing import Prober, usual_forms
from gradproof.backends.tensorflow.hints import HINTS, REASONS
from gradproof.backends.tensorflow.trace.operation import parameters_of

SPACES = ("math", "nn", "linalg", "image", "signal")

DTYPES = ("float64", "float32", "float16", "bfloat16", "complex128")

NO_NUMBERS = tuple(dtype.as_datatype_enum for dtype in (tf.resource, tf.string, tf.variant))
"""The types of arguments that hold no numbers."""


class TensorflowOperations(Operations):
    """The public functions by their names, and raw operations as tf.raw_ops has them."""

    layouts: Sequence[Layout] = ()

    def all(self) -> list[Operation]:
        return [_operation(source, name, f) for source, name, f in _functions()]

    def replaced(self, array: Any, mask: np.ndarray, value: float) -> Any:
        return tf.where(mask, tf.cast(value, array.dtype), array)


def _functions() -> Iterator[tuple[str, str, Callable]]:
    for space in SPACES:
        module = getattr(tf, space)
        for name in dir(module):
            value = getattr(module, name)
            if callable(value) and not inspect.isclass(value) and not name.startswith("_"):
                yield f"tf.{space}", f"tf.{space}.{name}", value
    for name in sorted(ops.gradient_registry.list()):
        if ops.gradient_registry.lookup(name) is not None and hasattr(tf.raw_ops, name):
            yield "tf.raw_ops with a registered gradient", f"tf.raw_ops.{name}", _raw(name)


def _raw(name: str) -> Callable:
    """A raw operation as a function of its arguments by position, each a parameter without a default; attributes are
    given by name."""
    names = parameters_of(name)[: len(op_def_registry.get(name).input_arg)]

    def call(*arrays: Any, **attributes: Any) -> Any:
        return getattr(tf.raw_ops, name)(**dict(zip(names, arrays, strict=True)), **attributes)

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    call.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in names])  # type: ignore[attr-defined]
    return call


def _is_answer(result: Any) -> bool:
    arrays = [leaf for leaf in tf.nest.flatten(result) if tf.is_tensor(leaf)]
    floating = [leaf for leaf in arrays if leaf.dtype.is_floating or leaf.dtype.is_complex]
    return bool(floating) and all(bool(np.isfinite(leaf.numpy()).all()) for leaf in floating)


PROBER = Prober(array=lambda values, dtype: tf.constant(values, dtype), data=tf.constant, is_answer=_is_answer)


def _operation(source: str, name: str, f: Callable) -> Operation:
    return Operation(
        name=name,
        source=source,
        samples=partial(_samples, name, f),
        dtypes=DTYPES,
        modes=(*FIRST_ORDER, *SECOND_ORDER),
        reason=_reason(name),
    )


def _reason(name: str) -> str:
    last = name.rpartition(".")[2]
    if name in REASONS or last in REASONS:
        return REASONS.get(name, REASONS.get(last, ""))
    if ".raw_ops." not in name:
        return ""
    if any(argument.type in NO_NUMBERS for argument in op_def_registry.get(last).input_arg):
        return "not differentiable here: it takes handles, strings or variants, which its public functions make"
    return ""


def _samples(name: str, f: Callable, dtype: str) -> Sequence[Sample]:
    last = name.rpartition(".")[2]
    forms = HINTS.get(name) or HINTS.get(last) or PROBER.working(name, f, list(usual_forms(f)))
    return [PROBER.sample(name, f, given, dtype) for given in forms]


OPERATIONS = TensorflowOperations
