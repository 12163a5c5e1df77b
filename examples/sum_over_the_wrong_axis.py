"""A scale and a shift for every feature. The gradient of the shift is summed over the features, and not over the batch;
as the batch has three rows and three features, every shape is right."""

import jax
import jax.numpy as jnp

from gradproof import check_grads


def _affine(axis_of_shift):
    @jax.custom_vjp
    def affine(x, scale, shift):
        return x * scale + shift

    def forward(x, scale, shift):
        return affine(x, scale, shift), (x, scale)

    def backward(kept, d):
        x, scale = kept
        return d * scale, jnp.sum(d * x, axis=0), jnp.sum(d, axis=axis_of_shift)

    affine.defvjp(forward, backward)
    return affine


wrong, right = _affine(1), _affine(0)


def arguments():
    """A batch of three rows with three features, their scales and their shifts."""
    x = jnp.array([[0.5, -1.25, 3.0], [1.0, 2.0, -0.5], [0.25, 0.75, 1.5]])
    return x, jnp.array([1.0, 0.5, 2.0]), jnp.array([0.0, 1.0, -1.0])


if __name__ == "__main__":
    check_grads(wrong, arguments())
