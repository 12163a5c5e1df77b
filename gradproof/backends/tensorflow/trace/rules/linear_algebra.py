"""Linear algebra: what is computed stands in `gradproof.oracles.tape.factorizations`; here is how TensorFlow
parametrizes it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from gradproof.backends.tensorflow.trace.operation import Operation, Value, moved
from gradproof.oracles.tape import Cells, ComplexCells, Tape, complex_cells, factorizations


def _adjoint(x: Any) -> Any:
    return complex_cells.conj(x.mT) if isinstance(x, ComplexCells) else x.mT


def _at_input(op: Operation, x: Any) -> tf.Tensor:
    """The values at the traced input, as TensorFlow would hold them."""
    return tf.constant(x.value, op.node.inputs[0].dtype)


def _inverse(op: Operation, a: Any) -> Any:
    return factorizations.inv(_adjoint(a) if op.attribute("adjoint") else a)


def _solve(op: Operation, a: Value, b: Value) -> Any:
    a = op.lift(a)
    return factorizations.solve(_adjoint(a) if op.attribute("adjoint") else a, op.lift(b))


def _triangular_solve(op: Operation, a: Value, b: Value) -> Any:
    a, lower = op.lift(a), op.attribute("lower")
    if op.attribute("adjoint"):
        a, lower = _adjoint(a), not lower
    return factorizations.solve_triangular(a, op.lift(b), lower=lower)


def _least_squares(op: Operation, a: Value, b: Value, ridge: Value) -> Any:
    """The solution of the normal equations, with or without a ridge."""
    a, b = op.real(a), op.real(b)
    size = min(a.shape[-2:])
    ridge = op.number(float(op.array(ridge))) * op.tape.constant(np.eye(size), op.format)
    if a.shape[-2] >= a.shape[-1]:
        return factorizations.solve(op.tape.matmul(a.mT, a, op.format) + ridge, op.tape.matmul(a.mT, b, op.format))
    inner = factorizations.solve(op.tape.matmul(a, a.mT, op.format) + ridge, b)
    return op.tape.matmul(a.mT, inner, op.format)


def _lu(op: Operation, a: Any) -> list[Any]:
    packed, _, order = factorizations.lu(a)
    return [packed, tf.constant(order, op.node.outputs[1].dtype)]


def _eigh(op: Operation, a: Any) -> list[Any]:
    values, vectors = (np.asarray(part) for part in op.by_framework(_at_input(op, a), compute_v=True))
    if not op.attribute("compute_v") or not op.is_used(1):
        return [op.lift(factorizations.eigvalsh(a, values.real))]
    found, columns = factorizations.eigh(a, values.real, vectors)
    return [op.lift(found), columns]


def _eig(op: Operation, a: Any) -> list[Any]:
    values, vectors = (np.asarray(part) for part in op.by_framework(_at_input(op, a), compute_v=True))
    if not op.attribute("compute_v") or not op.is_used(1):
        return [factorizations.eigvals(a, values)]
    return list(factorizations.eig(a, values, vectors))


def _svd(op: Operation, a: Any) -> list[Any]:
    values, u, v = (np.asarray(x) for x in op.by_framework(_at_input(op, a), compute_uv=True, full_matrices=False))
    if not op.attribute("compute_uv") or not (op.is_used(1) or op.is_used(2)):
        return [op.lift(factorizations.svdvals(a, values.real))]
    left, found, right = factorizations.svd(a, u, values.real, np.conj(np.swapaxes(v, -1, -2)))
    right = _adjoint(right)
    if not op.attribute("full_matrices"):
        return [op.lift(found), left, right]
    m, n = a.shape[-2:]
    return [op.lift(found), _extended(op, left, m, 1), _extended(op, right, n, 2)]


def _extended(op: Operation, x: Cells, count: int, result: int) -> Cells:
    """The vectors of a full decomposition beyond the reduced one are nobody's function of the matrix."""
    missing = count - x.shape[-1]
    if not missing:
        return x
    reason = "the vectors beyond those of the reduced decomposition are not determined by the matrix"
    rest = op.poison((*x.shape[:-1], missing), reason, "Ask for full_matrices=False.", result)
    join = complex_cells.concat if isinstance(x, ComplexCells) else Tape.concat
    return join(op.tape, [x, rest], -1)


