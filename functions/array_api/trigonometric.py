"""Trigonometric and hyperbolic functions and their inverses, each entry by entry: one node, whose derivative stands in
tables (DLMF 4.20, 4.24, 4.34 and 4.38), and weights behind it that tell the entries apart."""

from gradproof import Reals, function, weights


@function(
    x=Reals((5,), low=-1024.0, high=1024.0),
    points=[
        dict(x=[0.5, -1.25, 2.0, 3.75, -6.5]),
        dict(x=[0.0, -0.0, 1.5707963705062866, -3.1415927410125732, 2.0**-20]),  # float32's π/2 and -π
        dict(x=[1000.0, -1024.0, 2.0**-140, 710.0, 355.0]),  # far out, 355 and 710 next to multiples of π
    ],
)
def sine(xp, x):
    """f(x) = Σ w sin x

    x: 5, within ±1024: own finite differences step by a part of the argument's size, and farther out they pass over
    whole periods."""
    return xp.sum(weights(xp, x.shape) * xp.sin(x))


@sine.gradient
def _(xp, x):
    d_s = weights(xp, x.shape)  # node 2 input: f = Σ w s, with node 1: s = sin x
    return (xp.cos(x) * d_s,)  # node 1 input


sine.variant("scalar", points=[dict(x=0.75), dict(x=0.0)], x=Reals(low=-1024.0, high=1024.0))
sine.variant("empty", points=[dict(x=[])], x=Reals((0,)))


@function(
    x=Reals((5,), low=-1024.0, high=1024.0),
    points=[
        dict(x=[0.5, -1.25, 2.0, 3.75, -6.5]),
        dict(x=[0.0, -0.0, 1.5707963705062866, -3.1415927410125732, 2.0**-20]),  # the derivative vanishes at 0 and π
        dict(x=[1000.0, -1024.0, 2.0**-140, 710.0, 355.0]),
    ],
)
def cosine(xp, x):
    """f(x) = Σ w cos x

    x: 5."""
    return xp.sum(weights(xp, x.shape) * xp.cos(x))


@cosine.gradient
def _(xp, x):
    d_c = weights(xp, x.shape)  # node 2 input: f = Σ w c, with node 1: c = cos x
    return (-xp.sin(x) * d_c,)  # node 1 input


@function(
    x=Reals((5,), low=-1024.0, high=1024.0),
    points=[
        dict(x=[0.5, -1.25, 2.0, 3.75, -6.5]),
        dict(x=[0.0, -0.0, 0.78125, -3.1415927410125732, 2.0**-20]),
        dict(
            x=[1.5707963705062866, -4.71238899230957, 1.5707961320877075, 11.0, 1000.0]
        ),  # a pole and an ulp beside it
    ],
)
def tangent(xp, x):
    """f(x) = Σ w tan x

    x: 5. No number of a dtype is a pole, so the function is finite everywhere."""
    return xp.sum(weights(xp, x.shape) * xp.tan(x))


@tangent.gradient
def _(xp, x):
    t = xp.tan(x)  # node 1
    d_t = weights(xp, x.shape)  # node 2 input: f = Σ w t
    return ((1 + t * t) * d_t,)  # node 1 input


@function(
    x=Reals((5,), low=-1.0 + 2.0**-10, high=1.0 - 2.0**-10),
    points=[
        dict(x=[0.5, -0.25, 0.75, 0.125, -0.875]),
        dict(x=[0.0, -0.0, 2.0**-30, -(2.0**-20), 0.25]),
        dict(x=[1.0 - 2.0**-10, -1.0 + 2.0**-10, 1.0 - 2.0**-16, 2.0**-140, -0.5]),  # steep beside the ends
    ],
)
def inverse_sine(xp, x):
    """f(x) = Σ w arcsin x

    x: 5, within ±1. Next to the ends 1 - x² cancels, and there the bound widens with the digits that this loses."""
    return xp.sum(weights(xp, x.shape) * xp.asin(x))


