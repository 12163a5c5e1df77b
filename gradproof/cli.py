"""The command line `gradproof`: wiring only."""

import sys

from gradproof.verification import command


def main() -> int:
    """`gradproof verify [PATH…] [pytest's options]`."""
    return command.verify(sys.argv[2:])
