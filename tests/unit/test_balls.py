"""The ball namespace: known digits of every function, every operation against NumPy, and radii that hold what rounding
in a format really does."""

import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from gradproof.oracles.balls import BallArithmetic, Balls
from gradproof.oracles.balls.scalars import ELEMENTARY, SPECIAL
from gradproof.oracles.machine_model import FORMATS, SLACK, MachineModel

DOUBLE, SINGLE = MachineModel(FORMATS["float64"]), MachineModel(FORMATS["float32"])
FLUSHING = MachineModel(FORMATS["float32"], flushes=True)
MODELS = {np.float64: DOUBLE, np.float32: SINGLE}


@pytest.fixture(autouse=True, scope="module")
def two_hundred_bits() -> Iterator[None]:
    with ctx.workprec(200):
        yield


def ball(value: object, model: MachineModel | None = None) -> Balls:
    return BallArithmetic(model).inputs(np.array(value, dtype=np.float64))


def only(balls: Balls) -> arb:
    return balls.entries[()]


def floats(balls: Any) -> np.ndarray:
    return balls.entries.astype(float) if isinstance(balls, Balls) else np.asarray(getattr(balls, "value", balls))


# Known digits, computed elsewhere than in Arb

DIGITS = {
    "acos": (0.375, "1.18639955229925753619312681867270446834580522"),
    "acosh": (1.75, "1.15881036042994681173087299087873019318368454"),
    "asin": (0.375, "0.384396774495639083038194872967046973752779484"),
    "asinh": (0.375, "0.366724604230136765490966660358621126986700146"),
    "atan": (0.375, "0.358770670270572220395920063926460499776975656"),
    "atanh": (0.375, "0.39422868018213508473059212236947083014805275"),
    "cos": (0.375, "0.930507621912314291149476792229555508095191002"),
    "cosh": (0.375, "1.07114034670458676729949801556701604939074702"),
    "digamma": (1.0, "-0.577215664901532860606512090082402431042159336"),
    "erf": (1.0, "0.842700792949714869341220635082609259296066998"),
    "erfc": (6.0, "2.15197367124989131165933503991873846304775141e-17"),
    "exp": (1.0, "2.71828182845904523536028747135266249775724709"),
    "erfinv": (0.375, "0.3456171147832066007327303956650747441711724692"),
    "expit": (0.375, "0.592666599954069758766059987512413936728082145"),
    "expm1": (2.0**-40, "9.09494701773341828221315701723499792085211988e-13"),
    "dawsn": (0.375, "0.3417442551906100786393159664730912377974052139"),
    "erfcx": (6.0, "0.09277656780053835438948670532472992481448699505"),
    "expi": (0.375, "0.009691377209341999483044039243126151361108501901"),
    "fresnel_cos": (0.375, "0.3731743604742997079568269762546185107717496853"),
    "fresnel_sin": (0.375, "0.02751556931117215531346123431016799219086013237"),
    "k0": (0.375, "1.171280933848870705890596281732565957283351541"),
    "k1": (0.375, "2.35948579716525533494830980720822836290739137"),
    "spence": (0.375, "0.766285289969746191991283218329263786130864912"),
    "y0": (0.375, "-0.6518002057932571781680371394001976346422595089"),
    "y1": (0.375, "-1.883361814450545518114700615920388128127370162"),
    "gammaln": (0.5, "0.572364942924700087071713675676529355823647406"),
    "j0": (0.375, "0.965151536132819616473207710682218657844054498"),
    "j1": (0.375, "0.184223356988897615033494026419247424479965074"),
    "i0": (0.375, "1.035466450128392018442645180998060803061370966"),
    "i1": (-20.0, "-42454973.38512777018140990665855938402281209193"),
    "lambertw": (0.375, "0.2826646859882406315924138094028369355103365246"),
    "log": (2.0, "0.693147180559945309417232121458176568075500134"),
    "log10": (0.375, "-0.42596873227228114834618878091836377110444078"),
    "log1p": (0.375, "0.318453731118534615810247213590599595595206451"),
    "log2": (0.375, "-1.41503749927884381854626105605218349124018559"),
    "log_ndtr": (-20.0, "-203.917155371097263936804458654526900052507632"),
    "ndtri": (2.0**-20, "-4.763001034267813956988554419296345073037511779764"),
    "sin": (1000.0, "0.826879540532002560255887429109218141212724968"),
    "sinc": (0.375, "0.7842133035765371220179197642537820638790041756"),
    "sinh": (0.375, "0.383851067913614568754295676420502458956094999"),
    "sqrt": (0.375, "0.61237243569579452454932101867647284799148687"),
    "tan": (0.375, "0.393626575925632758229413787101218098185696644"),
    "tanh": (20.0, "0.999999999999999991503291489416822045438558191"),
}


