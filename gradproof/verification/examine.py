"""One cell at work: run the backend at an input, and judge its answer against the truth or against its own finite
differences."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gradproof import backends, divergences
from gradproof.backends import MODES, Missing, Unsupported
from gradproof.backends.adapter import REAL_PART
from gradproof.backends.calls import LaterCallRaised
from gradproof.backends.settings import SETTINGS
from gradproof.backends.stopped import OutOfMemory, ran_out
from gradproof.divergences import Divergence
from gradproof.oracles.balls import BallArithmetic
from gradproof.oracles.differences import OwnDifferences, forward_noise, own_differences
from gradproof.oracles.foreign import foreign
from gradproof.oracles.kept import Shared, input_key
from gradproof.oracles.likeness import Part, likeness, summed_over
from gradproof.oracles.machine_model import FORMATS, TF32, Format, MachineModel
from gradproof.oracles.reference import Bounds, Truth
from gradproof.oracles.verdict import FAILING, Answer, Entry, Judgement, Verdict, lost
from gradproof.oracles.whole import WholeReference, WholeSecondOrder
from gradproof.registry import Function, Inputs, RegistryError
from gradproof.registry.advice import cure_of
from gradproof.registry.names import printable
from gradproof.report.answers import own_forward
from gradproof.verification.cells import Cell
from gradproof.verification.clock import CLOCK
from gradproof.verification.structure import Allowance, returned_value_problem, structural_problem
from gradproof.verification.traced import TracedReference, Traces


@cache
def reference_of(function: Function) -> WholeReference:
    """The one reference of a function, shared by all its cells."""
    return WholeReference(function)


@cache
def second_order_of(function: Function) -> WholeSecondOrder:
    """The one reference of a function's Hessian-vector products."""
    return WholeSecondOrder(reference_of(function))


@cache
def _traces_of(function: Function, backend: str, dtype: str, device: str, flushes: bool) -> Traces:
    return Traces(function, backends.load(backend), dtype, device, flushes)


_ANSWERS: dict[tuple, "Answer | BackendRaised"] = {}
"""What a cell gave or raised, by its names and the input: both checks ask at the same inputs."""

_VALUES: dict[tuple, np.ndarray] = {}
"""The value alone, by all but the mode: it comes from the same code in each."""


def forget() -> None:
    """Let go of what was found so far, so that a long run of many functions does not fill the memory."""
    for kept in (reference_of, second_order_of, own_forward, _traces_of):
        kept.cache_clear()
    _ANSWERS.clear()
    _VALUES.clear()


def share(functions: Iterable[Function], folder: Path) -> None:
    """Have what is true of these functions found once for all the workers that are given this folder."""
    shared = Shared(folder)
    for function in functions:
        if not function.problems:
            reference_of(function).kept.share(shared)


