"""What a person is told of a failure: whose code it is, how certain it is, from which error on it would have been seen;
and that nothing that goes wrong on the way puts anything else in the place of the finding."""

import math
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from gradproof.backends.stopped import Hung
from gradproof.oracles import exact
from gradproof.oracles.agreement import hand_against_exact
from gradproof.registry import Function, Reals, function
from gradproof.report import origin
from gradproof.report.closing import summary
from gradproof.report.opinions import DOUBLE
from gradproof.report.rows.results import PROPERTY, Row
from gradproof.verification import run as running
from gradproof.verification import search as searching
from gradproof.verification.cells import Cell, plan, with_differences
from gradproof.verification.clock import CLOCK
from gradproof.verification.examine import Examiner, Finding, reference_of
from gradproof.verification.run import Verification
from tests.unit.made import NAMES, at, entry

NAME = NAMES["NP"]
DIFFERENTIATING = NAMES["AG"]


def verified(made: Function, backend: str = NAME, folder: Path | None = None, check: str = "exact") -> tuple[Row, str]:
    """The row of a cell in float64, and the text of its failure."""
    item = SimpleNamespace(nodeid="planted", user_properties=[])
    options = SimpleNamespace(
        required=(), functions=(), tf32=False, reproduce=folder, report=None, wants_scripts=folder is not None
    )
    verification = Verification(item, run_seed=0, examples=3, options=options)
    text = ""
    try:
        if check == "hand":
            verification.prove(made, share=1.0)
        else:
            verification.verify(Cell(made, backend, "cpu", "float64", "reverse"), check, share=1.0)
    except (pytest.fail.Exception, pytest.skip.Exception) as failed:
        text = str(failed)
    return dict(item.user_properties)[PROPERTY], text


def square(factor: float = 2.0, point: float = 1.5) -> Function:
    """x², with a derivation of this factor for 2."""
    made = entry(lambda xp, x: x * x, lambda xp, x: (factor * x,), x=())
    made.name, made.points = "square", [at(point)]
    return made


# Whose code it is


def test_a_derivation_with_a_term_missing_is_the_derivation_s(tmp_path: Path) -> None:
    row, text = verified(square(1.0), folder=tmp_path)
    assert row["verdict"] == "wrong"
    assert text.startswith("WRONG: the hand-derived gradient of square (test_findings.py:")
    assert "odd one out: the hand-derived gradient" in text and "mend it where it is written" in " ".join(text.split())
    assert "no standalone script: the derivation is wrong" in text and not [*tmp_path.iterdir()]


def test_what_is_wrong_in_a_backend_is_the_backend_s(tmp_path: Path) -> None:
    made = square()
    made.implementations[NAME] = lambda x: 1.1 * x * x
    row, text = verified(made, folder=tmp_path)
    assert row["verdict"] == "wrong"
    line = made.implementations[NAME].__code__.co_firstlineno
    assert text.startswith(f"WRONG: square by its implementation (test_findings.py:{line}) on {NAME} ")
    assert "hand-derived gradient; mend" not in text and len([*tmp_path.iterdir()]) == 1


def test_a_backend_that_is_off_is_the_odd_one_out_whatever_else_is() -> None:
    pytest.importorskip(DIFFERENTIATING)
    made = square(2.0 * (1 + 2.0**-52))
    made.implementations[DIFFERENTIATING] = lambda x: x * x * (1 + 5e-5)
    row, text = verified(made, DIFFERENTIATING)
    told = " ".join(text.split())
    assert row["verdict"] == "wrong"
    assert f"odd one out: {DIFFERENTIATING}'s forward pass, or its gradient with it; and, for itself, the hand-" in told
    assert "a constant in it is rounded to float64: write xp.pi for math.pi" in told


