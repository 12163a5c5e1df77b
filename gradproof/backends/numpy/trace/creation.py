"""What reaches no protocol of NumPy: arrays that a program makes and fills (np.zeros), or makes of what it is given
(np.array, np.asarray). While plain NumPy code is traced these functions are ours, for calls from people's own code."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gradproof.backends.numpy.trace.recorded import Recorded, Recording, is_recorded
from gradproof.oracles.tape.program import is_user_code

MADE = ("zeros", "ones", "empty", "full")
"""Functions that make an array of numbers which are known: in one that records itself, others can be written."""

CONVERTED = ("array", "asarray", "asanyarray", "ascontiguousarray")
"""Functions that make an array of what may be recorded."""


TYPED = ("<stdin", "<string", "<ipython")
"""How the files begin that a person's code has when it is typed, not saved."""


@contextmanager
def recorded_creation(recording: Recording) -> Iterator[None]:
    """While plain NumPy code is traced. Afterwards NumPy is as it was."""
    plain = {name: getattr(np, name) for name in (*MADE, *CONVERTED)}
    try:
        for name in MADE:
            setattr(np, name, _made(recording, plain[name]))
        for name in CONVERTED:
            setattr(np, name, _converted(recording, plain[name]))
        yield
    finally:
        for name, function in plain.items():
            setattr(np, name, function)


def _is_called_by_user() -> bool:
    path = sys._getframe(2).f_code.co_filename
    return is_user_code(path) or path.startswith(TYPED)


def _made(recording: Recording, function: Callable) -> Callable:
    def make(*arguments: Any, **options: Any) -> Any:
        fill = arguments[1] if function.__name__ == "full" and len(arguments) > 1 else options.get("fill_value")
        if isinstance(fill, Recorded):
            return np.copy(np.broadcast_to(fill, arguments[0] if arguments else options["shape"]))
        array = function(*arguments, **options)
        if array.dtype.kind not in "fc" or not _is_called_by_user():
            return array
        return recording.of(recording.lift(array, array.dtype))

    return make


def _converted(recording: Recording, function: Callable) -> Callable:
    def convert(x: Any, dtype: Any = None, *arguments: Any, **options: Any) -> Any:
        if not is_recorded(x) or not _is_called_by_user():
            return function(x, dtype, *arguments, **options)
        array = recording.gathered(x)
        array = array if dtype is None else array.astype(dtype)
        array = np.copy(array) if function.__name__ == "array" and options.get("copy", True) else array
        return np.reshape(array, (1,) * max(options.get("ndmin", 0) - array.ndim, 0) + array.shape)

    return convert
