"""Complex numbers on a tape: a pair of real arrays, and their arithmetic in real instructions.

So a complex program needs no rule of its own for derivatives. An input that is complex is two real inputs, its real
part and its imaginary part, and so is its gradient."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gradproof.oracles.tape.program import Cells, Predicates, Tape


class ComplexCells:
    """An array of complex numbers: `re` and `im` are cells of one shape, format and tape."""

    __slots__ = ("im", "re")
    __array_ufunc__ = None

    def __init__(self, re: Cells, im: Cells) -> None:
        self.re, self.im = re, im

    tape = property(lambda self: self.re.tape)
    format = property(lambda self: self.re.format)
    shape = property(lambda self: self.re.shape)
    dtype = property(lambda self: self.re.format)
    ndim = property(lambda self: self.re.ndim)
    size = property(lambda self: self.re.size)
    T = property(lambda self: ComplexCells(self.re.T, self.im.T))
    mT = property(lambda self: ComplexCells(self.re.mT, self.im.mT))

    @property
    def value(self) -> np.ndarray:
        """What these cells hold at the traced input, in complex128."""
        return self.re.value + 1j * self.im.value

    @property
    def entries(self) -> np.ndarray:
        """The sizes at the traced input, by which linear algebra chooses its pivots."""
        return np.abs(self.value)

    def __len__(self) -> int:
        return len(self.re)

    def __iter__(self) -> Iterator["ComplexCells"]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, key: Any) -> "ComplexCells":
        return ComplexCells(self.re[key], self.im[key])

    def __neg__(self) -> "ComplexCells":
        return ComplexCells(-self.re, -self.im)

    def __pos__(self) -> "ComplexCells":
        return self

    def __add__(self, other: Any) -> "ComplexCells":
        other = lifted(self.tape, other, self.format)
        return ComplexCells(*_stretched(self.re + other.re, self.im + other.im))

    __radd__ = __add__

    def __sub__(self, other: Any) -> "ComplexCells":
        return self + -lifted(self.tape, other, self.format)

    def __rsub__(self, other: Any) -> "ComplexCells":
        return lifted(self.tape, other, self.format) - self

    def __mul__(self, other: Any) -> "ComplexCells":
        if _is_real(other):
            return ComplexCells(self.re * other, self.im * other)
        other = lifted(self.tape, other, self.format)
        a, b, c, d = self.re, self.im, other.re, other.im
        return ComplexCells(a * c - b * d, a * d + b * c)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "ComplexCells":
        if _is_real(other):
            return ComplexCells(self.re / other, self.im / other)
        return self * reciprocal(lifted(self.tape, other, self.format))

    def __rtruediv__(self, other: Any) -> "ComplexCells":
        return reciprocal(self) * other

    def __pow__(self, other: Any) -> "ComplexCells":
        return power(self, other)

    def __rpow__(self, other: Any) -> "ComplexCells":
        return power(lifted(self.tape, other, self.format), self)

    def __matmul__(self, other: Any) -> "ComplexCells":
        return matmul(self, other)

    def __rmatmul__(self, other: Any) -> "ComplexCells":
        return matmul(lifted(self.tape, other, self.format), self)

    def __eq__(self, other: Any) -> "Predicates | np.ndarray":  # type: ignore[override]
        other = lifted(self.tape, other, self.format)
        return self.tape.logic("and", self.re == other.re, self.im == other.im)

    def __ne__(self, other: Any) -> "Predicates | np.ndarray":  # type: ignore[override]
        return self.tape.logic("not", self == other)

    __hash__ = None  # type: ignore[assignment]

    def moved(self, move: Any, *arguments: Any, **options: Any) -> "ComplexCells":
        """Both parts moved alike, by a function of index arrays such as np.reshape."""
        return ComplexCells(*(part.like(move(part.numbers, *arguments, **options)) for part in (self.re, self.im)))


def lifted(tape: Tape, x: Any, format: str | None = None) -> ComplexCells:
    """Anything as complex cells: real ones with a zero imaginary part, numbers as constants."""
    if isinstance(x, ComplexCells):
        return x
    if isinstance(x, Cells | Predicates):
        re = tape.lift(x, format)
        return ComplexCells(re, tape.constant(np.zeros(re.shape), re.format))
    x = np.asarray(x)
    return ComplexCells(tape.constant(x.real, format), tape.constant(x.imag, format))


def _is_real(x: Any) -> bool:
    return isinstance(x, Cells) or (not isinstance(x, ComplexCells | Predicates) and not np.iscomplexobj(x))


def _stretched(re: Cells, im: Cells) -> tuple[Cells, Cells]:
    shape = np.broadcast_shapes(re.shape, im.shape)
    return re.tape.broadcast_to(re, shape), im.tape.broadcast_to(im, shape)


def conj(z: ComplexCells) -> ComplexCells:
    """The conjugate."""
    return ComplexCells(z.re, -z.im)


def absolute(z: ComplexCells) -> Cells:
    """|z|, whose derivative does not exist at 0."""
    return z.tape.map("hypot", z.re, z.im)


def squared(z: ComplexCells) -> Cells:
    """|z|², which is smooth everywhere."""
    return z.re * z.re + z.im * z.im


def angle(z: ComplexCells) -> Cells:
    """The argument of z, between -π and π."""
    return z.tape.map("atan2", z.im, z.re)


def reciprocal(z: ComplexCells) -> ComplexCells:
    """1 / z, scaled by the larger part (Smith's algorithm), so that no square overflows."""
    # Which part is larger changes nothing but the rounding, so it need not be certain.
    by_real = np.abs(z.re.value) >= np.abs(z.im.value)
    large, small = z.tape.choose(by_real, z.re, z.im), z.tape.choose(by_real, z.im, z.re)
    ratio = small / large
    divisor = large + small * ratio
    one, other = 1.0 / divisor, ratio / divisor
    return ComplexCells(z.tape.choose(by_real, one, other), -z.tape.choose(by_real, other, one))


def exp(z: ComplexCells) -> ComplexCells:
    """e^z"""
    size = z.tape.map("exp", z.re)
    return ComplexCells(size * z.tape.map("cos", z.im), size * z.tape.map("sin", z.im))


def log(z: ComplexCells) -> ComplexCells:
    """The principal logarithm, which jumps along the negative real axis."""
    return ComplexCells(z.tape.map("log", absolute(z)), angle(z))


def sqrt(z: ComplexCells) -> ComplexCells:
    """The principal root, by the part that does not cancel; it jumps along the negative real axis."""
    tape = z.tape
    right = z.re.value >= 0  # an algorithm's choice: both sides compute the same function
    root = tape.map("sqrt", (absolute(z) + tape.choose(right, z.re, -z.re)) / 2.0)
    other = z.im / (2.0 * root)
    sign = tape.choose(tape.compare("ge", z.im, 0.0), tape.constant(1.0, z.format), tape.constant(-1.0, z.format))
    return ComplexCells(tape.choose(right, root, sign * other), tape.choose(right, other, sign * root))


def power(z: ComplexCells, exponent: Any) -> ComplexCells:
    """z to a power: by products for an integer exponent, else through the principal logarithm."""
    if isinstance(exponent, int | float) and float(exponent).is_integer() and abs(exponent) <= 64:
        return _integer_power(z, int(exponent))
    return exp(log(z) * (exponent if _is_real(exponent) else lifted(z.tape, exponent, z.format)))


def _integer_power(z: ComplexCells, exponent: int) -> ComplexCells:
    if exponent < 0:
        return reciprocal(_integer_power(z, -exponent))
    result, base = None, z
    while exponent:
        if exponent % 2:
            result = base if result is None else result * base
        base, exponent = base * base if exponent > 1 else base, exponent // 2
    return lifted(z.tape, np.ones(z.shape), z.format) if result is None else result


def cosh(z: ComplexCells) -> ComplexCells:
    """cosh z = cosh x cos y + i sinh x sin y"""
    m = z.tape.map
    return ComplexCells(m("cosh", z.re) * m("cos", z.im), m("sinh", z.re) * m("sin", z.im))


def sinh(z: ComplexCells) -> ComplexCells:
    """sinh z = sinh x cos y + i cosh x sin y"""
    m = z.tape.map
    return ComplexCells(m("sinh", z.re) * m("cos", z.im), m("cosh", z.re) * m("sin", z.im))


def tanh(z: ComplexCells) -> ComplexCells:
    """tanh z = sinh z / cosh z"""
    return sinh(z) / cosh(z)


def _turned(z: ComplexCells) -> ComplexCells:
    return ComplexCells(-z.im, z.re)


def cos(z: ComplexCells) -> ComplexCells:
    """cos z = cosh iz"""
    return cosh(_turned(z))


def sin(z: ComplexCells) -> ComplexCells:
    """sin z = -i sinh iz"""
    return -_turned(sinh(_turned(z)))


def tan(z: ComplexCells) -> ComplexCells:
    """tan z = sin z / cos z"""
    return sin(z) / cos(z)


def expm1(z: ComplexCells) -> ComplexCells:
    """exp z - 1"""
    return exp(z) - 1.0


def log1p(z: ComplexCells) -> ComplexCells:
    """log (1 + z)"""
    return log(z + 1.0)


def asinh(z: ComplexCells) -> ComplexCells:
    """asinh z = log (z + √(z² + 1)), with the cuts of the principal logarithm and root as all below"""
    return log(z + sqrt(z * z + 1.0))


def acosh(z: ComplexCells) -> ComplexCells:
    """acosh z = log (z + √(z + 1) √(z - 1))"""
    return log(z + sqrt(z + 1.0) * sqrt(z - 1.0))


def atanh(z: ComplexCells) -> ComplexCells:
    """atanh z = ½ (log (1 + z) - log (1 - z))"""
    return (log(z + 1.0) - log(-z + 1.0)) / 2.0


def asin(z: ComplexCells) -> ComplexCells:
    """asin z = -i asinh iz"""
    return -_turned(asinh(_turned(z)))


def acos(z: ComplexCells) -> ComplexCells:
    """acos z = π/2 - asin z"""
    return -asin(z) + math.pi / 2


def atan(z: ComplexCells) -> ComplexCells:
    """atan z = -i atanh iz"""
    return -_turned(atanh(_turned(z)))


def choose(tape: Tape, condition: Any, x: Any, y: Any) -> ComplexCells:
    """x where the condition holds, else y."""
    x, y = lifted(tape, x), lifted(tape, y)
    return ComplexCells(tape.choose(condition, x.re, y.re), tape.choose(condition, x.im, y.im))


def total(z: ComplexCells, axis: Any = None, keepdims: bool = False) -> ComplexCells:
    """The sum along axes."""
    return ComplexCells(*(z.tape.sum(part, axis, keepdims) for part in (z.re, z.im)))


def matmul(x: Any, y: Any) -> ComplexCells:
    """The product of matrices, either of which may be real."""
    tape = x.tape if isinstance(x, ComplexCells) else y.tape
    if _is_real(x):
        return ComplexCells(tape.matmul(x, y.re), tape.matmul(x, y.im))
    if _is_real(y):
        return ComplexCells(tape.matmul(x.re, y), tape.matmul(x.im, y))
    x, y = lifted(tape, x), lifted(tape, y)
    re = tape.matmul(x.re, y.re) - tape.matmul(x.im, y.im)
    return ComplexCells(re, tape.matmul(x.re, y.im) + tape.matmul(x.im, y.re))


def stack(tape: Tape, arrays: Sequence[Any], axis: int = 0) -> ComplexCells:
    """Arrays joined along a new axis."""
    parts = [lifted(tape, a) for a in arrays]
    return ComplexCells(tape.stack([p.re for p in parts], axis), tape.stack([p.im for p in parts], axis))


def concat(tape: Tape, arrays: Sequence[Any], axis: int = 0) -> ComplexCells:
    """Arrays joined along an axis that they have."""
    parts = [lifted(tape, a) for a in arrays]
    return ComplexCells(tape.concat([p.re for p in parts], axis), tape.concat([p.im for p in parts], axis))


_OF_ONE = (exp, expm1, log, log1p, sqrt, cosh, sinh, tanh, cos, sin, tan, acosh, asinh, atanh, acos, asin, atan)

FUNCTIONS = {f.__name__: f for f in (*_OF_ONE, conj, reciprocal)}
"""The elementwise functions of complex cells by name."""
