"""Samples of the operations that arrays which record themselves claim to know: functions of one or two 3 × 3 arrays
with entries between 0.2 and 0.9, by the operation's name. Ufuncs need none; their samples are made from their names."""

import numpy as np

ORDERS = {"jv": 0, "iv": 1, "ive": 1, "yn": 1, "expn": 3}
"""Ufuncs of SciPy whose first argument is an order."""

INDEX = np.array([2, 0, 0])

SYMMETRIC = np.array([[4.0, 1.0, 0.5], [1.0, 6.0, 0.25], [0.5, 0.25, 9.0]])


def turned(x):
    """A symmetric matrix that is far from singular."""
    return SYMMETRIC + 0.1 * (x + x.T)


def in_place(write):
    """A sample of a function that writes to an array."""

    def sample(x, y):
        z = x * y
        write(z, x)
        return z

    return sample


MOVING = {
    "reshape": lambda x, y: np.reshape(x, (9,)) * np.arange(9),
    "transpose": lambda x, y: np.transpose(x) * y,
    "matrix_transpose": lambda x, y: np.matrix_transpose(x) * y,
    "ravel": lambda x, y: np.ravel(x) * np.arange(9),
    "swapaxes": lambda x, y: np.swapaxes(x, 0, 1) * y,
    "moveaxis": lambda x, y: np.moveaxis(x, 0, 1) * y,
    "rollaxis": lambda x, y: np.rollaxis(x, 1) * y,
    "squeeze": lambda x, y: np.squeeze(x[:1]) * y,
    "expand_dims": lambda x, y: np.expand_dims(x, 1) * y,
    "broadcast_to": lambda x, y: np.broadcast_to(x[0], (3, 3)) * y,
    "linalg.matrix_transpose": lambda x, y: np.linalg.matrix_transpose(x) * y,
    "unstack": lambda x, y: np.unstack(x, axis=1)[2] * y,
    "split": lambda x, y: np.split(x, [1])[1] * y[:2],
    "array_split": lambda x, y: np.array_split(x, 2)[0] * y[1:],
    "hsplit": lambda x, y: np.hsplit(x, [1])[1] * y[:, 1:],
    "vsplit": lambda x, y: np.vsplit(x, 3)[2] * y[:1],
    "dsplit": lambda x, y: np.dsplit(x[None], [2])[0] * y[:, 1:],
    "repeat": lambda x, y: np.repeat(x, 2, axis=0)[1:4] * y,
    "tile": lambda x, y: np.tile(x, (2, 1))[1:4] * y,
    "roll": lambda x, y: np.roll(x, 1) * y,
    "flip": lambda x, y: np.flip(x) * y,
    "fliplr": lambda x, y: np.fliplr(x) * y,
    "flipud": lambda x, y: np.flipud(x) * y,
    "rot90": lambda x, y: np.rot90(x) * y,
    "take": lambda x, y: np.take(x, INDEX, axis=1) * y,
    "take_along_axis": lambda x, y: np.take_along_axis(x, INDEX[None], axis=0) * y,
    "diagonal": lambda x, y: np.diagonal(x) * y,
    "linalg.diagonal": lambda x, y: np.linalg.diagonal(x) * y,
    "copy": lambda x, y: np.copy(x) * y,
    "delete": lambda x, y: np.delete(x, 1, axis=0) * y[1:],
    "resize": lambda x, y: np.resize(x, (2, 6)) * np.resize(y, (2, 6)),
    "fft.fftshift": lambda x, y: np.fft.fftshift(x) * y,
    "fft.ifftshift": lambda x, y: np.fft.ifftshift(x) * y,
    "tril": lambda x, y: np.tril(x) * y,
    "triu": lambda x, y: np.triu(x, 1) * y,
    "diag": lambda x, y: np.diag(x[0]) * y + np.diag(x),
    "diagflat": lambda x, y: np.diagflat(x[0]) * y,
    "concatenate": lambda x, y: np.concatenate([x, y**2, np.ones((1, 3))]) * np.arange(21.0).reshape(7, 3),
    "stack": lambda x, y: np.stack([x, y**2], axis=1) * np.arange(18.0).reshape(3, 2, 3),
    "vstack": lambda x, y: np.vstack([x, y**2])[2:5] * y,
    "hstack": lambda x, y: np.hstack([x, y**2])[:, 2:5] * y,
    "dstack": lambda x, y: np.dstack([x, y**2]) * y[..., None],
    "column_stack": lambda x, y: np.column_stack([x[0], y[1]]) * y[:, :1],
    "block": lambda x, y: np.block([[x, y], [y * y, x]])[1:4, 1:4] * y,
    "append": lambda x, y: np.append(x, y**2)[4:13] * np.arange(9),
    "insert": lambda x, y: np.insert(x, 1, y[0], axis=0)[:3] * y,
    "where": lambda x, y: np.where(x > y, x * x, 3.0) * y,
    "select": lambda x, y: np.select([x > 0.7, x > y], [x * x, y], 1.0) * y,
    "compress": lambda x, y: np.compress(INDEX > 0, x, axis=0) * y[0],
    "extract": lambda x, y: np.extract(y > 0.3, x),
    "nonzero": lambda x, y: x[np.nonzero(y > 0.5)] ** 2,
    "flatnonzero": lambda x, y: np.ravel(x)[np.flatnonzero(y > 0.5)] ** 2,
    "argwhere": lambda x, y: x[tuple(np.argwhere(y > 0.5).T)] ** 2,
    "pad": lambda x, y: np.pad(x, 1, mode="reflect")[1:4, :3] * y + np.pad(x, 1)[:3, :3],
    "atleast_1d": lambda x, y: np.atleast_1d(x[0, 0]) * y,
    "atleast_2d": lambda x, y: np.atleast_2d(x[0]) * y,
    "atleast_3d": lambda x, y: np.atleast_3d(x) * y,
    "broadcast_arrays": lambda x, y: np.broadcast_arrays(x[0], y)[0] * y,
    "meshgrid": lambda x, y: np.meshgrid(x[0], y[1])[0] * y,
    "zeros_like": lambda x, y: np.zeros_like(x) + x * y,
    "ones_like": lambda x, y: np.ones_like(x) + x * y,
    "empty_like": lambda x, y: np.empty_like(x) * 0.0 + x * y,
    "full_like": lambda x, y: np.full_like(x, 2.0) * x + y,
    "copyto": in_place(lambda z, x: np.copyto(z, x**2, where=x > 0.5)),
    "fill_diagonal": in_place(lambda z, x: np.fill_diagonal(z, x[0])),
    "put_along_axis": in_place(lambda z, x: np.put_along_axis(z, INDEX[:, None], x[:, :1], 1)),
    "astype": lambda x, y: np.astype(x, np.float32) * y,
    "shape": lambda x, y: x * np.shape(y)[0],
    "ndim": lambda x, y: x * np.ndim(y),
    "size": lambda x, y: x * np.size(y),
    "iscomplexobj": lambda x, y: x if not np.iscomplexobj(x) else y,
    "isrealobj": lambda x, y: x if np.isrealobj(x) else y,
    "result_type": lambda x, y: x * y.astype(np.result_type(x, np.float32)),
    "iscomplex": lambda x, y: np.where(np.iscomplex(x + 1j * y), x * y, 0.0),
}

