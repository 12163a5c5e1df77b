"""This repository is the tool's first client: its pytest knows Gradproof's options."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from gradproof.verification import isolation, profiles, selected

# How long the suite's own properties are searched. Some are slow in balls, which hints at no bad strategy.
for name, draws in profiles.DRAWS.items():
    settings.register_profile(
        name,
        max_examples=draws,
        # Every night has another seed: what one has found is tried first the next, and HypoFuzz keeps its corpus there.
        database=profiles.database(name),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Load the plugin. Not by `pytest_plugins`, which pytest takes at the root alone: whoever has installed this
    checkout verifies from other folders too."""
    pluginmanager.import_plugin("gradproof.plugin")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """The suite's own tests of a backend run in the worker that has it; the plugin leaves what is not its own alone."""
    yield
    if hasattr(config, "workerinput") and not all(map(selected.is_ours, items)):
        isolation.together(items, config.workerinput["workercount"])
