"""Random programs: well-typed, over the namespace, at inputs at which they have a gradient, and held on every backend
to the exact derivative of their own tape. What no list foresees is found so, and shrinks to a few lines."""

from gradproof.verification.programs.checking import Alarm, Checked, check, truth_of
from gradproof.verification.programs.known import cause_of, known
from gradproof.verification.programs.program import Program
from gradproof.verification.programs.strategy import programs

__all__ = ["Alarm", "Checked", "Program", "cause_of", "check", "known", "programs", "truth_of"]
