"""The text of a failure: a bug report that stands on its own, with the input to the last bit, what is right, what came,
and which references agree with one another."""

import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gradproof.oracles.verdict import Entry, Judgement
from gradproof.registry import Function, Inputs
from gradproof.report.rows.results import hexadecimal


@dataclass(frozen=True)
class Culprit:
    """What is wrong, and what it ran on: the names and versions that a bug report opens with. What ran on no backend
    has none."""

    subject: str
    backend: str = ""
    version: str = ""
    device: str = ""
    dtype: str = ""
    mode: str = ""

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
) -> str:
    """The report of one failing input. `references` has a line per comparison; `again` is the command to repeat it;
    `script` says where the script is that shows it, and is followed by it where it is short. `caught` has, by argument,
    the smallest error that is seen at this input, and `cut` says why no simpler input was looked for."""
    lines = [
        f"{judgement.verdict.upper()}: {culprit.title}",
        f"  formula     {function.formula}",
        f"              {function.where}",
        f"  reason      {judgement.reason}",
    ]
    if judgement.worst is not None:
        lines += _entry_lines(judgement.worst)
    if caught:
        errors = ", ".join(f"{name}: {error:.2g}" for name, error in caught.items())
        lines += _block("caught", [f"relative errors of an entry are seen here from {errors} on"])
    lines += _input_lines(function, inputs)
    lines += _block("simplest", [cut]) if cut else []
    lines += _block("references", references)
    # Unwrapped, to be copied.
    lines.append(f"  {'again':12}{again}")
    lines.append(f"  {'keep it':12}points=[dict({_as_point(function, inputs)})]  # in @function, to try it always")
    lines += [f"  {'script' if i == 0 else '':12}{line}".rstrip() for i, line in enumerate(script)]
    return "\n".join(lines)


def _entry_lines(entry: Entry) -> list[str]:
    ulp = "" if math.isnan(entry.ulp) else f" = {entry.ulp:.3g} ulp"
    return [
        f"  entry       {entry.symbol}",
        f"  expected    {entry.expected}",
        f"  got         {entry.got!r} = {entry.got.hex()}",
        f"  error       {entry.error:.3g} = {entry.ratio:.3g} times its bound {entry.bound:.3g}{ulp}",
    ]


def _input_lines(function: Function, inputs: Inputs) -> list[str]:
    lines = []
    for (name, exact), x in zip(hexadecimal(function, inputs).items(), inputs, strict=True):
        lines += _block("input", [f"{name} = {x.tolist()!r}", f"{name} = {exact!r}".replace("'", "")])
    return lines


def _as_point(function: Function, inputs: Inputs) -> str:
    return ", ".join(f"{name}={x.tolist()!r}" for name, x in zip(function.domains, inputs, strict=True))


def _block(title: str, lines: list[str]) -> list[str]:
    wrapped = [part for line in lines for part in textwrap.wrap(line, 110, break_long_words=False) or [""]]
    return [f"  {title if i == 0 else '':12}{line}" for i, line in enumerate(wrapped)]
