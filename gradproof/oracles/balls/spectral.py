"""Spectral decompositions of balls: eigenvalues and singular values with rigorous radii, by Jacobi's method on the
midpoints and perturbation theory for everything else.

Jacobi's rotations (Golub and Van Loan, Matrix Computations, 4th ed., section 8.5) are exact orthogonal matrices inside
their balls, so Qᵀ A Q encloses a matrix similar to A. With E the rest of it off its diagonal, plus the radii of A, plus
what a backward stable routine may change in A, each eigenvalue lies within ‖E‖ of a diagonal entry (Weyl; section
8.1.2), and the part of a unit eigenvector along another one is at most ‖E‖ / (gap - ‖E‖), because
(λ̃ - λₖ) yₖ = (E y)ₖ. Singular values and vectors are the eigenvalues and eigenvectors of [[0, A], [Aᵀ, 0]] (section
8.6.1)."""

import functools
import itertools
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
from flint import acb, arb, arb_series, ctx

from gradproof.oracles.balls.arrays import Balls, objects
from gradproof.oracles.balls.complex_numbers import ComplexBalls
from gradproof.oracles.balls.linalg import BACKWARD, adjoint, matrixwise

SWEEPS = 64
"""Jacobi's method converges quadratically and needs ten sweeps or so; this many it never takes."""

KEPT = 16
"""So many decompositions are kept, those made last."""


class Decomposition:
    """A symmetric matrix A: unit eigenvectors in the columns of `vectors`, the eigenvalues `values` ascending, and the
    bound `error` on ‖E‖; `slopes` are A's first-order terms where A is a matrix of series, else None."""

    def __init__(self, on: Any, a: np.ndarray) -> None:
        centers = on.center(a)
        exact = np.frompyfunc(lambda v: v.mid(), 1, 1)(centers)
        radii = np.frompyfunc(lambda v: arb(v.rad()), 1, 1)(centers)
        diagonal, vectors, rest = _jacobi(exact)
        order = ascending(diagonal)
        self.on, self.size = on, frobenius(exact)
        self.error = rest + frobenius(radii)
        if on.model is not None:
            self.error += BACKWARD * len(a) * on.model.format.unit_roundoff * self.size
        self.values, self.vectors = diagonal[order], vectors[:, order]
        self.slopes = _slopes(a)

    def eigenvalue(self, i: int) -> Any:
        """The i-th eigenvalue; of a series λ' = vᵀ A' v."""
        value = self.values[i] + arb(0, self.error.upper())
        if self.slopes is None:
            return value
        v = self.eigenvector(i, first_order=False)
        return arb_series([value, _total(v * _total(self.slopes * v, 1), 0)])

    def eigenvector(self, i: int, first_order: bool = True) -> np.ndarray:
        """The i-th eigenvector; of a series v' = Σₖ vₖ (vₖᵀ A' v) / (λ - λₖ)."""
        parts = np.array([self._part(k, i) for k in range(len(self.values)) if k != i], dtype=object)
        along = np.delete(self.vectors, i, axis=1)
        lost = sum((part * part for part in parts), arb(0))
        spread = _total(abs(along) * parts, 1) + abs(self.vectors[:, i]) * lost
        v = self.vectors[:, i] + np.frompyfunc(_around_zero, 1, 1)(spread)
        if self.slopes is None or not first_order:
            return v
        return self._with_slope(i, v)

    def _part(self, k: int, i: int) -> arb:
        """How much of another eigenvector k may be in the i-th: at most 1, a unit vector's length."""
        gap = abs(self.values[i] - self.values[k]) - self.error
        if gap > self.error:
            return self.error / gap
        # The vectors of eigenvalues that may be one are no functions of the matrix.
        self.on.at_kink = True
        self.on.ambiguous = True
        self.on.undecided |= self.on.model is not None
        return arb(1)

    def _with_slope(self, i: int, v: np.ndarray) -> np.ndarray:
        slope = np.full(len(v), arb(0), dtype=object)
        pull = _total(self.slopes * v, 1)
        for cluster in self._clusters:
            if i not in cluster:
                slope = slope + self._pulled(cluster, i, pull)
            elif len(cluster) > 1:
                slope = slope + arb("nan")
        return np.frompyfunc(lambda p, q: arb_series([p, q]), 2, 1)(v, slope)

    @functools.cached_property
    def _clusters(self) -> list[list[int]]:
        """The eigenvalues in groups of those that may be one, such as the zeros of a matrix that is not square."""
        clusters = [[0]]
        for i in range(1, len(self.values)):
            if self.values[i] - self.values[i - 1] > 2 * self.error:
                clusters.append([])
            clusters[-1].append(i)
        return clusters

    def _pulled(self, cluster: list[int], i: int, pull: np.ndarray) -> np.ndarray:
        """Σₖ vₖ (vₖᵀ pull) / (λ - λₖ) over one cluster. Within it no vector is told from another, but their span is:
        from that of ours it turns by no more than the parts of all of them along all others."""
        around = arb(0, (2 * self.error).upper())
        gaps = [self.values[i] - self.values[k] + around for k in cluster]
        if len(cluster) == 1:
            other = self.eigenvector(cluster[0], first_order=False)
            return other * (_total(other * pull, 0) / gaps[0])
        ours, length = self.vectors[:, cluster], frobenius(pull)
        others = [j for j in range(len(self.values)) if j not in cluster]
        turn = arb(sum((self._part(j, k) ** 2 for k in cluster for j in others), arb(0)).sqrt().upper())
        along = _total(ours * _total(ours * pull[:, None], 0), 1) + arb(0, (turn * length).upper())
        inverse = functools.reduce(arb.union, (1 / gap for gap in gaps))
        # Each of the parts has its own gap: the sum is no farther off than the longest of all times their spread.
        return along * inverse.mid() + arb(0, (length * arb(inverse.rad())).upper())


