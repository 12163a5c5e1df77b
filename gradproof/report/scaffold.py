"""`gradproof new`: a file to start from, which is verified as it stands."""

from pathlib import Path

from gradproof.report.outcome import Outcome, Unusable

TEXT = '''\
"""Functions of my own, with their gradients derived by hand: `gradproof verify {name}` verifies them everywhere."""

from gradproof import Reals, function, weights


# A body is written once, against `xp`, the array namespace of each backend. Each argument has a domain: where it may
# lie, and its shape. What is no argument to differentiate by stands behind a *, with its value. `points` are inputs
# that are always tried.
@function(
    x=Reals((3,)),
    b=Reals(),
    points=[dict(x=[0.5, -1.25, 3.0], b=2.0)],
)
def scaled_cubes(xp, x, b, *, factor=2.0):
    """f(x, b) = factor Σ w b x³"""
    # A function returns one number. The fixed uneven `weights` make it of an array, so that no entry goes unseen.
    y = b * x**3
    return factor * xp.sum(weights(xp, (3,)) * y)


# Its gradient, by the chain rule, node by node: an array for each argument, of its shape. Without one the function is
# held to exact differences alone.
@scaled_cubes.gradient
def _(xp, x, b, *, factor=2.0):
    d_y = factor * weights(xp, (3,))
    d_x = d_y * b * 3 * x**2
    d_b = xp.sum(d_y * x**3)  # b is used in every entry: what it is given adds up
    return d_x, d_b


# Code of yours that a backend runs instead of the body is held to the same formula: take the # away.
#
# @scaled_cubes.implementation("jax")
# def _(x, b, *, factor=2.0):
#     return my_kernel(x, b, factor)


# The same function with another parameter.
scaled_cubes.variant("halved", factor=0.5)
'''
"""The text of the file, with its name in the place of {name}."""


def new(path: Path) -> Outcome:
    """Write the file. Raises `Unusable` where there is one, and `OSError`."""
    if path.suffix != ".py":
        raise Unusable(f"{path}: give a file that ends in .py, such as {path.with_suffix('.py')}")
    if path.exists():
        raise Unusable(f"{path} is there already; give another name")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TEXT.replace("{name}", path.name), encoding="utf-8")
    return Outcome(f"{path} is written; verify it with: gradproof verify {path}")
