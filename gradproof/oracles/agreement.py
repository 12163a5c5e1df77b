"""The hand-derived gradient against its definition: how many digits of every entry agree with exact differences."""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from flint import arb, ctx

from gradproof.oracles import exact
from gradproof.oracles.likeness import HERE, Part, likeness
from gradproof.registry import Function, Inputs, RegistryError

DIGITS = 30
"""Hand-derived gradients agree with exact differences to this many significant digits, or are wrong."""

MEND = "mend it where it is written"
"""What to do about a derivation whose formula is wrong."""

ROUNDED = (14, 20)
"""As many digits agree where the derivation is right and holds a constant that was rounded to float64."""

ASIDE = 2.0**-7
"""How far aside, relatively, a derivation is tried once more."""

IN_FLOATS = 2.0**-50
"""What float64 leaves of numbers of many digits, relatively."""


@dataclass(frozen=True)
class Agreement:
    """The entry of a hand-derived gradient that agrees least with exact differences, and the digits that agree there.

    `digits` is infinite where both are the same number, -inf where one is not finite. `compared` says how many of how
    many entries there was time for; empty where it was enough for all. `looks_like` says what a wrong one looks like
    beside the right one; empty where its entries show nothing. `wrong` has every argument that is off, and the digits
    that agree there."""

    digits: float
    argument: str = ""
    index: tuple[int, ...] = ()
    hand: float = 0.0
    difference: str = ""
    compared: str = ""
    looks_like: str = ""
    wrong: Mapping[str, float] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether every entry agrees to 30 digits."""
        return self.digits >= DIGITS

    @property
    def is_rounded(self) -> bool:
        """Whether it agrees as far as float64 goes, and no further: the formula is right."""
        return ROUNDED[0] <= self.digits < ROUNDED[1]

    @property
    def cure(self) -> str:
        """What to do about a derivation that does not hold."""
        if not self.is_rounded:
            return MEND
        return (
            "the formula is right, and a constant in it is rounded to float64: write xp.pi for math.pi, x / 3 for "
            "x * 0.333…, xp.sqrt(xp.asarray(2.0)) for 1.414…"
        )

    @property
    def reason(self) -> str:
        """Why it does not hold: what its numbers look like, or the entry that is farthest off."""
        where = f"{self.argument}{list(self.index) if self.index else ''}"
        agree = f"{max(self.digits, 0):.0f} digits agree for {where}"
        others = [f"{max(digits, 0):.0f} for {name}" for name, digits in self.wrong.items() if name != self.argument]
        if self.is_rounded:
            return f"{', '.join([agree, *others])}: {self.cure}"
        told = f"{agree}, {self.hand!r} by hand and {self.difference} by exact differences"
        return self.looks_like or "; ".join([told, *([f"and {', '.join(others)}"] if others else [])])

    def __str__(self) -> str:
        some = f" in {self.compared}, for which there was time" if self.compared else ""
        return f"agree to {min(self.digits, 99):.0f} digits{some}" if self.holds else f"disagree{some}"


def hand_against_exact(function: Function, inputs: Inputs, seconds: float = math.inf) -> Agreement:
    """Compare every entry at `inputs`, or as many as there is time for. Raises `RegistryError` for a bad entry,
    `Uncomputable` where balls lack an operation."""
    worst, parts = _compared(function, inputs, time.monotonic() + seconds)
    if worst.holds or worst.is_rounded or worst.compared:
        return worst
    looks_like = likeness(parts)
    if HERE in looks_like:
        looks_like = _beside(function, inputs, looks_like)
    return replace(worst, looks_like=looks_like)


def _beside(function: Function, inputs: Inputs, looks_like: str) -> str:
    """What a derivation looks like at another input as well: a single number is off by some factor, whatever is wrong
    with it."""
    shifts = exact.generic_direction(inputs)
    moved = tuple(x * (1 + ASIDE * shift) for x, shift in zip(inputs, shifts, strict=True))
    if all(np.array_equal(x, y) for x, y in zip(inputs, moved, strict=True)):
        return looks_like
    try:
        _, parts = _compared(function, moved, math.inf)
    except (RegistryError, exact.Uncomputable):
        return looks_like  # outside of the domain
    again = likeness(parts)
    return looks_like.replace(HERE, "") if again.replace(HERE, "") == looks_like.replace(HERE, "") else ""


def _compared(function: Function, inputs: Inputs, until: float) -> tuple[Agreement, list[Part]]:
    """The entry that agrees least of those for which there is time, and what is right and what came, in float64."""
    worst, wrong = Agreement(math.inf), {}
    hand, _ = exact.precise_hand_gradient(function, inputs)
    right = [np.zeros(part.shape) for part in hand]
    places = [(i, index) for i, part in enumerate(hand) for index in np.ndindex(part.shape)]
    for number, (i, index) in enumerate(places):
        if time.monotonic() > until:
            return replace(worst, compared=f"{number} of {len(places)} entries", wrong=wrong), []
        ours, true = hand[i][index], exact.directional(function, inputs, exact.unit(inputs, i, index))
        certain, digits = true.certain, agreeing_digits(ours, true)
        right[i][index] = float(certain)
        name = list(function.domains)[i]
        if digits < DIGITS:
            wrong[name] = min(digits, wrong.get(name, math.inf))
        if digits < worst.digits:
            worst = Agreement(digits, name, index, float(ours), exact.digits(certain, 20))
    rows = zip(function.domains, right, hand, strict=True)
    return replace(worst, wrong=wrong), [
        Part(name, part, by_hand.astype(float), IN_FLOATS * np.abs(part)) for name, part, by_hand in rows
    ]


def agreeing_digits(hand: arb, difference: exact.Difference) -> float:
    """How many decimal digits of one entry agree; infinitely many where all that differs is the truncation error."""
    with ctx.workprec(exact.FIRST_PRECISION):
        gap = abs(hand - difference.quotient).abs_upper()
        if not gap.is_finite():
            return -math.inf
        size = abs(hand).abs_upper()
        if gap <= exact.NOTHING or (gap > exact.AGREEMENT * size and gap <= 2 * difference.truncation().abs_upper()):
            return math.inf
        return float((size / gap).log() / arb(10).log()) if size > 0 else -math.inf
