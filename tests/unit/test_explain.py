"""A function worked at one input: the numbers that the notebook prints, node by node; a framework's function through
its trace; a file to start from; and bad input in one line."""

import json
import shlex
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from gradproof import registry
from gradproof.cli import app
from gradproof.report import passes, scaffold
from gradproof.report.text import WIDTH
from gradproof.verification.cells import Cell
from gradproof.verification.examine import Examiner
from tests.unit.made import NAMES, entry, needs

PLAIN = ("--backend", NAMES["NP"])
KINK = "this is a kink: there is no derivative here. Who takes which:"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["explain", *arguments], prog_name="gradproof")


def explained(*arguments: str) -> list[str]:
    """The lines of what must be explained, each with single spaces."""
    done = run(*arguments)
    assert done.exit_code == 0, done.output
    return [" ".join(line.split()) for line in done.stdout.splitlines()]


def test_the_first_example_of_the_notebook_has_its_numbers() -> None:
    lines = explained("weighted_sum_times_z", *PLAIN)
    assert lines[0] == "weighted_sum_times_z at x = 1.0, y = 2.0, z = 3.0"
    for line in ("h = 2 * x + y 4 4.0", "→ f = h * z 12 12.0", "d_h = z * d_f # node 2 input 3 3.0", "→ df/dz 4 4.0"):
        assert line in lines
    assert f"df/dx 6.0000000000000000000 6.0 {NAMES['NP']} 0" in lines


def test_the_second_example_of_the_notebook_has_its_numbers() -> None:
    lines = explained("exponential_of_sine", "--at", "x=1000", *PLAIN)
    nodes = {line.split(" = ")[0]: line for line in lines if " = " in line}
    assert "d = xp.exp(a) 2.2861736858121711022 2.286173685812171" in lines
    assert nodes["d_a"].startswith("d_a = xp.exp(a) * d_d 22.861736858121711022 22.8617368581217")
    assert any(line.startswith("→ df/dx 11.926922952255469218 11.92692295225546") for line in lines)
    assert any("ulp" in line for line in lines)


@pytest.mark.parametrize("name", ["exponential_of_sine", "layer_norm", "absolute_sum", "diagonal_lstm"])
def test_no_line_is_wider_than_a_terminal_and_no_number_is_lost(name: str) -> None:
    done = run(name, *PLAIN)
    assert done.exit_code == 0 and max(map(len, done.stdout.splitlines())) <= WIDTH
    if name == "layer_norm":
        lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
        place = lines.index("variance = xp.mean(centred * centred, axis=1, keepdims=True)")
        assert lines[place + 1] == "exactly [1.328125 1.7617188 0.79980469] (3, 1)"
        assert lines[place + 2].startswith("in NumPy's float64 [1.328125")


def test_a_function_of_a_person_and_an_array(tmp_path: Path) -> None:
    scaffold.new(tmp_path / "mine.py")
    lines = explained("scaled_cubes", str(tmp_path / "mine.py"), "--at", "x=[1, 2, 4], b=0.5", *PLAIN)
    assert "y = b * x**3 [0.5 4 32] [0.5 4 32]" in lines
    assert any(line.startswith("df/dx[2] ") for line in lines)
    halved = explained("scaled_cubes_halved", str(tmp_path / "mine.py"), *PLAIN)
    assert halved[halved.index("d_y = factor * weights(xp, (3,))") + 1].startswith("exactly [0.5546875 ")


def test_another_shape_than_the_domain_s_is_explained_where_the_function_computes() -> None:
    lines = explained("softmax", "--at", "x=[1, 2, 1000]", *PLAIN)
    # What cancels to far less than any format has is no 0 either.
    assert lines[lines.index("→ df/dx") + 1] == "exactly [-9.9172312e-435 -1.2365439e-433 1.3357162e-433]"
    assert "df/dx[2] 1.3357162187262660798e-433 0.0 numpy 0" in lines


