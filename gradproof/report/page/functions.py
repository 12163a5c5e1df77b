"""The page of one function: its formula beside its derivation, its graph with numbers at its points, its plots, its
tables, and those of its variants."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from gradproof.backends import BACKENDS
from gradproof.registry import Function
from gradproof.report.page import views
from gradproof.report.page.computation import Graph, Undrawn, graph_of
from gradproof.report.page.curves import NotDrawn, difference_chart, function_chart, place_of
from gradproof.report.page.findings import SHOWN
from gradproof.report.page.graphs import drawn
from gradproof.report.page.model import Line
from gradproof.report.page.names import cut
from gradproof.report.tables.functions import source
from gradproof.report.tables.kinks import Convention

POINTS = 4
"""At so many of its points the graph of a function is drawn."""

HOME = "../index.html"


@dataclass(frozen=True)
class Pictured:
    """The graph at one point, or why there is none."""

    point: str
    figure: Markup | str
    graph: Graph | None


def context_of(
    base: str, function: Function | None, lines: Sequence[Line], conventions: Mapping[str, list[Convention]]
) -> dict[str, Any]:
    """What the template of a page is filled with: of the function `base`, as far as the registry knows it, and behind
    it of its variants."""
    line = next((one for one in lines if one.name == base), lines[0])
    is_builtin = function is not None and function.is_builtin
    kinks = [c for one in lines for c in conventions.get(one.name, [])] if is_builtin else []
    given = {
        "name": base,
        "formula": function.formula if function else line.formula,
        "field": line.field,
        "sections": [views.function_view(one, HOME) for one in lines],
        "proof": views.proof(line.proof),
        "kinks": [_kink(c) for c in kinks],
        "backends": [name for name in BACKENDS if any(name in c.chosen for c in kinks)],
        "home": HOME,
    }
    empty = {"about": [], "body": "", "hand": "", "pictures": [], "charts": [], "undrawn": [], "points": []}
    return given | (empty if function is None or function.problems else _of_entry(function, line))


def _of_entry(function: Function, line: Line) -> dict[str, Any]:
    charts, undrawn = [], []
    try:
        place = place_of(function)
        plots = [
            ("The function and its derivative", lambda: function_chart(place, line.rows), ""),
            ("What finite differences could have told", lambda: difference_chart(place), DIFFERENCES),
        ]
        for title, make, told in plots:
            try:
                charts.append((title, make().svg(), told))
            except NotDrawn as error:
                undrawn.append(f"{title}: not drawn, because {error}.")
    except NotDrawn as error:
        undrawn.append(f"No plot: {error}.")
    _, *about = (inspect.getdoc(function.body) or "").split("\n\n")
    return {
        "about": about,
        "body": code("\n".join(source(function.body))),
        "hand": code("\n".join(source(function.hand))) if function.hand else "",
        "pictures": [_picture(function, number) for number in range(min(len(function.points), POINTS))],
        "charts": charts,
        "undrawn": undrawn,
        "points": [_point(function, number) for number in range(len(function.points))],
    }


DIFFERENCES = (
    "The relative error of a central difference against its step. To the right the step is too long, to the left "
    "rounding takes over; between them lies the best that it can do, whatever tolerance is chosen. The dotted lines "
    "are the bounds to which a gradient is held here, at the same point."
)


def _picture(function: Function, number: int) -> Pictured:
    point = _point(function, number)
    try:
        graph = graph_of(function, function.points[number])
    except Undrawn as error:
        return Pictured(point, str(error), None)
    told = (
        f"The computation graph of {function.name} at {point}: forward values above, derivatives of f below each edge"
    )
    return Pictured(point, drawn(graph, told), graph)


def _point(function: Function, number: int) -> str:
    pairs = zip(function.domains, function.points[number], strict=True)
    text = ", ".join(f"{name} = {x.tolist()}" for name, x in pairs)
    return cut(text, SHOWN)


def _kink(c: Convention) -> dict[str, Any]:
    entries = []
    for i, entry in enumerate(c.entries):
        chosen = {name: f"{values[i]:.6g}" for name, values in c.chosen.items()}
        entries.append((entry, f"{c.left[i]:.6g}", f"{c.right[i]:.6g}", f"{c.low[i]:.6g} … {c.high[i]:.6g}", chosen))
    return {"function": c.function, "point": c.point, "entries": entries, "outside": c.outside, "split": c.split}


def code(text: str) -> Markup:
    """Python, highlighted. Pygments escapes it."""
    return Markup(highlight(text, PythonLexer(), HtmlFormatter(nowrap=True, classprefix="y-")))
