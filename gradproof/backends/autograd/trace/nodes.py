"""autograd's own tracer with a node that keeps cells. The code runs on plain arrays, in boxes; whatever is a primitive
to autograd then runs once more on arrays that record themselves, the body of a person's own `@primitive` included.

autograd boxes no truth values, for it takes comparisons for constants. Here they depend on the input, so they have a
box of their own; while a trace runs, the table by which autograd chooses a box is ours for arrays and numbers."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.extend import VJPNode
from autograd.numpy.numpy_boxes import ArrayBox
from autograd.tracer import Box, Node, notrace_primitives, trace_stack

from gradproof.backends.numpy.trace.recorded import BOOL, GIVE_TRUTH, Recorded, Recording, is_recorded
from gradproof.oracles.tape import Untraceable, where_in_user_code

NO_CONSTANTS = (anp.sign, anp.full_like)
"""What autograd takes for constant and is not: the phase of a complex number, and what an array is filled with."""


class CellNode(Node):
    """What one primitive computes: `cells`, recorded arrays in the place of the arrays of its value."""

    __slots__ = ("cells", "rules")

    def __init__(
        self, value: Any, primitive: Callable, args: tuple, kwargs: dict, argnums: tuple, parents: tuple
    ) -> None:
        self.rules = parents[0].rules
        args = list(args)
        for i, parent in zip(argnums, parents, strict=True):
            args[i] = parent.cells
        self.cells = self.rules.computed(primitive, value, args, kwargs) if is_carried(args) else value

    def initialize_root(self, cells: Recorded, rules: "Primitives") -> None:
        """The node of an argument."""
        self.cells, self.rules = cells, rules


def is_carried(tree: Any) -> bool:
    """Whether something recorded is in a tree, or in a sparse object of autograd's."""
    if isinstance(tree, tuple | list):
        return any(map(is_carried, tree))
    return is_recorded(tree) or hasattr(tree, "mut_add")


class Primitives:
    """How a primitive is computed on recorded arrays: by a rule of its own, or by its own code."""

    def __init__(self, recording: Recording, rules: Mapping[Callable, Callable]) -> None:
        self.recording, self.rules = recording, rules

    def computed(self, primitive: Callable, value: Any, args: list[Any], kwargs: dict) -> Any:
        """What the primitive, which has given `value`, makes of recorded arrays."""
        cells = self._run(primitive, args, kwargs)
        if isinstance(cells, Recorded):
            cells = _widened(cells, value) if primitive in self.rules else cells
            self._compare(primitive, value, cells)
        if primitive not in notrace_primitives[VJPNode] or not isinstance(cells, Recorded):
            return cells
        if cells.dtype == BOOL:
            return cells
        if primitive in NO_CONSTANTS and (primitive is not anp.sign or cells.dtype.kind == "c"):
            return cells
        # To autograd, what such a function gives is a constant.
        frozen = self.recording.frozen(cells)
        return value if self.recording.is_constant(cells) else frozen

    def _compare(self, primitive: Callable, value: Any, cells: Recorded) -> None:
        recorded, given = (cells.shape, cells.dtype), (np.shape(value), np.result_type(value))
        if recorded != given:
            self.recording.refuse(_name_of(primitive), f"what is recorded has shape and dtype {recorded}, not {given}")

    def _run(self, primitive: Callable, args: list[Any], kwargs: dict) -> Any:
        rule, name = self.rules.get(primitive), _name_of(primitive)
        try:
            if rule is None:
                self._note_rule(primitive.fun, name)
                result = primitive.fun(*args, **kwargs)
                return self.recording.gathered(result) if isinstance(result, np.ndarray) else result
            with self.recording.entered(name):
                return rule(self.recording, *args, **kwargs)
        except Untraceable:
            raise
        except Exception as error:
            reason = f"its code does not run on arrays that record themselves: {type(error).__name__}: {error}"
            raise Untraceable(name, reason, where_in_user_code(), GIVE_TRUTH) from error

    def _note_rule(self, body: Callable, name: str) -> None:
        if not (getattr(body, "__module__", "") or "").startswith(("autograd", "numpy", "scipy")):
            self.recording.own_rules[name] = None


def _name_of(primitive: Callable) -> str:
    return getattr(primitive.fun, "__name__", str(primitive.fun))


def _widened(cells: Recorded, value: Any) -> Recorded:
    """A result in the dtype of the value: SciPy gives some in a wider one than it has computed in."""
    dtype = np.result_type(value)
    return cells.astype(dtype) if dtype.kind == cells.dtype.kind and dtype.itemsize > cells.dtype.itemsize else cells


class TruthBox(ArrayBox):
    """Truth values that depend on the input. Who acts on them holds them fixed."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return bool(self._node.cells)

    def __index__(self) -> int:
        return int(self._node.cells)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.asarray(self._node.cells, dtype)

    def __invert__(self) -> Any:
        return np.logical_not(self)

    def __and__(self, other: Any) -> Any:
        return np.logical_and(self, other)

    def __or__(self, other: Any) -> Any:
        return np.logical_or(self, other)

    def __xor__(self, other: Any) -> Any:
        return np.logical_xor(self, other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__


Box.types.add(TruthBox)
Box.type_mappings[TruthBox] = TruthBox

PLAIN = (*(np.bool_, bool, int, np.int64, np.int32, np.uint64), Recorded)
"""Types that autograd has no box for, and that primitives give here."""


@contextmanager
def boxing() -> Iterator[None]:
    """While a function is traced. Outside of it nothing of autograd is other than it was."""
    mappings, top = dict(Box.type_mappings), trace_stack.top
    arrays = [kind for kind, box in mappings.items() if box is ArrayBox and kind is not ArrayBox]
    Box.type_mappings.update(dict.fromkeys((*arrays, *PLAIN), _boxed))
    try:
        yield
    finally:
        for kind in (*arrays, *PLAIN):
            del Box.type_mappings[kind]
        Box.type_mappings.update(mappings)
        # autograd does not take down its count when an exception passes.
        trace_stack.top = top


def _boxed(value: Any, trace: int, node: Node) -> Any:
    """A value in a box, where its node has cells; else as it is."""
    if not isinstance(node, CellNode):
        return ArrayBox(value, trace, node)
    if not isinstance(node.cells, Recorded):
        return value
    if isinstance(value, Recorded):
        value = value.value
    return (TruthBox if node.cells.dtype == BOOL else ArrayBox)(value, trace, node)
