"""The computation graph of a function at a point, from the tape that its body leaves: the nodes, the forward value on
each edge, and what the reverse sweep sends back along it. Two paths from one node send back two terms of one sum."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradproof.oracles.tape.arithmetic import center_of
from gradproof.oracles.tape.evaluation import Evaluation
from gradproof.oracles.tape.namespace import record
from gradproof.oracles.tape.program import NO_CELLS, Instruction, Tape, numbers_of
from gradproof.oracles.tape.sweep import Sweep
from gradproof.registry import Function, Inputs

LARGEST = 40
"""A graph of more nodes is not drawn: nobody reads it."""

SIGNS = {
    "add": "+",
    "sub": "−",
    "mul": "×",
    "div": "÷",
    "neg": "−",
    "matmul": "@",
    "sum": "Σ",
    "cumsum": "cumulative Σ",
}
KINDS = {"choose": "where", "cast": "as ", "fourier": "Fourier", "mirror": "triangle", "freeze": "constant"}
LETTERS = 14
"""So long is an array on an edge that shows all of its entries."""


class Undrawn(Exception):
    """Why there is no graph."""


@dataclass
class Node:
    """An input or an operation: what it does, in a few letters, what it holds and the derivative of f in it."""

    label: str
    value: str = ""
    slope: str = ""
    is_input: bool = False
    is_output: bool = False


@dataclass(frozen=True)
class Edge:
    """From one node to another, by their numbers: what is passed on, and what comes back."""

    source: int
    target: int
    value: str
    slope: str


@dataclass
class Graph:
    """Nodes in the order in which they are computed, and the edges between them."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)


class _Watched(Sweep):
    """A sweep that notes what each instruction passes on to whom."""

    def __init__(self, evaluation: Evaluation) -> None:
        super().__init__(evaluation)
        self.passed: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))

    def _give(self, span: Any, contributions: np.ndarray, on: Any, where: np.ndarray | None = None) -> None:
        super()._give(span, contributions, on, where)
        kept = np.ones(contributions.size, bool) if where is None else where.reshape(-1)
        for number, given, is_kept in zip(numbers_of(span).reshape(-1), contributions.reshape(-1), kept, strict=True):
            if is_kept:
                self.passed[self.at][int(number)] += float(center_of(given))


def graph_of(function: Function, inputs: Inputs) -> Graph:
    """The graph of a function at an input. Raises `Undrawn`."""
    try:
        tape, value = record(function, inputs)
        tape.refuse_poisoned(value)
    except Exception as error:  # whatever a body does with cells that it may do with arrays
        raise Undrawn(f"its body cannot be recorded: {error}") from error
    return graph_of_tape(tape, int(value.numbers.reshape(-1)[0]), list(function.domains))


def graph_of_tape(tape: Tape, output: int, names: Sequence[str]) -> Graph:
    """The graph of a traced program, whose arrays of inputs have these names, up to the cell of its value. Raises
    `Undrawn`."""
    if len(names) != len(tape.inputs):
        raise Undrawn("its inputs are not those of the tape")
    drawn = [i for i in tape.instructions if i.kind not in NO_CELLS and tape.active[i.output]]
    if len(drawn) + len(tape.inputs) > LARGEST:
        raise Undrawn(f"it has {len(drawn)} operations here, too many to be read as a picture")
    sweep = _Watched(Evaluation(tape).forward())
    sweep.run(output)
    found = _Drawing(names, tape, sweep, drawn)
    if found.owner[output] < 0:
        raise Undrawn("its value does not depend on its arguments here")
    found.graph.nodes[found.owner[output]].is_output = True
    return found.graph


class _Drawing:
    def __init__(self, names: Sequence[str], tape: Tape, sweep: _Watched, drawn: Sequence[Instruction]) -> None:
        self.tape, self.sweep, self.graph = tape, sweep, Graph()
        self.owner = np.full(tape.cell_count, -1)
        self.shapes: dict[int, tuple[int, np.ndarray]] = {}
        for name, given in zip(names, tape.inputs, strict=True):
            self._add(Node(name, is_input=True), given.start, given.shape)
        places = {id(instruction): at for at, instruction in enumerate(tape.instructions)}
        for instruction in drawn:
            number = self._add(Node(self._label(instruction)), instruction.output, instruction.shape)
            self._join(number, instruction, places[id(instruction)])

    def _add(self, node: Node, start: int, shape: tuple[int, ...]) -> int:
        number = len(self.graph.nodes)
        cells = np.arange(start, start + math.prod(shape)).reshape(shape)
        self.owner[cells] = number
        node.value = shown(self.tape.values[cells])
        node.slope = shown(np.frompyfunc(lambda a: float(center_of(a)), 1, 1)(self.sweep.adjoints[cells]))
        self.shapes[number] = (start, cells)
        self.graph.nodes.append(node)
        return number

    def _join(self, target: int, instruction: Instruction, at: int) -> None:
        passed = self.sweep.passed.get(at, {})
        taken = [numbers_of(span).reshape(-1) for span in instruction.arguments] if instruction.kind != "logic" else []
        sources = dict.fromkeys(int(self.owner[n]) for numbers in taken for n in numbers if self.owner[n] >= 0)
        for source in sources:
            cells = self.shapes[source][1]
            back = np.array([passed.get(int(n), 0.0) for n in cells.reshape(-1)]).reshape(cells.shape)
            self.graph.edges.append(Edge(source, target, self.graph.nodes[source].value, shown(back)))

    def _label(self, instruction: Instruction) -> str:
        name = instruction.name
        if name == "ipow":
            return f"power {instruction.extra}"
        if instruction.kind != "map":
            sign = SIGNS.get(instruction.kind) or KINDS.get(instruction.kind)
            return sign or name or instruction.kind
        constants = [self._constant(numbers_of(span)) for span in instruction.arguments]
        sign = SIGNS.get(name, name)
        given = [c for c in constants if c]
        if len(constants) != 2 or not given:
            return sign
        return f"{given[0]} {sign}" if constants[0] else f"{sign} {given[0]}"

    def _constant(self, numbers: np.ndarray) -> str:
        """A constant operand, in a few letters; empty for what has a node of its own."""
        numbers = numbers.reshape(-1)
        if (self.owner[numbers] >= 0).any():
            return ""
        values = np.unique(self.tape.values[numbers])
        return f"{values[0]:.4g}" if values.size == 1 else "w"


def shown(values: Any) -> str:
    """A number in few digits, a small array whole, of another its first entry and its shape."""
    values = np.asarray(values, float)
    if values.size == 1:
        return _number(float(values.reshape(-1)[0]))
    text = f"[{', '.join(map(_number, values.reshape(-1)[:4]))}]"
    if values.ndim == 1 and len(text) <= LETTERS and values.size <= 4:
        return text
    first = f"{_number(float(values.reshape(-1)[0]))}, … " if values.size else ""
    return first + "×".join(map(str, values.shape))


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")
