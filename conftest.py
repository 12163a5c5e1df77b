"""pytest wiring only: what is parametrized, how long to search, and the plugins for the command line and the report."""

import os

import pytest
from hypothesis import settings

import functions
from functions import Function
from report import command_line
from report.options import Options
from report.plugin import Reporter
from tests.verification.cells import plan, with_differences
from tests.verification.run import Verification

OPTIONS = pytest.StashKey[Options]()
FUNCTIONS = pytest.StashKey[list[Function]]()
SEED = pytest.StashKey[int]()


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    if not pluginmanager.has_plugin(command_line.NAME):
        pluginmanager.register(command_line, command_line.NAME)


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("hypothesis_profile"):
        settings.load_profile("ci" if os.environ.get("CI") else "dev")
    options = config.stash[OPTIONS] = Options.of(config)
    config.stash[SEED] = _seed(config)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Reporter(options, config.stash[SEED]), "gradproof-reporter")


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
        options = metafunc.config.stash[OPTIONS]
        cells = plan(_functions(metafunc.config), options)
        if metafunc.definition.name == "test_against_own_differences":
            cells = with_differences(cells, options)
        metafunc.parametrize("cell", cells, ids=lambda cell: cell.id)


def _functions(config: pytest.Config) -> list[Function]:
    if FUNCTIONS not in config.stash:
        paths = config.stash[OPTIONS].functions
        config.stash[FUNCTIONS] = functions.load(paths) if paths else functions.load_builtin()
    return config.stash[FUNCTIONS]


@pytest.fixture
def verification(request: pytest.FixtureRequest) -> Verification:
    """What a verification test needs of the run."""
    return Verification(
        request.node, request.config.stash[SEED], settings.default.max_examples, request.config.stash[OPTIONS]
    )
