"""The operations on arrays of real balls in one class: what linear algebra, transforms and the other families of
operations are written in."""

from typing import Any

from gradproof.oracles.balls.arrays import Balls
from gradproof.oracles.balls.sorting import Sorting


class RealArithmetic(Sorting):
    """An evaluation on real arrays, with the parts of a complex one that a real one has too."""

    def real(self, x: Any) -> Balls:
        return self._lift(x)

    def conj(self, x: Any) -> Balls:
        return self._lift(x)

    def imag(self, x: Any) -> Balls:
        return self.zeros_like(x)