def test_a_derivation_that_is_wrong_is_said_to_be(tmp_path: Path) -> None:
    scaffold.new(tmp_path / "mine.py")
    assert not any("disagree" in line for line in explained("scaled_cubes", str(tmp_path / "mine.py"), *PLAIN))
    text = (tmp_path / "mine.py").read_text(encoding="utf-8")
    (tmp_path / "mine.py").write_text(text.replace("b * 3 * x", "b * 2 * x"), encoding="utf-8")
    lines = explained("scaled_cubes", str(tmp_path / "mine.py"), *PLAIN)
    assert "mine.py:" in " ".join(
        lines
    ) and "and exact differences disagree: x: 2/3 times what is right in every" in " ".join(lines)


WRONG_TWICE = """
from gradproof import Positive, Reals, function


@function(x=Reals(), y=Positive(), z=Reals(), points=[dict(x=1.0, y=2.0, z=1.0)])
def ratio(xp, x, y, z):
    "f(x, y, z) = sin(x y) / y + x² + z"
    return xp.sin(x * y) / y + x**2 + z


@ratio.gradient
def _(xp, x, y, z):
    d_u = xp.cos(x * y) / y
    return y * d_u + x, x * d_u + xp.sin(x * y) / y**2, 1
"""


def test_the_numbers_of_a_wrong_derivation_are_not_called_exact_and_all_that_is_wrong_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(WRONG_TWICE, encoding="utf-8")
    lines = explained("ratio", str(tmp_path / "mine.py"), *PLAIN)
    text = " ".join(lines)
    assert "digits agree for y" in text and "; and 0 for x" in text
    passes = lines[: next(k for k, line in enumerate(lines) if line.startswith("gradient "))]
    assert not any("exactly" in line for line in passes)
    assert "backward, as derived, which is not what is right" in lines
    outputs = [line for line in lines if line.startswith("→ df/d")]
    assert ["(off)" in line for line in outputs] == [True, True, False]
    # Of a right one they are exact.
    (tmp_path / "mine.py").write_text(
        WRONG_TWICE.replace("y * d_u + x,", "y * d_u + 2 * x,").replace("x * d_u + xp", "x * d_u - xp"),
        encoding="utf-8",
    )
    lines = explained("ratio", str(tmp_path / "mine.py"), *PLAIN)
    assert "exactly" in " ".join(lines[:4]) and "backward" in lines and "off)" not in " ".join(lines)


def test_without_a_derivation_the_tape_is_shown(tmp_path: Path) -> None:
    body = "from gradproof import Reals, function\n\n@function(x=Reals())\ndef f(xp, x):\n    return xp.sin(x) * x\n"
    (tmp_path / "mine.py").write_text(body, encoding="utf-8")
    lines = explained("f", str(tmp_path / "mine.py"), "--at", "x=0", *PLAIN)
    assert "v1 = sin(x) 0 0" in lines and "v2 = v1 * x 0 1" in lines


def test_a_kink_is_told_with_the_command_that_says_who_takes_which() -> None:
    lines = explained("relu", "--at", "x=[0.0, -0.0, 1.0, -1.0, 2.0]", *PLAIN)
    assert lines[-2:] == [KINK, "gradproof blame relu --at 'x = [0.0, -0.0, 1.0, -1.0, 2.0]'"]
    done = CliRunner().invoke(app, [*shlex.split(lines[-1])[1:], *PLAIN], prog_name="gradproof")
    assert done.exit_code == 0 and "df/dx[1]" in done.stdout
    (x,) = registry.find(registry.load_builtin(), "absolute_sum").points[1]
    at_a_point = explained("absolute_sum", "--at", f"x={x.tolist()}", *PLAIN)
    assert at_a_point[-2:] == [KINK, "gradproof conventions absolute_sum"]


