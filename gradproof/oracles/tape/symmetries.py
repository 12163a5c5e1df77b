"""Which entries of the inputs a traced program takes to be the same: those of a symmetric matrix of which it reads one
triangle, or which it declares to be symmetric. A JVP of the one is defined along symmetric matrices alone, and so are
second derivatives of the other, whose reverse mode may take the matrix for its transpose."""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from gradproof.oracles.tape.program import NO_CELLS, Instruction, Tape, numbers_of

AFFINE = frozenset("add sub mul div neg".split())

Twins = list[tuple[int, int, float]]
"""Pairs of input cells, and the sign by which one must move as the other does."""


def twins_of(tape: Tape) -> Twins:
    """The input cells that stand across from each other in a mirrored matrix, alone or with the same constants added
    and multiplied on the way there."""
    mirrors = [i for i in tape.instructions if i.kind == "mirror"]
    matrices = [(*map(numbers_of, mirror.arguments[1:]), mirror.extra) for mirror in mirrors]
    matrices += [(cells, np.swapaxes(cells, -1, -2), 1.0) for cells in tape.declared]
    if not matrices:
        return []
    writers = [i for i in tape.instructions if i.kind not in NO_CELLS and i.size]
    starts = [i.output for i in writers]
    found: dict[tuple[int, int], float] = {}
    for own, across, sign in matrices:
        for cell, other in zip(own.reshape(-1), across.reshape(-1), strict=True):
            (one, way), (two, back) = (_root(tape, writers, starts, int(c)) for c in (cell, other))
            if one >= 0 and two >= 0 and way == back and (one != two or sign < 0):
                found[min(one, two), max(one, two)] = sign
    return [(one, two, sign) for (one, two), sign in found.items()]


def _root(tape: Tape, writers: Sequence[Instruction], starts: Sequence[int], cell: int) -> tuple[int, tuple]:
    """The input cell that a cell is an affine function of, or -1, and the way there."""
    way: list[tuple] = []
    while not any(i.cells.start <= cell < i.cells.stop for i in tape.inputs):
        at = bisect_right(starts, cell) - 1
        if at < 0 or cell >= starts[at] + writers[at].size:
            return -1, ()
        writer = writers[at]
        arguments = [int(numbers_of(span).reshape(-1)[cell - starts[at]]) for span in writer.arguments[:2]]
        moving = [k for k, argument in enumerate(arguments) if tape.moving[argument]]
        if len(moving) != 1 or not (writer.kind == "cast" or (writer.kind == "map" and writer.name in AFFINE)):
            return -1, ()
        scale = (
            [tape.values[a] for a in arguments if a != arguments[moving[0]]] if writer.name in ("mul", "div") else []
        )
        way.append((writer.name, moving[0], *scale))
        cell = arguments[moving[0]]
    return cell, tuple(way)


def symmetrized(tape: Tape, twins: Twins, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Arrays like the inputs, each entry the average of itself and its twin."""
    flat = np.zeros(tape.cell_count)
    for array, part in zip(tape.inputs, parts, strict=True):
        flat[array.cells] = np.asarray(part, np.float64).reshape(-1)
    for one, two, sign in twins:
        flat[one], flat[two] = (flat[one] + sign * flat[two]) / 2, (flat[two] + sign * flat[one]) / 2
    return [flat[array.cells].reshape(array.shape) for array in tape.inputs]
