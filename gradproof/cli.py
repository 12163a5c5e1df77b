"""The command `gradproof`: its subcommands, their options and their help. What each of them does is a function in the
room that it belongs to; here it is called, what it says is printed, and what it raises becomes one line and the exit
status 2. It is built on Typer, for which the types of a function's parameters declare its options, and which draws the
help that a person reads."""

import difflib
import functools
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from gradproof import __version__
from gradproof.report.outcome import Outcome, Unusable

# The rooms of the commands are imported where they are called: the help waits for no NumPy and no ball arithmetic.
if TYPE_CHECKING:
    from gradproof.registry import Function
    from gradproof.report.loaded import Loaded

UsageError = typer.BadParameter.__base__
"""What is wrong with a command line: Typer has no public name for its copy of Click's exception."""

WRONG_OPTION = 4
"""The exit status of pytest, and so of `verify`, for an option that is wrong."""

VERIFY, LOOK_UP, RESULTS, RECORDS = "Verify", "Look up", "Results of runs", "The registry and its records"
"""The groups in which the help shows the commands."""


class Commands(TyperGroup):
    """The group of all commands. It says what is wrong in one sentence."""

    def main(self, *arguments: Any, **settings: Any) -> Any:
        """Run a command, and leave with its exit status."""
        try:
            status = super().main(*arguments, **settings | {"standalone_mode": False})
        except UsageError as error:
            command = error.ctx.command_path if error.ctx else "gradproof"
            _fail(f"{command}: {error.format_message().rstrip('.')}; see {command} --help")
        except typer.Abort:
            sys.exit(130)
        except _no_good() as error:
            _fail(f"gradproof: {error}")
        except OSError as error:
            _fail(f"gradproof: {error.filename}: {error.strerror}" if error.filename else f"gradproof: {error}")
        sys.exit(status)


def _no_good() -> tuple[type[Exception], ...]:
    """What the rooms raise of what they were given. They are asked once something is raised."""
    from gradproof.divergences import DivergenceError
    from gradproof.registry import RegistryError

    return RegistryError, DivergenceError, Unusable


def _fail(problem: str) -> None:
    _complain(problem)
    sys.exit(2)


def _complain(problem: str) -> None:
    from gradproof.report.text import wrapped

    print(*wrapped(problem), sep="\n", file=sys.stderr)


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


def _tell(outcome: Outcome, loaded: "Loaded | None" = None) -> None:
    """Print what a command has to say, and what is wrong with the functions that were `loaded` for it, and leave with
    its exit status, which is 1 at least where something is."""
    if outcome.table:
        _print_table(outcome.table)
    if outcome.text:
        print(outcome.text)
    bad, notes = (loaded.problems, loaded.notes) if loaded is not None else ([], [])
    for problem in (*bad, *outcome.problems, *notes):
        _complain(problem)
    raise typer.Exit(outcome.status or int(bool(bad)))


def _print_table(lines: Any) -> None:
    if not sys.stdout.isatty():
        # Whoever reads a pipe takes a line for a function: none is broken or cut.
        from gradproof.report.text import columns

        print(*columns(lines), sep="\n")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    head, *rows = lines
    table = Table(header_style="bold")
    for title, *cells in zip(head, *rows, strict=True):
        # Names are to be typed again, and stand there whole.
        table.add_column(title, min_width=max(map(len, cells)) if title == head[0] else None)
    for row in rows:
        # As text: a formula may hold what would be markup.
        table.add_row(*map(Text, row))
    Console().print(table)


def _load(paths: list[Path] | None) -> "Loaded":
    from gradproof.report.loaded import load

    return load(paths)


def _function_of(command: str, name: str, paths: list[Path]) -> "tuple[Function, Loaded]":
    from gradproof.report.loaded import function_of

    return function_of(command, name, paths)


def _backends(given: str) -> list[str]:
    from gradproof.backends import BACKENDS

    named = _names([given])
    for one in named:
        if one not in BACKENDS:
            raise typer.BadParameter(f"{one!r} is not known; known are {', '.join(BACKENDS)}.", param_hint="--backend")
    return named


def _names(given: list[str] | None) -> list[str]:
    """The names of an option that may be repeated, each time with several, separated by commas."""
    return [name.strip() for names in given or () for name in names.split(",") if name.strip()]


def _command(panel: str, **settings: Any) -> Callable:
    return app.command(rich_help_panel=panel, **settings)


FunctionsOption = Annotated[
    list[Path] | None,
    typer.Option("--functions", metavar="PATH", help="Functions of this file or folder, not the built-in ones."),
]
OpinionsOption = Annotated[
    str, typer.Option("--backend", metavar="NAME,...", help="Whose answers are shown; of all without.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a function, as gradproof list prints it.")]
