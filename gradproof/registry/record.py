"""The registry: the record of one function (body, domains, points, hand-derived gradient, implementations), the
decorator that makes it. A bad entry becomes a record that carries its problem, so that the other functions of the file
still run."""

import dis
import functools
import inspect
import linecache
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import CodeType
from typing import Any, Never

import numpy as np

from gradproof import content
from gradproof.registry import drawing as st
from gradproof.registry.domains import Domain
from gradproof.registry.names import meant, printable

Inputs = tuple[np.ndarray, ...]
"""One float64 array per argument, in the order of the body's signature. A complex argument is held in real numbers,
with one more axis for its real and imaginary part."""


DECORATED = 300
"""So many lines a decorator may have: points can be long."""


class RegistryError(Exception):
    """An entry of the registry that breaks the contract. The message names the function, its file and the cure."""


class NotFinite(RegistryError):
    """A function that has no finite value at an input of its domain."""

    CURE = "Narrow the domain of its arguments, or drop the point"


@dataclass(eq=False)
class Function:
    """One entry: what is differentiated, where, and its gradient derived by hand.

    `body(xp, *arguments)` returns a scalar; it may be empty where there are implementations, of which each is then held
    to its own forward pass. `hand(xp, *arguments)`, where there is one, returns a gradient per
    argument, each shaped as its argument. `implementations` maps a backend's name to code that this backend runs
    instead of the body, and `promises`, by the same name, what that code is declared to do. `variant_of` names the
    entry of which this is a variant, and `variants` are those of this one. `generator` makes an input of any size,
    `published` are values that somebody has printed. `problems` is what is
    wrong with the entry; a function with problems is never evaluated. One that `is_file` stands for a file of which not
    all could be loaded, and is no function. `loaded_from` is the file that was loaded for it, where one was: what
    stands in it may have been made elsewhere."""

    name: str
    body: Callable
    domains: dict[str, Domain]
    points: list[Inputs]
    path: str
    line: int
    hand: Callable | None = None
    implementations: dict[str, Callable] = field(default_factory=dict)
    promises: dict[str, "Promise"] = field(default_factory=dict)
    variant_of: str = ""
    variants: list["Function"] = field(default_factory=list)
    generator: Callable[[int, np.random.Generator], dict[str, Any]] | None = None
    published: list["Published"] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    is_file: bool = False
    loaded_from: str = ""

    @functools.cached_property
    def has_body(self) -> bool:
        """Whether there is anything in the body besides its docstring."""
        return not _is_empty(self.body)

    def gradient(self, hand: Callable) -> Callable:
        """Decorate the hand-derived gradient of this function: `(xp, *arguments)` to one array per argument."""
        if self.hand is not None:
            self.problems.append("it has two hand-derived gradients; keep one")
        if not self.has_body:
            self.problems.append("it has a hand-derived gradient and an empty body: there is nothing to prove it by")
        self.hand = hand
        return hand

    def implementation(
        self, backend: str, *, modes: Iterable[str] = (), accuracy: float | None = None, **unknown: Never
    ) -> Callable[[Callable], Callable]:
        """Decorate the code that `backend` runs instead of the body: `(*arguments)` to a scalar, without `xp`.

        `modes` are the ways in which it can be differentiated, as ("reverse",) of a backward pass alone: it is tried in
        no other. `accuracy` says that it approximates the body, within this error relative to the value and to the
        largest entry of a gradient. Write it above the variants, which run it as well."""

        def register(code: Callable) -> Callable:
            if backend in self.implementations:
                self.problems.append(f"it has two implementations for {backend}; keep one")
            # What is given and not run would pass for verified.
            for entry in (self, *self.variants) if self.variants else ():
                entry.problems.append(
                    f"the implementation for {backend} is written below a variant, which would go without it; "
                    "write it above"
                )
            self.implementations[backend] = code
            self.promises[backend] = Promise((modes,) if isinstance(modes, str) else tuple(modes), accuracy)
            if accuracy is not None and not (isinstance(accuracy, int | float) and 0 < accuracy < 1):
                self.problems.append(f"accuracy={accuracy!r}: give a relative error between 0 and 1, such as 1e-6")
            return code

        self.problems += [
            f"an implementation has no argument {name!r}{meant(name, ('modes', 'accuracy'))}" for name in unknown
        ]
        if not isinstance(backend, str):
            self.problems.append('an implementation is for no backend; name one: .implementation("jax")')

        return register

    def variant(self, suffix: str, points: Iterable[dict[str, Any]] = (), **changes: Any) -> "Function":
        """Register this function with other parameters or other domains, as an entry named `name_suffix`.

        A domain among `changes` replaces that of the argument of this name; anything else is handed, by keyword, to the
        body, to the hand-derived gradient and to the implementations, which must all take it. Of this function's points
        those are tried that have the right shapes, and `points` besides. Write it below the gradient and the
        implementations."""
        domains = self.domains | {name: value for name, value in changes.items() if isinstance(value, Domain)}
        parameters = {name: value for name, value in changes.items() if not isinstance(value, Domain)}
        entry = Function(
            name=printable(f"{self.name}_{suffix}"),
            body=_with(self.body, parameters),
            domains=domains,
            points=[p for p in self.points if [x.shape for x in p] == [d.real_shape for d in domains.values()]],
            path=self.path,
            line=self.line,
            hand=None if self.hand is None else _with(self.hand, parameters),
            implementations={backend: _with(code, parameters) for backend, code in self.implementations.items()},
            promises=dict(self.promises),
            variant_of=self.name,
            problems=[*self.problems, *_variant_problems(self, domains, parameters)],
        )
        if not entry.problems:
            _add_points(entry, points)
        self.variants.append(entry)
        registered.append(entry)
        return entry

    def inputs_of_size(self, generator: Callable[[int, np.random.Generator], dict[str, Any]]) -> Callable:
        """Decorate what makes an input of size n, `(n, rng)` to an array per argument: the same function, large enough
        to be timed. The body and the gradient must take their sizes from their arguments' shapes."""
        self.generator = generator
        return generator

    def at_size(self, n: int, seed: int = 0) -> "Function":
        """This function at size n, not registered: its one point is a generated input, rounded to float32, and its
        domains have that input's shapes. Raises `RegistryError` where the function has no generator."""
        if self.generator is None:
            raise self.error("it has one size only; decorate a generator with .inputs_of_size")
        made = self.generator(n, np.random.default_rng(seed))
        if set(made) != set(self.domains):
            raise self.error(f"its generator gives {', '.join(made)}, not {', '.join(self.domains)}")
        point = {name: np.asarray(value, dtype=np.float32) for name, value in made.items()}
        entry = self.at_shapes({name: value.shape for name, value in point.items()})
        entry.name = f"{self.name}_of_size_{n}"
        _add_points(entry, [point])
        return entry

    def at_shapes(self, shapes: Mapping[str, tuple[int, ...]]) -> "Function":
        """This function for arguments of other shapes, by their names, not registered and without a point. Whether it
        computes there, its body and its gradient say."""
        domains = {name: replace(domain, shape=shapes[name]) for name, domain in self.domains.items()}
        return replace(self, domains=domains, points=[], published=[], problems=[])

    def publishes(self, value: str, source: str, **point: Any) -> None:
        """Note that `source` prints `value` for this function at `point`: a test holds the exact value to every digit
        printed, to one unit in the last place."""
        at = replace(self, points=[], problems=[])
        _add_points(at, [point])
        self.problems += [f"the published value {value}: {problem}" for problem in at.problems]
        self.published += [Published(value, source, inputs) for inputs in at.points]

    def gradient_by_hand(self, xp: Any, *arguments: Any) -> tuple[Any, ...]:
        """The hand-derived gradient, a tuple also where a function of one argument returns its array bare."""
        assert self.hand is not None, f"{self.name} has no hand-derived gradient"
        result = self.hand(xp, *arguments)
        return tuple(result) if isinstance(result, tuple | list) else (result,)

    def promise(self, backend: str) -> "Promise":
        """What is declared of the implementation for a backend; of the body, all modes and no error."""
        return self.promises.get(backend, Promise())

    @property
    def formula(self) -> str:
        """The first paragraph of the body's docstring, on one line."""
        return " ".join(printable(inspect.getdoc(self.body) or "no formula given").split("\n\n")[0].split())

    @property
    def where(self) -> str:
        """`file:line`, for errors."""
        return f"{self.path}:{self.line}"

    @property
    def hand_where(self) -> str:
        """`file:line` of the hand-derived gradient."""
        return _where(self.hand)

    def implementation_where(self, backend: str) -> str:
        """`file:line` of the implementation for this backend."""
        return _where(self.implementations[backend])

    @functools.cached_property
    def is_builtin(self) -> bool:
        """Whether it belongs to this registry, and not to a user, who may give a function of his own the same name."""
        return Path(self.path).is_relative_to(content.FUNCTIONS)

    @functools.cached_property
    def is_complex(self) -> bool:
        """Whether some argument is complex: such a function is verified in the complex dtypes."""
        return any(domain.is_complex for domain in self.domains.values())

    def native(self, inputs: Inputs) -> tuple[np.ndarray, ...]:
        """The arguments themselves, complex where they are complex."""
        return tuple(domain.native(x) for domain, x in zip(self.domains.values(), inputs, strict=True))

    def inputs(self) -> "st.SearchStrategy[Inputs]":
        """A Hypothesis strategy for one input: a float64 array per argument, every entry exact in float32."""
        return st.tuples(*(domain.strategy() for domain in self.domains.values()))

    def faults(self) -> list[str]:
        """What is wrong with the entry, once all of its file has been read."""
        if self.has_body or self.implementations:
            return list(self.problems)
        empty = "its body is empty: write one, or decorate the code of a backend with .implementation"
        return [*self.problems, empty]

    def check(self) -> None:
        """Raise `RegistryError` when the entry has a problem."""
        if faults := self.faults():
            raise RegistryError(f"{self.name} ({self.where}): " + "; ".join(faults))

    def error(self, problem: str, where: str = "") -> RegistryError:
        """An error about this entry, found while it was evaluated: at its body, or where the derivation stands."""
        return RegistryError(f"{self.name} ({where or self.where}): {problem}")


