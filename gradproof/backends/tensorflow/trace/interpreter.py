"""The interpreter: the graph of a function, run once on cells.

What no result depends on is not run. What does not depend on the input is run by TensorFlow itself, and is a constant
as TensorFlow holds it. Whatever holds inner graphs (tf.function, loops, branches) is entered; of a function with a
derivative written by hand the graph has the forward part, so that the derivative is put to the test and not to use."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gradproof.backends.tensorflow.trace import lists, rules
from gradproof.backends.tensorflow.trace.operation import (
    NOISE,
    TRUTH,
    Operation,
    Value,
    execute,
    is_numeric,
    on_tape,
)
from gradproof.oracles.tape import Cells, ComplexCells, Predicates, Tape, Untraceable

LONGEST_LOOP = 100_000
"""A loop of more steps is taken for one that does not end."""

CALLS = frozenset(("PartitionedCall", "StatefulPartitionedCall"))

MAY_WRITE = frozenset(("Case", "If", "StatefulPartitionedCall", "While"))
"""Operations that may write to variables within."""

SILENT = frozenset("Assert NoOp PrintV2 WriteSummary WriteScalarSummary WriteHistogramSummary".split())
"""Operations that give nothing."""

RANDOM = frozenset(
    "Multinomial ParameterizedTruncatedNormal RandomGamma RandomPoisson RandomPoissonV2 RandomShuffle "
    "RandomStandardNormal RandomUniform RandomUniformInt RngReadAndSkip RngSkip StatefulRandomBinomial "
    "StatefulStandardNormalV2 StatefulTruncatedNormal StatefulUniform StatefulUniformFullInt StatefulUniformInt "
    "TruncatedNormal".split()
)
"""Draws whose generator goes on from call to call."""

OPAQUE = "it runs code that the graph does not show"
KERNEL = "one kernel for a whole network, into which the trace does not see"
STRAIGHT = "a staircase, whose gradient is that of a straight line by convention and not that of the steps"
REFUSED = {
    **dict.fromkeys(("PyFunc", "PyFuncStateless", "EagerPyFunc"), OPAQUE),
    **dict.fromkeys(("CudnnRNN", "CudnnRNNV2", "CudnnRNNV3", "BlockLSTM", "BlockLSTMV2", "LSTMBlockCell"), KERNEL),
    "Schur": "a matrix that need not be symmetric",
    **dict.fromkeys(
        "FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel QuantizeAndDequantize "
        "QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4".split(),
        STRAIGHT,
    ),
    "SymbolicGradient": "it differentiates a function by the rule that is to be put to the test",
    "IteratorGetNext": "it reads other data at each call",
}
"""What is known and cannot be put on a tape, and why."""

READS = frozenset(("ReadVariableOp", "ResourceGather", "ResourceGatherNd"))
WRITES = {"AssignVariableOp": 0, "AssignAddVariableOp": 1, "AssignSubVariableOp": -1}
"""Operations that write to a variable, and the sign of what they add to it; 0 where they put it in its place."""

STATELESS_IN_FACT = frozenset(
    "LookupTableFindV2 LookupTableSizeV2 VarHandleOp VarIsInitializedOp VariableShape".split()
)
"""Operations that TensorFlow calls stateful, and that give the same at each call."""

OWN = frozenset("Case Identity IdentityN If StatelessCase StatelessIf StatelessWhile While".split())
"""What the interpreter does itself, besides calls, reads and writes."""


class Interpreter:
    """Runs graphs on values and writes what they do to floating-point numbers on `tape`. `variables` holds the values
    of variables that are inputs or were written to, by the identity of their handles; `operations` counts what
    depended on the input."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.operations: Counter[str] = Counter()
        self.variables: dict[int, Value] = {}
        self.inputs: set[int] = set()  # the handles of variables that are differentiated
        self._handles: list[tf.Tensor] = []  # so that no identity is taken twice
        self._orders: dict[int, tuple[Any, list[tf.Operation]]] = {}
        self._read: set[int] = set()  # handles of whole-numbered variables, and those that were written to
        self._written_to: set[int] = set()
        self._draws: list[Untraceable] = []
        self._constants: dict[int, tuple[tf.Operation, tf.Tensor]] = {}

    def input_variable(self, handle: tf.Tensor, cells: Cells | ComplexCells) -> None:
        """The variable with this handle is an input."""
        self._handles.append(handle)
        self.variables[id(handle)] = cells
        self.inputs.add(id(handle))

    def run(self, graph: Any, values: Sequence[Value]) -> list[Value]:
        """The results of a function's graph at these values of its inputs."""
        environment = {x.name: value for x, value in zip(graph.inputs, values, strict=True)}
        for node in self._order_of(graph):
            if node.type not in SILENT and (not node.outputs or node.outputs[0].name not in environment):
                found = self._node(node, [environment[x.name] for x in node.inputs])
                environment.update(zip((x.name for x in node.outputs), found, strict=True))
        return [environment[x.name] for x in graph.outputs]

    def _order_of(self, graph: Any) -> list[tf.Operation]:
        if id(graph) not in self._orders:
            writing = [node for node in graph.control_outputs if node.type in WRITES or node.type in MAY_WRITE]
            self._orders[id(graph)] = graph, list(_needed([x.op for x in graph.outputs] + writing))
        return self._orders[id(graph)][1]

    def finish(self) -> None:
        """Refuse draws from a generator whose state is kept in a variable and moves on at each call."""
        if self._read & self._written_to and self._draws:
            raise self._draws[0]

    def _node(self, node: tf.Operation, values: list[Value]) -> list[Value]:
        outer = self.tape.where
        op = Operation(node, self.tape)
        if any(map(_depends, values)) or node.type in CALLS or node.type in WRITES or node.type in lists.RULES:
            self.operations[node.type] += 1
            self.tape.source, self.tape.where = node.type, op.where or outer
        found = self._results(op, values)
        self.tape.where = outer
        return found if isinstance(found, list | tuple) else [found]

    def _results(self, op: Operation, values: list[Value]) -> Any:
        name = op.name
        if name in ("Identity", "IdentityN"):
            return values
        if name == "Const":
            return self._constant(op.node)
        if name in CALLS:
            return self._called(op, "f", values)
        if name in ("If", "StatelessIf"):
            return self._branch(op, values)
        if name in ("Case", "StatelessCase"):
            return self._case(op, values)
        if name in ("While", "StatelessWhile"):
            return self._loop(op, values)
        for x in values:
            if isinstance(x, Unknown):
                raise x.refusal
        if name in READS or name in WRITES:
            return self._variable(op, values)
        if name in lists.RULES:
            return self._by_rule(op, lists.RULES[name], values)
        if any(isinstance(x, lists.TensorList) for x in values):
            return self._of_lists(op, values)
        if not any(map(on_tape, values)):
            return self._concrete(op, values)
        return self._lowered(op, values)

    # What does not depend on the input

    def _constant(self, node: tf.Operation) -> tf.Tensor:
        if id(node) not in self._constants:
            value = tf.constant(tf.make_ndarray(node.get_attr("value")), node.get_attr("dtype"))
            self._constants[id(node)] = node, value
        return self._constants[id(node)][1]

    def _concrete(self, op: Operation, values: list[Value]) -> Any:
        name = op.name
        if name in RANDOM:
            op.refuse("it draws other random numbers at each call", NOISE)
        if name.startswith("StatelessRandom"):
            reason = "its generator is kept in a variable and moves on at each call, as that of a dropout layer"
            self._draws.append(Untraceable(name, reason, op.where or self.tape.where, NOISE))
        if name in REFUSED:
            op.refuse(REFUSED[name])
        if op.node.op_def.is_stateful and name not in STATELESS_IN_FACT:
            op.refuse("it depends on more than its operands")
        return self._executed(op, values)

    def _executed(self, op: Operation, values: list[Value]) -> list[Value]:
        if not hasattr(tf.raw_ops, op.name):
            op.refuse("this operation is not known here")
        try:
            return _as_list(execute(op.node, values))
        except tf.errors.OpError as error:
            op.refuse(f"TensorFlow cannot run it here by itself ({error.message.splitlines()[0]})")

    # What does

    def _lowered(self, op: Operation, values: list[Value]) -> Any:
        name = op.name
        if name in REFUSED:
            op.refuse(REFUSED[name])
        if name in RANDOM:
            op.refuse("a random draw from a distribution that depends on the input", NOISE)
        rule = rules.rule_for(name, values)
        if rule is not None:
            return self._checked(op, self._by_rule(op, rule, values))
        if all(isinstance(x, Predicates) or not on_tape(x) for x in values):
            return self._concrete(op, [op.tensor(x) for x in values])  # settled
        of = " of complex numbers" if any(isinstance(x, ComplexCells) for x in values) else ""
        return op.refuse(f"this operation{of} is not known here")

    def _by_rule(self, op: Operation, rule: Callable[..., Any], values: list[Value]) -> Any:
        try:
            return rule(op, *values)
        except (TypeError, ValueError, IndexError) as error:  # a call of another form than the rule knows
            op.refuse(f"its rule does not know this call ({type(error).__name__}: {error})")

    def _checked(self, op: Operation, found: Any) -> list[Value]:
        """Results for each output: None is a result that no rule gives."""
        found = list(found) if isinstance(found, list | tuple) else [found]
        outputs = op.node.outputs
        found += [None] * (len(outputs) - len(found))
        for i, (x, output) in enumerate(zip(found, outputs, strict=True)):
            if x is None and is_numeric(output.dtype):
                found[i] = Unknown(op, i)
        return found

    def _of_lists(self, op: Operation, values: list[Value]) -> Any:
        if op.name == "ZerosLike":
            return lists.zeros_like(values[0])
        if op.name == "AddN":
            return lists.total(op, values)
        return op.refuse("it is not known here for lists of tensors")

    # Variables

    def _variable(self, op: Operation, values: list[Value]) -> Any:
        handle, *others = values
        if op.name in WRITES:
            return self._written(op, handle, others[0])
        if op.dtype.is_integer:
            self._read.add(id(handle))
            self._handles.append(handle)
        held = self.variables.get(id(handle))
        if held is None:
            return self._executed(op, values)
        self.operations[op.name] += 1
        if op.name == "ReadVariableOp":
            return held
        if not on_tape(held):
            batch = op.attribute("batch_dims") if op.name == "ResourceGather" else 0
            take = tf.gather if op.name == "ResourceGather" else tf.gather_nd
            return take(held, others[0], batch_dims=batch)
        return rules.gathered(op, held, others[0])

    def _written(self, op: Operation, handle: tf.Tensor, new: Value) -> list[Value]:
        """The variable itself keeps its value: what is written is read from here, and has no derivative."""
        if id(handle) in self.inputs:
            op.refuse("it writes to a variable that is differentiated", "Differentiate what is written instead.")
        dtype = op.attribute("dtype")
        if dtype.is_integer:
            self._written_to.add(id(handle))
        if WRITES[op.name]:
            held = self.variables.get(id(handle))
            held = tf.raw_ops.ReadVariableOp(resource=handle, dtype=dtype) if held is None else held
            if on_tape(held) or on_tape(new):
                held, new = op.lift(held, dtype), op.lift(new, dtype)
            new = held + new if WRITES[op.name] > 0 else held - new
        self._handles.append(handle)
        self.variables[id(handle)] = self._frozen(new)
        return []

    def _frozen(self, x: Value) -> Value:
        if isinstance(x, ComplexCells):
            return ComplexCells(self.tape.freeze(x.re), self.tape.freeze(x.im))
        return self.tape.freeze(x) if isinstance(x, Cells) else x

    # What holds inner graphs

    def _called(self, op: Operation, attribute: str, values: Sequence[Value]) -> list[Value]:
        return self._within(op, op.attribute(attribute).name, values)

    def _within(self, op: Operation, graph: str, values: Sequence[Value]) -> list[Value]:
        # Where a tape has differentiated the function before, its graph has what the backward pass needs behind these.
        return self.run(inner_graph(op, graph), values)[: len(op.node.outputs)]

    def _truth(self, op: Operation, x: Value) -> bool:
        if isinstance(x, Cells):
            x = self.tape.compare("ne", x, 0.0)
        return bool(np.asarray(op.array(x)).item())

    def _branch(self, op: Operation, values: list[Value]) -> list[Value]:
        return self._called(op, "then_branch" if self._truth(op, values[0]) else "else_branch", values[1:])

    def _case(self, op: Operation, values: list[Value]) -> list[Value]:
        branches, index = op.attribute("branches"), int(op.array(values[0]))
        index = index if 0 <= index < len(branches) else len(branches) - 1
        return self._within(op, branches[index].name, values[1:])

    def _loop(self, op: Operation, values: list[Value]) -> list[Value]:
        condition, body = (inner_graph(op, op.attribute(name).name) for name in ("cond", "body"))
        for _ in range(LONGEST_LOOP):
            (more,) = self.run(condition, values)
            if not self._truth(op, more):
                return values
            values = self.run(body, values)
        op.refuse(f"a loop of more than {LONGEST_LOOP} steps")


