"""What a verified gradient costs, per backend and mode, from the rows of a run: `pytest … --results run.jsonl`, then
`python -m benchmarks.cost run.jsonl`. Seconds for a thousand verified gradients, inside the warm backend; the
first calls, which trace and compile, stand beside it, in seconds per cell."""

import json
import sys
from collections import Counter, defaultdict
from pathlib import Path

from gradproof.backends import MODES
from gradproof.report.rows.results import Row

REACHED = ("verified", "convention")


def cost_table(rows: list[Row]) -> list[str]:
    """A line per backend and dtype, a column per mode: `warm / first`, as the module says."""
    cells: dict[tuple[str, str], dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["check"] == "exact":
            cells[row["backend"], row["dtype"]][row["mode"]].append(row)
    modes = [mode for mode in MODES if any(mode in by_mode for by_mode in cells.values())]
    lines = [["", "", *modes]]
    for (backend, dtype), by_mode in sorted(cells.items()):
        lines.append([backend, dtype, *(_cost(by_mode[mode]) for mode in modes)])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return ["  ".join(part.ljust(width) for part, width in zip(line, widths, strict=True)).rstrip() for line in lines]


def _cost(rows: list[Row]) -> str:
    spent: Counter[str] = Counter()
    for row in rows:
        spent.update(row.get("spent", {}))
    verified = sum(row.get("counts", {}).get(verdict, 0) for row in rows for verdict in REACHED)
    if not verified:
        return "."
    return f"{1000 * spent['backend'] / verified:.2f} / {spent['compile, first call'] / len(rows):.2f}"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m benchmarks.cost RESULTS, a file that pytest wrote with --results")
    print("\n".join(cost_table([json.loads(line) for line in Path(sys.argv[1]).read_text("utf-8").splitlines()])))
