"""Every backend's value and gradient against the truth, at every point and at Hypothesis draws; and its gradient
against finite differences of its own forward pass."""

from tests.verification.examine import Examiner
from tests.verification.run import Verification


def test_against_the_truth(examiner: Examiner, verification: Verification) -> None:
    """Value and gradient lie within the bound of the exact reference."""
    verification.verify(examiner, "exact", examiner.against_truth, share=1.0)


def test_against_own_differences(examiner: Examiner, verification: Verification) -> None:
    """Forward and backward pass of one backend agree with one another."""
    verification.verify(examiner, "differences", examiner.against_own_differences, share=0.2)
