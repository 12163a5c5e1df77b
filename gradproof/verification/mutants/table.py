"""What became of the mutants: a table, kind by kind and backend by backend, and each that survived."""

from collections import Counter
from collections.abc import Sequence

from gradproof import __version__, backends
from gradproof.report.text import columns, markdown_table
from gradproof.verification.mutants.kinds import KINDS, VALUE
from gradproof.verification.mutants.trial import Fate, Outcome, Trials, Untried

NAMES = (VALUE, *(kind.name for kind in KINDS))


def table(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """A line per kind: for each backend how many were planted, and what became of those that were not killed."""
    names = [name for name in backends.BACKENDS if any(outcome.backend == name for outcome in outcomes)]
    counts = {(name, kind): Counter() for name in names for kind in (*NAMES, "all")}
    for outcome in outcomes:
        counts[outcome.backend, outcome.kind][outcome.fate] += 1
        counts[outcome.backend, "all"][outcome.fate] += 1
    return [["kind", *names], *([kind, *(_told(counts[name, kind]) for name in names)] for kind in (*NAMES, "all"))]


def _told(count: Counter) -> str:
    if not count:
        return "-"
    told = [f"{count[fate]} {fate}" for fate in Fate if count[fate] and fate != Fate.KILLED]
    return f"{count[Fate.KILLED]} of {count.total()} killed" + "".join(f", {part}" for part in told)


def survivors(outcomes: Sequence[Outcome]) -> list[str]:
    """A line for each mutant that survived."""
    return [
        f"{_place(o)}: {o.kind}: {o.why}"
        for o in outcomes
        if o.fate == Fate.SURVIVED
    ]


def _place(outcome: Outcome) -> str:
    where = f"{outcome.function} on {outcome.backend}, {outcome.mode}"
    return f"{where}, gradient for {outcome.argument}" if outcome.argument else where


def text(outcomes: Sequence[Outcome], untried: Sequence[Untried]) -> str:
    """For a terminal."""
    lines = columns(table(outcomes)) if outcomes else []
    lines += ["", *survivors(outcomes)] if survivors(outcomes) else []
    lines += ["", *(f"not tried: {u.function} on {u.backend}, {u.mode}: {u.why}" for u in untried)] if untried else []
    return "\n".join(lines)
