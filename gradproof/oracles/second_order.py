"""The reference of Hessian-vector products. It needs no second derivation: along the direction v, the Hessian-vector
product H v is the derivative of the gradient, d/dt g(x + t v) at t = 0.

Its truth is the exact central difference of the hand-derived gradient, which must first hold at the input itself; its
bound comes from the same gradient in Taylor arithmetic with the machine model."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from flint import arb, ctx

from gradproof.oracles import exact
from gradproof.oracles.balls import BallArithmetic, TaylorArithmetic, first_coefficient, objects
from gradproof.oracles.machine_model import MachineModel
from gradproof.oracles.reference import BOUND_PRECISION, Bounds, Exact, Reference, Truth, distance, range_problem
from gradproof.registry import Inputs, direction

SMOOTH = arb(2) ** -60
"""The quotients ahead and behind differ by less than this, relatively, where the gradient is differentiable."""

TURNS = 4
"""How many ways to split a direction in two are tried, where entries tie."""

Gradient = list[np.ndarray]


@dataclass(frozen=True)
class Curvature(Truth):
    """The truth of a Hessian-vector product, in the place of the gradient. `natural` is, per argument, the size of its
    gradient times that of its direction: of terms of that size a second derivative is composed, whether or not they
    cancel, as they do in |x|'' = 1/|x| - x²/|x|³ = 0."""

    natural: tuple[float, ...] = ()
    order: ClassVar[int] = 2

    @property
    def scale(self) -> tuple[float, ...]:
        """The largest true entry of each argument's product, or its natural size where that is larger."""
        return tuple(map(max, super().scale, self.natural))


@dataclass(frozen=True)
class _Found:
    """H v at one input, and why there is none: empty where there is."""

    product: tuple[Exact, ...]
    problem: str


