"""Why values and slopes are far off where a sweep finds them so: causes, each with the places where it shows, read
from one file. They are of functions that act entry by entry, at all inputs; what a cell of the verification is known to
get wrong stands in the file of its backend."""

import math
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gradproof import content

FILE = content.DIVERGENCES / "records" / "accuracy.toml"


@dataclass(frozen=True)
class Span:
    """Neighbouring inputs of a function of one argument, and the largest error among them in ulp: infinite where an
    answer is not finite and the truth is, or the reverse."""

    low: float
    high: float
    ulp: float


@dataclass(frozen=True)
class Place:
    """Where a cause shows: names of functions, backends, dtypes and modes, none for all of them, and "value" or
    "slope". `regions` are the inputs, with the largest error in each, that it explains; none for all of them."""

    functions: tuple[str, ...]
    quantity: str
    backends: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    regions: tuple[Span, ...] = ()

    def has(self, row: dict[str, Any]) -> bool:
        """Whether a row of a sweep is from here."""
        quantity = "value" if row["quantity"] == "value" else "slope"
        return (
            row["function"] in self.functions
            and self.quantity == quantity
            and (not self.backends or row["backend"] in self.backends)
            and (not self.dtypes or row["dtype"] in self.dtypes)
            and (not self.modes or row["mode"] in self.modes)
        )

    def explains(self, far: Span) -> bool:
        """Whether an error of this size, at these inputs, is what is recorded here."""
        return not self.regions or any(
            known.low <= far.low and far.high <= known.high and far.ulp <= known.ulp for known in self.regions
        )


@dataclass(frozen=True)
class Cause:
    """One cause, in a sentence that a maintainer understands, and its places."""

    id: str
    reason: str
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Endless:
    """Calls on all inputs at once that are known not to return, and why. They are not made."""

    reason: str
    functions: tuple[str, ...]
    backends: tuple[str, ...]
    dtypes: tuple[str, ...]


@cache
def endless(path: Path = FILE) -> tuple[Endless, ...]:
    """All that are recorded."""
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("endless", ())
    return tuple(
        Endless(e["reason"], *(tuple(e[name]) for name in ("functions", "backends", "dtypes"))) for e in entries
    )


def why_endless(names: dict[str, Any]) -> str | None:
    """Why what a row of a sweep is to be of does not return, if that is recorded."""
    return next(
        (
            known.reason
            for known in endless()
            if names["function"] in known.functions
            and names["backend"] in known.backends
            and names["dtype"] in known.dtypes
        ),
        None,
    )


@cache
def causes(path: Path = FILE) -> tuple[Cause, ...]:
    """All that are recorded."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["cause"]
    return tuple(Cause(entry["id"], entry["reason"], tuple(map(_place, entry["shows"]))) for entry in entries)


def _place(entry: dict[str, Any]) -> Place:
    lists = {name: tuple(value) for name, value in entry.items() if name not in ("quantity", "regions")}
    regions = tuple(Span(*map(float, region)) for region in entry.get("regions", ()))
    return Place(quantity=entry["quantity"], regions=regions, **lists)


def cause_of(row: dict[str, Any], path: Path = FILE) -> Cause | None:
    """The cause that is recorded for a row of a sweep, if any: for the worst input that it names."""
    worst = _worst(row)
    return next((c for c in causes(path) if any(p.has(row) and p.explains(worst) for p in c.places)), None)


def _worst(row: dict[str, Any]) -> Span:
    at = row.get("nonfinite_input") or row.get("finite_input")
    return at_input(at, math.inf) if at else at_input(row.get("input", ()), row.get("ulp", 0.0))


def at_input(numbers: Sequence[str], ulp: float) -> Span:
    """An error at one input, as a row tells it. That of two arguments lies in no region."""
    x = float.fromhex(numbers[0]) if len(numbers) == 1 else math.nan
    return Span(x, x, ulp)


def is_explained(row: dict[str, Any], far: Iterable[Span], path: Path = FILE) -> bool:
    """Whether all of a row that is far off is recorded, by one cause or by several."""
    places = [place for cause in causes(path) for place in cause.places if place.has(row)]
    return bool(places) and all(any(place.explains(span) for place in places) for span in far)
