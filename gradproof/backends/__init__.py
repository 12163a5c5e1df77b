"""Who differentiates: one small adapter per backend. The table below is the only list of backends; everything else
(options, parametrization, the header) is derived from it. Importing this package imports no backend."""

import difflib
import gc
import importlib
import importlib.metadata
import importlib.util
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from gradproof.backends.adapter import Adapter
from gradproof.backends.gpu import gpu_missing
from gradproof.backends.modes import MODES, Mode
from gradproof.backends.operations import Operations
from gradproof.backends.quiet import quiet
from gradproof.backends.transformations import Missing, Unsupported
from gradproof.registry import Function
from gradproof.registry.names import unknown

if TYPE_CHECKING:
    # It stands on the tape, and who looks a backend up waits for no ball arithmetic.
    from gradproof.backends.calls import Calls

DTYPES = ("float64", "float32", "float16", "bfloat16", "complex128", "complex64")
DEVICES = ("cpu", "gpu")

NUMPY_DTYPES = ("float64", "float32", "float16", "complex128", "complex64")


MAPPED = tuple(name for name, mode in MODES.items() if mode.batched)
"""The modes that map a function over a batch."""


@dataclass(frozen=True)
class Backend:
    """What is known of a backend without importing it.

    `distributions` are the names under which it may be installed; `gpu_distributions` those of which one must be there
    as well for its wheel to reach a GPU (none: the wheel itself tells); `cure` says how to install it. `dtypes` and
    `modes` are those that its adapter claims, and `lacks` says why it does not claim the others. `nightly` modes are
    too slow here for the default run, and `quick` is the one in which that tries every function.
    `array_modules` are the packages whose classes its arrays are, by which `check_grads` tells frameworks apart, and
    `makes` is the code that makes one of numbers.
    `refusals` are words of the errors by which it says that a rule of somebody's own has no such kind of derivative.
    `traces` says whether the derivatives of its own code can be had, so that a function needs no body, and
    `differentiates` whether it has a differentiation of its own, as its adapter says as well.
    `environment` are variables that keep it from logging, where they are set before it is imported.
    `import_seconds` is about what its import costs each process. The ids of the suite's own tests call it `short`:
    `-k` with its name is to select cells of the verification only."""

    name: str
    short: str
    distributions: tuple[str, ...]
    cure: str
    has_gpu: bool = True
    dtypes: tuple[str, ...] = DTYPES
    modes: tuple[str, ...] = tuple(MODES)
    lacks: Mapping[str, str] = field(default_factory=dict)
    nightly: tuple[str, ...] = ()
    quick: str = "reverse"
    gpu_distributions: tuple[str, ...] = ()
    array_modules: tuple[str, ...] = ()
    makes: str = "np.array({})"
    refusals: tuple[str, ...] = ()
    traces: bool = True
    differentiates: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)
    import_seconds: float = 0.1


BACKENDS = {
    backend.name: backend
    for backend in (
        Backend(
            "numpy",
            "NP",
            ("numpy",),
            "pip install gradproof",
            has_gpu=False,
            traces=False,
            differentiates=False,
            dtypes=NUMPY_DTYPES,
            modes=("reverse",),
            lacks={
                "bfloat16": "NumPy has no bfloat16",
                **dict.fromkeys(MODES, "numpy runs the hand-derived gradient, and that in one way"),
            },
        ),
        Backend(
            "autograd",
            "AG",
            ("autograd",),
            'pip install "gradproof[autograd]"',
            has_gpu=False,
            dtypes=NUMPY_DTYPES,
            modes=tuple(mode for mode in MODES if mode not in ("compiled", "xla", *MAPPED)),
            lacks={
                "bfloat16": "NumPy has no bfloat16",
                "compiled": "autograd has no compiler",
                "xla": "autograd has no compiler",
                **dict.fromkeys(MAPPED, "autograd has no vectorizing transformation"),
            },
            refusals=("JVP of ",),
        ),
        Backend(
            "tensorflow",
            "TF",
            ("tensorflow", "tensorflow-cpu", "tf-nightly"),
            'pip install "gradproof[tensorflow]"',
            array_modules=("tensorflow", "keras"),
            makes="tf.constant({})",
            environment={"TF_CPP_MIN_LOG_LEVEL": "3"},
            import_seconds=6.0,
        ),
        Backend(
            "jax",
            "JX",
            ("jax",),
            'pip install "gradproof[jax]"',
            modes=tuple(mode for mode in MODES if mode != "xla"),
            lacks={"xla": "jax compiles with XLA in every mode but reverse: see compiled"},
            # Operation by operation every dtype costs a minute of compiling.
            quick="compiled",
            gpu_distributions=("jax-cuda12-plugin", "jax-cuda13-plugin", "jax-rocm60-plugin"),
            array_modules=("jax", "jaxlib"),
            makes="jnp.array({})",
            refusals=("to a custom_vjp function", "Differentiation rule for 'custom_lin' not implemented"),
            import_seconds=1.1,
        ),
        Backend(
            "torch",
            "PT",
            ("torch",),
            'pip install "gradproof[torch]"',
            modes=tuple(mode for mode in MODES if mode != "xla"),
            lacks={"xla": "PyTorch reaches XLA by a package of its own, torch_xla"},
            nightly=("compiled",),
            array_modules=("torch",),
            makes="torch.tensor({}, requires_grad=True)",
            refusals=(
                "it must override the setup_context staticmethod",
                "You must implement the jvp function for custom autograd.Function",
                "does not have vmap support",
                "marked with @once_differentiable",
            ),
            import_seconds=2.1,
        ),
    )
}


