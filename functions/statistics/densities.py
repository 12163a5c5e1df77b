"""Logarithms of densities, in every parameter and in the value where that is continuous: what a sampler or a fit by
maximum likelihood differentiates. Each is written through its formula, with log Γ, and so has ψ in its derivative."""

import math

from gradproof import Positive, Reals, function

COUNTS = (0.0, 3.0, 1.0, 7.0, 2.0)
"""What was counted, over and over: 0 is among it, where a logarithm has the factor 0."""


def counts(xp, n):
    """The first n observations of a discrete distribution."""
    return xp.asarray([COUNTS[i % len(COUNTS)] for i in range(n)])


@function(
    x=Reals((4,), low=-1000.0, high=1000.0),
    nu=Positive((), low=0.25, high=64.0),
    mu=Reals((), low=-8.0, high=8.0),
    log_sigma=Reals((), low=-4.0, high=4.0),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.75], nu=2.5, mu=0.125, log_sigma=0.5),
        dict(x=[1.5, 1.5, 1.5, 1.5], nu=1.0, mu=1.5, log_sigma=0.0),  # Cauchy's distribution, every x at its centre
        dict(x=[1000.0, -40.0, 0.0, 2.0**-20], nu=64.0, mu=0.0, log_sigma=-2.0),  # outliers, nearly normal
    ],
)
def student_log_density(xp, x, nu, mu, log_sigma):
    """f(x, ν, μ, log σ) = Σ log Γ((ν + 1)/2) - log Γ(ν/2) - ½ log πν - log σ - (ν + 1)/2 log(1 + z²/ν), z = (x - μ)/σ

    x: n = 4, the others scalars. ν up to 64: the two log Γ cancel, the more the nearer Student's distribution is to the
    normal one. Gelman et al., Bayesian Data Analysis, 3rd ed., table A.1."""
    z = (x - mu) / xp.exp(log_sigma)
    constant = xp.special.gammaln((nu + 1) / 2) - xp.special.gammaln(nu / 2) - 0.5 * xp.log(math.pi * nu) - log_sigma
    return x.shape[0] * constant - (nu + 1) / 2 * xp.sum(xp.log1p(z * z / nu))


@student_log_density.gradient
def _(xp, x, nu, mu, log_sigma):
    n = x.shape[0]
    sigma = xp.exp(log_sigma)  # node 1
    z = (x - mu) / sigma  # node 2
    q = z * z / nu  # node 3
    # f = n c(ν) - n log σ - (ν + 1)/2 Σ log(1 + q)  node 4
    d_q = -(nu + 1) / 2 / (1 + q)  # node 4 input
    slope = (xp.special.digamma((nu + 1) / 2) - xp.special.digamma(nu / 2) - 1 / nu) / 2  # of c(ν)
    d_nu = n * slope - xp.sum(xp.log1p(q)) / 2  # node 4 input
    d_nu = d_nu - xp.sum(q / nu * d_q)  # node 3 input
    d_z = 2 * z / nu * d_q  # node 3 input
    d_x = d_z / sigma  # node 2 input
    d_mu = -xp.sum(d_x)  # node 2 input
    d_log_sigma = -n - xp.sum(z * d_z)  # node 4 input, and node 2 and 1: -z/σ d_z times σ
    return d_x, d_nu, d_mu, d_log_sigma


student_log_density.publishes(
    "-4.5789195434", "1/π, Cauchy's density at its centre", x=[1.5] * 4, nu=1.0, mu=1.5, log_sigma=0.0
)


@student_log_density.inputs_of_size
def _(n, rng):
    return dict(x=rng.standard_t(3, size=n), nu=3.0, mu=rng.normal(), log_sigma=0.25 * rng.normal())


@function(
    x=Positive((4,), low=2.0**-10, high=1000.0),
    a=Positive((), low=2.0**-6, high=100.0),
    b=Positive((), low=2.0**-6, high=100.0),
    points=[
        dict(x=[0.5, 1.25, 2.0, 0.75], a=2.5, b=0.75),
        dict(x=[1.0, 1.0, 1.0, 1.0], a=1.0, b=1.0),  # the exponential distribution; log 1 = 0
        dict(x=[2.0**-10, 1000.0, 0.5, 3.0], a=2.0**-6, b=4.0),  # unbounded at 0
    ],
)
def gamma_log_density(xp, x, a, b):
    """f(x, a, b) = Σ a log b - log Γ(a) + (a - 1) log x - b x

    x: n = 4, shape a, rate b. Gelman et al., Bayesian Data Analysis, 3rd ed., table A.1."""
    constant = a * xp.log(b) - xp.special.gammaln(a)
    return x.shape[0] * constant + (a - 1) * xp.sum(xp.log(x)) - b * xp.sum(x)


