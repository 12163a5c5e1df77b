"""The functions that a command is about, of files or built in, and what is wrong with some of them: that costs no other
function its row, and is told."""

import ast
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gradproof import registry
from gradproof.registry import Function, RegistryError
from gradproof.registry.names import meant
from gradproof.report.text import from_here, no_function_in


@dataclass(frozen=True)
class Loaded:
    """The functions of `files`, or the built-in ones where there are none. `broken` says what is wrong with the files
    of which not all could be loaded, one after the other; `helpers` are files of folders that have no function, beside
    others that do."""

    functions: list[Function]
    broken: list[str]
    files: tuple[str, ...] = ()
    helpers: tuple[str, ...] = ()

    @property
    def sound(self) -> list[Function]:
        """The functions that can be evaluated."""
        return [function for function in self.functions if not function.faults()]

    @property
    def problems(self) -> list[str]:
        """What is wrong with files and with single functions."""
        told = ((function, function.faults()) for function in self.functions)
        return [*self.broken, *(f"{_place(one)}: {one.name}: {'; '.join(faults)}" for one, faults in told if faults)]

    @property
    def notes(self) -> list[str]:
        """What is to be told, and is not wrong."""
        return [told] if (told := no_function_in(self.helpers)) else []

    def find(self, command: str, name: str) -> Function:
        """The function of this name, for a command. Raises `RegistryError`, which says what may have been meant."""
        known = {function.name: function for function in self.functions}
        if name in known:
            return known[name]
        where = f" in {', '.join(self.files)}" if self.files else ""
        close = meant(name, known)
        cure = self._plain(command, name) or self._elsewhere(command, name, bool(close))
        # A command is copied to its end: no full stop stands behind it, and it stands last.
        told = [f"there is no function {name}{where}{close or '.'}", *self.broken, cure]
        raise RegistryError(" ".join(filter(None, told)))

    def _elsewhere(self, command: str, name: str, is_near: bool) -> str:
        """Where else to look for a function, where none of these bears a name that `is_near`, or there are files."""
        cures = [] if is_near else [f"All that there are: {shlex.join(['gradproof', 'list', *self.files])}"]
        if not self.files and Path(name).is_dir():
            cures = [f"{name} is a folder; its functions: {shlex.join(['gradproof', 'list', f'./{name}'])}"]
        elif not self.files:
            cures.append(f"{'Of' if is_near else 'of'} a file of your own: gradproof {command} {name} FILE")
        return "; ".join(cures)

    def _plain(self, command: str, name: str) -> str:
        """How a plain function of one of the files is explained, where this is one; empty where it is none."""
        for file in (Path(file) for file in self.files if command == "explain"):
            paths = sorted(file.rglob("*.py")) if file.is_dir() else [file]
            for path in paths:
                if _defines(path, name):
                    code = shlex.quote(f"{from_here(path.resolve())}:{name}")
                    told = f"{name} is a plain function of {path}, which its trace explains:"
                    return f"{told} gradproof explain {code} --at INPUT --backend NAME"
        return ""


def load(paths: Sequence[Path] | None) -> Loaded:
    """The built-in functions, or those of these files and folders. Raises `RegistryError` where there is no function at
    all, and `FileNotFoundError`."""
    for path in paths or ():
        if not path.exists():
            raise FileNotFoundError(f"there is no file or folder {path}")
    entries = registry.load(paths) if paths else registry.load_builtin()
    broken = [f"{_place(entry)}: {'; '.join(entry.problems)}" for entry in entries if entry.is_file]
    functions = [entry for entry in entries if not entry.is_file]
    if not functions:
        raise RegistryError("; ".join(broken))
    helpers = [from_here(path) for path in registry.helpers(entries, paths or ())]
    return Loaded(functions, broken, tuple(map(str, paths or ())), tuple(helpers))


def function_of(command: str, name: str, paths: Sequence[Path]) -> tuple[Function, Loaded]:
    """The function of this name, of these files or built in, and what was loaded with it. Raises `RegistryError` and
    `FileNotFoundError`."""
    if is_path(name):
        first = load([Path(name)]).functions[0].name
        raise RegistryError(f"{name} is a file; name one of its functions: gradproof {command} {first} {name}")
    loaded = load(paths)
    return loaded.find(command, name), loaded


def is_path(word: str) -> bool:
    """Whether a word of a command line means a file or a folder."""
    # A folder is one where it is written as a path: its bare name may be a field.
    return word.endswith(".py") or "/" in word or word in (".", "..")


def _defines(path: Path, name: str) -> bool:
    try:
        body = ast.parse(path.read_text(encoding="utf-8")).body
    except (OSError, ValueError, SyntaxError):
        return False
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in body)


def _place(entry: Function) -> str:
    return f"{from_here(Path(entry.path))}:{entry.line}"
