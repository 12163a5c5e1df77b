"""The front end: a forward pass of PyTorch as a record on a tape."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.autograd.function import _SingleLevelFunction
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode
from torch.utils.checkpoint import CheckpointFunction

from gradproof.backends.torch.trace.interpreter import NOISE, TRUTH, Interpreter
from gradproof.backends.torch.trace.memory import is_traceable
from gradproof.backends.tracing import Traced
from gradproof.oracles.tape import Cells, ComplexCells, Predicates, Tape, Untraceable

STATE = "Call .eval() on a module that changes its state, or pass the state as an argument."

LEAVING = {
    torch.Tensor.numpy: "numpy",
    torch.Tensor.tolist: "tolist",
    torch.Tensor.__array__: "__array__",
}
"""Methods by which values leave PyTorch."""

NOBODYS_OWN = ("torch.", "gradproof.")
"""How the modules of functions begin whose backward pass is not that of somebody's own code."""

POINTERS = {torch.Tensor.data_ptr: "data_ptr", torch.Tensor.__dlpack__: "__dlpack__"}
"""Methods by which others write into a tensor, unseen."""


def trace(f: Callable, arguments: Sequence[torch.Tensor], differentiated: Sequence[bool]) -> Traced:
    """The forward pass of f(*arguments), which returns a list of tensors, on a tape.

    `differentiated` says of each argument whether a derivative in it is asked for. f runs on copies, with gradients
    enabled. Raises `Untraceable` for what cannot be put on a tape, with the place in the user's code."""
    tape = Tape()
    run = Interpreter(tape)
    copies = [_copy(a, d) for a, d in zip(arguments, differentiated, strict=True)]
    inputs = [run.add_input(copy) for copy, d in zip(copies, differentiated, strict=True) if d]

    def again() -> list[Any]:
        return list(f(*(_copy(a, d) for a, d in zip(arguments, differentiated, strict=True))))

    with _settings():
        with _autograd_functions(run), run, _Leaving(run):
            results = list(f(*copies))
        outputs = [_output(run, x) for x in results]
        _refuse_what_changes(run, results, again)

    def replay(others: Sequence[Any]) -> list[np.ndarray]:
        moved = [_copy(_like(b, a), d) for a, b, d in zip(arguments, others, differentiated, strict=True)]
        with torch.enable_grad():
            return [_values(x) for x in f(*moved)]

    return Traced(tape, inputs, outputs, run.operations, replay, run.notes, run.reverse_alone, list(run.own_rules))


def _copy(x: torch.Tensor, differentiated: bool) -> torch.Tensor:
    if x.layout != torch.strided:
        raise Untraceable("sparse tensors", "they are not traced", "", TRUTH)
    return x.detach().clone().requires_grad_(differentiated)


def _like(x: Any, argument: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(x).to(argument.device, argument.dtype)


def _output(run: Interpreter, x: Any) -> Cells | ComplexCells | np.ndarray:
    if not torch.is_tensor(x) or not run.holds(x):
        return _values(x)
    run.tape.source, run.tape.where = "the result", ""
    with torch.enable_grad():
        cells = run.read(x)
    if isinstance(cells, Predicates):
        return cells.value
    for part in (cells.re, cells.im) if isinstance(cells, ComplexCells) else (cells,):
        run.tape.refuse_poisoned(part)
    return cells


def _values(x: Any) -> np.ndarray:
    """A result as an array of its own dtype; NumPy has no bfloat16, so float32 in its place."""
    if not torch.is_tensor(x):
        return np.asarray(x)
    x = x.detach().resolve_conj().resolve_neg().cpu()
    return (x.float() if x.dtype == torch.bfloat16 else x).numpy()


@contextlib.contextmanager
def _settings() -> Iterator[None]:
    """What a trace needs to see every operation: the eager body of what is compiled or scripted, and the operations of
    attention and of recurrent layers instead of one kernel for all. Everything is as it was afterwards."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.enable_grad())
        stack.callback(torch._C._set_mkldnn_enabled, torch._C._get_mkldnn_enabled())
        torch._C._set_mkldnn_enabled(False)
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        if torch.cuda.is_available():
            cudnn = torch.backends.cudnn
            stack.enter_context(cudnn.flags(False, cudnn.benchmark, cudnn.benchmark_limit, cudnn.deterministic))
        if "torch._dynamo" in sys.modules:
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        stack.callback(torch._C._set_graph_executor_optimize, torch._C._get_graph_executor_optimize())
        torch._C._set_graph_executor_optimize(False)
        yield


@contextlib.contextmanager
def _autograd_functions(run: Interpreter) -> Iterator[None]:
    """Tells the interpreter which operations belong to the forward of an autograd.Function: its whole forward pass is
    differentiated, though autograd records nothing there. There is no other place that all of them pass."""
    plain = vars(torch._C._FunctionBase)["apply"]

    def apply(cls: type, *args: Any, **kwargs: Any) -> Any:
        if cls is CheckpointFunction:  # whose backward runs the function again, as it stands, with gradients
            return args[0](*args[2:])
        if not cls.__module__.startswith(NOBODYS_OWN):
            run.own_rules[cls.__name__] = None
        given, args = args, run.given_to_a_function(args)
        run.within, run.functions = run.within + 1, run.functions + 1
        try:
            result = plain.__get__(None, cls)(*args, **kwargs)
        finally:
            run.within, run.functions = run.within - 1, run.functions - 1
        if any(copy is not x and copy._version for x, copy in zip(given, args, strict=True)):
            raise Untraceable(cls.__name__, "it writes to an argument that is detached", "", TRUTH)
        return result

    _SingleLevelFunction.apply = classmethod(apply)
    try:
        yield
    finally:
        del _SingleLevelFunction.apply


class _Leaving(TorchFunctionMode):
    """Sees values leave PyTorch by what is no operation of it."""

    def __init__(self, run: Interpreter) -> None:
        super().__init__()
        self.run = run

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        name = LEAVING.get(func) or POINTERS.get(func)
        if name is not None and is_traceable(args[0]) and self.run.holds(args[0]):
            self.run.leave(f"Tensor.{name}", func in POINTERS)
        return func(*args, **(kwargs or {}))


def _refuse_what_changes(run: Interpreter, results: Sequence[Any], repeat: Callable[[], Sequence[Any]]) -> None:
    """A second run must draw the same random numbers, and so leave their generators as the first left them, and give
    the same results."""
    states = [generator.get_state() for _, _, generator in run.generators]
    again = repeat()
    for (operation, where, generator), state in zip(run.generators, states, strict=True):
        if not torch.equal(generator.get_state(), state):
            raise Untraceable(operation, "it draws other random numbers each time", where, NOISE)
    if not all(_same(_values(x), _values(y)) for x, y in zip(results, again, strict=True)):
        raise Untraceable(
            "the function", "it gives another result when it is called again with the same arguments", "", STATE
        )


def _same(x: np.ndarray, y: np.ndarray) -> bool:
    if np.array_equal(x, y):
        return True
    if x.shape != y.shape or x.dtype.kind not in "fc":
        return False
    # On some devices sums are not added up in the same order each time.
    largest = np.max(np.abs(x), where=np.isfinite(x), initial=0.0)
    with np.errstate(invalid="ignore"):
        return np.allclose(x, y, rtol=0.0, atol=16 * np.finfo(x.dtype).eps * float(largest), equal_nan=True)
