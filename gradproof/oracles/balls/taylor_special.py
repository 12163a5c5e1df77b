"""Derivatives of the special functions, in their arguments and in their parameters, for the series of `taylor.py`:
what Arb's series arithmetic does not have itself. Sections are those of the NIST Digital Library of Mathematical
Functions (DLMF)."""

from collections.abc import Callable

from flint import arb, arb_series

from gradproof.oracles.balls.scalars import SEVERAL, SPECIAL, confluent, polygamma, zeta_in_s


def _sinc(x: arb) -> arb:
    # sinc z = 0F1(; 3/2; -z²/4) has a derivative without a division by z (DLMF 10.16.9).
    return -(arb.pi() ** 2) * x / 3 * (-((arb.pi() * x / 2) ** 2)).hypgeom_0f1(2.5)


def _log_ndtr(x: arb) -> arb:
    return (-x * x / 2).exp() / (2 * arb.pi()).sqrt() / ((-x / arb(2).sqrt()).erfc() / 2)


def _i1(x: arb) -> arb:
    return (x.bessel_i(0) + x.bessel_i(2)) / 2


def _erfcx(x: arb) -> arb:
    if x > 1:
        return -x * confluent(1.5, x) / arb.pi().sqrt()  # where the other formula cancels (DLMF 13.3.22)
    return 2 * x * SPECIAL["erfcx"](x) - 2 / arb.pi().sqrt()


def half_square(x: arb) -> arb:
    """π x² / 2, of which Fresnel's integrals take sine and cosine."""
    return arb.pi() * x * x / 2


ONE: dict[str, Callable[[arb], arb]] = {
    "dawsn": lambda x: 1 - 2 * x * SPECIAL["dawsn"](x),
    "digamma": lambda x: polygamma(arb(1), x),
    "erfcx": _erfcx,
    "expi": lambda x: x.exp() / x,
    "fresnel_cos": lambda x: half_square(x).cos(),
    "fresnel_sin": lambda x: half_square(x).sin(),
    "gammaln": arb.digamma,
    "i0": lambda x: x.bessel_i(1),
    "i1": _i1,
    "j0": lambda x: -x.bessel_j(1),
    "j1": lambda x: (x.bessel_j(0) - x.bessel_j(2)) / 2,
    "k0": lambda x: -x.bessel_k(1),
    "k1": lambda x: -x.bessel_k(0) - x.bessel_k(1) / x,
    "log_ndtr": _log_ndtr,
    "sinc": _sinc,
    # log x / (1 - x) without a division by 0 at 1 (DLMF 15.4.1).
    "spence": lambda x: -(1 - x).hypgeom_2f1(1, 1, 2),
    "y0": lambda x: -x.bessel_y(1),
    "y1": lambda x: x.bessel_y(0) - x.bessel_y(1) / x,
}
"""f'(x). Bessel functions: DLMF 10.6.1 and 10.6.2, 10.29.1 to 10.29.3; gamma functions: 5.2.2 and 5.15.1; Dawson's and
Fresnel's integrals and the scaled erfc: 7.10.2 and 7.2.7, 7.2.8, 7.10.1; the exponential integral: 6.2.5; the
dilogarithm: 25.12.2."""

FROM_VALUE: dict[str, Callable[[arb], arb]] = {
    "erfinv": lambda y: arb.pi().sqrt() / 2 * (y * y).exp(),
    "lambertw": lambda w: (-w).exp() / (1 + w),
    "ndtri": lambda y: (2 * arb.pi()).sqrt() * (y * y / 2).exp(),
}
"""f'(x) = 1 / g'(y) of the inverse function of g, from the value y = f(x). Lambert's W: DLMF 4.13.4."""


def _gammainc_in_a(a: arb, x: arb) -> arb:
    """P (log x - ψ(a)) - xᵃ / (a² Γ(a)) 2F2(a, a; a + 1, a + 1; -x), from the series of γ(a, x) (DLMF 8.7.1)"""
    series = (-x).hypgeom([a, a], [a + 1, a + 1]) * x**a / (a * a * a.gamma())
    return SEVERAL["gammainc"](a, x) * (x.log() - a.digamma()) - series


def _gammainc(a: arb, x: arb) -> tuple[Callable, Callable]:
    return lambda: _gammainc_in_a(a, x), lambda: x ** (a - 1) * (-x).exp() / a.gamma()


