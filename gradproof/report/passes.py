"""A forward and a backward pass node by node, with numbers: the assignments of a body and of its derivation, as they
are executed, and the operations of what they return; and the instructions of a tape, where there is no derivation."""

import functools
import inspect
import linecache
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np

from gradproof.oracles.tape.evaluation import Evaluation
from gradproof.oracles.tape.program import NO_CELLS, Instruction, numbers_of
from gradproof.oracles.tape.sweep import Sweep
from gradproof.report.numbers import SHORT, array_shown, number_shown
from gradproof.report.operations import returned as returned_by

SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "matmul": "@"}


@dataclass(frozen=True)
class Node:
    """One line that was executed: its text, the name that it gave a value, and the value."""

    line: str
    name: str
    value: Any


@dataclass(frozen=True)
class Pass:
    """What a function computed when it was called: its nodes in the order of execution, and what it `returned`, with
    the last operation of each part where it is one, such as "v1 * x"."""

    nodes: list[Node]
    returned: Any
    written: list[str]


def passed(code: Callable, *arguments: Any) -> Pass:
    """Call a function, and keep what each of its lines assigns, and what the operations of a return statement give,
    which are called v1, v2 and so on. A line that is executed again, in a loop, stands there again."""
    plain = code.func if isinstance(code, functools.partial) else code
    target = inspect.unwrap(plain).__code__
    found: list[Node] = []
    written: list[str] = []
    before: dict[str, Any] = {}
    at: list[int] = []

    def note(frame: FrameType) -> None:
        if at:
            new = [(name, value) for name, value in frame.f_locals.items() if before.get(name) is not value]
            text = linecache.getline(target.co_filename, at[-1]).strip()
            found.extend(Node(text, name, value) for name, value in new)
        before.update(frame.f_locals)

    def inside(frame: FrameType, event: str, argument: Any) -> Callable:
        if event in ("line", "return"):
            note(frame)
            at.append(frame.f_lineno)
        if event == "return" and (last := returned_by(frame, argument)) is not None:
            written.extend(last.parts)
            found.extend(Node(f"{name} = {text}", name, value) for name, text, value in last.operations)
        return inside

    def outside(frame: FrameType, event: str, argument: Any) -> Callable | None:
        return inside if frame.f_code is target else None

    previous = sys.gettrace()
    sys.settrace(outside)
    try:
        returned = code(*arguments)
    finally:
        sys.settrace(previous)
    # The first line finds the arguments, which nobody assigned.
    kept = [node for node in found if node.name not in inspect.signature(plain).parameters]
    return Pass(kept, returned, written)


# Tapes


def tape_lines(evaluation: Evaluation, sweep: Sweep, names: Sequence[str], most: int) -> list[list[str]]:
    """A line of cells for each instruction of an evaluated tape that has been swept: what it computes, its value, and
    the adjoint of that, the derivative of the result in it. `names` are those of the inputs."""
    tape = evaluation.tape
    known = [(i.start, i.start + int(np.prod(i.shape)), name) for i, name in zip(tape.inputs, names, strict=True)]
    lines = [
        [
            name,
            "",
            array_shown(evaluation.cells[i.cells].reshape(i.shape)),
            array_shown(sweep.adjoints[i.cells].reshape(i.shape)),
        ]
        for i, name in zip(tape.inputs, names, strict=True)
    ]
    count = 0
    for instruction in tape.instructions:
        if instruction.kind in NO_CELLS:
            continue
        cells = slice(instruction.output, instruction.output + instruction.size)
        count += 1
        name = f"v{count}"
        if count <= most:
            text = _written(instruction, lambda span: _operand(span, known, evaluation))
            value = array_shown(evaluation.cells[cells].reshape(instruction.shape))
            adjoint = (
                array_shown(sweep.adjoints[cells].reshape(instruction.shape)) if sweep.reached[cells].any() else "-"
            )
            lines.append([name, f"= {text}", value, adjoint])
        known.append((cells.start, cells.stop, name))
    if count > most:
        lines.append([f"and {count - most} more", "", "", ""])
    return lines


def _written(instruction: Instruction, operand: Callable[[Any], str]) -> str:
    name = instruction.name or instruction.kind
    given = [operand(span) for span in instruction.arguments]
    if name in SIGNS and len(given) == 2:
        return f"{given[0]} {SIGNS[name]} {given[1]}"
    if name == "ipow":
        return f"{given[0]} ** {instruction.extra}"
    if name == "neg":
        return f"-{given[0]}"
    return f"{name}({', '.join(given)})"


def _operand(span: Any, known: Sequence[tuple[int, int, str]], evaluation: Evaluation) -> str:
    numbers = numbers_of(span).reshape(-1)
    if not numbers.size:
        return "[]"
    owners = list(dict.fromkeys(_owners(numbers, known)))
    if len(owners) == 1 and owners[0] is not None:
        start, stop, name = owners[0]
        is_whole = len(numbers) == stop - start and bool((np.diff(numbers) == 1).all())
        if is_whole:
            return name
        return f"{name}[{numbers[0] - start}]" if len(set(numbers)) == 1 else f"{name}[…]"
    if owners == [None]:
        values = evaluation.cells[numbers]
        return number_shown(values[0], SHORT) if len(set(numbers)) == 1 else f"constants {array_shown(values)}"
    return " and ".join(owner[2] if owner else "constants" for owner in owners[:3]) + (" …" if len(owners) > 3 else "")


def _owners(numbers: np.ndarray, known: Sequence[tuple[int, int, str]]) -> Iterator[tuple[int, int, str] | None]:
    for number in numbers[:64]:
        yield next((owner for owner in known if owner[0] <= number < owner[1]), None)
