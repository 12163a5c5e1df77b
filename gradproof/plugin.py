"""Gradproof in pytest: the options, what is parametrized, and the reporter. It is loaded by this repository's conftest,
by `gradproof verify`, by `-p gradproof.plugin` or by a conftest's `pytest_plugins`; never by being installed, because
other people's conftests may have options of the same names. Their tests run beside ours as if it were not there."""

import functools
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from gradproof import backends, divergences, registry
from gradproof.backends.settings import use
from gradproof.registry import Function
from gradproof.report.rows.results import Row, cell_of
from gradproof.verification import isolation, profiles, progress, selected
from gradproof.verification.cells import Cell, plan, with_differences
from gradproof.verification.examine import share
from gradproof.verification.legible import on_lines_that_fit
from gradproof.verification.options import Options, add_options
from gradproof.verification.reporter import Reporter, Summary
from gradproof.verification.run import Verification
from gradproof.verification.selected import is_ours

OPTIONS = pytest.StashKey[Options]()
FUNCTIONS = pytest.StashKey[list[Function]]()
CELLS = pytest.StashKey[list[Cell]]()
PLANNED = pytest.StashKey[set[tuple[str, str]]]()
NOTES = pytest.StashKey[isolation.Notes]()
CRASHES = pytest.StashKey[isolation.Crashes]()

OWN_DIFFERENCES = "test_against_own_differences"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    try:
        add_options(parser)
    except ValueError as error:
        cure = "run `gradproof verify` instead, which loads no conftest"
        told = f"gradproof.plugin: a conftest or a plugin has this option too: {error}; {cure}"
        with on_lines_that_fit():
            raise pytest.UsageError(told) from error
    parser.addini("gradproof_divergences", "folders that record how backends fail on your functions", type="paths")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check the options, before Hypothesis takes its own, and set up the reporter."""
    with on_lines_that_fit():
        _configure(config)


def _configure(config: pytest.Config) -> None:
    options = config.stash[OPTIONS] = Options.of(config)
    selected.collect(config)
    use(tf32=options.tf32)
    try:
        divergences.use(config.getini("gradproof_divergences"))
    except divergences.DivergenceError as error:
        raise pytest.UsageError(f"gradproof_divergences: {error}") from error
    config.stash[NOTES] = isolation.Notes.of(config)
    config.stash[isolation.STDERR] = os.dup(2)
    if not hasattr(config, "workerinput"):
        asked, entries = functools.partial(_is_selected, config), functools.partial(_functions, config)
        reporter = Reporter(options, asked, entries, config.invocation_params.dir, config.getoption("keyword", ""))
        config.pluginmanager.register(reporter, "gradproof-reporter")
        config.pluginmanager.register(Summary(reporter), "gradproof-summary")
        if config.pluginmanager.has_plugin("xdist") and selected.is_called_for(config):
            config.stash[CRASHES] = isolation.Crashes(config, reporter.died, options.again)
            config.pluginmanager.register(config.stash[CRASHES], "gradproof-crashes")


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Have somebody look at the clock, where there is a terminal to tell it to."""
    config = session.config
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if hasattr(config, "workerinput") or terminal is None or terminal.verbosity < 0:
        return
    is_split = CRASHES in config.stash and config.pluginmanager.has_plugin("dsession")
    notes = config.stash[NOTES]
    at_work = progress.of_workers(config.stash[CRASHES].notes) if is_split else progress.of_this_process(notes)
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="backslashreplace")
    watching = progress.Progress(at_work, terminal, out)
    config.pluginmanager.register(watching, "gradproof-progress")
    watching.start()


