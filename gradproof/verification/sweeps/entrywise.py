"""Which functions of the registry act entry by entry, and that action on arrays of any shape: the body without the
weights and the sum that contract its entries to a scalar. They are found by running the bodies, not by a list."""

import functools
import types
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradproof import backends
from gradproof.registry import Function, Reals

PROBE = 7
"""The length of the arrays by which an action is recognized: that of no domain of a function that acts by entries."""

STARTS = (0.2, 1.2, -0.9)
"""Where these arrays begin: functions are defined on one side of 0 or of 1, or between."""


class _Unsummed:
    """A namespace whose sum over all entries leaves them as they are; of a sum along an axis it knows nothing."""

    def __init__(self, xp: Any) -> None:
        self._xp = xp

    def __getattr__(self, name: str) -> Any:
        return getattr(self._xp, name)

    def sum(self, x: Any) -> Any:
        """The entries themselves."""
        return x


class _Unit(float):
    """The number 1, by which nothing is multiplied: a product with a constant is a statement of its own, whose tangent
    TensorFlow's forward mode, for one, takes for NaN where the other factor is infinite."""

    def __mul__(self, other: Any) -> Any:
        return other

    __rmul__ = __mul__


@dataclass(frozen=True, eq=False)
class Entrywise:
    """A function of one or two arrays of one shape that acts entry by entry, under the name of the registry's entry.

    `function` has for its body that action, an array of that shape for arrays, and a number for numbers, at which the
    oracles judge it; `summed` has the sum of the entries, whose gradient are their slopes. `origin` is the entry of the
    registry."""

    name: str
    arguments: tuple[str, ...]
    function: Function
    summed: Function
    origin: Function


def entrywise(functions: Iterable[Function]) -> list[Entrywise]:
    """Those of these functions that act entry by entry. A variant that has another domain and nothing else is the same
    action, and stands once."""
    found, seen = [], set()
    for function in functions:
        if function.problems or function.is_complex or len(function.domains) > 2 or function.body in seen:
            continue
        made = _of(function)
        if _acts_by_entries(made):
            seen.add(function.body)
            found.append(made)
    return found


def _of(function: Function) -> Entrywise:
    body = _unweighted(function.body, _Unit(1))

    def action(xp: Any, *arrays: Any) -> Any:
        return body(_Unsummed(xp), *arrays)

    def total(xp: Any, *arrays: Any) -> Any:
        return xp.sum(action(xp, *arrays))

    numbers = replace(
        function,
        body=action,
        domains={name: Reals() for name in function.domains},
        points=[],
        hand=None,
        variants=[],
        published=[],
    )
    by_hand = None if function.hand is None else _by_entries(_unweighted(function.hand))
    summed = replace(numbers, body=total, hand=by_hand)
    return Entrywise(function.name, tuple(function.domains), numbers, summed, function)


def _by_entries(hand: Callable) -> Callable:
    """A derivation, at arrays of one shape; one that adds up what was stretched is written for other shapes."""

    def gradient(xp: Any, *arrays: Any) -> Any:
        try:
            return hand(xp, *arrays)
        except ValueError as error:
            raise backends.Unsupported(f"its derivation is written for other shapes: {error}") from error

    return gradient


def _unweighted(code: Callable, unit: float = 1.0) -> Callable:
    """The same code, for which every weight is this 1."""
    if isinstance(code, functools.partial):
        return functools.partial(_unweighted(code.func, unit), *code.args, **code.keywords)
    known = {**code.__globals__, "weights": lambda xp, shape: unit}
    made = types.FunctionType(code.__code__, known, code.__name__, code.__defaults__, code.__closure__)
    made.__kwdefaults__ = code.__kwdefaults__
    return made


def _acts_by_entries(made: Entrywise) -> bool:
    """Whether each entry of the result is the action on the entries at its place, whatever their order."""
    return any(_acts_so(made, start) for start in STARTS)


def _acts_so(made: Entrywise, start: float) -> bool:
    xp = backends.load("numpy").namespace("float64", "cpu")
    inputs = [start + np.linspace(0.0, 0.7, PROBE) + 0.01 * k for k in range(len(made.arguments))]
    order = np.roll(np.arange(PROBE)[::-1], 2)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            whole = np.asarray(made.function.body(xp, *inputs))
            moved = np.asarray(made.function.body(xp, *(x[order] for x in inputs)))
            alone = [np.asarray(made.function.body(xp, *(x[i : i + 1] for x in inputs))) for i in range(PROBE)]
            total = np.sum(_unweighted(made.origin.body)(xp, *inputs))
        except Exception:  # whatever a body raises that was not written for these shapes
            return False
    if whole.shape != (PROBE,) or whole.dtype.kind != "f" or any(one.shape != (1,) for one in alone):
        return False
    if not np.isfinite(whole).all():
        return False
    # A sum that goes into something else, as the square of a sum, is no sum of what its entries give.
    is_additive = np.allclose(whole.sum(), total, 1e-12)
    return bool(
        is_additive and np.allclose(whole[order], moved, 1e-12) and np.allclose(whole, np.concatenate(alone), 1e-12)
    )
