"""Programs of a framework that has NumPy's functions as primitives: a function of arrays by name, and its arrays."""

import autograd
import autograd.numpy as np
import autograd.scipy.integrate
import autograd.scipy.linalg
import autograd.scipy.signal
import autograd.scipy.special as special
import autograd.scipy.stats as stats
import numpy as onp
from autograd.differential_operators import checkpoint
from autograd.extend import defvjp, notrace_primitive, primitive
from autograd.tracer import getval

RANDOM = onp.random.default_rng(7)


def normal(*shape):
    return RANDOM.normal(size=shape)


def between(low, high, *shape):
    return RANDOM.uniform(low, high, size=shape)


X, M, POSITIVE, SHARES = normal(8), normal(3, 4), between(0.5, 3.0, 5), between(0.1, 0.9, 5)
SYMMETRIC = onp.diag([4.0, 6.0, 9.0]) + 0.3


def recurrent(w, u, xs):
    h = np.zeros(3)
    for x in xs:
        h = np.tanh(np.dot(w, h) + np.dot(u, x))
    return h


def long_short_term_memory(w, xs):
    h, c = np.zeros(2), np.zeros(2)
    for x in xs:
        i, f, o, g = np.split(np.dot(w, np.concatenate([x, h])), 4)
        c = special.expit(f) * c + special.expit(i) * np.tanh(g)
        h = special.expit(o) * np.tanh(c)
    return h


def attention(q, k, v):
    scores = np.einsum("id,jd->ij", q, k) / np.sqrt(q.shape[-1])
    scores = np.where(onp.tril(onp.ones((3, 3))) > 0, scores, -np.inf)
    return np.dot(np.exp(scores - special.logsumexp(scores, axis=1, keepdims=True)), v)


def layer_norm(x, scale):
    centered = x - np.mean(x, axis=-1, keepdims=True)
    return scale * centered / np.sqrt(np.mean(centered**2, axis=-1, keepdims=True) + 1e-5)


def integrated(y, k):
    for _ in range(10):
        y = y + 0.1 * np.array([y[1], -k * y[0]])
    return y


def rosenbrock(x):
    return sum(100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2 for i in range(len(x) - 1))


def newton(x):
    y = np.ones_like(x)
    while np.max(np.abs(y * y - x)) > 1e-3:
        y = 0.5 * (y + x / y)
    return y


@primitive
def swish(x):
    return x / (1 + onp.exp(-x))


def _swish_gradient(error):
    def gradient(ans, x):
        s = 1 / (1 + onp.exp(-x))
        return lambda g: g * (s + x * s * (1 - s)) * onp.where(onp.arange(len(x)) == 3, 1 + error, 1)

    return gradient


defvjp(swish, _swish_gradient(0.0))


@primitive
def planted(x):
    return x / (1 + onp.exp(-x))


defvjp(planted, _swish_gradient(1e-9))


@primitive
def softmax_in_place(x):
    y = onp.exp(x - onp.max(x))
    y /= onp.sum(y)
    return y


defvjp(softmax_in_place, lambda ans, x: lambda g: ans * (g - np.sum(g * ans)))


@primitive
def to_python(x):
    return onp.array([float(v) ** 2 for v in x])


defvjp(to_python, lambda ans, x: lambda g: 2 * g * x)


@notrace_primitive
def constant(x):
    return x


def deterministic_noise(x):
    return x * onp.random.default_rng(3).normal(size=8)


def optimizer_step(w, x):
    gradient = autograd.grad(lambda w: np.mean((np.dot(x, w) - 1.0) ** 2))(w)
    return w - 0.1 * gradient / np.sqrt(gradient**2 + 1e-8)


def chosen(x):
    mask = (x > 0) & ~(x > 1.5) | (x < -1)
    return np.where(mask, np.log(np.where(x > 0, x, 1.0)), x**2) + x * (x < 0.3) + (x > 0.1).astype(float)


def bands(a, b):
    return autograd.scipy.linalg.solve_banded((1, 1), a + 4.0 * onp.array([[0.0], [1.0], [0.0]]), b)


def triangular(a, b):
    return autograd.scipy.linalg.solve_triangular(a + 3 * onp.eye(4), b, trans="T", lower=True)


def complex_products(x, y):
    z = x + 1j * y
    return np.abs(np.dot(z, np.conj(z[::-1])) + np.exp(z) / (2.0 + z)) ** 2


