"""What one call of `check_grads` costs at size, beside the checker of each framework: a transformer block with 10³ to
10⁵ parameters, float64, reverse mode, on JAX, PyTorch and TensorFlow. Run as `python -m benchmarks.checks_at_size`.

Each check runs in a process of its own, that its memory is its own, and is stopped after two minutes. Seconds are those
of a second call, so that nothing is compiled or imported; memory is what both add to the process."""

import argparse
import functools
import importlib
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import gradproof

LONGEST = 240
"""Seconds after which two checks are stopped."""

WIDTHS = (8, 24, 48, 96)
"""Widths of the block; its parameters are about eleven times the square."""

TOKENS, HEADS = 8, 4

OURS = "gradproof.check_grads"
PEERS = {
    "jax": ("check_grads", "check_grads, order 1, rev"),
    "torch": ("gradcheck", "gradcheck, fast"),
    "tensorflow": ("compute_gradient",),
}


def parameters(width: int) -> dict[str, np.ndarray]:
    """The arrays of a block: attention, two norms, and a hidden layer of three and a half times the width."""
    random, hidden = np.random.default_rng(width), 7 * width // 2
    shapes = {"q": (width, width), "k": (width, width), "v": (width, width), "o": (width, width)}
    shapes |= {"up": (width, hidden), "down": (hidden, width), "bias": (hidden,), "scale": (width,), "shift": (width,)}
    return {name: random.normal(size=shape) / math.sqrt(shape[0]) for name, shape in shapes.items()}


