"""One mistake in a person's file, one message: it names the line, what was meant and what the standard calls it, and
the other functions of the file run."""

import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

from gradproof import __version__, registry
from gradproof.backends import BACKENDS, DTYPES, MODES
from gradproof.oracles.foreign import foreign
from gradproof.registry import Function
from gradproof.report.closing.failures import Failed, by_cause, the_same
from gradproof.verification.cells import Cell, plan, with_differences
from gradproof.verification.options import Options
from gradproof.verification.run import Verification
from tests.unit.made import NAMES, needs

HEAD = """\
import math
import numpy as np
from gradproof import Reals, function, weights

@function(x=Reals(), points=[dict(x=0.5)])
def good(xp, x):
    "f(x) = x²"
    return x * x
"""


def loaded(folder: Path, source: str) -> dict[str, Function]:
    """The functions of a file with this text, by name."""
    path = folder / "mine.py"
    path.write_text(HEAD + textwrap.dedent(source), encoding="utf-8")
    return {function.name: function for function in registry.load([path])}


def failing(
    made: Function, backend: str = NAMES["AG"], mode: str = "reverse", dtype: str = "float64", check: str = "exact"
) -> Failed:
    """What a cell of a function says that cannot be verified."""
    item = SimpleNamespace(nodeid=f"planted-{backend}-{mode}", user_properties=[])
    options = SimpleNamespace(required=(), functions=(), tf32=False, reproduce=None)
    with pytest.raises(pytest.fail.Exception) as raised:
        Verification(item, 0, 3, options).verify(Cell(made, backend, "cpu", dtype, mode), check, share=1.0)
    failed = Failed.of(item.nodeid, item.user_properties, str(raised.value))
    assert failed is not None
    return failed


BODIES = {
    "misspelt": ("xp.sinn(x)", "xp.sinn. Did you mean xp.sin?"),
    "transposed": ("xp.tahn(x)", "xp.tahn. Did you mean xp.tanh?"),
    "in a group": ("xp.relu(x)", "Did you mean xp.nn.relu?"),
    "norm": ("xp.linalg.norm(x)", "calls it xp.linalg.vector_norm, or xp.linalg.matrix_norm"),
    "flattened": ("xp.sum(x.flatten())", ".flatten: write xp.reshape(x, (-1,))"),
    "method": ("x.sum()", "write xp.sum(x)"),
    "a module's": ("np.sin(x)", "write xp.sin for np.sin"),
    "a float's": ("math.sin(x)", "write xp.sin for math.sin"),
    "another name": ("np.arcsin(x)", "write xp.asin for np.arcsin"),
    "einsum": ("xp.einsum('i,i->', x, x)", "calls it xp.tensordot, xp.matmul or xp.vecdot"),
    "dtype": ("xp.take(x, xp.astype(xp.floor(x), xp.int64))", "integers for indices come of xp.searchsorted"),
    "cumsum": ("xp.cumsum(x)", "calls it xp.cumulative_sum"),
    "branch": ("xp.sum(x) if xp.stack([x, x]) > 0 else x", "write xp.where(x > 0, …, …) for an if"),
    "whole quotient": ("x // x", "x / y, or xp.floor(x / y), whose slope is 0"),
    "number": ("float(x) * 2.0", "keep the array, as xp.sum(x) for sum(…)"),
    "written to": ("[x for x[0] in (1.0,)][0]", "write xp.where(mask, …, x), or xp.concat"),
    "array": ("xp.stack([x, x])", "returns the shape (2,). Contract it: xp.sum(weights(xp, (2,)) * …)"),
}


@pytest.mark.parametrize(("body", "message"), BODIES.values(), ids=BODIES)
def test_what_a_body_meant_is_said_with_its_line(tmp_path: Path, body: str, message: str) -> None:
    pytest.importorskip(NAMES["AG"])
    functions = loaded(tmp_path, f"@function(x=Reals())\ndef bad(xp, x):\n    return {body}\n")
    text = failing(functions["bad"]).text
    assert message in text and "mine.py:" in text
    assert "line 11" in text or "returns the shape" in text
    assert not functions["good"].problems


def test_a_constant_is_no_mistake_of_whoever_wrote_it(tmp_path: Path) -> None:
    """A backend that had no rule for erfc was answered with "write xp.sqrt for math.sqrt"."""
    pytest.importorskip(NAMES["AG"])
    source = "@function(x=Reals())\ndef bad(xp, x):\n    return xp.reshape(x, (3,)) * math.sqrt(2 / math.pi)\n"
    text = failing(loaded(tmp_path, source)["bad"]).text
    assert "line 11" in text and "xp.sqrt" not in text


