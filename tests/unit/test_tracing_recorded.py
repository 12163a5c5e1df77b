"""Programs that are traced by running them on arrays that record themselves: the framework's gradient, or one written
by hand, holds against the exact derivative of the trace, planted errors do not, and what cannot be traced is refused by
name."""

import contextlib
import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scipy.special
from numpy import asarray as as_they_are

from gradproof.backends.numpy import trace as recorded
from gradproof.backends.numpy.trace import elementwise
from gradproof.oracles.tape import Solution, Untraceable, judge, replay, second_inputs, solve
from gradproof.oracles.verdict import Judgement, Verdict
from tests.unit.made import NAMES
from tests.unit.recorded_samples import ORDERS, SAMPLES

SHORT = "AG"

BY_HAND = "NP"

boxed = pytest.mark.skipif(
    importlib.util.find_spec(NAMES[SHORT]) is None, reason="it is not installed: pip install -r requirements/tools.txt"
)

PROGRAMS = """
softmax, logsumexp, relu, leaky relu, elu, softplus, softplus of powers of two,
even steps, even steps between arrays, gelu, silu, cross entropy, binary cross entropy, huber, perceptron,
layer norm, attention, recurrent, long short-term memory, convolution, convolution of channels,
convolution of equal size, norms, products, outer products, running, ordered, indexed, joined, stacked, moved, padded,
diagonals, decided, clipped, powers, elementary, inverse functions, sinc, gammaln, gamma, digamma, multigammaln,
incomplete gamma, incomplete beta, error functions, logistic, Bessel, scaled Bessel, normal, tails of normal, Student,
distribution of Student, beta, gamma distribution, chi squared, Poisson, Dirichlet, several normals, systems, inverse,
determinants, Cholesky, root of a matrix, eigenvalues of any matrix, eigenvectors,
singular values, singular vectors, pseudoinverse, triangular, banded, Sylvester,
own primitive, own primitive in place, checkpoint, integrated, rosenbrock, Newton, gradient within,
gradient of indexing within, jacobian within, step of an optimizer, noise of a fixed seed, Fourier, inverse Fourier,
half Fourier, Fourier in two, complex products, complex argument, complex angle
"""

NARROW = """
softmax, gelu, cross entropy, perceptron, layer norm, attention, recurrent, convolution, gammaln, systems, Cholesky,
own primitive, integrated, normal, ordered, decided, Fourier
"""


def named(table: str, short: str = SHORT) -> Any:
    names = table.replace("\n", " ").strip().split(", ")
    return pytest.mark.parametrize("name", [pytest.param(name, id=f"{name}-{short}") for name in names])


def programs() -> ModuleType:
    return importlib.import_module("tests.unit.recorded_programs")


def front() -> ModuleType:
    return importlib.import_module(f"gradproof.backends.{NAMES[SHORT]}.trace")


def contracted(y: Any, xp: ModuleType) -> Any:
    """One number of every entry, with uneven weights."""
    if xp.iscomplexobj(y):
        return contracted(xp.real(y), xp) + 0.7 * contracted(xp.imag(y), xp)
    size = int(np.prod(xp.shape(y)))
    w = np.linspace(-0.7, 1.3, size + 1)[1:].reshape(xp.shape(y))
    dtype = y.dtype if hasattr(y, "dtype") and y.dtype.kind == "f" else float
    return xp.sum(y * w.astype(dtype))


class Traced:
    """A program, traced at its arrays and contracted, with what the framework says of it."""

    def __init__(self, f: Callable, arguments: Any, dtype: Any = None) -> None:
        import autograd
        import autograd.numpy

        self.framework = autograd
        self.arguments = [np.asarray(x) if dtype is None else np.asarray(x, dtype) for x in arguments]
        self.f = lambda *arrays: contracted(f(*arrays), autograd.numpy)
        wanted = [True] * len(self.arguments)
        self.traced = front().trace(lambda *arrays: [self.f(*arrays)], self.arguments, wanted)

    def solution(self) -> Solution:
        """What is true of the trace."""
        return solve(self.traced.tape, self.traced.outputs[0])

    def judged(self) -> Judgement:
        """The verdict on the framework's own gradient."""
        solution = self.solution()
        gradient = self.framework.grad(self.f, tuple(range(len(self.arguments))))(*self.arguments)
        parts = []
        for part in gradient:
            # A derivative by a complex number z is ∂/∂Re z - i ∂/∂Im z here.
            parts += [part.real, -part.imag] if np.iscomplexobj(part) else [part]
        names = [f"x{i}" for i in range(len(parts))]
        return judge(solution, np.asarray(self.f(*self.arguments)), [np.asarray(p) for p in parts], names)

    def replayed(self) -> Any:
        """The tape beside the traced input against the program there."""
        return _replayed(self.traced, self.solution(), self.arguments)


