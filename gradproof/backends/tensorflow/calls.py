"""Somebody's own function of TensorFlow tensors and variables."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from gradproof.backends.calls import Calls
from gradproof.backends.tensorflow.trace import trace
from gradproof.backends.tensorflow.transformations import TensorflowTransformations
from gradproof.backends.tracing import Traced


class TensorflowCalls(Calls):
    """Trees are those of Python; TensorFlow has no registry of its own."""

    transformations = TensorflowTransformations()

    def is_array(self, leaf: Any) -> bool:
        return tf.is_tensor(leaf) or isinstance(leaf, tf.Variable | np.ndarray | np.generic | float | complex)

    def dtype_of(self, leaf: Any) -> str:
        return tf.as_dtype(tf.convert_to_tensor(leaf).dtype).name

    def to_numpy(self, leaf: Any) -> np.ndarray:
        values = np.asarray(tf.convert_to_tensor(leaf).numpy())
        return values.astype(np.float64) if values.dtype == tf.bfloat16.as_numpy_dtype else values

    def like(self, values: np.ndarray, leaf: Any, dtype: str) -> tf.Tensor:
        with tf.device(getattr(leaf, "device", None) or None):
            return tf.constant(np.asarray(values), dtype)

    def device_of(self, leaf: Any) -> str:
        return "gpu" if "GPU" in getattr(leaf, "device", "") else "cpu"

    def contract(self, parts: Sequence[tuple[np.ndarray, Any]]) -> Any:
        return tf.add_n([self._weighed(w, tf.convert_to_tensor(y)) for w, y in parts])

    @staticmethod
    def _weighed(w: np.ndarray, y: tf.Tensor) -> tf.Tensor:
        if not y.dtype.is_complex:
            return tf.reduce_sum(tf.constant(w, y.dtype) * y)
        return tf.math.real(tf.reduce_sum(tf.math.conj(tf.constant(w, y.dtype)) * y))

    def total(self, rows: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(rows)

    def stacked(self, arrays: Sequence[Any]) -> Any:
        return tf.stack(list(arrays))

    def zeros_like(self, array: Any) -> Any:
        return tf.zeros_like(array)

    def trace(self, f: Callable, arguments: list[Any]) -> Traced:
        return trace(lambda *arrays: [f(*arrays)], arguments, [True] * len(arguments))

    def settings(self) -> list[str]:
        return (
            ["TF32 products are on"] if tf.config.experimental.tensor_float_32_execution_enabled() and _gpus() else []
        )


def _gpus() -> list[Any]:
    return tf.config.list_physical_devices("GPU")


CALLS = TensorflowCalls
