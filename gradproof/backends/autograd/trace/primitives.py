"""Primitives of autograd whose own code takes no recorded arrays: it leaves NumPy for SciPy, or writes to memory. They
are operations of their own, held to the mathematical function."""

import string
import sys
from collections.abc import Callable, Sequence
from typing import Any

import autograd.numpy.numpy_wrapper as wrapped
import numpy as np
import scipy.linalg
import scipy.special
from autograd.core import VSpace, sparse_add
from autograd.numpy import numpy_vjps

from gradproof.backends.numpy.trace.moving import joined, together
from gradproof.backends.numpy.trace.recorded import Recorded, Recording
from gradproof.backends.numpy.trace.reductions import logsumexp
from gradproof.oracles.tape import factorizations

Rule = Callable[..., Any]

# Arrays


def array_from_args(recording: Recording, args: Sequence[Any], kwargs: dict, *entries: Any) -> Any:
    """np.array of a list."""
    result = joined(recording, np.stack, list(entries))
    return np.copy(_as_asked(result, *args, **kwargs))


def array_from_array(recording: Recording, args: Sequence[Any], kwargs: dict, x: Any) -> Any:
    """np.array of an array."""
    return np.copy(_as_asked(recording.gathered(x), *args, **kwargs))


def _as_asked(x: Recorded, dtype: Any = None, *, ndmin: int = 0, **_: Any) -> Any:
    x = x if dtype is None else x.astype(dtype)
    return np.reshape(x, (1,) * max(ndmin - x.ndim, 0) + x.shape)


