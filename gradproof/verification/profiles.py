"""How long a cell is searched: by the name of one of Hypothesis's profiles, but by settings of our own, so that the
profiles of whoever calls stay as they are."""

import difflib
import os

import pytest
from hypothesis import settings
from hypothesis.database import ExampleDatabase
from hypothesis.errors import InvalidArgument

from gradproof.verification import examples

DRAWS = {"dev": 5, "ci": 20, "nightly": 500}
"""The profiles that are known everywhere, and how many inputs each draws."""


def chosen(config: pytest.Config) -> str:
    """The name that was asked for, or that of the default. Raises `pytest.UsageError` for one that nobody knows."""
    for name, draws in DRAWS.items():
        if not _is_registered(name):
            # Hypothesis itself ends with a traceback where it does not know what it is asked for.
            settings.register_profile(name, max_examples=draws, deadline=None)
    given = config.getoption("hypothesis_profile", None)
    if not given:
        return "ci" if os.environ.get("CI") else "dev"
    if not _is_registered(given):
        close = difflib.get_close_matches(given, DRAWS, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise pytest.UsageError(f"--hypothesis-profile: {given!r} is not known.{hint} Known: {', '.join(DRAWS)}")
    return given


def _is_registered(name: str) -> bool:
    try:
        settings.get_profile(name)
    except InvalidArgument:
        return False
    return True


def draws(name: str) -> int:
    """How many inputs are drawn for a function; a profile of somebody else's says so itself."""
    return DRAWS.get(name) or settings.get_profile(name).max_examples


def database(name: str) -> ExampleDatabase | None:
    """Where failures are kept. Every night has another seed, so what one night has found must be there for the next;
    elsewhere the same seed finds the same failure again."""
    return examples.database() if name == "nightly" else None
