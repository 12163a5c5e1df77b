"""What the trace of a backend gives back, whichever backend it is.

Each backend that can be traced has a module `gradproof.backends.<backend>.trace` with a function
`trace(f, arguments, differentiated) -> Traced` and a list `OPERATIONS` of the operations that it claims to know. `f`
takes arrays of the framework by position and returns a list of them; `differentiated` says of each argument whether a
derivative in it is asked for. What cannot be put on a tape raises `Untraceable`."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradproof.oracles.tape import Cells, ComplexCells, Tape


@dataclass
class Traced:
    """A forward pass on a tape, at one input.

    `inputs` are the cells of the differentiated arguments, in their order, and `outputs` those of every result, each in
    the framework's format; a result that has no floating-point numbers is a NumPy array. `operations` counts the
    framework's operations by name. `replay(arguments)` runs the framework's own forward pass at other arguments of the
    same shapes and gives its results as NumPy arrays. `notes` say where a value left the trace (`.item()` and the
    like): if it came back, it did so as a constant, and a replay will differ. `reverse_alone` says what reverse mode
    takes for a constant, and no other mode. `own_rules` names the functions that were met whose derivative somebody has
    written, and not the framework."""

    tape: Tape
    inputs: list[Cells | ComplexCells]
    outputs: list[Cells | ComplexCells | np.ndarray]
    operations: Counter[str]
    replay: Callable[[Sequence[Any]], list[np.ndarray]]
    notes: list[str] = field(default_factory=list)
    reverse_alone: list[str] = field(default_factory=list)
    own_rules: Sequence[str] = ()
