"""The table of what was tried: backend and dtype against mode, how many functions were verified of how many, and for
every empty place the reason."""

from collections import defaultdict
from collections.abc import Iterable

from gradproof.backends import BACKENDS, DTYPES, MODES
from gradproof.report.rows.results import HOLDS, Row
from gradproof.report.text import columns


def coverage(rows: Iterable[Row]) -> list[str]:
    """The table, as lines of text, and beneath it the reasons by letter; nothing where one mode alone was tried."""
    cells: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row["check"] == "exact":
            cells[f"{row['backend']}-{row['device']}", row["dtype"], row["mode"]].append(row)
    modes = [mode for mode in MODES if any(key[2] == mode for key in cells)]
    if len(modes) < 2:
        return []
    letters: dict[str, str] = {}
    lines = [["", "", *modes]]
    for where in sorted({key[0] for key in cells}):
        for dtype in DTYPES:
            found = [_entry(cells.get((where, dtype, mode), []), where, dtype, mode, letters) for mode in modes]
            lines.append([where, dtype, *found])
    return columns(lines) + [f"{letter}: {reason}" for reason, letter in letters.items()]


def _entry(rows: list[Row], where: str, dtype: str, mode: str, letters: dict[str, str]) -> str:
    tried = [row for row in rows if row["verdict"] != "not run"]
    if tried:
        return f"{sum(row['verdict'] in HOLDS for row in tried)}/{len(tried)}"
    reason = rows[0]["reason"] if rows else _why_empty(where.split("-")[0], dtype, mode)
    return letters.setdefault(reason, "abcdefghijklmnopqrstuvwxyz"[len(letters) % 26])


def _why_empty(backend: str, dtype: str, mode: str) -> str:
    known = BACKENDS[backend]
    if dtype not in known.dtypes:
        return known.lacks[dtype]
    if mode not in known.modes:
        return known.lacks[mode]
    if MODES[mode].nightly or mode in known.nightly:
        return "takes too long for every day: name it with --mode, or run --hypothesis-profile nightly"
    return "left to a run that names it, as is most of the sampled rest: --mode, --dtype, --hypothesis-profile nightly"