@pytest.mark.parametrize("name", [*ELEMENTARY, *SPECIAL])
def test_known_digits(name: str) -> None:
    argument, digits = DIGITS[name]
    result = only(BallArithmetic().elementwise(name, ball(argument)))
    assert abs(result - arb(digits)) < abs(arb(digits)) * arb("1e-43")
    assert result.rel_accuracy_bits() > 130


@pytest.mark.parametrize(
    ("x", "digits"),
    [
        (-1.5, "0.860047015376481014510932681670356787327157117"),
        (1000.5, "5908.67417584867748868387473406262488049701547"),
        (1.0, "0"),
        (2.0, "0"),
    ],
)
def test_known_digits_of_the_log_gamma_function(x: float, digits: str) -> None:
    assert abs(only(BallArithmetic().elementwise("gammaln", ball(x))) - arb(digits)) < arb("1e-40")


X = [-0.75, -0.125, 2.0**-30, 0.5, 0.9375]

IDENTITIES: dict[str, Callable[[Any, Any], Any]] = {
    "sine and cosine": lambda xp, x: xp.sin(x) ** 2 + xp.cos(x) ** 2 - 1,
    "hyperbolic sine and cosine": lambda xp, x: xp.cosh(x) ** 2 - xp.sinh(x) ** 2 - 1,
    "tangent": lambda xp, x: xp.tan(x) * xp.cos(x) - xp.sin(x),
    "hyperbolic tangent": lambda xp, x: xp.tanh(x) * xp.cosh(x) - xp.sinh(x),
    "exp of log": lambda xp, x: xp.exp(xp.log(x + 1)) - x - 1,
    "log of exp": lambda xp, x: xp.log(xp.exp(x)) - x,
    "expm1 of log1p": lambda xp, x: xp.expm1(xp.log1p(x)) - x,
    "log2 and log10": lambda xp, x: xp.log2(x + 1) * xp.log10(xp.asarray(2.0)) - xp.log10(x + 1),
    "square of root": lambda xp, x: xp.sqrt(x + 1) ** 2 - x - 1,
    "arc functions": lambda xp, x: xp.asin(x) + xp.acos(x) - xp.pi / 2,
    "sine of arc": lambda xp, x: xp.sin(xp.asin(x)) - x,
    "tangent of arc": lambda xp, x: xp.tan(xp.atan(x)) - x,
    "area functions": lambda xp, x: xp.sinh(xp.asinh(x)) + xp.tanh(xp.atanh(x)) - 2 * x,
    "area cosine": lambda xp, x: xp.cosh(xp.acosh(x + 2)) - x - 2,
    "angle": lambda xp, x: xp.atan2(x, xp.ones_like(x)) - xp.atan(x),
    "error functions": lambda xp, x: xp.special.erf(x) + xp.special.erfc(x) - 1,
    "recurrence of gammaln": lambda xp, x: xp.special.gammaln(x + 2) - xp.special.gammaln(x + 1) - xp.log(x + 1),
    "recurrence of digamma": lambda xp, x: xp.special.digamma(x + 2) - xp.special.digamma(x + 1) - 1 / (x + 1),
    "reflection of expit": lambda xp, x: xp.special.expit(x) + xp.special.expit(-x) - 1,
    "logit of expit": lambda xp, x: xp.special.logit(xp.special.expit(x)) - x,
    "powers": lambda xp, x: (x + 1) ** 2.5 * (x + 1) ** -3 - 1 / xp.sqrt(x + 1),
    "power to an array": lambda xp, x: (x + 2) ** x - xp.exp(x * xp.log(x + 2)),
    "e": lambda xp, x: xp.exp(xp.ones_like(x)) - xp.e,
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_identities(name: str) -> None:
    on = BallArithmetic()
    for zero in IDENTITIES[name](on.namespace(), on.inputs(np.array(X))).entries:
        assert zero.contains(0) and zero.rad() < arb("1e-45")


def test_powers_of_zero() -> None:
    xp = BallArithmetic().namespace()
    zero = ball(0.0)
    assert [float(only(xp.pow(zero, p))) for p in (0, 1, 2, 3, 0.5, 1.5)] == [1, 0, 0, 0, 0, 0]
    assert float(only(xp.pow(zero, ball(1.5)))) == 0


# Every operation against NumPy

NN = SimpleNamespace(
    relu=lambda x: np.maximum(x, 0),
    leaky_relu=lambda x: np.where(x > 0, x, 0.01 * x),
    elu=lambda x: np.where(x > 0, x, np.expm1(x)),
    softplus=lambda x: np.logaddexp(x, 0),
    silu=lambda x: x / (1 + np.exp(-x)),
    gelu=lambda x: x / 2 * (1 + np.vectorize(math.erf)(x / 2**0.5)),
    softmax=lambda x, axis=-1: np.exp(x) / np.exp(x).sum(axis, keepdims=True),
    log_softmax=lambda x, axis=-1: x - np.log(np.exp(x).sum(axis, keepdims=True)),
    conv=lambda x, k: np.array(
        [
            [[(x[n, :, t : t + 2] * k[o]).sum() for t in range(x.shape[2] - 1)] for o in range(len(k))]
            for n in range(len(x))
        ]
    ),
)
SPECIALS = SimpleNamespace(
    logsumexp=lambda x, axis=None, keepdims=False: np.log(np.exp(x).sum(axis, keepdims=keepdims)),
    xlogy=lambda x, y: x * np.log(y),
)
REFERENCE = SimpleNamespace(
    **{name: getattr(np, name) for name in dir(np) if not name.startswith("_")}, nn=NN, special=SPECIALS
)


def parted(x: Any) -> Any:
    return x.reshape(3, 2, 2) if isinstance(x, np.ndarray) else x.on.reshape(x, (3, 2, 2))


# x and y are 3x4 without a zero or a tie.
CASES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "add": lambda xp, x, y: x + y + 1 + xp.add(x, 0.5),
    "subtract": lambda xp, x, y: 1 - x - y - xp.subtract(x, y) - 2,
    "multiply": lambda xp, x, y: 3 * x * y * xp.multiply(x, 0.25),
    "divide": lambda xp, x, y: 1 / x / y / 2 + xp.divide(x, y),
    "negative": lambda xp, x, y: -x + xp.negative(y) + xp.positive(x),
    "broadcasting": lambda xp, x, y: x[:, :1] * y[0] + x[1, 2],
    "an array on the left": lambda xp, x, y: np.arange(4.0) * x + np.float64(2.0) * y,
    "abs and sign": lambda xp, x, y: abs(x) + 2 * xp.sign(y) + xp.abs(y),
    "square and reciprocal": lambda xp, x, y: xp.square(x) + xp.reciprocal(y),
    "powers": lambda xp, x, y: x**2 + y**3 + abs(x) ** 0.5 + abs(y) ** 1.5 + 2**x + abs(x) ** y,
    "atan2": lambda xp, x, y: xp.atan2(x, y),
    "hypot": lambda xp, x, y: xp.hypot(x, y),
    "logaddexp": lambda xp, x, y: xp.logaddexp(x, y),
    "matmul": lambda xp, x, y: x @ xp.matrix_transpose(y),
    "matmul of vectors": lambda xp, x, y: xp.matmul(x[0], y[1]),
    "matmul vector left": lambda xp, x, y: xp.matmul(x[:, 0], y),
    "matmul vector right": lambda xp, x, y: xp.matmul(x, y[0]),
    "matmul of stacks": lambda xp, x, y: xp.matmul(parted(x), parted(y)),
    "matmul broadcast": lambda xp, x, y: xp.matmul(parted(x), y[:2, :2]),
    "matmul with an array": lambda xp, x, y: np.eye(3) @ x,
    "tensordot": lambda xp, x, y: xp.tensordot(x, xp.matrix_transpose(y), axes=1),
    "tensordot of all": lambda xp, x, y: xp.tensordot(x, y, axes=2),
    "tensordot over axes": lambda xp, x, y: xp.tensordot(parted(x), parted(y), axes=([2, 0], [1, 0])),
    "vecdot": lambda xp, x, y: xp.vecdot(x, y),
    "outer": lambda xp, x, y: xp.linalg.outer(x[0], y[1]),
    "trace": lambda xp, x, y: xp.linalg.trace(x[:, :3]),
    "norms": lambda xp, x, y: xp.linalg.vector_norm(x) + xp.linalg.vector_norm(x, axis=0, ord=1)[0],
    **{
        f"{name} {options}": lambda xp, x, y, name=name, options=options: getattr(xp, name)(x, **options)
        for name in ("sum", "mean", "prod", "max", "min", "var", "std")
        for options in ({}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"axis": (0, 1)}, {"keepdims": True})
    },
    "sum of nothing": lambda xp, x, y: xp.sum(x[:0]) + xp.prod(x[:0]),
    "var with correction": lambda xp, x, y: xp.var(x, axis=1, correction=1),
    "argmax": lambda xp, x, y: xp.argmax(x, axis=0) + xp.argmin(y, axis=0),
    "argsort": lambda xp, x, y: xp.argsort(x, axis=1),
    "cumulative_sum": lambda xp, x, y: xp.cumulative_sum(x, axis=1) + xp.cumulative_sum(x[0]),
    "cumulative_prod": lambda xp, x, y: xp.cumulative_prod(x, axis=0) + xp.cumulative_prod(x[0]),
    "sort": lambda xp, x, y: xp.sort(x) + xp.sort(x, axis=0),
    "maximum and minimum": lambda xp, x, y: xp.maximum(x, y) - 2 * xp.minimum(x, 0.0),
    "clip": lambda xp, x, y: xp.clip(x, -0.5, 0.5),
    "where": lambda xp, x, y: xp.where(x > y, x, 0.0) + xp.where(x <= y, 1.0, y),
    "logic": lambda xp, x, y: xp.where(xp.logical_or(xp.logical_and(x > 0, y < 0), xp.logical_not(x >= y)), x, y),
    "operators of masks": lambda xp, x, y: xp.where(~((x > 0) & (y > 0)) | (x != x), x, y),
    "equality": lambda xp, x, y: xp.where(x == y, x, -y) + xp.where(xp.not_equal(x, x), x, y),
    "a mask as numbers": lambda xp, x, y: xp.astype(x > y, x.dtype) * x,
    "reshape": lambda xp, x, y: xp.reshape(x, (2, -1)),
    "permute_dims": lambda xp, x, y: xp.permute_dims(parted(x), (2, 0, 1)),
    "transposed": lambda xp, x, y: x.T @ y + xp.matrix_transpose(x) @ y,
    "expand_dims and squeeze": lambda xp, x, y: xp.squeeze(xp.expand_dims(x, axis=1), axis=1),
    "flip and roll": lambda xp, x, y: xp.flip(x, axis=1) + xp.roll(y, 2) + xp.roll(x, -1, axis=0),
    "broadcast_to": lambda xp, x, y: xp.broadcast_to(x, (2, 3, 4)),
    "moveaxis": lambda xp, x, y: xp.moveaxis(parted(x), 0, -1),
    "tile and repeat": lambda xp, x, y: xp.tile(x, (1, 2)) + xp.repeat(y, 2, axis=1),
    "take": lambda xp, x, y: xp.take(x, np.array([2, 0, 0]), axis=1),
    "take_along_axis": lambda xp, x, y: xp.take_along_axis(x, np.array([[2, 0], [1, 1], [3, 2]]), axis=1),
    "tril and triu": lambda xp, x, y: xp.tril(x) + 2 * xp.triu(y, k=1) - xp.tril(y, k=-1),
    "concat and stack": lambda xp, x, y: xp.stack([xp.concat([x, y]), xp.concat([y, x], axis=0)], axis=1),
    "slicing": lambda xp, x, y: x[1:, None, ::2] + y[..., -1][:2, None, None],
    "a mask as index": lambda xp, x, y: x[x > y],
    "creation": lambda xp, x, y: (
        xp.eye(4) + xp.ones((4,)) * xp.full((4,), 0.5) - xp.zeros((4, 4)) + xp.full_like(x[0], 2)
    ),
    "ranges": lambda xp, x, y: xp.arange(1, 5) * x + xp.linspace(0, 1, 4) * xp.ones_like(y) + xp.zeros_like(x),
    "iteration": lambda xp, x, y: sum(row * row for row in x) + len(x),
    **{
        f"nn.{name}": lambda xp, x, y, name=name: getattr(xp.nn, name)(x)
        for name in "relu leaky_relu elu softplus silu gelu softmax log_softmax".split()
    },
    "nn.softmax axis": lambda xp, x, y: xp.nn.softmax(x, axis=0) + xp.nn.log_softmax(y, axis=0),
    "nn.conv": lambda xp, x, y: xp.nn.conv(parted(x), parted(y)),
    "logsumexp": lambda xp, x, y: xp.special.logsumexp(x) + xp.special.logsumexp(x, axis=1, keepdims=True),
    "logsumexp axis": lambda xp, x, y: xp.special.logsumexp(x, axis=0),
    "xlogy": lambda xp, x, y: xp.special.xlogy(x, abs(y)),
}


