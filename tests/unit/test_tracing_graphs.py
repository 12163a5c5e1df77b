"""The front end of the tape for a framework whose functions have graphs: what it claims is traced and verified, what it
does not is refused by name, and wrong gradients written by hand are found."""

import importlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradproof import backends
from gradproof.backends.tracing import Traced
from gradproof.oracles.tape import Replay, Untraceable, judge, replay, second_inputs, solve
from gradproof.oracles.verdict import Judgement, Verdict
from tests.unit.made import NAMES, needs

pytestmark = pytest.mark.parametrize("short", ["TF"])

# Nothing but a test may import a framework: the fixture below does.
t: Any = None
raw: Any = None
front: Any = None


@pytest.fixture(autouse=True, scope="module")
def _framework() -> None:
    framework = NAMES["TF"]
    needs(framework)
    importlib.import_module(f"gradproof.backends.{framework}.adapter")  # which keeps its log quiet, and JAX out
    module = pytest.importorskip(framework)
    globals().update(t=module, raw=module.raw_ops)
    globals()["front"] = importlib.import_module(f"gradproof.backends.{framework}.trace")


DRAWS: dict[str, Callable] = {
    "": lambda random, shape: random.normal(size=shape),
    "+": lambda random, shape: random.uniform(0.5, 3.0, shape),
    "%": lambda random, shape: random.uniform(0.1, 0.9, shape),
    "m": lambda random, shape: random.normal(size=shape) + 3 * np.eye(*shape[-2:]),
    "z": lambda random, shape: random.normal(size=shape) + 1j * random.normal(size=shape),
    "y": lambda random, shape: random.normal(size=shape) + 1j * random.normal(size=shape) + 3 * np.eye(*shape[-2:]),
}
"""Any numbers, positive ones, those of (0, 1), well-conditioned matrices; complex numbers, and complex matrices."""


def inputs(spec: str, dtype: str = "float64") -> list:
    """Tensors for a description such as "3x4 +5": a kind and a shape for each."""
    random, found = np.random.default_rng(11), []
    for word in spec.split():
        kind = word[0] if word[0] in DRAWS else ""
        shape = tuple(int(n) for n in word[len(kind) :].split("x"))
        drawn = t.constant(DRAWS[kind](random, shape))
        found.append(drawn if drawn.dtype.is_complex else t.cast(drawn, dtype))
    return found


def weighed(x: Any) -> Any:
    """Results contracted with uneven weights, so that no entry goes unseen."""
    if isinstance(x, list | tuple):
        parts = [weighed(part) for part in x if part is not None]
        return t.add_n([t.cast(part, parts[0].dtype) for part in parts])
    x = t.convert_to_tensor(x)
    if x.dtype.is_complex:
        return weighed(t.math.real(x)) - 0.7 * weighed(t.math.imag(x))
    if not x.dtype.is_floating:
        return t.reduce_sum(t.cast(x, t.float64))
    count = t.size(x)
    weights = 0.3 + 1.4 * t.cast(t.range(count), t.float64) / t.cast(count + 1, t.float64)
    return t.reduce_sum(x * t.reshape(t.cast(weights, x.dtype), t.shape(x)))


def loss_of(f: Callable) -> Callable:
    """f as a front end takes it: a list of one scalar."""
    return lambda *arguments: [weighed(f(*arguments))]


def traced(f: Callable, arguments: list) -> Traced:
    return front.trace(loss_of(f), arguments, [True] * len(arguments))


def gradients(f: Callable, arguments: list) -> tuple[np.ndarray, list[np.ndarray]]:
    """The framework's value and its gradient, of complex arguments by their parts."""
    with t.GradientTape() as tape:
        tape.watch([a for a in arguments if t.is_tensor(a)])
        (value,) = loss_of(f)(*arguments)
    found = []
    for part in tape.gradient(value, arguments, unconnected_gradients="zero"):
        part = t.convert_to_tensor(part)
        array = t.cast(part, t.complex128 if part.dtype.is_complex else t.float64).numpy()
        found += [array.real, array.imag] if part.dtype.is_complex else [array]
    return t.cast(value, t.float64).numpy(), found


def judged(f: Callable, arguments: list) -> tuple[Judgement, Traced]:
    """The verdict of a function's own trace on the framework's gradient."""
    trace = traced(f, arguments)
    value, gradient = gradients(f, arguments)
    names = [f"x{i}" for i in range(len(gradient))]
    return judge(solve(trace.tape, trace.outputs[0]), value, gradient, names, flushes=True), trace


def replayed(trace: Traced, arguments: list) -> Replay | None:
    """The tape beside its input against the framework there."""
    moved = second_inputs(trace.tape)
    if moved is None:
        return None
    parts, others = iter(moved), []
    for a in arguments:
        others.append(next(parts) + 1j * next(parts) if a.dtype.is_complex else next(parts))
    (value,) = trace.replay(others)
    return replay(trace.tape, int(trace.outputs[0].numbers), moved, np.float64(value), flushes=True)


Case = tuple[Callable, str]

SPACES: dict[str, Callable] = {
    "": lambda: t,
    "math": lambda: t.math,
    "nn": lambda: t.nn,
    "linalg": lambda: t.linalg,
    "special": lambda: t.math.special,
    "signal": lambda: t.signal,
    "losses": lambda: t.keras.losses,
    "activations": lambda: t.keras.activations,
    "raw": lambda: raw,
}


def by_name(space: str, names: str, spec: str) -> dict[str, Case]:
    """One case for each function of a namespace."""

    def case(name: str) -> Callable:
        return lambda *arguments: getattr(SPACES[space](), name)(*arguments)

    return {f"{space}.{name}": (case(name), spec) for name in names.split()}


def by_attributes(names: str, spec: str, **attributes: Any) -> dict[str, Case]:
    """One case for each kind of operation, its operands by position and its attributes by name."""

    def case(name: str) -> Callable:
        def run(*arguments: Any) -> Any:
            operation = getattr(raw, name)
            parameters = importlib.import_module("inspect").signature(operation).parameters
            given = dict(zip(parameters, arguments, strict=False))
            return operation(**given, **{k: v() if callable(v) else v for k, v in attributes.items()})

        return run

    return {name: (case(name), spec) for name in names.split()}


def in_single(f: Callable, *arguments: Any) -> Any:
    """Of what there is for narrower formats only."""
    return f(*(t.cast(x, t.float32) for x in arguments))


TURNED = [[1.0, 0.1, 0.2, 0.0, 1.0, 0.3, 0.0, 0.0]]
"""A shear, as the operations that move images take it."""

# Public functions and layers


class OfVariables:
    """A layer as a function of its variables: `make` builds it, and it is called with inputs of these shapes."""

    def __init__(self, make: Callable, *shapes: tuple[int, ...]) -> None:
        self.make, self.shapes = make, shapes

    def arguments(self, dtype: str) -> list:
        """The variables, moved away from their initial values."""
        t.random.set_seed(3)
        self.layer = self.make(dtype)
        random = np.random.default_rng(3)
        self.data = [t.constant(random.normal(size=shape), dtype) for shape in self.shapes]
        self.layer(*self.data)
        variables = [v.value for v in self.layer.trainable_variables]
        for v in variables:
            v.assign(v * 1.25 + 0.05)
        return variables

    def __call__(self, *variables: Any) -> Any:
        """What the layer gives; its variables have the values that they are to have."""
        return self.layer(*self.data)


def network(dtype: str) -> Any:
    layers = t.keras.layers
    return t.keras.Sequential([
        layers.Conv2D(2, 3, padding="same", dtype=dtype),
        layers.Activation("relu", dtype=dtype),
        layers.MaxPooling2D(2, dtype=dtype),
        layers.Flatten(dtype=dtype),
        layers.Dense(3, activation="softmax", dtype=dtype),
    ])  # fmt: skip


