"""The truth of a tape and how far from it an answer may be: the gradient by one exact reverse sweep, proved by an exact
central difference; the limits around a kink; the bounds by the same sweep with rounding; Hessian-vector products."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb, ctx

from gradproof.oracles import exact
from gradproof.oracles.balls.arrays import objects
from gradproof.oracles.balls.taylor import first_coefficient
from gradproof.oracles.kinks import Kink, probe
from gradproof.oracles.machine_model import FORMATS, SLACK, MachineModel
from gradproof.oracles.reference import BOUND_PRECISION, NUDGE, Bounds, Exact, Truth, levelled
from gradproof.oracles.second_order import SMOOTH, Curvature
from gradproof.oracles.tape.arithmetic import ZERO
from gradproof.oracles.tape.evaluation import Evaluation, exact_inputs, moving
from gradproof.oracles.tape.program import FORMAT_NAMES, Cells, Tape
from gradproof.oracles.tape.second_derivatives import NoSecondDerivative
from gradproof.oracles.tape.sweep import Sweep, flat
from gradproof.oracles.tape.symmetries import Twins, symmetrized, twins_of

Gradient = list[np.ndarray]

PROBED = 48
"""So many inputs, at most, are probed around a kink along each of them; beyond, the sides are enclosed together."""

LOOKS = 4
"""Generic directions along which a function of many inputs must be smooth at a tie to be taken for smooth there."""

OUR_MISTAKE = (
    "the traced gradient does not agree with an exact difference of the trace itself: "
    "a rule of Gradproof is wrong here. Please report it"
)
AT_AN_EDGE = "the function has another slope to either side, or none, as at the end of its domain"

CLOSER = arb(2) ** -40
"""By how much closer a limit beside a jump is looked at again."""

VANISHING = arb(2) ** -5
"""What is so much smaller there tends to zero, no slower than an eighth root of the distance."""

CONTINUOUS = arb(2) ** -64
"""A value that changes by more, relatively, within a step of 2**-128 has jumped."""


@dataclass(frozen=True)
class Sides:
    """What lies around a kink, entry by entry: the answer of any side lies between `low` and `high`. It is in the place
    of a `Kink` where there are too many inputs to look along each. `exists` is False where the sides are unbounded."""

    low: tuple[np.ndarray, ...]
    high: tuple[np.ndarray, ...]
    exists: bool = True

    @classmethod
    def of(cls, gradient: Gradient) -> "Sides":
        """Of a gradient in balls."""
        low = tuple(_floats(lambda ball: float(ball.lower()), part) for part in gradient)
        high = tuple(_floats(lambda ball: float(ball.upper()), part) for part in gradient)
        return cls(low, high, all(np.isfinite(part).all() for part in (*low, *high)))

    def admits(self, answer: Sequence[np.ndarray], tolerance: Sequence[np.ndarray]) -> bool:
        """Whether every entry lies between the sides, give or take its tolerance. A NaN lies nowhere."""
        rows = zip(answer, tolerance, self.low, self.high, strict=True)
        return all(bool(((got >= low - t) & (got <= high + t)).all()) for got, t, low, high in rows)

    def span(self, argument: int) -> tuple[np.ndarray, np.ndarray]:
        """The smallest and the largest side of every entry of one argument."""
        return self.low[argument], self.high[argument]


def _floats(convert: object, part: np.ndarray) -> np.ndarray:
    return np.asarray(np.frompyfunc(convert, 1, 1)(part), float).reshape(part.shape)


@dataclass(frozen=True)
class Strength:
    """How small a relative error would have been seen in one argument: in its largest entry, and in every entry that
    is not zero."""

    largest: float
    every: float


@dataclass
class Solution:
    """What is true of one cell of a tape at the traced input.

    `value` is a ball, `gradient` an object array of balls for each array of inputs. `kink` is there where there is no
    gradient: its limits. `proved` says that an exact difference along a generic direction agrees to 30 digits.
    `problem` says why nothing can be judged here; empty where it can. `ties` are the kinks and ties in words."""

    tape: Tape
    output: int
    value: arb
    gradient: Gradient
    bits: int
    evaluation: Evaluation
    ties: list[str]
    kink: Kink | Sides | None = None
    proved: bool = False
    problem: str = ""
    options: dict[str, str] = field(default_factory=dict)
    _kept: dict[tuple, Any] = field(default_factory=dict)

    def evaluated(self, **options: Any) -> Evaluation:
        """An evaluation of the tape, with equalities and triangles as they are for this gradient; not yet run."""
        return Evaluation(self.tape, **self.options, **options)

    @cached_property
    def alternatives(self) -> list["Alternative"]:
        """Other gradients that are no error but a convention; found when they are asked for."""
        return [] if self.problem else list(_alternatives(self))

    def is_unsettled(self, model: MachineModel | None = None, *, flushes: bool = False) -> bool:
        """Whether what the trace holds fixed may be otherwise, here or within rounding."""
        if self.evaluation.unsettled:
            return True
        with ctx.workprec(BOUND_PRECISION):
            rounded = self.evaluated(rounding=True, model=model, flushes=flushes).forward()
        return bool(rounded.unsettled) and not rounded.overflowed

    @cached_property
    def as_taken(self) -> "Alternative | None":
        """The gradient with what the trace holds fixed as it was found, where that may be otherwise; None where there
        is none."""
        other = _swept(self.tape, self.output, **{**self.options, "choices": "held"})
        finite = other.value.is_finite() and all(entry.is_finite() for entry in flat(other.gradient))
        return Alternative(OF_THE_CHOICE, other) if finite and _is_proved(other) else None

    @cached_property
    def twins(self) -> Twins:
        """The entries of the inputs that the program takes to be the same."""
        return twins_of(self.tape)

    def symmetrized(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Arrays like the inputs, averaged over the entries that are taken to be the same."""
        return symmetrized(self.tape, self.twins, parts)

    @cached_property
    def inputs(self) -> tuple[np.ndarray, ...]:
        """The traced inputs, in float64."""
        return tuple(self.tape.values[i.cells].reshape(i.shape).copy() for i in self.tape.inputs)

    @cached_property
    def truth(self) -> Truth:
        """The same in the form that verdicts are made from."""
        exacts = tuple(Exact.of(part) for part in self.gradient)
        return Truth(Exact.of(objects(self.value)), exacts, "agrees" if self.proved else "disagrees", self.kink)

    def bounds(self, model: MachineModel | None = None, *, flushes: bool = False) -> Bounds:
        """How far an answer may be from the truth: with each cell's own format, or with the model in the place of all.
        `flushes` says whether subnormals may be zero where no model does."""
        return self.kept(("bounds", model, flushes), lambda: self._find_bounds(model, flushes))

    def kept(self, key: tuple, find: Callable[[], Any]) -> Any:
        """What was found before under this key, or is found now."""
        if key not in self._kept:
            with ctx.workprec(BOUND_PRECISION):
                self._kept[key] = find()
        return self._kept[key]

    def _find_bounds(self, model: MachineModel | None, flushes: bool) -> Bounds:
        rounded = self.evaluated(rounding=True, model=model, flushes=flushes).forward()
        sweep = Sweep(rounded, both_sides=self.kink is not None)
        gradient = sweep.run(self.output)
        smallest = [model.format.tiny if model else FORMATS[i.format].tiny for i in self.tape.inputs]
        value = _distance(objects(rounded.cells[self.output]), objects(self.value), min(smallest, default=0.0))
        if self.kink is None:
            rows = zip(gradient, self.gradient, smallest, strict=True)
            parts = tuple(_distance(balls, true, tiny) for balls, true, tiny in rows)
        else:
            rows = zip(gradient, self._enclosed, smallest, strict=True)
            parts = tuple(_beyond(balls, sides, tiny) for balls, sides, tiny in rows)
        return Bounds(value, parts, _out_of_range(rounded, (value, *parts)), bool(rounded.undecided_at))

    @cached_property
    def _enclosed(self) -> Gradient:
        """The gradients of all sides of the ties here, enclosed."""
        with ctx.workprec(self.bits):
            return Sweep(self.evaluation, both_sides=True).run(self.output)

    def caught(self, bounds: Bounds) -> tuple[Strength, ...]:
        """How small a relative error these bounds would have let be seen, for each argument."""
        widths = [0.0 if self.kink is None else np.ptp(self.kink.span(i), axis=0) for i in range(len(self.gradient))]
        rows = zip(self.truth.gradient, bounds.gradient, widths, strict=True)
        return tuple(_strength(true.high, bound + width) for true, bound, width in rows)

    def hvp(self, direction: Sequence[np.ndarray]) -> "HessianProduct":
        """The product of the Hessian with a direction, an array for each array of inputs."""
        return HessianProduct(self, tuple(np.asarray(v, float) for v in direction))


