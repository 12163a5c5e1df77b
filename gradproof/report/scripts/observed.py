"""What a function's calls of `xp` were given when it ran: a script can then name a backend's operation where nothing
but arrays went in, and hold the constants that were computed on the way."""

import contextlib
import itertools
import sys
from collections.abc import Callable
from typing import Any

from gradproof.registry import complex_weights, weights
from gradproof.registry.namespace import Group
from gradproof.report.scripts.native_code import Place, Seen

CONSTANTS = {weights.__code__, complex_weights.__code__}


class Watched:
    """A namespace that keeps in `seen` what its operations are called with."""

    def __init__(self, group: Group, seen: dict[Place, Seen]) -> None:
        self._group, self._seen = group, seen

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._group, name)
        if isinstance(found, Group):
            return Watched(found, self._seen)
        if not callable(found) or name == "newaxis":
            return found

        def called(*arguments: Any, **options: Any) -> Any:
            frame = sys._getframe(1)
            if frame.f_code in CONSTANTS:
                frame = frame.f_back
            self._note(_place(frame), name, arguments, options)
            return found(*arguments, **options)

        return called

    def _note(self, place: Place, name: str, arguments: tuple, options: dict[str, Any]) -> None:
        values = _plain(arguments[0]) if name == "asarray" and len(arguments) == 1 and not options else None
        seen = self._seen.setdefault(place, Seen(values=values))
        seen.numbers = seen.numbers or any(type(a) in (int, float, bool) for a in arguments)
        seen.varies = seen.varies or values is None or repr(values) != repr(seen.values)


def _place(frame: Any) -> Place:
    position = next(itertools.islice(frame.f_code.co_positions(), frame.f_lasti // 2, None))
    return frame.f_code.co_filename, position[0] or 0, position[2] or 0


def _plain(values: Any) -> Any:
    """Nested lists of Python numbers; None for anything else, which may depend on the input."""
    if isinstance(values, list | tuple):
        parts = [_plain(value) for value in values]
        return None if None in parts else parts
    return values if type(values) in (int, float, complex, bool) else None


def watch(body: Callable, spaces: list[tuple[Group, list[Any]]]) -> dict[Place, Seen]:
    """What the calls of `body` were given: in the first of these namespaces, with these arguments, and where it does
    not come as far as that, in the others."""
    known: dict[Place, Seen] = {}
    for xp, arguments in spaces:
        seen: dict[Place, Seen] = {}
        with contextlib.suppress(Exception):  # that it raises is what the script is to show
            body(Watched(xp, seen), *arguments)
        known = seen | known
    return known
