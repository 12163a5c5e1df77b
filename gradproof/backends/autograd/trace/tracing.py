"""The trace of a function that autograd differentiates."""

from collections.abc import Callable, Sequence
from typing import Any

from autograd.tracer import isbox, new_box, trace_stack

from gradproof.backends.autograd.trace.nodes import CellNode, Primitives, boxing
from gradproof.backends.autograd.trace.primitives import NAMES, known_primitives
from gradproof.backends.numpy.trace import OPERATIONS as OF_NUMPY
from gradproof.backends.numpy.trace import Recording, new_recording
from gradproof.backends.numpy.trace.recorded import Recorded
from gradproof.backends.numpy.trace.tracing import traced
from gradproof.backends.tracing import Traced

OPERATIONS = sorted({*OF_NUMPY, *NAMES})
"""The functions of autograd.numpy and autograd.scipy that can be traced."""


def trace(f: Callable, arguments: Sequence[Any], differentiated: Sequence[bool]) -> Traced:
    """The forward pass of `f`, which autograd differentiates, on a tape."""

    def run(recording: Recording, given: list[Any]) -> list[Any]:
        rules = Primitives(recording, known_primitives())
        with boxing(), trace_stack.new_trace() as level:
            boxes = [_boxed(x, level, rules) if isinstance(x, Recorded) else x for x in given]
            return [_cells_of(y, level) for y in f(*boxes)]

    return traced(f, arguments, differentiated, run, new_recording())


def _boxed(x: Recorded, level: int, rules: Primitives) -> Any:
    # autograd gives numbers of NumPy where an array has no axes.
    value = x.value if x.ndim else x.value[()]
    return new_box(value, level, CellNode.new_root(x, rules))


def _cells_of(y: Any, level: int) -> Any:
    return y._node.cells if isbox(y) and y._trace == level else y
