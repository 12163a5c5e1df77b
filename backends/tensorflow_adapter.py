"""The backend `tensorflow`: TensorFlow on the CPU or a GPU, with names and calling conventions of the standard put
around the native operations."""

import os
from collections.abc import Callable
from functools import cache
from typing import Any

# Before the import: otherwise every run opens with the log of the C++ runtime.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from backends.adapter import BINARY, UNARY, Adapter, creation, dtype_of_values, named
from functions import Namespace

for gpu in tf.config.list_physical_devices("GPU"):
    # Otherwise TensorFlow takes the whole card, and no other backend can run beside it.
    tf.config.experimental.set_memory_growth(gpu, True)
# TF32 would leave 10 bits of a float32 product or convolution on a GPU.
tf.config.experimental.enable_tensor_float_32_execution(False)

ELSEWHERE = {
    **dict(isfinite=tf.math.is_finite, sum=tf.math.reduce_sum, prod=tf.math.reduce_prod, mean=tf.math.reduce_mean),
    **dict(max=tf.math.reduce_max, min=tf.math.reduce_min, cumulative_prod=tf.math.cumprod, flip=tf.reverse),
}
LACKING = ("hypot", "isfinite", "log10", "log2", "logaddexp", "positive")


def lifted(operation: Callable) -> Callable:
    """`operation(x, y)` with a Python number on either side, which takes the dtype of the array on the other: on its
    own, a number on the left becomes float32."""

    def binary(x: Any, y: Any) -> tf.Tensor:
        if not tf.is_tensor(x):
            x = tf.constant(x, y.dtype)
        return operation(x, y)

    return binary


def where(condition: tf.Tensor, x: Any, y: Any) -> tf.Tensor:
    return lifted(lambda x, y: tf.where(condition, x, y))(x, y)


def var(x: tf.Tensor, axis: Any = None, correction: float = 0, keepdims: bool = False) -> tf.Tensor:
    population = tf.math.reduce_variance(x, axis, keepdims)
    count = x.shape.num_elements() / population.shape.num_elements()
    return population * (count / (count - correction)) if correction else population


def std(x: tf.Tensor, axis: Any = None, correction: float = 0, keepdims: bool = False) -> tf.Tensor:
    return tf.sqrt(var(x, axis, correction, keepdims)) if correction else tf.math.reduce_std(x, axis, keepdims)


def clip(x: tf.Tensor, min: Any = None, max: Any = None) -> tf.Tensor:
    return tf.clip_by_value(x, -np.inf if min is None else min, np.inf if max is None else max)


def moveaxis(x: tf.Tensor, source: Any, destination: Any) -> tf.Tensor:
    return tf.transpose(x, np.moveaxis(np.arange(x.ndim)[(None,) * 0], 0, 0))


def take_along_axis(x: tf.Tensor, indices: tf.Tensor, axis: int = -1) -> tf.Tensor:
    x, indices = moveaxis(x, axis, -1), moveaxis(indices, axis, -1)
    return moveaxis(tf.gather(x, indices, axis=-1, batch_dims=x.ndim - 1), -1, axis)


def matmul(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    raise NotImplementedError
