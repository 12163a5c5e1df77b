"""Sums, means, extrema, running sums, what sorts, and other functions of NumPy that take entries together."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradproof.backends.numpy.trace.elementwise import written
from gradproof.backends.numpy.trace.moving import together
from gradproof.backends.numpy.trace.recorded import BOOL, Recorded, Recording
from gradproof.oracles.tape import ComplexCells, complex_cells, lowering

Rule = Callable[..., Any]

Axis = int | Sequence[int] | None


def _prepared(recording: Recording, x: Any, dtype: Any, where: Any, neutral: float) -> Recorded:
    """The array in the dtype of the result, with the neutral element in the place of what is left out."""
    x = recording.gathered(x)
    x = x if dtype is None else x.astype(dtype)
    return x if where is True else np.where(where, x, np.asarray(neutral, x.dtype))


def _axes(axis: Axis, ndim: int) -> Any:
    return tuple(range(ndim)) if axis is None else tuple(axis) if isinstance(axis, list | tuple) else axis


def _finished(recording: Recording, result: Any, out: Any) -> Any:
    result = recording.of(result)
    return result if out is None else written(recording, out, result)


def sum_(
    recording: Recording,
    x: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """np.sum; of truth values it counts those at the traced input, which are held fixed."""
    x = _prepared(recording, x, dtype, where, 0.0)
    if not isinstance(x, Recorded) or x.dtype == BOOL:
        return np.sum(recording.plain(x), axis=_axes(axis, x.ndim), keepdims=keepdims)
    cells = x.cells
    total = complex_cells.total if isinstance(cells, ComplexCells) else recording.tape.sum
    result = recording.of(total(cells, axis, keepdims))
    return _finished(recording, result if initial is None else result + initial, out)


def prod(
    recording: Recording,
    x: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    """np.prod"""
    x = _prepared(recording, x, dtype, where, 1.0)
    if isinstance(x.cells, ComplexCells):
        result = _complex_product(recording, x, axis, keepdims)
    else:
        result = recording.of(recording.tape.prod(x.cells, axis, keepdims))
    return _finished(recording, result if initial is None else result * initial, out)


def _complex_product(recording: Recording, x: Recorded, axis: Axis, keepdims: bool) -> Any:
    axes = sorted(a % x.ndim for a in np.atleast_1d(_axes(axis, x.ndim)))
    moved = np.moveaxis(x, axes, range(len(axes)))
    rows = np.reshape(moved, (-1, *moved.shape[len(axes) :]))
    result = rows[0]
    for row in rows[1:]:
        result = result * row
    return np.expand_dims(result, axes) if keepdims else result


def mean(
    recording: Recording,
    x: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    *,
    where: Any = True,
) -> Any:
    """np.mean"""
    x = recording.gathered(x)
    if x.dtype == BOOL:
        return np.mean(recording.plain(x), axis=axis, keepdims=keepdims)
    total = np.sum(x, axis=axis, dtype=dtype, keepdims=keepdims, where=where)
    count = np.sum(np.broadcast_to(recording.plain(where), x.shape), axis=_axes(axis, x.ndim), keepdims=keepdims)
    return _finished(recording, total / (int(count) if np.ndim(count) == 0 else count.astype(total.dtype)), out)


def var(
    recording: Recording,
    x: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: bool = False,
    **options: Any,
) -> Any:
    """np.var"""
    ddof = options.pop("correction", ddof)
    if options:
        recording.refuse("var", f"{next(iter(options))}= is not known")
    x = recording.gathered(x)
    x = x if dtype is None else x.astype(dtype)
    apart = x - np.mean(x, axis=axis, keepdims=True)
    squares = apart * apart if x.dtype.kind == "f" else squared(apart)
    total = np.sum(squares, axis=axis, keepdims=keepdims)
    return _finished(recording, total / max(float(x.size // max(total.size, 1) - ddof), 0.0), out)


def squared(z: Recorded) -> Recorded:
    """|z|² of complex numbers, which is smooth at 0."""
    return z.real * z.real + z.imag * z.imag


def std(recording: Recording, x: Any, *arguments: Any, **options: Any) -> Any:
    """np.std"""
    return np.sqrt(np.var(x, *arguments, **options))


def _extremum(kind: str) -> Rule:
    def rule(
        recording: Recording,
        x: Any,
        axis: Axis = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = True,
    ) -> Any:
        if where is not True:
            recording.refuse(f"np.{kind}", "where= is not known")
        x = _real(recording, recording.gathered(x), f"np.{kind}")
        if x.dtype == BOOL:
            return (np.any if kind == "max" else np.all)(x, axis=axis, keepdims=keepdims)
        result = recording.of(recording.tape.extremum(kind, x.cells, axis, keepdims))
        if initial is not None:
            result = (np.maximum if kind == "max" else np.minimum)(result, initial)
        return _finished(recording, result, out)

    return rule


def _real(recording: Recording, x: Any, name: str) -> Any:
    if isinstance(x, Recorded) and x.dtype.kind == "c":
        recording.refuse(name, "complex numbers have no order")
    return x


def ptp(recording: Recording, x: Recorded, axis: Axis = None, out: Any = None, keepdims: bool = False) -> Any:
    result = np.max(x, axis=axis, keepdims=keepdims) - np.min(x, axis=axis, keepdims=keepdims)
    return _finished(recording, result, out)


def _place(kind: str) -> Rule:
    def rule(recording: Recording, x: Any, axis: int | None = None, out: Any = None, *, keepdims: bool = False) -> Any:
        x = _real(recording, recording.gathered(x), f"np.arg{kind}")
        if x.dtype == BOOL:
            return (np.argmax if kind == "max" else np.argmin)(recording.plain(x), axis=axis, keepdims=keepdims)
        places = recording.tape.settle_extremum(kind, x.cells, axis)
        return places if not keepdims or axis is None else np.expand_dims(places, axis)

    return rule


def _whether(name: str) -> Rule:
    def rule(
        recording: Recording,
        x: Any,
        axis: Axis = None,
        out: Any = None,
        keepdims: bool = False,
        *,
        where: Any = True,
    ) -> Any:
        predicates = recording.lift(x if where is True else np.where(where, x, name == "all"), BOOL)
        reduced = recording.tape.any if name == "any" else recording.tape.all
        return recording.of(reduced(predicates, axis, keepdims))

    return rule


def count_nonzero(recording: Recording, x: Recorded, axis: Axis = None, *, keepdims: bool = False) -> Any:
    return np.count_nonzero(recording.plain(x if x.dtype == BOOL else x != 0), axis, keepdims=keepdims)


def cumsum(recording: Recording, x: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    x = recording.gathered(x) if dtype is None else recording.gathered(x).astype(dtype)
    if x.dtype == BOOL:
        return np.cumsum(recording.plain(x), axis)
    x, axis = (np.ravel(x), 0) if axis is None else (x, axis)
    run = recording.tape.cumsum
    cells = x.cells
    both = ComplexCells(run(cells.re, axis), run(cells.im, axis)) if isinstance(cells, ComplexCells) else None
    return _finished(recording, both or run(cells, axis), out)


def cumprod(recording: Recording, x: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
    x = recording.gathered(x) if dtype is None else recording.gathered(x).astype(dtype)
    x, axis = (np.ravel(x), 0) if axis is None else (x, axis)
    if x.dtype.kind != "f":
        rows = [np.moveaxis(x, axis, 0)[0]]
        rows += [None] * (x.shape[axis] - 1)
        for i in range(1, len(rows)):
            rows[i] = rows[i - 1] * np.moveaxis(x, axis, 0)[i]
        return np.stack(rows, axis)
    return _finished(recording, recording.tape.cumulate(lambda p, q: p * q, x.cells, axis), out)


# Order


def argsort(recording: Recording, x: Any, axis: int | None = -1, kind: Any = None, order: Any = None, **_: Any) -> Any:
    x = _real(recording, recording.gathered(x), "np.argsort")
    x, axis = (np.ravel(x), -1) if axis is None else (x, axis)
    return recording.tape.argsort(x.cells, axis)


def sort(recording: Recording, x: Any, axis: int | None = -1, kind: Any = None, order: Any = None, **_: Any) -> Any:
    x, axis = (np.ravel(x), -1) if axis is None else (x, axis)
    return np.take_along_axis(x, np.argsort(x, axis=axis), axis)


def partition(recording: Recording, x: Recorded, kth: Any, axis: int | None = -1, **_: Any) -> Recorded:
    """np.partition, in the order that NumPy leaves."""
    x, axis = (np.ravel(x), -1) if axis is None else (x, axis)
    order = np.argpartition(x.value, kth, axis)
    # Where each entry stands is held fixed, so all of them must be told apart.
    np.argsort(x, axis=axis)
    return np.take_along_axis(x, order, axis)


def searchsorted(recording: Recording, x: Any, values: Any, side: str = "left", sorter: Any = None) -> np.ndarray:
    """np.searchsorted: how many entries lie to the left, which is held fixed."""
    if sorter is not None:
        x = x[sorter]
    x, values = together(recording, [x, values])
    below = np.less if side == "left" else np.less_equal
    counted = recording.plain(below(x, values[..., None]))
    return np.sum(counted, axis=-1)


def digitize(recording: Recording, x: Any, bins: Any, right: bool = False) -> np.ndarray:
    if isinstance(bins, Recorded):
        recording.refuse("np.digitize", "the bins depend on the input")
    return np.searchsorted(bins, x, side="left" if right else "right")


def median(recording: Recording, x: Any, axis: Axis = None, out: Any = None, keepdims: bool = False, **_: Any) -> Any:
    return quantile(recording, x, 0.5, axis, keepdims=keepdims)


def quantile(
    recording: Recording,
    x: Any,
    q: Any,
    axis: Axis = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    **_: Any,
) -> Any:
    """np.quantile by linear interpolation, with the entries that it lies between held fixed."""
    if isinstance(q, Recorded) or method != "linear":
        recording.refuse("np.quantile", "it has a rule for fixed q and method='linear' only")
    rows, kept = _in_rows(recording.gathered(x), axis, keepdims)
    ordered, n = np.sort(rows, axis=-1), rows.shape[-1]
    results = []
    for share in np.ravel(q):
        place = float(share) * (n - 1)
        low = min(int(place), n - 1)
        high, weight = min(low + 1, n - 1), place - low
        lower = ordered[..., low]
        # Where it falls on an entry its neighbours do not matter, and a kink between them is none.
        between = lower if weight == 0 else lower + (ordered[..., high] - lower) * weight
        results.append(np.reshape(between, kept))
    return results[0] if np.ndim(q) == 0 else np.reshape(np.stack(results), (*np.shape(q), *kept))


def percentile(recording: Recording, x: Any, q: Any, *arguments: Any, **options: Any) -> Any:
    return quantile(recording, x, np.asarray(q) / 100, *arguments, **options)


def _in_rows(x: Recorded, axis: Axis, keepdims: bool) -> tuple[Recorded, tuple[int, ...]]:
    axes = [a % x.ndim for a in np.atleast_1d(_axes(axis, x.ndim))]
    kept = [a for a in range(x.ndim) if a not in axes]
    rows = np.reshape(np.transpose(x, kept + axes), (*(x.shape[a] for a in kept), -1))
    shape = tuple(1 if a in axes else n for a, n in enumerate(x.shape)) if keepdims else rows.shape[:-1]
    return rows, shape


# What is written in terms of other functions of NumPy


def average(
    recording: Recording,
    x: Any,
    axis: Axis = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Any:
    if weights is None:
        total, scale = np.sum(x, axis=axis, keepdims=keepdims), float(np.size(x) // max(np.sum(x, axis=axis).size, 1))
    else:
        if np.ndim(weights) == 1 and np.ndim(x) > 1 and axis is not None:
            weights = np.reshape(weights, [-1 if a == axis % np.ndim(x) else 1 for a in range(np.ndim(x))])
        full = weights + np.zeros(np.shape(x))
        total, scale = np.sum(x * weights, axis=axis, keepdims=keepdims), np.sum(full, axis=axis, keepdims=keepdims)
    return (total / scale, scale) if returned else total / scale


def clip(
    recording: Recording,
    x: Any,
    low: Any = None,
    high: Any = None,
    out: Any = None,
    *,
    min: Any = None,
    max: Any = None,
) -> Any:
    low, high = low if min is None else min, high if max is None else max
    result = x if low is None else np.maximum(x, low)
    return _finished(recording, result if high is None else np.minimum(result, high), out)


def diff(
    recording: Recording, x: Recorded, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None
) -> Recorded:
    ends = [end if end is None or np.ndim(end) else _end(recording, x, axis, end) for end in (prepend, append)]
    if prepend is not None or append is not None:
        x = np.concatenate([part for part in (ends[0], x, ends[1]) if part is not None], axis)
    for _ in range(n):
        moved = np.moveaxis(x, axis, 0)
        x = np.moveaxis(moved[1:] - moved[:-1], 0, axis)
    return x


def _end(recording: Recording, x: Any, axis: int, value: Any) -> Any:
    shape = list(x.shape)
    shape[axis] = 1
    return np.broadcast_to(value, shape)


def ediff1d(recording: Recording, x: Recorded, to_end: Any = None, to_begin: Any = None) -> Recorded:
    if to_end is not None or to_begin is not None:
        recording.refuse("np.ediff1d", "to_end= and to_begin= are not known", "Join them by np.concatenate.")
    return np.diff(np.ravel(x))


def trapezoid(recording: Recording, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = np.moveaxis(y, axis, -1)
    widths = dx if x is None else np.diff(x) if np.ndim(x) == 1 else np.diff(np.moveaxis(x, axis, -1))
    return np.sum(widths * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)


def round_(recording: Recording, x: Recorded, decimals: int = 0, out: Any = None) -> Any:
    """np.round"""
    if x.dtype.kind == "c":
        recording.refuse("np.round", "there is no rule for complex numbers")
    scale = 10.0**decimals
    return np.rint(x) if decimals == 0 else np.rint(x * scale) / scale


def fix(recording: Recording, x: Recorded, out: Any = None) -> Any:
    return np.trunc(x)


def nan_to_num(
    recording: Recording, x: Recorded, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None
) -> Recorded:
    limits = np.finfo(x.dtype)
    with np.errstate(all="ignore"):
        value = x.value
    result = np.where(np.isnan(value), nan, x)
    result = np.where(value == np.inf, limits.max if posinf is None else posinf, result)
    return np.where(value == -np.inf, limits.min if neginf is None else neginf, result)


def nansum(recording: Recording, x: Recorded, *arguments: Any, **options: Any) -> Any:
    return np.sum(np.where(np.isnan(x), np.zeros((), x.dtype), x), *arguments, **options)


def nanmean(recording: Recording, x: Recorded, axis: Axis = None, keepdims: bool = False, **_: Any) -> Any:
    count = np.sum(~np.isnan(x), axis=_axes(axis, x.ndim), keepdims=keepdims)
    return np.nansum(x, axis=axis, keepdims=keepdims) / np.asarray(count, x.dtype)


def isclose(
    recording: Recording, x: Any, y: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Any:
    return np.less_equal(np.abs(x - y), atol + rtol * np.abs(y))


def allclose(recording: Recording, x: Any, y: Any, *arguments: Any, **options: Any) -> bool:
    return bool(np.all(np.isclose(x, y, *arguments, **options)))


def array_equal(recording: Recording, x: Any, y: Any, equal_nan: bool = False) -> bool:
    return np.shape(x) == np.shape(y) and bool(np.all(np.equal(x, y)))


def real(recording: Recording, x: Recorded) -> Recorded:
    return x.real


def imag(recording: Recording, x: Recorded) -> Any:
    return x.imag


def angle(recording: Recording, z: Recorded, deg: bool = False) -> Recorded:
    turned = np.arctan2(z.imag, z.real)
    return np.rad2deg(turned) if deg else turned


def sinc(recording: Recording, x: Recorded) -> Recorded:
    return recording.of(recording.tape.map("sinc", x.cells))


def i0(recording: Recording, x: Recorded) -> Recorded:
    return recording.of(recording.tape.map("i0", x.cells))


def interp(
    recording: Recording, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """np.interp, with the places between which each x lies held fixed."""
    if period is not None or isinstance(xp, Recorded):
        recording.refuse("np.interp", "period= and places that depend on the input are not known")
    xp = np.asarray(xp, float)
    place = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, len(xp) - 2)
    slope = (fp[place + 1] - fp[place]) / (xp[place + 1] - xp[place])
    inner = slope * (x - xp[place]) + fp[place]
    below = np.where(x < xp[0], fp[0] if left is None else left, inner)
    return np.where(x > xp[-1], fp[-1] if right is None else right, below)


def polyval(recording: Recording, p: Any, x: Any) -> Any:
    result = p[0] + 0.0 * x if len(p) == 1 else p[0]
    for coefficient in p[1:]:
        result = result * x + coefficient
    return result


def gradient(recording: Recording, f: Recorded, *spacing: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """np.gradient with a constant spacing."""
    if edge_order != 1 or any(np.ndim(h) for h in spacing):
        recording.refuse("np.gradient", "it has a rule for constant spacing and edge_order=1 only")
    axes = range(f.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    steps = list(spacing) * len(axes) if len(spacing) == 1 else spacing or [1.0] * len(axes)
    slopes = []
    for a, h in zip(axes, steps, strict=True):
        y = np.moveaxis(f, a, 0)
        ends = (y[1:2] - y[:1]) / h, (y[-1:] - y[-2:-1]) / h
        slopes.append(np.moveaxis(np.concatenate([ends[0], (y[2:] - y[:-2]) / (2.0 * h), ends[1]]), 0, a))
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


def _cumulative(run: Callable, start: float) -> Rule:
    def rule(
        recording: Recording,
        x: Recorded,
        /,
        *,
        axis: int | None = None,
        dtype: Any = None,
        out: Any = None,
        include_initial: bool = False,
    ) -> Any:
        axis = 0 if axis is None else axis
        result = run(x, axis=axis, dtype=dtype)
        if include_initial:
            first = np.broadcast_to(np.asarray(start, result.dtype), np.take(result, [0], axis).shape)
            result = np.concatenate([first, result], axis)
        return _finished(recording, result, out)

    return rule


def logsumexp(
    recording: Recording,
    x: Any,
    axis: Axis = None,
    b: Any = None,
    keepdims: bool = False,
    return_sign: bool = False,
) -> Any:
    """SciPy's logsumexp"""
    if return_sign or (isinstance(x, Recorded) and x.dtype.kind == "c"):
        recording.refuse("logsumexp", "there is no rule for signs and complex numbers")
    if b is None or (np.ndim(b) == 0 and not isinstance(b, Recorded) and b == 1):
        return recording.of(lowering.logsumexp(x.cells, axis, keepdims))
    x, b = together(recording, [x, b])
    # Any constant will do, mathematically.
    shift = np.max(x.value, axis=axis, keepdims=True)
    total = np.log(np.sum(b * np.exp(x - shift), axis=axis, keepdims=True)) + shift
    return total if keepdims else np.squeeze(total, _axes(axis, x.ndim))