PathArgument = Annotated[
    list[Path] | None, typer.Argument(metavar="[PATH]...", help="The file or folder of your own that it stands in.")
]
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
    --report FILE                  writes a page of what was found
    --reproduce DIR                writes a script for each gradient that fails
    --budget SECONDS               searches your functions for so long in all
    --tf32                         lets float32 products on a GPU lose digits
    --hypothesis-profile nightly   searches long; ci and dev search less
    --hypothesis-seed N            searches with other draws
    ```

    All of pytest's options pass through: `-k WORDS` selects by the words of a test id, `-n 2` takes two processes, `-x`
    ends at the first failure, `-q` and `-v` say less and more. `gradproof verify -h` prints every option that there
    is."""
    from gradproof.verification import spelling

    if told := spelling.misspelt(context.args):
        _complain(told)
        raise typer.Exit(WRONG_OPTION)
    from gradproof.verification import command

    raise typer.Exit(command.verify(context.args))


@_command(VERIFY)
def campaign(
    state: Annotated[
        Path,
        typer.Option("--state", metavar="DIR", help="The folder of this campaign: a new one, or one to go on with."),
    ],
    words: Annotated[str, typer.Option("-k", metavar="WORDS", help="Only cells with these words, as verify -k.")] = "",
    backend: Annotated[list[str] | None, typer.Option(metavar="NAME,...", help="Backends.")] = None,
    dtype: Annotated[list[str] | None, typer.Option(metavar="NAME,...", help="Dtypes.")] = None,
    mode: Annotated[list[str] | None, typer.Option(metavar="NAME,...", help="Modes; quick is each backend's.")] = None,
    seeds: Annotated[int, typer.Option(metavar="N", help="So many seeds at least.")] = 3,
    first_seed: Annotated[
        int | None, typer.Option(metavar="N", help="The next seed; a number that was not used before without.")
    ] = None,
    inputs: Annotated[int, typer.Option(metavar="N", help="Until so many inputs have been judged in sum.")] = 1_000_000,
    minutes: Annotated[float, typer.Option(metavar="M", help="Or so many minutes are over.")] = float("inf"),
    draws: Annotated[int, typer.Option(metavar="N", help="Inputs drawn for a function and a seed.")] = 40,
    recheck: Annotated[
        bool, typer.Option("--recheck", help="Judge the inputs of its alarms again, no others.")
    ] = False,
    functions: FunctionsOption = None,
) -> None:
    """Judge fresh seeds one after the other, until a million inputs have been judged: what fails is a defect that
    nobody has recorded, or a false accusation.

    Each backend is tried in every dtype in its quick mode, and in the other modes in float64; torch.compile and XLA
    where they are named. It can be ended at any time: the same command goes on where it was. Tables close it; the exit
    status is 1 where there was an alarm.

    Examples:

    ```
    gradproof campaign --state results/campaign
    gradproof campaign --state results/softmax -k "softmax and jax" --seeds 1 --inputs 0
    gradproof campaign --state results/campaign --recheck
    ```"""
    from gradproof.backends import BACKENDS, DTYPES, MODES
    from gradproof.verification import campaign as room

    selection = room.Selection(
        words=words,
        backends=_known("--backend", backend, BACKENDS) or tuple(BACKENDS),
        dtypes=_known("--dtype", dtype, DTYPES),
        modes=_known("--mode", mode, (*MODES, room.QUICK)),
        functions=tuple(str(path.resolve()) for path in functions or ()),
        draws=draws,
    )
    loaded = _load(functions)
    if recheck:
        _tell(room.recheck(loaded.sound, state, selection), loaded)
    until = room.Until(seeds, inputs, minutes)
    _tell(room.campaign(loaded.sound, selection, state, until, first_seed=first_seed), loaded)


def _known(option: str, given: list[str] | None, known: Iterable[str]) -> tuple[str, ...]:
    """The names of an option, each of which must be known; `all` are all of them."""
    names = _names(given)
    for name in names:
        if name not in (*known, "all"):
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise typer.BadParameter(f"{name!r} is not known.{hint} Known: {', '.join(known)}, all", param_hint=option)
    return tuple(known) if "all" in names else tuple(names)


@_command(VERIFY)
def mutants(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Files or folders, not the built-in functions."),
    ] = None,
    function: Annotated[
        list[str] | None, typer.Option("--function", metavar="NAME,...", help="Only these of the functions.")
    ] = None,
    backend: Annotated[
        list[str] | None,
        typer.Option("--backend", metavar="NAME,...", help="Only on these, not on all that are installed."),
    ] = None,
    dtype: Annotated[str, typer.Option(metavar="NAME", help="float64 or float32.")] = "float64",
    draws: Annotated[int, typer.Option(metavar="N", min=0, help="So many draws beside the points.")] = 20,
    state: Annotated[
        Path | None, typer.Option("--state", metavar="FILE", help="Keep what is done here, to go on with it later.")
    ] = None,
    markdown: Markdown = None,
) -> None:
    """Which wrong gradients would be caught? Plant them, of every kind, in the gradients of functions.

    Each is examined as a right gradient is. Those that survive would pass for verified, and are listed; the exit status
    is then 1. With NumPy they are planted in every function, with a framework in a sample of many.

    Examples:

    ```
    gradproof mutants mine.py
    gradproof mutants mine.py --backend jax --dtype float32
    gradproof mutants --function softmax,attention --backend numpy
    ```"""
    from gradproof.verification import mutants as room

    loaded = _load(paths)
    entries = [loaded.find("mutants --function", name) for name in _names(function)] or loaded.sound
    _tell(room.mutants(entries, room.chosen(_names(backend)), room.trials(dtype, draws), markdown, state), loaded)


@_command(VERIFY)
def operations(
    backends: Annotated[
        list[str] | None, typer.Argument(metavar="BACKEND", help="torch, jax, autograd or tensorflow; all without.")
    ] = None,
    word: Annotated[str, typer.Option("-k", metavar="NAME", help="Only operations with this in their name.")] = "",
    results: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the rows here; what has rows is not tried again, so a run goes on."),
    ] = None,
    seconds: Annotated[float, typer.Option(metavar="S", help="How long one operation may take.")] = 10.0,
    processes: Annotated[int, typer.Option("-n", metavar="N", help="How many are tried at a time.", min=1)] = 1,
    limit: Annotated[
        int | None, typer.Option(metavar="N", help="Try no more than N now; 0 writes the pages alone.", min=0)
    ] = None,
    markdown: Markdown = None,
    findings: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what was found to this file, the gravest first.")
    ] = None,
) -> None:
    """Verify every differentiable operation of a framework, by the framework's own lists of them.

    Each is traced at the inputs of its list and at hard ones, and its gradient held to the exact derivative of that
    trace, in every mode and dtype that the framework claims. The exit status is 1 where something is wrong that is not
    recorded, or where what is recorded does not show any more.

    Examples:

    ```
    gradproof operations torch -k softmax
    gradproof operations jax --results operations.jsonl --markdown operations.md
    ```"""
    from gradproof.operations import command as room

    outcome = room.operations(
        backends or (),
        word,
        results=results,
        seconds=seconds,
        processes=processes,
        limit=limit,
        markdown=markdown,
        findings=findings,
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
    every: Annotated[
        str | None, typer.Option(metavar="K/N", help="Part K of N of all 2^32 numbers of float32; or all of them: all.")
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
    gradproof accuracy -k tanh --backend torch --every 1/1024
    ```"""
    from gradproof.verification.sweeps import command as room

    selection = room.selection(_names(words), _names(backend), _names(dtype), _names(mode), device)
    loaded = _load(functions)
    _tell(room.accuracy(loaded.sound, selection, state, output, compare, every), loaded)


@_command(LOOK_UP, name="list")
def list_functions(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[WORD]... [PATH]...", help="Words of a name, a field or a formula; or files."),
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
    gradproof list mine.py
    ```"""
    from gradproof.report.loaded import is_path
    from gradproof.report.tables import listing as room

    recorded: dict[str, Any] = {}
    if backend:
        from gradproof.report.tables.functions import kinds_of

        recorded = {"backend": backend, "recorded": functools.partial(kinds_of, _backends(backend))}
    paths = [*(functions or ()), *(Path(word) for word in words or () if is_path(word))]
    words = [word for word in words or () if not is_path(word)]
    loaded = _load(paths)
    if folders := room.folders_among(loaded.functions, words):
        words = [word for word in words if word not in folders]
        loaded = _load([*paths, *map(Path, folders)])
    _tell(room.functions(loaded.functions, words, loaded.files, **recorded), loaded)