def layer(name: str, *arguments: Any, **options: Any) -> Callable:
    return lambda dtype: getattr(t.keras.layers, name)(*arguments, dtype=dtype, **options)


LAYERS = {
    "Dense": OfVariables(layer("Dense", 3, activation="tanh"), (4, 2)),
    "LayerNormalization": OfVariables(layer("LayerNormalization"), (3, 4)),
    "GroupNormalization": OfVariables(layer("GroupNormalization", 2), (2, 3, 4)),
    "MultiHeadAttention": OfVariables(layer("MultiHeadAttention", 2, 2), (1, 3, 4), (1, 3, 4)),
    "LSTM": OfVariables(layer("LSTM", 3), (2, 3, 2)),
    "GRU": OfVariables(layer("GRU", 2), (1, 3, 2)),
    "SimpleRNN": OfVariables(layer("SimpleRNN", 3, return_sequences=True), (1, 4, 2)),
    "Conv1DTranspose": OfVariables(layer("Conv1DTranspose", 2, 3, strides=2), (1, 4, 2)),
    "SeparableConv2D": OfVariables(layer("SeparableConv2D", 2, 2), (1, 4, 4, 2)),
    "PReLU": OfVariables(layer("PReLU"), (3, 4)),
    "convolutional network": OfVariables(network, (2, 4, 4, 1)),
}


PUBLIC: dict[str, Case] = {
    **by_name("nn", "relu gelu silu elu selu softplus softsign leaky_relu sigmoid tanh relu6 log_softmax", "3x4"),
    **by_name("nn", "softmax l2_loss", "3x4"),
    **by_name("activations", "mish hard_sigmoid exponential celu glu hard_shrink squareplus log_sigmoid", "3x4"),
    **by_name("losses", "mse mae huber logcosh cosine_similarity hinge poisson", "+3x4 +3x4"),
    **by_name("losses", "kld binary_crossentropy binary_focal_crossentropy", "%3x4 %3x4"),
    **by_name("math", "lgamma digamma erf erfc log1p expm1 bessel_i0 bessel_i1 bessel_i0e bessel_i1e", "+5"),
    **by_name("math", "reduce_logsumexp reduce_std reduce_variance reduce_euclidean_norm cumulative_logsumexp", "3x4"),
    **by_name("math", "erfinv ndtri", "%5"),
    **by_name("math", "xlogy xlog1py xdivy atan2 divide_no_nan multiply_no_nan", "+5 +5"),
    **by_name("special", "bessel_j0 bessel_j1", "+4"),
    **by_name("linalg", "inv det matrix_transpose trace", "m3x3"),
    "cholesky": (lambda a: t.linalg.cholesky(a @ t.transpose(a)), "m3x3"),
    "logdet": (lambda a: t.linalg.logdet(a @ t.transpose(a)), "m3x3"),
    **by_name("linalg", "solve lstsq", "m3x3 3x2"),
    **by_name("", "norm sort cumsum reduce_mean reduce_max reduce_prod", "3x4"),
    "gelu by tanh": (lambda x: t.nn.gelu(x, approximate=True), "8"),
    "softmax cross entropy": (
        lambda x, y: t.nn.softmax_cross_entropy_with_logits(t.nn.softmax(y), x),
        "3x4 3x4",
    ),
    "sparse softmax cross entropy": (lambda x: t.nn.sparse_softmax_cross_entropy_with_logits([0, 2, 1], x), "3x4"),
    "sigmoid cross entropy": (lambda x, y: t.nn.sigmoid_cross_entropy_with_logits(y, x), "3x4 %3x4"),
    "multilayer perceptron": (lambda w, b, v, x: t.reduce_mean((t.tanh(x @ w + b) @ v) ** 2), "4x6 6 6x2 7x4"),
    "attention": (
        lambda q, k, v: t.einsum("bij,bjd->bid", t.nn.softmax(t.einsum("bid,bjd->bij", q, k) / 2.0), v),
        "1x3x4 1x3x4 1x3x4",
    ),
    "conv1d": (lambda x, w: t.nn.conv1d(x, w, 2, "SAME"), "1x6x2 3x2x3"),
    "conv2d": (lambda x, w: t.nn.conv2d(x, w, [1, 2], [[0, 0], [1, 2], [0, 1], [0, 0]]), "1x5x5x2 2x2x2x3"),
    "conv3d": (lambda x, w: t.nn.conv3d(x, w, [1, 1, 2, 1, 1], "SAME"), "1x3x3x3x1 2x2x2x1x2"),
    "conv2d_transpose": (lambda x, w: t.nn.conv2d_transpose(x, w, [1, 5, 6, 2], 2, "SAME"), "1x3x3x3 3x3x2x3"),
    "conv3d_transpose": (lambda x, w: t.nn.conv3d_transpose(x, w, [1, 3, 3, 3, 1], 1, "VALID"), "1x2x2x2x1 2x2x2x1x1"),
    "depthwise_conv2d": (lambda x, w: t.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME"), "1x4x4x2 2x2x2x2"),
    "pools": (
        lambda x: (
            t.nn.max_pool2d(x, 2, 2, "VALID"),
            t.nn.avg_pool2d(x, 3, 2, "SAME"),
            t.nn.max_pool1d(x[0], 2, 1, "SAME"),
        ),
        "1x5x5x2",
    ),
    "pools of volumes": (
        lambda x: in_single(lambda y: (t.nn.max_pool3d(y, 2, 1, "VALID"), t.nn.avg_pool3d(y, 2, 2, "SAME")), x),
        "1x3x3x3x1",
    ),
    "batch_normalization": (lambda x, g, b: t.nn.batch_normalization(x, *t.nn.moments(x, 0), b, g, 1e-3), "5x4 4 4"),
    "einsum": (
        lambda x, y: (t.einsum("ij,kj->ik", x, y), t.einsum("...ij,...ij->...", x[None], y[None, :3])),
        "3x4 5x4",
    ),
    "tensordot": (lambda x, y: t.tensordot(x, y, [[1, 2], [0, 1]]), "2x3x4 3x4x2"),
    "eigenvalues": (lambda a: t.linalg.eigvalsh(a + t.transpose(a)), "m3x3"),
    "eigenvectors": (lambda a: t.linalg.eigh(a @ t.transpose(a)), "m3x3"),
    "singular values": (lambda a: t.linalg.svd(a, compute_uv=False), "m4x3"),
    "qr": (lambda a: t.linalg.qr(a), "m3x3"),
    "expm": (lambda a: t.linalg.expm(a / 4), "2x2"),
    "Fourier transform": (lambda x: t.abs(t.signal.rfft(x)) ** 2, "8"),
    "short-time Fourier transform": (lambda x: t.abs(t.signal.stft(x, 4, 2)) ** 2, "8"),
    "spectrum of complex numbers": (lambda z: t.abs(t.signal.fft2d(z)), "z3x4"),
    "segments": (lambda x: (t.math.segment_mean(x, [0, 0, 1]), t.math.unsorted_segment_max(x, [1, 0, 1], 2)), "3x2"),
    "map_fn": (lambda x: t.map_fn(lambda row: t.sin(row) * row, x), "3x2"),
    "scan": (lambda x: t.scan(lambda a, b: a * b + t.sin(b), x), "3x2"),
    "vectorized_map": (lambda x: t.vectorized_map(lambda row: t.sin(row) * t.reduce_sum(row), x), "3x2"),
    "resize": (lambda x: (t.image.resize(x, [3, 5]), t.image.resize(x, [2, 2], "bicubic")), "1x4x4x2"),
    "clip_by_norm": (lambda x, y: (t.clip_by_norm(x, 0.5), t.clip_by_value(y, -0.5, 0.5)), "4 5"),
    "moments": (lambda x: t.nn.moments(x, [0, 1]), "3x4"),
    "Adam's step": (
        lambda g, m, v: 0.1 * (0.9 * m + 0.1 * g) / (t.sqrt(0.999 * v + 0.001 * g * g) + 1e-7),
        "4 4 +4",
    ),
}

KNOWN = {
    "cross entropy, its derivative in labels": Verdict.WRONG,  # it does not depend on the labels, says the second
}
"""Divergences of the framework."""


def case(name: str, dtype: str = "float64") -> tuple[Callable, list]:
    """A public function or a layer, with its arguments."""
    if name in LAYERS:
        return LAYERS[name], LAYERS[name].arguments(dtype)
    f, spec = PUBLIC[name]
    return f, inputs(spec, dtype)


@pytest.mark.parametrize("name", [*PUBLIC, *LAYERS])
def test_public_functions_are_verified_from_their_own_trace(short: str, name: str) -> None:
    f, arguments = case(name)
    judgement, trace = judged(f, arguments)
    assert judgement.verdict is KNOWN.get(name, Verdict.VERIFIED), judgement
    again = replayed(trace, arguments)
    assert again is None or again.holds, again


SINGLE = (
    *("nn.gelu", "nn.elu", "losses.huber", "nn.softmax", "attention", "conv1d", "multilayer perceptron"),
    *("cholesky", "Fourier transform", "LSTM", "Dense", "softmax cross entropy"),
)


@pytest.mark.parametrize("name", SINGLE)
def test_they_are_verified_in_float32(short: str, name: str) -> None:
    f, arguments = case(name, "float32")
    judgement, trace = judged(f, arguments)
    assert judgement.verdict is Verdict.VERIFIED, judgement
    found = solve(trace.tape, trace.outputs[0])
    # The bound is that of the format: an error in the last digits of float64 would not be seen.
    assert all(strength.largest > 1e-8 for strength in found.caught(found.bounds()))


# What is claimed, and what is not


def grad_of(f: Callable) -> Callable:
    """The gradient of a function, as a function: its graph has the derivatives of its operations."""

    def gradient(*arguments: Any) -> Any:
        with t.GradientTape() as tape:
            tape.watch(arguments)
            value = weighed(f(*arguments))
        return tape.gradient(value, arguments, unconnected_gradients="zero")

    return gradient


def gradients_of(space: str, names: str, spec: str) -> dict[str, Case]:
    """One case for the derivative of each function of a namespace."""
    return {f"{name}, its derivative": (grad_of(f), spec) for name, (f, spec) in by_name(space, names, spec).items()}


def rows_collected(x: Any) -> Any:
    def body(i: Any, rows: Any) -> Any:
        return i + 1, rows.write(i, t.sin(x[i]) * t.cast(i + 1, x.dtype))

    rows = t.TensorArray(x.dtype, size=0, dynamic_size=True, element_shape=[2])
    _, rows = t.while_loop(lambda i, rows: i < 3, body, (0, rows))
    return rows.stack(), rows.gather([2, 0]), rows.concat(), x * t.cast(rows.size(), x.dtype)


def array_of(x: Any) -> Any:
    return (
        t.TensorArray(x.dtype, 3).unstack(x).read(1),
        t.TensorArray(x.dtype, 4).scatter([2, 0, 1], x).read(2),
        raw.TensorListStack(
            input_handle=raw.TensorListScatterV2(tensor=x, indices=[1, 0, 2], element_shape=[2], num_elements=3),
            element_shape=[2],
            element_dtype=x.dtype,
        ),
        t.TensorArray(x.dtype, 2, infer_shape=False).split(x, [1, 2]).read(1),
    )


def resized(x: Any) -> Any:
    held = raw.TensorListFromTensor(tensor=x, element_shape=[2])
    shape = raw.TensorListElementShape(input_handle=held, shape_type=t.int32)
    held = raw.TensorListResize(input_handle=held, size=2)
    return raw.TensorListStack(input_handle=held, element_shape=shape, element_dtype=x.dtype)


def loop_of_sines(x: Any) -> Any:
    return t.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, t.sin(y) * x), (0, x))[1]