def test_what_only_some_arrays_have_is_told_where_a_backend_lacks_it(tmp_path: Path) -> None:
    made = loaded(tmp_path, "@function(x=Reals((1, 1)))\ndef bad(xp, x):\n    return xp.sum(x.T)\n")["bad"]

    def without(x):
        raise AttributeError("the array has no attribute 'T'.")

    made.implementations[NAMES["NP"]] = without
    made.gradient(lambda xp, x: xp.ones((1, 1)))
    assert "not every backend's array has .T: write xp.matrix_transpose(x)" in failing(made, NAMES["NP"]).row["reason"]


MIXED = {
    "list": (
        "[1.0, 2.0] * y",
        "list of numbers, which NumPy takes for float64, and others not at all: write xp.asarray([1.0, 2.0])",
    ),
    "array": ("y + np.array([1.0, 2.0])", "NumPy array, which is float64 in every dtype: put xp.asarray(…) around it"),
    "number": ("y / np.sqrt(2.0)", "number of NumPy, which is float64 in every dtype: put float(…) around it"),
    "called": ("xp.multiply(y, np.array([1.0, 2.0]))", "NumPy array, which is float64 in every dtype"),
}


@pytest.mark.parametrize("short", ["NP", "AG", "JX"])
@pytest.mark.parametrize(("code", "message"), MIXED.values(), ids=MIXED)
def test_a_body_that_widens_its_arrays_is_told_and_no_backend_accused(
    tmp_path: Path, code: str, message: str, short: str
) -> None:
    needs(NAMES[short])
    entry = "@function(x=Reals((2,)), points=[dict(x=[0.5, 1.5])])\n"
    made = loaded(tmp_path, f"{entry}def bad(xp, x):\n    y = x * x\n    return xp.sum({code})\n")["bad"]
    made.gradient(lambda xp, x: 2 * x)
    failed = failing(made, NAMES[short], dtype="float32")
    assert failed.row["verdict"] == "not run" and failed.row["fails"]
    assert f"line 12: the body mixes an array with a {message}" in failed.text


def test_a_list_that_a_backend_refuses_is_told_in_the_same_words(tmp_path: Path) -> None:
    needs(NAMES["PT"])
    entry = "@function(x=Reals((2,)), points=[dict(x=[0.5, 1.5])])\n"
    made = loaded(tmp_path, f"{entry}def bad(xp, x):\n    return xp.sum([1.0, 2.0] * x)\n")["bad"]
    assert f"line 11: the body mixes an array with a {MIXED['list'][1]}" in failing(made, NAMES["PT"]).text


def test_a_derivation_that_widens_is_told_as_well(tmp_path: Path) -> None:
    made = loaded(tmp_path, "@good.gradient\ndef _(xp, x):\n    return 2 * x * np.float64(1.0)\n")["good"]
    for check in ("exact", "differences"):
        text = failing(made, NAMES["NP"], dtype="float32", check=check).text
        assert "line 11: the hand-derived gradient mixes an array with a number of NumPy" in text


def test_what_operations_of_our_own_mix_is_none_of_the_body_s(tmp_path: Path) -> None:
    source = """
    @function(x=Reals((2,)), points=[dict(x=[0.5, 1.5])])
    def fine(xp, x):
        y = xp.nn.softmax(xp.asarray([1.0, 2.0]) * x) + xp.nn.gelu(x) / np.pi + xp.linspace(0.0, 1.0, 2)
        return xp.sum(weights(xp, (2,)) * y) * 2
    """
    assert foreign(loaded(tmp_path, source)["fine"]) == ""


def test_an_input_that_is_declared_need_not_be_kept(tmp_path: Path) -> None:
    source = """
    @function(x=Reals(), points=[dict(x=0.1)])
    def declared(xp, x):
        return x * x

    @function(x=Reals())
    def drawn(xp, x):
        return x * x
    """
    functions = loaded(tmp_path, source)
    for name, is_told in {"declared": False, "drawn": True}.items():
        functions[name].gradient(lambda xp, x: 3 * x)
        for dtype in ("float64", "float32"):
            assert ("keep it" in failing(functions[name], NAMES["NP"], dtype=dtype).text) == is_told
        item = SimpleNamespace(nodeid="planted by hand", user_properties=[])
        with pytest.raises(pytest.fail.Exception) as raised:
            Verification(item, 0, 3, SimpleNamespace(tf32=False)).prove(functions[name], share=1.0)
        assert ("keep it" in str(raised.value)) == is_told


def test_a_row_says_which_version_made_it_and_whether_it_is_of_a_file(tmp_path: Path) -> None:
    (broken,) = loaded(tmp_path, "def bad(xp, x:\n    return x\n").values()
    row = failing(broken, NAMES["NP"]).row
    assert row["versions"]["gradproof"] == __version__ and row["is_file"] and row["function"] == "mine.py"