class SecondOrder:
    """Truths and bounds of the Hessian-vector products of one function, in the form in which `Reference` gives those
    of its gradient, so that the same verdict reads both."""

    def __init__(self, first: Reference) -> None:
        self.first, self.function = first, first.function
        self.direction = direction(self.function)

    def truth(self, inputs: Inputs) -> Truth:
        """The value, and the Hessian-vector product in the place of the gradient. Raises as `Reference.truth`."""
        first = self.first.truth(inputs)
        speeds = [float(np.abs(v).max(initial=0.0)) for v in self.direction]
        natural = tuple(g * speed for g, speed in zip(first.scale, speeds, strict=True))
        return Curvature(first.value, self._curvature(inputs).product, first.hand, None, natural)

    def bounds(self, inputs: Inputs, model: MachineModel) -> Bounds:
        """The bounds at `inputs`; out of range also where there is no second derivative."""
        return self.first.kept.found(("bounds of H v", model), inputs, lambda: self._find_bounds(inputs, model))

    def _curvature(self, inputs: Inputs) -> _Found:
        return self.first.kept.found("H v", inputs, lambda: self._find_curvature(inputs))

    def _find_curvature(self, inputs: Inputs) -> _Found:
        truth = self.first.truth(inputs)
        nothing = tuple(Exact.of(objects(np.full(x.shape, arb("nan")))) for x in inputs)
        if truth.kink is not None:
            return _Found(nothing, "a kink")
        if not self._can_be_found(truth):
            return _Found(nothing, "no hand-derived gradient that holds here")
        central, gap = exact.precisely(lambda: self._quotients(inputs), lambda found: exact.certain(_flat(found[0])))
        with ctx.workprec(exact.FIRST_PRECISION):
            size = max((abs(e).abs_upper() for e in _flat(central)), default=arb(0))
            if not all(g.abs_upper() <= SMOOTH * size + exact.NOTHING for g in _flat(gap)):
                return _Found(nothing, "a kink of the gradient")
            return _Found(tuple(Exact.of(part) for part in self._certain(inputs, central)), "")

    def _certain(self, inputs: Inputs, central: Gradient) -> Gradient:
        """The product, with 0 for what is no more than the error of its step, as `exact.Difference.certain`."""
        if not any(map(exact.suspect, _flat(central))):
            return central
        finer, finest = (self._precisely_along(inputs, h) for h in exact.finer_steps(inputs))
        rows = zip(central, finer, finest, strict=True)
        return [objects(np.frompyfunc(exact.settled, 3, 1)(*parts)) for parts in rows]

    def _precisely_along(self, inputs: Inputs, h: arb) -> Gradient:
        return exact.precisely(
            lambda: self._along(inputs, self.direction, h)[0], lambda found: exact.certain(_flat(found))
        )

    def _can_be_found(self, truth: Truth) -> bool:
        return truth.hand == "agrees"

    def _quotients(self, inputs: Inputs) -> tuple[Gradient, Gradient]:
        h = exact.step(inputs)
        central, gap, tie = self._along(inputs, self.direction, h)
        if tie:
            # Where x² and 2x² meet at 0 both sides are alike. But a derivative is linear in its direction v: that
            # along v is the sum of those along v/2 + w and v/2 - w.
            for seed in range(TURNS):
                other = exact.generic_direction(inputs, seed)
                halves = [tuple(v / 2 + s * w for v, w in zip(self.direction, other, strict=True)) for s in (1, -1)]
                one, two = (self._along(inputs, half, h)[0] for half in halves)
                gap = gap + [objects(c - p - q) for c, p, q in zip(central, one, two, strict=True)]
        return central, gap

    def _along(self, inputs: Inputs, along: exact.Direction, h: arb) -> tuple[Gradient, Gradient, bool]:
        """The central quotient of the step h along a direction, how far ahead and behind differ, and whether there may
        be a tie."""
        (behind, _), (here, tie), (ahead, _) = (self._gradient(inputs, along, distance) for distance in (-h, arb(0), h))
        central = [objects((a - b) / (2 * h)) for a, b in zip(ahead, behind, strict=True)]
        gap = [objects((a - 2 * m + b) / h) for a, m, b in zip(ahead, here, behind, strict=True)]
        return central, gap, tie

    def _gradient(self, inputs: Inputs, along: exact.Direction, distance: arb) -> tuple[Gradient, bool]:
        on = BallArithmetic()
        return exact.hand_gradient(self.function, on, exact.displaced(on, inputs, along, distance)), on.at_kink

    @ctx.workprec(BOUND_PRECISION)
    def _find_bounds(self, inputs: Inputs, model: MachineModel) -> Bounds:
        first, curvature = self.first.bounds(inputs, model), self._curvature(inputs)
        if first.out_of_range or curvature.problem:
            unknown = tuple(np.full(x.shape, math.inf) for x in inputs)
            return Bounds(first.value, unknown, first.out_of_range or curvature.problem)
        on = TaylorArithmetic(model)
        moving = [on.moving(on.inputs(x), v) for x, v in zip(inputs, self.direction, strict=True)]
        series = exact.hand_gradient(self.function, on, moving)
        rounded = [objects(np.frompyfunc(first_coefficient, 1, 1)(part)) for part in series]
        pairs = zip(rounded, curvature.product, strict=True)
        # A second derivative is a change of the gradient. Where that is nothing, because terms cancel that another
        # program does not even form (tanh'' at 0), what is left is the gradient's rounding over a change of 1.
        speed = max(float(np.abs(v).max(initial=0.0)) for v in self.direction)
        noise = [speed * bound for bound in first.gradient]
        bounds = tuple(distance(balls, true.balls, model) + n for (balls, true), n in zip(pairs, noise, strict=True))
        problem = range_problem((on,), model, bounds)
        return Bounds(first.value, bounds, problem, first.near_kink or on.undecided)


def _flat(parts: Gradient) -> list[arb]:
    return [entry for part in parts for entry in part.flat]
