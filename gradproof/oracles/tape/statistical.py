"""A statistical tolerance beside the certain bound: standard deviations of the rounding errors of a gradient, by one
pass of value and variance. It is told and never a verdict, for errors need not be independent: equal operands round
alike, and a library may err in one direction."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradproof.oracles.machine_model import FORMATS, MachineModel
from gradproof.oracles.tape.first_order import Block
from gradproof.oracles.tape.linearization import Linearization
from gradproof.oracles.tape.second_derivatives import NoSecondDerivative
from gradproof.oracles.tape.solution import Solution
from gradproof.oracles.tape.steps import NoFirstOrder
from gradproof.oracles.verdict import Suspicion

SUSPECT = 8.0
"""From so many standard deviations on an entry is suspect."""

FLOOR = 8.0
"""So many smallest normal numbers, times the largest entry where that is above 1, are never suspect."""

CONFIRMED = 32
"""So many entries, those that are farthest out, are looked at again with the errors followed each by itself."""


@dataclass
class Deviations:
    """The standard deviation of every entry of the gradient, for each array of inputs, its errors taken as independent
    cell by cell; `problem` says why there is none."""

    line: Linearization | None
    gradient: tuple[np.ndarray, ...] = ()
    problem: str = ""

    def followed(self, entries: np.ndarray) -> np.ndarray:
        """The standard deviations of these entries, by number, where each rounding is followed on all its ways."""
        line = self.line
        block = Block(line, _cells(line)[entries]).run()
        variance = block.by_value[1:] ** 2 @ line.own**2 + block.by_adjoint[1:] ** 2 @ line.adjoint_own**2
        return np.sqrt(variance / 3)


def _cells(line: Linearization) -> np.ndarray:
    return np.concatenate([np.arange(i.cells.start, i.cells.stop) for i in line.tape.inputs])


def deviations(found: Solution, model: MachineModel | None = None, *, flushes: bool = False) -> Deviations:
    """Those of a solved tape, in its own formats or a model's."""
    if found.problem or found.kink is not None:
        return Deviations(None, problem=found.problem or "a kink")
    try:
        line = Linearization(found, model, flushes=flushes)
    except (NoFirstOrder, NoSecondDerivative) as error:
        return Deviations(None, problem=str(error))
    parts = (line.adjoint_variances[i.cells].reshape(i.shape) for i in line.tape.inputs)
    return Deviations(line, tuple(np.sqrt(part) for part in parts))


def suspicion(
    found: Solution,
    gradient: Sequence[np.ndarray],
    names: Sequence[str],
    model: MachineModel | None = None,
    *,
    flushes: bool = False,
) -> Suspicion | None:
    """The entry that is most standard deviations off, where that is more than `SUSPECT`; None where none is, or where
    nothing is known. An entry is so by the larger of two deviations: errors that meet again may add up, or cancel."""
    if not gradient:
        return None
    errors = [e.distance(np.asarray(got)) for e, got in zip(found.truth.gradient, gradient, strict=True)]
    formats = [model.format if model else FORMATS[i.format] for i in found.tape.inputs]
    floors = []
    for format, scale, error in zip(formats, found.truth.scale, errors, strict=True):
        floor = format.unit_roundoff * scale + FLOOR * format.tiny * max(1.0, scale)
        floors.append(np.full(error.shape, floor))
    beyond = np.maximum(_joined(errors) - _joined(floors), 0.0)
    if not (beyond > 0).any():
        return None
    known = found.kept(("deviations", model, flushes), lambda: deviations(found, model, flushes=flushes))
    if known.problem:
        return None
    sigma = _joined(known.gradient)
    candidates = np.flatnonzero(beyond > SUSPECT * sigma)
    if not candidates.size:
        return None
    with np.errstate(divide="ignore"):
        farthest = candidates[np.argsort(-(beyond / sigma)[candidates], kind="stable")][:CONFIRMED]
    with np.errstate(all="ignore"):
        wide = np.fmax(sigma[farthest], known.followed(farthest))
        numbers = beyond[farthest] / wide
    worst = int(np.argmax(numbers))
    if not numbers[worst] > SUSPECT:
        return None
    return _named(int(farthest[worst]), float(numbers[worst]), names, [part.shape for part in errors])


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(part) for part in parts])


def _named(entry: int, sigmas: float, names: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> Suspicion:
    for name, shape in zip(names, shapes, strict=True):
        size = int(np.prod(shape))
        if entry < size:
            return Suspicion(name, tuple(int(i) for i in np.unravel_index(entry, shape)), sigmas)
        entry -= size
    raise IndexError(entry)
