"""Whether what is recorded can match anything: names, shapes and definitions are held to what there is."""

import difflib
import math
from collections.abc import Iterable, Mapping

from gradproof.backends import Backend
from gradproof.divergences.record import Divergence, DivergenceError
from gradproof.registry import Function


def check(entries: Iterable[Divergence], backend: Backend, functions: Mapping[str, Function]) -> None:
    """Hold the entries of a backend to what there is. Raises `DivergenceError` for one that can never match anything,
    with its place and what to do. An entry of a user whose function was not loaded is left alone: a run may have been
    asked for a part of his functions."""
    for entry in entries:
        function = functions.get(entry.function)
        if not entry.is_builtin and function is None:
            continue
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
    shapes = _shapes(function)
    problems += [f"the region names {n}, which is no argument" for n in entry.region if n not in shapes]
    if entry.verdict == "unsupported":
        return problems
    if entry.instead is not None and _shapes(entry.instead) != shapes:
        problems.append(f"the definition {entry.instead.name} has other arguments or shapes")
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


def _shapes(function: Function) -> dict[str, tuple[int, ...]]:
    return {name: domain.real_shape for name, domain in function.domains.items()}


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