@gamma_log_density.gradient
def _(xp, x, a, b):
    n = x.shape[0]
    logs = xp.log(x)  # node 1
    # f = Σ a log b - log Γ(a) + (a - 1) log x - b x  node 2
    d_logs = a - 1  # node 2 input
    d_a = n * (xp.log(b) - xp.special.digamma(a)) + xp.sum(logs)  # node 2 input
    d_b = n * a / b - xp.sum(x)  # node 2 input
    d_x = d_logs / x - b  # node 1 input, and node 2 input
    return d_x, d_a, d_b


@gamma_log_density.inputs_of_size
def _(n, rng):
    return dict(x=0.125 + rng.gamma(2.0, size=n), a=2.5, b=1.25)


@function(
    x=Reals((4,), low=2.0**-10, high=1 - 2.0**-10),
    a=Positive((), low=2.0**-6, high=100.0),
    b=Positive((), low=2.0**-6, high=100.0),
    points=[
        dict(x=[0.5, 0.125, 0.875, 0.75], a=2.5, b=0.75),
        dict(x=[0.25, 0.5, 0.75, 0.5], a=1.0, b=1.0),  # uniform: no slope in x
        dict(x=[2.0**-10, 1 - 2.0**-10, 0.5, 0.25], a=2.0**-6, b=64.0),  # both ends
    ],
)
def beta_log_density(xp, x, a, b):
    """f(x, a, b) = Σ (a - 1) log x + (b - 1) log(1 - x) + log Γ(a + b) - log Γ(a) - log Γ(b)

    x: n = 4, between 0 and 1. Gelman et al., Bayesian Data Analysis, 3rd ed., table A.1."""
    constant = xp.special.gammaln(a + b) - xp.special.gammaln(a) - xp.special.gammaln(b)
    return xp.sum((a - 1) * xp.log(x) + (b - 1) * xp.log1p(-x)) + x.shape[0] * constant


@beta_log_density.gradient
def _(xp, x, a, b):
    n = x.shape[0]
    # f = Σ (a - 1) log x + (b - 1) log(1 - x) + log Γ(a + b) - log Γ(a) - log Γ(b)  node 1
    both = xp.special.digamma(a + b)
    d_a = xp.sum(xp.log(x)) + n * (both - xp.special.digamma(a))  # node 1 input
    d_b = xp.sum(xp.log1p(-x)) + n * (both - xp.special.digamma(b))  # node 1 input
    d_x = (a - 1) / x - (b - 1) / (1 - x)  # node 1 input
    return d_x, d_a, d_b


@beta_log_density.inputs_of_size
def _(n, rng):
    return dict(x=rng.uniform(0.125, 0.875, size=n), a=2.5, b=1.25)


@function(
    x=Positive((2, 3), low=2.0**-10, high=1.0),
    alpha=Positive((3,), low=2.0**-6, high=100.0),
    points=[
        dict(x=[[0.5, 0.125, 0.375], [0.0625, 0.25, 0.6875]], alpha=[2.5, 0.75, 1.5]),
        dict(x=[[0.25, 0.5, 0.25], [0.5, 0.375, 0.125]], alpha=[1.0, 1.0, 1.0]),  # uniform on the simplex
        dict(x=[[2.0**-10, 2.0**-10, 1 - 2.0**-9], [1.0, 0.5, 0.25]], alpha=[2.0**-6, 64.0, 0.5]),  # a corner
    ],
)
def dirichlet_log_density(xp, x, alpha):
    """f(x, α) = Σᵢ log Γ(Σⱼ αⱼ) - Σⱼ log Γ(αⱼ) + Σⱼ (αⱼ - 1) log xᵢⱼ

    x: n x k = 2x3, α: 3. The entries of x are free, although a row of shares sums to 1: the derivative is that of the
    formula, not along the simplex. Gelman et al., Bayesian Data Analysis, 3rd ed., table A.1."""
    constant = xp.special.gammaln(xp.sum(alpha)) - xp.sum(xp.special.gammaln(alpha))
    return x.shape[0] * constant + xp.sum((alpha - 1) * xp.log(x))


