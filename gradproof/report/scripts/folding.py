"""Small simplifications of Python source as trees, so that what is written out for others is short: constants that
decide a branch, the one expression that a function returns put in the place of its call."""

import ast
import builtins
import copy
import math
import warnings
from typing import Any

LITERALS = (
    *(ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.UnaryOp, ast.BinOp, ast.Compare, ast.BoolOp, ast.IfExp),
    *(ast.Subscript, ast.Call, ast.Name, ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop),
)
PURE = ("isinstance", "int", "float", "str", "tuple", "list", "len", "abs", "min", "max", "sum", "range")
SIMPLE = (ast.Name, ast.Constant)


class NoConstant(Exception):
    """An expression whose value is not known before it is run."""


class NotReducible(Exception):
    """A call that cannot be replaced by what it returns."""


def literal(value: Any) -> ast.expr:
    """The source of a plain value. Raises `NoConstant` for any other."""
    if isinstance(value, float) and not math.isfinite(value):
        return ast.parse(f"float('{value}')", mode="eval").body
    if isinstance(value, complex) and "-0" in (repr(value.real)[:2], repr(value.imag)[:2]):
        return ast.parse(f"complex({value.real!r}, {value.imag!r})", mode="eval").body
    if value is None or isinstance(value, bool | int | float | complex | str | slice):
        return ast.parse(repr(value), mode="eval").body
    if isinstance(value, tuple | list):
        kind = ast.Tuple if isinstance(value, tuple) else ast.List
        return kind([literal(part) for part in value], ast.Load())
    if isinstance(value, dict):
        return ast.Dict([literal(key) for key in value], [literal(part) for part in value.values()])
    raise NoConstant(f"{value!r} is no plain value")


def constant(node: ast.expr) -> Any:
    """The value of an expression of literals. Raises `NoConstant` where there is more in it."""
    for part in ast.walk(node):
        if not isinstance(part, LITERALS) or (isinstance(part, ast.Name) and part.id not in PURE):
            raise NoConstant(ast.unparse(node))
        if isinstance(part, ast.Call) and not isinstance(part.func, ast.Name):
            raise NoConstant(ast.unparse(node))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # 3 is None
        code = compile(ast.fix_missing_locations(ast.Expression(copy.deepcopy(node))), "<literal>", "eval")
        try:
            return eval(code, {"__builtins__": {name: getattr(builtins, name) for name in PURE}})
        except Exception as error:
            raise NoConstant(ast.unparse(node)) from error


def is_constant(node: ast.expr) -> bool:
    """Whether an expression has a value before it is run."""
    try:
        constant(node)
    except NoConstant:
        return False
    return True


class Folding(ast.NodeTransformer):
    """Takes the branch that constants decide, and writes `**{"a": 1}` as `a=1`."""

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """One side, where it is known which."""
        self.generic_visit(node)
        return (node.body if constant(node.test) else node.orelse) if is_constant(node.test) else node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        """What is left of `a or b` where a is known."""
        self.generic_visit(node)
        is_or = isinstance(node.op, ast.Or)
        *first, last = node.values
        while first and is_constant(first[0]) and bool(constant(first[0])) != is_or:
            first = first[1:]
        if first and is_constant(first[0]):
            return first[0]
        return ast.BoolOp(node.op, [*first, last]) if first else last

    def visit_If(self, node: ast.If) -> ast.stmt | list[ast.stmt]:
        """The statements of one side, where it is known which."""
        self.generic_visit(node)
        return (node.body if constant(node.test) else node.orelse) if is_constant(node.test) else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """One dictionary for two."""
        self.generic_visit(node)
        if isinstance(node.op, ast.BitOr) and isinstance(node.left, ast.Dict) and isinstance(node.right, ast.Dict):
            return ast.Dict(node.left.keys + node.right.keys, node.left.values + node.right.values)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """The value of a known key."""
        self.generic_visit(node)
        if isinstance(node.value, ast.Dict) and is_constant(node.slice):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                if key is not None and is_constant(key) and constant(key) == constant(node.slice):
                    return value
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Keywords for a dictionary of known keys; nothing for one that is empty."""
        self.generic_visit(node)
        keywords = {}
        for k in node.keywords:
            if (
                k.arg is None
                and isinstance(k.value, ast.Dict)
                and all(isinstance(n, ast.Constant) for n in k.value.keys)
            ):
                keywords |= {n.value: v for n, v in zip(k.value.keys, k.value.values, strict=True)}
            elif k.arg is None:
                return node
            else:
                keywords[k.arg] = k.value
        node.keywords = [ast.keyword(name, value) for name, value in keywords.items()]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Without what follows a return."""
        self.generic_visit(node)
        for i, statement in enumerate(node.body):
            if isinstance(statement, ast.Return):
                node.body = node.body[: i + 1]
                break
        return node


def returned(node: ast.FunctionDef | ast.Lambda) -> ast.expr | None:
    """The one expression that a function consists of; None where there is more to it."""
    if isinstance(node, ast.Lambda):
        return node.body
    statements = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    (only,) = statements if len(statements) == 1 else (None,)
    return only.value if isinstance(only, ast.Return) else None


def substituted(body: ast.expr, given: dict[str, ast.expr], rest: dict[str, list[ast.expr]]) -> ast.expr:
    """An expression with expressions for its names; those of `rest` stand as `*name` and are spread. Raises
    `NotReducible` where that would compute something twice, or in another scope."""
    body = copy.deepcopy(body)
    inner = [n for n in ast.walk(body) if isinstance(n, ast.Lambda | ast.ListComp | ast.GeneratorExp | ast.DictComp)]
    if inner:
        raise NotReducible("it opens a scope of its own")
    names = _Names(given, rest)
    changed = Folding().visit(names.visit(body))
    for name, value in given.items():
        uses = sum(getattr(n, "stands_for", None) == (names, name) for n in ast.walk(changed))
        if uses > 1 and not isinstance(value, SIMPLE) and not is_constant(value):
            raise NotReducible(f"it uses {name} more than once")
    return changed


class _Names(ast.NodeTransformer):
    def __init__(self, given: dict[str, ast.expr], rest: dict[str, list[ast.expr]]) -> None:
        self.given, self.rest = given, rest

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.rest:
            raise NotReducible(f"it uses {node.id} as a whole")
        if node.id not in self.given:
            return node
        value = copy.copy(self.given[node.id])
        value.stands_for = (self, node.id)
        return value

    def visit_Call(self, node: ast.Call) -> ast.expr:
        spread: list[ast.expr] = []
        for a in node.args:
            whole = isinstance(a, ast.Starred) and isinstance(a.value, ast.Name) and a.value.id in self.rest
            spread += copy.deepcopy(self.rest[a.value.id]) if whole else [self.visit(a)]
        node.func, node.args = self.visit(node.func), spread
        node.keywords = [self.visit(k) for k in node.keywords]
        return node