def _replayed(traced: Any, solution: Solution, arguments: Any) -> Any:
    moved = second_inputs(traced.tape)
    parts = iter(moved)
    arrays = [next(parts) + 1j * next(parts) if np.iscomplexobj(x) else next(parts) for x in arguments]
    arrays = [a.astype(x.dtype) for a, x in zip(arrays, arguments, strict=True)]
    return replay(traced.tape, solution.output, moved, traced.replay(arrays)[0])


@boxed
@named(PROGRAMS)
def test_gradients_hold(name: str) -> None:
    f, arguments = programs().PROGRAMS[name]
    traced = Traced(f, arguments)
    assert traced.judged().verdict is Verdict.VERIFIED
    # What a decomposition turns around is no constant that came back.
    assert traced.replayed().holds or name in ("eigenvectors", "singular vectors")


@boxed
@named(NARROW)
def test_gradients_hold_in_single_precision(name: str) -> None:
    f, arguments = programs().PROGRAMS[name]
    traced = Traced(f, arguments, np.float32)
    assert traced.traced.inputs[0].format == "float32"
    assert traced.judged().verdict is Verdict.VERIFIED


@boxed
def test_every_program_is_tried() -> None:
    assert sorted(PROGRAMS.replace("\n", " ").strip().split(", ")) == sorted(programs().PROGRAMS)


@boxed
def test_a_planted_error_is_caught() -> None:
    judgement = Traced(programs().planted, (programs().X,)).judged()
    assert judgement.verdict in (Verdict.IMPRECISE, Verdict.WRONG)
    assert judgement.worst.index == (3,)


@boxed
def test_a_tie_is_a_convention() -> None:
    import autograd.numpy as anp

    ties = (lambda x: anp.maximum(x, 0.0), lambda x: anp.where(x > 0, x, 2 * x), anp.max, lambda x: x * (x > 0))
    for f in ties:
        assert Traced(f, (np.zeros(2),)).judged().verdict is Verdict.CONVENTION


@boxed
def test_a_wrong_gradient_at_what_looks_like_a_tie_is_told() -> None:
    import autograd.numpy as anp

    # This is 2x, also at 0, where half of one slope and all of another are taken.
    judgement = Traced(lambda x: anp.maximum(x, 0.0) + anp.where(x > 0, x, 2 * x), (np.array([0.0, 1.0]),)).judged()
    assert judgement.verdict is Verdict.WRONG


@boxed
@pytest.mark.parametrize(
    "name", "random, to_python, odeint, yn of another order, jn of another order, singular vectors beyond".split(", ")
)
def test_what_cannot_be_traced_is_refused_by_name(name: str) -> None:
    f, operation = programs().REFUSED[name]
    with pytest.raises(Untraceable) as refusal:
        Traced(f, (programs().X,)).solution()
    assert refusal.value.operation.startswith(operation) or refusal.value.operation.endswith(operation)
    assert refusal.value.cure


@boxed
@pytest.mark.parametrize("name", ["getval", "own constant"])
def test_what_comes_back_as_a_constant_is_replayed(name: str) -> None:
    assert not Traced(programs().LEAVES[name], (programs().X,)).replayed().holds


@boxed
@pytest.mark.parametrize("f", [lambda x: x**2, lambda x: 1 / 0], ids=["well", "with an exception"])
def test_nothing_of_the_framework_is_other_than_before(f: Callable) -> None:
    from autograd.tracer import Box, trace_stack

    front()
    before, top = dict(Box.type_mappings), trace_stack.top
    with contextlib.suppress(ZeroDivisionError):
        front().trace(lambda x: [f(x)], [np.ones(2)], [True])
    assert (Box.type_mappings, trace_stack.top) == (before, top)


