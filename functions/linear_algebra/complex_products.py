"""Products of complex vectors and tensors, diagonals, and norms. An analytic product is differentiated as a real one,
each factor conjugated on the way back; a norm is a function of the moduli |z|, whose gradient is z / |z|, and 0 where
it is chosen so at the kink z = 0."""

import math

from gradproof import Complex, SeparatedSpectrum, complex_weights, function, weights
from gradproof.registry.complex_matrices import weighted

MATRIX = [[1 + 0.5j, -2j, 0.25, 1.5 - 1j], [0.75 - 1j, 1.5, -1 + 1j, 0.125j], [-0.5 + 2j, 0.625, 3j, -1.25 - 0.375j]]
PYTHAGOREAN = [[3 + 4j, 0.0, -5.0, 12j], [1.0, -1j, 1.0, 1j], [2.0**-40 * (1 - 1j), 8 - 6j, 2.0, 0.5]]


def limited(*shape):
    """Complex arrays whose products overflow nowhere"""
    return Complex(shape, low=-1024.0, high=1024.0)


@function(
    x=limited(3),
    y=limited(4),
    points=[
        dict(x=[0.5 + 1j, -1.25, 2j], y=[0.75, -2j, 1.5 - 1j, 0.25]),
        dict(x=[0.0, 1j, 1000.0], y=[2.0**-20, 40j, 0.0, 1.0]),
    ],
)
def complex_outer_product(xp, x, y):
    """f(x, y) = Re Σ V̄ ∘ (x yᵀ)

    x: 3, y: 4. Neither factor is conjugated."""
    return weighted(xp, xp.linalg.outer(x, y))


@complex_outer_product.gradient
def _(xp, x, y):
    d_C = complex_weights(xp, (3, 4))  # node 2 input: f = Re Σ V̄ C, with node 1: Cᵢⱼ = xᵢ yⱼ
    return xp.matmul(d_C, xp.conj(y)), xp.matmul(xp.conj(x), d_C)  # node 1 input


@function(
    A=limited(2, 3, 1),
    B=limited(3, 1, 4),
    points=[
        dict(
            A=[[[1 + 0.5j], [-2j], [0.25]], [[2.0], [-1.5 + 1j], [0.75j]]],
            B=[[[0.75, -2j, 1.5, 0.25 + 1j]], [[-0.5 - 0.5j, 1.125, 2.5j, -0.875]], [[0.625, -0.375j, 3.0, 1 - 1j]]],
        )
    ],
)
def complex_tensor_contraction(xp, A, B, *, axes=2):
    """f(A, B) = Re Σ V̄ ∘ C, C the products of A and B summed over the last axes of A and the first of B

    A: 2x3x1, B: 3x1x4. Neither factor is conjugated."""
    return weighted(xp, xp.tensordot(A, B, axes=axes))


@complex_tensor_contraction.gradient
def _(xp, A, B, *, axes=2):
    free_a, free_b = A.ndim - axes, B.ndim - axes
    d_C = complex_weights(xp, (*A.shape[:free_a], *B.shape[axes:]))  # node 2 input: f = Re Σ V̄ C
    ours, theirs = list(range(free_a)), list(range(free_a, free_a + free_b))
    d_A = xp.tensordot(d_C, xp.conj(B), axes=(theirs, list(range(axes, B.ndim))))  # node 1 input
    d_B = xp.tensordot(xp.conj(A), d_C, axes=(ours, ours))  # node 1 input
    return d_A, d_B


complex_tensor_contraction.variant("one_axis", A=limited(2, 3), B=limited(3, 4), axes=1)
complex_tensor_contraction.variant("outer", A=limited(2, 3), B=limited(4), axes=0)


@function(
    x=limited(2, 3),
    y=limited(2, 3),
    points=[
        dict(x=[[0.5 + 1j, -1.25, 2j], [3.0, 0.25j, -0.75]], y=[[0.75, -2j, 1.5 - 1j], [1.0, 2.5, 0.125 + 3j]]),
        dict(x=[[1.0, 2j, 3.0], [0.0, 0.0, 0.0]], y=[[1j, -2.0, 3j], [1.0, -1j, 40.0]]),  # y = i x: x × y = 0
    ],
)
def complex_cross_product(xp, x, y, *, axis=-1):
    """f(x, y) = Re Σ v̄ ∘ (x × y)

    x, y: 2x3, vectors of length 3 along one axis. Neither factor is conjugated."""
    return weighted(xp, xp.linalg.cross(x, y, axis=axis))


