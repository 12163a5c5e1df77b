"""Elementary and special functions of one ball, or of one for each argument, by Arb (F. Johansson, Computing
hypergeometric functions rigorously, arXiv:1606.06977, and Arb's own documentation): each encloses the function on whole
balls, in its parameters as well as in its argument. Names and order of arguments of the special ones are SciPy's. What
is a textbook composition of these stands in `gradproof/registry/formulas`."""

import math
from collections.abc import Callable
from functools import partial

from flint import acb, arb, arb_series, ctx

Scalar = Callable[..., arb]

ELEMENTARY: dict[str, Scalar] = {
    "acos": arb.acos,
    "acosh": arb.acosh,
    "asin": arb.asin,
    "asinh": arb.asinh,
    "atan": arb.atan,
    "atanh": arb.atanh,
    "cos": arb.cos,
    "cosh": arb.cosh,
    "exp": arb.exp,
    "expm1": arb.expm1,
    "log": arb.log,
    "log10": lambda x: x.log() / arb(10).log(),
    "log1p": arb.log1p,
    "log2": lambda x: x.log() / arb(2).log(),
    "sin": arb.sin,
    "sinh": arb.sinh,
    "sqrt": lambda x: x if x.is_zero() else x.sqrt(),
    "tan": arb.tan,
    "tanh": arb.tanh,
}


def gammaln(x: arb) -> arb:
    """log |Γ(x)|"""
    return x.lgamma() if x > 0 else abs(x.gamma()).log()


def polygamma(n: arb, x: arb) -> arb:
    """The n-th derivative of the digamma function, n = 0, 1, 2, …"""
    if not (n.is_integer() and n >= 1) or not (x > 0 or x < 0):
        return acb(x).polygamma(n).real
    order = int(n.unique_fmpz())
    if x > 0:
        return (-1) ** (order + 1) * math.factorial(order) * (n + 1).zeta(x)  # DLMF 25.11.12
    # By reflection, DLMF 5.15.6: Arb itself goes up to the positive numbers one by one.
    return (-1) ** order * polygamma(n, 1 - x) - arb.pi() * _cotangent_derivative(order, x)


def _cotangent_derivative(order: int, x: arb) -> arb:
    """The derivative of this order of cot(πx)"""
    cap, ctx.cap = ctx.cap, order + 1
    try:
        return math.factorial(order) * arb_series([x, 1]).cot_pi()[order]
    finally:
        ctx.cap = cap


def ndtri(p: arb) -> arb:
    """The x with Φ(x) = p: -√2 erfc⁻¹(2p), which keeps its digits for small p"""
    return -arb(2).sqrt() * (2 * p).erfcinv()


def log_ndtr(x: arb) -> arb:
    """log Φ(x); through the other tail where Φ is near 1"""
    tail = (abs(x) / arb(2).sqrt()).erfc() / 2
    return (-tail).log1p() if x > 0 else ((-x / arb(2).sqrt()).erfc() / 2).log()


def gammainc(a: arb, x: arb) -> arb:
    """P(a, x), x from 0 on: for a whole a Arb goes on below 0, where SciPy and the frameworks have no number."""
    return arb.nan() if x < 0 else x.gamma_lower(a, regularized=1)


def gammaincc(a: arb, x: arb) -> arb:
    """Q(a, x), x from 0 on as well"""
    return arb.nan() if x < 0 else x.gamma_upper(a, regularized=1)


ZETA_FAR = 2**32
"""Beyond this exponent Arb's expansion of ζ(s, q) takes a second and gives no number; its first term does."""


def zeta(s: arb, q: arb) -> arb:
    """Hurwitz's ζ(s, q) as the sum of its series, s > 1: what Arb has below is no number to SciPy and the frameworks"""
    if s < 1:
        return arb.nan()
    if not (s > ZETA_FAR and q > 0):
        return s.zeta(q)
    rest = (q + 1) ** -s * (1 + (q + 1) / (s - 1))  # a term, and the integral that is above those behind it
    return q**-s + arb(0, 1) * rest


def zeta_in_s(s: arb, q: arb) -> arb:
    """∂ζ(s, q)/∂s = -Σ log(k + q) (k + q)⁻ˢ, s > 1 as well: Arb takes a second for an exponent far below"""
    if s < 1:
        return arb.nan()
    if not (s > ZETA_FAR and q > 0):
        return arb_series([s, 1]).zeta(q)[1]
    log = (q + 1).log()
    rest = (q + 1) ** -s * (log + (q + 1) * (log / (s - 1) + 1 / (s - 1) ** 2))
    return -q.log() * q**-s + arb(0, 1) * rest


def betainc(a: arb, b: arb, x: arb) -> arb:
    """I_x(a, b), the distribution function of the beta distribution, x from 0 to 1. It rises with x and b and falls
    with a, so that it lies between two corners; on a ball that is not narrow Arb looks for seconds, and finds a wider
    one."""
    if x < 0 or x > 1:
        return arb.nan()
    if not (a > 0 and b > 0 and 0 < x < 1):
        return x.beta_lower(a, b, regularized=1)
    low = x.lower().beta_lower(a.upper(), b.lower(), regularized=1)
    return low.union(x.upper().beta_lower(a.lower(), b.upper(), regularized=1))


