"""Special functions of the oracles: digits computed elsewhere than in Arb, bounds that hold what SciPy makes of them,
and derivatives, those in the parameters among them, against exact differences."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import scipy.special
from flint import arb, ctx

from gradproof.oracles.balls import BallArithmetic, Balls, TaylorArithmetic, scalars
from gradproof.oracles.balls.scalars import SEVERAL, SPECIAL, zeta, zeta_in_s
from gradproof.oracles.machine_model import FORMATS, SLACK, ULPS, MachineModel
from tests.unit.made import at, confirmed, entry

MODELS = {dtype: MachineModel(FORMATS[np.dtype(dtype).name]) for dtype in (np.float64, np.float32)}


@pytest.fixture(autouse=True, scope="module")
def two_hundred_bits() -> Iterator[None]:
    with ctx.workprec(200):
        yield


def evaluate(name: str, arguments: tuple, model: MachineModel | None = None) -> Balls:
    """One special function; a Python integer stays what it is."""
    on = BallArithmetic(model)
    lifted = [a if isinstance(a, int) else on.inputs(np.array(a, np.float64)) for a in arguments]
    return getattr(on.namespace().special, name)(*lifted)


# Known digits, by mpmath

DIGITS = [
    ("betainc", (2.5, 1.5, 0.375), "0.1498924324679275912943758278962443184779265197"),
    ("betainc", (0.75, 5.0, 0.90625), "0.9999960401588547461855719430203536146936615524343"),
    ("betainc", (8.0, 3.0, 0.5), "0.0546875"),
    ("betaln", (2.5, 1.5), "-1.627858836390381063525501134479647560654705725"),
    ("betaln", (0.375, 20.0), "-0.2544546152567728430347423575064417313051615158"),
    ("erfinv", (-0.984375,), "-1.709472374299511478546219898062587024345109569"),
    ("erfinv", (2.0**-20,), "8.451718573121729172225342048566507640292615437e-7"),
    ("expn", (1, 0.375), "0.7461927762369156088178350157838208475338110486"),
    ("expn", (2, 1.5), "0.07310078653848085108041646089651205394957662015"),
    ("expn", (3, 20.0), "9.009116813346401511754060630925287314247902402e-11"),
    ("gammainc", (2.5, 1.5), "0.300014164121372490900198448375331778846520914"),
    ("gammainc", (10.0, 12.0), "0.7576078383294876513181001537964349019208053127"),
    ("gammaincc", (0.5, 8.0), "0.00006334248366623984250754151344430259688766675096"),
    ("gammaincc", (2.5, 1.5), "0.699985835878627509099801551624668221153479086"),
    ("i0", (-20.0,), "43558282.55955353327210666008921769191706709948"),
    ("i0", (0.0,), "1"),
    ("i0e", (-20.0,), "0.08978031188482602159594465366971099207918219264"),
    ("i1", (0.375,), "0.1908152670198235244810890607242745929797747977"),
    ("i1e", (-20.0,), "-0.08750622218328866535633006831522169622362198341"),
    ("lambertw", (-0.25,), "-0.3574029561813889030688111040559047533165905551"),
    ("lambertw", (1e6,), "11.38335808614005262200015678158500428903377471"),
    ("log_ndtr", (0.375,), "-0.4366930130175384576459167831891819941491280766"),
    ("log_ndtr", (5.0,), "-0.0000002866516129637635933845962584956092349752049593954"),
    ("ndtr", (0.375,), "0.6461697666727237943731627883932565419116941862351"),
    ("ndtr", (-8.0,), "6.220960574271784123515995172588188422488717279e-16"),
    ("ndtri", (0.375,), "-0.3186393639643751630219484636700746433496403398"),
    ("ndtri", (0.96875,), "1.862731867421651455487680978558201086102923641"),
    ("polygamma", (0, 2.5), "0.703156640645243187225690333667911099473507062"),
    ("polygamma", (1, 0.375), "8.161777632761507854765443111882048150130862712"),
    ("polygamma", (2, -1.5), "-0.2362040516417274030037416685677072781172155001744"),
    ("polygamma", (3, 20.0), "0.0002693742213396389145941186424227436148031900661"),
    ("sinc", (0.0,), "1"),
    ("sinc", (-7.25,), "-0.0310453902123140023984551445174738131953301431"),
    ("zeta", (1.125, 0.375), "11.09711066116213004180776557151578767546953355"),
    ("zeta", (2.5, 1.5), "0.5902563850764312900832356605270752950784436967"),
    ("zeta", (4.0, 20.0), "0.00004489570355660648576568644040379060246719834435"),
]


@pytest.mark.parametrize(("name", "arguments", "digits"), DIGITS)
def test_known_digits(name: str, arguments: tuple, digits: str) -> None:
    result = evaluate(name, arguments).entries[()]
    assert abs(result - arb(digits)) <= abs(arb(digits)) * arb("1e-40")
    assert result.rel_accuracy_bits() > 110


# Bounds

GENERIC = np.float32(np.random.default_rng(11).uniform(0.125, 1.0, (5, 24)))
BOUNDED: dict[str, tuple[Callable, ...]] = {
    # The arguments, from numbers between 1/8 and 1; the parameters stay where Cephes states its errors.
    "betainc": (lambda u: 5 * u, lambda u: 5 * u, lambda u: u),
    "betaln": (lambda u: 5 * u, lambda u: 5 * u),
    "digamma": (lambda u: 8 * u,),
    "erf": (lambda u: 4 * u - 2,),
    "erfc": (lambda u: 8 * u - 2,),
    "erfinv": (lambda u: 2 * u - np.float32(1.0625),),
    "gammainc": (lambda u: 8 * u, lambda u: 8 * u),
    "gammaincc": (lambda u: 8 * u, lambda u: 8 * u),
    "gammaln": (lambda u: 8 * u,),
    "i0": (lambda u: 16 * u - 8,),
    "i0e": (lambda u: 16 * u - 8,),
    "i1": (lambda u: 16 * u - 8,),
    "i1e": (lambda u: 16 * u - 8,),
    "log_ndtr": (lambda u: 16 * u - 10,),
    "logit": (lambda u: u - np.float32(0.0625),),
    "ndtr": (lambda u: 16 * u - 10,),
    "ndtri": (lambda u: u - np.float32(0.0625),),
    "sinc": (lambda u: 8 * u - 4,),
    "zeta": (lambda u: 1 + 4 * u, lambda u: 8 * u),
}


def within(bound: Balls, true: Balls, got: np.ndarray) -> bool:
    pairs = zip(bound.entries.flat, true.entries.flat, np.ravel(got), strict=True)
    return all(bool(abs(arb(float(g)) - t) <= SLACK * abs(b - t).abs_upper()) for b, t, g in pairs)


@pytest.mark.parametrize("dtype", MODELS)
@pytest.mark.parametrize("name", BOUNDED)
def test_bounds_hold_what_scipy_gives(name: str, dtype: type) -> None:
    arguments = [make(u) for make, u in zip(BOUNDED[name], GENERIC, strict=False)]
    got = getattr(scipy.special, name, np.sinc)(*(a.astype(dtype) for a in arguments))
    bound = evaluate(name, tuple(arguments), MODELS[dtype])
    assert within(bound, evaluate(name, tuple(arguments)), got.astype(dtype))
    assert all(b.rel_accuracy_bits() > 8 or b.contains(0) or abs(b) < 1 for b in bound.entries.flat)


@pytest.mark.parametrize(("name", "order"), [("polygamma", 1), ("polygamma", 3), ("expn", 1), ("expn", 4)])
def test_bounds_hold_what_scipy_gives_of_integer_orders(name: str, order: int) -> None:
    x = 8 * GENERIC[0]
    got = getattr(scipy.special, name)(order, x.astype(np.float64))
    assert within(evaluate(name, (order, x), MODELS[np.float64]), evaluate(name, (order, x)), got)


def test_a_wide_ball_of_the_incomplete_beta_function_holds_what_lies_in_it_and_no_more() -> None:
    # Arb itself takes more than a second for such a ball, and gives a wider one.
    a, b, x = arb(2.5, 2.0**-12), arb(1.5, 2.0**-12), arb(0.98, 2.0**-10)
    found = SEVERAL["betainc"](a, b, x)
    ends = [(q.lower(), q.upper()) for q in (a, b, x)]
    corners = [z.beta_lower(p, q, regularized=1) for p in ends[0] for q in ends[1] for z in ends[2]]
    assert all(found.contains(corner) for corner in corners)
    assert found.rad() < 1.01 * (max(map(arb.upper, corners)) - min(map(arb.lower, corners))) / 2


def test_every_function_of_several_numbers_adds_its_rounding() -> None:
    on = BallArithmetic(MODELS[np.float32])
    for name in (*SPECIAL, *SEVERAL):
        count = 3 if name == "betainc" else 1 if name in SPECIAL else 2
        result = on.elementwise(name, *(on.inputs(np.array(v)) for v in (0.3, 0.7, 0.4)[-count:])).entries[()]
        if result.is_finite():
            assert result.rad() >= 0.99 * ULPS[name] * 2.0**-23 * abs(result.mid()), name


# Derivatives


DERIVATIVES: list[tuple[str, tuple[int, ...], tuple[float, ...]]] = [
    ("betainc", (), (2.5, 1.5, 0.375)),
    ("betainc", (), (0.75, 5.0, 0.875)),
    ("betaln", (), (2.5, 0.375)),
    ("expn", (1,), (0.375,)),
    ("expn", (3,), (20.0,)),
    ("gammainc", (), (2.5, 1.5)),
    ("gammainc", (), (0.5, 8.0)),
    ("gammaincc", (), (10.0, 12.0)),
    ("i0e", (), (-0.375,)),
    ("i0e", (), (20.0,)),
    ("i1e", (), (0.375,)),
    ("i1e", (), (-20.0,)),
    ("lambertw", (), (-0.25,)),
    ("ndtr", (), (-8.0,)),
    ("ndtri", (), (2.0**-30,)),
    ("polygamma", (1,), (0.375,)),
    ("polygamma", (2,), (-1.5,)),
    ("xlogy", (), (0.375, 1.5)),
    ("zeta", (), (2.5, 1.5)),
    ("zeta", (), (1.125, 20.0)),
]


@pytest.mark.parametrize(("name", "orders", "arguments"), DERIVATIVES)
def test_derivatives(name: str, orders: tuple[int, ...], arguments: tuple[float, ...]) -> None:
    shapes = dict.fromkeys("abx"[: len(arguments)], ())
    bodies = {
        1: lambda xp, a: getattr(xp.special, name)(*orders, a),
        2: lambda xp, a, b: getattr(xp.special, name)(a, b),
        3: lambda xp, a, b, x: getattr(xp.special, name)(a, b, x),
    }
    assert confirmed(entry(bodies[len(arguments)], **shapes), at(*arguments))


def test_an_integer_order_has_no_derivative() -> None:
    on = TaylorArithmetic()
    order = on.along(on.inputs(np.array(2.0)), ())
    with pytest.raises(ValueError, match="integer order"):
        on.elementwise("expn", order, 1.5)


def test_the_kink_of_a_scaled_function_is_noticed() -> None:
    on = BallArithmetic()
    on.namespace().special.i0e(on.inputs(np.array([1.0, 0.0])))
    assert on.at_kink


def test_what_is_outside_the_domain_is_not_a_number() -> None:
    outside: dict[str, Any] = {"erfinv": 1.5, "ndtri": -0.5, "lambertw": -0.5}
    assert not any(evaluate(name, (x,)).entries[()].is_finite() for name, x in outside.items())


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("gammainc", (10.0, -1.0)),
        ("gammaincc", (10.0, -1.0)),
        ("betainc", (12.0, 7.0, -0.5)),
        ("betainc", (12.0, 7.0, 1.5)),
        ("zeta", (0.5, 1.5)),
    ],
)
def test_where_scipy_has_no_number_though_arb_goes_on_there_is_none(name: str, arguments: tuple) -> None:
    assert np.isnan(getattr(scipy.special, name)(*arguments))
    assert evaluate(name, arguments).entries[()].is_nan()


def test_where_zeta_has_no_number_its_slope_has_none_and_takes_no_time() -> None:
    assert zeta_in_s(arb(-60000), arb(1.5)).is_nan() and zeta(arb(-60000), arb(1.5)).is_nan()


@pytest.mark.parametrize("q", [0.25, 1.0, 1.5, 40.0])
def test_zeta_by_its_first_term_holds_what_arb_gives(q: float, monkeypatch: pytest.MonkeyPatch) -> None:
    s, q = arb(20), arb(q)
    value, slope = zeta(s, q), zeta_in_s(s, q)
    monkeypatch.setattr(scalars, "ZETA_FAR", 10)
    assert zeta(s, q).contains(value) and zeta_in_s(s, q).contains(slope)
    assert not zeta(s, q).rad() > 2 * value and zeta(s, q).rad() > value.rad()


def test_zeta_far_out_is_a_number_where_arb_has_none() -> None:
    far = arb(2) ** 120
    assert not far.zeta(arb(1.5)).is_finite()
    assert zeta(far, arb(1.5)).rel_accuracy_bits() > 60 and zeta_in_s(far, arb(1.5)).rel_accuracy_bits() > 60
