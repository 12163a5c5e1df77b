"""Which cells stand in the storages of tensors.

PyTorch's views share a storage, and so do their cells: the numbers of the cells are kept once for each storage, in the
order of its memory, and a tensor's cells are read through its own offset and strides. Views, expanded tensors and
in-place writes to any of them need no rule. A complex number is two neighbours, as in memory, so that the real view of
a complex tensor needs none either."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from gradproof.oracles.tape import Cells, ComplexCells, Predicates, Tape, Untraceable

FORMATS = {
    torch.float64: "float64",
    torch.float32: "float32",
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
    torch.complex128: "float64",
    torch.complex64: "float32",
}
"""The format of the cells of each dtype; that of the parts, where it is complex."""

COMPUTED_IN = {
    "float64": torch.float64,
    "float32": torch.float32,
    "float16": torch.float32,
    "bfloat16": torch.float32,
}
"""What the kernels compute in, and take Python numbers as."""

Cellular = Cells | ComplexCells | Predicates


def is_traceable(x: torch.Tensor) -> bool:
    """Whether tensors of this dtype can have cells."""
    return x.dtype in FORMATS or x.dtype == torch.bool


def to_numpy(x: torch.Tensor) -> np.ndarray:
    """The values of a tensor, those of floats in float64 or complex128."""
    if x.dtype in FORMATS:
        x = x.detach().to(torch.complex128 if x.is_complex() else torch.float64)
    return x.numpy(force=True)


@dataclass
class _Shadow:
    """The cells of one storage: numbers of cells (of predicates for "bool"), one for each real number."""

    numbers: np.ndarray
    format: str
    storage: torch.UntypedStorage  # kept alive, so that its address stays its own


class Memory:
    """The cells of every storage that has some."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self._shadows: dict[int, _Shadow] = {}

    def __contains__(self, x: torch.Tensor) -> bool:
        if x.layout != torch.strided or not is_traceable(x):
            return False
        return x.untyped_storage()._cdata in self._shadows

    def key(self, x: torch.Tensor) -> int:
        """What tensors with shared memory have in common."""
        return x.untyped_storage()._cdata

    def has_gradient(self, x: torch.Tensor) -> bool:
        """Whether anything in the storage of this tensor has a derivative."""
        shadow = self._shadows[self.key(x)]
        if shadow.format == "bool":
            return False
        cells = Cells(shadow.numbers, shadow.format, self.tape)
        return bool((cells.active & ~self.tape.poisoned(cells)).any())

    def read(self, x: torch.Tensor) -> Cellular:
        """The cells of a tensor that has some."""
        shadow = self._shadows[self.key(x)]
        if shadow.format != FORMATS.get(x.dtype, "bool"):
            raise Untraceable(
                "view", f"numbers of the format {shadow.format} are read as {x.dtype}, bit by bit", self.tape.where
            )
        if shadow.format == "bool":
            return Predicates(self._part(x, shadow).copy(), self.tape)
        parts = [self._part(x, shadow, part).copy() for part in range(1 + x.is_complex())]
        cells = [Cells(numbers, shadow.format, self.tape) for numbers in parts]
        if x.is_neg():
            cells = [-c for c in cells]
        if x.is_conj():
            cells[1] = -cells[1]
        return ComplexCells(*cells) if x.is_complex() else cells[0]

    def write(self, x: torch.Tensor, cells: Cellular) -> None:
        """Put cells in the place of a tensor's entries. What else is in its storage is constant if it has no cells."""
        if x.layout != torch.strided:
            raise Untraceable("sparse tensors", "they are not traced", self.tape.where)
        shadow = self._shadow(x)
        if isinstance(cells, Predicates):
            parts = [cells]
        else:
            parts = [cells.re, cells.im] if isinstance(cells, ComplexCells) else [cells]
            if x.is_conj():
                parts[1] = -parts[1]
            if x.is_neg():
                parts = [-part for part in parts]
        for i, part in enumerate(parts):
            self._part(x, shadow, i)[...] = np.broadcast_to(part.numbers, tuple(x.shape))

    def _shadow(self, x: torch.Tensor) -> _Shadow:
        key = self.key(x)
        if key not in self._shadows:
            self._shadows[key] = _Shadow(self._constants(x), FORMATS.get(x.dtype, "bool"), x.untyped_storage())
        return self._shadows[key]

    def _constants(self, x: torch.Tensor) -> np.ndarray:
        """Cells for a whole storage as it is, when a tensor in it gets its first."""
        storage = x.untyped_storage()
        count = storage.nbytes() // x.element_size()
        if x.numel() == count:
            return np.zeros(count * (1 + x.is_complex()), np.int64)  # all of it is about to be written
        values = to_numpy(torch.empty(0, dtype=x.dtype, device=x.device).set_(storage, 0, (count,)))
        if values.dtype == bool:
            return self.tape.lift_predicates(values).numbers
        return self.tape.constant(values.view(np.float64), FORMATS[x.dtype]).numbers.copy()

    @staticmethod
    def _part(x: torch.Tensor, shadow: _Shadow, part: int = 0) -> np.ndarray:
        """The place of a tensor's entries, or of their real (0) or imaginary (1) parts, among those of its storage."""
        if not math.prod(x.shape):
            return np.zeros(tuple(x.shape), np.int64)
        width = 2 if x.is_complex() else 1
        if width == 1 and x.is_contiguous():
            return shadow.numbers[x.storage_offset() : x.storage_offset() + x.numel()].reshape(tuple(x.shape))
        start = shadow.numbers[width * x.storage_offset() + part :]
        size = start.itemsize * width
        return np.lib.stride_tricks.as_strided(start, tuple(x.shape), tuple(size * step for step in x.stride()))


def constant(tape: Tape, x: Any, format: str, kind: torch.dtype | None = None) -> Cells | ComplexCells:
    """A tensor without cells, or a Python number, as the kernel takes it: rounded to what it computes in, or `kind`."""
    if not torch.is_tensor(x):
        x = torch.tensor(x, dtype=torch.complex128 if isinstance(x, complex) else torch.float64)
    if x.layout != torch.strided:  # a constant, so what is computed with it is the same
        x = x.to_dense()
    kind = kind or COMPUTED_IN[format]
    values = to_numpy(x.to(kind.to_complex() if x.is_complex() else kind))
    if not np.iscomplexobj(values):
        return tape.constant(values, format)
    return ComplexCells(tape.constant(values.real, format), tape.constant(values.imag, format))
