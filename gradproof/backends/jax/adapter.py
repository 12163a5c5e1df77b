"""The backend `jax`: JAX on the CPU or a GPU, in 64 bits where asked, with every array placed explicitly."""

import os
from collections.abc import Callable
from functools import cache
from typing import Any

from gradproof.backends.gpu import gpu_missing

# Before the import: otherwise JAX takes three quarters of the card, and no other backend can run beside it.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
# A gradient that is another one each time could not be repeated from its report. Only where there is a GPU: a build
# that does not know the flag ends the process.
if gpu_missing() is None:
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_deterministic_ops=true".strip()

import jax
import jax.numpy as jnp
import jax.scipy.special
import numpy as np

from gradproof import content
from gradproof.backends.adapter import (
    ARRAYS,
    BINARY,
    FFT,
    LINALG,
    PARTS,
    STEPS,
    UNARY,
    Adapter,
    creation,
    dtype_of_values,
    frequencies,
    named,
)
from gradproof.backends.jax.layers import LAYERS
from gradproof.backends.jax.transformations import JaxTransformations
from gradproof.backends.settings import SETTINGS
from gradproof.registry import Namespace

jax.config.update("jax_enable_x64", True)
# TF32 on a GPU would leave 10 bits of a float32 product.
jax.config.update("jax_default_matmul_precision", "tensorfloat32" if SETTINGS.tf32 else "highest")
# Op by op, JAX compiles every operation for every shape: 45 of the 55 seconds that all functions take are not spent
# again when the compiled code is kept.
if jax.config.jax_compilation_cache_dir is None:
    jax.config.update("jax_compilation_cache_dir", str(content.CACHE / "jax"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def _scan(step: Callable, state: jax.Array, rows: jax.Array) -> jax.Array:
    def along(state: jax.Array, row: jax.Array) -> tuple[jax.Array, jax.Array]:
        after = step(state, row)
        return after, after

    return jax.lax.scan(along, state, rows)[1]


def _bessel(order: int, x: jax.Array) -> jax.Array:
    # All orders up to the one that is asked for, and at least the first, along a new axis in front.
    return jax.scipy.special.bessel_jn(x, v=1)[order]


MAIN = named(jnp, UNARY, BINARY, ARRAYS, STEPS, PARTS, "angle argsort astype exp2 fmax sort") | {
    "cumulative_max": lambda x, axis=0: jax.lax.cummax(x, axis=axis),
    **named(jax.lax, "cond fori_loop while_loop"),
    "scan": _scan,
}
SPECIAL = named(
    jax.scipy.special,
    "betainc betaln digamma entr erf erfc erfinv expit expn gammainc gammaincc gammaln i0 i0e i1 i1e log_ndtr logit",
    "logsumexp ndtr ndtri polygamma xlog1py xlogy zeta",
) | {
    "log_expit": jax.nn.log_sigmoid,
    "j0": lambda x: _bessel(0, x),
    "j1": lambda x: _bessel(1, x),
    "sinc": jnp.sinc,
}
NN = named(jax.nn, "relu leaky_relu elu softplus sigmoid log_sigmoid silu softmax log_softmax") | {
    **named(jax.nn, "relu6 selu celu mish hard_tanh hard_sigmoid hard_silu soft_sign glu"),
    "gelu": lambda x, approximate=False: jax.nn.gelu(x, approximate=approximate),
    **LAYERS,
}


@cache
def _namespace(tested: str, handle: jax.Device) -> Namespace:
    def asarray(values: Any, dtype: Any = None) -> jax.Array:
        if isinstance(values, jax.Array):
            return values if dtype is None else values.astype(dtype)
        values = np.asarray(values)
        return jax.device_put(values.astype(dtype or dtype_of_values(values.dtype.kind, tested)), handle)

    fourier = named(jnp.fft, FFT) | frequencies(asarray)
    groups = {"linalg": named(jnp.linalg, LINALG), "fft": fourier, "special": SPECIAL, "nn": NN}
    return Namespace("jax", MAIN | creation(asarray), groups)


class JaxAdapter(JaxTransformations, Adapter):
    """JAX, with the transformations that it is made of."""

    takes_floats = True

    def devices(self) -> dict[str, jax.Device]:
        found = {"cpu": jax.devices("cpu")[0]}
        if jax.default_backend() == "gpu":
            found["gpu"] = jax.devices("gpu")[0]
        return found

    def namespace(self, dtype: str, device: str) -> Namespace:
        return _namespace(dtype, self.devices()[device])

    def array(self, values: np.ndarray, dtype: str, device: str) -> jax.Array:
        return jax.device_put(jnp.asarray(values, dtype=dtype), self.devices()[device])

    def device_of(self, array: jax.Array) -> str:
        (device,) = array.devices()
        return device.platform


ADAPTER = JaxAdapter
