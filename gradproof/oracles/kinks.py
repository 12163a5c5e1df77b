"""What is true at a kink: the limits of the gradient around it, and whether an answer can be a subgradient there.

The Clarke subdifferential is the convex hull of the limits of gradients at nearby smooth points (Clarke, Optimization
and Nonsmooth Analysis, theorem 2.5.1). An element g of it satisfies, along every direction v, min ⟨G, v⟩ ≤ ⟨g, v⟩ ≤
max ⟨G, v⟩ over the limits G. An answer between the limits seen is one. Any other is checked along each entry, along the
sum of all entries (which catches weights of a tie that do not add up) and along generic directions; and, where the
largest ⟨G, v⟩ can be told, along directions that lead away from the limits and towards the answer.

It can be told where the function is regular, as convex ones are: the derivative along v is then the largest ⟨G, v⟩
(proposition 2.1.2 and definition 2.3.4), and the gradient just beside the input along v reaches it. For a concave one
it is the gradient along -v, and for a sum of either over separate entries that along v with some signs changed."""

import itertools
import math
from collections.abc import Callable, Iterator
from functools import cached_property, partial

import numpy as np
from flint import arb, ctx

from gradproof.oracles.balls import objects
from gradproof.oracles.exact import FIRST_PRECISION, Direction, ball, generic_direction, scale, unit
from gradproof.registry import Inputs

GENERIC_DIRECTIONS = 8
TILT = 2.0**-10
"""A probe is tilted by this much out of its direction, so that it does not run along another kink."""

PROBE_BITS, CLOSER_BITS = 100, 120
"""Probes stand 2**-100 of the input's scale away, and once more 2**-120, to see what changes with the distance."""

SMOOTH = 2.0**-45
"""Limits that differ by less than this, relative to the largest, are one: the probes stand far closer than that."""

CLOSE = 2.0**-64
"""A limit is known no better than this, relative to the largest: the gradient is looked at beside the input."""

SETTLED = 2.0**-20
"""Limits exist when bringing the probes closer changes them by less than this, relative to the largest."""

VANISHING = 2.0**-5
"""… or where it makes them so much smaller at least: they tend to zero, no slower than the root of the distance."""

FINE_TILT = arb(2) ** -80
"""A direction sought for its own sake is tilted by this much, which changes no sum of products by a rounding."""

LOOKS, FEW_LOOKS = 512, 32
"""So many gradients are looked at, at most, for the farthest along one direction; and where it should be known."""

LEANINGS, LEANINGS_BITS = 96, 24
"""Leanings of a direction, and to how small a part of its size."""

STEEP = 31
"""The odd power to which a direction's parts are raised where just those nearly along one entry should count for it."""

NEAREST = 2.0**-50
"""What is no more than this, relatively, is zero when the nearest point is sought."""

APPROACHES = 64
"""So many limits are added, at most, to come near an answer."""

UNSURE = 2.0**-12
"""Where the farthest limit must be searched for, that it fell short by less than this, relative to how far apart limits
are, is held against no answer: a search comes to the end of curved limits only in the end."""

Gradient = tuple[np.ndarray, ...]


GradientAt = Callable[[Direction, arb], list[np.ndarray] | None]
"""The exact gradient at the inputs moved by a distance along a direction; None outside the function's domain."""


