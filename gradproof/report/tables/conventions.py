"""Which slope each backend chooses at each kink of the registry, beside the slopes that are right there: in float64 and
on the CPU, in reverse mode and in those of the modes forward, compiled and vectorized that it has for every day. What
known_divergences/records/conventions.toml holds is asserted by a test: a release that chooses otherwise fails it."""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from gradproof import backends, content
from gradproof.oracles import exact
from gradproof.oracles.machine_model import FORMATS, MachineModel
from gradproof.oracles.reference import Reference
from gradproof.registry import Function, Inputs, RegistryError
from gradproof.report.answers import answer, computable, installed_backends
from gradproof.report.outcome import Outcome
from gradproof.report.tables.kinks import Convention, lines_of
from gradproof.report.text import markdown_table, wrapped

PAGE = content.DIVERGENCES / "CONVENTIONS.md"
MODES = ("reverse", "forward", "compiled", "vectorized")
TOLERANCE = 2.0**-40
"""Two answers are one choice when they differ by less, relatively to the largest slope."""


def conventions(entries: Iterable[Function], names: Sequence[str]) -> list[Convention]:
    """The kinks among the points of these functions, and what the backends `names` choose there."""
    return [_convention(*kink, names) for kink in kinks_of(entries)]


def kinks_of(entries: Iterable[Function]) -> list[tuple[Reference, int, Inputs]]:
    """The points of these functions that are kinks, by their numbers."""
    found = []
    for function in entries:
        reference = Reference(function)
        for number, inputs in enumerate(function.points):
            with computable():
                kink = reference.truth(inputs).kink
            if kink is not None and kink.exists:
                found.append((reference, number, inputs))
    return found


def _convention(reference: Reference, number: int, inputs: Inputs, names: Sequence[str]) -> Convention:
    function, kink = reference.function, reference.truth(inputs).kink
    low, high = (_flat(side) for side in zip(*(kink.span(i) for i in range(len(inputs))), strict=True))
    places = np.flatnonzero(high - low > TOLERANCE * max(np.abs(low).max(), np.abs(high).max()))
    left, right = map(_flat, exact.one_sided(function, inputs))
    # The probes come close to the ends of a round set; a one-sided derivative is such an end, or lies within.
    low, high = (pick.reduce([side, left, right]) for pick, side in ((np.minimum, low), (np.maximum, high)))
    tolerance = reference.bounds(inputs, MachineModel(FORMATS["float64"])).gradient
    chosen, outside, split = {}, [], {}
    for name in names:
        given = answer(function, name, inputs)
        if isinstance(given, str):
            continue
        chosen[name] = _at(_flat(given), places)
        if not kink.admits(given, tolerance):
            outside.append(name)
        if others := _other_modes(function, name, inputs, chosen[name], places):
            split[name] = others
    spans = (_at(side, places) for side in (left, right, low, high))
    labels = [label for i in range(len(inputs)) for label in _labels(function, inputs, i)]
    return Convention(function.name, number, tuple(labels[p] for p in places), *spans, chosen, tuple(outside), split)


def _other_modes(function: Function, name: str, inputs: Inputs, chosen: tuple, places: np.ndarray) -> tuple[str, ...]:
    known, others = backends.BACKENDS[name], []
    for mode in MODES[1:]:
        if mode not in known.modes or mode in known.nightly:
            continue
        given = answer(function, name, inputs, mode)
        if not isinstance(given, str) and not same(_at(_flat(given), places), chosen):
            others.append(mode)
    return tuple(others)