@pytest.mark.parametrize(
    ("rounded", "verdict"),
    [(math.pi, "imprecise"), (3.14159, "wrong"), (float(np.float32(math.pi)), "wrong"), (None, "verified")],
    ids=str,
)
def test_a_rounded_constant_is_told_as_that(rounded: float | None, verdict: str) -> None:
    def hand(xp, x):
        return (2 * (xp.pi if rounded is None else rounded) * x,)

    made = entry(lambda xp, x: xp.pi * x * x, hand, x=())
    made.points = [at(1.5)]
    row, text = verified(made, check="hand")
    assert row["verdict"] == verdict
    assert ("the formula is right, and a constant in it is rounded" in " ".join(text.split())) == (
        verdict == "imprecise"
    )
    assert text.startswith(f"{verdict.upper()}: the hand-derived gradient of ") or verdict == "verified"


def test_an_implementation_that_returns_an_array_is_asked_for_a_number() -> None:
    for backend in (NAME, DIFFERENTIATING):
        pytest.importorskip(backend)
        for returned, what in ((lambda x: 2 * x, "an array of shape (3,)"), (lambda x: (x, x), "a tuple")):
            made = entry(lambda xp, x: xp.sum(2 * x), lambda xp, x: (2 + 0 * x,), x=(3,))
            made.implementations[backend] = returned
            row, text = verified(made, backend)
            assert row["verdict"] == "not run"
            assert f"the implementation for {backend} returns {what}; a scalar is needed" in text
            assert "contract it with gradproof.weights" in text


def test_a_third_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    package = ModuleType("squares")
    exec("def apply(x):\n    return x * x * 1.01", vars(package))
    package.apply.__module__ = "squares.fast"
    monkeypatch.setitem(sys.modules, "squares", package)
    monkeypatch.setattr(origin.importlib.metadata, "packages_distributions", lambda: {"squares": ["squares-fast"]})
    monkeypatch.setattr(origin.importlib.metadata, "version", lambda name: f"1.2 of {name}")

    def imports(x):
        import squares

        return squares.apply(x)

    apply = package.apply
    made = square()
    for code in (imports, apply):
        made.implementations[NAME] = code
        assert origin.authors(made, NAME) == "squares 1.2 of squares-fast"
        assert origin.subject(made, NAME).startswith(
            "square by squares 1.2 of squares-fast, called in its implementation"
        )
    made.implementations[NAME] = lambda x: np.sum(x) * math.pi
    assert origin.authors(made, NAME) == ""
    assert origin.subject(square(), NAME) == "square"


# How certain it is


def test_a_derivative_of_zero_is_printed_as_zero() -> None:
    made = entry(lambda xp, x: xp.sum(x * x * x * (1 + x)), x=(2,))
    made.implementations[DIFFERENTIATING] = lambda x: np.sum(x * 1e-3)
    inputs = at([0.0, 0.0])
    difference = exact.gradient(made, inputs)[0][0]
    assert not difference.quotient.contains(0) and difference.certain.is_zero()  # x³ at 0: the step alone
    truth = reference_of(made).truth(inputs)
    assert not truth.gradient[0].high.any()
    assert exact.digits(truth.gradient[0].balls[0], 20) == "0"


@pytest.mark.parametrize("slope", [1e-60, 1e-100, -1e-250])
def test_a_derivative_that_is_small_and_certain_stays(slope: float) -> None:
    made = entry(lambda xp, x: slope * x, x=())
    assert float(reference_of(made).truth(at(1.5)).gradient[0].high) == slope


def test_a_row_says_from_which_error_on_it_sees_one() -> None:
    made = entry(lambda xp, x, y: xp.sum(x) + 0 * y, lambda xp, x, y: (1 + 0 * x, 0 * y), x=(2,), y=())
    made.points = [at([1.0, 2.0], 3.0)]
    row, _ = verified(made)
    assert row["verdict"] == "verified"
    assert row["caught"].keys() == {"x"}  # of a gradient of 0 no error is relative
    assert 0 < row["caught"]["x"] < 1e-14


