"""What the installed backends give at one input: a gradient, outside a test run, for the commands that compare them
with one another; and the finite differences of their own forward pass, for whoever asks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from gradproof import backends
from gradproof.backends import MODES, Adapter
from gradproof.oracles.differences import OwnDifferences, own_differences
from gradproof.oracles.exact import Uncomputable
from gradproof.registry import Function, Inputs
from gradproof.report.outcome import Unusable

Answer = tuple[np.ndarray, ...] | str
"""A gradient, one array of real numbers per argument, or why there is none."""


@contextmanager
def computable() -> Iterator[None]:
    """Have it told as bad input where balls cannot evaluate a function, which the error names. Raises `Unusable`."""
    try:
        yield
    except Uncomputable as error:
        raise Unusable(f"there is no truth to compare with: {error}") from error


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


@dataclass
class OwnForward:
    """The forward pass of one function on one backend and device, in its widest dtype, and the finite differences of it
    by input."""

    function: Function
    backend: str
    device: str
    _kept: dict[bytes, OwnDifferences] = field(default_factory=dict)
    _batched: Callable | None = None

    def differences(self, inputs: Inputs, value_error: float) -> OwnDifferences:
        """The differences at `inputs`, where the value may be off by `value_error`. Raises what the backend raises."""
        key = b"|".join(x.tobytes() for x in inputs)
        if key not in self._kept:
            self._kept[key] = own_differences(self.values, inputs, value_error)
        return self._kept[key]

    def values(self, batch: Inputs) -> np.ndarray:
        """The values of a batch: inputs with one more axis in front. Raises what the backend raises."""
        adapter, dtype = backends.load(self.backend), dtype_of(self.function)
        arrays = adapter.arguments(self.function, batch, dtype, self.device)
        if self._batched is None:
            single = adapter.callable(self.function, dtype, self.device)
            try:
                self._batched = adapter.prepared(adapter.vectorize(single))
                return adapter.to_numpy(self._batched(*arrays))
            except Exception:
                # A backend or a fused kernel need not know how to be mapped over a batch; it runs one by one.
                self._batched = _one_by_one(single, adapter)
        result = self._batched(*arrays)
        return result if isinstance(result, np.ndarray) else adapter.to_numpy(result)


def _one_by_one(single: Callable, adapter: Adapter) -> Callable:
    def batched(*arrays: Any) -> np.ndarray:
        return np.array([adapter.to_numpy(single(*(a[i] for a in arrays))) for i in range(len(arrays[0]))])

    return batched


@cache
def own_forward(function: Function, backend: str, device: str) -> OwnForward:
    """The one forward pass that all cells of a function on a backend and device share for their differences."""
    return OwnForward(function, backend, device)