def branches(x: Any) -> Any:
    above = t.reduce_sum(x) > 0
    return (
        t.cond(above, lambda: t.sin(x), lambda: t.cos(x)),
        t.switch_case(t.cast(above, t.int32), [lambda: x, lambda: x * x]),
        t.case([(above, lambda: t.exp(x))], default=lambda: x),
    )


def once_traced(x: Any) -> Any:
    """Functions with graphs of their own, one of which writes to a variable within a branch and within a loop."""
    state = CELL[0]

    @t.function
    def counted(y: Any) -> Any:
        state.assign(y[0])
        state.assign_add(y[1])
        state.assign_sub(y[2])
        y = t.cond(y[0] > -9, lambda: y * state.assign(t.ones_like(state) * 2), lambda: y)
        index = t.cast(y[0] > -9, t.int32)
        y = t.switch_case(index, [lambda: y, lambda: y * state.assign(t.ones_like(state) * 3)])
        return t.while_loop(lambda i, z: i < 2, lambda i, z: (i + 1, z * state.assign_add(1.0)), (0, y))[1]

    return counted(x), t.function(lambda y: t.sin(y))(x)


CELL: list = []


@pytest.fixture(autouse=True, scope="module")
def _state(_framework: None) -> None:
    CELL[:] = [t.Variable(1.0, dtype=t.float64), t.random.Generator.from_seed(1)]