class Unknown:
    """A result that no rule gives. Whatever uses it is refused."""

    def __init__(self, op: Operation, index: int) -> None:
        output = op.node.outputs[index]
        self.refusal = Untraceable(
            op.name, f"its result {index} ({output.name}) is not known here", op.tape.where, TRUTH
        )


def _depends(x: Value) -> bool:
    return on_tape(x) or isinstance(x, lists.TensorList)


def inner_graph(op: Operation, name: str) -> Any:
    """The graph of a function that a node calls."""
    # There is a public way to the definition of a function, as a message, but none to its graph, whose operations
    # know their place in the user's code.
    function = op.node.graph._get_function(name)
    if not hasattr(function, "graph"):
        op.refuse("it calls a function of TensorFlow's first version, of which no graph is kept")
    return function.graph


OF_VERSION_1 = frozenset("Enter Exit LoopCond Merge NextIteration Switch".split())
"""Operations of which loops are made that go round in the graph itself."""


def _needed(ends: Sequence[tf.Operation]) -> Iterator[tf.Operation]:
    """The operations that these depend on, and they themselves, each after what it depends on."""
    entered: set[str] = set()
    stack = [(node, False) for node in reversed(ends)]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
        if node.name in entered:
            continue
        entered.add(node.name)
        if node.type in OF_VERSION_1:
            reason = "control flow of TensorFlow's first version"
            raise Untraceable(node.type, reason, "", "Enable control flow of version 2, as tf.function has it.")
        stack.append((node, True))
        before = [] if node.type in SILENT else [*node.control_inputs, *(x.op for x in node.inputs)]
        stack.extend((other, False) for other in reversed(before) if other.name not in entered)


def _as_list(found: Any) -> list[Any]:
    """The results of an eager operation; one without any gives None."""
    if found is None or isinstance(found, tf.Operation):
        return []
    return list(found) if isinstance(found, list | tuple) else [found]


OPERATIONS = sorted(
    {*rules.REAL, *rules.COMPLEX, *rules.PREDICATES, *rules.GENERAL, *lists.RULES, *CALLS, *READS, *WRITES, *OWN}
)
"""The operations that are claimed to be known where they depend on the input."""
