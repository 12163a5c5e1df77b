"""Products, solves and determinants of matrices. The rules follow from d tr(WᵀX) = tr(Wᵀ dX), as in Giles, "Collected
matrix derivative results for forward and reverse mode algorithmic differentiation" (2008)."""

from functions import Reals, WellConditioned, function, weights


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