def test_what_would_have_been_caught_is_told_by_the_bound_that_accuses() -> None:
    # The derivation cancels in advance what a reverse sweep of the body cancels with rounding.
    made = entry(lambda xp, x: xp.log(1 + xp.exp(x)) - x, lambda xp, x: (-1 / (1 + xp.exp(x)),), x=())
    made.points = [at(1.5), at(12.0)]
    caught = Examiner(Cell(made, NAME, "cpu", "float64", "reverse")).against_truth(at(12.0)).caught["x"]
    narrow, wide = (ask(at(12.0), DOUBLE).gradient[0] for ask in (reference_of(made).bounds, reference_of(made).wider))
    slope = 1 / (1 + math.exp(12.0))
    assert caught == pytest.approx(float(wide) / slope) and caught > 100 * float(narrow) / slope


@pytest.mark.parametrize(("factor", "is_seen"), [(2.0, True), (0.25, False)])
def test_what_a_finding_says_it_catches_it_catches(factor: float, is_seen: bool) -> None:
    made = entry(lambda xp, x: xp.sum(xp.exp(x)), lambda xp, x: (xp.exp(x),), x=(2,))
    inputs = at([1.0, 1.0])
    caught = Examiner(Cell(made, NAME, "cpu", "float64", "reverse")).against_truth(inputs).caught["x"]
    off = entry(made.body, lambda xp, x: (xp.exp(x) * (1 + factor * caught),), x=(2,))
    finding = Examiner(Cell(off, NAME, "cpu", "float64", "reverse")).against_truth(inputs)
    assert finding.fails == is_seen


def test_what_is_verified_weakly_is_told_weakest_first() -> None:
    def row(name: str, error: float, verdict: str = "verified") -> Row:
        numbers = {"ratio": 0.1, "entry": "x", "examples": 1, "caught": {"x": error, "y": 1e-9}}
        place = {"backend": NAME, "device": "cpu", "dtype": "float32", "mode": "reverse", "check": "exact"}
        return {"function": name, "verdict": verdict} | place | numbers

    rows = [row("strong", 1e-3), row("weak", 0.15), row("weaker", 0.3), row("odd", 9.0, "wrong")]
    assert summary.weak(rows) == [f"{NAME}-cpu-float32, gradient: weaker x 0.3, weak x 0.15"]
    assert "0.3 weaker x" in "\n".join(summary.table(rows))
    line = " ".join(summary.weak([row(f"f{k}", 0.5) for k in range(20)]))
    assert line.endswith(f"and {20 - summary.WEAKEST} more")


# What goes wrong on the way


def stopping(part: str) -> Function:
    """x², at which the time is up in this part of the work."""
    made = square()

    def stopped(x: np.ndarray) -> np.ndarray:
        with CLOCK.part(part):
            raise Hung("no answer within 300 s")

    made.implementations[NAME] = stopped
    return made


@pytest.mark.parametrize(
    ("part", "verdict", "words"),
    [
        ("backend", "unsupported", f"while {NAME} was run"),
        ("compile, first call", "unsupported", f"while {NAME} was run"),
        ("own differences", "unsupported", f"while {NAME} was run"),
        ("exact reference", "not run", "while the exact reference was computed, in which no backend has a part"),
        ("bounds", "not run", "while the bound was computed, in which no backend has a part"),
        ("search", "not run", "while inputs were drawn, in which no backend has a part"),
    ],
    ids=["call", "first call", "own differences", "reference", "bounds", "draws"],
)
def test_time_is_put_on_whom_it_was_spent(part: str, verdict: str, words: str) -> None:
    row, text = verified(stopping(part))
    assert row["verdict"] == verdict
    assert row["reason"] == f"no answer within 300 s {words}"
    assert text.startswith("STOPPED: square-") and words in text


