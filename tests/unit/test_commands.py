"""The command `gradproof`: each subcommand has a help that shows an example; what is wrong is told in one sentence, on
lines that fit a terminal, with the exit status 2 and without a traceback; and `verify` is pytest, from any folder."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

import gradproof
from gradproof.cli import app
from gradproof.report.tables import blame, conventions
from gradproof.report.text import WIDTH
from gradproof.verification import spelling, watch
from gradproof.verification.options import add_options

ROOT = Path(__file__).parents[2]
COMMANDS = (
    *("verify", "campaign", "mutants", "operations", "accuracy", "list", "show", "explain", "new"),
    *("blame", "compare", "merge", "page", "conventions", "catalogue", "completeness", "widths", "watch"),
)

MINE = """
from gradproof import Reals, function

@function(x=Reals(), points=[dict(x=1.5)])
def cube(xp, x):
    "f(x) = x³"
    return x * x * x

@cube.gradient
def _(xp, x):
    return 3 * x * x

cube.variant("near", points=[dict(x=0.25)])
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of somebody's own, with a file of functions in it."""
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, prog_name="gradproof", env={"COLUMNS": "150"})


def test_there_are_these_commands() -> None:
    assert tuple(get_command(app).commands) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_a_help_with_an_example_that_can_be_parsed(command: str) -> None:
    done = run(command, "--help")
    assert done.exit_code == 0 and "Example" in done.stdout
    examples = re.findall(rf"^ +gradproof {command}.*", done.stdout, re.MULTILINE)
    assert examples
    for example in examples:
        words = shlex.split(re.sub(r"> \S+", "", example))[2:]
        get_command(app).commands[command].make_context("gradproof", words)


def test_the_version_is_told() -> None:
    done = run("--version")
    assert done.exit_code == 0 and done.stdout == f"gradproof {gradproof.__version__}\n"


def test_without_a_command_all_of_them_are_shown_by_group() -> None:
    done = run()
    assert done.exit_code == 0
    assert all(name in done.stdout for name in (*COMMANDS, "Look up", "Results of runs"))


def failing(*arguments: str) -> str:
    """The sentence that a command says of what is wrong, in one line, though it may be printed on several."""
    done = run(*arguments)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    return told(done.stderr)


def told(errors: str) -> str:
    """What was printed on lines that fit a terminal, but for what is longer than one, in one line."""
    first, *rest = errors.splitlines()
    assert all(len(line) <= WIDTH or " " not in line.strip() for line in (first, *rest)), errors
    assert not first.startswith(" ") and all(line.startswith("  ") for line in rest), errors
    return " ".join(map(str.strip, (first, *rest)))


