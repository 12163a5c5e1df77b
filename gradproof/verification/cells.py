"""What is verified: the cells of the matrix function × backend × device × dtype × mode, chosen by the options."""

from dataclasses import dataclass, replace
from functools import cached_property

from gradproof import backends
from gradproof.backends import DTYPES, MODES
from gradproof.backends.adapter import REAL_PART
from gradproof.backends.daily import HALF, WIDE, is_daily, is_drawn, is_large, speaks
from gradproof.registry import Function
from gradproof.report.rows.results import CELL, cell_of
from gradproof.verification import watch
from gradproof.verification.options import Options


@dataclass(frozen=True, eq=False)
class Cell:
    """One function on one backend, device, dtype and mode. One that `only_watches` stands in the default run for a
    recorded divergence alone."""

    function: Function
    backend: str
    device: str
    dtype: str
    mode: str
    names_mode: bool = False
    only_watches: bool = False

    @property
    def names(self) -> dict[str, str]:
        """What a row of this cell is named by."""
        return dict(zip(CELL, (self.function.name, self.backend, self.device, self.dtype, self.mode), strict=False))

    @property
    def id(self) -> str:
        """The words of the test id."""
        return self.full_id if self.names_mode else self.full_id.removesuffix(f"-{self.mode}")

    @property
    def full_id(self) -> str:
        """The same, always with the mode."""
        return cell_of(self.names)

    @cached_property
    def missing(self) -> str | None:
        """Why this cell cannot run, as far as can be told without importing the backend."""
        known = backends.BACKENDS[self.backend]
        if self.dtype not in known.dtypes:
            return known.lacks[self.dtype]
        if self.mode not in known.modes:
            return known.lacks[self.mode]
        if not self.function.has_body:
            if self.backend not in self.function.implementations:
                return f"the function has no body, and no implementation for {self.backend}"
            if not known.traces:
                return f"the function has no body, and what runs on {self.backend} cannot be traced: write one"
        declared = self.function.promise(self.backend)
        if not declared.offers(self.mode):
            return f"its implementation for {self.backend} is declared for {', '.join(declared.modes)} alone"
        if not fits(self.function, self.dtype):
            kind, others = ("complex", COMPLEX_DTYPES) if self.function.is_complex else ("real", REAL_DTYPES)
            return f"its arguments are {kind}: it is verified in {', '.join(others)}"
        return backends.missing(self.backend, self.device)


COMPLEX_DTYPES = tuple(REAL_PART)
REAL_DTYPES = tuple(dtype for dtype in DTYPES if dtype not in REAL_PART)


def fits(function: Function, dtype: str) -> bool:
    """Whether this dtype is one for the arguments of this function."""
    return (dtype in REAL_PART) == function.is_complex


def _dtypes(function: Function, options: Options) -> tuple[str, ...]:
    """Those asked for in which the function can be tried; where there is none, one in which it says so, and so does a
    bad entry."""
    if function.problems:
        return options.dtypes[:1]
    fitting = tuple(dtype for dtype in options.dtypes if fits(function, dtype))
    return fitting or options.dtypes[:1]


def _modes(function: Function, options: Options) -> tuple[str, ...]:
    can_be_tried = not function.problems and fits(function, _dtypes(function, options)[0])
    return options.modes if can_be_tried else options.modes[:1]


def plan(functions: list[Function], options: Options) -> list[Cell]:
    """The cells that the options select, one function after the other, so that truths are used while they are fresh.

    A backend that runs on the CPU only has no cells for another device; a function of complex arguments has cells in
    the complex dtypes, and any other function in the real ones. Where none of its own was asked for, one cell says
    so; that an entry is bad one cell of each backend says, whichever of them is selected."""
    large, names_mode = is_large(functions), len(options.modes) > 1
    cells = (
        Cell(function, backend, device, dtype, mode, names_mode)
        for function in functions
        for backend in options.backends
        for device in options.devices
        if device == "cpu" or backends.BACKENDS[backend].has_gpu
        for dtype in _dtypes(function, options)
        for mode in _modes(function, options)
    )
    selected = ((cell, _is_selected(cell, options, large)) for cell in cells)
    return [
        cell if is_selected else replace(cell, only_watches=True)
        for cell, is_selected in selected
        if is_selected or _watches(cell, options)
    ]


def _is_selected(cell: Cell, options: Options, large: bool) -> bool:
    """Whether the options select this combination: what was named is tried, or reported as not run; of what was not
    named, the default run leaves out what a backend does not claim and what takes too long for every day."""
    if cell.function.problems or not fits(cell.function, cell.dtype):
        return True
    known, declared = backends.BACKENDS[cell.backend], cell.function.promise(cell.backend)
    if not cell.function.has_body and cell.backend not in cell.function.implementations:
        return options.names_backends
    if not options.names_dtypes and cell.dtype not in known.dtypes:
        return False
    if options.names_modes:
        return True
    if not declared.offers(cell.mode):
        return False
    if options.names_dtypes:
        is_usual = cell.mode in known.modes and not MODES[cell.mode].nightly and cell.mode not in known.nightly
        return is_usual and (cell.dtype in WIDE or cell.mode in ("reverse", known.quick))
    # Where the mode that speaks for the others is not among those that are declared, the first of those does.
    mode = known.quick if _speaks(cell) else cell.mode
    return is_daily(cell.function, cell.backend, cell.dtype, mode, large)


def _watches(cell: Cell, options: Options) -> bool:
    """Whether an input is watched here that no other combination of the default run tries."""
    if options.names_dtypes or options.names_modes:
        return False
    return any((line.dtype, line.mode) == (cell.dtype, cell.mode) for line in watch.lines(cell.function, cell.backend))


def with_differences(cells: list[Cell], options: Options) -> list[Cell]:
    """Those cells that are held to the backend's own differences as well: their answer is the gradient. In the default
    run one mode speaks for the others and an operation for its variants, a fifth of a large registry for the rest, and
    half precision, whose gradient has too few digits, is left out."""
    large = is_large({cell.function for cell in cells})
    return [
        cell
        for cell in cells
        if MODES[cell.mode].order == 1 and not MODES[cell.mode].batched and not cell.only_watches
        if fits(cell.function, cell.dtype) and not cell.function.problems
        if options.names_modes or (_speaks(cell) and not cell.function.variant_of)
        if options.names_dtypes or cell.dtype not in HALF
        # The differences are taken in the widest dtype, where other code is traced than in this one.
        if cell.function.has_body or cell.dtype in WIDE
        if options.names_modes or is_drawn(cell.function, cell.backend, large)
    ]


def _speaks(cell: Cell) -> bool:
    """Whether this cell's mode is the one in which its function is tried in every dtype."""
    declared = cell.function.promise(cell.backend)
    if declared.offers(backends.BACKENDS[cell.backend].quick):
        return speaks(cell.backend, cell.mode)
    return (cell.mode,) == declared.modes[:1]


def share_of_draws(cell: Cell) -> float:
    """How much of the profile's draws this cell is searched with, after the points, which are where most is found: all
    in the quick mode, in the dtypes that are trained and computed in; a quarter in forward mode, which takes a call for
    every entry; half elsewhere. None where an input that is watched is all that is asked for, unless there is no point
    at which it could be seen that everything is refused."""
    if cell.only_watches:
        return 0.0 if cell.function.points else 0.25
    if cell.mode == "forward":
        return 0.25
    if cell.function.variant_of or cell.dtype in (*HALF, "complex64"):
        return 0.5
    return 1.0 if _speaks(cell) else 0.5
