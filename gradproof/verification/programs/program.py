"""One random program: its lines, its inputs, and what becomes of them: a function of the registry, and a file."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from gradproof import registry
from gradproof.registry import Function, Inputs, Reals, weights


@dataclass(frozen=True, eq=False)
class Program:
    """Statements over `xp` and the names of the inputs, `a`, `b`, …, and the names of the results that are contracted
    with weights and added to a scalar."""

    inputs: Inputs
    statements: tuple[str, ...]
    results: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The names of the inputs."""
        return [chr(ord("a") + i) for i in range(len(self.inputs))]

    @property
    def source(self) -> str:
        """The program as a body of the registry."""
        total = " + ".join(f"xp.sum(weights(xp, {name}.shape) * {name})" for name in self.results)
        lines = [*self.statements, f"return {total}"]
        return "\n".join([f"def program(xp, {', '.join(self.names)}):", *(f"    {line}" for line in lines)])

    @property
    def file(self) -> str:
        """The program as a file of functions, which `gradproof verify` takes."""
        domains = ", ".join(f"{n}=Reals({x.shape})" for n, x in zip(self.names, self.inputs, strict=True))
        point = ", ".join(f"{n}={x.tolist()}" for n, x in zip(self.names, self.inputs, strict=True))
        head = "from gradproof import Reals, function, weights\n\n\n"
        return f"{head}@function({domains}, points=[dict({point})])\n{self.source}\n"

    @cached_property
    def body(self) -> Callable:
        """The program as code."""
        made: dict = {"weights": weights}
        exec(compile(self.source, "<a random program>", "exec"), made)
        return made["program"]

    @cached_property
    def function(self) -> Function:
        """The program as an entry of a registry."""
        domains = {name: Reals(x.shape) for name, x in zip(self.names, self.inputs, strict=True)}
        return Function("program", self.body, domains, [self.inputs], "<a random program>", 1)

    def written(self, folder: Path) -> Function:
        """The same as an entry whose source is a file in this folder, from which a script can be made."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"program_{hashlib.sha256(self.file.encode()).hexdigest()[:12]}.py"
        path.write_text(self.file)
        (function,) = registry.load([path])
        return function

    def __repr__(self) -> str:
        return f"\n{self.file}"


def entries(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Odd multiples of 1/64 below 2 in size, which every format holds and no comparison finds equal to 0."""
    random = np.random.default_rng(seed)
    return (2 * random.integers(-64, 64, shape) + 1) / 64
