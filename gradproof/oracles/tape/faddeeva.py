"""Faddeeva's function w(z) = exp(-z²) erfc(-iz) (DLMF 7.2.3) as a call on a tape. Libraries compute it by rational
functions that have a dozen digits of it; what is meant is not their derivative, which has fewer, but
w'(z) = -2 z w(z) + 2i/√π (DLMF 7.10.2), which is what libraries give."""

from typing import Any

import numpy as np
import scipy.special
from flint import acb, arb, arb_series

from gradproof.oracles.balls.arrays import Balls, objects
from gradproof.oracles.balls.taylor import depends, first_coefficient
from gradproof.oracles.machine_model import MachineModel
from gradproof.oracles.tape.complex_cells import ComplexCells

PRODUCT = 4
"""So many roundings, of its size, a product of complex numbers has in each of its parts."""


def wofz(z: ComplexCells) -> ComplexCells:
    """w(z) of every entry."""
    tape = z.tape
    parts = np.stack([z.re.numbers.reshape(-1), z.im.numbers.reshape(-1)], axis=1)
    values = scipy.special.wofz(z.value).reshape(-1)
    pairs = [tape.call("wofz", _call, z.re.like(parts[i]), [[v.real], [v.imag]]) for i, v in enumerate(values)]
    numbers = np.array([[part.numbers[0] for part in pair] for pair in pairs], np.int64).reshape(-1, 2)
    return ComplexCells(*(z.re.like(column.reshape(z.shape)) for column in numbers.T))


def _call(on: Any, x: Balls) -> tuple[Balls, Balls]:
    z = acb(*on.center(x.entries))
    value = _value(z, on.model)
    if not any(map(depends, x.entries)):
        return _checked(on, value.real), _checked(on, value.imag)
    speed = acb(*map(first_coefficient, x.entries))
    slope = _slope(z, value, on.model) * speed
    return _checked(on, arb_series([value.real, slope.real])), _checked(on, arb_series([value.imag, slope.imag]))


def _checked(on: Any, entry: Any) -> Balls:
    # Multiplied by one, so that the range is looked at and underflow is thought of.
    return on.multiply(Balls(objects(entry).reshape(1), on), 1.0)


def _value(z: acb, model: MachineModel | None) -> acb:
    """w(z), and around it what libraries lose: below the real axis they compute 2 exp(-z²) - w(-z)."""
    value = (-z * z).exp() * (acb(0, -1) * z).erfc()
    if model is None:
        return value
    if not z.imag.mid() < 0:
        return value + _around(abs(value) * _error(model, "erfcx"))
    size = abs((-z * z).exp())
    lost = _error(model, "exp") + abs(z) ** 2 * _error(model, "multiply", PRODUCT)
    return value + _around(2 * size * lost + abs(value - 2 * (-z * z).exp()) * _error(model, "erfcx"))


def _slope(z: acb, value: acb, model: MachineModel | None) -> acb:
    product, constant = -2 * z * value, 2 / arb.pi().sqrt()
    if model is not None:
        product += _around(abs(product) * _error(model, "multiply", PRODUCT))
        constant *= model.factor("multiply", 2)
    return product + acb(0, constant)


def _error(model: MachineModel, operation: str, count: int = 1) -> arb:
    return model.factor(operation, count) - 1


def _around(error: arb) -> acb:
    radius = arb(0, abs(error).upper())
    return acb(radius, radius)
