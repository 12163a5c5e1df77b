"""A tape as steps of linear algebra in float64: what each instruction does to values, to what moves along with them,
and to what comes back. Instructions that only move numbers are one kind here, whatever they are called on the tape."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradproof.oracles.tape.partials import partials
from gradproof.oracles.tape.program import MAPS, Instruction, entries_of, numbers_of
from gradproof.oracles.tape.solution import Solution

LOCAL = frozenset("compare logic truth settle settle_step settle_extremum order step".split())
"""Kinds that pass neither values nor derivatives on, to first order."""


Crossing = np.ndarray | bool
"""Which cells of an argument something is true of; True or False where it is of all or of none."""


class NoFirstOrder(Exception):
    """Why there is no bound to first order here, in words."""


@dataclass
class Scatter:
    """Cells that contributions are added to: their numbers, and how equal ones are brought together."""

    numbers: np.ndarray
    order: np.ndarray | None = None
    starts: np.ndarray | None = None
    target: Any = None

    def __post_init__(self) -> None:
        flat = self.numbers.reshape(-1)
        if flat.size and flat[-1] - flat[0] == flat.size - 1 and bool((np.diff(flat) == 1).all()):
            self.target = slice(int(flat[0]), int(flat[-1]) + 1)
            return
        order = np.argsort(flat, kind="stable")
        distinct, starts = np.unique(flat[order], return_index=True)
        self.target = distinct
        if distinct.size < flat.size:
            self.order, self.starts = order, starts
        else:
            self.target = flat

    def add(self, memory: np.ndarray, given: np.ndarray) -> None:
        """Add what is given, along the last axis, to these cells of a memory."""
        if self.starts is not None:
            given = np.add.reduceat(given[..., self.order], self.starts, axis=-1)
        memory[..., self.target] += given


@dataclass
class Step:
    """One instruction. `value_from` and `slope_from` are, for moves, where the value and where the derivative come
    from; elsewhere the arguments' numbers stand in `arguments`. `first` and `second` are the partial derivatives of
    maps, `sign` what a move multiplies with. `scatters` and `crossing` are kept once they are asked for."""

    kind: str
    instruction: Instruction
    out: slice
    arguments: list[np.ndarray] = field(default_factory=list)
    value_from: np.ndarray | None = None
    slope_from: np.ndarray | None = None
    sign: Any = 1.0
    first: list[np.ndarray] = field(default_factory=list)
    second: dict[tuple[int, int], np.ndarray] = field(default_factory=dict)
    scatters: dict[int, Scatter] = field(default_factory=dict)
    crossing: dict[int, list[Crossing]] = field(default_factory=dict)
    crossing_back: list[list[Crossing]] | None = None

    def scatter(self, which: int) -> Scatter:
        """Where contributions to one argument go."""
        if which not in self.scatters:
            self.scatters[which] = Scatter(self.arguments[which])
        return self.scatters[which]

    def curvature(self, i: int, k: int) -> np.ndarray | None:
        """The second derivative in the arguments i and k; None where it is zero."""
        return self.second.get((min(i, k), max(i, k)))

    # Values

    def value(self, cells: np.ndarray) -> np.ndarray:
        """What comes out, flat, from the values of all cells."""
        given = [cells[a] for a in self.arguments]
        if self.kind == "move":
            return cells[self.value_from] * self.sign
        if self.kind == "sum":
            return given[0].sum(axis=1)
        if self.kind == "cumsum":
            return np.cumsum(given[0], axis=1).reshape(-1)
        if self.kind == "matmul":
            return np.matmul(*given).reshape(-1)
        if self.kind == "fourier":
            return transformed(*given, self.instruction.extra).reshape(-1)
        name = self.instruction.name
        return given[0] ** float(self.instruction.extra) if name == "ipow" else MAPS[name](*given)

    def differentiate(self, cells: np.ndarray, moving: np.ndarray) -> None:
        """Find the partial derivatives of a map at these values."""
        instruction = self.instruction
        given = [cells[a] for a in self.arguments]
        moves = [bool(moving[a].any()) for a in self.arguments]
        self.first, self.second = partials(instruction.name, instruction.extra, given, cells[self.out], moves)

    # What goes along, and what comes back: memories have the cells on their last axis

    def pushed(self, memory: np.ndarray, cells: np.ndarray, masks: Sequence[np.ndarray] | None = None) -> np.ndarray:
        """The change of the outputs, flat along the last axis, that changes of the cells make to first order; of those
        of `masks` alone, given for each argument."""
        given = [memory[..., a] for a in ([self.slope_from] if self.kind == "move" else self.arguments)]
        if masks is not None:
            given = [g * m for g, m in zip(given, masks, strict=True)]
        lead = memory.shape[:-1]
        if self.kind == "move":
            return given[0] * self.sign
        if self.kind == "sum":
            return given[0].sum(axis=-1)
        if self.kind == "cumsum":
            return np.cumsum(given[0], axis=-1).reshape(*lead, -1)
        if self.kind == "matmul":
            a, b = (cells[n] for n in self.arguments)
            return (product(given[0], b) + product(a, given[1])).reshape(*lead, -1)
        if self.kind == "fourier":
            return transformed(*given, self.instruction.extra).reshape(*lead, -1)
        return sum(f * g for f, g in zip(self.first, given, strict=True))

    def pulled(self, which: int, adjoint: np.ndarray, cells: np.ndarray) -> np.ndarray:
        """What adjoints of the outputs, flat along the last axis, give to one argument, flat as well."""
        lead, shape = adjoint.shape[:-1], self.instruction.shape
        if self.kind == "move":
            return adjoint * self.sign
        if self.kind == "sum":
            rows = self.arguments[0].shape
            return np.broadcast_to(adjoint[..., None], (*lead, *rows)).reshape(*lead, -1)
        if self.kind == "cumsum":
            back = adjoint.reshape(*lead, *shape)[..., ::-1]
            return np.cumsum(back, axis=-1)[..., ::-1].reshape(*lead, -1)
        if self.kind == "matmul":
            other = np.swapaxes(cells[self.arguments[1 - which]], -1, -2)
            given = adjoint.reshape(*lead, *shape)
            return (product(given, other) if which == 0 else product(other, given)).reshape(*lead, -1)
        if self.kind == "fourier":
            given = np.moveaxis(adjoint.reshape(*lead, *shape), -3, 0)
            return transformed(given[0], given[1], -self.instruction.extra)[..., which, :, :].reshape(*lead, -1)
        return self.first[which] * adjoint


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Products of stacks of matrices, one of which may have more axes in front: as few as there can be."""
    if a.ndim > b.ndim and len(b) == 1:
        return (a.reshape(-1, a.shape[-1]) @ b[0]).reshape(*a.shape[:-1], b.shape[-1])
    if b.ndim > a.ndim and len(a) == 1:
        return np.swapaxes(product(np.swapaxes(b, -1, -2), np.swapaxes(a, -1, -2)), -1, -2)
    return np.matmul(a, b)