def test_time_that_is_up_in_a_reference_that_takes_long_is_ours() -> None:
    made = square()

    def endless(xp, x):
        raise Hung("no answer within 300 s")

    made.body = endless
    row, _ = verified(made)
    assert row["verdict"] == "not run" and "the exact reference was computed" in row["reason"]


def wrong_at_draws() -> Function:
    made = square()
    made.implementations[NAME] = lambda x: x * x * (1 if float(x) in (0.0, 1.5) else 1.01)
    return made


def test_a_finding_outlives_the_time_of_its_test(monkeypatch: pytest.MonkeyPatch) -> None:
    made, failed = wrong_at_draws(), []
    original = Examiner.against_truth

    def against_truth(examiner: Examiner, inputs: tuple) -> Finding:
        finding = original(examiner, inputs)
        failed.extend([finding] if finding.fails else [])
        if len(failed) > 2:
            raise Hung("no answer within 300 s")
        return finding

    monkeypatch.setattr(Examiner, "against_truth", against_truth)
    row, text = verified(made)
    assert row["verdict"] == "wrong" and row["input"]["x"] != "0x0.0p+0"
    assert text.startswith("WRONG: square") and "shrinking was cut: no answer within 300 s" in text
    assert "not compared: the test's time was up" in text


def test_what_was_found_is_noted_before_a_simpler_input_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = running.Notes(tmp_path / "notes")
    rows = []
    monkeypatch.setattr(searching._Shrinking, "simplest", lambda _, found, __: rows.append(notes.row) or found)
    item = SimpleNamespace(nodeid="planted", user_properties=[])
    options = SimpleNamespace(required=(), functions=(), tf32=False, reproduce=None, report=None, wants_scripts=False)
    made = Verification(item, run_seed=0, examples=5, options=options, notes=notes)
    with pytest.raises(pytest.fail.Exception):
        made.verify(Cell(wrong_at_draws(), NAME, "cpu", "float64", "reverse"), "exact", share=1.0)
    assert rows[-1]["verdict"] == "wrong" and rows[-1]["caught"].keys() == {"x"}
    assert rows[-1]["reason"].startswith("while an input simpler than this one was looked for, which is off by")


