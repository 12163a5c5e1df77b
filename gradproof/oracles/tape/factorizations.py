"""Linear algebra on a tape, of matrices and of stacks of them.

Solving, inverting, determinants, Cholesky and LU factors are the textbook algorithms of `balls.linalg`, run once on the
tape's cells. Spectral decompositions are not taken apart: they are calls of `balls.spectral`, and what a framework may
choose (the sign of an eigenvector) is taken from its own result at the traced input."""

import operator
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from flint import acb

from gradproof.oracles.balls import complex_linalg, linalg, nonsymmetric, spectral
from gradproof.oracles.balls.arrays import Balls, objects
from gradproof.oracles.balls.complex_numbers import ComplexBalls
from gradproof.oracles.tape import complex_cells
from gradproof.oracles.tape.complex_cells import ComplexCells
from gradproof.oracles.tape.program import Cells, Tape, Untraceable


class Recorder:
    """A tape in the place of a ball arithmetic: what `balls.linalg` asks of the numbers that it runs on."""

    model = None  # the recorder is nobody's machine

    def __init__(self, tape: Tape, format: str) -> None:
        self.tape, self.format = tape, format

    def asarray(self, x: Any, dtype: Any = None) -> Any:
        """Anything as cells."""
        if isinstance(x, ComplexCells):
            return x
        return complex_cells.lifted(self.tape, x, self.format) if np.iscomplexobj(x) else self.tape.lift(x, self.format)

    def center(self, entries: np.ndarray) -> np.ndarray:
        """What pivots are chosen by."""
        return entries

    def zeros(self, shape: Any) -> Cells:
        """Zeros."""
        return self.tape.constant(np.zeros(shape), self.format)

    def eye(self, n: int) -> Cells:
        """The identity matrix."""
        return self.tape.constant(np.eye(n), self.format)

    def elementwise(self, name: str, x: Any) -> Any:
        """A function of every entry."""
        return complex_cells.FUNCTIONS[name](x) if isinstance(x, ComplexCells) else self.tape.map(name, x)

    def abs(self, x: Any) -> Cells:
        """The sizes."""
        return complex_cells.absolute(x) if isinstance(x, ComplexCells) else self.tape.abs(x)

    def sign(self, x: Any) -> Any:
        """x / |x|"""
        return x / complex_cells.absolute(x) if isinstance(x, ComplexCells) else self.tape.sign(x)

    def conj(self, x: Any) -> Any:
        """The conjugate."""
        return complex_cells.conj(x) if isinstance(x, ComplexCells) else x

    def real(self, x: Any) -> Cells:
        """The real part."""
        return x.re if isinstance(x, ComplexCells) else x

    def sum(self, x: Any, axis: Any = None) -> Any:
        """The sum along axes."""
        return complex_cells.total(x, axis) if isinstance(x, ComplexCells) else self.tape.sum(x, axis)

    def prod(self, x: Any) -> Any:
        """The product of all entries."""
        if not isinstance(x, ComplexCells):
            return self.tape.prod(x)
        product = x[0]
        for factor in x[1:]:
            product = product * factor
        return product

    def matmul(self, x: Any, y: Any) -> Any:
        """The product of matrices."""
        return x @ y

    def matrix_transpose(self, x: Any) -> Any:
        """The transposes."""
        return x.mT

    def broadcast_to(self, x: Any, shape: Any) -> Any:
        """The entries repeated to a shape."""
        return _moved(x, np.broadcast_to, tuple(shape))

    def stack(self, arrays: Any, axis: int = 0) -> Any:
        """Arrays joined along a new axis."""
        arrays = list(arrays)
        if any(isinstance(x, ComplexCells) for x in arrays):
            return complex_cells.stack(self.tape, arrays, axis)
        return self.tape.stack(arrays, axis)


def _moved(x: Any, move: Callable, *arguments: Any) -> Any:
    return x.moved(move, *arguments) if isinstance(x, ComplexCells) else x.like(move(x.numbers, *arguments))


def _recorded(algorithm: Callable, a: Any, *others: Any, **options: Any) -> Any:
    return algorithm(Recorder(a.tape, a.format), a, *others, **options)


solve = partial(_recorded, linalg.solve)
"""`solve(a, b)`: x with a x = b, stacks stretched to each other; b is a vector when it has one dimension."""

inv = partial(_recorded, linalg.inv)
"""`inv(a)`"""

