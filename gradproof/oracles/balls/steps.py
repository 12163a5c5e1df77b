"""Functions of balls that are constant between jumps (rounding to integers), questions with a yes or no, and indices.
Where a ball reaches over a jump the input is at a kink or within rounding of one, which is noted as for comparisons."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from flint import arb

from gradproof.oracles.balls.arrays import Balls, Decision, Places, decided, objects
from gradproof.oracles.balls.real import RealArithmetic


def _floor(v: arb) -> int:
    return int(v.floor().unique_fmpz())


def _to_even(v: arb) -> int:
    # Compared, not v + 1/2: beside a tie that sum may need more bits than the working precision has.
    below = _floor(v)
    half = arb(below) + arb(0.5)
    return below + below % 2 if v == half else below + int(v > half)


ROUNDINGS: dict[str, Callable[[arb], int]] = {
    "ceil": lambda v: -_floor(-v),
    "floor": _floor,
    "round": _to_even,
    "trunc": lambda v: _floor(v) if v >= 0 else -_floor(-v),
}
"""Of exact numbers. `round` takes a tie to the even neighbour, as the standard does."""

NEIGHBOUR = arb(2) ** -300
"""Far below any step of exact differences: what jumps within this distance is at a jump."""


def _step(name: str, on: RealArithmetic, x: Any) -> Balls:
    centers = on.center(on.asarray(x, "balls").entries)
    taken, either, open_ = np.frompyfunc(partial(_step_of, name, on), 1, 3)(centers)
    taken, open_ = on.answered(objects(taken), np.asarray(open_, bool))
    return Balls(np.where(open_, objects(either), taken) if on.model is not None else taken, on)


def _step_of(name: str, on: RealArithmetic, v: arb) -> tuple[arb, arb, bool]:
    """The step by the midpoint, all steps that may be taken, and whether there are several that rounding decides."""
    if not v.is_finite():
        return v, v, False
    rounding, reach = ROUNDINGS[name], v + arb(0, NEIGHBOUR)
    low, high = rounding(reach.lower()), rounding(reach.upper())
    taken = arb(rounding(v.mid()))
    on.at_kink |= low != high
    return taken, arb(low).union(arb(high)), low != high and not v.is_exact()


def _ask(question: Callable[[arb], bool], on: RealArithmetic, x: Any) -> Decision:
    answers = np.frompyfunc(question, 1, 1)(on.center(on.asarray(x, "balls").entries))
    return Decision(np.asarray(answers, bool), np.zeros(np.shape(answers), bool), on)


def _signbit(on: RealArithmetic, x: Any) -> Decision:
    # A ball has no zero with a minus sign.
    return on.less(x, 0)


def _logical_xor(on: RealArithmetic, x: Any, y: Any) -> Decision:
    (a, unsure_a), (b, unsure_b) = decided(x), decided(y)
    return Decision(a ^ b, unsure_a | unsure_b, on)


def _any(on: RealArithmetic, x: Any, *, axis: Any = None, keepdims: bool = False) -> Decision:
    value, undecided = decided(x)
    over = partial(np.any, axis=axis, keepdims=keepdims)
    # What surely holds settles it.
    return Decision(over(value), over(undecided) & ~over(value & ~undecided), on)


def _all(on: RealArithmetic, x: Any, *, axis: Any = None, keepdims: bool = False) -> Decision:
    return ~_any(on, ~Decision(*decided(x), on), axis=axis, keepdims=keepdims)


def _is_nonzero(on: RealArithmetic, x: Any) -> np.ndarray:
    """Which entries are not 0, of which there is one answer alone."""
    return on.not_equal(x, 0).certain()


def _nonzero(on: RealArithmetic, x: Any) -> tuple[np.ndarray, ...]:
    return np.nonzero(_is_nonzero(on, x))


def _count_nonzero(on: RealArithmetic, x: Any, *, axis: Any = None, keepdims: bool = False) -> np.ndarray:
    return np.count_nonzero(_is_nonzero(on, x), axis=axis, keepdims=keepdims)


def _searchsorted(on: RealArithmetic, x1: Any, x2: Any, *, side: str = "left", sorter: Any = None) -> Places:
    edges = on.asarray(x1, "balls") if sorter is None else on.take(x1, sorter, axis=0)
    x2 = on.expand_dims(on.asarray(x2, "balls"), axis=-1)
    # How many edges lie below, which notes where the index jumps.
    below, open_ = decided(on.less(edges, x2) if side == "left" else on.less_equal(edges, x2))
    least, most = np.sum(below & ~open_, axis=-1), np.sum(below | open_, axis=-1)
    places = np.arange(edges.shape[0] + 1)
    may = (least[..., None] <= places) & (places <= most[..., None])
    return Places(np.sum(below, axis=-1), may, on)


def _cond(on: Any, predicate: Any, on_true: Callable, on_false: Callable, *operands: Any) -> Any:
    """One branch, or what both give where rounding decides which is taken."""
    _, undecided = decided(predicate)
    if on.model is None or not undecided.any():
        return on_true(*operands) if predicate else on_false(*operands)
    return _either(partial(on.namespace().where, predicate), on_true(*operands), on_false(*operands))


def _either(choose: Callable, x: Any, y: Any) -> Any:
    if isinstance(x, tuple | list):
        return type(x)(_either(choose, a, b) for a, b in zip(x, y, strict=True))
    return choose(x, y)


OPERATIONS: dict[str, Callable] = {
    **{name: partial(_step, name) for name in ROUNDINGS},
    "all": _all,
    "any": _any,
    "cond": _cond,
    "count_nonzero": _count_nonzero,
    "isfinite": partial(_ask, lambda v: v.is_finite()),
    "isinf": partial(_ask, lambda v: not v.is_finite() and not v.is_nan()),
    "isnan": partial(_ask, lambda v: v.is_nan()),
    "logical_xor": _logical_xor,
    "nonzero": _nonzero,
    "searchsorted": _searchsorted,
    "signbit": _signbit,
}
"""Operations `(on, …)` of the main namespace."""