@dataclass(frozen=True)
class Promise:
    """What an implementation is declared to do: the `modes` in which it can be differentiated, all where none is named,
    and the relative `accuracy` to which it approximates the body, or None."""

    modes: tuple[str, ...] = ()
    accuracy: float | None = None

    def offers(self, mode: str) -> bool:
        """Whether it is to be tried in this mode."""
        return not self.modes or mode in self.modes


@dataclass(frozen=True, eq=False)
class Published:
    """A value that somebody has printed: its digits, where they stand, and the input they belong to."""

    value: str
    source: str
    inputs: Inputs


registered: list[Function] = []
"""Every entry that the decorator has made, in the order of the files that were executed."""


def _is_empty(body: Callable) -> bool:
    """Whether a function does nothing but return None: a docstring, `...` or `pass`."""
    plain = inspect.unwrap(getattr(body, "func", body))
    given = [i for i in dis.get_instructions(plain) if i.opname not in ("RESUME", "NOP")]
    return all(i.opname.startswith(("LOAD_CONST", "RETURN_")) and i.argval is None for i in given)


def _where(code: Any) -> str:
    plain = inspect.unwrap(code)
    found = getattr(plain, "__code__", None)
    return f"{found.co_filename}:{line_of(found)}" if found else getattr(plain, "__module__", None) or repr(code)


