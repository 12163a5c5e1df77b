"""Cholesky, QR, Hermitian eigenvalue and singular value decompositions of complex matrices, and the pseudoinverse. What
may be chosen, the phase of an eigenvector, of a column of Q with its row of R, of a pair of singular vectors, no
function here depends on. The rules follow from the differentials of what defines the factors, with df = Re tr(d_Aᴴ dA);
where a phase is free, the imaginary part of a diagonal is (Wan and Zhang, "Automatic differentiation for complex valued
SVD", arXiv:1909.02659). Factorizations of Hermitian matrices get S = ½ (x + xᴴ), so that it does not matter which
triangle a library reads; one entry shows what happens without."""

from gradproof import (
    Complex,
    MultipleOfIdentity,
    PositiveDefinite,
    SeparatedSpectrum,
    WellConditioned,
    complex_weights,
    function,
    weights,
)
from gradproof.registry.complex_matrices import adjoint, weighted


@function(
    x=PositiveDefinite((3, 3), is_complex=True),
    points=[
        dict(x=[[4.0, 1 - 1j, -0.5j], [1 + 1j, 3.0, 0.25 + 0.5j], [0.5j, 0.25 - 0.5j, 2.0]]),
        dict(x=[[4.0, 2.5 - 1j, -1j], [-0.5, 3.0, 0.75], [0.5j, -0.25j, 2.0]]),  # not Hermitian itself
        dict(x=[[1.0, 0.0, 0.0], [0.0, 2.0**-10, 0.0], [0.0, 0.0, 1024.0]]),
        dict(x=[[1.0, 1j, 0.0], [-1j, 1.0 + 2.0**-10, 0.0], [0.0, 0.0, 1.0]]),  # nearly singular
    ],
)
def complex_cholesky_factor(xp, x, *, upper=False):
    """f(x) = Re Σ V̄ ∘ L, L Lᴴ = ½ (x + xᴴ)

    x: 3x3 or a stack of such; with upper=True the factor is Lᴴ. The diagonal of L is real and positive."""
    return weighted(xp, xp.linalg.cholesky((x + adjoint(xp, x)) / 2, upper=upper))


@complex_cholesky_factor.gradient
def _(xp, x, *, upper=False):
    L = xp.linalg.cholesky((x + adjoint(xp, x)) / 2)  # node 1: S, node 2: L
    V = complex_weights(xp, x.shape)
    d_L = adjoint(xp, V) if upper else V  # node 3 input: f = Re Σ V̄ L, or Re Σ V̄ Lᴴ
    # Node 2 input: dS = dL Lᴴ + L dLᴴ, so L⁻¹ dL = Φ(L⁻¹ dS L⁻ᴴ), where Φ keeps the lower triangle and halves the
    # diagonal, real in either. Backwards d_S = L⁻ᴴ Φ(Lᴴ d_L) L⁻¹, of which node 1 takes the Hermitian part.
    lower = xp.tril(xp.matmul(adjoint(xp, L), xp.tril(d_L)))
    phi = lower - lower * xp.eye(3) / 2
    P = xp.linalg.inv(L)
    d_S = xp.matmul(xp.matmul(adjoint(xp, P), phi), P)
    return ((d_S + adjoint(xp, d_S)) / 2,)  # node 1 input


complex_cholesky_factor.variant("upper", upper=True)
complex_cholesky_factor.variant("stacked", x=PositiveDefinite((2, 1, 3, 3), is_complex=True))


@function(
    A=WellConditioned((3, 2), is_complex=True),
    points=[
        dict(A=[[2 + 1j, -0.5j], [0.75, -3j], [-0.125j, 0.5]]),
        dict(A=[[0.0, 1.0], [0.0, 0.5j], [-2j, 40.0]]),  # only the last row of the first column
        dict(A=[[1.0, 1j], [1j, -1.0 - 2.0**-10], [0.0, 0.0]]),  # nearly parallel columns
    ],
)
def unitary_factors(xp, A):
    """f(A) = Re Σᵢⱼₖ v̄ᵢⱼₖ qᵢⱼ rⱼₖ, A = Q R

    A: 3x2, or any matrix with no more columns than rows; Q: orthonormal columns, R: upper triangular. Each product has
    one entry of a column of Q and one of its row of R, whose phases cancel: the standard leaves them open."""
    Q, R = xp.linalg.qr(A)
    return weighted(xp, Q[..., None] * R[..., None, :, :])