def block(xp: Any, p: dict[str, Any], x: Any) -> Any:
    """One transformer block, its result contracted by `xp.total`."""
    width = x.shape[-1]

    def split(y: Any) -> Any:
        return xp.permute(xp.reshape(y, (TOKENS, HEADS, width // HEADS)), (1, 0, 2))

    def norm(y: Any) -> Any:
        apart = y - xp.mean(y)
        return apart * xp.rsqrt(xp.mean(apart * apart) + 1e-5) * p["scale"] + p["shift"]

    y = norm(x)
    q, k, v = (split(y @ p[name]) for name in "qkv")
    weights = xp.softmax(q @ xp.permute(k, (0, 2, 1)) / math.sqrt(width // HEADS))
    x = x + xp.reshape(xp.permute(weights @ v, (1, 0, 2)), (TOKENS, width)) @ p["o"]
    return xp.total(xp.tanh(x + xp.gelu(norm(x) @ p["up"] + p["bias"]) @ p["down"]) ** 2)


class Namespace:
    """What the block asks of a framework."""

    def __init__(self, **operations: Callable) -> None:
        vars(self).update(operations)


def _jax() -> tuple[Namespace, Callable, dict[str, Callable]]:
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    jnp, nn = jax.numpy, jax.nn
    xp = Namespace(
        **dict(permute=jnp.transpose, reshape=jnp.reshape, tanh=jnp.tanh, gelu=nn.gelu, softmax=nn.softmax),
        **dict(rsqrt=jax.lax.rsqrt, total=jnp.sum, mean=lambda y: jnp.mean(y, -1, keepdims=True)),
    )
    theirs = importlib.import_module("jax.test_util").check_grads
    peers = {
        "check_grads": lambda f, args: theirs(f, args, 1),
        "check_grads, order 1, rev": lambda f, args: theirs(f, args, 1, modes=["rev"]),
    }
    return xp, jnp.asarray, peers


def _torch() -> tuple[Namespace, Callable, dict[str, Callable]]:
    torch = importlib.import_module("torch")
    xp = Namespace(
        **dict(permute=lambda y, axes: y.permute(axes), reshape=torch.reshape, tanh=torch.tanh, rsqrt=torch.rsqrt),
        **dict(gelu=torch.nn.functional.gelu, softmax=lambda y: y.softmax(-1), total=torch.sum),
        mean=lambda y: y.mean(-1, keepdim=True),
    )

    def checked(f: Callable, args: tuple, **options: Any) -> None:
        tree = torch.utils._pytree
        leaves, shape = tree.tree_flatten(args)
        torch.autograd.gradcheck(lambda *given: f(*tree.tree_unflatten(given, shape)), leaves, **options)

    peers = {"gradcheck": checked, "gradcheck, fast": functools.partial(checked, fast_mode=True)}
    return xp, lambda values: torch.tensor(values, requires_grad=True), peers


def _tensorflow() -> tuple[Namespace, Callable, dict[str, Callable]]:
    tf = importlib.import_module("tensorflow")
    xp = Namespace(
        **dict(permute=tf.transpose, reshape=tf.reshape, tanh=tf.tanh, rsqrt=tf.math.rsqrt, gelu=tf.nn.gelu),
        **dict(softmax=tf.nn.softmax, total=tf.reduce_sum, mean=lambda y: tf.reduce_mean(y, -1, keepdims=True)),
    )

    def checked(f: Callable, args: tuple) -> None:
        names, leaves = list(args[0]), [*args[0].values(), args[1]]
        tf.test.compute_gradient(lambda *given: f(dict(zip(names, given[:-1], strict=True)), given[-1]), leaves)

    return xp, tf.constant, {"compute_gradient": checked}


FRAMES = {"jax": _jax, "torch": _torch, "tensorflow": _tensorflow}


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(framework: str, checker: str, width: int) -> str:
    """One check: the count of parameters, seconds, megabytes, and what was said, with tabs between."""
    xp, array, peers = FRAMES[framework]()
    made = {name: array(values) for name, values in parameters(width).items()}
    args = (made, array(np.random.default_rng(0).normal(size=(TOKENS, width))))

    def f(p: dict[str, Any], x: Any) -> Any:
        return block(xp, p, x)

    def check(given: tuple) -> str:
        if checker == OURS:
            report = gradproof.check_grads(f, given, modes="rev")
            return f"{report.verdict}, caught {max(report.caught.values(), default=math.nan):.0e}"
        peers[checker](f, given)
        return "passes"

    f(*args)
    before = _memory()
    check(args)  # what is compiled once
    started = time.perf_counter()
    said = check(args)
    seconds = time.perf_counter() - started
    count = sum(values.size for values in parameters(width).values())
    return f"{count}\t{seconds:.3f}\t{_memory() - before:.0f}\t{said}"


def _in_a_process(framework: str, checker: str, width: int) -> list[str] | str:
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "benchmarks.checks_at_size",
        "--one",
        framework,
        checker,
        str(width),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST)
    except subprocess.TimeoutExpired:
        return f"more than {LONGEST // 2} s"
    last = done.stdout.strip().splitlines()[-1:] if done.returncode == 0 else []
    return last[0].split("\t") if last else (done.stderr.strip().splitlines() or ["it failed"])[-1]


def exponent(counts: list[float], seconds: list[float]) -> float:
    """The power of the count by which the seconds grow, over the upper half of the sizes."""
    half = len(counts) // 2
    return float(np.polyfit(np.log(counts[half:]), np.log(seconds[half:]), 1)[0]) if len(counts) > 2 else math.nan


def main() -> int:
    """Print a table for each framework; 1 where a gradient was not verified."""
    parser = argparse.ArgumentParser(description="The cost of one check of a transformer block by its size.")
    parser.add_argument("--one", nargs=3, metavar=("FRAMEWORK", "CHECKER", "WIDTH"), help=argparse.SUPPRESS)
    parser.add_argument("--backend", default=",".join(FRAMES), help="names with commas between")
    parser.add_argument("--widths", default=",".join(map(str, WIDTHS)), help="multiples of 4 with commas between")
    options = parser.parse_args()
    if options.one:
        print(run(options.one[0], options.one[1], int(options.one[2])))
        return 0
    failed = False
    for framework in options.backend.split(","):
        print(f"\n{framework}\n  {'checker':28}{'parameters':>11}{'seconds':>10}{'MB':>7}  said")
        for checker in (OURS, *PEERS[framework]):
            counts, times = [], []
            for width in map(int, options.widths.split(",")):
                found = _in_a_process(framework, checker, width)
                if isinstance(found, str):
                    print(f"  {checker:28}{'':11} width {width}: {found}", flush=True)
                    failed = failed or checker == OURS
                    break
                counts.append(float(found[0]))
                times.append(float(found[1]))
                print(f"  {checker:28}{found[0]:>11}{found[1]:>10}{found[2]:>7}  {found[3]}", flush=True)
                failed = failed or (checker == OURS and not found[3].startswith("verified"))
            print(f"  {checker:28}grows with the power {exponent(counts, times):.2f} of the parameters", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