det = partial(_recorded, linalg.det)
"""`det(a)`"""

slogdet = partial(_recorded, linalg.slogdet)
"""`slogdet(a)`: the sign of the determinant, and the logarithm of its size."""


def mirrored(a: Any, whole: bool = False) -> Any:
    """The symmetric or Hermitian matrices of which the lower triangle is read; `whole` where a framework forgets on the
    way back that it was."""
    if isinstance(a, ComplexCells):
        return ComplexCells(a.tape.mirror(a.re, 1.0, whole), a.tape.mirror(a.im, -1.0, whole))
    return a.tape.mirror(a, 1.0, whole)


def cholesky(a: Any, upper: bool = False) -> Any:
    """L with L Lᴴ = a, from the lower triangle of a; Lᴴ with `upper`."""
    return _recorded(linalg.cholesky, mirrored(a), upper=upper)


matrix_power = partial(_recorded, linalg.matrix_power)
"""`matrix_power(a, n)`"""


def _over_stack(operation: Callable, *arrays: Any) -> Any:
    """An operation on matrices, on each of a stack; its results, one or a tuple, are joined again."""
    lead = arrays[0].shape[: arrays[0].ndim - 2]
    if not lead:
        return operation(*arrays)
    results = []
    for index in np.ndindex(*lead):
        results.append(operation(*(x[index] for x in arrays)))
    tape = arrays[0].tape
    if isinstance(results[0], tuple):
        return tuple(_rejoined(tape, parts, lead) for parts in zip(*results, strict=True))
    return _rejoined(tape, results, lead)


def _rejoined(tape: Tape, parts: Any, lead: tuple[int, ...]) -> Any:
    if isinstance(parts[0], np.ndarray):
        return np.stack(parts).reshape(*lead, *parts[0].shape)
    join = complex_cells.stack if isinstance(parts[0], ComplexCells) else Tape.stack
    return _moved(join(tape, parts), np.reshape, (*lead, *parts[0].shape))


def solve_triangular(a: Any, b: Any, *, lower: bool, unit_diagonal: bool = False) -> Any:
    """x with a x = b for a triangular matrix, of which the other triangle is not read; b is (…, n, k). For xᵀ or aᵀ
    transpose before and after."""
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = (_moved(x, np.broadcast_to, (*lead, *x.shape[-2:])) for x in (a, b))
    return _over_stack(lambda p, q: _substituted(p, q, lower, unit_diagonal), a, b)


def _substituted(a: Any, b: Any, lower: bool, unit_diagonal: bool) -> Any:
    n = a.shape[-1]
    on = Recorder(a.tape, a.format)
    rows: dict[int, Any] = {}
    for i in range(n) if lower else reversed(range(n)):
        rest = b[i]
        if rows:
            known = list(rows)
            rest = rest - on.matmul(a[i][np.array(known)], on.stack([rows[j] for j in known]))
        rows[i] = rest if unit_diagonal else rest / a[i, i]
    return on.stack([rows[i] for i in range(n)])


def lu(a: Any) -> tuple[Any, np.ndarray, np.ndarray]:
    """The packed factors of P a = L U by partial pivoting, (…, m, n); LAPACK's pivots, from 0, (…, min(m, n)); and the
    rows of a in their new order, (…, m). The pivots are those at the traced input."""
    return _over_stack(_lu_matrix, a)


def _lu_matrix(a: Any) -> tuple[Any, np.ndarray, np.ndarray]:
    on = Recorder(a.tape, a.format)
    rows, order, pivots = list(a), list(range(len(a))), []
    for k in range(min(a.shape)):
        pivot = k + int(np.argmax([_pivot_size(row[k].value) for row in rows[k:]]))
        pivots.append(pivot)
        rows[k], rows[pivot], order[k], order[pivot] = rows[pivot], rows[k], order[pivot], order[k]
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            rest = rows[i][k + 1 :] - factor * rows[k][k + 1 :]
            parts = [rows[i][:k], _moved(factor, np.reshape, (1,)), rest]
            complex_parts = any(isinstance(part, ComplexCells) for part in parts)
            rows[i] = complex_cells.concat(a.tape, parts) if complex_parts else a.tape.concat(parts)
    return _there_and_back(on.stack(rows)), np.array(pivots, np.int64), np.array(order, np.int64)


