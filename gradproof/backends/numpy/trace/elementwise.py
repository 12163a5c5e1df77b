"""Ufuncs of NumPy and SciPy: in which dtype they compute is asked of NumPy itself, what they compute stands in tables
by name. A special function is an operation of its own where the tape has it."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gradproof.backends.numpy.trace.recorded import Recorded, Recording, parts_of
from gradproof.oracles.tape import Cells, ComplexCells, Tape, complex_cells, lowering

Rule = Callable[..., Any]


def _map(name: str) -> Rule:
    return lambda tape, *x: tape.map(name, *x)


def _relation(name: str) -> Rule:
    return lambda tape, x, y: tape.compare(name, x, y)


def _connective(name: str) -> Rule:
    return lambda tape, *x: tape.logic(name, *x)


def _question(name: str) -> Rule:
    return lambda tape, x: tape.ask(name, x)


def _power(tape: Tape, x: Cells, y: Cells) -> Cells:
    """x ** y; integer exponents that differ from entry to entry are powers one by one."""
    exponents = y.value
    whole = tape.is_constant(y) and bool((exponents == np.trunc(exponents)).all())
    if not whole or np.unique(exponents).size == 1:
        return tape.pow(x, y)
    numbers, exponents = np.broadcast_arrays(x.numbers, exponents)
    result = np.empty(numbers.shape, np.int64)
    for exponent in np.unique(exponents):
        chosen = exponents == exponent
        result[chosen] = tape.ipow(x.like(numbers[chosen]), int(exponent)).numbers
    return x.like(result)


def _ratio(tape: Tape, numerator: float, denominator: float, format: str) -> Cells:
    return tape.map("div", tape.constant(numerator, format), tape.constant(denominator, format))


def _scaled(numerator: float, denominator: float) -> Rule:
    return lambda tape, x: x * _ratio(tape, numerator, denominator, x.format)


def _cbrt(tape: Tape, x: Cells) -> Cells:
    return tape.sign(x) * tape.map("pow", tape.abs(x), _ratio(tape, 1.0, 3.0, x.format))


def _remainder(step: str) -> Rule:
    def rule(tape: Tape, x: Cells, y: Cells) -> Cells:
        return x - y * tape.step(step, x / y)

    return rule


def _heaviside(tape: Tape, x: Cells, middle: Cells) -> Cells:
    one, zero = tape.constant(1.0, x.format), tape.constant(0.0, x.format)
    return tape.choose(tape.compare("gt", x, 0.0), one, tape.choose(tape.compare("lt", x, 0.0), zero, middle))


def _copysign(tape: Tape, x: Cells, y: Cells) -> Cells:
    size = tape.abs(x)
    # The sign of a zero is what it is at the traced input.
    negative = np.signbit(y.value) if tape.is_constant(y) else tape.compare("lt", y, 0.0)
    return tape.choose(negative, -size, size)


def _bessel(names: dict[int, str]) -> Rule:
    def rule(tape: Tape, order: Any, x: Cells) -> Cells:
        orders = np.unique(order.value if isinstance(order, Cells) else order)
        if orders.size != 1 or (isinstance(order, Cells) and not tape.is_constant(order)) or orders[0] not in names:
            raise NotImplementedError(f"an order other than {' and '.join(map(str, names))}")
        name = names[int(orders[0])]
        return tape.map(name, x, tape.abs(x)) if name.endswith("e") else tape.map(name, x)

    return rule


def _scaled_bessel(name: str) -> Rule:
    return lambda tape, x: tape.map(name, x, tape.abs(x))


def _logit(tape: Tape, x: Cells) -> Cells:
    return tape.map("log", x / (1.0 - x))


def _log_expit(tape: Tape, x: Cells) -> Cells:
    return -lowering.softplus(-x)


def _xlog1py(tape: Tape, x: Cells, y: Cells) -> Cells:
    return lowering.xlogy(x, 1.0 + y) if not _is_regular(x, y) else x * tape.map("log1p", y)


def _is_regular(x: Cells, y: Cells) -> bool:
    """Whether no entry is 0 times an infinite logarithm."""
    return bool(((x.value != 0) | (y.value > -1)).all())


def _entr(tape: Tape, x: Cells) -> Cells:
    return tape.choose(tape.compare("lt", x, 0.0), tape.constant(-math.inf, x.format), -lowering.xlogy(x, x))


def _rel_entr(tape: Tape, x: Cells, y: Cells) -> Cells:
    return lowering.xlogy(x, x / y)


def _kl_div(tape: Tape, x: Cells, y: Cells) -> Cells:
    return lowering.xlogy(x, x / y) - x + y


def _huber(tape: Tape, delta: Cells, r: Cells) -> Cells:
    size = tape.abs(r)
    return tape.choose(tape.compare("le", size, delta), 0.5 * r * r, delta * (size - 0.5 * delta))


def _pseudo_huber(tape: Tape, delta: Cells, r: Cells) -> Cells:
    ratio = r / delta
    return delta * delta * (tape.map("sqrt", 1.0 + ratio * ratio) - 1.0)


def _ndtr(tape: Tape, x: Cells) -> Cells:
    root = tape.map("sqrt", tape.constant(0.5, x.format))
    return 0.5 * tape.map("erfc", -x * root)


def _erfcinv(tape: Tape, x: Cells) -> Cells:
    # As 1 - x would round away a small x.
    return -tape.map("ndtri", 0.5 * x) * tape.map("sqrt", tape.constant(0.5, x.format))


def _sign_of_gamma(tape: Tape, x: Cells) -> np.ndarray:
    sign, left = np.ones(x.shape), tape.settle(tape.compare("lt", x, 0.0))
    # Only between the poles does it change.
    steps = tape.settle_step(x.like(x.numbers[left]), "floor")
    sign[left] = np.where(steps % 2 != 0, -1.0, 1.0)
    return sign


def _gamma(tape: Tape, x: Cells) -> Cells:
    return _sign_of_gamma(tape, x) * tape.map("exp", tape.map("gammaln", x))


def _reciprocal_gamma(tape: Tape, x: Cells) -> Cells:
    return _sign_of_gamma(tape, x) * tape.map("exp", -tape.map("gammaln", x))


def _betaln(tape: Tape, a: Cells, b: Cells) -> Cells:
    return tape.map("gammaln", a) + tape.map("gammaln", b) - tape.map("gammaln", a + b)


def _beta(tape: Tape, a: Cells, b: Cells) -> Cells:
    return tape.map("exp", _betaln(tape, a, b))


def _orders_first(name: str) -> Rule:
    def rule(tape: Tape, order: Any, x: Cells) -> Cells:
        return tape.map(name, tape.lift(np.asarray(order, float)) if isinstance(order, np.ndarray) else order, x)

    return rule


def _zeta(tape: Tape, x: Cells, q: Cells | None = None) -> Cells:
    return tape.map("zeta", x, tape.constant(1.0, x.format) if q is None else q)


SAME_NAME = "exp log sin cos tan sinh cosh tanh expm1 log1p log2 log10 sqrt hypot erf erfc erfinv expit gammaln"
SAME_NAME += " i0 i1 j0 j1 y0 y1 ndtri log_ndtr betainc gammainc gammaincc floor ceil trunc"

REAL: dict[str, Rule] = {
    **{name: _map(name) for name in SAME_NAME.split()},
    **{"add": _map("add"), "subtract": _map("sub"), "multiply": _map("mul"), "divide": _map("div")},
    **{"negative": _map("neg"), "arctan2": _map("atan2"), "rint": _map("round"), "psi": _map("digamma")},
    **{f"arc{name}": _map(f"a{name}") for name in "sin cos tan sinh cosh tanh".split()},
    **{"greater": _relation("gt"), "greater_equal": _relation("ge"), "less": _relation("lt")},
    **{"less_equal": _relation("le"), "equal": _relation("eq"), "not_equal": _relation("ne")},
    **{name: _question(name) for name in "isfinite isnan isinf signbit".split()},
    **{"positive": lambda tape, x: x, "conjugate": lambda tape, x: x, "square": lambda tape, x: x * x},
    **{"reciprocal": lambda tape, x: 1.0 / x, "exp2": lambda tape, x: tape.pow(tape.constant(2.0, x.format), x)},
    **{"absolute": Tape.abs, "fabs": Tape.abs, "sign": Tape.sign, "maximum": Tape.maximum, "minimum": Tape.minimum},
    **{"fmax": Tape.maximum, "fmin": Tape.minimum, "power": _power, "float_power": _power, "cbrt": _cbrt},
    **{"remainder": _remainder("floor"), "fmod": _remainder("trunc"), "heaviside": _heaviside, "copysign": _copysign},
    "floor_divide": lambda tape, x, y: tape.step("floor", x / y),
    "logaddexp": lambda tape, x, y: lowering.logaddexp(x, y),
    "logaddexp2": lambda tape, x, y: lowering.logaddexp2(x, y),
    "matmul": Tape.matmul,
    "vecdot": lambda tape, x, y: tape.sum(x * y, -1),
    **{"deg2rad": _scaled(math.pi, 180.0), "radians": _scaled(math.pi, 180.0)},
    **{"rad2deg": _scaled(180.0, math.pi), "degrees": _scaled(180.0, math.pi)},
    # Special functions
    **{
        "i0e": _scaled_bessel("i0e"),
        "i1e": _scaled_bessel("i1e"),
        "jv": _bessel({0: "j0", 1: "j1"}),
        "iv": _bessel({0: "i0", 1: "i1"}),
        "yn": _bessel({0: "y0", 1: "y1"}),
        "ive": _bessel({0: "i0e", 1: "i1e"}),
    },
    **{"logit": _logit, "log_expit": _log_expit, "xlogy": lambda tape, x, y: lowering.xlogy(x, y)},
    **{"xlog1py": _xlog1py, "entr": _entr, "rel_entr": _rel_entr, "kl_div": _kl_div, "huber": _huber},
    **{"pseudo_huber": _pseudo_huber, "ndtr": _ndtr, "erfcinv": _erfcinv, "gamma": _gamma, "rgamma": _reciprocal_gamma},
    **{"gammasgn": lambda tape, x: tape.constant(_sign_of_gamma(tape, x), x.format), "betaln": _betaln, "beta": _beta},
    **{"expn": _orders_first("expn"), "_zeta": _zeta, "_riemann_zeta": _zeta},
}
"""Ufuncs by name, on cells of the dtype that NumPy computes in."""


def _complex_equal(tape: Tape, x: ComplexCells, y: ComplexCells) -> Any:
    return x == y


def _complex_exponential(base: float) -> Rule:
    return lambda tape, z: complex_cells.exp(z * tape.map("log", tape.constant(base, z.format)))


def _complex_logarithm(base: float) -> Rule:
    return lambda tape, z: complex_cells.log(z) / tape.map("log", tape.constant(base, z.format))


def _complex_sign(tape: Tape, z: ComplexCells) -> ComplexCells:
    return z / complex_cells.absolute(z)


def _complex_power(tape: Tape, z: ComplexCells, exponent: ComplexCells) -> ComplexCells:
    constant = tape.is_constant(exponent.re) and tape.is_constant(exponent.im)
    value = np.unique(exponent.value) if constant else np.zeros(0)
    if value.size == 1 and value[0].imag == 0:
        shape = np.broadcast_shapes(z.shape, exponent.shape)
        return complex_cells.power(z.moved(np.broadcast_to, shape), float(value[0].real))
    return complex_cells.power(z, exponent)


INVERSES = {f"arc{name}": f"a{name}" for name in "sin cos tan sinh cosh tanh".split()}
"""NumPy's names of inverse functions, and those of the tape."""

