"""Lists and NumPy's own numbers among the arrays of a body. Not every backend takes them, and those that do take them
for float64, so that a float32 program loses its dtype: by the body, whichever backend runs it."""

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from gradproof.oracles.balls import BallArithmetic, arrays, complex_numbers
from gradproof.registry import Function, Inputs

OPERATORS = ("add", "subtract", "multiply", "divide", "pow", "matmul", "greater", "equal")
"""What stands behind the operators of arrays."""

BETWEEN = (__file__, arrays.__file__, complex_numbers.__file__)
"""The files through which a body reaches these."""

WIDE = (np.dtype(np.float64), np.dtype(np.complex128))


def foreign(function: Function) -> str:
    """Where the body or the derivation of a function first mixes an array with a list or with NumPy's own numbers, and
    what to write instead; empty where neither does, or raises before."""
    inputs = _an_input(function)
    codes = [("the body", function.body)] if function.has_body else []
    codes += [("the hand-derived gradient", function.hand)] if function.hand is not None else []
    for what, code in codes:
        on = _Watching(function.path)
        arguments = [on.inputs(x) for x in inputs]
        domains = function.domains.values()
        pairs = zip(domains, arguments, strict=True)
        native = [complex_numbers.of_pairs(x) if domain.is_complex else x for domain, x in pairs]
        # What it raises is told where it is evaluated.
        with contextlib.suppress(Exception):
            code(on.namespace(), *native)
        if on.met:
            return f"line {on.met[0]}: {what} mixes an array with {on.met[1]}"
    return ""


def _an_input(function: Function) -> Inputs:
    return function.points[0] if function.points else tuple(np.ones(d.real_shape) for d in function.domains.values())


class _Watching(BallArithmetic):
    """An evaluation in balls that notes the first operand of an operator that is no array of its own."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.met: tuple[int, str] | tuple[()] = ()

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        return self._watched(found) if name in OPERATORS else found

    def _watched(self, operation: Callable) -> Callable:
        def watched(*operands: Any, **options: Any) -> Any:
            if not self.met:
                self.met = next((told for operand in operands if (told := self._told(operand))), ())
            return operation(*operands, **options)

        return watched

    def _told(self, operand: Any) -> tuple[int, str] | tuple[()]:
        what = _kind(operand)
        line = _line_in(self.path) if what else None
        return (line, what) if line is not None else ()


def _kind(operand: Any) -> str:
    """What an operand is that is no array of the backend, with the cure; empty where it is one, or a number."""
    if isinstance(operand, list | tuple):
        kind = f"a {type(operand).__name__} of numbers"
        return f"{kind}, which NumPy takes for float64, and others not at all: write xp.asarray({_shortly(operand)})"
    if isinstance(operand, np.ndarray) and operand.dtype in WIDE:
        return "a NumPy array, which is float64 in every dtype: put xp.asarray(…) around it"
    if isinstance(operand, np.float64):
        return "a number of NumPy, which is float64 in every dtype: put float(…) around it"
    return ""


def _shortly(values: Any) -> str:
    text = repr(list(values))
    return text if len(text) <= 40 else "[…]"


def _line_in(path: str) -> int | None:
    """The line of this file that has called an operator; None where an operation of our own has."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename in BETWEEN:
        frame = frame.f_back
    return frame.f_lineno if frame is not None and frame.f_code.co_filename == path else None
