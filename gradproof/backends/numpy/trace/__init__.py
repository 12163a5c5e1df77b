"""Plain NumPy code on a tape: it runs on arrays that record themselves."""

from gradproof.backends.numpy.trace.tracing import FUNCTIONS, OPERATIONS, Recording, new_recording, trace

__all__ = ["FUNCTIONS", "OPERATIONS", "Recording", "new_recording", "trace"]