def pytest_unconfigure(config: pytest.Config) -> None:
    if isolation.STDERR in config.stash:
        os.close(config.stash[isolation.STDERR])
        del config.stash[isolation.STDERR]


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, name: str) -> list[pytest.Item] | None:
    # Where nothing is held to its own differences, pytest would make a test of that, which is skipped and counted.
    if name == OWN_DIFFERENCES and is_ours(collector) and not _with_differences(collector.config):
        return []
    return None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if not is_ours(metafunc.definition):
        return
    if "function" in metafunc.fixturenames:
        metafunc.parametrize("function", _functions(metafunc.config), ids=lambda function: function.name)
    if "cell" in metafunc.fixturenames:
        is_own = metafunc.definition.name == OWN_DIFFERENCES
        cells = _with_differences(metafunc.config) if is_own else _cells(metafunc.config)
        metafunc.parametrize("cell", cells, ids=lambda cell: cell.id)


def _is_selected(config: pytest.Config, row: Row) -> bool:
    """Whether this run was asked for a cell of an earlier one: what -k, a path or an early end leaves out was not."""
    if selected.narrowed(config) or row["function"] not in {function.name for function in _functions(config)}:
        return False
    if PLANNED not in config.stash:
        cells = _cells(config)
        own = _with_differences(config)
        config.stash[PLANNED] = {(c.full_id, "exact") for c in cells} | {(c.full_id, "differences") for c in own}
    return row["check"] == "hand" or (cell_of(row), row["check"]) in config.stash[PLANNED]


def _cells(config: pytest.Config) -> list[Cell]:
    if CELLS not in config.stash:
        config.stash[CELLS] = plan(_functions(config), config.stash[OPTIONS])
    return config.stash[CELLS]


def _with_differences(config: pytest.Config) -> list[Cell]:
    return with_differences(_cells(config), config.stash[OPTIONS])


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
    if not hasattr(session.config, "workerinput") and selected.is_called_for(session.config):
        with on_lines_that_fit():
            try:
                _check_divergences(session.config)
            except divergences.DivergenceError as error:
                raise pytest.UsageError(str(error)) from error


def _check_divergences(config: pytest.Config) -> None:
    is_builtin = not config.stash[OPTIONS].functions
    known = {function.name: function for function in _functions(config)}
    for name, backend in backends.BACKENDS.items():
        ours = [entry for entry in divergences.load(name) if entry.is_builtin == is_builtin]
        divergences.check(ours, backend, known)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    # `-n 2` alone means "load", which deals tests out like cards; this one gives each worker a run of them.
    if config.option.dist != "load" or not selected.is_called_for(config):
        return None
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    yield
    # After -k and -m, to which the marks would be words of a test; and after pytest-split, so that a shard is the same
    # with any number of workers.
    for item in filter(is_ours, items):
        isolation.mark(item)
    if hasattr(config, "workerinput") and all(map(is_ours, items)):
        isolation.together(items, config.workerinput["workercount"])


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> bool | None:
    if settings.method != "signal" or not is_ours(item):
        return None
    # A worker that execnet has started on another host may run its tests in another thread, which gets no signals;
    # there the watchdog of faulthandler has to do.
    isolation.start_timer(item, settings.timeout, signals=threading.current_thread() is threading.main_thread())
    return True


def _share_of_budget(config: pytest.Config) -> float | None:
    """The seconds that each test has, where there is a budget for all of them."""
    options = config.stash[OPTIONS]
    if options.budget is None:
        return None
    cells = _cells(config)
    return options.budget / (len(_functions(config)) + len(cells) + len(_with_differences(config)))


@pytest.fixture
def verification(request: pytest.FixtureRequest) -> Verification:
    """What a verification test needs of the run."""
    stash = request.config.stash
    options = stash[OPTIONS]
    return Verification(
        request.node,
        options.seed,
        profiles.draws(options.profile),
        options,
        stash[NOTES],
        functions=0 if options.names_profile else len(_functions(request.config)),
        asked_modes=options.asked_modes,
        seconds=_share_of_budget(request.config),
        again=options.again(request.node.name),
        database=profiles.database(options.profile),
        profile=options.profile,
    )
