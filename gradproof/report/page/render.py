"""The page, written: the templates filled with the views of what was found. Jinja escapes everything that it is not
told to leave; what a person or a framework has named is made visible first."""

import datetime
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jinja2
from markupsafe import Markup, escape

from gradproof.backends import BACKENDS, DEVICES, DTYPES, MODES
from gradproof.divergences import KINDS
from gradproof.oracles.verdict import Verdict
from gradproof.registry import Function
from gradproof.report.page import views
from gradproof.report.page.accuracy import BANDS, Spread, tables
from gradproof.report.page.findings import PAGE_KINDS, Finding, facts, findings, report_text
from gradproof.report.page.functions import context_of
from gradproof.report.page.model import WIDTHS, Line, Overview, Total, ordered, overview, totals
from gradproof.report.page.names import slug, visible
from gradproof.report.page.profiles import profiles_of
from gradproof.report.page.trend import Run, trend_of
from gradproof.report.rows.comparison import compare
from gradproof.report.rows.results import (
    DERIVATION,
    HOLDS,
    IMPLEMENTATION,
    VERDICTS,
    Row,
    against_the_truth,
    fault_of,
    ratio_of,
)
from gradproof.report.tables.kinks import Convention

TEMPLATES = Path(__file__).parent / "templates"

NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:e[-+]?\d+)?")

MANY = 60
"""So many functions may stand unfolded."""

MOST_ROWS = 20_000
"""Of more rows than this one file has the overview alone: a site has a page for each function."""

HINTS = {
    "new": "not recorded: this is what to look at",
    "yours": "what you wrote has another gradient than is meant, by itself or by what it calls of a library",
    DERIVATION: "a gradient derived by hand is not the derivative",
    IMPLEMENTATION: "code that a backend runs in place of the body has another gradient",
    "defect": "a finite wrong value at an ordinary point, or another dtype or shape",
    "trap": "NaN or infinity where value and gradient are finite",
    "precision": "digits are lost",
    "range": "only where numbers are very large or very small",
    "convention": "another definition, which the library documents",
    "unsupported": "it raises, or there is no such operation",
}
PLURALS = {"defect": "defects", "trap": "traps"}


@dataclass(frozen=True)
class Given:
    """What a page is made of: rows, the functions of the registry by name, the scripts by the words of their cell, the
    runs before this one, the oldest first, the rows of `gradproof accuracy`, and the command that made it."""

    rows: Sequence[Row]
    entries: Mapping[str, Function]
    scripts: Mapping[str, str] = field(default_factory=dict)
    earlier: Sequence[Run] = ()
    accuracy: Sequence[Row] = ()
    made_by: str = "gradproof page"


def one_file(given: Given) -> str:
    """The overview with every cell beneath it, as one HTML file; of very many rows the overview alone."""
    found = overview(given.rows, given.entries)
    if len(given.rows) > MOST_ROWS:
        return _overview(given, found, link=lambda name: "")
    sections = {name: [views.function_view(line) for line in lines] for name, lines in found.fields.items()}
    return _overview(given, found, link=lambda name: f"#{slug(name)}", sections=sections)


def overview_page(given: Given, found: Overview) -> str:
    """The overview of a site, whose functions have pages of their own."""
    return _overview(given, found, link=lambda name: address_of(name, given.entries))


def function_page(
    given: Given,
    base: str,
    lines: Sequence[Line],
    conventions: Mapping[str, list[Convention]],
    spreads: Mapping[str, list[Spread]],
) -> str:
    """The page of the function `base` and its variants."""
    context = context_of(base, given.entries.get(base), lines, conventions)
    profiles = profiles_of(row for row in given.accuracy if row["function"] == base)
    accuracy = {"spreads": spreads.get(base, []), "profiles": profiles, "bands": BANDS}
    return filled("function.html", given, **accuracy, **context)