def dawsn(x: arb) -> arb:
    """Dawson's integral exp(-x²) ∫₀ˣ exp(t²) dt, by the imaginary error function (DLMF 7.5.1)"""
    return arb.pi().sqrt() / 2 * (-x * x).exp() * x.erfi()


def confluent(order: float, x: arb) -> arb:
    """U(order, order, x²), in which the tail of the normal distribution keeps its digits far out (DLMF 7.11.3)"""
    return (x * x).hypgeom_u(arb(order), arb(order))


def _erfcx_at(x: arb) -> arb:
    return confluent(0.5, x) / arb.pi().sqrt() if x > 1 else (x * x).exp() * x.erfc()


def erfcx(x: arb) -> arb:
    """exp(x²) erfc(x), which falls everywhere, so that it lies between the values at the ends of a ball; its factors
    depend on x far more than it does."""
    return _erfcx_at(x) if x.is_exact() else _erfcx_at(x.lower()).union(_erfcx_at(x.upper()))


def spence(x: arb) -> arb:
    """SciPy's dilogarithm Li₂(1 - x), x from 0 on"""
    return arb.nan() if x < 0 else acb(1 - x).polylog(2).real


def scaled_bessel_k(order: int, x: arb, size: arb) -> arb:
    """e^size K(x) of this order"""
    return x.bessel_k(order) * size.exp()


def scaled_bessel_i(order: int, x: arb, size: arb) -> arb:
    """e^(-size) I(x) of this order"""
    return x.bessel_i(order) * (-size).exp()


SPECIAL: dict[str, Callable[[arb], arb]] = {
    "dawsn": dawsn,
    "digamma": arb.digamma,
    "erf": arb.erf,
    "erfc": arb.erfc,
    "erfcx": erfcx,
    "erfinv": arb.erfinv,
    "expi": arb.ei,
    # By the exponential that stays below 1: the other has a ball, far out, that contains no finite number.
    "expit": lambda x: 1 / (1 + (-x).exp()) if x > 0 else x.exp() / (1 + x.exp()),
    "fresnel_cos": arb.fresnel_c,
    "fresnel_sin": arb.fresnel_s,
    "gammaln": gammaln,
    "i0": lambda x: x.bessel_i(0),
    "i1": lambda x: x.bessel_i(1),
    "j0": lambda x: x.bessel_j(0),
    "j1": lambda x: x.bessel_j(1),
    "k0": lambda x: x.bessel_k(0),
    "k1": lambda x: x.bessel_k(1),
    "lambertw": arb.lambertw,
    "log_ndtr": log_ndtr,
    "ndtri": ndtri,
    "sinc": arb.sinc_pi,
    "spence": spence,
    "y0": lambda x: x.bessel_y(0),
    "y1": lambda x: x.bessel_y(1),
}
"""Functions of one number."""

SEVERAL: dict[str, Callable[..., arb]] = {
    "betainc": betainc,
    "expn": lambda n, x: x.expint(n),
    "gammainc": gammainc,
    "gammaincc": gammaincc,
    "i0e": partial(scaled_bessel_i, 0),
    "i1e": partial(scaled_bessel_i, 1),
    "k0e": partial(scaled_bessel_k, 0),
    "k1e": partial(scaled_bessel_k, 1),
    "polygamma": polygamma,
    "zeta": zeta,
}
"""Functions of several numbers. `i0e` and `i1e` take |x| as their second: its kink is decided on the whole array.
`k0e` and `k1e` take x once more."""

AT_INFINITY: dict[str, dict[float, float]] = {
    **{name: {0.0: -math.inf, math.inf: math.inf} for name in ("log", "log2", "log10")},
    "log1p": {-1.0: -math.inf, math.inf: math.inf},
    "erf": {-math.inf: -1.0, math.inf: 1.0},
    "erfc": {-math.inf: 2.0, math.inf: 0.0},
    "erfcx": {math.inf: 0.0},
    "expit": {-math.inf: 0.0, math.inf: 1.0},
    "log_ndtr": {-math.inf: -math.inf, math.inf: 0.0},
    "ndtri": {0.0: -math.inf, 1.0: math.inf},
    "erfinv": {-1.0: -math.inf, 1.0: math.inf},
    "atanh": {-1.0: -math.inf, 1.0: math.inf},
}
"""What IEEE 754-2019, clause 9.2, gives at an infinity or for one, where Arb has no number. An infinity is a result
like others: of the logarithm of a weight of 0, for one, which the exponential takes back to 0."""


def at_infinity(name: str, x: arb, found: arb) -> arb:
    """The function at an argument that is exactly one of those; elsewhere what was found."""
    if not found.is_nan() or not x.is_exact():
        return found
    known = AT_INFINITY[name].get(float(x))
    return found if known is None else arb(known)


SCALARS = ELEMENTARY | SPECIAL | SEVERAL
