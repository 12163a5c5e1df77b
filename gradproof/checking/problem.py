"""Somebody's own function and arguments, as what can be verified: a real scalar function of the arrays that are
differentiated, each under the name by which its owner would write it."""

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradproof import backends
from gradproof.backends.calls import Calls, cotangent
from gradproof.backends.trees import flatten
from gradproof.registry.names import counted, unknown

OF_A_SCALAR = "its result"

REALS = ("float64", "float32", "float16", "bfloat16")
COMPLEX = {"complex128": "float64", "complex64": "float32"}
"""The complex dtypes, and the dtype of their parts."""


class ArgumentError(ValueError):
    """A call of `check_grads` that asks for nothing that could be verified. The message names cause and cure."""


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
    entries, where some are infinite: the scalar is made of them, and of all entries where there is None."""

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


def _name_of(f: Callable) -> str:
    owner = getattr(f, "__self__", None)
    name = getattr(f, "__name__", type(f).__name__)
    return f"{owner.__name__}.{name}" if isinstance(owner, type) else name


def _check_count(name: str, f: Callable, args: tuple) -> None:
    try:
        # Not that of a function which a decorator wraps: it may take other arguments.
        signature = inspect.signature(f, follow_wrapped=False)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*args)
    except TypeError as error:
        raise ArgumentError(f"{name} does not take {len(args)} positional arguments: {error}") from None


def framework_of(f: Callable, args: tuple, has_jac: bool) -> tuple[str, list[Any]]:
    """The backend whose arrays these arguments are; where they are NumPy's, that of what `f` makes of them. And what
    it made of them, where it had to be asked."""
    leaves = [leaf for _, leaf in flatten(args)[0]]
    found = dict.fromkeys(name for leaf in leaves if (name := _owner(leaf)) is not None)
    if len(found) > 1:
        raise ArgumentError(f"the arguments are arrays of {' and '.join(found)}: give those of one framework")
    if found:
        return next(iter(found)), []
    if has_jac:
        return "numpy", []
    named = _named_in(f)
    try:
        made = f(*args)
        owners = (name for _, leaf in flatten(made)[0] if (name := _owner(leaf)) is not None)
        return next(owners, None) or named or "autograd", [made]
    except Exception:
        # NumPy's own arrays may lack what the function asks of an array, as JAX's `at`.
        if named is None:
            raise
        return named, []


def _named_in(f: Callable) -> str | None:
    """The backend whose modules or functions a function names, where only one is: NumPy's arrays, indexed by another
    framework's, are still NumPy's."""
    while isinstance(f, functools.partial) or hasattr(f, "__wrapped__"):
        f = f.func if isinstance(f, functools.partial) else f.__wrapped__
    if not inspect.isfunction(f):
        return None
    variables = inspect.getclosurevars(f)
    named = (*variables.globals.values(), *variables.nonlocals.values())
    paths = (p for v in named for p in (v.__name__ if inspect.ismodule(v) else "", type(v).__module__, _module_of(v)))
    roots = {path.partition(".")[0] for path in paths}
    found = [name for name, known in backends.BACKENDS.items() if roots & set(known.array_modules)]
    return found[0] if len(found) == 1 else None


def _module_of(f: Any) -> str:
    return str(getattr(f, "__module__", ""))


def _owner(leaf: Any) -> str | None:
    roots = {base.__module__.partition(".")[0] for base in type(leaf).__mro__}
    return next((name for name, known in backends.BACKENDS.items() if roots & set(known.array_modules)), None)


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
    if not callable(f):
        raise ArgumentError(f"the first argument is a {type(f).__name__}; give a function of arrays")
    args = tuple(args) if isinstance(args, list | tuple) else (args,)
    _check_count(name or _name_of(f), f, args)
    backend, made = framework_of(f, args, jac is not None)
    calls = backends.calls_of(backend)
    named, apply = calls.applied(f, args, dtype)
    names = [_full_name(calls, f, path) for path, _ in named]
    given = [(path, None if only_args and _number(path) is None else leaf) for path, leaf in named]
    chosen = _chosen(calls, given, names, argnums, len(args))
    leaves = [_cast(calls, leaf, dtype) for _, leaf in named]

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
        made = [result_of(*(calls.like(calls.to_numpy(a.leaf), a.leaf, a.dtype) for a in arguments))]
    shapes = _result_shapes(calls, made[0])
    finite = _finite_places(calls, made[0], shapes) if jac is None else [None] * len(shapes)
    weights = [
        None if shape is None else _contractible(cotangent(*shape), places)
        for shape, places in zip(shapes, finite, strict=True)
    ]

    def results_of(*arrays: Any) -> list[Any]:
        leaves = [leaf for _, leaf in calls.flatten(result_of(*arrays))[0]]
        return [y if places is None else calls.taken(y, places) for y, places in zip(leaves, finite, strict=True)]

    return Problem(
        name=name or _name_of(f),
        backend=backend,
        calls=calls,
        arguments=arguments,
        scalar=_contracted(calls, results_of, weights, _is_real_scalar(shapes)),
        results=_described(shapes, finite),
        results_of=results_of,
        weights=dict(zip((path for path, _ in calls.flatten(made[0])[0]), weights, strict=True)),
        jacobian=None if jac is None else _contracted_jacobian(jac, gradient_of, shapes, arguments),
        finite=finite,
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


def _full_name(calls: Calls, f: Callable, path: str) -> str:
    """`params["w"]` for the path `[0]["w"]` of the arguments."""
    number = _number(path)
    if number is None:
        return f"{_name_of(f)}{path}"
    return f"{_parameter_name(calls, f, number)}{path[path.index(']') + 1 :]}"


def _parameter_name(calls: Calls, f: Callable, number: int) -> str:
    parameters = calls.parameters_of(f)
    if number < len(parameters) and parameters[number].kind in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    ):
        return parameters[number].name
    return f"args[{number}]"


def _chosen(
    calls: Calls, named: list[tuple[str, Any]], names: list[str], argnums: int | Sequence[int] | None, count: int
) -> list[int]:
    """The numbers of the leaves that are differentiated."""
    if argnums is not None:
        numbers = {argnums} if isinstance(argnums, int) else set(argnums)
        if bad := [n for n in numbers if not -count <= n < count]:
            verb = "is" if count == 1 else "are"
            raise ArgumentError(
                f"argnums names {bad[0]}; there {verb} {counted(count, 'argument')}, from 0 to {count - 1}"
            )
        wanted = {n % count for n in numbers}
        named = [(path, leaf if _number(path) in wanted else None) for path, leaf in named]
    floating = [
        i
        for i, (_, leaf) in enumerate(named)
        if calls.is_array(leaf) and calls.dtype_of(leaf) in (*REALS, *COMPLEX) and not isinstance(leaf, bool)
    ]
    if not floating:
        raise ArgumentError(
            f"none of {', '.join(names) or 'the arguments'} is a floating-point or complex array: integers and "
            f"booleans are data, and there is nothing to differentiate{_unregistered(calls, named, names)}"
        )
    marked = [i for i in floating if argnums is not None or calls.is_marked(named[i][1])]
    if not marked:
        raise ArgumentError(
            f"none of {', '.join(names[i] for i in floating)} requires a gradient: set requires_grad, or name argnums"
        )
    return marked


def _unregistered(calls: Calls, named: list[tuple[str, Any]], names: list[str]) -> str:
    """The cure where an argument is an object that holds arrays and that nobody takes apart."""
    for name, (_, leaf) in zip(names, named, strict=True):
        if hasattr(leaf, "__dict__") and not callable(leaf) and not calls.is_array(leaf):
            return f". {name} is a {type(leaf).__name__}: register it with the framework as a tree, or give its arrays"
    return ""


Shape = tuple[tuple[int, ...], bool] | None
"""Of a result its shape, and whether it is complex; None of one that has no derivative."""


def _result_shapes(calls: Calls, result: Any) -> list[Shape]:
    shapes = []
    for _, leaf in calls.flatten(result)[0]:
        dtype = calls.dtype_of(leaf) if calls.is_array(leaf) else ""
        shapes.append((tuple(np.shape(leaf)), dtype in COMPLEX) if dtype in (*REALS, *COMPLEX) else None)
    if not any(shapes):
        raise ArgumentError(f"the function returns {type(result).__name__}, no floating-point or complex array")
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
