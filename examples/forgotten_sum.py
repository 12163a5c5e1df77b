"""A bias that is added to every row of a batch: what it is given by the rows adds up, and here it does not."""

import tensorflow as tf

from gradproof import check_grads


@tf.custom_gradient
def wrong(x, b):
    """x + b, with the gradient of a sum of two numbers"""
    return x + b, lambda d: (d, d)


@tf.custom_gradient
def right(x, b):
    """x + b, a row of b to each row of x"""
    return x + b, lambda d: (d, tf.reduce_sum(d, axis=0))


def arguments():
    """A batch of four rows, and a bias."""
    x = tf.constant([[0.5, -1.25, 3.0], [1.0, 2.0, -0.5], [0.25, 0.75, 1.5], [-2.0, 1.0, 0.0]])
    return x, tf.constant([1.0, 2.0, 3.0])


if __name__ == "__main__":
    check_grads(wrong, arguments())
