"""The reference of one input: its true value and gradient, and how far from them an answer in a given format may be.

The truth is the hand-derived gradient at high precision, and it is never used unproven: at every input it must first
agree with the exact difference along a generic direction. Where it does not, or where there is none, the exact
differences of every entry take its place. Both are computed once per input and shared by all backends, devices and
formats."""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
from flint import arb, ctx

from gradproof.oracles import exact
from gradproof.oracles.balls import (
    BallArithmetic,
    Balls,
    TaylorArithmetic,
    Ties,
    depends,
    first_coefficient,
    objects,
)
from gradproof.oracles.kept import Kept
from gradproof.oracles.kinks import Kink, beside, probe
from gradproof.oracles.machine_model import SLACK, MachineModel
from gradproof.registry import Function, Inputs, NotFinite

LEVEL_LIMIT = 1000
"""The largest power of two by which the entries of a direction differ."""

BOUND_PRECISION = 256
KINK_ROUNDINGS = 8
"""At a kink an answer is a choice among limits, and may be off them by this many roundings of the largest."""

NUDGE = arb(2) ** -140
"""A point that lies on a kink leaves it when its direction turns by so much."""

CONTINUOUS = arb(2) ** -64
"""A value that changes by more within a step of 2**-128, or by the square of this much of itself, has jumped."""

TOUCH = arb(2) ** -300
"""Inputs that are wide by this much of their size are wide enough for what ties to overlap, and for nothing else."""


@dataclass(frozen=True)
class Exact:
    """An array of real numbers, held as the unevaluated sum `high + low` of two float64 arrays: 32 digits."""

    balls: np.ndarray
    high: np.ndarray
    low: np.ndarray

    @classmethod
    def of(cls, balls: np.ndarray) -> "Exact":
        """From an object array of balls: their midpoints."""
        with ctx.workprec(exact.FIRST_PRECISION):
            high = balls.astype(float)
            rest = np.frompyfunc(lambda ball, h: float(ball - arb(float(h))) if math.isfinite(h) else 0.0, 2, 1)
            return cls(balls, high, np.asarray(rest(balls, high), dtype=float))

    def distance(self, got: np.ndarray) -> np.ndarray:
        """|got - truth|, entry by entry; NaN where `got` is NaN."""
        with np.errstate(invalid="ignore", over="ignore"):
            return np.abs((got.astype(np.float64) - self.high) - self.low)


@dataclass(frozen=True)
class Truth:
    """What is true at one input.

    `hand` is "agrees", "disagrees" or "absent". `kink` is there where the function has no gradient; `gradient` is then
    just what the hand-derived formula gives, and it may be NaN. `scale` is the size, per argument, against which lost
    digits are told from a wrong formula: that of the largest entry. `order` is that of the derivative."""

    value: Exact
    gradient: tuple[Exact, ...]
    hand: str
    kink: Kink | None
    order: ClassVar[int] = 1

    @cached_property
    def scale(self) -> tuple[float, ...]:
        """The largest true entry of each argument's gradient, in size."""
        return tuple(float(np.abs(part.high).max(initial=0.0)) for part in self.gradient)


@dataclass(frozen=True)
class Bounds:
    """How far from the truth an answer may be, per entry: the slack factor times the radius, and the smallest normal
    number, because nobody promises digits below it.

    `out_of_range` says why the input cannot be judged in this format; empty where it can. `near_kink` is True where
    the input is within rounding of a kink, so that the bounds hold the answers of both sides. Where it is at a kink and
    within rounding of another as well, `sides` are the smallest and the largest gradient that any choice gives.
    `to_first_order` is True where the bounds are those of the first order in the roundings, not of all orders."""

    value: np.ndarray
    gradient: tuple[np.ndarray, ...]
    out_of_range: str
    near_kink: bool = False
    sides: tuple[tuple[np.ndarray, np.ndarray], ...] = ()
    to_first_order: bool = False


def rows_of(batch: Inputs) -> list[Inputs]:
    """The inputs of a batch, one by one."""
    return [tuple(np.asarray(x[i]) for x in batch) for i in range(len(batch[0]))]


