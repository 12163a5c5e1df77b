"""What is verified: the cells of the matrix function × backend × device × dtype × mode, chosen by the options."""

import zlib
from dataclasses import dataclass
from functools import cached_property

import backends
from backends import MODES
from backends.adapter import REAL_PART
from functions import Function
from report.options import Options

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

    @property
    def full_id(self) -> str:
        """The same, always with the mode."""
        return "-".join([self.function.name, self.backend, self.device, self.dtype, self.mode])

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
    every = ONE_IN if len(functions) > FULL else 1
    return [
        Cell(function, backend, device, dtype, mode, names_mode=len(options.modes) > 1)
        for function in functions
        for backend in options.backends
        for device in options.devices
        if device == "cpu" or backends.BACKENDS[backend].has_gpu
        for dtype in options.dtypes
        if (dtype in REAL_PART) == function.is_complex
        for mode in options.modes
        if _is_selected(function, backend, dtype, mode, options, every)
    ]


def _is_selected(function: Function, backend: str, dtype: str, mode: str, options: Options, every: int) -> bool:
    """Whether the options select this combination: what was named is tried, or reported as not run; of what was not
    named, the default run leaves out what a backend does not claim and what takes too long for every day."""
    known = backends.BACKENDS[backend]
    if not options.names_dtypes and dtype not in known.dtypes:
        return False
    if options.names_modes:
        return True
    if mode not in known.modes or MODES[mode].nightly or mode in known.nightly:
        return False
    if options.names_dtypes:
        return dtype in WIDE or mode in ("reverse", known.quick)
    return _is_daily(function, backend, dtype, mode, every)


def _is_daily(function: Function, backend: str, dtype: str, mode: str, every: int) -> bool:
    """Each function in float64 and float32 in the backend's quick mode; a variant, which is the same operation with
    other parameters, in float64 alone, and of a large registry a third of them on each backend. Of the other modes in
    float64, and of half precision, one combination in `every`, chosen by its name, so that it is the same every day."""
    quick = backends.BACKENDS[backend].quick
    if function.variant_of:
        return dtype in WIDE and mode == quick and _is_drawn(function, backend, every)
    if dtype in (*WIDE, *NARROW) and mode == quick:
        return True
    name = f"{function.name}-{backend}-{dtype}-{mode}"
    return (dtype in WIDE or mode == quick) and zlib.crc32(name.encode()) % every == 0


def with_differences(cells: list[Cell], options: Options) -> list[Cell]:
    """Those cells that are held to the backend's own differences as well: their answer is the gradient. In the default
    run one mode speaks for the others and an operation for its variants, a third of a large registry for the rest, and
    half precision, whose gradient has too few digits, is left out."""
    every = ONE_IN if len({cell.function for cell in cells}) > FULL else 1
    return [
        cell
        for cell in cells
        if MODES[cell.mode].order == 1 and not MODES[cell.mode].batched
        if options.names_modes or (_speaks(cell) and not cell.function.variant_of)
        if options.names_dtypes or cell.dtype not in HALF
        if options.names_modes or _is_drawn(cell.function, cell.backend, every)
    ]


def _is_drawn(function: Function, backend: str, every: int) -> bool:
    return every == 1 or zlib.crc32(f"{function.name}-{backend}".encode()) % THIRD == 0


def _speaks(cell: Cell) -> bool:
    return cell.mode == backends.BACKENDS[cell.backend].quick


def share_of_draws(cell: Cell) -> float:
    """How much of the profile's draws this cell is searched with, after the points, which are where most is found: all
    in the quick mode, in the dtypes that are trained and computed in; a quarter in forward mode, which takes a call for
    every entry; half elsewhere."""
    if cell.mode == "forward":
        return 0.25
    if cell.function.variant_of or cell.dtype in (*HALF, "complex64"):
        return 0.5
    return 1.0 if _speaks(cell) else 0.5
