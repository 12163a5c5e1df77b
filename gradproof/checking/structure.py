"""The gradient asked for in other ways, of which each gives the same: of a few arguments at a time, of a few results at
a time, and with what comes in lying otherwise in memory. A rule of somebody's own may be told of each, and go wrong
there alone."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gradproof.checking.problem import Problem

EACH_ALONE = 4
"""So many arguments, or results, are taken one at a time; of more every second, and then the others."""

FACTOR = -0.5
"""What the last of the parts of a result is multiplied by: a rule may do otherwise with a gradient of another size. It
is not -2, by which a gradient may leave the range."""


def in_groups(count: int) -> list[list[int]]:
    """The numbers up to `count`, one at a time where they are few; else in two groups."""
    numbers = list(range(count))
    return [[number] for number in numbers] if count <= EACH_ALONE else [numbers[::2], numbers[1::2]]


def of_few_arguments(problem: Problem, arrays: Sequence[Any]) -> tuple[Any, ...]:
    """The gradient, put together of those of a few arguments, while the others are constants."""
    found: list[Any] = [None] * len(arrays)
    for group in in_groups(len(arrays)):
        restricted = problem.calls.restricted(problem.scalar, group, arrays)
        gradient = problem.calls.transformations.gradient(restricted)
        for number, part in zip(group, gradient(*(arrays[number] for number in group)), strict=True):
            found[number] = part
    return tuple(found)


def handed_otherwise(problem: Problem, arrays: Sequence[Any]) -> tuple[tuple[Any, ...], bool]:
    """The gradient where what comes in is every second entry of a larger array; and whether the backward pass has
    written to that array."""
    calls, kept = problem.calls, []

    def results_of(*given: Any) -> list[Any]:
        pairs = zip(problem.results_of(*given), problem.weights.values(), strict=True)
        return [result if w is None else calls.handed(result, kept) for result, w in pairs]

    other = problem.contracted(list(problem.weights.values()), results_of)
    given = calls.transformations.gradient(other.scalar)(*arrays)
    pairs = [(calls.to_numpy(handed), calls.to_numpy(copy)) for handed, copy in kept]
    return given, not all(np.array_equal(handed, copy, equal_nan=True) for handed, copy in pairs)


def of_few_results(problem: Problem) -> Iterator[tuple[str, float, Problem]]:
    """The same function with a part of its results, the words for which, and the factor that they are multiplied by.
    The gradients of all parts, without these factors, are that of the whole; there are none of a real number."""
    weights = problem.weights
    used = [path for path, w in weights.items() if w is not None]
    if len(used) == 1:
        # Of an array every second entry, so that zeros come in for the others.
        (path,) = used
        order = np.arange(weights[path].size).reshape(weights[path].shape) % 2
        words = "where every second entry of the gradient that comes in is 0"
        parts = [(words, {path: weights[path] * (order == k)}) for k in (0, 1)]
        parts = parts if weights[path].size > 1 else []
    else:
        groups = ([used[number] for number in group] for group in in_groups(len(used)))
        words = "where of the results only {} is used"
        parts = [(words.format(", ".join(group)), {path: weights[path] for path in group}) for group in groups]
    for number, (words, kept) in enumerate(parts, 1):
        factor = FACTOR if number == len(parts) else 1.0
        some = [factor * kept[path] if path in kept else None for path in weights]
        yield words, factor, problem.contracted(some)
