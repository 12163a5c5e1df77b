"""Why values and slopes are far off where a sweep finds them so: causes, each with the places where it shows, read
from one file. They are of functions that act entry by entry, at all inputs; what a cell of the verification is known to
get wrong stands in the file of its backend."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gradproof import content

FILE = content.DIVERGENCES / "records" / "accuracy.toml"


@dataclass(frozen=True)
class Place:
    """Where a cause shows: names of functions, backends and dtypes, none for all of them, and "value" or "slope"."""

    functions: tuple[str, ...]
    quantity: str
    backends: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()

    def has(self, row: dict[str, Any]) -> bool:
        """Whether a row of a sweep is from here."""
        quantity = "value" if row["quantity"] == "value" else "slope"
        return (
            row["function"] in self.functions
            and self.quantity == quantity
            and (not self.backends or row["backend"] in self.backends)
            and (not self.dtypes or row["dtype"] in self.dtypes)
        )


@dataclass(frozen=True)
class Cause:
    """One cause, in a sentence that a maintainer understands, and its places."""

    id: str
    reason: str
    places: tuple[Place, ...]


@cache
def causes(path: Path = FILE) -> tuple[Cause, ...]:
    """All that are recorded."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["cause"]
    return tuple(Cause(entry["id"], entry["reason"], tuple(map(_place, entry["shows"]))) for entry in entries)


def _place(entry: dict[str, Any]) -> Place:
    lists = {name: tuple(value) for name, value in entry.items() if name != "quantity"}
    return Place(quantity=entry["quantity"], **lists)


def cause_of(row: dict[str, Any], path: Path = FILE) -> Cause | None:
    """The cause that is recorded for a row of a sweep, if any."""
    return next((cause for cause in causes(path) if any(place.has(row) for place in cause.places)), None)