def _qr(op: Operation, a: Any) -> list[Any]:
    m, n = a.shape[-2:]
    square = a[..., : min(m, n)]
    q, r = (np.asarray(x) for x in op.by_framework(_at_input(op, square), full_matrices=False))
    columns, rows = factorizations.qr(square, q, r)
    if m < n:
        return [columns, _beside(op, -1, rows, _adjoint(columns) @ a[..., m:])]
    if not op.attribute("full_matrices") or m == n:
        return [columns, rows]
    if isinstance(columns, ComplexCells):
        op.refuse("the full factors of a complex matrix", "Ask for full_matrices=False.")
    zeros = tf.zeros((*r.shape[:-2], m - n, n), op.dtype)
    return [_extended(op, columns, m, 0), _beside(op, -2, rows, zeros)]


def _beside(op: Operation, axis: int, *parts: Any) -> Any:
    return moved(lambda *arrays: np.concatenate(arrays, axis), op, *parts)


def _banded_solve(op: Operation, bands: Value, b: Value) -> Any:
    """A triangular system by the bands of its matrix, the diagonal first below and last above; what lies outside of the
    matrix is not read."""
    bands, b, lower = op.lift(bands), op.lift(b), op.attribute("lower")
    count, n = bands.shape[-2:]

    def placed(bands: np.ndarray, zero: np.ndarray) -> np.ndarray:
        a = np.full((*bands.shape[:-2], n, n), zero)
        for k in range(count):
            i = np.arange(k, n) if lower else np.arange(n - k)
            a[..., i, i - k if lower else i + k] = bands[..., k if lower else count - 1 - k, i]
        return a

    a = moved(placed, op, bands, tf.zeros((), op.dtype))
    if op.attribute("adjoint"):
        a, lower = _adjoint(a), not lower
    return factorizations.solve_triangular(a, b, lower=lower)


def _tridiagonal_solve(op: Operation, diagonals: Value, b: Value) -> Any:
    """Diagonals are (…, 3, n): above, the diagonal, below; what lies outside is not read."""
    diagonals, b = op.lift(diagonals), op.lift(b)
    return factorizations.solve(_tridiagonal(op, diagonals), b)


def _tridiagonal(op: Operation, diagonals: Any) -> Any:
    n = diagonals.shape[-1]
    i = np.arange(n)

    def placed(bands: np.ndarray, zero: np.ndarray) -> np.ndarray:
        a = np.full((*bands.shape[:-2], n, n), zero)
        a[..., i, i] = bands[..., 1, :]
        a[..., i[:-1], i[1:]], a[..., i[1:], i[:-1]] = bands[..., 0, :-1], bands[..., 2, 1:]
        return a

    return moved(placed, op, diagonals, tf.zeros((), op.dtype))


def _tridiagonal_product(op: Operation, above: Value, diagonal: Value, below: Value, b: Value) -> Any:
    bands = moved(lambda *rows: np.concatenate(rows, -2), op, above, diagonal, below)
    a, b = _tridiagonal(op, bands), op.lift(b)
    return a @ b


RULES: dict[str, Callable[..., Any]] = {
    "BandedTriangularSolve": _banded_solve,
    "Cholesky": lambda op, a: factorizations.cholesky(a),
    "Eig": _eig,
    "LogMatrixDeterminant": lambda op, a: list(factorizations.slogdet(a)),
    "Lu": _lu,
    "MatrixDeterminant": lambda op, a: factorizations.det(a),
    "MatrixInverse": _inverse,
    "MatrixSolve": _solve,
    "MatrixSolveLs": _least_squares,
    "MatrixSquareRoot": lambda op, a: factorizations.sqrtm(a, np.asarray(op.by_framework(_at_input(op, a)))),
    "MatrixTriangularSolve": _triangular_solve,
    "Qr": _qr,
    "SelfAdjointEigV2": _eigh,
    "Svd": _svd,
    "TridiagonalMatMul": _tridiagonal_product,
    "TridiagonalSolve": _tridiagonal_solve,
}
"""Rules for real and for complex cells alike."""
