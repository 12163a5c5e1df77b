"""What a person should know, the gravest first: rows that fail, gathered by backend and cause, each with its smallest
input, and with the text of a report that can be pasted where the backend's maintainers read."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gradproof import divergences
from gradproof.backends import BACKENDS, DTYPES, MODES
from gradproof.divergences import KINDS, Divergence
from gradproof.divergences.record import thread
from gradproof.oracles.verdict import FAILING, Verdict
from gradproof.registry import Function
from gradproof.report.page.model import ordered
from gradproof.report.page.names import cut
from gradproof.report.rows.results import DERIVATION, IMPLEMENTATION, Row, cell_of, fault_of, ratio_of

HAND = "hand"
"""What stands for a backend where a derivation is wrong."""

PAGE_KINDS = (DERIVATION, IMPLEMENTATION, *KINDS)
"""Of those that begin it no backend's maintainers are to be told: whoever wrote the function mends it."""

SHOWN = 240
"""So many letters of an input are shown; the script has all of it."""

SIGNIFICANT = 8
"""Entries of an argument up to which the numbers themselves make an input simple."""


@dataclass
class Finding:
    """Rows of one backend that fail for one cause. `title` is the cause, or the function where none is recorded;
    `issue` an address, or empty, and `thread` what is known of one; `recorded` the versions that are recorded to have
    it. `where` is the line of what a function's own author is to mend, and `is_yours` says whether that is a person's,
    and not the registry's."""

    backend: str
    kind: str
    title: str
    reason: str
    is_new: bool
    rows: list[Row]
    issue: str = ""
    thread: str = "not searched for"
    recorded: str = ""
    workaround: str = ""
    script: str = ""
    formula: str = ""
    since: str = ""
    where: str = ""
    is_yours: bool = False
    shown: Row = field(default_factory=dict)

    @property
    def anchor(self) -> str:
        """The id of its place on the page."""
        return f"finding-{self.backend}-{self.title.replace(' ', '-')}"

    @property
    def is_upstream(self) -> bool:
        """Whether the backend's maintainers are to be told."""
        return self.kind not in (DERIVATION, IMPLEMENTATION)

    @property
    def who(self) -> str:
        """Whose code is wrong."""
        whose = "your " if self.is_yours else ""
        if self.is_upstream:
            return self.backend
        return f"{whose}derivation" if self.kind == DERIVATION else f"{whose}implementation for {self.backend}"

    @property
    def functions(self) -> list[str]:
        """The functions in which it shows."""
        return sorted({row["function"] for row in self.rows})

    @property
    def dtypes(self) -> list[str]:
        """The dtypes in which it shows."""
        return ordered({row["dtype"] for row in self.rows if row["check"] != HAND}, DTYPES)

    @property
    def modes(self) -> list[str]:
        """The modes in which it shows."""
        return ordered({row["mode"] for row in self.rows}, MODES)

    @property
    def verdicts(self) -> list[str]:
        """The verdicts that it earns, the worst first."""
        found = {Verdict(row["verdict"]) for row in self.rows}
        return [str(verdict) for verdict in sorted(found, key=lambda v: -v.severity)]

    @property
    def versions(self) -> dict[str, str]:
        """The versions of the row that is shown, the backend's first."""
        known = self.shown["versions"]
        return {name: known[name] for name in ordered(known, [self.backend]) if known[name]}


def findings(
    rows: Iterable[Row], entries: Mapping[str, Function], scripts: Mapping[str, str], earlier: Sequence[list[Row]] = ()
) -> list[Finding]:
    """The findings, new ones first, then by kind; within a kind a wrong number before another dtype or shape, and then
    those that show in most functions first. `scripts` has
    the standalone scripts by the words of their cell, `earlier` the rows of earlier runs, the oldest first."""
    groups: dict[tuple, list[Row]] = defaultdict(list)
    for row in rows:
        if row["verdict"] in FAILING or row.get("known"):
            groups[_group(row)].append(row)
    found = [_finding(key, of_cause, entries, scripts) for key, of_cause in groups.items()]
    for finding in found:
        finding.since = _since(finding, earlier)
    return sorted(found, key=_rank)


def _rank(finding: Finding) -> tuple:
    kind = PAGE_KINDS.index(finding.kind) if finding.kind in PAGE_KINDS else len(PAGE_KINDS)
    has_no_number = finding.shown.get("error") is None
    return not finding.is_new, kind, has_no_number, -len(finding.functions), finding.backend, finding.title


def _group(row: Row) -> tuple:
    if row.get("known"):
        return row["backend"], str(row.get("kind")), str(row.get("cause")), False
    kind = _kind_of(row)
    return HAND if kind == DERIVATION else row["backend"], kind, row["function"], True


def _kind_of(row: Row) -> str:
    """The kind of what nobody has recorded, as far as a row tells: a person may find a graver or a milder one."""
    if fault := fault_of(row):
        return fault
    if row["verdict"] == Verdict.UNSUPPORTED:
        return "unsupported"
    if row["verdict"] == Verdict.IMPRECISE:
        return "precision"
    is_finite = row.get("error") is not None and math.isfinite(float(row["error"]))
    return "defect" if is_finite or row.get("error") is None else "trap"


