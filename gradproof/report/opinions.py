"""Who agrees with whom at one input, in float64 (complex128): the exact differences, the hand-derived gradient, and of
backends their gradient and the finite differences of their own forward pass, so that the odd one out is plain."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradproof.backends import BACKENDS
from gradproof.oracles import exact
from gradproof.oracles.differences import OwnDifferences
from gradproof.oracles.machine_model import FORMATS, MachineModel
from gradproof.oracles.reference import Bounds, Truth
from gradproof.oracles.whole import WholeReference
from gradproof.registry import Function, Inputs, RegistryError
from gradproof.report.answers import answer, own_forward

ROUNDED = 2.0**-50
"""What rounding to float64 leaves of the exact and of the hand-derived gradient, relatively."""

DOUBLE = MachineModel(FORMATS["float64"])

EXACT = "exact differences"
HAND = "by hand"


@dataclass(frozen=True)
class Opinion:
    """A gradient and, entry by entry, how far it may be off: infinitely far where it can say nothing. Both are flat
    and of length 0 where there is none, for the reason in `problem`. Who `runs` the code of another opinion has none of
    its own where the two agree. At a kink, where those who are right may differ, `admitted` says whether it is a
    subgradient; None elsewhere."""

    name: str
    gradient: np.ndarray
    error: np.ndarray
    problem: str = ""
    runs: str = ""
    admitted: bool | None = None

    @classmethod
    def none(cls, name: str, problem: str) -> "Opinion":
        """No opinion, and why."""
        return cls(name, np.zeros(0), np.zeros(0), problem)


def digits_between(one: Opinion, other: Opinion) -> float:
    """The decimal digits to which two opinions agree, in units of the largest entry: infinitely many where they differ
    by no more than they may be off, NaN where they cannot be compared."""
    if one.problem or other.problem:
        return math.nan
    allowed = one.error + other.error
    compared = ~np.isinf(allowed)
    if not compared.any():
        return math.nan
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.abs(one.gradient - other.gradient)[compared]
        if (gap <= allowed[compared]).all():
            return math.inf
        size = max(np.abs(one.gradient).max(), np.abs(other.gradient).max())
        worst = gap.max()
    return max(-math.log10(worst / size), 0.0) if np.isfinite(worst) and np.isfinite(size) and worst > 0 else 0.0


def groups(opinions: Sequence[Opinion]) -> list[list[str]]:
    """Those that agree with one another, the first and largest groups first; who has no opinion is in none."""
    found: list[list[Opinion]] = []
    for opinion in opinions:
        for group in found:
            digits = [digits_between(opinion, member) for member in group]
            if math.inf in digits and all(d == math.inf or math.isnan(d) for d in digits):
                group.append(opinion)
                break
        else:
            if not opinion.problem and not np.isinf(opinion.error).all():
                found.append([opinion])
    return [[member.name for member in group] for group in sorted(found, key=len, reverse=True)]


def odd_ones(opinions: Sequence[Opinion]) -> list[str]:
    """Who disagrees with the exact differences, which are the definition; at a kink, who gives no subgradient, however
    many give it; where there is neither, who is not in the largest group. A backend that runs the derivation, and gives
    what it gives, is not named beside it."""
    truth = next((o for o in opinions if o.name == EXACT and not o.problem), None)
    if at_kink(opinions):
        odd = [o.name for o in opinions if o.admitted is False]
    elif truth is not None:
        odd = [o.name for o in opinions if math.isfinite(digits_between(truth, o))]
    else:
        odd = [name for group in groups(opinions)[1:] for name in group]
    followers = followers_of(HAND, opinions) if HAND in odd else []
    return [name for name in odd if name not in followers]


def at_kink(opinions: Sequence[Opinion]) -> bool:
    """Whether these are opinions on a kink."""
    return any(o.admitted is not None for o in opinions)


def disagree(opinions: Sequence[Opinion]) -> bool:
    """Whether somebody is not right: at a kink one choice among several is as right as another."""
    return bool(odd_ones(opinions)) if at_kink(opinions) else len(groups(opinions)) > 1


def followers_of(name: str, opinions: Sequence[Opinion]) -> list[str]:
    """Who runs the code of this opinion, and gives the same."""
    leader = next((o for o in opinions if o.name == name), None)
    if leader is None:
        return []
    return [o.name for o in opinions if o.runs == name and digits_between(leader, o) == math.inf]


def opinions(function: Function, inputs: Inputs, names: Sequence[str]) -> list[Opinion]:
    """Everybody's opinion at one input: the exact differences and the hand-derived gradient first."""
    reference = WholeReference(function)
    truth, bounds = reference.truth(inputs), reference.wider(inputs, DOUBLE)
    kinked = "a kink: gradproof conventions" if truth.kink is not None else ""
    found = [Opinion.none(EXACT, kinked) if kinked else _exact(function, inputs)]
    found.append(by_hand(function, inputs, truth, bounds))
    found += [_at_kink(answered(function, name, inputs, bounds), function, truth, bounds) for name in names]
    for name in names:
        differences = f"{name}'s differences"
        found.append(Opinion.none(differences, kinked) if kinked else _own(function, inputs, name, float(bounds.value)))
    return found


