"""Each mode catches the error that only it can have, planted in a backend through the contract; and what an adapter
does not claim it refuses, with the reason."""

from dataclasses import replace

import numpy as np
import pytest

from gradproof import backends, divergences
from gradproof.backends import BACKENDS, DTYPES, MODES, Unsupported
from gradproof.oracles.verdict import FAILING, Verdict
from gradproof.registry import Complex, Function, Reals, function, weights
from gradproof.verification.cells import Cell
from gradproof.verification.examine import Examiner, Finding
from gradproof.verification.structure import LARGE
from tests.unit.made import DIFFERENTIATING, NAMES, builtin, needs

POINT = dict(x=[0.5, -1.25, 2.0])
SECOND_ORDER = [mode for mode, known in MODES.items() if known.order == 2]


def cubes() -> Function:
    """A function of its own for each planting: Σ w x³."""

    @function(x=Reals((3,)), points=[POINT, dict(x=[1.0, 3.0, -0.75])])
    def sum_of_cubes(xp, x):
        """f(x) = Σ w x³"""
        cube = x * x * x
        return xp.sum(weights(xp, (3,)) * cube)

    @sum_of_cubes.gradient
    def _(xp, x):
        return (3 * weights(xp, (3,)) * x * x,)

    return sum_of_cubes


def found(f: Function, backend: str, mode: str, dtype: str = "float64") -> Finding:
    return Examiner(Cell(f, backend, "cpu", dtype, mode)).against_truth(f.points[0])


def verdict(f: Function, backend: str, mode: str, dtype: str = "float64") -> Verdict:
    return found(f, backend, mode, dtype).judgement.verdict


CLAIMED = [
    pytest.param(name, mode, id=f"{short}-{mode}")
    for short, name in DIFFERENTIATING.items()
    for mode in BACKENDS[name].modes
    if mode not in BACKENDS[name].nightly and not MODES[mode].nightly
]


@pytest.mark.parametrize(("backend", "mode"), CLAIMED)
def test_every_claimed_mode_verifies_the_unaltered_function(backend: str, mode: str) -> None:
    needs(backend)
    assert verdict(cubes(), backend, mode) == Verdict.VERIFIED


# A JVP that disagrees with its VJP


def test_a_wrong_jvp_beside_a_right_vjp_is_caught_in_forward_mode_alone() -> None:
    needs("torch")
    import torch

    w = torch.tensor([71 / 64, -94 / 64, 117 / 64], dtype=torch.float64)

    class Cubes(torch.autograd.Function):
        generate_vmap_rule = False

        @staticmethod
        def forward(x: torch.Tensor) -> torch.Tensor:
            return (w * x**3).sum()

        @staticmethod
        def setup_context(ctx: object, inputs: tuple, output: torch.Tensor) -> None:
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx: object, cotangent: torch.Tensor) -> torch.Tensor:
            return cotangent * 3 * w * ctx.saved_tensors[0] ** 2

        @staticmethod
        def jvp(ctx: object, tangent: torch.Tensor) -> torch.Tensor:
            return (2 * w * ctx.saved_tensors[0] ** 2 * tangent).sum()  # 2 for 3

    f = cubes()
    np.testing.assert_array_equal(weights(np, (3,)), w.numpy())
    f.implementation("torch")(Cubes.apply)
    assert verdict(f, "torch", "reverse") == Verdict.VERIFIED
    assert verdict(f, "torch", "forward") == Verdict.WRONG


# A batching rule that mixes rows


def test_a_batching_rule_that_mixes_rows_is_caught_when_vectorized() -> None:
    needs("jax")
    import jax
    import jax.numpy as jnp

    @jax.custom_batching.custom_vmap
    def gradient(x: jax.Array) -> jax.Array:
        return 3 * jnp.asarray([71 / 64, -94 / 64, 117 / 64]) * x * x

    @gradient.def_vmap
    def _(axis_size: int, in_batched: list, x: jax.Array) -> tuple:
        return gradient(jnp.roll(x, 1, axis=0)), True  # each row gets its neighbour's

    @jax.custom_vjp
    def body(x: jax.Array) -> jax.Array:
        return jnp.sum(jnp.asarray([71 / 64, -94 / 64, 117 / 64]) * x**3)

    body.defvjp(lambda x: (body(x), x), lambda x, cotangent: (cotangent * gradient(x),))
    f = cubes()
    f.implementation("jax")(body)
    assert verdict(f, "jax", "reverse") == Verdict.VERIFIED
    assert verdict(f, "jax", "vectorized") == Verdict.WRONG


