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

Backward = Callable[[tuple, Any], tuple]
"""From the arguments and the cotangent of the value to the altered gradient, in NumPy."""


def planted(function: Function, backend: str, alter: Alter) -> Function:
    """A copy of `function` that runs on `backend` with an altered gradient, in reverse mode and in every dtype."""
    forward, right = _forward(function, backend), _right_gradient(function, backend)

    def backward(arguments: tuple, cotangent: Any) -> tuple:
        # The product is taken in the dtype of each part, so that an alteration of it stays.
        size = np.asarray(cotangent)
        altered = alter([part.copy() for part in right(arguments)])
        return tuple(part * size.astype(part.dtype) if isinstance(part, np.ndarray) else part for part in altered)

    # A copy of the record, and not of its implementations, would plant the error in the original as well.
    # Its variants are none of the copy.
    copy = replace(function, implementations=dict(function.implementations), variants=[])
    copy.implementation(backend)(_CUSTOM_VJP[backend](forward, backward))
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


# One custom VJP per backend. Each is given NumPy arrays and whatever else an alteration makes of them.


def _autograd(forward: Callable, backward: Backward) -> Callable:
    from autograd.extend import defvjp_argnums, primitive

    code = primitive(forward)
    defvjp_argnums(code, lambda argnums, ans, args, kwargs: lambda cotangent: backward(args, cotangent))
    return code


def _tensorflow(forward: Callable, backward: Backward) -> Callable:
    import tensorflow as tf

    def converted(part: Any) -> Any:
        return tf.constant(part) if isinstance(part, np.ndarray) else part

    def code(*arguments: Any) -> Any:
        return forward(*arguments), lambda cotangent: [converted(part) for part in backward(arguments, cotangent)]

    return tf.custom_gradient(code)


def _jax(forward: Callable, backward: Backward) -> Callable:
    import jax

    def converted(part: Any) -> Any:
        return jax.numpy.asarray(part) if isinstance(part, np.ndarray) else part

    code = jax.custom_vjp(forward)
    code.defvjp(
        lambda *arguments: (forward(*arguments), arguments),
        lambda arguments, cotangent: tuple(converted(part) for part in backward(arguments, cotangent)),
    )
    return code


def _torch(forward: Callable, backward: Backward) -> Callable:
    import torch

    def converted(part: Any) -> Any:
        return torch.from_numpy(part) if isinstance(part, np.ndarray) else part

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *arguments: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(*arguments)
            return forward(*arguments)

        @staticmethod
        def backward(ctx: Any, cotangent: torch.Tensor) -> tuple:
            with torch.enable_grad():
                return tuple(converted(part) for part in backward(ctx.saved_tensors, cotangent))

    return Planted.apply


_CUSTOM_VJP = {"autograd": _autograd, "tensorflow": _tensorflow, "jax": _jax, "torch": _torch}