def make_diagonal(recording: Recording, x: Recorded, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Recorded:
    result = np.zeros_like(x, shape=(*x.shape, x.shape[-1]))
    places = np.arange(x.shape[-1])
    result[..., places, places] = x
    return result


# Sums of adjoints, of gradients that are taken within a function


def mut_add(recording: Recording, space: VSpace, x: Any, y: Any) -> Any:
    return np.copy(y) if x is None else _summed(recording, x, y)


def _summed(recording: Recording, x: Any, y: Any) -> Any:
    if not isinstance(x, Recorded):
        recording.refuse("VSpace.mut_add", "an adjoint that is constant so far is written to")
    return x + y


def add_sparse(recording: Recording, space: VSpace, x: Any, y: Any) -> Any:
    if x is None:
        x = recording.of(recording.lift(np.zeros(space.shape), space.dtype))
    elif not isinstance(x, Recorded):
        recording.refuse("sparse_add", "an adjoint that is constant so far is written to")
    total = np.copy(x)
    return y.mut_add(total)


def dot_adjoint_0(recording: Recording, b: Any, g: Any, of_a: tuple, of_b: tuple) -> Any:
    """The adjoint of a in np.dot(a, b), from that of the product."""
    if of_a[1] == 0:
        return np.sum(np.multiply(g, b)).astype(of_a[2])
    if of_b[1] < 2:
        return np.multiply(g if of_b[1] == 0 else g[..., None], b).astype(of_a[2])
    return np.tensordot(g, np.moveaxis(b, -2, -1), of_b[1] - 1).astype(of_a[2])


def dot_adjoint_1(recording: Recording, a: Any, g: Any, of_a: tuple, of_b: tuple) -> Any:
    """The adjoint of b in np.dot(a, b), from that of the product."""
    if of_b[1] == 0:
        return np.sum(np.multiply(a, g)).astype(of_b[2])
    if of_a[1] < 2:
        columns = of_a[1] == 1 and of_b[1] > 1
        return np.multiply(a[:, None] if columns else a, g[..., None, :] if columns else g).astype(of_b[2])
    shared = range(of_a[1] - 1)
    product = np.tensordot(a, g, (shared, shared))
    return (np.moveaxis(product, 0, -2) if of_b[1] > 1 else product).astype(of_b[2])


# Special functions


def polygamma(recording: Recording, n: Any, x: Any) -> Any:
    order = recording.tape.constant(np.asarray(recording.plain(n), float), recording.format_of(x.dtype))
    return recording.of(recording.tape.map("polygamma", order, x.cells))


def multigammaln(recording: Recording, a: Any, d: Any) -> Any:
    d = int(d)
    total = 0.25 * d * (d - 1) * np.log(_pi(recording, a))
    for j in range(d):
        total = total + scipy.special.gammaln(a - 0.5 * j)
    return total


def _pi(recording: Recording, like: Recorded) -> Recorded:
    """π itself, and no number near it."""
    one = recording.tape.constant(1.0, recording.format_of(like.dtype))
    return recording.of(4.0 * recording.tape.map("atan", one))


# Distributions. All take what SciPy's do, by position.


def _recorded(recording: Recording, *parameters: Any) -> list[Recorded]:
    return together(recording, parameters)


def _normal(of: Callable[[Recording, Recorded, Recorded], Any]) -> Rule:
    def rule(recording: Recording, x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
        x, loc, scale = _recorded(recording, x, loc, scale)
        return of(recording, (x - loc) / scale, scale)

    return rule


def _normal_logpdf(recording: Recording, z: Recorded, scale: Recorded) -> Recorded:
    return -0.5 * z * z - 0.5 * np.log(2.0 * _pi(recording, z)) - np.log(scale)


def _normal_pdf(recording: Recording, z: Recorded, scale: Recorded) -> Recorded:
    return np.exp(-0.5 * z * z) / (np.sqrt(2.0 * _pi(recording, z)) * scale)


NORM = {
    "pdf": _normal(_normal_pdf),
    "logpdf": _normal(_normal_logpdf),
    "cdf": _normal(lambda recording, z, scale: scipy.special.ndtr(z)),
    "sf": _normal(lambda recording, z, scale: scipy.special.ndtr(-z)),
    "logcdf": _normal(lambda recording, z, scale: scipy.special.log_ndtr(z)),
    "logsf": _normal(lambda recording, z, scale: scipy.special.log_ndtr(-z)),
}


def t_logpdf(recording: Recording, x: Any, df: Any, loc: Any = 0.0, scale: Any = 1.0) -> Recorded:
    x, df, loc, scale = _recorded(recording, x, df, loc, scale)
    z, gammaln = (x - loc) / scale, scipy.special.gammaln
    norm = gammaln(0.5 * (df + 1.0)) - gammaln(0.5 * df) - 0.5 * np.log(_pi(recording, df) * df) - np.log(scale)
    return norm - 0.5 * (df + 1.0) * np.log1p(z * z / df)


def t_cdf(recording: Recording, x: Any, df: Any, loc: Any = 0.0, scale: Any = 1.0) -> Recorded:
    x, df, loc, scale = _recorded(recording, x, df, loc, scale)
    z = (x - loc) / scale
    # Of the forms with the incomplete beta function this one is smooth at 0.
    return scipy.special.betainc(0.5 * df, 0.5 * df, 0.5 * (1.0 + z / np.sqrt(z * z + df)))


def t_logcdf(recording: Recording, *parameters: Any, **options: Any) -> Recorded:
    return np.log(t_cdf(recording, *parameters, **options))


def _exponential_of(rule: Rule) -> Rule:
    return lambda recording, *parameters, **options: np.exp(rule(recording, *parameters, **options))


def beta_logpdf(recording: Recording, x: Any, a: Any, b: Any) -> Recorded:
    x, a, b = _recorded(recording, x, a, b)
    return (a - 1.0) * np.log(x) + (b - 1.0) * np.log1p(-x) - scipy.special.betaln(a, b)


def beta_cdf(recording: Recording, x: Any, a: Any, b: Any) -> Recorded:
    x, a, b = _recorded(recording, x, a, b)
    return scipy.special.betainc(a, b, x)


def gamma_logpdf(recording: Recording, x: Any, a: Any) -> Recorded:
    x, a = _recorded(recording, x, a)
    return (a - 1.0) * np.log(x) - x - scipy.special.gammaln(a)


def gamma_cdf(recording: Recording, x: Any, a: Any) -> Recorded:
    x, a = _recorded(recording, x, a)
    return scipy.special.gammainc(a, x)


def chi2_logpdf(recording: Recording, x: Any, df: Any) -> Recorded:
    x, df = _recorded(recording, x, df)
    k, two = 0.5 * df, recording.of(recording.lift(2.0, x.dtype))
    return (k - 1.0) * np.log(x) - 0.5 * x - k * np.log(two) - scipy.special.gammaln(k)


def chi2_cdf(recording: Recording, x: Any, df: Any) -> Recorded:
    x, df = _recorded(recording, x, df)
    return scipy.special.gammainc(0.5 * df, 0.5 * x)


def poisson_logpmf(recording: Recording, k: Any, mu: Any) -> Recorded:
    k, mu = _recorded(recording, np.asarray(recording.plain(k), float), mu)
    return scipy.special.xlogy(k, mu) - scipy.special.gammaln(k + 1.0) - mu


def poisson_cdf(recording: Recording, k: Any, mu: Any) -> Recorded:
    k, mu = _recorded(recording, np.floor(np.asarray(recording.plain(k), float)), mu)
    return scipy.special.gammaincc(k + 1.0, mu)


def dirichlet_logpdf(recording: Recording, x: Any, alpha: Any) -> Recorded:
    x, alpha = _recorded(recording, x, alpha)
    if x.shape[0] == alpha.shape[0] - 1:
        x = np.concatenate([x, 1.0 - np.sum(x, axis=0, keepdims=True)])
    gammaln = scipy.special.gammaln
    powers = np.reshape(alpha - 1.0, (-1, *(1,) * (x.ndim - 1)))
    return gammaln(np.sum(alpha)) - np.sum(gammaln(alpha)) + np.sum(scipy.special.xlogy(powers, x), axis=0)


def many_normals_logpdf(
    recording: Recording, x: Any, mean: Any = None, cov: Any = 1.0, allow_singular: bool = False
) -> Recorded:
    """scipy.stats.multivariate_normal.logpdf"""
    if allow_singular:
        recording.refuse("multivariate_normal.logpdf", "allow_singular=True has no rule")
    x, mean, cov = _recorded(recording, x, 0.0 if mean is None else mean, cov)
    n = max(np.ndim(x) and x.shape[-1], mean.size, cov.shape[-1] if cov.ndim == 2 else 1)
    if cov.ndim < 2:
        cov = cov * np.eye(n)
    apart = np.reshape(x - mean, (*x.shape[:-1], n) if x.ndim else (n,))
    solved = np.matmul(np.linalg.inv(cov), apart[..., None])[..., 0]
    distance = np.sum(apart * solved, axis=-1)
    return -0.5 * (distance + n * np.log(2.0 * _pi(recording, x)) + np.linalg.slogdet(cov)[1])


def many_normals_entropy(recording: Recording, mean: Any = None, cov: Any = 1.0) -> Recorded:
    """scipy.stats.multivariate_normal.entropy"""
    (cov,) = _recorded(recording, cov)
    n = cov.shape[-1]
    return 0.5 * (n * (np.log(2.0 * _pi(recording, cov)) + 1.0) + np.linalg.slogdet(cov)[1])


# Linear algebra of SciPy

TRANSPOSED = {0: "N", 1: "T", 2: "C", "N": "N", "T": "T", "C": "C"}


def solve_triangular(
    recording: Recording,
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    *_: Any,
    **__: Any,
) -> Recorded:
    a, b = together(recording, [a, b])
    way = TRANSPOSED[trans]
    if way != "N":
        a, lower = np.swapaxes(a, -1, -2), not lower
    a = np.conj(a) if way == "C" else a
    columns = b if b.ndim > 1 else b[:, None]
    x = factorizations.solve_triangular(a.cells, columns.cells, lower=lower, unit_diagonal=unit_diagonal)
    return recording.of(x) if b.ndim > 1 else recording.of(x)[:, 0]


def solve_banded(recording: Recording, sizes: tuple[int, int], bands: Any, b: Any, *_: Any, **__: Any) -> Recorded:
    bands, b = together(recording, [bands, b])
    n, (below, above) = bands.shape[1], sizes
    full = np.zeros_like(bands, shape=(n, n))
    for i in range(n):
        for j in range(max(0, i - below), min(n, i + above + 1)):
            full[i, j] = bands[above + i - j, j]
    return np.linalg.solve(full, b)


def solve_sylvester(recording: Recording, a: Any, b: Any, q: Any) -> Recorded:
    """x with a x + x b = q: one linear system."""
    a, b, q = together(recording, [a, b, q])
    n, m = q.shape
    system = np.kron(a, np.eye(m)) + np.kron(np.eye(n), np.swapaxes(b, 0, 1))
    return np.reshape(np.linalg.solve(system, np.ravel(q)), (n, m))


def sqrtm(recording: Recording, a: Any, *_: Any, **__: Any) -> Recorded:
    return recording.of(factorizations.sqrtm(a.cells, scipy.linalg.sqrtm(a.value)))


# Convolutions


def convolve(
    recording: Recording,
    x: Any,
    y: Any,
    axes: Any = None,
    dot_axes: Any = ((), ()),
    mode: str = "full",
) -> Recorded:
    """autograd.scipy.signal.convolve: one of the two slides over the other, which is padded."""
    x, y = together(recording, [x, y])
    axes = (range(x.ndim), range(x.ndim)) if axes is None else axes
    pairs = list(zip(*axes, strict=True))
    larger = mode == "same" or (mode == "valid" and any(y.shape[b] < x.shape[a] for a, b in pairs))
    letters = iter(string.ascii_letters)
    names = [[next(letters) for _ in range(x.ndim)], [next(letters) for _ in range(y.ndim)]]
    for a, b in zip(*dot_axes, strict=True):
        names[1][b] = names[0][a]
    free = [[n for i, n in enumerate(names[k]) if i not in axes[k] and i not in dot_axes[k]] for k in (0, 1)]
    still, moving = (0, 1) if larger else (1, 0)
    kernel, padded = ((x, y)[k] for k in (moving, still))
    results = [names[still][a] for a in axes[still]]
    view, window = _windows(recording, padded, kernel, axes[still], axes[moving], mode)
    inner = [next(letters) for _ in results]
    for name, a in zip(inner, axes[moving], strict=True):
        names[moving][a] = name
    equation = f"{''.join(names[still] + inner)},{''.join(names[moving])}->{''.join(free[0] + free[1] + results)}"
    return np.einsum(equation, view, window)


def _windows(
    recording: Recording, padded: Recorded, kernel: Recorded, places: Any, sizes: Any, mode: str
) -> tuple[Recorded, Recorded]:
    """The windows of one array over which the other, turned around, is summed."""
    widths, lengths = [(0, 0)] * padded.ndim, []
    for place, axis in zip(places, sizes, strict=True):
        k = kernel.shape[axis]
        lengths.append(k)
        right = (k - 1) // 2
        widths[place] = {"full": (k - 1, k - 1), "same": (k - 1 - right, right), "valid": (0, 0)}[mode]
    view = np.pad(padded, widths).moved(np.lib.stride_tricks.sliding_window_view, lengths, tuple(places))
    return view, np.flip(kernel, tuple(sizes))


def refused(name: str, reason: str) -> Rule:
    """The rule of what has none."""

    def rule(recording: Recording, *_: Any, **__: Any) -> Any:
        recording.refuse(name, reason)

    return rule


BASE: dict[Callable, Rule] = {
    wrapped.array_from_args: array_from_args,
    wrapped._array_from_scalar_or_array: array_from_array,
    wrapped.make_diagonal: make_diagonal,
    VSpace.mut_add: mut_add,
    sparse_add: add_sparse,
    numpy_vjps.dot_adjoint_0: dot_adjoint_0,
    numpy_vjps.dot_adjoint_1: dot_adjoint_1,
}

MODULES: dict[str, dict[str, Rule]] = {
    "special": {"logsumexp": logsumexp, "polygamma": polygamma, "multigammaln": multigammaln},
    "linalg": {
        "solve_triangular": solve_triangular,
        "solve_banded": solve_banded,
        "solve_sylvester": solve_sylvester,
        "sqrtm": sqrtm,
    },
    "signal": {"convolve": convolve},
    "integrate": {"odeint": refused("odeint", "the steps of the integrator are not followed")},
    "stats.norm": NORM,
    "stats.t": {"logpdf": t_logpdf, "pdf": _exponential_of(t_logpdf), "cdf": t_cdf, "logcdf": t_logcdf},
    "stats.beta": {"logpdf": beta_logpdf, "pdf": _exponential_of(beta_logpdf), "cdf": beta_cdf},
    "stats.gamma": {"logpdf": gamma_logpdf, "pdf": _exponential_of(gamma_logpdf), "cdf": gamma_cdf},
    "stats.chi2": {"logpdf": chi2_logpdf, "pdf": _exponential_of(chi2_logpdf), "cdf": chi2_cdf},
    "stats.poisson": {"logpmf": poisson_logpmf, "pmf": _exponential_of(poisson_logpmf), "cdf": poisson_cdf},
    "stats.dirichlet": {"logpdf": dirichlet_logpdf, "pdf": _exponential_of(dirichlet_logpdf)},
    "stats.multivariate_normal": {
        "logpdf": many_normals_logpdf,
        "pdf": _exponential_of(many_normals_logpdf),
        "entropy": many_normals_entropy,
    },
}
"""The rules by module of autograd.scipy."""

NAMES = [f"{module}.{name}" for module, rules in MODULES.items() for name in rules if module != "integrate"]


def known_primitives() -> dict[Callable, Rule]:
    """The primitives of all modules that somebody has imported. Importing SciPy's distributions takes a second."""
    known = dict(BASE)
    for module, rules in MODULES.items():
        loaded = sys.modules.get(f"autograd.scipy.{module}")
        known |= {getattr(loaded, name): rule for name, rule in rules.items() if hasattr(loaded, name)}
    return known
