"""Discrete Fourier transforms. Each is linear, y = F x, so its adjoint is the conjugate transpose of F: (Fᴴ)ⱼₖ is the
conjugate of Fₖⱼ = s e^(-2πi jk/n), which is the transform in the other direction, with the same scale s. So what is
scaled by 1/n ("backward" in the inverse, "forward" in the other) comes back by the norm of the other name. A length n
other than the axis's cuts x or fills it up with zeros; its adjoint fills up what was cut and cuts what was filled.
A complex argument's transform is contracted by f = Re Σ v̄ y + ½ Σ w |y|², with complex weights v and real ones w, so
that d_y = v + w y; a real argument's with real weights for both parts of y.
Briggs and Henson, The DFT: An Owner's Manual (SIAM, 1995); conventions as in the array API standard. fftfreq and
rfftfreq take no array: constants."""

from gradproof import Complex, Reals, complex_weights, function, weights
from gradproof.registry.spectra import OTHER, fitted, stated

ROWS = [[1.5 - 0.5j, -0.25 + 2j, 3 + 1.25j, -1 - 0.75j], [0.5, 2j, -3.0, 1 + 1j], [-2 + 0.25j, 0.75, 1 - 1j, -0.5 + 3j]]
HARD = [[1.0] * 4, [1.0, -1.0, 1.0, -1.0], [0.0, 2j, 0.0, 0.0]]  # one frequency: zero, the highest; an impulse
REAL_ROWS = [[1.5, -0.25, 3.0, -1.0], [0.5, 2.0, -3.0, 1.25], [-2.0, 0.75, 1.0, -0.5]]
REAL_HARD = [[1.0] * 4, [1.0, -1.0, 1.0, -1.0], [0.0, 2.0, 0.0, 0.0]]


@function(z=Complex((3, 4), low=-64.0, high=64.0), points=[dict(z=ROWS), dict(z=HARD), dict(z=[[0.0] * 4] * 3)])
def fourier_transform(xp, z, *, n=None, axis=-1, norm=None):
    """f(z) = Re Σ v̄ y + ½ Σ w |y|², yₖ = Σⱼ zⱼ e^(-2πi jk/n)

    z: 3x4, complex; along one axis, n entries of it."""
    y = xp.fft.fft(z, axis=axis, **stated(n=n, norm=norm))
    squares = xp.real(y * xp.conj(y))
    v, w = complex_weights(xp, y.shape), weights(xp, y.shape)
    return xp.sum(xp.real(xp.conj(v) * y)) + xp.sum(w * squares) / 2


@fourier_transform.gradient
def _(xp, z, *, n=None, axis=-1, norm=None):
    y = xp.fft.fft(z, axis=axis, **stated(n=n, norm=norm))  # node 1: z to n entries, node 2: y = F z
    d_y = complex_weights(xp, y.shape) + xp.astype(weights(xp, y.shape), y.dtype) * y  # node 3 input
    d_p = xp.fft.ifft(d_y, axis=axis, norm=OTHER[norm])  # node 2 input: Fᴴ d_y
    return (fitted(xp, d_p, z.shape[axis], axis),)  # node 1 input


fourier_transform.variant("first_axis", axis=0)
fourier_transform.variant("shorter", n=3)
fourier_transform.variant("longer", n=7, norm="ortho")
fourier_transform.variant("longer_first_axis", n=4, axis=-2, norm="forward")
fourier_transform.variant("one_entry", n=1)
fourier_transform.variant("stated_norm", norm="backward")
fourier_transform.variant("stacked", z=Complex((2, 3, 1), low=-64.0, high=64.0), axis=1)
fourier_transform.variant("prime_length", z=Complex((7,), low=-64.0, high=64.0), norm="forward")


@function(z=Complex((3, 4), low=-64.0, high=64.0), points=[dict(z=ROWS), dict(z=HARD), dict(z=[[0.0] * 4] * 3)])
def inverse_fourier_transform(xp, z, *, n=None, axis=-1, norm=None):
    """f(z) = Re Σ v̄ y + ½ Σ w |y|², yₖ = 1/n Σⱼ zⱼ e^(2πi jk/n)

    z: 3x4, complex."""
    y = xp.fft.ifft(z, axis=axis, **stated(n=n, norm=norm))
    squares = xp.real(y * xp.conj(y))
    v, w = complex_weights(xp, y.shape), weights(xp, y.shape)
    return xp.sum(xp.real(xp.conj(v) * y)) + xp.sum(w * squares) / 2


