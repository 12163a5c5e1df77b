"""Accuracy on the page: how a sweep's errors are spread over its inputs, a bar for each backend and dtype, from what is
correctly rounded to what is far off or missing."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from gradproof.backends import BACKENDS, DTYPES
from gradproof.report.outcome import Unusable
from gradproof.report.page.findings import decimal
from gradproof.report.page.model import ordered
from gradproof.report.rows.results import Row
from gradproof.report.tables import accuracy as table

BANDS = ("correctly rounded", "up to 1 ulp", "up to 4 ulp", "up to 16 ulp", "more", "not finite")
"""What the pieces of a bar stand for, in their order."""

NEEDED = ("function", "quantity", "backend", "dtype", "mode")


@dataclass(frozen=True)
class Spread:
    """The errors of one function, its value or a slope, on a backend in a dtype: shares of the inputs by `BANDS`, the
    largest error, and the input at which it came."""

    quantity: str
    backend: str
    dtype: str
    mode: str
    inputs: str
    shares: tuple[float, ...]
    largest: str
    at: str

    @property
    def told(self) -> str:
        """The shares in words."""
        return ", ".join(f"{share:.2%} {band}" for band, share in zip(BANDS, self.shares, strict=True) if share)


def read_rows(path: Path) -> list[Row]:
    """The rows that `gradproof accuracy` has kept. Raises `Unusable`, and `OSError`."""
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        if not rows or any(name not in row for row in rows for name in NEEDED):
            raise ValueError("a row is not one of accuracy" if rows else "it is empty")
    except ValueError as error:
        raise Unusable(f"{path} holds no rows of accuracy ({error}); give the accuracy.jsonl of a run") from error
    return rows


def by_function(rows: Iterable[Row]) -> dict[str, list[Spread]]:
    """The spreads of each function, of the worst mode of each backend and dtype."""
    groups: dict[str, dict[tuple, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in table.measured(rows):
        groups[row["function"]][row["quantity"], row["dtype"], row["backend"]].append(row)
    return {name: _in_order(of_one) for name, of_one in groups.items()}


def _in_order(groups: Mapping[tuple, Sequence[Row]]) -> list[Spread]:
    quantities = ordered({key[0] for key in groups}, ["value"])
    dtypes, backends = ordered({key[1] for key in groups}, DTYPES), ordered({key[2] for key in groups}, BACKENDS)

    def place(key: tuple) -> tuple[int, int, int]:
        return quantities.index(key[0]), dtypes.index(key[1]), backends.index(key[2])

    return [_spread(max(groups[key], key=_rank)) for key in sorted(groups, key=place)]


def _rank(row: Row) -> tuple[float, float]:
    return table.row_share(row), row.get("ulp", 0.0)


def _spread(row: Row) -> Spread:
    total = row["compared"] + row["nonfinite"]
    beyond = [1.0 - row["correct"], row["beyond_1"], row["beyond_4"], row["beyond_16"], 0.0]
    within = row["compared"] / total if total else 0.0
    shares = [1.0 - beyond[0], *(more - less for more, less in pairwise(beyond))]
    parts = tuple(max(share, 0.0) * within for share in shares)
    return Spread(
        quantity=row["quantity"] if row["quantity"] == "value" else f"∂/∂{row['quantity']}",
        backend=row["backend"],
        dtype=row["dtype"],
        mode=row["mode"],
        inputs=f"{'all ' if row.get('every') else ''}{row['inputs']}",
        shares=(*parts, row["nonfinite"] / total if total else 0.0),
        largest=f"{row['ulp']:.3g} ulp" if "ulp" in row else "–",
        at=", ".join(map(decimal, row.get("input") or row.get("nonfinite_input") or ())),
    )


def tables(rows: Sequence[Row]) -> list[tuple[str, list[list[str]]]]:
    """The tables of the overview: by backend and dtype, and the worst combinations."""
    return [("By backend and dtype", table.screen(rows)), ("The worst", table.worst(rows))]
