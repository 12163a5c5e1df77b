"""A random program on a backend, held to the exact derivative of its tape, in any of the modes."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gradproof import backends
from gradproof.backends import MODES, Adapter
from gradproof.oracles.machine_model import FORMATS, MachineModel
from gradproof.oracles.tape import HessianProduct, Solution, judge, solve
from gradproof.oracles.tape.namespace import record
from gradproof.oracles.verdict import FAILING, Judgement, Verdict
from gradproof.registry import Inputs, direction
from gradproof.report.scripts.capsule import Case, script
from gradproof.report.scripts.sources import CannotWrite
from gradproof.verification.programs.program import Program


@dataclass(eq=False)
class Checked:
    """What is true of a program: the gradient, and products with the Hessian where they are asked for. `problem` says
    why nothing can be said at these inputs; empty where it can."""

    program: Program
    solution: Solution | None
    problem: str = ""

    @cached_property
    def curvature(self) -> HessianProduct:
        """The product of the Hessian with the direction of the second-order modes."""
        assert self.solution is not None
        return self.solution.hvp(direction(self.program.function))

    def of(self, mode: str) -> Solution | HessianProduct:
        """What an answer in this mode is held to."""
        assert self.solution is not None
        return self.solution if MODES[mode].order == 1 else self.curvature


@dataclass(frozen=True)
class Alarm:
    """An answer that is wrong or imprecise; `refused` instead where the backend raised."""

    program: Program
    backend: str
    dtype: str
    mode: str
    judgement: Judgement
    case: Case | None = field(default=None, repr=False)

    @property
    def refused(self) -> bool:
        """Whether the backend gave no answer at all."""
        return self.judgement.verdict == Verdict.UNSUPPORTED

    def script(self, folder: Path) -> str:
        """Code that shows it and needs this backend alone; where there is none, the program and why."""
        assert self.case is not None
        try:
            case = self.case
            return script(Case(**{**vars(case), "function": self.program.written(folder)}))
        except CannotWrite as error:
            return f"# no script: {error}\n{self.program.file}"

    def __str__(self) -> str:
        worst = self.judgement.worst
        where = f": {worst.symbol} is {worst.expected}, got {worst.got!r}" if worst else ""
        head = f"{self.judgement.verdict} on {self.backend}, {self.dtype}, {self.mode}: {self.judgement.reason}{where}"
        return f"{head}\n{self.program.file}"


def truth_of(program: Program, prove: bool = False) -> Checked:
    """The truth of a program at its inputs, from its tape. At a kink nothing is to be learnt of a program whose inputs
    could as well be others."""
    tape, value = record(program.function, program.inputs)
    found = solve(tape, value, prove=prove)
    problem = found.problem or ("a kink" if found.kink is not None else "")
    return Checked(program, found, problem)


def check(checked: Checked, backend: str, dtype: str = "float64", mode: str = "reverse") -> Alarm | None:
    """An alarm where the backend's value or gradient, or what the mode gives, is not what is true; None where it is, or
    where rounding leaves nothing to say."""
    if checked.problem:
        return None
    adapter = backends.load(backend)
    program, found = checked.program, checked.of(mode)
    flushes = not {"cpu", f"cpu-{dtype}"}.isdisjoint(adapter.flushes_subnormals)
    model = MachineModel(FORMATS[dtype], flushes)
    if found.problem or found.bounds(model).out_of_range:
        return None
    try:
        value, gradients = _answers(program, adapter, dtype, mode)
    except Exception as error:  # a refusal may be of any class
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:400]
        return _alarm(checked, adapter, dtype, mode, Judgement(Verdict.UNSUPPORTED, reason))
    for gradient in gradients:
        problem, parts = _completed(gradient, found)
        judgement = judge(found, value, parts, program.names, model=model, problem=problem)
        if judgement.verdict in FAILING:
            return _alarm(checked, adapter, dtype, mode, judgement)
    return None


def _alarm(checked: Checked, adapter: Adapter, dtype: str, mode: str, judgement: Judgement) -> Alarm:
    program = checked.program
    truth = checked.of(mode).truth
    batch = tuple(np.stack([x, x]) for x in program.inputs) if MODES[mode].batched else None
    case = Case(
        adapter, adapter.version(), program.function, "cpu", dtype, mode, program.inputs, judgement, truth, batch
    )
    return Alarm(program, adapter.name, dtype, mode, judgement, case)


def _answers(program: Program, adapter: Adapter, dtype: str, mode: str) -> tuple[np.ndarray, list[list[Any]]]:
    """The value, and the gradient of each row of a batch, or the one gradient."""
    function = program.function
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arrays = adapter.arguments(function, program.inputs, dtype, "cpu")
        value = adapter.to_numpy(adapter.callable(function, dtype, "cpu")(*arrays))
        differentiated = backends.differentiate(adapter, function, dtype, "cpu", mode)
        if not MODES[mode].batched:
            return np.asarray(value, np.float64), [_numbers(adapter, differentiated(*arrays))]
        rows = _numbers(adapter, differentiated(*_batch(adapter, program.inputs, program, dtype)))
        return np.asarray(value, np.float64), [[None if p is None else p[row] for p in rows] for row in (0, 1)]


def _batch(adapter: Adapter, inputs: Inputs, program: Program, dtype: str) -> list[Any]:
    return adapter.arguments(program.function, tuple(np.stack([x, x]) for x in inputs), dtype, "cpu")


def _numbers(adapter: Adapter, parts: Any) -> list[Any]:
    return [None if part is None else np.asarray(adapter.to_numpy(part)).astype(np.float64) for part in parts]


def _completed(gradient: list[Any], found: Solution | HessianProduct) -> tuple[str, list[np.ndarray]]:
    """The gradient with zeros for what is unconnected, where zero is right; and what is structurally off."""
    parts, truths = [], found.truth.gradient
    for part, true in zip(gradient, truths, strict=True):
        if part is None and true.high.any():
            return "the gradient of one argument is None", []
        part = np.zeros(true.high.shape) if part is None else part
        if part.shape != true.high.shape:
            return f"a gradient has the shape {part.shape}, the argument {true.high.shape}", []
        parts.append(part)
    return "", parts


Check = Callable[[Checked, str, str, str], Alarm | None]
