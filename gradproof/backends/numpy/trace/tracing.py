"""The trace of a function of NumPy arrays, and what several ways of running it have in common."""

import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gradproof.backends.numpy.trace import elementwise, moving, products, reductions
from gradproof.backends.numpy.trace.creation import recorded_creation
from gradproof.backends.numpy.trace.recorded import Recorded, Recording, name_of
from gradproof.backends.tracing import Traced
from gradproof.oracles.tape import Untraceable
from gradproof.oracles.tape.program import is_user_code

FUNCTIONS = {**moving.FUNCTIONS, **reductions.FUNCTIONS, **products.FUNCTIONS}


OPERATIONS = sorted({*elementwise.NAMES, *map(name_of, FUNCTIONS)})
"""The ufuncs and functions of NumPy and SciPy that can be traced."""


def new_recording() -> Recording:
    """An empty tape with the rules of NumPy."""
    return Recording(elementwise.UFUNCS, FUNCTIONS)


def trace(f: Callable, arguments: Sequence[Any], differentiated: Sequence[bool]) -> Traced:
    """The forward pass of `f` in plain NumPy on a tape: it is run on arrays that record themselves."""

    def run(recording: Recording, given: list[Any]) -> Sequence[Any]:
        with recorded_creation(recording):
            return f(*given)

    return traced(f, arguments, differentiated, run, new_recording())


def traced(
    f: Callable,
    arguments: Sequence[Any],
    differentiated: Sequence[bool],
    run: Callable[[Recording, list[Any]], Sequence[Any]],
    recording: Recording,
) -> Traced:
    """What `run(recording, arguments)` records, which is `f` at these arguments of which some are recorded arrays."""
    arrays = [np.array(x) for x in arguments]
    before = _results(f, arrays)
    inputs = [recording.input(x) if wanted else None for x, wanted in zip(arrays, differentiated, strict=True)]
    kept = [x.cells for x in inputs if x is not None]
    given = [array if x is None else x for array, x in zip(arrays, inputs, strict=True)]
    try:
        results = [recording.gathered(y) for y in run(recording, given)]
    except Untraceable:
        raise
    except Exception as error:
        # It has run on plain arrays: what it asks of recorded ones is more than these can do.
        raise _refused(error) from error
    _refuse_randomness(before, _results(f, arrays))
    outputs = [y.cells if isinstance(y, Recorded) else np.asarray(y) for y in results]
    own_rules = list(recording.own_rules)
    return Traced(
        recording.tape, kept, outputs, recording.operations, lambda moved: _results(f, moved), own_rules=own_rules
    )


def _results(f: Callable, arguments: Sequence[Any]) -> list[np.ndarray]:
    with np.errstate(all="ignore"):
        return [np.asarray(y) for y in f(*(np.array(x) for x in arguments))]


def _refuse_randomness(first: list[np.ndarray], second: list[np.ndarray]) -> None:
    same = len(first) == len(second) and all(
        np.array_equal(a, b, equal_nan=a.dtype.kind in "fc") for a, b in zip(first, second, strict=True)
    )
    if not same:
        reason = "the function gives another result each time it is called: it draws random numbers, or keeps a state"
        raise Untraceable("random", reason, cure="Draw with a fixed seed inside it, or pass the noise as an argument.")


def _refused(error: Exception) -> Untraceable:
    """Which function does not run on recorded arrays: the one that the innermost line of a person's own calls."""
    frames = traceback.extract_tb(error.__traceback__)
    own = max((i for i, frame in enumerate(frames) if is_user_code(frame.filename)), default=-1)
    name = frames[own + 1].name if own + 1 < len(frames) else type(error).__name__
    place = f"{Path(frames[own].filename).name}:{frames[own].lineno}" if own >= 0 else ""
    reason = f"it does not run on arrays that record themselves ({type(error).__name__}: {error})"
    return Untraceable(name, reason, place, "Write it in NumPy's functions and ufuncs, or give what it is as truth=…")
