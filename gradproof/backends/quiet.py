"""What the compiled part of a framework logs while it is imported is no answer to anybody's question: it is left out of
what a person reads. What is no such line, and everything where the import raises, is printed behind it."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

LOGGED = re.compile(
    r"[IWE]\d{4} \d\d:\d\d:|\d{4}-\d\d-\d\d \d\d:\d\d:[\d.:]+ ?[IWE] |WARNING: All log messages before absl::|"
    r"To enable the following instructions: "
)
"""How a line of the loggers of Google's and others' C++ begins."""


@contextmanager
def quiet() -> Iterator[None]:
    """While this lasts, lines of a log that are written to descriptor 2 are kept back."""
    sys.stderr.flush()
    try:
        stderr = os.dup(2)
    except OSError:  # nobody reads it
        yield
        return
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        is_whole = True
        try:
            yield
            is_whole = False
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            kept.seek(0)
            for line in kept.read().decode(errors="replace").splitlines(keepends=True):
                if is_whole or not LOGGED.match(line):
                    sys.stderr.write(line)
