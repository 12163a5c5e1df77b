"""What a soundness campaign has shown, from its rows: how many inputs each seed and backend judged, its alarms, what
was not judged and why, and how the errors of what was judged lie in their bounds."""

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from textwrap import shorten

import numpy as np

from gradproof.backends import BACKENDS, DTYPES
from gradproof.oracles.verdict import Verdict
from gradproof.report.rows.results import Row, from_hexadecimal
from gradproof.report.text import columns

ALARMS_KEPT = 3
"""Of so many alarms in a cell the input is kept; the others are counted."""

REASONS = 12
"""As many reasons are told on their own, the most frequent ones."""

GROUPS = 20
"""So many groups of alarms are told, the gravest first."""

WIDTH = 160
"""As long an input, or a list of functions, may be."""

LARGE = (0.1, 0.5, 1.0)
"""Errors beyond so much of their bound are counted: the bound must not be met by chance, nor be far away from all."""

QUANTILES = (0.5, 0.9, 0.99, 0.999)

LARGEST = 1e300
"""In the place of infinity, between which and others there are no quantiles."""

DECADES = (-math.inf, -6, -5, -4, -3, -2, -1, 0, math.inf)
"""The edges of the histogram: log10 of error / bound."""


def progress(rows: Sequence[Row], seeds: Sequence[int], blocks: int, judged: int, rate: float, left: float) -> str:
    """One line on where a campaign stands; `left` are the seconds to come, NaN where nobody can tell."""
    alarms = sum(len(row["alarms"]) for row in rows)
    seed = seeds[-1] if seeds else "none yet"
    done = sum(row["seed"] == seed for row in rows)
    time = f", {left / 60:.0f} min left" if math.isfinite(left) else ""
    number = f"seed {seed} ({len(seeds)}): {done} of {blocks} rows"
    return f"{number}, {judged} inputs judged, {rate:.0f} a second, {alarms} alarms{time}"


def closing(rows: Sequence[Row], seeds: Sequence[int]) -> str:
    """All tables, a title above each."""
    blocks = {
        "inputs judged, by seed": _judged(rows, seeds),
        "error / bound of what was judged and is not recorded: share of the inputs by log10, largest quantiles": (
            _distribution(rows)
        ),
        "inputs not judged": _apart(rows),
        "where the time went": _seconds(rows),
        "alarms": _alarms(rows) or ["none"],
    }
    return "\n\n".join("\n  ".join([f"{title}:", *lines]) for title, lines in blocks.items())


def _judged(rows: Iterable[Row], seeds: Sequence[int]) -> list[str]:
    counts, alarms, functions = Counter(), Counter(), defaultdict(set)
    for row in rows:
        counts[row["seed"], row["backend"]] += row["judged"]
        alarms[row["seed"]] += len(row["alarms"])
        functions[row["seed"]].add(row["function"])
    names = [name for name in BACKENDS if any(backend == name for _, backend in counts)]
    lines = [["seed", "functions", *names, "all", "alarms"]]
    for seed in seeds:
        each = [counts[seed, name] for name in names]
        lines.append([seed, len(functions[seed]), *each, sum(each), alarms[seed]])
    each = [sum(counts[seed, name] for seed in seeds) for name in names]
    lines.append(["all", "", *each, sum(each), sum(alarms.values())])
    return columns([list(map(str, line)) for line in lines])


def _distribution(rows: Iterable[Row]) -> list[str]:
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in rows:
        for name, cell in row["cells"].items():
            found[row["backend"], name.partition("-")[0]] += map(float, cell["ratios"])
    edges = [f"< {high:g}" if low == -math.inf else f"> {low:g}" for low, high in itertools.pairwise(DECADES)]
    lines = [["", "inputs", *edges, *(f"{q:.1%}" for q in QUANTILES), "largest", *(f"beyond {x:g}" for x in LARGE)]]
    for backend in BACKENDS:
        for dtype in DTYPES:
            if ratios := found[backend, dtype]:
                lines.append([f"{backend}-{dtype}", str(len(ratios)), *_of(np.array(ratios))])
    return columns(lines)


def _of(ratios: np.ndarray) -> Iterator[str]:
    ratios = np.minimum(ratios, LARGEST)
    with np.errstate(divide="ignore"):
        counts, _ = np.histogram(np.log10(ratios), [-400.0, *DECADES[1:-1], 400.0])
    # log10(0) lies in no interval.
    counts[0] += len(ratios) - counts.sum()
    yield from (f"{count / len(ratios):.1%}" if count else "." for count in counts)
    yield from (f"{value:.2g}" for value in np.quantile(ratios, QUANTILES))
    yield f"{ratios.max():.2g}"
    yield from (f"{(ratios > limit).mean():.4%}" if (ratios > limit).any() else "." for limit in LARGE)