def ascending(values: np.ndarray) -> list[int]:
    """The order of balls by their midpoints."""
    return sorted(range(len(values)), key=lambda i: values[i].mid())


def _around_zero(size: arb) -> arb:
    return arb(0, min(size.upper(), arb(2)))


def _total(products: np.ndarray, axis: int) -> Any:
    return np.sum(products, axis=axis)


def frobenius(a: np.ndarray) -> arb:
    """An upper bound on the Frobenius norm."""
    return arb(sum((v.abs_upper() ** 2 for v in a.flat), arb(0)).sqrt().upper())


def _slopes(a: np.ndarray) -> np.ndarray | None:
    if not any(isinstance(v, arb_series) for v in a.flat):
        return None
    return np.frompyfunc(lambda v: v[1] if isinstance(v, arb_series) else arb(0), 1, 1)(a)


def once(diagonalize: Callable) -> Callable:
    """`diagonalize` an exact matrix once: a gradient asks for the same decomposition as its body, and Taylor arithmetic
    again for each entry of the argument."""
    kept: dict[Hashable, Any] = {}

    @functools.wraps(diagonalize)
    def found(a: np.ndarray) -> Any:
        if not all(v.is_finite() for v in a.flat):
            return diagonalize(a)
        key = (ctx.prec, len(a), *map(_exactly, a.flat))
        if key not in kept:
            if len(kept) == KEPT:
                del kept[next(iter(kept))]
            kept[key] = diagonalize(a)
        return kept[key]

    return found


def _exactly(v: arb | acb) -> Hashable:
    return (v.real.man_exp(), v.imag.man_exp()) if isinstance(v, acb) else v.man_exp()


@once
def _jacobi(a: np.ndarray) -> tuple[np.ndarray, np.ndarray, arb]:
    """The diagonal of Qᵀ a Q, Q, and the Frobenius norm of the rest of Qᵀ a Q, for an exact symmetric matrix."""
    a, q = a.copy(), np.array([[arb(int(i == j)) for j in range(len(a))] for i in range(len(a))], dtype=object)
    sweep(a, q, _rotate)
    return np.diag(a).copy(), q, frobenius(a - np.diag(np.diag(a)))


