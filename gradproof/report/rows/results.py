"""Result rows, one JSON object per verified cell and check, and the file that holds them. It is written as the run
goes, so that a killed run keeps what it had; under pytest-xdist the workers hand their rows to the controller, which
alone writes."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from gradproof import __version__
from gradproof.oracles.verdict import FAILING, Verdict
from gradproof.registry import Function, Inputs
from gradproof.report.outcome import Unusable
from gradproof.report.text import exact_in_decimals

try:
    import fcntl
except ImportError:
    fcntl = None

VERSION = __version__
"""That of Gradproof: what judged a row decides as much as what was judged."""

PROPERTY = "gradproof"
"""The name under which a test item carries its row."""

SCRIPT = "gradproof-script"
"""The name under which it carries the words of a cell and the script that shows what was found there."""

Row = dict[str, Any]

VERDICTS = ("verified", "convention", "imprecise", "wrong", "unsupported", "inconclusive", "not run")
"""In the order in which a table counts them."""

CELL = ("function", "backend", "device", "dtype", "mode", "check")
"""What names a row; all but the last name the cell."""

DRAWS = ("seed", "profile")
"""What decides at which inputs a row was tried."""

HOLDS = (Verdict.VERIFIED, Verdict.CONVENTION)
"""The verdicts of a gradient that is as it must be."""

SAYS_NOTHING = (Verdict.NOT_RUN, Verdict.INCONCLUSIVE)
"""The verdicts where nothing was tried, or nothing could be judged."""


DERIVATION, IMPLEMENTATION = "derivation", "implementation"
"""What a row names as being `at_fault` where no library is: the hand-derived gradient, or code that a backend was given
to run in place of the body."""

BY_HAND = "by hand"
"""Where a derivation is held to its definition: on no backend."""

OWN_DIFFERENCES = "differences"
"""The check against finite differences of a backend's own forward pass."""


class ResultsError(Unusable):
    """A results file that cannot be used. The message names the file, what is wrong, and the cure."""


def new_row(cell: Mapping[str, str], check: str, verdict: str, test: str, versions: Mapping[str, str] = {}) -> Row:
    """What every row has, as long as nothing is known but the names of its `cell`, its verdict and its test's id."""
    numbers = dict.fromkeys(("error", "bound", "ratio", "ulp", "input"))
    names = {key: cell[key] for key in CELL[:5]} | {"tf32": False, "check": check, "verdict": str(verdict)}
    return names | numbers | {"caught": {}, "examples": 0, "seconds": 0.0, "versions": dict(versions), "test": test}


def cell_of(row: Row) -> str:
    """The words of a row's cell, as its test's id has them with the mode."""
    return "-".join(row[key] for key in CELL[:5])


def place_of(row: Row) -> str:
    """The backend and device of a row; a derivation has neither."""
    return BY_HAND if row["check"] == "hand" else f"{row['backend']}-{row['device']}"


def name_of(row: Row) -> str:
    """The words of a row: its cell, and its check; of a derivation its function, for it runs in no cell."""
    return f"{row['function']}, {BY_HAND}" if row["check"] == "hand" else f"{cell_of(row)}, {row['check']}"


def family_of(row: Row) -> str:
    """The function that a person has written: that of a variant is the one it was made of."""
    return str(row.get("variant_of") or row["function"])


def fault_of(row: Row) -> str:
    """What is wrong in a row that fails where no library is to blame; empty where one may be."""
    return DERIVATION if row["check"] == "hand" else str(row.get("at_fault", ""))


def fails(row: Row) -> bool:
    """Whether a row fails a run: what deviates as recorded does not."""
    return bool(row.get("fails")) or (row["verdict"] in FAILING and not row.get("known"))


def subject_of(row: Row) -> str:
    """Whose code is wrong where a row fails and no library is to blame, in words; empty of any other row."""
    fault = fault_of(row) if row["verdict"] in FAILING and not row.get("known") else ""
    if fault == DERIVATION:
        return f"the hand-derived gradient of {family_of(row)}"
    return f"{family_of(row)} by its implementation for {row['backend']}" if fault else ""


def reason_of(row: Row) -> str:
    """Why a row is no better than it is, and whose code that is about; empty where it does not say."""
    return ": ".join(filter(None, (subject_of(row), str(row.get("reason") or ""))))


def kind_of_reason(row: Row) -> str:
    """The reason of a row without what cells that fail alike do not share: dtypes, numbers, and where things lay."""
    return re.sub(r"0x[0-9a-f]+|\b(?:bfloat|complex|float)\d+|\d+(?:\.\d+)?", "#", str(row.get("reason") or ""))


def cause_of(row: Row) -> tuple[str, ...]:
    """What rows that fail alike have in common. One wrong derivation shows in many ways; of an implementation, and of
    a backend, what is wrong for two reasons is two things: an old failure must not hide a new one."""
    subject = subject_of(row)
    if subject and fault_of(row) == DERIVATION:
        return (subject,)
    return subject or place_of(row), str(row["verdict"]), kind_of_reason(row)


def gravity_of(row: Row) -> tuple:
    """What sorts rows that fail, the gravest first: a worse verdict, a derivation before what follows from it, a wrong
    number before a wrong dtype or shape, and the larger error."""
    return -Verdict(row["verdict"]).severity, row["check"] != "hand", ratio_of(row) < 0, -ratio_of(row)


def by_cause(rows: Iterable[Row]) -> list[list[Row]]:
    """Rows that fail, those of one cause together, the gravest of each first, and the gravest cause first."""
    causes: dict[tuple[str, ...], list[Row]] = {}
    for row in sorted(rows, key=gravity_of):
        causes.setdefault(cause_of(row), []).append(row)
    return list(causes.values())


