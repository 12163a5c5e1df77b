"""The verdict on one answer of a backend: structure first, then finiteness, then every entry against its own bound."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np

from gradproof.oracles.exact import digits
from gradproof.oracles.kinks import Kink
from gradproof.oracles.likeness import Part, likeness
from gradproof.oracles.machine_model import Format
from gradproof.oracles.reference import Bounds, Exact, Truth


class Verdict(StrEnum):
    """What is said of an answer, from the best to the worst."""

    VERIFIED = "verified"
    CONVENTION = "convention"
    INCONCLUSIVE = "inconclusive"
    NOT_RUN = "not run"
    UNSUPPORTED = "unsupported"
    IMPRECISE = "imprecise"
    WRONG = "wrong"

    @property
    def severity(self) -> int:
        """0 for the best."""
        return list(Verdict).index(self)


FAILING = (Verdict.UNSUPPORTED, Verdict.IMPRECISE, Verdict.WRONG)

UNBOUNDED = "the gradient is unbounded around this point"


@dataclass(frozen=True)
class Answer:
    """What a backend gave: its value and one gradient per argument.

    `problem` says what is structurally off, found before there was any number to compare; empty where nothing is."""

    value: np.ndarray
    gradient: tuple[np.ndarray, ...]
    problem: str = ""


def _ratio(error: float, bound: float) -> float:
    """Of a bound of 0, no error is none of it, and any other infinitely much."""
    if bound == 0:
        return 0.0 if error == 0 else math.inf
    return error / bound


@dataclass(frozen=True)
class Entry:
    """The worst entry of an answer: where it is, what is right, what came, how far off and how far it may be.

    `relative` is the error against the largest true entry of the same argument, or against what `Truth.scale` says.
    `order` is 1 for a gradient, 2 for a Hessian-vector product. Where it `is_relative`, error and bound are parts of
    what came, and no numbers of its unit."""

    argument: str
    index: tuple[int, ...]
    expected: str
    got: float
    error: float
    bound: float
    ulp: float = math.nan
    relative: float = math.nan
    order: int = 1
    is_relative: bool = False

    @property
    def ratio(self) -> float:
        """The error in units of its bound."""
        return _ratio(self.error, self.bound)

    @property
    def symbol(self) -> str:
        """What was computed there: f, df/d x[1], (H v)_x[1]."""
        if self.argument == "value":
            return "f"
        where = f"{self.argument}{list(self.index) if self.index else ''}"
        return f"df/d {where}" if self.order == 1 else f"(H v)_{where}"


@dataclass(frozen=True)
class Suspicion:
    """An entry within its bound, or without one, that is more standard deviations of its rounding errors off than
    independent errors would have it; `sigmas` says how many. It is no verdict."""

    argument: str
    index: tuple[int, ...]
    sigmas: float


@dataclass(frozen=True)
class Judgement:
    """A verdict, why, and the worst entry where entries were compared. `look` finds what is suspect beside it: it takes
    longer than the verdict, so it is found when somebody asks."""

    verdict: Verdict
    reason: str = ""
    worst: Entry | None = None
    look: Callable[[], Suspicion | None] | None = field(default=None, repr=False, compare=False)

    @cached_property
    def suspicion(self) -> Suspicion | None:
        """What is suspect, where something is."""
        return None if self.look is None else self.look()

    def __getstate__(self) -> dict[str, Any]:
        # Found before it is sent to another process: the numbers it is found from stay here.
        return {**self.__dict__, "suspicion": self.suspicion, "look": None}


def judge(answer: Answer, truth: Truth, bounds: Bounds, names: list[str], format: Format) -> Judgement:
    """Judge an answer at one input. Every comparison reads `error <= bound`, so that a NaN cannot pass."""
    if answer.problem:
        return Judgement(Verdict.WRONG, answer.problem)
    if truth.kink is not None:
        return _judge_kink(answer, truth, bounds, names, format)
    parts = [("value", answer.value, truth.value, bounds.value, abs(float(truth.value.high)))]
    parts += list(zip(names, answer.gradient, truth.gradient, bounds.gradient, truth.scale, strict=True))
    farthest = [_farthest(name, got, exact, bound, scale) for name, got, exact, bound, scale in parts if got.size]
    worst = _entry(max(farthest, key=_badness), format, truth.order)
    if worst.ratio <= 1:
        blind = [name for name, _, exact, bound, _ in parts[1:] if _is_vacuous(exact, bound)]
        if blind:
            why = "within rounding of a kink, " if bounds.near_kink else ""
            return Judgement(Verdict.INCONCLUSIVE, f"{why}the bound exceeds the gradient for {', '.join(blind)}", worst)
        return Judgement(Verdict.VERIFIED, "", worst)
    limit = format.unit_roundoff**0.5
    precise_formula = all(
        bool((exact.distance(got) <= np.maximum(bound, limit * scale)).all())
        for _, got, exact, bound, scale in parts
        if got.size
    )
    if precise_formula:
        return Judgement(
            Verdict.IMPRECISE,
            "off by no more than √u (half the digits) of the largest true entry, as where digits are lost",
            worst,
        )
    if not np.isfinite(worst.got):
        return Judgement(Verdict.WRONG, "not finite", worst)
    reason = "off by more than √u (half the digits) of the largest true entry"
    seen = likeness(
        Part(name, exact.high, got.astype(np.float64), bound) for (name, got, exact, bound, _) in parts[1:] if got.size
    )
    return Judgement(Verdict.WRONG, f"{seen}; {reason}" if seen else reason, worst)


def lost(answer: Answer, truth: Truth, names: list[str], format: Format) -> Judgement | None:
    """The judgement of a NaN or an infinity where the backend's own value and the true gradient are finite, which needs
    no bound; None where there is no such entry."""
    if answer.problem or truth.kink is not None or not np.isfinite(answer.value).all():
        return None
    for name, got, exact in zip(names, answer.gradient, truth.gradient, strict=True):
        given = got.astype(np.float64)  # some formats are not NumPy's own
        gone = np.argwhere(~np.isfinite(given) & (np.abs(exact.high) <= format.largest / 2))
        if len(gone):
            index = tuple(int(i) for i in gone[0])
            expected = exact.balls[index].mid().str(20, radius=False)
            entry = Entry(name, index, expected, float(given[index]), math.nan, math.nan, order=truth.order)
            return Judgement(Verdict.WRONG, "not finite, where the value and the true gradient are", entry)
    return None


NO_SUBGRADIENT = (
    "a kink: not finite, which no subgradient is. The cure is where, on the argument of what is singular there and on "
    "its result"
)

NOT_TOGETHER = "each entry may be so, and not beside the others, as where ties get more or less than 1 in all"


def _judge_kink(answer: Answer, truth: Truth, bounds: Bounds, names: list[str], format: Format) -> Judgement:
    scale = abs(float(truth.value.high))
    value = _entry(_farthest("value", answer.value, truth.value, bounds.value, scale), format)
    if not value.ratio <= 1:
        return Judgement(Verdict.WRONG, "the value at a kink", value)
    assert truth.kink is not None
    if not truth.kink.exists:
        return Judgement(Verdict.INCONCLUSIVE, UNBOUNDED, value)
    given = tuple(part.astype(np.float64) for part in answer.gradient)
    if truth.kink.admits(given, _of_a_mixture(truth.kink, bounds, format)):
        return Judgement(Verdict.CONVENTION, "a kink: the answer lies in the subdifferential", value)
    sides = zip(given, bounds.sides, strict=True) if bounds.sides else ()
    if bounds.sides and all(((got >= low) & (got <= high)).all() for got, (low, high) in sides):
        where = "where the function jumps" if truth.kink.jumps else "and within rounding of another"
        return Judgement(Verdict.CONVENTION, f"a kink, {where}: a choice gives this", value)
    finite = all(np.isfinite(part).all() for part in given)
    worst = _outside(given, truth, bounds, names)
    reason = "a kink: the answer lies outside the subdifferential" if finite else NO_SUBGRADIENT
    if worst.error == 0:
        reason += f": {NOT_TOGETHER}"
    return Judgement(Verdict.WRONG, reason, worst)


def _of_a_mixture(kink: Kink, bounds: Bounds, format: Format) -> tuple[np.ndarray, ...]:
    """How far an answer between the limits may be off: the parts of a mixture of them are rounded, and so are the
    products with them, which the bound of any one limit knows nothing of."""
    spans = (kink.span(i) for i in range(len(bounds.gradient)))
    sizes = (np.where(low < high, np.maximum(np.abs(low), np.abs(high)), 0.0) for low, high in spans)
    rows = zip(bounds.gradient, sizes, strict=True)
    return tuple(bound + 2 * format.unit_roundoff * size for bound, size in rows)


@dataclass(frozen=True)
class _Farthest:
    """The entry of one argument that is farthest off, in units of its bound."""

    argument: str
    index: tuple[int, ...]
    exact: Exact
    got: float
    error: float
    bound: float
    scale: float

    @property
    def ratio(self) -> float:
        return _ratio(self.error, self.bound)


def _farthest(name: str, got: np.ndarray, exact: Exact, bound: np.ndarray, scale: float) -> _Farthest:
    error = exact.distance(got)
    # An error of ordinary size where only underflow is allowed; an infinite one within an infinite bound, which is NaN.
    with np.errstate(over="ignore", invalid="ignore"):
        ratio = error / bound
    flat = int(np.argmax(np.where(np.isnan(ratio), np.inf, ratio)))
    index = tuple(int(i) for i in np.unravel_index(flat, got.shape))
    return _Farthest(name, index, exact, float(got[index]), float(error[index]), float(bound[index]), scale)


def _entry(found: _Farthest, format: Format, order: int = 1) -> Entry:
    """The entry with what is right there in decimal, which takes longer than all comparisons."""
    expected = digits(found.exact.balls[found.index], 20)
    return Entry(
        argument=found.argument,
        index=found.index,
        expected=expected,
        got=found.got,
        error=found.error,
        bound=found.bound,
        # Of 0 there is no last place.
        ulp=math.nan if expected == "0" else found.error / _ulp(float(found.exact.high[found.index]), format),
        relative=found.error / max(found.scale, format.tiny),
        order=order,
    )


def between(low: float, high: float) -> str:
    """What is expected of an entry that may lie anywhere between two numbers."""
    ends = [f"{end:.17g}" for end in (low, high)]
    return ends[0] if ends[0] == ends[1] else f"between {ends[0]} and {ends[1]}"


def _outside(given: tuple[np.ndarray, ...], truth: Truth, bounds: Bounds, names: list[str]) -> Entry:
    # Names the entry that is farthest outside the limits' span; where none is, the entries do not go together.
    assert truth.kink is not None
    candidates = []
    for i, (name, got) in enumerate(zip(names, given, strict=True)):
        low, high = truth.kink.span(i)
        outside = np.maximum(np.maximum(low - got, got - high), 0.0)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            ratio = np.where(outside > 0, outside / bounds.gradient[i], 0.0)
        flat = int(np.argmax(np.where(np.isnan(outside), np.inf, ratio)))
        index = tuple(int(k) for k in np.unravel_index(flat, got.shape))
        expected = between(float(low[index]), float(high[index]))
        error, bound = float(outside[index]), float(bounds.gradient[i][index])
        candidates.append(Entry(name, index, expected, float(got[index]), error, bound))
    return max(candidates, key=_badness)


def _badness(entry: Entry | _Farthest) -> float:
    return np.inf if np.isnan(entry.ratio) else entry.ratio


def _is_vacuous(exact: Exact, bound: np.ndarray) -> bool:
    largest = float(np.abs(exact.high).max(initial=0.0))
    return largest > 0 and bool((bound >= largest).all())


def _ulp(value: float, format: Format) -> float:
    exponent = np.frexp(max(abs(value), format.tiny))[1]
    return float(np.ldexp(1.0, int(exponent) - format.precision))
