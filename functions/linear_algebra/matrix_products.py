"""Products of vectors and matrices in every form of the standard, and the ways to take a matrix apart that move its
entries only. A product is bilinear: the gradient of each factor is a product of the other one and of what comes back,
summed over what was stretched (Giles, "Collected matrix derivative results", 2008, section 2.2.1)."""

import numpy as np

from gradproof import Complex, Reals, complex_weights, function, weights

MATRIX = [[1.0, -0.5, 0.25, 2.0], [-1.5, 0.75, 3.0, -0.125], [0.625, 1.25, -2.0, 0.375]]
CANCELLING = [[1.0, -1.0, 1000.0, 40.0], [0.5] * 4, [2.0**-20, 0.0, -0.0, -(2.0**-20)]]


@function(
    A=Reals((2, 1, 3, 2)),
    B=Reals((4, 2, 1)),
    points=[
        dict(
            A=[[[[1.0, -0.5], [0.25, 2.0], [-1.5, 0.75]]], [[[3.0, -0.125], [0.625, 1.25], [-2.0, 0.375]]]],
            B=[[[0.75], [-2.0]], [[1.5], [0.25]], [[-0.5], [1.125]], [[2.5], [-0.875]]],
        ),
        dict(A=[[[[1000.0, -1000.0]] * 3], [[[0.0, -0.0]] * 3]], B=[[[1.0], [1.0]]] * 4),
    ],
)
def product_of_stacks(xp, A, B):
    """f(A, B) = Σ W ∘ (A B), the product of every matrix of a stack with every one of another

    A: 2x1x3x2, B: 4x2x1, the product: 2x4x3x1. A is stretched along axis 1, B along a new axis in front."""
    return xp.sum(weights(xp, (2, 4, 3, 1)) * xp.matmul(A, B))


@product_of_stacks.gradient
def _(xp, A, B):
    d_C = weights(xp, (2, 4, 3, 1))  # node 2 input: f = Σ W ∘ C, with node 1: C = A B
    d_A = xp.sum(xp.matmul(d_C, xp.matrix_transpose(B)), axis=1, keepdims=True)  # node 1 input: A served four times
    d_B = xp.sum(xp.matmul(xp.matrix_transpose(A), d_C), axis=0)  # node 1 input: B served twice
    return d_A, d_B


@function(
    x=Reals((4,)),
    y=Reals((4,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.75], y=[0.75, -2.0, 1.5, 0.25]),
        dict(x=[1.0, 1.0, 1000.0, 0.0], y=[1000.0, -1000.0, 0.0, -0.0]),  # x · y = 0
    ],
)
def product_of_vectors(xp, x, y):
    """f(x, y) = p + p² / 2, p = x · y

    x: 4, y: 4; the matrix product of two vectors is a number."""
    p = xp.linalg.matmul(x, y)
    return p + p * p / 2


@product_of_vectors.gradient
def _(xp, x, y):
    p = xp.linalg.matmul(x, y)  # node 1
    d_p = 1 + p  # node 2 input: f = p + p² / 2
    return y * d_p, x * d_p  # node 1 input


@function(
    A=Reals((3, 4)),
    y=Reals((4,)),
    points=[dict(A=MATRIX, y=[0.75, -2.0, 1.5, 0.25]), dict(A=CANCELLING, y=[1.0, 1.0, 0.0, -0.0])],
)
def matrix_times_vector(xp, A, y):
    """f(A, y) = Σ w ∘ (A y)

    A: 3x4 or a stack of such, y: 4."""
    return xp.sum(weights(xp, A.shape[:-1]) * xp.linalg.matmul(A, y))


@matrix_times_vector.gradient
def _(xp, A, y):
    d_v = weights(xp, A.shape[:-1])  # node 2 input: f = Σ w v, with node 1: v = A y
    d_A = d_v[..., None] * y  # node 1 input
    d_y = xp.sum(d_v[..., None] * A, axis=tuple(range(A.ndim - 1)))  # node 1 input: y served every row
    return d_A, d_y