def _apart(rows: Iterable[Row]) -> list[str]:
    counts: dict[str, Counter] = defaultdict(Counter)
    for row in rows:
        for cell in row["cells"].values():
            for reason, count in cell["apart"].items():
                # What it is for, and in which dtype, is in the rows.
                counts[_without_names(reason)][row["backend"]] += count
    lines = []
    ordered = sorted(counts.items(), key=lambda one: -one[1].total())
    for reason, by in ordered[:REASONS]:
        each = ", ".join(f"{name} {by[name]}" for name in BACKENDS if by[name])
        lines.append(f"{by.total()}  {reason} ({each})")
    rest = sum(by.total() for _, by in ordered[REASONS:])
    return [*lines, f"{rest}  for {len(ordered) - REASONS} other reasons"] if rest else lines


def _without_names(reason: str) -> str:
    reason = reason.partition(" for ")[0]
    return " ".join("the format" if word.strip(",.") in DTYPES else word for word in reason.split())


def _seconds(rows: Iterable[Row]) -> list[str]:
    spent, seconds, judged = Counter(), 0.0, 0
    for row in rows:
        spent.update(row["spent"])
        seconds += row["seconds"]
        judged += row["judged"]
    spent["the rest"] = seconds - sum(spent.values())
    parts = ", ".join(f"{part} {time:.0f}" for part, time in spent.most_common())
    return [f"{seconds:.0f} s, {judged / seconds if seconds else 0:.0f} judged inputs a second: {parts}"]


def _alarms(rows: Iterable[Row]) -> list[str]:
    """A group per function and kind of failure, with the guess at its cause and one of its inputs; what is refused is a
    group per reason."""
    groups: dict[tuple[str, str, str], list[tuple[Row, Row]]] = defaultdict(list)
    tried: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        tried[row["function"]].add(row["backend"])
        for alarm in row["alarms"]:
            refused = alarm["verdict"] == Verdict.UNSUPPORTED
            function = row["backend"] if refused else row["function"]
            groups[function, alarm["verdict"], alarm["reason"]].append((row, alarm))
    ordered = sorted(groups.items(), key=lambda one: -Verdict(one[0][1]).severity)
    lines = [line for key, group in ordered[:GROUPS] for line in _group(key, group, tried)]
    rest = f"and {len(groups) - GROUPS} groups more: all inputs are in rows.jsonl"
    return [*lines, rest] if len(groups) > GROUPS else lines


def _group(key: tuple[str, str, str], group: list[tuple[Row, Row]], tried: dict[str, set[str]]) -> Iterator[str]:
    name, verdict, reason = key
    cells = ", ".join(sorted({f"{alarm['dtype']}-{alarm['mode']}" for _, alarm in group}))
    if verdict == Verdict.UNSUPPORTED:
        functions = ", ".join(sorted({row["function"] for row, _ in group}))
        yield f"{name}: {verdict}: {reason}"
        yield f"    {shorten(functions, WIDTH)} in {cells}"
        return
    named = sorted({row["backend"] for row, _ in group}, key=list(BACKENDS).index)
    row, alarm = min(group, key=lambda one: len(str(one[1]["input"])))
    yield f"{name}: {verdict}, {len(group)} times on {', '.join(named)}: {reason}"
    yield f"    guess  {_guess(named, tried[name], cells.split(', '))}"
    yield f"    cells  {cells}"
    cell = f"{row['backend']}-{alarm['dtype']}-{alarm['mode']}, seed {row['seed']}"
    yield f"    input  {cell}: {_decimal(alarm['input'])}"
    if "ratio" in alarm:
        error = f"{float(alarm['error']):.3g} = {float(alarm['ratio']):.3g} times its bound {float(alarm['bound']):.3g}"
        yield f"    worst  {alarm['entry']}: expected {alarm['expected']}, got {alarm['got']}, off by {error}"


def _decimal(given: dict | None) -> str:
    parts = (f"{name} = {from_hexadecimal(values).tolist()}" for name, values in (given or {}).items())
    return shorten("; ".join(parts), WIDTH, placeholder=" …")


def _guess(named: Sequence[str], tried: set[str], cells: Sequence[str]) -> str:
    if len(named) == len(tried) > 1:
        return "ours, because nobody agrees with us: the truth or its bound"
    if "numpy" in named:
        return "ours: NumPy runs the derivation itself"
    if len(named) == 1 and len(cells) > 1:
        return f"{named[0]}'s, which alone fails, in several cells"
    if len(named) == 1:
        return f"{named[0]}'s in this cell, or rounding there that the bound leaves out"
    return "a rule that some backends share, or a program that the bound leaves out"
