"""Eigenvalues of matrices that need not be symmetric, in complex balls, by Arb's enclosures of them and of their left
and right eigenvectors (S. M. Rump, Computational error bounds for multiple or nearly multiple eigenvalues, Linear
Algebra and its Applications 324, 2001); and square roots of matrices by them.

With A = R Λ L, L R = I, and S = L A' R: λᵢ' = Sᵢᵢ, and a column of R changes by Σₖ rₖ Sₖᵢ / (λᵢ - λₖ) (J. R. Magnus, On
differentiating eigenvalues and eigenvectors, Econometric Theory 1, 1985), to which may be added any multiple of the
column itself: unit length decides its real part, and nothing decides its imaginary part, the phase. Of X² = A the
derivative solves X' X + X X' = A' (N. J. Higham, Functions of Matrices, section 6.1): between R and L it is
Sᵢₖ / (√λᵢ + √λₖ)."""

from collections.abc import Callable
from typing import Any

import numpy as np
from flint import acb, acb_mat, arb, arb_series

from gradproof.oracles.balls.arrays import Balls
from gradproof.oracles.balls.complex_numbers import ComplexBalls
from gradproof.oracles.balls.linalg import BACKWARD
from gradproof.oracles.balls.spectral import frobenius

NAN = acb(arb("nan"), arb("nan"))


class Decomposition:
    """The eigenvalues of a matrix in the order of `values`, its right eigenvectors in columns, and the left ones in
    rows, so that left @ right is the identity; NaN where Arb cannot tell the eigenvalues apart. `slopes` are the
    first-order terms of the matrix where it is one of series, else None. `size` is that to which the error of a
    backward stable routine is relative, if not the norm of the matrix."""

    def __init__(self, on: Any, a: ComplexBalls, values: np.ndarray, size: float | None = None) -> None:
        parts = (a.re.entries, a.im.entries)
        exact = _joined(*(on.center(part) for part in parts))
        if on.model is not None:
            size = frobenius(exact) if size is None else arb(size)
            error = BACKWARD * len(exact) * on.model.format.unit_roundoff * size
            exact = exact + acb(arb(0, error.upper()), arb(0, error.upper()))
        self.on = on
        self.slopes = None
        if any(isinstance(v, arb_series) for part in parts for v in part.flat):
            self.slopes = _joined(*(np.frompyfunc(_slope, 1, 1)(part) for part in parts))
        self.values, self.left, self.right = _decomposed(exact, values)
        self.is_known = all(v.is_finite() for v in self.values)

    def eigenvalues(self) -> list[tuple[Any, Any]]:
        """Real and imaginary part of each."""
        if self.slopes is None:
            return [(v.real, v.imag) for v in self.values]
        return [_series(v, self.pull[i, i]) for i, v in enumerate(self.values)]

    @property
    def pull(self) -> np.ndarray:
        """S of the module's text."""
        return self.left @ self.slopes @ self.right

    def eigenvector(self, i: int, phase: Callable[[np.ndarray], acb]) -> list[tuple[Any, Any]]:
        """Real and imaginary part of each entry of the i-th unit eigenvector, in the phase that `phase` gives it."""
        column = self.right[:, i]
        length = sum((abs(v) ** 2 for v in column), arb(0)).sqrt()
        unit = column / length
        turn = phase(unit)
        if self.slopes is None:
            return [(v.real, v.imag) for v in unit * turn]
        pull, change = self.pull, np.full(len(column), acb(0), dtype=object)
        for k in range(len(column)):
            if k != i:
                change = change + self.right[:, k] * (pull[k, i] / (self.values[i] - self.values[k]))
        change = change / length
        along = np.sum(np.frompyfunc(acb.conjugate, 1, 1)(unit) * change).real
        return [_series(v, d) for v, d in zip(unit * turn, (change - unit * along) * turn, strict=True)]

    def square_root(self) -> list[tuple[Any, Any]]:
        """Real and imaginary part of each entry of the principal square root."""
        roots = np.frompyfunc(acb.sqrt, 1, 1)(self.values)
        root = self.right @ (roots[:, None] * self.left)
        if self.slopes is None:
            return [(v.real, v.imag) for v in root.flat]
        change = self.right @ (self.pull / (roots[:, None] + roots)) @ self.left
        return [_series(v, d) for v, d in zip(root.flat, change.flat, strict=True)]


def _decomposed(a: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = len(a)
    try:
        found, left, right = acb_mat(n, n, a.ravel().tolist()).eig(left=True, right=True)
    except ValueError:  # eigenvalues that are one, or may be
        return np.full(n, NAN), np.full((n, n), NAN), np.full((n, n), NAN)
    order = _matched(found, values)
    left, right = (np.array(m.entries(), dtype=object).reshape(n, n) for m in (left, right))
    return np.array(found, dtype=object)[order], left[order], right[:, order]


def _matched(found: list[acb], values: np.ndarray) -> list[int]:
    """Which of those found is nearest to each value, each taken once."""
    rest, order = list(range(len(found))), []
    for value in values:
        distances = [abs(complex(found[k].real, found[k].imag) - value) for k in rest]
        order.append(rest.pop(int(np.argmin(distances))))
    return order


def _slope(v: Any) -> arb:
    return v[1] if isinstance(v, arb_series) else arb(0)


def _series(value: acb, slope: acb) -> tuple[arb_series, arb_series]:
    return arb_series([value.real, slope.real]), arb_series([value.imag, slope.imag])


def _joined(re: np.ndarray, im: np.ndarray) -> np.ndarray:
    return np.frompyfunc(acb, 2, 1)(re, im)


def balls_of(on: Any, pairs: list[tuple[Any, Any]]) -> tuple[Balls, Balls]:
    """Pairs as two arrays of balls, multiplied by one, so that the range is looked at and underflow is thought of."""
    entries = np.empty((2, len(pairs)), dtype=object)
    for i, pair in enumerate(pairs):
        entries[0, i], entries[1, i] = pair
    re, im = (on.multiply(Balls(row, on), 1.0) for row in entries)
    return re, im
