"""What is raised while somebody's function is checked: whose it is, what it says in a line, and in what form its owner
is to see it."""

import re
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from gradproof import backends
from gradproof.backends.calls import Calls, called
from gradproof.backends.transformations import Unsupported
from gradproof.checking.asked import ArgumentError
from gradproof.checking.frameworks import name_of, named_in, no_array, of_another
from gradproof.checking.layout import in_lines
from gradproof.oracles.tape import Untraceable
from gradproof.oracles.tape.program import is_user_code

PACKAGE = str(Path(__file__).parents[1])
BACKENDS = str(Path(PACKAGE, "backends"))

SLIPS = (AssertionError, AttributeError, IndexError, KeyError, NameError)
"""What a mistake in the folder of a backend raises; anything else that comes from there is what a framework says."""

OURS = "This is a mistake of Gradproof, and says nothing of what is checked: please report it"

END_OF_SENTENCE = re.compile(r"(?<!i\.e)(?<!e\.g)\. ")

LONGEST = 360
"""Letters of what an exception says."""

NO_ARRAY = (TypeError, AttributeError)
"""What is raised where something else stands in the place of an array."""


def is_ours(error: Exception) -> bool:
    """Whether an error was raised by our own code, and is not what a framework or the caller's function says."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or not frames[-1].filename.startswith(PACKAGE) or isinstance(error, Unsupported):
        return False
    # What a framework's compiled part raises, or hides the frames of, seems to come from our line that called it.
    if frames[-1].name == called.__name__:
        return False
    return isinstance(error, SLIPS) or not frames[-1].filename.startswith(BACKENDS)


def said(error: BaseException | None) -> str:
    """An exception in a line: its type, and the first sentence of its text; of a long one its beginning and its end."""
    text = END_OF_SENTENCE.split(" ".join(str(error).split()), maxsplit=1)[0].rstrip(".")
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def with_cure(error: BaseException, calls: Calls) -> str:
    """An exception in a line, with the place in the caller's code that raises it, and the cure where it is known."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if is_user_code(f.filename)]
    place = f", at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{said(error)}{place}{_cure(error, calls)}"


def _cure(error: BaseException, calls: Calls) -> str:
    return next((f". {cure}" for words, cure in calls.cures.items() if words in str(error)), "")


def raised(error: Exception, f: Callable, args: Any) -> Exception:
    """The error as the caller of `check_grads` is to see it: its text in lines, and without our frames, which say
    nothing of the call. Of what `f` raises about numbers in the place of arrays, or another framework's arrays, what
    to give."""
    given = args if isinstance(args, tuple) else ()  # and not a strategy for them
    told = error if isinstance(error, ArgumentError) else _of_the_arguments(error, f, given) or error
    if isinstance(told, ArgumentError):
        return ArgumentError(in_lines(str(told))).with_traceback(None)
    if isinstance(error, Untraceable):
        error.text = in_lines(str(error))
        error.__cause__, error.__suppress_context__ = None, True
        return error.with_traceback(None)
    if is_ours(error):
        error.add_note(OURS)
        return error
    named = named_in(f)
    cure = _cure(error, backends.calls_of(named)) if named else ""
    error.add_note(f"check_grads: this is what {name_of(f)} raises at the given arguments{cure}")
    return error.with_traceback(_without_ours(error.__traceback__))


def _of_the_arguments(error: Exception, f: Callable, args: tuple) -> ArgumentError | None:
    """What was given in the place of an array of the framework, where that is what `f` raises for."""
    cause = error.__cause__ if isinstance(error, Untraceable) else error
    is_of_it = isinstance(cause, NO_ARRAY) and (error is not cause or not is_ours(error))
    told = (no_array(f, args, str(cause)) or of_another(f, args)) if is_of_it else ""
    if not told:
        return None
    return ArgumentError(f"{told}. {name_of(f)} raises {said(cause)}")


def _without_ours(trace: TracebackType | None) -> TracebackType | None:
    kept: list[TracebackType] = []
    while trace is not None:
        if not trace.tb_frame.f_code.co_filename.startswith(PACKAGE):
            kept.append(trace)
        trace = trace.tb_next
    found = None
    for one in reversed(kept):
        found = TracebackType(found, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return found
