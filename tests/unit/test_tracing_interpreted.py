"""Programs that a framework records before it runs them, traced by interpreting the record: the framework's gradient
holds against the exact derivative of the trace, planted errors do not, and what cannot be traced is refused by name."""

import functools
import importlib
import importlib.util
import inspect
import itertools
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from gradproof.oracles.tape import (
    Cells,
    ComplexCells,
    Solution,
    Tape,
    Untraceable,
    judge,
    replay,
    second_inputs,
    solve,
)
from gradproof.oracles.verdict import Judgement, Verdict
from tests.unit.made import NAMES

SHORT = "JX"

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec(NAMES[SHORT]) is None,
    reason=f"it is not installed: pip install -r requirements/{NAMES[SHORT]}-cpu.txt",
)

PROGRAMS = """
celu, elu, gelu, glu, hard_silu, hard_tanh, leaky_relu, log_sigmoid, mish, relu, relu6, selu, sigmoid, silu,
soft_sign, softplus, sparse_plus, squareplus, standardize, tanh, gelu by erf, softmax, log_softmax, logsumexp,
cross entropy, sparse cross entropy, binary cross entropy, huber, contrastive, kl divergence, layer norm,
causal attention, dot product attention, recurrent cell, long short-term memory, perceptron,
convolution of an image, grouped dilated convolution, gradient of a grouped convolution, transposed convolution,
largest of windows, smallest of windows, sum of windows, gradient of pooling, tangent of pooling, embedding,
dropout, resized image, digamma, entr, erf, erfc, expi, expit, exp1, fresnel, gamma, gammaln, i0, i0e, i1, i1e,
log_ndtr, ndtr, sici, erfinv, logit, ndtri, beta, bessel_jn, betainc, wofz, erfcx, expn, gammainc,
gammaincc, polygamma, rel_entr, sinc, xlogy, zeta, density of beta, density of gamma, density of normal, density of t,
density of von Mises, density of several normals, systems, stacks of systems, mapped systems, inverse,
determinant, log determinant, Cholesky, by factors, by conjugate gradients, by conjugate gradients on a tree,
triangular, triangular transposed, tridiagonal, eigenvectors, eigenvalues of any matrix,
singular values, singular vectors, QR,
QR of a wide matrix, pseudoinverse, matrix power, matrix exponential, norms, products,
custom reverse derivative, custom forward derivative, checkpoint, cond, switch, mapped cond, fori_loop,
reversed scan, associative scan, map, gradient within, jacobians within, Newton's step, Python that looks,
platform, reparametrized noise, noise of given shape, indexed, updated, sliced, ordered, running, moved,
approximate extremes, ragged products, reshaped otherwise, exponents,
decided, stepped, reduced, powers, elementary, segments, interpolated, convolved, halved precision,
narrow within, complex arithmetic, complex elementary, complex sums, complex scan, complex products,
complex systems, complex QR, complex singular values, Hermitian eigenvalues, complex determinant,
Fourier transforms, power spectrum, short-time spectrum
"""

IN_NARROW = "softmax, gelu, cross entropy, layer norm, causal attention, recurrent cell, convolution of an image, "
IN_NARROW += "gammaln, systems, Cholesky, fori_loop, running, complex sums"


QUICKLY = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


def names(table: str) -> list[str]:
    return table.replace("\n", " ").strip().split(", ")


def named(table: str) -> Any:
    return pytest.mark.parametrize("name", [pytest.param(name, id=f"{name}-{SHORT}") for name in names(table)])


@pytest.fixture(autouse=True)
def wide() -> Iterator[None]:
    """Arrays of 64 bits, as the user of a test would have set; and nothing else in the process sees it."""
    import jax

    with jax.enable_x64(True):
        yield


def programs() -> ModuleType:
    return importlib.import_module("tests.unit.interpreted_programs")


def front() -> ModuleType:
    return importlib.import_module(f"gradproof.backends.{NAMES[SHORT]}.trace")


