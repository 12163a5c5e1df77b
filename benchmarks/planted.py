"""Wrong gradients on purpose: a function with a custom VJP whose forward pass is the body and whose gradient is the
backend's own right one, altered. It enters through the contract's `@f.implementation`, as a user's kernel would."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from gradproof import backends
from gradproof.registry import Function
from gradproof.verification.cells import Cell
from gradproof.verification.examine import Examiner, reference_of

Position = tuple[int, tuple[int, ...]]
"""One entry of a gradient: the number of its argument, and its index there."""

Alter = Callable[[list[np.ndarray]], list | tuple]
"""From copies of the right gradients, one NumPy array per argument, to what the custom VJP returns in their place."""


def planted(function: Function, backend: str, alter: Alter) -> Function:
    """A copy of `function` that runs on `backend` with an altered gradient, in reverse mode and in every dtype."""
    forward, right = _forward(function, backend), _right_gradient(function, backend)
    adapter = backends.load(backend)

    def converted(part: Any, size: np.ndarray) -> Any:
        if not isinstance(part, np.ndarray):
            return part
        # The product is taken in the dtype of each part, so that an alteration of it stays.
        return adapter.array(part * size.astype(part.dtype), part.dtype.name, "cpu")

    def backward(arguments: tuple, cotangent: Any) -> tuple:
        altered = alter([part.copy() for part in right(arguments)])
        # JAX's own checker hands NumPy's arrays on.
        size = cotangent if isinstance(cotangent, np.ndarray) else adapter.to_numpy(cotangent)
        return tuple(converted(part, size) for part in altered)

    # A copy of the record, and not of its implementations, would plant the error in the original as well.
    # Its variants are none of the copy.
    copy = replace(function, implementations=dict(function.implementations), variants=[])
    copy.implementation(backend)(adapter.with_pullback(forward, backward))
    return copy


def examiner(function: Function, backend: str, dtype: str, alter: Alter) -> Examiner:
    """What examines the planted function. It shares the truths of the original, whose body it has."""
    found = Examiner(Cell(planted(function, backend, alter), backend, "cpu", dtype, "reverse"))
    found.reference = found.judged_by = reference_of(function)
    return found


def scaled(position: Position, factor: float) -> Alter:
    """Alter by multiplying one entry."""
    argument, index = position

    def alter(gradients: list[np.ndarray]) -> list[np.ndarray]:
        gradients[argument][index] *= factor
        return gradients

    return alter


def nonzero_positions(function: Function, dtype: str) -> list[Position]:
    """Every entry whose true gradient at the first point is not 0, the largest first."""
    inputs = tuple(x.astype(dtype).astype(np.float64) for x in function.points[0])
    true = [part.high for part in reference_of(function).truth(inputs).gradient]
    sizes = {(i, index): abs(part[index]) for i, part in enumerate(true) for index in np.ndindex(part.shape)}
    return [position for position in sorted(sizes, key=lambda p: -sizes[p]) if sizes[position] > 0]


@cache
def _forward(function: Function, backend: str) -> Callable:
    # Compiled, because a first call costs op-by-op JAX seconds; also a user's kernel is.
    adapter = backends.load(backend)
    bodies = {dtype: adapter.prepared(adapter.callable(function, dtype, "cpu")) for dtype in ("float64", "float32")}

    def forward(*arguments: Any) -> Any:
        # An implementation is told no dtype: it takes that of its arguments, which may be traced ones.
        return bodies["float32" if "float32" in str(arguments[0].dtype) else "float64"](*arguments)

    return forward


@cache
def _right_gradient(function: Function, backend: str) -> Callable[[tuple], list[np.ndarray]]:
    adapter, kept = backends.load(backend), {}
    gradient = adapter.prepared(adapter.gradient(_forward(function, backend)))

    def right(arguments: tuple) -> list[np.ndarray]:
        key = b"|".join(adapter.to_numpy(argument).tobytes() for argument in arguments)
        if key not in kept:
            kept[key] = [adapter.to_numpy(part) for part in gradient(*arguments)]
        return kept[key]

    return right
