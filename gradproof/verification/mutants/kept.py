"""What became of the mutants of each cell, kept in a file while a run goes on, so that one that was ended goes on from
there: JSON lines, the first of which says what was tried, and each other one a cell."""

import json
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from gradproof.registry import Function
from gradproof.report.outcome import Unusable
from gradproof.verification.mutants.trial import Fate, Outcome, Trials, Untried

Cell = tuple[str, str, str, str]
"""The names of function, backend and mode, and a digest of the file in which the function stands."""


def cell(function: Function, backend: str, mode: str) -> Cell:
    """The cell as it is kept: a function that was changed is another one."""
    return function.name, backend, mode, sha256(Path(function.path).read_bytes()).hexdigest()[:16]


class Rows:
    """The cells that have been tried; in `path`, where there is one, those of earlier runs as well."""

    def __init__(self, path: Path | None, trials: Trials) -> None:
        self.path: Path | None = path
        self.cells: dict[Cell, list[Outcome | Untried]] = {}
        if path is None:
            return
        head = asdict(trials)
        if not path.exists():
            path.write_text(json.dumps(head) + "\n", encoding="utf-8")
        first, *lines = _lines(path)
        if first != head:
            raise Unusable(f"{path} was begun with {first}, and this is {head}; give another file to --state")
        for cell, outcomes in lines:
            self.cells[tuple(cell)] = [_outcome(one) for one in outcomes]

    def add(self, cell: Cell, outcomes: list[Outcome | Untried]) -> None:
        """Keep what became of one cell."""
        self.cells[cell] = outcomes
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([cell, [asdict(one) for one in outcomes]]) + "\n")


def _outcome(row: dict[str, Any]) -> Outcome | Untried:
    return Outcome(**row | {"fate": Fate(row["fate"])}) if "fate" in row else Untried(**row)


def _lines(path: Path) -> list[Any]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except ValueError as error:
        raise Unusable(f"{path} is no state of gradproof mutants ({error}); give another file to --state") from error
