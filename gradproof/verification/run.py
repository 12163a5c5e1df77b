"""A verification test from begin to end: search the cell, write its result row, and fail with a report where needed."""

import functools
import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import flint
import numpy as np
import pytest
from hypothesis.database import ExampleDatabase

from gradproof.backends import MODES, Missing, Unsupported, check_implementations
from gradproof.backends.daily import FULL, HALF
from gradproof.backends.stopped import Hung, OutOfMemory, Stopped
from gradproof.divergences import Divergence
from gradproof.oracles.agreement import DIGITS, hand_against_exact
from gradproof.oracles.exact import Uncomputable
from gradproof.oracles.kept import input_key
from gradproof.oracles.verdict import Entry, Judgement, Verdict
from gradproof.registry import Function, Inputs, RegistryError
from gradproof.registry.advice import line_in
from gradproof.report.closing.failure import Culprit, failure_text
from gradproof.report.closing.failures import FAMILY, SUBJECT, WHERE
from gradproof.report.closing.summary import BACKEND_PARTS
from gradproof.report.compared import Compared
from gradproof.report.origin import subject
from gradproof.report.rows.results import (
    DERIVATION,
    IMPLEMENTATION,
    PROPERTY,
    SCRIPT,
    VERSION,
    Row,
    hexadecimal,
    new_row,
    number,
    written,
)
from gradproof.report.scripts.files import file_name
from gradproof.report.scripts.sources import CannotWrite
from gradproof.verification import watch
from gradproof.verification.cells import Cell
from gradproof.verification.clock import CLOCK
from gradproof.verification.examine import Examiner, Finding, reference_of
from gradproof.verification.isolation import IMPORTING, Notes
from gradproof.verification.options import Options
from gradproof.verification.references import references
from gradproof.verification.reproduce import exactly, script_of
from gradproof.verification.search import Effort, Tally, drawn, search
from gradproof.verification.sidebyside import compared, compared_by_hand

IMPORT = "import"
"""The part of the work in which a backend is waited for before it is asked anything: a busy machine takes long over it,
which says nothing about a gradient."""

OURS = {
    "exact reference": "the exact reference was computed",
    "bounds": "the bound was computed",
    "search": "inputs were drawn",
}
"""The parts in which no backend is waited for, in the words of a reason."""


BAD_ENTRY, NO_TRUTH = "a bad entry of the registry", "there is no truth to compare with"

SHOWN = ("verdict", "error", "bound", "input")
"""What of a row is a property of its test by itself."""

HAND = "hand"
"""What stands for a backend in the rows of the hand-derived gradients, which run in no backend."""


