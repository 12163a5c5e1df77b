"""Operations that act on each entry: of real cells, of complex cells, and of predicates."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from gradproof.backends.tensorflow.trace.operation import Operation, Value, format_of, on_tape
from gradproof.oracles.tape import Cells, ComplexCells, Predicates, complex_cells, lowering

UNARY = {
    **{name: name.lower() for name in "Neg Exp Log Sin Cos Tan Sinh Cosh Tanh Asinh Acosh Atanh Asin Acos".split()},
    **{name: name.lower() for name in "Atan Expm1 Log1p Sqrt Erf Erfc Erfinv Ndtri Digamma".split()},
    **{"Sigmoid": "expit", "Lgamma": "gammaln"},
    **{f"Bessel{name}": name.lower() for name in "I0 I1 J0 J1 K0 K1 Y0 Y1".split()},
    **{"Dawsn": "dawsn", "Expint": "expi", "Spence": "spence"},
    **{"FresnelCos": "fresnel_cos", "FresnelSin": "fresnel_sin"},
}
"""Operations of one real argument, and the names that the tape has for them."""

BINARY = {
    **{"Add": "add", "AddV2": "add", "Sub": "sub", "Mul": "mul", "RealDiv": "div", "Div": "div", "Atan2": "atan2"},
    **{"Igamma": "gammainc", "Igammac": "gammaincc", "Polygamma": "polygamma", "Zeta": "zeta"},
}

RELATIONS = {
    **{"Greater": "gt", "GreaterEqual": "ge", "Less": "lt", "LessEqual": "le", "Equal": "eq", "NotEqual": "ne"},
}

STEPS = {"Floor": "floor", "Ceil": "ceil", "Rint": "round", "Round": "round"}

QUESTIONS = {"IsFinite": "isfinite", "IsInf": "isinf", "IsNan": "isnan"}

MANY_POWERS = 64
"""An array of constant exponents with up to so many different ones is taken as so many powers."""


def _next(op: Operation, x: Value, towards: Value) -> Cells:
    """The next number, which is x and a constant as far as anybody differentiates it."""
    at = [tf.constant(op.lift(z).value, op.dtype) for z in (x, towards)]
    step = op.by_framework(*at).numpy().astype(float) - op.lift(x).value
    return op.lift(x) + op.tape.constant(step, op.format)


def _unary(name: str, op: Operation, x: Cells) -> Cells:
    return op.tape.map(name, x, format=op.format)


def _binary(name: str, op: Operation, x: Value, y: Value) -> Cells:
    return op.tape.map(name, op.lift(x), op.lift(y), format=op.format)


def _relation(name: str, op: Operation, x: Value, y: Value) -> Value:
    dtype = op.node.inputs[0].dtype
    return _truths(op.tape.compare(name, op.lift(x, dtype), op.lift(y, dtype)))


def _truths(x: Value) -> Value:
    """Truth values that do not depend on the input are TensorFlow's."""
    return x if isinstance(x, Predicates) else tf.constant(x, tf.bool)


def _step(name: str, op: Operation, x: Cells) -> Cells:
    return op.tape.step(name, x)


def _question(name: str, op: Operation, x: Cells) -> tf.Tensor:
    return tf.constant(op.tape.ask(name, x))


def _power(op: Operation, x: Value, y: Value) -> Cells:
    exponents = None if on_tape(y) else op.array(y).astype(float)
    x = op.lift(x)
    if exponents is None:
        return op.tape.pow(x, op.lift(y), format=op.format)
    different = np.unique(exponents)
    if len(different) == 1 or len(different) > MANY_POWERS:
        return op.tape.pow(x, exponents, format=op.format)
    result = x
    for exponent in different:
        result = op.tape.choose(exponents == exponent, op.tape.pow(x, exponent, format=op.format), result)
    return result


def _cast(op: Operation, x: Cells) -> Value:
    dtype = op.dtype
    if dtype.is_floating:
        return op.tape.cast(x, format_of(dtype))
    if dtype.is_complex:
        return complex_cells.lifted(op.tape, op.tape.cast(x, format_of(dtype)))
    if dtype == tf.bool:
        return _truths(op.tape.compare("ne", x, 0.0))
    with np.errstate(invalid="ignore"):
        return tf.constant(op.tape.settle_step(x).astype(dtype.as_numpy_dtype))


