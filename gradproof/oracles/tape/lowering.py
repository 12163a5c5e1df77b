"""What several frameworks have and a tape has not: convolutions, pooling, softmax, einsum, scattered sums, Fourier
transforms. Each is put into instructions here, once, in no framework's terms; linear algebra stands in
`factorizations.py`.

Where two formulas compute the same function (softplus from the left and from the right), the one that is numerically
right is chosen by the values at the traced input, which is no branch of the function."""

import itertools
import math
import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradproof.oracles.tape.complex_cells import ComplexCells, lifted
from gradproof.oracles.tape.program import EXPONENT_BITS, Cells, Tape

Pairs = Sequence[tuple[int, int]]

# Index arrays


def pad(numbers: np.ndarray, widths: Pairs, fill: int) -> np.ndarray:
    """An index array with `fill` put around it, `(before, after)` for each axis; what is negative is cut off."""
    grown = np.pad(numbers, [(max(a, 0), max(b, 0)) for a, b in widths], constant_values=fill)
    return grown[tuple(slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(widths, grown.shape, strict=True))]


def dilate(numbers: np.ndarray, factors: Sequence[int], fill: int) -> np.ndarray:
    """An index array with `factor - 1` times `fill` put between neighbours along each axis."""
    if all(factor == 1 for factor in factors):
        return numbers
    shape = [(n - 1) * factor + 1 if n else 0 for n, factor in zip(numbers.shape, factors, strict=True)]
    wide = np.full(shape, fill, np.int64)
    wide[tuple(slice(None, None, factor) for factor in factors)] = numbers
    return wide


