"""The gamma function's family: logarithms of Γ and of the beta function, the derivatives of log Γ, the zeta function
of Hurwitz, to which these belong, and the exponential integrals. They have poles at 0 and the negative integers."""

from gradproof import Positive, Reals, function, weights


@function(
    x=Reals((4,), low=-3.875, high=-3.125),
    points=[dict(x=[-3.5, -3.25, -3.75, -3.625]), dict(x=[-3.875, -3.125, -3.5, -3.375])],
)
def log_gamma_between_poles(xp, x):
    """f(x) = Σ w log |Γ(x)|

    x: 4, between the poles at -4 and -3. Its derivative is the digamma function ψ there as well (DLMF 5.2.2, 5.5.4)."""
    return xp.sum(weights(xp, (4,)) * xp.special.gammaln(x))


@log_gamma_between_poles.gradient
def _(xp, x):
    d_g = weights(xp, (4,))  # node 2 input: f = Σ w g, with node 1: g = log |Γ(x)|
    d_x = xp.special.digamma(x) * d_g  # node 1 input
    return (d_x,)


log_gamma_between_poles.variant(
    "near_zero", x=Positive((4,), low=2.0**-60, high=2.0**-6), points=[dict(x=[2.0**-60, 2.0**-30, 2.0**-10, 2.0**-6])]
)
log_gamma_between_poles.variant(
    "far_out", x=Positive((4,), low=50.0, high=1e20), points=[dict(x=[64.0, 1000.0, 2.0**30, 2.0**60])]
)


@function(
    x=Positive((4,), low=2.0**-10, high=1e10),
    points=[
        dict(x=[0.75, 2.5, 6.25, 17.0]),
        dict(x=[1.0, 2.0, 1.4375, 1.5]),  # ψ vanishes at 1.4616…
        dict(x=[2.0**-10, 0.125, 1000.0, 2.0**30]),
    ],
)
def digamma(xp, x):
    """f(x) = Σ w ψ(x), ψ = (log Γ)′

    x: 4, positive. Its derivative is the trigamma function ψ′ (DLMF 5.15)."""
    return xp.sum(weights(xp, (4,)) * xp.special.digamma(x))


@digamma.gradient
def _(xp, x):
    d_p = weights(xp, (4,))  # node 2 input: f = Σ w p, with node 1: p = ψ(x)
    d_x = xp.special.polygamma(1, x) * d_p  # node 1 input
    return (d_x,)


digamma.variant("between_poles", x=Reals((4,), low=-1.875, high=-1.125), points=[dict(x=[-1.5, -1.25, -1.75, -1.625])])


@function(
    x=Positive((4,), low=2.0**-6, high=1000.0),
    points=[
        dict(x=[0.75, 2.5, 6.25, 17.0]),
        dict(x=[1.0, 2.0, 0.5, 3.0]),
        dict(x=[2.0**-6, 0.125, 1000.0, 40.0]),
    ],
)
def polygamma(xp, x, *, n=1):
    """f(x) = Σ w ψ⁽ⁿ⁾(x), the n-th derivative of ψ

    x: 4, positive. DLMF 5.15; the next derivative is that of the next order."""
    return xp.sum(weights(xp, (4,)) * xp.special.polygamma(n, x))


@polygamma.gradient
def _(xp, x, *, n=1):
    d_p = weights(xp, (4,))  # node 2 input: f = Σ w p, with node 1: p = ψ⁽ⁿ⁾(x)
    d_x = xp.special.polygamma(n + 1, x) * d_p  # node 1 input
    return (d_x,)


polygamma.variant("of_order_two", n=2)
polygamma.variant("of_order_three", n=3)


@function(
    a=Positive((2, 1), low=2.0**-6, high=1000.0),
    b=Positive((3,), low=2.0**-6, high=1000.0),
    points=[
        dict(a=[[0.5], [2.25]], b=[1.5, 4.0, 0.75]),
        dict(a=[[1.0], [2.0]], b=[1.0, 2.0, 0.5]),
        dict(a=[[2.0**-6], [1000.0]], b=[1000.0, 2.0**-6, 40.0]),  # a small parameter beside a large one
    ],
)
def log_beta(xp, a, b):
    """f(a, b) = Σᵢⱼ wᵢⱼ log B(aᵢ, bⱼ), B(a, b) = Γ(a) Γ(b) / Γ(a + b)

    a: 2x1, b: 3, positive. DLMF 5.12.1."""
    return xp.sum(weights(xp, (2, 3)) * xp.special.betaln(a, b))