ENTRIES = {
    "number for a domain": ("@function(x=Reals(), n=2)\ndef bad(xp, x, n):\n    return x\n", "(xp, …, *, n=2)"),
    "dict for a domain": ("@function(x={'w': 1.0})\ndef bad(xp, x):\n    return x\n", "the domain of x is {'w': 1.0}"),
    "point of another shape": (
        "@function(x=Reals((2,)), points=[dict(x=[1.0])])\ndef bad(xp, x):\n    return xp.sum(x)\n",
        "a point gives x the shape (1,); its domain has (2,)",
    ),
    "points that are none": ("@function(x=Reals(), points=3)\ndef bad(xp, x):\n    return x\n", "points is 3"),
    "one point": (
        "@function(x=Reals(), points=dict(x=1.0))\ndef bad(xp, x):\n    return x\n",
        "points=[dict(x=…)], a list of them",
    ),
    "shape that is none": ("@function(x=Reals('ab'))\ndef bad(xp, x):\n    return x\n", "the shape 'ab'"),
    "number for a shape": ("@function(x=Reals(3))\ndef bad(xp, x):\n    return xp.sum(x)\n", "write (3,)"),
    "class for a domain": ("@function(x=Reals)\ndef bad(xp, x):\n    return x\n", "write Reals()"),
    "ends that are turned": ("@function(x=Reals(low=2, high=1))\ndef bad(xp, x):\n    return x\n", "low is above high"),
}


@pytest.mark.parametrize(("entry", "message"), ENTRIES.values(), ids=ENTRIES)
def test_a_bad_entry_costs_no_other_function_its_verdict(tmp_path: Path, entry: str, message: str) -> None:
    functions = loaded(tmp_path, entry + "\n@function(x=Reals())\ndef behind(xp, x):\n    return x\n")
    assert message in failing(functions["bad"]).text
    assert not functions["good"].problems and not functions["behind"].problems


def test_a_syntax_error_names_its_line_and_stands_there_once(tmp_path: Path) -> None:
    (broken,) = loaded(tmp_path, "def bad(xp, x:\n    return x\n").values()
    group = [failing(broken, backend, mode) for backend in NAMES.values() for mode in ("reverse", "forward")]
    assert "SyntaxError at line 9" in group[0].text and "def bad(xp, x:" in group[0].text
    (causes,) = by_cause(group)
    assert len(causes) == len(group) and the_same(causes) == f"the same in {len(group) - 1} more cells"


def test_a_bad_entry_takes_one_cell_of_each_backend(tmp_path: Path) -> None:
    """Whichever backend is selected says that it is bad, and once."""
    (broken,) = loaded(tmp_path, "def bad(xp, x:\n    return x\n").values()
    options = Options(tuple(BACKENDS), ("cpu",), DTYPES, tuple(MODES), False, False, (), (), None, None)
    cells = plan([broken], options)
    assert [cell.backend for cell in cells] == [*BACKENDS] and with_differences(cells, options) == []


