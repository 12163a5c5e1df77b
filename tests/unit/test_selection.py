"""Selection by the words of a test id: the backends that nothing selected are never imported."""

import subprocess
import sys
from pathlib import Path

import pytest

from gradproof import backends
from tests.unit.made import DIFFERENTIATING

ROOT = Path(__file__).parents[2]

# Run pytest in this process, then say which frameworks it has imported and which cells it has collected.
SCRIPT = """
import sys
import pytest

class Listen:
    def pytest_collection_finish(self, session):
        print("collected:", *(item.name for item in session.items), sep=chr(10))

status = pytest.main(["-q", "-p", "no:cacheprovider", "tests/verification", *sys.argv[1:]], plugins=[Listen()])
print("imported:", *(name for name in ("autograd", "tensorflow", "jax", "torch") if name in sys.modules))
sys.exit(status)
"""


def collected(*arguments: str) -> tuple[list[str], str]:
    """The test names and the imports of one run."""
    command = [sys.executable, "-c", SCRIPT, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    names = [line for line in done.stdout.splitlines() if line.startswith("test_") and line.endswith("]")]
    imports = next(line for line in done.stdout.splitlines() if line.startswith("imported:"))
    return names, imports.removeprefix("imported:").strip()


@pytest.mark.parametrize("backend", DIFFERENTIATING.values(), ids=DIFFERENTIATING)
def test_a_run_imports_the_selected_backend_alone(backend: str) -> None:
    if backends.installed_version(backend) is None:
        pytest.skip(f"{backend} is not installed")
    names, imports = collected("-k", f"{backend} and weighted_sum")
    assert imports == backend
    assert names
    assert all(f"-{backend}-cpu-" in name for name in names)


def test_the_shortest_name_selects_its_own_cells_alone() -> None:
    names, imports = collected("-k", "numpy", "--collect-only")
    assert imports == ""
    assert names
    assert all("-numpy-cpu-" in name for name in names)
