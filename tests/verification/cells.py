"""What is verified: the cells of the matrix function × backend × device × dtype × mode, chosen by the options."""

from dataclasses import dataclass
from functools import cached_property

import backends
from functions import Function
from report.options import Options


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
            return f"{self.backend} is not verified in {self.dtype}, only in {', '.join(known.dtypes)}"
        if self.mode not in known.modes:
            return f"{self.backend} has no mode {self.mode}, only {', '.join(known.modes)}"
        return backends.missing(self.backend, self.device)


def plan(functions: list[Function], options: Options) -> list[Cell]:
    """The cells that the options select, one function after the other, so that truths are used while they are fresh.

    A backend that runs on the CPU only has no cells for another device."""
    return [
        Cell(function, backend, device, dtype, mode, names_mode=len(options.modes) > 1)
        for function in functions
        for backend in options.backends
        for device in options.devices
        if device == "cpu" or backends.BACKENDS[backend].has_gpu
        for dtype in options.dtypes
        for mode in options.modes
    ]
