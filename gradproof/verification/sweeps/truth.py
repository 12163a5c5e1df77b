"""The truth of a sweep: the value and the slopes of a function that acts by entries at many inputs, by ball arithmetic
on series, which needs no derivation. Each is found once and kept on disk, under the source that it depends on."""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from flint import arb, ctx

from gradproof import content
from gradproof.oracles import exact
from gradproof.oracles.balls import TaylorArithmetic, depends, first_coefficient
from gradproof.oracles.reference import Reference
from gradproof.registry import RegistryError
from gradproof.verification.sweeps.entrywise import Entrywise

PRECISIONS = (112, 320, 1300)
"""Bits, one after the other, until an entry is certain."""

CERTAIN_BITS = 80
"""The rounding to 53 bits is decided but for a part in 2**26 of all numbers, and there an error is known to 2**-27."""

NOTHING = arb(2) ** -1200
"""What is smaller rounds to zero in every format."""

BLOCK = 512
"""So many entries are evaluated together."""

TIES_JUDGED = 64
"""So many inputs at which something ties are looked at one by one. A function that ties at more is a step or a choice
between two arguments, and is taken to have no slope at any of them."""

FOLDER = content.CACHE / "accuracy"

_SOURCES = ("oracles/balls", "oracles", "registry/formulas")


class _Series(TaylorArithmetic):
    """Series for which only a tie of what moves is one: a counter that reaches its limit is no kink."""

    def greater(self, x: Any, y: Any) -> Any:
        noted = self.at_kink
        decision = super().greater(x, y)
        self.at_kink = noted or (self.at_kink and self._moves(x, y))
        return decision

    def equal(self, x: Any, y: Any) -> Any:
        noted = self.at_kink
        decision = super().equal(x, y)
        self.at_kink = noted or (self.at_kink and self._moves(x, y))
        return decision

    def _moves(self, *compared: Any) -> bool:
        return any(depends(entry) for x in compared for entry in self._lift(x).entries.flat)


@dataclass(frozen=True)
class Truth:
    """`quantities` has the value and then the slope in each argument, each a pair of float64 arrays whose unevaluated
    sum is the truth to 80 bits: NaN where there is none. `kinks` says where something ties and there is no slope."""

    quantities: tuple[tuple[np.ndarray, np.ndarray], ...]
    kinks: np.ndarray


def truth(entry: Entrywise, inputs: tuple[np.ndarray, ...], folder: Path = FOLDER) -> Truth:
    """The truth at these inputs, from the disk or found now."""
    path = folder / f"{entry.name}-{key(entry, inputs)}.npz"
    if path.exists():
        with np.load(path) as kept:
            pairs = kept["pairs"]
            return Truth(tuple((pair[0], pair[1]) for pair in pairs), kept["kinks"])
    found = find(entry, inputs)
    folder.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial.npz")  # several processes may find the same truth at once
    np.savez_compressed(partial, pairs=np.array(found.quantities), kinks=found.kinks)
    partial.replace(path)
    return found


def find(entry: Entrywise, inputs: tuple[np.ndarray, ...]) -> Truth:
    """The truth at these inputs, found now."""
    count, size = len(inputs) + 1, len(inputs[0])
    pairs = np.full((count, 2, size), np.nan)
    tied: list[int] = []
    for start in range(0, size, BLOCK):
        _fill(entry, inputs, np.arange(start, min(start + BLOCK, size)), pairs, tied)
    kinks = np.zeros(size, bool)
    kinks[tied] = True
    if len(tied) <= TIES_JUDGED:
        for index in tied:
            kinks[index] = _fill_tie(entry, inputs, index, pairs)
    # Where there is no value, out of the domain, there is no slope, whatever its formula gives there.
    pairs[1:, :, np.isnan(pairs[0, 0])] = np.nan
    return Truth(tuple((pair[0], pair[1]) for pair in pairs), kinks)


def _fill(entry: Entrywise, inputs: tuple, at: np.ndarray, pairs: np.ndarray, tied: list[int], level: int = 0) -> None:
    """Write the truth of the entries `at`; what is not certain is asked again at the next precision, and a block in
    which something ties, or cannot be evaluated, is split down to the entry that is to blame."""
    is_last = level == len(PRECISIONS) - 1
    with ctx.workprec(PRECISIONS[level]):
        try:
            columns, ties = _evaluated(entry, [x[at] for x in inputs])
        except (ValueError, ZeroDivisionError, OverflowError):  # a series that cannot be: no truth here
            columns, ties = None, False
        if columns is None or ties:
            if len(at) > 1:
                for half in np.array_split(at, 2):
                    _fill(entry, inputs, half, pairs, tied, level)
                return
            if not is_last:
                _fill(entry, inputs, at, pairs, tied, level + 1)
                return
            tied += [int(at[0])] if ties else []
            if columns is None:
                return
        open_ = _write(columns, at, pairs, settle=is_last)
    if len(open_):
        _fill(entry, inputs, open_, pairs, tied, level + 1)


