"""The ball arithmetic that a tape is evaluated in: `BallArithmetic`, or its series, with what a tape needs besides. An
infinity that is exactly one is a number like others (a mask of -inf, log 0), slopes of functions are asked for by name,
and contractions go through Arb's matrices."""

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb, arb_mat, arb_series

from gradproof.oracles.balls import taylor_special
from gradproof.oracles.balls.arithmetic import BallArithmetic
from gradproof.oracles.balls.arrays import Balls, objects
from gradproof.oracles.balls.taylor import TaylorArithmetic
from gradproof.oracles.machine_model import SATURATING
from gradproof.oracles.tape.program import MAPS
from gradproof.oracles.tape.second_derivatives import SECOND_PARTIALS, second_derivative

ZERO, ONE = arb(0), arb(1)

NAMES = {"add": "add", "sub": "subtract", "mul": "multiply", "div": "divide", "atan2": "atan2", "hypot": "hypot"}
"""Maps that are methods of a ball arithmetic."""

SMALL_PRODUCT = 8
"""Up to so many multiplications a product of matrices is quicker number by number."""

FLAT_AT_INFINITY = "exp expm1 tanh expit erf erfc atan log log1p sqrt asinh log2 log10".split()
"""Functions whose slope goes to 0 where an infinite argument has a finite value, or a logarithm's or a root's."""

STEEP_AT: dict[str, float] = {"log": 0.0, "log2": 0.0, "log10": 0.0, "log1p": -1.0, "sqrt": 0.0}
"""Where a function's slope is +inf."""


OF_THE_SQUARE = {"acos": 1, "acosh": 1, "asin": 1, "atanh": 1, "fresnel_cos": 2, "fresnel_sin": 2}
"""Functions whose slope every library computes from x², and the roundings of x that stand for those of the square: from
1 - x², in which they count near 1, and from the sine of π x² / 2, in which they count far out."""


def center_of(entry: Any) -> arb:
    """A ball, or the constant term of a series of them."""
    return entry[0] if isinstance(entry, arb_series) else entry


def is_zero(entry: Any) -> bool:
    """Whether a ball or series is exactly zero."""
    if isinstance(entry, arb_series):
        return entry[0].is_zero() and entry[1].is_zero()
    return entry.is_zero()


def is_finite(entry: Any) -> bool:
    """Whether a ball, or both terms of a series, are finite."""
    return entry[0].is_finite() and entry[1].is_finite() if isinstance(entry, arb_series) else entry.is_finite()


def is_exact_infinity(entry: arb) -> bool:
    """Whether a ball is -inf or +inf and nothing else; a finite radius around an infinity adds nothing to it."""
    return not entry.is_finite() and not entry.is_nan() and not entry.mid().is_finite() and math.isfinite(entry.rad())


def flags(question: Callable[[Any], bool]) -> Callable[[np.ndarray], np.ndarray]:
    """A question about one entry, asked of each entry of an array."""
    vectorized = np.frompyfunc(question, 1, 1)
    return lambda entries: np.asarray(vectorized(entries), bool)


def of_all(question: Callable[[Any], bool]) -> Callable[[np.ndarray], bool]:
    """Whether a question about one entry is answered with yes by every entry of an array."""
    return lambda entries: all(map(question, entries.ravel().tolist()))


def any_of(question: Callable[[Any], bool]) -> Callable[[np.ndarray], bool]:
    """Whether it is by some entry."""
    return lambda entries: any(map(question, entries.ravel().tolist()))


finite_of = flags(arb.is_finite)
all_finite_of = of_all(arb.is_finite)
_infinities_of = flags(is_exact_infinity)


def _limit_of_slope(name: str, x: arb) -> arb:
    """f' where Arb finds none because the argument, or f there, is infinite."""
    if is_exact_infinity(x) and name in FLAT_AT_INFINITY:
        return arb("inf") if name in ("exp", "expm1") and x > 0 else ZERO
    if name in STEEP_AT and x.is_exact() and x == STEEP_AT[name]:
        return arb("inf")
    return arb("nan")


