"""What a random program is made of: for every kind of operation, how one is written for arrays whose values are known,
or nothing where none of its kind is in order: a logarithm of what may be negative, a product that does not fit."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Pick = Callable[[list], object]
"""Draws one of a list."""

LARGEST, MOST = 64.0, 24
"""Results stay below this in size, and within so many entries."""


@dataclass(frozen=True)
class Variable:
    """A name and the array that it stands for at the program's inputs."""

    name: str
    value: np.ndarray


Writer = Callable[[Pick, list[Variable]], str | None]


def _between(low: float, high: float) -> Callable[[np.ndarray], bool]:
    return lambda x: bool((x >= low).all() and (x <= high).all())


def _apart_from_zero(x: np.ndarray) -> bool:
    return bool((np.abs(x) > 0.1).all())


ANYWHERE = _between(-math.inf, math.inf)

UNARY: dict[str, Callable[[np.ndarray], bool]] = {
    **dict.fromkeys(["-{x}", "2.0 * {x}", "{x} + 0.75", "1.5 - {x}", "{x} / 4.0", "{x} ** 2", "{x} * {x}"], ANYWHERE),
    **dict.fromkeys(["xp.sin({x})", "xp.cos({x})", "xp.tanh({x})", "xp.atan({x})", "xp.asinh({x})"], ANYWHERE),
    **dict.fromkeys(["xp.abs({x})", "xp.square({x})", "xp.special.erf({x})", "xp.special.expit({x})"], ANYWHERE),
    **dict.fromkeys(["xp.nn.relu({x})", "xp.nn.silu({x})", "xp.nn.softplus({x})", "xp.nn.gelu({x})"], ANYWHERE),
    **dict.fromkeys(["xp.nn.elu({x})", "xp.nn.leaky_relu({x})", "xp.nn.log_sigmoid({x})"], ANYWHERE),
    **dict.fromkeys(["xp.clip({x}, -0.7, 0.9)", "xp.nn.hard_tanh({x})", "xp.nn.soft_sign({x})"], ANYWHERE),
    **dict.fromkeys(["xp.exp({x})", "xp.expm1({x})", "xp.cosh({x})", "xp.sinh({x})", "xp.exp2({x})"], _between(-6, 4)),
    **dict.fromkeys(
        ["xp.log({x})", "xp.sqrt({x})", "xp.log2({x})", "{x} ** 1.5", "xp.special.gammaln({x})"], _between(0.1, 50)
    ),
    **dict.fromkeys(["xp.log1p({x})", "xp.special.xlogy({x}, {x} + 1.0)"], _between(-0.85, 50)),
    **dict.fromkeys(["xp.asin({x})", "xp.acos({x})", "xp.atanh({x})"], _between(-0.9, 0.9)),
    "xp.tan({x})": _between(-1.3, 1.3),
    "xp.acosh({x})": _between(1.1, 50),
    **dict.fromkeys(["xp.reciprocal({x})", "1.0 / {x}", "{x} ** -2", "xp.sign({x}) * {x}"], _apart_from_zero),
    **dict.fromkeys(["{x} ** 3", "xp.pow({x}, 3.0)"], ANYWHERE),
}

BINARY: dict[str, Callable[[np.ndarray, np.ndarray], bool]] = {
    **dict.fromkeys(["{x} + {y}", "{x} - {y}", "{x} * {y}", "xp.maximum({x}, {y})"], lambda x, y: True),
    **dict.fromkeys(["xp.minimum({x}, {y})", "xp.logaddexp({x}, {y})"], lambda x, y: True),
    "xp.where({x} > {y}, {x}, 2.0 * {y})": lambda x, y: True,
    "xp.where({x} < 0.3, {y} * {y}, {x})": lambda x, y: True,
    "xp.where(({x} > 0.1) & ({y} < 0.9), xp.sin({x}), {y})": lambda x, y: True,
    "{x} / {y}": lambda x, y: _apart_from_zero(y),
    "xp.hypot({x}, {y})": lambda x, y: _apart_from_zero(x) and _apart_from_zero(y),
    "xp.atan2({x}, {y})": lambda x, y: _apart_from_zero(x) and _apart_from_zero(y),
    "{x} ** {y}": lambda x, y: bool((x > 0.1).all() and (np.abs(y) < 4).all()),
    "xp.special.xlogy({x}, {y})": lambda x, y: bool((y > 0.1).all()),
}

REDUCTIONS = ("sum", "mean", "max", "min", "prod", "var", "std")


def _latest_first(known: list[Variable]) -> list[Variable]:
    # The last one as often as all others but one together: a chain says more than a bush, of which little is left.
    return [*known[-1:] * max(1, len(known) - 2), *known[::-1]]


def unary(pick: Pick, known: list[Variable]) -> str | None:
    """An elementary function of every entry."""
    x = pick(_latest_first(known))
    template = pick(list(UNARY))
    return template.format(x=x.name) if UNARY[template](x.value) else None


def binary(pick: Pick, known: list[Variable]) -> str | None:
    """An operation of two arrays that are stretched to each other."""
    x = pick(_latest_first(known))
    y = pick([other for other in known if _fit(x.value.shape, other.value.shape)])
    template = pick(list(BINARY))
    # An operation takes arrays of which one alone is stretched to the other in every backend.
    return template.format(x=x.name, y=y.name) if BINARY[template](x.value, y.value) else None


