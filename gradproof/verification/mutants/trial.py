"""Wrong gradients of every kind, planted in one cell, and what becomes of each: whether the examination of the cell
sees it, at the inputs at which the right gradient is verified."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from flint import arb, ctx

from gradproof import backends
from gradproof.backends import MODES, Unsupported
from gradproof.backends.adapter import REAL_PART
from gradproof.oracles.exact import AGREEMENT, FIRST_PRECISION, NOTHING, Uncomputable
from gradproof.oracles.machine_model import FORMATS
from gradproof.oracles.reference import Truth
from gradproof.oracles.verdict import FAILING, Verdict
from gradproof.registry import Function, Inputs, RegistryError
from gradproof.verification.cells import Cell
from gradproof.verification.examine import Examiner, Finding, reference_of
from gradproof.verification.mutants.kinds import ABOVE, KINDS, ROUNDINGS, VALUE, Kind, Mutant, Site
from gradproof.verification.mutants.planting import planted, planted_in_value
from gradproof.verification.search import drawn

FURTHER = 8
"""Inputs at which a mutant that was not seen must give the true answer as well, before it is called none."""


class Fate(StrEnum):
    """What becomes of a mutant. `HIDDEN`: everywhere it was tried it is within the bound, so nothing was promised.
    `LOST`: the framework goes past the rule in which it was planted, and what arrives is the right answer, to the last
    bit."""

    KILLED = "killed"
    REFUSED = "refused"
    EQUIVALENT = "equivalent"
    HIDDEN = "hidden"
    LOST = "lost"
    SURVIVED = "survived"


@dataclass(frozen=True)
class Outcome:
    """One mutant: where it was planted, what kind it is of, and its fate. `why` is what was said of it, or why nothing
    was."""

    function: str
    backend: str
    mode: str
    argument: str
    kind: str
    fate: Fate
    why: str = ""


@dataclass(frozen=True)
class Untried:
    """A cell in which no mutant can be planted, and why."""

    function: str
    backend: str
    mode: str
    why: str


@dataclass(frozen=True)
class Trials:
    """How mutants are tried: in which dtype of the reals, at how many draws beside the points, with which seed."""

    dtype: str = "float64"
    draws: int = 20
    seed: int = 0

    def of(self, function: Function, backend: str, mode: str) -> Iterator[Outcome | Untried]:
        """Plant every kind in every argument of one cell."""
        dtype = {real: name for name, real in REAL_PART.items()}[self.dtype] if function.is_complex else self.dtype
        try:
            yield from _Cell(function, backend, mode, dtype, self).outcomes()
        except (Unsupported, Uncomputable, RegistryError, _Untried) as reason:
            yield Untried(function.name, backend, mode, " ".join(str(reason).split()))


class _Untried(Exception):
    """Why nothing can be planted in a cell."""


class _Cell:
    """One cell with its right answers."""

    def __init__(self, function: Function, backend: str, mode: str, dtype: str, trials: Trials) -> None:
        self.function, self.backend, self.mode, self.dtype, self.trials = function, backend, mode, dtype, trials
        function.check()
        self.adapter = backends.load(backend)
        unchanged = dict.fromkeys(range(len(function.domains)), lambda x, part: part)
        self.right = self._examiner(planted(function, self.adapter, dtype, unchanged, mode))
        self.left = self._candidates()
        self.tried: list[Finding] = []
        self.inputs: list[Inputs] = []
        self.truths: list[Truth] = []
        self.first = self._first()
        self.given = self.right.answers(self.first.inputs)[0]

    def _examiner(self, changed: Function) -> Examiner:
        """What examines a changed function. It shares the truths of the original, whose body it has."""
        found = Examiner(Cell(changed, self.backend, "cpu", self.dtype, self.mode))
        found.reference = found.judged_by = reference_of(self.function)
        return found

    def _candidates(self) -> Iterator[Inputs]:
        yield from self.function.points
        # To draw takes longer than to judge: most mutants do not live to see it.
        if self.trials.draws:
            yield from drawn(self.function, self.trials.seed, self.trials.draws)

    def _first(self) -> Finding:
        for finding in self._verified():
            return finding
        raise _Untried("the right gradient is verified at no input: each is a kink, out of range, or known to deviate")

    def _verified(self) -> Iterator[Finding]:
        """The inputs at which the right gradient is verified, found as they are asked for."""
        yield from self.tried
        for inputs in self.left:
            finding = self.right.against_truth(inputs)
            if finding.fails:
                raise _Untried(f"the gradient is not right as it is ({finding.judgement.verdict}): verify it first")
            if finding.judgement.verdict == Verdict.VERIFIED:
                self.tried.append(finding)
                self.inputs.append(finding.inputs)
                self.truths.append(self.right.judged_by.truth(finding.inputs))
                yield finding

    def outcomes(self) -> Iterator[Outcome]:
        """What becomes of each mutant."""
        yield self._outcome("", VALUE, self._in_value(), None, None)
        for number, (name, domain) in enumerate(self.function.domains.items()):
            if not math.prod(domain.shape):
                continue
            site = self._site(number, name)
            for kind in KINDS:
                mutant = kind.make(site) if self._is_tried(kind) else None
                if mutant is not None:
                    changed = planted(self.function, self.adapter, self.dtype, {number: mutant.plant()}, self.mode)
                    yield self._outcome(name, kind.name, changed, mutant, site)

    def _is_tried(self, kind: Kind) -> bool:
        if self.mode == "forward":
            return kind.symmetric
        # A rule that remembers calls is called once where it is compiled: there it is none.
        return self.mode == "reverse" or not kind.reverse_only

    def _in_value(self) -> Function:
        first, got = self.truths[0], float(self.given.value)
        bounds = self.right.judged_by.bounds(self.first.inputs, self.right.model)
        size = ABOVE * float(bounds.value) + ROUNDINGS * self._unit_roundoff * abs(got)
        away = 1.0 if float(first.value.distance(np.array(got + size))) >= size else -1.0
        return planted_in_value(self.function, self.adapter, self.dtype, away * size)

    @property
    def _unit_roundoff(self) -> float:
        return FORMATS[REAL_PART.get(self.dtype, self.dtype)].unit_roundoff

    def _site(self, number: int, name: str) -> Site:
        spread = [x[number].reshape(-1) for x in drawn(self.function, self.trials.seed + 1, FURTHER)]
        middle = float(np.float32(np.median(np.concatenate(spread))))
        return Site(
            self.adapter,
            self.dtype,
            self.mode,
            number,
            name,
            self.function.domains[name],
            self.given.gradient[number],
            self.first.caught.get(name),
            middle,
            self.inputs,
            self.truths,
        )

    def _outcome(self, name: str, kind: str, changed: Function, mutant: Mutant | None, site: Site | None) -> Outcome:
        def outcome(fate: Fate, why: str = "") -> Outcome:
            return Outcome(self.function.name, self.backend, self.mode, name, kind, fate, why)

        try:
            examiner = self._examiner(changed)
            for right in self._verified():
                found = examiner.against_truth(right.inputs)
                if found.judgement.verdict == Verdict.UNSUPPORTED:
                    return outcome(Fate.REFUSED, found.judgement.reason)
                if found.judgement.verdict in FAILING and found.known is None:
                    return outcome(Fate.KILLED, found.judgement.reason)
        except (Unsupported, RegistryError) as error:
            return outcome(Fate.REFUSED, str(error))
        if mutant is None or site is None:
            return outcome(Fate.SURVIVED, "the value is off by more than its bound")
        fate, why = self._unseen(mutant, site)
        if fate == Fate.SURVIVED and self.adapter.differentiates and self._is_lost(examiner):
            return outcome(Fate.LOST, "what arrives is the right answer: the framework goes past the rule")
        return outcome(fate, why)

    def _is_lost(self, examiner: Examiner) -> bool:
        pairs = ((examiner.answers(each.inputs), self.right.answers(each.inputs)) for each in self.tried)
        return all(
            np.array_equal(ours, theirs, equal_nan=True)
            for mutated, right in pairs
            for one, other in zip(mutated, right, strict=True)
            for ours, theirs in zip(one.gradient, other.gradient, strict=True)
        )

    @ctx.workprec(FIRST_PRECISION)
    def _unseen(self, mutant: Mutant, site: Site) -> tuple[Fate, str]:
        """Why a mutant was not seen: it is none, or nothing was promised where it was tried, or it survived."""
        tried = range(len(self.tried))
        answers = [mutant.exact(number) for number in tried]
        if any(answer is None for answer in answers):
            return Fate.SURVIVED, "it is no array of the right kind"
        if all(_is_true(answer, site.entries(number)) for number, answer in zip(tried, answers, strict=True)):
            further = self._further(mutant, site)
            if further:
                return Fate.SURVIVED, f"it is right at the inputs that were tried, and wrong at {further}"
            return Fate.EQUIVALENT, "its exact answer is the true one"
        if all(self._is_hidden(answer, site, number) for number, answer in zip(tried, answers, strict=True)):
            return Fate.HIDDEN, "it is within the bound wherever it was tried"
        return Fate.SURVIVED, "it is off by more than its bound"

    def _is_hidden(self, answer: np.ndarray, site: Site, number: int) -> bool:
        bounds = self.right.judged_by.wider(self.inputs[number], self.right.model)
        bound = bounds.gradient[site.argument].reshape(site.size, -1)
        error = np.abs((answer - site.entries(number)).astype(float))
        return bool((error <= bound).all())

    def _further(self, mutant: Mutant, site: Site) -> str:
        """An input at which the mutant does not give the true answer; empty if there is none among as many as are
        looked at."""
        if len(self.inputs) == len(self.tried):
            for inputs in drawn(self.function, self.trials.seed + 1, FURTHER):
                rounded = tuple(map(self.right.model.format.rounded, inputs))
                truth = self._truth(rounded)
                if truth is not None:
                    self.inputs.append(rounded)
                    self.truths.append(truth)
        for number in range(len(self.tried), len(self.inputs)):
            answer = mutant.exact(number)
            if answer is None or not _is_true(answer, site.entries(number)):
                return f"{site.name} = {self.inputs[number][site.argument].tolist()}"
        return ""

    def _truth(self, inputs: Inputs) -> Truth | None:
        try:
            truth = reference_of(self.function).truth(inputs)
        except RegistryError:
            return None
        return truth if truth.kink is None else None


def _is_true(answer: np.ndarray, true: np.ndarray) -> bool:
    """Whether an answer is the true one, to 30 digits of its largest entry: what balls of fewer digits may hold says
    nothing."""
    largest = max((abs(entry).abs_upper() for entry in true.flat), default=arb(0))
    near = AGREEMENT * largest + NOTHING
    pairs = zip(answer.flat, true.flat, strict=True)
    return all(bool(a.is_finite() and a.overlaps(t) and abs(a - t).abs_upper() <= near) for a, t in pairs)


def modes_of(backend: str) -> tuple[str, ...]:
    """The modes in which mutants are planted on a backend: those of first order, but for a compiler that takes seconds
    a time."""
    known = backends.BACKENDS[backend]
    first = [mode for mode in known.modes if MODES[mode].order == 1]
    return tuple(mode for mode in first if mode not in known.nightly and not MODES[mode].nightly)
