"""Products, solves and determinants of matrices. The rules follow from d tr(WᵀX) = tr(Wᵀ dX), as in Giles, "Collected
matrix derivative results for forward and reverse mode algorithmic differentiation" (2008)."""

from gradproof import RankDeficient, Reals, WellConditioned, function, weights


@function(
    x=Reals((3,)),
    A=Reals((3, 4)),
    y=Reals((4,)),
    points=[
        dict(
            x=[0.5, -1.25, 2.0],
            A=[[1.0, -0.5, 0.25, 2.0], [-1.5, 0.75, 3.0, -0.125], [0.625, 1.25, -2.0, 0.375]],
            y=[0.75, -2.0, 1.5, 0.25],
        ),
        dict(x=[0.0, 1.0, 0.0], A=[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [9.0, 10.0, 11.0, 12.0]], y=[0.0] * 4),
        dict(x=[1.0, 1.0, -2.0], A=[[1000.0, -1.0, 0.5, 2.0]] * 3, y=[1.0, 1000.0, -0.25, 2.0]),  # xᵀA = 0
    ],
)
def bilinear_form(xp, x, A, y):
    """f(x, A, y) = xᵀ A y

    x: 3, A: 3x4, y: 4."""
    row, column = xp.reshape(x, (1, 3)), xp.reshape(y, (4, 1))
    return xp.reshape(row @ (A @ column), ())


@bilinear_form.gradient
def _(xp, x, A, y):
    row, column = xp.reshape(x, (1, 3)), xp.reshape(y, (4, 1))
    v = A @ column  # node 1, (3, 1)
    # f = row v        node 2
    d_f = 1
    d_row = xp.matrix_transpose(v) * d_f  # node 2 input
    d_v = xp.matrix_transpose(row) * d_f  # node 2 input
    d_A = d_v @ xp.matrix_transpose(column)  # node 1 input
    d_column = xp.matrix_transpose(A) @ d_v  # node 1 input
    return xp.reshape(d_row, (3,)), d_A, xp.reshape(d_column, (4,))


@function(
    A=Reals((3, 4)),
    B=Reals((4, 2)),
    points=[
        dict(
            A=[[1.0, -0.5, 0.25, 2.0], [-1.5, 0.75, 3.0, -0.125], [0.625, 1.25, -2.0, 0.375]],
            B=[[0.75, -2.0], [1.5, 0.25], [-0.5, 1.125], [2.5, -0.875]],
        ),
        dict(A=[[0.0] * 4] * 3, B=[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]),
        dict(
            A=[[1.0, -1.0, 1000.0, 40.0], [0.5] * 4, [2.0**-20] * 4],
            B=[[1.0, 0.0], [1.0, 0.0], [0.5, 40.0], [-2.0, 3.0]],
        ),
    ],
)
def matrix_product(xp, A, B):
    """f(A, B) = Σ W ∘ (A B)

    A: 3x4, B: 4x2."""
    return xp.sum(weights(xp, (3, 2)) * (A @ B))


@matrix_product.gradient
def _(xp, A, B):
    d_C = weights(xp, (3, 2))  # node 2 input: f = Σ W ∘ C, with node 1: C = A B
    d_A = d_C @ xp.matrix_transpose(B)  # node 1 input
    d_B = xp.matrix_transpose(A) @ d_C  # node 1 input
    return d_A, d_B


@function(
    A=WellConditioned((3, 3)),
    B=Reals((3, 2)),
    points=[
        dict(A=[[2.0, -0.5, 0.25], [0.75, -3.0, 1.0], [-0.125, 0.5, 1.5]], B=[[0.5, -1.25], [2.0, 0.75], [-0.25, 3.0]]),
        dict(  # zeros on the diagonal: only pivoting gets past them
            A=[[0.0, 2.0, 0.5], [4.0, 0.0, 0.25], [1.0, -0.5, 0.5]], B=[[1.0, 0.0], [-2.0, 1.5], [0.5, 40.0]]
        ),
        dict(A=[[1.0, 0.0, 0.0], [0.0, -2.0, 0.0], [0.0, 0.0, 0.5]], B=[[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]]),
    ],
)
def linear_solve(xp, A, B):
    """f(A, B) = Σ W ∘ (A⁻¹ B)

    A: 3x3, B: 3x2."""
    return xp.sum(weights(xp, (3, 2)) * xp.linalg.solve(A, B))