def contracted(results: Any) -> Any:
    """One number of every floating-point entry of a tree, with uneven weights."""
    import jax
    import jax.numpy as jnp

    total = 0.0
    for y in jax.tree.leaves(results):
        if jnp.iscomplexobj(y):
            total = total + contracted(y.real) + contracted(0.7 * y.imag)
        elif jnp.issubdtype(y.dtype, jnp.floating):
            total = total + jnp.sum(y * jnp.linspace(-0.7, 1.3, y.size + 1, dtype=y.dtype)[1:].reshape(y.shape))
    return total


class Traced:
    """A function of arrays, traced at these arguments and contracted, with what the framework says of it."""

    def __init__(self, f: Callable, *arguments: Any, dtype: Any = None) -> None:
        import jax
        import jax.numpy as jnp

        arrays = [jnp.asarray(x) for x in arguments]
        self.arguments = [x.astype(_as_wide(x, dtype)) for x in arrays] if dtype else arrays
        self.differentiated = [bool(jnp.issubdtype(x.dtype, jnp.inexact)) for x in self.arguments]
        self.f = lambda *leaves: [contracted(f(*leaves))]
        self.traced = front().trace(self.f, self.arguments, self.differentiated)
        self.framework = jax

    @property
    def places(self) -> list[int]:
        """Which arguments are differentiated."""
        return [i for i, wanted in enumerate(self.differentiated) if wanted]

    def solution(self) -> Solution:
        """What is true of the trace."""
        return solve(self.traced.tape, self.traced.outputs[0])

    def answer(self, forward: bool = False) -> tuple[np.ndarray, list[np.ndarray]]:
        """The framework's value, and its gradient: real and imaginary parts are inputs of their own."""

        def value(*leaves: Any) -> Any:
            return self.f(*leaves)[0]

        both = self.framework.value_and_grad(value, self.places)
        if forward:
            return np.asarray(value(*self.arguments)), self.framework.jacfwd(value, self.places)(*self.arguments)
        try:
            # Compiling is what takes time here, and the program is the same.
            value, gradient = self.framework.jit(both, compiler_options=QUICKLY)(*self.arguments)
        except (self.framework.errors.JAXTypeError, self.framework.errors.JAXIndexError):
            value, gradient = both(*self.arguments)
        parts = []
        for part in map(np.asarray, gradient):
            # A derivative by a complex number z is ∂/∂Re z - i ∂/∂Im z here.
            parts += [part.real, -part.imag] if np.iscomplexobj(part) else [part]
        return np.asarray(value), parts

    def judged(self, forward: bool = False) -> Judgement:
        """The verdict on the framework's answer."""
        value, gradient = self.answer(forward)
        labels = [f"argument {i}" for i in range(len(gradient))]
        return judge(self.solution(), value, gradient, labels, flushes=True)


def _as_wide(x: Any, dtype: Any) -> Any:
    return {"c": np.complex64, "f": dtype}.get(np.dtype(x.dtype).kind, x.dtype)


@functools.cache
def program(name: str, dtype: Any = None) -> Traced:
    return Traced(*programs().PROGRAMS[name], dtype=dtype)


def test_every_program_is_listed() -> None:
    assert list(programs().PROGRAMS) == names(PROGRAMS)


@named(PROGRAMS)
def test_gradients_are_those_of_the_trace(name: str) -> None:
    traced = program(name)
    judgement = traced.judged()
    assert judgement.verdict == Verdict.VERIFIED, judgement
    assert traced.solution().proved


@named(IN_NARROW)
def test_gradients_of_narrow_numbers_are_those_of_the_trace(name: str) -> None:
    traced = program(name, np.float32)
    assert {cells.format for cells in traced.traced.inputs} == {"float32"}
    judgement = traced.judged()
    assert judgement.verdict == Verdict.VERIFIED, judgement


LOOPS = "whole, mapped"


