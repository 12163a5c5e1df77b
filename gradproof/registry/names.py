"""Names that a person types: what to say where one is not known, what is safe to print of them, and so many of what
they name."""

import difflib
import unicodedata
from collections.abc import Iterable


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """One line that names the mistake, what was probably meant, and what there is."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"{kind}: {name!r} is not known.{hint} Known: {', '.join(known)}"


def meant(name: str, known: Iterable[str]) -> str:
    """The end of a sentence that says what was probably meant; empty where nothing is near."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f". Did you mean {close[0]}?" if close else ""


def printable(text: str) -> str:
    """The text without what a terminal would obey: control characters and marks of direction. Line breaks stay."""
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))


def counted(number: int, noun: str) -> str:
    """So many of something, in words."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
