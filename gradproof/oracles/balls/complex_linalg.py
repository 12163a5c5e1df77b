"""Linear algebra in complex balls. What elimination and orthogonalization do holds of complex numbers as it stands in
`linalg.py` and `spectral.py`; here are determinants, and spectral decompositions of Hermitian matrices.

Jacobi's method for a Hermitian matrix first turns one column by a phase that makes the entry to be annihilated real
(Forsythe and Henrici, Transactions of the AMS 94, 1960). Everything else is as for symmetric matrices: with
Qᴴ A Q = D + E each eigenvalue lies within ‖E‖ of a diagonal entry, and the part of a unit eigenvector along another one
is at most ‖E‖ / (gap - ‖E‖). Singular values and vectors are those of [[0, A], [Aᴴ, 0]]. The phase of an eigenvector,
and of a pair of singular vectors, is nobody's choice: a function that depends on it has no gradient."""

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from flint import acb, arb, arb_series

from gradproof.oracles.balls import linalg, spectral
from gradproof.oracles.balls.arrays import Balls
from gradproof.oracles.balls.complex_numbers import Both, ComplexBalls, lifted
from gradproof.oracles.balls.linalg import BACKWARD, eliminate, matrixwise
from gradproof.oracles.balls.spectral import ascending, frobenius, note_equals, once, rotation, sweep

# Determinants


def _pivots(on: Both, a: ComplexBalls) -> tuple[list[ComplexBalls], int]:
    rows, _, sign = eliminate(on, a, a)
    return [rows[i][i] for i in range(len(rows))], sign


@matrixwise
def det(on: Both, a: ComplexBalls) -> ComplexBalls:
    """The determinant."""
    pivots, sign = _pivots(on, a)
    return functools.reduce(operator.mul, pivots) * sign


@matrixwise
def slogdet(on: Both, a: ComplexBalls) -> tuple[ComplexBalls, Balls]:
    """The determinant divided by its modulus, and the logarithm of that."""
    pivots, sign = _pivots(on, a)
    sizes = on.stack([on.abs(pivot) for pivot in pivots])
    phases = [pivot / size for pivot, size in zip(pivots, sizes, strict=True)]
    return functools.reduce(operator.mul, phases) * sign, on.sum(on.elementwise("log", sizes))


# Spectral decompositions


class Decomposition:
    """A Hermitian matrix A: unit eigenvectors in the columns of `vectors`, the eigenvalues `values` ascending, and the
    bound `error` on ‖E‖; `slopes` are A's first-order terms where A is a matrix of series, else None."""

    def __init__(self, on: Both, a: ComplexBalls) -> None:
        parts = (a.re.entries, a.im.entries)
        centers = [on.center(part) for part in parts]
        exact = _joined(*(np.frompyfunc(lambda v: v.mid(), 1, 1)(part) for part in centers))
        radii = [np.frompyfunc(lambda v: arb(v.rad()), 1, 1)(part) for part in centers]
        diagonal, vectors, rest = _jacobi(exact)
        order = ascending(diagonal)
        self.on, self.size = on, frobenius(exact)
        self.error = rest + frobenius(np.stack(radii))
        if on.model is not None:
            self.error += BACKWARD * len(exact) * on.model.format.unit_roundoff * self.size
        self.values, self.vectors = diagonal[order], vectors[:, order]
        self.slopes = _joined(*map(_slopes, parts)) if any(map(_has_slopes, parts)) else None

    def eigenvalue(self, i: int) -> Any:
        """The i-th eigenvalue; of a series λ' = vᴴ A' v."""
        value = self.values[i] + arb(0, self.error.upper())
        if self.slopes is None:
            return value
        v = self._vector(i)
        return arb_series([value, _inner(v, self.slopes @ v).real])

    def eigenvector(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Real and imaginary part of the i-th eigenvector; of a series v' = Σₖ vₖ (vₖᴴ A' v) / (λ - λₖ)."""
        v = self._vector(i)
        re, im = (np.frompyfunc(operator.attrgetter(part), 1, 1)(v) for part in ("real", "imag"))
        if self.slopes is None:
            return re, im
        slope, pull = np.full(len(v), acb(0), dtype=object), self.slopes @ v
        for k in range(len(v)):
            if k != i:
                other, gap = self._vector(k), self.values[i] - self.values[k] + arb(0, (2 * self.error).upper())
                slope = slope + other * (_inner(other, pull) / gap)
        pair = np.frompyfunc(lambda p, q, name: arb_series([p, getattr(q, name)]), 3, 1)
        return pair(re, slope, "real"), pair(im, slope, "imag")

    def _vector(self, i: int) -> np.ndarray:
        # Of the phases of the eigenvector that is enclosed that one which makes its part along vᵢ positive.
        parts = np.array([self._part(k, i) for k in range(len(self.values)) if k != i], dtype=object)
        along = abs(np.delete(self.vectors, i, axis=1))
        lost = sum((part * part for part in parts), arb(0))
        spread = np.sum(along * parts, axis=1) + abs(self.vectors[:, i]) * lost
        return self.vectors[:, i] + np.frompyfunc(_around_zero, 1, 1)(spread)

    def _part(self, k: int, i: int) -> arb:
        """How much of another eigenvector k may be in the i-th: at most 1, a unit vector's length."""
        gap = abs(self.values[i] - self.values[k]) - self.error
        if gap > self.error:
            return self.error / gap
        # The vectors of eigenvalues that may be one are no functions of the matrix.
        self.on.on.at_kink = True
        self.on.on.ambiguous = True
        self.on.on.undecided |= self.on.model is not None
        return arb(1)


