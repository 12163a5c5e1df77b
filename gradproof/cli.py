"""The command line `gradproof`: wiring only."""

import sys

import pytest

from gradproof.verification.options import arguments


def main() -> int:
    """`gradproof verify [PATH…] [pytest's options]`."""
    return pytest.main(arguments(sys.argv[2:]))
