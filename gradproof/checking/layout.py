"""How wide what `check_grads` says is laid out: pytest puts its mark and the caller's indentation before every line of
an error, and its name before the first, and a terminal has 100 columns."""

import textwrap

TERMINAL = 100

INDENTED = 12
"""Columns of pytest's mark and the indentation of a call within a test, in a class or a with statement."""

WIDTH = TERMINAL - INDENTED

FIRST_WIDTH = WIDTH - len("gradproof.GradientError: ")
"""Of the first line, behind the longest name of an error of ours."""


def in_lines(text: str) -> str:
    """A message as lines, the others indented."""
    first, *rest = textwrap.wrap(text, FIRST_WIDTH, break_on_hyphens=False)
    return "\n".join([first, *textwrap.wrap(" ".join(rest), WIDTH, initial_indent="  ", subsequent_indent="  ")])
