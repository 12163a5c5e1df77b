"""The definition of the derivative, taken literally: central differences of the body in ball arithmetic, with a step so
small and a precision so high that more than 30 digits are right. It needs no rule of anybody.

Also the evaluation of body and hand-derived gradient in balls, with clear errors for a bad entry."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, ctx

from gradproof.oracles.balls import BallArithmetic, Balls, ComplexBalls, objects
from gradproof.oracles.balls.complex_numbers import of_pairs, pairs_of
from gradproof.oracles.likeness import summed_over
from gradproof.registry import Function, Inputs, MissingOperation
from gradproof.registry.advice import cure_of, line_in
from gradproof.registry.names import counted

STEP_BITS = 128
"""The step is 2**-128 of the input's scale, so the truncation error, of the order of its square, is below 1e-76."""

DIGITS_BITS = 110
"""A result is precise enough when 110 bits, 33 digits, of it are certain."""

FIRST_PRECISION, LAST_PRECISION = 512, 8192

NOTHING = arb(2) ** -1400
"""Far below the smallest number of any format: what is smaller counts as zero."""

AGREEMENT = arb(10) ** -30
"""Hand-derived gradient and exact differences agree when they differ by less than this, relatively."""

SUSPECT = arb(2) ** -40
"""A quotient below this may be the error of its step alone: of the order of the step's square where the function is
smooth, of its root at the end of x√x, and of its third part at that of x∛x."""

FINER = arb(2) ** -40

SETTLED = arb(2) ** -10
"""By so much of itself a derivative does not change between two steps as fine as these."""

Direction = tuple[np.ndarray, ...]


class Uncomputable(Exception):
    """The exact reference lacks an operation that a body uses."""


def body_value(function: Function, on: BallArithmetic, arguments: list[Balls]) -> arb:
    """The body in balls. Raises `RegistryError` when it raises or is no scalar."""
    if not function.has_body:
        raise function.error("it has no body, only implementations, which are held to their own forward passes")
    result = _run(function, function.body, on, arguments, "the body")
    result = _as_balls(function, on, result, "the function must return a scalar; its result")
    if isinstance(result, ComplexBalls):
        raise function.error("the function must return a real scalar; it returns a complex one: take xp.real of it")
    if result.shape != ():
        cure = f"Contract it: xp.sum(weights(xp, {result.shape}) * …), with gradproof.weights"
        raise function.error(f"the function must return a scalar; it returns the shape {result.shape}. {cure}")
    return result.entries[()]


def hand_gradient(function: Function, on: BallArithmetic, arguments: list[Balls]) -> list[np.ndarray]:
    """The hand-derived gradient in balls, an object array per argument, its length and shapes checked."""
    result = _run(function, function.gradient_by_hand, on, arguments, "the hand-derived gradient")
    where = function.hand_where
    if len(result) == 1 and result[0] is None:
        raise function.error("the hand-derived gradient returns None: its return statement is missing", where)
    if len(result) != len(arguments):
        arrays, given = counted(len(result), "array"), counted(len(arguments), "argument")
        told = f"the hand-derived gradient returns {arrays} for {given} ({', '.join(function.domains)})"
        raise function.error(told, where)
    gradients = []
    for name, argument, part in zip(function.domains, arguments, result, strict=True):
        entries = _reals(function, name, _as_balls(function, on, part, f"the hand-derived gradient for {name}"))
        if entries.shape != argument.shape:
            told = f"the hand-derived gradient for {name} has the shape {entries.shape}; the argument has"
            raise function.error(f"{told} {argument.shape}{summed_over(entries.shape, argument.shape)}", where)
        gradients.append(entries)
    return gradients


def one_sided(function: Function, inputs: Inputs) -> tuple[Direction, Direction]:
    """The derivatives to the left and to the right along every entry: exact differences with a step to one side."""
    with ctx.workprec(FIRST_PRECISION):
        step = arb(scale(inputs)) * arb(2) ** -STEP_BITS
        here = body_value(function, BallArithmetic(), [BallArithmetic().inputs(x) for x in inputs])
        sides = []
        for sign in (-1.0, 1.0):
            slopes = tuple(np.zeros(x.shape) for x in inputs)
            for i, part in enumerate(slopes):
                for index in np.ndindex(part.shape):
                    along = tuple(sign * v for v in unit(inputs, i, index))
                    moved = body_value(function, BallArithmetic(), displaced(BallArithmetic(), inputs, along, step))
                    part[index] = sign * float((moved - here) / step)
            sides.append(slopes)
        return sides[0], sides[1]


def precise_hand_gradient(function: Function, inputs: Inputs) -> tuple[list[np.ndarray], bool]:
    """The hand-derived gradient, every entry of it certain, and whether there may be no derivative here."""

    def compute() -> tuple[list[np.ndarray], bool]:
        on = BallArithmetic()
        return hand_gradient(function, on, [on.inputs(x) for x in inputs]), on.at_kink

    return precisely(compute, lambda result: certain([e for part in result[0] for e in part.flat]))


