"""Somebody's own function and arguments, as what can be verified: a real scalar function of the arrays that are
differentiated, each under the name by which its owner would write it."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradproof import backends
from gradproof.backends.calls import Calls, cotangent
from gradproof.backends.trees import flatten
from gradproof.checking.asked import ArgumentError
from gradproof.checking.frameworks import (
    framework_of,
    kind_of,
    name_of,
    no_array,
    nothing_returned,
    nothing_to_differentiate,
    of_another,
    parameter_name,
    too_many,
)
from gradproof.registry.names import counted, unknown

OF_A_SCALAR = "its result"

REALS = ("float64", "float32", "float16", "bfloat16")
COMPLEX = {"complex128": "float64", "complex64": "float32"}
"""The complex dtypes, and the dtype of their parts."""


@dataclass(frozen=True)
class Argument:
    """One array that is differentiated: its name, the caller's array, and its dtype."""

    name: str
    leaf: Any
    dtype: str

    @property
    def is_complex(self) -> bool:
        """Whether it is complex."""
        return self.dtype in COMPLEX

    @property
    def format(self) -> str:
        """The dtype of its real numbers."""
        return COMPLEX.get(self.dtype, self.dtype)


@dataclass(frozen=True)
class Problem:
    """A function of arrays: `scalar(*arrays)` takes one for each of `arguments`, and gives a real scalar.

    `results` says of what the scalar is made: the shapes of the results, with weights where there is more than one
    number. `results_of(*arrays)` are these results, in a list, and `weights` what each is contracted with, by its path;
    None where it has no derivative. `name` is the function's. `finite` has, for each result, the places of its finite
    entries, where some are infinite: the scalar is made of them, and of all entries where there is None. `unmarked` are
    arrays that could be differentiated and are not, by their names; `left_out` are results that have no derivative, and
    `data` leaves of the arguments that have none, in words."""

    name: str
    backend: str
    calls: Calls
    arguments: list[Argument]
    scalar: Callable
    results: str
    results_of: Callable
    weights: dict[str, np.ndarray | None]
    jacobian: Callable | None = None
    finite: Sequence[np.ndarray | None] = ()
    unmarked: Sequence[str] = ()
    left_out: Sequence[str] = ()
    data: Sequence[str] = ()

    def contracted(self, weights: Sequence[np.ndarray | None], results_of: Callable | None = None) -> "Problem":
        """The same function, contracted otherwise, or with what `results_of` makes of its results."""
        return replace(self, scalar=_contracted(self.calls, results_of or self.results_of, weights, self.is_scalar))

    @property
    def is_scalar(self) -> bool:
        """Whether the function gives one real number, which is not contracted with anything."""
        return self.results == OF_A_SCALAR

    @property
    def leaves_out_infinities(self) -> bool:
        """Whether the scalar is made of a part of a result, because the rest is infinite."""
        return any(places is not None for places in self.finite)

    @property
    def leaves(self) -> list[Any]:
        """The caller's arrays."""
        return [argument.leaf for argument in self.arguments]


def _check_callable(name: str, f: Any, args: tuple) -> None:
    if not callable(f):
        raise ArgumentError(f"the first argument is a {type(f).__name__}; give a function of arrays")
    if inspect.isclass(f) and inspect.ismethod(getattr(f, "apply", None)):
        # Called itself it would make an object.
        raise ArgumentError(f"{f.__name__} is a class: give {f.__name__}.apply")
    _check_count(name, f, args)


def _check_count(name: str, f: Callable, args: tuple) -> None:
    try:
        # Not that of a function which a decorator wraps: it may take other arguments.
        signature = inspect.signature(f, follow_wrapped=False)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*args)
    except TypeError as error:
        told = f"{name} does not take {counted(len(args), 'positional argument')}"
        cure = too_many(f, args) if len(args) > 1 and _takes(signature, 1) else str(error)
        raise ArgumentError(f"{told}: {cure}") from None


