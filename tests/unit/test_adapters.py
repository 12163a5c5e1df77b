"""The adapters' own tests: every name of `xp` means in every backend what the standard says, in the dtype under test,
and the transformations agree with one another. Accuracy is not judged here; that is the verification's work."""

import subprocess
import sys
from functools import cache, partial
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.special

from gradproof import backends
from gradproof.backends import Unsupported
from gradproof.registry import MissingOperation, Reals, function
from tests.unit.made import DIFFERENTIATING, NAMES

TOLERANCE = {"float64": 1e-12, "float32": 1e-5}

every_backend = pytest.mark.parametrize("short", NAMES)
every_differentiating = pytest.mark.parametrize("short", DIFFERENTIATING)
every_dtype = pytest.mark.parametrize("dtype", TOLERANCE)


def adapter_of(short):
    try:
        return backends.load(NAMES[short])
    except Unsupported as reason:
        pytest.skip(str(reason))


def test_an_import_that_fails_leaves_nothing_in_the_place_of_another_framework(tmp_path):
    # SciPy asks every array whether it is one of JAX's, and finds what stands under that name.
    broken = tmp_path / NAMES["TF"]
    broken.mkdir()
    (broken / "__init__.py").write_text("raise OSError('a library is missing')\n", encoding="utf-8")
    lines = [
        "import importlib, sys",
        f"sys.path.insert(0, {str(tmp_path)!r})",
        "try:",
        f"    importlib.import_module('gradproof.backends.{NAMES['TF']}.adapter')",
        "except OSError:",
        "    from scipy.special import logsumexp",
        "    print(logsumexp([0.0, 0.0]))",
    ]
    run = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    assert run.stdout.startswith("0.69"), run.stderr


def reference_conv(x, kernel, stride=1, padding=0):
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding)))
    steps = range(0, x.shape[2] - kernel.shape[2] + 1, stride)
    return np.stack([np.einsum("nck,ock->no", x[:, :, t : t + kernel.shape[2]], kernel) for t in steps], axis=2)


def reference_gelu(x, approximate=False):
    if approximate:
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return x * scipy.special.ndtr(x)


# The meaning of every name, written without the adapters and their formulas.
REFERENCE = SimpleNamespace(
    **{name: getattr(np, name) for name in dir(np) if not name.startswith("_") and name != "linalg"},
    linalg=np.linalg,
    special=scipy.special,
    nn=SimpleNamespace(
        relu=lambda x: np.maximum(x, 0),
        leaky_relu=lambda x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x),
        elu=lambda x: np.where(x > 0, x, np.exp(x) - 1),
        softplus=lambda x: np.logaddexp(x, 0),
        sigmoid=scipy.special.expit,
        log_sigmoid=scipy.special.log_expit,
        silu=lambda x: x * scipy.special.expit(x),
        gelu=reference_gelu,
        softmax=lambda x, axis=-1: scipy.special.softmax(x, axis=axis),
        log_softmax=lambda x, axis=-1: scipy.special.log_softmax(x, axis=axis),
        conv=reference_conv,
    ),
)


def elementwise(name, argument=lambda x: x):
    return lambda xp, x, y: getattr(xp, name)(argument(x))


def spd(xp, x):
    return xp.matmul(x, xp.matrix_transpose(x)) + xp.asarray(np.eye(3))


def square(xp, x):
    return x[:, :3] + 2 * xp.asarray(np.eye(3))


ROW = np.array([[2, 0, 1, 0]])
COLUMN = np.array([[2, 0], [1, 1], [3, 2]])

