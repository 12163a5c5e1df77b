"""The truths of a function without a body: the exact derivative of the forward pass of its implementation, which is
traced in its framework at each input. They come in the form in which the reference of a body gives its own."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradproof import backends
from gradproof.backends import Adapter, Unsupported
from gradproof.oracles.exact import Uncomputable
from gradproof.oracles.kept import input_key
from gradproof.oracles.machine_model import Format, MachineModel
from gradproof.oracles.reference import Bounds, Exact, Truth, rows_of
from gradproof.oracles.tape import HessianProduct, Solution, Untraceable, judge, replay_problem, solve
from gradproof.oracles.tape.estimate import IN_BALLS
from gradproof.oracles.tape.judge import bounds_of
from gradproof.oracles.verdict import FAILING, Answer, Judgement, Verdict
from gradproof.oracles.verdict import judge as judge_by
from gradproof.registry import Domain, Function, Inputs, direction

CELLS_KEPT = 2_000_000
"""As many cells the traces that are kept may have together: the modes ask about the same inputs one after the other."""


@dataclass(frozen=True)
class OfTrace(Truth):
    """The truth at one input, with the solution that it was taken from."""

    solution: Solution | HessianProduct


class TracedReference:
    """The truths and bounds of the implementation of one function: of its gradient, or of its Hessian-vector products
    where the `order` is 2."""

    def __init__(self, traces: "Traces", order: int) -> None:
        self.traces, self.function, self.order = traces, traces.function, order
        self.names = [name for name, domain in self.function.domains.items() for name in _names(name, domain)]

    def truth(self, inputs: Inputs) -> OfTrace:
        """The truth at `inputs`. Raises `Uncomputable` where the implementation cannot be traced."""
        solution = self._ordered(inputs)
        found = solution.truth
        parts = self._joined(found.gradient, lambda one, other: Exact.of(np.stack([one.balls, other.balls], axis=-1)))
        return OfTrace(found.value, tuple(parts), "absent", found.kink, solution)

    def bounds(self, inputs: Inputs, model: MachineModel) -> Bounds:
        """The bounds at `inputs`, by the traced operations in their own formats."""
        solution = self._ordered(inputs)
        if solution.problem:
            unknown = tuple(np.full(x.shape, np.inf) for x in inputs)
            return Bounds(np.asarray(np.inf), unknown, solution.problem)
        found = bounds_of(solution, flushes=self.traces.flushes)
        return replace(found, gradient=tuple(self._joined(found.gradient, lambda a, b: np.stack([a, b], axis=-1))))

    wider = bounds
    """The trace is what is differentiated: no derivation is cleverer than it."""

    def constant_in(self, inputs: Inputs) -> tuple[str, ...]:
        """The arguments for which the gradient is zero in every entry, and not just small: none of them reaches the
        result by a slope."""
        parts = zip(self.function.domains, self.truth(inputs).gradient, strict=True)
        return tuple(name for name, part in parts if all(ball.is_zero() for ball in part.balls.flat))

    def values(self, batch: Inputs) -> np.ndarray:
        """The exact values at a batch of inputs, rounded to float64; NaN where there is no trace."""
        return np.array([self._value_at(row) for row in rows_of(batch)])

    def _value_at(self, inputs: Inputs) -> float:
        try:
            return float(self.traces.solved(inputs).value)
        except Uncomputable:
            return np.nan

    def value_bound(self, batch: Inputs, model: MachineModel) -> float:
        """How far the value at any of a batch of inputs may be off, of those at which it has a finite bound."""
        bounds = (self._value_bound_at(row, model) for row in rows_of(batch))
        return max(filter(math.isfinite, bounds), default=0.0)

    def _value_bound_at(self, inputs: Inputs, model: MachineModel) -> float:
        try:
            return float(self.bounds(inputs, model).value)
        except Uncomputable:
            return math.inf

    def judged(self, answer: Answer, truth: OfTrace, bounds: Bounds, format: Format) -> Judgement:
        """The verdict on an answer; one that keeps to a convention of the trace is no error."""
        if answer.problem:
            return Judgement(Verdict.WRONG, answer.problem)
        split = replace(answer, gradient=self._split(answer.gradient))
        halves = replace(bounds, gradient=self._split(bounds.gradient))
        own = judge_by(split, truth.solution.truth, halves, self.names, format)
        if own.verdict not in FAILING:
            return own
        other = judge(truth.solution, answer.value, split.gradient, self.names, flushes=self.traces.flushes)
        return other if other.verdict in (Verdict.VERIFIED, Verdict.CONVENTION) else own

    def _ordered(self, inputs: Inputs) -> Solution | HessianProduct:
        found = self.traces.solved(inputs)
        if self.order == 1 or found.problem:
            return found
        return found.hvp(self._split(direction(self.function)))

    # A complex argument is one array with an axis for its two parts here, and two arrays on a tape.

    def _split(self, parts: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
        pairs = zip(self.function.domains.values(), parts, strict=True)
        return tuple(half for d, x in pairs for half in ((x[..., 0], x[..., 1]) if d.is_complex else (x,)))

    def _joined(self, parts: Sequence[Any], join: Callable[[Any, Any], Any]) -> list[Any]:
        rest, domains = iter(parts), self.function.domains.values()
        return [join(next(rest), next(rest)) if domain.is_complex else next(rest) for domain in domains]


def _names(name: str, domain: Domain) -> tuple[str, ...]:
    return (f"Re {name}", f"Im {name}") if domain.is_complex else (name,)


class Traces:
    """The forward pass of the implementation of one function, in one backend, dtype and device, traced and solved at
    one input after the other. `flushes` says whether subnormal numbers may be zero there."""

    def __init__(self, function: Function, adapter: Adapter, dtype: str, device: str, flushes: bool) -> None:
        self.function, self.adapter, self.dtype, self.device = function, adapter, dtype, device
        self.flushes = flushes
        self._code = adapter.callable(function, dtype, device)
        self._kept: dict[bytes, Solution] = {}
        self._cells = 0

    def solved(self, inputs: Inputs) -> Solution:
        """What is true at these inputs. Raises `Uncomputable` where the implementation cannot be traced."""
        key = input_key(inputs)
        if key not in self._kept:
            found = self._solve(inputs)
            if self._cells > CELLS_KEPT:
                self._kept, self._cells = {}, 0
            self._kept[key] = found
            self._cells += found.tape.cell_count
        return self._kept[key]

    def _solve(self, inputs: Inputs) -> Solution:
        try:
            traced = backends.calls_of(self.adapter.name).trace(self._code, self._arrays(inputs))
            output = traced.outputs[0]
            if isinstance(output, np.ndarray | np.generic):
                raise self._uncomputable("its arguments do not reach the result inside the framework")
            if traced.tape.cell_count > IN_BALLS:
                raise self._uncomputable(f"its trace has {traced.tape.cell_count} cells; check_grads takes as many")
            found = solve(traced.tape, output)
        except Untraceable as error:
            raise self._uncomputable(str(error)) from error
        except (Uncomputable, Unsupported):
            raise
        except Exception as error:  # whatever somebody's code raises
            raise self._uncomputable(f"{type(error).__name__}: {error}") from error
        found.problem = found.problem or replay_problem(found, self._value_of, flushes=self.flushes)
        return found

    def _value_of(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        rest, domains = iter(parts), self.function.domains.values()
        inputs = [np.stack([next(rest), next(rest)], -1) if d.is_complex else next(rest) for d in domains]
        return np.asarray(self.adapter.to_numpy(self._code(*self._arrays(tuple(inputs)))))

    def _arrays(self, inputs: Inputs) -> list[Any]:
        return self.adapter.arguments(self.function, inputs, self.dtype, self.device)

    def _uncomputable(self, why: str) -> Uncomputable:
        return Uncomputable(
            f"{self.function.name} ({self.function.where}) has no body, and its implementation for {self.adapter.name} "
            f"cannot be traced: {why}. Write the body"
        )
