"""Prices in finance, whose derivatives have names of their own: the Greeks of an option, the duration of a bond."""

from gradproof import Positive, Reals, function

OPTION = dict(
    S=Positive((), low=32.0, high=128.0),
    K=Positive((), low=32.0, high=128.0),
    sigma=Positive((), low=0.125, high=1.0),
    r=Reals((), low=-0.125, high=0.25),
    T=Positive((), low=0.125, high=4.0),
)
"""Where the options of this file lie: the spot price S, the strike price K, the volatility σ, the interest rate r and
the time T to maturity. At the corners d₁ is about ±31, where Φ and φ are no longer numbers of float32."""

POINTS = [
    dict(S=80.0, K=62.5, sigma=0.375, r=0.0625, T=0.75),
    dict(S=64.0, K=64.0, sigma=0.25, r=0.0, T=1.0),  # at the money, without interest
    dict(S=40.0, K=96.0, sigma=0.1875, r=0.125, T=0.5),  # where a call is worth next to nothing
    dict(S=96.0, K=40.0, sigma=0.1875, r=-0.125, T=0.5),  # where a put is
]

HULL = "Hull, Options, Futures, and Other Derivatives, chapter on the Black-Scholes-Merton model, the numerical example"


@function(**OPTION, points=POINTS)
def black_scholes_call(xp, S, K, sigma, r, T):
    """f(S, K, σ, r, T) = S Φ(d₁) - K e^(-rT) Φ(d₂), d₁ = (log(S/K) + (r + σ²/2) T) / (σ √T), d₂ = d₁ - σ √T

    The price of a European call option (Black and Scholes, Journal of Political Economy 81, 1973). Its derivatives are
    the Greeks: delta, that by the strike price, vega, rho, and minus theta."""
    v = sigma * xp.sqrt(T)
    d1 = (xp.log(S / K) + (r + sigma * sigma / 2) * T) / v
    return S * xp.special.ndtr(d1) - K * xp.exp(-r * T) * xp.special.ndtr(d1 - v)


@black_scholes_call.gradient
def _(xp, S, K, sigma, r, T):
    root = xp.sqrt(T)  # node 1
    v = sigma * root  # node 2
    m = S / K  # node 3
    g = r + sigma * sigma / 2  # node 4
    a = xp.log(m) + g * T  # node 5
    d1 = a / v  # node 6
    d2 = d1 - v  # node 7
    N1, N2 = xp.special.ndtr(d1), xp.special.ndtr(d2)  # nodes 8 and 9
    D = xp.exp(-r * T)  # node 10, what money at the time T is worth today
    d_S, d_N1 = N1, S  # node 11 input: f = S N₁ - K D N₂
    d_K, d_D, d_N2 = -D * N2, -K * N2, -K * D  # node 11 input
    d_r, d_T = -T * D * d_D, -r * D * d_D  # node 10 input
    d_d2 = xp.exp(-d2 * d2 / 2) / (2 * xp.pi) ** 0.5 * d_N2  # node 9 input
    d_d1 = xp.exp(-d1 * d1 / 2) / (2 * xp.pi) ** 0.5 * d_N1 + d_d2  # node 8 and 7 input
    d_v = -d_d2 - d1 / v * d_d1  # node 7 and 6 input
    d_a = d_d1 / v  # node 6 input
    d_m, d_g, d_T = d_a / m, T * d_a, d_T + g * d_a  # node 5 input
    d_r, d_sigma = d_r + d_g, sigma * d_g  # node 4 input
    d_S, d_K = d_S + d_m / K, d_K - m / K * d_m  # node 3 input
    d_sigma, d_root = d_sigma + root * d_v, sigma * d_v  # node 2 input
    return d_S, d_K, d_sigma, d_r, d_T + d_root / (2 * root)  # node 1 input


black_scholes_call.publishes("4.76", HULL, S=42.0, K=40.0, sigma=0.2, r=0.1, T=0.5)