def linalg_of(xp: Any) -> Any:
    # NumPy has these in other places.
    return SimpleNamespace(outer=np.outer, trace=np.trace, vector_norm=vector_norm) if xp is REFERENCE else xp.linalg


def vector_norm(x: np.ndarray, axis: int | None = None, ord: int = 2) -> np.ndarray:
    return (np.abs(x) ** ord).sum(axis=axis) ** (1 / ord)


REFERENCE.linalg = linalg_of(REFERENCE)


@pytest.mark.parametrize("model", [None, DOUBLE], ids=["truth", "modelled"])
@pytest.mark.parametrize("case", CASES)
def test_operations_mean_what_they_mean_elsewhere(case: str, model: MachineModel | None) -> None:
    x, y = np.random.default_rng(3).uniform(-2, 2, (2, 3, 4))
    on = BallArithmetic(model)
    ours, theirs = CASES[case](on.namespace(), on.inputs(x), on.inputs(y)), CASES[case](REFERENCE, x, y)
    assert floats(ours).shape == np.shape(theirs)
    assert np.allclose(floats(ours), theirs, rtol=1e-13, atol=1e-13)
    if model is None:
        assert not on.undecided and not on.overflowed


# Linear algebra

MATRICES = {
    "general": [[3.0, -0.5, 0.25], [0.75, -2.5, 1.0], [-0.125, 0.5, 1.5]],
    "pivoting": [[0.0, 2.0, 0.5], [4.0, 0.0, 0.25], [1.0, -0.5, 0.5]],
    "permutation": [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]],
    "negative": [[-1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 4.0]],
}
every_matrix = pytest.mark.parametrize("values", MATRICES.values(), ids=MATRICES)


