"""Which operations of `xp` a body differentiates. It is run on a namespace that watches it, at two inputs close
together: an operation is differentiated through one of its arguments if the body's value is another one when that
argument is held back at its first value. What merely makes weights or indices, or computes what is then left aside,
does not count; nor does an operator, although `x + y` is `add(x, y)`: the name itself must be called."""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import given, seed, settings

from gradproof import backends
from gradproof.registry import Function, Inputs, load_builtin
from gradproof.report.observed import Observed

STEP = 2.0**-18
"""How far apart the two inputs are, relatively."""

CHANGE = 2.0**-40
"""A smaller relative change of the value may be rounding; one by a derivative is of the order of STEP."""

Place = int | str
"""An argument of an operation: its position, or its keyword."""


@dataclass(frozen=True)
class Use:
    """An operation and one of its arguments. It is `differentiated` where that argument carries a derivative to the
    value of a body; otherwise the argument depends on the input and no more, as is all that one can ask of `floor`."""

    name: str
    place: Place
    differentiated: bool


@dataclass
class Run:
    """One run of a body: its value, and the calls that it made, each with its name and arguments. With `held`, a name
    and an argument of it, that argument has in every call the value of the same call in the run `before`."""

    before: "Run | None" = None
    held: tuple[str, Place] | None = None

    def __post_init__(self) -> None:
        self.calls: list[tuple[str, dict[Place, Any]]] = []
        self.value = np.nan

    def of(self, function: Function, arguments: Iterable[Any]) -> "Run":
        """Run the body of `function`."""
        dtype = "complex128" if function.is_complex else "float64"
        xp = Observed(backends.load("numpy").namespace(dtype, "cpu"), self.call)
        with np.errstate(all="ignore"):
            self.value = float(function.body(xp, *arguments))
        return self

    def call(self, name: str, operation: Callable, positional: tuple, named: dict[str, Any]) -> Any:
        """Note one call, and make it."""
        arguments = dict(enumerate(positional)) | named
        self.calls.append((name, arguments))
        if self.held and self.held[0] == name and self.held[1] in arguments:
            arguments = arguments | {self.held[1]: self.before.calls[len(self.calls) - 1][1][self.held[1]]}
        positional = [value for place, value in arguments.items() if isinstance(place, int)]
        return operation(*positional, **{k: value for k, value in arguments.items() if isinstance(k, str)})

    def moved(self) -> set[tuple[str, Place]]:
        """The arguments that have other values than in the run `before`."""
        pairs = zip(self.before.calls, self.calls, strict=False)
        return {
            (name, place)
            for (_, first), (name, second) in pairs
            for place in first.keys() & second.keys()
            if _differ(first[place], second[place])
        }


def _differ(first: Any, second: Any) -> bool:
    if isinstance(first, list | tuple):
        return any(map(_differ, first, second))
    kinds = (np.ndarray, np.generic)
    return isinstance(first, kinds) and isinstance(second, kinds) and not np.array_equal(first, second, equal_nan=True)


def uses_at(function: Function, inputs: Inputs) -> set[Use]:
    """What one body uses, as seen at one input; nothing, where it has no finite value there."""
    near, nearer = (_changes(function, inputs, step) for step in (STEP, STEP / 4))
    found = {Use(name, place, False) for name, place in near}
    # What changes as much over a quarter of the distance has jumped.
    return found | {
        Use(*held, True) for held, change in near.items() if change > CHANGE and nearer.get(held, 0.0) < change / 2
    }


def _changes(function: Function, inputs: Inputs, step: float) -> dict[tuple[str, Place], float]:
    """The arguments that move with the input, each with the relative change of the value when it is held."""
    close = tuple(x * (1 + step) + step * (2 + np.arange(x.size).reshape(x.shape) % 3) / 4 for x in inputs)
    first = Run().of(function, function.native(inputs))
    second = Run(first).of(function, function.native(close))
    if not np.isfinite([first.value, second.value]).all():
        return {}
    changes = {}
    for moved in second.moved():
        held = Run(first, moved).of(function, function.native(close)).value
        changes[moved] = abs(held - second.value) / max(abs(second.value), abs(held), np.finfo(float).tiny)
    return changes


def uses(function: Function) -> set[Use]:
    """What one body uses: at its points and, where it has none, at some draws."""
    if function.problems:
        return set()
    return set().union(*(uses_at(function, inputs) for inputs in function.points or _drawn(function)))


def _drawn(function: Function) -> list[Inputs]:
    inputs: list[Inputs] = []

    @settings(max_examples=5, database=None)
    @seed(0)
    @given(function.inputs())
    def draw(one: Inputs) -> None:
        inputs.append(one)

    draw()
    return inputs


@functools.cache
def uses_of_registry() -> dict[str, set[Use]]:
    """What every entry of the built-in registry uses, by its name."""
    return {function.name: uses(function) for function in load_builtin()}
