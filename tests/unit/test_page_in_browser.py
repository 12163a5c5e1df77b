"""The page in a real browser, headless: it complains of nothing, its filters filter, its cells open, its scripts are
copied as they were written, axe finds no barrier, in light and dark and on a phone, and without JavaScript it is all
there."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gradproof.registry import load_builtin
from gradproof.report.page.commands import page as write_site
from gradproof.report.page.findings import findings, report_text
from gradproof.report.page.render import Given, one_file
from gradproof.report.page.trend import Run
from gradproof.report.scripts.files import file_name
from tests.unit.made import NAMES
from tests.unit.test_page import HOSTILE, recorded, row, wrong

sync_api = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install -r requirements/browser.txt")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe: requirements/browser.txt")

expect = sync_api.expect

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync".split()
)
FIRST, SECOND, THIRD = NAMES["JX"], NAMES["AG"], NAMES["PT"]
SCRIPT = "# <b>a script</b> & its 'quotes'\nprint(\"x\")\n"
SCHEMES, WIDTHS = ("light", "dark"), (1240, 390)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


ROWS = [
    *[row(name, ratio=0.31, error=1e-16, bound=1e-15) for name in ("softmax", "hypotenuse", "weighted_sum_times_z")],
    row("softmax", backend=SECOND, dtype="float32", ratio=0.02, error=1e-9, bound=1e-7),
    row("softmax", "inconclusive", backend=SECOND, check="differences", reason="noise"),
    row("exponential_of_sine", "not run", backend=SECOND, reason="not installed"),
    row("sinc", "unsupported", backend=SECOND, reason="it raises"),
    wrong("reciprocal", mode="forward"),
    wrong("sine", verdict="imprecise", dtype="float32"),
    recorded("hypotenuse", "defect", "hypot-tie", mode="forward"),
    recorded("determinant", "defect", "det-of-singular", backend=THIRD),
    recorded("euclidean_norms", "trap", "norm-at-zero", backend=SECOND, got="nan", error="nan"),
    row("clipped", "convention", reason="a kink"),
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a site, a page of one file, and a page of hostile rows."""
    folder = tmp_path_factory.mktemp("pages")
    results, earlier, scripts = folder / "results.jsonl", folder / "earlier.jsonl", folder / "scripts"
    results.write_text("".join(json.dumps(r) + "\n" for r in ROWS))
    earlier.write_text("".join(json.dumps(r) + "\n" for r in [row("reciprocal", mode="forward"), *ROWS[:3]]))
    scripts.mkdir()
    (scripts / file_name(f"reciprocal-{FIRST}-cpu-float64-forward")).write_text(SCRIPT)
    write_site([results], load_builtin(), output=folder / "site", scripts=scripts, earlier=[earlier])
    given = Given(ROWS, {f.name: f for f in load_builtin()}, earlier=[Run("before", ROWS[:3])])
    (folder / "one.html").write_text(one_file(given), encoding="utf-8")
    bad = [row(HOSTILE), wrong(HOSTILE), wrong("f" * 300, reason="long " * 900), recorded(HOSTILE, HOSTILE, HOSTILE)]
    text = one_file(Given(bad, {}))
    (folder / "hostile.html").write_text(text, encoding="utf-8", errors="backslashreplace")
    return folder


class Opened:
    """A page in a context of its own, and what it complained of or asked for."""

    def __init__(self, browser: Any, path: Path, address: str = "", **options: Any) -> None:
        self.context = browser.new_context(**({"viewport": {"width": 1240, "height": 900}} | options))
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.goto(f"{path.as_uri()}{address}")

    def _asked(self, url: str) -> None:
        if not url.startswith(("file:", "data:")):
            self.complaints.append(f"asked for {url}")

    def shown(self) -> list[str]:
        """The functions whose rows are not filtered out."""
        return self.page.eval_on_selector_all(
            ".matrix tbody tr", "rows => rows.filter(r => !r.hidden).map(r => r.cells[0].textContent)"
        )


