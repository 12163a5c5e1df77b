"""The gradient checkers that people have, at their own defaults, behind one signature: does the checker object to this
code at these inputs? First order and reverse mode, because that is what is planted. Those of SciPy and numdifftools
take a function and its gradient in NumPy, which are given to them by autograd."""

import warnings
from collections.abc import Callable

import numpy as np

from gradproof import backends
from gradproof.oracles.verdict import FAILING
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


def _torch(fast_mode: bool, dtype: str = "float64") -> Objects:
    def objects(code: Callable, inputs: Inputs) -> bool:
        import torch

        leaves = tuple(torch.tensor(x, dtype=getattr(torch, dtype), requires_grad=True) for x in inputs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
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


def _in_numpy(code: Callable, inputs: Inputs) -> tuple[Callable, Callable, np.ndarray]:
    """The function of one vector that SciPy and numdifftools ask for, its gradient by autograd, and where."""
    import autograd

    shapes = [x.shape for x in inputs]
    ends = np.cumsum([x.size for x in inputs])[:-1]

    def joined(vector: np.ndarray) -> float:
        return code(
            *(part.reshape(shape) for part, shape in zip(autograd.numpy.split(vector, ends), shapes, strict=True))
        )

    whole = autograd.grad(lambda arguments: code(*arguments))

    def gradient(vector: np.ndarray) -> np.ndarray:
        parts = whole(tuple(p.reshape(s) for p, s in zip(np.split(vector, ends), shapes, strict=True)))
        return np.concatenate([np.ravel(part) for part in parts])

    return joined, gradient, np.concatenate([np.ravel(x) for x in inputs])


CHECK_GRAD_BAR = 1e-6
"""SciPy's check_grad and approx_derivative, and numdifftools, return numbers and leave the bar to the caller: for
check_grad, whose documentation shows errors of 1e-8 to 1e-6, relative to the norm of the gradient as well."""


def _scipy_check_grad(code: Callable, inputs: Inputs) -> bool:
    from scipy.optimize import check_grad

    f, gradient, x = _in_numpy(code, inputs)
    return not check_grad(f, gradient, x) <= CHECK_GRAD_BAR * max(1.0, float(np.linalg.norm(gradient(x))))


def _scipy_check_derivative(code: Callable, inputs: Inputs) -> bool:
    from scipy.optimize._numdiff import check_derivative

    f, gradient, x = _in_numpy(code, inputs)
    return not check_derivative(f, gradient, x) <= CHECK_GRAD_BAR


def _numdifftools(code: Callable, inputs: Inputs) -> bool:
    import numdifftools

    f, gradient, x = _in_numpy(code, inputs)
    measured, theirs = numdifftools.Gradient(f)(x), gradient(x)
    return not np.allclose(theirs, measured, rtol=CHECK_GRAD_BAR, atol=CHECK_GRAD_BAR)


def said(backend: str, dtype: str, code: Callable, inputs: Inputs) -> str:
    """The verdict of this package's own call."""
    import gradproof

    adapter = backends.load(backend)
    arrays = [adapter.array(x, dtype, "cpu") for x in inputs]
    if backend == "torch":
        arrays = [array.requires_grad_() for array in arrays]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gradproof.GradproofWarning)
        try:
            return gradproof.check_grads(code, tuple(arrays), modes="rev").verdict
        except gradproof.GradientError as error:
            return error.report.verdict


def _gradproof(backend: str, dtype: str) -> Objects:
    return lambda code, inputs: said(backend, dtype, code, inputs) in FAILING


OURS: dict[str, tuple[str, str, Objects]] = {
    f"**Gradproof**, {backend} {dtype}": (backend, dtype, _gradproof(backend, dtype))
    for backend in ("autograd", "tensorflow", "jax", "torch")
    for dtype in ("float64", "float32", "bfloat16")
    if (backend, dtype) != ("autograd", "bfloat16")
}
"""This package's own call, in the same form."""

PEERS: dict[str, tuple[str, str, Objects]] = {
    "autograd check_grads, by default the first argument": ("autograd", "float64", _autograd(False)),
    "autograd check_grads, all arguments": ("autograd", "float64", _autograd(True)),
    "JAX check_grads, float32": ("jax", "float32", _jax("float32")),
    "JAX check_grads, float64": ("jax", "float64", _jax("float64")),
    "PyTorch gradcheck, fast": ("torch", "float64", _torch(True)),
    "PyTorch gradcheck": ("torch", "float64", _torch(False)),
    "TensorFlow compute_gradient, float32": ("tensorflow", "float32", _tensorflow("float32")),
    "TensorFlow compute_gradient, float64": ("tensorflow", "float64", _tensorflow("float64")),
    "SciPy check_grad": ("autograd", "float64", _scipy_check_grad),
    "SciPy approx_derivative, by check_derivative": ("autograd", "float64", _scipy_check_derivative),
    "numdifftools Gradient": ("autograd", "float64", _numdifftools),
}
"""By name: the backend, the dtype, and the checker."""

NARROW: dict[str, tuple[str, str, Objects]] = {
    "JAX check_grads, bfloat16": ("jax", "bfloat16", _jax("bfloat16")),
    "PyTorch gradcheck, float32": ("torch", "float32", _torch(False, "float32")),
    "PyTorch gradcheck, bfloat16": ("torch", "bfloat16", _torch(False, "bfloat16")),
    "TensorFlow compute_gradient, bfloat16": ("tensorflow", "bfloat16", _tensorflow("bfloat16")),
}
"""The same in formats that people train in."""
