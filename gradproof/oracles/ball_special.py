"""Special functions of balls, by Arb (F. Johansson, Computing hypergeometric functions rigorously, arXiv:1606.06977,
and Arb's own documentation): each encloses the function on whole balls, in its parameters as well as in its argument.
Names and order of arguments are SciPy's. What is a textbook composition of these stands in
`gradproof/registry/formulas`."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from flint import acb, arb

if TYPE_CHECKING:
    from gradproof.oracles.balls import BallArithmetic, Balls


def gammaln(x: arb) -> arb:
    """log |Γ(x)|"""
    return x.lgamma() if x > 0 else abs(x.gamma()).log()


def polygamma(n: arb, x: arb) -> arb:
    """The n-th derivative of the digamma function, n = 0, 1, 2, …"""
    return acb(x).polygamma(n).real


def ndtri(p: arb) -> arb:
    """The x with Φ(x) = p: -√2 erfc⁻¹(2p), which keeps its digits for small p"""
    return -arb(2).sqrt() * (2 * p).erfcinv()


def log_ndtr(x: arb) -> arb:
    """log Φ(x); through the other tail where Φ is near 1"""
    tail = (abs(x) / arb(2).sqrt()).erfc() / 2
    return (-tail).log1p() if x > 0 else ((-x / arb(2).sqrt()).erfc() / 2).log()


def scaled_bessel_i(order: int, x: arb, size: arb) -> arb:
    """e^(-size) I(x) of this order"""
    return x.bessel_i(order) * (-size).exp()


SPECIAL: dict[str, Callable[[arb], arb]] = {
    "digamma": arb.digamma,
    "erf": arb.erf,
    "erfc": arb.erfc,
    "erfinv": arb.erfinv,
    # By the exponential that stays below 1: the other has a ball, far out, that contains no finite number.
    "expit": lambda x: 1 / (1 + (-x).exp()) if x > 0 else x.exp() / (1 + x.exp()),
    "gammaln": gammaln,
    "i0": lambda x: x.bessel_i(0),
    "i1": lambda x: x.bessel_i(1),
    "j0": lambda x: x.bessel_j(0),
    "j1": lambda x: x.bessel_j(1),
    "lambertw": arb.lambertw,
    "log_ndtr": log_ndtr,
    "ndtri": ndtri,
    "sinc": arb.sinc_pi,
}
"""Functions of one number."""

SEVERAL: dict[str, Callable[..., arb]] = {
    "betainc": lambda a, b, x: x.beta_lower(a, b, regularized=1),
    "expn": lambda n, x: x.expint(n),
    "gammainc": lambda a, x: x.gamma_lower(a, regularized=1),
    "gammaincc": lambda a, x: x.gamma_upper(a, regularized=1),
    "i0e": partial(scaled_bessel_i, 0),
    "i1e": partial(scaled_bessel_i, 1),
    "polygamma": polygamma,
    "zeta": lambda s, q: s.zeta(q),
}
"""Functions of several numbers. `i0e` and `i1e` take |x| as their second: its kink is decided on the whole array."""


def _of_argument_and_size(name: str, on: "BallArithmetic", x: Any) -> "Balls":
    return on.elementwise(name, x, on.abs(x))


def _log_ndtr(on: "BallArithmetic", x: Any) -> "Balls":
    # An implementation rounds √2 and x / √2 first; in the lower tail log Φ goes with the square of that quotient.
    return on.elementwise("log_ndtr", on.divide(on.divide(x, 1.0), 1.0))


OPERATIONS = {name: partial(_of_argument_and_size, name) for name in ("i0e", "i1e")} | {"log_ndtr": _log_ndtr}
"""Operations `(on, x)` on arrays that are more than a function of every entry."""
