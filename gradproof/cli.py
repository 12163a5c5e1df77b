"""The command `gradproof`: its subcommands, their options and their help. What each of them does is a function in the
room that it belongs to; here it is called, and what it raises becomes one line and the exit status 2."""

import sys
from typing import Any

import typer
from typer.core import TyperGroup

UsageError = typer.BadParameter.__base__
"""What is wrong with a command line: Typer has no public name for its copy of Click's exception."""


class Commands(TyperGroup):
    """The group of all commands. It says what is wrong in one line."""

    def main(self, *arguments: Any, **settings: Any) -> Any:
        """Run a command, and leave with its exit status."""
        try:
            sys.exit(super().main(*arguments, **settings | {"standalone_mode": False}))
        except UsageError as error:
            _fail(error.ctx.command_path if error.ctx else "gradproof", error.format_message())


def _fail(command: str, problem: str) -> None:
    print(f"{command}: {' '.join(problem.split())}", file=sys.stderr)
    sys.exit(2)


app = typer.Typer(cls=Commands, add_completion=False, pretty_exceptions_enable=False)
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.callback(invoke_without_command=True)
def gradproof(context: typer.Context) -> None:
    """Verify gradients against the truth, with bounds in place of tolerances."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command(context_settings=PASSED_ON, options_metavar="[PATH]... [PYTEST OPTIONS]...")
def verify(context: typer.Context) -> None:
    """Verify the gradients of every installed backend: of the built-in functions, or of those of a file or folder."""
    from gradproof.verification import command

    raise typer.Exit(command.verify(context.args))


def main() -> None:
    """The console command."""
    app(prog_name="gradproof")
