"""Fourier transforms of real arrays, of which half a spectrum of n // 2 + 1 entries is kept because the others are
their conjugates, and transforms back. The transform of real numbers keeps yₖ = s Σⱼ xⱼ e^(-2πi jk/n): backwards the
entries that were dropped get nothing, and the real part is taken. The transform to real numbers is, with the conjugates
put in, xⱼ = s Σₖ cₖ Re(zₖ e^(2πi jk/n)), where cₖ = 2 for every entry that stands for its conjugate too, and 1 for the
first one and, of an even n, the middle one, which stand for themselves. Contraction, norms and lengths are as in
fourier.py."""

from gradproof import Complex, Reals, function, weights
from gradproof.registry.spectra import OTHER, fitted, stated

ROWS = [[1.5, -0.25, 3.0, -1.0], [0.5, 2.0, -3.0, 1.25], [-2.0, 0.75, 1.0, -0.5]]
HARD = [[1.0] * 4, [1.0, -1.0, 1.0, -1.0], [0.0, 2.0, 0.0, 0.0]]  # one frequency: zero, the highest; an impulse
# The imaginary parts of the first and the middle entry are taken to be zero, whatever they are.
HALVES = [[1.5 - 0.5j, -0.25 + 2j, 3 + 1.25j, -1 - 0.75j], [0.5, 2j, -3.0, 1 + 1j], [0.25, 0.75, 1 - 1j, 3j]]
HARD_HALVES = [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0], [1j, 0.0, 2j, 1j]]