@dataclass(frozen=True)
class Alternative:
    """A gradient that is not the function's own, and lawful all the same; `told` says why it is."""

    told: str
    solution: "Solution | HessianProduct"


OF_THE_BRANCH = (
    "a number that is differentiated is compared by ==, and is equal: "
    "the gradient is that of the branch taken, as if the comparison were fixed"
)

OF_THE_CHOICE = (
    "an order, a place or a branch is used where entries tie, or are one within rounding: "
    "the gradient is that of the choice that was made"
)

OF_BOTH_TRIANGLES = (
    "one triangle of a matrix is read, and the other taken to be the same: "
    "the gradient is that of a symmetric matrix, spread over both triangles"
)


def _alternatives(found: Solution) -> Iterator[Alternative]:
    equal, unequal = (Evaluation(found.tape, equalities=e).forward().truths for e in ("held", "beside"))
    if (equal != unequal).any():
        yield from _alternative(found, OF_THE_BRANCH, equalities="held")
    mirrors = [instruction for instruction in found.tape.instructions if instruction.kind == "mirror"]
    if mirrors:
        yield from _alternative(found, OF_BOTH_TRIANGLES, **{**found.options, "triangles": "halves"})
    if any(mirror.name == "whole" for mirror in mirrors):
        yield from _alternative(found, OF_BOTH_TRIANGLES, **{**found.options, "triangles": "own"})


