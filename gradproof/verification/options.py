"""The command line of the suite: the options, their names checked, with a suggestion for what was meant."""

import difflib
import math
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from gradproof import content
from gradproof.backends import BACKENDS, DEVICES, DTYPES, MODES, gpu_missing, missing
from gradproof.verification import profiles

USUAL_DTYPES = ("float64", "float32", "complex128", "complex64")
"""The dtypes of a run that names its modes only."""


def add_options(parser: pytest.Parser) -> None:
    """Declare the options, and the line of an ini file."""
    functions = "files and folders of functions to verify instead of the built-in ones"
    parser.addini("gradproof_functions", functions, type="paths", default=[])
    group = parser.getgroup("gradproof", "Gradproof: what is verified")
    names = "NAME,… or all"
    group.addoption("--backend", default="all", metavar=names, help=f"backends: {', '.join(BACKENDS)} (default: all)")
    group.addoption(
        "--device", default="auto", help="cpu, gpu, all, or auto: the CPU, and the GPU where there is one (default)"
    )
    group.addoption(
        "--dtype",
        default="auto",
        metavar=names,
        help=f"dtypes: {', '.join(DTYPES)} (default: all in reverse mode; with --mode, without half precision)",
    )
    group.addoption(
        "--mode",
        default="auto",
        metavar=names,
        help=f"modes: {', '.join(MODES)} (default: all that are quick, in float64 and complex128, and reverse in every "
        "dtype; all in all with --hypothesis-profile nightly)",
    )
    group.addoption(
        "--require",
        action="append",
        default=[],
        metavar="BACKEND[-DEVICE],…",
        help="fail, do not skip, when this backend is missing, broken, or verifies nothing (repeatable)",
    )
    group.addoption(
        "--functions",
        action="append",
        default=[],
        metavar="PATH",
        help="verify the functions of this file or folder instead of the built-in ones (repeatable)",
    )
    group.addoption(
        "--tf32",
        action="store_true",
        help="let float32 products on a GPU lose digits to TF32, to see what it costs (they are then imprecise)",
    )
    group.addoption("--results", metavar="PATH", help="write one JSON line per verified cell, as the run goes")
    group.addoption(
        "--reproduce",
        metavar="DIR",
        help="write a script that needs the backend alone for each cell that is not verified",
    )
    group.addoption("--report", metavar="PATH", help="write one self-contained HTML page of what was found")
    group.addoption(
        "--budget",
        metavar="SECONDS",
        help="search functions of your own for about so long in all, shared among their cells",
    )
    group.addoption("--baseline", metavar="PATH", help="compare with an earlier --results file; what got worse fails")


@dataclass(frozen=True)
class Options:
    """The command line, checked. `required` holds "backend" and "backend-device" names; `names_dtypes`,
    `names_modes` and `names_profile` say whether those were named, or are the default run's. No `functions` are the
    built-in ones. `asked_modes` are those that were named one by one, and `budget` are the seconds in which all is to
    be searched, where they were given. `profile` and `seed` say what is drawn; `given` are the options that decide how
    a cell's test is called."""

    backends: tuple[str, ...]
    devices: tuple[str, ...]
    dtypes: tuple[str, ...]
    modes: tuple[str, ...]
    names_dtypes: bool
    names_modes: bool
    required: tuple[str, ...]
    functions: tuple[Path, ...]
    results: Path | None
    baseline: Path | None
    reproduce: Path | None = None
    report: Path | None = None
    tf32: bool = False
    asked_modes: tuple[str, ...] = ()
    budget: float | None = None
    profile: str = "dev"
    names_profile: bool = False
    seed: int = 0
    given: tuple[str, ...] = ()

    @property
    def names_backends(self) -> bool:
        """Whether some backends were named, and not all are meant."""
        return len(self.backends) < len(BACKENDS)

    @classmethod
    def of(cls, config: pytest.Config) -> "Options":
        """Read the options. Raises `pytest.UsageError` for a name that is not known or a GPU that is not there."""
        folder = config.invocation_params.dir
        profile = profiles.chosen(config)

        dtypes, modes = config.getoption("dtype"), config.getoption("mode")
        if profile == "nightly":
            dtypes, modes = ("all" if given == "auto" else given for given in (dtypes, modes))
        names_dtypes, names_modes = dtypes != "auto", modes != "auto"
        usual = USUAL_DTYPES if names_modes else DTYPES

        def path(option: str) -> Path | None:
            given = config.getoption(option)
            return folder / given if given else None

        devices = _devices(config.getoption("device"))
        return cls(
            backends=_names("--backend", config.getoption("backend"), tuple(BACKENDS)),
            devices=devices,
            dtypes=_names("--dtype", dtypes, DTYPES) if names_dtypes else usual,
            modes=_names("--mode", modes, tuple(MODES)) if names_modes else tuple(MODES),
            names_dtypes=names_dtypes,
            names_modes=names_modes,
            asked_modes=_asked_by_name(config.getoption("mode")),
            budget=_budget(config.getoption("budget")),
            required=tuple(
                _required(name.strip()) for names in config.getoption("require") for name in names.split(",")
            ),
            functions=_functions(config),
            results=path("results"),
            baseline=_existing("--baseline", baseline) if (baseline := path("baseline")) else None,
            reproduce=_folder("--reproduce", given) if (given := path("reproduce")) else None,
            report=_page(given) if (given := path("report")) else None,
            tf32=_tf32(config.getoption("tf32"), devices),
            profile=profile,
            names_profile=bool(config.getoption("hypothesis_profile", None)),
            seed=_seed(config),
            given=_given(config),
        )

    @property
    def wants_scripts(self) -> bool:
        """Whether somebody reads a script of what is recorded."""
        return self.reproduce is not None or self.report is not None

    def again(self, test: str) -> str:
        """The command that runs this one test again, with the same draws, in whatever folder."""
        # A profile of somebody else's is known only where his conftest is loaded.
        start = ["gradproof", "verify"]
        if self.profile not in profiles.DRAWS:
            start = ["pytest", "-p", "gradproof.plugin", "-p", "gradproof.verification.command"]
        files = [str(path.resolve()) for path in self.functions]
        if start[0] == "pytest":
            files = [f"--functions={file}" for file in files]
        # Of a user's functions a profile that is named has as many draws as it says, and no more.
        timed = self.functions and not self.names_profile
        profile = [] if timed else [f"--hypothesis-profile={self.profile}"]
        seed = [f"--hypothesis-seed={self.seed}"] if self.seed else []
        return shlex.join([*start, *files, "-k", test, *self.given, *profile, *seed])


