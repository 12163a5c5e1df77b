"""Special functions of arrays of balls that are more than a function of every entry; those stand in `scalars.py`."""

from functools import partial
from typing import Any

from gradproof.oracles.balls.arrays import Balls
from gradproof.oracles.balls.real import RealArithmetic


def _of_argument_and_size(name: str, on: RealArithmetic, x: Any) -> Balls:
    return on.elementwise(name, x, on.abs(x))


def _log_ndtr(on: RealArithmetic, x: Any) -> Balls:
    # An implementation rounds √2 and x / √2 first; in the lower tail log Φ goes with the square of that quotient.
    return on.elementwise("log_ndtr", on.divide(on.divide(x, 1.0), 1.0))


OPERATIONS = {name: partial(_of_argument_and_size, name) for name in ("i0e", "i1e")} | {"log_ndtr": _log_ndtr}
"""Operations `(on, x)` on arrays that are more than a function of every entry."""
