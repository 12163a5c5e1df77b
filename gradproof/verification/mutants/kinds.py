"""The kinds of wrong gradient: what each makes of the right one in a backend's arrays, and what that is exactly.

Most of them multiply the entries by factors and move them to other places. The same factors and places are applied to
the exact gradient, so that whether a mutant is one at all, or gives the true answer under another name, is decided by
exact arithmetic and not by the judge who is tried here."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from gradproof.backends import MODES, Adapter, Unsupported
from gradproof.backends.adapter import REAL_PART
from gradproof.oracles.machine_model import FORMATS
from gradproof.oracles.reference import Truth
from gradproof.registry import Inputs
from gradproof.registry.domains import Domain

ABOVE = 1 + 2.0**-8
"""By so much more than the stated strength is an entry off that must be seen."""

ROUNDINGS = 4.0
"""So many roundings of the format an error is larger besides, some of which it loses while it is planted."""

NARROWER = {"float64": "float32", "complex128": "complex64"}
"""The dtype of half the digits."""

Change = Callable[[Any, Any], Any]
"""From an argument and its right gradient (in a rule: its cotangent) to what is given in its place."""

Exact = Callable[[int], np.ndarray | None]
"""From the number of an input to the exact answer of a mutant there, (entries, parts) of balls; None for what is no
array of as many numbers."""


@dataclass(frozen=True)
class Site:
    """One argument of a function in a cell, in which mutants are planted.

    `inputs` are those that have been tried, and then further ones, at which it is asked whether a mutant is one at all;
    `truths` what is true there. `given` is the backend's own right gradient at the first; `strength` the relative error
    of the largest entry that the report promises to see there (None where it promises nothing); `middle` parts the
    argument's domain in two."""

    adapter: Adapter
    dtype: str
    mode: str
    argument: int
    name: str
    domain: Domain
    given: np.ndarray
    strength: float | None
    middle: float
    inputs: list[Inputs]
    truths: list[Truth]

    @property
    def own_dtype(self) -> str:
        """The dtype of this argument: in a complex cell a real one has that of the parts."""
        return self.dtype if self.domain.is_complex else REAL_PART.get(self.dtype, self.dtype)

    @property
    def xp(self) -> Any:
        """The namespace of the cell."""
        return self.adapter.namespace(self.dtype, "cpu")

    @property
    def size(self) -> int:
        """The number of entries; a complex one is one entry."""
        return math.prod(self.domain.shape)

    def array(self, values: np.ndarray) -> Any:
        """Real factors as an array of the backend, in the argument's dtype."""
        return self.xp.asarray(values.astype(np.complex128 if self.domain.is_complex else np.float64))

    def entries(self, number: int) -> np.ndarray:
        """The true gradient at an input: (entries, 1), or (entries, 2) where it is complex."""
        return self.truths[number].gradient[self.argument].balls.reshape(self.size, -1)

    @property
    def sizes(self) -> np.ndarray:
        """How large the entries of the first true gradient are."""
        return np.abs(self.entries(0).astype(float)).max(axis=1)


@dataclass(frozen=True)
class Mutant:
    """A wrong gradient: `plant` makes the code that gives it, anew each time, for it may remember calls; `exact` is
    what it gives in exact arithmetic."""

    plant: Callable[[], Change]
    exact: Exact


@dataclass(frozen=True)
class Kind:
    """A kind of wrong gradient. `make` gives the mutant at a site, or None where there is none of this kind.

    `reverse_only`: it is planted in the mode `reverse` alone. `symmetric`: as a rule of forward mode it gives the same
    wrong gradient."""

    name: str
    make: Callable[[Site], Mutant | None]
    reverse_only: bool = False
    symmetric: bool = False


# What is made of the entries


def _entrywise(site: Site, factors: np.ndarray | None = None, places: np.ndarray | None = None) -> Mutant:
    """Every entry is that at another of the `places`, times one of the `factors`."""
    xp = site.xp

    def change(x: Any, g: Any) -> Any:
        flat = xp.reshape(g, (site.size,))
        flat = flat if places is None else xp.take(flat, xp.asarray(places), axis=0)
        return xp.reshape(flat if factors is None else flat * site.array(factors), site.domain.shape)

    def exact(number: int) -> np.ndarray:
        entries = site.entries(number)
        entries = entries if places is None else entries[places]
        return entries if factors is None else entries * factors.astype(object)[:, None]

    return Mutant(lambda: change, exact)