# x and y are 3x4, with distinct entries between 0 and 1.
CASES = {
    **{
        name: elementwise(name)
        for name in (
            "abs acos asin asinh atan atanh ceil cos cosh exp expm1 floor isfinite log log1p log2 log10 negative "
            "positive reciprocal sign sin sinh sqrt square tan tanh zeros_like ones_like matrix_transpose"
        ).split()
    },
    **{f"{name} of negative": elementwise(name, lambda x: x - 0.5) for name in ("abs", "sign", "ceil", "floor")},
    "acosh": elementwise("acosh", lambda x: x + 1.5),
    "logical_not": lambda xp, x, y: xp.logical_not(x > y),
    "logical_and": lambda xp, x, y: xp.logical_and(x > y, x > 0.3),
    "logical_or": lambda xp, x, y: xp.logical_or(x > y, x > 0.3),
    **{
        name: lambda xp, x, y, name=name: getattr(xp, name)(x, y)
        for name in (
            "add atan2 divide equal greater greater_equal hypot less less_equal logaddexp maximum minimum multiply "
            "not_equal pow subtract"
        ).split()
    },
    **{
        f"{name} with a number right": lambda xp, x, y, name=name: getattr(xp, name)(x, 0.45)
        for name in "add atan2 divide greater hypot less_equal logaddexp maximum minimum multiply pow subtract".split()
    },
    **{
        f"{name} with a number left": lambda xp, x, y, name=name: getattr(xp, name)(0.45, x)
        for name in "add atan2 divide greater hypot less_equal logaddexp maximum minimum multiply pow subtract".split()
    },
    "maximum with an integer": lambda xp, x, y: xp.maximum(x - 0.5, 0),
    "pow with an integer": lambda xp, x, y: xp.pow(x, 2),
    "logaddexp of equals": lambda xp, x, y: xp.logaddexp(x, 1.0 * x),
    "operators": lambda xp, x, y: 2 / (1 + x) ** 2 - (-x) * 0.5 + abs(y - 0.5) + 2**x,
    "slicing": lambda xp, x, y: x[1:, None, ::2] + x[0, 1] * x[..., -1][0],
    "clip": lambda xp, x, y: xp.clip(x, 0.3, 0.7),
    "clip below": lambda xp, x, y: xp.clip(x, min=0.3),
    "clip above": lambda xp, x, y: xp.clip(x, max=0.7),
    **{
        f"{name} {label}": lambda xp, x, y, name=name, options=options: getattr(xp, name)(x, **options)
        for name in ("sum", "prod", "mean", "var", "std", "max", "min", "argmax", "argmin")
        for label, options in {
            "of all": {},
            "of all, kept": {"keepdims": True},
            "axis 0": {"axis": 0},
            "axis -1, kept": {"axis": -1, "keepdims": True},
        }.items()
    },
    **{
        f"{name} axes": lambda xp, x, y, name=name: getattr(xp, name)(xp.reshape(x, (3, 2, 2)), axis=(0, -1))
        for name in ("sum", "mean", "var", "std", "max", "min")
    },
    "var correction": lambda xp, x, y: xp.var(x, axis=1, correction=1),
    "std correction": lambda xp, x, y: xp.std(x, correction=1, keepdims=True),
    "cumulative_sum": lambda xp, x, y: xp.cumulative_sum(x, axis=-1),
    "cumulative_sum axis 0": lambda xp, x, y: xp.cumulative_sum(x, axis=0),
    "cumulative_prod": lambda xp, x, y: xp.cumulative_prod(x, axis=-1),
    "cumulative_prod axis 0": lambda xp, x, y: xp.cumulative_prod(x, axis=0),
    "where": lambda xp, x, y: xp.where(x > y, x, y),
    "where number right": lambda xp, x, y: xp.where(x > y, x, 0.0),
    "where number left": lambda xp, x, y: xp.where(x > y, 0.0, x),
    "sort": lambda xp, x, y: xp.sort(xp.reshape(x, (12,))),
    "sort axis 0": lambda xp, x, y: xp.sort(x, axis=0),
    "argsort": lambda xp, x, y: xp.argsort(x, axis=0),
    "take": lambda xp, x, y: xp.take(x, xp.asarray([2, 0, 0]), axis=1),
    "take axis -2": lambda xp, x, y: xp.take(x, xp.asarray([2, 0, 0]), axis=-2),
    "take_along_axis": lambda xp, x, y: xp.take_along_axis(x, xp.asarray(COLUMN), axis=-1),
    "take_along_axis 0": lambda xp, x, y: xp.take_along_axis(x, xp.asarray(ROW), axis=0),
    "reshape": lambda xp, x, y: xp.reshape(x, (2, -1)),
    "permute_dims": lambda xp, x, y: xp.permute_dims(xp.reshape(x, (3, 2, 2)), (2, 0, 1)),
    "concat": lambda xp, x, y: xp.concat([x, y[:, :2]], axis=-1),
    "concat axis 0": lambda xp, x, y: xp.concat([x, y]),
    "stack": lambda xp, x, y: xp.stack([x, y], axis=1),
    "stack last": lambda xp, x, y: xp.stack([x, y], axis=-1),
    "expand_dims": lambda xp, x, y: xp.expand_dims(x, axis=-1),
    "squeeze": lambda xp, x, y: xp.squeeze(x[None, :, None], axis=(0, 2)),
    "flip": lambda xp, x, y: xp.flip(x),
    "flip axis": lambda xp, x, y: xp.flip(x, axis=-1),
    "roll": lambda xp, x, y: xp.roll(x, 2),
    "roll axis": lambda xp, x, y: xp.roll(x, -1, axis=1),
    "broadcast_to": lambda xp, x, y: xp.broadcast_to(x[:, :1], (3, 5)),
    "broadcast_to more axes": lambda xp, x, y: xp.broadcast_to(x, (2, 3, 4)),
    "moveaxis": lambda xp, x, y: xp.moveaxis(xp.reshape(x, (3, 2, 2)), 0, -1),
    "moveaxis back": lambda xp, x, y: xp.moveaxis(xp.reshape(x, (3, 2, 2)), -1, 0),
    "tile": lambda xp, x, y: xp.tile(x, (2, 1)),
    "tile more axes": lambda xp, x, y: xp.tile(x[0], (2, 3)),
    "repeat": lambda xp, x, y: xp.repeat(x, 2, axis=1),
    **{
        f"{name} {k}": lambda xp, x, y, name=name, k=k: getattr(xp, name)(x, k=k)
        for name in ("tril", "triu")
        for k in (-1, 0, 1)
    },
    "full_like": lambda xp, x, y: xp.full_like(x, 0.25) * x,
    "astype of a mask": lambda xp, x, y: xp.astype(x > y, x.dtype) * x,
    "matmul": lambda xp, x, y: xp.matmul(x, xp.matrix_transpose(y)),
    "matmul vector right": lambda xp, x, y: xp.matmul(x, y[0]),
    "matmul vector left": lambda xp, x, y: xp.matmul(y[:, 0], x),
    "matmul vectors": lambda xp, x, y: xp.matmul(x[0], y[0]),
    "matmul batch": lambda xp, x, y: xp.matmul(xp.reshape(x, (3, 2, 2)), xp.reshape(y, (3, 2, 2))),
    "at operator": lambda xp, x, y: x @ xp.permute_dims(y, (1, 0)),
    "tensordot": lambda xp, x, y: xp.tensordot(x, xp.matrix_transpose(y), axes=1),
    "tensordot axes": lambda xp, x, y: xp.tensordot(x, y, axes=([1], [1])),
    "vecdot": lambda xp, x, y: xp.vecdot(x, y),
    "linalg.matmul": lambda xp, x, y: xp.linalg.matmul(x, xp.linalg.matrix_transpose(y)),
    "linalg.tensordot": lambda xp, x, y: xp.linalg.tensordot(x, y, axes=2),
    "linalg.vecdot": lambda xp, x, y: xp.linalg.vecdot(x, y),
    "linalg.outer": lambda xp, x, y: xp.linalg.outer(x[0], y[:, 0]),
    "linalg.cross": lambda xp, x, y: xp.linalg.cross(x[:, :3], y[:, :3]),
    "linalg.cross axis 0": lambda xp, x, y: xp.linalg.cross(x, y, axis=0),
    "linalg.det": lambda xp, x, y: xp.linalg.det(square(xp, x)),
    "linalg.slogdet": lambda xp, x, y: xp.linalg.slogdet(square(xp, x))[1],
    "linalg.inv": lambda xp, x, y: xp.linalg.inv(square(xp, x)),
    "linalg.pinv": lambda xp, x, y: xp.linalg.pinv(x),
    "linalg.solve": lambda xp, x, y: xp.linalg.solve(square(xp, x), y),
    "linalg.solve vector": lambda xp, x, y: xp.linalg.solve(square(xp, x), y[:, 0]),
    "linalg.cholesky": lambda xp, x, y: xp.linalg.cholesky(spd(xp, x)),
    "linalg.cholesky upper": lambda xp, x, y: xp.linalg.cholesky(spd(xp, x), upper=True),
    "linalg.qr": lambda xp, x, y: xp.abs(xp.linalg.qr(xp.matrix_transpose(x))[1]),
    "linalg.eigh": lambda xp, x, y: xp.abs(xp.linalg.eigh(spd(xp, x))[1]),
    "linalg.eigh values": lambda xp, x, y: xp.linalg.eigh(spd(xp, x))[0],
    "linalg.eigvalsh": lambda xp, x, y: xp.linalg.eigvalsh(spd(xp, x)),
    "linalg.svd": lambda xp, x, y: xp.abs(xp.linalg.svd(x, full_matrices=False)[2]),
    "linalg.svd left": lambda xp, x, y: xp.abs(xp.linalg.svd(square(xp, x))[0]),
    "linalg.svdvals": lambda xp, x, y: xp.linalg.svdvals(x),
    "linalg.matrix_norm": lambda xp, x, y: xp.linalg.matrix_norm(x),
    "linalg.matrix_norm batch": lambda xp, x, y: xp.linalg.matrix_norm(xp.reshape(x, (3, 2, 2))),
    "linalg.vector_norm": lambda xp, x, y: xp.linalg.vector_norm(x),
    "linalg.vector_norm axis": lambda xp, x, y: xp.linalg.vector_norm(x, axis=-1),
    "linalg.vector_norm kept": lambda xp, x, y: xp.linalg.vector_norm(x, axis=-1, keepdims=True),
    **{
        f"linalg.vector_norm order {ord}": lambda xp, x, y, ord=ord: xp.linalg.vector_norm(x, ord=ord, axis=0)
        for ord in (1, 3, np.inf)
    },
    "linalg.matrix_power": lambda xp, x, y: xp.linalg.matrix_power(square(xp, x), 3),
    "linalg.matrix_power -1": lambda xp, x, y: xp.linalg.matrix_power(square(xp, x), -1),
    "linalg.trace": lambda xp, x, y: xp.linalg.trace(square(xp, x)),
    "linalg.trace batch": lambda xp, x, y: xp.linalg.trace(xp.reshape(x, (3, 2, 2))),
    "linalg.diagonal": lambda xp, x, y: xp.linalg.diagonal(xp.reshape(x, (3, 2, 2))),
    **{
        f"special.{name}": lambda xp, x, y, name=name: getattr(xp.special, name)(x)
        for name in "erf erfc gammaln digamma expit logit log_expit entr logsumexp".split()
    },
    **{f"special.{name}": lambda xp, x, y, name=name: getattr(xp.special, name)(x, y) for name in ("xlogy", "xlog1py")},
    "special.logsumexp axis": lambda xp, x, y: xp.special.logsumexp(x, axis=0),
    "special.logsumexp kept": lambda xp, x, y: xp.special.logsumexp(x, axis=-1, keepdims=True),
    **{
        f"nn.{name}": lambda xp, x, y, name=name: getattr(xp.nn, name)(4 * x - 2)
        for name in "relu leaky_relu elu softplus sigmoid log_sigmoid silu gelu softmax log_softmax".split()
    },
    "nn.leaky_relu slope": lambda xp, x, y: xp.nn.leaky_relu(x - 0.5, negative_slope=0.3),
    "nn.softplus at 0": lambda xp, x, y: xp.nn.softplus(x * 0.0),
    "nn.gelu approximate": lambda xp, x, y: xp.nn.gelu(4 * x - 2, approximate=True),
    "nn.softmax axis": lambda xp, x, y: xp.nn.softmax(x, axis=0),
    "nn.log_softmax axis": lambda xp, x, y: xp.nn.log_softmax(x, axis=0),
    "nn.conv": lambda xp, x, y: xp.nn.conv(xp.reshape(x, (1, 2, 6)), xp.reshape(y, (3, 2, 2))),
    "nn.conv stride": lambda xp, x, y: xp.nn.conv(
        xp.reshape(x, (1, 2, 6)), xp.reshape(y, (3, 2, 2)), stride=2, padding=1
    ),
}

