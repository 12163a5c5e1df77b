"""Second derivatives of the special functions, which a second pass over a tape needs and `taylor_special.py` has not.
Sections are those of the NIST Digital Library of Mathematical Functions (DLMF)."""

from collections.abc import Callable

from flint import arb, arb_series, ctx

from gradproof.oracles.balls.scalars import SPECIAL, confluent, polygamma
from gradproof.oracles.balls.taylor_special import FROM_VALUE, PARTIALS, half_square
from gradproof.oracles.balls.taylor_special import ONE as FIRST


class NoSecondDerivative(Exception):
    """A function whose second derivative is not known here; the message says which."""


def _tanh(x: arb) -> arb:
    y = x.tanh()
    return -2 * y * (1 - y * y)


def _expit(x: arb) -> arb:
    s, t = SPECIAL["expit"](x), SPECIAL["expit"](-x)
    return s * t * (t - s)


def _sinc(x: arb) -> arb:
    # By the derivatives of 0F1 (DLMF 16.3.1), which need no division by x.
    z = -((arb.pi() * x / 2) ** 2)
    square = arb.pi() ** 2
    return -square / 3 * (z.hypgeom_0f1(2.5) - x * x * square / 5 * z.hypgeom_0f1(3.5))


def _log_ndtr(x: arb) -> arb:
    ratio = (-x * x / 2).exp() / (2 * arb.pi()).sqrt() / ((-x / arb(2).sqrt()).erfc() / 2)
    return -ratio * (x + ratio)


def _erfinv(x: arb) -> arb:
    y = SPECIAL["erfinv"](x)
    return 2 * y * FROM_VALUE["erfinv"](y) ** 2


def _ndtri(x: arb) -> arb:
    y = SPECIAL["ndtri"](x)
    return y * FROM_VALUE["ndtri"](y) ** 2


def _lambertw(x: arb) -> arb:
    w = x.lambertw()
    return -(-2 * w).exp() * (w + 2) / (1 + w) ** 3


def _dawsn(x: arb) -> arb:
    return -2 * (SPECIAL["dawsn"](x) + x * FIRST["dawsn"](x))


def _erfcx(x: arb) -> arb:
    if x > 1:
        return (3 * x * x * confluent(2.5, x) - confluent(1.5, x)) / arb.pi().sqrt()
    return 2 * (SPECIAL["erfcx"](x) + x * FIRST["erfcx"](x))


ONE: dict[str, Callable[[arb], arb]] = {
    "dawsn": _dawsn,
    "digamma": lambda x: polygamma(arb(2), x),
    "erfcx": _erfcx,
    "erfinv": _erfinv,
    "expi": lambda x: x.exp() * (x - 1) / (x * x),
    "expit": _expit,
    "fresnel_cos": lambda x: -arb.pi() * x * half_square(x).sin(),
    "fresnel_sin": lambda x: arb.pi() * x * half_square(x).cos(),
    "gammaln": lambda x: polygamma(arb(1), x),
    "i0": lambda x: (x.bessel_i(0) + x.bessel_i(2)) / 2,
    "i1": lambda x: (3 * x.bessel_i(1) + x.bessel_i(3)) / 4,
    "j0": lambda x: (x.bessel_j(2) - x.bessel_j(0)) / 2,
    "j1": lambda x: (x.bessel_j(3) - 3 * x.bessel_j(1)) / 4,
    "k0": lambda x: (x.bessel_k(0) + x.bessel_k(2)) / 2,
    "k1": lambda x: (3 * x.bessel_k(1) + x.bessel_k(3)) / 4,
    "lambertw": _lambertw,
    "log_ndtr": _log_ndtr,
    "ndtri": _ndtri,
    "sinc": _sinc,
    "spence": lambda x: (1 - x).hypgeom_2f1(2, 2, 3) / 2,
    "tanh": _tanh,
    "y0": lambda x: (x.bessel_y(2) - x.bessel_y(0)) / 2,
    "y1": lambda x: (x.bessel_y(3) - 3 * x.bessel_y(1)) / 4,
}
"""f''(x). Bessel functions: DLMF 10.6.7 and 10.29.5; the inverse functions from their first derivatives."""