@dataclass
class Verification:
    """What one test needs of the run: where to put its row, how long to search, where failures are kept, and the
    command that calls it again, from any folder and with the same draws. The run verifies so many `functions`, among
    which it shares its time; 0 where a profile was named, which says how many draws there are. In a mode that is not
    among the `asked_modes` a backend may refuse a person's own rule; None are all of them. `seconds` are what a budget
    leaves for this test, and `profile` is the name of what says how much is drawn."""

    item: pytest.Item
    run_seed: int
    examples: int
    options: Options
    notes: Notes = field(default_factory=Notes)
    again: str = ""
    database: ExampleDatabase | None = None
    functions: int = FULL
    asked_modes: Collection[str] | None = None
    seconds: float | None = None
    profile: str = ""

    def verify(self, cell: Cell, check: str, share: float) -> None:
        """Search one cell with `share` of the profile's draws, record the outcome, and fail where it fails.

        `check` is "exact", against the exact reference, or "differences", against the backend's own differences."""
        try:
            self._verify(cell, check, share)
        except Stopped as stopped:
            self._stopped(cell, check, stopped)

    def _verify(self, cell: Cell, check: str, share: float) -> None:
        self._check_entry(cell, check)
        try:
            self._note(cell, check, "", IMPORTING.format(backend=cell.backend))
            examiner = Examiner(cell, may_refuse=self.asked_modes is not None and cell.mode not in self.asked_modes)
            examine = examiner.against_truth if check == "exact" else examiner.against_own_differences
            known = examiner.known if check == "exact" else []
            witnesses = _witnesses(cell, known) if check == "exact" else ()
            at_fault = functools.partial(_at_fault, examiner)
            tally = self._searched(cell, check, examiner.version, examine, share, witnesses, at_fault=at_fault)
        except Unsupported as error:
            reason, forbidden = str(error), isinstance(error, Missing) and self._is_required(cell)
        else:
            return self._conclude(examiner, check, known, tally)
        self._not_run(cell, check, reason, fail=forbidden)

    def _check_entry(self, cell: Cell, check: str) -> None:
        self.item.user_properties.append((FAMILY, cell.function.variant_of or cell.function.name))
        problem = ""
        try:
            cell.function.check()
            check_implementations(cell.function)
        except RegistryError as error:
            problem = f"{BAD_ENTRY}: {error}"
        # Outside, or the failure would be told as one of the error's handling.
        if problem:
            self._not_run(cell, check, problem, fail=True)

    def _note(self, cell: Cell, check: str, backend_version: str, doing: str) -> None:
        self.notes.write(self._row(cell, check, Verdict.UNSUPPORTED, backend_version) | {"reason": doing})

    def _stopped(self, cell: Cell, check: str, stopped: Stopped) -> None:
        is_theirs = stopped.during in BACKEND_PARTS and not isinstance(stopped, OutOfMemory)
        verdict = Verdict.UNSUPPORTED if is_theirs else Verdict.NOT_RUN
        doing = {key: self.notes.row[key] for key in ("input", "versions")}
        during = self.notes.row["reason"]
        if isinstance(stopped, Hung) and not is_theirs and stopped.during != IMPORT:
            # What takes us long says nothing about a backend.
            during = f"while {OURS.get(stopped.during, 'its answers were compared')}, in which no backend has a part"
        row = self._row(cell, check, verdict, "") | doing | {"reason": f"{stopped} {during}"}
        self._keep(row)
        given = ", ".join(f"{name} = {written(value)}" for name, value in (row["input"] or {}).items())
        pytest.fail(f"STOPPED: {cell.id}: {row['reason']}\n  input  {given}\n  again  {self.again}", pytrace=False)

    def _is_required(self, cell: Cell) -> bool:
        return bool({cell.backend, f"{cell.backend}-{cell.device}"} & {*self.options.required})

    def _conclude(self, examiner: Examiner, check: str, known: list[Divergence], tally: Tally) -> None:
        cell = examiner.cell
        if tally.failure is not None:
            failure, culprit = tally.failure, _culprit(examiner, tally.failure)
            parts = [] if tally.stopped else _unless_it_raises(lambda: compared(examiner, failure, check))
            is_named = examiner.is_named(failure.inputs)
            self._fail(cell.function, culprit, tally, *self._evidence(examiner, check, tally), parts, is_named)
        if tally.recorded is not None and check == "exact" and self.options.wants_scripts:
            self._script(examiner, tally.recorded, check)
        for entry in known:
            self._assert_still_deviates(examiner, entry)
        if tally.verdict == Verdict.INCONCLUSIVE:
            self._verified_nothing(cell, check, tally)

    def _evidence(self, examiner: Examiner, check: str, tally: Tally) -> tuple[list[str], list[str]]:
        """Who agrees with whom, and the script: a finding stands without either."""
        assert tally.failure is not None
        if tally.stopped:
            # The test has had its time, and nothing else would end what does not come back.
            return ["not compared: the test's time was up"], ["no standalone script: the test's time was up"]
        try:
            lines = references(examiner, tally.failure, check)
        except (Exception, Stopped) as error:
            lines = [f"not compared: {_told(error)}"]
            if isinstance(error, Stopped):
                return lines, ["no standalone script: the test's time was up"]
        return lines, self._script(examiner, tally.failure, check)

    def _script(self, examiner: Examiner, finding: Finding, check: str) -> list[str]:
        """Write the script that shows a finding, where one is asked for; and say where it is, or why there is none."""
        if _is_of_the_derivation(examiner, finding):
            return ["no standalone script: the derivation is wrong, and no backend has any part in it"]
        try:
            text = script_of(examiner, exactly(examiner, finding, check))
            lines = self._written(examiner.cell, text)
        except CannotWrite as error:
            return [f"no standalone script: {error}"]
        except (Exception, Stopped) as error:
            return [f"no standalone script: writing it raised {_told(error)}"]
        return [*lines, "", *text.splitlines()]

    def _written(self, cell: Cell, text: str) -> list[str]:
        if self.options.report is not None:
            self.item.user_properties.append((SCRIPT, [cell.full_id, text]))
        folder = self.options.reproduce
        if folder is None:
            return ["that command with --reproduce DIR writes one"]
        path = folder / file_name(cell.full_id)
        path.write_text(text, encoding="utf-8")
        return [str(path)]

    def _assert_still_deviates(self, examiner: Examiner, entry: Divergence) -> None:
        cell = examiner.cell
        function = cell.function
        candidates = self._anywhere(function) if entry.verdict == "unsupported" else [entry.witness(function)]
        found = (examiner.against_truth(inputs) for inputs in candidates)
        finding = next((one for one in found if not one.out_of_range), None)
        line = watch.watching(entry, function, cell.backend)
        is_watched = line is not None and (line.dtype, line.mode) == (cell.dtype, cell.mode)
        if finding is None:
            # Elsewhere the recorded input may be out of the dtype's range, or a kink of the gradient.
            if is_watched:
                self._fail_entry(entry, "cannot be asserted in the cell that watches it, where nothing can be judged")
            return
        verdict = finding.judgement.verdict
        if verdict != entry.verdict:
            now = f"({entry.reason}), but is now {verdict} at the recorded input"
            self._fail_entry(entry, f"on {cell.backend} {examiner.version} is recorded as {entry.verdict} {now}")
        # Without the entry the run must fail here.
        others = [other for other in examiner.known if other is not entry and examiner.is_recorded(other, finding)]
        if is_watched and others:
            self._fail_entry(entry, f"is not needed: {others[0].where} records the same at its input")

    def _fail_entry(self, entry: Divergence, what: str) -> None:
        cure = "Take the entry out, limit its versions, dtypes or modes, or give it an input of its own"
        pytest.fail(f"{entry.where}: {entry.function} {what}. {cure}", pytrace=False)

    def _anywhere(self, function: Function) -> Iterator[Inputs]:
        yield from function.points
        yield from drawn(function, self.run_seed, self.examples)

    def prove(self, function: Function, share: float) -> None:
        """Hold the hand-derived gradient of one function to its definition."""
        cell = Cell(function, HAND, "cpu", "exact", "reverse")
        try:
            self._prove(cell, share)
        except Stopped as stopped:
            self._stopped(cell, "hand", stopped)

    def _prove(self, cell: Cell, share: float) -> None:
        function = cell.function
        self._check_entry(cell, "hand")
        if function.hand is None:
            held = "exact differences" if function.has_body else "their own forward passes"
            reason = f"it has no hand-derived gradient: backends are held to {held} alone"
            self._not_run(cell, "hand", reason, fail=False)
        # A few draws alone may all be kinks.
        share = share if function.points else 1.0
        tally = self._searched(cell, "hand", "", _digits_at(function), share, at_fault=lambda finding: DERIVATION)
        if tally.failure is not None:
            lines = ["odd one out: the hand-derived gradient; exact differences are what a derivative is"]
            script = ["no standalone script: no backend has any part in it"]
            inputs = tally.failure.inputs
            parts = _unless_it_raises(lambda: compared_by_hand(function, inputs))
            is_named = input_key(inputs) in map(input_key, function.points)
            self._fail(function, Culprit(_derivation(function)), tally, lines, script, parts, is_named)
        if tally.verdict == Verdict.INCONCLUSIVE:
            self._verified_nothing(cell, "hand", tally)

    def _fail(
        self,
        function: Function,
        culprit: Culprit,
        tally: Tally,
        lines: list[str],
        script: list[str],
        parts: list[Compared],
        is_named: bool,
    ) -> None:
        failure = tally.failure
        assert failure is not None
        is_derivation = culprit.subject == _derivation(function)
        where = function.hand_where if is_derivation else _code_where(function, culprit.backend)
        self.item.user_properties += [(SUBJECT, culprit.subject), (WHERE, where)]
        text = failure_text(
            function,
            culprit,
            failure.judgement,
            failure.inputs,
            lines,
            self.again,
            script,
            failure.caught,
            tally.cut,
            parts,
            is_named,
        )
        pytest.fail(text, pytrace=False)

    def _verified_nothing(self, cell: Cell, check: str, tally: Tally) -> None:
        if tally.caveat and tally.counts[str(Verdict.VERIFIED)]:
            pytest.skip(f"INCONCLUSIVE: {cell.id}: {tally.caveat}")
        seen = ", ".join(f"{n} {reason}" for reason, n in (*tally.counts.items(), *tally.out_of_range.items()))
        text = (
            f"INCONCLUSIVE: {cell.id} verified nothing; no wrong gradient could have been caught ({seen or 'no input'})"
        )
        if check == "differences" or MODES[cell.mode].order == 2 or cell.dtype in HALF:
            # There the function cannot help it: its second derivative may be hidden by rounding, or all of it by that
            # of half precision.
            pytest.skip(text)
        cure = "Give the function a point, or a narrower domain, at which its gradient is well conditioned"
        pytest.fail(f"{text}. {cure}", pytrace=False)

    # Rows

    def _searched(
        self,
        cell: Cell,
        check: str,
        backend_version: str,
        examine: Callable[[Inputs], Finding],
        share: float,
        witnesses: tuple[Inputs, ...] = (),
        *,
        at_fault: Callable[[Finding], str],
    ) -> Tally:
        started, before = time.perf_counter(), Counter(CLOCK.spent)
        function, problem, line, seen = cell.function, "", None, []

        at_work = cell.backend if cell.backend != HAND else "the hand-derived gradient"
        self._note(cell, check, backend_version, f"while {at_work} was run")

        def noted(inputs: Inputs) -> Finding:
            if not seen:
                self.notes.write(self.notes.row | {"input": hexadecimal(function, inputs)})
            return examine(inputs)

        def met(finding: Finding) -> None:
            # A simpler input may take the process down: what has been seen by then is to stay.
            seen.append(finding)
            row = self._row(cell, check, finding.judgement.verdict, backend_version) | _shown(function, finding)
            row["reason"] = f"while an input simpler than this one was looked for, which is {row['reason']}"
            self.notes.write(row | {"caught": _numbered(finding.caught)})

        try:
            tally = search(
                function,
                noted,
                run_seed=self.run_seed,
                effort=Effort.of(function, self.examples, share, self.functions, self.seconds),
                witnesses=witnesses,
                cell=f"{cell.id}, {check}",
                database=self.database,
                met=met,
                named=check == "exact" and MODES[cell.mode].order == 1 and cell.dtype not in HALF,
            )
        except (RegistryError, Uncomputable) as error:
            problem = f"{BAD_ENTRY if isinstance(error, RegistryError) else NO_TRUTH}: {error}"
            line = line_in(error.__cause__, function.path) if error.__cause__ else None
        if problem:
            self._not_run(cell, check, problem, fail=True, line=line)
        row = self._row(cell, check, tally.verdict, backend_version) | self._found(function, tally)
        if tally.failure is not None and (fault := at_fault(tally.failure)):
            row["at_fault"] = fault
        row["seconds"] = round(time.perf_counter() - started, 4)
        row["spent"] = {part: round(s - before[part], 4) for part, s in CLOCK.spent.items() if s > before[part]}
        self._keep(row)
        return tally

    def _not_run(self, cell: Cell, check: str, reason: str, *, fail: bool, line: int | None = None) -> None:
        row = self._row(cell, check, Verdict.NOT_RUN, "") | {"reason": reason}
        # What was not run is mostly nobody's fault; where it fails the run, readers of the row must see it.
        self._keep(row | {"fails": True} if fail else row)
        where = f"{cell.function.path}:{line}" if line else cell.function.where
        self.item.user_properties.append((WHERE, where))
        if fail:
            # The item bears the name of the function, and a summary cuts its lines: what is wrong comes first.
            pytest.fail(f"CANNOT RUN: {reason.removeprefix(f'{BAD_ENTRY}: ')}", pytrace=False)
        pytest.skip(reason)

    def _row(self, cell: Cell, check: str, verdict: Verdict, backend_version: str) -> Row:
        versions = {"gradproof": VERSION, "python": platform.python_version()}
        versions |= {"numpy": np.__version__, "flint": flint.__version__}
        versions |= {cell.backend: backend_version} if backend_version else {}
        row = new_row(cell.names, check, verdict, self.item.nodeid, versions)
        row["tf32"] = cell.device == "gpu" and self.options.tf32
        row |= {"seed": self.run_seed, "profile": self.profile}
        if cell.function.variant_of:
            row["variant_of"] = cell.function.variant_of
        if cell.function.is_file:
            row["is_file"] = True
        return row

    def _found(self, function: Function, tally: Tally) -> Row:
        found: Row = {
            "examples": sum(tally.counts.values()),
            "counts": dict(tally.counts),
            "out_of_range": dict(tally.out_of_range),
            "caught": _numbered(tally.caught),
            "unjudged": tally.unjudged,
        }
        if tally.lost is not None:
            found["lost"] = hexadecimal(function, tally.lost.inputs)
        if tally.undefined is not None:
            found["undefined"] = hexadecimal(function, tally.undefined.inputs)
        # The numbers are those of the input that the verdict is of; what is not recorded has its worst error beside it.
        shown = tally.worst if tally.failure is not None else tally.recorded or tally.worst
        if shown is not None:
            found |= _shown(function, shown)
        if shown is not tally.worst:
            found["beside"] = _numbers(tally.worst.judgement.worst if tally.worst is not None else None)
        if tally.verdict == Verdict.INCONCLUSIVE and tally.caveat:
            found["reason"] = tally.caveat
        found["known"] = tally.known if tally.failure is None else 0
        if tally.failure is None and tally.recorded is not None:
            assert tally.recorded.known is not None
            found |= {"cause": tally.recorded.known.cause, "kind": tally.recorded.known.kind}
        return found

    def _keep(self, row: Row) -> None:
        # Through JSON and back: between processes only plain types travel, and a version may be a subclass of str.
        plain = json.loads(json.dumps(row))
        self.item.user_properties.append((PROPERTY, plain))
        # One by one for whoever reads a JUnit file, in which the row is a text.
        self.item.user_properties += [(key, plain[key]) for key in SHOWN if plain.get(key) is not None]


