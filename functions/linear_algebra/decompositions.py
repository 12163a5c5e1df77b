"""Cholesky, QR, symmetric eigenvalue and singular value decompositions, and the pseudoinverse. What may be chosen in a
decomposition, the sign of an eigenvector, of a column of Q with its row of R, of a pair of singular vectors, no
function here depends on: each uses products in which it cancels. Factorizations of symmetric matrices get
S = ½ (x + xᵀ), so that it does not matter which triangle a library reads; one entry shows what happens without. The
rules follow from the differentials of what defines the factors, as in Giles, "Collected matrix derivative results for
forward and reverse mode algorithmic differentiation" (2008)."""

from gradproof import MultipleOfIdentity, PositiveDefinite, Reals, SeparatedSpectrum, WellConditioned, function, weights


@function(
    x=PositiveDefinite((3, 3)),
    points=[
        dict(x=[[4.0, 1.0, -0.5], [1.0, 3.0, 0.25], [-0.5, 0.25, 2.0]]),
        dict(x=[[4.0, 2.5, -1.0], [-0.5, 3.0, 0.75], [0.0, -0.25, 2.0]]),  # not symmetric itself
        dict(x=[[1.0, 0.0, 0.0], [0.0, 2.0**-10, 0.0], [0.0, 0.0, 1024.0]]),
        dict(x=[[1.0, 1.0, 0.0], [1.0, 1.0 + 2.0**-10, 0.0], [0.0, 0.0, 1.0]]),  # nearly singular
    ],
)
def cholesky_factor(xp, x, *, upper=False):
    """f(x) = Σ W ∘ L, L Lᵀ = ½ (x + xᵀ)

    x: 3x3 or a stack of such; with upper=True the factor is Lᵀ. Murray, arXiv:1602.07527, equation 10."""
    L = xp.linalg.cholesky((x + xp.matrix_transpose(x)) / 2, upper=upper)
    return xp.sum(weights(xp, x.shape) * L)


@cholesky_factor.gradient
def _(xp, x, *, upper=False):
    L = xp.linalg.cholesky((x + xp.matrix_transpose(x)) / 2)  # node 1: S, node 2: L
    W = weights(xp, x.shape)
    d_L = xp.tril(xp.matrix_transpose(W) if upper else W)  # node 3 input: f = Σ W ∘ L, or Σ W ∘ Lᵀ
    # Node 2 input: dS = dL Lᵀ + L dLᵀ, so L⁻¹ dL = Φ(L⁻¹ dS L⁻ᵀ), where Φ keeps the lower triangle and halves the
    # diagonal. Backwards d_S = L⁻ᵀ Φ(Lᵀ d_L) L⁻¹.
    lower = xp.tril(xp.matmul(xp.matrix_transpose(L), d_L))
    phi = lower - lower * xp.eye(3) / 2
    P = xp.linalg.inv(L)
    d_S = xp.matmul(xp.matmul(xp.matrix_transpose(P), phi), P)
    return ((d_S + xp.matrix_transpose(d_S)) / 2,)  # node 1 input


cholesky_factor.variant("upper", upper=True)
cholesky_factor.variant("stacked", x=PositiveDefinite((2, 1, 3, 3)))


@function(
    A=WellConditioned((3, 2)),
    points=[
        dict(A=[[2.0, -0.5], [0.75, -3.0], [-0.125, 0.5]]),
        dict(A=[[0.0, 1.0], [0.0, 0.5], [-2.0, 40.0]]),  # only the last row of the first column
        dict(A=[[1.0, 1.0], [1.0, 1.0 + 2.0**-10], [0.0, 0.0]]),  # nearly parallel columns
    ],
)
def orthogonal_factors(xp, A):
    """f(A) = Σᵢⱼₖ wᵢⱼₖ qᵢⱼ rⱼₖ, A = Q R

    A: 3x2, or any matrix with no more columns than rows; Q: orthonormal columns, R: upper triangular. Each product has
    one entry of a column of Q and one of its row of R, whose signs change together. Walter and Lehmann, "On evaluating
    higher-order derivatives of the QR decomposition" (2010), theorem 3.2."""
    Q, R = xp.linalg.qr(A)
    return xp.sum(weights(xp, (*Q.shape, R.shape[-1])) * Q[..., None] * R[..., None, :, :])