class _OnTape:
    """What both arithmetics have in common."""

    def _in_range(self, entries: np.ndarray, operation: str = "add") -> np.ndarray:
        centers = self.center(entries)
        if all_finite_of(centers):
            return super()._in_range(entries, operation)
        infinite = _infinities_of(centers)
        if not infinite.any():
            return super()._in_range(entries, operation)
        checked = entries.copy()
        if not infinite.all():
            checked[~infinite] = super()._in_range(entries[~infinite], operation)
        return checked

    @cached_property
    def series_arithmetic(self) -> TaylorArithmetic:
        """Taylor arithmetic with the same model."""
        return TaylorArithmetic(self.model)

    def apply(self, name: str, arguments: Sequence[np.ndarray], extra: Any, recorded: Sequence[np.ndarray]) -> Any:
        """A map of a tape on entries. `recorded` are the arguments in float64 at the traced input, whose zeros have
        signs; they are looked at only where a result is not finite."""
        result = self._plain(name, [Balls(a, self) for a in arguments], extra).entries
        if self.all_finite(result):
            return result
        return self._with_infinities(name, arguments, extra, recorded, result, ~self.are_finite(result))

    def _plain(self, name: str, arguments: list[Balls], extra: Any) -> Balls:
        if name == "neg":
            return -arguments[0]
        if name == "ipow":
            return self.pow(arguments[0], extra) if extra else self.ones(arguments[0].shape)
        if name == "pow":
            return self.pow(*arguments)
        return getattr(self, NAMES[name])(*arguments) if name in NAMES else self.elementwise(name, *arguments)

    def _with_infinities(
        self,
        name: str,
        arguments: Sequence[np.ndarray],
        extra: Any,
        recorded: Sequence[np.ndarray],
        result: np.ndarray,
        where: np.ndarray,
    ) -> np.ndarray:
        """The result with IEEE's answer wherever Arb has none and the arguments are exact numbers."""
        patched, shape = result.reshape(-1).copy(), result.shape
        arguments = [np.broadcast_to(a, shape).reshape(-1) for a in arguments]
        recorded = [np.broadcast_to(r, shape).reshape(-1) for r in recorded]
        for index in np.nonzero(where.reshape(-1))[0]:
            at = [a[index] for a in arguments]
            centers = [center_of(a) for a in at]
            if not all(is_exact_infinity(c) or (c.is_finite() and c.is_exact()) for c in centers):
                continue
            floats = [r[index] if float(c) == r[index] else float(c) for c, r in zip(centers, recorded, strict=True)]
            with np.errstate(all="ignore"):
                answer = float(
                    np.power(floats[0], float(extra)) if name == "ipow" else MAPS[name](*map(np.float64, floats))
                )
            if math.isfinite(answer) and answer != 0 and abs(answer) != 1:
                continue  # a limit that no float is exactly
            patched[index] = self._patched(name, arb(answer), at)
        return patched.reshape(shape)

    def _patched(self, name: str, value: arb, at: list[Any]) -> Any:
        return value

    # Slopes

    def slope(self, name: str, x: np.ndarray) -> np.ndarray:
        """f' of every entry, with the rounding of f. Where the machine model allows it to be taken from the value, it
        carries that value's error."""
        if self.model is not None and name in OF_THE_SQUARE:
            x = x * self.model.factor("multiply", OF_THE_SQUARE[name])
        with np.errstate(all="ignore"):
            slopes = objects(np.frompyfunc(lambda v: self._slope_at(name, v), 1, 1)(x))
        if self.model is None:
            return slopes
        rounded = self._rounded(slopes, name).entries
        from_value = name in SATURATING and self.model.slopes_from_values
        return rounded + (self.model.factor(name) - 1) if from_value else rounded

    def _slope_at(self, name: str, x: Any) -> Any:
        slope = self.series_arithmetic.series(name)(arb_series([x, 1]))[1]
        return slope if slope.is_finite() else _limit_of_slope(name, x)

    def partial(self, name: str, which: int, arguments: Sequence[np.ndarray]) -> np.ndarray:
        """The derivative in one argument of a function of several, with the rounding of the function."""
        find = np.frompyfunc(lambda *at: self._partial_at(name, which, at), len(arguments), 1)
        return self._rounded(objects(find(*arguments)), name).entries

    def _partial_at(self, name: str, which: int, at: Sequence[Any]) -> Any:
        return taylor_special.PARTIALS[name](*at)[which]()

    # Contractions

    def contract(self, a: np.ndarray, b: np.ndarray, adjoint: int | None = None) -> np.ndarray:
        """Products of the stacks (s, m, k) and (s, k, n), summed in any order. `adjoint` says which factor, 0 or 1, is
        one whose exact zeros pass nothing on, not even to an infinity."""
        terms = a.shape[2]
        if self.model is not None:
            factor = self.model.factor("multiply")
            factor = factor * self.model.factor("add", terms - 1) if terms > 1 else factor
            a, b = (a * factor, b) if a.size <= b.size else (a, b * factor)
        product = self._product(a, b, adjoint)
        return product if self.model is None else self._contracted_in_range(a, b, product)

    def _product(self, a: np.ndarray, b: np.ndarray, adjoint: int | None) -> np.ndarray:
        (stack, m, k), n = a.shape, b.shape[2]
        product = np.empty((stack, m, n), dtype=object)
        by_number = m * k * n <= SMALL_PRODUCT
        for i in range(stack):
            product[i] = _by_numbers(a[i], b[i], adjoint) if by_number else self._matrix_product(a[i], b[i])
            # A matrix product makes NaN of a zero times an infinity, whose ever the zero is.
            if not by_number and not all_finite_of(self.center(product[i])):
                product[i] = _by_numbers(a[i], b[i], adjoint)
        return product

    def _matrix_product(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return _arb_product(a, b)

    def _contracted_in_range(self, a: np.ndarray, b: np.ndarray, product: np.ndarray) -> np.ndarray:
        sizes = [np.abs(self.center(x).astype(float)) for x in (a, b)]
        with np.errstate(over="ignore", invalid="ignore"):
            largest = np.matmul(*(np.where(np.isfinite(s), s, 0.0) for s in sizes))
        if (largest > self.model.format.largest).any():
            self.overflowed = True
        # As Python's numbers, whose product may be infinite without a warning.
        least = [float(s[s > 0].min(initial=math.inf)) for s in sizes]
        if least[0] * least[1] >= self._faint:
            return product
        return product + arb(0, a.shape[2] * self.model.underflow("multiply"))


def _by_numbers(a: np.ndarray, b: np.ndarray, adjoint: int | None) -> np.ndarray:
    product = np.empty((len(a), b.shape[1]), dtype=object)
    for i, j in np.ndindex(*product.shape):
        terms = zip(a[i], b[:, j], strict=True)
        live = (pair for pair in terms if adjoint is None or not is_zero(pair[adjoint]))
        product[i, j] = sum((x * y for x, y in live), ZERO)
    return product


def _arb_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    product = arb_mat(*a.shape, a.ravel().tolist()) * arb_mat(*b.shape, b.ravel().tolist())
    return np.array(product.entries(), dtype=object).reshape(len(a), b.shape[1])


class TapeArithmetic(_OnTape, BallArithmetic):
    """Balls."""

    are_zero = staticmethod(flags(arb.is_zero))
    are_finite = staticmethod(finite_of)
    all_finite = staticmethod(all_finite_of)
    any_zero = staticmethod(any_of(arb.is_zero))

    def note_power(self, entries: np.ndarray, power: int) -> None:
        """Nothing: the first derivative asks for no such power."""


class TapeSeries(_OnTape, TaylorArithmetic):
    """Series of balls, cut behind the first power: an entry and how it changes along one direction."""

    are_zero = staticmethod(flags(is_zero))
    are_finite = staticmethod(flags(is_finite))
    all_finite = staticmethod(of_all(is_finite))
    any_zero = staticmethod(any_of(is_zero))

    def note_power(self, entries: np.ndarray, power: int) -> None:
        """Note where a power of what moves leaves the range, which takes a term with it that may be of any size."""
        if self.model is None:
            return
        moves = np.frompyfunc(lambda v: isinstance(v, arb_series) and not v[1].is_zero(), 1, 1)(entries).astype(bool)
        sizes = np.abs(self.center(entries[moves]).astype(float))
        with np.errstate(over="ignore"):
            powers = sizes**power
        lost = (powers > self.model.format.largest) | ((powers < self.model.format.tiny) & (sizes > 0))
        self.overflowed = self.overflowed or bool(lost.any())

    def _slope_at(self, name: str, x: Any) -> Any:
        if not isinstance(x, arb_series):
            return super()._slope_at(name, x)
        slope = super()._slope_at(name, x[0])
        if x[1].is_zero():
            return slope
        second = second_derivative(name, self.series(name), x[0])
        if not second.is_finite() and is_exact_infinity(x[0]) and name in FLAT_AT_INFINITY:
            second = ZERO
        return arb_series([slope, second * x[1]])

    def _partial_at(self, name: str, which: int, at: Sequence[Any]) -> Any:
        centers = [center_of(a) for a in at]
        moves = [(j, a[1]) for j, a in enumerate(at) if isinstance(a, arb_series) and not a[1].is_zero()]
        change = sum((SECOND_PARTIALS[name](which, j, *centers) * speed for j, speed in moves), ZERO)
        partial = super()._partial_at(name, which, centers)
        return arb_series([partial, change]) if moves else partial

    def _patched(self, name: str, value: arb, at: list[Any]) -> Any:
        speeds = [a[1] if isinstance(a, arb_series) else ZERO for a in at]
        centers = [center_of(a) for a in at]
        if name in ("add", "sub", "neg"):
            signs = {"add": (1, 1), "sub": (1, -1), "neg": (-1,)}[name]
            slopes = [arb(sign) for sign in signs]
        elif name == "mul":
            slopes = centers[::-1]
        elif len(at) == 1:
            slopes = [_limit_of_slope(name, centers[0])]
        else:
            slopes = [arb("nan")] * len(at)
        return arb_series([value, sum((s * v for s, v in zip(slopes, speeds, strict=True) if not v.is_zero()), ZERO)])

    def _matrix_product(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        parts = [_split(x) for x in (a, b)]
        (a0, a1), (b0, b1) = parts
        constant = _arb_product(a0, b0)
        change = [_arb_product(p, q) for p, q in ((a0, b1), (a1, b0)) if p is not None and q is not None]
        if not change:
            return constant
        pair = np.frompyfunc(lambda p, q: arb_series([p, q]), 2, 1)
        return pair(constant, change[0] if len(change) == 1 else change[0] + change[1])


def _split(entries: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """The constant terms and the first-order terms, None where there are none at all."""
    constant = np.frompyfunc(center_of, 1, 1)(entries)
    if not any(isinstance(v, arb_series) for v in entries.flat):
        return constant, None
    return constant, np.frompyfunc(lambda v: v[1] if isinstance(v, arb_series) else ZERO, 1, 1)(entries)
