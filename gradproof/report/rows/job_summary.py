"""The job summary of a CI run as Markdown: which function holds on which backend, how many cells earned which verdict,
what two files say differently, and what is missing."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from gradproof.report.rows.comparison import Comparison
from gradproof.report.rows.merge import not_run, on_backends
from gradproof.report.rows.results import (
    DERIVATION,
    HOLDS,
    SAYS_NOTHING,
    VERDICTS,
    Row,
    against_the_truth,
    by_cause,
    fails,
    fault_of,
    ratio_of,
    reason_of,
    subject_of,
    worst_verdict,
)
from gradproof.report.text import markdown_table, on_one_line

PROOF = "hand"
"""The check of a hand-derived gradient, which runs in no backend."""


def summary(
    rows: Sequence[Row], conflicts: Sequence[str], missing: Sequence[str], found: Comparison | None = None
) -> str:
    """The whole text; with what changed since an earlier run, where there is one."""
    failing = sum(map(fails, rows))
    head = f"# Gradients\n\n{len(rows)} cells; {failing} fail, beside what known_divergences records\n"
    parts = [
        head,
        _listed("Missing", missing),
        _listed("Wrong in a function's own code, whichever backend runs it", _own(rows)),
        _listed("What could not be run, and fails", not_run(rows)),
        _listed("What fails on a backend", on_backends(_judged(rows))),
        changes(found) if found is not None else "",
        "## Function × backend\n\nLargest error in units of its bound, and the worst verdict where it is a bad one.\n",
        _functions([row for row in rows if row["check"] != PROOF]),
        "## Verdicts\n",
        _verdicts(rows),
        _listed("Two files contradict one another", conflicts),
    ]
    return "\n".join(part for part in parts if part)


def _own(rows: Iterable[Row]) -> list[str]:
    """The derivations and implementations that are wrong, and why, a line for each cause, the gravest first."""
    return [reason_of(group[0]) for group in _judged(rows) if subject_of(group[0])]


def _judged(rows: Iterable[Row]) -> list[list[Row]]:
    """What fails by its verdict, by cause."""
    return by_cause(row for row in rows if fails(row) and row["verdict"] not in SAYS_NOTHING)


def changes(found: Comparison) -> str:
    """What changed since an earlier run."""
    head = f"## Since the baseline\n\n{found.counted}\n"
    return "\n".join([head, *(_listed(title.capitalize(), lines, "###") for title, lines in found.blocks().items())])


def _listed(title: str, lines: Sequence[str], level: str = "##") -> str:
    items = "".join(f"- {on_one_line(line)}\n" for line in lines)
    return f"{level} {title}\n\n{items}" if items else ""


def _functions(rows: Iterable[Row]) -> str:
    cells: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        cells[row["function"], _place(row)].append(row)
    names = sorted({function for function, _ in cells})
    places = sorted({place for _, place in cells})
    lines = [["function", *places, "all agree"]]
    for name in names:
        of_place = {place: cells.get((name, place), []) for place in places}
        lines.append([name, *map(_cell, of_place.values()), _agreement(of_place)])
    return markdown_table(lines)


def _place(row: Row) -> str:
    return f"{row['backend']}-{row['device']}" + (" tf32" if row.get("tf32") else "")


def _cell(rows: Sequence[Row]) -> str:
    """The worst ratio against the exact reference, and the worst verdict of all checks unless that is a good one."""
    if not rows:
        return "no row"
    verdict = worst_verdict(rows)
    worst = [row for row in rows if row["verdict"] == verdict]
    if any(row.get("known") for row in worst):
        return f"{verdict}, recorded"
    if all(map(subject_of, worst)):
        return f"{verdict}, by its own {fault_of(worst[0])}"
    ratio = max(map(ratio_of, against_the_truth(rows)), default=-1.0)
    number = f"{ratio:.2g}" if ratio >= 0 else ""
    return number if verdict in HOLDS and number else f"{verdict} {number}".rstrip()


def _agreement(of_place: dict[str, list[Row]]) -> str:
    verdicts = {place: worst_verdict(rows) for place, rows in of_place.items() if rows}
    judged = {place: v for place, v in verdicts.items() if v not in SAYS_NOTHING}
    odd = [_odd(place, of_place[place], verdict) for place, verdict in judged.items() if verdict not in HOLDS]
    if odd:
        return f"no: {', '.join(dict.fromkeys(odd))}"
    if not judged:
        return "nothing verified"
    return "yes" if len(judged) == len(of_place) else f"yes, the {len(judged)} that ran"


def _odd(place: str, rows: Iterable[Row], verdict: str) -> str:
    """Who does not agree at a place: the derivation, where that is what was run there and is wrong."""
    worst = [row for row in rows if row["verdict"] == verdict]
    is_derivation = all(subject_of(row) and fault_of(row) == DERIVATION for row in worst)
    return "its hand-derived gradient" if is_derivation else place


def _verdicts(rows: Iterable[Row]) -> str:
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[_place(row), row["dtype"], row["mode"], row["check"], _version(row)].append(row)
    for *names, version in list(groups):
        # What did not run has no version: it stands with what did, where that is of one version.
        ran = [key for key in groups if [*key[:-1]] == names and key[-1]]
        if not version and len(ran) == 1:
            groups[ran[0]] += groups.pop((*names, version))
    lines = [["backend", "dtype", "mode", "check", "version", "examples", *VERDICTS]]
    for key in sorted(groups):
        counts = Counter(row["verdict"] for row in groups[key])
        examples = sum(row["examples"] for row in groups[key])
        lines.append([*key, str(examples), *(str(counts[verdict] or "·") for verdict in VERDICTS)])
    return markdown_table(lines)


def _version(row: Row) -> str:
    return row.get("versions", {}).get(row["backend"], "")
