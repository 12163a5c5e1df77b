"""How HIPS autograd differentiates."""

import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import autograd
import autograd.builtins
import autograd.differential_operators
import autograd.numpy as anp
import numpy as np
from autograd.extend import defjvp, defvjp_argnums, primitive
from autograd.tracer import getval

from gradproof.backends.calls import one_after_the_other
from gradproof.backends.numpy.transformations import NumpyTransformations

VERSION = version("autograd")


class AutogradTransformations(NumpyTransformations):
    """autograd's own differential operators, on arrays of NumPy."""

    name = "autograd"

    def version(self) -> str:
        return f"{VERSION} (NumPy {np.__version__})"

    def gradient(self, f: Callable) -> Callable:
        def gradient(*arguments: np.ndarray) -> tuple[Any, ...]:
            parts = autograd.grad(f, tuple(range(len(arguments))))(*arguments)
            return tuple(anp.conj(part) if np.iscomplexobj(getval(part)) else part for part in parts)

        return _unwarned(gradient)

    def pulled_back(self, f: Callable, arrays: Sequence[Any], factors: Sequence[float]) -> list[tuple[Any, ...]]:
        """The gradients of `f` times each of these factors, from one forward pass."""

        def pulled(*arguments: np.ndarray) -> list[tuple[Any, ...]]:
            pull, value = autograd.core.make_vjp(lambda given: f(*given), autograd.builtins.tuple(arguments))
            kind = np.result_type(getval(value))
            return one_after_the_other(lambda by: tuple(map(np.conj, pull(np.asarray(by, kind)[()]))), factors)

        return _unwarned(pulled)(*arrays)

    def value_and_gradient(self, f: Callable) -> Callable:
        def both(*arguments: np.ndarray) -> tuple[Any, tuple[Any, ...]]:
            value, parts = autograd.value_and_grad(f, tuple(range(len(arguments))))(*arguments)
            return value, tuple(anp.conj(part) if np.iscomplexobj(getval(part)) else part for part in parts)

        return _unwarned(both)

    def value_and_tangent(self, f: Callable) -> Callable:
        def push(*arrays: Any) -> Any:
            count = len(arrays) // 2
            # Along the first argument: the value is that of the same rules.
            return autograd.differential_operators.make_jvp(f, 0)(*arrays[:count])(arrays[count])

        return _unwarned(push)

    def jvp(self, f: Callable) -> Callable:
        def traced(*arguments: Any) -> Any:
            result = f(*arguments)
            return autograd.builtins.tuple(result) if isinstance(result, tuple) else result

        def push(*arrays: Any) -> Any:
            count = len(arrays) // 2
            primals, tangents = arrays[:count], arrays[count:]
            # One argument after the other: the tangent of a tuple of arguments cannot be taken.
            pushes = [autograd.differential_operators.make_jvp(traced, i)(*primals) for i in range(count)]
            slopes = [along(tangent)[1] for along, tangent in zip(pushes, tangents, strict=True)]
            if isinstance(slopes[0], tuple):
                return tuple(sum(parts) for parts in zip(*slopes, strict=True))
            return sum(slopes)

        return _unwarned(push)

    def checkpoint(self, f: Callable) -> Callable:
        return autograd.differential_operators.checkpoint(f)

    def with_pullback(self, f: Callable, rule: Callable) -> Callable:
        code = primitive(f)
        defvjp_argnums(code, lambda argnums, ans, args, kwargs: lambda cotangent: tuple(rule(args, cotangent)))
        return code

    def with_tangent(self, f: Callable, rule: Callable) -> Callable:
        code = primitive(f)
        defjvp(code, lambda tangent, ans, x: rule(x, tangent))
        return code


def _unwarned(f: Callable) -> Callable:
    """Without the warnings of NumPy, and without autograd's about an argument that a function ignores: it gets zeros,
    which is right, and the warning would end the run. So would that of the imaginary part that is discarded where an
    adjoint goes back to a real array, which is right as well."""

    def run(*arguments: Any) -> Any:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.filterwarnings("ignore", "Output seems independent of input", UserWarning)
            warnings.filterwarnings("ignore", category=np.exceptions.ComplexWarning)
            return f(*arguments)

    return run
