"""What a wrong gradient looks like beside the right one: the sign turned, off by one factor, 0, transposed, exchanged
with that of another argument, or summed over an axis that another sum was meant for. It says what the numbers show, and
nothing of how they came about; where the wrong entries do not agree, it says nothing."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

NAMED = 4
"""So many arguments are named that look alike."""

SURE = 0.005
"""A factor that is known less well than this, relatively, has no two digits."""

MANY = 0.02
"""Fractions are told where fewer than this many of them are as simple and lie as near by chance."""

SIMPLEST = 10
"""Of one number alone a factor is told where numerator times denominator is no larger: any number is off by one."""

LARGEST = 1000
"""Neither a numerator nor a denominator is larger."""

HERE = " at this input"
"""What is added where the wrong entries are all of one size: another input may show another factor."""


@dataclass(frozen=True)
class Part:
    """The gradient for one argument: what is right, what came, and how far apart they may be, entry by entry."""

    name: str
    right: np.ndarray
    came: np.ndarray
    allowed: np.ndarray

    @cached_property
    def wrong(self) -> np.ndarray:
        """A mask of the entries that are farther apart than they may be."""
        with np.errstate(invalid="ignore", over="ignore"):
            return ~(np.abs(self.came - self.right) <= self.allowed)

    @cached_property
    def unsure(self) -> np.ndarray:
        """How far an entry may be off, relatively; infinitely far where that means nothing."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            found = np.where(self.right == 0, np.inf, self.allowed / np.abs(self.right))
        return np.where(np.isfinite(self.came) & np.isfinite(found), found, np.inf)

    @property
    def is_sharp(self) -> bool:
        """Whether every entry is known well enough to be told from any other."""
        if not all(np.isfinite(array).all() for array in (self.right, self.came, self.allowed)):
            return False
        return float(self.allowed.max(initial=0.0)) <= SURE * float(np.abs(self.right).max(initial=0.0))

    def is_at(self, others: np.ndarray, off: np.ndarray) -> np.ndarray:
        """A mask of the entries that are these others, which may be `off` by so much themselves."""
        with np.errstate(invalid="ignore", over="ignore"):
            return np.abs(self.came - others) <= self.allowed + off


def likeness(parts: Iterable[Part]) -> str:
    """What the wrong entries of a gradient look like, argument by argument; empty where they show nothing."""
    parts = list(parts)
    wrong = [part for part in parts if part.wrong.any()]
    told = {part.name: _off_by_a_factor(part, parts) or _rearranged(part) for part in wrong}
    if len(set(told.values())) > 1 or "" in told.values():
        told |= _exchanged(wrong)
    alike: dict[str, list[str]] = defaultdict(list)
    for name, what in told.items():
        alike[what].append(name)
    return "; ".join(f"{_named(names)}: {what}" for what, names in alike.items() if what)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def summed_over(shape: Sequence[int], meant: Sequence[int]) -> str:
    """A clause behind a shape that is not the one that was meant: over which axes it is to be summed to have that, as
    where an argument was broadcast; empty where no sum leads there."""
    more = len(shape) - len(meant)
    if more < 0 or tuple(shape) == tuple(meant):
        return ""
    kept = zip(shape[more:], meant, strict=True)
    axes = [*range(more), *(more + axis for axis, (own, other) in enumerate(kept) if own != other)]
    if any(meant[axis - more] != 1 for axis in axes if axis >= more):
        return ""
    over = f"axis {axes[0]}" if len(axes) == 1 else f"the axes {', '.join(map(str, axes))}"
    return f"; summed over {over} it has that shape"


def _off_by_a_factor(part: Part, parts: Sequence[Part]) -> str:
    """That every wrong entry is the right one times one factor."""
    unsure = np.where(part.wrong, part.unsure, np.inf)
    best = np.unravel_index(int(np.argmin(unsure)), unsure.shape)
    if not unsure[best] <= SURE:
        return ""
    sizes = np.abs(part.right[unsure <= SURE])
    here = "" if np.ptp(sizes) > SURE * sizes.max() else HERE
    is_nothing = bool(part.is_at(np.zeros(part.right.shape), np.zeros(part.right.shape))[part.wrong].all())
    off = 0.0 if is_nothing else float(part.came[best] / part.right[best])
    # What came may be rounded as often as what is right.
    unsure_by = 2 * float(unsure[best])
    fraction = _simple(off, unsure_by)
    factor = off if fraction is None else float(fraction)
    like = part.is_at(factor * part.right, abs(factor) * part.allowed)
    if not like[part.wrong].all():
        return ""
    told = _in_words(off, unsure_by, fraction, _length(fraction, part, parts), alone=bool(here))
    return f"{told}{_where(part, like)}{here}" if told else ""