@named(LOOPS)
def test_loops_of_unknown_length_that_have_a_forward_derivative_alone(name: str) -> None:
    import jax

    def arithmetic_geometric_mean(x: Any) -> Any:
        def step(state: tuple[Any, Any]) -> tuple[Any, Any]:
            a, b = state
            return (a + b) / 2, (a * b) ** 0.5

        return jax.lax.while_loop(lambda state: abs(state[0] - state[1]).max() > 1e-3, step, (x, 1.0 + 0 * x))[0]

    f = jax.vmap(arithmetic_geometric_mean) if name == "mapped" else arithmetic_geometric_mean
    assert Traced(f, np.array([0.5, 2.0, 8.0])).judged(forward=True).verdict == Verdict.VERIFIED


@named("gelu, layer norm, QR")
def test_where_numbers_are_narrow_by_default(name: str) -> None:
    import jax

    with jax.enable_x64(False):
        traced = Traced(*programs().PROGRAMS[name])
        assert {cells.format for cells in traced.traced.inputs} == {"float32"}
        assert traced.judged().verdict == Verdict.VERIFIED
        assert not jax.config.jax_enable_x64


@named("gelu, causal attention, recurrent cell, by factors, singular vectors, Python that looks, ordered, moved")
def test_the_trace_is_the_program_elsewhere(name: str) -> None:
    traced = program(name)
    inputs = second_inputs(traced.traced.tape)
    value = traced.traced.replay([traced.framework.numpy.asarray(x) for x in inputs])[0]
    compared = replay(traced.traced.tape, int(traced.traced.outputs[0].numbers), inputs, value, flushes=True)
    assert compared.holds, compared


# Planted errors


def planted(error: float) -> tuple[Callable, Callable]:
    """x sigmoid x with a derivative that is off by this much: by a reverse rule in one entry, by a forward rule."""
    import jax

    def swish(x: Any) -> Any:
        return x * jax.nn.sigmoid(x)

    def slope(x: Any) -> Any:
        s = jax.nn.sigmoid(x)
        return s + x * s * (1 - s)

    reverse, forward = jax.custom_vjp(swish), jax.custom_jvp(swish)
    reverse.defvjp(lambda x: (swish(x), x), lambda x, g: (g * slope(x).at[3].multiply(1 + error),))
    forward.defjvp(lambda p, t: (swish(p[0]), t[0] * slope(p[0]) * (1 + error)))
    return reverse, forward


def within(wrapping: str, f: Callable) -> Callable:
    """The same values by way of something that holds an inner program."""
    import jax

    ways = {
        "plain": f,
        "jit": jax.jit(f),
        "checkpoint": jax.checkpoint(f),
        "scan": lambda x: jax.lax.scan(lambda c, _: (c, f(c)), x, None, length=2)[1],
        "cond": lambda x: jax.lax.cond(x[0] < 99, f, lambda x: x, x),
        "vmap": lambda x: jax.vmap(f)(x[None]),
        "Python": lambda x: f(x) if x[0] < 99 else x,
    }
    return ways[wrapping]


WRAPPINGS = ("plain", "jit", "checkpoint", "scan", "cond", "vmap", "Python")


@pytest.mark.parametrize("wrapping", [pytest.param(w, id=f"{w}-{SHORT}") for w in WRAPPINGS])
@pytest.mark.parametrize("rule", (0, 1), ids=("reverse", "forward"))
def test_errors_of_a_custom_derivative_are_caught(rule: int, wrapping: str) -> None:
    x = np.linspace(-1.5, 1.25, 5)
    wrong = Traced(within(wrapping, planted(1e-9)[rule]), x).judged()
    assert wrong.verdict in (Verdict.WRONG, Verdict.IMPRECISE)
    assert wrong.worst.ratio > 1000
    assert rule == 1 or wrong.worst.index == (3,)
    assert Traced(within(wrapping, planted(0.0)[rule]), x).judged().verdict == Verdict.VERIFIED


