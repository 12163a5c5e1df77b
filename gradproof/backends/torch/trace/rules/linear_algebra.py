"""Linear algebra: what `torch.linalg` is made of."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradproof.backends.torch.trace.memory import to_numpy
from gradproof.oracles.tape import Cells, ComplexCells, complex_cells, factorizations

Rule = Callable[..., Any]

EXPONENTIAL_TERMS = 64
"""So many terms of the series of exp leave less than 1e-100 where the norm is at most 1/2."""


def _transposed(x: Any, conjugate: bool = False) -> Any:
    return complex_cells.conj(x.mT) if conjugate and isinstance(x, ComplexCells) else x.mT


def solve(run: Any, result: Any, a: Tensor, b: Tensor, *, left: bool = True, **_: Any) -> list:
    matrix, right = run.cells(a), run.cells(b)
    if not left:
        return [factorizations.solve(matrix.mT, right.mT).mT]
    if b.ndim > 1 and b.ndim == a.ndim - 1 and b.shape == a.shape[:-1]:  # a stack of vectors
        return [factorizations.solve(matrix, right[..., None])[..., 0]]
    return [factorizations.solve(matrix, right)]


def inv(run: Any, result: Any, a: Tensor, **_: Any) -> list:
    return [factorizations.inv(run.cells(a))]


def det(run: Any, result: Any, a: Tensor) -> list:
    return [factorizations.det(run.cells(a))]


def slogdet(run: Any, result: Any, a: Tensor) -> list:
    return list(factorizations.slogdet(run.cells(a)))


def cholesky_ex(run: Any, result: Any, a: Tensor, *, upper: bool = False, **_: Any) -> list:
    return [cholesky(run, result, a, upper)]


def cholesky(run: Any, result: Any, a: Tensor, upper: bool = False) -> Any:
    cells = run.cells(a)
    # The triangle that PyTorch reads is the one that it is asked for.
    return factorizations.cholesky(_transposed(cells, conjugate=True) if upper else cells, upper=upper)


def triangular(run: Any, a: Any, b: Any, upper: bool, unit: bool = False) -> Any:
    return factorizations.solve_triangular(a, b, lower=not upper, unit_diagonal=unit)


def solve_triangular(
    run: Any,
    result: Any,
    a: Tensor,
    b: Tensor,
    *,
    upper: bool,
    left: bool = True,
    unitriangular: bool = False,
) -> Any:
    matrix, right = run.cells(a), run.cells(b)
    if left:
        return triangular(run, matrix, right, upper, unitriangular)
    return triangular(run, matrix.mT, right.mT, not upper, unitriangular).mT


def old_triangular_solve(
    run: Any,
    result: Any,
    b: Tensor,
    a: Tensor,
    upper: bool = True,
    transpose: bool = False,
    unit: bool = False,
) -> list:
    matrix = run.cells(a)
    matrix, upper = (matrix.mT, not upper) if transpose else (matrix, upper)
    return [triangular(run, matrix, run.cells(b), upper, unit), run.cells(a)]


def cholesky_solve(run: Any, result: Any, b: Tensor, factor: Tensor, upper: bool = False) -> Any:
    cells, right = run.cells(factor), run.cells(b)
    lower = _transposed(cells, conjugate=True) if upper else cells
    half = triangular(run, lower, right, upper=False)
    return triangular(run, _transposed(lower, conjugate=True), half, upper=True)


def cholesky_inverse(run: Any, result: Any, factor: Tensor, upper: bool = False) -> Any:
    return cholesky_solve(run, result, torch.eye(factor.shape[-1], dtype=factor.dtype), factor, upper)


def lu_factor(run: Any, result: Any, a: Tensor, *, pivot: bool = True, **_: Any) -> list:
    if not pivot:
        raise run.refusal("it is not traced without pivots")
    return [factorizations.lu(run.cells(a))[0], None, None]


def lu(run: Any, result: Any, a: Tensor, *, pivot: bool = True) -> list:
    packed = lu_factor(run, result, a, pivot=pivot)[0]
    return [to_numpy(result[0]), *_unpacked(run, packed)]


def lu_unpack(run: Any, result: Any, data: Tensor, pivots: Tensor, *_: Any, **__: Any) -> list:
    return [to_numpy(result[0]), *_unpacked(run, run.cells(data))]


def _unpacked(run: Any, packed: Any) -> list:
    """The two triangles that are stored in one matrix, the first with a diagonal of ones."""
    m, n = packed.shape[-2:]
    k = min(m, n)
    zero, one = (run.tape.constant(v, packed.format) for v in (0.0, 1.0))

    def part(cells: Cells, offset: float) -> list[Cells]:
        low = run.tape.choose(np.tri(m, k, -1, dtype=bool), cells[..., :, :k], zero)
        low = run.tape.choose(np.eye(m, k, dtype=bool), one if offset else zero, low)
        return [low, run.tape.choose(np.tri(k, n, -1, dtype=bool), zero, cells[..., :k, :])]

    if not isinstance(packed, ComplexCells):
        return part(packed, 1.0)
    return [ComplexCells(re, im) for re, im in zip(part(packed.re, 1.0), part(packed.im, 0.0), strict=True)]


def lu_solve(
    run: Any,
    result: Any,
    data: Tensor,
    pivots: Tensor,
    b: Tensor,
    *,
    left: bool = True,
    adjoint: bool = False,
) -> Any:
    if not left or adjoint or data.ndim > 2 or b.ndim > 2:
        raise run.refusal("it is traced for one system a x = b only")
    order = list(range(len(data)))
    for i, pivot in enumerate(pivots.tolist()):
        order[i], order[pivot - 1] = order[pivot - 1], order[i]
    packed, right = run.cells(data), run.cells(b)[np.array(order)]
    return triangular(run, packed, triangular(run, packed, right, False, unit=True), upper=True)


# Spectral decompositions, with the signs that PyTorch chose


def eigh(run: Any, result: Any, a: Tensor, uplo: str = "L", compute_v: bool = True) -> list:
    cells = run.cells(a)
    cells = _transposed(cells, conjugate=True) if uplo.upper() == "U" else cells
    if not compute_v:
        return [factorizations.eigvalsh(cells, to_numpy(result[0]))]
    return list(factorizations.eigh(cells, to_numpy(result[0]), to_numpy(result[1])))


def eig(run: Any, result: Any, a: Tensor) -> list:
    values, vectors = map(to_numpy, result)
    return [*factorizations.eig(run.cells(a), values, vectors)]


def eigvals(run: Any, result: Tensor, a: Tensor) -> Any:
    return factorizations.eigvals(run.cells(a), to_numpy(result))


def householder_product(run: Any, result: Tensor, a: Tensor, tau: Tensor) -> Any:
    cells = run.cells(a)
    first = run.tape.constant(np.broadcast_to(np.eye(*a.shape[-2:]), tuple(a.shape)), cells.format)
    first = complex_cells.lifted(run.tape, first) if isinstance(cells, ComplexCells) else first
    return factorizations.reflected(cells, run.cells(tau), first)


def ormqr(
    run: Any, result: Tensor, a: Tensor, tau: Tensor, x: Tensor, left: bool = True, transpose: bool = False
) -> Any:
    cells, taus, other = run.cells(a), run.cells(tau), run.cells(x)
    if left:
        return factorizations.reflected(cells, taus, other, transpose)
    # X Q is the adjoint of Qᴴ Xᴴ.
    return _transposed(factorizations.reflected(cells, taus, _transposed(other, True), not transpose), True)


def svd(run: Any, result: Any, a: Tensor, full_matrices: bool = False, compute_uv: bool = True, **_: Any) -> list:
    cells, (u, values, vh) = run.cells(a), map(to_numpy, result)
    if not compute_uv:
        return [None, factorizations.svdvals(cells, values), None]
    k = values.shape[-1]
    left, found, right = factorizations.svd(cells, u[..., :k], values, vh[..., :k, :])
    return [_completed(run, left, result[0], -1), found, _completed(run, right, result[2], -2)]


def _completed(run: Any, cells: Cells, result: Tensor, axis: int) -> Cells:
    """What a full decomposition has beyond the reduced one is any basis: nobody's function."""
    missing = result.shape[axis] - cells.shape[axis]
    if not missing:
        return cells
    rest = result.narrow(axis, cells.shape[axis], missing)
    poison = run.poison(rest, "vectors beyond the reduced decomposition are not unique")
    if isinstance(cells, ComplexCells):
        return complex_cells.concat(run.tape, [cells, poison], axis)
    return run.tape.concat([cells, poison], axis)