SAMPLES: dict[str, Case] = {
    "eigenvalues of any matrix": (lambda a: t.linalg.eigvals(a), "m3x3"),
    "square roots of matrices": (lambda a: t.linalg.sqrtm(a @ t.transpose(a)), "m3x3"),
    "sequences of labels": (
        lambda x: t.nn.ctc_loss(
            t.sparse.from_dense([[1, 2], [1, 1]]), t.cast(x, t.float32), None, [4, 5], blank_index=0
        ),
        "5x2x3",
    ),
    "crops": (
        lambda x, y: (
            t.image.crop_and_resize(
                t.cast(x, t.float32), [[0.1, 0.2, 0.8, 0.9], [-0.2, 0.3, 0.7, 1.4]], [0, 1], [3, 2]
            ),
            t.image.crop_and_resize(t.cast(x, t.float32), t.cast(t.sigmoid(y), t.float32), [1], [1, 3]),
        ),
        "2x4x5x2 1x4",
    ),
    "eigenvectors of any matrix": (lambda a: t.abs(t.linalg.eig(a)[1]) ** 2, "m3x3"),
    **by_name("math", "acos asin atanh", "%5"),
    **by_name("math", "asinh atan cosh sinh tan sqrt rsqrt reciprocal_no_nan sign", "+5"),
    **by_attributes("Reciprocal Inv Log Neg Rsqrt Square Selu Softplus Softsign Relu Relu6 Elu Sigmoid Ndtri", "%5"),
    "acosh": (lambda x: t.acosh(1.0 + x), "+5"),
    **by_attributes("Add AddV2 Sub Mul Div RealDiv Maximum Minimum SquaredDifference MulNoNan Xdivy", "+5 +5"),
    **by_attributes("FloorMod", "+5 +5"),
    "sums and clips": (
        lambda x, y: (t.add_n([x, y, x]), raw.ClipByValue(t=x, clip_value_min=-0.5, clip_value_max=1.0)),
        "4 4",
    ),
    "incomplete gamma functions": (
        lambda x: (t.math.igamma(t.constant(1.5, x.dtype), x), t.math.igammac(t.constant(2.5, x.dtype), x)),
        "+4",
    ),
    "incomplete beta function": (lambda x: t.math.betainc(t.constant(1.5, x.dtype), t.constant(2.5, x.dtype), x), "%4"),
    "polygamma and zeta": (
        lambda x: (t.math.polygamma(t.constant(1.0, x.dtype), x), t.math.zeta(t.constant(3.0, x.dtype), x)),
        "+4",
    ),
    "powers": (lambda x, y: (x**y, x**3, x**0.5, x ** t.constant([1.0, 2.0, 3.0, 1.0], x.dtype)), "+4 4"),
    "relations": (
        lambda x: x * t.cast((x > 0) | (x >= 1) & ~(x < -1) | (x <= -2) | (x == 0) & (x != 1), x.dtype),
        "5",
    ),
    "truth values": (
        lambda x: (
            t.where(t.reduce_all(x > -9) == t.reduce_any(x > 0, 0), x, -x),
            t.where((x > 0) != t.constant(True), x, t.zeros_like(x)),
            x * t.cast(t.math.logical_xor(x > 0, t.stack([x[0] > 1, x[1] > 1, x[2] > 1])), x.dtype),
            x * t.cast(t.stop_gradient(t.reverse(x > 0, [0])), x.dtype),
            t.boolean_mask(x, x > 0),
            x[t.where(x > 0)[0, 0]],
        ),
        "3",
    ),
    "old choice": (lambda x: raw.Select(condition=x[:, 0] > 0, x=x, y=-x), "3x2"),
    "questions": (lambda x: x * t.cast(t.math.is_finite(x) & ~t.math.is_nan(x) & ~t.math.is_inf(x), x.dtype), "4"),
    "passed through": (
        lambda x: (
            t.debugging.check_numerics(x, "here"),
            t.ensure_shape(x, [4]),
            raw.PreventGradient(input=t.stop_gradient(x)) * x,
            raw.Snapshot(input=t.stop_gradient(x)) * x,
            t.identity_n([x, x]),
            raw.OnesLike(x=x) * x + raw.ZerosLike(x=x),
        ),
        "4",
    ),
    "shapes": (
        lambda x: (
            x
            * t.cast(t.rank(x) + t.size(x) + t.shape(x)[0], x.dtype)
            * t.cast(raw.ShapeN(input=[x, x])[1][1], x.dtype)
            * t.cast(raw.Rank(input=x) + raw.Size(input=x), x.dtype)
        ),
        "2x3",
    ),
    "places": (
        lambda x: (
            t.gather(x, t.argmax(x)),
            t.gather(x, t.argmin(x)),
            t.gather(x, t.cast(t.floor(t.abs(x)), t.int32) % 4),
            x * t.cast(t.searchsorted(t.constant([0.0, 1.0], x.dtype), x), x.dtype),
            x * t.cast(t.searchsorted(t.constant([0.0, 1.0], x.dtype), x, side="right"), x.dtype),
            x * t.cast(raw.Bucketize(input=x, boundaries=[0.0, 1.0]), x.dtype),
            t.math.top_k(x, 2),
            raw.NthElement(input=x, n=1),
            raw.NthElement(input=x, n=1, reverse=True),
        ),
        "4",
    ),
    "steps": (lambda x: x * (t.floor(x) + t.math.ceil(x) + t.round(x) + t.math.rint(x)), "+4"),
    "derivatives of nothing": (lambda x: x * t.math.floordiv(t.stop_gradient(x), t.constant(0.4, x.dtype)), "+4"),
    "running": (
        lambda x: (
            t.cumsum(x, 1, exclusive=True),
            t.math.cumprod(x, 0, reverse=True),
            t.math.cumulative_logsumexp(x, 1, exclusive=True)[:, 1:],
        ),
        "+3x3",
    ),
    "reduced": (lambda x: (t.reduce_min(x, 0), t.nn.l2_loss(x), t.reduce_sum(x, [0], keepdims=True)), "3x3"),
    "products of stacks": (
        lambda x, y: (
            t.matmul(x, y, transpose_b=True),
            raw.BatchMatMul(x=x, y=y, adj_y=True),
            raw.BatchMatMulV3(x=x, y=y, Tout=x.dtype, adj_y=True),
            t.linalg.cross(x[:, :, :3], y[:, :2, :3]),
        ),
        "2x2x4 2x3x4",
    ),
    "sparse products": (
        lambda x, v: (
            t.sparse.sparse_dense_matmul(t.sparse.SparseTensor([[0, 1], [1, 0]], v, [2, 2]), x),
            t.sparse.sparse_dense_matmul(t.sparse.SparseTensor([[0, 1], [1, 0]], v, [2, 2]), x, adjoint_a=True),
        ),
        "2x3 2",
    ),
    "biases": (
        lambda x, b: (
            t.nn.bias_add(x, b),
            raw.BiasAddV1(value=x, bias=b),
            raw.BiasAdd(value=t.transpose(x, [0, 3, 1, 2]), bias=b, data_format="NCHW"),
        ),
        "1x2x2x3 3",
    ),
    "local response": (lambda x: in_single(lambda y: t.nn.local_response_normalization(y, 1), x), "1x2x2x4"),
    "dilation": (lambda x, w: t.nn.dilation2d(x, w, [1, 1, 1, 1], "SAME", "NHWC", [1, 1, 1, 1]), "1x3x3x2 2x2x2"),
    "images": (
        lambda x: (
            t.image.resize(x, [3, 3], "nearest"),
            t.image.extract_patches(x, [1, 2, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1], "SAME"),
            t.extract_volume_patches(x[None], [1, 1, 2, 2, 1], [1, 1, 1, 1, 1], "VALID"),
            t.nn.space_to_depth(x, 2),
            t.nn.depth_to_space(x, 2),
            t.image.flip_left_right(x),
        ),
        "1x4x4x4",
    ),
    "moved": (
        lambda x: (
            t.concat([x, 2 * x], 0),
            t.stack([x, x], 1),
            t.unstack(x),
            t.split(x, 2, 1),
            t.split(x, [1, 3], 1),
            t.transpose(x),
            t.reverse(x, [1]),
            t.roll(x, 1, 0),
            t.tile(x, [2, 1]),
            t.broadcast_to(x[0], [2, 4]),
            t.squeeze(x[None], 0),
            t.expand_dims(x, 1),
            t.slice(x, [1, 0], [2, 2]),
            x[::2, 1:, None],
            t.reshape(x, [2, 8]),
            t.fill([2, 2], x[0, 0]),
            t.reverse_sequence(x, [1, 2, 3, 4], 1),
        ),
        "4x4",
    ),
    "padded": (
        lambda x: (
            t.pad(x, [[1, 0], [0, 2]]),
            t.pad(x, [[1, 0], [0, 2]], constant_values=0.5),
            t.pad(x, [[1, 1], [1, 1]], "REFLECT"),
            t.pad(x, [[1, 1], [1, 1]], "SYMMETRIC"),
        ),
        "3x3",
    ),
    "taken": (
        lambda x: (
            t.gather(x, [2, 0, 2]),
            t.gather(x, [[1, 0], [2, 2], [0, 1]], batch_dims=1),
            t.gather_nd(x, [[0, 1], [2, 2]]),
            raw.Gather(params=x, indices=[1, 1]),
            t.dynamic_stitch([[2, 0], [1]], [x[:2], x[2:]]),
            raw.ParallelDynamicStitch(indices=[[2, 0], [1]], data=[x[:2], x[2:]]),
            t.dynamic_partition(x, [0, 1, 0], 2),
        ),
        "3x3",
    ),
    "ragged rows": (lambda x: t.RaggedTensor.from_row_splits(x, [0, 2, 3]).to_tensor(0.5), "3"),
    "written": (
        lambda x, y: (
            t.scatter_nd([[1], [1], [3]], x, [4, 3]),
            t.tensor_scatter_nd_add(x, [[0], [0]], y),
            t.tensor_scatter_nd_sub(x, [[2]], y[:1]),
            t.tensor_scatter_nd_update(x, [[1]], y[:1]),
            t.tensor_scatter_nd_max(x, [[1]], y[:1]),
            t.tensor_scatter_nd_min(x, [[1]], y[:1]),
            raw.TensorStridedSliceUpdate(input=x, begin=[0], end=[2], strides=[1], value=y),
        ),
        "3x3 2x3",
    ),
    "diagonals": (
        lambda x: (
            t.linalg.diag(x),
            t.linalg.diag_part(x),
            t.linalg.set_diag(x, x[0]),
            t.linalg.band_part(x, 1, 0),
            t.linalg.tensor_diag(x[0]),
            t.linalg.tensor_diag_part(x),
            raw.MatrixDiag(diagonal=x),
            raw.MatrixDiagPart(input=x),
            raw.MatrixSetDiag(input=x, diagonal=x[0]),
            raw.MatrixDiagV2(diagonal=x[0], k=1, num_rows=4, num_cols=4, padding_value=t.constant(0.0, x.dtype)),
            raw.MatrixDiagPartV2(input=x, k=1, padding_value=t.constant(0.0, x.dtype)),
            raw.MatrixSetDiagV2(input=x, diagonal=x[0, :2], k=1),
        ),
        "3x3",
    ),
    "blocks": (
        lambda x: (
            t.space_to_batch(x, [2, 2], [[0, 0], [0, 0]]),
            t.batch_to_space(t.tile(x, [4, 1, 1, 1]), [2, 2], [[0, 0], [0, 0]]),
            raw.SpaceToBatch(input=x, paddings=[[0, 0], [0, 0]], block_size=2),
            raw.BatchToSpace(input=t.tile(x, [4, 1, 1, 1]), crops=[[0, 0], [0, 0]], block_size=2),
        ),
        "1x2x2x1",
    ),
    "segments": (
        lambda x: (
            t.math.segment_sum(x, [0, 0, 1]),
            t.math.segment_max(x, [0, 0, 1]),
            t.math.segment_min(x, [0, 0, 1]),
            t.math.unsorted_segment_sum(x, [1, -1, 1], 2),
            t.math.unsorted_segment_min(x, [1, 0, 1], 2),
            t.math.unsorted_segment_prod(x, [1, 0, 1], 2),
            t.math.unsorted_segment_mean(x, [1, 0, 1], 2),
            t.sparse.segment_sum(x, [0, 2, 2], [0, 0, 1]),
            t.sparse.segment_sum(x, [0, 2], [0, 1], num_segments=3),
            t.sparse.segment_mean(x, [0, 2, 2], [0, 0, 1]),
            t.sparse.segment_mean(x, [0, 2], [0, 1], num_segments=3),
            t.sparse.segment_sqrt_n(x, [0, 2, 2], [0, 0, 1]),
            t.sparse.segment_sqrt_n(x, [0, 2], [0, 1], num_segments=3),
        ),
        "3x2",
    ),
    "linear systems": (
        lambda a, b: (
            t.linalg.solve(a, b, adjoint=True),
            t.linalg.triangular_solve(a, b),
            t.linalg.triangular_solve(a, b, lower=False, adjoint=True),
            t.linalg.lstsq(a, b, l2_regularizer=0.1),
            t.linalg.slogdet(a),
            t.linalg.inv(a, adjoint=True),
        ),
        "m3x3 3x2",
    ),
    "bands": (
        lambda d, b: (
            t.linalg.tridiagonal_solve(d + 2.0, b[:, 0], diagonals_format="compact", partial_pivoting=False),
            t.linalg.tridiagonal_matmul(d, b, diagonals_format="compact"),
        ),
        "+3x4 4x2",
    ),
    "least squares by rows": (lambda a, b: t.linalg.lstsq(a, b), "m3x4 3x2"),
    "bands of a triangle": (
        lambda d, b: (
            t.linalg.banded_triangular_solve(d, b),
            t.linalg.banded_triangular_solve(d, b, lower=False),
            t.linalg.banded_triangular_solve(d, b, adjoint=True),
        ),
        "+2x4 4x2",
    ),
    "special functions": (
        lambda x: tuple(
            getattr(t.math.special, name)(x)
            for name in "dawsn expint spence fresnel_sin fresnel_cos bessel_k0 bessel_k0e bessel_k1 bessel_k1e "
            "bessel_y0 bessel_y1".split()
        ),
        "+5",
    ),
    "special functions far out": (
        lambda x: tuple(
            getattr(t.math.special, name)(10 * x) for name in "dawsn spence fresnel_sin bessel_k1e bessel_y1".split()
        ),
        "+5",
    ),
    "next numbers": (lambda x, y: t.math.nextafter(x, y) * y, "4 4"),
    "hues": (lambda x: t.image.rgb_to_hsv(x), "%3x4x3"),
    "largest and where": (lambda x: t.nn.max_pool_with_argmax(x, 2, 2, "VALID"), "1x4x4x2"),
    "largest of some": (
        lambda x: in_single(lambda x: t.math.approx_max_k(x, 2), x),
        "2x5",
    ),
    "falling sequence": (lambda x: t.nn.isotonic_regression(x, axis=-1), "2x6"),
    "pools, their derivatives": (
        grad_of(lambda x: (t.nn.max_pool2d(x, 2, 1, "SAME") ** 2, t.nn.avg_pool2d(x, 3, 2, "SAME") ** 2)),
        "1x4x4x2",
    ),
    "kernels, their derivatives": (
        lambda x, d: raw.Conv2DBackpropFilter(
            input=x, filter_sizes=[2, 2, 2, 3], out_backprop=d, strides=[1, 1, 2, 1], padding="SAME"
        ),
        "1x4x4x2 1x4x2x3",
    ),
    "kernels of channels, their derivatives": (
        lambda x, d: raw.DepthwiseConv2dNativeBackpropFilter(
            input=x, filter_sizes=[2, 2, 2, 2], out_backprop=d, strides=[1, 1, 1, 1], padding="VALID"
        ),
        "1x4x3x2 1x3x2x4",
    ),
    "channels, their derivatives": (
        lambda k, d: raw.DepthwiseConv2dNativeBackpropInput(
            input_sizes=[1, 4, 3, 2], filter=k, out_backprop=d, strides=[1, 1, 1, 1], padding="VALID"
        ),
        "2x2x2x2 1x3x2x4",
    ),
    "kernels in space, their derivatives": (
        lambda x, d: raw.Conv3DBackpropFilterV2(
            input=x, filter_sizes=[2, 2, 2, 1, 2], out_backprop=d, strides=[1, 1, 1, 1, 1], padding="VALID"
        ),
        "1x3x2x3x1 1x2x1x2x2",
    ),
    "pools in space, their derivatives": (
        lambda x: in_single(
            grad_of(lambda x: (t.nn.max_pool3d(x, 2, 1, "VALID") ** 2, t.nn.avg_pool3d(x, 2, 1, "VALID") ** 2)), x
        ),
        "1x3x3x3x1",
    ),
    "pools, their second derivatives": (grad_of(grad_of(lambda x: t.nn.max_pool2d(x, 2, 2, "VALID") ** 3)), "1x4x4x1"),
    "images moved": (
        lambda x: in_single(
            lambda x: raw.ScaleAndTranslate(images=x, size=[3, 5], scale=[0.8, 1.2], translation=[0.1, 0.0]), x
        ),
        "1x4x4x2",
    ),
    "old names": (
        lambda x, y: (
            raw.CheckNumericsV2(tensor=x, message=""),
            raw.PlaceholderWithDefault(input=x, shape=[4]) * y,
            raw.ScatterNdNonAliasingAdd(input=x, indices=[[1], [1]], updates=y[:2]),
            in_single(lambda x, y: raw.SparseMatMul(a=x[None], b=y[:, None]), x, y),
        ),
        "4 4",
    ),
    "mirrored, its derivative": (
        grad_of(lambda x: t.pad(x, [[1, 1], [0, 2]], "REFLECT") ** 2 + t.pad(x, [[1, 1], [0, 2]], "SYMMETRIC")),
        "3x3",
    ),
    "sparse entries": (
        lambda v, d: (
            t.sparse.reorder(t.SparseTensor([[2, 0], [0, 1]], v, [3, 2])).values,
            t.sparse.reduce_sum(t.SparseTensor([[0, 1], [2, 0]], v, [3, 2]), 1),
            t.sparse.softmax(t.SparseTensor([[0, 0], [0, 1]], v, [3, 2])).values,
            t.sparse.to_dense(t.SparseTensor([[0, 1], [2, 0]], v, [3, 2]), 0.5),
            t.sparse.add(t.SparseTensor([[0, 1], [2, 0]], v, [3, 2]), d),
            (t.SparseTensor([[0, 1], [2, 0]], v, [3, 2]) * d).values,
            (t.SparseTensor([[0, 1], [2, 0]], v, [3, 2]) / d).values,
            t.sparse.fill_empty_rows(t.SparseTensor([[0, 1], [2, 0]], v, [3, 2]), d[0, 0])[0].values,
            t.sparse.slice(t.SparseTensor([[0, 1], [2, 0]], v, [3, 2]), [0, 0], [2, 2]).values,
        ),
        "2 +3x2",
    ),
    "factors": (lambda a: (t.linalg.svd(a), t.linalg.qr(a[:2])), "m3x3"),
    "values of complex numbers": (
        lambda z: (
            *(f(z) for f in (t.abs, t.math.angle, t.math.real, t.math.imag, t.math.conj, t.exp, t.sqrt, t.square)),
            *(f(z) for f in (t.sin, t.cos, t.sinh, t.cosh, t.tanh, t.sigmoid, t.math.reciprocal, t.math.log)),
            *(f(z) for f in (t.math.rsqrt, t.math.log1p, t.math.expm1, t.tan, t.sign, t.negative)),
            *(f(z / 4) for f in (t.asin, t.acos, t.atan, t.asinh, t.acosh, t.atanh)),
            *(f(z, 2 - z) for f in (t.add, t.subtract, t.multiply, t.divide)),
            z**2 + z**1.5,
        ),
        "z4",
    ),
    "complex arrays": (
        lambda z: (
            t.reduce_sum(z, 0),
            t.reduce_mean(z, 1),
            t.reduce_prod(z, 1),
            t.cumsum(z, 1),
            z @ z,
            t.linalg.adjoint(z),
            t.transpose(z, conjugate=True),
            t.pad(z, [[1, 0], [0, 1]]),
            t.where(t.math.real(z) > 0, z, 2 * z),
            t.linalg.inv(z),
            t.linalg.solve(z, z[:, :1]),
            t.linalg.matmul(z, z, adjoint_b=True),
            t.stop_gradient(z) * z,
            t.add_n([z, z]),
            t.scatter_nd([[1]], z[:1], [2, 3]),
            t.cast(z, t.complex64),
        ),
        "y3x3",
    ),
    "made complex": (lambda x, y: t.complex(x, y) * t.cast(x, t.complex128), "4 4"),
    "Fourier transforms": (
        lambda z: (
            t.signal.fft(z),
            t.signal.ifft(z),
            t.signal.ifft2d(z[0]),
            t.signal.fft3d(z),
            t.signal.ifft3d(z),
            t.signal.irfft(z),
            t.signal.irfft2d(z),
        ),
        "z2x3x4",
    ),
    "Fourier transforms of real numbers": (lambda x: (t.signal.rfft(x, [6]), t.signal.rfft2d(x)), "3x4"),
    "rows collected": (rows_collected, "3x2"),
    "arrays of tensors": (array_of, "3x2"),
    "loop": (loop_of_sines, "3"),
    "branches": (branches, "3"),
    **gradients_of("nn", "relu elu selu softplus relu6 leaky_relu sigmoid tanh softmax", "6"),
    **gradients_of("math", "rsqrt sqrt reciprocal", "+6"),
    "moved, its derivative": (grad_of(lambda x: (x[1:, ::2] ** 3, t.nn.bias_add(x, x[0]) ** 2)), "3x3"),
    "loop, its derivative": (grad_of(loop_of_sines), "3"),
    "cross entropy, its derivative in labels": (
        lambda x: grad_of(lambda y: t.nn.softmax_cross_entropy_with_logits(t.nn.softmax(x), y))(t.sin(x)),
        "2x3",
    ),
    "losses, their derivatives": (
        grad_of(
            lambda x: (
                t.nn.softmax_cross_entropy_with_logits(t.constant([[0.2, 0.3, 0.5]] * 2, x.dtype), x),
                t.nn.sparse_softmax_cross_entropy_with_logits([0, 2], x),
            )
        ),
        "2x3",
    ),
}
"""What the framework differentiates as it should."""


