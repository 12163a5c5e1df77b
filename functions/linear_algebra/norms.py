"""Norms of vectors and of matrices, of every order and along every axis. At zero a norm has a kink, whose
subdifferential is the unit ball of the dual norm; the gradients choose 0 there. Where several entries are the largest
or the smallest, they take equal shares."""

import math

from gradproof import Positive, Reals, SeparatedSpectrum, function, weights

ROWS = [[0.5, -1.25, 2.0, 0.75], [3.0, 0.25, -0.75, -1.5], [-2.5, 1.0, 0.125, 4.0]]


@function(
    x=Reals((3, 4)),
    points=[
        dict(x=ROWS),
        dict(x=[[3.0, -4.0, 0.0, 12.0], [2.0**-40, 0.0, -0.0, -(2.0**-41)], [1.0] * 4]),
        dict(x=[[0.0] * 4, [1.0, -1.0, 2.0, 0.5], [0.0, 0.0, -0.0, 0.0]]),  # two rows at the kink
    ],
)
def euclidean_norms(xp, x, *, axis=-1, keepdims=False):
    """f(x) = Σ w n, n = √Σ x² along some axes

    x: 3x4."""
    n = xp.linalg.vector_norm(x, axis=axis, keepdims=keepdims)
    return xp.sum(weights(xp, n.shape) * n)


@euclidean_norms.gradient
def _(xp, x, *, axis=-1, keepdims=False):
    n = xp.linalg.vector_norm(x, axis=axis, keepdims=True)  # node 1
    d_n = weights(xp, n.shape)  # node 2 input: f = Σ w n; the axes that were summed are of size one here
    return (x / xp.where(n == 0, 1.0, n) * d_n,)  # node 1 input: n² = Σ x², so dn = x dx / n


euclidean_norms.variant("first_axis", axis=0)
euclidean_norms.variant("kept", axis=-2, keepdims=True)
euclidean_norms.variant("all", axis=None)
euclidean_norms.variant("all_kept", axis=None, keepdims=True)
euclidean_norms.variant("two_axes", x=Reals((2, 3, 2)), axis=(0, -1))
euclidean_norms.variant("stacked", x=Reals((2, 1, 3)), axis=1)


@function(
    x=Positive((3, 4), low=0.125, high=64.0),
    points=[dict(x=ROWS), dict(x=[[1.0, -1.0, 1.0, 1.0], [40.0, 0.125, 2.0, 2.0], [2.0**-10, 8.0, -64.0, 0.5]])],
)
def power_norms(xp, x, *, ord=3, axis=-1, keepdims=False):
    """f(x) = Σ w n, n = (Σ |x|ᵖ)^(1/p) along an axis, p the order

    x: 3x4, drawn positive, tried with either sign. Not a norm for p < 1, but the standard has it."""
    n = xp.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)
    return xp.sum(weights(xp, n.shape) * n)


@power_norms.gradient
def _(xp, x, *, ord=3, axis=-1, keepdims=False):
    a = xp.abs(x)  # node 1
    s = xp.sum(a**ord, axis=axis, keepdims=True)  # node 2: the powers, node 3: their sum
    d_n = weights(xp, s.shape)  # node 5 input: f = Σ w n, with node 4: n = s^(1/p)
    one = xp.ones_like(s)  # so that 1/p is rounded to the precision at hand, not to a Python float's
    d_s = s ** (one / ord - 1) / ord * d_n  # node 4 input
    d_a = ord * a ** (ord - 1) * d_s  # node 3 and 2 input
    return (xp.sign(x) * d_a,)  # node 1 input


power_norms.variant("two", ord=2)
power_norms.variant("four_all_axes", ord=4, axis=None)
power_norms.variant("half", ord=0.5)
power_norms.variant("three_halves_first_axis", ord=1.5, axis=0, keepdims=True)
power_norms.variant("minus_one", ord=-1)
power_norms.variant("minus_two", ord=-2, axis=-2)