def _functions(config: pytest.Config) -> tuple[Path, ...]:
    named = [Path(config.invocation_params.dir, path) for path in config.getoption("functions")]
    if named:
        return tuple(_existing("--functions", path) for path in named)
    paths = tuple(_existing("gradproof_functions", path) for path in config.getini("gradproof_functions"))
    return () if paths == (content.FUNCTIONS,) else paths


def _asked_by_name(given: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in given.split(",") if name.strip() not in ("all", "auto"))


def _budget(given: str | None) -> float | None:
    if given is None:
        return None
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise pytest.UsageError(f"--budget: {given!r} is no number of seconds; give one such as --budget 60")
    return seconds


def _seed(config: pytest.Config) -> int:
    # The same draws in every run, unless asked otherwise: two runs can then be compared cell by cell.
    given = config.getoption("hypothesis_seed", None) or 0
    try:
        return int(given)
    except ValueError:
        raise pytest.UsageError(
            f"--hypothesis-seed: {given!r} is no whole number; give a number, so that the run can be repeated"
        ) from None


def _given(config: pytest.Config) -> tuple[str, ...]:
    usual = {"backend": "all", "device": "auto", "dtype": "auto", "mode": "auto"}
    given = {name: config.getoption(name) for name in usual}
    named = [f"--{name}={value}" for name, value in given.items() if value != usual[name]]
    named += [f"--budget={budget}"] if (budget := config.getoption("budget")) else []
    return (*named, "--tf32") if config.getoption("tf32") else tuple(named)


def _names(option: str, given: str, known: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in given.split(",")))
    if "all" in names:
        return known
    for name in names:
        if name not in known:
            raise pytest.UsageError(f"{option}: {_unknown(name, known)}")
    return names


def _unknown(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"{name!r} is not known.{hint} Known: {', '.join(known)}, all"


def _devices(given: str) -> tuple[str, ...]:
    # The driver answers for the machine; whether a backend's build reaches the GPU is told per cell.
    reason = gpu_missing() if given != "cpu" else None
    if given == "gpu" and reason:
        raise pytest.UsageError(f"--device gpu: {reason}. Run with --device cpu, or on a machine with a GPU")
    choices = {"cpu": ("cpu",), "gpu": ("gpu",), "all": DEVICES, "auto": ("cpu",) if reason else DEVICES}
    if given not in choices:
        raise pytest.UsageError(f"--device: {_unknown(given, ('cpu', 'gpu', 'auto'))}")
    return choices[given]


def _tf32(given: bool, devices: tuple[str, ...]) -> bool:
    if given and "gpu" not in devices:
        why = gpu_missing() or "--device leaves the GPU out"
        raise pytest.UsageError(f"--tf32 has no effect on the CPU, which has no TF32: {why}")
    return given


def _required(name: str) -> str:
    backend, _, device = name.partition("-")
    if backend not in BACKENDS:
        raise pytest.UsageError(f"--require: {_unknown(backend, tuple(BACKENDS))}")
    if device and device not in DEVICES:
        raise pytest.UsageError(f"--require {name}: {_unknown(device, DEVICES)}")
    # A missing GPU is known before any test is run, and no test could say more.
    if device == "gpu" and (reason := missing(backend, device)):
        raise pytest.UsageError(f"--require {name}: {reason}")
    return name


def _page(path: Path) -> Path:
    if path.is_dir():
        raise pytest.UsageError(f"--report {path} is a folder; give the HTML file to write")
    return path


def _folder(option: str, path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise pytest.UsageError(f"{option} {path}: {error}") from error
    return path


def _existing(option: str, path: Path) -> Path:
    if not path.exists():
        raise pytest.UsageError(f"{option}: there is no file or folder {path}")
    return path
