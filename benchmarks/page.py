"""What the page of some results costs: its size, the seconds to make it, and in a headless Chromium the seconds until
it is there and until the first filter has been applied. `python -m benchmarks.page results.jsonl`."""

import shutil
import sys
import tempfile
import time
from pathlib import Path

from gradproof.registry import load_builtin
from gradproof.report.page.model import overview
from gradproof.report.page.render import Given, one_file, overview_page
from gradproof.report.rows.results import read

ARGUMENTS = ["--no-sandbox", "--disable-gpu"]
FILTER = """() => {
  const start = performance.now(), box = document.querySelector("select[name=verdict]");
  box.value = "wrong";
  box.dispatchEvent(new Event("change", { bubbles: true }));
  document.body.getBoundingClientRect();
  return (performance.now() - start) / 1000;
}"""


def main(path: Path) -> None:
    """Measure both pages of a results file."""
    rows, entries = read(path), {function.name: function for function in load_builtin()}
    print(f"{path.name}: {len(rows)} rows")
    for name, make in (("one file", one_file), ("overview of a site", _overview)):
        start = time.perf_counter()
        text = make(Given(rows, entries))
        made = time.perf_counter() - start
        size = len(text.encode()) / 1e6
        print(f"{name}: {size:.2f} MB, made in {made:.1f} s{_in_browser(text)}")


def _overview(given: Given) -> str:
    return overview_page(given, overview(given.rows, given.entries))


def _in_browser(text: str) -> str:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        return "; no browser to open it"
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page_path = Path(folder) / "page.html"
        page_path.write_text(text, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_page()
        start = time.perf_counter()
        page.goto(page_path.as_uri())
        there = time.perf_counter() - start
        filtered = page.evaluate(FILTER)
        browser.close()
    return f"; there in {there:.2f} s, first filter applied in {filtered:.2f} s"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
