"""The tables of a sweep: how complete it is, list by list, and what was found, as Markdown."""

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from gradproof.backends import installed_version
from gradproof.divergences import KINDS
from gradproof.divergences.operations import Cause, load, not_shown
from gradproof.divergences.record import thread
from gradproof.oracles.verdict import FAILING
from gradproof.report.rows.results import HOLDS, Row
from gradproof.report.text import markdown_table, on_one_line

COMMAND = "gradproof operations --results operations.jsonl --markdown docs/OPERATIONS.md --findings docs/FINDINGS.md"

NAMED = 12
"""So many names are given where a reason is that of many."""


@dataclass(frozen=True)
class Standing:
    """What the rows of one operation say."""

    name: str
    source: str
    rows: tuple[Row, ...]
    causes: tuple[Cause, ...]

    @cached_property
    def reason(self) -> str:
        """Why it was not tried, or its trace was refused; empty where neither is so."""
        if self.is_tried and self.is_traced:
            return ""
        return next((row["reason"] for row in self.rows if row["reason"]), "")

    @cached_property
    def is_tried(self) -> bool:
        """Whether the framework was asked for a gradient, or its forward pass was given to be traced."""
        return any(row["traced"] or row["reason"].startswith("not traced") for row in self.rows)

    @cached_property
    def is_traced(self) -> bool:
        """Whether there was a truth to hold it to."""
        return any(row["traced"] for row in self.rows)

    @cached_property
    def failing(self) -> list[Row]:
        """The rows that speak against it."""
        return [row for row in self.rows if row["verdict"] in FAILING]

    @cached_property
    def open(self) -> list[Row]:
        """Those of them that no record explains."""
        return [row for row in self.failing if not any(cause.covers(row) for cause in self.causes)]

    @cached_property
    def kinds(self) -> set[str]:
        """The kinds of the causes that are recorded of it."""
        return {cause.kind for cause in self.causes if any(cause.covers(row) for row in self.failing)}

    @property
    def word(self) -> str:
        """What became of it, in the words of the table."""
        if not self.is_tried:
            return "not differentiable" if _is_flat(self.reason) else "not tried"
        if not self.is_traced:
            return "not traced"
        if self.open:
            return "to be judged"
        if self.kinds:
            return "recorded"
        return "verified" if any(row["verdict"] in HOLDS for row in self.rows) else "inconclusive"


def _is_flat(reason: str) -> bool:
    return "not differentiable" in reason or "no floating-point or complex array" in reason


WORDS = ("verified", "recorded", "to be judged", "inconclusive", "not traced", "not tried", "not differentiable")


