"""The calls: `check_grads`, which also takes what JAX's and autograd's functions of this name take, and `gradcheck`
and `gradgradcheck`, which take what PyTorch's take."""

import functools
import warnings
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from typing import Any, Never

from hypothesis.strategies import SearchStrategy

from gradproof import backends
from gradproof.backends.modes import MODES
from gradproof.checking.arguments import refusal
from gradproof.checking.asked import ArgumentError
from gradproof.checking.awaiting import Awaiting, are_positions
from gradproof.checking.examination import ANOTHER_GRADIENT, Request, examine
from gradproof.checking.raised import raised
from gradproof.checking.report import GradientError, GradproofWarning, Report
from gradproof.registry.names import unknown

BOTH = ("fwd", "rev")
"""The default of `check_grads`: the caller has named no mode."""

MODE_NAMES = {"fwd": "forward", "rev": "reverse", "forward": "forward", "reverse": "reverse"}
"""JAX's and autograd's words for a mode, beside our own."""

BEYOND = "order={}: derivatives beyond the second are not verified"

SECOND_ORDER = {"forward": "forward_over_reverse", "reverse": "reverse_over_reverse"}


def check_grads(
    f: Callable,
    args: Any = None,
    order: int = 1,
    modes: str | Sequence[str] = BOTH,
    atol: float | None = None,
    rtol: float | None = None,
    eps: float | None = None,
    *,
    argnums: int | Sequence[int] | None = None,
    dtypes: str | Sequence[str] | None = None,
    draws: int = 0,
    truth: Callable | None = None,
    accuracy: float | None = None,
    jac: Callable | bool | None = None,
    strict: bool = False,
    name: str | None = None,
    **unknown: Never,
) -> Any:
    """Verify the gradient that a framework gives for `f` at `args`, against the exact derivative of its forward pass.

    `args` is a tuple of arrays, or of trees of them, of JAX, PyTorch, TensorFlow or NumPy (autograd); or of Hypothesis
    strategies for such. In PyTorch the tensors that require a gradient are differentiated, elsewhere all floating-point
    and complex arrays, or those of `argnums`. A result that is an array or a tree is contracted with fixed uneven
    weights. Without `args` a function of them is returned, as autograd's own `check_grads` does; a list of whole
    numbers in their place says which of them are differentiated, as there.

    `order=2` adds Hessian-vector products. `modes` are "fwd" and "rev", or names of `gradproof.backends.MODES`; one
    that was not named and that the framework refuses is told, and fails nothing. `dtypes` casts the arguments, and
    checks each. `draws` adds as many inputs around the given ones. `truth` is what is meant, in `xp` or as code of the
    same framework, where that is not the forward pass itself. `accuracy` declares that the gradient is an approximation
    within this error, relative to the largest entry of an argument's gradient. `jac` is a gradient written in
    plain NumPy, `jac(*args)`, or the Jacobian of a result with axes; True says that `f` returns both. With `strict`,
    what cannot be judged raises as well, and what is suspect. `atol`, `rtol` and `eps` are taken and not used: there
    is no tolerance to tune.

    Returns a `Report`. Raises `GradientError` where the gradient is not right, `Untraceable` where the forward pass
    cannot be traced and no `truth` is given, and `ArgumentError` where there is nothing to differentiate. Warns with
    `GradproofWarning` where nothing speaks against the gradient, but something that was asked for cannot be judged."""
    __tracebackhide__ = True  # pytest shows the caller's line, and the text of the error
    if unknown:
        raise refusal(check_grads, unknown, (gradcheck, gradgradcheck))
    if args is None or (argnums is None and are_positions(f, args)):
        later = functools.partial(
            check_grads,
            **dict(order=order, modes=modes, atol=atol, rtol=rtol, eps=eps, dtypes=dtypes, draws=draws, truth=truth),
            **dict(accuracy=accuracy, jac=jac, strict=strict, name=name, argnums=argnums if args is None else args),
        )
        return Awaiting(f, later)
    try:
        # A gradient that somebody wrote is differentiated in no mode.
        asked = _named_modes("rev" if jac is not None and modes is BOTH else modes, order)
        request = Request(
            f=f,
            args=_tuple(args),
            modes=asked,
            named=frozenset() if modes is BOTH else frozenset(asked),
            argnums=argnums,
            dtypes=_dtype_names(dtypes),
            draws=_count("draws", draws),
            truth=_function("truth", truth),
            accuracy=_relative("accuracy", accuracy),
            jac=jac,
            name=name,
            notes=_told(order, strict, atol=atol, rtol=rtol, eps=eps),
        )
    except ArgumentError as error:
        raise raised(error, f, ()) from None
    found = _examined(request)
    if isinstance(found, Exception):
        raise found
    if order > 2:
        warnings.warn(BEYOND.format(order), GradproofWarning, stacklevel=2)
    return _concluded(found, strict)


