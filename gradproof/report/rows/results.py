"""Result rows: one JSON object per verified cell and check, written as the run goes, so that a killed run keeps what it
had. Under pytest-xdist the workers hand their rows to the controller, which alone writes."""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from gradproof.registry import Function, Inputs

PROPERTY = "gradproof"
"""The name under which a test item carries its row."""

Row = dict[str, Any]

VERDICTS = ("verified", "convention", "imprecise", "wrong", "unsupported", "inconclusive", "not run")
"""In the order in which a table counts them."""


def hexadecimal(function: Function, inputs: Inputs) -> dict[str, Any]:
    """The inputs by argument, as nested lists of hex floats: exact, and readable by `float.fromhex`."""
    return {name: _hex(x.tolist()) for name, x in zip(function.domains, inputs, strict=True)}


def _hex(values: Any) -> Any:
    return [_hex(value) for value in values] if isinstance(values, list) else float(values).hex()


def from_hexadecimal(values: Any) -> np.ndarray:
    """The array that `hexadecimal` wrote for one argument."""

    def read(nested: Any) -> Any:
        return [read(value) for value in nested] if isinstance(nested, list) else float.fromhex(nested)

    return np.array(read(values), dtype=np.float64)


def number(value: float) -> float | str:
    """A number that JSON can hold; "nan", "inf" and "-inf" as words."""
    return value if math.isfinite(value) else str(value)


def ratio_of(row: Row) -> float:
    """The largest error of a row in units of its bound; -1 where nothing was compared, infinite for NaN."""
    if row.get("ratio") is None:
        return -1.0
    ratio = float(row["ratio"])
    return math.inf if math.isnan(ratio) else ratio


@dataclass
class ResultsFile:
    """The `--results` file. A row that cannot be written stops no test; `problem` then says why."""

    path: Path
    problem: str = ""
    _file: TextIO | None = field(default=None, repr=False)

    def open(self) -> None:
        """Start the file anew. Raises `OSError` when that cannot be done."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("w", encoding="utf-8")

    def write(self, row: Row) -> None:
        """Add one row and flush it."""
        if self._file is None:
            return
        try:
            self._file.write(json.dumps(row, allow_nan=False) + "\n")
            self._file.flush()
        except (OSError, TypeError, ValueError) as error:
            self.problem = self.problem or f"{self.path} is incomplete: {error}"

    def close(self) -> None:
        """Close the file."""
        try:
            if self._file is not None:
                self._file.close()
        except OSError as error:
            self.problem = self.problem or f"{self.path} is incomplete: {error}"