def same(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether two answers are one choice; NaN is one as well."""
    size = max((abs(v) for v in one if math.isfinite(v)), default=0.0)
    return np.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE * size, equal_nan=True)


def at_entries(function: Function, entries: Sequence[str], given: Sequence[np.ndarray]) -> tuple[float, ...]:
    """The slopes of an answer at entries that are named as those of a convention are."""
    labels = [label for i in range(len(given)) for label in _labels(function, given, i)]
    return _at(_flat(given), np.array([labels.index(name) for name in entries]))


def _flat(parts: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(part) for part in parts])


def _at(values: np.ndarray, places: np.ndarray) -> tuple[float, ...]:
    # What is tiny beside the rest is a trace of the probes' distance.
    size = max((abs(v) for v in values if math.isfinite(v)), default=0.0)
    return tuple(0.0 if abs(v) <= TOLERANCE * size else float(f"{v:.12g}") for v in values[places])


def _labels(function: Function, inputs: Sequence[np.ndarray], argument: int) -> list[str]:
    name = list(function.domains)[argument]
    return [f"{name}{list(index) if index else ''}" for index in np.ndindex(inputs[argument].shape)]


# The file

HEAD = """# Which slope each backend chooses at the kinks of the registry, in float64, in reverse mode: made by
# `gradproof conventions --write FILE`, and asserted by a test. The fields are those of `Convention`.
"""


def written(found: list[Convention], versions: dict[str, str]) -> str:
    """The conventions as TOML."""
    text = HEAD + "\n[versions]\n" + "".join(f"{name} = {json.dumps(v)}\n" for name, v in versions.items())
    for c in found:
        text += f'\n[[convention]]\nfunction = "{c.function}"\npoint = {c.point}\nentries = {_list(c.entries)}\n'
        for side in ("left", "right", "low", "high"):
            text += f"{side} = {_list(getattr(c, side))}\n"
        text += "".join(f"chosen.{name} = {_list(values)}\n" for name, values in c.chosen.items())
        text += f"outside = {_list(c.outside)}\n"
        text += "".join(f"split.{name} = {_list(modes)}\n" for name, modes in c.split.items())
    return text


def _list(values: Sequence[str | float]) -> str:
    return f"[{', '.join(json.dumps(v) if isinstance(v, str) else repr(v) for v in values)}]"


# The page


INTRODUCTION = """# Conventions at kinks

The derivatives to the left and to the right of each entry, the slopes that are subgradients, and the one that each
backend chooses in float64, in reverse mode. **Bold** lies outside of the subdifferential; ≠ marks that other modes
choose otherwise. Made by `gradproof conventions` for {}.

"""


def page(found: list[Convention], versions: dict[str, str]) -> str:
    """The table of conventions as Markdown: a row per kink and entry."""
    names = list(versions)
    head = INTRODUCTION.format(", ".join(f"{name} {version}" for name, version in versions.items()))
    columns = ["function", "point", "entry", "left", "right", "subgradients", *names]
    rows = [_row(c, i, names) for c in found for i in range(len(c.entries))]
    return head + markdown_table([columns, *rows])


def _row(c: Convention, i: int, names: list[str]) -> list[str]:
    cells = []
    for name in names:
        text = f"{c.chosen[name][i]:.6g}" if name in c.chosen else "–"
        text = f"**{text}**" if name in c.outside else text
        cells.append(f"{text} ≠ {', '.join(c.split[name])}" if name in c.split else text)
    span = f"[{c.low[i]:.6g}, {c.high[i]:.6g}]"
    return [c.function, str(c.point), c.entries[i], f"{c.left[i]:.6g}", f"{c.right[i]:.6g}", span, *cells]


# The command


def survey(
    entries: Iterable[Function],
    words: Sequence[str] = (),
    *,
    markdown: Path | None = None,
    write: Path | None = None,
) -> Outcome:
    """Ask the installed backends at the kinks of the functions whose name has one of these words, or without any of all
    that are no variants; as text, unless it is to be written to a file."""
    chosen = [f for f in entries if any(word in f.name for word in words) or (not words and not f.variant_of)]
    if not chosen:
        raise RegistryError(f"no function has {' or '.join(words)} in its name; gradproof list WORD finds some")
    for function in chosen:
        function.check()
    kinks = kinks_of(chosen)
    # Without a kink no backend is asked, and so none imported, which takes most of the time.
    names = installed_backends() if kinks else []
    versions = {name: backends.load(name).version() for name in names}
    found = [_convention(*kink, names) for kink in kinks]
    for path, text in ((write, written), (markdown, page)):
        if path is not None:
            path.write_text(text(found, versions), encoding="utf-8")
    files = [str(path) for path in (write, markdown) if path is not None]
    if files:
        return Outcome(f"{len(found)} kinks written to {' and '.join(files)}")
    lines = [part for c in found for line in lines_of(c) for part in wrapped(line, line[: -len(line.lstrip())])]
    return Outcome("\n".join(lines) or "no point of theirs is a kink")