def _examined(request: Request) -> Report | Exception:
    """The report, or what the caller is to see raised: where it is not within our frames."""
    try:
        return examine(request)
    except Exception as error:
        return raised(error, request.f, request.args)


def _concluded(report: Report, strict: bool) -> Report:
    __tracebackhide__ = True
    if any(finding.fails for finding in report.findings):
        raise GradientError(report)
    if strict and (not report or report.suspect is not None):
        raise GradientError(report)
    if report:
        return report
    warnings.warn(report.text, GradproofWarning, stacklevel=3)
    return report


def _tuple(args: Any) -> Any:
    return args if isinstance(args, tuple | SearchStrategy) else tuple(args) if isinstance(args, list) else (args,)


def _named_modes(modes: str | Iterable[str], order: int) -> tuple[str, ...]:
    if isinstance(order, str):
        names_mode = order in MODE_NAMES or order in MODES
        cure = f"; a mode is named by modes={order!r}" if names_mode else ", a number and no text"
        raise ArgumentError(f"order={order!r}: give 1 or 2{cure}")
    if not isinstance(order, int):
        given = "an array" if hasattr(order, "shape") else f"a {type(order).__name__}"
        raise ArgumentError(f"order is {given}: give 1 or 2. The arguments of f are one tuple: check_grads(f, (x, y))")
    if order < 1:
        raise ArgumentError(f"order={order!r}: give 1 for the gradient, or 2 for Hessian-vector products as well")
    given = (modes,) if isinstance(modes, str) else tuple(modes)
    if not given:
        raise ArgumentError(f"modes={modes!r} names no mode, and nothing would be checked: give 'fwd', 'rev' or both")
    known = MODE_NAMES | {mode: mode for mode in MODES}
    for mode in given:
        if mode not in known:
            raise ArgumentError(unknown("modes", mode, tuple(known)))
    first = dict.fromkeys(known[mode] for mode in given)
    second = [SECOND_ORDER[mode] for mode in first if mode in SECOND_ORDER] if order > 1 else []
    return (*first, *(mode for mode in second if mode not in first))


def _told(order: int, strict: bool, **tolerances: float | None) -> list[str]:
    notes = []
    if given := [name for name, value in tolerances.items() if value is not None]:
        notes.append(f"{', '.join(given)}: taken and not used; every entry has its own bound, from the machine model")
    if order > 2:
        if strict:
            raise ArgumentError(f"{BEYOND.format(order)}, and strict=True lets nothing pass that is not: give order=2")
        notes.append(BEYOND.format(order))
    return notes


def _dtype_names(dtypes: Any) -> tuple[str, ...]:
    """The names of dtypes, which may be given as a framework's own."""
    given = dtypes if isinstance(dtypes, list | tuple) else () if dtypes is None else (dtypes,)
    return tuple(map(_dtype_name, given))


