"""x sigmoid(x), whose derivative has two terms, one for each x. The second is 0 at x = 0: whoever tries the gradient
there sees nothing."""

import autograd.numpy as np
from autograd.extend import defvjp, primitive

from gradproof import check_grads


def swish(x):
    """x sigmoid(x)"""
    return x / (1 + np.exp(-x))


def sigmoid(x):
    """What x is multiplied with."""
    return 1 / (1 + np.exp(-x))


wrong, right = primitive(swish), primitive(swish)
defvjp(wrong, lambda y, x: lambda d: d * sigmoid(x))
defvjp(right, lambda y, x: lambda d: d * (sigmoid(x) + y * (1 - sigmoid(x))))


def arguments():
    """Zero, and two other numbers."""
    return (np.array([0.0, -1.25, 3.0]),)


if __name__ == "__main__":
    check_grads(wrong, arguments())