COMPLEX: dict[str, Rule] = {
    **{ours: (lambda tape, z, f=complex_cells.FUNCTIONS[name]: f(z)) for ours, name in INVERSES.items()},
    **{name: (lambda tape, z, f=complex_cells.FUNCTIONS[name]: f(z)) for name in "exp log sqrt reciprocal".split()},
    **{name: (lambda tape, z, f=complex_cells.FUNCTIONS[name]: f(z)) for name in "sin cos tan sinh cosh tanh".split()},
    **{"add": lambda tape, x, y: x + y, "subtract": lambda tape, x, y: x - y, "multiply": lambda tape, x, y: x * y},
    **{"divide": lambda tape, x, y: x / y, "negative": lambda tape, z: -z, "positive": lambda tape, z: z},
    **{"conjugate": lambda tape, z: complex_cells.conj(z), "absolute": lambda tape, z: complex_cells.absolute(z)},
    **{"square": lambda tape, z: z * z, "power": _complex_power, "float_power": _complex_power, "sign": _complex_sign},
    **{"exp2": _complex_exponential(2.0), "log2": _complex_logarithm(2.0), "log10": _complex_logarithm(10.0)},
    **{"expm1": lambda tape, z: complex_cells.exp(z) - 1.0, "log1p": lambda tape, z: complex_cells.log(z + 1.0)},
    **{"equal": _complex_equal, "not_equal": lambda tape, x, y: tape.logic("not", x == y)},
    **{"isfinite": lambda tape, z: np.isfinite(z.value), "isnan": lambda tape, z: np.isnan(z.value)},
    **{"isinf": lambda tape, z: np.isinf(z.value), "matmul": lambda tape, x, y: complex_cells.matmul(x, y)},
    "vecdot": lambda tape, x, y: complex_cells.total(complex_cells.conj(x) * y, -1),
}
"""The same on complex cells."""