@unitary_factors.gradient
def _(xp, A):
    Q, R = xp.linalg.qr(A)  # node 1
    V = complex_weights(xp, (*Q.shape, R.shape[-1]))  # node 3 input: f = Re Σ v̄ p, with node 2: p = q r
    d_Q = xp.sum(V * xp.conj(R)[..., None, :, :], axis=-1)  # node 2 input
    d_R = xp.triu(xp.sum(V * xp.conj(Q)[..., None], axis=-3))  # node 2 input; below its diagonal R is 0
    # Node 1 input: dA = dQ R + Q dR. With C = Qᴴ dA R⁻¹ = Qᴴ dQ + dR R⁻¹, of which the first is anti-Hermitian and the
    # second upper triangular with a real diagonal, the lower triangle of C gives Qᴴ dQ. Backwards: with
    # M = R d_Rᴴ - d_Qᴴ Q, its lower triangle, the conjugates of that above, and the real part of its diagonal.
    M = xp.matmul(R, adjoint(xp, d_R)) - xp.matmul(adjoint(xp, d_Q), Q)
    below = xp.tril(M, k=-1)
    K = below + adjoint(xp, below) + xp.real(M) * xp.eye(M.shape[-1])
    return (xp.matmul(d_Q + xp.matmul(Q, K), adjoint(xp, xp.linalg.inv(R))),)


unitary_factors.variant("square", A=WellConditioned((3, 3), is_complex=True))
unitary_factors.variant("stacked", A=WellConditioned((2, 1, 3, 2), is_complex=True))


@function(
    A=WellConditioned((2, 2), is_complex=True),
    B=Complex((2, 3), low=-8.0, high=8.0),
    points=[dict(A=[[2 + 1j, -0.5j], [0.75, -3j]], B=[[1.5, 0.25j, -2.0], [-0.75 + 1j, 1.0, 0.5j]])],
)
def unitary_factors_of_wide(xp, A, B):
    """f(A, B) = Re Σᵢⱼₖ v̄ᵢⱼₖ qᵢⱼ rⱼₖ, (A B) = Q R

    A: 2x2, B: 2x3: more columns than rows, the first of them linearly independent."""
    Q, R = xp.linalg.qr(xp.concat([A, B], axis=-1))
    return weighted(xp, Q[:, :, None] * R[None, :, :])


@unitary_factors_of_wide.gradient
def _(xp, A, B):
    Q, T = xp.linalg.qr(A)  # node 1: Q and the triangle T in front
    C = xp.matmul(adjoint(xp, Q), B)  # node 2: the rest of R = (T C), so that Q C = B
    V = complex_weights(xp, (2, 2, 5))
    d_R = xp.sum(V * xp.conj(Q)[:, :, None], axis=0)  # node 3 input
    d_T, d_C = xp.triu(d_R[:, :2]), d_R[:, 2:]
    d_Q = xp.sum(V * xp.conj(xp.concat([T, C], axis=1))[None, :, :], axis=2)  # node 3 input
    d_B = xp.matmul(Q, d_C)  # node 2 input
    d_Q = d_Q + xp.matmul(B, adjoint(xp, d_C))  # node 2 input: Q enters conjugated
    M = xp.matmul(T, adjoint(xp, d_T)) - xp.matmul(adjoint(xp, d_Q), Q)  # node 1 input, as above
    below = xp.tril(M, k=-1)
    K = below + adjoint(xp, below) + xp.real(M) * xp.eye(2)
    return xp.matmul(d_Q + xp.matmul(Q, K), adjoint(xp, xp.linalg.inv(T))), d_B


SPECTRA = [
    dict(x=[[2.0, -0.5j, 0.25], [0.75 + 1j, -3.0, 1j], [-0.125, 0.5 - 1j, 0.5]]),
    dict(x=[[3.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 0.0]]),  # the vectors are the axes, and one value is 0
    dict(x=[[1.0, 2j, 0.0], [-2j, 1.0, 0.0], [0.0, 0.0, 0.5]]),  # vectors (1, ±i) / √2
    dict(x=[[1.0, 2.0**-10 * 1j, 0.0], [2.0**-10 * -1j, 1.0, 0.0], [0.0, 0.0, 3.0]]),  # two values nearly equal
]


@function(x=SeparatedSpectrum((3, 3), is_complex=True), points=SPECTRA)
def hermitian_eigenvalues(xp, x):
    """f(x) = Σ w λ + ½ Σ λ², λ the eigenvalues of S = ½ (x + xᴴ), ascending

    x: 3x3 or a stack of such."""
    values = xp.linalg.eigvalsh((x + adjoint(xp, x)) / 2)
    return xp.sum(weights(xp, values.shape) * values) + xp.sum(values * values) / 2


