"""The singular value decomposition A = U diag(s) Vᴴ of complex matrices, reduced. The phases of a pair of singular
vectors change together, so each function uses products of both in which they cancel. The rule follows from
dA = dU S Vᴴ + U dS Vᴴ + U S dVᴴ with anti-Hermitian Uᴴ dU and Vᴴ dV, whose diagonals are imaginary and not 0, as they
are for real matrices: the phase between uᵢ and vᵢ is no choice (Wan and Zhang, "Automatic differentiation for complex
valued SVD", arXiv:1909.02659)."""

from gradproof import MultipleOfIdentity, SeparatedSpectrum, complex_weights, function, weights
from gradproof.registry.complex_matrices import adjoint, weighted

TALL = [
    dict(A=[[2 + 1j, -0.5j], [0.75, -3j], [-0.125j, 0.5]]),
    dict(A=[[3j, 0.0], [0.0, 1.0], [0.0, 0.0]]),  # the vectors are the axes
    dict(A=[[1.0, 0.0], [2.0**-6 * 1j, 1.0 + 2.0**-10], [0.0, 0.25j]]),  # nearly equal values
]


@function(A=SeparatedSpectrum((3, 2), is_complex=True), points=TALL)
def complex_singular_values(xp, A):
    """f(A) = Σ w s + ½ Σ s², s the singular values of A, descending

    A: 3x2 or another shape or a stack."""
    s = xp.linalg.svdvals(A)
    return xp.sum(weights(xp, s.shape) * s) + xp.sum(s * s) / 2


@complex_singular_values.gradient
def _(xp, A):
    U, s, T = xp.linalg.svd(A, full_matrices=False)  # node 1
    d_s = weights(xp, s.shape) + s  # node 2 input: f = Σ w s + ½ Σ s²
    return (xp.matmul(U * d_s[..., None, :], T),)  # node 1 input: dsᵢ = Re uᵢᴴ dA vᵢ


complex_singular_values.variant("wide", A=SeparatedSpectrum((2, 3), is_complex=True))
complex_singular_values.variant("stacked", A=SeparatedSpectrum((2, 1, 3, 2), is_complex=True))


@function(A=SeparatedSpectrum((3, 2), is_complex=True), points=TALL)
def function_of_complex_singular_values(xp, A):
    """f(A) = Re Σ W̄ ∘ (U diag(s²) Vᴴ), A = U diag(s) Vᴴ

    A: 3x2 or another shape or a stack."""
    U, s, T = xp.linalg.svd(A, full_matrices=False)
    squares = xp.astype(s * s, U.dtype)
    return weighted(xp, xp.matmul(U * squares[..., None, :], T))


@function_of_complex_singular_values.gradient
def _(xp, A):
    U, s, T = xp.linalg.svd(A, full_matrices=False)  # node 1
    V, k = adjoint(xp, T), s.shape[-1]
    q = s * s  # node 2
    # F = U diag(q) Vᴴ  node 3
    d_F = complex_weights(xp, A.shape)  # node 4 input: f = Re Σ W̄ F
    d_U = xp.matmul(d_F, V * q[..., None, :])  # node 3 input
    d_V = xp.matmul(adjoint(xp, d_F), U * q[..., None, :])  # node 3 input
    d_q = xp.sum(xp.real(xp.conj(U) * xp.matmul(d_F, V)), axis=-2)  # node 3 input
    d_s = 2 * s * d_q  # node 2 input
    # Node 1 input. What dU and dV have within the span of U and V is anti-Hermitian, over differences of squares, and
    # with the phases of V held the diagonal of Uᴴ dU is that of i Im(Uᴴ dA V) / s …
    eye = xp.eye(k)
    gaps = q[..., None, :] - q[..., :, None] + eye
    J, K = xp.matmul(adjoint(xp, U), d_U), xp.matmul(T, d_V)
    turns = xp.asarray(1j) * xp.imag(J) / s[..., None, :]
    J = (J - adjoint(xp, J)) * (1 - eye) / gaps
    K = (K - adjoint(xp, K)) * (1 - eye) / gaps
    inner = J * s[..., None, :] + s[..., :, None] * K + eye * (d_s[..., None, :] + turns)
    d_A = xp.matmul(xp.matmul(U, inner), T)
    # … and outside of it they are (1 - U Uᴴ) dA V S⁻¹ and (1 - V Vᴴ) dAᴴ U S⁻¹.
    left = d_U / s[..., None, :]
    right = d_V / s[..., None, :]
    d_A = d_A + xp.matmul(left - xp.matmul(U, xp.matmul(adjoint(xp, U), left)), T)
    d_A = d_A + xp.matmul(U, adjoint(xp, right - xp.matmul(V, xp.matmul(T, right))))
    return (d_A,)


function_of_complex_singular_values.variant("wide", A=SeparatedSpectrum((2, 3), is_complex=True))
function_of_complex_singular_values.variant("square", A=SeparatedSpectrum((3, 3), is_complex=True))
function_of_complex_singular_values.variant("stacked", A=SeparatedSpectrum((2, 1, 3, 2), is_complex=True))


@function(
    A=MultipleOfIdentity((3, 3), is_complex=True),
    points=[
        dict(A=[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        dict(A=[[2j, 0.0, 0.0], [0.0, -0.5, 0.0], [0.0, 0.0, -2.0]]),  # two of three
    ],
)
def complex_cube_by_equal_singular_values(xp, A):
    """f(A) = Re Σ W̄ ∘ (U diag(s³) Vᴴ), A = U diag(s) Vᴴ

    A: 3x3, with equal singular values. The vectors are then no functions of A, but U diag(s³) Vᴴ is A Aᴴ A, which is
    smooth: what divides by differences of singular values divides by zero."""
    U, s, T = xp.linalg.svd(A, full_matrices=False)
    cubes = xp.astype(s * s * s, U.dtype)
    return weighted(xp, xp.matmul(U * cubes[None, :], T))


@complex_cube_by_equal_singular_values.gradient
def _(xp, A):
    H, W = adjoint(xp, A), complex_weights(xp, (3, 3))  # node 2 input: f = Re Σ W̄ F, with node 1: F = A Aᴴ A
    d_A = xp.matmul(W, xp.matmul(H, A))  # node 1 input, the first factor
    d_A = d_A + xp.matmul(xp.matmul(A, adjoint(xp, W)), A)  # the second, turned around
    d_A = d_A + xp.matmul(xp.matmul(A, H), W)  # the third
    return (d_A,)
