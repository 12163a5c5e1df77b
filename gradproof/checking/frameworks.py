"""Whose arrays somebody's arguments are; what a function and its arguments are called; and what is in the place of an
array where there is none."""

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from gradproof import backends
from gradproof.backends.calls import Calls, called
from gradproof.backends.trees import flatten, key_path
from gradproof.checking.asked import ArgumentError

NUMBERS = (bool, int, float, complex, np.generic)

NOTHING_GIVEN = "there is nothing to differentiate: args holds nothing. Give the arguments of f in a tuple, as (x,)"

SHOWN = 40
"""Letters of a list of numbers that are shown."""


def framework_of(f: Callable, args: tuple, has_jac: bool) -> tuple[str, list[Any]]:
    """The backend whose arrays these arguments are; where they are NumPy's, that of what `f` makes of them. And what
    it made of them, where it had to be asked."""
    leaves = [leaf for _, leaf in flatten(args)[0]]
    found = dict.fromkeys(name for leaf in leaves if (name := owner(leaf)) is not None)
    if len(found) > 1:
        raise ArgumentError(f"the arguments are arrays of {' and '.join(found)}: give those of one framework")
    if found:
        return next(iter(found)), []
    if has_jac:
        return "numpy", []
    named = named_in(f)
    try:
        made = called(f, args)
        owners = (name for _, leaf in flatten(made)[0] if (name := owner(leaf)) is not None)
        return next(owners, None) or named or "autograd", [made]
    except Exception:
        # NumPy's own arrays may lack what the function asks of an array, as JAX's `at`.
        if named is None and not args:
            raise ArgumentError(NOTHING_GIVEN) from None
        if named is None:
            raise
        return named, []


def named_in(f: Callable) -> str | None:
    """The backend whose modules or functions a function names, or is one of, where only one is: NumPy's arrays, indexed
    by another framework's, are still NumPy's."""
    while isinstance(f, functools.partial) or hasattr(f, "__wrapped__"):
        f = f.func if isinstance(f, functools.partial) else f.__wrapped__
    named: tuple[Any, ...] = (f, getattr(f, "__self__", None))
    if inspect.isfunction(f):
        try:
            variables = inspect.getclosurevars(f)
        except ValueError:  # it names what is not yet bound
            return None
        named = (*variables.globals.values(), *variables.nonlocals.values())
    paths = (p for v in named for p in (v.__name__ if inspect.ismodule(v) else "", type(v).__module__, _module_of(v)))
    roots = {path.partition(".")[0] for path in paths}
    found = [name for name, known in backends.BACKENDS.items() if roots & set(known.array_modules)]
    return found[0] if len(found) == 1 else None


def _module_of(f: Any) -> str:
    return str(getattr(f, "__module__", ""))


def owner(leaf: Any) -> str | None:
    """The backend whose array a leaf is; None of NumPy's, and of what is no array."""
    roots = {base.__module__.partition(".")[0] for base in type(leaf).__mro__}
    return next((name for name, known in backends.BACKENDS.items() if roots & set(known.array_modules)), None)


def name_of(f: Callable) -> str:
    """What a function is called; one with some arguments already given, as it was without them."""
    while isinstance(f, functools.partial):
        f = f.func
    holder = getattr(f, "__self__", None)
    name = getattr(f, "__name__", type(f).__name__)
    return f"{holder.__name__}.{name}" if isinstance(holder, type) else name


def parameter_name(parameters: Sequence[inspect.Parameter], number: int) -> str:
    """What the argument with this number is called, by the parameters of its function."""
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if number < len(parameters) and parameters[number].kind in by_position:
        return parameters[number].name
    return f"args[{number}]"


# What is given in the place of an array


def no_array(f: Callable, args: tuple, told: str = "") -> str:
    """Which argument is a list of numbers, or a number, and what to give instead, where `f` says `told` of it; empty
    where there is none. Beside an array a number is data, and so is a list that is not spoken of."""
    parameters = _parameters(f)
    named = [(parameter_name(parameters, number), arg) for number, arg in enumerate(args)]
    has_arrays = any(np.ndim(leaf) or owner(leaf) for _, leaf in flatten(args)[0])
    for name, numbers in (pair for one in named for pair in _lists_of_numbers(*one)):
        kind = type(numbers).__name__
        if not has_arrays or kind in told or "sequence" in told:
            return f"{name} is a {kind} of numbers, each an argument of its own: give {_instead(f, numbers)}"
    numbers = [] if has_arrays else [(name, arg) for name, arg in named if isinstance(arg, NUMBERS)]
    return "".join(f"{name} is a number: give {_instead(f, arg)}" for name, arg in numbers[:1])


def _parameters(f: Callable) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        return []