def test_where_no_run_goes_is_told_and_a_warning_is_none() -> None:
    lines = explained("square_root", "--at", "x=[0, 1]", *PLAIN)
    assert lines[2].startswith("outside of the domain of x, from ")
    assert lines[-1].startswith("there is no derivative here: beside this input the slopes grow without end")
    assert not any("outside of the domain" in line for line in explained("square_root", "--at", "x=[1, 2]", *PLAIN))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert run("square_root", "--at", "x=[0, 1]", *PLAIN).exit_code == 0


@pytest.mark.parametrize(
    ("backend", "source"),
    [
        ("AG", "import autograd.numpy as np\n\ndef loss(w, x):\n    return np.sum(np.tanh(w * x))\n"),
        ("JX", "import jax.numpy as jnp\n\ndef loss(w, x):\n    return jnp.sum(jnp.tanh(w * x))\n"),
        ("PT", "import torch\n\ndef loss(w, x):\n    return torch.tanh(w * x).sum()\n"),
        ("TF", "import tensorflow as tf\n\ndef loss(w, x):\n    return tf.reduce_sum(tf.tanh(w * x))\n"),
    ],
    ids=["AG", "JX", "PT", "TF"],
)
def test_a_function_of_a_framework_is_shown_by_its_trace(tmp_path: Path, backend: str, source: str) -> None:
    needs(NAMES[backend])
    file = tmp_path / f"mine_{backend}.py"
    file.write_text(source, encoding="utf-8")
    lines = explained(f"{file}:loss", "--at", "w=[0.5, -1.25], x=2")
    assert lines[0].startswith(f"{file}:loss on {NAMES[backend]}, as traced")
    assert any("tanh(" in line and "[0.76159416 -0.9866143]" in line for line in lines)
    assert any(line.startswith("df/dx -0.1") or line.startswith("df/dx 0.1") for line in lines)


RETURNED = """
from gradproof import Reals, function

@function(x=Reals(), y=Reals(), points=[dict(x=1.5, y=2.0)])
def f(xp, x, y):
    "f(x, y) = x² y + sin y"
    return x * x * y + xp.sin(
        y
    )

@f.gradient
def _(xp, x, y):
    return 2 * x * y, x**2 + xp.cos(y)
"""