TAKEN_TOGETHER = {
    "sum": lambda x, y: np.sum(x * y, axis=(0,), keepdims=True) * y + np.sum(x, where=y > 0.5, initial=2.0),
    "prod": lambda x, y: np.prod(x * y, axis=1),
    "mean": lambda x, y: np.mean(x * y, axis=0) ** 2,
    "var": lambda x, y: np.var(x * y, axis=0, ddof=1),
    "std": lambda x, y: np.std(x * y),
    "ptp": lambda x, y: np.ptp(x * y, axis=0),
    "max": lambda x, y: np.max(x * y, axis=0),
    "min": lambda x, y: np.min(x * y, axis=1, keepdims=True),
    "amax": lambda x, y: np.amax(x * y),
    "amin": lambda x, y: np.amin(x * y),
    "argmax": lambda x, y: np.ravel(x * y)[np.argmax(x)],
    "argmin": lambda x, y: (x * y)[np.argmin(x, axis=0), [0, 1, 2]],
    "any": lambda x, y: np.where(np.any(x > 0.5, axis=0), x, y),
    "all": lambda x, y: np.where(np.all(x > 0.3, axis=0), x, y),
    "count_nonzero": lambda x, y: x * np.count_nonzero(y > 0.5),
    "cumsum": lambda x, y: np.cumsum(x * y, axis=1) ** 2,
    "cumprod": lambda x, y: np.cumprod(x * y, axis=0),
    "cumulative_sum": lambda x, y: np.cumulative_sum(x * y, axis=1, include_initial=True) ** 2,
    "cumulative_prod": lambda x, y: np.cumulative_prod(x * y, axis=1) ** 2,
    "argsort": lambda x, y: np.take_along_axis(y, np.argsort(x, axis=0), 0) * x,
    "sort": lambda x, y: np.sort(x, axis=0) * y,
    "partition": lambda x, y: np.partition(x, 1, axis=0) * y,
    "searchsorted": lambda x, y: x * np.searchsorted([0.3, 0.6], y),
    "digitize": lambda x, y: x * np.digitize(y, [0.3, 0.6]),
    "median": lambda x, y: np.median(x * y, axis=0),
    "quantile": lambda x, y: np.quantile(x * y, [0.2, 0.7]),
    "percentile": lambda x, y: np.percentile(x * y, 30.0, axis=1),
    "average": lambda x, y: np.average(x, axis=0, weights=y),
    "clip": lambda x, y: np.clip(x, 0.3, 0.6) * y,
    "diff": lambda x, y: np.diff(x, axis=0) * y[1:] + np.sum(np.diff(x, prepend=0.5, append=y) ** 2),
    "ediff1d": lambda x, y: np.ediff1d(x) * np.arange(8),
    "trapezoid": lambda x, y: np.trapezoid(x * y, dx=0.3),
    "round": lambda x, y: np.round(x, 1) * y,
    "around": lambda x, y: np.around(3.0 * x) * y,
    "fix": lambda x, y: np.fix(3.0 * x) * y,
    "nan_to_num": lambda x, y: np.nan_to_num(np.where(x > 0.5, np.nan, x)) * y,
    "nansum": lambda x, y: np.nansum(np.where(x > 0.5, np.nan, x * y)),
    "nanmean": lambda x, y: np.nanmean(np.where(x > 0.5, np.nan, x * y)),
    "isclose": lambda x, y: np.where(np.isclose(x, y), x, y**2),
    "allclose": lambda x, y: x * y if not np.allclose(x, y) else x,
    "array_equal": lambda x, y: x * y if not np.array_equal(x, y) else x,
    "real": lambda x, y: np.real(x * np.exp(1j * y)),
    "imag": lambda x, y: np.imag(x * np.exp(1j * y)),
    "angle": lambda x, y: np.angle(x + 1j * y),
    "sinc": lambda x, y: np.sinc(x) * y,
    "i0": lambda x, y: np.i0(x) * y,
    "interp": lambda x, y: np.interp(x, [0.0, 0.31, 0.62, 1.0], y[0, [0, 1, 2, 0]]),
    "polyval": lambda x, y: np.polyval(x[0], y),
    "gradient": lambda x, y: np.gradient(x, 0.5, axis=0) * y,
    "linspace": lambda x, y: np.linspace(x[0], y[0], 3) * y,
}