def _around_zero(size: arb) -> acb:
    radius = arb(0, min(size.upper(), arb(2)))
    return acb(radius, radius)


def _inner(v: np.ndarray, w: np.ndarray) -> acb:
    """vᴴ w"""
    return np.sum(_conjugate(v) * w)


def _joined(re: np.ndarray, im: np.ndarray) -> np.ndarray:
    return np.frompyfunc(acb, 2, 1)(re, im)


_conjugate = np.frompyfunc(acb.conjugate, 1, 1)


def _has_slopes(part: np.ndarray) -> bool:
    return any(isinstance(v, arb_series) for v in part.flat)


def _slopes(part: np.ndarray) -> np.ndarray:
    return np.frompyfunc(lambda v: v[1] if isinstance(v, arb_series) else arb(0), 1, 1)(part)


@once
def _jacobi(a: np.ndarray) -> tuple[np.ndarray, np.ndarray, arb]:
    """The diagonal of Qᴴ a Q, Q, and the Frobenius norm of the rest of Qᴴ a Q, for an exact Hermitian matrix."""
    a, q = a.copy(), np.array([[acb(int(i == j)) for j in range(len(a))] for i in range(len(a))], dtype=object)
    sweep(a, q, _rotate)
    diagonal = np.array([a[i, i].real for i in range(len(a))], dtype=object)
    return diagonal, q, frobenius(a - np.diag(diagonal))


def _rotate(a: np.ndarray, q: np.ndarray, i: int, j: int) -> None:
    entry = a[i, j].mid()
    phase = entry / abs(entry)  # of an exact number: a ball that holds one of modulus 1
    a[:, j], q[:, j] = a[:, j] * phase.conjugate(), q[:, j] * phase.conjugate()
    a[j, :] = a[j, :] * phase
    c, s = rotation(a[i, i].real, a[j, j].real, abs(entry))
    a[:, i], a[:, j] = c * a[:, i] - s * a[:, j], s * a[:, i] + c * a[:, j]
    a[i, :], a[j, :] = c * a[i, :] - s * a[j, :], s * a[i, :] + c * a[j, :]
    q[:, i], q[:, j] = c * q[:, i] - s * q[:, j], s * q[:, i] + c * q[:, j]


def _from_lower(a: ComplexBalls) -> ComplexBalls:
    """The Hermitian matrix whose lower triangle is that of a, whose diagonal is taken for real."""
    lower, strict = np.tri(a.shape[-1], dtype=bool), np.tri(a.shape[-1], k=-1, dtype=bool)
    re, im = a.re.entries, a.im.entries
    im = np.where(strict, im, np.where(strict.T, -im.T, arb(0)))
    return ComplexBalls(Balls(np.where(lower, re, re.T), a.on), Balls(im, a.on))


