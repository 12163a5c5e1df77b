"""The adapters' tests of the rarer names of the standard, of norms of every order and of special functions: in every
backend they mean what NumPy and SciPy say, and reverse mode goes through them, or it is listed that it does not."""

from collections.abc import Callable
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.special

from tests.unit.made import DIFFERENTIATING, NAMES
from tests.unit.test_adapters import (
    REFERENCE,
    TOLERANCE,
    adapter_of,
    check,
    draw,
    outcomes,
    problems_of,
    weighted,
)

ORACLE = SimpleNamespace(
    **{**vars(REFERENCE)}
    | {
        "special": SimpleNamespace(
            **{name: getattr(scipy.special, name) for name in dir(scipy.special) if not name.startswith("_")}
            | {"sinc": np.sinc, "lambertw": lambda x: scipy.special.lambertw(x).real}
        )
    }
)


def square(xp: Any, x: Any) -> Any:
    """A well-conditioned 3x3 matrix of a 3x4 one."""
    return x[:, :3] + 2 * xp.asarray(np.eye(3))


def of(name: str, argument: Callable = lambda x: x, **options: Any) -> Callable:
    """The operation of one array, `linalg.trace` for example, at `argument(x)`."""

    def case(xp: Any, x: Any, y: Any) -> Any:
        for part in name.split("."):
            xp = getattr(xp, part)
        return xp(argument(x), **options)

    return case


def cube(xp: Any, x: Any) -> Any:
    """The 3x4 array as 3x2x2."""
    return xp.reshape(x, (3, 2, 2))


