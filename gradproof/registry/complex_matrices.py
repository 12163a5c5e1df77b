"""What the families of complex matrices share: the conjugate transpose and the contraction to a real number."""

from gradproof.registry.weights import complex_weights


def adjoint(xp, A):
    """Aᴴ, the conjugate transpose"""
    return xp.conj(xp.matrix_transpose(A))


def weighted(xp, C):
    """Re Σ V̄ ∘ C with complex weights V, of which the gradient for C is V"""
    return xp.sum(xp.real(xp.conj(complex_weights(xp, C.shape)) * C))
