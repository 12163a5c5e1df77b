"""`gradproof verify`: pytest on the built-in registry, or on somebody's files, from any folder. It is a plugin as well,
which pytest loads by name, so that the workers of pytest-xdist, who read the same command line, know it too."""

from collections.abc import Sequence

import pytest

from gradproof import content


def verify(arguments: Sequence[str]) -> int:
    """Verify the functions of the paths among these arguments, or without any the built-in ones; all else is an option
    of pytest or of Gradproof. Returns pytest's exit status."""
    # A conftest around may have options of the same names, and the tests that verify need nothing of it. What this
    # package imports is here before pytest, which would warn that it cannot rewrite Hypothesis's assertions.
    own = ["--noconftest", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return int(pytest.main(["-p", "gradproof.plugin", "-p", __name__, *own, *arguments]))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Take the paths, as pytest has told them from the values of its options, for functions, before anybody asks."""
    if config.args_source is pytest.Config.ArgsSource.ARGS:
        config.option.functions = [*config.option.functions, *config.args]
    config.args = [str(content.VERIFICATION)]
