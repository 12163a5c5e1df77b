"""Two plots of a function along one of its entries: the function with its derivative, and the V of finite differences,
whose error falls with the step until rounding takes over. The truth and the best step are exact, from balls."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb, ctx

from gradproof import backends
from gradproof.oracles import exact
from gradproof.oracles.balls import BallArithmetic
from gradproof.oracles.machine_model import FORMATS, MachineModel
from gradproof.oracles.whole import WholeReference
from gradproof.registry import Function, Inputs, RegistryError
from gradproof.report.answers import answer, own_forward
from gradproof.report.page.charts import Axis, Chart, Level, Line, Spot, axis_of
from gradproof.report.page.names import visible
from gradproof.report.rows.results import Row, from_hexadecimal

SAMPLES = 161
AROUND = 4.0
"""So far to both sides of its point a function is shown, as far as its domain reaches."""

DTYPES = ("float64", "float32")
STEPS = 0.7 * 10.0 ** -np.arange(0, 16, 0.25)
"""The steps of finite differences, in units of the entry: no powers of two, with which rounding happens to be kind."""

LEAST = 1e-20
"""A relative error below this is drawn at this: nothing that a dtype holds is nearer."""

STEEP, MOST_KINKS, HALVINGS = 0.05, 12, 30
"""Two samples whose slopes differ by more than this share of all that they span may have a kink between them; of so
many it is found out, by so many halvings."""

THIRD_BITS = 40
"""The exact third derivative is taken with a step of 2 to this power, downwards."""

PRECISION = 500
MARKED = 4
"""So many inputs of results are marked."""

DRAWN_BY = "numpy"
"""The backend whose forward pass is drawn, in double and in single precision: it is there wherever this runs."""


class NotDrawn(Exception):
    """Why there is no plot."""


@dataclass(frozen=True)
class Place:
    """One entry of one argument at a point of a function, along which it is drawn."""

    function: Function
    number: int
    argument: int
    index: tuple[int, ...]

    @property
    def inputs(self) -> Inputs:
        """The point."""
        return self.function.points[self.number]

    @property
    def name(self) -> str:
        """The entry as it is written: x[0]."""
        return f"{list(self.function.domains)[self.argument]}{list(self.index) if self.index else ''}"

    @property
    def value(self) -> float:
        """What the entry is at the point."""
        return float(self.inputs[self.argument][self.index])

    def moved(self, value: float) -> Inputs:
        """The point with another value of this entry."""
        parts = [x.copy() for x in self.inputs]
        parts[self.argument][self.index] = value
        return tuple(parts)

    def limits(self) -> tuple[float, float]:
        """From where to where the entry is shown."""
        domain = list(self.function.domains.values())[self.argument]
        low, high = float(getattr(domain, "low", -math.inf)), float(getattr(domain, "high", math.inf))
        reach = AROUND if abs(self.value) <= 2 * AROUND else abs(self.value) / 2
        return max(low, self.value - reach), min(high, self.value + reach)


def place_of(function: Function) -> Place:
    """Where a function is drawn: at the first of its points that is of ordinary size, along the first entry on which it
    depends there. Raises `NotDrawn`."""
    if function.is_complex or not function.points:
        raise NotDrawn("of complex arguments no line is drawn" if function.is_complex else "it has no point")
    ordinary = [k for k, x in enumerate(function.points) if all((np.abs(part) <= 2 * AROUND).all() for part in x)]
    moving = [k for k in ordinary if any(part.any() for part in function.points[k])]
    number = (moving or ordinary or [0])[0]
    candidates = [(i, index) for i, x in enumerate(function.points[number]) for index in np.ndindex(x.shape)]
    if not candidates:
        raise NotDrawn("its arguments are empty")
    given = answer(function, DRAWN_BY, function.points[number])
    live = [] if isinstance(given, str) else [(i, index) for i, index in candidates if given[i][index] != 0]
    argument, index = (live or candidates)[0]
    return Place(function, number, argument, index)


# The function and its derivative


def function_chart(place: Place, rows: Iterable[Row]) -> Chart:
    """f and its derivative along the entry, with its kinks there and the entry's values at the worst inputs of the
    results. Raises `NotDrawn`."""
    low, high = place.limits()
    if not low < high:
        raise NotDrawn("its domain is a point there")
    at = np.linspace(low, high, SAMPLES)
    values, slopes = _sampled(place, at)
    lines = [Line(list(zip(at, values, strict=True)), "f", 0)]
    lines.append(Line(list(zip(at, slopes, strict=True)), f"∂f/∂{place.name}, derived by hand", 1))
    upright = [Level(kink, "kink", 3, True) for kink in _kinks(place, at, slopes)]
    upright += [level for level in _worst(place, rows) if low <= level.at <= high]
    shown = _inner([*values, *slopes])
    here = [Spot(place.value, float(v), "the point", 0) for v in _sampled(place, np.array([place.value]))[0]]
    told = f"{place.function.name} and its derivative for {place.name} from {low:.4g} to {high:.4g}"
    axis = Axis(low, high, f"{place.name}, the rest as at point {place.number}")
    return Chart(axis, axis_of(shown), told, lines, here, upright)


def _sampled(place: Place, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    points = [place.moved(value) for value in at]
    batch = tuple(np.stack([p[i] for p in points]) for i in range(len(place.inputs)))
    with np.errstate(all="ignore"):
        try:
            values = own_forward(place.function, DRAWN_BY, "cpu").values(batch)
        except Exception as error:
            raise NotDrawn(f"{DRAWN_BY} cannot run it: {error}") from error
        given = [answer(place.function, DRAWN_BY, p) for p in points]
    slopes = [math.nan if isinstance(g, str) else float(g[place.argument][place.index]) for g in given]
    return np.asarray(values, float).reshape(-1), np.array(slopes)


def _inner(values: Sequence[float]) -> list[float]:
    """The heights that decide the scale: without a pole's last few."""
    finite = np.sort([v for v in values if math.isfinite(v)])
    if finite.size == 0:
        raise NotDrawn("it has no finite value there")
    low, high = np.percentile(finite, [3, 97])
    room = 1.5 * (high - low)
    return [float(v) for v in finite if low - room <= v <= high + room]


