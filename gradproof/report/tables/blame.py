"""Who is to blame at an input, as a matrix: how far each opinion agrees with each other one, who forms a group with
whom, and who is the odd one out."""

import json
import math
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from gradproof.registry import Function, Inputs, RegistryError
from gradproof.report.answers import computable, installed_backends
from gradproof.report.opinions import (
    HAND,
    Opinion,
    at_kink,
    digits_between,
    disagree,
    followers_of,
    groups,
    odd_ones,
    opinions,
)
from gradproof.report.outcome import Outcome
from gradproof.report.tables.explain import at_given, outside, placed, written_input
from gradproof.report.text import WIDTH, columns, wrapped

MOST_ENTRIES = 6
"""So many entries are shown with their numbers."""

LEGEND = "= agree within what they may be off; a number: the digits that agree; · cannot be compared"


def blame(
    function: Function, point: int | None = None, given: str = "", named: Sequence[str] = (), where: str = ""
) -> Outcome:
    """The matrix at every point of a function, or at one, or at the input that is `given` as JSON, an array per
    argument by its name, or said by `where` as `explain` takes it; of several points a few lines where all agree. The
    backends that are `named` are asked, or all that are installed. 1 where somebody disagrees. Raises `Unusable` and
    `RegistryError` for a point or an input that the function does not have."""
    function.check()
    if where:
        function, at = placed(function, where)
        inputs = [at]
    elif given:
        inputs = [_input(function, given)]
    elif point is None:
        inputs = function.points
    elif 0 <= point < len(function.points):
        inputs = [function.points[point]]
    else:
        raise function.error(f"it has no point {point}; its points are numbered from 0 to {len(function.points) - 1}")
    if not inputs:
        raise function.error("it has no point; give an input with --at")
    names = list(named) or installed_backends()
    lines, wrong = [LEGEND], False
    for number, at in enumerate(inputs):
        shown = written_input(function, at)
        with computable(), at_given(where or given):
            found = opinions(function, at, names)
            wrong = wrong or disagree(found)
            if len(inputs) > 1 and len(groups(found)) == 1:
                lines += ["", *_agreed(found, f"{function.name} at point {number}, {shown}")]
                continue
            told = matrix(found, _written(function))
            lines += [
                "",
                *wrapped(f"{function.name} at {shown}"),
                *wrapped(outside(function, at)),
                *told,
                *numbers(function, at, found),
            ]
    return Outcome("\n".join(lines), status=int(wrong))


def _agreed(found: Sequence[Opinion], where: str) -> list[str]:
    """That all who have an opinion agree, in a few lines."""
    silent = [f"{one.name} ({_first_line(one.problem)})" for one in found if one.problem]
    told = f"agree: {', '.join(one.name for one in found if not one.problem)}"
    told += f"; no opinion: {'; '.join(silent)}" if silent else ""
    return [*wrapped(where), *wrapped(told, "  ")]


def _input(function: Function, given: str) -> Inputs:
    example = json.dumps({name: np.zeros(domain.real_shape).tolist() for name, domain in function.domains.items()})
    try:
        values: Any = json.loads(given)
        if not isinstance(values, dict):
            raise ValueError("it names no argument")
        if set(values) != set(function.domains):
            raise ValueError(f"it names {', '.join(map(str, values)) or 'nothing'}")
        arrays = {name: np.array(values[name], dtype=np.float64) for name in function.domains}
        for name, domain in function.domains.items():
            if arrays[name].shape != domain.real_shape:
                raise ValueError(f"{name} has the shape {arrays[name].shape}, not {domain.real_shape}")
    except (ValueError, TypeError) as error:
        problem = f"the input {given} is not one of {function.name}: {error}"
        raise RegistryError(f"{problem}; give one such as {example}") from error
    return tuple(arrays.values())


def _written(function: Function) -> dict[str, str]:
    """Where a person's code stands that an opinion is the answer of: to be mended there, where it is the odd one
    out."""
    places = {HAND: function.hand_where} if function.hand is not None else {}
    if not function.is_builtin:
        places |= {name: function.implementation_where(name) for name in function.implementations}
    found = {name: place.rpartition(":") for name, place in places.items()}
    return {name: f"{Path(path).name}:{line}" for name, (path, _, line) in found.items()}


def matrix(found: Sequence[Opinion], written: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """The matrix as lines of text, who forms a group with whom, and the odd ones out; code of a person's own with where
    it is `written`."""
    lines = [["", *(str(i) for i in range(len(found)))]]
    for i, one in enumerate(found):
        cells = [_cell(digits_between(one, other)) if j < i else "" for j, other in enumerate(found)]
        lines.append([f"{i} {one.name}", *cells])
    text = columns(lines)
    text += [line for o in found if o.problem for line in wrapped(f"{o.name}: {_first_line(o.problem)}")]
    parts = groups(found)
    if not parts:
        return [*text, "nobody has an opinion"]
    if len(parts) == 1:
        return [*text, "all that have an opinion agree" if any(o.problem for o in found) else "all agree"]
    text += [line for part in parts for line in wrapped(f"agree with one another: {', '.join(part)}")]
    odd = [_odd(name, found, written.get(name, "")) for name in odd_ones(found)]
    if not odd and at_kink(found):
        return [*text, "nobody is the odd one out: at a kink a choice among its slopes is as right as another"]
    return [*text, *wrapped(f"odd {'one' if len(odd) == 1 else 'ones'} out: {', '.join(odd)}")]


def _odd(name: str, found: Sequence[Opinion], place: str) -> str:
    """One of the odd ones by its name; of a derivation or an implementation, where it stands, and of the derivation
    which backends run it."""
    if name != HAND:
        return f"{name}, by its implementation ({place})" if place else name
    runners = followers_of(HAND, found)
    runs = f", which {' and '.join(runners)} runs" if runners else ""
    return f"the hand-derived gradient{f' ({place})' if place else ''}{runs}"


def numbers(function: Function, at: Inputs, found: Sequence[Opinion]) -> list[str]:
    """What each of them gives, each number once with all who give it, for the entries on which they differ most."""
    places = [
        f"df/d{name}{list(index) if index else ''}"
        for name, x in zip(function.domains, at, strict=True)
        for index in np.ndindex(x.shape)
    ]
    with_numbers = [one for one in found if len(one.gradient) == len(places)]
    if not with_numbers:
        return []
    table = np.array([one.gradient for one in with_numbers], dtype=np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        spread = np.nan_to_num(np.ptp(table, axis=0), nan=np.inf, posinf=np.inf)
    lines = [["gradient", "is", "by"]]
    for entry in np.argsort(-spread, kind="stable")[:MOST_ENTRIES]:
        who: dict[str, list[str]] = {}
        for one in with_numbers:
            who.setdefault(repr(float(one.gradient[entry])), []).append(one.name)
        for i, (value, names) in enumerate(who.items()):
            parts = textwrap.wrap(", ".join(names), WIDTH - 40, break_on_hyphens=False)
            first = [places[entry] if i == 0 else "", value, parts[0]]
            lines += [first, *(["", "", part] for part in parts[1:])]
    if len(places) > MOST_ENTRIES:
        lines.append([f"and {len(places) - MOST_ENTRIES} more", "", ""])
    return ["", *columns(lines)]


def _first_line(text: str) -> str:
    return text.splitlines()[0][:100] if text else ""


def _cell(digits: float) -> str:
    return "·" if math.isnan(digits) else "=" if digits == math.inf else f"{digits:.0f}"