# Where a backend raises, and where its native operation is not in the dtype under test: TensorFlow's leaky_relu keeps
# the slope, and its gelu the constants, in float32 even for float64 (2.21.0).
NO_VALUE: dict[str, set[str]] = {}
NO_GRADIENT = {
    "AG": {"cumulative_prod", "cumulative_prod axis 0", "linalg.qr"}
    | {"sort axis 0", "broadcast_to more axes", "linalg.svd left"}
    # A gradient of the wrong shape (autograd 1.9.1).
    | {"linalg.vector_norm kept"}
}
FLOAT32_INSIDE = {"TF": {"nn.leaky_relu", "nn.leaky_relu slope", "nn.gelu", "nn.gelu approximate"}}


def draw():
    values = np.random.default_rng(7).permutation(np.linspace(0.06, 0.94, 24))
    return np.float32(values).astype(np.float64).reshape(2, 3, 4)


@cache
def expected(case):
    return np.asarray(CASES[case](REFERENCE, *draw()))


def smooth(case):
    return expected(case).dtype == np.float64


def weighted(xp, value, shape=None):
    """A scalar in which no two entries count alike. A value whose size depends on numbers has no shape while it is
    compiled: there it is to be given."""
    shape = value.shape if shape is None else shape
    return xp.sum(value * xp.reshape(xp.asarray(1 + np.arange(int(np.prod(shape))) / 8), shape))


