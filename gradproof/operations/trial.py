"""One operation tried: its calls in every dtype, at their own inputs and at hard ones, as rows."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gradproof.backends import BACKENDS
from gradproof.backends.operations import Operation, Operations, Sample
from gradproof.checking.asked import ArgumentError
from gradproof.checking.examination import Request, examine
from gradproof.checking.problem import Problem, problem_of
from gradproof.operations import second
from gradproof.operations.inputs import HALVES, PLAIN, Case, cases
from gradproof.oracles.tape import Untraceable
from gradproof.oracles.verdict import Verdict
from gradproof.report.rows.results import Row, new_row

SAMPLES = {"float64": 4, "complex128": 1}
"""So many calls of an operation are tried in a dtype, spread over those that its list gives."""

FEW = 1
"""In another dtype."""

SECOND = 1
"""Of so many of them second derivatives are tried, in the widest dtypes."""

HARD = ("float64", "complex128", *HALVES)
"""The dtypes in which one call is tried at hard inputs."""

FULL = 10**9
"""More numbers than any call has."""

WIDE = ("float64", "complex128")


def tried(backend: str, operation: Operation, operations: Operations, seconds: float) -> Iterator[Row]:
    """The rows of one operation: one per dtype, mode and input that was tried, and at least one. Nothing is begun after
    so many seconds of this process, in which others that share the machine do not count."""
    if operation.reason:
        yield untried(backend, operation, operation.reason)
        return
    end, is_empty = time.process_time() + seconds, True
    for row in _rows(backend, operation, operations):
        is_empty = False
        yield row
        if time.process_time() > end:
            yield untried(backend, operation, f"out of time after {seconds:g} s")
            return
    if is_empty:
        yield untried(backend, operation, "the list gives no call of it with a floating-point or complex array")


def untried(backend: str, operation: Operation, reason: str) -> Row:
    """The row of what was not tried."""
    return _row(backend, operation, "", "list", "", reason)


def _row(backend: str, operation: Operation, dtype: str, kind: str, call: str, reason: str) -> Row:
    names = dict(function=operation.name, backend=backend, device="cpu", dtype=dtype, mode="")
    return new_row(names, kind, Verdict.NOT_RUN, "") | {
        "list": operation.source,
        "call": call,
        "reason": reason,
        "traced": False,
    }


def _rows(backend: str, operation: Operation, operations: Operations) -> Iterator[Row]:
    """At the list's own inputs in every dtype first, and then at hard ones."""
    traced: dict[str, list[Sample]] = {}
    for dtype in (d for d in operation.dtypes if d in BACKENDS[backend].dtypes):
        try:
            samples = _spread(operation.samples(dtype), SAMPLES.get(dtype, FEW))
        except Exception as error:  # whatever a list's own code raises
            yield _row(backend, operation, dtype, PLAIN, "", f"its sample inputs raise {_said(error)}")
            continue
        for number, sample in enumerate(samples):
            is_second = dtype in WIDE and number < SECOND
            modes = tuple(mode for mode in operation.modes if is_second or "over" not in mode)
            for row in _examined(backend, operation, Case(PLAIN, sample), dtype, modes):
                if row["traced"]:
                    traced[dtype] = samples
                yield row
    first_order = tuple(mode for mode in operation.modes if "over" not in mode)
    for dtype in (d for d in HARD if d in traced):
        for case in _hard(operation, operations, traced[dtype], dtype):
            yield from _examined(backend, operation, case, dtype, first_order)


def _spread(samples: Any, count: int) -> list[Sample]:
    given = list(samples)
    numbers = np.unique(np.linspace(0, len(given) - 1, min(count, len(given))).astype(int)) if given else []
    return [given[int(i)] for i in numbers]


def _hard(operation: Operation, operations: Operations, samples: Sequence[Sample], dtype: str) -> Iterator[Case]:
    """The smallest of some calls, with numbers enough to tie, at every hard kind of input."""
    made = iter(())
    posed: list[tuple[int, Problem, Sample]] = []
    for sample in samples:
        with contextlib.suppress(Exception):  # told where the sample itself is tried
            problem = problem_of(sample.f, sample.args, name=operation.name)
            sizes = [int(np.prod(np.shape(leaf))) for leaf in problem.leaves]
            posed.append((sum(sizes) if max(sizes) > 2 else FULL - max(sizes), problem, sample))
    if posed:
        _, problem, sample = min(posed, key=lambda one: one[0])
        made = cases(operations, problem, sample, dtype, operation.takes_layouts)
    # To make one of them may raise as the call itself does, and then it is no input of it.
    with contextlib.suppress(Exception):
        yield from made


def _examined(backend: str, operation: Operation, case: Case, dtype: str, modes: tuple[str, ...]) -> Iterator[Row]:
    started = time.perf_counter()
    sample = case.sample
    try:
        problem = problem_of(sample.f, sample.args, name=operation.name)
        value = np.asarray(problem.calls.to_numpy(problem.scalar(*problem.leaves)))
    except Exception as error:
        # At hard inputs, or in another shape, a call may have no value; that is no news.
        if case.kind == PLAIN:
            yield _row(backend, operation, dtype, PLAIN, sample.text, _why(error))
        return
    if case.kind != PLAIN and not np.isfinite(value).all():
        return
    try:
        report = examine(Request(sample.f, sample.args, modes, name=operation.name))
    except Exception as error:
        reason = (_refusal(problem) if isinstance(error, Untraceable) else "") or _why(error)
        yield _row(backend, operation, dtype, case.kind, sample.text, reason) | {
            "verdict": str(Verdict.INCONCLUSIVE if isinstance(error, Untraceable) else Verdict.NOT_RUN),
            "seconds": round(time.perf_counter() - started, 3),
        }
        return
    worst = {finding.mode: finding for finding in report.findings}
    for row in report.rows:
        finding = worst[row["mode"]]
        if case.kind != PLAIN and row["verdict"] == Verdict.UNSUPPORTED:
            continue  # at a hard input a framework may refuse, as where a matrix is singular; that is no wrong answer
        opinion = second.opinion(sample, finding) if finding.fails else ""
        yield row | {
            "check": case.kind,
            "seconds": round((time.perf_counter() - started) / len(report.rows), 4),
            "list": operation.source,
            "call": sample.text,
            "traced": True,
            "truth": report.truth,
            "second": opinion,
            "notes": report.notes,
            "test": "",
        }


def _refusal(problem: Problem) -> str:
    """What a framework says that has no gradient of this call, so that no truth is missed; empty where it has one."""
    try:
        parts = problem.calls.pulled_back(problem.scalar, problem.leaves, (1.0,))[0]
    except Exception as error:
        # Forward mode may still have one.
        return "" if problem.calls.has_no_reverse(error) else f"not differentiable: {_said(error)}"
    return "" if any(part is not None for part in parts) else f"not differentiable: {problem.backend} gives no gradient"


def _why(error: Exception) -> str:
    if isinstance(error, Untraceable):
        return f"not traced: {error}"
    if isinstance(error, ArgumentError):
        return str(error)
    return f"raises {_said(error)}"


def _said(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}"