@boxed
def test_claims_of_the_framework_are_programs() -> None:
    claimed = {name for name in front().OPERATIONS if name not in recorded.OPERATIONS}
    source = Path(programs().__file__).read_text("utf-8").replace("normals.", "stats.multivariate_normal.")
    assert [name for name in claimed if f"{name}(" not in source] == []


# Plain NumPy


def traced_by_hand(f: Callable, arguments: list[np.ndarray]) -> Any:
    return recorded.trace(lambda *arrays: [contracted(f(*arrays), np)], arguments, [True] * len(arguments))


def hold(name: str, f: Callable, arguments: list[np.ndarray]) -> None:
    """The tape is the program, and its sweep is its derivative."""
    traced = traced_by_hand(f, arguments)
    solution = solve(traced.tape, traced.outputs[0])
    assert name in traced.operations
    assert solution.proved, solution.problem
    assert _replayed(traced, solution, arguments).holds


def reals() -> list[np.ndarray]:
    return list(np.random.default_rng(3).uniform(0.2, 0.9, (2, 3, 3)))


@pytest.mark.parametrize("name", [pytest.param(name, id=f"{name}-{BY_HAND}") for name in SAMPLES])
def test_functions_are_what_they_claim(name: str) -> None:
    hold(name, SAMPLES[name], reals())


def ufunc(name: str) -> np.ufunc:
    found = (getattr(module, name, None) for module in (np, scipy.special, scipy.special._ufuncs))
    return next(f for f in found if isinstance(f, np.ufunc))


def _seen(y: Any, x: Any, z: Any) -> Any:
    return np.where(y, x * z, x) if y.dtype == bool else y * (1 + z if y.shape else 1.0)


@pytest.mark.parametrize("name", [pytest.param(name, id=f"{name}-{BY_HAND}") for name in elementwise.REAL])
def test_ufuncs_of_reals(name: str) -> None:
    f = ufunc(name)

    def sample(x: Any, z: Any) -> Any:
        first = 1.5 + x if name in ("arccosh", "_zeta", "_riemann_zeta") else x
        given = [ORDERS[name], x] if name in ORDERS else [first, z, x * z][: f.nin]
        return _seen(f(*given), x, z)

    hold(f.__name__, sample, reals())


@pytest.mark.parametrize("name", [pytest.param(name, id=f"{name}-{BY_HAND}") for name in elementwise.COMPLEX])
def test_ufuncs_of_complex_numbers(name: str) -> None:
    x, y = reals()
    f = ufunc(name)
    hold(f.__name__, lambda z, w: _seen(f(*[z, w][: f.nin]), z, w), [x + 1j * y, y - 0.5j * x])


@pytest.mark.parametrize("name", [pytest.param(name, id=f"{name}-{BY_HAND}") for name in elementwise.LOGICAL])
def test_ufuncs_of_truth_values(name: str) -> None:
    f = ufunc(name)
    hold(f.__name__, lambda x, y: np.where(f(*[x > 0.5, y > 0.4][: f.nin]), x * y, x), reals())


def test_every_claim_has_a_sample() -> None:
    assert sorted({*SAMPLES, *elementwise.NAMES}) == recorded.OPERATIONS


def _unclaimed_functions() -> list[Callable]:
    kind = type(np.concatenate)
    modules = (np, np.linalg, np.fft)
    known = {f for module in modules for f in vars(module).values() if isinstance(f, kind)}
    return sorted((f for f in known if f not in recorded.FUNCTIONS), key=lambda f: f.__name__)


def test_functions_that_are_not_claimed_are_refused_by_name() -> None:
    x = recorded.new_recording().input(np.ones(3))
    unclaimed = _unclaimed_functions()
    assert len(unclaimed) > 50
    for function in unclaimed:
        with pytest.raises(Untraceable) as refusal:
            x.__array_function__(function, (), (), {})
        assert refusal.value.operation.endswith(function.__name__)


def test_ufuncs_that_are_not_claimed_are_refused_by_name() -> None:
    tables = {"f": elementwise.REAL, "c": elementwise.COMPLEX}
    all_known = {f for m in (np, scipy.special) for f in vars(m).values() if isinstance(f, np.ufunc)}
    refused = 0
    for kind, table in tables.items():
        x = recorded.new_recording().input(np.ones(3, {"f": float, "c": complex}[kind]))
        for f in all_known:
            takes = any(set(loop.partition("->")[0]) <= {"d" if kind == "f" else "D"} for loop in f.types)
            if f.__name__ not in table and takes:
                with pytest.raises(Untraceable, match=f.__name__):
                    f(*[x] * f.nin)
                refused += 1
    assert refused > 100


