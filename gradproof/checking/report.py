"""What one call of `check_grads` found: the report that it returns, and the error that it raises."""

import math
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from gradproof.checking.layout import FIRST_WIDTH, WIDTH
from gradproof.oracles.reference import Truth
from gradproof.oracles.tape import Tape
from gradproof.oracles.verdict import FAILING, Entry, Judgement, Verdict
from gradproof.report.compared import TITLE, Compared, beside, counted
from gradproof.report.rows.results import Row
from gradproof.report.text import shortened

OF_THE_TRACE = "the exact derivative of the traced forward pass"

HOLDING = (Verdict.VERIFIED, Verdict.CONVENTION)
"""The verdicts of a gradient that is right."""

LINES = 30
"""A text is no longer."""

REASON_LINES = 9
"""So many lines say why, where there are no numbers beside."""

ROOM = WIDTH - 15
"""Columns beside a title."""

NAMED = 6
"""So many arrays are named that are not differentiated."""

SMALL = 12
"""Inputs of up to so many entries are shown whole."""

MOST_ROWS, INPUT_LINES = 4, 6
"""So many rows of an array are shown, what is right beside what came, and so many lines of inputs."""

WHOLE_INPUT = "error.report.worst.inputs"
"""Where a caller finds all of an input."""

MEANT_OTHERWISE = (
    "the gradient is not that of the forward pass as computed; where another is meant (straight-through, reversal, "
    "clipping, an implicit derivative), give truth=, the function that has it"
)

OF_INFINITY = (
    "a slope that is infinite here, or NaN, is multiplied by 0 on the way back, as behind where(x > 0, f(x), 0). Keep "
    "x out of it on the way forward, where(x > 0, f(where(x > 0, x, 1)), 0), or give the whole a rule of its own"
)

OF_A_RULE = (
    "the derivative of {} is written by hand, and that may be what gives it: look there first. Otherwise a slope that "
    "is infinite is multiplied by 0 on the way back, and x is to be kept out of it on the way forward"
)

OF_ITS_OWN_GRADIENT = (
    "the gradient is right, and its own derivative is not: as where the rule of {} uses what is a constant there, in "
    "PyTorch an intermediate result that was saved and is neither an input nor an output of the function"
)

Caught = dict[str, float]
"""By argument, the smallest relative error of an entry that would have been seen."""


class GradientError(AssertionError):
    """A gradient that is not right. `report` is the whole report."""

    __module__ = "gradproof"

    def __init__(self, report: "Report") -> None:
        self.report = report
        super().__init__(report.text)


class GradproofWarning(UserWarning):
    """What was asked for and could not be verified, where nothing speaks against it either."""

    __module__ = "gradproof"


@dataclass
class Finding:
    """What one mode showed at one input in one dtype. `given` are the arguments, `names` their names. `expected`, `got`
    and `wrong`, a mask, are there by array of real numbers where a gradient was compared entry by entry."""

    mode: str
    dtype: str
    device: str
    judgement: Judgement
    names: list[str]
    given: list[np.ndarray]
    order: int = 1
    was_drawn: bool = False
    expected: dict[str, np.ndarray] = field(default_factory=dict)
    got: dict[str, np.ndarray] = field(default_factory=dict)
    wrong: dict[str, np.ndarray] = field(default_factory=dict)
    caught: Caught = field(default_factory=dict)

    @property
    def fails(self) -> bool:
        """Whether this is held against the gradient."""
        return self.judgement.verdict in FAILING

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """The arguments by name."""
        return dict(zip(self.names, self.given, strict=True))

    @property
    def compared(self) -> list[Compared]:
        """What is right and what came, by array of real numbers."""
        return [Compared(name, self.expected[name], self.got[name], mask) for name, mask in self.wrong.items()]

    def compare(
        self, names: Sequence[str], truth: Truth, bounds: Sequence[np.ndarray], got: Sequence[np.ndarray]
    ) -> None:
        """Note, entry by entry, what is right, what came, what is beyond its bound, and what would have been."""
        for name, exact, bound, part, scale in zip(names, truth.gradient, bounds, got, truth.scale, strict=True):
            self.expected[name], self.got[name] = exact.high, np.asarray(part, float)
            self.wrong[name] = ~(exact.distance(np.asarray(part)) <= bound)
            if scale > 0 and self.order == 1:
                # Where there is no bound for an entry, nothing would have been seen in it.
                self.caught[name] = float(np.max(np.where(np.isnan(bound), np.inf, bound))) / scale


