"""All that is known of one function of the registry, for who looks it up."""

import functools
import inspect
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, fields

from gradproof import divergences
from gradproof.backends import BACKENDS
from gradproof.divergences import KINDS, Divergence
from gradproof.registry import Function
from gradproof.registry.domains import Domain
from gradproof.report.outcome import Outcome
from gradproof.report.tables import kinks
from gradproof.report.tables.listing import field_of
from gradproof.report.text import WIDTH

SOURCES = ("body", "derivation", "code of its own")
"""The parts of what is shown that are code."""


def kinds_of(names: Sequence[str], function: Function) -> list[str]:
    """The kinds of what is recorded of these backends at a function, the gravest first."""
    found = {divergence.kind for backend in names for divergence in _recorded(function, backend)}
    return [kind for kind in KINDS if kind in found]


def _recorded(function: Function, backend: str) -> list[Divergence]:
    same_registry = (d for d in divergences.load(backend) if d.is_builtin == function.is_builtin)
    return [d for d in same_registry if function.name in d.names]


def details(function: Function, entries: Iterable[Function], verdicts: Sequence[str] = ()) -> Outcome:
    """All that is known of one function: its formula, where it is written, its domains and points, its derivation, its
    variants among these entries, what is recorded of the backends at it, and the verdicts of a run, a line each."""
    variants = [entry.name for entry in entries if entry.variant_of == function.name]
    chosen = [c for c in kinks.recorded()[0] if c.function == function.name] if function.is_builtin else []
    blocks = {
        "formula": [function.formula],
        "written in": [function.where],
        "field": [field_of(function)],
        "variant of": [function.variant_of] if function.variant_of else [],
        "variants": textwrap.wrap(", ".join(variants), 100),
        "domains": [f"{name}: {_domain(domain)}" for name, domain in function.domains.items()],
        "points": [_point(function, number) for number in range(len(function.points))],
        "problems": function.faults(),
        **(_code(function) if function.domains else {}),
        "code of its own": [
            line
            for name, code in function.implementations.items()
            for line in (f"{name}{_promised(function, name)}", *source(code))
        ],
        "at kinks": [line for kink in chosen for line in kinks.lines_of(kink)],
        "recorded": [line for backend in BACKENDS for d in _recorded(function, backend) for line in _told(backend, d)],
        "verdicts": verdicts,
    }
    lines = [function.name]
    for title, block in blocks.items():
        if title in SOURCES and block:
            # Code stands as it is written.
            lines += [f"  {title}", *(f"      {line}".rstrip() for line in block)]
            continue
        shown = [part for line in block for part in _fitting(line)]
        lines += [f"  {title if i == 0 else '':17}{line}".rstrip() for i, line in enumerate(shown)]
    return Outcome("\n".join(lines))


def _code(function: Function) -> dict[str, list[str]]:
    """The body and the derivation; of a file that could not be loaded there is neither."""
    derivation = source(function.hand) if function.hand else ["none: held to exact differences alone"]
    return {"body": source(function.body), "derivation": derivation}


def _fitting(line: str) -> list[str]:
    """A line in parts that fit beside their title, each after the first indented as the first and by some more."""
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(
        line, WIDTH - 19, subsequent_indent=f"{indent}    ", break_long_words=False, break_on_hyphens=False
    ) or [""]


def _promised(function: Function, backend: str) -> str:
    promise = function.promise(backend)
    modes = f"in {', '.join(promise.modes)} alone" if promise.modes else ""
    accuracy = f"to {promise.accuracy:g}" if promise.accuracy is not None else ""
    return "".join(f", {part}" for part in (modes, accuracy) if part)


def _domain(domain: Domain) -> str:
    given = {f.name: getattr(domain, f.name) for f in fields(domain)}
    defaults = {f.name: f.default for f in fields(domain) if f.default is not MISSING}
    told = [f"{name}={value!r}" for name, value in given.items() if name == "shape" or value != defaults.get(name)]
    return f"{type(domain).__name__}({', '.join(told)})"


def _point(function: Function, number: int) -> str:
    pairs = zip(function.domains, function.points[number], strict=True)
    return f"{number}: " + ", ".join(f"{name} = {x.tolist()}" for name, x in pairs)


def source(code: object) -> list[str]:
    """The lines of a body or a derivation as they are written, without what its decorator is given."""
    given = getattr(code, "keywords", {}) if isinstance(code, functools.partial) else {}
    plain = code.func if isinstance(code, functools.partial) else code
    try:
        lines = textwrap.dedent(inspect.getsource(plain)).splitlines()
    except (OSError, TypeError):
        lines = [f"{plain!r}, whose source is not there"]
    # What the decorator is given stands above, as domains and points.
    first = next((i for i, line in enumerate(lines) if line.startswith("def ")), 0)
    return [*(f"# with {name} = {value!r}" for name, value in given.items()), *lines[first:]]


def _told(backend: str, known: Divergence) -> list[str]:
    where = ", ".join((*known.dtypes, *known.modes, *known.devices)) or "every dtype and mode"
    versions = f" {known.versions}" if str(known.versions) else ""
    text = f"{backend}{versions}, {known.kind} {known.cause}: {known.verdict} in {where}: {known.reason}"
    issue = [f"  {known.issue}"] if known.issue.startswith("http") else []
    return [text, *issue]
