"""The page: what it counts and in which order it tells it, that nothing hostile gets through, and that it is one file
without anything from elsewhere."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markupsafe import Markup, escape

from gradproof.oracles.tape.namespace import record
from gradproof.registry import Function, load_builtin
from gradproof.report.outcome import Unusable
from gradproof.report.page.accuracy import by_function, read_rows
from gradproof.report.page.badge import badge
from gradproof.report.page.charts import TOP
from gradproof.report.page.commands import page
from gradproof.report.page.computation import Undrawn, graph_of
from gradproof.report.page.curves import NotDrawn, difference_chart, function_chart, place_of
from gradproof.report.page.findings import decimal, facts, findings, report_text
from gradproof.report.page.formulas import typeset
from gradproof.report.page.graphs import Layout, drawn
from gradproof.report.page.model import Overview, overview
from gradproof.report.page.names import slug, visible
from gradproof.report.page.notebook import picture
from gradproof.report.page.profiles import profiles_of
from gradproof.report.page.render import Given, compact, headline, one_file, prose
from gradproof.report.page.trend import Run
from gradproof.report.rows.results import DERIVATION, IMPLEMENTATION, ResultsError, Row, new_row
from gradproof.verification import command
from tests.unit.made import NAMES, at, builtin, entry, needs, registered

FIRST = NAMES["JX"]
HOSTILE = (
    "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>\x1b[31mred\x1b[0m \u202egnorw\u202c שלום\ud800"
)


def row(function: str = "softmax", verdict: str = "verified", backend: str = FIRST, **given: Any) -> Row:
    cell = {"function": function, "backend": backend, "device": "cpu", "dtype": "float64", "mode": "reverse"}
    cell |= {name: given.pop(name) for name in ("dtype", "mode") if name in given}
    made = new_row(cell, given.pop("check", "exact"), verdict, "test", {backend: "1.0", "numpy": "2.0"})
    return made | given


def wrong(function: str = "softmax", **given: Any) -> Row:
    numbers = {"entry": "x[0]", "expected": "1.5", "got": 2.0, "error": 0.5, "bound": 1e-3, "ratio": 500.0, "ulp": 9.0}
    shown = {
        "input": {"x": ["0x1.8p+0", "-0x1p-1"]},
        "reason": "off by more than √u (half the digits) of the largest true entry",
    }
    return row(function, "wrong", **numbers, **shown) | given


def recorded(function: str, kind: str, cause: str, **given: Any) -> Row:
    return wrong(function) | {"known": 1, "kind": kind, "cause": cause} | given


class Reader(HTMLParser):
    """What a browser would make of a page, as far as a test needs it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.data: dict[str, str] = {}
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"
        tag, given = self.tags[-1] if self.tags else ("", {})
        if tag == "script" and given.get("id"):
            self.data[given["id"] or ""] = data


def made(*rows: Row, **given: Any) -> str:
    return one_file(Given(list(rows), {}, **given))


# What is counted, and what comes first


def of(*rows: Row) -> Overview:
    return overview(list(rows), {})


def test_functions_are_counted_and_not_the_cells_that_watch_one_divergence() -> None:
    modes = ("reverse", "forward", "compiled", "vectorized")
    watched = [recorded("hypot", "defect", "hypot-tie") | {"mode": mode} for mode in modes]
    total = of(row("softmax"), *watched).totals[0]
    assert (total.right, total.recorded, total.failing, total.causes) == (1, 1, 0, {"defect": 1})


def test_a_failure_that_nobody_recorded_is_the_headline() -> None:
    assert headline(of(row(), row("sine", "inconclusive"))) == "Every gradient that was judged is right"
    assert headline(of(row("sine", "not run"))) == "Nothing was verified on a backend"
    assert headline(of(row(), recorded("hypot", "trap", "a"))) == "Nothing new: every deviation is recorded"
    assert headline(of(row(), wrong("hypot"))) == f"hypot fails on {FIRST}"
    assert headline(of(row(), row("typo", "not run", fails=True, reason="x"))) == "typo could not be verified"
    assert "1 failing" in badge(of(row(), wrong("hypot"))) and "agree everywhere" in badge(of(row()))