def linspace(
    recording: Recording, start: Any, stop: Any, num: int = 50, endpoint: bool = True, axis: int = 0, **options: Any
) -> Any:
    if options:
        recording.refuse("np.linspace", f"{', '.join(options)}= is not known")
    between = (stop - start) / max(num - endpoint, 1)
    steps = np.reshape(np.arange(num, dtype=float), (num, *(1,) * np.ndim(between)))
    places = start + steps * between
    if endpoint and num > 1:  # the last is `stop` itself, without rounding
        places = np.concatenate([places[:-1], np.broadcast_to(stop, places.shape[1:])[None]])
    return np.moveaxis(places, 0, axis)


FUNCTIONS: dict[Callable, Rule] = {
    **{np.sum: sum_, np.prod: prod, np.mean: mean, np.var: var, np.std: std, np.ptp: ptp, np.max: _extremum("max")},
    **{np.min: _extremum("min"), np.amax: _extremum("max"), np.amin: _extremum("min"), np.argmax: _place("max")},
    **{np.argmin: _place("min"), np.any: _whether("any"), np.all: _whether("all"), np.count_nonzero: count_nonzero},
    **{np.cumsum: cumsum, np.cumprod: cumprod, np.argsort: argsort, np.sort: sort, np.partition: partition},
    **{np.searchsorted: searchsorted, np.digitize: digitize, np.median: median, np.quantile: quantile},
    **{np.percentile: percentile, np.average: average, np.clip: clip, np.diff: diff, np.ediff1d: ediff1d},
    **{np.linspace: linspace},
    **{np.trapezoid: trapezoid, np.round: round_, np.around: round_, np.fix: fix, np.nan_to_num: nan_to_num},
    **{np.nansum: nansum, np.nanmean: nanmean, np.isclose: isclose, np.allclose: allclose, np.real: real},
    **{np.array_equal: array_equal, np.imag: imag, np.angle: angle, np.sinc: sinc, np.i0: i0, np.interp: interp},
    **{np.polyval: polyval, np.gradient: gradient, np.cumulative_sum: _cumulative(np.cumsum, 0.0)},
    np.cumulative_prod: _cumulative(np.cumprod, 1.0),
}
"""The rules by function of NumPy."""
