"""The command `gradproof`: its subcommands, their options and their help. What each of them does is a function in the
room that it belongs to; here it is called, what it says is printed, and what it raises becomes one line and the exit
status 2. It is built on Typer, for which the types of a function's parameters declare its options, and which draws the
help that a person reads."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from gradproof import __version__, registry
from gradproof.divergences import DivergenceError
from gradproof.registry import Function, RegistryError
from gradproof.report.outcome import Outcome, Unusable
from gradproof.report.text import columns

# The rooms of the commands are imported where they are called: the help must not wait for ball arithmetic.

UsageError = typer.BadParameter.__base__
"""What is wrong with a command line: Typer has no public name for its copy of Click's exception."""

VERIFY, LOOK_UP, RESULTS, RECORDS = "Verify", "Look up", "Results of runs", "The registry and its records"
"""The groups in which the help shows the commands."""


class Commands(TyperGroup):
    """The group of all commands. It says what is wrong in one line."""

    def main(self, *arguments: Any, **settings: Any) -> Any:
        """Run a command, and leave with its exit status."""
        try:
            sys.exit(super().main(*arguments, **settings | {"standalone_mode": False}))
        except UsageError as error:
            command = error.ctx.command_path if error.ctx else "gradproof"
            _fail(f"{command}: {error.format_message().rstrip('.')}; see {command} --help")
        except typer.Abort:
            sys.exit(130)
        except (RegistryError, DivergenceError, Unusable) as error:
            _fail(f"gradproof: {error}")
        except OSError as error:
            _fail(f"gradproof: {error.filename}: {error.strerror}" if error.filename else f"gradproof: {error}")


def _fail(problem: str) -> None:
    print(" ".join(problem.split()), file=sys.stderr)
    sys.exit(2)


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"gradproof {__version__}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
]