def test_a_single_wrong_entry_of_a_system_is_caught() -> None:
    import jax
    import jax.numpy as jnp

    @jax.custom_vjp
    def solved(a: Any, b: Any) -> Any:
        return jnp.linalg.solve(a, b)

    def backward(kept: tuple, g: Any) -> tuple[Any, Any]:
        a, x = kept
        b = jnp.linalg.solve(a.T, g)
        return (-jnp.outer(b, x)).at[1, 2].multiply(1 + 1e-9), b

    solved.defvjp(lambda a, b: (solved(a, b), (a, solved(a, b))), backward)
    wrong = Traced(solved, *programs().PROGRAMS["systems"][1:]).judged()
    assert wrong.verdict in (Verdict.WRONG, Verdict.IMPRECISE)
    assert wrong.worst.argument == "argument 0" and wrong.worst.index == (1, 2)


def test_a_lost_branch_poisons_the_gradient() -> None:
    import jax.numpy as jnp

    x = np.array([0.25, -1.0])
    # On the way back the framework multiplies the slope of the root at -1, a NaN, by zero.
    assert Traced(lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0), x).judged().verdict == Verdict.WRONG
    safe = Traced(lambda x: jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1.0)), 0.0), x)
    assert safe.judged().verdict == Verdict.VERIFIED


# Kinks


KINKS = {
    "relu": (lambda jnp, x: jnp.maximum(x, 0.0), (0.0, 1.0, -1.0), Verdict.CONVENTION),
    "abs": (lambda jnp, x: jnp.abs(x), (0.0, 1.0, -1.0), Verdict.CONVENTION),
    "max": (lambda jnp, x: jnp.max(x), (1.0, 1.0, -1.0), Verdict.CONVENTION),
    "sort": (lambda jnp, x: jnp.sort(x), (1.0, 1.0, -1.0), Verdict.CONVENTION),
    "argmax": (lambda jnp, x: x[jnp.argmax(x)] * x, (1.0, 1.0, -1.0), Verdict.CONVENTION),
    "smooth": (lambda jnp, x: jnp.exp(x - jnp.max(x)) / jnp.sum(jnp.exp(x - jnp.max(x))), (1.0, 1.0, -1.0), "verified"),
    "jump": (lambda jnp, x: jnp.heaviside(x[:2], x[1:]), (0.0, -1.0, 0.5), Verdict.CONVENTION),
    "look": (lambda jnp, x: x if x[0] > 0 else 2 * x, (0.0, 1.0, -1.0), Verdict.CONVENTION),
}


@pytest.mark.parametrize("name", [pytest.param(name, id=f"{name}-{SHORT}") for name in KINKS])
def test_kinks(name: str) -> None:
    import jax.numpy as jnp

    f, point, expected = KINKS[name]
    assert Traced(lambda x: f(jnp, x), np.array(point)).judged().verdict == expected


def test_a_wrong_gradient_at_a_jump_is_caught() -> None:
    import jax
    import jax.numpy as jnp

    @jax.custom_jvp
    def jump(x: Any, y: Any) -> Any:
        return jnp.heaviside(x, y)

    jump.defjvp(lambda at, along: (jump(*at), 2.0 * along[1]))
    wrong = Traced(jump, np.array([0.0, 1.0]), np.array([0.5, 0.5])).judged()
    assert wrong.verdict == Verdict.WRONG and wrong.worst.argument == "argument 1"


# Refusals