def expected_gradient(case):
    x, y = draw()
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = 1e-5
        above, below = (weighted(REFERENCE, CASES[case](REFERENCE, x + s * step, y)) for s in (1, -1))
        gradient[index] = (above - below) / 2e-5
    return gradient


def outcomes(adapter, functions, dtype):
    """Every function's value or exception at the drawn arrays."""
    return attempted(adapter, functions, *(adapter.array(values, dtype, "cpu") for values in draw()))


def attempted(adapter, functions, *arrays):
    """Every function's value or exception, from one compiled call: one by one, a compiler would take minutes."""
    errors = {}

    def run(*arrays):
        values = {}
        for name, f in functions.items():
            try:
                values[name] = f(*arrays)
            except Exception as error:
                errors[name] = error
        return values

    return adapter.prepared(run)(*arrays) | errors


def check(adapter, value, expected, dtype, tolerance):
    if isinstance(value, Exception):
        raise value
    found = adapter.to_numpy(value)
    assert (found.shape, found.dtype) == (expected.shape, dtype)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def problems_of(checks):
    """What went wrong in which case; all cases of a backend are one test, because they are one compiled call."""
    problems = []
    for case, run in checks.items():
        try:
            run()
        except Exception as error:
            problems.append(f"{case}: {type(error).__name__}: {error}")
    return "\n".join(problems)