@hermitian_eigenvalues.gradient
def _(xp, x):
    values, V = xp.linalg.eigh((x + adjoint(xp, x)) / 2)  # node 1: S, node 2: λ
    d_l = weights(xp, values.shape) + values  # node 3 input
    d_S = xp.matmul(V * d_l[..., None, :], adjoint(xp, V))  # node 2 input: dλᵢ = vᵢᴴ dS vᵢ
    return ((d_S + adjoint(xp, d_S)) / 2,)  # node 1 input


hermitian_eigenvalues.variant("stacked", x=SeparatedSpectrum((2, 1, 3, 3), is_complex=True))


@function(x=SeparatedSpectrum((3, 3), is_complex=True), points=SPECTRA)
def function_of_hermitian_matrix(xp, x):
    """f(x) = Re Σ W̄ ∘ (V exp(Λ / 4) Vᴴ), V Λ Vᴴ = S = ½ (x + xᴴ)

    x: 3x3 or a stack of such. Each eigenvector occurs twice, once conjugated, so that its phase does not matter."""
    values, V = xp.linalg.eigh((x + adjoint(xp, x)) / 2)
    e = xp.astype(xp.exp(values / 4), V.dtype)
    return weighted(xp, xp.matmul(V * e[..., None, :], adjoint(xp, V)))


@function_of_hermitian_matrix.gradient
def _(xp, x):
    values, V = xp.linalg.eigh((x + adjoint(xp, x)) / 2)  # node 1: S, node 2: λ and V
    e, H = xp.exp(values / 4), adjoint(xp, V)  # node 3
    d_F = complex_weights(xp, x.shape)  # node 5 input: f = Re Σ W̄ F, with node 4: F = V diag(e) Vᴴ
    d_V = xp.matmul(d_F + adjoint(xp, d_F), V * e[..., None, :])  # node 4 input, V on the left and the right
    d_e = xp.sum(xp.real(xp.conj(V) * xp.matmul(d_F, V)), axis=-2)  # node 4 input: Re vᵢᴴ d_F vᵢ
    d_l = e / 4 * d_e  # node 3 input
    # Node 2 input: dλᵢ = vᵢᴴ dS vᵢ, and dvⱼ = Σᵢ vᵢ (vᵢᴴ dS vⱼ) / (λⱼ - λᵢ) over the i other than j, and along vⱼ a
    # change of phase, which is free.
    eye = xp.eye(3)
    gaps = values[..., None, :] - values[..., :, None] + eye
    inner = xp.matmul(H, d_V) * (1 - eye) / gaps + eye * d_l[..., None, :]
    d_S = xp.matmul(xp.matmul(V, inner), H)
    return ((d_S + adjoint(xp, d_S)) / 2,)  # node 1 input


function_of_hermitian_matrix.variant("stacked", x=SeparatedSpectrum((2, 1, 3, 3), is_complex=True))


