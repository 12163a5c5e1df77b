"""Products of matrices, convolutions, distances and Fourier transforms."""

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from gradproof.backends.torch.trace.rules.elementwise import scaled
from gradproof.backends.torch.trace.rules.reductions import norm_of_sizes, total
from gradproof.oracles.tape import Cells, ComplexCells, complex_cells, lowering

Rule = Callable[..., Any]


def matmul(run: Any, result: Tensor, x: Tensor, y: Tensor, *_: Any, **__: Any) -> Any:
    return run.cells(x, result) @ run.cells(y, result)


def vdot(run: Any, result: Tensor, x: Tensor, y: Tensor) -> Any:
    cells = run.cells(x)
    return (complex_cells.conj(cells) if isinstance(cells, ComplexCells) else cells) @ run.cells(y)


def addmm(
    run: Any,
    result: Tensor,
    c: Tensor,
    x: Tensor,
    y: Tensor,
    *,
    beta: float = 1,
    alpha: float = 1,
) -> Any:
    product = scaled(run, run.cells(x, result) @ run.cells(y, result), alpha, result)
    return product if beta == 0 else product + scaled(run, run.cells(c, result), beta, result)


def addbmm(
    run: Any,
    result: Tensor,
    c: Tensor,
    x: Tensor,
    y: Tensor,
    *,
    beta: float = 1,
    alpha: float = 1,
) -> Cells:
    product = total(run, run.cells(x) @ run.cells(y), (0,))
    return scaled(run, product, alpha, result) + scaled(run, run.cells(c), beta, result)


def addr(
    run: Any,
    result: Tensor,
    c: Tensor,
    x: Tensor,
    y: Tensor,
    *,
    beta: float = 1,
    alpha: float = 1,
) -> Any:
    a, b = run.cells(x), run.cells(y)
    product = a[:, None] * b[None, :]
    return scaled(run, run.cells(c), beta, result) + scaled(run, product, alpha, result)


def grouped_mm(
    run: Any,
    result: Tensor,
    x: Tensor,
    y: Tensor,
    offs: Tensor | None = None,
    *_: Any,
    **__: Any,
) -> Cells:
    """The rows of x in groups, each times a matrix of its own."""
    if x.ndim != 2 or y.ndim != 3 or offs is None:
        raise run.refusal("it is traced for rows in groups only")
    a, b, ends = run.real(x, result), run.real(y, result), [0, *offs.tolist()]
    numbers = np.full(tuple(result.shape), int(run.tape.constant(0.0).numbers))
    for group, (start, end) in enumerate(itertools.pairwise(ends)):
        if end > start:
            numbers[start:end] = (a[start:end] @ b[group]).numbers
    return a.like(numbers)


def trilinear(run: Any, result: Tensor, x: Any, y: Any, z: Any, *shapes: Sequence[int]) -> Cells:
    """A sum of products of three tensors, each stretched along axes of its own, as nn.Bilinear has it."""
    stretched, summed = shapes[:3], shapes[3]
    parts = []
    for tensor, axes in zip((x, y, z), stretched, strict=True):
        cells = run.real(tensor)
        numbers = cells.numbers
        for axis in sorted(axes):
            numbers = np.expand_dims(numbers, axis)
        parts.append(cells.like(numbers))
    return run.tape.sum(parts[0] * parts[1] * parts[2], tuple(summed))


def cross(run: Any, result: Tensor, x: Tensor, y: Tensor, *, dim: int = -1) -> Any:
    def turned(cells: Any, order: list[int]) -> Any:
        return (
            cells.moved(np.take, order, dim)
            if isinstance(cells, ComplexCells)
            else cells.like(np.take(cells.numbers, order, dim))
        )

    a, b = run.cells(x, result), run.cells(y, result)
    return turned(a, [1, 2, 0]) * turned(b, [2, 0, 1]) - turned(a, [2, 0, 1]) * turned(b, [1, 2, 0])


# Convolutions


def _each(value: Any, count: int) -> list[int]:
    """One number for each axis."""
    values = [value] if isinstance(value, int) else list(value)
    return values * count if len(values) == 1 else values