def _run(function: Function, code: Callable, on: BallArithmetic, arguments: list[Balls], what: str) -> Any:
    native = [of_pairs(x) if d.is_complex else x for d, x in zip(function.domains.values(), arguments, strict=True)]
    try:
        return code(on.namespace(), *native)
    except MissingOperation as error:
        line = line_in(error, function.path)
        at = f"line {line}: " if line else ""
        raise Uncomputable(f"{function.name} ({function.where}): {at}{error}") from error
    except Exception as error:
        line = line_in(error, function.path)
        at = f" at line {line}" if line else ""
        cure = cure_of(error, function.path, on.namespace().by_group())
        told = f"{what} raises {type(error).__name__}{at}: {error}" + (f". {cure[0].upper()}{cure[1:]}" if cure else "")
        raise function.error(told) from error


def _reals(function: Function, name: str, gradient: Balls) -> np.ndarray:
    if function.domains[name].is_complex != isinstance(gradient, ComplexBalls):
        kind, other = ("complex", "real") if function.domains[name].is_complex else ("real", "complex")
        raise function.error(f"the hand-derived gradient for {name} is {other}; the argument is {kind}")
    return pairs_of(gradient).entries if isinstance(gradient, ComplexBalls) else gradient.entries


def _as_balls(function: Function, on: BallArithmetic, result: Any, what: str) -> Balls:
    try:
        balls = on.asarray(result, dtype="balls")
    except (TypeError, ValueError):
        balls = None
    if not isinstance(balls, Balls):
        raise function.error(f"{what} is {result!r}, not an array of numbers")
    return balls


def scale(inputs: Inputs) -> float:
    """The smallest size among the nonzero entries, at most 1: below it the function may look different."""
    sizes = np.abs(np.concatenate([np.ravel(x) for x in inputs] or [np.ones(1)]))
    sizes = sizes[sizes > 0]
    return float(min(1.0, sizes.min(initial=1.0)))


def step(inputs: Inputs) -> arb:
    """The step of exact differences at these inputs."""
    return arb(scale(inputs)) * arb(2) ** -STEP_BITS


def ball(number: Any) -> arb:
    """A ball as it is, or a float as an exact one."""
    return number if isinstance(number, arb) else arb(float(number))


def displaced(on: BallArithmetic, inputs: Inputs, direction: Direction, distance: arb) -> list[Balls]:
    """The inputs, moved by `distance` times `direction`, exactly. The direction may hold balls: finer than float64."""
    move = np.frompyfunc(lambda x, v: ball(x) + ball(v) * distance, 2, 1)
    return [Balls(objects(move(x, v)), on) for x, v in zip(inputs, direction, strict=True)]


@dataclass(frozen=True)
class Difference:
    """A central difference quotient along one direction, as a ball with at least 33 certain digits wherever that can
    be had. Its truncation error comes on top: of the order of 2**-256, against the size of the third derivative."""

    function: Function
    inputs: Inputs
    direction: Direction
    quotient: arb

    def truncation(self) -> arb:
        """The truncation error, by what doubling the step changes: three times over where the function is smooth."""
        doubled = _quotient(self.function, self.inputs, self.direction, 2 * step(self.inputs))
        return abs(doubled - self.quotient)

    @property
    def certain(self) -> arb:
        """The quotient, or 0 where it is no more than its truncation error: such a number is no derivative."""
        if not suspect(self.quotient):
            return self.quotient
        finer, finest = (_quotient(self.function, self.inputs, self.direction, h) for h in finer_steps(self.inputs))
        return settled(self.quotient, finer, finest)

    def agrees_with(self, derivative: arb, size: arb) -> bool:
        """Whether `derivative`, a sum of terms of total size `size`, is this derivative to 30 digits."""
        gap = abs(derivative - self.quotient).abs_upper()
        if not gap.is_finite():
            return False
        tolerance = AGREEMENT * size.abs_upper() + NOTHING
        return bool(gap <= tolerance) or bool(gap <= tolerance + 2 * self.truncation().abs_upper())


def directional(function: Function, inputs: Inputs, direction: Direction) -> Difference:
    """The derivative along `direction`; to one side where the domain ends on the other."""
    return Difference(function, inputs, direction, _quotient(function, inputs, direction, step(inputs)))


def _quotient(function: Function, inputs: Inputs, direction: Direction, h: arb) -> arb:
    def at(distance: arb) -> arb:
        return body_value(function, on := BallArithmetic(), displaced(on, inputs, direction, distance))

    def one_sided(h: arb) -> arb:
        # Twice the quotient of half the step less that of the whole: what goes with the step is gone.
        return (4 * at(h / 2) - at(h) - 3 * at(arb(0))) / h

    def quotient() -> arb:
        central = (at(h) - at(-h)) / (2 * h)
        if central.is_finite():
            return central
        sides = (one_sided(h), one_sided(-h))
        return next((side for side in sides if side.is_finite()), central)

    return precisely(quotient, lambda ball: certain([ball]))


