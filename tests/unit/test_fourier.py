"""Fourier transforms: in balls and in every backend they mean what NumPy says, with every parameter; in balls they
invert one another to many digits, their bounds hold what NumPy makes of them, and derivatives are exact differences."""

import ast
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx

from gradproof.oracles.balls import BallArithmetic, Balls, ComplexBalls
from gradproof.oracles.machine_model import FORMATS, SLACK, MachineModel
from tests.unit.made import DIFFERENTIATING, NAMES, at, confirmed, entry
from tests.unit.test_adapters import TOLERANCE, adapter_of, attempted, check, problems_of

MODELS = {dtype: MachineModel(FORMATS[dtype]) for dtype in ("float64", "float32")}
RANDOM = np.random.default_rng(23)
X, Y = np.float32(RANDOM.uniform(-2, 2, (2, 3, 5))).astype(np.float64)


@pytest.fixture(autouse=True, scope="module")
def many_bits() -> Iterator[None]:
    with ctx.workprec(320):
        yield


def of(name: str, **options: Any) -> Callable:
    """The transform of the complex z, or of the real x where it takes real numbers."""
    of_real = name in ("rfft", "rfftn", "ihfft", "fftshift", "ifftshift")
    return lambda xp, x, z: getattr(xp.fft, name)(x if of_real else z, **options)


CASES = {
    **{
        f"{name} {options}": of(name, **options)
        for name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
        for options in (
            {},
            {"norm": "ortho"},
            {"norm": "forward"},
            {"axis": 0},
            {"n": 4},
            {"n": 3},
            {"n": 7, "axis": 0},
            {"n": 1},
        )
    },
    **{
        f"{name} {options}": of(name, **options)
        for name in ("fftn", "ifftn", "rfftn", "irfftn")
        for options in ({}, {"axes": (1, 0)}, {"s": (4, 3), "axes": (0, 1)}, {"norm": "ortho"}, {"axes": (0,)})
    },
    **{
        f"{name} {options}": of(name, **options)
        for name in ("fftshift", "ifftshift")
        for options in ({}, {"axes": 1}, {"axes": (0, 1)})
    },
    "fft of real numbers": lambda xp, x, z: xp.fft.fft(x),
    "shift of complex numbers": lambda xp, x, z: xp.fft.fftshift(z),
    "fftfreq": lambda xp, x, z: x * xp.fft.fftfreq(5, d=0.5),
    "rfftfreq": lambda xp, x, z: x * xp.fft.rfftfreq(9) + x * xp.fft.rfftfreq(8, d=2.0),
}


def known(case: str, dtype: str = "float64") -> np.ndarray:
    x = X.astype(dtype)
    return np.asarray(CASES[case](np, x, x + 1j * Y.astype(dtype)))


# Balls


def run(body: Callable, model: MachineModel | None = None) -> Any:
    on = BallArithmetic(model)
    return body(on.namespace(), on.inputs(X), ComplexBalls(on.inputs(X), on.inputs(Y)))


def parts(result: Any) -> list[Balls]:
    return [result.re, result.im] if isinstance(result, ComplexBalls) else [result]


def within(bound: Balls, true: Balls, got: np.ndarray) -> bool:
    triples = zip(bound.entries.flat, true.entries.flat, np.ravel(got), strict=True)
    return all(bool(abs(arb(float(g)) - t) <= SLACK * abs(b - t).abs_upper()) for b, t, g in triples)


