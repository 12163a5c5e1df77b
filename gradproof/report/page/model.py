"""What the overview shows, made of result rows: the places as columns, the functions by field as lines, the cell where
they meet, and what holds on each backend. Functions are counted, not cells: a divergence that is watched in six modes
is one."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from gradproof.backends import BACKENDS, DEVICES, DTYPES, MODES
from gradproof.oracles.verdict import FAILING, Verdict
from gradproof.registry import Function
from gradproof.report.rows.results import (
    HOLDS,
    SAYS_NOTHING,
    Row,
    against_the_truth,
    fault_of,
    fullest,
    ratio_of,
    worst_verdict,
)
from gradproof.report.tables.listing import field_of

WIDTHS = {
    **{"float64": "64", "complex128": "64", "float32": "32", "complex64": "32"},
    **{"float16": "16", "bfloat16": "b16"},
}
"""The columns of a backend by dtype: no function is both real and complex, so that each pair shares one."""

CHECKS = {"exact": "", "differences": "own differences", "hand": "derivation", "traced": "traced"}
"""The checks, in the words of the page; the usual one goes without."""

UNKNOWN = "not in this registry"
"""The field of what the registry does not know: rows of another version, or of functions that were not given."""


def ordered(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Names in their usual order, those that nobody knows behind them."""
    found, usual = set(names), list(known)
    return [name for name in usual if name in found] + sorted(found - set(usual))


@dataclass(frozen=True)
class Column:
    """A backend on a device, in dtypes of one width."""

    backend: str
    device: str
    tf32: bool
    width: str

    @property
    def place(self) -> str:
        """Its backend and device, which head the columns of all widths."""
        return f"{self.backend}-{self.device}" + (" tf32" if self.tf32 else "")


def column_of(row: Row) -> Column:
    """Where a row stands."""
    return Column(row["backend"], row["device"], bool(row.get("tf32")), WIDTHS.get(row["dtype"], row["dtype"]))


@dataclass(eq=False)
class Cell:
    """The rows of one function in one column, over every mode and check."""

    rows: list[Row]

    @cached_property
    def verdict(self) -> Verdict:
        """The worst of what was said."""
        return worst_verdict(self.rows)

    @cached_property
    def is_known(self) -> bool:
        """Whether that is recorded in known_divergences, all of it."""
        worst = [row for row in self.rows if row["verdict"] == self.verdict]
        return self.verdict not in HOLDS and all(row.get("known") for row in worst)

    @cached_property
    def ratio(self) -> float:
        """The largest error in units of its bound, against the truth; -1 where nothing was compared."""
        return max(map(ratio_of, against_the_truth(self.rows)), default=-1.0)


@dataclass
class Line:
    """A function: its cells by column, and the row of its derivation."""

    name: str
    field: str
    formula: str
    variant_of: str
    cells: dict[Column, Cell]
    proof: Row | None = None
    function: Function | None = None

    @property
    def rows(self) -> list[Row]:
        """All rows of backends."""
        return [row for cell in self.cells.values() for row in cell.rows]

    @property
    def odd(self) -> list[str]:
        """The backends that do not hold what they must, of those that ran."""
        failing = {c.backend for c, cell in self.cells.items() if cell.verdict in FAILING}
        return ordered(failing, BACKENDS)

    @property
    def agree(self) -> bool | None:
        """Whether all backends that ran hold; None where none did."""
        ran = [cell for cell in self.cells.values() if cell.verdict not in SAYS_NOTHING]
        return not self.odd if ran else None


@dataclass
class Total:
    """What holds on one backend and device: functions right wherever they were tried, deviating as recorded, failing
    beyond that, failing by their own derivation or implementation, not there, and those of which nothing could be
    said."""

    place: str
    versions: list[str]
    right: int = 0
    recorded: int = 0
    failing: int = 0
    own: int = 0
    unsupported: int = 0
    silent: int = 0
    causes: Counter[str] = field(default_factory=Counter)

    @property
    def tried(self) -> int:
        """How many functions were tried."""
        return self.right + self.recorded + self.failing + self.own + self.unsupported + self.silent