def address_of(name: str, entries: Mapping[str, Function]) -> str:
    """Where the page of a function lies in a site: a variant stands on that of its function."""
    entry = entries.get(name)
    base = entry.variant_of or name if entry else name
    return f"functions/{slug(base)}.html" + (f"#{slug(name)}" if base != name else "")


@cache
def environment() -> jinja2.Environment:
    """The templates, with what they may call."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    made.filters |= {**views.FILTERS, "exactly": lambda text: Markup(escape(text)), "compact": compact, "prose": prose}
    made.globals |= {
        "css": Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        "js": Markup((TEMPLATES / "page.js").read_text(encoding="utf-8")),
    }
    return made


def prose(text: str) -> Markup:
    """A paragraph of a docstring, what stands in backticks as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(visible(text)))))


OPTIONAL = re.compile(r"</(?:td|th|tr|li|dt|dd|option|thead|tbody)>\n?")
QUOTED = re.compile(r'="([^\s"\'=<>`]+)"(?!/)')


def compact(markup: Markup) -> Markup:
    """Markup without the end tags and quotes that HTML lets one leave out: of thousands of cells they are a tenth of
    the page. In escaped text there are none."""
    return Markup(QUOTED.sub(r"=\1", OPTIONAL.sub("", markup)))


def filled(template: str, given: Given, **context: Any) -> str:
    """A template with what every page has."""
    when = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    common = {"made_by": given.made_by, "when": when}
    return environment().get_template(template).render(**common, **context)


def _overview(
    given: Given,
    found: Overview,
    link: Callable[[str], str],
    sections: Mapping[str, Sequence[views.FunctionView]] = MappingProxyType({}),
) -> str:
    earlier = [run.rows for run in given.earlier]
    change = compare(earlier[-1], given.rows) if earlier else None
    told = findings(given.rows, given.entries, given.scripts, earlier)
    return filled(
        "overview.html",
        given,
        home="#main",
        link=link,
        headline=headline(found),
        lead=_lead(found),
        totals=[_card(total) for total in found.totals],
        groups=_groups(told),
        changes=change.blocks() if change else {},
        change=change.counted if change else "",
        before=given.earlier[-1].name if earlier else "",
        trend=trend_of([*given.earlier, Run("this run", list(given.rows))]) if earlier else None,
        accuracy=tables(given.accuracy) if given.accuracy else [],
        agree=_agree(found),
        places=_places(found),
        columns=found.columns,
        fields=[_field(name, lines, found) for name, lines in found.fields.items()],
        fields_open=len(found.lines) <= MANY,
        filters=_filters(found),
        sections=sections,
        data=Markup(embedded(_data(found))),
    )


# The head


def headline(found: Overview) -> str:
    """One sentence that answers whether there is anything new."""
    parts = [_own(found, DERIVATION), _own(found, IMPLEMENTATION), _theirs(found)]
    if any(parts):
        told = "; ".join(part for part in parts if part)
        return f"T{told[1:]}" if told.startswith("the ") else told
    if broken := _broken(found):
        return f"{', '.join(broken) if len(broken) <= 2 else f'{len(broken)} functions'} could not be verified"
    if any(row.get("known") for row in found.rows):
        return "Nothing new: every deviation is recorded"
    if not any(row["verdict"] in HOLDS and row["check"] != "hand" for row in found.rows):
        return "Nothing was verified on a backend"
    return "Every gradient that was judged is right"


def _own(found: Overview, fault: str) -> str:
    """Whose derivation or implementation is wrong; empty where none is."""
    names = sorted({row["function"] for row in found.failing if fault_of(row) == fault})
    if not names:
        return ""
    return f"the {fault} of {names[0]} is wrong" if len(names) == 1 else f"{len(names)} {fault}s are wrong"


