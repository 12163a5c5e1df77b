"""The reverse sweep over an evaluated tape: the adjoint of every cell, and from those of the inputs the gradient. Truth
and bound are this one sweep, without rounding and with it, so the cost does not grow with the number of inputs.

An adjoint is held in the format of its cell: on the way back through a widening cast a framework rounds to the narrow
format. An adjoint that is exactly zero is passed on to nobody, so that a branch that was not taken, infinite or not,
stays out of it."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from flint import arb

from gradproof.oracles.balls import fourier, taylor_special
from gradproof.oracles.balls.arrays import Balls, objects
from gradproof.oracles.balls.complex_numbers import ComplexBalls
from gradproof.oracles.balls.taylor import first_coefficient
from gradproof.oracles.tape.arithmetic import ONE, ZERO, TapeArithmetic, TapeSeries, center_of
from gradproof.oracles.tape.evaluation import HALF, Evaluation
from gradproof.oracles.tape.program import FORMAT_NAMES, NO_CELLS, Instruction, Untraceable, entries_of, numbers_of
from gradproof.oracles.tape.second_derivatives import NoSecondDerivative

PASSIVE = frozenset("compare logic truth freeze step settle settle_step settle_extremum order".split())
"""Kinds through which no derivative passes."""

Arithmetic = TapeArithmetic | TapeSeries


class Sweep:
    """One reverse sweep over a forward `evaluation`.

    `at` is the instruction whose adjoint is being passed on, for whoever looks on.

    `both_sides`: where a tie decides, the adjoint goes to all sides as the interval between it and zero, so that the
    gradient encloses what any side gives. After `run`, `kinks` says in words what stands in the way of a derivative,
    and `jumps` whether the value itself may jump there; both only without rounding, where they are exact."""

    def __init__(self, evaluation: Evaluation, both_sides: bool = False) -> None:
        self.evaluation, self.tape, self.both_sides = evaluation, evaluation.tape, both_sides
        self.rounding = evaluation.rounding
        self.kinks: list[str] = []
        self.jumps = False
        self.at = 0

    def run(self, output: int) -> list[np.ndarray]:
        """The gradient of one cell: an object array for each array of inputs."""
        tape = self.tape
        self.adjoints = np.full(tape.cell_count, ZERO, dtype=object)
        self.reached = np.zeros(tape.cell_count, bool)
        self.adjoints[output], self.reached[output] = ONE, True
        if self.rounding:
            self.uses = uses_of(tape)
        for at in range(len(tape.instructions) - 1, -1, -1):
            instruction = tape.instructions[at]
            cells = slice(instruction.output, instruction.output + instruction.size)
            if instruction.kind not in PASSIVE and self.reached[cells].any():
                self.at = at
                adjoint = self.adjoints[cells].reshape(instruction.shape)
                getattr(self, f"_{instruction.kind}")(at, instruction, adjoint)
        self._note_jumps(output)
        return [self.adjoints[i.cells].reshape(i.shape) for i in tape.inputs]

    def leaves_the_range(self) -> bool:
        """Whether some adjoint is larger than the largest number of its cell's format, where a program has infinity."""
        largest = np.array([self.evaluation.arithmetic(name).model.format.largest for name in FORMAT_NAMES])
        sizes = [float(abs(center_of(entry))) for entry in self.adjoints[self.reached]]
        return bool((np.array(sizes) > largest[self.tape.format_codes[: len(self.reached)][self.reached]]).any())

    # Passing adjoints on

    def _give(self, span: Any, contributions: np.ndarray, on: Arithmetic, where: np.ndarray | None = None) -> None:
        """Add contributions to the adjoints of cells, those of `where` alone."""
        contributions = contributions.reshape(-1)
        if where is None and isinstance(span, tuple) and contributions.size:
            run = slice(span[0], span[0] + contributions.size)
            if self.tape.active[run].all():
                self._add(run, self._held(run, contributions, on) if self.rounding else contributions)
                return
        numbers, distinct = numbers_of(span).reshape(-1), isinstance(span, tuple)
        kept = self.tape.active[numbers]
        kept = kept if where is None else kept & where.reshape(-1)
        if not kept.all():
            numbers, contributions = numbers[kept], contributions[kept]
        if not numbers.size:
            return
        if self.rounding:
            contributions = self._held(numbers, contributions, on)
        if distinct or len(np.unique(numbers)) == numbers.size:
            self._add(numbers, contributions)
        else:
            np.add.at(self.adjoints, numbers, contributions)
            self.reached[numbers] = True

    def _add(self, numbers: np.ndarray | slice, contributions: np.ndarray) -> None:
        """Add contributions to the adjoints of cells that are all different."""
        fresh = not self.reached[numbers].any()
        self.adjoints[numbers] = contributions if fresh else self.adjoints[numbers] + contributions
        self.reached[numbers] = True

    def _held(self, numbers: np.ndarray | slice, contributions: np.ndarray, on: Arithmetic) -> np.ndarray:
        """Contributions with the rounding of the additions by which a cell's adjoint gathers them, in its format."""
        codes = self.tape.format_codes[numbers]
        if (codes == codes[0]).all():
            return self._held_in(FORMAT_NAMES[codes[0]], self.uses[numbers], contributions, on)
        held, uses = contributions.copy(), self.uses[numbers]
        for code in np.unique(codes):
            here = codes == code
            held[here] = self._held_in(FORMAT_NAMES[code], uses[here], contributions[here], on)
        return held

    def _held_in(self, format: str, uses: np.ndarray, contributions: np.ndarray, on: Arithmetic) -> np.ndarray:
        model = self.evaluation.arithmetic(format).model
        roundings = uses - 1 + int(model.format.precision < on.model.format.precision)
        most = int(roundings.max())
        if most <= 0:
            return contributions
        if (roundings == most).all():
            return contributions * model.factor("add", most)
        table = np.full(most + 1, ONE, dtype=object)
        for count in np.unique(roundings[roundings > 0]):
            table[count] = model.factor("add", int(count))
        return contributions * table[np.maximum(roundings, 0)]

    # Elementwise functions

    def _map(self, at: int, instruction: Instruction, adjoint: np.ndarray) -> None:
        cells = slice(instruction.output, instruction.output + instruction.size)
        if at in self.evaluation.roots and (self.evaluation.roots[at] & self.reached[cells]).any():
            self._note(instruction, f"{instruction.name} at zero")
        on, flat = self.evaluation.arithmetic(instruction.format), adjoint.reshape(-1)
        whole = not on.any_zero(flat)
        live = None if whole else ~on.are_zero(flat)
        if not (whole or live.any()):
            return
        spans = instruction.arguments if whole else [numbers_of(s).reshape(-1)[live] for s in instruction.arguments]
        active = [bool(entries_of(self.tape.active, span).any()) for span in spans]
        arguments = [entries_of(self.evaluation.cells, span).reshape(-1) for span in spans]
        result = self.evaluation.cells[cells] if whole else self.evaluation.cells[cells][live]
        pulled = _Pullback(on, instruction, flat if whole else flat[live], arguments, result)
        for which, span in enumerate(spans):
            if active[which]:
                given = pulled.to(which)
                if given is not None:
                    self._give(span, given, on)

    def _cast(self, at: int, instruction: Instruction, adjoint: np.ndarray) -> None:
        self._give(instruction.arguments[0], adjoint, self.evaluation.arithmetic(instruction.format))

    def _graft(self, at: int, instruction: Instruction, adjoint: np.ndarray) -> None:
        self._give(instruction.arguments[1], adjoint, self.evaluation.arithmetic(instruction.format))

    def _mirror(self, at: int, instruction: Instruction, adjoint: np.ndarray) -> None:
        on, (read, own, across) = self.evaluation.arithmetic(instruction.format), instruction.arguments
        above = -adjoint if instruction.extra < 0 else adjoint
        if self.evaluation.triangles == "lower":
            self._give(read, np.where(np.tri(adjoint.shape[-1], dtype=bool), adjoint, above), on)
        elif self.evaluation.moves_whole(instruction):
            self._give(own, adjoint, on)
        else:
            self._give(own, adjoint * HALF, on)
            self._give(across, above * HALF, on)
            if instruction.extra < 0 and self.rounding:
                self._give(own, _left_on_diagonal(adjoint, on.model.format.unit_roundoff), on)

    # Sums and products

    def _sum(self, at: int, instruction: Instruction, adjoint: np.ndarray) -> None:
        span = instruction.arguments[0]
        rows = np.broadcast_to(adjoint.reshape(-1)[:, None], numbers_of(span).shape)
        self._give(span, rows, self.evaluation.arithmetic(instruction.format))

    def _cumsum(self, at: int, instruction: Instruction, adjoint: np.ndarray) -> None:
        on = self.evaluation.arithmetic(instruction.format)
        back = on.cumulative_sum(Balls(adjoint[:, ::-1], on), axis=-1).entries[:, ::-1]
        self._give(instruction.arguments[0], back, on)

    def _matmul(self, at: int, instruction: Instruction, adjoint: np.ndarray) -> None:
        on = self.evaluation.arithmetic(instruction.format)
        a, b = (entries_of(self.evaluation.cells, span) for span in instruction.arguments)
        if entries_of(self.tape.active, instruction.arguments[0]).any():
            self._give(instruction.arguments[0], on.contract(adjoint, np.swapaxes(b, 1, 2), adjoint=0), on)
        if entries_of(self.tape.active, instruction.arguments[1]).any():
            self._give(instruction.arguments[1], on.contract(np.swapaxes(a, 1, 2), adjoint, adjoint=1), on)

    def _fourier(self, at: int, instruction: Instruction, adjoint: np.ndarray) -> None:
        # The transform is a symmetric matrix; the adjoint goes back through its conjugate.
        on = self.evaluation.arithmetic(instruction.format)
        back = fourier.sums(ComplexBalls(*(Balls(part, on) for part in adjoint)), -instruction.extra)
        for span, part in zip(instruction.arguments, (back.re, back.im), strict=True):
            self._give(span, part.entries, on)

    # Choices

    def _sides(self, instruction: Instruction) -> np.ndarray:
        """Where the adjoint goes to either side."""
        open_ = entries_of(self.evaluation.undecided, instruction.extra) if self.rounding else np.zeros((), bool)
        return open_ | entries_of(self.evaluation.tied, instruction.extra) if self.both_sides else open_

    def _choose(self, at: int, instruction: Instruction, adjoint: np.ndarray) -> None:
        on = self.evaluation.arithmetic(instruction.format)
        truths = entries_of(self.evaluation.truths, instruction.extra)
        if not self.rounding:
            self._note_ties(instruction, adjoint)
        both = np.broadcast_to(self._sides(instruction), truths.shape)
        if both.any():
            halved = np.frompyfunc(lambda g, either: on.hull(g, ZERO) if either else g, 2, 1)
            adjoint = objects(halved(adjoint, both))
        self._give(instruction.arguments[0], adjoint, on, truths | both)
        self._give(instruction.arguments[1], adjoint, on, ~truths | both)

    def _note_ties(self, instruction: Instruction, adjoint: np.ndarray) -> None:
        tied = entries_of(self.evaluation.tied, instruction.extra)
        if not tied.any():
            return
        x, y = (entries_of(self.evaluation.cells, span) for span in instruction.arguments)
        same_cell = np.equal(*(numbers_of(span) for span in instruction.arguments))
        # Where nothing hangs on the entry, to first order, the sides meet smoothly.
        zeros = self.evaluation.arithmetic(instruction.format).are_zero(adjoint)
        matters = tied & ~same_cell & (~zeros | ~np.asarray(x == y, bool))
        if matters.any():
            self._note(instruction, "a comparison ties")

    def _extremum(self, at: int, instruction: Instruction, adjoint: np.ndarray) -> None:
        on, span = self.evaluation.arithmetic(instruction.format), instruction.arguments[0]
        numbers, flat = numbers_of(span), adjoint.reshape(-1)
        may, best = self.evaluation.contenders(instruction)
        several = np.array([len(set(row[m])) > 1 for row, m in zip(numbers, may, strict=True)]) & ~on.are_zero(flat)
        if several.any() and not self.rounding:
            self._note(instruction, f"the {instruction.name} is a tie")
        single = np.zeros_like(may)
        single[np.arange(len(may)), best] = True
        if self.rounding or self.both_sides:
            either = several[:, None] & may
            hulls = np.frompyfunc(lambda g, open_: on.hull(g, ZERO) if open_ else g, 2, 1)
            flat = objects(hulls(flat, several))
            single |= either
        self._give(span, np.broadcast_to(flat[:, None], numbers.shape), on, single)

    # What is not taken apart

    def _call(self, at: int, instruction: Instruction, adjoint: np.ndarray) -> None:
        """Through the columns of a local Jacobian, by Taylor arithmetic of the operation."""
        if self.evaluation.series:
            raise NoSecondDerivative(f"{instruction.name} has no second derivative here")
        on, span = self.evaluation.arithmetic(instruction.format), instruction.arguments[0]
        function, shapes, turning = instruction.extra
        if turning is not None and not self.rounding:
            self._refuse_turning(instruction, shapes, turning)
        numbers, series = numbers_of(span), on.series_arithmetic
        flat = adjoint.reshape(-1)
        live = ~on.are_zero(flat)
        x = Balls(entries_of(self.evaluation.cells, span), series)
        given = np.full(numbers.shape, ZERO, dtype=object)
        for index in np.ndindex(*numbers.shape):
            if self.tape.active[numbers[index]] and live.any():
                parts = function(series, series.along(x, index))
                column = np.concatenate([_slopes(part.entries).reshape(-1) for part in parts])
                products = on.multiply(Balls(flat[live], on), Balls(column[live], on))
                given[index] = on.sum(products, axis=0).entries[()]
        self._give(span, given, on)

    def _refuse_turning(self, instruction: Instruction, shapes: list[tuple[int, ...]], turning: Callable) -> None:
        cells = slice(instruction.output, instruction.output + instruction.size)
        ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
        parts, adjoints = (
            [part.reshape(shape) for part, shape in zip(np.split(memory[cells], ends), shapes, strict=True)]
            for memory in (self.evaluation.cells, self.adjoints)
        )
        # An enclosure: where the phase does not matter it contains zero, however wide.
        if not all(ball.contains(0) for ball in turning(parts, adjoints).flat):
            reason = "the result depends on the phase of a complex vector, which the matrix does not decide"
            cure = "Use what does not depend on it, as |v|² or v f(λ) vᴴ."
            raise Untraceable(instruction.source or instruction.name, reason, instruction.where, cure)

    # Kinks

    def _note(self, instruction: Instruction, what: str) -> None:
        place = f" at {instruction.where}" if instruction.where else ""
        source = f" in {instruction.source}" if instruction.source else ""
        self.kinks.append(f"{what}{source}{place}")

    def _note_jumps(self, output: int) -> None:
        evaluation = self.evaluation
        if self.rounding or not (evaluation.jumps or evaluation.tied.any()):
            return
        cells, predicates = needed(evaluation, output)
        for at in evaluation.jumps:
            instruction = self.tape.instructions[at]
            if cells[instruction.output : instruction.output + instruction.size].any():
                self.jumps = True
                self._note(instruction, f"{instruction.name} stands at a jump")
        for instruction in self.tape.instructions:
            if instruction.kind == "choose":
                self._note_jumping_choice(instruction, cells, predicates)

    def _note_jumping_choice(self, instruction: Instruction, cells: np.ndarray, predicates: np.ndarray) -> None:
        tied = entries_of(self.evaluation.tied & predicates, instruction.extra).reshape(-1)
        tied &= cells[instruction.output : instruction.output + instruction.size]
        if not tied.any():
            return
        x, y = (entries_of(self.evaluation.cells, span).reshape(-1)[tied] for span in instruction.arguments)
        if not np.asarray(x == y, bool).all():
            self.jumps = True
            self._note(instruction, "a comparison that ties chooses between unequal values")