@app.callback(invoke_without_command=True)
def gradproof(context: typer.Context, version: Version = False) -> None:
    """Verify gradients against the truth: with proven bounds in place of tuned tolerances.

    `gradproof COMMAND --help` tells more of a command, and has examples of it."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _tell(outcome: Outcome) -> None:
    """Print what a command has to say, and leave with its exit status."""
    if outcome.table:
        _print_table(outcome.table)
    if outcome.text:
        print(outcome.text)
    for problem in outcome.problems:
        print(problem, file=sys.stderr)
    raise typer.Exit(outcome.status)


def _print_table(lines: Any) -> None:
    if not sys.stdout.isatty():
        print(*columns(lines), sep="\n")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    head, *rows = lines
    table = Table(*head, header_style="bold")
    for row in rows:
        # As text: a formula may hold what would be markup.
        table.add_row(*map(Text, row))
    Console().print(table)


def _functions(paths: list[Path] | None) -> list[Function]:
    """The built-in functions, or those of these files and folders."""
    for path in paths or ():
        if not path.exists():
            raise FileNotFoundError(f"--functions: there is no file or folder {path}")
    return registry.load(paths) if paths else registry.load_builtin()


def _names(given: list[str] | None) -> list[str]:
    """The names of an option that may be repeated, each time with several, separated by commas."""
    return [name.strip() for names in given or () for name in names.split(",") if name.strip()]


def _command(panel: str, **settings: Any) -> Callable:
    return app.command(rich_help_panel=panel, **settings)


FunctionsOption = Annotated[
    list[Path] | None,
    typer.Option("--functions", metavar="PATH", help="Functions of this file or folder, not the built-in ones."),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a function, as gradproof list prints it.")]
Markdown = Annotated[
    Path | None, typer.Option("--markdown", metavar="FILE", help="Write it to this file, as Markdown.")
]


@_command(
    VERIFY,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": ["--help"]},
    options_metavar="[PATH]... [OPTIONS OF PYTEST]...",
)
def verify(context: typer.Context) -> None:
    """Verify gradients on this machine: those of the built-in functions, or of your own in a file or folder.

    Every installed backend is held to the exact derivative at points and at random inputs, within a bound that is
    proven for its dtype. A table closes the run. The exit status is pytest's: 0 where every gradient holds, 1 where one
    does not, 4 for an option that is wrong.

    Examples:

    ```
    gradproof verify -k softmax
    gradproof verify mine.py --backend jax --dtype float32,bfloat16
    gradproof verify -k "torch and compiled" -n 2 --require torch-cpu
    ```

    Options of Gradproof:

    ```
    --backend, --device, --dtype, --mode  what is tried: NAME,... or all
    --require BACKEND-DEVICE       fails where it is missing or verifies nothing
    --functions PATH               the same as PATH
    --results FILE                 keeps the rows
    --baseline FILE                fails where something got worse
    --reproduce DIR                writes a script for each gradient that fails
    --tf32                         lets float32 products on a GPU lose digits
    --hypothesis-profile nightly   searches long; ci and dev search less
    --hypothesis-seed N            searches with other draws
    ```

    All of pytest's options pass through: `-k WORDS` selects by the words of a test id, `-n 2` takes two processes, `-x`
    ends at the first failure, `-q` and `-v` say less and more. `gradproof verify -h` prints every option that there
    is."""
    from gradproof.verification import command

    raise typer.Exit(command.verify(context.args))


@_command(LOOK_UP, name="list")
def list_functions(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="WORD", help="Words of a name, a field or a formula.")
    ] = None,
    backend: Annotated[
        str, typer.Option("--backend", metavar="NAME", help="Only those of which it is recorded to deviate.")
    ] = "",
    functions: FunctionsOption = None,
) -> None:
    """List the functions, with their field and formula.

    Examples:

    ```
    gradproof list softmax
    gradproof list norm --backend jax
    ```"""
    from gradproof.backends import BACKENDS
    from gradproof.report.tables import functions as room

    if backend and backend not in BACKENDS:
        raise typer.BadParameter(f"{backend!r} is not known; known are {', '.join(BACKENDS)}.", param_hint="--backend")
    _tell(room.functions(_functions(functions), words or (), backend))


@_command(LOOK_UP)
def show(name: Name, functions: FunctionsOption = None) -> None:
    """Show all that is known of one function: formula, domains, derivation, variants, and what backends get wrong.

    Example:

    ```
    gradproof show softmax
    ```"""
    from gradproof.report.tables import functions as room

    entries = _functions(functions)
    _tell(room.details(registry.find(entries, name), entries))


@_command(LOOK_UP)
def blame(
    name: Name,
    point: Annotated[int | None, typer.Option(metavar="N", help="One of its points, from 0; all without.")] = None,
    given: Annotated[
        str, typer.Option("--input", metavar="JSON", help="Another input: an array per argument, by its name.")
    ] = "",
    functions: FunctionsOption = None,
) -> None:
    """Say who agrees with whom on a gradient: exact differences, the derivation, and every installed backend.

    Examples:

    ```
    gradproof blame x_log_y --point 0
    gradproof blame hinge --input '{"x": [0.5, -1.0]}'
    ```"""
    from gradproof.report.tables import blame as room

    _tell(room.blame(registry.find(_functions(functions), name), point, given))


@_command(RESULTS)
def compare(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="The --results file of the earlier run.")],
    now: Annotated[Path, typer.Argument(metavar="NOW", help="That of the later run.")],
    markdown: Markdown = None,
) -> None:
    """Compare the results of two runs, cell by cell; the exit status is 1 where something got worse.

    Example:

    ```
    gradproof compare before.jsonl now.jsonl --markdown changes.md
    ```"""
    from gradproof.report.rows import commands as room

    _tell(room.compare_files(before, now, markdown))


@_command(RESULTS)
def merge(
    results: Annotated[list[Path], typer.Argument(metavar="RESULTS", help="Results files, or folders of them.")],
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the merged rows here.")] = None,
    summary: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the tables here, as Markdown.")] = None,
    expect: Annotated[
        list[str] | None,
        typer.Option(metavar="JOB,...", help="BACKEND-DEVICE, or a file's name: fail where its cells are missing."),
    ] = None,
    tell: Annotated[
        list[str] | None, typer.Option(metavar="JOB,...", help="Like --expect, but what is missing is only said.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Compare with this earlier file; what got worse fails.")
    ] = None,
    functions: FunctionsOption = None,
) -> None:
    """Merge the results of many runs: shards, hosts, jobs. The exit status is 1 where what is expected is missing.

    Example:

    ```
    gradproof merge results/ --output all.jsonl --summary all.md --expect jax-cpu,torch-cpu
    ```"""
    from gradproof.report.rows import commands as room

    outcome = room.merge_files(
        results,
        _functions(functions),
        output=output,
        summary=summary,
        expect=_names(expect),
        tell=_names(tell),
        baseline=baseline,
    )
    _tell(outcome)


@_command(RESULTS)
def accuracy(
    words: Annotated[
        list[str] | None,
        typer.Option("-k", metavar="WORD,...", help="Functions whose names have one of these in them."),
    ] = None,
    backend: Annotated[list[str] | None, typer.Option("--backend", metavar="NAME,...")] = None,
    dtype: Annotated[list[str] | None, typer.Option("--dtype", metavar="NAME,...")] = None,
    mode: Annotated[
        list[str] | None,
        typer.Option(
            "--mode", metavar="NAME,...", help="reverse, forward, compiled or all; PyTorch's compiler is slow."
        ),
    ] = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="cpu or gpu.")] = "cpu",
    state: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep rows and truths here, and go on from them.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the table here, as Markdown, and its rows beside it.")
    ] = None,
    compare: Annotated[
        Path | None, typer.Option(metavar="ROWS", help="Rows of an earlier table: 1 where something is worse.")
    ] = None,
    functions: FunctionsOption = None,
) -> None:
    """Measure how accurate values and gradients are, at every number of half precision and a sample of the others.

    What acts entry by entry is run on whole arrays and held to ball arithmetic: the largest error in units in the last
    place with its input, the share that is correctly rounded, what is not finite and what is flushed. A run that is
    ended goes on where it was.

    Examples:

    ```
    gradproof accuracy -k tanh --dtype bfloat16
    gradproof accuracy --backend jax --output ACCURACY.md --compare before/accuracy.jsonl
    ```"""
    from gradproof.verification.sweeps import command as room

    selection = room.selection(_names(words), _names(backend), _names(dtype), _names(mode), device)
    _tell(room.accuracy(_functions(functions), selection, state, output, compare))


@_command(RECORDS)
def conventions(
    words: Annotated[list[str] | None, typer.Argument(metavar="WORD", help="Words of a function's name.")] = None,
    markdown: Markdown = None,
    write: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it to this file, as data.")] = None,
    functions: FunctionsOption = None,
) -> None:
    """Ask the installed backends which slope they choose at each kink, beside the slopes that are right there.

    Example:

    ```
    gradproof conventions clipped hinge
    ```"""
    from gradproof.report.tables import conventions as room

    _tell(room.survey(_functions(functions), words or (), markdown=markdown, write=write))


@_command(RECORDS)
def catalogue() -> None:
    """Print what became of a hundred gradients that were known to differ before.

    Example:

    ```
    gradproof catalogue > catalogue.md
    ```"""
    from gradproof.report.tables import catalogue as room

    _tell(room.catalogue())


@_command(RECORDS)
def completeness() -> None:
    """Print, list by list, which published names the registry differentiates, and why it leaves others out.

    Example:

    ```
    gradproof completeness > completeness.md
    ```"""
    from gradproof.report.tables import completeness as room

    _tell(room.completeness())


@_command(RECORDS)
def widths(functions: FunctionsOption = None) -> None:
    """Print where a bound of float64 is wide; the exit status is 1 where one is wide at every point of a function.

    Example:

    ```
    gradproof widths --functions mine.py
    ```"""
    from gradproof.report.tables import widths as room

    _tell(room.widths(_functions(functions)))


@_command(RECORDS)
def watch() -> None:
    """Have each new entry of known_divergences watched: the default run then tries its input every day.

    Example:

    ```
    gradproof watch
    ```"""
    from gradproof.verification import watch as room

    _tell(room.watch_all())


def main() -> None:
    """The console command."""
    app(prog_name="gradproof")