def residual(x: Balls, value: object) -> float:
    gap = x - BallArithmetic().inputs(np.broadcast_to(np.array(value, dtype=float), x.shape))
    return max(float(abs(entry).abs_upper()) for entry in gap.entries.flat)


@every_matrix
def test_inverse_and_solve(values: list) -> None:
    xp, a, b = BallArithmetic().namespace(), ball(values), ball([[1.0, 2.0], [-3.0, 0.5], [0.0, 4.0]])
    assert residual(a @ xp.linalg.inv(a), np.eye(3)) < 1e-50
    assert residual(xp.linalg.matrix_power(a, -2) @ a @ a, np.eye(3)) < 1e-50
    assert residual(a @ xp.linalg.solve(a, b) - b, 0) < 1e-50
    assert residual(a @ xp.linalg.solve(a, b[:, 0]) - b[:, 0], 0) < 1e-50


def test_solve_stretches_stacks_to_each_other() -> None:
    xp = BallArithmetic().namespace()
    a, b = ball([[[[2.0, 1.0], [0.0, 4.0]]], [[[0.0, 2.0], [1.0, 0.0]]]]), ball([[[1.0], [2.0]], [[-3.0], [0.5]]])
    x = xp.linalg.solve(a, b)
    assert x.shape == (2, 2, 2, 1)
    assert residual(x[:, 0, :, 0], [[0.25, 0.5], [2.0, 0.5]]) < 1e-50
    assert xp.linalg.solve(a, b[0, :, 0]).shape == (2, 1, 2)