@linear_solve.gradient
def _(xp, A, B):
    X = xp.linalg.solve(A, B)  # node 1
    d_X = weights(xp, (3, 2))  # node 2 input: f = Σ W ∘ X
    d_B = xp.linalg.solve(xp.matrix_transpose(A), d_X)  # node 1 input: dX = A⁻¹ dB
    d_A = -(d_B @ xp.matrix_transpose(X))  # node 1 input: A X = B, so dX = -A⁻¹ dA X
    return d_A, d_B


@function(
    A=WellConditioned((4, 4)),
    points=[
        dict(A=[[3.0, -0.5, 0.25, 1.0], [0.75, -2.5, 1.0, -0.25], [-0.125, 0.5, 1.5, 0.375], [1.0, -0.75, 0.5, 4.0]]),
        dict(A=[[0.0, 2.0, 0.0, 0.25], [1.0, 0.0, 0.5, 0.0], [0.0, 0.25, 0.0, 3.0], [0.5, 0.0, 1.5, 0.0]]),  # pivots
        dict(A=[[1.0, 0.0, 0.0, 0.0], [0.0, -2.0, 0.0, 0.0], [0.0, 0.0, 0.5, 0.0], [0.0, 0.0, 0.0, 4.0]]),
    ],
)
def log_determinant(xp, A):
    """f(A) = log |det A|

    A: 4x4, of either sign of the determinant."""
    return xp.linalg.slogdet(A)[1]


@log_determinant.gradient
def _(xp, A):
    d_f = 1
    d_A = xp.matrix_transpose(xp.linalg.inv(A)) * d_f  # Jacobi: d det A = det A tr(A⁻¹ dA), hence d log |det A|
    return (d_A,)


@function(
    A=WellConditioned((3, 3)),
    b=Reals((3,)),
    points=[
        dict(A=[[2.0, -0.5, 0.25], [0.75, -3.0, 1.0], [-0.125, 0.5, 1.5]], b=[0.5, -1.25, 2.0]),
        dict(A=[[0.0, 2.0, 0.5], [4.0, 0.0, 0.25], [1.0, -0.5, 0.5]], b=[1.0, 0.0, 40.0]),  # pivots
    ],
)
def linear_solve_for_vector(xp, A, b):
    """f(A, b) = Σ w ∘ (A⁻¹ b)

    A: 3x3, b: 3."""
    return xp.sum(weights(xp, (3,)) * xp.linalg.solve(A, b))


@linear_solve_for_vector.gradient
def _(xp, A, b):
    x = xp.linalg.solve(A, b)  # node 1
    d_x = weights(xp, (3,))  # node 2 input: f = Σ w ∘ x
    d_b = xp.linalg.solve(xp.matrix_transpose(A), d_x)  # node 1 input: dx = A⁻¹ db
    d_A = -(d_b[:, None] * x[None, :])  # node 1 input: dx = -A⁻¹ dA x
    return d_A, d_b


@function(
    A=WellConditioned((2, 2, 2)),
    B=Reals((2, 2, 3)),
    points=[
        dict(
            A=[[[2.0, -0.5], [0.75, -3.0]], [[0.0, 2.0], [4.0, 0.5]]],  # pivots in the second
            B=[[[0.5, -1.25, 2.0], [0.75, -0.25, 3.0]], [[1.0, 0.0, -2.0], [1.5, 0.5, 40.0]]],
        )
    ],
)
def linear_solves(xp, A, B):
    """f(A, B) = Σ W ∘ (A⁻¹ B), a system for each matrix of the stack

    A: 2x2x2, B: 2x2x3."""
    return xp.sum(weights(xp, (2, 2, 3)) * xp.linalg.solve(A, B))


@linear_solves.gradient
def _(xp, A, B):
    X = xp.linalg.solve(A, B)  # node 1
    d_X = weights(xp, (2, 2, 3))  # node 2 input: f = Σ W ∘ X
    d_B = xp.linalg.solve(xp.matrix_transpose(A), d_X)  # node 1 input
    return -xp.matmul(d_B, xp.matrix_transpose(X)), d_B  # node 1 input: A X = B, so dX = -A⁻¹ dA X


