"""Tables as text: columns for a terminal or a log, and Markdown; and what is safe to print of what others wrote."""

import re
import shlex
import textwrap
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from gradproof.registry.names import printable

WIDTH = 100
"""Columns of a terminal for which text is laid out."""

IN_ONE_PIECE = re.compile(r"\b(?:gradproof [a-z]+|pip install) .+?(?=[,;.)?]+ |[;.)?]*$)|(?<!\w)'[^']{1,60}'(?!\w)")
"""What is copied from a message, a command or a quoted word, which no line break may cut."""


def columns(lines: Sequence[Sequence[str]]) -> list[str]:
    """Lines of cells as lines of text, every column as wide as its widest cell."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def laid_out(lines: Sequence[Sequence[str]], beside: int, width: int = WIDTH) -> list[str]:
    """The same, its head first, as columns where they fit the `width`; else the first cells of each line, `beside` of
    them, stand on a line, and each of the others beneath it, with what heads its column."""
    found = columns(lines)
    if max(map(len, found)) <= width:
        return found
    head, *rows = lines
    room = max(map(len, head[beside:])) + 4
    told = []
    for row in rows:
        told += _hung("  ".join(row[:beside]), "", "    ", width)
        for title, cell in zip(head[beside:], row[beside:], strict=True):
            if cell:
                told += _hung(cell, f"      {title:{room}}", " " * (room + 6), width)
    return told


def wrapped(text: str, indent: str = "", width: int = WIDTH) -> list[str]:
    """A message on lines of this width, each behind the first indented by some more. Commands and paths stay whole,
    however long they are."""
    held = IN_ONE_PIECE.sub(lambda found: found[0].replace(" ", "\0"), printable(" ".join(text.split())))
    lines = textwrap.wrap(
        held,
        width,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace("\0", " ") for line in lines]


def from_here(path: Path) -> str:
    """A path as short as it can be written in this folder."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def no_function_in(helpers: Sequence[str]) -> str:
    """That files of a folder have no function; empty where each has one."""
    if not helpers:
        return ""
    verb = "registers" if len(helpers) == 1 else "register"
    return f"{shortened(helpers, 3)} {verb} no function, which fails nothing: other files of the folder do"


def _hung(text: str, first: str, others: str, width: int) -> list[str]:
    start = first + " " * (len(text) - len(text.lstrip()))
    return textwrap.wrap(
        text, width, initial_indent=start, subsequent_indent=others, break_long_words=False, break_on_hyphens=False
    )


def markdown_table(lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first line is its head."""
    head, *body = (f"| {' | '.join(map(on_one_line, line))} |\n" for line in lines)
    return head + f"|{'---|' * len(lines[0])}\n" + "".join(body)


def on_one_line(text: str) -> str:
    """Text on one line that ends no cell of a Markdown table: a reason may be what a framework raised."""
    return " ".join(printable(text).split()).replace("|", "\\|")


def shell_lines(command: str, width: int) -> list[str]:
    """A command on lines of this width, where its words are no longer, that a shell reads as one."""
    lines = [""]
    for word in shlex.split(command):
        word = shlex.quote(word)
        if lines[-1] and len(lines[-1]) + len(word) + 3 > width:
            lines[-1] += " \\"
            lines.append(f"  {word}")
        else:
            lines[-1] = f"{lines[-1]} {word}".lstrip() if len(lines) == 1 else f"{lines[-1]} {word}"
    return lines


def exact_in_decimals(value: float) -> bool:
    """Whether the digits that Python prints of a float are the number itself, and not only the nearest to it."""
    return value - value != 0 or Decimal(repr(value)) == Decimal(value)


def shortened(names: Sequence[str], most: int) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