def inward(function: Function, inputs: Inputs, direction: Direction) -> Direction:
    """The direction, with the sign of each entry changed along which, alone, it would lead out of the domain."""
    h = step(inputs)

    def stays(i: int, index: tuple[int, ...], sign: float) -> bool:
        alone = tuple(np.zeros_like(x) for x in inputs)
        alone[i][index] = sign * direction[i][index]
        on = BallArithmetic()
        return body_value(function, on, displaced(on, inputs, alone, h)).is_finite()

    turned = tuple(part.copy() for part in direction)
    with ctx.workprec(FIRST_PRECISION):
        for i, part in enumerate(turned):
            for index in np.ndindex(part.shape):
                if not stays(i, index, 1.0) and stays(i, index, -1.0):
                    part[index] *= -1
    return turned


def differences_at(function: Function, at: list[Balls], h: arb) -> list[np.ndarray]:
    """Central differences along every entry with the step `h`, at arguments that are balls already."""

    def moved(i: int, index: tuple[int, ...], step: arb) -> arb:
        entries = at[i].entries.copy()
        entries[index] = entries[index] + step
        on = BallArithmetic()
        return body_value(function, on, [Balls(entries if j == i else x.entries, on) for j, x in enumerate(at)])

    gradients = []
    for i, argument in enumerate(at):
        entries = np.empty(argument.shape, dtype=object)
        for index in np.ndindex(argument.shape):
            entries[index] = (moved(i, index, h) - moved(i, index, -h)) / (2 * h)
        gradients.append(entries)
    return gradients


def gradient(function: Function, inputs: Inputs) -> tuple[np.ndarray, ...]:
    """The gradient, one directional difference for each entry: an object array of `Difference` per argument."""
    gradients = []
    for i, x in enumerate(inputs):
        entries = np.empty(x.shape, dtype=object)
        for index in np.ndindex(x.shape):
            entries[index] = directional(function, inputs, unit(inputs, i, index))
        gradients.append(entries)
    return tuple(gradients)


def quotients(differences: np.ndarray) -> np.ndarray:
    """The quotients alone, as far as they are certain: an object array of balls."""
    with ctx.workprec(FIRST_PRECISION):
        return objects(np.frompyfunc(lambda d: d.certain, 1, 1)(differences))


def suspect(quotient: arb) -> bool:
    """Whether a quotient is so small that it may be the error of its step alone."""
    return not quotient.is_zero() and bool(abs(quotient) < SUSPECT)


def finer_steps(inputs: Inputs) -> tuple[arb, arb]:
    """Two steps far below the step of exact differences: what comes of a step, as its square or its root, is another
    number at each."""
    return step(inputs) * FINER, step(inputs) * FINER**2


def settled(quotient: arb, finer: arb, finest: arb) -> arb:
    """A suspect quotient as it is at the finest step; 0 where it goes on changing with its step, so that it is the
    step's error alone."""
    if not suspect(quotient) or not finest.is_finite():
        return quotient
    return arb(0) if abs(finest - finer) > SETTLED * abs(finest) else finest


def digits(number: arb, count: int) -> str:
    """A number in decimal; 0 where it may as well be that: the digits of its middle would be noise."""
    return "0" if number.is_finite() and number.contains(0) else number.mid().str(count, radius=False)


def unit(inputs: Inputs, argument: int, index: tuple[int, ...]) -> Direction:
    """The direction of one entry of one argument."""
    direction = tuple(np.zeros_like(x) for x in inputs)
    direction[argument][index] = 1.0
    return direction


def generic_direction(inputs: Inputs, seed: int = 0) -> Direction:
    """A direction without symmetry: entries of either sign, of sizes from 1 to 2, the same for the same seed."""
    random = np.random.default_rng(seed)
    return tuple(random.choice([-1.0, 1.0], x.shape) * (1 + random.integers(0, 1024, x.shape) / 1024) for x in inputs)


def precisely(compute: Callable[[], Any], precise_enough: Callable[[Any], bool]) -> Any:
    """Compute again at twice the precision until it is precise enough, or the last precision is reached."""
    bits = FIRST_PRECISION
    while True:
        with ctx.workprec(bits):
            result = compute()
            if bits >= LAST_PRECISION or precise_enough(result):
                return result
        bits *= 2


def told_from_zero(balls: Iterable[arb]) -> bool:
    """Whether each number has digits to be shown, however far below all formats it lies, or is 0."""
    return all(not ball.is_finite() or ball.is_exact() or not ball.contains(0) for ball in balls)


def certain(balls: list[arb]) -> bool:
    """Whether every ball has 33 certain digits, or is zero for every format there is.

    What is not finite does not become so by more precision, and counts as settled."""
    return all(
        not ball.is_finite() or ball.is_exact() or ball.rel_accuracy_bits() >= DIGITS_BITS or ball.rad() < NOTHING
        for ball in balls
    )
