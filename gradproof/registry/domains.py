"""Where an argument may lie, and how to search there: each domain gives a Hypothesis strategy that mixes generic values
with the hard ones (zeros of both signs, tiny, huge, mixed scales, ties, boundaries), as far as the domain allows. Every
value drawn is exact in float32, so that float64 and float32 share one truth."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradproof.registry import drawing as st

GENERIC_LIMIT = 8.0
"""Generic values lie within ±8, where elementary functions neither overflow nor saturate altogether."""

SEPARATION = 2.0**-4
"""Entries of a `Distinct` array differ by at least this much."""


@dataclass(frozen=True)
class Domain:
    """A set of float arrays of one shape. Subclasses say which, by `strategy()`.

    `flat` declares that the function's gradient for this argument is zero wherever it exists, because the argument is
    not used, or only through its order, its sign or its integer part. A backend may then leave it unconnected."""

    shape: tuple[int, ...] = ()
    flat: bool = field(default=False, kw_only=True)

    is_complex = False

    @property
    def real_shape(self) -> tuple[int, ...]:
        """The shape of one input in real numbers: a complex argument has one more axis, of real and imaginary part."""
        return (*self.shape, 2) if self.is_complex else self.shape

    @property
    def limits(self) -> tuple[float, float]:
        """The smallest and the largest number that an entry may be; infinite where the domain has no such limit."""
        return getattr(self, "low", -math.inf), getattr(self, "high", math.inf)

    def native(self, reals: np.ndarray) -> np.ndarray:
        """The argument itself, of the domain's shape behind any leading axes, from real numbers."""
        return reals[..., 0] + 1j * reals[..., 1] if self.is_complex else reals

    def reals(self, native: np.ndarray) -> np.ndarray:
        """The real numbers of an argument or of its gradient: the inverse of `native`."""
        return np.stack([native.real, native.imag], axis=-1) if self.is_complex else native

    def strategy(self) -> "st.SearchStrategy[np.ndarray]":
        """Arrays of `real_shape`, float64, every entry exact in float32."""
        raise NotImplementedError


def _float32_inside(low: float, high: float) -> tuple[float, float]:
    """The smallest and largest finite float32 numbers within [low, high]."""
    largest = float(np.finfo(np.float32).max)
    down, up = np.float32(max(low, -largest)), np.float32(min(high, largest))
    if float(down) < low:
        down = np.nextafter(down, np.float32(math.inf))
    if float(up) > high:
        up = np.nextafter(up, np.float32(-math.inf))
    return float(down), float(up)


@dataclass(frozen=True)
class Reals(Domain):
    """Arrays whose entries are real numbers from `low` to `high`, both included; infinite ends mean no limit."""

    low: float = -math.inf
    high: float = math.inf

    def generic(self) -> "st.SearchStrategy[float]":
        """Entries of ordinary size."""
        low, high = max(self.low, -GENERIC_LIMIT), min(self.high, GENERIC_LIMIT)
        if self.low > GENERIC_LIMIT:
            low, high = self.low, min(self.high, 2 * self.low)
        if self.high < -GENERIC_LIMIT:
            low, high = max(self.low, 2 * self.high), self.high
        return st.floats(*_float32_inside(low, high), width=32, allow_subnormal=False)

    def hard(self) -> list[float]:
        """The entries where people lose days, those of them that lie in this domain, simplest first."""
        tiny = float(np.finfo(np.float32).tiny)
        sizes = [1.0, 40.0, 1000.0, 1e-4, 1e-10, 1e10, 1e-20, 1e20, tiny, tiny / 4]
        candidates = [0.0, -0.0] + [sign * float(np.float32(size)) for size in sizes for sign in (1, -1)]
        low, high = _float32_inside(self.low, self.high)
        if math.isfinite(self.low):
            candidates += [low, float(np.nextafter(np.float32(low), np.float32(math.inf)))]
        if math.isfinite(self.high):
            candidates += [high, float(np.nextafter(np.float32(high), np.float32(-math.inf)))]
        return [c for c in candidates if self.low <= c <= self.high and float(np.float32(c)) == c]

    def strategy(self) -> "st.SearchStrategy[np.ndarray]":
        """Generic arrays, arrays of hard values, and what lies between: one hard entry, all equal, mixed scales."""
        generic, hard = self.generic(), st.sampled_from(self.hard() or [_float32_inside(self.low, self.high)[0]])
        size = math.prod(self.shape)
        kinds = [_entries(generic, size), _entries(st.one_of(generic, hard), size)]
        if size > 1:
            kinds += [_one_replaced(generic, hard, size), _all_equal(st.one_of(generic, hard), size)]
            kinds += [_mixed_scales(self, size)]
        # Twice the generic kind: hard values often meet the range of float32, where nothing can be verified.
        return st.one_of(kinds[0], *kinds).map(lambda values: np.array(values, dtype=np.float64).reshape(self.shape))


def _entries(entry: "st.SearchStrategy[float]", size: int) -> "st.SearchStrategy[list[float]]":
    return st.lists(entry, min_size=size, max_size=size)


