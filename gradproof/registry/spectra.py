"""What the families of Fourier transforms share: lengths and scales, no rule of differentiation."""

OTHER = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}
"""The norm by which the transform in the other direction has the same scale."""


def fitted(xp, x, length, axis):
    """x cut, or filled up with zeros, to a length along one axis"""
    before = (slice(None),) * (axis % x.ndim)
    missing = length - x.shape[axis]
    if missing <= 0:
        return x[(*before, slice(0, length))]
    return xp.concat([x, 0 * xp.repeat(x[(*before, slice(0, 1))], missing, axis=axis)], axis=axis)


def stated(**options):
    """The options that are given; each of the others is left to what the library takes by itself"""
    return {name: value for name, value in options.items() if value is not None}