@pytest.fixture
def opened(browser: Any, written: Path) -> Iterator[Any]:
    """Opens pages, and closes them; none may have complained."""
    pages: list[Opened] = []

    def open_page(name: str, address: str = "", **options: Any) -> Opened:
        pages.append(Opened(browser, written / name, address, **options))
        return pages[-1]

    yield open_page
    for one in pages:
        one.context.close()
    assert [complaint for one in pages for complaint in one.complaints] == []


PAGES = ["site/index.html", "one.html", "hostile.html", "site/functions/exponential_of_sine.html"]


@pytest.mark.parametrize("name", PAGES, ids=["overview", "one file", "hostile", "function"])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing(opened: Any, name: str, scheme: str, width: int) -> None:
    one = opened(name, color_scheme=scheme, viewport={"width": width, "height": 800})
    one.page.evaluate(
        "document.querySelectorAll('details').forEach(d => { d.removeAttribute('name'); d.open = true; })"
    )
    found = axe.Axe().run(one.page)
    assert found.violations_count == 0, found.generate_report()
    # Nothing sticks out of the page to the side: what is wide scrolls in a place of its own.
    assert one.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", PAGES, ids=["overview", "one file", "hostile", "function"])
def test_on_paper_it_is_white_and_unfolded_and_has_nothing_to_press(opened: Any, name: str) -> None:
    one = opened(name, color_scheme="dark", viewport={"width": 720, "height": 1000})
    one.page.emulate_media(media="print", color_scheme="dark")
    assert one.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert axe.Axe().run(one.page, options={"runOnly": ["color-contrast"]}).violations_count == 0
    pressed = ".top, .filters, button, details:not([open]) > summary:not(:first-child)"
    assert not any(each.is_visible() for each in one.page.locator(pressed).all())
    # Everything but what is there to be copied, which only a person who unfolds it wants.
    folded = one.page.locator("details:not([open]) > :not(summary)").all()
    assert folded
    for each in folded:
        is_copied = each.evaluate("e => Boolean(e.closest('.inner')?.querySelector('.copied'))")
        is_empty = not each.evaluate("e => e.textContent.trim() || e.querySelector('svg')")
        assert each.is_visible() != (is_copied or is_empty)
    assert one.page.evaluate("document.documentElement.scrollWidth") <= 720


def test_on_paper_a_link_to_elsewhere_says_where(opened: Any) -> None:
    one = opened("site/index.html")
    one.page.emulate_media(media="print")
    link = one.page.locator(".facts a[href^=http]").first
    told = link.evaluate("e => getComputedStyle(e, '::after').content")
    assert link.get_attribute("href") in told
    one.page.emulate_media(media="screen")
    assert link.evaluate("e => getComputedStyle(e, '::after').content") == "none"


def test_axe_would_find_a_picture_without_words(opened: Any) -> None:
    one = opened("site/index.html")
    one.page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<svg role=img></svg>')")
    assert axe.Axe().run(one.page).violations_count == 1


def test_filters_filter_and_can_be_linked_to(opened: Any) -> None:
    one = opened("site/index.html")
    everything = one.shown()
    assert len(everything) == len({r["function"] for r in ROWS})
    one.page.select_option("select[name=verdict]", "wrong")
    assert sorted(one.shown()) == ["determinant", "euclidean_norms", "hypotenuse", "reciprocal"]
    one.page.select_option("select[name=backend]", FIRST)
    assert sorted(one.shown()) == ["hypotenuse", "reciprocal"]
    assert one.page.inner_text("#shown") == f"2 of {len(everything)} functions"
    assert f"verdict=wrong&backend={FIRST}" in one.page.url or f"backend={FIRST}&verdict=wrong" in one.page.url
    again = opened("site/index.html", one.page.url.partition("index.html")[2])
    assert sorted(again.shown()) == ["hypotenuse", "reciprocal"]
    one.page.click("button[type=reset]")
    expect(one.page.locator("#shown")).to_have_text(f"{len(everything)} of {len(everything)} functions")
    assert one.shown() == everything