def _there_and_back(packed: Any) -> Any:
    """The same packed factors, with the derivative taken through a product with them and a division by them. Published
    rules for it (F. R. de Hoog, R. S. Anderssen and M. A. Lukas, Differentiation of matrix functionals using triangular
    factorization, Mathematics of Computation 80, 2011) multiply by the factors, take a triangle, and divide by the
    factors again; what is lost by that on the way has a place in the bound."""
    k, tape = min(packed.shape), packed.tape
    held = _of_parts(tape.freeze, packed)
    diagonal = np.diagonal(held.value)
    if not k or not (np.isfinite(held.value).all() and diagonal.all()):
        return packed  # a singular factor, which no such rule can divide by
    below = np.tri(*packed.shape, -1, dtype=bool)
    u, held_u = (_masked(x[:k], ~below[:k]).mT for x in (packed, held))
    one = tape.constant(np.eye(len(packed), k), packed.format)
    low, held_low = (_masked(x[:, :k], below[:, :k]) + one for x in (packed, held))
    back = (
        _filled(_through(low, held_low, unit=True), packed.shape),
        _filled(_through(u, held_u, unit=False).mT, packed.shape),
    )
    return _of_parts(tape.graft, packed, _of_parts(lambda p, q: tape.choose(below, p, q), *back))


def _through(x: Any, held: Any, unit: bool) -> Any:
    """x = [x₁; x₂], (m, k), as held₁ held₁⁻¹ x₁ below which stands x₂, less and plus a product with held₂."""
    k = x.shape[-1]
    inner = _substituted(held[:k], x[:k], lower=True, unit_diagonal=unit)
    product = held @ inner
    if x.shape[0] == k:
        return product
    rest = x[k:] - product[k:]
    joined = complex_cells.concat if isinstance(x, ComplexCells) else Tape.concat
    return joined(x.tape, [product[:k], product[k:] + rest])


def _of_parts(operation: Callable, *arrays: Any) -> Any:
    """An operation of real cells on both parts of complex ones."""
    if not any(isinstance(x, ComplexCells) for x in arrays):
        return operation(*arrays)
    pairs = [complex_cells.lifted(x.tape, x) for x in arrays]
    return ComplexCells(operation(*(z.re for z in pairs)), operation(*(z.im for z in pairs)))


def _masked(x: Any, mask: np.ndarray) -> Any:
    return _of_parts(lambda p: p.tape.choose(mask, p, p.tape.constant(0.0, p.format)), x)


def _filled(x: Any, shape: tuple[int, ...]) -> Any:
    """With zeros to the right and below, up to a shape."""
    zero = int(x.tape.constant(0.0).numbers)
    widths = [(0, n - own) for n, own in zip(shape, x.shape, strict=True)]
    return _moved(x, lambda numbers: np.pad(numbers, widths, constant_values=zero))


def _pivot_size(value: Any) -> float:
    # LAPACK measures a complex number by |re| + |im|.
    return float(np.abs(value.real) + np.abs(value.imag))


def reflected(a: Any, taus: Any, x: Any, adjoint: bool = False) -> Any:
    """Q x for Q = H₁ H₂ … with Hᵢ = I - τᵢ vᵢ vᵢᴴ, as LAPACK stores it: vᵢ is 0 above its place, 1 there, and below
    the i-th column of a, (…, m, n); Qᴴ x with `adjoint`. x is (…, m, k)."""
    return _over_stack(lambda p, q, r: _reflected(p, q[0], r, adjoint), a, _moved(taus, np.expand_dims, -2), x)


def _reflected(a: Any, taus: Any, x: Any, adjoint: bool) -> Any:
    on = Recorder(a.tape, a.format)
    one = on.eye(1)[0]
    join = complex_cells.concat if isinstance(a, ComplexCells) else Tape.concat
    for i in range(len(taus)) if adjoint else reversed(range(len(taus))):
        v = join(a.tape, [one, a[i + 1 :, i]])
        tau = on.conj(taus[i]) if adjoint else taus[i]
        rest = x[i:]
        along = _moved(on.conj(v), np.reshape, (1, -1)) @ rest
        rest = rest - _moved(v, np.reshape, (-1, 1)) @ along * tau
        x = join(a.tape, [x[:i], rest])
    return x


# Spectral decompositions


def _real(a: Any, name: str) -> Cells:
    if isinstance(a, ComplexCells):
        cure = "Give the function in xp, as truth=…, where complex matrices are known."
        raise Untraceable(name, "it is not traced for complex numbers", a.tape.where, cure)
    return a