def _is_of_the_derivation(examiner: Examiner, finding: Finding) -> bool:
    """Whether what failed is the hand-derived gradient itself: run by a backend that has no other, and not what exact
    differences give."""
    worst = finding.judgement.worst
    if examiner.adapter.differentiates or worst is None or worst.argument == "value":
        return False
    return examiner.reference.truth(finding.inputs).hand == "disagrees"


def _at_fault(examiner: Examiner, finding: Finding) -> str:
    """What is wrong where no library is to blame: the derivation, or an implementation; empty where one may be."""
    if _is_of_the_derivation(examiner, finding):
        return DERIVATION
    function = examiner.cell.function
    # What the built-in registry has a backend run is the backend's own.
    is_own = examiner.cell.backend in function.implementations and not function.is_builtin
    return IMPLEMENTATION if is_own else ""


def _culprit(examiner: Examiner, finding: Finding) -> Culprit:
    cell = examiner.cell
    is_derivation = _is_of_the_derivation(examiner, finding)
    what = _derivation(cell.function) if is_derivation else subject(cell.function, cell.backend)
    return Culprit(what, cell.backend, examiner.version, cell.device, cell.dtype, cell.mode, _ran(examiner))


def _ran(examiner: Examiner) -> str:
    function, backend = examiner.cell.function, examiner.cell.backend
    if backend in function.implementations:
        return f"the implementation for {backend}, {function.implementation_where(backend)}"
    if not examiner.adapter.differentiates:
        return f"the body and the hand-derived gradient, {function.hand_where}"
    return f"the body, differentiated by {backend}"


