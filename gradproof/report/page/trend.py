"""How many functions held on each backend, run by run."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from gradproof.backends import BACKENDS, DEVICES
from gradproof.report.page.charts import Axis, Chart, Line, Spot, axis_of
from gradproof.report.page.model import ordered, totals
from gradproof.report.rows.results import Row


@dataclass(frozen=True)
class Run:
    """A results file: what it is called, and its rows."""

    name: str
    rows: list[Row]


@dataclass(frozen=True)
class Trend:
    """A line per run, with a text per place, and the figure of them."""

    places: list[str]
    runs: list[tuple[str, list[str]]]
    figure: Markup


def trend_of(runs: Sequence[Run]) -> Trend:
    """The share of functions right wherever they were tried, from the oldest run to the newest."""
    of_runs = [{total.place: total for total in totals(run.rows)} for run in runs]
    usual = [f"{backend}-{device}" for backend in BACKENDS for device in DEVICES]
    places = ordered({place for of_run in of_runs for place in of_run}, usual)
    table = []
    for run, of_run in zip(runs, of_runs, strict=True):
        cells = []
        for place in places:
            total = of_run.get(place)
            cells.append(f"{total.right} of {total.tried} ({', '.join(total.versions)})" if total else "not run")
        table.append((run.name, cells))
    lines = []
    for tone, place in enumerate(places):
        points = [(i + 1.0, 100 * t[place].right / t[place].tried) for i, t in enumerate(of_runs) if place in t]
        lines.append(Line(points, place, tone % 6))
    heights = [y for line in lines for _, y in line.points]
    told = "The share of functions right wherever tried, in per cent, by run and backend"
    across = Axis(0.8, len(runs) + 0.2, "run", is_whole=True)
    spots = [Spot(x, y, "", line.tone) for line in lines for x, y in line.points]
    figure = Chart(across, axis_of(heights, "%"), told, lines, spots).svg()
    return Trend(places, table, figure)
