"""Linear algebra in balls, by the textbook algorithms (Golub and Van Loan, Matrix Computations, 4th ed.): Gaussian
elimination with partial pivoting (section 3.4) and the Cholesky factorization (section 4.2). Both are backward stable
there, and every operation carries its own rounding, so the radius of the result covers a backend's factorization; what
a backend may lose by another order of elimination is added.

Most of it holds of real and of complex numbers: `on` is a `RealArithmetic`, or a `Both` of one
(`complex_numbers.py`)."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from flint import arb

from gradproof.oracles.balls.arrays import Balls
from gradproof.oracles.balls.complex_numbers import ComplexBalls

BACKWARD = 2
"""A backward stable routine gives the solution or decomposition of A + E with ‖E‖ ≤ p(n) ε ‖A‖, p a modestly growing
function (LAPACK Users' Guide, 3rd ed., sections 4.4, 4.7.1 and 4.9.1), ε = 2u. Nobody states p; the guide computes its
bounds with p = 1, and here p = n: every backend stays far below, and a wrong formula does not come near."""


def matrixwise(operation: Callable) -> Callable:
    """Apply an operation on one matrix to each matrix of a stack."""

    @functools.wraps(operation)
    def apply(on: Any, x: Any, *others: Any, **options: Any) -> Any:
        x = on.asarray(x)
        if x.ndim == 2:
            return operation(on, x, *others, **options)
        # A number among the others, as the exponent of a power, is the same for each matrix.
        rows = ([o if isinstance(o, int) else o[i] for o in others] for i in range(len(x)))
        results = [apply(on, x[i], *row, **options) for i, row in enumerate(rows)]
        if isinstance(results[0], tuple):
            return tuple(on.stack(parts) for parts in zip(*results, strict=True))
        return on.stack(results)

    return apply


def adjoint(on: Any, a: Any) -> Any:
    """The conjugate transpose."""
    return on.conj(on.matrix_transpose(a))


def _size(on: Any, x: Any) -> float:
    parts = (x.re, x.im) if isinstance(x, ComplexBalls) else (x,)
    return math.hypot(*(float(on.center(part.entries)[()]) for part in parts))


def eliminate(on: Any, a: Any, b: Any) -> tuple[list, list, int]:
    """The rows of an upper triangular matrix and of the right-hand sides that go with it, and the row swaps' sign."""
    rows, rights, sign = list(a), list(b), 1
    for k in range(len(rows)):
        sizes = [_size(on, row[k]) for row in rows[k:]]
        pivot = k + int(np.argmax(sizes))
        if pivot != k:
            rows[k], rows[pivot], rights[k], rights[pivot] = rows[pivot], rows[k], rights[pivot], rights[k]
            sign = -sign
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            rows[i], rights[i] = rows[i] - factor * rows[k], rights[i] - factor * rights[k]
    return rows, rights, sign


@matrixwise
def _solve_matrix(on: Any, a: Any, b: Any) -> Any:
    rows, rights, _ = eliminate(on, a, b)
    solution: list[Any] = [None] * len(rows)
    for i in reversed(range(len(rows))):
        known = rights[i]
        for j in range(i + 1, len(rows)):
            known = known - rows[i][j] * solution[j]
        solution[i] = known / rows[i][i]
    return _as_a_stable_solver_has_it(on, a, on.stack(solution))


def _as_a_stable_solver_has_it(on: Any, a: Any, x: Any) -> Any:
    """A solution with what E in (A + E) x = b moves it by, to first order A⁻¹ E x, each column of E as large as a
    backward stable solver may have it. Elimination keeps zeros, in the matrix and in the solution, which a solver need
    not that takes the matrix by its rows, or inverts blocks."""
    if on.model is None:
        return x
    matrix, solution = _floats(on, a), _floats(on, x)
    with np.errstate(all="ignore"):
        try:
            inverse = np.abs(np.linalg.inv(matrix))
        except np.linalg.LinAlgError:  # the solution has no bound either
            return x
        change = BACKWARD * len(matrix) * on.model.format.unit_roundoff
        columns = np.linalg.norm(matrix, axis=0) @ np.abs(solution)
        radii = change * np.multiply.outer(inverse.sum(axis=1), columns)
    if not np.isfinite(radii).all():
        return x
    moved = np.frompyfunc(lambda radius: arb(0, float(radius)), 1, 1)(radii)
    parts = [Balls(part.entries + moved, part.on) for part in ((x.re, x.im) if isinstance(x, ComplexBalls) else (x,))]
    return ComplexBalls(*parts) if isinstance(x, ComplexBalls) else parts[0]


def _floats(on: Any, x: Any) -> np.ndarray:
    """The middles of balls as numbers of NumPy's."""
    parts = (x.re, x.im) if isinstance(x, ComplexBalls) else (x,)
    middles = [np.frompyfunc(lambda v: float(v.mid()), 1, 1)(on.center(part.entries)).astype(float) for part in parts]
    return middles[0] + 1j * middles[1] if len(middles) == 2 else middles[0]


def solve(on: Any, a: Any, b: Any) -> Any:
    """x with a x = b, stacks of either stretched to each other; b is a vector when it has one dimension, as in the
    array API standard."""
    a, b = on.asarray(a), on.asarray(b)
    columns = b[:, None] if b.ndim == 1 else b
    stack = np.broadcast_shapes(a.shape[:-2], columns.shape[:-2])
    stretched = (on.broadcast_to(x, (*stack, *x.shape[-2:])) for x in (a, columns))
    x = _solve_matrix(on, *stretched)
    return x[..., 0] if b.ndim == 1 else x


def inv(on: Any, a: Any) -> Any:
    """The inverse."""
    n = a.shape[-1]
    return _solve_matrix(on, a, on.broadcast_to(on.eye(n), a.shape))


@matrixwise
def slogdet(on: Any, a: Any) -> tuple[Any, Any]:
    """The sign of the determinant and the logarithm of its size."""
    rows, _, sign = eliminate(on, a, a)
    diagonal = on.stack([rows[i][i] for i in range(len(rows))])
    return sign * on.prod(on.sign(diagonal)), on.sum(on.elementwise("log", on.abs(diagonal)))


@matrixwise
def det(on: Any, a: Any) -> Any:
    """The determinant."""
    rows, _, sign = eliminate(on, a, a)
    return sign * on.prod(on.stack([rows[i][i] for i in range(len(rows))]))


@matrixwise
def cholesky(on: Any, a: Any, *, upper: bool = False) -> Any:
    """The lower triangular L with L Lᴴ = a, read from the lower triangle of a; Lᴴ with `upper`."""
    n = a.shape[-1]
    lower = [[on.zeros(()) for _ in range(n)] for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            rest = a[i, j]
            for k in range(j):
                rest = rest - lower[i][k] * on.conj(lower[j][k])
            lower[i][j] = on.elementwise("sqrt", on.real(rest)) if i == j else rest / lower[j][j]
    factor = on.stack([on.stack(row) for row in lower])
    return adjoint(on, factor) if upper else factor


def diagonal(on: Any, a: Any, *, offset: int = 0) -> Any:
    """The entries on a diagonal."""
    rows, columns = a.shape[-2:]
    pairs = [(i, i + offset) for i in range(rows) if 0 <= i + offset < columns]
    return on.stack([a[..., i, j] for i, j in pairs], axis=-1)


@matrixwise
def matrix_power(on: Any, a: Any, n: int) -> Any:
    """a multiplied by itself n times; of the inverse for a negative n."""
    base = inv(on, a) if n < 0 else a
    power = on.eye(a.shape[-1])
    for _ in range(abs(n)):
        power = on.matmul(power, base)
    return power


OPERATIONS = {f.__name__: f for f in (solve, inv, slogdet, det, cholesky, diagonal, matrix_power)}