_slopes = np.frompyfunc(first_coefficient, 1, 1)


def _left_on_diagonal(adjoint: np.ndarray, unit_roundoff: float) -> np.ndarray:
    """What rounding leaves in the imaginary parts of a Hermitian matrix's diagonal, which are zero in exact arithmetic
    and are sums of as many products as it has rows for whoever does not set them to zero."""
    n = adjoint.shape[-1]
    largest = max((abs(center_of(entry)).abs_upper() for entry in adjoint.flat), default=ZERO)
    left = arb(0, (n * unit_roundoff * largest).upper())
    return np.where(np.broadcast_to(np.eye(n, dtype=bool), adjoint.shape), left, ZERO)


def uses_of(tape: Any) -> np.ndarray:
    """How many contributions the adjoint of each cell may gather."""
    return tape.once("uses", lambda: _count_uses(tape))


def _count_uses(tape: Any) -> np.ndarray:
    uses = np.zeros(tape.cell_count, np.int64)
    for instruction in tape.instructions:
        if instruction.kind in PASSIVE:
            continue
        for span in instruction.arguments:
            if isinstance(span, tuple):
                uses[span[0] : span[0] + math.prod(span[1])] += 1
            else:
                np.add.at(uses, span.reshape(-1), 1)
    return uses


def needed(evaluation: Evaluation, output: int) -> tuple[np.ndarray, np.ndarray]:
    """The cells and predicates on which the value of one cell depends, through the branches that are taken."""
    tape = evaluation.tape
    cells, predicates = np.zeros(tape.cell_count, bool), np.zeros(tape.predicate_count, bool)
    cells[output] = True
    for instruction in reversed(tape.instructions):
        of_predicates = instruction.kind in ("compare", "logic")
        if instruction.kind in NO_CELLS and not of_predicates:
            continue  # what the trace holds fixed has no place of its own
        memory = predicates if of_predicates else cells
        here = memory[instruction.output : instruction.output + instruction.size]
        if not here.any():
            continue
        if instruction.kind == "choose":
            here = here.reshape(instruction.shape)
            truths = entries_of(evaluation.truths, instruction.extra)
            open_ = entries_of(evaluation.tied | evaluation.undecided, instruction.extra)
            predicates[numbers_of(instruction.extra)[here]] = True
            cells[numbers_of(instruction.arguments[0])[here & (truths | open_)]] = True
            cells[numbers_of(instruction.arguments[1])[here & (~truths | open_)]] = True
            continue
        for span in instruction.arguments[:1] if instruction.kind == "mirror" else instruction.arguments:
            (predicates if instruction.kind == "logic" else cells)[numbers_of(span)] = True
    return cells, predicates


