"""What is recorded of operations that no entry of the registry names, found by the sweep over a framework's own lists:
`known_divergences/operations`, a file per backend, an entry per cause.

A `[[cause]]` has an `id`, a `kind`, a `reason`, the `rule` that is wrong in the framework's source, the `second`
reference that confirmed it, the way `around` it, an upstream `issue` (an address, or "unreported"), the `versions`
that have it, a `script` that needs the framework alone and exits with 1 while the cause is there, and where somebody
looked for a public thread `searched`, the day and the words. Each `[[cause.shows]]` under it is a place: its
`operations` and `verdicts`, and where need be the kinds of `inputs`, the `modes` and the `dtypes`; what is not said is
any."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from gradproof import content
from gradproof.divergences.record import KINDS, DivergenceError, check_searched

FOLDER = content.DIVERGENCES / "operations"

TEXTS = ("id", "kind", "reason", "rule", "second", "around", "issue", "versions", "script")
LISTS = ("operations", "verdicts", "inputs", "modes", "dtypes")
NEEDED = ("operations", "verdicts")
VERDICTS = ("wrong", "imprecise", "unsupported")


@dataclass(frozen=True)
class Place:
    """Where a cause shows: rows of a sweep, by their words. An empty list means all."""

    operations: tuple[str, ...]
    verdicts: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()

    def is_tried_by(self, row: dict[str, Any]) -> bool:
        """Whether a row is about this place, whatever its verdict."""
        named = ((self.operations, "function"), (self.inputs, "check"), (self.modes, "mode"), (self.dtypes, "dtype"))
        return all(not words or row[key] in words for words, key in named)

    def covers(self, row: dict[str, Any]) -> bool:
        """Whether a failing row is what is recorded here."""
        return row["verdict"] in self.verdicts and self.is_tried_by(row)


@dataclass(frozen=True)
class Cause:
    """One cause, as the module says."""

    backend: str
    id: str
    kind: str
    reason: str
    rule: str
    second: str
    around: str
    issue: str
    versions: SpecifierSet
    script: str
    places: tuple[Place, ...]
    searched: str = ""

    def speaks_of(self, version: str) -> bool:
        """Whether this version of the backend has it."""
        return self.versions.contains(re.split("[ +]", version)[0], prereleases=True)

    def covers(self, row: dict[str, Any]) -> bool:
        """Whether a failing row is what is recorded here."""
        return any(place.covers(row) for place in self.places)


@cache
def load(backend: str, folder: Path = FOLDER) -> tuple[Cause, ...]:
    """The causes recorded of one backend; none where it has no file. Raises `DivergenceError` for a bad one."""
    path = folder / f"{backend}.toml"
    if not path.is_file():
        return ()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DivergenceError(f"operations/{path.name} is no TOML: {error}") from error
    causes = tables.pop("cause", [])
    if tables or not isinstance(causes, list):
        raise DivergenceError(f"operations/{path.name} may hold [[cause]] tables only")
    found = [_cause(backend, table, f"operations/{path.name}") for table in causes]
    if twice := {cause.id for cause in found if sum(other.id == cause.id for other in found) > 1}:
        raise DivergenceError(f"operations/{path.name} has {', '.join(sorted(twice))} twice")
    return tuple(found)


def _cause(backend: str, table: dict[str, Any], where: str) -> Cause:
    where = f"{where}, {table.get('id', 'a cause without id')}"
    missing = [key for key in (*TEXTS, "shows") if not table.get(key)]
    unknown = sorted(set(table) - {*TEXTS, "searched", "shows"})
    if missing or unknown:
        raise DivergenceError(f"{where}: missing {missing or 'nothing'}, unknown {unknown or 'nothing'}")
    if table["kind"] not in KINDS:
        raise DivergenceError(f"{where}: the kind {table['kind']!r} is none of {', '.join(KINDS)}")
    if table["issue"] != "unreported" and not table["issue"].startswith("https://"):
        raise DivergenceError(f'{where}: the issue {table["issue"]!r} is neither an https address nor "unreported"')
    check_searched(table, where)
    try:
        versions = SpecifierSet(table["versions"])
    except InvalidSpecifier as error:
        raise DivergenceError(f"{where}: {error}") from error
    texts = {key: table[key].strip() for key in TEXTS if key != "versions"}
    places = tuple(_place(shown, where) for shown in table["shows"])
    return Cause(backend=backend, versions=versions, places=places, searched=table.get("searched", ""), **texts)


def _place(shown: dict[str, Any], where: str) -> Place:
    missing = [key for key in NEEDED if not shown.get(key)]
    unknown = sorted(set(shown) - set(LISTS))
    if missing or unknown:
        raise DivergenceError(f"{where}, a place: missing {missing or 'nothing'}, unknown {unknown or 'nothing'}")
    if bad := [verdict for verdict in shown["verdicts"] if verdict not in VERDICTS]:
        raise DivergenceError(f"{where}, a place: the verdict {bad[0]!r} is none of {', '.join(VERDICTS)}")
    return Place(**{key: tuple(values) for key, values in shown.items()})


def not_shown(causes: Sequence[Cause], rows: Sequence[dict[str, Any]], version: str) -> list[tuple[Cause, Place]]:
    """The places that these rows tried and where nothing is wrong any more."""
    found = []
    for cause in causes:
        for place in cause.places if cause.speaks_of(version) else ():
            tried = [row for row in rows if place.is_tried_by(row)]
            if tried and not any(place.covers(row) for row in tried):
                found.append((cause, place))
    return found
