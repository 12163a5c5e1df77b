"""What is recorded of the kinks of the registry: the slopes that are right there, and the one a backend chooses."""

import tomllib
from dataclasses import dataclass

from gradproof import content

PATH = content.DIVERGENCES / "records" / "conventions.toml"


@dataclass(frozen=True)
class Convention:
    """One kink: the entries whose slope is not unique, the derivatives to their `left` and `right`, the least and the
    largest slope (`low`, `high`) of the subdifferential, and what each backend chooses, in reverse mode.

    `outside` names the backends whose choice lies outside, `split` those whose modes differ, with those modes."""

    function: str
    point: int
    entries: tuple[str, ...]
    left: tuple[float, ...]
    right: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    chosen: dict[str, tuple[float, ...]]
    outside: tuple[str, ...]
    split: dict[str, tuple[str, ...]]


def recorded() -> tuple[list[Convention], dict[str, str]]:
    """The conventions of the shipped file, and the versions for which they were seen."""
    tables = tomllib.loads(PATH.read_text(encoding="utf-8"))
    found = [
        Convention(
            function=t["function"],
            point=t["point"],
            **{key: tuple(t[key]) for key in ("entries", "left", "right", "low", "high", "outside")},
            chosen={name: tuple(values) for name, values in t.get("chosen", {}).items()},
            split={name: tuple(modes) for name, modes in t.get("split", {}).items()},
        )
        for t in tables.get("convention", [])
    ]
    return found, tables["versions"]


def lines_of(c: Convention) -> list[str]:
    """One kink as text, an entry a line."""
    lines = []
    for i, entry in enumerate(c.entries):
        given = ", ".join(f"{name} {values[i]:.6g}" for name, values in c.chosen.items())
        lines.append(f"  {entry}: [{c.low[i]:.6g}, {c.high[i]:.6g}]; {given}")
    lines += [f"  wrong, outside: {', '.join(c.outside)}"] if c.outside else []
    lines += [f"  {name}: other choices in {', '.join(modes)}" for name, modes in c.split.items()]
    return [f"{c.function}, point {c.point}", *lines]
