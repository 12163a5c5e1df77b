"""Functions and inputs made on the spot, for the tests of the oracles."""

from collections.abc import Callable

import numpy as np

from functions import Function, Inputs, Reals, function


def entry(body: Callable, hand: Callable | None = None, **shapes: tuple[int, ...]) -> Function:
    """A function of real arguments of these shapes."""
    made = function(**{name: Reals(shape) for name, shape in shapes.items()})(body)
    if hand is not None:
        made.gradient(hand)
    return made


def at(*arguments: object) -> Inputs:
    """One input."""
    return tuple(np.array(argument, dtype=np.float64) for argument in arguments)
