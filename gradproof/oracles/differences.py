"""A backend's own finite differences: its own forward pass, on its own device, in its widest dtype, so that a backward
pass that disagrees with its forward pass shows without any reference from outside. All steps along all entries and one
generic direction go through the forward pass in one batch, and the error estimate comes from halving the step."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gradproof.oracles.exact import Direction, generic_direction, unit
from gradproof.registry import Inputs

STEP = 2.0**-13
"""The largest of three steps, relative to the entry's size: near the fourth root of float64's unit roundoff, so that
the smallest, a quarter of it, balances truncation against rounding."""

STEPS = (STEP, STEP / 2, STEP / 4)

SMALLEST_SCALE = 2.0**-4

CHANGE_ROUNDING = 2.0**-42
"""How exactly a change of the value is known, relatively: a thousand roundings of float64."""


@dataclass(frozen=True)
class OwnDifferences:
    """Derivatives along every entry, per argument, and along `direction`, each with its estimated error."""

    gradient: tuple[np.ndarray, ...]
    error: tuple[np.ndarray, ...]
    direction: Direction
    along: float
    along_error: float


def own_differences(forward: Callable[[Inputs], np.ndarray], inputs: Inputs, value_error: float) -> OwnDifferences:
    """Differentiate `forward`, which takes inputs with one more leading axis and returns as many values.

    `value_error` is how far one value may be off by rounding. An estimated error is infinite where halving the step
    does not make the difference quotients converge: there nothing can be said."""
    directions = [
        _scaled(unit(inputs, i, index), inputs) for i, x in enumerate(inputs) for index in np.ndindex(x.shape)
    ]
    generic = _scaled(generic_direction(inputs, seed=1), inputs)
    derivatives, errors = _quotients(forward, inputs, [*directions, generic], value_error)
    sizes = [_size(d) for d in directions]
    entries = np.array(derivatives[:-1]) / sizes if sizes else np.zeros(0)
    entry_errors = np.array(errors[:-1]) / sizes if sizes else np.zeros(0)
    return OwnDifferences(
        _split(entries, inputs), _split(entry_errors, inputs), generic, float(derivatives[-1]), float(errors[-1])
    )


def forward_noise(values: np.ndarray, true: np.ndarray) -> float:
    """How far the values of a batch that `own_differences` has laid out are off the true ones, in a way that is neither
    constant nor goes with the step: what a forward pass loses by rounding, in whatever precision it computes. What is
    simply another function is off smoothly, and its differences hold."""
    off = values - true
    here, around = off[0], off[1:].reshape(-1, len(STEPS), 2)
    even, odd = around.mean(axis=2) - here, (around[..., 0] - around[..., 1]) / 2
    ragged = np.abs(odd[:, :-1] - 2 * odd[:, 1:])
    return float(max(np.abs(even).max(initial=0.0), ragged.max(initial=0.0)))


def _scaled(direction: Direction, inputs: Inputs) -> Direction:
    return tuple(
        v * 2.0 ** np.ceil(np.log2(np.maximum(np.abs(x), SMALLEST_SCALE)))
        for v, x in zip(direction, inputs, strict=True)
    )


def _size(direction: Direction) -> float:
    return float(max(np.abs(part).max(initial=0.0) for part in direction))


def _quotients(
    forward: Callable[[Inputs], np.ndarray], inputs: Inputs, directions: list[Direction], value_error: float
) -> tuple[np.ndarray, np.ndarray]:
    steps = STEPS
    batch = tuple(
        np.stack([x, *(x + sign * h * d[i] for d in directions for h in steps for sign in (1, -1))])
        for i, x in enumerate(inputs)
    )
    values = np.asarray(forward(batch), dtype=np.float64)
    here, around = values[0], values[1:].reshape(len(directions), len(steps), 2)
    with np.errstate(invalid="ignore", over="ignore"):
        first, second, third = ((around[:, k, 0] - around[:, k, 1]) / (2 * h) for k, h in enumerate(steps))
        # Around the input the values may be larger than there: their change is rounded as well.
        change = np.abs(around - here).max(axis=(1, 2))
        rounding = 2 * (value_error + CHANGE_ROUNDING * change) / steps[-1]
        # Truncation falls fourfold with each halving; anything slower is no truncation error, but a kink or an edge.
        before, after = np.abs(first - second), np.abs(second - third)
        converges = (after <= before / 2) | (after <= 2 * rounding)
        # The one-sided quotients draw together as the step is halved, unless a kink stands between them.
        wide, narrow = (np.abs(around[:, k].sum(axis=1) - 2 * here) / h for k, h in enumerate(steps[1:], start=1))
        converges &= narrow <= 0.75 * wide + 2 * rounding
        # What x ± h loses by rounding is at most 2**-36 of h.
        error = np.where(converges, np.maximum(2 * after, before / 4) + rounding + 2.0**-36 * np.abs(third), np.inf)
    return third, np.where(np.isfinite(error) & np.isfinite(third), error, np.inf)


def _split(flat: np.ndarray, inputs: Inputs) -> tuple[np.ndarray, ...]:
    ends = np.cumsum([x.size for x in inputs])[:-1]
    return tuple(part.reshape(x.shape) for part, x in zip(np.split(flat, ends), inputs, strict=True))