def transformed(re: np.ndarray, im: np.ndarray, sign: int) -> np.ndarray:
    """The parts, on the third axis from behind, of yₖ = Σⱼ zⱼ e^(sign 2πi jk/n)."""
    z = re + 1j * im
    y = np.fft.ifft(z, axis=-1) * z.shape[-1] if sign > 0 else np.fft.fft(z, axis=-1)
    return np.stack([y.real, y.imag], axis=-3)


def steps_of(found: Solution, values: np.ndarray) -> Iterator[Step]:
    """The steps of a solved tape. `values` are those of its cells. Raises `NoFirstOrder`."""
    evaluation = found.evaluation
    for instruction in found.tape.instructions:
        out = slice(instruction.output, instruction.output + instruction.size)
        kind, spans = instruction.kind, instruction.arguments
        if kind in LOCAL:
            continue
        if kind in ("map", "sum", "cumsum", "matmul", "fourier"):
            flat = [numbers_of(s).reshape(-1) for s in spans] if kind == "map" else [numbers_of(s) for s in spans]
            yield Step(kind, instruction, out, flat)
            continue
        value, slope, sign = None, None, 1.0
        if kind in ("cast", "freeze"):
            value = numbers_of(spans[0]).reshape(-1)
            slope = value if kind == "cast" else None
        elif kind == "graft":
            value, slope = (numbers_of(s).reshape(-1) for s in spans)
        elif kind == "choose":
            value = slope = np.where(
                entries_of(evaluation.truths, instruction.extra), numbers_of(spans[0]), numbers_of(spans[1])
            ).reshape(-1)
        elif kind == "extremum":
            rows = numbers_of(spans[0])
            best = (np.argmax if instruction.name == "max" else np.argmin)(values[rows], axis=1)
            value = slope = rows[np.arange(len(rows)), best]
        elif kind == "mirror" and evaluation.triangles == "lower":
            value = slope = numbers_of(spans[0]).reshape(-1)
            if instruction.extra < 0:
                side = instruction.shape[-1]
                sign = np.broadcast_to(np.where(np.tri(side, dtype=bool), 1.0, -1.0), instruction.shape).reshape(-1)
        else:
            raise NoFirstOrder(f"{instruction.name or kind} is not taken apart")
        arguments = [] if slope is None else [slope]
        yield Step("move", instruction, out, arguments, value, slope, sign)


def count_of(step: Step) -> int:
    """How many levels of rounding a step is: what only moves is none."""
    return 0 if step.kind == "move" or step.instruction.name == "neg" else 1


def terms_of(step: Step) -> int:
    """How many terms are added up for each output."""
    return math.prod(step.arguments[0].shape[-1:]) if step.kind in ("sum", "cumsum", "matmul", "fourier") else 1