def batch_norm_of_old(x: Any, w: Any) -> Any:
    given = dict(x=x, scale=w, offset=w)
    moments = dict(mean=[], variance=[])
    fixed = dict(mean=w * 0.1, variance=w)
    return (
        raw.FusedBatchNorm(**given, **moments)[0],
        raw.FusedBatchNormV2(**given, **moments)[0:3],
        raw.FusedBatchNormV3(**given, **fixed, is_training=False)[0],
    )


VALUES_ONLY: dict[str, Case] = {
    "normalization of batches": (lambda x, w: in_single(batch_norm_of_old, x, w), "2x2x2x3 +3"),
    "resize by area": (lambda x: raw.ResizeArea(images=t.cast(x, t.float32), size=[2, 3]), "1x4x4x1"),
    "sparse entries and dense ones": (
        lambda v, d: raw.SparseDenseCwiseAdd(
            sp_indices=t.constant([[0, 1], [2, 0]], t.int64), sp_values=v, sp_shape=[3, 2], dense=d
        ),
        "2 3x2",
    ),
    "images seen from elsewhere": (
        lambda x: in_single(
            lambda x: (
                raw.ImageProjectiveTransformV2(
                    images=x, transforms=TURNED, output_shape=[4, 4], interpolation="BILINEAR"
                ),
                raw.ImageProjectiveTransformV3(
                    images=x, transforms=TURNED, output_shape=[4, 4], interpolation="BILINEAR", fill_value=0.0
                ),
            ),
            x,
        ),
        "1x4x4x2",
    ),
    "old sums": (
        lambda w: (
            raw.TruncateDiv(x=w, y=0.7 * w),
            raw.DebugIdentityV2(input=w),
            raw.Print(input=w, data=[w]),
        ),
        "+2",
    ),
    "old moves": (
        lambda x: (raw.Concat(concat_dim=0, values=[x, x]), raw.Reverse(tensor=x, dims=[True, False])),
        "3x3",
    ),
    "old derivatives": (
        lambda x, d: (
            raw.InvGrad(y=x, dy=d),
            raw.ReciprocalGrad(y=x, dy=d),
            raw.SoftplusGrad(gradients=d, features=x),
        ),
        "+3 3",
    ),
    "factors of a row order": (lambda a: t.linalg.lu(a), "m3x3"),
    **gradients_of("nn", "softsign", "6"),
    **by_attributes("Mod TruncateMod", "+5 +5"),
    "segments multiplied": (lambda x: t.math.segment_prod(x, [0, 0, 1]), "3x2"),
    "resized lists": (resized, "3x2"),
    "least squares": (
        lambda a, b: raw.MatrixSolveLs(matrix=a, rhs=b, l2_regularizer=t.constant(0.1, t.float64)),
        "m3x3 3x2",
    ),
    "Fourier transforms of volumes": (
        lambda x: (t.signal.irfft3d(t.signal.rfft3d(x) ** 2), t.abs(t.signal.rfft3d(x, [2, 3, 5]))),
        "2x3x4",
    ),
    "variables written": (once_traced, "3"),
    "complex relations": (
        lambda z: t.cast((z == z) & (z != 2 * z), t.float64) * t.abs(t.math.divide_no_nan(z, z + 1)),
        "z3",
    ),
}
"""Operations that the framework does not differentiate, or not all of them, or of what it writes to."""


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_of_every_operation_are_verified(short: str, name: str) -> None:
    f, spec = SAMPLES[name]
    judgement, trace = judged(f, inputs(spec))
    assert judgement.verdict is KNOWN.get(name, Verdict.VERIFIED), judgement
    again = replayed(trace, inputs(spec))
    assert again is None or again.holds, again