@every_dtype
@every_backend
def test_every_name_means_what_the_standard_says(short, dtype):
    adapter = adapter_of(short)
    xp = adapter.namespace(dtype, "cpu")
    values = outcomes(adapter, {case: lambda x, y, f=f: f(xp, x, y) for case, f in CASES.items()}, dtype)
    for case in NO_VALUE.get(short, ()):
        assert isinstance(values.pop(case), MissingOperation), case
    float32_inside = FLOAT32_INSIDE.get(short, ()) if dtype == "float64" else ()
    assert not problems_of(
        {
            case: partial(
                check,
                *(adapter, value, expected(case), np.dtype(dtype) if smooth(case) else expected(case).dtype),
                tolerance=1e-7 if case in float32_inside else TOLERANCE[dtype],
            )
            for case, value in values.items()
        }
    )


@every_differentiating
def test_reverse_mode_goes_through_every_name(short):
    adapter = adapter_of(short)
    xp = adapter.namespace("float32", "cpu")

    def gradient(case):
        return lambda x, y: adapter.gradient(lambda x: weighted(xp, CASES[case](xp, x, y)))(x)[0]

    # Variants that differ in a constant alone add nothing but seconds.
    cases = [case for case in CASES if smooth(case) and " with a" not in case and " of negative" not in case]
    values = outcomes(adapter, {case: gradient(case) for case in cases}, "float32")
    for case in NO_GRADIENT.get(short, ()):
        assert isinstance(values.pop(case), Exception), case
    unconnected = {case for case, value in values.items() if value is None}
    assert not any(expected_gradient(case).any() for case in unconnected)
    assert not problems_of(
        {
            case: partial(check, adapter, values[case], expected_gradient(case), np.float32, tolerance=1e-3)
            for case in values.keys() - unconnected
        }
    )


