"""Reading the entries: of the folder that the tool is shipped with, and of those that a project names."""

import difflib
import math
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from gradproof import content, registry
from gradproof.backends import BACKENDS
from gradproof.divergences.record import KINDS, VERDICTS, Divergence, DivergenceError, check_searched
from gradproof.registry import Function

CAUSE = ("id", "kind", "reason", "issue", "versions", "shows")
OPTIONAL_OF_CAUSE = ("workaround", "searched")
REQUIRED = ("function", "verdict", "input")
LISTS = ("variants", "dtypes", "devices", "modes")
OPTIONAL = (*LISTS, "region", "error", "answer", "instead", "issue", "searched", "versions", "note")
ANSWERS = ("", "nan")
DEFINITIONS = "definitions.py"

_users: list[Path] = []
"""The folders that were named beside the one that the tool is shipped with."""


def use(folders: Iterable[Path]) -> None:
    """Read these folders, too, from now on: they speak of a project's own functions. Raises `DivergenceError` for what
    is no folder, or holds a file that is named after no backend."""
    named = dict.fromkeys(Path(folder).resolve() for folder in folders)
    for folder in named:
        if not folder.is_dir():
            raise DivergenceError(f"there is no folder {folder}")
        for path in sorted(folder.glob("*.toml")):
            if path.stem not in BACKENDS:
                close = difflib.get_close_matches(path.stem, BACKENDS, n=1)
                meant = f" (did you mean {close[0]}.toml?)" if close else ""
                raise DivergenceError(f"{path} is named after no backend{meant}")
    _users[:] = [folder for folder in named if folder != content.DIVERGENCES]
    load.cache_clear()


@cache
def load(backend: str) -> tuple[Divergence, ...]:
    """The entries of one backend; none where it has no file. Raises `DivergenceError` for a bad entry."""
    paths = [folder / f"{backend}.toml" for folder in (content.DIVERGENCES, *_users)]
    found = [parse(_text(path), f"{path.parent.name}/{path.name}", path.parent) for path in paths if path.is_file()]
    return tuple(entry for entries in found for entry in entries)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DivergenceError(f"{path} cannot be read: {error}") from error


