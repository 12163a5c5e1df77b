"""First and second partial derivatives of the elementwise functions of a tape, in float64 on whole arrays: what a bound
to first order is made of. The common ones are formulas of NumPy; the others are asked of ball arithmetic, number by
number."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import scipy.special
from flint import arb, ctx

from gradproof.oracles.balls import taylor_special
from gradproof.oracles.balls.taylor import TaylorArithmetic
from gradproof.oracles.tape.arithmetic import TapeArithmetic
from gradproof.oracles.tape.second_derivatives import SECOND_PARTIALS, second_derivative

Arrays = Sequence[np.ndarray]

ENOUGH = 128
"""Bits of the partial derivatives that are asked of ball arithmetic: a bound needs two digits of them."""

_SQUASH = 2 / math.sqrt(math.pi)


def _tanh(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    decay = np.exp(-2 * np.abs(x))
    slope = 4 * decay / (1 + decay) ** 2
    return slope, -2 * y * slope


def _expit(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    other = scipy.special.expit(-x)
    return y * other, y * other * (other - y)


def _gaussian(sign: float) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    def both(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        slope = sign * _SQUASH * np.exp(-x * x)
        return slope, -2 * x * slope

    return both


def _logarithm(base: float) -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    scale = 1 / math.log(base)
    return lambda x, y: (scale / x, -scale / (x * x))


UNARY: dict[str, Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]] = {
    "exp": lambda x, y: (y, y),
    "expm1": lambda x, y: (np.exp(x), np.exp(x)),
    "log": _logarithm(math.e),
    "log2": _logarithm(2.0),
    "log10": _logarithm(10.0),
    "log1p": lambda x, y: (1 / (1 + x), -1 / (1 + x) ** 2),
    "sqrt": lambda x, y: (0.5 / y, -0.25 / (x * y)),
    "sin": lambda x, y: (np.cos(x), -y),
    "cos": lambda x, y: (-np.sin(x), -y),
    "tan": lambda x, y: (1 + y * y, 2 * y * (1 + y * y)),
    "sinh": lambda x, y: (np.cosh(x), y),
    "cosh": lambda x, y: (np.sinh(x), y),
    "tanh": _tanh,
    "expit": _expit,
    "erf": _gaussian(1.0),
    "erfc": _gaussian(-1.0),
    "atan": lambda x, y: (1 / (1 + x * x), -2 * x / (1 + x * x) ** 2),
}
"""f' and f'' from the argument and the value."""


def _mul(x: np.ndarray, y: np.ndarray) -> tuple[list, dict]:
    return [y, x], {(0, 1): np.ones_like(x)}


def _div(x: np.ndarray, y: np.ndarray) -> tuple[list, dict]:
    quotient, inverse = x / y, 1 / y
    return [inverse, -quotient * inverse], {(0, 1): -inverse * inverse, (1, 1): 2 * quotient * inverse * inverse}


def _pow(x: np.ndarray, y: np.ndarray) -> tuple[list, dict]:
    z, lower, logarithm = x**y, x ** (y - 1), np.log(x)
    # 0 to any positive power is 0, whatever its logarithm.
    grown = np.where((x == 0) & (y > 0), 0.0, z * logarithm)
    lowest = np.where(y * (y - 1) == 0, 0.0, y * (y - 1) * x ** (y - 2))
    return [y * lower, grown], {(0, 0): lowest, (0, 1): lower * (1 + y * logarithm), (1, 1): grown * logarithm}


def _atan2(y: np.ndarray, x: np.ndarray) -> tuple[list, dict]:
    square = x * x + y * y
    mixed = 2 * x * y / square**2
    return [x / square, -y / square], {(0, 0): -mixed, (0, 1): (y * y - x * x) / square**2, (1, 1): mixed}


def _hypot(x: np.ndarray, y: np.ndarray) -> tuple[list, dict]:
    length = np.hypot(x, y)
    p, q = x / length, y / length
    return [p, q], {(0, 0): q * q / length, (0, 1): -p * q / length, (1, 1): p * p / length}


BINARY: dict[str, Callable[..., tuple[list, dict]]] = {
    "add": lambda x, y: ([np.ones_like(x), np.ones_like(y)], {}),
    "sub": lambda x, y: ([np.ones_like(x), -np.ones_like(y)], {}),
    "mul": _mul,
    "div": _div,
    "pow": _pow,
    "atan2": _atan2,
    "hypot": _hypot,
}


def _power(x: np.ndarray, exponent: int) -> tuple[list, dict]:
    def lower(by: int, factor: int) -> np.ndarray:
        return np.zeros_like(x) if factor == 0 else factor * x ** float(exponent - by)

    return [lower(1, exponent)], {(0, 0): lower(2, exponent * (exponent - 1))}


def partials(
    name: str, extra: int | None, arguments: Arrays, result: np.ndarray, moving: Sequence[bool]
) -> tuple[list[np.ndarray], dict[tuple[int, int], np.ndarray]]:
    """The derivative of a map in each argument, and the second derivatives by pairs of arguments i <= k; pairs that are
    missing are zero. Of arguments that are not `moving` nothing is asked. Raises `NoSecondDerivative`."""
    with np.errstate(all="ignore"):
        if name == "neg":
            return [-np.ones_like(result)], {}
        if name == "ipow":
            return _power(arguments[0], extra)
        if name in BINARY:
            return BINARY[name](*arguments)
        if name in UNARY:
            slope, curvature = UNARY[name](arguments[0], result.copy())
            return [slope], {(0, 0): curvature}
    with ctx.workprec(ENOUGH):
        return _of_several(name, arguments, moving) if name in taylor_special.PARTIALS else _of_one(name, arguments[0])


def _of_one(name: str, x: np.ndarray) -> tuple[list, dict]:
    series = TaylorArithmetic().series(name)
    balls = np.frompyfunc(lambda v: arb(float(v)), 1, 1)(x)
    slope = TapeArithmetic().slope(name, balls)
    curvature = np.frompyfunc(lambda v: second_derivative(name, series, v), 1, 1)(balls)
    return [_floats(slope)], {(0, 0): _floats(curvature)}


def _of_several(name: str, arguments: Arrays, moving: Sequence[bool]) -> tuple[list, dict]:
    places = [i for i, moves in enumerate(moving) if moves]
    balls = [np.frompyfunc(lambda v: arb(float(v)), 1, 1)(a) for a in arguments]
    count = len(arguments)
    zero = np.zeros(np.shape(arguments[0]))

    def first(i: int) -> np.ndarray:
        return _floats(np.frompyfunc(lambda *at: taylor_special.PARTIALS[name](*at)[i](), count, 1)(*balls))

    def second(i: int, k: int) -> np.ndarray:
        return _floats(np.frompyfunc(lambda *at: SECOND_PARTIALS[name](i, k, *at), count, 1)(*balls))

    pairs = [(i, k) for i in places for k in places if i <= k]
    return [first(i) if i in places else zero for i in range(count)], {(i, k): second(i, k) for i, k in pairs}


def _floats(balls: np.ndarray) -> np.ndarray:
    return np.asarray(balls, dtype=object).astype(float)