class Reference:
    """The truths and bounds of one function, computed on demand and kept."""

    def __init__(self, function: Function) -> None:
        function.check()
        self.function = function
        self.kept = Kept(function)

    def truth(self, inputs: Inputs) -> Truth:
        """The truth at `inputs`. Raises `RegistryError` when the function is not finite there."""
        return self.kept.found("truth", inputs, lambda: self._find_truth(inputs))

    def bounds(self, inputs: Inputs, model: MachineModel) -> Bounds:
        """The bounds at `inputs` on a machine of this model."""
        return self.kept.found(("bounds", model), inputs, lambda: self._find_bounds(inputs, model))

    def constant_in(self, inputs: Inputs) -> tuple[str, ...]:
        """The arguments that the body does not depend on to first order, whatever they are multiplied by: it compares
        them, rounds them to integers, or leaves them out."""
        return self.kept.found("constant in", inputs, lambda: self._find_constant(inputs))

    def _find_constant(self, inputs: Inputs) -> tuple[str, ...]:
        on, generic = TaylorArithmetic(), exact.generic_direction(inputs)
        still = [on.inputs(x) for x in inputs]
        moving = [on.moving(x, v) for x, v in zip(still, generic, strict=True)]
        found = []
        for i, name in enumerate(self.function.domains):
            value = exact.body_value(self.function, on, [*still[:i], moving[i], *still[i + 1 :]])
            if not depends(value):
                found.append(name)
        return tuple(found)

    def values(self, batch: Inputs) -> np.ndarray:
        """The exact values of a batch of inputs, rounded to float64; NaN outside the function's domain."""
        with ctx.workprec(BOUND_PRECISION):
            return np.array([float(self._value_at(row)) for row in rows_of(batch)])

    def value_bound(self, batch: Inputs, model: MachineModel) -> float:
        """How far the value at any of a batch of inputs may be off, of those at which it has a finite bound."""
        with ctx.workprec(BOUND_PRECISION):
            bounds = [self._value_bound_at(row, model) for row in rows_of(batch)]
        return max(filter(math.isfinite, bounds), default=0.0)

    def _value_bound_at(self, inputs: Inputs, model: MachineModel) -> float:
        on = BallArithmetic(model)
        rounded = exact.body_value(self.function, on, [on.inputs(x) for x in inputs])
        return float(distance(objects(rounded), objects(self._value_at(inputs)), model))

    def _value_at(self, inputs: Inputs) -> arb:
        on = BallArithmetic()
        return exact.body_value(self.function, on, [on.inputs(x) for x in inputs])

    # Truth

    def _find_truth(self, inputs: Inputs) -> Truth:
        value, ties = self._value(inputs)
        exact_value = Exact.of(np.array(value, dtype=object))
        hand, hand_ties = (
            exact.precise_hand_gradient(self.function, inputs) if self.function.hand is not None else (None, False)
        )
        undefined = hand is not None and not all(e.is_finite() for part in hand for e in part.flat)
        if ties or hand_ties or undefined:
            around = _Around(self.function, inputs)
            kink = probe(inputs, around.gradient_at)
            jumps = self._jumps(inputs, value)
            if kink is None and jumps:
                kink = beside(inputs, around.gradient_at)
            if kink is not None:
                kink.jumps = jumps
                gradient = hand if hand is not None else self._differences(inputs)
                return Truth(exact_value, _exacts(gradient), "absent" if hand is None else "agrees", kink)
        self._check_flatness(hand)
        if hand is not None and self.hand_agrees(inputs, hand):
            return Truth(exact_value, _exacts(hand), "agrees", None)
        return Truth(exact_value, _exacts(self._differences(inputs)), "absent" if hand is None else "disagrees", None)

    def _jumps(self, inputs: Inputs, value: arb) -> bool:
        """Whether the value beside the inputs is another, however near."""
        with ctx.workprec(exact.FIRST_PRECISION):
            generic, h = exact.generic_direction(inputs), exact.step(inputs)
            sides = [self._value_beside(inputs, generic, distance) for distance in (h, -h)]
            slack = CONTINUOUS * (1 + CONTINUOUS * abs(value).abs_upper())
            # Certainly another: beside equal eigenvalues a value is known to fewer digits, and is no jump for that.
            return any(side.is_finite() and abs(side - value).abs_lower() > slack for side in sides)

    def _value_beside(self, inputs: Inputs, direction: exact.Direction, distance: arb) -> arb:
        on = BallArithmetic()
        return exact.body_value(self.function, on, exact.displaced(on, inputs, direction, distance))

    def _check_flatness(self, hand: list[np.ndarray] | None) -> None:
        for (name, domain), part in zip(self.function.domains.items(), hand or (), strict=False):
            if domain.flat and not all(entry.is_zero() for entry in part.flat):
                raise self.function.error(f"{name} is declared flat, and the hand-derived gradient for it is not zero")

    def _differences(self, inputs: Inputs) -> list[np.ndarray]:
        return [exact.quotients(part) for part in exact.gradient(self.function, inputs)]

    def _value(self, inputs: Inputs) -> tuple[arb, bool]:
        def compute() -> tuple[arb, bool]:
            on = BallArithmetic()
            value = exact.body_value(self.function, on, [on.inputs(x) for x in inputs])
            return value, on.at_kink

        value, ties = exact.precisely(compute, lambda result: exact.certain([result[0]]))
        if not value.is_finite():
            kind = "nan" if value.is_nan() else "infinite"
            told = f"the function is not finite at {describe(self.function, inputs)}: it is {kind}"
            raise NotFinite(f"{self.function.name} ({self.function.where}): {told}. {NotFinite.CURE}")
        return value, ties

    def hand_agrees(self, inputs: Inputs, hand: list[np.ndarray]) -> bool:
        """Whether the hand-derived gradient has the exact difference along a generic direction, to 30 digits."""
        direction = levelled(hand, exact.generic_direction(inputs))
        difference = exact.directional(self.function, inputs, direction)
        if not difference.quotient.is_finite():
            # On the edge of the domain: it leads out of it to either side.
            direction = exact.inward(self.function, inputs, direction)
            difference = exact.directional(self.function, inputs, direction)
        with ctx.workprec(exact.FIRST_PRECISION):
            terms = [
                e * arb(float(v))
                for part, along in zip(hand, direction, strict=True)
                for e, v in zip(part.flat, along.flat, strict=True)
            ]
            size = sum((abs(term) for term in terms), arb(0))
            return difference.agrees_with(sum(terms, arb(0)), size)

    # Bounds

    @ctx.workprec(BOUND_PRECISION)
    def _find_bounds(self, inputs: Inputs, model: MachineModel) -> Bounds:
        truth = self.truth(inputs)
        forward = BallArithmetic(model)
        value = np.array(exact.body_value(self.function, forward, [forward.inputs(x) for x in inputs]), dtype=object)
        value_bound = distance(value, truth.value.balls, model)
        if truth.kink is not None:
            return self._bounds_at_kink(inputs, model, truth, value_bound, forward)
        gradient, backward = self._rounded_gradient(inputs, model, truth.hand)
        bounds = tuple(distance(ball, t.balls, model) for ball, t in zip(gradient, truth.gradient, strict=True))
        problem = range_problem((forward, backward), model, (value_bound, *bounds))
        return Bounds(value_bound, bounds, problem, forward.undecided or backward.undecided)

    def _rounded_gradient(
        self, inputs: Inputs, model: MachineModel, hand: str, ties: Ties | None = None
    ) -> tuple[list[np.ndarray], BallArithmetic]:
        """The gradient with the rounding of the model, and the evaluation that noted what happened on the way."""
        if hand == "agrees":
            on = BallArithmetic(model, ties)
            return exact.hand_gradient(self.function, on, [on.inputs(x) for x in inputs]), on
        series = TaylorArithmetic(model, ties)
        return taylor_gradient(self.function, series, [series.inputs(x) for x in inputs]), series

    def _bounds_at_kink(
        self, inputs: Inputs, model: MachineModel, truth: Truth, value_bound: np.ndarray, forward: BallArithmetic
    ) -> Bounds:
        """The bounds where something ties. What ties is taken as the truth takes it, for its other sides are limits;
        what rounding decides besides, it may decide either way."""
        assert truth.kink is not None
        body, derivation = self._ties(inputs, truth.hand)
        gradient, backward = self._rounded_gradient(inputs, model, truth.hand, Ties(derivation, both=False))
        beside = BallArithmetic(model, Ties(body, both=False))
        exact.body_value(self.function, beside, [beside.inputs(x) for x in inputs])
        bounds = tuple(_kink_bound(limits, model) for limits in truth.kink.limits)
        ambiguous = backward.ambiguous or beside.ambiguous
        if not ambiguous:
            rows = zip(bounds, gradient, truth.gradient, strict=True)
            bounds = tuple(_with_rounding(bound, balls, true, truth.hand, model) for bound, balls, true in rows)
        problem = range_problem((forward, backward, beside), model, (value_bound, *bounds))
        if any(map(model.may_flush, inputs)):
            problem = problem or f"a kink next to a number that is subnormal in {model.format.name}, and may be flushed"
        undecided = backward.undecided or beside.undecided
        sides = ()
        if (undecided or truth.kink.jumps) and not ambiguous:
            either, _ = self._rounded_gradient(inputs, model, truth.hand, Ties(derivation, both=True))
            sides = tuple(_sides(part, bound) for part, bound in zip(either, bounds, strict=True))
        return Bounds(value_bound, bounds, problem, forward.undecided or undecided, sides)

    @ctx.workprec(exact.FIRST_PRECISION)
    def _ties(self, inputs: Inputs, hand: str) -> tuple[list, list]:
        """What ties on the way to the value, and on the way to the gradient, each in the order in which it is asked."""
        body, derivation = BallArithmetic(), BallArithmetic()
        touched = np.frompyfunc(lambda v: arb(v, (abs(arb(v)) if v else arb(exact.scale(inputs))) * TOUCH), 1, 1)
        wide = [objects(touched(x)) for x in inputs]
        exact.body_value(self.function, body, [Balls(x, body) for x in wide])
        if hand != "agrees":
            return body.questions, body.questions
        exact.hand_gradient(self.function, derivation, [Balls(x, derivation) for x in wide])
        return body.questions, derivation.questions


