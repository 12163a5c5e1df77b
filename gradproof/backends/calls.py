"""What is asked of a framework about somebody's own function and its arguments: which of them are arrays, which are
differentiated, how they are named, and what a result is contracted to. One subclass per framework, in its folder;
importing it changes no setting of the framework."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import Any

import numpy as np

from gradproof.backends import trees
from gradproof.backends.tracing import Traced
from gradproof.backends.transformations import Transformations
from gradproof.registry.weights import complex_weights, weights


class _Numbers:
    """As much of a namespace as the fixed weights ask for: they are made in NumPy."""

    asarray = staticmethod(np.asarray)


def cotangent(shape: tuple[int, ...], is_complex: bool) -> np.ndarray:
    """The fixed uneven weights of a result of this shape, so that no entry of it goes unseen."""
    # Of an array without entries a list does not tell the shape.
    return np.reshape((complex_weights if is_complex else weights)(_Numbers, shape), shape)


def called(f: Callable, args: Sequence[Any]) -> Any:
    """What somebody's function makes of these arguments. What its compiled part raises seems to come from here."""
    return f(*args)


class LaterCallRaised(Exception):
    """A backward pass that has given a gradient and then raised. `found` is what it gave, `factor` the number that came
    in when it raised, and `__cause__` what it raised."""

    def __init__(self, found: list[tuple[Any, ...]], factor: float) -> None:
        self.found, self.factor = found, factor
        super().__init__(factor)


def one_after_the_other(pull: Callable[[float], tuple[Any, ...]], factors: Sequence[float]) -> list[tuple[Any, ...]]:
    """What a backward pass gives of each number that comes in. Raises `LaterCallRaised`."""
    found: list[tuple[Any, ...]] = []
    for by in factors:
        try:
            found.append(pull(by))
        except Exception as error:
            if not found:
                raise
            raise LaterCallRaised(found, by) from error
    return found


