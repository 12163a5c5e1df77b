"""Products, solves and determinants of complex matrices. With the gradient ∂f/∂Re + i ∂f/∂Im the differential is
df = Re tr(d_Aᴴ dA), so that every rule for real matrices holds with the conjugate transpose in place of the transpose
(Hjørungnes, Complex-Valued Matrix Derivatives, 2011, chapter 3). Each array is contracted to Re Σ V̄ ∘ C with complex
weights V."""

from gradproof import Complex, RankDeficient, WellConditioned, complex_weights, function, weights
from gradproof.registry.complex_matrices import adjoint, weighted

WIDE = [[1 + 0.5j, -2j, 0.25, 1.5 - 1j], [0.75 - 1j, 1.5, -1 + 1j, 0.125j], [-0.5 + 2j, 0.625, 3j, -1.25 - 0.375j]]
TALL = [[0.75 + 1j, -2.0], [1.5j, 0.25 - 0.5j], [-0.5 + 0.25j, 1.125 - 1j], [2.5, -0.875 + 2j]]


@function(
    A=Complex((3, 4), low=-1024.0, high=1024.0),
    B=Complex((4, 2), low=-1024.0, high=1024.0),
    points=[
        dict(A=WIDE, B=TALL),
        dict(A=[[0.0] * 4, [1j] * 4, [1.0, -1.0, 1j, -1j]], B=[[1.0, 1j], [1.0, -1j], [1j, 1.0], [1j, 0.0]]),  # zeros
    ],
)
def complex_matrix_product(xp, A, B):
    """f(A, B) = Re Σ V̄ ∘ (A B)

    A: 3x4, B: 4x2, or stacks of such."""
    return weighted(xp, xp.matmul(A, B))


@complex_matrix_product.gradient
def _(xp, A, B):
    d_C = complex_weights(xp, (*A.shape[:-1], B.shape[-1]))  # node 2 input: f = Re Σ V̄ C, with node 1: C = A B
    return xp.matmul(d_C, adjoint(xp, B)), xp.matmul(adjoint(xp, A), d_C)  # node 1 input


complex_matrix_product.variant(
    "stacked", A=Complex((2, 3, 1), low=-1024.0, high=1024.0), B=Complex((2, 1, 2), low=-1024.0, high=1024.0)
)


@function(
    A=Complex((4, 3), low=-1024.0, high=1024.0),
    B=Complex((4, 2), low=-1024.0, high=1024.0),
    points=[
        dict(A=[[1 + 0.5j, -2j, 0.25], [1.5 - 1j, 0.75, 1.5j], [-1 + 1j, 0.125j, -0.5], [0.625, 3j, -1.25]], B=TALL),
        dict(A=[[1.0, 1j, 0.0]] * 4, B=[[1.0, 1j], [1.0, -1j], [-1.0, 1.0], [-1.0, -1.0]]),  # orthogonal columns
    ],
)
def complex_adjoint_product(xp, A, B):
    """f(A, B) = Re Σ V̄ ∘ (Aᴴ B)

    A: 4x3, B: 4x2, or stacks of such."""
    return weighted(xp, xp.matmul(adjoint(xp, A), B))


@complex_adjoint_product.gradient
def _(xp, A, B):
    d_C = complex_weights(xp, (*A.shape[:-2], A.shape[-1], B.shape[-1]))  # node 3 input: f = Re Σ V̄ C
    d_H = xp.matmul(d_C, adjoint(xp, B))  # node 2 input: C = H B
    d_B = xp.matmul(A, d_C)  # node 2 input
    return adjoint(xp, d_H), d_B  # node 1 input: H = Aᴴ


complex_adjoint_product.variant(
    "stacked", A=Complex((2, 1, 3), low=-1024.0, high=1024.0), B=Complex((2, 1, 2), low=-1024.0, high=1024.0)
)

INVERTIBLE = [[2 + 1j, -0.5j, 0.25], [0.75 - 1j, -3j, 1.0], [-0.125, 0.5 + 0.25j, 1.5 - 1j]]
PIVOTING = [[0.0, 2j, 0.5], [4 - 1j, 0.0, 0.25j], [1.0, -0.5 + 0.5j, 0.5]]
DIAGONAL = [[1j, 0.0, 0.0], [0.0, -2.0, 0.0], [0.0, 0.0, 0.5 - 0.5j]]


