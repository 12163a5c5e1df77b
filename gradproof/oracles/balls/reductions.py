"""Sums, products and extrema over axes, with what any order of the terms allows, and what is made of sums: products of
matrices, softmax and log-sum-exp."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from flint import arb

from gradproof.oracles.balls.arrays import Balls, objects, vectorized
from gradproof.oracles.balls.elementwise import Elementwise
from gradproof.oracles.balls.shapes import Shapes


class Reductions(Elementwise, Shapes):
    """An evaluation that reduces arrays over their axes."""

    # Sums

    def sum(self, x: Any, *, axis: Any = None, keepdims: bool = False, **_: Any) -> Balls:
        x = self._lift(x)
        entries = self._summands(x, axis)
        total = objects(np.sum(entries, axis=axis, keepdims=keepdims, initial=arb(0)))
        return Balls(total if self.model is None else self._in_range(total), self)

    def mean(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Balls:
        x = self._lift(x)
        total, terms = self.sum(x, axis=axis, keepdims=keepdims), self._terms(x, axis)
        return total if terms == 1 else total / terms  # a division by 1 rounds nothing

    def cumulative_sum(self, x: Any, *, axis: int | None = None, include_initial: bool = False, **_: Any) -> Balls:
        axis = 0 if axis is None else axis
        total = np.cumsum(self._summands(self._lift(x), axis), axis=axis)
        result = Balls(total if self.model is None else self._in_range(total), self)
        return self._behind(0.0, result, axis) if include_initial else result

    def _behind(self, start: float, x: Balls, axis: int) -> Balls:
        shape = [1 if a == axis % x.ndim else n for a, n in enumerate(x.shape)]
        return self.concat([self.full(shape, start), x], axis=axis)

    def _summands(self, x: Balls, axis: Any) -> np.ndarray:
        # Each of n terms is rounded up to n - 1 times on its way through the sum, in whatever order that is taken; and
        # in some order the terms of one sign come first.
        terms = self._terms(x, axis)
        if self.model is None or terms < 2:
            return x.entries
        with np.errstate(over="ignore"):
            sizes = np.sum(np.abs(self.center(x.entries).astype(float)), axis=axis)
        self.overflowed |= bool((sizes > self.model.format.largest).any())
        return x.entries * self.model.factor("add", terms - 1)

    @staticmethod
    def _terms(x: Balls, axis: Any) -> int:
        axes = range(x.ndim) if axis is None else (axis if isinstance(axis, tuple) else (axis,))
        return math.prod(x.shape[a] for a in axes)

    # Products

    def prod(self, x: Any, *, axis: Any = None, keepdims: bool = False, **_: Any) -> Balls:
        x = self._lift(x)
        product = objects(np.prod(x.entries, axis=axis, keepdims=keepdims, initial=arb(1)))
        if self.model is not None:
            product = self._in_any_order(product, x, partial(np.sum, axis=axis, keepdims=keepdims))
        return self._rounded(product, "multiply", max(self._terms(x, axis) - 1, 0))

    def _in_any_order(self, product: np.ndarray, x: Balls, total: Callable) -> np.ndarray:
        # In some order the factors above 1 come first, and may overflow; in another those below, and may give zero.
        sizes = np.abs(self.center(x.entries).astype(float))
        powers = np.log2(sizes, out=np.zeros_like(sizes), where=sizes > 0)
        self.overflowed |= bool((total(np.maximum(powers, 0)) > math.log2(self.model.format.largest)).any())
        lost = total(np.minimum(powers, 0)) < math.log2(self.model.format.tiny)
        either = vectorized(lambda value, may_be_zero: self.hull(value, 0 * value) if may_be_zero else value, 2)
        return objects(either(product, lost))

    def cumulative_prod(self, x: Any, *, axis: int | None = None, include_initial: bool = False, **_: Any) -> Balls:
        x, axis = self._lift(x), 0 if axis is None else axis
        products = np.cumprod(x.entries, axis=axis)
        if self.model is not None:
            products = self._in_any_order(products, x, partial(np.cumsum, axis=axis))
        result = self._rounded(products, "multiply", self._terms(x, axis))
        return self._behind(1.0, result, axis) if include_initial else result

    # Extrema

    def max(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Balls:
        return self._select(self.maximum, x, axis, keepdims)

    def min(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Balls:
        return self._select(self.minimum, x, axis, keepdims)

    def _select(self, choose: Callable, x: Any, axis: Any, keepdims: bool) -> Balls:
        x = self._lift(x)
        axes = tuple(range(x.ndim)) if axis is None else (axis if isinstance(axis, tuple) else (axis,))
        axes = tuple(a % x.ndim for a in axes)
        front = np.moveaxis(x.entries, axes, range(len(axes)))
        rows = front.reshape((-1, *front.shape[len(axes) :]))
        best = Balls(rows[0], self)
        for row in rows[1:]:
            best = choose(best, Balls(row, self))
        shape = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
        return Balls(best.entries.reshape(shape), self) if keepdims else best

    # What is made of sums

    def matmul(self, x: Any, y: Any) -> Balls:
        x, y = self._lift(x), self._lift(y)
        left = x.entries[None, :] if x.ndim == 1 else x.entries
        right = y.entries[:, None] if y.ndim == 1 else y.entries
        # Not np.matmul, which would take a Taylor series for a sequence of numbers.
        products = self.multiply(Balls(left[..., :, :, None], self), Balls(right[..., None, :, :], self))
        total = self.sum(products, axis=-2)
        total = total[..., 0, :] if x.ndim == 1 else total
        return total[..., 0] if y.ndim == 1 else total

    def tensordot(self, x: Any, y: Any, *, axes: Any = 2) -> Balls:
        x, y = self._lift(x), self._lift(y)
        if isinstance(axes, int):
            axes = (range(x.ndim - axes, x.ndim), range(axes))
        ours, theirs = [a % x.ndim for a in axes[0]], [a % y.ndim for a in axes[1]]
        kept, others = [a for a in range(x.ndim) if a not in ours], [a for a in range(y.ndim) if a not in theirs]
        terms = math.prod(x.shape[a] for a in ours)
        left = np.transpose(x.entries, kept + ours).reshape(-1, terms)
        right = np.transpose(y.entries, theirs + others).reshape(terms, -1)
        shape = [x.shape[a] for a in kept] + [y.shape[a] for a in others]
        return self.reshape(self.matmul(Balls(left, self), Balls(right, self)), shape)

    def softmax(self, x: Any, *, axis: int = -1) -> Balls:
        x = self._lift(x)
        exponentials = self.elementwise("exp", x - self._shift(x, axis))
        return exponentials / self.sum(exponentials, axis=axis, keepdims=True)

    def logsumexp(self, x: Any, *, axis: Any = None, keepdims: bool = False) -> Balls:
        x = self._lift(x)
        shift = self._shift(x, axis)
        total = self.sum(self.elementwise("exp", x - shift), axis=axis, keepdims=True)
        result = self.elementwise("log", total) + shift
        axes = tuple(range(x.ndim)) if axis is None else axis
        return result if keepdims else self.squeeze(result, axes)

    def _shift(self, x: Balls, axis: Any) -> Balls:
        # Any constant will do, mathematically: the largest midpoint, without a comparison that could be a kink.
        largest = np.max(self._midpoints(x), axis=axis, keepdims=True)
        return Balls(objects(vectorized(lambda value: arb(float(value)))(largest)), self)