LOGICAL: dict[str, Rule] = {
    **{name: _connective("and") for name in "logical_and bitwise_and multiply minimum fmin".split()},
    **{name: _connective("or") for name in "logical_or bitwise_or add maximum fmax".split()},
    **{name: _connective("xor") for name in "logical_xor bitwise_xor not_equal".split()},
    **{name: _connective("not") for name in "logical_not invert".split()},
    "equal": lambda tape, x, y: tape.logic("not", tape.logic("xor", x, y)),
    "absolute": lambda tape, x: x,
}
"""The same on predicates."""

TABLES = {"f": REAL, "c": COMPLEX, "b": LOGICAL}


def _asked(x: Any) -> Any:
    """What NumPy chooses a loop by: a dtype, or the type of a number of Python."""
    if isinstance(x, Recorded):
        return x.dtype
    return type(x) if type(x) in (int, float, complex) else np.asarray(x).dtype


def loop_of(ufunc: np.ufunc, inputs: list[Any], dtype: Any = None) -> tuple[np.dtype, ...]:
    """The dtypes that a ufunc takes and gives for these operands."""
    asked = (*map(_asked, inputs), *(None,) * ufunc.nout)
    if dtype is None:
        return ufunc.resolve_dtypes(asked)
    return ufunc.resolve_dtypes(asked, signature=(*(None,) * ufunc.nin, *(np.dtype(dtype),) * ufunc.nout))


