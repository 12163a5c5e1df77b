"""PyTorch's way onto the tape: `trace`, and the list of the operations that it claims, `OPERATIONS`."""

from gradproof.backends.torch.trace.rules import OPERATIONS
from gradproof.backends.torch.trace.tracing import trace

__all__ = ["OPERATIONS", "trace"]
