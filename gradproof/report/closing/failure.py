"""The text of a failure: a bug report that stands on its own within a screen, with the input to the last bit, what is
right, what came, which arguments are off, and which references agree with one another."""

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from gradproof.oracles.verdict import Entry, Judgement
from gradproof.registry import Function, Inputs
from gradproof.registry.names import printable
from gradproof.report.compared import Compared, asked_again, beside
from gradproof.report.rows.results import hexadecimal
from gradproof.report.text import exact_in_decimals, shell_lines

LINES = 30
"""A failure is no longer: a script stands in it where there is room."""

WIDTH = 86
"""Columns of what stands beside a title, which has 14."""

SMALL = 24
"""Inputs of so many entries at most are shown."""

MOST_ROWS = 4
"""So many rows of an array are shown, what is right beside what came, where there is room."""

LONG_POINT = 400
"""A point of more letters is not repeated; the row of --results has it."""


@dataclass(frozen=True)
class Culprit:
    """What is wrong, and what it ran on: the names and versions that a bug report opens with. What ran on no backend
    has none. `ran` says whose code ran."""

    subject: str
    backend: str = ""
    version: str = ""
    device: str = ""
    dtype: str = ""
    mode: str = ""
    ran: str = ""

    @property
    def title(self) -> str:
        """On one line."""
        if not self.backend:
            return self.subject
        return f"{self.subject} on {self.backend} {self.version}, {self.device}, {self.dtype}, {self.mode}"


def failure_text(
    function: Function,
    culprit: Culprit,
    judgement: Judgement,
    inputs: Inputs,
    references: list[str],
    again: str,
    script: list[str],
    caught: Mapping[str, float] = MappingProxyType({}),
    cut: str = "",
    compared: Sequence[Compared] = (),
    is_named: bool = False,
) -> str:
    """The report of one failing input, of at most `LINES` lines. `references` has a line per comparison; `again` is the
    command to repeat it; `script` says where the script is that shows it, and is followed by it where it is short.
    `caught` has, by argument, the smallest error that is seen at this input, and `cut` says why no simpler input was
    looked for. `compared` has what is right and what came, by argument. What `is_named` is a point already, which need
    not be kept."""
    lines = [
        f"{judgement.verdict.upper()}: {printable(culprit.title)}",
        *_block("formula", [function.formula], 2),
        f"              {function.where}",
        *_block("ran", [culprit.ran] if culprit.ran else [], 1),
        *_block("reason", [judgement.reason], 3),
    ]
    if judgement.worst is not None:
        lines += _entry_lines(judgement.worst)
    lines += _block("arguments", [asked_again(compared, judgement.worst)] if compared else [], 2)
    arrays_at = len(lines)
    if caught:
        errors = ", ".join(f"{name}: {error:.2g}" for name, error in caught.items())
        lines += _block("caught", [f"relative errors of an entry are seen here from {errors} on"], 1)
    lines += _block("input", _input_lines(function, inputs), 5)
    lines += _block("simplest", [cut] if cut else [], 1)
    lines += _block("references", references, 9)
    lines += [f"  {'again' if i == 0 else '':12}{line}" for i, line in enumerate(shell_lines(again, WIDTH))]
    # Unwrapped, to be copied.
    lines += [] if is_named else [f"  {'keep it':12}{_kept(function, inputs)}"]
    room = (LINES - len(lines) - len(script[:1]) - 2) // 2
    lines[arrays_at:arrays_at] = _side_by_side(compared, judgement.worst, min(max(room, 1), MOST_ROWS))
    script = script if len(lines) + len(script) <= LINES else script[:1]
    lines += [f"  {'script' if i == 0 else '':12}{line}".rstrip() for i, line in enumerate(script)]
    return "\n".join(lines)


def _side_by_side(compared: Iterable[Compared], worst: Entry | None, most: int) -> list[str]:
    shown = [c for c in compared if worst is not None and c.name == worst.argument]
    lines = [line for c in shown for line in beside(c, worst.index, most)]
    return [f"  {title:12}{text}".rstrip() for title, text in lines]


def _entry_lines(entry: Entry) -> list[str]:
    ulp = "" if math.isnan(entry.ulp) else f" = {entry.ulp:.3g} ulp"
    exactly = "" if exact_in_decimals(entry.got) else f" = {entry.got.hex()}"
    return [
        f"  entry       {entry.symbol}",
        f"  expected    {entry.expected}",
        f"  got         {entry.got!r}{exactly}",
        # Of NaN there is no distance, and at a kink an entry may be off only beside the others.
        *([f"  error       {_error(entry)}{ulp}"] if entry.error > 0 else []),
    ]


def _error(entry: Entry) -> str:
    if not entry.is_relative:
        return f"{entry.error:.3g} = {entry.ratio:.3g} times its bound {entry.bound:.3g}"
    return f"relative, {entry.error:.3g}; a right one agrees to {-math.log10(entry.bound):.0f} digits"


def _input_lines(function: Function, inputs: Inputs) -> list[str]:
    lines = []
    for (name, exact), x in zip(hexadecimal(function, inputs).items(), inputs, strict=True):
        if x.size > SMALL:
            lines.append(f"{name}: {x.size} numbers, shape {x.shape}")
            continue
        lines.append(f"{name} = {x.tolist()!r}")
        if not all(map(exact_in_decimals, x.ravel().tolist())):
            lines.append(f"{name} = {exact!r}".replace("'", ""))
    return lines


def _kept(function: Function, inputs: Inputs) -> str:
    point = ", ".join(f"{name}={x.tolist()!r}" for name, x in zip(function.domains, inputs, strict=True))
    if len(point) > LONG_POINT:
        return "the input is too long to be printed: its row of --results FILE has it to the last bit"
    return f"points=[dict({point})]  # in @function, to try it always"


def _block(title: str, lines: list[str], most: int) -> list[str]:
    """Lines beside a title, no more than so many of them."""
    wrapped = [part for line in lines for part in textwrap.wrap(printable(line), WIDTH, break_long_words=False) or [""]]
    if len(wrapped) > most:
        wrapped = [*wrapped[: most - 1], f"{wrapped[most - 1]} …"]
    return [f"  {title if i == 0 else '':12}{line}" for i, line in enumerate(wrapped)]
