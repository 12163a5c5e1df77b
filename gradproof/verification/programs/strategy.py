"""The Hypothesis strategy of random programs: statement after statement, each tried at the inputs in float64 and left
out where its result would be too large or too many."""

import re
import warnings
from typing import Any

import numpy as np
from hypothesis import strategies as st

from gradproof import backends
from gradproof.verification.programs.grammar import LARGEST, MOST, WRITERS, Variable
from gradproof.verification.programs.program import Program, entries

SHAPES = ((), (3,), (2, 3), (2,), (3, 2), (3, 3), (1, 3), (2, 1))

NAME = re.compile(r"\bv\d+\b")
"""What a statement calls the result of an earlier one."""

STATEMENTS = 10
"""The longest program has so many."""


@st.composite
def programs(draw: Any, statements: int = STATEMENTS) -> Program:
    """Programs of one to three inputs that are finite, and not large, at those."""

    def pick(options: list) -> Any:
        return options[draw(st.integers(0, len(options) - 1))] if len(options) > 1 else options[0]

    shapes = [pick(SHAPES) for _ in range(draw(st.integers(1, 3)))]
    inputs = tuple(entries(shape, draw(st.integers(0, 2**16))) for shape in shapes)
    known = [Variable(chr(ord("a") + i), x) for i, x in enumerate(inputs)]
    lines = []
    for _ in range(draw(st.integers(3, statements))):
        written = pick(WRITERS)(pick, known)
        value = None if written is None else _tried(written, known)
        if value is not None:
            name = f"v{len(lines)}"
            lines.append(f"{name} = {written}")
            known.append(Variable(name, value))
    results = [known[-1].name]
    if len(known) > 2 and draw(st.booleans()):
        results.append(pick(known[:-1]).name)
    return Program(inputs, _needed(lines, results), tuple(results))


def _needed(lines: list[str], results: list[str]) -> tuple[str, ...]:
    """The statements on which the results depend."""
    needed, kept = set(results), []
    for line in reversed(lines):
        name, expression = line.split(" = ", 1)
        if name in needed:
            kept.append(line)
            needed |= set(NAME.findall(expression))
    return tuple(reversed(kept))


def _tried(written: str, known: list[Variable]) -> np.ndarray | None:
    """The value of an expression, unless it is to be left out."""
    xp = backends.load("numpy").namespace("float64", "cpu")
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = np.asarray(eval(written, {"xp": xp, **{v.name: v.value for v in known}}))
    is_fine = 0 < value.size <= MOST and value.ndim <= 3 and np.isfinite(value).all() and np.abs(value).max() <= LARGEST
    return value if is_fine else None