def convolution(
    run: Any,
    result: Tensor,
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Any:
    count = kernel.ndim - 2
    strides, steps = _each(stride, count), _each(dilation, count)
    around = [(p, p) for p in _each(padding, count)]

    def convolve(x: Cells, kernel: Cells) -> Cells:
        if not transposed:
            return lowering.convolution(x, kernel, strides, around, kernel_dilation=steps, groups=groups)
        more = _each(output_padding, count)
        return lowering.transposed_convolution(
            x, kernel, strides, around, output_padding=more, dilation=steps, groups=groups
        )

    product = lowering.bilinear(convolve, run.cells(x), run.cells(kernel))
    if bias is None:
        return product
    return product + run.cells(bias)[(slice(None),) + (None,) * count]


# Distances


def _distances(run: Any, differences: Cells, p: float) -> Cells:
    if p == 2:
        return run.tape.map("sqrt", run.tape.sum(differences * differences, -1))
    return norm_of_sizes(run, run.tape.abs(differences), float(p), -1)


def cdist(run: Any, result: Tensor, x: Tensor, y: Tensor, p: float = 2.0, *_: Any) -> Cells:
    a, b = run.real(x), run.real(y)
    return _distances(run, a[..., :, None, :] - b[..., None, :, :], p)


def pdist(run: Any, result: Tensor, x: Tensor, p: float = 2.0) -> Cells:
    cells = run.real(x)
    first, second = np.triu_indices(len(cells), 1)
    return _distances(run, cells[first] - cells[second], p)


def dist(run: Any, result: Tensor, x: Tensor, y: Tensor, p: float = 2.0) -> Cells:
    apart = run.real(x) - run.real(y)
    return _distances(run, apart.like(apart.numbers.reshape(-1)), p)


# Fourier transforms


def _normalized(run: Any, cells: Any, normalization: int, count: int, like: Tensor) -> Any:
    # 0: not scaled, 1: by √n, 2: by n
    if normalization == 0:
        return cells
    return cells * run.number(1 / count if normalization == 2 else 1 / math.sqrt(count), like)


def _count(shape: Sequence[int], dim: Sequence[int]) -> int:
    return math.prod(shape[a] for a in dim)


def fft_c2c(run: Any, result: Tensor, x: Tensor, dim: Any, normalization: int, forward: bool) -> Any:
    whole = lowering.fourier_of_many(run.cells(x), -1 if forward else 1, dim)
    return _normalized(run, whole, normalization, _count(x.shape, dim), result)


def fft_r2c(run: Any, result: Tensor, x: Tensor, dim: Any, normalization: int, onesided: bool) -> Any:
    *others, last = dim
    cells = run.real(x)
    first = lowering.half_of_fourier(cells, last) if onesided else lowering.fourier(cells, -1, last)
    whole = lowering.fourier_of_many(first, -1, others)
    return _normalized(run, whole, normalization, _count(x.shape, dim), result)


def fft_c2r(run: Any, result: Tensor, x: Tensor, dim: Any, normalization: int, length: int) -> Any:
    *others, last = dim
    cells = lowering.fourier_of_many(run.cells(x), 1, others)
    whole = lowering.fourier_from_half(cells, last, length)
    return _normalized(run, whole, normalization, _count(result.shape, dim), result)


RULES: dict[str, Rule] = {
    "_cdist_forward": cdist,
    "_fft_c2c": fft_c2c,
    "_fft_c2r": fft_c2r,
    "_fft_r2c": fft_r2c,
    "_grouped_mm": grouped_mm,
    "_pdist_forward": pdist,
    "_sparse_addmm": addmm,
    "_trilinear": trilinear,
    "addbmm": addbmm,
    "addmm": addmm,
    "addmv": addmm,
    "addr": addr,
    "baddbmm": addmm,
    "bmm": matmul,
    "convolution": convolution,
    "dist": dist,
    "dot": matmul,
    "linalg_cross": cross,
    "mm": matmul,
    "mv": matmul,
    "vdot": vdot,
}