ERRORS = {
    "unknown command": ("verfy", "gradproof: No such command 'verfy'. Did you mean 'verify'?"),
    "unknown option": ("list --bakend jax", "gradproof list: No such option"),
    "missing argument": ("show", "gradproof show: Missing argument 'NAME'; see gradproof show --help"),
    "unknown function": ("show softmx", "gradproof: there is no function softmx. Did you mean softmax?"),
    "unknown function to blame": ("blame softmx", "Did you mean softmax?"),
    "unknown backend": ("list --backend jx", "'jx' is not known; known are numpy"),
    "point that is no number": ("blame sine --point one", "gradproof blame: Invalid value for '--point'"),
    "point that is not there": ("blame cube --point 9 --functions mine.py", "it has no point 9"),
    "input that is not one": ("blame cube --input {} --functions mine.py", "the input {} is not one of cube"),
    "function of a file": ("show cubes", "Of a file of your own: gradproof show cubes FILE"),
    "function of another file": ("explain cubes mine.py", "there is no function cubes in mine.py. Did you mean cube?"),
    "function of a file that is broken": ("show cube broken.py", "broken.py:1: the file cannot be loaded: SyntaxError"),
    "broken file to explain": ("explain cube broken.py", "broken.py:1: the file cannot be loaded: SyntaxError"),
    "broken file to blame": ("blame cube broken.py", "broken.py:1: the file cannot be loaded: SyntaxError"),
    "broken file to list": ("list broken.py", "broken.py:1: the file cannot be loaded: SyntaxError"),
    "broken file for a name": ("show broken.py", "broken.py:1: the file cannot be loaded: SyntaxError"),
    "broken file beside": ("show cubes .", "Did you mean cube? broken.py:1: the file cannot be loaded: SyntaxError"),
    "unlike any": (
        "show frobnicate mine.py",
        "there is no function frobnicate in mine.py. All that there are: gradproof",
    ),
    "file that is not there": ("explain cube absent.py", "gradproof: there is no file or folder absent.py"),
    "file to blame that is not there": ("blame cube absent.py", "gradproof: there is no file or folder absent.py"),
    "a file for a name": ("show mine.py", "mine.py is a file; name one of its functions: gradproof show cube mine.py"),
    "functions that are not there": ("list --functions absent.py", "there is no file or folder absent.py"),
    "no function of that name": ("conventions nonesuch", "no function has nonesuch in its name"),
    "absent file": ("compare absent.jsonl mine.py", "absent.jsonl: No such file or directory"),
    "folder": ("compare . mine.py", "gradproof: . is a folder"),
    "empty file": ("compare empty.jsonl empty.jsonl", "empty.jsonl is empty"),
    "no JSON": ("compare hello.jsonl hello.jsonl", "hello.jsonl, line 1 is no result row"),
    "empty file to merge": ("merge empty.jsonl", "empty.jsonl is empty"),
    "absent file to merge": ("merge absent.jsonl", "there is no results file or folder absent.jsonl"),
    "a folder for a name": ("show nothing", "nothing is a folder; its functions: gradproof list ./nothing"),
    "plain function": (
        "explain helper mine.py",
        "helper is a plain function of mine.py, which its trace explains: gradproof explain mine.py:helper --at INPUT",
    ),
    "nothing to merge": ("merge nothing", "there is no .jsonl file in nothing"),
}


@pytest.mark.parametrize(("command", "message"), ERRORS.values(), ids=ERRORS)
def test_what_is_wrong_is_told_in_one_sentence(folder: Path, command: str, message: str) -> None:
    (folder / "empty.jsonl").write_text("")
    (folder / "hello.jsonl").write_text("hello\n")
    (folder / "nothing").mkdir()
    if "helper" in command:
        (folder / "mine.py").write_text(MINE + "\n\ndef helper(x):\n    return x\n")
    if "broken" in command or command.endswith(" ."):
        (folder / "broken.py").write_text("def f(x:\n")
    assert message in failing(*command.split())


def test_a_command_stands_at_the_end_without_a_full_stop(folder: Path) -> None:
    (folder / "broken.py").write_text("def f(x:\n")
    for words in (["frobnicate", "mine.py"], ["frobnicate", "."], ["frobnicate"], ["cubes"], ["softmx"]):
        sentence = failing("show", *words)
        assert re.search(r"gradproof (list|show) \S+( FILE)?$", sentence), sentence


def test_a_file_that_cannot_be_loaded_is_told_in_one_line(folder: Path) -> None:
    (folder / "raises.py").write_text("1 / 0\n")
    assert "the file cannot be loaded: ZeroDivisionError at line 1" in failing("widths", "--functions", "raises.py")


@pytest.mark.usefixtures("one_backend")
def test_a_function_that_balls_cannot_evaluate_is_told_in_one_line(folder: Path) -> None:
    (folder / "mine.py").write_text(MINE.replace("return x * x * x", "return xp.frobnicate(x)"))
    for command in (("blame", "cube"), ("widths",), ("conventions", "cube")):
        assert "frobnicate" in failing(*command, "--functions", "mine.py")


def test_a_file_that_cannot_be_written_is_told_in_one_line(folder: Path) -> None:
    row = dict.fromkeys(("function", "backend", "device", "dtype", "mode", "check"), "f")
    row |= {"verdict": "verified", "ratio": None, "examples": 1, "versions": {}}
    (folder / "r.jsonl").write_text(json.dumps(row) + "\n")
    assert "No space left" in failing("merge", "r.jsonl", "--output", "/dev/full")