@every_matrix
def test_determinant(values: list) -> None:
    xp, a = BallArithmetic().namespace(), ball(values)
    sign, log_size = xp.linalg.slogdet(a)
    assert float(only(xp.linalg.det(a))) == pytest.approx(np.linalg.det(np.array(values)), rel=1e-13)
    assert residual(sign * xp.exp(log_size) - xp.linalg.det(a), 0) < 1e-50


@pytest.mark.parametrize("upper", [False, True])
def test_cholesky(upper: bool) -> None:
    xp, a = BallArithmetic().namespace(), ball([[4.0, 1.0, -0.5], [1.0, 3.0, 0.25], [-0.5, 0.25, 2.0]])
    factor = xp.linalg.cholesky(a, upper=upper)
    lower = factor.mT if upper else factor
    assert residual(lower @ lower.mT - a, 0) < 1e-50 and residual(xp.triu(lower, k=1), 0) == 0
    assert (floats(xp.linalg.diagonal(lower)) > 0).all()


def test_linear_algebra_of_stacks() -> None:
    xp, stack = BallArithmetic().namespace(), ball(list(MATRICES.values()))
    assert residual(stack @ xp.linalg.inv(stack), np.eye(3)) < 1e-50
    assert floats(xp.linalg.det(stack)) == pytest.approx(np.linalg.det(np.array(list(MATRICES.values()))))
    assert floats(xp.linalg.slogdet(stack)[0]) == pytest.approx([-1, -1, 1, -1])
    assert floats(xp.linalg.diagonal(stack, offset=1)).shape == (4, 2)


@pytest.mark.parametrize("dtype", MODELS)
def test_linear_algebra_covers_rounding(dtype: type) -> None:
    values = np.array(MATRICES["general"], dtype)
    true, model = ball(values), MODELS[dtype]
    for name in ("inv", "det"):
        rounded = ball(getattr(np.linalg, name)(values))
        bound = getattr(BallArithmetic(model).namespace().linalg, name)(ball(values, model))
        assert covers(bound, getattr(BallArithmetic().namespace().linalg, name)(true), floats(rounded))


# What rounding does


def covers(bound: Balls, true: Balls, got: np.ndarray) -> bool:
    """Whether `got` lies within SLACK times the radius around the true value, or the smallest normal number off."""
    triples = zip(bound.entries.flat, true.entries.flat, np.ravel(got), strict=True)
    return all(
        bool(abs(arb(float(g)) - t) <= SLACK * abs(b - t).abs_upper() + bound.on.model.format.tiny)
        for b, t, g in triples
    )


UNARY = ("exp", "log", "sin", "cos", "tanh", "sqrt", "expm1", "log1p", "atan", "abs", "square", "negative")
BINARY = ("add", "subtract", "multiply", "divide", "maximum")
STEPS = st.lists(
    st.tuples(st.sampled_from(UNARY + BINARY), st.integers(0, 10), st.integers(0, 10)), min_size=2, max_size=8
)
ENTRIES = st.lists(st.floats(-8, 8, width=32, allow_subnormal=False), min_size=3, max_size=3)


def execute(xp: Any, program: list[tuple[str, int, int]], numbers: list[Any]) -> Any:
    """Run the steps, each on earlier results or the constants 0.1 and 3, and return the last result."""
    results = list(numbers)
    for name, i, j in program:
        # The first argument counts from the newest result, so that programs are deep rather than wide.
        first, second = results[-1 - i % len(results)], [*results, 0.1, 3.0][j % (len(results) + 2)]
        results.append(getattr(xp, name)(first) if name in UNARY else getattr(xp, name)(first, second))
    return results[-1]


