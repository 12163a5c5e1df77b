"""What the page of some results costs: its size, the seconds to make it, and in a headless Chromium the seconds until
it is there and until the first filter has been applied. `python -m benchmarks.page results.jsonl`, with `--scripts`
and the folder of `--reproduce`, as `--report` has them; with `--pictures docs/images --accuracy accuracy.jsonl` for the
pictures of the documentation instead."""

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gradproof.registry import load_builtin
from gradproof.report.page.accuracy import by_function, read_rows
from gradproof.report.page.commands import write
from gradproof.report.page.model import overview
from gradproof.report.page.render import Given, address_of, function_page, one_file, overview_page
from gradproof.report.rows.results import read
from gradproof.report.scripts.files import scripts_in

ARGUMENTS = ["--no-sandbox", "--disable-gpu"]

LONGEST = 300_000
"""So many milliseconds may pass until a page is there, on a machine that has other work."""

FILTER = """() => {
  const start = performance.now(), box = document.querySelector("select[name=verdict]");
  box.value = "wrong";
  box.dispatchEvent(new Event("change", { bubbles: true }));
  document.body.getBoundingClientRect();
  return (performance.now() - start) / 1000;
}"""


OPEN_FIRST = """() => {
  document.querySelectorAll("details.group").forEach((group, i) => { group.open = i === 0; });
}"""
OPEN_FIELD = """() => {
  document.querySelectorAll("details.group").forEach((group) => { group.open = false; });
  document.querySelector("details.field").open = true;
  document.getElementById("functions").scrollIntoView();
}"""
SHOW_ACCURACY = """() => { document.getElementById("accuracy").scrollIntoView(); }"""

PICTURES = {
    "overview": ("index.html", "light", 1180, OPEN_FIRST),
    "matrix": ("index.html", "dark", 820, OPEN_FIELD),
    "function": ("functions/exponential_of_sine.html", "light", 1640, "() => {}"),
    "accuracy": ("functions/hyperbolic_tangent.html", "light", 1000, SHOW_ACCURACY),
}
"""The pictures of the documentation: the page, its colours, its height, and what is unfolded."""


def measure(path: Path, scripts: Path | None) -> None:
    """Measure both pages of a results file."""
    rows, entries = read(path), {function.name: function for function in load_builtin()}
    given = Given(rows, entries, scripts_in(scripts, rows) if scripts else {})
    print(f"{path.name}: {len(rows)} rows, {len(given.scripts)} scripts")
    for name, make in (("one file", one_file), ("overview of a site", _overview)):
        start = time.perf_counter()
        text = make(given)
        made = time.perf_counter() - start
        size = len(text.encode()) / 1e6
        print(f"{name}: {size:.2f} MB, made in {made:.1f} s{_in_browser(text)}")


def _overview(given: Given) -> str:
    return overview_page(given, overview(given.rows, given.entries))


def picture(path: Path, folder: Path, accuracy: Path) -> None:
    """Take the pictures of the documentation of a results file and the rows of a sweep."""
    wanted = {Path(name).stem for name, *_ in PICTURES.values()}
    with tempfile.TemporaryDirectory() as site, _browser() as browser:
        rows, entries = read(path), {function.name: function for function in load_builtin()}
        given = Given(rows, entries, accuracy=read_rows(accuracy))
        spreads = by_function(given.accuracy)
        found = overview(rows, entries)
        write(Path(site) / "index.html", overview_page(given, found))
        for line in found.lines:
            if line.name in wanted:
                write(Path(site) / address_of(line.name, entries), function_page(given, line.name, [line], {}, spreads))
        for name, (address, scheme, height, unfold) in PICTURES.items():
            size = {"width": 1240, "height": height}
            page = browser.new_page(viewport=size, color_scheme=scheme, reduced_motion="reduce")
            page.goto((Path(site) / address).as_uri(), timeout=LONGEST)
            page.evaluate(unfold)
            page.screenshot(path=folder / f"{name}.png")


@contextmanager
def _browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


def _in_browser(text: str) -> str:
    with tempfile.TemporaryDirectory() as folder, _browser() as browser:
        path = Path(folder) / "page.html"
        write(path, text)
        page = browser.new_page()
        start = time.perf_counter()
        page.goto(path.as_uri(), timeout=LONGEST)
        there = time.perf_counter() - start
        filtered = page.evaluate(FILTER)
    return f"; there in {there:.2f} s, first filter applied in {filtered:.2f} s"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--scripts", type=Path, metavar="FOLDER")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER")
    parser.add_argument("--accuracy", type=Path, metavar="ROWS")
    asked = parser.parse_args()
    if asked.pictures is None:
        measure(asked.results, asked.scripts)
    else:
        picture(asked.results, asked.pictures, asked.accuracy)