@dataclass(frozen=True)
class Finding:
    """What one input showed: the judgement, and the recorded divergence that it matches, if any.

    `caught` is the smallest error of an entry that is seen at this input, by argument: its bound against the largest
    true entry. Where that is 0, or nothing was judged, there is none. `constant` are the arguments that the program
    does not depend on to first order, of those that are not declared flat."""

    inputs: Inputs
    judgement: Judgement
    known: Divergence | None = None
    out_of_range: str = ""
    caught: dict[str, float] = field(default_factory=dict)
    constant: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether this is to be reported: a failing verdict that nobody recorded."""
        return self.judgement.verdict in FAILING and self.known is None


JudgedBy = WholeReference | WholeSecondOrder | TracedReference
"""What gives the truths and the bounds of a cell: the body of its function, or the trace of its implementation."""

LOST = "not finite, where the value and the true gradient are, and no bound holds"
"""What is told of a draw, and held against nobody: a program as somebody has written it may overflow on its way."""

OVERFLOWS = "differentiating the body may leave the range of {} on the way"
"""What is told of a draw where no error is too large for an honest program."""


def _out_of_range(inputs: Inputs, problem: str) -> Finding:
    return Finding(inputs, Judgement(Verdict.INCONCLUSIVE, problem), out_of_range=problem)


COMPARED = (Verdict.VERIFIED, Verdict.IMPRECISE, Verdict.WRONG)
"""The verdicts that say that every entry was held to a bound that means something."""


class Examiner:
    """The backend of one cell, ready to run. Raises `Unsupported` where it is not there; and later, where it
    `may_refuse`, because nobody has named the mode, when the backend has no such derivative of a person's own rule.
    Its findings say what would have been caught where `measures` is true: that takes the wider bounds, which nothing
    else asks for where all is well."""

    def __init__(self, cell: Cell, measures: bool = True, may_refuse: bool = False) -> None:
        self.cell, self.mode, self.measures, self.may_refuse = cell, MODES[cell.mode], measures, may_refuse
        if cell.missing is not None:
            raise (Missing if backends.missing(cell.backend, cell.device) else Unsupported)(cell.missing)
        with CLOCK.part("import"):
            self.adapter = backends.load(cell.backend)
            self.version = self.adapter.version()
            if cell.device not in self.adapter.devices():
                raise Missing(f"{cell.backend} {self.version} sees no {cell.device}, though the driver reports one")
        self.model = self._model(cell.dtype)
        self.reference = reference_of(cell.function) if cell.function.has_body else self._of_the_trace(1)
        self.judged_by = self._judge_of(cell.function)
        self.known = self._recorded(cell.dtype)
        self._forward: Callable | None = None
        self._backward: Callable | None = None
        self._companions = list(cell.function.points)
        self._structure_is_checked = False

    def _of_the_trace(self, order: int) -> TracedReference:
        cell = self.cell
        return TracedReference(
            _traces_of(cell.function, cell.backend, cell.dtype, cell.device, self.model.flushes), order
        )

    def _judge_of(self, function: Function) -> JudgedBy:
        if not function.has_body:
            return self._of_the_trace(self.mode.order)
        return second_order_of(function) if self.mode.order == 2 else reference_of(function)

    def _recorded(self, dtype: str) -> list[Divergence]:
        cell = self.cell
        return [
            entry
            for entry in divergences.load(cell.backend)
            # What is recorded of a built-in function is not about a user's of the same name.
            if entry.is_builtin == cell.function.is_builtin
            and entry.applies(cell.function.name, cell.device, dtype, cell.mode, self.version)
        ]

    def _model(self, dtype: str) -> MachineModel:
        flushes = not {self.cell.device, f"{self.cell.device}-{dtype}"}.isdisjoint(self.adapter.flushes_subnormals)
        return MachineModel(FORMATS[REAL_PART.get(dtype, dtype)], flushes)

    # Against the truth

    def against_truth(self, inputs: Inputs) -> Finding:
        """Judge value and gradient at `inputs`, rounded to the dtype first."""
        rounded = self._rounded(inputs)
        truth, bounds, problem = self._reference_at(rounded, inputs)
        if problem:
            return self._without_bound(rounded, truth, bounds, problem)
        assert truth is not None and bounds is not None
        bounds = self._granted(bounds, truth)
        try:
            judgement = self._judged(rounded, truth, bounds, self.judged_by)
        except BackendRaised as raised:
            return self._finding(rounded, Judgement(Verdict.UNSUPPORTED, str(raised)))
        seen = self.measures and judgement.verdict in COMPARED and truth.kink is None
        gradient = [part.high for part in truth.gradient]
        caught = _caught(list(self.cell.function.domains), gradient, self._held_to(rounded)) if seen else {}
        constant = self._constant(rounded, truth) if judgement.verdict == Verdict.VERIFIED else ()
        return replace(self._finding(rounded, judgement), caught=caught, constant=constant)

    def _constant(self, inputs: Inputs, truth: Truth) -> tuple[str, ...]:
        parts = zip(self.cell.function.domains.items(), truth.gradient, strict=True)
        zero = [name for (name, d), part in parts if not d.flat and part.high.size and not part.high.any()]
        return tuple(name for name in zero if name in self.reference.constant_in(inputs)) if zero else ()

    def _held_to(self, inputs: Inputs) -> tuple[np.ndarray, ...]:
        """What an error must exceed to be seen: the wider bounds, within which nobody is accused."""
        with CLOCK.part("bounds"):
            return self.wider(inputs).gradient

    def wider(self, inputs: Inputs, by: JudgedBy | None = None) -> Bounds:
        """The bounds, widened to what differentiating the body itself costs, and to the accuracy that is declared."""
        by = by or self.judged_by
        return self._granted(by.wider(inputs, self.model), by.truth(inputs))

    def _granted(self, bounds: Bounds, truth: Truth) -> Bounds:
        """The bounds, no narrower than the accuracy that an implementation is declared to have."""
        accuracy = self.cell.function.promise(self.cell.backend).accuracy
        if accuracy is None:
            return bounds
        value = np.maximum(bounds.value, accuracy * np.abs(truth.value.high))
        parts = zip(bounds.gradient, truth.scale, strict=True)
        return replace(bounds, value=value, gradient=tuple(np.maximum(b, accuracy * scale) for b, scale in parts))

    def _judged(self, inputs: Inputs, truth: Truth, bounds: Bounds, by: JudgedBy) -> Judgement:
        answers = self.answers(inputs) if self.mode.batched else [self._kept_answer(inputs)]
        judgement = self._worst(answers, truth, bounds, by)
        if judgement.verdict in FAILING and truth.kink is None:
            # Nobody is accused of what differentiating the body itself costs.
            with CLOCK.part("bounds"):
                bounds = self.wider(inputs, by)
            judgement = self._worst(answers, truth, bounds, by)
            if self._may_overflow(judgement) and not self.is_named(inputs):
                judgement = Judgement(Verdict.INCONCLUSIVE, OVERFLOWS.format(self.model.format.name), judgement.worst)
        if judgement.verdict == Verdict.VERIFIED:
            find = returned_value_problem if self._structure_is_checked else structural_problem
            self._structure_is_checked = True
            problem = find(self, inputs, answers[0], Allowance(bounds, lambda: self.wider(inputs, by)))
            return Judgement(Verdict.WRONG, problem) if problem else judgement
        return judgement

    @staticmethod
    def _may_overflow(judgement: Judgement) -> bool:
        return judgement.verdict in FAILING and judgement.worst is not None and bool(np.isinf(judgement.worst.bound))

    def _worst(self, answers: list[Answer], truth: Truth, bounds: Bounds, by: JudgedBy) -> Judgement:
        judgements = (by.judged(answer, truth, bounds, self._judged_in) for answer in answers)
        return max(judgements, key=lambda judgement: judgement.verdict.severity)

    def _without_bound(self, inputs: Inputs, truth: Truth | None, bounds: Bounds | None, problem: str) -> Finding:
        """Where nobody can be held to a bound, what was named is judged all the same: a gradient that is not finite is
        wrong, and what lies within a bound is right. Of what was drawn it is told, and no more: far out, any program of
        this format overflows somewhere."""
        try:
            answers = self.answers(inputs) if truth is not None else []
        except BackendRaised:
            answers = []
        if not answers:
            return _out_of_range(inputs, problem)
        assert truth is not None and bounds is not None
        names = list(self.cell.function.domains)
        judgements = (lost(answer, truth, names, self._judged_in) for answer in answers)
        wrong = next((judgement for judgement in judgements if judgement is not None), None)
        if not self.is_named(inputs):
            return _out_of_range(inputs, LOST if wrong is not None else problem)
        if wrong is not None:
            return self._finding(inputs, wrong)
        if all(np.isfinite(bound).all() for bound in (bounds.value, *bounds.gradient)):
            judgement = self._worst(answers, truth, bounds, self.judged_by)
            if judgement.verdict in (Verdict.VERIFIED, Verdict.CONVENTION):
                return Finding(inputs, judgement)
        return _out_of_range(inputs, problem)

    def is_named(self, inputs: Inputs) -> bool:
        """Whether it is one of the function's points, as this dtype has it."""
        return any(_same(self._rounded(point), inputs) for point in self.cell.function.points)

    @property
    def _judged_in(self) -> Format:
        # With TF32 asked for, lost digits are to show as imprecise, not as a wrong formula; the bound stays float32's.
        tf32 = SETTINGS.tf32 and (self.cell.device, self.cell.dtype) == ("gpu", "float32")
        return TF32 if tf32 else self.model.format

    def _rounded(self, inputs: Inputs) -> Inputs:
        return tuple(self.model.format.rounded(x) for x in inputs)

    def _reference_at(self, rounded: Inputs, inputs: Inputs) -> tuple[Truth | None, Bounds | None, str]:
        """Truth and bounds, or why the input cannot be judged in this dtype."""
        if not all(np.isfinite(x).all() for x in rounded):
            return None, None, f"the input overflows {self.cell.dtype}"
        try:
            with CLOCK.part("exact reference"):
                truth = self.judged_by.truth(rounded)
            with CLOCK.part("bounds"):
                bounds = self.judged_by.bounds(rounded, self.model)
        except RegistryError:
            if _same(rounded, inputs):
                raise
            return None, None, f"rounded to {self.cell.dtype}, the input leaves the function's domain"
        return truth, bounds, bounds.out_of_range

    def _finding(self, inputs: Inputs, judgement: Judgement, beside: Iterable[Divergence] = ()) -> Finding:
        found = Finding(inputs, judgement)
        entries = (*self.known, *beside)
        if judgement.worst is not None and judgement.verdict in FAILING:
            conventions = (entry for entry in entries if entry.instead and entry.covers(self.cell.function, inputs))
            kept = (self._by_convention(entry, found) for entry in conventions)
            found = next((finding for finding in kept if finding is not found), found)
        if found.out_of_range or found.known is not None:
            return found
        return replace(found, known=next((entry for entry in entries if self.is_recorded(entry, found)), None))

    def _by_convention(self, entry: Divergence, found: Finding) -> Finding:
        """What the definition says that this entry names; the finding as it was where the answer is not its either."""
        assert entry.instead is not None
        judged_by = self._judge_of(entry.instead)
        with CLOCK.part("exact reference"):
            truth = judged_by.truth(found.inputs)
        with CLOCK.part("bounds"):
            bounds = judged_by.bounds(found.inputs, self.model)
        if bounds.out_of_range:
            return _out_of_range(found.inputs, bounds.out_of_range)
        try:
            judgement = self._judged(found.inputs, truth, bounds, judged_by)
        except BackendRaised as raised:
            return Finding(found.inputs, Judgement(Verdict.UNSUPPORTED, str(raised)))
        if judgement.verdict in FAILING and judgement.worst is not None:
            return found
        if judgement.verdict not in (Verdict.VERIFIED, Verdict.CONVENTION):
            return Finding(found.inputs, judgement)
        return Finding(found.inputs, Judgement(Verdict.CONVENTION, entry.reason, found.judgement.worst), known=entry)

    def is_recorded(self, entry: Divergence, finding: Finding) -> bool:
        """Whether a finding is what this entry records."""
        if entry.instead is not None:
            known = finding.known.instead if finding.known is not None else None
            return known is entry.instead and entry.covers(self.cell.function, finding.inputs)
        judgement = finding.judgement
        if judgement.verdict not in FAILING or not entry.covers(self.cell.function, finding.inputs):
            return False
        recorded = Verdict(entry.verdict)
        if (judgement.verdict == Verdict.UNSUPPORTED) != (recorded == Verdict.UNSUPPORTED):
            return False
        worst, no_worse = judgement.worst, judgement.verdict.severity <= recorded.severity
        # A dtype or a shape that is off is no NaN.
        return no_worse and (entry.tolerates(worst.got, worst.relative) if worst else not entry.answer)

    def answers(self, inputs: Inputs) -> list[Answer]:
        """Run the backend forward and backward: one answer, or one per row that holds the input in a batch. Raises
        `BackendRaised` when the backend raises."""
        first_call = self._backward is None
        with self._at_work("compile, first call" if first_call else "backend"):
            forward, backward = self._code()
            arrays = self.arrays(inputs)
            value = self._value(inputs, forward, arrays)
            if self.mode.batched:
                return self._batch(inputs, value, backward)
            return [self._converted(inputs, value, backward(*arrays), ())]

    @contextmanager
    def _at_work(self, part: str, call: str = "") -> Iterator[None]:
        """The backend at work, or somebody's code in it: what it raises is `BackendRaised`, with words for which call
        it was where that was not the first."""
        try:
            with _inside_the_backend(part):
                yield
        except (Unsupported, RegistryError):
            raise
        except Exception as error:
            raise self._raised(error, call) from error

    def _raised(self, error: Exception, call: str) -> BaseException:
        backend = self.cell.backend
        is_rule = backend in self.cell.function.implementations and self.cell.mode != "reverse"
        if self.may_refuse and is_rule and backends.refuses(backend, error):
            declared = f'declare .implementation("{backend}", modes=("reverse",)) where no more is meant'
            return Unsupported(
                f"{backend} has no such derivative of a rule of one's own ({_shortly(error)}); {declared}"
            )
        if isinstance(error, TypeError) and (told := self._foreign()):
            return self.cell.function.error(told)
        if ran_out(error):
            return OutOfMemory(f"out of memory on the {self.cell.device} ({type(error).__name__}: {error})")
        cure = cure_of(error, self.cell.function.path, BallArithmetic().namespace().by_group())
        said = f"{_shortly(error)}: {cure}" if cure else _shortly(error)
        return BackendRaised(f"{call} raises {said}" if call else said)

    def _value(self, inputs: Inputs, forward: Callable, arrays: list[Any]) -> tuple[str, np.ndarray]:
        """What is structurally off with the value, and the value."""
        key = self._key("", inputs)
        if key in _VALUES:
            return "", _VALUES[key]
        result = forward(*arrays)
        self._check_scalar(result)
        problem, value = self._checked(result, (), self._dtype(False))
        if not problem:
            _VALUES[key] = value
        return problem, value

    def _check_scalar(self, result: Any) -> None:
        """Raise `RegistryError` where a person's own implementation gives more than a number: to differentiate that, a
        backend refuses, and would be said to refuse the function."""
        function, backend = self.cell.function, self.cell.backend
        if backend not in function.implementations:
            return
        try:
            shape = self.adapter.to_numpy(result).shape
        except TypeError:
            shape = None
        if shape == () or (shape is None and not isinstance(result, tuple | list | dict)):
            return
        what = f"a {type(result).__name__}" if shape is None else f"an array of shape {shape}"
        raise function.error(
            f"the implementation for {backend} returns {what}; a scalar is needed: contract it with gradproof.weights, "
            "there and in the body"
        )

    def _key(self, mode: str, inputs: Inputs) -> tuple:
        cell = self.cell
        return cell.function, cell.backend, cell.device, cell.dtype, mode, input_key(inputs)

    def _code(self) -> tuple[Callable, Callable]:
        """What computes the value and what is verified, made at the first call."""
        if self._forward is None or self._backward is None:
            cell = self.cell
            self._forward = self.adapter.forward(self.adapter.callable(cell.function, cell.dtype, cell.device))
            self._backward = backends.differentiate(self.adapter, cell.function, cell.dtype, cell.device, cell.mode)
        return self._forward, self._backward

    def arrays(self, inputs: Inputs) -> list[Any]:
        """The arguments as arrays of the backend."""
        return self.adapter.arguments(self.cell.function, inputs, self.cell.dtype, self.cell.device)

    def gradient_again(self, inputs: Inputs) -> Answer:
        """One more call at the same input, and whether it left its arguments alone."""
        forward, backward = self._code()
        with self._at_work("backend", "a second call"):
            arrays = self.arrays(inputs)
            answer = self._converted(inputs, self._value(inputs, forward, arrays), backward(*arrays), ())
        untouched = zip(self.cell.function.native(inputs), arrays, self.cell.function.domains, strict=True)
        changed = [name for x, a, name in untouched if not np.array_equal(self.adapter.to_numpy(a), x)]
        return replace(answer, problem=f"the call has changed its argument {changed[0]}") if changed else answer

    def pulled_back(self, inputs: Inputs, cotangent: float) -> Answer:
        """The gradient by reverse mode of `cotangent` times the function. Raises `Unsupported` where the backend
        differentiates nothing by itself."""
        f = self.adapter.callable(self.cell.function, self.cell.dtype, self.cell.device)
        with self._at_work("backend", f"a pullback of the cotangent {cotangent:g}"):
            arrays = self.arrays(inputs)
            value, gradient = self.adapter.value_and_gradient(lambda *arguments: cotangent * f(*arguments))(*arrays)
            return self._converted(inputs, self._checked(value, (), self._dtype(False)), gradient, ())

    def second_pass(self, inputs: Inputs) -> Answer:
        """The gradient of the second of two backward passes over one forward pass: a rule may have written to what was
        kept for it. Raises `Unsupported` where no code of a person's own runs."""
        f = self._code_of_somebody()
        with self._at_work("backend", "a second backward pass over one forward pass"):
            arrays = self.arrays(inputs)
            try:
                _, gradient = backends.calls_of(self.cell.backend).pulled_back(f, arrays, (1.0, 1.0))
            except LaterCallRaised as raised:
                assert isinstance(raised.__cause__, Exception)
                raise raised.__cause__ from None
            return self._converted(inputs, self._value(inputs, f, arrays), gradient, ())

    def of_one_argument_at_a_time(self, inputs: Inputs) -> Answer:
        """The gradient, put together of those of each argument while the others are constants: a rule may be told
        which are. Raises `Unsupported` where no code of a person's own runs, or raises so."""
        f = self._code_of_somebody()
        if len(inputs) == 1:
            raise Unsupported("there is no other argument")
        with self._at_work("backend", "one more call"):
            arrays = self.arrays(inputs)
            calls = backends.calls_of(self.cell.backend)
            try:
                gradient = [
                    self.adapter.gradient(calls.restricted(f, [number], arrays))(array)[0]
                    for number, array in enumerate(arrays)
                ]
            except Exception as error:
                raise Unsupported("code may want all its arguments differentiated") from error
            return self._converted(inputs, self._value(inputs, f, arrays), gradient, ())

    def gives_what_nobody_asked_for(self, inputs: Inputs) -> bool:
        """Whether the backward pass gives a gradient where none comes in. Raises `Unsupported` where no code of a
        person's own runs."""
        f = self._code_of_somebody()
        with self._at_work("backend", "a backward pass to which no gradient comes in"):
            given = backends.calls_of(self.cell.backend).pulled_back_undefined(f, self.arrays(inputs)) or ()
            return any(part is not None and self.adapter.to_numpy(part).any() for part in given)

    def _code_of_somebody(self) -> Callable:
        """The implementation that a person has given for the backend. Raises `Unsupported` where there is none."""
        if not self.runs_a_rule:
            raise Unsupported("a framework's own rules are told nothing of how they are used")
        return self.adapter.callable(self.cell.function, self.cell.dtype, self.cell.device)

    @property
    def runs_a_rule(self) -> bool:
        """Whether code of a person's own runs, which the backend differentiates."""
        return self.cell.backend in self.cell.function.implementations and self.adapter.differentiates

    @property
    def rule_gives_values(self) -> bool:
        """Whether such code may compute the value anew while it is differentiated."""
        return self.runs_a_rule and self.adapter.rules_give_values

    def pushed_forward(self, inputs: Inputs, tangent: Inputs) -> tuple[float, float]:
        """The value that forward mode gives beside the slope along a tangent, and that slope. Raises `Unsupported`
        where the backend has none."""
        f = self.adapter.callable(self.cell.function, self.cell.dtype, self.cell.device)
        with self._at_work("backend", "a call that gives the value beside a tangent"):
            pushed = self.adapter.value_and_tangent(f)(*self.arrays(inputs), *self.arrays(tangent))
            value, slope = (float(self.adapter.to_numpy(part)) for part in pushed)
            return value, slope

    def gradient_of_returned_value(self, inputs: Inputs) -> Answer:
        """The gradient of the value that reverse mode gives beside a gradient. Raises `Unsupported` where that is the
        value itself, whatever the rules are."""
        if not self.adapter.rules_give_values:
            raise Unsupported("the value comes from the function itself, in whatever way it is differentiated")
        f = self.adapter.callable(self.cell.function, self.cell.dtype, self.cell.device)
        returned = self.adapter.value_and_gradient(f)
        with self._at_work("backend", "one more call"):
            arrays = self.arrays(inputs)
            try:
                gradient = self.adapter.gradient(lambda *arguments: returned(*arguments)[0])(*arrays)
            except Exception as error:
                raise Unsupported("a rule need not be one that can be differentiated itself") from error
            return self._converted(inputs, self._value(inputs, f, arrays), gradient, ())

    def _batch(self, inputs: Inputs, value: tuple[str, np.ndarray], backward: Callable) -> list[Answer]:
        answer = self._converted(inputs, value, backward(*self.arrays(self.batch_of(inputs))), (3,))
        if answer.problem:
            return [answer]
        return [Answer(answer.value, tuple(part[row] for part in answer.gradient)) for row in (0, 2)]

    def batch_of(self, inputs: Inputs) -> Inputs:
        """The input stands first and last, another one in between: a row that takes from its neighbours differs."""
        others = [self._rounded(p) for p in self._companions]
        other = next((p for p in others if not _same(p, inputs)), inputs)
        self._companions = self._companions or [inputs]
        return tuple(np.stack(rows) for rows in zip(inputs, other, inputs, strict=True))

    def _converted(self, inputs: Inputs, value: tuple[str, np.ndarray], gradient: Any, rows: tuple[int, ...]) -> Answer:
        domains = self.cell.function.domains
        if not isinstance(gradient, tuple | list) or len(gradient) != len(inputs):
            return Answer(np.zeros(()), (), f"the gradient is {gradient!r}, not one array per argument")
        problem, got = value
        if problem:
            return Answer(np.zeros(()), (), f"the value {problem}")
        parts = []
        for (name, domain), part in zip(domains.items(), gradient, strict=True):
            if part is None and (domain.flat or self._has_no_slope(name, inputs)):
                parts.append(np.zeros((*rows, *domain.real_shape)))
                continue
            problem, array = self._checked(part, (*rows, *domain.shape), self._dtype(domain.is_complex))
            if problem:
                return Answer(np.zeros(()), (), f"the gradient for {name} {problem}")
            parts.append(domain.reals(array))
        return Answer(got, tuple(parts))

    def _has_no_slope(self, name: str, inputs: Inputs) -> bool:
        """Whether the body does not depend on an argument to first order, or an implementation need not: what is added
        to all entries before they are centred it may leave out, and a backend then gives none for it."""
        if name in self.reference.constant_in(inputs):
            return True
        if not self.runs_a_rule:
            return False
        number = list(self.cell.function.domains).index(name)
        return not self.reference.truth(inputs).gradient[number].high.any()

    def _foreign(self) -> str:
        """What a person's body or derivation mixes arrays with that no backend is to blame for; empty where it is code
        of the backend's that ran, or there is nothing."""
        function = self.cell.function
        return "" if function.is_builtin or self.cell.backend in function.implementations else foreign(function)

    def _dtype(self, is_complex: bool) -> str:
        return self.cell.dtype if is_complex else REAL_PART.get(self.cell.dtype, self.cell.dtype)

    def _checked(self, part: Any, shape: tuple[int, ...], dtype: str) -> tuple[str, np.ndarray]:
        nothing = np.zeros(())
        if part is None:
            return "is None", nothing
        try:
            array = self.adapter.to_numpy(part)
        except TypeError:
            return f"is {type(part).__name__}, no array of {self.cell.backend}", nothing
        if array.shape != shape:
            return f"has the shape {array.shape}, not {shape}{summed_over(array.shape, shape)}", nothing
        if self.adapter.dtype_of(part) != dtype:
            if told := self._foreign():
                raise self.cell.function.error(told)
            return f"has the dtype {self.adapter.dtype_of(part)}, not {dtype}", nothing
        device = self.adapter.device_of(part)
        if device != self.cell.device:
            return f"lies on the device {device}, not {self.cell.device}", nothing
        return "", array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)

    # Against its own finite differences

    def against_own_differences(self, inputs: Inputs) -> Finding:
        """Judge the gradient at `inputs` against finite differences of the backend's own forward pass."""
        rounded = self._rounded(inputs)
        truth, bounds, problem = self._reference_at(rounded, inputs)
        problem = "a kink" if truth is not None and truth.kink is not None else problem
        if problem:
            return _out_of_range(rounded, problem)
        assert truth is not None and bounds is not None
        bounds = self._granted(bounds, truth)
        try:
            answer = self._kept_answer(rounded)
            if answer.problem:
                return self._finding(rounded, Judgement(Verdict.WRONG, answer.problem))
        except BackendRaised as raised:
            return self._finding(rounded, Judgement(Verdict.UNSUPPORTED, str(raised)))
        try:
            own = self.own_differences(rounded)
        except BackendRaised:
            # It has just given a gradient here; a step to the side may leave the function's domain.
            return _out_of_range(rounded, "it raises a step beside the input")
        names = list(self.cell.function.domains)
        judgement = _judge_own(answer, own, bounds, names, self._judged_in.unit_roundoff)
        if judgement.verdict in FAILING:
            with CLOCK.part("bounds"):
                bounds = self.wider(rounded, self.reference)
            judgement = _judge_own(answer, own, bounds, names, self._judged_in.unit_roundoff)
        if judgement.verdict in FAILING:
            try:
                own = self._as_precise_as_measured(rounded, own)
            except BackendRaised as raised:
                return self._finding(rounded, Judgement(Verdict.UNSUPPORTED, str(raised)))
            judgement = _judge_own(answer, own, bounds, names, self._judged_in.unit_roundoff)
        if judgement.verdict in FAILING and not self._resolves(rounded, bounds):
            return _out_of_range(rounded, "finite differences do not resolve the function here")
        seen = judgement.verdict in COMPARED
        errors = [e + b for e, b in zip(own.error, bounds.gradient, strict=True)]
        caught = _caught(names, own.gradient, errors) if seen else {}
        # The forward pass ran in the widest dtype, and what is recorded there may be in its value.
        return replace(self._finding(rounded, judgement, self._recorded(self._widest)), caught=caught)

    @property
    def _widest(self) -> str:
        return "complex128" if self.cell.function.is_complex else "float64"

    def _resolves(self, inputs: Inputs, bounds: Bounds) -> bool:
        """Whether differences of the exact function, with the same steps, give the exact gradient: before they accuse a
        backend they must hold where nothing is wrong."""
        with CLOCK.part("exact reference"):
            truth = self.reference.truth(inputs)
            exact_own = own_differences(self.reference.values, inputs, float(bounds.value))
        gradient = tuple(part.high for part in truth.gradient)
        names, unit_roundoff = list(self.cell.function.domains), self.model.format.unit_roundoff
        return (
            _judge_own(Answer(truth.value.high, gradient), exact_own, bounds, names, unit_roundoff).verdict
            not in FAILING
        )

    def _as_precise_as_measured(self, inputs: Inputs, own: OwnDifferences) -> OwnDifferences:
        """The differences, with the error that the forward pass is seen to have, for it may compute in less than it was
        given; or with that which it may have a step beside the input, where what cancels may be larger."""
        model = self._model(self._widest)
        promised = float(self.reference.bounds(inputs, model).value)
        forward, seen = own_forward(self.cell.function, self.cell.backend, self.cell.device), []

        def values(batch: Inputs) -> np.ndarray:
            seen[:] = [batch, np.asarray(forward.values(batch), np.float64)]
            return seen[1]

        with self._at_work("own differences", "one more call of the forward pass"):
            own_differences(values, inputs, promised)
        with CLOCK.part("exact reference"):
            noise = forward_noise(seen[1], self.reference.values(seen[0]))
        with CLOCK.part("bounds"):
            noise = max(noise, self.reference.value_bound(seen[0], model))
        return own_differences(lambda batch: seen[1], inputs, noise) if noise > promised else own

    def _kept_answer(self, inputs: Inputs) -> Answer:
        key = self._key(self.cell.mode, inputs)
        if key not in _ANSWERS:
            try:
                _ANSWERS[key] = self.answers(inputs)[0]
            except BackendRaised as raised:
                _ANSWERS[key] = raised
        kept = _ANSWERS[key]
        if isinstance(kept, BackendRaised):
            raise BackendRaised(str(kept))
        return kept

    def own_differences(self, inputs: Inputs) -> OwnDifferences:
        """The backend's own finite differences at `inputs`, shared by its dtypes and modes."""
        with CLOCK.part("bounds"):
            value_error = float(self.reference.bounds(inputs, self._model(self._widest)).value)
        forward = own_forward(self.cell.function, self.cell.backend, self.cell.device)
        with self._at_work("own differences"):
            return forward.differences(inputs, value_error)


