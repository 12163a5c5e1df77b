"""Primitives of linear algebra: what they compute stands in `gradproof.oracles.tape.factorizations`; here is how JAX
parametrizes it, and how a solution that JAX differentiates implicitly is found."""

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from gradproof.backends.jax.trace.operation import Operation, Value, as_plain, concrete, moved
from gradproof.oracles.tape import Cells, ComplexCells, Tape, factorizations


def _transposed(op: Operation, x: Any) -> Any:
    return x.mT


def _conjugated(x: Any) -> Any:
    return ComplexCells(x.re, -x.im) if isinstance(x, ComplexCells) else x


def _at_input(op: Operation, x: Cells | ComplexCells) -> Any:
    """The values at the traced input in JAX's dtype."""
    dtype = jnp.result_type(x.format, jnp.complex64) if isinstance(x, ComplexCells) else x.format
    return jnp.asarray(x.value, dtype)


def _plain(op: Operation, x: Value) -> Any:
    return _at_input(op, x) if isinstance(x, Cells | ComplexCells) else as_plain(op.tape, x)


def _cholesky(op: Operation, a: Any) -> Any:
    return factorizations.cholesky(a)


def _triangular_solve(op: Operation, a: Any, b: Any) -> Any:
    a, b, lower = op.lift(a), op.lift(b), op.params["lower"]
    if op.params["conjugate_a"]:
        a = _conjugated(a)
    if op.params["transpose_a"]:
        a, lower = a.mT, not lower
    if not op.params["left_side"]:
        a, b, lower = a.mT, b.mT, not lower
    x = factorizations.solve_triangular(a, b, lower=lower, unit_diagonal=op.params["unit_diagonal"])
    return x if op.params["left_side"] else x.mT


def _lu(op: Operation, a: Any) -> list[Any]:
    packed, pivots, order = factorizations.lu(a)
    return [packed, pivots.astype(op.results[1].dtype), order.astype(op.results[2].dtype)]


def _eigh(op: Operation, a: Any) -> list[Any]:
    if op.params.get("subset_by_index") is not None:
        op.refuse("a subset of the eigenvalues", "Take all of them, and index them.")
    vectors, values = op.by_framework(_at_input(op, a))
    a = a if op.params["lower"] else _conjugated(a.mT)
    if op.needed is not None and not op.needed[0]:
        return [vectors, factorizations.eigvalsh(a, np.asarray(values))]
    found, columns = factorizations.eigh(a, np.asarray(values), np.asarray(vectors))
    return [columns, found]


def _eig(op: Operation, a: Any) -> list[Any]:
    if op.params["compute_left_eigenvectors"]:
        op.refuse("left eigenvectors")
    values, *vectors = (np.asarray(part) for part in op.by_framework(_at_input(op, a)))
    if not vectors or (op.needed is not None and not op.needed[1]):
        return [factorizations.eigvals(a, values), *vectors]
    return list(factorizations.eig(a, values, *vectors))


def _svd(op: Operation, a: Any) -> list[Any]:
    if op.params.get("subset_by_index") is not None:
        op.refuse("a subset of the singular values", "Take all of them, and index them.")
    parts = [np.asarray(part) for part in op.by_framework(_at_input(op, a))]
    if not op.params["compute_uv"] or not any((op.needed or (True,) * 3)[1:]):
        return [factorizations.svdvals(a, parts[0]), *parts[1:]]
    values, u, vh = parts
    k = values.shape[-1]
    left, found, right = factorizations.svd(a, u[..., :k], values, vh[..., :k, :])
    return [found, _extended(op, left, u.shape, -1), _extended(op, right, vh.shape, -2)]


def _extended(op: Operation, x: Cells, shape: Sequence[int], axis: int) -> Cells:
    """The vectors of a full decomposition beyond the reduced one are nobody's function of the matrix."""
    missing = list(shape)
    missing[axis] -= x.shape[axis]
    if not missing[axis]:
        return x
    reason = "the vectors beyond those of the reduced decomposition are not determined by the matrix"
    rest = op.tape.poison(missing, x.format, op.name, reason, "Ask for full_matrices=False.")
    return _beside(op, axis, x, rest)


