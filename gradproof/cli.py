"""The command line `gradproof`: wiring only."""

import sys
from pathlib import Path

import pytest

from gradproof.verification.options import arguments


def main() -> int:
    """`gradproof verify [PATH…] [pytest's options]`."""
    rest = sys.argv[2:]
    functions = []
    while rest and not rest[0].startswith("-") and Path(rest[0]).exists():
        functions.append(rest.pop(0))
    return pytest.main(arguments(rest, functions))
