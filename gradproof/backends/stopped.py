"""What ends a cell at once: its backend has run out of memory, or does not come back. Neither is an answer that could
be judged, and neither becomes simpler by trying again."""


class Stopped(BaseException):
    """Not an `Exception`: for one of those Hypothesis looks for a simpler input, and runs into it again and again.

    `during` is the part of the work that was stopped; empty where that is not known."""

    during = ""


class OutOfMemory(Stopped):
    """The memory of the machine or of the card does not suffice."""


class Hung(Stopped):
    """No answer within the time that a test has."""


NAMES = ("OutOfMemoryError", "ResourceExhaustedError")
"""What the frameworks call it, where it has a type of its own."""

WORDS = ("RESOURCE_EXHAUSTED", "out of memory", "can't allocate memory", "failed to allocate", "bad_alloc")
"""What they write, where the type says nothing."""


def ran_out(error: BaseException) -> bool:
    """Whether this is how a backend says that memory did not suffice."""
    if isinstance(error, MemoryError) or any(kind.__name__ in NAMES for kind in type(error).__mro__):
        return True
    return isinstance(error, RuntimeError) and any(word.lower() in str(error).lower() for word in WORDS)