# x and y are 3x4, with distinct entries between 0 and 1.
STANDARD = {
    **{
        f"{name} with the initial value": of(name, axis=-1, include_initial=True)
        for name in ("cumulative_sum", "cumulative_prod")
    },
    "cumulative_sum of a vector": lambda xp, x, y: xp.cumulative_sum(x[0]),
    "prod axes": lambda xp, x, y: xp.prod(cube(xp, x), axis=(0, -1)),
    "prod axes, kept": lambda xp, x, y: xp.prod(cube(xp, x), axis=(1, 0), keepdims=True),
    "clip at arrays": lambda xp, x, y: xp.clip(x, 0.9 * y, 1.1 * y),
    "clip at an array and a number": lambda xp, x, y: xp.clip(x, 0.5 * y, 0.7),
    "copysign": lambda xp, x, y: xp.copysign(x, y - 0.5),
    "remainder": lambda xp, x, y: xp.remainder(x - 0.5, y),
    "remainder with a number": lambda xp, x, y: xp.remainder(x - 0.5, 0.17),
    "floor_divide": lambda xp, x, y: xp.floor_divide(x - 0.5, y),
    **{name: of(name, lambda x: 4 * x - 2) for name in ("round", "trunc", "signbit", "isinf", "isnan")},
    "logical_xor": lambda xp, x, y: xp.logical_xor(x > y, x > 0.3),
    "all and any": lambda xp, x, y: xp.logical_or(xp.all(x > y, axis=0), xp.any(x > y, axis=0)),
    "all of all": lambda xp, x, y: xp.all(x > 0),
    "nextafter": lambda xp, x, y: xp.nextafter(x, y) > x,
    # Backends count in integers of their own size.
    "count_nonzero": lambda xp, x, y: xp.count_nonzero(xp.maximum(x, 0.5) - 0.5) == 6,
    "nonzero": lambda xp, x, y: xp.nonzero(xp.maximum(x, 0.5) - 0.5)[1],
    "searchsorted": lambda xp, x, y: xp.astype(xp.searchsorted(xp.sort(x[0]), y[0]), x.dtype),
    "searchsorted right": lambda xp, x, y: xp.astype(xp.searchsorted(xp.sort(x[0]), y[0], side="right"), x.dtype),
    "broadcast_arrays": lambda xp, x, y: xp.broadcast_arrays(x[0], y[:, :1])[0],
    "meshgrid": lambda xp, x, y: xp.meshgrid(x[0], x[1:, 0])[1],
    "meshgrid of matrix indices": lambda xp, x, y: xp.meshgrid(x[0], y[:, 0], indexing="ij")[0],
    "unstack": lambda xp, x, y: xp.unstack(x, axis=1)[2],
    **{f"diff {n} axis {axis}": of("diff", n=n, axis=axis) for n in (1, 2) for axis in (0, -1)},
    "diff with ends": lambda xp, x, y: xp.diff(x, axis=0, prepend=y[:1], append=x[1:]),
    "repeat of numbers": lambda xp, x, y: xp.repeat(x, np.array([1, 0, 2]), axis=0),
    "moveaxis two": lambda xp, x, y: xp.moveaxis(cube(xp, x), (0, 1), (-1, 0)),
    "take_along_axis stretched": lambda xp, x, y: xp.take_along_axis(
        cube(xp, x), xp.asarray([[[1], [0], [1]]]), axis=1
    ),
    "concat flat": lambda xp, x, y: xp.concat([x, y[:1]], axis=None),
    "roll two": lambda xp, x, y: xp.roll(x, (1, -1), axis=(0, 1)),
    **{
        f"linalg.matrix_norm order {ord}": of("linalg.matrix_norm", ord=ord)
        for ord in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
    },
    "linalg.matrix_norm kept": of("linalg.matrix_norm", keepdims=True),
    "linalg.matrix_norm order -2 kept": of("linalg.matrix_norm", ord=-2, keepdims=True),
    **{f"linalg.vector_norm order {ord}": of("linalg.vector_norm", ord=ord, axis=0) for ord in (-1, -2, 0.5, -np.inf)},
    "linalg.vector_norm axes": lambda xp, x, y: xp.linalg.vector_norm(cube(xp, x), axis=(0, 2)),
    **{f"linalg.trace {k}": lambda xp, x, y, k=k: xp.linalg.trace(square(xp, x), offset=k) for k in (-1, 1)},
    **{f"linalg.diagonal {k}": of("linalg.diagonal", offset=k) for k in (-1, 1, 2)},
    "linalg.vecdot axis": lambda xp, x, y: xp.linalg.vecdot(x, y, axis=0),
    "linalg.cross broadcast": lambda xp, x, y: xp.linalg.cross(x[:, :3], x[:1, 1:]),
}
SPECIAL = {
    **{
        f"special.{name}": of(f"special.{name}", lambda x: 4 * x - 2)
        for name in "i0 i0e i1 i1e log_ndtr ndtr sinc".split()
    },
    **{f"special.{name}": of(f"special.{name}") for name in ("erfinv", "lambertw", "ndtri")},
    **{
        f"special.{name}": lambda xp, x, y, name=name: getattr(xp.special, name)(1 + y, 2 * x)
        for name in ("betaln", "gammainc", "gammaincc", "zeta")
    },
    **{
        f"special.{name} of a number": lambda xp, x, y, name=name: getattr(xp.special, name)(2.5, x)
        for name in ("gammainc", "gammaincc", "zeta")
    },
    "special.betainc": lambda xp, x, y: xp.special.betainc(1 + y, 2 * y[:1], x),
    "special.betainc of numbers": lambda xp, x, y: xp.special.betainc(2.5, 1.5, x),
    "special.gammainc parameter": lambda xp, x, y: xp.special.gammainc(1 + x, 2 * y),
    "special.betainc parameters": lambda xp, x, y: xp.special.betainc(1 + x, 2 * x, y),
    "special.zeta parameter": lambda xp, x, y: xp.special.zeta(1.5 + x, y),
    **{f"special.expn {n}": lambda xp, x, y, n=n: xp.special.expn(n, x) for n in (1, 3)},
    **{f"special.polygamma {n}": lambda xp, x, y, n=n: xp.special.polygamma(n, 1 + x) for n in (0, 1, 2)},
}


CASES = STANDARD | SPECIAL


def named(*words: str) -> set[str]:
    """The cases whose name has one of these words."""
    return {case for case in CASES if not set(words).isdisjoint(case.replace("special.", "").split())}


