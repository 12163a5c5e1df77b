"""The command line as a person uses it: each run is a process of its own, on functions written for the test. Bad input
gets a message that names the cause and the cure, and costs no other function its verdict."""

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from gradproof import backends

ROOT = Path(__file__).parents[2]

GOOD = """
    from gradproof import Reals, function

    @function(x=Reals(), points=[dict(x=1.5)])
    def cube(xp, x):
        "f(x) = x³"
        return x * x * x

    @cube.gradient
    def _(xp, x):
        return 3 * x * x
"""


def run(tmp_path: Path, source: str, *options: str, fakes: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    """Verify a file with this text. `fakes` are packages, by name, that stand before the installed ones."""
    (tmp_path / "mine.py").write_text(textwrap.dedent(source), encoding="utf-8")
    for name, text in (fakes or {}).items():
        (tmp_path / "fakes" / name).mkdir(parents=True)
        (tmp_path / "fakes" / name / "__init__.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", str(ROOT), "--functions", "mine.py", "-p", "no:cacheprovider"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "fakes"), "COLUMNS": "150"}
    backend = [] if "--backend" in options else ["--backend", "numpy"]
    mode = [] if "--mode" in options else ["--mode", "reverse"]
    return subprocess.run(
        [*command, *backend, *mode, *options],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def failing(tmp_path: Path, source: str, *options: str, **more: dict[str, str]) -> str:
    """The output of a run that must fail."""
    done = run(tmp_path, source, *options, **more)
    assert done.returncode != 0, done.stdout
    return done.stdout + done.stderr


def test_a_good_function_is_verified_and_nothing_else_is_collected(tmp_path: Path) -> None:
    done = run(tmp_path, GOOD, "--results", "rows.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert done.returncode == 0, done.stdout
    assert {row["function"] for row in rows} == {"cube"}
    assert {row["verdict"] for row in rows} == {"verified"}
    assert {row["check"] for row in rows} == {"hand", "exact", "differences"}
    assert "5 passed" in done.stdout


def test_rows_are_written_by_parallel_workers_too(tmp_path: Path) -> None:
    done = run(tmp_path, GOOD, "--results", "rows.jsonl", "-n", "2")
    assert done.returncode == 0, done.stdout
    assert len((tmp_path / "rows.jsonl").read_text().splitlines()) == 5


BROKEN = {
    "duplicate name": ("2 * x", GOOD, "the name cube is already taken by"),
    "wrong length": ("(x, x)", "", "returns 2 arrays for 1 argument (x)"),
    "wrong shape": ("xp.stack([x, x])", "", "for x has the shape (2,); the argument has ()"),
    "wrong type": ("None", "", "None"),
}


@pytest.mark.parametrize(("gradient", "more", "message"), BROKEN.values(), ids=BROKEN)
def test_a_bad_gradient_is_named_and_the_others_run(tmp_path: Path, gradient: str, more: str, message: str) -> None:
    source = textwrap.dedent(GOOD) + textwrap.dedent(more)
    source += textwrap.dedent(f"""
        @function(x=Reals(), points=[dict(x=1.5)])
        def square(xp, x):
            return x * x

        @square.gradient
        def _(xp, x):
            return {gradient}
    """)
    output = failing(tmp_path, source)
    assert message in flat(output)
    assert "mine.py:" in output
    assert "verified" in output


BODIES = {
    "raises": ("raise ValueError('out of cheese')", "the body raises ValueError at line 6: out of cheese"),
    "no scalar": ("return xp.stack([x, x])", "the function must return a scalar; it returns the shape (2,)"),
    "not finite": ("return xp.log(x)", "the function is not finite at x = "),
    "unknown operation": ("return xp.frobnicate(x)", "has no xp.frobnicate"),
}


@pytest.mark.parametrize(("body", "message"), BODIES.values(), ids=BODIES)
def test_a_bad_body_is_named(tmp_path: Path, body: str, message: str) -> None:
    source = f"""
        from gradproof import Reals, function
        @function(x=Reals(), points=[dict(x=-1.5)])
        def body_at_fault(xp, x):
            "f"
            {body}
        """
    output = failing(tmp_path, source)
    assert message in output
    assert "body_at_fault" in output
    assert "4 failed, 1 skipped" in output


def test_a_wrong_derivation_is_the_odd_one_out(tmp_path: Path) -> None:
    output = failing(tmp_path, GOOD.replace("3 * x * x", "3 * x * x * (1 + 2.0**-40)"))
    assert "odd one out: the hand-derived gradient" in output
    assert "WRONG: the hand-derived gradient of cube" in output


MORE = """
    @function(x=Reals(), points=[dict(x=1.5)])
    def fourth(xp, x):
        return x**4

    @fourth.gradient
    def _(xp, x):
        return 4 * x**3

    fourth.variant("of_three", x=Reals(low=1.0, high=3.0))

    @function(x=Reals(), points=[dict(x=1.5)])
    def underived(xp, x):
        return x * x
"""

WRONG = (
    GOOD.replace("3 * x * x", "-3 * x * x")
    + """
    @function(x=Reals((2,)), points=[dict(x=[1.5, -0.5])])
    def squares(xp, x):
        return xp.sum(x * x)

    @squares.gradient
    def _(xp, x):
        return x
"""
)


@pytest.mark.parametrize("options", [(), ("-n", "1"), ("-v",)], ids=["one process", "workers", "verbose"])
def test_a_failure_is_named_after_the_function_and_its_line(tmp_path: Path, options: tuple[str, ...]) -> None:
    """In pytest's own summary; JUnit, and the command that repeats it, know the test by the name it has."""
    output = failing(tmp_path, WRONG, "--junitxml", "found.xml", *options)
    told = [line for line in output.splitlines() if line.startswith("FAILED")]
    assert "FAILED mine.py:10::cube - WRONG: x: the sign is turned" in told
    assert "FAILED mine.py:18::squares - WRONG: x: 1/2 of what is right in every entry" in told
    assert len(told) == 2 or "-v" in options
    assert "_ cube _" in output and "[gw0] linux" not in output.partition("= FAILURES =")[2]
    assert " 'test_hand_derived_gradient[cube]'" in output
    assert 'name="test_hand_derived_gradient[cube]"' in (tmp_path / "found.xml").read_text(encoding="utf-8")


def test_a_text_is_not_told_twice_where_messages_are_told_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    output = failing(tmp_path, WRONG)
    assert output.count("WRONG: the hand-derived gradient of cube") == 1


def test_the_numbers_of_the_screen_are_those_of_the_last_line(tmp_path: Path) -> None:
    output = flat(failing(tmp_path, WRONG + MORE))
    assert output.startswith("=") and "2 of 4 functions (with 1 variant) fail, which nobody has recorded" in output
    told = re.search(r"(\d+) tests on 1 backend: (\d+) failed, (\d+) passed, (\d+) skipped\.", output)
    tests, *counts = map(int, told.groups())
    assert sum(counts) == tests and f"collected {tests} items" in output
    assert "{} failed, {} passed, {} skipped in".format(*counts) in output
    assert "by hand 1 of 4 · 2 1" in output and "numpy-cpu 1 of 4 · 2 1" in output


def test_a_missing_file_and_a_file_that_raises(tmp_path: Path) -> None:
    assert "there is no file or folder" in failing(tmp_path, GOOD, "--functions", "absent.py")
    (tmp_path / "raises.py").write_text("import gradproof\n1 / 0\n")
    output = failing(tmp_path, GOOD, "--functions", "raises.py")
    assert "the file cannot be loaded: ZeroDivisionError at line 2" in output
    assert "5 passed" in output


OPTIONS = {
    "backend": (("--backend", "tensorflw"), "--backend: 'tensorflw' is not known. Did you mean tensorflow?"),
    "dtype": (("--dtype", "float31"), "--dtype: 'float31' is not known."),
    "mode": (("--mode", "sideways"), "--mode: 'sideways' is not known."),
    "device": (("--device", "tpu"), "--device: 'tpu' is not known."),
    "require": (("--require", "numpy-tpu"), "'tpu' is not known."),
    "one of several": (("--require", "numpy,autogradd"), "'autogradd' is not known. Did you mean autograd?"),
    "seed": (("--hypothesis-seed", "random"), "--hypothesis-seed: 'random' is no whole number; give a number"),
    "profile": (("--hypothesis-profile", "nope"), "--hypothesis-profile: 'nope' is not known. Known: dev, ci, nightly"),
    "profile that is close": (("--hypothesis-profile", "nightl"), "Did you mean nightly?"),
    "baseline": (("--baseline", "absent.jsonl"), "--baseline: there is no file or folder"),
    "tf32": (("--tf32",), "--tf32 has no effect on the CPU"),
    "results": (("--results", "mine.py/rows.jsonl"), "--results"),
}


@pytest.mark.parametrize(("options", "message"), OPTIONS.values(), ids=OPTIONS)
def test_an_unknown_option_value_is_named_in_a_sentence(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    done = run(tmp_path, GOOD, *options)
    assert (done.returncode, done.stdout) == (4, "")
    assert_is_a_sentence(done.stderr, message)


def assert_is_a_sentence(errors: str, message: str) -> None:
    """Said once, on lines that fit the screen; no path is broken."""
    assert errors.startswith("ERROR: ") and errors.count("ERROR: ") == 1 and message in flat(errors)
    assert all(len(line) <= 100 or line.lstrip().startswith("/") for line in errors.splitlines())


RECORD = """
[[cause]]
id = "slope-of-square"
kind = "defect"
reason = "the slope is that of x²"
issue = "unreported"
versions = ">=0"

[[cause.shows]]
function = "cube"
verdict = "wrong"
input = { x = 1.5 }
region = { x = [-inf, inf] }
"""

IN_JAX = """
    import jax

    @jax.custom_vjp
    def by_hand(x):
        return x * x * x

    by_hand.defvjp(lambda x: (x * x * x, x), lambda x, d: (d * {gradient},))
    cube.implementation("jax")(by_hand)
"""


def recorded(tmp_path: Path, record: str, gradient: str) -> subprocess.CompletedProcess:
    """Verify the cube with this gradient, of which a folder that pytest.ini would name records this."""
    folder = tmp_path / "recorded"
    folder.mkdir()
    (folder / "jax.toml").write_text(record, encoding="utf-8")
    body = GOOD.split("    @cube.gradient")[0] + IN_JAX.format(gradient=gradient)
    options = ("-o", f"gradproof_divergences={folder}", "--results", "rows.jsonl")
    return run(tmp_path, body, "--backend", "jax", "--dtype", "float64", *options)


def test_a_project_s_folder_records_what_its_own_functions_do(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    done = recorded(tmp_path, RECORD, "2 * x")
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert done.returncode == 0, done.stdout
    assert {(row["verdict"], row["cause"], row["kind"]) for row in rows if row["check"] == "exact"} == {
        ("wrong", "slope-of-square", "defect")
    }
    assert "defect  slope-of-square  jax-cpu  wrong: cube" in done.stdout


def test_what_a_project_has_mended_must_leave_its_folder(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    done = recorded(tmp_path, RECORD, "3 * x * x")
    assert done.returncode == 1
    assert "recorded/jax.toml, slope-of-square, place 1: cube on jax" in done.stdout
    assert "but is now verified" in done.stdout


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (RECORD.replace("defect", "bug"), "recorded/jax.toml, cause 1: the kind 'bug' is none of defect, trap"),
        (RECORD.replace("x = 1.5", "y = 1.5"), "place 1 (cube): the input gives y; the arguments are x"),
    ],
    ids=["kind", "argument"],
)
def test_a_bad_entry_is_one_sentence_and_ends_the_run(tmp_path: Path, record: str, message: str) -> None:
    done = recorded(tmp_path, record, "2 * x")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert_is_a_sentence(done.stderr, message)


def test_a_gpu_that_is_not_there(tmp_path: Path) -> None:
    output = failing(tmp_path, GOOD, "--device", "gpu", "--backend", "torch")
    assert "--device gpu: no GPU" in output or "hidden" in output


def flat(text: str) -> str:
    """In one line, wherever a screen breaks it."""
    return " ".join(text.split())


ABSENT = "raise ModuleNotFoundError('the wheel is broken')"


def test_a_broken_backend_is_a_skip_with_its_cause(tmp_path: Path) -> None:
    done = run(tmp_path, GOOD, "--backend", "numpy,torch", fakes={"torch": ABSENT})
    assert done.returncode == 0, done.stdout
    assert "raised ModuleNotFoundError: the wheel is broken" in flat(done.stdout)
    assert "not run" in done.stdout


HIDDEN = {"hide": "import sys; sys.modules['torch'] = None"}


def test_a_missing_backend_is_a_skip_with_its_cure(tmp_path: Path) -> None:
    done = run(tmp_path, GOOD, "--backend", "numpy,torch", "-p", "hide", fakes=HIDDEN)
    assert done.returncode == 0, done.stdout
    assert 'torch is not installed: pip install "gradproof[torch]"' in flat(done.stdout)
    assert "5 passed, 4 skipped" in done.stdout


def test_a_required_backend_that_is_missing_fails(tmp_path: Path) -> None:
    output = failing(tmp_path, GOOD, "--backend", "torch", "--require", "torch", "-p", "hide", fakes=HIDDEN)
    assert "--require torch: nothing was verified on it: torch is not installed" in output


def test_a_required_backend_that_is_broken_fails(tmp_path: Path) -> None:
    output = failing(tmp_path, GOOD, "--backend", "torch", "--require", "torch-cpu", fakes={"torch": ABSENT})
    assert "CANNOT RUN importing torch" in flat(output)
    assert "--require torch-cpu: nothing was verified on it" in output


def test_a_function_that_a_required_backend_cannot_differentiate_is_a_skip(tmp_path: Path) -> None:
    underived = """
    @function(x=Reals(), points=[dict(x=1.5)])
    def square(xp, x):
        "f(x) = x²"
        return x * x
    """
    done = run(tmp_path, GOOD + underived, "--require", "numpy")
    assert done.returncode == 0, done.stdout
    assert "it has no hand-derived gradient, and numpy cannot differentiate" in flat(done.stdout)


def test_a_required_backend_that_nothing_selects_fails(tmp_path: Path) -> None:
    output = failing(tmp_path, GOOD, "--require", "jax")
    reason = backends.missing("jax", "cpu") or "no cell of it was selected"
    assert f"--require jax: nothing was verified on it: {reason}" in flat(output)


def test_a_run_that_verified_nothing_is_not_green(tmp_path: Path) -> None:
    source = GOOD.replace("Reals()", "Reals(low=1e30, high=1e31)").replace("x=1.5", "x=2e30")
    output = failing(tmp_path, source, "--dtype", "float32")
    assert "INCONCLUSIVE: cube-numpy-cpu-float32 verified nothing" in output
    assert "overflows float32" in output


def test_what_got_worse_than_the_baseline_fails(tmp_path: Path) -> None:
    assert run(tmp_path, GOOD, "--results", "before.jsonl").returncode == 0
    assert run(tmp_path, GOOD, "--baseline", "before.jsonl").returncode == 0
    output = failing(tmp_path, GOOD.replace("3 * x * x", "3 * x"), "--baseline", "before.jsonl")
    # Of cells that changed alike there is one line.
    assert "since the baseline, newly wrong:" in output and "worse than the baseline" in output
    assert output.count("cube-numpy-cpu-float64-reverse, exact: verified before") <= 1
    assert "since the baseline, versions" not in output


def test_an_error_that_grew_and_a_cell_that_is_gone(tmp_path: Path) -> None:
    assert run(tmp_path, GOOD, "--results", "before.jsonl").returncode == 0
    rows = [json.loads(line) for line in (tmp_path / "before.jsonl").read_text().splitlines()]
    for row in rows:
        row["error"], row["ulp"] = 0.0, -2.0
    gone = rows[0] | {"function": "cube", "mode": "reverse", "dtype": "float16"}
    written = "".join(json.dumps(row) + "\n" for row in [*rows, gone, gone | {"function": "square"}])
    (tmp_path / "before.jsonl").write_text(written)
    output = failing(tmp_path, GOOD, "--baseline", "before.jsonl", "--dtype", "float64,float32")
    assert "since the baseline, error grew:" in output
    assert "worse than the baseline" in output
    assert "since the baseline, versions:" not in output and "not selected this time: 1 cells" in output
    assert run(tmp_path, GOOD, "--baseline", "before.jsonl", "-k", "nothing").returncode == 5


@pytest.mark.skipif(backends.installed_version("autograd") is None, reason="one that differentiates is not installed")
def test_a_script_is_written_for_what_fails(tmp_path: Path) -> None:
    wrong = (
        GOOD
        + """
    @cube.implementation("autograd")
    def _(x):
        return x * x * x * (1 + 2.0**-40)
"""
    )
    output = failing(tmp_path, wrong, "--backend", "autograd", "--reproduce", "scripts", "--dtype", "float64")
    script = tmp_path / "scripts" / "cube-autograd-cpu-float64-reverse.py"
    assert str(script) in output
    done = subprocess.run([sys.executable, "-I", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "expected" in done.stdout


@pytest.mark.skipif(backends.installed_version("autograd") is None, reason="one that differentiates is not installed")
def test_a_function_without_a_derivation_is_held_to_exact_differences_alone(tmp_path: Path) -> None:
    source = GOOD[: GOOD.index("    @cube.gradient")]
    done = run(tmp_path, source, "--backend", "numpy,autograd")
    assert done.returncode == 0, done.stdout
    assert "has no hand-derived gradient" in done.stdout
    assert "4 passed, 5 skipped" in done.stdout
