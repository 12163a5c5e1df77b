"""Products of arrays, linear algebra and Fourier transforms of NumPy."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradproof.backends.numpy.trace.moving import together
from gradproof.backends.numpy.trace.recorded import Recorded, Recording
from gradproof.backends.numpy.trace.reductions import squared
from gradproof.oracles.tape import factorizations, lowering
from gradproof.oracles.tape.complex_cells import ComplexCells, lifted

Rule = Callable[..., Any]


# Products


def dot(recording: Recording, x: Any, y: Any, out: Any = None) -> Any:
    if out is not None:
        recording.refuse("np.dot", "out= is not known")
    x, y = together(recording, [x, y])
    if x.ndim == 0 or y.ndim == 0:
        return x * y
    return np.matmul(x, y) if y.ndim <= 2 else np.tensordot(x, y, ((-1,), (-2,)))


def tensordot(recording: Recording, x: Any, y: Any, axes: Any = 2) -> Any:
    x, y = together(recording, [x, y])
    return recording.of(lowering.tensordot(x.cells, y.cells, axes))


def vdot(recording: Recording, x: Any, y: Any) -> Any:
    return np.dot(np.conj(np.ravel(x)), np.ravel(y))


def inner(recording: Recording, x: Any, y: Any) -> Any:
    if np.ndim(x) == 0 or np.ndim(y) == 0:
        return np.multiply(x, y)
    return np.tensordot(x, y, ((-1,), (-1,)))


def outer(recording: Recording, x: Any, y: Any, out: Any = None) -> Any:
    return np.multiply(np.reshape(x, (-1, 1)), np.reshape(y, (1, -1)))


def einsum(recording: Recording, *operands: Any, optimize: Any = False, **options: Any) -> Any:
    if options or not isinstance(operands[0], str):
        recording.refuse("np.einsum", "it has a rule for an equation and its operands only")
    equation, *arrays = operands
    return recording.of(lowering.einsum(equation, *(x.cells for x in together(recording, arrays))))


def trace(
    recording: Recording,
    x: Recorded,
    offset: int = 0,
    axis1: int = 0,
    axis2: int = 1,
    dtype: Any = None,
    out: Any = None,
) -> Any:
    return np.sum(np.diagonal(x, offset, axis1, axis2), axis=-1, dtype=dtype, out=out)


def linalg_trace(recording: Recording, x: Recorded, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return np.trace(x, offset, -2, -1, dtype)


def kron(recording: Recording, x: Any, y: Any) -> Any:
    ndim = max(np.ndim(x), np.ndim(y))
    x, y = (np.reshape(a, (*(1,) * (ndim - np.ndim(a)), *np.shape(a))) for a in (x, y))
    spread = np.multiply(
        np.reshape(x, [n for size in x.shape for n in (size, 1)]),
        np.reshape(y, [n for size in y.shape for n in (1, size)]),
    )
    return np.reshape(spread, [a * b for a, b in zip(x.shape, y.shape, strict=True)])


def cross(recording: Recording, x: Any, y: Any, axis: int = -1, **options: Any) -> Any:
    axisa, axisb, axisc = (options.get(name, -1) for name in ("axisa", "axisb", "axisc"))
    if axis != -1:
        axisa = axisb = axisc = axis
    x, y = np.moveaxis(x, axisa, -1), np.moveaxis(y, axisb, -1)
    if x.shape[-1] != 3 or y.shape[-1] != 3:
        recording.refuse("np.cross", "it has a rule for vectors of three entries only")
    first = np.roll(x, -1, -1) * np.roll(y, -2, -1)
    return np.moveaxis(first - np.roll(x, -2, -1) * np.roll(y, -1, -1), -1, axisc)


def convolve(recording: Recording, x: Any, y: Any, mode: str = "full") -> Any:
    """np.convolve: each entry is a sum of products."""
    x, y = together(recording, [x, y])
    if x.size < y.size:
        x, y = y, x
    n, k = x.size, y.size
    low, high = {"full": (k - 1, k - 1), "valid": (0, 0), "same": (k // 2, (k - 1) // 2)}[mode]
    if mode == "same":
        low, high = k - 1 - (k - 1) // 2, (k - 1) // 2
    padded = np.pad(x, (low, high))
    rows = np.arange(n + low + high - k + 1)[:, None] + np.arange(k)
    return np.matmul(padded[rows], y[::-1])


def correlate(recording: Recording, x: Any, y: Any, mode: str = "valid") -> Any:
    if np.size(x) < np.size(y) and mode != "full":
        recording.refuse("np.correlate", "the first array is shorter than the second")
    return np.convolve(x, np.conj(y)[::-1], mode)


# Linear algebra


def _on_tape(operation: Callable) -> Rule:
    """An operation of one array that the tape has."""
    return lambda recording, x: recording.of(operation(x.cells))


def inv(recording: Recording, x: Recorded) -> Recorded:
    return recording.of(factorizations.inv(x.cells))


def slogdet(recording: Recording, x: Recorded) -> Any:
    sign, size = factorizations.slogdet(x.cells)
    return type(np.linalg.slogdet(np.eye(1)))(recording.of(sign), recording.of(size))


def solve(recording: Recording, a: Any, b: Any) -> Recorded:
    a, b = together(recording, [a, b])
    return recording.of(factorizations.solve(a.cells, b.cells))


def cholesky(recording: Recording, a: Recorded, /, *, upper: bool = False) -> Recorded:
    return recording.of(factorizations.cholesky(a.cells, upper=upper))


def matrix_power(recording: Recording, a: Recorded, n: int) -> Recorded:
    if a.dtype.kind == "c":
        recording.refuse("np.linalg.matrix_power", "there is no rule for complex numbers")
    return recording.of(factorizations.matrix_power(a.cells, n))


def matmul(recording: Recording, x: Any, y: Any, /) -> Any:
    return np.matmul(x, y)


def vecdot(recording: Recording, x: Any, y: Any, /, *, axis: int = -1) -> Any:
    return np.vecdot(x, y, axis=axis)


def multi_dot(recording: Recording, arrays: Sequence[Any], *, out: Any = None) -> Any:
    result = arrays[0]
    for array in arrays[1:]:
        result = np.dot(result, array)
    return result


def eigh(recording: Recording, a: Recorded, UPLO: str = "L") -> Any:  # noqa: N803 - NumPy's own name
    values, vectors = np.linalg.eigh(a.value, UPLO)
    kind, lower = type(np.linalg.eigh(np.eye(1))), _lower(a, UPLO)
    return kind(*map(recording.of, factorizations.eigh(lower.cells, values, vectors)))


def _lower(a: Recorded, triangle: str) -> Recorded:
    """A matrix with what stands in a triangle of this one below its diagonal."""
    return a if triangle == "L" else np.conj(np.swapaxes(a, -1, -2))


def eigvalsh(recording: Recording, a: Recorded, UPLO: str = "L") -> Any:  # noqa: N803
    return recording.of(factorizations.eigvalsh(_lower(a, UPLO).cells, np.linalg.eigvalsh(a.value, UPLO)))


def eig(recording: Recording, a: Recorded) -> Any:
    values, vectors = np.linalg.eig(a.value)
    found = factorizations.eig(a.cells, values, vectors)
    return type(np.linalg.eig(np.eye(1)))(*(recording.of(_as_given(z, values)) for z in found))


def eigvals(recording: Recording, a: Recorded) -> Any:
    values = np.linalg.eigvals(a.value)
    return recording.of(_as_given(factorizations.eigvals(a.cells, values), values))


def _as_given(z: ComplexCells, values: np.ndarray) -> Any:
    """Where all eigenvalues are real NumPy gives real arrays."""
    return z if np.iscomplexobj(values) else z.re


def svdvals(recording: Recording, a: Recorded) -> Any:
    return recording.of(factorizations.svdvals(a.cells, np.linalg.svd(a.value, compute_uv=False)))


def svd(
    recording: Recording, a: Recorded, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    if not compute_uv:
        return svdvals(recording, a)
    u, values, vh = np.linalg.svd(a.value, full_matrices)
    k = values.shape[-1]
    parts = factorizations.svd(a.cells, u[..., :k], values, vh[..., :k, :])
    left, found, right = map(recording.of, parts)
    why = "the singular vectors beyond the smaller dimension are no function of the matrix", "Use full_matrices=False."
    more = _poisoned(recording, (*left.shape[:-1], u.shape[-1] - k), a, why)
    below = _poisoned(recording, (*right.shape[:-2], vh.shape[-2] - k, right.shape[-1]), a, why)
    left = left if more is None else np.concatenate([left, more], -1)
    right = right if below is None else np.concatenate([right, below], -2)
    return type(np.linalg.svd(np.eye(1)))(left, found, right)


def _poisoned(recording: Recording, shape: tuple[int, ...], a: Recorded, why: tuple[str, str]) -> Recorded | None:
    if math.prod(shape) == 0:
        return None
    return recording.of(recording.tape.poison(shape, recording.format_of(a.dtype), "np.linalg.svd", *why))


def qr(recording: Recording, a: Recorded, mode: str = "reduced") -> Any:
    if mode != "reduced":
        recording.refuse("np.linalg.qr", f"mode={mode!r} has no rule")
    q, r = np.linalg.qr(a.value)
    return type(np.linalg.qr(np.eye(1)))(*map(recording.of, factorizations.qr(a.cells, q, r)))


def pinv(recording: Recording, a: Recorded, rcond: Any = None, hermitian: bool = False, **_: Any) -> Recorded:
    return recording.of(factorizations.pinv(a.cells, np.linalg.pinv(a.value)))


def _sizes(x: Recorded) -> Any:
    return np.abs(x)


def norm(recording: Recording, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """np.linalg.norm: of vectors along one axis, of matrices along two."""
    x = recording.gathered(x)
    axes = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    if ord is None or (ord == "fro" and len(axes) == 2) or (ord == 2 and len(axes) == 1):
        squares = squared(x) if x.dtype.kind == "c" else x * x
        return np.sqrt(np.sum(squares, axis=axes, keepdims=keepdims))
    if len(axes) == 1:
        return _vector_norm(recording, x, ord, axes[0], keepdims)
    return _matrix_norm(recording, x, ord, axes, keepdims)


def _vector_norm(recording: Recording, x: Recorded, ord: Any, axis: int, keepdims: bool) -> Any:
    size = np.abs(x)
    if ord in (np.inf, -np.inf):
        return (np.max if ord > 0 else np.min)(size, axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.asarray(recording.plain(x != 0), x.dtype), axis=axis, keepdims=keepdims)
    powers = size if ord == 1 else np.power(size, ord)
    total = np.sum(powers, axis=axis, keepdims=keepdims)
    return total if ord == 1 else np.power(total, np.reciprocal(np.asarray(ord, total.dtype)))


def _matrix_norm(recording: Recording, x: Recorded, ord: Any, axes: tuple[int, int], keepdims: bool) -> Any:
    moved = np.moveaxis(x, axes, (-2, -1))
    if ord in ("nuc", 2, -2):
        values = np.linalg.svd(moved, compute_uv=False)
        found = {"nuc": np.sum, 2: np.max, -2: np.min}[ord](values, axis=-1)
    elif ord in (1, -1, np.inf, -np.inf):
        lines = np.sum(np.abs(moved), axis=-2 if abs(ord) == 1 else -1)
        found = (np.max if ord > 0 else np.min)(lines, axis=-1)
    else:
        recording.refuse("np.linalg.norm", f"ord={ord!r} of a matrix has no rule")
    return np.expand_dims(found, [a % x.ndim for a in axes]) if keepdims else found


def vector_norm(recording: Recording, x: Recorded, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    axes = [a % x.ndim for a in (range(x.ndim) if axis is None else (axis,) if isinstance(axis, int) else axis)]
    kept = [a for a in range(x.ndim) if a not in axes]
    rows = np.reshape(np.transpose(x, kept + axes), (*(x.shape[a] for a in kept), -1))
    found = np.linalg.norm(rows, ord, -1)
    return np.expand_dims(found, axes) if keepdims else found


def matrix_norm(recording: Recording, x: Recorded, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return np.linalg.norm(x, ord, (-2, -1), keepdims)


def cond(recording: Recording, x: Recorded, p: Any = None) -> Any:
    if p not in (None, 2):
        return np.linalg.norm(x, p, (-2, -1)) * np.linalg.norm(np.linalg.inv(x), p, (-2, -1))
    values = np.linalg.svd(x, compute_uv=False)
    return values[..., 0] / values[..., -1]


# Fourier transforms


def _scale(recording: Recording, z: Any, x: Recorded, count: int, norm: str | None, sign: int) -> Any:
    """The sum of a transform of x times the factor that its `norm` asks for, which NumPy holds in the format of x."""
    divides = {None: sign > 0, "backward": sign > 0, "forward": sign < 0, "ortho": True}
    if not divides[norm]:
        return z
    tape, format = recording.tape, recording.format_of(x.dtype)
    n = tape.constant(float(count), format)
    return z * tape.map("div", 1.0, tape.map("sqrt", n) if norm == "ortho" else n, format=format)


def _along_one(sign: int) -> Rule:
    def rule(recording: Recording, x: Any, n: int | None = None, axis: int = -1, norm: str | None = None) -> Recorded:
        z = lowering.fourier(_numbers(recording, x), sign, axis % x.ndim, n)
        return recording.of(_scale(recording, z, x, z.shape[axis], norm, sign))

    return rule


def _numbers(recording: Recording, x: Recorded) -> Any:
    if x.dtype == np.float16:
        return recording.lift(x, np.float32)
    return x.cells


def _axes_of(x: Recorded, s: Any, axes: Any, default: Any = None) -> tuple[list[int], list[int | None]]:
    if axes is None:
        count = x.ndim if s is None else len(s)
        axes = default or range(x.ndim - count, x.ndim)
    axes = [a % x.ndim for a in axes]
    return axes, [x.shape[a] if n in (None, -1) else n for a, n in zip(axes, s or [None] * len(axes), strict=True)]


def _along_many(sign: int, default: Any = None) -> Rule:
    def rule(recording: Recording, x: Recorded, s: Any = None, axes: Any = None, norm: str | None = None) -> Recorded:
        axes, lengths = _axes_of(x, s, axes, default)
        z = lowering.fourier_of_many(_numbers(recording, x), sign, axes, lengths)
        return recording.of(_scale(recording, z, x, math.prod(lengths), norm, sign))

    return rule


def rfft(recording: Recording, x: Recorded, n: int | None = None, axis: int = -1, norm: str | None = None) -> Recorded:
    length = x.shape[axis] if n is None else n
    half = lowering.half_of_fourier(_numbers(recording, x), axis % x.ndim, length)
    return recording.of(_scale(recording, half, x, length, norm, -1))


def irfft(recording: Recording, x: Recorded, n: int | None = None, axis: int = -1, norm: str | None = None) -> Recorded:
    length = 2 * (x.shape[axis] - 1) if n is None else n
    z = lifted(recording.tape, x.cells)
    whole = lowering.fourier_from_half(z, axis % x.ndim, length)
    return recording.of(_scale(recording, whole, x, length, norm, 1))


def hfft(recording: Recording, x: Recorded, n: int | None = None, axis: int = -1, norm: str | None = None) -> Recorded:
    length = 2 * (x.shape[axis] - 1) if n is None else n
    whole = lowering.fourier_from_half(lifted(recording.tape, np.conj(x).cells), axis % x.ndim, length)
    return recording.of(_scale(recording, whole, x, length, norm, -1))


def ihfft(recording: Recording, x: Recorded, n: int | None = None, axis: int = -1, norm: str | None = None) -> Recorded:
    length = x.shape[axis] if n is None else n
    half = recording.of(lowering.half_of_fourier(_numbers(recording, x), axis % x.ndim, length))
    return recording.of(_scale(recording, np.conj(half).cells, x, length, norm, 1))


def _real_along_many(default: Any = None) -> Rule:
    def rule(recording: Recording, x: Recorded, s: Any = None, axes: Any = None, norm: str | None = None) -> Recorded:
        axes, lengths = _axes_of(x, s, axes, default)
        half = lowering.half_of_fourier(_numbers(recording, x), axes[-1], lengths[-1])
        z = lowering.fourier_of_many(half, -1, axes[:-1], lengths[:-1])
        return recording.of(_scale(recording, z, x, math.prod(lengths), norm, -1))

    return rule


def _real_from_many(default: Any = None) -> Rule:
    def rule(recording: Recording, x: Recorded, s: Any = None, axes: Any = None, norm: str | None = None) -> Recorded:
        given = s
        axes, lengths = _axes_of(x, s, axes, default)
        if given is None:
            lengths[-1] = 2 * (x.shape[axes[-1]] - 1)
        z = lowering.fourier_of_many(lifted(recording.tape, x.cells), 1, axes[:-1], lengths[:-1])
        whole = lowering.fourier_from_half(z, axes[-1], lengths[-1])
        return recording.of(_scale(recording, whole, x, math.prod(lengths), norm, 1))

    return rule


FUNCTIONS: dict[Callable, Rule] = {
    **{np.dot: dot, np.tensordot: tensordot, np.vdot: vdot, np.inner: inner, np.outer: outer, np.einsum: einsum},
    **{np.trace: trace, np.kron: kron, np.cross: cross, np.convolve: convolve, np.correlate: correlate},
    **{np.linalg.inv: inv, np.linalg.det: _on_tape(factorizations.det), np.linalg.slogdet: slogdet},
    **{np.linalg.solve: solve, np.linalg.cholesky: cholesky, np.linalg.matrix_power: matrix_power},
    **{np.linalg.multi_dot: multi_dot, np.linalg.eigh: eigh, np.linalg.eigvalsh: eigvalsh, np.linalg.svd: svd},
    **{np.linalg.eig: eig, np.linalg.eigvals: eigvals},
    **{np.linalg.svdvals: svdvals, np.linalg.qr: qr, np.linalg.pinv: pinv, np.linalg.norm: norm},
    **{np.linalg.vector_norm: vector_norm, np.linalg.matrix_norm: matrix_norm, np.linalg.cond: cond},
    **{np.linalg.trace: linalg_trace, np.linalg.cross: cross, np.linalg.outer: outer},
    **{np.linalg.tensordot: tensordot, np.linalg.matmul: matmul, np.linalg.vecdot: vecdot},
    **{np.fft.fft: _along_one(-1), np.fft.ifft: _along_one(1), np.fft.fftn: _along_many(-1)},
    **{np.fft.ifftn: _along_many(1), np.fft.fft2: _along_many(-1, (-2, -1)), np.fft.ifft2: _along_many(1, (-2, -1))},
    **{np.fft.rfft: rfft, np.fft.irfft: irfft, np.fft.hfft: hfft, np.fft.ihfft: ihfft},
    **{np.fft.rfftn: _real_along_many(), np.fft.rfft2: _real_along_many((-2, -1))},
    **{np.fft.irfftn: _real_from_many(), np.fft.irfft2: _real_from_many((-2, -1))},
}
"""The rules by function of NumPy."""