@orthogonal_factors.gradient
def _(xp, A):
    Q, R = xp.linalg.qr(A)  # node 1
    W = weights(xp, (*Q.shape, R.shape[-1]))
    d_Q = xp.sum(W * R[..., None, :, :], axis=-1)  # node 2 input
    d_R = xp.triu(xp.sum(W * Q[..., None], axis=-3))  # node 2 input; below its diagonal R is 0 whatever A is
    # Node 1 input: dA = dQ R + Q dR. With C = Qᵀ dA R⁻¹ = Qᵀ dQ + dR R⁻¹, of which the first is antisymmetric and the
    # second upper triangular, the lower triangle of C gives Qᵀ dQ. Backwards: with M = R d_Rᵀ - d_Qᵀ Q, its lower
    # triangle copied to the upper one.
    M = xp.matmul(R, xp.matrix_transpose(d_R)) - xp.matmul(xp.matrix_transpose(d_Q), Q)
    copied = xp.tril(M) + xp.matrix_transpose(xp.tril(M, k=-1))
    d_A = xp.matmul(d_Q + xp.matmul(Q, copied), xp.matrix_transpose(xp.linalg.inv(R)))
    return (d_A,)


orthogonal_factors.variant("square", A=WellConditioned((3, 3)))
orthogonal_factors.variant("stacked", A=WellConditioned((2, 1, 3, 2)))


@function(
    A=WellConditioned((2, 2)),
    B=Reals((2, 3), low=-8.0, high=8.0),
    points=[dict(A=[[2.0, -0.5], [0.75, -3.0]], B=[[1.5, 0.25, -2.0], [-0.75, 1.0, 0.5]])],
)
def orthogonal_factors_of_wide(xp, A, B):
    """f(A, B) = Σᵢⱼₖ wᵢⱼₖ qᵢⱼ rⱼₖ, (A B) = Q R

    A: 2x2, B: 2x3: more columns than rows, the first of them linearly independent."""
    Q, R = xp.linalg.qr(xp.concat([A, B], axis=-1))
    return xp.sum(weights(xp, (2, 2, 5)) * Q[:, :, None] * R[None, :, :])


@orthogonal_factors_of_wide.gradient
def _(xp, A, B):
    Q, T = xp.linalg.qr(A)  # node 1: Q and the triangle T in front
    V = xp.matmul(xp.matrix_transpose(Q), B)  # node 2: the rest of R = (T V), so that Q V = B
    W = weights(xp, (2, 2, 5))
    d_R = xp.sum(W * Q[:, :, None], axis=0)  # node 3 input
    d_T, d_V = xp.triu(d_R[:, :2]), d_R[:, 2:]
    d_Q = xp.sum(W * xp.concat([T, V], axis=1)[None, :, :], axis=2)  # node 3 input
    d_B = xp.matmul(Q, d_V)  # node 2 input
    d_Q = d_Q + xp.matmul(B, xp.matrix_transpose(d_V))  # node 2 input
    M = xp.matmul(T, xp.matrix_transpose(d_T)) - xp.matmul(xp.matrix_transpose(d_Q), Q)  # node 1 input, as above
    copied = xp.tril(M) + xp.matrix_transpose(xp.tril(M, k=-1))
    d_A = xp.matmul(d_Q + xp.matmul(Q, copied), xp.matrix_transpose(xp.linalg.inv(T)))
    return d_A, d_B


SPECTRA = [
    dict(x=[[2.0, -0.5, 0.25], [0.75, -3.0, 1.0], [-0.125, 0.5, 0.5]]),
    dict(x=[[3.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 0.0]]),  # the vectors are the axes, and one value is 0
    dict(x=[[1.0, 0.25, 0.0], [-0.25, 1.0 + 2.0**-10, 0.0], [0.0, 0.0, 3.0]]),  # two values nearly equal
]


@function(
    x=SeparatedSpectrum((3, 3)),
    points=SPECTRA,
)
def symmetric_eigenvalues(xp, x):
    """f(x) = Σ w λ + ½ Σ λ², λ the eigenvalues of S = ½ (x + xᵀ), ascending

    x: 3x3 or a stack of such."""
    values = xp.linalg.eigvalsh((x + xp.matrix_transpose(x)) / 2)
    return xp.sum(weights(xp, values.shape) * values) + xp.sum(values * values) / 2


