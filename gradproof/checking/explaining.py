"""The passes of somebody's own function of a framework at one input, through its trace: for `gradproof explain`."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gradproof import backends
from gradproof.backends import BACKENDS
from gradproof.backends.quiet import quiet
from gradproof.checking.asked import ArgumentError
from gradproof.checking.differentiation import reverse_like
from gradproof.checking.problem import problem_of
from gradproof.oracles.tape import Untraceable
from gradproof.report.numbers import array_shown, shown
from gradproof.report.outcome import Outcome, Unusable
from gradproof.report.tables.explain import of_tape, swept, values_at
from gradproof.report.text import laid_out

TRACED = tuple(name for name in BACKENDS if name != "numpy")
"""The frameworks whose functions can be traced."""


def explain_code(name: str, at: str, backend: str = "") -> Outcome:
    """The passes of `module:function`, or of `file.py:function`, at the arguments that `at` gives, of the framework
    `backend`, or of that which the module uses. Raises `Unusable`."""
    f = _function(name)
    values = values_at(at)
    if not values:
        raise Unusable(f"{name}: give its arguments, as in --at 'x=1.5, w=[0.5, -1.25]'")
    framework = backend or _framework(name, f)
    adapter = backends.load(framework)
    arrays = [adapter.array(np.asarray(value, np.float64), "float64", "cpu") for value in values.values()]
    names = list(values)

    def by_name(*given: Any) -> Any:
        return f(**dict(zip(names, given, strict=True)))

    try:
        problem = problem_of(by_name, tuple(arrays), argnums=range(len(names)), name=name)
        told: list[str] = []
        with problem.calls.at_work(told.append):
            traced = problem.calls.trace(problem.scalar, problem.leaves)
            got = reverse_like(problem, "reverse")(*problem.leaves)
    except (ArgumentError, Untraceable, TypeError) as error:
        raise Unusable(f"{name}: {error}") from error
    evaluation, sweep, gradient = swept(traced.tape, int(np.ravel(traced.outputs[0].numbers)[0]))
    lines = [f"{name} on {framework}, as traced, at {at}", "", *of_tape(evaluation, sweep, names), ""]
    table = [["gradient", "exactly", f"{framework}'s"]]
    for argument, right, part in zip(names, gradient, got, strict=True):
        theirs = "None" if part is None else shown(problem.calls.to_numpy(part))
        table.append([f"df/d{argument}", array_shown(right), theirs])
    lines += [*laid_out(table, beside=1), *dict.fromkeys(told)]
    lines += [f"of {problem.results}"] if not problem.is_scalar else []
    return Outcome("\n".join(lines))


def _function(name: str) -> Callable:
    module, _, attribute = name.rpartition(":")
    path = Path(module)
    folder = str(path.resolve().parent if module.endswith(".py") else Path.cwd())
    sys.path.insert(0, folder)
    try:
        backends.keep_quiet()
        with quiet():
            found = importlib.import_module(path.stem if module.endswith(".py") else module)
    except Exception as error:
        raise Unusable(f"{module} cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(folder)
    f = getattr(found, attribute, None)
    if not callable(f):
        raise Unusable(f"{module} has no function {attribute}")
    return f


def _framework(name: str, f: Callable) -> str:
    plain = getattr(f, "__wrapped__", f)
    used = {getattr(value, "__name__", "") or "" for value in getattr(plain, "__globals__", {}).values()}
    roots = {module.partition(".")[0] for module in used} | {(getattr(type(f), "__module__", "")).partition(".")[0]}
    found = [known for known in TRACED if known in roots]
    if len(found) != 1:
        raise Unusable(f"{name}: the framework is not to be seen; name it: --backend {' or '.join(found or TRACED)}")
    return found[0]
