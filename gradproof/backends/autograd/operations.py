"""autograd's operations: those in its tables of rules."""

import importlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.core import primitive_jvps, primitive_vjps

from gradproof.backends.autograd.hints import HINTS, REASONS
from gradproof.backends.operations import Operation, Operations, Sample
from gradproof.backends.probing import Prober, usual_forms

SOURCE = "autograd: defvjp and defjvp"

SPACES = (
    *("autograd.numpy", "autograd.numpy.linalg", "autograd.numpy.fft", "autograd.scipy.integrate"),
    *("autograd.scipy.linalg", "autograd.scipy.signal", "autograd.scipy.special", "autograd.scipy.stats"),
)

DTYPES = ("float64", "float32", "complex128")


class AutogradOperations(Operations):
    """The functions for which there is a rule, each under the name by which it is called."""

    def all(self) -> list[Operation]:
        return [_operation(name, f) for _, name, f in sorted(_functions(), key=lambda one: one[1])]

    def replaced(self, array: Any, mask: np.ndarray, value: float) -> Any:
        return anp.where(mask, value, array)


def _functions() -> Iterator[tuple[str, str, Callable]]:
    named: dict[int, str] = {}
    for space in SPACES:
        module = importlib.import_module(space)
        inner = [
            (f"{space}.{n}", m) for n, m in vars(module).items() if inspect.ismodule(m) and space.endswith("stats")
        ]
        for path, home in [(space, module), *inner]:
            for name in dir(home):
                named.setdefault(id(getattr(home, name)), f"{path}.{name}")
    for f in dict.fromkeys((*primitive_vjps, *primitive_jvps)):
        name = named.get(id(f))
        if name is None and f.__name__ not in REASONS:
            # What is called by the name of such a rule is a method around it.
            f, name = getattr(anp, f.__name__), f"autograd.numpy.{f.__name__}"
        yield "", name or f.__name__, f


def _is_answer(result: Any) -> bool:
    parts = result if isinstance(result, tuple | list) else [result]
    arrays = [np.asarray(part) for part in parts]
    floating = [array for array in arrays if array.dtype.kind in "fc"]
    return bool(floating) and all(bool(np.isfinite(array).all()) for array in floating)


PROBER = Prober(array=lambda values, dtype: np.asarray(values, dtype), data=np.asarray, is_answer=_is_answer)


def _operation(name: str, f: Callable) -> Operation:
    forward = ("forward",) if f in primitive_jvps else ()
    return Operation(
        name=name,
        source=SOURCE,
        samples=partial(_samples, name, f),
        dtypes=DTYPES,
        modes=("reverse", *forward, "reverse_over_reverse"),
        reason=REASONS.get(name, ""),
    )


def _samples(name: str, f: Callable, dtype: str) -> Sequence[Sample]:
    forms = HINTS.get(name) or PROBER.working(name, f, list(usual_forms(f)))
    return [PROBER.sample(name, f, given, dtype) for given in forms]


OPERATIONS = AutogradOperations