def _theirs(found: Overview) -> str:
    """What fails on which backends though the function's own code is right; empty where nothing does."""
    rows = [row for row in found.failing if not fault_of(row)]
    if not rows:
        return ""
    names = sorted({row["function"] for row in rows})
    where = ", ".join(ordered({row["backend"] for row in rows}, BACKENDS))
    return f"{names[0]} fails on {where}" if len(names) == 1 else f"{len(names)} functions fail on {where}"


def _lead(found: Overview) -> str:
    backends = ordered({column.backend for column in found.columns}, BACKENDS)
    holding = [ratio_of(row) for row in found.rows if row["verdict"] == "verified" and row["check"] != "hand"]
    worst = f" Of what is right, the largest error is {max(holding):.2g} of its bound." if holding else ""
    functions = f"{len(found.lines)} function{'s' if len(found.lines) != 1 else ''}"
    why = "".join(f" {name}: {reason}." for name, reason in list(_broken(found).items())[:3])
    return f"{functions} on {', '.join(backends) or 'no backend'}: {len(found.rows)} cells.{worst}{why}"


def _broken(found: Overview) -> dict[str, str]:
    """The functions whose own code keeps them from being verified, and why."""
    return {row["function"]: row["reason"] for row in found.rows if row.get("fails")}


def _agree(found: Overview) -> str:
    judged = [line for line in found.lines if line.agree is not None]
    return f"all backends that ran agree on {sum(bool(line.agree) for line in judged)} of {len(judged)}"


def _card(total: Total) -> dict[str, Any]:
    causes = ", ".join(
        f"{total.causes[kind]} {_kinds(kind, total.causes[kind])}" for kind in KINDS if total.causes[kind]
    )
    several = "s" if total.causes.total() != 1 else ""
    told = f"{total.causes.total()} cause{several}: {causes}" if causes else ""
    known = {"place": total.place, "versions": total.versions, "right": total.right, "tried": total.tried}
    counts = {"recorded": total.recorded, "failing": total.failing, "silent": total.silent}
    counts |= {"own": total.own}
    return known | counts | {"unsupported": total.unsupported, "parts": views.parts(total), "causes_told": told}


def _kinds(kind: str, count: int) -> str:
    return PLURALS.get(kind, kind) if count != 1 else kind


# The findings


def _groups(told: Sequence[Finding]) -> list[dict[str, Any]]:
    groups: dict[str, list[Finding]] = {}
    for finding in told:
        kind = "yours" if finding.is_yours else "new" if finding.is_new else finding.kind
        groups.setdefault(kind, []).append(finding)
    is_first = True
    made = []
    for kind, members in groups.items():
        # What is new stands open; of what is recorded no more than the gravest kind, where it is short.
        is_open = kind in ("yours", "new") or (is_first and len(members) <= MANY)
        is_first = False
        shown = [_shown(finding) for finding in members]
        title = PLURALS.get(kind, kind)
        made.append({"title": title, "hint": HINTS.get(kind, ""), "findings": shown, "is_open": is_open})
    return made


def _shown(finding: Finding) -> dict[str, Any]:
    names = "backend kind title reason issue thread recorded workaround script formula since is_upstream where"
    listed = "anchor who functions dtypes modes verdicts versions"
    known = {name: getattr(finding, name) for name in f"{names} {listed}".split()}
    row = finding.shown
    tone = views.CLASSES[finding.verdicts[0]] + ("" if finding.is_new else " k")
    before, after = _around_script(finding)
    told = {"facts": facts(row), "brief": _brief(row), "tone": tone, "before": before, "after": after}
    return known | told


def _around_script(finding: Finding) -> tuple[str, str]:
    """The text of a report before its script and behind it: the page holds the script once."""
    text = report_text(finding)
    if not finding.script:
        return text, ""
    before, _, after = text.partition(finding.script.rstrip())
    return before, after.removeprefix("\n")