def _kinks(place: Place, at: np.ndarray, slopes: np.ndarray) -> list[float]:
    """Where the slope jumps: a step between two samples that no halving makes smaller."""
    finite = slopes[np.isfinite(slopes)]
    spread = float(np.ptp(finite)) if finite.size else 0.0
    jumps = [k for k in range(len(at) - 1) if abs(slopes[k + 1] - slopes[k]) > STEEP * spread > 0]
    found = [_narrowed(place, at[k], at[k + 1], slopes[k], slopes[k + 1]) for k in jumps[:MOST_KINKS]]
    return sorted({kink for kink in found if math.isfinite(kink)})


def _narrowed(place: Place, low: float, high: float, below: float, above: float) -> float:
    jump = abs(above - below)
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        given = answer(place.function, DRAWN_BY, place.moved(middle))
        slope = math.nan if isinstance(given, str) else float(given[place.argument][place.index])
        if abs(slope - below) < abs(slope - above):
            low, below = middle, slope
        else:
            high, above = middle, slope
    # On a grid of sixteenths or on a whole number, as kinks are wont to be.
    return round(high * 2**20) / 2**20 if abs(above - below) > jump / 2 else math.nan


def _worst(place: Place, rows: Iterable[Row]) -> list[Level]:
    """The values of the entry at the inputs whose errors are the largest in units of their bounds."""
    argument, levels = list(place.function.domains)[place.argument], {}
    compared = [row for row in rows if isinstance(row.get("input"), dict) and row.get("ratio") is not None]
    for row in sorted(compared, key=lambda row: -_number(row["ratio"])):
        try:
            value = float(from_hexadecimal(row["input"][argument])[place.index])
        except (KeyError, IndexError, TypeError, ValueError):
            continue
        levels.setdefault(value, f"worst input of {row['backend']}, {row['dtype']}: {row['verdict']}")
    return [Level(value, visible(told), 4, True) for value, told in list(levels.items())[:MARKED]]


def _number(value: float | str) -> float:
    number = float(value)
    return math.inf if math.isnan(number) else number


# The V


@dataclass(frozen=True)
class _Best:
    """The step at which a central difference errs least, and by how much, relatively to the derivative."""

    step: float
    error: float


