"""The verdict on a gradient that somebody computed for a traced program, and the replay that shows whether the trace is
the program: what left it and came back would be a constant of the tape, and no constant at another input."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from flint import ctx

from gradproof.oracles import verdict
from gradproof.oracles.balls.arrays import objects
from gradproof.oracles.machine_model import FORMATS, SLACK, Format, MachineModel
from gradproof.oracles.reference import BOUND_PRECISION, Bounds, Exact
from gradproof.oracles.tape.estimate import Estimate
from gradproof.oracles.tape.evaluation import Evaluation, lifted
from gradproof.oracles.tape.first_order import first_order
from gradproof.oracles.tape.program import PRECISIONS, Tape
from gradproof.oracles.tape.solution import HessianProduct, Solution
from gradproof.oracles.tape.statistical import suspicion
from gradproof.oracles.verdict import FAILING, Answer, Entry, Judgement, Verdict

SEEDS = (6, 7, 8)
"""Other second inputs, for signs that were chosen otherwise at the first."""

SPREADS = (2.0**-7, 2.0**-12, 2.0**-20)
"""How far from the traced input it is replayed, relatively: nearer only where the program takes another branch."""

LOOKED_AT_LATER = 10_000
"""A tape of so many cells may be kept until somebody asks what is suspect; with a larger one it is found at once."""

TO_FIRST_ORDER = "to first order in the roundings: the bound of all orders says nothing here"


IN_FLOATS = "to first order in the roundings, of a truth in float64: there are too many cells for balls"


def bounds_of(
    found: Solution | HessianProduct | Estimate, model: MachineModel | None = None, *, flushes: bool = False
) -> Bounds:
    """How far an answer may be from the truth: in balls, or to first order where that bound says nothing, because it is
    infinite or wider than all of some argument's gradient."""
    if isinstance(found, HessianProduct | Estimate):
        return found.bounds(model, flushes=flushes)
    return found.kept(("bounds of all orders or the first", model, flushes), lambda: _sharper(found, model, flushes))


def _sharper(found: Solution, model: MachineModel | None, flushes: bool) -> Bounds:
    bounds = found.bounds(model, flushes=flushes)
    return _sharpened(found, bounds, model, flushes) if _say_nothing(found, bounds) else bounds


def _say_nothing(found: Solution, bounds: Bounds) -> bool:
    rows = zip(bounds.gradient, found.truth.scale, strict=True)
    return bool(bounds.out_of_range) or any(scale > 0 and bool((b >= scale).all()) for b, scale in rows)


def _sharpened(found: Solution, bounds: Bounds, model: MachineModel | None, flushes: bool) -> Bounds:
    sharper = first_order(found, model, flushes=flushes)
    if sharper.problem:
        return bounds
    # A bound of all orders that is finite holds as well, unless the sweep left its range.
    lost = bool(bounds.out_of_range)
    rows = zip(bounds.gradient, sharper.gradient, strict=True)
    parts = tuple(other if lost else np.fmin(own, other) for own, other in rows)
    value = np.asarray(sharper.value if lost else np.fmin(bounds.value, sharper.value))
    return Bounds(value, parts, "", to_first_order=True)


def judge(
    found: Solution | HessianProduct | Estimate,
    value: np.ndarray,
    gradient: Sequence[np.ndarray],
    names: Sequence[str],
    *,
    model: MachineModel | None = None,
    flushes: bool = False,
    problem: str = "",
) -> Judgement:
    """The verdict on a value and a gradient (or a Hessian-vector product) for each array of inputs, named `names`.

    `model` takes the place of the traced formats; `flushes` says whether subnormals may be zero where it does not.
    `problem` is what was found to be structurally off before there was a number to compare. What is within its bound,
    or has none, may still be suspect."""
    if problem:
        return Judgement(Verdict.WRONG, problem)
    own = _judged(found, value, gradient, names, model, flushes)
    if own.verdict not in (Verdict.VERIFIED, Verdict.INCONCLUSIVE) or not isinstance(found, Solution):
        return own
    # Of a copy: the arrays are a framework's, and their memory may be written to before somebody looks.
    given = [np.array(part) for part in gradient]
    look = partial(suspicion, found, given, names, model, flushes=flushes)
    if found.tape.cell_count > LOOKED_AT_LATER:
        seen = look()
        return replace(own, look=lambda: seen)
    return replace(own, look=look)