def _brief(row: Row) -> str:
    """A line of a finding: what came and what is right."""
    if row["verdict"] == Verdict.UNSUPPORTED:
        return f"{row['function']}: {row.get('reason') or 'unsupported'}"[:160]
    if row.get("expected") is None:
        return f"{row['function']}: {row.get('reason') or row['verdict']}"[:160]
    return f"{row['function']}: {_digits(row.get('got'))}, where {_digits(row['expected'])} is right"


def _digits(value: Any) -> str:
    """Numbers in few digits, one alone or those of a text such as "between 0 and 1"."""
    return NUMBER.sub(lambda match: f"{float(match[0]):.6g}", str(value))


# The matrix


def _places(found: Overview) -> list[tuple[str, int]]:
    spans: dict[str, int] = {}
    for column in found.columns:
        spans[column.place] = spans.get(column.place, 0) + 1
    return list(spans.items())


def _field(name: str, lines: Sequence[Line], found: Overview) -> dict[str, Any]:
    rows = [row for line in lines for row in line.rows]
    bars = {total.place: views.parts(total) for total in totals(rows)}
    return {"name": name, "lines": [_line(line, found) for line in lines], "bars": bars}


def _line(line: Line, found: Overview) -> dict[str, Any]:
    cells = [views.mark(line.cells[c]) if c in line.cells else None for c in found.columns]
    told = {"agree": views.agreement(line), "proof": views.proof(line.proof)}
    return {"name": line.name, "formula": line.formula, "cells": cells} | told


# What the script filters by


def _filters(found: Overview) -> dict[str, list[str]]:
    rows = [row for row in found.rows if row["check"] != "hand"]

    def those(key: str, known: Sequence[str]) -> list[str]:
        return ordered({str(row[key]) for row in rows if row.get(key)}, known)

    choices = {
        "field": list(found.fields),
        "backend": those("backend", list(BACKENDS)),
        "device": those("device", list(DEVICES)),
        "dtype": those("dtype", list(DTYPES)),
        "mode": those("mode", list(MODES)),
        "verdict": those("verdict", VERDICTS),
        "kind": those("kind", PAGE_KINDS),
    }
    return {name: options for name, options in choices.items() if len(options) > 1}


def _data(found: Overview) -> dict[str, Any]:
    """The rows in numbers, by function as the tables have them: column, dtype, mode, verdict, kind, and a cell's share
    of its bound in hundredths, or -1."""
    names = {
        "dtypes": ordered({row["dtype"] for row in found.rows}, DTYPES),
        "modes": ordered({row["mode"] for row in found.rows}, MODES),
        "verdicts": list(VERDICTS),
        "kinds": ordered({str(row.get("kind")) for row in found.rows if row.get("known")}, PAGE_KINDS),
    }
    numbers = {key: {name: i for i, name in enumerate(known)} for key, known in names.items()}
    places = {column: i for i, column in enumerate(found.columns)}
    lines = [
        [_numbers(row, places[column], numbers) for column, cell in line.cells.items() for row in cell.rows]
        for line in found.lines
    ]
    severities = [Verdict(verdict).severity for verdict in VERDICTS]
    signs = {"glyphs": [views.GLYPHS[v] for v in VERDICTS], "classes": [views.CLASSES[v] for v in VERDICTS]}
    columns = [[c.backend, c.device, c.width, c.place] for c in found.columns]
    return names | signs | {"columns": columns, "severities": severities, "widths": WIDTHS, "lines": lines}


def _numbers(row: Row, place: int, numbers: Mapping[str, Mapping[str, int]]) -> list[int]:
    kind = numbers["kinds"][str(row.get("kind"))] if row.get("known") else -1
    ratio = max(map(ratio_of, against_the_truth([row])), default=-1.0)
    share = round(100 * ratio) if 0 <= ratio <= 1 else -1
    dtype, mode = numbers["dtypes"][row["dtype"]], numbers["modes"][row["mode"]]
    return [place, dtype, mode, numbers["verdicts"][row["verdict"]], kind, share]


def embedded(data: Any) -> str:
    """JSON that can stand in a script element."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
