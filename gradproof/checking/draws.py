"""More inputs than the one that was given: beside it, or from Hypothesis strategies; and simpler ones than a drawn
input that fails."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from gradproof.checking.problem import Problem

OF_STRATEGIES = 25
"""So many inputs are drawn from strategies where no number is given."""

DECIMALS = (0, 1, 2, 4)
"""To so many decimals the entries of a failing draw are rounded, the fewest first."""


def drawn_arguments(args: Any, draws: int) -> list[Any]:
    """The arguments as they were given, or drawn, where strategies stand in their place."""
    if isinstance(args, st.SearchStrategy):
        strategy = args
    elif any(isinstance(arg, st.SearchStrategy) for arg in args):
        strategy = st.tuples(*(arg if isinstance(arg, st.SearchStrategy) else st.just(arg) for arg in args))
    else:
        return [args]
    found: list[Any] = []

    @settings(
        max_examples=draws or OF_STRATEGIES,
        phases=(Phase.generate,),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @seed(0)
    @given(strategy)
    def draw(value: Any) -> None:
        found.append(value)

    draw()
    return found


def drawn(problem: Problem, count: int) -> Iterator[list[Any]]:
    """So many inputs beside the given ones, always the same. Numbers of one sign keep it: they may be where the
    function has its domain."""
    random = np.random.default_rng(zlib.crc32(problem.name.encode()))
    for _ in range(count):
        yield [_beside(problem, leaf, random) for leaf in problem.leaves]


def _beside(problem: Problem, leaf: Any, random: np.random.Generator) -> Any:
    values = np.asarray(problem.calls.to_numpy(leaf))
    if np.iscomplexobj(values):
        moved = _moved(values.real, random) + 1j * _moved(values.imag, random)
    else:
        moved = _moved(values.astype(np.float64), random)
    return problem.calls.like(moved, leaf, problem.calls.dtype_of(leaf))


def _moved(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    stretched = values * np.exp(random.normal(0.0, 0.7, values.shape))
    if (values > 0).all() or (values < 0).all():
        return stretched
    size = np.sqrt(np.mean(values**2)) if values.any() else 1.0
    return stretched + 0.5 * size * random.normal(0.0, 1.0, values.shape)


def simpler(problem: Problem, arrays: Sequence[Any], fails: Callable[[list[Any]], bool]) -> list[Any]:
    """An input of fewer digits that fails as well; the same where there is none."""
    for decimals in DECIMALS:
        rounded = [
            problem.calls.like(np.round(problem.calls.to_numpy(array), decimals), array, argument.dtype)
            for array, argument in zip(arrays, problem.arguments, strict=True)
        ]
        if fails(rounded):
            return rounded
    return list(arrays)