def _cast_complex(op: Operation, x: ComplexCells) -> Value:
    if not op.dtype.is_complex:
        return _cast(op, x.re)
    return ComplexCells(*(op.tape.cast(part, op.format) for part in (x.re, x.im)))


def _cast_predicates(op: Operation, x: Predicates) -> Value:
    if op.dtype == tf.bool:
        return x
    if op.dtype.is_floating or op.dtype.is_complex:
        return op.lift(x)
    return tf.constant(op.tape.settle(x).astype(op.dtype.as_numpy_dtype))


def _remainder(step: str, op: Operation, x: Value, y: Value) -> Cells:
    x, y = op.lift(x), op.lift(y)
    return x - y * op.tape.step(step, x / y)


def _squared_difference(op: Operation, x: Value, y: Value) -> Cells:
    apart = op.lift(x) - op.lift(y)
    return apart * apart


def _divided_unless_zero(op: Operation, x: Value, y: Value) -> Cells:
    """x / y, and 0 where y is 0."""
    x, y = op.lift(x), op.lift(y)
    zero = op.tape.compare("eq", y, 0.0)
    return op.tape.choose(zero, op.number(0.0), x / op.tape.choose(zero, op.number(1.0), y))


def _times_unless_zero(op: Operation, x: Value, y: Value) -> Cells:
    """x y, and 0 where y is 0 whatever x is."""
    x, y = op.lift(x), op.lift(y)
    return op.tape.choose(op.tape.compare("eq", y, 0.0), op.number(0.0), x * y)


def _unless_zero(combine: Callable[[Operation, Cells, Cells], Cells]) -> Callable[[Operation, Value, Value], Cells]:
    """A product with x that is 0 where x is, whatever y is."""

    def rule(op: Operation, x: Value, y: Value) -> Cells:
        x, y = op.lift(x), op.lift(y)
        product = combine(op, x, y)
        # Where nothing is undefined the product itself is right, and smooth where x passes through 0.
        if np.isfinite(product.value).all():
            return product
        return op.tape.choose(op.tape.compare("eq", x, 0.0), op.number(0.0), product)

    return rule


def select(op: Operation, which: Value, x: Value, y: Value) -> Value:
    """The entries of x where a condition holds, else those of y."""
    if op.name == "Select" and len(which.shape) == 1 and len(x.shape) > 1:  # the old one has a condition for each row
        which = which[(..., *[None] * (len(x.shape) - 1))]
    which = op.array(which) if not on_tape(which) else which
    if op.dtype.is_complex:
        return complex_cells.choose(op.tape, which, op.lift(x), op.lift(y))
    if op.dtype.is_floating:
        return op.tape.choose(which, op.lift(x), op.lift(y), format=op.format)
    if op.dtype == tf.bool:
        x, y = (z if on_tape(z) else op.array(z) for z in (x, y))
        chosen = op.tape.logic("and", which, x)
        rest = op.tape.logic("and", op.tape.logic("not", which), y)
        return _truths(op.tape.logic("or", chosen, rest))
    return tf.where(tf.constant(op.tape.settle(which)), op.tensor(x), op.tensor(y))


def _clip(op: Operation, x: Value, low: Value, high: Value) -> Cells:
    return op.tape.minimum(op.tape.maximum(op.lift(x), op.lift(low)), op.lift(high))


def _sum_of_all(op: Operation, *values: Value) -> Cells:
    return op.tape.sum(op.tape.stack([op.lift(x) for x in values]), 0)


def _sizes(name: str, op: Operation, x: Cells) -> Cells:
    return op.tape.map(name, x, op.tape.abs(x))


def _beta(op: Operation, a: Value, b: Value, x: Value) -> Cells:
    return op.tape.map("betainc", op.lift(a), op.lift(b), op.lift(x), format=op.format)


def _below_zero(op: Operation, x: Cells, right: Callable[[Cells], Cells], left: Callable[[Cells], Cells]) -> Cells:
    """`right` of what is positive, and `left` of e^x - 1 of the rest: of large numbers that overflows."""
    positive = op.tape.compare("gt", x, 0.0)
    return op.tape.choose(positive, right(x), left(op.tape.map("expm1", op.tape.choose(positive, op.number(0.0), x))))


def _elu(op: Operation, x: Cells) -> Cells:
    return _below_zero(op, x, lambda x: x, lambda y: y)


SELU_SCALE, SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


def _selu(op: Operation, x: Cells) -> Cells:
    scale, product = op.number(SELU_SCALE), op.number(SELU_SCALE * SELU_ALPHA)
    return _below_zero(op, x, lambda x: scale * x, lambda y: product * y)