@inverse_fourier_transform.gradient
def _(xp, z, *, n=None, axis=-1, norm=None):
    y = xp.fft.ifft(z, axis=axis, **stated(n=n, norm=norm))  # node 1: z to n entries, node 2: the transform
    d_y = complex_weights(xp, y.shape) + xp.astype(weights(xp, y.shape), y.dtype) * y  # node 3 input
    d_p = xp.fft.fft(d_y, axis=axis, norm=OTHER[norm])  # node 2 input: the conjugate transpose has e^(-2πi jk/n)
    return (fitted(xp, d_p, z.shape[axis], axis),)  # node 1 input


inverse_fourier_transform.variant("first_axis", axis=0, norm="forward")
inverse_fourier_transform.variant("stated_norm", norm="backward")
inverse_fourier_transform.variant("shorter", n=3, norm="ortho")
inverse_fourier_transform.variant("longer", n=5)
inverse_fourier_transform.variant("longer_first_axis", n=5, axis=-2, norm="forward")


@function(x=Reals((3, 4), low=-64.0, high=64.0), points=[dict(x=REAL_ROWS), dict(x=REAL_HARD)])
def fourier_transform_of_real_numbers(xp, x, *, n=None, axis=-1, norm=None):
    """f(x) = Σ w (a + ½ a²) + Σ w′ (b + ½ b²), a = Re y, b = Im y, yₖ = Σⱼ xⱼ e^(-2πi jk/n)

    x: 3x4, real, but transformed by the transform of complex numbers; a real argument has a real gradient."""
    y = xp.fft.fft(x, axis=axis, **stated(n=n, norm=norm))
    a, b = xp.real(y), xp.imag(y)
    w = weights(xp, y.shape)
    return xp.sum(w * (a + a * a / 2)) + xp.sum(xp.flip(w) * (b + b * b / 2))


@fourier_transform_of_real_numbers.gradient
def _(xp, x, *, n=None, axis=-1, norm=None):
    # Node 1: x as complex numbers, node 2: to n entries, node 3: F.
    y = xp.fft.fft(x, axis=axis, **stated(n=n, norm=norm))
    d_a = weights(xp, y.shape) * (1 + xp.real(y))  # node 4 input
    d_b = xp.flip(weights(xp, y.shape)) * (1 + xp.imag(y))  # node 4 input
    # Node 3 and 1 input: Re Fᴴ (d_a + i d_b), the real part because the imaginary one was not x's to choose.
    back = [xp.fft.ifft(part, axis=axis, norm=OTHER[norm]) for part in (d_a, d_b)]
    d_p = xp.real(back[0]) - xp.imag(back[1])
    return (fitted(xp, d_p, x.shape[axis], axis),)  # node 2 input


fourier_transform_of_real_numbers.variant("first_axis", axis=0)
fourier_transform_of_real_numbers.variant("longer", n=5, norm="ortho")


@function(z=Complex((3, 4), low=-64.0, high=64.0), points=[dict(z=ROWS), dict(z=HARD)])
def fourier_transform_over_axes(xp, z, *, s=None, axes=None, norm=None):
    """f(z) = Re Σ v̄ y + ½ Σ w |y|², y the transform of z along each of some axes

    z: 3x4, complex; s gives the lengths."""
    y = xp.fft.fftn(z, **stated(s=s, axes=axes, norm=norm))
    squares = xp.real(y * xp.conj(y))
    v, w = complex_weights(xp, y.shape), weights(xp, y.shape)
    return xp.sum(xp.real(xp.conj(v) * y)) + xp.sum(w * squares) / 2


