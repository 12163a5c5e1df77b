"""Making arrays of balls: from inputs, which are exact, from constants, which a format rounds, and from two arrays by a
condition, as a condition itself becomes an array."""

from typing import Any

import numpy as np
from flint import arb

from gradproof.oracles.balls.arrays import Balls, Decision, decided, objects, vectorized
from gradproof.oracles.balls.complex_numbers import lifted
from gradproof.oracles.balls.rounding import Rounding


class Creation(Rounding):
    """An evaluation that makes arrays."""

    def inputs(self, values: np.ndarray) -> Balls:
        """The exact input. Where the model flushes subnormals, a subnormal input may be taken for zero."""
        entries = objects(vectorized(lambda v: arb(float(v)))(values))
        if self.model is not None and self.model.flushes:
            entries = self._with_underflow(entries)
        return Balls(entries, self)

    def asarray(self, values: Any, dtype: Any = None, **_: Any) -> Any:
        if isinstance(values, Balls | Decision):
            return values
        array = np.asarray(values)
        if array.dtype.kind in "iub" and dtype is None:
            return array
        if array.dtype.kind == "c":
            return lifted(self, array)
        return Balls(self._constants(array), self, steady=True)

    def zeros(self, shape: Any, **_: Any) -> Balls:
        return self.full(shape, 0.0)

    def ones(self, shape: Any, **_: Any) -> Balls:
        return self.full(shape, 1.0)

    def full(self, shape: Any, value: float, **_: Any) -> Balls:
        return Balls(self._constants(np.full(shape, float(value))), self, steady=True)

    def zeros_like(self, x: Balls, **_: Any) -> Balls:
        return self.full(x.shape, 0.0)

    def ones_like(self, x: Balls, **_: Any) -> Balls:
        return self.full(x.shape, 1.0)

    def full_like(self, x: Balls, value: float, **_: Any) -> Balls:
        return self.full(x.shape, value)

    def eye(self, rows: int, columns: int | None = None, *, k: int = 0, **_: Any) -> Balls:
        return Balls(self._constants(np.eye(rows, columns, k)), self)

    def arange(self, *bounds: Any, dtype: Any = None, **_: Any) -> Any:
        return self.asarray(np.arange(*bounds), dtype)

    def linspace(self, start: float, stop: float, num: int, *, endpoint: bool = True, **_: Any) -> Balls:
        return Balls(self._constants(np.linspace(start, stop, num, endpoint=endpoint)), self)

    def astype(self, x: Any, dtype: Any, **_: Any) -> Balls:
        if isinstance(x, Decision):
            return self.where(x, 1.0, 0.0)
        return self._lift(x)

    def where(self, condition: Any, x: Any, y: Any) -> Balls:
        value, undecided = decided(condition)
        a, b = self._lift(x).entries, self._lift(y).entries
        chosen = objects(np.where(value, a, b))
        if self.model is not None and undecided.any():
            # Within rounding of the switch a backend may take either branch: both are allowed.
            both = objects(vectorized(self.hull, 2)(a, b))
            chosen = objects(np.where(undecided, both, chosen))
        return Balls(chosen, self)

    def _lift(self, x: Any) -> Balls:
        if isinstance(x, Balls):
            return x
        if isinstance(x, Decision):
            return self.where(x, 1.0, 0.0)
        return Balls(self._constants(np.asarray(x)), self, steady=True)