def _alternative(found: Solution, told: str, **options: str) -> Iterator[Alternative]:
    """The gradient of a sweep with other options, unless it is that which is known."""
    other = _swept(found.tape, found.output, **options)
    known = found.kink is None and _same(other.gradient, found.gradient)
    if known or not all(entry.is_finite() for entry in flat(other.gradient)):
        return
    if _is_proved(other):
        yield Alternative(told, other)


def _is_proved(other: Solution) -> bool:
    """Whether a gradient with other options is one; where there is a tie, its sides are."""
    if not other.ties:
        return _Examination(other)._agrees(exact.generic_direction(other.inputs))
    other.kink = Sides.of(other._enclosed)
    return other.kink.exists


def solve(tape: Tape, output: Cells, *, prove: bool = True) -> Solution:
    """The value and the gradient of one cell of a tape, certain to 33 digits. Raises `Untraceable` if it depends on an
    output of an operation that has no rule."""
    if output.size != 1:
        raise ValueError(f"the output must be one cell; it has the shape {output.shape}: contract it first")
    tape.refuse_poisoned(output)
    found = _swept(tape, int(output.numbers.reshape(-1)[0]))
    if not found.value.is_finite():
        found.problem = f"the function is not finite here: it is {found.value}"
    elif found.evaluation.unsettled:
        found.problem = f"what the trace holds fixed may be otherwise right here: {found.evaluation.unsettled}"
    else:
        _Examination(found).examine(prove)
    return found


def _swept(tape: Tape, output: int, **options: str) -> Solution:
    bits = exact.FIRST_PRECISION
    while True:
        with ctx.workprec(bits):
            evaluation = Evaluation(tape, **options).forward()
            sweep = Sweep(evaluation)
            gradient = sweep.run(output)
            value = evaluation.cells[output]
            # Vectors of eigenvalues that are one are not told apart by any precision.
            open_ = any(tape.instructions[at].kind == "call" for at in evaluation.jumps)
            if bits >= exact.LAST_PRECISION or open_ or exact.certain([value, *flat(gradient)]):
                ties = list(dict.fromkeys(sweep.kinks))
                return Solution(tape, output, value, gradient, bits, evaluation, ties, options=options)
        # What is not certain by now is mostly a zero that cancels, which takes as many bits as count as nothing.
        bits *= 4