NO_VALUE = {
    "AG": named("expn", "lambertw", "log_ndtr", "zeta"),
    "TF": named("expn", "lambertw", "log_ndtr"),
    # What has a shape that depends on values cannot be compiled.
    "JX": named("lambertw", "nonzero"),
    "PT": named("betainc", "expn", "lambertw"),
}
"""Where a backend raises: it has no operation of that name and none that it could be made of."""

NO_GRADIENT = {
    # autograd 1.9.1: operations without a VJP, or with one for fewer arguments than the value takes; that of norm with
    # keepdims has a wrong shape.
    "AG": {
        *(
            "broadcast_arrays",
            "copysign",
            "diff with ends",
            "cumulative_prod with the initial value",
            "linalg.cross broadcast",
            "concat flat",
            "repeat of numbers",
            "roll two",
        ),
        *(f"linalg.diagonal {k}" for k in (-1, 1, 2)),
        *(f"linalg.matrix_norm order {ord}" for ord in (1, -1, 2, -2, np.inf, -np.inf)),
        *("linalg.matrix_norm kept", "linalg.matrix_norm order -2 kept"),
        *("special.betainc parameters", "special.gammainc parameter"),
    },
    "JX": {"special.betainc parameters"},
    "PT": {"floor_divide", "special.gammainc parameter", "special.zeta parameter"},
}
"""Where a backend has a value, and raises when it is asked for the gradient."""

NO_WORD = {"TF": {"special.betainc parameters", "special.zeta parameter"}}
"""Where a backend gives None for a gradient that is not zero (TensorFlow 2.21.0)."""

FEWER_DIGITS = {"PT": {"special.polygamma 1"}}
"""Where a backend is wrong by more than rounding in float64: the trigamma function of PyTorch 2.13.0 by 5e-10."""


every_backend = pytest.mark.parametrize("short", NAMES)


@cache
def expected(case: str) -> np.ndarray:
    return np.asarray(CASES[case](ORACLE, *draw()))


def expected_gradient(case: str) -> np.ndarray:
    x, y = draw()
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = 1e-5
        above, below = (weighted(ORACLE, CASES[case](ORACLE, x + s * step, y)) for s in (1, -1))
        gradient[index] = (above - below) / 2e-5
    return gradient


@pytest.mark.parametrize("dtype", TOLERANCE)
@every_backend
def test_every_name_means_what_the_standard_says(short: str, dtype: str) -> None:
    adapter = adapter_of(short)
    xp = adapter.namespace(dtype, "cpu")
    values = outcomes(adapter, {case: partial(f, xp) for case, f in CASES.items()}, dtype)
    for case in NO_VALUE.get(short, ()):
        assert isinstance(values.pop(case), Exception), case
    checks = {}
    for case, value in values.items():
        kind = np.dtype(dtype) if expected(case).dtype == np.float64 else expected(case).dtype
        few = dtype == "float64" and case in FEWER_DIGITS.get(short, ())
        tolerance = 1e-8 if few else TOLERANCE[dtype]
        checks[case] = partial(check, adapter, value, expected(case), kind, tolerance)
    assert not problems_of(checks)


@pytest.mark.parametrize("short", DIFFERENTIATING)
def test_reverse_mode_goes_through_every_name(short: str) -> None:
    adapter = adapter_of(short)
    xp = adapter.namespace("float32", "cpu")
    cases = [case for case in CASES if expected(case).dtype == np.float64 and case not in NO_VALUE.get(short, ())]

    def gradient(case: str) -> Callable:
        shape = expected(case).shape
        return lambda x, y: adapter.gradient(lambda x: weighted(xp, CASES[case](xp, x, y), shape))(x)[0]

    values = outcomes(adapter, {case: gradient(case) for case in cases}, "float32")
    raised = {case for case, value in values.items() if isinstance(value, Exception)}
    assert raised == NO_GRADIENT.get(short, set())
    unconnected = {case for case, value in values.items() if value is None}
    assert {case for case in unconnected if expected_gradient(case).any()} == NO_WORD.get(short, set())
    assert not problems_of(
        {
            case: partial(check, adapter, values[case], expected_gradient(case), np.float32, tolerance=1e-3)
            for case in values.keys() - unconnected - raised
        }
    )