@every_dtype
@every_backend
def test_creation_gives_the_dtype_under_test(short, dtype):
    adapter = adapter_of(short)
    xp = adapter.namespace(dtype, "cpu")
    x = adapter.array(np.ones((2, 3)), dtype, "cpu")
    made = {
        dtype: [
            *(
                xp.asarray(0.1),
                xp.asarray([0.1, 0.2]),
                xp.asarray(np.float64(0.1)),
                xp.asarray(np.ones(2)),
                xp.zeros(3),
            ),
            *(xp.ones((2, 3)), xp.ones(x.shape), xp.full((2,), 0.1), xp.eye(3), xp.eye(2, 3), xp.linspace(0, 1, 4)),
            *(xp.linspace(0.0, 1.0, 4, endpoint=False), xp.arange(0.0, 1.0, 0.25), xp.arange(3, dtype=x.dtype)),
            *(xp.asarray(1, dtype=x.dtype), xp.zeros_like(x), xp.full((2,), 1, dtype=x.dtype), xp.pi * x),
        ],
        "int64": [
            xp.asarray(1),
            xp.asarray(np.ones(2, np.int32)),
            xp.asarray([1, 2]),
            xp.arange(3),
            xp.arange(1, 9, 2),
            xp.full((2,), 7),
        ],
        "bool": [xp.asarray(True), xp.asarray(np.array([True, False])), x > 0],
    }
    for kind, arrays in made.items():
        assert {adapter.to_numpy(array).dtype.name for array in arrays} == {kind}
    assert {adapter.device_of(array) for arrays in made.values() for array in arrays} == {"cpu"}
    assert xp.asarray(x) is x
    np.testing.assert_array_equal(adapter.to_numpy(xp.asarray(0.1)), np.array(0.1, dtype=dtype))
    np.testing.assert_array_equal(adapter.to_numpy(xp.eye(2, 3, k=1)), np.eye(2, 3, k=1))
    np.testing.assert_array_equal(adapter.to_numpy(xp.arange(1, 9, 2)), [1, 3, 5, 7])


@pytest.mark.parametrize("short", ["TF", "JX", "PT"])
def test_what_a_compiled_function_creates_has_the_dtype_under_test(short):
    adapter = adapter_of(short)
    xp = adapter.namespace("float32", "cpu")

    def create(x):
        return xp.asarray(np.ones(2)) + x, xp.zeros(2) + x, xp.eye(2) + x, xp.linspace(0, 1, 2) + x, xp.full(2, 0.1) + x

    arrays = adapter.compile(create)(adapter.array(np.ones(2), "float32", "cpu"))
    assert {adapter.dtype_of(array) for array in arrays} == {"float32"}


@every_dtype
@every_backend
def test_arrays_go_there_and_back(short, dtype):
    adapter = adapter_of(short)
    for values in (np.array(0.1), np.array([0.1, -2.0]), np.full((2, 0, 3), 1.0)):
        array = adapter.array(values, dtype, "cpu")
        back = adapter.to_numpy(array)
        assert (back.dtype, back.shape) == (np.dtype(dtype), values.shape)
        np.testing.assert_array_equal(back, values.astype(dtype))
        assert adapter.device_of(array) == "cpu"
    for stranger in (None, 1.0, [1.0], "1"):
        with pytest.raises(TypeError):
            adapter.to_numpy(stranger)


@every_backend
def test_an_adapter_says_what_it_is(short):
    adapter = adapter_of(short)
    assert adapter.name == NAMES[short]
    assert adapter.version()[0].isdigit()
    assert "cpu" in adapter.devices()
    assert adapter.namespace("float32", "cpu") is adapter.namespace("float32", "cpu")


@every_dtype
@every_backend
def test_flushing_of_subnormals_is_declared(short, dtype):
    adapter = adapter_of(short)
    smallest = np.finfo(dtype).tiny
    x = adapter.array(np.full(16, smallest), dtype, "cpu")
    flushed = not adapter.to_numpy(adapter.prepared(lambda x: x * 0.5)(x)).any()
    assert flushed == ("cpu" in adapter.flushes_subnormals)


@every_differentiating
def test_an_argument_left_out_has_none_or_zeros(short):
    adapter = adapter_of(short)
    xp = adapter.namespace("float64", "cpu")
    x, y = (adapter.array(np.full(3, v), "float64", "cpu") for v in (1.0, 2.0))
    d_x, d_y = adapter.gradient(lambda x, y: xp.sum(x * x))(x, y)
    np.testing.assert_array_equal(adapter.to_numpy(d_x), np.full(3, 2.0))
    (d_z,) = adapter.gradient(lambda z: xp.asarray(1.0))(x)
    for part in (d_y, d_z):
        assert (part is None) == (short in ("TF", "PT"))
        assert part is None or not adapter.to_numpy(part).any()


def chain(xp, x, y):
    return xp.sum(xp.tanh(x @ xp.matrix_transpose(x)) * xp.sum(y)) + y[1] ** 2 / 3