@inverse_sine.gradient
def _(xp, x):
    d_a = weights(xp, x.shape)  # node 2 input: f = Σ w a, with node 1: a = arcsin x
    return (d_a / xp.sqrt(1 - x * x),)  # node 1 input


@function(
    x=Reals((5,), low=-1.0 + 2.0**-10, high=1.0 - 2.0**-10),
    points=[
        dict(x=[0.5, -0.25, 0.75, 0.125, -0.875]),
        dict(x=[0.0, -0.0, 2.0**-30, -(2.0**-20), 0.25]),
        dict(x=[1.0 - 2.0**-10, -1.0 + 2.0**-10, 1.0 - 2.0**-16, 2.0**-140, -0.5]),
    ],
)
def inverse_cosine(xp, x):
    """f(x) = Σ w arccos x

    x: 5, within ±1. Next to the ends 1 - x² cancels, and there the bound widens with the digits that this loses."""
    return xp.sum(weights(xp, x.shape) * xp.acos(x))


@inverse_cosine.gradient
def _(xp, x):
    d_a = weights(xp, x.shape)  # node 2 input: f = Σ w a, with node 1: a = arccos x
    return (-d_a / xp.sqrt(1 - x * x),)  # node 1 input


@function(
    x=Reals((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.125, -3.5]),
        dict(x=[0.0, -0.0, 1.0, -(2.0**-20), 2.0**-140]),
        dict(x=[40.0, -1000.0, 1e10, -1e18, 1e20]),  # flat; at 1e20 the square overflows float32
    ],
)
def inverse_tangent(xp, x):
    """f(x) = Σ w arctan x

    x: 5"""
    return xp.sum(weights(xp, x.shape) * xp.atan(x))


@inverse_tangent.gradient
def _(xp, x):
    d_a = weights(xp, x.shape)  # node 2 input: f = Σ w a, with node 1: a = arctan x
    return (d_a / (1 + x * x),)  # node 1 input


@function(
    x=Reals((5,), low=-88.0, high=88.0),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.125, -3.5]),
        dict(x=[0.0, -0.0, 2.0**-30, -(2.0**-20), 2.0**-140]),
        dict(x=[40.0, -88.0, 11.0, -10.5, 88.0]),  # next to float32's overflow; 11 is next to float16's
    ],
)
def hyperbolic_sine(xp, x):
    """f(x) = Σ w sinh x

    x: 5"""
    return xp.sum(weights(xp, x.shape) * xp.sinh(x))


@hyperbolic_sine.gradient
def _(xp, x):
    d_s = weights(xp, x.shape)  # node 2 input: f = Σ w s, with node 1: s = sinh x
    return (xp.cosh(x) * d_s,)  # node 1 input


@function(
    x=Reals((5,), low=-88.0, high=88.0),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.125, -3.5]),
        dict(x=[0.0, -0.0, 2.0**-30, -(2.0**-20), 2.0**-140]),  # the derivative is as small as x: not (eˣ - e⁻ˣ) / 2
        dict(x=[40.0, -88.0, 11.0, -10.5, 88.0]),
    ],
)
def hyperbolic_cosine(xp, x):
    """f(x) = Σ w cosh x

    x: 5"""
    return xp.sum(weights(xp, x.shape) * xp.cosh(x))


@hyperbolic_cosine.gradient
def _(xp, x):
    d_c = weights(xp, x.shape)  # node 2 input: f = Σ w c, with node 1: c = cosh x
    return (xp.sinh(x) * d_c,)  # node 1 input


@function(
    x=Reals((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.125, -3.5]),
        dict(x=[0.0, -0.0, 2.0**-30, -(2.0**-20), 2.0**-140]),
        dict(x=[40.0, -1000.0, 9.0, -19.0, 1.0]),  # saturated
    ],
)
def hyperbolic_tangent(xp, x):
    """f(x) = Σ w tanh x

    x: 5. The textbook's 1 - t² earns the width of its cancellation; `hyperbolic_tangent_tail` is the strict one."""
    return xp.sum(weights(xp, x.shape) * xp.tanh(x))