def beta_distribution(x, a):
    return stats.beta.logpdf(x, a, 2.0) + stats.beta.pdf(x, a, 1.5) + stats.beta.cdf(x, 2.5, 1.5)


def gamma_distribution(x):
    return stats.gamma.logpdf(x, 2.5) + stats.gamma.cdf(x, 1.5) + stats.gamma.pdf(x, 3.0)


def chi_squared(x):
    return stats.chi2.logpdf(x, 3.0) + stats.chi2.cdf(x, 3.0) + stats.chi2.pdf(x, 4.0)


def poisson(mu):
    k = onp.arange(5)
    return stats.poisson.logpmf(k, mu) + stats.poisson.cdf(2, mu) + stats.poisson.pmf(k, mu)


def dirichlet(a):
    x = SHARES / onp.sum(SHARES)
    return stats.dirichlet.logpdf(x, a) + stats.dirichlet.pdf(x, a)


def several_normals(x, m, c):
    cov, normals = SYMMETRIC + np.dot(c, c.T), stats.multivariate_normal
    return normals.logpdf(x, m, cov) + 100.0 * normals.pdf(x, m, cov, allow_singular=False) + normals.entropy(m, cov)


PROGRAMS = {
    "softmax": (lambda x: np.exp(x) / np.sum(np.exp(x)), (X,)),
    "logsumexp": (lambda x: special.logsumexp(x, axis=1), (M,)),
    "relu": (lambda x: np.maximum(x, 0.0), (X,)),
    "leaky relu": (lambda x: np.where(x > 0, x, 0.01 * x), (X,)),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), (X,)),
    "softplus": (lambda x: np.logaddexp(x, 0.0), (X,)),
    "softplus of powers of two": (lambda x: np.logaddexp2(x, 0.25), (X,)),
    "even steps": (lambda x: np.linspace(x[0], x[1], 4), (X,)),
    "even steps between arrays": (lambda x: np.linspace(x, x * x, 3), (X,)),
    "gelu": (lambda x: 0.5 * x * (1 + special.erf(x / onp.sqrt(2.0))), (X,)),
    "silu": (lambda x: x * special.expit(x), (X,)),
    "cross entropy": (lambda x: -special.logsumexp(x, axis=1) + x[onp.arange(3), onp.array([0, 2, 1])], (M,)),
    "binary cross entropy": (lambda w, x: np.log(1 + np.exp(-np.dot(x, w))), (normal(4), M)),
    "huber": (lambda x: np.where(np.abs(x) < 0.7, 0.5 * x**2, 0.7 * np.abs(x) - 0.245), (X,)),
    "perceptron": (
        lambda w, b, v, x: np.mean(np.dot(np.tanh(np.dot(x, w) + b), v) ** 2),
        (normal(4, 6), normal(6), normal(6, 2), normal(7, 4)),
    ),
    "layer norm": (layer_norm, (M, between(0.5, 2, 4))),
    "attention": (attention, (normal(3, 4), normal(3, 4), normal(3, 2))),
    "recurrent": (recurrent, (normal(3, 3), normal(3, 2), normal(5, 2))),
    "long short-term memory": (long_short_term_memory, (normal(8, 4), normal(3, 2))),
    "convolution": (lambda x, k: autograd.scipy.signal.convolve(x, k, mode="valid"), (normal(5, 6), normal(2, 3))),
    "convolution of channels": (
        lambda x, k: autograd.scipy.signal.convolve(x, k, axes=([2, 3], [2, 3]), dot_axes=([1], [0]), mode="full"),
        (normal(2, 3, 4, 4), normal(3, 2, 2, 2)),
    ),
    "convolution of equal size": (lambda x, k: autograd.scipy.signal.convolve(x, k, mode="same"), (X, normal(3))),
    "norms": (lambda a: np.linalg.norm(a) + np.linalg.norm(a, axis=0) + np.std(a, axis=0) + np.var(a), (M,)),
    "products": (
        lambda a, b: np.einsum("ij,kj->ik", a, b) + np.tensordot(a, b, ([1], [1])) + np.inner(a, b) + (a @ b.T),
        (M, normal(3, 4)),
    ),
    "outer products": (lambda a, b: np.outer(a, b) + np.kron(a, b)[:3, None] + np.cross(a, b), (normal(3), normal(3))),
    "running": (lambda x: np.cumsum(np.tanh(x)) + np.cumsum(M * x[:4], axis=1)[0, 0] + np.prod(x), (X,)),
    "ordered": (lambda x: np.sort(x) * onp.arange(8) + np.max(x) - np.min(x), (X,)),
    "indexed": (lambda x: x[onp.array([0, 2, 2])] * x[::-1][:3] + x[x > 0.1][0] + x[-1] * x[1:4], (X,)),
    "joined": (lambda x, y: np.concatenate([x, y, np.ones(2)]) * np.hstack([y, x, x[:2]]) ** 2, (X, normal(8))),
    "stacked": (lambda x, y: np.stack([x, y], 1) * np.vstack([x, y]).T + np.column_stack([y, x]), (X, normal(8))),
    "moved": (lambda a: np.roll(np.tile(np.transpose(a), (1, 2)), 1)[:, :4] * np.flipud(np.repeat(a, 2, 0)[:4]), (M,)),
    "padded": (lambda a: np.pad(a, ((1, 0), (0, 2)), "constant") ** 2 * np.triu(np.ones((4, 6))), (M,)),
    "diagonals": (lambda a: np.diag(a[0]) * np.diag(np.dot(a, a.T))[0] + np.trace(np.dot(a, a.T)), (M,)),
    "decided": (chosen, (X,)),
    "clipped": (lambda x: np.clip(x, -0.5, 0.9) + np.sign(x) * np.floor(x) * x + x % 0.7, (X,)),
    "powers": (lambda x: x**2 + POSITIVE**x + x**-1.5 + np.power(x, 3) + np.sqrt(x) + np.reciprocal(x), (POSITIVE,)),
    "elementary": (lambda x: np.sin(x) * np.arctan(x) + np.arcsinh(x) + np.log1p(x) + np.log2(x), (POSITIVE,)),
    "inverse functions": (lambda x: np.arcsin(x) + np.arccos(x) * np.arctanh(x) + np.arctan2(x, 1 - x), (SHARES,)),
    "sinc": (np.sinc, (POSITIVE,)),
    "gammaln": (special.gammaln, (POSITIVE,)),
    "gamma": (
        lambda x: special.gamma(x) + special.rgamma(x) + special.beta(x, 1.5) + special.betaln(x, 2.0),
        (SHARES,),
    ),
    "digamma": (lambda x: special.digamma(x) + special.psi(x) + special.polygamma(1, x), (POSITIVE,)),
    "multigammaln": (lambda a: special.multigammaln(a, 3), (onp.array(2.7),)),
    "incomplete gamma": (lambda x: special.gammainc(1.5, x) * special.gammaincc(0.7, x), (POSITIVE,)),
    "incomplete beta": (lambda x: special.betainc(1.5, 2.5, x), (SHARES,)),
    "error functions": (lambda x: special.erf(x) + special.erfc(x) * special.erfinv(x) + special.erfcinv(x), (SHARES,)),
    "logistic": (lambda x: special.logit(x) + special.expit(x), (SHARES,)),
    "Bessel": (lambda x: special.i0(x) + special.i1(x) + special.j0(x) * special.j1(x) + special.jn(1, x), (POSITIVE,)),
    "scaled Bessel": (lambda x: special.iv(1, x) * special.ive(0, x), (POSITIVE,)),
    "normal": (lambda x, m, s: stats.norm.logpdf(x, m, s) + stats.norm.pdf(x, m, s), (normal(5), normal(5), POSITIVE)),
    "tails of normal": (
        lambda x: stats.norm.cdf(x) + stats.norm.sf(x) * stats.norm.logcdf(x) + stats.norm.logsf(x),
        (normal(5),),
    ),
    "Student": (lambda x, df: stats.t.logpdf(x, df) + stats.t.pdf(x, df), (normal(5), POSITIVE)),
    "distribution of Student": (lambda x: stats.t.cdf(x, 3.0) + stats.t.logcdf(x, 3.0), (normal(5),)),
    "beta": (beta_distribution, (SHARES, POSITIVE)),
    "gamma distribution": (gamma_distribution, (POSITIVE,)),
    "chi squared": (chi_squared, (POSITIVE,)),
    "Poisson": (poisson, (POSITIVE,)),
    "Dirichlet": (dirichlet, (POSITIVE,)),
    "several normals": (several_normals, (normal(4, 3), normal(3), 0.3 * normal(3, 3))),
    "systems": (lambda a, b: np.linalg.solve(a, b), (normal(4, 4) + 3 * onp.eye(4), normal(4))),
    "inverse": (lambda a: np.linalg.inv(a) * a, (normal(3, 3) + 3 * onp.eye(3),)),
    "determinants": (lambda a: np.linalg.det(a) + np.linalg.slogdet(a)[1], (normal(3, 3) + 3 * onp.eye(3),)),
    "Cholesky": (lambda a: np.linalg.cholesky(SYMMETRIC + np.dot(a, a.T)), (normal(3, 3),)),
    "eigenvectors": (lambda a: np.linalg.eigh(np.dot(a, a.T))[1] * np.linalg.eigh(np.dot(a, a.T))[0], (normal(3, 3),)),
    "singular values": (lambda a: np.linalg.svd(a, compute_uv=False), (M,)),
    "singular vectors": (lambda a: np.linalg.svd(a, full_matrices=False)[2], (M,)),
    "pseudoinverse": (np.linalg.pinv, (normal(4, 2),)),
    "triangular": (triangular, (normal(4, 4), normal(4, 2))),
    "banded": (bands, (normal(3, 4), normal(4))),
    "Sylvester": (
        lambda q: autograd.scipy.linalg.solve_sylvester(SYMMETRIC, SYMMETRIC[:2, :2], q),
        (normal(3, 2),),
    ),
    "root of a matrix": (lambda a: autograd.scipy.linalg.sqrtm(np.dot(a, a.T) + onp.eye(3)), (normal(3, 3),)),
    "eigenvalues of any matrix": (lambda a: np.abs(np.linalg.eig(a)[0]), (normal(3, 3),)),
    "own primitive": (swish, (X,)),
    "own primitive in place": (softmax_in_place, (X,)),
    "checkpoint": (lambda x: checkpoint(lambda x: np.tanh(x) * np.sum(x))(x), (X,)),
    "integrated": (integrated, (normal(2), onp.array(1.3))),
    "rosenbrock": (rosenbrock, (X,)),
    "Newton": (newton, (POSITIVE,)),
    "gradient within": (lambda x: autograd.elementwise_grad(lambda x: np.tanh(x) ** 3)(x), (X,)),
    "gradient of indexing within": (lambda x: autograd.grad(lambda x: x[0] * x[1] ** 2 + np.sum(x[2:] ** 3))(x), (X,)),
    "jacobian within": (lambda x: autograd.jacobian(lambda x: np.sin(x) * np.sum(x))(x), (normal(3),)),
    "step of an optimizer": (optimizer_step, (normal(4), M)),
    "noise of a fixed seed": (deterministic_noise, (X,)),
    "Fourier": (lambda x: np.abs(np.fft.fft(x)) ** 2, (X,)),
    "inverse Fourier": (lambda x: np.real(np.fft.ifft(x * onp.exp(1j * onp.arange(8)), norm="ortho")), (X,)),
    "half Fourier": (lambda x: np.fft.irfft(np.fft.rfft(x) * onp.arange(5) * (1 + 0.5j)), (X,)),
    "Fourier in two": (lambda a: np.imag(np.fft.fft2(a)) + np.real(np.fft.ifft2(a)), (M,)),
    "complex products": (complex_products, (X, normal(8))),
    "complex argument": (lambda z: np.abs(z) + np.real(z * z) * np.imag(np.sin(z)), (normal(4) + 1j * normal(4),)),
    "complex angle": (lambda x: np.angle(x + 1j * x**2) + np.imag(np.log(x + 2j)), (X,)),
}

NARROW = "softmax, gelu, cross entropy, perceptron, layer norm, attention, recurrent, convolution, gammaln, systems, "
NARROW += "Cholesky, own primitive, integrated, normal, ordered, decided, Fourier"

REFUSED = {
    "random": (lambda x: x * onp.random.normal(size=8), "random"),
    "to_python": (to_python, "float"),
    "odeint": (lambda x: autograd.scipy.integrate.odeint(lambda y, t: -y, x, onp.array([0.0, 1.0])), "odeint"),
    "yn of another order": (lambda x: special.yn(2, np.abs(x)), "yn"),
    "jn of another order": (lambda x: special.jn(3, x), "jv"),
    "singular vectors beyond": (lambda x: np.linalg.svd(np.reshape(x, (2, 4)))[2], "linalg.svd"),
}
"""Programs of eight numbers, and what they are refused for."""

LEAVES = {
    "getval": lambda x: x * getval(x),
    "own constant": lambda x: x * constant(x),
}
"""Programs of which a value leaves the trace, and comes back as a constant."""
