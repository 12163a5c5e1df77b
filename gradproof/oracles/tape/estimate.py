"""The truth of a tape that is too long for balls: its gradient in float64, with a bound to first order of its own
rounding. It is no proof, and it says so; it takes a twentieth of the time of balls, and of their memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np
from flint import arb

from gradproof.oracles.balls.arrays import objects
from gradproof.oracles.kinks import Kink
from gradproof.oracles.machine_model import FORMATS, MachineModel
from gradproof.oracles.reference import Bounds, Exact, Truth
from gradproof.oracles.tape.first_order import first_order
from gradproof.oracles.tape.linearization import Linearization
from gradproof.oracles.tape.program import RELATIONS, Cells, Tape, entries_of, numbers_of
from gradproof.oracles.tape.steps import steps_of
from gradproof.oracles.tape.symmetries import Twins

IN_BALLS = 1_000_000
"""Tapes of up to so many cells are evaluated in balls."""

DOUBLE = MachineModel(FORMATS["float64"])


@dataclass
class Estimate:
    """What is known of one cell of a long tape; it stands where a `Solution` would. `radii` is how far each entry of
    the gradient may be off, `problem` why nothing can be judged."""

    tape: Tape
    output: int
    gradient: list[np.ndarray] = field(default_factory=list)
    radii: list[np.ndarray] = field(default_factory=list)
    value_radius: float = 0.0
    problem: str = ""
    kink: Kink | None = None
    alternatives: Sequence[Any] = ()
    twins: Twins = field(default_factory=dict)
    _kept: dict[tuple, Bounds] = field(default_factory=dict)

    @cached_property
    def evaluation(self) -> SimpleNamespace:
        """What the linearization asks of an evaluation: the values and the decisions of the trace itself."""
        cells, truths = self.tape.values[: self.tape.cell_count], self.tape.truths
        return SimpleNamespace(cells=cells, truths=truths, triangles="lower", ties_are_open=True, unsettled="")

    @cached_property
    def inputs(self) -> tuple[np.ndarray, ...]:
        """The traced inputs."""
        return tuple(self.tape.values[i.cells].reshape(i.shape).copy() for i in self.tape.inputs)

    @cached_property
    def truth(self) -> Truth:
        """The same in the form that verdicts are made from; each ball is as wide as what is not known."""
        value = _exact(np.asarray(self.tape.values[self.output]), np.asarray(self.value_radius))
        parts = tuple(_exact(g, r) for g, r in zip(self.gradient, self.radii, strict=True))
        return Truth(value, parts, "absent", None)

    def bounds(self, model: MachineModel | None = None, *, flushes: bool = False) -> Bounds:
        """How far an answer may be from this gradient: to first order, and what is not known of it on top."""
        key = (model, flushes)
        if key not in self._kept:
            found = first_order(self, model, flushes=flushes)
            parts = tuple(own + radius for own, radius in zip(found.gradient, self.radii, strict=True))
            value = np.asarray(found.value + self.value_radius)
            self._kept[key] = Bounds(value, parts, found.problem, to_first_order=True)
        return self._kept[key]

    def hvp(self, direction: Sequence[np.ndarray]) -> "Estimate":
        """Nothing is known of second derivatives."""
        return replace(self, problem="the second derivatives of so long a program are not looked at")


def _exact(middle: np.ndarray, radius: np.ndarray) -> Exact:
    balls = objects(np.frompyfunc(lambda m, r: arb(float(m), float(r)), 2, 1)(middle, radius))
    return Exact(balls, np.asarray(middle, float), np.zeros(np.shape(middle)))


def estimate(tape: Tape, output: Cells) -> Estimate:
    """The gradient of one cell. Raises `Untraceable` if it depends on an output of an operation that has no rule."""
    tape.refuse_poisoned(output)
    found = Estimate(tape, int(output.numbers.reshape(-1)[0]))
    unknown = ~np.isfinite(tape.values[: tape.cell_count]) & tape.moving[: tape.cell_count]
    if unknown.any():
        found.problem = "some value is infinite, and in float64 it is not known whether it is one"
        return found
    bound = first_order(found, DOUBLE)
    if bound.problem:
        found.problem = f"{bound.problem}, and there are too many cells for balls"
        return found
    line = Linearization(found, DOUBLE, windowed=False)
    found.gradient = [line.adjoints[i.cells].reshape(i.shape) for i in tape.inputs]
    found.radii, found.value_radius = list(bound.gradient), bound.value
    return found


def values_beside(found: Estimate) -> Iterator[tuple[list[np.ndarray], float]]:
    """Second inputs at which nothing is decided otherwise, the farthest first, and the value of the tape there."""
    random, tape = np.random.default_rng(5), found.tape
    turns = [random.uniform(-1, 1, i.shape) for i in tape.inputs]
    steps = list(steps_of(found, tape.values[: tape.cell_count]))
    for spread in (2.0**-7, 2.0**-12, 2.0**-20):
        values = tape.values[: tape.cell_count].copy()
        moved = []
        for array, turn, x in zip(tape.inputs, turns, found.inputs, strict=True):
            moved.append(FORMATS[array.format].rounded(x * (1 + spread * turn)))
            values[array.cells] = moved[-1].reshape(-1)
        with np.errstate(all="ignore"):
            for step in steps:
                values[step.out] = step.value(values)
        if _decides_alike(tape, values):
            yield moved, float(values[found.output])


def _decides_alike(tape: Tape, values: np.ndarray) -> bool:
    for instruction in tape.instructions:
        given = [numbers_of(s) for s in instruction.arguments] if instruction.kind != "logic" else []
        if instruction.kind == "compare":
            out = slice(instruction.output, instruction.output + instruction.size)
            now = RELATIONS[instruction.name](*(values[n] for n in given))
            if (now.reshape(-1) != tape.truths[out]).any():
                return False
        elif instruction.kind in ("extremum", "settle_extremum"):
            best = np.argmax if instruction.name == "max" else np.argmin
            if (best(values[given[0]], axis=1) != best(entries_of(tape.values, given[0]), axis=1)).any():
                return False
        elif instruction.kind == "order" and (np.diff(values[given[0]], axis=-1) < 0).any():
            return False
    return True