@function(
    A=WellConditioned((3, 3), is_complex=True),
    B=Complex((3, 2), low=-1024.0, high=1024.0),
    points=[
        dict(A=INVERTIBLE, B=[[0.5 + 1j, -1.25], [2j, 0.75 - 0.5j], [-0.25, 3 + 2j]]),
        dict(A=PIVOTING, B=[[1.0, 0.0], [-2j, 1.5], [0.5, 40j]]),  # zeros on the diagonal: only pivoting gets past them
        dict(A=DIAGONAL, B=[[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]),
    ],
)
def complex_linear_solve(xp, A, B):
    """f(A, B) = Re Σ V̄ ∘ (A⁻¹ B)

    A: 3x3, B: 3x2, or stacks of such."""
    return weighted(xp, xp.linalg.solve(A, B))


@complex_linear_solve.gradient
def _(xp, A, B):
    X = xp.linalg.solve(A, B)  # node 1
    d_X = complex_weights(xp, X.shape)  # node 2 input: f = Re Σ V̄ X
    d_B = xp.linalg.solve(adjoint(xp, A), d_X)  # node 1 input: dX = A⁻¹ dB
    return -xp.matmul(d_B, adjoint(xp, X)), d_B  # node 1 input: A X = B, so dX = -A⁻¹ dA X


complex_linear_solve.variant(
    "stacked", A=WellConditioned((2, 2, 2), is_complex=True), B=Complex((2, 2, 3), low=-1024.0, high=1024.0)
)


@function(
    A=WellConditioned((3, 3), is_complex=True),
    b=Complex((3,), low=-1024.0, high=1024.0),
    points=[dict(A=INVERTIBLE, b=[0.5 + 1j, -1.25, 2j]), dict(A=PIVOTING, b=[1.0, 0.0, 40j])],
)
def complex_linear_solve_for_vector(xp, A, b):
    """f(A, b) = Re Σ v̄ ∘ (A⁻¹ b)

    A: 3x3, b: 3."""
    return weighted(xp, xp.linalg.solve(A, b))


@complex_linear_solve_for_vector.gradient
def _(xp, A, b):
    x = xp.linalg.solve(A, b)  # node 1
    d_x = complex_weights(xp, (3,))  # node 2 input: f = Re Σ v̄ x
    d_b = xp.linalg.solve(adjoint(xp, A), d_x)  # node 1 input: dx = A⁻¹ db
    return -(d_b[:, None] * xp.conj(x)[None, :]), d_b  # node 1 input: dx = -A⁻¹ dA x


@function(
    A=WellConditioned((3, 3), is_complex=True),
    points=[
        dict(A=INVERTIBLE),
        dict(A=PIVOTING),
        dict(A=DIAGONAL),
        dict(A=[[1.0, 1j, 0.0], [-1j, 1.0 + 2.0**-10, 0.0], [0.0, 0.0, 1024j]]),  # nearly singular, mixed scales
    ],
)
def complex_inverse(xp, A):
    """f(A) = Re Σ V̄ ∘ A⁻¹

    A: 3x3 or a stack of such."""
    return weighted(xp, xp.linalg.inv(A))


@complex_inverse.gradient
def _(xp, A):
    P = adjoint(xp, xp.linalg.inv(A))  # node 1, turned around
    d_X = complex_weights(xp, A.shape)  # node 2 input: f = Re Σ V̄ X
    return (-xp.matmul(xp.matmul(P, d_X), P),)  # node 1 input: dX = -A⁻¹ dA A⁻¹


complex_inverse.variant("stacked", A=WellConditioned((1, 3, 2, 2), is_complex=True))
complex_inverse.variant("number", A=WellConditioned((1, 1), is_complex=True))


@function(A=WellConditioned((3, 3), is_complex=True), points=[dict(A=INVERTIBLE), dict(A=PIVOTING), dict(A=DIAGONAL)])
def complex_determinant(xp, A):
    """f(A) = Re Σ v̄ det A

    A: 3x3 or a stack of such, invertible."""
    return weighted(xp, xp.linalg.det(A))


@complex_determinant.gradient
def _(xp, A):
    d = xp.linalg.det(A)  # node 1
    d_d = complex_weights(xp, A.shape[:-2])  # node 2 input: f = Re Σ v̄ d
    # Node 1 input: d is analytic in A, dd = d tr(A⁻¹ dA) (Jacobi).
    return (adjoint(xp, xp.linalg.inv(A)) * (xp.conj(d) * d_d)[..., None, None],)


complex_determinant.variant("stacked", A=WellConditioned((2, 1, 3, 3), is_complex=True))


@function(
    A=RankDeficient((3, 3), is_complex=True),
    points=[
        dict(A=[[1.0, 0.0, 2j], [0.0, 1.0, 1.0], [1j, 1.0, -1.0]]),  # the last pivot is 0 without rounding
        dict(A=[[2j, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.0]]),  # one cofactor alone is not 0
    ],
)
def complex_determinant_of_singular(xp, A):
    """f(A) = Re v̄ det A, at matrices of rank 2

    A: 3x3. The complex derivative for an entry is its cofactor, which is there for a singular matrix too."""
    return weighted(xp, xp.linalg.det(A))


@complex_determinant_of_singular.gradient
def _(xp, A):
    a, b, c = A[0], A[1], A[2]
    d_d = complex_weights(xp, ())  # node 2 input: f = Re v̄ d
    # Node 1 input: d = a · (b × c) = b · (c × a) = c · (a × b), analytic in each row.
    cofactors = xp.stack([xp.linalg.cross(b, c), xp.linalg.cross(c, a), xp.linalg.cross(a, b)])
    return (xp.conj(cofactors) * d_d,)


@function(A=WellConditioned((3, 3), is_complex=True), points=[dict(A=INVERTIBLE), dict(A=PIVOTING), dict(A=DIAGONAL)])
def complex_log_determinant(xp, A):
    """f(A) = Σ w log |det A|

    A: 3x3 or a stack of such."""
    g = xp.linalg.slogdet(A)[1]
    return xp.sum(weights(xp, g.shape) * g)


@complex_log_determinant.gradient
def _(xp, A):
    d_g = weights(xp, (*A.shape[:-2], 1, 1))  # node 2 input: f = Σ w g
    return (adjoint(xp, xp.linalg.inv(A)) * d_g,)  # node 1 input: dg = Re tr(A⁻¹ dA), the real part of d log det A


complex_log_determinant.variant("stacked", A=WellConditioned((3, 2, 2), is_complex=True))


@function(A=WellConditioned((3, 3), is_complex=True), points=[dict(A=INVERTIBLE), dict(A=PIVOTING), dict(A=DIAGONAL)])
def complex_determinant_phase(xp, A):
    """f(A) = Re Σ v̄ s, s = det A / |det A|

    A: 3x3 or a stack of such. What is a constant sign for a real matrix turns with a complex one."""
    return weighted(xp, xp.linalg.slogdet(A)[0])


@complex_determinant_phase.gradient
def _(xp, A):
    s = xp.linalg.slogdet(A)[0]  # node 1: s = exp(iφ), φ = Im log det A
    v = complex_weights(xp, s.shape)  # node 2 input: f = Re Σ v̄ s
    d_phi = -xp.imag(xp.conj(v) * s)  # node 1 input: ds = i s dφ
    d_t = xp.asarray(1j) * d_phi  # node 1 input: dφ = Im t, which has the gradient i, t = tr(A⁻¹ dA)
    return (adjoint(xp, xp.linalg.inv(A)) * d_t[..., None, None],)  # node 1 input


complex_determinant_phase.variant("stacked", A=WellConditioned((3, 2, 2), is_complex=True))


@function(
    A=WellConditioned((3, 3), is_complex=True),
    points=[
        dict(A=INVERTIBLE),
        dict(A=[[0.0, 1j, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),  # the third power is i
    ],
)
def complex_power_of_matrix(xp, A, *, n=3):
    """f(A) = Re Σ V̄ ∘ Aⁿ

    A: 3x3 or a stack of such; a negative n is a power of the inverse."""
    return weighted(xp, xp.linalg.matrix_power(A, n))


@complex_power_of_matrix.gradient
def _(xp, A, *, n=3):
    B = xp.linalg.inv(A) if n < 0 else A  # node 1
    H, identity = adjoint(xp, B), xp.broadcast_to(xp.astype(xp.eye(A.shape[-1]), A.dtype), A.shape)
    d_P = complex_weights(xp, A.shape)  # node 3 input: f = Re Σ V̄ P
    powers = [identity]
    for _ in range(abs(n)):
        powers += [xp.matmul(powers[-1], H)]
    d_B = xp.zeros_like(A)
    for k in range(abs(n)):  # node 2 input: dP = Σₖ Bᵏ dB Bⁿ⁻¹⁻ᵏ, one term for each factor
        d_B = d_B + xp.matmul(xp.matmul(powers[k], d_P), powers[abs(n) - 1 - k])
    return (-xp.matmul(xp.matmul(H, d_B), H) if n < 0 else d_B,)  # node 1 input: dB = -B dA B


complex_power_of_matrix.variant("zero", A=WellConditioned((3, 3), is_complex=True, flat=True), n=0)
complex_power_of_matrix.variant("inverse_square", n=-2)
complex_power_of_matrix.variant("stacked", A=WellConditioned((2, 3, 2, 2), is_complex=True), n=4)