@log_beta.gradient
def _(xp, a, b):
    d_l = weights(xp, (2, 3))  # node 2 input: f = Σ w l, with node 1: l = log B(a, b)
    both = xp.special.digamma(a + b)
    d_a = xp.sum((xp.special.digamma(a) - both) * d_l, axis=1, keepdims=True)  # node 1 input: a was stretched
    d_b = xp.sum((xp.special.digamma(b) - both) * d_l, axis=0)  # node 1 input: b was stretched
    return d_a, d_b


@function(
    q=Positive((4,), low=2.0**-4, high=1000.0),
    points=[
        dict(q=[0.75, 2.5, 6.25, 17.0]),
        dict(q=[1.0, 2.0, 0.5, 3.0]),  # at 1 it is Riemann's
        dict(q=[2.0**-4, 0.125, 1000.0, 40.0]),
    ],
)
def hurwitz_zeta(xp, q, *, s=2.5):
    """f(q) = Σ w ζ(s, q), ζ(s, q) = Σₖ (k + q)⁻ˢ

    q: 4, positive, s > 1. The series is derived term by term: ∂ζ/∂q = -s ζ(s + 1, q) (DLMF 25.11.17)."""
    return xp.sum(weights(xp, (4,)) * xp.special.zeta(s * xp.ones_like(q), q))


@hurwitz_zeta.gradient
def _(xp, q, *, s=2.5):
    d_z = weights(xp, (4,))  # node 2 input: f = Σ w z, with node 1: z = ζ(s, q)
    d_q = -s * xp.special.zeta((s + 1) * xp.ones_like(q), q) * d_z  # node 1 input
    return (d_q,)


hurwitz_zeta.variant("next_to_its_pole", s=1.125)


@function(
    s=Positive((3,), low=1.125, high=16.0),
    points=[dict(s=[2.0, 3.5, 1.25]), dict(s=[1.125, 16.0, 4.0])],
)
def zeta_of_exponent(xp, s, *, q=1.5):
    """f(s) = Σ w ζ(s, q)

    s: 3, above its pole at 1. The derivative -Σ log(k + q) (k + q)⁻ˢ is no function that xp has: no gradient by hand,
    so backends are held to exact differences alone."""
    return xp.sum(weights(xp, (3,)) * xp.special.zeta(s, q * xp.ones_like(s)))


@function(
    x=Positive((4,), low=2.0**-10, high=80.0),
    points=[
        dict(x=[0.75, 2.5, 6.25, 17.0]),
        dict(x=[1.0, 2.0, 0.5, 3.0]),  # implementations go from a series to a continued fraction at 1
        dict(x=[2.0**-10, 0.125, 40.0, 80.0]),
    ],
)
def exponential_integral(xp, x, *, n=2):
    """f(x) = Σ w Eₙ(x), Eₙ(x) = ∫₁^∞ e^(-xt) / tⁿ dt

    x: 4, positive. The integrand is derived: Eₙ′ = -Eₙ₋₁ (DLMF 8.19.13)."""
    return xp.sum(weights(xp, (4,)) * xp.special.expn(n, x))


@exponential_integral.gradient
def _(xp, x, *, n=2):
    d_e = weights(xp, (4,))  # node 2 input: f = Σ w e, with node 1: e = Eₙ(x)
    below = xp.special.expn(n - 1, x) if n > 1 else xp.exp(-x) / x  # E₀ = e⁻ˣ / x (DLMF 8.19.5)
    d_x = -below * d_e  # node 1 input
    return (d_x,)


exponential_integral.variant("of_order_one", n=1)
exponential_integral.variant("of_order_five", n=5)


@function(
    x=Reals((4,), low=-0.34375, high=1e10),
    points=[
        dict(x=[0.5, -0.25, 2.0, 7.5]),
        dict(x=[0.0, -0.0, 2.0**-20, -(2.0**-20)]),  # W(0) = 0, where W / (x (1 + W)) would divide 0 by 0
        dict(x=[-0.34375, 1000.0, 2.0**30, 1.0]),  # close to the branch point -1/e = -0.3679
    ],
)
def lambert_w(xp, x):
    """f(x) = Σ w W, W e^W = x, W > -1

    x: 4. Corless et al., Advances in Computational Mathematics 5 (1996): W′ = e^(-W) / (1 + W)."""
    return xp.sum(weights(xp, (4,)) * xp.special.lambertw(x))


@lambert_w.gradient
def _(xp, x):
    w = xp.special.lambertw(x)  # node 1
    d_w = weights(xp, (4,))  # node 2 input: f = Σ w W
    d_x = xp.exp(-w) / (1 + w) * d_w  # node 1 input
    return (d_x,)