def _code_where(function: Function, backend: str) -> str:
    return function.implementation_where(backend) if backend in function.implementations else function.where


def _unless_it_raises(compare: Callable[[], list[Compared]]) -> list[Compared]:
    # A finding stands without what only makes it plainer.
    try:
        return compare()
    except Exception:
        return []


def _derivation(function: Function) -> str:
    return f"the hand-derived gradient of {function.name} ({Path(function.hand_where).name})"


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _witnesses(cell: Cell, known: list[Divergence]) -> tuple[Inputs, ...]:
    """The inputs at which something is recorded or watched in this cell."""
    function = cell.function
    recorded = [entry.witness(function) for entry in known if entry.verdict != Verdict.UNSUPPORTED]
    lines = [line for line in watch.lines(function, cell.backend) if (line.dtype, line.mode) == (cell.dtype, cell.mode)]
    watched = [line.inputs(function) for line in lines if line.input]
    return tuple({input_key(inputs): inputs for inputs in (*recorded, *watched)}.values())


def _shown(function: Function, finding: Finding) -> Row:
    judgement = finding.judgement
    given = {"input": hexadecimal(function, finding.inputs), "reason": judgement.reason}
    return given | _numbers(judgement.worst)


def _numbered(caught: dict[str, float]) -> dict[str, float | str]:
    return {argument: number(error) for argument, error in caught.items()}