def _leaky_relu(op: Operation, x: Cells) -> Cells:
    return op.tape.choose(op.tape.compare("gt", x, 0.0), x, op.number(op.attribute("alpha")) * x)


def _relu(op: Operation, x: Cells) -> Cells:
    return op.tape.maximum(x, op.number(0.0))


def _shape(op: Operation, *values: Value) -> list[tf.Tensor]:
    return [tf.constant(x.shape, op.dtype) for x in values]


def _filled(value: float, op: Operation, x: Value) -> Value:
    return tf.fill(x.shape, tf.constant(value, op.dtype)) if op.dtype != tf.bool else tf.fill(x.shape, bool(value))


# Derivatives, which stand in a graph that has a gradient tape in it


def _of_derivative(slope: Callable[[Operation, Cells], Any]) -> Callable[[Operation, Value, Value], Cells]:
    """The rule for a derivative that is given the function's result, or its argument, and what comes down to it."""
    return lambda op, y, d: op.lift(d) * slope(op, op.lift(y))


def _reversed(rule: Callable[[Operation, Value, Value], Cells]) -> Callable[[Operation, Value, Value], Cells]:
    return lambda op, d, x: rule(op, x, d)


def _where(inside: Callable[[Cells], Any]) -> Callable[[Operation, Value, Value], Cells]:
    """What comes down where a condition on the argument holds, else 0."""
    return lambda op, d, x: op.tape.choose(inside(op.lift(x)), op.lift(d), op.number(0.0))


def _inside_relu6(x: Cells) -> Any:
    return x.tape.logic("and", x > 0.0, x < 6.0)


def _leaky_derivative(op: Operation, d: Value, x: Value) -> Cells:
    d, x = op.lift(d), op.lift(x)
    return op.tape.choose(op.tape.compare("gt", x, 0.0), d, op.number(op.attribute("alpha")) * d)


def _elu_derivative(op: Operation, d: Value, y: Value) -> Cells:
    d, y = op.lift(d), op.lift(y)
    return op.tape.choose(op.tape.compare("lt", y, 0.0), d * (y + 1.0), d)


def _selu_derivative(op: Operation, d: Value, y: Value) -> Cells:
    d, y = op.lift(d), op.lift(y)
    left = d * (y + op.number(SELU_SCALE * SELU_ALPHA))
    return op.tape.choose(op.tape.compare("lt", y, 0.0), left, op.number(SELU_SCALE) * d)


DERIVATIVES: dict[str, Callable[..., Any]] = {
    "EluGrad": _elu_derivative,
    "InvGrad": _of_derivative(lambda op, y: -(y * y)),
    "LeakyReluGrad": _leaky_derivative,
    "ReciprocalGrad": _of_derivative(lambda op, y: -(y * y)),
    "Relu6Grad": _where(_inside_relu6),
    "ReluGrad": _where(lambda x: x > 0.0),
    "RsqrtGrad": _of_derivative(lambda op, y: op.number(-0.5) * (y * y * y)),
    "SeluGrad": _selu_derivative,
    "SigmoidGrad": _of_derivative(lambda op, y: y * (1.0 - y)),
    "SoftplusGrad": _reversed(_of_derivative(lambda op, x: op.tape.map("expit", x))),
    "SoftsignGrad": _reversed(_of_derivative(lambda op, x: 1.0 / ((1.0 + op.tape.abs(x)) * (1.0 + op.tape.abs(x))))),
    "SqrtGrad": _of_derivative(lambda op, y: op.number(0.5) / y),
    "TanhGrad": _of_derivative(lambda op, y: 1.0 - y * y),
}

