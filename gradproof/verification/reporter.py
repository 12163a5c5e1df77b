"""The reporting half of the suite as a pytest plugin: it gathers the rows of all processes, writes `--results`, tells a
failure once for each cause, and closes with the summary. A required backend that verified nothing fails the run
here."""

import re
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from gradproof import backends, content, registry
from gradproof.registry import Function
from gradproof.registry.names import meant
from gradproof.report.closing import summary
from gradproof.report.closing.coverage import coverage
from gradproof.report.closing.failures import Failed, by_cause, the_same
from gradproof.report.closing.screen import MOST_FAILURES, WIDTH, Closing
from gradproof.report.rows.comparison import Comparison, compare
from gradproof.report.rows.results import HOLDS, PROPERTY, SCRIPT, ResultsError, ResultsFile, Row, read
from gradproof.report.text import wrapped
from gradproof.verification import github
from gradproof.verification.legible import legible
from gradproof.verification.options import Options


class Reporter:
    """Lives in the process that talks to the terminal; under pytest-xdist that is the controller. `folder` is that of
    the run, and `words` are those of its -k."""

    def __init__(
        self,
        options: Options,
        is_selected: Callable[[Row], bool],
        functions: Callable[[], list[Function]],
        folder: Path | None = None,
        words: str = "",
    ) -> None:
        self.options, self.is_selected, self.functions = options, is_selected, functions
        self.folder, self.words = folder or Path.cwd(), words
        self.rows: list[Row] = []
        self.failed: dict[str, Failed] = {}
        self.scripts: dict[str, str] = {}
        self.page_problem = ""
        self.selects_nothing = False
        self.workers = 1
        self.before = self._read_baseline()
        self.file = ResultsFile(options.results) if options.results else None
        self.started = time.perf_counter()
        if self.file is not None:
            try:
                self.file.open()
            except OSError as error:
                raise pytest.UsageError(f"--results {options.results}: {error}") from error

    def _read_baseline(self) -> list[Row]:
        if self.options.baseline is None:
            return []
        try:
            return read(self.options.baseline)
        except (OSError, ResultsError) as error:
            raise pytest.UsageError(f"--baseline: {error}") from error

    def pytest_report_header(self) -> list[str]:
        found = []
        for name in self.options.backends:
            version = backends.installed_version(name)
            devices = [d for d in backends.DEVICES if backends.missing(name, d) is None]
            found.append(f"{name} {version} ({', '.join(devices)})" if version else f"{name} (not installed)")
        told = f"gradproof: {'; '.join(found)}; seed {self.options.seed}"
        return textwrap.wrap(told, WIDTH, subsequent_indent="  ", break_on_hyphens=False)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if hasattr(report, "node"):  # pytest-xdist's
            self.workers = report.node.workerinput["workercount"]
        # The teardown would bring the same rows once more.
        for name, given in report.user_properties if report.when == "call" else ():
            if name == PROPERTY:
                self.keep(given)
            elif name == SCRIPT:
                cell, script = given
                self.scripts[cell] = script
        if report.failed and (failed := Failed.of(report.nodeid, report.user_properties, report.longreprtext)):
            self.failed[report.nodeid] = failed

    def keep(self, row: Row) -> None:
        """Take a row into the summary and the results file."""
        self.rows.append(row)
        if self.file is not None:
            self.file.write(row)

    def died(self, row: Row, text: str) -> None:
        """Take the row of a test whose process died, and the text of its failure."""
        self.keep(row)
        function = row["function"]
        self.failed[row["test"]] = Failed(row["test"], row, text, function, "", function)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.file is not None:
            self.file.close()
        self.selects_nothing = session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
        self._write_page()
        if self._problems() and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _write_page(self) -> None:
        if self.options.report is None or not self.rows:
            return
        from gradproof.report.page import commands

        entries = {function.name: function for function in self.functions()}
        rows = summary.in_order(self.rows)
        try:
            commands.report(self.options.report, rows, entries, self.scripts, self.options.baseline)
        except OSError as error:
            self.page_problem = f"--report {self.options.report}: {error}"

    def _problems(self) -> list[str]:
        problems = [self._unmet(name) for name in self.options.required]
        if worse := self._compared().worse:
            are = "cell is" if len(worse) == 1 else "cells are"
            problems.append(f"{len(worse)} {are} worse than the baseline")
        if self.file is not None and self.file.problem:
            problems.append(self.file.problem)
        if self.options.report is not None and not self.rows:
            problems.append(f"--report {self.options.report}: nothing was verified, so there is no page")
        problems.append(self.page_problem)
        return [problem for problem in problems if problem]

    def _compared(self) -> Comparison:
        if self.options.baseline is None:
            return Comparison()
        return compare(self.before, self.rows, self.is_selected)

    def _unmet(self, required: str) -> str:
        backend, _, device = required.partition("-")
        rows = [r for r in self.rows if r["backend"] == backend and device in ("", r["device"])]
        if any(row["verdict"] in HOLDS for row in rows):
            return ""
        reasons = {row["reason"] for row in rows if row.get("reason")}
        why = "; ".join(sorted(reasons)) or backends.missing(backend, device or "cpu") or "no cell of it was selected"
        return f"--require {required}: nothing was verified on it: {why}"

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
        failed = terminalreporter.stats.get("failed", [])
        if failed:
            is_folded = terminalreporter.verbosity <= 0
            terminalreporter.stats["failed"] = self._shown(failed, is_folded, terminalreporter.config.rootpath)
        yield
        if failed:
            terminalreporter.stats["failed"] = failed  # all of them are counted

    def _shown(self, reports: list[pytest.TestReport], is_folded: bool, root: Path) -> list[pytest.TestReport]:
        """The reports of failed tests as they are printed. They are `is_folded` to one for each cause, which names the
        others; what the closing screen says whole, why an entry could not be run, is left to that."""
        causes = self._causes()
        texts = {test: one.text for test, one in self.failed.items()}
        if is_folded:
            left = {group[0].test for group in causes[:MOST_FAILURES] if group[0].is_a_line}
            texts = {group[0].test: _with_the_same(group) for group in causes if group[0].test not in left}
        is_own = bool(self.options.functions)
        shown = []
        for report in reports:
            if report.nodeid not in self.failed:
                shown.append(report)
            elif report.nodeid in texts:
                shown.append(legible(report, self.failed[report.nodeid], texts[report.nodeid], root, is_own))
        return shown

    def _causes(self) -> list[list[Failed]]:
        order = {id(row): number for number, row in enumerate(summary.in_order(self.rows))}
        return by_cause(sorted(self.failed.values(), key=lambda one: order.get(id(one.row), len(order))))

    def _helpers(self) -> list[Path]:
        paths = self.options.functions
        return registry.helpers(self.functions(), paths) if paths else []

    def _from_here(self, path: Path) -> str:
        """A path as short as it can be written in the folder of the run."""
        return str(path.relative_to(self.folder)) if path.is_relative_to(self.folder) else str(path)

    def closing(self) -> Closing:
        """What the run closes with."""
        return Closing(
            rows=summary.in_order(self.rows),
            failures=self._causes(),
            changes=self._compared().brief(),
            problems=self._problems(),
            seconds=time.perf_counter() - self.started,
            workers=self.workers,
            kept=self._from_here(self.options.results) if self.options.results else "",
            page=self._from_here(self.options.report) if self.options.report and not self.page_problem else "",
            paths=[self._from_here(path) for path in self.options.functions],
            helpers=[self._from_here(path) for path in self._helpers()],
        )

    def nothing_selected(self) -> str:
        """What a -k that selects nothing has probably meant; empty where there was none."""
        words = [word for word in re.findall(r"[\w.-]+", self.words) if word not in ("and", "or", "not")]
        if not words or not self.selects_nothing:
            return ""
        names = [function.name for function in self.functions()]
        tests = [word for path in content.VERIFICATION.glob("test_*.py") for word in (path.name, *_tests_in(path))]
        known = [*names, *backends.BACKENDS, *backends.DEVICES, *backends.DTYPES, *backends.MODES, *tests]
        lost = [word for word in words if not any(word.lower() in name for name in known)]
        parts = sorted({part for name in known for part in (name, *name.split("_"))})
        told = [f"no test has {word!r} in its name{meant(word.lower(), parts)}" for word in lost]
        known_alone = "each of its words is known, but no test that was selected otherwise has them as it asks"
        return f"-k {self.words!r} selects nothing: {'; '.join(told) or known_alone}"