@function(
    x=Reals((3, 4)),
    points=[
        dict(x=ROWS),
        dict(x=[[0.0, -1.0, 0.5, -0.0], [1e20, 2.0**-40, -40.0, 1.0], [1.0, 1.0, -1.0, -1.0]]),  # two zeros: kinks
    ],
)
def norms_of_order_one(xp, x, *, axis=-1, keepdims=False):
    """f(x) = Σ w n, n = Σ |x| along some axes

    x: 3x4. At xᵢ = 0 the subdifferential is every slope from -w to w; chosen here: 0."""
    n = xp.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=1)
    return xp.sum(weights(xp, n.shape) * n)


@norms_of_order_one.gradient
def _(xp, x, *, axis=-1, keepdims=False):
    n = xp.sum(xp.abs(x), axis=axis, keepdims=True)  # node 1 and 2
    return (xp.sign(x) * weights(xp, n.shape),)  # node 3, 2 and 1 input


norms_of_order_one.variant("first_axis_kept", axis=0, keepdims=True)
norms_of_order_one.variant("all", axis=None)
norms_of_order_one.variant(
    "two_axes",
    x=Reals((2, 3, 2)),
    axis=(1, 2),
    points=[dict(x=[[[0.5, -1.25], [2.0, 0.75], [3.0, -0.375]], [[1.5, 0.25], [-1.0, 4.0], [-0.5, 1.0]]])],
)


@function(
    x=Reals((3, 4)),
    points=[
        dict(x=ROWS),
        dict(x=[[2.0, -2.0, 0.5, 1.0], [1.0, 1.0, 1.0, 1.0], [-0.5, 3.0, -3.0, -3.0]]),  # ties of either sign
        dict(x=[[1e20, 2.0**-40, -40.0, 1.0], [1000.0, 0.25, 2.0, 0.75], [4.0, -1.0, 0.5, 8.0]]),
    ],
)
def extreme_norms(xp, x, *, ord=math.inf, axis=-1, keepdims=False):
    """f(x) = Σ w n, n = max |x| along some axes, or min |x| for the order -∞

    x: 3x4. At a tie the subdifferential is every set of shares that sum to 1, each with the sign of its entry; chosen
    here: equal ones."""
    n = xp.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)
    return xp.sum(weights(xp, n.shape) * n)


@extreme_norms.gradient
def _(xp, x, *, ord=math.inf, axis=-1, keepdims=False):
    a = xp.abs(x)  # node 1
    n = (xp.max if ord > 0 else xp.min)(a, axis=axis, keepdims=True)  # node 2
    d_n = weights(xp, n.shape)  # node 3 input
    share = xp.where(a == n, xp.ones_like(x), xp.zeros_like(x))
    d_a = share / xp.sum(share, axis=axis, keepdims=True) * d_n  # node 2 input
    return (xp.sign(x) * d_a,)  # node 1 input


extreme_norms.variant("smallest", ord=-math.inf)
extreme_norms.variant("smallest_all", ord=-math.inf, axis=None)
extreme_norms.variant("first_axis_kept", axis=-2, keepdims=True)
extreme_norms.variant("two_axes", x=Reals((2, 3, 2)), axis=(0, 1))


@function(
    A=Reals((2, 3, 2)),
    points=[
        dict(A=[[[0.5, -1.25], [2.0, 0.75], [3.0, 0.25]], [[-0.75, -1.5], [-2.5, 1.0], [0.125, 4.0]]]),
        dict(A=[[[0.0, -0.0], [0.0, 0.0], [0.0, 0.0]], [[3.0, 0.0], [0.0, -4.0], [0.0, 12.0]]]),  # one at the kink
    ],
)
def frobenius_norms(xp, A, *, keepdims=False):
    """f(A) = Σ w ‖A‖, ‖A‖ = √Σ a²

    A: two matrices 3x2."""
    n = xp.linalg.matrix_norm(A, keepdims=keepdims)
    return xp.sum(weights(xp, n.shape) * n)


@frobenius_norms.gradient
def _(xp, A, *, keepdims=False):
    n = xp.sqrt(xp.sum(A * A, axis=(-2, -1), keepdims=True))  # node 1
    return (A / xp.where(n == 0, 1.0, n) * weights(xp, n.shape),)  # node 2 and 1 input


frobenius_norms.variant("kept", keepdims=True)
frobenius_norms.variant("one_matrix", A=Reals((3, 2)))