REAL: dict[str, Callable[..., Any]] = {
    **{name: partial(_unary, ours) for name, ours in UNARY.items()},
    **{name: partial(_binary, ours) for name, ours in BINARY.items()},
    **{name: partial(_relation, ours) for name, ours in RELATIONS.items()},
    **{name: partial(_step, ours) for name, ours in STEPS.items()},
    **{name: partial(_question, ours) for name, ours in QUESTIONS.items()},
    **DERIVATIVES,
    "Abs": lambda op, x: op.tape.abs(x),
    "AddN": _sum_of_all,
    "BesselI0e": partial(_sizes, "i0e"),
    "BesselI1e": partial(_sizes, "i1e"),
    "BesselK0e": lambda op, x: op.tape.map("k0e", x, x),
    "BesselK1e": lambda op, x: op.tape.map("k1e", x, x),
    "Betainc": _beta,
    "Cast": _cast,
    "ClipByValue": _clip,
    "Complex": lambda op, re, im: ComplexCells(*(op.tape.lift(_plain(op, x), op.format) for x in (re, im))),
    "Conj": lambda op, x: x,
    "DivNoNan": _divided_unless_zero,
    "Elu": _elu,
    "FloorDiv": lambda op, x, y: op.tape.step("floor", op.lift(x) / op.lift(y)),
    "FloorMod": partial(_remainder, "floor"),
    "Inv": lambda op, x: 1.0 / x,
    "LeakyRelu": _leaky_relu,
    "Maximum": lambda op, x, y: op.tape.maximum(op.lift(x), op.lift(y)),
    "Minimum": lambda op, x, y: op.tape.minimum(op.lift(x), op.lift(y)),
    "Mod": partial(_remainder, "trunc"),
    "MulNoNan": _times_unless_zero,
    "NextAfter": _next,
    "Pow": _power,
    "Real": lambda op, x: x,
    "Reciprocal": lambda op, x: 1.0 / x,
    "Relu": _relu,
    "Relu6": lambda op, x: op.tape.minimum(_relu(op, x), op.number(6.0)),
    "Rsqrt": lambda op, x: 1.0 / op.tape.map("sqrt", x),
    "Selu": _selu,
    "Sign": lambda op, x: op.tape.sign(x),
    "Softplus": lambda op, x: lowering.softplus(x),
    "Softsign": lambda op, x: x / (1.0 + op.tape.abs(x)),
    "Square": lambda op, x: x * x,
    "SquaredDifference": _squared_difference,
    "StopGradient": lambda op, x: op.tape.freeze(x),
    "TruncateDiv": lambda op, x, y: op.tape.step("trunc", op.lift(x) / op.lift(y)),
    "TruncateMod": partial(_remainder, "trunc"),
    "Xdivy": _unless_zero(lambda op, x, y: x / y),
    "Xlog1py": _unless_zero(lambda op, x, y: x * op.tape.map("log1p", y)),
    "Xlogy": _unless_zero(lambda op, x, y: x * op.tape.map("log", y)),
}
"""Rules for real cells."""


def _plain(op: Operation, x: Value) -> Any:
    return x if on_tape(x) else op.array(x).astype(float)


