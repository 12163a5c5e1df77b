"""How complete the registry is, list by list: which names of a published list some entry differentiates, and why others
have no entry. In a list of operations nothing says which entry stands for which name: that is watched."""

from collections.abc import Iterator

from gradproof.registry import Function, load_builtin
from gradproof.report.outcome import Outcome
from gradproof.report.tables.published import List, StatedList, lists
from gradproof.report.tables.uses import Use, uses_of_registry


def table(names: List | StatedList, found: dict[str, set[Use]], entries: dict[str, Function]) -> Iterator[str]:
    """The completeness table of one list, in Markdown."""
    rows = _stated_rows(names, entries) if isinstance(names, StatedList) else _watched_rows(names, found, entries)
    yield f"## {names.title}"
    yield ""
    yield from rows
    yield ""
    reasons: dict[str, list[str]] = {}
    for name in names.names:
        reasons.setdefault(name.reason, []).append(name.name)
    yield from (f"- left out: {', '.join(some)}: {reason}" for reason, some in reasons.items() if reason)
    yield from (f"- **missing**: {line}" for line in names.missing(found))
    if isinstance(names, StatedList):
        yield from (f"- of one size: {entry}: {reason}" for entry, reason in names.one_size.items())
        yield from (f"- **missing**: {line}" for line in names.without_sizes(entries))
    yield ""


def _stated_rows(names: StatedList, entries: dict[str, Function]) -> Iterator[str]:
    with_entries = [name for name in names.names if name.entries]
    left_out = sum(bool(name.reason) for name in names.names)
    listed = {entry for name in with_entries for entry in name.entries if entry in entries}
    sized = sum(entries[entry].generator is not None for entry in listed)
    counts = f"{len(names.names)} names, {len(with_entries)} with entries, {left_out} left out with reason"
    yield f"{counts}; {sized} of {len(listed)} entries in any size; from: {names.source}"
    yield ""
    yield "| name | entries | variants |"
    yield "|---|---|---|"
    for name in with_entries:
        variants = sum(entry.variant_of in name.entries for entry in entries.values())
        yield f"| {name.name} | {', '.join(name.entries)} | {variants} |"


def _watched_rows(names: List, found: dict[str, set[Use]], entries: dict[str, Function]) -> Iterator[str]:
    sections = list(dict.fromkeys(name.section for name in names.names))
    yield "| section | names | differentiable | with entries | zero derivative | with entries | left out with reason |"
    yield "|---|---|---|---|---|---|---|"
    for section in [*sections, "all"]:
        here = [name for name in names.names if section in (name.section, "all")]
        asked = [[name for name in here if not name.reason and name.flat == flat] for flat in (False, True)]
        done = [[name for name in some if not name.lacks(found)] for some in asked]
        counts = [len(x) for x in (here, asked[0], done[0], asked[1], done[1])]
        yield f"| {section} | {' | '.join(map(str, counts))} | {sum(bool(name.reason) for name in here)} |"
    yield ""
    yield "| name | through argument | entries | variants | for example |"
    yield "|---|---|---|---|---|"
    for name in names.names:
        for place in () if name.reason else name.places:
            users = name.entries(found, place)
            originals = [entry for entry in users if not entries[entry].variant_of]
            # The entry that uses the fewest other operations shows best what this one does.
            shown = sorted(originals or users, key=lambda entry: len({use.name for use in found[entry]}))[:3]
            counts = f"{len(originals)} | {len(users) - len(originals)} | {', '.join(shown) or 'none'}"
            yield f"| {name.name} | {'met' if name.flat else place} | {counts} |"


def completeness() -> Outcome:
    """The tables of all lists; 1 where something is missing."""
    found, entries = uses_of_registry(), {function.name: function for function in load_builtin()}
    lines = [f"{len(entries)} entries, {sum(bool(f.variant_of) for f in entries.values())} of them variants", ""]
    lacking: list[str] = []
    for names in lists().values():
        lines += table(names, found, entries)
        lacking += names.missing(found)
        lacking += names.without_sizes(entries) if isinstance(names, StatedList) else []
    return Outcome("\n".join(lines).rstrip(), status=int(bool(lacking)))