@function(
    A=WellConditioned((2, 1, 2, 2)),
    B=Reals((3, 2, 1)),
    points=[
        dict(
            A=[[[[2.0, -0.5], [0.75, -3.0]]], [[[0.0, 2.0], [4.0, 0.5]]]],  # pivots in the second
            B=[[[0.5], [-1.25]], [[2.0], [0.75]], [[1.5], [40.0]]],
        )
    ],
)
def linear_solves_of_all_with_all(xp, A, B):
    """f(A, B) = Σ W ∘ (A⁻¹ B), each matrix with each right-hand side

    A: 2x1x2x2, B: 3x2x1, both stretched to a stack of 2x3 systems."""
    return xp.sum(weights(xp, (2, 3, 2, 1)) * xp.linalg.solve(A, B))


@linear_solves_of_all_with_all.gradient
def _(xp, A, B):
    X = xp.linalg.solve(A, B)  # node 1, (2, 3, 2, 1)
    d_X = weights(xp, (2, 3, 2, 1))  # node 2 input: f = Σ W ∘ X
    each_B = xp.linalg.solve(xp.matrix_transpose(A), d_X)  # node 1 input, for each system of its own
    d_A = -xp.sum(xp.matmul(each_B, xp.matrix_transpose(X)), axis=1, keepdims=True)  # A served the 3 right-hand sides
    d_B = xp.sum(each_B, axis=0)  # B served the 2 matrices
    return d_A, d_B


@function(
    A=WellConditioned((3, 3)),
    points=[
        dict(A=[[2.0, -0.5, 0.25], [0.75, -3.0, 1.0], [-0.125, 0.5, 1.5]]),
        dict(A=[[0.0, 2.0, 0.5], [4.0, 0.0, 0.25], [1.0, -0.5, 0.5]]),  # pivots
        dict(A=[[1.0, 1.0, 0.0], [1.0, 1.0 + 2.0**-10, 0.0], [0.0, 0.0, 1024.0]]),  # nearly singular, mixed scales
    ],
)
def inverse(xp, A):
    """f(A) = Σ W ∘ A⁻¹

    A: 3x3 or a stack of such."""
    return xp.sum(weights(xp, A.shape) * xp.linalg.inv(A))


@inverse.gradient
def _(xp, A):
    P = xp.matrix_transpose(xp.linalg.inv(A))  # node 1, transposed
    d_X = weights(xp, A.shape)  # node 2 input: f = Σ W ∘ X
    return (-xp.matmul(xp.matmul(P, d_X), P),)  # node 1 input: dX = -A⁻¹ dA A⁻¹ (The Matrix Cookbook, equation 59)


inverse.variant("stacked", A=WellConditioned((1, 3, 2, 2)))
inverse.variant("number", A=WellConditioned((1, 1)))


@function(
    A=WellConditioned((3, 3)),
    points=[
        dict(A=[[2.0, -0.5, 0.25], [0.75, -3.0, 1.0], [-0.125, 0.5, 1.5]]),
        dict(A=[[0.0, 2.0, 0.5], [4.0, 0.0, 0.25], [1.0, -0.5, 0.5]]),  # pivots
    ],
)
def determinant(xp, A):
    """f(A) = Σ w det A

    A: 3x3 or a stack of such, invertible (Jacobi; The Matrix Cookbook, equation 49)."""
    d = xp.linalg.det(A)
    return xp.sum(weights(xp, d.shape) * d)


@determinant.gradient
def _(xp, A):
    d = xp.linalg.det(A)  # node 1
    d_d = weights(xp, A.shape[:-2])  # node 2 input: f = Σ w d
    return (xp.matrix_transpose(xp.linalg.inv(A)) * (d * d_d)[..., None, None],)  # node 1 input: dd = d tr(A⁻¹ dA)


determinant.variant("stacked", A=WellConditioned((2, 1, 3, 3)))


