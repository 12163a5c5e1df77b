"""One function as source for a backend: its calls of `xp` in the backend's words, what is small written out in its
place, and names for everything that stands elsewhere."""

import ast
import copy
import functools
import inspect
import math
import sys
from types import FunctionType, ModuleType
from typing import Any, Protocol

from gradproof.registry.namespace import Group
from gradproof.report.scripts.folding import (
    Folding,
    NoConstant,
    NotReducible,
    constant,
    is_constant,
    literal,
    returned,
    substituted,
)
from gradproof.report.scripts.seen import Place, Seen
from gradproof.report.scripts.sources import CannotWrite, bound_by, definition_of, is_ours, locals_of, unparsed


class Output(Protocol):
    """What is written so far: it has a name, and where needed a definition, for whatever a function refers to."""

    seen: dict[Place, Seen]
    imports: dict[str, str]

    def value(self, value: Any, hint: str = "helper") -> ast.expr:
        """The source of any object. Raises `CannotWrite`."""

    def public(self, value: Any) -> ast.expr | None:
        """The name under which everybody can use this object."""

    def array(self, values: Any) -> ast.expr:
        """The source of an array of known values."""

    def helper(self, hint: str, code: Any, spaces: dict[int, Group], given: dict[str, ast.expr]) -> ast.expr:
        """The name of a function, which is written the first time."""

    def bound_in(self, module: ModuleType, name: str) -> None:
        """Write what a module binds to `name`."""