def line_of(code: CodeType) -> int:
    """The line on which a function is defined, beneath its decorators."""
    start = code.co_firstlineno
    lines = linecache.getlines(code.co_filename)[start - 1 : start - 1 + DECORATED]
    named = re.compile(rf"\s*(async\s+)?def\s+{re.escape(code.co_name)}\b")
    return next((start + i for i, line in enumerate(lines) if named.match(line)), start)


def _with(code: Callable, parameters: dict[str, Any]) -> Callable:
    if not parameters:
        return code
    given = functools.update_wrapper(functools.partial(code, **parameters), code)
    shown = ", ".join(f"{name} = {value!r}" for name, value in parameters.items())
    formula, *rest = (inspect.getdoc(code) or "").split("\n\n")
    given.__doc__ = "\n\n".join([f"{formula}, with {shown}", *rest])
    return given


def _variant_problems(entry: Function, domains: dict[str, Domain], parameters: dict[str, Any]) -> list[str]:
    known = list(inspect.signature(entry.body).parameters)
    unknown = [name for name in (*domains, *parameters) if name not in known]
    if unknown:
        return [f"a variant names {', '.join(unknown)}, which the body does not take{_meant(unknown, known)}"]
    is_early = entry.hand is None and entry.has_body
    problems = ["a variant is written above the gradient; write it below"] if is_early else []
    problems += [problem for name, domain in domains.items() if (problem := _domain_problem(name, domain))]
    for backend, code in entry.implementations.items():
        lost = [name for name in parameters if not _takes(code, name)]
        if lost:
            problems.append(
                f"the implementation for {backend} does not take {', '.join(lost)}, which a variant sets, so it would "
                f"be verified with another value: give it the parameter, as in (x, *, {lost[0]})"
            )
    return problems