WAITS_FOR = {
    "help": (("--help",), {"numpy", "hypothesis", "scipy", "flint", "gradproof.registry"}),
    "new": (("new", "new.py"), {"numpy", "hypothesis", "scipy", "flint", "rich.table"}),
    "list": (("list", "softmax"), {"hypothesis", "scipy", "flint", "packaging", "gradproof.backends", "pytest"}),
    "show": (("show", "softmax"), {"hypothesis", "scipy", "flint", "gradproof.oracles", "pytest"}),
}
"""What is looked up in a second has no time for these."""


@pytest.mark.parametrize(("words", "heavy"), WAITS_FOR.values(), ids=WAITS_FOR)
def test_a_command_imports_what_it_needs(words: tuple[str, ...], heavy: set[str]) -> None:
    program = (
        f"import sys\nfrom gradproof.cli import app\ntry:\n    app({list(words)!r})\nexcept SystemExit as left:\n"
        f"    assert not left.code\nassert not {heavy!r} & set(sys.modules), {heavy!r} & set(sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_face_has_everything_that_it_promises() -> None:
    assert {*gradproof.__all__} <= {*dir(gradproof)}
    assert all(getattr(gradproof, name) is not None for name in gradproof.__all__)
    with pytest.raises(AttributeError, match="no attribute 'gradient'"):
        _ = gradproof.gradient


# What is looked up


def test_the_list_has_a_row_for_each_function_with_all_of_the_words() -> None:
    done = run("list", "softmax", "label")
    head, *rows, count = done.stdout.splitlines()
    assert head.split() == ["function", "field", "variants", "formula"]
    assert [row.split()[:3] for row in rows] == [
        ["cross_entropy_of_labels", "neural_networks", "1"],
        ["connectionist_loss", "neural_networks", "3"],
    ]
    assert count.startswith("2 functions")


def test_the_list_of_a_file_of_ones_own() -> None:
    done = run("list", "--functions", "mine.py")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[1].split() == ["cube", "mine.py", "1", "f(x)", "=", "x³"]


def test_a_file_stands_behind_the_name_in_every_command_that_looks_up() -> None:
    assert run("list", "mine.py").stdout == run("list", "--functions", "mine.py").stdout
    assert "mine.py" not in run("list", "cube").stdout
    for command in ("show", "explain"):
        more = ("--backend", "numpy") if command == "explain" else ()
        behind, named = run(command, "cube", "mine.py", *more), run(command, "cube", "--functions", "mine.py", *more)
        assert behind.exit_code == 0 and behind.stdout == named.stdout, behind.output


def test_a_folder_that_is_there_is_one_by_its_bare_name(folder: Path) -> None:
    (folder / "grads").mkdir()
    shutil.copy("mine.py", "grads")
    (folder / "frobnicated").mkdir()
    done = run("list", "grads")
    assert done.exit_code == 0 and done.stdout == run("list", "--functions", "grads").stdout
    # The command that it ends with works as well.
    assert run(*shlex.split(done.stdout.splitlines()[-1].partition("gradproof ")[2])).exit_code == 0
    assert run("list", "cube", "grads").stdout == done.stdout
    assert "no function has frobnicated in its name" in run("list", "frobnicated").stderr
    # Where functions have the word, they are meant, and the folder is told.
    (folder / "grads").rename("softmax")
    done = run("list", "softmax")
    assert done.exit_code == 0 and "softmax" in done.stdout.splitlines()[1]
    assert done.stderr == "softmax is a folder here as well: gradproof list ./softmax\n"


def test_a_file_of_a_folder_without_a_function_is_told_and_fails_nothing(folder: Path) -> None:
    (folder / "helper.py").write_text("x = 1\n")
    done = run("list", ".")
    assert done.exit_code == 0 and "cube" in done.stdout
    assert done.stderr == "helper.py registers no function, which fails nothing: other files of the folder do\n"
    # One that is named is to have some.
    assert run("list", "helper.py").exit_code == 2


BAD = """
from gradproof import Reals, function

@function(x=Reals())
def product(xp, x, y):
    "f(x, y) = x y"
    return x * y
"""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("def f(x:\n", "broken.py:1: the file cannot be loaded: SyntaxError at line 1"),
        (BAD, "broken.py:5: product: no domain is given for y: add y=Reals() to @function"),
    ],
    ids=["syntax", "bad entry"],
)
def test_what_is_wrong_with_a_file_costs_no_other_its_row(folder: Path, text: str, problem: str) -> None:
    (folder / "broken.py").write_text(text)
    done = run("list", ".")
    assert done.exit_code == 1 and problem in told(done.stderr)
    names = [line.split()[0] for line in done.stdout.splitlines()[1:-1]]
    assert names == (["product", "cube"] if text == BAD else ["cube"])
    assert done.stdout.splitlines()[-1].startswith(f"{len(names)} function")
    assert run("show", "cube", ".").exit_code == 0
    done = run("widths", "--functions", ".")
    assert (
        done.exit_code == 1 and problem in told(done.stderr) and "2 functions; wide at every point: none" in done.stdout
    )


