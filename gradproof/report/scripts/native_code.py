"""What a backend runs for a function, as source of its own: the operations of `xp` give way to the backend's, the small
functions of an adapter and the textbook formulas are written out, and nothing of this project is left."""

import ast
import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FunctionType, MethodType, ModuleType
from typing import Any

from gradproof.backends.scripts import Script
from gradproof.registry import Namespace
from gradproof.registry.namespace import Group
from gradproof.report.scripts.folding import NoConstant, literal
from gradproof.report.scripts.rewriting import Rewriter
from gradproof.report.scripts.seen import Place, Seen
from gradproof.report.scripts.sources import CannotWrite, bound_by, completes, is_ours, tree_of


@dataclass
class NativeCode:
    """The source that is written for one backend: imports, and definitions, what is used before what uses it."""

    script: Script
    dtype: str
    seen: dict[Place, Seen] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)
    _names: dict[tuple, str] = field(default_factory=dict)
    _public: dict[int, tuple[Any, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for alias, module in self.script.modules.items():
            loaded = importlib.import_module(module)
            for name in dir(loaded):
                if not name.startswith("_"):
                    value = getattr(loaded, name, None)
                    if value is not None and not isinstance(value, ModuleType | bool | int | float | str):
                        self._public.setdefault(id(value), (value, f"{alias}.{name}"))

    def function(self, name: str, code: Callable, xp: Namespace | None) -> None:
        """Write `code` as a function of this name; its first parameter is `xp`, unless that is None."""
        if inspect.ismethod(code):
            self._method(name, code)
            return
        given = {}
        if isinstance(code, functools.partial):
            given, code = dict(code.keywords), code.func
        self._define(name, code, {} if xp is None else {0: xp}, {k: self.value(v) for k, v in given.items()}, True)

    def _method(self, name: str, method: MethodType) -> None:
        """Write a method as what it is of its class, as `Square.apply`: its own source is the business of the class."""
        owner = method.__self__
        module = sys.modules.get(getattr(owner, "__module__", None) or "")
        if not isinstance(owner, type) or module is None or vars(module).get(owner.__name__) is not owner:
            raise CannotWrite(f"{method!r} is a method of what has no name in its file")
        if self._imported(owner) is None:
            self.bound_in(module, owner.__name__)
        self.definitions[name] = f"{name} = {owner.__name__}.{method.__name__}"

    def public(self, value: Any) -> ast.expr | None:
        """The name under which everybody can use this object, and its import; None where it has none."""
        found, dotted = self._public.get(id(value), (None, ""))
        if not dotted or found is not value:
            return None
        alias = next(a for a in sorted(self.script.modules, key=len, reverse=True) if dotted.startswith(f"{a}."))
        root = alias.split(".")[0]
        module = self.script.modules[alias if alias == self.script.modules[alias] else root]
        whole = alias == module or root == module
        self.imports[module if whole else root] = f"import {module}" if whole else f"import {module} as {root}"
        return ast.parse(dotted, mode="eval").body

    def value(self, value: Any, hint: str = "helper") -> ast.expr:
        """The source of any object. Raises `CannotWrite`."""
        try:
            return literal(value)
        except NoConstant:
            pass
        if (known := self.public(value)) is not None:
            return known
        if isinstance(value, functools.partial) and value.args and isinstance(value.args[0], Group):
            return self.helper(hint, value.func, {0: value.args[0]}, {})
        if isinstance(value, dict):
            return ast.Dict([self.value(k) for k in value], [self.value(v) for v in value.values()])
        if getattr(value, "__name__", "") == "asarray" and getattr(value, "__module__", "").startswith(
            "gradproof.backends."
        ):
            return self.asarray()
        if (elsewhere := self._imported(value)) is not None:
            return elsewhere
        if isinstance(value, FunctionType):
            return self.helper(hint, value, {}, {})
        raise CannotWrite(f"{value!r} is no function whose source can be written out")

    def _imported(self, value: Any) -> ast.expr | None:
        """What another package has, though not among the names that are for everybody; None for what is ours."""
        module = sys.modules.get(getattr(value, "__module__", None) or "")
        if module is None or is_ours(module) or module.__name__.startswith("gradproof_functions_of_user"):
            return None
        name = next((n for n, v in vars(module).items() if v is value and n.isidentifier()), None)
        if name is None:
            return None
        self.imports[name] = f"from {module.__name__} import {name}"
        return ast.Name(name, ast.Load())

    def asarray(self) -> ast.expr:
        """The name of the function that makes arrays, which is written the first time."""
        if "asarray" not in self.definitions:
            self.imports["np"] = "import numpy as np"
            self.definitions["asarray"] = self.script.asarray_for(self.dtype)
        return ast.Name("asarray", ast.Load())

    def array(self, values: Any) -> ast.expr:
        """The source of an array of known values, in the dtype that `xp.asarray` gives them."""
        return ast.parse(self.script.array_of(values, self.dtype), mode="eval").body

    def helper(self, hint: str, code: Callable, spaces: dict[int, Group], given: dict[str, ast.expr]) -> ast.expr:
        """The name of a function that is written the first time: with these namespaces and values for parameters."""
        shown = tuple((k, ast.unparse(v)) for k, v in given.items())
        key = (code, *((i, id(xp)) for i, xp in spaces.items()), *shown)
        if key not in self._names:
            stem = "_" + hint.strip("_")
            taken = {*self._names.values(), *self.definitions}
            name = next(n for n in (stem, *(f"{stem}_{k}" for k in range(2, 100))) if n not in taken)
            self._names[key] = name
            self._define(name, code, spaces, given, False)
        return ast.Name(self._names[key], ast.Load())

    def _define(
        self, name: str, code: Callable, spaces: dict[int, Group], given: dict[str, ast.expr], defaults_too: bool
    ) -> None:
        rewriter = Rewriter(self, code, spaces, given, defaults_too)
        self.definitions[name] = rewriter.definition(name)

    def used(self, roots: Sequence[str]) -> list[str]:
        """The definitions that these need, in the order in which they were written."""
        needed = set()
        waiting = list(roots)
        while waiting:
            name = waiting.pop()
            if name in self.definitions and name not in needed:
                needed.add(name)
                waiting += [n.id for n in ast.walk(ast.parse(self.definitions[name])) if isinstance(n, ast.Name)]
        return [text for name, text in self.definitions.items() if name in needed]

    # What stands in a file of the user, outside of functions

    def bound_in(self, module: ModuleType, name: str) -> None:
        """Write what a module binds to `name`, and the statements that complete it, as `name.defvjp(…)`."""
        if name in self.definitions or name in self.imports:
            return
        statements = [s for s in tree_of(module.__file__).body if name in bound_by(s) or completes(s, name)]
        if not statements:
            raise CannotWrite(f"{name} of {module.__name__} has no statement of its own")
        for s in statements:
            if isinstance(s, ast.Import | ast.ImportFrom):
                only = [a for a in s.names if (a.asname or a.name.split(".")[0]) == name]
                alone = ast.Import(only) if isinstance(s, ast.Import) else ast.ImportFrom(s.module, only, s.level)
                self.imports[name] = ast.unparse(alone)
                return
        self.definitions[name] = ""  # it may refer to itself
        rewritten = [Rewriter.of_module(self, module).statement(s) for s in statements]
        del self.definitions[name]
        self.definitions[name] = "\n\n\n".join(rewritten)