def _qr(op: Operation, a: Any) -> list[Any]:
    m, n = a.shape[-2:]
    if op.params.get("pivoting"):
        op.refuse("columns in an order that the matrix decides")
    q, r = (np.asarray(part) for part in op.by_framework(_at_input(op, a)))
    if m < n:
        columns, rows = factorizations.qr(a[..., :m], q, r[..., :m])
        return [columns, _beside(op, -1, rows, _conjugated(columns.mT) @ a[..., m:])]
    columns, rows = factorizations.qr(a, q[..., :n], r[..., :n, :])
    if r.shape[-2] == n:
        return [columns, rows]
    zeros = op.concrete(np.zeros((*r.shape[:-2], r.shape[-2] - n, n)), op.dtype)
    return [_extended(op, columns, q.shape, -1), _beside(op, -2, rows, zeros)]


def _beside(op: Operation, axis: int, *parts: Any) -> Any:
    return moved(lambda *arrays: np.concatenate(arrays, axis), op.tape, op.dtype, *parts)


def _tridiagonal_solve(op: Operation, below: Any, diagonal: Any, above: Any, b: Any) -> Any:
    below, diagonal, above, b = (op.lift(x) for x in (below, diagonal, above, b))
    n = diagonal.shape[-1]
    i = np.arange(n)

    def placed(below: np.ndarray, diagonal: np.ndarray, above: np.ndarray, zero: np.ndarray) -> np.ndarray:
        a = np.full((*diagonal.shape, n), zero)
        a[..., i, i] = diagonal
        a[..., i[1:], i[:-1]], a[..., i[:-1], i[1:]] = below[..., 1:], above[..., :-1]
        return a

    a = moved(placed, op.tape, op.dtype, below, diagonal, above, op.concrete(np.zeros(()), op.dtype))
    return factorizations.solve(a, b)


RULES: dict[str, Callable[..., Any]] = {
    "cholesky": _cholesky,
    "eig": _eig,
    "eigh": _eigh,
    "lu": _lu,
    "qr": _qr,
    "svd": _svd,
    "triangular_solve": _triangular_solve,
    "tridiagonal_solve": _tridiagonal_solve,
}
"""Rules for real and for complex cells alike."""


# A linear system that is given by a product with its matrix


def linear_solve(op: Operation, *values: Value) -> list[Value]:
    """x with matvec(x) = b, whatever algorithm `solve` is: that is what JAX differentiates, and `solve` itself works on
    numbers without a derivative. So does what it tells beside x."""
    counts = op.params["const_lengths"]
    constants, b = values[: counts.matvec], values[sum(counts) :]
    x = _solution(op, constants, b)
    if len(op.results) == len(x):
        return x
    told = op.by_framework(*(_plain(op, value) for value in values))
    return x + [op.concrete(value) for value in told[len(x) :]]


def _solution(op: Operation, constants: Sequence[Value], b: Sequence[Value]) -> list[Value]:
    """The matrix is found by multiplying it with unit vectors."""
    product = op.params["jaxprs"].matvec
    if len(b) != 1:
        return _solve_tree(op, product, constants, b)
    (b,) = b
    b, dtype = op.lift(b), op.dtype
    batch = _independent_axes(op, product, constants, b.shape)
    coupled = [a for a in range(b.ndim) if a not in batch]
    size = int(np.prod([b.shape[a] for a in coupled]))
    columns = []
    for unit in np.eye(size):
        x = np.zeros(b.shape)
        x[...] = unit.reshape([b.shape[a] if a in coupled else 1 for a in range(b.ndim)])
        (column,) = op.run(product, [*constants, op.concrete(x, dtype)])
        columns.append(moved(lambda n: _batch_first(n, batch, coupled), op.tape, dtype, op.lift(column)))
    matrices = moved(lambda *n: np.stack(n, axis=-1), op.tape, dtype, *columns)
    right = moved(lambda n: _batch_first(n, batch, coupled), op.tape, dtype, b)
    op.tape.source = op.name
    if op.params["jaxprs"].vecmat is product and isinstance(matrices, Cells):
        _declare_symmetric(matrices)
    x = _solved(op, matrices, right)
    return [moved(lambda n: _batch_back(n, b.shape, batch, coupled), op.tape, dtype, x)]