@fourier_transform_over_axes.gradient
def _(xp, z, *, s=None, axes=None, norm=None):
    y = xp.fft.fftn(z, **stated(s=s, axes=axes, norm=norm))  # node 1: z to s entries, node 2: a transform for each axis
    d_z = complex_weights(xp, y.shape) + xp.astype(weights(xp, y.shape), y.dtype) * y  # node 3 input
    for axis in range(z.ndim) if axes is None else axes:
        d_z = xp.fft.ifft(d_z, axis=axis, norm=OTHER[norm])  # node 2 input, of one axis
        d_z = fitted(xp, d_z, z.shape[axis], axis)  # node 1 input, of one axis
    return (d_z,)


fourier_transform_over_axes.variant("last_axis", axes=(-1,))
fourier_transform_over_axes.variant("lengths", s=(4, 3), axes=(0, 1), norm="ortho")
fourier_transform_over_axes.variant("swapped", s=(5, 2), axes=(-1, 0), norm="forward")
fourier_transform_over_axes.variant("stacked", z=Complex((2, 3, 1), low=-64.0, high=64.0), axes=(0, 2))


@function(z=Complex((3, 4), low=-64.0, high=64.0), points=[dict(z=ROWS), dict(z=HARD)])
def inverse_fourier_transform_over_axes(xp, z, *, s=None, axes=None, norm=None):
    """f(z) = Re Σ v̄ y + ½ Σ w |y|², y the inverse transform of z along each of some axes

    z: 3x4, complex; s gives the lengths."""
    y = xp.fft.ifftn(z, **stated(s=s, axes=axes, norm=norm))
    squares = xp.real(y * xp.conj(y))
    v, w = complex_weights(xp, y.shape), weights(xp, y.shape)
    return xp.sum(xp.real(xp.conj(v) * y)) + xp.sum(w * squares) / 2


@inverse_fourier_transform_over_axes.gradient
def _(xp, z, *, s=None, axes=None, norm=None):
    y = xp.fft.ifftn(
        z, **stated(s=s, axes=axes, norm=norm)
    )  # node 1: z to s entries, node 2: a transform for each axis
    d_z = complex_weights(xp, y.shape) + xp.astype(weights(xp, y.shape), y.dtype) * y  # node 3 input
    for axis in range(z.ndim) if axes is None else axes:
        d_z = xp.fft.fft(d_z, axis=axis, norm=OTHER[norm])  # node 2 input, of one axis
        d_z = fitted(xp, d_z, z.shape[axis], axis)  # node 1 input, of one axis
    return (d_z,)


inverse_fourier_transform_over_axes.variant("first_axis", axes=(-2,), norm="forward")
inverse_fourier_transform_over_axes.variant("lengths", s=(4, 3), axes=(0, 1), norm="ortho")


@function(z=Complex((3, 4), low=-1e20, high=1e20), points=[dict(z=ROWS), dict(z=HARD)])
def spectrum_centered(xp, z, *, axes=None):
    """f(z) = Re Σ v̄ fftshift(z): the second half of each axis before the first

    z: 3x4, complex; of an odd length the first half is the longer one."""
    return xp.sum(xp.real(xp.conj(complex_weights(xp, (3, 4))) * xp.fft.fftshift(z, axes=axes)))


@spectrum_centered.gradient
def _(xp, z, *, axes=None):
    d_y = complex_weights(xp, (3, 4))  # node 2 input: f = Re Σ v̄ y
    return (xp.fft.ifftshift(d_y, axes=axes),)  # node 1 input: a permutation, and its inverse takes back


spectrum_centered.variant("odd_axis", axes=(-2,))
spectrum_centered.variant("even_axis", axes=1)


@function(x=Reals((3, 4)), points=[dict(x=REAL_ROWS), dict(x=REAL_HARD)])
def spectrum_restored(xp, x, *, axes=None):
    """f(x) = Σ w ifftshift(x)²: the inverse of fftshift

    x: 3x4, real."""
    y = xp.fft.ifftshift(x, axes=axes)
    return xp.sum(weights(xp, (3, 4)) * y * y)


@spectrum_restored.gradient
def _(xp, x, *, axes=None):
    y = xp.fft.ifftshift(x, axes=axes)  # node 1
    d_y = 2 * y * weights(xp, (3, 4))  # node 2 input: f = Σ w y²
    return (xp.fft.fftshift(d_y, axes=axes),)  # node 1 input


spectrum_restored.variant("odd_axis", axes=(0,))
spectrum_restored.variant("even_axis", axes=-1)
