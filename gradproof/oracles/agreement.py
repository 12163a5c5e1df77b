"""The hand-derived gradient against its definition: how many digits of every entry agree with exact differences."""

import math
from dataclasses import dataclass

import numpy as np
from flint import arb, ctx

from gradproof.oracles import exact
from gradproof.registry import Function, Inputs

DIGITS = 30
"""Hand-derived gradients agree with exact differences to this many significant digits, or are wrong."""


@dataclass(frozen=True)
class Agreement:
    """The entry of a hand-derived gradient that agrees least with exact differences, and the digits that agree there.

    `digits` is infinite where both are the same number, -inf where one is not finite."""

    digits: float
    argument: str = ""
    index: tuple[int, ...] = ()
    hand: float = 0.0
    difference: str = ""

    @property
    def holds(self) -> bool:
        """Whether every entry agrees to 30 digits."""
        return self.digits >= DIGITS

    def __str__(self) -> str:
        if self.holds:
            return f"agree to {min(self.digits, 99):.0f} digits"
        where = f"{self.argument}{list(self.index) if self.index else ''}"
        return f"disagree: {max(self.digits, 0):.0f} digits agree for {where}, {self.hand!r} and {self.difference}"


def hand_against_exact(function: Function, inputs: Inputs) -> Agreement:
    """Compare every entry at `inputs`. Raises `RegistryError` for a bad entry, `Uncomputable` where balls lack an
    operation."""
    worst = Agreement(math.inf)
    hand, _ = exact.precise_hand_gradient(function, inputs)
    differences = exact.gradient(function, inputs)
    for name, ours, true in zip(function.domains, hand, differences, strict=True):
        for index in np.ndindex(ours.shape):
            digits = agreeing_digits(ours[index], true[index])
            if digits < worst.digits:
                shown = true[index].quotient.mid().str(20, radius=False)
                worst = Agreement(digits, name, index, float(ours[index]), shown)
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
