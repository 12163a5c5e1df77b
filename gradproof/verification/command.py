"""`gradproof verify`: pytest on the built-in registry, or on somebody's files, from any folder."""

from collections.abc import Sequence

import pytest

from gradproof import content


class _Paths:
    """Takes the paths of the command line, as pytest has told them from the values of its options, for functions."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> None:
        """Move the paths to `--functions`, before anything reads either."""
        if config.args_source is pytest.Config.ArgsSource.ARGS:
            config.option.functions += config.args
        config.args = [str(content.VERIFICATION)]


def verify(arguments: Sequence[str]) -> int:
    """Verify the functions of the paths among these arguments, or without any the built-in ones; all else is an option
    of pytest or of Gradproof. Returns pytest's exit status."""
    # A conftest around may have options of the same names, and the tests that verify need nothing of it. What this
    # package imports is here before pytest, which would warn that it cannot rewrite Hypothesis's assertions.
    own = ["-p", "gradproof.plugin", "--noconftest", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return int(pytest.main([*own, *arguments], plugins=[_Paths()]))