def _gammaincc(a: arb, x: arb) -> tuple[Callable, Callable]:
    return tuple(lambda part=part: -part() for part in _gammainc(a, x))


def _beta(a: arb, b: arb) -> arb:
    return (a.lgamma() + b.lgamma() - (a + b).lgamma()).exp()


def _betainc_in_a(a: arb, b: arb, x: arb) -> arb:
    """I (log x - ψ(a) + ψ(a + b)) - xᵃ / (a² B(a, b)) 3F2(a, a, 1 - b; a + 1, a + 1; x), from 2F1 (DLMF 8.17.7)"""
    series = x.hypgeom([a, a, 1 - b], [a + 1, a + 1]) * x**a / (a * a * _beta(a, b))
    return SEVERAL["betainc"](a, b, x) * (x.log() - a.digamma() + (a + b).digamma()) - series


def _betainc(a: arb, b: arb, x: arb) -> tuple[Callable, Callable, Callable]:
    return (
        lambda: _betainc_in_a(a, b, x),
        lambda: -_betainc_in_a(b, a, 1 - x),  # I_x(a, b) = 1 - I_(1-x)(b, a), DLMF 8.17.4
        lambda: x ** (a - 1) * (1 - x) ** (b - 1) / _beta(a, b),
    )


def _zeta(s: arb, q: arb) -> tuple[Callable, Callable]:
    return lambda: zeta_in_s(s, q), lambda: -s * (s + 1).zeta(q)  # DLMF 25.11.17


def _in_steps(name: str) -> Callable:
    raise ValueError(f"{name} is a function of integer order: it has no derivative in it")


def _expn(n: arb, x: arb) -> tuple[Callable, Callable]:
    return lambda: _in_steps("expn"), lambda: -x.expint(n - 1)  # DLMF 8.19.13


def _polygamma(n: arb, x: arb) -> tuple[Callable, Callable]:
    return lambda: _in_steps("polygamma"), lambda: polygamma(n + 1, x)


def _i0e(x: arb, size: arb) -> tuple[Callable, Callable]:
    return lambda: SEVERAL["i1e"](x, size), lambda: -SEVERAL["i0e"](x, size)


def _i1e(x: arb, size: arb) -> tuple[Callable, Callable]:
    return lambda: _i1(x) * (-size).exp(), lambda: -SEVERAL["i1e"](x, size)


def _k0e(x: arb, size: arb) -> tuple[Callable, Callable]:
    return lambda: -SEVERAL["k1e"](x, size), lambda: SEVERAL["k0e"](x, size)


def _k1e(x: arb, size: arb) -> tuple[Callable, Callable]:
    return lambda: ONE["k1"](x) * size.exp(), lambda: SEVERAL["k1e"](x, size)


PARTIALS: dict[str, Callable[..., tuple[Callable[[], arb], ...]]] = {
    **{"betainc": _betainc, "expn": _expn, "gammainc": _gammainc, "gammaincc": _gammaincc},
    **{"i0e": _i0e, "i1e": _i1e, "k0e": _k0e, "k1e": _k1e, "polygamma": _polygamma, "zeta": _zeta},
}
"""One partial derivative for each argument, computed when it is asked for."""


def of_one(name: str, x: arb_series) -> arb_series:
    """f(x + x' t) = f(x) + f'(x) x' t"""
    return arb_series([SPECIAL[name](x[0]), ONE[name](x[0]) * x[1]])


def of_inverse(name: str, x: arb_series, rounding: arb) -> arb_series:
    """The same with f'(x) from the value, which carries its own rounding."""
    value = SPECIAL[name](x[0])
    return arb_series([value, FROM_VALUE[name](value * rounding) * x[1]])


def of_several(name: str, *arguments: arb | arb_series) -> arb_series:
    """f(a + a' t, b + b' t, …) = f(a, b, …) + (∂f/∂a a' + ∂f/∂b b' + …) t"""
    at = [argument[0] if isinstance(argument, arb_series) else argument for argument in arguments]
    terms = zip(PARTIALS[name](*at), arguments, strict=True)
    slope = sum((partial() * a[1] for partial, a in terms if isinstance(a, arb_series)), arb(0))
    return arb_series([SEVERAL[name](*at), slope])