@pytest.mark.parametrize("dtype", MODELS)
@settings(max_examples=100)
@given(program=STEPS, values=ENTRIES)
def test_random_programs_stay_within_the_bound(dtype: type, program: list, values: list[float]) -> None:
    with np.errstate(all="ignore"):
        got = execute(np, program, [dtype(v) for v in values])
    assume(np.isfinite(got))
    true, on = BallArithmetic(), BallArithmetic(MODELS[dtype])
    exactly = execute(true.namespace(), program, [true.inputs(np.array(v)) for v in values])
    bound = execute(on.namespace(), program, [on.inputs(np.array(v)) for v in values])
    assume(all(e.is_finite() for e in (only(exactly), only(bound))) and not on.overflowed)
    assert covers(bound, exactly, got)


SINGLES = st.floats(-1000, 1000, width=32, allow_subnormal=False)


@given(values=st.lists(SINGLES, min_size=2, max_size=20), shuffle=st.randoms(use_true_random=False))
@example(values=[1000.0, 2.0**-30, -1000.0], shuffle=None)
@example(values=[1.0] + [2.0**-24] * 15, shuffle=None)  # each of these is lost
def test_sums_in_any_order_stay_within_the_radius(values: list[float], shuffle: Any) -> None:
    shuffled = list(values)
    if shuffle is not None:
        shuffle.shuffle(shuffled)
    rounded = np.float32(0)
    for value in shuffled:
        rounded = rounded + np.float32(value)
    on = BallArithmetic(SINGLE)
    total = only(on.sum(on.inputs(np.array(values))))
    assert abs(arb(float(rounded)) - sum(map(arb, values), arb(0))) <= total.rad()
    assert abs(total.mid() - sum(map(arb, values), arb(0))) <= total.rad()


FACTORS = st.floats(2.0**-60, 2.0**60, width=32)


@given(values=st.lists(FACTORS, min_size=2, max_size=8), shuffle=st.randoms(use_true_random=False))
@example(values=[2.0**-100, 2.0**-100, 2.0**100, 2.0**100], shuffle=None)
@example(values=[2.0**100, 2.0**-100, 2.0**-100, 2.0**100], shuffle=None)
def test_products_in_any_order_stay_within_the_bound(values: list[float], shuffle: Any) -> None:
    shuffled = list(values)
    if shuffle is not None:
        shuffle.shuffle(shuffled)
    rounded = np.float32(1)
    with np.errstate(over="ignore", under="ignore"):
        for value in shuffled:
            rounded = rounded * np.float32(value)
    true, on = BallArithmetic(), BallArithmetic(SINGLE)
    bound = on.prod(on.inputs(np.array(values)))
    assert on.overflowed or covers(bound, true.prod(true.inputs(np.array(values))), np.array(rounded))


@given(values=st.lists(FACTORS, min_size=2, max_size=8))
@example(values=[2.0**-100, 2.0**-100, 2.0**100, 2.0**100])
def test_cumulative_products_stay_within_the_bound(values: list[float]) -> None:
    with np.errstate(over="ignore", under="ignore"):
        rounded = np.cumprod(np.array(values, np.float32))
    true, on = BallArithmetic(), BallArithmetic(SINGLE)
    bound = on.cumulative_prod(on.inputs(np.array(values)))
    assert on.overflowed or covers(bound, true.cumulative_prod(true.inputs(np.array(values))), rounded)


@given(values=st.lists(SINGLES, min_size=2, max_size=12))
def test_cumulative_sums_and_dot_products_stay_within_the_bound(values: list[float]) -> None:
    single, true, on = np.array(values, np.float32), BallArithmetic(), BallArithmetic(SINGLE)
    exactly, bound = true.inputs(np.array(values)), on.inputs(np.array(values))
    assert covers(on.cumulative_sum(bound), true.cumulative_sum(exactly), np.cumsum(single))
    assert covers(bound @ on.flip(bound), exactly @ true.flip(exactly), single @ single[::-1])


def test_sums_of_one_term_and_of_none_are_exact() -> None:
    on = BallArithmetic(SINGLE)
    assert only(on.sum(on.inputs(np.array([0.3])))).is_exact()
    assert only(on.sum(on.inputs(np.zeros(0)))).is_zero()


@pytest.mark.parametrize("model", MODELS.values(), ids=["double", "single"])
def test_a_difference_of_equals_has_a_radius(model: MachineModel) -> None:
    x = ball(0.3, model)
    assert only(x - x).contains(0)
    assert only(x - x).rad() >= model.format.unit_roundoff * 0.3


