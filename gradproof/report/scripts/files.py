"""The files of standalone scripts: how they are named after the cell that they show, and how they are found again."""

import zlib
from collections.abc import Iterable
from pathlib import Path

from gradproof.report.outcome import Unusable
from gradproof.report.rows.results import Row, cell_of

LONGEST_NAME = 120
"""Of so many letters is the name of a script at most; a file system takes 255 bytes."""


def file_name(cell: str) -> str:
    """The name of the script of a cell, which is given by its words."""
    short = cell if len(cell) <= LONGEST_NAME else f"{cell[:LONGEST_NAME]}-{zlib.crc32(cell.encode()):08x}"
    return f"{short}.py"


def scripts_in(folder: Path, rows: Iterable[Row]) -> dict[str, str]:
    """The scripts of a --reproduce folder by the words of their cell, as far as the rows are of such a cell. Raises
    `Unusable` where there is no such folder."""
    if not folder.is_dir():
        raise Unusable(f"there is no folder {folder}; give the one that --reproduce has written")
    paths = {cell: folder / file_name(cell) for cell in map(cell_of, rows)}
    return {cell: path.read_text(encoding="utf-8") for cell, path in paths.items() if path.is_file()}
