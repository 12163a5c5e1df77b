"""Where the content lies that the tool is shipped with: in a wheel inside the package, in a checkout beside it."""

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    inside = _PACKAGE / "builtin" / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


FUNCTIONS = _folder("functions")
"""The built-in registry: one family a file, in folders by field, with the lists of published names beside them."""

DIVERGENCES = _folder("known_divergences")
"""What is known of the backends on the built-in registry."""

VERIFICATION = _folder("tests/verification")
"""The tests that verify: the cells of the matrix are their parameters."""

_PERSONS = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "gradproof")

CACHE = _PERSONS if FUNCTIONS.is_relative_to(_PACKAGE) else _PACKAGE.parent / ".cache"
"""Where what is compiled is kept for the next run: never among the packages that are installed."""