@dataclass
class _Around:
    """The gradient beside one input, at which there is none or may be none.

    The hand-derived gradient is quicker than Taylor arithmetic, but here as well it must first be proved by it: whether
    it was, is the one entry of `proved`."""

    function: Function
    inputs: Inputs
    proved: list[bool] = field(default_factory=list)

    def gradient_at(self, direction: exact.Direction, distance: arb) -> list[np.ndarray] | None:
        """The exact gradient `distance` times `direction` from the input; None outside the function's domain."""
        with ctx.workprec(exact.FIRST_PRECISION):
            on = BallArithmetic()
            moved = exact.displaced(on, self.inputs, direction, distance)
            if not exact.body_value(self.function, on, moved).is_finite():
                return None
            found = self._gradient(moved, distance)
            if not on.at_kink:
                return found
            # A tie as far away as this: of what is equal everywhere, or another kink, which has no gradient.
            nudged = exact.displaced(on, self.inputs, _nudged(self.inputs, direction), distance)
            return found if _same(found, self._gradient(nudged, distance)) else None

    def _gradient(self, moved: list[Balls], distance: arb) -> list[np.ndarray]:
        hand = self._hand(moved)
        if hand is not None and self.proved == [True]:
            return hand
        taylor = taylor_gradient(self.function, TaylorArithmetic(), moved)
        if not all(e.is_finite() for part in taylor for e in part.flat):
            # A root of what is zero wherever one looks, as the deviation of one entry, has no series.
            taylor = exact.differences_at(self.function, moved, distance * arb(2) ** -exact.STEP_BITS)
        if hand is not None and not self.proved:
            self.proved.append(_same(hand, taylor))
        return taylor

    def _hand(self, moved: list[Balls]) -> list[np.ndarray] | None:
        if self.function.hand is None:
            return None
        gradient = exact.hand_gradient(self.function, BallArithmetic(), moved)
        return gradient if all(e.is_finite() for part in gradient for e in part.flat) else None


