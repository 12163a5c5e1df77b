"""Inputs at which a backend was once found to deviate, each with a dtype and a mode that the default run then tries it
in, whatever is recorded: so the run fails when an entry of known_divergences is deleted before a release mends what it
records, and when a release breaks again what another one has mended. An entry that has no line yet gets one by
`gradproof watch`, in a cell where no other entry records the same."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

from gradproof import content, divergences
from gradproof.backends import BACKENDS
from gradproof.backends.adapter import REAL_PART
from gradproof.backends.daily import is_daily
from gradproof.divergences import Divergence
from gradproof.registry import Function, Inputs, load_builtin
from gradproof.report.outcome import Outcome

PATH = content.DIVERGENCES / "records" / "watched.jsonl"

Combination = tuple[str, str]
"""A dtype and a mode."""


@dataclass(frozen=True)
class Watched:
    """One line: the input as lists by argument, empty where everything was refused."""

    function: str
    backend: str
    dtype: str
    mode: str
    input: dict[str, list | float]

    def inputs(self, function: Function) -> Inputs:
        """The input, one array per argument."""
        return tuple(
            np.array(self.input[name], dtype=np.float64).reshape(domain.real_shape)
            for name, domain in function.domains.items()
        )

    def is_of(self, entry: Divergence, function: Function) -> bool:
        """Whether this line watches that entry."""
        if not self.input or entry.verdict == "unsupported":
            return not self.input and entry.verdict == "unsupported"
        return all(np.array_equal(x, y) for x, y in zip(self.inputs(function), entry.witness(function), strict=True))


def lines(function: Function, backend: str) -> list[Watched]:
    """What is watched of a function on a backend; nothing of a user's, whatever its name."""
    return load().get((function.name, backend), []) if function.is_builtin else []


@cache
def load() -> dict[tuple[str, str], list[Watched]]:
    """All lines, by function and backend."""
    kept: dict[tuple[str, str], list[Watched]] = {}
    for text in PATH.read_text(encoding="utf-8").splitlines():
        line = Watched(**json.loads(text))
        kept.setdefault((line.function, line.backend), []).append(line)
    return kept


def combinations(entry: Divergence, function: Function, backend: str) -> list[Combination]:
    """The dtypes and modes of which an entry speaks."""
    known = BACKENDS[backend]
    return [
        (dtype, mode)
        for dtype in entry.dtypes or known.dtypes
        if (dtype in REAL_PART) == function.is_complex
        for mode in entry.modes or known.modes
    ]


def watching(entry: Divergence, function: Function, backend: str) -> Watched | None:
    """The line that watches an entry; None where it has none yet."""
    spoken_of = combinations(entry, function, backend)
    ours = (line for line in lines(function, backend) if (line.dtype, line.mode) in spoken_of)
    return next((line for line in ours if line.is_of(entry, function)), None)


def missing(backend: str, registry: dict[str, Function]) -> Iterator[Watched]:
    """A line for each entry of a backend that has none: in a cell where no other entry speaks of that input, if there
    is one, and in one that runs every day anyway, if there is one."""
    entries = divergences.load(backend)
    for entry in entries:
        function = registry[entry.function]
        if watching(entry, function, backend) is not None:
            continue
        others = [other for other in entries if other is not entry and entry.function in other.names]
        rivals = [combinations(other, function, backend) for other in others if other.may_record(entry, function)]

        def order(combination: Combination, function: Function = function, rivals: list = rivals) -> tuple[bool, bool]:
            is_shared = any(combination in spoken_of for spoken_of in rivals)
            return is_shared, not is_daily(function, backend, *combination, large=True)

        dtype, mode = min(combinations(entry, function, backend), key=order)
        witness = [] if entry.verdict == "unsupported" else entry.witness(function)
        given = {name: x.tolist() for name, x in zip(function.domains, witness, strict=False)}
        yield Watched(entry.function, backend, dtype, mode, given)


def write(path: Path, kept: list[Watched]) -> None:
    """Write these lines, in the order of backends, functions and cells."""
    texts = [json.dumps(asdict(line)) for line in kept]
    order = {name: number for number, name in enumerate(BACKENDS)}
    ordered = sorted(zip(kept, texts, strict=True), key=lambda pair: (order[pair[0].backend], pair[1]))
    path.write_text("".join(f"{text}\n" for _, text in ordered), encoding="utf-8")


def watch_all() -> Outcome:
    """Give every entry a line, and drop none that is there."""
    registry = {function.name: function for function in load_builtin()}
    added = [line for backend in BACKENDS for line in missing(backend, registry)]
    write(PATH, [*(line for ours in load().values() for line in ours), *added])
    return Outcome(f"{len(added)} lines added to {PATH}")