def _all_equal(entry: "st.SearchStrategy[float]", size: int) -> "st.SearchStrategy[list[float]]":
    return entry.map(lambda value: [value] * size)


def _one_replaced(
    generic: "st.SearchStrategy[float]", hard: "st.SearchStrategy[float]", size: int
) -> "st.SearchStrategy[list[float]]":
    def replace(drawn: tuple[list[float], int, float]) -> list[float]:
        values, index, value = drawn
        return [*values[:index], value, *values[index + 1 :]]

    return st.tuples(_entries(generic, size), st.integers(0, size - 1), hard).map(replace)


def _mixed_scales(domain: "Reals", size: int) -> "st.SearchStrategy[list[float]]":
    def scale(drawn: list[tuple[float, int]]) -> list[float]:
        low, high = _float32_inside(domain.low, domain.high)
        scaled = [value * 2.0**exponent for value, exponent in drawn]
        # A number scaled down may be subnormal, where float32 has fewer digits.
        return [
            float(np.float32(new)) if low <= new <= high else value
            for new, (value, _) in zip(scaled, drawn, strict=True)
        ]

    return st.lists(st.tuples(domain.generic(), st.integers(-12, 12)), min_size=size, max_size=size).map(scale)


@dataclass(frozen=True)
class Positive(Reals):
    """Arrays whose entries are positive: from `low`, 2⁻¹⁰ unless told otherwise, to `high`."""

    low: float = 2.0**-10


@dataclass(frozen=True)
class UnitInterval(Reals):
    """Arrays whose entries lie in [0, 1], both ends included; narrow it by `low` and `high`."""

    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True)
class Complex(Domain):
    """Arrays of complex numbers whose real and imaginary parts lie from `low` to `high`, both included."""

    low: float = -math.inf
    high: float = math.inf

    is_complex = True

    def strategy(self) -> "st.SearchStrategy[np.ndarray]":
        """Real and imaginary parts as in `Reals`: generic, hard, all equal, of mixed scales."""
        return Reals(self.real_shape, self.low, self.high).strategy()


@dataclass(frozen=True)
class Distinct(Domain):
    """Arrays of which no two entries are closer than 1/16: no ties, in any order."""

    low: float = -GENERIC_LIMIT
    high: float = GENERIC_LIMIT

    def strategy(self) -> "st.SearchStrategy[np.ndarray]":
        """Different multiples of 1/16 between `low` and `high`, in any order."""
        size = math.prod(self.shape)
        steps = st.integers(math.ceil(self.low / SEPARATION), math.floor(self.high / SEPARATION))
        return st.lists(steps, min_size=size, max_size=size, unique=True).map(
            lambda values: SEPARATION * np.array(values, dtype=np.float64).reshape(self.shape)
        )


@dataclass(frozen=True)
class _Matrices(Domain):
    """Stacks of matrices, shape (…, m, n), each drawn by `matrix()`; of complex numbers with `is_complex`."""

    is_complex: bool = field(default=False, kw_only=True)

    def matrix(self) -> "st.SearchStrategy[np.ndarray]":
        """One matrix of the stack."""
        raise NotImplementedError

    def strategy(self) -> "st.SearchStrategy[np.ndarray]":
        """As many matrices as the stack has."""
        if len(self.shape) == 2:
            return self.matrix().map(self.reals)
        count = math.prod(self.shape[:-2])
        return st.lists(self.matrix(), min_size=count, max_size=count).map(
            lambda a: self.reals(np.stack(a).reshape(self.shape))
        )

    def entries(self, size: int) -> "st.SearchStrategy[list[Any]]":
        """Numbers whose parts are multiples of 1/16 between -1 and 1."""
        if not self.is_complex:
            return _sixteenths(-16, 16, size)
        return _sixteenths(-16, 16, 2 * size).map(lambda parts: list(map(complex, parts[:size], parts[size:])))

    def signs(self, size: int) -> "st.SearchStrategy[list[Any]]":
        """Signs, or, of complex numbers, numbers of size 1 or a little more in several directions."""
        return st.lists(st.sampled_from(_TURNS if self.is_complex else (1.0, -1.0)), min_size=size, max_size=size)


_TURNS = (1.0, -1.0, 1j, -1j, 0.75 + 0.75j, -0.75 + 0.75j, 0.75 - 0.75j)


def _sixteenths(low: int, high: int, size: int) -> "st.SearchStrategy[list[float]]":
    return st.lists(st.integers(low, high).map(lambda k: k / 16), min_size=size, max_size=size)


@dataclass(frozen=True)
class WellConditioned(_Matrices):
    """Square matrices, shape (…, n, n), that are diagonally dominant by at least 1/4 in every row: never singular. Of a
    tall or a wide matrix the leading square block is such a matrix, so that it has full rank."""

    def matrix(self) -> "st.SearchStrategy[np.ndarray]":
        """Entries from -1 to 1, and on the diagonal the row's sum of sizes and 1/4 to 2 more, of either sign."""
        m, n = self.shape[-2:]
        drawn = st.tuples(self.entries(m * n), _sixteenths(4, 32, min(m, n)), self.signs(min(m, n)))
        return drawn.map(lambda parts: _dominant(m, n, *parts))


