"""How wide the bounds of float64 are: for every function the narrowest and the widest at its points, relative to the
largest entry of the gradient. `python -m report.widths` prints a Markdown table of those that are wide somewhere, which
is where the gradient all but vanishes, at an optimum or far out in a tail; and fails for a function that is wide
everywhere, whose gradient could be wrong without being noticed."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from gradproof.oracles.machine_model import FORMATS, MachineModel
from gradproof.oracles.reference import Reference
from gradproof.registry import Function, Inputs, load_builtin
from gradproof.report.rows.markdown import table

VACUOUS = 1e-6
"""A bound beyond this says little of a gradient in float64, which has 16 digits."""

DOUBLE = MachineModel(FORMATS["float64"])


@dataclass(frozen=True)
class Width:
    """The relative bounds of one function, a number per point that can be judged and whose gradient is not zero."""

    name: str
    widths: tuple[float, ...]

    @property
    def is_vacuous(self) -> bool:
        """Whether no point has a bound that says something."""
        return bool(self.widths) and min(self.widths) > VACUOUS


def width(function: Function, reference: Reference, points: Iterable[Inputs]) -> Width:
    """The relative bounds of one function at these points: at each the widest over its arguments. Where the gradient is
    zero to its last digit, or there is none, as at a jump, there is nothing to be relative to."""
    found = []
    for inputs in points:
        bounds, truth = reference.bounds(inputs, DOUBLE), reference.truth(inputs)
        if bounds.out_of_range or truth.kink is not None or truth.hand == "disagrees":
            continue
        pairs = zip(truth.scale, bounds.gradient, strict=True)
        relative = [float(b.max()) / scale for scale, b in pairs if b.size and scale > DOUBLE.format.tiny]
        found += [max(relative)] if relative else []
    return Width(function.name, tuple(found))


def main() -> None:
    """Print the table; exit with 1 where a function is wide at all of its points."""
    widths = [width(function, Reference(function), function.points) for function in load_builtin() if function.points]
    wide = sorted((w for w in widths if w.widths and max(w.widths) > VACUOUS), key=lambda w: -min(w.widths))
    rows = [[w.name, f"{min(w.widths):.1e}", f"{max(w.widths):.1e}"] for w in wide]
    print(table([["function", "narrowest", "widest"], *rows]))
    vacuous = [w.name for w in widths if w.is_vacuous]
    print(f"\n{len(widths)} functions; wide at every point: {', '.join(vacuous) or 'none'}")
    sys.exit(bool(vacuous))


if __name__ == "__main__":
    main()
