"""What the gradient of somebody's function is held to at one input: the exact derivative of its own forward pass, as
traced; of another function of the same framework that says what is meant; or of a formula in `xp`."""

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from flint import arb

from gradproof.checking.asked import ArgumentError
from gradproof.checking.draws import drawn
from gradproof.checking.problem import Argument, Problem
from gradproof.checking.report import OF_THE_TRACE
from gradproof.oracles import verdict
from gradproof.oracles.machine_model import FORMATS, Format, MachineModel
from gradproof.oracles.reference import Bounds, Exact, Reference, Truth
from gradproof.oracles.tape import (
    LEAVES_THE_TRACE,
    RAISES_BESIDE,
    HessianProduct,
    Solution,
    Tape,
    Untraceable,
    replay_problem,
    solve,
)
from gradproof.oracles.tape.estimate import IN_BALLS, Estimate, estimate, values_beside
from gradproof.oracles.tape.judge import bounds_of, judge
from gradproof.oracles.verdict import FAILING, Answer, Judgement, Verdict
from gradproof.registry import Complex, Domain, Function, Reals, weights
from gradproof.registry.record import line_of

SMALL_TAPE = 100
"""A tape of more instructions is let go when its input has been judged."""


class Held(Protocol):
    """What is true at one input. `names` are those of its arrays of real numbers: two of a complex argument."""

    names: list[str]
    told: str

    @property
    def format(self) -> Format:
        """The coarsest format of the arguments."""

    @property
    def truth(self) -> Truth:
        """The exact value and gradient."""

    @property
    def problem(self) -> str:
        """Why nothing can be judged here; empty where it can."""

    def bounds(self) -> Bounds:
        """How far from them an answer may be."""

    def judged(self, value: np.ndarray, gradient: Sequence[np.ndarray], accuracy: float | None) -> Judgement:
        """The verdict on an answer, of which no more is asked than this relative accuracy, where there is one."""

    def slope(self, direction: Sequence[np.ndarray], accuracy: float | None) -> tuple[float, float]:
        """The derivative along a direction, and how far from it an answer may be."""

    def symmetrized(self, parts: Sequence[np.ndarray]) -> list[np.ndarray] | None:
        """Arrays like the inputs, averaged over entries that the function takes to be the same, as those of a symmetric
        matrix of which it reads one triangle; None where there are none. Forward mode is defined along these alone."""

    def second(self, direction: Sequence[np.ndarray]) -> "Held | None":
        """The same of a Hessian-vector product; None where there is none."""


def real_names(arguments: Sequence[Argument]) -> list[str]:
    """A name for each array of real numbers."""
    return [name for a in arguments for name in ((f"Re {a.name}", f"Im {a.name}") if a.is_complex else (a.name,))]


