"""The options and the Hypothesis profiles as a pytest plugin. The root conftest.py registers it; where the checkout is
installed (pip install -e .) pytest finds it by itself, and then the options are known from every folder."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from report import examples
from report.options import add_options

NAME = "gradproof"
"""The plugin's name, in pyproject.toml as well."""

VERIFICATION = Path(__file__).parents[1] / "tests" / "verification"

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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add_options(parser.getgroup("gradproof", "Gradproof: what is verified"))


def pytest_configure(config: pytest.Config) -> None:
    """With `--functions`, collect the verification and nothing else."""
    if config.getoption("functions"):
        config.args = [str(VERIFICATION)]


def narrowed(config: pytest.Config) -> bool:
    """Whether the command line leaves out, by pytest's own means, some of what Gradproof's options select."""
    given = config.args if config.args_source is pytest.Config.ArgsSource.ARGS else []
    folders = [Path(config.invocation_params.dir, path) for path in given]
    inside = bool(given) and not any(VERIFICATION.is_relative_to(folder.resolve()) for folder in folders)
    options = ("keyword", "markexpr", "deselect", "lf", "maxfail", "splits", "ignore", "ignore_glob")
    return inside or any(config.getoption(name, None) for name in options)
