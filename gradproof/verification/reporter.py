"""The reporting half of the suite as a pytest plugin: it gathers the rows of all processes, writes `--results`, and
closes with the summary. A required backend that verified nothing fails the run here."""

import time
from collections.abc import Callable

import pytest

from gradproof import backends
from gradproof.registry import Function
from gradproof.report.closing import summary
from gradproof.report.closing.coverage import coverage
from gradproof.report.rows.comparison import Comparison, compare
from gradproof.report.rows.results import HOLDS, PROPERTY, SCRIPT, ResultsError, ResultsFile, Row, read
from gradproof.verification.options import Options


class Reporter:
    """Lives in the process that talks to the terminal; under pytest-xdist that is the controller."""

    def __init__(
        self, options: Options, is_selected: Callable[[Row], bool], functions: Callable[[], list[Function]]
    ) -> None:
        self.options, self.is_selected, self.functions = options, is_selected, functions
        self.rows: list[Row] = []
        self.scripts: dict[str, str] = {}
        self.page_problem = ""
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
        return [f"gradproof: {'; '.join(found)}; seed {self.options.seed}"]

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

    def keep(self, row: Row) -> None:
        """Take a row into the summary and the results file."""
        self.rows.append(row)
        if self.file is not None:
            self.file.write(row)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.file is not None:
            self.file.close()
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
        problems += [f"worse than the baseline: {line}" for line in self._compared().worse]
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

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        rows = summary.in_order(self.rows)
        if rows:
            terminalreporter.section("what was verified")
            for line in summary.table(rows):
                terminalreporter.write_line(line)
        whole = time.perf_counter() - self.started
        blocks = {
            "functions verified, by backend, dtype and mode": coverage(rows),
            "as recorded in known_divergences": summary.recorded(rows),
            "not all agree": summary.disagreements(rows),
            f"verified, but an error of {summary.STRONG:.0%} might have passed, at the worst input": summary.weak(rows),
            "not run": summary.not_run(rows),
            "where the time went": summary.seconds(rows, whole, self.workers),
            **{f"since the baseline, {title}": lines for title, lines in self._compared().blocks().items()},
            "what fails the run beside the tests": self._problems(),
        }
        for title, lines in blocks.items():
            if lines:
                terminalreporter.write_line("")
                terminalreporter.write_line(f"{title}:")
                for line in lines:
                    terminalreporter.write_line(f"  {line}")
