"""What is recorded of one place where a backend differs from the truth, and what it covers."""

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from packaging.specifiers import SpecifierSet

from gradproof.registry import Function, Inputs

KINDS = ("defect", "trap", "precision", "range", "convention", "unsupported")
"""From what matters most to a person. `defect`: a finite wrong value at an ordinary smooth point, or a gradient of
another dtype or shape; `trap`: NaN or infinity where value and gradient are finite; `precision`: digits are lost;
`range`: only where numbers are very large or small; `convention`: another definition that the library documents;
`unsupported`: it raises, or has no such operation. A cause that shows in several ways has the gravest of its kinds."""

VERDICTS = ("imprecise", "wrong", "unsupported", "convention")


SEARCHED = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]): \S.*")
"""What a cause says of a search for a public thread: its day, and the words."""


class DivergenceError(Exception):
    """An entry that is no good. The message names the file and the entry."""


def check_searched(table: dict[str, Any], where: str) -> None:
    """Hold what a cause or a place says of a search to its form. Raises `DivergenceError` for another one."""
    searched = table.get("searched")
    if searched is not None and not (isinstance(searched, str) and SEARCHED.fullmatch(searched)):
        wanted = 'the day of the search and its words, as in "2026-11-30: acosh complex gradient sign"'
        raise DivergenceError(f"{where}: searched must be {wanted}; it is {searched!r}")


def thread(issue: str, searched: str) -> str:
    """What is known of a public thread: its address, or whether one was looked for."""
    if issue != "unreported":
        return issue
    return f"none found (searched {searched})" if searched else "not searched for"


@dataclass(frozen=True, eq=False)
class Divergence:
    """One place. `input` is the witness, one array per argument, a complex one as pairs of real and imaginary part;
    empty for an `unsupported` function. Such a place may name `variants` of the function of which it speaks as well.

    `region` gives intervals by argument; an input lies in it when every argument named there has at least one entry
    within its interval; no region means the witness alone. Empty `dtypes`, `devices` and `modes` mean all. `error`
    is the largest error that is tolerated, relative to the largest true entry of an argument's gradient; infinite where
    only the verdict is asserted. `answer` is "nan" where nothing else is expected but what is not finite. `instead` is
    the definition to which a `convention` is held. `reason` is that of the cause, with what is particular here behind
    it. `where` is its file, cause and number. `is_builtin` says whether it speaks of the built-in functions, or of a
    project's own. `workaround` is what a person can write instead, empty where nobody knows. `searched` is when and by
    which words a public thread was looked for, empty where nobody did."""

    cause: str
    kind: str
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
    instead: Function | None = None
    where: str = ""
    variants: tuple[str, ...] = ()
    is_builtin: bool = True
    workaround: str = ""
    searched: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The functions of which this place speaks."""
        return self.function, *(f"{self.function}_{variant}" for variant in self.variants)

    def applies(self, function: str, device: str, dtype: str, mode: str, version: str) -> bool:
        """Whether this place speaks of that cell in that version of the backend."""
        return (
            function in self.names
            and (not self.dtypes or dtype in self.dtypes)
            and (not self.devices or device in self.devices)
            and (not self.modes or mode in self.modes)
            and self.speaks_of(version)
        )

    def speaks_of(self, version: str) -> bool:
        """Whether this place is about that version of the backend."""
        return self.versions.contains(re.split("[ +]", version)[0], prereleases=True)

    def may_record(self, other: "Divergence", function: Function) -> bool:
        """Whether what the other place asserts is, in a cell of which both speak, what this one is about."""
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