matrix_times_vector.variant("stacked", A=Reals((2, 3, 4)))


@function(
    x=Reals((3,)),
    A=Reals((3, 4)),
    points=[dict(x=[0.75, -2.0, 1.5], A=MATRIX), dict(x=[0.0, 2.0, 1.0], A=CANCELLING)],
)
def vector_times_matrix(xp, x, A):
    """f(x, A) = Σ w ∘ (xᵀ A)

    x: 3, A: 3x4 or a stack of such."""
    return xp.sum(weights(xp, (*A.shape[:-2], 4)) * xp.matmul(x, A))


@vector_times_matrix.gradient
def _(xp, x, A):
    d_v = weights(xp, (*A.shape[:-2], 1, 4))  # node 2 input: f = Σ w v, with node 1: v = xᵀ A, here a row each
    d_A = x[:, None] * d_v  # node 1 input
    d_x = xp.sum(d_v * A, axis=(*range(A.ndim - 2), A.ndim - 1))  # node 1 input: x served every column
    return d_x, d_A


vector_times_matrix.variant("stacked", A=Reals((2, 3, 4)))


@function(X=Reals((3, 4)), points=[dict(X=MATRIX), dict(X=CANCELLING)])
def gram_matrix(xp, X):
    """f(X) = Σ W ∘ (Xᵀ X)

    X: 3x4 or a stack of such."""
    G = xp.linalg.matmul(xp.linalg.matrix_transpose(X), X)
    return xp.sum(weights(xp, G.shape) * G)


@gram_matrix.gradient
def _(xp, X):
    # G = Xᵀ X      node 1
    # f = Σ W ∘ G   node 2
    d_G = weights(xp, (*X.shape[:-2], 4, 4))  # node 2 input
    d_X = xp.matmul(X, xp.matrix_transpose(d_G))  # node 1 input, the left factor, turned back
    d_X = d_X + xp.matmul(X, d_G)  # node 1 input, the right factor
    return (d_X,)


gram_matrix.variant("stacked", X=Reals((2, 1, 3, 4)))


@function(X=Reals((3, 4)), points=[dict(X=MATRIX), dict(X=CANCELLING)])
def matrix_transposed(xp, X):
    """f(X) = Σ W ∘ Xᵀ ∘ Xᵀ

    X: 3x4 or a stack of such; the weights are those of the transposed shape."""
    Y = xp.matrix_transpose(X)
    return xp.sum(weights(xp, Y.shape) * Y * Y)


@matrix_transposed.gradient
def _(xp, X):
    Y = xp.matrix_transpose(X)  # node 1
    d_Y = 2 * Y * weights(xp, Y.shape)  # node 2 input: f = Σ W Y²
    return (xp.matrix_transpose(d_Y),)  # node 1 input


matrix_transposed.variant("stacked", X=Reals((2, 1, 3, 4)))


@function(
    A=Reals((2, 3, 1)),
    B=Reals((3, 1, 4)),
    points=[
        dict(
            A=[[[1.0], [-0.5], [0.25]], [[2.0], [-1.5], [0.75]]],
            B=[[[0.75, -2.0, 1.5, 0.25]], [[-0.5, 1.125, 2.5, -0.875]], [[0.625, -0.375, 3.0, 1.0]]],
        )
    ],
)
def tensor_contraction(xp, A, B, *, axes=2):
    """f(A, B) = Σ W ∘ C, C the products of A and B summed over pairs of axes

    A: 2x3x1, B: 3x1x4; the last axes of A meet the first of B, or a list of axes of A one of B."""
    C = xp.tensordot(A, B, axes=axes)
    return xp.sum(weights(xp, C.shape) * C)


