"""What is true at a kink: the limits of the gradient around it, and whether an answer can be a subgradient there.

The Clarke subdifferential is the convex hull of the limits of gradients at nearby smooth points (Clarke, Optimization
and Nonsmooth Analysis, theorem 2.5.1). An element g of it satisfies, along every direction v, min ⟨G, v⟩ ≤ ⟨g, v⟩ ≤
max ⟨G, v⟩ over the limits G. This is checked along each entry, along the sum of all entries (which catches weights of a
tie that do not add up) and along generic directions."""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
from flint import arb

from functions import Inputs
from oracles.exact import Direction, generic_direction, scale, unit

GENERIC_DIRECTIONS = 8
TILT = 2.0**-10
"""A probe is tilted by this much out of its direction, so that it does not run along another kink."""

PROBE_BITS, CLOSER_BITS = 100, 120
"""Probes stand 2**-100 of the input's scale away, and once more 2**-120, to see what changes with the distance."""

SMOOTH = 2.0**-45
"""Limits that differ by less than this, relative to the largest, are one: the probes stand far closer than that."""

SETTLED = 2.0**-20
"""Limits exist when bringing the probes closer changes them by less than this, relative to the largest."""

Gradient = tuple[np.ndarray, ...]


GradientAt = Callable[[Direction, arb], list[np.ndarray] | None]
"""The exact gradient at the inputs moved by a distance along a direction; None outside the function's domain."""


class Kink:
    """The limits of the gradient around one input: `limits` holds a float64 array per argument, a row per probe.

    `exists` is False where they do not converge: the gradient is unbounded there, and nothing can be verified."""

    def __init__(self, limits: Gradient, exists: bool, directions: list[Direction], look: Callable) -> None:
        self.limits, self.exists = limits, exists
        self._directions, self._look = directions, look

    def admits(self, answer: Gradient, tolerance: Gradient) -> bool:
        """Whether `answer` lies between the limits along every direction tried. A NaN lies nowhere."""
        flat, slack = _flat(answer), _flat(tolerance)
        if not np.isfinite(flat).all():
            return False
        for v in _test_directions(answer):
            margin = slack @ np.abs(v)
            for sign in (1.0, -1.0):
                if not self._reaches(sign * v, float(sign * (flat @ v) - margin)):
                    return False
        return True

    def _reaches(self, v: np.ndarray, target: float) -> bool:
        # The largest ⟨G, v⟩ is first sought among the limits seen, then by turning the best probe, an entry or two at a
        # time: where many kinks meet, or many entries tie, the limits seen are a few of many.
        rows = np.concatenate([part.reshape(len(part), -1) for part in self.limits], axis=1)
        best = int(np.argmax(rows @ v))
        reach, direction = float(rows[best] @ v), self._directions[best]
        turned = True
        while reach < target and turned:
            turned = False
            for other in _turned(direction):
                limit = self._look(other)
                if limit is not None and float(_flat(limit) @ v) > reach:
                    reach, direction, turned = float(_flat(limit) @ v), other, True
                    break
        return reach >= target

    def span(self, argument: int) -> tuple[np.ndarray, np.ndarray]:
        """The smallest and the largest limit of every entry of one argument."""
        return self.limits[argument].min(axis=0), self.limits[argument].max(axis=0)


def _turned(direction: Direction) -> Iterator[Direction]:
    """The direction with the sign of one entry changed, or with two entries of an argument exchanged."""
    for i, part in enumerate(direction):
        for index in np.ndindex(part.shape):
            other = tuple(p.copy() for p in direction)
            other[i][index] *= -1
            yield other
        for one, two in itertools.combinations(np.ndindex(part.shape), 2):
            other = tuple(p.copy() for p in direction)
            other[i][one], other[i][two] = direction[i][two], direction[i][one]
            yield other


def probe(inputs: Inputs, gradient_at: GradientAt) -> Kink | None:
    """Collect the gradients around `inputs`; None when they all have one limit, so that there is no kink."""
    directions = [
        tuple(np.asarray(sign * part) for part in d) for d in _probe_directions(inputs) for sign in (1.0, -1.0)
    ]
    seen, far = _limits(_look(inputs, gradient_at, PROBE_BITS), directions)
    if far and all((_spread(rows) <= SMOOTH * np.abs(rows).max(initial=0.0)).all() for rows in far):
        return None
    closer = _look(inputs, gradient_at, CLOSER_BITS)
    _, near = _limits(closer, seen)
    if not far or not near or len(far[0]) != len(near[0]):
        return Kink(far, False, seen, closer)
    # Around a smooth point the gradients draw together as the probes do; at a kink the limits stay apart; where the
    # gradient is unbounded they run away.
    if all((_spread(p) <= _spread(q) * 2.0**-10).all() for p, q in zip(near, far, strict=True)):
        return None
    settled = all((abs(p - q) <= SETTLED * np.abs(p).max(initial=0.0)).all() for p, q in zip(near, far, strict=True))
    return Kink(near, settled, seen, closer)


def _look(inputs: Inputs, gradient_at: GradientAt, bits: int) -> Callable[[Direction], Gradient | None]:
    distance = arb(scale(inputs)) * arb(2) ** -bits
    return lambda direction: _as_floats(gradient_at(direction, distance))


def _limits(look: Callable, directions: list[Direction]) -> tuple[list[Direction], Gradient]:
    found = [(d, limit) for d in directions if (limit := look(d)) is not None]
    return [d for d, _ in found], tuple(np.stack(rows) for rows in zip(*(limit for _, limit in found), strict=True))


def _spread(rows: np.ndarray) -> np.ndarray:
    return np.ptp(rows, axis=0)


def _flat(parts: Gradient) -> np.ndarray:
    return np.concatenate([np.ravel(part) for part in parts])


def _as_floats(gradient: list[np.ndarray] | None) -> Gradient | None:
    if gradient is None:
        return None
    arrays = tuple(part.astype(float) for part in gradient)
    return arrays if all(np.isfinite(array).all() for array in arrays) else None


def _probe_directions(inputs: Inputs) -> list[Direction]:
    straight = [unit(inputs, i, index) for i, x in enumerate(inputs) for index in np.ndindex(x.shape)]
    straight.append(tuple(np.ones_like(x) for x in inputs))
    tilted = [
        tuple(part + TILT * noise for part, noise in zip(d, generic_direction(inputs, seed), strict=True))
        for seed, d in enumerate(straight)
    ]
    generic = [generic_direction(inputs, -seed - 1 & 0xFFFF) for seed in range(GENERIC_DIRECTIONS)]
    return [*tilted, *generic, _falling(inputs)]


def _falling(inputs: Inputs) -> Direction:
    """A direction along which each entry rises by less than the one before it. Backends break ties by place: the first
    or the last of the largest counts, which is what this direction and its opposite see, however many entries tie."""
    steps = np.abs(_flat(generic_direction(inputs)))
    heights = np.cumsum(steps[::-1])[::-1] / max(len(steps), 1)
    parts = np.split(heights, np.cumsum([x.size for x in inputs])[:-1])
    return tuple(part.reshape(x.shape) for part, x in zip(parts, inputs, strict=True))


def _test_directions(answer: Gradient) -> list[np.ndarray]:
    size = sum(part.size for part in answer)
    generic = [_flat(generic_direction(answer, -seed - 1 & 0xFFFF)) for seed in range(GENERIC_DIRECTIONS)]
    return [*np.eye(size), np.ones(size), *generic]