def parse(text: str, source: str, folder: Path = content.DIVERGENCES) -> tuple[Divergence, ...]:
    """The entries of a TOML text that lies in `folder`. Raises `DivergenceError`, naming `source` and the entry, for a
    bad one."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DivergenceError(f"{source} is no TOML: {error}") from error
    causes = tables.pop("cause", [])
    if tables or not _are_tables(causes):
        raise DivergenceError(f"{source} may hold [[cause]] tables only")
    seen: set[str] = set()
    places = []
    for number, cause in enumerate(causes, start=1):
        where = f"{source}, cause {number}"
        _check_cause(cause, where)
        if cause["id"] in seen:
            raise DivergenceError(f"{where}: the id {cause['id']!r} is taken; add the place to the cause that has it")
        seen.add(cause["id"])
        where = f"{source}, {cause['id']}"
        places += [_place(cause, shown, f"{where}, place {k}", folder) for k, shown in enumerate(cause["shows"], 1)]
    return tuple(places)


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def _check_cause(cause: dict[str, Any], where: str) -> None:
    missing = [key for key in CAUSE if not cause.get(key)]
    unknown = [key for key in cause if key not in CAUSE + OPTIONAL_OF_CAUSE]
    if missing == ["shows"]:
        raise DivergenceError(f"{where}: {cause['id']} shows nowhere; add a [[cause.shows]], or take it out")
    if missing or unknown:
        raise DivergenceError(f"{where}: missing {missing or 'nothing'}, unknown {unknown or 'nothing'}")
    texts = [key for key in CAUSE[:-1] + OPTIONAL_OF_CAUSE if not isinstance(cause.get(key, ""), str)]
    if texts or not _are_tables(cause["shows"]):
        raise DivergenceError(f"{where}: {texts[0] if texts else 'shows'} must be {'text' if texts else 'tables'}")
    if cause["kind"] not in KINDS:
        raise DivergenceError(f"{where}: the kind {cause['kind']!r} is none of {', '.join(KINDS)}")
    check_searched(cause, where)


def _place(cause: dict[str, Any], shown: dict[str, Any], where: str, folder: Path) -> Divergence:
    table = {"issue": cause["issue"], "versions": cause["versions"]} | shown
    # Where a place has an issue of its own, the search for that of its cause says nothing of it.
    if "issue" not in shown and "searched" in cause:
        table.setdefault("searched", cause["searched"])
    _check_place(cause["kind"], table, where)
    reason = f"{cause['reason']} ({table['note']})" if table.get("note") else cause["reason"]
    try:
        return Divergence(
            cause=cause["id"],
            kind=cause["kind"],
            function=table["function"],
            verdict=table["verdict"],
            input={name: np.array(value, dtype=np.float64) for name, value in dict(table["input"]).items()},
            region={name: (float(low), float(high)) for name, (low, high) in table.get("region", {}).items()},
            versions=SpecifierSet(table["versions"]),
            reason=reason,
            issue=table["issue"],
            dtypes=tuple(table.get("dtypes", ())),
            devices=tuple(table.get("devices", ())),
            modes=tuple(table.get("modes", ())),
            error=float(table.get("error", math.inf)),
            answer=table.get("answer", ""),
            instead=_definition(folder, table["instead"], where) if "instead" in table else None,
            where=where,
            variants=tuple(table.get("variants", ())),
            is_builtin=folder == content.DIVERGENCES,
            workaround=cause.get("workaround", ""),
            searched=table.get("searched", ""),
        )
    except (InvalidSpecifier, AttributeError, TypeError, ValueError) as error:
        raise DivergenceError(f"{where}: {error}") from error


def _check_place(kind: str, table: dict[str, Any], where: str) -> None:
    missing = [key for key in REQUIRED if key not in table or (key != "input" and not table[key])]
    unknown = [key for key in table if key not in REQUIRED + OPTIONAL]
    if missing or unknown:
        raise DivergenceError(f"{where}: missing {missing or 'nothing'}, unknown {unknown or 'nothing'}")
    verdict = table["verdict"]
    if verdict not in VERDICTS:
        raise DivergenceError(f"{where}: the verdict {verdict!r} is none of {', '.join(VERDICTS)}")
    if (kind == "convention") != (verdict == "convention") or (kind == "unsupported" and verdict != kind):
        raise DivergenceError(f"{where}: a cause of the kind {kind} cannot show as {verdict}")
    if (verdict == "convention") != ("instead" in table):
        raise DivergenceError(f"{where}: a convention, and nothing else, names the definition that holds `instead`")
    if table.get("answer", "") not in ANSWERS:
        raise DivergenceError(f'{where}: the answer {table["answer"]!r} can only be "nan"')
    for key in LISTS:
        if not isinstance(table.get(key, []), list):
            raise DivergenceError(f"{where}: {key} must be a list")
    check_searched(table, where)
    if table.get("variants") and verdict != "unsupported":
        raise DivergenceError(f"{where}: a variant of what is {verdict} needs a place and an input of its own")


def _definition(folder: Path, name: str, where: str) -> Function:
    known = _definitions(folder)
    # A file that cannot be loaded is one entry of its own name, which says why.
    found = known.get(name, known.get(DEFINITIONS))
    if found is None:
        raise DivergenceError(f"{where}: {folder.name}/{DEFINITIONS} defines no {name!r}")
    if found.problems:
        raise DivergenceError(f"{where}: {found.name} ({found.where}): {'; '.join(found.problems)}")
    return found


@cache
def _definitions(folder: Path) -> dict[str, Function]:
    return {function.name: function for function in registry.load([folder / DEFINITIONS])}
