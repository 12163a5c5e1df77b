"""What an honest program may cost: the bound that covers the derivation at hand, and what differentiating the body
operation by operation costs besides. A clever derivation cancels in advance what a reverse sweep cancels with rounding;
nobody is accused for that. And second derivatives of a body that has no derivation.

The wider bound is asked for where the narrower one would accuse, so that it costs nothing where all is well."""

import math
from dataclasses import replace

import numpy as np
from flint import arb, ctx

from gradproof.oracles import exact
from gradproof.oracles.balls import BallArithmetic, first_coefficient, objects
from gradproof.oracles.kept import input_key
from gradproof.oracles.machine_model import SWEEP_SLACK, Format, MachineModel
from gradproof.oracles.reference import BOUND_PRECISION, Bounds, Exact, Reference, Truth, distance
from gradproof.oracles.second_order import Gradient, SecondOrder
from gradproof.oracles.tape.evaluation import Evaluation, exact_inputs, moving
from gradproof.oracles.tape.namespace import record
from gradproof.oracles.tape.program import Cells, Tape
from gradproof.oracles.tape.second_derivatives import NoSecondDerivative
from gradproof.oracles.tape.sweep import Sweep
from gradproof.oracles.verdict import Answer, Judgement, judge
from gradproof.registry import Function, Inputs, RegistryError

RECORDED = 8
"""Tapes that are kept: an input is asked about again in another machine model."""

BESIDE = 2.0**-20
"""So far beside an input, relatively and along the direction, a derivation must hold too to be trusted there."""

MIXED_PRECISION = 2 * exact.FIRST_PRECISION


class Recordings:
    """The body of one function on tapes, the last few of them; and why it has none, where it has none."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self._kept: dict[bytes, tuple[Tape, Cells] | str] = {}

    def at(self, inputs: Inputs) -> tuple[Tape, int] | str:
        """The tape at these inputs and the cell of the value, or why there is none."""
        key = input_key(inputs)
        if key not in self._kept:
            while len(self._kept) >= RECORDED:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = self._recorded(inputs)
        return self._kept[key]

    def _recorded(self, inputs: Inputs) -> tuple[Tape, int] | str:
        try:
            tape, value = record(self.function, inputs)
            tape.refuse_poisoned(value)
            return tape, int(value.numbers.reshape(-1)[0])
        except Exception as error:  # whatever the body does with cells that it may do with other arrays
            return f"{type(error).__name__}: {error}"


class _Judging:
    """The verdict by a reference, whichever derivative it is of."""

    function: Function

    def judged(self, answer: Answer, truth: Truth, bounds: Bounds, format: Format) -> Judgement:
        """The verdict on an answer."""
        return judge(answer, truth, bounds, list(self.function.domains), format)


class WholeReference(_Judging, Reference):
    """The reference of one function, with the wider bound beside the bound of its derivation."""

    def __init__(self, function: Function) -> None:
        super().__init__(function)
        self.recordings = Recordings(function)

    def wider(self, inputs: Inputs, model: MachineModel) -> Bounds:
        """The bounds, widened to what the body's own reverse sweep may cost; at a kink those of its sides."""
        return self.kept.found(("wider bounds", model), inputs, lambda: self._find_wider(inputs, model))

    def _find_wider(self, inputs: Inputs, model: MachineModel) -> Bounds:
        narrow, truth = self.bounds(inputs, model), self.truth(inputs)
        recorded = self.recordings.at(inputs)
        if isinstance(recorded, str) or truth.kink is not None or narrow.out_of_range:
            return narrow
        tape, output = recorded
        run_by = replace(model, slopes_from_values=truth.hand != "agrees")
        with ctx.workprec(BOUND_PRECISION):
            evaluation = Evaluation(tape, rounding=True, model=run_by).forward()
            sweep = Sweep(evaluation)
            swept = sweep.run(output)
            if sweep.leaves_the_range():
                # An adjoint may be too large where all that is asked for lies within the range.
                return replace(narrow, gradient=tuple(np.full_like(bound, np.inf) for bound in narrow.gradient))
        return _widened(narrow, swept, truth.gradient, model, evaluation)