def sweep(a: np.ndarray, q: np.ndarray, rotate: Callable) -> None:
    """Make a matrix all but diagonal, in place, by rotations `rotate(a, q, i, j)` that take its entry at i, j to zero
    and are gathered in q: Jacobi's method (Golub and Van Loan, Matrix Computations, section 8.5)."""
    negligible = frobenius(a) * arb(2) ** (8 - ctx.prec)
    for _ in range(SWEEPS):
        for i in range(len(a)):
            for j in range(i + 1, len(a)):
                if not abs(a[i, j].mid()) <= negligible:
                    rotate(a, q, i, j)
        if all(abs(a[i, j].mid()) <= negligible for i in range(len(a)) for j in range(i)):
            break


def rotation(first: arb, second: arb, entry: arb) -> tuple[arb, arb]:
    """Cosine and sine of the rotation that makes [[first, entry], [entry, second]] diagonal."""
    # The tangent may be any number: for an exact one the rotation is exactly orthogonal.
    half = (second.mid() - first.mid()) / (2 * entry.mid())
    root = (1 + half * half).sqrt()
    tangent = (1 / (half + root) if half >= 0 else 1 / (half - root)).mid()
    c = (1 + tangent * tangent).rsqrt()
    return c, tangent * c


def _rotate(a: np.ndarray, q: np.ndarray, i: int, j: int) -> None:
    c, s = rotation(a[i, i], a[j, j], a[i, j])
    a[:, i], a[:, j] = c * a[:, i] - s * a[:, j], s * a[:, i] + c * a[:, j]
    a[i, :], a[j, :] = c * a[i, :] - s * a[j, :], s * a[i, :] + c * a[j, :]
    q[:, i], q[:, j] = c * q[:, i] - s * q[:, j], s * q[:, i] + c * q[:, j]


def note_equals(on: Any, values: list[Any]) -> None:
    """Eigenvalues that may be equal have no derivatives of their own."""
    for low, high in itertools.pairwise(values):
        on.greater(Balls(high, on), Balls(low, on))


def _lower(a: Balls) -> np.ndarray:
    """The symmetric matrix whose lower triangle is that of a."""
    return np.where(np.tri(a.shape[-1], dtype=bool), a.entries, a.entries.T)


def _signed(v: np.ndarray, by: np.ndarray) -> np.ndarray:
    # An eigenvector's sign is nobody's choice: here the largest entry is positive.
    largest = max(range(len(by)), key=lambda i: abs(by[i].mid()))
    return v if by[largest].mid() > 0 else -v


def _checked(on: Any, x: Balls) -> Balls:
    # Multiplied by one, so that the range is looked at and underflow is thought of.
    return on.multiply(x, 1.0)


def _line(on: Any, values: list[Any]) -> Balls:
    return _checked(on, on.stack([Balls(value, on) for value in values]))


def _columns(on: Any, vectors: list[np.ndarray]) -> Balls:
    return _checked(on, Balls(np.stack(vectors, axis=-1), on))


@matrixwise
def eigvalsh(on: Any, a: Balls) -> Balls:
    """The eigenvalues, ascending, of the symmetric matrix whose lower triangle is given."""
    found = Decomposition(on, _lower(a))
    values = [found.eigenvalue(i) for i in range(a.shape[-1])]
    note_equals(on, values)
    return _line(on, values)


@matrixwise
def eigh(on: Any, a: Balls) -> tuple[Balls, Balls]:
    """The eigenvalues, ascending, and unit eigenvectors in columns; in each the largest entry is positive."""
    found, n = Decomposition(on, _lower(a)), a.shape[-1]
    values = [found.eigenvalue(i) for i in range(n)]
    note_equals(on, values)
    vectors = [_signed(found.eigenvector(i), found.vectors[:, i]) for i in range(n)]
    return _line(on, values), _columns(on, vectors)


def _jordan_wielandt(on: Any, a: Balls) -> Decomposition:
    m, n = a.shape
    whole = np.full((m + n, m + n), arb(0), dtype=object)
    whole[:m, m:], whole[m:, :m] = a.entries, a.entries.T
    return Decomposition(on, whole)


def _descending(m: int, n: int) -> list[int]:
    return [m + n - 1 - i for i in range(min(m, n))]


