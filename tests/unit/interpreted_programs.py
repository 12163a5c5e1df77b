"""Functions of public namespaces, each with arguments, for the tests of the front end that interprets programs.
Imported by those tests alone, when they run: the framework takes a second to load."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy import linalg, ndimage, signal, special, stats

_random = np.random.default_rng(7)


def normal(*shape: int) -> np.ndarray:
    """Normal numbers."""
    return _random.normal(size=shape)


def between(low: float, high: float, *shape: int) -> np.ndarray:
    """Uniform numbers."""
    return _random.uniform(low, high, shape)


def unlike_zero(*shape: int) -> np.ndarray:
    """Complex numbers that keep away from zero and from the cuts."""
    return between(0.5, 2.0, *shape) + 1j * between(0.2, 1.5, *shape)


def regular(n: int, *stack: int) -> np.ndarray:
    """Well-conditioned matrices."""
    return normal(*stack, n, n) + 3 * np.eye(n)


def positive_definite(a: Any) -> Any:
    """A symmetric positive definite matrix made from any."""
    return a @ a.T + jnp.eye(a.shape[-1])


def activations() -> dict[str, tuple]:
    """jax.nn, elementwise."""
    names = "celu elu gelu glu hard_silu hard_tanh leaky_relu log_sigmoid mish relu relu6 selu sigmoid silu soft_sign "
    names += "softplus sparse_plus squareplus standardize tanh"
    smooth = {name: (getattr(jax.nn, name), normal(8)) for name in names.split()}
    exact = {"gelu by erf": (lambda x: jax.nn.gelu(x, approximate=False), normal(8))}
    over_rows = {name: (getattr(jax.nn, name), normal(2, 5)) for name in ("softmax", "log_softmax", "logsumexp")}
    return smooth | exact | over_rows


def losses() -> dict[str, tuple]:
    """What is minimized."""
    labels = np.array([1, 0, 2])

    def cross_entropy(z: Any) -> Any:
        return -jnp.mean(jnp.sum(jax.nn.one_hot(labels, 4) * jax.nn.log_softmax(z), -1))

    def sparse_cross_entropy(z: Any) -> Any:
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), labels[:, None], 1))

    def binary_cross_entropy(z: Any, y: Any) -> Any:
        return jnp.mean(jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z))))

    def huber(x: Any, y: Any) -> Any:
        error = jnp.abs(x - y)
        return jnp.mean(jnp.where(error < 0.5, 0.5 * error**2, 0.5 * (error - 0.25)))

    def contrastive(x: Any) -> Any:
        x = x / jnp.linalg.norm(x, axis=1, keepdims=True)
        return -jnp.mean(jnp.diag(jax.nn.log_softmax(x @ x[::-1].T / 0.5)))

    return {
        "cross entropy": (cross_entropy, normal(3, 4)),
        "sparse cross entropy": (sparse_cross_entropy, normal(3, 4)),
        "binary cross entropy": (binary_cross_entropy, normal(6), between(0, 1, 6)),
        "huber": (huber, normal(6), normal(6)),
        "contrastive": (contrastive, normal(3, 4)),
        "kl divergence": (special.kl_div, between(0.2, 1, 5), between(0.2, 1, 5)),
    }


def layers() -> dict[str, tuple]:
    """Norms, attention, convolutions, recurrent cells."""

    def layer_norm(x: Any, gain: Any, bias: Any) -> Any:
        mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
        return (x - mean) * lax.rsqrt(variance + 1e-5) * gain + bias

    def causal_attention(q: Any, k: Any, v: Any) -> Any:
        scores = q @ k.T / jnp.sqrt(q.shape[-1])
        return jax.nn.softmax(jnp.where(jnp.tril(jnp.ones(scores.shape, bool)), scores, -jnp.inf)) @ v

    def recurrent(w: Any, u: Any, start: Any, xs: Any) -> Any:
        def step(h: Any, x: Any) -> tuple[Any, Any]:
            h = jnp.tanh(w @ h + u @ x)
            return h, h.sum()

        return lax.scan(step, start, xs)

    def long_short_term_memory(wx: Any, wh: Any, b: Any, xs: Any) -> Any:
        def step(state: Any, x: Any) -> tuple[Any, Any]:
            h, c = state
            i, f, g, o = jnp.split(x @ wx + h @ wh + b, 4)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        return lax.scan(step, (jnp.zeros(3), jnp.zeros(3)), xs)[1]

    def perceptron(*parameters: Any) -> Any:
        x = jnp.linspace(-1.0, 1.0, 12).reshape(3, 4)
        for w, b in zip(parameters[::2], parameters[1::2], strict=True):
            x = jnp.tanh(x @ w + b)
        return x

    def image_convolution(x: Any, w: Any) -> Any:
        return lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))

    def pooled(x: Any) -> Any:
        return lax.reduce_window(x, -jnp.inf, lax.max, (2, 2), (2, 2), "VALID")

    def grouped(x: Any, w: Any) -> Any:
        return lax.conv_general_dilated(x, w, (2,), [(1, 1)], rhs_dilation=(2,), feature_group_count=2)

    def gradient_of_grouped(x: Any, w: Any) -> Any:
        return jax.grad(lambda w: (lax.conv_general_dilated(x, w, (1,), [(1, 1)], feature_group_count=2) ** 2).sum())(w)

    heads = (normal(1, 3, 2, 4), normal(1, 3, 2, 4), normal(1, 3, 2, 4))
    return {
        "layer norm": (layer_norm, normal(3, 6), normal(6), normal(6)),
        "causal attention": (causal_attention, normal(4, 3), normal(4, 3), normal(4, 2)),
        "dot product attention": (lambda q, k, v: jax.nn.dot_product_attention(q, k, v, is_causal=True), *heads),
        "recurrent cell": (recurrent, normal(3, 3), normal(3, 2), normal(3), normal(4, 2)),
        "long short-term memory": (long_short_term_memory, normal(2, 12), normal(3, 12), normal(12), normal(3, 2)),
        "perceptron": (perceptron, normal(4, 5), normal(5), normal(5, 2), normal(2)),
        "convolution of an image": (image_convolution, normal(1, 4, 4, 2), normal(3, 3, 2, 3)),
        "grouped dilated convolution": (grouped, normal(2, 4, 9), normal(4, 2, 3)),
        "gradient of a grouped convolution": (gradient_of_grouped, normal(2, 4, 6), normal(4, 2, 3)),
        "transposed convolution": (
            lambda x, w: lax.conv_transpose(x, w, (2, 2), "SAME"),
            normal(1, 3, 3, 2),
            normal(3, 3, 2, 3),
        ),
        "largest of windows": (pooled, normal(4, 4)),
        "smallest of windows": (
            lambda x: lax.reduce_window(x, jnp.inf, lax.min, (3,), (1,), "SAME"),
            normal(9),
        ),
        "sum of windows": (lambda x: lax.reduce_window(x, 0.0, lax.add, (2, 2), (1, 1), "SAME"), normal(4, 4)),
        "gradient of pooling": (lambda x: jax.grad(lambda y: (pooled(y) ** 2).sum())(x), normal(4, 4)),
        "tangent of pooling": (lambda x: jax.jvp(lambda y: pooled(y) ** 2, (x,), (jnp.ones((4, 4)),))[1], normal(4, 4)),
        "embedding": (lambda e: e[jnp.array([0, 2, 2, 1])], normal(4, 3)),
        "dropout": (
            lambda x: jnp.where(jax.random.bernoulli(jax.random.key(3), 0.5, x.shape), 2 * x, 0.0),
            normal(6),
        ),
        "resized image": (lambda x: jax.image.resize(x, (5, 5), "bicubic"), normal(3, 3)),
    }


def special_functions() -> dict[str, tuple]:
    """jax.scipy.special and jax.scipy.stats."""
    names = "digamma entr erf erfc expi expit exp1 fresnel gamma gammaln i0 i0e i1 i1e log_ndtr ndtr sici"
    table = {name: (getattr(special, name), between(0.5, 3, 3)) for name in names.split()}
    table |= {name: (getattr(special, name), between(0.1, 0.9, 3)) for name in ("erfinv", "logit", "ndtri")}
    return table | {
        "beta": (special.beta, between(0.5, 3, 3), between(0.5, 3, 3)),
        "bessel_jn": (lambda x: special.bessel_jn(x, v=2), between(0.5, 3, 2)),
        "betainc": (lambda x: special.betainc(2.0, 3.0, x), between(0.1, 0.9, 3)),
        # Near the real axis JAX has but a dozen digits of wofz.
        "wofz": (lambda x, y: special.wofz(x + 1j * y), between(0.5, 3, 3), between(1, 2, 3)),
        "erfcx": (special.erfcx, np.array([-1.5, 0.5, 30.0])),
        "expn": (lambda x: special.expn(2, x), between(0.5, 3, 3)),
        "gammainc": (lambda x: special.gammainc(2.5, x), between(0.5, 3, 3)),
        "gammaincc": (lambda x: special.gammaincc(2.5, x), between(0.5, 3, 3)),
        "polygamma": (lambda x: special.polygamma(1, x), between(0.5, 3, 3)),
        "rel_entr": (special.rel_entr, between(0.5, 3, 3), between(0.5, 3, 3)),
        "sinc": (jnp.sinc, np.array([0.0, 0.3, -1.7])),
        "xlogy": (special.xlogy, between(0.5, 3, 3), between(0.5, 3, 3)),
        "zeta": (lambda q: special.zeta(2.5, q), between(0.5, 3, 3)),
        "density of beta": (stats.beta.logpdf, between(0.2, 0.8, 3), between(1, 2, 3), between(1, 2, 3)),
        "density of gamma": (stats.gamma.logpdf, between(0.2, 2, 3), between(1, 2, 3)),
        "density of normal": (stats.norm.logpdf, normal(3), normal(3), between(1, 2, 3)),
        "density of t": (stats.t.logpdf, normal(3), between(1, 3, 3)),
        "density of von Mises": (stats.vonmises.logpdf, normal(3), between(1, 3, 3)),
        "density of several normals": (
            lambda x, m, a: stats.multivariate_normal.logpdf(x, m, positive_definite(a)),
            normal(3),
            normal(3),
            normal(3, 3),
        ),
    }


def linear_algebra() -> dict[str, tuple]:
    """jax.numpy.linalg and jax.scipy.linalg."""

    def by_factors(a: Any, b: Any) -> Any:
        p = positive_definite(a)
        return linalg.cho_solve(linalg.cho_factor(p), b), linalg.lu_solve(linalg.lu_factor(a), b)

    def by_conjugate_gradients(a: Any, b: Any) -> Any:
        return jax.scipy.sparse.linalg.cg(lambda v: positive_definite(a) @ v, b, tol=1e-14)[0]

    def of_a_tree(a: Any, b: Any) -> Any:
        def product(v: dict[str, Any]) -> dict[str, Any]:
            return {"x": positive_definite(a) @ v["x"], "y": 3.0 * v["y"]}

        return jax.scipy.sparse.linalg.cg(product, {"x": b, "y": b[:2]}, tol=1e-14)[0]

    return {
        "systems": (jnp.linalg.solve, regular(4), normal(4)),
        "stacks of systems": (jnp.linalg.solve, regular(3, 2), normal(2, 3, 2)),
        "mapped systems": (jax.vmap(jnp.linalg.solve, (None, 0)), regular(3), normal(4, 3)),
        "inverse": (jnp.linalg.inv, regular(3)),
        "determinant": (jnp.linalg.det, regular(4)),
        "log determinant": (lambda a: jnp.linalg.slogdet(a)[1], regular(4)),
        "Cholesky": (lambda a: jnp.linalg.cholesky(positive_definite(a)), regular(4)),
        "by factors": (by_factors, regular(3), normal(3, 2)),
        "by conjugate gradients": (by_conjugate_gradients, normal(3, 3), normal(3)),
        "by conjugate gradients on a tree": (of_a_tree, normal(3, 3), normal(3)),
        "triangular": (lambda a, b: linalg.solve_triangular(a, b, lower=True), regular(4), normal(4)),
        "triangular transposed": (lambda a, b: linalg.solve_triangular(a, b, trans=1), regular(4), normal(4, 2)),
        "tridiagonal": (
            lambda a, d, b: lax.linalg.tridiagonal_solve(a, d, a / 2, b),
            normal(4),
            normal(4) + 5,
            normal(4, 1),
        ),
        "eigenvectors": (lambda a: jnp.linalg.eigh(a + a.T), normal(4, 4)),
        "eigenvalues of any matrix": (lambda a: jnp.linalg.eigvals(a), normal(3, 3)),
        "singular values": (lambda a: jnp.linalg.svd(a, compute_uv=False), normal(3, 4)),
        "singular vectors": (lambda a: jnp.linalg.svd(a, full_matrices=False), normal(4, 3)),
        "QR": (jnp.linalg.qr, normal(4, 3)),
        "QR of a wide matrix": (jnp.linalg.qr, normal(3, 4)),
        "pseudoinverse": (jnp.linalg.pinv, normal(4, 3)),
        "matrix power": (lambda a: jnp.linalg.matrix_power(a, 3), normal(3, 3)),
        "matrix exponential": (linalg.expm, normal(3, 3)),
        "norms": (lambda a: (jnp.linalg.norm(a), jnp.linalg.norm(a, ord=1)), normal(3, 4)),
        "products": (
            lambda a, b: (jnp.kron(a, b), jnp.outer(a, b), jnp.einsum("ij,jk->k", a, b), jnp.inner(a, b)),
            normal(2, 2),
            normal(2, 2),
        ),
    }


def control_flow() -> dict[str, tuple]:
    """Loops, branches, transformations within, custom derivatives."""

    @jax.custom_vjp
    def swish(x: Any) -> Any:
        return x * jax.nn.sigmoid(x)

    def backward(x: Any, g: Any) -> tuple[Any]:
        s = jax.nn.sigmoid(x)
        return (g * (s + x * s * (1 - s)),)

    swish.defvjp(lambda x: (swish(x), x), backward)

    @jax.custom_jvp
    def safe_norm(x: Any) -> Any:
        return jnp.sqrt(jnp.sum(x * x))

    safe_norm.defjvp(lambda p, t: (safe_norm(p[0]), p[0] @ t[0] / safe_norm(p[0])))

    def newton(a: Any) -> Any:
        return lax.fori_loop(0, 5, lambda i, x: x - (x * x - a) / (2 * x), a)

    def by_rows(x: Any) -> Any:
        return jax.vmap(lambda v: lax.cond(v > 0, jnp.sin, jnp.exp, v))(x)

    def looking(x: Any) -> Any:
        # Python looks at the values.
        n = 0
        while jnp.sum(x * x) > 0.1:
            x, n = 0.7 * x, n + 1
        return jnp.tanh(x) * n + x[int(jnp.argmax(x))] + jnp.sum(x[x > 0]) + swish(x)

    def rosenbrock_step(x: Any) -> Any:
        def f(x: Any) -> Any:
            return jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

        return x - jnp.linalg.solve(jax.hessian(f)(x), jax.grad(f)(x))

    return {
        "custom reverse derivative": (swish, normal(5)),
        "custom forward derivative": (safe_norm, normal(5)),
        "checkpoint": (jax.checkpoint(lambda x: jnp.sin(jnp.sin(x))), normal(5)),
        "cond": (lambda x: lax.cond(x[0] > 0, jnp.sin, jnp.exp, x), normal(4)),
        "switch": (lambda x: lax.switch(2, [jnp.sin, jnp.cos, jnp.exp], x), normal(3)),
        "mapped cond": (by_rows, normal(4)),
        "fori_loop": (newton, between(0.5, 3, 3)),
        "reversed scan": (lambda x: lax.scan(lambda c, v: (c * v + 1.0, c - v), 1.0, x, reverse=True), normal(5)),
        "associative scan": (lambda x: lax.associative_scan(lambda a, b: a * b + a + b, x), normal(6)),
        "map": (lambda x: lax.map(lambda row: jnp.sum(row) * row, x), normal(3, 2)),
        "gradient within": (lambda x: jax.grad(lambda y: jnp.sum(jnp.tanh(y) ** 3))(x), normal(4)),
        "jacobians within": (lambda x: jax.jacfwd(jnp.tanh)(x) + jax.jacrev(lambda y: y**4)(x), normal(3)),
        "Newton's step": (rosenbrock_step, normal(3)),
        "Python that looks": (looking, normal(4)),
        "platform": (lambda x: lax.platform_dependent(x, cpu=jnp.sin, default=jnp.sin), normal(3)),
        "reparametrized noise": (
            lambda m, s: m + s * jax.random.normal(jax.random.key(1), (4,)),
            normal(4),
            between(1, 2, 4),
        ),
        "noise of given shape": (lambda x: x * jax.random.gamma(jax.random.key(0), 2.0, (3,)), normal(3)),
    }


def entries() -> dict[str, tuple]:
    """What moves, orders and combines entries."""
    segments = np.array([0, 0, 1, 2, 1])

    def indexed(x: Any) -> Any:
        picked = x[jnp.array([0, 1]), jnp.array([2, 0])], x[:, jnp.array([1, 1])], x[1:, ::2], x[-1]
        filled = x.at[jnp.array([7, 1])].get(mode="fill", fill_value=2.0), x.at[jnp.array([9])].get(mode="clip")
        return picked, filled, jnp.take_along_axis(x, jnp.array([[1], [0], [2]]), 1), jnp.trace(x)

    def updated(x: Any, u: Any) -> Any:
        places = jnp.array([0, 2, 2])
        changed = x.at[places].add(u), x.at[places].max(u), x.at[places].min(u), x.at[1].set(u[0] * x[0])
        dropped = x.at[jnp.array([7, 1])].set(u[:2], mode="drop"), x.at[jnp.array([1])].subtract(u[:1])
        return changed, dropped, x.at[jnp.array([0, 3])].mul(u[:2], unique_indices=True)

    def sliced(x: Any, u: Any) -> Any:
        rows = jax.vmap(lambda row, i: lax.dynamic_slice(row, (i,), (2,)))(x, jnp.array([0, 2, 1]))
        return rows, lax.dynamic_update_slice(x, u, (1, 1)), jax.vmap(lambda row, i: row[i])(x, jnp.array([3, 2, 1]))

    def ordered(x: Any, y: Any) -> Any:
        by_two = lax.sort((jnp.array([1, 0, 1, 0, 1, 1]), x, y), num_keys=2)[1:]
        weights = jnp.arange(6.0)
        return by_two, jnp.sort(x) * weights, lax.top_k(x, 3)[0], jnp.median(x), jnp.quantile(x, 0.3), x[jnp.argmin(x)]

    def running(x: Any) -> Any:
        there = jnp.cumsum(x), jnp.cumprod(x), lax.cummax(x), lax.cummin(x), lax.cumlogsumexp(x)
        return there, lax.cumsum(x, reverse=True), lax.cummax(x, reverse=True)

    def moved(x: Any) -> Any:
        padded = jnp.pad(x, 2, mode="reflect"), lax.pad(x, 0.5, [(1, -1, 1), (0, 2, 0)])
        turned = jnp.roll(x, 1), jnp.flip(x), jnp.tile(x, 2), jnp.repeat(x, 2), jnp.rot90(x), jnp.stack([x, x])
        return padded, turned, jnp.array_split(x, 2), jnp.concatenate([x, 2 * x]), jnp.unstack(x)

    def decided(x: Any) -> Any:
        mask = (x > 0) & ~(x > 1) | (x < -1)
        chosen = jnp.where(mask, x, 2 * x), jnp.any(x > 0) * x, jnp.all(x > -9) * x, ((x > 0) ^ (x > 0.5)) * x
        counted = jnp.sum(x > 0) * x, jnp.where((x > 0) == (x > 1), x, -x), jnp.clip(x, -0.5, 0.5)
        return chosen, counted, jnp.where((x > 0) != (x > 1), x, 3.0 * x), lax.clamp(-0.5, x, 0.5), jnp.nan_to_num(x)

    def stepped(x: Any) -> Any:
        whole = x % 0.7, jnp.fmod(x, 0.7), jnp.floor(x) * x, jnp.ceil(x) * x, jnp.round(x, 1) * x, lax.round(x) * x
        read = jnp.interp(x, jnp.linspace(-3.0, 3.0, 7), jnp.arange(7.0) ** 2)
        signed = jnp.sign(x) * x, jnp.abs(x), jnp.copysign(2.0, x) * x
        return whole, signed, x.astype(int) * x, read

    def reduced(x: Any) -> Any:
        usual = jnp.prod(x), jnp.max(x, 0), jnp.min(x), jnp.std(x, 0), jnp.mean(x), jnp.cov(x)
        return usual, lax.reduce(x, 1.0, lambda a, b: a * b + a + b, (0,))

    def powers(x: Any) -> Any:
        constant = x**3, x**-2, jnp.abs(x) ** 0.5, jnp.abs(x) ** 2.5, x[:, None] ** jnp.arange(4), jnp.vander(x)
        return constant, jnp.abs(x) ** x, 2.0**x, lax.pow(x, 2), jnp.polyval(jnp.array([1.0, 2, 3]), x)

    def elementary(x: Any) -> Any:
        names = "arctan arcsinh cbrt cos cosh exp2 expm1 sin sinh tan tanh deg2rad sinc square reciprocal"
        within = jnp.arcsin(x / 4), jnp.arccos(x / 4), jnp.arctanh(x / 4), jnp.arccosh(2 + x * x), jnp.log1p(x * x)
        of_two = jnp.arctan2(x, 2.0), jnp.hypot(x, 2.0), jnp.logaddexp(x, 1.0), lax.rsqrt(x * x), jnp.log10(x * x)
        return [getattr(jnp, name)(x) for name in names.split()], within, of_two, jax.nn.logsumexp(x)

    return {
        "indexed": (indexed, normal(3, 3)),
        "updated": (updated, normal(4), normal(3)),
        "sliced": (sliced, normal(3, 4), normal(2, 2)),
        "ordered": (ordered, normal(6), normal(6)),
        "running": (running, normal(5)),
        "moved": (moved, normal(3, 4)),
        "approximate extremes": (
            lambda x: (lax.approx_max_k(x, 2)[0], lax.approx_min_k(x, 2, reduction_dimension=0)[0]),
            normal(4, 5),
        ),
        "ragged products": (
            lambda x, y: lax.ragged_dot(x, y, np.array([2, 0, 1])),
            normal(4, 3),
            normal(3, 3, 2),
        ),
        "reshaped otherwise": (
            lambda x: (lax.reshape(x, (4, 3), (1, 0)), jnp.ravel(x, order="F"), jnp.column_stack(x), jnp.dstack(x)),
            normal(3, 4),
        ),
        "exponents": (lambda x: (jnp.ldexp(x, np.array([3, -2, 0])), jnp.frexp(x)[0]), normal(3)),
        "decided": (decided, normal(5)),
        "stepped": (stepped, normal(5)),
        "reduced": (reduced, normal(3, 4)),
        "powers": (powers, normal(3)),
        "elementary": (elementary, normal(3)),
        "segments": (lambda x: (jax.ops.segment_sum(x, segments), jax.ops.segment_max(x, segments)), normal(5)),
        "interpolated": (
            lambda x: ndimage.map_coordinates(x, [np.array([0.3, 1.2]), np.array([0.5, 0.7])], 1),
            normal(3, 3),
        ),
        "convolved": (lambda x, y: (jnp.convolve(x, y), signal.fftconvolve(x, y)), normal(6), normal(3)),
        "halved precision": (lambda x: lax.reduce_precision(x, 8, 23) * x, normal(4)),
        "narrow within": (lambda x, y: jnp.dot(x.astype(jnp.float32), y.astype(jnp.float32)), normal(4), normal(4)),
    }


def complex_numbers() -> dict[str, tuple]:
    """Complex arithmetic and Fourier transforms."""

    def arithmetic(a: Any, b: Any, x: Any) -> Any:
        return a * b + a / b - b**2 + a**x + x**b + 2.5 * a, jnp.where(a.real > 1, a, b.conj()), lax.complex(x, x * x)

    def elementary(z: Any) -> Any:
        names = "abs angle conj cos cosh exp exp2 expm1 imag log log1p reciprocal real sin sinh sqrt square tan tanh"
        inverse = "arccos arccosh arcsin arcsinh arctan arctanh"
        return [getattr(jnp, name)(z) for name in (names + " " + inverse).split()], jax.nn.sigmoid(z), lax.rsqrt(z)

    def summed(z: Any) -> Any:
        return jnp.prod(z), jnp.cumsum(z), z.mean(), z.var(), z.at[1].add(z[0] * z[2]).at[0].set(3.0)[jnp.array([0, 1])]

    def transforms(z: Any, x: Any) -> Any:
        one = jnp.fft.fft(z), jnp.fft.ifft(z), jnp.fft.rfft(x), jnp.fft.irfft(z), jnp.fft.irfft(z, 7), jnp.fft.hfft(z)
        return (
            one,
            jnp.fft.fft2(z.reshape(2, 2)),
            jnp.fft.rfft2(x.reshape(2, 3)),
            jnp.fft.irfft2(z.reshape(2, 2), norm="ortho"),
        )

    return {
        "complex arithmetic": (arithmetic, unlike_zero(3), unlike_zero(3), between(1, 2, 3)),
        "complex elementary": (elementary, unlike_zero(3)),
        "complex sums": (summed, unlike_zero(4)),
        "complex scan": (lambda z: lax.scan(lambda c, x: (c * x, c + x), z[0], z), unlike_zero(3)),
        "complex products": (lambda a, b: (a @ b, jnp.convolve(a[0], b[:, 0])), unlike_zero(2, 3), unlike_zero(3, 2)),
        "complex systems": (jnp.linalg.solve, unlike_zero(3, 3) + 3 * np.eye(3), unlike_zero(3)),
        "complex QR": (jnp.linalg.qr, unlike_zero(4, 3) * normal(4, 3)),
        "complex singular values": (lambda a: jnp.linalg.svd(a, compute_uv=False), unlike_zero(3, 2) * normal(3, 2)),
        "Hermitian eigenvalues": (lambda a: jnp.linalg.eigvalsh(a @ a.conj().T), unlike_zero(3, 3) * normal(3, 3)),
        "complex determinant": (jnp.linalg.det, unlike_zero(3, 3) + 3 * np.eye(3)),
        "Fourier transforms": (transforms, unlike_zero(4), normal(6)),
        "power spectrum": (lambda x: jnp.abs(jnp.fft.rfft(x)) ** 2, normal(8)),
        "short-time spectrum": (lambda x: jnp.abs(signal.stft(x, nperseg=8)[2]) ** 2, normal(16)),
    }


FAMILIES: tuple[Callable[[], dict[str, tuple]], ...] = (
    activations,
    losses,
    layers,
    special_functions,
    linear_algebra,
    control_flow,
    entries,
    complex_numbers,
)

PROGRAMS: dict[str, tuple] = {name: program for family in FAMILIES for name, program in family().items()}
"""By name: the function, and its arguments in NumPy."""