class Kink:
    """The limits of the gradient around one input: `limits` holds a float64 array per argument, a row per probe.

    `exists` is False where they do not converge: the gradient is unbounded there, and nothing can be verified. `jumps`
    says that the function itself does, which therefore has no subdifferential: its sides may be joined by choices that
    no limit joins."""

    jumps = False

    def __init__(self, limits: Gradient, exists: bool, directions: list[Direction], look: Callable) -> None:
        self.limits, self.exists = limits, exists
        self._directions, self._look = directions, look

    def admits(self, answer: Gradient, tolerance: Gradient) -> bool:
        """Whether `answer` lies between the limits, or nothing shows that it does not. A NaN lies nowhere."""
        flat = _flat(answer)
        slack = _flat(tolerance) + CLOSE * np.abs(self._rows).max(initial=0.0, where=np.isfinite(self._rows))
        if not np.isfinite(flat).all():
            return False
        if (np.abs(nearest(self._rows, flat) - flat) <= slack).all():
            return True
        for v in _test_directions(answer):
            margin = slack @ np.abs(v)
            for sign in (1.0, -1.0):
                if not self._reaches(sign * v, float(sign * (flat @ v) - margin)):
                    return False
        return not (self._stands_out(flat, slack) if self._signs is None else self._is_separate(flat, slack))

    @cached_property
    def _rows(self) -> np.ndarray:
        return np.concatenate([part.reshape(len(part), -1) for part in self.limits], axis=1)

    @cached_property
    def _signs(self) -> np.ndarray | None:
        """The signs with which no limit seen is farther along any direction than the one that was seen there: 1 where
        the function bends up, -1 where it bends down, for all entries or for each of them. None if there are none."""
        ways = np.stack([_flat(direction) for direction in self._directions])
        steep = (ways / np.linalg.norm(ways, axis=1, keepdims=True)) ** STEEP
        bends = np.sum((self._rows - self._rows.mean(axis=0)) * steep, axis=0)
        one = np.ones(ways.shape[1])
        for signs in (one, -one, np.where(bends < 0, -one, one)):
            along = self._rows @ (signs * ways).T
            if (along.max(axis=0) - np.diag(along) <= SMOOTH * np.abs(along).max(initial=0.0)).all():
                return signs
        return None

    def _stands_out(self, flat: np.ndarray, slack: np.ndarray) -> bool:
        # Not regular: only what is farther off than the limits seen are from one another, as a sum that all of them
        # have in common, is told without knowing the farthest.
        v = flat - nearest(self._rows, flat)
        along, target = self._rows @ v, float(flat @ v - slack @ np.abs(v))
        return bool(target - along.max() > np.ptp(along)) and not self._reaches(v, target)

    def _is_separate(self, flat: np.ndarray, slack: np.ndarray) -> bool:
        # Gilbert's algorithm: from the nearest point between the limits towards the answer, and the limit that is
        # farthest along the way joins the others, until it, too, falls short of the answer.
        rows = self._rows
        for _ in range(APPROACHES):
            rest = flat - nearest(rows, flat)
            v = rest - np.clip(rest, -slack, slack)
            if not v.any():
                return False
            v = v / np.abs(v).max()
            limit = self._beside(self._signs * v)
            if limit is None:
                return False
            farthest, target = float(_flat(limit) @ v), float(flat @ v - slack @ np.abs(v))
            if farthest < target:
                return not self._reaches(v, target)
            rows = np.vstack([rows, _flat(limit)])
        return False

    def _reaches(self, v: np.ndarray, target: float) -> bool:
        """Whether some limit G is found with ⟨G, v⟩ ≥ target."""
        along = self._rows @ v
        best = int(np.argmax(along))
        reach, direction = float(along[best]), self._directions[best]
        if self._signs is None:
            target -= UNSURE * float(np.ptp(along))
        starts = (v, -v) if self._signs is None else (self._signs * v,)
        for start in starts if reach < target else ():
            limit = self._beside(start)
            if limit is not None and float(_flat(limit) @ v) > reach:
                reach, direction = float(_flat(limit) @ v), self._parts(start)
        # Where many kinks meet, or many entries tie, a direction that is better is found by turning the best.
        looks, most, turned = 0, LOOKS if self._signs is None else FEW_LOOKS, True
        while reach < target and turned:
            turned = False
            for other in itertools.islice(itertools.chain(_turned(direction), _leaning(direction)), most - looks):
                looks += 1
                limit = self._look(other)
                if limit is not None and float(_flat(limit) @ v) > reach:
                    reach, direction, turned = float(_flat(limit) @ v), other, True
                    break
        return reach >= target

    def _beside(self, v: np.ndarray) -> Gradient | None:
        """The limit along v, tilted so little that no limit counts that is not one along v as well."""
        return self._look(self._parts(v))

    def _parts(self, v: np.ndarray) -> Direction:
        shapes = [part.shape[1:] for part in self.limits]
        ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
        ways = tuple(part.reshape(shape) for part, shape in zip(np.split(v, ends), shapes, strict=True))
        return _moved(ways, FINE_TILT, generic_direction(ways))

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