def _line(on: Both, values: list[Any]) -> Balls:
    # Multiplied by one, so that the range is looked at and underflow is thought of.
    return on.multiply(on.stack([Balls(value, on.on) for value in values]), 1.0)


def _columns(on: Both, vectors: list[tuple[np.ndarray, np.ndarray]]) -> ComplexBalls:
    parts = (np.stack(part, axis=-1) for part in zip(*vectors, strict=True))
    return ComplexBalls(*(on.multiply(Balls(part, on.on), 1.0) for part in parts))


@matrixwise
def eigvalsh(on: Both, a: ComplexBalls) -> Balls:
    """The eigenvalues, ascending, of the Hermitian matrix whose lower triangle is given."""
    return _eigenvalues(on, Decomposition(on, _from_lower(a)))


def _eigenvalues(on: Both, found: Decomposition) -> Balls:
    values = [found.eigenvalue(i) for i in range(len(found.values))]
    note_equals(on.on, values)
    return _line(on, values)


@matrixwise
def eigh(on: Both, a: ComplexBalls) -> tuple[Balls, ComplexBalls]:
    """The eigenvalues, ascending, and unit eigenvectors in columns."""
    found = Decomposition(on, _from_lower(a))
    return _eigenvalues(on, found), _columns(on, [found.eigenvector(i) for i in range(a.shape[-1])])


def _jordan_wielandt(a: ComplexBalls) -> Decomposition:
    m, n = a.shape
    parts = []
    for part, sign in ((a.re.entries, 1), (a.im.entries, -1)):
        whole = np.full((m + n, m + n), arb(0), dtype=object)
        whole[:m, m:], whole[m:, :m] = part, sign * part.T
        parts.append(Balls(whole, a.on))
    return Decomposition(Both(a.on), ComplexBalls(*parts))


def _singular_values(on: Both, found: Decomposition, count: int) -> Balls:
    values = [found.eigenvalue(len(found.values) - 1 - i) for i in range(count)]
    # At zero a singular value has a corner like |x|.
    note_equals(on.on, [*values, arb(0)][::-1])
    return _line(on, values)


@matrixwise
def svdvals(on: Both, a: ComplexBalls) -> Balls:
    """The singular values, descending."""
    return _singular_values(on, _jordan_wielandt(a), min(a.shape))


@matrixwise
def svd(on: Both, a: ComplexBalls, *, full_matrices: bool = True) -> tuple[ComplexBalls, Balls, ComplexBalls]:
    """The reduced decomposition a = u diag(s) vh, s descending."""
    m, n = a.shape
    if full_matrices and m != n:
        raise NotImplementedError("the columns beyond the reduced decomposition are nobody's choice but a backend's")
    found, root = _jordan_wielandt(a), arb(2).sqrt()
    pairs = [[part * root for part in found.eigenvector(m + n - 1 - i)] for i in range(min(m, n))]
    u, v = (_columns(on, [(re[rows], im[rows]) for re, im in pairs]) for rows in (slice(0, m), slice(m, None)))
    return u, _singular_values(on, found, min(m, n)), linalg.adjoint(on, v)


def _of_both(operation: Callable) -> Callable:
    """An operation for a `Both`, whose arguments are complex or made so."""

    def run(on: Any, a: Any, *others: Any, **options: Any) -> Any:
        return operation(Both(on), lifted(on, a), *others, **options)

    return run


OPERATIONS = {
    name: _of_both(operation)
    for name, operation in {
        **{name: linalg.OPERATIONS[name] for name in ("cholesky", "diagonal", "inv", "matrix_power", "solve")},
        **{name: spectral.OPERATIONS[name] for name in ("pinv", "qr")},
        **{f.__name__: f for f in (det, eigh, eigvalsh, slogdet, svd, svdvals)},
    }.items()
}
"""Operations `(on, a)` of `xp.linalg` where an argument is complex."""