class _Examination:
    """Whether a swept gradient is one: proved where the function is smooth, its limits found where it is not."""

    def __init__(self, found: Solution) -> None:
        self.found, self.tape = found, found.tape
        self.bits = max(exact.FIRST_PRECISION, found.bits)
        self._kink: Kink | Sides | None = None

    def examine(self, prove: bool) -> None:
        found = self.found
        finite = all(entry.is_finite() for entry in flat(found.gradient))
        if found.ties or not finite:
            self._look_around(finite)
        elif prove:
            found.proved = self._agrees(exact.generic_direction(found.inputs))
            if not found.proved:
                found.problem = AT_AN_EDGE if self._sides_differ() else OUR_MISTAKE

    # Proof

    def _agrees(self, generic: exact.Direction, one_sided: bool = False) -> bool:
        """Whether the difference along a generic direction is the gradient's, to 30 digits; to either side if asked."""
        direction = levelled(self.found.gradient, generic)
        bits = self.bits
        while True:
            with ctx.workprec(bits):
                answer = self._sides_agree(direction) if one_sided else self._center_agrees(direction)
            if answer is not None or bits >= exact.LAST_PRECISION:
                return bool(answer)
            # A step that is tiny, because some input is, takes more bits to be seen.
            bits *= 4

    def _center_agrees(self, direction: exact.Direction) -> bool | None:
        """The same of the central difference; None where this precision cannot tell."""
        frozen, h = self._frozen(), exact.step(self.found.inputs)
        total, size = _along(self.found.gradient, direction)
        tolerance = exact.AGREEMENT * size.abs_upper() + exact.NOTHING
        ahead, behind = (self._value_along(direction, step, frozen) for step in (h, -h))
        gap = total - (ahead - behind) / (2 * h)
        if not gap.is_finite() or bool(abs(gap).abs_upper() <= tolerance):
            return gap.is_finite()
        if bool(arb(gap.rad()) > tolerance):
            return None
        # What doubling the step changes is three times the truncation error, where the function is smooth.
        ahead, behind = (self._value_along(direction, step, frozen) for step in (2 * h, -2 * h))
        doubled = total - (ahead - behind) / (4 * h)
        return bool(abs(gap).abs_upper() <= tolerance + 2 * abs(doubled - gap).abs_upper())

    def _sides_agree(self, direction: exact.Direction) -> bool | None:
        """The same of the differences ahead and behind, to what the step itself changes."""
        frozen, h = self._frozen(), exact.step(self.found.inputs)
        total, size = _along(self.found.gradient, direction)
        tolerance = SMOOTH * size.abs_upper() + exact.NOTHING
        here, ahead, behind = (self._value_along(direction, step, frozen) for step in (ZERO, h, -h))
        gaps = total - (ahead - here) / h, total - (here - behind) / h
        if all(bool(abs(gap).abs_upper() <= tolerance) for gap in gaps):
            return True
        return None if any(gap.is_finite() and bool(arb(gap.rad()) > tolerance) for gap in gaps) else False

    def _frozen(self) -> dict[int, Any] | None:
        """What is frozen at the traced input, to the precision at hand."""
        return self.found.evaluated().forward().kept if self.found.evaluation.kept else None

    def _value_along(self, direction: exact.Direction, distance: arb, frozen: dict[int, Any] | None) -> arb:
        return self._value(_moved(exact_inputs(self.tape), direction, distance), frozen)

    def _value(self, inputs: Gradient, frozen: dict[int, Any] | None) -> arb:
        """The value at other inputs; what is frozen stays."""
        return self.found.evaluated(frozen=frozen).forward(inputs).cells[self.found.output]

    # Kinks

    def _look_around(self, finite: bool) -> None:
        found = self.found
        if finite and self._agrees_on_all_sides():
            found.proved = sum(x.size for x in found.inputs) > PROBED or self._probed() is None
            found.kink = None if found.proved else self._kink
            return
        if self._is_smooth_beside():
            return
        if sum(x.size for x in found.inputs) > PROBED:
            self._kink = Sides.of(found._enclosed)
        else:
            self._probed()
        if self._kink is None:
            self._settle_without_kink()
        found.kink = self._kink

    def _agrees_on_all_sides(self) -> bool:
        looks = [exact.generic_direction(self.found.inputs, seed) for seed in range(LOOKS)]
        return all(self._agrees(d, one_sided=True) for d in looks) and self._agrees(looks[0])

    def _is_smooth_beside(self) -> bool:
        """Whether the function has the derivative of the branch beside an equality, which is then found: where(x == 0,
        0, x log y)."""
        found = self.found
        if not any(found.evaluation.ties_at(i) for i in self.tape.instructions if i.name in ("eq", "ne")):
            return False
        beside = _swept(found.tape, found.output, equalities="beside")
        if not all(entry.is_finite() for entry in flat(beside.gradient)):
            return False
        own, found.gradient = found.gradient, beside.gradient
        few = sum(x.size for x in found.inputs) <= PROBED
        found.proved = self._agrees_on_all_sides() and not (few and self._probed() is not None)
        if not found.proved:
            found.gradient = own
            return False
        found.evaluation, found.options, found.bits = beside.evaluation, beside.options, beside.bits
        return True

    def _probed(self) -> Kink | None:
        self._kink = probe(self.found.inputs, self._gradient_at)
        return self._kink

    def _gradient_at(self, direction: exact.Direction, distance: arb) -> Gradient | None:
        """The gradient beside the inputs; None outside the domain and on another kink."""
        with ctx.workprec(self.bits):
            found, tied = self._sweep_at(direction, distance)
            if found is None or not tied:
                return found
            # A tie as far away as this: of what is equal everywhere, or another kink, which has no gradient.
            nudge = np.frompyfunc(lambda v, noise: exact.ball(v) + arb(float(noise)) * NUDGE, 2, 1)
            generic = exact.generic_direction(self.found.inputs)
            nudged = tuple(objects(nudge(v, n)) for v, n in zip(direction, generic, strict=True))
            other, _ = self._sweep_at(nudged, distance)
            return found if other is not None and _same(found, other) else None

    def _sweep_at(self, direction: exact.Direction, distance: arb) -> tuple[Gradient | None, bool]:
        moved = _moved(exact_inputs(self.tape), direction, distance)
        evaluation = Evaluation(self.tape).forward(moved)
        if not evaluation.cells[self.found.output].is_finite():
            return None, False
        sweep = Sweep(evaluation)
        gradient = sweep.run(self.found.output)
        if not all(entry.is_finite() for entry in flat(gradient)):
            # A root of what is zero wherever one looks, as the deviation of one entry, has no slope.
            gradient = self._differences(moved, distance * arb(2) ** -exact.STEP_BITS)
        return gradient, bool(sweep.kinks)

    def _settle_without_kink(self) -> None:
        """The gradients around have one limit, and the sweep's is another, or it was not proved."""
        found = self.found
        if self._jumps():
            limits = self._limit_beside()
            self._kink = None if limits is None else Sides.of(self._or_of_the_branch(limits))
            found.problem = "" if limits is not None else "the function jumps here, and has no gradient beside the jump"
            return
        limits = self._without_the_error_of_the_step(self._certain_differences(exact.step(found.inputs)))
        if not (exact.certain(flat(limits)) and all(e.is_finite() for e in flat(limits))):
            found.problem = "there is a tie here, and no derivative could be proved"
            found.problem += f": {found.ties[0]}" if found.ties else ""
            return
        if _same(found.gradient, limits):
            found.proved = True
            return
        if all(e.is_finite() for e in flat(found.gradient)):
            self._kink = Sides.of(self._or_of_the_branch(limits))
        found.gradient, found.proved = limits, True

    def _sides_differ(self) -> bool:
        """Whether the differences to either side are not one slope: at the end of a domain, as for acos at 1."""
        with ctx.workprec(self.bits):
            direction, h = exact.generic_direction(self.found.inputs), exact.step(self.found.inputs)
            here, ahead, behind = (self._value_along(direction, step, self._frozen()) for step in (ZERO, h, -h))
            gap, size = ahead - 2 * here + behind, abs(ahead - here) + abs(here - behind)
            return not (gap.is_finite() and bool(abs(gap).abs_upper() <= SMOOTH * size.abs_upper() + exact.NOTHING))

    def _or_of_the_branch(self, limits: Gradient) -> Gradient:
        """The limits, or the derivative of the branch that is taken, which may be another than the function's: that of
        where(x == 0, 0, x) at 0, or of heaviside(x, y) in y. Whoever differentiates the branch keeps to the convention
        that every framework has."""
        own = self.found.gradient
        if not all(e.is_finite() for e in flat(own)):
            return limits
        either = np.frompyfunc(arb.union, 2, 1)
        return [objects(either(p, q)) for p, q in zip(own, limits, strict=True)]

    def _jumps(self) -> bool:
        with ctx.workprec(self.bits):
            value, h = self.found.value, exact.step(self.found.inputs)
            direction = exact.generic_direction(self.found.inputs)
            slack = CONTINUOUS * (1 + abs(value).abs_upper())
            sides = (self._value_along(direction, step, self._frozen()) for step in (h, -h))
            return not all(bool(abs(side - value).abs_upper() <= slack) for side in sides)

    def _limit_beside(self) -> Gradient | None:
        """The limit of the gradient to one side: it is no farther from what stands close by than that is from what
        stands far off, and zero where coming closer makes it so much smaller."""
        far_off = exact.step(self.found.inputs)
        for seed in range(LOOKS):
            direction = exact.generic_direction(self.found.inputs, seed)
            far, near = (self._gradient_at(direction, distance) for distance in (far_off, far_off * CLOSER))
            if far is None or near is None or not all(e.is_finite() for e in (*flat(far), *flat(near))):
                continue
            with ctx.workprec(self.bits):
                return [objects(np.frompyfunc(_limit, 2, 1)(p, q)) for p, q in zip(far, near, strict=True)]
        return None

    def _certain_differences(self, h: arb) -> Gradient:
        bits = self.bits
        while True:
            with ctx.workprec(bits):
                limits = self._differences(exact_inputs(self.tape), h)
                if bits >= exact.LAST_PRECISION or exact.certain(flat(limits)):
                    return limits
            # A derivative of zero takes as many bits as count as nothing.
            bits *= 4

    def _without_the_error_of_the_step(self, limits: Gradient) -> Gradient:
        """The limits, with 0 for what goes to zero with the step, as the difference of x |x| at 0."""
        if not any(map(exact.suspect, flat(limits))):
            return limits
        finer, finest = map(self._certain_differences, exact.finer_steps(self.found.inputs))
        with ctx.workprec(self.bits):
            rows = zip(limits, finer, finest, strict=True)
            return [objects(np.frompyfunc(exact.settled, 3, 1)(*parts)) for parts in rows]

    def _differences(self, at: Gradient, h: arb) -> Gradient:
        """Every entry by its own central difference: the definition itself."""
        parts, frozen = [], self._frozen()
        for argument, x in enumerate(at):
            part = np.empty(x.shape, dtype=object)
            for index in np.ndindex(*x.shape):
                unit = exact.unit(self.found.inputs, argument, index)
                ahead, behind = (self._value(_moved(at, unit, step), frozen) for step in (h, -h))
                part[index] = (ahead - behind) / (2 * h)
            parts.append(part)
        return parts


