"""Every backend's value and gradient against the truth, at every point and at Hypothesis draws; and its gradient
against finite differences of its own forward pass."""

from gradproof.verification.cells import Cell, share_of_draws
from gradproof.verification.run import Verification


def test_against_the_truth(cell: Cell, verification: Verification) -> None:
    """Value and gradient lie within the bound of the exact reference."""
    verification.verify(cell, "exact", share=share_of_draws(cell))


def test_against_own_differences(cell: Cell, verification: Verification) -> None:
    """Forward and backward pass of one backend agree with one another."""
    verification.verify(cell, "differences", share=0.2)