@tensor_contraction.gradient
def _(xp, A, B, *, axes=2):
    last_and_first = axes if not isinstance(axes, int) else (range(A.ndim - axes, A.ndim), range(axes))
    a, b = [i % A.ndim for i in last_and_first[0]], [j % B.ndim for j in last_and_first[1]]
    free_a, free_b = [i for i in range(A.ndim) if i not in a], [j for j in range(B.ndim) if j not in b]
    shape = [A.shape[i] for i in free_a] + [B.shape[j] for j in free_b]
    d_C = weights(xp, tuple(shape))  # node 2 input: f = Σ W ∘ C, with the free axes of A in front of those of B
    # Node 1 input: d_C meets the free axes of B, which leaves B's contracted ones, in B's order.
    d_A = xp.tensordot(d_C, B, axes=(list(range(len(free_a), len(shape))), free_b))
    order = free_a + [a[b.index(j)] for j in sorted(b)]  # the axis of A that each axis of this is
    d_A = xp.permute_dims(d_A, tuple(order.index(i) for i in range(A.ndim)))
    # Node 1 input: the free axes of A meet d_C, which leaves A's contracted ones, in A's order.
    d_B = xp.tensordot(A, d_C, axes=(free_a, list(range(len(free_a)))))
    order = [b[a.index(i)] for i in sorted(a)] + free_b
    return d_A, xp.permute_dims(d_B, tuple(order.index(j) for j in range(B.ndim)))


tensor_contraction.variant("one_axis", A=Reals((2, 3)), B=Reals((3, 4)), axes=1)
tensor_contraction.variant("outer", A=Reals((2, 3)), B=Reals((4,)), axes=0)
tensor_contraction.variant("listed", A=Reals((4, 2, 3)), B=Reals((3, 4)), axes=([0, -1], [1, 0]))
tensor_contraction.variant("listed_to_number", A=Reals((3, 4)), B=Reals((4, 3)), axes=((1, 0), (0, 1)))
tensor_contraction.variant("middle_axis", A=Reals((2, 3, 1)), B=Reals((4, 3)), axes=((-2,), (-1,)))


@function(
    x=Reals((3, 4)),
    y=Reals((3, 4)),
    points=[dict(x=MATRIX, y=[[0.75, -2.0, 1.5, 0.25], [-0.5, 1.125, 2.5, -0.875], [1.0, 0.5, -1.25, 3.0]])],
)
def inner_products(xp, x, y, *, axis=-1):
    """f(x, y) = Σᵢ wᵢ Σⱼ xᵢⱼ yᵢⱼ

    x, y: 3x4; summed along one axis."""
    p = xp.vecdot(x, y, axis=axis)
    return xp.sum(weights(xp, p.shape) * p)


@inner_products.gradient
def _(xp, x, y, *, axis=-1):
    shape = [n for i, n in enumerate(x.shape) if i != axis % x.ndim]
    d_p = xp.expand_dims(weights(xp, tuple(shape)), axis=axis)  # node 2 input: f = Σ w p, one for each sum
    return y * d_p, x * d_p  # node 1 input


inner_products.variant("first_axis", axis=-2)
inner_products.variant("vectors", x=Reals((4,)), y=Reals((4,)))
inner_products.variant("stacked", x=Reals((2, 3, 1)), y=Reals((2, 3, 1)), axis=-2)


@function(
    x=Reals((3, 4)),
    y=Reals((4,)),
    points=[dict(x=MATRIX, y=[0.75, -2.0, 1.5, 0.25]), dict(x=CANCELLING, y=[1.0, 1.0, 0.0, -0.0])],
)
def inner_products_with_one(xp, x, y):
    """f(x, y) = Σᵢ wᵢ Σⱼ xᵢⱼ yⱼ

    x: 3x4, y: 4, stretched along the rows."""
    return xp.sum(weights(xp, (3,)) * xp.linalg.vecdot(x, y))


@inner_products_with_one.gradient
def _(xp, x, y):
    d_p = weights(xp, (3, 1))  # node 2 input: f = Σ w p, with node 1: p = Σⱼ xᵢⱼ yⱼ
    return y * d_p, xp.sum(x * d_p, axis=0)  # node 1 input: y served every row


