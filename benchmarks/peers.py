"""The gradient checkers that ship with each backend, at their own defaults, behind one signature: does the checker
object to this code at these inputs? First order and reverse mode, because that is what is planted."""

import warnings
from collections.abc import Callable

import numpy as np

from gradproof.registry import Inputs

Objects = Callable[[Callable, Inputs], bool]

COMPUTE_GRADIENT_BAR = 1e-3
"""TensorFlow's compute_gradient returns the two Jacobians and leaves the bar to the caller."""


def _autograd(all_arguments: bool) -> Objects:
    def objects(code: Callable, inputs: Inputs) -> bool:
        from autograd.test_util import check_grads

        # It draws its direction from NumPy's global generator: the same one each time.
        np.random.seed(0)
        try:
            if all_arguments:
                check_grads(lambda arguments: code(*arguments), modes=["rev"], order=1)(inputs)
            else:
                check_grads(code, modes=["rev"], order=1)(*inputs)
        except AssertionError:
            return True
        return False

    return objects


def _jax(dtype: str) -> Objects:
    def objects(code: Callable, inputs: Inputs) -> bool:
        import jax.numpy as jnp
        from jax.test_util import check_grads

        try:
            check_grads(code, tuple(jnp.asarray(x, dtype) for x in inputs), order=1, modes=["rev"])
        except AssertionError:
            return True
        return False

    return objects


def _torch(fast_mode: bool) -> Objects:
    def objects(code: Callable, inputs: Inputs) -> bool:
        import torch

        leaves = tuple(torch.tensor(x, requires_grad=True) for x in inputs)
        return not torch.autograd.gradcheck(code, leaves, fast_mode=fast_mode, raise_exception=False)

    return objects


def _tensorflow(dtype: str) -> Objects:
    def objects(code: Callable, inputs: Inputs) -> bool:
        import tensorflow as tf

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theory, measured = tf.test.compute_gradient(code, [tf.constant(x, dtype) for x in inputs])
        return max(float(np.abs(t - m).max()) for t, m in zip(theory, measured, strict=True)) > COMPUTE_GRADIENT_BAR

    return objects


PEERS: dict[str, tuple[str, str, Objects]] = {
    "autograd check_grads, by default the first argument": ("autograd", "float64", _autograd(False)),
    "autograd check_grads, all arguments": ("autograd", "float64", _autograd(True)),
    "JAX check_grads, float32": ("jax", "float32", _jax("float32")),
    "JAX check_grads, float64": ("jax", "float64", _jax("float64")),
    "PyTorch gradcheck, fast": ("torch", "float64", _torch(True)),
    "PyTorch gradcheck": ("torch", "float64", _torch(False)),
    "TensorFlow compute_gradient, float32": ("tensorflow", "float32", _tensorflow("float32")),
    "TensorFlow compute_gradient, float64": ("tensorflow", "float64", _tensorflow("float64")),
}
"""By name: the backend, the dtype, and the checker."""