# A second derivative that is lost


def detached_in_jax() -> object:
    import jax
    import jax.numpy as jnp

    w = jnp.asarray([71 / 64, -94 / 64, 117 / 64])

    @jax.custom_jvp
    def body(x: jax.Array) -> jax.Array:
        return jnp.sum(w * x**3)

    @body.defjvp
    def _(primals: tuple, tangents: tuple) -> tuple:
        (x,), (v,) = primals, tangents
        return body(x), jnp.sum(jax.lax.stop_gradient(3 * w * x * x) * v)

    return body


def detached_in_tensorflow() -> object:
    import tensorflow as tf

    @tf.custom_gradient
    def body(x: tf.Tensor) -> tuple:
        w = tf.constant([71 / 64, -94 / 64, 117 / 64], x.dtype)
        return tf.reduce_sum(w * x**3), lambda cotangent: cotangent * tf.stop_gradient(3 * w * x * x)

    return body


def detached_in_torch() -> object:
    import torch

    class Cubes(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: torch.Tensor) -> torch.Tensor:
            w = torch.tensor([71 / 64, -94 / 64, 117 / 64], dtype=x.dtype)
            ctx.slope = (3 * w * x * x).detach()
            return (w * x**3).sum()

        @staticmethod
        def backward(ctx: object, cotangent: torch.Tensor) -> torch.Tensor:
            return cotangent * ctx.slope

    return Cubes.apply


@pytest.mark.parametrize(
    ("backend", "planted"),
    [("jax", detached_in_jax), ("tensorflow", detached_in_tensorflow), ("torch", detached_in_torch)],
    ids=["JX", "TF", "PT"],
)
def test_a_detached_second_derivative_is_caught(backend: str, planted: object) -> None:
    needs(backend)
    f = cubes()
    f.implementation(backend)(planted())
    assert verdict(f, backend, "reverse") == Verdict.VERIFIED
    finding = found(f, backend, "reverse_over_reverse")
    assert finding.judgement.verdict == Verdict.WRONG
    assert finding.judgement.worst.got == 0.0


# A compiled branch that differs from eager


def test_a_branch_that_only_the_compiler_takes_is_caught_when_compiled() -> None:
    needs("tensorflow")
    import tensorflow as tf

    def body(x: tf.Tensor) -> tf.Tensor:
        w = tf.constant([71 / 64, -94 / 64, 117 / 64], x.dtype)
        return tf.reduce_sum(w * x**3) if tf.executing_eagerly() else tf.reduce_sum(w * x**3 * (1 + 2**-30))

    f = cubes()
    f.implementation("tensorflow")(body)
    assert verdict(f, "tensorflow", "reverse") == Verdict.VERIFIED
    assert verdict(f, "tensorflow", "compiled") == Verdict.IMPRECISE


