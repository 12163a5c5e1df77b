"""What is found at the inputs of a function is found once: kept in this process and, where several share a run on one
machine, in a file in which each looks before it computes."""

import contextlib
import copyreg
import io
import pickle
import sys
from collections.abc import Callable, Hashable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from flint import arb

from gradproof.registry import Function, Inputs

try:
    import sqlite3
except ImportError:  # Python can be built without it
    sqlite3 = None

Found = TypeVar("Found")

PATIENCE = 60
"""Seconds to wait while another process writes."""


def input_key(inputs: Inputs) -> bytes:
    """What tells one input from another: its bytes."""
    return b"|".join(x.tobytes() for x in inputs)


class Shared:
    """A table of what the processes of one run have found, in an SQLite file in `folder`. Only processes of the same
    interpreter and the same copy of this code share one, so that whatever stands there is what they would have found
    themselves. Where the file cannot be read or written, or Python has no SQLite, each finds all for itself."""

    def __init__(self, folder: Path) -> None:
        same = sha256(repr((sys.version, sys.prefix, __file__)).encode()).hexdigest()
        self._table: sqlite3.Connection | None = None
        if sqlite3 is None:
            return
        path = folder / f"{same}.sqlite"
        with contextlib.suppress(sqlite3.Error):
            self._table = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        # The file ends with the run: it need not outlive a failure of the machine.
        self._run("PRAGMA journal_mode=WAL")
        self._run("PRAGMA synchronous=OFF")
        self._run("CREATE TABLE IF NOT EXISTS found (key BLOB PRIMARY KEY, value BLOB)")

    def close(self) -> None:
        """Let go of the file; from here on nothing is found in it."""
        if self._table is not None:
            self._table.close()
        self._table = None

    def get(self, key: bytes) -> bytes | None:
        """What some process has found under `key`."""
        rows = self._run("SELECT value FROM found WHERE key = ?", key)
        return rows[0][0] if rows else None

    def put(self, key: bytes, value: bytes) -> None:
        """Let the others know."""
        self._run("INSERT OR IGNORE INTO found VALUES (?, ?)", key, value)

    def _run(self, line: str, *values: bytes) -> list[tuple]:
        if self._table is None:
            return []
        try:
            return self._table.execute(line, values).fetchall()
        except sqlite3.Error:
            self.close()  # a full disk, as likely as not: the next one would not fit either
            return []


class Kept:
    """What was found at the inputs of one function."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self._here: dict[Hashable, Any] = {}
        self._shared: Shared | None = None
        self._source = b""

    def share(self, shared: Shared) -> None:
        """Look there before computing, from now on; but never take what other code has found under the same name."""
        self._shared = shared
        self._source = sha256(Path(self.function.path).read_bytes()).digest()

    def found(self, what: Hashable, inputs: Inputs, find: Callable[[], Found]) -> Found:
        """`what` at `inputs`: what was found before, or what `find` finds now. `what` has a `repr` that tells it apart,
        and what is found can be pickled; balls and the function itself can be."""
        key = (what, input_key(inputs))
        if key not in self._here:
            self._here[key] = find() if self._shared is None else self._found_by_any(self._shared, key, find)
        return self._here[key]

    def _found_by_any(self, shared: Shared, key: Hashable, find: Callable[[], Found]) -> Found:
        name = sha256(self._source + repr((self.function.name, key)).encode()).digest()
        there = shared.get(name)
        if there is not None:
            return load(there, self.function)
        found = find()
        shared.put(name, dump(found, self.function))
        return found


def dump(found: Any, function: Function) -> bytes:
    """`found` as bytes, exactly but for the radii of balls, which may come back larger by a part in a thousand million;
    for `function`, which holds code, there stands a mark."""
    file = io.BytesIO()
    _Pickler(file, function).dump(found)
    return file.getvalue()


def load(data: bytes, function: Function) -> Any:
    """What `dump` made bytes of."""
    return _Unpickler(io.BytesIO(data), function).load()


class _Pickler(pickle.Pickler):
    dispatch_table = copyreg.dispatch_table | {arb: lambda ball: (_ball, (_number(ball.mid()), _number(ball.rad())))}

    def __init__(self, file: io.BytesIO, function: Function) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self.function = function

    def persistent_id(self, value: Any) -> str | None:
        return "function" if value is self.function else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, function: Function) -> None:
        super().__init__(file)
        self.function = function

    def persistent_load(self, mark: str) -> Function:
        return self.function


def _number(end: arb) -> Any:
    return tuple(map(int, end.man_exp())) if end.is_finite() else float(end)


def _ball(middle: Any, radius: Any) -> arb:
    return arb(middle, radius)