@function(
    z=Complex((2, 3), low=-1024.0, high=1024.0),
    u=Complex((2, 3), low=-1024.0, high=1024.0),
    points=[
        dict(
            z=[[1 + 0.5j, -2j, 0.25], [0.75 - 1j, 1.5, -1 + 1j]],
            u=[[0.5 - 1.25j, 2.0, -0.75 + 0.5j], [1j, 0.25 + 2j, -1.5 - 0.5j]],
        ),
    ],
)
def hermitian_inner_products(xp, z, u, *, axis=-1):
    """f(z, u) = Re Σᵢ v̄ᵢ Σⱼ z̄ᵢⱼ uᵢⱼ

    z, u: 2x3, complex. The first factor is conjugated."""
    p = xp.linalg.vecdot(z, u, axis=axis)
    return xp.sum(xp.real(xp.conj(complex_weights(xp, p.shape)) * p))


@hermitian_inner_products.gradient
def _(xp, z, u, *, axis=-1):
    shape = [n for i, n in enumerate(z.shape) if i != axis % z.ndim]
    d_p = xp.expand_dims(complex_weights(xp, tuple(shape)), axis=axis)  # node 2 input: f = Re Σ v̄ p
    # Node 1 input: p = z̄ u. For u the factor is analytic, its derivative z̄ conjugated back; for z the result is.
    return xp.conj(d_p) * u, d_p * z


hermitian_inner_products.variant("first_axis", axis=0)


@function(
    x=Reals((3,)),
    y=Reals((4,)),
    points=[
        dict(x=[0.5, -1.25, 2.0], y=[0.75, -2.0, 1.5, 0.25]),
        dict(x=[0.0, -0.0, 1000.0], y=[2.0**-20, 40.0, 0.0, 1.0]),
    ],
)
def outer_product(xp, x, y):
    """f(x, y) = Σ W ∘ (x yᵀ)

    x: 3, y: 4."""
    return xp.sum(weights(xp, (3, 4)) * xp.linalg.outer(x, y))


@outer_product.gradient
def _(xp, x, y):
    d_C = weights(xp, (3, 4))  # node 2 input: f = Σ W C, with node 1: Cᵢⱼ = xᵢ yⱼ
    return xp.matmul(d_C, y), xp.matmul(x, d_C)  # node 1 input


@function(
    x=Reals((2, 3)),
    y=Reals((2, 3)),
    points=[
        dict(x=[[0.5, -1.25, 2.0], [3.0, 0.25, -0.75]], y=[[0.75, -2.0, 1.5], [1.0, 2.5, 0.125]]),
        dict(x=[[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]], y=[[1.0, 2.0, 3.0], [1.0, -1.0, 40.0]]),  # parallel: x × y = 0
    ],
)
def cross_product(xp, x, y, *, axis=-1):
    """f(x, y) = Σ w ∘ (x × y)

    x, y: 2x3, vectors of length 3 along one axis."""
    return xp.sum(weights(xp, x.shape) * xp.linalg.cross(x, y, axis=axis))


@cross_product.gradient
def _(xp, x, y, *, axis=-1):
    d_c = weights(xp, x.shape)  # node 2 input: f = Σ w c, with node 1: c = x × y
    # A triple product stays the same when its factors change places in turn: w · (x × y) = x · (y × w) = y · (w × x).
    return xp.linalg.cross(y, d_c, axis=axis), xp.linalg.cross(d_c, x, axis=axis)  # node 1 input


cross_product.variant("first_axis", x=Reals((3, 2)), y=Reals((3, 2)), axis=0)
cross_product.variant("middle_axis", x=Reals((2, 3, 1)), y=Reals((2, 3, 1)), axis=-2)
cross_product.variant("all_equal", x=Reals((3, 3)), y=Reals((3, 3)), axis=-2)


@function(
    x=Reals((2, 3)),
    y=Reals((1, 3)),
    points=[dict(x=[[0.5, -1.25, 2.0], [3.0, 0.25, -0.75]], y=[[0.75, -2.0, 1.5]])],
)
def cross_product_with_one(xp, x, y):
    """f(x, y) = Σ w ∘ (x × y), one y for every x

    x: 2x3, y: 1x3."""
    return xp.sum(weights(xp, (2, 3)) * xp.linalg.cross(x, y))