def test_constants_carry_their_rounding_unless_they_are_exact() -> None:
    single, double = BallArithmetic(SINGLE), BallArithmetic(DOUBLE)
    assert only(single.asarray(0.1)).rad() >= abs(arb(0.1) - arb(float(np.float32(0.1))))
    assert only(double.asarray(0.1)).is_exact()
    assert all(only(single.asarray(value)).is_exact() for value in (0.5, 0.0, -3.0, 2.0**-30, 1e0))
    assert not only(double.namespace().pi).is_exact()


def test_every_operation_adds_its_rounding() -> None:
    on, x = BallArithmetic(SINGLE), ball([0.3, 0.7], SINGLE)
    results = [on.elementwise(name, x + 1 if name == "acosh" else x) for name in (*ELEMENTARY, *SPECIAL)]
    results += [x + x, x * x, x / 3, on.matmul(x, x), on.sum(x), on.prod(x), on.mean(x), x**3, on.cumulative_sum(x)]
    unit = SINGLE.format.unit_roundoff
    assert all(e.rad() >= unit * 0.99 * abs(e.mid()) for result in results for e in result.entries.flat)


def test_what_arb_computes_in_doubles_inside_is_no_warning_here() -> None:
    # Its series for balls as wide as these, and for no point, sets the processor's flag for an invalid operation.
    def at(model: MachineModel | None) -> arb:
        x = ball(0.875, model)
        one = x.on.ones_like(x)
        return only(x.on.elementwise("betainc", 2.5 * one, 1.5 * one, x))

    assert at(MachineModel(FORMATS["float16"])).contains(at(None))


# Overflow


def overflows(compute: Callable[[Any, Any], Any], values: list[float], model: MachineModel = SINGLE) -> bool:
    on = BallArithmetic(model)
    compute(on.namespace(), on.inputs(np.array(values)))
    return on.overflowed


@pytest.mark.parametrize(
    "compute",
    [
        lambda xp, x: x * 10,
        lambda xp, x: x + x,
        lambda xp, x: xp.sum(x),
        lambda xp, x: xp.exp(x / 1e36),
        lambda xp, x: x / 0.5,
        lambda xp, x: x**2,
        lambda xp, x: xp.prod(x),
        lambda xp, x: x @ x,
        lambda xp, x: xp.cumulative_sum(x),
        lambda xp, x: xp.cumulative_prod(x),
    ],
    ids="multiply add sum exp divide power prod matmul cumulative_sum cumulative_prod".split(),
)
def test_overflow_is_noticed(compute: Callable) -> None:
    assert overflows(compute, [3e38, 2e38])
    assert not overflows(compute, [0.25, 0.5])


def test_a_constant_out_of_range_is_noticed() -> None:
    assert overflows(lambda xp, x: x * 1e39, [1e-20])


@pytest.mark.parametrize(
    ("compute", "values"),
    [
        (lambda xp, x: xp.sum(x), [3e38, 3e38, -3e38, -3e38]),
        (lambda xp, x: xp.mean(x), [3e38, 3e38, -3e38, -3e38]),
        (lambda xp, x: x @ xp.asarray([4.0, 4.0]), [3e38, -3e38]),
        (lambda xp, x: xp.tensordot(x, x * xp.asarray([1.0, -1.0]), axes=1), [1e30, 1e30]),
        (lambda xp, x: xp.prod(x), [1e30, 1e30, 1e-30, 1e-30]),
    ],
    ids=["sum", "mean", "matmul", "tensordot", "prod"],
)
def test_overflow_on_the_way_to_a_result_in_range_is_noticed(compute: Callable, values: list[float]) -> None:
    # float32 gives inf or NaN for each of these.
    assert overflows(compute, values)


def test_what_is_in_range_does_not_overflow() -> None:
    largest = SINGLE.format.largest
    assert not overflows(lambda xp, x: x * 1, [largest, -largest])
    assert overflows(lambda xp, x: x * 1, [largest * (1 + 2.0**-20)])
    assert not overflows(lambda xp, x: x * x, [3e38], DOUBLE)


# Underflow


@pytest.mark.parametrize(
    ("compute", "model", "error"),
    [
        (lambda xp, x: x * x, SINGLE, SINGLE.format.smallest),
        (lambda xp, x: x * x, FLUSHING, SINGLE.format.tiny),
        (lambda xp, x: x / 1e20, SINGLE, SINGLE.format.smallest),
        (lambda xp, x: xp.exp(-1 / x), SINGLE, SINGLE.format.tiny),
        (lambda xp, x: x**3, SINGLE, SINGLE.format.tiny),
        (lambda xp, x: xp.sum(x) * x[0], FLUSHING, SINGLE.format.tiny),
        (lambda xp, x: x @ x, SINGLE, SINGLE.format.smallest),
    ],
    ids=["multiply", "flushed", "divide", "exp", "power", "sum", "matmul"],
)
def test_underflow_widens(compute: Callable, model: MachineModel, error: float) -> None:
    on = BallArithmetic(model)
    result = compute(on.namespace(), on.inputs(np.array([1e-20, 2e-20])))
    assert all(error <= e.rad() <= 8 * error for e in result.entries.flat)