def _simple(factor: float, unsure_by: float) -> Fraction | None:
    """The simplest fraction that a factor is, as far as it is known; None where chance would give one as well."""
    unsure_by = max(unsure_by, 2.0**-50)
    for largest in (1, 2, 5, 10, 30, 100, 300, LARGEST):
        fraction = Fraction(factor).limit_denominator(largest)
        if abs(float(fraction) - factor) <= unsure_by * abs(factor):
            is_simple = abs(fraction.numerator) <= LARGEST
            return fraction if is_simple and _size(fraction) * unsure_by <= MANY else None
    return None


def _size(fraction: Fraction) -> int:
    return abs(fraction.numerator) * fraction.denominator


def _in_words(factor: float, unsure_by: float, fraction: Fraction | None, length: str, alone: bool) -> str:
    """A factor in words; nothing of one that a number `alone` has by chance, nor of 1."""
    if fraction is None:
        digits = next((n for n in (6, 12) if 10.0**-n > unsure_by and float(f"{factor:.{n}g}") != 1), 0)
        digits = digits or int(-math.log10(unsure_by))
        told = f"{factor:.{digits}g}"
        return "" if alone or float(told) == 1 else f"{told} times what is right"
    if fraction == 1 or (alone and not length and _size(fraction) > SIMPLEST):
        return ""
    if fraction == 0:
        return "it is 0"
    if fraction == -1:
        return "the sign is turned"
    return f"{fraction} {'of' if fraction.numerator == 1 < fraction.denominator else 'times'} what is right{length}"


def _length(fraction: Fraction | None, part: Part, parts: Sequence[Part]) -> str:
    """Which length of an array a factor is, or is one part of."""
    if fraction is None:
        return ""
    number = max(abs(fraction.numerator), fraction.denominator)
    if number < 3 or min(abs(fraction.numerator), fraction.denominator) != 1:
        return ""
    for one in (part, *parts):
        if one.right.size == number:
            return f" ({one.name} has {number} entries)"
        if number in one.right.shape:
            return f" ({number} is the length of {one.name} along axis {one.right.shape.index(number)})"
    return ""


def _where(part: Part, like: np.ndarray) -> str:
    """In which entries, of an array."""
    if part.wrong.size == 1:
        return ""
    if like.all():
        return " in every entry"
    count, first = int(part.wrong.sum()), [int(i) for i in np.argwhere(part.wrong)[0]]
    return f" in {first}, the one wrong entry" if count == 1 else f" in each of the {count} wrong entries"


def _rearranged(part: Part) -> str:
    """That the entries are those of another place, or sums of the right ones, or would have to be summed."""
    if part.right.size < 2 or not part.is_sharp:
        return ""
    shape = part.right.shape
    if part.right.ndim >= 2 and shape[-1] == shape[-2] and _is_transposed(part):
        return "transposed"
    for axis in (axis for axis, length in enumerate(shape) if length > 1):
        over = "all entries" if part.right.ndim == 1 else f"axis {axis}"
        right, came, off = (
            np.broadcast_to(array.sum(axis=axis, keepdims=True), shape)
            for array in (part.right, part.came, part.allowed)
        )
        for told, number in (("the sum of", 1), ("the mean of", shape[axis])):
            if part.is_at(right / number, off / number).all():
                return f"{told} what is right over {over}"
        if (np.abs(came - part.right) <= part.allowed + off).all():
            return f"its sum over {over} is what is right"
    return ""


def _is_transposed(part: Part) -> bool:
    return bool(part.is_at(np.swapaxes(part.right, -1, -2), np.swapaxes(part.allowed, -1, -2)).all())


def _exchanged(wrong: Sequence[Part]) -> dict[str, str]:
    """Of two arguments that each has what is right for the other."""
    told = {}
    for number, one in enumerate(wrong):
        for other in wrong[number + 1 :]:
            are_sharp = one.right.shape == other.right.shape and one.is_sharp and other.is_sharp
            if are_sharp and _is_of(one, other) and _is_of(other, one):
                told[one.name] = told[other.name] = "each is what is right for the other"
    return told


def _is_of(one: Part, other: Part) -> bool:
    return bool(one.is_at(other.right, other.allowed).all())