class _Pullback:
    """The rules of the elementwise functions: what an adjoint gives to each argument, on flat arrays of entries."""

    def __init__(
        self,
        on: Arithmetic,
        instruction: Instruction,
        adjoint: np.ndarray,
        arguments: Sequence[np.ndarray],
        result: np.ndarray,
    ) -> None:
        self.on, self.name, self.extra = on, instruction.name, instruction.extra
        self.adjoint, self.arguments, self.result = adjoint, arguments, result

    def to(self, which: int) -> np.ndarray | None:
        """The contribution to one argument; None where it is nothing."""
        rule = _RULES.get(self.name)
        if rule is not None:
            return rule(self, which)
        if self.name in taylor_special.PARTIALS:
            return self._times(self.on.partial(self.name, which, self.arguments))
        return self._times(self.on.slope(self.name, self.arguments[0]))

    def _times(self, factor: np.ndarray) -> np.ndarray:
        return self.on.multiply(Balls(self.adjoint, self.on), Balls(factor, self.on)).entries

    def _ball(self, which: int) -> Balls:
        return Balls(self.arguments[which], self.on)

    def _add(self, which: int) -> np.ndarray:
        return self.adjoint

    def _sub(self, which: int) -> np.ndarray:
        return -self.adjoint if which else self.adjoint

    def _neg(self, which: int) -> np.ndarray:
        return -self.adjoint

    def _mul(self, which: int) -> np.ndarray:
        return self._times(self.arguments[1 - which])

    def _div(self, which: int) -> np.ndarray:
        quotient = self.on.divide(Balls(self.adjoint, self.on), self._ball(1))
        if which == 0:
            return quotient.entries
        # Twice differentiated, a quotient is divided by the cube of the divisor, or multiplied with its inverse.
        self.on.note_power(self.arguments[1], 3)
        own = -self.on.multiply(quotient, self.on.divide(self._ball(0), self._ball(1))).entries
        if self.on.model is None or self._square_is_in_range(1):
            return own
        # There is who divides by the square of the divisor, which leaves the range before the quotient does.
        product = self.on.multiply(Balls(self.adjoint, self.on), self._ball(0))
        other = -self.on.divide(product, self.on.multiply(self._ball(1), self._ball(1))).entries
        return objects(np.frompyfunc(self.on.hull, 2, 1)(own, other))

    def _square_is_in_range(self, which: int) -> bool:
        with np.errstate(over="ignore"):
            squares = np.abs(self.on.center(self.arguments[which]).astype(float)) ** 2
        format = self.on.model.format
        return bool(((squares <= format.largest / 2) & (squares >= 2 * format.tiny)).all())

    def _ipow(self, which: int) -> np.ndarray | None:
        if self.extra in (0, 1):
            return self.adjoint if self.extra else None
        slope = self.on.multiply(float(self.extra), self.on.pow(self._ball(0), self.extra - 1))
        return self._times(slope.entries)

    def _pow(self, which: int) -> np.ndarray:
        base, exponent = self._ball(0), self._ball(1)
        if which == 0:
            lower = self.on.pow(base, self.on.subtract(exponent, 1.0))
            return self._times(self.on.multiply(exponent, lower).entries)
        # 0 to any positive power is 0, whatever its logarithm.
        nothing = self.on.are_zero(self.arguments[0]) & self.on.are_zero(self.result)
        logarithm = self.on.elementwise("log", Balls(np.where(nothing, ONE, self.arguments[0]), self.on))
        return self._times(self.on.multiply(Balls(self.result, self.on), logarithm).entries)

    def _atan2(self, which: int) -> np.ndarray:
        y, x = self._ball(0), self._ball(1)
        square = self.on.add(self.on.multiply(y, y), self.on.multiply(x, x))
        part = self._times(self.on.divide(x if which == 0 else y, square).entries)
        return -part if which else part

    def _hypot(self, which: int) -> np.ndarray:
        length = self.on.hypot(self._ball(0), self._ball(1))
        return self._times(self.on.divide(self._ball(which), length).entries)


_RULES: dict[str, Callable[[_Pullback, int], np.ndarray | None]] = {
    name: getattr(_Pullback, f"_{name}") for name in "add sub neg mul div ipow pow atan2 hypot".split()
}


def flat(parts: Sequence[np.ndarray]) -> list[arb]:
    """The entries of several arrays in one list."""
    return [entry for part in parts for entry in part.flat]
