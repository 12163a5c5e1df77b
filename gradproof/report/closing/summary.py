"""The closing summary: a row per backend, device and dtype with its verdicts, the worst error and where; what was not
run and why; and where the seconds went."""

import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable

from gradproof.backends import BACKENDS, DEVICES, DTYPES, MODES
from gradproof.divergences import KINDS
from gradproof.report.rows.results import DERIVATION, HOLDS, SAYS_NOTHING, VERDICTS, Row, fault_of, subject_of
from gradproof.report.text import columns

CHECKS = {"hand": "derivation", "exact": "gradient", "differences": "own differences"}
NAMED = 3
"""So many functions are named where a cause shows in several."""

WIDTH = 98
"""Columns of a line, which is indented by two."""

STRONG = 1e-2
"""Where an error of an entry that is larger than this, relatively, would not have been seen, that is told."""

WEAKEST = 8
"""As many functions are named in a line; how many more there are is said."""

BACKEND_PARTS = ("backend", "compile, first call", "own differences")
"""The parts of the time that are spent inside the backends."""


SOME = 1.0
"""Seconds inside the backends from which on the whole run is set against them."""


def in_order(rows: Iterable[Row]) -> list[Row]:
    """The rows by function, then backend, device, dtype, mode and check: several workers hand them in as they come."""
    orders = {"backend": [*BACKENDS], "device": [*DEVICES], "dtype": [*DTYPES], "mode": [*MODES], "check": [*CHECKS]}

    def place(row: Row) -> tuple:
        # The hand-derived gradients stand first, which run in no backend and no dtype.
        return row["function"], *(names.index(row[k]) if row[k] in names else -1 for k, names in orders.items())

    return sorted(rows, key=place)


def table(rows: Iterable[Row]) -> list[str]:
    """The table of verdicts, as lines of text."""
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[_group(row)].append(row)
    lines = [_line("", "check", "examples", *VERDICTS, "worst error / bound", "sees errors from")]
    lines += [_summary_line(key, groups[key]) for key in sorted(groups, key=_order)]
    return columns(lines)


def _group(row: Row) -> tuple[str, ...]:
    name = "-".join([row["backend"], row["device"], row["dtype"]])
    return (row["check"], name if row["mode"] == "reverse" else f"{name}-{row['mode']}")


def _order(key: tuple[str, ...]) -> tuple[int, str]:
    return list(CHECKS).index(key[0]), key[1]


def _line(*cells: object) -> list[str]:
    return [str(cell) for cell in cells]


def _summary_line(key: tuple[str, ...], rows: list[Row]) -> list[str]:
    counts = Counter(row["verdict"] for row in rows)
    numbers = [counts[verdict] or "." for verdict in VERDICTS]
    return _line(key[1], CHECKS[key[0]], sum(row["examples"] for row in rows), *numbers, worst(rows), _weakest(rows))


def worst(rows: list[Row]) -> str:
    """The largest error in units of its bound, with its function and entry; empty where nothing was compared."""
    # Of a cell that deviates as recorded, what is not recorded counts here.
    judged = [(row["function"], row.get("beside", row)) for row in rows]
    judged = [(function, numbers) for function, numbers in judged if numbers["ratio"] is not None]
    if not judged:
        return ""
    function, worst = max(judged, key=lambda pair: _as_number(pair[1]["ratio"]))
    return f"{_as_number(worst['ratio']):.2g} {function} {worst.get('entry', '')}".rstrip()


def _weakest(rows: list[Row]) -> str:
    """The largest error that may have passed for right in a cell that was verified."""
    function, argument, error = max((strength(row) for row in rows), key=lambda found: found[2])
    return f"{error:.2g} {function} {argument}" if error else ""


def strength(row: Row) -> tuple[str, str, float]:
    """Function, argument and size of the relative error up to which a verified cell has seen nothing; 0 without one."""
    caught = row.get("caught") or {} if row["verdict"] in HOLDS else {}
    pairs = [(row["function"], argument, _as_number(error)) for argument, error in caught.items()]
    return max(pairs, key=lambda found: found[2], default=(row["function"], "", 0.0))


def weak(rows: Iterable[Row]) -> list[str]:
    """What is verified and would not have shown an error of 1 % at its worst input, a line per place, weakest first."""
    groups: dict[tuple[str, ...], list[tuple[str, str, float]]] = defaultdict(list)
    for row in rows:
        found = strength(row)
        if found[2] > STRONG:
            groups[_group(row)].append(found)
    lines = []
    for key in sorted(groups, key=_order):
        found = sorted(groups[key], key=lambda one: -one[2])
        told = [f"{function} {argument} {error:.2g}" for function, argument, error in found[:WEAKEST]]
        more = f", and {len(found) - WEAKEST} more" if len(found) > WEAKEST else ""
        lines += textwrap.wrap(f"{key[1]}, {CHECKS[key[0]]}: {', '.join(told)}{more}", WIDTH, break_long_words=False)
    return lines