def _widened(
    narrow: Bounds, swept: Gradient, truth: tuple[Exact, ...], model: MachineModel, evaluation: Evaluation
) -> Bounds:
    # Where the sweep has no finite answer it allows nothing: a NaN is nobody's rounding. Nor where it misses the truth,
    # which a recording of the body cannot.
    meets = np.frompyfunc(lambda ball, true: ball.is_finite() and ball.overlaps(true), 2, 1)
    rows = zip(narrow.gradient, swept, truth, strict=True)
    wide = []
    for bound, balls, true in rows:
        cost = distance(balls, true.balls, model, SWEEP_SLACK)
        # Beyond the largest number an honest sweep ends in infinities, or in a NaN that comes of them.
        cost = np.where(cost <= model.format.largest, cost, np.inf)
        wide.append(np.where(np.asarray(meets(balls, true.balls), bool), np.maximum(bound, cost), bound))
    return replace(narrow, gradient=tuple(wide), near_kink=narrow.near_kink or bool(evaluation.undecided_at))


class WholeSecondOrder(_Judging, SecondOrder):
    """The reference of Hessian-vector products, where there is no derivation by second differences of the body."""

    first: WholeReference

    def wider(self, inputs: Inputs, model: MachineModel) -> Bounds:
        """The bounds, widened to what a second pass over the body's own reverse sweep may cost."""
        return self.first.kept.found(("wider bounds of H v", model), inputs, lambda: self._find_wider(inputs, model))

    def _find_wider(self, inputs: Inputs, model: MachineModel) -> Bounds:
        narrow = self.bounds(inputs, model)
        swept = None if narrow.out_of_range else self._second_pass(inputs, model)
        if swept is None or isinstance(swept, str):
            return narrow
        product, evaluation = swept
        return _widened(narrow, product, self._curvature(inputs).product, model, evaluation)

    def _second_pass(self, inputs: Inputs, model: MachineModel) -> tuple[Gradient, Evaluation] | str:
        """H v with rounding, by the reverse sweep of the body on series, or why it cannot be had."""
        recorded = self.first.recordings.at(inputs)
        if isinstance(recorded, str):
            return recorded
        tape, output = recorded
        with ctx.workprec(BOUND_PRECISION):
            evaluation = Evaluation(tape, rounding=True, model=model, series=True)
            try:
                evaluation.forward(moving(exact_inputs(tape), self.direction))
                swept = Sweep(evaluation).run(output)
            except NoSecondDerivative as error:
                return str(error)
            return [objects(np.frompyfunc(first_coefficient, 1, 1)(part)) for part in swept], evaluation

    def _can_be_found(self, truth: Truth) -> bool:
        return True

    def has_derivation(self, inputs: Inputs) -> bool:
        """Whether the hand-derived gradient holds at these inputs and beside them. A wrong one that gives the right
        number at one place, such as 0 at 0, has a wrong slope there."""
        return self.first.truth(inputs).hand == "agrees" and self.first.kept.found(
            "derivation beside", inputs, lambda: self._holds_beside(inputs)
        )

    def _holds_beside(self, inputs: Inputs) -> bool:
        pairs = zip(inputs, self.direction, strict=True)
        nearby = tuple(x + BESIDE * np.maximum(np.abs(x), 1) * v for x, v in pairs)
        try:
            return self.first.truth(nearby).hand != "disagrees"
        except RegistryError:
            # Outside the domain, where nothing can be said of it.
            return True

    def _along(self, inputs: Inputs, along: exact.Direction, h: arb) -> tuple[Gradient, Gradient, bool]:
        if self.has_derivation(inputs):
            return super()._along(inputs, along, h)
        with ctx.workprec(max(ctx.prec, MIXED_PRECISION)):
            return self._mixed(inputs, along, h)

    def _mixed(self, inputs: Inputs, along: exact.Direction, h: arb) -> tuple[Gradient, Gradient, bool]:
        """Central second differences of the step h, along every entry and `along`; how far they differ ahead and
        behind; and whether there may be a tie."""
        ties = []

        def at(entry: exact.Direction, i: int, j: int) -> arb:
            on = BallArithmetic()
            way = tuple(i * e + j * v for e, v in zip(entry, along, strict=True))
            value = exact.body_value(self.function, on, exact.displaced(on, inputs, way, h))
            ties.append(on.at_kink and (i, j) == (0, 0))
            return value

        central, gap = [], []
        for argument, x in enumerate(inputs):
            middle, apart = np.empty(x.shape, dtype=object), np.empty(x.shape, dtype=object)
            for index in np.ndindex(x.shape):
                unit = exact.unit(inputs, argument, index)
                corners = [at(unit, i, j) for i, j in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
                middle[index] = (corners[0] - corners[1] - corners[2] + corners[3]) / (4 * h * h)
                here = at(unit, 0, 0)
                ahead = corners[0] - at(unit, 1, 0) - at(unit, 0, 1) + here
                behind = here - at(unit, 0, -1) - at(unit, -1, 0) + corners[3]
                apart[index] = (ahead - behind) / (h * h)
            central.append(middle)
            gap.append(apart)
        return central, gap, any(ties)

    def derivation_agrees(self, inputs: Inputs) -> bool:
        """Whether the derivative of the hand-derived gradient along the direction is the second difference of the body,
        to 30 digits of its largest entry."""
        with ctx.workprec(MIXED_PRECISION):
            h = exact.step(inputs)
            ours, theirs = super()._along(inputs, self.direction, h)[0], self._mixed(inputs, self.direction, h)[0]
            pairs = [(p, q) for a, b in zip(ours, theirs, strict=True) for p, q in zip(a.flat, b.flat, strict=True)]
            largest = max((abs(q).abs_upper() for _, q in pairs), default=arb(0))
            return all(bool(abs(p - q).abs_upper() <= exact.AGREEMENT * largest + exact.NOTHING) for p, q in pairs)

    def _find_bounds(self, inputs: Inputs, model: MachineModel) -> Bounds:
        if self.has_derivation(inputs):
            return super()._find_bounds(inputs, model)
        first, curvature = self.first.bounds(inputs, model), self._curvature(inputs)
        unknown = tuple(np.full(x.shape, math.inf) for x in inputs)
        problem = first.out_of_range or curvature.problem
        swept = problem or self._second_pass(inputs, model)
        if isinstance(swept, str):
            return Bounds(first.value, unknown, swept)
        product, evaluation = swept
        with ctx.workprec(BOUND_PRECISION):
            return self._of_second_pass(first, product, evaluation, curvature.product, model)

    def _of_second_pass(
        self, first: Bounds, product: Gradient, evaluation: Evaluation, truth: tuple[Exact, ...], model: MachineModel
    ) -> Bounds:
        speed = max(float(np.abs(v).max(initial=0.0)) for v in self.direction)
        rows = zip(product, truth, first.gradient, strict=True)
        bounds = tuple(distance(balls, true.balls, model) + speed * noise for balls, true, noise in rows)
        problem = ""
        if evaluation.overflowed:
            problem = f"an intermediate result overflows {evaluation.overflowed}"
        elif evaluation.unsettled:
            problem = f"rounding in {model.format.name} can take another branch of the code, or another index"
        elif not all(np.isfinite(bound).all() for bound in bounds):
            problem = (
                f"rounding or underflow in {model.format.name} can move a divisor or an argument out of its domain"
            )
        return Bounds(first.value, bounds, problem, first.near_kink or bool(evaluation.undecided_at))
