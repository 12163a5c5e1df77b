"""What the installed backends give as a gradient at one input, outside a test run: for the commands that compare them
with one another."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np

from gradproof import backends
from gradproof.backends import MODES
from gradproof.oracles.exact import Uncomputable
from gradproof.registry import Function, Inputs
from gradproof.report.outcome import Unusable

Answer = tuple[np.ndarray, ...] | str
"""A gradient, one array of real numbers per argument, or why there is none."""


@contextmanager
def computable(function: Function) -> Iterator[None]:
    """Have it told as bad input where balls cannot evaluate a function. Raises `Unusable`."""
    try:
        yield
    except Uncomputable as error:
        raise Unusable(f"{function.name} ({function.where}): there is no truth to compare with: {error}") from error


def installed_backends() -> list[str]:
    """The backends that are installed here, in their usual order."""
    return [name for name in backends.BACKENDS if backends.installed_version(name) is not None]


def dtype_of(function: Function) -> str:
    """The widest dtype of this function's arguments."""
    return "complex128" if function.is_complex else "float64"


def answer(function: Function, backend: str, inputs: Inputs, mode: str = "reverse") -> Answer:
    """The gradient that a backend gives in one mode, in the widest dtype, on the CPU."""
    try:
        adapter = backends.load(backend)
        batched = MODES[mode].batched
        at = tuple(np.stack([x, x]) for x in inputs) if batched else inputs
        parts = _code(function, backend, mode)(*adapter.arguments(function, at, dtype_of(function), "cpu"))
        rows = [None if part is None else adapter.to_numpy(part) for part in parts]
        rows = [None if row is None else row[0] for row in rows] if batched else rows
        return tuple(_reals(row, domain) for row, domain in zip(rows, function.domains.values(), strict=True))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@cache
def _code(function: Function, backend: str, mode: str) -> object:
    return backends.differentiate(backends.load(backend), function, dtype_of(function), "cpu", mode)


def _reals(row: np.ndarray | None, domain: object) -> np.ndarray:
    if row is None:
        if not domain.flat:
            raise ValueError("a gradient is None")
        return np.zeros(domain.real_shape)
    return domain.reals(np.asarray(row)).astype(np.float64)
