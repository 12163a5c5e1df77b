"""What became of the gradients that were known to differ before: known_divergences/records/catalogue.toml as a Markdown
table."""

import tomllib
from dataclasses import dataclass

from gradproof import content, divergences
from gradproof.report.outcome import Outcome
from gradproof.report.text import markdown_table

PATH = content.DIVERGENCES / "records" / "catalogue.toml"
VERDICTS = divergences.VERDICTS


@dataclass(frozen=True)
class Case:
    """One case by its number. `failing` holds, by verdict, the backends that earn it in today's releases; the others
    hold. `reason` says why the case, or a part of it, cannot be tried here."""

    id: int
    name: str
    entries: tuple[str, ...]
    failing: dict[str, tuple[str, ...]]
    note: str
    reason: str

    @property
    def unrecorded(self) -> list[str]:
        """The failures claimed here that `known_divergences` does not record for any entry of the case."""
        return [
            f"{backend}: {verdict}"
            for verdict, backends in self.failing.items()
            for backend in backends
            if not any({*d.names} & {*self.entries} and d.verdict == verdict for d in divergences.load(backend))
        ]

    @property
    def outcome(self) -> str:
        """Who fails, in words."""
        told = [f"{verdict}: {', '.join(backends)}" for verdict, backends in self.failing.items()]
        return "; ".join(told) or ("holds" if self.entries and not self.reason else "")


def load() -> list[Case]:
    """All cases, in the order of the file."""
    tables = tomllib.loads(PATH.read_text(encoding="utf-8"))["case"]
    return [
        Case(
            id=table["id"],
            name=table["name"],
            entries=tuple(table.get("entries", ())),
            failing={verdict: tuple(table[verdict]) for verdict in VERDICTS if verdict in table},
            note=table.get("note", ""),
            reason=table.get("reason", ""),
        )
        for table in tables
    ]


def table(cases: list[Case]) -> str:
    """The Markdown table."""
    lines = [("case", "", "tried by", "outcome", "note", "not tried, because")]
    lines += [(str(c.id), c.name, ", ".join(c.entries), c.outcome, c.note, c.reason) for c in cases]
    return markdown_table(lines)


def catalogue() -> Outcome:
    """The table of all cases."""
    return Outcome(table(load()).rstrip())