def call(
    recording: Recording, ufunc: np.ufunc, *inputs: Any, out: Any = None, where: Any = True, **options: Any
) -> Any:
    """A ufunc called entry by entry."""
    if ufunc is np.vecdot and "axis" in options:
        axis = options.pop("axis")
        inputs = tuple(np.moveaxis(x, axis, -1) for x in inputs)
    unknown = set(options) - {"dtype", "casting", "order", "subok"}
    if unknown or ufunc.nout != 1:
        recording.refuse(ufunc.__name__, "there is no rule for it" if not unknown else f"{unknown.pop()}= is not known")
    inputs = [recording.gathered(x) for x in inputs]
    if out is None and where is True and recording.are_constant(inputs):
        return recording.held(ufunc(*map(recording.value_of, inputs), **options))
    loop = loop_of(ufunc, inputs, options.get("dtype"))
    result = _computed(recording, ufunc, inputs, loop)
    target = out[0] if isinstance(out, tuple) else out
    if where is not True:
        if target is None:
            recording.refuse(ufunc.__name__, "where= without out= leaves entries undefined")
        result = np.where(where, result, target)
    return result if target is None else written(recording, target, result)


def _computed(recording: Recording, ufunc: np.ufunc, inputs: list[Any], loop: tuple[np.dtype, ...]) -> Any:
    taken = loop[: ufunc.nin]
    kinds = {dtype.kind for dtype in taken}
    if kinds <= set("iub") and kinds & set("iu"):
        return ufunc(*(recording.plain(x) if isinstance(x, Recorded) else x for x in inputs))
    kind = "c" if "c" in kinds else "f" if "f" in kinds else "b"
    rule = TABLES[kind].get(ufunc.__name__)
    if rule is None:
        recording.refuse(ufunc.__name__, "there is no rule for it" + (" of complex numbers" if kind == "c" else ""))
    operands = [recording.lift(x, dtype) for x, dtype in zip(inputs, taken, strict=True)]
    try:
        return recording.of(rule(recording.tape, *operands))
    except NotImplementedError as error:
        recording.refuse(ufunc.__name__, f"{error} has no rule")