def _limit(far: arb, near: arb) -> arb:
    """Where a number goes that is `far` at some distance and `near` at a 2^40th part of it."""
    if bool(abs(near).abs_upper() <= VANISHING * abs(far).abs_upper()):
        return ZERO
    return near + (near - far) * arb(0, 1)


def _moved(inputs: Sequence[np.ndarray], direction: Sequence[np.ndarray], distance: arb) -> Gradient:
    """Inputs in balls, moved along a direction."""
    move = np.frompyfunc(lambda x, v: x + exact.ball(v) * distance, 2, 1)
    return [objects(move(x, v)) for x, v in zip(inputs, direction, strict=True)]


def _along(gradient: Gradient, direction: exact.Direction) -> tuple[arb, arb]:
    """The derivative along a direction, and the size of its terms."""
    pairs = zip(flat(gradient), (v for part in direction for v in part.flat), strict=True)
    terms = [entry * arb(float(v)) for entry, v in pairs]
    return sum(terms, ZERO), sum((abs(term) for term in terms), ZERO)


def _same(ours: Gradient, theirs: Gradient) -> bool:
    if not all(p.is_finite() for p in flat(ours)):
        return False
    largest = max((abs(q).abs_upper() for q in flat(theirs)), default=ZERO)
    pairs = zip(flat(ours), flat(theirs), strict=True)
    return all(bool(abs(p - q).abs_upper() <= exact.AGREEMENT * largest) for p, q in pairs)