def test_every_claimed_operation_is_traced(short: str) -> None:
    met: Counter = Counter()
    for name in (*PUBLIC, *LAYERS):
        met.update(traced(*case(name)).operations)
    table = t.Variable(np.ones((3, 2)))
    met.update(traced(lambda v: (t.gather(v, [2, 0]), v.gather_nd([[1, 0]])), [table]).operations)
    for f, spec in (SAMPLES | VALUES_ONLY).values():
        trace = traced(f, inputs(spec))
        met.update(trace.operations)
        np.testing.assert_allclose(trace.outputs[0].value, trace.replay(inputs(spec))[0], rtol=1e-6)
    assert sorted(set(met) ^ set(front.OPERATIONS)) == []


def holed(x: Any) -> Any:
    """A list with an entry that was never set."""
    return t.TensorArray(x.dtype, 3, element_shape=x.shape[1:]).write(1, x[0]).stack()


def drop(x: Any) -> Any:
    return t.keras.layers.Dropout(0.5, dtype=x.dtype)(x, training=True)


REFUSED: dict[str, Case] = {
    "FakeQuantWithMinMaxArgs": (lambda x: t.quantization.fake_quant_with_min_max_args(t.cast(x, t.float32)), "4"),
    "MatrixLogarithm": (lambda z: t.abs(t.linalg.logm(z)), "y3x3"),
    "Bitcast": (lambda x: t.bitcast(t.bitcast(x, t.int64), t.float64), "3"),
    "Xlogy": (lambda z: t.abs(t.math.xlogy(z, z)), "z3"),
    "TensorScatterUpdate": (lambda x: t.tensor_scatter_nd_update(x, [[0], [0]], x[:2]), "3"),
    "AdjustContrastv2": (lambda x: t.image.adjust_contrast(t.cast(x, t.float32), 1.5), "1x3x3x2"),
    "RaggedGather": (lambda x: t.gather(t.RaggedTensor.from_row_splits(x, [0, 2, 3]), [1]).flat_values, "3"),
    "RandomUniform": (lambda x: t.nn.dropout(x, 0.5), "8"),
    "RandomStandardNormal": (lambda x: x * t.random.normal([4], dtype=x.dtype), "4"),
    "RandomGamma": (lambda x: t.random.gamma([2], x, dtype=x.dtype), "+4"),
    "StatelessRandomGammaV3": (lambda x: t.random.stateless_gamma([4], [1, 2], x, dtype=x.dtype), "+4"),
    "RngReadAndSkip": (lambda x: x * CELL[1].normal([4], dtype=x.dtype), "4"),
    "PyFunc": (lambda x: t.numpy_function(np.sin, [x], x.dtype), "4"),
    "EagerPyFunc": (lambda x: t.py_function(t.sin, [x], x.dtype), "4"),
    "tf.function": (lambda x: t.constant(np.sin(x.numpy())) * x, "4"),
}