@complex_cross_product.gradient
def _(xp, x, y, *, axis=-1):
    d_c = complex_weights(xp, x.shape)  # node 2 input: f = Re Σ v̄ c, with node 1: c = x × y
    # Node 1 input: v̄ · (x × y) = x · (y × v̄) = y · (v̄ × x), each factor conjugated.
    return xp.linalg.cross(xp.conj(y), d_c, axis=axis), xp.linalg.cross(d_c, xp.conj(x), axis=axis)


complex_cross_product.variant("first_axis", x=limited(3, 2), y=limited(3, 2), axis=0)


@function(X=limited(3, 4), points=[dict(X=MATRIX), dict(X=PYTHAGOREAN)])
def complex_diagonal_entries(xp, X, *, offset=0):
    """f(X) = Re Σ v̄ d + ½ Σ |d|², dₖ = Xₖ,ₖ₊ₒ or, of a negative offset o, Xₖ₋ₒ,ₖ

    X: 3x4 or a stack of such."""
    d = xp.linalg.diagonal(X, offset=offset)
    return weighted(xp, d) + xp.sum(xp.real(d * xp.conj(d))) / 2


@complex_diagonal_entries.gradient
def _(xp, X, *, offset=0):
    d = xp.linalg.diagonal(X, offset=offset)  # node 1
    d_d = complex_weights(xp, d.shape) + d  # node 2 input
    rows = xp.eye(d.shape[-1], X.shape[-2], k=max(-offset, 0))  # which row the k-th entry is from
    columns = xp.eye(d.shape[-1], X.shape[-1], k=max(offset, 0))  # and which column
    return (xp.matmul(xp.matrix_transpose(rows), d_d[..., None] * columns),)  # node 1 input: back to where it was


complex_diagonal_entries.variant("above", offset=2)
complex_diagonal_entries.variant("stacked", X=limited(2, 3, 4), offset=-1)


@function(X=limited(3, 4), points=[dict(X=MATRIX), dict(X=PYTHAGOREAN)])
def complex_trace(xp, X, *, offset=0):
    """f(X) = Σ (Re v̄ t + ½ |t|²), t = tr X, the sum of a diagonal

    X: 3x4 or a stack of such."""
    t = xp.linalg.trace(X, offset=offset)
    return weighted(xp, t) + xp.sum(xp.real(t * xp.conj(t))) / 2


@complex_trace.gradient
def _(xp, X, *, offset=0):
    t = xp.linalg.trace(X, offset=offset)  # node 1
    d_t = complex_weights(xp, t.shape) + t  # node 2 input
    return (d_t[..., None, None] * xp.eye(*X.shape[-2:], k=offset),)  # node 1 input


complex_trace.variant("square", X=limited(3, 3))
complex_trace.variant("stacked", X=limited(2, 3, 4), offset=1)

# Norms

KINKS = [[0.0, 1j, 3 - 4j, -2.0], [0.0, 0.0, 0.0, 0.0], [1j, -1.0, 0.5 + 1j, 0.0]]


@function(z=Complex((3, 4)), points=[dict(z=MATRIX), dict(z=PYTHAGOREAN), dict(z=KINKS)])
def complex_euclidean_norms(xp, z, *, axis=-1, keepdims=False):
    """f(z) = Σ w n, n = √Σ |z|² along some axes

    z: 3x4."""
    n = xp.linalg.vector_norm(z, axis=axis, keepdims=keepdims)
    return xp.sum(weights(xp, n.shape) * n)


@complex_euclidean_norms.gradient
def _(xp, z, *, axis=-1, keepdims=False):
    n = xp.linalg.vector_norm(z, axis=axis, keepdims=True)  # node 1
    d_n = weights(xp, n.shape)  # node 2 input: f = Σ w n; the axes that were summed are of size one here
    return (z / xp.where(n == 0, 1.0, n) * d_n,)  # node 1 input: n² = Σ |z|², so dn = Re z̄ dz / n