def _distance(balls: np.ndarray, truth: np.ndarray, tiny: float) -> np.ndarray:
    """How far an answer within `balls` may be from the truth, entry by entry, slack and underflow included."""
    # float() rounds to nearest: one more part in 2**50 keeps the bound a bound.
    upper = np.frompyfunc(lambda ball, true: float(abs(ball - true).abs_upper()), 2, 1)
    return _slackened(np.asarray(upper(balls, truth), float).reshape(balls.shape), tiny)


def _beyond(balls: np.ndarray, sides: np.ndarray, tiny: float) -> np.ndarray:
    """How far an answer within `balls` may be outside the sides of a kink."""

    def outside(ball: arb, side: arb) -> float:
        if not (ball.is_finite() and side.is_finite()):
            return math.inf
        return max(float((side.lower() - ball.lower()).upper()), float((ball.upper() - side.upper()).upper()), 0.0)

    return _slackened(np.asarray(np.frompyfunc(outside, 2, 1)(balls, sides), float).reshape(balls.shape), tiny)


def _slackened(radius: np.ndarray, tiny: float) -> np.ndarray:
    return SLACK * np.where(np.isnan(radius), math.inf, radius) * (1 + 2.0**-50) + tiny


def _out_of_range(rounded: Evaluation, bounds: Sequence[np.ndarray]) -> str:
    if rounded.overflowed:
        return f"an intermediate result overflows {rounded.overflowed}"
    if rounded.unsettled:
        return f"rounding can change what the trace holds fixed: {rounded.unsettled}"
    if not all(np.isfinite(bound).all() for bound in bounds):
        return "rounding or underflow can move a divisor or an argument out of its domain"
    return ""