def indexed(xp, x, y):
    return xp.sum(xp.take(x, xp.asarray([0, 0, 2]), axis=0)) * y[0]


def ignoring(xp, x, y):
    return xp.sum(xp.maximum(x, 0.5) * xp.asarray([1.0, -2.0, 0.25, 3.0]))


@every_differentiating
@pytest.mark.parametrize("body", [chain, indexed, ignoring])
def test_transformations_agree(body, short):
    adapter = adapter_of(short)
    xp = adapter.namespace("float64", "cpu")
    rng = np.random.default_rng(1)
    xs, ys = rng.uniform(-1, 1, (3, 3, 4)), rng.uniform(0.5, 1, (3, 2))
    batch = [adapter.array(values, "float64", "cpu") for values in (xs, ys)]
    gradient = adapter.gradient(lambda x, y: body(xp, x, y))
    mapped = {}
    if "vectorized" in backends.BACKENDS[NAMES[short]].modes:
        mapped["vectorize"] = adapter.vectorize(gradient)(*batch)
        mapped["compile and vectorize"] = adapter.prepared(adapter.vectorize(gradient))(*batch)
    compiled = adapter.prepared(gradient)
    for row, inputs in enumerate(zip(xs, ys, strict=True)):
        one = [adapter.array(values, "float64", "cpu") for values in inputs]
        plain = gradient(*one)
        for how, other in {"compile": compiled(*one), **mapped}.items():
            for expected_part, part in zip(plain, other, strict=True):
                if expected_part is None:
                    # Inside a mapping a backend may give zeros for what is unconnected.
                    assert part is None or not adapter.to_numpy(part).any()
                    continue
                found = adapter.to_numpy(part) if how == "compile" else adapter.to_numpy(part)[row]
                np.testing.assert_allclose(found, adapter.to_numpy(expected_part), rtol=1e-13, atol=1e-15, err_msg=how)


@pytest.mark.parametrize("short", [s for s in NAMES if "vectorized" in backends.BACKENDS[NAMES[s]].modes])
def test_values_are_mapped_too(short):
    adapter = adapter_of(short)
    xp = adapter.namespace("float32", "cpu")
    batch = adapter.array(np.arange(6.0).reshape(3, 2), "float32", "cpu")
    found = adapter.to_numpy(adapter.vectorize(lambda x: xp.sum(x * x))(batch))
    np.testing.assert_array_equal(found, np.float32([1, 13, 41]))


@every_differentiating
def test_the_gradient_of_scalars_stays_0_d(short):
    adapter = adapter_of(short)
    for dtype in TOLERANCE:
        x, y = (adapter.array(np.array(v), dtype, "cpu") for v in (3.0, 2.0))
        parts = [adapter.to_numpy(part) for part in adapter.gradient(lambda x, y: (2 * x + y) * y)(x, y)]
        assert [(part.shape, part.dtype.name, float(part)) for part in parts] == [((), dtype, 4), ((), dtype, 10)]


def test_the_hand_derived_gradient_runs_in_the_dtype():
    @function(x=Reals(), y=Reals((2,)))
    def sample(xp, x, y):
        """f(x, y) = x + Σ y²"""
        return x + xp.sum(y * y)

    adapter = adapter_of("NP")
    x, y = adapter.array(np.array(1.0), "float32", "cpu"), adapter.array(np.ones(2), "float32", "cpu")
    with pytest.raises(Unsupported, match="it has no hand-derived gradient"):
        adapter.gradient_of(sample, "float32", "cpu")
    sample.gradient(lambda xp, x, y: (1, 2 * y))
    d_x, d_y = adapter.gradient_of(sample, "float32", "cpu")(x, y)
    assert (d_x.shape, d_x.dtype, d_y.shape, d_y.dtype) == ((), np.float32, (2,), np.float32)
    with pytest.raises(Unsupported):
        adapter.gradient(lambda x: x)
    assert adapter.callable(sample, "float32", "cpu")(x, y) == 3


@pytest.mark.parametrize("short", ["NP", "AG"])
def test_operations_take_the_scalars_that_arithmetic_makes_of_arrays_without_axes(short: str) -> None:
    xp = adapter_of(short).namespace("float64", "cpu")
    x = xp.asarray(0.5) * 2
    assert isinstance(x, float) and xp.special.ndtr(x) == scipy.special.ndtr(1.0) and xp.maximum(x, x) == 1.0