@symmetric_eigenvalues.gradient
def _(xp, x):
    values, V = xp.linalg.eigh((x + xp.matrix_transpose(x)) / 2)  # node 1: S, node 2: λ
    d_l = weights(xp, values.shape) + values  # node 3 input
    d_S = xp.matmul(V * d_l[..., None, :], xp.matrix_transpose(V))  # node 2 input: dλᵢ = vᵢᵀ dS vᵢ
    return ((d_S + xp.matrix_transpose(d_S)) / 2,)  # node 1 input


symmetric_eigenvalues.variant("stacked", x=SeparatedSpectrum((2, 1, 3, 3)))
symmetric_eigenvalues.variant("number", x=SeparatedSpectrum((1, 1)))


@function(x=SeparatedSpectrum((3, 3)), points=SPECTRA)
def function_of_symmetric_matrix(xp, x):
    """f(x) = Σ W ∘ (V exp(Λ / 4) Vᵀ), V Λ Vᵀ = S = ½ (x + xᵀ)

    x: 3x3 or a stack of such. Each eigenvector occurs twice, so that its sign does not matter."""
    values, V = xp.linalg.eigh((x + xp.matrix_transpose(x)) / 2)
    F = xp.matmul(V * xp.exp(values / 4)[..., None, :], xp.matrix_transpose(V))
    return xp.sum(weights(xp, x.shape) * F)


@function_of_symmetric_matrix.gradient
def _(xp, x):
    values, V = xp.linalg.eigh((x + xp.matrix_transpose(x)) / 2)  # node 1: S, node 2: λ and V
    e, T = xp.exp(values / 4), xp.matrix_transpose(V)  # node 3
    d_F = weights(xp, x.shape)  # node 5 input: f = Σ W ∘ F, with node 4: F = V diag(e) Vᵀ
    d_V = xp.matmul(d_F + xp.matrix_transpose(d_F), V * e[..., None, :])  # node 4 input, V on the left and the right
    d_e = xp.sum(V * xp.matmul(d_F, V), axis=-2)  # node 4 input: vᵢᵀ d_F vᵢ
    d_l = e / 4 * d_e  # node 3 input
    # Node 2 input: dλᵢ = vᵢᵀ dS vᵢ, and dvⱼ = Σᵢ vᵢ (vᵢᵀ dS vⱼ) / (λⱼ - λᵢ) over the i other than j.
    eye = xp.eye(3)
    gaps = values[..., None, :] - values[..., :, None] + eye
    inner = (1 - eye) * xp.matmul(T, d_V) / gaps + eye * d_l[..., None, :]
    d_S = xp.matmul(xp.matmul(V, inner), T)
    return ((d_S + xp.matrix_transpose(d_S)) / 2,)  # node 1 input


function_of_symmetric_matrix.variant("stacked", x=SeparatedSpectrum((2, 1, 3, 3)))


