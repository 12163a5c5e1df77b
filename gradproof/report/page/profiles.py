"""Profiles on the page of a function: over all numbers of half precision in their order, the largest error among each
so many neighbours, of the value and of the slopes, a chart for each backend and dtype."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from markupsafe import Markup

from gradproof.backends import BACKENDS, DTYPES
from gradproof.report.page.charts import Axis, Chart, Level, Line
from gradproof.report.page.model import ordered
from gradproof.report.rows.profile import at_bins
from gradproof.report.rows.results import Row

MARKED = {
    "float16": {-1e2: "-100", -1.0: "-1", -1e-2: "-0.01", 0.0: "0", 1e-2: "0.01", 1.0: "1", 1e2: "100"},
    "bfloat16": {-1e20: "-1e20", -1.0: "-1", -1e-20: "-1e-20", 0.0: "0", 1e-20: "1e-20", 1.0: "1", 1e20: "1e20"},
}
"""The numbers that are marked, by format, and how they are written."""

LEAST = 0.1
"""A smaller error is drawn at this: such results are correctly rounded."""

HALF_ULP = 0.5

HEIGHT = 200

VALUE = "value"


def profiles_of(rows: Iterable[Row]) -> list[tuple[str, Markup]]:
    """A chart with its title for each backend and dtype, of the rows of one function that have a profile."""
    groups: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if "profile" in row and row["dtype"] in MARKED:
            groups[row["dtype"]][row["backend"]].append(row)
    charts = []
    for dtype in ordered(groups, DTYPES):
        errors = {name: _by_quantity(groups[dtype][name]) for name in ordered(groups[dtype], BACKENDS)}
        # One scale for all backends, so that they can be compared.
        up = _up([profile for of_one in errors.values() for profile in of_one.values()])
        charts += [(f"{name}, {dtype}", _chart(name, dtype, errors[name], up).svg()) for name in errors]
    return charts


def _by_quantity(rows: Sequence[Row]) -> dict[str, np.ndarray]:
    """The largest error of any mode, by quantity: infinite where an answer is not finite, NaN where there is none."""
    modes: dict[str, list[np.ndarray]] = defaultdict(list)
    for row in rows:
        modes[row["quantity"]].append(np.array([math.nan if e is None else float(e) for e in row["profile"]]))
    return {quantity: np.fmax.reduce(modes[quantity]) for quantity in ordered(modes, [VALUE])}


def _up(profiles: Sequence[np.ndarray]) -> Axis:
    every = np.concatenate(profiles)
    highest = 10.0 ** math.ceil(math.log10(max([*every[np.isfinite(every)], 1.0])))
    if not np.isinf(every).any():
        return Axis(LEAST, highest, "ulp", is_log=True)
    whole = Axis(LEAST, 10 * highest, "ulp", is_log=True)
    return replace(whole, marks=(*(tick for tick in whole.ticks() if tick[0] <= highest), (whole.high, "∞")))


def _chart(name: str, dtype: str, errors: dict[str, np.ndarray], up: Axis) -> Chart:
    numbers = at_bins(np.array([*MARKED[dtype]]), dtype)
    marks = tuple(zip(map(float, numbers), MARKED[dtype].values(), strict=True))
    across = Axis(0.0, float(len(next(iter(errors.values())))), f"all numbers of {dtype}, in order", marks=marks)
    lines = [Line(_points(errors[of], up.high), _words(of), tone) for tone, of in enumerate(errors)]
    told = f"The largest errors of {name} among neighbours, in ulp, over all numbers of {dtype}"
    half = Level(HALF_ULP, "half an ulp", 5)
    return Chart(across, up, told, lines, levels=[half], height=HEIGHT)


def _words(quantity: str) -> str:
    return "the value" if quantity == VALUE else f"the slope in {quantity}"


def _points(errors: np.ndarray, top: float) -> list[tuple[float, float]]:
    # NaN stays NaN, and leaves a gap.
    return [(bin + 0.5, float(error)) for bin, error in enumerate(np.clip(errors, LEAST, top))]