@hyperbolic_tangent.gradient
def _(xp, x):
    t = xp.tanh(x)  # node 1
    d_t = weights(xp, x.shape)  # node 2 input: f = Σ w t
    return ((1 - t * t) * d_t,)  # node 1 input


@hyperbolic_tangent.inputs_of_size
def _(n, rng):
    return dict(x=rng.normal(size=n))


hyperbolic_tangent.variant("scalar", points=[dict(x=0.75), dict(x=0.0), dict(x=40.0)], x=Reals())


@function(
    x=Reals((5,)),
    points=[
        dict(x=[0.5, -1.25, 2.0, 0.125, -3.5]),
        dict(x=[0.0, -0.0, 2.0**-30, -(2.0**-20), 2.0**-140]),
        dict(x=[40.0, -1000.0, 1e10, -1e18, 2.0**60]),
        dict(x=[1e25, -1e30, 3.0, 2.0**80, -0.5]),  # x² overflows float32, and the derivative is about 1/|x|
    ],
)
def inverse_hyperbolic_sine(xp, x):
    """f(x) = Σ w arsinh x

    x: 5. The length √(1 + x²) is that of a right triangle's hypotenuse, which needs no square that overflows."""
    return xp.sum(weights(xp, x.shape) * xp.asinh(x))


@inverse_hyperbolic_sine.gradient
def _(xp, x):
    d_a = weights(xp, x.shape)  # node 2 input: f = Σ w a, with node 1: a = arsinh x
    return (d_a / xp.hypot(x, xp.ones_like(x)),)  # node 1 input


@function(
    x=Reals((5,), low=1.0625),
    points=[
        dict(x=[1.5, 1.25, 2.0, 1.0625, 3.5]),
        dict(x=[1.0 + 2.0**-20, 1.0 + 2.0**-10, 4.0, 40.0, 7.75]),  # steep beside the end
        dict(x=[1000.0, 1e10, 1e18, 2.0**60, 2.0]),
        dict(x=[1e25, 1e30, 3.0, 2.0**80, 1.25]),  # x² overflows float32, and the derivative is about 1/x
    ],
)
def inverse_hyperbolic_cosine(xp, x):
    """f(x) = Σ w arcosh x

    x: 5, above 1. x² - 1 is taken as (x - 1)(x + 1), root by root: nothing cancels, and nothing overflows."""
    return xp.sum(weights(xp, x.shape) * xp.acosh(x))


@inverse_hyperbolic_cosine.gradient
def _(xp, x):
    d_a = weights(xp, x.shape)  # node 2 input: f = Σ w a, with node 1: a = arcosh x
    return (d_a / (xp.sqrt(x - 1) * xp.sqrt(x + 1)),)  # node 1 input


@function(
    x=Reals((5,), low=-1.0 + 2.0**-10, high=1.0 - 2.0**-10),
    points=[
        dict(x=[0.5, -0.25, 0.75, 0.125, -0.875]),
        dict(x=[0.0, -0.0, 2.0**-30, -(2.0**-20), 2.0**-140]),
        dict(x=[1.0 - 2.0**-10, -1.0 + 2.0**-10, 1.0 - 2.0**-16, 0.25, -0.5]),  # steep beside the ends
    ],
)
def inverse_hyperbolic_tangent(xp, x):
    """f(x) = Σ w artanh x

    x: 5, within ±1. Next to the ends 1 - x² cancels, and there the bound widens with the digits that this loses."""
    return xp.sum(weights(xp, x.shape) * xp.atanh(x))


@inverse_hyperbolic_tangent.gradient
def _(xp, x):
    d_a = weights(xp, x.shape)  # node 2 input: f = Σ w a, with node 1: a = artanh x
    return (d_a / (1 - x * x),)  # node 1 input
