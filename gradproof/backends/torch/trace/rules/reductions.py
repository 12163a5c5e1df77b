"""Sums, extrema, running combinations, and what sorts."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradproof.backends.torch.trace.memory import to_numpy
from gradproof.oracles.tape import Cells, ComplexCells, complex_cells, lowering

Rule = Callable[..., Any]


def axes(x: Any, dim: Any) -> tuple[int, ...]:
    """The axes that PyTorch means by `dim`: all for None and for an empty list."""
    if not x.ndim:
        return ()
    if dim is None or (isinstance(dim, list | tuple) and not len(dim)):
        return tuple(range(x.ndim))
    return tuple(a % x.ndim for a in (dim if isinstance(dim, list | tuple) else (dim,)))


def total(run: Any, cells: Any, axis: tuple[int, ...], keepdim: bool = False) -> Any:
    """The sum of cells along axes."""
    if isinstance(cells, ComplexCells):
        return complex_cells.total(cells, axis, keepdim)
    return run.tape.sum(cells, axis, keepdim)


def sum_(run: Any, result: Tensor, x: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    if not (result.is_floating_point() or result.is_complex()):
        return run.settle(x)
    cells = run.cells(x, result)
    return total(run, cells, axes(cells, dim), keepdim)


def nansum(run: Any, result: Tensor, x: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Cells:
    cells = run.real(x, result)
    cells = run.tape.choose(np.isnan(cells.value), run.tape.constant(0.0, cells.format), cells)
    return run.tape.sum(cells, axes(cells, dim), keepdim)


def mean(run: Any, result: Tensor, x: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    cells = run.cells(x, result)
    found = total(run, cells, axes(cells, dim), keepdim)
    return found / float(cells.size // max(found.size, 1))


def prod(run: Any, result: Tensor, x: Tensor, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    cells = run.cells(x, result)
    if not isinstance(cells, ComplexCells):
        return run.tape.prod(cells, axes(cells, dim), keepdim)
    if dim is None:
        cells = cells.moved(np.reshape, -1)
    moved = cells.moved(np.moveaxis, dim or 0, 0) if cells.ndim else cells.moved(np.reshape, 1)
    product = moved[0]
    for factor in moved[1:]:
        product = product * factor
    return product.moved(np.reshape, tuple(result.shape))


def _moments(run: Any, x: Tensor, args: tuple, options: dict) -> tuple[Cells, Any]:
    """The variance and the mean, for the several ways in which PyTorch takes its arguments."""
    if args and isinstance(args[0], bool):  # var(x, unbiased)
        args = (None, *args)
    dim, unbiased, keepdim = (*args, None, None, None)[:3]
    dim, keepdim = options.get("dim", dim), options.get("keepdim", keepdim) or False
    unbiased = options.get("unbiased", unbiased)
    correction = options.get("correction", 1 if unbiased in (None, True) else 0)
    cells = run.cells(x)
    axis, correction = axes(cells, dim), 1 if correction is None else correction
    if not isinstance(cells, ComplexCells):
        return lowering.variance(cells, axis, correction, keepdim)
    (re, mean), (im, other) = (lowering.variance(part, axis, correction, keepdim) for part in (cells.re, cells.im))
    return re + im, ComplexCells(mean, other)


def var(run: Any, result: Tensor, x: Tensor, *args: Any, **options: Any) -> Cells:
    return _moments(run, x, args, options)[0]


def std(run: Any, result: Tensor, x: Tensor, *args: Any, **options: Any) -> Cells:
    return run.tape.map("sqrt", _moments(run, x, args, options)[0])


def var_mean(run: Any, result: Any, x: Tensor, *args: Any, **options: Any) -> list[Cells]:
    return list(_moments(run, x, args, options))


def std_mean(run: Any, result: Any, x: Tensor, *args: Any, **options: Any) -> list[Cells]:
    variance, mean = _moments(run, x, args, options)
    return [run.tape.map("sqrt", variance), mean]


# Extrema


def _extreme(kind: str) -> Rule:
    def rule(run: Any, result: Any, x: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
        if torch.is_tensor(dim):  # max(x, y)
            return (run.tape.maximum if kind == "max" else run.tape.minimum)(run.real(x), run.real(dim, result))
        cells = run.real(x)
        best = run.tape.extremum(kind, cells, axes(cells, dim), keepdim)
        return best if torch.is_tensor(result) else [best, None]

    return rule


def aminmax(run: Any, result: Any, x: Tensor, dim: Any = None, keepdim: bool = False) -> list[Cells]:
    cells = run.real(x)
    return [run.tape.extremum(kind, cells, axes(cells, dim), keepdim) for kind in ("min", "max")]


def _place(kind: str) -> Rule:
    def rule(run: Any, result: Any, x: Tensor, dim: int | None = None, keepdim: bool = False) -> None:
        cells = run.real(x)
        run.tape.settle_extremum(kind, cells, dim if x.ndim else None)

    return rule


def _quantifier(kind: str) -> Rule:
    def rule(run: Any, result: Tensor, x: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
        truths = run.truths(x)
        return (run.tape.any if kind == "any" else run.tape.all)(truths, axes(truths, dim), keepdim)

    return rule


def count_nonzero(run: Any, result: Tensor, x: Tensor, dim: Any = None) -> None:
    run.tape.settle(run.truths(x))


nonzero = count_nonzero


def norm(run: Any, result: Tensor, x: Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False, **_: Any) -> Cells:
    cells = run.cells(x)
    if isinstance(cells, ComplexCells):
        sizes = complex_cells.squared(cells) if ord == 2 else complex_cells.absolute(cells)
    else:
        sizes = cells * cells if ord == 2 else run.tape.abs(cells)
    axis = axes(cells, dim)
    if ord is None or ord == 2:
        return run.tape.map("sqrt", run.tape.sum(sizes, axis, keepdim))
    return norm_of_sizes(run, sizes, float(ord), axis, keepdim)


def norm_of_sizes(run: Any, sizes: Cells, order: float, axis: Any, keepdim: bool = False) -> Cells:
    tape = run.tape
    if order == 0:
        one, zero = tape.constant(1.0, sizes.format), tape.constant(0.0, sizes.format)
        return tape.sum(tape.choose(sizes != 0.0, one, zero), axis, keepdim)
    if order == 1:
        return tape.sum(sizes, axis, keepdim)
    if math.isinf(order):
        return tape.extremum("max" if order > 0 else "min", sizes, axis, keepdim)
    return tape.pow(tape.sum(tape.pow(sizes, order), axis, keepdim), 1.0 / order)


# Exponentials


def logsumexp(run: Any, result: Tensor, x: Tensor, dim: Any, keepdim: bool = False) -> Cells:
    cells = run.real(x, result)
    return lowering.logsumexp(cells, axes(cells, dim), keepdim) if cells.ndim else cells


def softmax(run: Any, result: Tensor, x: Tensor, dim: int, *_: Any) -> Cells:
    cells = run.real(x, result)
    return lowering.softmax(cells, dim) if cells.ndim else cells / cells


def safe_softmax(run: Any, result: Tensor, x: Tensor, dim: int, dtype: Any = None) -> Cells:
    """A row of nothing but -inf is 0, where softmax would have no value."""
    cells = run.real(x, result)
    masked = np.broadcast_to((cells.value == -math.inf).all(dim, keepdims=True), cells.shape)
    zero = run.tape.constant(0.0, cells.format)
    return run.tape.choose(masked, zero, lowering.softmax(run.tape.choose(masked, zero, cells), dim))


def log_softmax(run: Any, result: Tensor, x: Tensor, dim: int, *_: Any) -> Cells:
    cells = run.real(x, result)
    return lowering.log_softmax(cells, dim) if cells.ndim else cells - cells


# Running combinations


def _running(combine: Callable[[Any, Cells, Cells], Cells]) -> Rule:
    def rule(run: Any, result: Any, x: Tensor, dim: int, dtype: Any = None) -> Any:
        own = result if torch.is_tensor(result) else result[0]
        cells = run.real(x, own)
        if cells.ndim:
            cells = run.tape.cumulate(lambda a, b: combine(run.tape, a, b), cells, dim)
        return cells if torch.is_tensor(result) else [cells, None]

    return rule


def cumprod(run: Any, result: Tensor, x: Tensor, dim: int, dtype: Any = None) -> Any:
    cells = run.cells(x, result)
    if not cells.ndim or not isinstance(cells, ComplexCells):
        return cells if not cells.ndim else run.tape.cumulate(lambda a, b: a * b, cells, dim)
    first, *rest = cells.moved(np.moveaxis, dim, 0)
    products = [first]
    for factor in rest:
        products.append(products[-1] * factor)
    return complex_cells.stack(run.tape, products).moved(np.moveaxis, 0, dim)


def cumsum(run: Any, result: Tensor, x: Tensor, dim: int, dtype: Any = None) -> Any:
    cells = run.cells(x, result)
    if not cells.ndim:
        return cells
    if isinstance(cells, ComplexCells):
        return ComplexCells(run.tape.cumsum(cells.re, dim), run.tape.cumsum(cells.im, dim))
    return run.tape.cumsum(cells, dim)


# Order


def _in_order(run: Any, cells: Cells, places: np.ndarray, dim: int, descending: bool) -> Cells:
    """The entries at these places along an axis, which are used in this order."""
    taken = np.take_along_axis(cells.numbers, places, dim)
    rows = np.moveaxis(taken, dim, -1).reshape(-1, taken.shape[dim])
    run.tape.order(rows[:, ::-1] if descending else rows, cells.format)
    return cells.like(taken)


def sort(run: Any, result: Any, x: Tensor, *args: Any, **options: Any) -> list:
    # sort(x, dim, descending), and with a keyword `stable` before them
    places = [a for a in args if not isinstance(a, bool)]
    dim = options.get("dim", places[0] if places else -1)
    descending = options.get("descending", args[-1] if args and isinstance(args[-1], bool) else False)
    cells = run.real(x)
    return [_in_order(run, cells, to_numpy(result[1]), dim, descending) if cells.ndim else cells, None]


def topk(run: Any, result: Any, x: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> list:
    cells = run.real(x)
    if not cells.ndim:
        return [cells, None]
    order = np.argsort(-cells.value if largest else cells.value, dim, kind="stable")
    # The next one after the k belongs to what must be certain.
    _in_order(run, cells, np.take(order, range(min(k + 1, cells.shape[dim])), dim), dim, largest)
    return [cells.like(np.take_along_axis(cells.numbers, to_numpy(result[1]), dim)), None]


def _kth(run: Any, result: Any, x: Tensor, dim: int | None, keepdim: bool) -> Any:
    cells = run.real(x)
    if dim is None or not cells.ndim:
        flat = cells.like(cells.numbers.reshape(-1))
        middle = run.tape.argsort(flat)[(cells.size - 1) // 2]
        picked = flat[middle].like(np.reshape(flat.numbers[middle], ()))
        return picked if dim is None else [picked, None]
    run.tape.argsort(cells, dim)
    places = to_numpy(result[1]) if keepdim else np.expand_dims(to_numpy(result[1]), dim)
    taken = np.take_along_axis(cells.numbers, places, dim)
    return [cells.like(taken if keepdim else np.squeeze(taken, dim)), None]


def median(run: Any, result: Any, x: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    return _kth(run, result, x, dim, keepdim)


def mode(run: Any, result: Any, x: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    return _kth(run, result, x, dim, keepdim)


def kthvalue(run: Any, result: Any, x: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    return _kth(run, result, x, dim, keepdim)


def nanmedian(run: Any, result: Any, x: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    if np.isnan(run.real(x).value).any():
        raise run.refusal("it is traced without NaN only")
    return _kth(run, result, x, dim, keepdim)


def _buckets(run: Any, x: Any, edges: Any) -> None:
    """Which bucket an entry belongs to is decided by comparing it with every edge."""
    like = x if torch.is_tensor(x) and x.is_floating_point() else edges
    values, limits = run.real(x, like), run.real(edges, like)
    if limits.ndim > 1:
        limits = limits.like(np.expand_dims(limits.numbers, -2))
    run.tape.settle(run.tape.compare("lt", values.like(np.expand_dims(values.numbers, -1)), limits))


def searchsorted(run: Any, result: Tensor, edges: Tensor, x: Any, *_: Any, **__: Any) -> None:
    _buckets(run, x, edges)


def bucketize(run: Any, result: Tensor, x: Any, edges: Tensor, *_: Any, **__: Any) -> None:
    _buckets(run, x, edges)


RULES: dict[str, Rule] = {
    "_log_softmax": log_softmax,
    "_is_all_true": _quantifier("all"),
    "_is_any_true": _quantifier("any"),
    "_safe_softmax": safe_softmax,
    "_softmax": softmax,
    "all": _quantifier("all"),
    "amax": _extreme("max"),
    "amin": _extreme("min"),
    "aminmax": aminmax,
    "any": _quantifier("any"),
    "argmax": _place("max"),
    "argmin": _place("min"),
    "bucketize": bucketize,
    "count_nonzero": count_nonzero,
    "cummax": _running(lambda tape, a, b: tape.maximum(a, b)),
    "cummin": _running(lambda tape, a, b: tape.minimum(a, b)),
    "cumprod": cumprod,
    "cumsum": cumsum,
    "kthvalue": kthvalue,
    "linalg_vector_norm": norm,
    "logcumsumexp": _running(lambda tape, a, b: lowering.logaddexp(a, b)),
    "logsumexp": logsumexp,
    "max": _extreme("max"),
    "mean": mean,
    "median": median,
    "min": _extreme("min"),
    "mode": mode,
    "nanmedian": nanmedian,
    "nansum": nansum,
    "nonzero": nonzero,
    "norm": norm,
    "prod": prod,
    "searchsorted": searchsorted,
    "sort": sort,
    "std": std,
    "std_mean": std_mean,
    "sum": sum_,
    "topk": topk,
    "var": var,
    "var_mean": var_mean,
}
