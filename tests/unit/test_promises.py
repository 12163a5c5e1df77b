"""What is declared of an implementation holds: it is tried in no mode that it does not offer, in each of those that it
does, and to the accuracy that it promises and no worse; and what a framework refuses for a kind of rule is told, and
fails nothing unless its mode was asked for."""

from types import SimpleNamespace

import pytest

from gradproof.registry import Function
from gradproof.report.rows.results import PROPERTY, Row
from gradproof.verification.cells import Cell, plan, with_differences
from gradproof.verification.options import _budget
from gradproof.verification.run import Verification
from gradproof.verification.search import Effort
from tests.unit.made import NAMES, at, entry, needs

MODES = ("reverse", "forward", "compiled", "vectorized")


def square() -> Function:
    made = entry(lambda xp, x: x * x, lambda xp, x: (2 * x,), x=())
    made.name, made.points = "square", [at(1.5)]
    return made


def planned(made: Function, backend: str, **options: object) -> list[tuple[str, str]]:
    asked = {"backends": (backend,), "devices": ("cpu",), "dtypes": ("float64", "float32"), "modes": MODES}
    given = SimpleNamespace(**{**asked, "names_dtypes": False, "names_modes": False, **options})
    cells = plan([made], given)
    assert with_differences(cells, given)
    return [(cell.dtype, cell.mode) for cell in cells if cell.missing is None]


@pytest.mark.parametrize("short", ["JX", "PT", "AG"])
def test_it_is_tried_in_the_modes_that_it_offers_in_every_dtype(short: str) -> None:
    needs(NAMES[short])
    made = square()
    made.implementation(NAMES[short], modes=("reverse",))(lambda x: x * x)
    assert planned(made, NAMES[short]) == [("float64", "reverse"), ("float32", "reverse")]


def test_a_mode_that_is_asked_for_and_not_offered_is_told() -> None:
    needs(NAMES["AG"])
    made = square()
    made.implementation(NAMES["AG"], modes="reverse")(lambda x: x * x)
    reason = "its implementation for autograd is declared for reverse alone"
    assert Cell(made, NAMES["AG"], "cpu", "float64", "forward").missing == reason
    assert planned(made, NAMES["AG"], names_modes=True) == [("float64", "reverse"), ("float32", "reverse")]


def tried(made: Function, backend: str, mode: str = "reverse", **more: object) -> tuple[Row, str]:
    item = SimpleNamespace(nodeid="planted", user_properties=[])
    options = SimpleNamespace(required=(), functions=(), tf32=False, reproduce=None)
    text = ""
    try:
        cell = Cell(made, backend, "cpu", "float64", mode)
        Verification(item, 0, 3, options, **more).verify(cell, "exact", share=1.0)
    except (pytest.fail.Exception, pytest.skip.Exception) as raised:
        text = f"{type(raised).__name__}: {raised}"
    return dict(item.user_properties)[PROPERTY], text


def test_a_misspelt_mode_is_a_bad_entry() -> None:
    made = square()
    made.implementation(NAMES["NP"], modes=("reverce",))(lambda x: x * x)
    _, text = tried(made, NAMES["NP"])
    assert "'reverce' is not known. Did you mean reverse?" in text


@pytest.mark.parametrize(("accuracy", "verdict"), [(None, "wrong"), (1e-3, "verified"), (1e-8, "wrong")])
def test_an_approximation_is_held_to_what_it_promises(accuracy: float | None, verdict: str) -> None:
    needs(NAMES["AG"])
    made = square()
    made.implementation(NAMES["AG"], accuracy=accuracy)(lambda x: x * x * (1 + 1e-4))
    row, _ = tried(made, NAMES["AG"])
    assert row["verdict"] == verdict
    if verdict == "verified":
        assert row["caught"]["x"] >= 1e-3