@pytest.mark.parametrize("case", CASES)
def test_transforms_mean_what_they_mean_elsewhere(case: str) -> None:
    found, expected = parts(run(CASES[case])), known(case)
    sides = [expected.real, expected.imag] if len(found) == 2 else [expected]
    assert not (len(found) == 1 and np.iscomplexobj(expected))
    for part, side in zip(found, sides, strict=True):
        assert part.shape == side.shape
        assert np.allclose(part.entries.astype(float), side, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("dtype", MODELS)
@pytest.mark.parametrize("case", CASES)
def test_bounds_hold_what_a_fast_transform_gives(case: str, dtype: str) -> None:
    bound, true, got = run(CASES[case], MODELS[dtype]), run(CASES[case]), known(case, dtype)
    sides = [got.real, got.imag] if len(parts(bound)) == 2 else [got]
    for widened, exact, side in zip(parts(bound), parts(true), sides, strict=True):
        assert within(widened, exact, side.astype(dtype))


@pytest.mark.parametrize("n", [1, 2, 3, 16, 17, 64, 97])
def test_bounds_of_many_lengths(n: int) -> None:
    for _ in range(3):
        x = np.float32(RANDOM.normal(size=n))
        got = np.fft.fft(x)
        on, true = BallArithmetic(MODELS["float32"]), BallArithmetic()
        bound, exactly = (side.namespace().fft.fft(side.inputs(x)) for side in (on, true))
        assert got.dtype == np.complex64
        assert within(bound.re, exactly.re, got.real) and within(bound.im, exactly.im, got.imag)
        assert max(float(e.rad()) for e in bound.re.entries) < 100 * n * 2.0**-24 * np.abs(x).max()


@pytest.mark.parametrize(
    "body",
    [
        lambda xp, z: xp.fft.ifft(xp.fft.fft(z)) - z,
        lambda xp, z: xp.fft.fftn(xp.fft.ifftn(z, norm="ortho"), norm="ortho") - z,
        lambda xp, z: xp.fft.irfft(xp.fft.rfft(xp.real(z)), n=5) - xp.real(z),
        lambda xp, z: xp.fft.hfft(xp.fft.ihfft(xp.real(z), axis=0), n=3, axis=0) - xp.real(z),
        lambda xp, z: xp.fft.irfftn(xp.fft.rfftn(xp.real(z)), s=(3, 5), axes=(0, 1)) - xp.real(z),
        lambda xp, z: xp.fft.ifftshift(xp.fft.fftshift(z)) - z,
        lambda xp, z: xp.sum(xp.abs(xp.fft.fft(z, norm="ortho")) ** 2, axis=1) - xp.sum(xp.abs(z) ** 2, axis=1),
    ],
    ids=["fft", "fftn", "rfft", "hfft", "rfftn", "shift", "Parseval"],
)
def test_inverses(body: Callable) -> None:
    gap = run(lambda xp, x, z: body(xp, z))
    assert all(float(e.abs_upper()) < 1e-90 for part in parts(gap) for e in part.entries.flat)


def test_overflow_is_noticed() -> None:
    on = BallArithmetic(MODELS["float32"])
    on.namespace().fft.fft(on.inputs(np.array([3e38, 3e38])))
    assert on.overflowed


def weighted(xp: Any, result: Any) -> Any:
    """A real number in which no two parts of entries count alike."""
    count = int(np.prod(result.shape))
    weights = xp.reshape(xp.asarray(1 + np.arange(count) / 8), result.shape)
    return xp.sum(weights * xp.real(result) - (weights - 3) * xp.imag(result))


REAL = (
    "rfft {}",
    "rfft {'n': 4}",
    "rfftn {}",
    "ihfft {'norm': 'ortho'}",
    "fftshift {'axes': 1}",
    "fft of real numbers",
)


@pytest.mark.parametrize(
    "case", [*REAL, "fft {}", "ifft {'n': 7, 'axis': 0}", "irfft {}", "hfft {'n': 3}", "irfftn {}"]
)
def test_derivatives(case: str) -> None:
    body = entry(lambda xp, x: weighted(xp, CASES[case](xp, x, ComplexBalls(x, x * x))), x=X.shape)
    assert confirmed(body, at(X))


# Backends


def outcomes(adapter: Any, bodies: dict[str, Callable], dtype: str) -> dict[str, Any]:
    """Every body's value or exception at the real and the complex array."""
    z = adapter.array(X + 1j * Y, {"float64": "complex128", "float32": "complex64"}[dtype], "cpu")
    return attempted(adapter, bodies, adapter.array(X, dtype, "cpu"), z)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("short", NAMES)
def test_backends_mean_what_the_standard_says(short: str, dtype: str) -> None:
    adapter = adapter_of(short)
    xp = adapter.namespace(dtype, "cpu")
    values = outcomes(adapter, {case: partial(body, xp) for case, body in CASES.items()}, dtype)
    checks = {}
    for case, value in values.items():
        expected = known(case)
        kind = np.result_type(np.dtype(dtype), np.complex64) if np.iscomplexobj(expected) else np.dtype(dtype)
        checks[case] = partial(check, adapter, value, expected, kind, TOLERANCE[dtype])
    assert not problems_of(checks)


def odd(case: str) -> bool:
    """Whether a transform of real numbers has an odd length along its last axis."""
    options = ast.literal_eval(case.partition(" ")[2])
    axis = options.get("axes", (options.get("axis", -1),))[-1]
    from_half = case.startswith(("irfft", "hfft"))
    length = 2 * (X.shape[axis] - 1) if from_half else X.shape[axis]
    return options.get("n", options.get("s", (length,))[-1]) % 2 == 1


HALVES = [case for case in CASES if case.startswith(("rfft", "irfft", "hfft", "ihfft")) and "freq" not in case]
SHORTER = ("'n': 4", "'n': 3", "'s': (4, 3)")
RAISES = {
    # autograd 1.9.1 refuses odd lengths of rfft, and of irfft when it meets the rfft of its VJP.
    "AG": {case for case in HALVES if odd(case)} | {"rfft {'n': 4}", "ihfft {'n': 4}"},
    # TensorFlow 2.21.0: the gradient of rfft and irfft forgets that fft_length cuts the input.
    "TF": {case for case in HALVES if any(cut in case for cut in SHORTER)},
}
WRONG = {
    # The VJP of irfft takes every norm for "backward" (autograd 1.9.1).
    "AG": {"irfft {'norm': 'forward'}"},
    # Where the cut leaves one number the forgetful gradient is broadcast.
    "TF": {case for case in HALVES if "'n': 1" in case},
}


def real_part(case: str, xp: Any, x: Any) -> Any:
    """A real function of real numbers through the transform."""
    result = CASES[case](xp, x, xp.fft.fft(x))
    if np.iscomplexobj(known(case)):
        return weighted(xp, result)
    return xp.sum(result * xp.reshape(xp.asarray(1 + np.arange(int(np.prod(result.shape))) / 8), result.shape))


def expected_gradient(case: str) -> np.ndarray:
    xp, gradient = adapter_of("NP").namespace("float64", "cpu"), np.empty_like(X)
    for index in np.ndindex(X.shape):
        step = np.zeros_like(X)
        step[index] = 2.0**-16
        gradient[index] = (real_part(case, xp, X + step) - real_part(case, xp, X - step)) * 2.0**15
    return gradient


@pytest.mark.parametrize("short", DIFFERENTIATING)
def test_reverse_mode_goes_through_every_transform(short: str) -> None:
    adapter = adapter_of(short)
    xp = adapter.namespace("float64", "cpu")
    bodies = {
        case: lambda x, z, case=case: adapter.gradient(partial(real_part, case, xp))(x)[0]
        for case in CASES
        if "freq" not in case
    }
    values = outcomes(adapter, bodies, "float64")
    assert {case for case, value in values.items() if isinstance(value, Exception)} == RAISES.get(short, set())
    found = {case: adapter.to_numpy(value) for case, value in values.items() if case not in RAISES.get(short, ())}
    wrong = {case for case, got in found.items() if not np.allclose(got, expected_gradient(case), rtol=1e-8, atol=1e-8)}
    assert wrong == WRONG.get(short, set())