def test_a_word_that_no_function_has_is_guessed() -> None:
    done = run("list", "sofmax")
    assert done.exit_code == 1 and done.stderr == "no function has sofmax in its name, field or formula. " + (
        "Did you mean softmax?\n"
    )


def test_code_is_shown_as_it_is_written_and_all_else_fits_a_terminal() -> None:
    lines = run("show", "layer_norm").stdout.splitlines()
    wide = [line for line in lines if len(line) > WIDTH]
    assert all(line.startswith("      ") for line in wide) and "  derivation" in lines


def test_a_pipe_gets_a_whole_line_for_each_function() -> None:
    head, *lines, count = run("list", "norm").stdout.splitlines()
    assert count.startswith(f"{len(lines)} functions") and max(map(len, lines)) > WIDTH
    assert all(line[0] != " " and "…" not in line[head.index("formula") :][-2:] for line in lines)
    assert all(len(line) > head.index("formula") for line in lines)


def test_the_list_can_be_of_what_is_recorded() -> None:
    rows = run("list", "absolute_sum", "--backend", "autograd").stdout.splitlines()
    assert rows[1].split()[:5] == ["absolute_sum", "traps", "0", "precision", "f(x)"]
    done = run("list", "absolute_sum", "--backend", "numpy")
    assert done.exit_code == 1 and done.stderr == "nothing is recorded of numpy at functions with such words\n"
    done = run("list", "mine.py", "--backend", "numpy")
    assert done.exit_code == 1 and done.stderr == "nothing is recorded of numpy at these functions\n"


def test_what_is_known_of_a_function_is_shown() -> None:
    shown = run("show", "absolute_sum").stdout
    for part in ("f(x) = Σ w |x|", "kinks.py:", "x: Reals(shape=(5,))", "1: x = [0.0, -0.0", "xp.sign(x) * d_a"):
        assert part in shown
    assert "autograd" in shown and "imprecise" in shown and "x[0]: [-1.10938, 1.10938]" in shown
    shown = run("show", "cube_near", "--functions", "mine.py").stdout
    assert "variant of       cube" in shown and "0: x = 1.5" in shown and "recorded" not in shown


@pytest.fixture
def one_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other backend is imported, which takes long."""
    for room in (blame, conventions):
        monkeypatch.setattr(room, "installed_backends", lambda: ["numpy"])


@pytest.mark.usefixtures("one_backend")
def test_who_is_to_blame_is_told() -> None:
    done = run("blame", "cube", "--input", '{"x": 2.0}', "--functions", "mine.py")
    assert done.exit_code == 0 and "cube at x = 2.0" in done.stdout
    assert re.search(r"^df/dx +12\.0 +exact differences, by hand, numpy$", done.stdout, re.MULTILINE)


# The registry and its records


KINK = """
from gradproof import Reals, function