def _signs_of(vectors: np.ndarray, ours: Any) -> np.ndarray:
    """1 or -1 for each column of ours, which gives it the sign that it has in `vectors`: by the entry that is largest
    there, wherever the input has moved to meanwhile."""
    picked = np.argmax(np.abs(vectors), axis=0), np.arange(vectors.shape[1])
    middles = [ball.mid() for ball in ours.on.center(ours.entries[picked])]
    return np.array([1.0 if (m > 0) == (v > 0) else -1.0 for m, v in zip(middles, vectors[picked], strict=True)])


def _phases_of(vectors: np.ndarray, ours: ComplexBalls) -> np.ndarray:
    """A complex number of modulus 1 for each column of ours, which gives its largest entry in `vectors` the phase that
    it has there, wherever the input has moved to meanwhile."""
    picked = np.argmax(np.abs(vectors), axis=0), np.arange(vectors.shape[1])
    centers = (ours.on.center(part.entries[picked]) for part in (ours.re, ours.im))
    found = [acb(re.mid(), im.mid()) for re, im in zip(*centers, strict=True)]
    wanted = [acb(v.real, v.imag) for v in vectors[picked]]
    return np.array([w / abs(w) * (z / abs(z)).conjugate() for w, z in zip(wanted, found, strict=True)], dtype=object)


def _rotated(x: ComplexBalls, phases: np.ndarray) -> tuple[Balls, Balls]:
    """The parts of x times complex numbers of modulus 1, which are exact: no rounding belongs to them."""
    p, q = (np.frompyfunc(operator.attrgetter(part), 1, 1)(phases) for part in ("real", "imag"))
    re, im = x.re.entries, x.im.entries
    return Balls(objects(re * p - im * q), x.on), Balls(objects(re * q + im * p), x.on)


