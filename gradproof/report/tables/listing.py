"""The list of what the registry holds, for who looks something up."""

import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from gradproof import content
from gradproof.registry import Function
from gradproof.registry.names import counted, meant
from gradproof.report.outcome import Outcome


def functions(
    entries: Sequence[Function],
    words: Sequence[str] = (),
    paths: Sequence[str] = (),
    backend: str = "",
    recorded: Callable[[Function], Iterable[str]] = lambda function: (),
) -> Outcome:
    """The functions in whose name, field or formula all of these words occur, a row each, which speaks for the variants
    as well; of a `backend`, those alone of which kinds of divergences are `recorded`. 1 where there is none. `paths`
    are the files that they stand in, where they are not the built-in ones. What is wrong with a bad entry is told
    elsewhere."""
    variants: dict[str, list[Function]] = {}
    for entry in entries:
        variants.setdefault(entry.variant_of or entry.name, []).append(entry)
    head = ["function", "field", "variants", *([f"recorded of {backend}"] if backend else []), "formula"]
    rows = []
    for entry in entries:
        family = variants.get(entry.name, [])
        known = list(dict.fromkeys(kind for one in family for kind in recorded(one)))
        if entry.variant_of or not _has(family, words) or (backend and not known):
            continue
        formula = "a bad entry" if entry.faults() else entry.formula
        kinds = [", ".join(known)] if backend else []
        rows.append([entry.name, field_of(entry), str(len(family) - 1), *kinds, formula])
    if not rows:
        nothing = f"nothing is recorded of {backend} at {'functions with such words' if words else 'these functions'}"
        return Outcome(problems=[_lost(variants.values(), words) or nothing], status=1)
    first = shlex.join([rows[0][0], *paths])
    folders = [word for word in words if _is_folder(word)]
    besides = [f"{word} is a folder here as well: gradproof list {shlex.quote(f'./{word}')}" for word in folders]
    more = f"{counted(len(rows), 'function')}; more of one: gradproof show {first}"
    return Outcome(more, problems=besides, table=[head, *rows])


def folders_among(entries: Sequence[Function], words: Iterable[str]) -> list[str]:
    """The words that mean a folder: there is one of that name, with Python files, and no function has the word."""
    return [word for word in words if _is_folder(word) and not any(_has([entry], [word]) for entry in entries)]


def _is_folder(word: str) -> bool:
    return Path(word).is_dir() and any(Path(word).rglob("*.py"))


def _lost(families: Iterable[Sequence[Function]], words: Sequence[str]) -> str:
    """That there is no function with these words, and what was meant by a word that none has; empty where there is."""
    families = list(families)
    if any(_has(family, words) for family in families):
        return ""
    lost = [word for word in words if not any(_has(family, [word]) for family in families)]
    if not lost:
        return "no function has all of these words in its name, field or formula"
    names = [one.name for family in families for one in family]
    known = {*names, *(part for name in names for part in name.split("_")), *(field_of(f[0]) for f in families if f)}
    absent = "no function has {} in its name, field or formula{}"
    return "; ".join(absent.format(word, meant(word.lower(), sorted(known))) for word in lost)


def _has(family: Iterable[Function], words: Sequence[str]) -> bool:
    text = "\n".join(f"{one.name} {field_of(one)} {one.formula}" for one in family).lower()
    return all(word.lower() in text for word in words)


def field_of(function: Function) -> str:
    """The field that a function belongs to: the folder of a built-in one, the file of another."""
    path = Path(function.path)
    if not function.is_builtin:
        return path.name
    folder, *rest = path.relative_to(content.FUNCTIONS).parts
    return folder if rest else path.stem
