"""Other definitions that libraries document, to which their gradients are held where an entry beside this file says so.
They are written like the functions of the registry, and are none: no backend is verified on them."""

from gradproof import SeparatedSpectrum, function, weights
from gradproof.registry.complex_matrices import adjoint


@function(x=SeparatedSpectrum((3, 3), symmetric=True))
def eigenvalues_made_symmetric(xp, x):
    """f(x) = Σ w λ, λ the eigenvalues of ½ (x + xᵀ)"""
    return xp.sum(weights(xp, (3,)) * xp.linalg.eigvalsh((x + xp.matrix_transpose(x)) / 2))


@eigenvalues_made_symmetric.gradient
def _(xp, x):
    _, V = xp.linalg.eigh((x + xp.matrix_transpose(x)) / 2)  # node 1: S, node 2: λ
    d_S = V * weights(xp, (3,)) @ xp.matrix_transpose(V)  # node 3 and 2 input
    return ((d_S + xp.matrix_transpose(d_S)) / 2,)  # node 1 input


@function(x=SeparatedSpectrum((3, 3), symmetric=True, is_complex=True))
def eigenvalues_made_hermitian(xp, x):
    """f(x) = Σ w λ, λ the eigenvalues of ½ (x + xᴴ)"""
    return xp.sum(weights(xp, (3,)) * xp.linalg.eigvalsh((x + adjoint(xp, x)) / 2))


@eigenvalues_made_hermitian.gradient
def _(xp, x):
    _, V = xp.linalg.eigh((x + adjoint(xp, x)) / 2)  # node 1: S, node 2: λ
    d_S = xp.matmul(V * weights(xp, (3,)), adjoint(xp, V))  # node 3 and 2 input
    return ((d_S + adjoint(xp, d_S)) / 2,)  # node 1 input