@function(
    A=RankDeficient((3, 3)),
    points=[
        dict(A=[[1.0, 0.0, 2.0], [0.0, 1.0, 1.0], [1.0, 1.0, 3.0]]),  # the last pivot is 0 without rounding
        dict(A=[[2.0, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.0]]),  # one cofactor alone is not 0
    ],
)
def determinant_of_singular(xp, A):
    """f(A) = w det A, at matrices of rank 2

    A: 3x3. The derivative for an entry is its cofactor, which is there for a singular matrix too; det A · A⁻ᵀ is not
    (Magnus and Neudecker, Matrix Differential Calculus, section 8.3)."""
    return weights(xp, ()) * xp.linalg.det(A)


@determinant_of_singular.gradient
def _(xp, A):
    a, b, c = A[0], A[1], A[2]
    d_d = weights(xp, ())  # node 2 input: f = w d
    # Node 1 input: d = a · (b × c) = b · (c × a) = c · (a × b), so each row's cofactors are the product of the others.
    return (xp.stack([xp.linalg.cross(b, c), xp.linalg.cross(c, a), xp.linalg.cross(a, b)]) * d_d,)


@function(
    A=WellConditioned((3, 2, 2)),
    points=[
        dict(A=[[[2.0, -0.5], [0.25, 3.0]], [[0.0, 2.0], [4.0, 0.5]], [[-1.5, 0.5], [1.0, 0.75]]]),
        dict(A=[[[1.0, 0.0], [0.0, 1.0]], [[-1.0, 0.0], [0.0, 1.0]], [[40.0, 1.0], [0.5, 2.0**-10]]]),
    ],
)
def signed_root_of_determinant(xp, A):
    """f(A) = Σ w s √|d|, |d| = exp(g), (s, g) = (sign det A, log |det A|)

    A: three matrices 2x2, of either sign of the determinant. The sign is constant around each."""
    s, g = xp.linalg.slogdet(A)
    return xp.sum(weights(xp, (3,)) * s * xp.exp(g / 2))


@signed_root_of_determinant.gradient
def _(xp, A):
    s, g = xp.linalg.slogdet(A)  # node 1
    # r = exp(g / 2)  node 2
    # f = Σ w s r     node 3
    d_r = weights(xp, (3,)) * s  # node 3 input
    d_g = xp.exp(g / 2) / 2 * d_r  # node 2 input
    return (xp.matrix_transpose(xp.linalg.inv(A)) * d_g[:, None, None],)  # node 1 input: Jacobi, as above


@function(
    A=WellConditioned((3, 3)),
    points=[
        dict(A=[[2.0, -0.5, 0.25], [0.75, -3.0, 1.0], [-0.125, 0.5, 1.5]]),
        dict(A=[[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),  # a permutation: the third power is 1
    ],
)
def power_of_matrix(xp, A, *, n=3):
    """f(A) = Σ W ∘ Aⁿ

    A: 3x3 or a stack of such; a negative n is a power of the inverse."""
    return xp.sum(weights(xp, A.shape) * xp.linalg.matrix_power(A, n))


@power_of_matrix.gradient
def _(xp, A, *, n=3):
    B = xp.linalg.inv(A) if n < 0 else A  # node 1
    T, identity = xp.matrix_transpose(B), xp.broadcast_to(xp.eye(A.shape[-1]), A.shape)
    d_P = weights(xp, A.shape)  # node 3 input: f = Σ W ∘ P
    powers = [identity]
    for _ in range(abs(n)):
        powers += [xp.matmul(powers[-1], T)]
    d_B = xp.zeros_like(A)
    for k in range(abs(n)):  # node 2 input: dP = Σₖ Bᵏ dB Bⁿ⁻¹⁻ᵏ, one term for each factor
        d_B = d_B + xp.matmul(xp.matmul(powers[k], d_P), powers[abs(n) - 1 - k])
    return (-xp.matmul(xp.matmul(T, d_B), T) if n < 0 else d_B,)  # node 1 input: dB = -B dA B


power_of_matrix.variant("zero", A=WellConditioned((3, 3), flat=True), n=0)
power_of_matrix.variant("one", n=1)
power_of_matrix.variant("inverse", n=-1)
power_of_matrix.variant("inverse_square", n=-2)
power_of_matrix.variant("stacked", A=WellConditioned((2, 3, 2, 2)), n=5)