def _fit(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


def reduction(pick: Pick, known: list[Variable]) -> str | None:
    """One along an axis or over all."""
    x = pick(_latest_first(known))
    if x.value.ndim == 0:
        return None
    name = pick([*REDUCTIONS, "special.logsumexp"])
    axis = pick([None, *range(-x.value.ndim, x.value.ndim)])
    keepdims = pick([False, True])
    if name in ("std",) and not (np.std(x.value, axis=axis) > 0.1).all():
        return None
    return f"xp.{name}({x.name}, axis={axis}, keepdims={keepdims})"


def running(pick: Pick, known: list[Variable]) -> str | None:
    """A running sum or product, a difference, or entries that move along an axis."""
    x = pick([v for v in known if v.value.ndim] or known)
    if x.value.ndim == 0:
        return None
    axis = pick(list(range(x.value.ndim)))
    name = pick(["cumulative_sum({x}, axis={axis})", "cumulative_prod({x}, axis={axis})", "flip({x}, axis={axis})",
                 "roll({x}, 1, axis={axis})", "sort({x}, axis={axis})", "diff({x}, axis={axis})"])  # fmt: skip
    return "xp." + name.format(x=x.name, axis=axis)


def indexing(pick: Pick, known: list[Variable]) -> str | None:
    """Some entries of an array."""
    x = pick(_latest_first(known))
    if x.value.ndim == 0:
        return f"{x.name}[None]"
    last = x.value.shape[0] - 1
    keys = ["0", f"{last}", "1:", ":-1", "::2", "..., 0", "None", "..., None", "..., -1:", ":1"]
    indices = f"xp.asarray([{last}, 0, {last}])"
    return pick([*(f"{x.name}[{key}]" for key in keys), f"xp.take({x.name}, {indices}, axis=0)"])


def reshaping(pick: Pick, known: list[Variable]) -> str | None:
    """The same entries in another shape, or more than once."""
    x = pick(_latest_first(known))
    shape, size = x.value.shape, x.value.size
    ways = [f"xp.reshape({x.name}, (-1,))", f"xp.expand_dims({x.name}, axis=0)"]
    ways += [f"xp.reshape({x.name}, ({size // n}, {n}))" for n in (2, 3) if size % n == 0]
    ways += [f"xp.broadcast_to({x.name}, (2, *{x.name}.shape))", f"xp.stack([{x.name}, 2.0 * {x.name}])"]
    if shape:
        ways += [f"xp.permute_dims({x.name}, {tuple(range(len(shape)))[::-1]})", f"xp.repeat({x.name}, 2, axis=0)"]
        ways += [f"xp.tile({x.name}, {(2,) * len(shape)})", f"xp.concat([{x.name}, xp.tanh({x.name})], axis=-1)"]
    if 1 in shape:
        ways += [f"xp.squeeze({x.name}, axis={shape.index(1)})"]
    return pick(ways)


def product(pick: Pick, known: list[Variable]) -> str | None:
    """A product of matrices or with a vector."""
    pairs = [
        (x, y)
        for x in known
        for y in known
        if x.value.ndim in (1, 2) and y.value.ndim in (1, 2) and x.value.shape[-1] == y.value.shape[0]
    ]
    if not pairs:
        return None
    x, y = pick(pairs)
    if x.value.ndim == y.value.ndim == 2:
        return pick(
            [f"{x.name} @ {y.name}", f"xp.matmul({x.name}, {y.name})", f"xp.tensordot({x.name}, {y.name}, axes=1)"]
        )
    return f"xp.matmul({x.name}, {y.name})"


def normalization(pick: Pick, known: list[Variable]) -> str | None:
    """Entries set in relation to those beside them."""
    x = pick([v for v in known if v.value.ndim] or known)
    if x.value.ndim == 0:
        return None
    n, axis = x.name, pick([-1, 0])
    centred = f"({n} - xp.mean({n}, axis={axis}, keepdims=True))"
    return pick(
        [
            f"xp.nn.softmax({n}, axis={axis})",
            f"xp.nn.log_softmax({n}, axis={axis})",
            f"{centred} / xp.sqrt(xp.var({n}, axis={axis}, keepdims=True) + 0.25)",
            f"{n} / xp.sqrt(xp.sum({n} * {n}, axis={axis}, keepdims=True) + 0.25)",
            f"{n} / (1.0 + xp.max(xp.abs({n})))",
        ]
    )


def control(pick: Pick, known: list[Variable]) -> str | None:
    """A scan along the first axis, a choice of code by a value, or a loop."""
    x = pick(_latest_first(known))
    n = x.name
    ways = [
        f"xp.cond(xp.sum({n}) > 0.2, lambda v: xp.sin(v), lambda v: v * v, {n})",
        f"xp.cond(xp.max({n}) < 0.8, lambda v: 2.0 * v, lambda v: xp.tanh(v), {n})",
        f"xp.fori_loop(0, 3, lambda k, v: xp.sin(v) + 0.5 * {n}, {n})",
    ]
    if x.value.ndim:
        ways += [
            f"xp.scan(lambda s, row: xp.tanh(s + row), {n}[0], {n})",
            f"xp.scan(lambda s, row: 0.5 * s * row + row, {n}[0], {n})",
        ]
    return pick(ways)


def nothing(pick: Pick, known: list[Variable]) -> None:
    """No statement: what a failing program shrinks to."""


WRITERS: tuple[Writer, ...] = (
    nothing,
    *(unary, binary, unary, binary, reduction, indexing),
    *(reshaping, product, normalization, running, control),
)
"""The kinds, those twice that are to come more often."""