def test_why_nothing_could_be_run_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def bad(xp, x:\n    return x\n", encoding="utf-8")
    command = [sys.executable, "-m", "gradproof", "verify", "broken.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stdout.count("SyntaxError at line 1") == 1, done.stdout
    assert "= FAILURES =" not in done.stdout and len(done.stdout.splitlines()) <= 32
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert not [name for name in BACKENDS if f"{name} is imported" in done.stdout]
    told = subprocess.run([*command, "-v"], cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    assert told.count("SyntaxError at line 1") > len(BACKENDS)


def line_with(folder: Path, text: str) -> int:
    lines = (folder / "mine.py").read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def test_a_mistake_is_told_at_the_line_of_what_is_wrong(tmp_path: Path) -> None:
    """Where an annotation stands: beneath the decorators, and at the statement where that is known."""
    source = """
    @function(
        x=Reals(),
        points=[dict(x=0.5)],
    )
    def misspelt(xp, x):
        y = 2 * x
        return xp.sinn(y)

    @good.gradient
    def derived(xp, x):
        return 3 * x
    """
    made = loaded(tmp_path, source)
    assert made["misspelt"].where.endswith(f":{line_with(tmp_path, 'def misspelt')}")
    assert failing(made["misspelt"]).where.endswith(f"mine.py:{line_with(tmp_path, 'xp.sinn')}")
    assert failing(made["good"], NAMES["NP"]).where.endswith(f"mine.py:{line_with(tmp_path, 'def derived')}")
    (broken,) = loaded(tmp_path, "\ndef bad(xp, x:\n    return x\n").values()
    assert failing(broken).where.endswith(f"mine.py:{line_with(tmp_path, 'def bad')}")
    broken = loaded(tmp_path, "\nimport nonesuch_of_mine\n")["mine.py"]
    assert failing(broken).where.endswith(f"mine.py:{line_with(tmp_path, 'nonesuch')}")


def test_what_lies_beside_a_file_can_be_imported_while_it_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "beside_the_file_of_mine.py").write_text("FACTOR = 3.0\n", encoding="utf-8")
    functions = loaded(tmp_path, "from beside_the_file_of_mine import FACTOR\n")
    assert not functions["good"].problems and len(functions) == 1


def test_control_characters_are_not_printed(tmp_path: Path) -> None:
    functions = loaded(tmp_path, '@function(x=Reals())\ndef bad(xp, x):\n    "f\\x1b[31m(x)\\x07"\n    return x\n')
    assert functions["bad"].formula == "f[31m(x)"


# One cause


def off(folder: Path) -> Function:
    return loaded(folder, "good.implementation('autograd')(lambda x: 1.01 * x * x)\n")["good"]


def test_one_defect_is_one_failure_that_names_its_modes(tmp_path: Path) -> None:
    pytest.importorskip(NAMES["AG"])
    made = off(tmp_path)
    (group,) = by_cause([failing(made, mode=mode) for mode in ("rematerialized", "reverse", "forward")])
    assert group[0].row["mode"] == "reverse" and group[0].row["at_fault"] == "implementation"
    assert the_same(group) == "also wrong in rematerialized, forward"
    assert "good by its implementation" in group[0].subject and group[0].where.startswith(str(tmp_path / "mine.py:"))
    assert len(group[0].text.splitlines()) <= 30 and "ran         the implementation for" in group[0].text


def test_a_second_derivative_that_is_lost_is_told_with_what_to_declare(tmp_path: Path) -> None:
    pytest.importorskip(NAMES["PT"])
    source = """
    @function(x=Reals(), points=[dict(x=0.5)])
    def cubed(xp, x):
        return x * x * x

    @cubed.implementation("torch")
    def _(x):
        import torch

        class Cubed(torch.autograd.Function):
            @staticmethod
            def forward(x):
                return x**3

            @staticmethod
            def setup_context(ctx, inputs, output):
                ctx.save_for_backward(*inputs)

            @staticmethod
            @torch.autograd.function.once_differentiable
            def backward(ctx, d):
                return 3 * ctx.saved_tensors[0] ** 2 * d

        return Cubed.apply(x)
    """
    made = loaded(tmp_path, source)["cubed"]
    text = " ".join(failing(made, NAMES["PT"], "reverse_over_reverse").text.split())
    assert text.startswith("WRONG") and "marked once_differentiable" in text and 'modes=("reverse",)' in text


def test_what_is_wrong_in_two_backends_is_two_causes(tmp_path: Path) -> None:
    pytest.importorskip(NAMES["AG"])
    made = off(tmp_path)
    made.gradient(lambda xp, x: 2 * x)
    made.implementations[NAMES["NP"]] = made.implementations[NAMES["AG"]]
    assert len(by_cause([failing(made), failing(made, NAMES["NP"])])) == 2


def test_a_wrong_derivation_is_one_cause_whoever_ran_it(tmp_path: Path) -> None:
    pytest.importorskip(NAMES["AG"])
    made = loaded(tmp_path, "@good.gradient\ndef _(xp, x):\n    return 3 * x\n")["good"]
    item = SimpleNamespace(nodeid="planted by hand", user_properties=[])
    with pytest.raises(pytest.fail.Exception) as raised:
        Verification(item, 0, 3, SimpleNamespace(tf32=False)).prove(made, share=1.0)
    by_hand = Failed.of(item.nodeid, item.user_properties, str(raised.value))
    group = [failing(made, NAMES["NP"]), by_hand]
    assert [failed.is_of_the_derivation for failed in group] == [True, True]
    assert [failed.row["at_fault"] for failed in group] == ["derivation", "derivation"]
    (causes,) = by_cause(group)
    assert causes[0] is by_hand and by_hand.where.endswith("mine.py:10")
    assert the_same(causes) == f"also wrong in {NAMES['NP']} float64"


def test_a_failure_says_which_arguments_are_off_and_shows_them_side_by_side(tmp_path: Path) -> None:
    pytest.importorskip(NAMES["AG"])
    source = """
    @function(x=Reals((3,)), b=Reals((3,)), points=[dict(x=[0.5, -1.25, 3.0], b=[1.0, 0.5, 2.0])])
    def affine(xp, x, b):
        return xp.sum(weights(xp, (3,)) * (x * x + b))

    @affine.gradient
    def _(xp, x, b):
        w = weights(xp, (3,))
        return 2 * w * x, w + xp.asarray([0.0, 1.0, 0.0])
    """
    text = failing(loaded(tmp_path, source)["affine"], NAMES["NP"]).text
    assert "arguments   b: 1 of 3 entries wrong; right: x" in text
    assert "d b         expected [" in text and "got      [" in text
    assert "0x1" not in text.partition("input")[2]  # decimals say these numbers exactly