def test_a_recorded_cell_beside_a_new_failure_is_not_shown_as_recorded() -> None:
    cells = of(recorded("hypot", "trap", "a"), wrong("hypot", mode="forward")).lines[0].cells
    assert [cell.is_known for cell in cells.values()] == [False]


def test_findings_stand_by_gravity_and_new_ones_first() -> None:
    rows = [
        recorded("a", "range", "far"),
        recorded("b", "defect", "two", known=3),
        recorded("c", "trap", "nan"),
        wrong("d", verdict="imprecise"),
        wrong("e", error="nan"),
    ]
    told = findings(rows, {}, {})
    assert [(f.is_new, f.kind) for f in told] == [
        (True, "trap"),
        (True, "precision"),
        (False, "defect"),
        (False, "trap"),
        (False, "range"),
    ]


def test_a_wrong_number_stands_before_another_dtype() -> None:
    without = [recorded(name, "defect", "widens", error=None) for name in ("a", "b")]
    told = findings([*without, recorded("c", "defect", "sign")], {}, {})
    assert [finding.title for finding in told] == ["sign", "widens"]


def test_a_finding_shows_its_smallest_input_and_its_script() -> None:
    long = recorded("a", "defect", "one", input={"x": ["0x1p+0"] * 9}, mode="forward")
    short = recorded("b", "defect", "one")
    [finding] = findings([long, short], {}, {f"b-{FIRST}-cpu-float64-reverse": "print(1)\n"})
    assert finding.shown is short and finding.script == "print(1)\n" and finding.functions == ["a", "b"]
    assert facts(short)[:3] == [("at x", "[1.5, -0.5]"), ("expected for x[0]", "1.5"), ("got", "2.0")]
    text = report_text(finding)
    assert "```python\nprint(1)\n```" in text and "`[1.5, -0.5]`" in text and f"{FIRST} 1.0" in text
    # Where one row alone has a script, that is the one to show.
    [finding] = findings([long, short], {}, {f"a-{FIRST}-cpu-float64-forward": "print(2)\n"})
    assert finding.shown is long


def test_a_recorded_cause_says_what_is_recorded() -> None:
    [finding] = findings([recorded("hypotenuse", "defect", "hypot-tie")], {}, {})
    assert "share their slopes" in finding.reason and finding.recorded and finding.issue == ""
    assert finding.thread == "not searched for" or finding.thread.startswith("none found (searched ")


def test_since_when_reaches_back_without_a_gap() -> None:
    def at(version: str) -> list[Row]:
        return [recorded("a", "defect", "one", versions={FIRST: version})]

    for earlier, since in (([at("1"), at("2")], "1"), ([at("1"), [row("a")], at("3")], "3"), ([at("1"), [row()]], "")):
        assert findings(at("4"), {}, {}, earlier)[0].since == since


def test_what_got_better_and_worse_and_the_runs_are_shown() -> None:
    text = made(wrong("a"), row("b"), earlier=[Run("monday", [row("a"), wrong("b")])])
    assert "1 of 2 cells got worse, 1 better" in text and "newly wrong" in text and "monday" in text


# What is nobody's but the author's


def own_code() -> tuple[Function, list[Row]]:
    """A person's function with a derivation and an implementation that are wrong, and the rows of it."""
    mine = entry(lambda xp, x: x * x, lambda xp, x: 3 * x, x=())
    mine.name = "mine"
    mine.implementation(FIRST)(lambda x: 1.01 * x * x)
    rows = [
        wrong("mine", backend="hand", check="hand", dtype="exact"),
        wrong("mine", backend=NAMES["NP"], at_fault=DERIVATION),
        wrong("mine", backend=FIRST, at_fault=IMPLEMENTATION),
    ]
    return mine, rows