@pytest.mark.parametrize("operation", REFUSED)
def test_what_is_not_claimed_is_refused_by_name_and_place(short: str, operation: str) -> None:
    f, spec = REFUSED[operation]
    with pytest.raises(Untraceable) as refusal:
        traced(f, inputs(spec))
    assert refusal.value.operation == operation
    assert refusal.value.where.startswith("test_tracing_graphs.py:")
    assert refusal.value.reason and refusal.value.cure


def test_what_no_rule_gives_is_refused_where_it_is_used(short: str) -> None:
    (x,) = inputs("2x3")
    with pytest.raises(Untraceable, match="full_matrices=False"):
        traced(lambda x: t.linalg.svd(x, full_matrices=True)[2], [x])
    assert traced(lambda x: t.linalg.svd(x, full_matrices=True)[0], [x]).operations["Svd"] == 1


# Functions whose code looks at tensors


def by_sign(x: Any) -> Any:
    if t.reduce_sum(x) > 0:
        return t.sin(x)
    return t.cos(x)


def until_large(x: Any) -> Any:
    y = x
    while t.reduce_sum(y) < 20.0:
        y = y * 2.0
    return y


def row_by_row(x: Any) -> Any:
    total = t.zeros_like(x[0])
    for row in x:
        total = t.sin(row) * total + row
    return total


@pytest.mark.parametrize("f", [by_sign, until_large, row_by_row])
def test_branches_and_loops_in_python_are_traced(short: str, f: Callable) -> None:
    for spec in ("+3x2", "3x2") if f is not until_large else ("+3x2",):
        judgement, _ = judged(f, inputs(spec))
        assert judgement.verdict is Verdict.VERIFIED, judgement


@pytest.mark.parametrize(
    "leave", [lambda x: float(x[0]), lambda x: np.asarray(x), lambda x: x.numpy().tolist()[0], lambda x: int(x[0])]
)
def test_values_that_leave_are_refused_with_the_cure(short: str, leave: Callable) -> None:
    with pytest.raises(Untraceable, match=r"the code has no graph.*truth=") as refusal:
        traced(lambda x: x * leave(x), inputs("4"))
    assert refusal.value.where.startswith("test_tracing_graphs.py:")


# Derivatives written by hand


def swish(error: float = 0.0, entry: int = 3) -> Callable:
    """x sigmoid(x) with a gradient written by hand, which may be off by a relative error in one entry."""

    @t.custom_gradient
    def f(x: Any) -> Any:
        s = t.sigmoid(x)
        factor = t.tensor_scatter_nd_add(t.ones_like(x), [[entry]], t.constant([error], x.dtype))
        return x * s, lambda g: g * (s + x * s * (1 - s)) * factor

    return f


def within_a_function(f: Callable) -> Callable:
    return t.function(f)


def within_a_loop(f: Callable) -> Callable:
    return lambda x: t.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, f(y)), (0, x))[1]


WRAPPED = {
    "as it stands": lambda f: f,
    "in a function": within_a_function,
    "in a loop": within_a_loop,
    "recomputed": lambda f: t.recompute_grad(f),
    "in a branch": lambda f: lambda x: t.cond(t.reduce_sum(x) > -99, lambda: f(x), lambda: x),
}


@pytest.mark.parametrize("wrapped", WRAPPED)
def test_a_gradient_by_hand_is_judged(short: str, wrapped: str) -> None:
    wrap = WRAPPED[wrapped]
    judgement, trace = judged(wrap(swish()), inputs("8"))
    assert judgement.verdict is Verdict.VERIFIED, judgement
    assert trace.operations["Sigmoid"] > 0
    judgement, _ = judged(wrap(swish(1e-9)), inputs("8"))
    assert judgement.verdict in (Verdict.IMPRECISE, Verdict.WRONG)
    assert judgement.worst.index == (3,) and judgement.worst.error > 1e3 * judgement.worst.bound