def test_a_compiler_compiles_every_function_and_not_the_first_few_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("torch")
    import torch

    # Without code for the processor, which takes seconds for each.
    compiler = torch.compile
    graphs = []

    def counted(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> object:
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", lambda f: compiler(f, backend=counted))
    for _ in range(12):
        assert verdict(cubes(), "torch", "compiled") == Verdict.VERIFIED
    # One for each: nothing that the namespace does breaks a function into two.
    assert len(graphs) == 12


def test_what_a_compiler_left_as_it_is_counts_as_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("torch")
    import torch

    monkeypatch.setattr(torch, "compile", lambda f: f)
    with pytest.raises(Unsupported, match="left the whole function as it is"):
        found(cubes(), "torch", "compiled")


# Half precision


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_gradient_from_a_cancelled_difference_is_caught_in_half_precision(dtype: str) -> None:
    needs("jax")
    import jax
    import jax.numpy as jnp

    def body(x: jax.Array) -> jax.Array:
        return jnp.sum(jnp.asarray([71 / 64, -94 / 64, 117 / 64], x.dtype) * x**3)

    def backward(x: jax.Array, cotangent: jax.Array) -> tuple:
        step = jnp.asarray(1 / 4, x.dtype)
        w = jnp.asarray([71 / 64, -94 / 64, 117 / 64], x.dtype)
        return (cotangent * w * ((x + step) ** 3 - (x - step) ** 3) / (2 * step),)

    planted = jax.custom_vjp(body)
    planted.defvjp(lambda x: (body(x), x), backward)
    f = cubes()
    # Operation by operation: XLA would compute bfloat16 in float32 and lose nothing.
    assert verdict(f, "jax", "reverse", dtype) == Verdict.VERIFIED
    f = cubes()  # what was answered for the other one is kept
    f.implementation("jax")(planted)
    assert verdict(f, "jax", "reverse", dtype) in FAILING


# Structure


def test_a_backward_pass_that_ignores_its_cotangent_is_caught() -> None:
    needs("autograd")
    from autograd import numpy as anp
    from autograd.extend import defvjp, primitive

    w = np.array([71 / 64, -94 / 64, 117 / 64])
    body = primitive(lambda x: anp.sum(w * x**3))
    defvjp(body, lambda answer, x: lambda cotangent: 3 * w * x * x)
    f = cubes()
    f.implementation("autograd")(body)
    judgement = found(f, "autograd", "reverse").judgement
    assert judgement.verdict == Verdict.WRONG
    assert "the pullback is not linear" in judgement.reason


def test_a_gradient_that_writes_into_its_argument_is_caught() -> None:
    needs("autograd")
    from autograd.extend import defvjp, primitive

    w = np.array([71 / 64, -94 / 64, 117 / 64])
    body = primitive(lambda x: np.sum(w * x**3))

    def pull(answer: float, x: np.ndarray) -> object:
        def back(cotangent: float) -> np.ndarray:
            gradient = cotangent * 3 * w * x * x
            x[0] = 0.0
            return gradient

        return back

    defvjp(body, pull)
    f = cubes()
    f.implementation("autograd")(body)
    judgement = found(f, "autograd", "reverse").judgement
    assert judgement.verdict == Verdict.WRONG
    assert judgement.reason == "the call has changed its argument x"


def test_a_gradient_that_differs_at_the_second_call_is_caught() -> None:
    needs("autograd")
    from autograd.extend import defvjp, primitive

    calls = []
    w = np.array([71 / 64, -94 / 64, 117 / 64])
    body = primitive(lambda x: np.sum(w * x**3))

    def pull(answer: float, x: np.ndarray) -> object:
        calls.append(1)
        return lambda cotangent: cotangent * 3 * w * x * x * (1 + 2.0**-30 * ((len(calls) + 1) % 2))

    defvjp(body, pull)
    f = cubes()
    f.implementation("autograd")(body)
    assert found(f, "autograd", "reverse").judgement.reason == "a second call gives another gradient"


def counted(raises_at: int, cotangents: tuple[float, ...] = ()) -> tuple[Function, list[int]]:
    """Cubes whose forward pass and rules count their calls, and raise at one of them, or at these cotangents."""
    from autograd.extend import defjvp, defvjp, primitive

    calls: list[int] = []
    w = np.array([71 / 64, -94 / 64, 117 / 64])

    def count() -> None:
        calls.append(len(calls) + 1)
        if calls[-1] == raises_at:
            raise OSError("the buffer is used up")

    def forward(x: np.ndarray) -> float:
        count()
        return np.sum(w * x**3)

    def pulled(cotangent: float, x: np.ndarray) -> np.ndarray:
        count()
        assert cotangent not in cotangents, "for a loss alone"
        return cotangent * 3 * w * x * x

    def pushed(tangent: np.ndarray, answer: float, x: np.ndarray) -> float:
        count()
        return np.sum(3 * w * x * x * tangent)

    body = primitive(forward)
    defvjp(body, lambda answer, x: lambda cotangent: pulled(cotangent, x))
    defjvp(body, pushed)
    f = cubes()
    f.implementation("autograd")(body)
    return f, calls


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_whichever_call_raises_it_is_a_finding(mode: str) -> None:
    needs("autograd")
    f, calls = counted(0)
    assert found(f, "autograd", mode).judgement.verdict == Verdict.VERIFIED
    told = set()
    for number in list(calls):
        judgement = found(counted(number)[0], "autograd", mode).judgement
        assert judgement.verdict == Verdict.UNSUPPORTED, number
        told.add(judgement.reason)
    said = "OSError: the buffer is used up"
    other = {
        "reverse": {
            *(f"a pullback of the cotangent {c} raises {said}" for c in (0, -3, f"{LARGE:g}")),
            f"a second backward pass over one forward pass raises {said}",
        },
        "forward": {f"a call that gives the value beside a tangent raises {said}"},
    }
    assert told == {said, f"a second call raises {said}"} | other[mode]


def test_a_pullback_of_the_cotangent_1_alone_is_told() -> None:
    needs("autograd")
    f, _ = counted(0, cotangents=(-3.0,))
    judgement = found(f, "autograd", "reverse").judgement
    assert judgement.verdict == Verdict.UNSUPPORTED
    assert judgement.reason == "a pullback of the cotangent -3 raises AssertionError: for a loss alone"


def test_whichever_call_raises_own_differences_end_in_a_finding() -> None:
    # Wrong, so that all is asked that may still excuse it.
    needs("autograd")

    def examined(raises_at: int) -> tuple[Finding, list[int]]:
        f, calls = counted(raises_at)
        examiner = Examiner(Cell(f, "autograd", "cpu", "float64", "reverse"))
        answers = examiner.answers
        examiner.answers = lambda inputs: [
            replace(answer, gradient=tuple(1.5 * part for part in answer.gradient)) for answer in answers(inputs)
        ]
        return examiner.against_own_differences(f.points[0]), calls

    finding, calls = examined(0)
    assert finding.judgement.verdict == Verdict.WRONG
    verdicts = [examined(number)[0].judgement.verdict for number in calls]
    assert set(verdicts) == {Verdict.UNSUPPORTED, Verdict.INCONCLUSIVE}


def test_an_argument_declared_flat_may_stay_unconnected_and_another_is_told() -> None:
    needs("tensorflow")

    def made(flat: bool) -> Function:
        @function(x=Reals((2,)), n=Reals((2,), flat=flat), points=[dict(x=[0.5, 2.0], n=[1.25, -3.5])])
        def sum_beside(xp, x, n):
            """f(x, n) = Σ w x + 0 n"""
            return xp.sum(weights(xp, (2,)) * x)

        @sum_beside.gradient
        def _(xp, x, n):
            return weights(xp, (2,)), xp.zeros_like(n)

        return sum_beside

    assert verdict(made(flat=True), "tensorflow", "reverse") == Verdict.VERIFIED
    assert found(made(flat=True), "tensorflow", "reverse").constant == ()
    assert found(made(flat=False), "tensorflow", "reverse").constant == ("n",)


def test_a_false_declaration_of_flatness_is_told() -> None:
    @function(x=Reals((3,), flat=True), points=[POINT])
    def not_flat(xp, x):
        """f(x) = Σ w x"""
        return xp.sum(weights(xp, (3,)) * x)

    @not_flat.gradient
    def _(xp, x):
        return (weights(xp, (3,)),)

    with pytest.raises(Exception, match="declared flat"):
        found(not_flat, "numpy", "reverse")


# Complex numbers


@pytest.mark.parametrize("backend", DIFFERENTIATING.values(), ids=DIFFERENTIATING)
def test_the_conjugate_of_a_complex_gradient_is_wrong(backend: str) -> None:
    needs(backend)

    @function(z=Complex((2,)), points=[dict(z=[1.0 + 2.0j, -0.5 + 0.25j])])
    def real_square(xp, z):
        """f(z) = Re Σ z²"""
        return xp.sum(xp.real(z * z))

    @real_square.gradient
    def _(xp, z):
        return (2 * xp.conj(z),)

    assert verdict(real_square, backend, "reverse", "complex128") == Verdict.VERIFIED
    adapter = backends.load(backend)
    (z,) = adapter.arguments(real_square, real_square.points[0], "complex128", "cpu")
    gradient = adapter.gradient(adapter.callable(real_square, "complex128", "cpu"))(z)
    np.testing.assert_array_equal(adapter.to_numpy(gradient[0]), [2.0 - 4.0j, -1.0 - 0.5j])


# What is not claimed


NOT_CLAIMED = [
    pytest.param(name, dtype, mode, id=f"{short}-{dtype}-{mode}")
    for short, name in NAMES.items()
    for dtype in DTYPES
    for mode in MODES
    if dtype not in BACKENDS[name].dtypes or mode not in BACKENDS[name].modes
]


@pytest.mark.parametrize(("backend", "dtype", "mode"), NOT_CLAIMED)
def test_what_is_not_claimed_is_refused_with_its_reason(backend: str, dtype: str, mode: str) -> None:
    needs(backend)
    reason = Cell(cubes(), backend, "cpu", dtype, mode).missing
    assert reason
    with pytest.raises(Unsupported) as refused:
        backends.differentiate(backends.load(backend), cubes(), dtype, "cpu", mode)
    assert str(refused.value) == reason


TRANSFORMATIONS = {
    "forward": lambda adapter, f: adapter.jvp(f),
    "compiled": lambda adapter, f: adapter.compile(f),
    "xla": lambda adapter, f: adapter.compile_by_xla(f),
    "vectorized": lambda adapter, f: adapter.vectorize(f),
    "rematerialized": lambda adapter, f: adapter.checkpoint(f),
}


NO_TRANSFORMATION = [
    pytest.param(name, mode, id=f"{short}-{mode}")
    for short, name in dict(NP="numpy", AG="autograd", JX="jax", PT="torch").items()
    for mode in TRANSFORMATIONS
    if mode not in BACKENDS[name].modes
]


@pytest.mark.parametrize(("backend", "mode"), NO_TRANSFORMATION)
def test_a_transformation_that_is_not_claimed_raises(backend: str, mode: str) -> None:
    needs(backend)
    with pytest.raises(Unsupported):
        TRANSFORMATIONS[mode](backends.load(backend), lambda x: x)


# Own differences


def test_differences_that_do_not_resolve_the_function_accuse_nobody() -> None:
    @function(x=Reals(), points=[dict(x=1e8)])
    def fast_wave(xp, x):
        """f(x) = sin x, a step beside which, at 10⁸, is thousands of periods away"""
        return xp.sin(x)

    @fast_wave.gradient
    def _(xp, x):
        return xp.cos(x)

    examiner = Examiner(Cell(fast_wave, "numpy", "cpu", "float64", "reverse"))
    finding = examiner.against_own_differences(fast_wave.points[0])
    assert finding.judgement.verdict == Verdict.INCONCLUSIVE and not finding.fails
    assert examiner.against_truth(fast_wave.points[0]).judgement.verdict == Verdict.VERIFIED


def test_a_step_out_of_the_domain_accuses_nobody() -> None:
    @function(x=Reals((2, 2)), points=[dict(x=[[1.0, 1.0], [1.0, 1.0009765625]])])
    def determinant_root(xp, x):
        """f(x) = L₂₂ of the Cholesky factor L of x, hardly positive definite"""
        return xp.linalg.cholesky((x + xp.matrix_transpose(x)) / 2)[1, 1]

    needs("autograd")
    examiner = Examiner(Cell(determinant_root, "autograd", "cpu", "float64", "reverse"))
    assert not examiner.against_own_differences(determinant_root.points[0]).fails


@pytest.mark.parametrize("of", ["float64", "float32", "float16"])
def test_what_is_recorded_of_the_forward_pass_in_float64_is_no_news_in_float32(
    of: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Own differences take the forward pass in float64, whatever the dtype of the gradient.
    made = builtin(cubes())
    made.implementation("numpy")(lambda x: (x * x * x).sum() * (1.25 if x.dtype == np.float64 else 1))
    record = f'''
        [[cause]]
        id = "planted"
        kind = "defect"
        versions = ">=1"
        reason = "planted"
        issue = "unreported"
        [[cause.shows]]
        function = "{made.name}"
        verdict = "wrong"
        dtypes = ["{of}"]
        input = {{ x = {made.points[0][0].tolist()} }}
    '''
    monkeypatch.setattr(divergences, "load", lambda backend: divergences.parse(record, "planted.toml"))
    examiner = Examiner(Cell(made, "numpy", "cpu", "float32", "reverse"))
    finding = examiner.against_own_differences(made.points[0])
    assert finding.judgement.verdict == Verdict.WRONG and finding.fails == (of == "float16")


# Values


def test_a_function_that_looks_at_its_values_is_not_refused_by_the_compiler() -> None:
    needs("jax")
    made = cubes()
    made.implementation("jax")(lambda x: (x * x * x).sum() if float(x[0]) == x[0] else None)
    examiner = Examiner(Cell(made, "jax", "cpu", "float64", "reverse"))
    adapter = examiner.adapter
    value = adapter.forward(adapter.callable(made, "float64", "cpu"))
    assert float(value(*examiner.arrays(made.points[0]))) == float((made.points[0][0] ** 3).sum())
