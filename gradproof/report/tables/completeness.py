"""How complete the registry is, list by list: which names of a published list some entry differentiates, and why others
have no entry. Run as `python -m report.completeness` from the root; it prints a Markdown table.

In a list of operations nothing says which entry stands for which name. Every body is run on a namespace that watches
it, at two inputs close together: an operation is differentiated through one of its arguments if the body's value is
another one when that argument is held back at its first value. What merely makes weights or indices, or computes what
is then left aside, does not count; nor does an operator, although `x + y` is `add(x, y)`: the name itself must be
called.

What is no operation of `xp`, such as a loss or a test problem, nothing can be watched for: a list of such names states
the entries of each."""

import functools
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, seed, settings

from gradproof import backends, content
from gradproof.registry import Function, Inputs, load_builtin
from gradproof.registry.namespace import GROUPS

FOLDER = content.FUNCTIONS
LISTS = {path.stem: path for path in sorted(FOLDER.rglob("*.toml"), key=lambda path: path.name)}
"""The lists, in files beside the families, each with a `title` and a `source`. In a list of operations
`differentiable`, `flat` and `without_gradient` hold the names by section; `arguments` says for some by which arguments
there is a derivative, where that is not the first one alone; `same_as` says of some that they are another name of
another name. In a list that states its entries, each table `[[name]]` has a `name`, and `entries` or a `reason`, and
`one_size` says of the entries that come in one size why they do."""

STEP = 2.0**-18
"""How far apart the two inputs are, relatively."""

CHANGE = 2.0**-40
"""A smaller relative change of the value may be rounding; one by a derivative is of the order of STEP."""

Place = int | str
"""An argument of an operation: its position, or its keyword."""


@dataclass(frozen=True)
class Use:
    """An operation and one of its arguments. It is `differentiated` where that argument carries a derivative to the
    value of a body; otherwise the argument depends on the input and no more, as is all that one can ask of `floor`."""

    name: str
    place: Place
    differentiated: bool


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


class Watched:
    """A namespace, or a group of one, that lets `on_call(name, operation, arguments)` make every call."""

    def __init__(self, plain: Any, on_call: Callable, prefix: str = "") -> None:
        self._plain, self._on_call, self._prefix = plain, on_call, prefix

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._plain, name)
        if name in GROUPS and not self._prefix:
            return Watched(found, self._on_call, f"{name}.")
        if not callable(found):
            return found
        return lambda *positional, **named: self._on_call(
            self._prefix + name, found, dict(enumerate(positional)) | named
        )


@dataclass
class Run:
    """One run of a body: its value, and the calls that it made, each with its name and arguments. With `held`, a name
    and an argument of it, that argument has in every call the value of the same call in the run `before`."""

    before: "Run | None" = None
    held: tuple[str, Place] | None = None

    def __post_init__(self) -> None:
        self.calls: list[tuple[str, dict[Place, Any]]] = []
        self.value = np.nan

    def of(self, function: Function, arguments: Iterable[Any]) -> "Run":
        """Run the body of `function`."""
        dtype = "complex128" if function.is_complex else "float64"
        xp = Watched(backends.load("numpy").namespace(dtype, "cpu"), self.call)
        with np.errstate(all="ignore"):
            self.value = float(function.body(xp, *arguments))
        return self

    def call(self, name: str, operation: Callable, arguments: dict[Place, Any]) -> Any:
        """Note one call, and make it."""
        self.calls.append((name, arguments))
        if self.held and self.held[0] == name and self.held[1] in arguments:
            arguments = arguments | {self.held[1]: self.before.calls[len(self.calls) - 1][1][self.held[1]]}
        positional = [value for place, value in arguments.items() if isinstance(place, int)]
        return operation(*positional, **{k: value for k, value in arguments.items() if isinstance(k, str)})

    def moved(self) -> set[tuple[str, Place]]:
        """The arguments that have other values than in the run `before`."""
        pairs = zip(self.before.calls, self.calls, strict=False)
        return {
            (name, place)
            for (_, first), (name, second) in pairs
            for place in first.keys() & second.keys()
            if _differ(first[place], second[place])
        }


def _differ(first: Any, second: Any) -> bool:
    if isinstance(first, list | tuple):
        return any(map(_differ, first, second))
    kinds = (np.ndarray, np.generic)
    return isinstance(first, kinds) and isinstance(second, kinds) and not np.array_equal(first, second, equal_nan=True)


def uses_at(function: Function, inputs: Inputs) -> set[Use]:
    """What one body uses, as seen at one input; nothing, where it has no finite value there."""
    near, nearer = (_changes(function, inputs, step) for step in (STEP, STEP / 4))
    found = {Use(name, place, False) for name, place in near}
    # What changes as much over a quarter of the distance has jumped.
    return found | {
        Use(*held, True) for held, change in near.items() if change > CHANGE and nearer.get(held, 0.0) < change / 2
    }