complex_euclidean_norms.variant("all", axis=None)
complex_euclidean_norms.variant("two_axes", z=Complex((2, 3, 2)), axis=(0, -1), keepdims=True)


@function(
    z=Complex((3, 4), low=0.125, high=64.0),
    points=[
        dict(z=MATRIX),
        dict(z=[[1.0, 1j, -1.0, -1j], [3 + 4j, -5.0, 12j, 0.5], [2.0**-10 * (1 - 1j), 8.0, -64j, 2.0]]),
    ],
)
def complex_power_norms(xp, z, *, ord=3, axis=-1):
    """f(z) = Σ w n, n = (Σ |z|ᵖ)^(1/p) along an axis, p > 1 the order

    z: 3x4, drawn in the first quadrant, tried elsewhere, without a 0."""
    n = xp.linalg.vector_norm(z, axis=axis, ord=ord)
    return xp.sum(weights(xp, n.shape) * n)


@complex_power_norms.gradient
def _(xp, z, *, ord=3, axis=-1):
    a = xp.abs(z)  # node 1
    s = xp.sum(a**ord, axis=axis, keepdims=True)  # node 2: the powers, node 3: their sum
    d_n = weights(xp, s.shape)  # node 5 input: f = Σ w n, with node 4: n = s^(1/p)
    one = xp.ones_like(s)  # so that 1/p is rounded to the precision at hand, not to a Python float's
    d_s = s ** (one / ord - 1) / ord * d_n  # node 4 input
    d_a = ord * a ** (ord - 1) * d_s  # node 3 and 2 input
    return (z / a * d_a,)  # node 1 input


complex_power_norms.variant("first_axis", ord=4, axis=0)


@function(z=Complex((3, 4)), points=[dict(z=MATRIX), dict(z=PYTHAGOREAN), dict(z=KINKS)])
def complex_norms_of_order_one(xp, z, *, axis=-1, keepdims=False):
    """f(z) = Σ w n, n = Σ |z| along some axes

    z: 3x4. At z = 0 the subdifferential is the disc |g| ≤ w; chosen here: 0."""
    n = xp.linalg.vector_norm(z, axis=axis, keepdims=keepdims, ord=1)
    return xp.sum(weights(xp, n.shape) * n)


@complex_norms_of_order_one.gradient
def _(xp, z, *, axis=-1, keepdims=False):
    a = xp.abs(z)  # node 1
    n = xp.sum(a, axis=axis, keepdims=True)  # node 2
    d_a = weights(xp, n.shape)  # node 3 and 2 input
    return (z / xp.where(a == 0, xp.ones_like(a), a) * d_a,)  # node 1 input


complex_norms_of_order_one.variant("all", axis=None)


@function(
    z=limited(3, 4),
    points=[
        dict(z=MATRIX),
        dict(z=PYTHAGOREAN),
        dict(z=[[3 + 4j, -5.0, 1.0, 5j], [1.0, -1j, 1j, 0.5], [0.5, 3j, -3.0, 2.0]]),  # ties of moduli
    ],
)
def complex_largest_moduli(xp, z, *, keepdims=False):
    """f(z) = Σ w n, n = max |z| along the last axis

    z: 3x4 or a stack of such. At a tie the subdifferential is every set of shares that sum to 1, each along z / |z|;
    chosen here: all to the first."""
    n = xp.linalg.vector_norm(z, axis=-1, keepdims=keepdims, ord=math.inf)
    return xp.sum(weights(xp, n.shape) * n)


@complex_largest_moduli.gradient
def _(xp, z, *, keepdims=False):
    first = xp.argmax(xp.real(z * xp.conj(z)), axis=-1, keepdims=True)
    chosen = xp.take_along_axis(z, first, axis=-1)  # node 1; node 2: n = |chosen|
    d_n = weights(xp, chosen.shape)  # node 3 input: f = Σ w n
    size = xp.abs(chosen)
    d_chosen = chosen / xp.where(size == 0, xp.ones_like(size), size) * d_n  # node 2 input, 0 where all are 0
    places = xp.eye(z.shape[-1])[first[..., 0]]  # 1 where the entry was taken from, 0 elsewhere
    return (places * d_chosen,)  # node 1 input


complex_largest_moduli.variant(
    "stacked_kept",
    z=limited(2, 1, 3),
    keepdims=True,
    points=[dict(z=[[[1 + 0.5j, -2j, 0.75]], [[0.5, 1 - 1j, 3j]]])],
)