def test_a_mode_changes_what_a_cell_says(opened: Any) -> None:
    one = opened("site/index.html")

    def said() -> str:
        return one.page.eval_on_selector(
            ".matrix",
            "() => [...document.querySelectorAll('.matrix tr')].find(r => r.textContent.startsWith('hypotenuse'))"
            ".querySelector('td[class]:not([class=\"\"])').textContent",
        )

    assert said() == "✕ wrong, recorded"
    one.page.select_option("select[name=mode]", "reverse")
    assert said() == ".31"
    one.page.select_option("select[name=mode]", "")
    assert said() == "✕ wrong, recorded"


def test_search_finds_functions_backends_and_findings(opened: Any) -> None:
    one = opened("site/index.html")
    one.page.keyboard.press("/")
    one.page.keyboard.type("softm")
    expect(one.page.locator("#shown")).to_contain_text("1 of")
    assert one.shown() == ["softmax"] and "q=softm" in one.page.url
    assert one.page.locator(".finding:visible").count() == 0
    one.page.fill("#q", "hypot tie")
    expect(one.page.locator("#shown")).to_contain_text("0 of")
    assert one.page.locator(".finding:not([hidden])").count() == 1


def test_a_cell_opens_and_can_be_linked_to(opened: Any) -> None:
    one = opened("site/index.html")
    one.page.evaluate("document.querySelectorAll('details.field').forEach(d => { d.open = true; })")
    one.page.locator("tr", has=one.page.locator("a", has_text="hypotenuse")).locator("td.w").first.click()
    one.page.wait_for_url("**/functions/hypotenuse.html")
    cell = f"hypotenuse-{FIRST}-cpu-float64-forward"
    assert "wrong, recorded" in (one.page.text_content(f"#{cell}") or "")
    linked = opened("one.html", f"#{cell}")
    assert linked.page.locator(f"#{cell}").is_visible()


def test_the_script_that_is_copied_is_the_one_that_was_written(opened: Any) -> None:
    name = f"reciprocal-{FIRST}-cpu-float64-forward"
    one = opened("site/index.html", permissions=["clipboard-read", "clipboard-write"])
    finding = one.page.locator(".finding", has_text="reciprocal").first
    finding.locator("> summary").click()
    inner = finding.locator("details.inner", has_text="standalone script")
    inner.locator("summary").click()
    button = inner.locator("button", has_text="Copy the script")
    button.click()
    expect(inner.locator("button", has_text="Copied")).to_have_count(1)
    assert one.page.evaluate("navigator.clipboard.readText()") == SCRIPT
    expect(button).to_have_count(1, timeout=10_000)
    inner.locator("button", has_text="Copy the report").click()
    expect(inner.locator("button", has_text="Copied")).to_have_count(1)
    entries = {f.name: f for f in load_builtin()}
    [told] = [f for f in findings(ROWS, entries, {name: SCRIPT}) if f.title == "reciprocal"]
    assert one.page.evaluate("navigator.clipboard.readText()") == report_text(told)


def test_the_keyboard_opens_a_finding(opened: Any) -> None:
    one = opened("site/index.html")
    one.page.locator(".finding > summary").first.focus()
    one.page.keyboard.press("Enter")
    assert one.page.locator(".finding").first.get_attribute("open") is not None


@pytest.mark.parametrize("name", ["site/index.html", "site/functions/exponential_of_sine.html"])
def test_all_of_it_is_there_without_javascript(opened: Any, name: str) -> None:
    one = opened(name, java_script_enabled=False)
    assert one.page.locator("form.filters").count() == 0 or not one.page.locator("form.filters").is_visible()
    one.page.locator("summary").first.click()
    assert one.page.locator("table, svg").count() > 0
    assert not one.page.locator("button.copy").first.is_visible()


def test_a_link_into_a_folded_finding_opens_it(opened: Any) -> None:
    one = opened("site/index.html", f"#finding-{FIRST}-hypot-tie")
    assert one.page.locator(f"#finding-{FIRST}-hypot-tie .reason").is_visible()