PRODUCTS = {
    "dot": lambda x, y: np.dot(x, y) + np.dot(x[0], y),
    "tensordot": lambda x, y: np.tensordot(x, y, axes=[[0], [1]]) * y,
    "vdot": lambda x, y: np.vdot(x, y),
    "inner": lambda x, y: np.inner(x, y) * y,
    "outer": lambda x, y: np.outer(x[0], y[1]) * y,
    "linalg.outer": lambda x, y: np.linalg.outer(x[0], y[1]) * y,
    "einsum": lambda x, y: np.einsum("ij,kj->ik", x, y) * y + np.einsum("ii->i", x),
    "trace": lambda x, y: np.trace(x @ y),
    "linalg.trace": lambda x, y: np.linalg.trace(x @ y),
    "kron": lambda x, y: np.kron(x, y) * np.arange(81).reshape(9, 9),
    "cross": lambda x, y: np.cross(x, y) * y,
    "linalg.cross": lambda x, y: np.linalg.cross(x, y) * y,
    "linalg.tensordot": lambda x, y: np.linalg.tensordot(x, y, axes=1) * y,
    "convolve": lambda x, y: np.convolve(np.ravel(x), y[0], mode="same") ** 2 + np.sum(np.convolve(x[0], y[0])),
    "correlate": lambda x, y: np.correlate(np.ravel(x), y[0]) ** 2,
    "linalg.matmul": lambda x, y: np.linalg.matmul(x, y) * y,
    "linalg.vecdot": lambda x, y: np.linalg.vecdot(x, y, axis=0) * y,
    "linalg.inv": lambda x, y: np.linalg.inv(turned(x)) * y,
    "linalg.det": lambda x, y: np.linalg.det(turned(x)),
    "linalg.slogdet": lambda x, y: np.linalg.slogdet(turned(x))[1],
    "linalg.solve": lambda x, y: np.linalg.solve(turned(x), y),
    "linalg.cholesky": lambda x, y: np.linalg.cholesky(turned(x)) * y,
    "linalg.matrix_power": lambda x, y: np.linalg.matrix_power(x, 3) * y,
    "linalg.multi_dot": lambda x, y: np.linalg.multi_dot([x, y, x]) * y,
    "linalg.eigh": lambda x, y: np.linalg.eigh(turned(x))[0] * y + np.linalg.eigh(turned(x)).eigenvectors,
    "linalg.eigvalsh": lambda x, y: np.linalg.eigvalsh(turned(x)) * y + np.linalg.eigvalsh(turned(x), "U") ** 2,
    "linalg.eig": lambda x, y: np.linalg.eig(turned(x) + y)[0] * y + np.linalg.eig(turned(x) + y).eigenvectors,
    "linalg.eigvals": lambda x, y: np.linalg.eigvals(turned(x) + y) * y,
    "linalg.svd": lambda x, y: np.linalg.svd(turned(x) + y)[1] * y,
    "linalg.svdvals": lambda x, y: np.linalg.svdvals(turned(x) + y) * y,
    "linalg.qr": lambda x, y: np.linalg.qr(turned(x) + y)[0] * y,
    "linalg.pinv": lambda x, y: np.linalg.pinv(turned(x)[:, :2]) * y[:2],
    "linalg.norm": lambda x, y: np.linalg.norm(x * y) + np.linalg.norm(x, 3, axis=0) + np.linalg.norm(y, "nuc"),
    "linalg.vector_norm": lambda x, y: (
        np.linalg.vector_norm(x * y, axis=0) + np.linalg.vector_norm(x, ord=3, keepdims=True)
    ),
    "linalg.matrix_norm": lambda x, y: np.linalg.matrix_norm(x * y, ord=1),
    "linalg.cond": lambda x, y: np.linalg.cond(turned(x)),
}


