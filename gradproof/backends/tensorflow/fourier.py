"""Fourier transforms of the backend `tensorflow`: its native transforms are along the last axis, of complex arrays, and
unscaled but for 1/n in the inverse. Here the names and parameters of the standard are put around them."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

COMPLEX = {tf.float32: tf.complex64, tf.float64: tf.complex128}


def _along(axis: int, x: tf.Tensor, transform: Callable) -> tf.Tensor:
    """`transform` of the last axis, done to another one."""
    order = list(range(x.ndim))
    order[axis], order[-1] = order[-1], order[axis]
    return tf.transpose(transform(tf.transpose(x, order)), order)


def _fit(x: tf.Tensor, n: int) -> tf.Tensor:
    """x cut, or filled up with zeros, to n entries along the last axis."""
    missing = n - x.shape[-1]
    return x[..., :n] if missing <= 0 else tf.pad(x, [[0, 0]] * (x.ndim - 1) + [[0, missing]])


def _complex(x: tf.Tensor) -> tf.Tensor:
    return x if x.dtype.is_complex else tf.cast(x, COMPLEX[x.dtype])


def _scaled(y: tf.Tensor, n: int, norm: str, inverse: bool) -> tf.Tensor:
    power = {"backward": 0.0, "ortho": 0.5, "forward": 1.0}[norm]
    factor = n ** (power if inverse else -power)
    return y if factor == 1 else y * tf.constant(factor, y.dtype)


def _one(transform: Callable, inverse: bool) -> Callable:
    def transformed(x: tf.Tensor, n: int | None = None, axis: int = -1, norm: str = "backward") -> tf.Tensor:
        length = x.shape[axis] if n is None else n
        y = _along(axis, _complex(x), lambda z: transform(_fit(z, length)))
        return _scaled(y, length, norm, inverse)

    return transformed


fft, ifft = _one(tf.signal.fft, False), _one(tf.signal.ifft, True)


def rfft(x: tf.Tensor, n: int | None = None, axis: int = -1, norm: str = "backward") -> tf.Tensor:
    """The first half of the transform of a real array."""
    length = x.shape[axis] if n is None else n
    return _scaled(_along(axis, x, lambda z: tf.signal.rfft(z, [length])), length, norm, False)


def irfft(x: tf.Tensor, n: int | None = None, axis: int = -1, norm: str = "backward") -> tf.Tensor:
    """The inverse of `rfft`, a real array of n entries; an even number of them unless n is given."""
    length = 2 * (x.shape[axis] - 1) if n is None else n
    return _scaled(_along(axis, _complex(x), lambda z: tf.signal.irfft(z, [length])), length, norm, True)


def _axes(x: tf.Tensor, s: Any, axes: Any) -> list[tuple[int | None, int]]:
    if axes is None:
        axes = range(x.ndim) if s is None else range(x.ndim - len(s), x.ndim)
    axes = list(axes)
    return list(zip([None] * len(axes) if s is None else s, axes, strict=True))


def _over_all(one: Callable) -> Callable:
    def transformed(x: tf.Tensor, s: Any = None, axes: Any = None, norm: str = "backward") -> tf.Tensor:
        for n, axis in _axes(x, s, axes):
            x = one(x, n, axis, norm)
        return x

    return transformed


def rfftn(x: tf.Tensor, s: Any = None, axes: Any = None, norm: str = "backward") -> tf.Tensor:
    """The transform of a real array over several axes, half of it along the last of them."""
    *others, (n, last) = _axes(x, s, axes)
    x = rfft(x, n, last, norm)
    for m, axis in others:
        x = fft(x, m, axis, norm)
    return x


def irfftn(x: tf.Tensor, s: Any = None, axes: Any = None, norm: str = "backward") -> tf.Tensor:
    """The inverse of `rfftn`."""
    *others, (n, last) = _axes(x, s, axes)
    for m, axis in others:
        x = ifft(x, m, axis, norm)
    return irfft(x, n, last, norm)


FFT = {
    **{"fft": fft, "ifft": ifft, "rfft": rfft, "irfft": irfft, "rfftn": rfftn, "irfftn": irfftn},
    **{"fftn": _over_all(fft), "ifftn": _over_all(ifft)},
    "fftshift": lambda x, axes=None: tf.signal.fftshift(x, axes),
    "ifftshift": lambda x, axes=None: tf.signal.ifftshift(x, axes),
}
