"""Ball arithmetic, one floor a file: arrays of balls, rounding, the operations on real arrays one upon the other up to
`real.py`, families of operations written in those, and `arithmetic.py`, which makes one `xp` of all of them;
`taylor.py` runs the same operations on series."""

from gradproof.oracles.balls.arithmetic import BallArithmetic
from gradproof.oracles.balls.arrays import Balls, Decision, objects
from gradproof.oracles.balls.complex_numbers import ComplexBalls
from gradproof.oracles.balls.rounding import Ties
from gradproof.oracles.balls.taylor import TaylorArithmetic, depends, first_coefficient

__all__ = [
    "BallArithmetic",
    "Balls",
    "ComplexBalls",
    "Decision",
    "TaylorArithmetic",
    "Ties",
    "depends",
    "first_coefficient",
    "objects",
]
