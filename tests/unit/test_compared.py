"""What is right beside what came: nothing is cut off that tells them apart, whatever the shape, the name and the size
of an error."""

import re

import numpy as np

from gradproof.oracles.verdict import Entry
from gradproof.report.compared import WIDTH, Compared, asked_again, beside, counted

LONG = 'params["a_layer_with_a_long_name"]["kernel"]'


def made(expected: np.ndarray, got: np.ndarray, name: str = "x") -> Compared:
    return Compared(name, expected, got, expected != got)


def numbers(text: str) -> list[float]:
    return [float(part) for part in re.findall(r"[-+.\de]+", text.partition("[")[2])]


def test_a_small_error_is_seen_in_the_digits() -> None:
    right = np.array([0.1, -0.25, 3.0])
    first, second = beside(made(right, right * (1 + 2e-14)), (0,), 4)
    assert first[0] == "d x" and second[0] == ""
    assert all(a != b for a, b in zip(numbers(first[1]), numbers(second[1]), strict=True))
    # Of what differs much, few digits are enough.
    assert "0.1" in beside(made(right, right * 2), (0,), 4)[0][1].split()[1:3]


def test_the_last_bit_is_seen() -> None:
    right = np.array([0.1, 0.2])
    lines = beside(made(right, np.nextafter(right, 1)), (0,), 4)
    assert numbers(lines[0][1]) != numbers(lines[1][1])


def test_a_long_name_stands_there_whole_and_each_row_of_a_matrix_is_one_line() -> None:
    right = np.arange(20.0).reshape(4, 5) / 7
    lines = beside(made(right, 2 * right + 1, LONG), (2, 3), 4)
    assert lines[0] == (f"d {LONG}", "") and [title for title, _ in lines[1::2]] == ["  [0]", "  [1]", "  [2]", "  [3]"]
    assert all(len(numbers(text)) == 5 and "…" not in text for _, text in lines[1:])


def test_of_many_rows_that_of_the_worst_entry_is_shown_and_the_others_are_counted() -> None:
    right = np.zeros((12, 2))
    lines = beside(made(right, right + 1), (11, 0), 3)
    assert [title for title, _ in lines] == ["d x", "  [0]", "", "  [1]", "", "  [11]", "", ""]
    assert lines[-1][1] == "and 9 more rows with wrong entries"
    # Rows that are right say nothing.
    got = right.copy()
    got[7] = 1
    assert [title for title, _ in beside(made(right, got), (7, 1), 3)] == ["d x[7]", ""]


def test_a_long_row_is_shown_around_its_worst_entry() -> None:
    right = np.linspace(0, 1, 1000)
    lines = beside(made(right, right + 1e-9), (613,), 4)
    start, stop = map(int, re.search(r"\[(\d+):(\d+)\]", lines[1][0] or lines[0][0]).groups())
    assert start <= 613 < stop and all(len(text) <= WIDTH for _, text in lines)


def test_what_is_right_and_a_single_number_are_not_shown() -> None:
    right = np.ones(3)
    assert beside(made(right, right), (0,), 4) == [] == beside(made(np.ones(()), np.zeros(())), (), 4)


def test_arguments_are_counted_and_the_many_are_not_all_named() -> None:
    right = np.ones(3)
    wrong = [made(right, right + k, f"w{k}") for k in range(1, 10)]
    told = counted([*wrong, *(made(right, right, f"r{k}") for k in range(9))])
    assert told.startswith("w1: 3 of 3 entries wrong; w2:") and "w7" not in told
    assert "; 3 more are wrong; right: r0, r1" in told and told.endswith("r5 and 3 more")


def test_what_does_not_come_again_is_not_both_right_and_wrong() -> None:
    """A gradient that is wrong now and then: it fails, is asked for once more for the report, and is right."""
    right = np.array([1.0, 2.0])
    worst = Entry("x", (0,), "1.0", 1.001, 1e-3, 1e-16)
    told = asked_again([made(right, right), made(right, right, "y")], worst)
    assert told == "right: x, y. Asked for once more at this input, the gradient for x is another, and right"
    # Where it comes again, or is wrong in another way, there is nothing to be said.
    for got in (right * 1.001, right * 2):
        assert asked_again([made(right, got)], worst) == "x: 2 of 2 entries wrong"
    assert asked_again([made(right, right)], None) == "right: x"