@dirichlet_log_density.gradient
def _(xp, x, alpha):
    s = xp.sum(alpha)  # node 1
    # f = n (log Γ(s) - Σ log Γ(α)) + Σ (α - 1) log x  node 2
    d_x = (alpha - 1) / x  # node 2 input
    d_s = x.shape[0] * xp.special.digamma(s)  # node 2 input
    d_alpha = xp.sum(xp.log(x), axis=0) - x.shape[0] * xp.special.digamma(alpha)  # node 2 input
    d_alpha = d_alpha + d_s  # node 1 input, the second way
    return d_x, d_alpha


dirichlet_log_density.publishes(
    "1.3862943611",
    "1/2, the area of the triangle x + y ≤ 1",
    x=[[0.25, 0.5, 0.25], [0.5, 0.375, 0.125]],
    alpha=[1.0] * 3,
)


@dirichlet_log_density.inputs_of_size
def _(n, rng):
    return dict(x=0.9 * rng.dirichlet([2.0] * 4, size=n) + 0.025, alpha=rng.uniform(0.5, 3.0, size=4))


@function(
    rate=Positive((5,), high=1000.0),
    points=[
        dict(rate=[0.5, 2.25, 1.5, 6.0, 3.75]),
        dict(rate=[1.0, 3.0, 1.0, 7.0, 2.0]),  # as many as expected: four slopes are 0
        dict(rate=[0.0, 3.5, 2.0**-10, 1000.0, 2.0]),  # none expected and none seen: 0 log 0 = 0, with the slope -1
    ],
)
def poisson_log_likelihood(xp, rate):
    """f(λ) = Σ k log λ - λ - log Γ(k + 1), fixed counts k = 0, 3, 1, 7, 2

    λ: n = 5. Where nothing was counted k log λ is 0, also at λ = 0, and its slope too. Gelman et al., Bayesian Data
    Analysis, 3rd ed., table A.2."""
    k = counts(xp, rate.shape[0])
    return xp.sum(xp.special.xlogy(k, rate) - rate - xp.special.gammaln(k + 1))


@poisson_log_likelihood.gradient
def _(xp, rate):
    k = counts(xp, rate.shape[0])
    seen = k > 0
    # f = Σ k log λ - λ - log k!  node 1
    d_rate = xp.where(seen, k / xp.where(seen, rate, xp.ones_like(rate)), xp.zeros_like(rate)) - 1  # node 1 input
    return (d_rate,)


@poisson_log_likelihood.inputs_of_size
def _(n, rng):
    return dict(rate=rng.uniform(0.5, 8.0, size=n))


@function(
    logits=Reals((5,)),
    points=[
        dict(logits=[0.5, -1.25, 2.0, 0.75, -0.375]),
        dict(logits=[0.0, -0.0, 2.0**-20, 0.0, 1.0]),  # even odds
        dict(logits=[40.0, -40.0, 1000.0, -1000.0, 8.0]),  # sure of itself, and wrong
    ],
)
def binomial_log_likelihood(xp, logits):
    """f(η) = Σ k η - N log(1 + e^η) + log(N choose k), N = 10 trials, fixed counts k = 0, 3, 1, 7, 2 of successes

    η: n = 5, the logarithms of the odds. McCullagh and Nelder, Generalized Linear Models, 2nd ed., section 4.3."""
    k = counts(xp, logits.shape[0])
    choices = xp.special.gammaln(xp.full_like(k, 11.0)) - xp.special.gammaln(k + 1) - xp.special.gammaln(11 - k)
    return xp.sum(k * logits - 10 * xp.nn.softplus(logits) + choices)


@binomial_log_likelihood.gradient
def _(xp, logits):
    k = counts(xp, logits.shape[0])
    # f = Σ k η - 10 log(1 + e^η) + …  node 1
    d_logits = k - 10 * xp.special.expit(logits)  # node 1 input: seen less expected
    return (d_logits,)


@binomial_log_likelihood.inputs_of_size
def _(n, rng):
    return dict(logits=rng.normal(size=n))


