"""What a whole verification would cost beyond one machine: the rates that an estimate needs, measured here. Run as
`python -m benchmarks.scale`."""

import time
from collections.abc import Callable

import flint
import numpy as np

from gradproof import backends

BATCH = 1 << 22
"""Enough for a call's overhead not to count, and few enough to fit anywhere."""

EXACT = 1 << 14
"""Arb takes one number at a time, so that fewer will do."""


def rate(count: int, work: Callable[[], object]) -> float:
    """How many a second, after one call that compiles."""
    work()
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


def swept(backend: str, x: np.ndarray) -> float:
    """Float32 inputs a second at which a backend gives tanh and its gradient."""
    adapter = backends.load(backend)
    xp = adapter.namespace("float32", "cpu")
    gradient = adapter.compile(adapter.vectorize(adapter.gradient(lambda x: xp.tanh(x))))
    array = adapter.array(x, "float32", "cpu")
    return rate(len(x), lambda: adapter.to_numpy(gradient(array)[0]))


def exact(x: np.ndarray) -> float:
    """Float32 inputs a second of which Arb gives the derivative of tanh, at 64 bits."""
    flint.ctx.prec = 64

    def work() -> list[float]:
        return [float((1 - flint.arb(v).tanh() ** 2).mid()) for v in x.tolist()]

    return rate(len(x), work)


def wider(x: np.ndarray) -> float:
    """Float32 inputs a second of which NumPy gives it in float64, which decides all but those near a bound."""
    return rate(len(x), lambda: 1 / np.cosh(x.astype(np.float64)) ** 2)


def main() -> None:
    """Print the rates, and the hours of one machine for all float32 inputs of one unary function."""
    x = np.linspace(-9, 9, BATCH, dtype=np.float32)
    rates = {name: swept(name, x) for name in ("tensorflow", "jax") if backends.missing(name, "cpu") is None}
    rates |= {"truth in float64": wider(x), "truth in Arb": exact(x[:: BATCH // EXACT])}
    for name, per_second in rates.items():
        print(f"{name:18}{per_second:10.2g} a second, 2^32 in {2**32 / per_second / 3600:8.3f} h")


if __name__ == "__main__":
    main()
