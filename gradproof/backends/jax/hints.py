"""What cannot be found out by trying: arguments for JAX's functions, and which of them have no derivative."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

from gradproof.backends.probing import (
    Form,
    above_one,
    definite,
    fixed,
    form,
    increasing,
    index,
    inside,
    positive,
    real,
    regular,
    simplex,
    symmetric,
    triangular,
    truth,
    unit,
    whole,
)

STARTS = (jnp.int32(1), jnp.int32(0))
ROWS = lax.GatherDimensionNumbers(offset_dims=(1,), collapsed_slice_dims=(0,), start_index_map=(0,))
INTO_ROWS = lax.ScatterDimensionNumbers(
    update_window_dims=(1,), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,)
)


def _step(carry: Any, x: Any) -> tuple[Any, Any]:
    carry = carry * 0.5 + jnp.sin(x)
    return carry, carry**2


def _scattered(name: str) -> Sequence[Form]:
    # Rows 0 and 2 of four.
    rows = jnp.array([[0], [2]])
    return [form(real(4, 3), rows, real(2, 3), INTO_ROWS, unique_indices=name in ("scatter_mul", "scatter"))]


HINTS: Mapping[str, Sequence[Form]] = {
    # An argument that says how an array is shaped or which of it is taken: shapes, axes, starts, sizes.
    "jax.lax.broadcast": [form(real(3), (2,))],
    "jax.lax.broadcast_in_dim": [form(real(3), (2, 3), (1,))],
    "jax.lax.broadcast_to_rank": [form(real(3), 2)],
    "jax.lax.collapse": [form(real(2, 3, 2), 1, 3)],
    "jax.lax.expand_dims": [form(real(2, 3), (1,))],
    "jax.lax.reshape": [form(real(2, 3), (3, 2)), form(real(2, 3), (3, 2), dimensions=(1, 0))],
    "jax.lax.squeeze": [form(real(2, 1, 3), (1,))],
    "jax.lax.transpose": [form(real(2, 3, 2), (2, 0, 1))],
    "jax.lax.rev": [form(real(2, 3), (1,))],
    "jax.lax.tile": [form(real(2, 3), (2, 1))],
    "jax.lax.pad": [form(real(2, 3), real(), ((1, 0, 1), (0, -1, 0)))],
    "jax.lax.slice": [form(real(3, 4), (0, 1), (3, 4), (2, 1))],
    "jax.lax.slice_in_dim": [form(real(3, 4), 1, 3)],
    "jax.lax.split": [form(real(5, 2), (2, 3))],
    "jax.lax.index_in_dim": [form(real(3, 4), -1)],
    "jax.lax.index_take": [form(real(3, 4), (index(2, below=3),), (0,))],
    "jax.lax.dynamic_slice": [form(real(3, 4), STARTS, (2, 3))],
    "jax.lax.dynamic_slice_in_dim": [form(real(3, 4), 1, 2)],
    "jax.lax.dynamic_index_in_dim": [form(real(3, 4), 2)],
    "jax.lax.dynamic_update_slice": [form(real(3, 4), real(2, 3), STARTS)],
    "jax.lax.dynamic_update_slice_in_dim": [form(real(3, 4), real(2, 4), 1, 0)],
    "jax.lax.dynamic_update_index_in_dim": [form(real(3, 4), real(4), 1, 0)],
    "jax.lax.gather": [form(real(4, 3), jnp.array([[2], [0], [2]]), ROWS, (1, 3))],
    **{f"jax.lax.{name}": _scattered(name) for name in ("scatter", "scatter_add", "scatter_sub", "scatter_mul")},
    **{f"jax.lax.{name}": _scattered(name) for name in ("scatter_max", "scatter_min")},
    "jax.lax.scatter_apply": [
        form(real(4, 3), jnp.array([[0], [2]]), jnp.sin, INTO_ROWS, update_shape=(2, 3), unique_indices=True)
    ],
    "jax.lax.concatenate": [form([real(2, 3), real(1, 3)], 0)],
    "jax.lax.stack": [form([real(2, 3), real(2, 3)])],
    "jax.lax.convert_element_type": [form(real(2, 3), jnp.float32)],
    "jax.lax.real": [form(real(2, 3))],
    "jax.lax.imag": [form(real(2, 3))],
    "jax.lax.reduce_precision": [form(real(2, 3), 8, 23)],
    "jax.lax.select": [form(truth(2, 3), real(2, 3), real(2, 3))],
    "jax.lax.select_n": [form(index(2, 3, below=3), real(2, 3), real(2, 3), real(2, 3))],
    "jax.lax.clamp": [form(unit(5), real(5), above_one(5)), form(-1.0, real(2, 3), 1.0)],
    "jax.lax.integer_pow": [form(real(2, 3), 3), form(positive(2, 3), -2), form(real(2, 3), 0)],
    "jax.lax.sort_key_val": [form(real(5), real(5))],
    "jax.lax.top_k": [form(real(2, 5), 2)],
    "jax.lax.approx_max_k": [form(real(2, 5), 2)],
    "jax.lax.approx_min_k": [form(real(2, 5), 2)],
    # Sums of products, whose axes are named.
    "jax.lax.dot_general": [form(real(2, 3, 4), real(2, 4, 5), (((2,), (1,)), ((0,), (0,))))],
    "jax.lax.batch_matmul": [form(real(2, 3, 4), real(2, 4, 5))],
    "jax.lax.ragged_dot": [form(real(5, 3), real(2, 3, 4), jnp.array([2, 3]))],
    "jax.lax.ragged_dot_general": [
        form(
            real(5, 3),
            real(2, 3, 4),
            jnp.array([2, 3]),
            lax.RaggedDotDimensionNumbers((((1,), (1,)), ((), ())), [0], [0]),
        )
    ],
    "jax.lax.conv": [form(real(1, 2, 5, 5), real(3, 2, 3, 3), (1, 2), "SAME")],
    "jax.lax.conv_general_dilated": [form(real(1, 2, 5), real(2, 2, 2), (1,), [(1, 0)], (1,), (2,))],
    "jax.lax.conv_general_dilated_local": [form(real(1, 2, 4), real(3, 4, 3), (1,), "VALID", (2,))],
    "jax.lax.conv_general_dilated_patches": [form(real(1, 2, 5), (2,), (1,), "VALID")],
    "jax.lax.conv_transpose": [form(real(1, 4, 2), real(2, 2, 3), (2,), "VALID")],
    "jax.lax.conv_with_general_padding": [form(real(1, 2, 5), real(2, 2, 2), (1,), [(1, 1)], (1,), (1,))],
    "jax.lax.fft": [form(real(2, 4), "RFFT", (4,))],
    "jax.lax.linalg.cholesky_update": [form(triangular(3, 3), inside(3))],
    "jax.lax.linalg.householder_product": [form(inside(4, 3), unit(3))],
    "jax.lax.linalg.ormqr": [form(inside(3, 3), unit(3), real(3, 2))],
    "jax.lax.linalg.symmetric_product": [form(real(3, 2), symmetric(3, 3))],
    "jax.lax.linalg.triangular_solve": [form(triangular(3, 3), real(3, 2), left_side=True, lower=True)],
    "jax.lax.linalg.tridiagonal_solve": [form(inside(4), above_one(4), inside(4), real(4, 2))],
    "jax.lax.linalg.cholesky": [form(definite(3, 3))],
    "jax.lax.linalg.eigh": [form(symmetric(3, 3))],
    "jax.lax.linalg.tridiagonal": [form(symmetric(3, 3))],
    # Reductions of windows, and by functions.
    "jax.lax.reduce": [form(real(2, 3), 0.0, lax.add, (1,)), form(real(2, 3), -jnp.inf, lax.max, (0,))],
    "jax.lax.reduce_window": [form(real(2, 6), 0.0, lax.add, (1, 2), (1, 2), "VALID")],
    **{
        f"jax.lax.{name}": [form(real(2, 3), (1,))]
        for name in ("reduce_sum", "reduce_prod", "reduce_max", "reduce_min")
    },
    "jax.lax.associative_scan": [form(jnp.multiply, real(5))],
    "jax.lax.scan": [form(_step, real(), real(5))],
    "jax.lax.map": [form(jnp.sin, real(4))],
    "jax.lax.cond": [form(True, jnp.sin, jnp.cos, real(3))],
    "jax.lax.switch": [form(1, [jnp.sin, jnp.cos, jnp.tanh], real(3))],
    "jax.lax.fori_loop": [form(0, 3, lambda i, x: x * 0.5 + jnp.sin(x), real(3))],
    "jax.lax.while_loop": [form(lambda s: s[0] < 3, lambda s: (s[0] + 1, jnp.sin(s[1])), (0, real(3)))],
    "jax.lax.platform_dependent": [form(real(3), default=jnp.sin)],
    "jax.lax.custom_linear_solve": [
        form(lambda x: 2.0 * x, real(3), lambda matvec, b: 0.5 * b, symmetric=True),
    ],
    "jax.lax.custom_root": [
        form(lambda x: x**3 - 2.0, positive(), lambda f, x: 2.0 ** (1 / 3) + 0 * x, lambda g, y: y / g(1.0))
    ],
    # What an axis, an order, a number of bins or of entries asks for.
    # Without a size the shape depends on the values, of which JAX has no gradient.
    **{name: [form(real(4), size=4)] for name in ("jax.numpy.unique", "unique_values")},
    "unique_all": [form(real(4), size=4)],
    "union1d": [form(real(3), real(2), size=5)],
    "setxor1d": [form(real(3), real(2), size=5)],
    "setdiff1d": [form(real(4), real(2), size=4)],
    "take": [form(real(4, 3), index(2, below=4), axis=0)],
    "take_along_axis": [form(real(3, 4), index(3, 2, below=4), axis=1)],
    "choose": [form(index(4, below=2), [real(4), real(4)])],
    "compress": [form(jnp.array([True, False, True]), real(3, 2), axis=0)],
    "extract": [form(jnp.array([True, False, True]), real(3))],
    "delete": [form(real(4), 1)],
    "insert": [form(real(4), 1, real())],
    "interp": [form(unit(4), increasing(5), real(5))],
    "einsum": [form("ij,jk->ik", real(2, 3), real(3, 2)), form("ii->i", real(3, 3))],
    "cross": [form(real(2, 3), real(2, 3))],
    "matvec": [form(real(2, 3), real(3))],
    "vecmat": [form(real(2), real(2, 3))],
    "apply_along_axis": [form(jnp.cumsum, 1, real(2, 3))],
    "apply_over_axes": [form(jnp.sum, real(2, 3), (0,))],
    "array_split": [form(real(5), 2)],
    **{name: [form(real(4, 4, 2), 2)] for name in ("split", "hsplit", "vsplit")},
    "dsplit": [form(real(2, 2, 4), 2)],
    "astype": [form(real(2, 3), jnp.float32)],
    "broadcast_to": [form(real(3), (2, 3))],
    "expand_dims": [form(real(2, 3), 1)],
    "fill_diagonal": [form(real(3, 3), real(), inplace=False)],
    "moveaxis": [form(real(2, 3, 2), 0, -1)],
    "permute_dims": [form(real(2, 3, 2), (2, 0, 1))],
    "jax.numpy.transpose": [form(real(2, 3, 2), (2, 0, 1)), form(real(2, 3))],
    "swapaxes": [form(real(2, 3, 2), 0, -1)],
    "rollaxis": [form(real(2, 3, 2), 2)],
    "jax.numpy.reshape": [form(real(2, 3), (3, 2))],
    "resize": [form(real(2, 3), (4, 2))],
    "pad": [form(real(2, 3), 1), form(real(3), 2, mode="reflect"), form(real(3), 2, mode="linear_ramp")],
    "partition": [form(real(5), 2)],
    **{name: [form(real(5), 30.0), form(real(3, 4), 75.0, axis=1)] for name in ("percentile", "nanpercentile")},
    **{name: [form(real(5), 0.3), form(real(3, 4), unit(2), axis=1)] for name in ("quantile", "nanquantile")},
    "piecewise": [form(real(4), [jnp.array([True, False, True, False])], [jnp.sin, jnp.cos])],
    "place": [form(real(4), jnp.array([True, False, True, False]), real(2), inplace=False)],
    "put": [form(real(4), index(2, below=4), real(2), inplace=False)],
    "put_along_axis": [form(real(3, 4), jnp.array([[1], [0], [3]]), real(3, 1), 1, inplace=False)],
    "polyfit": [form(increasing(5), real(5), 2)],
    "polyint": [form(real(3))],
    "polyder": [form(real(4))],
    "polydiv": [form(above_one(4), above_one(2))],
    "repeat": [form(real(3), 2)],
    "roll": [form(real(2, 3), -1, axis=1)],
    "rot90": [form(real(2, 3))],
    "jax.numpy.select": [form([truth(4), truth(4)], [real(4), real(4)])],
    "jax.numpy.where": [form(truth(2, 3), real(2, 3), real(2, 3))],
    "tensordot": [form(real(2, 3, 4), real(4, 3, 2), axes=((1, 2), (1, 0)))],
    "jax.numpy.tile": [form(real(2, 3), (2, 1))],
    "trapezoid": [form(real(5), increasing(5))],
    "trim_zeros": [form(positive(4))],
    "unwrap": [form(real(5))],
    "vander": [form(real(3), 3)],
    "ldexp": [form(real(4), index(4, below=4))],
    "geomspace": [form(positive(2), positive(2), 4)],
    "linspace": [form(real(2), real(2), 4)],
    "logspace": [form(inside(2), inside(2), 4)],
    "full": [form((2, 3), real())],
    "jax.numpy.full_like": [form(real(2, 3), real())],
    "jax.lax.full_like": [form(real(2, 3), real())],
    "jax.lax.full": [form((2, 3), real())],
    # The edges are the extremes, which lie on an edge themselves.
    "histogram": [form(fixed(real(5)), 3, weights=real(5))],
    "bincount": [form(index(5, below=3), weights=real(5), length=3)],
    "convolve": [form(real(5), real(3))],
    "jax.numpy.frexp": [form(real(4))],
    "kaiser": [form(5, positive())],
    "matrix_power": [form(regular(3, 3), 3), form(regular(3, 3), -2)],
    "multi_dot": [form([real(2, 3), real(3, 4), real(4, 2)])],
    # The vectors beyond the reduced decomposition are nobody's function.
    "svd": [form(real(4, 3), full_matrices=False), form(real(3, 3))],
    "tensorinv": [form(regular(4, 4), ind=1)],
    "tensorsolve": [form(regular(4, 4), real(4))],
    "cond": [form(regular(3, 3))],
    **{f"jax.numpy.linalg.{name}": [form(symmetric(3, 3))] for name in ("eigh", "eigvalsh")},
    "jax.numpy.linalg.cholesky": [form(definite(3, 3)), form(definite(2, 3, 3))],
    "jax.numpy.linalg.lstsq": [form(real(5, 3), real(5))],
    "jax.numpy.linalg.norm": [form(real(4)), form(real(3, 3), "nuc"), form(real(2, 3), jnp.inf)],
    # Networks.
    "dot_product_attention": [form(real(2, 4, 1, 3), real(2, 5, 1, 3), real(2, 5, 1, 3))],
    "segment_sum": [form(real(5, 2), index(5, below=3), 3)],
    "segment_prod": [form(real(5, 2), jnp.arange(5), 5, unique_indices=True), form(real(5, 2), index(5, below=3), 3)],
    # No segment is empty: the largest of nothing is -inf.
    "segment_max": [form(real(5, 2), jnp.array([0, 2, 1, 0, 2]), 3)],
    "segment_min": [form(real(5, 2), jnp.array([0, 2, 1, 0, 2]), 3)],
    "jax.image.resize": [form(real(3, 4), (5, 2), "linear"), form(real(3, 3), (6, 5), "cubic")],
    "scale_and_translate": [form(real(4, 4), (3, 3), (0, 1), above_one(2), inside(2), "linear")],
    # SciPy: counts and degrees are whole numbers, or integers.
    "bessel_jn": [form(positive(3), v=2)],
    "comb": [form(above_one(3), unit(3))],
    "expn": [form(2, positive(3))],
    "exp1": [form(positive(3))],
    "multigammaln": [form(above_one(3), 2)],
    "jax.scipy.special.polygamma": [form(jnp.array([1, 2, 1]), positive(3))],
    "jax.lax.polygamma": [form(fixed(whole(3)), positive(3))],
    "hyp1f1": [form(positive(3), above_one(3), inside(3))],
    "hyp2f1": [form(unit(3), unit(3), above_one(3), unit(3))],
    "zeta": [form(above_one(3), positive(3))],
    "logit": [form(unit(4))],
    "log_ndtr": [form(real(2, 3))],
    "ndtri": [form(unit(4))],
    "cho_solve": [form((triangular(3, 3), True), real(3, 2))],
    "lu_solve": [form((regular(3, 3), jnp.arange(3)), real(3, 2))],
    "eigh_tridiagonal": [form(increasing(4), inside(3), eigvals_only=True)],
    "jax.scipy.linalg.cholesky": [form(definite(3, 3)), form(definite(3, 3), lower=True)],
    "jax.scipy.linalg.eigh": [form(symmetric(3, 3))],
    "leslie": [form(positive(4), unit(3))],
    "solve_sylvester": [form(regular(3, 3), regular(2, 2), real(3, 2))],
    "solve_triangular": [form(triangular(3, 3), real(3, 2), lower=True)],
    "jax.scipy.linalg.sqrtm": [form(definite(3, 3))],
    "funm": [form(regular(3, 3), lambda x: x)],
    "map_coordinates": [form(real(4, 5), [positive(3), positive(3)], 1)],
    **{f"bernoulli.{name}": [form(1, unit(4))] for name in ("logpmf", "pmf")},
    "multinomial.logpmf": [form(jnp.array([1, 2, 3]), 6, simplex(3))],
    "multinomial.pmf": [form(jnp.array([1, 2, 3]), 6, simplex(3))],
    "dirichlet.logpdf": [form(simplex(3), above_one(3))],
    "dirichlet.pdf": [form(simplex(3), above_one(3))],
    "multivariate_normal.logpdf": [form(real(2, 3), real(3), definite(3, 3))],
    "multivariate_normal.pdf": [form(real(2, 3), real(3), definite(3, 3))],
    "truncnorm.logpdf": [form(inside(3), -1.5, 1.5)],
    **{f"jax.scipy.sparse.linalg.{name}": [form(definite(3, 3), real(3))] for name in ("cg", "bicgstab", "gmres")},
    "stft": [form(real(32), nperseg=8)],
    "istft": [form(real(5, 9), nperseg=8)],
    "csd": [form(real(32), real(32), nperseg=8)],
    "welch": [form(real(32), nperseg=8)],
}
"""Calls by the full name of a function, or by the last part of it, where the usual forms are none of its calls, or not
those that matter."""

SHARDED = "not differentiable here: it passes arrays between devices"
OF_INTEGERS = "not differentiable: it gives integers or booleans, or takes them alone"
OF_SHAPES = "not differentiable: it is about shapes, types, devices or files, and takes or gives no numbers"

REASONS: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "all_gather all_to_all axis_index axis_size pbroadcast pcast pmax pmean pmin ppermute precv psend "
            "pshuffle psum psum_scatter pswapaxes ragged_all_to_all with_sharding_constraint"
        ).split(),
        SHARDED,
    ),
    **dict.fromkeys(
        (
            "argmax argmin argpartition argsort argwhere nanargmax nanargmin bitcast_convert_type bitwise_and "
            "bitwise_count bitwise_invert bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift "
            "bitwise_xor clz eq ge gt is_finite le lt ne population_count reduce_and reduce_or reduce_xor "
            "shift_left shift_right_arithmetic shift_right_logical mulhi all any allclose array_equal array_equiv "
            "count_nonzero diag_indices diag_indices_from equal flatnonzero gcd greater greater_equal "
            "histogram_bin_edges indices invert isclose iscomplex iscomplexobj isfinite isin isinf isnan isneginf "
            "isposinf isreal isrealobj isscalar lcm left_shift less less_equal lexsort logical_and logical_not "
            "logical_or logical_xor mask_indices nonzero not_equal packbits ravel_multi_index right_shift "
            "searchsorted signbit tril_indices tril_indices_from triu_indices triu_indices_from unpackbits "
            "unravel_index matrix_rank lu_pivots_to_permutation vq digitize one_hot rng_bit_generator rng_uniform "
            "bernoulli.ppf unique_counts unique_inverse"
        ).split(),
        OF_INTEGERS,
    ),
    **dict.fromkeys(
        (
            "after_all broadcast_shapes conv_dimension_numbers conv_general_permutations conv_general_shape_tuple "
            "conv_shape_tuple conv_transpose_shape_tuple create_token dce_sink dtype empty iota broadcasted_iota "
            "padtype_to_pads reduce_window_shape_tuple shape_as_value stage arange array_repr array_str bartlett "
            "blackman can_cast einsum_path empty_like eye fftfreq rfftfreq from_dlpack frombuffer fromfile "
            "fromfunction fromiter frompyfunc fromstring get_printoptions hamming hanning identity isdtype "
            "issubdtype iterable ix_ load ndim ones ones_like printoptions promote_types result_type save savez "
            "set_printoptions shape size tri zeros zeros_like vectorize get_scaled_dot_general_config dft "
            "hadamard helmert hilbert invhilbert invpascal pascal composite scaled_dot_general scaled_matmul "
            "sparse_plus_config"
        ).split(),
        OF_SHAPES,
    ),
}
"""By full or last name, why a function has no derivative."""
