"""The command `gradproof accuracy`: a sweep, told on a screen, as a document, and beside an earlier one."""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from gradproof.backends import BACKENDS, DEVICES
from gradproof.registry import Function, names
from gradproof.report.outcome import Outcome, Unusable
from gradproof.report.tables import accuracy as table
from gradproof.report.text import columns
from gradproof.verification.sweeps.every import part as blocks_of
from gradproof.verification.sweeps.every import sweep_every
from gradproof.verification.sweeps.measure import MODES
from gradproof.verification.sweeps.run import REAL, ROWS, Row, Selection, sweep
from gradproof.verification.sweeps.truth import FOLDER


def accuracy(
    functions: list[Function],
    selection: Selection,
    folder: Path | None = None,
    output: Path | None = None,
    compare: Path | None = None,
    every: str | None = None,
) -> Outcome:
    """Sweep what is selected, or with `every` a part of all numbers of float32, keeping rows in `folder`; write the
    table to `output`, and its rows beside it; the status is 1 where something is worse than in the rows `compare`."""
    before = read(compare) if compare else []
    folder = folder or FOLDER
    if every is None:
        rows = sweep(functions, selection, folder, _progress())
    else:
        rows = sweep_every(functions, selection, folder, _progress(), _blocks(every))
    if not rows:
        raise Unusable("gradproof accuracy: nothing is selected that acts entry by entry; see gradproof list")
    if output is not None:
        output.write_text(table.document(rows, selection.command))
        output.with_name(ROWS).write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    text = columns(table.worst(rows))
    lines, is_worse = table.changes(before, rows) if compare else ([], False)
    where = output.with_name(ROWS) if output else folder
    return Outcome(
        "\n".join([*text, *(["", *lines] if lines else []), "", f"{len(rows)} rows: {where}"]),
        table=table.screen(rows),
        status=int(is_worse),
    )


def _blocks(part: str) -> range:
    try:
        return blocks_of(part)
    except ValueError as error:
        raise Unusable(f"--every: {part!r} is no part; give K/N, as in 1/16, or all") from error


def selection(
    words: Sequence[str], named: Sequence[str], dtypes: Sequence[str], modes: Sequence[str], device: str
) -> Selection:
    """What was asked for by names: none of a kind, or "all", are all of it. One that is not known is an error."""
    if device not in DEVICES:
        raise Unusable(names.unknown("--device", device, DEVICES))
    return Selection(
        tuple(words),
        _chosen("--backend", named, tuple(BACKENDS)),
        _chosen("--dtype", dtypes, REAL),
        _chosen("--mode", modes, MODES),
        device,
        names_modes=bool(modes),
    )


def _chosen(option: str, given: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    for name in given:
        if name not in (*known, "all"):
            raise Unusable(names.unknown(option, name, known))
    return tuple(known) if not given or "all" in given else tuple(given)


def read(path: Path) -> list[Row]:
    """The rows of an earlier table."""
    try:
        return [json.loads(line) for line in path.read_text().splitlines()]
    except ValueError as error:
        raise Unusable(f"{path} holds no rows of a table of accuracy ({error}); give the {ROWS} beside it") from error


def _progress() -> Callable[[str], None]:
    start = time.monotonic()

    def tell(text: str) -> None:
        end = "\n" if not sys.stderr.isatty() else ""
        print(
            f"\r\033[K{text}" if not end else f"{time.monotonic() - start:.0f} s  {text}",
            end=end,
            file=sys.stderr,
            flush=True,
        )

    return tell