def _with_the_same(group: Sequence[Failed]) -> str:
    """The text of the first failure of a cause, and where else it shows."""
    same = the_same(group).removeprefix("also ")
    also = textwrap.wrap(f"{same}; -v prints each", WIDTH - 14, break_on_hyphens=False) if same else []
    return "\n".join([group[0].text, *(f"  {'also' if i == 0 else '':12}{part}" for i, part in enumerate(also))])


def _tests_in(path: Path) -> list[str]:
    return re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M)


class Summary:
    """Prints what a run closes with, behind what pytest has to say of its failures."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        closing = self.reporter.closing()
        if not closing.rows and not closing.problems:
            if told := self.reporter.nothing_selected():
                for line in wrapped(told):
                    terminalreporter.write_line(line)
            return
        terminalreporter.write_sep("=", "what was verified")
        colour = terminalreporter.hasmarkup
        # Not a terminal has any width; pytest takes it for 80 columns.
        width = min(WIDTH, terminalreporter.screen_width) if terminalreporter.isatty else WIDTH
        for line in closing.lines(width, colour, brief=terminalreporter.verbosity < 0):
            terminalreporter.write_line(line)
        if terminalreporter.verbosity > 0:
            for line in self._tables():
                terminalreporter.write_line(line)
        for line in github.told(closing):
            terminalreporter.write_line(line)

    def _tables(self) -> Iterator[str]:
        reporter = self.reporter
        rows = summary.in_order(reporter.rows)
        tables = {
            "by backend, device, dtype and mode": summary.table(rows),
            "functions verified, by backend, dtype and mode": coverage(rows),
        }
        blocks = {
            "as recorded in known_divergences": summary.recorded(rows),
            "not all agree": summary.disagreements(rows),
            f"verified, but an error of {summary.STRONG:.0%} might have passed, at the worst input": summary.weak(rows),
            "skipped": summary.not_run(rows),
            **{f"since the baseline, {title}": lines for title, lines in reporter._compared().blocks().items()},
            "what fails the run beside the tests": reporter.closing().problems,
        }
        # Only what is no table can be broken into lines that fit.
        told = {title: [f"  {line}" for line in lines] for title, lines in tables.items()}
        told |= {title: [part for line in lines for part in _indented(line)] for title, lines in blocks.items()}
        for title, lines in told.items():
            if lines:
                yield from ("", f"{title}:", *lines)


def _indented(line: str) -> list[str]:
    return wrapped(line, "  " + " " * (len(line) - len(line.lstrip())))