def power_of(z):
    """The squares of the sizes, unevenly weighted."""
    return (z.real**2 + z.imag**2) * np.arange(1.0, z.size + 1).reshape(z.shape) + z.imag


FOURIER = {
    "fft.fft": lambda x, y: power_of(np.fft.fft(x + 1j * y, axis=0, norm="ortho")),
    "fft.ifft": lambda x, y: power_of(np.fft.ifft(x + 1j * y, n=4)),
    "fft.fft2": lambda x, y: power_of(np.fft.fft2(x + 1j * y)),
    "fft.ifft2": lambda x, y: power_of(np.fft.ifft2(x + 1j * y)),
    "fft.fftn": lambda x, y: power_of(np.fft.fftn(x, norm="forward")) * y,
    "fft.ifftn": lambda x, y: power_of(np.fft.ifftn(x + 1j * y, axes=(0,))),
    "fft.rfft": lambda x, y: power_of(np.fft.rfft(x)) * y[:, :2],
    "fft.irfft": lambda x, y: np.fft.irfft(x + 1j * y, n=5) ** 2,
    "fft.hfft": lambda x, y: np.fft.hfft(x + 1j * y) ** 2,
    "fft.ihfft": lambda x, y: power_of(np.fft.ihfft(x)) * y[:, :2],
    "fft.rfft2": lambda x, y: power_of(np.fft.rfft2(x)) * y[:, :2],
    "fft.irfft2": lambda x, y: np.fft.irfft2(x + 1j * y) ** 2,
    "fft.rfftn": lambda x, y: power_of(np.fft.rfftn(x)) * y[:, :2],
    "fft.irfftn": lambda x, y: np.fft.irfftn(x + 1j * y, s=(3, 5), axes=(0, 1)) ** 2,
}

SAMPLES = {**MOVING, **TAKEN_TOGETHER, **PRODUCTS, **FOURIER}
"""A sample of every function of NumPy that is known."""
