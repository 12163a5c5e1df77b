"""Every number of float32, all 2³² of them: in blocks that are independent of each other, each kept when it is done, so
that a run goes on where it was, and several hosts take a part each and put their rows in one folder. That needs no
engine: there is nothing that one block has to know of another."""

import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from gradproof import backends
from gradproof.oracles.machine_model import FORMATS
from gradproof.registry import Function
from gradproof.verification.sweeps.entrywise import Entrywise, entrywise
from gradproof.verification.sweeps.measure import LIMITS, ask, statistics
from gradproof.verification.sweeps.polynomials import truth_of_run
from gradproof.verification.sweeps.run import NAMES, Row, Selection, machine
from gradproof.verification.sweeps.truth import FOLDER, Truth, key

RUN, BLOCK = 2**16, 2**22
"""So many neighbouring numbers share a polynomial at first; so many make a block."""

BLOCKS = 2**32 // BLOCK

FORMAT = FORMATS["float32"]

COUNTS = ("inputs", "no_truth", "kinks", "compared", "nonfinite", "finite", "flushed", "as_zero", "exact")

SHARES = ("correct", *(f"beyond_{limit}" for limit in LIMITS))


def sweep_every(
    functions: list[Function],
    selection: Selection,
    folder: Path = FOLDER,
    tell: Callable[[str], None] = lambda _: None,
    blocks: range = range(BLOCKS),
) -> list[Row]:
    """The rows of the selected functions of one argument at these blocks of all numbers of float32, block by block."""
    chosen = [e for e in entrywise(functions) if selection.takes(e) and len(e.arguments) == 1]
    rows: list[Row] = []
    for entry in chosen:
        done = _read(folder / f"every-{entry.name}.jsonl", key(entry, ()))
        for count, block in enumerate(blocks):
            start = time.perf_counter()
            missing = [names for names in _cells(entry, selection) if (block, _cell(names)) not in done]
            if missing:
                found = list(_of_block(entry, block, missing))
                _append(folder / f"every-{entry.name}.jsonl", found)
                done |= {(block, _cell(row)): [] for row in found}
                for row in found:
                    done[block, _cell(row)].append(row)
                speed = BLOCK / (time.perf_counter() - start) / 1e6
                tell(f"{entry.name}: {count + 1} of {len(blocks)} blocks, {speed:.1f} million numbers a second")
        for names in _cells(entry, selection):
            parts = [row for block in blocks for row in done[block, _cell(names)]]
            rows += merged(parts)
    return rows


def numbers_of(block: int) -> np.ndarray:
    """The finite numbers of one block, in increasing order, with one zero: half of the blocks are negative."""
    bits = np.arange(block * BLOCK, (block + 1) * BLOCK, dtype=np.uint32)
    with np.errstate(invalid="ignore"):
        x = bits.view(np.float32).astype(np.float64)
    return np.sort(x[np.isfinite(x) & ~((x == 0) & (bits != 0))])


def _cells(entry: Entrywise, selection: Selection) -> list[Row]:
    found = []
    for backend in selection.backends:
        if not backends.missing(backend, selection.device):
            for mode in selection.modes_of(backend):
                names = (entry.name, backend, selection.device, "float32", mode)
                found.append(dict(zip(NAMES, names, strict=True)))
    return found


def _of_block(entry: Entrywise, block: int, cells: list[Row]) -> Iterator[Row]:
    x = numbers_of(block)
    if not len(x):
        for names in cells:
            yield names | {"block": block, "quantity": "", "source": key(entry, ())}
        return
    start = time.perf_counter()
    true, exact = truth_of_block(entry, x)
    truth_seconds = time.perf_counter() - start
    for names in cells:
        adapter = backends.load(names["backend"])
        about = {"block": block, "version": adapter.version(), "machine": machine(), "source": key(entry, ())}
        try:
            answer = ask(entry, adapter, "float32", names["device"], names["mode"], (x,))
        except Exception as error:  # a refusal may be of any class
            yield (
                names | about | {"quantity": "", "refused": " ".join(f"{type(error).__name__}: {error}".split())[:300]}
            )
            continue
        for position, quantity in enumerate(("value", *entry.arguments)):
            high = true.quantities[position][0]
            left_out = true.kinks if position else np.zeros(len(x), bool)
            counts = statistics(answer.quantities[position], true.quantities[position], (x,), left_out, FORMAT)
            seen = {"inputs": len(x), "no_truth": int((np.isnan(high) & ~left_out).sum()), "kinks": int(left_out.sum())}
            spent = {"seconds": answer.seconds, "truth_seconds": truth_seconds, "exact": exact}
            yield names | about | {"quantity": quantity, "every": True} | seen | counts | spent


def truth_of_block(entry: Entrywise, x: np.ndarray) -> tuple[Truth, int]:
    """The truth at neighbouring numbers, run by run, and for how many it took exact arithmetic."""
    parts = [truth_of_run(entry, x[start : start + RUN]) for start in range(0, len(x), RUN)]
    truths = [truth for truth, _ in parts]
    quantities = tuple(
        (np.concatenate([t.quantities[i][0] for t in truths]), np.concatenate([t.quantities[i][1] for t in truths]))
        for i in range(2)
    )
    return Truth(quantities, np.concatenate([t.kinks for t in truths])), sum(count for _, count in parts)


def merged(parts: list[Row]) -> list[Row]:
    """The rows of blocks as rows of all their numbers, one for each quantity."""
    refused = [row for row in parts if "refused" in row]
    if refused:
        return [{name: value for name, value in refused[0].items() if name != "block"}]
    quantities = dict.fromkeys(row["quantity"] for row in parts if row["quantity"])
    return [_merged([row for row in parts if row["quantity"] == quantity]) for quantity in quantities]


def _merged(parts: list[Row]) -> Row:
    first = max(parts, key=lambda row: row.get("ulp", -math.inf))
    row = {name: value for name, value in first.items() if name != "block"}
    row |= {name: sum(part[name] for part in parts) for name in COUNTS}
    total = max(1, row["compared"])
    row |= {name: sum(part[name] * part["compared"] for part in parts) / total for name in SHARES}
    for name in ("nonfinite_input", "finite_input"):
        row |= next(({name: part[name]} for part in parts if name in part), {})
    return row | {name: round(sum(part[name] for part in parts), 3) for name in ("seconds", "truth_seconds")}


def _cell(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in NAMES)


def _read(path: Path, source: str) -> dict[tuple, list[Row]]:
    done: dict[tuple, list[Row]] = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue  # the last line of a run that was ended
        if row["source"] == source and (
            "version" not in row or row["version"] == backends.load(row["backend"]).version()
        ):
            done.setdefault((row["block"], _cell(row)), []).append(row)
    return done


def _append(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write("".join(f"{json.dumps(row)}\n" for row in rows))


def part(text: str) -> range:
    """The blocks of part K of N, "3/16", which are every so-many-th; or of "all"."""
    if text == "all":
        return range(BLOCKS)
    number, of = (int(word) for word in text.split("/"))
    if not 1 <= number <= of:
        raise ValueError(text)
    return range(number - 1, BLOCKS, of)
