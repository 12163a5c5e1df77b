"""The check that still waits for its arguments: autograd calls its `check_grads` in two steps."""

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from gradproof.checking.report import GradproofWarning, Report

NEVER_CALLED = (
    "check_grads without arguments: nothing was verified. Call what it returns, check_grads(f)(x), or give the "
    "arguments at once, check_grads(f, (x,))"
)


class Awaiting:
    """A check without its arguments. One that is never called has verified nothing, and says so when it is gone."""

    def __init__(self, f: Callable, check: Callable[[Callable, tuple], Report]) -> None:
        self.f, self.check, self.called = f, check, False

    def __call__(self, *args: Any, **constants: Any) -> Report:
        """The check at these arguments; what is given by name is data."""
        __tracebackhide__ = True
        self.called = True
        return self.check(functools.partial(self.f, **constants) if constants else self.f, args)

    def __del__(self) -> None:
        if not self.called:
            warnings.warn(NEVER_CALLED, GradproofWarning, stacklevel=2)


def are_positions(f: Callable, args: Any) -> bool:
    """Whether what stands in the place of arguments says which of them are differentiated, as in autograd: a list of
    whole numbers, or one where `f` takes several arguments. A tuple of them is the arguments, which cannot be."""
    numbers = args if isinstance(args, list) else [args]
    if not numbers or not all(type(number) is int and number >= 0 for number in numbers):
        return False
    count = _most_arguments(f)
    several = isinstance(args, list) or 1 < count < float("inf")
    return several and len(set(numbers)) == len(numbers) and max(numbers) < count


def _most_arguments(f: Callable) -> float:
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return float("inf")
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return float("inf")
    return sum(parameter.kind is not parameter.KEYWORD_ONLY for parameter in parameters)
