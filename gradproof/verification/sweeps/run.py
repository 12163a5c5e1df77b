"""A run of sweeps: what is asked for, what an earlier run has found of it, and the rest, a row at a time."""

import json
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gradproof import backends
from gradproof.backends import BACKENDS
from gradproof.divergences.accuracy import why_endless
from gradproof.oracles.machine_model import FORMATS
from gradproof.registry import Function
from gradproof.report.rows.profile import bins_of
from gradproof.verification.sweeps import inputs as sampled
from gradproof.verification.sweeps.entrywise import Entrywise, entrywise
from gradproof.verification.sweeps.measure import MODES, Answer, ask, statistics
from gradproof.verification.sweeps.truth import FOLDER, Truth, key, truth

Row = dict[str, Any]

NAMES = ("function", "backend", "device", "dtype", "mode")

ROWS = "accuracy.jsonl"
"""The file, in the folder of a run, that holds its rows."""

REAL = tuple(FORMATS)


@dataclass(frozen=True)
class Selection:
    """What is swept: words of which a function's name has one, or none for all; names of backends, dtypes and modes,
    and a device. A mode that a backend leaves to the night is left out where no mode was named."""

    words: tuple[str, ...] = ()
    backends: tuple[str, ...] = tuple(BACKENDS)
    dtypes: tuple[str, ...] = REAL
    modes: tuple[str, ...] = MODES
    device: str = "cpu"
    names_modes: bool = False

    @property
    def command(self) -> str:
        """The command that selects this."""
        options = {
            "-k": (self.words, ()),
            "--backend": (self.backends, tuple(BACKENDS)),
            "--dtype": (self.dtypes, REAL),
        }
        options |= {"--mode": (self.modes if self.names_modes else (), ()), "--device": ((self.device,), ("cpu",))}
        said = [f"{option} {','.join(names)}" for option, (names, usual) in options.items() if tuple(names) != usual]
        return " ".join(["gradproof accuracy", *said])

    def modes_of(self, backend: str) -> list[str]:
        """The modes in which this backend is swept."""
        known = BACKENDS[backend]
        return [mode for mode in self.modes if mode in known.modes and (self.names_modes or mode not in known.nightly)]

    def takes(self, entry: Entrywise) -> bool:
        """Whether this function was asked for."""
        return not self.words or any(word in entry.name for word in self.words)


def sweep(
    functions: list[Function], selection: Selection, folder: Path = FOLDER, tell: Callable[[str], None] = lambda _: None
) -> list[Row]:
    """The rows of all that is selected: those that `folder` has of the same version and the same truth, and the others
    found now and added to it, so that a run that was ended goes on where it was."""
    kept = _read(folder / ROWS)
    found = []
    chosen = [entry for entry in entrywise(functions) if selection.takes(entry)]
    for number, entry in enumerate(chosen, start=1):
        tell(f"{number} of {len(chosen)}: {entry.name}")
        for dtype in selection.dtypes:
            for rows in _of_dtype(entry, dtype, selection, kept, folder):
                found += rows
    return found


def _of_dtype(
    entry: Entrywise, dtype: str, selection: Selection, kept: dict[tuple, list[Row]], folder: Path
) -> Iterator[list[Row]]:
    at = inputs_of(entry, dtype)
    source = key(entry, at)
    exact: tuple[Truth, float] | None = None
    for backend in selection.backends:
        if dtype not in BACKENDS[backend].dtypes or backends.missing(backend, selection.device):
            continue
        adapter = backends.load(backend)
        if selection.device not in adapter.devices():
            continue
        for mode in selection.modes_of(backend):
            names = dict(zip(NAMES, (entry.name, backend, selection.device, dtype, mode), strict=True))
            state = {"version": adapter.version(), "machine": machine(), "source": source}
            there = kept.get(_identity(names | state), [])
            if not _is_whole(there, entry):
                exact = exact or _timed(entry, at, folder)
                there = [names | row | state for row in _measured(entry, adapter, names, at, exact)]
                _append(folder / ROWS, there)
            yield there


def inputs_of(entry: Entrywise, dtype: str) -> tuple[np.ndarray, ...]:
    """The inputs at which a function is swept in this dtype."""
    if len(entry.arguments) == 1:
        return (sampled.of_one(dtype),)
    return sampled.of_two(dtype, list(entry.origin.domains.values()))


def _timed(entry: Entrywise, at: tuple[np.ndarray, ...], folder: Path) -> tuple[Truth, float]:
    start = time.perf_counter()
    return truth(entry, at, folder), time.perf_counter() - start


def _measured(entry: Entrywise, adapter: Any, names: Row, at: tuple, exact: tuple[Truth, float]) -> list[Row]:
    if (reason := why_endless(names)) is not None:
        return [{"quantity": "", "refused": f"it does not return: {reason}"}]
    dtype, (true, truth_seconds) = names["dtype"], exact
    try:
        answer = ask(entry, adapter, dtype, names["device"], names["mode"], at)
    except Exception as error:  # a refusal may be of any class
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return [{"quantity": "", "refused": reason[:300]}]
    return list(_counted(entry, dtype, answer, at, true, truth_seconds))


def _counted(
    entry: Entrywise, dtype: str, answer: Answer, at: tuple, true: Truth, truth_seconds: float
) -> Iterator[Row]:
    is_every = dtype in sampled.EVERY and len(at) == 1
    bins = bins_of(at[0], dtype) if is_every else None
    for position, quantity in enumerate(("value", *entry.arguments)):
        high = true.quantities[position][0]
        left_out = true.kinks if position else np.zeros(len(high), bool)
        counts = statistics(answer.quantities[position], true.quantities[position], at, left_out, FORMATS[dtype], bins)
        yield {
            "quantity": quantity,
            "inputs": len(high),
            "every": is_every,
            "no_truth": int((np.isnan(high) & ~left_out).sum()),
            "kinks": int(left_out.sum()),
            **counts,
            "seconds": round(answer.seconds, 4),
            "truth_seconds": round(truth_seconds, 3),
        }


def machine() -> str:
    """The processor and the system, as far as they say."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
    return f"{model or platform.machine()}, {platform.system()}"


def _identity(row: Row) -> tuple:
    return tuple(row[name] for name in (*NAMES, "version", "machine", "source"))


def _read(path: Path) -> dict[tuple, list[Row]]:
    kept: dict[tuple, dict[str, Row]] = {}
    lines = path.read_text().splitlines() if path.exists() else []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue  # the last line of a run that was ended
        if row.get("every") and "profile" not in row:
            continue  # found before there were profiles
        kept.setdefault(_identity(row), {})[row["quantity"]] = row
    return {cell: list(rows.values()) for cell, rows in kept.items()}


def _is_whole(rows: list[Row], entry: Entrywise) -> bool:
    """Whether no row of a cell is missing, as where a run was ended while it wrote them."""
    quantities = {row["quantity"] for row in rows}
    return quantities == {""} or quantities == {"value", *entry.arguments}


def _append(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # In one call, so that the rows of several processes do not mix.
    with path.open("ab", buffering=0) as file:
        file.write("".join(f"{json.dumps(row)}\n" for row in rows).encode())