def test_an_exact_zero_underflows_to_itself() -> None:
    on = BallArithmetic(SINGLE)
    assert all(e.is_zero() for e in (on.inputs(np.zeros(2)) * 0.3).entries)


@pytest.mark.parametrize(
    ("x", "model", "disordered"), [(2e-39, FLUSHING, True), (2e-39, None, False), (2e-37, FLUSHING, False)]
)
def test_an_order_that_rounding_can_change_is_noted(x: float, model: MachineModel | None, disordered: bool) -> None:
    on = BallArithmetic(model)
    on.argsort(on.inputs(np.array([0.0, x, 0.0, 1.0])))
    assert on.disordered == disordered


def test_subnormal_inputs_may_be_flushed() -> None:
    assert only(ball(2.0**-140, FLUSHING)).contains(0)
    assert only(ball(2.0**-140, SINGLE)).is_exact()
    assert only(ball(0.25, FLUSHING)).is_exact()


def test_an_underflow_on_the_way_to_a_result_in_range_widens() -> None:
    on = BallArithmetic(SINGLE)
    # In float32 the first two factors give zero, and so does the product; its true value is 1.
    product = only(on.prod(on.inputs(np.array([2.0**-100, 2.0**-100, 2.0**100, 2.0**100]))))
    assert product.contains(0) or on.overflowed


# Comparisons


def fuzzy(*values: float, radius: float = 0.25) -> Balls:
    on = BallArithmetic(SINGLE)
    return Balls(np.array([arb(v, radius) for v in values], dtype=object), on)


def test_decidable_comparisons() -> None:
    on, x = (x := ball([1.0, 2.0, 3.0])).on, x
    assert list((x > 1.5).value) == [False, True, True] and list((x < 1.5).value) == [True, False, False]
    assert list((x >= 2.5).value) == [False, False, True] and list((x <= 2.5).value) == [True, True, False]
    assert not on.at_kink and not on.undecided


def test_a_tie_is_a_kink_but_decided() -> None:
    x = ball([1.0, -0.0], SINGLE)
    ties = [x > ball([1.0, 0.0], SINGLE), x < np.array([1.0, 0.0])]
    assert all(not tie.value.any() and not tie.undecided.any() for tie in ties)
    assert (x >= np.array([1.0, 0.0])).value.all() and (x <= np.array([1.0, 0.0])).value.all()
    assert x.on.at_kink and not x.on.undecided


def test_an_overlap_is_undecided() -> None:
    x = fuzzy(1.0, 3.0)
    above = x > 1.125
    assert list(above.undecided) == [True, False] and list(above.value) == [False, True]
    assert x.on.at_kink and x.on.undecided


def test_where_takes_the_hull_of_what_is_undecided() -> None:
    x = fuzzy(1.0, 3.0)
    either, decided = x.on.where(x > 1.125, 10.0, -20.0).entries
    assert either.contains(10) and either.contains(-20) and decided == 10


def test_a_hull_in_each_selection() -> None:
    x, on = (x := fuzzy(1.0)), x.on
    assert abs(x - 1.0625).entries[0].contains(0.1875) and on.sign(x - 1.0).entries[0].contains(-1)
    assert on.maximum(x, 1.125).entries[0].contains(1.25) and on.minimum(x, 1.125).entries[0].contains(0.75)


def test_undecided_goes_through_logic() -> None:
    x = fuzzy(1.0, 3.0)
    mask = ~(x > 1.125) | (x > 100.0)
    assert list(mask.undecided) == [True, False] and list((mask & (x > 0)).undecided) == [True, False]


def test_equality() -> None:
    x = ball([1.0, 2.0], SINGLE)
    assert list((x == 1.0).value) == [True, False] and list((x != 1.0).value) == [False, True]
    assert (x * x == x * x).undecided.all() and x.on.undecided
    square = x * 0.3
    assert (square == square).value.all()


def test_equality_of_an_overlap_is_undecided() -> None:
    x = fuzzy(1.0, 3.0)
    assert list((x == 1.125).undecided) == [True, False] and x.on.undecided


@pytest.mark.parametrize("name", ["max", "min", "sort"])
def test_selections_note_ties(name: str) -> None:
    tied, apart = ball([2.0, 2.0]), ball([1.0, 2.0])
    getattr(tied.on, name)(tied), getattr(apart.on, name)(apart)
    assert tied.on.at_kink and not apart.on.at_kink


def test_comparing_with_nan_is_no_kink_in_itself() -> None:
    x = ball([1.0])
    nan = Balls(np.array([arb("nan")], dtype=object), x.on)
    assert not (x > nan).value.any() and not (x < nan).value.any()


def test_the_shift_of_softmax_is_no_kink() -> None:
    x = ball([[2.0, 2.0], [1.0, 1.0]])
    x.on.softmax(x), x.on.logsumexp(x, axis=1)
    assert not x.on.at_kink