def difference_chart(place: Place) -> Chart:
    """The relative error of a central difference against its step, in two dtypes: what it comes to, the best step by
    the exact third derivative, and the bound to which a gradient is held at the same input. Raises `NotDrawn`."""
    slope, value, third = _derivatives(place)
    if not (math.isfinite(slope) and slope != 0):
        raise NotDrawn("its derivative there is 0 or none, and has no relative error")
    lines, levels, spots, errors = [], [], [], []
    steps = STEPS * max(1.0, abs(place.value))
    for tone, dtype in enumerate(DTYPES):
        points = list(zip(steps, _errors(place, dtype, steps, slope), strict=True))
        errors += [y for _, y in points if math.isfinite(y)]
        lines.append(Line(points, f"central difference, {dtype}", tone))
        best = _best(dtype, slope, value, third)
        if best is not None:
            spots.append(Spot(best.step, best.error, f"its best step, {dtype}", tone))
        bound = _bound(place, dtype, slope)
        if bound is not None:
            errors.append(bound)
            levels.append(Level(bound, f"our bound, {dtype}: {bound:.1e}", tone))
    heights = axis_of([min(max(e, LEAST), 10.0) for e in errors if e > 0], "relative error", is_log=True)
    told = f"The error of finite differences of {place.function.name} in {place.name} against the step"
    across = axis_of([float(h) for h in steps], "step", is_log=True)
    return Chart(across, heights, told, lines, spots, levels)


def _derivatives(place: Place) -> tuple[float, float, float]:
    """The derivative along the entry, the value, and the third derivative, from exact differences."""
    unit = exact.unit(place.inputs, place.argument, place.index)

    def value_at(distance: arb) -> arb:
        on = BallArithmetic()
        return exact.body_value(place.function, on, exact.displaced(on, place.inputs, unit, distance))

    with ctx.workprec(PRECISION):
        h = arb(2) ** -THIRD_BITS * exact.scale(place.inputs)
        try:
            far_behind, behind, here, ahead, far_ahead = (value_at(k * h) for k in (-2, -1, 0, 1, 2))
        except (RegistryError, exact.Uncomputable, ValueError) as error:
            raise NotDrawn(f"it has no exact difference there: {error}") from error
        slope = (8 * (ahead - behind) - (far_ahead - far_behind)) / (12 * h)
        third = (far_ahead - 2 * ahead + 2 * behind - far_behind) / (2 * h**3)
        # Where the sides differ there is a kink, and no derivative.
        left, right = (here - behind) / h, (ahead - here) / h
        size = abs(slope).abs_upper() + abs(third).abs_upper()
        if not bool(abs(right - left).abs_upper() <= size * arb(2) ** -20):
            raise NotDrawn("it has a kink there, and no derivative to compare with")
        return float(slope.mid()), float(here.mid()), float(third.mid())


def _errors(place: Place, dtype: str, steps: np.ndarray, slope: float) -> list[float]:
    adapter = backends.load(DRAWN_BY)
    code = adapter.callable(place.function, dtype, "cpu")
    kind = np.dtype(dtype).type

    def value_at(entry: float) -> float:
        return float(adapter.to_numpy(code(*adapter.arguments(place.function, place.moved(entry), dtype, "cpu"))))

    found = []
    with np.errstate(all="ignore"):
        for step in steps:
            ahead, behind = kind(place.value) + kind(step), kind(place.value) - kind(step)
            if ahead == behind:
                found.append(math.nan)
                continue
            try:
                rise = kind(value_at(float(ahead))) - kind(value_at(float(behind)))
            except Exception as error:
                raise NotDrawn(f"{DRAWN_BY} cannot run it: {error}") from error
            error = abs(float(rise / (ahead - behind)) - slope) / abs(slope)
            # Exactly right has no place on a logarithm.
            found.append(error if error > 0 else math.nan)
    return found


def _best(dtype: str, slope: float, value: float, third: float) -> _Best | None:
    """The step that makes truncation h² |f'''| / 6 and rounding u |f| / h the least together."""
    unit = FORMATS[dtype].unit_roundoff
    if third == 0 or value == 0 or not math.isfinite(third):
        return None
    step = (3 * unit * abs(value) / abs(third)) ** (1 / 3)
    return _Best(step, (step**2 * abs(third) / 6 + unit * abs(value) / step) / abs(slope))


def _bound(place: Place, dtype: str, slope: float) -> float | None:
    try:
        bounds = WholeReference(place.function).bounds(place.inputs, MachineModel(FORMATS[dtype]))
    except (RegistryError, exact.Uncomputable):
        return None
    bound = float(bounds.gradient[place.argument][place.index]) / abs(slope)
    return bound if 0 < bound < math.inf else None
