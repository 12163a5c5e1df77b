"""What a script is written from: the body in a backend's own words, what cannot be written, and one planted defect per
kind of finding, each of which its script shows and, once it is mended, misses."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from gradproof import backends
from gradproof.backends.scripts import SCRIPTS
from gradproof.oracles.verdict import FAILING
from gradproof.registry import Function, Reals, function, load_builtin, weights
from gradproof.report.closing.failure import LINES
from gradproof.report.scripts import capsule
from gradproof.report.scripts.native_code import NativeCode
from gradproof.report.scripts.sources import CannotWrite, undefined_names
from gradproof.verification.cells import Cell
from gradproof.verification.examine import Examiner, Finding
from gradproof.verification.reproduce import script_of
from gradproof.verification.run import Verification
from tests.unit.made import at

NAME = "autograd"

np = pytest.importorskip("autograd.numpy", reason="it is not installed")
getval = pytest.importorskip("autograd.tracer").getval


def written(body: Callable, **parameters: object) -> str:
    """The body in the words of a backend."""
    code = NativeCode(SCRIPTS[NAME], "float64")
    code.function("f", body, backends.load(NAME).namespace("float64", "cpu"))
    return "\n".join(code.used(("f",)))


def test_operations_have_the_names_of_the_backend() -> None:
    assert written(lambda xp, x: xp.sum(xp.concat([x, x]))) == "def f(x):\n    return anp.sum(anp.concatenate([x, x]))"


def test_a_small_function_of_an_adapter_gives_way_to_what_it_returns() -> None:
    text = written(lambda xp, x: xp.cumulative_sum(x, axis=1))
    assert text == "def f(x):\n    return anp.cumsum(x, 1)"


def test_a_larger_one_is_written_out() -> None:
    text = written(lambda xp, x: xp.flip(x, axis=0))
    assert "def _flip(x):" in text and "return _flip(x)" in text and undefined_names(text) == {"np"}


def test_a_formula_is_written_out_in_the_same_words() -> None:
    assert written(lambda xp, x: xp.nn.silu(x)) == "def f(x):\n    return x * special.expit(x)"


def scaled(xp, x, *, factor=2.0):
    if factor == 1:
        return x
    return factor * x


def test_parameters_are_constants_and_decide_branches() -> None:
    assert written(scaled) == "def f(x):\n    return 2.0 * x"


def test_what_has_no_source_is_said() -> None:
    operation = object().__eq__
    with pytest.raises(CannotWrite, match="whose source can be written out"):
        written(lambda xp, x: operation(x))


def test_no_argument_bears_a_name_that_a_mode_uses_itself() -> None:
    # As `slope` did: the script of that function called its argument. What runs over the arguments themselves, as in
    # `for a in ($args,)`, sees them before it hides them.
    texts = [text for script in SCRIPTS.values() for text in script.modes.values()]
    patterns = (r"def (\w+)\(", r"^ *(\w+) = ", r"for \w+, (\w+) in")
    used = {name for text in texts for pattern in patterns for name in re.findall(pattern, text, re.MULTILINE)}
    assert {"gradient", "slope_along", "tangent"} <= used
    assert not {name for made in load_builtin() for name in made.domains} & {"f", "got", *used}


# Findings, planted


def planted(implementation: Callable) -> Function:
    """Σ w x², of which the backend runs something else."""

    def body(xp, x):
        """f(x) = Σ w x²"""
        return xp.sum(weights(xp, x.shape) * x * x)

    made = function(x=Reals((2,)))(body)
    made.gradient(lambda xp, x: 2 * weights(xp, x.shape) * x)
    made.points = [at([1.5, -0.5])]
    made.implementation(NAME)(implementation)
    return made


def found(made: Function, mode: str = "reverse") -> tuple[Examiner, Finding]:
    examiner = Examiner(Cell(made, NAME, "cpu", "float64", mode))
    return examiner, examiner.against_truth(made.points[0])


def status(text: str, folder: Path) -> tuple[int, str]:
    path = folder / "script.py"
    path.write_text(text, encoding="utf-8")
    done = subprocess.run([sys.executable, "-I", str(path)], cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def half_detached(x):
    return np.sum(np.array([1.109375, -1.46875]) * getval(x) * x)


def less_precise(x):
    return np.sum(np.array([1.109375, -1.46875]) * x * x) * (1 + 2.0**-40)


def infinite(x):
    return np.sum(np.array([1.109375, -1.46875]) * x * x) / 0.0


def refused(x):
    return np.sum(np.linalg.inv(x))


PLANTED = {
    "wrong": (half_detached, "df/dx[0]: expected 3.328125"),
    "imprecise": (less_precise, "expected"),
    "not finite": (infinite, "got inf"),
    "refused": (refused, "LinAlgError"),
}


@pytest.mark.parametrize("mode", ["reverse", "forward", "rematerialized"])
@pytest.mark.parametrize(("implementation", "said"), PLANTED.values(), ids=PLANTED)
def test_what_is_planted_is_shown(implementation: Callable, said: str, mode: str) -> None:
    examiner, finding = found(planted(implementation), mode)
    assert finding.judgement.verdict in FAILING
    assert undefined_names(script_of(examiner, finding)) == set()


@pytest.mark.parametrize(("implementation", "said"), PLANTED.values(), ids=PLANTED)
def test_what_is_mended_is_missed(implementation: Callable, said: str, tmp_path: Path) -> None:
    text = script_of(*found(planted(implementation)))
    shown, output = status(text, tmp_path)
    assert shown == 1 and said in output and "autograd" in output
    begin = text.index("def f(x):")
    end = text.index("\n\n\n", begin)
    mended = "def f(x):\n    return np.sum(np.array([1.109375, -1.46875]) * x * x)"
    assert status(f"{text[:begin]}{mended}{text[end:]}", tmp_path)[0] == 0
    broken = "def f(x):\n    return out_of_cheese"
    assert status(text[:begin] + broken + text[end:], tmp_path)[0] == 2


def test_what_is_right_has_no_script() -> None:
    examiner, finding = found(planted(lambda x: np.sum(np.array([1.109375, -1.46875]) * x * x)))
    with pytest.raises(CannotWrite, match="the gradient is verified"):
        script_of(examiner, finding)


def test_a_backend_that_nobody_wrote_texts_for_has_no_script(monkeypatch: pytest.MonkeyPatch) -> None:
    examiner, finding = found(planted(half_detached))
    monkeypatch.setattr(capsule, "SCRIPTS", {})
    with pytest.raises(CannotWrite, match=f"does not say how {NAME} is written"):
        script_of(examiner, finding)


def failing(made: Function, folder: Path | None) -> str:
    item = SimpleNamespace(nodeid="planted", user_properties=[])
    options = SimpleNamespace(
        required=(), functions=(), tf32=False, reproduce=folder, report=None, wants_scripts=folder is not None
    )
    cell = Cell(made, NAME, "cpu", "float64", "reverse")
    with pytest.raises(pytest.fail.Exception) as caught:
        verification = Verification(item, run_seed=0, examples=1, options=options, again="pytest planted")
        verification.verify(cell, "exact", share=0.0)
    return str(caught.value)


def test_the_failure_says_where_the_script_is_and_is_a_screen_of_text(tmp_path: Path) -> None:
    made = planted(half_detached)
    assert "script      that command with --reproduce DIR writes one" in failing(made, None)
    text = failing(made, tmp_path)
    (script,) = tmp_path.iterdir()
    assert script.name == f"body-{NAME}-cpu-float64-reverse.py" and f"script      {script}" in text
    assert len(text.splitlines()) <= LINES