def _judged(
    found: Solution | HessianProduct | Estimate,
    value: np.ndarray,
    gradient: Sequence[np.ndarray],
    names: Sequence[str],
    model: MachineModel | None,
    flushes: bool,
) -> Judgement:
    answer = Answer(np.asarray(value), tuple(np.asarray(part) for part in gradient))
    format = model.format if model else _coarsest(found)
    if found.problem:
        # Of what left the trace nothing is known, whatever choices were made.
        first = found.first if isinstance(found, HessianProduct) else found
        taken = _as_taken(answer, found, names, model, flushes, format) if first.evaluation.unsettled else None
        return taken or Judgement(Verdict.INCONCLUSIVE, found.problem)
    bounds = bounds_of(found, model, flushes=flushes)
    if bounds.out_of_range:
        known = verdict.lost(answer, found.truth, list(names), format) or _within_sides(answer, found, bounds)
        known = known or _as_taken(answer, found, names, model, flushes, format)
        known = known or _lost_at_a_kink(answer, found, names, format)
        return known or Judgement(Verdict.INCONCLUSIVE, _unbounded(found) or bounds.out_of_range)
    own = _told(verdict.judge(answer, found.truth, bounds, list(names), format), bounds, found)
    return own if own.verdict not in FAILING else _by_convention(own, answer, found, names, model, flushes, format)


def _told(own: Judgement, bounds: Bounds, found: Solution | HessianProduct | Estimate) -> Judgement:
    """The judgement with what it stands on, where that is a bound to first order."""
    if not bounds.to_first_order or own.verdict not in (*FAILING, Verdict.VERIFIED):
        return own
    open_ = sum(int(np.isinf(part).sum()) for part in (bounds.value, *bounds.gradient))
    if own.verdict == Verdict.VERIFIED and open_:
        return replace(own, verdict=Verdict.INCONCLUSIVE, reason=f"nothing can be said of {open_} entries")
    why = IN_FLOATS if isinstance(found, Estimate) else TO_FIRST_ORDER
    return replace(own, reason=f"{own.reason}; {why}" if own.reason else why)


def _by_convention(
    own: Judgement,
    answer: Answer,
    found: Solution | HessianProduct | Estimate,
    names: Sequence[str],
    model: MachineModel | None,
    flushes: bool,
    format: Format,
) -> Judgement:
    """What is said of an answer that is not the gradient, and may be another one that is lawful too. If it is neither,
    it is told how far it is from the one that it is nearest to."""
    for other in found.alternatives:
        bounds = bounds_of(other.solution, model, flushes=flushes)
        if bounds.out_of_range:
            continue
        judgement = _told(verdict.judge(answer, other.solution.truth, bounds, list(names), format), bounds, found)
        if judgement.verdict in (Verdict.VERIFIED, Verdict.CONVENTION):
            return Judgement(Verdict.CONVENTION, other.told, judgement.worst)
        if judgement.verdict == Verdict.IMPRECISE and own.verdict == Verdict.WRONG:
            own = judgement
    return own


def _as_taken(
    answer: Answer,
    found: Solution | HessianProduct | Estimate,
    names: Sequence[str],
    model: MachineModel | None,
    flushes: bool,
    format: Format,
) -> Judgement | None:
    """What is said of the gradient of the choices that the trace holds fixed, where they may be otherwise: that it is a
    convention. Of anything else nothing is said."""
    if not isinstance(found, Solution) or not found.is_unsettled(model, flushes=flushes) or found.as_taken is None:
        return None
    bounds = found.as_taken.solution.bounds(model, flushes=flushes)
    if bounds.out_of_range:
        return None
    judgement = verdict.judge(answer, found.as_taken.solution.truth, bounds, list(names), format)
    if judgement.verdict not in (Verdict.VERIFIED, Verdict.CONVENTION):
        return None
    return Judgement(Verdict.CONVENTION, found.as_taken.told, judgement.worst)


def _within_sides(answer: Answer, found: Solution | HessianProduct | Estimate, bounds: Bounds) -> Judgement | None:
    """The convention that an answer keeps to which lies in the subdifferential itself, and needs no bound."""
    kink = found.truth.kink
    if kink is None or not kink.exists or not (found.truth.value.distance(answer.value) <= bounds.value).all():
        return None
    given = tuple(part.astype(np.float64) for part in answer.gradient)
    if not kink.admits(given, tuple(np.zeros(part.shape) for part in given)):
        return None
    return Judgement(Verdict.CONVENTION, "a kink: the answer lies in the subdifferential")


