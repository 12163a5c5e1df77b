"""How small an error of one entry each tolerance lets be seen, by depth: the bound in balls, the bound to first order,
and eight standard deviations; and how near to each an honest backend comes. Run as `python -m benchmarks.power`; with
`--markdown docs/POWER.md` it writes the tables, and a plot of each family below docs/images/.

The programs are those that a bound finds hard: dense layers with tanh, a recurrent network, a transformer block. Each
is traced at one input, and its gradient is JAX's, compiled."""

import argparse
import json
import math
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gradproof import backends
from gradproof.checking.differentiation import reverse_like
from gradproof.checking.problem import problem_of
from gradproof.oracles.machine_model import FORMATS
from gradproof.oracles.tape import Solution, solve
from gradproof.oracles.tape.first_order import first_order
from gradproof.oracles.tape.statistical import FLOOR, SUSPECT, deviations

HEADING = "## Measured"
"""What stands above this line of a Markdown file is kept when it is written again."""

WAYS = ("balls", "first order", "8 σ")

FAMILIES = {"MLP": (2, 4, 8, 16, 32, 64), "RNN": (20, 50, 100, 200, 500), "transformer": (1, 2, 4)}
"""The depths of each family: layers, steps, blocks."""


FRESH = {"MLP": (4, 8, 16, 32), "RNN": (20, 50, 100), "transformer": (1, 2, 4)}
"""The depths that are tried at many inputs."""


@dataclass(frozen=True)
class Power:
    """What one tolerance gives for one program: the smallest relative error that is seen in the largest entry of an
    argument, at the worst of the arguments; in half of all entries; in every entry; the error of the honest gradient in
    units of the tolerance; and seconds of the processor."""

    largest: float
    median: float
    every: float
    honest: float
    seconds: float


@dataclass(frozen=True)
class Program:
    """A function of JAX, its arguments, and what it is called."""

    family: str
    depth: int
    code: Callable
    arrays: list[np.ndarray]


def _contracted(y: Any) -> Any:
    import jax.numpy as jnp

    return jnp.sum(y * jnp.asarray(np.linspace(-1, 1.25, y.size).reshape(y.shape), y.dtype))


def _mlp(depth: int, random: np.random.Generator) -> Program:
    import jax.numpy as jnp

    def code(x: Any, *weights: Any) -> Any:
        for w in weights:
            x = jnp.tanh(x @ w)
        return _contracted(x)

    weights = [random.normal(size=(8, 8)) / 8**0.5 for _ in range(depth)]
    return Program("MLP", depth, code, [random.normal(size=(4, 8)), *weights])


def _rnn(depth: int, random: np.random.Generator) -> Program:
    import jax
    import jax.numpy as jnp

    def code(x: Any, w: Any, u: Any) -> Any:
        def step(h: Any, given: Any) -> Any:
            h = jnp.tanh(h @ w + given @ u)
            return h, None

        return _contracted(jax.lax.scan(step, jnp.zeros((2, 4), x.dtype), x)[0])

    return Program(
        "RNN", depth, code, [random.normal(size=(depth, 2, 3)), random.normal(size=(4, 4)) / 2, *_pair(random)]
    )


def _pair(random: np.random.Generator) -> list[np.ndarray]:
    return [random.normal(size=(3, 4)) / 2]


def _transformer(depth: int, random: np.random.Generator) -> Program:
    import jax
    import jax.numpy as jnp

    size = 8

    def code(x: Any, *given: Any) -> Any:
        for i in range(depth):
            wq, wk, wv, wo, w1, w2, scale, shift = given[8 * i : 8 * i + 8]
            h = jax.nn.standardize(x) * scale + shift
            shares = jax.nn.softmax(h @ wq @ (h @ wk).T / size**0.5)
            x = x + shares @ (h @ wv) @ wo
            x = x + jax.nn.gelu(jax.nn.standardize(x) @ w1) @ w2
        return _contracted(x)

    def block() -> list[np.ndarray]:
        square = [random.normal(size=(size, size)) / size**0.5 for _ in range(4)]
        wide = [
            random.normal(size=(size, 2 * size)) / size**0.5,
            random.normal(size=(2 * size, size)) / (2 * size) ** 0.5,
        ]
        return [*square, *wide, 1 + random.normal(size=size) / 8, random.normal(size=size) / 8]

    del jnp
    return Program(
        "transformer", depth, code, [random.normal(size=(6, size)), *(w for _ in range(depth) for w in block())]
    )


