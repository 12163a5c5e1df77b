"""The table of accuracy: what a sweep has found, worst first, as a document, as a screen, and beside an earlier one."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gradproof.divergences.accuracy import FILE, Span, at_input, cause_of, causes, is_explained
from gradproof.report.rows.profile import edges_of
from gradproof.report.text import markdown_table

Row = dict[str, Any]

FAR = 16
"""Errors beyond so many ulp are listed one by one."""

SHOWN, ON_SCREEN = 150, 12
"""Lines of the document's list, and of the screen's."""

GREW = 1.5
"""A largest error that grew by this factor and is beyond 1 ulp is worse."""


_EXPLAINED = """\
Functions that act entry by entry, their values and slopes, held to ball arithmetic: at every finite number of float16
and bfloat16, at a dense sample of float32 and float64 (every exponent, edges, landmarks), and of two arguments at a
product of coarser samples. Errors are in units in the last place of the truth. Not judged: where there is no truth
(outside of the domain, at poles) and where something ties. Results that were flushed to zero, and subnormal inputs
answered as zero, are counted, and left out of the errors."""


def cell(row: Row) -> tuple[str, ...]:
    """What a row is compared by."""
    return tuple(row[name] for name in ("function", "quantity", "backend", "device", "dtype", "mode"))


def measured(rows: Iterable[Row]) -> list[Row]:
    """Those that have numbers."""
    return [row for row in rows if "refused" not in row]


def is_far(row: Row) -> bool:
    """Whether this is to be explained: beyond 16 ulp, or not finite where the truth is, or the reverse."""
    return row.get("ulp", 0.0) > FAR or bool(row["nonfinite"] or row["finite"])


def document(rows: Sequence[Row], command: str) -> str:
    """The table as Markdown: what was measured, a line for each backend and dtype, and the cells that are far off."""
    found = measured(rows)
    groups = _groups(found)
    far = sorted((group for group in groups if any(map(is_far, group))), key=_badness, reverse=True)
    refused = Counter((row["backend"], row["dtype"]) for row in rows if "refused" in row)
    versions = sorted({f"{row['backend']} {row['version']}" for row in rows})
    machines = sorted({row["machine"] for row in rows})
    return "\n".join(
        [
            "# Accuracy",
            "",
            f"Made by `{command}`; do not edit. {len({row['function'] for row in rows})} functions. "
            f"{'; '.join(versions)}. On {'; '.join(machines)}.",
            "",
            _EXPLAINED,
            "",
            "## By backend",
            "",
            markdown_table([_SUMMARY_HEAD, *_summary(found, refused)]),
            f"## Beyond {FAR} ulp, or not finite where the truth is",
            "",
            f"{len(far)} of {len(groups)} combinations of function, quantity, backend and dtype, the worst mode of",
            f"each; the worst {min(SHOWN, len(far))} are shown. `nonfinite` counts inputs without a finite answer,",
            "`finite` those with a finite answer to a truth beyond the largest number; the rows name an input of each.",
            "",
            markdown_table([_LINE_HEAD, *(_line(group) for group in far[:SHOWN])]),
            "## Causes",
            "",
            *_told(far),
            "",
            "## Speed",
            "",
            "Numbers at which value and slopes were held to their truth, per second of the backend's own time, and the",
            "part that this time is of the whole where the truth had to be found.",
            "",
            markdown_table([_SPEED_HEAD, *_speeds(found)]),
        ]
    )


def unrecorded(rows: Iterable[Row], path: Path = FILE) -> list[Row]:
    """The rows that are far off, at some inputs, without a cause that is recorded for these."""
    return [row for row in measured(rows) if is_far(row) and not is_explained(row, far_of(row), path)]


def far_of(row: Row) -> list[Span]:
    """Where a row is far off: bins of its profile where it has one, the inputs that it names elsewhere."""
    # Of answers that are finite where the truth is not a profile says nothing.
    names = ("finite_input",) if "profile" in row else ("nonfinite_input", "finite_input")
    spans = [at_input(row[name], math.inf) for name in names if name in row]
    if "profile" not in row:
        return [*spans, at_input(row["input"], row["ulp"])] if row.get("ulp", 0.0) > FAR else spans
    errors = np.array([0.0 if error is None else float(error) for error in row["profile"]])
    bins = np.flatnonzero(errors > FAR)
    edges = edges_of(bins, row["dtype"])
    return spans + [Span(*map(float, span)) for span in zip(*edges, errors[bins], strict=True)]


def _told(far: Sequence[list[Row]]) -> list[str]:
    """Each cause that shows in these groups, with how many of them it explains; and how many have none."""
    counts = Counter(cause.id if (cause := cause_of(group[0])) else "" for group in far)
    told = [f"- `{cause.id}` ({counts[cause.id]}): {cause.reason}" for cause in causes() if counts[cause.id]]
    return [*told, *([f"- {counts['']} have no cause that is recorded."] if counts[""] else [])]


_SPEED_HEAD = ["backend", "dtype", "numbers a second", "of the whole"]


def _speeds(rows: Sequence[Row]) -> list[list[str]]:
    by: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row["quantity"] == "value":
            by[row["backend"], row["dtype"]].append(row)
    lines = []
    for (backend, dtype), group in by.items():
        own = sum(row["seconds"] for row in group)
        # One truth serves all modes and backends: here each pays for it alone.
        truth = sum({row["function"]: row["truth_seconds"] for row in group}.values())
        speed = sum(row["inputs"] for row in group) / max(own, 1e-9)
        lines.append([backend, dtype, f"{speed:.2g}", f"{own / max(own + truth, 1e-9):.1%}"])
    return sorted(lines)


def screen(rows: Sequence[Row]) -> list[list[str]]:
    """A line for each backend and dtype."""
    refused = Counter((row["backend"], row["dtype"]) for row in rows if "refused" in row)
    return [_SUMMARY_HEAD, *_summary(measured(rows), refused)]


def worst(rows: Sequence[Row]) -> list[list[str]]:
    """The worst few combinations, for a screen."""
    groups = sorted(_groups(measured(rows)), key=_badness, reverse=True)
    return [_LINE_HEAD, *(_line(group) for group in groups[:ON_SCREEN])]


def changes(before: Sequence[Row], now: Sequence[Row]) -> tuple[list[str], bool]:
    """What differs from an earlier table, a line each, and whether something got worse."""
    earlier = {cell(row): row for row in measured(before)}
    later = {cell(row): row for row in measured(now)}
    lines, got_worse = [], False
    for name in sorted(earlier.keys() & later.keys()):
        old, new = earlier[name], later[name]
        a, b = old.get("ulp", 0.0), new.get("ulp", 0.0)
        is_worse = (b > max(1.0, GREW * a)) or any(new[count] > old[count] for count in ("nonfinite", "finite"))
        is_better = (a > max(1.0, GREW * b)) or any(new[count] < old[count] for count in ("nonfinite", "finite"))
        if is_worse or is_better:
            counts = ", ".join(f"{count} {old[count]} → {new[count]}" for count in ("nonfinite", "finite"))
            lines.append(f"{'worse' if is_worse else 'better'}  {' '.join(name)}: {a:.3g} → {b:.3g} ulp, {counts}")
            got_worse |= is_worse
    new_refusals = {_refusal(row) for row in now if "refused" in row} - {
        _refusal(row) for row in before if "refused" in row
    }
    lines += [f"worse  {' '.join(name)}: refused" for name in sorted(new_refusals)]
    gone = len(earlier.keys() - later.keys())
    lines += [f"{gone} rows of the earlier table are not in this one"] if gone else []
    return lines, got_worse or bool(new_refusals)


def _refusal(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in ("function", "backend", "device", "dtype", "mode"))


def _groups(rows: Iterable[Row]) -> list[list[Row]]:
    groups: dict[tuple, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["function"], row["quantity"], row["backend"], row["device"], row["dtype"]].append(row)
    return [sorted(group, key=_rank, reverse=True) for group in groups.values()]


def _rank(row: Row) -> float:
    return math.inf if row["nonfinite"] else row.get("ulp", 0.0)


def _badness(group: list[Row]) -> tuple[float, float, float]:
    first = group[0]
    return row_share(first), first.get("ulp", 0.0), first["finite"]


def row_share(row: Row) -> float:
    """The share of the inputs with a truth at which the answer is far off or missing: an error in a tail is less than
    one everywhere."""
    total = row["compared"] + row["nonfinite"]
    return (row["compared"] * row["beyond_16"] + row["nonfinite"]) / total if total else 0.0


_SUMMARY_HEAD = [
    "backend",
    "dtype",
    "rows",
    "correct",
    "≤ 1 ulp",
    "≤ 4",
    "≤ 16",
    "nonfinite",
    "finite",
    "flushed",
    "refused",
]


def _summary(rows: Sequence[Row], refused: Counter) -> list[list[str]]:
    by: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        by[row["backend"], row["dtype"]].append(row)
    lines = []
    for (backend, dtype), group in by.items():
        worst_errors = [row.get("ulp", 0.0) for row in group]
        within = [f"{sum(error <= limit for error in worst_errors)}" for limit in (1, 4, FAR)]
        correct = sum(row["correct"] * row["compared"] for row in group) / max(1, sum(row["compared"] for row in group))
        counts = [str(sum(bool(row[name]) for row in group)) for name in ("nonfinite", "finite", "flushed")]
        lines.append(
            [backend, dtype, str(len(group)), f"{correct:.1%}", *within, *counts, str(refused[backend, dtype])]
        )
    return sorted(lines)


_LINE_HEAD = "function,of,backend,dtype,modes,largest error,at,beyond 16,nonfinite,finite,cause".split(",")


def _line(group: list[Row]) -> list[str]:
    first = group[0]
    modes = ", ".join(row["mode"] for row in group if is_far(row)) or first["mode"]
    at = first.get("nonfinite_input") if "ulp" not in first else first["input"]
    return [
        first["function"],
        first["quantity"] if first["quantity"] == "value" else f"d/d{first['quantity']}",
        first["backend"],
        first["dtype"],
        modes,
        f"{first['ulp']:.3g} ulp" if "ulp" in first else "",
        ", ".join(_short(x) for x in at or ()),
        f"{first['beyond_16']:.2%}",
        str(first["nonfinite"] or ""),
        str(first["finite"] or ""),
        cause.id if (cause := cause_of(first)) else "",
    ]


def _short(number: str) -> str:
    sign, _, rest = number.rpartition("0x")
    mantissa, exponent = rest.split("p")
    digits = mantissa.rstrip("0").rstrip(".")
    return f"{sign}0x{digits}p{exponent}"