def _lost_at_a_kink(
    answer: Answer, found: Solution | HessianProduct | Estimate, names: Sequence[str], format: Format
) -> Judgement | None:
    """The judgement of a NaN or an infinity where the program's own value is finite and so are the gradients on all
    sides, which needs no bound either: it lies between none of them."""
    kink = found.truth.kink
    if kink is None or not kink.exists or not np.isfinite(answer.value).all():
        return None
    for i, (name, got) in enumerate(zip(names, answer.gradient, strict=True)):
        low, high = kink.span(i)
        given = got.astype(np.float64)  # some formats are not NumPy's own
        are_finite = np.maximum(np.abs(low), np.abs(high)) <= format.largest / 2
        if len(gone := np.argwhere(~np.isfinite(given) & are_finite)):
            index = tuple(int(k) for k in gone[0])
            expected = verdict.between(float(low[index]), float(high[index]))
            entry = Entry(name, index, expected, float(given[index]), math.nan, math.nan, order=found.truth.order)
            return Judgement(Verdict.WRONG, "not finite at a kink, where the value and the gradients beside are", entry)
    return None


def _unbounded(found: Solution | HessianProduct | Estimate) -> str:
    """That there is no gradient to be had, where the slopes around run away; else nothing."""
    kink = found.truth.kink
    return "" if kink is None or kink.exists else verdict.UNBOUNDED


def _coarsest(found: Solution | HessianProduct | Estimate) -> Format:
    first = found.first if isinstance(found, HessianProduct) else found
    names = [i.format for i in first.tape.inputs]
    return FORMATS[min(names, key=PRECISIONS.__getitem__, default="float64")]


# Replay


@dataclass(frozen=True)
class Replay:
    """The tape at a second input against the program there: the error of the program's value in units of its bound, or
    the `problem` that kept it from being compared."""

    ratio: float
    problem: str = ""

    @property
    def holds(self) -> bool:
        """Whether the tape is the program at the second input as well."""
        return not self.problem and self.ratio <= 1


@dataclass(frozen=True)
class Beside:
    """A second input, beside the traced one, and the tape evaluated there without rounding."""

    inputs: list[np.ndarray]
    evaluation: Evaluation


def second_inputs(tape: Tape, seed: int = 5, spreads: Sequence[float] = SPREADS) -> list[np.ndarray] | None:
    """Inputs beside the traced ones, in their formats, where nothing that the trace holds fixed is otherwise; None if
    none were found. A zero stays a zero, unless all are. `spreads` are tried in their order."""
    found = _beside(tape, seed, spreads)
    return None if found is None else found.inputs


def _beside(tape: Tape, seed: int = 5, spreads: Sequence[float] = SPREADS) -> Beside | None:
    random = np.random.default_rng(seed)
    turns = [random.uniform(-1, 1, i.shape) for i in tape.inputs]
    for spread in spreads:
        moved = []
        for array, turn in zip(tape.inputs, turns, strict=True):
            x = tape.values[array.cells].reshape(array.shape)
            moved.append(FORMATS[array.format].rounded(np.where(x.any(), x, 1.0) * spread * turn + x))
        with ctx.workprec(BOUND_PRECISION):
            evaluation = Evaluation(tape).forward([objects(lifted(x)) for x in moved])
        if not evaluation.diverted and not evaluation.unsettled:
            return Beside(moved, evaluation)
    return None


CHOSEN = frozenset({"eigh", "svd", "qr"})
"""Calls whose signs are a framework's choice, at a second input another one than at the first."""


def second_inputs_in_turn(tape: Tape) -> Iterator[list[np.ndarray]]:
    """Second inputs, of which one must replay. There is more than one only where a framework may choose signs: others
    beside the first, and nearer ones. Something that left the trace is wrong at all of them, as long as they are no
    nearer than the root of what is lost to rounding."""
    return (found.inputs for found in _beside_in_turn(tape))


def _beside_in_turn(tape: Tape) -> Iterator[Beside]:
    first = _beside(tape)
    if first is None:
        return
    yield first
    if not any(i.kind == "call" and i.name in CHOSEN for i in tape.instructions):
        return
    others = (_beside(tape, seed, SPREADS) for seed in SEEDS)
    yield from (other for other in others if other is not None)
    yield from _nearer(tape)


def nearer_inputs(tape: Tape) -> Iterator[list[np.ndarray]]:
    """Second inputs that are nearer, but no nearer than the root of what is lost to rounding."""
    return (found.inputs for found in _nearer(tape))


def _nearer(tape: Tape) -> Iterator[Beside]:
    coarsest = min(PRECISIONS[i.format] for i in tape.inputs)
    near = [spread for spread in SPREADS[1:] if spread * spread >= 2.0**-coarsest]
    others = (_beside(tape, SEEDS[0], (spread,)) for spread in near)
    yield from (other for other in others if other is not None)