def real_parts(arguments: Sequence[Argument], arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The arrays of real numbers of complex and real arrays."""
    return [
        part
        for argument, array in zip(arguments, arrays, strict=True)
        for part in ((array.real, array.imag) if argument.is_complex else (array,))
    ]


class _Held:
    """What both kinds of truth have in common."""

    def slope(self, direction: Sequence[np.ndarray], accuracy: float | None) -> tuple[float, float]:
        rows = list(zip(direction, self.truth.gradient, self._granted(accuracy).gradient, strict=True))
        terms = np.concatenate([np.ravel(v * exact.high) for v, exact, _ in rows])
        bounds = np.concatenate([np.ravel(np.abs(v) * bound) for v, _, bound in rows])
        # A gradient may be exact, and the slope is a sum of its entries all the same: in any order, and rounded.
        summed = len(terms) * self.format.unit_roundoff * math.fsum(np.abs(terms)) if len(terms) > 1 else 0.0
        return math.fsum(terms), math.fsum(bounds) + summed

    def _granted(self, accuracy: float | None) -> Bounds:
        """The bounds, no narrower than the accuracy that is promised."""
        bounds = self.bounds()
        if accuracy is None:
            return bounds
        rows = zip(bounds.gradient, self.truth.scale, strict=True)
        wide = tuple(np.where(np.isfinite(b), np.maximum(b, accuracy * scale), accuracy * scale) for b, scale in rows)
        return replace(bounds, gradient=wide, out_of_range="")

    def _approximate(self, value: np.ndarray, gradient: Sequence[np.ndarray], accuracy: float) -> Judgement:
        bounds = self._granted(accuracy)
        return verdict.judge(Answer(value, tuple(gradient)), self.truth, bounds, self.names, self.format)


@dataclass
class TracedTruth(_Held):
    """The exact derivative of a traced forward pass, and the bound that follows its own operations and formats."""

    names: list[str]
    solution: Solution | HessianProduct | Estimate
    format: Format
    flushes: bool
    value_is_compared: bool = True
    told: str = OF_THE_TRACE
    reverse_alone: Sequence[str] = ()
    own_rules: Sequence[str] = ()

    @property
    def truth(self) -> Truth:
        return self.solution.truth

    @property
    def traced(self) -> tuple[Tape, int, list[str]] | None:
        """The tape, the cell of its value and the names of its inputs, where it is small enough to be drawn."""
        if isinstance(self.solution, HessianProduct) or len(self.solution.tape.instructions) > SMALL_TAPE:
            return None
        return self.solution.tape, self.solution.output, self.names

    @property
    def problem(self) -> str:
        return self.solution.problem

    def bounds(self) -> Bounds:
        return bounds_of(self.solution, flushes=self.flushes)

    def judged(self, value: np.ndarray, gradient: Sequence[np.ndarray], accuracy: float | None) -> Judgement:
        if not self.value_is_compared:
            value = np.asarray(self.truth.value.high)
        if accuracy is not None and not self.problem:
            return self._approximate_or_lawful(value, gradient, accuracy)
        return judge(self.solution, value, gradient, self.names, flushes=self.flushes)

    def _approximate_or_lawful(self, value: np.ndarray, gradient: Sequence[np.ndarray], accuracy: float) -> Judgement:
        own = self._approximate(value, gradient, accuracy)
        for other in self.solution.alternatives if own.verdict in FAILING else ():
            judgement = replace(self, solution=other.solution)._approximate(value, gradient, accuracy)
            if judgement.verdict in (Verdict.VERIFIED, Verdict.CONVENTION):
                return Judgement(Verdict.CONVENTION, other.told, judgement.worst)
        return own

    def symmetrized(self, parts: Sequence[np.ndarray]) -> list[np.ndarray] | None:
        first = self.solution.first if isinstance(self.solution, HessianProduct) else self.solution
        return first.symmetrized(parts) if first.twins else None

    def second(self, direction: Sequence[np.ndarray]) -> "TracedTruth":
        return replace(self, solution=self.solution.hvp(direction))


@dataclass
class ConstantTruth(_Held):
    """The truth of a result that no argument enters: the gradient is 0. Its value is what it is."""

    names: list[str]
    shapes: list[tuple[int, ...]]
    format: Format
    told: str = OF_THE_TRACE
    problem: str = ""

    @cached_property
    def truth(self) -> Truth:
        zeros = [Exact.of(np.full(shape, arb(0), dtype=object)) for shape in ((), *self.shapes)]
        return Truth(zeros[0], tuple(zeros[1:]), "absent", None)

    def bounds(self) -> Bounds:
        value, *gradient = (np.full(shape, self.format.tiny) for shape in ((), *self.shapes))
        return Bounds(value, tuple(gradient), "")

    def judged(self, value: np.ndarray, gradient: Sequence[np.ndarray], accuracy: float | None) -> Judgement:
        return verdict.judge(Answer(np.zeros(()), tuple(gradient)), self.truth, self.bounds(), self.names, self.format)

    def second(self, direction: Sequence[np.ndarray]) -> "ConstantTruth":
        return self

    def symmetrized(self, parts: Sequence[np.ndarray]) -> None:
        return None


@dataclass
class FormulaTruth(_Held):
    """The exact derivative of a body in `xp`, with the bound of its Taylor arithmetic. The registry holds a complex
    array in one array of real numbers, with an axis for its two parts."""

    arguments: list[Argument]
    reference: Reference
    inputs: tuple[np.ndarray, ...]
    model: MachineModel
    told: str = "the exact derivative of the formula given as truth"
    problem: str = ""

    @property
    def names(self) -> list[str]:
        return real_names(self.arguments)

    @property
    def format(self) -> Format:
        return self.model.format

    @cached_property
    def truth(self) -> Truth:
        found = self.reference.truth(self.inputs)
        halves = self._split(found.gradient, lambda exact, k: Exact.of(exact.balls[..., k]))
        return replace(found, gradient=tuple(halves))

    def bounds(self) -> Bounds:
        found = self.reference.bounds(self.inputs, self.model)
        return replace(found, gradient=tuple(self._split(found.gradient, lambda bound, k: bound[..., k])))

    def _split(self, parts: Sequence[Any], half: Callable[[Any, int], Any]) -> Iterator[Any]:
        for argument, part in zip(self.arguments, parts, strict=True):
            yield from (half(part, 0), half(part, 1)) if argument.is_complex else (part,)

    def judged(self, value: np.ndarray, gradient: Sequence[np.ndarray], accuracy: float | None) -> Judgement:
        if accuracy is not None:
            return self._approximate(value, gradient, accuracy)
        bounds = self.bounds()
        if bounds.out_of_range:
            return Judgement(Verdict.INCONCLUSIVE, bounds.out_of_range)
        return verdict.judge(Answer(value, tuple(gradient)), self.truth, bounds, self.names, self.format)

    def symmetrized(self, parts: Sequence[np.ndarray]) -> None:
        return None

    def second(self, direction: Sequence[np.ndarray]) -> None:
        return None


def is_formula(truth: Callable) -> bool:
    """Whether a function is a body in `xp`: its first parameter has that name."""
    return next(iter(inspect.signature(truth).parameters), "") == "xp"


def traced_truth(problem: Problem, arrays: list[Any], meant: Problem | None) -> "TracedTruth | ConstantTruth":
    """The truth of the trace of `meant`, or of the function itself. Raises `Untraceable`."""
    calls = problem.calls
    traced = calls.trace((meant or problem).scalar, arrays)
    if isinstance(traced.outputs[0], np.ndarray | np.generic):
        return _constant_truth(meant or problem, arrays)
    many = traced.tape.cell_count > IN_BALLS
    solution = (estimate if many else solve)(traced.tape, traced.outputs[0])
    flushes = calls.device_of(arrays[0]) in calls.transformations.flushes_subnormals
    names = real_names(problem.arguments)
    found = TracedTruth(names, solution, _coarsest(problem), flushes, meant is None, reverse_alone=traced.reverse_alone)
    if meant is None:
        found.own_rules = traced.own_rules
    else:
        found.told = "the exact derivative of the function given as truth"
    if meant is None and not solution.problem:
        _check_replay(problem, arrays, solution, flushes)
    return found


def _constant_truth(problem: Problem, arrays: list[Any]) -> ConstantTruth:
    # None of the arguments enters, or one of them does where the trace does not see it: then another input tells.
    calls = problem.calls
    here, elsewhere = (calls.to_numpy(problem.scalar(*given)) for given in (arrays, next(drawn(problem, 1))))
    if not np.array_equal(here, elsewhere, equal_nan=True):
        raise Untraceable(
            problem.name,
            "the arguments that are differentiated leave the framework on the way to its result",
            cure="Keep them in it, or give truth=.",
        )
    parts = real_parts(problem.arguments, [np.asarray(calls.to_numpy(array)) for array in arrays])
    return ConstantTruth(real_names(problem.arguments), [part.shape for part in parts], _coarsest(problem))


def _check_values_beside(problem: Problem, arrays: list[Any], found: Estimate, flushes: bool) -> None:
    # Twice the bound here: the second input is beside it.
    reach = 2 * found.bounds(flushes=flushes).value
    told = "beside the input another branch is taken, however near, and there are too many cells for balls"
    for moved, value in values_beside(found):
        theirs = _value_beside(problem, arrays, moved)
        if theirs is None:
            told = RAISES_BESIDE
            continue
        found.problem = "" if abs(float(theirs) - value) <= reach else LEAVES_THE_TRACE
        return
    found.problem = told


def _value_beside(problem: Problem, arrays: list[Any], moved: Sequence[np.ndarray]) -> np.ndarray | None:
    try:
        return np.asarray(problem.calls.to_numpy(problem.scalar(*_assembled(problem, arrays, moved))))
    except Exception:  # outside of what the function takes
        return None


def _check_replay(problem: Problem, arrays: list[Any], solution: Solution | Estimate, flushes: bool) -> None:
    if isinstance(solution, Estimate):
        _check_values_beside(problem, arrays, solution, flushes)
        return

    def value_of(moved: Sequence[np.ndarray]) -> np.ndarray:
        return problem.calls.to_numpy(problem.scalar(*_assembled(problem, arrays, moved)))

    # A trace holds at one input; what it mistook for a constant shows at another.
    solution.problem = replay_problem(solution, value_of, flushes=flushes)


def _assembled(problem: Problem, arrays: list[Any], parts: Sequence[np.ndarray]) -> list[Any]:
    rest = iter(parts)
    made = []
    for argument, array in zip(problem.arguments, arrays, strict=True):
        values = next(rest) + 1j * next(rest) if argument.is_complex else next(rest)
        made.append(problem.calls.like(values, array, argument.dtype))
    return made


def _coarsest(problem: Problem) -> Format:
    return min((FORMATS[a.format] for a in problem.arguments), key=lambda format: format.precision)


def formula_truth(problem: Problem, arrays: list[Any], body: Callable) -> FormulaTruth:
    """The truth of a body in `xp` at these arrays. A result that is an array is contracted as the function's own is."""
    calls = problem.calls
    values = [calls.to_numpy(array) for array in arrays]
    domains = {
        f"x{i}": (Complex if argument.is_complex else Reals)(np.shape(v))
        for i, (argument, v) in enumerate(zip(problem.arguments, values, strict=True))
    }
    given = len(inspect.signature(body).parameters) - 1
    if given != len(domains):
        raise ArgumentError(f"truth takes {given} arrays behind xp, and {len(domains)} are differentiated")

    def contracted(xp: Any, *arguments: Any) -> Any:
        result = body(xp, *arguments)
        if not result.ndim:
            return result
        w = weights(xp, tuple(result.shape))
        if (places := problem.finite[0]) is not None:
            w, result = (xp.take(xp.reshape(part, (-1,)), places, axis=0) for part in (w, result))
        return xp.sum(w * result)

    inputs = tuple(_reals(d, v) for d, v in zip(domains.values(), values, strict=True))
    path, line = inspect.getsourcefile(body) or "?", line_of(body.__code__)
    entry = Function(problem.name, contracted, domains, [inputs], path, line)
    device = calls.device_of(arrays[0])
    model = MachineModel(_coarsest(problem), device in calls.transformations.flushes_subnormals)
    return FormulaTruth(problem.arguments, Reference(entry), inputs, model)


def _reals(domain: Domain, values: np.ndarray) -> np.ndarray:
    return domain.reals(np.asarray(values).astype(complex if domain.is_complex else float))
