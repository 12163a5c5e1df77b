"""What one check of a small function costs, warm, beside the checker that ships with its framework: the median of the
processor's milliseconds, taken in turn in one process, and their ratio. Run as `python -m benchmarks.small`.

PyTorch's gradcheck and TensorFlow's compute_gradient look at the whole gradient, as SciPy's check_grad does; JAX's and
autograd's check_grads look along one random direction, and stand here because they are what people have. Reverse mode,
as it is the default of all but JAX; with `--both` forward mode as well, for those that have it."""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.checkers import CHECK_GRAD_BAR
from benchmarks.ratio import on_one_core

REPEATS = 25

Arrays = tuple[np.ndarray, ...]
Check = Callable[[Callable, tuple], object]
"""Of a function and its arguments, as arrays of the framework."""


@dataclass(frozen=True)
class Framework:
    """A framework's functions under NumPy's names, how an array of it is made, and the checks of it by name, ours
    first; with those that take forward mode as well."""

    names: Any
    array: Callable[[np.ndarray], Any]
    checks: dict[str, Check]
    of_both: dict[str, Check]


def smalls(names: Any, array: Callable[[np.ndarray], Any]) -> dict[str, tuple[Callable, Arrays]]:
    """The functions, and at what they are checked."""
    rows, labels = array(np.linspace(-1.0, 1.25, 20).reshape(5, 4)), array(np.eye(4)[[1, 3, 0]])

    def times_its_sine(x: Any) -> Any:
        return names.sum(x * names.sin(x))

    def perceptron(w: Any, b: Any, v: Any, c: Any) -> Any:
        return names.sum((names.matmul(names.tanh(names.matmul(rows, w) + b), v) + c) ** 2)

    def cross_entropy(z: Any) -> Any:
        return -names.sum(labels * (z - names.log(names.sum(names.exp(z), 1))[:, None]))

    random = np.random.default_rng(0)
    weights = tuple(random.normal(size=shape) for shape in ((4, 3), (3,), (3, 1), (1,)))
    return {
        "x sin x, 3": (times_its_sine, (np.array([0.5, -1.25, 2.0]),)),
        "perceptron 4-3-1": (perceptron, weights),
        "cross entropy 3x4": (cross_entropy, (random.normal(size=(3, 4)),)),
    }


def _ours(modes: tuple[str, ...]) -> Check:
    import gradproof

    return lambda f, arguments: gradproof.check_grads(f, arguments, modes=modes)


def _torch() -> Framework:
    import torch

    def array(x: np.ndarray) -> torch.Tensor:
        return torch.tensor(x).requires_grad_()

    check = torch.autograd.gradcheck
    checks: dict[str, Check] = {"gradcheck": check}
    return Framework(torch, array, checks, {"gradcheck": lambda f, x: check(f, x, check_forward_ad=True)})


def _tensorflow() -> Framework:
    import tensorflow as tf

    shared = {name: getattr(tf, name) for name in ("exp", "matmul", "sin", "tanh")}
    names = SimpleNamespace(sum=tf.reduce_sum, log=tf.math.log, **shared)
    checks: dict[str, Check] = {"compute_gradient": lambda f, x: tf.test.compute_gradient(f, list(x))}
    return Framework(names, tf.constant, checks, {})


def _jax() -> Framework:
    import jax
    import jax.numpy as jnp
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)
    checks: dict[str, Check] = {"check_grads": lambda f, x: check_grads(f, x, order=1, modes=["rev"])}
    return Framework(jnp, jnp.asarray, checks, {"check_grads": lambda f, x: check_grads(f, x, order=1)})


def _autograd() -> Framework:
    import autograd
    from autograd import numpy as names
    from autograd.test_util import check_grads

    def in_turn(modes: list[str]) -> Check:
        return lambda f, x: check_grads(lambda arguments: f(*arguments), modes=modes, order=1)(x)

    def by_scipy(f: Callable, arguments: Arrays) -> bool:
        from scipy.optimize import check_grad

        ends = np.cumsum([x.size for x in arguments])[:-1]

        def joined(vector: np.ndarray) -> float:
            parts = zip(names.split(vector, ends), arguments, strict=True)
            return f(*(part.reshape(x.shape) for part, x in parts))

        at = np.concatenate([np.ravel(x) for x in arguments])
        return check_grad(joined, autograd.grad(joined), at) <= CHECK_GRAD_BAR

    checks = {"check_grads": in_turn(["rev"]), "SciPy check_grad": by_scipy}
    return Framework(names, np.asarray, checks, {"check_grads": in_turn(["fwd", "rev"])})


FRAMEWORKS = {"torch": _torch, "tensorflow": _tensorflow, "jax": _jax, "autograd": _autograd}


def medians(works: dict[str, Callable[[], object]], repeats: int = REPEATS) -> dict[str, float]:
    """The median of each one's milliseconds of the processor, in turn, so that what else runs counts for all."""
    spent: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats + 2):
        for name, work in works.items():
            started = time.process_time()
            work()
            spent[name].append(1e3 * (time.process_time() - started))
    return {name: statistics.median(times[2:]) for name, times in spent.items()}  # the first calls load and compile


def lines_of(framework: str, both: bool, repeats: int) -> list[str]:
    """A line for each function and peer of one framework."""
    frame = FRAMEWORKS[framework]()
    peers, ours = (frame.of_both, ("fwd", "rev")) if both else (frame.checks, ("rev",))
    lines = []
    for name, (f, arrays) in smalls(frame.names, frame.array).items() if peers else ():
        arguments = tuple(frame.array(x) for x in arrays)
        checks = {"ours": _ours(ours)} | peers
        found = medians({who: partial(check, f, arguments) for who, check in checks.items()}, repeats)
        for peer in peers:
            ratio = found["ours"] / found[peer]
            lines.append(f"| {framework} {peer} | {name} | {found['ours']:.2f} | {found[peer]:.2f} | {ratio:.2f} |")
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default=",".join(FRAMEWORKS), help="names with commas between")
    parser.add_argument("--both", action="store_true", help="forward mode as well")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    options = parser.parse_args()
    on_one_core()
    warnings.simplefilter("ignore")
    print("| peer | function | ours, ms | peer, ms | ratio |\n| --- | --- | --- | --- | --- |")
    for framework in options.backend.split(","):
        print("\n".join(lines_of(framework, options.both, options.repeats)), flush=True)


if __name__ == "__main__":
    main()