def _finding(key: tuple, rows: list[Row], entries: Mapping[str, Function], scripts: Mapping[str, str]) -> Finding:
    backend, kind, name, is_new = key
    with_script = [row for row in rows if row["check"] == "exact" and cell_of(row) in scripts]
    # Of a derivation its own check says most: in a backend it is run in rounded numbers.
    shown = min(with_script or [row for row in rows if row["check"] == HAND] or rows, key=_size)
    entry = entries.get(shown["function"])
    finding = Finding(
        backend=backend,
        kind=kind,
        title=name if is_new else name.replace("-", " "),
        reason=cut(str(shown.get("reason") or "")),
        is_new=is_new,
        rows=rows,
        script=scripts.get(cell_of(shown), "") if shown in with_script else "",
        formula=entry.formula if entry else "",
        where=_where(entry, kind, backend),
        is_yours=kind in (DERIVATION, IMPLEMENTATION) and entry is not None and not entry.is_builtin,
        shown=shown,
    )
    record = None if is_new else _record(backend, name, shown["function"])
    if record is not None:
        finding.reason = cut(record.reason)
        finding.recorded = str(record.versions)
        finding.workaround = record.workaround
        finding.issue = record.issue if record.issue.startswith("https://") else ""
        finding.thread = thread(record.issue, record.searched)
    return finding


def _where(entry: Function | None, kind: str, backend: str) -> str:
    """The file and line of what the author of a function is to mend."""
    if entry is not None and kind == DERIVATION and entry.hand is not None:
        return Path(entry.hand_where).name
    if entry is not None and kind == IMPLEMENTATION and backend in entry.implementations:
        return Path(entry.implementation_where(backend)).name
    return ""


def _record(backend: str, cause: str, function: str) -> Divergence | None:
    """What is recorded of a cause, where it shows in this function if possible; a file of another version may name a
    cause that is not recorded any more."""
    if backend not in BACKENDS:
        return None
    same = [entry for entry in divergences.load(backend) if entry.cause == cause]
    return next((entry for entry in same if function in entry.names), same[0] if same else None)


def _size(row: Row) -> tuple:
    """How simple the input of a row is: few entries, then few digits, then the verdict that says most."""
    texts = list(_leaves(row.get("input")))
    return not texts, len(texts), sum(map(len, texts)), -Verdict(row["verdict"]).severity, -ratio_of(row)


def _leaves(nested: Any) -> Iterable[str]:
    if isinstance(nested, dict):
        nested = list(nested.values())
    if isinstance(nested, list):
        for part in nested:
            yield from _leaves(part)
    elif nested is not None:
        yield str(nested)


def _since(finding: Finding, earlier: Sequence[list[Row]]) -> str:
    """The version of the backend in the first of the earlier runs in which the same was found, without a gap."""
    since = ""
    key = _group(finding.shown)
    for rows in reversed(earlier):
        same = [row for row in rows if (row["verdict"] in FAILING or row.get("known")) and _group(row) == key]
        if not same:
            break
        since = same[0]["versions"].get(finding.backend, "")
    return since


# What is shown of a row


def decimal(nested: Any) -> str:
    """Hex floats as the shortest decimals that mean the same, nested as they are; whatever else a file may hold, as
    text."""
    if isinstance(nested, list):
        return f"[{', '.join(map(decimal, nested))}]"
    try:
        return repr(float.fromhex(nested)).removesuffix(".0")
    except (TypeError, ValueError):
        return str(nested)


def input_lines(row: Row, limit: int = SHOWN) -> list[tuple[str, str]]:
    """The arguments of a row and their values in decimals, cut where they are long."""
    given = row.get("input")
    pairs = given.items() if isinstance(given, dict) else []
    return [(name, _cut(decimal(value), limit, value)) for name, value in pairs]


def _cut(text: str, limit: int, value: Any) -> str:
    if len(text) <= limit:
        return text
    return f"{text[:limit]} … {sum(1 for _ in _leaves(value))} numbers in all"


def report_text(finding: Finding) -> str:
    """An issue for the backend's maintainers, as Markdown: what, where, expected and got, versions, and the script."""
    row = finding.shown
    what = "does not work" if row["verdict"] == Verdict.UNSUPPORTED else f"is {row['verdict']}"
    lines = [f"# {finding.backend}: the gradient of {row['function']} {what}", "", finding.reason, ""]
    lines += [f"    {finding.formula}", ""] if finding.formula else []
    lines += [f"- {name}: `{value}`" for name, value in facts(row)]
    lines += [f"- versions: {', '.join(f'{name} {version}' for name, version in finding.versions.items())}"]
    lines += [f"- dtypes: {', '.join(finding.dtypes)}", f"- modes: {', '.join(finding.modes)}"]
    if finding.script:
        lines += ["", "This script exits with 1 while it is so:", "", "```python", finding.script.rstrip(), "```"]
    return "\n".join(lines) + "\n"


def facts(row: Row) -> list[tuple[str, str]]:
    """What a row has of input, expected and got, in order; rows of older versions have no more than an error."""
    lines = [(f"at {name}", value) for name, value in input_lines(row)]
    entry = row.get("entry")
    if row.get("expected") is not None:
        place = f" for {entry}" if entry else ""
        lines += [(f"expected{place}", str(row["expected"])), ("got", str(row.get("got")))]
    if row.get("error") is not None and row["check"] == HAND:
        # It has no bound: a right one agrees to the digits that are computed.
        lines.append(("error", f"{_short(row['error'])}, relative"))
    elif row.get("error") is not None:
        bound = f" = {_short(row['ratio'])} times its bound" if row.get("ratio") is not None else ""
        lines.append(("error", f"{_short(row['error'])}{bound}"))
    return lines


def _short(value: float | str) -> str:
    return f"{float(value):.3g}"