def refusals(jax: Any) -> dict[str, tuple]:
    """What cannot be traced: the function, its argument, the operation that is named, and a word of the cure."""
    jnp, lax, random = jax.numpy, jax.lax, jax.random
    shape = jax.ShapeDtypeStruct((3,), np.float64)
    x, matrix = np.array([0.5, 1.5, 2.5]), np.diag([1.0, 2.0, 3.0]) + 0.1
    return {
        "pure callback": (lambda x: jax.pure_callback(np.sin, shape, x), x, "pure_callback", "truth="),
        "io callback": (lambda x: jax.experimental.io_callback(np.sin, shape, x), x, "io_callback", "truth="),
        "float": (lambda x: x * float(x[0]), x, "reading a number", "stop_gradient"),
        "item": (lambda x: x * x[0].item(), x, "reading a number", "stop_gradient"),
        "plain array": (lambda x: x * jnp.asarray(np.sin(x)), x, "numpy.asarray", "stop_gradient"),
        "draw of another distribution": (lambda x: random.gamma(random.key(0), x), x, "random_gamma", "noise"),
        "draw without a key": (lambda x: x * lax.rng_uniform(0.0, 1.0, (3,)), x, "rng_uniform", "key"),
        "bits": (lambda x: x * (lax.bitcast_convert_type(x, np.int64) & 1), x, "bitcast_convert_type", "truth="),
        "next number": (lambda x: jnp.nextafter(x, 9.0), x, "nextafter", "truth="),
        "Schur": (lambda a: jax.scipy.linalg.schur(a)[0], matrix, "schur", "truth="),
        "full singular vectors": (lambda a: jnp.linalg.svd(a[:, :2])[0], matrix, "svd", "full_matrices=False"),
        "outside": (lambda x: x[jnp.array([1, 7])], x, "gather", "Clip"),
        "endless": (lambda x: lax.while_loop(lambda c: c[0] > 0, lambda c: c, x), x, "while", "truth="),
    }


REFUSALS = "pure callback, io callback, float, item, plain array, draw of another distribution, draw without a key, "
REFUSALS += "bits, next number, Schur, full singular vectors, outside, endless"


@named(REFUSALS)
def test_what_cannot_be_traced_is_refused_by_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import jax
    import jax.experimental

    monkeypatch.setattr(importlib.import_module(f"{front().__name__}.interpreter"), "LONGEST_LOOP", 50)
    f, x, operation, cure = refusals(jax)[name]
    with pytest.raises(Untraceable) as refused:
        Traced(f, x).solution()
    assert refused.value.operation.startswith(operation)
    assert cure in refused.value.cure
    lines = inspect.getsourcelines(refusals)
    place, line = refused.value.where.split(":")
    assert place == "test_tracing_interpreted.py" and lines[1] <= int(line) < lines[1] + len(lines[0])


def test_all_refusals_are_listed() -> None:
    import jax
    import jax.experimental

    assert list(refusals(jax)) == names(REFUSALS)


def test_what_no_result_needs_is_not_refused() -> None:
    import jax
    import jax.numpy as jnp

    def f(a: Any) -> Any:
        jnp.linalg.eigvals(a)
        jax.debug.print("{}", a)
        return jnp.linalg.svd(a, full_matrices=False)[1]

    assert Traced(f, np.diag([3.0, 2.0]) + 0.25).judged().verdict == Verdict.VERIFIED


def test_a_random_number_that_changes_is_seen_elsewhere() -> None:
    calls = itertools.count(1)
    traced = Traced(lambda x: x * next(calls), np.array([1.5]))
    inputs = second_inputs(traced.traced.tape)
    value = traced.traced.replay([traced.framework.numpy.asarray(inputs[0])])[0]
    assert not replay(traced.traced.tape, int(traced.traced.outputs[0].numbers), inputs, value).holds


def test_only_numbers_that_have_a_derivative_can_be_differentiated() -> None:
    with pytest.raises(TypeError, match="int"):
        front().trace(lambda x: [x * 1.0], [np.array([1, 2])], [True])


def test_a_series_that_is_cut_is_refused_and_not_differentiated() -> None:
    import jax

    for name, arguments in (("hyp1f1", (0.5, 1.5, 0.3)), ("hyp2f1", (0.5, 0.25, 2.5, 0.3))):
        with pytest.raises(Untraceable, match="its series is cut"):
            Traced(getattr(jax.scipy.special, name), *map(np.array, arguments))


# What is claimed