def _dominant(m: int, n: int, entries: list[Any], margins: list[float], signs: list[Any]) -> np.ndarray:
    matrix, k = np.array(entries).reshape(m, n), min(m, n)
    block = matrix[:k, :k]
    np.fill_diagonal(block, 0.0)
    sums = np.ceil(16 * np.abs(block).sum(axis=1)) / 16  # of complex numbers more than the sum, but exact in float32
    np.fill_diagonal(block, np.array(signs) * (sums + np.array(margins)))
    return matrix


@dataclass(frozen=True)
class PositiveDefinite(_Matrices):
    """Symmetric (Hermitian) positive definite matrices, shape (…, n, n): diagonally dominant, with a positive
    diagonal."""

    def matrix(self) -> "st.SearchStrategy[np.ndarray]":
        """The symmetric part of a diagonally dominant matrix, its diagonal made to dominate again."""
        n = self.shape[-1]
        drawn = st.tuples(self.entries(n * n), _sixteenths(4, 32, n))
        return drawn.map(lambda parts: _symmetric(n, *parts))


def _symmetric(n: int, entries: list[Any], margins: list[float]) -> np.ndarray:
    strict = np.tril(np.array(entries).reshape(n, n), -1)
    return _dominant(n, n, list((strict + strict.conj().T).ravel()), margins, [1.0] * n)


@dataclass(frozen=True)
class SeparatedSpectrum(_Matrices):
    """Matrices, shape (…, m, n), whose singular values are at least 1/2 apart and 1/2 from zero, and so are the
    eigenvalues of a square one's symmetric (Hermitian) part: those of a diagonal matrix, moved by less than 1/4 (Weyl).
    With `symmetric` the matrix is its own symmetric part."""

    symmetric: bool = field(default=False, kw_only=True)

    def matrix(self) -> "st.SearchStrategy[np.ndarray]":
        """Different integers of either sign on the diagonal, small entries elsewhere, as it is or turned around."""
        m, n = self.shape[-2:]
        values = st.lists(st.integers(1, m + n), min_size=min(m, n), max_size=min(m, n), unique=True)
        signs = st.lists(st.sampled_from([1.0, -1.0]), min_size=min(m, n), max_size=min(m, n))
        drawn = st.tuples(values, signs, self.entries(m * n), st.booleans())
        return drawn.map(lambda parts: _separated(m, n, self.symmetric, *parts))


def _separated(
    m: int, n: int, symmetric: bool, values: list[int], signs: list[float], entries: list[Any], turned: bool
) -> np.ndarray:
    matrix = np.array(entries).reshape(m, n) / (8 * max(m, n))
    np.fill_diagonal(matrix, np.array(values) * np.array(signs))
    # Reflections keep the spectrum; rounding to float32 moves it by far less than the gaps.
    unit = 1j if np.iscomplexobj(matrix) else 1
    matrix = _reflection(m, unit) @ matrix @ _reflection(n, unit) if turned else matrix
    matrix = (matrix + matrix.conj().T) / 2 if symmetric else matrix
    return matrix.astype(np.complex64 if np.iscomplexobj(matrix) else np.float32).astype(matrix.dtype)


def _reflection(n: int, unit: complex) -> np.ndarray:
    v = np.arange(1.0, n + 1) * np.array([unit**k for k in range(n)])
    return np.eye(n) - 2 * np.outer(v, v.conj()) / (v.conj() @ v)


@dataclass(frozen=True)
class MultipleOfIdentity(_Matrices):
    """Square matrices c · 1, shape (…, n, n), c from 1/4 to 8: all eigenvalues, and all singular values, are equal."""

    def matrix(self) -> "st.SearchStrategy[np.ndarray]":
        """Multiples of 1/16, times the unit matrix."""
        one = np.eye(self.shape[-1], dtype=np.complex128 if self.is_complex else np.float64)
        return st.integers(4, 128).map(lambda k: k / 16 * one)


@dataclass(frozen=True)
class RankDeficient(_Matrices):
    """Square matrices, shape (…, n, n), of rank n - 1 and without a cofactor of 0, on which elimination makes no
    rounding error: [[I, b], [c, c b]] with small powers of two."""

    def matrix(self) -> "st.SearchStrategy[np.ndarray]":
        """Entries of b among ±1, ±2 and ±4, of c ±1, and i times those of complex numbers."""
        n, units = self.shape[-1] - 1, [1, 1j] if self.is_complex else [1]
        sizes, signs = [1.0, -1.0, 2.0, -2.0, 4.0, -4.0], [1.0, -1.0]
        columns = st.lists(st.sampled_from([size * unit for unit in units for size in sizes]), min_size=n, max_size=n)
        rows = st.lists(st.sampled_from([sign * unit for unit in units for sign in signs]), min_size=n, max_size=n)
        return st.tuples(columns, rows).map(lambda drawn: _of_rank_one_less(*map(np.array, drawn)))


def _of_rank_one_less(b: np.ndarray, c: np.ndarray) -> np.ndarray:
    return np.block([[np.eye(len(b)), b[:, None]], [c[None, :], np.array([[c @ b]])]])