def _everywhere(factor: float) -> Callable[[Site], Mutant | None]:
    return lambda site: _entrywise(site, np.full(site.size, factor))


def _one_entry(site: Site, place: int, factor: float) -> Mutant:
    factors = np.ones(site.size)
    factors[place] = factor
    return _entrywise(site, factors)


def _off_by(times: float) -> Callable[[Site], Mutant | None]:
    """The largest entry times 1 + d, away from the truth, where d is so many times the stated strength."""

    def make(site: Site) -> Mutant | None:
        if site.strength is None:
            return None
        place = int(np.argmax(site.sizes))
        # A complex entry is turned away from the truth in neither part: its larger one is moved.
        part = int(np.argmax(np.abs(site.entries(0)[place].astype(float))))
        got, true = site.given.reshape(site.size, -1)[place][part], site.entries(0)[place][part]
        away = 1.0 if float((arb(float(got)) - true) * true) >= 0 else -1.0
        rounding = ROUNDINGS * FORMATS[REAL_PART.get(site.dtype, site.dtype)].unit_roundoff
        return _one_entry(site, place, 1 + away * (times * site.strength + rounding))

    return make


def _swapped(site: Site) -> Mutant | None:
    if site.size < 2:
        return None
    places, values = np.arange(site.size), site.entries(0).astype(float)[:, 0]
    one, two = int(np.argmin(values)), int(np.argmax(values))
    if one == two:
        one, two = 0, site.size - 1
    places[[one, two]] = places[[two, one]]
    return _entrywise(site, places=places)


def _reversed(site: Site) -> Mutant | None:
    return _entrywise(site, places=np.arange(site.size)[::-1].copy()) if site.size > 1 else None


def _transposed(site: Site) -> Mutant | None:
    shape = site.domain.shape
    if len(shape) < 2 or min(shape[-2:]) < 2:
        return None
    return _entrywise(site, places=np.arange(site.size).reshape(shape).swapaxes(-1, -2).reshape(-1))


def _first_for_all(site: Site) -> Mutant | None:
    return _entrywise(site, places=np.zeros(site.size, dtype=int)) if site.size > 1 else None


def _conjugated(site: Site) -> Mutant | None:
    if not site.domain.is_complex:
        return None
    return Mutant(
        lambda: lambda x, g: site.xp.conj(g), lambda number: site.entries(number) * np.array([1, -1], dtype=object)
    )


def _in_a_branch(above: bool) -> Callable[[Site], Mutant | None]:
    """Twice the entry where the argument's is above the middle, or where it is not."""

    def make(site: Site) -> Mutant | None:
        xp, inside, outside = site.xp, 2.0 if above else 1.0, 1.0 if above else 2.0

        def change(x: Any, g: Any) -> Any:
            two, one = (site.array(np.full(site.domain.shape, factor)) for factor in (inside, outside))
            return g * xp.where((xp.real(x) if site.domain.is_complex else x) > site.middle, two, one)

        def exact(number: int) -> np.ndarray:
            x = site.inputs[number][site.argument].reshape(site.size, -1)[:, :1]
            return site.entries(number) * np.where(x > site.middle, inside, outside).astype(object)

        return Mutant(lambda: change, exact) if site.size else None

    return make


# What is no number, or no such array


def _none(site: Site) -> Mutant:
    # What is None counts as 0 where it may be None at all.
    return Mutant(lambda: lambda x, g: None, lambda number: site.entries(number) * 0)


def _of_another_dtype(site: Site) -> Mutant | None:
    dtype = NARROWER.get(site.own_dtype)
    if not dtype:
        return None
    # A framework may widen it again, which brings back no digits.
    widened = _digits_lost(site) if site.adapter.differentiates else None
    return Mutant(lambda: lambda x, g: site.xp.astype(g, dtype), widened.exact if widened else lambda number: None)


def _with_an_axis(length: int) -> Callable[[Site], Mutant | None]:
    """As many copies along a new first axis. A framework may sum over it, as over what was broadcast."""

    def make(site: Site) -> Mutant:
        def exact(number: int) -> np.ndarray | None:
            return site.entries(number) * length if site.adapter.differentiates else None

        return Mutant(lambda: lambda x, g: site.xp.stack([g] * length), exact)

    return make


