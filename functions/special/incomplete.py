"""The incomplete gamma and beta functions, regularized, in their argument and in their parameters. The derivative in a
parameter is a hypergeometric function that `xp` does not have: those entries have no gradient by hand, and backends are
held to exact differences alone."""

from gradproof import Positive, Reals, function, weights


@function(
    x=Positive((4,), low=2.0**-10, high=80.0),
    points=[
        dict(x=[0.75, 2.5, 6.25, 17.0]),
        dict(x=[2.0**-10, 1.0, 40.0, 80.0]),  # almost nothing, and almost all
    ],
)
def incomplete_gamma(xp, x, *, a=2.5):
    """f(x) = Σ w P(a, x), P(a, x) = ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt / Γ(a)

    x: 4, positive. DLMF 8.2.4; the derivative is the integrand, taken through its logarithm."""
    return xp.sum(weights(xp, (4,)) * xp.special.gammainc(a * xp.ones_like(x), x))


@incomplete_gamma.gradient
def _(xp, x, *, a=2.5):
    d_p = weights(xp, (4,))  # node 2 input: f = Σ w p, with node 1: p = P(a, x)
    d_x = xp.exp((a - 1) * xp.log(x) - x - xp.special.gammaln(a * xp.ones_like(x))) * d_p  # node 1 input
    return (d_x,)


incomplete_gamma.variant("below_one", a=0.5)
incomplete_gamma.variant("of_ten", a=10.0)


@function(
    x=Positive((4,), low=2.0**-10, high=80.0),
    points=[
        dict(x=[0.75, 2.5, 6.25, 17.0]),
        dict(x=[2.0**-10, 1.0, 40.0, 80.0]),  # almost all, and almost nothing
    ],
)
def upper_incomplete_gamma(xp, x, *, a=2.5):
    """f(x) = Σ w Q(a, x), Q = 1 - P

    x: 4, positive. DLMF 8.2.4."""
    return xp.sum(weights(xp, (4,)) * xp.special.gammaincc(a * xp.ones_like(x), x))


@upper_incomplete_gamma.gradient
def _(xp, x, *, a=2.5):
    d_q = weights(xp, (4,))  # node 2 input: f = Σ w q, with node 1: q = Q(a, x)
    d_x = -xp.exp((a - 1) * xp.log(x) - x - xp.special.gammaln(a * xp.ones_like(x))) * d_q  # node 1 input
    return (d_x,)


upper_incomplete_gamma.variant("below_one", a=0.5)


@function(
    a=Positive((3,), low=0.125, high=16.0),
    x=Positive((3,), low=0.125, high=16.0),
    points=[
        dict(a=[0.75, 2.5, 6.25], x=[0.5, 1.5, 8.0]),
        dict(a=[1.0, 2.0, 16.0], x=[1.0, 16.0, 0.125]),  # where a formula changes, and both tails
    ],
)
def incomplete_gamma_of_both(xp, a, x):
    """f(a, x) = Σ w P(a, x)

    a: 3, x: 3, positive. ∂P/∂a is a 2F2 (DLMF 8.7.1): no gradient by hand."""
    return xp.sum(weights(xp, (3,)) * xp.special.gammainc(a, x))


@function(
    a=Positive((3,), low=0.125, high=16.0),
    x=Positive((3,), low=0.125, high=16.0),
    points=[
        dict(a=[0.75, 2.5, 6.25], x=[0.5, 1.5, 8.0]),
        dict(a=[1.0, 2.0, 16.0], x=[1.0, 16.0, 0.125]),
    ],
)
def upper_incomplete_gamma_of_both(xp, a, x):
    """f(a, x) = Σ w Q(a, x)

    a: 3, x: 3, positive. ∂Q/∂a is a 2F2 (DLMF 8.7.1): no gradient by hand."""
    return xp.sum(weights(xp, (3,)) * xp.special.gammaincc(a, x))


@function(
    x=Reals((4,), low=2.0**-10, high=1 - 2.0**-10),
    points=[
        dict(x=[0.5, 0.25, 0.875, 0.125]),
        dict(x=[2.0**-10, 1 - 2.0**-10, 0.75, 0.0625]),  # both ends
    ],
)
def incomplete_beta(xp, x, *, a=2.5, b=1.5):
    """f(x) = Σ w I(a, b, x), I = ∫₀ˣ tᵃ⁻¹ (1 - t)ᵇ⁻¹ dt / B(a, b)

    x: 4, between 0 and 1. DLMF 8.17.2; the derivative is the integrand, taken through its logarithm."""
    one = xp.ones_like(x)
    return xp.sum(weights(xp, (4,)) * xp.special.betainc(a * one, b * one, x))


@incomplete_beta.gradient
def _(xp, x, *, a=2.5, b=1.5):
    d_i = weights(xp, (4,))  # node 2 input: f = Σ w I, with node 1: I = I(a, b, x)
    log_beta = xp.special.betaln(a * xp.ones_like(x), b * xp.ones_like(x))
    d_x = xp.exp((a - 1) * xp.log(x) + (b - 1) * xp.log1p(-x) - log_beta) * d_i  # node 1 input
    return (d_x,)


incomplete_beta.variant("unbounded_at_both_ends", a=0.5, b=0.5)
incomplete_beta.variant("of_large_parameters", a=12.0, b=7.0)


@function(
    a=Positive((3,), low=0.25, high=8.0),
    b=Positive((3,), low=0.25, high=8.0),
    x=Reals((3,), low=0.03125, high=0.96875),
    points=[
        dict(a=[0.75, 2.5, 6.25], b=[1.5, 0.5, 3.0], x=[0.5, 0.25, 0.875]),
        dict(a=[1.0, 2.0, 8.0], b=[1.0, 8.0, 0.25], x=[0.5, 0.03125, 0.96875]),
    ],
)
def incomplete_beta_of_all(xp, a, b, x):
    """f(a, b, x) = Σ w I(a, b, x)

    a: 3, b: 3, positive, x: 3, between 0 and 1. ∂I/∂a and ∂I/∂b are 3F2 (from DLMF 8.17.7): no gradient by hand."""
    return xp.sum(weights(xp, (3,)) * xp.special.betainc(a, b, x))
