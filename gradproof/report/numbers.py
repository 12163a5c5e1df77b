"""Numbers, balls and arrays of them as text, for who reads a pass with its numbers."""

from typing import Any

import numpy as np
from flint import arb

from gradproof.oracles.balls import Balls, ComplexBalls
from gradproof.oracles.balls.complex_numbers import pairs_of
from gradproof.oracles.exact import digits

DIGITS, SHORT = 20, 8
"""Digits of a number that stands alone, and of one of an array."""

FEW = 6
"""So many entries of an array are shown."""


def shown(value: Any) -> str:
    """A value as text: all digits that matter of a number, few of an array; empty for what is no number."""
    if isinstance(value, ComplexBalls):
        value = pairs_of(value)
    if isinstance(value, Balls):
        return array_shown(value.entries)
    if isinstance(value, bool | int | float):
        return repr(value.item() if isinstance(value, np.generic) else value)
    shape = getattr(value, "shape", None)
    if shape is None:
        return ""
    try:
        return array_shown(np.asarray(value))
    except Exception:  # an array that cannot leave its backend is left out
        return ""


def array_shown(entries: np.ndarray) -> str:
    """An array of numbers or balls as text, and its shape where it has several axes."""
    if entries.dtype.kind not in "Ofc" and entries.shape != ():
        return ""
    if entries.shape == ():
        return number_shown(entries[()], DIGITS)
    flat = [number_shown(entry, SHORT) for entry in entries.reshape(-1)[:FEW]]
    more = " …" if entries.size > FEW else ""
    return f"[{' '.join(flat)}{more}]" + (f" {entries.shape}" if entries.ndim > 1 else "")


def number_shown(entry: Any, count: int) -> str:
    """A number with so many digits, or with all that it has where it has no more."""
    if isinstance(entry, arb):
        text = digits(entry, count)
        # The zeros behind a number that is exact are no digits of it.
        return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text
    entry = entry.item() if isinstance(entry, np.generic) else entry
    if count == DIGITS or not isinstance(entry, float):
        return repr(entry)
    return f"{entry:.{SHORT}g}"
