"""HIPS autograd's forward passes on a tape."""

from gradproof.backends.autograd.trace.tracing import OPERATIONS, trace

__all__ = ["OPERATIONS", "trace"]
