"""A bound to first order, for where the bound in balls says nothing: what every rounding of value and sweep can do to
an entry of the gradient, in the worst case, with the exact derivative of that entry in the place where it is made. It
does not grow with depth as balls do, which forget what cancels. docs/bounds.md derives it, and says what it omits."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gradproof.oracles.machine_model import FORMATS, SLACK, MachineModel
from gradproof.oracles.tape.linearization import Linearization
from gradproof.oracles.tape.program import FORMAT_NAMES
from gradproof.oracles.tape.second_derivatives import NoSecondDerivative
from gradproof.oracles.tape.solution import Solution
from gradproof.oracles.tape.steps import NoFirstOrder, Scatter, Step, product

BLOCK = 1_000_000
"""So many numbers each memory of a block of entries holds, where that makes `FEW` entries; more, up to `LARGEST`, where
it would be fewer: each block runs through all the steps."""

FEW = 256

LARGEST = 8_000_000

AFFORDABLE = 100_000_000
"""Entries times cells up to which the derivative of every entry is followed; beyond, one running error analysis."""

TRIED = 6
"""So many entries have their worst directions tried for what is beyond first order, and as many random directions."""

NEGLIGIBLE = 0.25
"""The largest part of a bound that what is beyond first order may come to."""

OF_VALUES = -1
"""The number under which a move keeps where its value comes from."""

FRACTION = 2.0**-4

MAGNIFIED = 2.0**16
"""In float64 perturbations are larger by this, or they would be lost in the float64 that they are computed in."""


@dataclass
class FirstOrder:
    """Bounds to first order: of the value, and for each array of inputs of the gradient; `SLACK`, underflow and what is
    beyond first order included. An entry for which that is not negligible has the bound infinity. `problem` says why
    there are none; `followed` whether each entry was, or all errors were taken at their worst."""

    value: float = np.inf
    gradient: tuple[np.ndarray, ...] = ()
    problem: str = ""
    followed: bool = True
    beyond: float = 0.0
    deviations: tuple[np.ndarray, ...] = ()


def first_order(found: Solution, model: MachineModel | None = None, *, flushes: bool = False) -> FirstOrder:
    """The bound to first order of a solved tape, in its own formats or a model's."""
    shapes = [x.shape for x in found.inputs]
    unknown = tuple(np.full(shape, np.inf) for shape in shapes)
    if found.problem or found.kink is not None:
        return FirstOrder(gradient=unknown, problem=found.problem or "a kink")
    size = sum(x.size for x in found.inputs)
    if not size:
        return FirstOrder(gradient=unknown, problem="there are no entries")
    followed = size * found.tape.cell_count <= AFFORDABLE
    try:
        with np.errstate(all="ignore"):
            return _found(Linearization(found, model, flushes=flushes, windowed=followed), followed)
    except (NoFirstOrder, NoSecondDerivative) as error:
        return FirstOrder(gradient=unknown, problem=str(error))


def _found(line: Linearization, followed: bool) -> FirstOrder:
    cells = np.concatenate([np.arange(i.cells.start, i.cells.stop) for i in line.tape.inputs])
    if followed:
        shifts = _shifts(line, Block(line, cells[_telling(line, cells)]).run())
        blocks = [Block(line, part).run(shifts) for part in _parts(cells, line)]
        radii, value = np.concatenate([block.radii for block in blocks]), float(blocks[0].value_radius)
        beyond = _beyond_foretold(line, cells, shifts, np.concatenate([block.foretold for block in blocks]))
    else:
        radii, value = line.adjoint_errors[:, cells].max(axis=0), float(line.errors[:, line.found.output].max())
        beyond = _beyond_smaller(line, cells, _shifts(line))
    if _is_float64(line):
        beyond = beyond / MAGNIFIED**2  # the square of what it is made of
    radii = np.where(beyond <= NEGLIGIBLE * SLACK * radii, SLACK * radii + 2 * beyond, np.inf)
    radii[np.isnan(radii)] = np.inf
    ends = np.cumsum([i.cells.stop - i.cells.start for i in line.tape.inputs])[:-1]
    tiny = [(line.model.format if line.model else FORMATS[array.format]).tiny for array in line.tape.inputs]
    rows = zip(line.tape.inputs, np.split(radii, ends), tiny, strict=True)
    parts = tuple(part.reshape(array.shape) * (1 + 2.0**-20) + smallest for array, part, smallest in rows)
    known = np.isfinite(radii) & (radii > 0)
    worst = float((beyond[known] / radii[known]).max(initial=0.0))
    return FirstOrder(SLACK * value + min(tiny), parts, followed=followed, beyond=worst)