@matrixwise
def svdvals(on: Any, a: Balls) -> Balls:
    """The singular values, descending."""
    found = _jordan_wielandt(on, a)
    values = [found.eigenvalue(i) for i in _descending(*a.shape)]
    # At zero a singular value has a corner like |x|.
    note_equals(on, [*values, arb(0)][::-1])
    return _line(on, values)


@matrixwise
def svd(on: Any, a: Balls, *, full_matrices: bool = True) -> tuple[Balls, Balls, Balls]:
    """The reduced decomposition a = u diag(s) vh, s descending; in each row of vh the largest entry is positive."""
    m, n = a.shape
    if full_matrices and m != n:
        raise NotImplementedError("the columns beyond the reduced decomposition are nobody's choice but a backend's")
    found, chosen = _jordan_wielandt(on, a), _descending(m, n)
    values = [found.eigenvalue(i) for i in chosen]
    note_equals(on, [*values, arb(0)][::-1])
    pairs = [_signed(found.eigenvector(i), found.vectors[m:, i]) * arb(2).sqrt() for i in chosen]
    u, v = _columns(on, [pair[:m] for pair in pairs]), _columns(on, [pair[m:] for pair in pairs])
    return u, _line(on, values), on.matrix_transpose(v)


def _disturbed(on: Any, a: Balls, axis: int | None) -> Balls:
    """With what a backward stable factorization may change in it: p(n) ε times the norm of each column or of the whole.
    Gram and Schmidt alone would be too good entry by entry."""
    if on.model is None:
        return a
    parts = [a.re.entries, a.im.entries] if isinstance(a, ComplexBalls) else [a.entries]
    squares = sum(np.frompyfunc(lambda v: v.abs_upper() ** 2, 1, 1)(on.center(part)) for part in parts)
    sizes = np.sqrt(objects(np.sum(squares, axis=axis, keepdims=True)))
    change = BACKWARD * max(a.shape) * on.model.format.unit_roundoff
    moved = np.frompyfunc(lambda size: arb(0, (change * size).upper()), 1, 1)(sizes)
    disturbed = [Balls(part + moved, a.on) for part in parts]
    return ComplexBalls(*disturbed) if isinstance(a, ComplexBalls) else disturbed[0]


@matrixwise
def qr(on: Any, a: Balls) -> tuple[Balls, Balls]:
    """The reduced factors a = q r by Gram and Schmidt (modified; section 5.2.8), the diagonal of r positive. LAPACK,
    and so a backend, may give the other sign, or phase, to a column of q and a row of r."""
    m, n = a.shape
    a = _disturbed(on, a, axis=0)
    columns, qs = [a[:, j] for j in range(n)], []
    r = [[on.zeros(()) for _ in range(n)] for _ in range(min(m, n))]
    for i in range(min(m, n)):
        r[i][i] = on.elementwise("sqrt", on.sum(on.real(on.conj(columns[i]) * columns[i])))
        qs.append(columns[i] / r[i][i])
        for j in range(i + 1, n):
            r[i][j] = on.sum(on.conj(qs[i]) * columns[j])
            columns[j] = columns[j] - r[i][j] * qs[i]
    return on.stack(qs, axis=-1), on.stack([on.stack(row) for row in r])


@matrixwise
def pinv(on: Any, a: Balls) -> Balls:
    """The pseudoinverse of a matrix of full rank: r⁻¹ qᴴ of a = q r, and of the adjoint for a wide matrix."""
    if a.shape[0] < a.shape[1]:
        return adjoint(on, pinv(on, adjoint(on, a)))
    q, r = qr(on, _disturbed(on, a, axis=None))
    rows: list[Any] = [None] * a.shape[1]
    for i in reversed(range(a.shape[1])):
        known = adjoint(on, q)[i]
        for j in range(i + 1, a.shape[1]):
            known = known - r[i, j] * rows[j]
        rows[i] = known / r[i, i]
    return on.stack(rows)


OPERATIONS: dict[str, Callable] = {f.__name__: f for f in (eigh, eigvalsh, pinv, qr, svd, svdvals)}
"""Operations `(on, a)` of `xp.linalg`."""
