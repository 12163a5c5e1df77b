"""What was meant by a name that `xp` does not have, by an attribute that only some backends' arrays have, and by a call
of another library in a body: the name that the array API standard gives it; and what to write for what Python does with
numbers and lists, and not with arrays."""

import difflib
import linecache
import re
import traceback
from collections.abc import Collection

ELSEWHERE = {
    "absolute": "abs",
    "add_n": "sum",
    "amax": "max",
    "amin": "min",
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "array": "asarray",
    "cast": "astype",
    "cat": "concat",
    "clamp": "clip",
    "concatenate": "concat",
    "conjugate": "conj",
    "constant": "asarray",
    "cummax": "cumulative_max",
    "cumprod": "cumulative_prod",
    "cumsum": "cumulative_sum",
    "degrees": "multiply",
    "dot": "vecdot, or xp.matmul",
    "einsum": "tensordot, xp.matmul or xp.vecdot, with xp.permute_dims before them",
    "fabs": "abs",
    "gather": "take_along_axis",
    "hstack": "concat",
    "inner": "vecdot",
    "matrix_diag": "linalg.diagonal",
    "mod": "remainder",
    "mm": "matmul",
    "mul": "multiply",
    "neg": "negative",
    "norm": "linalg.vector_norm, or xp.linalg.matrix_norm",
    "outer": "linalg.outer",
    "permute": "permute_dims",
    "power": "pow",
    "reduce_max": "max",
    "reduce_mean": "mean",
    "reduce_min": "min",
    "reduce_prod": "prod",
    "reduce_sum": "sum",
    "rsqrt": "reciprocal of xp.sqrt",
    "sub": "subtract",
    "swapaxes": "permute_dims, or xp.moveaxis",
    "transpose": "permute_dims, or xp.matrix_transpose",
    "true_divide": "divide",
    "truediv": "divide",
    "unsqueeze": "expand_dims",
    "view": "reshape",
    "vstack": "concat",
}
"""What other libraries call an operation, and what it is called below `xp`."""

ATTRIBUTES = {
    "T": "xp.matrix_transpose(x), or xp.permute_dims",
    "mT": "xp.matrix_transpose(x)",
    "H": "xp.conj(xp.matrix_transpose(x))",
    "size": "math.prod(x.shape)",
    "real": "xp.real(x)",
    "imag": "xp.imag(x)",
    "flatten": "xp.reshape(x, (-1,))",
    "ravel": "xp.reshape(x, (-1,))",
    "item": "the array itself: a number that leaves it is a constant to every backend",
    "numpy": "the array itself: a number that leaves it is a constant to every backend",
    "detach": "the array itself: what is cut off has no gradient",
}

DTYPES = frozenset("bool bool_ double float float16 float32 float64 half int int32 int64 long single".split())
"""What other libraries call a dtype."""

NO_DTYPES = (
    "A body is run in every dtype, and names none: xp.astype(mask, x.dtype) makes numbers of a mask, and integers for "
    "indices come of xp.searchsorted, xp.argsort, xp.argmax and xp.argmin"
)

OF_ARRAYS = {
    r"truth value of an array|[Bb]oolean (?:conversion|value)|as a Python `?bool": (
        "a body takes one way at every input: write xp.where(x > 0, …, …) for an if, or xp.cond where a way is costly"
    ),
    r"for //": "write x / y, or xp.floor(x / y), whose slope is 0 wherever it has one",
    r"item assignment|are immutable": "no array is written to: write xp.where(mask, …, x), or xp.concat of its parts",
    r"^float\(\) argument|[Oo]nly .*arrays can be converted to Python scalars": (
        "a number that leaves its array is a constant to every backend: keep the array, as xp.sum(x) for sum(…)"
    ),
}
"""What Python or a framework says of an array that is treated as a number or a list, and what to write instead."""

MODULES = ("np", "numpy", "anp", "math", "cmath", "jnp", "torch", "tf", "scipy", "special", "F", "lax")
CONSTANT = r"(?:[\d.\s*/+-]|\be\b|\w+\.pi\b|\w+\.e\b)+"
"""What is no input of the body: math.sqrt(2 / math.pi) is a number like any other."""

_CALL = re.compile(rf"(?<![\w.])((?:{'|'.join(MODULES)})(?:\.\w+)*)\.(\w+)\s*\((?!{CONSTANT}\))")


def meant(prefix: str, name: str, here: Collection[str], groups: dict[str, Collection[str]]) -> str:
    """The operation that was meant by `name`, which is not among those that stand `here`, under this prefix; `groups`
    are the operations of the whole namespace by the group's name, "" that of the main one. Empty where nothing is
    near."""
    found = [f"xp.{group}.{name}" if group else f"xp.{name}" for group, names in groups.items() if name in names]
    if found:
        return f"Did you mean {found[0]}?"
    if name in DTYPES:
        return NO_DTYPES
    if name in ELSEWHERE:
        return f"The array API standard calls it xp.{ELSEWHERE[name]}"
    # Two letters that changed places come before one too many.
    close = [known for known in here if sorted(known) == sorted(name)] or difflib.get_close_matches(name, here, n=1)
    if close:
        return f"Did you mean {prefix}{close[0]}?"
    everywhere = {operation: group for group, names in groups.items() for operation in names}
    close = difflib.get_close_matches(name, everywhere, n=1)
    if not close:
        return ""
    group = everywhere[close[0]]
    return f"Did you mean xp.{group}.{close[0]}?" if group else f"Did you mean xp.{close[0]}?"


def line_in(error: BaseException, path: str) -> int | None:
    """The line of this file at which an error was raised, or from which what raised it was called."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return frames[-1].lineno if frames else None


def cure_of(error: BaseException, path: str, groups: dict[str, Collection[str]]) -> str:
    """What to write instead of what a body did when it raised; empty where that cannot be told."""
    line = line_in(error, path)
    if isinstance(error, AttributeError):
        # Some frameworks raise it themselves, and leave the name to the text.
        named = re.search(r"has no attribute '(\w+)'", str(error))
        return _instead_of_attribute(error.name or (named[1] if named else ""), groups)
    for module, name in _CALL.findall(linecache.getline(path, line)) if line else ():
        known = next((f"{group}.{name}" if group else name for group, names in groups.items() if name in names), None)
        ours = known or ELSEWHERE.get(name)
        if ours:
            return f"a body calls xp, so that every backend can run it: write xp.{ours} for {module}.{name}"
        return f"a body calls xp, so that every backend can run it; {module}.{name} is not one of its operations"
    # What raised is a line of the body, and not of what it calls.
    return next((cure for said, cure in OF_ARRAYS.items() if re.search(said, str(error))), "") if line else ""


def _instead_of_attribute(name: str, groups: dict[str, Collection[str]]) -> str:
    if name in ATTRIBUTES:
        return f"not every backend's array has .{name}: write {ATTRIBUTES[name]}"
    ours = name if name in groups[""] else ELSEWHERE.get(name)
    return f"not every backend's array has .{name}: write xp.{ours}(x)" if ours else ""
