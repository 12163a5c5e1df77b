"""The hand-derived gradient against its definition: how many digits of every entry agree with exact differences."""

import math
import time
from dataclasses import dataclass, replace

import numpy as np
from flint import arb, ctx

from gradproof.oracles import exact
from gradproof.registry import Function, Inputs

DIGITS = 30
"""Hand-derived gradients agree with exact differences to this many significant digits, or are wrong."""


ROUNDED = (14, 20)
"""As many digits agree where the derivation is right and holds a constant that was rounded to float64."""


@dataclass(frozen=True)
class Agreement:
    """The entry of a hand-derived gradient that agrees least with exact differences, and the digits that agree there.

    `digits` is infinite where both are the same number, -inf where one is not finite. `compared` says how many of how
    many entries there was time for; empty where it was enough for all."""

    digits: float
    argument: str = ""
    index: tuple[int, ...] = ()
    hand: float = 0.0
    difference: str = ""
    compared: str = ""

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
            return "mend it where it is written"
        return (
            "the formula is right, and a constant in it is rounded to float64: write xp.pi for math.pi, x / 3 for "
            "x * 0.333…, xp.sqrt(xp.asarray(2.0)) for 1.414…"
        )

    def __str__(self) -> str:
        some = f" in {self.compared}, for which there was time" if self.compared else ""
        if self.holds:
            return f"agree to {min(self.digits, 99):.0f} digits{some}"
        where = f"{self.argument}{list(self.index) if self.index else ''}"
        return f"disagree: {max(self.digits, 0):.0f} digits agree for {where}, {self.hand!r} and {self.difference}"


def hand_against_exact(function: Function, inputs: Inputs, seconds: float = math.inf) -> Agreement:
    """Compare every entry at `inputs`, or as many as there is time for. Raises `RegistryError` for a bad entry,
    `Uncomputable` where balls lack an operation."""
    worst, until = Agreement(math.inf), time.monotonic() + seconds
    hand, _ = exact.precise_hand_gradient(function, inputs)
    places = [(i, index) for i, part in enumerate(hand) for index in np.ndindex(part.shape)]
    for number, (i, index) in enumerate(places):
        if time.monotonic() > until:
            return replace(worst, compared=f"{number} of {len(places)} entries")
        ours, true = hand[i][index], exact.directional(function, inputs, exact.unit(inputs, i, index))
        digits = agreeing_digits(ours, true)
        if digits < worst.digits:
            shown = exact.digits(true.quotient, 20)
            worst = Agreement(digits, list(function.domains)[i], index, float(ours), shown)
    return worst


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
