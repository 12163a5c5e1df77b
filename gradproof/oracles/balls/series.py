"""Ball arithmetic on power series of any length: the polynomial that a function is near a number, and how far from it
on a whole interval. What Arb has no series of is refused."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flint import arb_series, ctx

from gradproof.oracles.balls.taylor import SERIES, TaylorArithmetic


class NoSeries(Exception):
    """A function whose series is known to the first power alone."""


def _logistic(x: arb_series) -> arb_series:
    # By the exponential that stays below 1.
    if x[0] > 0:
        return 1 / (1 + (-x).exp())
    grown = x.exp()
    return grown / (1 + grown)


_SERIES: dict[str, Callable[[arb_series], arb_series]] = SERIES | {
    "asinh": lambda x: (x + (x * x + 1).sqrt()).log() if x[0] > 0 else -(-x + (x * x + 1).sqrt()).log(),
    "expit": _logistic,
    "gammaln": lambda x: x.lgamma() if x[0] > 0 else _refused("gammaln"),
    "tanh": lambda x: 2 * _logistic(2 * x) - 1 if x[0] > 0 else 1 - 2 * _logistic(-2 * x),
}


def _refused(name: str) -> arb_series:
    raise NoSeries(name)


class SeriesArithmetic(TaylorArithmetic):
    """Taylor arithmetic to as many powers as the context at hand keeps."""

    def series(self, name: str) -> Callable:
        if name not in _SERIES:
            raise NoSeries(name)
        return _SERIES[name]

    def angle(self, y: object, x: object) -> object:
        raise NoSeries("atan2")


@contextmanager
def powers(count: int) -> Iterator[None]:
    """Series keep so many coefficients inside, and what they kept before outside."""
    before, ctx.cap = ctx.cap, count
    try:
        yield
    finally:
        ctx.cap = before
