"""Primitives that act on each entry: of real cells, of complex cells, and of predicates."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gradproof.backends.jax.trace.operation import GIVE_TRUTH, Operation, Value, format_of, is_complex, is_float, moved
from gradproof.oracles.tape import Cells, ComplexCells, Predicates, Untraceable, complex_cells
from gradproof.oracles.tape.program import PRECISIONS

UNARY = {
    **{name: name for name in "neg exp log sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh".split()},
    **{name: name for name in "expm1 log1p sqrt erf erfc digamma".split()},
    **{"logistic": "expit", "lgamma": "gammaln", "erf_inv": "erfinv"},
}
"""Primitives of one real argument, and the names that the tape has for them."""

BINARY = {
    **{"add": "add", "add_any": "add", "sub": "sub", "mul": "mul", "div": "div", "atan2": "atan2"},
    **{"igamma": "gammainc", "igammac": "gammaincc", "zeta": "zeta", "polygamma": "polygamma"},
}
"""Primitives of two real arguments, likewise."""

RELATIONS = {
    **{name: name for name in "eq ne gt ge lt le".split()},
    **{"lt_to": "lt", "le_to": "le"},
}

STEPS = {"floor": "floor", "ceil": "ceil"}

MANY_POWERS = 64
"""An array of constant exponents with up to so many different ones is taken as so many powers."""


def _unary(name: str, op: Operation, x: Value) -> Cells:
    return op.tape.map(name, op.lift(x), format=op.format)


EXACT = {"add": np.add, "sub": np.subtract, "mul": np.multiply}
"""What gives integers from integers, without rounding as long as they are small."""


def _binary(name: str, op: Operation, x: Value, y: Value) -> Cells:
    x, y = op.lift(x), op.lift(y)
    if name in EXACT and op.tape.is_constant(x) and op.tape.is_constant(y):
        result = EXACT[name](x.value, y.value)
        small = 2.0 ** PRECISIONS[op.format]
        if all((z == np.rint(z)).all() and (np.abs(z) <= small).all() for z in (x.value, y.value, result)):
            return op.tape.constant(result, op.format)
    return op.tape.map(name, x, y, format=op.format)


def _relation(name: str, op: Operation, x: Value, y: Value) -> Value:
    return op.tape.compare(name, x, y)


def _step(name: str, op: Operation, x: Cells) -> Cells:
    return op.tape.step(name, x)


def _round(op: Operation, x: Cells) -> Cells:
    if int(op.params["rounding_method"]) == jax.lax.RoundingMethod.TO_NEAREST_EVEN:
        return op.tape.step("round", x)
    up, down = op.tape.step("floor", x + 0.5), op.tape.step("ceil", x - 0.5)
    return op.tape.choose(op.tape.compare("ge", x, 0.0), up, down)


def _power(op: Operation, x: Value, y: Value) -> Cells:
    exponents = y if isinstance(y, np.ndarray) else y.value if op.tape.is_constant(y) else None
    x = op.lift(x)
    if exponents is None:
        return op.tape.pow(x, y, format=op.format)
    different = np.unique(np.asarray(exponents, float))
    if len(different) == 1 or len(different) > MANY_POWERS:
        return op.tape.pow(x, np.asarray(exponents, float), format=op.format)
    result = x
    for exponent in different:
        here = np.asarray(exponents, float) == exponent
        result = op.tape.choose(here, op.tape.pow(x, exponent, format=op.format), result)
    return result


def _square(op: Operation, x: Value) -> Value:
    return x * x


def _cbrt(op: Operation, x: Cells) -> Cells:
    third = op.tape.constant(1.0, x.format) / op.tape.constant(3.0, x.format)
    return op.tape.sign(x) * op.tape.pow(op.tape.abs(x), third)


def _clamp(op: Operation, low: Value, x: Value, high: Value) -> Cells:
    return op.tape.minimum(op.tape.maximum(op.lift(x), op.lift(low)), op.lift(high))


def _remainder(op: Operation, x: Value, y: Value) -> Cells:
    x, y = op.lift(x), op.lift(y)
    return x - y * op.tape.step("trunc", x / y)


def _convert(op: Operation, x: Cells) -> Value:
    dtype = op.params["new_dtype"]
    if is_float(dtype):
        return op.tape.cast(x, format_of(dtype))
    if is_complex(dtype):
        return complex_cells.lifted(op.tape, op.tape.cast(x, format_of(dtype)))
    if np.dtype(dtype) == bool:
        return op.tape.compare("ne", x, 0.0)
    with np.errstate(invalid="ignore"):
        return op.tape.settle_step(x).astype(dtype)


def _convert_complex(op: Operation, x: ComplexCells) -> Value:
    dtype = op.params["new_dtype"]
    if not is_complex(dtype):
        return _convert(op, x.re)
    return ComplexCells(*(op.tape.cast(part, format_of(dtype)) for part in (x.re, x.im)))


def _convert_predicates(op: Operation, x: Predicates) -> Value:
    dtype = op.params["new_dtype"]
    if np.dtype(dtype) == bool:
        return x
    if is_float(dtype) or is_complex(dtype):
        return op.lift(x)
    return op.tape.settle(x).astype(dtype)


FORMATS = {(8, 23): "float32", (5, 10): "float16", (8, 7): "bfloat16", (11, 52): "float64"}


def _reduce_precision(op: Operation, x: Cells) -> Cells:
    bits = (op.params["exponent_bits"], op.params["mantissa_bits"])
    if bits not in FORMATS:
        op.refuse(f"numbers with {bits[0]} exponent bits and {bits[1]} mantissa bits are not known here")
    return Cells(op.tape.cast(x, FORMATS[bits]).numbers, x.format, op.tape)


def select(op: Operation, which: Value, *cases: Value) -> Value:
    """The entries of the case that `which`, booleans or integers, says."""
    if isinstance(which, np.ndarray):
        return _selected(op, which, cases)
    if is_complex(op.dtype):
        return complex_cells.choose(op.tape, which, op.lift(cases[1]), op.lift(cases[0]))
    if is_float(op.dtype):
        return op.tape.choose(which, op.lift(cases[1]), op.lift(cases[0]), format=op.format)
    if np.dtype(op.dtype) != bool:
        return np.where(op.tape.settle(which), cases[1], cases[0])
    chosen, rest = (op.tape.logic("and", p, q) for p, q in ((which, cases[1]), (~which, cases[0])))
    return op.tape.logic("or", chosen, rest)


def _selected(op: Operation, which: np.ndarray, cases: tuple[Value, ...]) -> Value:
    return moved(lambda *arrays: _picked(which, arrays), op.tape, op.dtype, *cases)


def _picked(which: np.ndarray, arrays: tuple[np.ndarray, ...]) -> np.ndarray:
    which, *arrays = np.broadcast_arrays(which, *arrays)
    result = arrays[0]
    for i, array in enumerate(arrays[1:], 1):
        result = np.where(which == i, array, result)
    return result


READS_BITS = "the bits of numbers that depend on the input are read as integers"


class Bits:
    """The bits of real cells, read as integers: nothing but the sign is taken from them."""

    def __init__(self, cells: Cells, dtype: Any) -> None:
        self.cells, self.dtype, self.shape = cells, np.dtype(dtype), cells.shape


def _bits(op: Operation, x: Cells) -> Bits:
    if np.dtype(op.dtype).itemsize != jnp.dtype(x.format).itemsize or np.dtype(op.dtype).kind not in "iu":
        op.refuse(READS_BITS)
    return Bits(x, op.dtype)


def sign_of_bits(op: Operation, x: Bits, shift: np.ndarray) -> np.ndarray:
    """What a shift by all other bits leaves: whether a number is negative."""
    shifts = {"shift_right_arithmetic": -1, "shift_right_logical": 1}
    if op.name not in shifts or not isinstance(x, Bits) or (shift != 8 * x.dtype.itemsize - 1).any():
        raise Untraceable("bitcast_convert_type", READS_BITS, op.tape.where, GIVE_TRUTH)
    op.tape.settle(op.tape.compare("lt", x.cells, 0.0))
    negative = op.tape.ask("signbit", x.cells)
    return np.where(negative, shifts[op.name] if x.dtype.kind == "i" else 1, 0).astype(x.dtype)


def _sizes(op: Operation, name: str, x: Cells) -> Cells:
    return op.tape.map(name, x, op.tape.abs(x))


REAL: dict[str, Callable[..., Any]] = {
    **{name: partial(_unary, ours) for name, ours in UNARY.items()},
    **{name: partial(_binary, ours) for name, ours in BINARY.items()},
    **{name: partial(_relation, ours) for name, ours in RELATIONS.items()},
    **{name: partial(_step, ours) for name, ours in STEPS.items()},
    "abs": lambda op, x: op.tape.abs(x),
    "bessel_i0e": lambda op, x: _sizes(op, "i0e", x),
    "bessel_i1e": lambda op, x: _sizes(op, "i1e", x),
    "bitcast_convert_type": _bits,
    "cbrt": _cbrt,
    "clamp": _clamp,
    "complex": lambda op, re, im: ComplexCells(op.lift(re, re_dtype(op)), op.lift(im, re_dtype(op))),
    "conj": lambda op, x: op.lift(x),
    "convert_element_type": _convert,
    "exp2": lambda op, x: op.tape.pow(op.tape.constant(2.0, x.format), x),
    "integer_pow": lambda op, x: op.tape.ipow(x, int(op.params["y"])),
    "is_finite": lambda op, x: op.tape.ask("isfinite", x),
    "max": lambda op, x, y: op.tape.maximum(op.lift(x), op.lift(y)),
    "min": lambda op, x, y: op.tape.minimum(op.lift(x), op.lift(y)),
    "pow": _power,
    "reduce_precision": _reduce_precision,
    "regularized_incomplete_beta": lambda op, a, b, x: op.tape.map("betainc", *map(op.lift, (a, b, x))),
    "rem": _remainder,
    "round": _round,
    "rsqrt": lambda op, x: 1.0 / op.tape.map("sqrt", x),
    "sign": lambda op, x: op.tape.sign(x),
    "square": _square,
    "stop_gradient": lambda op, x: op.tape.freeze(x),
}
"""Rules for real cells."""


def re_dtype(op: Operation) -> Any:
    """The dtype of the parts of the first result, which is complex."""
    return jnp.finfo(op.dtype).dtype


def _of_both(rule: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def lifted(op: Operation, x: Value, y: Value) -> Any:
        format = next(z.format for z in (x, y) if isinstance(z, ComplexCells))
        return rule(*(complex_cells.lifted(op.tape, z, format) for z in (x, y)))

    return lifted


def _complex_log1p(op: Operation, z: ComplexCells) -> ComplexCells:
    return complex_cells.log(z + 1.0)


def _complex_power(op: Operation, z: Value, exponent: Value) -> ComplexCells:
    z = op.lift(z)
    if isinstance(exponent, np.ndarray) and exponent.ndim == 0:
        exponent = int(exponent)
    elif isinstance(exponent, np.ndarray):
        exponent = exponent.astype(float)
    elif isinstance(exponent, ComplexCells) and op.tape.is_constant(exponent.re) and not exponent.im.value.any():
        values = np.unique(exponent.re.value)
        exponent = float(values[0]) if len(values) == 1 else exponent
    return complex_cells.power(z, exponent)


def _complex_sign(op: Operation, z: ComplexCells) -> ComplexCells:
    return z / complex_cells.absolute(z)


def _complex_logistic(op: Operation, z: ComplexCells) -> ComplexCells:
    return 1.0 / (complex_cells.exp(-z) + 1.0)


def _frozen(op: Operation, z: ComplexCells) -> ComplexCells:
    return ComplexCells(op.tape.freeze(z.re), op.tape.freeze(z.im))


def _of_one(function: Callable[[ComplexCells], Any], op: Operation, z: ComplexCells) -> Any:
    return function(z)


def _turned(z: ComplexCells) -> ComplexCells:
    return ComplexCells(-z.im, z.re)


def _complex_asinh(op: Operation, z: ComplexCells) -> ComplexCells:
    return complex_cells.log(z + complex_cells.sqrt(z * z + 1.0))


def _complex_acosh(op: Operation, z: ComplexCells) -> ComplexCells:
    return complex_cells.log(z + complex_cells.sqrt(z + 1.0) * complex_cells.sqrt(z - 1.0))


def _complex_atanh(op: Operation, z: ComplexCells) -> ComplexCells:
    return (complex_cells.log(1.0 + z) - complex_cells.log(1.0 - z)) * 0.5


def _complex_acos(op: Operation, z: ComplexCells) -> ComplexCells:
    root = complex_cells.sqrt(1.0 - z) * complex_cells.sqrt(1.0 + z)
    return -_turned(complex_cells.log(z + _turned(root)))


def _complex_exp2(op: Operation, z: ComplexCells) -> ComplexCells:
    return complex_cells.exp(z * op.tape.map("log", op.tape.constant(2.0, z.format)))


COMPLEX: dict[str, Callable[..., Any]] = {
    **{name: partial(_of_one, complex_cells.FUNCTIONS[name]) for name in "exp log sqrt".split()},
    **{
        name: partial(_of_one, complex_cells.FUNCTIONS[name])
        for name in "sin cos tan sinh cosh tanh conj acos acosh asin asinh atan atanh".split()
    },
    **{name: _of_both(lambda x, y: x + y) for name in ("add", "add_any")},
    "sub": _of_both(lambda x, y: x - y),
    "mul": _of_both(lambda x, y: x * y),
    "div": _of_both(lambda x, y: x / y),
    "eq": _of_both(lambda x, y: x == y),
    "ne": _of_both(lambda x, y: x != y),
    "abs": lambda op, z: complex_cells.absolute(z),
    "acos": _complex_acos,
    "acosh": _complex_acosh,
    # asin z = -i asinh iz, and likewise atan.
    "asin": lambda op, z: -_turned(_complex_asinh(op, _turned(z))),
    "asinh": _complex_asinh,
    "atan": lambda op, z: -_turned(_complex_atanh(op, _turned(z))),
    "atanh": _complex_atanh,
    "convert_element_type": _convert_complex,
    "exp2": _complex_exp2,
    "expm1": lambda op, z: complex_cells.exp(z) - 1.0,
    "imag": lambda op, z: z.im,
    "integer_pow": lambda op, z: complex_cells.power(z, int(op.params["y"])),
    "is_finite": lambda op, z: op.tape.ask("isfinite", z.re) & op.tape.ask("isfinite", z.im),
    "log1p": _complex_log1p,
    "logistic": _complex_logistic,
    "neg": lambda op, z: -z,
    "pow": _complex_power,
    "real": lambda op, z: z.re,
    "rsqrt": lambda op, z: complex_cells.reciprocal(complex_cells.sqrt(z)),
    "sign": _complex_sign,
    "square": _square,
    "stop_gradient": _frozen,
}
"""Rules for complex cells."""


def _equal(negated: bool, op: Operation, x: Value, y: Value) -> Value:
    differ = op.tape.logic("xor", x, y)
    return differ if negated else op.tape.logic("not", differ)


def _connective(name: str, op: Operation, *values: Value) -> Value:
    return op.tape.logic(name, *values)


PREDICATES: dict[str, Callable[..., Any]] = {
    **{name: partial(_connective, name) for name in ("and", "or", "xor", "not")},
    **{"eq": partial(_equal, False), "ne": partial(_equal, True)},
    "convert_element_type": _convert_predicates,
    "reduce_and": lambda op, x: op.tape.all(x, tuple(op.params["axes"])),
    "reduce_or": lambda op, x: op.tape.any(x, tuple(op.params["axes"])),
    "stop_gradient": lambda op, x: x,
}
"""Rules for booleans that depend on the input; whatever else reads them settles them."""
