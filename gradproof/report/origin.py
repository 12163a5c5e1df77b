"""Whose code a failure is about: the backend's own, a person's implementation, or a package that this implementation
calls. A bug report goes to whoever wrote what is wrong."""

import importlib.metadata
import sys
from collections.abc import Callable, Iterator
from dis import get_instructions
from inspect import unwrap
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from gradproof.backends import BACKENDS
from gradproof.registry import Function

NOBODY = {*BACKENDS, "jaxlib", "numpy", "scipy", "gradproof"}
"""Modules whose code is no third party's: the backends, what their arrays are made of, and this."""


def subject(function: Function, backend: str) -> str:
    """What ran under the name of this function: the title of its failure begins with it."""
    if backend not in function.implementations:
        return function.name
    packages = authors(function, backend)
    by = f"{packages}, called in " if packages else ""
    return f"{function.name} by {by}its implementation ({Path(function.implementation_where(backend)).name})"


def authors(function: Function, backend: str) -> str:
    """The packages that the implementation for a backend calls, with their versions; empty where it calls none."""
    code = function.implementations.get(backend)
    return ", ".join(_with_version(name) for name in packages_of(code)) if code is not None else ""


def packages_of(code: Callable) -> list[str]:
    """The installed packages that a function calls, beside the frameworks: by what it imports, and by the global names
    that it uses."""
    plain = unwrap(getattr(code, "func", code))
    found = getattr(plain, "__code__", None)
    used = set(_used(found, plain.__globals__)) if found else set()
    # It may itself be such a package's, registered as it stands.
    return sorted(name for name in used | {_package(plain)} if _is_foreign(name))


def _used(code: CodeType, known: dict[str, Any]) -> Iterator[str]:
    for instruction in get_instructions(code):
        if instruction.opname == "IMPORT_NAME" and instruction.argval:
            yield instruction.argval.partition(".")[0]
        elif instruction.opname == "LOAD_GLOBAL" and instruction.argval in known:
            yield _package(known[instruction.argval])
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _used(constant, known)


def _package(value: Any) -> str:
    name = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return (name or "").partition(".")[0]


def _is_foreign(name: str) -> bool:
    # A person's own modules are not installed as a distribution.
    return (
        bool(name)
        and name not in sys.stdlib_module_names
        and name not in NOBODY
        and name in importlib.metadata.packages_distributions()
    )


def _with_version(name: str) -> str:
    distribution = importlib.metadata.packages_distributions()[name][0]
    return f"{name} {importlib.metadata.version(distribution)}"