def _takes(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def problem_of(
    f: Callable,
    args: Any,
    argnums: int | Sequence[int] | None = None,
    name: str | None = None,
    jac: Callable | bool | None = None,
    dtype: str = "",
    only_args: bool = False,
) -> Problem:
    """The problem that a call of `check_grads` poses, with all floating-point arrays cast to `dtype` where one is
    given. With `only_args` what `f` holds itself, as a module its parameters, is not differentiated. Raises
    `ArgumentError`."""
    args = tuple(args) if isinstance(args, list | tuple) else (args,)
    _check_callable(name or name_of(f), f, args)
    backend, made = framework_of(f, args, jac is not None)
    calls = backends.calls_of(backend)
    named, apply = calls.applied(f, args, dtype)
    parameters = calls.parameters_of(f)
    names = [_full_name(parameters, f, path) for path, _ in named]
    if traced := [name for name, (_, leaf) in zip(names, named, strict=True) if calls.is_traced(leaf)]:
        raise ArgumentError(
            f"{traced[0]} has no numbers while a function is differentiated, compiled or mapped: call check_grads "
            "outside, on arrays"
        )
    given = [(path, None if only_args and _number(path) is None else leaf) for path, leaf in named]
    if argnums is not None:
        given = _asked_for(given, argnums, len(args))
    floating = _floating(calls, given)
    if not floating:
        those = [(name, leaf) for name, (_, leaf) in zip(names, given, strict=True) if leaf is not NOT_ASKED_FOR]
        makes = backends.BACKENDS[backend].makes
        raise ArgumentError(no_array(f, args) or nothing_to_differentiate(calls, those, makes))
    chosen = [i for i in floating if argnums is not None or calls.is_marked(given[i][1])]
    if not chosen:
        told = ", ".join(names[i] for i in floating)
        unmarked = f"none of {told} requires a gradient: set requires_grad, or name argnums"
        raise ArgumentError(of_another(f, args) or unmarked)
    leaves = [_cast(calls, leaf, dtype) for _, leaf in named]
    without = [(path, leaf) for i, (path, leaf) in enumerate(given) if i not in floating and leaf is not NOT_ASKED_FOR]
    nones = [(path, None) for path, leaf in flatten(args)[0] if leaf is None and path not in dict(named)]
    data = [
        f"{_full_name(parameters, f, path)} ({kind_of(calls, leaf)})"
        for path, leaf in (*without, *(nones if argnums is None else ()))
        if _number(path) is not None
    ]

    def given(arrays: Sequence[Any]) -> list[Any]:
        replaced = list(leaves)
        for i, array in zip(chosen, arrays, strict=True):
            replaced[i] = array
        return replaced

    def result_of(*arrays: Any) -> Any:
        result = apply(given(arrays))
        return _value_and_gradient(result)[0] if jac is True else result

    def gradient_of(*arrays: Any) -> Any:
        if jac is True:
            return _value_and_gradient(apply(given(arrays)))[1]
        return calls.applied(jac, args, dtype)[1](given(arrays))

    arguments = [Argument(names[i], leaves[i], calls.dtype_of(leaves[i])) for i in chosen]
    if dtype or backend != "autograd" or not made:
        # Copies: NumPy's become the framework's, and what a function does to its arguments does not reach the caller's.
        copies = [calls.like(calls.to_numpy(a.leaf), a.leaf, a.dtype) for a in arguments]
        result, in_vain = calls.looked_at(lambda: result_of(*copies), copies, [named[i][1] for i in chosen])
        if in_vain:
            raise ArgumentError(f"{name or name_of(f)} {in_vain}")
        made = [result]
    found, shapes = calls.flatten(made[0])[0], _result_shapes(f, calls, made[0])
    finite = _finite_places(calls, made[0], shapes) if jac is None else [None] * len(shapes)
    weights = [
        None if shape is None else _contractible(cotangent(*shape), places)
        for shape, places in zip(shapes, finite, strict=True)
    ]

    def results_of(*arrays: Any) -> list[Any]:
        leaves = calls.leaves(result_of(*arrays))
        return [y if places is None else calls.taken(y, places) for y, places in zip(leaves, finite, strict=True)]

    return Problem(
        name=name or name_of(f),
        backend=backend,
        calls=calls,
        arguments=arguments,
        scalar=_contracted(calls, results_of, weights, _is_real_scalar(shapes)),
        results=_described(shapes, finite),
        results_of=results_of,
        weights=dict(zip((path for path, _ in found), weights, strict=True)),
        jacobian=None if jac is None else _contracted_jacobian(jac, gradient_of, shapes, arguments),
        finite=finite,
        unmarked=[*(names[i] for i in floating if i not in chosen), *calls.constants_of(f)],
        left_out=[
            f"{path} ({kind_of(calls, leaf)})" for (path, leaf), w in zip(found, weights, strict=True) if w is None
        ],
        data=data,
    )


def _cast(calls: Calls, leaf: Any, dtype: str) -> Any:
    """A leaf of another dtype; a complex one takes the complex dtype with such parts."""
    if not dtype or not calls.is_array(leaf):
        return leaf
    if dtype not in (*REALS, *COMPLEX):
        raise ArgumentError(unknown("dtypes", dtype, (*REALS, *COMPLEX)))
    own, real = calls.dtype_of(leaf), COMPLEX.get(dtype, dtype)
    if own not in (*REALS, *COMPLEX):
        return leaf
    partner = {part: name for name, part in COMPLEX.items()}
    wanted = real if own in REALS else partner.get(real, own)
    made = calls.like(calls.to_numpy(leaf), leaf, wanted)
    if (got := calls.dtype_of(made)) != wanted:
        raise ArgumentError(f"dtypes names {dtype}, and the framework makes {got} of it: switch 64 bits on there")
    return made


def _number(path: str) -> int | None:
    """Of which argument a path is; None where it is of the function itself, as the parameters of a module are."""
    return int(path[1 : path.index("]")]) if path.startswith("[") else None


def _full_name(parameters: list[inspect.Parameter], f: Callable, path: str) -> str:
    """`params["w"]` for the path `[0]["w"]` of the arguments."""
    number = _number(path)
    if number is None:
        return f"{name_of(f)}{path}"
    return f"{parameter_name(parameters, number)}{path[path.index(']') + 1 :]}"


def _floating(calls: Calls, named: list[tuple[str, Any]]) -> list[int]:
    """The numbers of the leaves that can be differentiated."""
    return [
        i
        for i, (_, leaf) in enumerate(named)
        if calls.is_array(leaf) and calls.dtype_of(leaf) in (*REALS, *COMPLEX) and not isinstance(leaf, bool)
    ]


NOT_ASKED_FOR = object()
"""In the place of a leaf of an argument that `argnums` does not name."""


def _asked_for(named: list[tuple[str, Any]], argnums: int | Sequence[int], count: int) -> list[tuple[str, Any]]:
    """The leaves, without those of arguments that `argnums` does not name."""
    numbers = [argnums] if isinstance(argnums, int | np.integer) else argnums
    if isinstance(numbers, str) or not isinstance(numbers, Iterable):
        raise ArgumentError(f"argnums={argnums!r}: give the number of an argument, from 0, or a tuple of such")
    numbers = list(numbers)
    if not numbers:
        raise ArgumentError(f"argnums={argnums!r} names no argument, and nothing would be checked")
    for number in numbers:
        if not isinstance(number, int | np.integer):
            raise ArgumentError(f"argnums names {number!r}: arguments are named by their numbers, from 0")
        if not -count <= number < count:
            verb = "is" if count == 1 else "are"
            raise ArgumentError(
                f"argnums names {number}; there {verb} {counted(count, 'argument')}, from 0 to {count - 1}"
            )
    wanted = {number % count for number in numbers}
    return [(path, leaf if _number(path) in wanted else NOT_ASKED_FOR) for path, leaf in named]


Shape = tuple[tuple[int, ...], bool] | None
"""Of a result its shape, and whether it is complex; None of one that has no derivative."""


def _result_shapes(f: Callable, calls: Calls, result: Any) -> list[Shape]:
    shapes = []
    for _, leaf in calls.flatten(result)[0]:
        dtype = calls.dtype_of(leaf) if calls.is_array(leaf) else ""
        shapes.append((tuple(np.shape(leaf)), dtype in COMPLEX) if dtype in (*REALS, *COMPLEX) else None)
    if not any(shapes):
        raise ArgumentError(nothing_returned(f, calls, result))
    return shapes


def _finite_places(calls: Calls, result: Any, shapes: list[Shape]) -> list[np.ndarray | None]:
    """For each result with infinite entries among finite ones the places of those; None for the others."""
    found: list[np.ndarray | None] = []
    for (_, leaf), shape in zip(calls.flatten(result)[0], shapes, strict=True):
        values = np.ravel(calls.to_numpy(leaf)) if shape is not None else np.zeros(0)
        finite = np.isfinite(values)
        # NaN is no arithmetic with infinities: the function has no value there, which is told.
        is_partly_infinite = finite.any() and not finite.all() and not np.isnan(values).any()
        found.append(np.flatnonzero(finite) if is_partly_infinite else None)
    return found


def _contractible(w: np.ndarray, places: np.ndarray | None) -> np.ndarray:
    """The weights of those entries of a result that the scalar is made of."""
    return w if places is None else np.ravel(w)[places]


def _contracted(calls: Calls, results_of: Callable, weights: Sequence[np.ndarray | None], is_scalar: bool) -> Callable:
    """The results times fixed weights, summed; one real number stays as it is."""

    def scalar(*arrays: Any) -> Any:
        leaves = results_of(*arrays)
        if is_scalar:
            return leaves[0]
        return calls.contract([(w, y) for w, y in zip(weights, leaves, strict=True) if w is not None])

    return scalar


def _is_real_scalar(shapes: list[Shape]) -> bool:
    return shapes == [((), False)]


def _value_and_gradient(result: Any) -> tuple[Any, Any]:
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise ArgumentError("with jac=True the function returns two things: its value, and the gradient")
    return result[0], result[1]


def _contracted_jacobian(
    jac: Callable | bool, gradient_of: Callable, shapes: list[Shape], arguments: Sequence[Argument]
) -> Callable[..., tuple[np.ndarray, ...]]:
    """From arguments to the gradient of the contracted result, by the caller's own `jac`: of a result with axes its
    Jacobian, whose first axes are those of the result."""
    if jac is not True and not callable(jac):
        raise ArgumentError(f"jac={jac!r}: give a function of the same arguments, or True where f returns both")
    if len(shapes) != 1 or shapes[0] is None:
        raise ArgumentError("with jac the function returns one array, or one number: join lists by np.array")
    shape, is_complex = shapes[0]
    if is_complex or any(argument.is_complex for argument in arguments):
        raise ArgumentError(
            "with jac the arguments and the result are real: give real and imaginary parts of their own"
        )
    w = cotangent(shape, is_complex)

    def gradient(*arrays: Any) -> tuple[np.ndarray, ...]:
        parts = _parts_of_jacobian(gradient_of(*arrays), len(arguments))
        return tuple(_contracted_part(w, part, a) for part, a in zip(parts, arguments, strict=True))

    return gradient


def _parts_of_jacobian(given: Any, count: int) -> Sequence[Any]:
    """One part for each argument. Of one argument a list is its gradient, as a vector is often written."""
    if count == 1 and not (isinstance(given, tuple) and len(given) == 1):
        return (given,)
    parts = [leaf for _, leaf in flatten(given)[0]]
    if len(parts) != count:
        raise ArgumentError(f"jac gives {len(parts)} arrays, and {count} are differentiated: return a tuple")
    return parts


def _contracted_part(w: np.ndarray, part: Any, argument: Argument) -> np.ndarray:
    # A copy: what is filled in may be filled again at the next call.
    part, shape = np.array(part), np.shape(argument.leaf)
    if w.ndim == 0:
        return part
    if part.shape != w.shape + shape:
        raise ArgumentError(
            f"jac gives {part.shape} for {argument.name}; of the result and it {w.shape + shape} is right"
        )
    return np.asarray(np.tensordot(w.astype(part.dtype), part, axes=w.ndim))


def _described(shapes: list[Shape], finite: Sequence[np.ndarray | None]) -> str:
    if _is_real_scalar(shapes):
        return OF_A_SCALAR
    given = [f"{'complex ' if is_complex else ''}{shape}" for shape, is_complex in filter(None, shapes)]
    sizes = [
        int(np.prod(shape[0])) - len(p) for shape, p in zip(shapes, finite, strict=True) if shape and p is not None
    ]
    without = f" without its {sum(sizes)} infinite {'entry' if sum(sizes) == 1 else 'entries'}," if sizes else ""
    return f"Σ w · its result, of shape {', '.join(given)},{without} with fixed uneven weights w"