@pytest.mark.parametrize("where", ["script_of", "references"])
def test_what_is_raised_beside_a_finding_does_not_replace_it(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def raises(*_: object) -> None:
        raise ValueError("out of cheese")

    monkeypatch.setattr(running, where, raises)
    made = square()
    made.implementations[NAME] = lambda x: 1.1 * x * x
    _, text = verified(made)
    assert text.startswith("WRONG: square") and "out of cheese" in text


def test_a_name_of_300_letters_has_its_script(tmp_path: Path) -> None:
    made = square()
    made.name = "s" * 300
    made.implementations[NAME] = lambda x: 1.1 * x * x
    _, text = verified(made, folder=tmp_path)
    (path,) = tmp_path.iterdir()
    assert text.startswith(f"WRONG: {made.name}") and str(path) in text and len(path.name) < 150


def test_a_script_whose_import_fails_cannot_tell(tmp_path: Path) -> None:
    made = square()
    made.implementations[NAME] = lambda x: 1.1 * x * x
    verified(made, folder=tmp_path)
    (path,) = tmp_path.iterdir()
    for names, status in (((), 1), (("numpy",), 2)):
        for name in names:
            (tmp_path / f"{name}.py").write_text("raise ImportError('planted')", encoding="utf-8")
        done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr


def test_a_comparison_entry_by_entry_has_its_time() -> None:
    made = entry(lambda xp, x: xp.sum(x * x), lambda xp, x: (2 * x,), x=(3,))
    assert str(hand_against_exact(made, at([1.0, 2.0, 3.0]), seconds=-1.0)).endswith(
        "in 0 of 3 entries, for which there was time"
    )
    assert "entries" not in str(hand_against_exact(made, at([1.0, 2.0, 3.0]), seconds=60.0))


# What is given is used, or an error


def test_a_misspelt_backend_is_an_error_that_says_which_was_meant() -> None:
    for name, hint in (("pytorch", "torch"), ("Jax", "jax"), ("numpi", "numpy")):
        made = square()
        made.implementations[name] = lambda x: x * x
        row, text = verified(made)
        assert row["verdict"] == "not run"
        assert f"it has an implementation for '{name}'. Did you mean {hint}?" in text


def registered(**parameters: object) -> Function:
    def power(xp, x, *, nu=2.0):
        return x**nu

    made = function(x=Reals(low=1, high=8), points=[dict(x=1.5)])(power)
    made.gradient(lambda xp, x, *, nu=2.0: (nu * x ** (nu - 1),))
    return made


def test_a_variant_runs_the_implementation_with_its_parameters() -> None:
    made = registered()

    @made.implementation(NAME)
    def _(x, *, nu=2.0):
        if nu != 2.0:
            raise RuntimeError("my kernel is broken for this nu")
        return x**nu

    assert verified(made)[0]["verdict"] == "verified"
    variant = made.variant("half", nu=0.5)
    row, text = verified(variant)
    assert row["verdict"] == "unsupported" and "my kernel is broken for this nu" in text
    assert verified(made.variant("narrow", x=Reals(low=1, high=2)))[0]["verdict"] == "verified"


def test_an_implementation_that_a_variant_cannot_reach_is_an_error() -> None:
    made = registered()
    made.implementation(NAME)(lambda x: x * x)
    (problem,) = made.variant("half", nu=0.5).problems
    assert problem.startswith(f"the implementation for {NAME} does not take nu, which a variant sets")
    assert not made.variant("narrow", x=Reals(low=1, high=2)).problems and not made.problems


def test_an_implementation_below_a_variant_given_twice_or_for_nobody_is_an_error() -> None:
    made = registered()
    variant = made.variant("half", nu=0.5)
    made.implementation(NAME)(lambda x, *, nu=2.0: x**nu)
    assert all("is written below a variant" in one.problems[0] for one in (made, variant))
    made = registered()
    made.implementation(NAME)(lambda x: x * x)
    made.implementation(NAME)(lambda x: x * x)
    assert made.problems == [f"it has two implementations for {NAME}; keep one"]
    made = registered()
    made.implementation(lambda x: x * x)
    assert "name one" in made.problems[0]


def test_a_parameter_in_the_place_of_an_argument_is_told_where_to_stand() -> None:
    made = function(x=Reals((3,)), n=2)(lambda xp, x, n: xp.sum(x**n))
    assert not made.is_complex
    assert "behind a * in the body's signature, with its value: (xp, …, *, n=2)" in made.problems[0]
    for check in ("hand", "exact", "differences"):
        row, text = verified(made, check=check)
        assert row["verdict"] == "not run" and text.startswith("CANNOT RUN: ") and made.problems[0] in text


def test_a_dtype_that_no_argument_has_is_a_reason() -> None:
    cell = Cell(square(), NAME, "cpu", "complex128", "reverse")
    assert cell.missing == "its arguments are real: it is verified in float64, float32, float16, bfloat16"


@pytest.mark.parametrize(
    ("dtypes", "expected"), [(("complex128",), ["complex128"]), (("complex128", "float32"), ["float32"])]
)
def test_where_no_dtype_of_its_own_is_asked_for_one_cell_says_so(dtypes: tuple[str, ...], expected: list[str]) -> None:
    asked = {"backends": (NAME,), "devices": ("cpu",), "modes": ("reverse", "forward"), "names_dtypes": True}
    options = SimpleNamespace(dtypes=dtypes, names_modes=False, **asked)
    cells = plan([square()], options)
    assert [cell.dtype for cell in cells] == expected
    assert [bool(cell.missing) for cell in cells] == [expected == ["complex128"]]
    assert len(with_differences(cells, options)) == (expected == ["float32"])
