"""The examples do what their README says: a right gradient is verified, a wrong one is not, and the message names the
argument; and the notebook runs, and prints what it shows."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from gradproof import GradientError, check_grads

EXAMPLES = Path(__file__).parents[2] / "examples"
NOTEBOOK = EXAMPLES / "backprop.ipynb"

SAID = {
    "forgotten_sum": "the gradient for b has the shape (4, 3); (3,) is right",
    "sum_over_the_wrong_axis": "shift: 3 of 3 entries wrong; right: x, scale",
    "saved_tensor_changed": "x: 3 of 3 entries wrong",
    "term_that_is_zero_at_zero": "args[0]: 2 of 3 entries wrong",
}


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        pytest.skip(f"{error.name} is not installed")
    return module


@pytest.mark.parametrize(("name", "said"), SAID.items(), ids=SAID)
def test_the_wrong_gradient_is_named_and_the_right_one_verified(name: str, said: str) -> None:
    example = loaded(name)
    with pytest.raises(GradientError) as raised:
        check_grads(example.wrong, example.arguments())
    assert said in str(raised.value)
    report = check_grads(example.right, example.arguments())
    assert report.verdict == "verified" and report.caught


def test_every_example_is_told_of_in_the_readme() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb")}
    assert files == set(re.findall(r"\]\(([\w.]+)\)", text)) == {*(f"{name}.py" for name in SAID), NOTEBOOK.name}


def printed(cell: dict) -> str:
    return "".join("".join(output.get("text", "")) for output in cell["outputs"] if output["output_type"] == "stream")


def test_the_notebook_runs_and_prints_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    client = pytest.importorskip("nbclient", reason="nbclient is not installed: requirements/tools.txt")
    formats = pytest.importorskip("nbformat")
    for framework in ("autograd", "tensorflow", "jax", "torch"):
        pytest.importorskip(framework)
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLES.parent))
    shown = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    notebook = formats.read(NOTEBOOK, as_version=4)
    client.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(EXAMPLES)}}).execute()
    pairs = [(ours, theirs) for ours, theirs in zip(shown, notebook["cells"], strict=True) if "outputs" in ours]
    assert len(pairs) > 8
    assert any("23.1780070835712953" in printed(ours) and "11.926922952255469" in printed(ours) for ours, _ in pairs)
    for ours, theirs in pairs:
        assert without_versions(printed(ours)) == without_versions(printed(theirs)), "".join(ours["source"])


def without_versions(text: str) -> list[str]:
    """The lines without what another release or machine may change: a version, and the last digits of float64."""
    lines = (line for line in text.splitlines() if not re.search(r"ulp|  (worst|caught|note) ", line))
    return [
        re.sub(r"(\d\.\d{9})\d+", r"\1", re.sub(r"(?<=on )(\w+) \d[\w.+]*( \([^)]*\))?", r"\1", line)) for line in lines
    ]