@dataclass
class Overview:
    """Everything that the overview is made of."""

    rows: Sequence[Row]
    columns: list[Column]
    fields: dict[str, list[Line]]
    totals: list[Total]

    @property
    def lines(self) -> list[Line]:
        """The functions of every field."""
        return [line for lines in self.fields.values() for line in lines]

    @property
    def failing(self) -> list[Row]:
        """The rows that fail beside what is recorded."""
        return [row for row in self.rows if row["verdict"] in FAILING and not row.get("known")]


def overview(rows: Sequence[Row], entries: Mapping[str, Function]) -> Overview:
    """The overview of these rows; `entries` are the functions of the registry by name."""
    columns = _columns(rows)
    by_function: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_function[row["function"]].append(row)
    fields: dict[str, list[Line]] = defaultdict(list)
    for name in sorted(by_function, key=lambda name: _family(name, entries)):
        line = _line(name, by_function[name], columns, entries.get(name))
        fields[line.field].append(line)
    return Overview(rows, columns, dict(sorted(fields.items())), totals(rows))


def _family(name: str, entries: Mapping[str, Function]) -> tuple[str, str]:
    entry = entries.get(name)
    return (entry.variant_of or name if entry else name), name


def _columns(rows: Iterable[Row]) -> list[Column]:
    found = {column_of(row) for row in rows if row["check"] != "hand"}
    backends, devices = ordered({c.backend for c in found}, BACKENDS), ordered({c.device for c in found}, DEVICES)
    widths = ordered({c.width for c in found}, dict.fromkeys(WIDTHS.values()))

    def place(column: Column) -> tuple[int, int, bool, int]:
        backend, device = backends.index(column.backend), devices.index(column.device)
        return backend, device, column.tf32, widths.index(column.width)

    return sorted(found, key=place)


def _line(name: str, rows: Sequence[Row], columns: Sequence[Column], entry: Function | None) -> Line:
    cells: dict[Column, list[Row]] = defaultdict(list)
    for row in rows:
        if row["check"] != "hand":
            cells[column_of(row)].append(row)
    return Line(
        name=name,
        field=field_of(entry) if entry else UNKNOWN,
        formula=entry.formula if entry else "",
        variant_of=entry.variant_of if entry else "",
        cells={column: Cell(in_order(cells[column])) for column in columns if column in cells},
        proof=next((row for row in rows if row["check"] == "hand"), None),
        function=entry,
    )


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Rows by dtype, mode and check."""
    keys = {"dtype": list(DTYPES), "mode": list(MODES), "check": list(CHECKS)}

    def place(row: Row) -> list[int]:
        return [names.index(row[key]) if row[key] in names else len(names) for key, names in keys.items()]

    return sorted(rows, key=place)


def totals(rows: Iterable[Row]) -> list[Total]:
    """What holds on each backend and device, in their usual order."""
    places: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["check"] != "hand":
            places[column_of(row).place][row["function"]].append(row)
    names = [f"{backend}-{device}" for backend in BACKENDS for device in DEVICES]
    return [_total(place, places[place]) for place in ordered(places, names)]


def _total(place: str, functions: Mapping[str, list[Row]]) -> Total:
    rows = [row for of_one in functions.values() for row in of_one]
    # Of what never ran the version stands there without the packages beside it.
    found = {row["versions"].get(row["backend"], "") for row in rows} - {""}
    total = Total(place, fullest(found))
    for of_one in functions.values():
        setattr(total, state := _state(of_one), getattr(total, state) + 1)
    causes = {(row["kind"], row["cause"]) for row in rows if row.get("known")}
    total.causes = Counter(kind for kind, _ in causes)
    return total


def _state(rows: Sequence[Row]) -> str:
    """How a function stands on a backend, in the words of `Total`."""
    failing = [row for row in rows if row["verdict"] in FAILING]
    new = [row for row in failing if not row.get("known")]
    if new:
        return "own" if all(map(fault_of, new)) else "failing"
    if failing:
        # What the backend does not have in any form is another matter than what it gets wrong.
        ran = [row for row in rows if row["verdict"] not in (*SAYS_NOTHING, Verdict.UNSUPPORTED)]
        return "recorded" if ran else "unsupported"
    return "right" if any(row["verdict"] in HOLDS for row in rows) else "silent"