@function(
    A=Complex((3, 2)),
    points=[
        dict(A=[[1 + 0.5j, -2j], [0.75 - 1j, 1.5], [-0.5 + 2j, 0.625]]),
        dict(A=[[3.0, 0.0], [-4j, 0.0], [0.0, 12.0]]),
        dict(A=[[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]),  # the kink
    ],
)
def complex_frobenius_norms(xp, A, *, keepdims=False):
    """f(A) = Σ w ‖A‖, ‖A‖ = √Σ |a|²

    A: 3x2 or a stack of such."""
    n = xp.linalg.matrix_norm(A, keepdims=keepdims)
    return xp.sum(weights(xp, n.shape) * n)


@complex_frobenius_norms.gradient
def _(xp, A, *, keepdims=False):
    n = xp.sqrt(xp.sum(xp.real(A * xp.conj(A)), axis=(-2, -1), keepdims=True))  # node 1
    return (A / xp.where(n == 0, 1.0, n) * weights(xp, n.shape),)  # node 2 and 1 input


complex_frobenius_norms.variant("stacked", A=Complex((2, 3, 2)), keepdims=True)

SPECTRUM = [
    dict(A=[[2 + 1j, -0.5j], [0.75, -3j], [-0.125j, 0.5]]),
    dict(A=[[3j, 0.0], [0.0, 1.0], [0.0, 0.0]]),  # the vectors are the axes
]


@function(A=SeparatedSpectrum((3, 2), is_complex=True), points=SPECTRUM)
def complex_spectral_norms(xp, A, *, ord=2):
    """f(A) = Σ w ‖A‖, ‖A‖ the largest singular value, or the smallest for the order -2, or the sum of all ("nuc")

    A: 3x2 or a stack of such."""
    n = xp.linalg.matrix_norm(A, ord=ord)
    return xp.sum(weights(xp, n.shape) * n)


@complex_spectral_norms.gradient
def _(xp, A, *, ord=2):
    U, _, T = xp.linalg.svd(A, full_matrices=False)  # node 1
    d_n = weights(xp, (*A.shape[:-2], 1))  # node 3 input: f = Σ w n
    place = {2: [1.0, 0.0], -2: [0.0, 1.0], "nuc": [1.0, 1.0]}[ord]  # the singular values descend
    d_s = xp.asarray(place) * d_n  # node 2 input
    return (xp.matmul(U * d_s[..., None, :], T),)  # node 1 input: dsᵢ = Re uᵢᴴ dA vᵢ


complex_spectral_norms.variant("smallest", ord=-2)
complex_spectral_norms.variant("nuclear", ord="nuc")
complex_spectral_norms.variant("nuclear_stacked", A=SeparatedSpectrum((2, 2, 2), is_complex=True), ord="nuc")


@function(
    A=Complex((2, 3), low=0.125, high=1024.0),
    points=[
        dict(A=[[1 + 0.5j, -2j, 0.25], [0.75 - 1j, 1.5, -1 + 1j]]),
        dict(A=[[3 + 4j, 2.0, 1j], [-1.0, 0.5j, 2.0**-20]]),
    ],
)
def complex_induced_norms(xp, A, *, ord=1):
    """f(A) = Σ w ‖A‖, ‖A‖ the largest column sum (order 1) or row sum (∞) of |a|

    A: 2x3, drawn in the first quadrant, tried elsewhere, without a 0."""
    n = xp.linalg.matrix_norm(A, ord=ord)
    return xp.sum(weights(xp, n.shape) * n)


@complex_induced_norms.gradient
def _(xp, A, *, ord=1):
    a = xp.abs(A)  # node 1
    sums = xp.sum(a, axis=-2 if ord == 1 else -1)  # node 2
    place = xp.eye(sums.shape[-1])[xp.argmax(sums, axis=-1)]  # 1 at the largest sum, the first at a tie
    d_sums = weights(xp, ()) * place  # node 3 input: n = max of the sums
    d_a = d_sums[None, :] if ord == 1 else d_sums[:, None]  # node 2 input
    return (A / a * d_a,)  # node 1 input


complex_induced_norms.variant("largest_row", ord=math.inf)