MAKERS = {"MLP": _mlp, "RNN": _rnn, "transformer": _transformer}


def programs(families: dict[str, tuple[int, ...]]) -> Iterator[Program]:
    """Every program of these families, by depth."""
    for family, depths in families.items():
        for depth in depths:
            yield MAKERS[family](depth, np.random.default_rng(depth))


def solved(program: Program, dtype: str) -> tuple[Solution, list[np.ndarray]]:
    """The truth of a program in a dtype, and JAX's own gradient."""
    import jax
    import jax.numpy as jnp

    with jax.enable_x64(dtype == "float64"):
        arrays = tuple(jnp.asarray(a, dtype) for a in program.arrays)
        problem = problem_of(program.code, arrays)
        traced = problem.calls.trace(problem.scalar, problem.leaves)
        given = reverse_like(problem, "compiled")(*problem.leaves)
        return solve(traced.tape, traced.outputs[0]), [np.asarray(part) for part in given]


def tolerances(found: Solution, way: str, dtype: str) -> list[np.ndarray]:
    """How far an entry may be off by one of the three, for each argument."""
    format = FORMATS[dtype]
    if way == "balls":
        return list(found.bounds(flushes=True).gradient)
    if way == "first order":
        return list(first_order(found, flushes=True).gradient)
    known = deviations(found, flushes=True)
    if known.problem:
        return [np.full(x.shape, math.inf) for x in found.inputs]
    floors = [format.unit_roundoff * s + FLOOR * format.tiny * max(1.0, s) for s in found.truth.scale]
    wide = np.split(
        known.followed(np.arange(sum(x.size for x in found.inputs))), np.cumsum([x.size for x in found.inputs])[:-1]
    )
    rows = zip(known.gradient, wide, floors, strict=True)
    return [SUSPECT * np.fmax(apart, followed.reshape(apart.shape)) + floor for apart, followed, floor in rows]


def power(found: Solution, given: list[np.ndarray], way: str, dtype: str) -> Power:
    """What one tolerance gives."""
    started = time.process_time()
    limits = tolerances(found, way, dtype)
    seconds = time.process_time() - started
    largest, relative, honest = [], [], 0.0
    for true, got, limit in zip(found.truth.gradient, given, limits, strict=True):
        sizes = np.abs(true.high)
        live = sizes > 0
        relative.append((limit[live] / sizes[live]).ravel())
        largest.append(float(limit.ravel()[np.argmax(sizes)] / sizes.max()))
        honest = max(honest, float((true.distance(got) / limit).max()))
    every = np.concatenate(relative)
    return Power(max(largest), float(np.median(every)), float(every.max()), honest, seconds)


@dataclass(frozen=True)
class Line:
    """One program in one dtype."""

    family: str
    depth: int
    dtype: str
    cells: int
    numbers: int
    powers: dict[str, Power]


def measured(
    families: dict[str, tuple[int, ...]], dtypes: tuple[str, ...], known: set[tuple[str, int, str]]
) -> Iterator[Line]:
    """Every program in every dtype, one after the other, but for what is known."""
    for program in programs(families):
        for dtype in dtypes:
            if (program.family, program.depth, dtype) in known:
                continue
            found, given = solved(program, dtype)
            powers = {way: power(found, given, way, dtype) for way in WAYS}
            numbers = sum(a.size for a in program.arrays)
            yield Line(program.family, program.depth, dtype, found.tape.cell_count, numbers, powers)


