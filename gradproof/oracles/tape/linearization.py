"""One pass over a solved tape in float64, forwards and backwards: the value and the adjoint of every cell, what the
machine model lets each of them be off by its own operation, and what that comes to within a window of operations, in
the worst case, and as a variance. It is what bounds to first order and statistical tolerances are made of."""

import math
from collections.abc import Sequence

import numpy as np

from gradproof.oracles.balls.fourier import ETA
from gradproof.oracles.machine_model import ABSOLUTE, FORMATS, SATURATING, SLACK, ULPS, MachineModel
from gradproof.oracles.tape.arithmetic import OF_THE_SQUARE
from gradproof.oracles.tape.program import FORMAT_NAMES, NO_CELLS, Instruction, entries_of, numbers_of
from gradproof.oracles.tape.solution import Solution
from gradproof.oracles.tape.steps import Crossing, NoFirstOrder, Step, count_of, steps_of, terms_of
from gradproof.oracles.tape.sweep import uses_of

WINDOW = 12
"""How many roundings in a row are taken at their worst, each without regard to the others: another program may fuse
what stands in one window into a formula of its own."""

STAGGERED = 3
"""So many divisions of the tape into windows, each shifted against the others: any 8 roundings in a row stand in one
window of some division."""

SIGMAS = 8.0
"""How many standard deviations of a cell's error a decision must be away from, or it may be taken otherwise."""

POLES = {"div": 1, "log": 0, "log2": 0, "log10": 0, "sqrt": 0, "pow": 0}
"""The argument, by its place, at whose zero a function has no derivative."""

OPERATIONS = {"add": "add", "sub": "add", "mul": "multiply", "div": "divide"}