def qr(run: Any, result: Any, a: Tensor, mode: str = "reduced") -> list:
    if mode == "complete" and a.shape[-2] > a.shape[-1]:
        raise run.refusal("the complete factors are not unique", "Use mode='reduced'.")
    q, r = map(to_numpy, result)
    if mode == "r":
        q = np.linalg.qr(to_numpy(a))[0]
    factors = factorizations.qr(run.cells(a), q, r)
    return [None if mode == "r" else factors[0], factors[1]]


def pinv(run: Any, result: Tensor, a: Tensor, *_: Any, hermitian: bool = False, **__: Any) -> Cells:
    cells = run.cells(a)
    if hermitian:  # the lower triangle is read
        cells = factorizations.mirrored(run.real(a), whole=True)
    return factorizations.pinv(cells, to_numpy(result))


def lstsq(run: Any, result: Any, a: Tensor, b: Tensor, *_: Any, **__: Any) -> list:
    """The solution of full rank: the pseudoinverse times b."""
    return [factorizations.pinv(run.cells(a), np.linalg.pinv(to_numpy(a))) @ run.cells(b)]


def matrix_exp(run: Any, result: Tensor, a: Tensor) -> Any:
    """By the series, of the matrix halved until that is short, squared as often."""
    cells = run.cells(a)
    norm = float(np.abs(cells.value).sum(axis=-1).max(initial=0.0))
    halvings = max(0, math.ceil(math.log2(norm)) + 1) if norm > 0 else 0
    small = cells * 0.5**halvings
    one = run.tape.constant(np.broadcast_to(np.eye(a.shape[-1]), tuple(a.shape)), cells.format)
    total = complex_cells.lifted(run.tape, one) if isinstance(cells, ComplexCells) else one
    for n in range(EXPONENTIAL_TERMS, 0, -1):  # 1 + x/1 (1 + x/2 (1 + …))
        total = (
            one + (small @ total) / float(n)
            if not isinstance(total, ComplexCells)
            else (small @ total) / float(n) + one
        )
    for _ in range(halvings):
        total = total @ total
    return total


