"""TensorFlow's way onto the tape: `trace`, and the list of the operations that it claims, `OPERATIONS`."""

from gradproof.backends.tensorflow.trace.interpreter import OPERATIONS
from gradproof.backends.tensorflow.trace.tracing import trace

__all__ = ["OPERATIONS", "trace"]