class Rewriter(ast.NodeTransformer):
    """One function, or one statement of a module, rewritten. `spaces` says which parameters are namespaces, `given`
    which have a known value."""

    def __init__(
        self, out: Output, code: Any, spaces: dict[int, Group], given: dict[str, ast.expr], defaults_too: bool
    ) -> None:
        self.out, self.code = out, code.__code__
        self.globals, self.given, self.spaces = code.__globals__, dict(given), {}
        cells = code.__closure__ or ()
        self.closure = {n: c.cell_contents for n, c in zip(code.__code__.co_freevars, cells, strict=True)}
        self.node = definition_of(code)
        self.locals = locals_of(self.node)
        parameters = [p.arg for p in (*self.node.args.posonlyargs, *self.node.args.args)]
        self.spaces = {parameters[i]: xp for i, xp in spaces.items()}
        if defaults_too:
            known = inspect.signature(code).parameters.values()
            defaults = {p.name: p.default for p in known if p.kind is p.KEYWORD_ONLY and p.default is not p.empty}
            self.given |= {k: out.value(v) for k, v in defaults.items() if k not in self.given}
        stored = {n.id for n in ast.walk(self.node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self.kept = {name: value for name, value in self.given.items() if name in stored}
        self.given = {name: value for name, value in self.given.items() if name not in stored}

    @classmethod
    def of_module(cls, out: Output, module: ModuleType) -> "Rewriter":
        """For the statements of a module."""
        made = cls.__new__(cls)
        made.out, made.code, made.globals = out, None, vars(module)
        made.given, made.spaces, made.closure, made.kept, made.locals = {}, {}, {}, {}, set()
        return made

    def statement(self, node: ast.stmt) -> str:
        """A statement of a module, as source."""
        self.locals = locals_of(node) - bound_by(node)
        return unparsed(self.visit(copy.deepcopy(node)))

    def expression(self) -> ast.expr | None:
        """What the function returns, where that is all it does."""
        body = returned(self.node)
        return None if body is None or self.kept else self.visit(copy.deepcopy(body))

    def definition(self, name: str) -> str:
        """The function under this name, as source."""
        node = copy.deepcopy(self.node)
        if isinstance(node, ast.Lambda):
            node = ast.FunctionDef(name, node.args, [ast.Return(node.body)], [])
        arguments = node.args
        self._without(arguments, {*self.spaces, *self.given, *self.kept})
        for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
            if a is not None:
                a.annotation = None
        arguments.defaults = [self.visit(d) for d in arguments.defaults]
        arguments.kw_defaults = [d and self.visit(d) for d in arguments.kw_defaults]
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        first = [ast.Assign([ast.Name(k, ast.Store())], v) for k, v in self.kept.items()]
        statements = [self.visit(s) for s in (*first, *body)]
        made = ast.FunctionDef(name, arguments, statements, [], type_params=[])
        return unparsed(Folding().visit(ast.fix_missing_locations(made)))

    @staticmethod
    def _without(arguments: ast.arguments, names: set[str]) -> None:
        positional = arguments.posonlyargs + arguments.args
        defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
        left = [(a, d) for a, d in zip(positional, defaults, strict=True) if a.arg not in names]
        arguments.posonlyargs, arguments.args = [], [a for a, _ in left]
        arguments.defaults = [d for _, d in left if d is not None]
        pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        left = [(a, d) for a, d in pairs if a.arg not in names]
        arguments.kwonlyargs, arguments.kw_defaults = [a for a, _ in left], [d for _, d in left]

    # Names

    def known(self, node: ast.expr) -> Any:
        """The object that an expression stands for, where it is the same in every run. Raises `NoConstant`."""
        if isinstance(node, ast.Attribute):
            owner = self.known(node.value)
            if isinstance(owner, Group | ModuleType) and hasattr(owner, node.attr):
                return getattr(owner, node.attr)
        elif isinstance(node, ast.Name):
            for names in (self.spaces, self.closure):
                if node.id in names:
                    return names[node.id]
            if node.id not in self.locals and node.id not in self.given and node.id in self.globals:
                return self.globals[node.id]
        raise NoConstant(ast.unparse(node))

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """What a name stands for."""
        if node.id in self.given and isinstance(node.ctx, ast.Load):
            return copy.deepcopy(self.given[node.id])
        try:
            return self._written(self.known(node), node)
        except NoConstant:
            return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """What `xp.name` stands for."""
        try:
            return self._written(self.known(node), node)
        except NoConstant:
            node.value = self.visit(node.value)
            return node

    def _written(self, value: Any, node: ast.expr) -> ast.expr:
        if isinstance(value, Group):
            raise CannotWrite(f"{ast.unparse(node)} is handed on as a whole")
        if (known := self.out.public(value)) is not None:
            return known
        if isinstance(value, float) and not math.isfinite(value):
            return literal(value)
        root = node
        while isinstance(root, ast.Attribute):
            root = root.value
        # What follows a name that another package has given is its own business.
        if not is_ours(self.known(root)):
            if isinstance(self.known(root), ModuleType):
                self._import(root.id, self.known(root))
                return node
            if root is node and not is_ours(sys.modules[self.globals["__name__"]]) and root.id in self.globals:
                self.out.bound_in(sys.modules[self.globals["__name__"]], root.id)
                return node
        return self.out.value(value, node.attr if isinstance(node, ast.Attribute) else node.id)

    def _import(self, alias: str, module: ModuleType) -> None:
        name = module.__name__
        self.out.imports[alias] = f"import {name}" if alias == name.split(".")[0] else f"import {name} as {alias}"

    # Calls

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """The call in the words of the backend."""
        seen = self._seen(node)
        try:
            callee = self.known(node.func)
        except NoConstant:
            return self._visited(node)
        spaces = {i: self.known(a) for i, a in enumerate(node.args) if self._is_space(a)}
        if seen is not None and seen.values is not None and not seen.varies:
            return self.out.array(seen.values)
        if isinstance(callee, functools.partial) and callee.args and isinstance(callee.args[0], Group):
            spaces, arguments, callee = {0: callee.args[0]}, node.args, callee.func
        else:
            arguments = [a for i, a in enumerate(node.args) if i not in spaces]
        native = getattr(callee, "native", None)
        if native is not None and seen is not None and not seen.numbers and not node.keywords:
            callee = native
        hint = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        arguments = [self.visit(a) for a in arguments]
        keywords = [self.visit(k) for k in node.keywords]
        call = Folding().visit(ast.Call(node.func, arguments, keywords))
        if not self._is_written_out(callee):
            call.func = self.out.value(callee, hint) if callee is not self.known(node.func) else self.visit(node.func)
            return call
        return self._written_out(callee, hint, spaces, call)

    def _visited(self, node: ast.Call) -> ast.expr:
        return Folding().visit(
            ast.Call(self.visit(node.func), [self.visit(a) for a in node.args], [self.visit(k) for k in node.keywords])
        )

    def _is_space(self, node: ast.expr) -> bool:
        try:
            return isinstance(self.known(node), Group)
        except NoConstant:
            return False

    def _is_written_out(self, callee: Any) -> bool:
        ours = isinstance(callee, FunctionType) and is_ours(sys.modules.get(callee.__module__))
        return ours and self.out.public(callee) is None and callee.__name__ != "asarray"

    def _written_out(self, callee: Any, hint: str, spaces: dict[int, Group], call: ast.Call) -> ast.expr:
        if not spaces and callee.__closure__ is None and "." not in callee.__qualname__:
            try:
                arguments = [constant(a) for a in call.args]
                return literal(callee(*arguments, **{k.arg: constant(k.value) for k in call.keywords if k.arg}))
            except NoConstant:
                pass
        try:
            given, rest, options = self._bound(callee, spaces, call)
        except TypeError:
            call.func = self.out.helper(hint, callee, spaces, {})
            return call
        body = Rewriter(self.out, callee, spaces, {}, False).expression()
        if body is not None:
            try:
                return substituted(body, given | options, rest)
            except NotReducible:
                pass
        if rest or options:
            call.func = self.out.helper(hint, callee, spaces, {})
            return call
        known = {k: v for k, v in given.items() if is_constant(v)}
        left = {k: v for k, v in given.items() if k not in known}
        call.func = self.out.helper(hint, callee, spaces, known)
        parameters = inspect.signature(callee).parameters
        by_name = any(parameters[k].kind is inspect.Parameter.KEYWORD_ONLY for k in left)
        call.args = [] if by_name else list(left.values())
        call.keywords = [ast.keyword(k, v) for k, v in left.items()] if by_name else []
        return call

    def _bound(
        self, callee: Any, spaces: dict[int, Group], call: ast.Call
    ) -> tuple[dict[str, ast.expr], dict[str, list[ast.expr]], dict[str, ast.expr]]:
        """The arguments of a call by parameter; those of `*rest`; and of `**options`. Raises `TypeError`."""
        if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
            raise TypeError("arguments that are not known before it is run")
        signature = inspect.signature(callee)
        arguments = list(call.args)
        for i in sorted(spaces):
            arguments.insert(i, ast.Constant(None))
        bound = signature.bind(*arguments, **{k.arg: k.value for k in call.keywords})
        given, rest, options = {}, {}, {}
        for i, p in enumerate(signature.parameters.values()):
            if i in spaces:
                continue
            if p.kind is p.VAR_POSITIONAL:
                rest[p.name] = list(bound.arguments.get(p.name, ()))
            elif p.kind is p.VAR_KEYWORD:
                extra = bound.arguments.get(p.name, {})
                options[p.name] = ast.Dict([ast.Constant(k) for k in extra], list(extra.values()))
            else:
                given[p.name] = bound.arguments[p.name] if p.name in bound.arguments else self.out.value(p.default)
        return given, rest, options

    def _seen(self, node: ast.Call) -> Seen | None:
        if self.code is None or not hasattr(node, "lineno"):
            return None
        return self.out.seen.get((self.code.co_filename, node.lineno, node.col_offset))
