"""A namespace that is watched: every call that a body makes of it goes through somebody who looks on."""

from collections.abc import Callable
from typing import Any

from gradproof.registry.namespace import Group

OnCall = Callable[[str, Callable, tuple, dict[str, Any]], Any]
"""What makes a call: `(name, operation, positional, named)`, where the name has the group before it, as `fft.rfft`."""


class Observed:
    """A namespace, or a group of one, that has `on_call` make every call."""

    def __init__(self, plain: Group, on_call: OnCall, prefix: str = "") -> None:
        self._plain, self._on_call, self._prefix = plain, on_call, prefix

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._plain, name)
        if isinstance(found, Group):
            return Observed(found, self._on_call, f"{name}.")
        if not callable(found):
            return found
        return lambda *positional, **named: self._on_call(self._prefix + name, found, positional, named)