@dataclass
class Report:
    """The outcome of one call. `verdict` is the worst of all that was tried; `caught` is, by argument, the smallest
    relative error of an entry that would have been seen; `worst` the finding that came nearest to its bound, or went
    farthest beyond; `rows` one per dtype and mode, in the form of `--results`; `notes` what else there is to know;
    `refused`, by mode that nobody named, why the framework has none for this code.
    `unmarked` are arrays that could be differentiated and are not, `left_out` results without a derivative, `data`
    leaves of the arguments that have none, and `own_rules` functions whose derivative somebody has written, by name.
    `traced` is the tape of a small function, the cell of its value and the names of its inputs, for a picture of it;
    `unmade` is what makes the rows."""

    name: str
    backend: str
    version: str
    results: str
    findings: list[Finding] = field(default_factory=list)
    caught: Caught = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    truth: str = OF_THE_TRACE
    unmarked: Sequence[str] = ()
    left_out: Sequence[str] = ()
    data: Sequence[str] = ()
    own_rules: Sequence[str] = ()
    traced: tuple[Tape, int, list[str]] | None = None
    unmade: list[Callable[[], Row]] = field(default_factory=list, repr=False)

    def tell(self, note: str) -> None:
        """Note what else there is to know, once."""
        if note not in self.notes:
            self.notes.append(note)

    @cached_property
    def rows(self) -> list[Row]:
        """One row per dtype and mode, made when somebody asks for them."""
        return [make() for make in self.unmade]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "rows": self.rows, "unmade": []}

    @property
    def is_of_the_trace(self) -> bool:
        """Whether the gradient was held to the function's own forward pass."""
        return self.truth == OF_THE_TRACE

    @property
    def verdict(self) -> str:
        """One word: the worst of every mode, dtype and input that was tried."""
        verdicts = [finding.judgement.verdict for finding in self.findings] or [Verdict.NOT_RUN]
        return str(max(verdicts, key=lambda verdict: verdict.severity))

    @property
    def worst(self) -> Finding | None:
        """The failing finding, else the one whose error is largest in units of its bound."""
        compared = [f for f in self.findings if f.judgement.worst is not None]
        failing = [f for f in self.findings if f.fails]
        if failing:
            return max(failing, key=lambda f: f.judgement.verdict.severity)
        return max(compared, key=lambda f: f.judgement.worst.ratio, default=None)

    @property
    def suspect(self) -> Finding | None:
        """The finding of which some entry is most standard deviations off, where one is suspect; it is no verdict."""
        suspects = [f for f in self.findings if f.judgement.suspicion is not None]
        return max(suspects, key=lambda f: f.judgement.suspicion.sigmas, default=None)

    def __bool__(self) -> bool:
        return self.verdict in HOLDING

    @property
    def text(self) -> str:
        """The report as at most a screen of plain text."""
        return "\n".join(self._failure() if any(f.fails for f in self.findings) else self._success())

    __str__ = text.fget

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        # A notebook asks for it; nobody else waits for the templates.
        from gradproof.report.page.notebook import picture

        return picture(self.verdict, f"{self.name} on {self.backend} {self.version}", self.rows, self.text, self.traced)

    def _success(self) -> list[str]:
        first = self.findings[0] if self.findings else None
        where = f", {first.device}, {', '.join(dict.fromkeys(f.dtype for f in self.findings))}" if first else ""
        lines = _title(str(self.verdict), self.name, f"{self.backend} {self.version}{where}", WIDTH)
        for verdict in dict.fromkeys(f.judgement.verdict for f in self.findings):
            at = [f for f in self.findings if f.judgement.verdict == verdict]
            lines += _block(str(verdict), ["; ".join(self._where(at))])
            lines += _block("", dict.fromkeys(f.judgement.reason for f in at if f.judgement.reason))
        if self.worst is not None and (entry := self.worst.judgement.worst) is not None:
            lines += _block("worst", [f"{entry.ratio:.2g} of its bound: {place(entry.argument, entry.index)}"])
        lines += _block("caught", [self._strength()] if self.caught and self else [])
        lines += _block("suspect", [self._suspicion()] if self.suspect is not None else [])
        lines.append(_line("held to", self.truth))
        lines += _block("constant", [f"{_named(self.unmarked)}: not differentiated"] if self.unmarked else [])
        left_out = {"of the arguments": self.data, "of the result": self.left_out}
        lines += _block("left out", [f"{what} {_named(names)}" for what, names in left_out.items() if names])
        not_tried = [f"{mode} mode, which {self.backend} refuses: {why}" for mode, why in self.refused.items()]
        lines += _block("not tried", not_tried)
        return lines + _block("note", self.notes)

    def _where(self, findings: Sequence[Finding]) -> list[str]:
        """The modes of findings; by dtype, where there is more than one."""
        several = len({finding.dtype for finding in self.findings}) > 1
        modes: dict[str, dict[str, None]] = {}
        for finding in findings:
            modes.setdefault(finding.dtype if several else "", {})[finding.mode] = None
        return [f"{', '.join(of_dtype)}{f' in {dtype}' if dtype else ''}" for dtype, of_dtype in modes.items()]

    def _suspicion(self) -> str:
        finding = self.suspect
        assert finding is not None
        found = finding.judgement.suspicion
        sigmas = "beyond all of them" if math.isinf(found.sigmas) else f"{found.sigmas:.3g} σ"
        return f"{sigmas} of rounding, in {finding.mode} mode: {place(found.argument, found.index)}"

    def _strength(self) -> str:
        given = sorted(self.caught.items(), key=lambda item: -item[1])[:4]
        more = f" and {len(self.caught) - 4} more, better" if len(self.caught) > 4 else ""
        told = ", ".join(f"{name} {_short(value)}" for name, value in given)
        return f"an error of one entry, relative to the largest, from {told}{more}"

    def _failure(self) -> list[str]:
        finding = self.worst
        assert finding is not None
        entry = finding.judgement.worst
        where = f"{self.backend} {self.version}, {finding.device}, {finding.dtype}, {finding.mode}"
        lines = _title(finding.judgement.verdict.upper(), self.name, where)
        lines += _block("reason", [finding.judgement.reason], 4 if finding.compared else REASON_LINES)
        if entry is not None:
            symbol = "the value" if entry.argument == "value" else _derivative(entry, finding.order)
            lines += _block("entry", [symbol])
            lines += _block("expected", [entry.expected])
            lines.append(_line("got", f"{entry.got!r}"))
            lines.append(_line("error", _error(entry)))
        lines += _block("arguments", [counted(finding.compared)] if finding.wrong else [], 4)
        arrays_at = len(lines)
        also = [f"{f.mode}, {f.dtype}" for f in self.findings if f.fails and f is not finding]
        lines += _block("the same in", ["; ".join(dict.fromkeys(also))] if also else [], 1)
        lines += _block("verified in", ["; ".join(holding)] if (holding := self._holding()) else [], 1)
        lines += _block("input", _shown(finding.inputs), INPUT_LINES)
        lines.append(_line("held to", self.truth))
        lines += _block("of", [self.results], 2)
        lines += self._cure(finding)
        lines += _block("note", self.notes, 3)
        lines[arrays_at:arrays_at] = _side_by_side(finding, LINES - len(lines))
        return lines

    def _cure(self, finding: Finding) -> list[str]:
        """What may be the matter, or may be meant."""
        entry, rules = finding.judgement.worst, _named(self.own_rules)
        if entry is not None and not math.isfinite(entry.got):
            return _block("cure", [OF_A_RULE.format(rules) if rules else OF_INFINITY])
        if not (self.is_of_the_trace and finding.expected):
            return []
        first = [f.judgement.verdict for f in self.findings if f.order == 1]
        if finding.order == 2 and rules and first and all(verdict in HOLDING for verdict in first):
            return _block("cure", [OF_ITS_OWN_GRADIENT.format(rules)])
        return _block("if meant", [MEANT_OTHERWISE])

    def _holding(self) -> list[str]:
        """The modes, with their dtypes where there are several, in which every input was verified."""
        others = {(f.mode, f.dtype) for f in self.findings if f.judgement.verdict not in HOLDING}
        return self._where([f for f in self.findings if (f.mode, f.dtype) not in others])