@function(x=Reals(), points=[dict(x=0.0), dict(x=1.5)])
def size(xp, x):
    "f(x) = |x|"
    return xp.abs(x)

@size.gradient
def _(xp, x):
    return {slope}
"""


@pytest.mark.usefixtures("one_backend")
def test_the_choices_at_kinks_are_told_or_written(folder: Path) -> None:
    (folder / "mine.py").write_text(KINK.format(slope="xp.sign(x)"))
    done = run("conventions", "--functions", "mine.py")
    assert done.exit_code == 0 and "x: [-1, 1]; numpy 0" in done.stdout
    done = run("conventions", "size", "--functions", "mine.py", "--markdown", "page.md", "--write", "kinks.toml")
    assert done.stdout.strip() == "1 kinks written to kinks.toml and page.md"
    assert "| size | 0 | x | -1 | 1 |" in (folder / "page.md").read_text()
    assert 'function = "size"' in (folder / "kinks.toml").read_text()


def test_a_bound_that_is_wide_everywhere_fails(folder: Path) -> None:
    assert run("widths", "--functions", "mine.py").exit_code == 0
    cancelling = "(3 * x * x + 1e12) - 1e12"
    (folder / "mine.py").write_text(MINE.replace("3 * x * x", cancelling))
    done = run("widths", "--functions", "mine.py")
    assert done.exit_code == 1 and "wide at every point: cube, cube_near" in done.stdout


def test_the_catalogue_is_a_table() -> None:
    done = run("catalogue")
    assert done.exit_code == 0 and done.stdout.startswith("| case |")


def test_an_entry_that_nothing_watches_gets_a_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = watch.PATH.read_text(encoding="utf-8").splitlines()
    (folder / "watched.jsonl").write_text("".join(f"{line}\n" for line in lines[1:]), encoding="utf-8")
    monkeypatch.setattr(watch, "PATH", folder / "watched.jsonl")
    watch.load.cache_clear()
    try:
        assert "1 lines added to" in run("watch").stdout
        assert (folder / "watched.jsonl").read_text(encoding="utf-8").splitlines() == lines
    finally:
        watch.load.cache_clear()


# Exit statuses, as docs/command_line.md has them

WRONG = MINE.replace("3 * x * x", "-3 * x * x")

STATUSES = {
    "list of what is there": ("list cube mine.py", 0),
    "list of a word that nothing has": ("list nonesuch mine.py", 1),
    "list with a broken file beside": ("list .", 1),
    "list of a broken file": ("list broken.py", 2),
    "list with an option that is wrong": ("list --bakend x", 2),
    "show": ("show cube mine.py", 0),
    "show of what is not there": ("show cubes mine.py", 2),
    "show with rows": ("show cube mine.py --results right.jsonl", 0),
    "show with rows that are none": ("show cube mine.py --results hello.jsonl", 2),
    "explain": ("explain cube mine.py --backend numpy", 0),
    "explain of a wrong derivation": ("explain cube wrong.py --backend numpy", 0),
    "explain at no input": ("explain cube mine.py --backend numpy --at y=1", 2),
    "explain of what is not there": ("explain cubes mine.py", 2),
    "explain on what is not there": ("explain cube mine.py --backend nump", 2),
    "blame": ("blame cube mine.py --backend numpy", 0),
    "blame of a wrong derivation": ("blame cube wrong.py --backend numpy", 1),
    "blame at no point": ("blame cube mine.py --backend numpy --point 9", 2),
    "blame on what is not there": ("blame cube mine.py --backend nump", 2),
    "compare": ("compare right.jsonl right.jsonl", 0),
    "compare with what got better": ("compare bad.jsonl right.jsonl", 0),
    "compare with what got worse": ("compare right.jsonl bad.jsonl", 1),
    "compare with no file": ("compare right.jsonl absent.jsonl", 2),
    "merge": ("merge right.jsonl", 0),
    "merge without what is expected": ("merge right.jsonl --expect jax-gpu", 1),
    "merge of what is worse than a baseline": ("merge bad.jsonl --baseline right.jsonl", 1),
    "merge with a file that is none beside": ("merge right.jsonl hello.jsonl", 2),
    "page": ("page right.jsonl --output site", 0),
    "page with a file that is none beside": ("page right.jsonl hello.jsonl --output site", 2),
    "page with an earlier file that is none": ("page right.jsonl --earlier hello.jsonl --output site", 2),
    "page of no file": ("page absent.jsonl --output site", 2),
    "new": ("new another.py", 0),
    "new where one is": ("new mine.py", 2),
    "widths": ("widths --functions mine.py", 0),
    "verify with an option that is wrong": ("verify mine.py --bakend numpy", 4),
    "a command that is none": ("verfy", 2),
}


@pytest.mark.parametrize(("command", "status"), STATUSES.values(), ids=STATUSES)
def test_the_exit_status_says_what_the_documentation_says(folder: Path, command: str, status: int) -> None:
    (folder / "wrong.py").write_text(WRONG)
    if "list ." in command or "broken" in command:
        (folder / "wrong.py").unlink()
        (folder / "broken.py").write_text("def f(x:\n")
    row = {"function": "cube", "backend": "jax", "device": "cpu", "dtype": "float64", "mode": "reverse"}
    row |= {"check": "exact", "verdict": "verified", "ratio": 0.5, "error": 1e-17, "examples": 1, "versions": {}}
    row |= {"entry": "x", "input": {"x": "0x1.8p+0"}, "seconds": 0.1, "caught": {}}
    (folder / "right.jsonl").write_text(json.dumps(row) + "\n")
    (folder / "bad.jsonl").write_text(json.dumps(row | {"verdict": "wrong", "reason": "why", "ratio": 9.0}) + "\n")
    (folder / "hello.jsonl").write_text("hello\n")
    done = run(*command.split())
    assert done.exit_code == status, done.output
    # What cannot be done is told where errors are, and why.
    assert bool(done.stderr) == (status in (2, 4)) or status == 1


def test_what_can_be_used_makes_a_page_beside_what_cannot(folder: Path) -> None:
    row = dict.fromkeys(("function", "backend", "device", "dtype", "mode", "check"), "f")
    row |= {"verdict": "verified", "ratio": None, "examples": 1, "versions": {}, "device": "cpu", "backend": "jax"}
    row |= {"dtype": "float64", "mode": "reverse", "check": "exact"}
    (folder / "r.jsonl").write_text(json.dumps(row) + "\n")
    for name in ("bad", "old", "spread"):
        (folder / f"{name}.jsonl").write_text("hello\n")
    options = ("--earlier", "old.jsonl", "--accuracy", "spread.jsonl", "--scripts", "nowhere", "--output", "site")
    done = run("page", "r.jsonl", "bad.jsonl", "gone.jsonl", *options)
    assert done.exit_code == 2 and (folder / "site" / "index.html").is_file()
    for file in ("bad.jsonl", "gone.jsonl", "old.jsonl", "spread.jsonl", "nowhere"):
        assert done.stderr.count(file) == 1, done.stderr
    assert "Traceback" not in done.output and done.stdout.startswith("site/index.html: 1 function, 1 cell")


# Pytest by another name


MISSPELT = {
    "a letter": ("--bakend", "--backend"),
    "one too many": ("--devices=cpu", "--device"),
    "an underscore": ("--hypothesis_seed", "--hypothesis-seed"),
}


@pytest.mark.parametrize(("given", "meant"), MISSPELT.values(), ids=MISSPELT)
def test_a_misspelt_option_of_verify_is_told_in_one_line_before_pytest_is_started(
    monkeypatch: pytest.MonkeyPatch, given: str, meant: str
) -> None:
    monkeypatch.setattr(pytest, "main", lambda *_: pytest.fail("pytest was started"))
    done = run("verify", "mine.py", given, "numpy")
    name = given.partition("=")[0]
    told = f"gradproof verify: there is no option {name}. Did you mean {meant}? See gradproof verify --help"
    assert (done.exit_code, " ".join(done.stderr.split()), done.stdout) == (4, told, "")


def test_an_option_that_nothing_is_near_is_told_in_one_line_as_well(folder: Path) -> None:
    done = verify(folder, "mine.py", "--backend", "numpy", "--frobnicate=3")
    told = "ERROR: gradproof verify: there is no option --frobnicate. See gradproof verify --help"
    assert done.returncode == 4 and done.stderr.strip() == told and "usage" not in done.stdout


def test_the_options_that_may_have_been_meant_are_those_that_are_declared() -> None:
    parser = pytest.Parser(_ispytest=True)
    add_options(parser)
    declared = {name for option in parser.getgroup("gradproof").options for name in option.names()}
    assert {*spelling.OPTIONS} == declared | {"--hypothesis-profile", "--hypothesis-seed"}
    # None of them is taken for another that is misspelt, nor is one of pytest's.
    assert not [name for name in (*spelling.OPTIONS, *spelling.OF_PYTEST) if spelling.misspelt([name])]


def verify(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "150"}
    command = [sys.executable, "-m", "gradproof", "verify", *arguments, "--mode", "reverse", "-p", "no:cacheprovider"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_path_is_verified_with_any_options_of_pytest(folder: Path) -> None:
    (folder / "conftest.py").write_text("def pytest_addoption(parser):\n    parser.addoption('--device')\n")
    options = ("--backend", "numpy", "-k", "not near", "--results", "r.jsonl", "-n", "2", "--require", "numpy")
    done = verify(folder, "mine.py", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout and "what was verified" in done.stdout
    assert {json.loads(line)["function"] for line in (folder / "r.jsonl").read_text().splitlines()} == {"cube"}


def test_the_help_of_verify_names_every_option_of_ours(folder: Path) -> None:
    whole = verify(folder, "-h").stdout
    ours = re.search(r"^Gradproof: .*?\n(.*?)^\S", whole, re.MULTILINE | re.DOTALL)
    assert ours is not None
    names, shown = re.findall(r"^  (--[\w-]+)", ours[1], re.MULTILINE), run("verify", "--help").stdout
    assert len(names) > 8 and [name for name in names if name not in shown] == []


def test_a_wrong_gradient_fails_with_the_status_of_pytest(folder: Path) -> None:
    (folder / "mine.py").write_text(MINE.replace("3 * x * x", "3 * x"))
    done = verify(folder, "--backend", "numpy", "mine.py")
    assert done.returncode == 1 and "WRONG: the hand-derived gradient of cube" in done.stdout


def test_without_a_path_the_built_in_functions_are_verified(folder: Path) -> None:
    for where in (folder, ROOT):
        done = verify(where, "--backend", "numpy", "-k", "absolute_sum and float64")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "numpy-cpu" in done.stdout and " passed" in done.stdout


@pytest.mark.parametrize(("text", "problem"), [("", "is empty"), ("hello\n", "line 1 is no result row")])
def test_a_baseline_that_is_no_results_file_is_told(folder: Path, text: str, problem: str) -> None:
    (folder / "before.jsonl").write_text(text)
    done = verify(folder, "mine.py", "--backend", "numpy", "--baseline", "before.jsonl")
    told = " ".join(done.stderr.split())
    assert done.returncode == 4 and told.startswith("ERROR: --baseline: ") and problem in told


def test_a_path_that_is_not_there_is_told(folder: Path) -> None:
    done = verify(folder, "absent.py", "--backend", "numpy")
    assert done.returncode == 4
    assert " ".join(done.stderr.split()) == "ERROR: there is no file or folder absent.py"
    done = verify(folder, "--functions", "absent.py", "--backend", "numpy")
    assert " ".join(done.stderr.split()) == f"ERROR: --functions: there is no file or folder {folder / 'absent.py'}"