@function(
    x=MultipleOfIdentity((3, 3)),
    points=[
        dict(x=[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        dict(x=[[2.0, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 2.0]]),  # two of three
    ],
)
def square_by_equal_eigenvalues(xp, x):
    """f(x) = Σ W ∘ (V Λ² Vᵀ), V Λ Vᵀ = S = ½ (x + xᵀ)

    x: 3x3, with equal eigenvalues. The vectors are then no functions of x, but V Λ² Vᵀ is S², which is smooth: what
    divides by differences of eigenvalues divides by zero."""
    values, V = xp.linalg.eigh((x + xp.matrix_transpose(x)) / 2)
    return xp.sum(weights(xp, (3, 3)) * (V * (values * values)[None, :] @ xp.matrix_transpose(V)))


@square_by_equal_eigenvalues.gradient
def _(xp, x):
    S = (x + xp.matrix_transpose(x)) / 2  # node 1
    d_F = weights(xp, (3, 3))  # node 3 input: f = Σ W ∘ F, with node 2: F = S S
    d_S = d_F @ S + S @ d_F  # node 2 input; S is its own transpose
    return ((d_S + xp.matrix_transpose(d_S)) / 2,)  # node 1 input


@function(x=SeparatedSpectrum((3, 3)), points=SPECTRA)
def squared_eigenvectors(xp, x):
    """f(x) = Σ W ∘ V ∘ V, V Λ Vᵀ = S = ½ (x + xᵀ)

    x: 3x3. The squares do not depend on the signs of the eigenvectors."""
    _, V = xp.linalg.eigh((x + xp.matrix_transpose(x)) / 2)
    return xp.sum(weights(xp, (3, 3)) * V * V)


@squared_eigenvectors.gradient
def _(xp, x):
    values, V = xp.linalg.eigh((x + xp.matrix_transpose(x)) / 2)  # node 1: S, node 2: V
    T, eye = xp.matrix_transpose(V), xp.eye(3)
    d_V = 2 * weights(xp, (3, 3)) * V  # node 3 input
    gaps = values[None, :] - values[:, None] + eye
    d_S = V @ ((1 - eye) * (T @ d_V) / gaps) @ T  # node 2 input, as above
    return ((d_S + xp.matrix_transpose(d_S)) / 2,)  # node 1 input


@function(
    x=SeparatedSpectrum((3, 3), symmetric=True),
    points=[
        dict(x=[[4.0, 1.0, -0.5], [1.0, 3.0, 0.25], [-0.5, 0.25, 2.0]]),
        dict(x=[[2.0, 0.5, 0.0], [0.5, 1.0, 0.25], [0.0, 0.25, -3.0]]),
    ],
)
def eigenvalues_from_lower_triangle(xp, x):
    """f(x) = Σ w λ, λ the eigenvalues of the symmetric matrix whose lower triangle is that of x

    x: 3x3, symmetric. The standard leaves open what is done with the other triangle. Here, as in LAPACK, it is not
    read: an entry below the diagonal speaks for two, and one above it for none. A library that takes ½ (x + xᵀ), or
    whose gradient is made symmetric, gives the two a half each: another convention, not another slope along
    symmetric matrices."""
    return xp.sum(weights(xp, (3,)) * xp.linalg.eigvalsh(x))


@eigenvalues_from_lower_triangle.gradient
def _(xp, x):
    _, V = xp.linalg.eigh(x)  # node 1: S from the lower triangle, node 2: λ
    d_S = V * weights(xp, (3,)) @ xp.matrix_transpose(V)  # node 3 and 2 input
    return (xp.tril(d_S) + xp.tril(d_S, k=-1),)  # node 1 input: sᵢⱼ and sⱼᵢ are both xᵢⱼ, i > j


@function(
    A=WellConditioned((3, 2)),
    points=[
        dict(A=[[2.0, -0.5], [0.75, -3.0], [-0.125, 0.5]]),
        dict(A=[[0.0, 1.0], [0.0, 0.5], [-2.0, 4.0]]),
        dict(A=[[1.0, 1.0], [1.0, 1.0 + 2.0**-6], [0.0, 0.0]]),  # nearly of rank 1
        dict(A=[[0.25, 0.0], [0.0, 0.25], [0.0, 0.0]]),  # equal singular values: a smooth point all the same
    ],
)
def pseudoinverse(xp, A):
    """f(A) = Σ W ∘ A⁺

    A: 3x2 or another shape or a stack, of full rank. Golub and Pereyra, SIAM Journal on Numerical Analysis 10 (1973),
    equation 4.12."""
    P = xp.linalg.pinv(A)
    return xp.sum(weights(xp, P.shape) * P)


@pseudoinverse.gradient
def _(xp, A):
    m, n = A.shape[-2:]
    P = xp.linalg.pinv(A)  # node 1
    G = weights(xp, P.shape)  # node 2 input: f = Σ W ∘ P
    T, H = xp.matrix_transpose(P), xp.matrix_transpose(G)
    # Node 1 input: dP = -P dA P + P Pᵀ dAᵀ (1 - A P) + (1 - P A) dAᵀ Pᵀ P, each term turned around under the trace.
    d_A = -xp.matmul(xp.matmul(T, G), T)
    d_A = d_A + xp.matmul(xp.eye(m) - xp.matmul(A, P), xp.matmul(H, xp.matmul(P, T)))
    d_A = d_A + xp.matmul(xp.matmul(xp.matmul(T, P), H), xp.eye(n) - xp.matmul(P, A))
    return (d_A,)


pseudoinverse.variant("wide", A=WellConditioned((2, 3)))
pseudoinverse.variant("square", A=WellConditioned((3, 3)))
pseudoinverse.variant("stacked", A=WellConditioned((2, 1, 3, 2)))
