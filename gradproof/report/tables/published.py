"""The published lists of names that the registry is held to: operations of standards, losses of libraries, test
problems of papers. They lie in TOML files beside the families.

Each list has a `title` and a `source`. In a list of operations `differentiable`, `flat` and `without_gradient` hold the
names by section; `arguments` says for some by which arguments there is a derivative, where that is not the first one
alone; `same_as` says of some that they are another name of another name. What is no operation of `xp`, such as a loss
or a test problem, nothing can be watched for: such a list states its entries, each table `[[name]]` with a `name`, and
`entries` or a `reason`; and `one_size` says of the entries that come in one size why they do."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gradproof import content
from gradproof.registry import Function
from gradproof.report.tables.uses import Place, Use

FOLDER = content.FUNCTIONS
LISTS = {path.stem: path for path in sorted(FOLDER.rglob("*.toml"), key=lambda path: path.name)}


@dataclass(frozen=True)
class Name:
    """A name of a list, and what is asked of the registry: `places` are the arguments through which it must be
    differentiated (met, where it is `flat`). `reason` says why nothing is asked."""

    name: str
    section: str
    places: tuple[Place, ...] = (0,)
    flat: bool = False
    same_as: str = ""
    reason: str = ""

    def entries(self, uses: dict[str, set[Use]], place: Place) -> list[str]:
        """The entries that differentiate this name through that argument."""
        names = {self.name, self.same_as} - {""}
        wanted = {Use(name, place, differentiated=not self.flat) for name in names}
        return [entry for entry, found in uses.items() if wanted & found]

    def lacks(self, uses: dict[str, set[Use]]) -> list[Place]:
        """The arguments through which no entry differentiates this name, though it has a derivative there."""
        return [] if self.reason else [place for place in self.places if not self.entries(uses, place)]


@dataclass(frozen=True)
class List:
    """A published list of names."""

    title: str
    names: tuple[Name, ...]

    def missing(self, uses: dict[str, set[Use]]) -> list[str]:
        """What has neither an entry nor a reason, in words."""
        return [
            f"{name.name}: no entry " + ("meets" if name.flat else "differentiates") + f" its argument {place}"
            for name in self.names
            for place in name.lacks(uses)
        ]


@dataclass(frozen=True)
class StatedName:
    """A name with the entries that differentiate it, or with the `reason` why there is none."""

    name: str
    entries: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class StatedList:
    """A list of names that states the entries of each. `one_size` says why an entry does not come in any size."""

    title: str
    source: str
    names: tuple[StatedName, ...]
    one_size: Mapping[str, str]

    def missing(self, uses: dict[str, set[Use]]) -> list[str]:
        """What has neither an entry nor a reason, or has both, and what is no entry, in words."""
        lines = [
            f"{name.name}: {entry} is no entry" for name in self.names for entry in name.entries if entry not in uses
        ]
        return lines + [
            f"{name.name}: {'both an entry and a reason' if name.reason else 'neither an entry nor a reason'}"
            for name in self.names
            if bool(name.entries) == bool(name.reason)
        ]

    def without_sizes(self, entries: Mapping[str, Function]) -> list[str]:
        """What comes in one size and does not say why, and what says why for nothing, in words."""
        listed = dict.fromkeys(entry for name in self.names for entry in name.entries if entry in entries)
        lines = [
            f"{entry}: neither a generator of inputs nor a reason for its one size"
            for entry in listed
            if entries[entry].generator is None and entry not in self.one_size
        ]
        return lines + [
            f"{entry}: " + ("comes in any size" if entry in listed else "is no entry of this list")
            for entry in self.one_size
            if entry not in listed or entries[entry].generator is not None
        ]


def read(path: Path) -> List | StatedList:
    """A list from its TOML file."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    if "name" in tables:
        stated = (StatedName(**table | {"entries": tuple(table.get("entries", ()))}) for table in tables["name"])
        return StatedList(tables["title"], tables["source"], tuple(stated), tables.get("one_size", {}))
    names = []
    for section, table in tables.items():
        if isinstance(table, dict):
            prefix = f"{table['prefix']}." if "prefix" in table else ""
            places, same = table.get("arguments", {}), table.get("same_as", {})
            for name in table.get("differentiable", []):
                others = {"places": tuple(places.get(name, (0,))), "same_as": same.get(name, "")}
                names.append(Name(prefix + name, section, **others))
            names += [Name(prefix + name, section, flat=True) for name in table.get("flat", [])]
            reasons = table.get("without_gradient", {})
            names += [Name(prefix + name, section, reason=reason) for name, reason in reasons.items()]
    return List(tables["title"], tuple(names))


def lists() -> dict[str, List | StatedList]:
    """All lists, by the name of their file."""
    return {name: read(path) for name, path in LISTS.items()}
