"""The wheel in an environment of its own, without this checkout, in the folders of people who have files, options and
settings of their own: it claims one name, leaves their tests as they are, and finds what the checkout finds."""

import importlib.metadata
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import textwrap
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytest.importorskip("hatchling", reason="it is not installed: pip install -r requirements/tools.txt")
# Not imported: in this process Setuptools would then leave everybody the old distutils, whose import warns.
if not list(importlib.metadata.distributions(name="pip")):
    pytest.skip("this environment has no pip, which builds and installs the wheel", allow_module_level=True)

MINE = """
    from gradproof import Reals, function

    @function(x=Reals(), points=[dict(x=1.5)])
    def cube(xp, x):
        "f(x) = x³"
        return x * x * x

    @cube.gradient
    def _(xp, x):
        return 3 * x * x
"""

NUMPY = ("--backend", "numpy")

# Everything that may be in the way: modules of the names that the checkout has folders of, options of the names that
# Gradproof has, other names for tests, lines of an ini file that only their conftest knows, and warnings as errors.
THEIRS = {
    "functions.py": "MINE = 1",
    "oracles.py": "MINE = 1",
    "report/__init__.py": "MINE = 1",
    "backends/__init__.py": "MINE = 1",
    "tests/__init__.py": "",
    "conftest.py": """
        import pytest

        def pytest_addoption(parser):
            parser.addoption("--device")
            parser.addoption("--report")
            parser.addini("theirs", "a line")

        @pytest.fixture
        def device(request):
            return request.config.getoption("--device")
    """,
    "pytest.ini": """
        [pytest]
        addopts = --strict-config --device=theirs --report=theirs
        theirs = 1
        usefixtures = device
        python_functions = check_*
        python_files = check_*.py
        filterwarnings = error
    """,
    "tests/check_theirs.py": """
        import sys
        import backends, functions, oracles, report

        def check_all(device):
            assert device == "theirs"
            assert all(module.MINE for module in (backends, functions, oracles, report))
            assert not any(name.startswith("gradproof") for name in sys.modules)
    """,
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text), encoding="utf-8")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*command, "-w", folder, ROOT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


def installed(wheel: Path, folder: Path) -> Path:
    """A fresh environment with the wheel; the other packages are those of this one, but an editable checkout is not."""
    venv.create(folder)
    purelib = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(folder), "platbase": str(folder)}))
    # A line of a .pth file adds a folder, but reads none of the .pth files in it.
    there = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (purelib / "others.pth").write_text("\n".join(sorted(there)), encoding="utf-8")
    command = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python"]
    command += ["install", "--quiet", "--no-deps", "--no-index", wheel]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = subprocess.run(
        [folder / "bin" / "python", "-c", "import gradproof; print(gradproof.__file__)"],
        cwd=folder,
        env=clean(folder),
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(told.stdout.strip()).is_relative_to(purelib)
    return folder


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(wheel, tmp_path_factory.mktemp("environment"))


def clean(environment: Path) -> dict[str, str]:
    """The variables of a shell in which this environment is active."""
    ours = ("PYTHONPATH", "VIRTUAL_ENV", "CI", "PYTEST_ADDOPTS")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "150"}


def run(environment: Path, folder: Path, *command: str | Path) -> subprocess.CompletedProcess:
    return shell(environment, folder, shlex.join([str(environment / "bin" / command[0]), *map(str, command[1:])]))


def shell(environment: Path, folder: Path, line: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        line, shell=True, cwd=folder, env=clean(environment), capture_output=True, text=True, check=False
    )


def passed(done: subprocess.CompletedProcess) -> str:
    """The output of a run that must pass."""
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def table(output: str) -> list[str]:
    """The tables that -v prints of what was verified."""
    assert "what was verified" in output
    lines = output.partition("by backend, device, dtype and mode:")[2].partition("=====")[0].splitlines()
    return [*filter(None, lines)]


def verified_here(*options: str) -> list[str]:
    """The same table from this checkout."""
    command = [sys.executable, "-m", "pytest", "tests/verification", "-p", "no:cacheprovider", *options]
    variables = {name: value for name, value in os.environ.items() if name != "CI"} | {"COLUMNS": "150"}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    return table(passed(done))


