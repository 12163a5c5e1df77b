"""Every hand-derived gradient against its definition: exact differences of the body, entry by entry, to 30 digits."""

from gradproof.registry import Function
from gradproof.verification.run import Verification


def test_hand_derived_gradient(function: Function, verification: Verification) -> None:
    """At every point and at draws, away from kinks, every entry agrees to 30 significant digits."""
    verification.prove(function, share=0.4)