def _side_by_side(finding: Finding, room: int) -> list[str]:
    """The argument of the worst entry, in so many lines, and another that is wrong, where there is room for it."""
    entry = finding.judgement.worst
    if entry is None:
        return []
    lines = [line for one in finding.compared if one.name == entry.argument for line in _rows(one, entry.index, room)]
    for one in finding.compared:
        if one.name != entry.argument and one.wrong.any():
            more = _rows(one, tuple(np.argwhere(one.wrong)[0]), room - len(lines)) or _single(one)
            return lines + more if len(lines) + len(more) <= room else lines
    return lines


def _single(one: Compared) -> list[str]:
    title, text = f"d {one.name}", f"expected {one.expected.item()!r}, got {one.got.item()!r}"
    return _row(title, text) if len(title) <= TITLE else [*_row(title, ""), _line("", text)]


def _rows(one: Compared, at: tuple[int, ...], room: int) -> list[str]:
    most = min(max((room - 2) // 2, 1), MOST_ROWS)
    return [line for row in beside(one, at, most, ROOM) for line in _row(*row)]


def _row(title: str, text: str) -> list[str]:
    """A row of an array; above it, where it is long, the array's name."""
    return [f"  {part}" for part in textwrap.wrap(title, WIDTH - 2)] if not text else [_line(title, text)]


def place(name: str, index: tuple[int, ...]) -> str:
    """How an entry of an argument is written: `params["w"][1, 2]`."""
    return f"{name}{list(index)}" if index else name


def _derivative(entry: Entry, order: int) -> str:
    where = place(entry.argument, entry.index)
    return f"df/d {where}" if order == 1 else f"(H v) for {where}"


def _error(entry: Entry) -> str:
    if not math.isfinite(entry.error):
        return "not finite"
    if entry.expected == "0":
        # Only underflow is allowed there, and in units of it every error is absurd.
        return f"{entry.error:.3g}; 0 is right"
    ulp = "" if math.isnan(entry.ulp) else f" = {entry.ulp:.3g} ulp"
    return f"{entry.error:.3g} = {entry.ratio:.3g} times its bound {entry.bound:.3g}{ulp}"


def _title(verdict: str, name: str, where: str, width: int = FIRST_WIDTH) -> list[str]:
    """The first line, on two where it is long: before that of an error stands the error's name."""
    line = f"{verdict}: {name} on {where}"
    return [line] if len(line) <= width else [f"{verdict}: {name}", *_block("on", [where])]


def _named(names: Sequence[str]) -> str:
    return shortened(names, NAMED)


def _line(title: str, text: str) -> str:
    return f"  {title:12} {text}".rstrip()


def _block(title: str, texts: Iterable[str], limit: int = 12) -> list[str]:
    """Texts beside a title, in no more than so many lines."""
    wrapped = _wrapped(texts)
    if len(wrapped) > limit:
        wrapped = [*wrapped[: limit - 1], f"{wrapped[limit - 1]} …"]
    return [_line(title if i == 0 else "", part) for i, part in enumerate(wrapped)]


def _short(value: float) -> str:
    return f"{value:.0e}"


def _shown(inputs: dict[str, np.ndarray]) -> list[str]:
    """Small arrays as they are and others by their shape, as many as there is room for; where the rest is."""
    lines: list[str] = []
    whole = True
    for number, (name, values) in enumerate(inputs.items()):
        is_small = values.size <= SMALL
        line = f"{name} = {values.tolist()!r}" if is_small else f"{name}: shape {values.shape}"
        whole &= is_small
        if len(_wrapped([*lines, line])) >= INPUT_LINES:
            left = len(inputs) - number
            return [*lines, f"and {left} more array{'s' if left > 1 else ''}: {WHOLE_INPUT}"]
        lines.append(line)
    return lines if whole else [*lines, f"in full: {WHOLE_INPUT}"]


def _wrapped(texts: Iterable[str]) -> list[str]:
    return [part for text in texts for part in textwrap.wrap(text, ROOM)]
