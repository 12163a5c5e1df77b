"""Where Python functions are written: their syntax trees, and what the statements of a file bind."""

import ast
import builtins
import functools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

OURS = ("gradproof", "gradproof_functions_of_user", "tests")


class CannotWrite(Exception):
    """What has no source that stands on its own. The message says what it is."""


@functools.cache
def tree_of(path: str) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(Path(path).read_text(encoding="utf-8"))


def definition_of(function: Callable) -> ast.FunctionDef | ast.Lambda:
    """Where a function is written. Raises `CannotWrite` for what has no Python source."""
    code = getattr(function, "__code__", None)
    if code is None or not Path(code.co_filename).is_file():
        raise CannotWrite(f"{function!r} has no source in Python")
    found = [n for n in _begun_on(code.co_filename).get(code.co_firstlineno, ()) if _is_code_of(n, code)]
    if not found:
        raise CannotWrite(f"the source of {function!r} is not where it was")
    return min(found, key=lambda n: (n.end_lineno - n.lineno, n.end_col_offset))


@functools.cache
def _begun_on(path: str) -> dict[int, list[ast.FunctionDef | ast.Lambda]]:
    """The functions of a file by the line on which they begin, with their decorators."""
    found: dict[int, list[ast.FunctionDef | ast.Lambda]] = {}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
            found.setdefault(min([node.lineno, *(d.lineno for d in decorators)]), []).append(node)
    return found


def _is_code_of(node: ast.FunctionDef | ast.Lambda, code: CodeType) -> bool:
    if isinstance(node, ast.FunctionDef):
        return code.co_name == node.name
    if code.co_name != "<lambda>":
        return False
    start, end = (node.body.lineno, node.body.col_offset), (node.body.end_lineno, node.body.end_col_offset)
    return all(start <= place < end for place in _places(code))


def _places(code: CodeType) -> Iterator[tuple[int, int]]:
    # A column of Python's is one of UTF-8 bytes, there as in the syntax tree.
    for line, end_line, column, end_column in code.co_positions():
        if line is not None and column is not None and (line, column) != (end_line, end_column):
            yield line, column


def locals_of(node: ast.AST) -> set[str]:
    """The names that a function or a file binds."""
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    names |= {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
    return names | {n.name for n in ast.walk(node) if isinstance(n, ast.FunctionDef | ast.ClassDef) and n is not node}


def bound_by(node: ast.stmt) -> set[str]:
    """The names that a statement of a file binds there."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {a.asname or a.name.split(".")[0] for a in node.names}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}


def completes(node: ast.stmt, name: str) -> bool:
    """Whether a statement does something to what `name` is bound to: `name.defvjp(…)`, or `defvjp(name, …)`."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        return False
    called = node.value.func
    subject = called.value if isinstance(called, ast.Attribute) else next(iter(node.value.args), None)
    return isinstance(subject, ast.Name) and subject.id == name


def is_ours(value: Any) -> bool:
    """Whether an object, or a module, is of this project."""
    module = value if isinstance(value, ModuleType) else sys.modules.get(getattr(value, "__module__", None) or "")
    name = module.__name__ if module is not None else ""
    return name.split(".")[0] in OURS


def unparsed(node: ast.AST) -> str:
    """A tree as text."""
    return ast.unparse(ast.fix_missing_locations(node))


def undefined_names(source: str) -> set[str]:
    """Names that a script uses and nowhere defines."""
    tree = ast.parse(source)
    loaded = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    bound = locals_of(tree) | {name for s in ast.walk(tree) if isinstance(s, ast.stmt) for name in bound_by(s)}
    return loaded - bound - set(dir(builtins))