OUTSIDE = np.zeros(3)

REFUSED = {
    "float": lambda x: float(x[0]),
    "item": lambda x: x[0].item(),
    "tolist": lambda x: np.sum(x.tolist()),
    "logsumexp": lambda x: scipy.special.logsumexp(x),
    "np.asarray(…, float64)": lambda x: as_they_are(x, float)[0],
    "add.at": lambda x: np.add.at(OUTSIDE.copy(), [0, 1], x[:2]) or 0.0,
    "random": lambda x: x[0] * np.random.default_rng().normal(),
    "view": lambda x: x.view(np.int64)[0] * x[0],
    "np.max": lambda x: np.max(x * 1j),
}


@pytest.mark.parametrize("operation", [pytest.param(name, id=f"{name}-{BY_HAND}") for name in REFUSED])
def test_what_leaves_the_trace_is_refused(operation: str) -> None:
    with pytest.raises(Untraceable) as refusal:
        traced_by_hand(REFUSED[operation], [np.array([0.5, 1.5, 2.5])])
    assert refusal.value.operation == operation
    assert refusal.value.where.startswith("test_tracing_recorded.py:") or operation == "random"
    assert refusal.value.cure


def broyden(x: Any) -> Any:
    f = (3 - x) * x + 1
    f[1:] -= x[:-1]
    f[:-1] -= 2 * x[1:]
    return f


def accumulated(x: Any) -> Any:
    total = np.zeros(2)
    for i in range(2):
        total += x[i : i + 2] ** 2
    return total


def through_views(x: Any) -> Any:
    y = np.stack([x, x**2])
    row = y[0]
    row *= 3.0
    np.reshape(y, (-1,))[4] = x[0] * x[1]
    y.T[2, 1] = 7.0
    return y


def in_a_list(x: Any) -> Any:
    return np.array([[x[0] * 2, np.exp(x[1])], [1.0, x[2]]])


def branching(x: Any) -> Any:
    return x**2 if x[0] > 0.2 and np.all(x > 0) else np.log(x)


def with_indices(x: Any) -> Any:
    total = np.zeros_like(x)
    np.add.at(total, np.array([0, 0, 2]), x**2)
    return total + x[int(np.argmax(x))]


WAYS = (broyden, accumulated, through_views, in_a_list, branching, with_indices)


@pytest.mark.parametrize("f", [pytest.param(f, id=f"{f.__name__}-{BY_HAND}") for f in WAYS])
def test_ways_of_writing(f: Callable) -> None:
    arguments = [np.array([0.5, 1.5, 2.5])]
    traced = traced_by_hand(f, arguments)
    solution = solve(traced.tape, traced.outputs[0])
    assert solution.proved
    assert float(solution.value.mid()) == pytest.approx(float(traced.replay(arguments)[0]), rel=1e-14)
    assert _replayed(traced, solution, arguments).holds


def test_a_write_does_not_change_what_was_recorded() -> None:
    def f(x: Any) -> Any:
        y = x[::2] * 1.0
        z = np.exp(y[::-1])
        y[...] = 0.0
        return z + y

    traced = traced_by_hand(f, [np.array([0.5, 1.5, 2.5])])
    expected = np.exp([2.5, 0.5]) @ np.linspace(-0.7, 1.3, 3)[1:]
    assert float(solve(traced.tape, traced.outputs[0]).value.mid()) == pytest.approx(expected, rel=1e-15)


def test_formats_are_those_of_the_arrays() -> None:
    x = recorded.new_recording().input(np.ones(3, np.float32))
    assert (x * 2.0).dtype == np.float32
    assert (x * np.float64(2.0)).dtype == np.float64
    assert (x + 1j).dtype == np.complex64
    assert (x * np.arange(3)).dtype == np.float64
    assert np.concatenate([x, np.ones(1)]).dtype == np.float64
    assert np.where(x > 0, x, 0.0).dtype == np.float32
    assert np.float32(0.1) == (x * 0.1).value[0]