def windows(numbers: np.ndarray, sizes: Sequence[int], strides: Sequence[int], dilation: Sequence[int]) -> np.ndarray:
    """Windows over the last `len(sizes)` axes: (…, windows along each axis, entries of a window along each axis)."""
    spatial = len(sizes)
    reach = [(size - 1) * step + 1 for size, step in zip(sizes, dilation, strict=True)]
    axes = tuple(range(numbers.ndim - spatial, numbers.ndim))
    lengths = numbers.shape[numbers.ndim - spatial :]
    if any(length < size for length, size in zip(lengths, reach, strict=True)):  # there is no place for a window
        places = [max(0, -(-(n - size + 1) // s)) for n, size, s in zip(lengths, reach, strides, strict=True)]
        return np.zeros((*numbers.shape[: numbers.ndim - spatial], *places, *sizes), np.int64)
    view = np.lib.stride_tricks.sliding_window_view(numbers, reach, axis=axes)
    lead = (slice(None),) * (numbers.ndim - spatial)
    every = tuple(slice(None, None, stride) for stride in strides)
    return view[lead + every + tuple(slice(None, None, step) for step in dilation)]


def _zero(tape: Tape) -> int:
    return int(tape.constant(0.0).numbers)


# Sums over windows


def convolution(
    x: Cells,
    kernel: Cells,
    strides: Sequence[int],
    padding: Pairs,
    *,
    input_dilation: Sequence[int] | None = None,
    kernel_dilation: Sequence[int] | None = None,
    groups: int = 1,
    format: str | None = None,
) -> Cells:
    """The convolution of neural networks (a cross-correlation): x is (batch, channels, …), the kernel (outputs,
    channels / groups, …), the result (batch, outputs, …). One product of matrices for each group."""
    tape, spatial = x.tape, kernel.ndim - 2
    ones = (1,) * spatial
    spread = dilate(x.numbers, (1, 1, *(input_dilation or ones)), _zero(tape))
    spread = pad(spread, [(0, 0), (0, 0), *padding], _zero(tape))
    view = windows(spread, kernel.shape[2:], strides, kernel_dilation or ones)
    batch, channels = view.shape[:2]
    places, outputs = view.shape[2 : 2 + spatial], kernel.shape[0]
    count = math.prod(kernel.shape[2:])
    columns = view.reshape(batch, groups, channels // groups, math.prod(places), count)
    columns = columns.transpose(1, 2, 4, 0, 3).reshape(groups, channels // groups * count, -1)
    weights = kernel.like(kernel.numbers.reshape(groups, outputs // groups, -1))
    product = tape.matmul(weights, x.like(columns), format or x.format)
    numbers = product.numbers.reshape(outputs, batch, *places)
    return product.like(np.moveaxis(numbers, 0, 1))


def transposed_convolution(
    x: Cells,
    kernel: Cells,
    strides: Sequence[int],
    padding: Pairs,
    *,
    output_padding: Sequence[int] | None = None,
    dilation: Sequence[int] | None = None,
    groups: int = 1,
    format: str | None = None,
) -> Cells:
    """The transpose of the convolution with these strides and this padding: x is (batch, channels, …), the kernel
    (channels, outputs / groups, …)."""
    sizes, spatial = kernel.shape[2:], kernel.ndim - 2
    dilation, more = dilation or (1,) * spatial, output_padding or (0,) * spatial
    channels, outputs = kernel.shape[:2]
    turned = kernel.numbers.reshape(groups, channels // groups, outputs, *sizes).swapaxes(1, 2)
    turned = turned.reshape(groups * outputs, channels // groups, *sizes)
    turned = np.flip(turned, axis=tuple(range(2, turned.ndim)))
    around = [
        (step * (size - 1) - low, step * (size - 1) - high + extra)
        for step, size, (low, high), extra in zip(dilation, sizes, padding, more, strict=True)
    ]
    return convolution(
        x,
        kernel.like(turned),
        (1,) * spatial,
        around,
        input_dilation=strides,
        kernel_dilation=dilation,
        groups=groups,
        format=format,
    )


def pool_windows(
    x: Cells,
    sizes: Sequence[int],
    strides: Sequence[int],
    padding: Pairs,
    dilation: Sequence[int] | None = None,
    fill: float = 0.0,
) -> Cells:
    """The windows over the last axes of x, padded with `fill`: (…, windows along each axis, entries of a window)."""
    spatial = len(sizes)
    lead = [(0, 0)] * (x.ndim - spatial)
    padded = pad(x.numbers, [*lead, *padding], int(x.tape.constant(fill).numbers))
    view = windows(padded, sizes, strides, dilation or (1,) * spatial)
    return x.like(view.reshape(*view.shape[: x.ndim], -1))


def extremum_pool(
    kind: str,
    x: Cells,
    sizes: Sequence[int],
    strides: Sequence[int],
    padding: Pairs,
    dilation: Sequence[int] | None = None,
) -> Cells:
    """The "max" or "min" over windows of the last axes; padding never is the extremum."""
    fill = -math.inf if kind == "max" else math.inf
    return x.tape.extremum(kind, pool_windows(x, sizes, strides, padding, dilation, fill), axis=-1)


def sum_pool(x: Cells, sizes: Sequence[int], strides: Sequence[int], padding: Pairs) -> Cells:
    """The sum over windows of the last axes."""
    return x.tape.sum(pool_windows(x, sizes, strides, padding), axis=-1)


def mean_pool(
    x: Cells, sizes: Sequence[int], strides: Sequence[int], padding: Pairs, count_padding: bool = True
) -> Cells:
    """The mean over windows of the last axes, of what lies inside x alone unless `count_padding`."""
    total = sum_pool(x, sizes, strides, padding)
    if count_padding:
        return total / float(math.prod(sizes))
    spatial = len(sizes)
    inside = pad(np.ones(x.shape[-spatial:], np.int64), padding, 0)
    counts = windows(inside, sizes, strides, (1,) * spatial).sum(axis=tuple(range(spatial, 2 * spatial)))
    return total / counts.astype(float)


def scatter_add(x: Cells, targets: np.ndarray, updates: Cells) -> Cells:
    """x plus each update at its target: a place in the flattened x, or -1 for nowhere. Each entry is one sum."""
    kept = targets.reshape(-1) >= 0
    places, numbers = targets.reshape(-1)[kept], updates.numbers.reshape(-1)[kept]
    order = np.argsort(places, kind="stable")
    places, numbers = places[order], numbers[order]
    result = x.numbers.reshape(-1).copy()
    hit, first, counts = np.unique(places, return_index=True, return_counts=True)
    if not hit.size:
        return x
    zero = _zero(x.tape)
    rows = np.full((len(hit), 1 + int(counts.max())), zero)
    rows[:, 0] = result[hit]
    line = np.repeat(np.arange(len(hit)), counts)
    rows[line, 1 + np.arange(len(places)) - np.repeat(first, counts)] = numbers
    if rows.shape[1] == 2 and bool((rows[:, 0] == zero).all()):
        result[hit] = rows[:, 1]
    else:
        result[hit] = x.tape.sum(x.like(rows), axis=-1).numbers
    return x.like(result.reshape(x.shape))


# Exponentials that do not overflow


def _shift(x: Cells, axis: Any) -> np.ndarray:
    # Any constant will do, mathematically, so the largest at the traced input is no kink where entries tie.
    largest = np.max(x.value, axis=axis, keepdims=True)
    return np.where(np.isfinite(largest), largest, 0.0)


def logsumexp(x: Cells, axis: Any = None, keepdims: bool = False) -> Cells:
    """log Σ exp x"""
    tape, shift = x.tape, _shift(x, tuple(axis) if isinstance(axis, list) else axis)
    total = tape.sum(tape.map("exp", x - tape.constant(shift, x.format)), axis, keepdims=True)
    result = tape.map("log", total) + tape.constant(shift, x.format)
    kept = result.numbers
    return result if keepdims else result.like(np.squeeze(kept, _axes(axis, x.ndim)))


def softmax(x: Cells, axis: int = -1) -> Cells:
    """exp x / Σ exp x"""
    exponentials = x.tape.map("exp", x - x.tape.constant(_shift(x, axis), x.format))
    return exponentials / x.tape.sum(exponentials, axis, keepdims=True)


def log_softmax(x: Cells, axis: int = -1) -> Cells:
    """x - log Σ exp x"""
    tape = x.tape
    moved = x - tape.constant(_shift(x, axis), x.format)
    return moved - tape.map("log", tape.sum(tape.map("exp", moved), axis, keepdims=True))


def logaddexp(x: Cells, y: Cells) -> Cells:
    """log (eˣ + eʸ), from the larger of the two."""
    tape = x.tape
    return _log_of_a_sum(x, y, lambda below: tape.map("log1p", tape.map("exp", below)))


def logaddexp2(x: Cells, y: Cells) -> Cells:
    """log₂ (2ˣ + 2ʸ), from the larger of the two."""
    tape, two = x.tape, x.tape.constant(2.0, x.format)
    return _log_of_a_sum(x, y, lambda below: tape.map("log2", 1.0 + tape.pow(two, below)))


def _log_of_a_sum(x: Cells, y: Cells, more: Callable[[Cells], Cells]) -> Cells:
    """The larger of the two, and what the other adds to it, by how far it is below."""
    tape = x.tape
    x_above = x.value >= y.value
    high, low = tape.choose(x_above, x, y), tape.choose(x_above, y, x)
    total = high + more(low - high)
    # Between equal infinities the difference is undefined, and the sum is that infinity.
    return tape.choose(np.isinf(high.value) & (high.value == low.value), high, total)


def erfcx(x: Cells) -> Cells:
    """exp(x²) erfc(x), by that product wherever both factors are numbers of the format: libraries compute it so, and
    lose as many digits as x² has."""
    tape = x.tape
    # The largest number of a format is near 2 to the power of 2^(bits of its exponent - 1).
    end = 0.9 * math.log(2.0) * 2.0 ** (EXPONENT_BITS[x.format] - 1)
    near = x.value**2 <= end
    close = tape.choose(near, x, tape.constant(0.0, x.format))
    product = tape.map("exp", close * close) * tape.map("erfc", close)
    return tape.choose(near, product, tape.map("erfcx", tape.choose(near, tape.constant(1.0, x.format), x)))


def ctc_loss(scores: Cells, labels: np.ndarray, blank: int) -> Cells:
    """-log of the probability of the labels, of logarithms of probabilities (time, classes), over all ways to repeat
    them and to put blanks between them: the forward recursion over the labels with blanks around each."""
    tape, count = scores.tape, 2 * len(labels) + 1
    extended = np.full(count, blank)
    extended[1::2] = labels
    scores = scores[:, extended]
    never = tape.constant(np.array([-math.inf]), scores.format)
    skips = np.array([i >= 2 and extended[i] not in (blank, extended[i - 2]) for i in range(count)])
    state = tape.choose(np.arange(count) < 2, scores[0], never)
    for row in scores[1:]:
        before = tape.concat([never, state[:-1]])
        earlier = tape.choose(skips, tape.concat([never, never, state[:-2]])[:count], never)
        state = logaddexp(logaddexp(state, before), earlier) + row
    return -(state[-1] if count == 1 else logaddexp(state[-1], state[-2]))


def softplus(x: Cells) -> Cells:
    """log (1 + eˣ)"""
    tape = x.tape
    right = x.value > 0
    decay = tape.map("log1p", tape.map("exp", tape.choose(right, -x, x)))
    return tape.choose(right, x + decay, decay)


def xlogy(x: Cells, y: Cells) -> Cells:
    """x log y, which is 0 for x = 0 whatever y is."""
    tape = x.tape
    product = x * tape.map("log", y)
    # Away from y = 0 the product itself is right, and smooth where x passes through 0.
    with np.errstate(invalid="ignore"):
        plain = np.broadcast_to((x.value != 0) | ((y.value > 0) & np.isfinite(y.value)), product.shape)
    return tape.choose(plain, product, tape.choose(tape.compare("eq", x, 0.0), tape.constant(0.0, x.format), product))


def clip(x: Cells, low: Any = None, high: Any = None) -> Cells:
    """x, no less than `low` and no more than `high`; either may be None."""
    x = x if low is None else x.tape.maximum(x, low)
    return x if high is None else x.tape.minimum(x, high)


def variance(x: Cells, axis: Any = None, correction: float = 0.0, keepdims: bool = False) -> tuple[Cells, Cells]:
    """The variance, divided by the count less `correction`, and the mean."""
    tape = x.tape
    mean = tape.mean(x, axis, keepdims=True)
    apart = x - mean
    total = tape.sum(apart * apart, axis, keepdims=keepdims)
    count = x.size // max(mean.size, 1) - correction
    mean = mean if keepdims else mean.like(np.squeeze(mean.numbers, _axes(axis, x.ndim)))
    return total / float(count), mean


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    return tuple(range(ndim)) if axis is None else tuple(axis) if isinstance(axis, tuple | list) else (axis,)


# Products of several arrays


def bilinear(product: Callable[[Cells, Cells], Cells], x: Any, y: Any) -> Any:
    """A product of two real arrays, such as a convolution, of arrays that may be complex."""
    if isinstance(x, ComplexCells) and isinstance(y, ComplexCells):
        re = product(x.re, y.re) - product(x.im, y.im)
        return ComplexCells(re, product(x.re, y.im) + product(x.im, y.re))
    if isinstance(x, ComplexCells):
        return ComplexCells(product(x.re, y), product(x.im, y))
    if isinstance(y, ComplexCells):
        return ComplexCells(product(x, y.re), product(x, y.im))
    return product(x, y)


def tensordot(x: Any, y: Any, axes: Any = 2, format: str | None = None) -> Any:
    """The sum of products over pairs of axes, as NumPy has it."""
    if isinstance(x, ComplexCells) or isinstance(y, ComplexCells):
        return bilinear(lambda p, q: tensordot(p, q, axes, format), x, y)
    if isinstance(axes, int):
        axes = (range(x.ndim - axes, x.ndim), range(axes))
    ours, theirs = ([a % n for a in np.atleast_1d(list(side))] for side, n in zip(axes, (x.ndim, y.ndim), strict=True))
    kept, others = [a for a in range(x.ndim) if a not in ours], [a for a in range(y.ndim) if a not in theirs]
    terms = math.prod(x.shape[a] for a in ours)
    left = np.transpose(x.numbers, kept + ours).reshape(-1, terms)
    right = np.transpose(y.numbers, theirs + others).reshape(terms, -1)
    product = x.tape.matmul(x.like(left), y.like(right), format)
    return product.like(product.numbers.reshape([x.shape[a] for a in kept] + [y.shape[a] for a in others]))


def einsum(equation: str, *operands: Any, format: str | None = None) -> Any:
    """Einstein's sum, as NumPy has it: one product of matrices for each pair of operands, from left to right."""
    inputs, output = _parsed(equation, [x.ndim for x in operands])
    terms = [_diagonal(letters, x) for letters, x in zip(inputs, operands, strict=True)]
    while len(terms) > 1:
        (la, a), (lb, b), *rest = terms
        needed = output + "".join(letters for letters, _ in rest)
        la, a = _summed(la, a, needed + lb)
        lb, b = _summed(lb, b, needed + la)
        letters = [c for c in la if c in lb and c in needed] + [c for c in la if c not in lb]
        letters = "".join([*letters, *(c for c in lb if c not in la)])
        terms = [(letters, bilinear(lambda p, q: _pair(la, p, lb, q, letters, format), a, b)), *rest]  # noqa: B023
    letters, x = _summed(*terms[0], output)
    return _moved(x, np.transpose, [letters.index(c) for c in output])


def _parsed(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with letters of our own in the place of "..."."""
    left, arrow, output = equation.replace(" ", "").partition("->")
    inputs = left.split(",")
    free = [c for c in string.ascii_letters if c not in equation]
    most = max((n - len(s.replace("...", "")) for s, n in zip(inputs, ranks, strict=True) if "..." in s), default=0)
    shared = "".join(free[:most])
    if not arrow:
        seen = left.replace(",", "").replace(".", "")
        output = ("..." if "..." in left else "") + "".join(sorted(c for c in set(seen) if seen.count(c) == 1))
    expanded = []
    for letters, rank in zip(inputs, ranks, strict=True):
        count = rank - len(letters.replace("...", ""))
        expanded.append(letters.replace("...", shared[most - count :] if count else ""))
    return expanded, output.replace("...", shared)


def _moved(x: Any, move: Callable, *arguments: Any) -> Any:
    return x.moved(move, *arguments) if isinstance(x, ComplexCells) else x.like(move(x.numbers, *arguments))


def _diagonal(letters: str, x: Any) -> tuple[str, Any]:
    """A letter that stands twice in one operand runs along its diagonal."""
    once = "".join(dict.fromkeys(letters))
    if once == letters:
        return letters, x
    # np.einsum takes its own letters as numbers, so that those of the equation need not be changed.
    places = [once.index(c) for c in letters]
    return once, _moved(x, lambda numbers: np.einsum(numbers, places, list(range(len(once)))))


def _summed(letters: str, x: Any, needed: str) -> tuple[str, Any]:
    """Summed over the letters that nobody else has."""
    gone = tuple(i for i, c in enumerate(letters) if c not in needed)
    if not gone:
        return letters, x
    tape = x.tape
    total = (
        ComplexCells(tape.sum(x.re, gone), tape.sum(x.im, gone)) if isinstance(x, ComplexCells) else tape.sum(x, gone)
    )
    return "".join(c for c in letters if c in needed), total


def _pair(la: str, a: Cells, lb: str, b: Cells, result: str, format: str | None) -> Cells:
    sizes: dict[str, int] = {}
    for c, n in itertools.chain(zip(la, a.shape, strict=True), zip(lb, b.shape, strict=True)):
        sizes[c] = max(sizes.get(c, 1), n)
    a, b = (x.like(np.broadcast_to(x.numbers, [sizes[c] for c in letters])) for letters, x in ((la, a), (lb, b)))
    batch = [c for c in la if c in lb and c in result]
    contracted = [c for c in la if c in lb and c not in result]
    ours, theirs = [c for c in la if c not in lb], [c for c in lb if c not in la]

    def count(letters: Sequence[str]) -> int:
        return math.prod(sizes[c] for c in letters)

    left = np.transpose(a.numbers, [la.index(c) for c in batch + ours + contracted])
    right = np.transpose(b.numbers, [lb.index(c) for c in batch + contracted + theirs])
    left = a.like(left.reshape(count(batch), count(ours), count(contracted)))
    right = b.like(right.reshape(count(batch), count(contracted), count(theirs)))
    product = a.tape.matmul(left, right, format) if contracted else a.tape.map("mul", left, right, format=format)
    return product.like(product.numbers.reshape([sizes[c] for c in result]))


# Fourier transforms


def fourier(x: Any, sign: int, axis: int = -1, length: int | None = None) -> ComplexCells:
    """yₖ = Σⱼ xⱼ e^(sign 2πi jk/n) along an axis, of x cut or filled up with zeros to `length`; not scaled."""
    z = lifted(x.tape, x)
    parts = [_fit(part, axis, z.shape[axis] if length is None else length) for part in (z.re, z.im)]
    moved = [np.moveaxis(part.numbers, axis, -1) for part in parts]
    result = x.tape.fourier(z.re.like(moved[0]), z.im.like(moved[1]), sign)
    return ComplexCells(*(part.like(np.moveaxis(part.numbers, -1, axis)) for part in result))


def fourier_of_many(
    x: Any, sign: int, axes: Sequence[int], lengths: Sequence[int | None] | None = None
) -> ComplexCells:
    """The transform along several axes, one after the other."""
    for axis, length in zip(axes, lengths or [None] * len(axes), strict=True):
        x = fourier(x, sign, axis, length)
    return lifted(x.tape, x)


def half_of_fourier(x: Cells, axis: int = -1, length: int | None = None, sign: int = -1) -> ComplexCells:
    """The first n // 2 + 1 entries of the transform of real numbers: the others are their conjugates."""
    whole = fourier(x, sign, axis, length)
    return whole.moved(np.take, np.arange(whole.shape[axis] // 2 + 1), axis)


def fourier_from_half(x: ComplexCells, axis: int, length: int, sign: int = 1) -> Cells:
    """The transform, which is real, of `length` numbers given by their first half; the others are the conjugates, and
    what must be real for that is taken to be."""
    z, tape = lifted(x.tape, x), x.tape
    re, im = (np.moveaxis(_fit(part, axis, length // 2 + 1).numbers, axis, -1) for part in (z.re, z.im))
    zero = np.full_like(im[..., :1], _zero(tape))
    im = np.concatenate([zero, im[..., 1:]], -1)
    if length % 2 == 0 and length > 1:
        im = np.concatenate([im[..., :-1], zero], -1)
    rest = slice(1, (length + 1) // 2)
    mirrored = -z.im.like(im[..., rest][..., ::-1])
    re = np.concatenate([re, re[..., rest][..., ::-1]], -1)
    im = np.concatenate([im, mirrored.numbers], -1)
    result = tape.fourier(z.re.like(re), z.im.like(im), sign)[0]
    return result.like(np.moveaxis(result.numbers, -1, axis))


def _fit(x: Cells, axis: int, length: int) -> Cells:
    widths = [(0, 0)] * x.ndim
    widths[axis] = (0, length - x.shape[axis])
    return x.like(pad(x.numbers, widths, _zero(x.tape)))
