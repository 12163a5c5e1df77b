"""pytest wiring only: what is parametrized, how long to search, and the plugins for the command line and the report."""

import functools
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

import backends.settings
import functions
import known_divergences
from functions import Function
from report import command_line, isolation
from report.baseline import CELL
from report.options import Options
from report.plugin import Reporter
from report.results import Row
from tests.verification.cells import Cell, plan, with_differences
from tests.verification.examine import share
from tests.verification.run import Verification

OPTIONS = pytest.StashKey[Options]()
FUNCTIONS = pytest.StashKey[list[Function]]()
CELLS = pytest.StashKey[list[Cell]]()
PLANNED = pytest.StashKey[set[tuple[str, str]]]()
SEED = pytest.StashKey[int]()
NOTES = pytest.StashKey[isolation.Notes]()


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    if not pluginmanager.has_plugin(command_line.NAME):
        pluginmanager.register(command_line, command_line.NAME)


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("hypothesis_profile"):
        settings.load_profile("ci" if os.environ.get("CI") else "dev")
    options = config.stash[OPTIONS] = Options.of(config)
    backends.settings.use(tf32=options.tf32)
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
    if not metafunc.definition.path.is_relative_to(command_line.VERIFICATION):
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
    if command_line.narrowed(config) or row["function"] not in {function.name for function in _functions(config)}:
        return False
    if PLANNED not in config.stash:
        cells = _cells(config)
        own = with_differences(cells, config.stash[OPTIONS])
        config.stash[PLANNED] = {(c.full_id, "exact") for c in cells} | {(c.full_id, "differences") for c in own}
    return row["check"] == "hand" or ("-".join(row[key] for key in CELL[:5]), row["check"]) in config.stash[PLANNED]


def _cells(config: pytest.Config) -> list[Cell]:
    if CELLS not in config.stash:
        config.stash[CELLS] = plan(_functions(config), config.stash[OPTIONS])
    return config.stash[CELLS]


def _functions(config: pytest.Config) -> list[Function]:
    if FUNCTIONS not in config.stash:
        paths = config.stash[OPTIONS].functions
        config.stash[FUNCTIONS] = functions.load(paths) if paths else functions.load_builtin()
        if not paths:
            _check_divergences({function.name: function for function in config.stash[FUNCTIONS]})
        notes = config.stash[NOTES].path
        if notes is not None and config.workerinput["workercount"] > 1:
            share(config.stash[FUNCTIONS], notes.parent)
    return config.stash[FUNCTIONS]


def _check_divergences(registry: dict[str, Function]) -> None:
    try:
        for backend in backends.BACKENDS.values():
            known_divergences.check(backend, registry)
    except known_divergences.DivergenceError as error:
        raise pytest.UsageError(f"known_divergences: {error}") from error


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