def further(jax: Any) -> list[tuple]:
    """Operations that none of the programs has, each in a sample."""
    jnp, lax, random = jax.numpy, jax.lax, jax.random
    i, x = np.array([1, 5, 2]), np.array([0.5, 1.5, 2.5])

    def integers(x: Any, i: Any) -> Any:
        bits = lax.clz(i) + lax.population_count(i) + (i << 1) + (i >> 1) + lax.shift_right_logical(i, 1) + ~i
        more = jnp.cumprod(i) + lax.cummin(i) + lax.rem(i, 3) + i // 2 + -i + jnp.abs(i) + jnp.sign(i) + i**2
        wholes = jnp.bitwise_xor.reduce(i) + jnp.prod(i) + jnp.min(i) + jnp.max(i) + jnp.dot(i, i) + lax.top_k(i, 1)[0]
        return x * (bits + more + wholes + jnp.argmin(i) + lax.mulhi(i, i) + lax.cummax(i))

    def keys(x: Any, i: Any) -> Any:
        key = random.fold_in(random.wrap_key_data(random.key_data(random.clone(random.key(0)))), 3)
        draws = random.normal(random.split(key, 4)[1:2].reshape(())[None][0], (3,)) + random.randint(key, (3,), 0, 9)
        old = jax.extend.random.threefry_2x32(np.array([1, 2], np.uint32), np.arange(4, dtype=np.uint32))
        return x * draws * (old[0] % 2 + 1)

    def passed(x: Any, i: Any) -> Any:
        if x[0] > 0:  # so that nothing is left out for want of a result
            jax.debug.print("{}", x)
            jax.debug.callback(lambda x: None, x)
        x = lax.optimization_barrier(jax.device_put(jnp.array(x, copy=True)))
        x = jax.lax.composite(lambda x: 2.0 * x, "test.twice")(x)
        x = jax.lax.with_sharding_constraint(x, jax.sharding.SingleDeviceSharding(jax.devices()[0]))
        return jax.custom_derivatives.linear_call(lambda r, x: r * x, lambda r, x: r * x, 2.0, x)

    def named(x: Any, i: Any) -> Any:
        x = jax.ad_checkpoint.checkpoint_name(x, "kept")
        return x * (jnp.searchsorted(x, 1.0) + jnp.searchsorted(x, 1.0, side="right", method="scan_unrolled"))

    def drawn(x: Any, i: Any) -> Any:
        return x * (lax.rng_bit_generator(np.arange(4, dtype=np.uint32), (3,))[1] % 7)

    @jax.custom_vjp
    def recomputed(x: Any) -> Any:
        return jnp.sin(x)

    @jax.custom_batching.custom_vmap
    def mapped(x: Any) -> Any:
        return 3.0 * x

    mapped.def_vmap(lambda size, batched, x: (3.0 * x, True))
    recomputed.defvjp(lambda x: (recomputed(x), x), lambda x, g: (g * jnp.cos(x),), optimize_remat=True)

    def compared(x: Any, i: Any) -> Any:
        return x * (x >= 1) * (x <= 2) * (x != 1) * (x == 1.5) * jnp.isfinite(x) * lax.is_finite(x)

    return [
        (integers, x, i),
        (keys, x, i),
        (passed, x, i),
        (named, x, i),
        (drawn, x, i),
        (lambda x, i: lax.while_loop(lambda c: c[0] < 9, lambda c: 2 * c, x), x, i),
        (lambda x, i: mapped(jax.jvp(recomputed, (x,), (x,))[0] + jax.vjp(recomputed, x)[0]), x, i),
        (compared, x, i),
        (lambda x, i: x * jnp.nextafter(1.0, 2.0), x, i),
        (lambda x, i: lax.reduce_window(x, 0.0, lambda a, b: a + b * a + b, (2,), (1,), "VALID"), x, i),
    ]


def test_every_claimed_operation_is_traced_in_some_program() -> None:
    import jax
    import jax.ad_checkpoint
    import jax.custom_batching
    import jax.custom_derivatives
    import jax.extend.random

    met: set[str] = set()
    for traced in (*map(program, names(PROGRAMS)), *(Traced(*sample) for sample in further(jax))):
        met |= set(traced.traced.operations)
    assert set(front().OPERATIONS) - met == set()
    assert met - set(front().OPERATIONS) == set()


