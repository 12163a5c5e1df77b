"""Taylor arithmetic: ball arithmetic on power series x + t, cut behind the first power, so that a body gives its
directional derivative without any rule of ours: Arb's series arithmetic carries the chain rule. It confirms exact
differences a second way, and with a machine model it bounds the rounding of functions that have no hand-derived
gradient."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from flint import arb, arb_series, ctx

from gradproof.oracles.balls import taylor_special
from gradproof.oracles.balls.arithmetic import BallArithmetic
from gradproof.oracles.balls.arrays import Balls, objects
from gradproof.oracles.balls.scalars import SPECIAL
from gradproof.oracles.machine_model import SATURATING

ctx.cap = 2  # every series here ends behind its first power


def _logistic_slope(x: arb) -> arb:
    # e^-|x| / (1 + e^-|x|)²: no ball of x, however far out and however wide, makes the divisor contain zero.
    decay = (-abs(x)).exp()
    return decay / (1 + decay) ** 2


SERIES: dict[str, Callable[[arb_series], arb_series]] = {
    "acos": arb_series.acos,
    "acosh": lambda x: (x + (x * x - 1).sqrt()).log(),
    "asin": arb_series.asin,
    "asinh": lambda x: (x + (x * x + 1).sqrt()).log(),
    "atan": arb_series.atan,
    "atanh": lambda x: ((1 + x) / (1 - x)).log() / 2,
    "cos": arb_series.cos,
    "cosh": lambda x: (x.exp() + (-x).exp()) / 2,
    "erf": arb_series.erf,
    "erfc": arb_series.erfc,
    "exp": arb_series.exp,
    "expm1": lambda x: x.exp() - 1,
    "log": arb_series.log,
    "log10": lambda x: x.log() / arb(10).log(),
    "log1p": lambda x: (1 + x).log(),
    "log2": lambda x: x.log() / arb(2).log(),
    "sin": arb_series.sin,
    "sinh": lambda x: (x.exp() - (-x).exp()) / 2,
    "sqrt": arb_series.sqrt,
    "tan": arb_series.tan,
}
"""The series of functions, to any power."""

_TO_THE_FIRST: dict[str, Callable[[arb_series], arb_series]] = SERIES | {
    "expit": lambda x: arb_series([SPECIAL["expit"](x[0]), _logistic_slope(x[0]) * x[1]]),
    "tanh": lambda x: arb_series([x[0].tanh(), 4 * _logistic_slope(2 * x[0]) * x[1]]),
}


def _quotient(x: Any, y: Any) -> Any:
    # Arb refuses to divide by what may be zero as soon as one of the two is a series.
    if not isinstance(x, arb_series) and not isinstance(y, arb_series):
        return x / y
    divisor = y[0] if isinstance(y, arb_series) else y
    return x / y if divisor.is_finite() and not divisor.contains(0) else arb_series([arb("nan"), arb("nan")])


def first_coefficient(entry: Any) -> arb:
    """The derivative that one entry carries: 0 for what does not depend on the direction."""
    return entry[1] if isinstance(entry, arb_series) else arb(0)


def depends(entry: Any) -> bool:
    """Whether an entry depends on the direction, be its derivative 0 or not."""
    return isinstance(entry, arb_series)


class TaylorArithmetic(BallArithmetic):
    """Ball arithmetic whose entries may be series; comparisons and ranges look at their constant terms."""

    def scalar(self, name: str) -> Callable:
        plain, series = super().scalar(name), self.series(name)
        return lambda *xs: (series if any(isinstance(x, arb_series) for x in xs) else plain)(*xs)

    def series(self, name: str) -> Callable:
        """The function of this name on series."""
        if name in _TO_THE_FIRST:
            return _TO_THE_FIRST[name]
        if name in taylor_special.PARTIALS:
            return partial(taylor_special.of_several, name)
        if name in taylor_special.ONE:
            return partial(taylor_special.of_one, name)
        rounding = arb(1) if self.model is None else self.model.factor(name)
        return lambda x: taylor_special.of_inverse(name, x, rounding)

    def elementwise(self, name: str, *arguments: Any) -> Balls:
        result = super().elementwise(name, *arguments)
        if self.model is None or name not in SATURATING or not self.model.slopes_from_values:
            return result
        error = self.model.factor(name) - 1

        def widen(value: Any, argument: Any) -> Any:
            return value + arb_series([0, error * first_coefficient(argument)])

        return Balls(np.frompyfunc(widen, 2, 1)(result.entries, self._lift(arguments[0]).entries), self)

    def center(self, entries: np.ndarray) -> np.ndarray:
        constant_term = np.frompyfunc(lambda e: e[0] if isinstance(e, arb_series) else e, 1, 1)
        return objects(constant_term(entries))

    def _in_range(self, entries: np.ndarray, operation: str = "add") -> np.ndarray:
        # The derivative overflows and underflows as the value does.
        derivatives = objects(np.frompyfunc(first_coefficient, 1, 1)(entries))
        sizes = np.abs(derivatives.astype(float))
        if (sizes > self.model.format.largest).any():
            self.overflowed = True
        entries = super()._in_range(entries, operation)
        return self._with_faint_derivatives(entries) if ((sizes > 0) & (sizes < self._faint)).any() else entries

    def _with_faint_derivatives(self, entries: np.ndarray) -> np.ndarray:
        error = arb_series([0, arb(0, self.model.underflow())])

        def widen(entry: Any) -> Any:
            slope = first_coefficient(entry)
            return entry if slope.is_zero() or not abs(slope) < self._faint else entry + error

        return objects(np.frompyfunc(widen, 1, 1)(entries))

    def hull(self, a: Any, b: Any) -> Any:
        parts = [(e[0], e[1]) if isinstance(e, arb_series) else (e, arb(0)) for e in (a, b)]
        return arb_series([p.union(q) for p, q in zip(*parts, strict=True)])

    def power(self, base: Any, exponent: Any) -> Any:
        if not isinstance(base, arb_series) and base.is_zero():
            # A constant for every positive exponent; through the logarithm it would be undefined.
            return super().power(base, exponent[0] if isinstance(exponent, arb_series) else exponent)
        if isinstance(base, arb_series) or isinstance(exponent, arb_series):
            return (exponent * (base.log())).exp() if isinstance(exponent, arb_series) else base**exponent
        return super().power(base, exponent)

    def angle(self, y: Any, x: Any) -> Any:
        (y0, y1), (x0, x1) = ((e[0], e[1]) if isinstance(e, arb_series) else (e, arb(0)) for e in (y, x))
        return arb_series([arb.atan2(y0, x0), (x0 * y1 - y0 * x1) / (x0 * x0 + y0 * y0)])

    def length(self, x: Any, y: Any) -> Any:
        if not isinstance(x, arb_series) and not isinstance(y, arb_series):
            return super().length(x, y)
        return (x * x + y * y).sqrt()

    # In a product rule the two terms may cancel: rounding is put on the factors, so that each term carries its own.

    def multiply(self, x: Any, y: Any) -> Balls:
        return super().multiply(self._roughened(x, "multiply"), y)

    def divide(self, x: Any, y: Any) -> Balls:
        x, y = self._roughened(x, "divide"), self._roughened(y, "divide")
        return self._rounded(objects(np.frompyfunc(_quotient, 2, 1)(x.entries, y.entries)), "divide")

    def _roughened(self, x: Any, operation: str) -> Balls:
        x = self._lift(x)
        return x if self.model is None else Balls(x.entries * self.model.factor(operation), self)

    def moving(self, x: Balls, velocity: np.ndarray) -> Balls:
        """The array x + t v, for the velocity v."""
        series = np.frompyfunc(lambda entry, v: arb_series([entry, arb(float(v))]), 2, 1)
        return Balls(objects(series(x.entries, velocity)), self)

    def along(self, x: Balls, index: tuple[int, ...]) -> Balls:
        """The array x with the series x + t at one entry."""
        entries = x.entries.copy()
        entries[index] = arb_series([entries[index], 1])
        return Balls(entries, self)
