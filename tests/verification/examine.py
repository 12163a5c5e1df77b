"""One cell at work: run the backend at an input, and judge its answer against the truth or against its own finite
differences."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

import backends
import known_divergences
from backends import Unsupported
from backends.settings import SETTINGS
from backends.stopped import OutOfMemory, ran_out
from functions import Function, Inputs
from known_divergences import Divergence
from oracles.differences import OwnDifferences, own_differences
from oracles.machine_model import FORMATS, TF32, Format, MachineModel
from oracles.reference import Bounds, Reference, Truth
from oracles.verdict import FAILING, Answer, Entry, Judgement, Verdict, judge
from report.clock import CLOCK
from tests.verification.cells import Cell

WIDEST = "float64"
"""The dtype in which a backend's own finite differences are taken."""


@cache
def reference_of(function: Function) -> Reference:
    """The one reference of a function, shared by all its cells."""
    return Reference(function)


@dataclass(frozen=True)
class Finding:
    """What one input showed: the judgement, and the recorded divergence that it matches, if any."""

    inputs: Inputs
    judgement: Judgement
    known: Divergence | None = None
    out_of_range: str = ""

    @property
    def fails(self) -> bool:
        """Whether this is to be reported: a failing verdict that nobody recorded."""
        return self.judgement.verdict in FAILING and self.known is None


