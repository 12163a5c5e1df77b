"""Fixed uneven numbers: the weights that contract an array to a scalar, and the direction of Hessian-vector
products."""

import math
from typing import Any

import numpy as np

from gradproof.registry.record import Function, Inputs


def weights(xp: Any, shape: tuple[int, ...]) -> Any:
    """Fixed weights that contract an array-valued operation to a scalar: asymmetric, all different in size and sign
    pattern from their neighbours, and exact even in bfloat16, so that no permutation or transpose goes unseen."""
    return xp.asarray(np.reshape(uneven(math.prod(shape)), shape))


def complex_weights(xp: Any, shape: tuple[int, ...]) -> Any:
    """Fixed complex weights, to contract complex arrays: the sizes of `weights` as real parts, and imaginary parts of
    another pattern."""
    values = [
        complex(abs(re), (11 * k + 5) % 32 / 32 - k % 3) for k, re in enumerate(uneven(math.prod(shape)).tolist())
    ]
    return xp.asarray(np.reshape(values, shape).tolist())


def direction(function: Function) -> Inputs:
    """The fixed direction of Hessian-vector products: an array per argument, in real numbers, of entries like those of
    `weights`, so that no entry of the Hessian goes unseen."""
    sizes = [int(np.prod(domain.real_shape)) for domain in function.domains.values()]
    parts = np.split(uneven(sum(sizes)), np.cumsum(sizes)[:-1])
    return tuple(part.reshape(d.real_shape) for part, d in zip(parts, function.domains.values(), strict=True))


_LENGTH = 3 * 61
_PERIOD = tuple((1 + (23 * k + 7) % 61 / 64) * (-1 if k % 3 == 1 else 1) for k in range(_LENGTH))


def uneven(count: int) -> np.ndarray:
    """So many of the fixed numbers, in float64."""
    # Repeated by one copy, so that at a large size a function is timed, and not the making of its weights. By a number,
    # so that a script, which has numbers in place of names, shows the period once.
    return np.tile(_PERIOD, count // _LENGTH + 1)[:count]