@dataclass
class Fresh:
    """Right gradients at fresh inputs: how many entries, and for each tolerance the largest error in units of it, how
    many entries were beyond it, and how many had none."""

    program: str
    dtype: str
    entries: int
    worst: dict[str, float]
    beyond: dict[str, int]
    open: dict[str, int]


def fresh(families: dict[str, tuple[int, ...]], dtypes: tuple[str, ...], count: int) -> Iterator[Fresh]:
    """Every program in every dtype at so many inputs that nothing else uses."""
    for family, depths in families.items():
        for depth in depths:
            for dtype in dtypes:
                found = Fresh(f"{family} {depth}", dtype, 0, *({w: 0 for w in WAYS} for _ in range(3)))
                for seed in range(count):
                    _add(found, MAKERS[family](depth, np.random.default_rng([seed, depth, 1])), dtype)
                yield found


def _add(found: Fresh, program: Program, dtype: str) -> None:
    solution, given = solved(program, dtype)
    for way in WAYS:
        for true, got, limit in zip(solution.truth.gradient, given, tolerances(solution, way, dtype), strict=True):
            ratio = true.distance(got) / limit
            found.worst[way] = max(found.worst[way], float(ratio.max()))
            found.beyond[way] += int((~(ratio <= 1)).sum())
            found.open[way] += int(np.isinf(limit).sum())
    found.entries += sum(part.size for part in given)


def fresh_words(found: Fresh) -> list[str]:
    """The line of the third table."""
    parts = [f"{found.worst[w]:.2g}, {found.beyond[w]} beyond, {found.open[w]} without" for w in WAYS]
    return [found.program, found.dtype, str(found.entries), *parts]


FRESH_HEAD = ["program", "dtype", "entries", *WAYS]

HEAD = [
    "program",
    "dtype",
    "entries",
    "cells",
    *(f"{way}: {what}" for way in WAYS for what in ("largest", "median", "every")),
]


def words(line: Line) -> list[str]:
    """The line of a table: what is seen by each tolerance."""
    seen = [shown(v) for way in WAYS for p in [line.powers[way]] for v in (p.largest, p.median, p.every)]
    return [f"{line.family} {line.depth}", line.dtype, str(line.numbers), str(line.cells), *seen]


def shown(value: float) -> str:
    """An error that is seen, or that none is."""
    return "none" if not math.isfinite(value) or value > 100 else f"{value:.0e}"


def honest_words(line: Line) -> list[str]:
    """The line of the second table: how near the honest gradient comes, and seconds."""
    parts = [f"{line.powers[way].honest:.2g}" for way in WAYS] + [f"{line.powers[way].seconds:.2f}" for way in WAYS]
    return [f"{line.family} {line.depth}", line.dtype, *parts]


def kept(path: Path | None) -> list[Line]:
    """The lines that an earlier run has left."""
    if path is None or not path.exists():
        return []
    rows = (json.loads(row) for row in path.read_text(encoding="utf-8").splitlines())
    return [Line(**row | {"powers": {way: Power(**given) for way, given in row["powers"].items()}}) for row in rows]


def in_order(lines: list[Line]) -> list[Line]:
    """By family, depth and dtype."""
    families = list(MAKERS)
    return sorted(lines, key=lambda line: (families.index(line.family), line.depth, line.dtype))