def _both(rule: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def lifted(op: Operation, x: Value, y: Value) -> Any:
        return rule(*(op.lift(z, op.node.inputs[0].dtype) for z in (x, y)))

    return lifted


def _complex(function: Callable[[ComplexCells], Any], op: Operation, z: ComplexCells) -> Any:
    return function(z)


def _complex_power(op: Operation, z: Value, exponent: Value) -> ComplexCells:
    if on_tape(exponent):
        return complex_cells.power(op.lift(z), exponent)
    values = np.unique(op.array(exponent))
    if len(values) == 1 and not values[0].imag:
        return complex_cells.power(op.lift(z), float(values[0].real))
    return complex_cells.power(op.lift(z), op.lift(exponent))


def _times_i(z: ComplexCells) -> ComplexCells:
    return ComplexCells(-z.im, z.re)


def _complex_asinh(op: Operation, z: ComplexCells) -> ComplexCells:
    return complex_cells.log(z + complex_cells.sqrt(z * z + 1.0))


def _complex_acosh(op: Operation, z: ComplexCells) -> ComplexCells:
    return complex_cells.log(z + complex_cells.sqrt(z + 1.0) * complex_cells.sqrt(z - 1.0))


def _complex_atanh(op: Operation, z: ComplexCells) -> ComplexCells:
    return (complex_cells.log(1.0 + z) - complex_cells.log(1.0 - z)) * 0.5


def _complex_acos(op: Operation, z: ComplexCells) -> ComplexCells:
    root = complex_cells.sqrt(1.0 - z) * complex_cells.sqrt(1.0 + z)
    return -_times_i(complex_cells.log(z + _times_i(root)))


def _complex_sum_of_all(op: Operation, *values: Value) -> ComplexCells:
    return complex_cells.total(complex_cells.stack(op.tape, [op.lift(x) for x in values]), 0)


def _complex_unless_zero(op: Operation, x: Value, y: Value) -> ComplexCells:
    x, y = op.lift(x), op.lift(y)
    zero = y == 0.0
    safe = complex_cells.choose(op.tape, zero, np.ones(y.shape), y)
    return complex_cells.choose(op.tape, zero, np.zeros(y.shape), x / safe)


def _complex_mean_square(op: Operation, x: Value, y: Value) -> ComplexCells:
    apart = op.lift(x) - op.lift(y)
    return apart * complex_cells.conj(apart)


COMPLEX: dict[str, Callable[..., Any]] = {
    **{
        name: partial(_complex, complex_cells.FUNCTIONS[name.lower()])
        for name in "Exp Log Sqrt Sin Cos Tan Sinh Cosh Tanh Conj Reciprocal Acos Acosh Asin Asinh Atan Atanh".split()
    },
    **{name: _both(lambda x, y: x + y) for name in ("Add", "AddV2")},
    **{name: _both(lambda x, y: x / y) for name in ("Div", "RealDiv")},
    "Abs": lambda op, z: complex_cells.absolute(z),
    "Acos": _complex_acos,
    "Acosh": _complex_acosh,
    "AddN": _complex_sum_of_all,
    "Angle": lambda op, z: complex_cells.angle(z),
    # asin z = -i asinh iz, and likewise atan.
    "Asin": lambda op, z: -_times_i(_complex_asinh(op, _times_i(z))),
    "Asinh": _complex_asinh,
    "Atan": lambda op, z: -_times_i(_complex_atanh(op, _times_i(z))),
    "Atanh": _complex_atanh,
    "Cast": _cast_complex,
    "ComplexAbs": lambda op, z: complex_cells.absolute(z),
    "DivNoNan": _complex_unless_zero,
    "Equal": _both(lambda x, y: x == y),
    "Expm1": lambda op, z: complex_cells.exp(z) - 1.0,
    "Imag": lambda op, z: z.im,
    "Inv": lambda op, z: complex_cells.reciprocal(z),
    "Log1p": lambda op, z: complex_cells.log(z + 1.0),
    "Mul": _both(lambda x, y: x * y),
    "Neg": lambda op, z: -z,
    "NotEqual": _both(lambda x, y: x != y),
    "Pow": _complex_power,
    "Real": lambda op, z: z.re,
    "Rsqrt": lambda op, z: complex_cells.reciprocal(complex_cells.sqrt(z)),
    "Sigmoid": lambda op, z: complex_cells.reciprocal(complex_cells.exp(-z) + 1.0),
    "Sign": lambda op, z: z / complex_cells.absolute(z),
    "Square": lambda op, z: z * z,
    "SquaredDifference": _complex_mean_square,
    "StopGradient": lambda op, z: ComplexCells(op.tape.freeze(z.re), op.tape.freeze(z.im)),
    "Sub": _both(lambda x, y: x - y),
}
"""Rules for complex cells."""


def _equal(negated: bool, op: Operation, x: Value, y: Value) -> Value:
    x, y = (z if on_tape(z) else op.array(z) for z in (x, y))
    differ = op.tape.logic("xor", x, y)
    return _truths(differ if negated else op.tape.logic("not", differ))


def _connective(name: str, op: Operation, *values: Value) -> Value:
    return _truths(op.tape.logic(name, *(x if on_tape(x) else op.array(x) for x in values)))


PREDICATES: dict[str, Callable[..., Any]] = {
    "Cast": _cast_predicates,
    "Equal": partial(_equal, False),
    "LogicalAnd": partial(_connective, "and"),
    "LogicalNot": partial(_connective, "not"),
    "LogicalOr": partial(_connective, "or"),
    "NotEqual": partial(_equal, True),
    "StopGradient": lambda op, x: x,
}
"""Rules for booleans that depend on the input. Whatever else reads them settles them."""

GENERAL: dict[str, Callable[..., Any]] = {
    **{name: _shape for name in ("Shape", "ShapeN")},
    **{
        name: lambda op, x, *_: x
        for name in "CheckNumerics CheckNumericsV2 DebugIdentityV2 EnsureShape PlaceholderWithDefault PreventGradient "
        "Print Snapshot".split()
    },
    "OnesLike": partial(_filled, 1.0),
    "Rank": lambda op, x: tf.constant(len(x.shape)),
    "Select": select,
    "SelectV2": select,
    "Size": lambda op, x: tf.constant(x.size, op.dtype),
    "ZerosLike": partial(_filled, 0.0),
}
"""Rules for operands of any kind."""
