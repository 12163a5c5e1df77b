"""What is laid out for a terminal: it fits, nothing is lost, and what is to be copied is not cut."""

import pytest

from gradproof.report.text import WIDTH, wrapped

LONG = "a reason of many words that has to be told on more than a single line of a terminal before its cure is named"


@pytest.mark.parametrize(
    "piece",
    [
        "gradproof show a_function_of_mine a/folder/of/mine/functions.py",
        "pip install 'gradproof[torch]' --upgrade",
        "--at 'x = [1.0, 2.0, 3.0], y = 4.0'",
        "/a/path/" + "that/is/long/" * 9 + "mine.py",
    ],
    ids=["command", "install", "quoted", "path"],
)
@pytest.mark.parametrize("end", ["", ".", "; and then more", ". And then more", ") and then more"])
def test_what_is_copied_stands_on_one_line(piece: str, end: str) -> None:
    for words in range(12):
        text = " ".join([*LONG.split()[:words], *LONG.split(), piece + end])
        lines = wrapped(text)
        assert any(piece in line for line in lines), lines
        assert " ".join(map(str.strip, lines)) == text
        assert all(len(line) <= WIDTH or line.split() == [line.strip()] for line in lines)
        assert not lines[0].startswith(" ") and all(line.startswith("  ") for line in lines[1:])


def test_control_characters_are_left_out_and_line_breaks_are_blanks() -> None:
    assert wrapped("one\n\ttwo\x1b[31m") == ["one two[31m"]
