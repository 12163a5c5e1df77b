"""What a run tells GitHub, where it is one of its jobs: an annotation at the line of each cause, and the closing
summary as the summary of the job."""

import os
from collections.abc import Sequence
from pathlib import Path

from gradproof.report.closing.failures import Failed, the_same
from gradproof.report.closing.screen import CANNOT_RUN, WIDTH, Closing

MOST = 10
"""GitHub shows no more annotations of one step."""


def told(closing: Closing) -> list[str]:
    """The annotations, a line each, and the job's summary written where GitHub asks for it; nothing elsewhere."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return []
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(page).open("a", encoding="utf-8") as file:
            text = "\n".join(closing.lines(WIDTH))
            file.write(f"## Gradproof\n\n```\n{text}\n```\n")
    return [_annotation(group) for group in closing.failures[:MOST]]


def _annotation(group: Sequence[Failed]) -> str:
    first = group[0]
    path, _, line = first.where.rpartition(":")
    place = f" file={_property(_relative(path))},line={line}," if path else " "
    # Of what could not be run the one line is the message.
    title = f"{CANNOT_RUN}: {first.family}" if first.is_a_line else first.headline
    same = the_same(group)
    message = "\n".join([first.text.strip(), *([same] if same else [])])
    return f"::error{place}title={_property(title)}::{_escaped(message)}"


def _relative(path: str) -> str:
    folder = Path(os.environ.get("GITHUB_WORKSPACE", Path.cwd()))
    return str(Path(path).relative_to(folder)) if Path(path).is_relative_to(folder) else path


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
