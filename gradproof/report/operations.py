"""The operations of a return statement, one after the other, with their values: what a body or a derivation that is one
expression computes on its way."""

import ast
import copy
import functools
import itertools
import linecache
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

from gradproof.report.numbers import shown

OPERATIONS = (ast.BinOp, ast.UnaryOp, ast.Call)
"""What makes a value of values. An index or an attribute moves values, and stands where it is used."""

CLOSED = (ast.Lambda, ast.IfExp, ast.BoolOp, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
"""What is executed as a whole: its parts have names of their own, or are not always executed."""


@functools.cache
def _expression(code: CodeType, line: int) -> ast.expr | None:
    """The expression that a function returns at this line; None where its source is not there."""
    lines = linecache.getlines(code.co_filename)
    try:
        tree = ast.parse("".join(lines))
    except SyntaxError:
        return None
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.Return) and _spans(node, line)]
    if code.co_name == "<lambda>":
        lambdas = [node for node in ast.walk(tree) if isinstance(node, ast.Lambda) and _spans(node, line)]
        # Two on one line cannot be told apart.
        return lambdas[0].body if len(lambdas) == 1 else None
    return statements[-1].value if statements else None


def _spans(node: ast.stmt | ast.expr, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)


@dataclass(frozen=True)
class Returned:
    """What a return statement computes: `operations` has the name, the text and the value of each but the last ones,
    which `parts` has as text, one for each part of what is returned; empty where a part is a name."""

    operations: list[tuple[str, str, Any]]
    parts: list[str]


def returned(frame: FrameType, value: Any) -> Returned | None:
    """The operations of the statement at which a frame returns this value; None where they cannot be told."""
    expression = _expression(frame.f_code, frame.f_lineno)
    if expression is None:
        return None
    evaluated = _Evaluation(frame)
    try:
        nodes = [evaluated.inside(part) for part in _parts(expression)]
        again = [evaluated.value_of(node) for node in nodes]
    except Exception:  # a part need not bear being executed once more
        return None
    given = list(value) if isinstance(expression, ast.Tuple | ast.List) else [value]
    if list(map(shown, again)) != list(map(shown, given)):
        # What was executed has changed something, as taking the next of an iterator does.
        return None
    return Returned(evaluated.found, ["" if isinstance(node, ast.Name) else ast.unparse(node) for node in nodes])


def _parts(expression: ast.expr) -> list[ast.expr]:
    parts = expression.elts if isinstance(expression, ast.Tuple | ast.List) else [expression]
    return [copy.deepcopy(part) for part in parts]


class _Evaluation(ast.NodeTransformer):
    """Evaluates the operations of expressions in a frame, the inner ones first, each once: `found` has the name, the
    text and the value of each. Its name stands in the text of those around it."""

    def __init__(self, frame: FrameType) -> None:
        self.found: list[tuple[str, str, Any]] = []
        # In one space, where a comprehension finds them as well.
        self._known = {**frame.f_globals, **frame.f_locals}
        self._names = (name for number in itertools.count(1) if (name := f"v{number}") not in self._known)

    def inside(self, part: ast.expr) -> ast.expr:
        """The expression with names for all that is computed inside of it."""
        return part if isinstance(part, CLOSED) else self.generic_visit(part)

    def value_of(self, node: ast.expr) -> Any:
        """What an expression gives."""
        whole = ast.fix_missing_locations(ast.Expression(node))
        return eval(compile(whole, "<operation>", "eval"), self._known)

    def visit(self, node: ast.AST) -> ast.AST:
        """Take an operation out of the expression, and leave its name."""
        if isinstance(node, CLOSED):
            return node
        node = self.generic_visit(node)
        is_constant = not any(isinstance(inner, ast.Name) for inner in ast.walk(node))
        if not isinstance(node, OPERATIONS) or is_constant:
            return node
        value = self.value_of(node)
        if not isinstance(value, float) and not hasattr(value, "shape"):
            return node
        name = next(self._names)
        self.found.append((name, ast.unparse(node), value))
        self._known[name] = value
        return ast.Name(name, ast.Load())