def multiplicity(xp, y, n, axis):
    """cₖ along one axis of y, which holds half a spectrum of n entries; as complex numbers, to be multiplied with"""
    c = xp.asarray([1.0 if k == 0 or 2 * k == n else 2.0 for k in range(n // 2 + 1)])
    shape = [1] * y.ndim
    shape[axis] = n // 2 + 1
    return xp.astype(xp.reshape(c, tuple(shape)), y.dtype)


@function(x=Reals((3, 4), low=-64.0, high=64.0), points=[dict(x=ROWS), dict(x=HARD), dict(x=[[0.0] * 4] * 3)])
def half_spectrum(xp, x, *, n=None, axis=-1, norm=None):
    """f(x) = Σ w (a + ½ a²) + Σ w′ (b + ½ b²), a = Re y, b = Im y, yₖ = Σⱼ xⱼ e^(-2πi jk/n), k ≤ n/2

    x: 3x4, real."""
    y = xp.fft.rfft(x, axis=axis, **stated(n=n, norm=norm))
    a, b = xp.real(y), xp.imag(y)
    w = weights(xp, y.shape)
    return xp.sum(w * (a + a * a / 2)) + xp.sum(xp.flip(w) * (b + b * b / 2))


@half_spectrum.gradient
def _(xp, x, *, n=None, axis=-1, norm=None):
    n = x.shape[axis] if n is None else n
    y = xp.fft.rfft(x, axis=axis, **stated(n=n, norm=norm))  # node 1: x to n entries, node 2: F, node 3: half of it
    d_a = weights(xp, y.shape) * (1 + xp.real(y))  # node 4 input
    d_b = xp.flip(weights(xp, y.shape)) * (1 + xp.imag(y))  # node 4 input
    halves = [fitted(xp, part, n, axis) for part in (d_a, d_b)]  # node 3 input: nothing for the half that was dropped
    back = [xp.fft.ifft(part, axis=axis, norm=OTHER[norm]) for part in halves]
    d_p = xp.real(back[0]) - xp.imag(back[1])  # node 2 input: Re Fᴴ (d_a + i d_b)
    return (fitted(xp, d_p, x.shape[axis], axis),)  # node 1 input


half_spectrum.variant("stated_norm", norm="backward")
half_spectrum.variant("odd_axis", axis=0)
half_spectrum.variant("shorter", n=2, norm="ortho")
half_spectrum.variant("shorter_odd", n=3)
half_spectrum.variant("longer", n=5, norm="forward")
half_spectrum.variant("longer_even", n=6, axis=-2)
half_spectrum.variant("one_entry", n=1)


@function(z=Complex((3, 4), low=-64.0, high=64.0), points=[dict(z=HALVES), dict(z=HARD_HALVES)])
def from_half_spectrum(xp, z, *, n=None, axis=-1, norm=None):
    """f(z) = Σ v x + ½ Σ w x², xⱼ = 1/n Σₖ cₖ Re(zₖ e^(2πi jk/n))

    z: 3x4, complex, half a spectrum; x: n real numbers along the axis, 2 (4 - 1) unless told otherwise."""
    x = xp.fft.irfft(z, axis=axis, **stated(n=n, norm=norm))
    w = weights(xp, x.shape)
    return xp.sum(xp.flip(w) * x) + xp.sum(w * x * x) / 2


@from_half_spectrum.gradient
def _(xp, z, *, n=None, axis=-1, norm=None):
    n = 2 * (z.shape[axis] - 1) if n is None else n
    x = xp.fft.irfft(
        z, axis=axis, **stated(n=n, norm=norm)
    )  # node 1: z to n // 2 + 1 entries, node 2: xⱼ = s Σₖ cₖ Re(…)
    w = weights(xp, x.shape)
    d_x = xp.flip(w) + w * x  # node 3 input
    # Re(zₖ e^iφ) has for zₖ the gradient e^-iφ: what is to be summed over j is the transform forwards.
    d_p = xp.fft.rfft(d_x, axis=axis, norm=OTHER[norm])
    d_p = multiplicity(xp, d_p, n, axis) * d_p  # node 2 input
    return (fitted(xp, d_p, z.shape[axis], axis),)  # node 1 input


from_half_spectrum.variant("stated_norm", norm="backward")
from_half_spectrum.variant("odd", n=7)
from_half_spectrum.variant("shorter", n=3, norm="ortho")
from_half_spectrum.variant("shorter_even", n=4, norm="forward")
from_half_spectrum.variant("longer", n=9, norm="forward")
from_half_spectrum.variant("longer_even_first_axis", n=8, axis=0)


@function(x=Reals((3, 4), low=-64.0, high=64.0), points=[dict(x=ROWS), dict(x=HARD)])
def half_spectrum_over_axes(xp, x, *, s=None, axes=(0, 1), norm=None):
    """f(x) = Σ w (a + ½ a²) + Σ w′ (b + ½ b²), a = Re y, b = Im y

    x: 3x4, real; y: its transform along some axes, half of it along the last of them; s gives the lengths."""
    y = xp.fft.rfftn(x, **stated(s=s, axes=axes, norm=norm))
    a, b = xp.real(y), xp.imag(y)
    w = weights(xp, y.shape)
    return xp.sum(w * (a + a * a / 2)) + xp.sum(xp.flip(w) * (b + b * b / 2))


@half_spectrum_over_axes.gradient
def _(xp, x, *, s=None, axes=(0, 1), norm=None):
    lengths = [x.shape[axis] for axis in axes] if s is None else s
    # Node 1: to s entries, node 2: F for each axis, node 3: half of it.
    y = xp.fft.rfftn(x, **stated(s=s, axes=axes, norm=norm))
    d_a = weights(xp, y.shape) * (1 + xp.real(y))  # node 4 input
    d_b = xp.flip(weights(xp, y.shape)) * (1 + xp.imag(y))  # node 4 input
    back = [
        fitted(xp, part, lengths[-1], axes[-1]) for part in (d_a, d_b)
    ]  # node 3 input: nothing for what was dropped
    for axis in axes:
        back = [xp.fft.ifft(part, axis=axis, norm=OTHER[norm]) for part in back]  # node 2 input, of one axis
        back = [fitted(xp, part, x.shape[axis], axis) for part in back]  # node 1 input, of one axis
    return (xp.real(back[0]) - xp.imag(back[1]),)  # x is real: Re (… d_a + i … d_b)


half_spectrum_over_axes.variant("swapped", axes=(1, 0), norm="ortho")
half_spectrum_over_axes.variant("lengths", s=(2, 5), norm="forward")
half_spectrum_over_axes.variant("one_axis", s=(4,), axes=(-2,))


@function(z=Complex((3, 4), low=-64.0, high=64.0), points=[dict(z=HALVES), dict(z=HARD_HALVES)])
def from_half_spectrum_over_axes(xp, z, *, s=(3, 6), axes=(0, 1), norm=None):
    """f(z) = Σ v x + ½ Σ w x², x the inverse transform of z along some axes, of half a spectrum along the last of them

    z: 3x4, complex; s gives the lengths of x."""
    x = xp.fft.irfftn(z, **stated(s=s, axes=axes, norm=norm))
    w = weights(xp, x.shape)
    return xp.sum(xp.flip(w) * x) + xp.sum(w * x * x) / 2


@from_half_spectrum_over_axes.gradient
def _(xp, z, *, s=(3, 6), axes=(0, 1), norm=None):
    x = xp.fft.irfftn(z, **stated(s=s, axes=axes, norm=norm))  # node 1: the other axes, node 2: the last of them
    w = weights(xp, x.shape)
    d_x = xp.flip(w) + w * x  # node 3 input
    d_z = xp.fft.rfft(d_x, axis=axes[-1], norm=OTHER[norm])
    d_z = multiplicity(xp, d_z, s[-1], axes[-1]) * d_z  # node 2 input
    d_z = fitted(xp, d_z, z.shape[axes[-1]], axes[-1])
    for axis in axes[:-1]:
        d_z = xp.fft.fft(d_z, axis=axis, norm=OTHER[norm])  # node 1 input, of one axis
        d_z = fitted(xp, d_z, z.shape[axis], axis)
    return (d_z,)


from_half_spectrum_over_axes.variant("odd", s=(3, 7), norm="ortho")
from_half_spectrum_over_axes.variant("swapped", s=(5, 4), axes=(1, 0), norm="forward")


@function(z=Complex((3, 4), low=-64.0, high=64.0), points=[dict(z=HALVES), dict(z=HARD_HALVES)])
def hermitian_transform(xp, z, *, n=None, axis=-1, norm=None):
    """f(z) = Σ v x + ½ Σ w x², xⱼ = Σₖ cₖ Re(zₖ e^(-2πi jk/n))

    z: 3x4, complex, the first half of n numbers of which the others are conjugates; its transform x is real."""
    x = xp.fft.hfft(z, axis=axis, **stated(n=n, norm=norm))
    w = weights(xp, x.shape)
    return xp.sum(xp.flip(w) * x) + xp.sum(w * x * x) / 2


@hermitian_transform.gradient
def _(xp, z, *, n=None, axis=-1, norm=None):
    n = 2 * (z.shape[axis] - 1) if n is None else n
    x = xp.fft.hfft(
        z, axis=axis, **stated(n=n, norm=norm)
    )  # node 1: z to n // 2 + 1 entries, node 2: xⱼ = s Σₖ cₖ Re(…)
    w = weights(xp, x.shape)
    d_x = xp.flip(w) + w * x  # node 3 input
    d_p = xp.fft.ihfft(d_x, axis=axis, norm=OTHER[norm])  # as above, with the other sign in the exponent
    d_p = multiplicity(xp, d_p, n, axis) * d_p  # node 2 input
    return (fitted(xp, d_p, z.shape[axis], axis),)  # node 1 input


hermitian_transform.variant("odd", n=7, norm="ortho")
hermitian_transform.variant("shorter", n=3, norm="forward")
hermitian_transform.variant("longer_first_axis", n=6, axis=0)


@function(x=Reals((3, 4), low=-64.0, high=64.0), points=[dict(x=ROWS), dict(x=HARD)])
def inverse_hermitian_transform(xp, x, *, n=None, axis=-1, norm=None):
    """f(x) = Σ w (a + ½ a²) + Σ w′ (b + ½ b²), a = Re y, b = Im y, yₖ = 1/n Σⱼ xⱼ e^(2πi jk/n), k ≤ n/2

    x: 3x4, real."""
    y = xp.fft.ihfft(x, axis=axis, **stated(n=n, norm=norm))
    a, b = xp.real(y), xp.imag(y)
    w = weights(xp, y.shape)
    return xp.sum(w * (a + a * a / 2)) + xp.sum(xp.flip(w) * (b + b * b / 2))


@inverse_hermitian_transform.gradient
def _(xp, x, *, n=None, axis=-1, norm=None):
    n = x.shape[axis] if n is None else n
    # Node 1: x to n entries, node 2: the transform, node 3: half of it.
    y = xp.fft.ihfft(x, axis=axis, **stated(n=n, norm=norm))
    d_a = weights(xp, y.shape) * (1 + xp.real(y))  # node 4 input
    d_b = xp.flip(weights(xp, y.shape)) * (1 + xp.imag(y))  # node 4 input
    halves = [fitted(xp, part, n, axis) for part in (d_a, d_b)]  # node 3 input: nothing for the half that was dropped
    back = [xp.fft.fft(part, axis=axis, norm=OTHER[norm]) for part in halves]
    d_p = xp.real(back[0]) - xp.imag(back[1])  # node 2 input: Re Fᴴ (d_a + i d_b)
    return (fitted(xp, d_p, x.shape[axis], axis),)  # node 1 input


inverse_hermitian_transform.variant("odd_axis", axis=0, norm="ortho")
inverse_hermitian_transform.variant("shorter", n=3)
inverse_hermitian_transform.variant("longer", n=5, norm="forward")
