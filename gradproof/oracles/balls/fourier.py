"""Discrete Fourier transforms of balls, as the sums that define them, with exact roots of unity.

Rounding is that of a fast transform, not of these sums: ‖ŷ - y‖ ≤ log₂(n) η ‖y‖ in the Euclidean norm, with
η = μ + γ₄ (√2 + μ), μ the error of the roots of unity (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed.,
theorem 24.2). With μ = u that is 7u, and ‖y‖ = √n ‖x‖; each part of each y is off by no more than all of them. The
theorem is of powers of two; for other lengths backends split into factors, or into longer transforms of a power of two,
and log₂(n) is rounded up."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from flint import acb, arb, arb_series, fmpq

from gradproof.oracles.balls.arrays import Balls, objects
from gradproof.oracles.balls.complex_numbers import ComplexBalls, lifted
from gradproof.oracles.balls.real import RealArithmetic

LONG = 64
"""Longer transforms are not summed term by term."""

ETA = 7
"""η / u of the theorem."""


def _fit(x: Any, n: int, axis: int) -> Any:
    """x cut, or filled up with zeros, to n entries along an axis."""
    before = (slice(None),) * (axis % x.ndim)
    x = x[(*before, slice(0, n))]
    missing = n - x.shape[axis]
    if missing == 0:
        return x
    shape = tuple(missing if a == axis % x.ndim else size for a, size in enumerate(x.shape))
    return _joined(x.on, [x, x.on.zeros(shape)], axis)


def _joined(on: RealArithmetic, parts: list[Any], axis: int) -> ComplexBalls:
    parts = [lifted(on, part) for part in parts]
    return ComplexBalls(*(on.concat([getattr(z, name) for z in parts], axis=axis) for name in ("re", "im")))


def sums(z: ComplexBalls, sign: int) -> ComplexBalls:
    """yₖ = Σⱼ zⱼ e^(sign 2πi jk/n) along the last axis."""
    on, re, im = z.on, z.re.entries, z.im.entries
    error = _error(on, re[..., None, :], im[..., None, :])
    parts = _one_by_one(re, im, sign) if z.shape[-1] <= LONG else _fast(re, im, sign)
    return ComplexBalls(*(on.multiply(Balls(objects(part) + error, on), 1.0) for part in parts))


def _one_by_one(re: np.ndarray, im: np.ndarray, sign: int) -> tuple[np.ndarray, np.ndarray]:
    """The sums by their definition, in which what is 0 stays it."""
    n = re.shape[-1]
    angles = np.array([[fmpq(2 * (j * k % n), n) for j in range(n)] for k in range(n)], dtype=object)
    cosine, sine = (np.frompyfunc(f, 1, 1)(angles) for f in (arb.cos_pi_fmpq, arb.sin_pi_fmpq))
    re, im = re[..., None, :], im[..., None, :]
    parts = (re * cosine - sign * (im * sine), im * cosine + sign * (re * sine))
    real, imaginary = (np.sum(part, axis=-1, initial=arb(0)) for part in parts)
    return real, imaginary


def _fast(re: np.ndarray, im: np.ndarray, sign: int) -> tuple[np.ndarray, np.ndarray]:
    """The same by Arb's own fast transform; of series each term by itself."""
    if any(isinstance(entry, arb_series) for part in (re, im) for entry in part.flat):
        terms = (_fast(*(_term(part, order) for part in (re, im)), sign) for order in (0, 1))
        joined = np.frompyfunc(lambda value, slope: arb_series([value, slope]), 2, 1)
        real, imaginary = (joined(value, slope) for value, slope in zip(*terms, strict=True))
        return real, imaginary
    n = re.shape[-1]
    real, imaginary = (np.empty((re.size // n, n), dtype=object) for _ in range(2))
    for row, (xs, ys) in enumerate(zip(re.reshape(-1, n), im.reshape(-1, n), strict=True)):
        # The inverse transform is divided by n.
        found = acb.dft([acb(x, y) for x, y in zip(xs, ys, strict=True)], inverse=sign > 0)
        real[row] = [z.real * n if sign > 0 else z.real for z in found]
        imaginary[row] = [z.imag * n if sign > 0 else z.imag for z in found]
    return real.reshape(re.shape), imaginary.reshape(re.shape)


def _term(entries: np.ndarray, order: int) -> np.ndarray:
    """The constant terms of series of balls, or their slopes; a ball has the slope 0."""
    own = np.frompyfunc(lambda v: v[order] if isinstance(v, arb_series) else (arb(0) if order else v), 1, 1)
    return objects(own(entries))


def _error(on: RealArithmetic, re: np.ndarray, im: np.ndarray) -> Any:
    """What rounding may do to each part of each sum; of series, to the first-order terms by themselves."""
    if on.model is None:
        return arb(0)
    n = re.shape[-1]
    size = _largest_sum(on.center(re), on.center(im), n)
    on.overflowed |= bool((size.astype(float) > on.model.format.largest).any())
    relative = ETA * max(1, math.ceil(math.log2(n))) * on.model.format.unit_roundoff
    error = np.frompyfunc(lambda v: arb(0, (relative * v).upper()), 1, 1)
    if not any(isinstance(v, arb_series) for part in (re, im) for v in part.flat):
        return error(size)
    slope = np.frompyfunc(lambda v: v[1] if isinstance(v, arb_series) else arb(0), 1, 1)
    pair = np.frompyfunc(lambda p, q: arb_series([p, q]), 2, 1)
    return pair(error(size), error(_largest_sum(slope(re), slope(im), n)))


def _largest_sum(re: np.ndarray, im: np.ndarray, n: int) -> np.ndarray:
    """√n ‖x‖, no less than any sum of x's entries."""
    square = np.frompyfunc(lambda p, q: p.abs_upper() ** 2 + q.abs_upper() ** 2, 2, 1)
    return np.sqrt(objects(np.sum(square(re, im), axis=-1, initial=arb(0))) * n)


def _scaled(z: ComplexBalls, n: int, norm: str, sign: int) -> ComplexBalls:
    """Divided by n, by √n or not at all: "backward" scales the inverse transform, "forward" the other."""
    if norm == "ortho":
        root = z.on.elementwise("sqrt", z.on.asarray(float(n)))
        return ComplexBalls(z.re / root, z.im / root)
    return z / n if (norm == "backward") == (sign > 0) else z


def _transform(sign: int, on: RealArithmetic, x: Any, *, n: int | None = None, axis: int = -1, norm: str = "backward"):
    z = lifted(on, x)
    z = _fit(z, z.shape[axis] if n is None else n, axis)
    length = z.shape[axis]
    moved = ComplexBalls(*(on.moveaxis(part, axis, -1) for part in (z.re, z.im)))
    y = _scaled(sums(moved, sign), length, norm, sign)
    return ComplexBalls(*(on.moveaxis(part, -1, axis) for part in (y.re, y.im)))


fft, ifft = partial(_transform, -1), partial(_transform, 1)


def _half(sign: int, on: RealArithmetic, x: Any, *, n: int | None = None, axis: int = -1, norm: str = "backward"):
    """The first n // 2 + 1 entries of the transform of a real array: the others are their conjugates."""
    n = x.shape[axis] if n is None else n
    return _fit(_transform(sign, on, x, n=n, axis=axis, norm=norm), n // 2 + 1, axis)


def _from_half(sign: int, on: RealArithmetic, x: Any, *, n: int | None = None, axis: int = -1, norm: str = "backward"):
    """The transform, which is real, of an array of n entries given by its first n // 2 + 1: the others are their
    conjugates, and what must be real for that is taken to be."""
    z = lifted(on, x)
    n = 2 * (z.shape[axis] - 1) if n is None else n
    z = _fit(z, n // 2 + 1, axis)
    before = (slice(None),) * (axis % z.ndim)
    rest = z[(*before, slice(1, (n + 1) // 2))]
    mirrored = ComplexBalls(on.flip(rest.re, axis=axis), -on.flip(rest.im, axis=axis))
    return _transform(sign, on, _joined(on, [z, mirrored], axis), axis=axis, norm=norm).re


rfft, irfft = partial(_half, -1), partial(_from_half, 1)
ihfft, hfft = partial(_half, 1), partial(_from_half, -1)


def _axes(x: Any, s: Any, axes: Any) -> list[tuple[int | None, int]]:
    """The length, or None, and the axis of each transform."""
    if axes is None:
        axes = range(x.ndim) if s is None else range(x.ndim - len(s), x.ndim)
    axes = list(axes)
    return list(zip([None] * len(axes) if s is None else s, axes, strict=True))


def _over_all(one: Callable, on: RealArithmetic, x: Any, *, s: Any = None, axes: Any = None, norm: str = "backward"):
    for n, axis in _axes(x, s, axes):
        x = one(on, x, n=n, axis=axis, norm=norm)
    return x


def rfftn(on: RealArithmetic, x: Any, *, s: Any = None, axes: Any = None, norm: str = "backward") -> ComplexBalls:
    """The transform of a real array over several axes, half of it along the last of them."""
    *others, (n, last) = _axes(x, s, axes)
    x = rfft(on, x, n=n, axis=last, norm=norm)
    for n, axis in others:
        x = fft(on, x, n=n, axis=axis, norm=norm)
    return x


def irfftn(on: RealArithmetic, x: Any, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Balls:
    """The inverse of `rfftn`."""
    *others, (n, last) = _axes(x, s, axes)
    for m, axis in others:
        x = ifft(on, x, n=m, axis=axis, norm=norm)
    return irfft(on, x, n=n, axis=last, norm=norm)


def _shifted(direction: int, on: RealArithmetic, x: Any, *, axes: Any = None) -> Any:
    axes = tuple(range(x.ndim)) if axes is None else (axes,) if isinstance(axes, int) else tuple(axes)
    # Half of an odd length is rounded up on the way back.
    shift = tuple(x.shape[a] // 2 if direction > 0 else -(x.shape[a] // 2) for a in axes)
    if isinstance(x, ComplexBalls):
        return ComplexBalls(on.roll(x.re, shift, axis=axes), on.roll(x.im, shift, axis=axes))
    return on.roll(x, shift, axis=axes)


def fftfreq(on: RealArithmetic, n: int, *, d: float = 1.0) -> Balls:
    """0, 1, …, -2, -1 over n d: the frequencies of a transform's entries."""
    return on.asarray(np.fft.fftfreq(n) * n) / (n * d)


def rfftfreq(on: RealArithmetic, n: int, *, d: float = 1.0) -> Balls:
    """0, 1, …, n // 2 over n d."""
    return on.asarray(np.arange(n // 2 + 1.0)) / (n * d)


OPERATIONS: dict[str, Callable] = {
    **{"fft": fft, "ifft": ifft, "rfft": rfft, "irfft": irfft, "hfft": hfft, "ihfft": ihfft},
    **{"fftn": partial(_over_all, fft), "ifftn": partial(_over_all, ifft), "rfftn": rfftn, "irfftn": irfftn},
    **{"fftshift": partial(_shifted, 1), "ifftshift": partial(_shifted, -1), "fftfreq": fftfreq, "rfftfreq": rfftfreq},
}
"""Operations `(on, x)` of `xp.fft`."""
