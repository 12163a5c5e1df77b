"""What cannot be found out by trying: arguments for autograd's functions, and which of them nobody calls."""

from collections.abc import Mapping, Sequence

import numpy as np

from gradproof.backends.probing import (
    Form,
    above_one,
    definite,
    form,
    increasing,
    inside,
    positive,
    real,
    regular,
    simplex,
    symmetric,
    triangular,
    unit,
    whole,
)

HINTS: Mapping[str, Sequence[Form]] = {
    # Shapes, axes, permutations, paddings.
    "autograd.numpy.astype": [form(real(2, 3), np.float64)],
    "autograd.numpy.broadcast_to": [form(real(3), (2, 3))],
    **{f"autograd.numpy.{name}": [form(real(4, 4, 2), 2)] for name in ("array_split", "hsplit", "split", "vsplit")},
    "autograd.numpy.dsplit": [form(real(2, 2, 4), 2)],
    "autograd.numpy.concatenate_args": [form(0, real(2, 3), real(1, 3))],
    "autograd.numpy.array_from_args": [form((), {}, real(3), real(3))],
    "autograd.numpy._original_where": [form(np.array([True, False, True]), real(3), real(3))],
    "autograd.numpy.einsum": [form("ij,jk->ik", real(2, 3), real(3, 2)), form("ij->ji", real(2, 3))],
    "autograd.numpy.expand_dims": [form(real(2, 3), 1)],
    "autograd.numpy.full": [form((2, 3), real())],
    "autograd.numpy.linspace": [form(real(), real(), 4)],
    "autograd.numpy.moveaxis": [form(real(2, 3, 2), 0, -1)],
    "autograd.numpy.permute_dims": [form(real(2, 2, 2), (-1, 0, 1)), form(real(2, 3, 2), (2, 0, 1))],
    "autograd.numpy.pad": [form(real(2, 3), 1, "constant")],
    "autograd.numpy.partition": [form(real(5), 2)],
    "autograd.numpy.repeat": [form(real(3), 2), form(real(2, 3), 2, axis=1)],
    "autograd.numpy.reshape": [form(real(2, 3), (3, 2)), form(real(2, 3), (3, 2), order="F")],
    "autograd.numpy.roll": [form(real(2, 3), -1, axis=1)],
    "autograd.numpy.rollaxis": [form(real(2, 3, 2), 2)],
    "autograd.numpy.rot90": [form(real(2, 3)), form(real(2, 3), 3)],
    "autograd.numpy.swapaxes": [form(real(2, 3, 2), 0, -1)],
    "autograd.numpy.tensordot": [form(real(2, 3, 4), real(4, 3, 2), axes=((1, 2), (1, 0)))],
    "autograd.numpy.tile": [form(real(2, 3), (2, 1))],
    "autograd.numpy.outer": [form(real(2), real(3))],
    "autograd.numpy.diag": [form(real(3)), form(real(3, 3))],
    "autograd.numpy.diagonal": [form(real(3, 3), axis1=-1, axis2=-2)],
    **{f"autograd.numpy.fft.{name}": [form(real(2, 4))] for name in ("rfft", "rfft2", "rfftn")},
    "autograd.numpy.cross": [form(real(2, 3), real(2, 3))],
    "autograd.numpy.clip": [form(real(5), -1.0, 1.0)],
    "autograd.numpy.gradient": [form(real(5)), form(real(3, 4))],
    "autograd.numpy.make_diagonal": [form(real(2, 3), axis1=-1, axis2=-2)],
    "autograd.numpy.diff": [form(real(5)), form(real(5), 2), form(real(2, 3), axis=0)],
    "autograd.numpy.fft.truncate_pad": [form(real(2, 4), (2, 6))],
    "autograd.numpy.fft.irfft": [form(real(4), 6)],
    # Matrices.
    "autograd.numpy.linalg._primitive_norm": [form(real(4)), form(real(3, 3), "nuc"), form(real(2, 3), "fro")],
    "autograd.numpy.linalg.cholesky": [form(definite(3, 3)), form(definite(2, 3, 3))],
    "autograd.numpy.linalg.eigh": [form(symmetric(3, 3))],
    "autograd.numpy.linalg.solve": [form(regular(3, 3), real(3, 2)), form(regular(3, 3), real(3))],
    "autograd.scipy.linalg.solve_banded": [form((1, 1), positive(3, 4), real(4))],
    "autograd.scipy.linalg.solve_sylvester": [form(regular(3, 3), regular(2, 2), real(3, 2))],
    "autograd.scipy.linalg.solve_triangular": [form(triangular(3, 3), real(3, 2), lower=True)],
    "autograd.scipy.linalg.sqrtm": [form(definite(3, 3))],
    "autograd.scipy.signal.convolve": [form(real(5), real(3)), form(real(5), real(3), mode="valid")],
    # Special functions: an order is a whole number.
    "autograd.scipy.special.betainc": [form(above_one(3), above_one(3), unit(3))],
    "autograd.scipy.special.iv": [form(2, positive(3))],
    "autograd.scipy.special.ive": [form(2, positive(3))],
    "autograd.scipy.special.jn": [form(2, positive(3))],
    "autograd.scipy.special.yn": [form(2, positive(3))],
    "autograd.scipy.special.polygamma": [form(1, positive(3))],
    "autograd.scipy.special.multigammaln": [form(above_one(), 2)],
    "autograd.scipy.special.erfcinv": [form(unit(3))],
    "autograd.scipy.special.erfinv": [form(inside(3))],
    "autograd.scipy.special.logit": [form(unit(3))],
    # Distributions.
    **{f"autograd.scipy.stats.beta.{name}": [form(unit(3), above_one(3), above_one(3))] for name in ("pdf", "logpdf")},
    "autograd.scipy.stats.beta.cdf": [form(unit(3), above_one(3), above_one(3))],
    **{f"autograd.scipy.stats.dirichlet.{name}": [form(simplex(3), above_one(3))] for name in ("pdf", "logpdf")},
    **{
        f"autograd.scipy.stats.multivariate_normal.{name}": [form(real(3), real(3), definite(3, 3))]
        for name in ("pdf", "logpdf")
    },
    "autograd.scipy.stats.multivariate_normal.entropy": [form(real(3), definite(3, 3))],
    **{f"autograd.scipy.stats.poisson.{name}": [form(whole(3), positive(3))] for name in ("pmf", "logpmf", "cdf")},
    **{f"autograd.scipy.stats.gamma.{name}": [form(positive(3), positive(3))] for name in ("pdf", "logpdf", "cdf")},
    "autograd.scipy.integrate.odeint": [form(lambda y, t, a: -a * y, real(2), increasing(3), (positive(2),))],
}
"""Calls by the full name of a function."""

INNER = "not differentiable by itself: other operations use it, and nobody calls it"

REASONS: Mapping[str, str] = dict.fromkeys(
    (
        "__getitem__ _array_from_scalar_or_array _make_dict add container_take container_untake covector dot_adjoint_0 "
        "dot_adjoint_1 inner_prod make_sequence mut_add scalar_mul sequence_extend_left sequence_extend_right "
        "sparse_add tensordot_adjoint_0 tensordot_adjoint_1 untake"
    ).split(),
    INNER,
)
"""By name, why a function has no derivative of its own."""