def _turning(parts: Sequence[np.ndarray], adjoints: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """How the result changes when the phases of complex vectors along an axis turn: their parts, and the adjoints."""
    (re, im), (of_re, of_im) = parts, adjoints
    return np.sum(re * of_im - im * of_re, axis=axis)


def _spectrum(name: str, a: Any, values: np.ndarray) -> Cells:
    """Eigenvalues or singular values, of stacks and of complex matrices too: these are real functions of the parts."""

    def one(a: Any, values: np.ndarray) -> Cells:
        if isinstance(a, ComplexCells):
            run = complex_linalg.OPERATIONS[name]
            parts = a.tape.stack([a.re, a.im])
            return a.tape.call(name, lambda on, x: (run(on, ComplexBalls(x[0], x[1])),), parts, [values])[0]
        run = spectral.OPERATIONS[name]
        return a.tape.call(name, lambda on, x: (run(on, x),), a, [values])[0]

    return _over_stack(one, a, np.asarray(values, float))


def eigvalsh(a: Any, values: np.ndarray) -> Cells:
    """The eigenvalues, ascending, of symmetric or Hermitian matrices of which the lower triangle is read. `values` are
    the framework's at the traced input."""
    return _spectrum("eigvalsh", mirrored(a), values)


def eigh(a: Any, values: np.ndarray, vectors: np.ndarray) -> tuple[Cells, Any]:
    """The eigenvalues, ascending, and the eigenvectors, in columns with the signs, or phases, that they have in
    `vectors`. What depends on those phases is refused."""
    one = _eigh_matrix if isinstance(a, Cells) else _complex_eigh_matrix
    return _over_stack(one, mirrored(a), np.asarray(values, float), np.asarray(vectors))


def _eigh_matrix(a: Cells, values: np.ndarray, vectors: np.ndarray) -> tuple[Cells, Cells]:
    def run(on: Any, x: Any) -> tuple:
        found, columns = spectral.eigh(on, x)
        return found, _turned(columns, _signs_of(vectors, columns))

    found, columns = a.tape.call("eigh", run, a, [values, vectors])
    return found, columns


def _complex_eigh_matrix(a: ComplexCells, values: np.ndarray, vectors: np.ndarray) -> tuple[Cells, ComplexCells]:
    def run(on: Any, x: Any) -> tuple:
        found, columns = complex_linalg.OPERATIONS["eigh"](on, ComplexBalls(x[0], x[1]))
        return (found, *_rotated(columns, _phases_of(vectors, columns)))

    def turning(parts: Sequence[np.ndarray], adjoints: Sequence[np.ndarray]) -> np.ndarray:
        return _turning(parts[1:], adjoints[1:], axis=0)

    shapes = [values, vectors.real, vectors.imag]
    found, re, im = a.tape.call("eigh", run, a.tape.stack([a.re, a.im]), shapes, turning=turning)
    return found, ComplexCells(re, im)


def eigvals(a: Any, values: np.ndarray) -> ComplexCells:
    """The eigenvalues of matrices that need not be symmetric, in the order of `values`, the framework's at the traced
    input. Where they are not simple they have no derivatives."""
    return _over_stack(_eigvals_matrix, a, np.asarray(values, complex))


def _eigvals_matrix(a: Any, values: np.ndarray) -> ComplexCells:
    def run(on: Any, x: Any) -> tuple:
        return nonsymmetric.balls_of(on, _nonsymmetric(on, x, values).eigenvalues())

    return ComplexCells(*a.tape.call("eigvals", run, _with_parts(a), [values.real, values.imag]))


def eig(a: Any, values: np.ndarray, vectors: np.ndarray) -> tuple[ComplexCells, ComplexCells]:
    """The same with unit eigenvectors in columns, in the phases that they have in `vectors`. What depends on those
    phases is refused."""
    return _over_stack(_eig_matrix, a, np.asarray(values, complex), np.asarray(vectors, complex))


def _eig_matrix(a: Any, values: np.ndarray, vectors: np.ndarray) -> tuple[ComplexCells, ComplexCells]:
    picked = np.argmax(np.abs(vectors), axis=0)

    def run(on: Any, x: Any) -> tuple:
        found = _nonsymmetric(on, x, values)
        pairs = []
        for i, row in enumerate(picked):
            wanted = acb(vectors[row, i].real, vectors[row, i].imag)
            pairs.append(found.eigenvector(i, lambda unit: _phase(unit[row]).conjugate() * _phase(wanted)))  # noqa: B023
        columns = [nonsymmetric.balls_of(on, pair) for pair in pairs]
        parts = (on.stack([column[k] for column in columns], axis=-1) for k in range(2))
        return (*nonsymmetric.balls_of(on, found.eigenvalues()), *parts)

    def turning(parts: Sequence[np.ndarray], adjoints: Sequence[np.ndarray]) -> np.ndarray:
        return _turning(parts[2:], adjoints[2:], axis=0)

    shapes = [values.real, values.imag, vectors.real, vectors.imag]
    parts = a.tape.call("eig", run, _with_parts(a), shapes, turning=turning)
    return ComplexCells(*parts[:2]), ComplexCells(*parts[2:])


def sqrtm(a: Any, values: np.ndarray) -> Any:
    """The principal square roots of matrices whose eigenvalues are simple. `values` are the framework's at the traced
    input."""
    return _over_stack(_sqrtm_matrix, a, np.asarray(values))


def _sqrtm_matrix(a: Any, values: np.ndarray) -> Any:
    # Its residual is relative to the square of the root's norm (Higham, Functions of Matrices, section 6.2).
    eigenvalues, size = np.linalg.eigvals(a.value), float(np.linalg.norm(values) ** 2)

    def run(on: Any, x: Any) -> tuple:
        parts = nonsymmetric.balls_of(on, _nonsymmetric(on, x, eigenvalues, size).square_root())
        return tuple(on.reshape(part, a.shape) for part in parts)

    root = ComplexCells(*a.tape.call("sqrtm", run, _with_parts(a), [values.real, values.imag]))
    return root if isinstance(a, ComplexCells) else root.re


def _phase(z: acb) -> acb:
    middle = acb(z.real.mid(), z.imag.mid())
    return middle / abs(middle)


def _with_parts(a: Any) -> Cells:
    z = complex_cells.lifted(a.tape, a)
    return a.tape.stack([z.re, z.im])


def _nonsymmetric(on: Any, x: Any, values: np.ndarray, size: float | None = None) -> nonsymmetric.Decomposition:
    found = nonsymmetric.Decomposition(on, ComplexBalls(x[0], x[1]), values, size)
    if not found.is_known and on.model is None:
        raise Untraceable("eig", "eigenvalues that may be one are no functions with a derivative")
    return found


def _turned(x: Any, signs: np.ndarray) -> Any:
    # A sign is exact: no rounding belongs to it.
    return type(x)(np.where(signs > 0, x.entries, -x.entries), x.on)


def svdvals(a: Any, values: np.ndarray) -> Cells:
    """The singular values, descending. `values` are the framework's at the traced input."""
    return _spectrum("svdvals", a, values)


def svd(a: Any, u: np.ndarray, values: np.ndarray, vh: np.ndarray) -> tuple[Any, Cells, Any]:
    """The reduced decomposition a = u diag(s) vh, with the signs, or phases, that the framework chose. What depends on
    those phases is refused. Of a full one the vectors beyond it are nobody's function: poison them."""
    one = _svd_matrix if isinstance(a, Cells) else _complex_svd_matrix
    return _over_stack(one, a, np.asarray(u), np.asarray(values, float), np.asarray(vh))


def _complex_svd_matrix(
    a: ComplexCells, u: np.ndarray, values: np.ndarray, vh: np.ndarray
) -> tuple[ComplexCells, Cells, ComplexCells]:
    def run(on: Any, x: Any) -> tuple:
        left, found, right = complex_linalg.OPERATIONS["svd"](on, ComplexBalls(x[0], x[1]), full_matrices=False)
        phases = _phases_of(vh.conj().T, ComplexBalls(right.re.mT, -right.im.mT))
        back = np.frompyfunc(acb.conjugate, 1, 1)(phases)[:, None]
        return (*_rotated(left, phases), found, *_rotated(right, back))

    def turning(parts: Sequence[np.ndarray], adjoints: Sequence[np.ndarray]) -> np.ndarray:
        return _turning(parts[:2], adjoints[:2], axis=0) - _turning(parts[3:], adjoints[3:], axis=1)

    shapes = [u.real, u.imag, values, vh.real, vh.imag]
    parts = a.tape.call("svd", run, a.tape.stack([a.re, a.im]), shapes, turning=turning)
    return ComplexCells(*parts[:2]), parts[2], ComplexCells(*parts[3:])


def _svd_matrix(a: Cells, u: np.ndarray, values: np.ndarray, vh: np.ndarray) -> tuple[Cells, Cells, Cells]:
    def run(on: Any, x: Any) -> tuple:
        left, found, right = spectral.svd(on, x, full_matrices=False)
        signs = _signs_of(vh.T, right.T)
        return _turned(left, signs), found, _turned(right, signs[:, None])

    left, found, right = a.tape.call("svd", run, a, [u, values, vh])
    return left, found, right


def qr(a: Any, q: np.ndarray, r: np.ndarray) -> tuple[Any, Any]:
    """The reduced factors a = q r, with the signs that the framework chose: `q` and `r` at the traced input."""
    return _over_stack(_qr_matrix if isinstance(a, Cells) else _complex_qr_matrix, a, np.asarray(q), np.asarray(r))


def _qr_matrix(a: Cells, q: np.ndarray, r: np.ndarray) -> tuple[Cells, Cells]:
    signs = np.where(np.diag(r) < 0, -1.0, 1.0)

    def run(on: Any, x: Any) -> tuple:
        columns, rows = spectral.qr(on, x)
        return _turned(columns, signs), _turned(rows, signs[:, None])

    columns, rows = a.tape.call("qr", run, a, [q, r])
    return columns, rows


def _complex_qr_matrix(a: ComplexCells, q: np.ndarray, r: np.ndarray) -> tuple[ComplexCells, ComplexCells]:
    # Every framework calls LAPACK here or does as it does: the diagonal of r is real.
    signs = np.where(np.diag(r).real < 0, -1.0, 1.0)

    def run(on: Any, x: Any) -> tuple:
        columns, rows = complex_linalg.OPERATIONS["qr"](on, ComplexBalls(x[0], x[1]))
        turned = [_turned(part, signs) for part in (columns.re, columns.im)]
        return (*turned, *(_turned(part, signs[:, None]) for part in (rows.re, rows.im)))

    parts = a.tape.call("qr", run, a.tape.stack([a.re, a.im]), [q.real, q.imag, r.real, r.imag])
    return ComplexCells(*parts[:2]), ComplexCells(*parts[2:])


def pinv(a: Cells, values: np.ndarray) -> Cells:
    """The pseudoinverse of matrices of full rank. `values` are the framework's at the traced input."""

    def one(a: Cells, values: np.ndarray) -> Cells:
        return a.tape.call("pinv", lambda on, x: (spectral.pinv(on, x),), a, [values])[0]

    return _over_stack(one, _real(a, "pinv"), np.asarray(values, float))
