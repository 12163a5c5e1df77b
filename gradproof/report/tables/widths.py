"""How wide the bounds of float64 are: for every function the narrowest and the widest at its points, relative to the
largest entry of the gradient. A bound is wide where the gradient all but vanishes, at an optimum or far out in a tail;
a function that is wide everywhere fails, because its gradient could be wrong without being noticed."""

from collections.abc import Iterable
from dataclasses import dataclass

from gradproof.oracles.machine_model import FORMATS, MachineModel
from gradproof.oracles.reference import Reference
from gradproof.registry import Function, Inputs
from gradproof.report.answers import computable
from gradproof.report.outcome import Outcome
from gradproof.report.text import markdown_table

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


def widths(entries: Iterable[Function]) -> Outcome:
    """The table of the functions whose bound is wide at some point; 1 where one is wide at all of its points."""
    found = []
    for function in entries:
        function.check()
        with computable():
            found += [width(function, Reference(function), function.points)] if function.points else []
    wide = sorted((w for w in found if w.widths and max(w.widths) > VACUOUS), key=lambda w: -min(w.widths))
    rows = [[w.name, f"{min(w.widths):.1e}", f"{max(w.widths):.1e}"] for w in wide]
    vacuous = [w.name for w in found if w.is_vacuous]
    table = markdown_table([["function", "narrowest", "widest"], *rows])
    count = f"{len(found)} functions; wide at every point: {', '.join(vacuous) or 'none'}"
    return Outcome(f"{table}\n{count}", status=int(bool(vacuous)))