class Examiner:
    """The backend of one cell, ready to run. Raises `Unsupported` where it is not there."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        if cell.missing is not None:
            raise Unsupported(cell.missing)
        with CLOCK.part("import"):
            self.adapter = backends.load(cell.backend)
            self.version = self.adapter.version()
            if cell.device not in self.adapter.devices():
                raise Unsupported(f"{cell.backend} {self.version} sees no {cell.device}, though the driver reports one")
        self.model = self._model(cell.dtype)
        self.reference = reference_of(cell.function)
        self.known = [
            entry
            for entry in known_divergences.load(cell.backend)
            if entry.applies(cell.function.name, cell.device, cell.dtype, cell.mode, self.version)
        ]
        self._forward: Callable | None = None
        self._backward: Callable | None = None

    def _model(self, dtype: str) -> MachineModel:
        return MachineModel(FORMATS[dtype], self.cell.device in self.adapter.flushes_subnormals)

    # Against the truth

    def against_truth(self, inputs: Inputs) -> Finding:
        """Judge value and gradient at `inputs`, rounded to the dtype first."""
        rounded, truth, bounds = self._reference_at(inputs)
        if bounds is None or bounds.out_of_range:
            reason = bounds.out_of_range if bounds else f"the input overflows {self.cell.dtype}"
            return Finding(rounded, Judgement(Verdict.INCONCLUSIVE, reason), out_of_range=reason)
        try:
            answer = self.answer(rounded)
        except _BackendRaised as raised:
            return self._finding(rounded, Judgement(Verdict.UNSUPPORTED, str(raised)))
        assert truth is not None
        names = list(self.cell.function.domains)
        return self._finding(rounded, judge(answer, truth, bounds, names, self._judged_in))

    @property
    def _judged_in(self) -> Format:
        # With TF32 asked for, lost digits are to show as imprecise, not as a wrong formula; the bound stays float32's.
        tf32 = SETTINGS.tf32 and (self.cell.device, self.cell.dtype) == ("gpu", "float32")
        return TF32 if tf32 else self.model.format

    def _reference_at(self, inputs: Inputs) -> tuple[Inputs, Truth | None, Bounds | None]:
        with np.errstate(over="ignore"):
            rounded = tuple(x.astype(self.cell.dtype).astype(np.float64) for x in inputs)
        if not all(np.isfinite(x).all() for x in rounded):
            return rounded, None, None
        with CLOCK.part("exact reference"):
            truth = self.reference.truth(rounded)
        with CLOCK.part("bounds"):
            return rounded, truth, self.reference.bounds(rounded, self.model)

    def _finding(self, inputs: Inputs, judgement: Judgement) -> Finding:
        known = next((entry for entry in self.known if self._is_recorded(entry, inputs, judgement)), None)
        return Finding(inputs, judgement, known)

    def _is_recorded(self, entry: Divergence, inputs: Inputs, judgement: Judgement) -> bool:
        if judgement.verdict not in FAILING or not entry.covers(self.cell.function, inputs):
            return False
        recorded = Verdict(entry.verdict)
        if (judgement.verdict == Verdict.UNSUPPORTED) != (recorded == Verdict.UNSUPPORTED):
            return False
        no_worse = judgement.verdict.severity <= recorded.severity
        return no_worse and (judgement.worst is None or not judgement.worst.relative > entry.error)

    def answer(self, inputs: Inputs) -> Answer:
        """Run the backend forward and backward. Raises when the backend raises."""
        cell = self.cell
        first_call = self._backward is None
        try:
            with CLOCK.part("compile, first call" if first_call else "backend"):
                if self._backward is None:
                    self._backward = self.adapter.differentiate(cell.function, cell.dtype, cell.device, cell.mode)
                    self._forward = self.adapter.callable(cell.function, cell.dtype, cell.device)
                arrays = [self.adapter.array(x, cell.dtype, cell.device) for x in inputs]
                assert self._forward is not None
                value, gradient = self._forward(*arrays), self._backward(*arrays)
                return self._converted(inputs, value, gradient)
        except Unsupported:
            raise
        except Exception as error:
            raise self._raised(error) from error

    def _raised(self, error: Exception) -> BaseException:
        if ran_out(error):
            return OutOfMemory(f"out of memory on the {self.cell.device} ({type(error).__name__}: {error})")
        return _BackendRaised(f"{type(error).__name__}: {error}")

    def _converted(self, inputs: Inputs, value: Any, gradient: Any) -> Answer:
        names = list(self.cell.function.domains)
        if not isinstance(gradient, tuple | list) or len(gradient) != len(inputs):
            return Answer(np.zeros(()), (), f"the gradient is {gradient!r}, not one array per argument")
        shapes = [(), *(x.shape for x in inputs)]
        parts = []
        for name, shape, part in zip(["the value", *names], shapes, [value, *gradient], strict=True):
            problem, array = self._checked(part, shape)
            if problem:
                what = name if name == "the value" else f"the gradient for {name}"
                return Answer(np.zeros(()), (), f"{what} {problem}")
            parts.append(array)
        return Answer(parts[0], tuple(parts[1:]))

    def _checked(self, part: Any, shape: tuple[int, ...]) -> tuple[str, np.ndarray]:
        nothing = np.zeros(())
        if part is None:
            return "is None", nothing
        try:
            array = self.adapter.to_numpy(part)
        except TypeError:
            return f"is {type(part).__name__}, no array of {self.cell.backend}", nothing
        if array.shape != shape:
            return f"has the shape {array.shape}, not {shape}", nothing
        if array.dtype.name != self.cell.dtype:
            return f"has the dtype {array.dtype.name}, not {self.cell.dtype}", nothing
        device = self.adapter.device_of(part)
        if device != self.cell.device:
            return f"lies on the device {device}, not {self.cell.device}", nothing
        return "", array

    # Against its own finite differences

    def against_own_differences(self, inputs: Inputs) -> Finding:
        """Judge the gradient at `inputs` against finite differences of the backend's own forward pass."""
        rounded, truth, bounds = self._reference_at(inputs)
        if bounds is None or bounds.out_of_range or truth is None or truth.kink is not None:
            reason = "a kink" if truth is not None and truth.kink is not None else "out of range"
            return Finding(rounded, Judgement(Verdict.INCONCLUSIVE, reason), out_of_range=reason)
        try:
            answer = self.answer(rounded)
            if answer.problem:
                return self._finding(rounded, Judgement(Verdict.WRONG, answer.problem))
            own = self.own_differences(rounded)
        except _BackendRaised as raised:
            return self._finding(rounded, Judgement(Verdict.UNSUPPORTED, str(raised)))
        names = list(self.cell.function.domains)
        return self._finding(rounded, _judge_own(answer, own, bounds, names, self._judged_in.unit_roundoff))

    def own_differences(self, inputs: Inputs) -> OwnDifferences:
        """The backend's own finite differences at `inputs`, shared by its dtypes and modes."""
        with CLOCK.part("bounds"):
            value_error = float(self.reference.bounds(inputs, self._model(WIDEST)).value)
        try:
            return _own_differences(self.cell.function, self.cell.backend, self.cell.device).at(inputs, value_error)
        except Exception as error:
            raise self._raised(error) from error


