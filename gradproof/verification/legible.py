"""How pytest prints a failure of ours: under the name of the function and the line of the code that is at fault, and
not of the test that found it. Copies of its reports say so; the reports themselves, and what JUnit and `--last-failed`
make of them, stay as they are."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gradproof.oracles.verdict import FAILING
from gradproof.report.closing.failures import Failed
from gradproof.report.text import WIDTH, wrapped


@contextmanager
def on_lines_that_fit() -> Iterator[None]:
    """Have what is wrong with a command line told on lines that fit the screen, behind pytest's "ERROR: "."""
    try:
        yield
    except pytest.UsageError as error:
        head = "ERROR: "
        raise pytest.UsageError("\n".join(wrapped(f"{head}{error}")).removeprefix(head)) from error


class Text:
    """A text in place of a traceback. pytest's own summary has one line of it, also where it prints messages whole."""

    def __init__(self, text: str, brief: str) -> None:
        self.text = "\n".join(part for line in text.splitlines() for part in _fitting(line))
        self.reprcrash = SimpleNamespace(message=brief)

    def toterminal(self, out: Any) -> None:
        """Print it."""
        out.line(self.text)

    def __str__(self) -> str:
        return self.text


def _fitting(line: str) -> list[str]:
    # What is indented is laid out already, or is to be copied.
    return wrapped(line) if len(line) > WIDTH and not line.startswith(" ") else [line]


def legible(report: pytest.TestReport, failed: Failed, text: str, root: Path, is_own: bool) -> pytest.TestReport:
    """A copy of the report of a failed test that is printed with this text. What fails in a person's own function, and
    not in a built-in one (`is_own`), is named after it."""
    shown = copy.copy(report)
    shown.longrepr = Text(text, brief(failed))
    # Under pytest-xdist its worker would be told within the text.
    shown.__dict__.pop("node", None)
    path, _, line = failed.where.rpartition(":")
    if is_own and path:
        place, name = _from(root, path), _name(failed)
        shown.nodeid, shown.location = f"{place}:{line}::{name}", (place, int(line) - 1, name)
    return shown


def brief(failed: Failed) -> str:
    """A failure in a line: its verdict, and the reason of its row."""
    row = failed.row
    is_judged = row["verdict"] in FAILING and not row.get("known") and row.get("reason")
    return f"{row['verdict'].upper()}: {row['reason']}" if is_judged else failed.headline


def _name(failed: Failed) -> str:
    """The function, and what it ran on where that was a backend."""
    row = failed.row
    if row["check"] == "hand" or row["verdict"] not in FAILING:
        return row["function"]
    return f"{row['function']}[{'-'.join(row[key] for key in ('backend', 'device', 'dtype', 'mode'))}]"


def _from(root: Path, path: str) -> str:
    return str(Path(path).relative_to(root)) if Path(path).is_relative_to(root) else path
