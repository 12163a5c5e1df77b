"""What is being done, on one line of a terminal, while a check takes longer than a person waits without asking."""

import sys
import threading
import time
from types import TracebackType

SILENT = 2.0
"""Seconds after which the line appears."""

EVERY = 0.5
"""Seconds between two of its states."""

WIDTH = 79


class Progress:
    """A line on stderr, where that is a terminal: what is checked, the step at work and the seconds so far. It is gone
    when the check has ended. Where it is no terminal, nothing is written."""

    def __init__(self, name: str) -> None:
        self.name, self.step = name, "at work"
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Progress":
        if sys.stderr is not None and sys.stderr.isatty():
            # One step may take all the time, so that somebody else has to look at the clock.
            self._thread = threading.Thread(target=self._tell, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _tell(self) -> None:
        started = time.perf_counter()
        if self._ended.wait(SILENT):
            return
        while not self._ended.wait(EVERY):
            line = f"gradproof: {self.name}: {self.step}, {time.perf_counter() - started:.0f} s"
            sys.stderr.write(f"\r{line[:WIDTH]:{WIDTH}}")
            sys.stderr.flush()
        sys.stderr.write(f"\r{'':{WIDTH}}\r")
        sys.stderr.flush()