def _parts(cells: np.ndarray, line: Linearization) -> list[np.ndarray]:
    size = min(max(BLOCK, FEW * line.tape.cell_count), LARGEST)
    count = max(1, size // line.tape.cell_count)
    return np.array_split(cells, max(1, -(-len(cells) // count)))


class Block:
    """The sensitivities of some entries of the gradient. An entry is the derivative of the output along one input: how
    it changes with a value comes of one more sweep, how it changes with an adjoint is how that cell moves with the
    input. The first row is the value, which moves with nothing.

    After `run`: `radii`, the bound of each entry without slack; `by_value` and `by_adjoint`, how each changes with
    every cell's value and with every cell's adjoint; `foretold`, how each changes with the shifts that were given."""

    def __init__(self, line: Linearization, cells: np.ndarray) -> None:
        self.line, self.cells = line, cells
        shape = len(cells) + 1, line.tape.cell_count
        self.by_adjoint, self.by_value = np.zeros(shape), np.zeros(shape)
        self.by_adjoint[np.arange(len(cells)) + 1, cells] = 1.0
        self.by_value[0, line.found.output] = 1.0
        self.bounds = np.zeros((line.rows, len(cells) + 1))
        self.bounds[:, 1:] = line.adjoint_errors[:, cells]
        self.bounds[:, 0] = line.errors[:, line.found.output]

    def run(self, shifts: "Shifts | None" = None) -> "Block":
        """Forwards along the inputs, then backwards."""
        for step in self.line.steps:
            if step.arguments and any(self.by_adjoint[:, a].any() for a in step.arguments):
                self._push(step)
        # How an entry changes with a cell through other windows than its own: untouched memory costs nothing.
        self.crossing = np.zeros((self.line.rows, *self.by_value.shape))
        self.crossed = np.zeros((self.line.rows, self.line.tape.cell_count), bool)
        for step in reversed(self.line.steps):
            if self.line.moving[step.out].any():
                self._gather(step.out)
                self._pull(step)
        for array in self.line.tape.inputs:
            self._gather(array.cells)
        del self.crossing
        radii = self.bounds.max(axis=0)
        self.value_radius, self.radii = radii[0], radii[1:]
        if shifts is not None:
            self.foretold = self.by_value[1:] @ shifts[0].T + self.by_adjoint[1:] @ shifts[1].T
            del self.by_value, self.by_adjoint
        return self

    def _push(self, step: Step) -> None:
        line = self.line
        moved = step.pushed(self.by_adjoint, line.values)
        moved[:, ~line.active[step.out]] = 0.0
        self.by_adjoint[:, step.out] = moved
        for row, masks in enumerate(line.crossing_back(step)):
            if all(mask is True for mask in masks):
                crossing = moved
            elif all(mask is False for mask in masks):
                continue
            else:
                crossing = step.pushed(self.by_adjoint, line.values, masks)
            self.bounds[row] += np.abs(crossing) @ line.adjoint_errors[row, step.out]

    def _pull(self, step: Step) -> None:
        line = self.line
        sensitivity = self.by_value[:, step.out]
        come_from = [step.value_from] if step.kind == "move" else step.arguments
        for which, numbers in enumerate(come_from):
            if not line.fallible[numbers].any():
                continue
            scatter = _value_scatter(step, which)
            given = step.pulled(which, sensitivity, line.values)
            for row, mask in enumerate(line.crossing(step, which, numbers)):
                if mask is not False:
                    scatter.add(self.crossing[row], given * mask)
                    self.crossed[row, numbers] = True
            scatter.add(self.by_value, given + self._bent(step, which))

    def _gather(self, cells: slice) -> None:
        """What the errors of these cells come to in other windows, all of whose steps have been passed."""
        for row in range(self.line.rows):
            if self.crossed[row, cells].any():
                self.bounds[row] += np.abs(self.crossing[row, :, cells]) @ self.line.errors[row, cells]

    def _bent(self, step: Step, which: int) -> np.ndarray | float:
        """How the contributions to adjoints change with the value of one argument."""
        line = self.line
        adjoint = line.adjoints[step.out]
        if step.kind == "matmul":
            other = np.swapaxes(self.by_adjoint[:, step.arguments[1 - which]], -1, -2)
            given = adjoint.reshape(step.instruction.shape)
            return (product(given, other) if which == 0 else product(other, given)).reshape(len(other), -1)
        total: np.ndarray | float = 0.0
        for k, numbers in enumerate(step.arguments):
            bend = step.curvature(which, k) if step.kind == "map" else None
            if bend is not None:
                total = total + (adjoint * bend) * self.by_adjoint[:, numbers]
        return total


def _value_scatter(step: Step, which: int) -> Scatter:
    """Where contributions to the value of an argument go; with a graft not where those to its adjoint go."""
    if step.kind != "move" or step.value_from is step.slope_from:
        return step.scatter(which)
    if OF_VALUES not in step.scatters:
        step.scatters[OF_VALUES] = Scatter(step.value_from)
    return step.scatters[OF_VALUES]


# What is beyond first order


Shifts = tuple[np.ndarray, np.ndarray]
"""Changes of the cells' values and of their adjoints, one row for each direction."""


def _shifts(line: Linearization, block: Block | None = None) -> Shifts:
    """Roundings all as large as the machine model and the slack let them be: in random directions, and in the worst
    ones for the entries of a block."""
    random, shape = np.random.default_rng(0), (TRIED, line.tape.cell_count)
    of_values, of_adjoints = (random.choice([-1.0, 1.0], shape) for _ in range(2))
    if block is not None:
        of_values = np.concatenate([of_values, np.sign(block.by_value)])
        of_adjoints = np.concatenate([of_adjoints, np.sign(block.by_adjoint)])
    scale = SLACK * (MAGNIFIED if _is_float64(line) else 1.0)
    return scale * line.own * of_values, scale * line.adjoint_own * of_adjoints


def _beyond_foretold(line: Linearization, cells: np.ndarray, shifts: Shifts, foretold: np.ndarray) -> np.ndarray:
    """The most by which an entry changes otherwise than its sensitivities foretell."""
    here = _rerun(line, 0.0, 0.0)[cells]
    changes = [_rerun(line, v, a)[cells] - here for v, a in zip(*shifts, strict=True)]
    beyond = np.abs(np.stack(changes, axis=1) - foretold).max(axis=1)
    return np.where(np.isnan(beyond), np.inf, beyond)


def _beyond_smaller(line: Linearization, cells: np.ndarray, shifts: Shifts) -> np.ndarray:
    """The same, where changes a `FRACTION` as large foretell it."""
    here, beyond = _rerun(line, 0.0, 0.0)[cells], np.zeros(len(cells))
    for v, a in zip(*shifts, strict=True):
        change, smaller = (_rerun(line, v * part, a * part)[cells] - here for part in (1.0, FRACTION))
        beyond = np.maximum(beyond, np.abs(change - smaller / FRACTION))
    return np.where(np.isnan(beyond), np.inf, beyond)


def _is_float64(line: Linearization) -> bool:
    if line.model is not None:
        return line.model.format.name == "float64"
    codes = np.unique(line.tape.format_codes[: line.tape.cell_count][line.moving])
    return all(FORMAT_NAMES[code] == "float64" for code in codes)


def _telling(line: Linearization, cells: np.ndarray) -> np.ndarray:
    """The largest entry of each of the first arguments, and as many others."""
    sizes = np.abs(line.adjoints[cells])
    starts = np.cumsum([0] + [i.cells.stop - i.cells.start for i in line.tape.inputs])
    spans = [(a, b) for a, b in pairwise(starts) if b > a][: TRIED // 2]
    largest = [a + int(np.argmax(sizes[a:b])) for a, b in spans]
    return np.unique([*largest, *np.random.default_rng(1).integers(0, len(cells), TRIED // 2)])


def _rerun(line: Linearization, of_values: np.ndarray | float, of_adjoints: np.ndarray | float) -> np.ndarray:
    """The adjoints of all cells where every value and every adjoint is shifted. Decisions stay as they are."""
    values, shifts = line.values.copy(), np.broadcast_to(of_values, line.values.shape)
    for array in line.tape.inputs:
        values[array.cells] += shifts[array.cells]
    steps = []
    for step in line.steps:
        values[step.out] = step.value(values)
        steps.append(_at(step, values, line))  # a slope has an error of its own, whatever the value's
        values[step.out] += shifts[step.out]
    adjoints = np.zeros_like(values)
    adjoints[line.found.output] = 1.0
    pending = np.broadcast_to(of_adjoints, values.shape)
    for step in reversed(steps):
        if not line.reached[step.out].any():
            continue
        adjoint = adjoints[step.out] + pending[step.out]
        for which, numbers in enumerate(step.arguments):
            kept = line.active[numbers.reshape(-1)]
            if kept.any():
                given = step.pulled(which, adjoint, values)
                step.scatter(which).add(adjoints, np.where(kept & (given == given), given, 0.0))
    return adjoints + pending


def _at(step: Step, values: np.ndarray, line: Linearization) -> Step:
    """The step with the partial derivatives that it has at other values."""
    if step.kind != "map" or not line.active[step.out].any():
        return step
    moved = Step(step.kind, step.instruction, step.out, step.arguments, scatters=step.scatters)
    moved.differentiate(values, line.moving)
    for now, then in zip(moved.first, step.first, strict=True):
        now[~np.isfinite(now)] = then[~np.isfinite(now)]
    return moved
