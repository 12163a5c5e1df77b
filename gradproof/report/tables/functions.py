"""What the registry holds, for who looks something up: the list of its functions, and all that is known of one."""

import functools
import inspect
import shlex
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, fields
from pathlib import Path

from gradproof import content, divergences
from gradproof.backends import BACKENDS
from gradproof.divergences import KINDS, Divergence
from gradproof.registry import Function
from gradproof.registry.domains import Domain
from gradproof.registry.names import meant
from gradproof.report.closing.summary import in_order
from gradproof.report.outcome import Outcome
from gradproof.report.rows.results import Row, name_of, ratio_of
from gradproof.report.tables import conventions
from gradproof.report.text import WIDTH, columns

SOURCES = ("body", "derivation", "code of its own")
"""The parts of what is shown that are code."""


def functions(
    entries: Sequence[Function], words: Sequence[str] = (), backend: str = "", paths: Sequence[str] = ()
) -> Outcome:
    """The functions in whose name, field or formula all of these words occur, a row each, which speaks for the variants
    as well; of a `backend`, those alone of which a divergence is recorded. 1 where there is none. `paths` are the files
    that they stand in, where they are not the built-in ones."""
    variants: dict[str, list[Function]] = {}
    for entry in entries:
        variants.setdefault(entry.variant_of or entry.name, []).append(entry)
    head = ["function", "field", "variants", *([f"recorded of {backend}"] if backend else []), "formula"]
    rows = []
    for entry in entries:
        family = variants.get(entry.name, [])
        known = [divergence for one in family for divergence in _recorded(one, backend)] if backend else []
        if entry.variant_of or not _has(family, words) or (backend and not known):
            continue
        kinds = ", ".join(kind for kind in KINDS if any(divergence.kind == kind for divergence in known))
        formula = entry.formula if not entry.problems else f"a bad entry: {'; '.join(entry.problems)}"
        rows.append([entry.name, field_of(entry), str(len(family) - 1), *([kinds] if backend else []), formula])
    if not rows:
        return Outcome(problems=[_none_of(variants.values(), words)], status=1)
    first = shlex.join([rows[0][0], *paths])
    count = f"{len(rows)} function{'s' if len(rows) > 1 else ''}"
    return Outcome(f"{count}; more of one: gradproof show {first}", table=[head, *rows])


def _none_of(families: Iterable[Sequence[Function]], words: Sequence[str]) -> str:
    """That there is no such function, and what was meant by a word that none has."""
    families = list(families)
    lost = [word for word in words if not any(_has(family, [word]) for family in families)]
    if not lost:
        return "no function has all of these words in its name, field or formula"
    names = [one.name for family in families for one in family]
    known = {*names, *(part for name in names for part in name.split("_")), *(field_of(f[0]) for f in families if f)}
    absent = "no function has {} in its name, field or formula{}"
    return "; ".join(absent.format(word, meant(word.lower(), sorted(known))) for word in lost)


def _has(family: Iterable[Function], words: Sequence[str]) -> bool:
    text = "\n".join(f"{one.name} {field_of(one)} {one.formula}" for one in family).lower()
    return all(word.lower() in text for word in words)


def field_of(function: Function) -> str:
    """The field that a function belongs to: the folder of a built-in one, the file of another."""
    path = Path(function.path)
    if not function.is_builtin:
        return path.name
    folder, *rest = path.relative_to(content.FUNCTIONS).parts
    return folder if rest else path.stem


def _recorded(function: Function, backend: str) -> list[Divergence]:
    same_registry = (d for d in divergences.load(backend) if d.is_builtin == function.is_builtin)
    return [d for d in same_registry if function.name in d.names]


def details(function: Function, entries: Iterable[Function], rows: Iterable[Row] = ()) -> Outcome:
    """All that is known of one function: its formula, where it is written, its domains and points, its derivation, its
    variants among these entries, what is recorded of the backends at it, and its verdicts among the rows of a run."""
    variants = [entry.name for entry in entries if entry.variant_of == function.name]
    kinks = [c for c in conventions.recorded()[0] if c.function == function.name] if function.is_builtin else []
    blocks = {
        "formula": [function.formula],
        "written in": [function.where],
        "field": [field_of(function)],
        "variant of": [function.variant_of] if function.variant_of else [],
        "variants": textwrap.wrap(", ".join(variants), 100),
        "domains": [f"{name}: {_domain(domain)}" for name, domain in function.domains.items()],
        "points": [_point(function, number) for number in range(len(function.points))],
        "problems": function.problems,
        **(_code(function) if function.domains else {}),
        "code of its own": [
            line
            for name, code in function.implementations.items()
            for line in (f"{name}{_promised(function, name)}", *source(code))
        ],
        "at kinks": [line for kink in kinks for line in conventions.lines_of(kink)],
        "recorded": [line for backend in BACKENDS for d in _recorded(function, backend) for line in _told(backend, d)],
        "verdicts": _verdicts([row for row in rows if row["function"] == function.name]),
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


def _verdicts(rows: Sequence[Row]) -> list[str]:
    """A line for each row of a run: where it ran, its verdict, and how large its error was."""
    lines = []
    for row in in_order(rows):
        ratio = ratio_of(row)
        size = f"{ratio:.2g} of its bound" if ratio >= 0 else str(row.get("reason") or "")
        known = f"recorded: {row['cause']}" if row.get("known") else ""
        lines.append([name_of(row).removeprefix(f"{row['function']}-"), row["verdict"], known or size])
    return columns(lines) if lines else []


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