@function(**OPTION, points=POINTS)
def black_scholes_put(xp, S, K, sigma, r, T):
    """f(S, K, σ, r, T) = K e^(-rT) Φ(-d₂) - S Φ(-d₁), d₁ = (log(S/K) + (r + σ²/2) T) / (σ √T), d₂ = d₁ - σ √T

    The price of a European put option (Black and Scholes, Journal of Political Economy 81, 1973)."""
    v = sigma * xp.sqrt(T)
    d1 = (xp.log(S / K) + (r + sigma * sigma / 2) * T) / v
    return K * xp.exp(-r * T) * xp.special.ndtr(v - d1) - S * xp.special.ndtr(-d1)


@black_scholes_put.gradient
def _(xp, S, K, sigma, r, T):
    root = xp.sqrt(T)  # node 1
    v = sigma * root  # node 2
    m = S / K  # node 3
    g = r + sigma * sigma / 2  # node 4
    a = xp.log(m) + g * T  # node 5
    d1 = a / v  # node 6
    d2 = d1 - v  # node 7
    N1, N2 = xp.special.ndtr(-d1), xp.special.ndtr(-d2)  # nodes 8 and 9
    D = xp.exp(-r * T)  # node 10
    d_S, d_N1 = -N1, -S  # node 11 input: f = K D N₂ - S N₁
    d_K, d_D, d_N2 = D * N2, K * N2, K * D  # node 11 input
    d_r, d_T = -T * D * d_D, -r * D * d_D  # node 10 input
    d_d2 = -xp.exp(-d2 * d2 / 2) / (2 * xp.pi) ** 0.5 * d_N2  # node 9 input
    d_d1 = -xp.exp(-d1 * d1 / 2) / (2 * xp.pi) ** 0.5 * d_N1 + d_d2  # node 8 and 7 input
    d_v = -d_d2 - d1 / v * d_d1  # node 7 and 6 input
    d_a = d_d1 / v  # node 6 input
    d_m, d_g, d_T = d_a / m, T * d_a, d_T + g * d_a  # node 5 input
    d_r, d_sigma = d_r + d_g, sigma * d_g  # node 4 input
    d_S, d_K = d_S + d_m / K, d_K - m / K * d_m  # node 3 input
    d_sigma, d_root = d_sigma + root * d_v, sigma * d_v  # node 2 input
    return d_S, d_K, d_sigma, d_r, d_T + d_root / (2 * root)  # node 1 input


black_scholes_put.publishes("0.81", HULL, S=42.0, K=40.0, sigma=0.2, r=0.1, T=0.5)


@function(
    S=Positive((), low=32.0, high=128.0),
    K=Positive((3,), low=32.0, high=128.0),
    sigma=Positive((3,), low=0.125, high=1.0),
    r=Reals((), low=-0.125, high=0.25),
    T=Positive((3,), low=0.125, high=4.0),
    q=Reals((3,), low=-8.0, high=8.0),
    points=[
        dict(S=64.0, K=[62.5, 64.0, 80.0], sigma=[0.25, 0.375, 0.5], r=0.0625, T=[0.5, 1.0, 2.0], q=[1.0, -2.0, 1.5]),
        dict(S=64.0, K=[64.0] * 3, sigma=[0.25] * 3, r=0.0, T=[1.0] * 3, q=[1.0, -0.5, -0.5]),  # it hedges itself
        dict(
            S=100.0, K=[32.0, 96.0, 128.0], sigma=[0.125, 0.75, 1.0], r=-0.125, T=[0.25, 4.0, 0.125], q=[0.0, 8.0, 2.5]
        ),
    ],
)
def book_of_calls(xp, S, K, sigma, r, T, q):
    """f(S, K, σ, r, T, q) = Σᵢ qᵢ C(S, Kᵢ, σᵢ, r, Tᵢ), C the price of a call option by Black and Scholes

    K, σ, T, q: 3, as many options, of which q are held; one stock and one rate of interest, through which every option
    depends on every other's Greeks."""
    v = sigma * xp.sqrt(T)
    d1 = (xp.log(S / K) + (r + sigma * sigma / 2) * T) / v
    return xp.sum(q * (S * xp.special.ndtr(d1) - K * xp.exp(-r * T) * xp.special.ndtr(d1 - v)))


