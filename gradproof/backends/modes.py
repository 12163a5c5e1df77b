"""The ways to differentiate, each a composition of an adapter's transformations, so that a mode costs no code per
backend. First-order modes give the gradient, second-order modes the product of the Hessian with a fixed direction; for
both the answer has one array per argument, shaped as the argument."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradproof.backends.adapter import Adapter
from gradproof.registry import Function, Inputs, direction

Composition = Callable[[Adapter, Function, str, str], Callable]


@dataclass(frozen=True)
class Mode:
    """One way to differentiate.

    `compose(adapter, function, dtype, device)` gives the code that is verified. `order` is 1 for the gradient and 2 for
    Hessian-vector products. Where `batched`, the code takes and gives arrays with one more leading axis. A mode that is
    `nightly` is left out of the default run."""

    compose: Composition
    order: int = 1
    batched: bool = False
    nightly: bool = False


def _reverse(adapter: Adapter, function: Function, dtype: str, device: str) -> Callable:
    return adapter.gradient_of(function, dtype, device)


def _forward(adapter: Adapter, function: Function, dtype: str, device: str) -> Callable:
    """A JVP along every entry; along the entry and i times the entry where it is complex."""
    push = adapter.prepared(adapter.jvp(adapter.callable(function, dtype, device)))
    xp = adapter.namespace(dtype, device)
    basis = [[adapter.arguments(function, unit, dtype, device) for unit in units] for units in _units(function)]

    def gradient(*arguments: Any) -> tuple[Any, ...]:
        slopes = [[push(*arguments, *tangents) for tangents in units] for units in basis]
        return tuple(map(_assembled, slopes, arguments, function.domains.values(), [xp] * len(arguments)))

    return gradient


def _units(function: Function) -> list[list[Inputs]]:
    """The basis directions in real numbers, a list per argument."""
    shapes = [domain.real_shape for domain in function.domains.values()]
    units: list[list[Inputs]] = []
    for i, shape in enumerate(shapes):
        units.append([])
        for index in np.ndindex(shape):
            unit = tuple(np.zeros(s) for s in shapes)
            unit[i][index] = 1.0
            units[-1].append(unit)
    return units


def _assembled(slopes: list[Any], argument: Any, domain: Any, xp: Any) -> Any:
    if not slopes:
        return xp.zeros_like(argument)
    reals = xp.reshape(xp.stack(slopes), domain.real_shape)
    if not domain.is_complex:
        return reals
    return xp.astype(reals[..., 0], argument.dtype) + 1j * xp.astype(reals[..., 1], argument.dtype)


def _compiled(adapter: Adapter, function: Function, dtype: str, device: str) -> Callable:
    return adapter.compiled_gradient(adapter.callable(function, dtype, device))


def _xla(adapter: Adapter, function: Function, dtype: str, device: str) -> Callable:
    return adapter.compile_by_xla(adapter.gradient_of(function, dtype, device))


def _vectorized(adapter: Adapter, function: Function, dtype: str, device: str) -> Callable:
    return adapter.prepared(adapter.vectorize(adapter.gradient_of(function, dtype, device)))


def _summed_over_batch(adapter: Adapter, function: Function, dtype: str, device: str) -> Callable:
    """As everybody trains: the gradient of the sum of the values over a batch."""
    batched = adapter.vectorize(adapter.callable(function, dtype, device))
    xp = adapter.namespace(dtype, device)
    return adapter.prepared(adapter.gradient(lambda *arguments: xp.sum(batched(*arguments))))


def _rematerialized(adapter: Adapter, function: Function, dtype: str, device: str) -> Callable:
    return adapter.prepared(adapter.gradient(adapter.checkpoint(adapter.callable(function, dtype, device))))


def _forward_over_reverse(adapter: Adapter, function: Function, dtype: str, device: str) -> Callable:
    f = adapter.callable(function, dtype, device)
    xp = adapter.namespace(dtype, device)
    push = adapter.prepared(adapter.jvp(_connected(adapter.inner_gradient(f), xp)))
    velocity = adapter.arguments(function, direction(function), dtype, device)
    return lambda *arguments: push(*arguments, *velocity)


def _reverse_over_reverse(adapter: Adapter, function: Function, dtype: str, device: str) -> Callable:
    f = adapter.callable(function, dtype, device)
    xp = adapter.namespace(dtype, device)
    inner = _connected(adapter.inner_gradient(f), xp)
    velocity = adapter.arguments(function, direction(function), dtype, device)
    kinds = [domain.is_complex for domain in function.domains.values()]

    def slope(*arguments: Any) -> Any:
        terms = zip(velocity, inner(*arguments), kinds, strict=True)
        return sum(xp.sum(xp.real(xp.conj(v) * g)) if is_complex else xp.sum(v * g) for v, g, is_complex in terms)

    return adapter.prepared(_connected(adapter.gradient(slope), xp))


def _reverse_over_forward(adapter: Adapter, function: Function, dtype: str, device: str) -> Callable:
    push = adapter.jvp(adapter.callable(function, dtype, device))
    velocity = adapter.arguments(function, direction(function), dtype, device)
    gradient = adapter.gradient(lambda *arguments: push(*arguments, *velocity))
    return adapter.prepared(_connected(gradient, adapter.namespace(dtype, device)))


def _connected(gradient: Callable, xp: Any) -> Callable:
    """Zeros for what is unconnected: of a linear function the gradient does not depend on the argument. A second
    derivative that was lost is zero as well, and the truth is not."""

    def filled(*arguments: Any) -> tuple[Any, ...]:
        parts = zip(gradient(*arguments), arguments, strict=True)
        return tuple(xp.zeros_like(argument) if part is None else part for part, argument in parts)

    return filled


MODES = {
    "reverse": Mode(_reverse),
    "forward": Mode(_forward),
    "compiled": Mode(_compiled),
    "xla": Mode(_xla, nightly=True),
    "vectorized": Mode(_vectorized, batched=True),
    "summed_over_batch": Mode(_summed_over_batch, batched=True),
    "rematerialized": Mode(_rematerialized),
    "forward_over_reverse": Mode(_forward_over_reverse, order=2),
    "reverse_over_reverse": Mode(_reverse_over_reverse, order=2),
    "reverse_over_forward": Mode(_reverse_over_forward, order=2),
}