def _lists_of_numbers(name: str, node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _lists_of_numbers(f"{name}{key_path(key)}", value)
    elif isinstance(node, list | tuple) and node and not hasattr(node, "_fields"):
        leaves = [leaf for _, leaf in flatten(node)[0]]
        if leaves and all(isinstance(leaf, NUMBERS) for leaf in leaves):
            yield name, node
        else:
            for number, value in enumerate(node):
                yield from _lists_of_numbers(f"{name}[{number}]", value)


def _instead(f: Callable, numbers: Any) -> str:
    text = repr(_with_a_point(numbers))
    known = named_in(f)
    # What NumPy's arrays are to who names no framework.
    makes = backends.BACKENDS[known or "autograd"].makes
    return makes.format(text if len(text) <= SHOWN else "…")


def _with_a_point(numbers: Any) -> Any:
    """The numbers in their lists, whole ones as floats: nothing else can be differentiated."""
    leaves, rebuild = flatten(numbers)
    plain = (leaf.item() if isinstance(leaf, np.generic) else leaf for _, leaf in leaves)
    return rebuild([float(number) if isinstance(number, int) else number for number in plain])


def too_many(f: Callable, args: tuple) -> str:
    """What to give instead of so many arguments, where `f` takes one: that one stands in a tuple of its own."""
    what = "numbers" if all(isinstance(arg, NUMBERS) for arg in args) else "entries"
    one = _instead(f, list(args)) if what == "numbers" else "[…]"
    return f"args is the tuple of the arguments, and its {len(args)} {what} were taken for them: give ({one},)"


def of_another(f: Callable, args: tuple) -> str:
    """Which argument is an array of another framework than that whose functions `f` calls; empty where none is, or
    where nobody sees what `f` calls."""
    known = named_in(f)
    others = ((path, name) for path, leaf in flatten(tuple(args))[0] if (name := owner(leaf)) not in (None, known))
    path, other = next(others, ("", None))
    if known is None or other is None:
        return ""
    name = parameter_name(_parameters(f), int(path[1 : path.index("]")])) + path[path.index("]") + 1 :]
    return f"{name} is an array of {other}, and {name_of(f)} calls {known}: give arrays of {known}"


# Where there is nothing to differentiate

NAMED = 3
"""So many arguments are named that cannot be differentiated."""

VOWELS = "AEIOUaeiou"

NARROW = ("float", "bfloat")
"""How the names of floating-point dtypes begin that are none of those which are verified."""


def kind_of(calls: Calls, leaf: Any) -> str:
    """What a leaf is: its dtype, where it is an array, or its type."""
    if calls.is_array(leaf):
        # What was given: a framework may make a narrower dtype of it.
        return leaf.dtype.name if isinstance(leaf, np.ndarray | np.generic) else calls.dtype_of(leaf)
    if isinstance(leaf, np.ndarray):
        return f"a NumPy array, {leaf.dtype}"
    kind = type(leaf).__name__
    return "None" if leaf is None else f"{'an' if kind[0] in VOWELS else 'a'} {kind}"


def nothing_to_differentiate(calls: Calls, given: Sequence[tuple[str, Any]], makes: str) -> str:
    """Why none of these arguments can be differentiated, and what to give instead. `makes` is the code that makes an
    array of the framework."""
    if not given:
        return NOTHING_GIVEN
    told = ", ".join(f"{name} is {kind_of(calls, leaf)}" for name, leaf in given[:NAMED])
    more = f" and {len(given) - NAMED} more are no better" if len(given) > NAMED else ""
    cures = (_cure(calls, name, leaf, makes) for name, leaf in given)
    cure = next((cure for cure in cures if cure), "give floating-point or complex arrays; whole numbers are data")
    return f"there is nothing to differentiate: {told}{more}. {cure[0].upper()}{cure[1:]}"


def _cure(calls: Calls, name: str, leaf: Any, makes: str) -> str:
    if calls.is_array(leaf):
        is_narrow = calls.dtype_of(leaf).startswith(NARROW)
        return f"give {name} as float32, and have the function convert it" if is_narrow else ""
    if isinstance(leaf, np.ndarray):
        return f"give {makes.format(name)}" if leaf.dtype.kind in "fc" else ""
    if isinstance(leaf, NUMBERS):
        return f"give {makes.format(repr(_with_a_point(leaf)))}"
    if hasattr(leaf, "__dict__") and not callable(leaf):
        return f"register {type(leaf).__name__} with the framework as a tree, or give the arrays of {name}"
    return ""


def nothing_returned(f: Callable, calls: Calls, result: Any) -> str:
    """What a function returns that has no derivative, and what may be the matter."""
    leaves = calls.flatten(result)[0]
    kinds = dict.fromkeys(kind_of(calls, leaf) for _, leaf in leaves)
    returned = ", ".join(kinds) or kind_of(calls, result)
    told = f"the function returns {returned}, no floating-point or complex array of the framework"
    if inspect.isclass(f):
        return f"{told}. {f.__name__} is a class: give an instance of it, or a function"
    if result is None:
        return f"{told}: is its return statement missing?"
    if all(isinstance(leaf, np.ndarray | float | complex) for _, leaf in leaves):
        return f"{told}: what has left it, as by float(), .item() or .numpy(), has no gradient. Return the array itself"
    return told