@_command(LOOK_UP)
def show(
    name: Name,
    path: PathArgument = None,
    results: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A --results file, of which its verdicts are shown.")
    ] = None,
    functions: FunctionsOption = None,
) -> None:
    """Show all that is known of one function: formula, domains, derivation, variants, and what backends get wrong.

    Examples:

    ```
    gradproof show softmax
    gradproof show softmax --results rows.jsonl
    gradproof show cube mine.py
    ```"""
    from gradproof.report.tables import functions as room

    found, loaded = _function_of("show", name, [*(functions or ()), *(path or ())])
    verdicts: list[str] = []
    if results is not None:
        from gradproof.report.rows.results import read
        from gradproof.report.tables.verdicts import verdicts_of

        verdicts = verdicts_of(found, read(results)) or [f"{results} has no row of {name}"]
    _tell(room.details(found, loaded.functions, verdicts))


@_command(LOOK_UP)
def explain(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A function of the registry; or module:function, of a framework.")
    ],
    path: PathArgument = None,
    at: Annotated[str, typer.Option(metavar="INPUT", help="The input; its first point without.")] = "",
    backend: OpinionsOption = "",
    functions: FunctionsOption = None,
) -> None:
    """Work a function at one input: its forward and backward pass node by node, in exact digits, and what each backend
    gives beside them.

    A function of a framework is shown through its trace, instruction by instruction.

    Examples:

    ```
    gradproof explain exponential_of_sine --at "x=1000"
    gradproof explain cube mine.py --at "x=1.5" --backend numpy
    gradproof explain mymodule:loss --at "w=[0.5, -1.25], x=2" --backend jax
    ```"""
    from gradproof.report.answers import installed_backends

    named = _backends(backend)
    if ":" in name:
        from gradproof.checking.explaining import explain_code

        _tell(explain_code(name, at, named[0] if named else ""))
    from gradproof.report.tables import explain as room

    function, _ = _function_of("explain", name, [*(functions or ()), *(path or ())])
    _tell(room.explain(function, at, named or installed_backends()))


