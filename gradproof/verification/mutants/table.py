"""What became of the mutants: a table, kind by kind and backend by backend, and each that survived."""

from collections import Counter
from collections.abc import Sequence

from gradproof import backends
from gradproof.report.text import columns, markdown_table, wrapped
from gradproof.verification.mutants.kinds import KINDS, VALUE
from gradproof.verification.mutants.trial import Fate, Outcome, Trials, Untried

NAMED = 10
"""Of more functions the names are not told."""

NAMES = (VALUE, *(kind.name for kind in KINDS))


def text(outcomes: Sequence[Outcome], untried: Sequence[Untried]) -> str:
    """For a terminal."""
    lines = columns(_table(outcomes)) if outcomes else []
    for title, more in (("survived:", survivors(outcomes)), ("not tried:", _untried(untried))):
        lines += ["", title, *(part for line in more for part in wrapped(line, "  "))] if more else []
    return "\n".join(lines)


def page(outcomes: Sequence[Outcome], untried: Sequence[Untried], trials: Trials, functions: int) -> str:
    """As Markdown, with the versions."""
    versions = ", ".join(f"{name} {backends.load(name).version()}" for name in _backends(outcomes))
    tried = [_tried(name, [one for one in outcomes if one.backend == name]) for name in _backends(outcomes)]
    return HEAD.format(
        versions=versions,
        functions=functions,
        tried=_list(tried, "No backend."),
        dtype=trials.dtype,
        draws=trials.draws,
        table=markdown_table(_table(outcomes)),
        survivors=_list(survivors(outcomes), "None survived."),
        untried=_list(_untried(untried), "There is none."),
    )


def _tried(backend: str, outcomes: Sequence[Outcome]) -> str:
    functions, modes = (
        list(dict.fromkeys(each)) for each in zip(*((o.function, o.mode) for o in outcomes), strict=True)
    )
    named = f" ({', '.join(functions)})" if len(functions) <= NAMED else ""
    return f"{backend}: {len(functions)} functions{named}, in {', '.join(modes)}"


def _list(lines: Sequence[str], none: str) -> str:
    return "\n".join(f"- {line}" for line in lines) or none


def _backends(outcomes: Sequence[Outcome]) -> list[str]:
    return [name for name in backends.BACKENDS if any(outcome.backend == name for outcome in outcomes)]


def _table(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """A line per kind: for each backend how many were killed, and what became of the others."""
    counts = {(name, kind): Counter() for name in _backends(outcomes) for kind in (*NAMES, "all")}
    for outcome in outcomes:
        counts[outcome.backend, outcome.kind][outcome.fate] += 1
        counts[outcome.backend, "all"][outcome.fate] += 1
    names = _backends(outcomes)
    return [["kind", *names], *([kind, *(_told(counts[name, kind]) for name in names)] for kind in (*NAMES, "all"))]


def _told(count: Counter) -> str:
    if not count:
        return "-"
    others = [f"{count[fate]} {fate}" for fate in Fate if count[fate] and fate != Fate.KILLED]
    return ", ".join([f"{count[Fate.KILLED]} of {count.total()} killed", *others])


def survivors(outcomes: Sequence[Outcome]) -> list[str]:
    """A line for each mutant that survived."""
    return [f"{_place(one)}: {one.kind}: {one.why}" for one in outcomes if one.fate == Fate.SURVIVED]


def _place(outcome: Outcome) -> str:
    where = f"{outcome.function} on {outcome.backend}, {outcome.mode}"
    return f"{where}, gradient for {outcome.argument}" if outcome.argument else where


def _untried(untried: Sequence[Untried]) -> list[str]:
    return [f"{one.function} on {one.backend}, {one.mode}: {one.why}" for one in untried]


HEAD = """# Wrong gradients, planted

`gradproof mutants --markdown FILE` made this page, with {versions}.

Wrong gradients of every kind are planted in the arguments of {functions} functions, and each is examined as a right
one is: at the function's points and at up to {draws} draws, in {dtype}. In NumPy a mutant stands in the derivation,
elsewhere in a rule of a function without an effect through which an argument passes on its way into the body; from
there on it takes the way of every gradient, through the backend's own transformations and the adapter. Tried are

{tried}

*Killed* is what was judged wrong or imprecise; *refused* what the framework itself ends with an error. *Equivalent* is
a mutant that is none: its exact answer is the true one, to 30 digits, at every input that was tried and at eight others
(the other sign of a gradient that is 0, two entries swapped that are equal). *Hidden* is one that is within the bound
wherever it was tried, of which nothing was promised. *Lost* is one whose rule the framework goes past, so that what
arrives is the right answer to the last bit: TensorFlow maps the operations of a function over a batch, and never asks
for its custom gradient. What is left has *survived*: a silent pass.

{table}
## Survivors

{survivors}

## Not tried

{untried}
"""
