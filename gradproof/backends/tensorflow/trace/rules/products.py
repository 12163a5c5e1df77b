"""Products of matrices, einsum, convolutions, and Fourier transforms: real or complex."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from gradproof.backends.tensorflow.trace.operation import Operation, Value, moved
from gradproof.oracles.tape import Cells, ComplexCells, complex_cells, lowering


def _turned(x: Any, transposed: bool, conjugated: bool) -> Any:
    x = x.mT if transposed or conjugated else x
    return complex_cells.conj(x) if conjugated and isinstance(x, ComplexCells) else x


def _product(op: Operation, x: Any, y: Any) -> Any:
    return lowering.bilinear(lambda p, q: op.tape.matmul(p, q, op.format), x, y)


def _matmul(op: Operation, x: Value, y: Value) -> Any:
    x = _turned(op.lift(x), op.attribute("transpose_a"), False)
    return _product(op, x, _turned(op.lift(y), op.attribute("transpose_b"), False))


def _stacked_matmul(op: Operation, x: Value, y: Value) -> Any:
    x = _turned(op.lift(x), False, op.attribute("adj_x"))
    return _product(op, x, _turned(op.lift(y), False, op.attribute("adj_y")))


def _einsum(op: Operation, *values: Value) -> Any:
    return lowering.einsum(op.attribute("equation"), *(op.lift(x) for x in values), format=op.format)


def _cross(op: Operation, x: Value, y: Value) -> Any:
    x, y = op.lift(x), op.lift(y)

    def rolled(z: Any, steps: int) -> Any:
        return z.moved(np.roll, steps, -1) if isinstance(z, ComplexCells) else z.like(np.roll(z.numbers, steps, -1))

    return rolled(x, -1) * rolled(y, -2) - rolled(x, -2) * rolled(y, -1)


def _sparse_matmul(op: Operation, places: Value, entries: Value, shape: Value, b: Value) -> Any:
    """A matrix by its entries, each place named once, times a dense one."""
    entries, places, sizes = op.lift(entries), op.array(places), tuple(int(n) for n in op.array(shape))
    zero = op.lift(tf.zeros((), op.dtype))

    def placed(entries: np.ndarray, zero: np.ndarray) -> np.ndarray:
        matrix = np.full(sizes, zero)
        matrix[tuple(places.T)] = entries
        return matrix

    if len(np.unique(places, axis=0)) < len(places):
        op.refuse("a sparse matrix that names a place twice")
    a = _turned(moved(placed, op, entries, zero), False, op.attribute("adjoint_a"))
    return _product(op, a, _turned(op.lift(b), False, op.attribute("adjoint_b")))


# Convolutions


def channels_last(op: Operation) -> bool:
    """Whether the channels are the last axis of images, as they are where an operation has no say in it."""
    has_a_say = any(attribute.name == "data_format" for attribute in op.node.op_def.attr)
    return not (has_a_say and op.attribute("data_format").startswith("NC"))


def spatial(op: Operation, name: str, count: int) -> list[int]:
    """The entries of a list attribute, one for each axis, that belong to the spatial axes."""
    given = list(op.attribute(name))
    return given[1 : 1 + count] if channels_last(op) else given[2 : 2 + count]


def to_channels_first(op: Operation, x: Cells) -> Cells:
    """Images as (batch, channels, …)."""
    return x.like(np.moveaxis(x.numbers, -1, 1)) if channels_last(op) else x


def from_channels_first(op: Operation, x: Cells) -> Cells:
    """And back."""
    return x.like(np.moveaxis(x.numbers, 1, -1)) if channels_last(op) else x


def padding(
    op: Operation, sizes: Sequence[int], kernel: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> list[tuple[int, int]]:
    """How much is put before and after each spatial axis."""
    kind = op.attribute("padding")
    if kind == "VALID":
        return [(0, 0)] * len(sizes)
    if kind == "EXPLICIT":
        given = list(op.attribute("explicit_paddings"))
        pairs = list(zip(given[::2], given[1::2], strict=True))
        return pairs[1 : 1 + len(sizes)] if channels_last(op) else pairs[2 : 2 + len(sizes)]
    pairs = []
    for size, width, stride, step in zip(sizes, kernel, strides, dilation, strict=True):
        needed = max((-(-size // stride) - 1) * stride + (width - 1) * step + 1 - size, 0)
        pairs.append((needed // 2, needed - needed // 2))
    return pairs


def _convolution(op: Operation, x: Value, kernel: Value) -> Cells:
    """Kernels are (…, channels / groups, outputs)."""
    x, kernel = to_channels_first(op, op.real(x)), op.real(kernel)
    kernel = kernel.like(np.moveaxis(kernel.numbers, (-1, -2), (0, 1)))
    return from_channels_first(op, _convolved(op, x, kernel, x.shape[1] // kernel.shape[1]))


def _depthwise(op: Operation, x: Value, kernel: Value) -> Cells:
    """Kernels are (height, width, channels, outputs for each channel)."""
    x, kernel = to_channels_first(op, op.real(x)), op.real(kernel)
    channels = kernel.shape[2]
    return from_channels_first(op, _convolved(op, x, _by_channel(kernel), channels))


def _convolved(op: Operation, x: Cells, kernel: Cells, groups: int) -> Cells:
    count = kernel.ndim - 2
    strides, dilation = spatial(op, "strides", count), spatial(op, "dilations", count)
    around = padding(op, x.shape[2:], kernel.shape[2:], strides, dilation)
    return lowering.convolution(x, kernel, strides, around, kernel_dilation=dilation, groups=groups, format=op.format)


def _transposed_convolution(op: Operation, shape: Value, kernel: Value, x: Value) -> Cells:
    """The derivative of a convolution in its images, which is what tf.nn.conv2d_transpose is."""
    kernel = op.real(kernel)
    # (…, outputs, channels of x) becomes (channels of x, outputs, …).
    kernel = kernel.like(np.moveaxis(kernel.numbers, (-1, -2), (0, 1)))
    return _transposed(op, shape, kernel, x)


def _transposed_depthwise(op: Operation, shape: Value, kernel: Value, x: Value) -> Cells:
    """The derivative of a convolution of each channel by itself, in its images."""
    kernel = op.real(kernel)
    channels = kernel.shape[2]
    return _transposed(op, shape, _by_channel(kernel), x, channels)


def _by_channel(kernel: Cells) -> Cells:
    height, width, channels, multiple = kernel.shape
    return kernel.like(np.moveaxis(kernel.numbers, (2, 3), (0, 1)).reshape(channels * multiple, 1, height, width))


def _transposed(op: Operation, shape: Value, kernel: Cells, x: Value, groups: int = 1) -> Cells:
    x, sizes = to_channels_first(op, op.real(x)), [int(n) for n in op.array(shape)]
    count = kernel.ndim - 2
    if len(sizes) == count:
        op.refuse("the sizes are given without batch and channels")
    sizes = sizes[1:-1] if channels_last(op) else sizes[2:]
    strides, dilation = spatial(op, "strides", count), spatial(op, "dilations", count)
    width = kernel.shape[2:]
    around = padding(op, sizes, width, strides, dilation)
    more = [
        size - ((n - 1) * stride - before - after + (k - 1) * step + 1)
        for size, n, stride, (before, after), k, step in zip(
            sizes, x.shape[2:], strides, around, width, dilation, strict=True
        )
    ]
    result = lowering.transposed_convolution(
        x, kernel, strides, around, output_padding=more, dilation=dilation, groups=groups, format=op.format
    )
    return from_channels_first(op, result)


def _kernel_derivative(op: Operation, x: Value, shape: Value, d: Value) -> Cells:
    """The derivative of a convolution in its kernel, (…, channels, outputs): windows times what comes down to them."""
    windows, d, sizes = _windows_and(op, x, shape, d)
    channels, outputs = sizes[-2:]
    if windows.shape[1] != channels:
        op.refuse("groups of channels")
    rows = windows.like(np.moveaxis(windows.numbers, (1, -1), (0, 1)).reshape(channels * windows.shape[-1], -1))
    columns = d.like(np.moveaxis(d.numbers, 1, -1).reshape(-1, outputs))
    product = op.tape.matmul(rows, columns, op.format)
    return product.like(np.moveaxis(product.numbers.reshape(channels, *sizes[:-2], outputs), 0, -2))


def _depthwise_kernel_derivative(op: Operation, x: Value, shape: Value, d: Value) -> Cells:
    """The same of a convolution of each channel by itself; kernels are (height, width, channels, outputs of each)."""
    windows, d, sizes = _windows_and(op, x, shape, d)
    height, width, channels, multiple = sizes
    rows = windows.like(np.moveaxis(windows.numbers, (1, -1), (0, 1)).reshape(channels, height * width, -1))
    columns = d.numbers.reshape(len(d), channels, multiple, *d.shape[2:])
    columns = d.like(np.moveaxis(columns, (1, 2), (0, -1)).reshape(channels, -1, multiple))
    product = op.tape.matmul(rows, columns, op.format)
    return product.like(np.moveaxis(product.numbers, 0, 1).reshape(height, width, channels, multiple))


def _windows_and(op: Operation, x: Value, shape: Value, d: Value) -> tuple[Cells, Cells, list[int]]:
    x, d = (to_channels_first(op, op.real(z)) for z in (x, d))
    sizes, count = [int(n) for n in op.array(shape)], x.ndim - 2
    strides, dilation = spatial(op, "strides", count), spatial(op, "dilations", count)
    around = padding(op, x.shape[2:], sizes[:count], strides, dilation)
    return lowering.pool_windows(x, sizes[:count], strides, around, dilation), d, sizes


# Fourier transforms


def _transform(axes: int, sign: int, op: Operation, z: Any) -> ComplexCells:
    z = op.lift(z)
    last = range(z.ndim - axes, z.ndim)
    found = lowering.fourier_of_many(z, sign, list(last))
    return found if sign < 0 else found / float(math.prod(z.shape[a] for a in last))


def _to_half(axes: int, op: Operation, x: Value, lengths: Value) -> ComplexCells:
    x = x if isinstance(x, Cells) else op.tape.lift(op.array(x).astype(float), op.format)
    lengths = [int(n) for n in op.array(lengths)]
    half = lowering.half_of_fourier(x, -1, lengths[-1])
    others = list(range(x.ndim - axes, x.ndim - 1))
    return lowering.fourier_of_many(half, -1, others, lengths[:-1])


def _from_half(axes: int, op: Operation, z: ComplexCells, lengths: Value) -> Cells:
    lengths = [int(n) for n in op.array(lengths)]
    others = list(range(z.ndim - axes, z.ndim - 1))
    whole = lowering.fourier_of_many(z, 1, others, lengths[:-1])
    return lowering.fourier_from_half(whole, z.ndim - 1, lengths[-1]) / float(math.prod(lengths))


PRODUCTS: dict[str, Callable[..., Any]] = {
    **{name: _stacked_matmul for name in ("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3")},
    "Cross": _cross,
    "Einsum": _einsum,
    "MatMul": _matmul,
    "SparseMatMul": _matmul,
    "SparseTensorDenseMatMul": _sparse_matmul,
}
"""Rules for real and complex cells alike."""

REAL: dict[str, Callable[..., Any]] = {
    **PRODUCTS,
    "Conv2D": _convolution,
    "Conv2DBackpropFilter": _kernel_derivative,
    "Conv2DBackpropInput": _transposed_convolution,
    "Conv3D": _convolution,
    "Conv3DBackpropFilterV2": _kernel_derivative,
    "Conv3DBackpropInputV2": _transposed_convolution,
    "DepthwiseConv2dNative": _depthwise,
    "DepthwiseConv2dNativeBackpropFilter": _depthwise_kernel_derivative,
    "DepthwiseConv2dNativeBackpropInput": _transposed_depthwise,
    **{name: partial(_to_half, n) for n, name in enumerate(("RFFT", "RFFT2D", "RFFT3D"), 1)},
}

COMPLEX: dict[str, Callable[..., Any]] = {
    **PRODUCTS,
    **{name: partial(_transform, n, -1) for n, name in enumerate(("FFT", "FFT2D", "FFT3D"), 1)},
    **{name: partial(_transform, n, 1) for n, name in enumerate(("IFFT", "IFFT2D", "IFFT3D"), 1)},
    **{name: partial(_from_half, n) for n, name in enumerate(("IRFFT", "IRFFT2D", "IRFFT3D"), 1)},
}
