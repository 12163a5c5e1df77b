"""What moves, repeats, picks and joins entries: PyTorch's own operation, on the numbers of the cells in place of the
values, so that no rule is needed for where an entry goes. And sums over places that coincide."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from gradproof.backends.torch.trace.memory import FORMATS, to_numpy
from gradproof.backends.torch.trace.rules.reductions import norm_of_sizes
from gradproof.oracles.tape import Cells, ComplexCells, Predicates, Untraceable, complex_cells, lowering

Rule = Callable[..., Any]
aten = torch.ops.aten


def moved(operation: Callable, through_floats: bool = False) -> Rule:
    """A rule for an operation that moves entries, and fills with zeros where there are none. `through_floats` where
    PyTorch has it for floating-point numbers only, which hold every number of a cell."""

    def rule(run: Any, result: Any, *args: Any, **kwargs: Any) -> Any:
        first = result if torch.is_tensor(result) else result[0]
        parts = []
        for part in range(1 + first.is_complex()):
            numbers = _numbers_moved(run, first, operation, through_floats, part, args, kwargs)
            parts.append([_as_cells(run, first, x.numpy()) for x in tree_leaves(numbers) if torch.is_tensor(x)])
        found = [ComplexCells(*both) for both in zip(*parts, strict=True)] if len(parts) == 2 else parts[0]
        return found[0] if torch.is_tensor(result) else found

    return rule


def _as_cells(run: Any, like: Tensor, numbers: np.ndarray) -> Cells | Predicates:
    """Numbers that were counted from 1, so that 0 is what an operation fills with."""
    filled = numbers == 0
    if like.dtype == torch.bool:
        zero = run.tape.lift_predicates(False).numbers if filled.any() else 0
        return Predicates(np.where(filled, zero, numbers - 1), run.tape)
    zero = run.tape.constant(0.0).numbers if filled.any() else 0
    return Cells(np.where(filled, zero, numbers - 1), FORMATS[like.dtype], run.tape)


def _numbers_moved(
    run: Any, like: Tensor, operation: Callable, through_floats: bool, part: int, args: tuple, kwargs: dict
) -> Any:
    def numbers(x: Any) -> Any:
        if not torch.is_tensor(x):
            return x
        if x.dtype in FORMATS:
            cells = run.cells(x, like)
            found = ((cells.re, cells.im)[part] if isinstance(cells, ComplexCells) else cells).numbers
        elif x.dtype == torch.bool and like.dtype == torch.bool:
            found = run.tape.lift_predicates(run.truths(x)).numbers
        else:
            return torch.from_numpy(np.array(run.indices(x)))
        found = torch.from_numpy(np.array(found + 1))
        return found.double() if through_floats else found

    args, kwargs = tree_map(numbers, (args, {k: v for k, v in kwargs.items() if k not in ("memory_format", "dtype")}))
    with torch.no_grad():
        result = operation(*args, **kwargs)
    return tree_map(lambda x: x.round().long() if torch.is_tensor(x) and through_floats else x, result)


def created(run: Any, result: Tensor, *_: Any, **__: Any) -> Any:
    """A new tensor whose entries do not depend on any other."""
    return to_numpy(result)


def full(run: Any, result: Tensor, *args: Any, **kwargs: Any) -> Any:
    """A new tensor filled with a number, which may be a tensor with cells."""
    value = kwargs.get("fill_value", args[-1])
    return (
        run.cells(value, result, exact=True) if torch.is_tensor(value) and result.dtype in FORMATS else to_numpy(result)
    )


def uninitialized(run: Any, result: Tensor, *_: Any, **__: Any) -> Any:
    if result.dtype not in FORMATS:
        return None
    return run.poison(result, "memory that it left uninitialized is read: what wrote there cannot be seen")


def pad(run: Any, result: Tensor, x: Tensor, widths: Any, value: Any = 0) -> Any:
    fill = run.cells(value, result, exact=True)
    axes = [(0, 0)] * (x.ndim - len(widths) // 2) + [tuple(widths[i : i + 2]) for i in range(len(widths) - 2, -1, -2)]
    cells = run.cells(x)
    if not isinstance(cells, ComplexCells):
        return cells.like(lowering.pad(cells.numbers, axes, int(fill.numbers)))
    parts = zip((cells.re, cells.im), (fill.re, fill.im), strict=True)
    return ComplexCells(*(part.like(lowering.pad(part.numbers, axes, int(own.numbers))) for part, own in parts))


def embedding(run: Any, result: Tensor, weight: Tensor, indices: Tensor, padding: int = -1, *_: Any) -> Cells:
    cells, places = run.real(weight), to_numpy(indices)
    rows = cells.like(cells.numbers[places])
    is_padding = places == (padding if padding >= 0 else -1)
    if not is_padding.any() or run.functions:
        return rows
    # Only the backward pass reads this argument: it gives these rows no gradient.
    run.reverse_alone.append(f"padding_idx of an embedding holds in reverse mode only: {run.tape.where}")
    numbers = rows.numbers.copy()
    numbers[is_padding] = run.tape.freeze(rows.like(numbers[is_padding])).numbers
    return rows.like(numbers)


def embedding_bag(
    run: Any, result: Any, weight: Tensor, indices: Tensor, offsets: Tensor, *rest: Any, **named: Any
) -> list:
    """The sum (0), mean (1) or maximum (2) of the rows of each bag."""
    defaults = {"scale_grad_by_freq": False, "mode": 0, "sparse": False, "per_sample_weights": None}
    defaults |= {"include_last_offset": False, "padding_idx": -1}
    given = defaults | dict(zip(defaults, rest, strict=False)) | named
    cells, places, starts = run.real(weight), to_numpy(indices).ravel(), to_numpy(offsets).tolist()
    ends = [*starts, len(places)][: len(starts) + (not given["include_last_offset"])]
    weights = given["per_sample_weights"]
    factors = None if weights is None else run.real(weights).numbers.ravel()
    bags = []
    for start, end in itertools.pairwise(ends):
        kept = np.arange(start, end)[places[start:end] != given["padding_idx"]]
        rows = cells.like(cells.numbers[places[kept]])
        bags.append(_bag(run, rows if factors is None else rows * cells.like(factors[kept])[:, None], given["mode"]))
    return [run.tape.stack(bags), None, None, None]


def _bag(run: Any, rows: Cells, mode: int) -> Cells:
    if not len(rows):
        return run.tape.constant(np.zeros(rows.shape[1:]), rows.format)
    if mode == 2:
        return run.tape.extremum("max", rows, 0)
    return run.tape.sum(rows, 0) if mode == 0 else run.tape.mean(rows, 0)


# Writing to places


def _on_parts(combine: Callable[..., Cells], *operands: Any) -> Any:
    """A combination of real cells, on the parts of complex ones."""
    if not any(isinstance(x, ComplexCells) for x in operands):
        return combine(*operands)
    operands = [complex_cells.lifted(x.tape, x) for x in operands]
    return ComplexCells(combine(*(x.re for x in operands)), combine(*(x.im for x in operands)))


def _added(x: Any, targets: np.ndarray, updates: Any) -> Any:
    def combine(x: Cells, updates: Cells) -> Cells:
        spread = updates.like(np.broadcast_to(updates.numbers, targets.shape))
        return lowering.scatter_add(x, targets.reshape(-1), spread)

    return _on_parts(combine, x, updates)


def _grid(shape: Any) -> np.ndarray:
    return np.arange(math.prod(shape)).reshape(tuple(shape))


def _along(x: Tensor, dim: int, index: Tensor) -> np.ndarray:
    """The places of whole slices along an axis, in the flattened x."""
    places = np.atleast_1d(to_numpy(index))
    return np.take(_grid(x.shape), places, dim) if x.ndim else np.zeros(places.shape, np.int64)


def _targets(x: Tensor, dim: int, index: Tensor) -> np.ndarray:
    """The places that scatter means, in the flattened x."""
    places = to_numpy(index)
    if not x.ndim:
        return np.zeros(places.shape, np.int64)
    along = list(np.indices(places.shape)) if places.ndim else [np.zeros((), np.int64)]
    along[dim] = places
    return np.ravel_multi_index(tuple(along), tuple(x.shape))


def _corner(cells: Any, shape: tuple[int, ...]) -> Any:
    """The entries of an array from the first on, in a shape that is no larger."""
    return cells[tuple(slice(0, n) for n in shape)] if cells.ndim else cells


def index_add(
    run: Any,
    result: Tensor,
    x: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    *,
    alpha: float = 1,
) -> Any:
    targets = _along(x, dim, index)
    updates = run.cells(source, result)
    return _added(run.cells(x), targets, updates if alpha == 1 else updates * run.number(alpha, result))


def scatter_add(run: Any, result: Tensor, x: Tensor, dim: int, index: Tensor, source: Tensor) -> Any:
    targets = _targets(x, dim, index)
    return _added(run.cells(x), targets, _corner(run.cells(source), targets.shape))


def index_put(
    run: Any,
    result: Tensor,
    x: Tensor,
    indices: Any,
    values: Tensor,
    accumulate: bool = False,
    *_: Any,
) -> Any:
    key = tuple(slice(None) if i is None else run.indices(i) for i in indices)
    targets = _indexed(_grid(x.shape), key)
    if result.dtype == torch.bool:
        return _put_truths(run, x, targets, values)
    updates = run.cells(values, result)
    if accumulate:
        return _added(run.cells(x), targets, updates)
    return _on_parts(lambda x, updates: overwritten(x, targets, updates), run.cells(x), updates)


def _indexed(grid: np.ndarray, key: tuple) -> np.ndarray:
    """Advanced indexing as PyTorch has it, by PyTorch."""
    indices = [None if isinstance(i, slice) else torch.from_numpy(np.array(i)) for i in key]
    return aten.index(torch.from_numpy(grid), indices).numpy()


def overwritten(x: Cells, targets: np.ndarray, updates: Cells) -> Cells:
    """x with each update in its place in the flattened x."""
    numbers = x.numbers.reshape(-1).copy()
    places, sent = targets.reshape(-1), np.broadcast_to(updates.numbers, targets.shape).reshape(-1)
    numbers[places] = sent
    if (numbers[places] != sent).any():
        raise Untraceable(
            x.tape.source,
            "several entries are written to one place, and which of them stays is not specified",
            x.tape.where,
            "Let each place be written once.",
        )
    return x.like(numbers.reshape(x.shape))


def _put_truths(run: Any, x: Tensor, targets: np.ndarray, values: Tensor) -> Predicates:
    old, new = (run.tape.lift_predicates(run.truths(a)) for a in (x, values))
    numbers = old.numbers.reshape(-1).copy()
    numbers[targets.reshape(-1)] = np.broadcast_to(new.numbers, targets.shape).reshape(-1)
    return old.like(numbers.reshape(old.shape))


def scatter(
    run: Any,
    result: Tensor,
    x: Tensor,
    dim: int,
    index: Tensor,
    source: Any,
    *,
    reduce: str | None = None,
) -> Any:
    if reduce is not None:
        raise run.refusal("it is not traced with reduce=…, whose derivative PyTorch lacks")
    targets = _targets(x, dim, index)
    updates = _corner(run.cells(source, result, exact=True), targets.shape)
    return _on_parts(lambda x, updates: overwritten(x, targets, updates), run.cells(x), updates)


def scatter_reduce(
    run: Any,
    result: Tensor,
    x: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Cells:
    targets = _targets(x, dim, index)
    return _reduced_into(run, run.real(x), targets, _corner(run.real(source), targets.shape), reduce, include_self)


def index_reduce(
    run: Any,
    result: Tensor,
    x: Tensor,
    dim: int,
    index: Tensor,
    source: Tensor,
    reduce: str,
    *,
    include_self: bool = True,
) -> Cells:
    targets = _along(x, dim, index)
    return _reduced_into(run, run.real(x), targets, run.real(source), reduce, include_self)


def _reduced_into(run: Any, x: Cells, targets: np.ndarray, updates: Cells, reduce: str, include_self: bool) -> Cells:
    """Each place of x combined with all that is sent to it."""
    numbers, sent = x.numbers.reshape(-1).copy(), updates.numbers.reshape(-1)
    for place in np.unique(targets):
        group = sent[targets.reshape(-1) == place]
        if include_self:
            group = np.concatenate([numbers[place : place + 1], group])
        numbers[place] = _combined(run, x.like(group), reduce).numbers
    return x.like(numbers.reshape(x.shape))


def _combined(run: Any, group: Cells, reduce: str) -> Cells:
    if reduce in ("amax", "amin"):
        return run.tape.extremum(reduce[1:], group)
    return {"sum": run.tape.sum, "mean": run.tape.mean, "prod": run.tape.prod}[reduce](group)


def index_fill(run: Any, result: Tensor, x: Tensor, dim: int, index: Tensor, value: Any) -> Any:
    targets = _along(x, dim, index)
    fill = run.cells(value, result, exact=True)
    return _on_parts(lambda x, fill: overwritten(x, targets, fill), run.cells(x), fill)


def index_copy(run: Any, result: Tensor, x: Tensor, dim: int, index: Tensor, source: Tensor) -> Any:
    targets = _along(x, dim, index)
    return _on_parts(lambda x, source: overwritten(x, targets, source), run.cells(x), run.cells(source))


def put(run: Any, result: Tensor, x: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Any:
    targets = to_numpy(index) % x.numel()
    if accumulate:
        return _added(run.cells(x), targets, run.cells(source))
    return _on_parts(lambda x, source: overwritten(x, targets, source), run.cells(x), run.cells(source))


def masked_scatter(run: Any, result: Tensor, x: Tensor, mask: Tensor, source: Tensor) -> Any:
    targets = _grid(result.shape)[np.broadcast_to(run.indices(mask), tuple(result.shape))]

    def combine(x: Cells, source: Cells) -> Cells:
        stretched = x.like(np.broadcast_to(x.numbers, tuple(result.shape)))
        return overwritten(stretched, targets, source.like(source.numbers.reshape(-1)[: targets.size]))

    return _on_parts(combine, run.cells(x), run.cells(source))


def col2im(
    run: Any, result: Tensor, x: Tensor, size: Any, kernel: Any, dilation: Any, padding: Any, stride: Any
) -> Cells:
    """nn.Fold: each column is added where nn.Unfold took it from."""
    channels = result.shape[-3]
    places = torch.arange(1.0, 1.0 + channels * math.prod(size), dtype=torch.float64).reshape(1, channels, *size)
    taken = aten.im2col(places, kernel, dilation, padding, stride).round().long().numpy()[0] - 1
    cells = run.real(x)
    columns = cells.numbers.reshape(-1, *taken.shape)
    zeros = run.tape.constant(np.zeros(channels * math.prod(size)), cells.format)
    images = [lowering.scatter_add(zeros, taken.reshape(-1), cells.like(c)) for c in columns]
    stacked = np.stack([image.numbers for image in images])
    return cells.like(stacked.reshape(tuple(result.shape)))


def embedding_dense_backward(
    run: Any, result: Tensor, x: Tensor, indices: Tensor, count: int, padding: int, scale_by_frequency: bool
) -> Cells:
    if scale_by_frequency:
        raise run.refusal("it is traced without scale_grad_by_freq only")
    places, width = to_numpy(indices)[..., None], result.shape[-1]
    targets = np.where(places == padding, -1, places * width + np.arange(width))
    cells = run.real(x)
    return _added(run.tape.constant(np.zeros(tuple(result.shape)), cells.format), targets, cells)


def unfold_backward(run: Any, result: Tensor, x: Tensor, sizes: Any, dim: int, size: int, step: int) -> Any:
    """Each window is added where unfold took it from."""
    places = torch.from_numpy(_grid(sizes)).unfold(dim, size, step).numpy()
    cells = run.cells(x)
    zeros = run.tape.constant(np.zeros(tuple(sizes)), cells.format)
    return _added(zeros, places, cells)


def renorm(run: Any, result: Tensor, x: Tensor, p: float, dim: int, limit: float) -> Cells:
    """Slices whose norm is above a limit, shrunk to it."""
    cells, tape = run.real(x), run.tape
    others = tuple(a for a in range(x.ndim) if a != dim % x.ndim)
    sizes = cells * cells if p == 2 else tape.abs(cells)
    size = tape.sum(sizes, others, True) if p == 2 else norm_of_sizes(run, sizes, float(p), others, True)
    size = tape.map("sqrt", size) if p == 2 else size
    bound = run.number(limit, result)
    factor = tape.choose(size > bound, bound / (size + run.number(1e-7, result)), tape.constant(1.0, cells.format))
    return cells * factor


MOVED = (
    "_reshape_copy _unsafe_index alias_copy as_strided_copy as_strided_scatter block_diag cat channel_shuffle "
    "diag_embed diagonal_copy diagonal_scatter expand_copy flip gather index index_select masked_select "
    "narrow_copy permute_copy pixel_shuffle pixel_unshuffle repeat roll rot90 select_copy "
    "select_scatter slice_scatter split_copy split_with_sizes_copy squeeze_copy stack t_copy take "
    "transpose_copy tril triu unbind_copy unfold_copy unsafe_split unsafe_split_with_sizes unsqueeze_copy "
    "view_copy"
)
MOVED_AS_FLOATS = (
    "reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d replication_pad3d im2col "
    "upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d _upsample_nearest_exact2d "
    "_upsample_nearest_exact3d"
)

RULES: dict[str, Rule] = {
    **{name: moved(getattr(aten, name)) for name in MOVED.split()},
    **{name: moved(getattr(aten, name), through_floats=True) for name in MOVED_AS_FLOATS.split()},
    **{name: created for name in "new_ones new_zeros ones_like zeros_like".split()},
    **{name: uninitialized for name in "empty_like new_empty new_empty_strided".split()},
    **{name: full for name in ("full_like", "new_full")},
    "_embedding_bag": embedding_bag,
    "_index_put_impl": index_put,
    "_unsafe_index_put": index_put,
    "clone": moved(lambda x: x.clone()),
    "col2im": col2im,
    "constant_pad_nd": pad,
    "embedding": embedding,
    "embedding_dense_backward": embedding_dense_backward,
    "gather": moved(lambda x, dim, index, sparse_grad=False: aten.gather(x, dim, index)),
    "index_add": index_add,
    "index_copy": index_copy,
    "index_fill": index_fill,
    "index_put": index_put,
    "index_reduce": index_reduce,
    "masked_scatter": masked_scatter,
    "put": put,
    "renorm": renorm,
    "scatter": scatter,
    "scatter_add": scatter_add,
    "scatter_reduce": scatter_reduce,
    "unfold_backward": unfold_backward,
}