def test_what_is_returned_has_a_node_for_each_operation(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(RETURNED, encoding="utf-8")
    lines = explained("f", str(tmp_path / "mine.py"), *PLAIN)
    for line in ("v1 = x * x 2.25 2.25", "v2 = v1 * y 4.5 4.5", "v1 = 2 * x 3 3.0", "→ df/dx = v1 * y 6 6.0"):
        assert line in lines
    assert any(line.startswith("v3 = xp.sin(y) 0.90929742682568169") for line in lines)
    assert any(line.startswith("→ f = v2 + v3 5.4092974268256816") for line in lines)
    lambdas = RETURNED.partition("@f.gradient")[0] + "f.gradient(lambda xp, x, y: (2 * x * y, x**2 + xp.cos(y)))\n"
    (tmp_path / "mine.py").write_text(lambdas, encoding="utf-8")
    assert explained("f", str(tmp_path / "mine.py"), *PLAIN) == lines


def operations_of(code: Callable, *arguments: Any) -> list[tuple[str, Any]]:
    return [(node.line, node.value) for node in passes.passed(code, *arguments).nodes]


def test_operations_are_told_where_they_can_be() -> None:
    v1 = 4.0

    def closed(x):
        # A name that is taken, a constant, a part with names of its own, one that is not always executed.
        return x * v1 + -(2.0**3) + sum(x * k for k in range(2)) + (x if x > 0 else 1 / 0 * x)

    def twice(numbers):
        return 2.0 * next(numbers)

    def plain(x):
        return x

    def indexed(x):
        return (x * 2.0)[0] * x.T[1]

    assert operations_of(closed, 3.0)[0] == ("v2 = x * v1", 12.0)
    assert [line for line, _ in operations_of(closed, 3.0)] == [
        "v2 = x * v1",
        "v3 = v2 + -2.0 ** 3",
        "v4 = sum((x * k for k in range(2)))",
        "v5 = v3 + v4",
    ]
    # Executed once more it gives another number: nothing is told that did not happen.
    assert operations_of(twice, iter([1.0, 2.0, 3.0])) == []
    assert passes.passed(plain, 3.0).written == [""] and operations_of(plain, 3.0) == []
    found = passes.passed(indexed, np.array([1.0, 5.0]))
    assert [node.line for node in found.nodes] == ["v1 = x * 2.0"] and found.written == ["v1[0] * x.T[1]"]


def test_what_cannot_be_told_apart_is_said_and_how_to_see_it(tmp_path: Path) -> None:
    made = RETURNED.partition("@f.gradient")[0]
    made += "exec('def hand(xp, x, y):\\n    return 2 * x * y, x**2 + xp.cos(y)')\nf.gradient(hand)\n"
    (tmp_path / "mine.py").write_text(made, encoding="utf-8")
    lines = explained("f", str(tmp_path / "mine.py"), *PLAIN)
    assert lines[lines.index("backward") + 1].startswith("its operations cannot be told apart: give each a name")


def test_loops_have_a_node_for_each_turn_and_tracing_leaves_nothing_behind() -> None:
    def body(x):
        y = x
        for k in range(2):
            y = y * x + k
        return y

    found = passes.passed(body, 3.0)
    assert [node.value for node in found.nodes if node.name == "y"] == [3.0, 9.0, 28.0] and found.returned == 28.0

    assert sys.gettrace() is None or "nodes" not in repr(sys.gettrace())


ERRORS = {
    "unknown function": (("softmx",), "there is no function softmx. Did you mean softmax?"),
    "argument": (("sine", "--at", "y=1"), "y is none of its arguments; give each argument, as --at "),
    "shape": (("exponential_of_sine", "--at", "x=[1, 2]"), "--at gives x the shape (2,); its domain has ()"),
    "no numbers": (("sine", "--at", "x=a"), "--at 'x=a'"),
    "no names": (("sine", "--at", "1"), "each argument is given by its name"),
    "comma": (("sine", "--at", "x=1 y=2"), "--at 'x=1 y=2': a comma is missing before y; give one such as"),
    "comma behind a list": (("sine", "--at", "w=[1, 2]  x=1"), "a comma is missing before x"),
    "no argument": (("weighted_sum_times_z", "--at", "x=1,y=2,z=3,w=4"), "w is none of its arguments; give each"),
    "twice": (("exponential_of_sine", "--at", "x=1, x=2"), "--at 'x=1, x=2': x is given twice"),
    "complex": (("exponential_of_sine", "--at", "x=1j"), "--at gives x a complex number; its domain has real ones"),
    "too large": (("exponential_of_sine", "--at", "x=1e400"), "x is larger than any number of float64"),
    "a word": (("exponential_of_sine", "--at", "x='a'"), "x is neither a number nor a list of numbers"),
    "a truth value": (("exponential_of_sine", "--at", "x=True"), "x is neither a number nor a list of numbers"),
    "uneven rows": (("softmax", "--at", "x=[[1, 2], [3]]"), "the rows of x are not of one length; give one such as"),
    "not finite": (("natural_logarithm", "--at", "x=[0.0]"), "at x = [0.0]: it is infinite. Give another input"),
    "no syntax": (("sine", "--at", "x=[1, 2"), "it cannot be read"),
    "backend": (("sine", "--backend", "jx"), "'jx' is not known; known are numpy"),
    "module": (("nonesuch_of_mine:f", "--at", "x=1"), "nonesuch_of_mine cannot be imported: ModuleNotFoundError"),
    "attribute": (("math:nonesuch", "--at", "x=1"), "math has no function nonesuch"),
    "framework": (("math:sin", "--at", "x=1"), "the framework is not to be seen; name it: --backend"),
}


@pytest.mark.parametrize(("arguments", "message"), ERRORS.values(), ids=ERRORS)
def test_what_is_wrong_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    done = run(*arguments, *(() if "--backend" in arguments or ":" in arguments[0] else PLAIN))
    assert done.exit_code == 2 and message in " ".join(done.stderr.split()), done.output
    assert max(map(len, done.stderr.splitlines())) <= WIDTH


# A file to start from


def test_what_new_writes_is_verified_as_it_stands(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["new", str(tmp_path / "below" / "mine.py")])
    assert done.exit_code == 0 and "gradproof verify" in done.stdout
    functions = registry.load([tmp_path / "below" / "mine.py"])
    assert [function.name for function in functions] == ["scaled_cubes", "scaled_cubes_halved"]
    for function in functions:
        finding = Examiner(Cell(function, NAMES["NP"], "cpu", "float64", "reverse")).against_truth(function.points[0])
        assert finding.judgement.verdict == "verified"


def test_new_writes_over_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("mine\n", encoding="utf-8")
    for name, message in (("mine.py", "is there already"), ("mine", "ends in .py")):
        done = CliRunner().invoke(app, ["new", str(tmp_path / name)])
        assert done.exit_code == 2 and message in " ".join(done.stderr.split())
    assert (tmp_path / "mine.py").read_text(encoding="utf-8") == "mine\n"


def test_show_has_the_verdicts_of_a_run_and_what_is_declared(tmp_path: Path) -> None:
    scaffold.new(tmp_path / "mine.py")
    with (tmp_path / "mine.py").open("a", encoding="utf-8") as file:
        file.write('\n\nscaled_cubes.implementation("torch", modes=("reverse",), accuracy=1e-6)(lambda x, b: 0)\n')
    row = {"function": "scaled_cubes", "backend": "jax", "device": "cpu", "dtype": "float64", "mode": "reverse"}
    row |= {"check": "exact", "verdict": "verified", "ratio": 0.25, "error": 1e-16, "examples": 1, "versions": {}}
    idle = row | {"verdict": "not run", "ratio": None, "reason": f"it has no such derivative, {'because ' * 6}"}
    rows = [row, *(idle | {"mode": mode} for mode in ("forward", "compiled", "vectorized"))]
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
    options = ("--functions", str(tmp_path / "mine.py"), "--results", str(tmp_path / "r.jsonl"))
    done = CliRunner().invoke(app, ["show", "scaled_cubes", *options])
    assert done.exit_code == 0, done.output
    assert "torch, in reverse alone, to 1e-06" in done.stdout
    assert "jax-cpu-float64-reverse, exact     verified  0.25 of its bound" in done.stdout
    # A long reason is told once.
    assert done.stdout.count("no such derivative") == 1
    assert done.stdout.count("not run   as jax-cpu-float64-forward, exact") == 2


def test_blame_prints_the_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gradproof.report.tables import blame

    monkeypatch.setattr(blame, "installed_backends", lambda: [NAMES["NP"]])
    made = entry(lambda xp, x: x * x, lambda xp, x: (3 * x,), x=())
    lines = blame.blame(made, given='{"x": 2.0}').text.splitlines()
    table = [" ".join(line.split()) for line in lines[lines.index("") + 1 :]]
    assert "df/dx 4.0 exact differences, numpy's differences" in table or any(
        line.startswith("df/dx 4.0 exact differences") for line in table
    )
    assert any(line.startswith("6.0 by hand") for line in table)


def test_what_a_framework_logs_at_its_import_is_left_out() -> None:
    """What else is written to descriptor 2 is not, nor anything where the import raises."""
    lines = ["I0000 00:00:1796005310.542731   18679 port.cc:153] oneDNN is on", "mine"]
    program = (
        "import os, sys\nfrom gradproof.backends.quiet import quiet\nwith quiet():\n"
        f"    os.write(2, {''.join(line + chr(10) for line in lines)!r}.encode())\n    "
    )
    for last, told in (("pass", lines[1:]), ("sys.exit('lost')", [*lines, "lost"])):
        done = subprocess.run([sys.executable, "-c", program + last], capture_output=True, text=True, check=False)
        assert done.stderr.splitlines() == told