class Calls(ABC):
    """One framework, as the caller of somebody's function has it."""

    transformations: Transformations
    checker_error: type[Exception] = AssertionError
    """What the framework's own checker raises."""
    cures: Mapping[str, str] = MappingProxyType({})
    """By words of an error that the framework raises of somebody's own rule: what to do about it."""
    hands_otherwise: bool = False
    """Whether `handed` makes a gradient come in otherwise."""

    def flatten(self, tree: Any) -> tuple[list[trees.Leaf], Callable[[Sequence[Any]], Any]]:
        """The leaves of a tree with their paths, and the function that puts other leaves in their places."""
        return trees.flatten(tree)

    def leaves(self, tree: Any) -> list[Any]:
        """The leaves alone, in the same order."""
        return [leaf for _, leaf in self.flatten(tree)[0]]

    def applied(
        self, f: Callable, args: tuple, dtype: str = ""
    ) -> tuple[list[trees.Leaf], Callable[[Sequence[Any]], Any]]:
        """The leaves of the arguments, and `f` as a function of the list of leaves. What an argument holds besides, as
        a module its buffers, takes the dtype where one is given."""
        leaves, rebuild = self.flatten(args)
        return leaves, lambda given: called(f, rebuild(given))

    def is_traced(self, leaf: Any) -> bool:
        """Whether a leaf stands for an array while a function is differentiated, compiled or mapped, and has no
        numbers of its own."""
        return False

    def constants_of(self, f: Callable) -> list[str]:
        """In words, what a function holds that could be differentiated and is not, as the variables of a model."""
        return []

    def looked_at(self, call: Callable[[], Any], copies: Sequence[Any], given: Sequence[Any]) -> tuple[Any, str]:
        """What a call on `copies` of what was `given` makes; and, in words, why a gradient of it says nothing: it goes
        by what was given and not by the copies, or it leaves the gradients that it has with its arguments and shows no
        result that they are of. Empty where neither can be seen."""
        return call(), ""

    @abstractmethod
    def is_array(self, leaf: Any) -> bool:
        """Whether a leaf is an array of this framework, or a number that it takes for one."""

    @abstractmethod
    def dtype_of(self, leaf: Any) -> str:
        """The name of a leaf's dtype, as in DTYPES."""

    @abstractmethod
    def to_numpy(self, leaf: Any) -> np.ndarray:
        """The values of a leaf: float64 where its own format is no dtype of NumPy."""

    @abstractmethod
    def like(self, values: np.ndarray, leaf: Any, dtype: str) -> Any:
        """These values as an array of this dtype, on the device of `leaf`, and differentiated where `leaf` is."""

    def device_of(self, leaf: Any) -> str:
        """ "cpu" or "gpu": where a leaf lies."""
        return "cpu"

    def is_marked(self, leaf: Any) -> bool:
        """Whether the caller has marked a leaf as one to differentiate, where a framework has such marks."""
        return True

    @abstractmethod
    def contract(self, parts: Sequence[tuple[np.ndarray, Any]]) -> Any:
        """The real sum over weights times results, for pairs of a NumPy array and a result of the same shape; of
        complex ones the real part of conjugate weights times results."""

    @abstractmethod
    def trace(self, f: Callable, arguments: list[Any]) -> Traced:
        """The forward pass of `f(*arguments)`, a list of arrays, on a tape; all arguments are differentiated. Raises
        `Untraceable`."""

    def pulled_back(self, f: Callable, arrays: Sequence[Any], factors: Sequence[float]) -> list[tuple[Any, ...]]:
        """The gradients of a scalar function times each of these factors, from one forward pass where there can be a
        backward pass for each; what is unconnected is None. For a complex argument df/dRe + i df/dIm. Raises
        `LaterCallRaised` where the first can be had, and another not."""
        gradient = self.transformations.gradient

        def pull(by: float) -> tuple[Any, ...]:
            return gradient(lambda *given: by * f(*given) if by != 1 else f(*given))(*arrays)

        return one_after_the_other(pull, factors)

    def pulled_back_with_value(
        self, f: Callable, arrays: Sequence[Any], factors: Sequence[float]
    ) -> tuple[Any, list[tuple[Any, ...]]]:
        """The value that the rules compute on their way, where they do so themselves, else None; and behind it what
        `pulled_back` gives."""
        return None, self.pulled_back(f, arrays, factors)

    def filled(self, f: Callable, arrays: Sequence[Any], by_itself: bool) -> tuple[Any, ...] | None:
        """The gradient that a backward pass leaves with the arguments, where a framework has that way beside the other:
        the one that `f` runs itself, if its result is what `by_itself` it may be; None where there is none."""
        return None

    def pulled_back_at_once(
        self, f: Callable, arrays: Sequence[Any], factors: Sequence[float]
    ) -> list[tuple[Any, ...]]:
        """As `pulled_back`, by one backward pass that is mapped over the factors. Raises `Unsupported` where a
        framework maps nothing."""

        def pull(by: Any) -> tuple[Any, ...]:
            return self.transformations.gradient(lambda *given: by * f(*given))(*arrays)

        value = f(*arrays)
        incoming = self.like(np.asarray(factors), value, self.dtype_of(value))
        rows = self.transformations.vectorize(pull)(incoming)
        return [tuple(None if part is None else part[k] for part in rows) for k in range(len(factors))]

    def pulled_back_undefined(self, f: Callable, arrays: Sequence[Any]) -> tuple[Any, ...] | None:
        """What the backward pass gives where no gradient comes in, as for a result that nothing uses; None where a
        framework runs no backward pass then."""
        return None

    def handed(self, result: Any, kept: list[tuple[Any, Any]]) -> Any:
        """`result`, whose gradient comes in as every second entry of a larger array, which is put into `kept` with a
        copy of it; where a framework's arrays cannot be written to and lie in memory as it likes, only `result`."""
        return result

    def constant(self, array: Any) -> Any:
        """An array that is not differentiated."""
        return array

    def restricted(self, f: Callable, numbers: Sequence[int], arrays: Sequence[Any]) -> Callable:
        """`f` as a function of the arguments with these numbers, where the others are constants."""
        constants = [self.constant(array) for array in arrays]

        def of_few(*given: Any) -> Any:
            every = list(constants)
            for number, array in zip(numbers, given, strict=True):
                every[number] = array
            return f(*every)

        return of_few

    def pushed_at_once(self, f: Callable, arrays: Sequence[Any], stacked: Sequence[Any]) -> Any:
        """The JVPs along several directions, stacked along a new leading axis, in one pass. Raises whatever stands
        against it, as a rule that cannot be mapped."""
        push = self.transformations.jvp(f)
        return self.transformations.vectorize(lambda *tangents: push(*arrays, *tangents))(*stacked)

    def pushed_forward(self, f: Callable, arrays: Sequence[Any], tangents: Sequence[Any]) -> Any:
        """The JVP of a scalar function along one direction."""
        return self.transformations.jvp(f)(*arrays, *tangents)

    def pushed_forward_with_value(self, f: Callable, arrays: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
        """The same, behind the value that the rules compute on their way, where they do so themselves, else None."""
        return None, self.pushed_forward(f, arrays, tangents)

    def has_no_reverse(self, error: Exception) -> bool:
        """Whether an error says that the framework has no reverse mode for this code, as for a loop without a fixed
        number of turns, and not that something broke."""
        return False

    def parameters_of(self, f: Callable) -> list[inspect.Parameter]:
        """The parameters of a function, whose names are those of its arguments; none where it does not say them."""
        try:
            return list(inspect.signature(f).parameters.values())
        except (TypeError, ValueError):
            return []

    def at_work(self, tell: Callable[[str], None]) -> AbstractContextManager:
        """Differentiation switched on, for the time of a check, where a framework can have it off. `tell` takes, in
        words, what the framework mends in somebody's own rule without saying so."""
        return nullcontext()

    def settings(self) -> list[str]:
        """What is switched on in the framework that bears on rounding or on what is run."""
        return []

    @abstractmethod
    def stacked(self, arrays: Sequence[Any]) -> Any:
        """Arrays of one shape along a new leading axis."""

    @abstractmethod
    def taken(self, array: Any, places: np.ndarray) -> Any:
        """The entries of an array at these places, counted through it as it is read, as a vector."""

    @abstractmethod
    def zeros_like(self, array: Any) -> Any:
        """Zeros of an array's shape and dtype."""

    @abstractmethod
    def total(self, rows: Any) -> Any:
        """The sum of an array with one axis."""
