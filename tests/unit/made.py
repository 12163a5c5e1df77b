"""What many of the suite's own tests need: functions and inputs made on the spot, and the short names of backends."""

from collections.abc import Callable

import numpy as np
import pytest
from flint import arb, ctx

from gradproof import backends, content
from gradproof.backends import BACKENDS
from gradproof.oracles import exact
from gradproof.oracles.balls import TaylorArithmetic
from gradproof.oracles.reference import taylor_gradient
from gradproof.registry import Function, Inputs, Reals, function, load_builtin

NAMES = {backend.short: backend.name for backend in BACKENDS.values()}
"""Every backend by what the ids of these tests call it."""

DIFFERENTIATING = {short: name for short, name in NAMES.items() if name != "numpy"}
"""Those with a differentiation of their own."""


def needs(backend: str) -> None:
    """Skip the test where the backend is not installed."""
    if backends.installed_version(backend) is None:
        pytest.skip(f"{backend} is not installed: {BACKENDS[backend].cure}")


def entry(body: Callable, hand: Callable | None = None, **shapes: tuple[int, ...]) -> Function:
    """A function of real arguments of these shapes."""
    made = function(**{name: Reals(shape) for name, shape in shapes.items()})(body)
    if hand is not None:
        made.gradient(hand)
    return made


def registered(name: str) -> Function:
    """The function of this name in the built-in registry."""
    return next(known for known in load_builtin() if known.name == name)


def builtin(made: Function) -> Function:
    """The function as one of the registry's own, of which something may be recorded."""
    made.path = str(content.FUNCTIONS / "planted.py")
    return made


def at(*arguments: object) -> Inputs:
    """One input."""
    return tuple(np.array(argument, dtype=np.float64) for argument in arguments)


def confirmed(made: Function, inputs: Inputs) -> bool:
    """Whether Taylor arithmetic gives the exact differences, to 30 digits of each argument's largest entry."""
    differences = exact.gradient(made, inputs)
    with ctx.workprec(600):
        on = TaylorArithmetic()
        series = taylor_gradient(made, on, [on.inputs(x) for x in inputs])
        for ours, theirs in zip(series, differences, strict=True):
            pairs = [(a, d.quotient) for a, d in zip(ours.flat, theirs.flat, strict=True)]
            largest = max((abs(float(b)) for _, b in pairs), default=0.0)
            if not all(bool(abs(a - b) <= arb("1e-30") * largest + arb("1e-300")) for a, b in pairs):
                return False
    return True
