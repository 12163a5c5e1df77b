"""Functions without a body: the implementation for a backend is held to the exact derivative of its own forward pass,
traced in its framework."""

import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

from gradproof import registry
from gradproof.backends import MODES
from gradproof.oracles.verdict import Verdict
from gradproof.registry import Function, RegistryError
from gradproof.report.tables.blame import blame
from gradproof.report.tables.explain import explain
from gradproof.report.tables.functions import details
from gradproof.verification.cells import Cell, plan, with_differences
from gradproof.verification.examine import Examiner, Finding
from gradproof.verification.reproduce import script_of
from tests.unit.made import NAMES, needs

HEAD = """\
from gradproof import Complex, Reals, function

POINTS = [dict(x=[0.5, 1.0, -2.0])]

@function(x=Reals((3,)), points=POINTS)
def swish(xp, x):
    "f(x) = Σ x σ(x)"
"""

PLAIN = {
    "AG": """
@swish.implementation("autograd")
def _(x):
    import autograd.numpy as np
    return np.sum(x / (1 + np.exp(-x)))
""",
    "TF": """
@swish.implementation("tensorflow")
def _(x):
    import tensorflow as tf
    return tf.reduce_sum(x * tf.sigmoid(x))
""",
    "JX": """
@swish.implementation("jax")
def _(x):
    import jax
    return (x * jax.nn.sigmoid(x)).sum()
""",
    "PT": """
@swish.implementation("torch")
def _(x):
    import torch
    return (x * torch.sigmoid(x)).sum()
""",
}

RULE = """
import jax

@jax.custom_vjp
def rule(x):
    return x * jax.nn.sigmoid(x)

def forward(x):
    return rule(x), x

def backward(x, g):
    s = jax.nn.sigmoid(x)
    return (g * s * (1 + {term}),)

rule.defvjp(forward, backward)

@swish.implementation("jax", modes=("reverse", "reverse_over_reverse"))
def _(x):
    return rule(x).sum()
"""

RIGHT, WRONG = "x * (1 - s)", "x * (1 + s)"


def loaded(folder: Path, source: str, name: str = "swish") -> Function:
    path = folder / "mine.py"
    path.write_text(HEAD + textwrap.dedent(source), encoding="utf-8")
    return registry.find(registry.load([path]), name)


def examiner_of(made: Function, short: str, dtype: str = "float64", mode: str = "reverse") -> Examiner:
    needs(NAMES[short])
    return Examiner(Cell(made, NAMES[short], "cpu", dtype, mode))


def found(examiner: Examiner) -> Finding:
    return examiner.against_truth(examiner.cell.function.points[0])


@pytest.mark.parametrize("short", PLAIN)
def test_a_right_implementation_is_verified_in_every_mode(short: str, tmp_path: Path) -> None:
    made = loaded(tmp_path, PLAIN[short])
    for mode in ("reverse", "forward", "reverse_over_reverse"):
        finding = found(examiner_of(made, short, mode=mode))
        assert finding.judgement.verdict == Verdict.VERIFIED, (mode, finding.judgement)
        assert 0 < finding.caught["x"] < 1e-10
    assert found(examiner_of(made, short, dtype="float32")).judgement.verdict == Verdict.VERIFIED
    own = examiner_of(made, short).against_own_differences(made.points[0])
    assert own.judgement.verdict == Verdict.VERIFIED


def test_a_wrong_rule_is_caught_and_shown_by_a_script(tmp_path: Path) -> None:
    assert found(examiner_of(loaded(tmp_path, RULE.format(term=RIGHT)), "JX")).judgement.verdict == Verdict.VERIFIED
    examiner = examiner_of(loaded(tmp_path, RULE.format(term=WRONG)), "JX")
    finding = found(examiner)
    assert finding.judgement.verdict == Verdict.WRONG and finding.judgement.worst is not None
    assert finding.judgement.worst.expected.startswith("0.92767051187")
    own = examiner.against_own_differences(finding.inputs)
    assert own.judgement.verdict == Verdict.WRONG
    assert "def rule" in script_of(examiner, finding)


def test_a_rule_that_cannot_be_differentiated_again_is_caught_in_second_order(tmp_path: Path) -> None:
    stopped = RULE.format(term=f"jax.lax.stop_gradient({RIGHT})")
    finding = found(examiner_of(loaded(tmp_path, stopped), "JX", mode="reverse_over_reverse"))
    assert finding.judgement.verdict == Verdict.WRONG


def test_complex_arguments_keep_their_two_parts(tmp_path: Path) -> None:
    made = loaded(
        tmp_path,
        """
        @function(z=Complex((2,)), points=[dict(z=[1 + 2j, -0.5 + 0.25j])])
        def cubes(xp, z):
            "f(z) = Re Σ z³"
            ...

        @cubes.implementation("jax")
        def _(z):
            return (z**3).sum().real
        """,
        "cubes",
    )
    for mode in ("reverse", "reverse_over_reverse"):
        finding = found(examiner_of(made, "JX", "complex128", mode))
        assert finding.judgement.verdict == Verdict.VERIFIED, finding.judgement
        assert set(finding.caught) == {"z"}


def test_what_leaves_the_trace_is_not_verified(tmp_path: Path) -> None:
    made = loaded(
        tmp_path,
        """
        import numpy as np
        import jax

        @swish.implementation("jax", modes=("reverse",))
        def _(x):
            kept = 1.0 if isinstance(x, jax.core.Tracer) else float(np.sum(np.asarray(x)))
            return (x * kept).sum()
        """,
    )
    finding = found(examiner_of(made, "JX"))
    assert finding.judgement.verdict != Verdict.VERIFIED
    assert "leaves the trace" in finding.out_of_range


def test_an_empty_body_needs_an_implementation_and_takes_no_derivation(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"its body is empty: write one, or decorate .* \.implementation"):
        loaded(tmp_path, "").check()
    derived = PLAIN["JX"] + "\n@swish.gradient\ndef _(xp, x):\n    return x\n"
    with pytest.raises(RegistryError, match="there is nothing to prove it by"):
        loaded(tmp_path, derived).check()


def test_only_the_backends_of_its_implementations_are_tried(tmp_path: Path) -> None:
    made = loaded(tmp_path, PLAIN["JX"])
    modes, dtypes = tuple(MODES), ("float64", "float32")
    options = SimpleNamespace(
        backends=tuple(NAMES.values()),
        devices=("cpu",),
        dtypes=dtypes,
        modes=modes,
        names_backends=False,
        names_dtypes=False,
        names_modes=False,
    )
    cells = plan([made], options)
    assert {cell.backend for cell in cells} == {NAMES["JX"]}
    assert {cell.dtype for cell in with_differences(cells, options)} == {"float64"}
    assert "no implementation for" in str(Cell(made, NAMES["AG"], "cpu", "float64", "reverse").missing)
    numpy_alone = loaded(tmp_path, '@swish.implementation("numpy")\ndef _(x):\n    return x.sum()\n')
    assert "cannot be traced" in str(Cell(numpy_alone, NAMES["NP"], "cpu", "float64", "reverse").missing)


def test_what_needs_a_body_says_so(tmp_path: Path) -> None:
    made = loaded(tmp_path, PLAIN["JX"])
    for command in (blame, explain):
        with pytest.raises(RegistryError, match="it has no body, only implementations"):
            command(made)
    assert "code of its own" in details(made, [made]).text
