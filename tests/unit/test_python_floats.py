"""Python floats for arguments, where a backend takes them as well as arrays: the gradient of every function whose
arguments have no axes is the same, to the bit, as at arrays."""

from functools import cache

import numpy as np
import pytest

from gradproof import backends
from gradproof.backends import Missing
from gradproof.oracles.verdict import Verdict
from gradproof.registry import Function, load_builtin
from gradproof.verification.cells import Cell
from gradproof.verification.examine import Examiner
from tests.unit.made import NAMES, at, entry


@cache
def scalars() -> dict[str, Function]:
    """The functions whose arguments are all real and without axes."""
    without_axes = [made for made in load_builtin() if all(domain.shape == () for domain in made.domains.values())]
    return {made.name: made for made in without_axes if not made.is_complex}


def gradients(made: Function, name: str) -> list[tuple[list[np.ndarray], list[np.ndarray]]]:
    """At every point of a function: the gradient at arrays, and at Python floats."""
    if not backends.load(name).takes_floats:
        pytest.skip("its arguments must be arrays")
    examiner = Examiner(Cell(made, name, "cpu", "float64", backends.BACKENDS[name].quick))
    _, backward = examiner._code()
    found = []
    for inputs in made.points:
        if examiner.against_truth(inputs).judgement.verdict == Verdict.VERIFIED:
            pair = backward(*examiner.arrays(inputs)), backward(*map(float, inputs))
            found.append(tuple([np.asarray(part) for part in parts] for parts in pair))
    return found


def same(ours: list[np.ndarray], theirs: list[np.ndarray]) -> bool:
    return all(x.shape == y.shape == () and np.array_equal(x, y) for x, y in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_float_has_the_gradient_of_an_array(name: str) -> None:
    compared = 0
    try:
        backends.load(name)
    except Missing as missing:
        pytest.skip(str(missing))
    for made in scalars().values():
        pairs = gradients(made, name)
        assert all(same(*pair) for pair in pairs), made.name
        compared += len(pairs)
    assert compared > 30


def test_a_gradient_that_tells_floats_from_arrays_is_seen() -> None:
    installed = (name for name in backends.BACKENDS if backends.installed_version(name))
    name = next((name for name in installed if backends.load(name).takes_floats), None)
    if name is None:
        pytest.skip("no backend that takes Python floats is installed")
    made = entry(lambda xp, x: x * x, lambda xp, x: 2 * x, x=())
    made.points = [at(1.5)]
    made.implementation(name)(lambda x: x * x if type(getattr(x, "_value", x)) is not float else x * x * x)
    ((ours, theirs),) = gradients(made, name)
    assert not same(ours, theirs)
