"""The profile of a row of accuracy: all numbers of a format of 16 bits in their order, by bins of neighbours, of each
of which the largest error is kept."""

import numpy as np

from gradproof.oracles.machine_model import FORMATS

NEIGHBOURS = 256
"""So many neighbouring numbers of one sign share a bin: a quarter of a binade of float16, two binades of bfloat16, and
some 250 bins in all."""


def places_of(values: np.ndarray, dtype: str) -> np.ndarray:
    """How many numbers of the format lie between 0 and each of these, with its sign."""
    format = FORMATS[dtype]
    lowest = np.frexp(format.tiny)[1]
    exponents = np.where(values == 0, lowest, np.maximum(np.frexp(values)[1], lowest))
    below = (exponents - lowest) * 2 ** (format.precision - 1)
    return np.copysign(below + np.ldexp(np.abs(values), format.precision - exponents), values)


def bins_of(values: np.ndarray, dtype: str) -> np.ndarray:
    """The bins of these numbers, from 0 for those about the most negative one. They are counted from 0 on both sides;
    zero is positive."""
    numbers = (np.abs(places_of(values, dtype)) // NEIGHBOURS).astype(int)
    half = _per_sign(dtype)
    return np.where(values < 0, half - 1 - numbers, half + numbers)


def at_bins(values: np.ndarray, dtype: str) -> np.ndarray:
    """Where these numbers lie on an axis of bins."""
    return _per_sign(dtype) + places_of(values, dtype) / NEIGHBOURS


def edges_of(bins: np.ndarray, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and the largest number of each of these bins."""
    half = _per_sign(dtype)
    is_negative = bins < half
    nearest = np.where(is_negative, half - 1 - bins, bins - half) * NEIGHBOURS
    last = int(places_of(np.array(FORMATS[dtype].largest), dtype))
    ends = _numbers_at(nearest, dtype), _numbers_at(np.minimum(nearest + NEIGHBOURS - 1, last), dtype)
    return np.where(is_negative, -ends[1], ends[0]), np.where(is_negative, -ends[0], ends[1])


def _numbers_at(places: np.ndarray, dtype: str) -> np.ndarray:
    """The number that has so many numbers of the format between 0 and itself: the inverse of `places_of`."""
    format = FORMATS[dtype]
    in_a_binade = 2 ** (format.precision - 1)
    exponents = np.maximum(places // in_a_binade - 1, 0)
    return np.ldexp((places - exponents * in_a_binade) * format.smallest, exponents)


def _per_sign(dtype: str) -> int:
    return int(places_of(np.array(FORMATS[dtype].largest), dtype)) // NEIGHBOURS + 1