def test_what_is_not_claimed_is_refused_with_its_name() -> None:
    from jax.extend.core import Primitive

    unknown = Primitive("made_up_here")
    unknown.def_abstract_eval(lambda x: x)
    with pytest.raises(Untraceable, match="made_up_here") as refused:
        Traced(lambda x: unknown.bind(x), np.array([1.0]))
    assert refused.value.where.startswith("test_tracing_interpreted.py:")


def test_every_other_primitive_is_refused_with_its_name() -> None:
    from jax.extend.core import primitives

    interpreter = importlib.import_module(f"{front().__name__}.interpreter")
    operation = importlib.import_module(f"{front().__name__}.operation")
    known = [getattr(primitives, name) for name in dir(primitives) if name.endswith("_p")]
    others = [primitive for primitive in known if primitive.name not in front().OPERATIONS]
    assert len(others) > 20
    for primitive in others:
        tape = Tape()
        op = operation.Operation(primitive, {}, [], tape, None)
        for value in (
            tape.input([1.0], "float64"),
            ComplexCells(tape.input([1.0], "float64"), tape.input([1.0], "float64")),
        ):
            with pytest.raises(Untraceable) as refused:
                interpreter.Interpreter(tape).apply(op, [value])
            assert refused.value.operation == primitive.name


# What stands on the tape


def test_instructions_bear_their_source_and_place() -> None:
    import jax
    import jax.numpy as jnp

    line = inspect.currentframe().f_lineno + 1
    traced = Traced(lambda x: jax.nn.gelu(jnp.linalg.inv(x)), np.eye(2) + 0.25)
    found = {(i.source, i.where) for i in traced.traced.tape.instructions}
    assert ("custom_linear_solve", f"test_tracing_interpreted.py:{line}") in found
    assert ("tanh", f"test_tracing_interpreted.py:{line}") in found


def test_functions_of_the_library_that_are_compiled_once_bear_the_place_of_each_call() -> None:
    import jax.numpy as jnp

    first = inspect.currentframe().f_lineno + 2
    Traced(lambda x: jnp.linalg.norm(x), np.array([1.0, 2.0]))
    second = inspect.currentframe().f_lineno + 1
    traced = Traced(lambda x: jnp.linalg.norm(x), np.array([1.0, 2.0]))
    places = {i.where for i in traced.traced.tape.instructions if i.source == "sqrt"}
    assert places == {f"test_tracing_interpreted.py:{second}"} != {f"test_tracing_interpreted.py:{first}"}


def test_systems_that_share_a_matrix_are_eliminated_once() -> None:
    traced = program("mapped systems").traced
    pivots = [i for i in traced.tape.instructions if i.name == "div" and i.source == "custom_linear_solve"]
    assert sum(i.size for i in pivots) == 3 + 3 * 4  # factors below the diagonal, and each unknown by its pivot


def test_complex_inputs_are_two_inputs_each() -> None:
    traced = program("complex arithmetic")
    assert [type(x) for x in traced.traced.inputs] == [ComplexCells, ComplexCells, Cells]
    assert len(traced.solution().gradient) == 5


def test_results_are_given_in_their_kinds() -> None:
    import jax.numpy as jnp

    def f(x: Any, n: Any) -> list[Any]:
        return [x * n, x > 0, jnp.argmax(x), n + 1, jnp.fft.fft(x)]

    traced = front().trace(f, [np.array([1.0, -2.0]), np.array([3, 4])], [True, False])
    kinds = [type(x) for x in traced.outputs]
    assert kinds == [Cells, np.ndarray, np.ndarray, np.ndarray, ComplexCells]
    assert traced.outputs[1].tolist() == [True, False] and traced.outputs[2] == 0
    assert [y.tolist() for y in traced.replay([np.array([2.0, 3.0]), np.array([3, 4])])[:2]] == [
        [6.0, 12.0],
        [True, True],
    ]
