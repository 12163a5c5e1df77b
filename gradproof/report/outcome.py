"""What a command has to say, and what it raises where it cannot do what it is asked for: every room's part of the
command line does either, and the command line prints it."""

from collections.abc import Sequence
from dataclasses import dataclass


class Unusable(Exception):
    """What was given cannot be used. The message names the cause and the cure."""


@dataclass(frozen=True)
class Outcome:
    """The text of a command, a `table` before it, its head first, its `problems`, a line each, and the exit status."""

    text: str = ""
    table: Sequence[Sequence[str]] = ()
    problems: Sequence[str] = ()
    status: int = 0