@book_of_calls.gradient
def _(xp, S, K, sigma, r, T, q):
    root = xp.sqrt(T)  # node 1
    v = sigma * root  # node 2
    m = S / K  # node 3
    g = r + sigma * sigma / 2  # node 4
    d1 = (xp.log(m) + g * T) / v  # node 6, with node 5: a = log m + g T
    d2 = d1 - v  # node 7
    N1, N2 = xp.special.ndtr(d1), xp.special.ndtr(d2)  # nodes 8 and 9
    D = xp.exp(-r * T)  # node 10
    d_q, d_C = S * N1 - K * D * N2, q  # node 12 input: f = Σ q C
    d_S, d_N1 = xp.sum(N1 * d_C), S * d_C  # node 11 input: C = S N₁ - K D N₂
    d_K, d_D, d_N2 = -D * N2 * d_C, -K * N2 * d_C, -K * D * d_C  # node 11 input
    d_r, d_T = -xp.sum(T * D * d_D), -r * D * d_D  # node 10 input
    d_d2 = xp.exp(-d2 * d2 / 2) / (2 * xp.pi) ** 0.5 * d_N2  # node 9 input
    d_d1 = xp.exp(-d1 * d1 / 2) / (2 * xp.pi) ** 0.5 * d_N1 + d_d2  # node 8 and 7 input
    d_v = -d_d2 - d1 / v * d_d1  # node 7 and 6 input
    d_a = d_d1 / v  # node 6 input
    d_m, d_g, d_T = d_a / m, T * d_a, d_T + g * d_a  # node 5 input
    d_r, d_sigma = d_r + xp.sum(d_g), sigma * d_g  # node 4 input
    d_S, d_K = d_S + xp.sum(d_m / K), d_K - m / K * d_m  # node 3 input
    d_sigma, d_root = d_sigma + root * d_v, sigma * d_v  # node 2 input
    return d_S, d_K, d_sigma, d_r, d_T + d_root / (2 * root), d_q  # node 1 input


@book_of_calls.inputs_of_size
def _(n, rng):
    K, sigma, T = rng.uniform(48, 80, n), rng.uniform(0.125, 0.5, n), rng.uniform(0.25, 4, n)
    return dict(S=64.0, K=K, sigma=sigma, r=0.0625, T=T, q=rng.normal(size=n))


@function(
    y=Reals((), low=-0.5, high=1.0),
    c=Reals((4,)),
    points=[
        dict(y=0.0625, c=[5.0, 5.0, 5.0, 105.0]),
        dict(y=0.0, c=[0.5, -1.25, 2.0, 0.75]),  # without interest
        dict(y=1.0, c=[0.0, 0.0, 0.0, 1000.0]),  # without coupons
        dict(y=-0.5, c=[1.0, 2.0, -0.375, 4.0]),
    ],
)
def bond_price(xp, y, c):
    """f(y, c) = Σₖ cₖ / (1 + y)ᵏ, k = 1 … n

    y: the yield, c: n = 4 payments, one a year. By Horner's rule, from the last payment to the first. Minus its
    derivative by y is the duration (Macaulay 1938) times the price, over 1 + y."""
    price = 0
    for k in reversed(range(c.shape[0])):
        price = (price + c[k]) / (1 + y)
    return price


@bond_price.gradient
def _(xp, y, c):
    n, prices, g = c.shape[0], [xp.zeros_like(y)], 1 + y  # node 1: g
    for k in reversed(range(n)):
        prices += [(prices[-1] + c[k]) / g]  # node 2 of year k
    d_price, d_g, d_c = xp.ones_like(y), 0, []
    for k in range(n):  # the years forward, which is the calculation backwards
        d_g = d_g - prices[n - k] / g * d_price  # node 2 input, the divisor
        d_price = d_price / g  # node 2 input, the dividend: the payment and what the later ones are worth
        d_c += [d_price]
    return d_g, xp.stack(d_c)  # node 1 input


@bond_price.inputs_of_size
def _(n, rng):
    return dict(y=0.0625, c=rng.uniform(1, 2, size=n))


bond_price.publishes(
    "100.0000000", "a bond that pays its yield is worth its face value", y=0.0625, c=[6.25] * 3 + [106.25]
)
