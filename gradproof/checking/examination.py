"""One call of `check_grads` at work: every dtype, input and mode that was asked for, differentiated by the framework
and held to what is true there."""

import copy
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from gradproof.backends.calls import LaterCallRaised, one_after_the_other
from gradproof.backends.transformations import Unsupported
from gradproof.checking import differentiation, structure
from gradproof.checking.asked import ArgumentError
from gradproof.checking.draws import drawn, drawn_arguments, simpler
from gradproof.checking.problem import Problem, problem_of
from gradproof.checking.progress import Progress
from gradproof.checking.raised import is_ours, said, with_cure
from gradproof.checking.report import NAMED, Finding, Report, place
from gradproof.checking.rows import row_of
from gradproof.checking.truths import (
    ConstantTruth,
    Held,
    TracedTruth,
    formula_truth,
    is_formula,
    real_parts,
    traced_truth,
)
from gradproof.oracles.kinks import Kink
from gradproof.oracles.likeness import summed_over
from gradproof.oracles.tape import Untraceable
from gradproof.oracles.verdict import FAILING, Entry, Judgement, Verdict
from gradproof.report.text import shortened

Pull = Callable[[Sequence[float]], list[tuple[Any, ...]]]
"""From what a result is multiplied by, call by call, to the gradient of each."""

SMALLER = -0.5
"""What the result is multiplied by instead of -2 where that overflows."""

ROUNDINGS = 4.0
"""Roundings by which two values of one function may differ besides their bounds, which may be of exact ones."""

REFUSAL = 160
"""Letters of what a framework says of a mode that nobody asked for."""

ANOTHER_GRADIENT = "a second call gives another gradient"
NOT_LINEAR = (
    "the gradient of -2 times the result is not -2 times the gradient: the backward pass does not multiply with the "
    "gradient that comes in"
)
ANOTHER_PRODUCT = "a second call gives another second derivative"
BESIDE_INFINITY = (
    "the answer is not finite in places, and the result is infinite in places: 0 times the slope of an infinite entry "
    "may be NaN. Return the finite entries alone to have this judged"
)
FEW_ARGUMENTS = "with some arguments differentiated, and the others constant"
HANDED = "with a gradient that comes in without being contiguous in memory"
BATCHED = "with a batch of gradients that come in"
WRITTEN_TO = "the backward pass writes to the gradient that comes in, which is not its own: others read it as well"
UNDEFINED = (
    "where no gradient comes in, as for a result that nothing uses, the backward pass {}: None or zeros are right"
)
NO_ENTRIES = "no argument has an entry: their shapes and dtypes are right, and there is nothing else to compare"
NOT_FINITE = "the function is not finite here: {}"
ZEROS = "the true gradient is 0 here, in every entry, for {}: nothing but 0 is right"
INDEPENDENT = "the result does not depend on {}: the true gradient is 0 here, in every entry"
AT_ONCE = "the slopes along all directions at once, mapped over the tangents, are not those of one after the other"
WRITES = (
    "{} writes to its argument {}, so that another call would be given other numbers. Have it write to a copy, or "
    "check a function that gives it one"
)
LOST = "there is no gradient for {}: it is None"
LOST_AGAIN = (
    "there is no second derivative for {}: the gradient cannot be differentiated again, as where a backward pass uses "
    "an intermediate result that was saved, and is neither an input nor an output of the function, is marked "
    "once_differentiable, or detaches what it computes; a framework may take it for 0"
)


@dataclass(frozen=True)
class Request:
    """What was asked for. `named` are the modes that the caller has named; the others may be refused. Where `batched`,
    the backward pass is mapped over what comes in as well; where `undefined`, it is also run where nothing does."""

    f: Callable
    args: Any
    modes: tuple[str, ...]
    named: frozenset[str] = frozenset()
    argnums: int | Sequence[int] | None = None
    dtypes: tuple[str, ...] = ()
    draws: int = 0
    truth: Callable | None = None
    accuracy: float | None = None
    jac: Callable | bool | None = None
    name: str | None = None
    notes: list[str] = field(default_factory=list)
    batched: bool = False
    undefined: bool = True


def examine(request: Request) -> Report:
    """Run everything that a request asks for. Raises `ArgumentError` and `Untraceable`."""
    first, *more = drawn_arguments(request.args, request.draws)
    problem = _pose(request, first)
    report = Report(
        name=problem.name,
        backend=problem.backend,
        version=problem.calls.transformations.version(),
        results=problem.results,
        notes=[*request.notes, *problem.calls.settings()],
        unmarked=problem.unmarked,
        left_out=problem.left_out,
        data=problem.data,
    )
    with Progress(problem.name) as progress, problem.calls.at_work(report.tell):
        for dtype in request.dtypes or ("",):
            try:
                posed = _pose(request, first, dtype) if dtype else problem
            except Exception as error:
                if is_ours(error):
                    raise
                _Examination(request, problem, None, report, progress).refuses(dtype, error)
                continue
            meant = _pose_truth(request, first, problem)
            examination = _Examination(request, posed, meant, report, progress)
            examination.at(examination.problem.leaves)
            for arrays in drawn(examination.problem, request.draws) if not more else ():
                examination.at(arrays, was_drawn=True)
            for args in more:
                examination.at(_pose(request, args, dtype).leaves, was_drawn=True)
            examination.conclude()
    return report


