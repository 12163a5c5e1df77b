"""The inputs of a sweep, as float64 arrays of numbers that the format under test has: every finite one where there are
65 536, and elsewhere a stratified sample that leaves out no exponent and no boundary."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from gradproof.oracles.machine_model import FORMATS, Format
from gradproof.registry.domains import Domain

EVERY = ("float16", "bfloat16")
"""Formats whose finite numbers are all tried."""

PER_BINADE = {"float32": 60, "float64": 8}
"""Numbers drawn between two powers of two, of either sign, besides the edges."""

PER_ARGUMENT = 192
"""Of two arguments each has about so many values, and their product is tried."""

SEED = 25
"""The sample is the same every time, so that two tables can be compared."""


@cache
def of_one(dtype: str) -> np.ndarray:
    """The inputs of functions of one argument in this format, in increasing order, with one zero."""
    if dtype in EVERY:
        return every(dtype)
    return _sampled(FORMATS[dtype], PER_BINADE[dtype])


def of_two(dtype: str, domains: Sequence[Domain]) -> tuple[np.ndarray, np.ndarray]:
    """The inputs of a function of two arguments: the product of a coarser sample within the domain of each. What has
    parameters is slow where they are huge, and says nothing outside of its domain."""
    x, y = np.meshgrid(*(_within(dtype, domain) for domain in domains), indexing="ij")
    return x.ravel(), y.ravel()


def _within(dtype: str, domain: Domain) -> np.ndarray:
    low, high = getattr(domain, "low", -np.inf), getattr(domain, "high", np.inf)
    axis = _coarse(dtype)
    if np.isfinite(low) and np.isfinite(high):
        axis = np.union1d(axis, FORMATS[dtype].rounded(np.linspace(low, high, PER_ARGUMENT // 4)))
    return axis[(axis >= low) & (axis <= high)]


@cache
def _coarse(dtype: str) -> np.ndarray:
    format = FORMATS[dtype]
    step = max(1, 16 * len(_exponents(format)) // PER_ARGUMENT)
    return np.union1d(_sampled(format, 1, step, landmarks=8), [1.0, -1.0])


def every(dtype: str) -> np.ndarray:
    """Every finite number of a format of 16 bits, with one zero."""
    bits = np.arange(2**16, dtype=np.uint16)
    if dtype == "float16":
        values = bits.view(np.float16).astype(np.float64)
    else:
        with np.errstate(invalid="ignore"):
            values = (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return np.unique(values[np.isfinite(values)])


def _exponents(format: Format) -> np.ndarray:
    """The exponents of the smallest number of each binade, subnormal ones included."""
    return np.arange(np.frexp(format.smallest)[1] - 1, np.frexp(format.largest)[1])


def _sampled(format: Format, count: int, step: int = 1, landmarks: int = 1) -> np.ndarray:
    """Of every so-many-th binade both edges with their neighbours, and `count` numbers between; and of the landmarks
    every so-many-th."""
    random = np.random.default_rng(SEED)
    found = [np.zeros(1)]
    for exponent in _exponents(format)[::step]:
        significands = np.concatenate([_edges(format), random.uniform(1.0, 2.0, count)])
        found.append(np.ldexp(significands, int(exponent)))
    positive = format.rounded(np.concatenate(found))
    positive = np.append(positive[np.isfinite(positive)], format.largest)
    return np.unique(np.concatenate([positive, -positive, _landmarks(format)[::landmarks]]))


def _edges(format: Format) -> np.ndarray:
    ulp = 2.0 ** (1 - format.precision)
    return np.array([1.0, 1.0 + ulp, 1.5, 2.0 - ulp])


def _landmarks(format: Format) -> np.ndarray:
    """Numbers at which functions turn or vanish: halves of integers, multiples of π/2 and logarithms, each with its
    neighbours."""
    whole = np.arange(1, 41) / 2
    angles = np.arange(1, 17) * np.pi / 2
    logarithms = np.log(2.0) * np.array([0.5, 1, 10, 100, -1 + np.log2(format.largest), np.log2(format.tiny)])
    near = format.rounded(np.concatenate([whole, angles, np.abs(logarithms)]))
    ulp = 2.0 ** (1 - format.precision)
    around = format.rounded(np.concatenate([near * (1 - ulp), near, near * (1 + ulp)]))
    return np.unique(np.concatenate([around, -around]))
