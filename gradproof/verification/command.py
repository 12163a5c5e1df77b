"""`gradproof verify`: pytest on the built-in registry, or on somebody's files, from any folder. It is a plugin as well,
which pytest loads by name, so that the workers of pytest-xdist, who read the same command line, know it too."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from gradproof import content
from gradproof.verification import spelling

OVERRIDES = {
    "addopts": "",  # may give options that a conftest declares, and that are others here
    "usefixtures": "",
    "filterwarnings": "",
    "strict": "false",  # a conftest, or a plugin that is not loaded, may declare lines of the ini file
    "strict_config": "false",
    "python_files": "test_*.py",
    "python_functions": "test_*",
}
"""What an ini file around says about the tests of its own project, and about no other."""

# Nothing to warn of: such lines; and that Hypothesis, whose assertions pytest would rewrite, is imported by then.
IGNORED = ("ignore::pytest.PytestConfigWarning", "ignore::pytest.PytestAssertRewriteWarning")


def verify(arguments: Sequence[str]) -> int:
    """Verify the functions of the paths among these arguments, or without any the built-in ones; all else is an option
    of pytest or of Gradproof. Returns pytest's exit status."""
    # A conftest around may have options of the same names, and the tests that verify need nothing of it.
    own = ["-p", "gradproof.plugin", "-p", __name__, "--noconftest"]
    own += [word for name, value in OVERRIDES.items() for word in ("-o", f"{name}={value}")]
    own += [word for warning in IGNORED for word in ("-W", warning)]
    return int(pytest.main([*own, *arguments]))


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(parser: pytest.Parser, args: list[str]) -> None:
    """Say what is wrong with an option that no plugin knows, all of which are loaded by now."""
    _, lost = parser.parse_known_and_unknown_args(args)
    if any(word.startswith("-") for word in lost):
        raise pytest.UsageError(spelling.unknown(lost))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Take the paths, as pytest has told them from the values of its options, for functions, before anybody asks."""
    if config.args_source is pytest.Config.ArgsSource.ARGS:
        for path in config.args:
            if not Path(config.invocation_params.dir, path).exists():
                raise pytest.UsageError(f"there is no file or folder {path}")
        config.option.functions = [*config.option.functions, *config.args]
    config.args = [str(content.VERIFICATION)]
