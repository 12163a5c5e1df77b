"""What the templates print of a cell, a line and a function: letters, classes and words."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gradproof.backends import DTYPES, MODES
from gradproof.oracles.verdict import FAILING, Verdict
from gradproof.report.page.findings import facts
from gradproof.report.page.formulas import typeset
from gradproof.report.page.model import CHECKS, Cell, Line, Total, column_of, ordered
from gradproof.report.page.names import cut, slug
from gradproof.report.rows.results import HOLDS, Row, cell_of

GLYPHS = {
    **{"verified": "✓", "convention": "◇", "imprecise": "≈", "wrong": "✕", "unsupported": "∅"},
    **{"inconclusive": "?", "not run": "·"},
}
"""A sign for each verdict: colour alone tells nothing to whoever does not see it."""

CLASSES = {
    **{"verified": "o", "convention": "c", "imprecise": "i", "wrong": "w", "unsupported": "u"},
    **{"inconclusive": "q", "not run": "n"},
}
"""The class of each verdict in the page's style sheet."""

FILLED = 0.05
"""A share of its bound that is less than this leaves the cell empty."""


@dataclass(frozen=True)
class Mark:
    """One cell of a table."""

    text: str
    classes: str
    words: str
    holds: bool
    fill: str = ""
    id: str = ""
    title: str = ""


def mark(cell: Cell, *, id: str = "", title: str = "") -> Mark:
    """How a cell looks: the error in units of its bound where it holds, else the sign of its verdict."""
    verdict, ratio = str(cell.verdict), cell.ratio
    shows_ratio = verdict == "verified" and 0 <= ratio <= 1
    words = f"{verdict}, recorded" if cell.is_known else verdict
    return Mark(
        text=_share(ratio) if shows_ratio else GLYPHS[verdict],
        classes=CLASSES[verdict] + (" k" if cell.is_known else ""),
        words=words,
        holds=shows_ratio,
        fill=f"{ratio:.1f}".removeprefix("0") if shows_ratio and ratio >= FILLED else "",
        id=id,
        title=title,
    )


def _share(ratio: float) -> str:
    return f"{ratio:.2f}".removeprefix("0") if ratio >= 0.005 else "0"


def agreement(line: Line) -> str:
    """Whether all backends that ran hold what they must, in a word."""
    return {None: "–", True: "yes", False: "no"}[line.agree]


def proof(row: Row | None) -> str:
    """What came of the check of the hand-derived gradient."""
    if row is None:
        return ""
    return "verified" if row["verdict"] in HOLDS else "none" if row["verdict"] == Verdict.NOT_RUN else row["verdict"]


def parts(total: Total) -> list[tuple[str, int]]:
    """The pieces of a bar, by class."""
    return [
        ("o", total.right),
        ("w k", total.recorded),
        ("w", total.failing + total.own),
        ("u", total.unsupported),
        ("n", total.silent),
    ]


@dataclass(frozen=True)
class Deviation:
    """Rows of one function that do not hold, for one reason."""

    verdict: str
    glyph: str
    classes: str
    where: str
    reason: str
    cause: str
    anchor: str
    facts: list[tuple[str, str]]


@dataclass
class FunctionView:
    """One function as tables: `modes` has, by mode, a mark for each dtype of each of the `places`, in their order."""

    name: str
    formula: str
    home: str = ""
    places: dict[str, list[str]] = field(default_factory=dict)
    modes: dict[str, list[Mark | None]] = field(default_factory=dict)
    deviations: list[Deviation] = field(default_factory=list)


def function_view(line: Line, home: str = "") -> FunctionView:
    """The tables of a function. `home` is the address of the overview, seen from there."""
    cells: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in line.rows:
        cells[column_of(row).place, row["dtype"], row["mode"]].append(row)
    places = {}
    for place in dict.fromkeys(key[0] for key in cells):
        places[place] = ordered({dtype for p, dtype, _ in cells if p == place}, DTYPES)
    view = FunctionView(line.name, line.formula, home, places)
    for mode in ordered({key[2] for key in cells}, MODES):
        marks = [_of(cells.get((place, d, mode))) for place, dtypes in places.items() for d in dtypes]
        view.modes[mode] = marks
    view.deviations = _deviations(line.rows + ([line.proof] if line.proof else []))
    return view


def _of(rows: list[Row] | None) -> Mark | None:
    if rows is None:
        return None
    cell = Cell(rows)
    ulp = max((float(row["ulp"]) for row in rows if row.get("ulp") is not None), default=math.nan)
    title = "" if math.isnan(ulp) else f"{ulp:.3g} ulp"
    return mark(cell, id=slug(cell_of(rows[0])), title=title)


def _deviations(rows: Iterable[Row]) -> list[Deviation]:
    groups: dict[tuple, list[Row]] = defaultdict(list)
    for row in rows:
        if row["verdict"] != Verdict.VERIFIED and row["verdict"] != Verdict.NOT_RUN:
            cause = row.get("cause") if row.get("known") else ""
            groups[row["backend"], row["verdict"], cause or "", row["check"]].append(row)
    found = sorted(groups.items(), key=lambda group: -Verdict(group[0][1]).severity)
    return [_deviation(key, of_one) for key, of_one in found]


def _deviation(key: tuple, rows: Sequence[Row]) -> Deviation:
    backend, verdict, cause, check = key
    dtypes, modes = ordered({row["dtype"] for row in rows}, DTYPES), ordered({row["mode"] for row in rows}, MODES)
    first = rows[0]
    shown = facts(first) if verdict in FAILING else []
    told = f", {CHECKS.get(check, check)}" if CHECKS.get(check, check) else ""
    where = f"{backend}{told}, {', '.join(dtypes)}, {', '.join(modes).replace('_', ' ')}"
    return Deviation(
        verdict=verdict,
        glyph=GLYPHS[verdict],
        classes=CLASSES[verdict],
        where="the derivation, by itself" if check == "hand" else where,
        reason=cut(str(first.get("reason") or "")),
        cause=cause.replace("-", " "),
        anchor=f"finding-{backend}-{cause}",
        facts=shown,
    )


SHORT = {"float64": "64", "float32": "32", "float16": "16", "bfloat16": "b16", "complex128": "c128", "complex64": "c64"}


def short(dtype: str) -> str:
    """A dtype in few letters."""
    return SHORT.get(dtype, dtype)


FILTERS = {"slug": slug, "short": short, "typeset": typeset}
"""What the templates may call on a value."""
