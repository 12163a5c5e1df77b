"""The truth at a run of neighbouring numbers without asking for each: a polynomial around their middle, with the proven
remainder of Taylor's theorem, evaluated in float64. It is exact arithmetic again where that cannot decide."""

from dataclasses import dataclass

import numpy as np
from flint import arb, ctx

from gradproof.oracles.balls.series import NoSeries, SeriesArithmetic, powers
from gradproof.oracles.machine_model import FORMATS
from gradproof.verification.sweeps.entrywise import Entrywise
from gradproof.verification.sweeps.measure import rounded, spacing
from gradproof.verification.sweeps.truth import NOTHING, Truth, find

DEGREE = 9
"""The first power that is left to the remainder."""

BITS = 160

PART_OF_AN_ULP = 2.0**-12
"""How far off the polynomial may be; where the rounding to float32 hangs on that, exact arithmetic decides."""

FEWEST = 64
"""A run of so many numbers or fewer is left to exact arithmetic."""

ROUNDING = 2.0**-50
"""What evaluating the polynomial in float64 costs, relative to the sum of its terms: fewer than eight roundings."""

FLOAT32 = FORMATS["float32"]


@dataclass(frozen=True)
class Polynomial:
    """Coefficients around `middle`, in float64, what the first of them lacks, and the largest error within `radius`."""

    middle: float
    coefficients: np.ndarray
    low: float
    error: float

    def at(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The value as the unevaluated sum of two arrays."""
        step = x - self.middle
        rest = np.zeros_like(step)
        with np.errstate(all="ignore"):
            for coefficient in self.coefficients[:0:-1]:
                rest = (rest + coefficient) * step
            rest = rest + self.low
            high = self.coefficients[0] + rest
            return high, rest - (high - self.coefficients[0])


def truth_of_run(entry: Entrywise, x: np.ndarray) -> tuple[Truth, int]:
    """The truth at neighbouring numbers of float32, in increasing order, and for how many it took exact arithmetic."""
    if len(x) <= FEWEST:
        return find(entry, (x,)), len(x)
    try:
        found = _by_polynomials(entry, x)
    except (NoSeries, ValueError, ZeroDivisionError, OverflowError):
        found = None
    if found is not None:
        return _decided(entry, x, found)
    nowhere = _nowhere(entry, x)
    if nowhere is not None:
        return nowhere, 0
    parts = [truth_of_run(entry, half) for half in np.array_split(x, 2)]
    pairs = zip(parts[0][0].quantities, parts[1][0].quantities, strict=True)
    quantities = tuple((np.append(a[0], b[0]), np.append(a[1], b[1])) for a, b in pairs)
    kinks = np.append(parts[0][0].kinks, parts[1][0].kinks)
    return Truth(quantities, kinks), parts[0][1] + parts[1][1]


def _by_polynomials(entry: Entrywise, x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, float]] | None:
    """Value and slope with their largest errors; None where something ties, or they are not near enough."""
    low, high = float(x[0]), float(x[-1])
    middle = low / 2 + high / 2
    with ctx.workprec(BITS), powers(DEGREE + 1):
        reach = ((arb(high) - arb(low)) / 2 * (1 + arb(2) ** -40)).upper()
        on = SeriesArithmetic()
        around = on.inputs(np.array([middle, middle]))
        around.entries[1] = arb(middle, reach)
        result = entry.function.body(on.namespace(), on.moving(around, np.ones(2)))
        if on.at_kink:
            return None
        near, over = (_coefficients(part) for part in on.asarray(result, "balls").entries)
        if all(abs(over[power]) < NOTHING for power in (0, 1)):
            zero = np.zeros(len(x))
            return [(zero, zero, 0.0), (zero, zero, 0.0)]
        if not all(part.is_finite() for part in (*near, over[DEGREE])):
            return None
        slopes = [(power + 1) * near[power + 1] for power in range(DEGREE - 1)]
        value = _polynomial(middle, near[:DEGREE], reach, abs(over[DEGREE]) * reach**DEGREE)
        slope = _polynomial(middle, slopes, reach, DEGREE * abs(over[DEGREE]) * reach ** (DEGREE - 1))
    found = []
    for polynomial in (value, slope):
        high_, low_ = polynomial.at(x)
        if not np.isfinite(high_).all() or not (polynomial.error <= PART_OF_AN_ULP * spacing(high_, FLOAT32)).all():
            return None
        found.append((high_, low_, polynomial.error))
    return found


def _coefficients(part: object) -> list[arb]:
    if isinstance(part, arb):
        return [part, *[arb(0)] * DEGREE]
    return [part[power] for power in range(DEGREE + 1)]


def _polynomial(middle: float, coefficients: list[arb], reach: arb, remainder: arb) -> Polynomial:
    numbers = np.array([float(c.mid()) for c in coefficients])
    low = float((coefficients[0] - arb(float(numbers[0]))).mid())
    sizes = [abs(c) * reach**power for power, c in enumerate(coefficients)]
    unknown = sum((arb(c.rad()) * reach**power for power, c in enumerate(coefficients)), arb(0))
    evaluated = arb(ROUNDING) * sum(sizes[1:], arb(0)) + arb(2) ** -100 * sizes[0]
    error = float((remainder + unknown + evaluated).abs_upper())
    return Polynomial(middle, numbers, low, error)


def _nowhere(entry: Entrywise, x: np.ndarray) -> Truth | None:
    """That there is no truth, or one beyond every format, where it is so at a few of these numbers and at both ends; it
    is then taken to be so at the others."""
    probes = x[np.linspace(0, len(x) - 1, 5).astype(int)]
    quantities = []
    for high, _ in find(entry, (probes,)).quantities:
        if np.isfinite(high).any() or not (np.isnan(high).all() or (high == high[0]).all()):
            return None
        quantities.append((np.full(len(x), high[0]), np.zeros(len(x))))
    return Truth(tuple(quantities), np.zeros(len(x), bool))


def _decided(entry: Entrywise, x: np.ndarray, found: list[tuple[np.ndarray, np.ndarray, float]]) -> tuple[Truth, int]:
    open_ = np.zeros(len(x), bool)
    for high, low, error in found:
        open_ |= rounded(high, low + error, FLOAT32) != rounded(high, low - error, FLOAT32)
    quantities = tuple((high, low) for high, low, _ in found)
    kinks = np.zeros(len(x), bool)
    if open_.any():
        exact = find(entry, (x[open_],))
        kinks[open_] = exact.kinks
        for (high, low), pair in zip(quantities, exact.quantities, strict=True):
            high[open_], low[open_] = pair
    return Truth(quantities, kinks), int(open_.sum())
