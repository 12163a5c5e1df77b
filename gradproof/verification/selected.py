"""Which tests of a run are Gradproof's own, whatever else is collected beside them."""

import functools
from pathlib import Path

import pytest

from gradproof import content


def is_ours(item: pytest.Item | pytest.Collector) -> bool:
    """Whether this test, or what lies in this file, verifies."""
    return _lies_inside(item.path)


@functools.cache
def _lies_inside(path: Path) -> bool:
    return path.resolve().is_relative_to(content.VERIFICATION)


def is_ours_by_name(config: pytest.Config, test: str) -> bool:
    """The same of a test of which only its id is known."""
    file = test.partition("::")[0]
    here = Path(config.rootpath, file)
    # The id of a test outside the root begins at the path that was collected.
    return _lies_inside(here) if here.is_file() else Path(content.VERIFICATION, file).is_file()


def is_called_for(config: pytest.Config) -> bool:
    """Whether the paths of this run lead to the tests that verify."""
    return any(_leads(Path(config.invocation_params.dir, path.partition("::")[0]).resolve()) for path in config.args)


def _leads(path: Path) -> bool:
    if path.is_relative_to(content.VERIFICATION):
        return True
    # From a project pytest does not descend into the virtual environment that lies in it.
    above = [folder for folder in content.VERIFICATION.parents if folder.is_relative_to(path) and folder != path]
    return content.VERIFICATION.is_relative_to(path) and not any((f / "pyvenv.cfg").is_file() for f in above)


def collect(config: pytest.Config) -> None:
    """Have collected what verifies: nothing else where functions were named; beside the project's own tests where its
    ini file names functions, and all of them are run."""
    is_whole = config.invocation_params.dir == config.rootpath and not _names_paths(config)
    if config.getoption("functions"):
        config.args = [str(content.VERIFICATION)]
    elif config.getini("gradproof_functions") and is_whole and not is_called_for(config):
        config.args = [*config.args, str(content.VERIFICATION)]


def narrowed(config: pytest.Config) -> bool:
    """Whether the command line leaves out, by pytest's own means, some of what Gradproof's options select."""
    given = config.args if _names_paths(config) else []
    folders = [Path(config.invocation_params.dir, path) for path in given]
    inside = bool(given) and not any(content.VERIFICATION.is_relative_to(folder.resolve()) for folder in folders)
    options = ("keyword", "markexpr", "deselect", "lf", "maxfail", "splits", "ignore", "ignore_glob")
    return inside or any(config.getoption(name, None) for name in options)


def _names_paths(config: pytest.Config) -> bool:
    return config.args_source is pytest.Config.ArgsSource.ARGS