def _changes(function: Function, inputs: Inputs, step: float) -> dict[tuple[str, Place], float]:
    """The arguments that move with the input, each with the relative change of the value when it is held."""
    close = tuple(x * (1 + step) + step * (2 + np.arange(x.size).reshape(x.shape) % 3) / 4 for x in inputs)
    first = Run().of(function, function.native(inputs))
    second = Run(first).of(function, function.native(close))
    if not np.isfinite([first.value, second.value]).all():
        return {}
    changes = {}
    for moved in second.moved():
        held = Run(first, moved).of(function, function.native(close)).value
        changes[moved] = abs(held - second.value) / max(abs(second.value), abs(held), np.finfo(float).tiny)
    return changes


def uses(function: Function) -> set[Use]:
    """What one body uses: at its points and, where it has none, at some draws."""
    if function.problems:
        return set()
    return set().union(*(uses_at(function, inputs) for inputs in function.points or _drawn(function)))


def _drawn(function: Function) -> list[Inputs]:
    inputs: list[Inputs] = []

    @settings(max_examples=5, database=None)
    @seed(0)
    @given(function.inputs())
    def draw(one: Inputs) -> None:
        inputs.append(one)

    draw()
    return inputs


@functools.cache
def uses_of_registry() -> dict[str, set[Use]]:
    """What every entry of the built-in registry uses, by its name."""
    return {function.name: uses(function) for function in load_builtin()}


def table(names: List | StatedList, found: dict[str, set[Use]], entries: dict[str, Function]) -> Iterator[str]:
    """The completeness table of one list, in Markdown."""
    rows = _stated_rows(names, entries) if isinstance(names, StatedList) else _watched_rows(names, found, entries)
    yield f"## {names.title}"
    yield ""
    yield from rows
    yield ""
    reasons: dict[str, list[str]] = {}
    for name in names.names:
        reasons.setdefault(name.reason, []).append(name.name)
    yield from (f"- left out: {', '.join(some)}: {reason}" for reason, some in reasons.items() if reason)
    yield from (f"- **missing**: {line}" for line in names.missing(found))
    if isinstance(names, StatedList):
        yield from (f"- of one size: {entry}: {reason}" for entry, reason in names.one_size.items())
        yield from (f"- **missing**: {line}" for line in names.without_sizes(entries))
    yield ""


def _stated_rows(names: StatedList, entries: dict[str, Function]) -> Iterator[str]:
    with_entries = [name for name in names.names if name.entries]
    left_out = sum(bool(name.reason) for name in names.names)
    listed = {entry for name in with_entries for entry in name.entries if entry in entries}
    sized = sum(entries[entry].generator is not None for entry in listed)
    counts = f"{len(names.names)} names, {len(with_entries)} with entries, {left_out} left out with reason"
    yield f"{counts}; {sized} of {len(listed)} entries in any size; from: {names.source}"
    yield ""
    yield "| name | entries | variants |"
    yield "|---|---|---|"
    for name in with_entries:
        variants = sum(entry.variant_of in name.entries for entry in entries.values())
        yield f"| {name.name} | {', '.join(name.entries)} | {variants} |"


def _watched_rows(names: List, found: dict[str, set[Use]], entries: dict[str, Function]) -> Iterator[str]:
    sections = list(dict.fromkeys(name.section for name in names.names))
    yield "| section | names | differentiable | with entries | zero derivative | with entries | left out with reason |"
    yield "|---|---|---|---|---|---|---|"
    for section in [*sections, "all"]:
        here = [name for name in names.names if section in (name.section, "all")]
        asked = [[name for name in here if not name.reason and name.flat == flat] for flat in (False, True)]
        done = [[name for name in some if not name.lacks(found)] for some in asked]
        counts = [len(x) for x in (here, asked[0], done[0], asked[1], done[1])]
        yield f"| {section} | {' | '.join(map(str, counts))} | {sum(bool(name.reason) for name in here)} |"
    yield ""
    yield "| name | through argument | entries | variants | for example |"
    yield "|---|---|---|---|---|"
    for name in names.names:
        for place in () if name.reason else name.places:
            users = name.entries(found, place)
            originals = [entry for entry in users if not entries[entry].variant_of]
            # The entry that uses the fewest other operations shows best what this one does.
            shown = sorted(originals or users, key=lambda entry: len({use.name for use in found[entry]}))[:3]
            counts = f"{len(originals)} | {len(users) - len(originals)} | {', '.join(shown) or 'none'}"
            yield f"| {name.name} | {'met' if name.flat else place} | {counts} |"


def main() -> int:
    """Print the tables; 1 where something is missing."""
    found, entries = uses_of_registry(), {function.name: function for function in load_builtin()}
    print(f"{len(entries)} entries, {sum(bool(f.variant_of) for f in entries.values())} of them variants\n")
    for names in lists().values():
        print("\n".join(table(names, found, entries)))
    stated = [names for names in lists().values() if isinstance(names, StatedList)]
    without_sizes = any(names.without_sizes(entries) for names in stated)
    return int(without_sizes or any(names.missing(found) for names in lists().values()))


if __name__ == "__main__":
    sys.exit(main())
