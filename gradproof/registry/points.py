"""Arrays for the points of larger entries, where a list of all numbers would be longer than the function."""

import math

import numpy as np


def mixed(*shape: int, first: int = 3) -> np.ndarray:
    """Up to 127 multiples of 1/32 between -2 and 2, all different, without an order; `first` gives others."""
    return np.reshape([((45 * k + 29 * first) % 127 - 63) / 32 for k in range(math.prod(shape))], shape)


def repeated(*shape: int, first: int = 3) -> np.ndarray:
    """The numbers -1, 0 and 1 over and over, in an uneven pattern: ties and zeros everywhere."""
    return np.reshape([float((k * k + k // 3 + first) % 3 - 1) for k in range(math.prod(shape))], shape)
