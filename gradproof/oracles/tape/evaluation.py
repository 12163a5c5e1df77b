"""One evaluation of a tape in ball arithmetic, forwards: exactly, or with the rounding of each cell's format; at the
traced input or beside it; on numbers or on series. It notes where something was decided by a tie or by less than
rounding."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import arb, arb_series

from gradproof.oracles.balls import fourier, steps
from gradproof.oracles.balls.arrays import Balls, objects
from gradproof.oracles.balls.complex_numbers import ComplexBalls
from gradproof.oracles.machine_model import FORMATS, MachineModel
from gradproof.oracles.tape.arithmetic import TapeArithmetic, TapeSeries, finite_of
from gradproof.oracles.tape.program import Instruction, Tape, entries_of, numbers_of

HALF, NAN = arb(0.5), arb("nan")

lifted = np.frompyfunc(lambda v: arb(float(v)), 1, 1)
_shifted = np.frompyfunc(lambda held, y, base: held + (y - base), 3, 1)
_above_by_middle = np.frompyfunc(lambda a, b: bool(a.mid() > b.mid()), 2, 1)


def exact_inputs(tape: Tape) -> list[np.ndarray]:
    """The traced inputs as balls: an object array each."""

    def made() -> list[np.ndarray]:
        return [objects(lifted(tape.values[i.cells])).reshape(i.shape) for i in tape.inputs]

    return tape.once("exact inputs", made)


def _exact_constants(tape: Tape) -> list[np.ndarray]:
    return tape.once("exact constants", lambda: [lifted(values) for _, values in tape.constants])


class Evaluation:
    """The forward pass of `tape` in balls.

    `rounding`: every operation is widened by what the machine model allows its cell's format; `model` takes the place
    of all of those, and `flushes` says whether subnormals may be zero. `series`: on series, for a second pass.
    `frozen`: what frozen cells hold, from another evaluation; a proof moves the inputs and not these.
    `equalities`: what becomes of numbers that are compared by == and are equal: a tie ("open"); what the traced program
    found, wherever the inputs move ("held"); or what is true everywhere around, that they differ ("beside").
    `choices`: whether what the trace holds fixed, as an order or a place, must be certain ("open"), or is as the traced
    program found it ("held").
    `triangles`: how the entries of a matrix move of which one triangle is read: as those that are read ("lower"), as
    the average of both ("halves"), or, of those that are used as a whole, each as its own cell ("own").

    After `forward`: `cells` holds a ball for each cell; `truths`, `undecided` and `tied` tell of each predicate whether
    it holds, whether its balls overlap without a tie, and whether they tie while one of them moves. `jumps` are the
    steps that stand at a jump, `roots` the maps some active argument of which stands where they have no derivative.
    `unsettled` says in words why something that the trace holds fixed may be otherwise; empty where it may not.
    `diverted` is True when some settled value is another than at the traced input."""

    def __init__(
        self,
        tape: Tape,
        *,
        rounding: bool = False,
        model: MachineModel | None = None,
        flushes: bool = False,
        series: bool = False,
        frozen: dict[int, Any] | None = None,
        equalities: str = "open",
        choices: str = "open",
        triangles: str = "lower",
    ) -> None:
        self.tape, self.rounding, self.model, self.series = tape, rounding or model is not None, model, series
        self.flushes = model.flushes if model is not None else flushes
        self.frozen, self.equalities, self.choices, self.triangles = frozen, equalities, choices, triangles
        self.kept: dict[int, Any] = {}
        self.jumps: list[int] = []
        self.roots: dict[int, np.ndarray] = {}
        self.unsettled, self.diverted, self.undecided_at = "", False, ""
        self._arithmetics: dict[str, TapeArithmetic | TapeSeries] = {}

    def arithmetic(self, format: str) -> TapeArithmetic | TapeSeries:
        """The ball arithmetic of a format; without rounding there is but one."""
        key = "" if not self.rounding or self.model is not None else format
        if key not in self._arithmetics:
            model = self.model
            if model is None and self.rounding:
                model = MachineModel(FORMATS[key], self.flushes)
            self._arithmetics[key] = TapeSeries(model) if self.series else TapeArithmetic(model)
        return self._arithmetics[key]

    @property
    def overflowed(self) -> str:
        """The format that some result lies outside of; empty if there is none."""
        return next((on.model.format.name for on in self._arithmetics.values() if on.overflowed), "")

    def forward(self, inputs: Sequence[np.ndarray] | None = None) -> "Evaluation":
        """Evaluate, at the traced inputs unless others are given, as object arrays of balls or of series."""
        tape = self.tape
        # What nobody writes is poisoned.
        self.cells = np.full(tape.cell_count, NAN, dtype=object)
        self.truths, self.undecided, self.tied = (np.zeros(tape.predicate_count, bool) for _ in range(3))
        for (start, values), balls in zip(tape.constants, _exact_constants(tape), strict=True):
            self.cells[start : start + len(values)] = self._constants(values, balls)
        for array, values in zip(tape.inputs, inputs or exact_inputs(tape), strict=True):
            flat = np.ravel(values)
            if self.flushes:
                flat = self.arithmetic(array.format)._with_underflow(flat)
            self.cells[array.cells] = flat
        for at, instruction in enumerate(tape.instructions):
            getattr(self, f"_{instruction.kind}")(at, instruction)
        return self

    def _constants(self, values: np.ndarray, balls: np.ndarray) -> np.ndarray:
        if self.model is None:
            return balls
        # In a format that is not the traced one a constant is rounded like everything else.
        factor = self.model.factor("add")
        rounded = [not np.isfinite(v) or self.model.exact(float(v)) for v in values]
        return np.array([b if exact else b * factor for b, exact in zip(balls, rounded, strict=True)], dtype=object)

    # Instructions whose results are cells

    def _arguments(self, instruction: Instruction) -> list[np.ndarray]:
        return [entries_of(self.cells, span) for span in instruction.arguments]

    def _put(self, instruction: Instruction, entries: Any) -> None:
        self.cells[instruction.output : instruction.output + instruction.size] = objects(entries).reshape(-1)

    def _map(self, at: int, instruction: Instruction) -> None:
        on, arguments = self.arithmetic(instruction.format), self._arguments(instruction)
        noted, on.at_kink = on.at_kink, False
        recorded = _Recorded(self.tape, instruction)
        self._put(instruction, on.apply(instruction.name, arguments, instruction.extra, recorded))
        if on.at_kink:
            self._note_root(at, instruction, arguments)
        on.at_kink = noted
        if instruction.name == "atan2" and self._is_below_the_cut(instruction, arguments):
            self._unsettle(instruction, "an angle jumps where the sign of a zero does, and balls have no such sign")

    def _is_below_the_cut(self, instruction: Instruction, arguments: list[np.ndarray]) -> bool:
        y, x = (entries_of(self.tape.values, span) for span in instruction.arguments[:2])
        here = np.broadcast_to((y == 0) & np.signbit(y) & (x < 0), instruction.shape)
        return here.any() and any(ball.contains(0) for ball in np.broadcast_to(arguments[0], instruction.shape)[here])

    def _note_root(self, at: int, instruction: Instruction, arguments: list[np.ndarray]) -> None:
        # Roots and powers at zero, where they have no derivative, or lengths of zero vectors.
        on, count = self.arithmetic(instruction.format), len(arguments) if instruction.name == "hypot" else 1
        active = np.logical_or.reduce([entries_of(self.tape.active, s) for s in instruction.arguments[:count]])
        zero = [np.asarray([v.contains(0) for v in on.center(a).flat], bool) for a in arguments[:count]]
        where = np.logical_and.reduce(zero).reshape(instruction.shape) & active
        if where.any():
            self.roots[at] = where.reshape(-1)

    def _step(self, at: int, instruction: Instruction) -> None:
        on, (x,) = self.arithmetic(instruction.format), self._arguments(instruction)
        noted, on.at_kink = on.at_kink, False
        self._put(instruction, steps.OPERATIONS[instruction.name](on, Balls(x, on)).entries)
        if on.at_kink and entries_of(self.tape.active, instruction.arguments[0]).any():
            self.jumps.append(at)
        on.at_kink = noted

    def _cast(self, at: int, instruction: Instruction) -> None:
        (x,) = self._arguments(instruction)
        self._put(instruction, self.arithmetic(instruction.format)._rounded(x, "multiply").entries)

    def _sum(self, at: int, instruction: Instruction) -> None:
        on, (rows,) = self.arithmetic(instruction.format), self._arguments(instruction)
        self._put(instruction, on.sum(Balls(rows, on), axis=-1).entries)

    def _cumsum(self, at: int, instruction: Instruction) -> None:
        on, (rows,) = self.arithmetic(instruction.format), self._arguments(instruction)
        self._put(instruction, on.cumulative_sum(Balls(rows, on), axis=-1).entries)

    def _matmul(self, at: int, instruction: Instruction) -> None:
        self._put(instruction, self.arithmetic(instruction.format).contract(*self._arguments(instruction)))

    def _fourier(self, at: int, instruction: Instruction) -> None:
        on = self.arithmetic(instruction.format)
        y = fourier.sums(ComplexBalls(*(Balls(a, on) for a in self._arguments(instruction))), instruction.extra)
        self._put(instruction, np.stack([y.re.entries, y.im.entries]))

    def _choose(self, at: int, instruction: Instruction) -> None:
        on, (x, y) = self.arithmetic(instruction.format), self._arguments(instruction)
        chosen = np.where(entries_of(self.truths, instruction.extra), x, y)
        undecided = entries_of(self.undecided, instruction.extra)
        if self.rounding and undecided.any():
            # Within rounding of the switch a backend may take either branch: both are allowed.
            chosen = np.where(undecided, objects(np.frompyfunc(on.hull, 2, 1)(x, y)), chosen)
        self._put(instruction, chosen)

    def _extremum(self, at: int, instruction: Instruction) -> None:
        on, (rows,) = self.arithmetic(instruction.format), self._arguments(instruction)
        may, best = self.contenders(instruction)
        chosen = rows[np.arange(len(rows)), best]
        if self.rounding:
            for i in np.nonzero(may.sum(axis=1) > 1)[0]:
                for j in np.nonzero(may[i])[0]:
                    chosen[i] = on.hull(chosen[i], rows[i, j])
        self._put(instruction, chosen)

    def contenders(self, instruction: Instruction) -> tuple[np.ndarray, np.ndarray]:
        """Which entries of each row may be its extremum, (m, n), and which one is, by midpoints, (m,)."""
        span, largest = instruction.arguments[0], instruction.name == "max"
        rows = self.arithmetic(instruction.format).center(entries_of(self.cells, span))
        recorded = entries_of(self.tape.values, span)
        best = np.argmax(recorded, axis=1) if largest else np.argmin(recorded, axis=1)
        lines = np.arange(len(rows))
        may = _unbeaten(rows, rows[lines, best], largest)
        for i in np.nonzero(may.sum(axis=1) > 1)[0]:
            for j in np.nonzero(may[i])[0]:
                ahead, behind = (rows[i, j], rows[i, best[i]]) if largest else (rows[i, best[i]], rows[i, j])
                if _above_by_middle(ahead, behind):
                    best[i] = j
            may[i] = _unbeaten(rows[i : i + 1], rows[i, best[i] : best[i] + 1], largest)[0]
        return may, best

    def _call(self, at: int, instruction: Instruction) -> None:
        on, (x,) = self.arithmetic(instruction.format), self._arguments(instruction)
        function = instruction.extra[0]
        noted, on.at_kink = on.at_kink, False
        self._put(instruction, np.concatenate([part.entries.reshape(-1) for part in function(on, Balls(x, on))]))
        if on.at_kink:
            self.jumps.append(at)
        on.at_kink = noted

    def _freeze(self, at: int, instruction: Instruction) -> None:
        (x,) = self._arguments(instruction)
        held = self.arithmetic(instruction.format).center(x) if self.frozen is None else self.frozen[at]
        self.kept[at] = held
        self._put(instruction, held)

    def _graft(self, at: int, instruction: Instruction) -> None:
        self._put(instruction, self._grafted(at, instruction, *self._arguments(instruction)))

    def _grafted(self, at: int, instruction: Instruction, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        center = self.arithmetic(instruction.format).center
        if self.frozen is None:
            self.kept[at] = center(x), center(y)
            return _shifted(center(x), y, center(y)) if self.series else x
        return _shifted(self.frozen[at][0], y, self.frozen[at][1])

    def moves_whole(self, mirror: Instruction) -> bool:
        """Whether the entries of this matrix move each as its own cell."""
        return self.triangles == "own" and mirror.name == "whole"

    def _mirror(self, at: int, instruction: Instruction) -> None:
        read, own, across = self._arguments(instruction)
        if instruction.extra < 0:
            across, read = -across, np.where(np.tri(read.shape[-1], dtype=bool), read, -read)
        if self.triangles != "lower":
            moving = own if self.moves_whole(instruction) else (own + across) * HALF
            read = self._grafted(at, instruction, read, moving)
        self._put(instruction, read)

    # Predicates

    def _put_predicates(self, instruction: Instruction, truths: Any, undecided: Any, tied: Any) -> None:
        where = slice(instruction.output, instruction.output + instruction.size)
        for memory, flags in ((self.truths, truths), (self.undecided, undecided), (self.tied, tied)):
            memory[where] = np.asarray(flags, bool).reshape(-1)

    def _compare(self, at: int, instruction: Instruction) -> None:
        center = self.arithmetic(instruction.format).center
        x, y = (center(a) for a in self._arguments(instruction))
        above, below, same = (np.asarray(flags, bool) for flags in (x > y, x < y, x == y))
        # One and the same cell is equal to itself, however wide its ball.
        numbers = [numbers_of(span) for span in instruction.arguments]
        itself = (numbers[0] == numbers[1]) & finite_of(x)
        same, above, below = same | itself, above & ~itself, below & ~itself
        undecided = ~(above | below | same)
        if undecided.any():
            undecided &= ~np.asarray([a.is_nan() or b.is_nan() for a, b in zip(x.flat, y.flat, strict=True)]).reshape(
                undecided.shape
            )
            above = above | (undecided & np.asarray(_above_by_middle(x, y), bool))
            self.undecided_at = self.undecided_at or instruction.where or instruction.source or instruction.name
        below = below | (undecided & ~above)
        truths = {
            **{"gt": above, "ge": above | same, "lt": below, "le": below | same},
            **{"eq": same, "ne": ~same},
        }[instruction.name]
        moves = np.logical_or(*(entries_of(self.tape.active, span) for span in instruction.arguments))
        tied = same & moves & ~itself & finite_of(x)
        if instruction.name in ("eq", "ne") and self.equalities == "beside":
            truths, tied = truths ^ tied, np.zeros_like(tied)
        if instruction.name in ("eq", "ne") and self.equalities == "held":
            where = slice(instruction.output, instruction.output + instruction.size)
            found = self.tape.truths[where].reshape(instruction.shape)
            held = found == (instruction.name == "eq")
            truths, tied = np.where(held, found, truths), tied & ~held
        # Without rounding, what no precision tells apart is a tie.
        self._put_predicates(instruction, truths, undecided, tied | (undecided & moves & (not self.rounding)))

    def ties_at(self, comparison: Instruction) -> bool:
        """Whether some of these numbers are equal while one of them moves."""
        return bool(self.tied[comparison.output : comparison.output + comparison.size].any())

    def _logic(self, at: int, instruction: Instruction) -> None:
        values, undecided, tied = (
            [entries_of(memory, span) for span in instruction.arguments]
            for memory in (self.truths, self.undecided, self.tied)
        )
        if instruction.name in ("not", "xor"):
            truths = ~values[0] if instruction.name == "not" else values[0] ^ values[1]
            self._put_predicates(instruction, truths, np.logical_or.reduce(undecided), np.logical_or.reduce(tied))
            return
        # A side that is sure and settles the matter leaves nothing open.
        deciding = instruction.name == "or"
        settled = [(v == deciding) & ~u & ~t for v, u, t in zip(values, undecided, tied, strict=True)]
        open_ = ~np.logical_or.reduce(settled)
        truths = np.logical_or.reduce(values) if deciding else np.logical_and.reduce(values)
        self._put_predicates(
            instruction, truths, open_ & np.logical_or.reduce(undecided), open_ & np.logical_or.reduce(tied)
        )

    def _truth(self, at: int, instruction: Instruction) -> None:
        self._put_predicates(instruction, instruction.extra, False, False)

    # What the trace holds fixed

    def _unsettle(self, instruction: Instruction, what: str) -> None:
        if self.choices == "held":
            return
        place = f" at {instruction.where}" if instruction.where else ""
        source = f" ({instruction.source})" if instruction.source else ""
        self.unsettled = self.unsettled or f"{what}{source}{place}"

    def _settle(self, at: int, instruction: Instruction) -> None:
        span = instruction.arguments[0]
        if (entries_of(self.truths, span) != entries_of(self.tape.truths, span)).any():
            self.diverted = True
        if entries_of(self.undecided, span).any() or (not self.rounding and entries_of(self.tied, span).any()):
            self._unsettle(instruction, "a branch or a mask is decided by a comparison that ties")

    def _settle_step(self, at: int, instruction: Instruction) -> None:
        on, (x,) = self.arithmetic(instruction.format), self._arguments(instruction)
        span = instruction.arguments[0]
        noted, on.at_kink = on.at_kink, False
        here = steps.OPERATIONS[instruction.name](on, Balls(x, on)).entries
        recorded = steps.OPERATIONS[instruction.name](on, Balls(lifted(entries_of(self.tape.values, span)), on))
        if any(not a.overlaps(b) for a, b in zip(here.flat, recorded.entries.flat, strict=True)):
            self.diverted = True
        # What comes out of a step is locally constant: at an integer it stays there.
        active = entries_of(self.tape.active, span).any()
        if on.at_kink and (active or (self.rounding and not _all_exact(on.center(x)))):
            self._unsettle(instruction, "an index is made of a number that stands at a jump")
        on.at_kink = noted

    def _settle_extremum(self, at: int, instruction: Instruction) -> None:
        numbers = numbers_of(instruction.arguments[0])
        may, best = self.contenders(instruction)
        recorded = entries_of(self.tape.values, instruction.arguments[0])
        first = np.argmax(recorded, axis=1) if instruction.name == "max" else np.argmin(recorded, axis=1)
        lines = np.arange(len(numbers))
        if (numbers[lines, best] != numbers[lines, first]).any() and not may[lines, first].all():
            self.diverted = True
        # Entries that are one and the same cell cannot part.
        if any(len(set(row[m])) > 1 for row, m in zip(numbers, may, strict=True) if m.sum() > 1):
            self._unsettle(instruction, "the place of a largest or smallest entry is used, and entries tie")

    def _order(self, at: int, instruction: Instruction) -> None:
        rows, numbers = entries_of(self.cells, instruction.arguments[0]), numbers_of(instruction.arguments[0])
        rows = self.arithmetic(instruction.format).center(rows)
        ascending = np.asarray(rows[:, 1:] > rows[:, :-1], bool) | (numbers[:, 1:] == numbers[:, :-1])
        fixed = ~(entries_of(self.tape.moving, instruction.arguments[0]))
        ascending |= fixed[:, 1:] & fixed[:, :-1]
        if np.asarray(rows[:, 1:] < rows[:, :-1], bool)[~ascending].any():
            self.diverted = True
        if not ascending.all():
            self._unsettle(instruction, "an order is used, and entries tie")


class _Recorded:
    """The arguments of an instruction in float64 at the traced input, looked up when they are asked for."""

    def __init__(self, tape: Tape, instruction: Instruction) -> None:
        self.tape, self.instruction = tape, instruction

    def __iter__(self) -> Any:
        return (entries_of(self.tape.values, span) for span in self.instruction.arguments)


def _all_exact(balls: np.ndarray) -> bool:
    return all(ball.is_exact() for ball in balls.flat)


def _unbeaten(rows: np.ndarray, best: np.ndarray, largest: bool) -> np.ndarray:
    best = best[:, None]
    return ~np.asarray(rows < best if largest else rows > best, bool)


def moving(inputs: Sequence[np.ndarray], direction: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The series x + t v of exact inputs x along a direction v."""
    pair = np.frompyfunc(lambda x, v: arb_series([x, arb(float(v))]), 2, 1)
    return [objects(pair(x, v)) for x, v in zip(inputs, direction, strict=True)]