@_command(LOOK_UP)
def new(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; it must not be there yet.")],
) -> None:
    """Write a commented file with a function of your own in it, which is verified as it stands.

    Example:

    ```
    gradproof new mine.py
    ```"""
    from gradproof.report import scaffold as room

    _tell(room.new(path))


@_command(LOOK_UP)
def blame(
    name: Name,
    path: PathArgument = None,
    point: Annotated[int | None, typer.Option(metavar="N", help="One of its points, from 0; all without.")] = None,
    given: Annotated[
        str, typer.Option("--input", metavar="JSON", help="Another input: an array per argument, by its name.")
    ] = "",
    at: Annotated[str, typer.Option(metavar="INPUT", help="Another input, as explain takes it: x=1, w=[2, 3].")] = "",
    backend: OpinionsOption = "",
    functions: FunctionsOption = None,
) -> None:
    """Say who agrees with whom on a gradient: exact differences, the derivation, and every installed backend.

    Of several points those are shown whole at which somebody disagrees; all are with one that is named. The exit status
    is 1 where somebody disagrees.

    Examples:

    ```
    gradproof blame x_log_y --point 0
    gradproof blame hinge --at "x=[0.5, -1.0]"
    ```"""
    from gradproof.report.tables import blame as room

    made, _ = _function_of("blame", name, [*(functions or ()), *(path or ())])
    _tell(room.blame(made, point, given, _backends(backend), at))


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
    """Merge the results of many runs: shards, hosts, jobs.

    The exit status is 1 where what is expected is missing. A gradient that fails is told, and leaves it at 0: the run
    that verified it has failed already.

    Example:

    ```
    gradproof merge results/ --output all.jsonl --summary all.md --expect jax-cpu,torch-cpu
    ```"""
    from gradproof.report.rows import commands as room

    loaded = _load(functions)
    outcome = room.merge_files(
        results,
        loaded.functions,
        output=output,
        summary=summary,
        expect=_names(expect),
        tell=_names(tell),
        baseline=baseline,
    )
    _tell(outcome, loaded)


@_command(RESULTS)
def page(
    results: Annotated[list[Path], typer.Argument(metavar="RESULTS", help="Results files, or folders of them.")],
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Write the site here; index.html is its door.")],
    earlier: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="An earlier results file, to show what changed; several, the oldest first."),
    ] = None,
    scripts: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The folder of --reproduce, whose scripts are shown.")
    ] = None,
    accuracy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The rows of gradproof accuracy, to show them as well.")
    ] = None,
    functions: FunctionsOption = None,
) -> None:
    """Make a site of the results: an overview, and a page for each function.

    Example:

    ```
    gradproof page results/ --output site --earlier last_week.jsonl
    ```"""
    from gradproof.report.page import commands as room

    loaded = _load(functions)
    outcome = room.page(
        results, loaded.functions, output=output, earlier=earlier or (), scripts=scripts, accuracy=accuracy
    )
    _tell(outcome, loaded)


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

    loaded = _load(functions)
    _tell(room.survey(loaded.sound, words or (), markdown=markdown, write=write), loaded)


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

    loaded = _load(functions)
    _tell(room.widths(loaded.sound), loaded)


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