def test_a_slip_of_one_s_own_is_no_finding_against_a_library() -> None:
    mine, rows = own_code()
    derivation, implementation = findings(rows, {"mine": mine}, {})
    assert [f.who for f in (derivation, implementation)] == ["your derivation", f"your implementation for {FIRST}"]
    assert len(derivation.rows) == 2 and derivation.shown is rows[0]
    # A derivation has no bound and no dtype; its error is told as what it is.
    told = dict(facts(rows[0]))["error"]
    assert told.endswith(", relative") and "bound" not in told and "exact" not in derivation.dtypes
    assert derivation.where.startswith("test_page.py:") and implementation.where.startswith("test_page.py:")
    text = one_file(Given(rows, {"mine": mine}))
    assert "A report to paste" not in text and "not searched for" not in text and "yours" in text
    assert ">The derivation of mine is wrong; the implementation of mine is wrong<" in text
    assert "1 in the function&#39;s own code" in text or "1 in the function's own code" in text
    assert not re.search(r"✕ \d new", text)
    # A library that gets such a function wrong is told of as ever.
    theirs = findings([wrong("mine", backend=NAMES["AG"])], {"mine": mine}, {})
    assert [f.who for f in theirs] == [NAMES["AG"]] and theirs[0].is_upstream


def test_a_wrong_derivation_of_the_registry_is_not_called_yours() -> None:
    mine, rows = own_code()
    [finding] = findings(rows[:1], {"mine": builtin(mine)}, {})
    assert finding.who == "derivation" and not finding.is_upstream


# What is hostile


def hostile_page() -> str:
    rows = [
        row(HOSTILE),
        wrong(HOSTILE, reason=HOSTILE, expected=HOSTILE, entry=HOSTILE, input={HOSTILE: [HOSTILE]}),
        recorded(HOSTILE, "defect", HOSTILE, backend=HOSTILE, mode=HOSTILE, versions={HOSTILE: HOSTILE}),
        wrong("f" * 300, reason="very long " * 3000, input={"x": ["0x1p+0"] * 5000}),
    ]
    return made(*rows, scripts={f"{'f' * 300}-{FIRST}-cpu-float64-reverse": f"# {HOSTILE[:80]}\n"})


def test_nothing_hostile_gets_through() -> None:
    text = hostile_page()
    reader = Reader(text)
    assert not [tag for tag, _ in reader.tags if tag == "img"]
    assert not [name for _, given in reader.tags for name in given if name.startswith("on")]
    assert sum(tag == "script" for tag, _ in reader.tags) == 2
    assert len(json.loads(reader.data["data"])["lines"]) == 2
    assert "\\u202egnorw" in text and "\\x1b[31m" in text
    text.encode("utf-8", "backslashreplace")


def test_what_is_planted_would_be_seen() -> None:
    reader = Reader("<p>" + HOSTILE)
    assert [tag for tag, _ in reader.tags if tag == "img"]


def test_very_long_names_and_inputs_are_kept_short() -> None:
    assert len(slug("f" * 300)) < 120 and slug("f" * 300) != slug("f" * 301)
    text = made(wrong("a", input={"x": ["0x1p+0"] * 5000}))
    assert "5000 numbers in all" in text and len(text) < 100_000


def test_ids_are_unique_and_links_lead_somewhere() -> None:
    rows = [row(), wrong(mode="forward"), recorded("hypotenuse", "defect", "hypot-tie"), row(HOSTILE)]
    reader = Reader(made(*rows))
    ids = [given["id"] for _, given in reader.tags if given.get("id")]
    assert len(ids) == len({*ids})
    targets = {given["href"][1:] for tag, given in reader.tags if tag == "a" and given["href"][0] == "#"}
    assert targets <= {*ids}
    assert f"softmax-{FIRST}-cpu-float64-forward" in ids


def test_nothing_comes_from_elsewhere() -> None:
    reader = Reader(made(row(), wrong("hypot"), recorded("hypotenuse", "defect", "hypot-tie")))
    assert not [given for _, given in reader.tags if "src" in given]
    links = [given["href"] for tag, given in reader.tags if tag == "link"]
    assert all(link.startswith("data:") for link in links)
    issues = [given["href"] for tag, given in reader.tags if tag == "a" and given["href"][0] != "#"]
    assert all(link.startswith("https://github.com/") for link in issues)


def test_an_issue_that_is_no_address_is_no_link() -> None:
    assert "javascript:" not in made(recorded("a", "defect", "x", issue="javascript:alert(1)"))


def test_text_stays_as_it_is_where_all_of_it_can_be_seen() -> None:
    assert visible("f(x) = Σ √x₁²\n\t‖x‖") == "f(x) = Σ √x₁²\n\t‖x‖"
    assert visible("a\x1b[0m\u202eb\ud800") == "a\\x1b[0m\\u202eb\\ud800"
    assert decimal(["0x1.8p+0", "nan", ["-inf"], "rubbish"]) == "[1.5, nan, [-inf], rubbish]"


