"""Operations on each entry: functions, arithmetic, comparisons and choices."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradproof.backends.torch.trace.memory import FORMATS, to_numpy
from gradproof.oracles.tape import Cells, ComplexCells, Predicates, complex_cells, lowering

Rule = Callable[..., Any]

SAME_NAME = (
    "acos acosh asin asinh atan atanh ceil cos cosh digamma erf erfc erfinv exp expm1 floor i0 log log10 log1p log2 "
    "neg sin sinc sinh sqrt tan tanh trunc"
)
OTHER_NAME = {
    "lgamma": "gammaln",
    "sigmoid": "expit",
    "special_bessel_j0": "j0",
    "special_bessel_j1": "j1",
    "special_i1": "i1",
    "special_log_ndtr": "log_ndtr",
    "special_ndtri": "ndtri",
}
COMPLEX = complex_cells.FUNCTIONS | {
    "neg": lambda z: -z,
    "expit": lambda z: complex_cells.reciprocal(complex_cells.exp(-z) + 1.0),
    "log2": lambda z: complex_cells.log(z) / math.log(2.0),
    "log10": lambda z: complex_cells.log(z) / math.log(10.0),
}

FROM_THE_VALUE = {"expit": lambda y: 1 - y, "tan": lambda y: 1 + y * y, "tanh": lambda y: 1 - y * y}
"""Complex functions whose slope PyTorch takes from their value: what cancels there."""

SATURATED = 0.125


def _function(name: str) -> Rule:
    def rule(run: Any, result: Tensor, x: Any) -> Any:
        cells = run.cells(x, result)
        if not isinstance(cells, ComplexCells):
            return run.tape.map(name, cells)
        if name not in COMPLEX:
            raise run.refusal("it is not traced for complex numbers")
        found = COMPLEX[name](cells)
        if name in FROM_THE_VALUE and (np.abs(FROM_THE_VALUE[name](found.value)) < SATURATED).any():
            raise run.refusal("it saturates here, where a slope taken from its value has few digits")
        return found

    return rule


def _arithmetic(operate: Callable[[Any, Any], Any]) -> Rule:
    """A rule for two arguments that PyTorch stretches and converts to the dtype of the result."""

    def rule(run: Any, result: Tensor, x: Any, y: Any) -> Any:
        return operate(run.cells(x, result), run.cells(y, result))

    return rule


def _named(name: str) -> Rule:
    return _arithmetic(lambda x, y: x.tape.map(name, x, y))


def add(run: Any, result: Tensor, x: Any, y: Any, alpha: float = 1) -> Any:
    if result.dtype == torch.bool:
        return run.tape.logic("or", run.truths(x), run.truths(y))
    return run.cells(x, result) + scaled(run, run.cells(y, result), alpha, result)


def sub(run: Any, result: Tensor, x: Any, y: Any, alpha: float = 1) -> Any:
    return run.cells(x, result) - scaled(run, run.cells(y, result), alpha, result)


def rsub(run: Any, result: Tensor, x: Any, y: Any, alpha: float = 1) -> Any:
    return sub(run, result, y, x, alpha)


def scaled(run: Any, cells: Any, factor: Any, like: Tensor) -> Any:
    return cells if factor == 1 else cells * run.number(factor, like)


def mul(run: Any, result: Tensor, x: Any, y: Any) -> Any:
    if result.dtype == torch.bool:
        return run.tape.logic("and", run.truths(x), run.truths(y))
    if result.is_complex():
        # A real factor stays real: its product with an infinite part would be no number.
        x, y = (_unlifted(run, a, result) for a in (x, y))
        return y * x if isinstance(y, ComplexCells) else x * y
    return run.cells(x, result) * run.cells(y, result)


def _unlifted(run: Any, x: Any, like: Tensor) -> Any:
    real = x.dtype in FORMATS and not x.is_complex() if torch.is_tensor(x) else not isinstance(x, complex)
    return run.cells(x, torch.empty(0, dtype=like.dtype.to_real())) if real else run.cells(x, like)


def div(run: Any, result: Tensor, x: Any, y: Any, rounding_mode: str | None = None) -> Any:
    quotient = run.cells(x, result) / run.cells(y, result)
    return quotient if rounding_mode is None else run.tape.map(rounding_mode, quotient)


def allclose(run: Any, result: bool, x: Tensor, y: Tensor, rtol: float = 1e-5, atol: float = 1e-8, *_: Any) -> None:
    a, b = run.real(x, y), run.real(y)
    run.tape.settle(run.tape.compare("le", run.tape.abs(a - b), run.tape.abs(b) * rtol + atol))


def frexp(run: Any, result: Any, x: Tensor) -> list:
    cells, high = run.real(x), 2.0 ** to_numpy(result[1]).astype(float)
    # The exponent is held fixed: where the number is a power of two the mantissa jumps.
    for relation, edge in (("lt", high), ("ge", high / 2)):
        run.tape.settle(run.tape.compare(relation, run.tape.abs(cells), np.where(cells.value == 0, -edge, edge)))
    return [cells / high, None]


def floor_divide(run: Any, result: Tensor, x: Any, y: Any) -> Any:
    return div(run, result, x, y, "floor")


def _remainder(step: str) -> Rule:
    return _arithmetic(lambda x, y: x - y * x.tape.map(step, x / y))


def power(run: Any, result: Tensor, x: Any, y: Any) -> Any:
    base = run.cells(x, result)
    if not torch.is_tensor(y) and not isinstance(y, complex):
        exponent = float(run.number(y, result).value)
        if isinstance(base, ComplexCells):
            return complex_cells.power(base, exponent)
        return run.tape.pow(base, exponent)
    exponent = run.cells(y, result)
    return base**exponent if isinstance(base, ComplexCells) else run.tape.pow(base, exponent)


def absolute(run: Any, result: Tensor, x: Tensor) -> Cells:
    cells = run.cells(x)
    return complex_cells.absolute(cells) if isinstance(cells, ComplexCells) else run.tape.abs(cells)


def sgn(run: Any, result: Tensor, x: Tensor) -> Any:
    cells = run.cells(x)
    if not isinstance(cells, ComplexCells):
        return run.tape.sign(cells)
    size = complex_cells.absolute(cells)
    is_zero = run.tape.compare("eq", size, 0.0)
    return complex_cells.choose(run.tape, is_zero, cells, cells / run.tape.choose(is_zero, 1.0, size, cells.format))


def angle(run: Any, result: Tensor, x: Tensor) -> Any:
    cells = run.cells(x)
    if isinstance(cells, ComplexCells):
        return complex_cells.angle(cells)
    pi = run.tape.constant(float(torch.tensor(math.pi, dtype=x.dtype)), cells.format)
    return run.tape.choose(cells < 0.0, pi, run.tape.constant(0.0, cells.format))


def conj_physical(run: Any, result: Tensor, x: Tensor) -> Any:
    cells = run.cells(x)
    return complex_cells.conj(cells) if isinstance(cells, ComplexCells) else cells


def complex_of_parts(run: Any, result: Tensor, x: Tensor, y: Tensor) -> ComplexCells:
    re, im = run.cells(x), run.cells(y)
    return ComplexCells(run.tape.broadcast_to(re, result.shape), run.tape.broadcast_to(im, result.shape))


def polar(run: Any, result: Tensor, size: Tensor, angle: Tensor) -> ComplexCells:
    r, phi = run.cells(size), run.cells(angle)
    return ComplexCells(r * run.tape.map("cos", phi), r * run.tape.map("sin", phi))


def reciprocal(run: Any, result: Tensor, x: Tensor) -> Any:
    return 1.0 / run.cells(x, result)


def rsqrt(run: Any, result: Tensor, x: Tensor) -> Any:
    cells = run.cells(x, result)
    root = complex_cells.sqrt(cells) if isinstance(cells, ComplexCells) else run.tape.map("sqrt", cells)
    return 1.0 / root


def exp2(run: Any, result: Tensor, x: Tensor) -> Cells:
    return run.tape.map("pow", run.tape.constant(2.0), run.real(x, result))


def frac(run: Any, result: Tensor, x: Tensor) -> Cells:
    cells = run.real(x)
    return cells - run.tape.map("trunc", cells)


def rounded(run: Any, result: Tensor, x: Tensor, decimals: int = 0) -> Cells:
    scale = run.number(10.0**decimals, result)
    cells = run.tape.map("round", scaled(run, run.real(x), 10.0**decimals, result))
    return cells if decimals == 0 else cells / scale


def scaled_bessel(name: str) -> Rule:
    def rule(run: Any, result: Tensor, x: Tensor) -> Cells:
        cells = run.real(x, result)
        return run.tape.map(name, cells, run.tape.abs(cells))

    return rule


def polygamma(run: Any, result: Tensor, n: int, x: Tensor) -> Cells:
    return run.tape.map("polygamma", run.tape.constant(float(n)), run.real(x, result))


def erfcx(run: Any, result: Tensor, x: Tensor) -> Cells:
    return lowering.erfcx(run.real(x, result))


# Choices


def where(run: Any, result: Tensor, condition: Tensor, x: Any, y: Any) -> Any:
    condition = run.truths(condition)
    if result.dtype == torch.bool:
        return _choose_truths(run, condition, run.truths(x), run.truths(y))
    return choose(run, condition, run.cells(x, result, exact=True), run.cells(y, result, exact=True))


def choose(run: Any, condition: Any, x: Any, y: Any) -> Any:
    if isinstance(x, ComplexCells):
        return complex_cells.choose(run.tape, condition, x, y)
    return run.tape.choose(condition, x, y)


def _choose_truths(run: Any, condition: Any, x: Any, y: Any) -> Any:
    logic = run.tape.logic
    return logic("or", logic("and", condition, x), logic("and", logic("not", condition), y))


def masked_fill(run: Any, result: Tensor, x: Tensor, mask: Tensor, value: Any) -> Any:
    return where(run, result, mask, value, x)


def relu(run: Any, result: Tensor, x: Tensor) -> Cells:
    return run.tape.maximum(run.real(x), 0.0)


def threshold(run: Any, result: Tensor, x: Tensor, limit: float, value: float) -> Cells:
    cells = run.real(x)
    above = cells > run.cells(limit, result, exact=True)
    return run.tape.choose(above, cells, run.cells(value, result, exact=True))


def clamp(run: Any, result: Tensor, x: Tensor, min: Any = None, max: Any = None) -> Cells:
    low, high = (None if limit is None else run.cells(limit, result, exact=True) for limit in (min, max))
    return lowering.clip(run.real(x, result), low, high)


def clamp_max(run: Any, result: Tensor, x: Tensor, max: Any) -> Cells:
    return clamp(run, result, x, None, max)


def hardtanh(run: Any, result: Tensor, x: Tensor, low: float = -1, high: float = 1) -> Cells:
    return clamp(run, result, x, low, high)


def prelu(run: Any, result: Tensor, x: Tensor, weight: Tensor) -> Cells:
    cells, slope = run.real(x), run.real(weight)
    return run.tape.choose(cells > 0.0, cells, slope * cells)


def rrelu_with_noise(run: Any, result: Tensor, x: Tensor, noise: Tensor, *rest: Any) -> Cells:
    low, high, training = (*rest, *(0.125, 1 / 3, False)[len(rest) :])[:3]
    slope = run.number((low + high) / 2, result)
    if training:  # the slopes were drawn into this argument
        slope = run.tape.constant(to_numpy(noise), run.tape.default_format)
        run.memory.write(noise, slope)
    cells = run.real(x)
    return run.tape.choose(cells <= 0.0, cells * slope, cells)


def copysign(run: Any, result: Tensor, x: Any, y: Any) -> Cells:
    size, sign = run.tape.abs(run.real(x, result)), run.real(y, result)
    if run.tape.is_constant(sign):  # whose zeros have a sign too
        return run.tape.choose(np.signbit(sign.value), -size, size)
    return run.tape.choose(sign < 0.0, -size, size)


def heaviside(run: Any, result: Tensor, x: Tensor, values: Tensor) -> Cells:
    cells, tape = run.real(x, result), run.tape
    side = tape.choose(cells > 0.0, tape.constant(1.0, cells.format), tape.constant(0.0, cells.format))
    return tape.choose(cells == 0.0, run.real(values, result), side)


def nan_to_num(run: Any, result: Tensor, x: Tensor, nan: Any = None, posinf: Any = None, neginf: Any = None) -> Cells:
    cells, limits = run.real(x), torch.finfo(x.dtype)
    values = cells.value
    fills = (
        (np.isnan(values), 0.0 if nan is None else nan),
        (values == math.inf, limits.max if posinf is None else posinf),
        (values == -math.inf, limits.min if neginf is None else neginf),
    )
    for which, fill in fills:
        cells = run.tape.choose(which, run.cells(float(fill), result, exact=True), cells)
    return cells


def ldexp(run: Any, result: Tensor, x: Any, exponent: Any) -> Cells:
    return run.real(x, result) * run.tape.map("pow", run.tape.constant(2.0), run.real(exponent, result))


def lerp(run: Any, result: Tensor, x: Tensor, y: Tensor, weight: Any) -> Any:
    start, end = run.cells(x, result), run.cells(y, result)
    return start + run.cells(weight, result) * (end - start)


def addcmul(run: Any, result: Tensor, x: Any, y: Any, z: Any, value: float = 1) -> Any:
    return run.cells(x, result) + scaled(run, run.cells(y, result) * run.cells(z, result), value, result)


def addcdiv(run: Any, result: Tensor, x: Any, y: Any, z: Any, value: float = 1) -> Any:
    return run.cells(x, result) + scaled(run, run.cells(y, result) / run.cells(z, result), value, result)


def logaddexp2(run: Any, result: Tensor, x: Any, y: Any) -> Cells:
    two = run.tape.map("log", run.tape.constant(2.0, FORMATS[result.dtype]))
    return lowering.logaddexp(run.real(x, result) * two, run.real(y, result) * two) / two


def xlog1py(run: Any, result: Tensor, x: Any, y: Any) -> Cells:
    # log1p(y) at y = -1 is met by 0 · log 0 as in x log y.
    a, b = run.real(x, result), run.real(y, result)
    product = a * run.tape.map("log1p", b)
    with np.errstate(invalid="ignore"):
        plain = np.broadcast_to((a.value != 0) | ((b.value > -1) & np.isfinite(b.value)), product.shape)
    zero = run.tape.constant(0.0, product.format)
    return run.tape.choose(plain, product, run.tape.choose(a == 0.0, zero, product))


def fill(run: Any, result: Tensor, x: Tensor, value: Any) -> Any:
    return run.truths(value) if result.dtype == torch.bool else run.cells(value, result, exact=True)


# Truth values


def _relation(name: str) -> Rule:
    def rule(run: Any, result: Tensor, x: Any, y: Any) -> Any:
        if _is_boolean(x) and _is_boolean(y):
            return _between_truths(run, name, run.truths(x), run.truths(y))
        like = _common(x, y)
        a, b = run.cells(x, like, exact=True), run.cells(y, like, exact=True)
        if not isinstance(a, ComplexCells):
            return run.tape.compare(name, a, b)
        return a == b if name == "eq" else a != b

    return rule


def _is_boolean(x: Any) -> bool:
    return x.dtype == torch.bool if torch.is_tensor(x) else isinstance(x, bool)


def _common(x: Any, y: Any) -> Tensor:
    """A tensor of the dtype in which PyTorch compares."""
    kind = torch.result_type(x, y)
    return torch.empty(0, dtype=kind if kind in FORMATS else torch.get_default_dtype())


def _between_truths(run: Any, name: str, p: Any, q: Any) -> Any:
    logic = run.tape.logic
    forms = {
        "ne": lambda: logic("xor", p, q),
        "eq": lambda: logic("not", logic("xor", p, q)),
        "gt": lambda: logic("and", p, logic("not", q)),
        "lt": lambda: logic("and", q, logic("not", p)),
        "ge": lambda: logic("or", p, logic("not", q)),
        "le": lambda: logic("or", q, logic("not", p)),
    }
    return forms[name]()


def _connective(name: str) -> Rule:
    return lambda run, result, *args: run.tape.logic(name, *map(run.truths, args))


def _question(name: str) -> Rule:
    def rule(run: Any, result: Tensor, x: Tensor) -> np.ndarray:
        return to_numpy(result)  # answered once and for all at the traced input

    return rule


def signbit(run: Any, result: Tensor, x: Tensor) -> Any:
    return run.real(x) < 0.0


# Conversions


def copy(run: Any, result: Tensor, x: Tensor, source: Tensor, *_: Any) -> Any:
    return converted(run, result, source)


def to_copy(run: Any, result: Tensor, x: Tensor, **_: Any) -> Any:
    return converted(run, result, x)


def converted(run: Any, result: Tensor, x: Any) -> Any:
    if result.dtype == torch.bool:
        return run.truths(x)
    if result.dtype in FORMATS:
        cells = run.cells(x, x if run.holds(x) and x.dtype in FORMATS else result, exact=True)
        return cells if result.is_complex() or not isinstance(cells, ComplexCells) else cells.re
    if run.holds(x) and not (result.is_floating_point() or result.is_complex()):
        run.settle(x)
    return None


def scalar(run: Any, result: Any, x: Tensor) -> None:
    """`.item()`, `float(x)`, `if x:`. A truth value is a decision that the tape can hold; a number leaves the trace."""
    cells = run.read(x)
    if isinstance(cells, Predicates):
        run.tape.settle(cells)
    else:
        run.leave("Tensor.item")


def equal(run: Any, result: bool, x: Tensor, y: Tensor) -> None:
    """torch.equal, as a decision."""
    if x.shape == y.shape:
        like = _common(x, y)
        run.tape.settle(run.cells(x, like) == run.cells(y, like))


RULES: dict[str, Rule] = {
    **{name: _function(name) for name in SAME_NAME.split()},
    **{name: _function(other) for name, other in OTHER_NAME.items()},
    **{name: _named(name) for name in ("atan2", "hypot")},
    **{name: _relation(name) for name in ("eq", "ge", "gt", "le", "lt", "ne")},
    **{f"logical_{name}": _connective(name) for name in ("and", "not", "or", "xor")},
    **{f"bitwise_{name}": _connective(name) for name in ("and", "not", "or", "xor")},
    **{name: _question(name) for name in ("isinf", "isnan", "isneginf", "isposinf")},
    "allclose": allclose,
    "frexp": frexp,
    "_local_scalar_dense": scalar,
    "_prelu_kernel": prelu,
    "_to_copy": to_copy,
    "abs": absolute,
    "add": add,
    "addcdiv": addcdiv,
    "addcmul": addcmul,
    "angle": angle,
    "clamp": clamp,
    "clamp_max": clamp_max,
    "clamp_min": clamp,
    "complex": complex_of_parts,
    "conj_physical": conj_physical,
    "_conj_physical": conj_physical,
    "copy": copy,
    "copysign": copysign,
    "div": div,
    "equal": equal,
    "exp2": exp2,
    "fill": fill,
    "floor_divide": floor_divide,
    "fmax": _arithmetic(lambda x, y: x.tape.maximum(x, y)),
    "fmin": _arithmetic(lambda x, y: x.tape.minimum(x, y)),
    "fmod": _remainder("trunc"),
    "frac": frac,
    "hardtanh": hardtanh,
    "heaviside": heaviside,
    "igamma": _named("gammainc"),
    "igammac": _named("gammaincc"),
    "ldexp": ldexp,
    "lerp": lerp,
    "logaddexp": _arithmetic(lowering.logaddexp),
    "logaddexp2": logaddexp2,
    "masked_fill": masked_fill,
    "maximum": _arithmetic(lambda x, y: x.tape.maximum(x, y)),
    "minimum": _arithmetic(lambda x, y: x.tape.minimum(x, y)),
    "mul": mul,
    "nan_to_num": nan_to_num,
    "polar": polar,
    "polygamma": polygamma,
    "pow": power,
    "reciprocal": reciprocal,
    "relu": relu,
    "remainder": _remainder("floor"),
    "round": rounded,
    "rrelu_with_noise": rrelu_with_noise,
    "rsqrt": rsqrt,
    "rsub": rsub,
    "sgn": sgn,
    "sign": sgn,
    "signbit": signbit,
    "special_erfcx": erfcx,
    "special_i0e": scaled_bessel("i0e"),
    "special_i1e": scaled_bessel("i1e"),
    "special_xlog1py": xlog1py,
    "special_zeta": _named("zeta"),
    "sub": sub,
    "threshold": threshold,
    "where": where,
    "xlogy": _arithmetic(lowering.xlogy),
    "zero": lambda run, result, x: fill(run, result, x, 0.0),
}
