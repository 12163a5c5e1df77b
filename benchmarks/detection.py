"""How small an error is still caught: the gradient of one entry is multiplied by 1 + d, and d shrinks until nobody
objects any more. Run as `python -m benchmarks.detection` from the root; it prints a Markdown table.

The suite is tried at every entry whose true gradient is not 0, and its worst entry counts; the other checkers at the
largest entry, where an error is easiest to see."""

from collections.abc import Callable

import numpy as np

from benchmarks.checkers import PEERS
from benchmarks.planted import Position, examiner, nonzero_positions, planted, scaled
from gradproof import backends
from gradproof.oracles.verdict import FAILING
from gradproof.registry import Function, load_builtin

FUNCTIONS = ("multilayer_perceptron", "attention", "recurrent_network", "log_sum_exp")
AD_BACKENDS = ("autograd", "tensorflow", "jax", "torch")
DTYPES = ("float64", "float32")
LAST = {"float64": 15, "float32": 7}
"""Below 10**-this an entry of that dtype does not change."""


def smallest_caught(catches: Callable[[float], bool], last: int) -> float:
    """The smallest d in 1, 0.1, …, 10**-last that is caught, if all larger ones are; infinity if not even 1 is."""
    low, high = -1, last
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if catches(10.0**-middle) else (low, middle - 1)
    return 10.0**-low if low >= 0 else float("inf")


def suite_at(function: Function, backend: str, dtype: str, position: Position) -> float:
    """The smallest d that this suite catches at one entry."""

    def catches(d: float) -> bool:
        found = examiner(function, backend, dtype, scaled(position, 1 + d))
        return found.against_truth(function.points[0]).judgement.verdict in FAILING

    return smallest_caught(catches, LAST[dtype])


def suite(function: Function, backend: str, dtype: str) -> str:
    """The smallest d that is caught at the worst entry, and how many entries were tried."""
    positions = nonzero_positions(function, dtype)
    worst = max(suite_at(function, backend, dtype, position) for position in positions)
    return f"{shown(worst)} at each of {len(positions)} entries"


def peer(function: Function, name: str) -> str:
    """The smallest d that another checker catches at the largest entry."""
    backend, dtype, objects = PEERS[name]
    inputs = tuple(x.astype(dtype).astype(np.float64) for x in function.points[0])
    position = nonzero_positions(function, dtype)[0]

    def catches(d: float) -> bool:
        code = planted(function, backend, scaled(position, 1 + d)).implementations[backend]
        return objects(code, inputs)

    return "objects to the right gradient" if catches(0.0) else shown(smallest_caught(catches, LAST[dtype]))


def shown(d: float) -> str:
    """A power of ten, or that not even the largest was caught."""
    return "none, not even 1" if np.isinf(d) else f"{d:.0e}"


def main() -> None:
    """Measure and print."""
    registry = {function.name: function for function in load_builtin()}
    installed = [name for name in AD_BACKENDS if backends.installed_version(name)]
    print("versions:", ", ".join(f"{name} {backends.load(name).version()}" for name in installed))
    print(f"\n| checker | {' | '.join(FUNCTIONS)} |\n|---|{'---|' * len(FUNCTIONS)}")
    for dtype in DTYPES:
        for backend in installed:
            cells = " | ".join(suite(registry[name], backend, dtype) for name in FUNCTIONS)
            print(f"| **Gradproof**, {backend} {dtype} | {cells} |", flush=True)
    for name, (backend, *_) in PEERS.items():
        if backend in installed:
            cells = " | ".join(peer(registry[function], name) for function in FUNCTIONS)
            print(f"| {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