def _pose(request: Request, args: Any, dtype: str = "") -> Problem:
    # What is given as truth takes the arguments, and not what the function holds besides.
    return problem_of(request.f, args, request.argnums, request.name, request.jac, dtype, request.truth is not None)


def _pose_truth(request: Request, args: Any, problem: Problem) -> Problem | None:
    """What is meant, where that is code of the same framework."""
    truth = request.truth
    if truth is None or is_formula(truth):
        return None
    meant = problem_of(truth, args, request.argnums, "truth", only_args=True)
    if meant.results != problem.results:
        raise ArgumentError(f"truth gives {meant.results}; {problem.name} gives {problem.results}")
    return meant


def _are_equal(held: Held, parts: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> bool:
    """Whether two gradients differ by no more than two right ones can."""
    rows = zip(parts, others, held.bounds().gradient, strict=True)
    with np.errstate(over="ignore", invalid="ignore"):  # of what is near the largest number, and differs
        return all(bool((np.abs(a - b) <= 2 * bound).all()) for a, b, bound in rows)


def _not_finite(prefix: str, arrays: dict[str, np.ndarray]) -> str:
    """The first entry of these arrays that is not finite; empty where all are."""
    for name, values in arrays.items():
        if len(lost := np.argwhere(~np.isfinite(values))):
            index = tuple(int(i) for i in lost[0])
            return f"{place(prefix + name, index)} is {values[index]}"
    return ""


class _Examination:
    """One dtype of one request."""

    def __init__(
        self, request: Request, problem: Problem, meant: Problem | None, report: Report, progress: Progress
    ) -> None:
        self.request, self.problem, self.meant, self.report, self.progress = request, problem, meant, report, progress
        self.dtype = "/".join(dict.fromkeys(argument.dtype for argument in problem.arguments))
        self.modes = list(request.modes)
        self.started = time.perf_counter()
        self._goes_back_itself = False
        self._value_of_rules: Any = None
        self.findings: list[Finding] = []

    def at(self, arrays: list[Any], was_drawn: bool = False) -> None:
        """Examine one input. Of one that was drawn nothing is said where the function has no value there."""
        if any(finding.fails and finding.was_drawn for finding in self.findings):
            return
        given, arrays = arrays, self._ours(arrays)
        try:
            value = self._value(arrays)
        except Exception as error:
            if not was_drawn:
                self._raises_again(error, arrays)
            return
        self._refuse_what_is_written_to(given, arrays)
        if was_drawn and not np.isfinite(value).all():
            return
        findings = [self._with_its_cause(found, arrays, value) for found in self._findings(arrays, value, was_drawn)]
        if was_drawn and any(finding.fails for finding in findings):
            arrays = simpler(self.problem, arrays, self._fails)
            findings = list(self._findings(arrays, self._value(arrays), was_drawn)) or findings
        self.findings += findings

    def _with_its_cause(self, finding: Finding, arrays: list[Any], value: np.ndarray) -> Finding:
        """The finding; where nothing can be judged because the function has no number there, with the argument that is
        none either."""
        if finding.judgement.verdict != Verdict.INCONCLUSIVE or np.isfinite(value).all():
            return finding
        results = dict(zip(self.problem.weights, self.problem.results_of(*arrays), strict=True))
        given = {path: y for path, y in results.items() if self.problem.weights[path] is not None}
        told = _not_finite("its result", dict(zip(given, self._numpy(list(given.values())), strict=True)))
        cause = _not_finite("", finding.inputs)
        told = NOT_FINITE.format(told or f"it is {value}") + (f", and {cause}" if cause else "")
        return replace(finding, judgement=replace(finding.judgement, reason=told))

    def refuses(self, dtype: str, error: Exception) -> None:
        """Note that the function cannot be run in another dtype."""
        self.dtype = dtype
        judgement = Judgement(Verdict.UNSUPPORTED, f"in {dtype} the function raises {said(error)}")
        self.findings.append(self._made(self.modes[0], judgement, self.problem.leaves))
        self.conclude()

    def _raises_again(self, error: Exception, arrays: list[Any]) -> None:
        """Note that the function, which has given a value here, gives none when it is called again."""
        if is_ours(error):
            raise error
        judgement = Judgement(Verdict.UNSUPPORTED, f"another call of the function raises {said(error)}")
        self.findings.append(self._made(self.modes[0], judgement, arrays))

    def _ours(self, arrays: Sequence[Any]) -> list[Any]:
        # What the caller's function does to its arguments must not reach the caller's arrays.
        calls = self.problem.calls
        return [
            calls.like(calls.to_numpy(array), array, argument.dtype)
            for array, argument in zip(arrays, self.problem.arguments, strict=True)
        ]

    def _refuse_what_is_written_to(self, given: Sequence[Any], arrays: Sequence[Any]) -> None:
        # Each further call would be given what the last one left, and its gradient held to another input's.
        names = (argument.name for argument in self.problem.arguments)
        for name, before, after in zip(names, self._numpy(given), self._numpy(arrays), strict=True):
            if not np.array_equal(before, after, equal_nan=True):
                raise ArgumentError(WRITES.format(self.problem.name, name))

    def _value(self, arrays: list[Any]) -> np.ndarray:
        return np.asarray(self.problem.calls.to_numpy(self.problem.scalar(*arrays)))

    def _fails(self, arrays: list[Any]) -> bool:
        try:
            value = self._value(arrays)
        except Exception:  # simpler, and outside of what the function takes
            return False
        return bool(np.isfinite(value).all()) and any(f.fails for f in self._findings(arrays, value, True))

    def _findings(self, arrays: list[Any], value: np.ndarray, was_drawn: bool) -> Iterator[Finding]:
        where = f"{self.dtype}, input {len(self.findings) // max(1, len(self.modes)) + 1}"
        self.progress.step = f"{where}: what is true"
        try:
            held = self._held(arrays)
        except Exception as error:
            if (raised := self._raised_by_the_function(error, arrays)) is None:
                raise
            if not was_drawn:
                self._raises_again(raised, arrays)
            return
        self.report.truth = held.told
        if isinstance(held, TracedTruth) and not was_drawn:
            self.report.traced = held.traced
            self.report.own_rules = held.own_rules
        self._tell_of_zeros(held)
        for mode in list(self.modes):
            self.progress.step = f"{where}: {mode}"
            try:
                yield self._finding(held, mode, arrays, value, was_drawn)
            except Exception as error:
                if is_ours(error):
                    raise
                yield from self._refused(mode, error, arrays)

    def _raised_by_the_function(self, error: Exception, arrays: list[Any]) -> Exception | None:
        """What the function itself raised on the way to the truth, at this call or from it on; None where it is the
        truth that cannot be had."""
        try:
            self._value(arrays)
        except Exception as raised:  # without a trace as well
            return raised
        if self.request.truth is not None:
            return None
        try:
            self._held(arrays)
        except Exception:  # it is no accident of one call
            return None
        cause = error.__cause__ if isinstance(error, Untraceable) else None
        return cause if isinstance(cause, Exception) else error

    def _tell_of_zeros(self, held: Held) -> None:
        # A gradient of zeros is right wherever the program does not depend on an argument, meant or not.
        if held.problem or held.truth.kink is not None:
            return
        rows = zip(held.names, held.truth.gradient, held.truth.scale, strict=True)
        zero = [name for name, part, scale in rows if scale == 0 and part.high.size]
        told = (INDEPENDENT if isinstance(held, ConstantTruth) else ZEROS).format(shortened(zero, NAMED))
        if zero:
            self.report.tell(told)

    def _held(self, arrays: list[Any]) -> Held:
        if self.request.truth is not None and self.meant is None:
            return formula_truth(self.problem, arrays, self.request.truth)
        return traced_truth(self.problem, arrays, self.meant)

    def _refused(self, mode: str, error: Exception, arrays: list[Any]) -> Iterator[Finding]:
        """What a framework refuses is told, and is held against the gradient only in a mode that was asked for."""
        why = said(error)
        # A backward pass that breaks is the caller's; reverse mode that there is not for this code, the framework's.
        is_told = mode != "reverse" or (len(self.modes) > 1 and self.problem.calls.has_no_reverse(error))
        if mode in self.request.named or not is_told:
            judgement = Judgement(Verdict.UNSUPPORTED, with_cure(error, self.problem.calls))
            yield self._made(mode, judgement, arrays)
            return
        self.modes.remove(mode)
        self.report.refused[mode] = textwrap.shorten(why, REFUSAL, placeholder=" …")

    # One mode

    def _finding(self, held: Held, mode: str, arrays: list[Any], value: np.ndarray, was_drawn: bool) -> Finding:
        if "forward" in mode and isinstance(held, TracedTruth) and held.reverse_alone:
            raise Unsupported(held.reverse_alone[0])
        self._value_of_rules = None
        if mode == "forward":
            finding = self._forward(held, arrays, value, was_drawn)
            if was_drawn:
                return finding
            finding = self._with_its_value(finding, held, arrays, value)
            return finding if finding.fails else self._along_few_arguments(finding, held, arrays)
        if differentiation.is_second_order(mode):
            direction = self._hessian_direction(held, arrays)
            along = held.second(direction)
            if along is None:
                return self._made(mode, Judgement(Verdict.INCONCLUSIVE, "no second derivative of a formula"), arrays)
            held = along
            pull = partial(self._hessian_products, mode, arrays, direction)
        elif mode == "reverse":
            pull = partial(self._pulled_back, arrays)
        else:
            pull = partial(self._called, differentiation.reverse_like(self.problem, mode), arrays)
        try:
            if was_drawn:
                return self._compared(held, mode, arrays, value, pull((1.0,))[0], was_drawn)
            return self._asked_again(held, mode, arrays, value, pull)
        except Exception as error:
            if mode != "forward_over_reverse" or not self.problem.calls.has_no_reverse(error):
                raise
            return self._twice_forward(held, arrays, value, was_drawn, direction)

    def _twice_forward(
        self, held: Held, arrays: list[Any], value: np.ndarray, was_drawn: bool, direction: Sequence[np.ndarray]
    ) -> Finding:
        """Hessian-vector products where there is no reverse mode for this code, as JAX's own check of it has them."""
        velocity = self._tangents(arrays, direction)
        slope = differentiation.slope(self.problem, "reverse_over_forward", self._numpy(velocity), velocity)
        along = copy.copy(self)
        along.problem = replace(self.problem, scalar=slope)
        found = along._forward(held, arrays, value, was_drawn)
        return replace(found, mode=differentiation.TWICE_FORWARD, order=2)

    def _asked_again(self, held: Held, mode: str, arrays: list[Any], value: np.ndarray, pull: Pull) -> Finding:
        """What a mode gives, unless a second call gives another, or the result twice over not its double."""
        factors = self._factors(mode)
        raised = None
        try:
            first, *others = pull(factors)
        except LaterCallRaised as error:
            raised, (first, *others) = error, error.found
        finding = self._compared(held, mode, arrays, value, first, was_drawn=False)
        if finding.judgement.verdict != Verdict.VERIFIED:
            return finding
        if raised is not None:
            which = self._later_call(mode, raised.factor)
            judgement = Judgement(Verdict.UNSUPPORTED, f"{which} raises {said(raised.__cause__)}")
            return self._made(mode, judgement, arrays)
        # Copies: a backward pass may give back memory of its own, and write to it again.
        parts = [np.array(part) for part in self._parts(held, first)[1]]
        another = ANOTHER_PRODUCT if differentiation.is_second_order(mode) else ANOTHER_GRADIENT
        for by, given, why in zip(factors[1:], others, (another, NOT_LINEAR), strict=False):
            problem, again = self._parts(held, given)
            if by != 1 and not problem and not all(np.isfinite(part).all() for part in again):
                # Twice a gradient may leave the range, or what leads to it.
                by = SMALLER
                problem, again = self._parts(held, pull((by,))[0])
            if problem or not _are_equal(held, parts, [part / by for part in again]):
                return self._made(mode, Judgement(Verdict.WRONG, problem or why), arrays)
        finding = self._with_its_value(finding, held, arrays, value)
        return finding if finding.fails else self._asked_otherwise(finding, held, arrays, value, parts)

    def _asked_otherwise(
        self, finding: Finding, held: Held, arrays: list[Any], value: np.ndarray, parts: Sequence[np.ndarray]
    ) -> Finding:
        """The finding, unless the gradient is another where it is asked for in another way."""
        others: list[Callable[[], Finding | None]] = []
        if self.request.batched and (finding.mode == "reverse" or differentiation.is_second_order(finding.mode)):
            others.append(lambda: self._batched(held, finding.mode, arrays, value, parts))
        if finding.mode == "reverse" and self.request.jac is None and not self._goes_back_itself:
            others += [
                lambda: self._of_few_arguments(held, arrays, value, parts),
                lambda: self._handed_otherwise(held, arrays, value, parts),
                lambda: self._undefined(arrays),
                lambda: self._of_few_results(held, arrays, parts),
            ]
        found = (ask() for ask in others)
        return next((other for other in found if other is not None), finding)

    def _as_well(
        self,
        where: str,
        held: Held,
        mode: str,
        arrays: list[Any],
        value: np.ndarray,
        given: Sequence[Any],
        verified: Sequence[np.ndarray] = (),
    ) -> Finding | None:
        """What is wrong with a gradient that was asked for in another way, in words that say so; None where nothing
        is. One of the same numbers as that which was `verified` is not judged again."""
        problem, parts = self._parts(held, given)
        if not problem and verified and all(map(np.array_equal, parts, verified)):
            return None
        found = self._compared(held, mode, arrays, value, given, was_drawn=False)
        if not found.fails:
            return None
        return replace(found, judgement=replace(found.judgement, reason=f"{where}: {found.judgement.reason}"))

    def _tried(self, where: str, ask: Callable[[], Any]) -> Any:
        """What is given, or None and a note where that raises: so would it for its owner, and he would see it."""
        try:
            return ask()
        except Exception as error:
            if is_ours(error):
                raise
            self.report.notes.append(f"{where}, the gradient raises {said(error)}")
            return None

    def _of_few_arguments(
        self, held: Held, arrays: list[Any], value: np.ndarray, parts: Sequence[np.ndarray]
    ) -> Finding | None:
        if len(arrays) == 1:
            return None
        given = self._tried(FEW_ARGUMENTS, lambda: structure.of_few_arguments(self.problem, arrays))
        return given and self._as_well(FEW_ARGUMENTS, held, "reverse", arrays, value, given, parts)

    def _handed_otherwise(
        self, held: Held, arrays: list[Any], value: np.ndarray, parts: Sequence[np.ndarray]
    ) -> Finding | None:
        if not self.problem.calls.hands_otherwise:
            return None
        found = self._tried(HANDED, lambda: structure.handed_otherwise(self.problem, arrays))
        if found is None:
            return None
        given, is_written_to = found
        finding = self._as_well(HANDED, held, "reverse", arrays, value, given, parts)
        if finding is not None or not is_written_to:
            return finding
        return self._made("reverse", Judgement(Verdict.WRONG, WRITTEN_TO), arrays)

    def _undefined(self, arrays: list[Any]) -> Finding | None:
        if not self.request.undefined:
            return None
        calls = self.problem.calls
        try:
            given = calls.pulled_back_undefined(self.problem.scalar, arrays)
        except Exception as error:
            if is_ours(error):
                raise
            why = UNDEFINED.format(f"raises {said(error)}")
            return self._made("reverse", Judgement(Verdict.UNSUPPORTED, why), arrays)
        if all(part is None or not calls.to_numpy(part).any() for part in given or ()):
            return None
        return self._made("reverse", Judgement(Verdict.WRONG, UNDEFINED.format("gives one")), arrays)

    def _batched(
        self, held: Held, mode: str, arrays: list[Any], value: np.ndarray, parts: Sequence[np.ndarray]
    ) -> Finding | None:
        factors = (1.0, SMALLER)
        f = self.problem.scalar
        if mode != "reverse":
            direction = self._tangents(arrays, self._hessian_direction(held, arrays))
            f = differentiation.slope(self.problem, mode, self._numpy(direction), direction)
        for by, given in zip(factors, self.problem.calls.pulled_back_at_once(f, arrays, factors), strict=True):
            scaled = tuple(None if part is None else part / by for part in given)
            found = self._as_well(BATCHED, held, mode, arrays, value, scaled, parts)
            if found is not None:
                return found
        return None

    def _of_few_results(self, held: Held, arrays: list[Any], parts: Sequence[np.ndarray]) -> Finding | None:
        """A part of the results at a time. That their gradients make up the whole is cheaply seen; each is held to what
        is true of it only where they do not."""
        if self.problem.is_scalar or self.request.truth is not None:
            return None
        asked = list(structure.of_few_results(self.problem))
        gradient = self.problem.calls.transformations.gradient
        answers = self._tried(
            "where only a part of the result is used", lambda: [gradient(part.scalar)(*arrays) for _, _, part in asked]
        )
        if not asked or answers is None or self._make_up(held, parts, asked, answers):
            return None
        for (words, _, part), given in zip(asked, answers, strict=True):
            its_own = traced_truth(part, arrays, None)
            value = np.asarray(self.problem.calls.to_numpy(part.scalar(*arrays)))
            found = self._as_well(words, its_own, "reverse", arrays, value, given)
            if found is not None:
                return found
        return None

    def _make_up(self, held: Held, parts: Sequence[np.ndarray], asked: list, answers: list) -> bool:
        """Whether the gradients of parts of the results, each by its factor, are together that of the whole."""
        total = [np.zeros_like(part) for part in parts]
        for (_, factor, _), given in zip(asked, answers, strict=True):
            problem, some = self._parts(held, self._with_zeros(given))
            if problem:
                return False
            total = [sum_ + part / factor for sum_, part in zip(total, some, strict=True)]
        return _are_equal(held, parts, total)

    def _with_zeros(self, given: Sequence[Any]) -> list[Any]:
        leaves = self.problem.leaves
        zeros = self.problem.calls.zeros_like
        return [zeros(leaf) if part is None else part for part, leaf in zip(given, leaves, strict=True)]

    def _with_its_value(self, finding: Finding, held: Held, arrays: list[Any], value: np.ndarray) -> Finding:
        """The finding, unless the value that a rule returns beside what was verified is another than the plain one, or,
        where second derivatives are asked for, has another gradient."""
        transformations = self.problem.calls.transformations
        if finding.judgement.verdict != Verdict.VERIFIED or not transformations.rules_give_values:
            return finding
        problem = ""
        if finding.mode in ("forward", "reverse"):
            problem = self._another_value(held, value, self._beside(finding.mode, arrays))
        elif finding.mode == "reverse_over_reverse":
            problem = self._another_gradient_of_the_value(arrays)
        return self._made(finding.mode, Judgement(Verdict.WRONG, problem), arrays) if problem else finding

    def _beside(self, mode: str, arrays: list[Any]) -> Any:
        """The value that the rules gave on the way to what was verified; where nothing was asked of them, it is now."""
        if self._value_of_rules is not None:
            return self._value_of_rules
        transformations, scalar = self.problem.calls.transformations, self.problem.scalar
        if mode == "reverse":
            return transformations.value_and_gradient(scalar)(*arrays)[0]
        return transformations.value_and_tangent(scalar)(*arrays, *arrays)[0]

    def _another_value(self, held: Held, value: np.ndarray, given: Any) -> str:
        plain, beside = float(value), float(self.problem.calls.to_numpy(given))
        inexactness = max(ROUNDINGS * held.format.unit_roundoff, self.request.accuracy or 0.0)
        if abs(beside - plain) <= 2 * float(held.bounds().value) + inexactness * abs(plain):
            return ""
        return f"the value returned while it is differentiated is {beside!r}, and otherwise {plain!r}"

    def _another_gradient_of_the_value(self, arrays: list[Any]) -> str:
        transformations = self.problem.calls.transformations
        both = transformations.value_and_gradient(self.problem.scalar)
        held = self._held(arrays)
        plain = transformations.gradient(self.problem.scalar)(*arrays)
        try:
            beside = transformations.gradient(lambda *given: both(*given)[0])(*arrays)
        except Exception:  # a rule need not be one that can be differentiated itself
            return ""
        (_, right), (problem, parts) = self._parts(held, plain), self._parts(held, beside)
        if problem or not _are_equal(held, right, parts):
            return "the value returned while it is differentiated has another gradient"
        return ""

    def _factors(self, mode: str) -> tuple[float, ...]:
        """What the result is multiplied by, call by call: 1 twice, and -2 where that shows more."""
        # Of a scalar the incoming gradient is 1, and nobody sees whether it was multiplied with. What is meant
        # otherwise, as clipping, need not be linear in it; and nothing comes into a gradient that somebody wrote.
        is_pulled = mode == "reverse" and self.problem.is_scalar
        is_multiplied = is_pulled and self.request.truth is None and self.request.jac is None
        return (1.0, 1.0, -2.0) if is_multiplied else (1.0, 1.0)

    def _later_call(self, mode: str, factor: float) -> str:
        if factor != 1:
            return f"the gradient of {factor:g} times the result"
        if self.request.jac is not None:
            return "a second call of the gradient"
        return "a second backward pass" if mode == "reverse" else "a second call"

    def _called(self, gradient: Callable, arrays: list[Any], factors: Sequence[float]) -> list[tuple[Any, ...]]:
        """What one program gives each time that it is called."""
        return one_after_the_other(lambda _: gradient(*arrays), factors)

    def _compared(
        self, held: Held, mode: str, arrays: list[Any], value: np.ndarray, given: Sequence[Any], was_drawn: bool
    ) -> Finding:
        problem, parts = self._parts(held, given, LOST_AGAIN if differentiation.is_second_order(mode) else LOST)
        if problem:
            return self._made(mode, Judgement(Verdict.WRONG, problem), arrays, was_drawn=was_drawn)
        judgement = held.judged(value, parts, self.request.accuracy)
        if judgement.verdict in FAILING:
            judgement = self._along_symmetric(held, value, parts) or judgement
        if self.problem.leaves_out_infinities and not all(np.isfinite(part).all() for part in parts):
            judgement = self._beside_infinity(held, value, parts)
        return self._made(mode, judgement, arrays, held, parts, was_drawn)

    def _beside_infinity(self, held: Held, value: np.ndarray, parts: Sequence[np.ndarray]) -> Judgement:
        """The verdict on what is finite of an answer, where what is not may come from entries that are left out."""
        exact = [truth.high for truth in held.truth.gradient]
        filled = [np.where(np.isfinite(part), part, right) for part, right in zip(parts, exact, strict=True)]
        judgement = held.judged(value, filled, self.request.accuracy)
        return judgement if judgement.verdict in FAILING else Judgement(Verdict.INCONCLUSIVE, BESIDE_INFINITY)

    def _pulled_back(self, arrays: list[Any], factors: Sequence[float]) -> list[tuple[Any, ...]]:
        """The gradients of the result times each factor; fewer of a function that runs its backward pass itself."""
        calls, scalar = self.problem.calls, self.problem.scalar
        if self.request.jac is not None:
            return one_after_the_other(lambda _: self.problem.jacobian(*arrays), factors)
        try:
            self._value_of_rules, found = calls.pulled_back_with_value(scalar, arrays, factors)
            return found
        except LaterCallRaised:
            raise
        except Exception:
            filled = [calls.filled(scalar, arrays, self.problem.is_scalar) for _ in range(2)]
            if filled[0] is None:
                raise
            self._goes_back_itself = True
            return filled

    def _parts(self, held: Held, given: Sequence[Any], why_none: str = LOST) -> tuple[str, list[np.ndarray]]:
        """What is structurally off, and the gradient as arrays of real numbers. `why_none` says what it means that
        there is none for an argument."""
        calls, arguments = self.problem.calls, self.problem.arguments
        arrays: list[np.ndarray] = []
        for argument, part in zip(arguments, given, strict=True):
            shape = np.shape(argument.leaf)
            if part is None:
                arrays.append(np.zeros(shape))
                continue
            if (given_shape := tuple(part.shape)) != shape:
                told = f"the gradient for {argument.name} has the shape {given_shape}; {shape} is right"
                return told + summed_over(given_shape, shape), []
            if calls.dtype_of(part) != argument.dtype:
                return f"the gradient for {argument.name} is {calls.dtype_of(part)}; {argument.dtype} is right", []
            arrays.append(np.asarray(calls.to_numpy(part)))
        lost = [a.name for a, part in zip(arguments, given, strict=True) if part is None]
        if lost and not self._is_flat(held, lost):
            return why_none.format(", ".join(lost)), []
        return "", real_parts(arguments, arrays)

    def _is_flat(self, held: Held, names: list[str]) -> bool:
        pairs = zip(held.names, held.truth.gradient, strict=True)
        return all(not part.high.any() for name, part in pairs if name.removeprefix("Re ").removeprefix("Im ") in names)

    # Forward mode

    def _forward(self, held: Held, arrays: list[Any], value: np.ndarray, was_drawn: bool) -> Finding:
        shapes = [np.shape(part) for part in real_parts(self.problem.arguments, self._numpy(arrays))]
        dense = [held.symmetrized(along) or along for along in differentiation.dense_directions(shapes)]
        units = differentiation.unit_directions(shapes)
        if not any(np.prod(shape) for shape in shapes):
            judgement, parts = self._entry_by_entry(held, value, [], shapes)
            return self._made("forward", judgement, arrays, held, parts, was_drawn)
        # One direction by itself: what maps over all of them is another program.
        known = self._slopes(arrays, dense[: 1 if units else None])
        if not np.isfinite(known).all() and (reason := self._why_not_finite(held)):
            return self._made("forward", Judgement(Verdict.INCONCLUSIVE, reason), arrays, was_drawn=was_drawn)
        judgement = self._along(held, dense[: len(known)], known)
        looks_right = judgement.verdict == Verdict.VERIFIED
        at_once = self._slopes_at_once(arrays, units) if units and looks_right else None
        mapped = None
        if at_once is not None:
            judgement, parts = self._entry_by_entry(held, value, at_once, shapes)
            if judgement.verdict not in FAILING:
                return self._made("forward", judgement, arrays, held, parts, was_drawn)
            looks_right, mapped = False, judgement
        elif looks_right and len(units) > differentiation.ONE_BY_ONE:
            judgement = self._along(held, dense, known + self._slopes(arrays, dense[1:]))
            looks_right = judgement.verdict == Verdict.VERIFIED
        if not units or (looks_right and len(units) > differentiation.ONE_BY_ONE):
            return self._made("forward", judgement, arrays, was_drawn=was_drawn)
        judgement, parts = self._entry_by_entry(held, value, self._slopes(arrays, units), shapes)
        if mapped is not None and judgement.verdict not in FAILING:
            judgement = Judgement(Verdict.WRONG, AT_ONCE, mapped.worst)
        return self._made("forward", judgement, arrays, held, parts, was_drawn)

    def _along_few_arguments(self, finding: Finding, held: Held, arrays: list[Any]) -> Finding:
        """The finding, unless the slope is another where only some arguments move, and the others have no tangent."""
        if finding.judgement.verdict != Verdict.VERIFIED or len(arrays) == 1 or not self.request.undefined:
            return finding
        shapes = [np.shape(part) for part in real_parts(self.problem.arguments, self._numpy(arrays))]
        along = differentiation.dense_directions(shapes)[0]
        velocity = self._tangents(arrays, held.symmetrized(along) or along)
        for group in structure.in_groups(len(arrays)):
            judgement = self._along_group(held, arrays, velocity, group)
            if judgement.verdict in FAILING:
                return self._made("forward", judgement, arrays)
        return finding

    def _along_group(self, held: Held, arrays: list[Any], velocity: list[Any], group: list[int]) -> Judgement:
        calls = self.problem.calls
        restricted = calls.restricted(self.problem.scalar, group, arrays)
        try:
            pushed = calls.pushed_forward(restricted, [arrays[n] for n in group], [velocity[n] for n in group])
        except Exception as error:
            if is_ours(error):
                raise
            return Judgement(Verdict.UNSUPPORTED, f"{FEW_ARGUMENTS}: forward mode raises {said(error)}")
        moves = [v if n in group else calls.zeros_like(v) for n, v in enumerate(velocity)]
        along = real_parts(self.problem.arguments, self._numpy(moves))
        judgement = self._along(held, [along], [float(np.real(calls.to_numpy(pushed)))])
        return replace(judgement, reason=f"{FEW_ARGUMENTS}: {judgement.reason}")

    def _entry_by_entry(
        self, held: Held, value: np.ndarray, slopes: Sequence[float], shapes: Sequence[tuple[int, ...]]
    ) -> tuple[Judgement, list[np.ndarray]]:
        parts = np.split(np.array(slopes), np.cumsum([int(np.prod(s)) for s in shapes])[:-1])
        parts = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
        judgement = held.judged(value, parts, self.request.accuracy)
        if judgement.verdict in FAILING:
            judgement = self._along_symmetric(held, value, parts) or judgement
        return judgement, parts

    def _slopes(self, arrays: list[Any], along: Sequence[Sequence[np.ndarray]]) -> list[float]:
        """The slope along each direction, one after the other."""
        slopes = []
        for tangent in along:
            # -2 of it: of a unit vector nobody sees whether the rule is linear in the tangent.
            velocity = self._tangents(arrays, [-2 * part for part in tangent])
            self._value_of_rules, pushed = differentiation.pushed_forward(self.problem, arrays, velocity)
            slopes.append(float(np.real(self.problem.calls.to_numpy(pushed))) / -2)
        return slopes

    def _slopes_at_once(self, arrays: list[Any], along: Sequence[Sequence[np.ndarray]]) -> np.ndarray | None:
        """The slopes along all directions in one pass; None where the framework has none for this code."""
        stacked = self._tangents(arrays, [-2 * np.stack(parts) for parts in zip(*along, strict=True)])
        try:
            pushed = self.problem.calls.pushed_at_once(self.problem.scalar, arrays, stacked)
            return np.real(np.asarray(self.problem.calls.to_numpy(pushed), complex)) / -2
        except Exception:  # one after the other they say what is the matter
            return None

    def _why_not_finite(self, held: Held) -> str:
        """Why slopes need not be finite where every entry of the gradient is: they are made of all of them at once, and
        what is beyond the range in one, times a tangent of 0, is NaN in all."""
        if self.problem.leaves_out_infinities:
            return BESIDE_INFINITY
        if held.problem or held.truth.kink is not None:
            return ""
        total = 4 * sum(float(np.abs(part.high).sum()) for part in held.truth.gradient)
        if total < held.format.largest:
            return ""
        return "a slope is made of all entries of the gradient, and together they leave the range"

    def _along_symmetric(self, held: Held, value: np.ndarray, parts: list[np.ndarray]) -> Judgement | None:
        """The convention that a gradient keeps to which is right along symmetric matrices; None if it is not."""
        folded = held.symmetrized(parts)
        if folded is None:
            return None
        # Where each entry moves by itself, what is the same on both sides of the diagonal is the mean of the two.
        exact = [truth.high for truth in held.truth.gradient]
        apart = held.symmetrized([part - right for part, right in zip(parts, exact, strict=True)]) or ()
        completed = [right + error for right, error in zip(exact, apart, strict=True)]
        judgements = (held.judged(value, answer, self.request.accuracy) for answer in (folded, completed))
        judgement = next((j for j in judgements if j.verdict in (Verdict.VERIFIED, Verdict.CONVENTION)), None)
        if judgement is None:
            return None
        why = (
            "one triangle of a matrix is read, or it is said to be symmetric: "
            "the gradient is right along symmetric matrices, and not along others"
        )
        return Judgement(Verdict.CONVENTION, why, judgement.worst)

    def _along(self, held: Held, along: list, slopes: list[float]) -> Judgement:
        """The verdict on slopes along a few directions, of which every entry is a part."""
        if held.problem:
            return Judgement(Verdict.INCONCLUSIVE, held.problem)
        worst = None
        for number, (tangent, got) in enumerate(zip(along, slopes, strict=True)):
            exact, bound = held.slope(tangent, self.request.accuracy)
            error = abs(got - exact)
            entry = Entry(f"direction {number}", (), f"{exact:.17g}", got, error, bound)
            worst = entry if worst is None or not entry.ratio <= worst.ratio else worst
        assert worst is not None
        if held.truth.kink is not None:
            return self._at_a_kink(held.truth.kink, slopes, worst)
        if worst.ratio <= 1:
            return Judgement(Verdict.VERIFIED, f"along {len(along)} dense directions, not entry by entry", worst)
        return Judgement(Verdict.WRONG, "the slope along a direction is not the gradient's", worst)

    def _at_a_kink(self, kink: Kink, slopes: list[float], worst: Entry) -> Judgement:
        # Each slope may be that of another subgradient, and of few slopes nobody sees whether one has them all.
        if kink.exists and not np.isfinite(slopes).all():
            return Judgement(Verdict.WRONG, "a kink: the slope along a direction is not finite", worst)
        return Judgement(Verdict.INCONCLUSIVE, f"a kink: {len(slopes)} slopes do not tell whose gradient they are")

    def _tangents(self, arrays: list[Any], tangent: Sequence[np.ndarray]) -> list[Any]:
        rest = iter(tangent)
        made = []
        for argument, array in zip(self.problem.arguments, arrays, strict=True):
            values = next(rest) + 1j * next(rest) if argument.is_complex else next(rest)
            made.append(self.problem.calls.like(np.asarray(values), array, argument.dtype))
        return made

    # Second order

    def _hessian_direction(self, held: Held, arrays: list[Any]) -> Sequence[np.ndarray]:
        shapes = [np.shape(part) for part in real_parts(self.problem.arguments, self._numpy(arrays))]
        direction = differentiation.hessian_direction(shapes)
        return held.symmetrized(direction) or direction

    def _hessian_products(
        self, mode: str, arrays: list[Any], direction: Sequence[np.ndarray], factors: Sequence[float]
    ) -> list[tuple[Any, ...]]:
        """The Hessian times a direction, once for each factor of the slope along it."""
        velocity = self._tangents(arrays, direction)
        if not differentiation.goes_back_through_a_slope(mode):
            push = differentiation.pushed_gradient(self.problem)
            return self._called(push, [*arrays, *velocity], factors)
        slope = differentiation.slope(self.problem, mode, self._numpy(velocity), velocity)
        return self.problem.calls.pulled_back(slope, arrays, factors)

    # What was found

    def _numpy(self, arrays: list[Any]) -> list[np.ndarray]:
        return [np.asarray(self.problem.calls.to_numpy(array)) for array in arrays]

    def _made(
        self,
        mode: str,
        judgement: Judgement,
        arrays: list[Any],
        held: Held | None = None,
        parts: Sequence[np.ndarray] = (),
        was_drawn: bool = False,
    ) -> Finding:
        given = [np.array(values) for values in self._numpy(arrays)]
        if judgement.verdict == Verdict.VERIFIED and not any(values.size for values in given):
            judgement = Judgement(Verdict.INCONCLUSIVE, NO_ENTRIES)
        finding = Finding(
            mode=mode,
            dtype=self.dtype,
            device=self.problem.calls.device_of(arrays[0]),
            judgement=judgement,
            names=[argument.name for argument in self.problem.arguments],
            given=given,
            order=2 if differentiation.is_second_order(mode) else 1,
            was_drawn=was_drawn,
        )
        if held is not None and parts and not held.problem:
            finding.compare(held.names, held.truth, held.bounds().gradient, parts)
        return finding

    def conclude(self) -> None:
        """Put what was found into the report, a row for each mode."""
        self.report.findings += self.findings
        for finding in self.findings:
            for name, value in finding.caught.items():
                self.report.caught[name] = max(value, self.report.caught.get(name, 0.0))
        seconds = time.perf_counter() - self.started
        for mode in dict.fromkeys(finding.mode for finding in self.findings):
            of_mode = [finding for finding in self.findings if finding.mode == mode]
            of = self.report.name, self.report.backend, self.report.version, dict(self.report.caught)
            self.report.unmade.append(partial(row_of, *of, of_mode, seconds))
