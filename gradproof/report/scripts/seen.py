"""What a function's calls of `xp` were given when it ran: a script can then name a backend's operation where nothing
but arrays went in, and hold the constants that were computed on the way."""

import contextlib
import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gradproof.registry import complex_weights, weights
from gradproof.registry.namespace import Group
from gradproof.report.observed import Observed

CONSTANTS = {weights.__code__, complex_weights.__code__}

Place = tuple[str, int, int]
"""A call in a source: file, line and column."""


@dataclass
class Seen:
    """What is known of a call from having run it: whether Python numbers were among its arguments, and the values of
    which it made an array, where they were the same each time."""

    numbers: bool = False
    values: Any = None
    varies: bool = False


def calls_seen(body: Callable, spaces: list[tuple[Group, list[Any]]]) -> dict[Place, Seen]:
    """What the calls of `body` were given: in the first of these namespaces, with these arguments, and where it does
    not come as far as that, in the others."""
    known: dict[Place, Seen] = {}
    for xp, arguments in spaces:
        seen: dict[Place, Seen] = {}
        with contextlib.suppress(Exception):  # that it raises is what the script is to show
            body(Observed(xp, _noting(seen)), *arguments)
        known = seen | known
    return known


def _noting(seen: dict[Place, Seen]) -> Callable:
    def on_call(name: str, operation: Callable, arguments: tuple, options: dict[str, Any]) -> Any:
        _note(seen, _place(), name, arguments, options)
        return operation(*arguments, **options)

    return on_call


def _note(seen: dict[Place, Seen], place: Place, name: str, arguments: tuple, options: dict[str, Any]) -> None:
    values = _plain(arguments[0]) if name == "asarray" and len(arguments) == 1 and not options else None
    call = seen.setdefault(place, Seen(values=values))
    call.numbers = call.numbers or any(type(a) in (int, float, bool) for a in arguments)
    call.varies = call.varies or values is None or repr(values) != repr(call.values)


def _place() -> Place:
    frame = sys._getframe(3)  # behind this one, `on_call` and the namespace: who calls
    if frame.f_code in CONSTANTS:
        frame = frame.f_back
    position = next(itertools.islice(frame.f_code.co_positions(), frame.f_lasti // 2, None))
    return frame.f_code.co_filename, position[0] or 0, position[2] or 0


def _plain(values: Any) -> Any:
    """Nested lists of Python numbers; None for anything else, which may depend on the input."""
    if isinstance(values, list | tuple):
        parts = [_plain(value) for value in values]
        return None if None in parts else parts
    return values if type(values) in (int, float, complex, bool) else None
