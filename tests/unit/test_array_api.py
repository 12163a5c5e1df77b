"""The list of the array API standard against the namespaces: every differentiable name is there in the oracles and in
every backend, and in balls the names mean what NumPy says."""

import tomllib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx

from gradproof import content
from gradproof.oracles.balls import BallArithmetic, Balls, TaylorArithmetic
from gradproof.oracles.machine_model import FORMATS, MachineModel
from tests.unit.made import NAMES, at, confirmed, entry
from tests.unit.test_adapter_names import ORACLE, STANDARD
from tests.unit.test_adapters import adapter_of

LIST = tomllib.loads((content.FUNCTIONS / "array_api" / "array_api_2024_12.toml").read_text(encoding="utf-8"))
SECTIONS = {name: section for name, section in LIST.items() if isinstance(section, dict)}
WANTED = sorted(
    f"{section['prefix']}.{name}" if "prefix" in section else name
    for section in SECTIONS.values()
    for name in section.get("differentiable", []) + section.get("flat", [])
)


def found(xp: Any, name: str) -> bool:
    for part in name.split("."):
        xp = getattr(xp, part, None)
    return xp is not None


def test_the_list_is_that_of_the_standard() -> None:
    for section in SECTIONS.values():
        names = section.get("differentiable", []) + section.get("flat", []) + list(section.get("without_gradient", {}))
        assert len(names) == len(set(names))
        module = {"linalg": np.linalg, "fft": np.fft}.get(section.get("prefix"), np)
        assert [name for name in names if not hasattr(module, name)] == []
    # NumPy's own additions aside, nothing of its two extensions is missing.
    assert set(dir(np.fft)) - {"fft2", "ifft2", "rfft2", "irfft2"} >= set(SECTIONS["fft"]["differentiable"])
    assert (LIST["version"], len(WANTED)) == ("2024.12", 116)


@pytest.mark.parametrize("on", [BallArithmetic(), TaylorArithmetic()], ids=["balls", "series"])
def test_the_oracles_have_every_differentiable_name(on: BallArithmetic) -> None:
    assert [name for name in WANTED if not found(on.namespace(), name)] == []


@pytest.mark.parametrize("short", NAMES)
def test_every_backend_has_every_differentiable_name(short: str) -> None:
    xp = adapter_of(short).namespace("float64", "cpu")
    assert [name for name in WANTED if not found(xp, name)] == []


# Balls mean what NumPy says

LEFT_OUT = ("nextafter",)


def floats(result: Any) -> np.ndarray:
    if isinstance(result, Balls):
        return result.entries.astype(float)
    return np.asarray(getattr(result, "value", result))


@pytest.fixture(autouse=True, scope="module")
def many_bits() -> Any:
    with ctx.workprec(320):
        yield


@pytest.mark.parametrize("model", [None, MachineModel(FORMATS["float64"])], ids=["truth", "modelled"])
@pytest.mark.parametrize("case", [case for case in STANDARD if case not in LEFT_OUT])
def test_balls_mean_what_arrays_mean(case: str, model: MachineModel | None) -> None:
    x, y = np.random.default_rng(5).uniform(0.1, 0.9, (2, 3, 4))
    on = BallArithmetic(model)
    ours = STANDARD[case](on.namespace(), on.inputs(x), on.inputs(y))
    theirs = np.asarray(STANDARD[case](ORACLE, x, y))
    assert floats(ours).shape == theirs.shape
    assert np.allclose(floats(ours), theirs, rtol=1e-13, atol=1e-13)


STEPS = {
    "floor": [-2.0, -1.0, 0.0, 0.0, 1.0, 2.0],
    "ceil": [-1.0, -1.0, 0.0, 1.0, 1.0, 3.0],
    "round": [-2.0, -1.0, 0.0, 0.0, 1.0, 2.0],
    "trunc": [-1.0, -1.0, 0.0, 0.0, 1.0, 2.0],
}


@pytest.mark.parametrize("name", STEPS)
def test_steps(name: str) -> None:
    xp, x = (on := BallArithmetic()).namespace(), np.array([-1.5, -1.0, 0.0, 0.25, 1.0, 2.5])
    assert floats(getattr(xp, name)(on.inputs(x))).tolist() == STEPS[name] == getattr(np, name)(x).tolist()


@pytest.mark.parametrize(
    ("name", "jumps", "smooth"),
    [("floor", 1.0, 0.5), ("ceil", 0.0, 0.5), ("round", 0.5, 1.0), ("trunc", 1.0, 0.0), ("floor", -3.0, 2.0**-200)],
)
def test_a_jump_is_a_kink(name: str, jumps: float, smooth: float) -> None:
    for x, kink in ((jumps, True), (smooth, False)):
        on = BallArithmetic()
        getattr(on.namespace(), name)(on.inputs(np.array(x)))
        assert (on.at_kink, on.undecided) == (kink, False)


def test_rounding_within_rounding_of_a_jump_takes_both_sides() -> None:
    on = BallArithmetic(MachineModel(FORMATS["float32"]))
    third = on.inputs(np.array(1.0)) / 3
    either = on.namespace().floor(third * 3).entries[()]
    assert either.contains(0) and either.contains(1) and on.undecided


def test_questions() -> None:
    xp, on = (on := BallArithmetic()).namespace(), on
    x = Balls(np.array([arb(1), arb("inf"), arb("nan"), arb("-inf")], dtype=object), on)
    assert xp.isfinite(x).value.tolist() == [True, False, False, False]
    assert xp.isinf(x).value.tolist() == [False, True, False, True]
    assert xp.isnan(x).value.tolist() == [False, False, True, False]
    assert bool(xp.any(xp.isnan(x))) and not bool(xp.all(xp.isnan(x)))


MATRIX = [[3.0, -0.5, 0.25], [0.75, -2.5, 1.0], [-0.125, 0.5, 1.5]]
BODIES: dict[str, Callable] = {
    "copysign": lambda xp, x: xp.copysign(x, -x)[0, 1] * x[1, 0],
    "cross": lambda xp, x: xp.sum(xp.linalg.cross(x, xp.flip(x, axis=0)) * x),
    "cumulative": lambda xp, x: xp.sum(xp.cumulative_prod(x, axis=1, include_initial=True)[:, 1:] * x),
    "diff": lambda xp, x: xp.sum(xp.diff(x, n=2, axis=0, prepend=x[:1] ** 2) * x[:2]),
    "meshgrid": lambda xp, x: xp.sum(xp.meshgrid(x[0], x[1])[0] * xp.meshgrid(x[1], x[2], indexing="ij")[0] * x),
    "remainder": lambda xp, x: xp.sum(xp.remainder(x, 0.7) * x) + xp.remainder(x[0, 0], x[1, 1]) ** 2,
    "steps": lambda xp, x: xp.sum((xp.floor(x + 0.1) + xp.round(x + 0.1) * xp.trunc(x + 0.1) + xp.ceil(x + 0.1)) * x),
    "unstack": lambda xp, x: xp.sum(xp.unstack(x, axis=1)[2] * xp.broadcast_arrays(x[0, :1], x[1])[0]),
}


@pytest.mark.parametrize("name", BODIES)
def test_derivatives(name: str) -> None:
    assert confirmed(entry(BODIES[name], x=(3, 3)), at(MATRIX))
