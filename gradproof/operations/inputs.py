"""The inputs at which a call is tried besides its own: hard ones, made of those of the sample."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradproof.backends.calls import Calls
from gradproof.backends.operations import Operations, Sample
from gradproof.checking.problem import Problem
from gradproof.oracles.machine_model import FORMATS

PLAIN = "sample"
"""The kind of the inputs that the list itself gives."""

LONG = 2560
"""So many entries a long vector has, where half precision cannot count any more."""

HALVES = ("float16", "bfloat16")


@dataclass(frozen=True)
class Case:
    """A call at inputs of one kind."""

    kind: str
    sample: Sample


def _zeros(x: np.ndarray, eps: float) -> np.ndarray:
    return np.zeros_like(x)


def _one_zero(x: np.ndarray, eps: float) -> np.ndarray:
    moved = x.copy()
    moved.reshape(-1)[: 1 if x.size > 1 else 0] = 0
    return moved


def _equal(x: np.ndarray, eps: float) -> np.ndarray:
    return np.full_like(x, x.reshape(-1)[-1])


def _nearly_equal(x: np.ndarray, eps: float) -> np.ndarray:
    steps = np.arange(x.size).reshape(x.shape) % 5
    return _equal(x, eps) * (1 + 4 * eps * steps)


def _ties(x: np.ndarray, eps: float) -> np.ndarray:
    flat = x.reshape(-1).copy()
    flat[1::2] = flat[0 : 2 * (flat.size // 2) : 2]
    return flat.reshape(x.shape)


def _whole(x: np.ndarray, eps: float) -> np.ndarray:
    return np.round(x)


def _opposite(x: np.ndarray, eps: float) -> np.ndarray:
    return -x


VALUES: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "zeros": _zeros,
    "one zero": _one_zero,
    "equal": _equal,
    "nearly equal": _nearly_equal,
    "ties": _ties,
    "whole numbers": _whole,
    "opposite sign": _opposite,
}
"""By kind, what becomes of the values of an array, given the distance from 1 to the next number."""


def _first_entry(x: np.ndarray) -> np.ndarray:
    return x[tuple(slice(0, 1) for _ in range(x.ndim))]


def _none(x: np.ndarray) -> np.ndarray:
    return x[..., :0] if x.ndim else x


def _long(x: np.ndarray) -> np.ndarray:
    if not x.ndim or not x.size:
        return x
    return np.tile(x, (1,) * (x.ndim - 1) + (-(-LONG // x.size),))


SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {"one entry": _first_entry, "empty": _none, "long": _long}
"""By kind, what becomes of an array whose shape is another. Not every call takes that."""


IN_HALVES = ("zeros", "tiny", "huge", "long")
"""The kinds that are tried in half precision: where its range and its few digits tell."""


def cases(
    operations: Operations, problem: Problem, sample: Sample, dtype: str, takes_layouts: bool = True
) -> Iterator[Case]:
    """The sample at every hard kind of input; some are not inputs of this call, or have no finite value there."""
    for case in _all_cases(operations, problem, sample, takes_layouts):
        if (case.kind in IN_HALVES) if dtype in HALVES else case.kind != "long":
            yield case


def _all_cases(operations: Operations, problem: Problem, sample: Sample, takes_layouts: bool) -> Iterator[Case]:
    calls = problem.calls
    named, _ = calls.flatten(sample.args)
    places = [i for i, (_, leaf) in enumerate(named) if any(leaf is own for own in problem.leaves)]
    values = [np.asarray(calls.to_numpy(named[i][1])) for i in places]
    if not any(x.size for x in values):
        return
    eps = 2.0 ** (1 - FORMATS[problem.arguments[0].format].precision)
    for kind, made in VALUES.items():
        moved = [made(x, eps) if x.size else x for x in values]
        yield Case(kind, _with(calls, sample, places, moved))
    for kind, scale in _scales(problem).items():
        yield Case(kind, _with(calls, sample, places, [x * scale for x in values]))
    for kind, cut in SHAPES.items():
        yield Case(kind, _with(calls, sample, places, [cut(x) for x in values]))
    for layout in operations.layouts if takes_layouts else ():
        yield Case(layout.name, _through(calls, sample, places, layout.make))
    if values[0].size > 1 and not any(np.iscomplexobj(x) for x in values):
        for kind, infinity in (("masked by -inf", -np.inf), ("masked by inf", np.inf)):
            yield Case(kind, _through(calls, sample, places[:1], _masked(operations, values[0].shape, infinity)))


def _scales(problem: Problem) -> dict[str, float]:
    """Factors that bring a number of ordinary size to where its square leaves the range of its format."""
    format = FORMATS[problem.arguments[0].format]
    exponent = int(0.6 * np.log2(format.largest))
    return {"tiny": 2.0**-exponent, "huge": 2.0**exponent}


def _with(calls: Calls, sample: Sample, places: Sequence[int], values: Sequence[np.ndarray]) -> Sample:
    named, rebuild = calls.flatten(sample.args)
    leaves = [leaf for _, leaf in named]
    for i, x in zip(places, values, strict=True):
        leaves[i] = calls.like(x, leaves[i], calls.dtype_of(leaves[i]))
    return Sample(sample.f, rebuild(leaves), sample.text)


def _through(calls: Calls, sample: Sample, places: Sequence[int], make: Callable[[Any], Any]) -> Sample:
    """The call of what `make` gives for the arrays in some places."""

    def of_made(*args: Any) -> Any:
        named, rebuild = calls.flatten(args)
        leaves = [make(leaf) if i in places else leaf for i, (_, leaf) in enumerate(named)]
        return sample.f(*rebuild(leaves))

    return Sample(of_made, sample.args, sample.text)


def _masked(operations: Operations, shape: tuple[int, ...], value: float) -> Callable[[Any], Any]:
    mask = np.zeros(shape, dtype=bool)
    mask.reshape(-1)[1::3] = True  # not the first, which is a running result by itself
    return lambda array: operations.replaced(array, mask, value)
