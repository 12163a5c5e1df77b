"""Where a backend is known to differ from the truth, as data: one TOML file per backend, a `[[divergence]]` per entry.

An entry asserts the deviant behaviour. At its `input`, always tried, the verdict must be the recorded one; within its
`region`, where there is one, a draw may earn it too. A release that mends it, or makes it worse, fails the run."""

import difflib
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from gradproof import content
from gradproof.backends import Backend
from gradproof.registry import Function, Inputs

FOLDER = content.DIVERGENCES
VERDICTS = ("imprecise", "wrong", "unsupported")
REQUIRED = ("function", "verdict", "input", "versions", "reason", "issue")
OPTIONAL = ("variants", "dtypes", "devices", "modes", "region", "error", "answer")
ANSWERS = ("", "nan")


class DivergenceError(Exception):
    """An entry that is no good. The message names the file and the entry."""


@dataclass(frozen=True, eq=False)
class Divergence:
    """One entry. `input` is the witness, one array per argument, a complex one as pairs of real and imaginary part;
    empty for an `unsupported` function. Such an entry may name `variants` of the function of which it speaks as well.

    `region` gives intervals by argument; an input lies in it when every argument named there has at least one entry
    within its interval; no region means the witness alone. Empty `dtypes`, `devices` and `modes` mean all. `error`
    is the largest error that is tolerated, relative to the largest true entry of an argument's gradient; infinite where
    only the verdict is asserted. `answer` is "nan" where nothing else is expected but what is not finite. `issue` is an
    address, or "unreported". `where` is its file and number."""

    function: str
    verdict: str
    input: dict[str, np.ndarray]
    region: dict[str, tuple[float, float]]
    versions: SpecifierSet
    reason: str
    issue: str
    dtypes: tuple[str, ...]
    devices: tuple[str, ...]
    modes: tuple[str, ...]
    error: float = math.inf
    answer: str = ""
    where: str = ""
    variants: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The functions of which this entry speaks."""
        return self.function, *(f"{self.function}_{variant}" for variant in self.variants)

    def applies(self, function: str, device: str, dtype: str, mode: str, version: str) -> bool:
        """Whether this entry speaks of that cell in that version of the backend."""
        return (
            function in self.names
            and (not self.dtypes or dtype in self.dtypes)
            and (not self.devices or device in self.devices)
            and (not self.modes or mode in self.modes)
            and self.speaks_of(version)
        )

    def speaks_of(self, version: str) -> bool:
        """Whether this entry is about that version of the backend."""
        return self.versions.contains(re.split("[ +]", version)[0], prereleases=True)

    def may_record(self, other: "Divergence", function: Function) -> bool:
        """Whether what the other entry asserts is, in a cell of which both speak, what this one is about."""
        kinds = self.verdict == "unsupported", other.verdict == "unsupported"
        return kinds[0] == kinds[1] and (all(kinds) or self.covers(function, other.witness(function)))

    def tolerates(self, got: float, relative: float) -> bool:
        """Whether the worst entry of an answer deviates as recorded: what came, and how far off it is."""
        if self.answer == "nan" and math.isfinite(got):
            return False
        return not relative > self.error

    def witness(self, function: Function) -> Inputs:
        """The input at which the deviation is asserted."""
        # A list cannot tell 0x3 from 0.
        return tuple(
            self.input[name] if self.input[name].size else np.zeros(domain.real_shape)
            for name, domain in function.domains.items()
        )

    def covers(self, function: Function, inputs: Inputs) -> bool:
        """Whether `inputs` is the witness or lies in the region."""
        if self.verdict == "unsupported":
            return True
        if all(np.array_equal(x, y) for x, y in zip(inputs, self.witness(function), strict=True)):
            return True
        named = dict(zip(function.domains, inputs, strict=True))
        return bool(self.region) and all(
            bool(((named[name] >= low) & (named[name] <= high)).any()) for name, (low, high) in self.region.items()
        )


def check(backend: Backend, functions: Mapping[str, Function]) -> None:
    """Hold the entries of a backend to what there is. Raises `DivergenceError` for one that can never match anything,
    with its file, its number and what to do."""
    for entry in load(backend.name):
        function = functions.get(entry.function)
        problems = [f"there is no function {n!r}{_meant(n, functions)}" for n in entry.names if n not in functions]
        if function is not None:
            problems += _mismatches(entry, function, backend)
        if entry.issue != "unreported" and not entry.issue.startswith("https://"):
            problems.append(f'the issue {entry.issue!r} is neither an https address nor "unreported"')
        if problems:
            raise DivergenceError(f"{entry.where} ({entry.function}): {'; '.join(problems)}. Mend it, or take it out")


def _mismatches(entry: Divergence, function: Function, backend: Backend) -> list[str]:
    problems = []
    kinds = (
        ("dtypes", entry.dtypes, backend.dtypes),
        ("modes", entry.modes, backend.modes),
        ("devices", entry.devices, ("cpu", "gpu") if backend.has_gpu else ("cpu",)),
    )
    for kind, named, claimed in kinds:
        problems += [
            f"{n!r} is none of the {kind} of {backend.name}{_meant(n, claimed)}" for n in named if n not in claimed
        ]
    shapes = {name: domain.real_shape for name, domain in function.domains.items()}
    problems += [f"the region names {n}, which is no argument" for n in entry.region if n not in shapes]
    if entry.verdict == "unsupported":
        return problems
    if set(entry.input) != set(shapes):
        return [
            *problems,
            f"the input gives {', '.join(entry.input) or 'nothing'}; the arguments are {', '.join(shapes)}",
        ]
    return problems + [
        f"the input gives {name} the shape {entry.input[name].shape}; it has {shape}"
        for name, shape in shapes.items()
        if entry.input[name].shape != shape and (entry.input[name].size or math.prod(shape))
    ]


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


@cache
def load(backend: str) -> tuple[Divergence, ...]:
    """The entries of one backend; none where it has no file. Raises `DivergenceError` for a bad entry."""
    path = FOLDER / f"{backend}.toml"
    return parse(path.read_text(encoding="utf-8"), path.name) if path.is_file() else ()


def parse(text: str, source: str) -> tuple[Divergence, ...]:
    """The entries of a TOML text. Raises `DivergenceError`, naming `source` and the entry, for a bad one."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DivergenceError(f"{source} is no TOML: {error}") from error
    entries = tables.pop("divergence", [])
    if tables or not isinstance(entries, list):
        raise DivergenceError(f"{source} may hold [[divergence]] tables only")
    return tuple(_entry(table, f"{source}, entry {number}") for number, table in enumerate(entries, start=1))


