"""What of the matrix runs every day, where neither dtypes nor modes are named: all of a small registry, and of a large
one what two cores can do in a quarter of an hour, slow ones too. The rest is left to the nightly profile."""

import zlib
from collections.abc import Collection

from gradproof.backends import BACKENDS, MODES
from gradproof.registry import Function

WIDE = ("float64", "complex128")
"""The dtypes in which every function is tried, and in which modes are compared."""

NARROW = ("float32", "complex64")
HALF = ("float16", "bfloat16")

FULL = 60
"""With more functions the default run tries a part of what follows: always the same, chosen by its name, however many
functions there are, so that what is found in one registry stays under watch in the next."""

NARROW_ONE_IN = 2
"""A function in float32 or complex64, on each backend."""

FURTHER_ONE_IN = 20
"""A function in another mode, or in half precision."""

DRAWN_ONE_IN = 5
"""A variant; and a function held to a backend's own differences."""


def is_large(functions: Collection[Function]) -> bool:
    """Whether a registry has too many functions for all of its combinations every day."""
    return len(functions) > FULL


def is_daily(function: Function, backend: str, dtype: str, mode: str, large: bool) -> bool:
    """Each function in float64 in the backend's quick mode, and of a large registry every other one in float32; a
    variant, which is the same operation with other parameters, in float64 alone, and of a large registry a fifth of
    them on each backend. Of the other modes in float64, and of half precision, all of a small registry and a twentieth
    of a large one. What takes too long for every day is left out."""
    known = BACKENDS[backend]
    if mode not in known.modes or MODES[mode].nightly or mode in known.nightly:
        return False
    if function.variant_of:
        return dtype in WIDE and speaks(backend, mode) and is_drawn(function, backend, large)
    if dtype in WIDE and speaks(backend, mode):
        return True
    one_in = NARROW_ONE_IN if dtype in NARROW and speaks(backend, mode) else FURTHER_ONE_IN
    name = f"{function.name}-{backend}-{dtype}-{mode}"
    return (dtype in WIDE or speaks(backend, mode)) and (not large or zlib.crc32(name.encode()) % one_in == 0)


def is_drawn(function: Function, backend: str, large: bool) -> bool:
    """Whether this function is in the fifth of a large registry that this backend is tried with."""
    return not large or zlib.crc32(f"{function.name}-{backend}".encode()) % DRAWN_ONE_IN == 0


def speaks(backend: str, mode: str) -> bool:
    """Whether this is the mode in which a backend is tried with every function."""
    return mode == BACKENDS[backend].quick