def _nudged(inputs: Inputs, direction: exact.Direction) -> exact.Direction:
    shift = np.frompyfunc(lambda v, noise: exact.ball(v) + arb(float(noise)) * NUDGE, 2, 1)
    return tuple(objects(shift(v, n)) for v, n in zip(direction, exact.generic_direction(inputs), strict=True))


def levelled(gradient: list[np.ndarray], direction: exact.Direction) -> exact.Direction:
    """The direction along which every nonzero entry contributes about as much as the smallest, so that an error in the
    smallest shows as well."""
    sizes = [np.abs(part.astype(float)) for part in gradient]
    exponents = [np.where((size > 0) & np.isfinite(size), np.frexp(size)[1], LEVEL_LIMIT) for size in sizes]
    smallest = min((int(part.min()) for part in exponents if part.size), default=0)
    return tuple(
        v * 2.0 ** -np.clip(np.where(part == LEVEL_LIMIT, 0, part - smallest), 0, LEVEL_LIMIT)
        for v, part in zip(direction, exponents, strict=True)
    )


def taylor_gradient(function: Function, on: TaylorArithmetic, at: list) -> list[np.ndarray]:
    """The gradient by Taylor arithmetic at the arguments `at`, one direction after the other: an object array each."""
    gradients = []
    at = [Balls(argument.entries, on) for argument in at]
    for i, argument in enumerate(at):
        entries = np.empty(argument.shape, dtype=object)
        for index in np.ndindex(argument.shape):
            arguments = [on.along(other, index) if j == i else other for j, other in enumerate(at)]
            on.questions.clear()  # each direction asks the same ones
            entries[index] = first_coefficient(exact.body_value(function, on, arguments))
        gradients.append(entries)
    return gradients


