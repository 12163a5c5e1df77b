"""The layers of `xp.nn` on JAX: the native operations, with the arguments of the formulas. Norms and
recurrent layers JAX leaves to libraries; their formulas are run."""

import math
from typing import Any

import jax
import jax.numpy as jnp


def _pair(size: Any) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else tuple(size)


def _sides(padding: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(p, p) for p in padding]


def _conv(
    x: jax.Array, kernel: jax.Array, stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1
) -> jax.Array:
    return jax.lax.conv_general_dilated(
        x, kernel, (stride,), _sides((padding,)), rhs_dilation=(dilation,), feature_group_count=groups
    )


def _conv2d(
    x: jax.Array, kernel: jax.Array, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> jax.Array:
    return jax.lax.conv_general_dilated(
        *(x, kernel, _pair(stride), _sides(_pair(padding))),
        rhs_dilation=_pair(dilation),
        feature_group_count=groups,
    )


def _transposed(
    x: jax.Array, kernel: jax.Array, stride: tuple[int, ...], padding: tuple[int, ...], dilation: tuple[int, ...]
) -> jax.Array:
    # The native padding is that of the stretched input; the kernel is that of the convolution to be transposed.
    sizes = zip(kernel.shape[2:], padding, dilation, strict=True)
    sides = _sides(tuple(d * (taps - 1) - p for taps, p, d in sizes))
    places = "HW"[: len(stride)]
    names = (f"NC{places}", f"OI{places}", f"NC{places}")
    return jax.lax.conv_transpose(x, kernel, stride, sides, dilation, names, transpose_kernel=True)


def _conv_transpose(x: jax.Array, kernel: jax.Array, stride: int = 1, padding: int = 0, dilation: int = 1) -> jax.Array:
    return _transposed(x, kernel, (stride,), (padding,), (dilation,))


def _conv_transpose2d(
    x: jax.Array, kernel: jax.Array, stride: Any = 1, padding: Any = 0, dilation: Any = 1
) -> jax.Array:
    return _transposed(x, kernel, _pair(stride), _pair(padding), _pair(dilation))


def _reduced(x: jax.Array, start: float, reduce: Any, window: Any, stride: Any, padding: Any) -> jax.Array:
    window, stride, padding = ((n,) if x.ndim == 3 else _pair(n) for n in (window, stride, padding))
    return jax.lax.reduce_window(x, start, reduce, (1, 1, *window), (1, 1, *stride), _sides((0, 0, *padding)))


def _max_pool(x: jax.Array, window: Any, stride: Any, padding: Any = 0) -> jax.Array:
    return _reduced(x, -jnp.inf, jax.lax.max, window, stride, padding)


def _avg_pool(x: jax.Array, window: Any, stride: Any, padding: Any = 0, counting_padding: bool = True) -> jax.Array:
    total = _reduced(x, 0.0, jax.lax.add, window, stride, padding)
    if counting_padding:
        return total / math.prod((window,) if x.ndim == 3 else _pair(window))
    return total / _reduced(jnp.ones_like(x), 0.0, jax.lax.add, window, stride, padding)


def _standardize(x: jax.Array, epsilon: float, stable: bool = False) -> jax.Array:
    # The choice is younger than the operation.
    return jax.nn.standardize(x, -1, epsilon=epsilon, **({"algorithm": "stable"} if stable else {}))


def _attention(q: jax.Array, k: jax.Array, v: jax.Array, causal: bool = False) -> jax.Array:
    # The native operation has the tokens before the heads.
    q, k, v = (jnp.swapaxes(part, 1, 2) for part in (q, k, v))
    return jnp.swapaxes(jax.nn.dot_product_attention(q, k, v, is_causal=causal), 1, 2)


LAYERS = {
    "conv": _conv,
    "conv2d": _conv2d,
    "conv_transpose": _conv_transpose,
    "conv_transpose2d": _conv_transpose2d,
    "max_pool": _max_pool,
    "max_pool2d": _max_pool,
    "avg_pool": _avg_pool,
    "avg_pool2d": _avg_pool,
    "standardize": _standardize,
    "dot_product_attention": _attention,
}