@function(
    A=Reals((2, 3, 2)),
    points=[
        dict(A=[[[0.5, -1.25], [2.0, 0.75], [3.0, 0.25]], [[-0.75, -1.5], [-2.5, 1.0], [0.125, 4.0]]]),
        # Equal sums of columns, equal sums of rows.
        dict(A=[[[1.0, -2.0], [2.0, 3.0], [-3.0, 1.0]], [[1.0, -2.0], [-1.5, 1.5], [3.0, 0.25]]]),
        dict(A=[[[1000.0, 2.0**-20], [40.0, 1.0], [-1.0, 2.0]], [[0.25, -0.5], [1.0, 2.0], [4.0, -8.0]]]),
    ],
)
def induced_norms(xp, A, *, ord=1, keepdims=False):
    """f(A) = Σ w ‖A‖, ‖A‖ the largest (order 1) or smallest (-1) column sum, or row sum (∞, -∞) of |a|

    A: two matrices 3x2."""
    n = xp.linalg.matrix_norm(A, ord=ord, keepdims=keepdims)
    return xp.sum(weights(xp, n.shape) * n)


@induced_norms.gradient
def _(xp, A, *, ord=1, keepdims=False):
    summed, left = (-2, -1) if abs(ord) == 1 else (-1, -2)
    sums = xp.sum(xp.abs(A), axis=summed, keepdims=True)  # node 1: |A|, node 2: its sums
    n = (xp.max if ord > 0 else xp.min)(sums, axis=left, keepdims=True)  # node 3
    d_n = weights(xp, n.shape)  # node 4 input
    reached = sums >= n if ord > 0 else sums <= n
    share = xp.where(reached, xp.ones_like(sums), xp.zeros_like(sums))
    d_sums = share / xp.sum(share, axis=left, keepdims=True) * d_n  # node 3 input
    return (xp.sign(A) * d_sums,)  # node 2 and 1 input


induced_norms.variant("smallest_column", ord=-1)
induced_norms.variant("largest_row", ord=math.inf, keepdims=True)
induced_norms.variant("smallest_row", ord=-math.inf)
induced_norms.variant(
    "one_matrix", A=Reals((3, 2)), ord=math.inf, points=[dict(A=[[0.5, -1.25], [2.0, 0.75], [-3.0, 0.25]])]
)


@function(
    A=SeparatedSpectrum((2, 3, 2)),
    points=[
        dict(A=[[[0.5, -1.25], [2.0, 0.75], [3.0, 0.25]], [[-0.75, -1.5], [-2.5, 1.0], [0.125, 4.0]]]),
        dict(A=[[[3.0, 0.0], [0.0, 1.0], [0.0, 0.0]], [[1.0, 0.0], [2.0**-6, 1.0 + 2.0**-6], [0.0, 0.0]]]),
        # Two equal singular values, and of rank one: of the two extreme ones, and of the sum, there a kink.
        dict(A=[[[0.0, 2.0], [-2.0, 0.0], [0.0, 0.0]], [[1.0, 2.0], [2.0, 4.0], [-1.0, -2.0]]]),
    ],
)
def spectral_norms(xp, A, *, ord=2, keepdims=False):
    """f(A) = Σ w ‖A‖, ‖A‖ the largest singular value, or the smallest for the order -2, or the sum of all ("nuc")

    A: two matrices 3x2."""
    n = xp.linalg.matrix_norm(A, ord=ord, keepdims=keepdims)
    return xp.sum(weights(xp, n.shape) * n)


@spectral_norms.gradient
def _(xp, A, *, ord=2, keepdims=False):
    U, _, T = xp.linalg.svd(A, full_matrices=False)  # node 1
    d_n = weights(xp, (*A.shape[:-2], 1))  # node 3 input: f = Σ w n
    place = {2: [1.0, 0.0], -2: [0.0, 1.0], "nuc": [1.0, 1.0]}[ord]  # the singular values descend
    d_s = xp.asarray(place) * d_n  # node 2 input
    return (xp.matmul(U * d_s[..., None, :], T),)  # node 1 input: dsᵢ = uᵢᵀ dA vᵢ


spectral_norms.variant("smallest", ord=-2)
spectral_norms.variant("nuclear", ord="nuc")
spectral_norms.variant("nuclear_kept", ord="nuc", keepdims=True)
spectral_norms.variant("one_matrix", A=SeparatedSpectrum((3, 2)))