LEAVES_THE_TRACE = (
    "at a second input the traced forward pass is not the function: a value leaves the trace and comes back as a "
    "constant, or another branch is taken there. Give truth=, the function as it is meant"
)


COARSER = (
    "the value is off by more than the formats of the traced forward pass allow: something in it computes in fewer "
    "digits than its result has. Give float64 arguments, or truth="
)

RAISES_BESIDE = (
    "beside the input the function raises, so that it cannot be seen whether a value leaves the trace and comes back "
    "as a constant. Give truth=, the function as it is meant"
)


def replay_problem(
    found: Solution, value_of: Callable[[Sequence[np.ndarray]], np.ndarray], *, flushes: bool = False
) -> str:
    """Why the tape is not the program: something left the trace and came back as a constant, which shows at any second
    input, where `value_of` gives the program's own value or raises, as outside of what it takes. Empty where it is."""
    told = _replayed(found, value_of, _beside_in_turn(found.tape), flushes)
    if told == RAISES_BESIDE:
        return _replayed(found, value_of, _nearer(found.tape), flushes, told)
    return _told_of_here(found, value_of, flushes, told) if told else ""


def _told_of_here(
    found: Solution, value_of: Callable[[Sequence[np.ndarray]], np.ndarray], flushes: bool, told: str
) -> str:
    """What is told of a value that is off elsewhere, and at the input itself by some digits as well: nothing where
    rounding in the coarsest format of the arguments does not explain it, for then it loses them, as a special function
    may."""
    try:
        value = np.asarray(value_of(found.inputs))
    except Exception:  # whatever somebody's code raises
        return told
    coarsest = FORMATS[min((i.format for i in found.tape.inputs), key=PRECISIONS.__getitem__)]
    true = float(found.value)
    if not abs(float(value) - true) <= math.sqrt(coarsest.unit_roundoff) * abs(true):
        return told
    models = None, MachineModel(coarsest, flushes)
    is_off, is_off_in_the_coarsest = (
        replay(found.tape, found.output, found.inputs, value, model=model, flushes=flushes).ratio > 1
        for model in models
    )
    if not is_off:
        return told
    return "" if is_off_in_the_coarsest else COARSER


def _replayed(
    found: Solution,
    value_of: Callable[[Sequence[np.ndarray]], np.ndarray],
    beside: Iterable[Beside],
    flushes: bool,
    told: str = "",
) -> str:
    for other in beside:
        try:
            value = np.asarray(value_of(other.inputs))
        except Exception:  # whatever somebody's code raises
            told = RAISES_BESIDE
            continue
        if not _replay(found.tape, found.output, other, value, None, flushes).ratio > 1:
            return ""
        told = LEAVES_THE_TRACE
    return told


def replay(
    tape: Tape,
    output: int,
    inputs: Sequence[np.ndarray],
    value: np.ndarray,
    *,
    model: MachineModel | None = None,
    flushes: bool = False,
) -> Replay:
    """The cell `output` of the tape at other inputs against what the program itself gives there."""
    balls = [objects(lifted(np.asarray(x, np.float64))) for x in inputs]
    with ctx.workprec(BOUND_PRECISION):
        true = Evaluation(tape).forward(balls)
    if true.diverted or true.unsettled:
        return Replay(math.nan, "the program may take another branch at the second input")
    return _replay(tape, output, Beside(list(inputs), true), value, model, flushes)


def _replay(
    tape: Tape, output: int, beside: Beside, value: np.ndarray, model: MachineModel | None, flushes: bool
) -> Replay:
    true = beside.evaluation
    balls = [objects(lifted(np.asarray(x, np.float64))) for x in beside.inputs]
    with ctx.workprec(BOUND_PRECISION):
        rounded = Evaluation(tape, rounding=True, model=model, flushes=flushes).forward(balls)
        exact = Exact.of(objects(true.cells[output]))
        radius = float(abs(rounded.cells[output] - true.cells[output]).abs_upper())
    if rounded.overflowed or not math.isfinite(radius):
        return Replay(math.nan, "the second input is out of range")
    format = model.format if model else FORMATS[min((i.format for i in tape.inputs), key=PRECISIONS.__getitem__)]
    error = float(exact.distance(np.asarray(value)))
    ratio = error / (SLACK * radius * (1 + 2.0**-50) + format.tiny)
    return Replay(math.inf if math.isnan(ratio) else ratio)