def _as_number(value: float | str) -> float:
    number = float(value)
    return float("inf") if number != number else number


def not_run(rows: Iterable[Row]) -> list[str]:
    """Every cell that verified nothing, with its reason; cells that share a reason stand on one line."""
    reasons: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row["verdict"] in SAYS_NOTHING:
            reason = row.get("reason") or "no input could be judged: " + _outside(row)
            reasons[f"{row['backend']}-{row['device']}, {CHECKS[row['check']]}", reason].append(row)
    return [f"{where}, {_some(group)}: {reason}" for (where, reason), group in reasons.items()]


def _outside(row: Row) -> str:
    return ", ".join(f"{count} × {reason}" for reason, count in row.get("out_of_range", {}).items())


def _some(rows: list[Row]) -> str:
    names, dtypes, modes = (list(dict.fromkeys(row[key] for row in rows)) for key in ("function", "dtype", "mode"))
    functions = names[0] if len(names) == 1 else f"{len(names)} functions"
    return f"{functions} in {_listed(dtypes, modes)}"


def _listed(dtypes: list[str], modes: list[str]) -> str:
    return ", ".join(dtypes) + ("" if modes == ["reverse"] else f" ({', '.join(modes)})")


def recorded(rows: Iterable[Row]) -> list[str]:
    """What deviates as known_divergences says it does: by kind, the gravest first, a line per cause and backend."""
    kinds: dict[str, dict[tuple[str, str], list[Row]]] = {kind: defaultdict(list) for kind in KINDS}
    for row in rows:
        if row.get("known"):
            kinds[row["kind"]][f"{row['backend']}-{row['device']}", row["cause"]].append(row)
    lines = []
    for kind, causes in kinds.items():
        if causes:
            lines.append(f"{kind}:")
            lines += [f"  {cause} on {where}: {_shown(causes[where, cause])}" for where, cause in sorted(causes)]
    return lines


def _shown(rows: list[Row]) -> str:
    keys = ("verdict", "function", "dtype", "mode")
    verdicts, functions, dtypes, modes = (list(dict.fromkeys(row[key] for row in rows)) for key in keys)
    named = ", ".join(functions[:NAMED]) + (f" and {len(functions) - NAMED} more" if len(functions) > NAMED else "")
    return f"{' or '.join(verdicts)} in {_listed(dtypes, modes)}: {named}"


def disagreements(rows: Iterable[Row]) -> list[str]:
    """The functions of which not all backends that ran hold what they must, with those that do not, recorded or not;
    where a backend runs a derivation that is wrong, that derivation."""
    verdicts: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    backends: set[str] = set()
    for row in rows:
        if row["check"] != "hand" and row["verdict"] not in SAYS_NOTHING:
            backends.add(row["backend"])
            is_derivation = subject_of(row) and fault_of(row) == DERIVATION
            verdicts[row["function"]]["the derivation" if is_derivation else row["backend"]].add(row["verdict"])
    if len(backends) < 2:
        return []
    odd = {f: [b for b, seen in places.items() if seen - {*HOLDS}] for f, places in verdicts.items()}
    told = [f"{function} ({', '.join(backends)})" for function, backends in odd.items() if backends]
    head = f"{len(told)} of {len(verdicts)} functions, and on whom: "
    return textwrap.wrap(head + "; ".join(told), WIDTH, break_long_words=False) if told else []


def seconds(rows: Iterable[Row], whole: float, workers: int = 1) -> list[str]:
    """Where the time went, `whole` seconds in each of the workers, and that against the time inside the backends."""
    spent: Counter[str] = Counter()
    for row in rows:
        spent.update(row.get("spent", {}))
    if not spent:
        return []
    whole *= workers
    parts = ", ".join(f"{part} {s:.1f} s" for part, s in spent.most_common())
    inside = sum(spent[part] for part in BACKEND_PARTS)
    # Of what took no time a ratio says nothing.
    is_told = inside >= SOME
    ratio = f"; the whole run is {whole / inside:.1f} times the time inside the backends" if is_told else ""
    where = f"in {workers} workers together, {whole / workers:.1f} s each: " if workers > 1 else ""
    return [f"{where}{parts}, the rest {max(whole - sum(spent.values()), 0.0):.1f} s{ratio}"]
