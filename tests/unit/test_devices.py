"""Devices without one: what a GPU run says where there is no GPU, and, with a stand-in at the adapter's edge, what it
does where there is one. None of this has touched a real GPU."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gradproof import backends
from gradproof.backends import gpu, settings
from gradproof.backends.numpy.adapter import NumpyAdapter
from gradproof.registry import Function, Namespace
from gradproof.report.rows.results import PROPERTY, Row
from gradproof.verification.cells import Cell
from gradproof.verification.run import Verification
from tests.unit.made import entry

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("NVIDIA_TF32_OVERRIDE", "CUBLAS_WORKSPACE_CONFIG"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    gpu.gpu_missing.cache_clear()
    yield
    settings.SETTINGS.tf32 = False
    gpu.gpu_missing.cache_clear()


# Why there is none


@pytest.mark.skipif(gpu.gpu_missing() is None, reason="there is a GPU here")
@pytest.mark.skipif(
    backends.installed_version("jax") is None, reason="what is not installed needs no GPU to be missing"
)
@pytest.mark.parametrize(
    ("hidden", "message"),
    [
        ({"CUDA_VISIBLE_DEVICES": ""}, "the GPU is hidden: CUDA_VISIBLE_DEVICES is ''"),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, "the GPU is hidden: CUDA_VISIBLE_DEVICES is '-1'"),
        ({"NVIDIA_VISIBLE_DEVICES": "void"}, "hidden from this container: NVIDIA_VISIBLE_DEVICES is 'void'"),
        ({"NVIDIA_VISIBLE_DEVICES": "all"}, "no GPU: the NVIDIA driver"),
    ],
    ids=str,
)
def test_a_required_gpu_that_is_not_there_fails_at_once(hidden: dict[str, str], message: str) -> None:
    environment = {k: v for k, v in os.environ.items() if "VISIBLE_DEVICES" not in k} | hidden
    for options in (("--device", "gpu", "--require", "jax-gpu"), ("--require", "jax-gpu")):
        command = [sys.executable, "-m", "pytest", "tests/verification", "-p", "no:cacheprovider", *options]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == pytest.ExitCode.USAGE_ERROR
        assert message in done.stderr
        assert "passed" not in done.stdout and "tensorflow" not in done.stderr


@pytest.mark.parametrize(
    ("name", "distribution", "version"),
    [("torch", "torch", "2.0+cpu"), ("tensorflow", "tensorflow-cpu", "2.0"), ("jax", "jax", "1.0")],
    ids=["by its version", "by its name", "by what is not there"],
)
def test_a_build_without_its_gpu_part_is_the_cause(
    name: str, distribution: str, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "gpu_missing", lambda: None)
    monkeypatch.setattr(backends, "installed_version", lambda _: version)
    monkeypatch.setattr(backends, "_is_installed", lambda wanted: wanted == distribution)
    reason = backends.missing(name, "gpu")
    assert reason is not None and "is a CPU build" in reason


def test_a_build_with_its_gpu_part_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "gpu_missing", lambda: None)
    monkeypatch.setattr(backends, "installed_version", lambda _: "2.0")
    monkeypatch.setattr(backends, "_is_installed", lambda wanted: True)
    assert [backends.missing(name, "gpu") for name in ("tensorflow", "jax", "torch")] == [None] * 3


# A stand-in for one: NumPy, that says that its arrays lie on a GPU, and multiplies matrices as TF32 does


def as_tf32(x: np.ndarray) -> np.ndarray:
    if x.dtype != np.float32:
        return x
    bits = x.view(np.uint32).astype(np.uint64)
    return ((bits + 0xFFF + ((bits >> 13) & 1)) >> 13 << 13).astype(np.uint32).view(np.float32)


class StandIn(NumpyAdapter):
    """A GPU, as far as an adapter tells."""

    failure: Exception | None = None

    def devices(self) -> dict[str, Any]:
        return {"cpu": "cpu", "gpu": "gpu"}

    def device_of(self, array: Any) -> str:
        return "gpu"

    def array(self, values: np.ndarray, dtype: str, device: str) -> np.ndarray:
        if self.failure is not None:
            raise self.failure
        return super().array(values, dtype, device)

    def namespace(self, dtype: str, device: str) -> Namespace:
        real = super().namespace(dtype, device)

        class Products:
            def __getattr__(self, name: str) -> Any:
                if name == "matmul" and settings.SETTINGS.tf32:
                    return lambda a, b: np.matmul(as_tf32(a), as_tf32(b))
                return getattr(real, name)

        return Products()


def product() -> Function:
    function = entry(
        lambda xp, a, b: xp.sum(xp.matmul(a, b) ** 2),
        lambda xp, a, b: (
            xp.matmul(2 * xp.matmul(a, b), xp.matrix_transpose(b)),
            xp.matmul(xp.matrix_transpose(a), 2 * xp.matmul(a, b)),
        ),
        a=(3, 4),
        b=(4, 2),
    )
    function.name = "product"
    return function


def verified(adapter: StandIn, dtype: str, monkeypatch: pytest.MonkeyPatch, **options: bool) -> Row:
    """The row of a cell on the stand-in; a failure is in its verdict."""
    monkeypatch.setattr(backends, "missing", lambda name, device: None)
    monkeypatch.setattr(backends, "load", lambda name: adapter)
    item = SimpleNamespace(nodeid="planted", user_properties=[])
    given = SimpleNamespace(
        required=(), functions=(), reproduce=None, report=None, wants_scripts=False, **({"tf32": False} | options)
    )
    settings.use(tf32=given.tf32)
    cell = Cell(product(), "numpy", "gpu", dtype, "reverse")
    try:
        Verification(item, run_seed=0, examples=20, options=given).verify(cell, "exact", share=1.0)
    except pytest.fail.Exception as failed:
        item.message = str(failed)
    (row,) = (given for name, given in item.user_properties if name == PROPERTY)
    return row | {"message": getattr(item, "message", "")}


def test_tf32_is_off_by_default_and_shows_as_imprecise(monkeypatch: pytest.MonkeyPatch) -> None:
    row = verified(StandIn(), "float32", monkeypatch)
    assert (row["verdict"], row["tf32"]) == ("verified", False)
    assert os.environ["NVIDIA_TF32_OVERRIDE"] == "0"
    row = verified(StandIn(), "float32", monkeypatch, tf32=True)
    assert (row["verdict"], row["tf32"]) == ("imprecise", True)
    assert row["ratio"] > 100
    assert "NVIDIA_TF32_OVERRIDE" not in os.environ


def test_tf32_excuses_no_other_dtype_and_no_wrong_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    assert verified(StandIn(), "float64", monkeypatch, tf32=True)["verdict"] == "verified"
    wrong = StandIn()
    monkeypatch.setattr(wrong, "to_numpy", lambda array: np.asarray(array) * np.float32(1.1))
    assert verified(wrong, "float32", monkeypatch, tf32=True)["verdict"] == "wrong"


def test_a_full_card_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = StandIn()
    adapter.failure = RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 17179869184 bytes.")
    row = verified(adapter, "float32", monkeypatch)
    assert row["verdict"] == "not run"
    assert row["reason"].startswith("out of memory on the gpu (RuntimeError: RESOURCE_EXHAUSTED")
    assert "STOPPED" in row["message"]