def test_a_word_of_code_in_a_paragraph_is_set_as_such_and_nothing_else_is() -> None:
    assert prose("`softmax` of <b> and a ` alone") == "<code>softmax</code> of &lt;b&gt; and a ` alone"


def test_what_is_left_out_of_the_markup_says_nothing() -> None:
    given = [("class", "w k"), ("id", "a-b"), ("title", HOSTILE), ("lang", "/"), ("alt", "a=b"), ("dir", "")]
    attributes = Markup(" ").join(Markup('{}="{}"').format(name, value) for name, value in given)
    row = Markup("<tr><td {}>{}</td>\n<td>2</td></tr>\n").format(attributes, 'x="y" </td>')
    markup = row + Markup('<svg><circle r="4"/></svg><ul><li>1</li>\n<li lang="de">2</li></ul>')
    short = compact(markup)
    assert len(short) < len(markup) and '<circle r="4"/>' in short and "lang=de" in short
    before, after = Reader(markup), Reader(short)
    assert after.tags == before.tags and after.text.split() == before.text.split()


# What a file may be


def test_a_file_that_is_empty_or_cut_off_is_told(tmp_path: Path) -> None:
    empty, cut = tmp_path / "empty.jsonl", tmp_path / "cut.jsonl"
    empty.touch()
    cut.write_text(json.dumps(row()) + "\n" + json.dumps(row())[:40])
    for path, told in ((empty, "is empty"), (cut, "is cut off in line 2")):
        with pytest.raises(ResultsError, match=told):
            page([path], [], output=tmp_path / "site")
    assert not (tmp_path / "site").exists()
    # What can be used beside it makes a page, and the command fails.
    good = tmp_path / "good.jsonl"
    good.write_text(json.dumps(row()) + "\n")
    outcome = page([empty, good], [], output=tmp_path / "site", earlier=[cut, good])
    assert outcome.status == 2 and [line.split(":")[0] for line in outcome.problems] == ["unusable", "unusable"]
    assert "softmax" in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


def test_a_file_of_an_older_version_is_read(tmp_path: Path) -> None:
    old = wrong("hypotenuse")
    for name in ("expected", "got", "entry", "tf32", "caught", "reason"):
        old.pop(name, None)
    path = tmp_path / "old.jsonl"
    path.write_text(json.dumps(old) + "\n")
    outcome = page([path], load_builtin(), output=tmp_path / "site")
    assert "1 function, 1 cell" in outcome.text
    assert "500 times its bound" in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


# Formulas


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("x / 2", "<mfrac><mrow><mi>x</mi></mrow><mrow><mn>2</mn></mrow></mfrac>"),
        ("2n/3", "<mfrac><mrow><mn>2</mn><mi>n</mi></mrow><mrow><mn>3</mn></mrow></mfrac>"),
        ("(a + b) / (c - d)", "<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mrow><mi>c</mi>"),
        ("x²", "<msup><mi>x</mi><mrow><mn>2</mn></mrow></msup>"),
        ("Σᵢ xᵢ", "<munder><mo>∑</mo><mrow><mi>i</mi></mrow></munder>"),
        ("e^(-a t)", "<msup><mi>e</mi><mrow><mo>−</mo><mi>a</mi>"),
        ("√(v + ε)", "<msqrt><mi>v</mi><mo>+</mo><mi>ε</mi></msqrt>"),
        ("x̄", '<mover accent="true"><mi>x</mi><mo>¯</mo></mover>'),
        ("K_o,c", "<msub><mi>K</mi><mrow><mi>o</mi><mo>,</mo><mi>c</mi></mrow></msub>"),
        ("½ x", "<mfrac><mn>1</mn><mn>2</mn></mfrac>"),
    ],
)
def test_a_formula_is_typeset(line: str, told: str) -> None:
    assert told in typeset(line)


@pytest.mark.parametrize("line", ["f(x) / g(x)", "eˣ / Σ eˣ", "a / 2n", "sin(x)/x"])
def test_no_fraction_is_made_where_another_reading_is_possible(line: str) -> None:
    assert "<mfrac>" not in typeset(line)