def test_what_raises_within_a_scan_leaves_nothing_behind(short: str) -> None:
    """The framework leaves a device in its scope of variables there, and refuses to recompute from then on."""

    def raising(x: Any) -> Any:
        return t.scan(lambda a, b: [][0], x)

    compiled = backends.load(NAMES[short]).compile(raising)
    for run in (lambda: traced(raising, inputs("3")), lambda: compiled(*inputs("3"))):
        with pytest.raises(Exception, match="list index out of range"):
            run()
        judgement, _ = judged(t.recompute_grad(swish()), inputs("8"))
        assert judgement.verdict is Verdict.VERIFIED


@pytest.mark.parametrize("entry", range(8))
def test_a_wrong_gradient_is_pinned_to_its_entry(short: str, entry: int) -> None:
    judgement, _ = judged(swish(1e-9, entry), inputs("8"))
    assert judgement.verdict in (Verdict.IMPRECISE, Verdict.WRONG)
    assert judgement.worst.index == (entry,)


def test_other_planted_errors_are_found(short: str) -> None:
    @t.custom_gradient
    def reversal(x: Any) -> Any:
        return t.identity(x), lambda g: -g

    @t.custom_gradient
    def straight_through(x: Any) -> Any:
        return t.round(x) + 0.1 * x, lambda g: g

    for f in (reversal, straight_through):
        assert judged(f, inputs("8"))[0].verdict is Verdict.WRONG


# What is a constant, and what is not


def test_variables_are_differentiated_where_they_are_named(short: str) -> None:
    scale, shift = t.Variable([1.0, 2.0, 3.0]), t.Variable([0.5, 0.5, 0.5])
    (x,) = inputs("3", "float32")
    f = lambda v, x: v * x + t.sin(shift) * t.gather(v, [2, 0, 0])  # noqa: E731
    judgement, trace = judged(f, [scale, x])
    assert judgement.verdict is Verdict.VERIFIED, judgement
    assert [i.format for i in trace.tape.inputs] == ["float32", "float32"]
    assert replayed(trace, [scale, x]).holds
    np.testing.assert_array_equal(scale.numpy(), [1, 2, 3])

    plain = front.trace(lambda v: [t.reduce_sum(v * shift)], [scale], [False])
    assert plain.inputs == [] and float(plain.outputs[0]) == 3.0


def test_a_variable_is_left_as_it_is(short: str) -> None:
    state = t.Variable(2.0, dtype=t.float64)

    def f(x: Any) -> Any:
        state.assign_add(x[0])
        return x * state

    (x,) = inputs("3")
    trace = traced(f, [x])
    assert state.numpy() == 2.0
    np.testing.assert_array_equal(trace.outputs[0].value, traced(lambda x: x * (2.0 + x[0]), [x]).outputs[0].value)
    # What is read again has no derivative.
    (truth,) = solve(trace.tape, trace.outputs[0]).truth.gradient
    np.testing.assert_allclose(
        truth.high, gradients(lambda x: x * (2.0 + t.stop_gradient(x[0])), [x])[1][0], rtol=1e-14
    )

    with pytest.raises(Untraceable, match="it writes to a variable that is differentiated"):
        traced(lambda v: v.assign(v * 2.0) * v, [state])


def test_a_layer_that_draws_is_refused_and_in_inference_is_traced(short: str) -> None:
    layer = t.keras.layers.Dropout(0.5, dtype="float64")
    (x,) = inputs("6")
    with pytest.raises(Untraceable, match="its generator is kept in a variable"):
        traced(lambda x: layer(x, training=True), [x])
    assert judged(lambda x: layer(x, training=False) * x, [x])[0].verdict is Verdict.VERIFIED


def test_a_normalization_that_keeps_statistics_is_traced(short: str) -> None:
    layer = t.keras.layers.BatchNormalization(dtype="float64")
    (x,) = inputs("5x3")
    layer(x)
    for training in (True, False):
        judgement, _ = judged(lambda x: layer(x, training=training), [x])  # noqa: B023
        assert judgement.verdict is Verdict.VERIFIED, judgement


def test_draws_with_a_fixed_seed_are_constants(short: str) -> None:
    calls = t.Variable(0)

    def f(x: Any) -> Any:
        calls.assign_add(1)  # which has nothing to do with the draw
        return x * t.random.stateless_normal([4], [1, 2], dtype=x.dtype)

    judgement, trace = judged(f, inputs("4"))
    assert judgement.verdict is Verdict.VERIFIED and replayed(trace, inputs("4")).holds


SEMANTICS: dict[str, Case] = {
    "straight through": (lambda x: x + t.stop_gradient(t.round(x) - x), "8"),
    "inner gradient": (grad_of(lambda x: t.tanh(x) ** 3), "8"),
    "jacobian": (lambda x: jacobian(lambda y: y * t.reduce_sum(y**2), x), "3"),
    "narrow in between": (lambda x: t.cast(t.sin(t.cast(x, t.float32)), t.float64) * x, "8"),
    "half in between": (lambda x: t.cast(t.exp(t.cast(x, t.float16)), t.float64) * x, "4"),
    "bfloat16 in between": (lambda x: t.cast(t.cast(x, t.bfloat16) * 3, t.float64), "4"),
    "never set": (holed, "3x2"),
    "printed and asserted": (lambda x: watched(x), "3"),
}


def watched(x: Any) -> Any:
    with t.control_dependencies([t.debugging.Assert(t.reduce_sum(x) > -99, [x])]):
        return t.identity(x) * 2


def jacobian(f: Callable, x: Any) -> Any:
    with t.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    return tape.jacobian(y, x)


@pytest.mark.parametrize("name", SEMANTICS)
def test_the_derivative_is_that_which_a_tape_is_asked_for(short: str, name: str) -> None:
    f, spec = SEMANTICS[name]
    judgement, _ = judged(f, inputs(spec))
    assert judgement.verdict is Verdict.VERIFIED, judgement


def test_the_side_that_is_not_taken_does_not_overflow(short: str) -> None:
    x = t.constant([800.0, -800.0, 1.0], t.float64)
    judgement, _ = judged(lambda x: (t.nn.elu(x), t.nn.selu(x), t.nn.softplus(x)), [x])
    assert judgement.verdict is Verdict.VERIFIED, judgement


def test_a_kink_is_a_convention(short: str) -> None:
    x = t.constant([0.0, 1.0, -1.0], t.float64)
    assert judged(lambda x: t.nn.relu(x), [x])[0].verdict is Verdict.CONVENTION


def test_results_have_the_formats_of_the_framework(short: str) -> None:
    (x,) = inputs("3", "float32")
    results = lambda x: [t.cast(x, t.float64), t.cast(x, t.float16), x > 0, t.argmax(x), 2.5, t.cast(x, t.complex64)]  # noqa: E731
    trace = front.trace(results, [x], [True])
    double, half, above, place, number, pair = trace.outputs
    assert (double.format, half.format, pair.format) == ("float64", "float16", "float32")
    assert above.dtype == bool and place.dtype == np.int64 and float(number) == 2.5
    assert [part.shape for part in trace.replay([[1.0, 2.0, 3.0]])] == [(3,), (3,), (3,), (), (), (3,)]


def test_integers_have_no_derivative(short: str) -> None:
    with pytest.raises(TypeError, match="int32 has no derivative"):
        front.trace(lambda n: [n], [t.constant([1, 2])], [True])