def _strength(truth: np.ndarray, bound: np.ndarray) -> Strength:
    sizes = np.abs(truth)
    live = np.isfinite(sizes) & (sizes > 0)
    if not live.any():
        return Strength(math.nan, math.nan)
    relative = bound[live] / sizes[live]
    return Strength(float(relative[np.argmax(sizes[live])]), float(relative.max()))


class HessianProduct:
    """The Hessian times a direction v: the change of the gradient along v, by its exact central difference.

    `product` is an object array of balls for each array of inputs. `problem` says why there is none; empty where there
    is one. Its bounds come from a second pass, the same sweep on series x + t v with the machine model."""

    def __init__(self, first: Solution, direction: exact.Direction) -> None:
        self.first, self.direction = first, direction
        self.product: Gradient = [np.full(x.shape, arb("nan"), dtype=object) for x in first.inputs]
        self.problem = first.problem or ("a kink" if first.kink is not None else "")
        if not self.problem:
            self._find()

    @cached_property
    def alternatives(self) -> list[Alternative]:
        """The same of the other gradients that are lawful."""
        others = ((a.told, HessianProduct(a.solution, self.direction)) for a in self.first.alternatives)
        return [Alternative(told, other) for told, other in others if not other.problem]

    def _find(self) -> None:
        bits = exact.FIRST_PRECISION
        while True:
            with ctx.workprec(bits):
                central, gap = self._quotients()
                if bits >= exact.LAST_PRECISION or exact.certain(flat(central)):
                    break
            bits *= 2
        size = max((abs(e).abs_upper() for e in flat(central)), default=ZERO)
        self.product = central
        if not all(bool(g.abs_upper() <= SMOOTH * size + exact.NOTHING) for g in flat(gap)):
            self.problem = "a kink of the gradient"

    def _quotients(self) -> tuple[Gradient, Gradient]:
        """The central quotient of gradients, and how far ahead and behind differ."""
        h = exact.step(self.first.inputs)
        frozen = self.first.evaluated().forward().kept
        behind, here, ahead = (self._gradient(distance, frozen) for distance in (-h, ZERO, h))
        central = [objects((a - b) / (2 * h)) for a, b in zip(ahead, behind, strict=True)]
        gap = [objects((a - 2 * m + b) / h) for a, m, b in zip(ahead, here, behind, strict=True)]
        return central, gap

    def _gradient(self, distance: arb, frozen: dict[int, Any]) -> Gradient:
        moved = _moved(exact_inputs(self.first.tape), self.direction, distance)
        return Sweep(self.first.evaluated(frozen=frozen).forward(moved)).run(self.first.output)

    @cached_property
    def truth(self) -> Truth:
        """The value, and this product in the place of the gradient, in the form that verdicts are made from."""
        speeds = [float(np.abs(v).max(initial=0.0)) for v in self.direction]
        natural = tuple(g * speed for g, speed in zip(self.first.truth.scale, speeds, strict=True))
        exacts = tuple(Exact.of(part) for part in self.product)
        return Curvature(self.first.truth.value, exacts, self.first.truth.hand, None, natural)

    def bounds(self, model: MachineModel | None = None, *, flushes: bool = False) -> Bounds:
        """How far an answer may be from the product."""
        first = self.first.bounds(model, flushes=flushes)
        unknown = tuple(np.full(x.shape, math.inf) for x in self.first.inputs)
        if first.out_of_range or self.problem:
            return Bounds(first.value, unknown, first.out_of_range or self.problem)
        with ctx.workprec(BOUND_PRECISION):
            try:
                narrow = model or self._narrowest(flushes)
                evaluation = self.first.evaluated(rounding=True, model=narrow, flushes=flushes, series=True)
                rounded, second = self.second_pass(evaluation)
            except NoSecondDerivative as error:
                return Bounds(first.value, unknown, str(error))
            smallest = [model.format.tiny if model else FORMATS[i.format].tiny for i in self.first.tape.inputs]
            # A second derivative is a change of the gradient. Where that is nothing, because terms cancel that another
            # program does not even form (tanh'' at 0), what is left is the gradient's rounding over a change of 1.
            speed = max((float(np.abs(v).max(initial=0.0)) for v in self.direction), default=0.0)
            rows = zip(second, self.product, smallest, first.gradient, strict=True)
            parts = tuple(_distance(balls, true, tiny) + speed * noise for balls, true, tiny, noise in rows)
        return Bounds(first.value, parts, _out_of_range(rounded, parts), bool(rounded.undecided_at))

    def _narrowest(self, flushes: bool) -> MachineModel | None:
        """The narrowest format where there are several. A program of second order may round each of the terms of an
        adjoint to the narrow format of its cell, and they may cancel: after a sweep on series they are one number."""
        tape = self.first.tape
        codes = np.unique(tape.format_codes[: tape.cell_count][tape.active[: tape.cell_count]])
        formats = [FORMATS[FORMAT_NAMES[code]] for code in codes]
        return MachineModel(min(formats, key=lambda f: f.precision), flushes) if len(formats) > 1 else None

    def second_pass(self, evaluation: Evaluation) -> tuple[Evaluation, Gradient]:
        """The product by the sweep on series. Raises `NoSecondDerivative`."""
        evaluation.forward(moving(exact_inputs(self.first.tape), self.direction))
        swept = Sweep(evaluation).run(self.first.output)
        slopes = np.frompyfunc(first_coefficient, 1, 1)
        return evaluation, [objects(slopes(part)) for part in swept]