def trace(run: Any, result: Tensor, a: Tensor) -> Any:
    cells = run.cells(a)
    diagonal = cells.moved(np.diagonal) if isinstance(cells, ComplexCells) else cells.like(np.diagonal(cells.numbers))
    return complex_cells.total(diagonal) if isinstance(cells, ComplexCells) else run.tape.sum(diagonal)


RULES: dict[str, Rule] = {
    "_linalg_det": det,
    "_linalg_eigh": eigh,
    "_linalg_slogdet": slogdet,
    "_linalg_solve_ex": solve,
    "_linalg_svd": svd,
    "cholesky": cholesky,
    "cholesky_inverse": cholesky_inverse,
    "cholesky_solve": cholesky_solve,
    "linalg_cholesky_ex": cholesky_ex,
    "linalg_eig": eig,
    "linalg_eigvals": eigvals,
    "linalg_householder_product": householder_product,
    "linalg_inv_ex": inv,
    "linalg_lstsq": lstsq,
    "linalg_lu": lu,
    "linalg_lu_factor_ex": lu_factor,
    "linalg_lu_solve": lu_solve,
    "linalg_matrix_exp": matrix_exp,
    "linalg_pinv": pinv,
    "linalg_qr": qr,
    "linalg_solve_triangular": solve_triangular,
    "lu_unpack": lu_unpack,
    "ormqr": ormqr,
    "trace": trace,
    "triangular_solve": old_triangular_solve,
}