def installed_version(name: str) -> str | None:
    """The version in the installed metadata, without importing the backend; None where it is not installed."""
    try:
        if importlib.util.find_spec(name) is None:
            return None
    except ValueError:  # a stand-in in sys.modules without a specification
        return None
    found = (_version(distribution) for distribution in BACKENDS[name].distributions)
    return next((version for version in found if version is not None), "unknown version")


@cache
def _version(distribution: str) -> str | None:
    # Every cell asks, and the metadata are parsed anew each time.
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def missing(name: str, device: str) -> str | None:
    """Why `name` cannot be verified on `device`, as far as can be told without importing it; None where it may."""
    backend = BACKENDS[name]
    if installed_version(name) is None:
        return f"{name} is not installed: {backend.cure}"
    if device == "cpu":
        return None
    if not backend.has_gpu:
        return f"{name} runs on the CPU only"
    reason = gpu_missing()
    if reason is None and _is_cpu_build(name):
        return f"{name} {installed_version(name)} is a CPU build: install its build for the GPU"
    if reason is None and backend.gpu_distributions and not any(map(_is_installed, backend.gpu_distributions)):
        return f"{name} is a CPU build: none of {', '.join(backend.gpu_distributions)} is installed"
    return reason


def check_implementations(function: Function) -> None:
    """Raise `RegistryError` where a function has an implementation for a backend that is none: it would never run, and
    the body would be verified in its place."""
    for name in function.implementations:
        if name not in BACKENDS:
            close = difflib.get_close_matches(str(name).lower(), BACKENDS, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise function.error(f"it has an implementation for {name!r}.{hint} Known: {', '.join(BACKENDS)}")
        for mode in function.promise(name).modes:
            if mode not in MODES:
                raise function.error(unknown(f"modes of the implementation for {name}", mode, MODES))


def refuses(backend: str, error: Exception) -> bool:
    """Whether an error says that a rule of somebody's own has no such kind of derivative as was asked for, as the
    forward mode of a rule for reverse mode, and not that something is wrong."""
    return any(words in str(error) for words in BACKENDS[backend].refusals)


def _is_cpu_build(name: str) -> bool:
    # Some wheels tell by their version, 2.0+cpu, and some by the name of their distribution.
    found = [distribution for distribution in BACKENDS[name].distributions if _is_installed(distribution)]
    return "+cpu" in (installed_version(name) or "") or (bool(found) and all(d.endswith("-cpu") for d in found))


def _is_installed(distribution: str) -> bool:
    return _version(distribution) is not None


def differentiate(adapter: Adapter, function: Function, dtype: str, device: str, mode: str) -> Callable:
    """The code that is verified in this mode. Raises `Unsupported` for what the adapter does not claim."""
    known = BACKENDS[adapter.name]
    for name, claimed in ((dtype, known.dtypes), (mode, known.modes)):
        if name not in claimed:
            raise Unsupported(known.lacks[name])
    return MODES[mode].compose(adapter, function, dtype, device)


@cache
def load(name: str) -> Adapter:
    """Import a backend and return its adapter.

    Raises `Missing` where it is not installed, or where importing it raises: the message has the cause."""
    if installed_version(name) is None:
        raise Missing(f"{name} is not installed: {BACKENDS[name].cure}")
    keep_quiet()
    try:
        with quiet():
            module = importlib.import_module(f"gradproof.backends.{name}.adapter")
            adapter = module.ADAPTER()
    except Exception as error:
        raise Missing(
            f"importing {name} {installed_version(name)} raised {type(error).__name__}: {error}. "
            f"Reinstall it: {BACKENDS[name].cure}"
        ) from error
    # A framework's modules stay, hundreds of thousands of objects: to look for garbage among them, again and again,
    # takes longer than to verify many a cell.
    gc.freeze()
    return adapter


def keep_quiet() -> None:
    """Have no backend log of what it does, where nobody has said that it should."""
    for backend in BACKENDS.values():
        for variable, value in backend.environment.items():
            os.environ.setdefault(variable, value)


@cache
def operations_of(name: str) -> Operations:
    """The framework's own lists of operations. Raises `Missing` where it is not installed."""
    if installed_version(name) is None:
        raise Missing(f"{name} is not installed: {BACKENDS[name].cure}")
    return importlib.import_module(f"gradproof.backends.{name}.operations").OPERATIONS()


@cache
def calls_of(name: str) -> "Calls":
    """What is asked of a backend about somebody's own function. Nothing is set up in the backend."""
    return importlib.import_module(f"gradproof.backends.{name}.calls").CALLS()


__all__ = [
    "BACKENDS",
    "DEVICES",
    "DTYPES",
    "MODES",
    "Adapter",
    "Backend",
    "Missing",
    "Mode",
    "Unsupported",
    "calls_of",
    "check_implementations",
    "differentiate",
    "gpu_missing",
    "installed_version",
    "load",
    "missing",
    "operations_of",
    "refuses",
]
