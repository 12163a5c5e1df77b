"""Calls of a function of which no list gives one: arguments from a table of hints written by hand, else those of a few
usual forms with which the function gives an array of finite numbers."""

import inspect
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gradproof.backends.operations import Sample

ENOUGH = 2
"""So many forms that work are kept."""


@dataclass(frozen=True)
class Array:
    """An argument that is an array, by the kind of its numbers. One that is `fixed` is not differentiated, whatever it
    holds."""

    kind: str
    shape: tuple[int, ...]
    below: int = 2
    is_fixed: bool = False

    @property
    def is_data(self) -> bool:
        """Whether it holds integers or booleans."""
        return self.kind in ("index", "truth")

    def values(self, random: np.random.Generator, dtype: str) -> np.ndarray:
        """Its numbers."""
        if self.kind == "index":
            return random.integers(0, self.below, self.shape)
        if self.kind == "truth":
            return random.integers(0, 2, self.shape).astype(bool)
        real = _KINDS[self.kind](random, self.shape)
        if not dtype.startswith("complex"):
            return real
        other = 0.5 * random.uniform(-1, 1, self.shape)
        return real + 1j * (_hermitian(other) if self.kind in ("definite", "symmetric") else other)


def _definite(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    x = random.uniform(-1, 1, shape)
    return x @ np.swapaxes(x, -1, -2) + shape[-1] * np.eye(shape[-1])


def _symmetric(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    x = random.uniform(-2, 2, shape)
    return x + np.swapaxes(x, -1, -2)


def _hermitian(x: np.ndarray) -> np.ndarray:
    return x - np.swapaxes(x, -1, -2)


def _simplex(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    x = random.uniform(0.5, 1.5, shape)
    return x / x.sum(-1, keepdims=True)


_KINDS: Mapping[str, Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]] = {
    "real": lambda random, shape: random.uniform(-2, 2, shape),
    "positive": lambda random, shape: random.uniform(0.3, 3, shape),
    "unit": lambda random, shape: random.uniform(0.1, 0.9, shape),
    "inside": lambda random, shape: random.uniform(-0.9, 0.9, shape),
    "above one": lambda random, shape: random.uniform(1.2, 3, shape),
    "definite": _definite,
    "symmetric": _symmetric,
    "regular": lambda random, shape: random.uniform(-1, 1, shape) + 2 * np.eye(shape[-2], shape[-1]),
    "triangular": lambda random, shape: np.tril(random.uniform(-1, 1, shape)) + 2 * np.eye(shape[-1]),
    "simplex": _simplex,
    "increasing": lambda random, shape: np.cumsum(random.uniform(0.3, 1, shape), -1),
    "whole": lambda random, shape: random.integers(1, 4, shape).astype(float),
}


def real(*shape: int) -> Array:
    """Numbers of either sign."""
    return Array("real", shape)


def positive(*shape: int) -> Array:
    """Positive numbers."""
    return Array("positive", shape)


def unit(*shape: int) -> Array:
    """Probabilities: numbers between 0 and 1."""
    return Array("unit", shape)


def inside(*shape: int) -> Array:
    """Numbers between -1 and 1."""
    return Array("inside", shape)


def above_one(*shape: int) -> Array:
    """Numbers larger than 1."""
    return Array("above one", shape)


def definite(*shape: int) -> Array:
    """Symmetric positive definite matrices."""
    return Array("definite", shape)


def symmetric(*shape: int) -> Array:
    """Symmetric matrices."""
    return Array("symmetric", shape)


def regular(*shape: int) -> Array:
    """Matrices of full rank."""
    return Array("regular", shape)


def triangular(*shape: int) -> Array:
    """Lower triangular matrices of full rank."""
    return Array("triangular", shape)


def simplex(*shape: int) -> Array:
    """Probabilities that sum to 1 along the last axis."""
    return Array("simplex", shape)


def increasing(*shape: int) -> Array:
    """Numbers in ascending order along the last axis."""
    return Array("increasing", shape)


def whole(*shape: int) -> Array:
    """Small whole numbers, as floating-point numbers."""
    return Array("whole", shape)


def index(*shape: int, below: int) -> Array:
    """Integers from 0."""
    return Array("index", shape, below)


def truth(*shape: int) -> Array:
    """Booleans."""
    return Array("truth", shape)


def fixed(array: Array) -> Array:
    """The same, held fixed: what is an order, a count or an edge, and has no derivative that means anything."""
    return replace(array, is_fixed=True)


@dataclass(frozen=True)
class Form:
    """The arguments of a call: arrays, lists and tuples of them, and whatever is handed over as it is."""

    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any] = field(default_factory=dict)


def form(*arguments: Any, **keywords: Any) -> Form:
    """A form."""
    return Form(arguments, keywords)


@dataclass(frozen=True)
class Prober:
    """How calls are made in one framework: `array(values, dtype)` makes an array of floating-point or complex numbers,
    `data(values)` one of integers or booleans, and `is_answer(result)` says whether a result has a derivative."""

    array: Callable[[np.ndarray, str], Any]
    data: Callable[[np.ndarray], Any]
    is_answer: Callable[[Any], bool]

    def sample(self, name: str, f: Callable, given: Form, dtype: str) -> Sample:
        """The call of a form in a dtype."""
        random = np.random.default_rng(zlib.crc32(name.encode()))
        arrays: list[Any] = []

        def filled(value: Any) -> Any:
            if isinstance(value, Array):
                numbers = value.values(random, dtype)
                array = self.data(numbers) if value.is_data else self.array(numbers, dtype)
                if value.is_fixed:
                    return array
                arrays.append(array)
                return _Place(len(arrays) - 1)
            return type(value)(map(filled, value)) if type(value) in (list, tuple) else value

        arguments = [filled(value) for value in given.arguments]
        keywords = {key: filled(value) for key, value in given.keywords.items()}

        def call(*own: Any) -> Any:
            return f(*_put(arguments, own), **{key: _put(value, own) for key, value in keywords.items()})

        return Sample(call, tuple(arrays), _written(name, given))

    def working(self, name: str, f: Callable, forms: Sequence[Form]) -> list[Form]:
        """Those forms, up to a few, with which the function answers."""
        found: list[Form] = []
        for given in forms:
            sample = self.sample(name, f, given, "float64")
            try:
                if self.is_answer(sample.f(*sample.args)):
                    found.append(given)
            except Exception:  # whatever a function raises that takes other arguments
                continue
            if len(found) == ENOUGH:
                break
        return found


@dataclass(frozen=True)
class _Place:
    number: int


def _put(value: Any, arrays: Sequence[Any]) -> Any:
    if isinstance(value, _Place):
        return arrays[value.number]
    return type(value)(_put(part, arrays) for part in value) if type(value) in (list, tuple) else value


def _written(name: str, given: Form) -> str:
    parts = [*map(_shown, given.arguments), *(f"{key}={_shown(value)}" for key, value in given.keywords.items())]
    return f"{name}({', '.join(parts)})"


def _shown(value: Any) -> str:
    if isinstance(value, Array):
        return f"{value.kind}{list(value.shape)}"
    if type(value) in (list, tuple):
        return f"[{', '.join(map(_shown, value))}]"
    return getattr(value, "__name__", repr(value))


PARAMETERS: Mapping[str, Any] = {
    "axis": 0,
    "axes": (0,),
    "dim": 0,
    "dimension": 0,
    "n": 2,
    "k": 1,
    "reps": 2,
    "shape": (2, 3),
    "indices": index(2, below=2),
    "condition": truth(2, 3),
    "mask": truth(2, 3),
}
"""What a parameter of this name takes where nothing else is said of the function."""

KINDS = (
    *("real", "positive", "unit", "above one", "inside", "definite", "regular", "triangular", "simplex", "increasing"),
    "whole",
)
SHAPES = ((2, 3), (4,), (3, 3), (2, 3, 3))
SQUARE = ("definite", "regular", "triangular")


def usual_forms(f: Callable) -> Iterator[Form]:
    """The usual forms of a call: as many arrays as the function has parameters without a default."""
    for count, fixed in _counts(f):
        for kind in KINDS:
            for shape in SHAPES:
                if kind not in SQUARE or (len(shape) > 1 and shape[-1] == shape[-2]):
                    array = Array(kind, shape)
                    yield Form(tuple(fixed.get(i, array) for i in range(count)))
                    if count == 1:
                        yield Form(([array, array],))


def _counts(f: Callable) -> list[tuple[int, dict[int, Any]]]:
    """How many arguments to give, and which of them are no arrays of the usual kind."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        return [(1, {}), (2, {}), (3, {})]
    if any(p.kind == p.VAR_POSITIONAL for p in parameters):
        return [(1, {}), (2, {})]
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p for p in positional if p.default is p.empty]
    fixed = {i: PARAMETERS[p.name] for i, p in enumerate(needed) if p.name in PARAMETERS}
    return [(len(needed), fixed)] if needed else [(1, {})]