class Linearization:
    """The pass. `windowed` is False where all errors are taken at their worst, in one window: a running error analysis.

    After it, one entry for each cell: `values`, `adjoints`; `own` and `adjoint_own`, the largest error of its own
    operation; `errors` and `adjoint_errors`, one row for each division into windows, what stands there of the errors
    made in the same window; `variances` and `adjoint_variances`, of errors taken as independent. `fallible` are the
    cells that are not exact."""

    def __init__(
        self, found: Solution, model: MachineModel | None = None, *, flushes: bool = False, windowed: bool = True
    ) -> None:
        self.found, self.tape, self.model, self.flushes = found, found.tape, model, flushes
        self.moving, self.active = (m[: self.tape.cell_count] for m in (self.tape.moving, self.tape.active))
        count = self.tape.cell_count
        balls = np.asarray(found.evaluation.cells)
        self.values = balls.astype(float)
        if balls.dtype == object and any(ball.is_finite() for ball in balls[np.isinf(self.values)]):
            raise NoFirstOrder("an intermediate result overflows")
        self.ties_are_open = getattr(found.evaluation, "ties_are_open", False)
        self.rows = STAGGERED if windowed else 1
        self.width = WINDOW if windowed else 10 * len(self.tape.instructions) + 1
        self.steps = list(steps_of(found, self.values))
        self.own, self.variances = np.zeros(count), np.zeros(count)
        self.errors = np.zeros((self.rows, count))
        self.adjoints, self.adjoint_own, self.adjoint_variances = np.zeros(count), np.zeros(count), np.zeros(count)
        self.adjoint_errors = np.zeros((self.rows, count))
        self.reached = np.zeros(count, bool)
        self.fallible = np.zeros(count, bool)
        with np.errstate(all="ignore"):
            self._divide_into_windows()
            self._forward()
            self._undecided = self._decide()
            self._backward()

    def model_of(self, format: str) -> MachineModel:
        """The machine model of a format."""
        return self.model or MachineModel(FORMATS[format], self.flushes)

    # Windows

    def _divide_into_windows(self) -> None:
        count = self.tape.cell_count
        levels, back = np.zeros(count, np.int64), np.zeros(count, np.int64)
        for step in self.steps:
            come_from = [step.value_from] if step.kind == "move" else step.arguments
            levels[step.out] = max(int(levels[a].max(initial=0)) for a in come_from) + count_of(step)
        for step in reversed(self.steps):
            level = int(back[step.out].max(initial=0)) + count_of(step)
            back[step.out] = level - count_of(step)
            for a in step.arguments:
                back[a] = np.maximum(back[a], level)
        shifts = np.arange(self.rows)[:, None] * self.width // self.rows
        self.windows, self.back_windows = (levels + shifts) // self.width, (back + shifts) // self.width

    def crossing_back(self, step: Step) -> list[list[Crossing]]:
        """For each division and each argument of a step, which of its cells lie in another window of the sweep back
        than the outputs; True or False for all."""
        if step.crossing_back is None:
            rows = range(self.rows)
            step.crossing_back = [[self._crossing(self.back_windows, r, a, step) for a in step.arguments] for r in rows]
        return step.crossing_back

    def crossing(self, step: Step, which: int, numbers: np.ndarray) -> list[Crossing]:
        """The same forwards, of one argument, whose cells are `numbers`, flat."""
        if which not in step.crossing:
            flat = numbers.reshape(-1)
            step.crossing[which] = [self._crossing(self.windows, row, flat, step) for row in range(self.rows)]
        return step.crossing[which]

    def _crossing(self, windows: np.ndarray, row: int, of: np.ndarray, step: Step) -> Crossing:
        crossing = self._mask(windows, row, of, step.out)
        return crossing if crossing.any() and not crossing.all() else bool(crossing.size and crossing.flat[0])

    # Forwards

    def _rounded(self, sizes: np.ndarray, operation: str, format: str, count: int = 1) -> np.ndarray:
        """The largest error of so many roundings of results of these sizes."""
        model = self.model_of(format)
        unit = 2 * ULPS[operation] * count * model.format.unit_roundoff
        faint = (sizes > 0) & (sizes < count * model.format.tiny / model.format.unit_roundoff)
        if (np.isfinite(sizes) & (sizes > model.format.largest)).any():
            raise NoFirstOrder("an intermediate result overflows")  # or a sum, in some order of its terms
        error = unit * (sizes + 1 if operation in ABSOLUTE else sizes)
        return np.where(np.isfinite(sizes), error + np.where(faint, count * model.underflow(operation), 0.0), 0.0)

    def _forward(self) -> None:
        self._begin()
        for step in self.steps:
            out = step.out
            if step.kind == "map":
                step.differentiate(self.values, self.moving)
            own = self._own_of(step)
            self.own[out] = own
            errors, variance = self._carried(step)
            self.errors[:, out] = np.nan_to_num(errors, nan=0.0, posinf=math.inf) + own
            self.variances[out] = np.nan_to_num(variance, nan=0.0, posinf=math.inf) + own**2 / 3
            self.fallible[out] = self.moving[out]
            # An infinity is a number like others; what comes to it is exact.
            infinite = ~np.isfinite(self.values[out])
            if infinite.any():
                self.errors[:, out] = np.where(infinite, 0.0, self.errors[:, out])
                self.variances[out] = np.where(infinite, 0.0, self.variances[out])
        self._refuse_overflow(self.values)

    def _refuse_overflow(self, memory: np.ndarray) -> None:
        largest = np.array([self.model_of(name).format.largest for name in FORMAT_NAMES])
        sizes = np.abs(memory)
        if (np.isfinite(sizes) & (sizes > largest[self.tape.format_codes[: len(sizes)]])).any():
            raise NoFirstOrder("an intermediate result overflows")

    def _begin(self) -> None:
        for array in self.tape.inputs:
            model, values = self.model_of(array.format), self.values[array.cells]
            if self.flushes or model.flushes:
                self.own[array.cells] = np.where(
                    (values != 0) & (np.abs(values) < model.format.tiny), np.abs(values), 0
                )
        if self.model is not None:
            for start, values in self.tape.constants:
                exact = [not np.isfinite(v) or self.model.exact(float(v)) for v in values]
                rounding = np.abs(values) * self.model.format.unit_roundoff
                self.own[start : start + len(values)] = np.where(exact, 0.0, rounding)
        self.errors += self.own
        self.variances += self.own**2 / 3
        self.fallible |= self.own > 0

    def _own_of(self, step: Step) -> np.ndarray:
        instruction, format, y = step.instruction, step.instruction.format, np.abs(self.values[step.out])
        given = [np.abs(self.values[a]) for a in step.arguments]
        if step.kind == "move":
            return self._rounded(y, "multiply", format) if instruction.kind == "cast" else np.zeros_like(y)
        if step.kind in ("sum", "cumsum"):
            sizes = given[0].sum(axis=1) if step.kind == "sum" else np.cumsum(given[0], axis=1).reshape(-1)
            return self._rounded(np.where(np.isfinite(y), sizes, y), "add", format, terms_of(step) - 1)
        if step.kind == "matmul":
            sizes = np.matmul(*(np.where(np.isfinite(g), g, 0.0) for g in given)).reshape(-1)
            return self._rounded(sizes, "multiply", format, terms_of(step))
        if step.kind == "fourier":
            return self._transform_own(*given, y, format)
        name = instruction.name
        if name in ("add", "sub"):
            return self._rounded(np.where(np.isfinite(y), given[0] + given[1], y), "add", format)
        if name == "neg" or (name == "ipow" and instruction.extra in (0, 1)):
            return np.zeros_like(y)
        operation = ("multiply" if instruction.extra == 2 else "pow") if name == "ipow" else OPERATIONS.get(name, name)
        return self._rounded(y, operation, format)

    def _transform_own(self, re: np.ndarray, im: np.ndarray, y: np.ndarray, format: str) -> np.ndarray:
        n = re.shape[-1]
        size = np.sqrt(n * (re**2 + im**2).sum(axis=-1, keepdims=True))
        relative = ETA * max(1, math.ceil(math.log2(n))) * self.model_of(format).format.unit_roundoff
        own = np.broadcast_to(relative * size, (2, *re.shape)).reshape(-1)
        return own + self._rounded(y, "multiply", format)

    def _carried(self, step: Step) -> tuple[np.ndarray, np.ndarray]:
        """What the errors of the arguments come to: those of the same window at their worst, and their variance."""
        come_from = [step.value_from] if step.kind == "move" else step.arguments
        given = []
        for a in come_from:
            rows = [self.errors[row, a] * ~self._mask(self.windows, row, a, step.out) for row in range(self.rows)]
            given.append(np.stack(rows))
        variances = [self.variances[a] for a in come_from]
        if step.kind == "move":
            return given[0], variances[0]
        if step.kind == "sum":
            return given[0].sum(axis=-1), variances[0].sum(axis=-1)
        if step.kind == "cumsum":
            return np.cumsum(given[0], axis=-1).reshape(self.rows, -1), np.cumsum(variances[0], axis=-1).reshape(-1)
        if step.kind == "matmul":
            a, b = (np.nan_to_num(np.abs(self.values[n]), posinf=0.0) for n in step.arguments)
            errors = np.matmul(given[0], b) + np.matmul(a, given[1])
            variance = np.matmul(variances[0], b * b) + np.matmul(a * a, variances[1])
            return errors.reshape(self.rows, -1), variance.reshape(-1)
        if step.kind == "fourier":
            total, variance = sum(given).sum(axis=-1, keepdims=True), sum(variances).sum(axis=-1, keepdims=True)
            shape = step.instruction.shape
            wide = np.broadcast_to(total[:, None], (self.rows, *shape)).reshape(self.rows, -1)
            return wide, np.broadcast_to(variance[None], shape).reshape(-1)
        errors = sum(_times(np.abs(f), g) for f, g in zip(step.first, given, strict=True))
        return errors, sum(_times(f * f, v) for f, v in zip(step.first, variances, strict=True))

    def _mask(self, windows: np.ndarray, row: int, of: np.ndarray, into: slice) -> np.ndarray:
        return windows[row, of] != windows[row, into.start]

    # Decisions

    @property
    def spread(self) -> np.ndarray:
        """How far each cell may be off, as far as decisions go."""
        return np.maximum(self.errors.max(axis=0), SIGMAS * np.sqrt(self.variances))

    def _decide(self) -> np.ndarray:
        """Which predicates rounding may change. Raises where something that the trace holds fixed may be otherwise."""
        spread = self.spread
        undecided = np.zeros(self.tape.predicate_count, bool)
        for instruction in self.tape.instructions:
            if instruction.kind not in NO_CELLS and instruction.kind != "step":
                continue
            spans = instruction.arguments
            out = slice(instruction.output, instruction.output + instruction.size)
            if instruction.kind == "compare":
                a, b = (numbers_of(s) for s in spans)
                undecided[out] = (self._near(spread, a, b) & (a != b)).reshape(-1)
            elif instruction.kind == "logic":
                undecided[out] = np.logical_or.reduce([entries_of(undecided, s) for s in spans]).reshape(-1)
            elif instruction.kind == "settle" and entries_of(undecided, spans[0]).any():
                raise NoFirstOrder("rounding may take another branch")
            elif instruction.kind in ("step", "settle_step"):
                self._refuse_near_a_jump(instruction, spread)
            elif instruction.kind == "order":
                rows = numbers_of(spans[0])
                near = self._near(spread, rows[:, 1:], rows[:, :-1]) & (rows[:, 1:] != rows[:, :-1])
                if near.any():
                    raise NoFirstOrder("rounding may change an order")
            elif instruction.kind == "settle_extremum" and self._contended(instruction, spread).any():
                raise NoFirstOrder("rounding may move the place of an extremum")
        return undecided

    def _near(self, spread: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Where two numbers are too near for a decision; exact ones that are equal only where ties are open."""
        reach = spread[a] + spread[b]
        return (np.abs(self.values[a] - self.values[b]) <= reach) & ((reach > 0) | self.ties_are_open)

    def _refuse_near_a_jump(self, instruction: Instruction, spread: np.ndarray) -> None:
        cells = numbers_of(instruction.arguments[0])
        x, e = self.values[cells], spread[cells]
        shift = 0.5 if instruction.name == "round" else 0.0
        if ((e > 0) & (np.floor(x + shift - e) != np.floor(x + shift + e))).any():
            raise NoFirstOrder("rounding may carry a number over a jump")

    def _contended(self, instruction: Instruction, spread: np.ndarray) -> np.ndarray:
        """Which rows have another entry that rounding may make their extremum."""
        rows = numbers_of(instruction.arguments[0])
        values = self.values[rows]
        best = (np.argmax if instruction.name == "max" else np.argmin)(values, axis=1)
        first = rows[np.arange(len(rows)), best][:, None]
        return (self._near(spread, rows, first) & (rows != first)).any(axis=1)

    # Backwards

    def _backward(self) -> None:
        output = self.found.output
        self.adjoints[output], self.reached[output] = 1.0, True
        uses, spread = uses_of(self.tape), self.spread
        for step in reversed(self.steps):
            if not self.reached[step.out].any():
                continue
            self._refuse_choices(step, spread)
            self._refuse_near_a_pole(step, spread)
            adjoint, errors = self.adjoints[step.out], self.adjoint_errors[:, step.out]
            variance = self.adjoint_variances[step.out]
            self._quiet(step, adjoint, errors)
            for which, numbers in enumerate(step.arguments):
                flat = numbers.reshape(-1)
                kept = self.active[flat]
                if kept.any():
                    self._refuse_squares(step, which, adjoint)
                    given = self._given(step, which, adjoint, errors, variance)
                    self._give(step, which, flat, kept, given, uses)
        if not np.isfinite(self.adjoints).all():
            raise NoFirstOrder("an adjoint is not finite")
        self._refuse_overflow(self.adjoints)

    def _refuse_choices(self, step: Step, spread: np.ndarray) -> None:
        instruction = step.instruction
        matters = (self.reached[step.out] & (self.adjoints[step.out] != 0)).reshape(-1)
        if instruction.kind == "choose":
            if (entries_of(self._undecided, instruction.extra).reshape(-1) & matters).any():
                raise NoFirstOrder("the input is within rounding of a kink")
        elif instruction.kind == "extremum" and (self._contended(instruction, spread) & matters).any():
            raise NoFirstOrder("within rounding another entry is the extremum")

    def _refuse_near_a_pole(self, step: Step, spread: np.ndarray) -> None:
        """A divisor, or what a root or a logarithm is taken of, must stay where it is."""
        which = POLES.get(step.instruction.name) if step.kind == "map" else None
        if which is None:
            return
        size, reach = np.abs(self.values[step.arguments[which]]), SLACK * spread[step.arguments[which]]
        if ((size <= reach) & (reach > 0) & (self.adjoints[step.out] != 0)).any():
            raise NoFirstOrder("rounding may move a divisor, or what a root or a logarithm is taken of, through zero")

    def _refuse_squares(self, step: Step, which: int, adjoint: np.ndarray) -> None:
        """There is who divides by the square of a divisor, which must stay in the range."""
        if step.kind != "map" or (step.instruction.name, which) != ("div", 1):
            return
        squares, format = self.values[step.arguments[1]] ** 2, self.model_of(step.instruction.format).format
        lost = ((squares > format.largest) & np.isfinite(squares)) | ((squares < format.tiny) & (squares > 0))
        if (lost & (adjoint.reshape(lost.shape) != 0)).any():
            raise NoFirstOrder("the square of a divisor leaves the range")

    def _quiet(self, step: Step, adjoint: np.ndarray, errors: np.ndarray) -> None:
        """Where nothing comes back, nothing is passed on, be the slope infinite or not."""
        silent = (adjoint == 0) & (errors.max(axis=0) == 0)
        for partial in (*step.first, *step.second.values()):
            bad = ~np.isfinite(partial)
            if (bad & ~silent).any():
                raise NoFirstOrder(f"{step.instruction.name} has an infinite slope")
            partial[bad] = 0.0

    def _given(
        self, step: Step, which: int, adjoint: np.ndarray, errors: np.ndarray, variance: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        """The contribution to one argument: its value, its own rounding, what comes with the adjoint, what comes of
        the errors of the values, and the variance."""
        cells = self.values
        if step.kind == "matmul":
            return self._given_by_product(step, which, adjoint, errors, variance)
        value = step.pulled(which, adjoint, cells)
        own = self._slope_own(step, which, adjoint, value)
        if step.kind != "map":
            pulled = np.abs(errors) if step.kind == "move" else self._pulled_sizes(step, which, errors)
            spread = variance if step.kind == "move" else self._pulled_sizes(step, which, variance)
            return value, own, pulled, np.zeros_like(pulled), spread
        slope, size = np.abs(step.first[which]), np.abs(adjoint)
        of_values, of_variances = np.zeros_like(errors), np.zeros_like(variance)
        for k, numbers in enumerate(step.arguments):
            bend = step.curvature(which, k)
            if bend is not None:
                of_values += _times(np.abs(bend), self.errors[:, numbers]) * size
                of_variances += _times(bend * bend, self.variances[numbers]) * size**2
        return value, own, _times(slope, errors), of_values, _times(slope**2, variance) + of_variances

    def _pulled_sizes(self, step: Step, which: int, sizes: np.ndarray) -> np.ndarray:
        if step.kind != "fourier":
            return step.pulled(which, sizes, self.values)
        lead, shape = sizes.shape[:-1], step.instruction.shape
        total = sizes.reshape(*lead, *shape).sum(axis=(-3, -1))
        return np.broadcast_to(total[..., None], (*lead, *shape[1:])).reshape(*lead, -1)

    def _given_by_product(
        self, step: Step, which: int, adjoint: np.ndarray, errors: np.ndarray, variance: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        shape = step.instruction.shape
        numbers = step.arguments[1 - which]

        def times(given: np.ndarray, other: np.ndarray) -> np.ndarray:
            lead = np.broadcast_shapes(given.shape[:-1], other.shape[: other.ndim - 3])
            given, other = given.reshape(*given.shape[:-1], *shape), np.swapaxes(other, -1, -2)
            product = np.matmul(given, other) if which == 0 else np.matmul(other, given)
            return product.reshape(*lead, -1)

        size, b = np.abs(adjoint), np.abs(self.values[numbers])
        value, sizes = times(adjoint, self.values[numbers]), times(size, b)
        own = self._rounded(sizes, "multiply", step.instruction.format, shape[2] if which == 0 else shape[1])
        spread = times(variance, b * b) + times(size**2, self.variances[numbers])
        return value, own, times(errors, b), times(size, self.errors[:, numbers]), spread

    def _slope_own(self, step: Step, which: int, adjoint: np.ndarray, value: np.ndarray) -> np.ndarray:
        """What the operations that make a contribution round, but for those that add it to others."""
        format, size, name = step.instruction.format, np.abs(value), step.instruction.name
        if step.kind == "cumsum":
            sizes = step.pulled(0, np.abs(adjoint), self.values)
            return self._rounded(sizes, "add", format, max(terms_of(step) - 1, 0))
        if step.kind == "fourier":
            return self._transform_own(*np.abs(adjoint.reshape(step.instruction.shape)), np.abs(adjoint), format)[
                : value.size
            ]
        if step.kind != "map" or name in ("add", "sub", "neg"):
            return np.zeros_like(size)
        if name in ("mul", "div"):
            return self._rounded(size, "multiply", format, 3 if (name, which) == ("div", 1) else 1)
        if name == "ipow":
            power = 0 if step.instruction.extra == 2 else 1 if step.instruction.extra == 3 else ULPS["pow"] * 2
            return self._rounded(size, "multiply", format, int(2 + power)) if step.instruction.extra != 1 else 0 * size
        if name in ("atan2", "hypot"):
            return self._rounded(size, "multiply", format, 4 if name == "atan2" else 10)
        if name == "pow":
            return self._power_own(step, which, size, adjoint)
        return self._rounded(size, "multiply", format) + np.abs(adjoint) * self._function_own(step, which)

    def _power_own(self, step: Step, which: int, size: np.ndarray, adjoint: np.ndarray) -> np.ndarray:
        format = step.instruction.format
        base, exponent = (self.values[a] for a in step.arguments)
        if which == 1:
            return self._rounded(size, "multiply", format, 8)
        unit = self.model_of(format).format.unit_roundoff
        bent = np.where(base > 0, np.abs(np.log(np.abs(base))) * (np.abs(exponent) + 1), 0.0)
        return self._rounded(size, "multiply", format, int(2 + 2 * ULPS["pow"])) + size * bent * unit

    def _function_own(self, step: Step, which: int) -> np.ndarray:
        """The error of a slope as such: relatively that of the function, and what the policies of the model add."""
        name, format = step.instruction.name, step.instruction.format
        slope, model = np.abs(step.first[which]), self.model_of(step.instruction.format)
        own = self._rounded(slope, name, format)
        if name in OF_THE_SQUARE:
            bend = np.abs(step.second[0, 0]) * np.abs(self.values[step.arguments[0]])
            own = own + OF_THE_SQUARE[name] * bend * model.format.unit_roundoff
        if name in SATURATING and model.slopes_from_values:
            own = own + 2 * ULPS[name] * model.format.unit_roundoff
        return own

    def _give(
        self, step: Step, which: int, flat: np.ndarray, kept: np.ndarray, given: Sequence[np.ndarray], uses: np.ndarray
    ) -> None:
        value, own, carried, of_values, variance = given
        own = own + self._held(flat, value, step.instruction.format, uses)
        same = ~np.stack([self._mask(self.back_windows, row, flat, step.out) for row in range(self.rows)])
        errors = carried * same + of_values + own
        variance = variance + own**2 / 3
        scatter = step.scatter(which)
        for memory, part in (
            (self.adjoints, value),
            (self.adjoint_own, own),
            (self.adjoint_errors, errors),
            (self.adjoint_variances, variance),
        ):
            scatter.add(memory, np.where(kept, part, 0.0))
        self.reached[flat[kept]] = True

    def _held(self, flat: np.ndarray, value: np.ndarray, format: str, uses: np.ndarray) -> np.ndarray:
        """What the additions round by which a cell gathers its adjoint, in its own format."""
        size, roundings = np.abs(value), np.maximum(uses[flat] - 1, 0)
        held = np.zeros_like(size)
        codes = self.tape.format_codes[flat]
        for code in np.unique(codes):
            model, own = self.model_of(FORMAT_NAMES[code]), self.model_of(format)
            here = codes == code
            narrower = int(model.format.precision < own.format.precision)
            held[here] = size[here] * (roundings[here] + narrower) * model.format.unit_roundoff
        return held


def _times(factor: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The product, where nothing times infinity is nothing."""
    product = factor * sizes
    return np.where((sizes == 0) | (factor == 0), 0.0, product)