def second_derivative(name: str, series: Callable[[arb_series], arb_series], x: arb) -> arb:
    """f''(x), from the table or from Arb's series of f."""
    if name in ONE:
        return ONE[name](x)
    cap = ctx.cap
    ctx.cap = 3
    try:
        return 2 * series(arb_series([x, 1, 0]))[2]
    finally:
        ctx.cap = cap


def _bessel(order: int, derivative: int, x: arb, size: arb) -> arb:
    """A derivative in x of I(x) e^(-size)."""
    functions = {
        (0, 0): lambda: x.bessel_i(0),
        (0, 1): lambda: x.bessel_i(1),
        (0, 2): lambda: ONE["i0"](x),
        (1, 0): lambda: x.bessel_i(1),
        (1, 1): lambda: (x.bessel_i(0) + x.bessel_i(2)) / 2,
        (1, 2): lambda: ONE["i1"](x),
    }
    return functions[order, derivative]() * (-size).exp()


def _scaled_bessel(order: int) -> Callable:
    def second(first: int, other: int, x: arb, size: arb) -> arb:
        # Each derivative in the size is a factor of -1.
        return (-1) ** (first + other) * _bessel(order, 2 - first - other, x, size)

    return second


def _scaled_bessel_k(order: int) -> Callable:
    def second(first: int, other: int, x: arb, size: arb) -> arb:
        name = f"k{order}"
        slopes = {0: SPECIAL[name], 1: FIRST[name], 2: ONE[name]}
        return slopes[2 - first - other](x) * size.exp()  # in the size it is its own derivative

    return second


def _expn(first: int, other: int, n: arb, x: arb) -> arb:
    return x.expint(n - 2)


def _polygamma(first: int, other: int, n: arb, x: arb) -> arb:
    return polygamma(n + 2, x)


def _zeta(first: int, other: int, s: arb, q: arb) -> arb:
    if first + other == 2:
        return s * (s + 1) * (s + 2).zeta(q)
    if first + other == 1:
        return -(s + 1).zeta(q) - s * arb_series([s + 1, 1]).zeta(q)[1]
    return second_derivative("", lambda x: x.zeta(q), s)


def _density(name: str) -> Callable[..., arb]:
    """The derivative in x, the last argument."""
    return lambda *at: PARTIALS[name](*at)[-1]()


def _gammainc(name: str) -> Callable:
    def second(first: int, other: int, a: arb, x: arb) -> arb:
        if first + other == 2:
            return _density(name)(a, x) * ((a - 1) / x - 1)
        if first + other == 1:
            return _density(name)(a, x) * (x.log() - a.digamma())
        raise NoSecondDerivative(f"{name} has no second derivative in its parameter here")

    return second


def _betainc(first: int, other: int, a: arb, b: arb, x: arb) -> arb:
    density = _density("betainc")(a, b, x)
    which = tuple(sorted((first, other)))
    if which == (2, 2):
        return density * ((a - 1) / x - (b - 1) / (1 - x))
    if which == (0, 2):
        return density * (x.log() - a.digamma() + (a + b).digamma())
    if which == (1, 2):
        return density * ((1 - x).log() - b.digamma() + (a + b).digamma())
    raise NoSecondDerivative("betainc has no second derivative in its parameters here")


SECOND_PARTIALS: dict[str, Callable[..., arb]] = {
    **{"i0e": _scaled_bessel(0), "i1e": _scaled_bessel(1), "expn": _expn, "polygamma": _polygamma, "zeta": _zeta},
    **{"k0e": _scaled_bessel_k(0), "k1e": _scaled_bessel_k(1)},
    **{"gammainc": _gammainc("gammainc"), "gammaincc": _gammainc("gammaincc"), "betainc": _betainc},
}
"""`(i, j, *arguments)`: the second derivative in the arguments i and j. `expn` and `polygamma` have integer orders."""