def test_an_accuracy_that_is_none_is_a_bad_entry() -> None:
    made = square()
    made.implementation(NAMES["NP"], accuracy=2)(lambda x: x * x)
    assert "accuracy=2: give a relative error between 0 and 1" in tried(made, NAMES["NP"])[1]


def custom_vjp(factor: float):
    import jax

    @jax.custom_vjp
    def f(x):
        return x * x

    f.defvjp(lambda x: (x * x, x), lambda x, d: (factor * x * d,))
    return f


def old_style(factor: float):
    import torch

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, d):
            return factor * ctx.saved_tensors[0] * d

    return Square.apply


def primitive(factor: float):
    from autograd.extend import defvjp
    from autograd.extend import primitive as made_of

    f = made_of(lambda x: x * x)
    defvjp(f, lambda answer, x: lambda d: factor * x * d)
    return f


REFUSED = {"JX": (custom_vjp, "forward"), "PT": (old_style, "vectorized"), "AG": (primitive, "forward")}


@pytest.mark.parametrize(("short", "rule", "mode"), [(s, *r) for s, r in REFUSED.items()], ids=REFUSED)
def test_what_is_refused_for_a_kind_of_rule_fails_only_where_it_was_asked_for(short, rule, mode) -> None:
    needs(NAMES[short])
    made = square()
    made.implementation(NAMES[short])(rule(2.0))
    row, text = tried(made, NAMES[short], mode, asked_modes=())
    assert row["verdict"] == "not run" and text.startswith("Skipped")
    assert "no such derivative of a rule of one's own" in row["reason"] and 'modes=("reverse",)' in row["reason"]
    row, text = tried(made, NAMES[short], mode, asked_modes=(mode,))
    assert row["verdict"] == "unsupported" and text.startswith("Failed: UNSUPPORTED")


@pytest.mark.parametrize(("short", "rule", "mode"), [(s, *r) for s, r in REFUSED.items()], ids=REFUSED)
def test_a_rule_that_is_wrong_is_wrong_all_the_same(short, rule, mode) -> None:
    needs(NAMES[short])
    made = square()
    made.implementation(NAMES[short])(rule(3.0))
    assert tried(made, NAMES[short], asked_modes=())[0]["verdict"] == "wrong"


def test_what_breaks_in_a_mode_is_no_refusal() -> None:
    needs(NAMES["AG"])

    def breaks(x):
        if not isinstance(x, float) and "JVP" in type(x).__name__ + str(type(getattr(x, "_node", None))):
            raise ValueError("broken")
        return x * x

    made = square()
    made.implementation(NAMES["AG"])(breaks)
    row, _ = tried(made, NAMES["AG"], "forward", asked_modes=())
    assert row["verdict"] == "unsupported" and "broken" in row["reason"]


# A budget


def test_a_budget_gives_each_cell_its_seconds_and_more_draws() -> None:
    made = square()
    assert Effort.of(made, 5, 1.0, 1, seconds=4.0).seconds == 4.0
    assert Effort.of(made, 5, 1.0, 1, seconds=4.0).examples == 400
    assert Effort.of(made, 5, 1.0, 0, seconds=0.1).least == 5


@pytest.mark.parametrize("given", ["0", "-1", "soon", "inf", "nan"])
def test_a_budget_that_is_none_is_told(given: str) -> None:
    assert _budget("2.5") == 2.5 and _budget(None) is None
    with pytest.raises(pytest.UsageError, match="is no number of seconds; give one such as --budget 60"):
        _budget(given)


def test_the_numbers_of_a_cell_are_properties_of_its_test() -> None:
    item = SimpleNamespace(nodeid="planted", user_properties=[])
    options = SimpleNamespace(required=(), functions=(), tf32=False, reproduce=None)
    Verification(item, 0, 3, options).verify(Cell(square(), NAMES["NP"], "cpu", "float64", "reverse"), "exact", 1.0)
    given = dict(item.user_properties)
    assert given["verdict"] == "verified" and given["error"] <= given["bound"]
    assert given["input"].keys() == {"x"} and given["family"] == "square"
