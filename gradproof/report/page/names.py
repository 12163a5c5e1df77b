"""Text that comes from elsewhere, made fit for the page: a message or a name may hold what a browser hides, or what
turns the direction of the line around."""

import unicodedata
from zlib import crc32

HIDDEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
"""Categories of characters that are not seen as what they are: control, format, surrogates, line separators."""

KEPT = "\n\t"
LONGEST = 100
"""So many letters of a text are in the name of a file or an id."""

LONGEST_TEXT = 1200
"""So many letters of a message are shown."""


def visible(text: str) -> str:
    """Text with what cannot be seen written as an escape, so that nobody is shown what is not there."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in KEPT or unicodedata.category(c) not in HIDDEN else _escape(c) for c in text)


def cut(text: str, limit: int = LONGEST_TEXT) -> str:
    """Text without what is beyond a limit."""
    return text if len(text) <= limit else f"{text[:limit]} …"


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def slug(text: str) -> str:
    """Text as the name of a file or an id; what is one already stays as it is."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in text)[:LONGEST]
    return plain if plain == text else f"{plain}-{crc32(text.encode('utf-8', 'surrogatepass')):08x}"
