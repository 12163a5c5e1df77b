"""What is asked of a framework's own list of operations: which there are, what each claims, and inputs for it. One
module `gradproof.backends.<backend>.operations` per framework has a class `OPERATIONS`, a subclass of `Operations`."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

FIRST_ORDER = ("reverse", "forward")
SECOND_ORDER = ("reverse_over_reverse", "forward_over_reverse")


@dataclass(frozen=True)
class Sample:
    """One call: `f(*args)`, trees of the framework's arrays, and as `text` how it would be written."""

    f: Callable
    args: tuple
    text: str


@dataclass(frozen=True)
class Operation:
    """One name of a list. `samples(dtype)` makes calls of it in a dtype, always the same ones. `modes` and `dtypes` are
    those that the framework claims for it. `reason` says why it is not differentiated; it is empty where it is.
    `takes_layouts` is False where its value depends on how its arguments lie in memory."""

    name: str
    source: str
    samples: Callable[[str], Sequence[Sample]] = lambda dtype: ()
    dtypes: tuple[str, ...] = ("float64", "float32", "float16", "bfloat16")
    modes: tuple[str, ...] = (*FIRST_ORDER, *SECOND_ORDER)
    reason: str = ""
    takes_layouts: bool = True


@dataclass(frozen=True)
class Layout:
    """A way in which an array may lie in memory: `make` gives an array of the framework so laid out, of the same
    values, or of fewer that repeat."""

    name: str
    make: Callable[[Any], Any]


class Operations(ABC):
    """The lists of one framework."""

    layouts: Sequence[Layout] = ()

    @abstractmethod
    def all(self) -> list[Operation]:
        """Every name of every list, sorted. Raises `Missing` where a list cannot be had, with the cure."""

    @abstractmethod
    def replaced(self, array: Any, mask: np.ndarray, value: float) -> Any:
        """The array with a constant in the entries of a mask."""
