"""Loading functions from files: the built-in registry, and anybody's own. A file that cannot be loaded costs no other
file its functions."""

import contextlib
import difflib
import functools
import importlib.util
import itertools
import linecache
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from gradproof import content
from gradproof.registry.advice import line_in
from gradproof.registry.record import Function, RegistryError, registered

NO_FUNCTION = "the file registers no function: decorate one with @function"
NO_FILE = "the folder holds no .py file"


def load_builtin() -> list[Function]:
    """Load the families of the built-in registry, in the order of their files. Whoever asks gets the same functions, so
    that their truths are computed once."""
    return list(_builtin())


@functools.cache
def _builtin() -> tuple[Function, ...]:
    return tuple(load([content.FUNCTIONS]))


def load(paths: Iterable[Path]) -> list[Function]:
    """Load every function of these files, and of every `.py` file below these folders.

    A file that cannot be read or that raises becomes one entry with a problem, named after the file, and so does one
    without a function, but in a folder where others have functions: `helpers` has those. Functions of
    several files that have one name bear their file's name before it, as in `second.f`. A name that occurs twice in one
    file is a problem of the later entry, which is told apart by its line."""
    functions: list[Function] = []
    loaded: set[Path] = set()
    for path in paths:
        path = Path(path).resolve()
        files = _files(path) if path.is_dir() else [path]
        if not files:
            functions.append(_broken_file(path, NO_FILE))
        found: list[Function] = []
        for file in files:
            # A file beside the folder that it lies in is one file.
            found += _load_file(file) if file not in loaded else []
            loaded.add(file)
        functions += _without_helpers(found) if path.is_dir() else found
    _name_by_file(functions)
    _mark_duplicates(functions)
    return functions


def helpers(functions: Iterable[Function], paths: Iterable[Path]) -> list[Path]:
    """The files below these folders of which none of these functions was loaded: they only help the others."""
    idle = {file for path in paths if Path(path).is_dir() for file in _files(Path(path).resolve())}
    return sorted(idle - {Path(entry.loaded_from) for entry in functions})


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if not path.name.startswith(("_", ".")))


def _without_helpers(found: list[Function]) -> list[Function]:
    """What a folder has, without the entries of files that only help the others."""
    if all(entry.is_file for entry in found):
        return found
    return [entry for entry in found if not (entry.is_file and entry.problems == [NO_FUNCTION])]


def find(functions: Iterable[Function], name: str) -> Function:
    """The function of this name. Raises `RegistryError`, with the name that may have been meant."""
    known = {function.name: function for function in functions}
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        cure = f"Did you mean {close[0]}?" if close else "gradproof list prints those that there are"
        raise RegistryError(f"there is no function {name}. {cure}")
    return known[name]


def _load_file(path: Path) -> list[Function]:
    already, line = len(registered), 1
    try:
        _execute(path)
        problem = "" if len(registered) > already else NO_FUNCTION
    except (Exception, SystemExit) as error:
        problem = f"the file cannot be loaded: {_what_was_raised(error, path)}"
        line = _line_raised(error, path) or 1
    found = registered[already:] + ([_broken_file(path, problem, line)] if problem else [])
    for entry in found:
        entry.loaded_from = str(path)
    return found


def _line_raised(error: BaseException, path: Path) -> int | None:
    return error.lineno if isinstance(error, SyntaxError) and error.filename == str(path) else line_in(error, str(path))


def _what_was_raised(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        text = f": {error.text.strip()}" if error.text else ""
        return f"{type(error).__name__} at line {error.lineno}: {error.msg}{text}"
    line = line_in(error, str(path))
    return f"{type(error).__name__}{f' at line {line}' if line else ''}: {error}"


def _execute(path: Path) -> ModuleType:
    if not path.is_file():
        raise FileNotFoundError(f"there is no file or folder {path}")
    if path.suffix != ".py":
        raise ImportError(f"{path} is not a Python file")
    name = _module_name(path)
    loader = SourceFileLoader if path.is_relative_to(content.FUNCTIONS) else _FromSource
    spec = importlib.util.spec_from_file_location(name, path, loader=loader(name, str(path)))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with _importable(path.parent):
        spec.loader.exec_module(module)
    return module


class _FromSource(SourceFileLoader):
    """Reads a person's file each time. Python takes the code that it compiled before where size and second of the file
    are the same, and would verify what stood there before a plus became a minus."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        # The lines that are shown of it are to be those of now as well.
        linecache.checkcache(path)
        return self.source_to_code(self.get_data(path), path)


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Have what lies beside a file importable while that is executed, as it is where Python itself runs it."""
    if str(folder) in sys.path or folder.is_relative_to(content.FUNCTIONS):
        yield
        return
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def _module_name(path: Path) -> str:
    # A name that nobody else claims: what is loaded becomes importable under it.
    if path.is_relative_to(content.FUNCTIONS):
        return ".".join(("gradproof", "builtin", *path.relative_to(content.FUNCTIONS).with_suffix("").parts))
    return f"gradproof_functions_of_user_{path.stem}"


def _broken_file(path: Path, problem: str, line: int = 1) -> Function:
    return Function(
        path.name,
        body=_broken_file,
        domains={},
        points=[],
        path=str(path),
        line=line,
        problems=[problem],
        is_file=True,
    )


def _name_by_file(functions: list[Function]) -> None:
    """Put the name of its file before each of a person's functions that bears a name of another file's as well. Its
    variants follow it, and it follows them."""
    paths: dict[str, set[str]] = {}
    for entry in functions:
        paths.setdefault(entry.name, set()).add(entry.path)
    shared = [entry for entry in functions if len(paths[entry.name]) > 1 and not entry.is_builtin]
    families = {(_family(entry), entry.path) for entry in shared}
    files = _told_apart({entry.path for entry in shared if entry.is_file})
    others = _told_apart({path for _, path in families} - {*files})
    for entry in functions:
        if (_family(entry), entry.path) not in families:
            continue
        if entry.is_file:
            entry.name = f"{files[entry.path]}.py"
            continue
        file, family = others.get(entry.path, Path(entry.path).stem), _family(entry)
        entry.name = f"{file}.{entry.name}"
        entry.variant_of = f"{file}.{family}" if entry.variant_of else ""


def _family(entry: Function) -> str:
    return entry.variant_of or entry.name


def _told_apart(paths: Iterable[str]) -> dict[str, str]:
    """Files by as few of the last parts of their paths as tell them apart, without their ending."""
    files = {path: Path(path).with_suffix("").parts for path in paths}
    for count in range(1, max(map(len, files.values()), default=0) + 1):
        short = {path: "/".join(parts[-count:]) for path, parts in files.items()}
        if len({*short.values()}) == len(short):
            return short
    return {path: path for path in files}


def _mark_duplicates(functions: list[Function]) -> None:
    first: dict[str, Function] = {}
    for entry in functions:
        name = entry.name
        if name in first:
            entry.problems.append(
                f"the name {name} is already taken by {first[name].where}; give this function another name"
            )
            place = f"{name}:{entry.line}"
            again = (f"{place}:{number}" for number in itertools.count(2))
            entry.name = place if place not in first else next(name for name in again if name not in first)
        first.setdefault(entry.name, entry)