@cross_product_with_one.gradient
def _(xp, x, y):
    d_c = weights(xp, (2, 3))  # node 2 input: f = Σ w c, with node 1: c = x × y
    d_x = xp.linalg.cross(y, d_c)  # node 1 input
    return d_x, xp.sum(xp.linalg.cross(d_c, x), axis=0, keepdims=True)  # node 1 input: y served both


@function(
    A=Reals((2, 0)),
    B=Reals((0, 3)),
    C=Reals((2, 3), low=-1024.0, high=1024.0),
    points=[dict(A=[[], []], B=np.zeros((0, 3)), C=[[0.5, -1.25, 2.0], [3.0, 0.25, -0.75]])],
)
def product_over_nothing(xp, A, B, C):
    """f(A, B, C) = Σ W ∘ (A B + C²), A B a sum over no index at all: zeros

    A: 2x0, B: 0x3, C: 2x3."""
    return xp.sum(weights(xp, (2, 3)) * (xp.matmul(A, B) + C * C))


@product_over_nothing.gradient
def _(xp, A, B, C):
    d_P = weights(xp, (2, 3))  # node 2 input: f = Σ W (P + C²), with node 1: P = A B
    d_A, d_B = xp.matmul(d_P, xp.matrix_transpose(B)), xp.matmul(xp.matrix_transpose(A), d_P)  # node 1 input: empty
    return d_A, d_B, 2 * C * d_P  # node 2 input


@function(X=Reals((3, 4)), points=[dict(X=MATRIX), dict(X=CANCELLING)])
def diagonal_entries(xp, X, *, offset=0):
    """f(X) = Σ w d + ½ Σ d², dₖ = Xₖ,ₖ₊ₒ or, of a negative offset o, Xₖ₋ₒ,ₖ

    X: 3x4 or a stack of such."""
    d = xp.linalg.diagonal(X, offset=offset)
    return xp.sum(weights(xp, d.shape) * d) + xp.sum(d * d) / 2


@diagonal_entries.gradient
def _(xp, X, *, offset=0):
    d = xp.linalg.diagonal(X, offset=offset)  # node 1
    d_d = weights(xp, d.shape) + d  # node 2 input: f = Σ w d + ½ Σ d²
    rows = xp.eye(d.shape[-1], X.shape[-2], k=max(-offset, 0))  # which row the k-th entry is from
    columns = xp.eye(d.shape[-1], X.shape[-1], k=max(offset, 0))  # and which column
    d_X = xp.matmul(xp.matrix_transpose(rows), d_d[..., None] * columns)  # node 1 input: back to where it was
    return (d_X,)


diagonal_entries.variant("square", X=Reals((3, 3)))
diagonal_entries.variant("above", offset=2)
diagonal_entries.variant("below", offset=-1)
diagonal_entries.variant("corner", offset=-2)
diagonal_entries.variant("stacked", X=Reals((2, 3, 4)), offset=1)


@function(X=Reals((3, 4)), points=[dict(X=MATRIX), dict(X=CANCELLING)])
def trace_of_matrix(xp, X, *, offset=0):
    """f(X) = Σ (w t + ½ t²), t = tr X, the sum of a diagonal

    X: 3x4 or a stack of such."""
    t = xp.linalg.trace(X, offset=offset)
    return xp.sum(weights(xp, t.shape) * t) + xp.sum(t * t) / 2


@trace_of_matrix.gradient
def _(xp, X, *, offset=0):
    t = xp.linalg.trace(X, offset=offset)  # node 1
    d_t = weights(xp, t.shape) + t  # node 2 input
    return (d_t[..., None, None] * xp.eye(*X.shape[-2:], k=offset),)  # node 1 input


trace_of_matrix.variant("square", X=Reals((3, 3)))
trace_of_matrix.variant("above", offset=1)
trace_of_matrix.variant("below", offset=-2)
trace_of_matrix.variant("stacked", X=Reals((2, 3, 4)), offset=-1)