def against_the_truth(rows: Iterable[Row]) -> list[Row]:
    """The rows that have a part in the largest error that is told, on the screen, on the page and in a summary: own
    differences are held to an estimate, and how much of it they take says nothing of a gradient."""
    return [row for row in rows if row["check"] != OWN_DIFFERENCES]


def read(path: Path) -> list[Row]:
    """The rows of a results file, of which there is at least one. Raises `ResultsError` for a file that holds anything
    else or ends within a line, and `OSError`."""
    if path.is_dir():
        raise ResultsError(f"{path} is a folder; give a file that --results has written")
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except UnicodeDecodeError as error:
        raise ResultsError(f"{path} is no text; give a file that --results has written") from error
    if not lines:
        raise ResultsError(f"{path} is empty, so that nothing can be told from it; repeat the run that has left it")
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(_checked(json.loads(line, parse_constant=_no_constant)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # A finished line ends with a line break.
            if line.endswith("\n") or number == 1:
                problem = f"{path}, line {number} is no result row ({error!r})"
                raise ResultsError(f"{problem}; give a file that --results has written") from error
            cure = "repeat the run that was stopped, or take that line out to go without the rest"
            raise ResultsError(f"{path} is cut off in line {number}; {cure}") from error
    return rows


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _checked(row: Row) -> Row:
    """The row, if it has what is read of it. Raises what is raised where it has not."""
    Verdict(row["verdict"]), row["versions"].items(), int(row["examples"])
    if not all(isinstance(row[key], str) for key in CELL):
        raise TypeError("a name in it is no text")
    if row["ratio"] is not None:
        float(row["ratio"]), float(row["error"])
    return row


def hexadecimal(function: Function, inputs: Inputs) -> dict[str, Any]:
    """The inputs by argument, as nested lists of hex floats: exact, and readable by `float.fromhex`."""
    return {name: _hex(x.tolist()) for name, x in zip(function.domains, inputs, strict=True)}


def hexadecimal_of(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Real arrays by name in the same form, complex ones as pairs of their parts."""
    return {name: _hex(_pairs(array).tolist()) for name, array in arrays.items()}


def _pairs(array: np.ndarray) -> np.ndarray:
    return np.stack([array.real, array.imag], axis=-1) if np.iscomplexobj(array) else array


def _hex(values: Any) -> Any:
    return [_hex(value) for value in values] if isinstance(values, list) else float(values).hex()


def from_hexadecimal(values: Any) -> np.ndarray:
    """The array that `hexadecimal` wrote for one argument."""

    def read(nested: Any) -> Any:
        return [read(value) for value in nested] if isinstance(nested, list) else float.fromhex(nested)

    return np.array(read(values), dtype=np.float64)


def written(values: Any) -> str:
    """What `hexadecimal` wrote for one argument as it is printed: in decimals where these are the number itself."""
    if isinstance(values, list):
        return f"[{', '.join(map(written, values))}]"
    value = float.fromhex(values)
    return repr(value) if exact_in_decimals(value) else str(values)


def decimals(values: Any) -> Any:
    """The numbers that `hexadecimal` wrote for one argument, which Python's own decimals give back to the last bit."""
    return list(map(decimals, values)) if isinstance(values, list) else float.fromhex(values)


def number(value: float) -> float | str:
    """A number that JSON can hold; "nan", "inf" and "-inf" as words."""
    return value if math.isfinite(value) else str(value)


def ratio_of(row: Row) -> float:
    """The largest error of a row in units of its bound; -1 where nothing was compared, infinite for NaN."""
    if row.get("ratio") is None:
        return -1.0
    ratio = float(row["ratio"])
    return math.inf if math.isnan(ratio) else ratio


def size_of(row: Row) -> str:
    """The largest error of a row in words; empty where nothing was compared, and of a derivation, whose reason says in
    digits how far it is off."""
    ratio = ratio_of(row)
    if ratio < 0 or row["check"] == "hand":
        return ""
    return f"{ratio:.2g} {'times' if ratio > 1 else 'of'} its bound"


def fullest(values: Iterable[str]) -> list[str]:
    """Of versions of one package those that say most: a backend names what it runs beside, "2.4 (SciPy 1.17)", and the
    row of another backend does not."""
    found = set(values)
    return sorted(version for version in found if not any(other.startswith(f"{version} (") for other in found))


def worst_verdict(rows: Iterable[Row]) -> Verdict:
    """The worst verdict of some rows. A cell whose own differences cannot settle has still been held to the exact
    reference: what says nothing counts where nothing else was said."""
    verdicts = [Verdict(name) for name in {row["verdict"] for row in rows}]
    ran = [v for v in verdicts if v not in SAYS_NOTHING]
    return max(ran or verdicts, key=lambda verdict: verdict.severity)


def lock(file: TextIO) -> None:
    """Have this process alone write the file, as far as the system can. Raises `BlockingIOError` where another does."""
    # Two runs that write one file would write over one another's rows. Not every system, and not every file system,
    # has locks.
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return


@dataclass
class ResultsFile:
    """The `--results` file. A row that cannot be written stops no test; `problem` then says why."""

    path: Path
    problem: str = ""
    _file: TextIO | None = field(default=None, repr=False)

    def open(self) -> None:
        """Start the file anew. Raises `OSError` when that cannot be done, or another run has not closed it yet."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = self.path.open("a", encoding="utf-8")
        try:
            lock(file)
        except BlockingIOError as error:
            file.close()
            raise OSError("another run is writing it; give each run a file of its own, and merge them") from error
        if self.path.is_file():
            file.truncate(0)
        self._file = file

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
