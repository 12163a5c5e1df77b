"""What is laid out for a terminal: it fits, nothing is lost, and what is to be copied is not cut."""

import pytest

from gradproof.report.text import WIDTH, folded, wrapped

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


def test_a_table_keeps_every_word_within_its_width() -> None:
    short = [["name", "text"], ["f", "one"]]
    assert folded(short) == ["name  text", "f     one"]
    lines = folded([["name", "field", "text"], ["f" * 20, "mine.py", LONG], ["g", "mine.py", "one"]])
    assert max(map(len, lines)) <= WIDTH and lines[-1].split() == ["g", "mine.py", "one"]
    assert " ".join(" ".join(lines[1:-1]).split()) == " ".join(["f" * 20, "mine.py", LONG])
    # Where that would leave a last cell too narrow, the others stand beneath the first.
    wide = folded([["name", "a", "b"], ["f", "x" * 70, "y" * 50]])
    assert max(map(len, wide)) <= WIDTH and "f" in wide[0] and "x" * 70 in wide[1] and "y" * 50 in wide[2]