@function(
    r=Positive((), low=2.0**-6, high=64.0),
    mu=Positive((5,), low=2.0**-6, high=1000.0),
    points=[
        dict(r=2.5, mu=[0.5, 2.25, 1.5, 6.0, 3.75]),
        dict(r=1.0, mu=[1.0, 3.0, 1.0, 7.0, 2.0]),  # the geometric distribution, as many as expected
        dict(r=64.0, mu=[2.0**-6, 1000.0, 0.25, 7.5, 64.0]),  # nearly Poisson's
    ],
)
def negative_binomial_log_likelihood(xp, r, mu):
    """f(r, μ) = Σ log Γ(k + r) - log Γ(r) - log Γ(k + 1) + r log r + k log μ - (k + r) log(r + μ), fixed counts k

    r: a scalar, the dispersion; μ: n = 5, the means; k = 0, 3, 1, 7, 2. r up to 64, because what r changes vanishes
    like 1/r². Lawless, Canadian Journal of Statistics 15 (1987), with r = 1/a."""
    k = counts(xp, mu.shape[0])
    ways = xp.special.gammaln(k + r) - xp.special.gammaln(r) - xp.special.gammaln(k + 1)
    return xp.sum(ways + r * xp.log(r) + k * xp.log(mu) - (k + r) * xp.log(r + mu))


@negative_binomial_log_likelihood.gradient
def _(xp, r, mu):
    k = counts(xp, mu.shape[0])
    s = r + mu  # node 1
    # f = Σ log Γ(k + r) - log Γ(r) + r log r + k log μ - (k + r) log s  node 2
    d_s = -(k + r) / s  # node 2 input
    slopes = xp.special.digamma(k + r) - xp.special.digamma(r) + xp.log(r) + 1 - xp.log(s)
    d_r = xp.sum(slopes + d_s)  # node 2 input and node 1 input
    d_mu = k / mu + d_s  # node 2 input and node 1 input
    return d_r, d_mu


@negative_binomial_log_likelihood.inputs_of_size
def _(n, rng):
    return dict(r=2.5, mu=rng.uniform(0.5, 8.0, size=n))


@function(
    x=Reals((4,), low=-8.0, high=8.0),
    mu=Reals((), low=-8.0, high=8.0),
    kappa=Positive((), high=64.0),
    points=[
        dict(x=[0.5, -1.25, 2.0, -3.0], mu=0.375, kappa=2.5),
        dict(x=[0.25, 0.25, 0.25, 0.25], mu=0.25, kappa=1.0),  # every angle at the mean
        dict(x=[3.0, -3.0, 6.25, 0.0], mu=-3.0, kappa=2.0**-10),  # nearly uniform
        dict(x=[1.0, 1.125, 0.875, 1.25], mu=1.0, kappa=64.0),  # nearly normal: e^κ cancels
    ],
)
def von_mises_log_density(xp, x, mu, kappa):
    """f(x, μ, κ) = Σ κ (cos(x - μ) - 1) - log(e^-κ I₀(κ)) - log 2π

    x: n = 4, angles; μ, κ: scalars. Through the scaled Bessel function, because I₀ itself overflows. κ from 2⁻¹⁰: at 0,
    where the distribution is uniform, the scaling has a kink. Mardia and Jupp, Directional Statistics, 2000, 3.5.4."""
    normalization = xp.log(xp.special.i0e(kappa)) + math.log(2 * math.pi)
    return xp.sum(kappa * (xp.cos(x - mu) - 1)) - x.shape[0] * normalization


@von_mises_log_density.gradient
def _(xp, x, mu, kappa):
    d = x - mu  # node 1
    c = xp.cos(d)  # node 2
    i = xp.special.i0e(kappa)  # node 3
    # f = Σ κ (c - 1) - n log i - n log 2π  node 4
    d_c = kappa  # node 4 input
    d_i = -x.shape[0] / i  # node 4 input
    d_kappa = xp.sum(c - 1)  # node 4 input
    d_kappa = d_kappa + (xp.special.i1e(kappa) - i) * d_i  # node 3 input: (e^-κ I₀)′ = e^-κ I₁ - e^-κ I₀
    d_x = -xp.sin(d) * d_c  # node 2 input and node 1 input
    d_mu = -xp.sum(d_x)  # node 1 input
    return d_x, d_mu, d_kappa


@von_mises_log_density.inputs_of_size
def _(n, rng):
    return dict(x=rng.vonmises(0.5, 2.0, size=n), mu=0.25, kappa=2.5)
