"""How a backend differentiates: its transformations of functions of arrays, apart from any registry. Importing a
backend's own changes none of its settings, so that they can be used inside anybody's program."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np


class Unsupported(Exception):
    """A backend, device, dtype or operation that is not there. The message names the cause and, where there is one,
    the cure."""


class Missing(Unsupported):
    """A backend or device that is not there at all, or cannot be imported: what `--require` forbids."""


class Transformations(ABC):
    """What one backend makes of a function. `name` is as in a test id; `flushes_subnormals` are the devices on which
    results below the smallest normal number may become zero, all of them or, as in "cpu-bfloat16", in one dtype;
    `rules_give_values` says whether a rule for a derivative computes the value of its function itself."""

    name: ClassVar[str]
    flushes_subnormals: ClassVar[tuple[str, ...]] = ()
    rules_give_values: ClassVar[bool] = False

    @abstractmethod
    def version(self) -> str:
        """The backend's version, with its build where that matters."""

    @abstractmethod
    def to_numpy(self, array: Any) -> np.ndarray:
        """The same values as a NumPy array. Raises `TypeError` for what is no array of the backend."""

    def dtype_of(self, array: Any) -> str:
        """The name of an array's dtype, as in DTYPES."""
        return array.dtype.name

    @abstractmethod
    def gradient(self, f: Callable) -> Callable:
        """Reverse mode: from `f(*arrays)`, a real scalar, to a function that returns a tuple, one gradient per
        argument. What the backend leaves unconnected stays None. For a complex argument it is df/dRe + i df/dIm."""

    def value_and_gradient(self, f: Callable) -> Callable:
        """From `f(*arrays)` to a function that returns the value and the gradient, both from one call: the value is
        that of whatever rules the gradient comes from."""
        raise Unsupported(f"{self.name} gives no value beside its gradient")

    def value_and_tangent(self, f: Callable) -> Callable:
        """As `jvp`, with the value of `f` before the tangent."""
        raise Unsupported(f"{self.name} gives no value beside its tangents")

    def forward(self, f: Callable) -> Callable:
        """What computes the value of `f(*arrays)`: `f` itself, compiled where running it op by op costs more."""
        return f

    def inner_gradient(self, f: Callable) -> Callable:
        """A gradient that can itself be differentiated."""
        return self.gradient(f)

    def jvp(self, f: Callable) -> Callable:
        """Forward mode: from `f(*arrays)` to a function `(*arrays, *tangents)` that returns the tangent of the result,
        or a tuple of them where the result is one."""
        raise Unsupported(f"{self.name} has no forward mode")

    def vectorize(self, f: Callable) -> Callable:
        """From `f(*arrays)` to a function of arrays with one more leading axis, of equal length, mapped over it."""
        raise Unsupported(f"{self.name} has no vectorizing transformation")

    def checkpoint(self, f: Callable) -> Callable:
        """The same function, whose intermediate results are computed anew for the backward pass."""
        raise Unsupported(f"{self.name} has no rematerialization")

    def compile(self, f: Callable) -> Callable:
        """The same function, compiled by the backend's own compiler."""
        raise Unsupported(f"{self.name} has no compiler")

    def compiled_gradient(self, f: Callable) -> Callable:
        """The gradient, compiled as users of this backend compile it."""
        return self.compile(self.gradient(f))

    def compile_by_xla(self, f: Callable) -> Callable:
        """The same function, compiled by XLA, where that is not what `compile` does."""
        raise Unsupported(f"{self.name} has no second compiler")

    def with_pullback(self, f: Callable, rule: Callable) -> Callable:
        """`f(*arrays)` with a reverse-mode rule of somebody's own: `rule(arguments, cotangent)` gives one cotangent per
        argument, as the backend's own rules do."""
        raise Unsupported(f"{self.name} has no rules")

    def with_tangent(self, f: Callable, rule: Callable) -> Callable:
        """`f(x)` with a forward-mode rule of somebody's own: `rule(x, tangent)` gives the tangent of the
        result."""
        raise Unsupported(f"{self.name} takes no rules for its forward mode")

    def is_compiling(self, array: Any) -> bool:
        """Whether the code that has met this array, in a rule or outside of one, is being compiled."""
        return False

    def is_mapped(self, array: Any) -> bool:
        """Whether this array is one row of many, to the code that has met it. Raises `Unsupported` where nobody can
        tell."""
        raise Unsupported(f"{self.name} does not tell what it maps over")

    def prepared(self, f: Callable) -> Callable:
        """The same function, compiled where that pays within a few calls; every mode but `reverse` runs so."""
        return f