def _digits_lost(site: Site) -> Mutant | None:
    dtype, xp = NARROWER.get(site.own_dtype), site.xp
    if not dtype:
        return None
    format = FORMATS[REAL_PART.get(dtype, dtype)]

    def exact(number: int) -> np.ndarray:
        entries = site.entries(number)
        rounded = format.rounded(entries.astype(float))
        kept = np.frompyfunc(lambda ball, near: ball if ball.overlaps(arb(near)) else arb(near), 2, 1)
        return kept(entries, rounded)

    return Mutant(lambda: lambda x, g: xp.astype(xp.astype(g, dtype), site.own_dtype), exact)


# What depends on when and how it is called


def _stale(site: Site) -> Mutant:
    def plant() -> Change:
        seen: list[Any] = []

        def change(x: Any, g: Any) -> Any:
            seen.append(g)
            return seen[max(len(seen) - 2, 0)]

        return change

    return Mutant(plant, lambda number: site.entries(max(number - 1, 0)))


def _second_time(site: Site) -> Mutant:
    def plant() -> Change:
        calls: list[None] = []

        def change(x: Any, g: Any) -> Any:
            calls.append(None)
            return g if len(calls) == 1 else 2 * g

        return change

    return Mutant(plant, lambda number: site.entries(number) * 2)


def _only(when: Callable[[Adapter, Any], bool], modes: tuple[str, ...]) -> Callable[[Site], Mutant | None]:
    """Doubled where the code is run in some way; there are none in modes in which it is not."""

    def make(site: Site) -> Mutant | None:
        if site.mode not in modes:
            return None
        try:
            when(site.adapter, site.adapter.array(np.zeros(()), site.dtype, "cpu"))
        except Unsupported:
            return None
        doubled = Mutant(
            lambda: lambda x, g: 2 * g if when(site.adapter, g) else g, lambda number: site.entries(number) * 2
        )
        return doubled

    return make


COMPILED = ("compiled", "xla")
MAPPED = tuple(name for name, mode in MODES.items() if mode.batched)

VALUE = "wrong only in the value"
"""The one kind that is planted in the function and not in the gradient of an argument."""

AT_STRENGTH = "one entry times 1 + d, at the stated strength"

KINDS = (
    Kind("the other sign", _everywhere(-1.0), symmetric=True),
    Kind(AT_STRENGTH, _off_by(ABOVE), symmetric=True),
    Kind("one entry times 1 + d, at ten times the strength", _off_by(10.0), reverse_only=True),
    Kind("doubled", _everywhere(2.0), reverse_only=True),
    Kind("two entries swapped", _swapped, symmetric=True),
    Kind("transposed", _transposed, reverse_only=True),
    Kind("in reverse order", _reversed, reverse_only=True),
    Kind("the first entry in place of all", _first_for_all, reverse_only=True),
    Kind("conjugated", _conjugated),
    Kind("zero", _everywhere(0.0), symmetric=True),
    Kind("NaN in the smallest entry", lambda at: _one_entry(at, int(np.argmin(at.sizes)), math.nan), symmetric=True),
    Kind("infinite in the largest entry", lambda at: _one_entry(at, int(np.argmax(at.sizes)), math.inf)),
    Kind("None", _none, reverse_only=True),
    Kind("wrong only in the upper branch", _in_a_branch(True), symmetric=True),
    Kind("wrong only in the lower branch", _in_a_branch(False), symmetric=True),
    Kind("stale: that of the input before", _stale, reverse_only=True),
    Kind("wrong from the second call on", _second_time, reverse_only=True),
    Kind("wrong only under jit", _only(lambda adapter, g: adapter.is_compiling(g), COMPILED)),
    Kind("wrong only under vmap", _only(lambda adapter, g: adapter.is_mapped(g), MAPPED)),
    Kind("of a narrower dtype", _of_another_dtype, reverse_only=True),
    Kind("digits of a narrower dtype", _digits_lost, reverse_only=True),
    Kind("one axis too many", _with_an_axis(1), reverse_only=True),
    Kind("a sum over a broadcast axis forgotten", _with_an_axis(3), reverse_only=True),
)
