"""Plots as SVG that stands in a page: no script draws them, so that they are there without one and on paper, and their
colours are those of the page's style sheet, in light and in dark. Lines differ in their dashes as well."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from gradproof.report.page.names import visible

WIDTH, HEIGHT = 460, 280
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 22, 40
TICKS = 5


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, in logarithms where it `is_log`; only whole numbers are marked where it `is_whole`. `name`
    stands beside it. `marks` are the values that are marked, with what is written there, instead of round numbers."""

    low: float
    high: float
    name: str = ""
    is_log: bool = False
    is_whole: bool = False
    marks: tuple[tuple[float, str], ...] = ()

    def share(self, value: float) -> float:
        """Where a value lies, from 0 to 1; NaN for what has no place on it."""
        if self.is_log:
            if not value > 0:
                return math.nan
            return (math.log10(value) - math.log10(self.low)) / (math.log10(self.high) - math.log10(self.low))
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[tuple[float, str]]:
        """Values at which it is marked, and how they are written."""
        if self.marks:
            return list(self.marks)
        if self.is_log:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            step = max(1, math.ceil((last - first) / TICKS))
            return [(10.0**k, _power_of_ten(k)) for k in range(first, last + 1, step)]
        step = _round_step((self.high - self.low) / TICKS)
        step = max(1.0, round(step)) if self.is_whole else step
        first = math.ceil(self.low / step - 1e-9)
        count = math.floor(self.high / step + 1e-9) - first
        return [(k * step, f"{k * step:.6g}") for k in range(first, first + count + 1)]


def _power_of_ten(k: int) -> str:
    return f"{10.0**k:g}" if -4 < k < 4 else f"1e{k}"


def _round_step(rough: float) -> float:
    size = 10.0 ** math.floor(math.log10(rough))
    return next(size * k for k in (1, 2, 2.5, 5, 10) if size * k >= rough * (1 - 1e-9))


def axis_of(values: Iterable[float], name: str = "", *, is_log: bool = False) -> Axis:
    """An axis on which all of these values lie, with a little room."""
    shown = [v for v in values if math.isfinite(v) and (v > 0 or not is_log)]
    low, high = (min(shown), max(shown)) if shown else ((0.1, 1.0) if is_log else (0.0, 1.0))
    if is_log:
        low, high = 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high))
        return Axis(low, high if high > low else low * 10, name, True)
    room = 0.06 * (high - low) or 0.5 * abs(high) or 1.0
    return Axis(low - room, high + room, name)


@dataclass(frozen=True)
class Line:
    """Points that are joined, with a gap where one is not finite. `tone` numbers its colour and dashes."""

    points: Sequence[tuple[float, float]]
    label: str
    tone: int = 0


@dataclass(frozen=True)
class Spot:
    """One marked point."""

    x: float
    y: float
    label: str
    tone: int = 0


@dataclass(frozen=True)
class Level:
    """A line across, at a height, or where it `is_upright` at an abscissa."""

    at: float
    label: str
    tone: int = 0
    is_upright: bool = False


@dataclass
class Chart:
    """A plot. `told` says in words what it shows, for whoever does not see it."""

    x: Axis
    y: Axis
    told: str
    lines: Sequence[Line] = ()
    spots: Sequence[Spot] = ()
    levels: Sequence[Level] = field(default_factory=list)
    height: int = HEIGHT

    def svg(self) -> Markup:
        """The plot with its legend."""
        levels, lines, spots = map(self._level, self.levels), map(self._line, self.lines), map(self._spot, self.spots)
        drawn = "".join([_title(self.told), *self._grid(), *levels, *lines, *spots])
        picture = f'<svg class="chart" viewBox="0 0 {WIDTH} {self.height}" role="img">{drawn}</svg>'
        return Markup(f'<figure class="plot">{picture}{self._legend()}</figure>')

    def _at(self, x: float, y: float) -> tuple[float, float]:
        across, up = self.x.share(x), self.y.share(y)
        return LEFT + across * (WIDTH - LEFT - RIGHT), self.height - BOTTOM - up * (self.height - TOP - BOTTOM)

    def _grid(self) -> Iterable[str]:
        bottom, right = self.height - BOTTOM, WIDTH - RIGHT
        for value, text in self.y.ticks():
            _, y = self._at(self.x.low, value)
            yield f'<path class="tick" d="M{LEFT} {y:.1f}H{right}"/>'
            yield f'<text x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{text}</text>'
        for value, text in self.x.ticks():
            x, _ = self._at(value, self.y.low)
            yield f'<path class="tick" d="M{x:.1f} {TOP}V{bottom}"/>'
            yield f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{text}</text>'
        yield f'<text class="name" x="{right}" y="{self.height - 6}" text-anchor="end">{_text(self.x.name)}</text>'
        if self.y.name:
            yield f'<text class="name" x="{LEFT}" y="{TOP - 8}">{_text(self.y.name)}</text>'

    def _line(self, line: Line) -> str:
        pieces: list[list[str]] = [[]]
        for x, y in line.points:
            px, py = self._at(x, y)
            if math.isfinite(px) and math.isfinite(py) and -0.5 <= self.y.share(y) <= 1.5:
                pieces[-1].append(f"{px:.1f} {py:.1f}")
            else:
                pieces.append([])
        # One point alone would not be seen.
        path = "".join(f"M{'L'.join(piece)}{'h1' if len(piece) == 1 else ''}" for piece in pieces if piece)
        return f'<path class="line s{line.tone}" d="{path}"/>' if path else ""

    def _spot(self, spot: Spot) -> str:
        x, y = self._at(spot.x, spot.y)
        if not (math.isfinite(x) and math.isfinite(y)):
            return ""
        return f'<circle class="spot s{spot.tone}" cx="{x:.1f}" cy="{y:.1f}" r="4">{_title(spot.label)}</circle>'

    def _level(self, level: Level) -> str:
        share = (self.x if level.is_upright else self.y).share(level.at)
        if not 0 <= share <= 1:
            return ""
        if level.is_upright:
            path = f"M{self._at(level.at, self.y.low)[0]:.1f} {TOP}V{self.height - BOTTOM}"
        else:
            path = f"M{LEFT} {self._at(self.x.low, level.at)[1]:.1f}H{WIDTH - RIGHT}"
        return f'<path class="level s{level.tone}" d="{path}">{_title(level.label)}</path>'

    def _legend(self) -> str:
        kinds = [("line", self.lines), ("level", self.levels), ("spot", self.spots)]
        # What is drawn alike and told alike stands there once.
        entries = dict.fromkeys((kind, each.tone, each.label) for kind, given in kinds for each in given)
        told = [f"<li>{_key(kind, tone)} {_text(label)}</li>" for kind, tone, label in entries if label]
        return f'<figcaption><ul class="keys">{"".join(told)}</ul></figcaption>' if told else ""


def _key(kind: str, tone: int) -> str:
    shape = 'circle cx="11" cy="5" r="4"' if kind == "spot" else 'path d="M1 5H21"'
    return f'<svg width="22" height="10" aria-hidden="true"><{shape} class="{kind} s{tone}"/></svg>'


def _title(text: str) -> str:
    return f"<title>{_text(text)}</title>" if text else ""


def _text(text: str) -> str:
    return str(escape(visible(text)))
