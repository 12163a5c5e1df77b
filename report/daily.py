"""What of the matrix runs every day, where neither dtypes nor modes are named: all of a small registry, and of a large
one what two cores can do in a quarter of an hour. The rest is left to the nightly profile."""

import zlib
from collections.abc import Collection

from backends import BACKENDS, MODES
from functions import Function

WIDE = ("float64", "complex128")
"""The dtypes in which every function is tried, and in which modes are compared."""

NARROW = ("float32", "complex64")
HALF = ("float16", "bfloat16")

FULL, ONE_IN = 60, 10
"""With more than `FULL` functions the default run tries one in `ONE_IN` of their further combinations: always the same
ones, however many functions there are, so that what is found in one registry stays under watch in the next."""

THIRD = 3
"""Of a large registry a third of the variants runs every day, and a third of the functions is held to a backend's own
differences."""


def is_large(functions: Collection[Function]) -> bool:
    """Whether a registry has too many functions for all of its combinations every day."""
    return len(functions) > FULL


def is_daily(function: Function, backend: str, dtype: str, mode: str, large: bool) -> bool:
    """Each function in float64 and float32 in the backend's quick mode; a variant, which is the same operation with
    other parameters, in float64 alone, and of a large registry a third of them on each backend. Of the other modes in
    float64, and of half precision, all of a small registry and one in `ONE_IN` of a large one, chosen by its name, so
    that it is the same every day. What takes too long for that is left out."""
    known = BACKENDS[backend]
    if mode not in known.modes or MODES[mode].nightly or mode in known.nightly:
        return False
    if function.variant_of:
        return dtype in WIDE and speaks(backend, mode) and is_drawn(function, backend, large)
    if dtype in (*WIDE, *NARROW) and speaks(backend, mode):
        return True
    name = f"{function.name}-{backend}-{dtype}-{mode}"
    return (dtype in WIDE or speaks(backend, mode)) and (not large or zlib.crc32(name.encode()) % ONE_IN == 0)


def is_drawn(function: Function, backend: str, large: bool) -> bool:
    """Whether this function is in the third of a large registry that this backend is tried with."""
    return not large or zlib.crc32(f"{function.name}-{backend}".encode()) % THIRD == 0


def speaks(backend: str, mode: str) -> bool:
    """Whether this is the mode in which a backend is tried with every function."""
    return mode == BACKENDS[backend].quick
