"""Hypothesis's strategies, by their names. They are imported once somebody draws: that takes longer than whatever else
a file of functions needs, and who looks a function up draws nothing."""

import importlib
from typing import Any


def __getattr__(name: str) -> Any:
    return getattr(importlib.import_module("hypothesis.strategies"), name)
