"""How each backend is written in a script of its own: its imports, its arrays, and a few lines per way to
differentiate, as text. In these lines `$args` are the arguments by name, `$numbers` their numbers, `$along` the names
of a direction's parts, `$velocity` those of the fixed direction of Hessian-vector products and `$slope` the sum of
v · g over the arguments, for which they hold the gradient in `g`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Template
from typing import Any

import numpy as np

from gradproof.backends.adapter import dtype_of_values


@dataclass(frozen=True)
class Script:
    """One backend. `modules` are those of its public names, by alias, the preferred first; `version` is an expression;
    `array` makes an array of `$values` in `$dtype`, and `asarray` is the function that does so for what may be an array
    already. `numbers` makes a NumPy array of `$array`. `dot` and `complex_dot` are one term of `$slope`. A mode's text
    defines `gradient`, or for the mode forward `slope_along`; `conjugate` says that its gradient is df/dRe - i df/dIm,
    and `loses_shapes` that what depends on a shape may fail in a graph, and may not be put there as a constant.
    `on_gpu` is the setup there, and `groups` says in which modules the operations of a group would be."""

    title: str
    modules: Mapping[str, str]
    version: str
    array: str
    dtype: str
    asarray: str
    numbers: str
    modes: Mapping[str, str]
    imports: tuple[str, ...] = ()
    setup: str = ""
    value: str = "f($args)"
    dot: str = ""
    complex_dot: str = ""
    conjugate: bool = False
    on_gpu: str = ""
    loses_shapes: bool = False
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def array_of(self, values: Any, dtype: str, *, exactly: bool = False) -> str:
        """An array of these values: of `dtype`, or of what a creation function makes of them in a cell of it."""
        values = np.asarray(values)
        kind = dtype if exactly else dtype_of_values(values.dtype.kind, dtype)
        shown = _shown(values.tolist()) if values.size else f"np.zeros({values.shape})"
        return Template(self.array).substitute(values=shown, dtype=Template(self.dtype).substitute(dtype=kind))

    def asarray_for(self, dtype: str) -> str:
        """The function `asarray` of a script in a cell of this dtype."""
        kinds = {k.__name__[0]: dtype_of_values(np.dtype(k).kind, dtype) for k in (float, complex, int, bool)}
        shown = ", ".join(f'"{k}": {Template(self.dtype).substitute(dtype=d)}' for k, d in kinds.items())
        return Template(self.asarray).substitute(kinds=f"{{{shown}}}").strip()


def _shown(values: Any) -> str:
    if isinstance(values, list):
        return f"[{', '.join(map(_shown, values))}]"
    if isinstance(values, complex) and "-0" in (repr(values.real)[:2], repr(values.imag)[:2]):
        return f"complex({values.real!r}, {values.imag!r})"
    return repr(values) if np.isfinite(values) else f'float("{values}")'


_NUMPY_ASARRAY = """
def asarray(values, dtype=None):
    values = np.asarray(values)
    return values.astype(dtype or $kinds[values.dtype.kind])
"""

_TAPE = """
def gradient($args):
    with tf.GradientTape() as tape:
        tape.watch([$args])
        result = f($args)
    return tape.gradient(result, [$args])