@pytest.mark.parametrize("line", ["f(x", "x)", "שלום", "\x1b[0m", "√", "x^", "<b>(", "(]"])
def test_what_is_no_formula_stays_text(line: str) -> None:
    assert "<math" not in typeset(line) and "<b>" not in typeset(line)


def test_every_formula_of_the_registry_is_typeset_and_well_formed() -> None:
    for function in load_builtin():
        text = typeset(function.formula)
        assert "<math" in text, function.name
        opened = re.findall(r"<(\w+)", text)
        assert sorted(opened) == sorted(re.findall(r"</(\w+)", text)), function.name


# A run


WRONG = '''
from gradproof import Reals, function


@function(x=Reals((2,)), points=[dict(x=[1.0, -0.5])])
def doubled(xp, x):
    """f(x) = Σ 2x <script>alert("f")</script>"""
    return xp.sum(2 * x)


@doubled.gradient
def _(xp, x):
    return 2 * xp.ones_like(x)


@doubled.implementation("autograd")
def _(x):
    import autograd.numpy as np

    return np.sum(2.5 * x)
'''


def test_a_run_writes_one_file_that_shows_the_script_which_it_wrote(tmp_path: Path) -> None:
    needs(NAMES["AG"])
    (tmp_path / "mine.py").write_text(WRONG, encoding="utf-8")
    page_path, scripts = tmp_path / "page.html", tmp_path / "scripts"
    asked = ["--backend=autograd", "--mode=reverse", "--dtype=float64", "-q", "-p", "no:cacheprovider"]
    status = command.verify([str(tmp_path / "mine.py"), f"--report={page_path}", f"--reproduce={scripts}", *asked])
    assert status == 1
    text = page_path.read_text(encoding="utf-8")
    [script] = scripts.glob("*.py")
    assert text.count(str(escape(script.read_text(encoding="utf-8").rstrip()))) == 1
    assert "The implementation of doubled is wrong" in text and "<script>alert" not in text


HOSTILE_FILE = '''
from gradproof import Reals, function


@function(x=Reals((2,)), points=[dict(x=[1.0, -0.5])])
def NAME(xp, x):
    """f(x) = Σ 2x </script><img src=x onerror=alert(1)> "quoted' \\x1b[31mred \\u202egnorw שלום"""
    return xp.sum(2 * x)


@NAME.gradient
def _(xp, x):
    return 2 * xp.ones_like(x)


@NAME.implementation("autograd")
def _(x):
    raise ValueError("</script><img src=x onerror=alert(1)> \\x1b[31mred \\u202egnorw " + "long " * 3000)


@NAME.implementation("numpy")
def _(x):
    return 2.5 * x.sum()
'''


