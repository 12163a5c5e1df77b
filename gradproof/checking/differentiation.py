"""The ways in which somebody's function is differentiated: compositions of a framework's transformations, as in the
registry's modes, of a scalar function of arrays."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradproof.backends.modes import MODES
from gradproof.checking.problem import Problem
from gradproof.registry.record import Inputs
from gradproof.registry.weights import uneven

EVERY_ENTRY = 32
"""Functions of up to so many real numbers are pushed forward along every entry of their arguments, others along a few
fixed uneven directions."""

ONE_BY_ONE = 8
"""The same where the directions cannot be taken in one pass, unless one of the uneven ones shows an error."""

DIRECTIONS = 3


TWICE_FORWARD = "forward_over_forward"
"""Hessian-vector products of code that has no reverse mode, in the place of forward over reverse."""


def is_second_order(mode: str) -> bool:
    """Whether a mode gives Hessian-vector products."""
    return mode == TWICE_FORWARD or (mode in MODES and MODES[mode].order == 2)


def goes_back_through_a_slope(mode: str) -> bool:
    """Whether the Hessian-vector product of a mode is the gradient of the slope along a direction."""
    return mode in ("reverse_over_reverse", "reverse_over_forward")


def reverse_like(problem: Problem, mode: str) -> Callable[..., tuple[Any, ...]]:
    """What a mode gives in the place of the gradient: a function to an array per argument, or None where it is
    unconnected."""
    return _COMPOSED[mode](problem)


def _reverse(problem: Problem) -> Callable:
    return problem.calls.transformations.gradient(problem.scalar)


def _compiled(problem: Problem) -> Callable:
    return problem.calls.transformations.compiled_gradient(problem.scalar)


def _by_xla(problem: Problem) -> Callable:
    transformations = problem.calls.transformations
    return transformations.compile_by_xla(transformations.gradient(problem.scalar))


def _rematerialized(problem: Problem) -> Callable:
    transformations = problem.calls.transformations
    return transformations.gradient(transformations.checkpoint(problem.scalar))


def _first_row_of(problem: Problem, mapped: Callable) -> Callable:
    """From a function of stacked arguments one of the arguments: they stand in the first row, others in the second."""
    calls = problem.calls

    def first(*arrays: Any) -> tuple[Any, ...]:
        # Shrunk, so that the second row keeps its signs, and a matrix its symmetry.
        others = [calls.like(0.875 * calls.to_numpy(array), array, calls.dtype_of(array)) for array in arrays]
        stacked = [calls.stacked(pair) for pair in zip(arrays, others, strict=True)]
        return tuple(None if part is None else part[0] for part in mapped(*stacked))

    return first


def _vectorized(problem: Problem) -> Callable:
    transformations = problem.calls.transformations
    return _first_row_of(problem, transformations.vectorize(transformations.gradient(problem.scalar)))


def _summed_over_batch(problem: Problem) -> Callable:
    calls = problem.calls
    mapped = calls.transformations.vectorize(problem.scalar)
    return _first_row_of(problem, calls.transformations.gradient(lambda *stacks: calls.total(mapped(*stacks))))


_COMPOSED = {
    "reverse": _reverse,
    "compiled": _compiled,
    "xla": _by_xla,
    "rematerialized": _rematerialized,
    "vectorized": _vectorized,
    "summed_over_batch": _summed_over_batch,
}


# Forward mode


def unit_directions(shapes: Sequence[tuple[int, ...]]) -> list[Inputs]:
    """Every unit vector, where there are few enough real numbers to try each; else none."""
    size = _size(shapes)
    return [_split(row, shapes) for row in np.eye(size)] if size <= EVERY_ENTRY else []


def dense_directions(shapes: Sequence[tuple[int, ...]]) -> list[Inputs]:
    """A few fixed uneven directions, of which every entry is a part."""
    return [_split(np.roll(uneven(_size(shapes)), 7 * k), shapes) for k in range(DIRECTIONS)]


def hessian_direction(shapes: Sequence[tuple[int, ...]]) -> Inputs:
    """The fixed direction of Hessian-vector products, in real numbers."""
    return _split(uneven(_size(shapes)), shapes)


def _size(shapes: Sequence[tuple[int, ...]]) -> int:
    return sum(int(np.prod(shape)) for shape in shapes)


def _split(row: np.ndarray, shapes: Sequence[tuple[int, ...]]) -> Inputs:
    parts = np.split(row, np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1])
    return tuple(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True))


def pushed_forward(problem: Problem, arrays: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The JVP along one direction, given as arrays of the framework, behind the value that the rules compute."""
    return problem.calls.pushed_forward_with_value(problem.scalar, arrays, tangents)


# Second order


def pushed_gradient(problem: Problem) -> Callable[..., tuple[Any, ...]]:
    """Forward mode over reverse mode: from the arguments, and a direction after them, to the Hessian times that."""
    transformations = problem.calls.transformations
    return transformations.jvp(_connected(problem, transformations.inner_gradient(problem.scalar)))


def slope(problem: Problem, mode: str, direction: Sequence[np.ndarray], velocity: Sequence[Any]) -> Callable[..., Any]:
    """The slope along a direction, given per argument as numbers and as arrays of the framework: the function whose
    gradient is the Hessian times that direction."""
    transformations, scalar = problem.calls.transformations, problem.scalar
    if mode == "reverse_over_forward":
        push = transformations.jvp(scalar)
        return lambda *given: push(*given, *velocity)
    inner = _connected(problem, transformations.inner_gradient(scalar))
    return lambda *given: problem.calls.contract(list(zip(direction, inner(*given), strict=True)))


def _connected(problem: Problem, gradient: Callable) -> Callable:
    # Of a linear function the gradient does not depend on the argument. A second derivative that was lost is zero as
    # well, and the truth is not.
    def filled(*arrays: Any) -> tuple[Any, ...]:
        parts = zip(gradient(*arrays), arrays, strict=True)
        return tuple(problem.calls.zeros_like(array) if part is None else part for part, array in parts)

    return filled