def _entry(table: dict[str, Any], where: str) -> Divergence:
    missing = [key for key in REQUIRED if key not in table or (key != "input" and not table[key])]
    unknown = [key for key in table if key not in REQUIRED + OPTIONAL]
    if missing or unknown:
        raise DivergenceError(f"{where}: missing {missing or 'nothing'}, unknown {unknown or 'nothing'}")
    if table["verdict"] not in VERDICTS:
        raise DivergenceError(f"{where}: the verdict {table['verdict']!r} is none of {', '.join(VERDICTS)}")
    if table.get("answer", "") not in ANSWERS:
        raise DivergenceError(f'{where}: the answer {table["answer"]!r} can only be "nan"')
    for key in ("variants", "dtypes", "devices", "modes"):
        if not isinstance(table.get(key, []), list):
            raise DivergenceError(f"{where}: {key} must be a list")
    if table.get("variants") and table["verdict"] != "unsupported":
        raise DivergenceError(
            f"{where}: a variant of what is {table['verdict']} needs an entry and an input of its own"
        )
    try:
        return Divergence(
            function=table["function"],
            verdict=table["verdict"],
            input={name: np.array(value, dtype=np.float64) for name, value in dict(table["input"]).items()},
            region={name: (float(low), float(high)) for name, (low, high) in table.get("region", {}).items()},
            versions=SpecifierSet(table["versions"]),
            reason=table["reason"],
            issue=table["issue"],
            dtypes=tuple(table.get("dtypes", ())),
            devices=tuple(table.get("devices", ())),
            modes=tuple(table.get("modes", ())),
            error=float(table.get("error", math.inf)),
            answer=table.get("answer", ""),
            where=where,
            variants=tuple(table.get("variants", ())),
        )
    except (InvalidSpecifier, TypeError, ValueError) as error:
        raise DivergenceError(f"{where}: {error}") from error