def test_the_wheel_claims_one_name_and_loads_itself_nowhere(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (points,) = (archive.read(name).decode() for name in names if name.endswith("/entry_points.txt"))
    tops = {name.partition("/")[0] for name in names}
    assert {name for name in tops if not name.endswith(".dist-info")} == {"gradproof"}
    assert "gradproof = gradproof.cli:main" in points and "pytest" not in points
    inside = [name for name in names if name.startswith("gradproof/builtin/functions/") and name.endswith(".py")]
    assert len(inside) == sum(1 for _ in (ROOT / "functions").rglob("*.py"))


def test_importing_it_imports_no_framework(environment: Path, tmp_path: Path) -> None:
    code = "import sys, gradproof; print(*sys.modules)"
    modules = {name.partition(".")[0] for name in passed(run(environment, tmp_path, "python", "-c", code)).split()}
    assert "gradproof" in modules
    assert not modules & {"autograd", "tensorflow", "jax", "jaxlib", "torch", "pytest"}


def test_a_project_with_names_and_options_of_its_own_is_left_as_it_is(environment: Path, tmp_path: Path) -> None:
    write(tmp_path, THEIRS)
    output = passed(run(environment, tmp_path, "python", "-m", "pytest"))
    assert "1 passed" in output and "gradproof" not in output


def test_a_folder_without_anything_verifies_what_the_checkout_verifies(environment: Path, tmp_path: Path) -> None:
    output = passed(run(environment, tmp_path, "gradproof", "verify", "-k", "softmax", "-v", *NUMPY))
    assert table(output) == verified_here("-k", "softmax", "-v", *NUMPY)
    assert [*tmp_path.iterdir()] == [tmp_path / ".pytest_cache"]


def test_functions_of_a_project_whose_environment_lies_in_it(wheel: Path, tmp_path: Path) -> None:
    write(tmp_path, THEIRS | {"mine.py": MINE})
    inside = installed(wheel, tmp_path / ".venv")
    # Where a profile is named there are as many draws however fast the machine is, so that tables can be compared.
    few = (*NUMPY, "-v", "--hypothesis-profile=dev")
    options = ("-n", "2", "--results", "r.jsonl", "--require", "numpy", *few)
    output = passed(run(inside, tmp_path, "gradproof", "verify", "mine.py", *options))
    assert "warning" not in output
    assert table(output) == verified_here(f"--functions={tmp_path / 'mine.py'}", *few)
    assert len((tmp_path / "r.jsonl").read_text(encoding="utf-8").splitlines()) == 6
    output = passed(run(inside, tmp_path, "gradproof", "verify", "-k", "softplus", *NUMPY))
    assert "softplus" in output


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_required_backend_fails_in_any_folder(environment: Path, tmp_path: Path, workers: str) -> None:
    write(tmp_path, {"mine.py": MINE})
    plugin = ("python", "-m", "pytest", "-p", "gradproof.plugin", "-n", workers)
    for command in (("gradproof", "verify", "mine.py", "-n", workers), (*plugin, "--functions=mine.py"), plugin):
        done = run(environment, tmp_path, *command, *NUMPY, "--require=autograd")
        assert done.returncode == 1
        assert "--require autograd: nothing was verified on it" in done.stdout


WRONG = MINE.replace("3 * x * x", "3 * x * x * (1 + 2.0**-8)")


def again(output: str) -> list[str]:
    """The commands, as they are copied: with the lines on which they go on."""
    found = re.findall(r"^  again ((?:.*\\\n)*.*)$", output, re.MULTILINE)
    return [command.strip() for command in found]


@pytest.mark.parametrize("options", [(), ("--mode", "reverse", "--dtype", "float64,float32"), ("-n", "2")], ids=str)
def test_the_line_of_a_failure_repeats_it_alone_from_any_folder(
    environment: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    write(tmp_path, {"a folder/mine.py": WRONG, "elsewhere/none.txt": ""})
    done = run(environment, tmp_path / "a folder", "gradproof", "verify", "mine.py", "-v", *NUMPY, *options)
    assert done.returncode == 1
    commands = again(done.stdout)
    assert len(commands) >= 3 and len({*commands}) == len(commands)
    for command in commands:
        repeated = shell(environment, tmp_path / "elsewhere", command)
        assert repeated.returncode == 1, command
        assert "1 failed" in repeated.stdout and "passed" not in repeated.stdout, repeated.stdout
        assert again(repeated.stdout) == [command]


MIXED = {
    "grads/mine.py": MINE,
    "pytest.ini": """
        [pytest]
        testpaths = tests
        gradproof_functions = grads
    """,
    "conftest.py": """
        pytest_plugins = ["gradproof.plugin"]

        from hypothesis import settings

        settings.register_profile("dev", max_examples=33)
        settings.register_profile("theirs", max_examples=34)
        settings.load_profile("dev")
    """,
    # A file of the name that one of ours has.
    "tests/test_gradients.py": """
        import warnings

        from hypothesis import settings

        def test_of_theirs(request):
            warnings.warn("theirs")
            assert settings.default.max_examples in (33, 34)
            assert not [*request.node.iter_markers()]

        class TestSecond:
            def test_again(self):
                pass

        def test_last():
            pass
    """,
}


@pytest.mark.parametrize("workers", ["0", "1"])
def test_beside_ours_their_tests_run_as_without(environment: Path, tmp_path: Path, workers: str) -> None:
    write(tmp_path, MIXED)
    plain = ("python", "-m", "pytest", "-v", "-n", workers, *NUMPY)
    output = passed(run(environment, tmp_path, *plain))
    assert "9 passed, 1 warning" in output
    names = [line for line in output.splitlines() if "PASSED" in line]
    order = ["test_of_theirs", "test_again", "test_last", "cube]"]
    assert [word for line in names[:4] for word in order if word in line] == order
    # Without any of ours there is nothing to tell.
    output = passed(run(environment, tmp_path, *plain, "tests", "--hypothesis-profile", "theirs"))
    assert "3 passed, 1 warning" in output
    assert "what was verified" not in output and "WorkStealing" not in output
    assert "3 passed" in passed(run(environment, tmp_path / "tests", *plain))


def test_a_profile_of_theirs_says_how_many_inputs_are_drawn(environment: Path, tmp_path: Path) -> None:
    write(tmp_path, MIXED)
    plain = ("python", "-m", "pytest", "-k", "cube", "-v", *NUMPY)
    few, many = (
        passed(run(environment, tmp_path, *plain, *more))
        for more in (["--hypothesis-profile=dev"], ["--hypothesis-profile=theirs"])
    )
    drawn = [int(line.split()[2]) for output in (few, many) for line in table(output) if line.startswith("  hand")]
    assert drawn[0] < drawn[1]


HANGS = (
    MINE
    + """
    @cube.implementation("numpy")
    def _(x):
        import signal, time
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
        time.sleep(100)
"""
)


def test_what_hangs_is_ended_without_an_ini_file(environment: Path, tmp_path: Path) -> None:
    write(tmp_path, {"mine.py": HANGS})
    options = ("-n", "1", "--timeout", "2", "--results", "r.jsonl", "-k", "truth and float64")
    done = run(environment, tmp_path, "gradproof", "verify", "mine.py", *NUMPY, *options)
    assert done.returncode == 1
    assert "CRASHED: cube-numpy-cpu-float64-reverse, exact" in done.stdout, done.stdout
    assert "Timeout (" in done.stderr
    assert "the process died" in (tmp_path / "r.jsonl").read_text(encoding="utf-8")


WARNS = """
        import warnings

        import pytest

        @pytest.fixture(autouse=True)
        def warning():
            warnings.warn("everywhere")
"""


def test_a_warning_is_an_error_in_ours_alone(environment: Path, tmp_path: Path) -> None:
    write(tmp_path, MIXED | {"conftest.py": MIXED["conftest.py"] + WARNS})
    command = ("python", "-m", "pytest", *NUMPY)
    done = run(environment, tmp_path, *command)
    assert "3 passed, 4 warnings, 6 errors" in done.stdout, done.stdout
    # The command line has the last word.
    assert "9 passed" in passed(run(environment, tmp_path, *command, "-W", "ignore:everywhere"))


def test_a_conftest_with_options_of_the_same_name_is_told_of_the_command(environment: Path, tmp_path: Path) -> None:
    write(tmp_path, {"conftest.py": 'pytest_plugins = ["gradproof.plugin"]' + textwrap.dedent(THEIRS["conftest.py"])})
    done = run(environment, tmp_path, "python", "-m", "pytest")
    assert done.returncode == 4, done.stderr
    assert "run `gradproof verify` instead" in " ".join(done.stderr.split()) and "Traceback" not in done.stderr


def test_a_line_of_the_ini_file_that_names_nothing_is_told(environment: Path, tmp_path: Path) -> None:
    write(tmp_path, MIXED | {"pytest.ini": "[pytest]\ngradproof_functions = absent\n"})
    done = run(environment, tmp_path, "python", "-m", "pytest")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.split("\n", 1)[0].startswith("ERROR: gradproof_functions: there is no file or folder")