def _leaning(direction: Direction) -> Iterator[Direction]:
    """The direction moved a little aside, less and less: around a curved set there is a better one on some side."""
    size = max((abs(float(v)) for part in direction for v in part.flat), default=0.0)
    for seed in range(LEANINGS):
        for sign in (1.0, -1.0):
            by = arb(sign * size) * arb(2) ** -(seed % LEANINGS_BITS)
            yield _moved(direction, by, generic_direction(direction, seed))


def _moved(direction: Direction, by: arb, aside: Direction) -> Direction:
    move = np.frompyfunc(lambda v, noise: ball(v) + arb(float(noise)) * by, 2, 1)
    with ctx.workprec(FIRST_PRECISION):
        return tuple(objects(move(v, n)) for v, n in zip(direction, aside, strict=True))


def nearest(points: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The point of the convex hull of `points`, (m, n), that is nearest to `target`, (n,), to rounding: Wolfe,
    "Finding the nearest point in a polytope", Mathematical Programming 11 (1976)."""
    apart = points - target
    size = np.abs(apart).max(initial=0.0)
    chosen = [int(np.argmin(np.sum(apart * apart, axis=1)))]
    weights = np.ones(1)
    for _ in range(4 * len(points)):
        here = weights @ apart[chosen]
        along = apart @ here
        new = int(np.argmin(along))
        if new in chosen or along[new] >= here @ here - NEAREST * size * np.abs(here).max():
            break
        chosen, weights = [*chosen, new], np.append(weights, 0.0)
        while True:
            free = _affine(apart[chosen])
            if (free > 0).all():
                weights = free
                break
            falling = free <= 0
            step = float(np.min(weights[falling] / np.maximum(weights[falling] - free[falling], np.finfo(float).tiny)))
            weights = weights + step * (free - weights)
            kept = weights > NEAREST
            kept[np.where(falling, weights, np.inf).argmin()] = False
            chosen, weights = [c for c, k in zip(chosen, kept, strict=True) if k], weights[kept] / weights[kept].sum()
    return target + weights @ apart[chosen]


def _affine(points: np.ndarray) -> np.ndarray:
    """The weights, of either sign and sum 1, of the point nearest to zero."""
    rest = np.linalg.lstsq((points[1:] - points[0]).T, -points[0], rcond=None)[0]
    return np.concatenate([[1 - rest.sum()], rest])


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
    vanishing = [np.abs(p) <= np.abs(q) * VANISHING for p, q in zip(near, far, strict=True)]
    settled = all(
        ((abs(p - q) <= SETTLED * np.abs(p).max(initial=0.0)) | tends_to_zero).all()
        for p, q, tends_to_zero in zip(near, far, vanishing, strict=True)
    )
    limits = tuple(np.where(tends_to_zero, 0.0, p) for p, tends_to_zero in zip(near, vanishing, strict=True))
    return Kink(limits, settled, seen, closer)


def beside(inputs: Inputs, gradient_at: GradientAt) -> Kink | None:
    """The one limit around inputs at which the function jumps, and so has no gradient; None where there is none."""
    generic = generic_direction(inputs)
    sides, looks = [generic, tuple(-part for part in generic)], (PROBE_BITS, CLOSER_BITS)
    far, near = (_limits(_look(inputs, gradient_at, bits), sides) for bits in looks)
    if not near[0] or len(far[0]) != len(near[0]):
        return None
    # The limit is farther along the way from what was seen far off to what was seen close by, and not so far again.
    rows = tuple(np.concatenate([q, 2 * q - p]) for p, q in zip(far[1], near[1], strict=True))
    return Kink(rows, True, near[0] * 2, _look(inputs, gradient_at, CLOSER_BITS))


def _look(inputs: Inputs, gradient_at: GradientAt, bits: int) -> Callable[[Direction], Gradient | None]:
    return partial(_limit_along, gradient_at, arb(scale(inputs)) * arb(2) ** -bits)


def _limit_along(gradient_at: GradientAt, distance: arb, direction: Direction) -> Gradient | None:
    return _as_floats(gradient_at(direction, distance))


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
