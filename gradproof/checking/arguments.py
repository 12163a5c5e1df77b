"""What to say of an argument that a call does not take: what was probably meant, and why there is no tolerance."""

import inspect
from collections.abc import Callable, Iterable, Sequence

from gradproof.registry.names import meant

TOLERANCES = frozenset("tol tolerance atols rtols abs_tol rel_tol delta epsilon step h".split())
"""What other checkers call how far a gradient may be off, or how far apart their differences are taken."""

NO_TOLERANCE = (
    "there is no tolerance to tune, as every entry has its own bound from the machine model. "
    "{} declares that a gradient is an approximation"
)

OF_THE_ARRAYS = "it is that of the arrays in {args}"

SAID_OTHERWISE = {
    **dict.fromkeys(("func", "fn", "fun", "function"), "f"),
    **dict.fromkeys(("inputs", "input", "x", "xs", "primals", "params"), "args"),
    **dict.fromkeys(("wrt", "argnum"), "argnums"),
    **dict.fromkeys(("grad", "gradient", "jacobian", "vjp"), "jac"),
    **dict.fromkeys(("examples", "samples", "num_draws", "n"), "draws"),
    **dict.fromkeys(("reference", "expected"), "truth"),
}
"""What others call an argument of `check_grads`."""


def refusal(call: Callable, names: Iterable[str], others: Sequence[Callable]) -> TypeError:
    """The error for arguments of these `names`, which a call does not take; `others` are calls that may take them."""
    return TypeError(
        "; ".join(f"{call.__name__} has no argument {name!r}{_cure(call, name, others)}" for name in names)
    )


def _cure(call: Callable, name: str, others: Sequence[Callable]) -> str:
    known = _parameters(call)
    if name.lower() in TOLERANCES:
        return f": {NO_TOLERANCE.format('accuracy=1e-6' if 'accuracy' in known else 'check_grads(…, accuracy=1e-6)')}"
    if name in ("backend", "framework", "device"):
        return f": {OF_THE_ARRAYS.format(args=known[1])}"
    if (others_name := SAID_OTHERWISE.get(name)) in known:
        return f". Did you mean {others_name}?"
    if takers := [other.__name__ for other in others if name in _parameters(other)]:
        return f": {' and '.join(takers)} {'take' if len(takers) > 1 else 'takes'} it"
    return meant(name, known) or f". It has {', '.join(known)}"


def _parameters(call: Callable) -> list[str]:
    parameters = inspect.signature(call).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD]
