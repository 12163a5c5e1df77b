"""The singular value decomposition A = U diag(s) Vᵀ, reduced. The signs of a pair of singular vectors change together,
so each function uses products of both. The rule is that of Townsend, "Differentiating the singular value decomposition"
(2016), derived from dA = dU S Vᵀ + U dS Vᵀ + U S dVᵀ with antisymmetric Uᵀ dU and Vᵀ dV."""

from gradproof import MultipleOfIdentity, SeparatedSpectrum, function, weights

TALL = [
    dict(A=[[2.0, -0.5], [0.75, -3.0], [-0.125, 0.5]]),
    dict(A=[[3.0, 0.0], [0.0, 1.0], [0.0, 0.0]]),  # the vectors are the axes
    dict(A=[[1.0, 0.0], [2.0**-6, 1.0 + 2.0**-10], [0.0, 0.25]]),  # nearly equal values
]


@function(A=SeparatedSpectrum((3, 2)), points=TALL)
def singular_values(xp, A):
    """f(A) = Σ w s + ½ Σ s², s the singular values of A, descending

    A: 3x2 or another shape or a stack."""
    s = xp.linalg.svdvals(A)
    return xp.sum(weights(xp, s.shape) * s) + xp.sum(s * s) / 2


@singular_values.gradient
def _(xp, A):
    U, s, T = xp.linalg.svd(A, full_matrices=False)  # node 1
    d_s = weights(xp, s.shape) + s  # node 2 input: f = Σ w s + ½ Σ s²
    return (xp.matmul(U * d_s[..., None, :], T),)  # node 1 input: dsᵢ = uᵢᵀ dA vᵢ


singular_values.variant("wide", A=SeparatedSpectrum((2, 3)))
singular_values.variant("square", A=SeparatedSpectrum((3, 3)))
singular_values.variant("stacked", A=SeparatedSpectrum((2, 1, 3, 2)))


@function(A=SeparatedSpectrum((3, 2)), points=TALL)
def function_of_singular_values(xp, A):
    """f(A) = Σ W ∘ (U diag(s²) Vᵀ), A = U diag(s) Vᵀ

    A: 3x2 or another shape or a stack."""
    U, s, T = xp.linalg.svd(A, full_matrices=False)
    return xp.sum(weights(xp, A.shape) * xp.matmul(U * (s * s)[..., None, :], T))


@function_of_singular_values.gradient
def _(xp, A):
    U, s, T = xp.linalg.svd(A, full_matrices=False)  # node 1
    V, k = xp.matrix_transpose(T), s.shape[-1]
    q = s * s  # node 2
    # F = U diag(q) Vᵀ  node 3
    d_F = weights(xp, A.shape)  # node 4 input: f = Σ W ∘ F
    d_U = xp.matmul(d_F, V * q[..., None, :])  # node 3 input
    d_V = xp.matmul(xp.matrix_transpose(d_F), U * q[..., None, :])  # node 3 input
    d_q = xp.sum(U * xp.matmul(d_F, V), axis=-2)  # node 3 input
    d_s = 2 * s * d_q  # node 2 input
    # Node 1 input. What dU and dV have within the span of U and V is antisymmetric, over differences of squares …
    eye = xp.eye(k)
    gaps = q[..., None, :] - q[..., :, None] + eye
    J = xp.matmul(xp.matrix_transpose(U), d_U)
    K = xp.matmul(T, d_V)
    J = (1 - eye) * (J - xp.matrix_transpose(J)) / gaps
    K = (1 - eye) * (K - xp.matrix_transpose(K)) / gaps
    inner = J * s[..., None, :] + s[..., :, None] * K + eye * d_s[..., None, :]
    d_A = xp.matmul(xp.matmul(U, inner), T)
    # … and outside of it they are (1 - U Uᵀ) dA V S⁻¹ and (1 - V Vᵀ) dAᵀ U S⁻¹.
    left = d_U / s[..., None, :]
    right = d_V / s[..., None, :]
    d_A = d_A + xp.matmul(left - xp.matmul(U, xp.matmul(xp.matrix_transpose(U), left)), T)
    d_A = d_A + xp.matmul(U, xp.matrix_transpose(right - xp.matmul(V, xp.matmul(T, right))))
    return (d_A,)


function_of_singular_values.variant("wide", A=SeparatedSpectrum((2, 3)))
function_of_singular_values.variant("square", A=SeparatedSpectrum((3, 3)))
function_of_singular_values.variant("stacked", A=SeparatedSpectrum((2, 1, 3, 2)))


@function(
    A=MultipleOfIdentity((3, 3)),
    points=[
        dict(A=[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        dict(A=[[2.0, 0.0, 0.0], [0.0, -0.5, 0.0], [0.0, 0.0, -2.0]]),  # two of three
    ],
)
def cube_by_equal_singular_values(xp, A):
    """f(A) = Σ W ∘ (U diag(s³) Vᵀ), A = U diag(s) Vᵀ

    A: 3x3, with equal singular values. The vectors are then no functions of A, but U diag(s³) Vᵀ is A Aᵀ A, which is
    smooth: what divides by differences of singular values divides by zero."""
    U, s, T = xp.linalg.svd(A, full_matrices=False)
    return xp.sum(weights(xp, (3, 3)) * (U * (s * s * s)[None, :] @ T))


@cube_by_equal_singular_values.gradient
def _(xp, A):
    T, W = xp.matrix_transpose(A), weights(xp, (3, 3))  # node 2 input: f = Σ W ∘ F, with node 1: F = A Aᵀ A
    d_A = W @ (T @ A)  # node 1 input, the first factor
    d_A = d_A + A @ xp.matrix_transpose(W) @ A  # the second, turned back
    d_A = d_A + (A @ T) @ W  # the third
    return (d_A,)