def _numbers(entry: Entry | None) -> Row:
    if entry is None:
        return {"ratio": None}
    return {
        "entry": f"{entry.argument}{list(entry.index) if entry.index else ''}",
        "expected": entry.expected,
        "got": number(entry.got),
        "error": number(entry.error),
        "bound": number(entry.bound),
        # A relative error is no number of the unit in which those of backends are.
        "ratio": None if entry.is_relative else number(entry.ratio),
        "ulp": number(entry.ulp),
    }


def _digits_at(function: Function) -> Callable[[Inputs], Finding]:
    def examine(inputs: Inputs) -> Finding:
        with CLOCK.part("exact reference"):
            if reference_of(function).truth(inputs).kink is not None:
                return Finding(inputs, Judgement(Verdict.INCONCLUSIVE, "a kink"), out_of_range="a kink")
            agreement = hand_against_exact(function, inputs)
        off = 10.0**-agreement.digits
        entry = Entry(
            agreement.argument,
            agreement.index,
            agreement.difference,
            agreement.hand,
            off,
            10.0**-DIGITS,
            is_relative=True,
        )
        if agreement.holds:
            return Finding(inputs, Judgement(Verdict.VERIFIED, str(agreement), entry))
        verdict = Verdict.IMPRECISE if agreement.is_rounded else Verdict.WRONG
        return Finding(inputs, Judgement(verdict, agreement.reason, entry))

    return examine