def test_a_hostile_file_breaks_neither_page_nor_rows_nor_scripts_nor_terminal(tmp_path: Path) -> None:
    needs(NAMES["AG"])
    (tmp_path / "mine.py").write_text(HOSTILE_FILE.replace("NAME", "f" * 300), encoding="utf-8")
    asked = "--backend=numpy,autograd --mode=reverse --dtype=float64 -q -p no:cacheprovider --report=page.html"
    given = [sys.executable, "-m", "gradproof", "verify", "mine.py", *asked.split(), "--results=r", "--reproduce=s"]
    run = subprocess.run(given, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 1 and "\x1b" not in run.stdout + run.stderr
    assert {json.loads(line)["verdict"] for line in (tmp_path / "r").read_text().splitlines()} >= {"wrong"}
    scripts = [*(tmp_path / "s").iterdir()]
    assert scripts
    for script in scripts:
        compile(script.read_text(encoding="utf-8"), script.name, "exec")
    reader = Reader((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert not [tag for tag, _ in reader.tags if tag == "img"] and json.loads(reader.data["data"])["lines"]


# The page of a function


def test_the_graph_has_the_numbers_of_the_notebook() -> None:
    function = registered("weighted_sum_times_z")
    graph = graph_of(function, function.points[0])
    assert [(n.label, n.value, n.slope) for n in graph.nodes] == [
        ("x", "1", "6"),
        ("y", "2", "3"),
        ("z", "3", "4"),
        ("2 ×", "2", "3"),
        ("+", "4", "3"),
        ("×", "12", "1"),
    ]
    assert [(e.source, e.target, e.slope) for e in graph.edges] == [
        (0, 3, "6"),
        (3, 4, "3"),
        (1, 4, "3"),
        (4, 5, "3"),
        (2, 5, "4"),
    ]
    assert graph.nodes[-1].is_output and drawn(graph, "<told>").count("&lt;told&gt;") == 1


def test_what_comes_back_along_two_edges_adds_up_to_the_slope() -> None:
    function = registered("exponential_of_sine")
    graph = graph_of(function, at(1.0))
    back = [float(e.slope.replace("−", "-")) for e in graph.edges if e.source == 0]
    assert len(back) == 2 and sum(back) == pytest.approx(float(graph.nodes[0].slope), rel=1e-3)
    exact = 10 * np.exp(np.sin(1.0)) * np.cos(1.0) - 2 * np.cos(1.0) * np.sin(1.0)
    assert float(graph.nodes[0].slope) == pytest.approx(exact, rel=1e-3)


def test_no_nodes_of_a_layer_lie_upon_one_another() -> None:
    for function in load_builtin()[::9]:
        try:
            layout = Layout(graph_of(function, function.points[0]))
        except (Undrawn, IndexError):
            continue
        assert len({*layout.at.values()}) == len(layout.at), function.name
        assert all(layout.layer[e.source] < layout.layer[e.target] for e in layout.graph.edges)


def test_a_graph_that_nobody_could_read_is_refused_with_the_reason() -> None:
    chain = entry(lambda xp, x: sum((xp.sin(x * k) for k in range(1, 40)), x), x=())
    with pytest.raises(Undrawn, match="too many"):
        graph_of(chain, at(1.0))
    with pytest.raises(Undrawn, match="does not depend"):
        graph_of(entry(lambda xp, x: xp.sum(xp.floor(x)) * 0.0 + 1.0, x=()), at(1.5))


def test_the_best_step_is_that_of_theory_and_differences_miss_the_bound() -> None:
    cube = entry(lambda xp, x: x**3, lambda xp, x: (3 * x**2,), x=())
    cube.points = [at(2.0)]
    chart = difference_chart(place_of(cube))
    best = chart.spots[0]
    # f = 8, f''' = 6: h = (3 u 8 / 6)^(1/3).
    assert best.x == pytest.approx((3 * 2.0**-53 * 8 / 6) ** (1 / 3))
    bound = chart.levels[0].at
    assert 2.0**-53 < bound < 1e-14 and min(y for _, y in chart.lines[0].points if y > 0) > bound


def test_kinks_are_found_where_the_slope_jumps_and_nowhere_else() -> None:
    def kinks(body: Any, hand: Any) -> list[float]:
        made_function = entry(body, hand, x=())
        made_function.points = [at(0.25)]
        chart = function_chart(place_of(made_function), [])
        return [level.at for level in chart.levels if level.label == "kink"]

    assert kinks(lambda xp, x: xp.abs(x - 1.0), lambda xp, x: (xp.sign(x - 1.0),)) == [1.0]
    assert kinks(lambda xp, x: xp.tanh(20 * x), lambda xp, x: (20 * (1 - xp.tanh(20 * x) ** 2),)) == []


def test_a_function_without_an_exact_difference_there_says_so() -> None:
    made_function = entry(lambda xp, x: xp.abs(x), lambda xp, x: (xp.sign(x),), x=())
    made_function.points = [at(0.0)]
    with pytest.raises(NotDrawn, match="kink"):
        difference_chart(place_of(made_function))


def test_every_variant_is_linked_to_on_the_page_of_its_function(tmp_path: Path) -> None:
    rows = [row("softmax"), row("softmax_first_axis"), wrong("euclidean_norms")]
    path = tmp_path / "results.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    page([path], load_builtin(), output=tmp_path / "site")
    index = Reader((tmp_path / "site" / "index.html").read_text(encoding="utf-8"))
    links = {given["href"] for tag, given in index.tags if tag == "a" and given["href"].startswith("functions/")}
    assert "functions/softmax.html#softmax_first_axis" in links
    for link in links:
        name, _, anchor = link.partition("#")
        text = (tmp_path / "site" / name).read_text(encoding="utf-8")
        assert not anchor or f'id="{anchor}"' in text
    text = (tmp_path / "site" / "functions" / "euclidean_norms.html").read_text(encoding="utf-8")
    assert 'href="../index.html#functions"' in text and "At its kinks" in text


SWEPT = {
    "function": "softmax",
    "quantity": "x",
    "backend": FIRST,
    "device": "cpu",
    "dtype": "float16",
    "mode": "reverse",
    "inputs": 63487,
    "every": True,
    "compared": 9,
    "nonfinite": 1,
    "finite": 0,
    "flushed": 0,
    "correct": 0.5,
    "beyond_1": 0.25,
    "beyond_4": 0.25,
    "beyond_16": 0.25,
    "ulp": 99.0,
    "input": ["0x1p-1"],
}


def test_accuracy_is_shown_as_shares_of_all_inputs(tmp_path: Path) -> None:
    [spread] = by_function([SWEPT])["softmax"]
    assert spread.shares == pytest.approx((0.45, 0.225, 0.0, 0.0, 0.225, 0.1)) and sum(spread.shares) == 1.0
    assert (spread.quantity, spread.inputs, spread.largest, spread.at) == ("∂/∂x", "all 63487", "99 ulp", "0.5")
    path, swept = tmp_path / "results.jsonl", tmp_path / "accuracy.jsonl"
    path.write_text(json.dumps(row()) + "\n")
    swept.write_text(json.dumps(SWEPT) + "\n")
    page([path], load_builtin(), output=tmp_path / "site", accuracy=swept)
    text = (tmp_path / "site" / "functions" / "softmax.html").read_text(encoding="utf-8")
    assert "45.00% correctly rounded" in text and "all numbers of float16" not in text, "no profile, no chart"
    assert "id=accuracy" in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


def profiled(**errors: float | str) -> Row:
    """A row with these errors in the bins of -1, 1, 1000 and nothing elsewhere."""
    places = {"below": 64, "one": 184, "high": 223}
    return SWEPT | {"profile": [next((errors[n] for n in errors if places[n] == b), None) for b in range(248)]}


def test_a_profile_is_drawn_over_all_numbers_for_each_backend_and_dtype(tmp_path: Path) -> None:
    second, other = NAMES["AG"], {"quantity": "value"}
    rows = [profiled(below=2.0, one=0.01), profiled(one=30.0) | {"mode": "forward"}, profiled(high="inf") | other]
    rows += [profiled(one=1.0) | {"backend": second}]
    charts = profiles_of(rows)
    assert [title for title, _ in charts] == [f"{second}, float16", f"{FIRST}, float16"]
    value, slope = re.findall(r'class="line s\d" d="([^"]*)"', charts[1][1])
    # What is alone among gaps is a dash, what is not finite stands at the top, and of two modes the worst is shown.
    assert re.fullmatch(rf"M[\d.]+ {TOP:.1f}h1", value)
    heights = [float(y) for y in re.findall(r"M[\d.]+ ([\d.]+)h1", slope)]
    assert len(heights) == 2 and heights[0] > heights[1] > TOP
    assert ">∞<" in charts[0][1], "one scale for all"
    path, swept = tmp_path / "results.jsonl", tmp_path / "accuracy.jsonl"
    path.write_text(json.dumps(row()) + "\n")
    swept.write_text("".join(json.dumps(r) + "\n" for r in rows))
    page([path], load_builtin(), output=tmp_path / "site", accuracy=swept)
    assert "all numbers of float16" in (tmp_path / "site" / "functions" / "softmax.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["", "{", json.dumps({"function": "a"})])
def test_a_file_that_is_none_of_accuracy_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "accuracy.jsonl"
    path.write_text(text)
    with pytest.raises(Unusable, match="holds no rows of accuracy"):
        read_rows(path)


def test_a_notebook_shows_the_verdict_the_cells_and_the_graph() -> None:
    function = registered("weighted_sum_times_z")
    tape, value = record(function, function.points[0])
    traced = (tape, int(value.numbers), ["a", "<b>", "c"])
    text = picture("wrong", "<i>f</i>", [wrong("f")], "the <u>text</u>", traced)
    assert "✕ wrong" in text and "<svg" in text and "&lt;b&gt;" in text
    assert not {tag for tag, _ in Reader(text).tags} & {"i", "u", "b", "script"}
    assert "<svg" not in picture("verified", "f", [], "", None)