def _takes(code: Callable, name: str) -> bool:
    try:
        parameters = inspect.signature(code).parameters
    except (TypeError, ValueError):  # compiled code that does not tell
        return False
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def function(points: Iterable[dict[str, Any]] = (), **domains: Domain) -> Callable[[Callable], Function]:
    """Decorate the body `(xp, *arguments)` of a test function, and register it.

    Each further keyword gives an argument's domain, by the argument's name. `points` are inputs that are always tried,
    as one dict per point. What is wrong with the entry is kept in its `problems`."""

    def register(body: Callable) -> Function:
        # What follows the * of a signature are parameters of the operation, which its variants set.
        names = [p.name for p in inspect.signature(body).parameters.values() if p.kind is not p.KEYWORD_ONLY][1:]
        entry = Function(
            name=body.__name__,
            body=body,
            domains={name: domains[name] for name in names if isinstance(domains.get(name), Domain)},
            points=[],
            path=inspect.getsourcefile(body) or "?",
            line=line_of(body.__code__),
        )
        entry.problems += _signature_problems(names, domains)
        if not entry.problems:
            _add_points(entry, points)
        registered.append(entry)
        return entry

    return register


def _signature_problems(names: list[str], domains: dict[str, Domain]) -> list[str]:
    missing = [name for name in names if name not in domains]
    unknown = [name for name in domains if name not in names]
    problems = []
    if missing:
        problems.append(f"no domain is given for {', '.join(missing)}: add {missing[0]}=Reals() to @function")
    if unknown:
        problems.append(f"@function names {', '.join(unknown)}, which the body does not take{_meant(unknown, names)}")
    taken = {name: domain for name, domain in domains.items() if name in names}
    problems += [problem for name, domain in taken.items() if (problem := _domain_problem(name, domain))]
    if not names:
        problems.append("the body takes no argument behind xp")
    return problems


def _meant(unknown: Iterable[str], taken: Iterable[str]) -> str:
    """What was probably meant by the first of these that is near a name that can be given."""
    known = (*taken, "points")
    return next((told for name in unknown if (told := meant(name, known))), "")


def _domain_problem(name: str, domain: Any) -> str:
    """What is wrong with what stands for the domain of an argument; empty where nothing is."""
    if isinstance(domain, type) and issubclass(domain, Domain):
        return f"the domain of {name} is the class {domain.__name__}; write {domain.__name__}()"
    if not isinstance(domain, Domain):
        return (
            f"the domain of {name} is {domain!r}; give a domain such as Reals(). What is no argument to differentiate "
            f"by stands behind a * in the body's signature, with its value: (xp, …, *, {name}={domain!r})"
        )
    shape = domain.shape
    if isinstance(shape, int):
        return f"the domain of {name} has the shape {shape}; a shape is a tuple: write ({shape},)"
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
        return f"the domain of {name} has the shape {shape!r}; give a tuple of whole numbers, such as (3, 2)"
    low, high = getattr(domain, "low", 0.0), getattr(domain, "high", 0.0)
    if not all(isinstance(end, int | float) for end in (low, high)):
        return f"the domain of {name} lies from {low!r} to {high!r}; give numbers"
    return "" if low <= high else f"the domain of {name} is empty: low is above high ({low:g}, {high:g})"


def _add_points(entry: Function, points: Iterable[dict[str, Any]]) -> None:
    if isinstance(points, dict) or not isinstance(points, Iterable):
        shape = ", ".join(f"{name}=…" for name in entry.domains)
        entry.problems.append(f"points is {points!r}; give points=[dict({shape})], a list of them")
        return
    for point in points:
        if not isinstance(point, dict) or set(point) != set(entry.domains):
            entry.problems.append(f"the point {point!r} must be a dict of exactly {', '.join(entry.domains)}")
            continue
        arrays = []
        for name, domain in entry.domains.items():
            array, problem = _point_array(point[name], domain)
            arrays.append(array)
            if problem:
                entry.problems.append(f"a point gives {name} {problem}")
        entry.points.append(tuple(arrays))


def _point_array(value: Any, domain: Domain) -> tuple[np.ndarray, str]:
    try:
        array = np.array(value, dtype=np.complex128 if domain.is_complex else np.float64)
    except (TypeError, ValueError):
        return np.zeros(()), f"the value {value!r}, which is no array of numbers"
    if array.shape != domain.shape:
        return array, f"the shape {array.shape}; its domain has {domain.shape}"
    array = domain.reals(array)
    return array, "" if np.isfinite(array).all() else f"the value {value!r}, which is not finite"