@function(
    x=MultipleOfIdentity((3, 3), is_complex=True),
    points=[
        dict(x=[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        dict(x=[[2.0, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 2.0]]),  # two of three
    ],
)
def hermitian_square_by_equal_eigenvalues(xp, x):
    """f(x) = Re Σ W̄ ∘ (V Λ² Vᴴ), V Λ Vᴴ = S = ½ (x + xᴴ)

    x: 3x3, with equal eigenvalues. The vectors are then no functions of x, but V Λ² Vᴴ is S², which is smooth: what
    divides by differences of eigenvalues divides by zero."""
    values, V = xp.linalg.eigh((x + adjoint(xp, x)) / 2)
    squares = xp.astype(values * values, V.dtype)
    return weighted(xp, xp.matmul(V * squares[None, :], adjoint(xp, V)))


@hermitian_square_by_equal_eigenvalues.gradient
def _(xp, x):
    S = (x + adjoint(xp, x)) / 2  # node 1
    d_F = complex_weights(xp, (3, 3))  # node 3 input: f = Re Σ W̄ F, with node 2: F = S S
    d_S = xp.matmul(d_F, S) + xp.matmul(S, d_F)  # node 2 input; S is its own adjoint
    return ((d_S + adjoint(xp, d_S)) / 2,)  # node 1 input


@function(x=SeparatedSpectrum((3, 3), is_complex=True), points=SPECTRA)
def squared_moduli_of_eigenvectors(xp, x):
    """f(x) = Σ W ∘ |V|², V Λ Vᴴ = S = ½ (x + xᴴ)

    x: 3x3. The moduli do not depend on the phases of the eigenvectors."""
    _, V = xp.linalg.eigh((x + adjoint(xp, x)) / 2)
    return xp.sum(weights(xp, (3, 3)) * xp.real(V * xp.conj(V)))


@squared_moduli_of_eigenvectors.gradient
def _(xp, x):
    values, V = xp.linalg.eigh((x + adjoint(xp, x)) / 2)  # node 1: S, node 2: V
    H, eye = adjoint(xp, V), xp.eye(3)
    d_V = 2 * weights(xp, (3, 3)) * V  # node 3 input
    gaps = values[None, :] - values[:, None] + eye
    d_S = xp.matmul(xp.matmul(V, xp.matmul(H, d_V) * (1 - eye) / gaps), H)  # node 2 input, as above
    return ((d_S + adjoint(xp, d_S)) / 2,)  # node 1 input


@function(
    x=SeparatedSpectrum((3, 3), symmetric=True, is_complex=True),
    points=[dict(x=[[4.0, 1 - 1j, -0.5j], [1 + 1j, 2.0, 0.25 + 0.5j], [0.5j, 0.25 - 0.5j, -1.0]])],
)
def hermitian_eigenvalues_from_lower_triangle(xp, x):
    """f(x) = Σ w λ, λ the eigenvalues of the Hermitian matrix whose lower triangle is that of x

    x: 3x3, Hermitian. The standard leaves open what is done with the other triangle. Here, as in LAPACK, neither it
    nor the imaginary part of the diagonal is read: an entry below the diagonal speaks for two, one above for none."""
    return xp.sum(weights(xp, (3,)) * xp.linalg.eigvalsh(x))


@hermitian_eigenvalues_from_lower_triangle.gradient
def _(xp, x):
    _, V = xp.linalg.eigh(x)  # node 1: S from the lower triangle, node 2: λ
    d_S = xp.matmul(V * weights(xp, (3,)), adjoint(xp, V))  # node 3 and 2 input, Hermitian
    # Node 1 input: sᵢⱼ is xᵢⱼ and sⱼᵢ its conjugate, i > j; sᵢᵢ is Re xᵢᵢ.
    return (2 * xp.tril(d_S, k=-1) + xp.real(d_S) * xp.eye(3),)


@function(
    A=WellConditioned((3, 2), is_complex=True),
    points=[
        dict(A=[[2 + 1j, -0.5j], [0.75, -3j], [-0.125j, 0.5]]),
        dict(A=[[0.0, 1.0], [0.0, 0.5j], [-2j, 4.0]]),
        dict(A=[[1.0, 1j], [1j, -1.0 - 2.0**-6], [0.0, 0.0]]),  # nearly of rank 1
        dict(A=[[0.25, 0.0], [0.0, 0.25j], [0.0, 0.0]]),  # equal singular values: a smooth point all the same
    ],
)
def complex_pseudoinverse(xp, A):
    """f(A) = Re Σ V̄ ∘ A⁺

    A: 3x2 or another shape or a stack, of full rank. Golub and Pereyra, SIAM Journal on Numerical Analysis 10 (1973),
    equation 4.12, with adjoints."""
    return weighted(xp, xp.linalg.pinv(A))


@complex_pseudoinverse.gradient
def _(xp, A):
    m, n = A.shape[-2:]
    P = xp.linalg.pinv(A)  # node 1
    G = complex_weights(xp, P.shape)  # node 2 input: f = Re Σ V̄ P
    T, H = adjoint(xp, P), adjoint(xp, G)
    # Node 1 input: dP = -P dA P + P Pᴴ dAᴴ (1 - A P) + (1 - P A) dAᴴ Pᴴ P, each term turned around under the trace.
    d_A = -xp.matmul(xp.matmul(T, G), T)
    d_A = d_A + xp.matmul(xp.eye(m) - xp.matmul(A, P), xp.matmul(H, xp.matmul(P, T)))
    d_A = d_A + xp.matmul(xp.matmul(xp.matmul(T, P), H), xp.eye(n) - xp.matmul(P, A))
    return (d_A,)


complex_pseudoinverse.variant("wide", A=WellConditioned((2, 3), is_complex=True))
complex_pseudoinverse.variant("stacked", A=WellConditioned((2, 1, 3, 2), is_complex=True))
