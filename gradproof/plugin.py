"""Gradproof in pytest: the options, what is parametrized, how long to search, and the reporter. It is loaded
by this repository's conftest, by `gradproof verify`, by `-p gradproof.plugin` or by a conftest's `pytest_plugins`;
never by being installed, because other people's conftests may have options of the same names."""

import functools
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from gradproof import backends, content, divergences, registry
from gradproof.backends.settings import use
from gradproof.registry import Function
from gradproof.report.rows.results import Row, cell_of
from gradproof.verification import examples, isolation
from gradproof.verification.cells import Cell, plan, with_differences
from gradproof.verification.examine import share
from gradproof.verification.options import Options, add_options
from gradproof.verification.reporter import Reporter
from gradproof.verification.run import Verification

SEARCH = {
    # The same seed finds the same failure again, so none need be kept.
    "database": None,
    "deadline": None,
    "report_multiple_bugs": False,
    # A draw may meet a function that is slow in balls; none of it hints at a bad strategy.
    "suppress_health_check": list(HealthCheck),
}
settings.register_profile("dev", max_examples=5, **SEARCH)
settings.register_profile("ci", max_examples=20, **SEARCH)
# Every night has another seed, so what one night has found must be kept for the next.
settings.register_profile("nightly", max_examples=500, **SEARCH | {"database": examples.database()})

OPTIONS = pytest.StashKey[Options]()
FUNCTIONS = pytest.StashKey[list[Function]]()
CELLS = pytest.StashKey[list[Cell]]()
PLANNED = pytest.StashKey[set[tuple[str, str]]]()
SEED = pytest.StashKey[int]()
NOTES = pytest.StashKey[isolation.Notes]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add_options(parser.getgroup("gradproof", "Gradproof: what is verified"))
    parser.addini("gradproof_divergences", "folders that record how backends fail on your functions", type="paths")


def pytest_configure(config: pytest.Config) -> None:
    """Check the options, and set up the reporter; with `--functions`, collect the verification and nothing else."""
    if config.getoption("functions"):
        config.args = [str(content.VERIFICATION)]
    if not config.getoption("hypothesis_profile"):
        settings.load_profile("ci" if os.environ.get("CI") else "dev")
    options = config.stash[OPTIONS] = Options.of(config)
    use(tf32=options.tf32)
    try:
        divergences.use(config.getini("gradproof_divergences"))
    except divergences.DivergenceError as error:
        raise pytest.UsageError(f"gradproof_divergences: {error}") from error
    config.stash[SEED] = _seed(config)
    config.stash[NOTES] = isolation.Notes.of(config)
    if not hasattr(config, "workerinput"):
        reporter = Reporter(options, config.stash[SEED], functools.partial(_is_selected, config))
        config.pluginmanager.register(reporter, "gradproof-reporter")
        if config.pluginmanager.has_plugin("xdist"):
            config.pluginmanager.register(isolation.Crashes(config, reporter.keep), "gradproof-crashes")


def _seed(config: pytest.Config) -> int:
    # The same draws in every run, unless asked otherwise: two runs can then be compared cell by cell.
    given = config.getoption("hypothesis_seed")
    if given == "random":
        raise pytest.UsageError("--hypothesis-seed: give a number, so that the run can be repeated")
    return int(given or 0)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if not metafunc.definition.path.is_relative_to(content.VERIFICATION):
        return
    if "function" in metafunc.fixturenames:
        metafunc.parametrize("function", _functions(metafunc.config), ids=lambda function: function.name)
    if "cell" in metafunc.fixturenames:
        cells = _cells(metafunc.config)
        if metafunc.definition.name == "test_against_own_differences":
            cells = with_differences(cells, metafunc.config.stash[OPTIONS])
        metafunc.parametrize("cell", cells, ids=lambda cell: cell.id)


def _is_selected(config: pytest.Config, row: Row) -> bool:
    """Whether this run was asked for a cell of an earlier one: what -k, a path or an early end leaves out was not."""
    if narrowed(config) or row["function"] not in {function.name for function in _functions(config)}:
        return False
    if PLANNED not in config.stash:
        cells = _cells(config)
        own = with_differences(cells, config.stash[OPTIONS])
        config.stash[PLANNED] = {(c.full_id, "exact") for c in cells} | {(c.full_id, "differences") for c in own}
    return row["check"] == "hand" or (cell_of(row), row["check"]) in config.stash[PLANNED]


def _cells(config: pytest.Config) -> list[Cell]:
    if CELLS not in config.stash:
        config.stash[CELLS] = plan(_functions(config), config.stash[OPTIONS])
    return config.stash[CELLS]


def _functions(config: pytest.Config) -> list[Function]:
    if FUNCTIONS not in config.stash:
        paths = config.stash[OPTIONS].functions
        config.stash[FUNCTIONS] = registry.load(paths) if paths else registry.load_builtin()
        notes = config.stash[NOTES].path
        if notes is not None and config.workerinput["workercount"] > 1:
            share(config.stash[FUNCTIONS], notes.parent)
    return config.stash[FUNCTIONS]


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    # Here, and once: an error while tests are collected would be told as that of a test file.
    if not hasattr(session.config, "workerinput") and _verifies(session.config):
        try:
            _check_divergences(session.config)
        except divergences.DivergenceError as error:
            raise pytest.UsageError(str(error)) from error


def _verifies(config: pytest.Config) -> bool:
    """Whether tests are collected that verify."""
    given = [Path(config.invocation_params.dir, path.split("::")[0]).resolve() for path in config.args]
    return any(content.VERIFICATION.is_relative_to(path) or path.is_relative_to(content.VERIFICATION) for path in given)


def _check_divergences(config: pytest.Config) -> None:
    is_builtin = not config.stash[OPTIONS].functions
    known = {function.name: function for function in _functions(config)}
    for name, backend in backends.BACKENDS.items():
        ours = [entry for entry in divergences.load(name) if entry.is_builtin == is_builtin]
        divergences.check(ours, backend, known)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    # `-n 2` alone means "load", which deals tests out like cards; this one gives each worker a run of them.
    if config.option.dist != "load":
        return None
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    yield
    # After -k and pytest-split have taken what they take: a shard is then the same with any number of workers.
    if hasattr(config, "workerinput"):
        isolation.together(items, config.workerinput["workercount"])


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> bool | None:
    if settings.method != "signal" or "verification" not in getattr(item, "fixturenames", ()):
        return None
    # A worker that execnet has started on another host may run its tests in another thread, which gets no signals;
    # there the watchdog of faulthandler has to do.
    if threading.current_thread() is threading.main_thread():
        isolation.start_timer(item, settings.timeout)
    return True


@pytest.fixture
def verification(request: pytest.FixtureRequest) -> Verification:
    """What a verification test needs of the run."""
    stash = request.config.stash
    return Verification(request.node, stash[SEED], settings.default.max_examples, stash[OPTIONS], stash[NOTES])


def narrowed(config: pytest.Config) -> bool:
    """Whether the command line leaves out, by pytest's own means, some of what Gradproof's options select."""
    given = config.args if config.args_source is pytest.Config.ArgsSource.ARGS else []
    folders = [Path(config.invocation_params.dir, path) for path in given]
    inside = bool(given) and not any(content.VERIFICATION.is_relative_to(folder.resolve()) for folder in folders)
    options = ("keyword", "markexpr", "deselect", "lf", "maxfail", "splits", "ignore", "ignore_glob")
    return inside or any(config.getoption(name, None) for name in options)
