"""What other people's test suites do, with our functions in the place of a framework's own checker: nothing that is
right is accused, and what is refused has its cause. The planted error beside each is seen."""

import gc
import warnings
from collections.abc import Callable

import numpy as np
import pytest

import gradproof
from tests.unit.test_check_grads import frame

RANDOM = np.random.default_rng(20261130)
SQUARE = RANDOM.normal(size=(3, 3))
POSITIVE = SQUARE @ SQUARE.T + 3 * np.eye(3)
COMPLEX = SQUARE + 1j * RANDOM.normal(size=(3, 3))


def verdict(f: Callable, *args: object, **options: object) -> str:
    """What is said, a warning included."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gradproof.GradproofWarning)
        return gradproof.check_grads(f, args, **options).verdict


# One triangle of a matrix


def _of_triangles() -> dict[str, Callable]:
    import jax.numpy as jnp
    from jax import lax

    return {
        "cholesky": lambda x: lax.linalg.cholesky(x, symmetrize_input=False),
        "vectors": lambda x: jnp.linalg.eigh(x, symmetrize_input=False),
        "values": lambda x: jnp.linalg.eigh(x, symmetrize_input=False)[0],
    }


@pytest.mark.parametrize("name", ["cholesky", "vectors", "values"])
def test_one_triangle_is_read_and_the_gradient_is_right_along_symmetric_matrices(name):
    array = frame("JX").array
    f = _of_triangles()[name]
    assert verdict(f, array(POSITIVE)) == "convention"
    with pytest.raises(gradproof.GradientError):
        gradproof.check_grads(f, (array(POSITIVE),), truth=lambda x: _scaled(f(x)))


def _scaled(result: object) -> object:
    return tuple(part * (1 + 1e-7) for part in result) if isinstance(result, tuple) else result * (1 + 1e-7)


# A matrix that is said to be symmetric


def _solved(**told: object) -> Callable:
    import jax
    import jax.numpy as jnp
    from jax import lax

    def by_its_jacobian(product, b):
        x = lax.stop_gradient(jnp.linalg.solve(jax.jacobian(product)(b), b))
        return (x, {"turns": 3, "error": np.array(0.5)}) if told.get("has_aux") else x

    transposed = None if told.pop("is_forward", False) else by_its_jacobian
    return lambda a, b: lax.custom_linear_solve(lambda x: a @ x, b, by_its_jacobian, transposed, **told)


def test_second_derivatives_of_a_system_said_to_be_symmetric_are_right_along_symmetric_matrices():
    array = frame("JX").array
    f = _solved(symmetric=True)
    given = array(POSITIVE), array(SQUARE[0])
    assert verdict(f, *given) == "verified"
    assert verdict(f, *given, order=2) == "convention"
    with pytest.raises(gradproof.GradientError):
        gradproof.check_grads(f, given, order=2, truth=lambda a, b: f(a, b) * (1 + 1e-7))
    with pytest.raises(gradproof.GradientError):  # it is not
        gradproof.check_grads(f, (array(SQUARE), given[1]), order=2)


def test_what_a_solver_tells_beside_its_solution_is_no_part_of_it():
    array = frame("JX").array
    f = _solved(has_aux=True)
    assert verdict(f, array(POSITIVE), array(SQUARE[0])) == "verified"


def test_a_solver_without_a_transpose_has_second_derivatives_by_forward_mode():
    array = frame("JX").array
    f = _solved(is_forward=True)
    assert verdict(f, array(SQUARE), array(SQUARE[0]), modes=["fwd"], order=2) == "verified"


# Ties


TIED = [1.0, 2.0, 1.0]


@pytest.mark.parametrize("short", ["JX", "PT", "AG"])
def test_a_sort_of_entries_that_tie_is_a_convention(short):
    made = frame(short)
    sort = made.namespace.sort if short != "PT" else lambda x: x.sort()[0]
    assert verdict(sort, made.array(TIED)) == "convention"


def test_the_choice_at_a_tie_is_held_to_its_gradient():
    torch = frame("PT").namespace

    class Sort(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            values, order = x.sort(stable=True)
            ctx.save_for_backward(order)
            return values

        @staticmethod
        def backward(ctx, g):
            return torch.zeros_like(g).index_add(0, ctx.saved_tensors[0], g * 1.001)

    # Another order might be meant, so that nothing is said of what is not that of the order taken.
    assert verdict(Sort.apply, frame("PT").array(TIED), modes="rev") == "inconclusive"
    with pytest.raises(gradproof.GradientError):
        gradproof.check_grads(Sort.apply, (frame("PT").array([1.0, 2.0, 3.0]),), modes="rev")


@pytest.mark.parametrize("name", ["norm", "std"])
def test_the_length_of_nothing_has_a_subgradient(name):
    made = frame("PT")
    assert verdict(getattr(made.namespace, name), made.array([0.0, 0.0])) == "convention"


def test_a_jump_that_the_rest_makes_smooth_to_one_side_accuses_nobody():
    tf = pytest.importorskip("tensorflow")
    made = frame("TF")
    assert verdict(lambda x: tf.reduce_sum((x - tf.floor(x)) ** 2), made.array([0.0, 1.5])) == "convention"


# Vectors of complex matrices


def _recomposed(torch: object) -> Callable:
    def f(x):
        values, vectors = torch.linalg.eigh(x + x.mH)
        return (vectors * values.exp()) @ vectors.mH

    return f


def test_complex_vectors_are_verified_where_their_phase_does_not_matter():
    made = frame("PT")
    torch, x = made.namespace, made.array(COMPLEX, "complex128")
    assert verdict(_recomposed(torch), x, modes="rev") == "verified"
    assert verdict(lambda x: torch.linalg.svd(x)[0].abs(), x, modes="rev") == "verified"
    with pytest.raises(gradproof.Untraceable, match="depends on the phase of a complex vector"):
        gradproof.check_grads(lambda x: torch.linalg.eigh(x + x.mH)[1], (x,), modes="rev")
    with pytest.raises(gradproof.Untraceable, match="phase"):
        gradproof.check_grads(lambda x: torch.linalg.svd(x)[2], (x,), modes="rev")


def test_an_error_behind_complex_vectors_is_seen():
    made = frame("PT")
    f = _recomposed(made.namespace)
    with pytest.raises(gradproof.GradientError):
        gradproof.check_grads(f, (made.array(COMPLEX, "complex128"),), modes="rev", truth=lambda x: f(x) * (1 + 1e-7))


# Whose arrays, and what results


def test_plain_arrays_belong_to_the_framework_that_the_function_names():
    jnp = frame("JX").namespace
    x = np.array([1.0, 3.0, 2.0])
    for f in (lambda x: x[jnp.argsort(x)] ** 2, lambda x: x.at[0].add(jnp.sin(x[1]))):
        assert gradproof.check_grads(f, (x,)).backend == "jax"


def test_results_in_boxes_are_taken_apart():
    frame("AG")
    import autograd.numpy as anp
    from autograd import builtins

    assert verdict(lambda x: anp.linalg.slogdet(x), SQUARE, modes="rev") == "verified"
    assert verdict(lambda x: builtins.dict({"a": x**2, "b": anp.sin(x)}), SQUARE, modes="rev") == "verified"


def test_the_worst_mode_is_the_verdict():
    jax = pytest.importorskip("jax")

    made = frame("JX")

    @jax.custom_jvp
    def square(x):
        return x**2

    square.defjvp(lambda primals, tangents: (primals[0] ** 2, 2 * primals[0] * tangents[0]))
    report = gradproof.check_grads(lambda x: abs(square(x)), (made.array([0.0, 1.0]),))
    assert report.verdict == max((f.judgement.verdict for f in report.findings), key=lambda v: v.severity)
    torch = frame("PT").namespace
    report = gradproof.check_grads(torch.relu, (frame("PT").array([0.0]),), modes=("vectorized", "rev"))
    assert report.verdict == "convention"


# Backward passes that are run in another way


def test_a_reentrant_checkpoint_is_verified():
    torch = frame("PT").namespace
    from torch.utils.checkpoint import checkpoint

    def f(x):
        return checkpoint(lambda y: y.sin() ** 2, x, use_reentrant=True)

    assert verdict(f, frame("PT").array(TIED), modes="rev") == "verified"
    wrong = frame("PT").scaled(1.001)
    with pytest.raises(gradproof.GradientError):
        gradproof.check_grads(
            lambda x: checkpoint(wrong, x, use_reentrant=True), (frame("PT").array(TIED),), modes="rev"
        )
    assert torch.is_grad_enabled()


def test_a_backward_pass_that_writes_to_what_was_saved_is_found():
    """The first is right; a second on the same graph reads what the first has written."""
    torch = frame("PT").namespace

    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = torch.exp(x)
            ctx.save_for_backward(y)
            return 2 * y

        @staticmethod
        def backward(ctx, d):
            (y,) = ctx.saved_tensors
            return d * y.mul_(2)

    x = torch.tensor([0.5, -1.25], dtype=torch.float64, requires_grad=True)
    for checker in (torch.autograd.gradcheck, gradproof.gradcheck):
        with pytest.raises(Exception, match="modified by an inplace operation"):
            checker(Doubled.apply, (x,))


@pytest.mark.parametrize(("logit", "offset"), [(5.0, 0.0), (20.0, 0.0), (40.0, 0.0), (5.0, 1e-13), (-3.0, 1e-13)])
def test_the_textbook_slope_of_a_cross_entropy_accuses_nobody(logit, offset):
    """σ(x) - t is off by a rounding of 1, however small it is itself."""
    torch = frame("PT").namespace
    losses = torch.nn.functional.binary_cross_entropy_with_logits
    target, weight = (torch.tensor(values, dtype=torch.float64) for values in ([1.0, 0.25], [3.0, 0.5]))
    x = torch.tensor([logit, -0.5], dtype=torch.float64, requires_grad=True)

    class Own(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return losses(x, target, pos_weight=weight)

        @staticmethod
        def backward(ctx, d):
            (x,) = ctx.saved_tensors
            hits = weight * target
            return d * (((hits + 1 - target) * x.sigmoid() - hits) / 2 + offset)

    assert verdict(lambda x: losses(x, target, pos_weight=weight), x) == "verified"
    if offset:
        with pytest.raises(gradproof.GradientError):
            gradproof.check_grads(Own.apply, (x,), modes="rev")
    else:
        assert verdict(Own.apply, x, modes="rev") == "verified"


NLL = "torch.nn.functional.gaussian_nll_loss(x, x.detach() + 1, v, full=True)"
PADDED = "torch.nn.functional.embedding(torch.tensor([0, 1]), x[:, None], padding_idx=0).sum() + v.sum()"


@pytest.mark.parametrize(
    ("code", "why"),
    [(NLL, "torch.no_grad holds in"), (PADDED, "padding_idx of an embedding")],
    ids=["inside no_grad", "a row of padding"],
)
def test_what_reverse_mode_alone_takes_for_a_constant_is_not_held_against_forward_mode(code, why):
    """A variance that is clamped inside no_grad, and a row whose gradient is left out."""
    torch = frame("PT").namespace
    f = eval(f"lambda x, v: {code}", {"torch": torch})
    given = tuple(torch.tensor(values, dtype=torch.float64, requires_grad=True) for values in ([0.0, 1.5], [1e-8, 2.0]))
    report = gradproof.check_grads(f, given)
    assert report.verdict == "verified"
    assert why in report.refused["forward"]
    with pytest.raises(gradproof.GradientError, match=why):
        gradproof.check_grads(f, given, modes="fwd")


@pytest.mark.parametrize("factor", [1.0, 1.001])
def test_a_function_that_fills_the_gradients_itself_is_held_to_them(factor):
    torch = frame("PT").namespace
    model = torch.nn.Linear(3, 2).double()

    def step(model, x):
        loss = (model(x) ** 2).sum()
        loss.backward()
        model.bias.grad[1] *= factor
        return loss

    x = frame("PT").array(SQUARE)
    if factor == 1.0:
        assert verdict(step, model, x, modes="rev") == "verified"
    else:
        with pytest.raises(gradproof.GradientError, match=r"model\.bias\[1\]"):
            gradproof.check_grads(step, (model, x), modes="rev")
    assert [p.grad for p in model.parameters()] == [None, None]


def test_a_backward_pass_that_gives_back_what_it_kept_is_run_once_for_each_forward_pass():
    torch = frame("PT").namespace

    class Frugal(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.kept = x
            return x.sum() ** 2

        @staticmethod
        def backward(ctx, g):
            if ctx.kept is None:
                raise RuntimeError("nothing is kept")
            x, ctx.kept = ctx.kept, None
            return g * 2 * x.sum() * torch.ones_like(x)

    assert verdict(Frugal.apply, frame("PT").array(TIED), modes="rev") == "verified"


# Forward mode in one pass


@pytest.mark.parametrize("short", ["JX", "PT"])
def test_an_entry_that_is_wrong_in_forward_mode_is_pinned(short):
    made = frame(short)
    x = made.array([0.5, -1.25, 3.0])
    if short == "JX":
        import jax

        @jax.custom_jvp
        def cube(x):
            return x**3

        scale = np.array([1.0, 1 + 1e-9, 1.0])
        cube.defjvp(lambda p, t: (p[0] ** 3, 3 * p[0] ** 2 * t[0] * scale))
        f = cube
    else:
        torch = made.namespace

        class Cube(torch.autograd.Function):
            generate_vmap_rule = True

            @staticmethod
            def forward(x):
                return x**3

            @staticmethod
            def setup_context(ctx, inputs, output):
                ctx.save_for_backward(*inputs)
                ctx.save_for_forward(*inputs)

            @staticmethod
            def backward(ctx, g):
                return g * 3 * ctx.saved_tensors[0] ** 2

            @staticmethod
            def jvp(ctx, t):
                return t * 3 * ctx.saved_tensors[0] ** 2 * torch.tensor([1.0, 1 + 1e-9, 1.0], dtype=t.dtype)

        f = Cube.apply
    with pytest.raises(gradproof.GradientError) as caught:
        gradproof.check_grads(f, (x,), modes="fwd")
    assert caught.value.report.worst.judgement.worst.index == (1,)


# What is refused, and why


def test_what_is_not_dense_is_refused_in_one_line():
    torch = frame("PT").namespace
    sparse = torch.eye(3).double().to_sparse().requires_grad_()
    with pytest.raises(gradproof.Untraceable, match="not dense"):
        gradproof.gradcheck(lambda x: torch.sparse.sum(x), (sparse,))
    with pytest.raises(gradproof.Untraceable, match="not dense"):
        gradproof.gradcheck(lambda x: x.to_sparse().to_dense(), (frame("PT").array(SQUARE),))


def test_a_matrix_that_is_constant_may_be_sparse():
    torch = frame("PT").namespace
    graph = torch.tensor([[0.0, 1.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.5, 3.0]]).double()
    x = frame("PT").array(SQUARE)
    assert verdict(lambda x: graph.to_sparse() @ x, x) == "verified"
    assert verdict(lambda x: torch.sparse.mm(graph.to_sparse(), x), x) == "verified"
    with pytest.raises(gradproof.GradientError):
        gradproof.check_grads(lambda x: graph.to_sparse() @ x, (x,), truth=lambda x: graph @ x * (1 + 1e-7))


def test_who_divides_by_the_square_of_a_divisor_is_out_of_range_and_not_wrong():
    array = frame("JX").array
    given = array([3000.0], "float16"), array([300.0], "float16")
    assert verdict(lambda x, y: x / y, *given, modes="rev") == "inconclusive"
    given = array([3000.0], "float16"), array([100.0], "float16")
    assert verdict(lambda x, y: x / y, *given, modes="rev") == "verified"


def test_what_is_saved_for_a_backward_pass_has_no_gradient_as_a_result():
    torch = pytest.importorskip("torch")
    x = torch.tensor(SQUARE, requires_grad=True)

    def normalized(x):
        return torch.native_batch_norm(x, None, None, None, None, True, 0.1, 1e-5)

    assert verdict(normalized, x) == "verified"


# What a library asks of its arguments on the way


@pytest.mark.parametrize(
    "ask",
    ["(x > 0).min(-1)[0].all()", "torch.maximum(x > 9, x < 9).all()", "(x < 9).sort()[0].any()", "(x > 0).amin()"],
    ids=["along an axis", "of two", "sorted", "of all"],
)
def test_an_order_of_booleans_is_settled(ask):
    torch = frame("PT").namespace
    x = frame("PT").array([0.5, 1.5, 2.5])

    def f(x, factor=1.0):
        return factor * x**3 if eval(ask, {"torch": torch, "x": x}) else x

    assert verdict(f, x) == "verified"
    with pytest.raises(gradproof.GradientError):
        gradproof.check_grads(f, (x,), truth=lambda x: f(x, 1 + 1e-7))


def test_the_density_of_many_normals_is_verified():
    torch = frame("PT").namespace
    mean, root = frame("PT").array(SQUARE[0]), frame("PT").array(np.linalg.cholesky(POSITIVE))

    def f(mean, root):
        return torch.distributions.MultivariateNormal(mean, scale_tril=root.tril()).log_prob(torch.ones(3).double())

    assert verdict(f, mean, root) == "verified"


def test_a_convolution_without_places_has_no_entries():
    array = frame("JX").array
    from jax import lax

    kernel = array(np.ones((2, 2, 1, 2)))
    f = lambda x: lax.conv_general_dilated(x, kernel, (1, 1), ((0, 0), (0, 0)))  # noqa: E731
    assert verdict(f, array(np.ones((1, 2, 0, 4)))) == "inconclusive"


# In two steps, as autograd's own function of this name is called


def test_a_list_of_numbers_in_the_place_of_arguments_says_which_are_differentiated():
    np_ = frame("AG").namespace
    x, y = np.array([0.5, 1.5]), np.array([2.0, 3.0])

    def f(x, y):
        return x * np_.sin(y)

    for asked, named in (([1], {"y"}), (1, {"y"}), ([0, 1], {"x", "y"})):
        report = gradproof.check_grads(f, asked)(x, y)
        assert report.verdict == "verified"
        assert {name for name in "xy" if f"{name}[" in report.text or f" {name} " in report.text} <= named
    rounded = np_.round
    assert gradproof.check_grads(lambda x, y: x * rounded(y), [0], modes=["rev"])(x, y).verdict == "verified"


@pytest.mark.parametrize("given", [0, (0,), (0, 1), [2], [-1], [0, 0], [True], []])
def test_what_names_no_arguments_is_none_of_these(given):
    frame("AG")
    with pytest.raises(gradproof.ArgumentError):
        gradproof.check_grads(lambda x: x * x, given)


def test_constants_may_be_given_by_name_in_the_second_step():
    np_ = frame("AG").namespace
    report = gradproof.check_grads(np_.sum, modes=["rev"])(SQUARE, axis=1, keepdims=True)
    assert report.verdict == "verified"
    assert report.text.startswith("verified: sum on")


def test_a_check_that_never_gets_its_arguments_says_that_nothing_was_verified():
    with pytest.warns(gradproof.GradproofWarning, match="nothing was verified"):
        gradproof.check_grads(lambda x: x * x)
        gc.collect()