def _declare_symmetric(matrices: Cells) -> None:
    """What the code says of a matrix, where it is so."""
    if (matrices.value == np.swapaxes(matrices.value, -1, -2)).all():
        matrices.tape.declared.append(matrices.numbers)


def _batch_first(numbers: np.ndarray, batch: list[int], coupled: list[int]) -> np.ndarray:
    shape = [numbers.shape[a] for a in batch]
    return np.transpose(numbers, batch + coupled).reshape(*shape, -1)


def _batch_back(numbers: np.ndarray, shape: Sequence[int], batch: list[int], coupled: list[int]) -> np.ndarray:
    order = batch + coupled
    return np.transpose(numbers.reshape([shape[a] for a in order]), np.argsort(order))


def _independent_axes(op: Operation, product: Any, constants: Sequence[Value], shape: Sequence[int]) -> list[int]:
    """The axes along which each entry of x touches the product at its own place only, as where vmap made a batch. NaN
    spreads to whatever depends on it, zero coefficients or not."""
    scratch = Tape()
    held = [_held(scratch, x) for x in constants]
    found = []
    for axis, n in enumerate(shape):
        reached = []
        for i in range(n):
            x = np.zeros(shape)
            np.moveaxis(x, axis, 0)[i] = np.nan
            (y,) = op.run(product, [*held, concrete(scratch, x, op.dtype)], tape=scratch)
            lines = np.moveaxis(np.isnan(y.value), axis, 0)
            reached.append(not np.delete(lines, i, axis=0).any())
        if all(reached) and n > 0:
            found.append(axis)
    return found


def _held(tape: Tape, x: Value) -> Value:
    """The same numbers as constants of another tape."""
    if isinstance(x, ComplexCells):
        return ComplexCells(_held(tape, x.re), _held(tape, x.im))
    return tape.constant(x.value, x.format) if isinstance(x, Cells) else np.asarray(getattr(x, "value", x))


def _solved(op: Operation, a: Any, b: Any) -> Any:
    """Stacks of systems. Those that share their matrix, cell by cell, are one with many right sides."""
    lead = b.shape[:-1]
    flat = a.re.numbers if isinstance(a, ComplexCells) else a.numbers
    for axis in reversed(range(len(lead))):
        if lead[axis] > 1 and (flat == np.take(flat, [0], axis)).all():
            first = moved(lambda n: np.take(n, 0, axis), op.tape, op.dtype, a)  # noqa: B023
            sides = moved(lambda n: np.moveaxis(n, axis, -1), op.tape, op.dtype, b)  # noqa: B023
            if len(lead) == 1:
                return moved(lambda n: np.moveaxis(n, -1, 0), op.tape, op.dtype, factorizations.solve(first, sides))
    columns = moved(lambda n: n[..., None], op.tape, op.dtype, b)
    return moved(lambda n: n[..., 0], op.tape, op.dtype, factorizations.solve(a, columns))


def _solve_tree(op: Operation, product: Any, constants: Sequence[Value], b: Sequence[Value]) -> list[Value]:
    """A system whose unknown is a tree of arrays."""
    b = [op.lift(part, aval.dtype) for part, aval in zip(b, op.results, strict=False)]
    ends = np.cumsum([part.size for part in b])
    columns = []
    for unit in np.eye(ends[-1]):
        parts = [np.reshape(u, part.shape) for u, part in zip(np.split(unit, ends[:-1]), b, strict=True)]
        arguments = [op.concrete(u, aval.dtype) for u, aval in zip(parts, op.results, strict=False)]
        columns.append(_flat(op, op.run(product, [*constants, *arguments])))
    matrix = moved(lambda *n: np.stack(n, axis=-1), op.tape, op.dtype, *columns)
    op.tape.source = op.name
    x = factorizations.solve(matrix, _flat(op, b))
    starts = [0, *ends[:-1]]
    return [
        moved(lambda n: n[start:end].reshape(part.shape), op.tape, op.dtype, x)  # noqa: B023
        for start, end, part in zip(starts, ends, b, strict=True)
    ]


def _flat(op: Operation, values: Sequence[Value]) -> Any:
    return moved(lambda *n: np.concatenate([x.reshape(-1) for x in n]), op.tape, op.dtype, *values)