class _BackendRaised(Exception):
    """What a backend raised while it ran a function."""


@dataclass
class _OwnDifferences:
    """The finite differences of one function on one backend and device, kept by input."""

    function: Function
    backend: str
    device: str
    kept: dict[bytes, OwnDifferences] = field(default_factory=dict)
    batched: Callable | None = None

    def at(self, inputs: Inputs, value_error: float) -> OwnDifferences:
        key = b"|".join(x.tobytes() for x in inputs)
        if key not in self.kept:
            self.kept[key] = own_differences(self._forward, inputs, value_error)
        return self.kept[key]

    def _forward(self, batch: Inputs) -> np.ndarray:
        adapter = backends.load(self.backend)
        arrays = [adapter.array(x, WIDEST, self.device) for x in batch]
        with CLOCK.part("own differences"):
            if self.batched is None:
                single = adapter.callable(self.function, WIDEST, self.device)
                self.batched = adapter.compile(adapter.vectorize(single))
                try:
                    return adapter.to_numpy(self.batched(*arrays))
                except Exception:
                    # A fused kernel need not know how to be mapped over a batch; its forward pass is run one by one.
                    self.batched = _one_by_one(single, adapter)
            result = self.batched(*arrays)
            return result if isinstance(result, np.ndarray) else adapter.to_numpy(result)


def _one_by_one(single: Callable, adapter: backends.Adapter) -> Callable:
    def batched(*arrays: Any) -> np.ndarray:
        return np.array([adapter.to_numpy(single(*(a[i] for a in arrays))) for i in range(len(arrays[0]))])

    return batched


@cache
def _own_differences(function: Function, backend: str, device: str) -> _OwnDifferences:
    return _OwnDifferences(function, backend, device)


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
        imprecise = all(entry.relative <= unit_roundoff**0.5 for entry in failing)
        verdict = Verdict.IMPRECISE if imprecise else Verdict.WRONG
        return Judgement(verdict, "forward and backward pass disagree", worst)
    if not any(entry.bound < abs(float(entry.expected)) for entry in entries):
        return Judgement(Verdict.INCONCLUSIVE, "the estimated error exceeds the derivative", worst)
    return Judgement(Verdict.VERIFIED, "", worst)


def _own_entry(name: str, index: tuple[int, ...], got: float, derivative: np.ndarray, allowed: float) -> Entry:
    expected, largest = float(derivative[index]), float(np.abs(derivative).max())
    gap = abs(got - expected)
    return Entry(name, index, repr(expected), got, gap, allowed, relative=gap / largest if largest else np.inf)


def _own_entry_along(answer: Answer, own: OwnDifferences, bounds: Bounds) -> Entry:
    along = float(sum((g.astype(np.float64) * v).sum() for g, v in zip(answer.gradient, own.direction, strict=True)))
    slack = float(sum((b * np.abs(v)).sum() for b, v in zip(bounds.gradient, own.direction, strict=True)))
    return _own_entry("all, along a direction", (), along, np.array(own.along), own.along_error + slack)
