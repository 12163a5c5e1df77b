"""The rules that put TensorFlow's operations on the tape, by family. A rule is called with the operation and its
operands, and gives its results: one or a list, None for one that is not known."""

from collections.abc import Callable, Sequence
from typing import Any

from gradproof.backends.tensorflow.trace.rules import (
    elementwise,
    layers,
    linear_algebra,
    movement,
    products,
    reductions,
    sparse,
)
from gradproof.backends.tensorflow.trace.rules.movement import gathered
from gradproof.oracles.tape import Cells, ComplexCells, Predicates

__all__ = ["COMPLEX", "GENERAL", "PREDICATES", "REAL", "gathered", "rule_for"]

REAL = (
    elementwise.REAL
    | reductions.REAL
    | products.REAL
    | layers.REAL
    | movement.REAL
    | movement.SUMS
    | linear_algebra.RULES
    | sparse.RULES
)
COMPLEX = (
    elementwise.COMPLEX | reductions.COMPLEX | products.COMPLEX | movement.SUMS | linear_algebra.RULES | sparse.RULES
)
PREDICATES = elementwise.PREDICATES | reductions.PREDICATES
GENERAL = elementwise.GENERAL | movement.GENERAL


def rule_for(name: str, values: Sequence[Any]) -> Callable[..., Any] | None:
    """The rule for an operation with operands of these kinds."""
    if name in GENERAL:
        return GENERAL[name]
    for kind, rules in ((ComplexCells, COMPLEX), (Cells, REAL), (Predicates, PREDICATES)):
        if any(isinstance(x, kind) for x in values):
            return rules.get(name)
    return None
