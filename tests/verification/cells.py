"""What is verified: the cells of the matrix function × backend × device × dtype × mode, chosen by the options."""

from dataclasses import dataclass
from functools import cached_property

import backends
from backends import MODES
from backends.adapter import REAL_PART
from functions import Function
from report.options import Options

DAILY_DTYPES = ("float64", "complex128")
"""The dtypes in which the default run tries every mode; the others it tries in reverse."""

HALF = ("float16", "bfloat16")


@dataclass(frozen=True, eq=False)
class Cell:
    """One function on one backend, device, dtype and mode."""

    function: Function
    backend: str
    device: str
    dtype: str
    mode: str
    names_mode: bool = False

    @property
    def id(self) -> str:
        """The words of the test id."""
        words = [self.function.name, self.backend, self.device, self.dtype]
        return "-".join([*words, self.mode] if self.names_mode else words)

    @cached_property
    def missing(self) -> str | None:
        """Why this cell cannot run, as far as can be told without importing the backend."""
        known = backends.BACKENDS[self.backend]
        if self.dtype not in known.dtypes:
            return known.lacks[self.dtype]
        if self.mode not in known.modes:
            return known.lacks[self.mode]
        if MODES[self.mode].order == 2 and self.function.hand is None and not self.function.problems:
            return "second derivatives are held to the hand-derived gradient, and it has none"
        return backends.missing(self.backend, self.device)


def plan(functions: list[Function], options: Options) -> list[Cell]:
    """The cells that the options select, one function after the other, so that truths are used while they are fresh.

    A backend that runs on the CPU only has no cells for another device; a function of complex arguments has cells in
    the complex dtypes alone, and any other function in the real ones."""
    return [
        Cell(function, backend, device, dtype, mode, names_mode=len(options.modes) > 1)
        for function in functions
        for backend in options.backends
        for device in options.devices
        if device == "cpu" or backends.BACKENDS[backend].has_gpu
        for dtype in options.dtypes
        if (dtype in REAL_PART) == function.is_complex
        for mode in options.modes
        if _is_wanted(function, backend, dtype, mode, options)
    ]


def _is_wanted(function: Function, backend: str, dtype: str, mode: str, options: Options) -> bool:
    """Whether the options select this combination: what was named is tried, or reported as not run; of what was not,
    the default run leaves out what a backend does not claim and what takes too long for every day. A variant, which is
    the same operation with other parameters, is tried every day in reverse mode and float64 alone."""
    known = backends.BACKENDS[backend]
    if not options.names_dtypes and dtype not in known.dtypes:
        return False
    if options.names_modes:
        return True
    if function.variant_of and not options.names_dtypes and (mode != "reverse" or dtype not in DAILY_DTYPES):
        return False
    claimed = mode in known.modes and not MODES[mode].nightly and mode not in known.nightly
    return claimed and (dtype in DAILY_DTYPES or mode == (known.quick if dtype in HALF else "reverse"))


def with_differences(cells: list[Cell], options: Options) -> list[Cell]:
    """Those cells that are held to the backend's own differences as well: their answer is the gradient. In the default
    run reverse mode speaks for the other modes, and half precision, whose gradient has too few digits, is left out."""
    return [
        cell
        for cell in cells
        if MODES[cell.mode].order == 1 and (options.names_modes or cell.mode == "reverse")
        if options.names_dtypes or cell.dtype not in HALF
    ]


def share_of_draws(cell: Cell) -> float:
    """How much of the profile's draws this cell is searched with, after the points, which are where most is found: all
    in reverse mode, in the dtypes that are trained and computed in; a quarter in forward mode, which takes a call for
    every entry; half elsewhere."""
    if cell.mode == "forward":
        return 0.25
    return 1.0 if cell.mode == "reverse" and cell.dtype in ("float64", "float32", "complex128") else 0.5