def _dtype_name(given: Any) -> str:
    # That of a class is its own, that of an object says itself, and PyTorch's is torch.float32.
    named = given.__name__ if isinstance(given, type) else getattr(given, "name", str(given))
    return named.rpartition(".")[2]


def _count(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ArgumentError(f"{name}={value!r}: give a number of inputs, 0 or more")
    return value


def _function(name: str, value: Callable | None) -> Callable | None:
    if value is not None and not callable(value):
        raise ArgumentError(f"{name}={value!r}: give a function")
    return value


def _relative(name: str, value: float | None) -> float | None:
    if value is not None and not (isinstance(value, Real) and 0 < value < 1):
        raise ArgumentError(f"{name}={value!r}: give a relative error, larger than 0 and smaller than 1")
    return value


def gradcheck(
    func: Callable,
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
    **unknown: Never,
) -> bool:
    """Verify as `torch.autograd.gradcheck` is called: True where the gradient is right, and an error where it is not,
    which is also a `GradcheckError` of PyTorch; or False, without `raise_exception`.

    Every entry of the gradient is verified, so `fast_mode` has no effect, nor have the tolerances. A gradient must be
    the same at a second call, so `nondet_tol` has none either; structure and dtype are always compared."""
    __tracebackhide__ = True
    if unknown:
        raise refusal(gradcheck, unknown, (check_grads, gradgradcheck))
    modes = [
        *(["rev"] if check_backward_ad or check_batched_grad else []),
        *(["fwd"] if check_forward_ad or check_batched_forward_grad else []),
    ]
    if not modes:
        raise ArgumentError("check_backward_ad and check_forward_ad are both off: nothing is to be checked")
    return _passes(func, inputs, modes, raise_exception, check_batched_grad, check_undefined_grad)


def gradgradcheck(
    func: Callable,
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
    **unknown: Never,
) -> bool:
    """Verify second derivatives as `torch.autograd.gradgradcheck` is called: the product of the Hessian with a fixed
    direction, in every entry. The results are contracted with fixed weights, whatever `grad_outputs` are; of the other
    arguments what `gradcheck` says is true."""
    __tracebackhide__ = True
    if unknown:
        raise refusal(gradgradcheck, unknown, (check_grads, gradcheck))
    modes = [
        *(["reverse_over_reverse"] if check_rev_over_rev else []),
        *(["forward_over_reverse"] if check_fwd_over_rev else []),
    ]
    if not modes:
        raise ArgumentError("check_rev_over_rev and check_fwd_over_rev are both off: nothing is to be checked")
    return _passes(func, inputs, modes, raise_exception, check_batched_grad, check_undefined_grad)


def _passes(
    func: Callable, inputs: Any, modes: list[str], raise_exception: bool, batched: bool, undefined: bool
) -> bool:
    __tracebackhide__ = True
    asked = _named_modes(modes, 1)
    request = Request(func, _tuple(inputs), asked, frozenset(asked), batched=batched, undefined=undefined)
    found = _examined(request)
    if isinstance(found, Exception):
        raise found
    try:
        _concluded(found, strict=False)
    except GradientError as error:
        if raise_exception:
            raise _expected_by_tests(error.report) from None
        return False
    return True


def _expected_by_tests(report: Report) -> GradientError:
    """The error as one of PyTorch's as well."""
    theirs = backends.calls_of(report.backend).checker_error

    class GradcheckError(GradientError, theirs):
        """A gradient that is not right, found by gradcheck."""

        def __str__(self) -> str:
            return f"{report.text}\n  in brief     {_in_brief(report)}"

    GradcheckError.__module__, GradcheckError.__qualname__ = "gradproof", "GradcheckError"
    return GradcheckError(report)


def _in_brief(report: Report) -> str:
    """The words for which tests of PyTorch's gradcheck look."""
    reason = "" if report.worst is None else report.worst.judgement.reason
    return "Backward is not reentrant" if reason == ANOTHER_GRADIENT else "Jacobian mismatch"