def standings(rows: Sequence[Row]) -> list[Standing]:
    """The operations of a sweep, in the order of their lists."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["backend"], row["list"], row["function"]), []).append(row)
    return [
        Standing(name, f"{backend}, {source}", tuple(group), _causes(backend))
        for (backend, source, name), group in sorted(groups.items())
    ]


def _causes(backend: str) -> tuple[Cause, ...]:
    version = installed_version(backend) or ""
    return tuple(cause for cause in load(backend) if cause.speaks_of(version))


def gone(rows: Sequence[Row]) -> list[str]:
    """What is recorded of operations that were tried, and does not show any more, a line each."""
    found = []
    for backend in dict.fromkeys(row["backend"] for row in rows):
        own = [row for row in rows if row["backend"] == backend]
        for cause, place in not_shown(load(backend), own, installed_version(backend) or ""):
            found.append(f"{backend}: {cause.id} does not show in {', '.join(place.operations)} any more")
    return found


def _versions(rows: Sequence[Row]) -> str:
    names = dict.fromkeys(row["backend"] for row in rows)
    return ", ".join(f"{name} {installed_version(name)}" for name in names)


def completeness(rows: Sequence[Row], listed: Mapping[str, int]) -> str:
    """The page of what was tried and what became of it; `listed` counts the names of every list."""
    all_of_them = standings(rows)
    lines = [
        "# Every differentiable operation, by the frameworks' own lists\n\n",
        f"Made by `{COMMAND}` with {_versions(rows)}.\n\n",
        "An operation is *verified* where every gradient that could be judged holds, at the inputs of its list and at\n"
        "hard ones; *recorded* where what is wrong has a record below `known_divergences/operations`, told in\n"
        "[FINDINGS.md](FINDINGS.md); *not traced* where there is no truth to hold it to, which is no verdict. Shares\n"
        "are those of the differentiable names that this run has reached; the next run goes on with the others.\n\n",
        markdown_table([*_head(), *_counts(all_of_them, listed)]),
    ]
    for source in dict.fromkeys(one.source for one in all_of_them):
        lines += _of_list(source, [one for one in all_of_them if one.source == source])
    return "".join(lines).rstrip() + "\n"


def _head() -> list[list[str]]:
    return [
        [
            "list",
            "names",
            "reached",
            "differentiable",
            "tried",
            "traced",
            *WORDS[:6],
            "gradients judged",
            "seconds, median",
        ]
    ]


def _counts(found: Sequence[Standing], listed: Mapping[str, int]) -> Iterator[list[str]]:
    for source in dict.fromkeys(one.source for one in found):
        own = [one for one in found if one.source == source]
        words = Counter(one.word for one in own)
        differentiable = len(own) - words["not differentiable"]
        tried, traced = (sum(getattr(one, name) for one in own) for name in ("is_tried", "is_traced"))
        judged = sum(
            count for one in own for row in one.rows for count in row.get("counts", {}).values() if row["mode"]
        )
        seconds = [sum(row["seconds"] for row in one.rows) for one in own if one.is_tried]
        yield [
            source,
            *map(str, (listed[source], len(own), differentiable)),
            f"{tried} ({_share(tried, differentiable)})",
            f"{traced} ({_share(traced, differentiable)})",
            *(str(words[word]) for word in WORDS[:6]),
            str(judged),
            f"{statistics.median(seconds):.2g}" if seconds else "",
        ]


def _verdicts(found: Sequence[Standing]) -> Counter[str]:
    """How often each verdict was given on a gradient."""
    counts: Counter[str] = Counter()
    for row in (row for one in found for row in one.rows if row["mode"]):
        counts.update(row["counts"])
    return counts


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "none"


def _of_list(source: str, found: Sequence[Standing]) -> Iterator[str]:
    yield f"\n## {source}\n\n"
    if verdicts := _verdicts(found):
        yield f"Gradients: {', '.join(f'{count} {verdict}' for verdict, count in verdicts.most_common())}.\n\n"
    for word in WORDS[1:]:
        own = [one for one in found if one.word == word]
        if not own:
            continue
        yield f"**{word}** ({len(own)}):\n\n"
        reasons: dict[str, list[str]] = {}
        for one in own:
            reasons.setdefault(_reason(one), []).append(one.name)
        for reason, names in sorted(reasons.items(), key=lambda pair: -len(pair[1])):
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED and word == "not differentiable" else ""
            shown = names[:NAMED] if more else names
            yield f"- {', '.join(shown)}{more}{': ' if reason else ''}{on_one_line(reason)}\n"
        yield "\n"


def _reason(one: Standing) -> str:
    if one.word == "recorded":
        return ", ".join(sorted(cause.id for cause in one.causes if any(cause.covers(row) for row in one.failing)))
    if one.word == "to be judged":
        return "; ".join(
            sorted({f"{row['verdict']} {row['dtype']} {row['mode']}: {row['reason']}" for row in one.open})
        )
    if one.word == "inconclusive":
        return next((row["reason"] for row in one.rows if row["reason"]), "")
    return one.reason[:200]


def findings(rows: Sequence[Row]) -> str:
    """The page of what was found, the gravest first."""
    backends = list(dict.fromkeys(row["backend"] for row in rows))
    found = [cause for backend in backends for cause in _causes(backend) if any(map(cause.covers, rows))]
    found.sort(key=lambda cause: (KINDS.index(cause.kind), cause.backend, cause.id))
    counts = Counter(cause.kind for cause in found)
    known = sum(cause.issue != "unreported" for cause in found)
    missed = sum(cause.issue == "unreported" and bool(cause.searched) for cause in found)
    lines = [
        "# What the frameworks' own lists of operations showed\n\n",
        f"Made by `{COMMAND}` with {_versions(rows)}.\n\n",
        f"{len(found)} causes: {', '.join(f'{counts[kind]} {kind}' for kind in KINDS if counts[kind]) or 'none'}. "
        f"Of {known} a public thread is known, for {missed} none was found, {len(found) - known - missed} were not "
        "searched for.\nEach script needs the framework alone, and exits with 1 while the cause is there.\n",
    ]
    for number, cause in enumerate(found, 1):
        lines += _finding(number, cause, [row for row in rows if row["backend"] == cause.backend and cause.covers(row)])
    return "".join(lines)


def _finding(number: int, cause: Cause, rows: Sequence[Row]) -> Iterator[str]:
    yield f"\n## {number}. {cause.backend}: {', '.join(dict.fromkeys(row['function'] for row in rows))}\n\n"
    where = {key: ", ".join(dict.fromkeys(row[key] for row in rows)) for key in ("dtype", "mode", "check")}
    yield f"*{cause.kind}*, `{cause.id}`: {cause.reason}\n\n"
    yield f"- seen in {where['dtype']}; {where['mode']}; inputs: {where['check']}\n"
    yield f"- the rule: {cause.rule}\n- second reference: {cause.second}\n- way around: {cause.around}\n"
    yield f"- thread: {thread(cause.issue, cause.searched)}\n\n"
    yield f"```python\n{cause.script}\n```\n"