def describe(function: Function, inputs: Inputs) -> str:
    """The inputs by name, in decimal."""
    return ", ".join(f"{name} = {x.tolist()!r}" for name, x in zip(function.domains, inputs, strict=True))


def _same(ours: list[np.ndarray], theirs: list[np.ndarray]) -> bool:
    pairs = [(p, q) for a, b in zip(ours, theirs, strict=True) for p, q in zip(a.flat, b.flat, strict=True)]
    largest = max((abs(q).abs_upper() for _, q in pairs), default=arb(0))
    return all(abs(p - q).abs_upper() <= exact.AGREEMENT * largest for p, q in pairs)


def _exacts(parts: tuple[np.ndarray, ...] | list[np.ndarray]) -> tuple[Exact, ...]:
    return tuple(Exact.of(part) for part in parts)


def distance(balls: np.ndarray, truth: np.ndarray, model: MachineModel, slack: float = SLACK) -> np.ndarray:
    """How far an answer within `balls` may be from the truth, entry by entry, slack and underflow included."""
    # float() rounds to nearest: one more part in 2**50 keeps the bound a bound.
    upper = np.frompyfunc(lambda ball, true: float(abs(ball - true).abs_upper()), 2, 1)
    radius = np.asarray(upper(balls, truth), dtype=float)
    radius[np.isnan(radius)] = math.inf
    return slack * radius * (1 + 2.0**-50) + model.format.tiny


def _kink_bound(limits: np.ndarray, model: MachineModel) -> np.ndarray:
    largest = np.abs(limits).max(initial=0.0)
    return np.full(limits.shape[1:], SLACK * KINK_ROUNDINGS * model.format.unit_roundoff * largest + model.format.tiny)


def _with_rounding(bound: np.ndarray, balls: np.ndarray, true: Exact, hand: str, model: MachineModel) -> np.ndarray:
    # Of differences that straddle a kink the truth is no side of it; and a derivation may have no value there.
    middle = true.balls if hand == "agrees" else objects(np.frompyfunc(arb.mid, 1, 1)(balls))
    rounding = distance(balls, middle, model)
    return np.where(np.isfinite(rounding), np.maximum(bound, rounding), bound)


def _sides(balls: np.ndarray, bound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = (objects(np.frompyfunc(end, 1, 1)(balls)).astype(float) for end in (arb.lower, arb.upper))
    return np.where(np.isnan(low), -np.inf, low) - bound, np.where(np.isnan(high), np.inf, high) + bound


def range_problem(evaluations: tuple[BallArithmetic, ...], model: MachineModel, bounds: tuple[np.ndarray, ...]) -> str:
    """Why these bounds can judge nothing in this format; empty where they can."""
    if any(evaluation.overflowed for evaluation in evaluations):
        return f"an intermediate result overflows {model.format.name}"
    if any(evaluation.disordered for evaluation in evaluations):
        return f"rounding in {model.format.name} can change the order of what is sorted"
    if any(evaluation.forked for evaluation in evaluations):
        return f"rounding in {model.format.name} can take another branch of the code, or another index"
    if not all(np.isfinite(bound).all() for bound in bounds):
        return f"rounding or underflow in {model.format.name} can move a divisor or an argument out of its domain"
    if not all((bound <= model.format.largest).all() for bound in bounds):
        return f"rounding can move a result beyond the largest number of {model.format.name}"
    return ""