def by_hand(function: Function, inputs: Inputs, truth: Truth, bounds: Bounds) -> Opinion:
    """The hand-derived gradient, in as many digits as it takes."""
    return _at_kink(_by_hand(function, inputs), function, truth, bounds)


def _at_kink(opinion: Opinion, function: Function, truth: Truth, bounds: Bounds) -> Opinion:
    """An opinion with whether it is a subgradient. Where the slopes run away there is nothing to hold it to."""
    if truth.kink is None or opinion.problem:
        return opinion
    shapes = [domain.real_shape for domain in function.domains.values()]
    ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
    parts = [part.reshape(shape) for part, shape in zip(np.split(opinion.gradient, ends), shapes, strict=True)]
    within = not truth.kink.exists or truth.kink.admits(tuple(parts), bounds.gradient)
    return replace(opinion, admitted=within)


def answered(function: Function, name: str, inputs: Inputs, bounds: Bounds) -> Opinion:
    """What a backend gives for a gradient, which may be off by the bounds of float64."""
    given = answer(function, name, inputs)
    if isinstance(given, str):
        return Opinion.none(name, given)
    runs_it = name in BACKENDS and not BACKENDS[name].differentiates
    return Opinion(name, _flat(given), _flat(bounds.gradient), runs=HAND if runs_it else "")


def true_of(truth: Truth) -> Opinion:
    """The exact differences, as the reference has found them."""
    return _rounded(EXACT, _flat([part.high for part in truth.gradient]))


def differenced(name: str, own: OwnDifferences) -> Opinion:
    """The finite differences of a backend's own forward pass, which may be off by their estimated error."""
    return Opinion(f"{name}'s differences", _flat(own.gradient), _flat(own.error))


def _exact(function: Function, inputs: Inputs) -> Opinion:
    try:
        parts = [exact.quotients(part).astype(float) for part in exact.gradient(function, inputs)]
    except (RegistryError, exact.Uncomputable) as error:
        return Opinion.none(EXACT, str(error))
    return _rounded(EXACT, _flat(parts))


def _by_hand(function: Function, inputs: Inputs) -> Opinion:
    if function.hand is None:
        return Opinion.none(HAND, "there is no hand-derived gradient")
    try:
        parts, _ = exact.precise_hand_gradient(function, inputs)
    except (RegistryError, exact.Uncomputable) as error:
        return Opinion.none(HAND, str(error))
    return _rounded(HAND, _flat([part.astype(float) for part in parts]))


def _rounded(name: str, gradient: np.ndarray) -> Opinion:
    return Opinion(name, gradient, ROUNDED * np.abs(gradient) + FORMATS["float64"].tiny)


def _own(function: Function, inputs: Inputs, name: str, value_error: float) -> Opinion:
    try:
        own = own_forward(function, name, "cpu").differences(inputs, value_error)
    except Exception as error:
        return Opinion.none(f"{name}'s differences", f"{type(error).__name__}: {error}")
    return differenced(name, own)


def _flat(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.ravel(part) for part in parts])
