"""A wrong gradient is planted where a person's own would stand: in the derivation that a backend runs, or else in the
rule of a function without an effect, through which an argument passes on its way into the body. From there on it takes
the way of every gradient, through the backend's own transformations and the adapter."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from gradproof.backends import Adapter, Unsupported
from gradproof.registry import Function
from gradproof.verification.mutants.kinds import Change


def planted(function: Function, adapter: Adapter, dtype: str, changes: dict[int, Change], mode: str) -> Function:
    """A copy of the function whose gradients for some arguments, by their numbers, are changed."""
    if not adapter.differentiates:
        if function.hand is None:
            raise Unsupported(f"it has no hand-derived gradient, and {adapter.name} cannot differentiate")
        return _copy(function, hand=_changed_derivation(function, adapter, dtype, changes))
    f = adapter.callable(function, dtype, "cpu")
    passing = {number: _passing(adapter, change, mode) for number, change in changes.items()}

    def code(*arguments: Any) -> Any:
        return f(*(passing[i](x) if i in passing else x for i, x in enumerate(arguments)))

    return _with_code(function, adapter, code)


def planted_in_value(function: Function, adapter: Adapter, dtype: str, off_by: float) -> Function:
    """A copy of the function whose value is off by so much, and whose gradient is right."""
    f = adapter.callable(function, dtype, "cpu")
    return _with_code(function, adapter, lambda *arguments: f(*arguments) + off_by)


def _with_code(function: Function, adapter: Adapter, code: Callable) -> Function:
    return _copy(function, implementations=function.implementations | {adapter.name: code})


def _copy(function: Function, **changes: Any) -> Function:
    # Its variants are none of the copy.
    return replace(function, variants=[], **changes)


def _changed_derivation(
    function: Function, adapter: Adapter, dtype: str, changes: dict[int, Change]
) -> Callable[..., tuple]:
    def hand(xp: Any, *arguments: Any) -> tuple:
        parts = list(function.gradient_by_hand(xp, *arguments))
        for i, change in changes.items():
            # As the adapter takes it: a number stands for an array without axes.
            part = np.array(parts[i], dtype=dtype) if type(parts[i]) in (int, float) else parts[i]
            parts[i] = change(arguments[i], part)
        return tuple(parts)

    return hand


def _passing(adapter: Adapter, change: Change, mode: str) -> Callable:
    """x itself, whose cotangent, or tangent in forward mode, is changed."""
    if mode == "forward":
        return adapter.with_tangent(_same, change)
    return adapter.with_pullback(_same, lambda arguments, cotangent: (change(arguments[0], cotangent),))


def _same(x: Any) -> Any:
    # A framework may take an array that is returned as it came for no result at all.
    return x * 1
