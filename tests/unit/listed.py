"""A small list of operations for the tests of the sweep: right and wrong ones, and such as end their process."""

import math
import os
import time
from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive

from gradproof.backends.operations import Operation, Operations, Sample


@primitive
def squared(x):
    return x * x


@primitive
def squared_wrongly(x):
    return x * x


@primitive
def squared_nowhere(x):
    return x * x


defvjp(squared, lambda ans, x: lambda g: 2 * g * x)
defvjp(squared_wrongly, lambda ans, x: lambda g: 2.001 * g * x)


@primitive
def opaque(x):
    return np.array([math.sin(v) for v in x])


@primitive
def opaque_nowhere(x):
    return np.array([math.sin(v) for v in x])


defvjp(opaque, lambda ans, x: lambda g: g * anp.cos(x))


def died(x):
    os.abort()


def slept(x):
    time.sleep(600)


def operation(name: str, f: Callable, reason: str = "") -> Operation:
    def samples(dtype: str) -> list[Sample]:
        return [Sample(f, (np.array([0.5, -1.25, 2.0], dtype),), f"{name}(x)")]

    return Operation(name, "a list", samples, dtypes=("float64",), modes=("reverse",), reason=reason)


class Listed(Operations):
    """The list."""

    def all(self) -> list[Operation]:
        return [
            operation("cubed", lambda x: x**3),
            operation("died", died),
            operation("opaque", lambda x: opaque(x)),
            operation("opaque nowhere", lambda x: opaque_nowhere(x)),
            operation("rounded", anp.round, reason="it is not differentiable: its steps are flat"),
            operation("slept", slept),
            operation("squared", lambda x: squared(x)),
            operation("squared nowhere", lambda x: squared_nowhere(x)),
            operation("squared wrongly", lambda x: squared_wrongly(x)),
            operation("without call", lambda x: missing(x)),  # noqa: F821
        ]

    def replaced(self, array: Any, mask: np.ndarray, value: float) -> Any:
        return anp.where(mask, value, array)


OPERATIONS = Listed
