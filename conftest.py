"""pytest wiring only: the command line, what is parametrized, Hypothesis profiles, and the plugin that reports."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import functions
from functions import Function
from report.options import Options, add_options
from report.plugin import Reporter
from tests.verification.cells import plan
from tests.verification.run import Verification

VERIFICATION = Path(__file__).parent / "tests" / "verification"

OPTIONS = pytest.StashKey[Options]()
FUNCTIONS = pytest.StashKey[list[Function]]()
SEED = pytest.StashKey[int]()

SEARCH = {
    "deadline": None,
    "report_multiple_bugs": False,
    # A draw may meet a function that is slow in balls; none of it hints at a bad strategy.
    "suppress_health_check": list(HealthCheck),
}
settings.register_profile("dev", max_examples=20, **SEARCH)
settings.register_profile("ci", max_examples=40, database=None, **SEARCH)
settings.register_profile("nightly", max_examples=500, **SEARCH)


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser.getgroup("gradproof", "Gradproof: what is verified"))


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("hypothesis_profile"):
        settings.load_profile("ci" if os.environ.get("CI") else "dev")
    options = config.stash[OPTIONS] = Options.of(config)
    config.stash[SEED] = _seed(config)
    if options.functions:
        config.args = [str(VERIFICATION)]
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Reporter(options, config.stash[SEED]), "gradproof-reporter")


def _seed(config: pytest.Config) -> int:
    # The same draws in every run, unless asked otherwise: two runs can then be compared cell by cell.
    given = config.getoption("hypothesis_seed")
    if given == "random":
        raise pytest.UsageError("--hypothesis-seed: give a number, so that the run can be repeated")
    return int(given or 0)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if not metafunc.definition.path.is_relative_to(VERIFICATION):
        return
    if "function" in metafunc.fixturenames:
        metafunc.parametrize("function", _functions(metafunc.config), ids=lambda function: function.name)
    if "cell" in metafunc.fixturenames:
        cells = plan(_functions(metafunc.config), metafunc.config.stash[OPTIONS])
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