def _evaluated(entry: Entrywise, inputs: list[np.ndarray]) -> tuple[list[np.ndarray], bool]:
    """Object arrays of balls: the values, and the slopes in each argument; and whether something ties."""
    columns, ties = [], False
    for moving in range(len(inputs)):
        on = _Series()
        arrays = [on.inputs(x) for x in inputs]
        arrays[moving] = on.moving(arrays[moving], np.ones_like(inputs[moving]))
        result = on.asarray(entry.function.body(on.namespace(), *arrays), "balls").entries
        if moving == 0:
            columns.append(on.center(result))
        columns.append(np.array([first_coefficient(e) for e in result.flat], dtype=object))
        ties |= on.at_kink
    return columns, ties


def _write(columns: list[np.ndarray], at: np.ndarray, pairs: np.ndarray, settle: bool) -> np.ndarray:
    """Write what is certain, or all of it to settle the matter; the entries that stay open."""
    open_ = []
    for position, index in enumerate(at):
        balls = [column[position] for column in columns]
        if settle or all(map(_is_certain, balls)):
            for row, ball in enumerate(balls):
                pairs[row, :, index] = _halves(ball)
        else:
            open_.append(index)
    return np.array(open_, dtype=int)


def _is_certain(ball: arb) -> bool:
    # Where there is no number more bits may find one: a ball was too wide for a division or a root.
    if not ball.is_finite():
        return ball.is_exact() and not ball.is_nan()
    return ball.is_exact() or ball.rel_accuracy_bits() >= CERTAIN_BITS or bool(abs(ball) < NOTHING)


def _halves(ball: arb) -> tuple[float, float]:
    if not ball.is_finite():
        return (float(ball), 0.0) if ball.is_exact() else (math.nan, 0.0)
    if not _is_certain(ball):
        return math.nan, 0.0
    if abs(ball) < NOTHING:
        return 0.0, 0.0
    middle = ball.mid()
    high = float(middle)
    return high, float(middle - arb(high)) if math.isfinite(high) else 0.0


def _fill_tie(entry: Entrywise, inputs: tuple, index: int, pairs: np.ndarray) -> bool:
    """Ask the reference for a single input at which something ties; whether there is no slope there."""
    at = tuple(np.asarray(x[index]) for x in inputs)
    try:
        found = Reference(entry.function).truth(at)
    except RegistryError:
        return True
    pairs[0, :, index] = found.value.high, found.value.low
    if found.kink is not None:
        return True
    for argument in range(len(inputs)):
        pairs[1 + argument, :, index] = _halves_at_tie(entry, at, argument)
    return False


def _halves_at_tie(entry: Entrywise, at: tuple, argument: int) -> tuple[float, float]:
    """The slope as an exact difference, where doubling its step confirms it: where the domain ends, as that of x√x at
    0, a difference is as far off as the root of its step."""
    with ctx.workprec(exact.FIRST_PRECISION):
        difference = exact.directional(entry.function, at, exact.unit(at, argument, ()))
        slope = difference.certain
        is_known = difference.truncation() <= arb(2) ** -CERTAIN_BITS * abs(slope)
        return _halves(slope) if slope.is_zero() or abs(slope) < NOTHING or is_known else (math.nan, 0.0)


def key(entry: Entrywise, inputs: tuple[np.ndarray, ...]) -> str:
    """What the truth depends on: the inputs, the function's file, and all that evaluates it."""
    digest = sha256(_source_of_truth())
    digest.update(Path(entry.origin.path).read_bytes())
    for x in inputs:
        digest.update(x.tobytes())
    return digest.hexdigest()[:24]


@cache
def _source_of_truth() -> bytes:
    digest = sha256()
    for path in _sources():
        digest.update(path.read_bytes())
    return digest.digest()


def _sources() -> Iterator[Path]:
    yield Path(__file__)
    package = Path(__file__).parents[2]
    for folder in _SOURCES:
        yield from sorted((package / folder).glob("*.py"))