def written(recording: Recording, target: Any, result: Any) -> Any:
    """A result that is to stand in an array that the program has. An array of NumPy cannot hold it: then `x += …` binds
    x to a recorded one, and whoever else holds the old one sees it unchanged, which a replay shows."""
    if isinstance(target, Recorded):
        target[...] = result
        return target
    if np.shape(result) != target.shape or (target.dtype.kind in "iub" and result.dtype.kind not in "iub"):
        recording.refuse("out=", "an array of NumPy that depends on no input is to hold what does", FILL)
    return result.astype(target.dtype)


FILL = "Make the array with np.zeros_like(x) or np.stack"


# Other ways of calling a ufunc

REDUCED = {
    **{"add": np.sum, "multiply": np.prod, "maximum": np.max, "minimum": np.min, "fmax": np.max, "fmin": np.min},
    **{"logical_or": np.any, "logical_and": np.all, "bitwise_or": np.any, "bitwise_and": np.all},
}

ACCUMULATED = {"add": np.cumsum, "multiply": np.cumprod}


def reduce(recording: Recording, ufunc: np.ufunc, x: Any, axis: Any = 0, dtype: Any = None, **options: Any) -> Any:
    """ufunc.reduce"""
    if ufunc.__name__ not in REDUCED:
        recording.refuse(f"{ufunc.__name__}.reduce", "there is no rule for it")
    if dtype is not None:
        options["dtype"] = dtype
    return REDUCED[ufunc.__name__](x, axis=axis, **options)


def accumulate(recording: Recording, ufunc: np.ufunc, x: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    """ufunc.accumulate"""
    if out is not None or (dtype is not None and dtype != x.dtype):
        recording.refuse(f"{ufunc.__name__}.accumulate", "out= and dtype= are not known")
    if ufunc.__name__ in ACCUMULATED:
        return ACCUMULATED[ufunc.__name__](x, axis=axis)
    if ufunc.__name__ not in REAL or x.dtype.kind != "f" or ufunc.nin != 2:
        recording.refuse(f"{ufunc.__name__}.accumulate", "there is no rule for it")
    rule = REAL[ufunc.__name__]
    return recording.of(recording.tape.cumulate(lambda p, q: rule(recording.tape, p, q), x.cells, axis))


def outer(recording: Recording, ufunc: np.ufunc, x: Any, y: Any, **options: Any) -> Any:
    """ufunc.outer"""
    x = recording.gathered(x)
    return ufunc(np.reshape(x, (*np.shape(x), *(1,) * np.ndim(y))), y, **options)


def at(recording: Recording, ufunc: np.ufunc, x: Any, index: Any, values: Any = None) -> None:
    """ufunc.at, of sums: add where an index may stand several times."""
    if ufunc.__name__ not in ("add", "subtract") or not isinstance(x, Recorded):
        recording.refuse(f"{ufunc.__name__}.at", "it writes to an array that depends on no input", FILL)
    places = np.arange(x.size).reshape(x.shape)[recording.key(index)]
    new = recording.lift(values if ufunc.__name__ == "add" else -values, x.dtype)
    pairs = zip(parts_of(x.cells), parts_of(new), x.parts, strict=True)
    for numbers, added, part in pairs:
        cells = Cells(numbers, recording.format_of(x.dtype), recording.tape)
        updates = cells.like(np.broadcast_to(added, places.shape))
        part[...] = lowering.scatter_add(cells, places, updates).numbers


UFUNCS = {"__call__": call, "reduce": reduce, "accumulate": accumulate, "outer": outer, "at": at}
"""The ways of calling a ufunc that are known."""

NAMES = sorted({*REAL, *COMPLEX, *LOGICAL})
"""The ufuncs that are known."""