"""
_COMPILED = "@tf.function(autograph=False)\n"
_INNER = """
def first($args):
    with tf.GradientTape() as tape:
        tape.watch([$args])
        result = f($args)
    parts = tape.gradient(result, [$args], unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return [tf.convert_to_tensor(part) for part in parts]


"""
_PUSHED = """
def gradient($args):
    with tf.GradientTape() as tape:
        tape.watch([$args])
        with tf.autodiff.ForwardAccumulator([$args], [$velocity]) as accumulator:
            result = f($args)
        slope_along = accumulator.jvp(result, tf.UnconnectedGradients.ZERO)
    return tape.gradient(slope_along, [$args], unconnected_gradients=tf.UnconnectedGradients.ZERO)
"""

_LEAVES = """
def gradient($args):
    leaves = [a.detach().clone().requires_grad_() for a in ($args,)]
    result = f(*leaves)
    return torch.autograd.grad(result, leaves, allow_unused=True) if result.requires_grad else [None] * len(leaves)
"""

_AUTOGRAD_SLOPE = """
def slope_along($args, $along):
    return sum(make_jvp(f, i)($args)(tangent)[1] for i, tangent in enumerate([$along]))
"""

SCRIPTS = {
    "numpy": Script(
        title="NumPy",
        modules={
            "np": "numpy",
            "np.linalg": "numpy.linalg",
            "np.fft": "numpy.fft",
            "scipy.special": "scipy.special",
        },
        version='f"{np.__version__}, SciPy {scipy.__version__}"',
        imports=("import scipy.special",),
        array="np.array($values, $dtype)",
        dtype="np.$dtype",
        asarray=_NUMPY_ASARRAY,
        numbers="np.asarray($array)",
        modes={"reverse": ""},
        groups={"": ("numpy",), "linalg": ("numpy.linalg",), "fft": ("numpy.fft",), "special": ("scipy.special",)},
    ),
    "autograd": Script(
        title="autograd",
        modules={
            "anp": "autograd.numpy",
            "anp.linalg": "autograd.numpy.linalg",
            "anp.fft": "autograd.numpy.fft",
            "special": "autograd.scipy.special",
            "np": "numpy",
        },
        version='importlib.metadata.version("autograd")',
        imports=("import importlib.metadata", "import autograd"),
        array="np.array($values, $dtype)",
        dtype="np.$dtype",
        asarray=_NUMPY_ASARRAY.replace(
            "    values = np", "    if autograd.tracer.isbox(values):\n        return values\n    values = np"
        ),
        numbers="np.asarray($array)",
        dot="anp.sum($v * $g)",
        complex_dot="anp.sum(anp.real($v * $g))",
        conjugate=True,
        groups={
            "": ("autograd.numpy",),
            "linalg": ("autograd.numpy.linalg", "autograd.numpy"),
            "fft": ("autograd.numpy.fft",),
            "special": ("autograd.scipy.special",),
        },
        modes={
            "reverse": "gradient = autograd.grad(f, $numbers)\n",
            "forward": f"from autograd.differential_operators import make_jvp\n\n{_AUTOGRAD_SLOPE}",
            "rematerialized": "from autograd.differential_operators import checkpoint\n\n"
            "gradient = autograd.grad(checkpoint(f), $numbers)\n",
            "forward_over_reverse": """from autograd.differential_operators import make_jvp


def first($args):
    return autograd.builtins.tuple(autograd.grad(f, $numbers)($args))


def gradient($args):
    slopes = [make_jvp(first, i)($args)(tangent)[1] for i, tangent in enumerate([$velocity])]
    return [sum(parts) for parts in zip(*slopes)]
""",
            "reverse_over_reverse": """def slope_along($args):
    g = autograd.grad(f, $numbers)($args)
    return $slope


gradient = autograd.grad(slope_along, $numbers)
""",
            "reverse_over_forward": """from autograd.differential_operators import make_jvp


def slope_along($args):
    return sum(make_jvp(f, i)($args)(tangent)[1] for i, tangent in enumerate([$velocity]))


gradient = autograd.grad(slope_along, $numbers)
""",
        },
    ),
    "tensorflow": Script(
        title="TensorFlow",
        modules={
            "tf": "tensorflow",
            "tf.math": "tensorflow.math",
            "tf.linalg": "tensorflow.linalg",
            "tf.signal": "tensorflow.signal",
            "tf.nn": "tensorflow.nn",
            "tf.experimental.numpy": "tensorflow.experimental.numpy",
        },
        version="tf.__version__",
        imports=("import tensorflow as tf",),
        array="tf.constant($values, $dtype)",
        dtype="tf.$dtype",
        asarray="""
def asarray(values, dtype=None):
    if tf.is_tensor(values):
        return values if dtype is None else tf.cast(values, dtype)
    return tf.constant(values, dtype or $kinds[np.asarray(values).dtype.kind])
""",
        numbers="tf.convert_to_tensor($array).numpy()",
        dot="tf.reduce_sum($v * $g)",
        complex_dot="tf.reduce_sum(tf.math.real(tf.math.conj($v) * $g))",
        loses_shapes=True,
        on_gpu='tf.device("/GPU:0").__enter__()\ntf.config.experimental.enable_tensor_float_32_execution(False)\n',
        groups={
            "": ("tensorflow", "tensorflow.math"),
            "linalg": ("tensorflow.linalg",),
            "fft": ("tensorflow.signal",),
            "special": ("tensorflow.math", "tensorflow.math.special"),
        },
        modes={
            "reverse": _TAPE,
            "compiled": _COMPILED + _TAPE.lstrip(),
            "xla": _COMPILED.replace("False", "False, jit_compile=True") + _TAPE.lstrip(),
            "forward": _COMPILED
            + """def slope_along($args, $along):
    with tf.autodiff.ForwardAccumulator([$args], [$along]) as accumulator:
        result = f($args)
    return accumulator.jvp(result, tf.UnconnectedGradients.ZERO)
""",
            "vectorized": _INNER
            + _COMPILED
            + """def gradient($args):
    return tf.vectorized_map(lambda row: first(*row), ($args,))
""",
            "summed_over_batch": _COMPILED
            + """def gradient($args):
    with tf.GradientTape() as tape:
        tape.watch([$args])
        total = tf.reduce_sum(tf.vectorized_map(lambda row: f(*row), ($args,)))
    return tape.gradient(total, [$args])
""",
            "rematerialized": _COMPILED + _TAPE.lstrip().replace("f($args)", "tf.recompute_grad(f)($args)"),
            "forward_over_reverse": _INNER
            + _COMPILED
            + """def gradient($args):
    with tf.autodiff.ForwardAccumulator([$args], [$velocity]) as accumulator:
        parts = first($args)
    return [accumulator.jvp(part, tf.UnconnectedGradients.ZERO) for part in parts]
""",
            "reverse_over_reverse": _INNER
            + _COMPILED
            + """def gradient($args):
    with tf.GradientTape() as tape:
        tape.watch([$args])
        g = first($args)
        slope_along = $slope
    return tape.gradient(slope_along, [$args], unconnected_gradients=tf.UnconnectedGradients.ZERO)
""",
            "reverse_over_forward": _COMPILED + _PUSHED.lstrip(),
        },
    ),
    "jax": Script(
        title="JAX",
        modules={
            "jnp": "jax.numpy",
            "jnp.linalg": "jax.numpy.linalg",
            "jnp.fft": "jax.numpy.fft",
            "jax.scipy.special": "jax.scipy.special",
            "jax.nn": "jax.nn",
            "jax.lax": "jax.lax",
            "jax": "jax",
        },
        version="jax.__version__",
        imports=("import jax", "import jax.numpy as jnp"),
        setup='jax.config.update("jax_enable_x64", True)\n',
        array="jnp.array($values, $dtype)",
        dtype="jnp.$dtype",
        asarray="""
def asarray(values, dtype=None):
    if isinstance(values, jax.Array):
        return values if dtype is None else values.astype(dtype)
    return jnp.array(values, dtype or $kinds[np.asarray(values).dtype.kind])
""",
        numbers="np.asarray($array)",
        value="jax.jit(f)($args)",
        dot="jnp.sum($v * $g)",
        complex_dot="jnp.sum(jnp.real($v * $g))",
        conjugate=True,
        on_gpu='jax.config.update("jax_default_matmul_precision", "highest")\n',
        groups={
            "": ("jax.numpy", "jax.lax"),
            "linalg": ("jax.numpy.linalg",),
            "fft": ("jax.numpy.fft",),
            "special": ("jax.scipy.special",),
        },
        modes={
            "reverse": "gradient = jax.grad(f, $numbers)\n",
            "compiled": "gradient = jax.jit(jax.grad(f, $numbers))\n",
            "forward": """@jax.jit
def slope_along($args, $along):
    return jax.jvp(f, ($args,), ($along,))[1]
""",
            "vectorized": "gradient = jax.jit(jax.vmap(jax.grad(f, $numbers)))\n",
            "summed_over_batch": "gradient = jax.jit(jax.grad(lambda $args: jax.vmap(f)($args).sum(), $numbers))\n",
            "rematerialized": "gradient = jax.jit(jax.grad(jax.checkpoint(f), $numbers))\n",
            "forward_over_reverse": """@jax.jit
def pushed($args, $along):
    return jax.jvp(jax.grad(f, $numbers), ($args,), ($along,))[1]


def gradient($args):
    return pushed($args, $velocity)
""",
            "reverse_over_reverse": """def slope_along($args):
    g = jax.grad(f, $numbers)($args)
    return $slope


gradient = jax.jit(jax.grad(slope_along, $numbers))
""",
            "reverse_over_forward": """def slope_along($args):
    return jax.jvp(f, ($args,), ($velocity,))[1]


gradient = jax.jit(jax.grad(slope_along, $numbers))
""",
        },
    ),
    "torch": Script(
        title="PyTorch",
        modules={
            "torch": "torch",
            "torch.special": "torch.special",
            "torch.linalg": "torch.linalg",
            "torch.fft": "torch.fft",
            "torch.nn.functional": "torch.nn.functional",
        },
        version="torch.__version__",
        imports=("import torch",),
        array="torch.tensor($values, dtype=$dtype)",
        dtype="torch.$dtype",
        asarray="""
def asarray(values, dtype=None):
    if isinstance(values, torch.Tensor):
        return values if dtype is None else values.to(dtype)
    made = torch.asarray(np.asarray(values))
    kind = "b" if made.dtype == torch.bool else "c" if made.is_complex() else "f" if made.is_floating_point() else "i"
    return made.to(dtype or $kinds[kind], copy=True)
""",
        numbers="$array.detach().cpu().to($wide).numpy()",
        dot="torch.sum($v * $g)",
        complex_dot="torch.sum(torch.real(torch.conj($v) * $g))",
        on_gpu='torch.set_default_device("cuda")\n',
        groups={
            "": ("torch",),
            "linalg": ("torch.linalg",),
            "fft": ("torch.fft",),
            "special": ("torch.special",),
        },
        modes={
            "reverse": _LEAVES,
            "compiled": _LEAVES.replace("f(*", "compiled(*").replace("\n", "\ncompiled = torch.compile(f)\n\n\n", 1),
            "forward": """def slope_along($args, $along):
    return torch.func.jvp(f, ($args,), ($along,))[1]
""",
            "vectorized": "gradient = torch.func.vmap(torch.func.grad(f, $numbers))\n",
            "summed_over_batch": "gradient = torch.func.grad("
            "lambda $args: torch.func.vmap(f)($args).sum(), $numbers)\n",
            "rematerialized": "from torch.utils.checkpoint import checkpoint\n\n"
            + _LEAVES.replace("f(*leaves)", "checkpoint(f, *leaves, use_reentrant=False)"),
            "forward_over_reverse": """def gradient($args):
    return torch.func.jvp(torch.func.grad(f, $numbers), ($args,), ($velocity,))[1]
""",
            "reverse_over_reverse": """def gradient($args):
    $args, = leaves = [a.detach().clone().requires_grad_() for a in ($args,)]
    g = torch.autograd.grad(f($args), leaves, create_graph=True, allow_unused=True, materialize_grads=True)
    return torch.autograd.grad($slope, leaves, allow_unused=True, materialize_grads=True)
""",
            "reverse_over_forward": """def gradient($args):
    $args, = leaves = [a.detach().clone().requires_grad_() for a in ($args,)]
    slope_along = torch.func.jvp(f, ($args,), ($velocity,))[1]
    if not slope_along.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    return torch.autograd.grad(slope_along, leaves, allow_unused=True, materialize_grads=True)
""",
        },
    ),
}