def plot(lines: list[Line], folder: Path) -> list[Path]:
    """A plot of every family: the error that is seen in the largest entry, by depth."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    plt.rcParams["svg.hashsalt"] = "gradproof"
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for family in dict.fromkeys(line.family for line in lines):
        figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
        for dtype, style in (("float32", "-"), ("float64", "--")):
            of_dtype = [line for line in lines if (line.family, line.dtype) == (family, dtype)]
            for way, colour in zip(WAYS, ("#57606a", "#0969da", "#1a7f37"), strict=True):
                points = [(line.depth, line.powers[way].largest) for line in of_dtype]
                points = [p for p in points if p[1] <= 100]
                axes.plot(
                    *zip(*points, strict=True), style, color=colour, marker="o", label=f"{way}, {dtype}"
                ) if points else None
        axes.set(xscale="log", yscale="log", xlabel=f"{family}: depth", ylabel="relative error that is seen")
        axes.axhline(1.0, color="#cf222e", linewidth=0.5)
        axes.legend(fontsize=7)
        path = folder / f"power-{family.lower()}.svg"
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
        made.append(path)
    return made


def markdown(path: Path, lines: list[Line], others: list[Fresh]) -> None:
    """Write tables and plots into a Markdown file, below what stands above `HEADING`."""
    images = plot(lines, path.parent / "images")
    versions = ", ".join(f"{name} {backends.installed_version(name)}" for name in ("numpy", "jax"))
    ran = f"python -m benchmarks.power {' '.join(sys.argv[1:])}".strip()
    body = [
        HEADING,
        "",
        f"Command: `{ran}`, with Python {platform.python_version()}, {versions}.",
        "",
        *(f"![{image.stem}](images/{image.name})" for image in images),
        "",
        *(_row(parts) for parts in (HEAD, ["---"] * len(HEAD), *map(words, lines))),
        "",
        "The error of JAX's compiled gradient in units of each tolerance, and seconds of the processor:",
        "",
        *(_row(parts) for parts in (HONEST_HEAD, ["---"] * len(HONEST_HEAD), *map(honest_words, lines))),
    ]
    if others:
        body += ["", "JAX's compiled gradients at fresh inputs, the largest error in units of each tolerance:", ""]
        body += [_row(parts) for parts in (FRESH_HEAD, ["---"] * len(FRESH_HEAD), *map(fresh_words, others))]
        body += ["", f"{sum(found.entries for found in others)} entries in all."]
    kept = path.read_text(encoding="utf-8").partition(HEADING)[0] if path.exists() else ""
    path.write_text(kept + "\n".join(body) + "\n", encoding="utf-8")


HONEST_HEAD = ["program", "dtype", *(f"error / {way}" for way in WAYS), *(f"s, {way}" for way in WAYS)]


def _row(parts: list[str]) -> str:
    return f"| {' | '.join(parts)} |"


def main() -> None:
    """Print the table, line by line."""
    parser = argparse.ArgumentParser(description="What each tolerance lets be seen, by depth.")
    parser.add_argument("--family", default=",".join(FAMILIES), help="names with commas between")
    parser.add_argument("--depths", default="", help="numbers with commas between, in the place of each family's")
    parser.add_argument("--dtype", default="float32,float64")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write tables and plots there as well")
    parser.add_argument("--state", type=Path, metavar="FILE", help="go on from what an earlier run left there")
    parser.add_argument("--fresh", type=int, default=0, metavar="N", help="right gradients at N fresh inputs as well")
    options = parser.parse_args()
    depths = tuple(int(d) for d in options.depths.split(",") if d)
    families = {name: depths or FAMILIES[name] for name in options.family.split(",")}
    lines = kept(options.state)
    print(_row(HEAD), flush=True)
    known = {(line.family, line.depth, line.dtype) for line in lines}
    for line in measured(families, tuple(options.dtype.split(",")), known):
        lines.append(line)
        print(_row(words(line)), " honest", *honest_words(line)[2:], flush=True)
        if options.state:
            with options.state.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(line)) + "\n")
    lines = in_order(lines)
    if options.markdown:
        markdown(options.markdown, lines, [])
    others, chosen = [], {name: depths or FRESH[name] for name in families} if options.fresh else {}
    for found in fresh(chosen, tuple(options.dtype.split(",")), options.fresh):
        others.append(found)
        print(_row(fresh_words(found)), flush=True)
    if options.markdown and others:
        markdown(options.markdown, lines, others)


if __name__ == "__main__":
    main()
