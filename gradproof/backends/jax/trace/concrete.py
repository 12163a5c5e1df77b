"""Primitives on what does not depend on the input: integers, booleans, random keys. NumPy computes them, or JAX itself;
which ones may be computed so is a list, so that nothing becomes a constant by oversight."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from gradproof.backends.jax.trace.operation import Operation, Value
from gradproof.oracles.tape import Cells


def _divided(op: Operation, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    # Integers are divided towards zero; a division by zero gives what XLA gives.
    safe = np.where(y == 0, 1, y)
    quotient = np.sign(x) * np.sign(safe) * (np.abs(x) // np.abs(safe))
    return np.where(y == 0, -1, quotient)


def _selected(op: Operation, which: np.ndarray, *cases: np.ndarray) -> np.ndarray:
    result = cases[0]
    for i, case in enumerate(cases[1:], 1):
        result = np.where(which == i, case, result)
    return result


def _iota(op: Operation) -> np.ndarray:
    shape, dimension = op.params["shape"], op.params["dimension"]
    line = [1] * len(shape)
    line[dimension] = shape[dimension]
    return np.broadcast_to(np.arange(shape[dimension]).reshape(line), shape)


def _along(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda op, x: function(x, axis=tuple(op.params["axes"]))


def _running(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    def run(op: Operation, x: np.ndarray) -> np.ndarray:
        axis = op.params["axis"]
        if op.params["reverse"]:
            return np.flip(function(np.flip(x, axis), axis=axis), axis)
        return function(x, axis=axis)

    return run


def _plainly(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda op, *arrays: function(*arrays)


NUMPY: dict[str, Callable[..., np.ndarray]] = {
    **{name: _plainly(f) for name, f in {"add": np.add, "sub": np.subtract, "mul": np.multiply}.items()},
    **{name: _plainly(f) for name, f in {"eq": np.equal, "ne": np.not_equal, "gt": np.greater}.items()},
    **{name: _plainly(f) for name, f in {"ge": np.greater_equal, "lt": np.less, "le": np.less_equal}.items()},
    **{name: _plainly(f) for name, f in {"and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor}.items()},
    **{name: _plainly(f) for name, f in {"not": np.invert, "neg": np.negative, "abs": np.abs, "sign": np.sign}.items()},
    **{name: _plainly(f) for name, f in {"max": np.maximum, "min": np.minimum, "square": np.square}.items()},
    "argmax": lambda op, x: np.argmax(x, op.params["axes"][0]),
    "argmin": lambda op, x: np.argmin(x, op.params["axes"][0]),
    "clamp": lambda op, low, x, high: np.clip(x, low, high),
    "convert_element_type": lambda op, x: x,
    "cummax": _running(np.maximum.accumulate),
    "cummin": _running(np.minimum.accumulate),
    "cumprod": _running(np.cumprod),
    "cumsum": _running(np.cumsum),
    "div": _divided,
    "integer_pow": lambda op, x: x ** op.params["y"],
    "iota": _iota,
    "reduce_and": _along(np.bitwise_and.reduce),
    "reduce_max": _along(np.max),
    "reduce_min": _along(np.min),
    "reduce_or": _along(np.bitwise_or.reduce),
    "reduce_prod": _along(np.prod),
    "reduce_sum": _along(np.sum),
    "rem": lambda op, x, y: np.fmod(x, np.where(y == 0, 1, y)),
    "select_n": _selected,
    "stop_gradient": lambda op, x: x,
}
"""Rules for integers and booleans."""

BY_JAX = frozenset(
    "bitcast_convert_type broadcast_in_dim clz concatenate conv_general_dilated dot_general dynamic_slice "
    "dynamic_update_slice gather lu_pivots_to_permutation mulhi pad population_count random_bits random_clone "
    "random_fold_in random_seed random_split random_unwrap random_wrap reduce_xor reshape rev "
    "rng_bit_generator scatter scatter-add scatter-max scatter-min scatter-mul scatter-sub select_n shift_left "
    "shift_right_arithmetic shift_right_logical slice split squeeze stack threefry2x32 tile top_k transpose "
    "unstack".split()
)
"""What JAX itself may compute of integers, booleans and random keys, as it would anyway."""

OF_CONSTANTS = frozenset(("bitcast_convert_type", "nextafter", "random_gamma"))
"""What JAX itself may compute of floating-point numbers that do not depend on the input."""


def moves(x: Value) -> bool:
    """Whether some entry depends on the input."""
    return isinstance(x, Cells) and bool(x.tape.moving[x.numbers].any())


def held(x: Value) -> Any:
    """What does not depend on the input, as JAX holds it."""
    return jax.numpy.asarray(x.value, x.format) if isinstance(x, Cells) else x


def compute(op: Operation, *values: Value) -> list[Any]:
    """The results of an operation none of whose operands depends on the input."""
    if op.name in NUMPY and all(isinstance(x, np.ndarray | np.generic) for x in values):
        with np.errstate(all="ignore"):
            return [op.concrete(np.asarray(NUMPY[op.name](op, *values)), op.dtype)]
    if op.name not in BY_JAX | OF_CONSTANTS:
        op.refuse("this operation is not known here")
    return [op.concrete(x) for x in op.by_framework(*map(held, values))]
