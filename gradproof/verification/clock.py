"""Where the seconds go: time is booked under one name at a time, the innermost, so that the parts add up."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from gradproof.backends.stopped import Stopped


class Clock:
    """Seconds spent per part of the work, in this process."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self._open: list[str] = []
        self._since = 0.0

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Book the time of this block under `name`, less what inner blocks book for themselves. What is stopped in it
        carries its name."""
        self._book()
        self._open.append(name)
        try:
            yield
        except Stopped as stopped:
            stopped.during = stopped.during or name
            raise
        finally:
            self._book()
            self._open.pop()

    def _book(self) -> None:
        now = time.perf_counter()
        if self._open:
            self.spent[self._open[-1]] += now - self._since
        self._since = now


CLOCK = Clock()
