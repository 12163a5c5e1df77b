"""Complex numbers in ball arithmetic: a pair of arrays of real balls, real and imaginary part, so that what holds of
real balls (rounding, ranges, kinks, Taylor series) holds of each part.

A product rounds each of its four real products and both sums, as the textbook formula does (Higham, Accuracy and
Stability of Numerical Algorithms, 2nd ed., section 3.6): the error of a part is relative to |z| |w|, not to that
part.

`on` is the evaluation, which stands above: what is used of it are its operations on real arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradproof.oracles.balls.arrays import Balls
from gradproof.registry import MissingOperation


class ComplexBalls(Balls):
    """An array of complex numbers. A subclass of `Balls`, so that its operators come first when the two meet."""

    __slots__ = ("im", "re")

    def __init__(self, re: Balls, im: Balls) -> None:
        self.re, self.im, self.on = re, im, re.on

    @property
    def entries(self) -> np.ndarray:
        """What an operation on real balls would take: a complex array has none."""
        raise MissingOperation("ball arithmetic lacks this operation for complex numbers")

    shape = property(lambda self: self.re.shape)
    ndim = property(lambda self: self.re.ndim)
    size = property(lambda self: self.re.size)
    T = property(lambda self: ComplexBalls(self.re.T, self.im.T))
    mT = property(lambda self: ComplexBalls(self.re.mT, self.im.mT))

    def __len__(self) -> int:
        return len(self.re)

    def __getitem__(self, key: Any) -> "ComplexBalls":
        return ComplexBalls(self.re[key], self.im[key])

    def __repr__(self) -> str:
        return f"ComplexBalls({self.re!r}, {self.im!r})"

    def __neg__(self) -> "ComplexBalls":
        return ComplexBalls(-self.re, -self.im)

    def __pos__(self) -> "ComplexBalls":
        return self

    def __abs__(self) -> Balls:
        return absolute(self.on, self)

    def __add__(self, other: Any) -> "ComplexBalls":
        return add(self.on, self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> "ComplexBalls":
        return subtract(self.on, self, other)

    def __rsub__(self, other: Any) -> "ComplexBalls":
        return subtract(self.on, other, self)

    def __mul__(self, other: Any) -> "ComplexBalls":
        return multiply(self.on, self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> "ComplexBalls":
        return divide(self.on, self, other)

    def __rtruediv__(self, other: Any) -> "ComplexBalls":
        return divide(self.on, other, self)

    def __pow__(self, other: Any) -> "ComplexBalls":
        return power(self.on, self, other)

    def __matmul__(self, other: Any) -> "ComplexBalls":
        return matmul(self.on, self, other)

    def __rmatmul__(self, other: Any) -> "ComplexBalls":
        return matmul(self.on, other, self)

    def __eq__(self, other: Any) -> Any:  # type: ignore[override]
        other = lifted(self.on, other)
        return (self.re == other.re) & (self.im == other.im)

    def __ne__(self, other: Any) -> Any:  # type: ignore[override]
        return ~(self == other)

    __hash__ = None  # type: ignore[assignment]


def lifted(on: Any, z: Any) -> ComplexBalls:
    """Anything that is a number or an array of numbers, as complex balls."""
    if isinstance(z, ComplexBalls):
        return z
    if isinstance(z, Balls):
        return ComplexBalls(z, on.zeros(z.shape))
    values = np.asarray(z)
    return ComplexBalls(on.asarray(values.real, "balls"), on.asarray(values.imag, "balls"))


def of_pairs(pairs: Balls) -> ComplexBalls:
    """The complex array whose real and imaginary parts lie along the last axis."""
    return ComplexBalls(pairs[..., 0], pairs[..., 1])


def pairs_of(z: ComplexBalls) -> Balls:
    """The inverse of `of_pairs`."""
    return Balls(np.stack([z.re.entries, z.im.entries], axis=-1), z.on)


# Arithmetic


def add(on, z, w):
    """z + w, each part by itself"""
    z, w = lifted(on, z), lifted(on, w)
    return ComplexBalls(z.re + w.re, z.im + w.im)


def subtract(on, z, w):
    """z - w, each part by itself"""
    return add(on, z, -lifted(on, w))


def multiply(on, z, w):
    """z w"""
    return _bilinear(on.multiply, lifted(on, z), lifted(on, w))


def matmul(on, z, w):
    """The matrix product z w"""
    return _bilinear(on.matmul, lifted(on, z), lifted(on, w))


def tensordot(on, z, w, *, axes=2):
    """The sum of products over `axes`"""
    return _bilinear(lambda x, y: on.tensordot(x, y, axes=axes), lifted(on, z), lifted(on, w))


def _bilinear(product: Callable, z: ComplexBalls, w: ComplexBalls) -> ComplexBalls:
    """(a + ib)(c + id) = (ac - bd) + i(ad + bc)"""
    re = product(z.re, w.re) - product(z.im, w.im)
    return ComplexBalls(re, product(z.re, w.im) + product(z.im, w.re))


def divide(on, z, w):
    """z w̄ / |w|²; by each part where w is a real number"""
    z = lifted(on, z)
    if isinstance(w, ComplexBalls) or np.iscomplexobj(w):
        w = lifted(on, w)
        size = w.re * w.re + w.im * w.im
        product = multiply(on, z, ComplexBalls(w.re, -w.im))
        return ComplexBalls(product.re / size, product.im / size)
    return ComplexBalls(z.re / w, z.im / w)


def power(on, z, exponent):
    """z z for the exponent 2; e^(w log z) for any other w"""
    if isinstance(exponent, int | float) and exponent == 2:
        return multiply(on, z, z)
    return exp(on, multiply(on, exponent, log(on, lifted(on, z))))


# Parts


def real(on, z):
    """Re z"""
    return z.re


def imag(on, z):
    """Im z"""
    return z.im


def conj(on, z):
    """z̄"""
    z = lifted(on, z)
    return ComplexBalls(z.re, -z.im)


def absolute(on, z):
    """√(x² + y²)"""
    return on.elementwise("sqrt", z.re * z.re + z.im * z.im)


# Elementary functions of z = x + iy, by real functions of x and y (DLMF 4.2, 4.21, 4.28)


def exp(on, z):
    """eˣ (cos y + i sin y)"""
    size = on.elementwise("exp", z.re)
    return ComplexBalls(size * on.elementwise("cos", z.im), size * on.elementwise("sin", z.im))


def log(on, z):
    """log|z| + i arg z"""
    return ComplexBalls(on.elementwise("log", z.re * z.re + z.im * z.im) / 2, on.atan2(z.im, z.re))


def sqrt(on, z):
    """t + iy/(2t) with t = √((|z| + |x|)/2); with the parts changed over, and the sign of y, where x < 0"""
    left, below = _midpoints(z.re) < 0, _midpoints(z.im) < 0
    t = on.elementwise("sqrt", (absolute(on, z) + on.where(left, -z.re, z.re)) / 2)
    other = z.im / (2 * t)
    re = on.where(left, on.where(below, -other, other), t)
    return ComplexBalls(re, on.where(left, on.where(below, -t, t), other))


def _midpoints(x: Balls) -> np.ndarray:
    return x.on.center(x.entries).astype(float)


def sin(on, z):
    """sin x cosh y + i cos x sinh y"""
    sine, cosine = on.elementwise("sin", z.re), on.elementwise("cos", z.re)
    return ComplexBalls(sine * on.elementwise("cosh", z.im), cosine * on.elementwise("sinh", z.im))


def cos(on, z):
    """cos x cosh y - i sin x sinh y"""
    sine, cosine = on.elementwise("sin", z.re), on.elementwise("cos", z.re)
    return ComplexBalls(cosine * on.elementwise("cosh", z.im), -(sine * on.elementwise("sinh", z.im)))


def sinh(on, z):
    """sinh x cos y + i cosh x sin y"""
    sine, cosine = on.elementwise("sin", z.im), on.elementwise("cos", z.im)
    return ComplexBalls(on.elementwise("sinh", z.re) * cosine, on.elementwise("cosh", z.re) * sine)


def cosh(on, z):
    """cosh x cos y + i sinh x sin y"""
    sine, cosine = on.elementwise("sin", z.im), on.elementwise("cos", z.im)
    return ComplexBalls(on.elementwise("cosh", z.re) * cosine, on.elementwise("sinh", z.re) * sine)


def tan(on, z):
    """sin z / cos z"""
    return divide(on, sin(on, z), cos(on, z))


def tanh(on, z):
    """sinh z / cosh z"""
    return divide(on, sinh(on, z), cosh(on, z))


OPERATIONS = {
    **{f.__name__: f for f in (add, subtract, multiply, matmul, tensordot, divide)},
    **{f.__name__: f for f in (real, imag, conj, exp, log, sqrt, sin, cos, sinh, cosh, tan, tanh)},
    **{"abs": absolute, "pow": power},
}
"""What complex numbers need a formula of their own for."""

ONE_ARRAY = (0,)
PARTWISE = {
    **dict.fromkeys(
        "broadcast_to cumulative_sum expand_dims flip matrix_transpose mean moveaxis negative permute_dims positive "
        "repeat reshape roll squeeze sum take take_along_axis tile tril triu zeros_like".split(),
        ONE_ARRAY,
    ),
    "where": (1, 2),
    "concat": ONE_ARRAY,
    "stack": ONE_ARRAY,
}
"""What is done to real and imaginary part alike: the positions of the array arguments by name."""


def aware(on: Any, name: str, plain: Callable) -> Callable:
    """The operation `name` for real and complex arguments, given the one for real arguments."""

    def operation(*arguments: Any, **options: Any) -> Any:
        if not any(map(_is_complex, arguments)):
            return plain(*arguments, **options)
        if name in OPERATIONS:
            return OPERATIONS[name](on, *arguments, **options)
        re, im = (
            plain(*(_part(a, part) if i in PARTWISE[name] else a for i, a in enumerate(arguments)), **options)
            for part in (0, 1)
        )
        return ComplexBalls(re, im)

    return operation


class Both:
    """The operations of `on` for real and complex arrays alike, for what is written in terms of them."""

    def __init__(self, on: Any) -> None:
        self.on = on

    def __getattr__(self, name: str) -> Any:
        plain = getattr(self.on, name)
        return aware(self.on, name, plain) if name in OPERATIONS or name in PARTWISE else plain


def either(plain: Callable, of_complex: Callable) -> Callable:
    """One operation where no argument is complex, and another where one is."""
    return lambda *arguments, **options: (of_complex if any(map(_is_complex, arguments)) else plain)(
        *arguments, **options
    )


def _is_complex(argument: Any) -> bool:
    if isinstance(argument, list | tuple):
        return any(isinstance(item, ComplexBalls) for item in argument)
    return isinstance(argument, ComplexBalls)


def _part(argument: Any, part: int) -> Any:
    if isinstance(argument, list | tuple):
        return [_part(item, part) for item in argument]
    if isinstance(argument, ComplexBalls):
        return (argument.re, argument.im)[part]
    if isinstance(argument, Balls):
        return argument.on.zeros_like(argument) if part else argument
    return (np.real, np.imag)[part](argument)