def _caught(names: list[str], gradient: Iterable[np.ndarray], bounds: Iterable[np.ndarray]) -> dict[str, float]:
    found = {}
    for name, part, bound in zip(names, gradient, bounds, strict=True):
        # Differences say nothing of an entry of which the estimated error is infinite; the others they hold.
        finite, largest = bound[np.isfinite(bound)], float(np.abs(part).max(initial=0.0))
        if finite.size and 0 < largest < np.inf:
            found[name] = float(finite.max()) / largest
    return found


@contextmanager
def _inside_the_backend(part: str) -> Iterator[None]:
    # What a backend warns of says nothing about its gradient; where warnings are errors it would pass for a refusal.
    with CLOCK.part(part), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _shortly(error: Exception) -> str:
    # Some backends open with "in user code:" and end with what is wrong; others add a list of all their kernels.
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    return printable(f"{type(error).__name__}: {lines[-1] if lines[0].endswith(':') else lines[0]}")


class BackendRaised(Exception):
    """What a backend raised while it ran a function."""


def _same(ours: Inputs, theirs: Inputs) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(ours, theirs, strict=True))


def _judge_own(
    answer: Answer, own: OwnDifferences, bounds: Bounds, names: list[str], unit_roundoff: float
) -> Judgement:
    entries = [
        _own_entry(name, index, float(got[index]), derivative, float((error + bound)[index]))
        for name, got, derivative, error, bound in zip(
            names, answer.gradient, own.gradient, own.error, bounds.gradient, strict=True
        )
        for index in np.ndindex(got.shape)
    ]
    entries.append(_own_entry_along(answer, own, bounds))
    # An infinite bound is an entry of which the differences can say nothing.
    entries = [entry for entry in entries if np.isfinite(entry.bound)]
    failing = [entry for entry in entries if not entry.ratio <= 1]
    worst = max(entries, key=lambda entry: np.inf if np.isnan(entry.ratio) else entry.ratio, default=None)
    if failing:
        reason = "forward and backward pass disagree"
        if all(entry.relative <= unit_roundoff**0.5 for entry in failing):
            return Judgement(Verdict.IMPRECISE, reason, worst)
        parts = zip(names, own.gradient, answer.gradient, own.error, bounds.gradient, strict=True)
        seen = likeness(Part(name, right, got, error + bound) for name, right, got, error, bound in parts if got.size)
        return Judgement(Verdict.WRONG, f"{seen}; {reason}" if seen else reason, worst)
    if not any(entry.bound < abs(float(entry.expected)) for entry in entries):
        return Judgement(Verdict.INCONCLUSIVE, "the estimated error exceeds the derivative", worst)
    return Judgement(Verdict.VERIFIED, "", worst)


def _own_entry(name: str, index: tuple[int, ...], got: float, derivative: np.ndarray, allowed: float) -> Entry:
    expected, largest = float(derivative[index]), float(np.abs(derivative).max())
    gap = abs(got - expected)
    return Entry(name, index, repr(expected), got, gap, allowed, relative=gap / largest if largest else np.inf)


def _own_entry_along(answer: Answer, own: OwnDifferences, bounds: Bounds) -> Entry:
    with np.errstate(invalid="ignore"):  # of infinities of both signs NaN is made, and told
        terms = [(g.astype(np.float64) * v).sum() for g, v in zip(answer.gradient, own.direction, strict=True)]
        along = float(sum(terms))
    slack = float(sum((b * np.abs(v)).sum() for b, v in zip(bounds.gradient, own.direction, strict=True)))
    return _own_entry("all, along a direction", (), along, np.array(own.along), own.along_error + slack)
